"""Through which every request comes in and every answer goes out: errors told, headers set, time counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import Forbidden
from catalog.web import problems
from catalog.web.addresses import Elsewhere
from catalog.web.negotiation import language_for, prefers_page
from catalog.web.operations import Operation, Switchboard
from catalog.web.pages import problem_page
from catalog.web.refusals import Forged, Unauthorized
from catalog.web.session import FORM, FORM_LIMIT, SESSION, Asker, demand_csrf, is_form, read_form, session_in
from catalog.web.site import Site
from catalog.web.streams import drain, read_whole

logger = logging.getLogger("catalog.web")

# Pages have no scripts but files of ours, and fetch nothing from elsewhere; the browser is told to hold them to it.
SAFE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Authorization, Cookie",
}
# What an answer has that says nothing else.
_USUAL = tuple(
    (name.lower().encode(), value.encode())
    for name, value in {**SAFE_HEADERS, "Cache-Control": "private, no-cache"}.items()
)


DRAINS_SECONDS = 10


class Door:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site
        self.switchboard: Switchboard | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, method = time.perf_counter(), 0, scope["method"]
        bodiless = method == "HEAD"
        if bodiless:
            # What GET would say, without the body.
            scope["method"] = "GET"

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = {name for name, _ in message["headers"]}
                headers = [*message["headers"], *[each for each in _USUAL if each[0] not in said]]
                self._for_one(scope, headers)
                message["headers"] = headers
            elif bodiless and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Whether there is a body that nobody has read to its end.
        unread = False
        for name, value in scope["headers"]:
            if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                unread = True

        async def take() -> Message:
            nonlocal unread
            message = await receive()
            if not message.get("more_body", False):
                unread = False
            return message

        self.site.metrics.open += 1
        try:
            if self.switchboard is None:
                # The routes are there once the application is whole, which it is at the first request.
                self.switchboard = Switchboard(scope["app"])
            # A dictionary of this request's own: what the server has put there is not to be written to.
            scope["state"] = dict(scope.get("state", ()))
            endpoint = self.switchboard.endpoint(scope)
            if endpoint is None:
                await self.app(scope, take, answer)
            else:
                body = await self._let_in(scope, take)
                response = await endpoint(Request(scope, body))
                await response(scope, body, answer)
        except Elsewhere as elsewhere:
            await _redirect(scope, elsewhere, self.site)(scope, receive, answer)
        except ClientDisconnect:
            # Whoever asked is gone; there is nobody to tell.
            status = status or 499
        except Exception as error:
            if status:
                # The answer has begun, so only cutting it off can say that it is not whole.
                logger.error("answer cut off: %s %s", method, scope["path"], exc_info=error)
                raise
            self.site.tell_refused(scope, error)
            response = answer_problem(self.site, Request(scope), error)
            if unread and not any(name == b"expect" for name, _ in scope["headers"]):
                # A connection that is closed on an unread body is reset, and the problem may be lost with it.
                await drain(Request(scope, take).stream(), seconds=DRAINS_SECONDS)
            await response(scope, receive, answer)
        finally:
            self.site.metrics.open -= 1
            route = scope.get("route")
            operation = getattr(route, "name", None) or "none"
            self.site.metrics.count(method, operation, status, time.perf_counter() - started)

    async def _let_in(self, scope: Scope, take: Receive) -> Receive:
        """Find out who asks, and that it is a page of ours that a browser sends something from; how to read the body then."""
        told: Operation = scope["app"].state.operations[scope["route"].name]
        if told.alike:
            return take
        keeper = self.site.doorkeeper
        asker = await self.site.asker(scope, writes=told.writes)
        scope["state"]["asker"] = asker
        if asker.note is not None:
            self.site.aside(asker.note)
        if not told.writes or any(name == b"authorization" for name, _ in scope["headers"]):
            return take
        media_type = is_form(scope)
        if asker.session is None and media_type is None:
            return take
        keeper.demand_own_page(scope)
        csrf = Request(scope).headers.get("x-csrf-token")
        if media_type == FORM:
            body = await read_whole(Request(scope, take), b"", Request(scope, take).stream(), FORM_LIMIT)
            form = scope["state"]["form"] = read_form(body)
            csrf = form.get("csrf", csrf)
            take = _read_again(body)
        if asker.session is not None:
            demand_csrf(asker.session, csrf)
        return take

    def _for_one(self, scope: Scope, raw: list[tuple[bytes, bytes]]) -> None:
        """What an answer to somebody signed in may not be without: nobody else keeps a page that has their name on it."""
        asker: Asker | None = scope["state"].get("asker")
        if asker is None or (asker.session is None and not asker.stale):
            return
        headers = MutableHeaders(raw=raw)
        if headers["Cache-Control"].startswith("public"):
            headers["Cache-Control"] = "private, no-cache"
        if asker.stale and "set-cookie" not in headers:
            cleared = Response()
            self.site.doorkeeper.clear_cookie(cleared, SESSION)
            headers.append("Set-Cookie", cleared.headers["set-cookie"])


def _read_again(body: bytes) -> Receive:
    """A body that was read already, for whoever reads it next."""
    parts = iter((body,))

    async def receive() -> Message:
        part = next(parts, None)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": False}

    return receive


def _redirect(scope: Scope, elsewhere: Elsewhere, site: Site) -> Response:
    query = scope["query_string"].decode("latin-1")
    path = site.root + elsewhere.path.removeprefix("/")
    return Response(status_code=elsewhere.status, headers={"Location": f"{path}?{query}" if query else path})


def answer_problem(site: Site, request: Request, error: Exception) -> Response:
    """What a request gets that failed: a page for a browser, a problem document for a program."""
    language = language_for(request)
    anonymous = "authorization" not in request.headers and session_in(request) is None
    if isinstance(error, Forbidden) and not isinstance(error, Forged) and anonymous:
        # RFC 9110, 15.5.2: who has not said who they are may yet be allowed.
        error = Unauthorized(error.messages["en"], ja=error.messages["ja"])
    problem = problems.problem_from(error, language)
    headers: dict[str, Any] = {**problem.headers, "Content-Language": language}
    if prefers_page(request):
        page = problem_page(request, site.pages, site.root, problem)
        return Response(page, problem.kind.status, headers, "text/html; charset=utf-8")
    return Response(problem.body, problem.kind.status, headers, problems.MEDIA_TYPE)
