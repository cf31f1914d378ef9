"""Which term is below which: right after whatever was done to their records, on both databases."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from catalog.access.scopes import Scopes
from catalog.errors import CatalogError
from catalog.ledger.append import Ledger
from catalog.ledger.terms import Terms, folded
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.kinds import Kinds
from tests.contract.ledgers import enter, entry, kinds, opened, rows

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
NAMES = ("a", "b", "c", "d", "e", "f")
OPEN, CLOSED = "vocabularies", "ours"
V = "https://vocab.example.org/"


def iri(name: str) -> str:
    return V + name


def id_of(name: str) -> str:
    return f"term/lab/{name}"


def term(name: str, *broader: str, called: str | None = None, has_iri: bool = True, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"labels": {"en": called or name}, **more}
    if has_iri:
        body["identifiers"] = [{"scheme": "iri", "value": iri(name), "primary": True}]
    return {**body, "broader": list(broader)} if broader else body


def begun(address: str) -> tuple[Ledger, Terms, Scopes]:
    """A ledger with a scope that everyone may read, and one that nobody may."""
    ledger = opened(address)
    terms = Terms(ledger.store)
    scopes = Scopes(ledger.store, follow=terms.follow_scopes)
    if scopes.facts(OPEN) is None:
        scopes.create(OPEN, ADMINISTRATOR, mode="everyone")
        scopes.create(CLOSED, ADMINISTRATOR, mode="limited")
    return ledger, terms, scopes


def closure(ledger: Ledger) -> dict[tuple[str, str], int]:
    """(above, below) and the distance, as the table has it."""
    told = rows(
        ledger,
        "SELECT a.id, d.id, c.depth FROM term_closure c JOIN node a ON a.key = c.ancestor JOIN node d ON d.key = c.descendant",
    )
    return {(above, below): depth for above, below, depth in told}


def closure_of(ledger: Ledger) -> dict[tuple[str, str], int]:
    """The same, worked out from what records say by walking from each term as far up as it goes."""
    told = rows(
        ledger,
        "SELECT n.id, v.body, m.id FROM record r JOIN node n ON n.key = r.key JOIN scope s ON s.key = r.scope"
        " JOIN revision v ON v.record = r.key AND v.number = r.shown LEFT JOIN node m ON m.key = r.merged_into"
        " WHERE r.kind = 'term' AND r.status = 'public' AND s.open",
    )
    bodies: dict[str, Mapping[str, Any]] = {id: orjson.loads(body) or {} for id, body, _ in told}
    became = {id: into for id, _, into in told if into in bodies}

    def stands_for(id: str) -> str:
        named = [each["value"] for each in bodies[id].get("identifiers", ()) if each["scheme"] == "iri"]
        return named[0] if named else id

    edges: dict[str, set[str]] = {}
    for id, body in bodies.items():
        ends = [became[id]] if id in became else body.get("broader", [])
        above = {end if ":" in end else stands_for(end) for end in ends if ":" in end or end in bodies}
        edges.setdefault(stands_for(id), set()).update(above)
    found = {}
    for start in edges:
        level, depth, seen = edges[start], 1, {start}
        while level:
            found.update({(above, start): depth for above in level - seen})
            seen |= level
            level, depth = {up for above in level for up in edges.get(above, ())} - seen, depth + 1
    return found


# ---------------------------------------------------------------------------------------------------- a model

names = st.sampled_from(NAMES)
ends = st.sampled_from([*(id_of(name) for name in NAMES), iri("a"), iri("f"), "https://elsewhere.example.org/x"])


class TermsMachine(RuleBasedStateMachine):
    """Random edits of a handful of terms."""

    address: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.ledger: Ledger

    def fresh(self) -> str:
        raise NotImplementedError

    @initialize()
    def open(self) -> None:
        self.ledger, self.terms, self.scopes = begun(self.fresh())

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.store.close()

    @rule(
        several=st.dictionaries(
            names, st.tuples(st.lists(ends, max_size=3, unique=True), names, st.booleans()), min_size=1
        ),
        into=st.sampled_from((OPEN, OPEN, OPEN, CLOSED)),
    )
    def submit(self, several: Mapping[str, tuple[list[str], str, bool]], into: str) -> None:
        told = []
        for name, (broader, known_as, has_iri) in several.items():
            # Mostly its own IRI; now and then that of another, or none.
            body = term(name if has_iri else known_as, *broader, has_iri=has_iri or known_as != name)
            told.append(entry(name, body, kind="term", into=into))
        enter(self.ledger, *told)

    @rule(name=names, verb=st.sampled_from(("publish", "suppress", "hide")))
    def change_status(self, name: str, verb: Any) -> None:
        self.attempt(lambda: self.ledger.change_status(id_of(name), verb, by="x"))

    @rule(name=names)
    def withdraw(self, name: str) -> None:
        self.attempt(lambda: self.ledger.withdraw(id_of(name), "so", by="x"))

    @rule(name=names)
    def restore(self, name: str) -> None:
        self.attempt(lambda: self.ledger.restore(id_of(name), by="x"))

    @rule(name=names, scope=st.sampled_from((OPEN, CLOSED)))
    def move(self, name: str, scope: str) -> None:
        self.attempt(lambda: self.ledger.move(id_of(name), scope, by="x"))

    @rule(name=names, into=names)
    def merge(self, name: str, into: str) -> None:
        self.attempt(lambda: self.ledger.merge(id_of(name), id_of(into), by="x"))

    @rule(name=names)
    def unmerge(self, name: str) -> None:
        self.attempt(lambda: self.ledger.unmerge(id_of(name), by="x"))

    @rule(name=names)
    def expunge(self, name: str) -> None:
        def both_steps() -> None:
            asked = self.ledger.request_expunge(id_of(name), "court", by="x")
            self.ledger.expunge(asked.id, asked.code, by="y")

        self.attempt(both_steps)

    @rule(scope=st.sampled_from((OPEN, CLOSED)), mode=st.sampled_from(("everyone", "limited")))
    def set_mode(self, scope: str, mode: Any) -> None:
        self.scopes.change(scope, ADMINISTRATOR, mode=mode)

    def attempt(self, verb: Any) -> None:
        """What a verb refuses, others test; whatever it did or did not do, the closure must be that of what is there."""
        try:
            verb()
        except CatalogError:
            return

    @invariant()
    def the_closure_is_that_of_the_records(self) -> None:
        if hasattr(self, "ledger"):
            assert closure(self.ledger) == closure_of(self.ledger)


def test_the_closure_follows_any_edits_on_sqlite(tmp_path: Path) -> None:
    class OnSqlite(TermsMachine):
        def fresh(self) -> str:
            return f"sqlite:///{Path(tempfile.mkdtemp(dir=tmp_path)) / 'catalogue.db'}"

    run_state_machine_as_test(
        OnSqlite,
        settings=settings(max_examples=12, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )


@pytest.mark.service
def test_the_closure_follows_any_edits_on_postgresql(postgresql_server: str) -> None:
    class OnPostgresql(TermsMachine):
        def fresh(self) -> str:
            self.name = f"test_{uuid.uuid4().hex[:12]}"
            self.administer(f"CREATE DATABASE {self.name} ENCODING 'UTF8' TEMPLATE template0")
            return f"{postgresql_server}/{self.name}"

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "name"):
                self.administer(f"DROP DATABASE {self.name} WITH (FORCE)")

        def administer(self, statement: str) -> None:
            with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
                connection.execute(statement.encode())

    run_state_machine_as_test(
        OnPostgresql,
        settings=settings(max_examples=8, stateful_step_count=20, suppress_health_check=list(HealthCheck)),
    )


# ---------------------------------------------------------------------------------------------------- one by one


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.db"


@pytest.fixture
def house(address: str) -> Iterator[tuple[Ledger, Terms, Scopes]]:
    made = begun(address)
    yield made
    made[0].store.close()


def enter_terms(ledger: Ledger, bodies: Mapping[str, Mapping[str, Any]], into: str = OPEN) -> None:
    told = [entry(name, body, kind="term", into=into) for name, body in bodies.items()]
    assert {outcome.outcome for outcome in enter(ledger, *told)} <= {"created", "revised"}


def test_a_term_is_below_several_and_below_what_is_above_those(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, terms, _ = house
    enter_terms(ledger, {"xafs": term("xafs", id_of("xas")), "xas": term("xas", id_of("spectroscopy"), id_of("x-ray"))})
    assert terms.below([iri("spectroscopy")]) == {iri("spectroscopy")}  # not here yet
    enter_terms(
        ledger, {"spectroscopy": term("spectroscopy"), "x-ray": term("x-ray", "https://elsewhere.example.org/p")}
    )
    assert terms.below([iri("spectroscopy")]) == {iri("spectroscopy"), iri("xas"), iri("xafs")}
    assert terms.below(["https://elsewhere.example.org/p"]) >= {iri("x-ray"), iri("xas"), iri("xafs")}
    above = terms.above([iri("xafs"), iri("spectroscopy")])
    assert above == {
        iri("xafs"): (iri("xas"), iri("spectroscopy"), iri("x-ray"), "https://elsewhere.example.org/p"),
    }


def test_a_ring_is_no_endless_way(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, terms, _ = house
    enter_terms(ledger, {"a": term("a", id_of("b")), "b": term("b", id_of("c")), "c": term("c")})
    assert terms.below([iri("c")]) == {iri("c"), iri("b"), iri("a")}
    enter_terms(ledger, {"c": term("c", id_of("a"))})
    for name in "abc":
        assert terms.below([iri(name)]) == {iri("a"), iri("b"), iri("c")}
    enter_terms(ledger, {"c": term("c", called="sea")})
    assert terms.below([iri("a")]) == {iri("a")}


def test_what_is_hidden_joins_nothing_and_has_no_name(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, terms, scopes = house
    enter_terms(ledger, {"b": term("b", id_of("a"))}, into=CLOSED)
    enter_terms(ledger, {"a": term("a"), "c": term("c", id_of("b"))})
    assert terms.below([iri("a")]) == {iri("a")}
    assert terms.called(["b"]) == {}
    scopes.change(CLOSED, ADMINISTRATOR, mode="everyone")
    assert terms.below([iri("a")]) == {iri("a"), iri("b"), iri("c")}
    assert terms.called(["b"]) == {"b": (iri("b"),)}
    scopes.change(CLOSED, ADMINISTRATOR, mode="limited")
    assert terms.below([iri("a")]) == {iri("a")}
    assert terms.called(["b"]) == {}
    ledger.move(id_of("b"), OPEN, by="x")
    assert terms.called(["b"]) == {"b": (iri("b"),)}
    ledger.withdraw(id_of("b"), "no longer", by="x")
    assert terms.below([iri("a")]) == {iri("a")}
    assert terms.called(["b"]) == {}


def test_the_term_that_stands_for_an_iri_is_told_also_while_it_is_hidden(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, _, _ = house
    also = {"scheme": "iri", "value": iri("second"), "primary": False}
    several = term("a")
    several["identifiers"].append(also)
    enter_terms(ledger, {"a": several, "gone": term("gone"), "old": term("old"), "none": term("none", has_iri=False)})
    enter_terms(ledger, {"b": term("b")}, into=CLOSED)
    ledger.withdraw(id_of("gone"), "no longer", by="x")
    ledger.merge(id_of("old"), id_of("a"), by="x")
    asked = [iri(name) for name in ("a", "b", "gone", "old", "none", "second", "never")]
    assert ledger.terms_named(asked) == {iri("a"): id_of("a"), iri("b"): id_of("b")}
    assert ledger.terms_named([]) == {}


def test_an_embargo_that_ended_lets_terms_in_at_the_next_look(address: str) -> None:
    ledger = opened(address)
    moment = ["2026-01-01T00:00:00.000000Z"]
    terms = Terms(ledger.store, clock=lambda: moment[0])
    scopes = Scopes(ledger.store, follow=terms.follow_scopes, clock=lambda: moment[0])
    ledger = Ledger(ledger.store, kinds(), clock=lambda: moment[0])
    scopes.create(OPEN, ADMINISTRATOR, mode="everyone", metadata_until="2026-06-01")
    enter_terms(ledger, {"a": term("a"), "b": term("b", id_of("a"))})
    assert terms.open_up() == 0
    assert closure(ledger) == {}
    moment[0] = "2026-06-02T00:00:00.000000Z"
    assert terms.open_up() == 2
    assert closure(ledger) == {(iri("a"), iri("b")): 1}
    assert terms.open_up() == 0
    ledger.store.close()


def test_a_merged_term_is_below_what_it_became(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, terms, _ = house
    enter_terms(
        ledger, {"old": term("old", id_of("top")), "new": term("new"), "top": term("top"), "x": term("x", id_of("old"))}
    )
    ledger.merge(id_of("old"), id_of("new"), by="x")
    assert terms.below([iri("new")]) == {iri("new"), iri("old"), iri("x")}
    assert terms.below([iri("top")]) == {iri("top")}
    ledger.change_status(id_of("new"), "hide", by="x")  # then nobody is told of it, and the other stands for itself
    assert terms.below([iri("top")]) == {iri("top"), iri("old"), iri("x")}
    assert terms.below([iri("new")]) == {iri("new")}
    ledger.change_status(id_of("new"), "publish", by="x")
    assert terms.below([iri("top")]) == {iri("top")}
    ledger.unmerge(id_of("old"), by="x")
    assert terms.below([iri("top")]) == {iri("top"), iri("old"), iri("x")}


def test_names_are_found_in_any_case_width_and_kana(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, terms, _ = house
    body = term("soil", called="Soil", alternateLabels={"en": ["top soil"], "ja": ["ドジョウ"]}, notation="ENVO:1")
    body["labels"]["ja"] = "土壌"
    enter_terms(ledger, {"soil": body, "other": term("other", called="Soil")})
    asked = ["SOIL", "ｓｏｉｌ", "土壌", "どじょう", "ﾄﾞｼﾞｮｳ", "Top  Soil", "envo:1", "clay"]
    found = terms.called(asked)
    assert found.pop("SOIL") == found.pop("ｓｏｉｌ") == (iri("other"), iri("soil"))
    assert found == {text: (iri("soil"),) for text in ("土壌", "どじょう", "ﾄﾞｼﾞｮｳ", "Top  Soil", "envo:1")}
    assert [name.text for name in terms.names([iri("soil")])[iri("soil")]] == [
        "Soil",
        "土壌",
        "top soil",
        "ドジョウ",
        "ENVO:1",
    ]
    assert [(name.text, of) for name, of in terms.beginning("to", 5)] == [("top soil", iri("soil"))]
    assert terms.beginning("", 5) == ()


def test_folding_is_done_once_and_for_all() -> None:
    for text in ("Ａ b", "ヴァ", "ｶﾞ", "ß", "x" * 500):
        assert folded(folded(text)) == folded(text)


def test_terms_that_a_record_uses_stand_in_rows_once_and_go_with_it(house: tuple[Ledger, Terms, Scopes]) -> None:
    ledger, _, _ = house
    body = {
        "title": {"en": "t"},
        "techniques": [{"term": iri("a")}, {"term": iri("a"), "label": {"en": "again"}}, {"term": iri("b")}],
        "keywords": ["plain", {"term": iri("a")}],
        "attributes": [{"name": "x", "value": "1", "term": {"term": iri("c")}, "valueTerms": [{"term": iri("a")}]}],
    }
    enter(ledger, entry("e", body, kind="experiment"))

    def used() -> Collection[tuple[str, str]]:
        return set(rows(ledger, "SELECT u.field, n.id FROM term_use u JOIN node n ON n.key = u.term"))

    assert used() == {
        ("techniques", iri("a")),
        ("techniques", iri("b")),
        ("keywords", iri("a")),
        ("attributes.term", iri("c")),
        ("attributes.valueTerms", iri("a")),
    }
    enter(ledger, entry("e", {"title": {"en": "t"}, "techniques": [{"term": iri("b")}]}, kind="experiment"))
    assert used() == {("techniques", iri("b"))}
    asked = ledger.request_expunge("experiment/lab/e", "court", by="x")
    ledger.expunge(asked.id, asked.code, by="y")
    assert used() == set()


def test_a_catalogue_from_before_terms_has_them_when_its_mirrors_were_filled_anew(address: str) -> None:
    ledger, terms, _ = begun(address)
    enter_terms(ledger, {"a": term("a"), "b": term("b", id_of("a"))})
    enter(ledger, entry("e", {"title": {"en": "t"}, "techniques": [{"term": iri("b")}]}, kind="experiment"))
    told = closure(ledger), rows(ledger, "SELECT * FROM term_use"), rows(ledger, "SELECT * FROM term_name")
    assert all(told)
    with ledger.store.write() as connection:
        for table in ("term_use", "term_closure", "term_name"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE mirror SET fingerprint = 'before' WHERE kind IN ('term', 'experiment')")
    # The tables of the old mirrors bear the new ones' names here, so these are told to be others.
    now = kinds()
    renamed = {name: _with_another_column(now[name]) for name in ("term", "experiment")}
    ledger = Ledger(ledger.store, Kinds({**now, **renamed}, now.schemas, now.context, now.shapes, now.ontologies))
    assert ledger.upgrade_mirrors() == {"experiment": 1, "term": 2}
    assert (closure(ledger), rows(ledger, "SELECT * FROM term_use"), rows(ledger, "SELECT * FROM term_name")) == told
    assert terms.below([iri("a")]) == {iri("a"), iri("b")}
    ledger.store.close()


def _with_another_column(kind: Any) -> Any:
    return replace(kind, columns=(*kind.columns, replace(kind.columns[0], name="another")))
