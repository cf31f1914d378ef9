"""Each command, setting and endpoint is documented, and what is written for people is true of the tree."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.cli.command import COMMANDS
from catalog.questions.search import LONGEST_TEXT, MOST_WORDS
from catalog.records.kinds import load_kinds
from catalog.settings import KNOWN
from catalog.web.app import ROUTES
from scripts.write_docs import DOCS, MARKED, PARTS, up_to_date
from tests.conftest import PROJECT

PAGES = sorted([*DOCS.glob("*.md"), *PROJECT.glob("*.md"), PROJECT / "loaders" / "README.md"])
# Where a machine of somebody's keeps things; an example says DIR, or a folder of the reader's own.
MACHINE_PATHS = re.compile(r"(?<![A-Za-z0-9.])/(?:work|home|root|Users|tmp)/[A-Za-z0-9_]")


def tracked() -> Iterator[Path]:
    """Every text file of the project, or of its unpacked source where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0")[:-1] if done.returncode == 0 else []
    for path in [PROJECT / name for name in names] or sorted(PROJECT.rglob("*")):
        if path.is_file() and path.suffix in {
            ".md",
            ".py",
            ".toml",
            ".json",
            ".jsonld",
            ".ttl",
            ".html",
            ".css",
            ".sh",
            ".yml",
        }:
            yield path


@pytest.mark.parametrize("page", [page.name for page in sorted(DOCS.glob("*.md"))])
def test_what_is_made_from_the_code_is_up_to_date(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert up_to_date(text) == text, "run `make docs`"


def test_every_part_that_is_made_from_the_code_stands_on_one_page() -> None:
    found = [match["name"] for page in DOCS.glob("*.md") for match in MARKED.finditer(page.read_text("utf-8"))]
    assert sorted(found) == sorted(PARTS)


def test_every_command_setting_and_endpoint_is_on_its_page() -> None:
    told = {page.stem: page.read_text("utf-8") for page in DOCS.glob("*.md")}
    assert [name for name in KNOWN if f"| `{name}` |" not in told["settings"]] == []
    assert [name for name in COMMANDS if f"### `catalog {name}" not in told["cli"]] == []
    assert [one.path for one, _ in ROUTES if f"#### `{one.method} {one.path}`" not in told["rest"]] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_pages_name_are_there(page: Path) -> None:
    named = re.findall(
        r"`((?:catalog|schemas|ontologies|loaders|tests|docs|scripts)/[A-Za-z0-9_./-]+)`", page.read_text("utf-8")
    )
    # `x` stands for a name that the reader gives.
    assert [name for name in named if not (PROJECT / name).exists() and "/x." not in name] == []


def test_no_page_and_no_code_names_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(PROJECT)}: {match[0]}…"
        for path in tracked()
        if "tests" not in path.relative_to(PROJECT).parts[:1] and "examples" not in path.parts
        for match in MACHINE_PATHS.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_page_on_searching_names_the_bounds_and_the_titles_that_there_are() -> None:
    page = (DOCS / "searching.md").read_text(encoding="utf-8")
    assert f"up to {LONGEST_TEXT:,} characters and {MOST_WORDS} words" in page
    title = load_kinds()["sample"].field["sampleType"].titles["en"]
    assert f'"field": "sampleType", "title": "{title}"' in page


def test_every_target_of_make_that_people_call_is_described() -> None:
    text = (PROJECT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
    described = set(re.findall(r"^([a-z][a-z-]*):.*## \S", text, re.MULTILINE))
    assert targets == described
