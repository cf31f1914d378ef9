"""`catalog vocabulary`: what it answers and what it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog

Run = Callable[..., Result]
SKOS = """@prefix s: <http://www.w3.org/2004/02/skos/core#> . @prefix p: <http://purl.org/pan-science/PaNET/> .
p:new a s:Concept ; s:prefLabel "new"@en ; s:broader p:PaNET01022 . <https://w/x> a s:Concept ; s:prefLabel "x"@en ."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command, on an empty catalogue."""

    def command(*words: str) -> Result:
        return CliRunner().invoke(catalog, [*words, "--data", str(tmp_path / "data")], catch_exceptions=False)

    assert command("init").exit_code == 0
    return command


def test_the_shipped_vocabulary_makes_what_it_needs_and_is_the_same_the_second_time(run: Run) -> None:
    listed = CliRunner().invoke(catalog, ["vocabulary", "list", "--json"], catch_exceptions=False)
    assert json.loads(listed.stdout)["name"] == "techniques"
    assert run("vocabulary", "load", "techniques", "--dry-run").exit_code != 0  # whose source is not there yet
    first = run("vocabulary", "load", "techniques", "--json")
    assert (first.exit_code, json.loads(first.stdout)["counts"]) == (0, {"created": 76})
    assert run("vocabulary", "load", "techniques").stderr == "unchanged 76\n"
    told = json.loads(run("vocabulary", "show", "panet:PaNET01199", "--json").stdout)
    assert {"name": "X線吸収端近傍構造", "language": "ja", "preferred": True} in told["names"]
    assert told["above"][0].endswith("PaNET01197")
    assert run("vocabulary", "show", "panet:nothing").exit_code != 0
    assert run("vocabulary", "show", "pan:PaNET01199").exit_code != 0


def test_a_file_is_loaded_under_a_source_and_what_is_left_out_is_told(run: Run, tmp_path: Path) -> None:
    run("vocabulary", "load", "techniques")
    file = tmp_path / "more.ttl"
    file.write_text(SKOS, "utf-8")
    assert "would be: created 1" in run("vocabulary", "load", str(file), "--source", "panet", "--dry-run").stderr
    done = run("vocabulary", "load", str(file), "--source", "panet")
    assert (done.exit_code, done.stderr) == (0, "created 1\n")
    assert done.stdout.startswith("not taken in: https://w/x  no prefix of the source panet begins this IRI")
    below = json.loads(run("vocabulary", "show", "panet:PaNET01022", "--json").stdout)["below"]
    assert "http://purl.org/pan-science/PaNET/new" in below


def test_a_file_of_which_nothing_can_be_taken_in_is_not_told_as_empty(run: Run, tmp_path: Path) -> None:
    run("vocabulary", "load", "techniques")
    file = tmp_path / "others.ttl"
    file.write_text(
        "<https://w/x> a <http://www.w3.org/2004/02/skos/core#Concept> ;\n"
        ' <http://www.w3.org/2004/02/skos/core#prefLabel> "x"@en .\n',
        "utf-8",
    )
    done = run("vocabulary", "load", str(file), "--source", "panet")
    assert done.stdout.startswith("not taken in: https://w/x")
    assert done.stderr == "nothing was taken in\n"


def test_what_is_needed_is_asked_for(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "more.ttl"
    file.write_text(SKOS, "utf-8")
    assert "--source" in run("vocabulary", "load", str(file)).output
    assert "techniques" in run("vocabulary", "load", "nowhere.ttl").output
    odd = tmp_path / "more.txt"
    odd.write_text(SKOS, "utf-8")
    assert "--format" in run("vocabulary", "load", str(odd), "--source", "panet").output
    assert "no source" in run("vocabulary", "load", str(file), "--source", "panet").output
