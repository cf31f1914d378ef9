"""What others follow and take away: changes in their order, exports, and the answers of loads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from catalog.curation.load import find_load
from catalog.discovery import export as exports
from catalog.discovery.changes import Feed, Told, changes_after
from catalog.errors import Malformed, NotFound
from catalog.questions.parameters import question_from
from catalog.questions.reader import Reader
from catalog.web.negotiation import CSV, EVENTS, JSON, N_QUADS, NDJSON, form_for, language_for
from catalog.web.operations import FORMAT, LIMIT, Answer, Operation, Parameter, Routes, asked
from catalog.web.reading import cache_for
from catalog.web.refusals import Unauthorized
from catalog.web.site import Site, site_of
from catalog.web.streams import gathered
from catalog.web.writing import in_language

routes = Routes()

# How often a waiting feed looks whether anything happened.
LOOKS_EVERY_SECONDS: Final = 0.25
# An idle stream says something this often, so that whoever stands between does not cut it.
BREATHES_EVERY_SECONDS: Final = 15
LONGEST_STREAM_SECONDS: Final = 600
PAGE: Final = 500

SINCE = Parameter(
    "since", "A token from this feed, to go on behind it; opaque. Without it the feed begins at the beginning."
)
WAIT = Parameter(
    "wait",
    "How many seconds to wait for a change if there is none yet.",
    {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    example=30,
)
CHANGE_EXAMPLE = (
    '{"token":"…","what":"changed","id":"sample/spring8/s-001","at":"2026-05-10T07:43:00.000000Z","revision":2}\n'
)


@routes.add(
    Operation(
        "GET",
        "/changes",
        "changes",
        "Feeds",
        "What has changed",
        "変更のフィード",
        "The changes of records that you may see, in an order that skips nothing. As NDJSON a page of them, the last line "
        'being `{"next": token}`; as Server-Sent Events a stream that goes on for up to ten minutes, to be taken up again '
        "with `Last-Event-ID`. `changed`: read the record again; `gone`: it was withdrawn or taken from your sight; `merged`: read "
        "`into` instead; `scope-again`, `scope-gone`: a whole scope was opened or closed to everyone or to you (a right given or taken "
        "back, a group joined or left), so read what lies in it again, or forget what you can no more read. A right that begins or "
        "ends by the clock says so beforehand (`from`, `until`); nothing is told when the time comes.",
        {200: Answer("The changes.", (NDJSON, EVENTS), CHANGE_EXAMPLE)},
        (400, 406, 503),
        (SINCE, LIMIT, WAIT, FORMAT),
    )
)
async def changes(request: Request) -> Response:
    """What has changed since a token."""
    site, said = site_of(request), asked(request)
    form = form_for(request, (NDJSON, EVENTS))
    since = said.get("since")
    if form is EVENTS:
        # What was seen last wins: a browser sends it by itself when it connects again.
        since = request.headers.get("last-event-id") or since
        position = site.tokens.read(since) if since else 0
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        events = await site.begun(_events(site, position, request))
        return StreamingResponse(events, 200, headers, EVENTS.content_type)
    position = site.tokens.read(since) if since else 0
    found = await _look(site, position, site.reader(request), said["limit"])
    until = asyncio.get_running_loop().time() + said["wait"]
    while not found.changes and (found.more or asyncio.get_running_loop().time() < until):
        if not found.more:
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        found = await _look(site, found.position, await _by_now(site, request), said["limit"])
    lines = [orjson.dumps(_told(site, change)) + b"\n" for change in found.changes]
    lines.append(orjson.dumps({"next": site.tokens.write(found.position), "more": found.more}) + b"\n")
    return Response(b"".join(lines), 200, {"Cache-Control": cache_for(site.reader(request))}, NDJSON.content_type)


async def _by_now(site: Site, request: Request) -> Reader:
    """Who asks, with what they may by now: a right, a session or a token may have ended while a feed waited."""
    return (await site.asker(request.scope, writes=False)).reader


async def _look(site: Site, position: int, reader: Reader, limit: int) -> Feed:
    return await site.in_thread(changes_after, position, reader, answers=site.catalog.answers, limit=limit)


def _told(site: Site, change: Told) -> dict[str, Any]:
    """A change as it is answered. Positions would tell how much happens that the reader may not see."""
    told = change.document()
    del told["position"]
    return {"token": site.tokens.write(change.position), **told}


async def _events(site: Site, position: int, request: Request) -> AsyncIterator[bytes]:
    """Changes as they happen, for a bounded time."""
    clock = asyncio.get_running_loop().time
    until, silent_since = clock() + LONGEST_STREAM_SECONDS, clock()
    # The first look is taken before the first word is said, so that what fails at once is a problem.
    found = await _look(site, position, site.reader(request), PAGE)
    who = site.reader(request).id
    yield b"retry: 2000\n\n"
    while True:
        for change in found.changes:
            told = _told(site, change)
            yield b"id: %s\nevent: %s\ndata: %s\n\n" % (
                told["token"].encode(),
                change.what.encode(),
                orjson.dumps(told),
            )
            silent_since = clock()
        if not found.more:
            if clock() > until:
                return
            if clock() - silent_since > BREATHES_EVERY_SECONDS:
                yield b": nothing new\n\n"
                silent_since = clock()
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        try:
            reader = await _by_now(site, request)
        except Unauthorized:
            return
        if reader.id != who:
            # Signed out meanwhile: whoever takes it up again does so as who they are then.
            return
        found = await _look(site, found.position, reader, PAGE)


@routes.add(
    Operation(
        "GET",
        "/export",
        "export",
        "Feeds",
        "Everything that you may see",
        "書き出し",
        "Every public record that you may see, streamed: as NDJSON one record a line, as N-Quads, or as CSV of a kind's mirror "
        "(one kind at a time). The filters of `/records` choose among them.",
        {200: Answer("The records.", (NDJSON, N_QUADS, CSV))},
        (400, 406, 422, 503),
        (
            Parameter("kind", "The kind to export; all of them if left out (not for CSV).", example="sample"),
            Parameter("format", "`ndjson`, `nquads` or `csv`; before `Accept`.", example="ndjson"),
        ),
        open_query=True,
    )
)
async def export(request: Request) -> Response:
    """Every record that the reader may see, or that a filter chooses of them."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (NDJSON, N_QUADS, CSV))
    said = [(name, value) for name, value in request.query_params.multi_items() if name not in ("lang", "format")]
    for name, _ in said:
        if name in ("limit", "cursor", "sort", "count", "select", "status"):
            raise Malformed(
                f"{name} means nothing in an export, which is whole and of public records.",
                ja=f"書き出しでは {name} は使えません(公開レコードのすべてが対象です)。",
            )
    question = await site.in_thread(question_from, said, site.catalog.vocabulary)
    if form is CSV and len(question.kinds) != 1:
        raise Malformed(
            "CSV is made of one kind: say kind=…", ja="CSV は種別ごとに書き出します。kind=… を指定してください。"
        )

    def make() -> Iterator[bytes]:
        answers = site.catalog.answers
        if form is CSV:
            return gathered(exports.table(question.kinds[0], reader, answers=answers, question=question))
        if form is N_QUADS:
            kinds, base = site.catalog.kinds, site.catalog.base
            return gathered(exports.statements(question, reader, answers=answers, kinds=kinds, base=base))
        return gathered(exports.records(question, reader, answers=answers))

    name = f"{question.kinds[0] if len(question.kinds) == 1 else 'records'}.{'nq' if form is N_QUADS else form.name}"
    headers = {"Cache-Control": cache_for(reader), "Content-Disposition": f'attachment; filename="{name}"'}
    chunks = await site.stream(lambda: site.while_held(request, make()))
    return StreamingResponse(chunks, 200, headers, form.content_type)


@routes.add(
    Operation(
        "GET",
        "/loads/{id}",
        "load",
        "Writing",
        "A load's answer again",
        "一括登録の結果",
        "What was answered to a load, as far as it has come, as NDJSON; or as JSON, how it stands. Whoever knows the id may "
        "read it.",
        {200: Answer("The answer.", (JSON, NDJSON))},
        (404, 406),
        (Parameter("id", "The load's id, from the header `Musubi-Load` or the summary.", place="path"), FORMAT),
    )
)
async def load_(request: Request) -> Response:
    """How a load stands, or its answer again."""
    site = site_of(request)
    site.reader(request)  # whoever knows the id may read it, but a wrong token is wrong everywhere
    form = form_for(request, (JSON, NDJSON))
    found = await site.in_thread(find_load, request.path_params["id"], site.catalog.loads, site.catalog.settings.spool)
    if found is None:
        raise NotFound("There is no such load.", ja="その一括登録はありません。")
    if form is JSON:
        told = {
            "load": found.id, "by": found.by, "mode": found.mode, "atomic": found.atomic, "state": found.state,
            "counts": dict(found.counts), "startedAt": found.started_at, "finishedAt": found.finished_at,
        }  # fmt: skip
        return Response(orjson.dumps(told), 200, {}, JSON.content_type)
    path: Path = site.catalog.settings.spool / f"{found.id}.ndjson"
    if not await site.in_thread(path.is_file):
        raise NotFound("The load's answer is no longer kept.", ja="この一括登録の結果はもう保存されていません。")
    language = language_for(request)
    chunks = await site.stream(lambda: (in_language(chunk, language) for chunk in _lines_of(path)))
    return StreamingResponse(chunks, 200, {}, NDJSON.content_type)


def _lines_of(path: Path) -> Iterator[bytes]:
    """A file's whole lines, many at a time."""
    with path.open("rb") as file:
        rest = b""
        while chunk := file.read(256 * 1024):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield whole + newline
