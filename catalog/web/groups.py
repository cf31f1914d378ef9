"""Groups over HTTP: whom rights are given to together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import NotFound
from catalog.web.forms import Sheet, carry_out, kept_language, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, USUAL, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.session import FORM
from catalog.web.sharing import TAG
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.questions.reader import Reader

routes = Routes()

GROUP: Final = Parameter("group", "The group's id.", place="path", example="group:bl01-users")
GROUP_EXAMPLE: Final = {
    "id": "group:bl01-users",
    "name": "Users of BL01",
    "members": [
        {"id": "person:5d2c0a7be1f04c39", "kind": "person", "name": "Haruka Ito", "manages": True, "until": None}
    ],
    "claims": [{"issuer": "spring8", "value": "bl01"}],
    "next": None,
}
HOLDER_EXAMPLE: Final = {"id": "group:bl01-users", "kind": "group", "name": "Users of BL01"}
DONE: Final[Mapping[str, Mapping[Language, str]]] = {
    "kept": {"en": "Kept.", "ja": "保存しました。"},
    "ended": {"en": "Taken out.", "ja": "外しました。"},
}
PROBLEMS: Final = (400, 403, 404, 409, 413, 415, 422)


def _group_in(request: Request) -> str:
    return group_named(str(request.path_params["group"]))


def group_named(told: str) -> str:
    """The id of a group that is named by it, or without what such ids begin with; NotFound if none bears it."""
    # The commands take the name alone, too.
    id = "group:" + told.removeprefix("group:")
    if not re.fullmatch(r"group:[a-z0-9._-]{1,64}", id):
        name = ascii(id.removeprefix("group:"))[1:-1]
        raise NotFound(
            f"there is no group {name:.80} that you may see", ja=f"閲覧できるグループ {name:.80} はありません"
        )
    return id


@routes.add(
    Operation(
        "GET",
        "/groups",
        "groups",
        TAG,
        "The groups",
        "グループの一覧",
        "Those that you are in; every group for administrators.",
        {200: Answer("The groups.", (JSON, HTML), {"items": [HOLDER_EXAMPLE], "next": None})},
        (400, 406, 422),
        (LIMIT, CURSOR, FORMAT),
    )
)
async def groups(request: Request) -> Response:
    """The groups that one is in."""
    said = asked(request)
    site = site_of(request)
    sheet = _listed(site, site.reader(request), said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet)
    return told(await site.in_thread(sheet.values))


def _listed(site: Site, reader: Reader, limit: int = USUAL, cursor: str | None = None) -> Sheet:
    def values() -> dict[str, Any]:
        found = site.catalog.groups.list(reader, cursor=cursor, limit=limit)
        return {"items": [each.document() for each in found.items], "next": found.next}

    return Sheet("groups.html", values)


@routes.add(
    Operation(
        "POST",
        "/groups",
        "make-group",
        TAG,
        "Make a group",
        "グループを作る",
        "By anybody who is signed in, who looks after it then. Its id is `group:` and its name, which stays its own for ever.",
        {
            201: Answer("It is made.", (JSON,), GROUP_EXAMPLE, {"Location": "Its address."}),
            303: Answer("By a form: it is made; on to its page."),
        },
        (400, 403, 409, 413, 415, 422),
        (),
        Body(
            "Its name, and what it is called.",
            {
                "application/json": {"name": "bl01-users", "title": "Users of BL01"},
                FORM: "csrf=q3bX&name=bl01-users&title=Users+of+BL01",
            },
        ),
    )
)
async def make_group(request: Request) -> Response:
    """Make a group."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await said_in(request, of={"name": str, "title": str}, required=("name",))
    return await carry_out(
        request,
        site.in_thread(site.catalog.groups.create, said["name"], said.get("title", said["name"]), reader),
        _listed(site, reader),
        to=lambda made: f"groups/{made.id}",
        document=lambda made: made.document(),
        status=201,
        headers=lambda made: {"Location": f"{site.root}groups/{made.id}"},
    )


@routes.add(
    Operation(
        "GET",
        "/groups/{group}",
        "group",
        TAG,
        "One group",
        "グループの構成員",
        "Who is in it, page by page; for those who are in it themselves, look after it, or administer the catalogue.",
        {200: Answer("The group.", (JSON, HTML), GROUP_EXAMPLE)},
        (400, 404, 406, 422),
        (
            GROUP,
            LIMIT,
            CURSOR,
            Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)}),
            FORMAT,
        ),
    )
)
async def group(request: Request) -> Response:
    """One group."""
    site, said = site_of(request), asked(request)
    sheet = _sheet(site, _group_in(request), site.reader(request), said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet, done=DONE[said["done"]][language_for(request)] if "done" in said else None)
    return told((await site.in_thread(sheet.values))["group"])


def _sheet(site: Site, id: str, reader: Reader, limit: int = USUAL, cursor: str | None = None) -> Sheet:
    def values() -> dict[str, Any]:
        found = site.catalog.groups.find(id, reader, cursor=cursor, limit=limit)
        return {
            "group": found.document(),
            "manages": found.looked_after,
            "administers": reader.administrator,
            "me": reader.person,
        }

    return Sheet("group.html", values)


async def _change(request: Request, change: Callable[[str, Reader], Any], what: str) -> Response:
    """Change a group, and answer with what it is then."""
    site, id = site_of(request), _group_in(request)
    reader = site.reader(request)

    def changed() -> Any:
        change(id, reader)
        return site.catalog.groups.find(id, reader).document()

    return await carry_out(
        request,
        site.in_thread(changed),
        _sheet(site, id, reader),
        to=lambda _: f"groups/{id}?done={what}{kept_language(request)}",
        document=lambda made: made,
    )


async def _go(request: Request, go: Callable[[str, Reader], Any], word: str) -> Response:
    """Do something after which one is in a group no more, or nobody is."""
    site, id = site_of(request), _group_in(request)
    reader = site.reader(request)
    return await carry_out(
        request,
        site.in_thread(go, id, reader),
        _sheet(site, id, reader),
        to=lambda _: "groups",
        document=lambda _: {word: id},
    )


def _changing(path: str, name: str, summary: str, ja: str, about: str, json: Any, form: str) -> Operation:
    return Operation(
        "POST",
        path,
        name,
        TAG,
        summary,
        ja,
        about,
        {200: Answer("The group as it is now.", (JSON,), GROUP_EXAMPLE), 303: Answer("By a form: back to the page.")},
        PROBLEMS,
        (GROUP,),
        Body("What is said.", {"application/json": json, FORM: form}),
    )


@routes.add(
    _changing(
        "/groups/{group}/members",
        "add-member",
        "Let somebody be in a group",
        "構成員を追加する",
        "A person, another group or a workload, by id, by whoever looks after the group; said again, it is set anew.",
        {"member": "person:5d2c0a7be1f04c39", "manages": False, "until": "2027-04-01"},
        "csrf=q3bX&member=person%3A5d2c0a7be1f04c39",
    )
)
async def add_member(request: Request) -> Response:
    """Let somebody be in a group."""
    asked(request)
    said = await said_in(request, of={"member": str, "manages": bool, "until": str}, required=("member",))
    add = site_of(request).catalog.groups.add
    return await _change(
        request,
        lambda id, reader: add(
            id, said["member"].strip(), reader, manages=said.get("manages", False), until=said.get("until")
        ),
        "kept",
    )


@routes.add(
    _changing(
        "/groups/{group}/members/end",
        "end-member",
        "Let somebody be in a group no more",
        "構成員を外す",
        "By whoever looks after it, and by everybody for themselves. Who is left the last of those who manage a scope through it "
        "stays (409).",
        {"member": "person:5d2c0a7be1f04c39"},
        "csrf=q3bX&member=person%3A5d2c0a7be1f04c39",
    )
)
async def end_member(request: Request) -> Response:
    """Let somebody be in a group no more."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"member": str}, required=("member",))
    remove = site.catalog.groups.remove
    if said["member"] != site.reader(request).person:
        return await _change(request, lambda id, reader: remove(id, said["member"], reader), "ended")
    return await _go(request, lambda id, reader: remove(id, said["member"], reader), "left")


@routes.add(
    _changing(
        "/groups/{group}/claims",
        "add-claim",
        "Let an issuer say who is in a group",
        "発行者のグループと対応付ける",
        "Whoever signs in by this issuer and has this value among the groups that it tells is in the group; administrators say so.",
        {"issuer": "spring8", "value": "bl01"},
        "csrf=q3bX&issuer=spring8&value=bl01",
    )
)
async def add_claim(request: Request) -> Response:
    """Let an issuer say who is in a group."""
    asked(request)
    said = await said_in(request, of={"issuer": str, "value": str}, required=("issuer", "value"))
    claim = site_of(request).catalog.groups.claim
    return await _change(request, lambda id, reader: claim(id, said["issuer"], said["value"], reader), "kept")


@routes.add(
    _changing(
        "/groups/{group}/claims/end",
        "end-claim",
        "Let an issuer say so no more",
        "対応付けを解除する",
        "Administrators say so.",
        {"issuer": "spring8", "value": "bl01"},
        "csrf=q3bX&issuer=spring8&value=bl01",
    )
)
async def end_claim(request: Request) -> Response:
    """Let an issuer say no more who is in a group."""
    asked(request)
    said = await said_in(request, of={"issuer": str, "value": str}, required=("issuer", "value"))
    unclaim = site_of(request).catalog.groups.unclaim
    return await _change(request, lambda id, reader: unclaim(id, said["issuer"], said["value"], reader), "ended")


@routes.add(
    Operation(
        "POST",
        "/groups/{group}/end",
        "end-group",
        TAG,
        "Dissolve a group",
        "グループを解散する",
        "Nobody holds anything through it any more, and no other group gets its name. Refused while nobody else manages a scope "
        "that it manages (409).",
        {
            200: Answer("It is dissolved.", (JSON,), {"ended": "group:bl01-users"}),
            303: Answer("By a form: it is dissolved; back to the list."),
        },
        PROBLEMS,
        (GROUP,),
    )
)
async def end_group(request: Request) -> Response:
    """Dissolve a group."""
    asked(request)
    await said_in(request, of={})
    return await _go(request, site_of(request).catalog.groups.end, "ended")
