"""What a gateway asks of a subgraph (Apollo Federation 2): its schema with what may be shared, and records by reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NewType, Optional

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
)
from graphql.utilities.print_schema import print_type
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.union import StrawberryUnion

from catalog.recent import Recent
from catalog.web.graphql.definitions import argument, listed, told
from catalog.web.graphql.recipes import Entities
from catalog.web.graphql.types import Types

_Any = NewType("_Any", object)
SCALARS: Final = {
    _Any: strawberry.scalar(
        name="_Any",
        description="A reference to a record: its `__typename` and `id`.\nレコードへの参照。",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    )
}
_OF_GATEWAYS: Final = frozenset(("_Any", "_Entity", "_Service"))
# Every installation of this service has the same types, and a gateway may stand over several of them.
_HEAD: Final = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])\n'
_WRITTEN: Final[Recent[str]] = Recent(8)


@strawberry.type(name="_Service", description="What a gateway is told of this service.\nゲートウェイ向けの情報。")
class Service:
    """What a gateway is told of this service."""

    sdl: str = strawberry.field(description="The schema, with what may be shared.\nスキーマ（共有できる型の印付き）。")


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """What gateways ask."""
    entity = StrawberryUnion(
        name="_Entity",
        type_annotations=tuple(StrawberryAnnotation(each) for each in types.of_kind.values()),
        description="What can be asked for by reference.\n参照で取得できるもの。",
    )
    references = argument("representations", list[_Any], ("The references, at most 1,000.", "参照（最大1,000件）。"))
    return {
        "_entities": told(
            "_entities",
            listed(Optional[entity]),  # noqa: UP045 - a union of the schema is no type that `|` takes
            Entities(),
            ("Records by reference, in their order; for gateways.", "参照によるレコードの取得（ゲートウェイ用）。"),
            references,
        ),
        "_service": StrawberryField(
            type_annotation=StrawberryAnnotation(Service),
            base_resolver=StrawberryResolver(_service),
            description="This service, for gateways.\nこのサービスの情報（ゲートウェイ用）。",
        ),
    }


def _service(info: strawberry.Info) -> Service:
    schema = info._raw_info.schema
    return Service(sdl=_WRITTEN.about(schema, lambda: subgraph(schema)))


def subgraph(schema: GraphQLSchema) -> str:
    """The schema as a gateway composes it: without its own questions, records with their keys, and all that it may find elsewhere too."""
    return _HEAD + "\n" + "\n\n".join(_types(schema)) + "\n"


def _types(schema: GraphQLSchema) -> Iterator[str]:
    for name, type_ in schema.type_map.items():
        if name in _OF_GATEWAYS or is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        if type_ is schema.subscription_type:
            # What is listened to cannot be shared (composition refuses it); who wants to listen asks the service itself.
            continue
        if type_ is schema.query_type:
            own = {field: made for field, made in type_.fields.items() if not field.startswith("_")}
            type_ = GraphQLObjectType(name, own, description=type_.description)
        text = print_type(type_)
        if isinstance(type_, GraphQLObjectType):
            is_record = any(each.name == "Record" for each in type_.interfaces)
            marks = '@key(fields: "id") @shareable' if is_record else "@shareable"
            text = re.sub(rf"^(type {name}\b[^{{\n]*)\{{$", rf"\1{marks} {{", text, count=1, flags=re.MULTILINE)
        if isinstance(type_, GraphQLInputObjectType) and type_.is_one_of:
            # Composition knows no such directive; what is sent through a gateway is held to it here all the same.
            text = text.replace(f"input {name} @oneOf {{", f"input {name} {{", 1)
        yield text
