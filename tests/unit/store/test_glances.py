"""Connections for single statements: kept at hand, a few of them, and never one of which nobody knows how far it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from catalog.store.engine import Store
from catalog.store.sqlite import Sqlite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(Sqlite(tmp_path / "ledger.sqlite", readers=6))
    yield made
    made.close()


def test_the_same_connection_is_at_hand_again(store: Store) -> None:
    with store.glance() as first:
        assert first.execute("SELECT 1").fetchone() == (1,)
    with store.glance() as again:
        assert again is first


def test_two_at_a_time_have_two_connections(store: Store) -> None:
    with store.glance() as one, store.glance() as other:
        assert one is not other


def test_after_an_error_the_next_gets_another(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.glance() as first:
        raise ZeroDivisionError
    with store.glance() as next_:
        assert next_ is not first


def test_however_many_were_used_at_a_time_the_pool_has_all_but_a_few_again(store: Store) -> None:
    database = store.database
    with ExitStack() as together:
        for _ in range(6):
            together.enter_context(store.glance())
    with ExitStack() as together:
        readers = [together.enter_context(store.read()) for _ in range(6 - database.at_hand)]
        assert len({id(each.connection.driver_connection) for each in readers}) == len(readers)
        # And those that are at hand are still of use while the pool is empty.
        with store.glance() as driver:
            assert driver.execute("SELECT 1").fetchone() == (1,)
