"""The schema from the kinds: what every kind tells, how it is answered, what it is called, and that it stays what clients were told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    graphql_sync,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
    validate,
    validate_schema,
)

from catalog.errors import Misconfigured
from catalog.records.kinds import load_kinds
from catalog.records.shipped import shipped
from catalog.web.graphql.compile import recipe_of
from catalog.web.graphql.federation import subgraph
from catalog.web.graphql.naming import camel, pascal
from catalog.web.graphql.recipes import AlongLinks, DrawnOf, InBody, KeptOf, ListOf, OneOf
from catalog.web.graphql.schema import schema_of, written
from scripts.write_sdl import COMMITTED, current, undeclared
from tests.conftest import PROJECT

KINDS = load_kinds()
SCHEMA = schema_of(KINDS)
FIFTEENTH = PROJECT / "tests" / "service" / "fifteenth"
JAPANESE = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff]")


def fields_of(name: str, schema: GraphQLSchema = SCHEMA) -> dict[str, GraphQLField]:
    type_ = schema.type_map[name]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    return type_.fields


def below(name: str, seen: set[str]) -> Iterator[tuple[str, str, GraphQLField]]:
    """Every field that is told of records, from a type down."""
    if name in seen:
        return
    seen.add(name)
    type_ = SCHEMA.type_map[name]
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for called, field in type_.fields.items():
            yield name, called, field
            yield from below(get_named_type(field.type).name, seen)


def test_every_field_of_a_kind_is_told_and_says_how_it_is_answered() -> None:
    for kind in KINDS.values():
        told = fields_of(pascal(kind.name))
        for field in kind.fields:
            recipe = recipe_of(told[field.name])
            if field.form == "links":
                assert recipe == AlongLinks(field.name, "out", field.kinds)
            else:
                assert isinstance(recipe, InBody)
                assert (recipe.name, recipe.many) == (field.name, field.many)
    without = [f"{of}.{name}" for of, name, field in below("Record", set()) if recipe_of(field) is None]
    for kind in KINDS:
        without += [f"{of}.{name}" for of, name, field in below(pascal(kind), set()) if recipe_of(field) is None]
    assert without == []


def test_only_the_id_of_a_record_is_never_null() -> None:
    for kind in KINDS.values():
        told = fields_of(pascal(kind.name))
        assert [name for name, field in told.items() if isinstance(field.type, GraphQLNonNull)] == ["id"]


def test_forms_are_told_as_their_types() -> None:
    dataset, experiment, term = fields_of("Dataset"), fields_of("Experiment"), fields_of("Term")
    assert str(dataset["title"].type) == "String"
    assert list(dataset["title"].args) == ["language"]
    assert str(term["alternateLabels"].type) == "[String!]"
    assert recipe_of(term["alternateLabels"]) == InBody("alternateLabels", "texts", many=True)
    assert str(dataset["size"].type) == "Long"
    assert str(dataset["latest"].type) == "Boolean"
    assert str(dataset["issuedAt"].type) == "Date"
    assert set(fields_of("Date")) == {"text", "from", "until", "missing"}
    assert str(fields_of("Sample")["age"].type) == "Quantity"
    assert list(fields_of("Sample")["age"].args) == ["in"]
    assert {"value", "min", "max", "uncertainty", "unit", "si", "siMin", "siMax", "siUnit", "kind"} <= set(
        fields_of("Quantity")
    )
    assert str(experiment["techniques"].type) == "[TermValue!]"
    assert str(dataset["details"].type) == "JSON"
    assert str(experiment["condition"].type) == "Condition"
    assert list(experiment["condition"].args) == ["name", "in"]
    assert recipe_of(experiment["condition"]) == InBody("conditions", "object", many=True, named=True)
    assert recipe_of(dataset["attribute"]) == InBody("attributes", "object", many=True, named=True)
    assert "condition" not in dataset
    assert recipe_of(dataset["submitted"]) == DrawnOf("submitted")
    assert recipe_of(dataset["status"]) == KeptOf("status")


def test_objects_that_are_defined_once_share_a_type_and_others_bear_the_name_of_their_kind() -> None:
    assert {
        str(fields_of(kind)[field].type) for kind, field in (("Dataset", "spatialCoverage"), ("Sample", "place"))
    } == {"Place"}
    assert str(fields_of("Workflow")["nodes"].type) == "[WorkflowNode!]"
    assert str(fields_of("Module")["inputs"].type) == str(fields_of("Workflow")["outputs"].type) == "[Port!]"
    assert str(fields_of("Agent")["funding"].type) == "[Grant!]"


def test_what_a_schema_lists_is_text_with_its_values_told() -> None:
    field = fields_of("Dataset")["access"]
    assert str(field.type) == "String"
    assert "One of: " in str(field.description)


def test_links_are_told_from_both_ends() -> None:
    sample, dataset, publication = fields_of("Sample"), fields_of("Dataset"), fields_of("Publication")
    assert recipe_of(sample["datasets"]) == AlongLinks("samples", "in", ("dataset",))
    assert str(sample["datasets"].type) == "DatasetLinkConnection"
    assert recipe_of(fields_of("Experiment")["datasetsViaGeneratedBy"]) == AlongLinks("generatedBy", "in", ("dataset",))
    # Both link to each other by the plural of the other: the field itself has the name.
    assert recipe_of(publication["datasets"]) == AlongLinks("datasets", "out", ("dataset",))
    assert recipe_of(publication["datasetsViaPublications"]) == AlongLinks("publications", "in", ("dataset",))
    assert str(dataset["generatedBy"].type) == "RecordLinkConnection"
    for name in ("outgoing", "incoming"):
        assert list(dataset[name].args) == ["field", "kinds", "where", "role", "orderBy", "first", "after"]
    assert list(dataset["samples"].args) == ["where", "role", "orderBy", "first", "after"]
    edge = fields_of("SampleLinkEdge")
    assert {
        "cursor",
        "node",
        "to",
        "field",
        "role",
        "port",
        "order",
        "predicate",
        "from",
        "until",
        "note",
        "by",
    } == set(edge)
    assert str(edge["node"].type) == "Sample"
    assert str(fields_of("SampleEdge")["node"].type) == "Sample!"


def test_every_kind_has_a_question_for_one_and_for_a_list() -> None:
    asked = fields_of("Query")
    for kind in KINDS.values():
        assert recipe_of(asked[camel(kind.name)]) == OneOf((kind.name,))
        assert recipe_of(asked[camel(kind.plural)]) == ListOf((kind.name,))
        assert list(asked[camel(kind.plural)].args) == ["where", "orderBy", "first", "after", "statuses"]
    assert list(asked["records"].args) == ["kinds", "where", "orderBy", "first", "after", "statuses"]


def test_the_common_fields_can_be_asked_of_any_record() -> None:
    told = fields_of("Record")
    assert {"title", "description", "identifiers", "contributors", "attributes", "attribute", "outgoing"} <= set(told)
    assert "sampleType" not in told


def test_all_is_described_in_english_and_in_japanese() -> None:
    wanting: list[str] = []

    def look(place: str, described: Any) -> None:
        text = described.description or ""
        if not JAPANESE.search(text) or not re.search("[A-Za-z]{2}", text):
            wanting.append(place)

    for name, type_ in SCHEMA.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        look(name, type_)
        for called, field in getattr(type_, "fields", {}).items():
            look(f"{name}.{called}", field)
            for argument, told in getattr(field, "args", {}).items():
                look(f"{name}.{called}({argument})", told)
        for called, value in getattr(type_, "values", {}).items():
            look(f"{name}.{called}", value)
    assert wanting == []


def test_the_schema_of_the_same_kinds_is_made_once() -> None:
    assert schema_of(load_kinds()) is SCHEMA


# --- how an executor finds what was told


def test_what_was_told_as_a_whole_is_picked_out_by_the_names_that_it_was_asked_under() -> None:
    sample = {"__typename": "Sample", "id": "sample/a/b", "name": "Iron", "sampleType": "crystal"}
    page = {"nodes": [sample], "n": 1}
    root = {"it": sample, "list": page, "none": None}
    document = """{
        it: record(id: "x") { id name: title(language: "en") ...on Sample { sampleType } ...on Dataset { format } }
        list: samples { nodes { id } n: totalCount }
        none: node(id: "y") { id }
    }"""
    found = graphql_sync(SCHEMA, document, root_value=root)
    assert found.errors is None
    assert found.data == {
        "it": {"id": "sample/a/b", "name": "Iron", "sampleType": "crystal"},
        "list": {"nodes": [{"id": "sample/a/b"}], "n": 1},
        "none": None,
    }


# --- names


def test_a_fifteenth_kind_is_asked_for_like_any_other_and_renames_nothing() -> None:
    more = schema_of(load_kinds(shipped(), FIFTEENTH))
    voyage = fields_of("ResearchVoyage", more)
    # The name of the field is that of what the catalogue keeps of every record.
    assert recipe_of(voyage["bodyStatus"]) == InBody("status", "plain")
    assert recipe_of(voyage["status"]) == KeptOf("status")
    assert recipe_of(fields_of("Sample", more)["researchVoyagesViaRecovered"]) == AlongLinks(
        "recovered", "in", ("research-voyage",)
    )
    assert recipe_of(fields_of("Query", more)["researchVoyages"]) == ListOf(("research-voyage",))
    leg = fields_of("ResearchVoyageVoyageLeg", more)
    assert recipe_of(leg["scientists"]) == InBody("scientists", "links", many=True)
    assert str(leg["scientists"].type) == "[Link!]"
    filter_ = more.type_map["ResearchVoyageFilter"]
    assert "insurer" not in filter_.fields  # type: ignore[attr-defined]
    assert "incident" not in more.type_map["ResearchVoyageVoyageLegFilter"].fields  # type: ignore[attr-defined]
    assert {"shipName", "bodyStatus", "distance", "seaArea"} <= set(filter_.fields)  # type: ignore[attr-defined]
    for name in SCHEMA.type_map:
        assert set(getattr(SCHEMA.type_map[name], "fields", ())) <= set(getattr(more.type_map[name], "fields", ()))


def kind_of(folder: Path, **changes: Any) -> Path:
    """A folder with one kind, made of the fifteenth by these changes."""
    schema = json.loads((FIFTEENTH / "schemas" / "kinds" / "research-voyage.schema.json").read_text("utf-8"))
    properties = changes.get("properties", {})
    schema = {**schema, **changes, "properties": {**schema["properties"], **properties}}
    schema["properties"]["previous"]["x-link"]["kinds"] = [schema["x-kind"]]
    place = folder / "schemas" / "kinds" / "voyage.schema.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(schema), "utf-8")
    (folder / "ontologies" / "context").mkdir(parents=True)
    context = json.loads((FIFTEENTH / "ontologies" / "context" / "research-voyage.jsonld").read_text("utf-8"))
    context["@context"] |= {name: f"https://example.org/{number}" for number, name in enumerate(properties)}
    (folder / "ontologies" / "context" / "voyage.jsonld").write_text(json.dumps(context), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x-kind": "page-info", "x-plural": "page-infos"}, "'PageInfo' would be both"),
        ({"x-kind": "research-voyage", "x-plural": "nodes"}, "'nodes' would be both"),
        ({"x-kind": "query", "x-plural": "queries"}, "'Query' would be both"),
        ({"x-kind": "neighbour", "x-plural": "neighbours"}, "'neighbours' would be both"),
        ({"x-kind": "search-result", "x-plural": "search-results"}, "two types would bear one name"),
        ({"properties": {"bodyStatus": {"type": "string"}}}, "'bodyStatus' would be both"),
        ({"properties": {"海域": {"type": "string"}}}, "GraphQL cannot say '海域'"),
    ],
)
def test_kinds_that_graphql_cannot_tell_apart_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    kinds = load_kinds(shipped(), kind_of(tmp_path / "kinds", **changes))
    with pytest.raises(Misconfigured, match=re.escape(said)) as refused:
        schema_of(kinds)
    assert JAPANESE.search(refused.value.messages["ja"])


# --- what clients were told


def test_the_committed_schema_is_the_schema_and_breaks_no_client_in_silence() -> None:
    committed = COMMITTED.read_text("utf-8")
    now = current()
    if committed != now:
        breaks = undeclared(committed, now, (PROJECT / "CHANGELOG.md").read_text("utf-8"))
        told = f"; clients break, which CHANGELOG.md does not say: {breaks}" if breaks else ""
        pytest.fail(f"schemas/catalog.graphql is not that of the kinds; run `make docs`{told}")


def test_what_breaks_clients_is_found_unless_the_changelog_says_it() -> None:
    before = "type Query { one: String two(a: Int): String }"
    log = "# Changes\n\n## 1.1, not yet released\n\n- {}\n\n## 1.0\n\n- Field Query.one was removed.\n"
    after = "type Query { two(a: Int, b: Int!): String }"
    assert undeclared(before, "type Query { one: String two(a: Int): String three: Int }", log) == []
    found = undeclared(before, after, log.format("Nothing."))
    # What an earlier version said of itself is not said of this one.
    assert len(found) == 2
    assert "Field Query.one was removed." in found
    assert undeclared(before, after, log.format("Field `Query.one` was removed. " + found[0])) == []


def test_the_committed_schema_is_valid() -> None:
    assert validate_schema(build_schema(written(SCHEMA))) == []


@pytest.mark.parametrize(
    "example", re.findall(r"```graphql\n(.*?)```", (PROJECT / "docs" / "graphql.md").read_text("utf-8"), re.DOTALL)
)
def test_every_example_of_the_documentation_can_be_asked(example: str) -> None:
    assert validate(SCHEMA, parse(example)) == []


# --- gateways


def test_a_gateway_is_told_keys_and_what_may_be_shared() -> None:
    sdl = subgraph(SCHEMA)
    assert sdl.startswith("extend schema @link(")
    marked = dict(re.findall(r"^type (\w+)([^{\n]*)\{", sdl, flags=re.MULTILINE))
    for kind in KINDS:
        assert marked[pascal(kind)].strip().endswith('@key(fields: "id") @shareable')
    assert all("@shareable" in marks for name, marks in marked.items() if name != "Subscription")
    assert "_entities" not in sdl
    assert "_Any" not in sdl
    found = graphql_sync(SCHEMA, "{ _service { sdl } }")
    assert found.data == {"_service": {"sdl": sdl}}
    entities = fields_of("Query")["_entities"]
    assert isinstance(entities.type, GraphQLNonNull)
    assert isinstance(entities.type.of_type, GraphQLList)
    assert str(entities.type) == "[_Entity]!"


def test_records_by_reference_are_told_apart_by_their_types() -> None:
    root = {"_entities": [{"__typename": "Sample", "id": "sample/a/b", "sampleType": "x"}, None]}
    document = """{ _entities(representations: [{__typename: "Sample", id: "sample/a/b"}, {__typename: "Dataset", id: "d"}]) {
        ...on Sample { id sampleType } ...on Dataset { format } } }"""
    found = graphql_sync(SCHEMA, document, root_value=root)
    assert found.errors is None
    assert found.data == {"_entities": [{"id": "sample/a/b", "sampleType": "x"}, None]}
