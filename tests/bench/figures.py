"""How a figure is said, and where the data and scratch folders of the benches are."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".bench"
RECORDS = FOLDER / "records-20000.ndjson"
COUNT = 20_000


def say(name: str, value: float, unit: str) -> None:
    """One figure, in a line."""
    print(f"{name} {value:,.0f} {unit}".replace(",", "") if value >= 100 else f"{name} {value:.3g} {unit}", flush=True)


def note(text: str) -> None:
    """What a person who waits wants to know; never a figure."""
    print(text, file=sys.stderr, flush=True)
