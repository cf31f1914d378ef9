"""One's own account: who one is here, how one can sign in, where one is signed in, and what is to end."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Forbidden
from catalog.questions.browser import Browser
from catalog.web.forms import Sheet, by_form, carry_out, kept_language, said_in, shown, told
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.refusals import Unauthorized
from catalog.web.session import FORM, asker_of
from catalog.web.sign_in import PERSON_EXAMPLE, SIGNED_IN_EXAMPLE, TAG, issuers_of
from catalog.web.site import Site, site_of

if TYPE_CHECKING:
    from catalog.access.sessions import Session

routes = Routes()

# What was done on this page a moment ago, as its address says it.
DONE: Final[Mapping[str, Mapping[Language, str]]] = {
    "kept": {"en": "Kept.", "ja": "保存しました。"},
    "password": {
        "en": "The password is changed, and your other sessions have ended.",
        "ja": "パスワードを変更し、他のセッションを終了しました。",
    },
    "added": {
        "en": "Added: you can sign in by it from now on.",
        "ja": "追加しました。今後はこの方法でもサインインできます。",
    },
    "ended": {"en": "Ended.", "ja": "終了しました。"},
}
ACCOUNT_EXAMPLE: Final = {
    "person": PERSON_EXAMPLE,
    "identities": [
        {
            "issuer": "spring8",
            "issuerAddress": "https://login.example.org/",
            "subject": "0042",
            "name": "Haruka Ito",
            "firstAt": "2026-04-01T00:00:00.000000Z",
            "lastAt": "2026-04-01T00:00:00.000000Z",
        }
    ],
    "sessions": [{**SIGNED_IN_EXAMPLE["session"], "current": True}],  # type: ignore[dict-item]
    "csrf": "q3bX…",
}


def signed_in(request: Request) -> Session:
    """The session of who is signed in with a browser; what concerns it is not for tokens, which would outlive it so."""
    asker = asker_of(request)
    if asker.session is not None:
        return asker.session
    if asker.reader.id == "public" or asker.reader.id.startswith("link:"):
        raise Unauthorized("Sign in first.", ja="先にサインインしてください。")
    raise Forbidden(
        "This is done when signed in with a browser, and not with a token.",
        ja="この操作はトークンではなく、ブラウザーでサインインして行ってください。",
    )


@routes.add(
    Operation(
        "GET",
        "/account",
        "account",
        TAG,
        "One's own account",
        "自分のアカウント",
        "Who one is here, how one can sign in, and where one is signed in. With a token only who one is.",
        {200: Answer("The account.", (JSON, HTML), ACCOUNT_EXAMPLE)},
        (400, 403, 406),
        (Parameter("done", "What was done a moment ago.", {"type": "string", "enum": list(DONE)}), FORMAT),
    )
)
async def account(request: Request) -> Response:
    """Who one is here."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    if form is HTML:
        signed_in(request)
        done = DONE[said["done"]][language_for(request)] if "done" in said else None
        return await shown(request, _sheet(request), done=done)
    if reader.person is None:
        signed_in(request)
    return told(await site.in_thread(_answer, site, request))


def _sheet(request: Request) -> Sheet:
    site = site_of(request)
    return Sheet("account.html", lambda: _told(site, request))


def _answer(site: Site, request: Request) -> dict[str, Any]:
    return {name: value for name, value in _told(site, request).items() if name != "issuers"}


def _told(site: Site, request: Request) -> dict[str, Any]:
    """What the page shows, and a program is told."""
    asker, catalog = asker_of(request), site.catalog
    person = catalog.people.find(str(asker.reader.person), asker.reader)
    plain: dict[str, Any] = {"person": person.document(), "issuers": []}
    if asker.session is None:
        return plain
    return {
        **plain,
        "identities": [identity.document() for identity in catalog.people.identities(person.key)],
        "sessions": [
            {**session.document(), "current": session.id == asker.session.id}
            for session in catalog.sessions.of(person.key)
        ],
        "csrf": asker.session.csrf,
        "issuers": issuers_of(site),
    }


async def _change(request: Request, deed: Awaitable[object], what: str) -> Response:
    """Change something of the account, and answer with what it is then."""
    site = site_of(request)

    async def changed() -> dict[str, Any]:
        await deed
        return await site.in_thread(_answer, site, request)

    return await carry_out(
        request,
        changed(),
        _sheet(request),
        to=lambda _: f"account?done={what}{kept_language(request)}",
        document=lambda made: made,
    )


@routes.add(
    Operation(
        "POST",
        "/account",
        "change-account",
        TAG,
        "Change what one is called",
        "氏名・メールアドレスを変更する",
        "What is left out stays; an empty `email` takes it away.",
        {200: Answer("Changed.", (JSON,), ACCOUNT_EXAMPLE), 303: Answer("By a form: changed; back to the page.")},
        (400, 403, 413, 415, 422),
        (),
        Body(
            "What is to be different.",
            {
                "application/json": {"name": "Haruka Ito", "email": "ito@example.org", "language": "ja"},
                FORM: "csrf=q3bX&name=Haruka+Ito&email=ito%40example.org",
            },
        ),
    )
)
async def change_account(request: Request) -> Response:
    """Change what one is called, and how one is reached."""
    asked(request)
    session, site = signed_in(request), site_of(request)
    said = await said_in(request, of={"name": str, "email": str, "language": str})
    if by_form(request):
        # A field of the page that is left empty is meant to be empty.
        said.setdefault("email", "")
    people, reader = site.catalog.people, site.reader(request)

    def change() -> None:
        now = people.find(session.person, reader)
        whole = {"name": now.name, "email": now.email, "language": now.language, **said}
        people.change(session.person, reader, **whole)

    return await _change(request, site.in_thread(change), "kept")


@routes.add(
    Operation(
        "POST",
        "/account/password",
        "change-password",
        TAG,
        "Change one's password",
        "パスワードを変更する",
        "By the old one. Every other session ends. Wrong old ones are counted as guesses are.",
        {200: Answer("Changed.", (JSON,), ACCOUNT_EXAMPLE), 303: Answer("By a form: changed; back to the page.")},
        (400, 403, 404, 409, 413, 415, 422, 429, 503),
        (),
        Body(
            "The old one and the new one.",
            {
                "application/json": {"old": "correct horse battery", "password": "quite another one"},
                FORM: "csrf=q3bX&old=correct+horse+battery&password=quite+another+one",
            },
        ),
    )
)
async def change_password(request: Request) -> Response:
    """Change one's password."""
    asked(request)
    session, site = signed_in(request), site_of(request)
    said = await said_in(request, of={"old": str, "password": str}, required=("old", "password"))
    browser = Browser(asker_of(request).address, request.headers.get("user-agent", ""))
    deed = site.slowly(
        site.catalog.accounts.change,
        session.person,
        browser,
        old=said["old"],
        password=said["password"],
        session=session.id,
    )
    return await _change(request, deed, "password")


@routes.add(
    Operation(
        "POST",
        "/account/sessions/end",
        "end-sessions",
        TAG,
        "End sessions",
        "セッションを終了する",
        "One by its `id`, or all others; whoever has one of them is nobody at the next request.",
        {200: Answer("Ended.", (JSON,), ACCOUNT_EXAMPLE), 303: Answer("By a form: ended; back to the page.")},
        (400, 403, 404, 413, 415),
        (),
        Body(
            "Which one; all but the one that asks if it is left out.",
            {"application/json": {"id": "0f6b1d2c3a4e5f60"}, FORM: "csrf=q3bX&id=0f6b1d2c3a4e5f60"},
        ),
    )
)
async def end_sessions(request: Request) -> Response:
    """End one session, or all others."""
    asked(request)
    session, site = signed_in(request), site_of(request)
    said = await said_in(request, of={"id": str})
    sessions = site.catalog.sessions
    deed: Awaitable[object]
    if "id" in said:
        deed = site.in_thread(sessions.end, session.key, session.person, said["id"], by=session.person)
    else:
        deed = site.in_thread(sessions.end_others, session.key, session.person, session.id)
    return await _change(request, deed, "ended")
