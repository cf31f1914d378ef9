"""The page that asks GraphQL in a browser: completion, checking, documentation, variables, history, examples, who asks, both languages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from catalog.web.graphql.page import EXAMPLES, Example
from tests.service.conftest import Served

EDITOR = "#query"


def opened(page: Page, address: str = "graphql") -> Page:
    """The page when it has read the schema."""
    page.goto(address)
    expect(page.locator("html[data-schema=known]")).to_have_count(1, timeout=30_000)
    return page


def run(page: Page, query: str, variables: str = "") -> dict[str, Any]:
    """What is answered to a query."""
    page.locator(EDITOR).fill(query)
    if variables:
        page.locator("#variables-box").evaluate("box => { box.open = true }")
        page.locator("#variables").fill(variables)
    page.locator("#run").click()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false", timeout=20_000)
    answer: dict[str, Any] = json.loads(page.locator("#answer").inner_text())
    return answer


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_run_by_a_click_and_finds_something(page: Page, example: Example) -> None:
    opened(page).locator(f"[data-example={example.name}]").click()
    expect(page.locator("#answer")).to_be_visible(timeout=20_000)
    expect(page.locator("#result [role=alert]")).to_have_count(0)
    expect(page.locator("#problems li")).to_have_count(0)
    answer = json.loads(page.locator("#answer").inner_text())
    assert "errors" not in answer
    (told,) = answer["data"].values()
    assert any(told.values()) if isinstance(told, dict) else told


def test_a_field_is_completed_from_what_the_schema_has(page: Page) -> None:
    opened(page).locator(EDITOR).fill("")
    page.locator(EDITOR).press_sequentially("{ samp")
    expect(page.get_by_role("option", name="samples")).to_be_visible()
    page.get_by_role("option", name="samples").first.click()
    assert page.locator(EDITOR).input_value() == "{ samples {  }"
    page.locator(EDITOR).press_sequentially("nod")
    page.locator(EDITOR).press("Enter")
    page.locator(EDITOR).press_sequentially("tit")
    expect(page.get_by_role("option", name="title").first).to_be_visible()
    page.locator(EDITOR).press("Tab")
    assert page.locator(EDITOR).input_value() == "{ samples { nodes { title } }"


def test_arguments_and_their_members_are_offered_with_the_keyboard(page: Page) -> None:
    opened(page).locator(EDITOR).fill("")
    page.locator(EDITOR).press_sequentially("{ samples(")
    page.locator(EDITOR).press("Control+Space")
    names = page.locator("#offers li span:first-child").all_inner_texts()
    assert {"where", "orderBy", "first", "after"} <= set(names)
    page.locator(EDITOR).press("Escape")
    expect(page.locator("#offers")).to_be_hidden()


def test_what_is_wrong_is_told_with_its_place_before_anything_is_sent(page: Page) -> None:
    opened(page).locator(EDITOR).fill("{\n  samples {\n    nodes { id titel }\n  }\n}")
    problem = page.locator("#problems li")
    expect(problem).to_contain_text("Sample has no field titel")
    expect(problem).to_contain_text("title")
    problem.get_by_role("button", name="Line 3").click()
    selected = page.evaluate(
        "(() => { const e = document.getElementById('query'); return e.value.slice(e.selectionStart, e.selectionEnd) })()"
    )
    assert selected == "titel"


def test_variables_are_sent_and_a_wrong_one_is_told(page: Page) -> None:
    opened(page)
    query = 'query One($id: ID!) { record(id: $id) { id title(language: "ja") } }'
    answer = run(page, query, '{"id": "sample/spring8/s-001"}')
    assert answer["data"]["record"]["id"] == "sample/spring8/s-001"
    page.locator("#variables").fill('{"id": ')
    page.locator("#run").click()
    expect(page.locator("#result [role=alert]")).to_contain_text("not a JSON object")


def test_an_error_of_the_server_is_told_with_its_code(page: Page) -> None:
    answer = run(opened(page), '{ samples(where: {collectedAt: {overlaps: {from: "nonsense"}}}) { nodes { id } } }')
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    expect(page.locator("#result [role=alert]").first).to_contain_text("nonsense")


def test_the_documentation_is_found_by_name_and_walked_through(page: Page) -> None:
    opened(page).locator("#find").fill("sampletype")
    page.get_by_role("button", name="Sample.sampleType", exact=True).click()
    expect(page.locator("#docs strong")).to_have_text("Sample.sampleType")
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#docs strong")).to_have_text("Sample")
    page.locator("#docs").get_by_role("button", name="SampleLinkConnection").first.click()
    expect(page.locator("#docs strong")).to_have_text("SampleLinkConnection")


def test_what_was_asked_is_remembered_in_this_browser_until_it_is_forgotten(page: Page) -> None:
    run(opened(page), "query Mine { samples(first: 1) { nodes { id } } }")
    opened(page)
    page.get_by_text("Asked before").click()
    page.get_by_role("button", name="query Mine").click()
    assert page.locator(EDITOR).input_value().startswith("query Mine")
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("#history li")).to_have_count(0)


def test_an_address_carries_a_query_with_its_variables(page: Page) -> None:
    query, variables = "query A($n: Int!) { samples(first: $n) { totalCount } }", '{"n": 1}'
    opened(page, f"graphql#query={quote(query)}&variables={quote(variables)}")
    assert page.locator(EDITOR).input_value() == query
    assert page.locator("#variables").input_value() == variables


def test_who_pastes_a_token_asks_as_who_it_stands_for(page: Page, sample: Served) -> None:
    opened(page).locator("#token").fill(sample.token)
    page.locator("#token").press("Tab")
    answer = run(page, '{ records(statuses: ["draft"]) { totalCount } me { administrator } }')
    assert "errors" not in answer
    assert answer["data"]["me"]["administrator"] is True


def test_lines_are_set_out(page: Page) -> None:
    opened(page).locator(EDITOR).fill("{samples(first:2){nodes{id}}}")
    page.get_by_role("button", name="Set out lines").click()
    assert page.locator(EDITOR).input_value() == "{\n  samples(first: 2) {\n    nodes {\n      id\n    }\n  }\n}\n"


def test_of_several_operations_the_one_at_the_cursor_is_run(page: Page) -> None:
    opened(page).locator(EDITOR).fill("query A { samples { totalCount } }\nquery B { datasets { totalCount } }")
    page.evaluate("document.getElementById('query').setSelectionRange(50, 50)")
    page.locator("#run").click()
    expect(page.locator("#answer")).to_contain_text('"datasets"')


def test_the_page_is_there_in_japanese(page: Page) -> None:
    opened(page, "graphql?lang=ja")
    expect(page.get_by_role("heading", level=1)).to_have_text("GraphQL で問い合わせる")
    page.locator(EDITOR).fill("{ nope }")
    expect(page.locator("#problems li")).to_contain_text("Query に項目 nope はありません")
