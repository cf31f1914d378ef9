"""The parameters of a search: what is the search's own, and what is read as in a list."""

from __future__ import annotations

import pytest

from catalog.errors import Invalid
from catalog.questions.parameters import question_from
from catalog.questions.question import Order, Selection
from catalog.questions.search import Histogram, SearchQuestion
from catalog.questions.search_parameters import search_from
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.kinds import load_kinds

WORDS = vocabulary_of(load_kinds())


def asked(*pairs: tuple[str, str]) -> SearchQuestion:
    return search_from(pairs, WORDS)


def test_a_search_has_its_text_and_what_is_told_beside_the_hits() -> None:
    found = asked(
        ("q", "soil -dry"), ("facet", "sampleType,tissue"), ("facet", "kind"), ("facetValues", "5"), ("limit", "7"),
        ("sort", "-collectedAt"), ("cursor", "abc"), ("highlight", "false"), ("kind", "sample"),
    )  # fmt: skip
    assert (found.text, found.facets, found.facet_values) == ("soil -dry", ("sampleType", "tissue", "kind"), 5)
    assert (found.first, found.after, found.highlight) == (7, "abc", False)
    assert found.order == (Order("collectedAt", descending=True),)
    assert found.question.kinds == ("sample",)


def test_what_is_not_the_searchs_own_is_read_as_in_a_list() -> None:
    filters = [
        ("kind", "experiment"),
        ("startedAt", "2026-05"),
        ("energy", "7..8 keV"),
        ("not.samples.to.formula", "Ni"),
        ("source", "spring8,nims"),
    ]
    assert asked(("q", "x"), *filters).question.where == question_from(filters, WORDS).where
    assert asked(("q", "x"), *filters).question.where is not None


def test_nothing_asked_is_everything_best_first_without_bodies() -> None:
    assert asked() == SearchQuestion(question=question_from([], WORDS).__class__(selection=Selection()))
    assert asked(("sort", "relevance")).order == ()
    assert asked(("select", "body")).question.selection == Selection(body=True)


@pytest.mark.parametrize(
    ("text", "histogram"),
    [
        ("startedAt", Histogram("startedAt")),
        ("startedAt:month", Histogram("startedAt", interval="month")),
        ("created:day", Histogram("created", interval="day")),
        ("startedAt:2020..2022..2024", Histogram("startedAt", edges=("2020", "2022", "2024"))),
        ("startedAt:2024-01-01..2025-06", Histogram("startedAt", edges=("2024-01-01", "2025-06"))),
        ("amount:mg", Histogram("amount", unit="mg")),
        ("amount:12 mg", Histogram("amount", bins=12, unit="mg")),
        ("condition.energy:0..5..1e1 keV", Histogram("energy", edges=(0.0, 5.0, 10.0), unit="keV")),
        ("temperature:-10..10 ℃", Histogram("temperature", edges=(-10.0, 10.0), unit="℃")),
    ],
)
def test_a_histogram_is_written_behind_a_colon(text: str, histogram: Histogram) -> None:
    assert asked(("histogram", text)).histograms == (histogram,)


@pytest.mark.parametrize(
    "pairs",
    [
        [("q", "a"), ("q", "b")],
        [("limit", "many")],
        [("limit", "-1")],
        [("highlight", "maybe")],
        [("status", "draft")],
        [("count", "exact")],
        [("kind", "smaple")],
        [("kind", "sample"), ("tisue", "leaf")],
        [("histogram", ":month")],
        [("histogram", "amount:a..b")],
        [("histogram", "amount:a..5 mg")],
        [("kind", "sample"), ("histogram", "amount:2024-01..2024-05")],
        [("facet", "kind")] * 201,
    ],
)
def test_what_cannot_be_right_is_refused_in_two_languages(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid) as refused:
        asked(*pairs)
    assert refused.value.messages["en"] != refused.value.messages["ja"]


def test_a_misspelt_name_is_told_what_is_near_it() -> None:
    with pytest.raises(Invalid, match="did you mean tissue"):
        asked(("kind", "sample"), ("tisue", "leaf"))
    with pytest.raises(Invalid, match="did you mean collectedAt"):
        asked(("kind", "sample"), ("histogram", "colectedAt:year"))
    with pytest.raises(Invalid, match="startedAt"):
        # A date, but not of this kind.
        asked(("kind", "sample"), ("histogram", "startedAt:year"))


@pytest.mark.parametrize(
    ("pair", "right"),
    [
        (("facetValues", "1000000"), "from 1 to 100$"),
        (("limit", "99999999999"), "from 1 to 100$"),
        (("histogram", "amount:1e9 mg"), "'1e9' is not a number of bars.*from 1 to 500; write amount:20 mg"),
        (("histogram", "created:1000000 s"), "'1000000' is not a number of bars"),
        (("histogram", "amount:0 mg"), "'0' is not a number of bars"),
        (("histogram", "amount:-5 mg"), "'-5' is not a number of bars"),
    ],
)
def test_a_number_that_cannot_be_is_told_between_which_it_may_lie(pair: tuple[str, str], right: str) -> None:
    with pytest.raises(Invalid, match=right):
        asked(pair)


def test_not_stands_once() -> None:
    for name in ("not", "not.not", "not.not.not.source", "not.not.link.samples"):
        with pytest.raises(Invalid, match=f"^{name}: `not.` stands once, .* as in not.source=nims"):
            asked((name, "nims"))
    assert asked(("not.source", "nims")).question.where is not None
