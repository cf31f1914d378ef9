"""`catalog issuer` and `catalog workload`, with an issuer that answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog
from tests.service.issuers.forger import Forger, forging

pytestmark = pytest.mark.slow  # each command opens the catalogue anew

Run = Callable[..., Result]


@pytest.fixture
def forger() -> Iterator[Forger]:
    with forging() as made:
        yield made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on an empty catalogue."""
    monkeypatch.setattr("catalog.cli.projecting.is_behind", lambda _: False)
    folder = tmp_path / "data"
    made = CliRunner().invoke(catalog, ["init", "--data", str(folder), "--base", "https://catalogue.example.org/"])
    assert made.exit_code == 0, made.output

    def invoke(*words: str, input: str | None = None) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", str(folder)], input=input)

    return invoke


def test_an_issuer_is_added_shown_changed_and_ended(run: Run, forger: Forger, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    added = run(
        *("issuer", "add", "spring8", forger.address, "--title", "ja=SPring-8 ID", "--client", "catalog"),
        *("--secret-file", str(secret), "--for", "sign-in", "--for", "workloads", "--groups-claim", "isMemberOf"),
        "--json",
    )
    assert added.exit_code == 0, added.output
    assert "https://catalogue.example.org/sign-in/callback" in added.stderr
    told = json.loads(added.stdout)
    assert (told["purposes"], told["hasSecret"], told["groupsClaim"]) == (["sign-in", "workloads"], True, "isMemberOf")
    assert told["title"] == {"ja": "SPring-8 ID"}
    assert "hush" not in added.output
    assert forger.address in run("issuer", "list").stdout
    assert "hush" not in run("issuer", "show", "spring8").stdout
    changed = run("issuer", "set", "spring8", "--passports", "--secret-file", "-", "--json", input="anew")
    told = json.loads(changed.stdout)
    assert told["passports"] is True
    assert told["groupsClaim"] == "isMemberOf"
    assert "ga4gh_passport_v1" in told["scopes"]
    # Without options what it says of itself is read anew.
    before = forger.asked["/.well-known/openid-configuration"]
    assert run("issuer", "set", "spring8").exit_code == 0
    assert forger.asked["/.well-known/openid-configuration"] == before + 1
    assert run("issuer", "end", "spring8").exit_code == 0
    assert forger.address not in run("issuer", "list").stdout
    assert run("issuer", "end", "spring8").exit_code != 0


def test_what_is_no_issuer_is_refused_with_what_would_be_right(run: Run, forger: Forger) -> None:
    plain = run("issuer", "add", "one", "http://login.example.org", "--client", "c")
    assert plain.exit_code != 0
    assert "https://" in plain.stderr
    other = run("issuer", "add", "one", forger.address + "/", "--client", "c")
    assert other.exit_code != 0
    assert forger.address in other.stderr
    assert run("issuer", "add", "one", forger.address).exit_code != 0
    assert run("issuer", "add", "one", forger.address, "--client", "c", "--for", "everything").exit_code == 2
    assert run("issuer", "list", "--json").stdout == ""
    # The same, said rightly.
    assert run("issuer", "add", "one", forger.address, "--for", "workloads").exit_code == 0


def test_a_workload_is_registered_listed_and_ended(run: Run, forger: Forger) -> None:
    assert run("workload", "add", "one", "robot", "--name", "Robot").exit_code != 0
    assert run("issuer", "add", "one", forger.address, "--for", "workloads").exit_code == 0
    made = run("workload", "add", "one", "robot", "--name", "Robot", "--agent", "agent/lab/robot-1")
    assert made.exit_code == 0, made.output
    id = made.stdout.strip()
    assert id.startswith("workload:")
    (listed,) = map(json.loads, run("workload", "list", "--json").stdout.splitlines())
    assert (listed["id"], listed["subject"], listed["agent"]) == (id, "robot", "agent/lab/robot-1")
    assert id in run("workload", "list").stdout
    assert run("workload", "add", "one", "another", "--name", "x", "--agent", "sample/lab/1").exit_code != 0
    assert run("workload", "end", id).exit_code == 0
    assert run("workload", "list", "--json").stdout == ""
    assert run("workload", "end", id).exit_code != 0
