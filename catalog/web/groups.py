"""Groups over HTTP: whom rights are given to together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Forbidden, NotFound
from catalog.web.forms import by_form, refused, said_in, see
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.session import FORM
from catalog.web.sharing import TAG, kept_language
from catalog.web.sign_in import NOT_KEPT
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.groups import Group
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
}
HOLDER_EXAMPLE: Final = {"id": "group:bl01-users", "kind": "group", "name": "Users of BL01"}
DONE: Final[Mapping[str, Mapping[Language, str]]] = {
    "kept": {"en": "Kept.", "ja": "保存しました。"},
    "ended": {"en": "Taken out.", "ja": "外しました。"},
}
PROBLEMS: Final = (400, 403, 404, 409, 413, 415, 422)


def _group_in(request: Request) -> str:
    id = str(request.path_params["group"])
    if not re.fullmatch(r"group:[a-z0-9._-]{1,64}", id):
        raise NotFound("There is no such group.", ja="そのグループはありません。")
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
        {200: Answer("The groups.", (JSON, HTML), {"items": [HOLDER_EXAMPLE]})},
        (400, 406),
        (FORMAT,),
    )
)
async def groups(request: Request) -> Response:
    """The groups that one is in."""
    asked(request)
    site = site_of(request)
    form = form_for(request, (JSON, HTML))
    told = await site.in_thread(_listed, site, site.reader(request))
    if form is HTML:
        return page(request, site.pages, site.root, "groups.html", headers=NOT_KEPT, problem=None, **told)
    return _json(told)


def _listed(site: Site, reader: Reader) -> dict[str, Any]:
    return {"items": [each.document() for each in site.catalog.groups.list(reader)]}


def _json(told: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(told), status, {**NOT_KEPT, **(headers or {})}, JSON.content_type)


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
    try:
        title = said.get("title", said["name"])
        made = await site.in_thread(site.catalog.groups.create, said["name"], title, reader)
    except CatalogError as error:
        if not by_form(request) or isinstance(error, Forbidden):
            raise
        return refused(request, "groups.html", error, **await site.in_thread(_listed, site, reader))
    if by_form(request):
        return see(f"{site.root}groups/{made.id}")
    return _json(made.document(), 201, {"Location": f"{site.root}groups/{made.id}"})


@routes.add(
    Operation(
        "GET",
        "/groups/{group}",
        "group",
        TAG,
        "One group",
        "グループの構成員",
        "Who is in it; for those who are in it themselves, look after it, or administer the catalogue.",
        {200: Answer("The group.", (JSON, HTML), GROUP_EXAMPLE)},
        (400, 404, 406),
        (GROUP, Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)}), FORMAT),
    )
)
async def group(request: Request) -> Response:
    """One group."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    found = await site.in_thread(site.catalog.groups.find, _group_in(request), reader)
    if form is not HTML:
        return _json(found.document())
    done = DONE[said["done"]][language_for(request)] if "done" in said else None
    return page(
        request, site.pages, site.root, "group.html", headers=NOT_KEPT, problem=None, done=done, **_shown(found, reader)
    )


def _shown(found: Group, reader: Reader) -> dict[str, Any]:
    looks_after = any(each.manages and each.holder.id == reader.person for each in found.members)
    return {
        "group": found.document(),
        "manages": reader.administrator or looks_after,
        "administers": reader.administrator,
        "me": reader.person,
    }


async def _change(request: Request, change: Callable[[str, Reader], Any], what: str) -> Response:
    """Change a group, and answer with what it is then; with where one goes on if one has left it."""
    site, id = site_of(request), _group_in(request)
    reader = site.reader(request)
    try:
        await site.in_thread(change, id, reader)
    except CatalogError as error:
        if not by_form(request) or isinstance(error, Forbidden):
            raise
        found = await site.in_thread(site.catalog.groups.find, id, reader)
        return refused(request, "group.html", error, done=None, **_shown(found, reader))
    if by_form(request):
        return see(f"{site.root}groups/{id}?done={what}{kept_language(request)}")
    return _json((await site.in_thread(site.catalog.groups.find, id, reader)).document())


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
    id = _group_in(request)
    await site.in_thread(remove, id, said["member"], site.reader(request))
    return see(f"{site.root}groups") if by_form(request) else _json({"left": id})


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
    site, id = site_of(request), _group_in(request)
    reader = site.reader(request)
    await said_in(request, of={})
    try:
        await site.in_thread(site.catalog.groups.end, id, reader)
    except CatalogError as error:
        if not by_form(request) or isinstance(error, Forbidden | NotFound):
            raise
        found = await site.in_thread(site.catalog.groups.find, id, reader)
        return refused(request, "group.html", error, done=None, **_shown(found, reader))
    return see(f"{site.root}groups") if by_form(request) else _json({"ended": id})
