"""`catalog audit`: what was done about rights is found, taken away, and told of one scope."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on a catalogue with two scopes and somebody in it."""
    monkeypatch.setattr("catalog.cli.projecting.is_behind", lambda _: False)
    data = str(tmp_path / "data")

    def command(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", data], catch_exceptions=False, **options)

    assert command("init").exit_code == 0
    for scope in ("lab", "lab/a"):
        assert command("scope", "add", scope, "--mode", "limited").exit_code == 0
    made = command("person", "add", "ito", "--name", "Haruka Ito", "--json", input="correct horse battery\n")
    assert made.exit_code == 0, made.output
    return command


def lines(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_was_done_is_listed_the_newest_first_and_by_what_it_was(run: Run) -> None:
    every = lines(run("audit", "list", "--json"))
    assert [line["position"] for line in every] == sorted((line["position"] for line in every), reverse=True)
    scopes = lines(run("audit", "list", "--act", "scope", "--json"))
    assert [line["scope"] for line in scopes] == ["lab/a", "lab"]
    assert [line["scope"] for line in lines(run("audit", "list", "--scope", "lab/a", "--json"))] == ["lab/a"]
    assert len(lines(run("audit", "list", "--limit", "1", "--json"))) == 1
    assert lines(run("audit", "list", "--until", "2020-01-01", "--json")) == []
    told = run("audit", "list", "--act", "person").stdout
    assert "Haruka Ito (person:" in told
    wrong = run("audit", "list", "--since", "yesterday")
    assert wrong.exit_code != 0
    assert "yesterday" in wrong.stderr


def test_the_export_holds_every_line_in_order_and_says_where_the_next_goes_on(run: Run) -> None:
    exported = run("audit", "export")
    every = lines(exported)
    assert [line["position"] for line in every] == list(range(1, len(every) + 1))
    assert f"--after {len(every)}" in exported.stderr
    run("scope", "set", "lab", "--mode", "everyone")
    (line,) = lines(run("audit", "export", "--after", str(len(every))))
    assert (line["act"], line["detail"]["now"]["open"]) == ("scope", True)
    nothing = run("audit", "export", "--after", str(line["position"]))
    assert (nothing.stdout, f"--after {line['position']}" in nothing.stderr) == ("", True)


def test_who_had_access_to_a_scope_is_told_with_when(run: Run) -> None:
    assert run("grant", "lab", "--to", "ito", "--right", "read").exit_code == 0
    run("scope", "set", "lab/a", "--mode", "everyone")
    (told,) = lines(run("audit", "access", "lab/a", "--json"))
    assert [(each["right"], each["scope"], each["heldUntil"]) for each in told["items"]] == [("read", "lab", None)]
    assert [(each["what"], each["until"]) for each in told["everyone"]] == [("metadata", None), ("data", None)]
    text = run("audit", "access", "lab/a").stdout
    assert "Haruka Ito" in text
    assert "everyone" in text
    (before,) = lines(run("audit", "access", "lab/a", "--at", "2020-01-01", "--json"))
    assert (before["items"], before["everyone"]) == ([], [])
    assert run("audit", "access", "nowhere").exit_code != 0
