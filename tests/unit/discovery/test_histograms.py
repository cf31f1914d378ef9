"""Histograms of quantities: what their numbers are told in, and what is refused with what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.discovery.search import search
from catalog.errors import Invalid
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from catalog.questions.search import Spread
from catalog.questions.search_parameters import search_from
from catalog.records.record import Submission
from catalog.settings import read_settings


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


def spread(catalog: Catalog, histogram: str) -> Spread:
    asked = search_from([("kind", "sample"), ("histogram", histogram)], catalog.vocabulary)
    (found,) = search(asked, PUBLIC, index=catalog.index, answers=catalog.answers).histograms
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
