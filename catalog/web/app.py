"""The application: every operation as a route, behind one door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import Lifespan, Receive, Scope, Send

from catalog import __version__
from catalog.assembly import Catalog, open_catalog
from catalog.curation.load import end_abandoned
from catalog.errors import CatalogError, Malformed, Misconfigured, NotFound
from catalog.settings import read_settings
from catalog.web import (
    access,
    account,
    api_tokens,
    audit,
    described,
    device,
    feeds,
    files,
    groups,
    issuers,
    linked_data,
    links,
    mine,
    oidc,
    pages,
    people,
    projections,
    reading,
    registry,
    requests,
    scopes,
    search,
    sharing,
    sign_in,
    sitemap,
    sparql,
    verbs,
    void,
    writing,
)
from catalog.web.door import Door
from catalog.web.filling import mirrors_filled
from catalog.web.graphql import http as graphql
from catalog.web.graphql.http import GraphQL
from catalog.web.graphql.schema import schema_of
from catalog.web.metrics import Metrics
from catalog.web.operations import Routes, add_routes
from catalog.web.refusals import MethodNotAllowed
from catalog.web.session import Doorkeeper
from catalog.web.site import Site
from catalog.web.tokens import Tokens

ROUTES = Routes(
    (
        *described.routes,
        *writing.routes,
        *reading.routes,
        *search.routes,
        *verbs.routes,
        *files.routes,
        *registry.routes,
        *scopes.routes,
        *sharing.routes,
        *audit.routes,
        *requests.routes,
        *access.routes,
        *groups.routes,
        *sign_in.routes,
        *account.routes,
        *mine.routes,
        *api_tokens.routes,
        *device.routes,
        *links.routes,
        *oidc.routes,
        *issuers.routes,
        *people.routes,
        *feeds.routes,
        *linked_data.routes,
        *projections.routes,
        *void.routes,
        *sitemap.routes,
        *sparql.routes,
        *graphql.routes,
    )
)
# The first word of every address that is not a record's: a kind of that name would hide it, or be hidden.
WORDS = frozenset(word for told, _ in ROUTES if not (word := told.path.split("/")[1]).startswith("{") and word)


def create(catalog: Catalog) -> FastAPI:
    """The application that serves a catalogue, which stays open after it."""
    return _application(catalog, closes=False)


def from_settings() -> FastAPI:
    """The application of a worker process, which opens the catalogue that the settings name and closes it at the end."""
    return _application(open_catalog(read_settings()), closes=True)


def _application(catalog: Catalog, *, closes: bool) -> FastAPI:
    for kind in catalog.kinds:
        if kind in WORDS:
            raise Misconfigured(
                f"A kind can't be named '{kind}': that is the first word of addresses of the catalogue's own.",
                ja=f"種別の名前に「{kind}」は使えません。カタログ自身のアドレスの先頭の語です。",
            )
    site = Site(catalog, Doorkeeper.of(catalog), pages.environment(), Metrics(), Tokens.of(catalog.token))

    served = GraphQL.of(catalog, schema_of(catalog.kinds))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # A worker that takes the place of one that died tells of its loads, too.
        end_abandoned(catalog.loads, catalog.settings.spool)
        with mirrors_filled(catalog):
            yield
        site.close()
        served.close()
        if closes:
            catalog.close()

    app = bare(lifespan)
    app.state.site = site
    app.state.graphql = served
    app.door = Door(app.behind_the_door, site)
    return app


class Application(FastAPI):
    """The routes, with the door before everything of the framework's: most requests need nothing else of it."""

    door: Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self.door(scope, receive, send)

    async def behind_the_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the door has no route for: the start and the end, and what is refused, in the words of our own errors."""
        try:
            await self.router(scope, receive, send)
        except HTTPException as error:
            raise _ours(Request(scope), error) from error


def bare(lifespan: Lifespan[FastAPI] | None = None) -> Application:
    """The routes without a catalogue behind them: what is described is the same for each."""
    app = Application(
        title="Musubi",
        version=__version__,
        summary="A metadata catalogue that other catalogues can join.",
        # Its own pages would load scripts from a content network; /api is ours.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    add_routes(app, ROUTES)
    return app


def _ours(request: Request, error: HTTPException) -> CatalogError:
    if error.status_code == 404:
        return NotFound("There is nothing at this address.", ja="このアドレスには何もありません。")
    if error.status_code == 405:
        return MethodNotAllowed(request.method, methods_at(request))
    return Malformed(str(error.detail))


def methods_at(request: Request) -> tuple[str, ...]:
    """Every method that means something at a request's address."""
    found: set[str] = set()
    for route in request.app.router.routes:
        scope: dict[str, Any] = dict(request.scope)
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    if "GET" in found:
        found.add("HEAD")
    return tuple(sorted(found))
