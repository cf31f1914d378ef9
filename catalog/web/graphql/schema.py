"""The schema: types from the kinds, and the fields of the root that the parts of this package give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

import orjson
import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
)
from graphql.utilities.print_schema import print_type
from strawberry.exceptions import DuplicatedTypeName
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from catalog.errors import Misconfigured
from catalog.recent import Recent
from catalog.records.kinds import Kinds
from catalog.web.graphql import (
    administration,
    changes,
    definitions,
    discovery,
    federation,
    lineage,
    mutations,
    reading,
    searching,
)
from catalog.web.graphql.compile import TYPES, Told
from catalog.web.graphql.definitions import declared, define
from catalog.web.graphql.naming import legal, taken_twice
from catalog.web.graphql.recipes import RECIPE
from catalog.web.graphql.types import Types, types_of

# Whose fields stand at the root. Scalars of their own are in `SCALARS`.
PARTS: Final = (
    administration,
    changes,
    definitions,
    discovery,
    federation,
    lineage,
    mutations,
    reading,
    searching,
)
# What such a part may have, each `(types: Types) -> {name: field}`.
ROOTS: Final = {
    "Query": ("query_fields", "What can be asked.\n検索・取得。"),
    "Mutation": ("mutation_fields", "What can be changed.\n登録・変更。"),
    "Subscription": ("subscription_fields", "What can be listened to.\n変更の購読。"),
}
Fields = Callable[[Types], Mapping[str, Any]]

# Making one takes a good part of a second, and a process has one catalogue; tests have many of the same kinds.
_MADE: Recent[GraphQLSchema] = Recent(8)


def schema_of(kinds: Kinds) -> GraphQLSchema:
    """The schema for these kinds, made once; Misconfigured where GraphQL cannot say what they say."""
    # Words are part of a schema, and no part of the fingerprint of kinds.
    said = sha256(orjson.dumps([list(kinds), kinds.schemas], option=orjson.OPT_SORT_KEYS)).digest()
    return _MADE.get(said, lambda: _made(types_of(kinds)))


def written(schema: GraphQLSchema) -> str:
    """The schema as a document, its types by name, so that one that is added moves no other."""
    own = [
        each for each in schema.type_map.values() if not (is_introspection_type(each) or is_specified_scalar_type(each))
    ]
    return "\n\n".join(print_type(each) for each in sorted(own, key=lambda each: each.name)) + "\n"


def _made(types: Types) -> GraphQLSchema:
    roots = {name: _root(name, types) for name in ROOTS}
    try:
        schema = strawberry.Schema(
            query=_required(roots["Query"]),
            mutation=roots["Mutation"],
            subscription=roots["Subscription"],
            types=list(types.of_kind.values()),
            scalar_overrides=_scalars(),
            config=StrawberryConfig(auto_camel_case=True),
        )
    except DuplicatedTypeName as cause:
        raise Misconfigured(
            f"in GraphQL two types would bear one name: {cause.message}; rename the kind, or the object in it, that asks for it",
            ja=f"GraphQL で二つの型が同じ名前になります。種別かその中のオブジェクトの名前を変えてください: {cause.message}",
        ) from cause
    made: GraphQLSchema = schema._schema
    made.extensions = {**made.extensions, TYPES: types}
    _pick(made)
    for type_ in made.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            # Strawberry looks at what it is given; that a document is wrong is known before anything of it is done.
            type_.is_one_of = type_.extensions["strawberry-definition"].is_one_of
    return made


def _root(name: str, types: Types) -> type | None:
    function, words = ROOTS[name]
    fields: dict[str, tuple[StrawberryField, str]] = {}
    for part in PARTS:
        give: Fields | None = getattr(part, function, None)
        if give is None:
            continue
        of = part.__name__.rpartition(".")[2]
        for called, field in give(types).items():
            if called in fields:
                raise taken_twice(called, f"{name.lower()} of {fields[called][1]}", f"of {of}")
            field.python_name = field.graphql_name = legal(called, name)
            fields[called] = field, of
    return define(declared(name), [field for field, _ in fields.values()], words) if fields else None


def _required(root: type | None) -> type:
    assert root is not None, "no part of the schema has anything to ask"
    return root


def _scalars() -> dict[object, Any]:
    """The scalars that parts have of their own, as `SCALARS`."""
    return {key: made for part in PARTS for key, made in getattr(part, "SCALARS", {}).items()}


def _pick(schema: GraphQLSchema) -> None:
    """What a recipe tells was told as a whole before; an executor picks it out, by the name that it was asked under."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field in type_.fields.values():
                told = field.extensions.get("strawberry-definition")
                if told is not None and RECIPE in told.metadata:
                    field.resolve = _told


def _told(root: Mapping[str, Any], info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    return root.at(info) if isinstance(root, Told) else root[str(info.path.key)]
