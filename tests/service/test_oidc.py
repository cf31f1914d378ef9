"""Signing in at issuers, through a real server, with certified providers and with one that lies."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from catalog.web.issuers import ISSUER_EXAMPLE
from tests.service.conftest import Served, free_port
from tests.service.issuers import Issuer, issuing, refuse, sign_in
from tests.service.issuers.forger import Forger, forging, new_key, part, signed, signed_with
from tests.service.signing_in import (
    COOKIE,
    SECRET,
    UNDER_WAY,
    Visitor,
    add_issuer,
    added,
    code_from,
    query_of,
    visiting,
)

pytestmark = pytest.mark.service

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="session")
def one(served: Served, issuer: Issuer) -> str:
    """The id here of one issuer."""
    return str(add_issuer(served, "one", issuer.address, title={"en": "One", "ja": "第一"})["id"])


@pytest.fixture(scope="session")
def two(served: Served, other_issuer: Issuer) -> str:
    """The id here of another, who has users of the same names."""
    return str(add_issuer(served, "two", other_issuer.address)["id"])


@pytest.fixture(scope="session")
def three(served: Served, keycloak: Issuer) -> str:
    """The id here of the Keycloak."""
    return str(add_issuer(served, "keycloak", keycloak.address)["id"])


@pytest.fixture
def visitor(served: Served) -> Iterator[Visitor]:
    with visiting(served) as made:
        yield made


@pytest.fixture
def another(served: Served) -> Iterator[Visitor]:
    with visiting(served) as made:
        yield made


def refused(answer: httpx.Response) -> bool:
    """Whether nobody was signed in by an answer."""
    assert answer.status_code in (401, 403, 404, 409), f"{answer.status_code} {answer.text}"
    return COOKIE not in answer.cookies


# --- somebody signs in


@pytest.mark.parametrize(
    ("fixture", "name", "shown", "orcid"),
    [
        ("one", "alice", "Alice Example", "0000-0002-1825-0097"),
        ("two", "bob", "ボブ 例", None),
        ("three", "carol", "Carol Example", "0000-0001-5109-3700"),
    ],
)
def test_somebody_who_was_never_here_signs_in_at_an_issuer_and_is_known_afterwards(
    request: pytest.FixtureRequest,
    visitor: Visitor,
    another: Visitor,
    fixture: str,
    name: str,
    shown: str,
    orcid: str | None,
) -> None:
    id = request.getfixturevalue(fixture)
    answer = visitor.walk(id, name, next="/records?kind=sample")
    assert (answer.status_code, answer.headers["location"]) == (303, "/records?kind=sample")
    cookies = answer.headers.get_list("set-cookie")
    (kept,) = (each for each in cookies if each.startswith(f"{COOKIE}="))
    assert "HttpOnly" in kept
    assert "SameSite=lax" in kept
    told = visitor.account()
    assert (told["person"]["name"], told["person"]["orcid"]) == (shown, orcid)
    assert told["person"]["email"] == f"{name}@example.org"
    assert [each["issuer"] for each in told["identities"]] == [id]
    assert [each["how"] for each in told["sessions"] if each["current"]] == [id]
    # Another browser of the same person is the same person, in a session of its own.
    again = another.sign_in(id, name)
    assert again["person"]["id"] == told["person"]["id"]
    assert len(again["sessions"]) >= 2


def test_what_is_asked_of_an_issuer_is_code_with_pkce_state_and_nonce(
    visitor: Visitor, another: Visitor, one: str
) -> None:
    asked = [query_of(each.begin(one)) for each in (visitor, another)]
    for each in asked:
        assert each["response_type"] == "code"
        assert each["code_challenge_method"] == "S256"
        assert len(each["code_challenge"]) == 43
        assert each["redirect_uri"] == f"{visitor.served.address}sign-in/callback"
        assert set(each["scope"].split()) == {"openid", "profile", "email"}
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name]) >= 43


def test_the_same_name_at_two_issuers_is_two_people(visitor: Visitor, another: Visitor, one: str, two: str) -> None:
    # Their e-mail addresses are the same, and verified by both: nobody is known by them.
    first, second = visitor.sign_in(one, "bob"), another.sign_in(two, "bob")
    assert first["person"]["email"] == second["person"]["email"]
    assert first["person"]["id"] != second["person"]["id"]


def test_id_tokens_are_signed_by_es256_where_that_was_agreed(served: Served, visitor: Visitor) -> None:
    with issuing() as own, added(served, "elliptic", own.address, clientId="catalog-elliptic") as id:
        assert visitor.sign_in(id, "alice")["person"]["name"] == "Alice Example"


def test_keys_rotate_while_people_sign_in(served: Served, visitor: Visitor, another: Visitor) -> None:
    with issuing() as own, added(served, "rotating", own.address) as id:
        first = visitor.sign_in(id, "alice")["person"]["id"]
        own.rotate(keep=True)
        assert another.sign_in(id, "alice")["person"]["id"] == first
        own.rotate()
        assert visitor.sign_in(id, "alice")["person"]["id"] == first


def test_a_refusal_at_the_issuer_signs_nobody_in_and_says_so(visitor: Visitor, one: str) -> None:
    back = refuse(visitor.begin(one))
    answer = visitor.here.get(back, headers=HTML | {"Accept-Language": "ja"})
    assert refused(answer)
    assert "サインインが取り消されました" in answer.text
    assert not visitor.is_signed_in
    assert visitor.sign_in(one, "alice")


def test_a_session_at_sign_in_is_a_new_one_and_the_former_is_worthless(
    served: Served, visitor: Visitor, one: str
) -> None:
    visitor.sign_in(one, "alice")
    before = visitor.here.cookies[COOKIE]
    visitor.sign_in(one, "alice")
    assert visitor.here.cookies[COOKIE] != before
    with served.client(Cookie=f"{COOKIE}={before}") as old:
        assert old.get("account").status_code == 401
    assert visitor.is_signed_in


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example.org/",
        "//elsewhere.example.org",
        "/\\elsewhere.example.org",
        "javascript:alert(1)",
        "/%5celsewhere",
        "x",
    ],
)
def test_after_signing_in_one_is_sent_to_a_page_of_ours_only(visitor: Visitor, one: str, wanted: str) -> None:
    assert visitor.walk(one, "alice", next="/kinds").headers["location"] == "/kinds"
    assert visitor.walk(one, "alice", next=wanted).headers["location"] == "/"


def test_whoever_was_shut_out_does_not_come_back_as_somebody_new(
    served: Served, visitor: Visitor, administrator: httpx.Client
) -> None:
    with issuing() as own, added(served, "shutting", own.address) as id:
        person = visitor.sign_in(id, "alice")["person"]["id"]
        assert administrator.post(f"people/{person}/end").status_code == 200
        assert not visitor.is_signed_in
        answer = visitor.walk(id, "alice")
        assert refused(answer)
        assert "closed" in answer.text


# --- one person, several identities


def test_somebody_adds_an_identity_by_signing_in_there_and_then_comes_by_either(
    served: Served, visitor: Visitor, another: Visitor
) -> None:
    with (
        issuing() as left,
        issuing() as right,
        added(served, "left", left.address) as a,
        added(served, "right", right.address) as b,
    ):
        first = visitor.sign_in(a, "alice")["person"]["id"]
        # Whoever is signed in at the issuer already signs in there once more: it may be somebody else's session.
        begun = visitor.send("account/identities", issuer=b).json()["address"]
        assert query_of(begun)["prompt"] == "login"
        answer = visitor.come_back(sign_in(begun, "bob", at=visitor.there))
        assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=added")
        told = visitor.account()
        assert told["person"]["id"] == first
        assert {(each["issuer"], each["subject"]) for each in told["identities"]} == {
            (a, "alice-0001"),
            (b, "bob-0002"),
        }
        assert another.sign_in(b, "bob")["person"]["id"] == first
        # Said again, it is the same.
        assert visitor.add(b, "bob").status_code == 303
        assert len(visitor.account()["identities"]) == 2


@dataclass(frozen=True)
class Lying:
    """A forger whose word counts here, and its id."""

    id: str
    forger: Forger

    def back_from(self, address: str, **claims: Any) -> str:
        """The address to which an honest issuer would send a browser back, for a request and somebody it knows."""
        asked = query_of(address)
        told = {
            "code": self.forger.code_for(nonce=asked["nonce"], **claims),
            "state": asked["state"],
            "iss": self.forger.address,
        }
        return str(httpx.URL(asked["redirect_uri"], params=told))

    def sign_in(self, visitor: Visitor, subject: str, **claims: Any) -> httpx.Response:
        """Let somebody sign in as this subject."""
        return visitor.come_back(self.back_from(visitor.begin(self.id), sub=subject, **claims))

    def add(self, visitor: Visitor, subject: str) -> httpx.Response:
        """Let somebody add this subject to their account."""
        begun = visitor.send("account/identities", issuer=self.id)
        assert begun.status_code == 200, begun.text
        return visitor.come_back(self.back_from(begun.json()["address"], sub=subject))


@pytest.fixture
def left(served: Served) -> Iterator[Lying]:
    with forging() as made, added(served, f"left-{secrets.token_hex(4)}", made.address) as id:
        yield Lying(id, made)


@pytest.fixture
def right(served: Served) -> Iterator[Lying]:
    with forging() as made, added(served, f"right-{secrets.token_hex(4)}", made.address) as id:
        yield Lying(id, made)


def test_an_identity_of_somebody_else_is_never_taken_from_them(
    visitor: Visitor, another: Visitor, left: Lying, right: Lying
) -> None:
    left.sign_in(visitor, "mine")
    right.sign_in(another, "theirs")
    mine, theirs = visitor.account()["person"]["id"], another.account()["person"]["id"]
    answer = right.add(visitor, "theirs")
    assert answer.status_code == 409
    assert "somebody else" in answer.text
    assert [each["issuer"] for each in visitor.account()["identities"]] == [left.id]
    right.sign_in(another, "theirs")
    assert another.account()["person"]["id"] == theirs != mine


def test_an_identity_is_added_only_to_who_began_and_is_still_signed_in(
    visitor: Visitor, another: Visitor, left: Lying, right: Lying
) -> None:
    left.sign_in(visitor, "one")
    left.sign_in(another, "other")
    # Somebody is made to come back with what another began.
    begun = another.send("account/identities", issuer=right.id).json()["address"]
    back = right.back_from(begun, sub="new")
    assert refused(visitor.come_back(back))
    # With the other's cookie, too, the session is another one.
    visitor.here.cookies.set(UNDER_WAY, another.here.cookies[UNDER_WAY], domain="127.0.0.1", path="/")
    assert refused(visitor.come_back(back))
    assert [each["issuer"] for each in visitor.account()["identities"]] == [left.id]
    # Signed out meanwhile: nobody is left to add it to, and nobody is signed in by it either.
    gone = another.send("sign-out")
    assert gone.status_code == 200, gone.text
    assert refused(another.come_back(back))
    assert not another.is_signed_in


def test_nobody_begins_to_add_an_identity_for_somebody_else(
    served: Served, public: httpx.Client, administrator: httpx.Client, visitor: Visitor, left: Lying, right: Lying
) -> None:
    left.sign_in(visitor, "one")
    own = {"Origin": served.address.rstrip("/")}
    csrf = visitor.account()["csrf"]
    for headers in (own, {"X-Csrf-Token": csrf, "Origin": "https://elsewhere.example.org"}, {"X-Csrf-Token": csrf}):
        answer = visitor.here.post("account/identities", json={"issuer": right.id}, headers=headers)
        assert answer.status_code == 403, answer.text
        assert UNDER_WAY not in answer.cookies
    assert public.post("account/identities", json={"issuer": right.id}).status_code == 401
    assert administrator.post("account/identities", json={"issuer": right.id}).status_code == 403
    assert visitor.here.get("account/identities").status_code == 405
    assert visitor.send("account/identities", issuer=right.id).status_code == 200


def test_an_identity_is_taken_away_but_never_the_last_way_in(
    visitor: Visitor, another: Visitor, left: Lying, right: Lying
) -> None:
    left.sign_in(visitor, "s")
    person = visitor.account()["person"]["id"]
    alone = visitor.send("account/identities/end", issuer=left.id, subject="s")
    assert alone.status_code == 409
    assert "last way in" in alone.text
    assert right.add(visitor, "s").status_code == 303
    right.sign_in(another, "s")
    assert another.account()["person"]["id"] == person
    assert visitor.send("account/identities/end", issuer=right.id, subject="t").status_code == 404
    ended = visitor.send("account/identities/end", issuer=right.id, subject="s")
    assert ended.status_code == 200, ended.text
    # Who had signed in by it is signed out; who comes by it now is somebody else.
    assert not another.is_signed_in
    right.sign_in(another, "s")
    assert another.account()["person"]["id"] != person
    assert visitor.send("account/identities/end", issuer=right.id, subject="s").status_code == 404


def test_an_issuer_that_has_ended_is_no_way_in_that_would_be_left(
    visitor: Visitor, administrator: httpx.Client, left: Lying, right: Lying
) -> None:
    left.sign_in(visitor, "s")
    right.add(visitor, "s")
    assert administrator.post(f"issuers/{right.id}/end").status_code == 200
    assert visitor.send("account/identities/end", issuer=left.id, subject="s").status_code == 409


# --- attacks on the way back


def test_a_sign_in_is_ended_only_by_the_browser_that_began_it(visitor: Visitor, another: Visitor, one: str) -> None:
    # The attacker signs in as themselves, and lets somebody else's browser come back with it.
    back = sign_in(visitor.begin(one), "bob", at=visitor.there)
    assert refused(another.come_back(back))
    another.begin(one)
    assert refused(another.come_back(back))
    assert not another.is_signed_in
    assert visitor.come_back(back).status_code == 303


def test_a_code_of_one_browser_is_worth_nothing_in_another(
    visitor: Visitor, another: Visitor, one: str, issuer: Issuer
) -> None:
    # The attacker has got hold of somebody's code, and puts it into a sign-in of their own.
    stolen = code_from(issuer, visitor.begin(one), "alice")
    mine = query_of(another.begin(one))["state"]
    answer = another.here.get("sign-in/callback", params={"code": stolen, "state": mine, "iss": issuer.address})
    assert refused(answer)
    assert not another.is_signed_in


def test_a_state_ends_one_sign_in_and_no_second(served: Served, visitor: Visitor, one: str) -> None:
    address = visitor.begin(one)
    kept = visitor.here.cookies[UNDER_WAY]
    first, second = sign_in(address, "alice"), sign_in(address, "alice")
    assert query_of(first)["code"] != query_of(second)["code"]
    assert visitor.come_back(first).status_code == 303
    with served.client(Cookie=f"{UNDER_WAY}={kept}") as again:
        # The code is fresh; it is the state that has been used.
        answer = again.get(second)
        assert refused(answer)
        assert "is over" in answer.text


def test_what_comes_back_must_be_what_was_begun(visitor: Visitor, one: str, issuer: Issuer) -> None:
    told = query_of(sign_in(visitor.begin(one), "alice", at=visitor.there))
    for wrong in (
        {"state": told["state"][:-1] + ("A" if told["state"][-1] != "A" else "B")},
        {"state": ""},
        {"code": "forged"},
        {"iss": "https://elsewhere.example.org"},
        {"iss": issuer.address + "/"},
        {"iss": ""},
    ):
        assert refused(visitor.here.get("sign-in/callback", params=told | wrong)), wrong
    for missing in ("state", "iss", "code"):
        partly = {name: value for name, value in told.items() if name != missing}
        assert refused(visitor.here.get("sign-in/callback", params=partly)), missing
    # Said twice, nobody knows which of the two counts.
    twice = visitor.here.get("sign-in/callback", params=[*told.items(), ("state", told["state"])])
    assert twice.status_code == 400
    assert not visitor.is_signed_in


def test_an_answer_of_another_issuer_is_not_taken_for_the_one_that_was_asked(
    visitor: Visitor, one: str, two: str, other_issuer: Issuer
) -> None:
    # Mix-up: somebody wants to sign in at one, and is led to the other with the state of the first.
    begun = httpx.URL(visitor.begin(one))
    led = httpx.URL(other_issuer.metadata["authorization_endpoint"]).copy_merge_params(dict(begun.params))
    back = sign_in(str(led), "alice")
    assert query_of(back)["iss"] == other_issuer.address
    answer = visitor.come_back(back)
    assert refused(answer)
    assert "did not come from One" in answer.text
    # The code was shown to nobody: the issuer that made it still takes it, in a sign-in that was begun there.
    assert visitor.sign_in(two, "alice")


def test_a_cookie_that_was_not_sealed_here_begins_nothing(visitor: Visitor, one: str) -> None:
    back = sign_in(visitor.begin(one), "alice", at=visitor.there)
    sealed = visitor.here.cookies[UNDER_WAY]
    for forged in ("", "x", sealed[:-4], sealed[::-1], "e30="):
        with visitor.served.client(Cookie=f"{UNDER_WAY}={forged}") as client:
            assert refused(client.get(back))
    assert visitor.come_back(back).status_code == 303


def test_two_sign_ins_at_two_issuers_at_once_do_not_touch_each_other(
    visitor: Visitor, another: Visitor, one: str, three: str
) -> None:
    first, second = visitor.begin(one), another.begin(three)
    back_second = sign_in(second, "dave", at=another.there)
    back_first = sign_in(first, "alice", at=visitor.there)
    assert visitor.come_back(back_first).status_code == 303
    assert another.come_back(back_second).status_code == 303
    assert [each.account()["identities"][0]["issuer"] for each in (visitor, another)] == [one, three]


# --- an issuer that lies


@pytest.fixture
def lying(served: Served, forger: Forger) -> Iterator[str]:
    """The id here of an issuer whose ID tokens are what a test makes them."""
    with added(served, f"liar-{secrets.token_hex(4)}", forger.address) as id:
        yield id


def lie(visitor: Visitor, lying: str, forger: Forger, token: object, **beside: Any) -> httpx.Response:
    """Come back from the forger, whose token endpoint then answers with this ID token."""
    asked = query_of(visitor.begin(lying))
    if callable(token):
        token = token(asked)
    forger.answers["/token"] = {"access_token": "opaque", "token_type": "Bearer", "id_token": token, **beside}
    return visitor.here.get("sign-in/callback", params={"code": "c", "state": asked["state"], "iss": forger.address})


def honest(forger: Forger, **more: Any) -> Any:
    """An ID token of the forger's, honest but for what is told."""
    return lambda asked: signed(forger.claims(**({"nonce": asked["nonce"]} | more)), forger.key, kid="first")


def test_an_honest_id_token_signs_in(visitor: Visitor, lying: str, forger: Forger) -> None:
    assert lie(visitor, lying, forger, honest(forger)).status_code == 303
    assert visitor.account()["person"]["name"] == "Mallory Example"
    # The secret of PKCE goes to the token endpoint, and nowhere before.
    (exchanged,) = forger.exchanged
    assert len(exchanged["code_verifier"]) >= 43
    assert exchanged["redirect_uri"] == f"{visitor.served.address}sign-in/callback"


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "https://elsewhere.example.org"),
        ("iss", None),
        ("aud", "another-client"),
        ("aud", ["catalog", "another-client"]),
        ("aud", ["another-client"]),
        ("aud", "Catalog"),
        ("aud", None),
        ("aud", []),
        ("azp", "another-client"),
        ("exp", NOW - 3_600),
        ("exp", None),
        ("exp", "never"),
        ("exp", True),
        ("nbf", NOW + 36_000),
        ("iat", NOW + 36_000),
        ("iat", None),
        ("nonce", "of another sign-in"),
        ("nonce", None),
        ("nonce", ["x"]),
        ("sub", None),
        ("sub", ""),
        ("sub", 7),
        ("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_an_id_token_with_one_claim_wrong_signs_nobody_in(
    visitor: Visitor, lying: str, forger: Forger, claim: str, value: Any
) -> None:
    answer = lie(visitor, lying, forger, honest(forger, **{claim: value}))
    assert refused(answer)
    assert "does not prove who you are" in answer.text
    assert not visitor.is_signed_in


def test_an_id_token_that_the_issuers_keys_did_not_sign_signs_nobody_in(
    visitor: Visitor, lying: str, forger: Forger
) -> None:
    own, public = new_key("first"), forger.key.as_pem(private=False)

    def nonced(make: Any) -> Any:
        return lambda asked: make(forger.claims(nonce=asked["nonce"]))

    forged: dict[str, Any] = {
        "another key of the same name": nonced(lambda told: signed(told, own, kid="first")),
        "a key in the header": nonced(lambda told: signed(told, own, kid="first", jwk=own.as_dict(private=False))),
        "a key elsewhere": nonced(lambda told: signed(told, own, kid="other", jku=f"{forger.address}/elsewhere")),
        "alg none": nonced(lambda told: f"{part({'alg': 'none'})}.{part(told)}."),
        "alg none with kid": nonced(lambda told: f"{part({'alg': 'none', 'kid': 'first'})}.{part(told)}."),
        "HS256 with the public key": nonced(lambda told: signed_with(public, told, kid="first")),
        "RS512": nonced(lambda told: signed(told, forger.key, "RS512", kid="first")),
        "no signature": nonced(lambda told: signed(told, forger.key, kid="first").rpartition(".")[0] + "."),
        "no token": lambda _: "x",
        "a number": lambda _: 7,
        "nothing": lambda _: None,
    }
    forger.answers["/elsewhere"] = {"keys": [own.as_dict(private=False) | {"kid": "other"}]}
    for how, token in forged.items():
        assert refused(lie(visitor, lying, forger, token)), how
    assert forger.asked["/elsewhere"] == 0
    assert lie(visitor, lying, forger, honest(forger)).status_code == 303


def test_a_nonce_is_of_one_sign_in(visitor: Visitor, another: Visitor, lying: str, forger: Forger) -> None:
    kept: list[Any] = []

    def keep(asked: dict[str, str]) -> Any:
        kept.append(honest(forger)(asked))
        return kept[0]

    assert lie(visitor, lying, forger, keep).status_code == 303
    assert refused(lie(another, lying, forger, kept[0]))


@pytest.mark.parametrize(
    "answer",
    [
        (400, {}, b'{"error": "invalid_grant"}'),
        (400, {}, b'{"error": "invalid_grant", "error_description": "\\u30c0\\u30e1 \\"\\\\"}'),
        (200, {}, b'{"error": ["x"]}'),
        (200, {}, b"{}"),
        (200, {}, b'{"access_token": "x"}'),
        (401, {}, b'{"id_token": "x"}'),
    ],
)
def test_a_token_endpoint_that_says_no_signs_nobody_in(
    visitor: Visitor, lying: str, forger: Forger, answer: Any
) -> None:
    asked = query_of(visitor.begin(lying))
    forger.answers["/token"] = answer
    told = visitor.here.get("sign-in/callback", params={"code": "c", "state": asked["state"], "iss": forger.address})
    assert refused(told)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html>"),
        (302, {"Location": "http://127.0.0.1:1/"}, b""),
        (503, {}, b""),
        (200, {}, b" " * 2_000_000),
    ],
)
def test_an_issuer_that_does_not_answer_well_is_unavailable(
    visitor: Visitor, lying: str, forger: Forger, answer: Any
) -> None:
    asked = query_of(visitor.begin(lying))
    forger.answers["/token"] = answer
    told = visitor.here.get("sign-in/callback", params={"code": "c", "state": asked["state"], "iss": forger.address})
    assert told.status_code == 503
    assert COOKIE not in told.cookies
    # Nothing was used up by it: the same sign-in ends once the issuer is well.
    forger.answers["/token"] = {"access_token": "opaque", "token_type": "Bearer", "id_token": honest(forger)(asked)}
    again = visitor.here.get("sign-in/callback", params={"code": "c", "state": asked["state"], "iss": forger.address})
    assert again.status_code == 303


def test_userinfo_is_asked_only_for_what_gives_rights_and_is_of_the_same_subject(
    visitor: Visitor, lying: str, forger: Forger
) -> None:
    assert lie(visitor, lying, forger, honest(forger)).status_code == 303
    assert forger.asked["/userinfo"] == 0
    without = honest(forger, groups=None)
    forger.answers["/userinfo"] = {"sub": "mallory-1", "groups": ["staff"], "name": "Another Name"}
    assert lie(visitor, lying, forger, without).status_code == 303
    assert forger.asked["/userinfo"] == 1
    assert visitor.account()["identities"][0]["name"] == "Mallory Example"
    forger.answers["/userinfo"] = {"sub": "somebody-else", "groups": ["administrators"]}
    assert refused(lie(visitor, lying, forger, without))


def test_what_an_issuer_says_beside_who_somebody_is_keeps_nobody_out(
    visitor: Visitor, lying: str, forger: Forger
) -> None:
    odd = {
        "name": "x" * 5_000,
        "given_name": 7,
        "preferred_username": "mall\u0000ory",
        "email": "no address",
        "email_verified": True,
        "orcid": "0000-0000-0000-0000",
        "groups": [1, None, {"a": 1}, "staff", "", "x" * 5_000, "a\nb"],
    }
    assert lie(visitor, lying, forger, honest(forger, **odd)).status_code == 303
    told = visitor.account()["person"]
    assert (told["name"], told["email"], told["orcid"]) == ("mallory-1", None, None)


def test_an_address_that_the_issuer_has_not_verified_is_not_kept(visitor: Visitor, lying: str, forger: Forger) -> None:
    claims = {"sub": "unverified", "email": "director@example.org", "email_verified": False}
    assert lie(visitor, lying, forger, honest(forger, **claims)).status_code == 303
    assert visitor.account()["person"]["email"] is None


def test_what_is_refused_is_in_the_audit_without_secrets(
    served: Served, visitor: Visitor, lying: str, forger: Forger
) -> None:
    assert refused(lie(visitor, lying, forger, honest(forger, aud="another-client")))
    # Anybody can make up a code, and fills nothing by it.
    forger.answers["/token"] = (400, {}, b'{"error": "invalid_grant"}')
    asked = query_of(visitor.begin(lying))
    made_up = {"code": "made-up", "state": asked["state"], "iss": forger.address}
    assert refused(visitor.here.get("sign-in/callback", params=made_up))
    with sqlite3.connect(served.data / "catalog.sqlite") as database:
        lines = database.execute(
            "SELECT by, address, detail FROM audit WHERE act = 'sign-in-refused' ORDER BY position"
        ).fetchall()
    by, address, detail = lines[-1]
    assert (by, address) == ("public", "127.0.0.1")
    assert "another-client" in detail
    assert lying in detail
    database.close()


# --- issuers are added, changed, ended


def test_an_issuer_is_added_by_administrators_alone_and_its_secret_is_never_seen_again(
    served: Served, visitor: Visitor, administrator: httpx.Client, public: httpx.Client, one: str
) -> None:
    visitor.sign_in(one, "bob")
    with issuing() as own:
        told = {"id": "sealed", "address": own.address, "clientId": "catalog", "clientSecret": SECRET}
        assert public.post("issuers", json=told).status_code == 401
        assert visitor.send("issuers", **told).status_code == 403
        assert visitor.here.get("issuers").status_code == 403
        assert public.get("issuers/one").status_code == 401
        made = administrator.post("issuers", json=told)
        assert made.status_code == 201
        assert made.json()["hasSecret"] is True
        seen = made.text + administrator.get("issuers").text + administrator.get("issuers/sealed").text
        assert SECRET not in seen
        for path in served.data.rglob("*"):
            if path.is_file() and "sqlite" in path.name:
                assert SECRET.encode() not in path.read_bytes()
        assert (served.data / "sealing-key").stat().st_mode & 0o777 == 0o600
        assert administrator.post("issuers/sealed/end").status_code == 200


def test_what_calls_itself_otherwise_or_cannot_be_asked_is_not_added(
    administrator: httpx.Client, forger: Forger
) -> None:
    def add(**said: Any) -> httpx.Response:
        told = {
            "id": f"no-{secrets.token_hex(4)}",
            "address": forger.address,
            "clientId": "catalog",
            "clientSecret": "s",
        }
        return administrator.post("issuers", json=told | said)

    for address in ("http://login.example.org", "ftp://login.example.org", "login", "https://user@login.example.org"):
        assert add(address=address).status_code == 422, address
    for address in (forger.address + "/", forger.address.replace("127.0.0.1", "localhost")):
        answer = add(address=address)
        assert answer.status_code == 422
        assert "calls itself" in answer.text
    for metadata in (
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example.org/"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"response_types_supported": ["id_token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ):
        forger.answers["/.well-known/openid-configuration"] = forger.metadata | metadata
        assert add().status_code == 422, metadata
    for broken in (
        (302, {"Location": "/elsewhere"}, b""),
        (200, {}, b"x"),
        (404, {}, b"{}"),
        (200, {}, b" " * 2_000_000),
    ):
        forger.answers["/.well-known/openid-configuration"] = broken
        assert add().status_code == 503, broken
    assert forger.asked["/elsewhere"] == 0
    assert add(address=f"http://127.0.0.1:{free_port()}").status_code == 503
    del forger.answers["/.well-known/openid-configuration"]
    for said in (
        {"id": "callback"},
        {"id": "local"},
        {"id": "device"},
        {"id": "No"},
        {"id": "a/b"},
        {"clientId": None},
        {"purposes": []},
        {"purposes": ["everything"]},
        {"scopes": ["a b"]},
        {"title": {"xx!": "x"}},
        {"keysAt": f"{forger.address}/jwks"},
        {"groupsClaim": ""},
        {"groupsClaim": None},
        {"scopes": "openid"},
        {"passports": 1},
        {"address": None},
        {"clientSecret": 5},
        {"nonsense": "x"},
    ):
        assert add(**said).status_code == 422, said
    made = add(id="at-last")
    assert made.status_code == 201, made.text
    # What is said in the description of the interface is what there is.
    assert made.json().keys() == ISSUER_EXAMPLE.keys()
    # An issuer keeps its id, and the id its issuer.
    assert add(id="at-last-again").status_code == 409
    assert administrator.post("issuers/at-last/end").status_code == 200
    assert add(id="another-name").status_code == 409
    assert add(id="at-last").status_code == 201
    assert administrator.post("issuers/at-last/end").status_code == 200
    assert administrator.post("issuers/at-last/end").status_code == 404


def test_who_signed_in_by_an_issuer_is_signed_out_when_it_ends_and_comes_back_as_the_same(
    served: Served, visitor: Visitor, another: Visitor, administrator: httpx.Client
) -> None:
    with issuing() as own, added(served, "ending", own.address) as id:
        person = visitor.sign_in(id, "alice")["person"]["id"]
        under_way = sign_in(visitor.begin(id), "alice", at=visitor.there)
        assert administrator.post(f"issuers/{id}/end").status_code == 200
        assert not visitor.is_signed_in
        assert refused(visitor.come_back(under_way))
        assert visitor.here.get(f"sign-in/{id}").status_code == 404
        offered = another.here.get("sign-in", headers={"Accept": "application/json"}).json()["issuers"]
        assert id not in [each["id"] for each in offered]
        again = {"id": id, "address": own.address, "clientId": "catalog", "clientSecret": SECRET}
        assert administrator.post("issuers", json=again).status_code == 201
        assert visitor.sign_in(id, "alice")["person"]["id"] == person


def test_an_issuer_that_is_for_other_things_signs_nobody_in(
    served: Served, visitor: Visitor, administrator: httpx.Client
) -> None:
    with issuing() as own, added(served, "narrowed", own.address) as id:
        visitor.sign_in(id, "alice")
        changed = administrator.patch(f"issuers/{id}", json={"purposes": ["workloads"]})
        assert changed.status_code == 200, changed.text
        assert not visitor.is_signed_in
        assert visitor.here.get(f"sign-in/{id}").status_code == 404
        assert administrator.patch(f"issuers/{id}", json={"purposes": ["sign-in"]}).status_code == 200
        assert visitor.sign_in(id, "alice")


def test_the_page_of_issuers_adds_and_ends_in_both_languages(
    served: Served, visitor: Visitor, administrator: httpx.Client, one: str
) -> None:
    person = visitor.sign_in(one, "alice")["person"]["id"]
    assert administrator.post(f"people/{person}/administrator", json={"administrator": True}).status_code == 200
    try:
        csrf, origin = visitor.account()["csrf"], {"Origin": served.address.rstrip("/"), **HTML}
        for language, heading in (("en", "Add an issuer"), ("ja", "発行者を追加する")):
            shown = visitor.here.get("issuers", params={"lang": language}, headers=HTML)
            assert shown.status_code == 200
            assert heading in shown.text
            assert f"{served.address}sign-in/callback" in shown.text
        with issuing() as own:
            form = {
                "csrf": csrf,
                "id": "by-form",
                "address": own.address,
                "titleJa": "<フォーム>",
                "signIn": "true",
                "workloads": "true",
                "clientId": "catalog",
                "clientSecret": SECRET,
                "groupsClaim": "groups",
            }
            wrong = visitor.here.post("issuers", data=form | {"address": own.address + "/x"}, headers=origin)
            assert wrong.status_code == 503
            assert 'value="by-form"' in wrong.text
            assert SECRET not in wrong.text
            unsigned = visitor.here.post("issuers", data=form | {"csrf": "x"}, headers=origin)
            assert unsigned.status_code == 403
            made = visitor.here.post("issuers", data=form, headers=origin)
            assert (made.status_code, made.headers["location"]) == (303, "/issuers")
            shown = visitor.here.get("issuers?lang=ja", headers=HTML).text
            assert "&lt;フォーム&gt;" in shown
            robot = {"csrf": csrf, "issuer": "by-form", "subject": "robot", "name": "ロボット"}
            assert visitor.here.post("workloads", data=robot, headers=origin).status_code == 303
            assert visitor.here.post("workloads", data=robot, headers=origin).status_code == 409
            assert "ロボット" in visitor.here.get("issuers", headers=HTML).text
            (made_id,) = (
                each["id"] for each in visitor.here.get("workloads").json()["items"] if each["issuer"] == "by-form"
            )
            assert visitor.here.post(f"workloads/{made_id}/end", data={"csrf": csrf}, headers=origin).status_code == 303
            assert visitor.here.post("issuers/by-form/end", data={"csrf": csrf}, headers=origin).status_code == 303
            assert "by-form" not in visitor.here.get("issuers", headers=HTML).text
    finally:
        administrator.post(f"people/{person}/administrator", json={"administrator": False})
    assert visitor.here.get("issuers", headers=HTML).status_code == 403


def test_the_pages_to_sign_in_and_of_the_account_name_the_issuers(visitor: Visitor, one: str, two: str) -> None:
    shown = visitor.here.get("sign-in", params={"lang": "ja", "next": "/kinds"}, headers=HTML).text
    assert 'href="/sign-in/one?next=%2Fkinds&amp;lang=ja"' in shown
    assert "第一" in shown
    visitor.sign_in(one, "alice")
    csrf, origin = visitor.account()["csrf"], {"Origin": visitor.served.address.rstrip("/"), **HTML}
    account = visitor.here.get("account", params={"lang": "ja"}, headers=HTML).text
    assert 'action="/account/identities?lang=ja"' in account
    assert '<td>第一<span class="id">one · ' in account
    # Nobody is offered to lock themselves out.
    assert 'action="/account/identities/end' not in account
    assert "唯一のサインイン方法" in account
    onward = visitor.here.post("account/identities", data={"issuer": two, "csrf": csrf}, headers=origin)
    assert onward.status_code == 200
    assert 'http-equiv="refresh"' in onward.text
    assert UNDER_WAY in onward.cookies
    done = visitor.here.get("account?done=added&lang=ja", headers=HTML)
    assert "追加しました" in done.text
    ended = visitor.here.post(
        "account/identities/end", data={"issuer": two, "subject": "x", "csrf": csrf}, headers=origin
    )
    assert ended.status_code == 404
