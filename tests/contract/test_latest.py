"""The last position, looked up only where something was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from catalog.ledger.append import Ledger
from catalog.ledger.latest import Latest
from tests.contract.ledgers import enter, entry, opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    postgresql = request.param == "postgresql"
    made = opened(request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'c.db'}")
    yield made
    made.store.close()


def test_whatever_was_written_is_seen_at_the_next_look(ledger: Ledger) -> None:
    latest = Latest(ledger.store)
    for number in range(3):
        enter(ledger, entry(f"r{number}"))
        assert latest.position() == ledger.last_position()
        assert latest.position() == ledger.last_position()
    latest.close()
    enter(ledger, entry("after"))
    assert latest.position() == ledger.last_position()


def test_sqlite_is_not_read_where_nothing_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(f"sqlite:///{tmp_path / 'c.db'}")
    reads = 0
    read = ledger.store.read

    def counted() -> AbstractContextManager[Connection]:
        nonlocal reads
        reads += 1
        return read()

    monkeypatch.setattr(ledger.store, "read", counted)
    latest = Latest(ledger.store)
    enter(ledger, entry("a"))
    positions = {latest.position() for _ in range(10)}
    assert len(positions) == 1
    assert reads == 1
    enter(ledger, entry("b"))
    assert latest.position() == max(positions) + 1
    assert reads == 2
    latest.close()
    ledger.store.close()
