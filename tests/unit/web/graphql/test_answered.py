"""What plain functions answer with: texts in a language, pages, quantities in a unit, and searches as they are asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from catalog.errors import Invalid
from catalog.ledger.usage import Measure
from catalog.questions.question import And, Compare, Condition, Not, Or
from catalog.questions.search import Histogram
from catalog.web.graphql.answered import Info, first_of, in_language
from catalog.web.graphql.discovery import _told
from catalog.web.graphql.searching import Interval, _all, _histogram

TEXTS = {"en": "sheet", "ja": "シート", "pt-BR": "folha"}


def info(language: str) -> Info:
    return cast(Info, SimpleNamespace(context=SimpleNamespace(language=language)))


@pytest.mark.parametrize(
    ("request_language", "asked", "told"),
    [
        ("en", None, "sheet"),
        ("ja", None, "シート"),
        ("en", "ja", "シート"),
        ("ja", "en-GB", "sheet"),
        ("en", "pt-BR", "folha"),
        ("ja", "fr", "シート"),
    ],
)
def test_a_text_is_told_in_the_language_that_is_asked_for_or_that_of_the_request(
    request_language: str, asked: str | None, told: str
) -> None:
    assert in_language(TEXTS, info(request_language), asked) == told


def test_a_text_that_is_not_there_in_either_language_is_told_in_another() -> None:
    assert in_language({"de": "Blech"}, info("ja"), "en") == "Blech"
    assert in_language({}, info("en"), None) is None
    assert in_language(None, info("en"), "en") is None


@pytest.mark.parametrize(("first", "most"), [(0, 1_000), (1_001, 1_000), (-1, 20), (21, 20)])
def test_how_many_are_told_is_bounded(first: int, most: int) -> None:
    assert first_of({"first": most}, most) == most
    with pytest.raises(Invalid, match=f"first: {first} is not between 1 and {most:}"):
        first_of({"first": first}, most)


ENERGY = Measure("Energy", 1.602176634e-16, 3.204353268e-16, (("keV", 2),))
WARMTH = Measure("Temperature", 293.15, 303.15, (("Cel", 1),))
UNKNOWN = Measure(None, None, None, (("blinks", 4),))


def told(*measures: Measure, unit: str | None = None) -> list[tuple[str | None, Any, Any]]:
    found = _told(measures, {"in": unit})
    return [
        (each.unit and each.unit.typed, each.of_si(each.measure.low), each.of_si(each.measure.high)) for each in found
    ]


def test_what_is_measured_is_told_in_si_or_in_the_unit_that_fits() -> None:
    assert told(ENERGY, WARMTH, UNKNOWN) == [
        ("J", 1.602176634e-16, 3.204353268e-16),
        ("K", 293.15, 303.15),
        (None, None, None),
    ]
    assert told(ENERGY, WARMTH, UNKNOWN, unit="keV") == [("keV", 1.0, 2.0)]
    assert told(ENERGY, WARMTH, UNKNOWN, unit="Cel") == [("Cel", 20.0, 30.0)]
    with pytest.raises(Invalid, match="is not a unit"):
        told(ENERGY, unit="nonsense")


A, B, C = (Compare("field", "eq", name) for name in "abc")


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([None, None], None),
        ([A, None], A),
        ([A, B], And((A, B))),
        # A facet sees which of them are about it only if they stand beside each other.
        ([And((A, B)), None, C], And((A, B, C))),
        ([Or((A, B)), Not(C)], And((Or((A, B)), Not(C)))),
    ],
)
def test_conditions_from_all_sides_stand_beside_each_other(
    parts: list[Condition | None], whole: Condition | None
) -> None:
    assert _all(parts) == whole


def test_a_histogram_is_asked_for_by_an_interval_by_edges_or_by_bins() -> None:
    assert _histogram({"field": "startedAt", "interval": Interval.MONTH}) == Histogram("startedAt", "month")
    assert _histogram({"field": "startedAt", "dates": ["2024", "2025"]}) == Histogram(
        "startedAt", edges=("2024", "2025")
    )
    assert _histogram({"field": "energy", "edges": [1.0, 2.5], "unit": "keV"}) == Histogram(
        "energy", edges=(1.0, 2.5), unit="keV"
    )
    assert _histogram({"field": "energy", "bins": 7}) == Histogram("energy", bins=7)
    with pytest.raises(Invalid, match="give one of them"):
        _histogram({"field": "energy", "edges": [1.0], "dates": ["2024"]})
