"""Refusals of a schema: where they are, and what they say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from catalog.records.dates import is_date
from catalog.records.finding import Finding
from catalog.records.kinds import Kinds, load_kinds
from catalog.validation.schema import MAX_DEPTH, MAX_FINDINGS, Library, SchemaJudge, compile_schema, registry_of

ADDRESS = "https://example.org/s"


def judge(schema: Any, resources: dict[str, Any] | None = None) -> SchemaJudge:
    everything = {ADDRESS: schema, **(resources or {})}
    validator = compile_schema(schema, registry=registry_of(resources or {}), formats={"edtf": is_date}, base=ADDRESS)
    return SchemaJudge(schema, ADDRESS, Library(everything), validator, "kind")


def only(schema: Any, document: Any) -> Finding:
    asked = judge(schema)
    assert not asked.accepts(document)
    found = asked.findings(document)
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture(scope="module")
def sample(kinds: Kinds) -> SchemaJudge:
    schema = kinds["sample"].schema
    validator = compile_schema(dict(schema), registry=registry_of(kinds.schemas), formats={"edtf": is_date})
    return SchemaJudge(schema, str(schema["$id"]), Library(kinds.schemas), validator, "kind")


@pytest.mark.parametrize(
    ("body", "pointer", "rule", "words"),
    [
        ({"tytle": {"en": "x"}}, "/tytle", "schema/unevaluatedProperties", 'Did you mean "title"?'),
        ({"title": "x"}, "/title", "schema/type", "Say the language"),
        ({"title": {"en": " "}}, "/title/en", "schema/pattern", "must not be blank"),
        ({"projects": "project/x/1"}, "/projects", "schema/type", "square brackets"),
        ({"projects": ["sample/x/1"]}, "/projects/0", "schema/pattern", "project/…"),
        ({"projects": [{"to": "project/x/1", "rolle": "x"}]}, "/projects/0/rolle", "schema/additionalProperties", '"role"'),
        ({"amount": {"value": "3", "unit": "g"}}, "/amount/value", "schema/type", "without quotation marks"),
        ({"amount": {"value": 3}}, "/amount", "schema/required", '"unit" (Unit) is required'),
        ({"amount": {"value": 3, "min": 1, "unit": "g"}}, "/amount/min", "schema/falseSchema", '"min" may not be given'),
        ({"collectedAt": "cold"}, "/collectedAt", "schema/format", "Collected must be a date"),
        ({"@id": "x"}, "/@id", "schema/unevaluatedProperties", "begin with @"),
        ({"language": ["ja", "ja"]}, "/language", "schema/uniqueItems", '"ja" more than once'),
        ({"place": {"lat": 95}}, "/place/lat", "schema/maximum", "Latitude must be 90 or less"),
        ({"organism": {}}, "/organism", "schema/minProperties", "must not be empty"),
        ({"relations": [{"to": "sample/x/y", "predicate": "IsCitedby"}]}, "/relations/0/predicate", "schema/enum", 'mean "IsCitedBy"'),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_and_what_would_be_right(
    sample: SchemaJudge, body: dict[str, Any], pointer: str, rule: str, words: str
) -> None:
    assert not sample.accepts(body)
    found = {(finding.pointer, finding.rule): finding.messages for finding in sample.findings(body)}
    assert set(found) == {(pointer, rule)}
    messages = found[pointer, rule]
    assert words in messages["en"]
    assert messages["ja"]
    assert messages["ja"] != messages["en"]


def test_every_keyword_is_told_in_both_languages() -> None:
    cases: list[tuple[dict[str, Any], Any, str]] = [
        ({"const": 1}, 2, "const"),
        ({"minimum": 3}, 2, "minimum"),
        ({"exclusiveMinimum": 2}, 2, "exclusiveMinimum"),
        ({"exclusiveMaximum": 2}, 2, "exclusiveMaximum"),
        ({"multipleOf": 2}, 3, "multipleOf"),
        ({"minLength": 3}, "ab", "minLength"),
        ({"maxLength": 1}, "ab", "maxLength"),
        ({"minItems": 3}, [1], "minItems"),
        ({"maxItems": 1}, [1, 2], "maxItems"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "maxProperties"),
        ({"not": {"type": "string"}}, "x", "not"),
        ({"contains": {"const": 1}}, [2], "contains"),
        ({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2], "unevaluatedItems"),
        ({"propertyNames": {"pattern": "^a"}}, {"b": 1}, "propertyNames"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "required"),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, "oneOf"),
        ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3, "anyOf"),
        ({"format": "email"}, "x", "format"),
    ]
    for schema, document, keyword in cases:
        finding = only(schema, document)
        assert finding.rule == f"schema/{keyword}"
        assert set(finding.messages) == {"en", "ja"}
        assert "None" not in finding.messages["en"], finding


def test_the_branch_that_was_meant_explains_itself() -> None:
    schema = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]}
    finding = only(schema, {})
    assert finding.rule == "schema/required"
    assert only(schema, 3).rule == "schema/oneOf"


def test_many_findings_end_with_a_note() -> None:
    asked = judge({"items": {"type": "string"}})
    found = asked.findings(list(range(500)))
    assert len(found) == MAX_FINDINGS + 1
    assert (found[-1].rule, found[-1].severity) == ("schema/more", "info")


def test_a_document_that_is_too_deep_is_refused_and_not_walked() -> None:
    document: Any = 1
    for _ in range(100_000):
        document = [document]
    asked = judge({"type": "string"})
    assert [finding.rule for finding in asked.findings(document)] == ["schema/depth"]
    shallow: Any = 1
    for _ in range(MAX_DEPTH - 5):
        shallow = [shallow]
    assert judge({}).accepts(shallow)


@pytest.mark.parametrize("pattern", ["(a+)+$", r"^(?=(a+)+b)\1(a|aa)+$", r"^(a+)+\1$", "(x+x+)+y", "(a|a)*b"])
def test_a_catastrophic_pattern_answers_at_once(pattern: str) -> None:
    asked = judge({"type": "string", "pattern": pattern})
    started = time.process_time()
    assert not asked.accepts("a" * 50_000 + "!")
    assert asked.findings("a" * 50_000 + "!")
    assert time.process_time() - started < 5


def test_a_reference_to_elsewhere_is_not_followed() -> None:
    with pytest.raises(ValueError, match=r"example\.com"):
        judge({"$ref": "https://example.com/x"})
    assert judge({"$ref": "https://example.com/x"}, {"https://example.com/x": {"type": "string"}}).accepts("x")


def test_fields_are_named_through_references_and_by_their_own_title_first() -> None:
    schema = {
        "properties": {
            "a": {"title": "Alpha", "x-ja": {"title": "アルファ"}, "$ref": "#/$defs/n"},
            "b": {"$ref": "#/$defs/n"},
        },
        "$defs": {"n": {"title": "Number", "type": "number"}},
    }
    assert only(schema, {"a": "x"}).messages["en"].startswith("Alpha must be a number")
    assert only(schema, {"a": "x"}).messages["ja"].startswith("アルファは数値")
    assert only(schema, {"b": "x"}).messages["en"].startswith("Number must be a number")
