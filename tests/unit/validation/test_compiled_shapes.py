"""The quick yes: what the compiled schema accepts, the shapes accept; and it accepts what ordinary records are."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pyshacl
import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import Validator

from catalog.records.kinds import Kinds
from catalog.validation.compiled_shapes import ShapeCompiler, portable_pattern
from catalog.validation.schema import compile_schema
from catalog.validation.shapes import Shapes
from tests.unit.validation.linked_forms import KINDS, SAMPLE, changed_samples, graph_of, linked_sample, readable_graph

SHAPES = Shapes(b"\n".join(KINDS.shapes.values()))
PREFIXES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix schema: <https://schema.org/> .
@prefix musubi: <https://w3id.org/musubi/ns#> . @prefix dcterms: <http://purl.org/dc/terms/> . @prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix unit: <http://qudt.org/vocab/unit/> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix prov: <http://www.w3.org/ns/prov#> .
"""


def quick(shapes: Shapes, kinds: Kinds = KINDS, kind: str = "sample") -> Validator:
    compiled = ShapeCompiler(shapes.statements, kinds.context).schema_for(kinds[kind])
    return compile_schema(compiled, format_means="annotation")


QUICK = quick(SHAPES)


def pyshacl_accepts(shapes: Shapes, graph: bytes) -> bool:
    data = rdflib.Graph().parse(data=graph, format="nt")
    conforms, _, _ = pyshacl.validate(data, shacl_graph=_read(shapes.turtle), inference="none")
    return bool(conforms)


@cache
def _read(turtle: bytes) -> rdflib.Graph:
    return rdflib.Graph().parse(data=turtle, format="turtle")


def test_every_kinds_shapes_can_be_compiled() -> None:
    for name in KINDS:
        compiled = ShapeCompiler(SHAPES.statements, KINDS.context).schema_for(KINDS[name])
        assert isinstance(compiled, dict), name


def test_a_context_that_means_more_than_its_terms_is_left_to_the_graph() -> None:
    for addition in ({"@vocab": "https://example.org/"}, {"x": {"@id": "https://example.org/x", "@context": {}}}):
        compiler = ShapeCompiler(SHAPES.statements, {**KINDS.context, **addition})
        assert compiler.schema_for(KINDS["sample"]) is False


def test_an_ordinary_record_never_becomes_a_graph() -> None:
    document = linked_sample(KINDS)
    assert QUICK.is_valid(document), [error.message for error in QUICK.iter_errors(document)]
    assert not SHAPES.broken(graph_of(KINDS, document))


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(changed_samples())
def test_what_the_compiled_schema_accepts_the_shapes_accept(document: dict[str, Any]) -> None:
    if QUICK.is_valid(document):
        assert not SHAPES.broken(readable_graph(KINDS, document))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(changed_samples())
def test_shifty_and_pyshacl_agree_on_changed_records(document: dict[str, Any]) -> None:
    graph = readable_graph(KINDS, document)
    assert (not SHAPES.broken(graph)) == pyshacl_accepts(SHAPES, graph)


PLANTED: tuple[tuple[str, Any], ...] = (
    ("two licences", {"license": ["https://example.org/a", "https://example.org/b"]}),
    ("a title without a language", {"title": "x"}),
    ("two dates of creation", {"createdAt": [{"@type": "year", "is": "2019"}, {"@type": "year", "is": "2020"}]}),
    ("an element that is none", {"elements": ["Li", "nickel"]}),
    ("an amount that is a number", {"amount": 3}),
    ("a quantity without a number", {"amount": {"id": "sample/spring8/s-1#amount", "type": "Quantity", "inUnit": "qu:MilliGM"}}),
    ("a quantity without a unit", {"amount": {"id": "sample/spring8/s-1#amount", "type": "Quantity", "value": 3}}),
    ("an identifier without a scheme", {"identifiers": [{"id": "sample/spring8/s-1#id/x", "type": "PropertyValue", "text": "x"}]}),
    ("an origin that is none", {"attributes": [{"id": "sample/spring8/s-1#a/x", "type": "PropertyValue", "name": "x", "text": "x", "origin": "guessed"}]}),
    ("a latitude beyond the pole", {"place": {"id": "sample/spring8/s-1#place", "type": "Place", "lat": 95.0}}),
    ("a link without its field", {"custodians": [{"to": "agent/a/b", "as": {"id": "sample/spring8/s-1#custodians/x", "type": "Link", "of": "sample/spring8/s-1"}}]}),
    ("an order below zero", {"custodians": [{"to": "agent/a/b", "as": {"id": "sample/spring8/s-1#custodians/x", "type": "Link", "of": "sample/spring8/s-1", "field": "custodians", "order": -1}}]}),
)  # fmt: skip


@pytest.mark.parametrize(("what", "change"), PLANTED, ids=[what for what, _ in PLANTED])
def test_a_planted_error_is_refused_by_all_three(what: str, change: dict[str, Any]) -> None:
    document = {**linked_sample(KINDS), **copy.deepcopy(change)}
    graph = graph_of(KINDS, document)
    assert not QUICK.is_valid(document)
    assert SHAPES.broken(graph)
    assert not pyshacl_accepts(SHAPES, graph)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("sh:path musubi:sampleType ; sh:in ('pellet' 'powder')", {}, {"sampleType": "stone"}),
        ("sh:path musubi:sampleType ; sh:minLength 3 ; sh:maxLength 8", {}, {"sampleType": "x"}),
        ("sh:path musubi:sampleType ; sh:hasValue 'pellet'", {}, {"sampleType": "x"}),
        ("sh:path musubi:sampleType ; sh:minCount 1", {}, {"sampleType": None}),
        ("sh:path musubi:tissue ; sh:maxCount 0", {}, {"tissue": "liver"}),
        ("sh:path dcterms:title ; sh:languageIn ('en' 'ja') ; sh:minCount 2", {}, {"title": {"en": "x", "fr": "y"}}),
        ("sh:path dcterms:license ; sh:pattern '^https://creativecommons'", {}, {"license": "https://example.org/"}),
        ("sh:path musubi:collectedAt ; sh:or ( [ sh:datatype xsd:date ] [ sh:datatype xsd:gYear ] )", {"collectedAt": {"@type": "year", "is": "2019"}}, {"collectedAt": {"@type": "missing", "is": "not collected"}}),
        ("sh:path rdf:type ; sh:hasValue musubi:Record", {}, None),
        ("sh:path schema:keywords ; sh:datatype xsd:string ; sh:maxCount 2", {}, {"keywords": ["a", "b", "c"]}),
    ],
)  # fmt: skip
def test_rules_of_a_profile_are_compiled_and_agree(rule: str, good: dict[str, Any], bad: dict[str, Any] | None) -> None:
    shapes = Shapes(
        (PREFIXES + f"musubi:P a sh:NodeShape ; sh:targetClass musubi:Sample ; sh:property [ {rule} ] .").encode()
    )
    validator = quick(shapes)

    def with_(change: dict[str, Any]) -> dict[str, Any]:
        document = {**linked_sample(KINDS), **change}
        return {key: value for key, value in document.items() if value is not None}

    assert validator.is_valid(with_(good))
    assert not shapes.broken(graph_of(KINDS, with_(good)))
    if bad is not None:
        assert not validator.is_valid(with_(bad))
        assert shapes.broken(graph_of(KINDS, with_(bad)))


def test_units_of_a_quantity_are_compiled() -> None:
    shapes = Shapes(
        (PREFIXES + "musubi:P a sh:NodeShape ; sh:targetObjectsOf musubi:amount ; sh:property [ sh:path qudt:hasUnit ; sh:minCount 1 ; "
         "sh:in (unit:MilliGM unit:GM) ] , [ sh:path musubi:siMax ; sh:maxInclusive 1.0e-3 ] .").encode()
    )  # fmt: skip
    validator = quick(shapes)
    for amount, fits in (
        ({"value": 2, "unit": "mg"}, True),
        ({"value": 2, "unit": "kg"}, False),
        ({"value": 2, "unit": "g"}, False),
    ):
        document = linked_sample(KINDS, {**SAMPLE, "amount": amount})
        assert validator.is_valid(document) == fits
        assert (not shapes.broken(graph_of(KINDS, document))) == fits


@pytest.mark.parametrize(
    "rule",
    [
        "sh:property [ sh:path musubi:siMin ; sh:lessThanOrEquals musubi:siMax ]",
        "sh:not [ sh:property [ sh:path musubi:siMin ; sh:minCount 1 ] ]",
        "sh:xone ( [ sh:property [ sh:path qudt:hasUnit ; sh:minCount 1 ] ] [ sh:property [ sh:path qudt:ucumCode ; sh:minCount 1 ] ] )",
        "sh:property [ sh:path qudt:hasUnit ; sh:minCount 2 ]",
    ],
)
def test_what_cannot_be_compiled_costs_only_those_to_whom_it_applies(rule: str) -> None:
    shapes = Shapes((PREFIXES + f"musubi:P a sh:NodeShape ; sh:targetObjectsOf musubi:amount ; {rule} .").encode())
    validator = quick(shapes)
    assert not validator.is_valid(linked_sample(KINDS))
    assert validator.is_valid(linked_sample(KINDS, {key: value for key, value in SAMPLE.items() if key != "amount"}))


def test_patterns_that_dialects_read_differently_are_left_to_the_graph() -> None:
    for pattern in (r"\w+", r"[^\d]", r"(?i)x", r"\p{Lu}", r"a*+", r"\bx"):
        assert portable_pattern(pattern) is None
    for pattern in (r"^[A-Z][a-z]?$", r"^\d{4}-\d{2}$", r"^10\.\d+/.+$", r"^[A-Z]{3}$"):
        assert portable_pattern(pattern) == pattern
