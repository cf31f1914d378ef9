"""SPARQL over HTTP, through a real server that projects what is submitted."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from tests.service.conftest import Served, prepare, start, stop

NUMBERS = itertools.count(1)
RESULTS = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
GRAPHS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
}
UPDATE = "INSERT DATA { <a:s> <a:p> <a:o> }"


def submit(administrator: httpx.Client, title: str, **more: Any) -> tuple[str, str]:
    """A new sample: its IRI, and the position at which it was written."""
    record = {"kind": "sample", "source": "lab", "localId": f"sparql-{next(NUMBERS)}", "body": {"title": {"en": title}}}
    made = administrator.post("records", json={**record, **more})
    assert made.status_code == 201, made.text
    return made.json()["iri"], made.json()["position"]


def ask(client: httpx.Client, query: str, **named: Any) -> list[dict[str, str]]:
    """The rows of an answer."""
    answer = client.get(
        "sparql", params={"query": query, **named}, headers={"Accept": "application/sparql-results+json"}
    )
    assert answer.status_code == 200, answer.text
    return [{name: cell["value"] for name, cell in row.items()} for row in answer.json()["results"]["bindings"]]


@pytest.fixture(scope="module")
def titled(administrator: httpx.Client, public: httpx.Client) -> str:
    """A sample that everyone may read, and that is in the graph."""
    iri, position = submit(administrator, "Asked about")
    assert ask(public, f"SELECT ?t {{ <{iri}> dcterms:title ?t }}", waitFor=position) == [{"t": "Asked about"}]
    return iri


def test_what_was_written_is_found_by_who_waits_for_it(administrator: httpx.Client, public: httpx.Client) -> None:
    for _ in range(5):
        iri, position = submit(administrator, "Just now")
        assert ask(public, f"SELECT ?t {{ <{iri}> dcterms:title ?t }}", waitFor=position) == [{"t": "Just now"}]
    late = public.get("sparql", params={"query": "ASK {}", "waitFor": int(position) + 10_000, "waitSeconds": 0})
    assert late.status_code == 503
    assert int(late.headers["Retry-After"]) > 0


@pytest.mark.parametrize("way", ["get", "form", "body", "body and address"])
def test_a_query_may_be_sent_in_each_way_of_the_protocol(public: httpx.Client, titled: str, way: str) -> None:
    query = f"SELECT ?t {{ <{titled}> dcterms:title ?t }}"
    match way:
        case "get":
            answer = public.get("sparql", params={"query": query, "format": "csv"})
        case "form":
            answer = public.post("sparql", data={"query": query, "format": "csv"})
        case "body":
            headers = {"Content-Type": "application/sparql-query; charset=utf-8", "Accept": "text/csv"}
            answer = public.post("sparql", content=query, headers=headers)
        case _:
            headers = {"Content-Type": "application/sparql-query"}
            answer = public.post("sparql?format=csv&timeout=5", content=query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.text))) == [["t"], ["Asked about"]]


@pytest.mark.parametrize("media_type", RESULTS)
def test_results_come_in_the_form_that_is_asked_for(public: httpx.Client, titled: str, media_type: str) -> None:
    for text, kind in (
        (f"SELECT ?t {{ <{titled}> dcterms:title ?t }}", ox.QuerySolutions),
        ("ASK {}", ox.QueryBoolean),
    ):
        answer = public.get("sparql", params={"query": text}, headers={"Accept": f"{media_type}, text/turtle;q=0.5"})
        assert answer.headers["Content-Type"].partition(";")[0] == media_type
        if kind is ox.QueryBoolean and media_type.startswith("text"):
            assert answer.text == "true"
            continue
        found = ox.parse_query_results(answer.content, format=RESULTS[media_type])
        assert isinstance(found, kind)
        if isinstance(found, ox.QuerySolutions):
            assert [row["t"].value for row in found] == ["Asked about"]


@pytest.mark.parametrize("media_type", GRAPHS)
def test_graphs_come_in_the_form_that_is_asked_for(public: httpx.Client, titled: str, media_type: str) -> None:
    for text in (f"DESCRIBE <{titled}>", f"CONSTRUCT WHERE {{ <{titled}> ?p ?o }}"):
        answer = public.get("sparql", params={"query": text}, headers={"Accept": media_type})
        assert answer.headers["Content-Type"].partition(";")[0] == media_type
        found = {quad.object.value for quad in ox.parse(answer.content, format=GRAPHS[media_type])}
        assert "Asked about" in found


def test_what_no_form_can_hold_is_told_with_what_can(public: httpx.Client) -> None:
    refused = public.get("sparql", params={"query": "ASK {}"}, headers={"Accept": "text/turtle"})
    assert refused.status_code == 406
    assert "application/sparql-results+json" in refused.json()["detail"]
    assert public.get("sparql", params={"query": "ASK {}"}, headers={"Accept": "image/png"}).status_code == 406
    refused = public.get("sparql", params={"query": "CONSTRUCT WHERE { ?s ?p ?o }", "format": "csv"})
    assert refused.status_code == 400
    assert "turtle" in refused.json()["detail"]
    assert "tsv" in public.get("sparql", params={"query": "ASK {}", "format": "xlsx"}).json()["detail"]


def test_only_readers_of_a_scope_find_what_lies_there(administrator: httpx.Client, public: httpx.Client) -> None:
    hidden, position = submit(administrator, "Behind a door", scope="lab/closed")
    graph = f"{hidden.partition('sample/')[0]}scopes/lab/closed"
    about = f"{{ <{hidden}> dcterms:title ?t }}"

    assert ask(administrator, f"SELECT ?t {about}", waitFor=position) == [{"t": "Behind a door"}]
    assert ask(administrator, f"SELECT ?t FROM <{graph}> {about}") == [{"t": "Behind a door"}]
    for named in ({}, {"default-graph-uri": graph}, {"named-graph-uri": graph}, {"scope": "lab/closed"}):
        assert ask(administrator, f"SELECT ?t {{ {about} UNION {{ GRAPH ?g {about} }} }}", **named)
        assert ask(public, f"SELECT ?t {{ {about} UNION {{ GRAPH ?g {about} }} }}", **named) == []
    assert (
        ask(public, f"SELECT ?t FROM <{graph}> FROM NAMED <{graph}> {{ {about} UNION {{ GRAPH ?g {about} }} }}") == []
    )


def test_what_is_hidden_is_gone_at_the_next_query(administrator: httpx.Client, public: httpx.Client) -> None:
    for _ in range(10):
        iri, position = submit(administrator, "Here and gone")
        query = f"SELECT ?t {{ <{iri}> dcterms:title ?t }}"
        assert ask(public, query, waitFor=position)
        record = "sample/" + iri.partition("sample/")[2]
        assert administrator.post(f"hide/{record}").status_code == 200
        answer = public.get("sparql", params={"query": query, "format": "csv"})
        # Gone, or not to be had until it is.
        assert (answer.status_code, answer.text) == (200, "t\r\n") or answer.status_code == 503


def test_updates_are_refused_however_they_are_sent(public: httpx.Client, administrator: httpx.Client) -> None:
    for client in (public, administrator):
        answers = [
            client.post("sparql", data={"update": UPDATE}),
            client.get("sparql", params={"update": UPDATE}),
            client.post("sparql", content=UPDATE, headers={"Content-Type": "application/sparql-update"}),
            client.get("sparql", params={"query": UPDATE}),
            client.post("sparql", content=UPDATE, headers={"Content-Type": "application/sparql-query"}),
        ]
        for answer in answers:
            assert answer.status_code == 400
            assert "/records" in answer.json()["detail"]
    assert ask(administrator, "SELECT ?o { <a:s> <a:p> ?o }") == []


def test_service_is_refused(administrator: httpx.Client, served: Served) -> None:
    for written in ("SERVICE", "service SILENT", "\\u0053ERVICE"):
        answer = administrator.get(
            "sparql", params={"query": f"SELECT * {{ {written} <{served.address}sparql> {{ ?s ?p ?o }} }}"}
        )
        assert answer.status_code == 400
        assert "SERVICE" in answer.json()["detail"]


def test_what_is_wrong_is_told_with_its_place_in_both_languages(public: httpx.Client) -> None:
    query = "SELECT *\nWHERE { ?s ?p ?o .\n  FILTER (?o > 1 }"
    english = public.get("sparql", params={"query": query})
    japanese = public.get("sparql", params={"query": query, "lang": "ja"})
    assert english.status_code == japanese.status_code == 400
    assert (english.json()["line"], english.json()["column"]) == (3, 18)
    assert "line 3, column 18: this } closes nothing" in english.json()["detail"]
    assert "3 行 18 列" in japanese.json()["detail"]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "query"),
        ({"query": ["ASK {}", "ASK {}"]}, "query"),
        ({"query": "ASK {}", "timeout": "soon"}, "timeout"),
        ({"query": "ASK {}", "timeout": "100000"}, "timeout"),
        ({"query": "ASK {}", "timeout": "nan"}, "timeout"),
        ({"query": "ASK {}", "default-graph-url": "a:b"}, "default-graph-uri"),
        ({"query": "ASK {}", "default-graph-uri": "no iri"}, "no iri"),
        ({"query": "ASK {}", "waitFor": "x"}, "waitFor"),
        ({"query": "ASK {}", "scope": "lab", "named-graph-uri": "a:b"}, "scope="),
    ],
)
def test_parameters_that_are_not_right_are_told_by_name(
    public: httpx.Client, parameters: dict[str, Any], named: str
) -> None:
    answer = public.post("sparql", data=parameters)
    assert answer.status_code in (400, 415), answer.text
    if parameters:
        assert answer.status_code == 400
        assert named in answer.json()["detail"]


def test_bodies_that_are_no_queries_are_refused(public: httpx.Client) -> None:
    assert public.post("sparql", json={"query": "ASK {}"}).status_code == 415
    latin = public.post("sparql", content=b"ASK { ?s ?p '\xe9' }", headers={"Content-Type": "application/sparql-query"})
    assert latin.status_code == 400
    assert "UTF-8" in latin.json()["detail"]
    large = public.post(
        "sparql",
        content=b"SELECT * { VALUES ?x { " + b"123456 " * 1_000_000 + b"} }",
        headers={"Content-Type": "application/sparql-query"},
    )
    assert large.status_code == 413
    assert "4 MiB" in large.json()["detail"]


def test_the_service_describes_itself_as_its_reader_may_see_it(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    sd = "http://www.w3.org/ns/sparql-service-description#"
    for client, graphs in ((public, False), (administrator, True)):
        for media_type, form in GRAPHS.items():
            answer = client.get("sparql", headers={"Accept": media_type})
            assert answer.headers["Content-Type"].partition(";")[0] == media_type
            said = {(quad.predicate.value, quad.object.value) for quad in ox.parse(answer.content, format=form)}
            assert (sd + "supportedLanguage", sd + "SPARQL11Query") in said
            assert any(predicate == sd + "endpoint" and value.endswith("/sparql") for predicate, value in said)
            assert any(value.endswith("/scopes/lab") for predicate, value in said if predicate == sd + "name") is graphs
        again = client.get("sparql", headers={"Accept": "text/turtle"})
        assert (
            client.get("sparql", headers={"Accept": "text/turtle", "If-None-Match": again.headers["ETag"]}).status_code
            == 304
        )


def test_a_browser_gets_the_page_and_a_program_the_answer(public: httpx.Client) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = public.get("sparql", params={"query": "ASK { <x> ?p ?o }"}, headers=browser)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "ASK { &lt;x&gt; ?p ?o }" in page.text
    assert public.get("sparql", params={"query": "ASK {}", "format": "json"}, headers=browser).json()["boolean"] is True


def test_answers_are_kept_by_nobody_whom_they_are_not_for(public: httpx.Client, administrator: httpx.Client) -> None:
    for client, said in ((public, "public, no-cache"), (administrator, "private, no-cache")):
        for method in ("GET", "HEAD"):
            answer = client.request(method, "sparql", params={"query": "ASK {}"})
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == said
            assert "Authorization" in answer.headers["Vary"]
            assert (answer.content == b"") is (method == "HEAD")
    assert public.put("sparql").headers["Allow"] == "GET, HEAD, POST"
    unknown = public.get("sparql", params={"query": "ASK {}"}, headers={"Authorization": "Bearer nobody"})
    assert unknown.status_code == 401


def test_a_large_answer_comes_whole_and_with_its_length(public: httpx.Client) -> None:
    query = f"SELECT ?n ?text {{ VALUES ?n {{ {' '.join(map(str, range(20_000)))} }} BIND('{'x' * 200}' AS ?text) }}"
    answer = public.post("sparql", data={"query": query, "format": "tsv"})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 4_000_000
    assert answer.text.count("\n") == 20_001


def test_a_data_folder_that_is_told_relatively_is_asked_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    running = start(Path("data"))
    try:
        prepare(running)
        with running.client(**running.as_administrator) as client:
            made = client.post(
                "records",
                json={"kind": "sample", "source": "lab", "localId": "one", "body": {"title": {"en": "Relatively"}}},
            )
            asked = {"query": 'ASK { ?one ?title "Relatively"@en }', "waitFor": made.json()["position"]}
            told = client.get("sparql", params=asked)
            assert told.status_code == 200, told.text
            assert told.json()["boolean"] is True
    finally:
        stop(running)
