"""The profiles that come with the software: their good examples pass, each bad one fails for its one stated reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.records.kinds import load_kinds
from catalog.records.parse import read_submission
from catalog.validation.profiles import ShippedProfile, compile_profile
from tests.unit.validation.shipped_gate import SHIPPED, gate

FIRST_COMMUNITIES = {
    "insdc-biosample": "sample",
    "insdc-bioproject": "project",
    "insdc-sra": "experiment",
    "jga": "dataset",
    "spring8-measurement": "experiment",
    "spring8-sample": "sample",
    "nims-rde": "dataset",
    "panosc": "dataset",
    "basepair-sample": "sample",
    "isa-study": "project",
}


def examples(which: str) -> list[Any]:
    return [
        pytest.param(profile, path, id=f"{profile.name}/{path.stem}")
        for profile in SHIPPED
        for path in getattr(profile, which)
    ]


def test_each_first_community_has_its_profile() -> None:
    assert FIRST_COMMUNITIES.items() <= {one.name: one.kind for one in SHIPPED}.items()


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda one: one.name)
def test_a_profile_is_told_in_both_languages_and_has_examples_of_both_sorts(profile: ShippedProfile) -> None:
    for told in (profile.title, profile.description):
        assert set(told) == {"en", "ja"}
        assert all(text.strip() for text in told.values())
    assert len(profile.good) >= 2
    assert len(profile.bad) >= 3
    bodies = [json.loads(path.read_text(encoding="utf-8"))["body"] for path in profile.good]
    assert any({"en", "ja"} <= set(text) for body in bodies for text in body.values() if isinstance(text, dict)), (
        "no good example speaks both languages"
    )


def untold(schema: Any, pointer: str = "") -> Iterator[str]:
    """Where a finding could only name a key: a field without its name in both languages."""
    if not isinstance(schema, dict):
        return
    for keyword in ("if", "contains", "not"):
        schema = {key: part for key, part in schema.items() if key != keyword}
    for name, part in schema.get("properties", {}).items():
        here = f"{pointer}/{name}"
        rules = isinstance(part, dict) and set(part) - {"properties", "items", "allOf"}
        if rules and not ("title" in part and {"title", "description"} <= set(part.get("x-ja", {}))):
            yield here
        yield from untold(part, here)
    for keyword in ("items", "then", "else"):
        yield from untold(schema.get(keyword), f"{pointer}/{keyword}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for number, part in enumerate(schema.get(keyword, ())):
            yield from untold(part, f"{pointer}/{keyword}/{number}")
    for name, part in schema.get("$defs", {}).items():
        yield from untold(part, f"{pointer}/$defs/{name}")


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda one: one.name)
def test_what_a_profile_asks_of_a_field_has_a_name_in_both_languages(profile: ShippedProfile) -> None:
    assert list(untold(profile.schema)) == []


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda one: one.name)
def test_a_shipped_profile_needs_no_repair(profile: ShippedProfile) -> None:
    made = compile_profile(
        profile.name, profile.version, profile.kind, profile.schema, profile.shapes, kinds=load_kinds()
    )
    assert made.notes == ()


@pytest.mark.parametrize(("profile", "path"), examples("good"))
def test_a_good_example_keeps_its_profile(profile: ShippedProfile, path: Path) -> None:
    submission = read_submission(json.loads(path.read_text(encoding="utf-8")))
    assert (submission.kind, submission.profile) == (profile.kind, f"{profile.name}@{profile.version}")
    (judged,) = gate().judge([submission])
    assert [(finding.pointer, finding.rule, finding.messages["en"]) for finding in judged.findings] == []


@pytest.mark.parametrize(("profile", "path"), examples("bad"))
def test_a_bad_example_breaks_its_profile_for_its_one_reason_only(profile: ShippedProfile, path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    assert set(example) == {"why", "breaks", "finding", "submission"}
    assert set(example["why"]) == {"en", "ja"}
    submission = read_submission(example["submission"])
    assert submission.profile == f"{profile.name}@{profile.version}"
    (judged,) = gate().judge([submission])
    assert [(finding.pointer, finding.rule) for finding in judged.findings] == [
        (example["finding"]["pointer"], example["finding"]["rule"])
    ], [finding.messages["en"] for finding in judged.findings]
    assert judged.breaks == example["breaks"] == "profile"
    (finding,) = judged.findings
    assert set(finding.messages) == {"en", "ja"}
    assert finding.messages["en"] != finding.messages["ja"]
