"""Links that open a scope to whoever has them: made and taken back by who may share it, opened by anybody.

What a link is stands behind the # of its address, which browsers keep to themselves: no server, proxy or log is told of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Malformed
from catalog.web.forms import Sheet, by_form, carry_out, refused, said_in, see, shown, to_page, told
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, USUAL, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import address
from catalog.web.session import FORM, LINK
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.links import Link
    from catalog.access.once import Made

routes = Routes()

TAG: Final = "Sharing"
SCOPE: Final = Parameter("scope", "The scope's id.", required=True, example="spring8/2026A1234/seq-1")
LINK_EXAMPLE: Final = {
    "id": "link:9e0b7d5c1a2f4836",
    "name": "Reviewers of the Nature manuscript",
    "scope": "spring8/2026A1234/seq-1",
    "rights": ["read", "download"],
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "person:5d2c0a7be1f04c39",
    "until": "2026-10-01T00:00:00.000000Z",
    "usedAt": None,
}
LIST_EXAMPLE: Final = {"items": [LINK_EXAMPLE], "next": None}
MADE_EXAMPLE: Final = {**LINK_EXAMPLE, "token": "mlk_…", "address": "https://catalogue.example.org/link#mlk_…"}
SAID_EXAMPLE: Final = {
    "scope": "spring8/2026A1234/seq-1",
    "name": "Reviewers of the Nature manuscript",
    "rights": ["read", "download"],
    "until": "2026-10-01",
}


@routes.add(
    Operation(
        "GET",
        "/shared-links",
        "shared-links",
        TAG,
        "The links to a scope",
        "スコープの共有リンク一覧",
        "All for whoever manages the scope, their own for who may share it; without what they are, which is kept nowhere.",
        {200: Answer("The links.", (JSON, HTML), LIST_EXAMPLE)},
        (400, 403, 404, 406, 422),
        (SCOPE, LIMIT, CURSOR, FORMAT),
    )
)
async def links(request: Request) -> Response:
    """The links to a scope."""
    said = asked(request)
    sheet = _sheet(request, said["scope"], said["limit"], said.get("cursor"))
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet)
    values = await site_of(request).in_thread(sheet.values)
    return told({"items": values["items"], "next": values["next"]})


@routes.add(
    Operation(
        "POST",
        "/shared-links",
        "make-link",
        TAG,
        "Make a link to a scope",
        "共有リンクを作成する",
        "Whoever has it reads what lies in the scope and below it (`read`), and its files (`download`), without an account and "
        "until it ends (366 days at most). Made by whoever manages the scope, or by who may share it, with no more than they hold.",
        {201: Answer("It is made: `token` and `address` are shown this once.", (JSON, HTML), MADE_EXAMPLE)},
        (400, 403, 404, 413, 415, 422),
        (),
        Body(
            "What it is to be.",
            {
                "application/json": SAID_EXAMPLE,
                FORM: "csrf=q3bX&scope=spring8%2F2026A1234&name=Reviewers&until=2026-10-01&download=true",
            },
        ),
    )
)
async def make_link(request: Request) -> Response:
    """Make a link to a scope."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    needed: dict[str, type] = {"scope": str, "name": str, "until": str}
    if by_form(request):
        said = await said_in(request, of={**needed, "download": bool}, required=tuple(needed))
        said["rights"] = ["read", "download"] if said.pop("download", False) else ["read"]
    else:
        said = await said_in(request, of={**needed, "rights": list}, required=(*needed, "rights"))
        if not all(isinstance(right, str) for right in said["rights"]):
            raise Malformed("rights is a list of strings.", ja="rights は文字列の配列です。")
    scope, make = said["scope"], site.catalog.links.make

    def document(made: Made[Link]) -> dict[str, Any]:
        return made_told(site, made)

    return await carry_out(
        request,
        site.in_thread(make, scope, reader, said["name"], rights=said["rights"], until=said["until"]),
        _sheet(request, scope),
        once=lambda made: {"made": document(made)},
        document=document,
        status=201,
        typed={"typed": said},
    )


@routes.add(
    Operation(
        "POST",
        "/shared-links/end",
        "end-link",
        TAG,
        "Take a link back",
        "共有リンクを取り消す",
        "It opens nothing at the next request. By whoever made it or manages the scope.",
        {
            200: Answer("It is taken back.", (JSON,), {"ended": "link:9e0b7d5c1a2f4836"}),
            303: Answer("By a form: it is taken back; on to the page of its scope."),
        },
        (400, 403, 404, 413, 415),
        (),
        Body(
            "Which one.",
            {
                "application/json": {"id": "link:9e0b7d5c1a2f4836"},
                FORM: "csrf=q3bX&id=link%3A9e0b7d5c1a2f4836&scope=spring8%2F2026A1234",
            },
        ),
    )
)
async def end_link(request: Request) -> Response:
    """Take a link back."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"id": str, "scope": str}, required=("id",))
    if by_form(request) and "scope" not in said:
        raise Malformed("scope is missing.", ja="scope がありません。")
    return await carry_out(
        request,
        site.in_thread(site.catalog.links.end, said["id"], site.reader(request)),
        _sheet(request, said.get("scope", "")),
        to=lambda _: address("", None, "shared-links", scope=said["scope"]),
        document=lambda _: {"ended": said["id"]},
    )


@routes.add(
    Operation(
        "GET",
        "/link",
        "link-page",
        TAG,
        "Open a link",
        "共有リンクを開く",
        "The page that a link leads to: what the link is stands behind the `#` of its address, and is sent from there by a form.",
        {200: Answer("The page.", (HTML,))},
        (400, 406),
        (FORMAT,),
    )
)
async def link_page(request: Request) -> Response:
    """The page that a link leads to."""
    asked(request)
    form_for(request, (HTML,))
    return await shown(request, Sheet("link.html"))


@routes.add(
    Operation(
        "POST",
        "/link",
        "open-link",
        TAG,
        "Use a link in a browser",
        "ブラウザーで共有リンクを使う",
        "From now on this browser also sees what the link is for, until it ends. Programs send it as `Authorization: Bearer mlk_…`.",
        {
            200: Answer("What it is for.", (JSON,), LINK_EXAMPLE, {"Set-Cookie": "The link, for the browser alone."}),
            303: Answer(
                "By a form: on to what it is for.", (), None, {"Set-Cookie": "The link, for the browser alone."}
            ),
        },
        (400, 403, 404, 413, 415),
        (),
        Body("The link.", {"application/json": {"token": "mlk_…"}, FORM: "token=mlk_…"}),
    )
)
async def open_link(request: Request) -> Response:
    """Use a link in a browser."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"token": str}, required=("token",))
    # Somebody may paste the whole address.
    value = said["token"].strip().rpartition("#")[2]
    try:
        found = await site.in_thread(site.catalog.links.opened, value)
    except CatalogError as error:
        return await refused(request, Sheet("link.html"), error)
    if to_page(request):
        response = see(address(site.root, None, "records", scope=found.scope))
    else:
        response = told({name: each for name, each in found.document().items() if name not in ("by", "usedAt")})
    site.doorkeeper.set_cookie(response, LINK, value)
    return response


@routes.add(
    Operation(
        "POST",
        "/link/forget",
        "forget-link",
        TAG,
        "Forget a link",
        "共有リンクの利用をやめる",
        "This browser sees what everybody sees again.",
        {200: Answer("Forgotten.", (JSON,), {"forgotten": True}), 303: Answer("By a form: back to the first page.")},
        (400, 403, 413, 415),
    )
)
async def forget_link(request: Request) -> Response:
    """Let a browser forget its link."""
    asked(request)
    site = site_of(request)
    await said_in(request, of={})
    response = see(site.root) if to_page(request) else told({"forgotten": True})
    site.doorkeeper.clear_cookie(response, LINK)
    return response


def made_told(site: Site, made: Made[Link]) -> dict[str, Any]:
    """A link that was just made, with what it is, which is told this once."""
    return {**made.what.document(), "token": made.value, "address": f"{site.catalog.base}link#{made.value}"}


def _sheet(request: Request, scope: str, limit: int = USUAL, cursor: str | None = None) -> Sheet:
    site = site_of(request)

    def values() -> dict[str, Any]:
        found = site.catalog.links.of_scope(scope, site.reader(request), cursor=cursor, limit=limit)
        items = [link.document() for link in found.items]
        return {"scope": scope, "items": items, "next": found.next, "made": None, "typed": {}}

    return Sheet("links.html", values)
