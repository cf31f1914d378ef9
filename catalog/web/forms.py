"""Small things that people send by a form of ours, and programs as JSON: read alike, and answered to each in their way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Forbidden, Malformed, NotFound
from catalog.web.negotiation import JSON, language_for, prefers_json
from catalog.web.pages import page
from catalog.web.problems import problem_from
from catalog.web.session import form_of, session_in
from catalog.web.site import site_of
from catalog.web.writing import told_in

T = TypeVar("T")
NOT_KEPT: Final = {"Cache-Control": "no-store"}
# What a page that things are sent from shows unless it is told otherwise.
_UNSAID: Final[Mapping[str, Any]] = {"problem": None, "done": None}


def by_form(request: Request) -> bool:
    """Whether a form said what was sent."""
    return "form" in request.scope["state"]


def to_page(request: Request) -> bool:
    """Whether a page is to be the answer: to a form, unless whoever sent it would rather have JSON."""
    return by_form(request) and not prefers_json(request)


async def said_in(
    request: Request, *, of: Mapping[str, type], required: tuple[str, ...] = (), nullable: bool = False
) -> dict[str, Any]:
    """What a form or a small JSON body says; a field that is left empty is not said."""
    if not by_form(request):
        return await told_in(request, of=of, required=required, nullable=nullable)
    form = form_of(request)
    said: dict[str, Any] = {}
    for name, text in form.items():
        if name == "csrf":
            continue
        if name not in of:
            raise Malformed(f"'{name}' means nothing here.", ja=f"「{name}」は使えません。")
        if text:
            said[name] = _read(name, text, of[name])
    for name in required:
        if name not in said:
            raise Malformed(f"{name} is missing.", ja=f"{name} がありません。")
    return said


def _read(name: str, text: str, type_: type) -> Any:
    if type_ is bool:
        return text == "true"
    if type_ is int:
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise Malformed(f"{name} must be a whole number.", ja=f"{name} は整数でなければなりません。")
        return int(text)
    if type_ is not str:
        raise Malformed(f"{name} can't be said by a form.", ja=f"{name} はフォームでは送れません。")
    return text


def see(path: str) -> Response:
    """Where a browser goes on after it has sent something; reloading that page sends nothing again."""
    return Response(status_code=303, headers={"Location": path, **NOT_KEPT})


def told(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """What a program is told of what somebody holds, which nothing on the way keeps."""
    return Response(orjson.dumps(document), status, {**NOT_KEPT, **(headers or {})}, JSON.content_type)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page that things are sent from: its template, and what it shows as things stand, which is found out in a thread."""

    template: str
    values: Callable[[], Mapping[str, Any]] = dict


async def shown(request: Request, sheet: Sheet, *, status: int = 200, **more: Any) -> Response:
    """The page as things stand."""
    site = site_of(request)
    values = await site.in_thread(sheet.values)
    return page(
        request,
        site.pages,
        site.root,
        sheet.template,
        status=status,
        headers=NOT_KEPT,
        **{**_UNSAID, **values, **more},
    )


async def refused(request: Request, sheet: Sheet, error: CatalogError, **more: Any) -> Response:
    """The page with what was wrong with what was sent from it; the error itself where no page is wanted, or none can be seen."""
    if not to_page(request) or (isinstance(error, Forbidden) and session_in(request) is None):
        raise error
    site = site_of(request)
    try:
        values = await site.in_thread(sheet.values)
    except (Forbidden, NotFound):
        raise error from None
    site.tell_refused(request.scope, error)
    problem = problem_from(error, language_for(request))
    return page(
        request,
        site.pages,
        site.root,
        sheet.template,
        status=problem.kind.status,
        headers={**problem.headers, **NOT_KEPT},
        **{**_UNSAID, **values, **more, "problem": problem.document},
    )


async def carry_out(
    request: Request,
    deed: Awaitable[T],
    sheet: Sheet,
    *,
    to: Callable[[T], str] | None = None,
    once: Callable[[T], Mapping[str, Any] | None] | None = None,
    document: Callable[[T], Any],
    status: int = 200,
    headers: Callable[[T], Mapping[str, str]] | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """Do what was sent, and answer as its sender wants.

    A browser goes on to a path of ours (`to`), or sees the page with what is shown this `once`; a program gets the
    `document`. What is refused comes back with the page that it was sent from, and what was `typed` there.
    """
    try:
        done = await deed
    except CatalogError as error:
        return await refused(request, sheet, error, **(typed or {}))
    if to_page(request):
        values = once(done) if once is not None else None
        if values is not None or to is None:
            return await shown(request, sheet, status=status, **(values or {}))
        return see(site_of(request).root + to(done))
    return told(document(done), status, None if headers is None else headers(done))


def kept_language(request: Request) -> str:
    """The language that was chosen by address, for the address to go on to."""
    keep = request.query_params.get("lang")
    return f"&lang={keep}" if keep in ("en", "ja") else ""
