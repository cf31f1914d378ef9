"""Who may do what in a scope, said at the command line by whoever runs the machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on a catalogue of this test alone with a scope in it and somebody who signs in as ito."""
    monkeypatch.setattr("catalog.cli.projecting.is_behind", lambda _: False)

    def command(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(
            catalog, [*words, "--data", str(tmp_path / "data")], catch_exceptions=False, **options
        )

    for words in (("init",), ("scope", "add", "lab"), ("person", "add", "ito", "--name", "Haruka Ito")):
        done = command(*words, input="correct horse battery\ncorrect horse battery\n")
        assert done.exit_code == 0, done.output
    return command


def told(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_right_is_given_listed_and_taken_back(run: Run) -> None:
    given = told(
        run("grant", "lab", "--to", "ito", "--right", "read", "--right", "download", "--until", "2099-01-01", "--json")
    )
    assert [each["right"] for each in given] == ["read", "download"]
    assert given[0]["holder"]["name"] == "Haruka Ito"
    shown = run("sharing", "lab")
    assert given[0]["id"] in shown.stdout
    assert "Haruka Ito" in shown.stdout

    assert run("revoke", given[0]["id"], "--why", "has left").exit_code == 0
    (left,) = told(run("sharing", "lab", "--json"))
    assert [each["right"] for each in left["permissions"]] == ["download"]
    (every,) = told(run("sharing", "lab", "--ended", "--json"))
    assert len(every["permissions"]) == 2
    assert run("grant", "lab", "--to", "nobody", "--right", "read").exit_code == 3
    assert run("revoke", "0123").exit_code == 3


def test_a_link_is_shown_once_listed_and_taken_back(run: Run) -> None:
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    (made,) = told(run("link", "make", "lab", "Reviewers", "--until", soon, "--download", "--json"))
    assert made["address"].endswith(f"link#{made['token']}")
    assert made["rights"] == ["read", "download"]
    shown = run("link", "list", "lab")
    assert made["id"] in shown.stdout
    assert made["token"] not in shown.stdout
    assert run("link", "end", made["id"]).exit_code == 0
    assert told(run("link", "list", "lab", "--json")) == []
    assert run("link", "end", made["id"]).exit_code == 3
    assert run("link", "make", "lab", "Reviewers", "--until", "2999-01-01").exit_code != 0


def test_the_last_manager_is_kept_here_too(run: Run) -> None:
    (mine,) = told(run("grant", "lab", "--to", "ito", "--right", "manage", "--json"))
    refused = run("revoke", mine["id"])
    assert refused.exit_code == 4
    assert "Haruka Ito" in refused.stderr


def test_a_scope_is_opened_and_its_data_are_put_on_approval(run: Run) -> None:
    (opened,) = told(run("sharing", "lab", "--mode", "everyone", "--json"))
    assert opened["scope"]["mode"] == "everyone"
    (changed,) = told(
        run("scope", "set", "lab", "--data-mode", "approval", "--resource", "https://data.example/1", "--json")
    )
    assert (changed["dataMode"], changed["resource"]) == ("approval", "https://data.example/1")
    (left,) = told(run("scope", "set", "lab", "--data-mode", "inherit", "--resource", "inherit", "--json"))
    assert (left["dataMode"], left["resource"]) == ("open", None)


def test_a_group_is_made_filled_and_dissolved(run: Run) -> None:
    assert run("group", "add", "users", "--title", "Users").exit_code == 0
    (joined,) = told(run("group", "join", "users", "ito", "--manages", "--json"))
    assert [(each["name"], each["manages"]) for each in joined["members"]] == [("Haruka Ito", True)]
    assert "group:users" in run("group", "list").stdout
    assert run("group", "claim", "users", "nobody", "x").exit_code == 3
    assert run("group", "leave", "users", "ito").exit_code == 0
    assert "Haruka Ito" not in run("group", "show", "group:users").stdout
    assert run("group", "end", "users").exit_code == 0
    assert run("group", "show", "users").exit_code == 3


def test_requests_are_listed_and_one_that_is_not_there_is_not_answered(run: Run) -> None:
    assert told(run("request", "list", "--json")) == []
    assert told(run("request", "list", "lab", "--json")) == []
    assert run("request", "list", "other").exit_code == 3
    assert run("request", "grant", "0123", "--until", "2099-01-01").exit_code == 3
    assert run("request", "refuse", "0123").exit_code == 3
    assert run("request", "grant", "0123").exit_code == 2
