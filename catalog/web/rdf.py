"""Linked forms as RDF and JSON-LD for the outside: absolute IRIs everywhere, since nobody else knows our base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyoxigraph

from catalog.records.kinds import Kinds, prefixes_of
from catalog.records.registration import Registration, with_files
from catalog.records.triples import triples
from catalog.web.negotiation import JSON_LD, N_QUADS, N_TRIPLES, RDF_XML, TURTLE, Form

FORMS: Sequence[Form] = (JSON_LD, TURTLE, N_TRIPLES, RDF_XML)
_FORMATS: Mapping[str, pyoxigraph.RdfFormat] = {
    TURTLE.name: pyoxigraph.RdfFormat.TURTLE,
    N_TRIPLES.name: pyoxigraph.RdfFormat.N_TRIPLES,
    RDF_XML.name: pyoxigraph.RdfFormat.RDF_XML,
    N_QUADS.name: pyoxigraph.RdfFormat.N_QUADS,
    # Records are told under the published context instead; this is for what has none.
    JSON_LD.name: pyoxigraph.RdfFormat.JSON_LD,
}
CONTEXT = "context.jsonld"


def record_as(
    form: Form,
    kinds: Kinds,
    document: Mapping[str, Any],
    files: Mapping[str, Any],
    entry: Registration | None,
    base: str,
) -> bytes:
    """One record in one of the forms of RDF: what it says in the graph to the same reader, files and registration with it.

    What follows from other records is the graph's alone: it would change this without a change of the record.
    """
    document = with_files(document, files.get("count", 0), files.get("size", 0))
    if form is JSON_LD:
        told = absolute(document, kinds.context, base)
        return orjson.dumps({"@context": base + CONTEXT, **told, **(entry.json_ld(base) if entry else {})})
    statements = triples(kinds, [document], base) + (entry.triples(base) if entry else b"")
    return statements if form is N_TRIPLES else converted(statements, form, prefixes(kinds.context))


def converted(told: bytes, form: Form, names: Mapping[str, str]) -> bytes:
    """N-Triples in another form."""
    parsed = pyoxigraph.parse(told, format=pyoxigraph.RdfFormat.N_TRIPLES, lenient=True)
    made = pyoxigraph.serialize((quad.triple for quad in parsed), format=_FORMATS[form.name], prefixes=dict(names))
    assert made is not None
    return made


def prefixes(context: Mapping[str, Any]) -> dict[str, str]:
    """The context's prefixes."""
    return dict(sorted(prefixes_of(context).items()))


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
