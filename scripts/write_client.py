"""Writes the client's types (catalog/client/inputs.py) from the schema's input types; a test holds that they are up to date."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
)

PROJECT = Path(__file__).resolve().parent.parent
SCHEMA = PROJECT / "schemas" / "catalog.graphql"
COMMITTED = PROJECT / "catalog" / "client" / "inputs.py"
# Where writing begins: these and what they are made of.
ROOTS = ("SubmissionInput",)
SCALARS = {"String": "str", "ID": "str", "Int": "int", "Long": "int", "Float": "float", "Boolean": "bool"}
HEAD = '''"""What is submitted, as types: made from schemas/catalog.graphql by scripts/write_client.py, never written by hand."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict
'''


def main() -> None:
    COMMITTED.write_text(written(SCHEMA.read_text("utf-8")), "utf-8")


def written(sdl: str) -> str:
    """The module."""
    schema = build_schema(sdl)
    return "\n\n".join([HEAD.rstrip("\n"), *_definitions(schema)]) + "\n"


def _definitions(schema: GraphQLSchema) -> Iterator[str]:
    wanted = ["Mode", *ROOTS]
    seen: dict[str, GraphQLEnumType | GraphQLInputObjectType] = {}
    while wanted:
        name = wanted.pop()
        type_ = schema.type_map[name]
        if name in seen or not isinstance(type_, GraphQLEnumType | GraphQLInputObjectType):
            continue
        seen[name] = type_
        if isinstance(type_, GraphQLInputObjectType):
            wanted += [_name(field.type) for field in type_.fields.values()]
    # Literals are values and come before what speaks of them; classes may speak of each other.
    for name in sorted(seen, key=lambda name: (isinstance(seen[name], GraphQLInputObjectType), name)):
        type_ = seen[name]
        yield _literal(type_) if isinstance(type_, GraphQLEnumType) else _dictionary(type_)


def _literal(type_: GraphQLEnumType) -> str:
    values = ", ".join(f'"{value}"' for value in type_.values)
    return f"{type_.name} = Literal[{values}]"


def _dictionary(type_: GraphQLInputObjectType) -> str:
    fields = {name: _type(field.type, required=True) for name, field in type_.fields.items()}
    about = (type_.description or type_.name).split("\n")[0]
    if any(keyword.iskeyword(name) for name in fields):
        # A word of Python's own can be a key, and no attribute of a class.
        listed = "".join(f'        "{name}": "{told}",\n' for name, told in fields.items())
        return (
            f'{type_.name} = TypedDict(\n    "{type_.name}",\n    {{\n{listed}    }},\n    total=False,\n)  # {about}'
        )
    listed = "".join(f"    {name}: {told}\n" for name, told in fields.items())
    return f'\nclass {type_.name}(TypedDict, total=False):\n    """{about}"""\n\n{listed}'.rstrip("\n")


def _type(type_: GraphQLInputType, *, required: bool = False) -> str:
    match type_:
        case GraphQLNonNull():
            inner = _type(type_.of_type).removesuffix(" | None")
            return f"Required[{inner}]" if required else inner
        case GraphQLList():
            return f"list[{_type(type_.of_type)}] | None"
    name = _name(type_)
    return f"{SCALARS.get(name, 'Any' if name == 'JSON' else name)} | None"


def _name(type_: GraphQLInputType) -> str:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return str(type_.name)


if __name__ == "__main__":
    main()
