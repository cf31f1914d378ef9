"""Small things that people send by a form of ours, and programs as JSON: read alike, and answered to each in their way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import CatalogError, Malformed
from catalog.web.negotiation import language_for
from catalog.web.pages import page
from catalog.web.problems import problem_from
from catalog.web.session import form_of
from catalog.web.site import site_of
from catalog.web.writing import told_in


def by_form(request: Request) -> bool:
    """Whether a page of ours sent this, and a page is to be the answer."""
    return "form" in request.scope["state"]


async def said_in(
    request: Request, *, of: Mapping[str, type], required: tuple[str, ...] = (), nullable: bool = False
) -> dict[str, Any]:
    """What a form or a small JSON body says; a field that is left empty is not said."""
    if not by_form(request):
        return await told_in(request, of=of, required=required, nullable=nullable)
    form = form_of(request)
    told: dict[str, Any] = {}
    for name, text in form.items():
        if name == "csrf":
            continue
        if name not in of:
            raise Malformed(f"'{name}' means nothing here.", ja=f"「{name}」は使えません。")
        if text:
            told[name] = _read(name, text, of[name])
    for name in required:
        if name not in told:
            raise Malformed(f"{name} is missing.", ja=f"{name} がありません。")
    return told


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
    return Response(status_code=303, headers={"Location": path, "Cache-Control": "no-store"})


def refused(request: Request, template: str, error: CatalogError, **values: Any) -> Response:
    """The page from which something was sent that is refused, with what was wrong."""
    site = site_of(request)
    site.tell_refused(request.scope, error)
    problem = problem_from(error, language_for(request))
    headers = {**problem.headers, "Cache-Control": "no-store"}
    return page(
        request,
        site.pages,
        site.root,
        template,
        status=problem.kind.status,
        headers=headers,
        problem=problem.document,
        **values,
    )
