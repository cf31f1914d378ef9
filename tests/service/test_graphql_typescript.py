"""Types for TypeScript are made from the committed schema by graphql-codegen; a program with them compiles and enters a valid record."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from graphql import OperationDefinitionNode, parse, print_ast

from tests.conftest import PROJECT
from tests.service.conftest import Served
from tests.service.test_graphql_http import npm as npm

HERE: Final = Path(__file__).parent / "graphql_clients" / "typescript"
STRICT: Final = (
    "--strict",
    "--noUncheckedIndexedAccess",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--lib",
    "es2022,dom",
)

pytestmark = pytest.mark.service


def done(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, npm: Path) -> Path:
    """A folder with the program and the types that were made for its operations."""
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("operations.graphql", "enter.ts"):
        shutil.copy(HERE / name, folder / name)
    (folder / "package.json").write_text('{"private": true, "type": "commonjs"}', "utf-8")
    (folder / "node_modules").symlink_to(npm / "node_modules")
    settings = {
        "schema": str(PROJECT / "schemas" / "catalog.graphql"),
        "documents": "operations.graphql",
        "generates": {
            "types.ts": {
                "plugins": ["typescript", "typescript-operations"],
                "config": {"enumsAsTypes": True, "skipTypename": False, "nonOptionalTypename": True},
            }
        },
    }
    (folder / "codegen.json").write_text(json.dumps(settings), "utf-8")
    written = done(npm / "node_modules/.bin/graphql-codegen", "--config", "codegen.json", folder=folder)
    assert written.returncode == 0, written.stdout + written.stderr
    return folder


def test_a_program_with_types_of_the_schema_enters_a_valid_record(made: Path, npm: Path, served: Served) -> None:
    compiled = done(npm / "node_modules/.bin/tsc", *STRICT, "enter.ts", folder=made)
    assert compiled.returncode == 0, compiled.stdout
    operations = {
        each.name.value: print_ast(each)
        for each in parse((HERE / "operations.graphql").read_text("utf-8")).definitions
        if isinstance(each, OperationDefinitionNode) and each.name is not None
    }
    ran = done(
        "node",
        "enter.js",
        f"{served.address}graphql",
        served.token,
        operations["Enter"],
        operations["Told"],
        folder=made,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["outcome"] in ("CREATED", "UNCHANGED")
    sample = {"id": "sample/lab/typescript/s-1", "title": "正極シート", "amount": {"value": 500.0, "unit": "mg"}}
    assert {name: value for name, value in told["sample"].items() if name != "__typename"} == sample


def test_a_program_that_says_what_the_schema_does_not_have_does_not_compile(made: Path, npm: Path) -> None:
    text = (made / "enter.ts").read_text("utf-8")
    assert 'sampleType: "solid"' in text
    (made / "wrong.ts").write_text(text.replace('sampleType: "solid"', "sampleTyp: 3"), "utf-8")
    compiled = done(npm / "node_modules/.bin/tsc", *STRICT, "--noEmit", "wrong.ts", folder=made)
    assert compiled.returncode != 0
    assert "sampleTyp" in compiled.stdout
