"""Who may see a scope and do what in it: Everyone or Limited, and a table of those who were let in, as the portal of a facility draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Conflict, Forbidden, Malformed, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.web.forms import by_form, refused, said_in, see
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.scopes import SCOPE
from catalog.web.session import FORM
from catalog.web.sign_in import NOT_KEPT
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.grants import Permission

routes = Routes()

TAG: Final = "Sharing"
PERMISSION: Final = Parameter("permission", "The permission's id.", place="path", example="8c1f0b5d2e7a4936")
PERMISSION_EXAMPLE: Final = {
    "id": "8c1f0b5d2e7a4936",
    "scope": "spring8/2026A1234",
    "right": "read",
    "holder": {"id": "person:5d2c0a7be1f04c39", "kind": "person", "name": "Haruka Ito"},
    "from": None,
    "until": "2027-04-01T00:00:00.000000Z",
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "person:0a7be1f04c395d2c",
    "why": None,
    "endedAt": None,
    "endedBy": None,
}
SHARING_EXAMPLE: Final = {
    "scope": "spring8/2026A1234",
    "mode": "limited",
    "set": "limited",
    "may": ["read", "download", "share", "manage"],
    "holders": [
        {
            "holder": PERMISSION_EXAMPLE["holder"],
            "rights": ["read"],
            "from": None,
            "until": "2027-04-01T00:00:00.000000Z",
            "uniform": True,
            "yours": False,
            "permissions": [PERMISSION_EXAMPLE],
        }
    ],
    "above": [],
    "links": [],
    "requests": 0,
}
GIVEN: Final[Mapping[str, Any]] = {
    "holder": "person:5d2c0a7be1f04c39",
    "rights": ["read", "download"],
    "until": "2027-04-01",
}
GIVEN_BY_FORM: Final = "csrf=q3bX&holder=ito&read=true&download=true&until=2027-04-01"
# What was done on this page a moment ago, as its address says it.
DONE: Final[Mapping[str, Mapping[Language, str]]] = {
    "kept": {"en": "Kept; it holds from now on, everywhere.", "ja": "保存しました。ただちに全体に反映されます。"},
    "given": {"en": "They may, from now on.", "ja": "権限を付与しました。"},
    "ended": {"en": "Taken back, at once and everywhere.", "ja": "取り消しました。ただちに全体に反映されます。"},
}
_GRANTED: Final[Mapping[str, type]] = {"holder": str, "from": str, "until": str, "why": str}
_TICKED: Final[Mapping[str, type]] = dict.fromkeys(RIGHTS, bool)


def scope_in(request: Request) -> str:
    """The scope that the address names."""
    id = str(request.path_params["scope"])
    if not id.isascii() or not id.isprintable():
        raise NotFound("There is no such scope.", ja="そのスコープはありません。")
    return id


async def told_rights(
    request: Request, of: Mapping[str, type], *, required: tuple[str, ...] = ()
) -> tuple[dict[str, Any], tuple[Right, ...] | None]:
    """What a body says, and the rights in it: a list in JSON, a box for each in a form; None if JSON names none."""
    if by_form(request):
        said = await said_in(request, of={**of, **_TICKED}, required=required)
        return said, tuple(right for right in RIGHTS if said.pop(right, False))
    said = await said_in(request, of={**of, "rights": list}, required=required)
    named = said.pop("rights", None)
    if named is not None and not all(right in RIGHTS for right in named):
        raise Malformed(f"rights: there are {', '.join(RIGHTS)}.", ja=f"rights: {', '.join(RIGHTS)} があります。")
    return said, None if named is None else tuple(dict.fromkeys(named))


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}/sharing",
        "sharing",
        TAG,
        "Who may see a scope and do what in it",
        "スコープの共有設定",
        "Everyone or Limited, and who was let in, here and above; for whoever manages the scope or may share it.",
        {200: Answer("The sharing.", (JSON, HTML), SHARING_EXAMPLE)},
        (400, 403, 404, 406),
        (SCOPE, Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)}), FORMAT),
    )
)
async def sharing(request: Request) -> Response:
    """Who may see a scope and do what in it."""
    site, said = site_of(request), asked(request)
    reader, id = site.reader(request), scope_in(request)
    form = form_for(request, (JSON, HTML))
    told = await site.in_thread(_told, site, id, reader)
    if form is HTML:
        done = DONE[said["done"]][language_for(request)] if "done" in said else None
        return _page(request, told, done=done)
    return Response(orjson.dumps(_answer(told)), 200, NOT_KEPT, JSON.content_type)


def _page(request: Request, told: Mapping[str, Any], **more: Any) -> Response:
    site = site_of(request)
    values = {"problem": None, "done": None, "confirm": False, **told, **more}
    return page(request, site.pages, site.root, "sharing.html", headers=NOT_KEPT, **values)


def _told(site: Site, id: str, reader: Reader) -> dict[str, Any]:
    """What the page shows."""
    catalog = site.catalog
    permissions = catalog.grants.of_scope(id, reader)
    found = catalog.scopes.known(id, reader)
    may = catalog.scopes.may(found, reader)
    manages = "manage" in may
    here = [each for each in permissions if each.scope == id and each.holder.kind != "link"]
    above = [each for each in permissions if each.scope != id and each.holder.kind != "link"]
    waiting = [each for each in catalog.requests.of_scope(id, reader) if each.state == "open"] if manages else []
    return {
        "scope": found.document(),
        "may": may,
        "rows": _rows(here, reader, manages=manages),
        "above": _rows(above, reader, manages=False),
        "links": [each.document() for each in catalog.links.of_scope(id, reader)],
        "waiting": [each.document() for each in waiting],
        "groups": [each.document() for each in catalog.groups.list(reader)],
    }


def _rows(permissions: Sequence[Permission], reader: Reader, *, manages: bool) -> list[dict[str, Any]]:
    """A row for everybody who holds something in a scope."""
    rows: dict[tuple[str, str], list[Permission]] = {}
    for each in permissions:
        rows.setdefault((each.scope, each.holder.id), []).append(each)
    told = []
    for (scope_id, _), held in rows.items():
        times = {(each.since, each.until) for each in held}
        begin, end = next(iter(times)) if len(times) == 1 else (None, None)
        rights = {each.right for each in held}
        told.append(
            {
                "scope": scope_id,
                "holder": held[0].holder.document(),
                "rights": [right for right in RIGHTS if right in rights],
                "from": begin,
                "until": end,
                # Whether all of it holds for the same time, so that it can be set in one go.
                "uniform": len(times) == 1,
                "yours": held[0].holder.id == reader.person,
                "mayEnd": manages or all(each.by == reader.id for each in held),
                "permissions": [each.document() for each in held],
            }
        )
    return sorted(told, key=lambda row: (row["scope"], row["holder"]["name"], row["holder"]["id"]))


def _answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a program is told it."""

    def plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name not in ("scope", "mayEnd")} for row in rows]

    found = told["scope"]
    return {
        "scope": found["id"],
        "mode": found["mode"],
        "set": found["set"].get("mode"),
        "may": list(told["may"]),
        "holders": plain(told["rows"]),
        "above": [
            {"scope": row["scope"], **made} for row, made in zip(told["above"], plain(told["above"]), strict=True)
        ],
        "links": told["links"],
        "requests": len(told["waiting"]),
    }


@routes.add(
    Operation(
        "POST",
        "/scopes/{scope:path}/sharing",
        "set-sharing",
        TAG,
        "Set who may see a scope and do what in it",
        "共有設定を変更する",
        "Either the `mode` (`everyone`, `limited`, or `inherit`: as the scope above has it), by whoever manages the scope; or "
        "what somebody may here: exactly these rights from now on, none of them if the list is empty. A holder is named by id; "
        "whoever manages the scope may also name a person by sign-in name or ORCID. Who may only share leaves alone what "
        "others gave. The last who manages a scope stays (409).",
        {
            200: Answer("It is so, at once and everywhere.", (JSON,), SHARING_EXAMPLE),
            303: Answer("By a form: it is so; back to the page."),
        },
        (400, 403, 404, 409, 413, 415, 422),
        (SCOPE,),
        Body(
            "The mode, or a holder with their rights.",
            {"application/json": GIVEN, FORM: "csrf=q3bX&mode=limited"},
        ),
    )
)
async def set_sharing(request: Request) -> Response:
    """Set the mode, or what somebody may in a scope."""
    asked(request)
    site, id = site_of(request), scope_in(request)
    reader = site.reader(request)
    said, rights = await told_rights(request, {**_GRANTED, "mode": str, "confirm": bool})
    if ("mode" in said) == ("holder" in said):
        raise Malformed("Say either a mode or a holder.", ja="mode か holder のどちらか一方を指定してください。")

    def change() -> None:
        if "mode" in said:
            mode = None if said["mode"] == "inherit" else said["mode"]
            site.catalog.scopes.change(id, reader, mode=mode, confirmed=said.get("confirm", False))
            return
        if rights is None:
            raise Malformed("rights is missing.", ja="rights がありません。")
        site.catalog.grants.settle(id, rights, said["holder"], reader, **_when(said))

    try:
        await site.in_thread(change)
    except CatalogError as error:
        confirm = isinstance(error, Conflict) and "mode" in said
        return await _not_done(request, id, error, confirm=confirm)
    if said.get("holder") == reader.person and not {"manage", "share"} & set(rights or ()):
        # Whoever has left can't see the page any more.
        return _left(request, id)
    return await _done(request, id, "kept")


def _when(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"since": said.get("from"), "until": said.get("until"), "why": said.get("why")}


def _left(request: Request, id: str) -> Response:
    if by_form(request):
        return see(f"{site_of(request).root}scopes")
    return Response(orjson.dumps({"scope": id, "left": True}), 200, NOT_KEPT, JSON.content_type)


async def _done(request: Request, id: str, what: str) -> Response:
    site = site_of(request)
    if by_form(request):
        return see(f"{site.root}scopes/{id}/sharing?done={what}{kept_language(request)}")
    told = await site.in_thread(_told, site, id, site.reader(request))
    return Response(orjson.dumps(_answer(told)), 200, NOT_KEPT, JSON.content_type)


async def _not_done(request: Request, id: str, error: CatalogError, **more: Any) -> Response:
    if not by_form(request) or isinstance(error, Forbidden):
        raise error
    site = site_of(request)
    told = await site.in_thread(_told, site, id, site.reader(request))
    return refused(request, "sharing.html", error, **{"done": None, "confirm": False, **told, **more})


def kept_language(request: Request) -> str:
    """The language that was chosen by address, for the address to go on to."""
    keep = request.query_params.get("lang")
    return f"&lang={keep}" if keep in ("en", "ja") else ""


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}/permissions",
        "permissions",
        TAG,
        "Who was given what in a scope",
        "スコープの権限一覧",
        "What holds now or will, in the scope and above it, where it counts too; for whoever manages the scope or may share it.",
        {200: Answer("The permissions.", (JSON,), {"items": [PERMISSION_EXAMPLE]})},
        (403, 404, 406),
        (SCOPE,),
    )
)
async def permissions(request: Request) -> Response:
    """Who was given what."""
    asked(request)
    site, id = site_of(request), scope_in(request)
    form_for(request, (JSON,))
    found = await site.in_thread(site.catalog.grants.of_scope, id, site.reader(request))
    return Response(_items(found), 200, NOT_KEPT, JSON.content_type)


def _items(found: Sequence[Permission]) -> bytes:
    return orjson.dumps({"items": [each.document() for each in found]})


@routes.add(
    Operation(
        "POST",
        "/scopes/{scope:path}/permissions",
        "grant",
        TAG,
        "Let somebody do something in a scope",
        "権限を付与する",
        "In the scope and below it, beside what they may already. Whoever manages the scope gives every right; whoever may share "
        "it gives `read` and `download`, as far and as long as they hold them themselves. A holder is a person, a group, a "
        "workload, `signed-in` or `everyone`, by id; whoever manages the scope may also name a person by sign-in name or ORCID.",
        {
            201: Answer("They may.", (JSON,), {"items": [PERMISSION_EXAMPLE]}),
            303: Answer("By a form: they may; back to the page."),
        },
        (400, 403, 404, 413, 415, 422),
        (SCOPE,),
        Body("To whom, what, and for how long.", {"application/json": GIVEN, FORM: GIVEN_BY_FORM}),
    )
)
async def grant(request: Request) -> Response:
    """Let somebody do something in a scope."""
    asked(request)
    site, id = site_of(request), scope_in(request)
    reader = site.reader(request)
    said, rights = await told_rights(request, _GRANTED, required=("holder",))
    if rights is None:
        raise Malformed("rights is missing.", ja="rights がありません。")
    try:
        given = await site.in_thread(site.catalog.grants.grant, id, rights, said["holder"], reader, **_when(said))
    except CatalogError as error:
        return await _not_done(request, id, error)
    if by_form(request):
        return await _done(request, id, "given")
    return Response(_items(given), 201, NOT_KEPT, JSON.content_type)


@routes.add(
    Operation(
        "POST",
        "/permissions/{permission}/end",
        "end-permission",
        TAG,
        "Take a right back",
        "権限を取り消す",
        "Whoever manages the scope takes back any, who shared it their own, and everybody may give up what they hold. The last "
        "who manages a scope stays (409).",
        {
            200: Answer("It has ended, at once and everywhere.", (JSON,), PERMISSION_EXAMPLE),
            303: Answer("By a form: it has ended; back to the page."),
        },
        (400, 403, 404, 409, 413, 415, 422),
        (PERMISSION,),
        Body(
            "Why, if it is to be known.", {"application/json": {"why": "has left"}, FORM: "csrf=q3bX"}, required=False
        ),
    )
)
async def end_permission(request: Request) -> Response:
    """Take a right back."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await said_in(request, of={"why": str})
    id = str(request.path_params["permission"])
    if not id.isascii() or not id.isalnum():
        raise NotFound("There is no such permission.", ja="その権限はありません。")
    ended = await site.in_thread(site.catalog.grants.revoke, id, reader, why=said.get("why"))
    if by_form(request):
        return (
            _left(request, ended.scope) if ended.holder.id == reader.id else await _done(request, ended.scope, "ended")
        )
    return Response(orjson.dumps(ended.document()), 200, NOT_KEPT, JSON.content_type)
