"""The sharing page in a browser: by whoever is responsible for an experiment, with scripts and without."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.conftest import Served

PASSWORD = "correct horse battery"
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


@dataclass
class Somebody:
    """Somebody with an account, signed in in a browser of their own."""

    id: str
    login: str
    name: str
    page: Page


@pytest.fixture
def administrator(sample: Served) -> Iterator[httpx.Client]:
    with sample.client(**sample.as_administrator) as client:
        yield client


@pytest.fixture(params=["with scripts", "without"])
def people(
    request: pytest.FixtureRequest, browser: Browser, sample: Served, administrator: httpx.Client
) -> Iterator[tuple[Somebody, Somebody]]:
    """Two people, each in a browser of their own."""
    contexts = []
    made = []
    for name in ("Haruka Ito", "Ken Sato"):
        context = browser.new_context(
            base_url=sample.address, locale="en-US", java_script_enabled=request.param == "with scripts"
        )
        contexts.append(context)
        page = context.new_page()
        link = administrator.post("invitations", json={"name": name}).json()
        page.goto(urlsplit(link["address"]).path.lstrip("/"))
        login = f"u{secrets.token_hex(6)}"
        page.get_by_label("Login").fill(login)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        page.goto("account")
        made.append(Somebody(page.locator("main p .id").first.inner_text(), login, name, page))
    yield made[0], made[1]
    for context in contexts:
        context.close()


@pytest.fixture
def scope(administrator: httpx.Client) -> str:
    proposal = f"p{secrets.token_hex(4)}"
    for id in (proposal, f"{proposal}/seq-1"):
        made = administrator.put(f"scopes/{id}", json={"mode": "limited", "title": {"en": "Cathodes", "ja": "正極"}})
        assert made.status_code == 201, made.text
    return f"{proposal}/seq-1"


def test_whoever_is_responsible_shares_an_experiment_and_answers_who_asks(
    administrator: httpx.Client, people: tuple[Somebody, Somebody], scope: str
) -> None:
    boss, other = people
    given = administrator.post(f"scopes/{scope}/permissions", json={"holder": boss.id, "rights": ["manage"]})
    assert given.status_code == 201, given.text

    # Asked for, and granted.
    other.page.goto(f"scopes/{scope}/requests")
    other.page.get_by_label("What for").fill("To compare.")
    other.page.get_by_role("button", name="Ask").click()
    expect(other.page.get_by_role("status")).to_contain_text("Asked")
    boss.page.goto(f"scopes/{scope}/sharing")
    boss.page.get_by_role("link", name="waits for an answer").click()
    expect(boss.page.get_by_role("article")).to_contain_text("To compare.")
    boss.page.get_by_role("article").get_by_label("files").uncheck()
    boss.page.get_by_role("button", name="Grant").click()
    expect(boss.page.get_by_role("status")).to_contain_text("Granted")
    other.page.goto(f"scopes/{scope}")
    expect(other.page.locator("h1")).to_have_text("Cathodes")

    # The table: what they may is ticked and kept.
    boss.page.goto(f"scopes/{scope}/sharing")
    row = boss.page.get_by_role("row", name=other.name)
    expect(row.get_by_label("see")).to_be_checked()
    expect(row.get_by_label("files")).not_to_be_checked()
    row.get_by_label("files").check()
    row.get_by_label("share").check()
    row.get_by_label("Until").fill(NEXT_YEAR)
    row.get_by_role("button", name="Keep").click()
    expect(boss.page.get_by_role("status")).to_be_visible()
    row = boss.page.get_by_role("row", name=other.name)
    expect(row.get_by_label("share")).to_be_checked()
    expect(row.get_by_label("Until")).to_have_value(NEXT_YEAR)

    # Who may share sees the page, and no more of it than is theirs.
    other.page.goto(f"scopes/{scope}/sharing")
    expect(other.page.get_by_role("radio")).to_have_count(0)
    expect(other.page.get_by_role("row", name=boss.name)).to_contain_text("manage")
    expect(other.page.get_by_role("row", name=boss.name).get_by_role("button")).to_have_count(0)

    # Taken back, and gone; the last manager stays.
    boss.page.get_by_role("row", name=other.name).get_by_role("button", name="Take back").click()
    expect(boss.page.get_by_role("row", name=other.name)).to_have_count(0)
    other.page.goto(f"scopes/{scope}/sharing")
    expect(other.page.locator("h1")).not_to_contain_text("Cathodes")
    boss.page.get_by_role("row", name=boss.name).get_by_role("button", name="Leave").click()
    expect(boss.page.get_by_role("alert")).to_contain_text("last who manages")


def test_a_scope_is_opened_and_limited_and_somebody_let_in_by_name(
    administrator: httpx.Client, sample: Served, people: tuple[Somebody, Somebody], scope: str
) -> None:
    boss, other = people
    administrator.post(f"scopes/{scope}/permissions", json={"holder": boss.id, "rights": ["manage"]})
    page = boss.page
    page.goto(f"scopes/{scope}/sharing")
    page.get_by_role("radio", name="Everyone").check()
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("radio", name="Everyone")).to_be_checked()
    assert httpx.get(f"{sample.address}scopes/{scope}").status_code == 200
    page.get_by_role("radio", name="Limited").check()
    page.get_by_role("button", name="Set").click()
    assert httpx.get(f"{sample.address}scopes/{scope}").status_code == 404

    page.get_by_label("Whom", exact=False).first.fill("nobody-of-this-name")
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_role("alert")).to_contain_text("nobody signs in here")
    page.get_by_label("Whom", exact=False).first.fill(other.login)
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_role("row", name=other.name)).to_be_visible()

    page.get_by_label("For whom").fill("Reviewers")
    page.get_by_label("Works until").fill(NEXT_YEAR)
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("status")).to_contain_text("mlk_")
    page.goto(f"scopes/{scope}/sharing?lang=ja")
    expect(page.locator("h1")).to_contain_text("共有設定")
    expect(page.get_by_role("cell", name="Reviewers")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("Everyone")
