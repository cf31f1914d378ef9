"""Writes schemas/openapi.json from the operations; a test holds that it is up to date."""

from __future__ import annotations

import json
from pathlib import Path

from catalog.web.app import bare
from catalog.web.described import description

COMMITTED = Path(__file__).resolve().parent.parent / "schemas" / "openapi.json"


def main() -> None:
    COMMITTED.write_text(json.dumps(description(bare()), ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
