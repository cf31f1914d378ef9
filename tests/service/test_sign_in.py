"""Signing in with a browser: cookies, forms that only pages of ours may send, guessing, and what is ended."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.conftest import Served

HTML = {"Accept": "text/html"}
PASSWORD = "correct horse battery"
COOKIE = "musubi_session"


@dataclass
class Somebody:
    """Somebody with an account and a browser of their own."""

    id: str
    login: str
    browser: httpx.Client
    csrf: str

    @property
    def own_page(self) -> dict[str, str]:
        """What a browser sends with a form of a page of ours."""
        return {"Origin": str(self.browser.base_url).rstrip("/"), "X-Csrf-Token": self.csrf}

    def value(self) -> str:
        """The session's value, which only the browser knows."""
        return str(self.browser.cookies[COOKIE])


def origin(client: httpx.Client) -> dict[str, str]:
    return {"Origin": str(client.base_url).rstrip("/")}


def joined(served: Served, administrator: httpx.Client, **invited: Any) -> Somebody:
    """Somebody who was invited, has made an account, and is signed in."""
    made = administrator.post("invitations", json=invited)
    assert made.status_code == 201, made.text
    login = f"u{secrets.token_hex(6)}"
    browser = served.client()
    path = urlsplit(made.json()["address"]).path.lstrip("/")
    answer = browser.post(path, json={"login": login, "password": PASSWORD, "name": "Haruka Ito"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return Somebody(told["person"]["id"], login, browser, told["csrf"])


@pytest.fixture
def ito(served: Served, administrator: httpx.Client) -> Iterator[Somebody]:
    made = joined(served, administrator)
    with closing(made.browser):
        yield made


def is_signed_in(client: httpx.Client, value: str | None = None) -> bool:
    """Whether a session's value (or what the client has) still is somebody's."""
    cookies = {} if value is None else {"Cookie": f"{COOKIE}={value}"}
    status = client.get("account", headers=cookies).status_code
    assert status in (200, 401)
    return status == 200


# --- accounts


def test_an_invitation_makes_an_account_once(served: Served, administrator: httpx.Client) -> None:
    link = administrator.post("invitations", json={"name": "Ken Sato", "email": "sato@example.org"}).json()
    path = urlsplit(link["address"]).path.lstrip("/")
    told = {"login": f"S{secrets.token_hex(4)}", "password": PASSWORD, "name": "Ken Sato"}
    with served.client() as first, served.client() as second:
        assert first.get(path).json() == {"name": "Ken Sato", "email": "sato@example.org", "administrator": False}
        assert "Ken Sato" in first.get(path, headers=HTML).text
        made = first.post(path, json=told)
        assert made.status_code == 200, made.text
        assert made.json()["person"]["login"] == told["login"].lower()
        assert made.json()["person"]["email"] == "sato@example.org"
        assert is_signed_in(first)
        again = second.post(path, json={**told, "login": "another"})
        assert again.status_code == 404
        assert second.get(path).json() == second.get("invitation/never-there").json()
        assert not is_signed_in(second)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"password": "short"}, "12"),
        ({"password": "長" * 400}, "1024"),
        ({"login": "a b"}, "login"),
        ({"login": "a"}, "login"),
        ({"name": " "}, "name"),
        ({"name": "a\u202eb"}, "name"),
    ],
)
def test_an_account_that_is_not_right_is_refused_and_the_invitation_stays(
    served: Served, administrator: httpx.Client, said: dict[str, str], named: str
) -> None:
    path = urlsplit(administrator.post("invitations", json={}).json()["address"]).path.lstrip("/")
    right = {"login": f"u{secrets.token_hex(6)}", "password": PASSWORD, "name": "Ken Sato"}
    with served.client() as client:
        refused = client.post(path, json={**right, **said})
        assert refused.status_code == 422
        assert named in refused.json()["detail"]
        assert client.post(path, json=right).status_code == 200


def test_a_login_is_given_once_however_it_is_typed(served: Served, administrator: httpx.Client, ito: Somebody) -> None:
    path = urlsplit(administrator.post("invitations", json={}).json()["address"]).path.lstrip("/")
    with served.client() as client:
        for login in (ito.login, ito.login.upper(), "".join(chr(ord(sign) + 0xFEE0) for sign in ito.login)):
            taken = client.post(path, json={"login": login, "password": PASSWORD, "name": "Another"})
            assert taken.status_code == 409
        typed = ito.login.upper()
        assert client.post("sign-in", json={"login": typed, "password": PASSWORD}).status_code == 200


def test_only_administrators_invite_and_look_after_people(ito: Somebody, public: httpx.Client) -> None:
    assert public.post("invitations", json={}).status_code == 401
    assert ito.browser.post("invitations", json={}, headers=ito.own_page).status_code == 403
    assert ito.browser.get("people").status_code == 403
    for what in ("reset", "end", "administrator"):
        told = {"administrator": True} if what == "administrator" else None
        refused = ito.browser.post(f"people/{ito.id}/{what}", json=told, headers=ito.own_page)
        assert refused.status_code == 403
        unknown = ito.browser.post("people/person:00/" + what, json=told, headers=ito.own_page)
        assert unknown.json() == refused.json()


def test_a_reset_link_sets_a_password_once_and_ends_every_session(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    link = administrator.post(f"people/{ito.id}/reset").json()["address"]
    path = urlsplit(link).path.lstrip("/")
    before = ito.value()
    with served.client() as client:
        assert client.get(path).json() == {"login": ito.login}
        assert client.post(path, json={"password": "short"}).status_code == 422
        assert client.post(path, json={"password": "another horse battery"}).status_code == 200
        assert is_signed_in(client)
        client.cookies.clear()
        assert client.post(path, json={"password": "a third horse battery"}).status_code == 404
    with served.client() as client:
        assert not is_signed_in(client, before)
        assert client.post("sign-in", json={"login": ito.login, "password": PASSWORD}).status_code == 401
        assert client.post("sign-in", json={"login": ito.login, "password": "another horse battery"}).status_code == 200


@pytest.mark.parametrize("kept", [False, True])
def test_a_password_set_by_a_link_ends_tokens_unless_they_are_kept(
    served: Served, administrator: httpx.Client, ito: Somebody, kept: bool
) -> None:
    told = {"name": "loader", "until": (datetime.now(UTC) + timedelta(days=30)).date().isoformat()}
    made = ito.browser.post("account/tokens", json=told, headers=ito.own_page).json()
    path = urlsplit(administrator.post(f"people/{ito.id}/reset").json()["address"]).path.lstrip("/")
    with served.client() as client:
        assert '<input type="checkbox" name="keepTokens" value="true">' in client.get(path, headers=HTML).text
        assert client.post(path, json={"password": "another horse battery", "keepTokens": "yes"}).status_code == 400
        sent = {"password": "another horse battery"} | ({"keepTokens": "true"} if kept else {})
        assert client.post(path, data=sent, headers={**origin(client), **HTML}).status_code == 303
    with served.client(Authorization=f"Bearer {made['token']}") as program:
        assert program.get("whoami").status_code == (200 if kept else 401)


def test_shutting_somebody_out_says_which_scopes_are_left_without_a_manager(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    scopes = [f"left-{secrets.token_hex(4)}" for _ in range(2)]
    for scope in scopes:
        assert administrator.put(f"scopes/{scope}", json={"mode": "limited"}).status_code == 201
        given = administrator.post(f"scopes/{scope}/permissions", json={"holder": ito.id, "rights": ["manage"]})
        assert given.status_code in (200, 201), given.text
    boss = joined(served, administrator)
    assert administrator.post(f"people/{boss.id}/administrator", json={"administrator": True}).status_code == 200
    with closing(boss.browser):
        ended = boss.browser.post(
            f"people/{ito.id}/end", data={"csrf": boss.csrf}, headers={**origin(boss.browser), **HTML}
        )
        assert ended.status_code == 200
        for scope in scopes:
            assert f'/scopes/{scope}/sharing">{scope}</a>' in ended.text
    lines = administrator.get("audit", params={"act": "unmanaged", "holder": ito.id}).json()["items"]
    assert sorted(line["scope"] for line in lines) == sorted(scopes)


# --- cookies and sessions


def test_the_cookie_is_for_the_browser_alone(served: Served, ito: Somebody) -> None:
    with served.client() as client:
        answer = client.post("sign-in", json={"login": ito.login, "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        # Without TLS a cookie that is Secure would not come back; with it the prefix __Host- is in its name.
        assert attributes == {"httponly", "samesite=lax", "path=/"}
        value = client.cookies[COOKIE]
        assert len(value) >= 43
        assert answer.headers["cache-control"] == "no-store"
        assert value not in answer.text


def test_a_session_fixed_before_signing_in_is_worthless_afterwards(served: Served, ito: Somebody) -> None:
    with served.client() as attacker, served.client() as victim:
        planted = "planted-by-somebody-else-0000000000000000000"
        told = {"login": ito.login, "password": PASSWORD}
        assert victim.post("sign-in", json=told, headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 200
        assert victim.cookies[COOKIE] != planted
        assert not is_signed_in(attacker, planted)
        # And a real session of the attacker's that the victim's browser was given ends with the sign-in in it.
    theirs, csrf = ito.value(), ito.csrf
    with served.client() as victim, served.client() as attacker:
        headers = {**origin(victim), "X-Csrf-Token": csrf, "Cookie": f"{COOKIE}={theirs}"}
        answer = victim.post("sign-in", json=told, headers=headers)
        assert answer.status_code == 200
        assert victim.cookies[COOKIE] != theirs
        assert not is_signed_in(attacker, theirs)


def test_two_different_session_cookies_are_nobodys(served: Served, ito: Somebody) -> None:
    with served.client() as client:
        both = {"Cookie": f"{COOKIE}=planted; {COOKIE}={ito.value()}"}
        assert client.get("account", headers=both).status_code == 401
        assert is_signed_in(client, ito.value())


def test_a_session_that_is_none_is_cleared_and_its_bearer_is_nobody(served: Served) -> None:
    with served.client() as client:
        answer = client.get("kinds", headers={"Cookie": f"{COOKIE}=never-there"})
        assert answer.status_code == 200
        assert re.search(rf'{COOKIE}="?"?; .*Max-Age=0', answer.headers["set-cookie"])
        assert client.get("kinds").headers.get("set-cookie") is None


def test_signing_out_ends_the_session_itself(served: Served, ito: Somebody) -> None:
    value = ito.value()
    with served.client() as client:
        assert is_signed_in(client, value)
        assert ito.browser.post("sign-out", headers=ito.own_page).json() == {"signedOut": True}
        assert not is_signed_in(client, value)
    assert COOKIE not in ito.browser.cookies
    assert ito.browser.get("sign-out").status_code == 405


def test_sessions_are_listed_and_ended_by_their_person(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    with served.client(**{"User-Agent": "Another Browser"}) as other:
        other.post("sign-in", json={"login": ito.login, "password": PASSWORD})
        listed = ito.browser.get("account").json()["sessions"]
        assert {session["agent"] for session in listed} >= {"Another Browser"}
        assert [session["current"] for session in listed].count(True) == 1
        [another] = [session["id"] for session in listed if not session["current"]]
        stranger = joined(served, administrator)
        with closing(stranger.browser):
            refused = stranger.browser.post("account/sessions/end", json={"id": another}, headers=stranger.own_page)
            assert refused.status_code == 404
        assert is_signed_in(other)
        ended = ito.browser.post("account/sessions/end", json={"id": another}, headers=ito.own_page)
        assert ended.status_code == 200
        assert not is_signed_in(other)
        assert is_signed_in(ito.browser)
    with served.client() as first, served.client() as second:
        for client in (first, second):
            client.post("sign-in", json={"login": ito.login, "password": PASSWORD})
        ito.browser.post("account/sessions/end", json={}, headers=ito.own_page)
        assert [is_signed_in(client) for client in (first, second, ito.browser)] == [False, False, True]


def test_changing_the_password_ends_other_sessions(served: Served, ito: Somebody) -> None:
    with served.client() as other:
        other.post("sign-in", json={"login": ito.login, "password": PASSWORD})
        new = {"old": PASSWORD, "password": "another horse battery"}
        wrong = ito.browser.post("account/password", json={**new, "old": "a wrong battery"}, headers=ito.own_page)
        assert wrong.status_code == 403
        assert is_signed_in(other)
        assert ito.browser.post("account/password", json=new, headers=ito.own_page).status_code == 200
        assert not is_signed_in(other)
        assert is_signed_in(ito.browser)
        assert other.post("sign-in", json={"login": ito.login, "password": PASSWORD}).status_code == 401
        assert other.post("sign-in", json={"login": ito.login, "password": new["password"]}).status_code == 200


def test_an_ended_person_is_nobody_at_the_next_request(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    assert administrator.post(f"people/{ito.id}/end").json() == {"ended": ito.id, "unmanaged": []}
    assert not is_signed_in(ito.browser)
    refused = ito.browser.post("sign-in", json={"login": ito.login, "password": PASSWORD})
    assert refused.status_code == 401
    assert administrator.post(f"people/{ito.id}/end").status_code == 404
    assert ito.id not in {person["id"] for person in administrator.get("people").json()["items"]}


def test_an_ended_persons_tokens_end_with_them_and_no_token_does_what_a_session_does(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    made = ito.browser.post("account/tokens", json={"name": "a program's", "until": until}, headers=ito.own_page)
    assert made.status_code == 201, made.text
    with served.client(Authorization=f"Bearer {made.json()['token']}") as program:
        assert program.get("account").json()["person"]["id"] == ito.id
        # Whoever finds a token can't make more of it than it is.
        assert "csrf" not in program.get("account").json()
        new = {"old": PASSWORD, "password": "another horse battery"}
        for path, told in (("account/password", new), ("account/sessions/end", {}), ("account", {"name": "Thief"})):
            assert program.post(path, json=told).status_code == 403
        assert is_signed_in(ito.browser)
        administrator.post(f"people/{ito.id}/end")
        refused = program.get("kinds")
        assert refused.status_code == 401
        with served.client(Authorization="Bearer never-there") as nobody:
            assert refused.json() == nobody.get("kinds").json()


def test_an_administrator_in_person_may_what_the_token_may_until_it_is_taken_back(
    administrator: httpx.Client, ito: Somebody
) -> None:
    scope = f"s{secrets.token_hex(4)}"
    told = {"json": {"mode": "limited"}, "headers": ito.own_page}
    assert ito.browser.put(f"scopes/{scope}", **told).status_code == 403
    administrator.post(f"people/{ito.id}/administrator", json={"administrator": True})
    assert ito.browser.put(f"scopes/{scope}", **told).status_code == 201
    administrator.post(f"people/{ito.id}/administrator", json={"administrator": False})
    assert ito.browser.put(f"scopes/{scope}", **told).status_code == 403
    assert ito.browser.get(f"scopes/{scope}").status_code == 404


# --- what browsers are made to send


def forged(ito: Somebody) -> dict[str, dict[str, str]]:
    ours = origin(ito.browser)["Origin"]
    return {
        "nothing at all": {},
        "no value": {"Origin": ours},
        "a wrong value": {"Origin": ours, "X-Csrf-Token": ito.csrf[:-1] + "_"},
        "an empty value": {"Origin": ours, "X-Csrf-Token": ""},
        "no origin": {"X-Csrf-Token": ito.csrf},
        "another's origin": {"Origin": "https://evil.example", "X-Csrf-Token": ito.csrf},
        "an origin that begins as ours does": {"Origin": f"{ours}.evil.example", "X-Csrf-Token": ito.csrf},
        "an origin of nobody": {"Origin": "null", "X-Csrf-Token": ito.csrf},
        "another site": {"Sec-Fetch-Site": "cross-site", "X-Csrf-Token": ito.csrf},
        "a neighbour": {"Sec-Fetch-Site": "same-site", "X-Csrf-Token": ito.csrf},
        "ours, they say, from elsewhere": {
            "Sec-Fetch-Site": "same-origin",
            "Origin": "https://evil.example",
            "X-Csrf-Token": ito.csrf,
        },
    }


def test_what_changes_something_is_refused_unless_a_page_of_ours_sends_it(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    administrator.post(f"people/{ito.id}/administrator", json={"administrator": True})
    for how, headers in forged(ito).items():
        for method, path, body in (
            ("PUT", "scopes/forged", {"mode": "everyone"}),
            ("POST", "records", {"kind": "sample", "source": "lab", "localId": "forged", "body": {}}),
            ("DELETE", "sample/lab/forged", None),
            ("POST", "sign-out", None),
            ("POST", f"people/{ito.id}/end", None),
        ):
            refused = ito.browser.request(method, path, json=body, headers=headers)
            assert refused.status_code == 403, (how, path, refused.text)
            assert refused.json()["type"].endswith("/forbidden")
    assert is_signed_in(ito.browser)
    assert administrator.get("scopes/forged").status_code == 404
    for way in ({"Origin": ito.own_page["Origin"]}, {"Sec-Fetch-Site": "same-origin"}):
        made = ito.browser.put("scopes/forged", json={"mode": "limited"}, headers={**way, "X-Csrf-Token": ito.csrf})
        assert made.status_code in (200, 201)


def test_a_plain_form_from_elsewhere_does_nothing(served: Served, ito: Somebody) -> None:
    with served.client(Cookie=f"{COOKIE}={ito.value()}") as client:
        for body in (
            {"data": {}},
            {"data": {"csrf": "guessed"}},
            {"content": b"csrf=x", "headers": {"Content-Type": "text/plain"}},
            {"files": {"csrf": "x"}},
        ):
            headers = {**body.pop("headers", {}), "Origin": "https://evil.example"}  # type: ignore[attr-defined]
            assert client.post("sign-out", headers=headers, **body).status_code == 403  # type: ignore[arg-type]
        assert is_signed_in(client)
        ours = client.post("sign-out", data={"csrf": ito.csrf}, headers=origin(client))
        assert ours.status_code == 303
        assert not is_signed_in(ito.browser)


def test_nobody_is_signed_in_by_a_form_of_another_site(served: Served, ito: Somebody) -> None:
    form = {"login": ito.login, "password": PASSWORD}
    with served.client() as client:
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            refused = client.post("sign-in", data=form, headers=headers)
            assert refused.status_code == 403, headers
            assert COOKIE not in client.cookies
        assert client.post("sign-in", data=form, headers=origin(client)).status_code == 303
        assert is_signed_in(client)


def test_a_form_whose_field_is_there_twice_is_refused(served: Served, ito: Somebody) -> None:
    with served.client() as client:
        body = f"login={ito.login}&login=other&password=x".encode()
        headers = {**origin(client), "Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("sign-in", content=body, headers=headers).status_code == 400
        large = b"login=" + b"a" * 70_000
        assert client.post("sign-in", content=large, headers=headers).status_code == 413


def test_a_question_that_is_posted_needs_no_proof(ito: Somebody) -> None:
    answer = ito.browser.post(
        "sparql", content="ASK {}", headers={"Content-Type": "application/sparql-query", "Origin": "https://x.example"}
    )
    assert answer.status_code == 200


def test_a_wrong_token_is_refused_though_a_session_is_there(ito: Somebody) -> None:
    for told in ("Bearer wrong", "Basic dTpw", "Bearer", "Bearer mst_none", "Bearer mlk_none", "Bearer a.b.c"):
        answer = ito.browser.get("account", headers={"Authorization": told})
        assert answer.status_code == 401
        assert (
            answer.json()["detail"] == ito.browser.get("kinds", headers={"Authorization": "Bearer x"}).json()["detail"]
        )
    assert is_signed_in(ito.browser)


# --- where it goes on


ASTRAY = [
    "https://evil.example/",
    "http:evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%2f%2fevil.example",
    "/%2F/evil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "/records//evil.example",
    "/../..//evil.example",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "",
    " //evil.example",
    "/\u2025/evil.example",
    "／／evil.example",
]


def test_signing_in_leads_nowhere_but_to_pages_of_ours(served: Served, ito: Somebody) -> None:
    for wanted in ASTRAY:
        with served.client() as client:
            form = {"login": ito.login, "password": PASSWORD, "next": wanted}
            answer = client.post("sign-in", data=form, headers=origin(client))
            assert answer.status_code == 303, wanted
            assert answer.headers["location"] == "/", wanted
            client.cookies.clear()
            page = client.get("sign-in", params={"next": wanted}, headers=HTML)
            assert 'name="next" value="/"' in page.text, wanted


def test_signing_in_leads_to_the_page_that_was_wanted(served: Served, ito: Somebody) -> None:
    for wanted in ("/records?kind=sample&q=%E8%A9%A6", "/account", "/search?q=a//b"):
        with served.client() as client:
            form = {"login": ito.login, "password": PASSWORD, "next": wanted}
            assert client.post("sign-in", data=form, headers=origin(client)).headers["location"] == wanted
    with served.client() as client:
        came = client.get("sign-in", headers={**HTML, "Referer": f"{served.address}records?kind=sample"})
        assert 'name="next" value="/records?kind=sample"' in came.text
        came = client.get("sign-in", headers={**HTML, "Referer": "https://evil.example/records"})
        assert 'name="next" value="/"' in came.text


# --- guessing


def test_guessing_at_a_login_gets_slower_whether_it_exists_or_not(served: Served, ito: Somebody) -> None:
    with served.client() as client:
        told: dict[str, list[tuple[int, str]]] = {}
        for login in (ito.login, f"nobody{secrets.token_hex(4)}"):
            answers = [client.post("sign-in", json={"login": login, "password": f"wrong {n}"}) for n in range(6)]
            told[login] = [(answer.status_code, answer.json()["type"]) for answer in answers]
            assert int(answers[-1].headers["retry-after"]) in (1, 2)
            # The right password is not looked at meanwhile: otherwise the delay would slow nobody down.
            now = client.post("sign-in", json={"login": login, "password": PASSWORD})
            assert now.status_code == 429
        first, second = told.values()
        assert first == second
        assert [status for status, _ in first] == [401] * 5 + [429]
    # Who is signed in stays so.
    assert is_signed_in(ito.browser)


# --- pages


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_pages_say_who_is_signed_in(served: Served, ito: Somebody, language: str) -> None:
    tongue = {**HTML, "Accept-Language": language}
    named = {"en": ("Sign in", "Sign out", "Your account"), "ja": ("サインイン", "サインアウト", "アカウント")}[
        language
    ]
    with served.client() as client:
        assert named[0] in client.get("", headers=tongue).text
        assert named[0] in client.get("account", headers=tongue).text
        assert client.get("account", headers=tongue).status_code == 401
    for path in ("", "ns", "api", "void", "sparql", "kinds", "sign-in", "account", "problems/forbidden"):
        answer = ito.browser.get(path, headers=tongue)
        assert answer.status_code == 200, path
        assert "Haruka Ito" in answer.text, path
        assert named[1] in answer.text
        # Nobody else may be shown a page with somebody's name on it.
        assert answer.headers["cache-control"].startswith(("private", "no-store")), path
        assert "Cookie" in answer.headers["vary"]
    assert named[2] in ito.browser.get("account", headers=tongue).text


def test_what_is_said_about_oneself_is_shown_as_text(ito: Somebody) -> None:
    evil = '<script>alert("1")</script>'
    form = {"name": evil, "email": "", "csrf": ito.csrf}
    answer = ito.browser.post("account", data=form, headers=origin(ito.browser))
    assert answer.status_code == 303, answer.text
    page = ito.browser.get(answer.headers["location"], headers=HTML)
    assert evil not in page.text
    assert "&lt;script&gt;" in page.text
    bad = ito.browser.post("account", data={**form, "email": "no address"}, headers={**origin(ito.browser), **HTML})
    assert bad.status_code == 422
    assert 'role="alert"' in bad.text


def test_a_refused_form_is_shown_again_without_the_password(served: Served, ito: Somebody) -> None:
    with served.client() as client:
        form = {"login": ito.login, "password": "quite a wrong one", "next": "/records"}
        answer = client.post("sign-in", data=form, headers={**origin(client), **HTML})
        assert answer.status_code == 401
        assert 'value="/records"' in answer.text
        assert "quite a wrong one" not in answer.text
        assert 'role="alert"' in answer.text


# --- what is written down


def test_refused_writes_are_told_to_the_audit_once_without_bodies_and_codes(
    served: Served, administrator: httpx.Client, ito: Somebody
) -> None:
    scope = f"s{secrets.token_hex(4)}"
    secret = f"body-{secrets.token_hex(8)}"
    told = {"json": {"title": {"en": secret}}, "headers": ito.own_page}
    assert ito.browser.put(f"scopes/{scope}", **told).status_code == 403
    assert ito.browser.put(f"scopes/{scope}", json={}).status_code == 403
    with served.client() as client:
        assert client.put(f"scopes/{scope}", json={}).status_code == 401
        assert client.get("people").status_code == 401
        form = {"login": ito.login, "password": PASSWORD, "name": secret}
        evil = {"Origin": "https://evil.example"}
        assert client.post(f"invitation/{secret}", data=form, headers=evil).status_code == 403
    page = ito.browser.post("people/person:00/end", data={"csrf": ito.csrf}, headers={**origin(ito.browser), **HTML})
    assert page.status_code == 403
    expected = {
        (ito.id, f'{{"method":"PUT","path":"/scopes/{scope}"}}'): 2,
        ("public", f'{{"method":"PUT","path":"/scopes/{scope}"}}'): 1,
        ("public", '{"method":"POST","path":"/invitation/{code}"}'): 1,
        (ito.id, '{"method":"POST","path":"/people/person:00/end"}'): 1,
    }
    lines = refusals(served, expected)
    assert {line: lines.count(line) for line in expected} == expected
    assert secret not in str(lines)
    assert '/people"' not in str(lines)


def refusals(served: Served, expected: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """Who was refused what, as the audit says; what is written aside is waited for."""
    deadline = time.monotonic() + 30
    while True:
        with closing(sqlite3.connect(served.data / "catalog.sqlite")) as database:
            lines = database.execute("SELECT by, detail FROM audit WHERE act = 'refused'").fetchall()
        if all(lines.count(line) >= count for line, count in expected.items()):
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)
