"""What of a record stands in its document, and what never does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from catalog.projections.search.analysis import both, prepared, whole
from catalog.projections.search.document import (
    LONGEST_TERM,
    MOST_LINKS,
    QUANTITY_COLUMNS,
    SEP,
    Documents,
    micros,
    term,
)
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.standing import FileSummary, Lie, Neighbour, Standing
from tests.contract.test_search_projection import standing

LIMITED = Lie("lab/a", 7, False)


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


def document(kinds: Kinds, told: Standing, zone: str = "UTC") -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(Documents(kinds, lambda source: zone).of(told).text)
    return made


def test_a_quantity_has_columns_of_its_own_and_a_term_that_says_which(kinds: Kinds) -> None:
    conditions = [
        {"name": "energy", "quantity": {"min": 7, "max": 8, "unit": "keV"}},
        {"name": "temperature", "quantity": {"value": 300, "unit": "K"}},
    ]
    made = document(kinds, standing(kinds, 1, kind="experiment", conditions=conditions))
    for measured, kind, low, high in (
        ("energy", "Energy", 1.12e-15, 1.28e-15),
        ("temperature", "Temperature", 300, 300),
    ):
        (found,) = [each for each in made["measures"] if each.startswith(f"condition{SEP}{measured}{SEP}{kind}{SEP}")]
        column = found.rpartition(SEP)[2]
        assert made[f"q{column}_low"] == pytest.approx(low, rel=0.01)
        assert made[f"q{column}_high"] == pytest.approx(high, rel=0.01)


def test_what_a_record_itself_calls_a_term_is_text_wherever_the_term_stands(kinds: Kinds) -> None:
    rice = {"term": "http://purl.obolibrary.org/obo/NCBITaxon_4530", "label": {"en": "Oryza sativa", "ja": "稲"}}
    attribute = {"name": "organism", "value": "rice", "valueTerms": [rice]}
    for body in ({"sampleType": rice}, {"keywords": ["soil", rice]}, {"attributes": [attribute]}):
        text = " ".join(document(kinds, standing(kinds, 1, **body))["text"]).split()
        assert {"Oryza", "sativa", "稲"} <= set(text)


def test_what_exceeds_a_bound_is_flagged(kinds: Kinds) -> None:
    many = [
        {"name": f"c{number}", "quantity": {"value": number, "unit": "K"}} for number in range(QUANTITY_COLUMNS + 1)
    ]
    made = document(kinds, standing(kinds, 1, kind="experiment", conditions=many))
    assert len(made["measures"]) == QUANTITY_COLUMNS
    assert f"more{SEP}quantities" in made["has"]
    links = [f"sample/lab/x{number}" for number in range(MOST_LINKS + 10)]
    made = document(kinds, standing(kinds, 2, derivedFrom=links))
    assert f"more{SEP}links" in made["has"]
    assert len(made["links"]) <= MOST_LINKS + 1
    assert f"more{SEP}links" not in document(kinds, standing(kinds, 3, derivedFrom=links[:10])).get("has", ())


def test_long_values_are_told_apart_by_a_hash(kinds: Kinds) -> None:
    one, other = "x" * 10_000 + "1", "x" * 10_000 + "2"
    assert term("is", "name", one) != term("is", "name", other)
    assert len(term("is", "name", one)) < 2 * LONGEST_TERM
    assert term("a", "b") == f"a{SEP}b"


def test_dates_are_meant_in_the_zone_of_their_source(kinds: Kinds) -> None:
    told = standing(kinds, 1, collectedAt="2026-05-10")
    assert document(kinds, told)["d_collectedAt_from"] == micros("2026-05-10T00:00:00.000000Z")
    assert document(kinds, told, "Asia/Tokyo")["d_collectedAt_from"] == micros("2026-05-09T15:00:00.000000Z")
    missing = document(kinds, standing(kinds, 2, collectedAt="not collected"))
    assert "d_collectedAt_from" not in missing
    assert f"collectedAt{SEP}missing{SEP}not collected" in missing["values"]


@pytest.mark.parametrize(
    ("own", "targets", "told"),
    [
        (Lie("lab", 1, True), Lie("lab", 1, True), True),
        (Lie("lab", 1, True), Lie("elsewhere", 2, True), True),
        (Lie("lab", 1, True), Lie("lab/a", 7, False), False),  # everyone may read the one, and not the other
        (Lie("lab/a", 7, False), Lie("lab/a", 7, False), True),
        (Lie("lab/a", 7, False), Lie("lab/a/b", 8, False), False),  # when the one opens, the other may stay closed
        (Lie("lab/a", 7, False), Lie("lab", 1, True), True),
        (Lie("lab/a", 7, False), Lie("lab/ab", 9, False), False),
        (Lie("lab/a", 7, False), Lie("lab", 1, False), False),
    ],
)
def test_a_targets_title_stands_only_where_all_who_see_it_may_see_the_target(
    kinds: Kinds, own: Lie, targets: Lie, told: bool
) -> None:
    one = standing(kinds, 1, derivedFrom=["sample/lab/t"])
    one = replace(one, lie=own, targets={"sample/lab/t": Neighbour(targets, {"en": "hafnium"})})
    assert (document(kinds, one).get("labels") == ["hafnium"]) is told


def test_the_hash_follows_what_is_said_and_not_when_it_was_read(kinds: Kinds) -> None:
    documents = Documents(kinds)
    one = standing(kinds, 1)
    assert documents.of(one).hash == documents.of(replace(one, position=99)).hash
    others = (
        replace(one, lie=LIMITED),
        replace(one, revision=2),
        replace(one, merged_into=LIMITED),
        replace(one, files=FileSummary(2, 10, ("fastq",))),
        standing(kinds, 1, description={"en": "more"}),
    )
    assert len({documents.of(each).hash for each in (one, *others)}) == len(others) + 1


def test_of_files_only_number_size_and_formats_are_indexed(kinds: Kinds) -> None:
    made = document(kinds, replace(standing(kinds, 1, kind="dataset"), files=FileSummary(3, 2**40, ("fastq", "bam"))))
    assert (made["n_files"], made["n_bytes"], made["facet"]["formats"]) == (3.0, float(2**40), ["fastq", "bam"])
    assert {term("formats", "fastq"), term("formats", "bam")} <= set(made["values"])


@pytest.mark.parametrize("text", ["Straße ＡＢＣ", "ÀB  c", "土壌 XAFS", "A  B", "サーバー 室", ""])
def test_a_title_is_prepared_and_folded_as_each_is_alone(text: str) -> None:
    assert both(text) == (prepared(text), whole(text))
