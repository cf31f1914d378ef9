"""Expected failures of published suites: each by name, with its reason, and none that is no failure any more."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent


def gaps_of(suite: str) -> dict[str, str]:
    """The reasons by the test's name, from `gaps_<suite>.toml`."""
    told = tomllib.loads((HERE / f"gaps_{suite}.toml").read_text(encoding="utf-8"))
    return {name: gap["reason"] for gap in told.get("gap", []) for name in gap["tests"]}


def hold(suite: str, ran: Iterable[str], failed: Iterable[str]) -> None:
    """Fail for what failed and is not listed, and for what is listed and did not fail."""
    gaps, ran, failed = gaps_of(suite), set(ran), set(failed)
    unexpected = sorted(failed - set(gaps))
    closed = sorted((set(gaps) & ran) - failed)
    assert not unexpected, f"{len(unexpected)} fail and are not listed in gaps_{suite}.toml: {unexpected[:20]}"
    assert not closed, f"these pass now and must leave gaps_{suite}.toml: {closed}"


def hold_names(suite: str, every: Iterable[str]) -> None:
    """Fail for a listed name that no test of the suite bears."""
    strangers = sorted(set(gaps_of(suite)) - set(every))
    assert not strangers, f"gaps_{suite}.toml names tests that are not in the suite: {strangers}"
