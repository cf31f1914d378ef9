"""One's own records: what one submitted last and what lies where one writes, with drafts and what is invalid."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery.mine import STATUSES, Owned, mine
from catalog.errors import Forbidden
from catalog.questions.reader import Reader
from catalog.web.forms import NOT_KEPT
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, Answer, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.problems import findings_in
from catalog.web.refusals import Unauthorized
from catalog.web.sign_in import TAG
from catalog.web.site import Site, site_of

routes = Routes()

OWN_EXAMPLE: Final = {
    "id": "sample/spring8/s-001",
    "kind": "sample",
    "title": {"en": "Cathode material"},
    "status": "draft",
    "scope": "spring8/2026A1234",
    "revision": 2,
    "newest": 2,
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "person:5d2c0a7be1f04c39",
    "submittedByMe": True,
    "quarantined": False,
    "findings": [
        {
            "pointer": "/title",
            "rule": "schema/required",
            "severity": "violation",
            "message": "title is missing",
        }
    ],
}


@routes.add(
    Operation(
        "GET",
        "/account/records",
        "own-records",
        TAG,
        "One's own records",
        "自分のレコード",
        "The records that you submitted last, and all that lie in scopes where you write, what was submitted last first: of every "
        "status, drafts among them, with what is invalid in the newest revision (`findings`; `quarantined` while others still see "
        "an earlier one). Where you write no more you are told what any reader is.",
        {200: Answer("A page of them.", (JSON, HTML), {"items": [OWN_EXAMPLE], "next": None})},
        (400, 403, 406, 422),
        (
            Parameter("kind", "Only records of this kind.", example="sample"),
            Parameter("status", f"Only records of this status: {', '.join(STATUSES)}.", example="draft"),
            Parameter(
                "invalid",
                "Only records with findings in their newest revision.",
                {"type": "boolean", "default": False},
            ),
            LIMIT,
            CURSOR,
            FORMAT,
        ),
    )
)
async def own_records(request: Request) -> Response:
    """One's own records."""
    site, said = site_of(request), asked(request)
    reader = _person(site, request)
    form = form_for(request, (JSON, HTML))
    # A field of the page's form that is left empty is not said.
    wanted: dict[str, Any] = {"kind": said.get("kind") or None, "status": said.get("status") or None}
    found = await site.in_thread(
        mine,
        reader,
        answers=site.catalog.answers,
        invalid=said["invalid"],
        cursor=said.get("cursor"),
        limit=said["limit"],
        **wanted,
    )
    told = _told(found, language_for(request))
    if form is HTML:
        kinds = site.catalog.kinds
        return page(
            request, site.pages, site.root, "own_records.html", headers=NOT_KEPT, statuses=STATUSES, kinds=kinds,
            wanted={**wanted, "invalid": "true" if said["invalid"] else None}, **told,
        )  # fmt: skip
    return Response(orjson.dumps(told), 200, NOT_KEPT, JSON.content_type)


def _person(site: Site, request: Request) -> Reader:
    """Who asks, who must be somebody: also by a token of theirs, which then tells what it lets see."""
    reader = site.reader(request)
    if reader.id == "public" or reader.id.startswith("link:"):
        raise Unauthorized("Sign in first.", ja="先にサインインしてください。")
    if not reader.id.startswith("person:"):
        raise Forbidden(
            "People have records of their own; programs ask `/records` with `status=`.",
            ja="自分のレコードは利用者のためのものです。プログラムからは `status=` を付けて `/records` を使ってください。",
        )
    return reader


def _told(found: Owned, language: Language) -> dict[str, Any]:
    items = []
    for own in found.items:
        document = own.document()
        document["findings"] = findings_in(own.findings, language)
        items.append(document)
    return {"items": items, "next": found.next}
