"""What mutations answer with: types whose fields are worked out from one value that the verb gave, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from catalog.web.graphql.definitions import Words, both


class Payload:
    """What became of something."""

    def __init__(self, what: Any) -> None:
        self.what = what


def tells(
    name: str, type_: Any, how: Callable[..., Any], words: Words | None = None, *arguments: StrawberryArgument
) -> StrawberryField:
    """A field that a function answers from what the payload is about; with arguments it is also given the request."""
    if arguments:

        def run(self: Payload, info: strawberry.Info[Any, Any], **given: Any) -> Any:
            return how(self.what, info, **given)
    else:

        def run(self: Payload) -> Any:  # type: ignore[misc]
            return how(self.what)

    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        base_resolver=StrawberryResolver(run),
        description=both(words),
    )
    field.arguments = list(arguments)
    return field


def payload(
    name: str,
    fields: Sequence[StrawberryField],
    words: Words | None = None,
    *,
    of: type[Payload] | None = None,
    interface: bool = False,
) -> type[Payload]:
    """A type with these fields; `of` an interface, or itself one."""
    made = type(name, (Payload,), {"__doc__": None})
    made.__strawberry_definition__ = StrawberryObjectDefinition(  # type: ignore[attr-defined]
        name=name,
        is_input=False,
        is_interface=interface,
        origin=made,
        description=both(words),
        interfaces=[] if of is None else [of.__strawberry_definition__],  # type: ignore[attr-defined]
        extend=False,
        directives=(),
        is_type_of=None if interface else lambda value, _: type(value) is made,
        resolve_type=None,
        fields=list(fields),
    )
    return made
