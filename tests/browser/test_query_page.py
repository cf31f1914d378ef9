"""The query page in a browser: examples, results, errors with their place, downloads, links, both languages, no scripts."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pyoxigraph
import pytest
from playwright.sync_api import Browser, Page, expect

from catalog.web.example_queries import EXAMPLES, ExampleQuery
from tests.service.conftest import Served

ROWS = "table.bindings tbody tr"
# No index helps here, so it runs until it is stopped.
SLOW = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER (?a != ?d && ?d != ?g) }"


def run(page: Page, query: str) -> None:
    page.locator("#query").fill(query)
    page.locator("#run").click()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false", timeout=20_000)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_run_by_a_click_and_finds_something(page: Page, example: ExampleQuery) -> None:
    page.goto("sparql")
    page.locator(f"a[data-example={example.name}]").click()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false", timeout=20_000)
    expect(page.locator("#result [role=alert]")).to_have_count(0)
    expect(page.locator(f"{ROWS}, #result pre, .truth").first).to_be_visible()
    assert page.locator("#query").input_value() == example.query


def test_rows_are_sorted_by_a_click_numbers_as_numbers(page: Page) -> None:
    page.goto("sparql")
    run(page, 'SELECT ?n ?x { VALUES (?n ?x) { (9 "b") (10 "a") (UNDEF "c") (-1 "d") } }')
    head = page.locator("button.sort").first
    head.click()
    assert page.locator(f"{ROWS} td:first-child").all_inner_texts() == ["-1", "9", "10", ""]
    head.click()
    assert page.locator(f"{ROWS} td:first-child").all_inner_texts() == ["10", "9", "-1", ""]
    expect(page.locator("th").first).to_have_attribute("aria-sort", "descending")


def test_a_record_in_the_results_is_one_click_away(page: Page) -> None:
    page.goto("sparql")
    run(page, "PREFIX m: <https://w3id.org/musubi/ns#> SELECT ?r { ?r a m:Sample } ORDER BY ?r LIMIT 1")
    link = page.locator(f"{ROWS} a").first
    name = link.inner_text()
    assert name.startswith("sample/")
    link.click()
    expect(page.locator(".crumbs")).to_contain_text(name.split("/", 2)[2])


def test_many_rows_are_shown_bit_by_bit(page: Page) -> None:
    page.goto("sparql")
    run(page, "SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 1100")
    expect(page.locator(ROWS)).to_have_count(500)
    page.get_by_role("button", name="more of").click()
    expect(page.locator(ROWS)).to_have_count(1000)
    page.get_by_role("button", name="more of").click()
    expect(page.locator(ROWS)).to_have_count(1100)
    expect(page.locator("#status")).to_contain_text("1100 rows")


def test_a_query_that_cannot_be_read_is_told_with_its_place(page: Page) -> None:
    page.goto("sparql")
    run(page, "SELECT * WHERE {\n  ?s ?p ?o .\n  ?s ?p }\n")
    told = page.get_by_role("alert")
    expect(told).to_be_visible()
    told.get_by_role("button").click()
    place = page.evaluate("[document.activeElement.id, document.getElementById('query').selectionStart]")
    assert place[0] == "query"
    assert place[1] >= len("SELECT * WHERE {\n  ?s ?p ?o .\n")
    # And the next one that can be read takes the complaint away.
    run(page, "ASK { ?s ?p ?o }")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".truth")).to_have_text("Yes")


def test_known_prefixes_are_put_in(page: Page) -> None:
    page.goto("sparql")
    run(page, 'SELECT (COUNT(*) AS ?n) { ?s a musubi:Sample # dcat: is only mentioned\n FILTER ("prov:x" != "") }')
    assert page.locator("#query").input_value().startswith("PREFIX musubi: <https://w3id.org/musubi/ns#>\nSELECT")
    page.get_by_text("Prefixes", exact=True).click()
    page.get_by_role("button", name="prov:").click()
    assert page.locator("#query").input_value().startswith("PREFIX prov: <http://www.w3.org/ns/prov#>\nPREFIX musubi:")


def taken(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return download.value.path().read_bytes()


def test_rows_are_taken_away_in_each_form(page: Page) -> None:
    page.goto("sparql")
    run(page, 'SELECT ?a ?b { VALUES (?a ?b) { (1 "x, \\"y\\"") (2 "土壌") } }')
    assert len(json.loads(taken(page, "JSON"))["results"]["bindings"]) == 2
    assert (
        len(list(ElementTree.fromstring(taken(page, "XML")).iter("{http://www.w3.org/2005/sparql-results#}result")))
        == 2
    )
    assert list(csv.reader(io.StringIO(taken(page, "CSV").decode()))) == [["a", "b"], ["1", 'x, "y"'], ["2", "土壌"]]
    assert taken(page, "TSV").decode().splitlines()[0] == "?a\t?b"


def test_a_graph_is_shown_as_turtle_and_taken_away_in_each_form(page: Page) -> None:
    page.goto("sparql")
    run(page, "CONSTRUCT { ?s a ?c } WHERE { ?s a ?c } LIMIT 20")
    shown = page.locator("#result pre").inner_text()
    graphs = [{quad.triple for quad in pyoxigraph.parse(shown, format=pyoxigraph.RdfFormat.TURTLE)}]
    for name, form in (
        ("Turtle", pyoxigraph.RdfFormat.TURTLE),
        ("N-Triples", pyoxigraph.RdfFormat.N_TRIPLES),
        ("JSON-LD", pyoxigraph.RdfFormat.JSON_LD),
        ("RDF/XML", pyoxigraph.RdfFormat.RDF_XML),
    ):
        graphs.append({quad.triple for quad in pyoxigraph.parse(taken(page, name), format=form)})
    assert len(graphs[0]) == 20
    assert all(len(other) == 20 for other in graphs)


def test_a_link_holds_the_query(page: Page, browser: Browser, sample: Served) -> None:
    query = 'SELECT ?x { VALUES ?x { "&#+%土" } }'
    page.goto("sparql")
    run(page, query)
    assert page.url == sample.address + "sparql#query=" + quote(query, safe="!*'()")
    page.goto("about:blank")
    page.goto(f"sparql?lang=ja#query={quote(query)}")
    assert page.locator("#query").input_value() == query
    # A link runs nothing by itself.
    expect(page.locator(ROWS)).to_have_count(0)


def test_a_query_is_stopped(page: Page, sample: Served) -> None:
    page.goto("sparql")
    page.locator("#query").fill(SLOW)
    page.locator("#run").click()
    expect(page.locator("#status")).to_have_text("Running …")
    page.locator("#stop").click()
    expect(page.locator("#status")).to_contain_text("Stopped after")
    expect(page.locator("#run")).to_be_enabled()
    run(page, "ASK { ?s ?p ?o }")
    expect(page.locator(".truth")).to_have_text("Yes")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.goto("sparql")
    page.locator("#query").focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("ASK { ?s ?p ?o }")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".truth")).to_have_text("Yes")
    # Tab leaves the editor for the buttons.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "run"
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Answered")


def test_what_results_say_is_text_and_never_run(page: Page) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto("sparql")
    nasty = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"
    run(page, f"SELECT ?text ?address {{ BIND ('{nasty}' AS ?text) BIND (<javascript:alert(3)> AS ?address) }}")
    cells = page.locator(f"{ROWS} td")
    assert cells.all_inner_texts() == [nasty, "javascript:alert(3)"]
    expect(page.locator(f"{ROWS} a")).to_have_count(0)
    page.goto(f"sparql#query={quote(nasty)}")
    page.reload()
    assert page.locator("#query").input_value() == nasty
    assert dialogs == []


def test_the_page_speaks_the_readers_language(page: Page) -> None:
    page.goto("sparql?lang=ja")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    run(page, "ASK { ?s ?p ?o }")
    expect(page.locator(".truth")).to_have_text("はい")
    run(page, "SELECT")
    expect(page.get_by_role("alert")).to_contain_text("行目")


def test_without_scripts_the_form_sends_the_query(browser: Browser, sample: Served) -> None:
    context = browser.new_context(base_url=sample.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("sparql")
    expect(page.locator("#stop")).to_be_hidden()
    page.locator("#query").fill('SELECT ?x { VALUES ?x { "without scripts" } }')
    page.locator("select[name=format]").select_option("json")
    with page.expect_response(lambda answer: "query=" in answer.url) as answer:
        page.locator("#run").click()
    assert answer.value.status == 200
    assert "without scripts" in answer.value.text()
    context.close()


def test_a_page_about_a_record_says_its_data_where_browsers_run_nothing(page: Page, sample: Served) -> None:
    id = next(item["id"] for item in httpx.get(f"{sample.address}records?kind=dataset&limit=1").json()["items"])
    page.goto(id)
    told = json.loads(page.locator("script[type='application/ld+json']").text_content() or "")
    assert told["@type"] == "Dataset"
    assert told["url"].endswith(id)
