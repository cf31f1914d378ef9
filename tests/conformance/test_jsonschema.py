"""JSON-Schema-Test-Suite, draft 2020-12 with its optional parts and formats, through the very function that the gate compiles with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from catalog.validation.schema import compile_schema, registry_of
from tests.conformance.gaps import hold, hold_names

REMOTES = "http://localhost:1234/"


@pytest.fixture(scope="module")
def suite(test_data: Path) -> Path:
    return test_data / "suites" / "jsonschema"


@pytest.fixture(scope="module")
def remotes(suite: Path) -> jsonschema_rs.Registry:
    folder = suite / "remotes"
    return registry_of(
        {
            REMOTES + str(path.relative_to(folder)): json.loads(path.read_text())
            for path in sorted(folder.rglob("*.json"))
        }
    )


def _cases(suite: Path) -> Iterator[tuple[str, str, Any, list[tuple[str, Any, bool]]]]:
    folder = suite / "tests" / "draft2020-12"
    for path in sorted(folder.rglob("*.json")):
        file = str(path.relative_to(folder).with_suffix(""))
        for group in json.loads(path.read_text()):
            tests = [
                (f"{file}: {group['description']}: {test['description']}", test["data"], test["valid"])
                for test in group["tests"]
            ]
            yield file, group["description"], group["schema"], tests


def test_json_schema_2020_12_is_judged_as_its_own_suite_says(suite: Path, remotes: jsonschema_rs.Registry) -> None:
    ran: list[str] = []
    failed: list[str] = []
    for file, _, schema, tests in _cases(suite):
        # Formats are assertions in the gate. The suite's main part holds them for annotations, its files of formats not.
        means = "assertion" if file.startswith("optional/format") else "annotation"
        try:
            validator = compile_schema(schema, registry=remotes, format_means=means)
        except jsonschema_rs.ValidationError:
            failed += [name for name, _, _ in tests]
            ran += [name for name, _, _ in tests]
            continue
        for name, data, valid in tests:
            ran.append(name)
            if validator.is_valid(data) != valid:
                failed.append(name)
    assert len(ran) > 2000
    assert len(set(ran)) == len(ran), "two tests of one name would hide each other"
    hold_names("jsonschema", ran)
    hold("jsonschema", ran, failed)


def test_each_refusal_has_a_finding_and_each_acceptance_none(suite: Path, remotes: jsonschema_rs.Registry) -> None:
    """The way that explains must agree with the way that decides."""
    for file, _, schema, tests in _cases(suite):
        means = "assertion" if file.startswith("optional/format") else "annotation"
        try:
            validator = compile_schema(schema, registry=remotes, format_means=means)
        except jsonschema_rs.ValidationError:
            continue
        for name, data, _ in tests:
            assert validator.is_valid(data) == (not list(validator.iter_errors(data))), name
