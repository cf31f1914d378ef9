"""Signed tokens: by whose keys, by which algorithms, for how long; and how often keys are asked for."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from catalog.access.signed import (
    Keyring,
    Unsound,
    claimed_issuer,
    demand_issuer,
    demand_timely,
    read_keys,
    subject_of,
    verified,
)
from catalog.errors import Unavailable
from tests.service.issuers.forger import new_key, part, signed, signed_with

HERE = "https://issuer.example.org/jwks"
CLAIMS = {"iss": "https://issuer.example.org", "sub": "s-1", "exp": 2_000_000_000}
RSA = new_key("r1")
EC = new_key("e1", "EC")


class Published:
    """What an issuer publishes, and how often it was asked."""

    def __init__(self, *keys: RSAKey | ECKey) -> None:
        self.keys = [key.as_dict(private=False) for key in keys]
        self.asked = 0
        self.down = False
        self.moment = 1_000.0

    def fetch(self, address: str) -> dict[str, Any]:
        assert address == HERE
        self.asked += 1
        if self.down:
            raise Unavailable("it is down")
        return {"keys": self.keys}

    def keyring(self) -> Keyring:
        return Keyring(self.fetch, elapsed=lambda: self.moment)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
def test_a_token_that_the_issuers_key_signed_is_read(key: RSAKey | ECKey, algorithm: str) -> None:
    token = signed(CLAIMS, key, algorithm, kid=key.kid)
    assert verified(token, HERE, Published(RSA, EC).keyring()) == CLAIMS


def test_another_key_of_the_same_name_proves_nothing() -> None:
    keyring = Published(RSA).keyring()
    assert verified(signed(CLAIMS, RSA, kid="r1"), HERE, keyring) == CLAIMS
    with pytest.raises(Unsound, match="BadSignature"):
        verified(signed(CLAIMS, new_key("r1"), kid="r1"), HERE, keyring)


def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = signed(CLAIMS, RSA, kid="r1").split(".")
    with pytest.raises(Unsound, match="BadSignature"):
        verified(f"{header}.{part({**CLAIMS, 'sub': 's-2'})}.{signature}", HERE, Published(RSA).keyring())


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS512", "PS256", "ES384", "EdDSA"]
)
def test_no_algorithm_is_taken_but_ours(algorithm: str) -> None:
    published = Published(RSA, EC)
    for signature in ("", "AAAA"):
        with pytest.raises(Unsound, match="nothing is accepted but"):
            verified(f"{part({'alg': algorithm, 'kid': 'r1'})}.{part(CLAIMS)}.{signature}", HERE, published.keyring())
    # It is refused before anybody is asked for keys.
    assert published.asked == 0


@pytest.mark.parametrize("header", [{}, {"alg": None}, {"alg": ["RS256"]}, {"alg": {"RS256": 1}}, {"alg": 256}])
def test_an_algorithm_that_is_no_text_is_none(header: dict[str, Any]) -> None:
    with pytest.raises(Unsound, match="nothing is accepted but"):
        verified(f"{part(header)}.{part(CLAIMS)}.AAAA", HERE, Published(RSA).keyring())


@pytest.mark.parametrize("written", ["pem", "der", "n"])
def test_hmac_with_the_public_key_as_its_secret_proves_nothing(written: str) -> None:
    forms = {
        "pem": RSA.as_pem(private=False),
        "der": RSA.as_der(private=False),
        "n": str(RSA.as_dict(private=False)["n"]).encode(),
    }
    token = signed_with(forms[written], CLAIMS, kid="r1")
    with pytest.raises(Unsound, match="nothing is accepted but"):
        verified(token, HERE, Published(RSA).keyring())


def test_an_algorithm_goes_with_one_type_of_key() -> None:
    keyring = Published(RSA, EC).keyring()
    with pytest.raises(Unsound, match="no ES256 key 'r1'"):
        verified(signed(CLAIMS, EC, "ES256", kid="r1"), HERE, keyring)
    with pytest.raises(Unsound, match="no RS256 key 'e1'"):
        verified(signed(CLAIMS, RSA, kid="e1"), HERE, keyring)


def test_keys_are_never_taken_from_the_token_or_from_where_it_points() -> None:
    published, own = Published(RSA), new_key("r1")
    headers: list[dict[str, Any]] = [
        {"jku": "http://127.0.0.1:1/jwks"},
        {"x5u": "http://127.0.0.1:1/cert.pem"},
        {"jwk": own.as_dict(private=False)},
        {"x5c": [base64.b64encode(own.as_der(private=False)).decode()]},
    ]
    for header in headers:
        with pytest.raises(Unsound):
            verified(signed(CLAIMS, own, kid="r1", **header), HERE, published.keyring())
        # The same headers on what is genuine are passed over, as GA4GH visas bring a jku.
        assert verified(signed(CLAIMS, RSA, kid="r1", **header), HERE, published.keyring()) == CLAIMS


@pytest.mark.parametrize(
    "kid", ["../../../dev/null", "https://elsewhere.example.org/key", "r1' OR '1'='1", "r1\x00", "", "R1"]
)
def test_a_kid_only_chooses_among_the_issuers_keys(kid: str) -> None:
    with pytest.raises(Unsound, match="there is no RS256 key"):
        verified(signed(CLAIMS, RSA, kid=kid), HERE, Published(RSA).keyring())


def test_a_kid_that_is_no_text_is_refused() -> None:
    for kid in (1, ["r1"], {"r1": 1}, True):
        with pytest.raises(Unsound, match="kid is no text"):
            verified(f"{part({'alg': 'RS256', 'kid': kid})}.{part(CLAIMS)}.AAAA", HERE, Published(RSA).keyring())


def test_only_an_issuer_with_one_fitting_key_may_leave_out_its_name() -> None:
    token = signed(CLAIMS, RSA)
    assert verified(token, HERE, Published(RSA, EC).keyring()) == CLAIMS
    with pytest.raises(Unsound, match="there is no RS256 key None"):
        verified(token, HERE, Published(RSA, new_key("r2")).keyring())


def test_what_must_be_understood_and_is_not_is_refused() -> None:
    token = f"{part({'alg': 'RS256', 'kid': 'r1', 'crit': ['b64'], 'b64': False})}.{part(CLAIMS)}.AAAA"
    with pytest.raises(Unsound, match="crit"):
        verified(token, HERE, Published(RSA).keyring())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "..",
        "a.b.c",
        "a.b.c.d",
        f"{'[' * 20_000}.e.f",
        part([]) + ".e30.x",
        part("x") + ".e30.x",
        "é.e30.x",
        "a." * 40_000,
    ],
)
def test_what_is_no_token_is_refused_without_harm(token: str) -> None:
    published = Published(RSA)
    with pytest.raises(Unsound):
        verified(token, HERE, published.keyring())
    assert claimed_issuer(token) is None
    assert published.asked == 0


def test_a_header_nested_without_end_is_refused() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 2_000).decode()
    with pytest.raises(Unsound, match="cannot be read"):
        verified(f"{nested}.e30.x", HERE, Published(RSA).keyring())


def test_weak_and_foreign_keys_are_none_of_the_issuers() -> None:
    good = RSA.as_dict(private=False)
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)
    bad: list[Any] = [
        weak,
        {**good, "use": "enc"},
        {**good, "alg": "RS512"},
        {**good, "alg": ["RS256"]},
        {**good, "key_ops": ["encrypt"]},
        {**good, "key_ops": "verify"},
        {**good, "kid": 7},
        {**good, "n": "!"},
        {**good, "kty": "oct", "k": "AAAA"},
        {"kty": "oct", "k": "AAAA", "alg": "RS256", "kid": "r1"},
        {**EC.as_dict(private=False), "x": "AAAA"},
        ECKey.generate_key("P-384", {"kid": "e384"}).as_dict(private=False),
        {**EC.as_dict(private=False), "crv": "P-384"},
        "no key",
    ]
    assert read_keys({"keys": bad}) == ()
    assert [key.kid for key in read_keys({"keys": [*bad, good, EC.as_dict(private=False)]})] == ["r1", "e1"]
    assert read_keys({"keys": "r1"}) == read_keys({}) == ()


def test_two_keys_of_one_name_are_no_key() -> None:
    with pytest.raises(Unsound, match="there is no RS256 key"):
        verified(signed(CLAIMS, RSA, kid="r1"), HERE, Published(RSA, new_key("r1")).keyring())


# --- how often keys are asked for


def test_keys_are_kept_for_five_minutes_and_then_asked_for_again() -> None:
    published = Published(RSA)
    keyring = published.keyring()
    for _ in range(100):
        keyring.key(HERE, "r1", "RS256")
    published.moment += 299
    keyring.key(HERE, "r1", "RS256")
    assert published.asked == 1
    published.moment += 2
    keyring.key(HERE, "r1", "RS256")
    assert published.asked == 2


def test_a_key_that_an_issuer_takes_back_counts_no_more_after_five_minutes() -> None:
    published = Published(RSA)
    keyring = published.keyring()
    keyring.key(HERE, "r1", "RS256")
    published.keys = [new_key("r2").as_dict(private=False)]
    published.moment += 301
    with pytest.raises(Unsound):
        keyring.key(HERE, "r1", "RS256")


def test_a_new_key_is_found_when_a_token_names_it() -> None:
    published = Published(RSA)
    keyring = published.keyring()
    keyring.key(HERE, "r1", "RS256")
    published.keys.append(EC.as_dict(private=False))
    published.moment += 1
    assert keyring.key(HERE, "e1", "ES256").kid == "e1"
    assert published.asked == 2


def test_tokens_that_name_unknown_keys_do_not_make_the_issuer_be_asked_without_end() -> None:
    published = Published(RSA)
    keyring = published.keyring()
    for number in range(1_000):
        published.moment += 0.01
        with pytest.raises(Unsound):
            keyring.key(HERE, f"unknown-{number}", "RS256")
    assert published.asked == Keyring.TRIES
    # Those who name a known one are not shut out meanwhile.
    assert keyring.key(HERE, "r1", "RS256").kid == "r1"
    published.moment += 60
    published.keys.append(EC.as_dict(private=False))
    assert keyring.key(HERE, "e1", "ES256").kid == "e1"
    assert published.asked == Keyring.TRIES + 1


def test_keys_count_for_an_hour_while_their_issuer_is_down_and_not_longer() -> None:
    published = Published(RSA)
    keyring = published.keyring()
    keyring.key(HERE, "r1", "RS256")
    published.down = True
    published.moment += 3_500
    assert keyring.key(HERE, "r1", "RS256").kid == "r1"
    published.moment += 101
    with pytest.raises(Unavailable):
        keyring.key(HERE, "r1", "RS256")
    published.down = False
    published.moment += 61
    assert keyring.key(HERE, "r1", "RS256").kid == "r1"


def test_an_issuer_that_never_answered_is_unavailable_and_asked_now_and_then() -> None:
    published = Published(RSA)
    published.down = True
    keyring = published.keyring()
    for _ in range(50):
        published.moment += 0.1
        with pytest.raises(Unavailable):
            keyring.key(HERE, "r1", "RS256")
    assert published.asked == Keyring.TRIES


# --- what a token must say


def test_a_token_ends_and_begins_with_a_minute_of_grace() -> None:
    now = 1_800_000_000.0
    assert demand_timely({"exp": now - 59}, now) == now - 59
    with pytest.raises(Unsound, match="over"):
        demand_timely({"exp": now - 60}, now)
    demand_timely({"exp": now + 300, "nbf": now + 60, "iat": now + 60}, now)
    with pytest.raises(Unsound, match="begins"):
        demand_timely({"exp": now + 300, "nbf": now + 61}, now)
    with pytest.raises(Unsound, match="issued"):
        demand_timely({"exp": now + 300, "iat": now + 61}, now)


@pytest.mark.parametrize("exp", [None, "2000000000", True, [2_000_000_000], float("inf"), float("nan"), 1e300, -1, {}])
def test_a_token_without_an_end_that_is_a_number_is_refused(exp: Any) -> None:
    with pytest.raises(Unsound):
        demand_timely({} if exp is None else {"exp": exp}, 1_800_000_000.0)


def test_a_token_for_longer_than_is_taken_is_refused_whenever_it_comes() -> None:
    now = 1_800_000_000.0
    demand_timely({"exp": now + 86_400}, now, longest_seconds=86_400)
    for claims in ({"exp": now + 86_461}, {"exp": now + 10, "iat": now - 86_500}):
        with pytest.raises(Unsound, match="longer"):
            demand_timely(claims, now, longest_seconds=86_400)


@pytest.mark.parametrize(
    "told",
    [
        "https://issuer.example.org/",
        "HTTPS://issuer.example.org",
        "https://issuer.example.org ",
        None,
        ["https://issuer.example.org"],
    ],
)
def test_an_issuer_is_compared_exactly(told: Any) -> None:
    demand_issuer({"iss": "https://issuer.example.org"}, "https://issuer.example.org")
    with pytest.raises(Unsound):
        demand_issuer({"iss": told}, "https://issuer.example.org")


@pytest.mark.parametrize("sub", [None, "", 7, ["s"], "a\nb", "\x00", "x" * 2_049])
def test_a_subject_is_a_text_that_can_be_kept(sub: Any) -> None:
    assert subject_of({"sub": "spiffe://example.org/robot"}) == "spiffe://example.org/robot"
    with pytest.raises(Unsound):
        subject_of({} if sub is None else {"sub": sub})
