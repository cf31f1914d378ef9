"""Who may see a scope and do what in it: Everyone or Limited, and a table of those who were let in, as the portal of a facility draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Malformed, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.web.forms import Sheet, by_form, carry_out, kept_language, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, USUAL, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.scopes import SCOPE
from catalog.web.session import FORM
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
    "next": None,
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
    return scope_named(str(request.path_params["scope"]))


def scope_named(id: str) -> str:
    """The id, if a scope may bear it; NotFound if none does."""
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
        "Everyone or Limited, and who was let in, here and above, page by page (a page holds so many people and groups, those let "
        "in here first); for whoever manages the scope or may share it. `links` are the newest; `/shared-links` tells all.",
        {200: Answer("The sharing.", (JSON, HTML), SHARING_EXAMPLE)},
        (400, 403, 404, 406, 422),
        (
            SCOPE,
            LIMIT,
            CURSOR,
            Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)}),
            FORMAT,
        ),
    )
)
async def sharing(request: Request) -> Response:
    """Who may see a scope and do what in it."""
    site, said = site_of(request), asked(request)
    sheet = _sheet(site, scope_in(request), site.reader(request), said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet, done=DONE[said["done"]][language_for(request)] if "done" in said else None)
    return told(_answer(await site.in_thread(sheet.values)))


def _sheet(site: Site, id: str, reader: Reader, limit: int = USUAL, cursor: str | None = None) -> Sheet:
    return Sheet("sharing.html", lambda: _told(site, id, reader, limit, cursor))


def _told(site: Site, id: str, reader: Reader, limit: int, cursor: str | None) -> dict[str, Any]:
    """What the page shows."""
    catalog = site.catalog
    page = catalog.grants.holders_in(id, reader, cursor=cursor, limit=limit)
    found = catalog.scopes.find(id, reader)
    may = catalog.scopes.may(found, reader)
    manages = "manage" in may
    links = catalog.links.of_scope(id, reader, limit=limit)
    return {
        "scope": found.document(),
        "may": may,
        "rows": [_row(held, reader, manages=manages) for held in page.items if held[0].scope == id],
        "above": [_row(held, reader, manages=False) for held in page.items if held[0].scope != id],
        "next": page.next,
        "first": cursor is None,
        "links": [each.document() for each in links.items],
        "more_links": links.next is not None,
        "waiting": catalog.requests.open_in(id, reader) if manages else 0,
        "groups": [each.document() for each in catalog.groups.list(reader).items],
        "confirm": False,
        "whom": "",
    }


def _row(held: Sequence[Permission], reader: Reader, *, manages: bool) -> dict[str, Any]:
    """What somebody holds in one scope, as a row of the table."""
    times = {(each.since, each.until) for each in held}
    begin, end = next(iter(times)) if len(times) == 1 else (None, None)
    rights = {each.right for each in held}
    return {
        "scope": held[0].scope,
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


def _answer(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a program is told it."""

    def plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name not in ("scope", "mayEnd")} for row in rows]

    found = shown["scope"]
    return {
        "scope": found["id"],
        "mode": found["mode"],
        "set": found["set"].get("mode"),
        "may": list(shown["may"]),
        "holders": plain(shown["rows"]),
        "above": [
            {"scope": row["scope"], **made} for row, made in zip(shown["above"], plain(shown["above"]), strict=True)
        ],
        "links": shown["links"],
        "requests": shown["waiting"],
        "next": shown["next"],
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

    return await _set(
        request,
        id,
        change,
        "kept",
        # Whoever has left can't see the page any more.
        left=said.get("holder") == reader.person and not {"manage", "share"} & set(rights or ()),
        typed={"confirm": "mode" in said},
    )


def _when(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"since": said.get("from"), "until": said.get("until"), "why": said.get("why")}


async def _set(
    request: Request,
    id: str,
    change: Callable[[], Any],
    what: str,
    *,
    left: bool = False,
    document: Callable[[Any], Any] | None = None,
    status: int = 200,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """Change what the page shows; a program is told what it shows then, or the `document` of what was made."""
    site = site_of(request)
    sheet = _sheet(site, id, site.reader(request))

    def changed() -> Any:
        made = change()
        if document is not None:
            return document(made)
        return {"scope": id, "left": True} if left else _answer(sheet.values())

    return await carry_out(
        request,
        site.in_thread(changed),
        sheet,
        to=lambda _: "scopes" if left else f"scopes/{id}/sharing?done={what}{kept_language(request)}",
        document=lambda made: made,
        status=status,
        typed=typed,
    )


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}/permissions",
        "permissions",
        TAG,
        "Who was given what in a scope",
        "スコープの権限一覧",
        "What holds now or will, in the scope and above it, where it counts too; for whoever manages the scope or may share it.",
        {200: Answer("The permissions.", (JSON,), {"items": [PERMISSION_EXAMPLE], "next": None})},
        (400, 403, 404, 406, 422),
        (SCOPE, LIMIT, CURSOR),
    )
)
async def permissions(request: Request) -> Response:
    """Who was given what."""
    said = asked(request)
    site, id = site_of(request), scope_in(request)
    form_for(request, (JSON,))
    of_scope = site.catalog.grants.page_of_scope
    page = await site.in_thread(of_scope, id, site.reader(request), cursor=said.get("cursor"), limit=said["limit"])
    return told({"items": [each.document() for each in page.items], "next": page.next})


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
    given, when = rights, _when(said)
    return await _set(
        request,
        id,
        lambda: site.catalog.grants.grant(id, given, said["holder"], reader, **when),
        "given",
        document=lambda given: {"items": [each.document() for each in given]},
        status=201,
        typed={"whom": said["holder"]},
    )


def permission_named(id: str) -> str:
    """The id, if a permission may bear it; NotFound if none does."""
    if not id.isascii() or not id.isalnum():
        raise NotFound("There is no such permission.", ja="その権限はありません。")
    return id


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
    said = await said_in(request, of={"why": str, "scope": str} if by_form(request) else {"why": str})
    id = permission_named(str(request.path_params["permission"]))

    def to(ended: Permission) -> str:
        left = ended.holder.id == reader.id
        return "scopes" if left else f"scopes/{ended.scope}/sharing?done=ended{kept_language(request)}"

    return await carry_out(
        request,
        site.in_thread(site.catalog.grants.revoke, id, reader, why=said.get("why")),
        # The page that a form was sent from, which names the scope that it is of.
        _sheet(site, said.get("scope", ""), reader),
        to=to,
        document=lambda ended: ended.document(),
    )
