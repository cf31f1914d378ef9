"""Every mutation of the schema, whatever is added to it: refused to who has not said who they are, and in types of its own."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

from catalog.records.kinds import load_kinds
from catalog.web.graphql.schema import schema_of

SCHEMA: Final = schema_of(load_kinds())
MUTATION: Final = SCHEMA.mutation_type
assert MUTATION is not None
PLAIN: Final[dict[str, Any]] = {
    "ID": "sample/lab/every",
    "String": "x",
    "Int": 1,
    "Long": 1,
    "Float": 1.5,
    "Boolean": False,
    "JSON": {},
}


def least(type_: Any) -> Any:
    """The least that can be said where something of this type is needed."""
    if is_non_null_type(type_):
        return least(type_.of_type)
    if is_list_type(type_):
        return []
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            name, field = next(iter(type_.fields.items()))
            return {name: least(field.type)}
        return {name: least(each.type) for name, each in type_.fields.items() if is_required_input_field(each)}
    return PLAIN[type_.name]


def called(name: str, field: GraphQLField) -> tuple[str, dict[str, Any]]:
    """A document that calls a mutation with the least that it needs."""
    needed = {each: argument for each, argument in field.args.items() if is_required_argument(argument)}
    declared = ", ".join(f"${each}: {argument.type}" for each, argument in needed.items())
    given = ", ".join(f"{each}: ${each}" for each in needed)
    head = f"mutation({declared})" if needed else "mutation"
    arguments = f"({given})" if given else ""
    document = f"{head} {{ {name}{arguments} {{ __typename ... on Refusal {{ message }} }} }}"
    return document, {each: least(argument.type) for each, argument in needed.items()}


@pytest.mark.parametrize("name", list(MUTATION.fields))
def test_nothing_is_changed_for_who_has_not_said_who_they_are(public: httpx.Client, name: str) -> None:
    document, variables = called(name, MUTATION.fields[name])
    answer = public.post("graphql", json={"query": document, "variables": variables}).json()
    assert "errors" not in answer, answer
    assert answer["data"][name]["__typename"] == "Unauthenticated"
    assert "sign in" in answer["data"][name]["message"].lower()


def test_a_result_is_what_was_done_or_one_of_its_refusals() -> None:
    refusal = SCHEMA.type_map["Refusal"]
    assert isinstance(refusal, GraphQLInterfaceType)
    refusals = set(SCHEMA.get_possible_types(refusal))
    for name, field in MUTATION.fields.items():
        result = get_named_type(field.type)
        assert isinstance(field.type, GraphQLNonNull), name
        assert isinstance(result, GraphQLUnionType), name
        assert result.name == f"{name[0].upper()}{name[1:]}Result"
        members = set(result.types)
        assert members & refusals, name
        assert members - refusals, name
        assert {"Unauthenticated", "Unavailable"} <= {each.name for each in members}, name


def test_everything_that_can_be_written_is_described_in_both_languages() -> None:
    undescribed = [
        f"{type_.name}.{name}"
        for type_ in (MUTATION, *(get_named_type(field.type) for field in MUTATION.fields.values()))
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if not _in_both(field.description) or not all(_in_both(each.description) for each in field.args.values())
    ]
    assert undescribed == []
    inputs = [each for each in SCHEMA.type_map.values() if isinstance(each, GraphQLInputObjectType)]
    plain = [
        f"{type_.name}.{name}"
        for type_ in inputs
        if type_.name.endswith(("Input", "Body"))
        for name, member in type_.fields.items()
        if not _in_both(member.description)
    ]
    assert plain == []


def _in_both(description: str | None) -> bool:
    return description is not None and any(ord(each) > 0x2FFF for each in description) and description[0].isascii()
