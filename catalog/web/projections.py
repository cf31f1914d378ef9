"""The projections as their administrators see them: how far each is, what failed, and what can be done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Unavailable
from catalog.upkeep import operating
from catalog.upkeep.health import Health, ProjectionHealth, health
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import FORMAT, LIMIT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.reading import answered
from catalog.web.site import Site, site_of
from catalog.web.writing import told_in, writer

routes = Routes()

NAME: Final = Parameter(
    "name", "`graph` or `search`.", {"type": "string", "enum": ["graph", "search"]}, place="path", example="graph"
)
HEALTH_EXAMPLE: Final = {
    "projector": "alive",
    "heldUntil": "2026-05-10T03:00:25.000000Z",
    "projections": {
        "graph": {
            "status": "ok",
            "lagSeconds": 0.0,
            "generation": 1,
            "building": False,
            "verifiedAt": "2026-05-10T03:00:00.000000Z",
        }
    },
}
FAILURE_EXAMPLE: Final = {
    "projection": "search",
    "record": "sample/spring8/s-001",
    "revision": 3,
    "position": "42",
    "attempts": 2,
    "error": "…",
    "firstAt": "2026-05-10T03:00:00.000000Z",
    "lastAt": "2026-05-10T03:01:00.000000Z",
    "nextAt": "2026-05-10T03:03:00.000000Z",
    "waived": None,
}
# A monitor asks whether the process lives, and is told so even while the ledger does not answer.
PATIENCE_SECONDS: Final = 2.0


async def health_soon(site: Site) -> Health | None:
    """How it stands with the projections, at most a second ago; None while the ledger does not answer."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await site.in_thread(site.health.have, lambda: _health(site))
    except (TimeoutError, Unavailable):
        return None


def _health(site: Site) -> Health:
    return health(site.catalog.book, site.catalog.verifications)


_TO_ALL: Final[Mapping[str, tuple[str, Callable[[ProjectionHealth], float]]]] = {
    "up": ("Whether there is a generation that answers.", lambda each: each.live is not None),
    "ok": ("Whether nothing is wrong with it.", lambda each: each.status == "ok"),
    "lag_seconds": ("How old the oldest change is that is not in it yet.", lambda each: each.lag.seconds),
}
_TO_ADMINISTRATORS: Final[Mapping[str, tuple[str, Callable[[ProjectionHealth], float]]]] = {
    "pending": ("Changes that are not in it yet.", lambda each: each.lag.changes),
    "failed": ("Records missing that could not be projected.", lambda each: each.failed),
    "waived": ("Records missing of which somebody said that they may be.", lambda each: each.waived),
    "drift": ("Records that differed when it was verified last.", lambda each: each.drift),
    "unrepaired": ("Records that differ still since then.", lambda each: each.unrepaired),
}


def gauges(found: Health, *, whole: bool) -> list[tuple[str, str, dict[str, str], float]]:
    """The figures of the projections as Prometheus reads them; `whole` as in `Health.document`."""
    told: list[tuple[str, str, dict[str, str], float]] = [
        ("musubi_projector_alive", "Whether somebody feeds the projections.", {}, float(found.projector))
    ]
    by_name: dict[str, tuple[str, Callable[[ProjectionHealth], float]]] = dict(_TO_ALL)
    if whole:
        by_name |= _TO_ADMINISTRATORS
    for name, (about, value) in by_name.items():
        told += [
            (f"musubi_projection_{name}", about, {"projection": each.name}, float(value(each)))
            for each in found.projections.values()
        ]
    return told


@routes.add(
    Operation(
        "GET",
        "/projections",
        "projections",
        "Upkeep",
        "How it stands with the graph and the search index",
        "グラフと検索索引の状態",
        "Whether each answers and how far it is behind the ledger; for an administrator also every generation, what is "
        "pending, what failed, and what the last verification found. `heldUntil`: until when their projector holds them, which it "
        "goes on doing for as long as it lives; where it is in the past, nothing has moved since.",
        {200: Answer("How it stands.", (JSON, HTML), HEALTH_EXAMPLE)},
        (406, 503),
        (FORMAT,),
    )
)
async def projections(request: Request) -> Response:
    """How it stands with the projections."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    found = await site.in_thread(_health, site)
    if form is JSON:
        return answered(request, reader, orjson.dumps(found.document(whole=reader.administrator)), form)
    failed = []
    if reader.administrator:
        failed = await site.in_thread(operating.failures, reader, book=site.catalog.book)
    return page(
        request,
        site.pages,
        site.root,
        "projections.html",
        health=found,
        whole=reader.administrator,
        failures=failed,
    )


@routes.add(
    Operation(
        "GET",
        "/projections/{name}/failures",
        "failures",
        "Upkeep",
        "What could not be projected",
        "反映に失敗したレコード",
        "For administrators: the records that are missing, why, and when each is tried again.",
        {200: Answer("The failures.", (JSON,), {"items": [FAILURE_EXAMPLE], "next": None})},
        (400, 403, 404, 406),
        (
            NAME,
            LIMIT,
            Parameter("cursor", "The `next` of the page before.", {"type": "integer", "minimum": 0, "default": 0}),
            Parameter("waived", "Only those that were waived, or only the others.", {"type": "boolean"}),
        ),
    )
)
async def failures(request: Request) -> Response:
    """What could not be projected."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON,))
    name, limit = operating.named(request.path_params["name"]), said["limit"]
    found = await site.in_thread(
        operating.failures,
        reader,
        book=site.catalog.book,
        name=name,
        waived=said.get("waived"),
        after=said["cursor"],
        limit=limit + 1,
    )
    following = str(found[limit - 1].record) if len(found) > limit else None
    told = {"items": [each.document() for each in found[:limit]], "next": following}
    return answered(request, reader, orjson.dumps(told), form)


@routes.add(
    Operation(
        "POST",
        "/projections/{name}/retry",
        "retry-failures",
        "Upkeep",
        "Try failed records again",
        "失敗したレコードの再試行",
        "For administrators: one record, which is no longer waived then, or all that are not.",
        {200: Answer("So many are tried again.", (JSON,), {"records": 1})},
        (400, 403, 404, 415),
        (NAME,),
        Body("Which one; nothing means all.", {"application/json": {"record": "sample/spring8/s-001"}}, required=False),
    )
)
async def retry(request: Request) -> Response:
    """Try failed records again."""
    asked(request)
    site, reader = site_of(request), writer(request)
    name = operating.named(request.path_params["name"])
    said = await told_in(request, of={"record": str})
    count = await site.in_thread(operating.retry, reader, book=site.catalog.book, name=name, id=said.get("record"))
    return _told({"records": count})


@routes.add(
    Operation(
        "POST",
        "/projections/{name}/waive",
        "waive-failure",
        "Upkeep",
        "Let a record be missing",
        "欠けていてよいとする",
        "For administrators: says why a record that can't be projected may be missing. It ends when the record is revised.",
        {200: Answer("It is waived.", (JSON,), FAILURE_EXAMPLE)},
        (400, 403, 404, 415, 422),
        (NAME,),
        Body(
            "Which one, and why.",
            {"application/json": {"record": "sample/spring8/s-001", "reason": "Its source mends it next week"}},
        ),
    )
)
async def waive(request: Request) -> Response:
    """Let a record be missing."""
    asked(request)
    site, reader = site_of(request), writer(request)
    name, book = operating.named(request.path_params["name"]), site.catalog.book
    said = await told_in(request, of={"record": str, "reason": str}, required=("record", "reason"))
    await site.in_thread(operating.waive, name, said["record"], said["reason"], reader, book=book)
    found = await site.in_thread(operating.failure, name, said["record"], reader, book=book)
    return _told(found.document())


@routes.add(
    Operation(
        "POST",
        "/projections/{name}/rebuild",
        "rebuild",
        "Upkeep",
        "Build it again",
        "再構築",
        "For administrators: a new generation is built beside the one that answers, caught up, verified and swapped in; "
        "`/projections` tells how far it is. With `back` the one that answered before answers again.",
        {202: Answer("It is asked for.", (JSON,), {"generation": 2})},
        (400, 403, 404, 409, 415),
        (NAME, Parameter("back", "Go back to the generation before.", {"type": "boolean", "default": False})),
    )
)
async def rebuild(request: Request) -> Response:
    """Build a projection again."""
    said = asked(request)
    site, reader = site_of(request), writer(request)
    name, catalog = operating.named(request.path_params["name"]), site.catalog
    if said["back"]:
        number = await site.in_thread(
            operating.go_back, name, reader, book=catalog.book, projection=catalog.projections[name]
        )
    else:
        number = await site.in_thread(operating.rebuild, name, reader, book=catalog.book)
    return _told({"generation": number}, 202)


@routes.add(
    Operation(
        "POST",
        "/projections/{name}/verify",
        "verify",
        "Upkeep",
        "Compare it with the ledger",
        "台帳との照合",
        "For administrators: asks the projector to compare every record and to repair what differs; `/projections` tells "
        "how far it is, and what it found.",
        {202: Answer("It is asked for.", (JSON,), {"askedAt": "2026-05-10T03:00:00.000000Z"})},
        (400, 403, 404, 415),
        (NAME, Parameter("repair", "Repair what differs.", {"type": "boolean", "default": True})),
    )
)
async def verify(request: Request) -> Response:
    """Compare a projection with the ledger."""
    said = asked(request)
    site, reader = site_of(request), writer(request)
    at = await site.in_thread(
        operating.ask_to_verify,
        operating.named(request.path_params["name"]),
        reader,
        verifications=site.catalog.verifications,
        repair=said["repair"],
    )
    return _told({"askedAt": at}, 202)


def _told(document: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, {"Cache-Control": "no-store"}, JSON.content_type)
