"""The page of a search: hits with what matched marked, facets and filters as links, histograms as bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery import search as searching
from catalog.errors import Invalid
from catalog.questions.reader import Reader
from catalog.questions.search import (
    MOST_FACETS,
    Bin,
    Facet,
    FacetValue,
    Histogram,
    Hit,
    Interval,
    SearchPage,
    SearchQuestion,
    Spread,
)
from catalog.questions.search_parameters import OF_SEARCH, search_from
from catalog.records.kinds import Field, Kind, Kinds
from catalog.web.layout import label as label_of
from catalog.web.negotiation import Language
from catalog.web.pages import number, page, text_in
from catalog.web.reading import cache_for, common_fields
from catalog.web.site import Site

Pairs = Sequence[tuple[str, str]]

# More bars than this cannot be labelled each.
LABELLED_BARS: Final = 14
# Nor seen, when they are more than these.
MOST_BARS: Final = 240
# What is about the answer, and not about which records.
APART: Final = (*OF_SEARCH, "select")


def found_for(
    site: Site, question: SearchQuestion, reader: Reader, *, deadline_seconds: float | None = None
) -> SearchPage:
    """What is found, with sources called by their titles."""
    catalog = site.catalog
    found = searching.search(
        question, reader, index=catalog.index, answers=catalog.answers, deadline_seconds=deadline_seconds
    )
    facets = tuple(
        replace(facet, values=tuple(replace(value, label=_source_title(site, value)) for value in facet.values))
        if facet.field == "source"
        else facet
        for facet in found.facets
    )
    return replace(found, facets=facets)


def _source_title(site: Site, value: FacetValue) -> Mapping[str, str]:
    source = site.catalog.sources.find(str(value.value))
    return source.title if source else {}


def said_in(language: Language, texts: Mapping[str, str]) -> str:
    """A text by language in the reader's language."""
    return text_in(texts, language)[0]


@dataclass(frozen=True, slots=True)
class Addresses:
    """This search's address with something added or taken away; going elsewhere begins at its first page."""

    root: str
    pairs: tuple[tuple[str, str], ...]
    language: str | None  # where the reader chose it by address

    def with_(self, *more: tuple[str, str], without: Iterable[str] = ()) -> str:
        """With these parameters too, and without any of these names."""
        left = {"cursor", *without}
        return self._of([*((name, value) for name, value in self.pairs if name not in left), *more])

    def less(self, name: str, value: str) -> str:
        """Without one value of one parameter, which may stand among others with commas."""
        kept = []
        for given, said in self.pairs:
            if given == name:
                if said == value:
                    continue
                parts = said.split(",")
                if value in parts:
                    said = ",".join(part for part in parts if part != value)
            if given != "cursor":
                kept.append((given, said))
        return self._of(kept)

    def _of(self, pairs: Pairs) -> str:
        told = [*pairs, *([("lang", self.language)] if self.language else [])]
        return f"{self.root}search?{urlencode(told)}" if told else f"{self.root}search"


async def search_page(request: Request, site: Site, reader: Reader, pairs: Pairs, language: Language) -> Response:
    """The page that answers these parameters."""
    kinds = site.catalog.kinds
    found: SearchPage | None = None
    question: SearchQuestion | None = None
    refused: Invalid | None = None
    try:
        question = _with_what_a_page_shows(search_from(pairs, site.catalog.vocabulary), pairs, kinds)
        found = await site.in_thread(found_for, site, question, reader)
    except Invalid as error:
        # Whoever typed something that can't be asked is told so where it can be mended.
        refused = error
    said = request.query_params.get("lang")
    addresses = Addresses(site.root, tuple(pairs), said if said in ("en", "ja") else None)
    chosen = dict(pairs)
    kind = _one_kind(question, kinds)
    return page(
        request,
        site.pages,
        site.root,
        "search.html",
        status=200 if refused is None else 422,
        section="search",
        q=chosen.get("q", ""),
        kept=[(name, value) for name, value in pairs if name not in ("q", "cursor")],
        refused=refused.messages[language] if refused else None,
        found=found,
        kinds=kinds,
        hits=[_hit_shown(hit, language, kinds) for hit in found.hits] if found else [],
        facets=[_facet_shown(facet, addresses, language) for facet in found.facets] if found else [],
        charts=[_chart(spread, question, addresses, kind, language) for spread in found.histograms]
        if found and question
        else [],
        filters=_filters_shown(pairs, found, addresses, kind, language),
        anew=addresses.with_(without=[name for name, _ in pairs if name not in APART]),
        orders=_orders(question, addresses, kind, kinds, language) if question else [],
        next_href=addresses.with_(("cursor", found.next)) if found and found.next else "",
        headers={"Cache-Control": cache_for(reader)},
    )


def _one_kind(question: SearchQuestion | None, kinds: Kinds) -> Kind | None:
    asked_kinds = question.question.kinds if question else ()
    return kinds[asked_kinds[0]] if len(asked_kinds) == 1 else None


def _own_first(kind: Kind | None, kinds: Kinds) -> list[Field]:
    """The fields of the one kind that is asked about, those that only it has before those that every kind has."""
    if kind is None:
        return []
    common = common_fields(kinds)
    return sorted((field for field in kind.fields if not field.private), key=lambda field: field.name in common)


def _with_what_a_page_shows(question: SearchQuestion, pairs: Pairs, kinds: Kinds) -> SearchQuestion:
    """The search with the facets and the histogram that a page shows where none was asked for."""
    kind = _one_kind(question, kinds)
    facets, histograms = question.facets, question.histograms
    if not facets:
        own = [field.name for field in _own_first(kind, kinds) if field.facet]
        facets = ("kind", "source", *own)[:MOST_FACETS]
    if not histograms:
        dates = [field.name for field in _own_first(kind, kinds) if field.form == "date"]
        histograms = tuple(Histogram(name, interval="year") for name in dates[:1])
    values = question.facet_values if any(name == "facetValues" for name, _ in pairs) else 10
    return replace(question, facets=facets, facet_values=values, histograms=histograms)


def _hit_shown(hit: Hit, language: Language, kinds: Kinds) -> dict[str, Any]:
    """A hit with its title marked where it was found, and the other places below."""
    record = orjson.loads(hit.record)
    title, tongue = text_in(hit.title, language)
    marked = next((each for each in hit.highlights if each.field == "title" and each.language == tongue), None)
    # A long title is cut where it is highlighted; then it is told whole, and the piece of it below.
    whole = marked is not None and "".join(piece.text for piece in marked.pieces) == title
    kind = kinds[hit.kind]
    return {
        "record": record,
        "kind": kind,
        "title": title or record["localId"],
        "tongue": tongue if title and tongue not in (language, "und") else None,
        "pieces": marked.pieces if whole and marked else (),
        "highlights": [
            (text_in(kind.field[each.field].titles, language)[0] if each.field in kind.field else "", each)
            for each in hit.highlights
            if not (whole and each is marked)
        ],
    }


def _facet_shown(facet: Facet, addresses: Addresses, language: Language) -> dict[str, Any]:
    """A facet as links: a value adds itself to the search, a chosen one takes itself away."""
    say = partial(said_in, language)
    values = [
        {
            "label": value.called(say),
            "count": value.count,
            "chosen": value.chosen,
            "href": addresses.less(facet.field, value.written)
            if value.chosen
            else addresses.with_((facet.field, value.written)),
        }
        for value in facet.values
    ]
    return {
        "title": facet.called(say),
        "values": values,
        "more": facet.more,
        "exact": facet.exact,
    }


def _filters_shown(
    pairs: Pairs, found: SearchPage | None, addresses: Addresses, kind: Kind | None, language: Language
) -> list[dict[str, str]]:
    """What the search is held to besides its words, each with the address that does without it."""
    facets = {facet.field: facet for facet in found.facets} if found else {}
    shown = []
    for name, value in pairs:
        if name in APART:
            continue
        facet = facets.get(name)
        labels = {each.written: each.called(partial(said_in, language)) for each in facet.values} if facet else {}
        title = _title_of(name, facet, kind, language)
        shown += [
            {"title": title, "label": labels.get(part, part), "href": addresses.less(name, part)}
            for part in (value.split(",") if facet else [value])
        ]
    return shown


def _title_of(name: str, facet: Facet | None, kind: Kind | None, language: Language) -> str:
    if facet:
        return facet.called(partial(said_in, language))
    return label_of(kind.field[name], language) if kind and name in kind.field else name


def _orders(
    question: SearchQuestion, addresses: Addresses, kind: Kind | None, kinds: Kinds, language: Language
) -> list[dict[str, Any]]:
    """The orders that a page offers; without words nothing matches better than another."""
    offered = [("relevance", "best match first", "関連度順")] if question.text else []
    offered.append(("-modified", "changed last first", "更新日の新しい順"))
    for field in [each for each in _own_first(kind, kinds) if each.form == "date" and each.sortable][:1]:
        called = label_of(field, language)
        offered.append((f"-{field.name}", f"{called}, latest first", f"{called}の新しい順"))
    now = ",".join(f"{'-' if one.descending else ''}{one.by}" for one in question.order) or offered[0][0]
    return [
        {
            "label": ja if language == "ja" else en,
            "href": addresses.with_(("sort", name), without=("sort",)),
            "chosen": name == now,
        }
        for name, en, ja in offered
    ]


# --- histograms as bars


def _chart(
    spread: Spread, question: SearchQuestion, addresses: Addresses, kind: Kind | None, language: Language
) -> dict[str, Any]:
    """A histogram as bars, each a link to the hits that it stands for where a filter can say so."""
    histogram = next((each for each in question.histograms if each.field == spread.field), Histogram(spread.field))
    bins = unbroken(spread.bins, histogram.interval)
    most = max((each.count for each in bins), default=0)
    bars = [
        {
            "label": bar_label(each, histogram, spread.unit),
            "count": each.count,
            # Of a hundred; what is there at all is seen.
            "height": max(round(100 * each.count / most), 2) if each.count else 0,
            "href": addresses.with_((spread.field, asking), without=(spread.field,))
            if each.count and (asking := asking_for(each, histogram, spread.unit))
            else "",
        }
        for each in bins
    ]
    return {
        "title": label_of(kind.field[spread.field], language) if kind and spread.field in kind.field else spread.field,
        "bars": bars,
        "missing": spread.missing,
        "dense": len(bars) > LABELLED_BARS,
    }


def unbroken(bins: Sequence[Bin], interval: Interval | None) -> Sequence[Bin]:
    """The bins with the empty years or months between them, so that a bar's place says when it was."""
    if interval not in ("year", "month") or len(bins) < 2:
        return bins
    step = 12 if interval == "year" else 1
    there = {_months(each): each for each in bins}
    first, last = min(there), max(there)
    if (last - first) // step >= MOST_BARS:
        return bins
    return [
        there.get(months) or Bin(_month(months), _month(months + step), 0) for months in range(first, last + 1, step)
    ]


def _months(bar: Bin) -> int:
    """The months from the year 0 to a bin's beginning."""
    start = str(bar.start)
    return int(start[:4]) * 12 + int(start[5:7] or 1) - 1


def _month(months: int) -> str:
    return f"{months // 12:04}-{months % 12 + 1:02}-01"


_CHARACTERS: Final[Mapping[str, int]] = {"year": 4, "month": 7, "day": 10}


def bar_label(bar: Bin, histogram: Histogram, unit: str | None) -> str:
    """What stands below a bar."""
    if isinstance(bar.start, str) or isinstance(bar.end, str):
        start, end = str(bar.start or ""), str(bar.end or "")
        if histogram.interval:
            return start[: _CHARACTERS[histogram.interval]]
        return f"{start[:10]} – {end[:10]}"
    low = "" if bar.start is None else number(_glanced(bar.start))
    high = "" if bar.end is None else number(_glanced(bar.end))
    return " ".join(part for part in (low, "–", high, unit) if part)


def _glanced(value: float) -> float:
    """A number to be glanced at; the exact one is in the data."""
    return float(f"{value:.4g}")


def asking_for(bar: Bin, histogram: Histogram, unit: str | None) -> str | None:
    """The filter that chooses what a bar counts; a date between edges has none that leaves out its end."""
    if isinstance(bar.start, str):
        return bar.start[: _CHARACTERS[histogram.interval]] if histogram.interval else None
    if (bar.start is None and bar.end is None) or isinstance(bar.end, str):
        return None
    low = "" if bar.start is None else repr(bar.start)
    high = "" if bar.end is None else repr(bar.end)
    return f"{low}..{high} {unit or ''}".strip()
