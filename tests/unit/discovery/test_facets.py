"""Facets whose values are linked records: those that the reader may not see are no values, nor do they stand in for others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.discovery import facets
from catalog.discovery.search import search
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.search import Facet
from catalog.questions.search_parameters import search_from
from catalog.records.record import Submission
from catalog.settings import read_settings

VOYAGES = Path(__file__).parents[2] / "service" / "fifteenth"
MEMBER = Reader("member", (Grant("read", "lab/secret"),))
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Voyages of eight vessels that are hidden, three each, and of three that are not, one each."""
    folder = tmp_path_factory.mktemp("facets")
    kinds = shutil.copytree(VOYAGES, folder / "voyages")
    file = kinds / "schemas" / "kinds" / "research-voyage.schema.json"
    schema = json.loads(file.read_text())
    schema["properties"]["vessel"]["x-facet"] = True
    file.write_text(json.dumps(schema))
    on = {"database": str(request.getfixturevalue("postgresql"))} if request.param == "postgresql" else {}
    catalog = open_catalog(read_settings(data=folder / "data", kinds=str(kinds), **on))
    try:
        catalog.scopes.create("lab", ADMINISTRATOR, mode="everyone")
        catalog.scopes.create("lab/secret", ADMINISTRATOR, mode="limited")
        told = {"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}
        register_source(told, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
        entered = []
        for vessel, scope, voyages in (
            *((f"h{n}", "lab/secret", 3) for n in range(8)),
            *((f"v{n}", "lab", 1) for n in range(3)),
        ):
            entered.append(Submission("instrument", "lab", vessel, {"title": {"en": f"Vessel {vessel}"}}, scope=scope))
            for number in range(voyages):
                body = {"title": {"en": "Voyage"}, "shipName": "Kairei", "vessel": [f"instrument/lab/{vessel}"]}
                entered.append(Submission("research-voyage", "lab", f"{vessel}-{number}", body))
        assert {each.outcome for each in submit(entered, ADMINISTRATOR, intake=catalog.intake)} == {"created"}
        catalog.follower().catch_up()
        yield catalog
    finally:
        catalog.close()


def vessels(catalog: Catalog, reader: Reader, most: int) -> tuple[list[tuple[object, int]], bool]:
    """The values that are told of the vessels of all voyages, and whether there are more."""
    asked = search_from([("facet", "vessel"), ("facetValues", str(most))], catalog.vocabulary)
    facet: Facet
    (facet,) = search(asked, reader, index=catalog.index, answers=catalog.answers).facets
    assert facet.exact
    return [(each.value, each.count) for each in facet.values], facet.more


def test_values_that_are_hidden_take_nobodys_place(catalogue: Catalog) -> None:
    open_ = [(f"instrument/lab/v{number}", 1) for number in range(3)]
    for most in (3, 5, 100):
        assert vessels(catalogue, PUBLIC, most) == (open_, False), most
    told, more = vessels(catalogue, PUBLIC, 2)
    assert (len(told), set(told) <= set(open_), more) == (2, True, True)
    hidden = [(f"instrument/lab/h{number}", 3) for number in range(8)]
    assert vessels(catalogue, MEMBER, 8) == (hidden, True)
    assert vessels(catalogue, MEMBER, 11) == ([*hidden, *open_], False)


def test_where_too_many_are_hidden_to_look_further_nothing_is_told_of_them(
    catalogue: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MOST_LOOKED_AT", (7,))
    assert vessels(catalogue, PUBLIC, 5) == ([], False)
    assert len(vessels(catalogue, MEMBER, 5)[0]) == 5
