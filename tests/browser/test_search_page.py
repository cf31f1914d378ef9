"""Searching in a browser: suggestions while typing, by keys and by the mouse, facets by clicks, and all of it without scripts."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.service.conftest import Served

OPTIONS = "#q-suggestions [role=option]"


def test_suggestions_come_while_typing_and_are_taken_by_keys(page: Page) -> None:
    page.goto("search")
    box = page.get_by_role("combobox")
    box.press_sequentially("cathod", delay=10)
    expect(page.locator(OPTIONS).first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    first = page.locator(OPTIONS).first
    expect(first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    text = first.locator("span").first.inner_text()
    box.press("Enter")
    expect(page.locator("ol.hits h2").first).to_be_visible()
    assert page.locator("#q").input_value() == text
    assert text in page.locator("ol.hits h2").first.inner_text()


def test_escape_closes_the_suggestions_and_enter_searches_for_what_was_typed(page: Page) -> None:
    page.goto("search")
    box = page.locator("#q")
    box.press_sequentially("soil", delay=10)
    expect(page.locator(OPTIONS).first).to_be_visible()
    box.press("Escape")
    expect(page.locator(OPTIONS)).to_have_count(0)
    assert box.input_value() == "soil"
    box.press("Enter")
    expect(page.locator("mark").first).to_have_text("Soil")


def test_a_suggestion_is_taken_by_a_click_from_the_box_of_any_page(page: Page) -> None:
    page.goto("kinds?lang=ja")
    page.locator("#quick").press_sequentially("正極", delay=10)
    option = page.locator("#quick-suggestions [role=option]").first
    expect(option).to_be_visible()
    option.click()
    expect(page.locator("ol.hits h2").first).to_contain_text("正極")


def test_facets_are_chosen_and_taken_away_by_clicks(page: Page) -> None:
    page.goto("search?q=cathode")
    every = page.locator("#hits").inner_text()
    sample = page.locator(".facets a", has_text="Sample").first
    sample.click()
    expect(page.locator(".chips")).to_contain_text("Sample")
    narrowed = page.locator("#hits").inner_text()
    assert int(narrowed.split()[0]) < int(every.split()[0])
    assert page.locator("ol.hits .chip").all_inner_texts() == ["Sample"] * int(narrowed.split()[0])
    page.locator(".chips a").first.click()
    expect(page.locator("#hits")).to_have_text(every)
    page.goto("search?kind=experiment")
    page.locator(".bars a").last.click()
    expect(page.locator(".chips")).to_contain_text("Started")


def test_without_scripts_the_page_works_the_same(browser: Browser, sample: Served) -> None:
    context = browser.new_context(base_url=sample.address, locale="ja-JP", java_script_enabled=False)
    page = context.new_page()
    page.goto("")
    page.locator("#q").fill("土壌")
    page.locator("form.search button").click()
    expect(page.locator("mark").first).to_have_text("土壌")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.locator(".facets a", has_text="試料").first.click()
    expect(page.locator(".chips")).to_contain_text("試料")
    context.close()


def test_kana_that_are_still_being_turned_into_kanji_ask_for_nothing(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "suggestions?" in request.url else None)
    page.goto("search")
    page.locator("#q").focus()
    page.evaluate(
        """() => {
        const box = document.getElementById("q");
        box.value = "せいきょく";
        box.dispatchEvent(new InputEvent("input", {isComposing: true, bubbles: true}));
    }"""
    )
    page.wait_for_timeout(400)
    assert asked == []
    page.evaluate(
        """() => {
        const box = document.getElementById("q");
        box.value = "正極";
        box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
    }"""
    )
    expect(page.locator(OPTIONS).first).to_be_visible()
    assert len(asked) == 1
