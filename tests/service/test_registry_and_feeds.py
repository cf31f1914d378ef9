"""Sources, profiles and scopes registered at run time; changes followed as they happen; what the service says of itself."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from catalog.web.app import bare
from catalog.web.described import description
from tests.conftest import PROJECT


def test_a_source_gets_a_new_version_each_time_something_is_said_anew(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    document = {"id": "reg", "title": {"en": "Registered"}, "homeScope": "lab", "zone": "Asia/Tokyo"}
    assert administrator.post("sources", json=document).status_code == 201
    assert administrator.post("sources", json=document).status_code == 200
    changed = administrator.put(
        "sources/reg", json={**document, "licence": "https://creativecommons.org/publicdomain/zero/1.0/"}
    )
    assert (changed.status_code, changed.json()["version"]) == (201, 2)
    told = public.get("sources/reg").json()
    assert told["licence"].startswith("https://creativecommons")
    assert "homeScope" not in told
    assert "reg" in [each["id"] for each in public.get("sources").json()["items"]]
    wrong = administrator.post("sources", json={"id": "Bad Name", "title": "x", "homeScope": "nowhere", "zone": "Mars"})
    assert wrong.status_code == 422
    assert {finding["pointer"] for finding in wrong.json()["findings"]} == {"/id", "/title", "/homeScope", "/zone"}


def test_a_profile_is_proposed_tried_published_and_judges_from_then_on(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    document = {
        "name": "lab-sample",
        "kind": "sample",
        "title": {"en": "Lab samples"},
        "schema": {"required": ["formula"]},
    }
    proposed = administrator.post("profiles", json=document)
    assert proposed.status_code == 201, proposed.text
    assert public.get("profiles/lab-sample@1").status_code == 404
    record = {"kind": "sample", "source": "lab", "localId": "profiled", "profile": "lab-sample@1"}
    body = {"title": {"en": "t"}, "formula": "NiO"}
    assert administrator.post("records", json={**record, "body": body}).status_code == 422
    assert administrator.post("profiles/lab-sample@1/publish").status_code == 200
    assert public.get("profiles/lab-sample").json()["id"] == "lab-sample@1"
    assert administrator.post("records", json={**record, "body": {"title": {"en": "t"}}}).status_code == 422
    assert administrator.post("records", json={**record, "body": body}).status_code == 201
    narrower = {**document, "schema": {"required": ["formula", "supplier"]}}
    trial = administrator.post("profiles", json=narrower).json()["trial"]
    assert (trial["tried"], trial["broken"], trial["shown"][0]["id"]) == (1, 1, "sample/lab/profiled")
    assert administrator.post("profiles/lab-sample@2/publish").status_code == 409
    assert administrator.post("profiles/lab-sample@2/publish", params={"despiteBroken": "true"}).status_code == 200
    assert "trial" not in public.get("profiles/lab-sample@2").json()
    assert public.get("sample/lab/profiled").json()["profile"] == "lab-sample@1"
    page = public.get("profiles/lab-sample@2", headers={"Accept": "text/html"})
    assert "supplier" in page.text


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.org/elsewhere"},
        {"type": "nothing"},
        {"properties": {"formula": {"pattern": "(a+"}}},
        [],
    ],
)
def test_a_profile_that_cannot_judge_is_refused_in_words(administrator: httpx.Client, schema: object) -> None:
    answer = administrator.post("profiles", json={"name": "bad-profile", "kind": "sample", "schema": schema})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]
    assert administrator.get("profiles/bad-profile@1").status_code == 404


def test_a_schema_that_is_a_ring_or_a_trap_does_not_stop_the_server(administrator: httpx.Client) -> None:
    ring = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    trap = {"properties": {"formula": {"type": "string", "pattern": "^(a+)+$"}}}
    assert administrator.post("profiles", json={"name": "ring", "kind": "sample", "schema": ring}).status_code in (
        201,
        422,
    )
    made = administrator.post("profiles", json={"name": "trap", "kind": "sample", "schema": trap})
    if made.status_code == 201:
        administrator.post("profiles/trap@1/publish")
        body = {"title": {"en": "t"}, "formula": "a" * 40 + "!"}
        record = {"kind": "sample", "source": "lab", "localId": "trap", "profile": "trap@1", "body": body}
        assert administrator.post("records", json=record).status_code == 422
    assert administrator.get("ready").status_code == 200


def test_a_scope_is_made_first_and_never_in_passing(administrator: httpx.Client, public: httpx.Client) -> None:
    record = {
        "kind": "sample",
        "source": "lab",
        "localId": "scoped",
        "scope": "lab/new",
        "body": {"title": {"en": "t"}},
    }
    refused = administrator.post("records", json=record)
    assert refused.status_code in (403, 422)
    made = administrator.post("scopes", json={"id": "lab/new", "title": {"en": "New"}, "dataUntil": "2030-04-01"})
    assert made.status_code == 201, made.text
    assert made.json()["mode"] == "everyone"
    assert made.json()["set"] == {"dataUntil": "2030-04-01T00:00:00.000000Z"}
    assert administrator.post("scopes", json={"id": "lab/new"}).status_code == 409
    assert administrator.post("records", json=record).status_code == 201
    assert "lab/new" in [each["id"] for each in public.get("scopes").json()["items"]]
    assert administrator.post("scopes", json={"id": "a/b/c/d/e"}).status_code in (404, 422)
    assert administrator.put("scopes/lab/new", json={"mode": "secret"}).status_code == 422
    assert administrator.put("scopes/lab/new", json={"colour": "red"}).status_code == 400


def test_changes_are_followed_from_a_token_on(administrator: httpx.Client, public: httpx.Client) -> None:
    def look(since: str, **more: str) -> tuple[list[dict[str, str]], str]:
        answer = public.get("changes", params={"since": since, "limit": "1000", **more})
        *changes, last = [json.loads(line) for line in answer.text.splitlines()]
        return changes, last["next"]

    token = ""
    while True:
        params = {"limit": "1000", **({"since": token} if token else {})}
        last = json.loads(public.get("changes", params=params).text.splitlines()[-1])
        token = last["next"]
        if not last["more"]:
            break
    record = {"kind": "sample", "source": "lab", "localId": "followed", "body": {"title": {"en": "t"}}}
    administrator.post("records", json=record)
    changes, token = look(token)
    assert [(each["what"], each["id"]) for each in changes] == [("changed", "sample/lab/followed")]
    administrator.post("records", json={**record, "localId": "unseen", "status": "private"})
    assert look(token)[0] == []
    administrator.post("withdraw/sample/lab/followed", json={"reason": "an end"})
    changes, token = look(token)
    assert [(each["what"], each["id"], each["reason"]) for each in changes] == [
        ("gone", "sample/lab/followed", "an end")
    ]

    later = threading.Timer(0.6, lambda: administrator.post("restore/sample/lab/followed"))
    later.start()
    changes, _ = look(token, wait="20")
    later.join()
    assert [each["what"] for each in changes] == ["changed"]


def test_changes_come_as_events_and_go_on_behind_the_last_one_seen(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    def first_event(**headers: str) -> dict[str, str]:
        with public.stream("GET", "changes", headers={"Accept": "text/event-stream", **headers}) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            seen: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                seen[name] = value
                if not line and "data" in seen:
                    return seen
        raise AssertionError("the stream ended")

    record = {"kind": "sample", "source": "lab", "localId": "streamed", "body": {"title": {"en": "t"}}}
    administrator.post("records", json=record)
    first = first_event()
    second = first_event(**{"Last-Event-ID": first["id"]})
    assert json.loads(first["data"])["token"] == first["id"] != second["id"]
    refused = public.get("changes", headers={"Accept": "text/event-stream", "Last-Event-ID": "nonsense"})
    assert refused.status_code == 400


def test_the_service_says_what_it_is_and_how_it_is(administrator: httpx.Client, public: httpx.Client) -> None:
    assert public.get("health").json()["status"] == "alive"
    assert public.get("ready").json() == {"status": "ready"}
    figures = public.get("metrics")
    assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'musubi_requests_total{method="GET",operation="health",status="200"}' in figures.text
    assert 'musubi_request_seconds_bucket{operation="health",le="+Inf"}' in figures.text
    assert administrator.get("sparql", params={"query": "ASK {}"}).status_code == 200
    told = administrator.get("metrics").text
    assert "\nmusubi_sparql_waiting 0\n" in told
    assert 'musubi_sparql_queries{outcome="answered"}' in told
    assert "musubi_sparql" not in public.get("metrics").text
    assert public.get("").json()["kinds"].keys() == {each["name"] for each in public.get("kinds").json()["items"]}


def test_the_description_that_is_committed_is_that_of_the_code(public: httpx.Client) -> None:
    committed = json.loads((PROJECT / "schemas" / "openapi.json").read_text("utf-8"))
    assert public.get("openapi.json").json() == committed, "run `python -m scripts.write_openapi`"


def test_every_operation_is_described_with_summary_answers_and_problems() -> None:
    for path, operations in description(bare())["paths"].items():
        for method, told in operations.items():
            name = f"{method} {path}"
            assert told["summary"], name
            assert told["x-ja"]["summary"], name
            assert len(told["description"]) > 15, name
            assert "401" in told["responses"], name
            assert any(status.startswith(("2", "3")) for status in told["responses"]), name
            if "requestBody" in told:
                assert all("example" in each for each in told["requestBody"]["content"].values()), name
            for parameter in told["parameters"]:
                assert parameter["description"], name
