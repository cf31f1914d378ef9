"""Make the records that gate, load and read are measured with."""

from __future__ import annotations

from tests.bench import records
from tests.bench.figures import COUNT, RECORDS, note


def main() -> None:
    """Write the file unless it is there."""
    records.write(RECORDS, COUNT)
    note(f"{RECORDS}: {RECORDS.stat().st_size / COUNT:.0f} bytes a record")


if __name__ == "__main__":
    main()
