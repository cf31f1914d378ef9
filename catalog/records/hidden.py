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
    if isinstance(value, str):
        return _NOTHING if value in hidden else value
    if isinstance(value, list):
        kept = [each for each in (_left(each, hidden) for each in value) if each is not _NOTHING]
        return kept if kept or not value else _NOTHING
    if isinstance(value, dict):
        # A link's own properties (role, note) tell of the link, so they go with its target.
        if isinstance(value.get("to"), str) and value["to"] in hidden:
            return _NOTHING
        made = {key: each if key == "details" else _left(each, hidden) for key, each in value.items()}
        return {key: each for key, each in made.items() if each is not _NOTHING}
    return value
