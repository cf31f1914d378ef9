"""SPARQL over HTTP (SPARQL 1.1 Protocol): queries by GET and both POSTs, the description of the service, and its page."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import IO, Any, Final
from urllib.parse import parse_qsl

from pyoxigraph import Literal, NamedNode, Triple
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from catalog.discovery.sparql import Answer, Asked, Closing, Dataset, NoSuchForm, ask, dataset_of, give_up, ready
from catalog.errors import Malformed, TooLarge
from catalog.questions.reader import PUBLIC, Reader
from catalog.web.linked_data import fixed
from catalog.web.negotiation import (
    CSV,
    HTML,
    JSON_LD,
    N_TRIPLES,
    RDF_XML,
    TURTLE,
    Form,
    form_for,
    prefers_page,
)
from catalog.web.operations import FORMAT, Body, Operation, Parameter, Routes
from catalog.web.operations import Answer as Told
from catalog.web.query_page import offered_prefixes, query_page
from catalog.web.rdf import converted
from catalog.web.reading import cache_for
from catalog.web.refusals import NotAcceptable
from catalog.web.site import Site, site_of
from catalog.web.streams import read_whole
from catalog.web.waiting import WAIT_FOR, WAIT_SECONDS, until_visible, waiting_asked
from catalog.web.writing import media_type_of

routes = Routes()

RESULTS_JSON: Final = Form("json", "application/sparql-results+json", "JSON")
RESULTS_XML: Final = Form("xml", "application/sparql-results+xml", "XML")
TSV: Final = Form("tsv", "text/tab-separated-values", "TSV")
# The first of a name is the one that is told; the others are what clients also ask for.
RESULT_FORMS: Final[Sequence[Form]] = (
    RESULTS_JSON,
    RESULTS_XML,
    CSV,
    TSV,
    Form("json", "application/json", "JSON"),
    Form("xml", "application/xml", "XML"),
    Form("xml", "text/xml", "XML"),
)
GRAPH_FORMS: Final[Sequence[Form]] = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)
# A question with ten thousand ids has half a megabyte; what is larger is a mistake, or belongs into a load.
QUERY_LIMIT: Final = 4 * 2**20
# How long a query waits for what was just closed to leave the graph.
CLOSING_SECONDS: Final = 2.0
_CLOSING_PAUSE: Final = 0.025
# An answer that comes within this time needs nobody to look whether its client is still there.
_SOON_SECONDS: Final = 0.2
_PIECE: Final = 256 * 1024
_IN_MEMORY: Final = 2**20
_KNOWN: Final = (
    "query", "default-graph-uri", "named-graph-uri", "scope", "timeout", "waitFor", "waitSeconds", "format", "lang",
)  # fmt: skip
_UPDATES: Final = ("update", "using-graph-uri", "using-named-graph-uri")

QUERY: Final = Parameter(
    "query",
    "The query (SPARQL 1.1). Relative IRIs begin at the catalogue's base address; the prefixes of its JSON-LD context need no "
    "declaration.",
    example="SELECT ?record ?title WHERE { ?record a musubi:Dataset ; dcterms:title ?title } LIMIT 10",
)
GRAPHS: Final = (
    Parameter(
        "default-graph-uri",
        "A graph to ask instead of all that you may read; repeatable, then they are joined. One that you may not read is empty.",
    ),
    Parameter("named-graph-uri", "A graph that `GRAPH` may name; repeatable."),
    Parameter(
        "scope",
        "A scope whose limited records are to be asked beside what everyone may read; repeatable. Without it: all of yours.",
        example="spring8",
    ),
)
TIMEOUT: Final = Parameter(
    "timeout",
    "How many seconds the query may take; the settings bound it.",
    {"type": "number", "minimum": 0},
    example=30,
)
ANSWERS: Final = {
    200: Told(
        "The answer: of SELECT and ASK in a result format, of CONSTRUCT and DESCRIBE as RDF.",
        (RESULTS_JSON, RESULTS_XML, CSV, TSV, *GRAPH_FORMS, HTML),
    )
}
ABOUT: Final = (
    "SPARQL 1.1 Protocol over what you may read. `SERVICE` and updates are refused. A query that takes too long, too much "
    "memory or answers too much is ended and told so (422); when too many wait, or what was just closed still leaves the "
    "graph, the answer is 503 with `Retry-After`. docs/sparql.md tells more."
)


@routes.add(
    Operation(
        "GET",
        "/sparql",
        "sparql",
        "Linked data",
        "Ask in SPARQL",
        "SPARQL で問い合わせる",
        ABOUT + " Without a query: the description of the service, or for a browser a page to write queries on.",
        ANSWERS,
        (400, 406, 422, 503),
        (QUERY, *GRAPHS, TIMEOUT, WAIT_FOR, WAIT_SECONDS, FORMAT),
    )
)
async def sparql(request: Request) -> Response:
    """The answer to a query, the description of the service, or the page."""
    site = site_of(request)
    said = request.query_params.multi_items()
    queries = _said(said, "query")
    # A browser shows the page, which asks by itself.
    if prefers_page(request):
        site.reader(request)
        return query_page(request, site, _offered(), queries[0] if queries else "")
    if not queries:
        return await _described(request, site, said)
    return await _answered(request, site, said)


@routes.add(
    Operation(
        "POST",
        "/sparql",
        "sparqlByPost",
        "Linked data",
        "Ask in SPARQL (long queries)",
        "SPARQL で問い合わせる（長いクエリー）",
        ABOUT,
        ANSWERS,
        (400, 406, 413, 415, 422, 503),
        (*GRAPHS, TIMEOUT, WAIT_FOR, WAIT_SECONDS, FORMAT),
        Body(
            "The query itself, or a form with `query` and the other parameters.",
            {
                "application/sparql-query": "SELECT * WHERE { ?s ?p ?o } LIMIT 10",
                "application/x-www-form-urlencoded": "query=SELECT%20*%20WHERE%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D%20LIMIT%2010",
            },
        ),
        asks=True,
    )
)
async def sparql_by_post(request: Request) -> Response:
    """The answer to a query that is in the body."""
    site = site_of(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/sparql-update":
        raise _no_updates()
    form = "application/x-www-form-urlencoded"
    media_type = media_type_of(request, ("application/sparql-query", form))
    limit = min(QUERY_LIMIT, site.catalog.settings.body_limit)
    try:
        body = await read_whole(request, b"", request.stream(), limit)
    except TooLarge as error:
        raise TooLarge(
            f"A query may have {limit / 2**20:g} MiB at most. Load what it lists as records, or ask in parts.",
            ja=f"クエリーは {limit / 2**20:g} MiB までです。分割して問い合わせてください。",
        ) from error
    said = request.query_params.multi_items()
    try:
        text = body.decode()
        if media_type == form:
            said += await site.in_thread(
                parse_qsl, text, keep_blank_values=True, errors="strict", max_num_fields=1_000, separator="&"
            )
        else:
            said.append(("query", text))
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The query is not UTF-8 (at byte {error.start}).",
            ja=f"クエリーが UTF-8 ではありません（{error.start} バイト目）。",
        ) from error
    except ValueError as error:
        raise Malformed(f"The form can't be read: {error}.", ja=f"フォームを読み取れません: {error}") from error
    return await _answered(request, site, said)


def _said(said: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in said if key == name]


def _no_updates() -> Malformed:
    return Malformed(
        "Nothing can be changed by SPARQL here: records are submitted to /records, and the graph follows them.",
        ja="SPARQL による更新はできません。レコードの登録と更新は /records で行い、グラフには自動的に反映されます。",
    )


def _offered() -> list[tuple[str, str]]:
    """What a browser without scripts may choose from."""
    return [(form.name, form.title) for form in (RESULTS_JSON, RESULTS_XML, CSV, TSV, *GRAPH_FORMS)]


def _asked(request: Request, site: Site, said: Sequence[tuple[str, str]]) -> Asked:
    """What the request asks, whichever way it came; Malformed names what is not right."""
    for name, _ in said:
        if name in _UPDATES:
            raise _no_updates()
        if name not in _KNOWN:
            raise Malformed(
                f"There is no parameter '{name:.80}' here. There are {', '.join(_KNOWN)}.",
                ja=f"パラメーター「{name:.80}」はありません。使えるのは {', '.join(_KNOWN)} です。",
            )
    queries = _said(said, "query")
    if len(queries) != 1:
        raise Malformed(
            "query is missing." if not queries else "query is given twice.",
            ja="query がありません。" if not queries else "query が2回指定されています。",
        )
    # JSON has words for half a character, and the engine none.
    if any(0xD800 <= ord(character) < 0xE000 for character in queries[0]):
        raise Malformed("The query is no Unicode text.", ja="クエリーが Unicode の文字列ではありません。")
    named = _said(said, "format")
    results, graphs = _form(request, RESULT_FORMS, named), _form(request, GRAPH_FORMS, named)
    if results is None and graphs is None:
        if named:
            names = ", ".join(dict.fromkeys(form.name for form in (*RESULT_FORMS, *GRAPH_FORMS)))
            raise Malformed(
                f"format: '{named[0]:.80}' is none of {names}.",
                ja=f"format: 「{named[0]:.80}」はありません。使えるのは {names} です。",
            )
        raise NotAcceptable(_media_types((*RESULT_FORMS[:4], *GRAPH_FORMS)))
    default_graphs, named_graphs = _said(said, "default-graph-uri"), _said(said, "named-graph-uri")
    scopes = _said(said, "scope")
    return Asked(
        queries[0],
        tuple(default_graphs) if default_graphs else None,
        tuple(named_graphs) if named_graphs else None,
        tuple(scopes) if scopes else None,
        _seconds(_said(said, "timeout"), site),
        results.name if results else None,
        graphs.name if graphs else None,
    )


def _seconds(told: Sequence[str], site: Site) -> float:
    longest = max(site.catalog.settings.sparql_longest, site.catalog.settings.sparql_seconds)
    if not told:
        return float(site.catalog.settings.sparql_seconds)
    try:
        seconds = float(told[0])
    except ValueError:
        seconds = math.nan
    if len(told) > 1 or not 0 < seconds <= longest:
        raise Malformed(
            f"timeout: '{told[0]:.40}' is no number of seconds up to {longest}.",
            ja=f"timeout: 「{told[0]:.40}」は {longest} 以下の秒数ではありません。",
        )
    return seconds


def _form(request: Request, forms: Sequence[Form], named: Sequence[str]) -> Form | None:
    """The form of these that is asked for; None if it is none of them."""
    if named:
        return next((form for form in forms if named[0] in (form.name, form.media_type)), None)
    try:
        return form_for(request, forms)
    except NotAcceptable:
        return None


def _media_types(forms: Sequence[Form]) -> tuple[str, ...]:
    return tuple(form.media_type for form in forms)


# --- answering


async def _answered(request: Request, site: Site, said: Sequence[tuple[str, str]]) -> Response:
    """The answer to a query."""
    reader = site.reader(request)
    catalog = site.catalog
    position, wait_seconds, said = waiting_asked(said)
    asked = _asked(request, site, said)
    dataset = await site.quickly(dataset_of, asked, reader, scopes=catalog.scopes, base=catalog.base)
    await until_visible(site, "graph", position, wait_seconds)
    await _until_closed(site, dataset)
    future = ask(
        asked,
        dataset,
        _client(request, reader),
        pool=catalog.sparql,
        book=catalog.book,
        base=catalog.base,
        prefixes=offered_prefixes(catalog.kinds.context),
    )
    try:
        answer = await _awaited(request, site, future)
    except NoSuchForm as error:
        offered = GRAPH_FORMS if error.kind == "graph" else RESULT_FORMS[:4]
        if _said(said, "format"):
            names = ", ".join(form.name for form in offered)
            raise Malformed(
                f"format: this query's answer can be had as {names}.",
                ja=f"format: このクエリーの結果は {names} で取得できます。",
            ) from error
        raise NotAcceptable(_media_types(offered)) from error
    forms = GRAPH_FORMS if answer.kind == "graph" else RESULT_FORMS
    form = _form(request, forms, _said(said, "format")) or next(each for each in forms if each.name == answer.form)
    headers = {"Cache-Control": cache_for(reader), "Content-Length": str(answer.size)}
    if answer.size <= _IN_MEMORY:
        with answer.body as body:
            return Response(body.read(), 200, headers, form.content_type)
    return StreamingResponse(_pieces(site, answer.body), 200, headers, form.content_type)


def _client(request: Request, reader: Reader) -> str:
    """Who shares a line with whom: those who have said who they are by name, all others by where they are."""
    if reader.id != PUBLIC.id:
        return f"reader {reader.id}"
    return f"host {request.client.host if request.client is not None else ''}"


async def _until_closed(site: Site, dataset: Dataset) -> None:
    """Wait a moment for what was closed just now to leave the graphs that are asked."""
    until = time.monotonic() + CLOSING_SECONDS
    while True:
        try:
            await site.quickly(ready, dataset, book=site.catalog.book)
            return
        except Closing:
            if time.monotonic() >= until:
                raise
        await asyncio.sleep(_CLOSING_PAUSE)


async def _awaited(request: Request, site: Site, future: Future[Answer]) -> Answer:
    """The answer when it is there; a query whose client has gone is ended."""
    waiting: asyncio.Future[Answer] = asyncio.wrap_future(future)
    leaving: asyncio.Future[None] | None = None
    try:
        done, _ = await asyncio.wait({waiting}, timeout=_SOON_SECONDS)
        if not done:
            leaving = asyncio.create_task(_left(request))
            ends: set[asyncio.Future[Any]] = {waiting, leaving}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientDisconnect
        return waiting.result()
    finally:
        if leaving is not None:
            leaving.cancel()
        if not waiting.done():
            give_up(future, pool=site.catalog.sparql)


async def _left(request: Request) -> None:
    """Until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _pieces(site: Site, body: IO[bytes]) -> AsyncIterator[bytes]:
    """A large answer, piece by piece, as fast as it is taken."""
    with site.large_answers, body:
        # It lies in the system's memory, or nearly: reading a piece takes less time than handing it to a thread.
        while piece := body.read(_PIECE):
            yield piece


# --- the description of the service

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS: Final = "http://www.w3.org/ns/formats/"
_FORMAT_NAMES: Final = (
    "SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV",
    "Turtle", "N-Triples", "JSON-LD", "RDF_XML",
)  # fmt: skip
_TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


async def _described(request: Request, site: Site, said: Sequence[tuple[str, str]]) -> Response:
    """The description of the service, in a form of RDF."""
    for name, _ in said:
        if name in _UPDATES:
            raise _no_updates()
        if name not in ("format", "lang"):
            raise Malformed("query is missing.", ja="query がありません。")
    reader, catalog = site.reader(request), site.catalog
    form = form_for(request, GRAPH_FORMS)
    dataset = await site.quickly(dataset_of, Asked(""), reader, scopes=catalog.scopes, base=catalog.base)
    told = b"".join(f"{triple} .\n".encode() for triple in service_description(catalog.base, dataset.graphs))
    if form is not N_TRIPLES:
        names: Mapping[str, str] = {"sd": _SD, "formats": _FORMATS, "dcterms": "http://purl.org/dc/terms/"}
        told = converted(told, form, names)
    return fixed(request, told, form.content_type, cache=cache_for(reader))


def service_description(base: str, graphs: Sequence[str]) -> Iterator[Triple]:
    """The service as its vocabulary has it (SPARQL 1.1 Service Description), with the graphs that the reader may name."""
    service = NamedNode(base + "sparql")

    def part(name: str) -> NamedNode:
        return NamedNode(f"{base}sparql#{name}")

    def say(subject: NamedNode, name: str, value: NamedNode | Literal) -> Triple:
        return Triple(subject, NamedNode(_SD + name), value)

    def entitled(subject: NamedNode, en: str, ja: str) -> Iterator[Triple]:
        for language, title in (("en", en), ("ja", ja)):
            yield Triple(subject, NamedNode("http://purl.org/dc/terms/title"), Literal(title, language=language))

    yield Triple(service, _TYPE, NamedNode(_SD + "Service"))
    yield say(service, "endpoint", service)
    # What is in there, in which vocabularies, and under which licences.
    yield Triple(service, NamedNode("http://www.w3.org/2000/01/rdf-schema#seeAlso"), NamedNode(base + "void"))
    yield Triple(NamedNode(base + "void#dataset"), NamedNode("http://rdfs.org/ns/void#sparqlEndpoint"), service)
    yield say(service, "supportedLanguage", NamedNode(_SD + "SPARQL11Query"))
    yield say(service, "defaultEntailmentRegime", NamedNode("http://www.w3.org/ns/entailment/Simple"))
    for name in _FORMAT_NAMES:
        yield say(service, "resultFormat", NamedNode(_FORMATS + name))
    yield say(service, "defaultDataset", part("dataset"))
    yield Triple(part("dataset"), _TYPE, NamedNode(_SD + "Dataset"))
    yield say(part("dataset"), "defaultGraph", part("open"))
    yield Triple(part("open"), _TYPE, NamedNode(_SD + "Graph"))
    yield from entitled(
        part("open"),
        "What everyone may read, and what lies in your named graphs",
        "公開されているすべてと、あなたが読める名前付きグラフの内容",
    )
    for number, graph in enumerate(graphs):
        yield say(part("dataset"), "namedGraph", part(f"graph-{number}"))
        yield Triple(part(f"graph-{number}"), _TYPE, NamedNode(_SD + "NamedGraph"))
        yield say(part(f"graph-{number}"), "name", NamedNode(graph))
        yield say(part(f"graph-{number}"), "graph", NamedNode(graph))
        yield Triple(NamedNode(graph), _TYPE, NamedNode(_SD + "Graph"))
