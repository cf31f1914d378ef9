"""What every search index answers of what it was fed: whom it is for, what it is held to, ranked, ordered and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import Invalid
from catalog.projections.projection import Projection, Seen
from catalog.projections.search.document import micros
from catalog.projections.search.embedded import TantivyProjection
from catalog.projections.search.index import (
    EVERYWHERE,
    AllOf,
    Among,
    AnyOf,
    Asked,
    AttributeIs,
    Extent,
    Held,
    Keys,
    Meant,
    Moments,
    Months,
    NotHeld,
    Open,
    Outside,
    Room,
    SearchIndex,
    Snapshot,
    Sorted,
)
from catalog.projections.search.reading import TantivyIndex
from catalog.projections.search.words import read
from catalog.questions.question import Compare, Dated, Exists, Linked, Measured, OfRecord, Termed
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.standing import Lie, Standing
from tests.contract.test_search_projection import standing

OPEN, LAB, INNER = Lie("open", 1, True), Lie("lab", 2, False), Lie("lab/inner", 3, False)
XAS = "https://vocabulary.example/XAS"


def embedded(kinds: Kinds) -> tuple[Projection, SearchIndex]:
    return TantivyProjection(kinds), TantivyIndex()


Implementation = Callable[[Kinds], tuple[Projection, SearchIndex]]


@pytest.fixture(scope="module", params=[embedded])
def snapshot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Five experiments and a sample, in three scopes."""
    kinds = load_kinds()
    implementation: Implementation = request.param
    projection, index = implementation(kinds)
    folder: Path = tmp_path_factory.mktemp("index") / "1"
    generation = projection.make(folder)
    generation.apply(list(records(kinds)), [])
    visible = generation.settle()
    yield index.snapshot(Seen(7, folder, visible, 99, 98))
    index.close()
    generation.close()


def records(kinds: Kinds) -> Iterator[Standing]:
    def one(key: int, lie: Lie, title: str, kind: str = "experiment", **body: Any) -> Standing:
        body = {"title": {"en": title}, **body}
        return replace(standing(kinds, key, kind=kind, **body), lie=lie)

    yield one(1, OPEN, "cathode at dawn", type="measurement", startedAt="2024-05-01", techniques=[{"term": XAS}])
    yield one(2, OPEN, "cathode", description={"en": "anode"}, type="measurement", startedAt="2025-05-31")
    energy = {"name": "energy", "quantity": {"min": 7, "max": 8, "unit": "keV"}}
    yield one(3, LAB, "anode", type="simulation", startedAt="2025-06", conditions=[energy])
    yield one(4, INNER, "anode and cathode", samples=["sample/lab/s-6"])
    attribute = {"name": "organism", "value": "rice", "term": {"term": XAS}}
    yield one(6, OPEN, "soil", kind="sample", attributes=[attribute])
    merged = one(5, OPEN, "cathode once", type="measurement")
    yield replace(merged, merged_into=LAB)


def found(snapshot: Snapshot, order: Sorted | None = None, **asked: Any) -> list[int]:
    """The keys of the hits."""
    told = snapshot.find(Asked(**asked), order, 100, 0)
    assert told.total == len(told.hits)
    assert all((weight is None) is (order is not None) for _, weight in told.hits)
    return [int(id.rpartition("-")[2]) for id, _ in told.hits]


@pytest.mark.parametrize(
    ("room", "keys"),
    [
        # What was merged is seen by those only who may not see what it became.
        (EVERYWHERE, {1, 2, 3, 4, 6}),
        (Outside(frozenset({2, 3})), {1, 2, 5, 6}),
        (Outside(frozenset({3})), {1, 2, 3, 6}),
        (Among(frozenset({1})), {1, 2, 5, 6}),
        (Among(frozenset({1, 2, 3})), {1, 2, 3, 4, 6}),
        (Among(below=frozenset({"lab"})), {3, 4}),
        (Among(below=frozenset({"lab/inner"})), {4}),
        (Among(frozenset({1}), frozenset({"lab/inner"})), {1, 2, 4, 5, 6}),
        (Outside(below=frozenset({"lab"})), {1, 2, 5, 6}),
        (Outside(frozenset({2}), frozenset({"lab/inner"})), {1, 2, 5, 6}),
        (Open(), {1, 2, 5, 6}),
        (Open(below=frozenset({"lab/inner"})), {1, 2, 4, 5, 6}),
        (Open(below=frozenset({"lab"})), {1, 2, 3, 4, 6}),
        # What the documents say of scopes that have changed since counts for nothing.
        (Open(but=frozenset({"open"})), set()),
        (Open(but=frozenset({"open"}), scopes=frozenset({1})), {1, 2, 5, 6}),
        (Open(but=frozenset({"lab", "open"}), scopes=frozenset({1, 2})), {1, 2, 3, 6}),
        (Open(but=frozenset({"open"}), below=frozenset({"lab/inner"})), {4}),
        (Among(), set()),
    ],
)
def test_only_what_lies_in_the_readers_room_is_found_counted_and_suggested(
    snapshot: Snapshot, room: Room, keys: set[int]
) -> None:
    asked = Asked(room)
    assert set(found(snapshot, room=room)) == keys
    counts = snapshot.facets(asked, ("kind", "type"), 10)
    assert sum(count for _, count in counts["kind"].values) == len(keys)
    assert dict(counts["type"].values).get("measurement", 0) == len(keys & {1, 2, 5})
    titles = {title.text: (title.count, title.id) for title in snapshot.titles(asked, "ca", 10)}
    assert ("cathode once" in titles) == (5 in keys)
    assert len(snapshot.entitled(asked, "cathode", 10)) == len(keys & {1, 2, 5})
    assert len(snapshot.called(asked, "experiment/", 10)) == len(keys - {6})
    left = set(found(snapshot, room=room, left_out=frozenset({1, 3})))
    assert left == keys - {1, 3}


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        (Compare("type", "eq", "measurement"), {1, 2}),
        (Compare("type", "ne", "measurement"), {3}),
        (Exists("startedAt"), {1, 2, 3}),
        (Dated("startedAt", "overlaps", "2025-05-31T00:00:00.000000Z", "2025-06-02T00:00:00.000000Z"), {2, 3}),
        (OfRecord("id", "in", ("sample/lab/s-6", "experiment/lab/s-2")), {6, 2}),
        (Termed(None, (XAS,), below=False), {1, 6}),
        (Termed("techniques", ("https://vocabulary.example/other", XAS), below=False), {1}),
        (AttributeIs("organism", (XAS,)), {6}),
        (Linked("samples", targets=("sample/lab/s-6",)), {4}),
        (Measured("energy", "condition", 1.2e-15, 1.3e-15, ("Energy",)), {3}),
        (Measured("energy", "condition", 1.2e-15, 1.3e-15, ("Mass",)), set()),
        (Keys(frozenset({2, 3, 77})), {2, 3}),
        (AnyOf(()), set()),
        (NotHeld(AnyOf((Keys(frozenset({2})), Compare("type", "eq", "simulation")))), {1, 4, 6}),
        (AllOf((Compare("type", "eq", "measurement"), NotHeld(Termed(None, (XAS,), below=False)))), {2}),
    ],
)
def test_what_the_hits_are_held_to(snapshot: Snapshot, where: Held, keys: set[int]) -> None:
    assert snapshot.can_tell(where)
    assert set(found(snapshot, where=where)) == keys
    assert set(found(snapshot, where=where, kinds=("sample",))) == keys & {6}


def test_what_only_the_database_knows_is_said_to_be_so(snapshot: Snapshot) -> None:
    beyond = Linked("samples", where=OfRecord("source", "eq", "lab"))
    for where in (beyond, AnyOf((Keys(frozenset()), beyond)), Compare("title", "prefix", "cath")):
        assert not snapshot.can_tell(where)


def test_words_are_found_and_weighed_and_names_of_terms_mean_what_uses_them(snapshot: Snapshot) -> None:
    assert found(snapshot, text=read("anode"))[-1] == 2  # in a text; the others in their titles
    assert set(found(snapshot, text=read("anode -cathode"))) == {3}
    assert found(snapshot, text=read("s-2"))[0] == 2
    assert found(snapshot, text=()) == []
    assert set(found(snapshot, text=read("xas"))) == set()
    meant = (("xas", Meant(frozenset({XAS}), ("soil",))),)
    assert set(found(snapshot, text=read("xas"), meant=meant)) == {1, 6}


def test_hits_are_ordered_and_paged_as_asked(snapshot: Snapshot) -> None:
    # What has no value comes last in both directions.
    assert found(snapshot, Sorted("startedAt", "date"), kinds=("experiment",))[:3] == [1, 2, 3]
    assert found(snapshot, Sorted("startedAt", "date", descending=True), kinds=("experiment",)) == [3, 2, 1, 4]
    assert found(snapshot, Sorted("id", descending=True))[0] == 6
    page = snapshot.find(Asked(), Sorted("id"), 2, 1)
    assert ([id for id, _ in page.hits], page.total) == (["experiment/lab/s-2", "experiment/lab/s-3"], 5)
    with pytest.raises(Invalid, match="ordered by"):
        snapshot.find(Asked(), Sorted("nothing", "number"), 2, 0)


def test_hits_are_counted_by_values_steps_and_ranges(snapshot: Snapshot) -> None:
    told = snapshot.facets(Asked(), ("kind", "type"), 1)
    assert told["kind"].values == (("experiment", 4),)
    assert (told["kind"].more, told["kind"].exact) == (True, True)
    assert told["type"].values == (("measurement", 2),)
    months = Months("startedAt")
    assert snapshot.extent(Asked(), months) == Extent(2024 * 12 + 4, 2025 * 12 + 5)
    assert snapshot.extent(Asked(kinds=("sample",)), months) is None
    assert snapshot.steps(Asked(), months, 12) == [(2024 * 12, 1), (2025 * 12, 2)]
    days = snapshot.steps(Asked(), Moments("startedAt"), 86_400_000_000)
    assert days[0] == (micros("2024-05-01T00:00:00.000000Z"), 1)
    edges = [micros(f"{year}-01-01T00:00:00.000000Z") for year in (2024, 2025, 2030)]
    assert snapshot.ranges(Asked(), Moments("startedAt"), edges) == ([1, 2], 3)
    (energy,) = snapshot.measures(Asked(), "energy", ("condition", "attribute"))
    assert (energy.place, energy.kind, energy.count) == ("condition", "Energy", 1)
    assert snapshot.ranges(Asked(), energy, (0.0, 1e-15, 2e-15)) == ([0, 1], 1)
    assert snapshot.ranges(Asked(Among(below=frozenset({"open"}))), energy, (0.0, 2e-15)) == ([0], 0)


def test_quantities_stand_where_the_documents_that_are_asked_about_have_them(snapshot: Snapshot) -> None:
    for asked, count in (
        (Asked(), 1),
        (Asked(Among(frozenset({2}))), 1),
        (Asked(kinds=("experiment",)), 1),
        (Asked(Among(frozenset({1}))), 0),
        (Asked(Outside(below=frozenset({"lab"}))), 0),
        (Asked(Open()), 0),
        (Asked(kinds=("sample",)), 0),
        (Asked(left_out=frozenset({3})), 0),
    ):
        told = snapshot.measures(asked, "energy", ("field", "condition", "attribute"))
        assert [(each.kind, each.count) for each in told] == [("Energy", 1)] * count, asked


def test_titles_are_told_with_how_many_bear_them(snapshot: Snapshot) -> None:
    (title,) = snapshot.titles(Asked(), "anode and", 5)
    assert (title.text, title.kind, title.count, title.id) == (
        "anode and cathode",
        "experiment",
        1,
        "experiment/lab/s-4",
    )
    assert {each.text for each in snapshot.titles(Asked(), "a", 5)} == {"anode", "anode and cathode"}
    assert snapshot.titles(Asked(kinds=("sample",)), "a", 5) == []


def test_it_tells_how_far_it_has_come(snapshot: Snapshot) -> None:
    assert (snapshot.seen.generation, snapshot.seen.position, snapshot.seen.closed_to) == (7, 99, 98)
    assert snapshot.size == 6
