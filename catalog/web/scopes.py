"""The tree of scopes over HTTP: where records lie, and who may read what lies there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Conflict, Malformed
from catalog.questions.reader import Reader
from catalog.web.addresses import last_segment
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import FORMAT, LIMIT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.reading import answered
from catalog.web.site import Site, site_of
from catalog.web.writing import told_in, writer

routes = Routes()

SCOPE: Final = Parameter("scope", "The scope's id, which is its path.", place="path", example="spring8/2026A1234")
SCOPE_EXAMPLE: Final = {
    "id": "spring8/2026A1234",
    "title": {"en": "Cathodes under load"},
    "parent": "spring8",
    "mode": "limited",
    "metadataUntil": None,
    "dataUntil": "2028-04-01T00:00:00.000000Z",
    "dataMode": "open",
    "resource": None,
    "set": {"dataUntil": "2028-04-01T00:00:00.000000Z"},
}
KNOWN_EXAMPLE: Final = {**SCOPE_EXAMPLE, "may": ["read", "download"]}
# How many of the scopes below it a scope's page shows.
BELOW: Final = 200
SAID_EXAMPLE: Final = {"title": {"en": "Cathodes under load"}, "mode": "limited", "dataUntil": "2028-04-01"}
CONFIRM: Final = Parameter(
    "confirm",
    "That more than 10,000 public records may be closed to everyone at once; without it such a change is refused (409).",
    {"type": "boolean", "default": False},
)
# What may be set, and what the verb calls it; null leaves it to the scope above.
SETS: Final[Mapping[str, str]] = {
    "title": "title",
    "mode": "mode",
    "metadataUntil": "metadata_until",
    "dataUntil": "data_until",
    "dataMode": "data_mode",
    "resource": "resource",
}


@routes.add(
    Operation(
        "GET",
        "/scopes",
        "scopes",
        "Registering",
        "The scopes",
        "スコープの一覧",
        "The scopes that you may see, in the order of their ids.",
        {200: Answer("The scopes.", (JSON, HTML), {"items": [SCOPE_EXAMPLE], "next": None})},
        (400, 406),
        (LIMIT, Parameter("cursor", "The `next` of the page before."), FORMAT),
    )
)
async def scopes(request: Request) -> Response:
    """Every scope that the reader may see."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    limit = said["limit"]
    found = await site.in_thread(site.catalog.scopes.list, reader, after=said.get("cursor"), limit=limit + 1)
    items = [scope.document() for scope in found[:limit]]
    following = found[limit - 1].id if len(found) > limit else None
    if form is HTML:
        return page(request, site.pages, site.root, "scopes.html", scopes=items, next=following)
    return answered(request, reader, orjson.dumps({"items": items, "next": following}), form)


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}",
        "scope-of",
        "Registering",
        "One scope",
        "スコープの説明",
        "What is in force in a scope, under `set` what was set in it, and under `may` what you may do there.",
        {200: Answer("The scope.", (JSON, HTML), KNOWN_EXAMPLE)},
        (400, 404, 406),
        (SCOPE, FORMAT),
    )
)
async def scope(request: Request) -> Response:
    """One scope."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    id = last_segment(request, "scopes")
    scopes = site.catalog.scopes

    def made() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        found = scopes.find(id, reader)
        below = scopes.list(reader, after=f"{id}/", limit=BELOW) if form is HTML else ()
        told = {**found.document(), "may": scopes.may(found, reader)}
        return told, [each.document() for each in below if each.id.startswith(f"{id}/")]

    told, below = await site.in_thread(made)
    if form is HTML:
        return page(request, site.pages, site.root, "scope.html", scope=told, below=below)
    return answered(request, reader, orjson.dumps(told), form)


@routes.add(
    Operation(
        "POST",
        "/scopes",
        "make-scope",
        "Registering",
        "Make a scope",
        "スコープを作る",
        "A root is made by administrators, any other by whoever manages the scope above it. A root that sets no mode is limited.",
        {201: Answer("It is made.", (JSON,), SCOPE_EXAMPLE)},
        (400, 403, 404, 409, 415, 422),
        (),
        Body("The scope.", {"application/json": {"id": "spring8/2026A1234", **SAID_EXAMPLE}}),
    )
)
async def make(request: Request) -> Response:
    """Make a scope."""
    asked(request)
    site, reader = site_of(request), writer(request)
    said = await _said(request, id=True)
    return await _made(site, said.pop("id"), reader, said)


@routes.add(
    Operation(
        "PUT",
        "/scopes/{scope:path}",
        "put-scope",
        "Registering",
        "Make a scope, or set it anew",
        "スコープを作る、または設定し直す",
        "What is not said is left to the scope above.",
        {
            201: Answer("It is made.", (JSON,), SCOPE_EXAMPLE),
            200: Answer("It is set.", (JSON,), SCOPE_EXAMPLE),
        },
        (400, 403, 404, 409, 415, 422),
        (SCOPE, CONFIRM),
        Body("What is set in it.", {"application/json": SAID_EXAMPLE}),
    )
)
async def put(request: Request) -> Response:
    """Make a scope, or set it anew."""
    confirmed = asked(request)["confirm"]
    site, reader = site_of(request), writer(request)
    id = last_segment(request, "scopes")
    said = await _said(request)
    try:
        return await _made(site, id, reader, said)
    except Conflict:
        whole = {name: said.get(name) for name in SETS.values()}
        return await _changed(site, id, reader, {**whole, "title": whole["title"] or {}, "confirmed": confirmed})


@routes.add(
    Operation(
        "PATCH",
        "/scopes/{scope:path}",
        "change-scope",
        "Registering",
        "Change a scope",
        "スコープを変更する",
        "Only what is said is changed; null leaves it to the scope above. What is closed is closed at the next request, "
        "everywhere.",
        {200: Answer("It is changed.", (JSON,), SCOPE_EXAMPLE)},
        (400, 403, 404, 409, 415, 422),
        (SCOPE, CONFIRM),
        Body("What is to be set.", {"application/json": {"mode": "everyone"}}),
    )
)
async def change(request: Request) -> Response:
    """Change what a scope sets."""
    confirmed = asked(request)["confirm"]
    site, reader = site_of(request), writer(request)
    said = await _said(request)
    if said.get("title", {}) is None:
        said["title"] = {}
    return await _changed(site, last_segment(request, "scopes"), reader, {**said, "confirmed": confirmed})


async def _said(request: Request, *, id: bool = False) -> dict[str, Any]:
    """What the body sets, by the names that the verbs have for it."""
    known: dict[str, type] = {
        "title": dict,
        "mode": str,
        "metadataUntil": str,
        "dataUntil": str,
        "dataMode": str,
        "resource": str,
    }
    if id:
        known["id"] = str
    told = await told_in(request, of=known, required=("id",) if id else (), nullable=True)
    if id and told["id"] is None:
        raise Malformed("id is null.", ja="id が null です。")
    return {SETS.get(name, name): value for name, value in told.items()}


async def _made(site: Site, id: str, reader: Reader, said: Mapping[str, Any]) -> Response:
    made = await site.in_thread(lambda: site.catalog.scopes.create(id, reader, **said))
    headers = {"Location": f"{site.root}scopes/{made.id}"}
    return Response(orjson.dumps(made.document()), 201, headers, JSON.content_type)


async def _changed(site: Site, id: str, reader: Reader, said: Mapping[str, Any]) -> Response:
    made = await site.in_thread(lambda: site.catalog.scopes.change(id, reader, **said))
    return Response(orjson.dumps(made.document()), 200, {}, JSON.content_type)
