"""What is said of a record in which graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Malformed
from catalog.projections.graph.quads import REGISTRATION, quads_of
from catalog.records.hidden import without_links
from catalog.records.standing import FileSummary, Lie, Standing, scope_path
from catalog.records.triples import triples
from tests.unit.projections.graph.standing_records import (
    BASE,
    DEEP,
    KINDS,
    OPEN,
    OTHER,
    SHUT,
    example_records,
    standing,
)

LAB, LAB_SHUT, LAB_DEEP = (f"{BASE}scopes/{scope}" for scope in ("lab", "lab/shut", "lab/shut/deep"))
COMPANY = f"{BASE}scopes/company"
TARGET = "sample/lab/target"
LINK = f"<{BASE}sample/lab/a> <http://www.w3.org/ns/prov#wasDerivedFrom> <{BASE}{TARGET}> ."


def said(record: Standing) -> dict[str, set[str]]:
    return {graph: set(nt.decode().splitlines()) for graph, nt in quads_of(record, KINDS, BASE).items()}


def linker(lie: Lie, end: Lie | None, merged_into: Lie | None = None) -> Standing:
    body = {"derivedFrom": [{"to": TARGET, "role": "part", "note": "secret"}]}
    return standing("sample/lab/a", body, lie=lie, ends={TARGET: end} if end else {}, merged_into=merged_into)


def test_every_good_example_that_lies_open_is_said_whole_in_the_default_graph(examples: Path) -> None:
    records = example_records(examples)
    assert {each.kind for each in records} == set(KINDS)
    for record in records:
        links = set(record.links) - record.targets.keys()
        told = quads_of(record, KINDS, BASE)

        assert list(told) == [""]
        whole = triples(KINDS, [without_links(record.document, links)], BASE)
        assert told[""].startswith(whole)
        assert all(f"{BASE}{record.id}{REGISTRATION}".encode() in line for line in told[""][len(whole) :].splitlines())


@pytest.mark.parametrize(
    ("lie", "graphs"),
    [(OPEN, {""}), (SHUT, {LAB, LAB_SHUT}), (DEEP, {LAB, LAB_SHUT, LAB_DEEP}), (OTHER, {COMPANY})],
)
def test_a_record_stands_for_everyone_or_in_its_scope_and_each_above(lie: Lie, graphs: set[str]) -> None:
    told = said(standing("sample/lab/a", lie=lie))

    assert told.keys() == graphs
    assert len({frozenset(each) for each in told.values()}) == 1


@pytest.mark.parametrize(
    ("lie", "end", "graphs"),
    [
        (OPEN, OPEN, {""}),
        (OPEN, SHUT, {LAB, LAB_SHUT}),
        (OPEN, None, set()),
        (SHUT, OPEN, {LAB, LAB_SHUT}),
        (SHUT, SHUT, {LAB, LAB_SHUT}),
        (SHUT, DEEP, {LAB, LAB_SHUT}),
        (DEEP, SHUT, {LAB, LAB_SHUT}),
        (SHUT, OTHER, set()),
        (SHUT, None, set()),
    ],
)
def test_a_link_is_told_where_both_ends_may_be_read(lie: Lie, end: Lie | None, graphs: set[str]) -> None:
    told = said(linker(lie, end))

    # Whoever reads deep down may read what lies there, and by that alone nothing above it.
    assert {graph for graph, lines in told.items() if LINK in lines} == graphs
    assert {graph for graph, lines in told.items() if any("secret" in line for line in lines)} == graphs


def test_links_of_an_open_record_to_a_limited_one_add_nothing_but_themselves() -> None:
    told = said(linker(OPEN, SHUT))

    assert told[LAB] == told[LAB_SHUT]
    assert not told[LAB] & told[""]
    assert all("derivedFrom" in line or line == LINK for line in told[LAB])


@pytest.mark.parametrize(
    ("lie", "into", "graphs"),
    [
        (OPEN, OPEN, set()),
        (SHUT, OPEN, set()),
        (DEEP, DEEP, set()),
        (DEEP, SHUT, {LAB_DEEP}),
        (SHUT, OTHER, {LAB, LAB_SHUT}),
        (OPEN, OTHER, {""}),
    ],
)
def test_a_merged_record_is_absent_where_the_one_that_it_was_merged_into_may_be_read(
    lie: Lie, into: Lie, graphs: set[str]
) -> None:
    told = said(standing("sample/lab/a", lie=lie, merged_into=into))

    assert told.keys() == graphs


def test_a_link_of_a_merged_record_is_not_told_beside_the_one_it_was_merged_into() -> None:
    assert said(linker(OPEN, SHUT, merged_into=SHUT)).keys() == {""}


def test_it_is_told_when_a_record_was_entered_from_where_and_by_which_load_but_not_by_whom() -> None:
    lines = said(standing("sample/lab/a"))[""]

    entry = f"<{BASE}sample/lab/a{REGISTRATION}>"
    assert f"<{BASE}sample/lab/a> <http://xmlns.com/foaf/0.1/isPrimaryTopicOf> {entry} ." in lines
    assert f"{entry} <http://www.w3.org/ns/prov#wasAttributedTo> <{BASE}sources/lab> ." in lines
    assert [
        line for line in lines if line.startswith(f"{entry} <http://www.w3.org/ns/prov#wasGeneratedBy> <{BASE}loads/#")
    ]
    # Whoever knows a load's id may read its answer.
    assert not any("load-1" in line for line in lines)
    assert any("generatedAtTime" in line and "2026-11-21T12:00:00" in line for line in lines)
    assert not any("person/1" in line for line in lines)


def test_files_are_told_by_number_and_size_unless_the_dataset_says_it_itself() -> None:
    files = FileSummary(3, 4096, ("nxs",))
    counted = said(standing("dataset/lab/d", files=files))[""]
    told = said(standing("dataset/lab/d", {"size": 7, "fileCount": 1}, files=files))[""]

    def number(lines: set[str], predicate: str) -> list[str]:
        return [line.split('"')[1] for line in lines if predicate in line]

    assert (number(counted, "#byteSize>"), number(counted, "fileCount>")) == (["4096"], ["3"])
    assert (number(told, "#byteSize>"), number(told, "fileCount>")) == (["7"], ["1"])


@pytest.mark.parametrize("iri", ["http://a b/", "http://[x", "http://a/%zz", "x"])
def test_an_iri_that_is_none_is_refused_with_its_text(iri: str) -> None:
    record = standing("sample/lab/a")
    record.document["seeAlso"] = [{"to": iri}]  # type: ignore[index]

    if iri == "x":
        assert f"<{BASE}x>" in str(said(record))  # relative, as an id is
    else:
        with pytest.raises(Malformed, match="no IRI"):
            quads_of(record, KINDS, BASE)


LIES = st.sampled_from((OPEN, SHUT, DEEP, OTHER))
ENDS = st.lists(st.none() | LIES, max_size=4)


@given(LIES, ENDS, st.none() | LIES)
def test_what_the_readers_of_a_graph_are_told_is_the_document_without_what_they_may_not_read(
    lie: Lie, ends: list[Lie | None], into: Lie | None
) -> None:
    targets = {f"sample/lab/t{number}": end for number, end in enumerate(ends)}
    record = standing(
        "sample/lab/a",
        {"derivedFrom": list(targets)} if targets else {},
        lie=lie,
        ends={id: end for id, end in targets.items() if end is not None},
        merged_into=into,
    )
    told = said(record)
    for scope in ("lab", "lab/shut", "lab/shut/deep", "company"):

        def readable(where: Lie, scope: str = scope) -> bool:
            return where.open or scope in scope_path(where.scope)

        # Whoever reads a scope's graph reads the default graph, too.
        seen = told.get("", set()) | told.get(f"{BASE}scopes/{scope}", set())
        seen = {line for line in seen if REGISTRATION not in line}
        hidden = {id for id, end in targets.items() if end is None or not readable(end)}
        whole = set(triples(KINDS, [without_links(record.document, hidden)], BASE).decode().splitlines())
        if not readable(lie) or (into is not None and into.open):
            assert seen == set()
        elif into is not None and readable(into):
            # What everyone reads can't be kept from some; nothing more is told to them.
            assert seen <= (whole if lie.open else set())
        else:
            assert seen == whole
