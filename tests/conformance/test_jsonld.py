"""The W3C's JSON-LD suite, toRdf, through the engine that maps the linked form by its context."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from tests.conformance.gaps import hold, hold_names


@dataclass(frozen=True)
class Case:
    name: str
    input: Path
    base: str
    expected: Path | None
    refused: bool
    options: dict[str, Any]


def _cases(folder: Path) -> Iterator[Case]:
    manifest = json.loads((folder / "toRdf-manifest.jsonld").read_text())
    for entry in manifest["sequence"]:
        options = entry.get("option", {})
        # What JSON-LD 1.1 replaced is not asked of a 1.1 processor (the suite's own rule).
        if options.get("specVersion") == "json-ld-1.0" or options.get("processingMode") == "json-ld-1.0":
            continue
        yield Case(
            name=entry["@id"].lstrip("#"),
            input=folder / entry["input"],
            base=options.get("base", manifest["baseIri"] + entry["input"]),
            expected=folder / entry["expect"] if "expect" in entry else None,
            refused="jld:NegativeEvaluationTest" in entry["@type"],
            options=options,
        )


@pytest.fixture(scope="module")
def cases(test_data: Path) -> list[Case]:
    return list(_cases(test_data / "suites" / "jsonld"))


def _dataset(quads: Iterator[ox.Quad]) -> ox.Dataset:
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def _passes(case: Case) -> bool:
    try:
        # As `records/triples.py` reads the linked form.
        store = ox.Store()
        store.load(case.input.read_bytes(), format=ox.RdfFormat.JSON_LD, base_iri=case.base)
        found = _dataset(iter(store))
    except (SyntaxError, ValueError):
        return case.refused
    if case.refused:
        return False
    if case.expected is None:
        return True
    return found == _dataset(ox.parse(case.expected.read_bytes(), format=ox.RdfFormat.N_QUADS))


def test_json_ld_becomes_the_triples_that_the_w3c_says(cases: list[Case]) -> None:
    failed = [case.name for case in cases if not _passes(case)]
    assert len(cases) > 350
    hold_names("jsonld", [case.name for case in cases])
    hold("jsonld", [case.name for case in cases], failed)
