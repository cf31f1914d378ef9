"""What a kind's body may say can be said by its input, and stands for the same JSON; the gate sees no difference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema
from graphql.utilities import coerce_input_value

from catalog.errors import Malformed
from catalog.records.kinds import Field, Kinds, load_kinds
from catalog.web.graphql.inputs import Inputs, exactly
from catalog.web.graphql.schema import schema_of

EXAMPLES: Final = Path(__file__).parents[4] / "schemas" / "examples"
GOOD: Final = sorted(EXAMPLES.glob("good/*/*.json"))


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture(scope="module")
def inputs(kinds: Kinds) -> Inputs:
    return Inputs(kinds)


@pytest.fixture(scope="module")
def schema(kinds: Kinds) -> GraphQLSchema:
    return schema_of(kinds)


def coerced(schema: GraphQLSchema, name: str, value: Any) -> Any:
    """A value as a function is given it, of an input of the schema."""
    type_ = schema.type_map[name]
    assert isinstance(type_, GraphQLInputObjectType)
    return coerce_input_value(value, type_)


def as_input(fields: Sequence[Field], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as a client with typed inputs writes it."""
    return {field.name: _as_input(field, body[field.name]) for field in fields if field.name in body}


def _as_input(field: Field, value: Any) -> Any:
    if field.many and field.form != "text":
        return [_one(field, each) for each in value]
    return _one(field, value)


def _one(field: Field, value: Any) -> Any:
    match field.form:
        case "text":
            return _text(value)
        case "links" if isinstance(value, str):
            return {"to": value}
        case "term" if isinstance(value, str):
            return {"text": value}
        case "term":
            return {**value, "label": _text(value["label"])} if "label" in value else value
        case "object":
            return as_input(field.fields, value)
        case _:
            return value


def _text(value: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: each for name, each in value.items() if name in ("en", "ja", "und")}
    other = {name: each for name, each in value.items() if name not in named}
    return {**named, **({"other": other} if other else {}), "und": named.get("und")}


def as_links(fields: Sequence[Field], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in which every link is an object, as inputs have it: a bare string is short for one."""
    made = dict(body)
    for field in fields:
        if field.name not in made:
            continue
        if field.form == "links":
            made[field.name] = [{"to": each} if isinstance(each, str) else each for each in made[field.name]]
        elif field.form == "object" and field.many:
            made[field.name] = [as_links(field.fields, each) for each in made[field.name]]
        elif field.form == "object":
            made[field.name] = as_links(field.fields, made[field.name])
    return made


def test_there_are_examples_of_every_kind(kinds: Kinds) -> None:
    assert {path.parts[-2] for path in GOOD} == set(kinds)


@pytest.mark.parametrize("path", GOOD, ids=[f"{path.parts[-2]}/{path.stem}" for path in GOOD])
def test_an_example_is_said_by_the_input_of_its_kind(
    path: Path, kinds: Kinds, inputs: Inputs, schema: GraphQLSchema
) -> None:
    told = json.loads(path.read_bytes())
    kind = kinds[told["kind"]]
    envelope = {name: told[name] for name in ("source", "localId", "profile", "scope") if name in told}
    if "files" in told:
        envelope["files"] = told["files"]
    body = {kind.name: as_input(kind.fields, told["body"])}
    submission = inputs.read(coerced(schema, "SubmissionInput", {**envelope, "body": body}))
    assert submission.body == as_links(kind.fields, told["body"])
    assert (submission.kind, submission.source, submission.local_id) == (
        told["kind"],
        told["source"],
        told.get("localId"),
    )
    assert list(submission.files) == told.get("files", [])
    # As JSON it is the same, word for word.
    plain = inputs.read(
        coerced(schema, "SubmissionInput", {**envelope, "kind": kind.name, "body": {"json": told["body"]}})
    )
    assert plain.body == told["body"]


@pytest.mark.parametrize(
    "value",
    [float("inf"), float("nan"), 2**53, "\0", "\ud800", {"deep": {"in": ["\0"]}}],
    ids=["infinity", "no number", "past 53 bits", "NUL", "half of a pair", "inside"],
)
def test_what_json_cannot_keep_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        exactly(value)


@pytest.mark.parametrize("value", [{"a": 1e22, "b": [1, -0.5, None, True]}, 2**53 - 1, "𝄞", ""])
def test_what_json_can_keep_is_kept(value: Any) -> None:
    assert exactly(value) == value


def test_a_body_of_one_kind_is_not_of_another(inputs: Inputs) -> None:
    with pytest.raises(Malformed, match="kind is 'dataset'"):
        inputs.body_of({"sample": {}}, "dataset")
    assert inputs.body_of({"sample": {"formula": None}}, "sample") == ("sample", {})


def test_texts_of_other_languages_are_by_their_tags(inputs: Inputs) -> None:
    kind, body = inputs.body_of({"sample": {"title": {"en": "A", "other": {"de": "B"}}}}, None)
    assert (kind, body) == ("sample", {"title": {"en": "A", "de": "B"}})
    with pytest.raises(Malformed, match="language tags"):
        inputs.body_of({"sample": {"title": {"other": ["B"]}}}, None)
