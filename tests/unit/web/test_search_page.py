"""The search page's addresses and bars: each leads to exactly what it says."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from catalog.questions.search import Bin, Histogram
from catalog.questions.search_parameters import search_from
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.kinds import load_kinds
from catalog.web.search_page import Addresses, asking_for, bar_label, unbroken

HERE = Addresses(
    "/",
    (("q", "a & b"), ("kind", "sample,dataset"), ("sampleType", "soil"), ("sampleType", "rock"), ("cursor", "x")),
    None,
)


def query(address: str) -> list[tuple[str, str]]:
    assert urlsplit(address).path == "/search"
    return parse_qsl(urlsplit(address).query)


def test_a_filter_is_added_and_the_list_begins_anew() -> None:
    assert query(HERE.with_(("source", "ddbj"))) == [
        ("q", "a & b"),
        ("kind", "sample,dataset"),
        ("sampleType", "soil"),
        ("sampleType", "rock"),
        ("source", "ddbj"),
    ]


def test_one_value_is_taken_away_and_the_others_stay() -> None:
    assert ("sampleType", "rock") in query(HERE.less("sampleType", "soil"))
    assert ("sampleType", "soil") not in query(HERE.less("sampleType", "soil"))
    assert ("kind", "dataset") in query(HERE.less("kind", "sample"))
    assert query(HERE.less("kind", "sample,dataset")) == [
        ("q", "a & b"),
        ("sampleType", "soil"),
        ("sampleType", "rock"),
    ]
    assert HERE.with_(without=("q", "kind", "sampleType")) == "/search"


def test_a_language_that_was_chosen_is_kept() -> None:
    assert query(Addresses("/catalogue/", (("q", "x"),), "ja").with_()[len("/catalogue") :]) == [
        ("q", "x"),
        ("lang", "ja"),
    ]


YEAR = Bin("2025-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", 3)


@pytest.mark.parametrize(
    ("bar", "histogram", "unit", "label", "asked"),
    [
        (YEAR, Histogram("collectedAt", interval="year"), None, "2025", "2025"),
        (YEAR, Histogram("collectedAt", interval="month"), None, "2025-01", "2025-01"),
        (YEAR, Histogram("collectedAt", interval="day"), None, "2025-01-01", "2025-01-01"),
        (YEAR, Histogram("collectedAt", edges=("2025", "2026")), None, "2025-01-01 – 2026-01-01", None),
        (Bin(0.0, 2.5, 1), Histogram("amount", unit="mg"), "mg", "0 – 2.5 mg", "0.0..2.5 mg"),
        (Bin(None, 2.5, 1), Histogram("amount", unit="mg"), "mg", "– 2.5 mg", "..2.5 mg"),
        (Bin(1e-7, None, 1), Histogram("amount", unit="mg"), "mg", "1 × 10⁻⁷ – mg", "1e-07.. mg"),
        (Bin(None, None, 1), Histogram("amount"), None, "–", None),
    ],
)
def test_a_bar_asks_for_what_it_counts(
    bar: Bin, histogram: Histogram, unit: str | None, label: str, asked: str | None
) -> None:
    assert bar_label(bar, histogram, unit) == label
    assert asking_for(bar, histogram, unit) == asked
    if asked is not None:
        # It can be asked.
        found = search_from([("kind", "sample"), (histogram.field, asked)], vocabulary_of(load_kinds()))
        assert found.question.where is not None


def test_empty_months_and_years_are_bars_too() -> None:
    def starts(*dates: str) -> list[Bin]:
        return [Bin(date, None, 1) for date in dates]

    assert [(str(bar.start)[:7], bar.count) for bar in unbroken(starts("2025-11-01", "2026-02-01"), "month")] == [
        ("2025-11", 1),
        ("2025-12", 0),
        ("2026-01", 0),
        ("2026-02", 1),
    ]
    assert [str(bar.start)[:4] for bar in unbroken(starts("2023-01-01", "2026-01-01"), "year")] == [
        "2023",
        "2024",
        "2025",
        "2026",
    ]
    for kept, interval in (
        (starts("0001-01-01", "2026-01-01"), "year"),
        (starts("2026-01-01", "2026-01-09"), "day"),
        (starts("2026-01-01"), "year"),
    ):
        assert unbroken(kept, interval) == kept  # type: ignore[arg-type]
