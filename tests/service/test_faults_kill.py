"""A server that is killed at any moment of a load: nothing acknowledged is lost, nothing is there twice, the load says so."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.contract.ledgers import mirrored, one, rows, whole
from tests.service.conftest import Served, prepare
from tests.service.crash import Sending, kill, ledger_of, line, processes, running, sending

COUNT = 10_000
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of a database, or none for the embedded one."""
    return str(request.getfixturevalue("postgresql")) if request.param == "postgresql" else None


def chunks_of(count: int, size: int = 200) -> list[bytes]:
    lines = [line(f"load/{number}", derivedFrom=[f"sample/lab/load/{(number * 7) % count}"]) for number in range(count)]
    return [b"".join(lines[at : at + size]) for at in range(0, count, size)]


def state_of(served: Served, load: str) -> str:
    with served.client() as client:
        return str(client.get(f"loads/{load}").json()["state"])


def see_that_all_is_well(served: Served, database: str | None, acknowledged: set[str]) -> None:
    """Ledger, mirror and what was acknowledged agree."""
    with ledger_of(served, database) as ledger:
        whole(ledger)
        there = set(mirrored(ledger))
        assert acknowledged <= there
        assert one(ledger, "SELECT count(*) FROM revision") == len(there)
        assert rows(ledger, "SELECT id FROM node GROUP BY id HAVING count(*) > 1") == []
        assert one(ledger, "SELECT count(*) FROM link") == len(there)


@pytest.mark.slow
def test_a_server_killed_at_many_moments_loses_nothing_acknowledged(tmp_path: Path, database: str | None) -> None:
    chance = random.Random(11)
    data, more = tmp_path / "data", ("--database", database) if database else ()
    chunks = chunks_of(COUNT)
    acknowledged: set[str] = set()
    cut: Sending | None = None
    for turn in range(8):
        with running(data, *more) as served:
            if turn == 0:
                prepare(served)
            see_that_all_is_well(served, database, acknowledged)
            see_that_it_is_told(served, cut)
            cut = cut_off(served, chunks, chance, turn)
        acknowledged |= {each["id"] for each in cut.outcomes}
        assert {each["outcome"] for each in cut.outcomes} <= {"created", "unchanged"}

    assert acknowledged
    with running(data, *more) as served:
        see_that_it_is_told(served, cut)
        with sending(served, chunks) as again:
            again.read_all()
        summary = again.lines[-1]
        assert summary["complete"] is True
        assert summary["counts"].keys() <= {"created", "unchanged"}
        assert sum(summary["counts"].values()) == COUNT
        assert summary["counts"]["unchanged"] >= len(acknowledged)
        assert state_of(served, summary["load"]) == "complete"
        see_that_all_is_well(served, database, {f"sample/lab/load/{number}" for number in range(COUNT)})


def see_that_it_is_told(served: Served, cut: Sending | None) -> None:
    """A load that was cut off is incomplete, one whose end was told is not, and its answer can be read as far as it came."""
    if cut is None or cut.load is None:
        return
    if any("complete" in each for each in cut.lines):  # it was over before the server was killed
        assert state_of(served, cut.load) == "complete"
        return
    assert state_of(served, cut.load) == "incomplete"
    with served.client(Accept="application/x-ndjson") as client:
        kept = client.get(f"loads/{cut.load}").text
    # What was committed may have been kept and never sent, but not the other way round.
    assert all(f'"{each["id"]}"' in kept for each in cut.outcomes)
    assert '"complete"' not in kept


def cut_off(served: Served, chunks: list[bytes], chance: random.Random, turn: int) -> Sending:
    """Send a load, and kill the server at some moment: before the first answer, between two, or just after one."""
    with sending(served, chunks) as told:
        told.read_until(turn // 2 * 1_000)
        time.sleep(chance.uniform(0, 0.15))
        kill(served)
        told.read_all()
    return told


def test_a_worker_that_dies_is_replaced_and_its_load_is_incomplete(tmp_path: Path) -> None:
    with running(tmp_path / "data") as served:
        prepare(served)
        with sending(served, [line("kept/1", derivedFrom=["sample/lab/x"])]) as whole_load:
            whole_load.read_all()
        with sending(served, chunks_of(COUNT)) as told:
            told.read_until(1)
            worker = processes(served)[1]
            os.kill(worker, signal.SIGKILL)
            told.read_all()
        assert told.load is not None
        until = time.monotonic() + 180
        while not answers_again(served, told.load):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert served.process.poll() is None
        assert worker not in processes(served)
        assert whole_load.load is not None
        assert state_of(served, whole_load.load) == "complete"
        see_that_all_is_well(served, None, {each["id"] for each in [*told.outcomes, *whole_load.outcomes]})


def answers_again(served: Served, load: str) -> bool:
    try:
        return state_of(served, load) == "incomplete"
    except httpx.TransportError:
        return False
