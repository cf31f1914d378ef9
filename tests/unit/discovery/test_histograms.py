"""Histograms of quantities: what their numbers are told in, and what is refused with what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.discovery.search import search
from catalog.errors import Invalid
from catalog.questions.question import Question, Selection
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.search import Between, Range, SearchQuestion, Spread
from catalog.questions.search_parameters import search_from
from catalog.records.record import Submission
from catalog.settings import read_settings

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    catalog = open_catalog(read_settings(data=tmp_path_factory.mktemp("histograms") / "data"))
    try:
        catalog.scopes.create("lab", ADMINISTRATOR, mode="everyone")
        told = {"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}
        register_source(told, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
        samples = [
            Submission(
                "sample",
                "lab",
                f"s-{milligrams}",
                {
                    "title": {"en": f"{milligrams} mg"},
                    "amount": {"value": milligrams, "unit": "mg"},
                    "attributes": [{"name": "humidity", "quantity": {"value": milligrams, "unit": "%RH"}}],
                },
            )
            for milligrams in (2, 5, 10)
        ]
        assert {each.outcome for each in submit(samples, ADMINISTRATOR, intake=catalog.intake)} == {"created"}
        catalog.follower().catch_up()
        yield catalog
    finally:
        catalog.close()


def spread(catalog: Catalog, histogram: str, reader: Reader = PUBLIC, **asked_too: str) -> Spread:
    asked = search_from([("kind", "sample"), ("histogram", histogram), *asked_too.items()], catalog.vocabulary)
    (found,) = search(asked, reader, index=catalog.index, answers=catalog.answers).histograms
    return found


def test_where_no_unit_is_named_the_answer_names_the_one_of_si(catalogue: Catalog) -> None:
    for written in ("amount:5", "amount", "amount:0..4e-6..2e-5"):
        assert spread(catalogue, written).unit == "kg", written
    whole = spread(catalogue, "amount:2")
    assert (whole.bins[0].start, whole.bins[-1].end) == (2e-6, 1e-5)
    assert [each.count for each in spread(catalogue, "amount:0..4e-6..2e-5").bins] == [1, 2]
    assert spread(catalogue, "amount:2 mg").unit == "mg"


def test_what_has_no_unit_of_its_own_in_si_needs_one(catalogue: Catalog) -> None:
    with pytest.raises(Invalid, match=re.escape("humidity needs a unit to be told in, as in humidity:20 %")) as refused:
        spread(catalogue, "humidity:5")
    assert refused.value.messages["ja"] != refused.value.messages["en"]
    assert [each.count for each in spread(catalogue, "humidity:0..4..20 %RH").bins] == [1, 2]


def test_a_date_is_told_how_dates_are_counted(catalogue: Catalog) -> None:
    for written in ("collectedAt:week", "created:weeks", "collectedAt:12 mg"):
        field = written.partition(":")[0]
        with pytest.raises(Invalid, match=f"{field}:year, {field}:month or {field}:day"):
            spread(catalogue, written)


@pytest.fixture(params=BOTH)
def partly_hidden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Samples that everyone may see, and more beside them that few may."""
    on = {"database": str(request.getfixturevalue("postgresql"))} if request.param == "postgresql" else {}
    catalog = open_catalog(read_settings(data=tmp_path_factory.mktemp("hidden") / "data", **on))
    try:
        catalog.scopes.create("lab", ADMINISTRATOR, mode="everyone")
        catalog.scopes.create("lab/secret", ADMINISTRATOR, mode="limited")
        told = {"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}
        register_source(told, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)

        def sample(number: int, scope: str, **quantities: str) -> Submission:
            attributes = [
                {"name": name, "quantity": {"value": number, "unit": unit}} for name, unit in quantities.items()
            ]
            body = {"title": {"en": f"Hafnium {number}"}, "attributes": attributes}
            return Submission("sample", "lab", f"s-{number}", body, scope=scope)

        samples = [sample(number, "lab", energy="keV", pressure="Pa") for number in (1, 2, 3)]
        samples += [sample(number, "lab/secret", energy="K", annealing="Pa", dew="%RH") for number in range(4, 10)]
        assert {each.outcome for each in submit(samples, ADMINISTRATOR, intake=catalog.intake)} == {"created"}
        catalog.follower().catch_up()
        yield catalog
    finally:
        catalog.close()


def test_a_name_that_only_hidden_records_use_is_as_one_that_none_does(partly_hidden: Catalog) -> None:
    for written in ("{}", "{}:5", "{}:0..1..2", "{}:5 keV", "{}:0..1..2 K"):
        nobodys = spread(partly_hidden, written.format("nobodys"))
        for hidden in ("annealing", "dew"):
            assert spread(partly_hidden, written.format(hidden)) == replace(nobodys, field=hidden), written
    member = Reader("member", (Grant("read", "lab/secret"),))
    assert spread(partly_hidden, "annealing", member).unit == "Pa"
    with pytest.raises(Invalid, match="dew needs a unit"):
        spread(partly_hidden, "dew", member)


def test_what_most_of_the_readers_own_records_measure_is_told_whatever_hidden_ones_do(partly_hidden: Catalog) -> None:
    told = spread(partly_hidden, "energy:3")
    assert (told.unit, [each.count for each in told.bins], told.missing) == ("J", [1, 1, 1], 0)
    told = spread(partly_hidden, "energy:3", ADMINISTRATOR)
    assert (told.unit, [each.count for each in told.bins], told.missing) == ("K", [2, 2, 2], 3)


def test_the_unit_stays_where_a_search_is_narrowed_until_nothing_is_found(partly_hidden: Catalog) -> None:
    told = spread(partly_hidden, "energy:0..2e-16..1e-15", q="nowhere")
    assert (told.unit, [each.count for each in told.bins]) == ("J", [0, 0])
    assert (spread(partly_hidden, "energy", q="nowhere").unit, spread(partly_hidden, "energy", q="nowhere").bins) == (
        "J",
        (),
    )


# --- ranges


def between(catalog: Catalog, asked: Range, reader: Reader = PUBLIC, text: str = "") -> Between:
    question = SearchQuestion(text, Question(("sample",), selection=Selection()), ranges=(asked,))
    (found,) = search(question, reader, index=catalog.index, answers=catalog.answers).ranges
    return found


def test_a_range_ends_where_the_hits_end_in_the_unit_that_is_asked_for(catalogue: Catalog) -> None:
    assert between(catalogue, Range("amount", "mg")) == Between("amount", "mg", 2.0, 10.0)
    assert between(catalogue, Range("amount")) == Between("amount", "kg", 2e-6, 1e-5)
    assert between(catalogue, Range("humidity", "%RH")) == Between("humidity", "%RH", 2.0, 10.0)
    assert between(catalogue, Range("amount", "mg"), text='"5 mg"') == Between("amount", "mg", 5.0, 5.0)
    assert between(catalogue, Range("amount", "mg"), text="nowhere") == Between("amount", "mg", None, None)
    assert between(catalogue, Range("collectedAt")) == Between("collectedAt", None, None, None)
    created = between(catalogue, Range("created"))
    assert isinstance(created.first, str)
    assert isinstance(created.last, str)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", created.first)
    assert created.first <= created.last


def test_a_range_that_can_not_be_told_is_refused_with_what_is_wrong(catalogue: Catalog) -> None:
    for asked, words in (
        (Range("title"), "date or quantity"),
        (Range("amount", "nonsense"), "not a unit"),
        (Range("collectedAt", "mg"), "has no unit"),
        (Range("humidity"), "needs a unit"),
    ):
        with pytest.raises(Invalid, match=words):
            between(catalogue, asked)


def test_a_range_ends_where_the_readers_own_records_end(partly_hidden: Catalog) -> None:
    assert between(partly_hidden, Range("energy", "keV")) == Between("energy", "keV", 1.0, 3.0)
    assert between(partly_hidden, Range("energy", "K")) == Between("energy", "K", None, None)
    assert between(partly_hidden, Range("energy"), ADMINISTRATOR) == Between("energy", "K", 4.0, 9.0)
    assert between(partly_hidden, Range("annealing")) == replace(
        between(partly_hidden, Range("nobodys")), field="annealing"
    )
