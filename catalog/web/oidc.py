"""Signing in at an issuer: away to it and back, and the identities that one person has at several."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.questions.browser import Browser
from catalog.web.account import signed_in
from catalog.web.forms import NOT_KEPT, said_in, see, to_page, told
from catalog.web.negotiation import JSON, language_for
from catalog.web.operations import Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.session import FORM, SESSION, SIGN_IN, asker_of, own_path
from catalog.web.sign_in import NEXT, TAG
from catalog.web.site import site_of

routes = Routes()

AWAY: Final = {"Set-Cookie": "What the browser is known by when it comes back, sealed; for ten minutes."}
ADDRESS_EXAMPLE: Final = {"address": "https://login.example.org/authorize?response_type=code&client_id=catalog&…"}
IDENTITY_EXAMPLE: Final = {"issuer": "spring8", "subject": "0042"}


@routes.add(
    Operation(
        "GET",
        "/sign-in/{issuer}",
        "sign-in-at",
        TAG,
        "Sign in at an issuer",
        "外部の発行者でサインインする",
        "Sends the browser on to where it signs in: authorization code with PKCE (S256), `state` and `nonce`. Which issuers "
        "there are is told by `/sign-in`.",
        {303: Answer("On to the issuer.", (), None, AWAY)},
        (400, 404, 503),
        (Parameter("issuer", "The issuer's id.", place="path", example="spring8"), NEXT),
    )
)
async def sign_in_at(request: Request) -> Response:
    """Away to an issuer."""
    site, said = site_of(request), asked(request)
    wanted = own_path(said.get("next"), site.root)
    sign_in = site.catalog.sign_in
    begun = await site.in_thread(
        lambda: sign_in.begin(request.path_params["issuer"], wanted, language=language_for(request))
    )
    response = see(begun.address)
    site.doorkeeper.set_cookie(response, SIGN_IN, begun.cookie, seconds=begun.seconds)
    return response


@routes.add(
    Operation(
        "GET",
        "/sign-in/callback",
        "sign-in-callback",
        TAG,
        "Come back from an issuer",
        "発行者から戻る",
        "Where issuers send browsers back to: the redirect URI to register there. It signs in only the browser that began, once, "
        "and only with an answer of the issuer at which it began.",
        {303: Answer("Signed in; on to the page that was wanted.", (), None, {"Set-Cookie": "The session."})},
        (400, 403, 404, 409, 503),
        (
            Parameter("code", "What is exchanged for the ID token."),
            Parameter("state", "What this sign-in is known by."),
            Parameter("iss", "Who answers (RFC 9207)."),
            Parameter("error", "Why nobody is signed in."),
        ),
        # Issuers add parameters of their own, which mean nothing here (RFC 6749, 4.1.2).
        open_query=True,
    )
)
async def callback(request: Request) -> Response:
    """Back from an issuer."""
    site, said = site_of(request), asked(request)
    asker, keeper = asker_of(request), site.doorkeeper
    browser = Browser(asker.address, request.headers.get("user-agent", ""), keeper.carried(request.scope).session)
    cookie = request.cookies.get(keeper.cookies[SIGN_IN])
    arrived = await site.afar(site.catalog.sign_in.end, cookie, said, browser, asker.session)
    response = see(own_path(arrived.wanted, site.root))
    if arrived.session is not None:
        keeper.set_cookie(response, SESSION, arrived.session)
    keeper.clear_cookie(response, SIGN_IN)
    return response


@routes.add(
    Operation(
        "POST",
        "/account/identities",
        "add-identity",
        TAG,
        "Add an identity to one's account",
        "認証情報を追加する",
        "Who is signed in signs in at another issuer, too, and is known by both from then on. An identity that is somebody else's "
        "is refused; nobody is ever taken for somebody else because of an e-mail address.",
        {
            200: Answer("Where to go on. By a form: a page that goes on.", (JSON,), ADDRESS_EXAMPLE, AWAY),
        },
        (400, 401, 403, 404, 415, 503),
        (),
        Body("At whom.", {"application/json": {"issuer": "spring8"}, FORM: "issuer=spring8&csrf=q3bX…"}),
    )
)
async def add_identity(request: Request) -> Response:
    """Begin to add an identity."""
    asked(request)
    site, session = site_of(request), signed_in(request)
    said = await said_in(request, of={"issuer": str}, required=("issuer",))
    sign_in, wanted, language = site.catalog.sign_in, f"{site.root}account?done=added", language_for(request)
    begun = await site.in_thread(lambda: sign_in.begin(said["issuer"], wanted, language=language, adding_to=session))
    if to_page(request):
        # A page and no redirect: browsers hold to their pages' form-action where a form's answer sends them, too.
        response = page(
            request,
            site.pages,
            site.root,
            "onward.html",
            headers={**NOT_KEPT, "Referrer-Policy": "no-referrer"},
            address=begun.address,
            issuer=said["issuer"],
        )
    else:
        response = told({"address": begun.address})
    site.doorkeeper.set_cookie(response, SIGN_IN, begun.cookie, seconds=begun.seconds)
    return response


@routes.add(
    Operation(
        "POST",
        "/account/identities/end",
        "end-identity",
        TAG,
        "Take an identity from one's account",
        "認証情報を削除する",
        "Nobody is signed in by it from then on, and what the issuer said of groups and visas counts no more. The last way in stays.",
        {
            200: Answer("It is taken away.", (JSON,), {"ended": IDENTITY_EXAMPLE}),
            303: Answer("By a form: back to the account."),
        },
        (400, 401, 403, 404, 409, 415),
        (),
        Body(
            "Which one.",
            {"application/json": IDENTITY_EXAMPLE, FORM: "issuer=spring8&subject=0042&csrf=q3bX…"},
        ),
    )
)
async def end_identity(request: Request) -> Response:
    """Take an identity away."""
    asked(request)
    site, session = site_of(request), signed_in(request)
    said = await said_in(request, of={"issuer": str, "subject": str}, required=("issuer", "subject"))
    await site.in_thread(site.catalog.sign_in.unlink, session, said["issuer"], said["subject"])
    if to_page(request):
        return see(f"{site.root}account?done=ended")
    return told({"ended": said})
