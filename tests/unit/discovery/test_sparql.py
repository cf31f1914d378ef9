"""Who reaches which graph: whatever a query says, a reader sees nothing of a scope that they may not read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.discovery.sparql import Asked, Closing, ask, dataset_of, ready
from catalog.errors import Invalid, Malformed, Unavailable
from catalog.ledger.book import Pending
from catalog.projections.graph.dataset import Dataset
from catalog.projections.graph.pool import Query
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.records.standing import Seen
from catalog.settings import Settings

BASE = "http://c.example/"
SCOPES = BASE + "scopes/"
MINE = Reader("mine", (Grant("read", "mine"),))
BELOW = Reader("below", (Grant("write", "secret/below"),))
RUNS = Reader("runs", (Grant("run", "secret"), Grant("download", "secret")))
# What lies where, by graph: a record of a scope is in the graphs of the scopes above it, too.
HELD = {
    "": ["open"],
    "mine": ["mine", "mine-below"],
    "mine/below": ["mine-below"],
    "secret": ["secret", "secret-below"],
    "secret/below": ["secret-below"],
    "other": ["other"],
}
MAY = {
    "public": (PUBLIC, {"open"}),
    "mine": (MINE, {"open", "mine", "mine-below"}),
    "below": (BELOW, {"open", "secret-below"}),
    "runs": (RUNS, {"open"}),
    "administrator": (ADMINISTRATOR, {"open", "mine", "mine-below", "secret", "secret-below", "other"}),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    opened = open_catalog(Settings(data=tmp_path_factory.mktemp("asked") / "data", base=BASE))
    for scope in HELD:
        if scope:
            opened.scopes.create(scope, ADMINISTRATOR, mode="limited")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    store = ox.Store(str(folder / "store"))
    node = ox.NamedNode
    for scope, names in HELD.items():
        graph = node(SCOPES + scope) if scope else ox.DefaultGraph()
        for name in names:
            store.add(ox.Quad(node(BASE + name), node(BASE + "says"), ox.Literal(name), graph))
            store.add(ox.Quad(node(BASE + "hub"), node(BASE + "knows"), node(BASE + name), graph))
    store.flush()
    store.backup(str(folder / "checkpoint"))
    return folder / "checkpoint"


def answers(catalog: Catalog, checkpoint: Path, reader: Reader, text: str, **asked: Any) -> str:
    """Everything that a query answers, as text."""
    dataset = dataset_of(Asked(text, **asked), reader, scopes=catalog.scopes, base=BASE)
    query = Query(text, BASE, {"c": BASE}, 20, "json", "ntriples")
    answer = catalog.sparql.submit(query, lambda: (checkpoint, dataset), reader.id).result(30)
    with answer.body as body:
        told: str = body.read().decode()
    return told


def names_in(told: str) -> set[str]:
    every = {name for names in HELD.values() for name in names}
    return {name for name in every if f'"{name}"' in told or f"{BASE}{name}>" in told or f'"{BASE}{name}"' in told}


ALL = [SCOPES + scope for scope in HELD if scope]
FROM = " ".join(f"FROM <{graph}>" for graph in ALL)
NAMED = " ".join(f"FROM NAMED <{graph}>" for graph in ALL)
VALUES = "VALUES ?g { " + " ".join(f"<{graph}>" for graph in ALL) + " }"
ATTACKS = {
    "plain": "SELECT * { ?s ?p ?o }",
    "from": f"SELECT * {FROM} {{ ?s ?p ?o }}",
    "from in lower case": f"SELECT * {FROM.lower().replace('from', 'frOm')} {{ ?s ?p ?o }}",
    "from with comments": f"SELECT * {FROM.replace('FROM', chr(10) + 'FROM#x' + chr(10))} {{ ?s ?p ?o }}",
    "from by relative IRI": "SELECT * FROM <scopes/secret> FROM <scopes/mine/../secret> FROM <./scopes//secret> { ?s ?p ?o }",
    "from by prefix": f"PREFIX x: <{SCOPES}> SELECT * FROM x:secret FROM c:scopes\\/secret FROM x:other {{ ?s ?p ?o }}",
    "from by base": f"BASE <{SCOPES}mine/> SELECT * FROM <../secret> FROM <below> FROM <../other> {{ ?s ?p ?o }}",
    "from with escapes": f"SELECT * FROM <{SCOPES}\\u0073ecret> FROM <{SCOPES}othe\\U00000072> {{ ?s ?p ?o }}",
    "from named, any": f"SELECT * {NAMED} {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "from and from named": f"SELECT * {FROM} {NAMED} {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}",
    "any graph": "SELECT * { GRAPH ?g { ?s ?p ?o } }",
    "graphs by name": "SELECT * { " + " UNION ".join(f"{{ GRAPH <{graph}> {{ ?s ?p ?o }} }}" for graph in ALL) + " }",
    "graphs by values": f"SELECT * {{ {VALUES} GRAPH ?g {{ ?s ?p ?o }} }}",
    "graphs by values, from named": f"SELECT * {NAMED} {{ {VALUES} GRAPH ?g {{ ?s ?p ?o }} }}",
    "graphs bound": f"SELECT * {{ BIND(IRI('{SCOPES}secret') AS ?g) GRAPH ?g {{ ?s ?p ?o }} }}",
    "graphs made": "SELECT * { BIND(IRI(CONCAT(STR(c:scopes), '/secret')) AS ?g) GRAPH ?g { ?s ?p ?o } }",
    "paths": "SELECT * { { ?s (c:says|c:knows)* ?o } UNION { GRAPH ?g { ?s (!c:none|^c:none)+ ?o } } }",
    "paths in a graph": f"SELECT * {NAMED} {{ GRAPH <{SCOPES}secret> {{ ?s c:knows/c:says ?o }} }}",
    "subqueries": f"SELECT * {NAMED} {{ {{ SELECT * {{ GRAPH ?g {{ {{ SELECT * {{ ?s ?p ?o }} }} }} }} }} }}",
    "graph within graph": f"SELECT * {NAMED} {{ GRAPH ?h {{ {{ GRAPH <{SCOPES}secret> {{ ?s ?p ?o }} }} }} }}",
    "minus and optional": f"SELECT * {NAMED} {{ {VALUES} OPTIONAL {{ GRAPH ?g {{ ?s ?p ?o }} }} MINUS {{ ?s c:none ?o }} }}",
    "describe": "DESCRIBE c:hub c:open c:mine c:secret c:secret-below c:other",
    "describe from": f"DESCRIBE c:hub c:secret c:other {FROM} {NAMED}",
    "describe what a graph has": f"DESCRIBE ?s {FROM} {NAMED} {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "describe where": "DESCRIBE ?s { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }",
    "construct": f"CONSTRUCT {{ ?s ?p ?o }} {FROM} {NAMED} {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}",
    "construct where": f"CONSTRUCT {FROM} WHERE {{ ?s ?p ?o }}",
    "grouped": f"SELECT (GROUP_CONCAT(CONCAT('\"', ?o, '\"')) AS ?all) {FROM} {{ ?s c:says ?o }}",
    # To the reader of tokens FROM is inside a text here, to the engine it is not.
    "hidden from the reader": f"SELECT (1<#x>'''\n2 AS ?one) ?s ?p ?o {FROM} {NAMED} #'''\n {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}",
}


@pytest.mark.parametrize("who", MAY)
def test_no_query_reaches_what_its_reader_may_not_see(catalog: Catalog, checkpoint: Path, who: str) -> None:
    reader, allowed = MAY[who]
    for name, text in ATTACKS.items():
        told = answers(catalog, checkpoint, reader, text)
        beyond = names_in(told) - allowed
        # The graphs' own names are in the query; what is in them is what counts.
        assert not beyond, f"{name}: {who} sees {beyond}"


def test_every_attack_would_succeed_if_it_were_allowed(catalog: Catalog, checkpoint: Path) -> None:
    # Else the test above might hold for queries that find nothing at all.
    for name, text in ATTACKS.items():
        if "from" in name or "graph" in name or name in ("paths", "subqueries", "construct"):
            assert names_in(answers(catalog, checkpoint, ADMINISTRATOR, text)) & {"secret", "other"}, name


@pytest.mark.parametrize("who", MAY)
def test_graphs_that_the_request_names_are_filtered_like_those_of_the_query(
    catalog: Catalog, checkpoint: Path, who: str
) -> None:
    reader, allowed = MAY[who]
    both = "SELECT * { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    for named in (
        {"default_graphs": tuple(ALL)},
        {"named_graphs": tuple(ALL)},
        {"scopes": tuple(s for s in HELD if s)},
    ):
        for text in (both, f"SELECT * {FROM} {NAMED} {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}"):
            told = names_in(answers(catalog, checkpoint, reader, text, **named))
            assert not told - allowed
            assert told >= allowed - {"open"}


@pytest.mark.parametrize("text", ["ASK {{ GRAPH <{g}> {{ ?s ?p ?o }} }}", "ASK {{ GRAPH <{g}> {{}} }}", "ASK {{ FILTER EXISTS {{ GRAPH <{g}> {{ ?s ?p ?o }} }} }}", "ASK FROM <{g}> {{ ?s ?p ?o }}", "ASK FROM NAMED <{g}> {{ GRAPH ?g {{}} }}", "SELECT (COUNT(*) AS ?n) FROM <{g}> {{ ?s ?p ?o }}"])  # fmt: skip
def test_a_graph_that_may_not_be_read_is_like_one_that_does_not_exist(
    catalog: Catalog, checkpoint: Path, text: str
) -> None:
    for reader in (PUBLIC, MINE, RUNS):
        hidden = answers(catalog, checkpoint, reader, text.format(g=SCOPES + "secret"))
        absent = answers(catalog, checkpoint, reader, text.format(g=SCOPES + "absent"))
        assert hidden == absent


def test_what_a_reader_may_read_is_one_graph_in_which_nothing_counts_twice(catalog: Catalog, checkpoint: Path) -> None:
    for reader, allowed in MAY.values():
        told = json.loads(answers(catalog, checkpoint, reader, "SELECT ?o { ?s c:says ?o }"))
        assert sorted(row["o"]["value"] for row in told["results"]["bindings"]) == sorted(allowed)
    both = f"SELECT ?o FROM <{SCOPES}mine> FROM <{SCOPES}mine/below> FROM <{SCOPES}mine> {{ ?s c:says ?o }}"
    told = json.loads(answers(catalog, checkpoint, MINE, both))
    assert sorted(row["o"]["value"] for row in told["results"]["bindings"]) == ["mine", "mine-below"]


def test_scopes_choose_among_those_of_the_reader(catalog: Catalog, checkpoint: Path) -> None:
    told = answers(catalog, checkpoint, ADMINISTRATOR, "SELECT ?o { ?s c:says ?o }", scopes=("other", "mine/below"))
    assert names_in(told) == {"open", "other", "mine-below"}
    assert names_in(answers(catalog, checkpoint, MINE, "SELECT ?o { ?s c:says ?o }", scopes=("secret",))) == {"open"}


def test_a_reader_of_many_scopes_has_to_choose(catalog: Catalog) -> None:
    many = Reader("many", tuple(Grant("read", f"s{number}") for number in range(33)))
    with pytest.raises(Invalid, match="scope="):
        dataset_of(Asked(""), many, scopes=catalog.scopes, base=BASE)
    assert len(dataset_of(Asked("", scopes=("s1", "s2")), many, scopes=catalog.scopes, base=BASE).graphs) == 2
    with pytest.raises(Malformed, match="one of them"):
        dataset_of(Asked("", scopes=("s1",), named_graphs=(SCOPES + "s1",)), many, scopes=catalog.scopes, base=BASE)
    with pytest.raises(Malformed, match="absolute IRI"):
        dataset_of(Asked("", default_graphs=("scopes/mine",)), many, scopes=catalog.scopes, base=BASE)


class Booked:
    """A book that says what a test wants to hear: what was closed comes and goes too quickly to be met."""

    def __init__(self, told: tuple[Seen, Pending] | None) -> None:
        self.told = told

    def look(self, name: str) -> tuple[Seen, Pending] | None:
        return self.told


@pytest.mark.parametrize(
    ("pending", "waits"),
    [
        (Pending(), set()),
        (Pending(frozenset({1}), spreading=True), {"public", "mine", "administrator"}),
        (Pending(frozenset({1}), lay_open=True, scopes=frozenset({"other"})), {"public", "mine", "administrator"}),
        (Pending(frozenset({1}), scopes=frozenset({"other"})), {"administrator"}),
        (Pending(frozenset({1}), scopes=frozenset({"mine/below/deep"})), {"mine", "administrator"}),
    ],
)
def test_a_query_waits_only_where_its_graphs_may_hold_what_was_just_closed(
    tmp_path: Path, pending: Pending, waits: set[str]
) -> None:
    book: Any = Booked((Seen(3, tmp_path, "41", 41, 40), pending))
    for who, within in (("public", ()), ("mine", ("mine",)), ("administrator", None)):
        dataset = Dataset(SCOPES, within=within)
        if who in waits:
            with pytest.raises(Closing):
                ready(dataset, book=book)
        else:
            assert ready(dataset, book=book) == tmp_path / "checkpoints" / "41"


def test_a_graph_that_is_not_there_yet_is_unavailable(catalog: Catalog) -> None:
    with pytest.raises(Unavailable, match="being built"):
        ready(Dataset(SCOPES), book=Booked(None))  # type: ignore[arg-type]  # as above
    asked, dataset = Asked("ASK {}"), Dataset(SCOPES)
    future = ask(asked, dataset, "one", pool=catalog.sparql, book=catalog.book, base=BASE, prefixes={})
    assert isinstance(future.exception(30), Unavailable)
