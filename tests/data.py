"""Where the real records and the published suites lie: outside the project, read where they are."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """`CATALOG_TEST_DATA`, or `shared/data` beside the checkout; whether it is there is for the caller to see."""
    return Path(os.environ.get("CATALOG_TEST_DATA", PROJECT.parent / "shared" / "data"))
