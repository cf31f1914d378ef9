"""Search: what is found for words and filters, as JSON and as a page with facets, and what a text may go on as."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery import search as searching
from catalog.questions.search import (
    MOST_FACET_VALUES,
    MOST_HITS,
    MOST_SUGGESTIONS,
    SearchPage,
    SearchQuestion,
)
from catalog.questions.search_parameters import search_from
from catalog.web.negotiation import HTML, JSON, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, Answer, Operation, Parameter, Routes, asked
from catalog.web.problems import findings_in
from catalog.web.reading import answered
from catalog.web.search_page import found_for, said_in, search_page
from catalog.web.site import site_of
from catalog.web.waiting import WAIT_FOR, WAIT_SECONDS, until_visible, waiting_asked

routes = Routes()

USUAL: Final = SearchQuestion()
TEXT: Final = Parameter(
    "q",
    'Words, `"a phrase"`, a word\'s beginning with a star (`crystallo*`), `-what must not be there`, or an identifier, whole or '
    "its beginning. All of it has to be found.",
    example="cathode -XAFS",
)
EXAMPLE: Final = {
    "hits": [
        {
            "id": "sample/spring8/s-001",
            "kind": "sample",
            "source": "spring8",
            "localId": "s-001",
            "scope": "spring8",
            "status": "public",
            "title": {"en": "Cathode sheet NCM811, pristine", "ja": "正極シート NCM811（未使用）"},
            "score": None,
            "highlights": [
                {
                    "field": "title",
                    "language": "en",
                    "pieces": [
                        {"text": "Cathode", "marked": True},
                        {"text": " sheet NCM811, pristine", "marked": False},
                    ],
                }
            ],
        }
    ],
    "total": 1,
    "totalIsExact": True,
    "facets": [
        {
            "field": "kind",
            "title": "Kind",
            "values": [{"value": "sample", "label": "Sample", "count": 1, "chosen": False}],
            "more": False,
            "exact": True,
        }
    ],
    "histograms": [],
    "next": None,
    "notices": [],
}


@routes.add(
    Operation(
        "GET",
        "/search",
        "search",
        "Reading",
        "Search",
        "検索",
        "The records that hold what is searched for, the best match first, with facets and histograms over all of them. Filters "
        "are those of `/records`, with the same names and operators. docs/searching.md tells it with examples. A cursor holds "
        "for five minutes. `score` is told to administrators alone: it depends on all that is indexed, also on what others may not see. "
        "`notices` tells why less may have been found than usual.",
        {200: Answer("The hits.", (JSON, HTML), EXAMPLE)},
        (400, 406, 422, 503),
        (
            TEXT,
            Parameter("kind", "The kind, or several divided by commas.", example="sample"),
            Parameter(
                "facet",
                "Count the hits by the values of this field: `kind`, `source`, `profile`, or a facet of the kind. Repeatable; the "
                "counts honour the other filters, not those on the field itself.",
                example="kind",
            ),
            Parameter(
                "facetValues",
                "How many values of a facet are told at most.",
                {"type": "integer", "minimum": 1, "maximum": MOST_FACET_VALUES, "default": USUAL.facet_values},
            ),
            Parameter(
                "histogram",
                "Count the hits over a date (`startedAt:year`, `startedAt:month`, `startedAt:2024..2025..2026`) or a quantity "
                "(`amount:20 mg` for twenty bars in mg, `energy:5..6..8 keV`). Repeatable.",
                example="startedAt:month",
            ),
            Parameter(
                "sort",
                "`relevance`, or as in lists: `-modified`, `id`, a sortable field of the kind.",
                example="-modified",
            ),
            Parameter(
                "limit",
                "How many hits a page holds at most.",
                {"type": "integer", "minimum": 1, "maximum": MOST_HITS, "default": USUAL.first},
            ),
            CURSOR,
            Parameter(
                "highlight",
                "Whether the places that match are told.",
                {"type": "boolean", "default": True},
            ),
            Parameter("select", "What is told of each hit, as in lists; without it its title only.", example="body"),
            WAIT_FOR,
            WAIT_SECONDS,
            FORMAT,
        ),
        open_query=True,
    )
)
async def search(request: Request) -> Response:
    """The hits of a search."""
    site = site_of(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    language = language_for(request)
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in ("lang", "format")]
    position, seconds, pairs = waiting_asked(pairs)
    if form is HTML:
        # A form sends its empty fields too.
        pairs = [(name, value) for name, value in pairs if value != ""]
        await until_visible(site, "search", position, seconds)
        return await search_page(request, site, reader, pairs, language)
    question = search_from(pairs, site.catalog.vocabulary)
    await until_visible(site, "search", position, seconds)
    found = await site.in_thread(found_for, site, question, reader)
    headers = {"Content-Language": language, "Server-Timing": f"search;dur={found.took_seconds * 1000:.1f}"}
    return answered(request, reader, _told(found, language), form, headers=headers)


def _told(found: SearchPage, language: Language) -> bytes:
    text = found.text(partial(said_in, language))
    if '"findings":[{' not in text:
        return text.encode()
    document = orjson.loads(text)
    for hit in document["hits"]:
        if "findings" in hit:
            hit["findings"] = findings_in(hit["findings"] or (), language)
    return orjson.dumps(document)


# --- suggestions


@routes.add(
    Operation(
        "GET",
        "/search/suggestions",
        "suggestions",
        "Reading",
        "What a text may go on as",
        "検索語の候補",
        "Titles, names of terms and identifiers that begin with what was typed so far, of records that the asker may see.",
        {
            200: Answer(
                "The suggestions, the likeliest first.",
                (JSON,),
                {
                    "items": [
                        {
                            "text": "Cathode sheet NCM811, pristine",
                            "what": "title",
                            "kind": "sample",
                            "id": "sample/spring8/s-001",
                        }
                    ]
                },
            )
        },
        (400, 406, 422, 503),
        (
            Parameter("q", "What was typed so far.", required=True, example="cath"),
            Parameter("kind", "The kind, or several divided by commas.", example="sample"),
            Parameter(
                "limit",
                "How many suggestions at most.",
                {"type": "integer", "minimum": 1, "maximum": MOST_SUGGESTIONS, "default": 8},
            ),
            FORMAT,
        ),
    )
)
async def suggestions(request: Request) -> Response:
    """What a text may go on as."""
    site, said = site_of(request), asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON,))
    kinds = tuple(part.strip() for part in said.get("kind", "").split(",") if part.strip())
    found = await site.in_thread(
        searching.suggest,
        said["q"],
        reader,
        kinds=kinds,
        limit=said["limit"],
        index=site.catalog.index,
        answers=site.catalog.answers,
    )
    return answered(request, reader, orjson.dumps({"items": [one.document() for one in found]}), form)
