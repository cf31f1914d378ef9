"""Reading together: a record that changed is read once for all projections, and never as it stood before a closing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from catalog.ledger.standing import Standings
from catalog.records.standing import Gone, Standing
from catalog.upkeep import together
from catalog.upkeep.together import Exact, Together
from tests.contract.followed import Followed, followed

AT_ANY_TIME = ""


class Counted(Standings):
    """Notes which records were read."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.asked: list[int] = []

    def read_in(self, connection: Connection, keys: Collection[int]) -> tuple[list[Standing], list[Gone]]:
        self.asked += keys
        return super().read_in(connection, keys)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Followed]:
    with followed(f"sqlite:///{tmp_path / 'c.db'}", tmp_path / "projections") as opened:
        opened.standings = Counted(opened.ledger.store)
        yield opened


def asked(here: Followed) -> list[int]:
    assert isinstance(here.standings, Counted)
    return here.standings.asked


def read(
    here: Followed, reading: Together, who: str, keys: Collection[int], exact: Exact
) -> tuple[list[Standing], list[Gone]]:
    with here.ledger.store.read() as connection:
        return reading.read_in(connection, who, keys, exact)


def two(here: Followed) -> tuple[Together, list[int]]:
    """Two who follow, `first` ahead of `second`, and the keys of three records, one of them hidden."""
    reading = Together(here.standings)
    keys = [here.key_of(here.enter(each)) for each in ("a", "b")] + [here.key_of(here.enter("c", becomes="private"))]
    reading.come("first", 2)
    reading.come("second", 1)
    return reading, keys


def test_a_record_that_changed_is_read_once_for_both_projections(here: Followed) -> None:
    here.catch_up()
    follower = here.follower()
    follower.step()
    keys = [here.key_of(here.enter(f"r{number}")) for number in range(5)]
    asked(here).clear()
    while follower.step():
        pass
    follower.close()
    assert sorted(asked(here)) == sorted(keys)
    here.assert_true()


def test_what_the_one_ahead_read_serves_the_other_once(here: Followed) -> None:
    reading, keys = two(here)
    exact = Exact(here.ledger.last_position(), AT_ANY_TIME)
    first = read(here, reading, "first", keys, exact)
    assert ([each.key for each in first[0]], [each.key for each in first[1]]) == (keys[:2], keys[2:])
    asked(here).clear()

    assert read(here, reading, "second", keys, exact) == first
    assert asked(here) == []
    assert read(here, reading, "second", keys, exact) == first
    assert asked(here) == keys


def test_what_the_one_behind_reads_is_kept_for_nobody(here: Followed) -> None:
    reading, keys = two(here)
    exact = Exact(here.ledger.last_position(), AT_ANY_TIME)
    read(here, reading, "second", keys, exact)
    asked(here).clear()
    read(here, reading, "second", keys, exact)
    assert asked(here) == keys


def test_what_was_read_before_a_closing_or_before_an_embargo_ended_is_read_again(here: Followed) -> None:
    reading, keys = two(here)
    early = Exact(here.ledger.last_position(), AT_ANY_TIME)
    read(here, reading, "first", keys, early)
    here.ledger.change_status("sample/lab/a", "suppress", by="tester")
    closed = Exact(here.ledger.last_position(), AT_ANY_TIME)
    shown, gone = read(here, reading, "second", keys, closed)
    assert ([each.key for each in shown], [each.key for each in gone]) == ([keys[1]], [keys[0], keys[2]])

    read(here, reading, "first", keys, closed)
    asked(here).clear()
    read(here, reading, "second", keys, Exact(closed.position, "9999"))
    assert asked(here) == keys


def test_no_more_is_kept_than_some_batches_and_nothing_of_who_has_left(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "KEPT_MOST", 2)
    reading, keys = two(here)
    exact = Exact(here.ledger.last_position(), AT_ANY_TIME)
    read(here, reading, "first", keys, exact)
    asked(here).clear()
    read(here, reading, "second", keys, exact)
    assert len(asked(here)) == 1

    for let_go in (reading.forget, lambda: reading.leave("third")):
        read(here, reading, "first", keys, exact)
        let_go()
        asked(here).clear()
        read(here, reading, "second", keys, exact)
        assert asked(here) == keys


def test_who_is_ahead_waits_for_who_comes_on_but_not_for_who_is_far_behind_or_stands_still(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Together(here.standings)
    reading.come("first", 100_000)
    assert not reading.is_ahead("first", 100_000)
    reading.come("second", 100_000 - together.AHEAD)
    assert reading.is_ahead("first", 100_000)
    assert not reading.is_ahead("second", 100_000 - together.AHEAD)
    reading.come("second", 100_000 - together.AHEAD + 1)
    assert not reading.is_ahead("first", 100_000)
    reading.come("second", 100_000 - together.LEFT_BEHIND)
    assert not reading.is_ahead("first", 100_000)
    reading.come("second", 100_000 - together.AHEAD)
    monkeypatch.setattr(together, "PATIENCE_SECONDS", 0.0)
    assert not reading.is_ahead("first", 100_000)
    monkeypatch.undo()
    reading.leave("second")
    assert not reading.is_ahead("first", 100_000)


def test_neither_projection_changes_what_the_other_is_given(here: Followed) -> None:
    here.enter("a", {"title": {"en": "one"}})
    here.enter("b", {"title": {"en": "two"}, "derivedFrom": ["sample/lab/a"]})
    given: list[tuple[Standing, Standing]] = []

    def note(_: str, shown: Any, __: Any) -> None:
        given.extend((each, deepcopy(each)) for each in shown)

    for watched in here.projections.values():
        watched.before = note
    here.catch_up()
    assert len(given) == 4
    assert all(was == copied for was, copied in given)
