"""Sharing of a scope, asking for access, and groups, by HTTP as the persons who do it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.test_sign_in import Somebody, joined, origin

HTML = {"Accept": "text/html"}
Person = Callable[..., Somebody]
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


@pytest.fixture
def person(served: Served, administrator: httpx.Client) -> Iterator[Person]:
    """Makes people, each with a browser."""
    made: list[Somebody] = []

    def somebody(**invited: Any) -> Somebody:
        made.append(joined(served, administrator, **invited))
        return made[-1]

    yield somebody
    for each in made:
        each.browser.close()


@pytest.fixture
def scope(administrator: httpx.Client) -> str:
    """The scope of a sequence of a proposal, limited, with a record in it."""
    proposal = f"lab/p{secrets.token_hex(4)}"
    for id in (proposal, f"{proposal}/seq-1"):
        assert (
            administrator.put(f"scopes/{id}", json={"mode": "limited", "title": {"en": "Cathodes"}}).status_code == 201
        )
    return f"{proposal}/seq-1"


def let(client: httpx.Client, scope: str, holder: str, *rights: str, **more: str) -> list[dict[str, Any]]:
    made = client.post(f"scopes/{scope}/permissions", json={"holder": holder, "rights": list(rights), **more})
    assert made.status_code == 201, made.text
    return list(made.json()["items"])


def record_in(administrator: httpx.Client, scope: str, kind: str = "sample", **body: Any) -> str:
    told = {
        "kind": kind,
        "source": "lab",
        "localId": f"s{secrets.token_hex(6)}",
        "scope": scope,
        "body": {"title": {"en": "Cathode"}, **body},
    }
    made = administrator.post("records", json=told)
    assert made.status_code in (200, 201), made.text
    return str(made.json()["id"])


def sent(somebody: Somebody, path: str, **fields: str) -> httpx.Response:
    """A form as a page of ours sends it."""
    form = {"csrf": somebody.csrf, **fields}
    return somebody.browser.post(path, data=form, headers={**HTML, **origin(somebody.browser)})


# --- what somebody may


def test_a_scope_tells_the_asker_what_they_may_there(
    administrator: httpx.Client, public: httpx.Client, person: Person, scope: str
) -> None:
    ito = person()
    assert administrator.get(f"scopes/{scope}").json()["may"] == ["read", "download", "share", "write", "run", "manage"]
    assert ito.browser.get(f"scopes/{scope}").status_code == 404

    let(administrator, scope, ito.id, "read", "share")
    assert ito.browser.get(f"scopes/{scope}").json()["may"] == ["read", "share"]
    administrator.patch(f"scopes/{scope}", json={"mode": "everyone"})
    assert public.get(f"scopes/{scope}").json()["may"] == ["read", "download"]


def test_who_is_let_in_reads_at_once_and_who_is_not_any_more_does_not(
    administrator: httpx.Client, person: Person, scope: str
) -> None:
    ito, boss = person(), person()
    let(administrator, scope, boss.id, "manage")
    id = record_in(administrator, scope)
    assert ito.browser.get(id).status_code == 404

    given = boss.browser.post(
        f"scopes/{scope}/permissions", json={"holder": ito.login, "rights": ["read"]}, headers=boss.own_page
    )
    assert given.status_code == 201, given.text
    assert given.json()["items"][0]["holder"]["id"] == ito.id
    assert ito.browser.get(id).status_code == 200
    ended = boss.browser.post(f"permissions/{given.json()['items'][0]['id']}/end", headers=boss.own_page)
    assert ended.json()["endedBy"] == boss.id
    assert ito.browser.get(id).status_code == 404


def test_a_scope_is_moved_under_no_other_and_takes_none_of_the_words_behind_its_address(
    administrator: httpx.Client, scope: str
) -> None:
    refused = administrator.patch(f"scopes/{scope}", json={"parent": "lab/closed"})
    assert refused.status_code == 400
    assert "parent" in refused.json()["detail"]
    refused = administrator.patch(f"scopes/{scope}", json={"id": "lab/closed/seq-1"})
    assert refused.status_code == 400
    for word in ("sharing", "permissions", "requests", "history"):
        made = administrator.post("scopes", json={"id": f"{scope}/{word}"})
        assert made.status_code == 422
        assert word in made.json()["detail"]


# --- the page


def test_whoever_manages_an_experiment_shares_it_by_the_page_alone(
    administrator: httpx.Client, public: httpx.Client, person: Person, scope: str
) -> None:
    boss, ito = person(), person()
    let(administrator, scope, boss.id, "manage")
    id = record_in(administrator, scope)
    page = boss.browser.get(f"scopes/{scope}/sharing", headers=HTML)
    assert page.status_code == 200
    assert "Everyone" in page.text
    assert "Limited" in page.text
    assert "<script" not in page.text.replace('<script type="module" src="/static/suggestions.js"></script>', "")

    for path, fields in (
        (f"scopes/{scope}/permissions", {"holder": ito.login, "read": "true", "until": NEXT_YEAR}),
        (f"scopes/{scope}/sharing", {"holder": ito.id, "read": "true", "download": "true", "share": "true"}),
        (f"scopes/{scope}/sharing", {"mode": "everyone"}),
    ):
        answer = sent(boss, path, **fields)
        assert answer.status_code == 303, answer.text
        shown = boss.browser.get(answer.headers["location"], headers=HTML)
        assert shown.status_code == 200
        assert 'role="status"' in shown.text
    assert ito.id in shown.text
    assert public.get(id).status_code == 200
    told = boss.browser.get(f"scopes/{scope}/sharing").json()
    assert told["mode"] == told["set"] == "everyone"
    rows = {row["holder"]["id"]: row for row in told["holders"]}
    assert rows[ito.id]["rights"] == ["read", "download", "share"]
    assert rows[ito.id]["until"] is None
    assert rows[boss.id]["yours"]
    assert sent(boss, f"scopes/{scope}/sharing", mode="limited").status_code == 303
    assert public.get(id).status_code == 404
    japanese = boss.browser.get(f"scopes/{scope}/sharing?lang=ja", headers=HTML).text
    assert "全員" in japanese
    assert "限定" in japanese
    left = sent(boss, f"scopes/{scope}/sharing?lang=ja", holder=ito.id)
    assert "lang=ja" in left.headers["location"]
    assert ito.browser.get(id).status_code == 404


def test_the_last_manager_is_told_on_the_page_why_they_stay(
    administrator: httpx.Client, person: Person, scope: str
) -> None:
    boss = person()
    let(administrator, scope, boss.id, "manage")
    answer = sent(boss, f"scopes/{scope}/sharing", holder=boss.id)
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert "last who manages" in answer.text
    let(administrator, scope, person().id, "manage")
    answer = sent(boss, f"scopes/{scope}/sharing", holder=boss.id)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/scopes"
    assert boss.browser.get(f"scopes/{scope}/sharing").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"csrf": "x" * 43},
        {"csrf": ""},
    ],
)
def test_a_form_that_no_page_of_ours_sent_shares_nothing(
    administrator: httpx.Client, person: Person, scope: str, wrong: dict[str, str]
) -> None:
    boss, ito = person(), person()
    let(administrator, scope, boss.id, "manage")
    for path, fields in (
        (f"scopes/{scope}/permissions", {"holder": ito.id, "read": "true"}),
        (f"scopes/{scope}/sharing", {"holder": ito.id, "read": "true"}),
        (f"scopes/{scope}/sharing", {"mode": "everyone"}),
        (f"scopes/{scope}/requests", {"text": "Please."}),
        ("groups", {"name": f"g{secrets.token_hex(4)}"}),
    ):
        forged = boss.browser.post(path, data={**fields, **wrong}, headers=origin(boss.browser))
        assert forged.status_code == 403, (path, forged.text)
        elsewhere = boss.browser.post(
            path, data={**fields, "csrf": boss.csrf}, headers={"Origin": "https://elsewhere.example"}
        )
        assert elsewhere.status_code == 403
        told = boss.browser.post(path, json=fields, headers=origin(boss.browser))
        assert told.status_code == 403
    assert [row["holder"]["id"] for row in boss.browser.get(f"scopes/{scope}/sharing").json()["holders"]] == [boss.id]
    assert boss.browser.get(f"scopes/{scope}").json()["mode"] == "limited"


def test_a_right_that_is_said_twice_or_is_none_is_refused(
    administrator: httpx.Client, person: Person, scope: str
) -> None:
    ito = person()
    path = f"scopes/{scope}/permissions"
    twice = f"holder={ito.id}&holder={ito.id}&read=true"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert administrator.post(path, content=twice, headers=form).status_code in (400, 415)
    for said in (
        {"holder": ito.id},
        {"rights": ["read"]},
        {"holder": ito.id, "rights": ["fly"]},
        {"holder": ito.id, "rights": [["read"]]},
        {"holder": ito.id, "rights": "read"},
        {"holder": [ito.id], "rights": ["read"]},
        {"holder": ito.id, "rights": ["read"], "scope": "lab"},
    ):
        assert administrator.post(path, json=said).status_code == 400, said
    assert administrator.post(path, json={"holder": ito.id, "rights": []}).status_code == 422
    assert administrator.post(path, json={"holder": "person:00", "rights": ["read"]}).status_code == 404
    assert administrator.post(f"scopes/{scope}/sharing", json={"mode": "open"}).status_code == 422
    assert administrator.post(f"scopes/{scope}/sharing", json={}).status_code == 400


def test_sharing_is_for_who_manages_or_shares_and_hidden_is_absent_to_others(
    administrator: httpx.Client, public: httpx.Client, person: Person, scope: str
) -> None:
    reader, stranger = person(), person()
    let(administrator, scope, reader.id, "read")
    for word in ("sharing", "permissions", "history"):
        assert reader.browser.get(f"scopes/{scope}/{word}").status_code == 403
        for client in (stranger.browser, public):
            told = set()
            for id in (scope, "lab/never/seq-1"):
                refused = client.get(f"scopes/{id}/{word}")
                assert refused.status_code == 404
                told.add(refused.text.replace(id, "…"))
            assert len(told) == 1
    refused = stranger.browser.post("permissions/0123456789abcdef/end", headers=stranger.own_page)
    given = let(administrator, scope, reader.id, "download")[0]["id"]
    other = stranger.browser.post(f"permissions/{given}/end", headers=stranger.own_page)
    assert refused.status_code == other.status_code == 404
    assert refused.text.replace("0123456789abcdef", "…") == other.text.replace(given, "…")
    kept = administrator.get(f"scopes/{scope}/permissions").json()["items"]
    assert {each["right"] for each in kept} == {"read", "download"}


# --- asking


def test_asking_for_access_and_getting_it(administrator: httpx.Client, person: Person, scope: str) -> None:
    boss, ito = person(), person()
    let(administrator, scope, boss.id, "manage")
    id = record_in(administrator, scope)

    form = ito.browser.get(f"scopes/{scope}/requests", headers=HTML)
    assert form.status_code == 200
    assert "Cathodes" not in form.text
    answer = sent(ito, f"scopes/{scope}/requests", text="To compare.", read="true", download="true")
    assert answer.status_code == 303
    assert "To compare." in ito.browser.get(answer.headers["location"], headers=HTML).text
    (waiting,) = boss.browser.get("requests?waiting=true").json()["items"]
    assert waiting["person"]["id"] == ito.id
    assert waiting["text"] == "To compare."
    assert "To compare." in boss.browser.get(f"scopes/{scope}/requests", headers=HTML).text
    assert boss.browser.get(f"scopes/{scope}/sharing").json()["requests"] == 1

    assert (
        ito.browser.post(f"requests/{waiting['id']}/grant", json={"until": NEXT_YEAR}, headers=ito.own_page).status_code
        == 404
    )
    endless = sent(boss, f"requests/{waiting['id']}/grant", read="true")
    assert endless.status_code == 400
    granted = sent(boss, f"requests/{waiting['id']}/grant", read="true", until=NEXT_YEAR, answer="Welcome.")
    assert granted.status_code == 303, granted.text
    assert ito.browser.get(id).status_code == 200
    assert ito.browser.get(f"scopes/{scope}").json()["may"] == ["read"]
    (mine,) = ito.browser.get("requests").json()["items"]
    assert (mine["state"], mine["answer"]) == ("granted", "Welcome.")
    assert sent(boss, f"requests/{waiting['id']}/refuse").status_code == 409


def test_what_was_granted_and_is_over_is_shown_as_over(administrator: httpx.Client, person: Person, scope: str) -> None:
    boss, ito = person(), person()
    let(administrator, scope, boss.id, "manage")
    for until in (NEXT_YEAR, (datetime.now(UTC) + timedelta(seconds=2)).isoformat()):
        sent(ito, f"scopes/{scope}/requests", text="To compare.", read="true")
        (waiting,) = boss.browser.get("requests?waiting=true").json()["items"]
        granted = boss.browser.post(f"requests/{waiting['id']}/grant", json={"until": until}, headers=boss.own_page)
        assert granted.status_code == 200, granted.text
    while datetime.now(UTC).isoformat() <= until:
        time.sleep(0.1)
    for somebody in (boss, ito):
        shown = somebody.browser.get(f"scopes/{scope}/requests", params={"lang": "ja"}, headers=HTML).text
        assert shown.count('<span class="chip plain">終了</span>') == 1


def test_asking_for_what_is_hidden_and_for_what_is_not_there_is_answered_alike(
    administrator: httpx.Client, public: httpx.Client, person: Person, scope: str
) -> None:
    ito = person()
    told = []
    for id in (scope, f"{scope}-never"):
        asking = ito.browser.get(f"scopes/{id}/requests", headers=HTML)
        made = ito.browser.post(f"scopes/{id}/requests", json={"text": "Please."}, headers=ito.own_page)
        asked = ito.browser.get(f"scopes/{id}/requests", headers=HTML)
        assert [each.status_code for each in (asking, made, asked)] == [200, 202, 200]
        assert "Please." in str(ito.browser.get(f"scopes/{id}/requests").json())
        said = {**made.json(), "at": "…"}
        words = (asking.text, str(said), asked.text)
        name = id.rpartition("/")[2]
        told.append(
            [re.sub(r"[0-9a-f]{16}", "…", text.replace(id, "SCOPE").replace(f">{name}<", ">NAME<")) for text in words]
        )
        assert sent(ito, f"requests/{made.json()['id']}/withdraw").status_code == 303
        for old in ito.browser.get("requests").json()["items"]:
            assert old["state"] == "withdrawn"
    assert told[0] == told[1]
    assert public.get(f"scopes/{scope}/requests").status_code == 401
    assert public.get(f"scopes/{scope}-never/requests").status_code == 401


# --- groups


def test_a_group_is_made_filled_and_let_in(administrator: httpx.Client, person: Person, scope: str) -> None:
    ito, sato, stranger = person(), person(), person()
    name = f"g{secrets.token_hex(5)}"
    made = sent(ito, "groups", name=name, title="Users of BL01")
    assert made.headers["location"] == f"/groups/group:{name}"
    answer = sent(ito, f"groups/group:{name}/members", member=sato.id, until=NEXT_YEAR)
    assert answer.status_code == 303
    shown = ito.browser.get(answer.headers["location"], headers=HTML).text
    assert "Users of BL01" in shown
    assert sato.id in shown
    assert [each["id"] for each in sato.browser.get("groups").json()["items"]] == [f"group:{name}"]
    refused = sato.browser.post(f"groups/group:{name}/members", json={"member": stranger.id}, headers=sato.own_page)
    assert refused.status_code == 403
    assert stranger.browser.get(f"groups/group:{name}").status_code == 404

    let(administrator, scope, f"group:{name}", "read")
    assert sato.browser.get(f"scopes/{scope}").status_code == 200
    left = sent(sato, f"groups/group:{name}/members/end", member=sato.id)
    assert left.headers["location"] == "/groups"
    assert sato.browser.get(f"scopes/{scope}").status_code == 404
    assert administrator.post(f"groups/group:{name}/claims", json={"issuer": "never", "value": "x"}).status_code == 404
    assert (
        ito.browser.post(
            f"groups/group:{name}/claims", json={"issuer": "a", "value": "x"}, headers=ito.own_page
        ).status_code
        == 403
    )
    assert sent(ito, f"groups/group:{name}/end").status_code == 303
    assert ito.browser.get(f"scopes/{scope}").status_code == 404


# --- links


def test_a_link_for_a_reviewer_is_made_from_the_page_and_gives_nothing_away(
    served: Served, administrator: httpx.Client, person: Person, scope: str
) -> None:
    boss, ito = person(), person()
    let(administrator, scope, boss.id, "manage")
    id = record_in(administrator, scope)
    made = sent(boss, "shared-links", scope=scope, name="Reviewers", until=NEXT_YEAR)
    assert made.status_code == 201, made.text
    (value,) = set(re.findall(r"mlk_[A-Za-z0-9_-]+", made.text))
    with served.client(Authorization=f"Bearer {value}") as reviewer:
        assert reviewer.get(id).status_code == 200
        for path, said in (
            (f"scopes/{scope}/permissions", {"holder": ito.id, "rights": ["read"]}),
            (f"scopes/{scope}/sharing", {"mode": "everyone"}),
            ("shared-links", {"scope": scope, "name": "x", "until": NEXT_YEAR, "rights": ["read"]}),
            (f"scopes/{scope}/requests", {"text": "x"}),
        ):
            assert reviewer.post(path, json=said).status_code in (401, 403), path
        assert "Reviewers" in boss.browser.get(f"scopes/{scope}/sharing", headers=HTML).text
        told = boss.browser.get(f"scopes/{scope}/sharing").json()
        assert [row["holder"]["kind"] for row in told["holders"]] == ["person"]
        (link,) = told["links"]
        assert sent(boss, "shared-links/end", id=link["id"], scope=scope).status_code == 303
        assert reviewer.get(id).status_code == 401


# --- data on approval


def test_data_on_approval_are_asked_for_and_given_until_an_end(
    administrator: httpx.Client, public: httpx.Client, person: Person
) -> None:
    study = f"lab/jgas{secrets.token_hex(4)}"
    made = administrator.put(f"scopes/{study}", json={"mode": "everyone", "dataMode": "approval"})
    assert made.status_code == 201
    committee = record_in(
        administrator,
        "lab",
        "agent",
        names={"en": "The committee"},
        homepage="https://committee.example/",
        contact={"email": "ask@committee.example"},
    )
    hidden = record_in(administrator, "lab/closed", "agent", names={"en": "A secret committee"})
    policy = record_in(administrator, "lab", "policy", committees=[{"to": committee}, {"to": hidden}])
    dataset = record_in(administrator, study, "dataset", policies=[{"to": policy}])
    file = {"path": "a.h5", "size": 1, "locations": [{"address": "https://data.example/a.h5"}]}
    assert administrator.put(f"files/{dataset}", json=[file]).status_code == 200

    told = public.get(f"access/{dataset}")
    assert told.status_code == 200
    assert told.json()["may"] == ["read"]
    assert told.json()["dataMode"] == "approval"
    (shown,) = told.json()["policies"]
    assert shown["id"] == policy
    assert shown["committees"] == [
        {"id": committee, "title": {"en": "The committee"}, "homepage": "https://committee.example/"}
    ]
    assert told.json()["request"].endswith(f"scopes/{study}/requests")
    inside = administrator.get(f"access/{dataset}").json()["policies"][0]["committees"]
    assert {"email": "ask@committee.example"} in [each.get("contact") for each in inside]
    page = public.get(dataset, headers=HTML).text
    assert "The committee" in page
    assert f"scopes/{study}/requests" in page
    assert "ask@committee" not in page
    assert "secret" not in page
    refused = public.get(f"files/{dataset}")
    assert refused.status_code == 401
    assert f"/access/{dataset}" in refused.json()["detail"]

    ito, boss = person(), person()
    let(administrator, study, boss.id, "manage")
    assert ito.browser.get(f"files/{dataset}").status_code == 403
    asked = sent(ito, f"scopes/{study}/requests", text="To compare.", download="true")
    assert asked.status_code == 303
    (waiting,) = boss.browser.get(f"scopes/{study}/requests").json()["items"]
    granted = boss.browser.post(f"requests/{waiting['id']}/grant", json={"until": NEXT_YEAR}, headers=boss.own_page)
    assert granted.json()["until"] == f"{NEXT_YEAR}T00:00:00.000000Z"
    assert ito.browser.get(f"files/{dataset}").json()["items"][0]["path"] == "a.h5"
    assert ito.browser.get(f"access/{dataset}").json()["may"] == ["read", "download"]
    assert "you may have them" in ito.browser.get(dataset, headers=HTML).text
    (permission,) = (
        each
        for each in boss.browser.get(f"scopes/{study}/permissions").json()["items"]
        if each["holder"]["id"] == ito.id
    )
    assert permission["why"] == f"request {waiting['id']}"
    assert boss.browser.post(f"permissions/{permission['id']}/end", headers=boss.own_page).status_code == 200
    assert ito.browser.get(f"files/{dataset}").status_code == 403


def test_whom_one_asks_is_told_of_no_record_that_one_may_not_see(
    administrator: httpx.Client, public: httpx.Client, scope: str
) -> None:
    hidden = record_in(administrator, scope, "dataset")
    told = {public.get(f"access/{id}").text.replace(id, "…") for id in (hidden, f"{hidden}-never")}
    assert len(told) == 1
    assert public.get(f"access/{hidden}").status_code == 404
    open_ = record_in(administrator, "lab", "dataset")
    assert public.get(f"access/{open_}").json() == {
        "id": open_,
        "scope": "lab",
        "may": ["read", "download"],
        "dataMode": "open",
        "dataUntil": None,
        "resource": None,
        "policies": [],
        "request": None,
    }


# --- asking again, pages of lists, and how a form is answered


def test_a_scope_calls_what_was_set_and_what_is_in_force_by_one_name(administrator: httpx.Client, scope: str) -> None:
    until = "2099-04-01T00:00:00.000000Z"
    changed = administrator.patch(f"scopes/{scope}", json={"metadataUntil": "2099-04-01", "dataUntil": "2099-04-01"})
    assert changed.status_code == 200
    for name in ("metadataUntil", "dataUntil"):
        assert changed.json()[name] == changed.json()["set"][name] == until
        assert administrator.get(f"scopes/{scope}").json()[name] == until


def test_whoever_may_see_the_sharing_of_a_scope_may_see_the_scope(
    administrator: httpx.Client, person: Person, scope: str
) -> None:
    id = record_in(administrator, scope)
    for right in ("share", "run", "download"):
        ito = person()
        assert ito.browser.get(f"scopes/{scope}").status_code == 404
        let(administrator, scope, ito.id, right)
        assert ito.browser.get(f"scopes/{scope}").json()["may"] == [right]
        assert scope in [each["id"] for each in ito.browser.get("scopes?limit=1000").json()["items"]]
        assert ito.browser.get(id).status_code == 404
        assert ito.browser.get(f"scopes/{scope}/sharing").status_code == (200 if right == "share" else 403)


def test_asking_again_says_that_the_former_words_are_replaced(person: Person, scope: str) -> None:
    ito = person()
    path = f"scopes/{scope}/requests"
    for empty in ({}, {"text": "  "}):
        refused = ito.browser.post(path, json=empty, headers=ito.own_page)
        assert refused.status_code == 422
        assert "what for" in refused.json()["detail"]
    assert sent(ito, path, read="true").status_code == 422
    first = ito.browser.post(path, json={"text": "To compare."}, headers=ito.own_page)
    assert first.json()["again"] is False
    assert "To compare." in ito.browser.get(path, headers=HTML).text.partition('id="ask"')[2]
    again = sent(ito, path, text="For my thesis.", read="true")
    assert "asked already" in ito.browser.get(again.headers["location"], headers=HTML).text
    japanese = ito.browser.get(again.headers["location"], params={"done": "again", "lang": "ja"}, headers=HTML)
    assert "置き換え" in japanese.text
    third = ito.browser.post(path, json={"text": "Both."}, headers=ito.own_page)
    assert third.json()["again"] is True
    assert third.json()["id"] == first.json()["id"]
    (mine,) = ito.browser.get(path).json()["items"]
    assert mine["text"] == "Both."


def followed(client: httpx.Client, path: str, *names: str) -> list[list[Any]]:
    """What the pages of a list hold, by the names of its parts."""
    pages, cursor = [], None
    while True:
        onward = f"&cursor={cursor}" if cursor else ""
        answer = client.get(f"{path}{'&' if '?' in path else '?'}limit=2{onward}")
        assert answer.status_code == 200, answer.text
        page = [each for name in names for each in answer.json()[name]]
        assert len(page) <= 2
        pages.append(page)
        cursor = answer.json()["next"]
        if cursor is None:
            return pages


def test_who_holds_what_who_asks_and_who_is_in_a_group_is_told_page_by_page(
    administrator: httpx.Client, person: Person, scope: str
) -> None:
    boss, people = person(), [person() for _ in range(3)]
    let(administrator, scope, boss.id, "manage")
    name = f"group:g{secrets.token_hex(5)}"
    assert administrator.post("groups", json={"name": name.removeprefix("group:")}).status_code == 201
    for each in people:
        let(administrator, scope, each.id, "read", "download")
        let(administrator, scope.rpartition("/")[0], each.id, "read")
        assert each.browser.post(f"scopes/{scope}/requests", json={"text": "x"}, headers=each.own_page).is_success
        assert administrator.post(f"groups/{name}/members", json={"member": each.id}).status_code == 200
        until = {"until": NEXT_YEAR, "rights": ["read"], "scope": scope, "name": "x"}
        assert administrator.post("shared-links", json=until).status_code == 201

    rows = [row for page in followed(boss.browser, f"scopes/{scope}/sharing", "holders", "above") for row in page]
    here = [row["holder"]["id"] for row in rows if "scope" not in row]
    assert sorted(here) == sorted(each.id for each in (boss, *people))
    assert sorted(row["holder"]["id"] for row in rows if "scope" in row) == sorted(each.id for each in people)
    assert ["scope" in row for row in rows] == [False] * 4 + [True] * 3
    for path, wanted in (
        (f"scopes/{scope}/permissions", 1 + 3 * 2 + 3 + 3),
        (f"scopes/{scope}/requests", 3),
        ("requests?waiting=true", 3),
        (f"shared-links?scope={scope}", 3),
    ):
        told = [each["id"] for page in followed(boss.browser, path, "items") for each in page]
        assert len(told) == len(set(told)) == wanted, path
    members = [each["id"] for page in followed(administrator, f"groups/{name}", "members") for each in page]
    assert sorted(members) == sorted(each.id for each in people)
    for path in (f"scopes/{scope}/sharing", f"scopes/{scope}/requests", "requests?waiting=true"):
        seen, at = "", f"{path}{'&' if '?' in path else '?'}limit=2"
        while at:
            page = boss.browser.get(at, headers=HTML)
            assert page.status_code == 200
            seen += page.text
            onward = re.search(r'<a href="([^"]+)" rel="next"', page.text)
            at = onward[1].replace("&amp;", "&") + "&limit=2" if onward else ""
        assert all(each.id in seen for each in people), path
    for path in (f"scopes/{scope}/sharing?", f"scopes/{scope}/requests?", "groups?", f"shared-links?scope={scope}&"):
        assert boss.browser.get(f"{path}cursor=none").status_code == 422, path
        assert boss.browser.get(f"{path}limit=0").status_code == 400, path


def test_a_form_of_a_program_is_answered_as_it_asks(
    served: Served, administrator: httpx.Client, person: Person, scope: str
) -> None:
    boss = person()
    let(administrator, scope, boss.id, "manage")
    as_json = {"Accept": "application/json", **origin(boss.browser)}
    for path, fields, status in (
        (f"scopes/{scope}/sharing", {"mode": "limited"}, 200),
        (f"scopes/{scope}/sharing", {"mode": "wide"}, 422),
        (f"scopes/{scope}/permissions", {"holder": "person:00", "read": "true"}, 404),
        (f"scopes/{scope}/permissions", {"holder": boss.id, "read": "true"}, 201),
        ("groups", {"name": "Not A Name"}, 422),
        ("account/tokens", {"name": "x", "until": "2020-01-01", "whole": "true"}, 422),
        ("shared-links", {"scope": scope, "name": "x", "until": "2020-01-01"}, 422),
        ("account", {"name": ""}, 200),
    ):
        answer = boss.browser.post(path, data={"csrf": boss.csrf, **fields}, headers=as_json)
        assert answer.status_code == status, (path, answer.text)
        kind = "application/json" if status < 400 else "application/problem+json"
        assert answer.headers["content-type"] == kind, path
    with served.client() as stranger:
        for path, fields, status in (
            ("sign-in", {"login": "nobody", "password": "wrong wrong wrong"}, 401),
            ("invitation/none", {"login": "a", "password": "wrong wrong wrong", "name": "x"}, 404),
            ("reset/none", {"password": "wrong wrong wrong"}, 404),
            ("link", {"token": "mlk_none"}, 404),
        ):
            told = stranger.post(path, data=fields, headers={"Accept": "application/json", **origin(stranger)})
            assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json"), path


def test_a_parameter_that_there_is_not_is_refused_with_those_that_there_are_each_once(public: httpx.Client) -> None:
    told = public.get("scopes", params={"wxyz": "1"}).json()["detail"]
    assert told.count("format") == 1


def test_the_addresses_of_sharing_answer_methods_and_unknown_fields_as_all_do(
    administrator: httpx.Client, scope: str
) -> None:
    assert administrator.get("groups/a/b/c").status_code == 404
    for path, takes in (
        (f"scopes/{scope}/sharing", "GET, POST"),
        (f"scopes/{scope}/permissions", "GET, POST"),
        (f"scopes/{scope}/history", "GET"),
        ("groups", "GET, POST"),
        ("requests/00/grant", "POST"),
        ("permissions/00/end", "POST"),
        ("shared-links", "GET, POST"),
    ):
        if "GET" in takes:
            named = {"scope": scope} if path == "shared-links" else {}
            head, get = administrator.head(path, params=named), administrator.get(path, params=named)
            assert (head.status_code, head.content, get.status_code) == (200, b"", 200), path
        for method in ("DELETE", "OPTIONS"):
            refused = administrator.request(method, path)
            assert refused.status_code == 405, (method, path)
            assert set(takes.split(", ")) <= set(refused.headers["allow"].split(", ")), path
            assert refused.json()["type"].endswith("/method-not-allowed")
        if "POST" in takes:
            odd = administrator.post(path, json={"wxyz": 1})
            assert odd.status_code == 400, path
            assert "wxyz" in odd.json()["detail"], path
            assert administrator.post(path, content=b"x", headers={"content-type": "text/turtle"}).status_code == 415
