"""Records and other statements in the forms of RDF that can be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyoxigraph

from catalog.records.kinds import Kinds, prefixes_of
from catalog.records.registration import Registration
from catalog.records.told import as_json_ld, as_triples
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


def record_as(
    form: Form,
    kinds: Kinds,
    document: Mapping[str, Any],
    files: Mapping[str, Any],
    entry: Registration | None,
    base: str,
) -> bytes:
    """One record in one of the forms of RDF."""
    if form is JSON_LD:
        return as_json_ld(kinds, document, files, entry, base)
    statements = as_triples(kinds, document, files, entry, base)
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
