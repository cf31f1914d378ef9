"""Following the ledger: what comes first, what spreads, what fails, how generations come and go."""

from __future__ import annotations

import errno
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

from catalog.errors import Unavailable
from catalog.ledger.book import NOTHING, Come, Superseded
from catalog.ledger.verifications import Verifications
from catalog.projections.projection import Unprojectable
from catalog.records.standing import Gone, Standing
from catalog.upkeep import follow
from catalog.upkeep.follower import Follower
from catalog.upkeep.health import health
from tests.contract.followed import Followed, followed
from tests.contract.ledgers import entry

PROJECT = Path(__file__).resolve().parents[3]
MOMENTS = ["2026-11-21T12:00:00.000000Z"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Followed]:
    """An empty ledger; its clock stands still unless a test moves it."""
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'c.db'}"
    MOMENTS[:] = ["2026-11-21T12:00:00.000000Z"]
    with followed(address, tmp_path / "projections", clock=lambda: MOMENTS[-1]) as opened:
        yield opened


def fed(here: Followed) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """What was fed to the search index, without what was settled."""
    return [call for call in here.search.calls if call[0] != "settle" and (call[1] or call[2])]


def titled(title: str, *targets: str) -> dict[str, object]:
    return {"title": {"en": title}, **({"derivedFrom": list(targets)} if targets else {})}


# ------------------------------------------------------------------------------------------------------- in order


def test_an_empty_catalogue_answers_at_once_and_each_record_is_in_it_soon_after(here: Followed) -> None:
    here.catch_up()
    assert here.states() == [(1, "live")]
    assert here.held() == set()

    id = here.enter("a")
    here.catch_up()

    assert here.held() == {id}
    assert here.row().position == here.ledger.last_position()
    here.assert_true()


def test_a_record_that_changed_often_is_fed_once_as_it_stands_now(here: Followed) -> None:
    here.catch_up()
    for number in range(5):
        id = here.enter("a", titled(f"title {number}"))
    here.ledger.change_status(id, "suppress", by="tester")
    here.ledger.change_status(id, "publish", by="tester")
    here.search.calls.clear()

    here.catch_up()

    assert here.search.shown() == [id]
    here.assert_true()


def test_what_is_not_public_never_comes_in(here: Followed) -> None:
    here.catch_up()
    here.enter("a", becomes="private")
    here.enter("b", becomes="draft")
    here.enter_many("c", breaks="kind")
    here.search.calls.clear()

    here.catch_up()

    assert fed(here) == []
    assert here.row().position == here.ledger.last_position()
    here.assert_true()


def test_more_changes_than_fit_in_a_batch_are_all_followed(here: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "BATCH", 7)
    here.catch_up()
    here.enter_many(*(f"s{number}" for number in range(50)))
    here.enter_many(*(f"s{number}" for number in range(0, 50, 3)), body=titled("again"))

    here.catch_up()

    here.assert_true()
    assert len(here.held()) == 50


def test_a_position_is_told_only_when_all_of_it_was_settled(here: Followed) -> None:
    here.catch_up()
    here.enter("a")
    positions: list[int] = []
    here.search.before = lambda what, shown, gone: positions.append(here.row().position)

    here.catch_up()

    assert positions
    assert max(positions) < here.row().position == here.ledger.last_position()


# ------------------------------------------------------------------------------------------------------- closings


def test_what_closes_overtakes_everything_else(here: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "BATCH", 10)
    secret = here.enter("secret")
    here.catch_up()
    here.enter_many(*(f"s{number}" for number in range(100)))
    follower = here.follower()
    assert follower.step()
    here.ledger.change_status(secret, "hide", by="tester")
    here.search.calls.clear()

    while here.book.pending("search"):
        assert follower.step()

    behind = here.book.lag("search").changes
    follower.close()
    assert behind > 50
    assert here.search.calls[0] == ("close_down", (), (secret,))
    assert secret not in here.held()
    here.catch_up()
    here.assert_true()


def test_what_closes_before_its_turn_came_is_not_brought_in_twice(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "BATCH", 5)
    here.catch_up()
    here.enter_many(*(f"s{number}" for number in range(20)))
    here.ledger.move("sample/lab/s15", "company", by="tester")
    here.ledger.change_status("sample/lab/s16", "hide", by="tester")
    here.ledger.change_status("sample/lab/s16", "publish", by="tester")
    here.ledger.merge("sample/lab/s17", "sample/lab/s18", by="tester")

    here.catch_up()

    here.assert_true()


def test_a_closing_spreads_to_what_tells_of_the_closed(here: Followed) -> None:
    target = here.enter("target")
    linker, other = here.enter("linker", titled("L", target)), here.enter("other")
    here.catch_up()
    here.search.calls.clear()

    here.ledger.withdraw(target, "spoilt", by="tester")
    here.catch_up()

    assert here.search.shown() == [linker]
    assert here.book.pending("search") == NOTHING
    assert other in here.held()
    here.assert_true()


def test_a_hub_that_closes_is_told_to_spread_until_all_that_speak_of_it_were_reached(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "LINKERS_AT_ONCE", 5)
    monkeypatch.setattr(follow, "HUB", 2)
    monkeypatch.setattr(follow, "SLICE", 10)
    hub = here.enter("hub")
    here.ledger.append([entry(f"s{number}", titled("x", hub)) for number in range(45)], by="tester")
    here.catch_up()
    here.search.calls.clear()
    here.ledger.withdraw(hub, "spoilt", by="tester")
    follower = here.follower()

    assert follower.step()
    while not here.book.spreads("search", 1):
        assert follower.step()
    pending = here.book.pending("search")
    assert (pending.records, pending.spreading) == (frozenset(), True)
    late = here.enter("late")
    quickly = here.ledger.change_status(late, "hide", by="tester")
    follower.close()  # as if it had died: the rest is found in the book
    here.catch_up()

    assert quickly is not None
    assert sorted(set(here.search.shown())) == sorted(f"sample/lab/s{number}" for number in range(45))
    assert here.book.pending("search") == NOTHING
    here.assert_true()


def test_a_scope_that_closes_reaches_all_that_lies_in_it_and_below_and_what_tells_of_them(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SLICE", 4)
    here.enter_many(*(f"s{number}" for number in range(10)))
    here.enter_many(*(f"p{number}" for number in range(5)), into="lab/2026A1")
    outside = here.enter("outside", titled("O", "sample/lab/p1"), into="company")
    here.catch_up()
    here.search.calls.clear()

    here.scope("lab", "limited")
    assert here.book.pending("search").spreading
    here.catch_up()

    assert {call[0] for call in fed(here)} >= {"close_down"}
    assert set(here.search.shown()) == {
        *(f"sample/lab/s{n}" for n in range(10)),
        *(f"sample/lab/p{n}" for n in range(5)),
        outside,
    }
    assert here.book.pending("search") == NOTHING
    here.assert_true()


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("dies_after", [None, 0, 2, 5, 9, 14])
def test_a_scope_that_closes_is_shut_in_the_graph_before_anything_is_put_where_it_lies_now(
    here: Followed, monkeypatch: pytest.MonkeyPatch, swept: bool, dies_after: int | None
) -> None:
    monkeypatch.setattr(follow, "SLICE", 4)
    monkeypatch.setattr(follow, "SWEEP_LEAST", 1 if swept else 1_000_000)
    monkeypatch.setattr(follow, "SWEEP_RATIO", 10)
    monkeypatch.setattr(follow, "SETTLE_SECONDS", 0.0)
    here.enter_many(*(f"s{number}" for number in range(6)))
    here.enter_many(*(f"p{number}" for number in range(11)), into="lab/2026A1")
    here.enter("tells of one", titled("T", "sample/lab/p1"))
    here.enter("outside", titled("O", "sample/lab/p1", "sample/lab/s1"), into="company")
    here.scope("lab/2026A1", "everyone")
    here.catch_up()
    graph = here.projections["graph"]
    graph.calls.clear()

    here.scope("lab/2026A1", "limited")
    changed = here.enter("p3", titled("changed meanwhile"), into="lab/2026A1")
    still = here.enter("s3", titled("changed, and open still", "sample/lab/p2"))
    assert here.book.pending("graph").lay_open
    if dies_after is not None:
        follower = here.follower()
        assert follower.acquire()
        for _ in range(dies_after):
            follower.step()
        follower.close()  # what was not settled is gone
    pending: list[tuple[str, bool]] = []
    graph.before = lambda what, shown, gone: pending.append((what, bool(here.book.pending("graph"))))
    here.catch_up()

    done = [call[0] for call in graph.calls]
    assert ("sweep" in done) == swept
    assert "close_down" not in done
    # Once nobody waits any more, nothing is shut.
    assert not [what for what, waited in pending if what in ("shut", "sweep") and not waited]
    assert here.book.pending("graph") == NOTHING
    assert {changed, still} <= here.held("graph")
    here.assert_true()


def test_what_was_swept_away_is_not_answered_for_while_it_is_fed_again(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SLICE", 2)
    monkeypatch.setattr(follow, "SWEEP_LEAST", 1)
    monkeypatch.setattr(follow, "SWEEP_RATIO", 10)
    monkeypatch.setattr(follow, "SETTLE_SECONDS", 0.0)
    here.enter_many(*(f"s{number}" for number in range(9)))
    here.enter_many(*(f"p{number}" for number in range(3)), into="lab/2026A1")
    here.scope("lab/2026A1", "everyone")
    here.catch_up()
    here.scope("lab/2026A1", "limited")
    graph = here.projections["graph"]
    graph.calls.clear()
    follower = here.follower()
    assert follower.acquire()

    while here.book.pending("graph") or not graph.calls:
        seen = here.book.seen("graph")
        assert seen is not None
        if "sweep" in [call[0] for call in graph.calls]:
            assert here.book.pending("graph").spreading
        assert follower.step()

    follower.close()
    assert {f"sample/lab/s{number}" for number in range(9)} <= here.held("graph")
    here.catch_up()
    here.assert_true()


def test_what_is_expunged_goes_with_every_generation_that_held_it(here: Followed) -> None:
    id = here.enter("a", titled("Something that nobody may keep"))
    here.enter("b")
    here.catch_up()
    here.rebuild()
    assert here.states() == [(1, "old"), (2, "live")]

    asked = here.ledger.request_expunge(id, "a court order", by="tester")
    here.ledger.expunge(asked.id, asked.code, by="other")
    here.catch_up()

    # Deleting leaves the bytes in an engine's files, so everything was written anew.
    assert here.states() == [(3, "live")]
    assert here.folders() == {"3"}
    here.assert_true()


# ------------------------------------------------------------------------------------------------------ spreading


def test_a_target_that_arrives_is_told_by_those_that_waited_for_it(here: Followed) -> None:
    linker = here.enter("linker", titled("L", "sample/lab/target"))
    here.catch_up()
    here.search.calls.clear()

    target = here.enter("target")
    here.catch_up()

    assert set(here.search.shown()) == {target, linker}
    here.assert_true()


def test_a_new_title_reaches_those_that_link_to_it_and_a_new_text_does_not(here: Followed) -> None:
    target = here.enter("target", titled("Old"))
    linker = here.enter("linker", titled("L", target))
    here.catch_up()
    here.search.calls.clear()

    here.enter("target", {"title": {"en": "Old"}, "description": {"en": "More is said of it"}})
    here.catch_up()
    assert here.search.shown() == [target]
    here.enter("target", titled("New"))
    here.catch_up()

    assert here.search.shown() == [target, target, linker]
    here.assert_true()


def test_a_scope_that_opens_reaches_what_lies_in_it(here: Followed) -> None:
    here.enter_many("a", "b", into="company")
    linker = here.enter("linker", titled("L", "sample/lab/a"))
    here.catch_up()
    here.search.calls.clear()

    here.scope("company", "everyone")
    here.catch_up()

    assert set(here.search.shown()) == {"sample/lab/a", "sample/lab/b", linker}
    here.assert_true()


def test_an_embargo_that_ends_opens_what_lies_there_though_nothing_has_changed(here: Followed) -> None:
    here.scope("company", "everyone", metadata_until="2027-01-01")
    id = here.enter("a", into="company")
    here.catch_up()
    here.search.calls.clear()
    MOMENTS.append("2026-12-31T23:59:59.000000Z")
    here.catch_up()
    assert here.search.shown() == []

    MOMENTS.append("2027-01-01T00:00:00.000000Z")
    follower = here.follower()
    end = time.monotonic() + 10
    while id not in here.search.shown() and time.monotonic() < end:
        follower.step()
    follower.close()

    assert here.search.shown() == [id]
    here.catch_up()
    here.assert_true()


def test_an_embargo_that_ended_here_and_is_prolonged_by_a_host_whose_clock_is_slower_closes_again(
    here: Followed,
) -> None:
    here.scope("company", "everyone", metadata_until="2027-01-01")
    id = here.enter("a", into="company")
    here.catch_up()
    here.search.calls.clear()
    MOMENTS.append("2027-01-01T00:00:00.000000Z")
    follower = here.follower()
    end = time.monotonic() + 10
    while id not in here.search.shown() and time.monotonic() < end:
        follower.step()
    follower.close()
    here.catch_up()
    here.assert_true()

    MOMENTS.append("2026-12-31T23:59:30.000000Z")
    here.scope("company", "everyone", metadata_until="2027-06-01")
    MOMENTS.append("2027-01-01T00:00:01.000000Z")

    assert here.book.pending("search").lay_open
    here.catch_up()
    assert here.book.pending("search") == NOTHING
    here.assert_true()


def test_what_was_merged_follows_what_becomes_of_the_other(here: Followed) -> None:
    id, other = here.enter("a"), here.enter("b")
    here.ledger.merge(id, other, by="tester")
    here.catch_up()
    here.search.calls.clear()

    here.ledger.change_status(other, "hide", by="tester")
    here.catch_up()

    assert here.search.shown() == [id]
    here.assert_true()
    here.ledger.change_status(other, "publish", by="tester")
    here.catch_up()
    here.assert_true()
    here.ledger.unmerge(id, by="tester")
    here.catch_up()
    here.assert_true()


# ------------------------------------------------------------------------------------------------------- failures


def fail_for(*ids: str) -> Callable[[str, Sequence[Standing], Sequence[Gone]], None]:
    """These records can't be projected, the others can."""

    def before(what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        bad = [each for each in shown if each.id in ids]
        if bad and len(shown) > len(bad):
            raise ValueError("an engine that says only that something is wrong")
        if bad:
            raise Unprojectable({each.key: "too odd" for each in bad})

    return before


def test_a_record_that_cannot_be_projected_is_noted_and_the_others_go_on(here: Followed) -> None:
    here.catch_up()
    here.search.before = fail_for("sample/lab/b")
    here.enter_many("a", "b", "c")

    here.catch_up()

    assert here.held() == {"sample/lab/a", "sample/lab/c"}
    (failure,) = here.book.failures("search")
    assert (failure.id, failure.error, failure.attempts) == ("sample/lab/b", "too odd", 1)
    assert here.row().position == here.ledger.last_position()


def test_a_failed_record_is_tried_again_until_it_goes_in(here: Followed) -> None:
    here.catch_up()
    here.search.before = fail_for("sample/lab/b")
    here.enter_many("a", "b")
    here.catch_up()
    MOMENTS.append("2026-11-21T12:02:00.000000Z")
    step_until(here, lambda: here.book.failures()[0].attempts == 2)

    here.search.before = None
    assert here.book.retry() == 1
    step_until(here, lambda: not here.book.failures())

    here.assert_true()


def test_a_failed_record_that_is_revised_goes_in_by_itself(here: Followed) -> None:
    here.catch_up()
    here.search.before = fail_for("sample/lab/b")
    here.enter_many("a", "b")
    here.catch_up()
    here.search.before = None

    here.enter("b", titled("mended"))
    here.catch_up()

    assert here.book.failures() == []
    here.assert_true()


def test_a_full_disk_pauses_and_is_told_and_nothing_is_lost(here: Followed, caplog: pytest.LogCaptureFixture) -> None:
    here.catch_up()

    def full(what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        if what == "settle":
            raise OSError(errno.ENOSPC, "No space left on device")

    here.search.before = full
    here.enter_many("a", "b")
    with pytest.raises(Unavailable, match="No space left"):
        here.catch_up()
    assert "No space left" in (here.row().trouble or "")
    assert "tried again in 0.5 s" in caplog.text
    assert here.book.failures() == []
    assert here.row().position < here.ledger.last_position()
    here.search.before = None

    here.catch_up()

    assert here.row().trouble is None
    here.assert_true()


def test_an_engine_that_takes_nothing_is_in_trouble_and_the_records_are_not_blamed(here: Followed) -> None:
    here.catch_up()

    def broken(what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        if shown:
            raise RuntimeError("the engine is broken")

    here.search.before = broken
    here.enter_many("a", "b", "c")

    with pytest.raises(Unavailable, match="the engine is broken"):
        here.catch_up()

    assert here.book.failures() == []
    here.search.before = None
    here.catch_up()
    here.assert_true()


def step_for_ever(follower: Follower) -> None:
    while True:
        follower.step()


def step_until(here: Followed, done: Callable[[], bool]) -> None:
    follower = here.follower()
    try:
        end = time.monotonic() + 20
        while not done():
            assert time.monotonic() < end
            if not follower.step():
                time.sleep(0.01)
    finally:
        follower.close()


# ----------------------------------------------------------------------------------------------------- generations


def test_a_catalogue_with_records_and_no_projection_builds_one(here: Followed) -> None:
    here.enter_many(*(f"s{number}" for number in range(30)))
    here.enter("hidden", becomes="private")
    assert here.book.seen("search") is None

    here.catch_up()

    assert here.states() == [(1, "live")]
    assert here.row().why == "first"
    here.assert_true()


def test_a_rebuild_goes_on_beside_the_one_that_answers_and_misses_nothing(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SLICE", 10)
    here.enter_many(*(f"s{number}" for number in range(100)))
    here.catch_up()
    assert here.book.want("search") == 2
    follower = here.follower()
    number = 0
    while here.row().generation == 1:
        follower.step()
        assert here.book.seen("search") is not None
        number += 1
        if number % 3 == 0 and number < 60:
            id = here.enter(f"n{number}", titled("new", f"sample/lab/s{number}"))
            here.enter(f"s{number}", titled(f"again {number}"))
            if number % 2:
                here.ledger.change_status(id, "hide", by="tester")
    follower.close()
    here.catch_up()

    assert here.states() == [(1, "old"), (2, "live")]
    assert number > 10
    here.assert_true()


def test_a_rebuild_that_was_cut_off_goes_on_from_where_it_settled(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SLICE", 10)
    monkeypatch.setattr(follow, "SETTLE_SECONDS", 0.0)
    here.enter_many(*(f"s{number}" for number in range(100)))
    here.catch_up()
    here.book.want("search")
    follower = here.follower()
    while not any((row.filled_to or 0) > 50 for row in here.book.rows("search")):
        follower.step()
    follower.close()
    here.enter("s99", titled("again"))
    here.enter("new")
    here.search.calls.clear()

    here.catch_up()

    filled = [id for id in here.search.shown() if id.startswith("sample/lab/s")]
    assert "sample/lab/s99" in filled
    assert len(filled) < 60
    assert here.row().generation == 2
    here.assert_true()


def test_the_way_back_catches_up_with_what_happened_since(here: Followed) -> None:
    id = here.enter("a")
    here.catch_up()
    here.rebuild()
    here.enter("b")
    here.ledger.withdraw(id, "spoilt", by="tester")
    here.catch_up()

    number = here.book.back("search", here.search.fingerprint)
    here.catch_up()

    assert number == 1
    assert here.states() == [(1, "live"), (2, "old")]
    here.assert_true()
    assert here.rebuild() == 3
    assert here.states() == [(1, "old"), (3, "live")]
    assert here.folders() == {"1", "3"}
    here.assert_true()


def test_whoever_goes_back_while_it_is_followed_is_heard(here: Followed) -> None:
    here.enter("a")
    here.catch_up()
    here.rebuild()
    follower = here.follower()
    follower.step()
    here.book.back("search", here.search.fingerprint)
    here.enter("b")

    end = time.monotonic() + 20
    while here.row().position < here.ledger.last_position():
        assert time.monotonic() < end
        follower.step()
    follower.close()

    assert here.states() == [(1, "live"), (2, "old")]
    here.assert_true()


def test_other_rules_of_projecting_lead_to_a_new_generation_and_to_no_mixture(
    here: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = here.enter("target")
    here.enter("linker", titled("L", target))
    secret = here.enter("secret")
    here.catch_up()
    here.search.printed = "another"
    here.ledger.change_status(secret, "hide", by="tester")
    here.enter("new")
    here.search.calls.clear()
    follower = here.follower()
    while here.book.pending("search").records:
        assert follower.step()

    # The old one answers on: what closed is gone, what is new is not mixed in.
    seen = here.book.seen("search")
    assert seen is not None
    assert seen.generation == 1
    assert here.search.calls[0] == ("close_down", (), (secret,))
    follower.close()
    here.catch_up()

    assert here.row().generation == 2
    assert here.row().why == "changed"
    assert here.row().fingerprint == "another"
    here.assert_true()


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_folder_is_built_again(here: Followed, damage: str) -> None:
    here.enter_many("a", "b")
    here.catch_up()
    folder = here.book.folder_of("search", 1)
    if damage == "gone":
        shutil.rmtree(folder)
    else:
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    here.catch_up()

    assert here.states() == [(2, "live")]
    assert here.row().why == "damaged"
    assert here.folders() == {"2"}
    here.assert_true()


def test_what_is_damaged_makes_room_for_what_is_built_in_its_place_and_is_no_trouble_any_more(here: Followed) -> None:
    here.enter_many("a", "b")
    here.catch_up()
    folder = here.book.folder_of("search", 1)
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with here.ledger.store.write() as connection:
        # As it was met when it was read.
        connection.exec_driver_sql("UPDATE projection SET trouble = 'met', trouble_at = '2026' WHERE generation = 1")
    met: list[tuple[bool, str | None, str]] = []

    def look(what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        told = health(here.book, Verifications(here.ledger.store)).projections["search"]
        met.append((folder.exists(), told.trouble, told.status))

    here.search.before = look
    here.catch_up()

    assert here.states() == [(2, "live")]
    assert met[0] == (False, None, "building")
    here.assert_true()


def test_what_a_generation_lacks_is_found_before_it_answers(here: Followed) -> None:
    here.enter_many(*(f"s{number}" for number in range(20)))
    here.catch_up()
    lost: list[str] = []

    def losing(what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        if len(shown) > 5 and not lost and isinstance(shown, list):
            lost.append(shown.pop().id)

    here.search.before = losing
    here.rebuild()

    assert lost
    assert lost[0] in here.held()
    here.assert_true()


def test_folders_that_nobody_knows_of_are_removed(here: Followed) -> None:
    here.enter("a")
    here.catch_up()
    stray = here.book.folder / "search" / "77"
    stray.mkdir()

    here.catch_up()

    assert here.folders() == {"1"}


# --------------------------------------------------------------------------------------------------- one at a time


def test_one_follower_at_a_time_feeds_and_the_other_waits_for_it(here: Followed) -> None:
    here.catch_up()
    first, second = here.follower(), here.follower()
    assert first.acquire()
    assert not second.acquire()
    assert not second.step()
    here.enter("a")
    waiting = Thread(target=second.catch_up)

    waiting.start()
    while waiting.is_alive():
        first.step()
        time.sleep(0.005)
    first.close()

    assert here.held() == {"sample/lab/a"}
    assert second.acquire()
    second.close()


def test_a_former_holder_that_wakes_up_stops_and_moves_no_position(here: Followed) -> None:
    here.catch_up()
    follower = here.follower()
    follower.step()
    here.enter("a")
    taken = here.book.take_lease("another host", dead=[held.holder] if (held := here.book.lease()) else [])
    assert taken is not None
    before = here.row()

    with pytest.raises(Superseded):
        step_for_ever(follower)

    assert here.row() == before
    follower.close()
    here.book.advance(taken, "search", 1, Come(position=before.position))


def test_it_runs_until_it_is_told_to_stop_and_a_single_record_is_found_soon(here: Followed) -> None:
    stopping = Event()
    follower = here.follower()
    running = Thread(target=follower.run, args=(stopping,))
    running.start()
    try:
        assert here.book.wait_for("search", here.ledger.last_position(), 10)
        for number in range(3):
            here.enter(f"s{number}")
            for name in here.projections:
                assert here.book.wait_for(name, here.ledger.last_position(), 10)
    finally:
        stopping.set()
        running.join(20)
    assert not running.is_alive()
    assert not here.book.held()
    here.assert_true()


@pytest.mark.slow
def test_a_follower_that_is_killed_anywhere_leaves_nothing_undone_and_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(5)
    address, folder = f"sqlite:///{tmp_path / 'c.db'}", tmp_path / "projections"
    with followed(address, folder) as here:
        here.enter("hub")
        for round_ in range(4):
            following = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.following_process", address, str(folder)],
                cwd=PROJECT,
                stdout=subprocess.PIPE,
            )
            try:
                assert following.stdout is not None
                assert following.stdout.readline() == b"following\n"
                if round_ % 2:
                    here.book.want("search")
                    here.book.want("graph")
                for number in range(3):
                    names = [f"r{round_}-{number}-{each}" for each in range(20)]
                    here.ledger.append([entry(name, titled(name, "sample/lab/hub")) for name in names], by="tester")
                    here.ledger.change_status(f"sample/lab/{chance.choice(names)}", "hide", by="tester")
                here.enter("hub", titled(f"hub {round_}"))
                here.scope("lab", chance.choice(["everyone", "limited"]))
                time.sleep(chance.uniform(0.0, 1.5))
            finally:
                following.kill()
                following.wait()
                if following.stdout is not None:
                    following.stdout.close()
        here.catch_up()
        here.assert_true()
        assert {row.state for row in here.book.rows()} <= {"live", "old"}
        for name in here.projections:
            assert here.folders(name) == {str(row.generation) for row in here.book.rows(name)}
