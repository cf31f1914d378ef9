"""Which representation and which language a request wants, of those that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Final, Literal, TypeVar

from starlette.requests import Request

from catalog.errors import Malformed
from catalog.web.refusals import NotAcceptable

Made = TypeVar("Made")
Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a thing can be written down: its short name (`?format=`), media type and title."""

    name: str
    media_type: str
    title: str

    @property
    def content_type(self) -> str:
        """The media type as it stands in an answer's header."""
        # RFC 8259, RFC 7303: JSON is UTF-8 always and RDF/XML says so itself; text types need it said.
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


HTML = Form("html", "text/html", "HTML")
JSON = Form("json", "application/json", "JSON")
JSON_LD = Form("jsonld", "application/ld+json", "JSON-LD")
TURTLE = Form("turtle", "text/turtle", "Turtle")
N_TRIPLES = Form("ntriples", "application/n-triples", "N-Triples")
RDF_XML = Form("rdfxml", "application/rdf+xml", "RDF/XML")
NDJSON = Form("ndjson", "application/x-ndjson", "NDJSON")
EVENTS = Form("events", "text/event-stream", "Server-Sent Events")
N_QUADS = Form("nquads", "application/n-quads", "N-Quads")
CSV = Form("csv", "text/csv", "CSV")
SCHEMA = Form("schema", "application/schema+json", "JSON Schema")


# Most who ask send one of few headers; a longer one is not kept, so that those who send any do not fill the memory.
KEPT_HEADERS: Final = 500
KEPT_CHARACTERS: Final = 300


def kept_by_header(function: Callable[[str], Made]) -> Callable[[str], Made]:
    """A function of a header's text that answers from memory what it was asked lately."""
    kept = lru_cache(KEPT_HEADERS)(function)

    @wraps(function)
    def made(header: str) -> Made:
        return kept(header) if len(header) <= KEPT_CHARACTERS else function(header)

    return made


@kept_by_header
def weighed(header: str) -> tuple[tuple[str, float], ...]:
    """A header's items with their weights, in the order in which they came (RFC 9110, 12.4.2)."""
    items = []
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if not name:
            continue
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    weight = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    # A weight that cannot be read says nothing against the item.
                    weight = 1.0
        items.append((name.lower(), weight))
    return tuple(items)


def said(request: Request, name: str) -> str | None:
    """What the query of a request says under a name."""
    # Most have none, and to read none takes as long as to read one.
    return request.query_params.get(name) if request.scope["query_string"] else None


def form_for(request: Request, forms: Sequence[Form]) -> Form:
    """The form that the request asks for: by `format=` before `Accept`; the first one if it does not mind."""
    named = said(request, "format")
    if named is not None:
        for form in forms:
            if named in (form.name, form.media_type):
                return form
        names = ", ".join(form.name for form in forms)
        raise Malformed(
            f"format: '{named}' is none of {names}.", ja=f"format: 「{named}」はありません。使えるのは {names} です。"
        )
    return form_in(request.headers.get("accept", ""), forms)


def form_in(header: str, forms: Sequence[Form]) -> Form:
    """The form that `Accept` asks for; the first one if it says nothing."""
    if not header:
        return forms[0]
    wanted = weighed(header)
    best: tuple[float, int, Form] | None = None
    for place, form in enumerate(forms):
        weight = _weight_of(form.media_type, wanted)
        if weight > 0 and (best is None or (weight, -place) > best[:2]):
            best = (weight, -place, form)
    if best is None:
        raise NotAcceptable(tuple(form.media_type for form in forms))
    return best[2]


def _weight_of(media_type: str, wanted: Iterable[tuple[str, float]]) -> float:
    """The weight that the most exact item gives to a media type."""
    family = media_type.partition("/")[0] + "/*"
    exactness, weight = 0, 0.0
    for name, given in wanted:
        level = 3 if name == media_type else 2 if name == family else 1 if name == "*/*" else 0
        if level > exactness:
            exactness, weight = level, given
    return weight


def prefers_page(request: Request) -> bool:
    """Whether whoever asks is a browser that wants a page, rather than a program that takes anything."""
    named = said(request, "format")
    if named is not None:
        return named in (HTML.name, HTML.media_type)
    wanted = weighed(request.headers.get("accept", ""))
    return any(name == "text/html" for name, _ in wanted) and _weight_of("text/html", wanted) >= _weight_of(
        "application/json", wanted
    )


def prefers_json(request: Request) -> bool:
    """Whether whoever sends a form is a program that would rather be answered by JSON than by a page."""
    named = said(request, "format")
    if named is not None:
        return named in (JSON.name, JSON.media_type)
    wanted = weighed(request.headers.get("accept", ""))
    return _weight_of("application/json", wanted) > _weight_of("text/html", wanted)


def language_for(request: Request) -> Language:
    """The language to answer in: by `lang=` before `Accept-Language`; English if neither says."""
    named = said(request, "lang")
    for language in LANGUAGES:
        if named == language:
            return language
    return _language_in(request.headers.get("accept-language", ""))


@kept_by_header
def _language_in(header: str) -> Language:
    best: tuple[float, Language] = (0.0, "en")
    for name, weight in weighed(header):
        for language in LANGUAGES:
            if name.partition("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]
