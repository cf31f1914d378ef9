"""The catalogue described as a data set: what it holds for this reader, in which vocabularies, and the ways to take it away (VoID)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import orjson
import pyoxigraph
from pyoxigraph import Literal, NamedNode, Triple
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery.overview import counts_by_kind
from catalog.discovery.sparql import Asked, ask, dataset_of, ready
from catalog.errors import Invalid, Unavailable
from catalog.questions.reader import PUBLIC, Reader
from catalog.records.identifiers import is_iri
from catalog.records.kinds import Kinds, prefixes_of
from catalog.records.record import Source
from catalog.web.addresses import Elsewhere
from catalog.web.linked_data import NS
from catalog.web.negotiation import HTML, JSON_LD, N_TRIPLES, RDF_XML, TURTLE, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Operation, Routes
from catalog.web.pages import page, text_in
from catalog.web.rdf import converted, prefixes
from catalog.web.reading import answered, cache_for, recent, sources_of
from catalog.web.site import Site, site_of

routes = Routes()

FORMS: Final = (TURTLE, JSON_LD, N_TRIPLES, RDF_XML, HTML)
_VOID: Final = "http://rdfs.org/ns/void#"
_DCTERMS: Final = "http://purl.org/dc/terms/"
_DCAT: Final = "http://www.w3.org/ns/dcat#"
_FOAF: Final = "http://xmlns.com/foaf/0.1/"
_RDF_TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_INTEGER: Final = NamedNode("http://www.w3.org/2001/XMLSchema#integer")
_FEATURES: Final = ("Turtle", "N-Triples", "RDF_XML", "JSON-LD")
# Prefixes of the context that name things within a vocabulary, and datatypes, which are none.
_NO_VOCABULARIES: Final = frozenset({"ro", "xsd", "musubi"})
EXAMPLES: Final = 3
# Statements are counted where that takes a moment only: a record has some forty.
MOST_COUNTED: Final = 20_000
COUNTING_SECONDS: Final = 2.0
_BY_PREDICATE: Final = "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p ORDER BY ?p"


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the description is made of, as far as this reader may know it."""

    base: str
    kinds: Kinds
    counts: Mapping[str, int]  # by kind; kinds without any too
    sources: tuple[Source, ...]
    examples: tuple[str, ...]  # ids of a few records
    properties: Mapping[str, int] = field(default_factory=dict)  # statements by predicate; empty if nobody has counted

    @property
    def vocabularies(self) -> tuple[str, ...]:
        """The vocabularies that the records' RDF is written in."""
        names = prefixes_of(self.kinds.context)
        return (NS, *(iri for name, iri in sorted(names.items()) if name not in _NO_VOCABULARIES))

    def class_of(self, kind: str) -> str:
        """The IRI of the class that every record of a kind has."""
        name = self.kinds[kind].types[0]
        written = self.kinds.context.get(name, name)
        prefix, colon, rest = str(written["@id"] if isinstance(written, Mapping) else written).partition(":")
        names = prefixes_of(self.kinds.context)
        return names[prefix] + rest if colon and prefix in names else f"{prefix}{colon}{rest}"


def described(held: Holdings) -> Iterator[Triple]:
    """The description as statements; what has no address of its own is a fragment of the document's."""
    document, dataset = NamedNode(held.base + "void"), NamedNode(held.base + "void#dataset")

    def say(subject: NamedNode, name: str, value: NamedNode | Literal) -> Triple:
        return Triple(subject, NamedNode(name), value)

    def number(value: int) -> Literal:
        return Literal(str(value), datatype=_INTEGER)

    yield say(document, _RDF_TYPE.value, NamedNode(_VOID + "DatasetDescription"))
    yield say(document, _FOAF + "primaryTopic", dataset)
    yield say(document, _DCTERMS + "title", Literal("What this catalogue holds", language="en"))
    yield say(document, _DCTERMS + "title", Literal("このカタログの内容", language="ja"))

    yield say(dataset, _RDF_TYPE.value, NamedNode(_VOID + "Dataset"))
    yield say(dataset, _RDF_TYPE.value, NamedNode(_DCAT + "Catalog"))
    yield say(dataset, _DCTERMS + "title", Literal("Records of the metadata catalogue Musubi", language="en"))
    yield say(dataset, _DCTERMS + "title", Literal("メタデータカタログ Musubi のレコード", language="ja"))
    about = "Datasets, samples, experiments and what belongs to them, linked to everything that they name."
    yield say(dataset, _DCTERMS + "description", Literal(about, language="en"))
    ja = "データセット、試料、実験と、それらが指し示すものとのつながり。"
    yield say(dataset, _DCTERMS + "description", Literal(ja, language="ja"))
    for name, path in (
        (_FOAF + "homepage", ""),
        (_VOID + "rootResource", ""),
        (_VOID + "sparqlEndpoint", "sparql"),
        (_VOID + "dataDump", "export?format=nquads"),
    ):
        yield say(dataset, name, NamedNode(held.base + path))
    yield say(dataset, _VOID + "uriSpace", Literal(held.base))
    for id in held.examples:
        yield say(dataset, _VOID + "exampleResource", NamedNode(held.base + id))
    for feature in _FEATURES:
        yield say(dataset, _VOID + "feature", NamedNode("http://www.w3.org/ns/formats/" + feature))
    for vocabulary in held.vocabularies:
        yield say(dataset, _VOID + "vocabulary", NamedNode(vocabulary))

    there = {kind: count for kind, count in held.counts.items() if count}
    yield say(dataset, _VOID + "entities", number(sum(there.values())))
    yield say(dataset, _VOID + "classes", number(len(there)))
    for kind, count in there.items():
        part = NamedNode(f"{held.base}void#class-{kind}")
        yield say(dataset, _VOID + "classPartition", part)
        yield say(part, _VOID + "class", NamedNode(held.class_of(kind)))
        yield say(part, _VOID + "entities", number(count))
        for tag, title in held.kinds[kind].titles.items():
            yield say(part, _DCTERMS + "title", Literal(title, language=tag))

    if held.properties:
        yield say(dataset, _VOID + "triples", number(sum(held.properties.values())))
        yield say(dataset, _VOID + "properties", number(len(held.properties)))
    for predicate, count in held.properties.items():
        part = NamedNode(f"{held.base}void#property-{sha256(predicate.encode()).hexdigest()[:12]}")
        yield say(dataset, _VOID + "propertyPartition", part)
        yield say(part, _VOID + "property", NamedNode(predicate))
        yield say(part, _VOID + "triples", number(count))

    for source in held.sources:
        part = NamedNode(f"{held.base}void#source-{source.id}")
        yield say(dataset, _VOID + "subset", part)
        yield say(part, _RDF_TYPE.value, NamedNode(_VOID + "Dataset"))
        for tag, title in source.title.items():
            yield say(part, _DCTERMS + "title", Literal(title, language=tag) if tag != "und" else Literal(title))
        yield say(part, _DCTERMS + "source", NamedNode(f"{held.base}sources/{source.id}"))
        yield say(part, _VOID + "dataDump", NamedNode(f"{held.base}export?format=nquads&source={source.id}"))
        if source.licence and is_iri(source.licence):
            yield say(part, _DCTERMS + "license", NamedNode(source.licence))
        if source.homepage and is_iri(source.homepage):
            yield say(part, _FOAF + "homepage", NamedNode(source.homepage))


def holdings(site: Site, reader: Reader) -> Holdings:
    """What the catalogue holds for a reader."""
    counts = counts_by_kind(reader, answers=site.catalog.answers)
    return Holdings(
        site.catalog.base,
        site.catalog.kinds,
        counts,
        tuple(sources_of(site)),
        tuple(item["id"] for item in recent(site, reader)[:EXAMPLES]),
        statements(site, reader) if sum(counts.values()) <= MOST_COUNTED else {},
    )


def statements(site: Site, reader: Reader) -> Mapping[str, int]:
    """How many statements of each predicate the reader may see; none where the graph can't tell that just now."""
    catalog = site.catalog
    asked = Asked(_BY_PREDICATE, seconds=COUNTING_SECONDS)
    try:
        dataset = dataset_of(asked, reader, scopes=catalog.scopes, base=catalog.base)
        state = ready(dataset, book=catalog.book)
        if reader == PUBLIC and state in site.counted:
            return site.counted[state]
        answer = ask(
            asked, dataset, f"void {reader.id}", pool=catalog.sparql, book=catalog.book, base=catalog.base, prefixes={}
        ).result(COUNTING_SECONDS * 2)
    except (Invalid, Unavailable, TimeoutError):
        # The graph is being built, or busy, or too large to be counted in passing: VoID asks for no number.
        return {}
    with answer.body as body:
        rows = orjson.loads(body.read())["results"]["bindings"]
    told = {row["p"]["value"]: int(row["n"]["value"]) for row in rows}
    if reader == PUBLIC:
        # Right for as long as this is the state that is asked; what is closed makes another.
        site.counted.clear()
        site.counted[state] = told
    return told


@routes.add(
    Operation(
        "GET",
        "/void",
        "void",
        "Linked data",
        "The catalogue as a data set",
        "データセットとしてのカタログ",
        "What there is here for linked data (VoID): how many records of each class the asker may see, the vocabularies, where the "
        "SPARQL endpoint and the dumps are, and under which licence each source gives its records.",
        {200: Answer("The description.", FORMS)},
        (406,),
        (FORMAT,),
    )
)
async def void(request: Request) -> Response:
    """The catalogue as a data set."""
    site = site_of(request)
    form = form_for(request, FORMS)
    reader = site.reader(request)
    held = await site.in_thread(holdings, site, reader)
    if form is HTML:
        language = language_for(request)
        return page(
            request,
            site.pages,
            site.root,
            "void.html",
            held=held,
            kinds=held.kinds,
            source_titles={source.id: text_in(source.title, language)[0] or source.id for source in held.sources},
            headers={"Cache-Control": cache_for(reader)},
        )
    told = pyoxigraph.serialize(described(held), format=pyoxigraph.RdfFormat.N_TRIPLES)
    assert told is not None
    names = {**prefixes(held.kinds.context), "void": _VOID, "musubi": NS}
    body = told if form is N_TRIPLES else converted(told, form, names)
    return answered(request, reader, body, form, same_as=told)


@routes.add(
    Operation(
        "GET",
        "/.well-known/void",
        "well-known-void",
        "Linked data",
        "Where the description of the data set is",
        "データセット記述の場所",
        "Sends on to `/void` (VoID, 7.2).",
        {302: Answer("It is there.", (), None, {"Location": "Where."})},
    )
)
async def well_known(request: Request) -> Response:
    """On to the description."""
    raise Elsewhere("/void", 302)
