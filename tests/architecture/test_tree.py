"""The tree says where things are: imports point down, rooms have their sentence, names are names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

TOP_LEVEL = [
    "pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".ci/run",
    "catalog/errors.py", "catalog/settings.py", "catalog/assembly.py", "catalog/py.typed", "loaders/README.md",
    "loaders/catalog_loaders/__init__.py", "schemas/kinds/common.schema.json", "schemas/submission.schema.json", "ontologies/musubi.ttl",
    "ontologies/context/common.jsonld", "ontologies/shapes/common.ttl", "docs/index.md", "docs/settings.md", "docs/cli.md",
    "docs/mirror.md", "docs/architecture.md", "docs/decisions.md", "docs/operations.md", "docs/profiles.md", "docs/performance.md",
]  # fmt: skip
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "misc"}


def source_files() -> list[Path]:
    return sorted([*(PROJECT / "catalog").rglob("*.py"), *(PROJECT / "loaders").rglob("*.py")])


def test_imports_point_down_the_river() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TOP_LEVEL)
def test_what_a_well_kept_project_has_is_there(path: str) -> None:
    assert (PROJECT / path).is_file()


def test_every_kind_has_its_schema_shapes_context_and_examples() -> None:
    kinds = [path.name.removesuffix(".schema.json") for path in (PROJECT / "schemas" / "kinds").glob("*.schema.json")]
    assert len(kinds) == 15, "the fourteen kinds and what they have in common"
    for kind in kinds:
        assert (PROJECT / "ontologies" / "context" / f"{kind}.jsonld").is_file(), kind
        assert (PROJECT / "ontologies" / "shapes" / f"{kind}.ttl").is_file(), kind
        if kind != "common":
            assert list((PROJECT / "schemas" / "examples" / "good" / kind).glob("*.json")), kind
            assert list((PROJECT / "schemas" / "examples" / "bad" / kind).glob("*.json")), kind


def test_each_room_says_in_one_sentence_what_it_is() -> None:
    for room in sorted((PROJECT / "catalog").rglob("__init__.py")):
        # Alembic reads its folder of steps itself; it is no room.
        if "migrations" in room.parts:
            continue
        told = ast.get_docstring(ast.parse(room.read_text("utf-8"))) or ""
        assert told, f"{room.relative_to(PROJECT)} says nothing"
        assert told.split("\n\n")[0].strip()[-1] in ".?", room.relative_to(PROJECT)


def test_each_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(PROJECT))
        for path in source_files()
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_nothing_is_named_as_a_drawer() -> None:
    assert [str(path) for path in source_files() if path.stem in DRAWERS or path.parent.name in DRAWERS] == []


def test_only_the_settings_read_the_environment() -> None:
    # Ruff bans the usual ways; this finds the unusual ones too.
    for path in source_files():
        if path != PROJECT / "catalog" / "settings.py":
            names = {
                node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)
            }
            assert not names & {"environ", "getenv", "environb"}, path
