"""Signing in and out: by a name and a password, by an invitation, by an administrator's link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError
from catalog.questions.browser import Browser
from catalog.web.addresses import last_segment
from catalog.web.forms import Sheet, refused, said_in, see, shown, to_page, told
from catalog.web.negotiation import HTML, JSON, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.refusals import Unauthorized, WrongPassword
from catalog.web.session import FORM, SESSION, asker_of, own_path
from catalog.web.site import Site, site_of

routes = Routes()

TAG: Final = "Signing in"
CODE: Final = Parameter("code", "What the link holds.", place="path", example="rWvJ…")
NEXT: Final = Parameter("next", "The path of this catalogue to go to afterwards.", example="/records?kind=sample")
PERSON_EXAMPLE: Final = {
    "id": "person:5d2c0a7be1f04c39",
    "name": "Haruka Ito",
    "email": "ito@example.org",
    "orcid": None,
    "administrator": False,
    "language": "ja",
    "login": "ito",
    "at": "2026-04-01T00:00:00.000000Z",
    "endedAt": None,
}
SIGNED_IN_EXAMPLE: Final = {
    "person": PERSON_EXAMPLE,
    "session": {
        "id": "0f6b1d2c3a4e5f60",
        "how": "local",
        "startedAt": "2026-04-01T00:00:00.000000Z",
        "seenAt": "2026-04-01T00:00:00.000000Z",
        "until": "2026-05-01T00:00:00.000000Z",
        "address": "192.0.2.7",
        "agent": "Mozilla/5.0",
    },
    "csrf": "q3bX…",
}
COOKIE: Final = {"Set-Cookie": "The session, for the browser alone."}
SIGNED_IN: Final = Answer("Signed in.", (JSON,), SIGNED_IN_EXAMPLE, COOKIE)
GOES_ON: Final = Answer("By a form: signed in; on to the page that was wanted.", (), None, COOKIE)


def browser_of(request: Request) -> Browser:
    """From where somebody signs in."""
    site = site_of(request)
    return Browser(
        address=asker_of(request).address,
        agent=request.headers.get("user-agent", ""),
        instead_of=site.doorkeeper.carried(request.scope).session,
    )


def let_in(request: Request, value: str, wanted: str | None) -> Response:
    """Give the browser its new session, and send it on; a program is told about it."""
    site = site_of(request)
    if to_page(request):
        response = see(own_path(wanted, site.root))
    else:
        found = site.catalog.sessions.reader(value)
        # It was made a moment ago, and nothing but an administrator's end of the person ends it meanwhile.
        if found is None:
            raise Unauthorized("The account was ended.", ja="アカウントは停止されています。")
        response = told(_signed_in(site, found))
    site.doorkeeper.set_cookie(response, SESSION, value)
    return response


def _signed_in(site: Site, found: Any) -> dict[str, Any]:
    session, reader = found
    person = site.catalog.people.find(session.person, reader)
    return {"person": person.document(), "session": session.document(), "csrf": session.csrf}


def _wanted(request: Request, said: str | None) -> str:
    """The page to go to after signing in: the one that was asked for, or the one that led here."""
    site = site_of(request)
    if said is not None:
        return own_path(said, site.root)
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc in (request.headers.get("host"), urlsplit(site.catalog.base).netloc):
        path = own_path(f"{came.path}?{came.query}" if came.query else came.path, site.root)
        if not path.removeprefix(site.root).startswith(("sign-", "reset/", "invitation/")):
            return path
    return site.root


def issuers_of(site: Site) -> list[dict[str, Any]]:
    """Who else may say who somebody is."""
    return [each.brief() for each in site.catalog.issuers.for_sign_in()]


@routes.add(
    Operation(
        "GET",
        "/sign-in",
        "sign-in-page",
        TAG,
        "Sign in",
        "サインイン",
        "The page on which people sign in; for programs, who else may vouch for somebody, and whether somebody is signed in.",
        {200: Answer("How to sign in.", (JSON, HTML), {"person": None, "issuers": [], "password": {"shortest": 12}})},
        (400, 406),
        (NEXT, FORMAT),
    )
)
async def sign_in_page(request: Request) -> Response:
    """The page on which people sign in."""
    site, said = site_of(request), asked(request)
    session = asker_of(request).session
    if form_for(request, (JSON, HTML)) is JSON:
        issuers = await site.in_thread(issuers_of, site)
        person = None if session is None else session.person
        return told({"person": person, "issuers": issuers, "password": {"shortest": 12}})
    return await shown(request, _sheet(site, wanted=_wanted(request, said.get("next"))))


def _sheet(site: Site, *, wanted: str, login: str = "") -> Sheet:
    return Sheet("sign_in.html", lambda: {"issuers": issuers_of(site), "wanted": wanted, "login": login})


@routes.add(
    Operation(
        "POST",
        "/sign-in",
        "sign-in",
        TAG,
        "Sign in with a name and a password",
        "名前とパスワードでサインインする",
        "The session is in a cookie that only the browser sees; whatever it then sends beside questions must carry `csrf` in the "
        "header `X-Csrf-Token`, and come from a page of this catalogue (`Origin`). Programs do better with a token of their "
        "own. After some wrong passwords, for a login or from an address, the next is looked at only after a while that "
        "grows (429, `Retry-After`).",
        {200: SIGNED_IN, 303: GOES_ON},
        (400, 401, 403, 413, 415, 429, 503),
        (),
        Body(
            "Who it is.",
            {
                "application/json": {"login": "ito", "password": "correct horse battery"},
                FORM: "login=ito&password=correct+horse+battery&next=%2Frecords",
            },
        ),
    )
)
async def sign_in(request: Request) -> Response:
    """Sign in with a name and a password."""
    asked(request)
    site = site_of(request)
    said = await said_in(request, of={"login": str, "password": str, "next": str}, required=("login", "password"))
    accounts, browser = site.catalog.accounts, browser_of(request)
    try:
        value = await site.slowly(accounts.sign_in, said["login"], said["password"], browser)
        if value is None:
            raise WrongPassword(
                "Login and password do not belong together.", ja="ログイン名またはパスワードが正しくありません。"
            )
    except CatalogError as error:
        sheet = _sheet(site, wanted=own_path(said.get("next"), site.root), login=said["login"])
        return await refused(request, sheet, error)
    return let_in(request, value, said.get("next"))


@routes.add(
    Operation(
        "POST",
        "/sign-out",
        "sign-out",
        TAG,
        "Sign out",
        "サインアウト",
        "The session ends, here and not only in the browser.",
        {
            200: Answer("Signed out.", (JSON,), {"signedOut": True}),
            303: Answer("By a form: signed out; back to the first page."),
        },
        (400, 401, 403),
    )
)
async def sign_out(request: Request) -> Response:
    """End the session that asks."""
    asked(request)
    site, asker = site_of(request), asker_of(request)
    await said_in(request, of={})
    session = asker.session
    if session is None:
        raise Unauthorized("Nobody is signed in with this browser.", ja="サインインしていません。")
    await site.in_thread(site.catalog.sessions.sign_out, session.key, session.person, session.id, address=asker.address)
    response = see(site.root) if to_page(request) else told({"signedOut": True})
    site.doorkeeper.clear_cookie(response, SESSION)
    # What the browser has kept of pages was for who is gone.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@routes.add(
    Operation(
        "GET",
        "/invitation/{code}",
        "invitation",
        TAG,
        "What an invitation is for",
        "招待の内容",
        "The page on which somebody who was invited makes their account. An invitation works once, until it is over.",
        {
            200: Answer(
                "Who is invited.",
                (JSON, HTML),
                {"name": "Haruka Ito", "email": "ito@example.org", "administrator": False},
            )
        },
        (404, 406),
        (CODE, FORMAT),
    )
)
async def invitation(request: Request) -> Response:
    """The page on which somebody makes their account."""
    site = site_of(request)
    asked(request)
    code = last_segment(request, "invitation")
    form = form_for(request, (JSON, HTML))
    found = await site.in_thread(site.catalog.accounts.invitation, code)
    if form is JSON:
        return told({"name": found.name, "email": found.email, "administrator": found.administrator})
    return await shown(request, _invited(code, {"login": "", "name": found.name or ""}))


def _invited(code: str, said: Mapping[str, Any]) -> Sheet:
    return Sheet("invitation.html", lambda: {"code": code, "said": said})


@routes.add(
    Operation(
        "POST",
        "/invitation/{code}",
        "accept-invitation",
        TAG,
        "Make the account of an invitation",
        "招待からアカウントを作る",
        "Makes the account, and signs in. A password has 12 characters at least, and needs no particular signs.",
        {200: SIGNED_IN, 303: GOES_ON},
        (400, 403, 404, 409, 413, 415, 422, 503),
        (CODE,),
        Body(
            "What the account is to be.",
            {
                "application/json": {"login": "ito", "password": "correct horse battery", "name": "Haruka Ito"},
                FORM: "login=ito&password=correct+horse+battery&name=Haruka+Ito",
            },
        ),
    )
)
async def accept_invitation(request: Request) -> Response:
    """Make the account of an invitation."""
    asked(request)
    site, code = site_of(request), last_segment(request, "invitation")
    said = await said_in(
        request, of={"login": str, "password": str, "name": str}, required=("login", "password", "name")
    )
    try:
        value = await site.slowly(
            site.catalog.accounts.accept, code, browser_of(request), **said, language=language_for(request)
        )
    except CatalogError as error:
        return await refused(request, _invited(code, said), error)
    return let_in(request, value, f"{site.root}account")


@routes.add(
    Operation(
        "GET",
        "/reset/{code}",
        "reset-page",
        TAG,
        "Whose password a link sets",
        "パスワード再設定リンクの内容",
        "The page on which somebody sets a new password by a link that an administrator has made. It works once, until it is over.",
        {200: Answer("Whose it is.", (JSON, HTML), {"login": "ito"})},
        (404, 406),
        (CODE, FORMAT),
    )
)
async def reset_page(request: Request) -> Response:
    """The page on which somebody sets a new password."""
    site = site_of(request)
    asked(request)
    code = last_segment(request, "reset")
    form = form_for(request, (JSON, HTML))
    login = await site.in_thread(site.catalog.accounts.resetting, code)
    if form is JSON:
        return told({"login": login})
    return await shown(request, _resetting(site, code))


def _resetting(site: Site, code: str) -> Sheet:
    return Sheet("reset.html", lambda: {"code": code, "login": site.catalog.accounts.resetting(code)})


@routes.add(
    Operation(
        "POST",
        "/reset/{code}",
        "reset",
        TAG,
        "Set a new password by a link",
        "リンクから新しいパスワードを設定する",
        "Sets the password, ends every session of its person and every API token and command line of theirs, and signs in. With "
        "`keepTokens` the tokens stay: for who has only forgotten the password, and nobody else has had the account.",
        {200: SIGNED_IN, 303: GOES_ON},
        (400, 403, 404, 413, 415, 422, 503),
        (CODE,),
        Body(
            "The new password, and whether tokens stay.",
            {
                "application/json": {"password": "correct horse battery", "keepTokens": False},
                FORM: "password=correct+horse+battery",
            },
        ),
    )
)
async def reset(request: Request) -> Response:
    """Set a new password by a link."""
    asked(request)
    site, code = site_of(request), last_segment(request, "reset")
    said = await said_in(request, of={"password": str, "keepTokens": bool}, required=("password",))
    accounts, keeps = site.catalog.accounts, said.get("keepTokens", False)
    try:
        value = await site.slowly(
            accounts.reset, code, browser_of(request), password=said["password"], keep_tokens=keeps
        )
    except CatalogError as error:
        return await refused(request, _resetting(site, code), error)
    return let_in(request, value, f"{site.root}account")
