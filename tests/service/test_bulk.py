"""Many records at once, by HTTP: streamed in, answered line by line, whatever the client does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.service.conftest import Served

NDJSON = {"Content-Type": "application/x-ndjson"}


def line(local_id: str, title: str = "t", **more: object) -> bytes:
    told = {"kind": "sample", "source": "lab", "localId": local_id, "body": {"title": {"en": title}}, **more}
    return json.dumps(told).encode() + b"\n"


def told(answer: httpx.Response) -> list[dict[str, object]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(each) for each in answer.text.splitlines()]


def test_each_line_is_answered_and_the_last_line_sums_up(administrator: httpx.Client, public: httpx.Client) -> None:
    body = line("bulk/1") + b"\n" + line("bulk/2") + b"{broken\n" + line("bulk/3", colour=1) + line("bulk/4")
    answer = administrator.post("records", content=body, headers=NDJSON)
    *lines, summary = told(answer)
    assert [(each["line"], each["outcome"]) for each in lines] == [
        (1, "created"), (3, "created"), (4, "refused"), (5, "refused"), (6, "created"),
    ]  # fmt: skip
    assert lines[0]["id"] == "sample/lab/bulk/1"
    assert lines[2]["findings"][0]["message"]  # type: ignore[index]
    assert summary["complete"] is True
    assert summary["counts"] == {"created": 3, "refused": 2}
    again = public.get(f"loads/{answer.headers['musubi-load']}", headers={"Accept": "application/x-ndjson"})
    assert again.content == answer.content
    how = public.get(f"loads/{summary['load']}").json()
    assert (how["state"], how["counts"]) == ("complete", {"created": 3, "refused": 2})
    assert public.get("sample/lab/bulk/4").status_code == 200


def test_findings_of_a_load_are_in_the_language_asked_for(administrator: httpx.Client) -> None:
    wrong = b'{"kind":"sample","source":"lab","localId":"l","body":{"title":"x"}}\n'
    messages = {
        language: told(administrator.post("records", content=wrong, headers={**NDJSON, "Accept-Language": language}))[0]
        for language in ("en", "ja")
    }
    assert messages["en"]["findings"][0]["pointer"] == "/title"  # type: ignore[index]
    assert messages["en"]["findings"][0]["message"] != messages["ja"]["findings"][0]["message"]  # type: ignore[index]


def test_an_array_and_a_csv_file_are_loads_too(administrator: httpx.Client, public: httpx.Client) -> None:
    array = b"[" + b",".join(line(f"array/{number}").strip() for number in range(3)) + b"]"
    assert told(administrator.post("records", content=array, headers={"Content-Type": "application/json"}))[-1][
        "counts"
    ] == {"created": 3}
    csv = "/kind,/source,/localId,/body/title/ja,/body/title/en,/body/derivedFrom/0/to\n"
    csv += 'sample,lab,csv/1,"表題, その1",,sample/lab/array/0\nsample,lab,csv/2,,"two\nlines",\n'
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    assert told(administrator.post("records", content=csv.encode(), headers=headers))[-1]["counts"] == {"created": 2}
    body = public.get("sample/lab/csv/1").json()["body"]
    assert body["title"] == {"ja": "表題, その1"}
    assert body["derivedFrom"] == [{"to": "sample/lab/array/0"}]
    assert public.get("sample/lab/csv/2").json()["body"]["title"] == {"en": "two\nlines"}


def test_a_csv_header_that_is_no_pointer_is_a_problem(administrator: httpx.Client) -> None:
    answer = administrator.post("records", content=b"kind,source\nsample,lab\n", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 400
    assert "kind" in answer.json()["detail"]


def test_an_atomic_load_stores_all_or_nothing(administrator: httpx.Client, public: httpx.Client) -> None:
    bad = line("atomic/1") + line("atomic/2", revision=7)
    refused = told(administrator.post("records", params={"atomic": "true"}, content=bad, headers=NDJSON))
    assert "created" not in refused[-1]["counts"]  # type: ignore[operator]
    assert public.get("sample/lab/atomic/1").status_code == 404
    good = line("atomic/1") + line("atomic/2")
    assert told(administrator.post("records", params={"atomic": "true"}, content=good, headers=NDJSON))[-1][
        "counts"
    ] == {"created": 2}


def test_sending_the_same_again_changes_nothing(administrator: httpx.Client) -> None:
    body = b"".join(line(f"same/{number}") for number in range(50))
    administrator.post("records", content=body, headers=NDJSON)
    assert told(administrator.post("records", content=body, headers=NDJSON))[-1]["counts"] == {"unchanged": 50}


def test_a_client_that_reads_nothing_before_it_has_sent_everything_is_served(served: Served) -> None:
    # Refused lines answer with more than they send, so the answer outgrows every buffer between the two.
    wrong = b'{"kind":"sample","source":"lab","localId":"w","body":{"a":1,"b":2,"c":3}}\n'
    count = 8_000
    with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=120) as sender:
        head = f"POST /records HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(wrong) * count}\r\n"
        sender.sendall(
            head.encode() + b"Connection: close\r\nAuthorization: Bearer " + served.token.encode() + b"\r\n\r\n"
        )
        sender.sendall(wrong * count)
        time.sleep(0.5)
        answer = b""
        while chunk := sender.recv(1 << 20):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f'"counts":{{"refused":{count}}}'.encode() in answer


def test_lines_are_answered_while_the_sender_still_sends(served: Served) -> None:
    more = threading.Event()

    def body() -> Iterator[bytes]:
        yield line("dribble/1")
        assert more.wait(30)
        yield line("dribble/2")

    # A raw connection, since the usual clients read nothing before they have sent everything.
    with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=30) as sender:
        sender.sendall(
            b"POST /records HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\nAuthorization: Bearer " + served.token.encode() + b"\r\n\r\n"
        )
        answer = b""
        chunks = body()
        first = next(chunks)
        sender.sendall(f"{len(first):x}\r\n".encode() + first + b"\r\n")
        while b"dribble/1" not in answer:
            answer += sender.recv(65536)
        assert b'"complete"' not in answer
        more.set()
        second = next(chunks)
        sender.sendall(f"{len(second):x}\r\n".encode() + second + b"\r\n0\r\n\r\n")
        while chunk := sender.recv(65536):
            answer += chunk
    assert b"dribble/2" in answer
    assert b'"complete":true' in answer


def test_a_client_that_goes_away_leaves_what_was_committed_and_an_incomplete_load(
    served: Served, public: httpx.Client
) -> None:
    with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=30) as sender:
        sender.sendall(
            b"POST /records HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 10000000\r\n"
            b"Authorization: Bearer " + served.token.encode() + b"\r\n\r\n"
        )
        sender.sendall(b"".join(line(f"left/{number}") for number in range(20)))
        answer = b""
        while b"left/19" not in answer:
            answer += sender.recv(65536)
    load = answer.lower().partition(b"musubi-load: ")[2].partition(b"\r\n")[0]
    start = answer.lower().index(load)
    id = answer[start : start + len(load)].decode()
    until = time.monotonic() + 180
    while (state := public.get(f"loads/{id}").json()["state"]) == "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert state == "incomplete"
    assert b'"complete"' not in public.get(f"loads/{id}", headers={"Accept": "application/x-ndjson"}).content
    assert public.get("sample/lab/left/19").status_code == 200
    assert public.get("ready").status_code == 200


def test_a_line_that_is_too_long_costs_only_itself(administrator: httpx.Client, public: httpx.Client) -> None:
    def body() -> Iterator[bytes]:
        yield line("long/1")
        yield b'{"kind":"sample","source":"lab","localId":"long/2","body":{"title":{"en":"'
        for _ in range(18):
            yield b"x" * 1_000_000
        yield b'"}}}\n'
        yield line("long/3")

    *lines, summary = told(administrator.post("records", content=body(), headers=NDJSON))
    assert [each["outcome"] for each in lines] == ["created", "refused", "created"]
    assert "16 MiB" in str(lines[1]["findings"])
    assert summary["complete"] is True
    assert public.get("sample/lab/long/2").status_code == 404


def test_who_may_not_write_is_refused_before_anything_is_read(public: httpx.Client) -> None:
    assert public.post("records", content=line("anonymous"), headers=NDJSON).status_code == 401


@pytest.mark.parametrize("id", ["nothing", "%2e%2e%2fcatalog"])
def test_a_load_that_is_not_known_is_not_found(public: httpx.Client, id: str) -> None:
    assert public.get(f"loads/{id}").status_code == 404
