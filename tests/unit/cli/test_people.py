"""`catalog person`, `invite` and `reset`: one-time links that work, passwords that are not shown, and people who end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from catalog.assembly import Catalog, open_catalog
from catalog.cli import catalog
from catalog.questions.browser import Browser
from catalog.questions.reader import ADMINISTRATOR
from catalog.settings import read_settings

Run = Callable[..., Result]
PASSWORD = "correct horse battery"
HERE = Browser("192.0.2.1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people") / "data"
    open_catalog(read_settings({}, data=folder, base="https://catalogue.example.org/")).close()
    return folder


@pytest.fixture
def run(data: Path) -> Run:
    def command(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", str(data)], catch_exceptions=False, **options)

    return command


def opened(data: Path) -> closing[Catalog]:
    return closing(open_catalog(read_settings({}, data=data)))


def added(run: Run, login: str, *more: str) -> dict[str, Any]:
    done = run("person", "add", login, "--name", "Haruka Ito", "--json", *more, input=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def value_of(done: Result, word: str) -> str:
    """What the one-time address on standard output holds."""
    assert done.exit_code == 0, done.output
    address = urlsplit(done.stdout.strip())
    assert f"{address.scheme}://{address.netloc}" == "https://catalogue.example.org"
    first, value = address.path.strip("/").split("/")
    assert first == word
    return value


def test_an_account_is_made_with_a_password_from_standard_input(run: Run, data: Path) -> None:
    made = added(run, "First", "--email", "ito@example.org", "--orcid", "0000-0002-1825-0097", "--administrator")
    assert (made["login"], made["email"], made["administrator"]) == ("first", "ito@example.org", True)
    assert PASSWORD not in run("person", "list", "--json").output
    with opened(data) as house:
        assert house.accounts.sign_in("first", PASSWORD, HERE) is not None
    for more, wrong in ((("--orcid", "0000"), "orcid"), (("--email", "none"), "email")):
        refused = run("person", "add", "second", "--name", "S", *more, input=f"{PASSWORD}\n")
        assert refused.exit_code != 0
        assert wrong in refused.stderr
    short = run("person", "add", "second", "--name", "S", input="short\n")
    assert short.exit_code != 0
    taken = run("person", "add", "FIRST", "--name", "S", input=f"{PASSWORD}\n")
    assert taken.exit_code not in (0, short.exit_code)


def test_an_invitation_is_printed_once_and_makes_an_account(run: Run, data: Path) -> None:
    value = value_of(run("invite", "--name", "Ken Sato"), "invitation")
    with opened(data) as house:
        house.accounts.accept(value, HERE, login="sato", password=PASSWORD, name="Ken Sato")
        assert house.accounts.sign_in("sato", PASSWORD, HERE) is not None
    told = json.loads(run("invite", "--days", "3", "--json").stdout)
    assert set(told) == {"address", "until"}
    assert run("invite", "--days", "91").exit_code == 2


def test_a_reset_link_sets_a_password_of_whoever_is_named(run: Run, data: Path) -> None:
    made = added(run, "forgetful", "--email", "forgetful@example.org")
    for who in (made["id"], "FORGETFUL"):
        value = value_of(run("reset", who), "reset")
        with opened(data) as house:
            house.accounts.reset(value, HERE, password=f"for {who}, long enough")
            assert house.accounts.sign_in("forgetful", f"for {who}, long enough", HERE) is not None
    assert run("reset", "nobody").exit_code == run("person", "end", "nobody").exit_code != 0
    # Everybody writes their own address, and may write somebody else's.
    assert run("reset", "forgetful@example.org").exit_code != 0


def test_an_administrator_is_made_and_unmade_and_a_person_ended(run: Run, data: Path) -> None:
    made = added(run, "ender")
    assert json.loads(run("person", "administrator", "ender", "--json").stdout)["administrator"] is True
    assert json.loads(run("person", "administrator", "ender", "--no", "--json").stdout)["administrator"] is False
    with opened(data) as house:
        value = house.accounts.sign_in("ender", PASSWORD, HERE)
        assert value is not None
        for scope in ("room-a", "room-b"):
            house.scopes.create(scope, ADMINISTRATOR)
            house.grants.grant(scope, ["manage"], made["id"], ADMINISTRATOR)
    told = run("person", "end", "ender")
    assert told.exit_code == 0
    for scope in ("room-a", "room-b"):
        assert f"catalog grant {scope} --to PERSON --right manage" in told.stderr
    assert json.loads(run("person", "end", added(run, "another")["id"], "--json").stdout)["unmanaged"] == []
    assert made["id"] not in run("person", "list").stdout
    with opened(data) as house:
        assert house.sessions.reader(value) is None
        assert house.accounts.sign_in("ender", PASSWORD, HERE) is None
