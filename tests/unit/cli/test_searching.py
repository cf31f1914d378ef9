"""`catalog search`: words, filters, facets, histograms; for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from catalog.cli import catalog

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command, on the sample catalogue."""
    data = tmp_path_factory.mktemp("searching") / "data"
    made = CliRunner().invoke(catalog, ["sample", "--data", str(data)])
    assert made.exit_code == 0, made.output
    followed = CliRunner().invoke(catalog, ["follow", "--once", "--data", str(data)])
    assert followed.exit_code == 0, followed.output

    def command(*words: str) -> Result:
        return CliRunner().invoke(catalog, ["search", *words, "--data", str(data)], catch_exceptions=False)

    return command


def test_words_are_found_best_first_with_what_is_left_out_left_out(run: Run) -> None:
    found = run("esterase crystal")
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines()[0].startswith("sample/spring8/mx/est-07  Esterase crystal 07")
    assert "found" in found.stderr
    without = run("cathode -XAFS").stdout
    assert "sample/spring8/s-001/200" in without
    assert "seq-0042" not in without
    assert "agent/spring8/person/tanaka-kenji" in run("田中健二").stdout


def test_filters_need_no_words_beside_them(run: Run) -> None:
    found = run("kind=experiment", "energy=7..8 keV")
    assert [line.split()[0] for line in found.stdout.splitlines()] == ["experiment/spring8/2026A1234/seq-0042"]


def test_facets_and_histograms_are_told_below_the_hits(run: Run) -> None:
    found = run("kind=experiment", "source=spring8", "--facet", "kind", "--histogram", "startedAt:year").stdout
    assert "Experiment" in found
    assert "2026" in found
    assert "█" in found
    quantity = run("kind=sample", "--histogram", "amount:0..5..100 mg").stdout
    assert "(mg)" in quantity


def test_json_is_a_line_for_each_hit_and_one_with_the_counts(run: Run) -> None:
    found = run("cathode", "--facet", "kind", "--limit", "2", "--json")
    *hits, rest = (json.loads(line) for line in found.stdout.splitlines())
    assert len(hits) == 2
    assert {"id", "title", "score", "highlights"} <= hits[0].keys()
    assert rest["total"] > 2
    assert rest["facets"][0]["field"] == "kind"
    following = run("cathode", "--limit", "2", "--cursor", rest["next"], "--json").stdout.splitlines()
    # Each command is a process that has not seen the page before; nothing has changed since.
    assert json.loads(following[0])["id"] not in {hit["id"] for hit in hits}


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["x", "kind=smaple"], "sample"),
        (["x", "--facet", "knd"], "kind"),
        (["x", "--histogram", "startdAt:year"], "startedAt"),
        (["x" * 2_001], "2000"),
    ],
)
def test_a_mistake_is_told(run: Run, words: list[str], near: str) -> None:
    refused = run(*words)
    assert refused.exit_code == 1
    assert near in refused.stderr
