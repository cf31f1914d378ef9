"""API tokens: one's own, and those of sources; and who a token says that one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Malformed, NotFound
from catalog.questions.reader import RIGHTS, Reader
from catalog.web.forms import Sheet, by_form, carry_out, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.session import FORM
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.once import Made
    from catalog.access.tokens import Token

routes = Routes()

TAG: Final = "Programs"
SOURCE: Final = Parameter("source", "The source's id.", place="path", example="spring8")
TOKEN_EXAMPLE: Final = {
    "id": "7d1f0c2b9a4e6853",
    "name": "Beamline 02 loader",
    "owner": {"id": "person:5d2c0a7be1f04c39", "kind": "person", "name": "Haruka Ito"},
    "part": [{"right": "write", "scope": "spring8/2026A1234"}],
    "source": None,
    "agent": "agent/spring8/bl02b2-robot",
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "person:5d2c0a7be1f04c39",
    "until": "2027-04-01T00:00:00.000000Z",
    "usedAt": None,
    "usedFrom": None,
    "endedAt": None,
}
LIST_EXAMPLE: Final = {"items": [TOKEN_EXAMPLE]}
MADE: Final = Answer("It is made: `token` is shown this once.", (JSON, HTML), {**TOKEN_EXAMPLE, "token": "mst_…"})
SAID_EXAMPLE: Final = {
    "name": "Beamline 02 loader",
    "until": "2027-04-01",
    "part": [{"right": "write", "scope": "spring8/2026A1234"}],
    "agent": "agent/spring8/bl02b2-robot",
}
FORM_EXAMPLE: Final = "csrf=q3bX&name=Loader&until=2027-04-01&write=true&scope=spring8%2F2026A1234"
ENDED: Final = {
    200: Answer("It has ended.", (JSON,), {"ended": "7d1f0c2b9a4e6853"}),
    303: Answer("By a form: it has ended; back to the page."),
}


# --- one's own


@routes.add(
    Operation(
        "GET",
        "/account/tokens",
        "tokens",
        TAG,
        "One's own tokens",
        "自分のトークン一覧",
        "Those that have not ended, the newest first, without what they are: that is kept nowhere.",
        {200: Answer("The tokens.", (JSON, HTML), LIST_EXAMPLE)},
        (400, 403, 406),
        (FORMAT,),
    )
)
async def tokens(request: Request) -> Response:
    """One's own tokens."""
    asked(request)
    return await _listed(request, None)


@routes.add(
    Operation(
        "POST",
        "/account/tokens",
        "make-token",
        TAG,
        "Make a token",
        "トークンを作成する",
        "Programs send it as `Authorization: Bearer mst_…`. It works until `until` (366 days at most) with what you hold at each "
        "request, and `part` narrows that: each a right in a scope and below it, or (without a scope) everywhere. A token with "
        "a part of your rights decides nothing in your name, and makes no tokens. With `source` it writes records of "
        "that source only. With `agent`, a published record of a device that you may write, what it does is written down as "
        "done by that device. A token that was made with a token ends with it.",
        {201: MADE},
        (400, 403, 409, 413, 415, 422),
        (),
        Body("What it is to be.", {"application/json": SAID_EXAMPLE, FORM: FORM_EXAMPLE}),
    )
)
async def make_token(request: Request) -> Response:
    """Make a token of one's own."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await _said(request)
    make = site.catalog.tokens.make
    return await _made(request, None, lambda: make(reader, said.pop("name"), **said))


@routes.add(
    Operation(
        "POST",
        "/account/tokens/end",
        "end-token",
        TAG,
        "End a token",
        "トークンを終了する",
        "It is worthless at the next request, and so are those that were made with it. Without an `id` it is the one that asks.",
        ENDED,
        (400, 403, 404, 413, 415),
        (),
        Body(
            "Which one.",
            {"application/json": {"id": "7d1f0c2b9a4e6853"}, FORM: "csrf=q3bX&id=7d1f0c2b9a4e6853"},
            required=False,
        ),
    )
)
async def end_token(request: Request) -> Response:
    """End a token of one's own, or the one that asks."""
    asked(request)
    return await _end(request, None)


@routes.add(
    Operation(
        "GET",
        "/whoami",
        "whoami",
        TAG,
        "Who asks",
        "誰として認証されているか",
        "Who one is here, and by which token: to see that a program's credentials work, and until when.",
        {
            200: Answer(
                "Who asks.",
                (JSON,),
                {
                    "id": "person:5d2c0a7be1f04c39",
                    "name": "Haruka Ito",
                    "administrator": False,
                    "source": None,
                    "agent": "agent/spring8/bl02b2-robot",
                    "token": TOKEN_EXAMPLE,
                },
            )
        },
        (400, 406),
        (FORMAT,),
    )
)
async def whoami(request: Request) -> Response:
    """Who asks, and by which token."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    form_for(request, (JSON,))
    carried = await site.in_thread(site.catalog.tokens.carried, reader)
    name = None if carried is None or carried.owner is None else carried.owner.name
    if name is None and reader.person is not None:
        name = (await site.in_thread(site.catalog.people.find, reader.person, reader)).name
    document = {
        "id": reader.id,
        "name": name,
        "administrator": reader.administrator,
        "source": reader.source,
        "agent": reader.agent,
        "token": None if carried is None else carried.document(),
    }
    return told(document)


# --- those of sources


@routes.add(
    Operation(
        "GET",
        "/sources/{source}/tokens",
        "source-tokens",
        TAG,
        "A source's own tokens",
        "登録元のトークン一覧",
        "For administrators.",
        {200: Answer("The tokens.", (JSON, HTML), LIST_EXAMPLE)},
        (400, 403, 404, 406),
        (SOURCE, FORMAT),
    )
)
async def source_tokens(request: Request) -> Response:
    """A source's own tokens."""
    asked(request)
    return await _listed(request, request.path_params["source"])


@routes.add(
    Operation(
        "POST",
        "/sources/{source}/tokens",
        "make-source-token",
        TAG,
        "Make a token of a source",
        "登録元のトークンを作成する",
        "By administrators. It writes records of that source and of no other, in the scopes that `part` names (with `read`, "
        "`download` or `write`); without `part` in the source's home scope and below it.",
        {201: MADE},
        (400, 403, 404, 409, 413, 415, 422),
        (SOURCE,),
        Body("What it is to be.", {"application/json": SAID_EXAMPLE, FORM: FORM_EXAMPLE}),
    )
)
async def make_source_token(request: Request) -> Response:
    """Make a token of a source."""
    asked(request)
    site, source = site_of(request), request.path_params["source"]
    reader = site.reader(request)
    said = await _said(request)
    if said.pop("source", source) != source:
        raise Malformed(
            "source is another one in the body than in the address.", ja="source が本文とアドレスで違います。"
        )
    make = site.catalog.tokens.make_for_source
    return await _made(request, source, lambda: make(source, reader, said.pop("name"), **said))


@routes.add(
    Operation(
        "POST",
        "/sources/{source}/tokens/end",
        "end-source-token",
        TAG,
        "End a token of a source",
        "登録元のトークンを終了する",
        "By administrators. It is worthless at the next request.",
        ENDED,
        (400, 403, 404, 413, 415),
        (SOURCE,),
        Body("Which one.", {"application/json": {"id": "7d1f0c2b9a4e6853"}, FORM: "csrf=q3bX&id=7d1f0c2b9a4e6853"}),
    )
)
async def end_source_token(request: Request) -> Response:
    """End a token of a source."""
    asked(request)
    return await _end(request, request.path_params["source"])


# --- what both share


def _of(site: Site, request: Request, source: str | None) -> tuple[Token, ...]:
    reader, kept = site.reader(request), site.catalog.tokens
    return kept.of(reader) if source is None else kept.of_source(source, reader)


def _address(source: str | None) -> str:
    return "account/tokens" if source is None else f"sources/{source}/tokens"


def _sheet(request: Request, source: str | None) -> Sheet:
    site = site_of(request)

    def values() -> dict[str, Any]:
        items = [token.document() for token in _of(site, request, source)]
        return {"items": items, "source": source, "at": _address(source), "rights": RIGHTS, "made": None}

    return Sheet("api_tokens.html", values)


async def _listed(request: Request, source: str | None) -> Response:
    sheet = _sheet(request, source)
    if form_for(request, (JSON, HTML)) is HTML:
        return await shown(request, sheet)
    return told({"items": (await site_of(request).in_thread(sheet.values))["items"]})


async def _made(request: Request, source: str | None, make: Callable[[], Made[Token]]) -> Response:
    def document(made: Made[Token]) -> dict[str, Any]:
        return {**made.what.document(), "token": made.value}

    return await carry_out(
        request,
        site_of(request).in_thread(make),
        _sheet(request, source),
        once=lambda made: {"made": document(made)},
        document=document,
        status=201,
    )


async def _end(request: Request, source: str | None) -> Response:
    site = site_of(request)
    reader = site.reader(request)
    said = await said_in(request, of={"id": str})
    return await carry_out(
        request,
        site.in_thread(end_named, site, reader, said.get("id"), source),
        _sheet(request, source),
        to=lambda _: _address(source),
        document=lambda ended: {"ended": ended},
    )


def end_named(site: Site, reader: Reader, id: str | None, source: str | None) -> str:
    """End a token of one's own, the one that asks if none is named, or one of a source; its id."""
    ended = id if id is not None else reader.token if source is None else None
    if ended is None:
        raise Malformed("id is missing.", ja="id がありません。")
    kept = site.catalog.tokens
    if source is not None and ended not in {token.id for token in kept.of_source(source, reader)}:
        raise NotFound(
            f"there is no token {ended:.80} of this source", ja=f"この登録元にトークン {ended:.80} はありません"
        )
    kept.end(ended, reader)
    return ended


async def _said(request: Request) -> dict[str, Any]:
    """What a token is to be, as a form or a JSON body says it."""
    if by_form(request):
        ticks = dict.fromkeys((*RIGHTS, "whole"), bool)
        text = dict.fromkeys(("name", "until", "scope", "source", "agent"), str)
        said = await said_in(request, of={**text, **ticks}, required=("name", "until"))
        rights = [right for right in RIGHTS if said.pop(right, False)]
        whole, scope = said.pop("whole", False), said.pop("scope", None)
        if not whole:
            said["part"] = [{"right": right, "scope": scope} for right in rights]
        return said
    known: dict[str, type] = {"name": str, "until": str, "part": list, "source": str, "agent": str}
    spoken = await said_in(request, of=known, required=("name", "until"), nullable=True)
    said = {name: value for name, value in spoken.items() if value is not None}
    for name in ("name", "until"):
        if name not in said:
            raise Malformed(f"{name} is null.", ja=f"{name} が null です。")
    return said
