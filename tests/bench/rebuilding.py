"""Records a second of building each projection anew, and of verifying it, at 200,000 records (and at a million in bench-large)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from catalog.assembly import open_catalog
from catalog.records.standing import NAMES
from catalog.settings import read_settings
from tests.bench.figures import say
from tests.bench.settled import filled, filled_large, loaded

COUNTS = {"20k": 20_000, "200k": 200_000, "1m": 1_000_000}
# A fiftieth of a million with the shape of the real ones, of which a record has 94 statements and not 40.
LARGE = {"large-20k": 0.02}


def main(size: str) -> None:
    """Both commands as a person would give them, without a server."""
    if size in LARGE:
        data = filled_large(LARGE[size])
    else:
        # A million fill the ledger in minutes and the projections in an hour, which is what is measured here.
        data = loaded(COUNTS[size]) if size == "1m" else filled(COUNTS[size])
    count = public_records(data)
    for name in NAMES:
        say(f"rebuild-{name}-{size}", count / seconds("rebuild", name, data), "records/s")
    for name in NAMES:
        say(f"verify-{name}-{size}", count / seconds("verify", name, data), "records/s")


def public_records(data: Path) -> int:
    """How many records are in the projections."""
    catalog = open_catalog(read_settings(data=data))
    try:
        with catalog.store.read() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM record WHERE status = 'public'")) or 0)
    finally:
        catalog.close()


def seconds(command: str, name: str, data: Path) -> float:
    """How long a command took; SystemExit if it did not end well."""
    began = time.perf_counter()
    program = str(Path(sys.executable).parent / "catalog")
    subprocess.run([program, command, name, "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "200k")
