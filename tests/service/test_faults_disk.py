"""Disks that are full or read-only: refused in words, nothing half-stored, the server alive and going on when there is room."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.ledgers import mirrored, one, whole
from tests.service.conftest import START, Served, free_port, prepare, start, stop
from tests.service.crash import ledger_of, line, processes, running, sending

LONG = "long " * 1_000


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own, where this user may mount one."""
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount is not None and os.geteuid() == 0 and not subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode  # fmt: skip
    if not made:
        pytest.skip("only root can mount a small disk: the same is tried with a limit on the size of files")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def submission(id: str, text: str = LONG) -> dict[str, Any]:
    body = {"title": {"en": id}, "description": {"en": text}}
    return {"kind": "sample", "source": "lab", "localId": id, "body": body}


def fill(client: httpx.Client, prefix: str) -> tuple[set[str], httpx.Response]:
    """Enter records one by one until one is refused: those that were acknowledged, and the refusal."""
    acknowledged = set()
    for number in range(20_000):
        answer = client.post("records", json=submission(f"{prefix}/{number}"))
        if answer.status_code != 201:
            return acknowledged, answer
        acknowledged.add(answer.json()["id"])
    raise AssertionError("the disk was never full")


def see_that_it_is_told(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    told = answer.json()
    assert told["type"].endswith("/unavailable")
    assert "disk" in told["detail"]
    assert int(answer.headers["retry-after"]) >= 5


def see_that_it_goes_on(served: Served, client: httpx.Client, acknowledged: set[str]) -> None:
    """With room again everything is as it was acknowledged, and writing works."""
    for id in ("after/1", "after/2"):
        assert client.post("records", json=submission(id, "short")).status_code == 201
    with ledger_of(served) as ledger:
        whole(ledger)
        there = set(mirrored(ledger))
        assert there == acknowledged | {"sample/lab/after/1", "sample/lab/after/2"}
        assert one(ledger, "PRAGMA integrity_check") == "ok"


def refuse_load(served: Served, prefix: str) -> set[str]:
    """Send a load that does not fit: what was acknowledged of it. It is told, in words, that and why it is incomplete."""
    lines = b"".join(line(f"{prefix}/{number}", description={"en": LONG}) for number in range(4_000))
    with sending(served, [lines]) as told:
        told.read_all()
    assert not any("complete" in each for each in told.lines)
    if told.load is None:
        assert told.answer.startswith(b"HTTP/1.1 503 "), bytes(told.answer[:300])
        assert b"disk" in told.answer
    else:
        problem = told.lines[-1]["problem"]
        assert problem["status"] == 503
        assert "disk" in problem["detail"]
        # Even where there is no room to note that it has ended.
        with served.client() as client:
            assert client.get(f"loads/{told.load}").json()["state"] == "incomplete"
    return {each["id"] for each in told.outcomes if each["outcome"] == "created"}


def see_that_it_lives(served: Served, client: httpx.Client, record: str) -> None:
    assert served.process.poll() is None
    for address in ("health", "records?limit=5", record, "metrics"):
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.text)


def test_a_full_disk_is_told_and_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "20m") as disk:
        ballast = disk / "ballast"
        served = start(disk / "data")
        try:
            prepare(served)
            with served.client(**served.as_administrator) as client:
                assert client.post("records", json=submission("before")).status_code == 201
                # Less than a log of writes needs; what is full is full for the spool as well.
                ballast.write_bytes(b"x" * max(0, shutil.disk_usage(disk).free - 3_000_000))
                acknowledged, refusal = fill(client, "single")
                see_that_it_is_told(refusal)
                acknowledged |= refuse_load(served, "load")
                see_that_it_lives(served, client, "sample/lab/before")
                ja = client.post("records", json=submission("ja"), headers={"Accept-Language": "ja"})
                see_in_japanese(ja)
                ballast.unlink()
                see_that_it_goes_on(served, client, acknowledged | {"sample/lab/before"})
        finally:
            stop(served)


def see_in_japanese(answer: httpx.Response) -> None:
    # A small record may still find a place where a large one did not.
    if answer.status_code != 201:
        assert "保存していません" in answer.json()["detail"]


def test_a_file_that_may_not_grow_is_told_and_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        with served.client(**served.as_administrator) as client:
            assert client.post("records", json=submission("before")).status_code == 201
            limit(served, 6 << 20)
            acknowledged, refusal = fill(client, "single")
            see_that_it_is_told(refusal)
            acknowledged |= refuse_load(served, "load")
            see_that_it_lives(served, client, "sample/lab/before")
            limit(served, resource.RLIM_INFINITY)
            see_that_it_goes_on(served, client, acknowledged | {"sample/lab/before"})


def limit(served: Served, size: int) -> None:
    for pid in processes(served):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_server_does_not_start_on_a_read_only_disk_and_says_why(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "40m") as disk:
        served = start(disk / "data")
        prepare(served)
        with served.client(**served.as_administrator) as client:
            assert client.post("records", json=submission("kept")).status_code == 201
        stop(served)
        log = (disk / "data.log").read_text()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        told = subprocess.run(
            [sys.executable, "-c", START, "serve", "--data", str(disk / "data"), "--port", str(free_port())],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert told.returncode != 0
        assert "cannot be written to" in told.stderr
        assert "Traceback" not in told.stderr
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        served = start(disk / "data")
        with served.client() as client:
            assert client.get("sample/lab/kept").status_code == 200
        stop(served)
        assert "Traceback" not in log


def test_a_spool_that_is_gone_is_made_anew_and_one_that_cannot_be_is_told(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        with served.client(**served.as_administrator) as client:
            spool, aside = served.data / "spool", served.data / "aside"
            headers = {"Content-Type": "application/x-ndjson"}
            spool.rename(aside)
            assert client.post("records", content=line("spool/1"), headers=headers).status_code == 200
            assert client.get("sample/lab/spool/1").status_code == 200

            shutil.rmtree(spool)
            spool.write_bytes(b"")
            answer = client.post("records", content=line("spool/2"), headers=headers)
            see_that_it_is_told(answer)
            assert "Not a directory" in answer.json()["detail"]
            ja = client.post("records", content=line("spool/2"), headers=headers | {"Accept-Language": "ja"})
            assert "書き込めない" in ja.json()["detail"]
            assert client.get("sample/lab/spool/2").status_code == 404
            see_that_it_lives(served, client, "sample/lab/spool/1")

            spool.unlink()
            assert client.post("records", content=line("spool/2"), headers=headers).status_code == 200
            assert client.get("sample/lab/spool/2").status_code == 200


def test_a_writer_beside_the_server_that_holds_the_database_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        other = sqlite3.connect(served.data / "catalog.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with served.client(**served.as_administrator) as client, sending(served, [line("waits")]) as told:
            # Reading waits for nobody.
            assert client.get("records").status_code == 200
            assert client.get("sample/lab/waits").status_code == 404
            other.execute("ROLLBACK")
            told.read_all()
            assert told.lines[-1]["complete"] is True
        other.close()
