"""The parameters of a search's address become a search: `q=cathode&kind=sample&facet=sampleType&histogram=amount:20 mg`.

What is no parameter of a search is one of a list, and is read as there: a record that a list leaves out, no search finds.
docs/searching.md says the same to people, with examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, get_args

from catalog.errors import Invalid
from catalog.questions.parameters import MOST_PARAMETERS, order_from, question_from
from catalog.questions.question import Selection
from catalog.questions.search import (
    MOST_BINS,
    MOST_FACET_VALUES,
    MOST_HITS,
    Histogram,
    Interval,
    SearchQuestion,
)
from catalog.questions.vocabulary import Vocabulary, unknown

# What stands for the search, and not for one record.
OF_SEARCH: Final = ("q", "facet", "facetValues", "histogram", "sort", "limit", "cursor", "highlight")
RECORD_TIMES: Final = ("created", "modified")
# Of a list only: what is not public is in no index, and hits are always counted.
OF_LISTS_ONLY: Final = ("status", "count")

_EDGE: Final = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?")


def search_from(pairs: Iterable[tuple[str, str]], vocabulary: Vocabulary) -> SearchQuestion:
    """The search that these parameters ask for; Invalid names the parameter that is wrong and what is near it."""
    given = list(pairs)
    if len(given) > MOST_PARAMETERS:
        raise Invalid(f"more than {MOST_PARAMETERS} parameters", ja=f"パラメータが{MOST_PARAMETERS}個を超えています")
    told: dict[str, list[str]] = {}
    rest: list[tuple[str, str]] = []
    for name, value in given:
        if name in OF_LISTS_ONLY:
            raise Invalid(
                f"{name}: this is a parameter of lists; a search finds public records only, and always counts them",
                ja=f"{name}: 一覧用のパラメータです。検索の対象は公開レコードだけで、件数は常に数えられます",
            )
        if name in OF_SEARCH:
            told.setdefault(name, []).append(value)
        else:
            rest.append((name, value))
    question = question_from(rest, vocabulary)
    if not any(name == "select" for name, _ in rest):
        question = replace(question, selection=Selection())
    asked = SearchQuestion(
        text=_once(told, "q") or "",
        question=question,
        facets=tuple(dict.fromkeys(_several(told, "facet"))),
        histograms=tuple(
            _of_a_date(histogram_from(each), question.kinds, vocabulary) for each in told.get("histogram", ())
        ),
        order=tuple(order_from(each) for each in _several(told, "sort") if each != "relevance"),
        after=_once(told, "cursor") or None,
        highlight=_truth("highlight", _once(told, "highlight")),
    )
    return replace(
        asked,
        first=_number("limit", _once(told, "limit"), asked.first, MOST_HITS),
        facet_values=_number("facetValues", _once(told, "facetValues"), asked.facet_values, MOST_FACET_VALUES),
    )


def histogram_from(text: str) -> Histogram:
    """The histogram that a value asks for.

    `startedAt:month`, `startedAt:2020..2022..2024` (edges), `amount:20 mg` (as many bars), `amount:0..5..10 mg`, `amount:mg`.
    """
    name, colon, how = text.partition(":")
    for place in ("condition.", "attribute.", "body."):
        # As in lists, where a quantity is asked for by one of these.
        name = name.removeprefix(place)
    how = how.strip()
    if not name:
        raise Invalid(
            f"histogram: {text!r:.80} names no field; write startedAt:month or amount:20 mg",
            ja=f"histogram: {text!r:.80} には項目名がありません。startedAt:month や amount:20 mg のように書いてください",
        )
    if not colon or not how:
        return Histogram(name)
    for interval in get_args(Interval):
        if how == interval:
            return Histogram(name, interval=interval)
    if ".." in how:
        return _between(name, text, how)
    if found := _EDGE.match(how):
        if not found[0].isdecimal() or len(found[0]) > 6 or int(found[0]) not in range(1, MOST_BINS + 1):
            raise Invalid(
                f"histogram: {found[0]!r:.40} is not a number of bars, a whole one from 1 to {MOST_BINS}; write amount:20 mg for twenty "
                "bars in mg, or amount:0..1e3..1e9 mg for bars between these",
                ja=f"histogram: {found[0]!r:.40} は区間の数（1から{MOST_BINS}までの整数）ではありません。mg で20区間なら amount:20 mg、"
                "境界を指定するなら amount:0..1e3..1e9 mg のように書いてください",
            )
        return Histogram(name, bins=int(found[0]), unit=how[found.end() :].strip() or None)
    return Histogram(name, unit=how)


def _of_a_date(histogram: Histogram, kinds: tuple[str, ...], vocabulary: Vocabulary) -> Histogram:
    """The histogram; one over a date must name one. What quantities there are only the records know."""
    if histogram.interval is not None or any(isinstance(edge, str) for edge in histogram.edges):
        known = {
            field.name
            for kind in vocabulary.named(kinds)
            for field in vocabulary.kinds[kind].fields.values()
            if field.sort == "date" and not field.private
        }
        if histogram.field not in (*RECORD_TIMES, *known):
            raise unknown("date", histogram.field, [*RECORD_TIMES, *known])
    return histogram


def _between(name: str, text: str, how: str) -> Histogram:
    """Bars between edges: numbers with a unit behind the last, or dates."""
    edges = how.split("..")
    number = _EDGE.match(edges[-1])
    if number is None:
        raise Invalid(
            f"histogram: {text!r:.80} ends with no number and no date; write amount:0..5..10 mg or startedAt:2024..2025",
            ja=f"histogram: {text!r:.80} の末尾が数値でも日付でもありません。"
            "amount:0..5..10 mg や startedAt:2024..2025 のように書いてください",
        )
    behind = edges[-1][number.end() :]
    if behind.startswith("-") or (not behind.strip() and all(re.fullmatch(r"\d{4}", edge) for edge in edges)):
        # 2024-05, and bare years: a quantity would have its unit behind the last edge.
        return Histogram(name, edges=tuple(edges))
    if not all(_EDGE.fullmatch(edge) for edge in edges[:-1]):
        raise Invalid(
            f"histogram: {text!r:.80} has an edge that is no number",
            ja=f"histogram: {text!r:.80} に数値でない境界があります",
        )
    numbers = (*(float(edge) for edge in edges[:-1]), float(number[0]))
    return Histogram(name, edges=numbers, unit=behind.strip() or None)


def _several(told: dict[str, list[str]], name: str) -> list[str]:
    return [part.strip() for value in told.get(name, ()) for part in value.split(",") if part.strip()]


def _once(told: dict[str, list[str]], name: str) -> str | None:
    values = told.get(name, ())
    if len(values) > 1:
        raise Invalid(
            f"{name}: given {len(values)} times; once is enough", ja=f"{name}: {len(values)}回指定されています"
        )
    return values[0] if values else None


def _number(name: str, text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Invalid(
            f"{name}: {text!r:.80} is not a whole number from 1 to {most}",
            ja=f"{name}: {text!r:.80} は1から{most}までの整数ではありません",
        )
    return int(text)


def _truth(name: str, text: str | None) -> bool:
    match text:
        case None | "true":
            return True
        case "false":
            return False
    raise unknown(f"value of {name}", text, ("true", "false"))
