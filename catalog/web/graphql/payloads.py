"""What mutations answer with: types whose fields are worked out from one value that the verb gave, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from catalog.questions.question import MOST_VALUES
from catalog.web.graphql.compile import told_under
from catalog.web.graphql.definitions import Words, both
from catalog.web.graphql.types import Types


class Payload:
    """What became of something."""

    def __init__(self, what: Any) -> None:
        self.what = what


def tells(name: str, type_: Any, how: Callable[[Any], Any], words: Words | None = None) -> StrawberryField:
    """A field that a function answers from what the payload is about."""

    def run(self: Payload) -> Any:
        return how(self.what)

    return _field(name, type_, run, words)


def asks(
    name: str, type_: Any, how: Callable[..., Any], words: Words | None = None, *arguments: StrawberryArgument
) -> StrawberryField:
    """The same of what also depends on the request and its arguments."""

    def run(self: Payload, info: strawberry.Info[Any, Any], **given: Any) -> Any:
        return how(self.what, info, **given)

    return _field(name, type_, run, words, arguments)


def _field(
    name: str,
    type_: Any,
    run: Callable[..., Any],
    words: Words | None,
    arguments: Sequence[StrawberryArgument] = (),
) -> StrawberryField:
    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        base_resolver=StrawberryResolver(run),
        description=both(words),
    )
    field.arguments = list(arguments)
    return field


def documented(name: str, fields: Sequence[tuple[str, Any, str, str]], words: Words) -> type[Payload]:
    """A type that tells a document as REST answers it, by the names that it has there."""

    def told(name: str, type_: Any, about: str, ja: str) -> StrawberryField:
        return tells(name, type_, lambda document: document.get(name), (about, ja))

    return payload(name, [told(*each) for each in fields], words)


class Shown:
    """The records that a mutation was about, told together when the first of them is asked for."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._slices = [tuple(ids[first : first + MOST_VALUES]) for first in range(0, len(ids), MOST_VALUES)]
        self._place = {id: place for place, some in enumerate(self._slices) for id in some}
        self._told: dict[tuple[Any, ...], Mapping[str, Any]] = {}

    def record(self, info: strawberry.Info[Any, Any], id: str) -> Any:
        """A record as it is now, if the asker may see it."""
        # One field of the document, and one slice of the records: both are told in one statement.
        key = tuple(part for part in info.path.as_list() if isinstance(part, str)), self._place[id]
        if key not in self._told:
            self._told[key] = told_under(info, (), self._slices[self._place[id]])
        return self._told[key].get(id)


def record_field(types: Types, name: str = "record") -> StrawberryField:
    """The record that something was done to: the payload is about what has its `id`, and `shown`."""
    words = ("The record as it is now, if you may see it.", "現在のレコード（閲覧できる場合）。")
    return asks(name, types.record | None, lambda what, info: what.shown.record(info, what.id), words)


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
