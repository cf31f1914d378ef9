"""Who may do what where, changed over GraphQL by the persons who do it; every refusal is that of REST."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.test_graphql_writes import REFUSAL, SUBMIT, asked, done, sample
from tests.service.test_sign_in import Somebody, joined

Person = Callable[..., Somebody]
NEXT_YEAR: Final = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


@pytest.fixture
def person(served: Served, administrator: httpx.Client) -> Iterator[Person]:
    """Makes people, each with a browser that sends as a page of ours does."""
    made: list[Somebody] = []

    def somebody(**invited: Any) -> Somebody:
        made.append(joined(served, administrator, **invited))
        made[-1].browser.headers.update(made[-1].own_page)
        return made[-1]

    yield somebody
    for each in made:
        each.browser.close()


@pytest.fixture
def scope(administrator: httpx.Client) -> str:
    id = f"lab/g{secrets.token_hex(4)}"
    made = done(
        administrator, f'makeScope(id: "{id}", settings: {{mode: "limited"}})', "ScopeMade", "scope { id mode may }"
    )
    assert made["scope"]["mode"] == "limited", made
    return id


@pytest.fixture
def record(administrator: httpx.Client, scope: str) -> str:
    submission = sample(f"gs-{secrets.token_hex(4)}", scope=scope)
    id: str = asked(administrator, SUBMIT, submission=submission)["submit"]["id"]
    return id


def grant(client: httpx.Client, scope: str, holder: str, rights: str) -> Any:
    call = f'grant(scope: "{scope}", holder: "{holder}", rights: [{rights}], until: "{NEXT_YEAR}")'
    return done(client, call, "Granted", "permissions { id right scope holder { id } until }")


def test_who_is_let_in_reads_and_writes_as_far_as_that_goes(
    administrator: httpx.Client, person: Person, scope: str, record: str
) -> None:
    ito = person()
    hidden = done(ito.browser, f'hide(id: "{record}")', "Hidden")
    assert (hidden["__typename"], hidden["message"]) == ("NotFound", f"there is no record {record}")

    given = grant(administrator, scope, ito.id, "READ")
    assert [(each["right"], each["holder"]["id"]) for each in given["permissions"]] == [("read", ito.id)]
    assert ito.browser.get(record).status_code == 200
    # Who may read may not write, and is told so now that the record is no secret.
    assert done(ito.browser, f'withdraw(id: "{record}", reason: "no")', "Withdrawn")["__typename"] == "Forbidden"
    local_id = record.rpartition("/")[2]
    mine = sample(local_id, "Mine", scope=scope)
    assert asked(ito.browser, SUBMIT, submission=mine)["submit"]["__typename"] == "Forbidden"

    settled = done(
        administrator,
        f'setRights(scope: "{scope}", holder: "{ito.id}", rights: [READ, WRITE])',
        "RightsSet",
        "permissions { right }",
    )
    assert sorted(each["right"] for each in settled["permissions"]) == ["read", "write"]
    revised = done(ito.browser, f'revise(id: "{record}", patch: {{formula: "KCl"}})', "Submitted", "outcome")
    assert revised["outcome"] == "REVISED"
    # Its status is for whoever manages the scope.
    assert done(ito.browser, f'suppress(id: "{record}")', "Suppressed")["__typename"] == "Forbidden"

    none = done(
        administrator, f'setRights(scope: "{scope}", holder: "{ito.id}", rights: [])', "RightsSet", "permissions { id }"
    )
    assert none["permissions"] == []
    assert ito.browser.get(record).status_code == 404


def test_a_permission_ends(administrator: httpx.Client, person: Person, scope: str, record: str) -> None:
    ito, sato = person(), person()
    (given,) = grant(administrator, scope, ito.id, "READ")["permissions"]
    ended = f'endPermission(id: "{given["id"]}", why: "has left")'
    assert done(sato.browser, ended, "PermissionEnded", "permission { id }")["__typename"] == "NotFound"
    told = done(ito.browser, ended, "PermissionEnded", "permission { id endedBy }")
    assert told["permission"] == {"id": given["id"], "endedBy": ito.id}
    assert ito.browser.get(record).status_code == 404
    assert (
        done(sato.browser, 'endPermission(id: "nö")', "PermissionEnded", "permission { id }")["__typename"]
        == "NotFound"
    )


def test_nobody_gives_what_they_do_not_hold(person: Person, administrator: httpx.Client, scope: str) -> None:
    ito, sato = person(), person()
    assert grant(ito.browser, scope, sato.id, "READ")["__typename"] == "NotFound"
    grant(administrator, scope, ito.id, "READ")
    assert grant(ito.browser, scope, sato.id, "READ")["__typename"] == "Forbidden"
    grant(administrator, scope, ito.id, "READ, SHARE")
    assert grant(ito.browser, scope, sato.id, "MANAGE")["__typename"] == "Forbidden"
    assert grant(ito.browser, scope, sato.id, "READ")["__typename"] == "Granted"
    wrong = done(
        administrator, f'grant(scope: "{scope}", holder: "nobody:x", rights: [READ])', "Granted", "permissions { id }"
    )
    assert wrong["__typename"] in ("Invalid", "NotFound")


def test_a_page_of_anybodys_changes_nothing_with_a_cookie(person: Person, record: str) -> None:
    ito = person()
    document = {"query": f'mutation {{ hide(id: "{record}") {{ __typename }} }}'}
    forged = {"Origin": "https://elsewhere.example", "X-Csrf-Token": ""}
    answer = ito.browser.post("graphql", json=document, headers=forged)
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer.text
    assert "data" not in answer.json()
    # With what a page of ours sends it is asked, and answered.
    assert ito.browser.post("graphql", json=document).json()["data"]["hide"]["__typename"] == "NotFound"


def test_access_is_asked_for_and_granted(administrator: httpx.Client, person: Person, scope: str, record: str) -> None:
    ito = person()
    of = "again request { id scope state rights text }"

    def ask(client: httpx.Client, scope: str, text: str = "To compare.") -> Any:
        return done(client, f'askAccess(scope: "{scope}", text: "{text}")', "AccessAsked", of)

    first = ask(ito.browser, scope)
    assert (first["again"], first["request"]["state"], first["request"]["rights"]) == (
        False,
        "open",
        ["read", "download"],
    )
    assert ask(ito.browser, scope, "Once more.")["again"] is True
    # What is not there is asked for alike.
    nowhere = ask(ito.browser, "lab/nowhere-at-all")
    assert nowhere["request"]["state"] == "open"
    assert ask(administrator, scope)["__typename"] == "Forbidden"
    assert ask(ito.browser, scope, "")["__typename"] == "Invalid"

    id = first["request"]["id"]
    call = f'grantRequest(id: "{id}", until: "{NEXT_YEAR}", rights: [READ], answer: "For this project.")'
    assert done(ito.browser, call, "RequestGranted", "request { id }")["__typename"] == "NotFound"
    granted = done(administrator, call, "RequestGranted", "request { state granted answer }")
    assert granted["request"] == {"state": "granted", "granted": ["read"], "answer": "For this project."}
    assert ito.browser.get(record).status_code == 200
    again = done(administrator, call, "RequestGranted", "request { id }")
    assert again["__typename"] == "Conflict"

    other = f'withdrawRequest(id: "{nowhere["request"]["id"]}")'
    assert done(ito.browser, other, "RequestWithdrawn", "request { state }")["request"]["state"] == "withdrawn"
    sato = person()
    asked_for = ask(sato.browser, scope)["request"]["id"]
    refused = done(
        administrator, f'refuseRequest(id: "{asked_for}", answer: "No.")', "RequestRefused", "request { state answer }"
    )
    assert refused["request"] == {"state": "refused", "answer": "No."}


def test_a_token_is_made_used_and_ended(
    served: Served, administrator: httpx.Client, person: Person, scope: str, record: str
) -> None:
    ito = person()
    grant(administrator, scope, ito.id, "READ, WRITE")
    call = f'makeToken(name: "loader", until: "{NEXT_YEAR}", part: [{{right: READ, scope: "{scope}"}}])'
    made = done(ito.browser, call, "TokenMade", "value token { id name part { right scope } owner { id } }")
    assert made["token"]["part"] == [{"right": "read", "scope": scope}]
    assert made["token"]["owner"]["id"] == ito.id
    with served.client(Authorization=f"Bearer {made['value']}") as program:
        assert program.get(record).status_code == 200
        assert done(program, f'withdraw(id: "{record}", reason: "no")', "Withdrawn")["__typename"] == "Forbidden"
        # Without an id it is the one that asks.
        assert done(program, "endToken", "TokenEnded", "ended")["ended"] == made["token"]["id"]
        assert program.get(record).status_code == 401
    gone = done(ito.browser, f'endToken(id: "{made["token"]["id"]}")', "TokenEnded", "ended")
    assert gone["__typename"] == "NotFound"
    assert done(administrator, "endToken", "TokenEnded", "ended")["__typename"] == "Invalid"


def test_a_token_of_a_source_is_for_administrators(administrator: httpx.Client, person: Person) -> None:
    call = f'makeToken(name: "of lab", until: "{NEXT_YEAR}", ofSource: "lab")'
    assert done(person().browser, call, "TokenMade", "token { id }")["__typename"] == "Forbidden"
    made = done(administrator, call, "TokenMade", "token { id source }")
    assert made["token"]["source"] == "lab"
    other = f'endToken(id: "{made["token"]["id"]}", ofSource: "other")'
    assert done(administrator, other, "TokenEnded", "ended")["__typename"] == "NotFound"
    assert done(administrator, other.replace("other", "lab"), "TokenEnded", "ended")["ended"] == made["token"]["id"]


def test_a_link_opens_a_scope_until_it_is_taken_back_and_changes_nothing(
    served: Served, administrator: httpx.Client, person: Person, scope: str, record: str
) -> None:
    call = f'makeSharedLink(scope: "{scope}", name: "Reviewers", rights: [READ], until: "{NEXT_YEAR}")'
    assert done(person().browser, call, "SharedLinkMade", "value")["__typename"] == "NotFound"
    made = done(administrator, call, "SharedLinkMade", "value address link { id rights scope }")
    assert made["link"]["rights"] == ["read"]
    assert made["address"].endswith(f"link#{made['value']}")
    with served.client(Authorization=f"Bearer {made['value']}") as reviewer:
        assert reviewer.get(record).status_code == 200
        assert done(reviewer, f'withdraw(id: "{record}", reason: "no")', "Withdrawn")["__typename"] == "Forbidden"
    ended = done(administrator, f'endSharedLink(id: "{made["link"]["id"]}")', "SharedLinkEnded", "ended")
    assert ended["ended"] == made["link"]["id"]
    with served.client(Authorization=f"Bearer {made['value']}") as reviewer:
        assert reviewer.get(record).status_code == 401


def test_a_group_is_made_filled_and_dissolved(
    administrator: httpx.Client, person: Person, scope: str, record: str
) -> None:
    ito, sato = person(), person()
    name = f"g{secrets.token_hex(4)}"
    of = "group { id name members { nodes { id manages } } }"
    made = done(ito.browser, f'makeGroup(name: "{name}", title: "Users")', "GroupMade", of)
    group = made["group"]["id"]
    assert made["group"]["members"]["nodes"] == [{"id": ito.id, "manages": True}]
    assert done(sato.browser, f'makeGroup(name: "{name}")', "GroupMade", of)["__typename"] == "Conflict"
    add = f'addMember(group: "{group}", member: "{sato.id}")'
    assert done(sato.browser, add, "GroupChanged", of)["__typename"] == "NotFound"
    added = done(ito.browser, add, "GroupChanged", of)
    assert {each["id"] for each in added["group"]["members"]["nodes"]} == {ito.id, sato.id}
    grant(administrator, scope, group, "READ")
    assert sato.browser.get(record).status_code == 200
    left = done(sato.browser, f'endMember(group: "{group}", member: "{sato.id}")', "GroupChanged", of)
    assert (left["__typename"], left["group"]) == ("GroupChanged", None)
    assert sato.browser.get(record).status_code == 404
    claim = f'addClaim(group: "{group}", issuer: "nobody", value: "x")'
    assert done(ito.browser, claim, "GroupChanged", of)["__typename"] == "Forbidden"
    ended = done(ito.browser, f'endGroup(group: "{group}")', "GroupEnded", "ended")
    assert ended["ended"] == group
    assert ito.browser.get(record).status_code == 404


def test_what_was_forbidden_is_told_to_the_audit(
    administrator: httpx.Client, person: Person, scope: str, record: str
) -> None:
    ito = person()
    grant(administrator, scope, ito.id, "READ")
    assert done(ito.browser, f'withdraw(id: "{record}", reason: "no")', "Withdrawn")["__typename"] == "Forbidden"
    document = f'{REFUSAL} mutation {{ hide(id: "{record}") {{ ...Refusal }} }}'
    assert asked(ito.browser, document)["hide"]["__typename"] == "Forbidden"
    until = time.monotonic() + 60
    told: set[str] = set()
    # What was refused is written down behind the answer.
    while told != {"withdraw", "hide"}:
        assert time.monotonic() < until, told
        lines = administrator.get("audit", params={"scope": scope, "act": "refused"}).json()["items"]
        told = {each["detail"]["mutation"] for each in lines if each["by"] == ito.id}
