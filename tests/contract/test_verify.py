"""Whatever is done to a projection by hand, verification finds it and mends it, and finds nothing where nothing was done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import orjson
import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad
from sqlalchemy import text

from catalog.ledger.verifications import Verifications
from catalog.projections.graph.embedded import OxigraphGeneration
from catalog.projections.projection import Generation, Name
from catalog.projections.search.embedded import TantivyGeneration
from catalog.records.standing import NAMES, Standing
from catalog.upkeep.follow import Ledgers
from catalog.upkeep.follower import Follower
from catalog.upkeep.verify import Verifier
from tests.contract.followed import Followed, followed
from tests.contract.ledgers import kinds

BASE = "http://catalogue.test/"
OPEN, CLOSED, LINKING, REVISED = (f"sample/lab/{each}" for each in ("open", "closed", "linking", "revised"))
LABEL = NamedNode("http://purl.org/dc/terms/title")
RELATED = NamedNode("http://purl.org/dc/terms/relation")


def filled(catalogue: Followed) -> None:
    """Some records: open ones, closed ones, some that link, one that was revised."""
    catalogue.enter("open", {"title": {"en": "open", "ja": "公開"}, "amount": {"value": 5, "unit": "mg"}})
    catalogue.enter("closed", scope="company")
    catalogue.enter(
        "linking", {"title": {"en": "linking"}, "derivedFrom": [OPEN, CLOSED, {"to": OPEN, "role": "part"}]}
    )
    catalogue.enter("revised", {"title": {"en": "before"}})
    catalogue.enter_many(*(f"s{number}" for number in range(30)))
    catalogue.enter("d", kind="dataset")


@dataclass
class Broken:
    """A catalogue whose projections are up to date, until a test lays hands on them."""

    catalogue: Followed
    before: Standing  # `REVISED`, as it was before it was revised

    def standing(self, id: str) -> Standing:
        keys = self.catalogue.standings.keys_of([id])
        (shown,), _ = self.catalogue.standings.read(keys.values())
        return shown

    @contextmanager
    def by_hand(self, name: Name) -> Iterator[Generation]:
        """The generation that answers, open for a hand that has no business there."""
        seen = self.catalogue.book.seen(name)
        assert seen is not None
        generation = self.catalogue.projections[name].inner.open(seen.folder, seen.visible)
        try:
            yield generation
            visible = generation.settle()
        finally:
            generation.close()
        with self.catalogue.ledger.store.write() as connection:
            connection.execute(
                text("UPDATE projection SET visible = :visible WHERE name = :name AND state = 'live'"),
                {"visible": visible, "name": name},
            )

    def follower(self, *, alone: bool = False) -> Follower:
        made, verifications = self.catalogue, Verifications(self.catalogue.ledger.store)

        verifiers = {
            name: Verifier(projection, made.standings, made.book, verifications, kinds(), every_hours=0, alone=alone)
            for name, projection in made.projections.items()
        }
        ledgers = Ledgers(made.ledger.store, made.book, made.standings, made.clock)
        return Follower(ledgers, dict(made.projections), kinds(), verifiers=verifiers)

    def verify(self, name: Name, *, repair: bool = True, alone: bool = False) -> dict[str, Any]:
        """A round that was asked for, by a follower that holds the lease."""
        verifications = Verifications(self.catalogue.ledger.store)
        asked = verifications.ask(name, repair=repair)
        follower = self.follower(alone=alone)
        try:
            while verifications.last(name).asked_at == asked:
                follower.step()
        finally:
            follower.close()
        report = verifications.last(name).report
        assert report is not None
        return dict(report)


def made_ready(catalogue: Followed) -> Standing:
    """Fill it and have it followed; `REVISED`, as it was before it was revised."""
    filled(catalogue)
    key = catalogue.standings.keys_of([REVISED])[REVISED]
    (before,), _ = catalogue.standings.read([key])
    catalogue.enter("revised", {"title": {"en": "after"}})
    catalogue.catch_up()
    return before


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Standing]:
    """A folder that nobody harms."""
    folder = tmp_path_factory.mktemp("model") / "data"
    folder.mkdir()
    with followed(f"sqlite:///{folder / 'ledger.sqlite'}", folder / "projections") as catalogue:
        return folder, made_ready(catalogue)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broken]:
    if request.param == "postgresql":
        with followed(str(request.getfixturevalue("postgresql")), tmp_path / "projections") as catalogue:
            yield Broken(catalogue, made_ready(catalogue))
    else:
        like, before = request.getfixturevalue("model")
        shutil.copytree(like, tmp_path / "data")
        address, folder = f"sqlite:///{tmp_path / 'data' / 'ledger.sqlite'}", tmp_path / "data" / "projections"
        with followed(address, folder) as catalogue:
            yield Broken(catalogue, before)


def found(report: dict[str, Any]) -> dict[str, str]:
    """What differed, by id."""
    return {each["id"]: each["sort"] for each in report["differences"]}


# ---------------------------------------------------------------------------------------- ways to break a projection


def record_is_missing(broken: Broken, generation: Generation) -> dict[str, str]:
    generation.remove([OPEN])
    return {OPEN: "missing"}


def record_is_extra(broken: Broken, generation: Generation) -> dict[str, str]:
    foreign = replace(broken.standing(OPEN), id="sample/lab/foreign", key=10**6)
    document = {**foreign.document, "id": foreign.id}
    generation.apply([replace(foreign, document=document)], [])
    return {"sample/lab/foreign": "extra"}


def content_is_stale(broken: Broken, generation: Generation) -> dict[str, str]:
    generation.remove([REVISED])
    generation.settle()
    generation.apply([replace(broken.before, position=10**9)], [])
    return {REVISED: "wrong"}


def hidden_record_is_shown(broken: Broken, generation: Generation) -> dict[str, str]:
    closed = broken.standing(CLOSED)
    generation.remove([CLOSED])
    generation.settle()
    generation.apply([replace(closed, lie=replace(closed.lie, open=True))], [])
    return {CLOSED: "wrong"}


def all_is_gone(broken: Broken, generation: Generation) -> dict[str, str]:
    ids = [OPEN, CLOSED, LINKING, REVISED, *(f"sample/lab/s{number}" for number in range(30)), "dataset/lab/d"]
    generation.remove(ids)
    return dict.fromkeys(ids, "missing")


def stands_in_another_scope(broken: Broken, generation: Generation) -> dict[str, str]:
    closed, lab = broken.standing(CLOSED), broken.standing(OPEN)
    generation.remove([CLOSED])
    generation.settle()
    generation.apply([replace(closed, lie=lab.lie)], [])
    return {CLOSED: "wrong"}


BOTH = (record_is_missing, record_is_extra, content_is_stale, stands_in_another_scope, all_is_gone)


def _store(generation: Generation) -> Any:
    return cast("OxigraphGeneration", generation).store


def _said_of(generation: Generation, id: str) -> list[Quad]:
    return list(_store(generation).quads_for_pattern(NamedNode(BASE + id), None, None, None))


def statement_is_missing(broken: Broken, generation: Generation) -> dict[str, str]:
    (quad,) = _store(generation).quads_for_pattern(NamedNode(BASE + OPEN), None, Literal("公開", language="ja"), None)
    _store(generation).remove(quad)
    return {OPEN: "wrong"}


def statement_is_extra(broken: Broken, generation: Generation) -> dict[str, str]:
    _store(generation).add(Quad(NamedNode(BASE + OPEN), LABEL, Literal("more"), DefaultGraph()))
    return {OPEN: "wrong"}


def stands_in_another_graph(broken: Broken, generation: Generation) -> dict[str, str]:
    for quad in _said_of(generation, OPEN):
        _store(generation).remove(quad)
        _store(generation).add(Quad(quad.subject, quad.predicate, quad.object, NamedNode(BASE + "scopes/company")))
    return {OPEN: "wrong"}


def stands_in_a_second_graph(broken: Broken, generation: Generation) -> dict[str, str]:
    for quad in _said_of(generation, CLOSED):
        _store(generation).add(Quad(quad.subject, quad.predicate, quad.object, DefaultGraph()))
    return {CLOSED: "wrong"}


def fragment_dangles(broken: Broken, generation: Generation) -> dict[str, str]:
    _store(generation).add(Quad(NamedNode(f"{BASE}{OPEN}#loose"), LABEL, Literal("loose"), DefaultGraph()))
    return {OPEN: "wrong"}


def fragment_of_no_record(broken: Broken, generation: Generation) -> dict[str, str]:
    _store(generation).add(Quad(NamedNode(f"{BASE}sample/lab/none#part"), LABEL, Literal("part"), DefaultGraph()))
    return {"sample/lab/none": "extra"}


def fragment_is_missing(broken: Broken, generation: Generation) -> dict[str, str]:
    parts = {
        quad.object
        for quad in _said_of(generation, OPEN)
        if isinstance(quad.object, NamedNode) and quad.object.value.startswith(f"{BASE}{OPEN}#")
    }
    assert parts
    for part in parts:
        for quad in list(_store(generation).quads_for_pattern(part, None, None, None)):
            _store(generation).remove(quad)
    return {OPEN: "wrong"}


def hidden_link_is_told(broken: Broken, generation: Generation) -> dict[str, str]:
    _store(generation).add(Quad(NamedNode(BASE + LINKING), RELATED, NamedNode(BASE + CLOSED), DefaultGraph()))
    return {LINKING: "wrong"}


def statement_is_nobodys(broken: Broken, generation: Generation) -> dict[str, str]:
    _store(generation).add(Quad(NamedNode("http://elsewhere.test/x"), LABEL, Literal("x"), DefaultGraph()))
    _store(generation).add(Quad(NamedNode(BASE + "nonsense"), LABEL, Literal("x"), NamedNode(BASE + "scopes/lab")))
    return {"<http://elsewhere.test/x>": "dangling", f"<{BASE}nonsense>": "dangling"}


IN_GRAPH = (
    hidden_record_is_shown,
    statement_is_missing,
    statement_is_extra,
    stands_in_another_graph,
    stands_in_a_second_graph,
    fragment_dangles,
    fragment_of_no_record,
    fragment_is_missing,
    hidden_link_is_told,
    statement_is_nobodys,
)


def _document(generation: Generation, standing: Standing) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(cast("TantivyGeneration", generation)._documents.of(standing).text)
    return made


def _put(generation: Generation, document: dict[str, Any]) -> None:
    writer = cast("TantivyGeneration", generation)._writer
    assert writer is not None
    writer.add_json(orjson.dumps(document).decode())


def document_is_there_twice(broken: Broken, generation: Generation) -> dict[str, str]:
    _put(generation, _document(generation, broken.standing(OPEN)))
    return {OPEN: "wrong"}


def older_document_is_there_too(broken: Broken, generation: Generation) -> dict[str, str]:
    _put(generation, _document(generation, broken.before))
    return {REVISED: "wrong"}


def document_has_no_kind(broken: Broken, generation: Generation) -> dict[str, str]:
    document = _document(generation, broken.standing(OPEN))
    del document["kind"]
    _put(generation, document)
    return {OPEN: "dangling"}


def document_has_no_id(broken: Broken, generation: Generation) -> dict[str, str]:
    _put(generation, {"title": ["nobody's"]})
    return {"": "dangling"}


def document_is_counted_elsewhere(broken: Broken, generation: Generation) -> dict[str, str]:
    document = _document(generation, broken.standing(OPEN))
    generation.remove([OPEN])
    _put(generation, {**document, "kind": "dataset"})
    return {OPEN: "missing"}


IN_SEARCH = (
    document_is_there_twice,
    older_document_is_there_too,
    document_has_no_kind,
    document_has_no_id,
    document_is_counted_elsewhere,
)

Break = Callable[[Broken, Generation], dict[str, str]]
WAYS: list[tuple[Name, Break, bool]] = [
    *(("graph", each, False) for each in (*BOTH, *IN_GRAPH)),
    *(("search", each, False) for each in (*BOTH, *IN_SEARCH)),
    # Counting all of it first, as a command does that has the catalogue to itself.
    *(("graph", each, True) for each in (all_is_gone, stands_in_another_graph, statement_is_nobodys)),
    *(("search", each, True) for each in (all_is_gone, document_is_there_twice, document_has_no_id)),
]


@pytest.mark.parametrize(
    ("name", "way", "alone"),
    WAYS,
    ids=[f"{name}: {way.__name__}{' (alone)' if alone else ''}" for name, way, alone in WAYS],
)
def test_what_was_broken_by_hand_is_found_and_mended(broken: Broken, name: Name, way: Break, alone: bool) -> None:
    with broken.by_hand(name) as generation:
        expected = way(broken, generation)
    told = broken.verify(name, repair=False, alone=alone)
    assert expected.items() <= found(told).items()
    assert (told["clean"], told["repaired"]) == (False, 0)
    report = broken.verify(name, alone=alone)
    assert found(report) == found(told)
    assert report["repaired"] == report["drift"]["total"] >= len(expected)
    assert broken.verify(name, alone=alone)["clean"]
    broken.catalogue.assert_true()


@pytest.mark.parametrize("alone", [False, True], ids=["beside", "alone"])
@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_broke_is_clean(broken: Broken, name: Name, alone: bool) -> None:
    report = broken.verify(name, alone=alone)
    assert (report["clean"], report["records"], report["lookedInto"]) == (True, 35, 0)


@pytest.mark.parametrize("name", NAMES)
def test_verifying_while_others_write_finds_nothing_and_lets_them(
    broken: Broken, name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.upkeep.verify.PATIENCE_SECONDS", 0.5)
    catalogue, stopping, problems = broken.catalogue, Event(), []

    def write() -> None:
        number = 0
        try:
            while not stopping.is_set():
                number += 1
                catalogue.enter(f"s{number % 30}", {"title": {"en": f"title {number}"}, "derivedFrom": [OPEN]})
                catalogue.enter("open", {"title": {"en": f"open {number}"}})
                if number % 10 == 0:
                    catalogue.scope("company", "everyone" if number % 20 else "limited")
                stopping.wait(0.05)
        except BaseException as problem:  # noqa: BLE001  # told by the test
            problems.append(problem)

    writer = Thread(target=write)
    writer.start()
    try:
        reports = [broken.verify(name) for _ in range(2)]
    finally:
        stopping.set()
        writer.join()
    assert not problems
    assert [report["drift"]["total"] for report in reports] == [0, 0]
    catalogue.catch_up()
    catalogue.assert_true()


def test_what_is_repaired_can_be_read_at_once(broken: Broken) -> None:
    with broken.by_hand("search") as generation:
        generation.remove([OPEN])
    assert OPEN not in broken.catalogue.held()
    broken.verify("search")
    assert OPEN in broken.catalogue.held()
