"""What the service says of itself: its first page, its description, its problems, its health."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery.overview import counts_by_kind, health
from catalog.errors import NotFound
from catalog.web import problems
from catalog.web.linked_data import PUBLIC_CACHE, fixed
from catalog.web.metrics import CONTENT_TYPE
from catalog.web.negotiation import HTML, JSON, TURTLE, Form, form_for
from catalog.web.operations import FORMAT, Answer, Operation, Parameter, Routes
from catalog.web.pages import STATIC, page
from catalog.web.problems import MEDIA_TYPE
from catalog.web.projections import HEALTH_EXAMPLE, health_soon
from catalog.web.projections import gauges as projection_gauges
from catalog.web.reading import recent
from catalog.web.session import SESSION
from catalog.web.signposts import Signpost, header
from catalog.web.site import Site, site_of

routes = Routes()

PROMETHEUS = Form("prometheus", "text/plain", "Prometheus")
STYLE = Form("css", "text/css", "CSS")
SCRIPT = Form("js", "text/javascript", "JavaScript")
# RFC 9239: JavaScript is text/javascript.
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}


@routes.add(
    Operation(
        "GET",
        "/",
        "home",
        "The service",
        "What there is here",
        "トップページ",
        "The first page for people; for programs, how many records of each kind there are that the asker may see, and where to go on.",
        {
            200: Answer(
                "The way in.", (JSON, HTML), {"base": "https://catalogue.example.org/", "kinds": {"sample": 1234}}
            )
        },
        (406,),
        (FORMAT,),
    )
)
async def home(request: Request) -> Response:
    """The first page."""
    site = site_of(request)
    form = form_for(request, (JSON, HTML))
    reader = site.reader(request)
    counts = await site.in_thread(counts_by_kind, reader, answers=site.catalog.answers)
    links = header(
        [
            Signpost("describedby", site.root + "void", TURTLE.media_type),
            Signpost("service-desc", site.root + "openapi.json", JSON.media_type),
            Signpost("service-doc", site.root + "api", HTML.media_type),
        ]
    )
    if form is JSON:
        told = {
            "base": site.catalog.base,
            "kinds": counts,
            "links": {
                name: site.root + path
                for name, path in (
                    ("search", "search"), ("records", "records"), ("kinds", "kinds"), ("sources", "sources"), ("profiles", "profiles"),
                    ("scopes", "scopes"), ("changes", "changes"), ("export", "export"), ("vocabulary", "ns"),
                    ("context", "context.jsonld"), ("void", "void"), ("sparql", "sparql"), ("openapi", "openapi.json"),
                    ("health", "health"),
                    ("projections", "projections"),
                )
            },
        }  # fmt: skip
        return Response(orjson.dumps(told), 200, {"Link": links}, JSON.content_type)
    return page(
        request,
        site.pages,
        site.root,
        "home.html",
        headers={"Link": links},
        kinds=site.catalog.kinds,
        counts=counts,
        recent=await site.in_thread(recent, site, reader),
    )


@routes.add(
    Operation(
        "GET",
        "/health",
        "health",
        "The service",
        "Is the process alive?",
        "稼働確認",
        "Answers 200 as long as the process does, and tells how it stands with the graph and the search index: `status` (ok, "
        "behind, failing, drifted, troubled, building, missing) and how far each is behind. `heldUntil` in the past: nothing has fed them since. Administrators read more of it, and "
        "`/projections` has all. `projections` is null while the ledger does not answer.",
        {200: Answer("It is.", (JSON,), {"status": "alive", **HEALTH_EXAMPLE})},
    )
)
async def alive(request: Request) -> Response:
    """Whether the process answers, and how it stands with the projections."""
    site = site_of(request)
    reader = site.reader(request)
    found = await health_soon(site)
    told: dict[str, Any] = {"status": "alive", "projector": None, "heldUntil": None, "projections": None}
    if found is not None:
        told |= found.document(whole=reader.administrator)
    return Response(orjson.dumps(told), 200, {"Cache-Control": "no-store"}, JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/ready",
        "ready",
        "The service",
        "Can it answer?",
        "準備状況",
        "Asks the ledger's database; 503 while it can't be reached.",
        {200: Answer("It can.", (JSON,), {"status": "ready"})},
        (503,),
        alike=True,
    )
)
async def ready(request: Request) -> Response:
    """Whether the ledger answers."""
    site = site_of(request)
    await site.in_thread(health, answers=site.catalog.answers)
    return Response(b'{"status":"ready"}', 200, {"Cache-Control": "no-store"}, JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/metrics",
        "metrics",
        "The service",
        "Figures for Prometheus",
        "メトリクス",
        "Requests and how long they took, by operation; how far the graph and the search index are behind; for an "
        "administrator also the ledger's position, the records by kind, what is pending, failed and drifted, and how many "
        "SPARQL queries wait and what came of those before. Each worker process tells its own requests and queries.",
        {200: Answer("The figures.", (PROMETHEUS,))},
    )
)
async def metrics(request: Request) -> Response:
    """Figures in the text that Prometheus reads."""
    site = site_of(request)
    reader = site.reader(request)
    gauges: list[tuple[str, str, dict[str, str], float]] = []
    projections = await health_soon(site)
    if projections is not None:
        gauges += projection_gauges(projections, whole=reader.administrator)
    if reader.administrator:
        # How many records there are and how fast they change is theirs to know who may see them all.
        found = await site.in_thread(health, answers=site.catalog.answers)
        gauges.append(("musubi_ledger_position", "The last position of the ledger.", {}, found.position))
        counts = await site.in_thread(counts_by_kind, reader, answers=site.catalog.answers)
        for kind, count in counts.items():
            gauges.append(("musubi_records", "Public records, by kind.", {"kind": kind}, count))
        gauges += _of_queries(site)
        second = site.catalog.crosscheck
        about = "Judged records that the Python validator was asked about too, by what came of it."
        for outcome, count in (("asked", second.asked), ("late", second.late), ("disagreed", second.disagreements)):
            gauges.append(("musubi_crosschecks", about, {"outcome": outcome}, count))
    return Response(site.metrics.text(gauges), 200, {"Cache-Control": "no-store"}, CONTENT_TYPE)


def _of_queries(site: Site) -> Iterator[tuple[str, str, dict[str, str], float]]:
    pool = site.catalog.sparql
    yield "musubi_sparql_waiting", "SPARQL queries that wait for their turn.", {}, pool.waiting
    about = "SPARQL queries since this process started, by what came of them."
    for outcome, count in sorted(dict(pool.counts).items()):
        yield "musubi_sparql_queries", about, {"outcome": outcome}, count


@lru_cache(maxsize=64)
def static_file(name: str) -> tuple[bytes, str, str]:
    """A file of the pages, its media type, and its ETag."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in _TYPES or not path.is_file():
        raise NotFound("There is nothing at this address.", ja="このアドレスには何もありません。")
    body = path.read_bytes()
    return body, _TYPES[path.suffix], f'"{sha256(body).hexdigest()[:20]}"'


@routes.add(
    Operation(
        "GET",
        "/static/{name}",
        "static",
        "The service",
        "What the pages need",
        "ページの部品",
        "The style sheet, the mark, and the scripts of those pages that have any.",
        {200: Answer("The file.", (STYLE, SCRIPT))},
        (404,),
        (Parameter("name", "The file's name.", place="path", example="style.css"),),
        alike=True,
    )
)
async def static(request: Request) -> Response:
    """A file that pages need."""
    body, content_type, _ = static_file(request.path_params["name"])
    # Modules belong together: after an upgrade none may be of the old version while another is new.
    cache = PUBLIC_CACHE if content_type.startswith("text/javascript") else "public, max-age=300"
    return fixed(request, body, content_type, cache=cache)


@routes.add(
    Operation(
        "GET",
        "/problems",
        "problems",
        "The service",
        "What can go wrong",
        "問題の種類",
        "Every type of problem (RFC 9457) that an answer can name.",
        {200: Answer("The types.", (JSON, HTML))},
        (406,),
        (FORMAT,),
    )
)
async def problem_kinds(request: Request) -> Response:
    """Every type of problem."""
    site = site_of(request)
    form = form_for(request, (JSON, HTML))
    if form is HTML:
        return page(request, site.pages, site.root, "problems.html", kinds=problems.KINDS.values())
    told = [_told(kind) for kind in problems.KINDS.values()]
    return fixed(request, orjson.dumps({"items": told, "next": None}), JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/problems/{name}",
        "problem",
        "The service",
        "What one problem means",
        "問題の説明",
        "What a problem's type means and what to do about it.",
        {200: Answer("The type.", (JSON, HTML))},
        (404, 406),
        (Parameter("name", "The last part of the type.", place="path", example="invalid"), FORMAT),
    )
)
async def problem_kind(request: Request) -> Response:
    """One type of problem."""
    site = site_of(request)
    form = form_for(request, (JSON, HTML))
    kind = problems.KINDS.get(request.path_params["name"])
    if kind is None:
        raise NotFound("There is no such problem.", ja="その種類の問題はありません。")
    if form is HTML:
        return page(request, site.pages, site.root, "problem_kind.html", kind=kind)
    return fixed(request, orjson.dumps(_told(kind)), JSON.content_type)


def _told(kind: problems.ProblemKind) -> dict[str, Any]:
    return {"type": kind.type, "status": kind.status, "title": dict(kind.title), "description": dict(kind.about)}


@routes.add(
    Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "The service",
        "This description",
        "API の記述",
        "The service in OpenAPI 3.1.",
        {200: Answer("The description.", (JSON,))},
    )
)
async def openapi(request: Request) -> Response:
    """The service in OpenAPI."""
    return fixed(request, orjson.dumps(description(request.app)), JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/api",
        "api",
        "The service",
        "The description as a page",
        "API の説明ページ",
        "Every operation, for reading.",
        {200: Answer("The page.", (HTML,))},
    )
)
async def api_page(request: Request) -> Response:
    """The description as a page."""
    site = site_of(request)
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, operations in description(request.app)["paths"].items():
        for method, told in operations.items():
            tags.setdefault(told["tags"][0], []).append({"method": method.upper(), "path": path, **told})
    return page(
        request, site.pages, site.root, "api.html", section="api", tags=tags, base=site.catalog.base,
        tag_names=TAGS, headers={"Cache-Control": PUBLIC_CACHE},
    )  # fmt: skip


# In the order in which they are described, with what each is called in Japanese.
TAGS = {
    "Reading": ("Reading records", "レコードを読む"),
    "Writing": ("Writing records", "レコードを書く"),
    "Files": ("Files", "ファイル"),
    "Registering": ("Kinds, sources, profiles, scopes", "種別・登録元・プロファイル・スコープ"),
    "Signing in": ("Signing in, and one's account", "サインインとアカウント"),
    "Programs": ("Tokens of programs and of sources", "プログラムと登録元のトークン"),
    "Issuers": ("Who vouches for others", "外部の発行者"),
    "Sharing": ("Sharing: rights, groups, links, requests", "共有（権限・グループ・リンク・申請）"),
    "Feeds": ("Following and exporting", "変更の追跡と書き出し"),
    "Linked data": ("Linked data", "リンクトデータ"),
    "Upkeep": ("Looking after the graph and the search index", "グラフと検索索引の管理"),
    "The service": ("The service", "サービス"),
}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: what the framework writes, with our problems in place of its own errors."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    from fastapi.openapi.utils import get_openapi

    told = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=(
            'Records are read and written at their own addresses; lists answer `{"items": […], "next": cursor}`; whatever '
            "goes wrong is a problem document (RFC 9457). What you may not see looks exactly like what does not exist."
        ),
        routes=app.routes,
        tags=[{"name": name, "description": en, "x-ja": ja} for name, (en, ja) in TAGS.items()],
    )
    components: dict[str, Any] = {
        "schemas": {"Problem": _problem_schema(), "Finding": _finding_schema()},
        "responses": {},
        "securitySchemes": {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of somebody's (`mst_…`), a link's (`mlk_…`), a workload's signed one, or the "
                "administrator's, from `admin-token` in the data folder.",
            },
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": SESSION,
                "description": "A browser's session, from `POST /sign-in` (with https its name begins with `__Host-`). What it "
                "sends beside questions carries its `csrf` in `X-Csrf-Token`, and comes from a page of the catalogue.",
            },
        },
    }
    for status in sorted({kind.status for kind in problems.KINDS.values()}):
        kinds = [kind for kind in problems.KINDS.values() if kind.status == status]
        components["responses"][f"Problem{status}"] = {
            "description": " ".join(f"{kind.title['en']}. {kind.about['en']}" for kind in kinds),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {"type": kinds[0].type, "title": kinds[0].title["en"], "status": status, "detail": "…"},
                }
            },
        }
    told["components"] = components
    for operations in told["paths"].values():
        for operation in operations.values():
            # The framework writes a 422 of its own shape, and an answer for each status that it assumes.
            declared = operation["responses"]
            for status, response in list(declared.items()):
                if response.get("description") in ("Validation Error", "Successful Response"):
                    del declared[status]
    app.openapi_schema = told
    return told


def _problem_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri",
                "description": "Which problem; described at `/problems/<last part>`.",
            },
            "title": {"type": "string", "description": "The problem in a few words, in the language asked for."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What was wrong with what, and the next step."},
            "findings": {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
            "revision": {"type": "integer", "description": "The newest revision (conflict, stale)."},
            "reason": {"type": "string", "description": "Why it was withdrawn (gone)."},
            "at": {"type": "string", "format": "date-time", "description": "When it was withdrawn (gone)."},
            "id": {"type": "string", "description": "Under which the log has what happened (failed)."},
        },
    }


def _finding_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One thing that is wrong with a submission, and where.",
        "required": ["pointer", "rule", "severity", "breaks", "message"],
        "properties": {
            "pointer": {"type": "string", "description": "A JSON pointer into the body."},
            "rule": {"type": "string", "example": "schema/required"},
            "severity": {"enum": ["violation", "warning", "info"]},
            "breaks": {"enum": ["nothing", "profile", "kind"]},
            "message": {"type": "string", "description": "In the language asked for."},
            "near": {"type": "array", "items": {"type": "string"}, "description": "What may have been meant."},
        },
    }
