"""Strawberry's definitions, made at run time: types whose fields are only known once the kinds are read.

They are set on empty classes directly. A dataclass with a constructor, as the decorators make, would never be
constructed: what these types tell comes as JSON, and what their inputs take is wanted as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.scalars import JSON
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from catalog.web.graphql.recipes import RECIPE, Recipe

Words = tuple[str, str]  # in English and in Japanese

Long = NewType("Long", int)
_NUMBERS: Final = count()
# GraphQL's own Int ends at 32 bits, which a file of 3 GB is beyond.
SCALARS: Final = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 53 bits, as far as numbers of JSON are exact.\n53ビットまでの整数。",
        serialize=lambda value: _whole(value),
        parse_value=lambda value: _whole(value),
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any value of JSON: an object, a list, a text, a number, true, false or null.\n任意のJSONの値。",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 53 or value != int(value):
        # As an error of GraphQL it is the asker's slip; any other would be taken for a fault of ours.
        raise GraphQLError(f"Long cannot represent {value!r:.80}: it is no whole number of up to 53 bits")
    return int(value)


def both(words: Words | str | None) -> str | None:
    """A description in English with the Japanese below it."""
    if words is None or isinstance(words, str):
        return words
    return "\n".join(part for part in words if part) or None


def argument(name: str, type_: Any, words: Words | str | None = None, default: Any = UNSET) -> StrawberryArgument:
    """An argument of a field."""
    return StrawberryArgument(name, name, StrawberryAnnotation(type_), description=both(words), default=default)


def told(
    name: str, type_: Any, recipe: Recipe, words: Words | str | None = None, *arguments: StrawberryArgument
) -> StrawberryField:
    """A field that is answered as its recipe says."""
    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        description=both(words),
        metadata={RECIPE: recipe},
    )
    field.arguments = list(arguments)
    return field


def taken(name: str, type_: Any, words: Words | str | None = None, default: Any = UNSET) -> StrawberryField:
    """A member of an input."""
    return StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        description=both(words),
        default=default,
    )


def listed(type_: Any) -> Any:
    """A list of a type that is made at run time, of which a checker can't read one."""
    return list[type_]


def declared(name: str) -> type:
    """A class for a type whose fields are told later, so that types can speak of each other."""
    # Strawberry takes two classes of one name for one that was imported again; these are told apart.
    return type(name, (), {"__doc__": None, "__qualname__": f"{name}.{next(_NUMBERS)}"})


def define(
    origin: type,
    fields: Sequence[StrawberryField],
    words: Words | str | None = None,
    *,
    interfaces: Sequence[type] = (),
    is_interface: bool = False,
    is_input: bool = False,
) -> type:
    """Make the class the type of its name with these fields; an input is handed to functions as a dictionary, as it was written."""
    is_type_of: Callable[[Any, Any], bool] | None = None
    if interfaces and not is_interface:
        is_type_of = _bears(origin.__name__)
    definition = StrawberryObjectDefinition(
        name=origin.__name__,
        is_input=is_input,
        is_interface=is_interface,
        origin=origin,
        description=both(words),
        interfaces=[each.__strawberry_definition__ for each in interfaces],  # type: ignore[attr-defined]
        extend=False,
        directives=(),
        is_type_of=is_type_of,
        resolve_type=_by_name if is_interface else None,
        fields=list(fields),
        from_input=_as_written if is_input else None,
    )
    origin.__strawberry_definition__ = definition  # type: ignore[attr-defined]
    return origin


def _as_written(_: type, value: Mapping[str, Any], __: Any) -> dict[str, Any]:
    return dict(value)


def _bears(name: str) -> Callable[[Any, Any], bool]:
    def is_type_of(value: Any, _: Any) -> bool:
        return isinstance(value, Mapping) and value["__typename"] == name

    return is_type_of


def _by_name(value: Any, _: Any, __: Any) -> str:
    name: str = value["__typename"]
    return name
