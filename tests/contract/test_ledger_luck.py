"""What bad luck does to a ledger: it refuses clearly or goes on, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.errors import Misconfigured, Unavailable
from catalog.ledger.append import Ledger
from catalog.store.engine import open_store
from catalog.store.sqlite import Sqlite
from tests.contract.ledgers import enter, entry, mirrored, one, opened, rows, whole

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.db"


def test_a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_twice(address: str) -> None:
    chance = random.Random(7)
    acknowledged: dict[int, int] = {}
    first = 1
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.writer_process", address, str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        killing = threading.Timer(chance.uniform(0.02, 0.4), process.send_signal, (signal.SIGKILL,))
        killing.start()
        told = process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        # The last line may have been cut; what is whole was acknowledged.
        for line in told:
            turn, _, position = line.partition(" ")
            if position:
                acknowledged[int(turn)] = int(position)

        ledger = opened(address)
        shown = mirrored(ledger)
        whole(ledger)
        assert rows(ledger, "SELECT id FROM node GROUP BY id HAVING count(*) > 1") == []
        for turn, position in acknowledged.items():
            assert all(shown.get(f"sample/lab/{turn}-{n}") == f"{turn}-{n}" for n in range(40))
            assert one(ledger, "SELECT r.id FROM change AS c JOIN node AS r ON r.key = c.record WHERE c.position = :at",
                       at=position) == "sample/lab/counter"  # fmt: skip
        # A batch is there wholly or not at all: 41 changes each.
        assert ledger.last_position() % 41 == 0
        first = ledger.last_position() // 41 + 1
        assert first - 1 in (max(acknowledged, default=0), max(acknowledged, default=0) + 1)
        ledger.store.close()
    assert acknowledged


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None or subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("only root can mount a small disk: the same is tried with a page limit")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_corrupts_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_500_000)
    ledger = opened(f"sqlite:///{small_disk}/catalogue.db")
    acknowledged = until_refused(ledger)
    ballast.unlink()
    goes_on(ledger, acknowledged)


def test_a_database_that_may_not_grow_is_told_and_corrupts_nothing(tmp_path: Path) -> None:
    ledger = opened(f"sqlite:///{tmp_path}/catalogue.db")
    with ledger.store.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 300")
    acknowledged = until_refused(ledger)
    with ledger.store.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    goes_on(ledger, acknowledged)


def keep_writing(ledger: Ledger, acknowledged: set[str]) -> None:
    body = {"title": {"en": "x"}, "description": {"en": "long " * 400}}
    for turn in range(200):
        acknowledged |= {outcome.id for outcome in enter(ledger, *(entry(f"{turn}-{n}", body) for n in range(20)))}


def until_refused(ledger: Ledger) -> set[str]:
    """Write until the disk is full; what was acknowledged until then."""
    acknowledged: set[str] = set()
    with pytest.raises(Unavailable, match="disk") as refused:
        keep_writing(ledger, acknowledged)
    assert "nothing was stored" in refused.value.messages["en"]
    assert "保存していません" in refused.value.messages["ja"]
    assert set(mirrored(ledger)) == acknowledged
    return acknowledged


def goes_on(ledger: Ledger, acknowledged: set[str]) -> None:
    """With room again everything is as it was, and writing works."""
    enter(ledger, entry("after"))
    assert set(mirrored(ledger)) == acknowledged | {"sample/lab/after"}
    whole(ledger)
    assert one(ledger, "PRAGMA integrity_check") == "ok"
    ledger.store.close()


def test_a_read_only_file_is_told_and_can_still_be_read(tmp_path: Path) -> None:
    ledger = opened(f"sqlite:///{tmp_path}/catalogue.db")
    enter(ledger, entry("a"))
    with ledger.store.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # what root meets in place of a missing write permission

    with pytest.raises(Unavailable, match="read-only"):
        enter(ledger, entry("b"))

    assert mirrored(ledger) == {"sample/lab/a": "a"}
    ledger.store.close()


def test_a_disk_that_becomes_read_only_is_told(small_disk: Path) -> None:
    ledger = opened(f"sqlite:///{small_disk}/catalogue.db")
    enter(ledger, entry("a"))
    ledger.store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = open_store(f"sqlite:///{small_disk}/catalogue.db")
    with pytest.raises(Unavailable) as refused:
        store.migrate()
    store.close()
    assert refused.value.messages["ja"] != refused.value.messages["en"]

    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    ledger = opened(f"sqlite:///{small_disk}/catalogue.db")
    assert mirrored(ledger) == {"sample/lab/a": "a"}
    whole(ledger)
    ledger.store.close()


@pytest.mark.service
def test_a_server_that_drops_its_connections_costs_one_answer_at_most(postgresql: str) -> None:
    ledger = opened(postgresql)
    enter(ledger, entry("a"))
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    enter(ledger, entry("b"))

    with pytest.raises(Unavailable, match="cannot be reached"), ledger.store.write() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    enter(ledger, entry("c"))
    assert set(mirrored(ledger)) == {"sample/lab/a", "sample/lab/b", "sample/lab/c"}
    whole(ledger)
    ledger.store.close()


def test_a_writer_that_holds_the_database_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.store.sqlite.WAIT_SECONDS", 0.2)
    ledger = opened(f"sqlite:///{tmp_path}/catalogue.db")
    other = sqlite3.connect(tmp_path / "catalogue.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable, match="too long"):
        enter(ledger, entry("a"))
    assert mirrored(ledger) == {}

    other.execute("ROLLBACK")
    other.close()
    assert enter(ledger, entry("a"))[0].outcome == "created"
    ledger.store.close()


def test_a_server_that_is_not_there_is_told() -> None:
    store = open_store("postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1/nothing cannot be reached"):
        store.migrate()
    store.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    store = open_store(f"sqlite:///{tmp_path}/catalogue.db")
    with pytest.raises(Misconfigured, match="no database"):
        store.migrate()
    store.close()


def test_a_batch_that_fails_in_the_middle_leaves_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(address)
    enter(ledger, entry("a"))

    def broken(*_: object) -> int:
        raise RuntimeError("a bug in the last step")

    with monkeypatch.context() as patched:
        patched.setattr(type(ledger.store.database), "hold_positions", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            enter(ledger, entry("b", {"derivedFrom": ["sample/lab/z"]}), entry("a", {"title": {"en": "2"}}))

    assert mirrored(ledger) == {"sample/lab/a": "a"}
    assert one(ledger, "SELECT count(*) FROM node WHERE id LIKE '%/z'") == 0
    # Keys that were made in vain must not be remembered.
    enter(ledger, entry("c", {"derivedFrom": ["sample/lab/y"]}), entry("b", {"derivedFrom": ["sample/lab/z"]}))
    whole(ledger)
    ledger.store.close()


def test_expunged_text_is_in_no_file_of_the_database_any_more(tmp_path: Path) -> None:
    secret = "Hanako-Yamada-0123456789"
    ledger = opened(f"sqlite:///{tmp_path}/catalogue.db")
    enter(ledger, *(entry(f"s{n}", {"title": {"en": "filler"}, "notes": ["n" * 900]}) for n in range(30)))
    enter(ledger, entry("a", {"title": {"en": secret}, "attributes": [{"name": "who", "value": secret}]}))
    enter(ledger, entry("a", {"title": {"en": secret + " again"}, "notes": [secret * 300]}))
    assert isinstance(ledger.store.database, Sqlite)
    asked = ledger.request_expunge("sample/lab/a", "court order", by="one")

    ledger.expunge(asked.id, asked.code, by="two")

    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes(), file.name
    whole(ledger)
    ledger.store.close()
