"""The examples: a good one passes, a bad one fails for the one reason that it states, and the sample's links lead somewhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from catalog.curation.sample import SampleCatalogue, SampleScope, identity, ordered, sample_catalogue
from catalog.records.identifiers import is_record_id, split_id
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.parse import read_submission
from catalog.records.record import Source, Submission
from catalog.validation.gate import Gate
from tests.unit.validation.shipped_gate import ShippedProfiles

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"
GOOD = sorted(EXAMPLES.glob("good/*/*.json"))
BAD = sorted(EXAMPLES.glob("bad/*/*.json"))

# Links of the sample whose ends are left out on purpose, so that there is something to wait for.
NOT_HERE_YET = {
    "dataset/spring8/2026A1234/seq-0042/reduced-v1",  # a version that was never registered
    "experiment/spring8/2026A1234/seq-0040",  # comes with the facility's next delivery
    "project/ddbj/PRJDB99999",  # announced, not released
    "sample/spring8/s-001/500",  # named by a draft, before it is made
}


class Registered:
    """The sources of the sample."""

    def __init__(self, sources: tuple[Source, ...] = ()) -> None:
        self._sources = {source.id: source for source in sources}

    def find(self, name: str) -> Any:
        return self._sources.get(name)


@cache
def kinds() -> Kinds:
    return load_kinds()


@cache
def sample() -> SampleCatalogue:
    return sample_catalogue(EXAMPLES)


@cache
def gate() -> Gate:
    return Gate(kinds(), ShippedProfiles(kinds()), Registered(sample().sources))


@cache
def plain_validator(kind: str) -> Draft202012Validator:
    resources = [(address, Resource.from_contents(schema)) for address, schema in kinds().schemas.items()]
    return Draft202012Validator(kinds()[kind].schema, registry=Registry().with_resources(resources))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_example_keeps_its_kinds_schema_as_a_plain_validator_reads_it(path: Path) -> None:
    submission = json.loads(path.read_bytes())
    assert submission["kind"] == path.parent.name
    assert [error.message for error in plain_validator(submission["kind"]).iter_errors(submission["body"])] == []


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_example_is_a_submission_with_its_files(path: Path) -> None:
    schema = json.loads((EXAMPLES.parent / "submission.schema.json").read_bytes())
    errors = Draft202012Validator(schema).iter_errors(json.loads(path.read_bytes()))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_example_passes_the_gate_without_a_finding(path: Path) -> None:
    (judged,) = gate().judge([read_submission(path.read_bytes())])
    assert [finding.document() for finding in judged.findings] == []
    assert judged.breaks == "nothing"


@pytest.mark.parametrize("path", BAD, ids=named)
def test_a_bad_example_fails_for_the_one_reason_that_it_states(path: Path) -> None:
    example = json.loads(path.read_bytes())
    assert set(example) == {"why", "breaks", "finding", "submission"}
    assert example["why"]["en"]
    assert example["why"]["ja"]
    assert example["submission"]["kind"] == path.parent.name
    (judged,) = gate().judge([read_submission(example["submission"])])
    found = {(finding.pointer, finding.rule) for finding in judged.findings}
    assert found == {(example["finding"]["pointer"], example["finding"]["rule"])}
    assert judged.breaks == example["breaks"]
    for finding in judged.findings:
        assert finding.messages["en"] != finding.messages["ja"]


def test_every_kind_has_good_examples_and_at_least_five_bad_ones() -> None:
    good = Counter(path.parent.name for path in GOOD)
    bad = Counter(path.parent.name for path in BAD)
    assert set(good) == set(bad) == set(kinds())
    assert min(good.values()) >= 2
    assert min(bad.values()) >= 5


def test_together_the_good_examples_use_every_field_of_every_kind() -> None:
    used: dict[str, set[str]] = {}
    for submission in sample().submissions:
        used.setdefault(submission.kind, set()).update(submission.body)
    everywhere = set().union(*used.values())
    own = {kind.name: set(kind.schema["properties"]) for kind in kinds().values()}
    common = {field.name for kind in kinds().values() for field in kind.fields} - set().union(*own.values())
    assert {name: unused for name in own if (unused := own[name] - used[name])} == {}
    assert common - everywhere == set()


def test_every_link_inside_the_sample_leads_to_a_record_of_it_or_is_left_open_on_purpose() -> None:
    here = {identity(submission) for submission in sample().submissions}
    open_ends = set()
    for submission in sample().submissions:
        for text in texts(submission.body):
            if is_record_id(text) and split_id(text)[0] in kinds() and text not in here:
                open_ends.add(text)
    assert open_ends == NOT_HERE_YET


def test_the_sample_names_only_its_own_scopes_and_sources() -> None:
    catalogue = sample()
    scopes = {scope.id for scope in catalogue.scopes}
    assert {scope.parent for scope in catalogue.scopes} <= scopes | {None}
    assert max(scope.id.count("/") for scope in catalogue.scopes) <= 3
    assert {source.home_scope for source in catalogue.sources} <= scopes
    assert {submission.scope for submission in catalogue.submissions} <= scopes | {None}
    assert {submission.source for submission in catalogue.submissions} == {source.id for source in catalogue.sources}


def test_no_two_examples_are_the_same_record() -> None:
    ids = Counter(identity(submission) for submission in sample().submissions)
    assert [id for id, times in ids.items() if times > 1] == []


def test_scopes_come_after_those_above_them() -> None:
    made: set[str | None] = {None}
    for scope in sample().scopes:
        assert scope.parent in made
        made.add(scope.id)
    assert SampleScope("a/b/c", {"en": "c"}).parent == "a/b"


def test_a_submission_comes_after_those_that_it_names_and_a_ring_loses_none() -> None:
    def project(name: str, *parents: str) -> Submission:
        links = [f"project/s/{parent}" for parent in parents]
        return Submission("project", "s", name, {"title": {"en": name}, "parents": links})

    line = [project("c", "b"), project("b", "a"), project("a")]
    assert [submission.local_id for submission in ordered(line)] == ["a", "b", "c"]
    ring = [project("c", "b"), project("b", "a"), project("a", "c"), project("d", "d")]
    assert sorted(submission.local_id or "" for submission in ordered(ring)) == ["a", "b", "c", "d"]


def test_orcid_ids_in_the_sample_have_the_right_check_character() -> None:
    checked = 0
    for submission in sample().submissions:
        if orcid := submission.body.get("orcid"):
            total = 0
            for character in orcid.replace("-", "")[:-1]:
                total = (total + int(character)) * 2
            assert orcid[-1] == "0123456789X"[(12 - total % 11) % 11]
            checked += 1
    assert checked >= 5
