"""Projectors that are killed at chosen points and at random ones, paused, or two at once: nothing is missing or twice."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Sequence
from threading import Thread

import pytest

from catalog.cli.exits import UNAVAILABLE
from catalog.errors import Unavailable
from catalog.records.standing import Name
from tests.service.projecting import NAMES, Child, Harmed, until

GRAPH, SEARCH = "catalog.projections.graph.embedded", "catalog.projections.search.embedded"
FOLLOW, BOOK, VERIFY = "catalog.upkeep.follow", "catalog.ledger.book", "catalog.upkeep.verify"
# function, before / after / within it, at which call, after so many milliseconds within
Point = tuple[str, str, int, float]

FOLLOWING: list[Point] = [
    (f"{BOOK}:Book.take_lease", "after", 1, 0),
    (f"{GRAPH}:_link_all", "within", 1, 0.3),
    (f"{GRAPH}:OxigraphGeneration.close_down", "after", 1, 0),
    (f"{GRAPH}:OxigraphGeneration.settle", "before", 1, 0),
    (f"{GRAPH}:OxigraphGeneration.settle", "within", 1, 1),
    (f"{GRAPH}:OxigraphGeneration.settle", "within", 2, 4),
    (f"{GRAPH}:_write_durably", "before", 1, 0),
    (f"{GRAPH}:OxigraphGeneration.settle", "after", 2, 0),
    (f"{SEARCH}:TantivyGeneration.apply", "after", 3, 0),
    (f"{SEARCH}:TantivyGeneration.settle", "before", 1, 0),
    (f"{SEARCH}:TantivyGeneration.settle", "within", 1, 1),
    (f"{SEARCH}:TantivyGeneration.settle", "within", 2, 6),
    (f"{SEARCH}:TantivyGeneration.settle", "after", 1, 0),
    (f"{BOOK}:Book.advance", "before", 1, 0),
    (f"{BOOK}:Book.advance", "before", 4, 0),
    (f"{BOOK}:Book.advance", "after", 2, 0),
]
# While a new generation is filled, catches up, is compared, and takes the place of the old one.
REBUILDING: list[Point] = [
    (f"{BOOK}:Book.begin", "after", 1, 0),
    (f"{FOLLOW}:Following.fill", "after", 3, 0),
    ("settle", "within", 2, 2),
    (f"{FOLLOW}:Following._follow", "after", 1, 0),
    (f"{VERIFY}:Round.cells", "before", 1, 0),
    ("hashes", "before", 5, 0),
    (f"{VERIFY}:Round._expected", "after", 1, 0),
    (f"{BOOK}:Book.swap", "before", 1, 0),
    (f"{BOOK}:Book._drop", "after", 1, 0),
    (f"{BOOK}:Book.swap", "after", 1, 0),
]
# Where none answers meanwhile, the new one is only counted before it does.
BEGINNING_ANEW: list[Point] = [
    (f"{FOLLOW}:Following.fill", "after", 2, 0),
    ("tallies", "before", 1, 0),
    ("tallies", "after", 1, 0),
    (f"{BOOK}:Book.swap", "before", 1, 0),
]
GOING_BACK: list[Point] = [
    (f"{BOOK}:Book._become", "after", 1, 0),
    (f"{BOOK}:Book.back", "after", 1, 0),
    (f"{FOLLOW}:Following._follow", "after", 1, 0),
    ("settle", "within", 1, 2),
    ("settle", "after", 1, 0),
]
CLASSES: dict[Name, str] = {"graph": f"{GRAPH}:OxigraphGeneration", "search": f"{SEARCH}:TantivyGeneration"}


def see_it_die(child: Child, point: Sequence[object]) -> None:
    ended = child.wait()
    assert ended in (-signal.SIGKILL, -signal.SIGALRM), (point, ended, child.said())


def of(name: Name, point: Point) -> Point:
    """The point, in the engine of a projection where it says none."""
    where, *rest = point
    return (where if ":" in where else f"{CLASSES[name]}.{where}", *rest)  # type: ignore[return-value]


@pytest.mark.slow
def test_a_projector_killed_anywhere_in_following_leaves_nothing_undone_and_nothing_twice(here: Harmed) -> None:
    for point in FOLLOWING:
        here.deeds()
        see_it_die(here.command("follow", "--once", at=[*point, signal.SIGKILL]), point)
        assert all(here.catalog.book.seen(name) is not None for name in NAMES)
        if point[1] == "within":
            # Nobody has looked at it: the next one is killed in what it finds.
            here.deeds()
            again = ("catalog.upkeep.follow:Following._settle", "before", 2, 0)
            see_it_die(here.command("follow", "--once", at=[*again, signal.SIGKILL]), (point, again))
        try:
            here.see_that_all_is_well()
        except AssertionError as problem:
            raise AssertionError(f"killed {point}") from problem
    assert {name: [row.generation for row in here.catalog.book.rows(name)] for name in NAMES} == {
        name: [1] for name in NAMES
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_rebuild_killed_anywhere_goes_on_or_begins_again_while_the_old_one_answers(here: Harmed, name: Name) -> None:
    # One to go back to, which the next is to take away.
    here.catalog.book.want(name)
    here.see_that_all_is_well()
    for each in REBUILDING:
        point = of(name, each)
        wanted = here.catalog.book.want(name)
        # Others that begin it, so that there is something to catch up with.
        if "_follow" in point[0]:
            begun = of(name, (f"{FOLLOW}:Following.fill", "after", 1, 0))
            see_it_die(here.command("follow", "--once", at=[*begun, signal.SIGKILL]), begun)
            here.deeds()
        see_it_die(here.command("follow", "--once", at=[*point, signal.SIGKILL]), point)
        seen = here.catalog.book.seen(name)
        assert seen is not None
        assert seen.generation == wanted if point[:2] == (f"{BOOK}:Book.swap", "after") else seen.generation < wanted
        here.deeds()
        try:
            here.see_that_all_is_well()
        except AssertionError as problem:
            raise AssertionError(f"killed {point}") from problem
        assert here.row(name).generation == wanted
        assert here.row(name, "old").generation == wanted - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_built_in_place_of_a_damaged_one_and_killed_anywhere_answers_in_the_end(
    here: Harmed, name: Name
) -> None:
    for each in BEGINNING_ANEW:
        point = of(name, each)
        damaged = here.row(name).generation
        shutil.rmtree(here.live_folder(name))
        see_it_die(here.command("follow", "--once", at=[*point, signal.SIGKILL]), point)
        assert not [row for row in here.catalog.book.rows(name) if row.state == "live"]
        here.deeds()
        try:
            here.see_that_all_is_well()
        except AssertionError as problem:
            raise AssertionError(f"killed {point}") from problem
        assert here.row(name).generation == damaged + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_way_back_killed_anywhere_is_gone_to_its_end_or_not_at_all(here: Harmed, name: Name) -> None:
    here.catalog.book.want(name)
    here.see_that_all_is_well()
    for each in GOING_BACK:
        point = of(name, each)
        here.deeds()
        here.catalog.follower().catch_up()
        was, old = here.row(name).generation, here.row(name, "old").generation
        see_it_die(here.command("rebuild", name, "--back", at=[*point, signal.SIGKILL]), point)
        assert here.row(name).generation == (was if "_become" in point[0] else old)
        here.deeds()
        try:
            here.see_that_all_is_well()
        except AssertionError as problem:
            raise AssertionError(f"killed {point}") from problem


@pytest.mark.slow
def test_a_projector_killed_again_and_again_while_a_load_runs_misses_nothing(here: Harmed) -> None:
    chance = random.Random(23)
    loading = Thread(target=lambda: [here.deeds() for _ in range(12)])
    loading.start()
    kills = 0
    while loading.is_alive() or kills < 6:
        child = here.command("follow")
        time.sleep(chance.uniform(0.3, 1.0))
        child.kill()
        kills += 1
    loading.join()
    here.see_that_all_is_well()


# ------------------------------------------------------------------------------------------------------ paused, two

SHORT_LEASE = {
    BOOK: {"LEASE_SECONDS": 1.0},
    "catalog.upkeep.follower": {"LEASE_SECONDS": 1.0, "RENEW_SECONDS": 0.2, "TRY_SECONDS": 0.1},
    "catalog.upkeep.generations": {"LOOK_SECONDS": 0.0},
    FOLLOW: {"BATCH": 10, "SLICE": 10, "SETTLE_SECONDS": 0.0},
}  # fmt: skip


def paused_at(here: Harmed, *point: object) -> Child:
    """A projector that has stopped at this point, and whose lease has run out since."""
    child = here.command("follow", at=[*point, signal.SIGSTOP], **{"with": SHORT_LEASE})
    until(lambda: child.state == "T")
    until(lambda: not here.catalog.book.held())
    return child


@pytest.mark.parametrize("name", NAMES)
def test_a_projector_paused_beyond_its_lease_keeps_others_out_and_goes_on_when_it_wakes(
    here: Harmed, name: Name
) -> None:
    here.deeds()
    child = paused_at(here, f"{CLASSES[name]}.settle", "after", 1, 0)
    before = here.row(name)
    other = here.command("follow", "--once", **{"with": SHORT_LEASE})
    assert other.wait() == UNAVAILABLE
    assert "holds the graph and the search index and does nothing" in other.said()
    assert here.row(name) == before

    child.send(signal.SIGCONT)
    until(here.caught_up)
    here.deeds()
    until(here.caught_up)
    child.send(signal.SIGTERM)
    assert child.wait() == 0
    here.see_that_all_is_well()


def taken_over(here: Harmed, child: Child) -> int:
    """The fence of another who feeds instead of one that is paused."""
    while True:
        try:
            taken = here.catalog.book.take_lease("another machine")
        except Unavailable:
            # Its other thread happened to stop within a transaction, and nobody can write: on, until it stops outside one.
            child.send(signal.SIGCONT)
            time.sleep(0.01)
            child.send(signal.SIGSTOP)
            until(lambda: not here.catalog.book.held())
        else:
            assert taken is not None
            return taken


@pytest.mark.parametrize("name", NAMES)
def test_a_projector_that_wakes_when_another_has_taken_over_writes_no_word_into_the_book(
    here: Harmed, name: Name
) -> None:
    here.deeds()
    child = paused_at(here, f"{BOOK}:Book.advance", "before", 1, 0)
    taken = taken_over(here, child)
    before = here.catalog.book.rows()
    child.send(signal.SIGCONT)
    until(lambda: "fed by somebody else" in child.said())
    time.sleep(0.3)
    assert here.catalog.book.rows() == before
    lease = here.catalog.book.lease()
    assert lease is not None
    assert (lease.holder, lease.fence) == ("another machine", taken)

    here.catalog.book.give_lease_back(taken)
    until(here.caught_up)
    child.send(signal.SIGTERM)
    assert child.wait() == 0
    here.see_that_all_is_well()


def test_of_two_projectors_one_feeds_and_the_other_takes_over_when_it_dies(here: Harmed) -> None:
    both = [here.command("follow", **{"with": SHORT_LEASE}) for _ in range(2)]
    loading = Thread(target=lambda: [here.deeds() for _ in range(6)])
    loading.start()
    holders = set()
    for _ in range(3):
        until(here.catalog.book.held)
        lease = here.catalog.book.lease()
        assert lease is not None
        holder = int(lease.holder.partition(".")[0])
        holders.add(holder)
        time.sleep(0.3)
        (first,) = [each for each in both if each.pid == holder]
        first.kill()
        both = [each for each in both if each is not first] + [here.command("follow", **{"with": SHORT_LEASE})]
        until(lambda: (now := here.catalog.book.lease()) and now.holder.partition(".")[0] != str(holder))  # noqa: B023
    loading.join()
    until(here.caught_up)
    assert len(holders) == 3
    for each in both:
        assert each.alive
        each.kill()
    here.see_that_all_is_well()
