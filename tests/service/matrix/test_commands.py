"""Every command that reads: as the administrator in the data folder, and over HTTP as each role that has a token."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from catalog.cli import remote
from catalog.cli.command import catalog as command_line
from catalog.questions.reader import ADMINISTRATOR
from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import CLOSED, ROLES, STATES, Told, in_seconds
from tests.service.matrix.judging import betrays
from tests.service.matrix.surfaces import COMMANDS, OVER_HTTP, Reads

ADMINISTRATORS = ROLES["administrator"]
READING = [(name, reads) for name, called in COMMANDS.items() if not isinstance(called, str) for reads in called]


def commands_in(group: click.Group, above: str = "") -> Iterator[str]:
    """Every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands_in(found, f"{above}{name} ")
        else:
            yield above + name


def test_every_command_is_in_the_matrix() -> None:
    commands = set(commands_in(command_line))
    assert commands - set(COMMANDS) == set(), "say in surfaces.py how these are called, and what they may reveal"
    assert set(COMMANDS) - commands == set(), "these are no commands any more"
    assert {name for name, called in COMMANDS.items() if called == "over http"} <= set(OVER_HTTP)
    assert set(OVER_HTTP) <= commands


def run(told: Told, name: str, words: str) -> Result:
    folder = str(told.catalog.settings.data)
    return CliRunner().invoke(command_line, [*name.split(), *shlex.split(words), "--data", folder])


@pytest.mark.parametrize(("name", "reads"), READING, ids=[f"{name} {reads.words}" for name, reads in READING])
def test_a_command_reads_what_its_administrator_may_see(told: Told, name: str, reads: Reads) -> None:
    if reads.of == "one":
        one_by_one(told, name, reads)
        return
    answer = run(told, name, reads.words.format(scope=CLOSED))
    assert answer.exit_code == 0, answer.output
    if reads.of == "many":
        listed = {kept.state for kept in STATES.values() if ADMINISTRATORS.lists(kept, reads.status)}
        found = {kept.state for kept in STATES.values() if kept.word in answer.stdout}
        assert listed <= found
        # What was merged away may be in an index still; what has another status is nowhere.
        assert {STATES[each].status for each in found} <= {reads.status}


def one_by_one(told: Told, name: str, reads: Reads) -> None:
    wrong = []
    for kept in STATES.values():
        answer = run(told, name, reads.words.format(id=kept.id))
        seen = reads.rule(ADMINISTRATORS, kept)
        # One that was merged is followed, as a browser would.
        shown = STATES[kept.into] if seen == "moved" and kept.into is not None else kept
        if (answer.exit_code == 0) != (seen in ("shown", "moved")):
            wrong.append(f"{kept.state} is not {seen}: {answer.exit_code} {answer.output[:200]!r}")
        if seen == "gone" and kept.word not in answer.output:
            wrong.append(f"{kept.state}: lacks why it is gone: {answer.output[:200]!r}")
        told_of = getattr(shown, reads.tells, None)
        if reads.tells == "file" and not ADMINISTRATORS.files(shown):
            told_of = None
        if seen in ("shown", "moved") and told_of is not None and told_of not in answer.stdout:
            wrong.append(f"{kept.state}: lacks its {reads.tells}: {answer.output[:200]!r}")
    absent = run(told, name, reads.words.format(id=STATES["public"].absent.id))
    assert absent.exit_code != 0
    assert wrong == []


# --- over HTTP


@pytest.fixture
def signed_in(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Be signed in as a role: with the token that it has, or one with all that it holds."""

    def through(method: str, address: str, *, headers: dict[str, str], json: Any, timeout: float) -> httpx.Response:
        del timeout
        assert method == "GET"
        assert json is None
        answer: Answer = told.asking.ask(method, address.removeprefix(told.catalog.base), headers)
        return httpx.Response(answer.status, headers=list(answer.headers), content=answer.body)

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(httpx, "request", through)

    def become(role: str) -> None:
        carried = told.carried[role].get("authorization", "").removeprefix("Bearer ")
        if not carried and role in told.people:
            made = told.catalog.tokens.make_for(
                told.people[role], ADMINISTRATOR, "a command line", until=in_seconds(86_400)
            )
            carried = made.value
        # Who carries neither asks as nobody does who signed in.
        remote.keep(remote.Kept(told.catalog.base, carried or "mst_none", "none", in_seconds(86_400), role))

    return become


@pytest.mark.parametrize("role", ROLES)
def test_a_command_over_http_tells_what_a_role_may_see(told: Told, signed_in: Any, role: str) -> None:
    signed_in(role)
    asker = ROLES[role]
    for name, ways in OVER_HTTP.items():
        for words in ways:
            at = told.catalog.base if name == "whoami" else f"--at {told.catalog.base}"
            answer = CliRunner().invoke(command_line, [*name.split(), *shlex.split(f"{words} {at}")])
            said = Answer(0, (), answer.output.encode())
            found = set(betrays(said, asker))
            if role == "part of a manager":
                # Whose token it is.
                found.discard("who manager is")
            assert found == set(), f"{name} {words}"
            assert answer.exception is None or isinstance(answer.exception, SystemExit), f"{name} {words}"
            if name == "list" and role in ("writer", "manager"):
                assert answer.exit_code == 0, answer.output
                draft, limited = STATES["draft"], STATES["limited and draft"]
                assert draft.id in answer.output or "--invalid" in words
                assert limited.id in answer.output or "--invalid" in words
            if role == "anonymous":
                assert answer.exit_code != 0, f"{name} {words}"
