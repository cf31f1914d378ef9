"""Away to an issuer and back, in a browser, which holds to cookies, redirects and policies as Python's client does not."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.conftest import Served, start, stop
from tests.service.issuers import Issuer, issuing, running_keycloak
from tests.service.signing_in import add_issuer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose base address is where it runs: issuers send browsers back there."""
    running = start(tmp_path_factory.mktemp("issuers") / "data")
    yield running
    stop(running)


@pytest.fixture(scope="module")
def provider() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, served: Served, provider: Issuer) -> Iterator[Page]:
    """Somebody's browser, before a catalogue with two issuers."""
    add_issuer(served, "lab-id", provider.address, title={"en": "Laboratory ID", "ja": "研究室ID"})
    add_issuer(served, "facility", running_keycloak().address, title={"en": "Facility ID", "ja": "施設ID"})
    context = browser.new_context(base_url=served.address, locale="en-GB")
    yield context.new_page()
    context.close()


def sign_in_at_provider(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name="Sign in for tests")).to_be_visible()
    page.get_by_label("User name").fill(name)
    page.get_by_role("button", name="Sign in").click()


def sign_in_at_keycloak(page: Page, name: str) -> None:
    page.locator("#username").fill(name)
    page.locator("#password").fill(name)
    page.locator("#kc-login").click()


def test_somebody_signs_in_at_an_issuer_and_comes_back_to_the_page_that_led_there(
    visitor: Page, served: Served
) -> None:
    visitor.goto("kinds")
    visitor.get_by_role("link", name="Sign in").click()
    visitor.get_by_role("link", name="Laboratory ID").click()
    sign_in_at_provider(visitor, "alice")
    expect(visitor.get_by_role("banner").get_by_role("link", name="Alice Example")).to_be_visible()
    assert visitor.url.startswith(served.address)
    assert urlsplit(visitor.url).path == "/kinds"
    # Neither code nor state is left in the address, and no script sees a cookie.
    assert urlsplit(visitor.url).query == ""
    assert visitor.evaluate("document.cookie") == ""
    names = {cookie["name"] for cookie in visitor.context.cookies(served.address)}
    assert "musubi_session" in names
    assert "musubi_sign_in" not in names


def test_somebody_adds_the_identity_of_another_issuer_and_takes_it_away(visitor: Page, served: Served) -> None:
    visitor.goto("sign-in?lang=ja")
    visitor.get_by_role("link", name="研究室ID").click()
    sign_in_at_provider(visitor, "bob")
    visitor.goto("account")
    expect(visitor.get_by_role("heading", name="ボブ 例")).to_be_visible()
    # The page's policy lets its forms go to this site only: the way on is a page of ours, and a link on it.
    visitor.get_by_role("button", name="Add Facility ID").click()
    sign_in_at_keycloak(visitor, "dave")
    expect(visitor.get_by_role("status")).to_contain_text("Added")
    assert visitor.url.startswith(served.address)
    expect(visitor.get_by_role("cell", name="facility")).to_be_visible()
    # By the other one now, in a browser that knows nothing.
    context = (
        visitor.context.browser.new_context(base_url=served.address, locale="en-GB")
        if visitor.context.browser
        else None
    )
    assert context is not None
    other = context.new_page()
    other.goto("sign-in")
    other.get_by_role("link", name="Facility ID").click()
    sign_in_at_keycloak(other, "dave")
    expect(other.get_by_role("banner").get_by_role("link", name="ボブ 例")).to_be_visible()
    visitor.locator("tr", has_text="facility").get_by_role("button", name="Take away").click()
    expect(visitor.get_by_role("status")).to_contain_text("Ended")
    other.goto("account")
    expect(other.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    context.close()
