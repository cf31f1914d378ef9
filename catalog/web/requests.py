"""Asking for access over HTTP, and answering who asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Forbidden, NotFound
from catalog.questions.reader import Reader
from catalog.web.forms import by_form, refused, said_in, see
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.refusals import Unauthorized
from catalog.web.scopes import SCOPE
from catalog.web.session import FORM
from catalog.web.sharing import TAG, kept_language, scope_in, told_rights
from catalog.web.sign_in import NOT_KEPT
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
    if reader.id == "public" or reader.id.startswith("link:"):
        raise Unauthorized("Sign in first; then you can ask for access.", ja="アクセスの申請にはサインインが必要です。")
    return reader


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
        {200: Answer("The requests.", (JSON, HTML), {"items": [REQUEST_EXAMPLE]})},
        (400, 406),
        (SCOPE, DONE_PARAMETER, FORMAT),
    )
)
async def requests_of_scope(request: Request) -> Response:
    """Who asks for access to a scope."""
    site, said = site_of(request), asked(request)
    id, reader = scope_in(request), somebody(request)
    form = form_for(request, (JSON, HTML))
    told = await site.in_thread(_of_scope, site, id, reader)
    if form is HTML:
        return _page(request, told, said.get("done"))
    return _items([*told["waiting"], *told["answered"], *told["mine"]])


@routes.add(
    Operation(
        "GET",
        "/requests",
        "requests",
        TAG,
        "One's own requests, and those that wait for one's answer",
        "自分の申請と、回答を待つ申請",
        "What you have asked yourself, and the open requests for scopes that you manage.",
        {200: Answer("The requests.", (JSON, HTML), {"items": [REQUEST_EXAMPLE], "waiting": [REQUEST_EXAMPLE]})},
        (400, 406),
        (DONE_PARAMETER, FORMAT),
    )
)
async def requests(request: Request) -> Response:
    """One's own requests, and those that wait for one's answer."""
    site, said = site_of(request), asked(request)
    reader = somebody(request)
    form = form_for(request, (JSON, HTML))
    told = await site.in_thread(_own, site, reader)
    if form is HTML:
        return _page(request, told, said.get("done"))
    return Response(orjson.dumps({"items": told["mine"], "waiting": told["waiting"]}), 200, NOT_KEPT, JSON.content_type)


def _own(site: Site, reader: Reader) -> dict[str, Any]:
    kept = site.catalog.requests
    return {
        "id": None,
        "scope": None,
        "manages": False,
        "waiting": [each.document() for each in kept.waiting(reader)],
        "answered": [],
        "mine": [each.document() for each in kept.mine(reader)],
    }


def _of_scope(site: Site, id: str, reader: Reader) -> dict[str, Any]:
    kept = site.catalog.requests
    try:
        found = [each.document() for each in kept.of_scope(id, reader)]
    except (NotFound, Forbidden):
        # Alike for what is hidden and for what is not there: only what they said themselves.
        mine = [each.document() for each in kept.mine(reader, scope_id=id)]
        scope = _readable(site, id, reader)
        return {"id": id, "scope": scope, "manages": False, "waiting": [], "answered": [], "mine": mine}
    waiting = [each for each in found if each["state"] == "open"]
    answered = [each for each in found if each["state"] != "open"]
    scope = _readable(site, id, reader)
    return {"id": id, "scope": scope, "manages": True, "waiting": waiting, "answered": answered, "mine": []}


def _readable(site: Site, id: str, reader: Reader) -> dict[str, Any] | None:
    try:
        return site.catalog.scopes.find(id, reader).document()
    except NotFound:
        return None


def _page(request: Request, told: Mapping[str, Any], done: str | None) -> Response:
    site = site_of(request)
    said = DONE[done][language_for(request)] if done is not None else None
    return page(
        request, site.pages, site.root, "requests.html", headers=NOT_KEPT, problem=None, done=said, **_beside(), **told
    )


def _beside() -> dict[str, Any]:
    return {"usually": (datetime.now(UTC) + USUALLY).date().isoformat(), "said": {}}


def _items(items: list[dict[str, Any]], status: int = 200) -> Response:
    return Response(orjson.dumps({"items": items}), status, NOT_KEPT, JSON.content_type)


@routes.add(
    Operation(
        "POST",
        "/scopes/{scope:path}/requests",
        "ask-access",
        TAG,
        "Ask for access to a scope",
        "アクセスを申請する",
        "By anybody who is signed in, for any scope whose id they know; `read` and `download` if no rights are said. Whether there "
        "is such a scope is not told. Asked again while nobody has answered, the words are set anew.",
        {
            202: Answer("It is kept; whoever manages the scope answers.", (JSON,), REQUEST_EXAMPLE),
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
    try:
        made = await site.in_thread(lambda: site.catalog.requests.ask(id, reader, said.get("text", ""), **more))
    except CatalogError as error:
        if not by_form(request) or isinstance(error, Forbidden):
            raise
        told = await site.in_thread(_of_scope, site, id, reader)
        return refused(request, "requests.html", error, done=None, **{**_beside(), "said": said}, **told)
    if by_form(request):
        return see(f"{site.root}scopes/{id}/requests?done=asked{kept_language(request)}")
    return Response(orjson.dumps(made.document()), 202, NOT_KEPT, JSON.content_type)


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


async def _decided(request: Request, what: str, decide: Any) -> Response:
    site = site_of(request)
    try:
        made: Asked = await site.in_thread(decide)
    except CatalogError as error:
        if not by_form(request) or isinstance(error, Forbidden | NotFound):
            raise
        told = await site.in_thread(_own, site, somebody(request))
        return refused(request, "requests.html", error, done=None, **_beside(), **told)
    if not by_form(request):
        return Response(orjson.dumps(made.document()), 200, NOT_KEPT, JSON.content_type)
    at = "requests" if what == "withdrawn" else f"scopes/{made.scope}/requests"
    return see(f"{site.root}{at}?done={what}{kept_language(request)}")


def _id(request: Request) -> str:
    id = str(request.path_params["request"])
    if not id.isascii() or not id.isalnum():
        raise NotFound("There is no such request.", ja="その申請はありません。")
    return id
