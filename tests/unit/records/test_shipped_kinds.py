"""Facts about the schemas, context, shapes and ontology that ship with the catalogue."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pyoxigraph as ox
import pytest
import shifty
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from catalog.projections.graph.quads import SAME
from catalog.records.kinds import Field, Kind, load_kinds, prefixes_of
from catalog.records.shipped import shipped

NS = "https://w3id.org/musubi/ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SH = "http://www.w3.org/ns/shacl#"
FOURTEEN = {
    "agent", "dataset", "experiment", "instrument", "module", "policy", "project", "publication", "run", "sample",
    "service", "template", "term", "workflow",
}  # fmt: skip
# What the linked form writes beside the fields of the kinds.
MACHINERY = {
    "id", "type", "to", "as", "of", "is", "field", "hadRole", "port", "predicate", "from", "until", "order", "note",
    "by", "value", "min", "max", "uncertainty", "inUnit", "ucum", "unitText", "siMin", "siMax", "quantityKind", "name",
    "text", "term", "called", "count", "dateTime", "date", "year", "month", "edtf", "missing", "Record", "Link", "Quantity",
    "PropertyValue",
}  # fmt: skip

FOLDER = shipped()
SCHEMAS = {path.name: json.loads(path.read_bytes()) for path in sorted((FOLDER / "schemas").rglob("*.schema.json"))}
KIND_SCHEMAS = {schema["x-kind"]: schema for schema in SCHEMAS.values() if "x-kind" in schema}
COMMON = SCHEMAS["common.schema.json"]
CONTEXTS = {
    path.stem: json.loads(path.read_bytes())["@context"] for path in sorted((FOLDER / "ontologies/context").glob("*"))
}
SHAPES = {path.stem: path.read_bytes() for path in sorted((FOLDER / "ontologies/shapes").glob("*.ttl"))}
ONTOLOGY = (FOLDER / "ontologies" / "musubi.ttl").read_bytes()
KINDS = load_kinds()
REGISTRY: Any = jsonschema_rs.Registry([(schema["$id"], schema) for schema in SCHEMAS.values()])


def validator(schema: Mapping[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(dict(schema), registry=REGISTRY, validate_formats=True, offline=True)


def form(name: str) -> Any:
    return validator({"$schema": COMMON["$schema"], "$ref": f"{COMMON['$id']}#/$defs/{name}"})


class Said(NamedTuple):
    """One statement, plainly."""

    subject: str
    predicate: str
    object: str
    language: str | None = None
    form: str = "NamedNode"


def plain(quads: Iterable[ox.Quad]) -> list[Said]:
    made = []
    for quad in quads:
        assert not isinstance(quad.subject, ox.Triple)
        assert not isinstance(quad.object, ox.Triple)
        language = quad.object.language if isinstance(quad.object, ox.Literal) else None
        made.append(
            Said(quad.subject.value, quad.predicate.value, quad.object.value, language, type(quad.object).__name__)
        )
    return made


def statements(turtle: bytes) -> list[Said]:
    return plain(ox.parse(turtle, format=ox.RdfFormat.TURTLE))


def read(document: Mapping[str, Any]) -> list[Said]:
    text = json.dumps(document).encode()
    return plain(ox.parse(text, format=ox.RdfFormat.JSON_LD, base_iri="https://x.example/"))


def described(schema: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each property that a schema defines, with its place; conditions only narrow what is defined elsewhere."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from described(item, f"{place}/{index}")
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                for name, inner in value.items():
                    narrows = inner is False or set(inner) <= {"enum"}
                    if not narrows:
                        yield f"{place}/{name}", inner
                    yield from described(inner, f"{place}/{name}")
            elif key not in ("if", "enum", "const", "x-ja"):
                yield from described(value, f"{place}/{key}")


def every_field(fields: tuple[Field, ...]) -> Iterator[Field]:
    for each in fields:
        yield each
        if each.form != "links":
            yield from every_field(each.fields)


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Each object form with properties, wherever it stands."""
    if isinstance(schema, list):
        for item in schema:
            yield from objects(item)
    elif isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for key, value in schema.items():
            if key not in ("if", "enum"):
                yield from objects(value)


def expanded(name: str) -> str:
    """A prefixed name of the context as an IRI."""
    prefix, colon, rest = name.partition(":")
    found = KINDS.context.get(prefix)
    return found + rest if colon and isinstance(found, str) and not rest.startswith("//") else name


def predicate(key: str) -> str | None:
    definition = KINDS.context.get(key)
    if isinstance(definition, dict):
        definition = definition.get("@id", definition.get("@reverse"))
    return None if definition is None else expanded(definition)


# -- schemas ----------------------------------------------------------------------------------------------------------


def test_there_are_fourteen_kinds_each_with_a_context_and_shapes() -> None:
    assert set(KINDS) == set(KIND_SCHEMAS) == FOURTEEN
    assert set(CONTEXTS) == set(SHAPES) == FOURTEEN | {"common"}
    for name in FOURTEEN:
        assert KIND_SCHEMAS[name]["$id"] == f"https://w3id.org/musubi/schemas/kinds/{name}"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_keeps_its_own_declaration(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    validator(SCHEMAS[name])


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_property_is_described_in_english_and_japanese(name: str) -> None:
    schema = SCHEMAS[name]
    told = [(name, schema), *described(schema, name)]
    told += [(f"{name}#{key}", part) for key, part in schema.get("$defs", {}).items()]
    for place, part in told:
        assert part.get("title"), place
        assert part.get("description"), place
        japanese = part.get("x-ja", {})
        assert set(japanese) == {"title", "description"}, place
        # Names such as ORCID stay as they are; a sentence does not.
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", japanese["description"]), place


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_object_is_closed(name: str) -> None:
    schema = SCHEMAS[name]
    if "x-kind" in schema:
        assert schema["unevaluatedProperties"] is False
    for part in objects(schema):
        if part is schema and "x-kind" in schema:
            continue
        only_narrows = all(set(value) <= {"enum"} for value in part["properties"].values() if isinstance(value, dict))
        assert only_narrows or part.get("additionalProperties") is False, part.get("title", part["properties"].keys())


@pytest.mark.parametrize("name", sorted(FOURTEEN))
def test_a_key_that_a_kind_does_not_have_is_refused_except_in_details(name: str) -> None:
    schema = KIND_SCHEMAS[name]
    least = {key: {"en": "x"} for key in schema.get("required", ())}
    check = validator(schema)
    assert check.is_valid(least)
    assert check.is_valid({**least, "details": {"@id": "x", "anything": [1, None, {"@context": {}}]}})
    for key in ("@id", "@type", "@context", "id", "to", "as", "of", "unheardOf", "__proto__"):
        assert not check.is_valid({**least, key: "x"}), key
        assert not check.is_valid({**least, "attributes": [{"name": "a", "value": 1, key: "x"}]}), key


def test_little_is_required() -> None:
    required = {name: set(schema.get("required", ())) for name, schema in KIND_SCHEMAS.items()}
    assert {name for name, keys in required.items() if not keys} == {"sample", "experiment", "run"}
    assert required.pop("agent") == {"names"}
    assert required.pop("term") == {"labels"}
    assert {key for keys in required.values() for key in keys} == {"title"}


def test_an_error_lands_on_the_field_that_is_wrong() -> None:
    body = {
        "title": {"en": " "},
        "keywords": ["x", ""],
        "contributors": ["agent/a/b", {"to": "no id"}],
        "attributes": [{"name": "a"}, {"name": "b", "value": 1, "quantity": {"value": 1, "unit": "K"}}],
        "amount": {"value": 1, "max": 2, "unit": "g"},
    }
    found = {tuple(error.instance_path) for error in validator(KIND_SCHEMAS["sample"]).iter_errors(body)}
    assert found - {()} == {
        ("title", "en"), ("keywords", 1), ("contributors", 1, "to"), ("attributes", 0), ("attributes", 1, "value"),
        ("amount", "max"),
    }  # fmt: skip


def test_sortable_fields_are_few_and_have_a_column() -> None:
    for kind in KINDS.values():
        sortable = [each for each in kind.fields if each.sortable]
        assert 1 <= len(sortable) <= 6, kind.name
        assert {each.name for each in sortable} <= {column.field for column in kind.columns}, kind.name


def test_an_envelope_is_what_the_reader_of_submissions_takes() -> None:
    check = validator(SCHEMAS["submission.schema.json"])
    good = {"kind": "sample", "source": "ddbj", "localId": "SAMD 1", "profile": "insdc-biosample@1", "body": {}}
    assert check.is_valid(good)
    assert check.is_valid({**good, "files": [{"path": "a.fq", "checksums": [{"algorithm": "md5", "value": "ab"}]}]})
    wrong: list[dict[str, Any]] = [
        {"status": "withdrawn"},
        {"profile": "x"},
        {"source": "a/b"},
        {"files": [{}]},
        {"title": {"en": "x"}},
    ]
    for change in wrong:
        assert not check.is_valid({**good, **change}), change


# -- nothing is lost without a word -----------------------------------------------------------------------------------


@given(st.from_regex(re.compile(COMMON["$defs"]["iri"]["pattern"]), fullmatch=True))
def test_an_iri_that_the_schema_takes_makes_its_statement(iri: str) -> None:
    document = {"@id": "https://x.example/a", "https://x.example/p": {"@id": iri.rstrip("\n")}}
    assert len(read(document)) == 1


@pytest.mark.parametrize(
    "iri",
    ["a b:c", "http://a b/", "http://a/{x}", "http://a/<", 'http://a/"', "http://a/\\", "http://a/^",
     "http://a/`", "http://a/|", "http://a/[x]", "http://a/%zz", "http://a:port/", "http://a/#b#c", "sample/x/y", ""],
)  # fmt: skip
def test_an_iri_that_would_be_lost_is_refused(iri: str) -> None:
    assert not form("iri").is_valid(iri)


@given(st.from_regex(re.compile(COMMON["$defs"]["languageTag"]["pattern"]), fullmatch=True))
def test_a_language_tag_that_the_schema_takes_makes_its_statement(tag: str) -> None:
    document = {"@id": "https://x.example/a", "https://x.example/p": {"@value": "x", "@language": tag.rstrip("\n")}}
    assert len(read(document)) == 1


@pytest.mark.parametrize("tag", ["", "japanese language", "ja_JP", "JA", "en-us", "zh-hans", "e", "@none", "en-"])
def test_a_language_tag_that_would_be_lost_or_stand_twice_is_refused(tag: str) -> None:
    assert not form("text").is_valid({tag: "x"})


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_key_of_the_linked_form_makes_a_statement(kind: Kind) -> None:
    for each in every_field(kind.fields):
        if each.name == "quantity" and each.form == "quantity":
            continue  # an attribute's quantity is written into the attribute itself
        value: Any = {
            "text": {"en": ["x"] if each.many else "x"},
            "date": {"@type": "year", "is": "2019"},
            "quantity": {"id": "a#q", "type": "Quantity"},
            "links": [{"to": "sample/x/y"}],
            "term": {"to": "https://x.example/t"},
            "object": {"id": "a#o", "type": each.rdf_type},
            "json": {"x": 1},
            "scalar": {"number": 1.5, "integer": 1, "boolean": True}.get(each.scalar or "", "x"),
        }[each.form]
        document = {"@context": dict(KINDS.context), "id": "a", each.linked: value}
        found = read(document)
        made = [quad for quad in found if quad.predicate == predicate(each.linked)]
        assert len(made) == 1, each.linked
        assert not any(quad.form == "BlankNode" for quad in found), each.linked
        typed = [quad for quad in found if quad.predicate.endswith("#type")]
        assert len(typed) == (each.form in ("object", "quantity")), (each.linked, each.rdf_type)


# -- context ----------------------------------------------------------------------------------------------------------


def test_the_context_maps_every_key_and_type_and_nothing_else() -> None:
    fields = [each for kind in KINDS.values() for each in every_field(kind.fields)]
    keys = {each.linked for each in fields} - {"quantity"}
    types = {each.rdf_type for each in fields if each.rdf_type} | {kind.types[0] for kind in KINDS.values()}
    prefixes = set(prefixes_of(KINDS.context))
    assert (keys | types | MACHINERY) - set(KINDS.context) == set()
    assert set(KINDS.context) - keys - types - MACHINERY - prefixes == set()
    assert prefixes & (keys | types | MACHINERY) == set()


def test_a_key_has_one_meaning_in_all_files() -> None:
    meanings: dict[str, Any] = {}
    for name, context in CONTEXTS.items():
        for key, definition in context.items():
            assert meanings.setdefault(key, definition) == definition, (name, key)


def test_the_context_keeps_to_what_costs_little_and_loses_nothing() -> None:
    for key, definition in KINDS.context.items():
        assert not {"/", ":"} & set(key), key
        if isinstance(definition, dict):
            assert set(definition) <= {"@id", "@reverse", "@type", "@container", "@prefix"}, key
            assert definition.get("@container", "@language") == "@language", key
        iri = definition.get("@type") if isinstance(definition, dict) else None
        assert iri != "xsd:decimal", key


def test_two_fields_that_stand_side_by_side_have_two_predicates() -> None:
    def check(place: str, fields: tuple[Field, ...]) -> None:
        seen = Counter(predicate(each.linked) for each in fields)
        twice = {iri for iri, count in seen.items() if count > 1}
        assert not twice, (place, twice)
        for each in fields:
            if each.form != "links":
                check(f"{place}/{each.name}", each.fields)

    for kind in KINDS.values():
        check(kind.name, kind.fields)


def test_every_class_of_a_kind_expands_to_an_iri() -> None:
    for kind in KINDS.values():
        own, *others = kind.types
        assert predicate(own) == NS + own
        for other in others:
            assert expanded(other) != other, other


# -- shapes -----------------------------------------------------------------------------------------------------------


def test_the_shapes_are_read_without_a_complaint() -> None:
    assert not shifty.PreparedValidator(b"\n".join(SHAPES.values())).diagnostics


@pytest.mark.parametrize("name", sorted(FOURTEEN))
def test_a_kind_has_a_shape_for_its_own_class(name: str) -> None:
    target = f"{SH}targetClass"
    targets = {quad.object for quad in statements(SHAPES[name]) if quad.predicate == target}
    assert NS + KINDS[name].types[0] in targets


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_property_shape_speaks_english_and_japanese_and_no_shape_looks_elsewhere(name: str) -> None:
    said = statements(SHAPES[name])
    used = {quad.predicate.removeprefix(SH) for quad in said}
    assert used.isdisjoint({"node", "class", "sparql", "js", "rule", "target", "qualifiedValueShape", "entailment"})
    inside = {quad.object for quad in said if quad.predicate == SH + "property"}
    # A property shape inside an alternative never speaks: the alternative's own shape does.
    alternatives = {quad.object for quad in said if quad.predicate.endswith("#first")}
    unheard = {quad.object for quad in said if quad.predicate == SH + "property" and quad.subject in alternatives}
    speaking = (inside - unheard) | {quad.subject for quad in said if quad.predicate == SH + "or"}
    languages: dict[str, set[str | None]] = {}
    for quad in said:
        if quad.predicate == SH + "message":
            languages.setdefault(quad.subject, set()).add(quad.language)
    assert all(languages.get(shape) == {"en", "ja"} for shape in speaking)


def test_every_path_of_a_shape_is_a_predicate_of_the_context() -> None:
    predicates = {predicate(key) for key in KINDS.context}
    for name, turtle in SHAPES.items():
        for quad in statements(turtle):
            if quad.predicate in (SH + "path", SH + "targetObjectsOf"):
                assert quad.object in predicates, (name, quad.object)


# -- ontology ---------------------------------------------------------------------------------------------------------


def test_every_own_term_is_defined_with_words_in_english_and_japanese() -> None:
    said = statements(ONTOLOGY)
    used = {
        iri
        for value in KINDS.context.values()
        for part in (value.values() if isinstance(value, dict) else [value])
        if isinstance(part, str) and (iri := expanded(part)).startswith(NS)
    }
    used -= {NS, NS + "role-"}
    for turtle in SHAPES.values():
        used |= {
            quad.object
            for quad in statements(turtle)
            if quad.predicate.startswith(SH) and quad.form == "NamedNode"
            if quad.object.startswith(NS)
        }
    used.add(SAME)  # what the graph infers, which no record says
    defined = {quad.subject for quad in said if quad.subject.startswith(NS)}
    roles = {iri for iri in defined if iri.startswith(NS + "role-")} | {NS + "Role"}
    assert used - defined == set()
    assert defined - used - roles == set()
    for iri in defined:
        for word in ("label", "comment"):
            languages = [quad.language or "" for quad in said if quad.subject == iri and quad.predicate == RDFS + word]
            assert sorted(languages) == ["en", "ja"], (iri, word)


def test_every_role_that_a_description_names_is_defined() -> None:
    defined = {quad.subject for quad in statements(ONTOLOGY)}
    named = re.compile(r"役割[（(]([a-z、\- ]+)")
    for schema in (COMMON, *KIND_SCHEMAS.values()):
        for place, part in described(schema, schema["$id"]):
            for roles in named.findall(part["x-ja"]["description"]):
                for role in roles.split("、"):
                    assert f"{NS}role-{role.strip()}" in defined, (place, role)


def test_the_files_are_text_that_people_keep() -> None:
    paths: list[Path] = [*(FOLDER / "schemas" / "kinds").glob("*"), *(FOLDER / "ontologies").rglob("*.*")]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text == text.rstrip() + "\n", path
        assert not re.search(r"\t| +$", text, re.MULTILINE), path
