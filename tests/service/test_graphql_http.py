"""GraphQL over HTTP: forms, statuses, what may be sent how, and who may change anything from where."""

from __future__ import annotations

import hashlib
import json
import secrets
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.service.conftest import Served, start, stop
from tests.service.test_sign_in import joined

PROJECT: Final = Path(__file__).resolve().parents[2]
CLIENTS: Final = Path(__file__).parent / "graphql_clients"
RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
TYPENAME: Final = "{ __typename }"


@pytest.fixture(scope="session")
def npm() -> Path:
    """The folder with the npm packages that the server is tried with."""
    script = PROJECT / "scripts" / "services" / "graphql.sh"
    found = subprocess.run([script, "folder"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        # Only tests marked `service` ask for it, and whoever selects those means them to run.
        pytest.fail("the npm packages of the GraphQL tests are missing: run `make services`")
    return Path(found.stdout.strip())


def run(script: str, *arguments: str | Path) -> list[Any]:
    """What a script of these says, a JSON document a line."""
    done = subprocess.run(["node", CLIENTS / script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def post(client: httpx.Client, document: Any, accept: str = RESPONSE, **headers: str) -> httpx.Response:
    return client.post("graphql", json=document, headers={"Accept": accept, **headers})


@pytest.mark.service
def test_every_audit_of_graphql_http_passes_what_should_be_included(served: Served, npm: Path) -> None:
    [told] = run("audits.mjs", npm, f"{served.address}graphql")
    assert len(told) == 61
    assert [audit for audit in told if audit["status"] != "ok"] == []


@pytest.mark.service
def test_the_client_of_graphql_sse_is_answered_and_told_that_it_was_all(served: Served, npm: Path) -> None:
    answer, end = run("listen.mjs", npm, f"{served.address}graphql", TYPENAME, "5")
    assert answer["data"] == {"__typename": "Query"}
    assert end == {"ended": 1}
    # What is wrong with a document comes the same way, and not as a connection that fails.
    refused, end = run("listen.mjs", npm, f"{served.address}graphql", "{ nothingOfTheKind }", "5")
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert end == {"ended": 1}


# --- forms


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (RESPONSE, RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"{JSON}, {RESPONSE};q=0.5", JSON),
        (f"{RESPONSE}, */*;q=0.1", RESPONSE),
        ("text/event-stream", "text/event-stream"),
    ],
)
def test_an_answer_has_the_form_that_is_asked_for(public: httpx.Client, accept: str, form: str) -> None:
    for answer in (
        public.get("graphql", params={"query": TYPENAME}, headers={"Accept": accept}),
        post(public, {"query": TYPENAME}, accept),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == f"{form}; charset=utf-8"


def test_a_form_that_cannot_be_made_is_refused_with_those_that_can(public: httpx.Client) -> None:
    answer = post(public, {"query": TYPENAME}, "text/csv")
    assert answer.status_code == 406
    assert RESPONSE in answer.json()["errors"][0]["message"]


def test_what_is_wrong_with_a_document_is_400_in_the_newer_form_and_200_in_the_older(public: httpx.Client) -> None:
    for query in (
        "{",
        "{ nothingOfTheKind }",
        "query($id: ID!) { __typename }",
        "query A { __typename } query B { __typename }",
    ):
        newer, older = (post(public, {"query": query}, accept) for accept in (RESPONSE, JSON))
        assert (newer.status_code, older.status_code) == (400, 200), query
        for answer in (newer, older):
            told = answer.json()
            assert "data" not in told
            assert {error["extensions"]["code"] for error in told["errors"]} == {"BAD_USER_INPUT"}


def test_messages_of_ours_are_in_the_language_of_the_asker(public: httpx.Client) -> None:
    asked = {"query": "query A { __typename } query B { __typename }"}
    english = post(public, asked).json()["errors"][0]["message"]
    japanese = post(public, asked, **{"Accept-Language": "ja"}).json()["errors"][0]["message"]
    assert "operationName" in english
    assert "operationName" in japanese
    assert "操作" in japanese


def test_every_answer_tells_what_it_cost_and_what_one_may_cost(public: httpx.Client) -> None:
    told = post(public, {"query": TYPENAME}).json()
    assert told["extensions"]["cost"] == {"cost": 0, "limit": 100_000}


# --- requests

BAD_REQUESTS: Final[dict[str, tuple[bytes, int]]] = {
    "nothing": (b"", 400),
    "no JSON": (b"{ query", 400),
    "a batch": (b'[{"query":"{__typename}"}]', 400),
    "an empty batch": (b"[]", 400),
    "a text": (b'"{__typename}"', 400),
    "no query": (b"{}", 400),
    "a query that is no text": (b'{"query":{"a":1}}', 400),
    "variables that are no object": (b'{"query":"{__typename}","variables":[1]}', 400),
    "the same key twice": (b'{"query":"{__typename}","query":"{__schema{types{name}}}"}', 400),
    "half a character": (b'{"query":"{__typename}","variables":{"a":"\\ud800"}}', 400),
    "a depth of 100,000": (b'{"query":"{__typename}","variables":' + b'{"a":' * 100_000 + b"}" * 100_001, 400),
    "a document that is not trusted": (b'{"documentId":"sha256:00"}', 400),
    "an id of another document": (b'{"query":"{__typename}","documentId":"sha256:00"}', 400),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_what_is_no_request_is_refused_and_told_why(public: httpx.Client, name: str) -> None:
    body, status = BAD_REQUESTS[name]
    answer = public.post("graphql", content=body, headers={"Content-Type": JSON, "Accept": RESPONSE})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith(RESPONSE)
    assert 8 < len(answer.json()["errors"][0]["message"]) < 400


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", ""],
)
def test_only_json_is_read(public: httpx.Client, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = public.post("graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert answer.status_code == 415, answer.text


def test_another_charset_than_utf_8_is_refused(public: httpx.Client) -> None:
    for charset, status in (("utf-8", 200), ('"UTF-8"', 200), ("utf-16", 415), ("shift_jis", 415)):
        answer = public.post(
            "graphql", content=b'{"query":"{__typename}"}', headers={"Content-Type": f"{JSON}; charset={charset}"}
        )
        assert answer.status_code == status, charset


def test_a_parameter_that_is_null_is_as_one_left_out_and_others_are_passed_over(public: httpx.Client) -> None:
    asked = {"query": TYPENAME, "variables": None, "operationName": None, "extensions": None, "documentId": None}
    assert post(public, asked).json()["data"] == {"__typename": "Query"}
    assert post(public, {"query": TYPENAME, "another": 1}).status_code == 200
    # In an address the empty name is none.
    assert public.get("graphql", params={"query": TYPENAME, "operationName": ""}).status_code == 200


def test_an_address_holds_variables_as_json_and_each_name_once(public: httpx.Client) -> None:
    query = "query A($name: String!) { __type(name: $name) { name } }"
    asked = {"query": query, "variables": '{"name":"Query"}', "operationName": "A"}
    assert public.get("graphql", params=asked).json()["data"] == {"__type": {"name": "Query"}}
    wrong = public.get("graphql", params={**asked, "variables": "{"})
    assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert public.get("graphql?query={__typename}&query={__typename}").status_code == 400


def test_head_options_and_other_methods_are_as_everywhere(public: httpx.Client) -> None:
    head = public.head("graphql", params={"query": TYPENAME})
    assert (head.status_code, head.content) == (200, b"")
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = public.request(method, "graphql")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, POST"


def test_a_browser_gets_the_page_and_a_program_the_answer(public: httpx.Client) -> None:
    page = public.get("graphql", params={"query": TYPENAME}, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert public.get("graphql", params={"query": TYPENAME}).json()["data"] == {"__typename": "Query"}


# --- subscriptions


def entered(administrator: httpx.Client, key: str) -> str:
    made = administrator.post(
        "records", json={"kind": "sample", "source": "lab", "localId": f"graphql/{key}", "body": {"title": {"en": key}}}
    )
    assert made.status_code in (200, 201), made.text
    return f"sample/lab/graphql/{key}"


def events_of(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """The events of a stream, as (event, data)."""
    event = ""
    for line in answer.iter_lines():
        name, _, said = line.partition(":")
        if name == "event":
            event = said.strip()
        elif name == "data":
            yield event, said.strip()


def open_requests(client: httpx.Client) -> int:
    told = client.get("metrics").text
    return int(next(line for line in told.splitlines() if line.startswith("musubi_requests_open ")).split()[1])


SUBSCRIPTION: Final = 'subscription { changes(kinds: ["sample"]) { what id record { title } } }'


@pytest.mark.service
def test_the_client_of_graphql_sse_is_told_of_changes_as_they_happen(
    served: Served, administrator: httpx.Client, npm: Path
) -> None:
    arguments = ["node", CLIENTS / "listen.mjs", npm, f"{served.address}graphql", SUBSCRIPTION, "2"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as listening:
        assert listening.stdout is not None
        told: list[Any] = []
        while len(told) < 3:
            # It begins with what happens after it has connected, which is when it says so; so changes go on meanwhile.
            id = entered(administrator, f"heard {secrets.token_hex(4)}")
            ready, _, _ = select.select([listening.stdout], [], [], 1)
            while ready and len(told) < 3:
                told.append(json.loads(listening.stdout.readline()))
                ready, _, _ = select.select([listening.stdout], [], [], 0.1)
    first, second, end = told
    assert end == {"ended": 2}
    for each in (first, second):
        change = each["data"]["changes"]
        assert change["what"] == "CHANGED"
        assert change["id"].startswith("sample/lab/graphql/heard")
        assert change["record"]["title"].startswith("heard ")
    assert id


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_subscription_goes_on_until_its_client_has_gone(
    served: Served, public: httpx.Client, administrator: httpx.Client, method: str
) -> None:
    before = open_requests(public)
    asked: dict[str, Any] = {"params" if method == "GET" else "json": {"query": SUBSCRIPTION}}
    with (
        served.client() as client,
        client.stream(method, "graphql", headers={"Accept": "text/event-stream"}, **asked) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert open_requests(public) == before + 1
        id = entered(administrator, f"streamed {secrets.token_hex(4)}")
        event, data = next(iter(events_of(answer)))
        assert (event, json.loads(data)["data"]["changes"]["id"]) == ("next", id.replace(" ", "%20"))
    until = time.monotonic() + 30
    while open_requests(public) > before:
        assert time.monotonic() < until, "the subscription goes on without its client"
        time.sleep(0.1)


def test_who_subscribes_without_listening_is_told_how(public: httpx.Client) -> None:
    answer = post(public, {"query": SUBSCRIPTION})
    assert answer.status_code == 406
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


# --- changes


def test_a_mutation_by_get_is_not_executed(administrator: httpx.Client) -> None:
    answer = administrator.get("graphql", params={"query": "mutation { __typename }"}, headers={"Accept": RESPONSE})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    # Nor where the operation's name says so.
    both = "query A { __typename } mutation B { __typename }"
    for name, status in (("A", 200), ("B", 405)):
        assert administrator.get("graphql", params={"query": both, "operationName": name}).status_code == status


def test_a_mutation_from_a_session_must_come_from_a_page_of_ours(served: Served, administrator: httpx.Client) -> None:
    ito = joined(served, administrator)
    with closing(ito.browser) as browser:
        csrf = ito.csrf
        page = {"Origin": served.address.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        mutation, query = {"query": "mutation { __typename }"}, {"query": TYPENAME}
        assert post(browser, query).status_code == 200
        for headers in (
            {},
            {"X-Csrf-Token": csrf},
            page,
            {**page, "X-Csrf-Token": "wrong"},
            {"Origin": "https://elsewhere.example", "X-Csrf-Token": csrf},
            {**page, "Sec-Fetch-Site": "cross-site", "X-Csrf-Token": csrf},
        ):
            answer = post(browser, mutation, **headers)
            assert answer.status_code == 403, headers
            assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert post(browser, mutation, **page, **{"X-Csrf-Token": csrf}).status_code == 200
    # A program shows a token instead, wherever it is.
    assert post(administrator, mutation).status_code == 200


def test_a_wrong_token_is_refused_and_not_taken_for_the_public(public: httpx.Client) -> None:
    answer = post(public, {"query": TYPENAME}, Authorization="Bearer wrong")
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


# --- trusted documents


def test_trusted_documents_are_asked_for_by_their_hash_and_can_be_all_that_is_answered(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    text = "query Trusted { __typename }\n"
    (folder / "one.graphql").write_text(text)
    hashed = hashlib.sha256(text.encode()).hexdigest()
    data = tmp_path / "data"
    data.mkdir()
    settings = data / "settings.toml"
    settings.write_text(f'graphql_documents = ["{folder}"]\n')
    running = start(data)
    try:
        with running.client() as client:
            for asked in (
                {"documentId": f"sha256:{hashed}"},
                {"documentId": hashed},
                {"documentId": f"sha256:{hashed}", "query": text},
                {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed}}},
            ):
                assert post(client, asked).json()["data"] == {"__typename": "Query"}
            by_address = client.get("graphql", params={"documentId": f"sha256:{hashed}"})
            assert by_address.json()["data"] == {"__typename": "Query"}
            unknown = post(client, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}, JSON)
            assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
            assert post(client, {"query": TYPENAME}).status_code == 200
    finally:
        stop(running)
    settings.write_text(f'graphql_documents = ["{folder}"]\ngraphql_only_trusted = true\n')
    running = start(data)
    try:
        with running.client() as client:
            assert post(client, {"documentId": f"sha256:{hashed}"}).status_code == 200
            # The text of one is as good as its hash.
            assert post(client, {"query": text}).status_code == 200
            other = post(client, {"query": TYPENAME})
            assert other.status_code == 403
            assert other.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    finally:
        stop(running)
