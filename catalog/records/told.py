"""One record as RDF for the outside: what it says in the graph to the same reader, files and registration with it.

All IRIs are whole, since nobody else knows our base. What follows from other records is the graph's alone: it would change
this without a change of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from catalog.records.kinds import Kinds
from catalog.records.registration import Registration, with_files
from catalog.records.triples import triples

CONTEXT: Final = "context.jsonld"


def as_json_ld(
    kinds: Kinds, document: Mapping[str, Any], files: Mapping[str, Any], entry: Registration | None, base: str
) -> bytes:
    """A record's linked form in JSON-LD, under the published context."""
    told = absolute(_with(document, files), kinds.context, base)
    return orjson.dumps({"@context": base + CONTEXT, **told, **(entry.json_ld(base) if entry else {})})


def as_triples(
    kinds: Kinds, document: Mapping[str, Any], files: Mapping[str, Any], entry: Registration | None, base: str
) -> bytes:
    """A record's linked form in N-Triples."""
    return triples(kinds, [_with(document, files)], base) + (entry.triples(base) if entry else b"")


def _with(document: Mapping[str, Any], files: Mapping[str, Any]) -> Mapping[str, Any]:
    return with_files(document, files.get("count", 0), files.get("size", 0))


def absolute(value: Any, context: Mapping[str, Any], base: str) -> Any:
    """A part of a linked form whose references are whole IRIs.

    A context that is loaded from its address can't say what ids are relative to (JSON-LD 1.1, 4.1.3).
    """
    if isinstance(value, list):
        return [absolute(item, context, base) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, inner in value.items():
        if _is_reference(key, context):
            made[key] = _whole(inner, context, base)
        elif _is_literal(key, context):
            made[key] = inner
        else:
            made[key] = absolute(inner, context, base)
    return made


def _is_reference(key: str, context: Mapping[str, Any]) -> bool:
    definition = context.get(key)
    if definition == "@id" or key == "@id":
        return True
    return isinstance(definition, dict) and definition.get("@type") == "@id"


def _is_literal(key: str, context: Mapping[str, Any]) -> bool:
    """Whether what stands under a key is no part of the graph's shape: languages may be called `id`, `is` and `to`."""
    definition = context.get(key, "")
    if not isinstance(definition, dict):
        return definition is None
    return definition.get("@type") == "@json" or definition.get("@container") == "@language"


def _whole(value: Any, context: Mapping[str, Any], base: str) -> Any:
    if isinstance(value, list):
        return [_whole(item, context, base) for item in value]
    if isinstance(value, str):
        # A record's id never holds a colon, and every IRI and prefixed name does.
        return value if ":" in value else base + value
    return absolute(value, context, base)
