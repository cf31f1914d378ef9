"""The gate's verdicts: what breaks what, where it is told, and that a batch changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.records.canonical import content_hash
from catalog.records.record import Source, Submission
from catalog.validation.gate import Gate, Judged
from catalog.validation.profiles import CompiledProfile, compile_profile
from catalog.validation.second_opinion import SecondOpinion
from tests.unit.validation.linked_forms import KINDS, SAMPLE

PREFIXES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix musubi: <https://w3id.org/musubi/ns#> . @prefix dcterms: <http://purl.org/dc/terms/> .
@prefix schema: <https://schema.org/> . @prefix qudt: <http://qudt.org/schema/qudt/> . @prefix prov: <http://www.w3.org/ns/prov#> .
"""


class Profiles:
    def __init__(self, *profiles: CompiledProfile) -> None:
        self._profiles = {profile.reference: profile for profile in profiles}

    def find(self, reference: str) -> CompiledProfile | None:
        return self._profiles.get(reference)


class Sources:
    def find(self, id: str) -> Source | None:
        known = Source(
            "spring8", 1, {"en": "SPring-8"}, "spring8", {"panet": "http://purl.org/pan-science/PaNET/"}, "Asia/Tokyo"
        )
        return known if id == "spring8" else None


def profile(name: str, schema: Mapping[str, Any], shapes: str | None = None, kind: str = "sample") -> CompiledProfile:
    return compile_profile(name, 1, kind, schema, None if shapes is None else PREFIXES + shapes, kinds=KINDS)


STRICT = profile(
    "strict",
    {"required": ["lot"], "properties": {"lot": {"title": "Lot", "pattern": "^L[0-9]+$"}}},
    "musubi:Strict a sh:NodeShape ; sh:targetClass musubi:Sample ; sh:property [ sh:path musubi:supplier ; sh:in ('Kanto' 'Wako') ; "
    "sh:message 'Kanto or Wako'@en, '関東か和光'@ja ] , [ sh:path musubi:tissue ; sh:maxCount 0 ; sh:severity sh:Warning ; "
    "sh:message 'no tissue here'@en, '組織は不要'@ja ] .",
)
# Not compiled: it compares two values, so each record with an amount becomes a graph.
GRAPHIC = profile(
    "graphic",
    {},
    "musubi:Graphic a sh:NodeShape ; sh:targetObjectsOf musubi:amount ; sh:property [ sh:path musubi:siMin ; sh:lessThanOrEquals musubi:siMax ; sh:datatype <http://www.w3.org/2001/XMLSchema#double> ] . "
    "musubi:Silent a sh:NodeShape ; sh:targetClass musubi:Sample ; sh:property [ sh:path musubi:hazard ; sh:minLength 3 ] . "
    "musubi:Far a sh:NodeShape ; sh:targetObjectsOf prov:wasDerivedFrom ; sh:property [ sh:path dcterms:title ; sh:maxCount 0 ; sh:message 'seen'@en ] .",
)
ELSEWHERE = profile("elsewhere", {}, kind="dataset")
GATE = Gate(KINDS, Profiles(STRICT, GRAPHIC, ELSEWHERE), Sources())


def sample(body: Mapping[str, Any] | None = None, local_id: str | None = "s-1", **more: Any) -> Submission:
    return Submission(
        **{
            "kind": "sample",
            "source": "spring8",
            "local_id": local_id,
            "body": SAMPLE if body is None else body,
            **more,
        }
    )


def told(judged: Judged) -> list[tuple[str, str, str]]:
    return [(finding.pointer, finding.rule, finding.breaks) for finding in judged.findings]


def judge(submission: Submission, gate: Gate = GATE) -> Judged:
    return gate.judge([submission])[0]


def test_an_ordinary_record_passes_with_its_linked_form_and_hash() -> None:
    judged = judge(sample())
    assert (judged.breaks, judged.findings) == ("nothing", ())
    assert judged.id == "sample/spring8/s-1"
    assert judged.hash == content_hash(judged.submission)
    assert judged.linked is not None
    assert judged.linked.document["id"] == judged.id


def test_a_record_without_a_local_id_gets_one() -> None:
    judged = judge(sample(local_id=None))
    assert judged.submission.local_id
    assert judged.id.endswith(judged.submission.local_id)


@pytest.mark.parametrize(
    ("submission", "rule", "breaks"),
    [
        (sample(kind="sampel"), "kind", "kind"),
        (sample(source="spring-8"), "source", "kind"),
        (sample(local_id=".."), "envelope", "kind"),
        (sample(profile="none@1"), "profile", "profile"),
        (sample(profile="elsewhere@1"), "profile", "profile"),
    ],
)
def test_an_envelope_that_names_what_is_not_there_is_told(submission: Submission, rule: str, breaks: str) -> None:
    judged = judge(submission)
    assert [(finding.rule, finding.breaks) for finding in judged.findings] == [(rule, breaks)]
    assert judged.breaks == breaks
    assert set(judged.findings[0].messages) == {"en", "ja"}


def test_near_spellings_of_a_kind_are_named() -> None:
    assert judge(sample(kind="sampel")).findings[0].near == ("sample",)


def test_what_breaks_the_kind_has_no_linked_form_and_what_breaks_the_profile_has() -> None:
    broken = judge(sample({"tytle": {"en": "x"}}))
    assert (broken.breaks, broken.linked) == ("kind", None)
    narrow = judge(sample(profile="strict@1"))
    assert narrow.breaks == "profile"
    assert narrow.linked is not None
    assert told(narrow) == [("", "schema/required", "profile")]
    assert judge(sample({**SAMPLE, "lot": "L1"}, profile="strict@1")).breaks == "nothing"


def test_both_kind_and_profile_are_told_at_once() -> None:
    judged = judge(sample({"lot": 3}, profile="strict@1"))
    assert {breaks for _, _, breaks in told(judged)} >= {"kind"}
    judged = judge(sample({"tytle": 1, "lot": "x"}, profile="strict@1"))
    assert told(judged) == [("/tytle", "schema/unevaluatedProperties", "kind"), ("/lot", "schema/pattern", "profile")]


def test_shapes_of_a_profile_point_into_the_body_and_speak_their_authors_words() -> None:
    judged = judge(sample({"lot": "L1", "supplier": "Merck"}, profile="strict@1"))
    assert told(judged) == [("/supplier", "shapes/value", "profile")]
    assert judged.findings[0].messages == {"en": "Kanto or Wako", "ja": "関東か和光"}
    assert judge(sample({"lot": "L1", "supplier": "Wako"}, profile="strict@1")).findings == ()


def test_a_warning_breaks_nothing() -> None:
    judged = judge(sample({"lot": "L1", "tissue": "liver"}, profile="strict@1"))
    assert [(finding.severity, finding.pointer) for finding in judged.findings] == [("warning", "/tissue")]
    assert judged.breaks == "nothing"


def test_a_shape_that_needs_a_graph_points_into_the_fragment() -> None:
    for amount, pointers in (
        ({"min": 1, "max": 2, "unit": "mg"}, []),
        ({"min": 2, "max": 1, "unit": "mg"}, ["/amount"]),
    ):
        judged = judge(sample({"amount": amount}, profile="graphic@1"))
        assert [finding.pointer for finding in judged.findings if finding.rule.startswith("shapes/")] == pointers


def test_a_shape_without_words_is_explained_by_pyshacl() -> None:
    opinion = SecondOpinion(deadline_seconds=10)
    try:
        gate = Gate(KINDS, Profiles(GRAPHIC), Sources(), second_opinion=opinion)
        judged = judge(sample({"hazards": ["x"]}, profile="graphic@1"), gate)
    finally:
        opinion.close()
    assert told(judged) == [("/hazards/0", "shapes/value", "profile")]
    assert "String length not >= Literal" in judged.findings[0].messages["en"]
    # Without one, what the engine itself says has to do.
    assert told(judge(sample({"hazards": ["x"]}, profile="graphic@1"))) == told(judged)


def test_a_unit_that_is_unknown_is_told_once() -> None:
    judged = judge(sample({"amount": {"value": 3, "unit": "kev"}}))
    assert [(finding.pointer, finding.rule) for finding in judged.findings] == [("/amount/unit", "unit/unknown")]


def test_units_of_fields_that_keep_the_schema_are_told_beside_what_breaks_it() -> None:
    judged = judge(sample({"amount": {"value": 3, "unit": "mgg"}, "collectedAt": "2026-13-10", "a/b~": 1}))
    assert {(finding.pointer, finding.rule) for finding in judged.findings} == {
        ("/amount/unit", "unit/unknown"),
        ("/collectedAt", "schema/format"),
        ("/a~1b~0", "schema/unevaluatedProperties"),
    }
    assert (judged.linked, judged.breaks) == (None, "kind")


def test_details_may_hold_anything_and_nothing_in_them_is_said() -> None:
    judged = judge(
        sample({"details": {"@id": "sample/spring8/other", "@context": {}, "__proto__": 1, "constructor": [None]}})
    )
    assert judged.findings == ()
    assert judge(sample({"@context": {}})).breaks == "kind"


def test_a_link_to_itself_is_judged() -> None:
    assert judge(sample({"derivedFrom": ["sample/spring8/s-1"]})).breaks == "nothing"


CANDIDATES: tuple[tuple[dict[str, Any], str | None], ...] = (
    (SAMPLE, None),
    ({**SAMPLE, "title": "x"}, None),
    ({"lot": "L1", "supplier": "Merck"}, "strict@1"),
    ({"lot": "L1", "supplier": "Wako", "tissue": "liver"}, "strict@1"),
    ({"amount": {"min": 2, "max": 1, "unit": "mg"}}, "graphic@1"),
    ({"title": {"en": "x"}, "derivedFrom": ["sample/spring8/s-0", "sample/spring8/s-1"]}, "graphic@1"),
    ({"title": {"en": "x"}, "derivedFrom": [{"to": "sample/spring8/s-2", "role": "source"}], "hazards": ["x"]}, "graphic@1"),
    ({"amount": {"value": 1, "unit": "kev"}, "hazards": ["abc", "x"]}, "graphic@1"),
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(CANDIDATES)), max_size=12))
def test_a_verdict_alone_is_the_verdict_in_any_batch(
    chosen: list[tuple[int, tuple[dict[str, Any], str | None]]],
) -> None:
    """Records link to each other and to themselves, come twice, and shapes look at what links point to."""
    batch = [sample(copy.deepcopy(body), f"s-{number}", profile=named) for number, (body, named) in chosen]
    together = GATE.judge(batch)
    assert [told(one) for one in together] == [told(judge(submission)) for submission in batch]
    assert [one.breaks for one in together] == [judge(submission).breaks for submission in batch]


def test_the_gate_is_safe_in_threads() -> None:
    batch = [sample(body, f"s-{number}", profile=named) for number, (body, named) in enumerate(CANDIDATES * 5)]
    once = [told(one) for one in GATE.judge(batch)]
    with ThreadPoolExecutor(4) as threads:
        for many in threads.map(GATE.judge, [batch] * 8):
            assert [told(one) for one in many] == once


def test_judging_leaves_the_submission_as_it_came() -> None:
    body = copy.deepcopy(SAMPLE)
    judge(sample(body))
    assert body == SAMPLE
