"""What an issuer's word gives over HTTP: groups of the Keycloak, visas of a committee, and programs that bring signed tokens."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.issuers import SETTINGS, Issuer, client_credentials, issuing
from tests.service.issuers.forger import Forger, forging, new_key, part, signed, signed_with
from tests.service.signing_in import add_issuer, added, visiting

pytestmark = pytest.mark.service

AUDIENCE = SETTINGS["audiences"][0]
DATASET = "https://ega-archive.org/datasets/EGAD00000000432"


@pytest.fixture(scope="session")
def keycloak_here(served: Served, keycloak: Issuer) -> str:
    return str(add_issuer(served, "keycloak", keycloak.address)["id"])


def record_in(administrator: httpx.Client, scope: str) -> str:
    """A dataset in a scope; its id."""
    local_id = secrets.token_hex(6)
    told = {
        "kind": "dataset",
        "source": "lab",
        "localId": local_id,
        "scope": scope,
        "body": {"title": {"en": "Hidden"}},
    }
    made = administrator.post("records", json=told)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
def hidden(administrator: httpx.Client) -> tuple[str, str]:
    """A scope that is limited, and a record in it."""
    scope = f"lab/g{secrets.token_hex(4)}"
    assert administrator.put(f"scopes/{scope}", json={"mode": "limited"}).status_code == 201
    return scope, record_in(administrator, scope)


def grant(administrator: httpx.Client, scope: str, holder: str, *rights: str) -> None:
    given = administrator.post(f"scopes/{scope}/permissions", json={"holder": holder, "rights": list(rights)})
    assert given.status_code == 201, given.text


def bearer(served: Served, token: str) -> httpx.Client:
    return served.client(Authorization=f"Bearer {token}")


# --- groups


def test_a_group_of_the_keycloak_opens_a_scope_to_whoever_is_in_it_there(
    served: Served, administrator: httpx.Client, keycloak_here: str, hidden: tuple[str, str]
) -> None:
    scope, record = hidden
    name = f"staff-{secrets.token_hex(4)}"
    assert administrator.post("groups", json={"name": name, "title": "Staff"}).status_code == 201
    claim = {"issuer": keycloak_here, "value": "/facility/staff"}
    assert administrator.post(f"groups/group:{name}/claims", json=claim).status_code == 200
    grant(administrator, scope, f"group:{name}", "read")
    with visiting(served) as carol, visiting(served) as dave:
        carol.sign_in(keycloak_here, "carol")
        dave.sign_in(keycloak_here, "dave")
        assert carol.here.get(record).status_code == 200
        # Hidden is absent: the same answer as to nobody, for a record that is not there.
        answer, absent = dave.here.get(record), dave.here.get("dataset/lab/not-there")
        assert (answer.status_code, absent.status_code) == (404, 404)
        assert answer.text.replace(record, "dataset/lab/not-there") == absent.text
        assert administrator.post(f"groups/group:{name}/claims/end", json=claim).status_code == 200
        assert carol.here.get(record).status_code == 404


def test_whoever_leaves_a_group_at_the_issuer_has_lost_it_at_the_next_sign_in_everywhere(
    served: Served, administrator: httpx.Client, hidden: tuple[str, str]
) -> None:
    scope, record = hidden
    name = f"users-{secrets.token_hex(4)}"
    assert administrator.post("groups", json={"name": name, "title": "Users"}).status_code == 201
    # The ID token has no groups there: they are told by userinfo.
    with issuing(userinfo_only=True) as own, added(served, f"own-{name}", own.address) as id:
        claim = {"issuer": id, "value": "facility/users"}
        assert administrator.post(f"groups/group:{name}/claims", json=claim).status_code == 200
        grant(administrator, scope, f"group:{name}", "read")
        with visiting(served) as here, visiting(served) as there:
            here.sign_in(id, "alice")
            assert here.here.get(record).status_code == 200
            assert own.asked("/me") == 1
            own.change(users={"alice": SETTINGS["users"]["alice"] | {"groups": ["beamline-staff"]}})
            assert here.here.get(record).status_code == 200
            there.sign_in(id, "alice")
            assert here.here.get(record).status_code == 404
            assert there.here.get(record).status_code == 404


# --- visas


def test_a_visa_in_a_passport_opens_exactly_the_data_that_it_names(served: Served, administrator: httpx.Client) -> None:
    scope, other = (f"lab/v{secrets.token_hex(4)}" for _ in range(2))
    resource = f"{DATASET}-{secrets.token_hex(4)}"
    for each, named in ((scope, resource), (other, f"{resource}0")):
        told = {"mode": "everyone", "dataMode": "approval", "resource": named}
        assert administrator.put(f"scopes/{each}", json=told).status_code == 201
    datasets = [record_in(administrator, each) for each in (scope, other)]
    for dataset in datasets:
        file = {"path": "reads.bam", "size": 10, "locations": [{"address": "https://files.example.org/reads.bam"}]}
        assert administrator.put(f"files/{dataset}", json=[file]).status_code in (200, 201)
    with (
        issuing() as committee,
        added(
            served,
            f"dac-{secrets.token_hex(4)}",
            committee.address,
            purposes=["visas"],
            clientId=None,
            clientSecret=None,
        ),
    ):
        visa = committee.visa("alice-at-the-committee", resource)
        users = {"alice": SETTINGS["users"]["alice"] | {"ga4gh_passport_v1": [visa]}, "bob": SETTINGS["users"]["bob"]}
        with (
            issuing(users=users) as broker,
            added(served, f"b-{scope[4:]}", broker.address, passports=True) as id,
            visiting(served) as alice,
            visiting(served) as bob,
        ):
            alice.sign_in(id, "alice")
            bob.sign_in(id, "bob")

            def addresses(of: httpx.Client, dataset: str) -> bool:
                """Whether somebody is told where a dataset's files are."""
                answer = of.get(f"files/{dataset}", headers={"Accept": "application/json"})
                return "files.example.org" in answer.text

            assert [addresses(alice.here, each) for each in datasets] == [True, False]
            assert [addresses(bob.here, each) for each in datasets] == [False, False]
            # It ends with the committee's issuer, at the next request.
            (dac,) = (
                e["id"] for e in administrator.get("issuers").json()["items"] if e["address"] == committee.address
            )
            assert administrator.post(f"issuers/{dac}/end").status_code == 200
            assert not addresses(alice.here, datasets[0])


# --- programs


@pytest.fixture
def robots(served: Served, forger: Forger) -> Iterator[str]:
    """The id here of an issuer of programs, whose tokens are what a test makes them."""
    with added(
        served,
        f"robots-{secrets.token_hex(4)}",
        forger.address,
        purposes=["workloads"],
        clientId=None,
        clientSecret=None,
    ) as id:
        yield id


def register(administrator: httpx.Client, issuer: str, subject: str, **more: str) -> str:
    made = administrator.post("workloads", json={"issuer": issuer, "subject": subject, "name": "Robot", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.mark.parametrize("fixture", ["issuer", "keycloak"])
def test_a_program_with_client_credentials_of_an_issuer_does_what_was_granted_to_it(
    request: pytest.FixtureRequest, served: Served, administrator: httpx.Client, hidden: tuple[str, str], fixture: str
) -> None:
    scope, record = hidden
    provider: Issuer = request.getfixturevalue(fixture)
    id = "keycloak" if fixture == "keycloak" else "one"
    known = add_issuer(served, id, provider.address, title={"en": "One", "ja": "第一"})
    changed = administrator.patch(
        f"issuers/{known['id']}", json={"purposes": ["sign-in", "workloads"], "audience": AUDIENCE}
    )
    assert changed.status_code == 200, changed.text
    token = client_credentials(provider)["access_token"]
    with bearer(served, token) as robot:
        assert robot.get(record).status_code == 401
        subject = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"]
        # The answer is the same for whatever is wrong; whoever runs the server is told what it was.
        log = (served.data.parent / f"{served.data.name}.log").read_text("utf-8")
        assert f"{subject} of {known['id']} is not registered" in log
        workload = register(administrator, str(known["id"]), subject, agent="agent/lab/robot-1")
        try:
            assert robot.get(record).status_code == 404
            grant(administrator, scope, workload, "write")
            assert robot.get(record).status_code == 200
            body = {
                "kind": "sample",
                "source": "lab",
                "localId": secrets.token_hex(6),
                "scope": scope,
                "body": {"title": {"en": "x"}},
            }
            assert robot.post("records", json=body).status_code == 201
            assert robot.post("records", json=body | {"scope": "lab/closed"}).status_code in (403, 404)
            assert robot.get("issuers").status_code == 403
        finally:
            assert administrator.post(f"workloads/{workload}/end").status_code == 200
        assert robot.get(record).status_code == 401


def test_a_program_of_a_source_writes_records_of_that_source_only(
    served: Served, administrator: httpx.Client, forger: Forger, robots: str, hidden: tuple[str, str]
) -> None:
    scope, _ = hidden
    workload = register(administrator, robots, "robot", source="lab")
    grant(administrator, scope, workload, "write")
    token = signed(forger.claims(aud=served.address, sub="robot"), forger.key, kid="first")
    with bearer(served, token) as robot:
        told = {"kind": "sample", "localId": secrets.token_hex(6), "scope": scope, "body": {"title": {"en": "x"}}}
        assert robot.post("records", json=told | {"source": "lab"}).status_code == 201
        assert robot.post("records", json=told | {"source": "other"}).status_code in (403, 404)


def test_no_token_is_a_programs_but_one_that_is_exactly_right(
    served: Served, administrator: httpx.Client, public: httpx.Client, forger: Forger, robots: str, issuer: Issuer
) -> None:
    register(administrator, robots, "robot")
    now, own, address = int(time.time()), new_key("first"), served.address
    pem = forger.key.as_pem(private=False)

    def honest(key: Any = None, header: Any = None, **claims: Any) -> str:
        told = forger.claims(**({"aud": address, "sub": "robot"} | claims))
        return signed(told, key or forger.key, **(header or {"kid": "first"}))

    claims = forger.claims(aud=address, sub="robot")
    with forging() as stranger:
        stranger.answers["/elsewhere"] = {"keys": [own.as_dict(private=False)]}
        wrong = {
            "of an unknown issuer": signed(stranger.claims(aud=address, sub="robot"), stranger.key, kid="first"),
            "of an issuer that is for people only": issuer.sign(
                {"iss": issuer.address, "aud": address, "sub": "robot", "exp": now + 300, "iat": now}
            ),
            "in the name of another issuer": signed(claims, stranger.key, kid="first"),
            "for another audience": honest(aud="urn:elsewhere"),
            "for our client, as an ID token is": honest(aud="catalog"),
            "for us without the slash": honest(aud=address.rstrip("/")),
            "for nobody": honest(aud=None),
            "for us and for others": honest(aud=["urn:elsewhere", address]),
            "of nobody": honest(sub=None),
            "of a program that is not registered": honest(sub="another"),
            "over": honest(exp=now - 3_600),
            "without an end": honest(exp=None),
            "for a year": honest(exp=now + 365 * 86_400),
            "not yet": honest(nbf=now + 3_600),
            "issued in the future": honest(iat=now + 3_600),
            "signed by another key of the same name": honest(own),
            "signed by a key in its header": honest(own, {"kid": "first", "jwk": own.as_dict(private=False)}),
            "signed by a key where its header points": honest(
                own, {"kid": "x", "jku": f"{stranger.address}/elsewhere"}
            ),
            "signed by a certificate where its header points": honest(
                own, {"kid": "x", "x5u": f"{stranger.address}/elsewhere"}
            ),
            "of a kid that is a path": honest(header={"kid": "../../first"}),
            "alg none": f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims)}.",
            "HS256 with the public key": signed_with(pem, claims, kid="first"),
            "HS256 with nothing": signed_with(b"", claims, kid="first"),
            "RS512": signed(claims, forger.key, "RS512", kid="first"),
            "cut off": honest()[:-8],
            "without a signature": honest().rpartition(".")[0] + ".",
            "no token": "a.b.c",
        }
        answers = {}
        for how, token in wrong.items():
            with bearer(served, token) as client:
                answer = client.get("account", headers={"Accept": "application/json"})
            assert answer.status_code == 401, (how, answer.text)
            answers[how] = answer.json()["detail"]
        assert stranger.asked.total() == 0
    # One answer for all, which is that of any token that is not known.
    unknown = public.get("account", headers={"Authorization": "Bearer mst_unknown"}).json()["detail"]
    assert set(answers.values()) == {unknown}
    with bearer(served, honest()) as robot:
        assert robot.get("kinds").status_code == 200
    with bearer(served, honest(aud=[address])) as robot:
        assert robot.get("kinds").status_code == 200


def test_tokens_that_name_unknown_keys_do_not_make_an_issuer_be_asked_without_end(
    served: Served, administrator: httpx.Client, forger: Forger, robots: str
) -> None:
    register(administrator, robots, "robot")
    claims = forger.claims(aud=served.address, sub="robot")
    own = new_key("x")
    for number in range(40):
        with bearer(served, signed(claims, own, kid=f"unknown-{number}")) as client:
            assert client.get("kinds").status_code == 401
    assert 1 <= forger.asked["/jwks"] <= 5
    with bearer(served, signed(claims, forger.key, kid="first")) as robot:
        assert robot.get("kinds").status_code == 200


def test_a_programs_token_is_no_session_and_no_link(
    served: Served, administrator: httpx.Client, forger: Forger, robots: str
) -> None:
    register(administrator, robots, "robot")
    token = signed(forger.claims(aud=served.address, sub="robot"), forger.key, kid="first")
    asked = forger.asked.total()
    for cookie in ("musubi_session", "musubi_link", "musubi_sign_in"):
        with served.client(Cookie=f"{cookie}={token}") as client:
            assert client.get("kinds").status_code == 200
            assert client.get("account").status_code == 401
    assert forger.asked.total() == asked
    with bearer(served, token) as robot:
        assert robot.post("account/identities", json={"issuer": "one"}).status_code == 403
