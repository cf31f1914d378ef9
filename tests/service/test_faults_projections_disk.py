"""Disks that fill up under the projections: told, nothing half done, what answers goes on, and all follows with room."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from catalog.cli.exits import UNAVAILABLE
from catalog.errors import Unavailable
from catalog.records.standing import Name
from catalog.upkeep.health import health
from tests.contract.ledgers import entry
from tests.service.projecting import NAMES, Harmed, until

LONG = " ".join(f"word{number}" for number in range(4_000))


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """What is in the folder, on a disk of its own that is so large."""
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount is not None and os.geteuid() == 0 and not subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode  # fmt: skip
    if not made:
        pytest.skip("only root can mount a small disk: the same is tried with a limit on the size of files")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def leave_room(disk: Path, kibibytes: int) -> Path:
    """Fill the disk but for so much."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - kibibytes * 1024))
    return ballast


def enter_long(here: Harmed, prefix: str) -> None:
    names = [f"{prefix}-{number}" for number in range(40)]
    bodies = {each: {"title": {"en": each}, "description": {"en": f"{each} {LONG}"}} for each in names}
    here.catalog.ledger.append([entry(each, bodies[each]) for each in names], by="tester")
    here.titles |= {f"sample/lab/{each}": each for each in names}


def standing(here: Harmed) -> dict[str, Any]:
    return health(here.catalog.book, here.catalog.verifications).document(whole=True)["projections"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kibibytes", [0, 300])
def test_a_full_disk_is_told_what_answers_goes_on_and_with_room_everything_follows(
    here: Harmed, name: Name, kibibytes: int
) -> None:
    other: Name = "search" if name == "graph" else "graph"
    before = dict(here.titles)
    with small_disk(here.folder / name, 40) as disk:
        ballast = leave_room(disk, kibibytes)
        enter_long(here, "long")
        here.deeds()
        with pytest.raises(Unavailable, match=f"{name} can't be fed"):
            here.catalog.follower().catch_up()

        told = standing(here)
        assert told[name]["status"] == "troubled"
        # The one engine says why, of the other it is told how much room there is.
        assert "o space left" in told[name]["trouble"] or "(0 MiB are free" in told[name]["trouble"], told[name]
        assert told[name]["pending"] > 0
        assert (told[other]["status"], told[other]["pending"]) == ("ok", 0)
        assert here.catalog.book.failures() == []
        # What had settled can be read, and nothing of the rest.
        if name == "graph":
            assert here.graphed() == before
        assert here.row(name).generation == 1

        ballast.unlink()
        here.see_that_all_is_well()
        assert standing(here)[name]["trouble"] is None
        assert here.row(name).generation == 1
        here.catalog.index.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_rebuild_that_finds_no_room_waits_for_it_while_the_old_one_is_fed(here: Harmed, name: Name) -> None:
    enter_long(here, "first")
    here.catalog.follower().catch_up()
    with small_disk(here.folder / name, 40) as disk:
        # Opened once more, so that what opening clears away makes no room afterwards.
        here.catalog.follower().catch_up()
        wanted = here.catalog.book.want(name)
        ballast = leave_room(disk, 0)
        with pytest.raises(Unavailable, match=f"{name} can't be fed"):
            here.catalog.follower().catch_up()
        assert here.row(name).generation == 1
        ballast.unlink()
        here.deeds()
        here.see_that_all_is_well()
        assert here.row(name).generation == wanted
        here.catalog.index.close()


def test_files_that_may_not_grow_are_told_and_cost_nothing(here: Harmed) -> None:
    enter_long(here, "long")
    with sqlite3.connect(here.data / "catalog.sqlite") as database:
        # Let the database's own file of changes begin anew, so that it has room.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    child = here.command(
        "follow", "--once", at=["catalog.upkeep.follower:Follower.catch_up", "before", 1, 0, signal.SIGSTOP]
    )
    until(lambda: child.state == "T")
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    child.send(signal.SIGCONT)
    assert child.wait() == UNAVAILABLE, child.said()
    assert "search can't be fed" in child.said()
    assert "disk" in child.said() or "File too large" in child.said()
    here.see_that_all_is_well()
    assert [here.row(name).generation for name in NAMES] == [1, 1]
    assert [here.row(name).trouble for name in NAMES] == [None, None]


def test_a_command_that_could_not_project_says_so_and_its_records_stay(here: Harmed, tmp_path: Path) -> None:
    lines = [
        {"kind": "sample", "source": "lab", "localId": f"c{n}", "body": {"title": {"en": f"c{n}"}}} for n in (1, 2)
    ]
    (tmp_path / "two.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines))
    with small_disk(here.folder / "graph", 20) as disk:
        here.catalog.follower().catch_up()
        ballast = leave_room(disk, 0)
        child = here.command("submit", str(tmp_path / "two.ndjson"))
        assert child.wait() == 0, child.said()
        assert "not up to date" in child.said()
        here.titles |= {f"sample/lab/c{n}": f"c{n}" for n in (1, 2)}
        ballast.unlink()
        here.see_that_all_is_well()
