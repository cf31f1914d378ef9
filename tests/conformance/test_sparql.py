"""The W3C's SPARQL query suites, 1.1 and 1.0, over HTTP through /sparql: route, dataset, pool, a process for queries.

Every file of data is a graph of a scope, whose IRI its own address gives; a test names those that it is about as the
protocol has it. So what the suite reaches, it reaches as any reader does.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.settings import Settings
from catalog.store.tables import projection
from catalog.web.app import create
from tests.conformance.gaps import hold, hold_names

BASE = "http://suite.example/"
GRAPHS = BASE + "scopes/"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# Left out: entailment (none is offered), federation and updates (refused), the protocol and the service description
# (tested beside the routes): none of these are tests of queries.
MANIFESTS = (
    "sparql11/manifest-sparql11-query.ttl",
    "sparql11/manifest-sparql11-results.ttl",
    "sparql10/manifest-evaluation.ttl",
    "sparql10/manifest-syntax.ttl",
)
FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".n3": ox.RdfFormat.TURTLE,
}
RESULTS = {
    ".srx": ox.QueryResultsFormat.XML,
    ".srj": ox.QueryResultsFormat.JSON,
    ".tsv": ox.QueryResultsFormat.TSV,
}

Row = tuple[Any, ...]


class Graph:
    """A file's statements, asked by subject and predicate."""

    def __init__(self, path: Path, iri: str) -> None:
        self._said: dict[tuple[Any, str], list[Any]] = {}
        for quad in ox.parse(path=path, format=FORMATS[path.suffix], base_iri=iri):
            self._said.setdefault((quad.subject, quad.predicate.value), []).append(quad.object)
            self._said.setdefault((None, quad.predicate.value), []).append(quad.subject)

    def all(self, subject: Any, predicate: str) -> list[Any]:
        return self._said.get((subject, predicate), [])

    def one(self, subject: Any, predicate: str) -> Any:
        return next(iter(self.all(subject, predicate)), None)

    def having(self, predicate: str) -> list[Any]:
        return self._said.get((None, predicate), [])

    def listed(self, head: Any) -> Iterator[Any]:
        while head is not None and head.value != RDF + "nil":
            yield self.one(head, RDF + "first")
            head = self.one(head, RDF + "rest")


@dataclass(frozen=True)
class Case:
    """One test: its name is where it stands."""

    name: str
    kind: str
    query: Path
    data: tuple[str, ...]
    named: tuple[str, ...]
    result: Path | None
    lax: bool


def iri_of(path: Path, root: Path) -> str:
    return GRAPHS + path.relative_to(root).as_posix()


def path_of(iri: str, root: Path) -> Path:
    return root / iri.removeprefix(GRAPHS)


def cases_of(manifest: Path, root: Path) -> Iterator[Case]:
    graph = Graph(manifest, iri_of(manifest, root))
    for head in graph.having(MF + "include"):
        for included in graph.listed(graph.one(head, MF + "include")):
            yield from cases_of(path_of(included.value, root), root)
    for head in graph.having(MF + "entries"):
        for entry in graph.listed(graph.one(head, MF + "entries")):
            kind = graph.one(entry, RDF + "type").value.removeprefix(MF)
            action = graph.one(entry, MF + "action")
            query = graph.one(action, QT + "query") or action
            result = graph.one(entry, MF + "result")
            folder = manifest.parent.relative_to(root).as_posix()
            yield Case(
                name=f"{folder}/{re.split('[#/]', entry.value)[-1]}",
                kind=kind,
                query=path_of(query.value, root),
                data=tuple(each.value for each in graph.all(action, QT + "data")),
                named=tuple(each.value for each in graph.all(action, QT + "graphData")),
                result=path_of(result.value, root) if result is not None else None,
                lax=graph.one(entry, MF + "resultCardinality") is not None,
            )


@pytest.fixture(scope="module")
def root(test_data: Path) -> Path:
    return test_data / "suites" / "sparql"


@pytest.fixture(scope="module")
def cases(root: Path) -> list[Case]:
    return [case for manifest in MANIFESTS for case in cases_of(root / manifest, root)]


@pytest.fixture(scope="module")
def catalog(cases: list[Case], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    opened = open_catalog(Settings(data=tmp_path_factory.mktemp("suite") / "data", base=BASE))
    folder = opened.book.folder_of("graph", 1)
    folder.mkdir(parents=True)
    store = ox.Store(str(folder / "store"))
    for iri in sorted({iri for case in cases for iri in (*case.data, *case.named, *sources_in(case, root))}):
        path = path_of(iri, root)
        quads = ox.parse(path=path, format=FORMATS[path.suffix], base_iri=iri, rename_blank_nodes=True)
        store.extend(ox.Quad(*quad.triple, ox.NamedNode(iri)) for quad in quads)
    store.flush()
    (folder / "checkpoints").mkdir()
    store.backup(str(folder / "checkpoints" / "suite"))
    with opened.store.write() as connection:
        told = {
            "name": "graph",
            "generation": 1,
            "state": "live",
            "why": "first",
            "fingerprint": "",
            "visible": "suite",
        }
        connection.execute(projection.insert().values(started_at="2026-01-01T00:00:00.000000Z", **told))
    yield opened
    opened.close()


class Client:
    """The application, asked in this process."""

    def __init__(self, catalog: Catalog) -> None:
        self._loop = asyncio.new_event_loop()
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create(catalog)),
            base_url=BASE,
            headers={"Authorization": f"Bearer {catalog.token}"},
            timeout=60,
        )

    def post(self, path: str, **told: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._http.post(path, **told))

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()


@pytest.fixture(scope="module")
def client(catalog: Catalog) -> Iterator[Client]:
    opened = Client(catalog)
    yield opened
    opened.close()


def sources_in(case: Case, root: Path) -> list[str]:
    """The graphs that a query names itself, where the test says nothing of the default graph."""
    if case.data or case.kind != "QueryEvaluationTest":
        return []
    found = re.findall(r"\bFROM\s+(?:NAMED\s+)?<([^>]*)>", case.query.read_text("utf-8"))
    folder = case.query.parent.relative_to(root).as_posix()
    return [f"{GRAPHS}{folder}/{name}" for name in found]


def asked(client: Client, case: Case, root: Path, form: str) -> httpx.Response:
    text = case.query.read_text("utf-8")
    graphs = [("default-graph-uri", iri) for iri in case.data] + [("named-graph-uri", iri) for iri in case.named]
    if sources_in(case, root):
        # What the request names would go before what the query names.
        graphs = []
    elif not graphs:
        # A graph that is not there: the test is about no data at all.
        graphs = [("default-graph-uri", GRAPHS + "nothing")]
    return client.post(
        "/sparql",
        params=[*graphs, ("format", form), ("timeout", "20")],
        content=f"BASE <{iri_of(case.query, root)}>\n{text}".encode(),
        headers={"Content-Type": "application/sparql-query"},
    )


# --- what is expected, and whether that is what came


@dataclass(frozen=True)
class Table:
    variables: tuple[str, ...]
    rows: Sequence[Row]
    ordered: bool = False


def expected_of(path: Path, root: Path) -> Table | bool | ox.Dataset:
    if path.suffix in RESULTS:
        return table_of(ox.parse_query_results(path=path, format=RESULTS[path.suffix]))
    graph = Graph(path, iri_of(path, root))
    sets = [
        each for each in graph.having(RDF + "type") if RS + "ResultSet" in map(_value, graph.all(each, RDF + "type"))
    ]
    if not sets:
        return dataset_of(ox.parse(path=path, format=FORMATS[path.suffix], base_iri=iri_of(path, root)))
    found = sets[0]
    truth = graph.one(found, RS + "boolean")
    if truth is not None:
        return bool(truth.value == "true")
    variables = tuple(sorted(each.value for each in graph.all(found, RS + "resultVariable")))
    solutions = graph.all(found, RS + "solution")
    ordered = all(graph.one(each, RS + "index") is not None for each in solutions) and bool(solutions)
    if ordered:
        solutions = sorted(solutions, key=lambda each: int(graph.one(each, RS + "index").value))
    rows = []
    for solution in solutions:
        bound = {
            graph.one(each, RS + "variable").value: graph.one(each, RS + "value")
            for each in graph.all(solution, RS + "binding")
        }
        rows.append(tuple(by_value(bound.get(name)) for name in variables))
    return Table(variables, rows, ordered)


@cache
def by_value(term: Any) -> Any:
    """A term as the engine keeps it: numbers and times are theirs by value, however they were spelled."""
    if not isinstance(term, ox.Literal) or term.language:
        return term
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("a:s"), ox.NamedNode("a:p"), term))
    return next(iter(store)).object


def _value(term: Any) -> str:
    return str(term.value)


def table_of(results: Any) -> Table | bool:
    if isinstance(results, ox.QueryBoolean):
        return bool(results)
    variables = tuple(sorted(each.value for each in results.variables))
    return Table(variables, [tuple(by_value(row[name]) for name in variables) for row in results])


def dataset_of(quads: Any) -> ox.Dataset:
    made = ox.Dataset(ox.Quad(quad.subject, quad.predicate, by_value(quad.object)) for quad in quads)
    made.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return made


def same_table(found: Table, expected: Table, lax: bool) -> bool:
    if found.variables != expected.variables:
        return False
    if lax:
        return set(found.rows) == set(expected.rows)
    if expected.ordered:
        return len(found.rows) == len(expected.rows) and _matches(list(found.rows), list(expected.rows), {}, True)
    plain_found = Counter(row for row in found.rows if not _has_blank(row))
    plain_expected = Counter(row for row in expected.rows if not _has_blank(row))
    if plain_found != plain_expected:
        return False
    left = [row for row in found.rows if _has_blank(row)]
    right = [row for row in expected.rows if _has_blank(row)]
    return len(left) == len(right) and _matches(left, right, {}, False)


def _has_blank(row: Row) -> bool:
    return any(isinstance(term, ox.BlankNode) for term in row)


def _matches(left: list[Row], right: list[Row], names: Mapping[str, str], in_order: bool) -> bool:
    """Whether rows are the same but for the names of blank nodes."""
    if not left:
        return True
    for place, row in enumerate(right[:1] if in_order else right):
        became = _renamed(left[0], row, names)
        if became is not None and _matches(left[1:], right[:place] + right[place + 1 :], became, in_order):
            return True
    return False


def _renamed(left: Row, right: Row, names: Mapping[str, str]) -> Mapping[str, str] | None:
    became = dict(names)
    for one, other in zip(left, right, strict=True):
        if isinstance(one, ox.BlankNode) and isinstance(other, ox.BlankNode):
            if became.setdefault(one.value, other.value) != other.value:
                return None
        elif one != other:
            return None
    return became if len(set(became.values())) == len(became) else None


def passes(client: Client, case: Case, root: Path) -> bool:
    if "Negative" in case.kind:
        return bool(asked(client, case, root, "json").status_code == 400)
    if "Positive" in case.kind:
        answers = [asked(client, case, root, form).status_code for form in ("json", "turtle")]
        return 200 in answers
    assert case.result is not None, case.name
    if case.result.suffix == ".csv":
        answer = asked(client, case, root, "csv")
        return answer.status_code == 200 and _lines(answer.text) == _lines(case.result.read_text("utf-8"))
    expected = expected_of(case.result, root)
    if isinstance(expected, ox.Dataset):
        answer = asked(client, case, root, "turtle")
        if answer.status_code != 200:
            return False
        return dataset_of(ox.parse(answer.content, format=ox.RdfFormat.TURTLE)) == expected
    form = {".srj": "json", ".tsv": "tsv"}.get(case.result.suffix, "xml")
    answer = asked(client, case, root, form)
    if answer.status_code != 200:
        return False
    found = table_of(
        ox.parse_query_results(answer.content, format=RESULTS[{"json": ".srj", "xml": ".srx"}.get(form, ".tsv")])
    )
    if isinstance(found, bool) or isinstance(expected, bool):
        return found == expected
    return same_table(found, expected, case.lax)


def _lines(text: str) -> tuple[set[str], Counter[frozenset[tuple[str, str]]]]:
    head, *rows = csv.reader(io.StringIO(text))
    # `SELECT *` has its columns in any order.
    return set(head), Counter(frozenset(zip(head, map(_cell, row), strict=True)) for row in rows)


def _cell(text: str) -> str:
    if text.startswith("_:"):
        return "_:"  # names of blank nodes are the writer's own
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        return text


def test_queries_are_answered_as_the_w3c_says(client: Client, cases: list[Case], root: Path) -> None:
    failed = [case.name for case in cases if not passes(client, case, root)]
    assert len(cases) > 700
    hold_names("sparql", [case.name for case in cases])
    hold("sparql", [case.name for case in cases], failed)
