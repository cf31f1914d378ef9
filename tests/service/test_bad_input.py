"""What bad input gets: a clear problem, nothing half-stored, and a server that goes on."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import Served

GOOD = b'{"kind":"sample","source":"lab","localId":"bad/%s","body":{"title":{"en":"t"}%s}}'
JSON = {"Content-Type": "application/json"}


def submitted(more: bytes, name: bytes = b"x") -> bytes:
    return GOOD % (name, b"," + more if more else b"")


def memory(served: Served) -> int:
    """The MiB that the server's processes hold."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            group = int((status.parent / "stat").read_text().rpartition(")")[2].split()[2])
        except (OSError, ProcessLookupError):
            continue
        if group == served.process.pid:
            total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))
    return total // 1024


BAD_TEXTS = {
    "nothing at all": b"",
    "not JSON": b"hello",
    "half of it": b'{"kind":"sample"',
    "two of them": b"{}{}",
    "a number": b"17",
    "not UTF-8": b'{"kind":"\xff\xfe"}',
    "duplicate keys": submitted(b'"formula":"a","formula":"b"'),
    "NaN": submitted(b'"details":{"x":NaN}'),
    "Infinity": submitted(b'"details":{"x":-Infinity}'),
    "an integer past 2^53": submitted(b'"details":{"x":9007199254740993}'),
    "a number past all bounds": submitted(b'"details":{"x":1e999}'),
    "a lone surrogate": submitted(b'"formula":"\\ud800"'),
    "NUL": submitted(b'"formula":"a\\u0000b"'),
    "a depth of 100,000": submitted(b'"details":' + b"[" * 100_000 + b"]" * 100_000),
    "braces to a depth of 100,000": b'{"a":' * 100_000,
    "an unknown envelope key": b'{"kind":"sample","source":"lab","body":{},"__proto__":{}}',
    "no body": b'{"kind":"sample","source":"lab"}',
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_text_that_is_no_submission_is_malformed(administrator: httpx.Client, name: str) -> None:
    answer = administrator.post("records", content=BAD_TEXTS[name], headers=JSON)
    assert answer.status_code == 400, answer.text
    told = answer.json()
    assert told["type"].endswith("/malformed")
    assert 20 < len(told["detail"]) < 500
    assert administrator.get("sample/lab/bad/x").status_code == 404


BAD_BODIES = {
    "@id": b'"@id":"sample/lab/other"',
    "@context": b'"@context":{}',
    "a nested @id": b'"place":{"@id":"x"}',
    "__proto__": b'"__proto__":{"a":1}',
    "constructor": b'"constructor":{"prototype":1}',
    "id": b'"id":"sample/lab/other"',
    "an IRI with a space": b'"seeAlso":["https://example.org/a b"]',
    "an IRI with a newline": b'"seeAlso":["https://example.org/a\\nb"]',
    "a link that is no id": b'"derivedFrom":["../../etc/passwd"]',
    "a link to the wrong kind": b'"derivedFrom":["agent/lab/x"]',
    "markup for a language": b'"description":{"<b>":"x"}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_breaks_its_kind_is_invalid_and_says_where(administrator: httpx.Client, name: str) -> None:
    answer = administrator.post("records", content=submitted(BAD_BODIES[name], b"b"), headers=JSON)
    assert answer.status_code == 422, answer.text
    findings = answer.json()["findings"]
    assert findings
    assert all(finding["message"] and finding["pointer"].startswith("/") for finding in findings)
    assert administrator.get("sample/lab/bad/b").status_code == 404


def test_keys_that_mean_something_elsewhere_are_kept_as_they_are_in_details(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    more = b'"details":{"@id":"x","__proto__":{"a":1},"constructor":"c"}'
    assert administrator.post("records", content=submitted(more, b"details"), headers=JSON).status_code == 201
    told = public.get("sample/lab/bad/details").json()["body"]["details"]
    assert told == {"@id": "x", "__proto__": {"a": 1}, "constructor": "c"}
    graph = public.get("sample/lab/bad/details", headers={"Accept": "application/n-triples"}).text
    assert "<x>" not in graph


def test_a_link_to_itself_and_a_ring_of_links_are_stored_and_shown(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    for one, other in (("ring/a", "ring/b"), ("ring/b", "ring/a"), ("ring/self", "ring/self")):
        body = {"title": {"en": one}, "derivedFrom": [f"sample/lab/{other}"]}
        made = administrator.post("records", json={"kind": "sample", "source": "lab", "localId": one, "body": body})
        assert made.status_code == 201, made.text
    for id in ("ring/a", "ring/b", "ring/self"):
        for accept in ("application/json", "text/html", "text/turtle"):
            assert public.get(f"sample/lab/{id}", headers={"Accept": accept}).status_code == 200


def test_markup_in_a_record_is_shown_and_never_run(administrator: httpx.Client, public: httpx.Client) -> None:
    attack = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    body = {"title": {"en": attack}, "description": {"en": attack}, "details": {attack: attack}, "formula": attack}
    administrator.post("records", json={"kind": "sample", "source": "lab", "localId": "markup", "body": body})
    page = public.get("sample/lab/markup", headers={"Accept": "text/html"})
    # Our own are files, and data for search engines.
    assert set(re.findall(r"<script[^>]*>", page.text)) == {
        '<script type="module" src="/static/suggestions.js">',
        '<script type="application/ld+json">',
    }
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_body_of_200_mb_is_too_large_and_costs_no_memory(administrator: httpx.Client, served: Served) -> None:
    before = memory(served)
    peak = before

    def body() -> object:
        nonlocal peak
        yield b'{"kind":"sample","source":"lab","body":{"title":{"en":"'
        for number in range(200):
            yield b"x" * 1_000_000
            if number % 20 == 0:
                peak = max(peak, memory(served))
        yield b'"}}}'

    answer = administrator.post("records", content=body(), headers=JSON)  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert "NDJSON" in answer.json()["detail"]
    assert peak - before < 120


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=20) as sender:
        sender.sendall(
            b"PUT /sample/lab/bad/huge HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000000\r\n"
            b"Expect: 100-continue\r\nAuthorization: Bearer " + served.token.encode() + b"\r\n\r\n"
        )
        told = sender.recv(65536)
    assert told.startswith(b"HTTP/1.1 413 "), told[:200]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json", "Authorization": "Bearer wrong"}, 401),
        ({"Content-Type": "application/json", "Authorization": "Basic YTpi"}, 401),
    ],
)
def test_headers_that_cannot_be_followed_are_refused(
    administrator: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = administrator.post("records", content=submitted(b"", b"h"), headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert administrator.get("sample/lab/bad/h").status_code == 404


def test_who_has_not_said_who_they_are_writes_nothing(public: httpx.Client) -> None:
    answers = [
        public.post("records", content=submitted(b"", b"anonymous"), headers=JSON),
        public.put("sample/lab/bad/anonymous", json={"body": {}}),
        public.delete("sample/lab/bad/anonymous", params={"reason": "x"}),
        public.post("publish/sample/lab/bad/anonymous"),
        public.post("sources", json={}),
        public.put("scopes/x", json={}),
        public.post("profiles", json={}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


@pytest.mark.parametrize(
    "address",
    ["records?limit=0", "records?limit=many", "records?kind=nothing", "records?kind=sample&colour=red", "records?cursor=abc",
     "records?kind=sample&sort=nothing", "changes?since=abc", "changes?limit=1&limit=2", "changes?wait=61", "export?format=csv",
     "export?limit=1", "records?format=pdf"],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_refused_by_name(public: httpx.Client, address: str) -> None:
    answer = public.get(address)
    assert answer.status_code in (400, 422), answer.text
    assert any(
        name in answer.json()["detail"]
        for name in ("limit", "kind", "colour", "cursor", "sort", "nothing", "since", "wait", "CSV", "format")
    )


def test_a_method_that_means_nothing_is_told_those_that_do(public: httpx.Client) -> None:
    answer = public.request("PATCH", "records")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert public.head("records").status_code == 200
    assert public.head("records").content == b""


def test_two_who_write_on_one_revision_do_not_overwrite_each_other(administrator: httpx.Client) -> None:
    first = administrator.post("records", content=submitted(b"", b"two"), headers=JSON)
    tag = first.headers["etag"]
    bodies = [{"body": {"title": {"en": name}}} for name in ("one", "other")]
    answers = [administrator.put("sample/lab/bad/two", json=body, headers={"If-Match": tag}) for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert administrator.get("sample/lab/bad/two").json()["body"]["title"]["en"] == "one"


def test_a_sender_that_dribbles_or_leaves_holds_nothing_up(served: Served, public: httpx.Client) -> None:
    senders = []
    for _ in range(20):
        one = socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])))
        one.sendall(b"POST /records HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        senders.append(one)
    assert public.get("health").status_code == 200
    assert public.get("records").status_code == 200
    for one in senders:
        one.close()
    assert public.get("ready").status_code == 200
