"""Bad lines among good ones, bodies of hundreds of megabytes, many writers at once: each gets its own answer."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.ledgers import mirrored, one, rows, whole
from tests.service.conftest import Served, prepare
from tests.service.crash import Sending, ledger_of, line, peak, running, sending
from tests.service.test_bad_input import BAD_BODIES, BAD_TEXTS, submitted

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
# What cannot stand in one line, or says nothing there.
LINES = {name: text for name, text in BAD_TEXTS.items() if text}


def load(client: httpx.Client, body: bytes, headers: dict[str, str], **params: str) -> list[dict[str, Any]]:
    answer = client.post("records", content=body, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return [json.loads(each) for each in answer.text.splitlines()]


def test_each_bad_line_costs_only_itself(administrator: httpx.Client, public: httpx.Client) -> None:
    bad = [*LINES.values(), *(submitted(each, b"faults-b") for each in BAD_BODIES.values())]
    body = b"".join(line(f"among/{place}") + each + b"\n" for place, each in enumerate(bad)) + line("among/last")
    *lines, summary = load(administrator, body, NDJSON)
    assert [each["outcome"] for each in lines] == ["created", "refused"] * len(bad) + ["created"]
    assert all(each["findings"][0]["message"] for each in lines if each["outcome"] == "refused")
    assert summary["complete"] is True
    assert public.get("sample/lab/among/last").status_code == 200
    for id in ("bad/x", "bad/faults-b"):
        assert administrator.get(f"sample/lab/{id}").status_code == 404


@pytest.mark.parametrize("name", [name for name in LINES if name not in ("half of it", "braces to a depth of 100,000")])
def test_each_bad_element_of_an_array_costs_only_itself(administrator: httpx.Client, name: str) -> None:
    id = re.sub("[^a-z0-9]", "-", name.lower())
    *lines, summary = load(
        administrator, b"[" + b",".join((line(f"el/{id}/1"), LINES[name], line(f"el/{id}/2"))) + b"]", JSON
    )
    assert [each["outcome"] for each in lines] == ["created", "refused", "created"]
    assert summary["complete"] is True


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_text_that_is_no_document_is_malformed_at_every_address_that_reads_one(
    administrator: httpx.Client, name: str
) -> None:
    for method, address in (("PUT", "sample/lab/bad/put"), ("PUT", "sources/faults"), ("POST", "profiles")):
        answer = administrator.request(method, address, content=BAD_TEXTS[name], headers=JSON)
        assert answer.status_code in (400, 422), (address, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert administrator.get("sample/lab/bad/put").status_code == 404


def test_an_array_whose_sender_rests_is_entered_to_its_end(served: Served, public: httpx.Client) -> None:
    whole_text = b"[" + b",".join(line(f"resting/{number}", formula='a\\"b') for number in range(4)) + b"]"

    def chunks() -> Iterator[bytes]:
        for end in (1, 60, whole_text.index(b"\\") + 1, 300):
            start = next(starts)
            yield whole_text[start:end]
            time.sleep(0.35)
            places.append(end)
        yield whole_text[places[-1] :]

    places = [0]
    starts = iter(places)
    with sending(served, chunks(), "application/json") as told:
        told.read_all()
    assert told.lines[-1]["complete"] is True
    assert told.lines[-1]["counts"] == {"created": 4}
    assert public.get("sample/lab/resting/3").status_code == 200


def test_a_stream_that_breaks_off_is_said_to_be_incomplete_and_keeps_what_came_before(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    rest = {
        "application/json": (b"[" + line("broken/1") + b",", b'{"kind":"sam'),
        "text/csv": (b"/kind,/source,/localId,/body/title/en\nsample,lab,broken/1,t\n", b'"a"b\n'),
    }
    for media_type, (good, bad) in rest.items():
        lines = load(administrator, good + bad, {"Content-Type": media_type})
        assert lines[0]["outcome"] in ("created", "revised")
        assert lines[-1]["problem"]["status"] == 400
        assert not any("complete" in each for each in lines)
    assert public.get("sample/lab/broken/1").status_code == 200


def test_a_byte_order_mark_is_no_part_of_what_is_sent(administrator: httpx.Client) -> None:
    mark = b"\xef\xbb\xbf"
    assert administrator.post("records", content=mark + line("mark/1"), headers=JSON).status_code == 201
    for headers, body in (
        (JSON, b"[" + line("mark/1") + b"]"),
        (NDJSON, line("mark/1")),
        ({"Content-Type": "text/csv"}, b"/kind,/source,/localId,/body/title/en\nsample,lab,mark/1,mark/1\n"),
    ):
        assert load(administrator, mark + body, headers)[-1]["counts"] == {"unchanged": 1}


def test_a_bad_line_among_thousands_is_told_by_its_number(administrator: httpx.Client) -> None:
    count, place = 20_000, 10_000
    lines = [line(f"many/{number}") for number in range(count)]
    lines[place] = b'{"kind":"sample","source":"lab","localId":"many/bad","body":{"title":"\n'
    told = load(administrator, b"".join(lines), NDJSON, dryRun="true")
    assert told[-1]["counts"] == {"created": count - 1, "refused": 1}
    (refused,) = (each for each in told if each.get("outcome") == "refused")
    assert refused["line"] == place + 1
    assert administrator.get("sample/lab/many/1").status_code == 404


def huge(megabytes: int, piece: int) -> Iterator[bytes]:
    """Lines of `piece` bytes each, together of so many megabytes."""
    text = "x" * (piece - 200)
    for number in range(megabytes * 1_000_000 // piece):
        yield line(f"huge/{piece}/{number}", details={"text": text})


@pytest.mark.slow
def test_streams_of_hundreds_of_megabytes_stay_below_a_gibibyte(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        with sending(served, huge(200, 12_000_000)) as told:
            told.read_all()
        assert told.lines[-1]["counts"] == {"created": 16}, told.lines[-1]
        with sending(served, array_of(huge(60, 1_000_000)), "application/json") as told:
            told.read_all()
        assert told.lines[-1]["counts"] == {"created": 60}, told.lines[-1]
        one_element = (b"x" * 1_000_000 for _ in range(200))
        with sending(served, array_of(one_element, between=b""), "application/json") as told:
            told.read_all()
        assert told.lines[-1]["counts"] == {"refused": 1}
        assert peak(served) < 1024
        with served.client(**served.as_administrator) as client:
            assert client.post("records", content=line("small"), headers=JSON).status_code == 201


def array_of(lines: Iterator[bytes], between: bytes = b",") -> Iterator[bytes]:
    first = b"["
    for each in lines:
        yield first + each
        first = between
    yield b"]"


def test_of_many_who_write_on_one_revision_one_wins_each_time(served: Served, administrator: httpx.Client) -> None:
    first = administrator.put("sample/lab/contested", json={"body": {"title": {"en": "0"}}})
    revision = first.json()["revision"]
    together = threading.Barrier(6)

    def write(name: str, turn: int) -> tuple[int, str]:
        with served.client(**served.as_administrator) as client:
            together.wait()
            body = {"body": {"title": {"en": f"{turn}/{name}"}}}
            answer = client.put("sample/lab/contested", json=body, headers={"If-Match": f'"{revision + turn}"'})
        return answer.status_code, f"{turn}/{name}"

    with ThreadPoolExecutor(6) as writers:
        for turn in range(12):
            answers = list(writers.map(write, "abcdef", [turn] * 6))
            assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412, 412]
            (winner,) = (title for status, title in answers if status == 200)
            shown = administrator.get("sample/lab/contested").json()
            assert (shown["revision"], shown["body"]["title"]["en"]) == (revision + turn + 1, winner)


def test_loads_of_the_same_records_at_once_leave_each_record_whole(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        bodies = [b"".join(line(f"same/{n}", formula=name) for n in range(600)) for name in ("A", "B", "C", "D")]

        def send(body: bytes) -> Sending:
            with sending(served, [body]) as told:
                told.read_all()
            return told

        with ThreadPoolExecutor(4) as senders:
            answers = list(senders.map(send, bodies))
        assert all(told.lines[-1]["complete"] for told in answers)
        positions = [each["position"] for told in answers for each in told.outcomes if each.get("position")]
        assert len(positions) == len(set(positions))
        with ledger_of(served) as ledger:
            whole(ledger)
            assert len(mirrored(ledger)) == 600
            told_revisions = sum(
                each["outcome"] in ("created", "revised") for told in answers for each in told.outcomes
            )
            assert one(ledger, "SELECT count(*) FROM revision") == told_revisions
            assert rows(ledger, "SELECT id FROM node GROUP BY id HAVING count(*) > 1") == []


def test_more_loads_than_there_are_places_are_told_to_come_again(served: Served, public: httpx.Client) -> None:
    going = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield line("place/1")
        going.wait(30)

    def begun(told: Sending) -> bool:
        told.read_until(1)
        return bool(told.outcomes)

    with (
        sending(served, slowly()) as a,
        sending(served, slowly()) as b,
        sending(served, slowly()) as c,
        sending(served, slowly()) as d,
    ):
        assert all(map(begun, (a, b, c, d)))
        with served.client(**served.as_administrator) as client:
            answer = client.post("records", content=line("place/2"), headers=NDJSON)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            # One record is not a load, and reading is none either.
            assert client.post("records", content=line("place/3"), headers=JSON).status_code in (200, 201)
        going.set()
        for told in (a, b, c, d):
            told.read_all()
            assert told.lines[-1]["complete"] is True
    with served.client(**served.as_administrator) as client:
        assert load(client, line("place/2"), NDJSON)[-1]["complete"] is True


def test_a_client_that_never_reads_holds_up_nobody_and_loses_nothing(served: Served, public: httpx.Client) -> None:
    wrong = b'{"kind":"sample","source":"lab","localId":"w","body":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}}\n'
    with sending(served, [wrong * 500] * 14 + [line("never-read")]) as told:
        until = time.monotonic() + 180
        while public.get("sample/lab/never-read").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
        told.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert public.get("ready").status_code == 200
    assert public.get("records?limit=1").status_code == 200


# The second needs an engine that goes back and tries again: it gives up instead of going on for ever.
@pytest.mark.parametrize(("name", "pattern"), [("slow-plain", "^(a+)+$"), ("slow-back", "^(a+)+\\1$")])
def test_a_pattern_that_backtracks_for_ever_holds_up_nobody(
    administrator: httpx.Client, public: httpx.Client, name: str, pattern: str
) -> None:
    schema = {"properties": {"formula": {"pattern": pattern}}}
    proposed = administrator.post("profiles", json={"name": name, "kind": "sample", "schema": schema})
    assert proposed.status_code == 201, proposed.text
    assert administrator.post(f"profiles/{name}@1/publish").status_code == 200
    for local_id, formula, status in ((f"{name}/1", "a" * 30, 201), (f"{name}/2", "a" * 5_000 + "b", 422)):
        record = {"kind": "sample", "source": "lab", "localId": local_id, "profile": f"{name}@1"}
        answer = administrator.post("records", json={**record, "body": {"title": {"en": "t"}, "formula": formula}})
        assert answer.status_code == status, answer.text[:500]
        assert public.get("health").status_code == 200
