"""Commands that write let it be found; `verify`, `rebuild`, `failures` and `follow` without a server."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from catalog.assembly import Catalog, open_catalog
from catalog.cli import catalog, projecting
from catalog.cli.upkeep import tell_report
from catalog.ledger.book import Booked
from catalog.settings import read_settings
from catalog.upkeep.verify import SORTS

Run = Callable[..., Result]
FIRST = {"kind": "sample", "source": "spring8", "localId": "first", "body": {"title": {"en": "First"}}}
ID = "sample/spring8/first"


FIRST_ROW = Booked("graph", 1, "live", "first", "", 1, 1, None, None, None, "2026", "2026", None, None)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "data"
    done = CliRunner().invoke(catalog, ["sample", "--data", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Run:
    def command(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", str(data)], catch_exceptions=False, **options)

    return command


def opened(data: Path) -> closing[Catalog]:
    return closing(open_catalog(read_settings({}, data=data)))


def behind(data: Path) -> dict[str, int]:
    """How many changes each projection is behind."""
    with opened(data) as made:
        return {name: made.book.lag(name).changes for name in made.projections}


def break_search(data: Path) -> str:
    """Take a record out of the search index by hand; its id."""
    with opened(data) as made:
        seen = made.book.seen("search")
        assert seen is not None
        generation = made.projections["search"].open(seen.folder, seen.visible)
        id, _ = next(pair for bucket in range(64) for pair in generation.hashes("sample", bucket))
        generation.remove([id])
        generation.settle()
        generation.close()
    return id


def test_what_a_command_wrote_is_in_the_projections_when_it_ends(run: Run, data: Path) -> None:
    assert set(behind(data).values()) == {0}
    for words in (["submit", "-"], ["record", "suppress", ID], ["scope", "add", "upkeep"]):
        done = run(*words, input=json.dumps(FIRST))
        assert done.exit_code == 0, done.output
        assert set(behind(data).values()) == {0}, words


def test_who_does_not_wait_is_told_that_it_follows_later_and_how(run: Run, data: Path) -> None:
    done = run("submit", "-", "--no-wait", input=json.dumps(FIRST))
    assert done.exit_code == 0
    assert "catalog follow" in done.stderr
    assert set(behind(data).values()) == {1}
    assert run("follow", "--once").exit_code == 0
    assert set(behind(data).values()) == {0}


def test_beside_whoever_feeds_them_a_command_writes_only(run: Run, data: Path) -> None:
    with opened(data) as made:
        follower = made.follower()
        assert follower.acquire()
        done = run("submit", "-", input=json.dumps(FIRST))
        assert done.exit_code == 0
        assert "server" in done.stderr
        assert {name: made.book.lag(name).changes for name in made.projections} == dict.fromkeys(made.projections, 1)
        follower.close()


def test_verify_ends_with_a_code_for_monitoring(run: Run, data: Path) -> None:
    clean = run("verify", "--json")
    assert clean.exit_code == 0
    assert {report["clean"] for report in map(json.loads, clean.stdout.splitlines())} == {True}
    id = break_search(data)
    told = run("verify", "search", "--no-repair")
    assert told.exit_code == 9
    assert id in told.stdout
    mended = run("verify", "search", "--json")
    assert mended.exit_code == 8
    report = json.loads(mended.stdout)
    assert report["drift"] == {"total": 1, "missing": 1, "extra": 0, "wrong": 0, "dangling": 0}
    assert report["differences"] == [{"id": id, "sort": "missing", "repaired": True}]
    assert run("verify", "search").exit_code == 0


def test_a_projection_is_built_again_and_the_one_before_can_come_back(run: Run, data: Path) -> None:
    assert json.loads(run("rebuild", "search", "--json").stdout)["generation"] == 2
    with opened(data) as made:
        assert [(row.generation, row.state) for row in made.book.rows("search")] == [(1, "old"), (2, "live")]
    assert run("rebuild", "search", "--back").exit_code == 0
    with opened(data) as made:
        assert [(row.generation, row.state) for row in made.book.rows("search")] == [(1, "live"), (2, "old")]
    assert set(behind(data).values()) == {0}
    assert run("verify").exit_code == 0


def test_a_deleted_folder_is_built_again(run: Run, data: Path) -> None:
    shutil.rmtree(data / "projections")
    assert run("follow", "--once").exit_code == 0
    assert run("verify").exit_code == 0


def test_failures_are_listed_shown_waived_and_tried_again(run: Run, data: Path) -> None:
    assert run("failures", "list", "--json").stdout == ""
    with opened(data) as made, made.store.write() as connection:
        id = str(connection.scalar(text("SELECT n.id FROM node n JOIN record r ON r.key = n.key LIMIT 1")))
        connection.execute(
            text(
                "INSERT INTO failure (name, record, revision, position, attempts, error, first_at, last_at, next_at)"
                " SELECT 'search', key, 1, 1, 2, 'no reason', '2026', '2026', '2999' FROM node WHERE id = :id"
            ),
            {"id": id},
        )
    (listed,) = map(json.loads, run("failures", "list", "--json").stdout.splitlines())
    assert (listed["record"], listed["projection"], listed["error"]) == (id, "search", "no reason")
    shown = run("failures", "show", id).stdout
    assert "tried 2 times since 2026, last 2026" in shown
    assert "no reason" in shown
    with opened(data) as made, made.store.write() as connection:
        connection.execute(text("UPDATE failure SET attempts = 1"))
    assert "tried once, 2026\n" in run("failures", "show", id).stdout
    assert run("failures", "show", ID).exit_code == 3
    assert run("failures", "waive", id, "--reason", "it may").exit_code == 0
    assert json.loads(run("failures", "list", "--waived", "--json").stdout)["waived"]["reason"] == "it may"
    done = run("failures", "retry", id, "--json")
    assert json.loads(done.stdout) == {"records": 1, "failing": 0}
    assert run("failures", "list", "--json").stdout == ""
    assert run("failures", "retry", ID).exit_code == 3


def test_nothing_differs_is_said_only_where_nothing_does(capsys: pytest.CaptureFixture[str]) -> None:
    told = {
        "projection": "graph", "records": 7, "seconds": 1.0, "drift": dict.fromkeys(("total", *SORTS), 0), "repaired": 0,
        "failing": 0, "waived": 0, "undecided": 0, "differences": [],
    }  # fmt: skip
    tell_report(told)
    assert capsys.readouterr().err.endswith("; nothing differs\n")
    for name in ("failing", "waived", "undecided"):
        tell_report({**told, name: 1})
        first, second = capsys.readouterr().err.splitlines()
        assert first.endswith("; nothing differs but these:")
        assert second.startswith("  1 ")


def test_a_restored_catalogue_builds_its_projections_anew(run: Run, data: Path, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "saved")).exit_code == 0
    there = tmp_path / "there"
    restored = CliRunner().invoke(catalog, ["restore", str(tmp_path / "saved"), "--data", str(there)])
    assert restored.exit_code == 0, restored.output
    with opened(there) as made:
        assert made.book.rows() == []
        assert made.book.lease() is None
    assert CliRunner().invoke(catalog, ["verify", "--data", str(there)]).exit_code == 0
    assert set(behind(there).values()) == {0}


def test_who_waits_for_a_projection_that_cannot_be_fed_is_told_why_and_what_to_do(run: Run, data: Path) -> None:
    shutil.rmtree(data / "projections" / "search")
    (data / "projections" / "search").write_text("no folder can be made here")
    for words in (["verify", "search"], ["rebuild", "search"], ["verify"]):
        done = run(*words)
        assert done.exit_code == 5, done.output
        assert "the search index can't be fed: NotADirectoryError" in done.stderr
        assert "/projections" in done.stderr
        assert ("the linked graph: " in done.stderr) is (words == ["verify"])
    refused = json.loads(run("verify", "search", "--json").stderr)
    assert refused["error"] == "Unavailable"
    assert "検索索引を更新できません" in refused["message"]["ja"]
    assert run("verify", "graph").exit_code == 0
    # What stood in the way is gone: the same again ends well.
    (data / "projections" / "search").unlink()
    assert run("verify", "search").exit_code == 0


def test_who_waits_for_a_projector_that_does_not_move_is_told_which_process_it_is(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "SILENT_SECONDS", 0.5)
    with opened(data) as made:
        stopped = made.follower()
        assert stopped.acquire()
        with made.store.write() as connection:
            connection.execute(text("UPDATE lease SET until = '2026-01-01T00:00:00.000000Z'"))
        for words in (["verify"], ["rebuild", "graph"]):
            done = run(*words)
            assert done.exit_code == 5, done.output
            assert f"kill -CONT {os.getpid()}" in done.stderr
        stopped.close()
    assert run("verify").exit_code == 0


def test_trouble_is_told_when_it_was_met_again_and_again_and_nothing_moved_between() -> None:
    def row(position: int, at: str | None) -> Booked:
        return replace(FIRST_ROW, position=position, trouble=at and f"trouble of {at}", trouble_at=at)

    new = projecting.Met([row(1, None)])
    assert [new.look([row(1, at)]) for at in ("1", "1", "2", None, "2")] == [None] * 5
    assert new.look([row(2, "3")]) is None  # it came further meanwhile
    assert [new.look([row(2, at)]) for at in ("4", "5")] == [None, "trouble of 5"]
    # That the generation which answers goes on being fed helps the one that is built beside it nothing.
    beside = projecting.Met([])
    looks = [beside.look([row(at, None), replace(row(0, str(at)), generation=2)]) for at in (1, 2, 3)]
    assert looks == [None, None, "trouble of 3"]
    old = projecting.Met([row(1, "1")])
    assert [old.look([row(1, at)]) for at in ("1", "2")] == [None, "trouble of 2"]
