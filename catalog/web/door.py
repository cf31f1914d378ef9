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
from catalog.web.operations import Switchboard
from catalog.web.pages import problem_page
from catalog.web.refusals import Unauthorized
from catalog.web.site import Site
from catalog.web.streams import drain

logger = logging.getLogger("catalog.web")

# Pages have no scripts but files of ours, and fetch nothing from elsewhere; the browser is told to hold them to it.
SAFE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Authorization, Cookie",
}


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
                headers = MutableHeaders(raw=message["headers"])
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
                message["headers"] = headers.raw
            elif bodiless and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Whether there is a body that nobody has read to its end.
        unread = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )

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
            endpoint = self.switchboard.endpoint(scope)
            if endpoint is None:
                await self.app(scope, take, answer)
            else:
                response = await endpoint(Request(scope, take))
                await response(scope, take, answer)
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
            response = answer_problem(self.site, Request(scope), error)
            if unread and not any(name == b"expect" for name, _ in scope["headers"]):
                # A connection that is closed on an unread body is reset, and the problem may be lost with it.
                await drain(Request(scope, take).stream(), seconds=DRAINS_SECONDS)
            await response(scope, receive, answer)
        finally:
            self.site.metrics.open -= 1
            route = scope.get("route")
            name = getattr(route, "name", None) or "none"
            self.site.metrics.count(method, name, status, time.perf_counter() - started)


def _redirect(scope: Scope, elsewhere: Elsewhere, site: Site) -> Response:
    query = scope["query_string"].decode("latin-1")
    path = site.root + elsewhere.path.removeprefix("/")
    return Response(status_code=elsewhere.status, headers={"Location": f"{path}?{query}" if query else path})


def answer_problem(site: Site, request: Request, error: Exception) -> Response:
    """What a request gets that failed: a page for a browser, a problem document for a program."""
    language = language_for(request)
    if isinstance(error, Forbidden) and "authorization" not in request.headers:
        # RFC 9110, 15.5.2: who has not said who they are may yet be allowed.
        error = Unauthorized(error.messages["en"], ja=error.messages["ja"])
    problem = problems.problem_from(error, language)
    headers: dict[str, Any] = {**problem.headers, "Content-Language": language}
    if prefers_page(request):
        page = problem_page(request, site.pages, site.root, problem)
        return Response(page, problem.kind.status, headers, "text/html; charset=utf-8")
    return Response(problem.body, problem.kind.status, headers, problems.MEDIA_TYPE)
