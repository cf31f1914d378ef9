"""The issuers that the tests of sign-in stand on do what those tests take for granted."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import KeySet

from tests.conftest import PROJECT
from tests.service.conftest import free_port
from tests.service.issuers import (
    SETTINGS,
    Issuer,
    client_credentials,
    client_of,
    code_flow,
    device_flow,
    issuing,
    person,
    refuse,
    sign_in,
)

pytestmark = pytest.mark.service

AUDIENCE = SETTINGS["audiences"][0]
SUBJECTS = {"alice": "alice-0001", "bob": "bob-0002"}


def read(token: str, issuer: Issuer) -> jwt.Token:
    """A token whose signature is by a key in the issuer's JWKS."""
    return jwt.decode(token, KeySet.import_key_set({"keys": issuer.keys}), algorithms=["RS256", "ES256"])


def authorization(issuer: Issuer, **more: str) -> str:
    asked = {
        "client_id": "catalog",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:1/sign-in/callback",
        "scope": "openid",
        "state": "s",
        # RFC 7636, appendix B.
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return str(httpx.URL(issuer.metadata["authorization_endpoint"], params=asked | more))


@pytest.fixture(params=["issuer", "other_issuer", "keycloak"])
def each(request: pytest.FixtureRequest) -> Issuer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Issuer)
    return found


def someone(issuer: Issuer) -> str:
    return "carol" if "/realms/" in issuer.address else "alice"


def test_each_issuer_calls_itself_exactly_what_its_address_is(
    issuer: Issuer, other_issuer: Issuer, keycloak: Issuer
) -> None:
    every = [issuer, other_issuer, keycloak]
    assert [each.metadata["issuer"] for each in every] == [each.address for each in every]
    assert len({each.address for each in every}) == 3
    names = [{key["kid"] for key in each.keys} for each in every]
    assert not names[0] & names[1]
    assert not names[1] & names[2]


def test_authorization_code_with_pkce_ends_in_an_id_token(each: Issuer) -> None:
    answered = code_flow(each, someone(each), nonce="n-1")
    token = read(answered["id_token"], each)
    assert token.header["alg"] == "RS256"
    assert token.claims["iss"] == each.address
    assert token.claims["aud"] in ("catalog", ["catalog"])
    assert token.claims["nonce"] == "n-1"
    assert token.claims["groups"]
    assert token.claims["orcid"].startswith("https://orcid.org/0000-")
    told = httpx.get(
        each.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {answered['access_token']}"}
    )
    assert told.json()["sub"] == token.claims["sub"]


def test_an_authorization_without_pkce_is_refused(each: Issuer) -> None:
    without = httpx.URL(authorization(each)).copy_remove_param("code_challenge")
    asked = without.copy_remove_param("code_challenge_method")
    answered = httpx.get(asked)
    assert "error=invalid_request" in answered.headers["location"]
    assert "code=" not in answered.headers["location"]


def test_the_same_name_at_two_issuers_is_two_identities(issuer: Issuer, other_issuer: Issuer) -> None:
    mine, theirs = (read(code_flow(each, "bob")["id_token"], each).claims for each in (issuer, other_issuer))
    assert (mine["sub"], theirs["sub"]) == (SUBJECTS["bob"], SUBJECTS["bob"])
    assert mine["iss"] != theirs["iss"]


def test_a_client_may_have_its_id_tokens_signed_by_es256(issuer: Issuer) -> None:
    assert read(code_flow(issuer, "bob", client_id="catalog-elliptic")["id_token"], issuer).header["alg"] == "ES256"


def test_a_session_at_the_issuer_asks_for_no_name_again_unless_it_is_told_to(each: Issuer) -> None:
    with person() as browser:
        sign_in(authorization(each), someone(each), at=browser)
        again = browser.get(authorization(each))
        while again.has_redirect_location and again.next_request and again.next_request.url.port != 1:
            again = browser.send(again.next_request)
        assert "code=" in again.headers["location"]
        asked = browser.get(authorization(each, prompt="login"), follow_redirects=True)
        assert 'name="username"' in asked.text or 'name="password"' in asked.text


def test_a_name_that_nobody_has_and_a_refusal_sign_nobody_in(issuer: Issuer) -> None:
    with pytest.raises(AssertionError, match="Nobody here is called that"):
        sign_in(authorization(issuer), "mallory")
    assert "error=access_denied" in refuse(authorization(issuer))
    assert "code=" in sign_in(authorization(issuer), "alice")


def test_a_redirect_elsewhere_than_registered_is_refused(each: Issuer) -> None:
    answered = httpx.get(authorization(each, redirect_uri="https://elsewhere.example.org/sign-in/callback"))
    assert answered.status_code == 400
    assert "location" not in answered.headers


def test_a_device_is_signed_in_by_its_person(each: Issuer) -> None:
    token = read(device_flow(each, someone(each))["id_token"], each)
    assert token.claims["iss"] == each.address
    assert token.claims["aud"] in ("catalog-device", ["catalog-device"])


def test_a_workload_gets_a_jwt_for_the_audience_of_the_catalogue(each: Issuer) -> None:
    token = read(client_credentials(each)["access_token"], each)
    assert token.claims["iss"] == each.address
    assert AUDIENCE in (token.claims["aud"], *token.claims["aud"])
    assert "beamline-robot" in (token.claims.get("client_id"), token.claims.get("azp"))


def test_a_workload_asks_for_one_of_the_audiences_that_there_are() -> None:
    with issuing(audiences=["urn:one", "urn:two"], access_token_algorithm="ES256") as own:
        token = read(client_credentials(own, resource="urn:two", scope="read")["access_token"], own)
        assert (token.claims["aud"], token.claims["scope"], token.header["alg"]) == ("urn:two", "read", "ES256")
        with pytest.raises(AssertionError, match="invalid_target"):
            client_credentials(own, resource="urn:three")


def test_keys_rotate_with_and_without_the_former_ones() -> None:
    with issuing() as own:
        before = code_flow(own, "alice")["id_token"]
        first = {key["kid"] for key in own.keys}
        own.rotate(keep=True)
        second = {key["kid"] for key in own.keys}
        assert first < second
        assert read(before, own).claims["sub"] == SUBJECTS["alice"]
        after = code_flow(own, "alice")["id_token"]
        assert read(after, own).header["kid"] in second - first
        own.rotate()
        assert not second & {key["kid"] for key in own.keys}
        with pytest.raises((BadSignatureError, InvalidKeyIdError)):
            read(after, own)
        assert own.asked("/jwks") >= 5


def test_users_clients_and_the_clock_change_while_it_runs() -> None:
    with issuing() as own:
        now = read(code_flow(own, "bob")["id_token"], own).claims["iat"]
        redirect_uri = "http://127.0.0.1:2/another"
        changed: dict[str, Any] = {
            "users": {"bob": {"sub": "bob-0002", "name": "Bob", "groups": []}},
            "clients": [client_of("catalog", redirect_uri)],
            "clock_offset_seconds": -7200,
        }
        own.change(**changed)
        claims = read(code_flow(own, "bob", redirect_uri=redirect_uri)["id_token"], own).claims
        assert claims["groups"] == []
        assert abs(now - 7200 - claims["iat"]) < 120


def test_a_passport_holds_visas_that_their_own_issuer_signed(issuer: Issuer, other_issuer: Issuer) -> None:
    value = "https://ega-archive.org/datasets/EGAD00000000432"
    visa = other_issuer.visa("alice-at-the-visa-issuer", value)
    signed = read(visa, other_issuer)
    assert signed.claims["ga4gh_visa_v1"]["value"] == value
    assert signed.header["jku"] == other_issuer.metadata["jwks_uri"]
    with pytest.raises((BadSignatureError, InvalidKeyIdError)):
        read(visa, issuer)
    users = SETTINGS["users"] | {"alice": SETTINGS["users"]["alice"] | {"ga4gh_passport_v1": [visa]}}
    with issuing(users=users, userinfo_only=True) as own:
        answered = code_flow(own, "alice", scope="openid profile ga4gh_passport_v1")
        assert "ga4gh_passport_v1" not in read(answered["id_token"], own).claims
        bearer = {"Authorization": f"Bearer {answered['access_token']}"}
        assert httpx.get(own.metadata["userinfo_endpoint"], headers=bearer).json()["ga4gh_passport_v1"] == [visa]


def test_an_issuer_that_is_stopped_answers_no_more_and_can_be_started_where_it_was() -> None:
    with issuing() as own:
        port = httpx.URL(own.address).port
        own.stop()
        with pytest.raises(httpx.ConnectError):
            _ = own.metadata
        with issuing(port=port) as again:
            assert again.metadata["issuer"] == own.address


def test_an_issuer_that_cannot_start_fails_the_test_and_skips_nothing(issuer: Issuer) -> None:
    with pytest.raises(pytest.fail.Exception, match="EADDRINUSE"), issuing(port=httpx.URL(issuer.address).port):
        pass


def test_the_scripts_start_tell_and_stop_what_they_name(keycloak: Issuer) -> None:
    scripts = PROJECT / "scripts" / "services"
    told = subprocess.run([scripts / "keycloak.sh", "status"], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == keycloak.address
    ports = [free_port(), free_port()]

    def oidc(verb: str) -> subprocess.CompletedProcess[str]:
        ours = os.environ | {"OIDC_PORTS": " ".join(map(str, ports))}
        return subprocess.run([scripts / "oidc.sh", verb], capture_output=True, text=True, env=ours, check=False)

    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    assert oidc("status").returncode == 3
    started = oidc("start")
    try:
        assert started.stdout.split() == addresses, started.stderr
        assert oidc("status").stdout.split() == addresses
        assert [Issuer(each).metadata["issuer"] for each in addresses] == addresses
    finally:
        oidc("stop")
    assert oidc("status").returncode == 3
