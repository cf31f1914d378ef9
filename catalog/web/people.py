"""The people of the catalogue, for those who administer it: invited, helped to a new password, ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Forbidden, NotFound
from catalog.questions.reader import Reader
from catalog.web.forms import Sheet, carry_out, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, USUAL, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.session import FORM
from catalog.web.sign_in import PERSON_EXAMPLE, TAG
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
    sheet = _sheet(site, site.reader(request), said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet)
    values = await site.in_thread(sheet.values)
    return told({"items": values["items"], "next": values["next"]})


def _sheet(site: Site, reader: Reader, limit: int = USUAL, after: str | None = None) -> Sheet:
    def values() -> dict[str, Any]:
        found = site.catalog.people.list(reader, after=after, limit=limit + 1)
        following = found[limit - 1].id if len(found) > limit else None
        return {"items": [person.document() for person in found[:limit]], "next": following, **_UNSAID}

    return Sheet("people.html", values)


_UNSAID: Final[dict[str, Any]] = {"made": None, "ended": None, "unmanaged": ()}


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
    return await _linked(request, lambda: site.catalog.accounts.invite(reader, **said), "invitation")


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
    make = site.catalog.accounts.reset_link
    return await _linked(request, lambda: make(_person(request, reader), reader), "reset")


async def _linked(request: Request, make: Callable[[], Link], word: str) -> Response:
    site = site_of(request)

    def document(link: Link) -> dict[str, Any]:
        return {"address": f"{site.catalog.base}{word}/{link.value}", "until": link.until}

    return await carry_out(
        request,
        site.in_thread(make),
        _sheet(site, site.reader(request)),
        once=lambda link: {"made": document(link)},
        document=document,
        status=201,
    )


@routes.add(
    Operation(
        "POST",
        "/people/{person}/end",
        "end-person",
        TAG,
        "Shut somebody out",
        "利用者を停止する",
        "Their sessions and tokens are worthless at the next request, and they hold no right any more. `unmanaged` names the "
        "scopes that this leaves without a manager of their own: whoever manages above them, or an administrator, names another.",
        {
            200: Answer(
                "They are shut out; as a page by a form, where scopes are left without a manager.",
                (JSON, HTML),
                {"ended": "person:5d2c0a7be1f04c39", "unmanaged": ["spring8/2026A1234"]},
            ),
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

    def end() -> dict[str, Any]:
        id = _person(request, reader)
        return {"ended": id, "unmanaged": site.catalog.people.end(id, reader)}

    return await _changed(request, end, once=lambda done: done if done["unmanaged"] else None)


async def _changed(
    request: Request,
    change: Callable[[], dict[str, Any]],
    once: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None,
) -> Response:
    site = site_of(request)
    return await carry_out(
        request,
        site.in_thread(change),
        _sheet(site, site.reader(request)),
        once=once,
        to=lambda _: "people",
        document=lambda made: made,
    )


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
    change = site.catalog.people.set_administrator
    return await _changed(request, lambda: change(_person(request, reader), said["administrator"], reader).document())


def _person(request: Request, reader: Reader) -> str:
    """The id in the address, for administrators; what can't be one is nobody's."""
    if not reader.administrator:
        raise Forbidden("people are looked after by administrators", ja="利用者を管理できるのは管理者のみです")
    id = str(request.path_params["person"])
    if not re.fullmatch(r"person:[0-9a-f]{1,64}", id):
        raise NotFound("there is nobody of this id", ja="この ID の利用者はいません")
    return id
