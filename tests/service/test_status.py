"""Status by the table as people with rights meet it, their own records, the audit, and who had access when: by HTTP."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.service.conftest import START, Served
from tests.service.test_sign_in import Somebody, joined

HTML = {"Accept": "text/html"}
STATUSES = ("public", "suppressed", "withdrawn", "private", "draft", "quarantined")
# A sample's title is an object: this breaks the kind's schema.
BROKEN = {"title": 7}


@dataclass
class Experiment:
    """A limited scope of its own with people in it, and a record of each status."""

    served: Served
    administrator: httpx.Client
    scope: str
    people: dict[str, Somebody]

    def id(self, name: str) -> str:
        return f"sample/lab/{self.scope.rpartition('/')[2]}-{name}"

    def submit(
        self, name: str, client: httpx.Client | None = None, params: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        told = {"kind": "sample", "source": "lab", "localId": self.id(name).rpartition("/")[2], "scope": self.scope}
        body = {"title": {"en": name}}
        return (client or self.administrator).post("records", json={"body": body, **told, **more}, params=params or {})

    def let(self, who: str, *rights: str, until: str | None = None) -> None:
        said = {"holder": self.people[who].id, "rights": list(rights), **({"until": until} if until else {})}
        made = self.administrator.post(f"scopes/{self.scope}/permissions", json=said)
        assert made.status_code in (200, 201), made.text

    def of(self, who: str) -> httpx.Client:
        return self.people[who].browser


@pytest.fixture(scope="module")
def experiment(served: Served, administrator: httpx.Client) -> Iterator[Experiment]:
    scope = f"lab/x{secrets.token_hex(3)}"
    assert administrator.put(f"scopes/{scope}", json={"mode": "limited"}).status_code == 201
    people = {name: joined(served, administrator) for name in ("writer", "manager", "reader", "other")}
    made = Experiment(served, administrator, scope, people)
    try:
        made.let("writer", "write")
        made.let("manager", "manage")
        made.let("reader", "read")
        for status in STATUSES:
            if status == "quarantined":
                answer = made.submit(status, body=BROKEN, params={"mode": "tolerant"})
            else:
                answer = made.submit(status, status=status if status in ("private", "draft") else "public")
            assert answer.status_code in (200, 201), answer.text
        assert administrator.post(f"suppress/{made.id('suppressed')}").status_code == 200
        assert administrator.post(f"withdraw/{made.id('withdrawn')}", json={"reason": "a mistake"}).status_code == 200
        yield made
    finally:
        for somebody in people.values():
            somebody.browser.close()


# --- the table

READERS = ("writer", "manager", "reader", "other", "nobody")


def client(experiment: Experiment, who: str, public: httpx.Client) -> httpx.Client:
    return public if who == "nobody" else experiment.of(who)


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_record_by_its_id_answers_as_the_table_says(
    experiment: Experiment, public: httpx.Client, status: str, who: str
) -> None:
    inside, reads = who in ("writer", "manager"), who in ("writer", "manager", "reader")
    seen = reads if status in ("public", "suppressed", "withdrawn") else inside
    expected = 404 if not seen else 410 if status == "withdrawn" else 200

    answer = client(experiment, who, public).get(experiment.id(status))
    assert answer.status_code == expected, answer.text
    if status == "withdrawn" and seen:
        assert answer.json()["reason"] == "a mistake"
    for word in ("revisions", "links"):
        listed = client(experiment, who, public).get(f"{word}/{experiment.id(status)}").status_code
        # The history of what was withdrawn is for those who write there.
        assert listed == (200 if inside and status == "withdrawn" and word == "revisions" else expected)


@pytest.mark.parametrize("who", READERS)
def test_lists_tell_what_is_not_public_to_writers_who_ask_for_it_and_to_nobody_else(
    experiment: Experiment, public: httpx.Client, who: str
) -> None:
    inside, reads = who in ("writer", "manager"), who in ("writer", "manager", "reader")
    asking = client(experiment, who, public)

    def listed(**params: str) -> set[str]:
        answer = asking.get("records", params={"scope": experiment.scope, "kind": "sample", "count": "exact", **params})
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["items"])
        return {item["id"] for item in answer.json()["items"]}

    assert listed() == ({experiment.id("public")} if reads else set())
    for status in ("suppressed", "private", "draft", "quarantined"):
        assert listed(status=status) == ({experiment.id(status)} if inside else set())
    whole = listed(status="public,suppressed,private,draft,quarantined")
    assert len(whole) == (5 if inside else 1 if reads else 0)
    assert asking.get("records", params={"status": "withdrawn"}).status_code == 422
    exported = asking.get("export", params={"scope": experiment.scope, "kind": "sample"}).text
    for status in STATUSES:
        assert (experiment.id(status) in exported) == (status == "public" and reads)


def test_a_draft_of_a_writer_is_theirs_until_a_manager_publishes_it(
    experiment: Experiment, public: httpx.Client
) -> None:
    writer, manager = experiment.people["writer"], experiment.people["manager"]
    made = writer.browser.post(
        "records",
        json={
            "kind": "sample", "source": "lab", "localId": experiment.id("own").rpartition("/")[2], "status": "draft",
            "scope": experiment.scope, "body": {"title": {"en": "first"}, "derivedFrom": ["sample/lab/never-there"]},
        },
        headers=writer.own_page,
    )  # fmt: skip
    assert made.status_code == 201, made.text
    own = experiment.id("own")
    assert experiment.of("reader").get(own).status_code == 404
    shown = writer.browser.get(own).json()
    # Links are told to writers as they were submitted, whether or not there is anything at their end.
    assert shown["body"]["derivedFrom"] == ["sample/lab/never-there"]
    assert [link["to"] for link in writer.browser.get(f"links/{own}").json()["items"]] == ["sample/lab/never-there"]
    assert shown["status"] == "draft"
    assert writer.browser.get(f"revisions/{own}").json()["items"][0]["by"] == writer.id
    assert writer.browser.post(f"publish/{own}", headers=writer.own_page).status_code == 403
    second = {"body": {"title": {"en": "second"}}}
    said = writer.browser.put(own, json={**second, "status": "public"}, headers=writer.own_page)
    assert said.status_code == 403
    assert "manages its scope" in said.json()["detail"]
    assert writer.browser.put(own, json=second, headers=writer.own_page).status_code == 200
    assert manager.browser.post(f"publish/{own}", headers=manager.own_page).status_code == 200

    reader = experiment.of("reader")
    assert reader.get(own).json()["body"]["title"] == {"en": "second"}
    # What was a draft then is no former revision of it now.
    assert [each["revision"] for each in reader.get(f"revisions/{own}").json()["items"]] == [2]
    assert reader.get(own, params={"revision": 1}).status_code == 404
    assert reader.get(f"revisions/{own}", params={"between": "1,2"}).status_code == 404
    assert writer.browser.get(own, params={"revision": 1}).json()["body"]["title"] == {"en": "first"}


def test_a_former_revision_needs_the_rights_of_the_scope_it_was_written_in(
    experiment: Experiment, public: httpx.Client
) -> None:
    id = experiment.id("moved")
    assert experiment.submit("moved").status_code == 201
    assert experiment.administrator.post(f"scope/{id}", json={"scope": "lab"}).status_code == 200
    assert experiment.administrator.put(id, json={"body": {"title": {"en": "in the open"}}}).status_code == 200

    assert public.get(id).json()["body"]["title"] == {"en": "in the open"}
    assert public.get(id, params={"revision": 1}).status_code == 404
    assert experiment.of("reader").get(id, params={"revision": 1}).status_code == 200


# --- one's own records


def test_ones_own_records_show_drafts_and_what_is_invalid_in_them(experiment: Experiment, public: httpx.Client) -> None:
    writer = experiment.of("writer")
    told = {item["id"]: item for item in writer.get("account/records", params={"limit": 1000}).json()["items"]}

    assert {experiment.id(status) for status in STATUSES} <= set(told)
    broken = told[experiment.id("quarantined")]
    assert (broken["status"], broken["quarantined"], broken["submittedByMe"]) == ("quarantined", True, False)
    assert broken["findings"]
    assert isinstance(broken["findings"][0]["message"], str)
    assert told[experiment.id("withdrawn")]["reason"] == "a mistake"
    some = writer.get("account/records", params={"invalid": "true"}).json()["items"]
    assert [item["id"] for item in some] == [experiment.id("quarantined")]
    drafts = writer.get("account/records", params={"status": "draft", "kind": "sample"}).json()["items"]
    assert experiment.id("draft") in {item["id"] for item in drafts}
    assert {item["status"] for item in drafts} == {"draft"}
    # By pages, each once.
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = writer.get("account/records", params={"limit": 2, **cursor}).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(seen) == sorted(told)
    assert experiment.of("reader").get("account/records").json() == {"items": [], "next": None}
    assert public.get("account/records").status_code == 401
    assert experiment.administrator.get("account/records").status_code == 403
    for wrong in ({"status": "nothing"}, {"cursor": "x"}):
        assert writer.get("account/records", params=wrong).status_code == 422


def test_the_command_line_lists_ones_own_records_of_a_catalogue_elsewhere(
    experiment: Experiment, tmp_path: Path
) -> None:
    writer, served = experiment.people["writer"], experiment.served
    until = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    said = {"name": "shell", "until": until}
    made = writer.browser.post("account/tokens", json=said, headers=writer.own_page).json()
    part = writer.browser.post(
        "account/tokens",
        json={**said, "part": [{"right": "read", "scope": experiment.scope}]},
        headers=writer.own_page,
    ).json()
    file = tmp_path / "musubi-catalog" / "tokens.json"
    file.parent.mkdir()

    def listed(token: str, *words: str) -> list[Any]:
        kept = {"token": token, "id": "x", "until": until, "person": "Haruka Ito"}
        file.write_bytes(orjson.dumps({served.address: kept}))
        file.chmod(0o600)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-c", START, "list", *words, "--mine"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return [orjson.loads(line) if "--json" in words else line for line in done.stdout.splitlines()]

    whole = listed(made["token"], "--all", "--limit", "2", "--json")
    assert {experiment.id(status) for status in STATUSES} <= {item["id"] for item in whole}
    assert [item["id"] for item in listed(made["token"], "sample", "--invalid", "--json")] == [
        experiment.id("quarantined")
    ]
    text = listed(made["token"], "--status", "quarantined", "--at", served.address)
    assert text[0].split()[:2] == [experiment.id("quarantined"), "quarantined"]
    assert "/title" in text[1]
    # A token for reading alone tells no more than that lets see.
    assert {item["status"] for item in listed(part["token"], "--json")} <= {"public", "suppressed"}
    for made_here in (made, part):
        writer.browser.post("account/tokens/end", json={"id": made_here["id"]}, headers=writer.own_page)


@pytest.mark.parametrize(("language", "word"), [("en", "quarantined"), ("ja", "隔離中")])
def test_the_page_of_ones_own_records_says_what_is_wrong(experiment: Experiment, language: str, word: str) -> None:
    writer = experiment.of("writer")
    page = writer.get(
        "account/records", headers=HTML, params={"lang": language, "kind": "", "status": "", "limit": 1000}
    )
    assert page.status_code == 200, page.text
    assert word in page.text
    assert f"/{experiment.id('draft')}" in page.text
    first = writer.get("account/records", headers=HTML, params={"limit": 1, "lang": language})
    assert 'rel="next"' in first.text
    assert "account/records" in writer.get("account", headers=HTML).text


# --- the audit


def eventually(look: Callable[[], Any]) -> Any:
    """What is written down aside is there a moment later."""
    until = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < until, "not there after 30 s"
        time.sleep(0.05)
    return found


def test_the_audit_is_for_administrators_and_of_a_scope_for_who_manages_it(
    experiment: Experiment, public: httpx.Client
) -> None:
    whole = experiment.administrator.get("audit", params={"limit": 1000, "act": "grant"}).json()
    assert {line["act"] for line in whole["items"]} == {"grant"}
    assert all(line["position"] for line in whole["items"])
    manager = experiment.of("manager")
    assert manager.get("audit").status_code == 403
    assert manager.get("audit", params={"scope": "lab"}).status_code == 403
    mine = manager.get("audit", params={"scope": experiment.scope, "act": "grant"}).json()
    holders = {line["holder"] for line in mine["items"]}
    assert {experiment.people[name].id for name in ("writer", "manager", "reader")} <= holders
    assert all("position" not in line for line in mine["items"])
    assert mine["names"][experiment.people["reader"].id] == "Haruka Ito"
    for who in ("writer", "reader"):
        assert experiment.of(who).get("audit", params={"scope": experiment.scope}).status_code == 403
    hidden = experiment.of("other").get("audit", params={"scope": experiment.scope})
    never = experiment.of("other").get("audit", params={"scope": experiment.scope[:-1] + "Z"})
    assert (hidden.status_code, never.status_code) == (404, 404)
    assert public.get("audit").status_code == 401
    assert experiment.administrator.get("audit", params={"act": "nothing"}).status_code == 422
    assert experiment.administrator.get("audit", params={"since": "yesterday"}).status_code == 422


def test_the_audit_goes_on_by_pages_and_is_exported_whole_by_administrators(experiment: Experiment) -> None:
    manager = experiment.of("manager")
    whole = manager.get("audit", params={"scope": experiment.scope, "limit": 1000}).json()
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = manager.get("audit", params={"scope": experiment.scope, "limit": 2, **cursor}).json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen[-len(whole["items"]) :] == whole["items"]

    export = experiment.administrator.get("audit/export")
    assert export.headers["content-type"].startswith("application/x-ndjson")
    lines = [orjson.loads(line) for line in export.text.splitlines()]
    assert [line["position"] for line in lines] == sorted(line["position"] for line in lines)
    rest = experiment.administrator.get("audit/export", params={"after": lines[-3]["position"]}).text.splitlines()
    assert [orjson.loads(line) for line in rest][:2] == lines[-2:]
    assert manager.get("audit/export").status_code == 403


@pytest.mark.parametrize(("language", "word"), [("en", "right given"), ("ja", "権限の付与")])
def test_the_audit_has_a_page(experiment: Experiment, language: str, word: str) -> None:
    told = {"lang": language, "scope": experiment.scope, "act": "", "by": "", "since": ""}
    for client in (experiment.administrator, experiment.of("manager")):
        page = client.get("audit", headers=HTML, params=told)
        assert page.status_code == 200, page.text
        assert word in page.text
        assert experiment.people["reader"].id in page.text
    assert "audit/export" not in experiment.of("manager").get("audit", headers=HTML, params=told).text
    assert 'rel="next"' in experiment.administrator.get("audit", headers=HTML, params={**told, "limit": "1"}).text


def test_a_write_that_is_refused_is_told_once_with_its_scope_and_without_its_body(experiment: Experiment) -> None:
    reader = experiment.people["reader"]

    def refused(to: httpx.Client | None = None, **where: str) -> list[dict[str, Any]]:
        asked = {"act": "refused", "by": reader.id, **(where or {"scope": experiment.scope})}
        return list((to or experiment.of("manager")).get("audit", params=asked).json()["items"])

    assert refused() == []
    secret = {"body": {"title": {"en": "a secret body"}}}
    assert reader.browser.put(experiment.id("public"), json=secret, headers=reader.own_page).status_code == 403
    (line,) = eventually(refused)
    assert line["detail"] == {"method": "PUT", "path": f"/{experiment.id('public')}"}
    assert line["address"] == "127.0.0.1"
    assert reader.browser.post(f"hide/{experiment.id('public')}", headers=reader.own_page).status_code == 403
    assert len(eventually(lambda: refused()[1:])) == 1
    assert experiment.submit("new", reader.browser).status_code == 403  # no page of ours sent it
    # What it was about stands in the body, which nobody reads then: it is told to administrators.
    everywhere = eventually(lambda: refused(experiment.administrator, since="2000")[2:])
    assert len(everywhere) == 1
    assert len(refused()) == 2
    assert "a secret body" not in str(refused(experiment.administrator, since="2000"))


def test_what_a_load_was_refused_is_told_once_with_how_many(experiment: Experiment) -> None:
    other = experiment.people["other"]
    lines = b"".join(
        orjson.dumps({"kind": "sample", "source": "lab", "localId": f"load-{n}", "body": {"title": {"en": "x"}}})
        + b"\n"
        for n in range(25)
    )
    headers = {**other.own_page, "Content-Type": "application/x-ndjson"}
    answer = other.browser.post("records", content=lines, headers=headers)
    assert answer.status_code == 200, answer.text
    assert orjson.loads(answer.text.splitlines()[-1])["counts"]["refused"] == 25

    def refused() -> list[dict[str, Any]]:
        found = experiment.administrator.get("audit", params={"act": "refused", "by": other.id})
        return list(found.json()["items"])

    (line,) = eventually(refused)
    assert line["scope"] == "lab"
    assert (line["detail"]["records"], len(line["detail"]["ids"])) == (25, 10)


# --- who had access, and when


def test_who_had_access_is_told_to_who_manages_and_to_nobody_else(experiment: Experiment, public: httpx.Client) -> None:
    address = f"scopes/{experiment.scope}/history"
    told = experiment.of("manager").get(address).json()
    rights = {each["holder"]["id"]: each["right"] for each in told["items"] if each["scope"] == experiment.scope}
    assert {
        experiment.people[name].id: right
        for name, right in (("writer", "write"), ("manager", "manage"), ("reader", "read"))
    }.items() <= rights.items()
    assert told["everyone"] == []
    before = experiment.of("manager").get(address, params={"at": "2020-01-01"}).json()
    assert before["items"] == []
    assert experiment.of("reader").get(address).status_code == 403
    hidden = experiment.of("other").get(address)
    assert (hidden.status_code, public.get(address).status_code) == (404, 404)
    assert experiment.of("manager").get(address, params={"at": "yesterday"}).status_code == 422
    for language, word in (("en", "Who had access"), ("ja", "アクセス権の履歴")):
        page = experiment.of("manager").get(address, headers=HTML, params={"lang": language, "at": ""})
        assert page.status_code == 200, page.text
        assert word in page.text
        assert experiment.people["reader"].id in page.text
    # Whoever gave it is told by name, too.
    manager = experiment.people["manager"]
    given = manager.browser.post(
        f"scopes/{experiment.scope}/permissions",
        json={"holder": experiment.people["other"].id, "rights": ["read"]},
        headers=manager.own_page,
    )
    assert given.status_code == 201, given.text
    page = manager.browser.get(address, headers=HTML)
    assert f'<td>Haruka Ito<span class="id">{manager.id}</span></td></tr>' in page.text
    for permission in given.json()["items"]:
        assert manager.browser.post(f"permissions/{permission['id']}/end", headers=manager.own_page).status_code == 200


# --- feeds


def test_a_feed_tells_who_gains_a_right_and_who_loses_it_while_they_wait(
    experiment: Experiment, public: httpx.Client, administrator: httpx.Client
) -> None:
    other = experiment.of("other")

    def changes(client: httpx.Client, **params: Any) -> list[dict[str, Any]]:
        return [
            orjson.loads(line) for line in client.get("changes", params={"limit": 1000, **params}).text.splitlines()
        ]

    def end(client: httpx.Client) -> str:
        token, more = "", True
        while more:
            *_, last = changes(client, **({"since": token} if token else {}))
            token, more = last["next"], last["more"]
        return token

    since, publicly = end(other), end(public)
    given = administrator.post(
        f"scopes/{experiment.scope}/permissions", json={"holder": experiment.people["other"].id, "rights": ["read"]}
    )
    assert given.status_code in (200, 201), given.text
    gained, last = changes(other, since=since)
    assert (gained["what"], gained["id"]) == ("scope-again", experiment.scope)
    assert other.get(experiment.id("public")).status_code == 200

    # Somebody who waits is told, and what they may is asked anew at each look.
    waited: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: waited.extend(changes(other, since=last["next"], wait=30)))
    waiting.start()
    time.sleep(0.5)
    permission = next(
        each for each in administrator.get(f"scopes/{experiment.scope}/permissions").json()["items"]
        if each["holder"]["id"] == experiment.people["other"].id
    )  # fmt: skip
    assert administrator.post(f"permissions/{permission['id']}/end").status_code == 200
    waiting.join(60)
    assert (waited[0]["what"], waited[0]["id"]) == ("scope-gone", experiment.scope)
    assert other.get(experiment.id("public")).status_code == 404
    assert [line for line in changes(public, since=publicly) if line.get("id") == experiment.scope] == []


def test_a_stream_of_changes_ends_when_its_session_does(experiment: Experiment, served: Served) -> None:
    administrator = experiment.administrator
    one = joined(served, administrator)
    events = {"Accept": "text/event-stream"}
    with closing(one.browser) as browser, browser.stream("GET", "changes", headers=events) as stream:
        chunks = stream.iter_text()
        assert next(chunks).startswith("retry")
        assert administrator.post(f"people/{one.id}/end").status_code == 200
        # It comes to its end by itself; a stream that went on would go on for ten minutes.
        for _ in chunks:
            pass
    assert one.browser.is_closed
