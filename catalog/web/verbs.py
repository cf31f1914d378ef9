"""What is done to a record beside its content, one address a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.curation import verbs
from catalog.errors import Conflict, Malformed
from catalog.questions.reader import Reader
from catalog.web.addresses import asked_id
from catalog.web.negotiation import JSON
from catalog.web.operations import Answer, Body, Operation, Routes, asked
from catalog.web.reading import ID_PATH, RECORD_PATH
from catalog.web.refusals import Stale
from catalog.web.site import Site, site_of
from catalog.web.writing import IF_MATCH, REASON, expected_revision, told_in, writer

routes = Routes()

DONE_EXAMPLE: Final = {"id": "sample/spring8/s-001", "position": "43"}
DONE: Final = {200: Answer("It is so; `position` is null if it was so already.", (JSON,), DONE_EXAMPLE)}
PROBLEMS: Final = (400, 403, 404, 409, 412, 415, 422, 503)


async def _done(request: Request, id: str, do: Callable[[], int | None]) -> Response:
    """The answer to a verb that was carried out."""
    try:
        position = await site_of(request).in_thread(do)
    except Conflict as conflict:
        header = request.headers.get("if-match")
        if header is not None and conflict.revision not in (None, expected_revision(request)):
            raise Stale(header, conflict.revision) from conflict
        raise
    told = {"id": id, "position": None if position is None else str(position)}
    return Response(orjson.dumps(told), 200, {}, JSON.content_type)


async def _plain(request: Request, word: str, do: Callable[..., int | None]) -> Response:
    """A verb that needs no more than the record."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, word)
    await told_in(request, of={})
    expected, intake = expected_revision(request), site_of(request).catalog.intake
    return await _done(request, id, lambda: do(id, reader, intake=intake, expected_revision=expected))


def _operation(
    word: str, summary: str, ja: str, about: str, body: Body | None = None, *, tells: bool = True
) -> Operation:
    return Operation(
        "POST",
        f"/{word}/{{id:path}}",
        word,
        "Writing",
        summary,
        ja,
        about,
        DONE,
        PROBLEMS,
        (ID_PATH, IF_MATCH) if tells else (ID_PATH,),
        body,
    )


@routes.add(
    _operation(
        "publish",
        "Publish a record",
        "レコードを公開する",
        "Everyone who may read its scope sees it. A draft must pass the gate first (422 with its findings if it does not).",
    )
)
async def publish(request: Request) -> Response:
    """Publish a record."""
    return await _plain(request, "publish", verbs.publish)


@routes.add(
    _operation(
        "suppress",
        "Leave a record out of lists",
        "レコードを一覧から外す",
        "It stays readable at its address, and is in no list, count, feed or export.",
    )
)
async def suppress(request: Request) -> Response:
    """Leave a record out of lists."""
    return await _plain(request, "suppress", verbs.suppress)


@routes.add(
    _operation("hide", "Make a record private", "レコードを非公開にする", "Only the writers of its scope see it.")
)
async def hide(request: Request) -> Response:
    """Make a record private."""
    return await _plain(request, "hide", verbs.hide)


@routes.add(
    _operation(
        "restore",
        "Take a withdrawal back",
        "取り下げを取り消す",
        "The record is shown again, with the status that it had and its newest content.",
    )
)
async def restore(request: Request) -> Response:
    """Take a withdrawal back."""
    return await _plain(request, "restore", verbs.restore)


@routes.add(
    _operation(
        "withdraw",
        "Withdraw a record",
        "レコードを取り下げる",
        "Its address answers 410 with the reason to those who could read it, and 404 to all others.",
        Body("Why.", {"application/json": {"reason": "Registered twice by mistake"}}),
    )
)
async def withdraw(request: Request) -> Response:
    """Withdraw a record, saying why."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, "withdraw")
    said = await told_in(request, of={"reason": str}, required=("reason",))
    return await _withdrawn(request, id, reader, said["reason"])


@routes.add(
    Operation(
        "DELETE",
        "/{kind}/{source}/{localId:path}",
        "delete-record",
        "Writing",
        "Withdraw a record at its address",
        "アドレスを指定して取り下げる",
        "The same as `POST /withdraw/{id}`: nothing is erased, and a reason is needed, as `reason=` or in a JSON body.",
        DONE,
        PROBLEMS,
        (*RECORD_PATH, REASON, IF_MATCH),
        Body(
            "Why, if the query does not say it.",
            {"application/json": {"reason": "Registered twice by mistake"}},
            required=False,
        ),
    )
)
async def delete_record(request: Request) -> Response:
    """Withdraw the record at this address."""
    reason = asked(request).get("reason")
    reader = writer(request)
    id = asked_id(request)
    said = await told_in(request, of={"reason": str})
    reason = reason or said.get("reason")
    if not reason:
        raise Malformed(
            'A reason is needed: ?reason=… or a body {"reason": "…"}; readers see it in the record\'s place.',
            ja='理由が必要です。?reason=… か本文 {"reason": "…"} で指定してください。レコードの代わりに表示されます。',
        )
    return await _withdrawn(request, id, reader, reason)


async def _withdrawn(request: Request, id: str, reader: Reader, reason: str) -> Response:
    expected, intake = expected_revision(request), site_of(request).catalog.intake
    return await _done(
        request, id, lambda: verbs.withdraw(id, reason, reader, intake=intake, expected_revision=expected)
    )


@routes.add(
    _operation(
        "merge",
        "Merge a record into another",
        "レコードを統合する",
        "Says that two records of a kind are one thing. Both keep their revisions; the address of the one answers 308 to the "
        "other, to those who may read both.",
        Body("Into which.", {"application/json": {"into": "sample/ddbj/SAMD00000001"}}),
        tells=False,
    )
)
async def merge(request: Request) -> Response:
    """Merge a record into another."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, "merge")
    said = await told_in(request, of={"into": str}, required=("into",))
    intake = site_of(request).catalog.intake
    return await _done(request, id, lambda: verbs.merge(id, said["into"], reader, intake=intake))


@routes.add(
    _operation("unmerge", "Take a merging back", "統合を取り消す", "The record answers for itself again.", tells=False)
)
async def unmerge(request: Request) -> Response:
    """Take a merging back."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, "unmerge")
    await told_in(request, of={})
    intake = site_of(request).catalog.intake
    return await _done(request, id, lambda: verbs.unmerge(id, reader, intake=intake))


@routes.add(
    _operation(
        "scope",
        "Lay a record into another scope",
        "レコードを別のスコープに移す",
        "Who may write in both scopes may move it. Its revisions remember where they were made.",
        Body("Where to.", {"application/json": {"scope": "spring8/2026A1234"}}),
    )
)
async def move(request: Request) -> Response:
    """Lay a record into another scope."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, "scope")
    said = await told_in(request, of={"scope": str}, required=("scope",))
    expected, intake = expected_revision(request), site_of(request).catalog.intake
    return await _done(
        request, id, lambda: verbs.move(id, said["scope"], reader, intake=intake, expected_revision=expected)
    )


@routes.add(
    Operation(
        "POST",
        "/expunge/{id:path}",
        "expunge",
        "Writing",
        "Erase a record or a revision for good",
        "レコードや版を抹消する",
        "In two requests. The first gives a reason (and a revision, if only its content is to go) and answers with a request's "
        "id; a one-time code is then in the file `codeFile` of the data folder. The second sends both. What is "
        "left is a tombstone with hash and reason.",
        {
            200: Answer("It was erased.", (JSON,), DONE_EXAMPLE),
            202: Answer(
                "It was asked for.",
                (JSON,),
                {"id": "sample/spring8/s-001", "request": "5f0c…", "codeFile": "expunge-5f0c….code"},
            ),
        },
        PROBLEMS,
        (ID_PATH,),
        Body(
            "The wish, or its confirmation.",
            {"application/json": {"reason": "Personal data, request 2026-17", "revision": 2}},
        ),
    )
)
async def expunge(request: Request) -> Response:
    """Ask that bytes be erased, or confirm it."""
    asked(request)
    reader = writer(request)
    id = asked_id(request, "expunge")
    said = await told_in(request, of={"reason": str, "revision": int, "request": str, "code": str})
    site = site_of(request)
    if "request" in said or "code" in said:
        if set(said) != {"request", "code"}:
            raise Malformed(
                "To confirm, send request and code, and nothing else.",
                ja="確認には request と code だけを送ってください。",
            )
        return await _done(request, id, lambda: _confirmed(site, id, said, reader))
    if "reason" not in said:
        raise Malformed("reason is missing.", ja="reason がありません。")
    made = await site.in_thread(
        verbs.request_expunge,
        id,
        said["reason"],
        reader,
        intake=site.catalog.intake,
        folder=site.catalog.settings.data,
        revision=said.get("revision"),
    )
    return Response(
        orjson.dumps({"id": id, "request": made, "codeFile": verbs.EXPUNGE_CODE.format(request=made)}),
        202,
        {},
        JSON.content_type,
    )


def _confirmed(site: Site, id: str, said: Mapping[str, Any], reader: Reader) -> int | None:
    catalog = site.catalog
    folder = catalog.settings.data
    return verbs.expunge(said["request"], said["code"], reader, intake=catalog.intake, folder=folder, id=id)
