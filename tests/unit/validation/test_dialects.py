"""Repairs of schemas that are not valid under the dialect that they declare."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from catalog.validation.dialects import dialect_of, repair

D2020 = "https://json-schema.org/draft/2020-12/schema"
D2019 = "https://json-schema.org/draft/2019-09/schema"
D7 = "http://json-schema.org/draft-07/schema#"
D4 = "http://json-schema.org/draft-04/schema#"


def mended(schema: dict[str, Any]) -> tuple[Any, list[str]]:
    before = copy.deepcopy(schema)
    done = repair(schema)
    assert schema == before, "what came is left as it is"
    for note in done.notes:
        assert note.severity == "info"
        assert set(note.messages) == {"en", "ja"}
    return done.schema, [f"{note.pointer} {note.rule}" for note in done.notes]


def test_items_as_a_list_become_prefix_items_wherever_a_schema_stands() -> None:
    schema, notes = mended(
        {
            "$schema": D2020,
            "properties": {
                "items": {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
                "free": {
                    "enum": [{"items": [1, 2]}],
                    "const": {"items": [1]},
                    "default": {"items": []},
                    "examples": [{"items": [3]}],
                },
            },
        }
    )
    assert schema["properties"]["items"] == {"type": "array", "prefixItems": [{"type": "string"}], "items": False}
    assert schema["properties"]["free"]["enum"] == [{"items": [1, 2]}]
    assert schema["properties"]["free"]["const"] == {"items": [1]}
    assert schema["properties"]["free"]["examples"] == [{"items": [3]}]
    assert notes == [
        "/properties/items/items dialect/items",
        "/properties/items/additionalItems dialect/additionalItems",
    ]
    jsonschema.Draft202012Validator.check_schema(schema)


def test_references_follow_what_was_moved() -> None:
    schema, _ = mended(
        {
            "$schema": D2020,
            "properties": {
                "a": {"items": [{"items": [{"type": "integer"}]}, {"type": "string"}]},
                "b": {"$ref": "#/properties/a/items/1"},
            },
            "$defs": {"c": {"$ref": "#/properties/a/items/0/items/0"}},
        }
    )
    assert schema["properties"]["b"]["$ref"] == "#/properties/a/prefixItems/1"
    assert schema["$defs"]["c"]["$ref"] == "#/properties/a/prefixItems/0/prefixItems/0"


def test_items_as_a_list_stay_where_the_dialect_has_them() -> None:
    schema = {"$schema": D7.rstrip("#"), "items": [{"type": "string"}]}
    assert mended(schema) == (schema, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"minimum": 3, "exclusiveMinimum": True}, {"exclusiveMinimum": 3}),
        ({"minimum": 3, "exclusiveMinimum": False}, {"minimum": 3}),
        ({"maximum": 3, "exclusiveMaximum": True}, {"exclusiveMaximum": 3}),
    ],
)
def test_bounds_of_draft_4_are_said_as_the_declared_dialect_does(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert mended({"$schema": D2020, **before})[0] == {"$schema": D2020, **after}
    assert mended({"$schema": D4.rstrip("#"), **before})[0] == {"$schema": D4.rstrip("#"), **before}


def test_a_bound_that_is_only_called_exclusive_is_left_to_be_refused() -> None:
    schema = {"$schema": D2020, "exclusiveMinimum": True}
    assert mended(schema)[0] == schema


def test_dependencies_are_divided_since_2019() -> None:
    schema, notes = mended({"$schema": D2019, "dependencies": {"a": ["b"], "c": {"required": ["d"]}}})
    assert schema["dependentRequired"] == {"a": ["b"]}
    assert schema["dependentSchemas"] == {"c": {"required": ["d"]}}
    assert notes == ["/dependencies dialect/dependencies"]


def test_a_dialect_is_known_by_any_of_its_spellings() -> None:
    assert dialect_of({"$schema": "http://json-schema.org/draft/2020-12/schema#"}) == D2020
    assert dialect_of({"$schema": D7}) == D7.rstrip("#")
    assert dialect_of({}) == D2020
    assert dialect_of({"$schema": "https://example.org/my-own"}) is None
    schema, notes = mended({"$schema": "http://json-schema.org/draft/2020-12/schema#"})
    assert schema == {"$schema": D2020}
    assert notes == ["/$schema dialect/$schema"]


def test_the_real_schemas_of_rde_can_be_used_after_repair(test_data: Path) -> None:
    repaired = []
    for path in sorted((test_data / "facility" / "rde").glob("*schema*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if dialect_of(schema) == D2020 and not jsonschema_rs.meta.is_valid(schema):
            repaired.append(path.name)
            # One of them asks for the type "float", which there is not: that is for its author to mend.
            assert jsonschema_rs.meta.is_valid(repair(schema).schema) == ("not_support_value" not in path.name)
    assert len(repaired) == 7
