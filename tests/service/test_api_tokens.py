"""Tokens, links and command lines over HTTP: what they let do, when that ends, and that nothing tells what they are."""

from __future__ import annotations

import os
import re
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.service.conftest import START, Served
from tests.service.test_sign_in import HTML, Somebody, joined

LATER = "2027-06-01"
BODY = {"title": {"en": "Cathode"}}


@pytest.fixture(scope="module")
def room(served: Served, administrator: httpx.Client) -> str:
    """A closed scope of these tests' own, with a source at home in it, and one beside it."""
    word = f"room{secrets.token_hex(4)}"
    for scope in (word, f"{word}/a", f"{word}beside"):
        assert administrator.put(f"scopes/{scope}", json={"mode": "limited"}).status_code == 201
    for source in (word, f"{word}other"):
        told = {"title": {"en": source}, "homeScope": word}
        assert administrator.put(f"sources/{source}", json=told).status_code == 201
    return word


@pytest.fixture
def ito(served: Served, administrator: httpx.Client) -> Iterator[Somebody]:
    made = joined(served, administrator)
    with closing(made.browser):
        yield made


def grant(administrator: httpx.Client, scope: str, person: str, *rights: str) -> list[dict[str, Any]]:
    made = administrator.post(f"scopes/{scope}/permissions", json={"holder": person, "rights": list(rights)})
    assert made.status_code == 201, made.text
    return list(made.json()["items"])


def token_of(somebody: Somebody, **said: Any) -> dict[str, Any]:
    made = somebody.browser.post(
        "account/tokens", json={"name": "loader", "until": LATER, **said}, headers=somebody.own_page
    )
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return dict(made.json())


def source_token(administrator: httpx.Client, source: str, **said: Any) -> str:
    made = administrator.post(f"sources/{source}/tokens", json={"name": "harvester", "until": LATER, **said})
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def carrying(served: Served, value: str) -> httpx.Client:
    return served.client(Authorization=f"Bearer {value}")


def sample(source: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "sample", "source": source, "localId": name, "body": BODY, **more}


# --- tokens


def test_a_load_does_not_outlive_the_token_that_began_it(
    served: Served, administrator: httpx.Client, room: str
) -> None:
    value = source_token(administrator, room)
    id = administrator.get(f"sources/{room}/tokens").json()["items"][0]["id"]
    ended: list[int] = []

    def lines() -> Iterator[bytes]:
        yield orjson.dumps(sample(room, "before")) + b"\n"
        ended.append(administrator.post(f"sources/{room}/tokens/end", json={"id": id}).status_code)
        yield orjson.dumps(sample(room, "after")) + b"\n"

    with carrying(served, value) as robot:
        answer = robot.post("records", content=lines(), headers={"Content-Type": "application/x-ndjson"})
    assert ended == [200]
    told = [orjson.loads(line) for line in answer.text.splitlines()]
    assert "complete" not in told[-1]
    assert administrator.get(f"sample/{room}/after").status_code == 404


def test_a_token_works_until_it_is_ended_which_is_at_the_next_request(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "read", "write")
    made = token_of(ito)
    with carrying(served, made["token"]) as program:
        who = program.get("whoami").json()
        assert (who["id"], who["token"]["id"], who["administrator"]) == (ito.id, made["id"], False)
        assert program.post("records", json=sample(room, "mine")).status_code == 201
        told = ito.browser.get("account/tokens").json()["items"]
        assert [each["id"] for each in told] == [made["id"]]
        assert "token" not in told[0]
        ended = ito.browser.post("account/tokens/end", json={"id": made["id"]}, headers=ito.own_page)
        assert ended.status_code == 200
        assert program.get("whoami").status_code == 401
        assert program.get(f"sample/{room}/mine").status_code == 401
    assert ito.browser.get("account/tokens").json()["items"] == []


def test_what_its_owner_loses_the_token_loses_at_the_next_request(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    administrator.post("records", json=sample(room, "lost"))
    (read,) = grant(administrator, room, ito.id, "read")
    made = token_of(ito, part=[{"right": "read", "scope": room}])
    with carrying(served, made["token"]) as program:
        assert program.get(f"sample/{room}/lost").status_code == 200
        assert administrator.post(f"permissions/{read['id']}/end", json={}).status_code == 200
        assert program.get(f"sample/{room}/lost").status_code == 404
        assert program.get("records", params={"source": room}).json()["items"] == []
        assert administrator.post(f"people/{ito.id}/end", json={}).status_code == 200
        assert program.get("whoami").status_code == 401


def test_a_token_with_a_part_of_ones_rights_neither_does_more_nor_makes_more(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "read", "write", "share", "manage")
    administrator.post("records", json=sample(room, "part"))
    made = token_of(ito, part=[{"right": "read", "scope": f"{room}/a"}])
    whole = token_of(ito)
    with carrying(served, made["token"]) as program:
        assert program.get(f"sample/{room}/part").status_code == 404
        refused = [
            program.post("records", json=sample(room, "more", scope=f"{room}/a")),
            program.post("account/tokens", json={"name": "x", "until": LATER}),
            program.post("account/tokens/end", json={"id": whole["id"]}),
            program.post("shared-links", json={"scope": f"{room}/a", "name": "x", "rights": ["read"], "until": LATER}),
            program.post(f"scopes/{room}/a/permissions", json={"holder": ito.id, "rights": ["write"]}),
            program.patch(f"scopes/{room}/a", json={"mode": "everyone"}),
            program.post(f"sources/{room}/tokens", json={"name": "x", "until": LATER}),
            program.get("account/tokens"),
            program.get("account"),
            program.post("account", json={"name": "Somebody else"}),
            program.get("people"),
        ]
        assert [answer.status_code for answer in refused] == [
            403,
            403,
            404,
            *(answer.status_code for answer in refused[3:]),
        ]
        assert {answer.status_code for answer in refused} <= {403, 404}
    with carrying(served, whole["token"]) as program:
        assert program.post("records", json=sample(room, "more", scope=f"{room}/a")).status_code == 201
        assert program.get("account/tokens").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_without_an_account_has_tokens(public: httpx.Client, method: str) -> None:
    answer = public.request(method, "account/tokens", json={"name": "x", "until": LATER} if method == "POST" else None)
    assert answer.status_code == 401


def test_a_form_makes_a_token_that_is_shown_this_once_in_both_languages(ito: Somebody) -> None:
    for language, words in (("en", "shown this once"), ("ja", "今回だけ")):
        fields = {"csrf": ito.csrf, "name": "<b>loader</b>", "until": LATER, "read": "true", "scope": "lab"}
        made = ito.browser.post(
            "account/tokens", data=fields, headers={**ito.own_page, **HTML, "Accept-Language": language}
        )
        assert made.status_code == 201
        assert words in made.text
        assert "&lt;b&gt;loader" in made.text
        (value,) = re.findall(r"mst_[A-Za-z0-9_-]{43}", made.text)
        page = ito.browser.get("account/tokens", headers={**HTML, "Accept-Language": language})
        assert page.status_code == 200
        assert value not in page.text
        assert page.headers["cache-control"] == "no-store"
    wrong = ito.browser.post(
        "account/tokens",
        data={"csrf": ito.csrf, "name": "x", "until": LATER},
        headers={**ito.own_page, **HTML},
    )
    assert wrong.status_code == 422
    assert "name from 1 to" in wrong.text
    first = ito.browser.get("account/tokens").json()["items"][0]["id"]
    ended = ito.browser.post(
        "account/tokens/end", data={"csrf": ito.csrf, "id": first}, headers={**ito.own_page, **HTML}
    )
    assert (ended.status_code, ended.headers["location"]) == (303, "/account/tokens")


def test_a_field_or_parameter_that_is_there_twice_is_refused(ito: Somebody, room: str) -> None:
    fields = f"csrf={ito.csrf}&name=x&until={LATER}&scope={room}&scope={room}beside&read=true"
    form = {"Content-Type": "application/x-www-form-urlencoded", **ito.own_page}
    for path in ("account/tokens", "shared-links", "device/decide", "link", "shared-links/end", "account/tokens/end"):
        assert ito.browser.post(path, content=fields, headers=form).status_code == 400, path
    twice = f'{{"name":"x","until":"{LATER}","part":[],"part":null}}'
    headers = {"Content-Type": "application/json", **ito.own_page}
    assert ito.browser.post("account/tokens", content=twice, headers=headers).status_code in (400, 422)
    assert ito.browser.get(f"shared-links?scope={room}&scope={room}beside").status_code == 400
    assert ito.browser.get("account/tokens?person=person:0").status_code == 400
    assert ito.browser.get("account/tokens").json()["items"] == []


@pytest.mark.parametrize("forged", [{}, {"Origin": "https://elsewhere.example"}])
def test_no_page_of_anybody_elses_makes_or_ends_tokens_and_links(ito: Somebody, forged: dict[str, str]) -> None:
    made = token_of(ito)
    for path, fields in (
        ("account/tokens", {"name": "x", "until": LATER, "whole": "true"}),
        ("account/tokens/end", {"id": made["id"]}),
        ("shared-links", {"scope": "lab", "name": "x", "until": LATER}),
        ("shared-links/end", {"id": "link:0"}),
        ("device/decide", {"code": "BBBB-BBBB", "allow": "true"}),
        ("link", {"token": "mlk_0"}),
    ):
        assert ito.browser.post(path, data=fields, headers=forged).status_code == 403, path
    assert [each["id"] for each in ito.browser.get("account/tokens").json()["items"]] == [made["id"]]


@pytest.mark.parametrize(
    "told", ["mst_", "mst_" + "A" * 43, "mlk_" + "A" * 43, "mst_../admin-token", "mst_' OR '1'='1", "mst_%00"]
)
def test_a_token_that_was_guessed_is_nobodys_and_all_wrong_ones_are_one_answer(served: Served, told: str) -> None:
    def answer(value: str) -> dict[str, Any]:
        with carrying(served, value) as program:
            got = program.get("whoami")
            assert got.status_code == 401
            assert value not in got.text
            return {**got.json(), "instance": None}

    assert answer(told) == answer("anything")


# --- sources


def test_a_sources_token_writes_its_records_only_whatever_the_verb(
    served: Served, administrator: httpx.Client, room: str
) -> None:
    other = f"{room}other"
    value = source_token(administrator, room)
    administrator.post("records", json=sample(other, "theirs"))
    administrator.post("records", json={"kind": "dataset", "source": other, "localId": "data", "body": BODY})
    theirs = f"sample/{other}/theirs"
    before = administrator.get(theirs).text
    with carrying(served, value) as harvester:
        assert harvester.post("records", json=sample(room, "own")).status_code == 201
        own = f"sample/{room}/own"
        assert harvester.get("whoami").json()["source"] == room
        assert harvester.post(f"withdraw/{own}", json={"reason": "twice"}).status_code == 200
        assert harvester.post(f"restore/{own}", json={}).status_code == 200
        refused = {
            "revise": harvester.post("records", json={**sample(other, "theirs"), "body": {"title": {"en": "x"}}}),
            "put": harvester.put(theirs, json={"body": {"title": {"en": "x"}}}),
            "new": harvester.post("records", json=sample(other, "new")),
            "withdraw": harvester.post(f"withdraw/{theirs}", json={"reason": "x"}),
            "delete": harvester.request("DELETE", theirs, params={"reason": "x"}),
            "move": harvester.post(f"scope/{theirs}", json={"scope": f"{room}/a"}),
            "files": harvester.put(f"files/dataset/{other}/data", json=[]),
            "publish": harvester.post(f"publish/{theirs}", json={}),
            "hide": harvester.post(f"hide/{theirs}", json={}),
            "merge": harvester.post(f"merge/{own}", json={"into": theirs}),
            "expunge": harvester.post(f"expunge/{theirs}", json={"reason": "x"}),
            "scope": harvester.patch(f"scopes/{room}", json={"mode": "everyone"}),
            "source": harvester.put(f"sources/{room}", json={"title": {"en": "x"}, "homeScope": room}),
            "token": harvester.post("account/tokens", json={"name": "x", "until": LATER}),
            "link": harvester.post(
                "shared-links", json={"scope": room, "name": "x", "rights": ["read"], "until": LATER}
            ),
        }
        assert {name: answer.status_code for name, answer in refused.items()} == dict.fromkeys(refused, 403)
        lines = b"".join(orjson.dumps(sample(source, "bulk")) + b"\n" for source in (room, other))
        told = harvester.post("records", content=lines, headers={"Content-Type": "application/x-ndjson"}).text
        outcomes = [orjson.loads(line).get("outcome") for line in told.splitlines()]
        assert outcomes[:2] == ["created", "refused"]
    assert administrator.get(theirs).text == before
    assert administrator.get(f"sample/{other}/new").status_code == 404


def test_only_administrators_make_see_and_end_a_sources_tokens(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "manage", "write")
    said = {"name": "x", "until": LATER}
    assert ito.browser.post(f"sources/{room}/tokens", json=said, headers=ito.own_page).status_code == 403
    assert ito.browser.get(f"sources/{room}/tokens").status_code == 403
    assert administrator.post("sources/nobody/tokens", json=said).status_code == 404
    assert administrator.post(f"sources/{room}/tokens", json={**said, "source": "lab"}).status_code == 400
    made = administrator.post(f"sources/{room}/tokens", json=said).json()
    listed = administrator.get(f"sources/{room}/tokens").json()["items"]
    assert made["id"] in {each["id"] for each in listed}
    end = {"id": made["id"]}
    assert ito.browser.post(f"sources/{room}/tokens/end", json=end, headers=ito.own_page).status_code == 403
    # Of another source there is no such token.
    assert administrator.post(f"sources/{room}other/tokens/end", json=end).status_code == 404
    with carrying(served, made["token"]) as harvester:
        assert harvester.get("whoami").status_code == 200
        assert administrator.post(f"sources/{room}/tokens/end", json=end).status_code == 200
        assert harvester.get("whoami").status_code == 401


def test_nobody_takes_a_new_id_of_a_source_that_is_at_home_elsewhere(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, f"{room}beside", ito.id, "write")
    token = token_of(ito)["token"]
    with carrying(served, token) as program:

        def refusal(**said: Any) -> dict[str, Any]:
            answer = program.post("records", json=sample(room, "squatted", **said))
            assert answer.status_code == 403
            return {**answer.json(), "instance": None}

        # The same is said where they may write, in a scope that is hidden, and in none.
        told = [
            str(refusal(scope=scope)).replace(f"'{scope}'", "…", 1) for scope in (f"{room}beside", room, f"{room}none")
        ]
        assert told[0] == told[1] == told[2]
        assert refusal() == refusal()
        assert program.put(f"sample/{room}/squatted", json={"body": BODY, "scope": f"{room}beside"}).status_code == 403
    assert administrator.get(f"sample/{room}/squatted").status_code == 404
    # Who may write at the source's home may lay its records elsewhere, and others then revise them there.
    grant(administrator, f"{room}/a", ito.id, "write")
    with carrying(served, token) as program:
        assert program.post("records", json=sample(room, "below", scope=f"{room}/a")).status_code == 201
        assert program.post("records", json=sample(room, "away", scope=f"{room}beside")).status_code == 403
        administrator.post("records", json=sample(room, "away", scope=f"{room}beside"))
        revised = program.post("records", json={**sample(room, "away"), "body": {"title": {"en": "Anode"}}})
        assert (revised.status_code, revised.json()["revision"]) == (200, 2)


# --- devices


def test_what_a_device_enters_says_so_to_whoever_may_know_the_device(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "write", "read", "manage")
    robot = f"agent/{room}/robot"
    assert (
        administrator.post(
            "records",
            json={
                "kind": "agent",
                "source": room,
                "localId": "robot",
                "body": {"title": {"en": "Robot"}, "names": {"en": "Robot"}, "type": "device"},
            },
        ).status_code
        == 201
    )
    not_mine = ito.browser.post(
        "account/tokens",
        json={"name": "x", "until": LATER, "agent": f"agent/{room}/nobody"},
        headers=ito.own_page,
    )
    assert not_mine.status_code == 422
    made = token_of(ito, agent=robot)
    id = f"sample/{room}/measured"
    with carrying(served, made["token"]) as machine:
        assert machine.get("whoami").json()["agent"] == robot
        assert machine.post("records", json=sample(room, "measured")).status_code == 201
        assert machine.post(f"withdraw/{id}", json={"reason": "broken"}).status_code == 200
        assert machine.post(f"restore/{id}", json={}).status_code == 200
    told = administrator.get(f"revisions/{id}").json()
    assert (told["items"][0]["by"], told["items"][0]["agent"]) == (ito.id, robot)
    assert [event["detail"]["agent"] for event in told["events"]] == [robot, robot]
    page = administrator.get(f"revisions/{id}", headers=HTML)
    assert page.text.count(robot) == 3
    said = f"prov#wasAssociatedWith> <{served.address}{robot}>"
    as_triples = {"Accept": "application/n-triples"}
    assert said in administrator.get(id, headers=as_triples).text
    assert robot in administrator.get(id, headers={"Accept": "application/ld+json"}).text
    # Somebody who may read the one and not the other is not told of it; nor of who it was.
    assert administrator.post(f"scope/{robot}", json={"scope": f"{room}beside"}).status_code == 200
    reader = joined(served, administrator)
    with closing(reader.browser):
        grant(administrator, room, reader.id, "read")
        for form in ("application/n-triples", "application/ld+json", "application/json", "text/html"):
            answer = reader.browser.get(id, headers={"Accept": form})
            assert answer.status_code == 200
            assert robot not in answer.text
            assert ito.id not in answer.text
        told = reader.browser.get(f"revisions/{id}").json()
        assert "agent" not in told["items"][0]
        grant(administrator, f"{room}beside", reader.id, "read")
        assert said in reader.browser.get(id, headers=as_triples).text


# --- links


def link_to(somebody: Somebody, scope: str, **said: Any) -> dict[str, Any]:
    made = somebody.browser.post(
        "shared-links",
        json={"scope": scope, "name": "Reviewers", "rights": ["read"], "until": LATER, **said},
        headers=somebody.own_page,
    )
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_a_reviewer_reads_by_a_link_in_a_browser_until_it_is_taken_back(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "read", "share")
    administrator.post("records", json=sample(room, "reviewed"))
    administrator.post("records", json=sample(room, "draft", status="draft"))
    made = link_to(ito, room)
    assert made["address"] == f"{served.address}link#{made['token']}"
    with served.client() as reviewer:
        page = reviewer.get("link", headers=HTML)
        assert page.status_code == 200
        assert "link.js" in page.text
        own = {"Origin": served.address.rstrip("/")}
        opened = reviewer.post("link", data={"token": made["address"]}, headers={**own, **HTML})
        assert (opened.status_code, opened.headers["location"]) == (303, f"/records?scope={room}")
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        answer = reviewer.get(f"sample/{room}/reviewed")
        assert answer.status_code == 200
        assert "private" in answer.headers["cache-control"]
        assert reviewer.get(f"sample/{room}/draft").status_code == 404
        # It is read by, and nothing else: not passed on, not written with.
        for path, said in (
            ("shared-links", {"scope": room, "name": "x", "rights": ["read"], "until": LATER}),
            (f"scopes/{room}/permissions", {"holder": ito.id, "rights": ["read"]}),
            ("records", sample(room, "by-link")),
            ("account/tokens", {"name": "x", "until": LATER}),
            ("shared-links/end", {"id": made["id"]}),
        ):
            for headers in ({}, {"Authorization": f"Bearer {made['token']}"}):
                assert reviewer.post(path, json=said, headers={**own, **headers}).status_code in (401, 403, 404), path
        assert ito.browser.post("shared-links/end", json={"id": made["id"]}, headers=ito.own_page).status_code == 200
        assert reviewer.get(f"sample/{room}/reviewed").status_code == 404
        assert reviewer.get("records", params={"scope": room}).json()["items"] == []
        again = reviewer.post("link", json={"token": made["token"]})
        assert again.status_code == 404
        assert made["token"] not in again.text
    with carrying(served, made["token"]) as program:
        assert program.get("whoami").status_code == 401


def test_a_browser_forgets_a_link(served: Served, administrator: httpx.Client, room: str, ito: Somebody) -> None:
    grant(administrator, room, ito.id, "read", "share")
    administrator.post("records", json=sample(room, "forgotten"))
    made = link_to(ito, room)
    with served.client() as reviewer:
        assert reviewer.post("link", json={"token": made["token"]}).json()["scope"] == room
        assert reviewer.get(f"sample/{room}/forgotten").status_code == 200
        assert reviewer.post("link/forget", json={}).status_code == 200
        assert reviewer.get(f"sample/{room}/forgotten").status_code == 404


def test_links_are_made_within_what_one_holds_and_a_hidden_scope_is_as_none(
    administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "read", "share")
    said = {"name": "x", "rights": ["read"], "until": LATER}

    def made(**more: Any) -> httpx.Response:
        return ito.browser.post("shared-links", json={**said, **more}, headers=ito.own_page)

    assert made(scope=room, rights=["download"]).status_code == 403
    assert made(scope=room, rights=["write"]).status_code == 422
    assert made(scope=room, until="2030-01-01").status_code == 422
    hidden, absent = made(scope=f"{room}beside"), made(scope=f"{room}nowhere")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace("beside", "…") == absent.text.replace("nowhere", "…")
    for path in (f"{room}/../{room}beside", f"{room}beside/", f"/{room}beside", f"{room}%2F..%2F{room}beside"):
        assert made(scope=path).status_code == 404
        assert ito.browser.get("shared-links", params={"scope": path}).status_code == 404
    for language, words in (("en", "Make a link"), ("ja", "リンクの作成")):
        page = ito.browser.get("shared-links", params={"scope": room}, headers={**HTML, "Accept-Language": language})
        assert words in page.text
    shown = ito.browser.post(
        "shared-links",
        data={"csrf": ito.csrf, "scope": room, "name": "Reviewers", "until": LATER},
        headers={**ito.own_page, **HTML},
    )
    assert shown.status_code == 201
    assert "link#mlk_" in shown.text
    assert "mlk_" not in ito.browser.get("shared-links", params={"scope": room}, headers=HTML).text


# --- command lines


def command(home: Path, *told: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    environment |= {"XDG_CONFIG_HOME": str(home), "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        [sys.executable, "-c", START, *told],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def said_by(home: Path, *told: str) -> tuple[int, str, str]:
    with command(home, *told) as running:
        out, err = running.communicate(timeout=120)
    return running.returncode, out, err


def test_a_command_line_signs_in_by_a_code_makes_tokens_and_signs_out(
    served: Served, tmp_path: Path, ito: Somebody
) -> None:
    with command(tmp_path, "login", served.address, "--name", "catalog <on> beamline", "--json") as login:
        assert login.stderr is not None
        line = login.stderr.readline()
        found = re.search(r"Open (\S+) and enter the code (\S+)", line)
        assert found is not None, line
        assert found[1] == f"{served.address}device"
        asking = ito.browser.post(
            "device/asking", data={"csrf": ito.csrf, "code": found[2]}, headers={**ito.own_page, **HTML}
        )
        assert "catalog &lt;on&gt; beamline" in asking.text
        decided = ito.browser.post("device/decide", json={"code": found[2], "allow": True}, headers=ito.own_page)
        assert decided.json() == {"allowed": True}
        out, err = login.communicate(timeout=120)
    assert login.returncode == 0, err
    told = orjson.loads(out)
    assert told["person"]["id"] == ito.id
    kept = Path(told["file"])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    value = orjson.loads(kept.read_bytes())[served.address]["token"]
    assert value not in out + err
    code, out, err = said_by(tmp_path, "whoami")
    assert (code, ito.id in out) == (0, True), err
    code, made, err = said_by(
        tmp_path, "token", "make", "loader", "--until", LATER, "--right", "read", "--at", served.address
    )
    assert code == 0, err
    assert "ends with it: at `catalog logout`" in err
    with carrying(served, made.strip()) as program:
        assert program.get("whoami").json()["token"]["part"] == [{"right": "read", "scope": None}]
        code, out, _ = said_by(tmp_path, "token", "list", "--at", served.address, "--json")
        names = {orjson.loads(each)["name"] for each in out.splitlines()}
        assert names == {"loader", "catalog <on> beamline"}
        kept.chmod(0o640)
        assert said_by(tmp_path, "whoami")[0] == 7
        kept.chmod(0o600)
        assert said_by(tmp_path, "logout")[0] == 0
        assert orjson.loads(kept.read_bytes()) == {}
        # What the command line had made ends with it.
        assert program.get("whoami").status_code == 401
    assert said_by(tmp_path, "whoami")[0] == 3
    assert ito.browser.get("account/tokens").json()["items"] == []


def test_a_token_is_not_sent_over_plain_http_to_another_machine(tmp_path: Path) -> None:
    for address in (
        "http://catalogue.example.org/",
        "ftp://catalogue.example.org/",
        "https://u:p@catalogue.example.org/",
    ):
        code, _, err = said_by(tmp_path, "login", address)
        assert code == 1, err


def test_only_who_is_signed_in_with_a_browser_lets_a_command_line_in(
    served: Served, public: httpx.Client, ito: Somebody
) -> None:
    begun = public.post("device", json={"name": "catalog"}).json()
    assert set(begun) == {"device_code", "user_code", "verification_uri", "expires_in", "interval"}
    decision = {"code": begun["user_code"], "allow": True}
    assert public.post("device/decide", json=decision).status_code == 401
    assert public.post("device/asking", json={"code": begun["user_code"]}).status_code == 401
    with carrying(served, token_of(ito)["token"]) as program:
        assert program.post("device/decide", json=decision).status_code == 403
    waiting = public.post("device/token", json={"device_code": begun["device_code"]})
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    refused = ito.browser.post("device/decide", json={**decision, "allow": False}, headers=ito.own_page)
    assert refused.status_code == 200
    told = public.post("device/token", json={"device_code": begun["device_code"]}).json()["error"]
    assert told == "access_denied"
    for guess in (begun["user_code"], "user:" + begun["user_code"].replace("-", ""), ""):
        assert public.post("device/token", json={"device_code": guess}).json()["error"] == "expired_token"
    for language, words in (("en", "The code that the command line shows"), ("ja", "表示されているコード")):
        page = ito.browser.get("device", headers={**HTML, "Accept-Language": language})
        assert words in page.text
    assert "sign-in?next=" in public.get("device", headers=HTML).text


# --- what is told of them


def test_tokens_are_in_no_log_no_audit_and_no_database(
    served: Served, administrator: httpx.Client, room: str, ito: Somebody
) -> None:
    grant(administrator, room, ito.id, "read", "share")
    values = [token_of(ito)["token"], link_to(ito, room)["token"], source_token(administrator, room)]
    with served.client() as client:
        for value in values:
            client.get("whoami", headers={"Authorization": f"Bearer {value}"})
            client.get("records", headers={"Authorization": f"Bearer {value}"}, params={"nonsense": "1"})
            client.post("records", headers={"Authorization": f"Bearer {value}"}, content=b"{", timeout=60)
        client.post("link", json={"token": values[1]})
    log = (served.data.parent / f"{served.data.name}.log").read_text("utf-8", "replace")
    audit = administrator.get("audit", params={"limit": 1000}).text
    files = [path.read_bytes() for path in served.data.glob("catalog.sqlite*")]
    assert files
    for value in values:
        assert value not in log
        assert value not in audit
        assert all(value.encode() not in content for content in files)


def test_the_graph_tells_of_a_device_only_while_its_record_may_be_read(
    served: Served, administrator: httpx.Client, public: httpx.Client, ito: Somebody
) -> None:
    word = secrets.token_hex(4)
    robot, id = f"agent/lab/robot{word}", f"sample/lab/measured{word}"
    named = {"title": {"en": "Robot"}, "names": {"en": "Robot"}, "type": "device"}
    assert administrator.put(robot, json={"body": named}).status_code == 201
    (given,) = grant(administrator, "lab", ito.id, "write")
    with carrying(served, token_of(ito, agent=robot)["token"]) as machine:
        position = machine.put(id, json={"body": BODY}).json()["position"]
    # Other tests count who holds what in this scope.
    assert administrator.post(f"permissions/{given['id']}/end", json={}).status_code == 200
    path = "foaf:isPrimaryTopicOf/prov:wasGeneratedBy/prov:wasAssociatedWith"
    query = (
        "PREFIX foaf: <http://xmlns.com/foaf/0.1/> PREFIX prov: <http://www.w3.org/ns/prov#> "
        f"SELECT ?d {{ <{served.address}{id}> {path} ?d }}"
    )

    def devices(**more: str) -> list[str]:
        answer = public.get("sparql", params={"query": query, **more}, headers={"Accept": "text/csv"})
        if answer.status_code == 503:
            return []
        assert answer.status_code == 200, answer.text
        return answer.text.split()[1:]

    assert devices(waitFor=position, waitSeconds="30") == [served.address + robot]
    position = administrator.post(f"hide/{robot}", json={}).json()["position"]
    assert devices() == []
    assert devices(waitFor=position, waitSeconds="30") == []
    position = administrator.post(f"publish/{robot}", json={}).json()["position"]
    assert devices(waitFor=position, waitSeconds="30") == [served.address + robot]
