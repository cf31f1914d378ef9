"""Signing in a command line, as RFC 8628 has it: it shows a code, and its person enters that where they are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.web.account import signed_in
from catalog.web.forms import Sheet, carry_out, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Routes, asked
from catalog.web.pages import say_in
from catalog.web.session import FORM, asker_of
from catalog.web.sign_in import TAG
from catalog.web.site import site_of

if TYPE_CHECKING:
    from catalog.access.device_flow import Asking

routes = Routes()

LASTS_SECONDS: Final = 15 * 60
INTERVAL_SECONDS: Final = 5
# RFC 6749, 5.2 and RFC 8628, 3.5: what a command line that waits is told, and why.
WAITING: Final = {
    "authorization_pending": ("Nobody has entered the code yet.", "コードはまだ入力されていません。"),
    "slow_down": ("Ask less often.", "問い合わせの間隔を空けてください。"),
    "access_denied": ("It was refused.", "拒否されました。"),
    "expired_token": ("The code is over, was used, or never was.", "コードが無効か、期限が切れています。"),
}


@routes.add(
    Operation(
        "POST",
        "/device",
        "device",
        TAG,
        "Begin to sign in a command line",
        "コマンドラインのサインインを始める",
        "Show `user_code` and `verification_uri` to whoever sits there, and ask `/device/token` every `interval` seconds. "
        "`name` is what the person is shown, and what the token is called.",
        {
            200: Answer(
                "The codes (RFC 8628, 3.2).",
                (JSON,),
                {
                    "device_code": "k2V…",
                    "user_code": "WDJB-MJHT",
                    "verification_uri": "https://catalogue.example.org/device",
                    "expires_in": LASTS_SECONDS,
                    "interval": INTERVAL_SECONDS,
                },
            )
        },
        (400, 413, 415, 422, 429, 503),
        (),
        Body("What it calls itself.", {"application/json": {"name": "catalog on beamline-02"}}),
    )
)
async def device(request: Request) -> Response:
    """Begin to sign in a command line."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"name": str}, required=("name",))
    begun = await site.in_thread(site.catalog.device_flow.begin, said["name"], asker_of(request).address)
    document = {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": f"{site.catalog.base}device",
        "expires_in": LASTS_SECONDS,
        "interval": INTERVAL_SECONDS,
    }
    return told(document)


@routes.add(
    Operation(
        "POST",
        "/device/token",
        "device-token",
        TAG,
        "Get the token of a command line that was let in",
        "許可されたコマンドラインのトークンを受け取る",
        "Once. The token works for 90 days with all that its person holds; it is among their tokens, and ends like them.",
        {
            200: Answer(
                "The token.",
                (JSON,),
                {
                    "access_token": "mst_…",
                    "token_type": "Bearer",
                    "until": "2026-07-01T00:00:00.000000Z",
                    "id": "7d1f0c2b9a4e6853",
                    "person": {"id": "person:5d2c0a7be1f04c39", "kind": "person", "name": "Haruka Ito"},
                },
            ),
            400: Answer(
                "Not (yet): `authorization_pending`, `slow_down`, `access_denied` or `expired_token` (RFC 8628, 3.5).",
                (JSON,),
                {"error": "authorization_pending", "error_description": WAITING["authorization_pending"][0]},
            ),
        },
        (404, 413, 415),
        (),
        Body("What it asks with.", {"application/json": {"device_code": "k2V…"}}),
    )
)
async def device_token(request: Request) -> Response:
    """The token of a command line that was let in."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"device_code": str}, required=("device_code",))
    made = await site.in_thread(site.catalog.device_flow.token, said["device_code"])
    if isinstance(made, str):
        refusal = {"error": made, "error_description": say_in(language_for(request), *WAITING[made])}
        return told(refusal, 400)
    token = made.what
    document = {
        "access_token": made.value,
        "token_type": "Bearer",
        "until": token.until,
        "id": token.id,
        "person": None if token.owner is None else token.owner.document(),
    }
    return told(document)


@routes.add(
    Operation(
        "GET",
        "/device",
        "device-page",
        TAG,
        "The page on which a command line's code is entered",
        "コマンドラインのコードを入力するページ",
        "For whoever is signed in.",
        {200: Answer("The page.", (HTML,))},
        (400, 406),
        (FORMAT,),
    )
)
async def device_page(request: Request) -> Response:
    """The page on which a code is entered."""
    asked(request)
    form_for(request, (HTML,))
    return await shown(request, _SHEET)


@routes.add(
    Operation(
        "POST",
        "/device/asking",
        "device-asking",
        TAG,
        "Who shows a code",
        "コードを表示している端末",
        "What the command line that shows a code calls itself, and where it asks from; by whoever is signed in with a browser. "
        "After some wrong codes the next is looked at only after a while that grows (429, `Retry-After`).",
        {
            200: Answer(
                "Who asks.",
                (JSON, HTML),
                {
                    "userCode": "WDJB-MJHT",
                    "name": "catalog on beamline-02",
                    "address": "192.0.2.7",
                    "at": "2026-04-01T00:00:00.000000Z",
                },
            )
        },
        (400, 403, 404, 413, 415, 429),
        (),
        Body("The code.", {"application/json": {"code": "WDJB-MJHT"}, FORM: "csrf=q3bX&code=WDJB-MJHT"}),
    )
)
async def device_asking(request: Request) -> Response:
    """Who shows a code."""
    asked(request)
    site, session = site_of(request), signed_in(request)
    said = await said_in(request, of={"code": str}, required=("code",))

    def document(found: Asking) -> dict[str, Any]:
        return {"userCode": found.user_code, "name": found.name, "address": found.address, "at": found.at}

    return await carry_out(
        request,
        site.in_thread(site.catalog.device_flow.asking, said["code"], session.person),
        _SHEET,
        once=lambda found: {"asking": document(found)},
        document=document,
    )


@routes.add(
    Operation(
        "POST",
        "/device/decide",
        "device-decide",
        TAG,
        "Let a command line in, or not",
        "コマンドラインのサインインを許可・拒否する",
        "It then may all that you may, for 90 days or until you end its token. By whoever is signed in with a browser.",
        {200: Answer("It is decided.", (JSON, HTML), {"allowed": True})},
        (400, 403, 404, 413, 415, 429),
        (),
        Body(
            "Which, and what.",
            {
                "application/json": {"code": "WDJB-MJHT", "allow": True},
                FORM: "csrf=q3bX&code=WDJB-MJHT&allow=true",
            },
        ),
    )
)
async def device_decide(request: Request) -> Response:
    """Let a command line in, or not."""
    asked(request)
    site, session = site_of(request), signed_in(request)
    said = await said_in(request, of={"code": str, "allow": bool}, required=("code", "allow"))
    allowed = said["allow"]
    flow, came_from = site.catalog.device_flow, asker_of(request).address
    return await carry_out(
        request,
        site.in_thread(flow.decide, said["code"], session.person, allowed=allowed, address=came_from),
        _SHEET,
        once=lambda _: {"done": "allowed" if allowed else "denied"},
        document=lambda _: {"allowed": allowed},
    )


_SHEET: Final = Sheet("device.html", lambda: {"asking": None})
