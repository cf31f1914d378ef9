"""What follows from several records is in the graph just as long as it does: terms above terms, and shared identifiers."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import DefaultGraph, NamedNode

from catalog.access.scopes import Scopes
from catalog.errors import CatalogError
from catalog.ledger import alike
from catalog.ledger.terms import Terms
from catalog.projections.graph.quads import ABOVE, DEFAULT, SAME
from catalog.questions.reader import ADMINISTRATOR
from catalog.store.tables import metadata
from catalog.upkeep.follower import Follower
from tests.contract.followed import Followed, followed
from tests.contract.ledgers import entry
from tests.contract.test_terms import id_of, iri, term

BASE = "http://catalogue.test/"
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
NOW, LATER = "2026-11-22T00:00:00.000000Z", "2026-11-23T00:00:00.000000Z"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> str:
        return self.at


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Followed]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    with followed(address, tmp_path / "projections", clock=Clock()) as made:
        made.scopes = Scopes(
            made.ledger.store, clock=made.clock, follow=Terms(made.ledger.store, clock=made.clock).follow_scopes
        )
        yield made


def said(here: Followed, predicate: str) -> dict[str, set[tuple[str, str]]]:
    """Subject and object, as ids or IRIs, of every such statement, by the scope of its graph."""
    here.catch_up()
    here.assert_true()
    seen = here.book.seen("graph")
    assert seen is not None
    generation: Any = here.projections["graph"].inner.open(seen.folder, seen.visible)
    found: dict[str, set[tuple[str, str]]] = {}
    try:
        for quad in generation.store.quads_for_pattern(None, NamedNode(predicate), None, None):
            graph = quad.graph_name
            scope = DEFAULT if isinstance(graph, DefaultGraph) else graph.value.removeprefix(f"{BASE}scopes/")
            pair = quad.subject.value.removeprefix(BASE), quad.object.value.removeprefix(BASE)
            found.setdefault(scope, set()).add(pair)
    finally:
        generation.close()
    return found


def keep_up(follower: Follower, here: Followed) -> None:
    """Feed until all is in, and the clock was looked at."""
    until = time.monotonic() + 180
    last = here.ledger.last_position()
    looked: set[str] = set()
    while time.monotonic() < until:
        did = follower.step()
        for name, feeder in follower._feeders.items():
            if feeder.live is not None and feeder.live.position >= last and name not in looked:
                feeder.live._timed_at = 0.0  # it looks every second
                looked.add(name)
                did = True
        if not did and len(looked) == len(here.projections):
            assert all(feeder.caught_up(last) for feeder in follower._feeders.values())
            return
    raise AssertionError("it did not keep up")


def both_ways(*pairs: tuple[str, str]) -> set[tuple[str, str]]:
    named = {(f"sample/lab/{one}", f"sample/lab/{other}") for one, other in pairs}
    return named | {(other, one) for one, other in named}


def marked(*values: str, primary: bool = True, scheme: str = "igsn") -> Mapping[str, Any]:
    return {
        "title": {"en": "A sample"},
        "identifiers": [{"scheme": scheme, "value": value, "primary": primary} for value in values],
    }


def put_term(here: Followed, name: str, *broader: str, scope: str = "lab", **told: Any) -> None:
    (outcome,) = here.ledger.append([entry(name, term(name, *broader, **told), kind="term", scope=scope)], by="tester")
    assert outcome.outcome in ("created", "revised"), outcome


def above(here: Followed) -> dict[str, set[str]]:
    """The last letters of the terms above each term, of all that lie open."""
    found: dict[str, set[str]] = {}
    for below, over in said(here, ABOVE).get(DEFAULT, set()):
        found.setdefault(below.rpartition("/")[2], set()).add(over.rpartition("/")[2])
    return found


# ---------------------------------------------------------------------------------------------------- terms above terms


def test_a_term_is_said_to_be_below_all_that_are_above_it(here: Followed) -> None:
    put_term(here, "a", iri("b"))
    assert above(here) == {"a": {"b"}}
    put_term(here, "b", iri("c"))
    put_term(here, "c", id_of("d"))
    assert above(here) == {"a": {"b", "c"}, "b": {"c"}}, "what has an id of ours counts once it is here"
    put_term(here, "d", iri("e"), has_iri=False)
    assert above(here) == {"a": {"b", "c", "d", "e"}, "b": {"c", "d", "e"}, "c": {"d", "e"}, "d": {"e"}}
    assert (id_of("c"), id_of("d")) in said(here, ABOVE)[DEFAULT]


def test_what_changes_above_is_said_of_all_below(here: Followed) -> None:
    for name, over in (("a", "b"), ("b", "c"), ("c", "d")):
        put_term(here, name, iri(over))
    assert above(here)["a"] == {"b", "c", "d"}
    put_term(here, "c", iri("e"))
    assert above(here) == {"a": {"b", "c", "e"}, "b": {"c", "e"}, "c": {"e"}}
    put_term(here, "b")
    assert above(here) == {"a": {"b"}, "c": {"e"}}


def test_a_term_that_gets_another_iri_leaves_those_below_the_former(here: Followed) -> None:
    for name, over in (("a", "b"), ("b", "c"), ("c", "d")):
        put_term(here, name, iri(over))
    assert above(here)["a"] == {"b", "c", "d"}
    body = {**term("b", iri("c")), "identifiers": [{"scheme": "iri", "value": iri("x"), "primary": True}]}
    here.ledger.append([entry("b", body, kind="term")], by="tester")
    assert above(here) == {"a": {"b"}, "b": {"c", "d"}, "c": {"d"}}


@pytest.mark.parametrize("how", ["withdraw", "hide", "move", "expunge", "scope"])
def test_a_term_that_closes_leads_nobody_further_up(here: Followed, how: str) -> None:
    here.scopes.create("words", ADMINISTRATOR, mode="everyone")
    for name, over in (("a", id_of("b")), ("b", iri("c")), ("c", iri("d"))):
        put_term(here, name, over, scope="words" if name == "b" else "lab")
    assert above(here) == {"a": {"b", "c", "d"}, "b": {"c", "d"}, "c": {"d"}}
    match how:
        case "withdraw":
            here.ledger.withdraw(id_of("b"), "for a test", by="tester")
        case "hide":
            here.ledger.change_status(id_of("b"), "hide", by="tester")
        case "move":
            here.ledger.move(id_of("b"), "company", by="tester")
        case "expunge":
            asked = here.ledger.request_expunge(id_of("b"), "for a test", by="tester")
            here.ledger.expunge(asked.id, asked.code, by="tester")
        case _:
            here.scope("words", "limited")
    assert above(here) == {"c": {"d"}}
    if how == "scope":
        here.scope("words", "everyone")
        assert above(here) == {"a": {"b", "c", "d"}, "b": {"c", "d"}, "c": {"d"}}


def test_a_hidden_vocabulary_says_nothing_of_anybody(here: Followed) -> None:
    put_term(here, "a", iri("b"))
    put_term(here, "b", iri("c"), scope="company")
    put_term(here, "e", iri("a"), scope="company")
    assert above(here) == {"a": {"b"}}
    assert set(said(here, ABOVE)) == {DEFAULT}


def test_when_an_embargo_ends_while_running_its_terms_count(here: Followed) -> None:
    clock: Any = here.clock
    here.scopes.create("words", ADMINISTRATOR, mode="everyone")
    here.scope("words", "everyone", metadata_until=LATER)
    put_term(here, "a", iri("b"))
    put_term(here, "b", iri("c"), scope="words")
    follower = here.follower()
    try:
        keep_up(follower, here)
        terms = Terms(here.ledger.store, clock=clock)
        assert terms.above([iri("a")]) == {iri("a"): (iri("b"),)}
        clock.at = "2026-11-23T00:00:01.000000Z"
        keep_up(follower, here)
        assert terms.above([iri("a")]) == {iri("a"): (iri("b"), iri("c"))}
    finally:
        follower.close()
    assert above(here) == {"a": {"b", "c"}, "b": {"c"}}


def test_many_terms_below_one_are_reached_in_slices(here: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.upkeep.follow.LINKERS_AT_ONCE", 20)
    monkeypatch.setattr("catalog.upkeep.follow.SLICE", 7)
    put_term(here, "top", iri("over"))
    below = [entry(f"t{number}", term(f"t{number}", iri("top")), kind="term") for number in range(60)]
    here.ledger.append(below, by="tester")
    assert all(over == {"top", "over"} for name, over in above(here).items() if name != "top")
    put_term(here, "top", iri("another"))
    found = above(here)
    assert len(found) == 61
    assert all(over == {"top", "another"} for name, over in found.items() if name != "top")
    here.ledger.withdraw(id_of("top"), "for a test", by="tester")
    assert set(map(frozenset, above(here).values())) == {frozenset({"top"})}


def test_what_a_record_calls_its_iri_and_is_none_is_not_said(here: Followed) -> None:
    body = term("a", id_of("b"))
    here.ledger.append([entry("a", body, kind="term")], by="tester")
    wrong = {**term("b"), "identifiers": [{"scheme": "iri", "value": "no iri> <x", "primary": True}]}
    here.ledger.append([entry("b", wrong, kind="term")], by="tester")
    assert above(here) == {}


def test_what_was_stirred_is_forgotten_once_all_have_come_past_it(here: Followed) -> None:
    put_term(here, "b", iri("c"))
    put_term(here, "a", iri("b"))
    put_term(here, "b", iri("d"))
    assert _stirred(here) == 1
    here.catch_up()
    here.enter("x")
    follower = here.follower()
    try:
        keep_up(follower, here)
        keep_up(follower, here)
    finally:
        follower.close()
    assert _stirred(here) == 0


def _stirred(here: Followed) -> int:
    with here.ledger.store.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM stirred").scalar_one())


# -------------------------------------------------------------------------------------------------- shared identifiers


def test_records_that_share_a_primary_identifier_say_so_of_each_other(here: Followed) -> None:
    here.enter("a", marked("X1"))
    assert said(here, SAME) == {}
    here.enter("b", marked("X1", "Y1"))
    here.enter("c", marked("Y1"))
    assert said(here, SAME) == {DEFAULT: both_ways(("a", "b"), ("b", "c"))}


def test_only_what_is_marked_on_both_and_of_the_same_scheme_identifies(here: Followed) -> None:
    here.enter("a", marked("X1"))
    here.enter("b", marked("X1", primary=False))
    here.enter("c", marked("X1", scheme="doi"))
    for name in ("d", "e"):
        here.enter(name, marked("S-1", scheme="local"))
    assert said(here, SAME) == {}


def test_it_goes_with_the_identifier_of_either(here: Followed) -> None:
    for name in ("a", "b", "c"):
        here.enter(name, marked("X1"))
    assert said(here, SAME)[DEFAULT] == both_ways(("a", "b"), ("b", "c"), ("a", "c"))
    here.enter("a", marked("Z1"))
    assert said(here, SAME)[DEFAULT] == both_ways(("b", "c"))
    here.enter("a", marked("X1"))
    assert said(here, SAME)[DEFAULT] == both_ways(("a", "b"), ("b", "c"), ("a", "c"))
    here.enter("b", marked("X1", primary=False))
    assert said(here, SAME)[DEFAULT] == both_ways(("a", "c"))


@pytest.mark.parametrize("how", ["withdraw", "hide", "expunge", "merge"])
def test_it_goes_with_either_record_and_comes_back_with_it(here: Followed, how: str) -> None:
    for name in ("a", "b", "c"):
        here.enter(name, marked("X1"))
    assert len(said(here, SAME)[DEFAULT]) == 6
    a, b = "sample/lab/a", "sample/lab/b"
    match how:
        case "withdraw":
            here.ledger.withdraw(a, "for a test", by="tester")
        case "hide":
            here.ledger.change_status(a, "hide", by="tester")
        case "merge":
            here.ledger.merge(a, b, by="tester")
        case _:
            asked = here.ledger.request_expunge(a, "for a test", by="tester")
            here.ledger.expunge(asked.id, asked.code, by="tester")
    assert said(here, SAME)[DEFAULT] == both_ways(("b", "c"))
    match how:
        case "withdraw":
            here.ledger.restore(a, by="tester")
        case "hide":
            here.ledger.change_status(a, "publish", by="tester")
        case "merge":
            here.ledger.unmerge(a, by="tester")
        case _:
            return
    assert len(said(here, SAME)[DEFAULT]) == 6


def test_it_stands_where_both_may_be_read(here: Followed) -> None:
    here.enter("open", marked("X1"))
    here.enter("ours", marked("X1"), scope="company")
    here.scope("lab/2026A1", "limited")
    here.enter("run", marked("X1"), scope="lab/2026A1")
    assert said(here, SAME) == {
        "company": both_ways(("open", "ours")),
        "lab": both_ways(("open", "run")),
        "lab/2026A1": both_ways(("open", "run")),
    }
    here.ledger.move("sample/lab/open", "lab/2026A1", by="tester")
    assert said(here, SAME) == {name: both_ways(("open", "run")) for name in ("lab", "lab/2026A1")}
    here.scope("company", "everyone")
    found = both_ways(("open", "run"), ("open", "ours"), ("run", "ours"))
    assert said(here, SAME) == dict.fromkeys(("lab", "lab/2026A1"), found)
    here.scope("lab/2026A1", "everyone")
    assert said(here, SAME) == {DEFAULT: found}


def test_what_too_many_bear_identifies_none_of_them(here: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "BEARERS_MOST", 5)
    here.standings = type(here.standings)(here.ledger.store, clock=here.clock)
    monkeypatch.setattr(here.standings, "_bearers", alike.bearers(here.ledger.store.database, 6))
    names = [f"s{number}" for number in range(5)]
    for name in names:
        here.enter(name, marked("X1"))
    everybody = {(a, b) for a in names for b in names if a < b}
    assert said(here, SAME)[DEFAULT] == both_ways(*everybody)
    here.enter("one-more", marked("X1"))
    assert said(here, SAME) == {}
    here.enter("s0", marked("Y1"))
    found = both_ways(*((a, b) for a, b in everybody if a != "s0"), *((name, "one-more") for name in names[1:]))
    assert said(here, SAME)[DEFAULT] == found
    here.ledger.append([entry(f"t{number}", marked("X1")) for number in range(30)], by="tester")
    assert said(here, SAME) == {}
    here.ledger.append([entry(f"t{number}", marked()) for number in range(30)], by="tester")
    assert said(here, SAME)[DEFAULT] == found
    here.enter("one-more-again", marked("X1"))
    assert said(here, SAME) == {}
    asked = here.ledger.request_expunge("sample/lab/one-more-again", "for a test", by="tester")
    here.ledger.expunge(asked.id, asked.code, by="tester")
    assert said(here, SAME)[DEFAULT] == found


def test_what_has_still_to_be_said_of_a_record_because_of_others_is_no_drift(here: Followed) -> None:
    put_term(here, "a")
    put_term(here, "b", id_of("a"))
    put_term(here, "c", id_of("b"), has_iri=False)
    told = {here.key_of(here.enter("shares", marked("X1"))), here.key_of(id_of("c"))}
    alone = here.key_of(here.enter("alone"))
    here.catch_up()
    generation = here.row("graph").generation
    assert here.book.unfinished("graph", generation, {*told, alone}) == set()

    put_term(here, "top")
    put_term(here, "a", id_of("top"))
    here.enter("another", marked("X1"))

    assert here.book.unfinished("graph", generation, {*told, alone}) == told
    here.catch_up()
    assert here.book.unfinished("graph", generation, {*told, alone}) == set()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_in_whatever_batches_it_is_as_the_ledger_says(here: Followed, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"n{number}" for number in range(7)]
    for _ in range(45):
        name = chance.choice(names)
        id = f"sample/lab/{name}"
        exists = bool(here.ledger.known([id]))
        match chance.choice(["enter", "enter", "enter", "withdraw", "restore", "move", "merge", "unmerge", "follow"]):
            case "enter":
                values = chance.sample(["X1", "X2", "X3"], chance.randint(0, 2))
                here.ledger.append([entry(name, marked(*values), scope=chance.choice(["lab", "company"]))], by="tester")
            case "follow":
                assert said(here, SAME) is not None
            case verb if exists:
                _do(here, verb, id, chance.choice(names), chance)
    said(here, SAME)
    here.rebuild("graph")
    here.assert_true()


def _do(here: Followed, verb: str, id: str, other: str, chance: random.Random) -> None:
    try:
        match verb:
            case "withdraw":
                here.ledger.withdraw(id, "for a test", by="tester")
            case "restore":
                here.ledger.restore(id, by="tester")
            case "move":
                here.ledger.move(id, chance.choice(["lab", "lab/2026A1", "company"]), by="tester")
            case "merge":
                here.ledger.merge(id, f"sample/lab/{other}", by="tester")
            case _:
                here.ledger.unmerge(id, by="tester")
    except CatalogError:
        pass  # what can't be done as things stand


def test_the_table_of_what_is_stirred_is_made_by_its_migration(here: Followed) -> None:
    with here.ledger.store.read() as connection:
        assert metadata.tables["stirred"].name in here.ledger.store.database.tables(connection)
