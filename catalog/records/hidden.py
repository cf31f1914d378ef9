"""What a reader may not see is taken out of a body or a linked form: links to what is hidden from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

_NOTHING: Final = object()


def without_links(document: Any, hidden: Collection[str]) -> Any:
    """A body or linked form without what names one of these ids; a list that nothing is left of goes with them.

    `details` is a foreign document, kept whole: nothing in it is a link.
    """
    left = _left(document, hidden)
    return {} if left is _NOTHING else left


def _left(value: Any, hidden: Collection[str]) -> Any:
    # Most of what is in a document are plain values: a call for each would take most of the time.
    kind = value.__class__
    if kind is dict:
        # A link's own properties (role, note) tell of the link, so they go with its target.
        to = value.get("to")
        if to.__class__ is str and to in hidden:
            return _NOTHING
        made: dict[str, Any] = {}
        for key, each in value.items():
            within = each.__class__
            if key == "details":
                pass
            elif within is str:
                if each in hidden:
                    continue
            elif within is dict or within is list:
                each = _left(each, hidden)
                if each is _NOTHING:
                    continue
            made[key] = each
        return made
    if kind is list:
        kept = []
        for each in value:
            if each.__class__ is str:
                if each not in hidden:
                    kept.append(each)
            elif (left := _left(each, hidden)) is not _NOTHING:
                kept.append(left)
        return kept if kept or not value else _NOTHING
    return _NOTHING if kind is str and value in hidden else value
