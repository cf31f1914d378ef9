"""Every query of search.toml, asked of the sample and the real records together; what came instead is told for all at once."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.discovery.find import find
from catalog.discovery.search import search
from catalog.questions.parameters import question_from
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.search import SearchPage, Spread
from catalog.questions.search_parameters import search_from
from catalog.records.kinds import Kind
from catalog.settings import read_settings
from tests.golden.catalogue import fill

FILE = Path(__file__).parent / "search.toml"
PAGE = 50


@dataclass(frozen=True)
class Query:
    """One entry of the file."""

    q: str = ""
    filters: Sequence[str] = ()
    lang: str = "en"
    as_: str = "public"
    first: Sequence[str] = ()
    among_first: Sequence[str] = ()
    contains: Sequence[str] = ()
    lacks: Sequence[str] = ()
    total: int | None = None
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    finds: Sequence[str] = ()
    why: str = ""
    gap: str = ""

    @property
    def name(self) -> str:
        asked = " ".join([repr(self.q), *self.filters])
        return asked if self.as_ == "public" else f"{asked} as {self.as_}"

    @property
    def names_first(self) -> bool:
        """Whether it says which hits come first."""
        return bool(self.first or self.among_first)


def read(told: Mapping[str, Any]) -> Query:
    """An entry; one that says what no entry can say fails here."""
    return Query(**{"as_" if name == "as" else name: value for name, value in told.items()})


QUERIES = [read(told) for told in tomllib.loads(FILE.read_text("utf-8"))["query"]]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[Catalog]:
    """The sample and the real records, indexed."""
    catalog = open_catalog(read_settings(data=tmp_path_factory.mktemp("golden") / "data"))
    try:
        fill(catalog, test_data)
        catalog.follower().catch_up()
        yield catalog
    finally:
        catalog.close()


def reader_of(query: Query) -> Reader:
    """Who asks."""
    known = {"public": PUBLIC, "administrator": ADMINISTRATOR}
    return known.get(query.as_) or Reader("participant", (Grant("read", query.as_),))


def asked(query: Query, catalog: Catalog) -> SearchPage:
    """What is found, asked as an address asks it."""
    filters = [(name, value) for name, _, value in (each.partition("=") for each in query.filters)]
    pairs = [("q", query.q), ("limit", str(PAGE)), *filters]
    question = search_from(pairs, catalog.vocabulary)
    return search(question, reader_of(query), index=catalog.index, answers=catalog.answers)


def first_are_right(query: Query, ids: Sequence[str]) -> bool:
    """Whether the first hits are those that the entry names."""
    return list(ids[: len(query.first)]) == list(query.first) and (
        not query.among_first or set(ids[: len(query.among_first)]) == set(query.among_first)
    )


def wrong(query: Query, found: SearchPage) -> Iterator[str]:
    """What is not as the entry has it."""
    ids = [hit.id for hit in found.hits]
    if not first_are_right(query, ids):
        wanted = list(query.first or query.among_first)
        yield f"first should be {wanted}, but came {ids[: max(5, len(wanted))]}"
    if missing := [id for id in query.contains if id not in ids]:
        yield f"{missing} not among {ids[:8]}… ({found.total})"
    if shown := [id for id in query.lacks if id in ids]:
        yield f"{shown} should not be there"
    if query.total is not None and found.total != query.total:
        yield f"{found.total} found, not {query.total}: {ids[:8]}"
    for name, wanted_counts in query.facets.items():
        facet = next((one for one in found.facets if one.field == name), None)
        counts = {str(value.value): value.count for value in facet.values} if facet else {}
        for value, count in wanted_counts.items():
            if counts.get(value, 0) != count or (not count and value in counts):
                yield f"facet {name}: {value} should be {count}, counted are {counts}"
    for name, wanted_bars in query.histograms.items():
        spread = next((one for one in found.histograms if one.field == name), None)
        if (bars := bars_of(spread)) != wanted_bars:
            yield f"histogram {name}: {bars}"
    marked = {piece.text for hit in found.hits for one in hit.highlights for piece in one.pieces if piece.marked}
    for word in query.finds:
        if not any(word.lower() in text.lower() for text in marked):
            yield f"{word!r} is not marked, but {sorted(marked)[:10]}"


def bars_of(spread: Spread | None) -> dict[str, int]:
    """The bars that are not empty, by as much of their beginning as tells them apart."""
    if spread is None:
        return {}
    longest = 7 if any(str(bar.start)[5:7] not in ("", "01") for bar in spread.bins) else 4
    return {str(bar.start)[:longest]: bar.count for bar in spread.bins if bar.count}


def test_every_golden_query_is_answered_as_it_should_be(catalogue: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    failures, closed, right, of = [], [], 0, 0
    for query in QUERIES:
        found = asked(query, catalogue)
        if query.names_first:
            of += 1
            right += first_are_right(query, [hit.id for hit in found.hits])
        faults = list(wrong(query, found))
        if faults and not query.gap:
            failures.append(f"{query.name}: {'; '.join(faults)} ({query.why})")
        if query.gap and not faults:
            closed.append(query.name)
    with capsys.disabled():
        print(f"\n  golden set: {len(QUERIES)} queries, first hits right in {right} of {of}")
    assert not failures, f"{len(failures)} of {len(QUERIES)}:\n" + "\n".join(failures)
    assert not closed, f"these gaps are none any more; take `gap` away: {closed}"


# One and two at a time, plainly and turned round, as they stand in an address.
FILTERS = """
kind=sample&source=ddbj | kind=sample&scope=spring8/2026A1234 | kind=sample&scope.only=spring8 | source=jga | source=spring8,nims
kind=sample&sampleType.prefix=so | title.ja.prefix=土 | kind=sample&collectedAt=2023 | kind=sample&collectedAt.missing=true
kind=experiment&startedAt.ge=2026 | kind=sample&amount=1..20 mg | kind=sample&not.amount.exists=true&source=spring8 | energy=7..8 keV
attribute.pH=5..7 | attribute.genome=hg38 | kind=experiment&techniques=panet:PaNET01196 | kind=experiment&techniques.exactly=panet:PaNET01197
term=panet:PaNET01012 | instruments=instrument/spring8/BL37XU | kind=experiment&samples.to.formula=Ni | kind=experiment&samples.role=control
kind=sample&incoming.samples.exists=false&source=ddbj | identifier=SAMD99900001 | profile.prefix=jga | created.ge=2026&source=nims
kind=dataset&derivedFrom.to.generatedBy.exists=true | link.any=project/spring8/2026A1234 | kind=experiment&not.strategy=WGS&source=basepair
"""
READERS = (PUBLIC, ADMINISTRATOR, Reader("participant", (Grant("read", "jga/JGAS999901"), Grant("read", "spring8"))))


def pairs_of(address: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in address.split("&"))]


def test_filters_alone_find_what_a_list_tells_whoever_asks(catalogue: Catalog) -> None:
    counted = 0
    for address in (each.strip() for line in FILTERS.strip().splitlines() for each in line.split("|")):
        for reader in READERS:
            given = pairs_of(address)
            question = question_from(
                [*given, ("limit", "100"), ("count", "exact"), ("select", "none")], catalogue.vocabulary
            )
            listed = find(question, reader, answers=catalogue.answers)
            asked_ = search_from([*given, ("limit", "100"), ("sort", "id")], catalogue.vocabulary)
            found = search(asked_, reader, index=catalogue.index, answers=catalogue.answers)
            assert [hit.id for hit in found.hits] == [item["id"] for item in json.loads(listed.items)], (
                address,
                reader.id,
            )
            assert found.total == listed.total, (address, reader.id)
            counted += found.total > 0
    assert counted > 40


def totals(catalogue: Catalog, reader: Reader, kind: str, chosen: tuple[str, str]) -> tuple[int, int | None]:
    """How many of a kind a search finds with this filter, and how many a list has."""
    asked_ = search_from([("kind", kind), chosen, ("limit", "1")], catalogue.vocabulary)
    found = search(asked_, reader, index=catalogue.index, answers=catalogue.answers).total
    question = question_from([("kind", kind), chosen, ("limit", "1"), ("count", "exact")], catalogue.vocabulary)
    return found, find(question, reader, answers=catalogue.answers).total


def is_term(kind: Kind, field: str, value: str) -> bool:
    """Whether a value of a facet is a term, and no plain word."""
    return field in kind.field and kind.field[field].form == "term" and "://" in value


def test_a_facets_value_counts_what_a_list_counts_with_it_chosen(catalogue: Catalog) -> None:
    looked_at = set()
    for kind in catalogue.kinds.values():
        facets = ["source", "profile", "formats", *(each.name for each in kind.fields if each.facet)]
        for reader in READERS:
            asked_ = search_from([("kind", kind.name), ("facet", ",".join(facets))], catalogue.vocabulary)
            offered = search(asked_, reader, index=catalogue.index, answers=catalogue.answers).facets
            assert [facet.field for facet in offered] == facets
            for facet in offered:
                assert facet.exact
                for value in facet.values:
                    where = (kind.name, facet.field, value.value, reader.id)
                    found, listed = totals(catalogue, reader, kind.name, (facet.field, value.written))
                    if is_term(kind, facet.field, value.written):
                        # What is below a term counts with it when it is chosen, and each by itself in the facet.
                        assert found == listed >= value.count, where
                        found, listed = totals(catalogue, reader, kind.name, (f"{facet.field}.exactly", value.written))
                    assert found == listed == value.count, where
                    looked_at.add(facet.field)
    assert looked_at >= {"formats", "format", "dataTypes", "keywords", "elements", "techniques", "type", "profile"}


def test_the_golden_set_is_as_large_as_it_has_to_be_and_says_why() -> None:
    assert len(QUERIES) >= 60
    assert [query.name for query in QUERIES if not (query.why or query.facets or query.histograms)] == []
    silent = [
        query.name
        for query in QUERIES
        if not query.names_first
        and not (query.contains or query.lacks or query.facets or query.histograms)
        and query.total is None
    ]
    assert silent == []
    assert [query.name for query in QUERIES if query.lang not in ("en", "ja")] == []
    assert {query.lang for query in QUERIES} == {"en", "ja"}
    assert sum(query.names_first for query in QUERIES) >= 60
