"""Kinds are read from files: what a schema says becomes fields, columns and patterns, and what can't be is refused at start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from catalog.errors import Misconfigured
from catalog.records.kinds import Kind, Kinds, load_kinds, snake_case
from catalog.records.linked import link_up
from catalog.records.shipped import shipped

PARTS: dict[str, Any] = {
    "title": {"$ref": "common#/$defs/text", "title": "Title", "description": "Its name.", "x-ja": {"title": "名"}},
    "bornAt": {"$ref": "common#/$defs/date"},
    "weight": {"$ref": "common#/$defs/quantity", "x-quantity": {"quantityKind": "Mass", "units": ["g", "kg"]}},
    "owners": {"$ref": "common#/$defs/links", "x-link": {"kinds": ["agent"]}},
    "species": {"$ref": "common#/$defs/term"},
    "legs": {"type": "integer", "x-sortable": True},
    "tame": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "id": {"type": "string", "x-linked": "tagNumber"},
    "vet": {"type": "string", "x-private": True},
    "rooms": {
        "type": "array", "x-key": ["name"],
        "items": {"type": "object", "x-type": "Place", "properties": {"name": {"type": "string"}}, "additionalProperties": False},
    },
}  # fmt: skip


def pets(
    folder: Path, kind: str = "pet", plural: str = "pets", context: dict[str, Any] | None = None, **parts: Any
) -> Kinds:
    """The shipped kinds and a throw-away fifteenth."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://w3id.org/musubi/schemas/kinds/{kind}",
        "title": "Pet",
        "x-ja": {"title": "ペット"},
        "x-kind": kind,
        "x-plural": plural,
        "x-types": ["Pet"],
        "type": "object",
        "allOf": [{"$ref": "common#/$defs/record"}],
        "properties": {**PARTS, **parts},
        "unevaluatedProperties": False,
    }
    for place in ("schemas/kinds", "ontologies/context", "ontologies/shapes"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "schemas/kinds/pet.schema.json").write_text(json.dumps(schema))
    known = load_kinds().context
    terms = context or {
        "Pet": "https://pets.example/Pet",
        **{
            key: f"https://pets.example/{key}"
            for name, part in {**PARTS, **parts}.items()
            if (key := part.get("x-linked", name)) not in known
        },
    }
    (folder / "ontologies/context/pet.jsonld").write_text(json.dumps({"@context": terms}))
    return load_kinds(shipped(), folder)


@pytest.fixture
def pet(tmp_path: Path) -> Kind:
    return pets(tmp_path)["pet"]


def test_the_fourteen_kinds_ship() -> None:
    kinds = load_kinds()

    assert len(kinds) == 14
    assert kinds.fingerprint == load_kinds().fingerprint


def test_marks_are_found_through_references(pet: Kind) -> None:
    field = pet.field

    assert (pet.plural, pet.types, pet.titles) == ("pets", ("Pet",), {"en": "Pet", "ja": "ペット"})
    assert (field["title"].form, field["title"].titles) == ("text", {"en": "Title", "ja": "名"})
    assert field["description"].form == "text"
    assert field["bornAt"].form == "date"
    assert (field["weight"].quantity_kind, field["weight"].units) == ("Mass", ("g", "kg"))
    assert (field["owners"].form, field["owners"].many, field["owners"].kinds) == ("links", True, ("agent",))
    assert field["species"].form == "term"
    assert (field["tags"].scalar, field["tags"].many) == ("string", True)
    assert (field["rooms"].form, field["rooms"].key, field["rooms"].rdf_type) == ("object", ("name",), "Place")
    assert field["vet"].private
    assert field["legs"].sortable
    assert field["attributes"].attribute
    assert field["identifiers"].identifier
    assert field["details"].form == "json"
    assert field["license"].format == "iri"


def test_every_top_level_value_that_is_not_private_has_its_columns(pet: Kind) -> None:
    own = [(column.name, column.type) for column in pet.columns if column.field in PARTS]

    assert own == [
        ("title", "text"), ("title_en", "text"), ("title_ja", "text"),
        ("born_at", "text"), ("born_at_from", "timestamp"), ("born_at_until", "timestamp"), ("born_at_missing", "text"),
        ("weight_value", "real"), ("weight_unit", "text"), ("weight_si_min", "real"), ("weight_si_max", "real"),
        ("species", "text"), ("legs", "integer"), ("tame", "boolean"), ("id", "text"),
    ]  # fmt: skip


def test_the_published_schema_says_which_kinds_a_link_may_point_to(tmp_path: Path) -> None:
    kinds = pets(tmp_path)
    registry = jsonschema_rs.Registry(list(kinds.schemas.items()))
    valid = jsonschema_rs.Draft202012Validator(dict(kinds["pet"].schema), registry=registry).is_valid

    for owner, allowed in (("agent/a/b", True), ("https://a/b", True), ("sample/a/b", False), ("agents/a/b", False)):
        assert valid({"owners": [owner]}) is allowed
        assert valid({"owners": [{"to": owner, "role": "owner"}]}) is allowed


def test_a_fifteenth_kind_is_linked_like_any_other(pet: Kind) -> None:
    body = {"id": "7", "legs": 4, "weight": {"value": 2, "unit": "kg"}, "rooms": [{"name": "a b"}], "vet": "x"}

    found = link_up(pet, "pet/home/1", body, {})

    assert found.document == {
        "id": "pet/home/1", "type": ["Pet", "Record"], "tagNumber": "7", "legs": 4,
        "weight": {"id": "pet/home/1#weight", "type": "Quantity", "value": 2, "inUnit": "qu:KiloGM", "unitText": "kg", "siMin": 2.0, "siMax": 2.0},
        "rooms": [{"id": "pet/home/1#rooms/a%20b", "type": "Place", "name": "a b"}],
    }  # fmt: skip


def test_the_fingerprint_follows_what_shapes_the_mirror_and_not_what_people_read(tmp_path: Path) -> None:
    first = pets(tmp_path)["pet"].fingerprint

    assert (
        pets(tmp_path, legs={"type": "integer", "x-sortable": True, "title": "Legs", "minimum": 0})["pet"].fingerprint
        == first
    )
    assert pets(tmp_path, legs={"type": "number", "x-sortable": True})["pet"].fingerprint != first
    assert pets(tmp_path, wings={"type": "integer"})["pet"].fingerprint != first
    assert pets(tmp_path, legs={"type": "integer", "x-sortable": True, "x-linked": "feet"})["pet"].fingerprint != first


@pytest.mark.parametrize(
    "name",
    [
        "records",
        "search",
        "links",
        "a" * 33,
        "withdraw",
        "record",
        "scope",
        "file-list",
        "link",
        "Pet",
        "pe t",
        "",
        "files",
    ],
)
def test_a_kind_may_not_bear_the_name_of_an_address_or_a_table(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured):
        pets(tmp_path, kind=name)
    with pytest.raises(Misconfigured):
        pets(tmp_path, plural=name)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"to": {"type": "string"}}, "JSON-LD reads as its own"),
        ({"type": {"type": "string"}}, "JSON-LD reads as its own"),
        ({"skos": {"type": "string"}}, "JSON-LD reads as its own"),
        ({"ro": {"type": "string"}}, "JSON-LD reads as its own"),
        ({"tagNumber": {"type": "string"}}, "both be written as"),
        ({"titleEn": {"type": "string"}}, "share the mirror's column"),
        ({"x": {"$ref": "common#/$defs/nothing"}}, "leads nowhere"),
        ({"x": {"$ref": "#/properties/x"}}, "ring"),
        ({"x": {"$ref": "common#/$defs/links", "x-link": {"kinds": ["unicorn"]}}}, "'unicorn'"),
        ({"x": {"type": "string", "x-sortabel": True}}, "no mark 'x-sortabel'; did you mean 'x-sortable'"),
        ({"x": {"type": "string", "x-text": True}}, "marked as text"),
        ({"x": {"type": "integer", "x-date": True}}, "marked as date"),
        ({"x": {"$ref": "common#/$defs/quantity", "x-quantity": {"units": ["furlongg"]}}}, "'furlongg'"),
        ({"x": {"$ref": "common#/$defs/quantity", "x-quantity": {"quantityKind": "Lenght"}}}, "'Lenght'"),
        ({"x": {"$ref": "common#/$defs/links", "x-sortable": True}}, "x-sortable"),
        ({"x": {"$ref": "common#/$defs/links", "x-link": {"lineage": "up"}}}, "lineage of x-link is one of origin"),
        ({"x": {"$ref": "common#/$defs/text"}}, "@language"),
        ({"x": {"type": "string", "x-private": True, "x-sortable": True}}, "x-sortable"),
        ({"record": {"type": "string"}}, "column 'record'"),
        ({"called": {"type": "string"}}, "'called', which the context"),
    ],
)
def test_a_schema_that_cannot_become_a_kind_is_refused_with_its_reason(
    tmp_path: Path, parts: dict[str, Any], why: str
) -> None:
    with pytest.raises(Misconfigured, match=why):
        pets(tmp_path, **parts)


def test_a_key_of_the_context_with_two_meanings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="means two things"):
        pets(tmp_path, context={"title": "https://pets.example/title"})


def test_what_the_graph_would_lose_without_a_word_is_refused(tmp_path: Path) -> None:
    pets(tmp_path)
    path = tmp_path / "ontologies/context/pet.jsonld"
    whole = json.loads(path.read_text())["@context"]
    for term in ("Pet", "legs", "rooms", "tagNumber"):
        path.write_text(json.dumps({"@context": {key: value for key, value in whole.items() if key != term}}))
        with pytest.raises(Misconfigured, match=f"'{term}', which the context"):
            load_kinds(shipped(), tmp_path)
    path.write_text(json.dumps({"@context": whole}))
    assert "pet" in load_kinds(shipped(), tmp_path)


@pytest.mark.parametrize(
    "place", ["ontologies/shapes/common.ttl", "ontologies/shapes/sample.ttl", "ontologies/musubi.ttl"]
)
def test_a_file_of_an_installation_never_takes_the_place_of_a_shipped_one(tmp_path: Path, place: str) -> None:
    pets(tmp_path)
    (tmp_path / place).write_text("")

    with pytest.raises(Misconfigured, match="bears the name"):
        load_kinds(shipped(), tmp_path)


@pytest.mark.parametrize("keyword", ["allOf", "unevaluatedProperties"])
def test_a_kind_builds_on_what_every_record_has_and_is_closed(tmp_path: Path, keyword: str) -> None:
    pets(tmp_path)
    path = tmp_path / "schemas/kinds/pet.schema.json"
    schema = json.loads(path.read_text())
    del schema[keyword]
    path.write_text(json.dumps(schema))

    with pytest.raises(Misconfigured, match="unevaluatedProperties"):
        load_kinds(shipped(), tmp_path)


def test_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    pets(tmp_path)
    path = tmp_path / "schemas/kinds/pet.schema.json"
    for text in ("{", "[]", '{"x-kind": "pet"}'):
        path.write_text(text)
        with pytest.raises(Misconfigured, match=r"pet\.schema\.json"):
            load_kinds(shipped(), tmp_path)


def test_names_become_columns_as_sql_writes_them() -> None:
    names = {"collectedAt": "collected_at", "CAS": "cas", "taxId": "tax_id", "eRadNumber": "e_rad_number", "x": "x"}

    assert {name: snake_case(name) for name in names} == names
