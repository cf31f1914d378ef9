"""What changes records: submissions, one or many, and the verbs of their status."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.curation.load import load, new_load_id
from catalog.curation.submit import demand_entered, submit
from catalog.errors import CatalogError, Conflict, Forbidden, Malformed
from catalog.questions.reader import PUBLIC, Reader
from catalog.records.identifiers import split_id
from catalog.records.parse import parse, parse_with_text, read_submission
from catalog.records.record import Submission
from catalog.web.addresses import asked_id
from catalog.web.negotiation import JSON, NDJSON, Language, language_for
from catalog.web.operations import Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.problems import findings_in, problem_from
from catalog.web.reading import RECORD_PATH
from catalog.web.refusals import Stale, Unauthorized, UnsupportedEncoding, UnsupportedMediaType
from catalog.web.site import RefusedRecords, site_of
from catalog.web.streams import Inflow, Interrupted, Streamed, drain, read_whole

routes = Routes()

# One record is not a load: more than this is a mistake, or belongs beside it (files are resources of their own).
RECORD_LIMIT: Final = 16 * 1024 * 1024
READABLE = ("application/json", "application/x-ndjson", "text/csv")
_SAME: Mapping[str, str] = {"application/ndjson": "application/x-ndjson", "application/jsonl": "application/x-ndjson"}

MODE = Parameter(
    "mode",
    "`strict` refuses what breaks a rule; `tolerant` keeps what keeps its kind, and quarantines the rest.",
    {"type": "string", "enum": ["strict", "tolerant"], "default": "strict"},
)
DRY_RUN = Parameter(
    "dryRun", "Only say what would happen; store nothing.", {"type": "boolean", "default": False}, example=True
)
ATOMIC = Parameter(
    "atomic", "All of it or nothing; at most 50,000 records and 64 MiB.", {"type": "boolean", "default": False}
)
IF_MATCH = Parameter(
    "If-Match",
    "The ETag that was read; the write is refused (412) if the record has moved on.",
    place="header",
    example='"3"',
)
REASON = Parameter("reason", "Why, in a sentence that readers will see.", example="Registered twice by mistake")
REVISION = {"Location": "The record's address.", "ETag": "The revision, for If-Match."}

SUBMISSION_EXAMPLE = {
    "kind": "sample",
    "source": "spring8",
    "localId": "s-001",
    "body": {"title": {"ja": "正極材料", "en": "Cathode material"}, "formula": "LiCoO2"},
}
OUTCOME_EXAMPLE = {"id": "sample/spring8/s-001", "outcome": "created", "revision": 1, "position": "42", "findings": []}
LINES_EXAMPLE = (
    '{"line":1,"id":"sample/spring8/s-001","outcome":"created","revision":1,"position":"42","findings":[]}\n'
    '{"load":"Zk3…","complete":true,"records":1,"counts":{"created":1},"position":"42"}\n'
)


def writer(request: Request) -> Reader:
    """Who writes: somebody who has said who they are. What they may write is for the verb to say."""
    reader = site_of(request).reader(request)
    demand_known(reader)
    return reader


def demand_known(reader: Reader) -> None:
    """Unauthorized unless whoever writes has said who they are."""
    if reader.id == PUBLIC.id and not reader.grants:
        raise Unauthorized(
            "Only who has said who they are may write: sign in, or send `Authorization: Bearer <token>`.",
            ja="書き込むにはサインインするか、`Authorization: Bearer <トークン>` を送ってください。",
        )


def media_type_of(request: Request, readable: tuple[str, ...]) -> str:
    """What the body is said to be, of what can be read; anything else is refused before it is read."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(encoding)
    came = request.headers.get("content-type", "")
    media_type = came.partition(";")[0].strip().lower()
    media_type = _SAME.get(media_type, media_type)
    if media_type not in readable:
        raise UnsupportedMediaType(came, readable)
    return media_type


async def document_of(request: Request) -> Any:
    """A JSON body, held whole."""
    media_type_of(request, ("application/json",))
    body = await read_whole(request, b"", request.stream(), site_of(request).catalog.settings.body_limit)
    return await site_of(request).in_thread(parse, body)


@routes.add(
    Operation(
        "POST",
        "/records",
        "submit",
        "Writing",
        "Submit records",
        "レコードを登録する",
        "One submission as a JSON object is answered with what became of it. Many (a JSON array, NDJSON, or CSV whose "
        "header cells are JSON pointers into the submission) may be of any length: they are entered as they come and "
        "answered line by line as NDJSON, the last line being a summary. An answer without a summary is incomplete. "
        "The answer can be read again at `/loads/{id}`. While the graph or the search index is too far behind the ledger, no "
        "further load is taken (429, `Retry-After`), and those that are under way slow down; single records are taken as ever.",
        {
            201: Answer("One record was created.", (JSON,), OUTCOME_EXAMPLE, REVISION),
            200: Answer(
                "One record was revised or is unchanged; or many were entered, and each line says what became of one.",
                (JSON, NDJSON),
                None,
                {"Musubi-Load": "The load's id, for `/loads/{id}` (many records only)."},
            ),
        },
        (400, 403, 409, 413, 415, 422, 429, 503),
        (MODE, DRY_RUN, ATOMIC),
        Body(
            "One submission, or many.",
            {
                "application/json": SUBMISSION_EXAMPLE,
                "application/x-ndjson": orjson.dumps(SUBMISSION_EXAMPLE).decode() + "\n",
                "text/csv": "/kind,/source,/localId,/body/title/en\nsample,spring8,s-001,Cathode material\n",
            },
        ),
    )
)
async def submit_records(request: Request) -> Response:
    """Enter one record, or as many as come."""
    said = asked(request)
    reader = writer(request)
    media_type = media_type_of(request, READABLE)
    chunks = request.stream()
    first = b""
    if media_type == "application/json":
        # An array may be of any length; one object is read whole. The first character says which it is.
        async for chunk in chunks:
            first += chunk
            if first.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n") or len(first) > RECORD_LIMIT:
                break
        if not first.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"["):
            limit = min(RECORD_LIMIT, site_of(request).catalog.settings.body_limit)
            body = await read_whole(request, first, chunks, limit)
            return await _one(request, lambda: read_submission(body), reader, said)
    return await _many(request, first, chunks, media_type, reader, said)


async def _one(request: Request, read: Callable[[], Submission], reader: Reader, said: Mapping[str, Any]) -> Response:
    """The answer to one submission."""
    site = site_of(request)
    catalog = site.catalog

    def enter() -> tuple[Any, str | None]:
        one = read()
        (became,) = submit([one], reader, intake=catalog.intake, mode=said["mode"], dry_run=said["dryRun"])
        return became, one.scope

    outcome, scope = await site.in_thread(enter)
    language = language_for(request)
    told = {**outcome.document(), "iri": catalog.base + outcome.id}
    told["findings"] = findings_in(outcome.findings, language)
    if said["dryRun"]:
        return Response(orjson.dumps({**told, "dryRun": True}), 200, _language(language), JSON.content_type)
    try:
        demand_entered(outcome)
    except Forbidden:
        request.scope["state"]["about"] = (scope, outcome.id)
        raise
    headers = {
        **_language(language),
        "Location": site.root + outcome.id,
        "ETag": f'"{outcome.revision}"',
    }
    return Response(orjson.dumps(told), 201 if outcome.outcome == "created" else 200, headers, JSON.content_type)


def _language(language: Language) -> dict[str, str]:
    return {"Content-Language": language}


async def _many(
    request: Request,
    first: bytes,
    chunks: AsyncIterator[bytes],
    media_type: str,
    reader: Reader,
    said: Mapping[str, Any],
) -> Response:
    """The answer to a load, from the file that it is written to.

    Reading the body and sending the answer wait for each other at no point: a client may send everything before it
    reads anything, or read each line as it comes.
    """
    site = site_of(request)
    catalog = site.catalog
    if not said["dryRun"]:
        await site.in_thread(catalog.pressure.refuse)
    id = new_load_id()
    folder = catalog.settings.spool
    inflow = Inflow()
    loop = asyncio.get_running_loop()
    refused = RefusedRecords()

    def run() -> None:
        load(
            site.while_held(request, inflow, writes=True),
            media_type,
            reader,
            intake=catalog.intake,
            loads=catalog.loads,
            folder=folder,
            mode=said["mode"],
            dry_run=said["dryRun"],
            atomic=said["atomic"],
            threads=catalog.settings.gate_threads,
            ease=None if said["dryRun"] else catalog.pressure.ease,
            id=id,
            refused=refused.add,
        )

    async def work() -> None:
        with site.loads:
            feeding = asyncio.create_task(inflow.fill(first, chunks))
            try:
                await loop.run_in_executor(site.streaming, run)
            finally:
                inflow.leave()
                site.tell_refused_in_load(request.scope, refused)
                # A load that failed early has a sender who may still be sending before reading why.
                await feeding
                await drain(chunks, seconds=30)

    working = asyncio.create_task(work())
    path = folder / f"{id}.ndjson"
    # What fails before anything was entered is an ordinary problem; after that only the missing summary says so.
    while not working.done() and not _begun(path):
        await asyncio.wait({working}, timeout=0.05)
    if working.done() and working.exception() is not None and not _begun(path):
        await working
    return Streamed(_answered(path, working, language_for(request)), {"Musubi-Load": id}, NDJSON.content_type)


def _begun(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


async def _answered(path: Path, working: asyncio.Task[None], language: Language) -> AsyncIterator[bytes]:
    """The lines of a load's answer as they are written, until the load ends."""
    try:
        with path.open("rb") as lines:
            rest = b""
            while True:
                ended = working.done()
                while chunk := lines.read(256 * 1024):
                    whole, newline, rest = (rest + chunk).rpartition(b"\n")
                    if newline:
                        yield in_language(whole + newline, language)
                if ended:
                    break
                await asyncio.wait({working}, timeout=0.1)
        try:
            await working
        except Interrupted:
            # Nobody is left to read why there is no summary.
            return
        except CatalogError as error:
            yield orjson.dumps({"problem": problem_from(error, language).document}) + b"\n"
    finally:
        if not working.done():
            # Whoever asked is gone: the load goes on with what has come, and ends where the body does.
            working.add_done_callback(_noted)


def _noted(task: asyncio.Task[None]) -> None:
    """Take a finished load's error, which its own record (incomplete) already tells."""
    if not task.cancelled():
        task.exception()


def in_language(lines: bytes, language: Language) -> bytes:
    """Answer lines with their findings in one language; lines without findings pass as they are."""
    if lines.count(b'"findings":[]') == lines.count(b'"findings":'):
        return lines
    told = []
    for line in lines.splitlines():
        if b'"findings":[]' not in line and b'"findings":' in line:
            document = orjson.loads(line)
            document["findings"] = findings_in(document["findings"], language)
            line = orjson.dumps(document)
        told.append(line + b"\n")
    return b"".join(told)


@routes.add(
    Operation(
        "PUT",
        "/{kind}/{source}/{localId:path}",
        "put-record",
        "Writing",
        "Write one record at its address",
        "アドレスを指定してレコードを書く",
        "The submission without `kind`, `source` and `localId`, which the address says. With `If-Match` it is refused (412) "
        "unless the record is still at that revision; with `If-None-Match: *` unless it is new.",
        {
            201: Answer("It was created.", (JSON,), OUTCOME_EXAMPLE, REVISION),
            200: Answer("It was revised, or is unchanged.", (JSON,), None, REVISION),
        },
        (400, 403, 409, 412, 413, 415, 422, 503),
        (*RECORD_PATH, MODE, DRY_RUN, IF_MATCH),
        Body("The submission.", {"application/json": {"body": SUBMISSION_EXAMPLE["body"]}}),
    )
)
async def put_record(request: Request) -> Response:
    """Write one record at its address."""
    said = asked(request)
    reader = writer(request)
    id = asked_id(request)
    site = site_of(request)
    expected = expected_revision(request)
    media_type_of(request, ("application/json",))
    limit = min(RECORD_LIMIT, site.catalog.settings.body_limit)
    body = await read_whole(request, b"", request.stream(), limit)

    def read() -> Submission:
        return at_address(id, body, expected)

    try:
        return await _one(request, read, reader, {**said, "atomic": False})
    except Conflict as conflict:
        if expected is None:
            raise
        raise Stale(request.headers.get("if-match"), conflict.revision) from conflict


def at_address(id: str, body: bytes, expected: int | None) -> Submission:
    """The submission that a body makes at an address; what both say must be the same."""
    value, exact = parse_with_text(body)
    if not isinstance(value, dict):
        raise Malformed(
            'A submission is an object: {"body": {…}}.',
            ja='登録データはオブジェクト {"body": {…}} でなければなりません。',
        )
    kind, source, local_id = split_id(id)
    for name, there in (("kind", kind), ("source", source), ("localId", local_id)):
        if value.get(name, there) != there:
            raise Malformed(
                f"{name} is '{value[name]}' in the body and '{there}' in the address.",
                ja=f"{name} が本文では「{value[name]}」、アドレスでは「{there}」です。",
            )
    if expected is not None and value.get("revision", expected) != expected:
        raise Malformed(
            f"revision is {value['revision']} in the body and {expected} in If-Match.",
            ja=f"revision が本文では {value['revision']}、If-Match では {expected} です。",
        )
    told = {**value, "kind": kind, "source": source, "localId": local_id}
    if expected is not None:
        told["revision"] = expected
    return read_submission(told, None if exact else body.decode("utf-8-sig"))


_TAG: Final = re.compile(r'"([0-9]{1,9})(?:\.[0-9A-Za-z]+)?"')


def expected_revision(request: Request) -> int | None:
    """The revision that a write was made from, as If-Match says it; 0 is none yet."""
    header = request.headers.get("if-match")
    if header is None:
        return 0 if request.headers.get("if-none-match", "").strip() == "*" else None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise Malformed(
            f'If-Match: {header} is no ETag of a record, which begins with its revision: "3.…".',
            ja=f'If-Match: {header} はレコードの ETag ではありません。版の番号で始まる "3.…" の形です。',
        )
    return int(found[1])


async def object_in(request: Request) -> dict[str, Any]:
    """What a small JSON body says, as it stands; an empty body says nothing."""
    body = b""
    if int(request.headers.get("content-length") or 0) or "transfer-encoding" in request.headers:
        media_type_of(request, ("application/json",))
        body = await read_whole(request, b"", request.stream(), 1024 * 1024)
    value = parse(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise Malformed("A JSON object is needed here.", ja="JSON オブジェクトが必要です。")
    return value


async def told_in(
    request: Request, *, of: Mapping[str, type], required: tuple[str, ...] = (), nullable: bool = False
) -> dict[str, Any]:
    """What a small JSON body says, each part of the type that it must have."""
    value = await object_in(request)
    for name, said in value.items():
        if name not in of:
            raise Malformed(
                f"'{name}' means nothing here; there is {', '.join(of) or 'nothing to say'}.",
                ja=f"「{name}」は使えません。使えるのは {', '.join(of) or 'ありません'} です。",
            )
        if type(said) is not of[name] and not (said is None and nullable):
            raise Malformed(
                f"{name} must be {_TYPES[of[name]][0]}.", ja=f"{name} は{_TYPES[of[name]][1]}でなければなりません。"
            )
    for name in required:
        if name not in value:
            raise Malformed(f"{name} is missing.", ja=f"{name} がありません。")
    return value


_TYPES: Final[Mapping[type, tuple[str, str]]] = {
    str: ("a string", "文字列"),
    int: ("a whole number", "整数"),
    bool: ("true or false", "true または false"),
    dict: ("an object", "オブジェクト"),
    list: ("a list", "配列"),
}
