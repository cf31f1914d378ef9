"""The files of a dataset over HTTP: a list of its own beside the record, of any length."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.curation.files import add_files, put_files, take_files
from catalog.curation.pieces import PAUSE, pieces
from catalog.discovery.files import files
from catalog.discovery.show import Moved
from catalog.errors import Malformed
from catalog.records.kinds import Kinds
from catalog.records.parse import parse
from catalog.web.addresses import Elsewhere, asked_id
from catalog.web.negotiation import HTML, JSON, NDJSON, form_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.reading import ID_PATH, answered
from catalog.web.signposts import Signpost, header
from catalog.web.site import site_of
from catalog.web.streams import Inflow, drain
from catalog.web.verbs import PROBLEMS
from catalog.web.writing import media_type_of, writer

routes = Routes()

FILE_EXAMPLE: Final = {
    "path": "scan/0001.h5",
    "size": 1048576,
    "mediaType": "application/x-hdf5",
    "checksums": [{"algorithm": "sha256", "value": "9f86d081884c7d65"}],
    "locations": [{"address": "https://data.example.org/scan/0001.h5", "state": "online"}],
}
LIST_EXAMPLE: Final = {"id": "dataset/spring8/d-1", "version": 2, "count": 3, "size": 3145728}
VERSION: Final = Parameter(
    "If-Match",
    "The ETag of the list that was read; refused (409) if the list has changed.",
    place="header",
    example='"2"',
)


@routes.add(
    Operation(
        "GET",
        "/files/{id:path}",
        "files",
        "Files",
        "A dataset's files",
        "データセットのファイル一覧",
        "The files in the order of their paths, a page at a time, with checksums and locations, to those who may download; "
        'as JSON, as NDJSON (one file a line, the last line `{"next": cursor}`), or as a page.',
        {200: Answer("The files.", (JSON, NDJSON, HTML), {"items": [FILE_EXAMPLE], "next": None, **LIST_EXAMPLE})},
        (400, 403, 404, 406, 410),
        (ID_PATH, LIMIT, CURSOR, FORMAT),
    )
)
async def read_files(request: Request) -> Response:
    """A page of a dataset's files."""
    site, said = site_of(request), asked(request)
    id = asked_id(request, "files")
    reader = site.reader(request)
    form = form_for(request, (JSON, NDJSON, HTML))
    catalog = site.catalog
    found = await site.in_thread(
        files, id, reader, answers=catalog.answers, scopes=catalog.scopes, after=said.get("cursor"), limit=said["limit"]
    )
    if isinstance(found, Moved):
        raise Elsewhere("/files/" + found.to)
    collection = header([Signpost("collection", site.root + id, HTML.media_type)])
    if form is HTML:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        following = urlencode([*query, ("cursor", found.next)]) if found.next else ""
        return page(
            request, site.pages, site.root, "files.html", id=id, items=found.items, next=found.next,
            next_href=f"{site.root}files/{id}?{following}",
            headers={"Cache-Control": "private, no-cache", "Link": collection},
        )  # fmt: skip
    if form is NDJSON:
        lines = [orjson.dumps(each) for each in found.items]
        body = b"\n".join([*lines, orjson.dumps({"next": found.next})]) + b"\n"
    else:
        told = {"items": list(found.items), "next": found.next}
        body = orjson.dumps({**told, "id": id, "version": found.version, "count": found.count, "size": found.size})
    return answered(request, reader, body, form, revision=found.version, headers={"Link": collection})


def _changing(method: Any, name: str, summary: str, ja: str, about: str, example: Any) -> Operation:
    return Operation(
        method,
        "/files/{id:path}",
        name,
        "Files",
        summary,
        ja,
        about + " NDJSON or a JSON array, of any length, in one transaction: all of it or nothing.",
        {200: Answer("The list as it is now.", (JSON,), LIST_EXAMPLE, {"ETag": "The list's version."})},
        (*PROBLEMS, 413),
        (ID_PATH, VERSION),
        Body(
            "Files, or paths.",
            {
                "application/x-ndjson": orjson.dumps(example).decode() + "\n",
                "application/json": [example],
            },
        ),
    )


@routes.add(
    _changing(
        "PUT",
        "put-files",
        "Set a dataset's files",
        "ファイル一覧を置き換える",
        "These are all files of the dataset.",
        FILE_EXAMPLE,
    )
)
async def replace_files(request: Request) -> Response:
    """Let these be all files of a dataset."""
    return await _changed(request, put_files)


@routes.add(
    _changing(
        "PATCH",
        "patch-files",
        "Add files",
        "ファイルを追加する",
        "Files of a path that is there already are replaced.",
        FILE_EXAMPLE,
    )
)
async def patch_files(request: Request) -> Response:
    """Add files to a dataset."""
    return await _changed(request, add_files)


@routes.add(
    _changing(
        "DELETE",
        "delete-files",
        "Take files out of the list",
        "ファイルを一覧から外す",
        "Each line is a path, or an object with one; a path that is not there does no harm.",
        {"path": "scan/0001.h5"},
    )
)
async def delete_files(request: Request) -> Response:
    """Take files out of a dataset's list."""
    return await _changed(request, lambda id, said, *more, **named: take_files(id, map(_path, said), *more, **named))


def _path(said: Any) -> str:
    path = said.get("path") if isinstance(said, dict) else said
    if not isinstance(path, str):
        raise Malformed(
            'Each line names a path: "scan/0001.h5", or {"path": "scan/0001.h5"}.',
            ja='各行にパスが必要です: "scan/0001.h5" または {"path": "scan/0001.h5"}',
        )
    return path


async def _changed(request: Request, change: Callable[..., Any]) -> Response:
    """The answer to a change of a list, which is read while it is written."""
    site = site_of(request)
    asked(request)
    reader = writer(request)
    id = asked_id(request, "files")
    media_type = media_type_of(request, ("application/x-ndjson", "application/json"))
    expected = expected_version(request)
    inflow = Inflow()
    chunks: AsyncIterator[bytes] = request.stream()

    def run() -> Any:
        return change(
            id,
            said_in(inflow, media_type, site.catalog.kinds),
            reader,
            intake=site.catalog.intake,
            expected_version=expected,
        )

    with site.loads:
        feeding = asyncio.create_task(inflow.fill(b"", chunks))
        try:
            made = await asyncio.get_running_loop().run_in_executor(site.streaming, run)
        finally:
            inflow.leave()
            await feeding
            await drain(chunks, seconds=30)
    told = {"id": id, "version": made.version, "count": made.count, "size": made.size}
    return Response(orjson.dumps(told), 200, {"ETag": f'"{made.version}"'}, JSON.content_type)


def said_in(chunks: Inflow, media_type: str, kinds: Kinds) -> Iterator[Any]:
    """What each line or element says; one that cannot be read ends it all, since a list is changed as a whole."""
    for piece in pieces(chunks, media_type, kinds):
        if piece is PAUSE:
            continue
        if piece.problem is not None:
            raise piece.problem
        try:
            yield parse(piece.data or b"")
        except Malformed as error:
            raise Malformed(
                f"line {piece.line}: {error.messages['en']}", ja=f"{piece.line}行目: {error.messages['ja']}"
            ) from error


def expected_version(request: Request) -> int | None:
    """The version of the list that a change was made from."""
    header = request.headers.get("if-match")
    if header is None:
        return None
    found = re.fullmatch(r'"([0-9]{1,9})(?:\.[0-9a-z]+)?"', header.strip())
    if found is None:
        raise Malformed(
            f"If-Match: {header} is no ETag of a list of files.",
            ja=f"If-Match: {header} は一覧の ETag ではありません。",
        )
    return int(found[1])
