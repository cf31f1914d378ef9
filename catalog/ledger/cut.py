"""What a reader may not see is cut out of an item that says so: private fields, and links to hidden records."""

from __future__ import annotations

from typing import Any

import orjson

from catalog.questions.vocabulary import Vocabulary
from catalog.records.hidden import without_links
from catalog.records.identifiers import decode_local

# Marks inside an item, which never leave this house; no field of an item can begin so.
HIDDEN, UNNAMED, PRIVATE, ENCODED = "!hidden", "!unnamed", "!private", "!encoded"


def cut(item: str, vocabulary: Vocabulary) -> str:
    """The item as JSON text without its marks, and without what they speak of."""
    document = orjson.loads(item)
    cut_item(document, vocabulary)
    return orjson.dumps(document).decode()


def cut_item(item: dict[str, Any], vocabulary: Vocabulary) -> None:
    """Take the marks out of an item, and what they speak of."""
    if item.pop(ENCODED, False):
        item["localId"] = decode_local(item["localId"])
    hidden = frozenset((*item.pop(HIDDEN, ()), *item.pop(UNNAMED, ())))
    private = item.pop(PRIVATE, False)
    for part in ("body", "fields", "linked"):
        if part not in item:
            continue
        if private and part != "linked" and isinstance(item[part], dict):
            item[part] = without_private(item[part], item["kind"], vocabulary)
        if hidden:
            item[part] = without_links(item[part], hidden)


def without_private(body: dict[str, Any], kind: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """The body without the fields that are marked `x-private`."""
    if kind in vocabulary.kinds:
        for path in vocabulary.kinds[kind].private_paths:
            body = _without(body, path)
    return body


def _without(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(each, path) for each in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: each for key, each in value.items() if key != path[0]}
    return {key: _without(each, path[1:]) if key == path[0] else each for key, each in value.items()}
