"""Loads: whatever is sent, each line is answered once, what came before a break stays, and nobody's load is left open."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.assembly import Catalog
from catalog.curation import load as load_module
from catalog.curation.load import LoadSummary, answers_of, end_abandoned, load
from catalog.errors import Malformed, TooLarge, Unavailable
from catalog.ledger.loads import Loads
from catalog.questions.reader import ADMINISTRATOR, PUBLIC

NDJSON = "application/x-ndjson"


def line(local_id: str, title: str = "t", **more: Any) -> bytes:
    body = more.pop("body", {"title": {"en": title}})
    return json.dumps({"kind": "sample", "source": "lab", "localId": local_id, "body": body, **more}).encode() + b"\n"


def loaded(
    catalog: Catalog, chunks: Iterable[bytes], media_type: str = NDJSON, **how: Any
) -> tuple[list[dict[str, Any]], LoadSummary]:
    told = {"intake": catalog.intake, "loads": catalog.loads, "folder": catalog.settings.spool, **how}
    summary = load(chunks, media_type, told.pop("by", ADMINISTRATOR), **told)
    *lines, last = answered(catalog, summary.id)
    assert last == summary.document()
    return lines, summary


def answered(catalog: Catalog, id: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in answers_of(id, catalog.settings.spool).read_bytes().splitlines()]


def outcomes(lines: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(each["line"], each["outcome"]) for each in lines]


def state(catalog: Catalog, id: str) -> str:
    found = catalog.loads.find(id)
    assert found is not None
    return found.state


def test_every_line_is_answered_in_its_place_and_the_book_says_how_it_ended(catalog: Catalog) -> None:
    body = line("book/1") + b"\nnot json\n" + line("book/2", body={"colour": 1}) + line("book/3")
    lines, summary = loaded(catalog, [body])
    assert outcomes(lines) == [(1, "created"), (3, "refused"), (4, "refused"), (5, "created")]
    found = catalog.loads.find(summary.id)
    assert found is not None
    assert (found.state, found.counts, found.by) == ("complete", {"created": 2, "refused": 2}, ADMINISTRATOR.id)
    assert summary.position == lines[-1]["position"] or str(summary.position) == lines[-1]["position"]


def test_one_record_twice_in_a_load_is_revised_in_order_wherever_its_batches_end(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 2, 3, 500):
        monkeypatch.setattr(load_module, "BATCH", size)
        monkeypatch.setattr(load_module, "COMMIT_RECORDS", size)
        id = f"twice/{size}"
        body = line(id, "1") + line(id, "2") + line(id, "2") + line(id, "3", revision=1) + line(id, "3", revision=2)
        lines, _ = loaded(catalog, [body])
        assert [(each["outcome"], each["revision"]) for each in lines] == [
            ("created", 1), ("revised", 2), ("unchanged", 2), ("conflict", 2), ("revised", 3),
        ], size  # fmt: skip


def test_a_record_that_another_writer_revises_meanwhile_keeps_both_revisions(catalog: Catalog) -> None:
    def chunks() -> Iterator[bytes]:
        yield line("meanwhile", "1")
        yield b""
        loaded(catalog, [line("meanwhile", "2")])
        yield line("meanwhile", "1")
        yield line("meanwhile", "3", revision=1)

    lines, _ = loaded(catalog, chunks())
    assert [(each["outcome"], each["revision"]) for each in lines] == [("created", 1), ("revised", 3), ("conflict", 3)]


def test_what_was_sent_before_a_rest_is_answered_during_it(catalog: Catalog) -> None:
    seen: list[int] = []
    id = "resting"

    def chunks() -> Iterator[bytes]:
        yield line("rest/1")
        yield b""
        seen.append(len(answered(catalog, id)))
        yield line("rest/2")

    lines, _ = loaded(catalog, chunks(), id=id)
    assert seen == [1]
    assert outcomes(lines) == [(1, "created"), (2, "created")]


def test_an_atomic_load_waits_through_a_rest_and_enters_all_or_nothing(catalog: Catalog) -> None:
    before = catalog.ledger.last_position()
    lines, _ = loaded(catalog, [line("all/1"), b"", b"broken\n", line("all/2")], atomic=True)
    assert outcomes(lines) == [(1, "refused"), (2, "refused"), (3, "refused")]
    lines, _ = loaded(catalog, [line("all/1"), line("all/2", body={"colour": 1})], atomic=True)
    assert outcomes(lines) == [(1, "refused"), (2, "refused")]
    assert catalog.ledger.last_position() == before
    lines, _ = loaded(catalog, [line("all/1"), b"", line("all/2")], atomic=True)
    assert outcomes(lines) == [(1, "created"), (2, "created")]


def test_an_atomic_load_that_is_too_long_is_refused_and_enters_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "BATCH", 10)
    body = [line(f"limit/{number}") for number in range(60)]
    before = catalog.ledger.last_position()
    for limit in ("ATOMIC_LIMIT", "ATOMIC_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(load_module, limit, 50)
            with pytest.raises(TooLarge, match="without `atomic`"):
                loaded(catalog, body, atomic=True, id=f"too-long-{limit}")
        assert state(catalog, f"too-long-{limit}") == "incomplete"
    assert catalog.ledger.last_position() == before
    assert loaded(catalog, body, atomic=True)[1].counts == {"created": 60}


def test_long_submissions_are_written_as_they_come_and_not_heaped_up(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "BATCH_BYTES", 100)
    monkeypatch.setattr(load_module, "AHEAD_BYTES", 100)
    monkeypatch.setattr(load_module, "COMMIT_BYTES", 100)
    behind: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(20):
            yield line(f"heap/{number}", "x" * 200)
            behind.append(number + 1 - len(answered(catalog, "heap")))

    lines, _ = loaded(catalog, chunks(), id="heap")
    assert len(lines) == 20
    assert max(behind) <= 2


def test_a_dry_run_answers_as_the_load_would_and_enters_nothing(catalog: Catalog) -> None:
    body = line("dry/1") + b"broken\n" + line("dry/2", body={"colour": 1})
    before = catalog.ledger.last_position()
    foreseen, summary = loaded(catalog, [body], dry_run=True)
    assert summary.document()["dryRun"] is True
    assert catalog.ledger.last_position() == before
    happened, _ = loaded(catalog, [body])
    assert outcomes(foreseen) == outcomes(happened)


@pytest.mark.parametrize(
    ("media_type", "first", "rest"),
    [
        ("application/json", b"[" + line("cut/json") + b",", b'{"kind":'),
        ("text/csv", b"/kind,/source,/localId,/body/title/en\nsample,lab,cut/csv,t\n", b'"a"b\n'),
        ("text/csv", b"/kind,/source,/localId,/body/title/en\nsample,lab,cut/latin,t\n", b"\xff"),
    ],
)
def test_a_stream_that_breaks_off_leaves_what_came_before_and_says_that_it_is_incomplete(
    catalog: Catalog, media_type: str, first: bytes, rest: bytes
) -> None:
    for atomic, left in ((True, []), (False, ["created"])):
        id = f"cut-{media_type[-3:]}-{len(first)}-{atomic}"
        with pytest.raises(Malformed):
            loaded(catalog, [first, rest], media_type, atomic=atomic, id=id)
        assert [each["outcome"] for each in answered(catalog, id)] == left
        assert state(catalog, id) == "incomplete"


def test_a_sender_who_leaves_and_a_bug_leave_an_incomplete_load_behind(catalog: Catalog) -> None:
    def chunks() -> Iterator[bytes]:
        yield line("leaver/1")
        yield b""
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        loaded(catalog, chunks(), id="leaver")
    assert [each["outcome"] for each in answered(catalog, "leaver")] == ["created"]
    assert state(catalog, "leaver") == "incomplete"


def test_a_form_that_is_not_read_is_refused(catalog: Catalog) -> None:
    with pytest.raises(Malformed):
        loaded(catalog, [b""], "text/html")
    assert loaded(catalog, [b""])[1].counts == {}


def test_who_may_not_write_has_each_line_refused(catalog: Catalog) -> None:
    lines, _ = loaded(catalog, [line("stranger")], by=PUBLIC)
    assert outcomes(lines) == [(1, "refused")]


def test_answers_that_cannot_be_written_end_the_load_in_words_and_lose_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full:
        def write(self, _: bytes) -> int:
            raise full

        def close(self) -> None:
            return

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda *_, **__: Full())
        patched.setattr("fcntl.flock", lambda *_: None)
        with pytest.raises(Unavailable, match="No space left") as refused:
            loaded(catalog, [line("full")], id="full")
    assert "空き" in refused.value.messages["ja"] or "ディスク" in refused.value.messages["ja"]
    assert state(catalog, "full") == "incomplete"
    lines, _ = loaded(catalog, [line("full")])
    assert [each["revision"] for each in lines] == [1]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only")))
        with pytest.raises(Unavailable, match="Read-only"):
            loaded(catalog, [line("full")], id="read-only")
    assert catalog.loads.find("read-only") is None


HOLDER = """
import fcntl, sys
with open(sys.argv[1], "wb") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_load_whose_process_died_is_incomplete_and_one_that_goes_on_is_left_alone(catalog: Catalog) -> None:
    folder, loads = catalog.settings.spool, catalog.loads
    for id in ("dead", "alive", "elsewhere"):
        loads.begin(id, by="tester", mode="strict", atomic=False)
    answers_of("dead", folder).touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(answers_of("alive", folder))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        own = threading.Event()
        found: list[str] = []

        def chunks() -> Iterator[bytes]:
            yield line("own")
            found.extend(end_abandoned(loads, folder))
            own.set()

        loaded(catalog, chunks(), id="own")
        assert own.is_set()
        assert found == ["dead"]
        assert [state(catalog, id) for id in ("dead", "alive", "own")] == ["incomplete", "running", "complete"]
        # What another data folder's process does with this database cannot be seen from here.
        assert state(catalog, "elsewhere") == "running"
        other.kill()
    assert end_abandoned(loads, folder) == ["alive"]
    assert end_abandoned(loads, folder) == []


def test_a_clock_that_goes_backwards_breaks_no_order(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([f"20{year}-01-01T00:00:00.000000Z" for year in (31, 29, 27, 25)])
    loads = Loads(catalog.store, clock=lambda: next(times))
    lines, summary = loaded(catalog, [line("clock/1")], loads=loads)
    assert outcomes(lines) == [(1, "created")]
    assert state(catalog, summary.id) == "complete"


def test_a_load_gives_way_before_each_commit_to_those_who_must_catch_up(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "BATCH", 2)
    monkeypatch.setattr(load_module, "COMMIT_RECORDS", 2)
    before: list[int] = []
    body = b"".join(line(f"eased/{number}") for number in range(4))
    lines, _ = loaded(catalog, [body], ease=lambda: before.append(catalog.ledger.last_position()))
    assert [each["outcome"] for each in lines] == ["created"] * 4
    first = before[0]
    assert before[:2] == [first, first + 2]
