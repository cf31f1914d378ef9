"""Who loads in bulk is held up while a projection is too far behind, and only as long as somebody feeds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.errors import Busy
from catalog.ledger.append import Ledger
from catalog.ledger.book import Book
from catalog.upkeep.pressure import Pressure
from tests.contract.ledgers import enter, entry, opened


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    enter(made, *(entry(f"s{number}") for number in range(10)))
    yield made
    made.store.close()


def answering(ledger: Ledger, position: int) -> None:
    """Let a generation answer that has come so far."""
    with ledger.store.write() as connection:
        connection.execute(text("DELETE FROM projection"))
        connection.execute(
            text(
                "INSERT INTO projection (name, generation, state, why, fingerprint, started_at, position, closed_to)"
                " VALUES ('search', 1, 'live', 'first', 'x', '', :position, :position)"
            ),
            {"position": position},
        )


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += 1


def test_a_load_is_refused_while_a_projection_is_further_behind_than_the_limit(ledger: Ledger, tmp_path: Path) -> None:
    moment, book = Time(), Book(ledger.store, tmp_path)
    pressure = Pressure(book, 5, clock=moment.clock, sleep=moment.sleep)
    pressure.refuse()  # what never answered is not waited for
    answering(ledger, 4)
    moment.now += 1
    with pytest.raises(Busy) as refused:
        pressure.refuse()
    assert refused.value.retry_after_seconds > 0
    answering(ledger, 5)
    moment.now += 1
    pressure.refuse()


def test_a_load_under_way_waits_until_the_projections_come_nearer(ledger: Ledger, tmp_path: Path) -> None:
    moment, book = Time(), Book(ledger.store, tmp_path)
    answering(ledger, 0)

    def sleep(seconds: float) -> None:
        moment.sleep(seconds)
        if moment.slept == 3:
            answering(ledger, 9)

    pressure = Pressure(book, 5, clock=moment.clock, sleep=sleep)
    pressure.ease()
    assert moment.slept == 0  # nobody feeds them, so waiting would help nobody
    assert book.take_lease("somebody") is not None
    pressure.ease()
    assert moment.slept == 3
