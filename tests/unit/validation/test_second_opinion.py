"""The process apart: it answers, it is killed when it is late, and it contradicts where something is wrong."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.records.finding import Finding
from catalog.records.record import Submission
from catalog.validation.gate import Judged
from catalog.validation.second_opinion import Crosscheck, Late, SecondOpinion
from tests.unit.validation.linked_forms import KINDS

SHAPES = b"""
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://example.org/> .
ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:property [ sh:path ex:p ; sh:maxCount 1 ] .
"""
GRAPH = b"""<http://example.org/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://example.org/C> .
<http://example.org/a> <http://example.org/p> "x" .
<http://example.org/a> <http://example.org/p> "y" .
"""
CATASTROPHE: dict[str, Any] = {"https://example.org/s": {"type": "string", "pattern": "^(a+)+$"}}


@pytest.fixture
def opinion() -> Iterator[SecondOpinion]:
    made = SecondOpinion(deadline_seconds=3.0)
    yield made
    made.close()


def test_pyshacl_explains_what_a_shape_does_not_say(opinion: SecondOpinion) -> None:
    told = opinion.explain(SHAPES, GRAPH)
    assert list(told) == [("http://example.org/a", "http://example.org/p")]
    assert "1" in told["http://example.org/a", "http://example.org/p"]


def test_a_late_answer_is_given_up_and_the_next_question_is_answered(opinion: SecondOpinion) -> None:
    assert opinion.valid("https://example.org/s", CATASTROPHE, "aaa")
    # Left to itself it would take longer than anybody lives.
    with pytest.raises(Late):
        opinion.valid("https://example.org/s", CATASTROPHE, "a" * 60 + "!")
    assert opinion.valid("https://example.org/s", CATASTROPHE, "aaa")


def test_what_fails_there_is_told_here(opinion: SecondOpinion) -> None:
    with pytest.raises(Late, match="KeyError"):
        opinion.valid("https://example.org/none", CATASTROPHE, "x")


def verdict(body: dict[str, Any], *findings: Finding) -> Judged:
    return Judged(
        Submission("sample", "s", "x", body), "sample/s/x", "", None, findings, "kind" if findings else "nothing"
    )


def test_a_disagreement_is_counted_and_agreement_is_not() -> None:
    check = Crosscheck(KINDS, every=2)
    broken = Finding("/title", "schema/type", "violation", {"en": "x", "ja": "x"})
    try:
        assert check.compare(verdict({"title": {"en": "x"}})) is True
        assert check.compare(verdict({"title": "x"}, broken)) is True
        assert check.disagreements == 0
        assert check.compare(verdict({"title": "x"})) is False
        assert check.compare(verdict({"title": {"en": "x"}}, broken)) is False
        assert check.disagreements == 2
        # A format is asserted by the gate alone.
        assert check.compare(verdict({}, dataclasses.replace(broken, rule="schema/format"))) is None
        check.consider([verdict({}), verdict({})])
        until = time.monotonic() + 60
        while check.asked < 5 and time.monotonic() < until:
            time.sleep(0.02)
        assert check.asked == 5
    finally:
        check.close()
