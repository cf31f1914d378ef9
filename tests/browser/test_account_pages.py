"""Invitation, sign-in, account and sign-out in a browser, which sends what a browser sends."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.conftest import Served

PASSWORD = "correct horse battery"


def asked(sample: Served, path: str, **told: object) -> dict[str, str]:
    """What the administrator is told who sends this."""
    answer = httpx.post(f"{sample.address}{path}", headers=sample.as_administrator, json=told, timeout=30)
    assert answer.is_success, answer.text
    found: dict[str, str] = answer.json()
    return found


def path_of(address: str) -> str:
    """Where a one-time link leads on the server of this test, whatever address its records have."""
    return urlsplit(address).path.lstrip("/")


@pytest.fixture
def login(sample: Served, page: Page) -> str:
    """Somebody who has made their account by an invitation, in this browser, and is signed in there."""
    chosen = f"u{secrets.token_hex(6)}"
    link = asked(sample, "invitations", name="Haruka Ito")
    page.goto(path_of(link["address"]))
    expect(page.get_by_label("Name")).to_have_value("Haruka Ito")
    page.get_by_label("Login").fill(chosen)
    page.get_by_label("Password").fill("too short")
    page.get_by_role("button", name="Make the account").click()
    # The browser itself does not send what is too short.
    assert page.evaluate("document.querySelector('[name=password]').validity.tooShort")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("h1")).to_have_text("Haruka Ito")
    return chosen


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_whoever_signs_in_comes_back_to_the_page_that_led_there(page: Page, login: str) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("records?kind=sample")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, login, "a wrong one, and long enough")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("Login")).to_have_value(login)
    expect(page.get_by_label("Password")).to_have_value("")
    sign_in(page, login, PASSWORD)
    expect(page.get_by_role("banner").get_by_role("link", name="Haruka Ito")).to_be_visible()
    assert urlsplit(page.url).path == "/records"
    assert urlsplit(page.url).query == "kind=sample"


def test_no_script_of_a_page_sees_the_session(page: Page, login: str) -> None:
    assert page.evaluate("document.cookie") == ""
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("musubi_session", True, "Lax")


def test_a_page_of_before_signing_out_can_do_nothing_afterwards(page: Page, login: str) -> None:
    other = page.context.new_page()
    other.goto("account")
    page.get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="Keep").click()
    expect(other.locator("h1")).to_have_text("Say who you are")
    page.goto("account")
    expect(page.locator("h1")).to_have_text("Say who you are")
    page.go_back()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_the_account_page_changes_what_one_is_called(page: Page, login: str) -> None:
    page.get_by_label("Name").fill("Ito & <b>Haruka</b>")
    page.get_by_label("E-mail").fill("ito@example.org")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status")).to_have_text("Kept.")
    expect(page.locator("h1")).to_have_text("Ito & <b>Haruka</b>")
    expect(page.get_by_role("banner").get_by_role("link", name="Ito & <b>Haruka</b>")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("ito@example.org")


def test_sessions_are_seen_and_ended(page: Page, login: str, browser: Browser, sample: Served) -> None:
    elsewhere = browser.new_context(base_url=sample.address, user_agent="A telephone")
    other = elsewhere.new_page()
    other.goto("sign-in")
    sign_in(other, login, PASSWORD)
    other.goto("account")
    page.goto("account")
    row = page.get_by_role("row").filter(has_text="A telephone")
    expect(page.get_by_role("row").filter(has_text="this one")).to_have_count(1)
    row.get_by_role("button", name="End").click()
    expect(page.get_by_role("status")).to_have_text("Ended.")
    expect(row).to_have_count(0)
    other.reload()
    expect(other.locator("h1")).to_have_text("Say who you are")
    elsewhere.close()


def test_a_new_password_ends_the_sessions_elsewhere(page: Page, login: str, browser: Browser, sample: Served) -> None:
    elsewhere = browser.new_context(base_url=sample.address)
    other = elsewhere.new_page()
    other.goto("sign-in")
    sign_in(other, login, PASSWORD)
    page.goto("account")
    page.get_by_label("Password now").fill("a wrong one, and long enough")
    page.get_by_label("New password").fill("quite another battery")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("The old password is wrong")
    page.get_by_label("Password now").fill(PASSWORD)
    page.get_by_label("New password").fill("quite another battery")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("The password is changed")
    other.goto("account")
    expect(other.locator("h1")).to_have_text("Say who you are")
    other.goto("sign-in")
    sign_in(other, login, "quite another battery")
    expect(other.get_by_role("banner").get_by_role("link", name="Haruka Ito")).to_be_visible()
    elsewhere.close()


def test_a_reset_link_is_followed_in_japanese(page: Page, login: str, browser: Browser, sample: Served) -> None:
    people = httpx.get(f"{sample.address}people?limit=1000", headers=sample.as_administrator, timeout=30).json()
    [person] = [each["id"] for each in people["items"] if each["login"] == login]
    link = asked(sample, f"people/{person}/reset")
    elsewhere = browser.new_context(base_url=sample.address, locale="ja-JP")
    other = elsewhere.new_page()
    other.goto(path_of(link["address"]))
    expect(other.locator("h1")).to_have_text("パスワードの再設定")
    expect(other.get_by_role("main")).to_contain_text(login)
    other.get_by_label("新しいパスワード").fill("とても長いパスワードです")
    other.get_by_role("button", name="設定する").click()
    expect(other.locator("h1")).to_have_text("Haruka Ito")
    other.get_by_role("button", name="サインアウト").click()
    expect(other.get_by_role("link", name="サインイン")).to_be_visible()
    page.reload()
    expect(page.locator("h1")).to_have_text("Say who you are")
    elsewhere.close()


def test_an_administrator_invites_by_the_page(page: Page, login: str, sample: Served) -> None:
    people = httpx.get(f"{sample.address}people?limit=1000", headers=sample.as_administrator, timeout=30).json()
    [person] = [each["id"] for each in people["items"] if each["login"] == login]
    page.goto("people")
    expect(page.locator("h1")).to_have_text("You may not do this")
    asked(sample, f"people/{person}/administrator", administrator=True)
    page.goto("people")
    page.get_by_label("E-mail").fill("sato@example.org")
    page.get_by_role("button", name="Make the link").click()
    made = page.get_by_role("status").locator("code").inner_text()
    page.goto(path_of(made))
    expect(page.locator("h1")).to_have_text("Make your account")


def test_another_site_signs_nobody_out_and_nobody_in(page: Page, login: str, browser: Browser, sample: Served) -> None:
    """A page of another origin sends forms to ours; the browser is asked to by a click, as by a trick."""
    # Another host's name for the same machine is another site to the browser.
    host = urlsplit(sample.address).netloc
    elsewhere = sample.address.replace("127.0.0.1", "localhost")
    forms = (
        f'<form method="post" action="http://{host}/sign-out"><button id="out">x</button></form>'
        f'<form method="post" action="http://{host}/sign-in"><input name="login" value="{login}">'
        f'<input name="password" value="{PASSWORD}"><button id="in">x</button></form>'
    )
    trap = page.context.new_page()
    trap.route(f"{elsewhere}trap", lambda route: route.fulfill(body=forms, content_type="text/html"))
    trap.goto(f"{elsewhere}trap")
    with trap.expect_response(f"{sample.address}sign-out") as refused:
        trap.locator("#out").click()
    assert refused.value.status == 403
    page.reload()
    expect(page.get_by_role("banner").get_by_role("link", name="Haruka Ito")).to_be_visible()
    fresh = browser.new_context()
    trap = fresh.new_page()
    trap.route(f"{elsewhere}trap", lambda route: route.fulfill(body=forms, content_type="text/html"))
    trap.goto(f"{elsewhere}trap")
    with trap.expect_response(f"{sample.address}sign-in") as refused:
        trap.locator("#in").click()
    assert refused.value.status == 403
    assert fresh.cookies() == []
    fresh.close()
