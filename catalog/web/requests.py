"""Asking for access over HTTP, and answering who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Forbidden, NotFound
from catalog.questions.reader import Reader
from catalog.web.forms import Sheet, by_form, carry_out, kept_language, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, USUAL, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.refusals import Unauthorized
from catalog.web.scopes import SCOPE
from catalog.web.session import FORM
from catalog.web.sharing import TAG, scope_in, told_rights
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.requests import Request as Asked

routes = Routes()

REQUEST: Final = Parameter("request", "The request's id.", place="path", example="5e2d7a49368c1f0b")
REQUEST_EXAMPLE: Final = {
    "id": "5e2d7a49368c1f0b",
    "scope": "jga/JGAS000001",
    "person": {"id": "person:5d2c0a7be1f04c39", "name": "Haruka Ito", "orcid": "0000-0002-1825-0097"},
    "rights": ["read", "download"],
    "text": "To compare the controls with ours.",
    "state": "open",
    "at": "2026-04-01T00:00:00.000000Z",
    "decidedAt": None,
    "answer": None,
    "granted": [],
    "until": None,
}
DONE: Final[Mapping[str, Mapping[Language, str]]] = {
    "asked": {
        "en": "Asked. If there is such a scope, whoever manages it is told and answers here.",
        "ja": "申請しました。該当するスコープがあれば管理者に伝わり、回答はこのページに表示されます。",
    },
    "again": {
        "en": "You had asked already, and nobody has answered yet: what you wrote now stands in its place.",
        "ja": "未回答の申請がすでにあったため、内容を今回のものに置き換えました。",
    },
    "granted": {"en": "Granted.", "ja": "許可しました。"},
    "refused": {"en": "Refused.", "ja": "却下しました。"},
    "withdrawn": {"en": "Withdrawn.", "ja": "取り下げました。"},
}
# What a form proposes as the end of what is granted.
USUALLY: Final = timedelta(days=365)
DONE_PARAMETER: Final = Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)})


def somebody(request: Request) -> Reader:
    """Who asks: a person, since nobody is let in who is not known."""
    reader = site_of(request).reader(request)
    demand_somebody(reader)
    return reader


def demand_somebody(reader: Reader) -> None:
    """Unauthorized unless it is known who asks."""
    if reader.id == "public" or reader.id.startswith("link:"):
        raise Unauthorized("Sign in first.", ja="先にサインインしてください。")


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}/requests",
        "requests-of-scope",
        TAG,
        "Who asks for access to a scope",
        "アクセスの申請",
        "For whoever manages the scope every request for it and for those below it, open ones first. For everybody else who is "
        "signed in what they have asked for it themselves, whether there is such a scope or not.",
        {200: Answer("The requests.", (JSON, HTML), {"items": [REQUEST_EXAMPLE], "next": None})},
        (400, 401, 404, 406, 422),
        (SCOPE, LIMIT, CURSOR, DONE_PARAMETER, FORMAT),
    )
)
async def requests_of_scope(request: Request) -> Response:
    """Who asks for access to a scope."""
    site, said = site_of(request), asked(request)
    sheet = _of_scope(site, scope_in(request), somebody(request), said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet, done=_done(request, said))
    values = await site.in_thread(sheet.values)
    found = [*values["waiting"], *values["answered"], *(values["mine"] or ())]
    return told({"items": found, "next": values["next"]})


@routes.add(
    Operation(
        "GET",
        "/requests",
        "requests",
        TAG,
        "One's own requests, and those that wait for one's answer",
        "自分の申請と、回答を待つ申請",
        "What you have asked yourself; with `waiting=true` the open requests for scopes that you manage. The page shows both.",
        {200: Answer("The requests.", (JSON, HTML), {"items": [REQUEST_EXAMPLE], "next": None})},
        (400, 401, 406, 422),
        (
            Parameter("waiting", "Those that wait for your answer.", {"type": "boolean", "default": False}),
            LIMIT,
            CURSOR,
            DONE_PARAMETER,
            FORMAT,
        ),
    )
)
async def requests(request: Request) -> Response:
    """One's own requests, and those that wait for one's answer."""
    site, said = site_of(request), asked(request)
    reader, kept = somebody(request), site.catalog.requests
    limit, cursor, waits = said["limit"], said.get("cursor"), said["waiting"]
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, _own(site, reader, limit, cursor, waits=waits), done=_done(request, said))
    found = await site.in_thread(kept.waiting if waits else kept.mine, reader, cursor=cursor, limit=limit)
    return told({"items": [each.document() for each in found.items], "next": found.next})


def _done(request: Request, said: Mapping[str, Any]) -> str | None:
    return DONE[said["done"]][language_for(request)] if "done" in said else None


def _own(site: Site, reader: Reader, limit: int = USUAL, cursor: str | None = None, *, waits: bool = False) -> Sheet:
    """What waits for one's answer and what one has asked; behind the first page only the one of both that goes on."""
    kept = site.catalog.requests

    def values() -> dict[str, Any]:
        told = _beside()
        if waits or cursor is None:
            waiting = kept.waiting(reader, cursor=cursor, limit=limit)
            told |= {"waiting": [each.document() for each in waiting.items], "next_waiting": waiting.next}
        if not waits:
            mine = kept.mine(reader, cursor=cursor, limit=limit)
            told |= {"mine": [each.document() for each in mine.items], "next": mine.next}
        return told

    return Sheet("requests.html", values)


def _of_scope(site: Site, id: str, reader: Reader, limit: int = USUAL, cursor: str | None = None) -> Sheet:
    """Who asks for a scope, to whoever manages it; to others what they said themselves, whether there is such a scope or not."""
    kept = site.catalog.requests

    def values() -> dict[str, Any]:
        told = {**_beside(), "id": id}
        try:
            page = kept.of_scope(id, reader, cursor=cursor, limit=limit)
        except (NotFound, Forbidden):
            page = kept.mine(reader, scope_id=id, cursor=cursor, limit=limit)
            told |= {"mine": [each.document() for each in page.items]}
        else:
            found = [each.document() for each in page.items]
            told |= {
                "manages": True,
                "waiting": [each for each in found if each["state"] == "open"],
                "answered": [each for each in found if each["state"] != "open"],
            }
        try:
            told["scope"] = site.catalog.scopes.find(id, reader).document()
        except NotFound:
            told["scope"] = None
        return {**told, "next": page.next}

    return Sheet("requests.html", values)


def _beside() -> dict[str, Any]:
    """What the page shows where nothing else is said."""
    now = datetime.now(UTC)
    return {
        "id": None,
        "scope": None,
        "manages": False,
        "waiting": [],
        "answered": [],
        "mine": None,
        "next": None,
        "next_waiting": None,
        "said": {},
        "now": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "usually": (now + USUALLY).date().isoformat(),
    }


@routes.add(
    Operation(
        "POST",
        "/scopes/{scope:path}/requests",
        "ask-access",
        TAG,
        "Ask for access to a scope",
        "アクセスを申請する",
        "By anybody who is signed in, for any scope whose id they know; `read` and `download` if no rights are said. Whether there "
        "is such a scope is not told. Asked again while nobody has answered, what is said now stands in the place of what was "
        "said before (`again` is true).",
        {
            202: Answer("It is kept; whoever manages the scope answers.", (JSON,), {**REQUEST_EXAMPLE, "again": False}),
            303: Answer("By a form: it is kept; back to the page."),
        },
        (400, 403, 409, 413, 415, 422),
        (SCOPE,),
        Body(
            "What for.",
            {
                "application/json": {"text": "To compare the controls with ours.", "rights": ["read", "download"]},
                FORM: "csrf=q3bX&text=To+compare+the+controls+with+ours.&read=true&download=true",
            },
        ),
    )
)
async def ask(request: Request) -> Response:
    """Ask for access to a scope."""
    asked(request)
    site, id, reader = site_of(request), scope_in(request), somebody(request)
    said, rights = await told_rights(request, {"text": str})
    more = {} if rights is None else {"rights": rights}
    return await carry_out(
        request,
        site.in_thread(lambda: site.catalog.requests.ask(id, reader, said.get("text", ""), **more)),
        _of_scope(site, id, reader),
        to=lambda made: f"scopes/{id}/requests?done={'again' if made.again else 'asked'}{kept_language(request)}",
        document=lambda made: {**made.document(), "again": made.again},
        status=202,
        typed={"said": said},
    )


def _deciding(word: str, name: str, summary: str, ja: str, about: str, json: Any, form: str) -> Operation:
    return Operation(
        "POST",
        f"/requests/{{request}}/{word}",
        name,
        TAG,
        summary,
        ja,
        about,
        {
            200: Answer("It is so.", (JSON,), REQUEST_EXAMPLE),
            303: Answer("By a form: it is so; back to the page."),
        },
        (400, 403, 404, 409, 413, 415, 422),
        (REQUEST,),
        Body("The answer.", {"application/json": json, FORM: form}, required=word == "grant"),
    )


@routes.add(
    _deciding(
        "grant",
        "grant-request",
        "Grant what somebody asks",
        "申請を許可する",
        "All that was asked for or some of it, until a time, by whoever manages the scope.",
        {"until": "2027-04-01", "rights": ["read", "download"], "answer": "For this project only."},
        "csrf=q3bX&until=2027-04-01&read=true&download=true",
    )
)
async def grant_request(request: Request) -> Response:
    """Grant what somebody asks."""
    asked(request)
    site, id, reader = site_of(request), _id(request), somebody(request)
    said, rights = await told_rights(request, {"until": str, "answer": str}, required=("until",))
    kept = site.catalog.requests
    return await _decided(
        request,
        "granted",
        lambda: kept.grant(id, reader, until=said["until"], rights=rights, answer=said.get("answer")),
    )


@routes.add(
    _deciding(
        "refuse",
        "refuse-request",
        "Refuse what somebody asks",
        "申請を却下する",
        "By whoever manages the scope.",
        {"answer": "The donors' consent does not cover this."},
        "csrf=q3bX&answer=The+donors%27+consent+does+not+cover+this.",
    )
)
async def refuse_request(request: Request) -> Response:
    """Refuse what somebody asks."""
    asked(request)
    site, id, reader = site_of(request), _id(request), somebody(request)
    said = await said_in(request, of={"answer": str, "until": str, **_TICKS} if by_form(request) else {"answer": str})
    return await _decided(
        request, "refused", lambda: site.catalog.requests.refuse(id, reader, answer=said.get("answer"))
    )


# The boxes of the same form, which mean nothing where it is refused.
_TICKS: Final[Mapping[str, type]] = dict.fromkeys(("read", "download", "share", "write", "run", "manage"), bool)


@routes.add(
    _deciding(
        "withdraw",
        "withdraw-request",
        "Ask no more",
        "申請を取り下げる",
        "By whoever asked.",
        {},
        "csrf=q3bX",
    )
)
async def withdraw_request(request: Request) -> Response:
    """Ask no more."""
    asked(request)
    site, id, reader = site_of(request), _id(request), somebody(request)
    await said_in(request, of={})
    return await _decided(request, "withdrawn", lambda: site.catalog.requests.withdraw(id, reader))


async def _decided(request: Request, what: str, decide: Callable[[], Asked]) -> Response:
    site = site_of(request)

    def to(made: Asked) -> str:
        at = "requests" if what == "withdrawn" else f"scopes/{made.scope}/requests"
        return f"{at}?done={what}{kept_language(request)}"

    return await carry_out(
        request,
        site.in_thread(decide),
        _own(site, somebody(request)),
        to=to,
        document=lambda made: made.document(),
    )


def _id(request: Request) -> str:
    return request_named(str(request.path_params["request"]))


def request_named(id: str) -> str:
    """The id, if a request may bear it; NotFound if none does."""
    if not id.isascii() or not id.isalnum():
        raise NotFound("There is no such request.", ja="その申請はありません。")
    return id
