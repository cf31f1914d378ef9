"""The people of the catalogue, for those who administer it: invited, helped to a new password, ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Forbidden, NotFound
from catalog.questions.reader import Reader
from catalog.web.forms import by_form, refused, said_in, see
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.session import FORM
from catalog.web.sign_in import NOT_KEPT, PERSON_EXAMPLE, TAG
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.accounts import Link

routes = Routes()

PERSON: Final = Parameter("person", "The person's id.", place="path", example="person:5d2c0a7be1f04c39")
LINK_EXAMPLE: Final = {
    "address": "https://catalogue.example.org/invitation/rWvJ…",
    "until": "2026-04-15T00:00:00.000000Z",
}
LINKED: Final = Answer("The link, which is shown this once.", (JSON, HTML), LINK_EXAMPLE)


@routes.add(
    Operation(
        "GET",
        "/people",
        "people",
        TAG,
        "The people",
        "利用者の一覧",
        "Everybody who can sign in, for administrators.",
        {200: Answer("The people.", (JSON, HTML), {"items": [PERSON_EXAMPLE], "next": None})},
        (400, 403, 406),
        (LIMIT, CURSOR, FORMAT),
    )
)
async def people(request: Request) -> Response:
    """Everybody who can sign in."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    told = await site.in_thread(_told, site, reader, said["limit"], said.get("cursor"))
    if form is HTML:
        return page(request, site.pages, site.root, "people.html", headers=NOT_KEPT, made=None, problem=None, **told)
    return Response(orjson.dumps(told), 200, NOT_KEPT, JSON.content_type)


def _told(site: Site, reader: Reader, limit: int, after: str | None) -> dict[str, Any]:
    found = site.catalog.people.list(reader, after=after, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return {"items": [person.document() for person in found[:limit]], "next": following}


@routes.add(
    Operation(
        "POST",
        "/invitations",
        "invite",
        TAG,
        "Invite somebody",
        "利用者を招待する",
        "Makes a link with which somebody makes their account, once, within so many days (14 if it is not said). Nothing is sent: "
        "pass it on to them.",
        {201: LINKED},
        (400, 403, 413, 415, 422),
        (),
        Body(
            "Who is invited; all of it may be left out.",
            {
                "application/json": {"name": "Haruka Ito", "email": "ito@example.org", "days": 14},
                FORM: "csrf=q3bX&name=Haruka+Ito&email=ito%40example.org&days=14",
            },
        ),
    )
)
async def invite(request: Request) -> Response:
    """Invite somebody."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await said_in(request, of={"name": str, "email": str, "administrator": bool, "days": int})
    if "days" in said:
        said["lasts"] = timedelta(days=max(0, min(said.pop("days"), 10_000)))
    try:
        link = await site.in_thread(site.catalog.accounts.invite, reader, **said)
    except CatalogError as error:
        return await _not_done(request, error)
    return await _linked(request, link, "invitation")


@routes.add(
    Operation(
        "POST",
        "/people/{person}/reset",
        "make-reset",
        TAG,
        "Let somebody set a new password",
        "パスワードの再設定リンクを発行する",
        "Makes a link with which they set it, once, within two days. Nothing is sent: pass it on to them.",
        {201: LINKED},
        (400, 403, 404, 413, 415),
        (PERSON,),
    )
)
async def make_reset(request: Request) -> Response:
    """Let somebody set a new password."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    await said_in(request, of={})
    try:
        link = await site.in_thread(site.catalog.accounts.reset_link, _person(request, reader), reader)
    except CatalogError as error:
        return await _not_done(request, error)
    return await _linked(request, link, "reset")


async def _linked(request: Request, link: Link, word: str) -> Response:
    site = site_of(request)
    told = {"address": f"{site.catalog.base}{word}/{link.value}", "until": link.until}
    if by_form(request):
        rest = await site.in_thread(_told, site, site.reader(request), 1_000, None)
        return page(
            request, site.pages, site.root, "people.html", status=201, headers=NOT_KEPT, made=told, problem=None, **rest
        )
    return Response(orjson.dumps(told), 201, NOT_KEPT, JSON.content_type)


@routes.add(
    Operation(
        "POST",
        "/people/{person}/end",
        "end-person",
        TAG,
        "Shut somebody out",
        "利用者を停止する",
        "Their sessions and tokens are worthless at the next request, and they hold no right any more.",
        {
            200: Answer("They are shut out.", (JSON,), {"ended": "person:5d2c0a7be1f04c39"}),
            303: Answer("By a form: they are shut out; back to the page."),
        },
        (400, 403, 404, 413, 415),
        (PERSON,),
    )
)
async def end_person(request: Request) -> Response:
    """Shut somebody out."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    await said_in(request, of={})
    try:
        id = _person(request, reader)
        await site.in_thread(site.catalog.people.end, id, reader)
    except CatalogError as error:
        return await _not_done(request, error)
    return see(f"{site.root}people") if by_form(request) else _json({"ended": id})


@routes.add(
    Operation(
        "POST",
        "/people/{person}/administrator",
        "set-administrator",
        TAG,
        "Let somebody administer the catalogue, or no more",
        "管理者権限を付与・解除する",
        "An administrator holds every right in every scope.",
        {
            200: Answer("It is so.", (JSON,), PERSON_EXAMPLE),
            303: Answer("By a form: it is so; back to the page."),
        },
        (400, 403, 404, 413, 415),
        (PERSON,),
        Body(
            "Whether they may.",
            {"application/json": {"administrator": True}, FORM: "csrf=q3bX&administrator=true"},
        ),
    )
)
async def set_administrator(request: Request) -> Response:
    """Let somebody administer the catalogue, or no more."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await said_in(request, of={"administrator": bool}, required=("administrator",))
    try:
        id = _person(request, reader)
        made = await site.in_thread(site.catalog.people.set_administrator, id, said["administrator"], reader)
    except CatalogError as error:
        return await _not_done(request, error)
    return see(f"{site.root}people") if by_form(request) else _json(made.document())


async def _not_done(request: Request, error: CatalogError) -> Response:
    site = site_of(request)
    if not by_form(request) or isinstance(error, Forbidden):
        raise error
    told = await site.in_thread(_told, site, site.reader(request), 1_000, None)
    return refused(request, "people.html", error, made=None, **told)


def _person(request: Request, reader: Reader) -> str:
    """The id in the address, for administrators; what can't be one is nobody's."""
    if not reader.administrator:
        raise Forbidden("people are looked after by administrators", ja="利用者を管理できるのは管理者のみです")
    id = str(request.path_params["person"])
    if not re.fullmatch(r"person:[0-9a-f]{1,64}", id):
        raise NotFound("there is nobody of this id", ja="この ID の利用者はいません")
    return id


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), 200, NOT_KEPT, JSON.content_type)
