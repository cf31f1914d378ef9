"""Filters and orders: what is written in a document becomes the same question as the parameters of an address."""

from __future__ import annotations

import math
from typing import Any

import pytest
from graphql import GraphQLArgument, GraphQLError, parse, validate, value_from_ast
from graphql.language import FieldNode, OperationDefinitionNode

from catalog.errors import Invalid
from catalog.questions.check import check
from catalog.questions.parameters import question_from
from catalog.questions.question import And, Condition, Holds, Inside, Linked, Not, OfRecord, Or, Order, Question
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.kinds import load_kinds
from catalog.web.graphql.compile import types_behind
from catalog.web.graphql.failures import told
from catalog.web.graphql.schema import schema_of

KINDS = load_kinds()
SCHEMA = schema_of(KINDS)
FILTERS = types_behind(SCHEMA).filters
PANET = "http://purl.org/pan-science/PaNET/"
VOCABULARY = vocabulary_of(KINDS, lambda: {"panet": frozenset((PANET,))})
LISTS = {kind.plural: kind.name for kind in KINDS.values()} | {"records": None}


def given(document: str) -> tuple[str | None, dict[str, Any]]:
    """The arguments of the one field of a document, as GraphQL reads them, and the kind that it lists."""
    (operation,) = parse(f"{{ {document} {{ totalCount }} }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    assert SCHEMA.query_type is not None
    arguments: dict[str, GraphQLArgument] = SCHEMA.query_type.fields[field.name.value].args
    told = {each.name.value: value_from_ast(each.value, arguments[each.name.value].type) for each in field.arguments}
    return LISTS[field.name.value], told


def asked(document: str) -> Question:
    kind, told = given(document)
    where = FILTERS.condition_from(told.get("where"), kind, VOCABULARY)
    order = FILTERS.orders_from(told.get("orderBy"), kind)
    return check(Question(() if kind is None else (kind,), where, order=order), VOCABULARY)


def condition(document: str) -> Condition | None:
    return asked(document).where


@pytest.mark.parametrize(
    ("document", "address"),
    [
        ('samples(where: {title: {eq: "Iron"}})', "title=Iron"),
        ('samples(where: {title: {prefix: "Fe", language: "ja"}})', "title.ja.prefix=Fe"),
        ('samples(where: {sampleType: {in: ["crystal", "powder"]}})', "sampleType.in=crystal,powder"),
        ('samples(where: {elements: {eq: "Fe"}})', "elements=Fe"),
        ("samples(where: {age: {exists: true}})", "age.exists=true"),
        ("samples(where: {age: {exists: false}})", "age.exists=false"),
        ('samples(where: {age: {min: 1, max: 2, in: "a"}})', "age=1..2 a"),
        ('samples(where: {collectedAt: {overlaps: {from: "2026-05", until: "2026-05"}}})', "collectedAt=2026-05"),
        ('samples(where: {collectedAt: {overlaps: {from: "2026-05"}}})', "collectedAt.ge=2026-05"),
        ('samples(where: {collectedAt: {overlaps: {until: "2026-05"}}})', "collectedAt.le=2026-05"),
        ('samples(where: {collectedAt: {before: "2026-05"}})', "collectedAt.lt=2026-05"),
        ('samples(where: {collectedAt: {after: "2026-05"}})', "collectedAt.gt=2026-05"),
        ("samples(where: {collectedAt: {missing: true}})", "collectedAt.missing=true"),
        ('samples(where: {collectedAt: {reason: "not collected"}})', "collectedAt.missing=not collected"),
        ("datasets(where: {size: {ge: 5000000000}})", "size.ge=5000000000"),
        ("datasets(where: {latest: {eq: true}})", "latest=true"),
        ('experiments(where: {techniques: {in: ["panet:PaNET01196"]}})', "techniques=panet:PaNET01196"),
        (
            'experiments(where: {techniques: {in: ["panet:PaNET01196"], below: false}})',
            "techniques.exactly=panet:PaNET01196",
        ),
        (
            'experiments(where: {techniques: {all: ["panet:PaNET01196", "panet:PaNET01012"]}})',
            "techniques.all=panet:PaNET01196,panet:PaNET01012",
        ),
        ('experiments(where: {keywords: {words: ["iron", "steel"]}})', "keywords.in=iron,steel"),
        ('experiments(where: {condition: {name: "energy", min: 7, max: 8, in: "keV"}})', "condition.energy=7..8 keV"),
        ('experiments(where: {condition: {name: "energy", min: 7, in: "keV"}})', "condition.energy=7.. keV"),
        ('experiments(where: {condition: {name: "energy", exists: false}})', "condition.energy.exists=false"),
        ('experiments(where: {measured: {name: "energy", max: 8, in: "keV"}})', "energy=..8 keV"),
        ('samples(where: {attribute: {name: "colour", eq: "red"}})', "attribute.colour=red"),
        ('samples(where: {attribute: {name: "colour", among: ["red", "blue"]}})', "attribute.colour.in=red,blue"),
        ('samples(where: {attribute: {name: "colour", prefix: "re"}})', "attribute.colour.prefix=re"),
        ('samples(where: {attribute: {name: "colour"}})', "attribute.colour.exists=true"),
        (
            'samples(where: {attribute: {name: "technique", term: {in: ["panet:PaNET01196"]}}})',
            "attribute.technique.term=panet:PaNET01196",
        ),
        ('records(where: {term: {in: ["panet:PaNET01196"]}})', "term=panet:PaNET01196"),
        ('records(where: {identifier: {value: "10.5072/x", scheme: "doi"}})', "identifier.doi=10.5072/x"),
        ('records(where: {identifier: {value: "doi:10.5072/x"}})', "identifier=doi:10.5072/x"),
        ('records(where: {scope: {id: "lab/a"}})', "scope=lab/a"),
        ('records(where: {scope: {id: "lab/a", below: false}})', "scope.only=lab/a"),
        ('records(where: {source: {in: ["a", "b"]}})', "source.in=a,b"),
        ('records(where: {localId: {eq: "試料 1"}})', "localId=試料 1"),
        ('records(where: {created: {ge: "2026-05"}})', "created.ge=2026-05"),
        ('records(where: {modified: {eq: "2026-05"}})', "modified=2026-05"),
        ('datasets(where: {formats: {eq: "NeXus"}})', "formats=NeXus"),
        ('datasets(where: {samples: {some: {to: ["sample/a/b"]}}})', "link.samples=sample/a/b"),
        ("datasets(where: {samples: {exists: false}})", "link.samples.exists=false"),
        ('datasets(where: {contributors: {some: {role: "creator"}}})', "link.contributors.role=creator"),
        (
            'datasets(where: {samples: {some: {where: {sampleType: {eq: "crystal"}}}}})',
            "link.samples.to.sampleType=crystal",
        ),
        (
            'datasets(where: {generatedBy: {some: {whereExperiment: {strategy: {eq: "scan"}}}}})',
            "link.generatedBy.kind=experiment&link.generatedBy.to.strategy=scan",
        ),
        ("datasets(where: {outgoing: {exists: true}})", "link.any.exists=true"),
    ],
)
def test_a_filter_asks_what_the_parameters_of_an_address_ask(document: str, address: str) -> None:
    kind, _ = given(document)
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in address.split("&"))]
    if kind is not None:
        pairs.append(("kind", kind))
    assert condition(document) == question_from(pairs, VOCABULARY).where


def test_links_are_asked_for_from_their_other_end() -> None:
    crystals = OfRecord("source", "eq", "a")
    found = condition('samples(where: {datasets: {some: {role: "measured", where: {source: {eq: "a"}}}}})')
    assert found == Linked("samples", "in", (), "measured", None, ("dataset",), crystals)
    found = condition("experiments(where: {datasetsViaGeneratedBy: {none: {}}})")
    assert found == Not(Linked("generatedBy", "in", kinds=("dataset",)))


def test_links_two_levels_away_are_asked_for_in_one_filter() -> None:
    found = condition(
        """samples(where: {experiments: {some: {where: {
            techniques: {in: ["panet:PaNET01196"]}, instruments: {some: {to: ["instrument/lab/bl-1"]}}}}}})"""
    )
    assert isinstance(found, Linked)
    assert (found.field, found.direction, found.kinds) == ("samples", "in", ("experiment",))
    assert isinstance(found.where, And)
    assert len(found.where.parts) == 2


def test_objects_of_the_body_and_items_of_its_lists_are_asked_for() -> None:
    assert condition('samples(where: {organism: {name: {prefix: "Mus"}, taxId: {eq: 10090}}})') == Holds(
        "organism", (Inside(("taxId",), "eq", 10090), Inside(("name",), "prefix", "Mus"))
    )
    assert condition('samples(where: {place: {name: {eq: "神戸", language: "ja"}}})') == Holds(
        "place", (Inside(("name",), "eq", "神戸", "ja"),)
    )
    assert condition("samples(where: {place: {lat: {exists: false}}})") == Holds(
        "place", (Inside(("lat",), "missing"),)
    )
    assert condition("samples(where: {place: {exists: false}})") == Not(Holds("place"))
    assert condition("modules(where: {inputs: {constraints: {minimum: {ge: 1}, exists: true}}})") == Holds(
        "inputs", (Inside(("constraints", "minimum"), "ge", 1.0), Inside(("constraints",), "exists"))
    )
    assert condition('samples(where: {hazards: {eq: "toxic"}})') == Holds("hazards", (Inside((), "eq", "toxic"),))
    assert condition('records(where: {notes: {in: ["a", "b"]}})') == Holds("notes", (Inside((), "in", ("a", "b")),))
    assert condition("samples(where: {place: {}})") is None
    sample, port = SCHEMA.type_map["SampleFilter"], SCHEMA.type_map["PortFilter"]
    assert str(sample.fields["place"].type) == "PlaceFilter"  # type: ignore[attr-defined]
    assert str(SCHEMA.type_map["DatasetFilter"].fields["spatialCoverage"].type) == "PlaceFilter"  # type: ignore[attr-defined]
    assert "default" not in port.fields  # type: ignore[attr-defined]


def test_what_stands_beside_each_other_holds_together_and_or_and_not_are_said() -> None:
    one, other = OfRecord("source", "eq", "a"), OfRecord("source", "eq", "b")
    assert condition('records(where: {source: {eq: "a"}, profile: {prefix: "p"}})') == And(
        (one, OfRecord("profile", "prefix", "p"))
    )
    assert condition('records(where: {or: [{source: {eq: "a"}}, {not: {source: {eq: "b"}}}]})') == Or((one, Not(other)))
    assert condition('records(where: {and: [{source: {eq: "a"}}, {}]})') == one
    assert condition("records(where: {})") is None
    assert condition("records(where: {title: null})") is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("records(where: {source: {eq: null}})", "null says nothing"),
        ("records(where: {not: {}})", "says nothing"),
        ('records(where: {or: [{}, {source: {eq: "a"}}]})', "says nothing"),
        ('samples(where: {age: {in: "a"}})', "say min or max"),
        ('samples(where: {age: {min: 1, in: "keV"}})', "Time"),
        ('samples(where: {age: {min: 3, max: 2, in: "a"}})', "ends below"),
        ('samples(where: {age: {min: 3, in: "furlongs!"}})', "not a unit"),
        ('samples(where: {collectedAt: {before: "soon"}})', "no date"),
        ('experiments(where: {techniques: {in: ["wrong"]}})', "no term"),
        ('experiments(where: {condition: {name: "energy", exists: false, min: 1}})', "leave the rest out"),
        ("datasets(where: {samples: {some: {to: []}}})", "at least one"),
        (
            "datasets(where: {generatedBy: {some: {whereRun: {}, whereExperiment: {}}}})",
            "one record at its end",
        ),
        ('datasets(where: {outgoing: {some: {field: "sample"}}})', "samples"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_in_words(document: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        condition(document)
    assert said in str(refused.value)
    assert refused.value.messages["ja"]


def test_an_order_is_asked_for_by_what_can_be_ordered() -> None:
    order = asked('samples(orderBy: [{by: collectedAt, descending: true}, {by: title, language: "ja"}])').order
    assert order == (Order("collectedAt", True), Order("title", False, "ja"))
    assert asked("records(orderBy: [{by: modified}])").order == (Order("modified"),)
    with pytest.raises(Invalid):
        asked('samples(orderBy: [{by: collectedAt, language: "ja"}])')
    fields = SCHEMA.type_map["SampleOrderField"]
    assert "hazards" not in fields.values  # type: ignore[attr-defined]


def test_what_only_writers_are_told_cannot_be_asked_for() -> None:
    fields = SCHEMA.type_map["AgentFilter"].fields  # type: ignore[attr-defined]
    assert "contact" not in fields
    assert "names" in fields
    assert "contact" in SCHEMA.type_map["Agent"].fields  # type: ignore[attr-defined]


def test_a_whole_number_ends_where_numbers_of_json_are_exact() -> None:
    assert asked("datasets(where: {size: {le: 9007199254740991}})").where is not None
    long = SCHEMA.type_map["Long"]
    assert long.serialize(3.0) == 3  # type: ignore[attr-defined]
    for wrong in (1 << 53, 1.5, math.inf, True, "1"):
        with pytest.raises(GraphQLError):
            long.parse_value(wrong)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", ['"3"', "1.5", "1e400", "true", "9007199254740992"])
def test_what_is_no_whole_number_is_the_slip_of_who_asks_not_a_fault_of_ours(wrong: str) -> None:
    [refused] = validate(SCHEMA, parse(f"{{ datasets(where: {{size: {{ge: {wrong}}}}}) {{ totalCount }} }}"))
    assert told(refused, "en")["extensions"]["code"] == "BAD_USER_INPUT"
    assert "whole number" in refused.message
