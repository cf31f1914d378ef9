"""What crawlers are told: where every record is that everyone may read, and what is not worth their time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from catalog.discovery.overview import health
from catalog.discovery.sitemap import Part, addresses, parts
from catalog.errors import NotFound
from catalog.web.linked_data import PUBLIC_CACHE, fixed
from catalog.web.negotiation import Form
from catalog.web.operations import Answer, Operation, Parameter, Routes
from catalog.web.site import Site, site_of

routes = Routes()

XML: Final = Form("xml", "application/xml", "XML")
TEXT: Final = Form("text", "text/plain", "Text")
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_BEGINNING = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Pages that are no records.
PAGES: Final = ("", "records", "kinds", "sources", "profiles", "scopes", "ns", "api", "sparql", "search", "void")
# Lists that lead from one to another without end, and what only programs read.
NOT_FOR_CRAWLERS: Final = (
    "records?", "search?", "sparql?", "revisions/", "links/", "files/", "identifiers/", "changes", "export", "loads/",
    "metrics", "sign-in", "account", "invitation/", "reset/", "*?format=", "*&format=", "*?revision=", "*?asOf=",
)  # fmt: skip


@routes.add(
    Operation(
        "GET",
        "/robots.txt",
        "robots",
        "The service",
        "What crawlers need not read",
        "クローラー向けの案内",
        "Where the site map is, and which addresses lead nowhere new. It is at the root of the host only if the catalogue is.",
        {200: Answer("The rules.", (TEXT,))},
    )
)
async def robots(request: Request) -> Response:
    """The rules for crawlers (RFC 9309)."""
    site = site_of(request)
    lines = ["User-agent: *", *(f"Disallow: {site.root}{path}" for path in NOT_FOR_CRAWLERS)]
    lines += ["", f"Sitemap: {site.catalog.base}sitemap.xml", ""]
    return fixed(request, "\n".join(lines).encode(), TEXT.content_type)


@routes.add(
    Operation(
        "GET",
        "/sitemap.xml",
        "sitemap",
        "The service",
        "The site map",
        "サイトマップ",
        "The parts of the site map (sitemaps.org). They list every record that everyone may read, and are made for everyone "
        "alike, whoever asks.",
        {200: Answer("The index.", (XML,))},
        (503,),
    )
)
async def sitemap(request: Request) -> Response:
    """The index of the site map."""
    site = site_of(request)
    found: list[Part] = await site.in_thread(site.sitemap.have, lambda: parts(answers=site.catalog.answers))
    base = escape(site.catalog.base)
    lines = [f"<sitemap><loc>{base}sitemap/pages.xml</loc></sitemap>"]
    lines += [
        f"<sitemap><loc>{base}sitemap/{part.number}.xml</loc><lastmod>{part.modified}</lastmod></sitemap>"
        for part in found
    ]
    body = f'{_BEGINNING}<sitemapindex xmlns="{_NAMESPACE}">\n' + "\n".join(lines) + "\n</sitemapindex>\n"
    return fixed(request, body.encode(), XML.content_type, cache=f"public, max-age={site.sitemap.seconds}")


@routes.add(
    Operation(
        "GET",
        "/sitemap/{part}",
        "sitemap-part",
        "The service",
        "A part of the site map",
        "サイトマップの一部",
        "Addresses, each with the day on which its record last changed.",
        {200: Answer("The addresses.", (XML,)), 304: Answer("Nothing has changed (`If-None-Match`).")},
        (404, 503),
        (Parameter("part", "As the index names it.", place="path", example="0.xml"),),
    )
)
async def sitemap_part(request: Request) -> Response:
    """The addresses of one part, as they are now."""
    site = site_of(request)
    name: str = request.path_params["part"]
    if name == "pages.xml":
        return fixed(request, b"".join(_written(_pages(site))), XML.content_type)
    number = re.fullmatch(r"(0|[1-9][0-9]{0,8})\.xml", name)
    if number is None:
        raise _nothing()
    # Whatever changes what everyone may read has a place in the ledger, but for an embargo that ends.
    position = (await site.in_thread(health, answers=site.catalog.answers)).position
    told = f"{site.tokens.write(position)} {time.strftime('%Y-%m-%d', time.gmtime())} {name}"
    etag = f'W/"{sha256(told.encode()).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": PUBLIC_CACHE}
    if etag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)

    def make() -> Iterator[bytes]:
        slices = addresses(int(number[1]), answers=site.catalog.answers)
        base = site.catalog.base
        yield from _written([(base + id, modified) for id, modified in rows] for rows in slices)

    return StreamingResponse(await site.stream(make), 200, headers, XML.content_type)


def _pages(site: Site) -> Iterator[list[tuple[str, str | None]]]:
    paths = [*PAGES, *(f"kinds/{kind}" for kind in site.catalog.kinds)]
    paths += [f"sources/{source.id}" for source in site.catalog.sources.all()]
    yield [(site.catalog.base + path, None) for path in paths]


def _written(slices: Iterable[Sequence[tuple[str, str | None]]]) -> Iterator[bytes]:
    """Addresses as they stand in a site map. A part without any is not there."""
    begun = False
    for rows in slices:
        lines = [
            f"<url><loc>{escape(address)}</loc>" + (f"<lastmod>{modified}</lastmod>" if modified else "") + "</url>\n"
            for address, modified in rows
        ]
        if not begun:
            begun = True
            lines.insert(0, f'{_BEGINNING}<urlset xmlns="{_NAMESPACE}">\n')
        yield "".join(lines).encode()
    if not begun:
        raise _nothing()
    yield b"</urlset>\n"


def _nothing() -> NotFound:
    return NotFound("There is nothing at this address.", ja="このアドレスには何もありません。")
