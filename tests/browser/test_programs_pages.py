"""Links, tokens and command lines in a browser: what a link is never leaves by an address, and codes are entered by hand."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.conftest import Served

PASSWORD = "correct horse battery"
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


@pytest.fixture
def administrator(sample: Served) -> Iterator[httpx.Client]:
    with sample.client(**sample.as_administrator) as client:
        yield client


@pytest.fixture(params=["with scripts", "without"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "with scripts")


@pytest.fixture
def page(browser: Browser, sample: Served, scripts: bool) -> Iterator[Page]:
    with browser.new_context(base_url=sample.address, locale="en-US", java_script_enabled=scripts) as context:
        yield context.new_page()


def test_a_reviewer_opens_a_link_whose_secret_is_in_no_address(
    sample: Served, administrator: httpx.Client, page: Page, scripts: bool
) -> None:
    word = f"review{secrets.token_hex(4)}"
    assert administrator.put(f"scopes/{word}", json={"mode": "limited"}).status_code == 201
    assert administrator.put(f"sources/{word}", json={"title": {"en": word}, "homeScope": word}).status_code == 201
    submitted = {"kind": "sample", "source": word, "localId": "s", "body": {"title": {"en": f"Cathode {word}"}}}
    assert administrator.post("records", json=submitted).status_code == 201
    said = {"scope": word, "name": "Reviewers", "rights": ["read"], "until": NEXT_YEAR}
    value = administrator.post("shared-links", json=said).json()["token"]

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers.get("referer"))))
    page.goto(f"sample/{word}/s")
    expect(page.get_by_role("main")).not_to_contain_text("Cathode")
    page.goto(f"link#{value}")
    if not scripts:
        page.get_by_label("The link").fill(f"{sample.address}link#{value}")
        page.get_by_role("button", name="Open", exact=True).click()
    page.wait_for_url("**/records?scope=*")
    expect(page.get_by_role("main")).to_contain_text(f"Cathode {word}")
    # The address that the reader typed is no request; what the browser sent has nothing of it.
    assert not [each for each in asked if value in urlsplit(each.partition("#")[0]).geturl()]
    assert value not in page.url
    page.goto("link")
    page.get_by_role("button", name="Forget").click()
    page.goto(f"sample/{word}/s")
    expect(page.get_by_role("main")).not_to_contain_text("Cathode")


def test_somebody_makes_a_token_lets_a_command_line_in_and_ends_both(
    sample: Served, administrator: httpx.Client, page: Page
) -> None:
    link = administrator.post("invitations", json={"name": "Haruka Ito"}).json()
    page.goto(urlsplit(link["address"]).path.lstrip("/"))
    page.get_by_label("Login").fill(f"u{secrets.token_hex(6)}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.goto("account")
    page.get_by_role("link", name="Your tokens").click()
    page.get_by_label("Name").fill("Loader")
    page.get_by_label("Works until").fill(NEXT_YEAR)
    page.get_by_label("see", exact=True).check()
    page.get_by_role("button", name="Make the token").click()
    value = page.get_by_role("status").locator("code").inner_text()

    def who(told: str) -> int:
        return httpx.get(f"{sample.address}whoami", headers={"Authorization": f"Bearer {told}"}).status_code

    assert who(value) == 200
    begun = httpx.post(f"{sample.address}device", json={"name": "catalog on beamline-02"}).json()
    page.goto("device")
    page.get_by_label("The code").fill(begun["user_code"].lower())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("main")).to_contain_text("catalog on beamline-02")
    page.get_by_role("button", name="Let it in").click()
    expect(page.get_by_role("status")).to_contain_text("It is let in")
    told = httpx.post(f"{sample.address}device/token", json={"device_code": begun["device_code"]}).json()
    assert who(told["access_token"]) == 200
    for left in (1, 0):
        page.goto("account/tokens")
        page.get_by_role("button", name="End").first.click()
        expect(page.get_by_role("button", name="End")).to_have_count(left)
    assert [who(value), who(told["access_token"])] == [401, 401]
