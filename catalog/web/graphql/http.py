"""GraphQL over HTTP: one address, asked by GET and POST, with the status and media type that the specification gives."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from catalog.assembly import Catalog
from catalog.errors import CatalogError, Malformed, TooCostly
from catalog.questions.cost import Part, cost_of
from catalog.questions.reader import PUBLIC
from catalog.recent import Recent
from catalog.records.parse import parse
from catalog.web.graphql import stream
from catalog.web.graphql.compile import words_of
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import (
    KEPT,
    SHA256,
    Document,
    Documents,
    asks_about_schema,
    is_mutation,
    is_subscription,
    trusted_in,
)
from catalog.web.graphql.execute import Executed, execute, is_one_statement, refused
from catalog.web.graphql.failures import Refused, refusal
from catalog.web.graphql.limits import LIMITS, hold_variables
from catalog.web.graphql.paces import MOMENT_AT_MOST, QUICK_SECONDS, Paces
from catalog.web.graphql.page import graphql_page
from catalog.web.graphql.weighing import Weigher, number_from
from catalog.web.negotiation import (
    EVENTS,
    HTML,
    Form,
    Language,
    form_for,
    form_in,
    kept_by_header,
    language_for,
    prefers_page,
    said,
    weighed,
)
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes
from catalog.web.problems import problem_from
from catalog.web.reading import cache_for
from catalog.web.refusals import MethodNotAllowed, NotAcceptable, UnsupportedMediaType
from catalog.web.session import demand_csrf
from catalog.web.site import Places, Site, site_of
from catalog.web.streams import read_whole
from catalog.web.writing import media_type_of

P = ParamSpec("P")
T = TypeVar("T")

routes = Routes()

JSON: Final = Form("json", "application/json", "JSON")
RESPONSE: Final = Form("graphql-response", "application/graphql-response+json", "GraphQL response")
FORMS: Final = (JSON, RESPONSE, EVENTS)

# Threads of its own, so that queries hold up nothing but queries; and others for those that take long, with how many may
# wait for them.
QUICK_THREADS: Final = 6
SLOW_THREADS: Final = 2
SLOW_WAITING: Final = 20
# Text that was not read before is read at once up to this length, in a thread like any up to this, and else in those threads.
AT_ONCE_CHARACTERS: Final = 300
SHORT_CHARACTERS: Final = 4_000
# What costs more is taken for slow before it was ever tried.
CHEAP: Final = 5_000
# Answers about the schema that are kept; each may have a megabyte.
INTROSPECTED: Final = 8
# How many subscriptions are kept up at a time.
SUBSCRIPTIONS: Final = 100
# What whoever has not said who they are may send in one request: a query with its variables.
PUBLIC_BODY: Final = LIMITS.variables + 4 * LIMITS.characters + 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as it was sent."""

    text: str
    operation: str | None
    variables: Mapping[str, Any]
    variables_size: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """An operation of a document that may be executed, with its variables, and what it costs."""

    document: Document
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]
    cost: int


@dataclass(frozen=True, slots=True)
class GraphQL:
    """The schema as it is served: what was read of it lately, and threads for what takes long."""

    schema: GraphQLSchema
    documents: Documents
    cost_limit: int
    seconds: float
    introspected: Recent[Executed] = field(default_factory=lambda: Recent(INTROSPECTED))
    paces: Paces = field(default_factory=Paces)
    parts: Recent[Part] = field(default_factory=lambda: Recent(KEPT))
    quick: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(QUICK_THREADS, "graphql"))
    slow: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(SLOW_THREADS, "graphql-slow"))
    waiting: Places = field(
        default_factory=lambda: Places(
            SLOW_WAITING,
            "Too many large queries are asked at this moment; try again soon.",
            "大きな問い合わせが集中しています。少し待ってからもう一度お試しください。",
        )
    )
    subscriptions: Places = field(
        default_factory=lambda: Places(
            SUBSCRIPTIONS,
            "All places for subscriptions are taken; try again later.",
            "サブスクリプションの枠が埋まっています。後でもう一度お試しください。",
        )
    )

    @classmethod
    def of(cls, catalog: Catalog, schema: GraphQLSchema) -> GraphQL:
        """What a catalogue's settings make of it; Misconfigured if a trusted document is none."""
        settings = catalog.settings
        trusted = trusted_in(settings.graphql_documents)
        documents = Documents(schema, trusted, only_trusted=settings.graphql_only_trusted)
        return cls(schema, documents, settings.graphql_cost, settings.graphql_seconds)

    def close(self) -> None:
        """Let go of the threads."""
        self.quick.shutdown(wait=False, cancel_futures=True)
        self.slow.shutdown(wait=False, cancel_futures=True)

    async def quickly(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a function answers that seems not to take long."""
        return await asyncio.get_running_loop().run_in_executor(self.quick, partial(function, *args, **named))

    async def slowly(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a function answers that takes long, in its turn."""
        with self.waiting:
            return await asyncio.get_running_loop().run_in_executor(self.slow, partial(function, *args, **named))

    async def read(self, text: str) -> Document:
        """The document of a text."""
        if len(text) <= AT_ONCE_CHARACTERS or self.documents.has_read(text):
            return self.documents.read(text)
        if len(text) <= SHORT_CHARACTERS:
            return await self.quickly(self.documents.read, text)
        return await self.slowly(self.documents.read, text)

    def weighed(self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """What an operation costs with these variables; Refused if that is over the limit."""
        part = self.parts.about(operation, lambda: Weigher(self.schema, document.fragments).part(operation))
        cost = cost_of(part, number_from(operation, variables))
        if cost > self.cost_limit:
            raise refusal(
                TooCostly(
                    f"The query costs {cost}, and one may cost {self.cost_limit}: ask for fewer at a time (first), "
                    "or for less of each.",
                    ja=f"このクエリーのコストは {cost} で、上限は {self.cost_limit} です。"
                    "first を小さくするか、取得する項目を減らしてください。",
                ),
                cost=cost,
                limit=self.cost_limit,
            )
        return cost


ABOUT: Final = (
    "GraphQL over HTTP, answered as `application/graphql-response+json` or, if that is not asked for, as `application/json`; "
    "subscriptions as Server-Sent Events. Each answer tells its cost and the limit in `extensions.cost`. docs/graphql.md tells "
    "more."
)
ANSWERS: Final = {
    200: Answer("The answer.", (JSON, RESPONSE, EVENTS, HTML), {"data": {"__typename": "Query"}}),
    294: Answer("The answer, with errors in it: only as `application/graphql-response+json`.", (RESPONSE,)),
}
PROBLEMS: Final = (400, 403, 406, 503)


@routes.add(
    Operation(
        "GET",
        "/graphql",
        "graphql",
        "GraphQL",
        "Ask in GraphQL",
        "GraphQL で問い合わせる",
        ABOUT + " A browser gets a page to write queries on. Mutations are sent by POST.",
        ANSWERS,
        (*PROBLEMS, 405),
        (
            Parameter("query", "The document.", example="{ __typename }"),
            Parameter("operationName", "The operation of the document to execute, if it has several."),
            Parameter("variables", "The values of the variables, as JSON.", example="{}"),
            Parameter("extensions", "As JSON; `persistedQuery.sha256Hash` is understood like `documentId`."),
            Parameter("documentId", "A trusted document instead of `query`: `sha256:` and the hash of its text."),
            FORMAT,
        ),
        open_query=True,
    )
)
async def graphql(request: Request) -> Response:
    """The answer to a query, or the page to ask on."""
    if prefers_page(request):
        return graphql_page(request, site_of(request))
    return await _answered(request, _from_address)


@routes.add(
    Operation(
        "POST",
        "/graphql",
        "graphqlByPost",
        "GraphQL",
        "Ask, change and subscribe in GraphQL",
        "GraphQL で問い合わせ・変更・購読する",
        ABOUT
        + " One operation a request: a JSON array is refused. A mutation from a browser's session needs `X-Csrf-Token`.",
        ANSWERS,
        (*PROBLEMS, 413, 415),
        (FORMAT,),
        Body(
            "The document with its variables, or the id of a trusted one.",
            {
                "application/json": {
                    "query": "query One($id: ID!) { record(id: $id) { id } }",
                    "variables": {"id": "sample/lab/1"},
                }
            },
        ),
        asks=True,
    )
)
async def graphql_by_post(request: Request) -> Response:
    """The answer to an operation that is in the body."""
    return await _answered(request, _from_body)


# --- what is asked


async def _from_address(request: Request, site: Site, served: GraphQL) -> Asked:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Malformed(f"{name:.80} is given twice.", ja=f"{name:.80} が2回指定されています。")
        given[name] = value
    document: dict[str, Any] = dict(given)
    for name in ("variables", "extensions"):
        if name in given:
            document[name] = parse(given[name].encode())
    if not given.get("operationName"):
        document["operationName"] = None
    return _read(document, served, len(given.get("variables", "")))


async def _from_body(request: Request, site: Site, served: GraphQL) -> Asked:
    # Nearly everybody writes it so.
    if request.headers.get("content-type") != "application/json" or "content-encoding" in request.headers:
        _demand_json(request)
    limit = site.catalog.settings.body_limit
    if site.reader(request).id == PUBLIC.id:
        limit = min(limit, PUBLIC_BODY)
    body = await _body(request, limit)
    document = parse(body) if len(body) <= 64 * 1024 else await site.in_thread(parse, body)
    if isinstance(document, list):
        raise Malformed(
            "One operation a request: send a JSON object, not an array.",
            ja="1つの要求につき操作は1つです。配列ではなく JSON オブジェクトを送ってください。",
        )
    if not isinstance(document, dict):
        raise Malformed("The body is no JSON object.", ja="本文が JSON オブジェクトではありません。")
    query = document.get("query")
    return _read(document, served, len(body) - (len(query) if isinstance(query, str) else 0))


async def _body(request: Request, limit: int) -> bytes:
    """The body, which nearly always comes in one piece, of a length that was told before."""
    if not 0 < int(request.headers.get("content-length") or 0) <= limit:
        return await read_whole(request, b"", request.stream(), limit)
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    first: bytes = message.get("body", b"")
    return await read_whole(request, first, request.stream(), limit) if message.get("more_body", False) else first


def _demand_json(request: Request) -> None:
    media_type_of(request, ("application/json",))
    content_type = request.headers["content-type"]
    for each in content_type.split(";")[1:]:
        name, _, value = each.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(content_type, ("application/json; charset=utf-8",))


def _read(document: Mapping[str, Any], served: GraphQL, variables_size: int) -> Asked:
    text = _taken(document, "query", str, "a string", "文字列")
    id = _taken(document, "documentId", str, "a string", "文字列")
    operation = _taken(document, "operationName", str, "a string", "文字列")
    variables = _taken(document, "variables", dict, "an object", "オブジェクト")
    extensions = _taken(document, "extensions", dict, "an object", "オブジェクト")
    if text is None and id is None:
        persisted = (extensions or {}).get("persistedQuery")
        hashed = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(hashed, str):
            raise Malformed("query is missing.", ja="query がありません。")
        if hashed not in served.documents.trusted:
            # Clients that try the hash first send the text after exactly this.
            raise refusal(
                Malformed("PersistedQueryNotFound", ja="PersistedQueryNotFound"), code="PERSISTED_QUERY_NOT_FOUND"
            )
        id = hashed
    if id is not None:
        if text is not None and hashlib.sha256(text.encode()).hexdigest() != id.removeprefix(SHA256):
            raise Malformed(
                "query and documentId are not the same document.", ja="query と documentId が同じ文書ではありません。"
            )
        text = text if text is not None else served.documents.named(id)
    assert text is not None
    return Asked(text, operation, variables or {}, variables_size)


def _taken(document: Mapping[str, Any], name: str, type_: type[T], what: str, ja: str) -> T | None:
    value = document.get(name)
    if value is not None and not isinstance(value, type_):
        raise Malformed(f"{name} is not {what}.", ja=f"{name} が{ja}ではありません。")
    return value


# --- answering

Reading = Callable[[Request, Site, GraphQL], Any]


def _form(request: Request) -> Form:
    """The form to answer in; of two that are named alike the newer, and JSON for those who name none."""
    if said(request, "format") is not None:
        return form_for(request, FORMS)
    return _form_in(request.headers.get("accept", ""))


@kept_by_header
def _form_in(header: str) -> Form:
    named = dict(weighed(header))
    newer = named.get(RESPONSE.media_type, 0.0)
    if newer > 0 and newer >= max(named.get(form.media_type, 0.0) for form in FORMS):
        return RESPONSE
    return form_in(header, FORMS)


async def _answered(request: Request, read: Reading) -> Response:
    """The answer to a request, however it came."""
    site, served = site_of(request), served_by(request)
    language = language_for(request)
    form = JSON
    try:
        form = _form(request)
        asked: Asked = await read(request, site, served)
        served.documents.admit(asked.text)
        chosen = await _chosen(request, site, served, asked)
        context = await _context(request, site, served, chosen, language)
        if is_subscription(chosen.operation):
            return await _subscribed(request, site, served, chosen, context, form)
        executed = await _executed(site, served, chosen, context)
    except Refused as error:
        executed = refused(error.failures, language, error.status)
        if form is EVENTS or (form is JSON and error.status == 400):
            # A document that is wrong is an answer as JSON, and an event to who listens (GraphQL over HTTP, 6.4.1).
            executed = Executed(executed.body, 200)
        return _response(request, site, form, executed)
    except CatalogError as error:
        site.tell_refused(request.scope, error)
        problem = problem_from(error, language)
        told = refused(refusal(error).failures, language, problem.kind.status)
        headers = {**problem.headers, "Content-Language": language}
        form = RESPONSE if form is EVENTS else form
        return _response(request, site, form, Executed(told.body, told.status, headers))
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - it is logged, and told as a fault of ours without a word of it
        executed = refused((GraphQLError("", original_error=error),), language, 500)
    if form is not RESPONSE and executed.status < 500:
        executed = Executed(executed.body, 200, executed.headers)
    return _response(request, site, form, executed)


async def _chosen(request: Request, site: Site, served: GraphQL, asked: Asked) -> Chosen:
    """The operation, if it is one that may be executed by this request."""
    document = await served.read(asked.text)
    operation = document.operation(asked.operation)
    if is_mutation(operation):
        if request.method == "GET":
            raise MethodNotAllowed("GET", ("POST",), "mutation")
    else:
        hold_variables(asked.variables, asked.variables_size)
    return Chosen(document, operation, asked.variables, served.weighed(document, operation, asked.variables))


async def _context(request: Request, site: Site, served: GraphQL, chosen: Chosen, language: Language) -> Context:
    """Who asks, and in which language; a mutation is a write like any other, and let in by the same rules."""
    asker = request.scope["state"]["asker"]
    if is_mutation(chosen.operation):
        request.scope["state"]["writes"] = True
        if "authorization" not in request.headers:
            if asker.session is not None:
                site.doorkeeper.demand_own_page(request.scope)
                demand_csrf(asker.session, request.headers.get("x-csrf-token"))
            # What a link lets see is read only.
            asker = request.scope["state"]["asker"] = await site.asker(request.scope, writes=True)
    return Context(
        site,
        asker,
        language,
        cost=chosen.cost,
        cost_limit=served.cost_limit,
        deadline_seconds=served.seconds,
        by_now=partial(site.asker, request.scope, writes=False),
    )


async def _executed(site: Site, served: GraphQL, chosen: Chosen, context: Context) -> Executed:
    answer = partial(execute, served.schema, chosen.document, chosen.operation, chosen.variables, context)
    key = chosen.document, id(chosen.operation)
    if asks_about_schema(chosen.operation):
        if key in served.introspected:
            return served.introspected.get(key, answer)
        return await served.slowly(served.introspected.get, key, answer)
    if is_mutation(chosen.operation):
        return await site.in_thread(answer)
    paces = served.paces
    if (
        site.embedded
        and paces.is_moment(key)
        and is_one_statement(chosen.operation, words_of(served.schema, site.catalog))
    ):
        context.deadline_seconds = min(MOMENT_AT_MOST, served.seconds)
        executed = paces.timed(key, answer)
        if not executed.timed_out:
            return executed
        context.kept.clear()
    if chosen.cost <= CHEAP and not paces.is_slow(key):
        context.deadline_seconds = min(QUICK_SECONDS, served.seconds)
        executed = await served.quickly(paces.timed, key, answer)
        if not executed.timed_out:
            return executed
        paces.took(key, QUICK_SECONDS)
        context.kept.clear()
    context.deadline_seconds = served.seconds
    return await served.slowly(paces.timed, key, answer)


async def _subscribed(
    request: Request, site: Site, served: GraphQL, chosen: Chosen, context: Context, form: Form
) -> Response:
    if form is not EVENTS:
        raise NotAcceptable((EVENTS.media_type,))
    source = await stream.answers(served.schema, chosen.document, chosen.operation, chosen.variables, context)
    if isinstance(source, Executed):
        return _response(request, site, form, source)
    chunks = await stream.begun(_placed(served, stream.events(source)))
    return StreamingResponse(chunks, 200, dict(stream.HEADERS), EVENTS.content_type)


async def _placed(served: GraphQL, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with served.subscriptions:
        async for chunk in chunks:
            yield chunk


def _response(request: Request, site: Site, form: Form, executed: Executed) -> Response:
    headers = {"Cache-Control": cache_for(site.reader(request)) if request.method == "GET" else "no-store"}
    headers |= executed.headers
    if form is EVENTS:
        return StreamingResponse(stream.single(executed), 200, {**headers, **stream.HEADERS}, EVENTS.content_type)
    return Response(executed.body, executed.status, headers, f"{form.media_type}; charset=utf-8")


def served_by(request: Request) -> GraphQL:
    """GraphQL as the application serves it."""
    served: GraphQL = request.app.state.graphql
    return served
