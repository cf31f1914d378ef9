"""What linked data needs beside the records: the vocabulary, the context, and the way from an identifier to a record."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import orjson
import pyoxigraph
from starlette.requests import Request
from starlette.responses import Response

from catalog.records.kinds import Kinds
from catalog.web.negotiation import HTML, JSON_LD, N_TRIPLES, RDF_XML, TURTLE, form_for
from catalog.web.operations import FORMAT, Answer, Operation, Routes
from catalog.web.pages import page
from catalog.web.rdf import converted, prefixes
from catalog.web.site import site_of

routes = Routes()

NS = "https://w3id.org/musubi/ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RDF_TYPE = pyoxigraph.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
# The same for everybody, until the next version of the software.
PUBLIC_CACHE = "public, no-cache"


@dataclass(frozen=True, slots=True)
class Word:
    """One term of the vocabulary as its page shows it."""

    name: str
    iri: str
    types: tuple[str, ...]
    labels: dict[str, str]
    comments: dict[str, str]
    related: tuple[tuple[str, str], ...]


def fixed(
    request: Request, body: bytes, content_type: str, *, cache: str = PUBLIC_CACHE, same_as: bytes | None = None
) -> Response:
    """What is the same for everybody, with an ETag of its bytes, or of what they were made from."""
    etag = f'"{sha256(content_type.encode() + (same_as or body)).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": cache}
    if etag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(body, 200, headers, content_type)


def ontology_bytes(kinds: Kinds) -> bytes:
    """The vocabulary as Turtle, all its files together."""
    return b"\n".join(kinds.ontologies[name] for name in sorted(kinds.ontologies))


@lru_cache(maxsize=4)
def ontology_triples(told: bytes) -> bytes:
    """The vocabulary as N-Triples."""
    parsed = pyoxigraph.parse(told, format=pyoxigraph.RdfFormat.TURTLE)
    made = pyoxigraph.serialize((quad.triple for quad in parsed), format=pyoxigraph.RdfFormat.N_TRIPLES)
    assert made is not None
    return made


@lru_cache(maxsize=4)
def vocabulary(told: bytes) -> tuple[Word, ...]:
    """The vocabulary's terms, in the order of their names."""
    said: defaultdict[str, list[tuple[str, object]]] = defaultdict(list)
    for quad in pyoxigraph.parse(told, format=pyoxigraph.RdfFormat.TURTLE):
        if isinstance(quad.subject, pyoxigraph.NamedNode) and quad.subject.value.startswith(NS):
            said[quad.subject.value].append((quad.predicate.value, quad.object))
    words = []
    for iri in sorted(said):
        name = iri.removeprefix(NS)
        if not name:
            continue
        labels: dict[str, str] = {}
        comments: dict[str, str] = {}
        types, related = [], []
        for predicate, value in said[iri]:
            if isinstance(value, pyoxigraph.Literal):
                tag = value.language or "en"
                if predicate in (_RDFS + "label", _SKOS + "prefLabel"):
                    labels[tag] = value.value
                elif predicate in (_RDFS + "comment", _SKOS + "definition"):
                    comments[tag] = value.value
            elif isinstance(value, pyoxigraph.NamedNode):
                if predicate == _RDF_TYPE.value:
                    types.append(_short(value.value))
                else:
                    related.append((_short(predicate), value.value))
        words.append(Word(name, iri, tuple(types), labels, comments, tuple(related)))
    return tuple(words)


def _short(iri: str) -> str:
    return iri.rpartition("#")[2] if "#" in iri else iri.rpartition("/")[2]


@routes.add(
    Operation(
        "GET",
        "/ns",
        "vocabulary",
        "Linked data",
        "The vocabulary",
        "語彙",
        "The catalogue's own terms (`https://w3id.org/musubi/ns#`), with labels in English and Japanese, as a page or RDF.",
        {200: Answer("The vocabulary.", (TURTLE, N_TRIPLES, RDF_XML, HTML))},
        (406,),
        (FORMAT,),
    )
)
async def namespace(request: Request) -> Response:
    """The vocabulary."""
    site = site_of(request)
    form = form_for(request, (TURTLE, N_TRIPLES, RDF_XML, HTML))
    told = written = ontology_bytes(site.catalog.kinds)
    if form is HTML:
        return page(
            request,
            site.pages,
            site.root,
            "vocabulary.html",
            words=vocabulary(told),
            ns=NS,
            headers={"Cache-Control": PUBLIC_CACHE},
        )
    if form is not TURTLE:
        told = ontology_triples(told)
        if form is RDF_XML:
            told = converted(told, form, {"musubi": NS, **prefixes(site.catalog.kinds.context)})
    return fixed(request, told, form.content_type, same_as=written)


@routes.add(
    Operation(
        "GET",
        "/context.jsonld",
        "context",
        "Linked data",
        "The JSON-LD context",
        "JSON-LD コンテキスト",
        "What maps the linked form of every kind to RDF.",
        {200: Answer("The context.", (JSON_LD,))},
    )
)
async def context(request: Request) -> Response:
    """The JSON-LD context."""
    told = orjson.dumps({"@context": site_of(request).catalog.kinds.context})
    return fixed(request, told, JSON_LD.content_type)
