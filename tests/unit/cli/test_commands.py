"""The command from outside: what it answers, what it ends with, and that it needs no server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog

Run = Callable[..., Result]
FIRST = {
    "kind": "sample",
    "source": "spring8",
    "localId": "first",
    "body": {"title": {"en": "First", "ja": "最初"}, "amount": {"value": 1, "unit": "mg"}, "collectedAt": "2026-05-10"},
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample catalogue, which every test has a copy of."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    done = CliRunner().invoke(catalog, ["sample", "--data", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def run(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on a sample catalogue of this test alone. Projections are followed in test_upkeep.py; here it takes time."""
    monkeypatch.setattr("catalog.cli.projecting.is_behind", lambda _: False)
    data = tmp_path / "data"
    shutil.copytree(filled, data)

    def command(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", str(data)], catch_exceptions=False, **options)

    return command


def written(folder: Path, document: object, name: str = "record.json") -> str:
    path = folder / name
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def lines(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_record_is_submitted_read_listed_and_is_unchanged_the_second_time(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, FIRST)
    assert lines(run("submit", file, "--json"))[0]["outcome"] == "created"
    again = run("submit", file)
    assert (again.exit_code, again.stderr) == (0, "unchanged 1\n")
    got = json.loads(run("get", "sample/spring8/first", "--json").stdout)
    assert got["body"] == FIRST["body"]
    listed = lines(run("list", "sample", "collectedAt=2026-05", "amount=0.5..2 mg", "--json"))
    assert [item["id"] for item in listed] == ["sample/spring8/first"]


def test_records_come_from_standard_input_in_every_form(run: Run) -> None:
    second = json.dumps({**FIRST, "localId": "second"})
    for given, words in (
        (json.dumps(FIRST, indent=2), []),
        (second + "\n", []),
        (f"[{json.dumps({**FIRST, 'localId': 'third'})}]", ["--format", "json"]),
        ("/kind,/source,/localId,/body/title/en\nsample,spring8,fourth,Fourth\n", []),
    ):
        done = run("submit", "-", *words, "--json", input=given)
        assert done.exit_code == 0, done.output
        assert lines(done)[0]["outcome"] == "created"


def test_what_breaks_a_rule_is_refused_with_where_and_why_and_nothing_is_stored(run: Run, tmp_path: Path) -> None:
    wrong = written(tmp_path, {**FIRST, "body": {**FIRST["body"], "amount": {"value": 1, "unit": "mgg"}}})  # type: ignore[dict-item]
    done = run("submit", wrong)
    assert done.exit_code == 1
    assert "/amount/unit" in done.stdout
    assert done.stderr == "refused 1\n"
    assert run("get", "sample/spring8/first").exit_code == 3


@pytest.mark.parametrize("where", ["catalogue", "nowhere"])
def test_check_says_what_submit_would_and_stores_nothing(run: Run, tmp_path: Path, where: str) -> None:
    good, bad = written(tmp_path, FIRST), written(tmp_path, {**FIRST, "body": {"colour": "red"}}, "bad.json")
    place = [] if where == "catalogue" else ["--data", str(tmp_path / "nowhere")]

    def check(file: str) -> Result:
        return run("check", file) if not place else CliRunner().invoke(catalog, ["check", file, *place])

    assert check(good).exit_code == 0
    refused = check(bad)
    assert refused.exit_code == 1
    assert "colour" in refused.stdout
    assert run("get", "sample/spring8/first").exit_code == 3
    assert not (tmp_path / "nowhere").exists()


def test_a_stale_revision_is_a_conflict_with_an_exit_code_of_its_own(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    stale = written(tmp_path, {**FIRST, "revision": 7, "body": {"title": {"en": "Otherwise"}}})
    assert run("submit", stale).exit_code == 4


def test_revisions_are_listed_and_their_difference_is_told(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    run("submit", written(tmp_path, {**FIRST, "body": {"title": {"en": "Second"}}}))
    assert [noted["revision"] for noted in lines(run("history", "sample/spring8/first", "--json"))] == [2, 1]
    told = json.loads(run("history", "sample/spring8/first", "1", "2", "--json").stdout)
    assert {group["field"] for group in told["groups"]} >= {"title", "amount", "collectedAt"}
    assert "“First” became “Second”" in run("history", "sample/spring8/first", "1", "2").stdout
    assert json.loads(run("get", "sample/spring8/first", "--revision", "1", "--json").stdout)["body"] == FIRST["body"]


def test_a_record_is_withdrawn_with_a_reason_and_restored(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    assert run("record", "withdraw", "sample/spring8/first").exit_code == 2
    assert run("record", "withdraw", "sample/spring8/first", "--reason", "Registered by mistake").exit_code == 0
    gone = run("get", "sample/spring8/first")
    assert gone.exit_code == 3
    assert "Registered by mistake" in gone.stderr
    assert run("record", "restore", "sample/spring8/first").exit_code == 0
    assert run("get", "sample/spring8/first").exit_code == 0


def test_a_merged_record_leads_to_the_other_until_it_is_unmerged(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    assert run("record", "merge", "sample/spring8/first", "sample/spring8/s-001").exit_code == 0
    assert json.loads(run("get", "sample/spring8/first", "--json").stdout)["id"] == "sample/spring8/s-001"
    assert run("record", "unmerge", "sample/spring8/first").exit_code == 0
    assert json.loads(run("get", "sample/spring8/first", "--json").stdout)["id"] == "sample/spring8/first"


def test_erasing_takes_two_calls_and_the_code_that_the_first_wrote(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    request = json.loads(
        run("record", "expunge", "sample/spring8/first", "--reason", "Personal data", "--json").stdout
    )["request"]
    assert run("record", "expunge", "--request", request, "--code", "guessed").exit_code != 0
    (code,) = (tmp_path / "data").glob("expunge-*.code")
    assert code.stat().st_mode & 0o077 == 0
    assert run("record", "expunge", "--request", request, "--code", code.read_text().strip()).exit_code == 0
    shown = run("get", "sample/spring8/first", "--json").output
    assert "最初" not in shown
    assert "Personal data" in shown
    assert not code.exists()


def test_files_of_a_dataset_are_put_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    dataset = {"kind": "dataset", "source": "spring8", "localId": "filed", "body": {"title": {"en": "Filed"}}}
    run("submit", written(tmp_path, dataset))
    id, file = "dataset/spring8/filed", tmp_path / "files.ndjson"
    file.write_text('{"path": "a.h5", "size": 10}\n\n{"path": "b/c.h5", "size": 20}\n')
    assert json.loads(run("file", "put", id, str(file), "--json").stdout) == {
        "id": id,
        "version": 1,
        "count": 2,
        "size": 30,
    }
    file.write_text('{"path": "d.h5", "size": 5}\n')
    assert run("file", "add", id, str(file), "--version", "0").exit_code == 4
    assert run("file", "add", id, str(file), "--version", "1").exit_code == 0
    assert run("file", "remove", id, "a.h5").exit_code == 0
    assert [each["path"] for each in lines(run("file", "list", id, "--json"))] == ["b/c.h5", "d.h5"]
    file.write_text('{"size": 5}\n')
    assert run("file", "put", id, str(file)).exit_code == 1
    file.write_text('{"path": "x"}\n{"path": \n')
    wrong = run("file", "put", id, str(file))
    assert (wrong.exit_code, "line 2" in wrong.stderr) == (1, True)
    assert len(lines(run("file", "list", id, "--json"))) == 2, "nothing of what was refused is stored"


def test_scopes_are_made_before_records_lie_in_them(run: Run, tmp_path: Path) -> None:
    inside = written(tmp_path, {**FIRST, "scope": "spring8/new"})
    assert run("submit", inside).exit_code == 1
    assert (
        run("scope", "add", "spring8/new", "--title", "en=New", "--title", "ja=新規", "--mode", "limited").exit_code
        == 0
    )
    assert run("submit", inside).exit_code == 0
    assert json.loads(run("scope", "show", "spring8/new", "--json").stdout)["mode"] == "limited"
    assert run("scope", "set", "spring8/new", "--mode", "everyone").exit_code == 0
    assert json.loads(run("scope", "show", "spring8/new", "--json").stdout)["mode"] == "everyone"
    assert run("scope", "show", "spring8/other").exit_code == 3
    shown = run("scope", "show", "spring8/new").stdout
    assert shown.startswith("spring8/new  everyone"), "what is asked for is an answer, on standard output"


def test_a_source_is_registered_and_its_next_version_is_kept_beside(run: Run, tmp_path: Path) -> None:
    told = json.loads(run("source", "show", "spring8").stdout)
    told["title"]["en"] = "SPring-8, renamed"
    assert json.loads(run("source", "register", written(tmp_path, told), "--json").stdout)["version"] == 2
    assert len(lines(run("source", "show", "spring8", "--versions"))) == 2
    assert run("source", "register", written(tmp_path, {"id": "Not A Name"})).exit_code == 1


def test_a_profile_is_proposed_tried_and_published(run: Run, tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["amount"]}
    file = written(tmp_path, {"name": "weighed", "kind": "sample", "title": {"en": "Weighed"}, "schema": schema})
    assert json.loads(run("profile", "propose", file, "--json").stdout)["publishedAt"] is None
    weighed = written(tmp_path, {**FIRST, "profile": "weighed@1"})
    assert run("submit", weighed).exit_code == 1, "what is only proposed judges nothing"
    assert run("profile", "publish", "weighed@1").exit_code == 0
    assert run("submit", weighed).exit_code == 0
    stricter = {"type": "object", "required": ["amount", "cas"]}
    told = json.loads(
        run(
            "profile", "propose", written(tmp_path, {"name": "weighed", "kind": "sample", "schema": stricter}), "--json"
        ).stdout
    )
    assert told["trial"]["broken"] == 1
    assert "1 would not keep it" in run("profile", "show", "weighed@2").stdout
    assert run("profile", "publish", "weighed@2").exit_code == 4
    assert run("profile", "publish", "weighed@2", "--despite-broken").exit_code == 0


def test_everything_public_is_exported_in_three_forms(run: Run, tmp_path: Path) -> None:
    records = lines(run("export", "sample"))
    assert all(record["kind"] == "sample" for record in records)
    quads = run("export", "sample", "--form", "nquads").stdout
    for record in records:
        assert f"/{record['id']}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>" in quads
    target = tmp_path / "samples.csv"
    assert run("export", "sample", "--form", "csv", "-o", str(target)).exit_code == 0
    assert target.read_text("utf-8").startswith("id,source,local_id")
    assert not target.with_name("samples.csv.part").exists()
    assert run("export", "--form", "csv").exit_code == 2


def test_a_former_revision_has_no_form_in_rdf(run: Run) -> None:
    id = lines(run("list", "sample", "--json"))[0]["id"]
    assert run("get", id, "--form", "nt").exit_code == 0
    assert run("get", id, "--form", "nt", "--revision", "1").exit_code == 2


def test_pages_of_a_list_go_on_where_the_one_before_ended(run: Run) -> None:
    everything = [item["id"] for item in lines(run("list", "term", "--all", "--json"))]
    paged = [item["id"] for item in lines(run("list", "term", "--all", "--limit", "5", "--json"))]
    assert paged == everything
    first = run("list", "term", "--limit", "5", "--json")
    cursor = first.stderr.split()[-1]
    assert [
        item["id"] for item in lines(run("list", "term", "--limit", "5", "--cursor", cursor, "--json"))
    ] == everything[5:10]


def test_a_misspelt_kind_and_field_are_refused_with_what_is_near(run: Run) -> None:
    assert "sample" in run("list", "sampel").stderr
    assert "collectedAt" in run("list", "sample", "colectedAt=2026").stderr
    assert "sample" in run("kind", "show", "sampel").stderr


def test_errors_are_json_where_json_is_asked_for(run: Run) -> None:
    refused = run("get", "sample/spring8/none", "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.stderr)["error"] == "NotFound"
    assert refused.stdout == ""


@pytest.mark.parametrize("command", [["list"], ["get", "x"], ["export"], ["source", "list"], ["backup", "x"]])
def test_no_catalogue_is_made_in_passing(tmp_path: Path, command: list[str]) -> None:
    done = CliRunner().invoke(catalog, [*command, "--data", str(tmp_path / "typo")])
    assert done.exit_code == 7
    assert "catalog init" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_a_backup_makes_the_same_catalogue_elsewhere_with_a_token_of_its_own(run: Run, tmp_path: Path) -> None:
    run("submit", written(tmp_path, FIRST))
    assert run("backup", str(tmp_path / "kept")).exit_code == 0
    assert run("backup", str(tmp_path / "kept")).exit_code == 4, "a backup is never written over"
    other = str(tmp_path / "other")
    assert CliRunner().invoke(catalog, ["restore", str(tmp_path / "kept"), "--data", other]).exit_code == 0
    assert lines(CliRunner().invoke(catalog, ["export", "--data", other])) == lines(run("export"))
    assert (tmp_path / "other" / "admin-token").read_text() != (tmp_path / "data" / "admin-token").read_text()
    assert run("restore", str(tmp_path / "kept")).exit_code == 4


def test_a_catalogue_is_not_made_over_another(run: Run) -> None:
    assert run("init").exit_code == 4
    assert run("sample").exit_code == 4
    assert run("sample", "--if-empty").exit_code == 0


def test_the_settings_are_shown_without_the_passwords_in_them(tmp_path: Path) -> None:
    words = ["settings", "--data", str(tmp_path), "--database", "postgresql://me:hush@db/x"]
    done = CliRunner().invoke(catalog, words)
    assert done.exit_code == 0
    assert "hush" not in done.output
    assert "postgresql://me:…@db/x" in done.output


def in_shell(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("catalog"), *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CATALOG_", "LANG", "LC_"))}
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=False)


def test_the_terminal_chooses_the_language(tmp_path: Path) -> None:
    assert "カタログ" in in_shell("--help", LANG="ja_JP.UTF-8").stdout
    assert "catalogue" in in_shell("--help", LANG="de_DE.UTF-8").stdout
    refused = in_shell("list", "--data", str(tmp_path / "typo"), LANG="ja_JP.UTF-8")
    assert "カタログはありません" in refused.stderr


def test_the_shell_completes_commands_without_opening_anything(tmp_path: Path) -> None:
    asked = {"_CATALOG_COMPLETE": "bash_complete", "COMP_WORDS": "catalog su", "COMP_CWORD": "1"}
    assert in_shell(**asked).stdout == "plain,submit\n"
    assert "_CATALOG_COMPLETE=bash_complete" in in_shell(_CATALOG_COMPLETE="bash_source").stdout
