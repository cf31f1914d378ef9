"""What graph questions promise, on SQLite and on PostgreSQL alike: what a plain search over the same links says."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.access.sight import Sight
from catalog.discovery.lineage import (
    MOST_NODES,
    Direction,
    Edge,
    Lineage,
    Neighbours,
    Paths,
    lineage,
    neighbours,
    path,
)
from catalog.discovery.show import Moved
from catalog.errors import Gone, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.questions.question import And, Compare, Linked
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from tests.contract.houses import BOTH
from tests.contract.ledgers import migrated
from tests.contract.oracle import Oracle
from tests.contract.small_catalogue import NOW, SCOPES, Plain, Small, Told, fill, known_words

READERS = (
    PUBLIC,
    ADMINISTRATOR,
    Reader("member", (Grant("read", "spring8/2026A1"),)),
    Reader("writer", (Grant("write", "spring8/2026A1/secret"), Grant("read", "spring8/later"))),
)
# What the schemas of the kinds say, said once more: in which field what a record came from is named, and what came of it.
FROM = {"dataset": {"generatedBy", "derivedFrom"}, "sample": {"derivedFrom"}, "run": {"inputs"}}
INTO = {"run": {"outputs"}}
IRI = "https://data.example/raw/7"

Making = Callable[[Small], Answers]


@pytest.fixture(params=BOTH)
def making(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Making]:
    """Puts one plain catalogue into an empty store, which answers from then on."""
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)

    def make(plain: Small) -> Answers:
        kinds, words = known_words()
        fill(store, plain, kinds)
        return Answers(store, words, Sight(store.database.name), clock=lambda: NOW)

    yield make
    store.close()


def record(id: str, *links: Told, scope: str = "ddbj", status: str = "public", **body: str) -> Plain:
    return Plain(id, scope, status, {"title": {"en": id}, **body}, links)


def catalogue(*records: Plain) -> Small:
    return Small(SCOPES, records)


def told(found: Lineage | Moved) -> dict[str, int]:
    """The places of a lineage with their distances."""
    assert isinstance(found, Lineage)
    return {place.id: place.distance for place in found.nodes}


def links(found: Lineage | Moved) -> set[tuple[str, str, str]]:
    assert isinstance(found, Lineage)
    return {(edge.start, edge.field, edge.end) for edge in found.edges}


# --- any catalogue, any reader


def tangled(seed: int, size: int = 70) -> Small:
    """Datasets, runs, samples and experiments that are linked by chance: rings, twins, hidden ones and merged ones among them."""
    chance = random.Random(seed)
    ids = [f"{chance.choice(['dataset', 'dataset', 'run', 'sample', 'experiment'])}/ddbj/{n}" for n in range(size)]
    of: dict[str, list[str]] = {
        kind: [id for id in ids if id.startswith(kind)] for kind in ("dataset", "run", "sample", "experiment")
    }
    made = []
    for id in ids:
        kind = id.partition("/")[0]
        own: list[Told] = []

        def some(field: str, among: Iterable[str], most: int, own: list[Told] = own) -> None:
            ends = list(among)
            own.extend(
                Told(field, target, chance.choice([None, "control"]), None, chance.choice([None, "p"]))
                for target in chance.sample(ends, min(chance.randint(0, most), len(ends)))
            )

        if kind == "dataset":
            some("generatedBy", [*of["run"], *of["experiment"]], 1)
            some("derivedFrom", [*of["dataset"], IRI, "dataset/ddbj/not-here"], 2)
            some("isPartOf", of["dataset"], 1)
        if kind == "run":
            some("inputs", [*of["dataset"], *of["sample"], IRI], 3)
            some("outputs", [*of["dataset"], "https://data.example/result"], 2)
        if kind in ("sample", "experiment"):
            some("derivedFrom" if kind == "sample" else "samples", of["sample"], 2)
        status = chance.choices(["public", "private", "suppressed", "withdrawn", "draft"], [80, 5, 5, 5, 5])[0]
        made.append(Plain(id, chance.choice(SCOPES).id, status, {"title": {"en": id}}, tuple(dict.fromkeys(own))))
    for kind in ("dataset", "run"):
        same = [at for at, each in enumerate(made) if each.kind == kind][:4]
        # The first became the second, which became the third.
        for at, into in itertools.pairwise(same):
            made[at] = replace(made[at], merged_into=made[into].id)
    return Small(SCOPES, tuple(made))


class Plainly:
    """The links of a small catalogue as one reader may know them, looked through one by one."""

    def __init__(self, plain: Small, reader: Reader) -> None:
        self.oracle = Oracle(plain, reader)
        self.records = plain.by_id

    def seen(self, id: str) -> bool:
        return ":" in id or self.oracle.linkable(id)

    def now(self, id: str) -> str:
        while (known := self.records.get(id)) and known.merged_into and self.oracle.linkable(known.merged_into):
            id = known.merged_into
        return id

    def shown(self, id: str) -> bool:
        """Whether the record can be asked for by its id, and is no other by now."""
        known = self.records[id]
        return self.oracle.by_id(known) and known.status != "withdrawn" and self.now(id) == id

    def edges(self, start: str) -> set[Edge]:
        made = set()
        for one in self.records.values():
            if one.id != start and not self.oracle.linkable(one.id):
                continue
            for link in one.links:
                if link.to != start and not self.seen(link.to):
                    continue
                ends = (self.now(one.id), self.now(link.to))
                if ends[0] == ends[1]:
                    continue
                ways = {True: link.field in FROM.get(one.kind, ()), False: link.field in INTO.get(one.kind, ())}
                origin = next((flow for flow, holds in ways.items() if holds), None)
                flow = {True: (ends[1], ends[0]), False: ends, None: (None, None)}[origin]
                made.add(Edge(*ends, link.field, link.role, link.port, *flow))
        return made

    def lineage(self, start: str, direction: Direction, depth: int) -> tuple[dict[str, int], set[Edge], bool]:
        edges = {edge for edge in self.edges(start) if edge.origin is not None}
        distances: dict[str, int] = {}
        kept: set[Edge] = set()
        cut = False
        for way in ("upstream", "downstream"):
            if direction not in (way, "both"):
                continue
            steps: dict[str, set[str]] = {}
            for edge in edges:
                near, far = (edge.result, edge.origin) if way == "upstream" else (edge.origin, edge.result)
                assert near is not None
                assert far is not None
                steps.setdefault(near, set()).add(far)
            found, more = breadth_first(start, steps, depth)
            cut = cut or more
            kept |= {edge for edge in edges if edge.start in found and edge.end in found}
            for id, distance in found.items():
                distances[id] = min(distance, distances.get(id, distance))
        return distances, kept, cut


def breadth_first(start: str, steps: Mapping[str, set[str]], depth: int) -> tuple[dict[str, int], bool]:
    found, waiting, cut = {start: 0}, deque([start]), False
    while waiting:
        at = waiting.popleft()
        for far in steps.get(at, ()):
            if far in found:
                continue
            if found[at] == depth:
                cut = True
                continue
            found[far] = found[at] + 1
            waiting.append(far)
    return found, cut


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_lineage_is_what_a_search_over_the_links_that_one_may_know_finds(making: Making, seed: int) -> None:
    plain = tangled(seed)
    answers = making(plain)
    compared = 0
    for reader in READERS:
        naive = Plainly(plain, reader)
        starts = [id for id in plain.by_id if naive.shown(id)]
        for number, start in enumerate([*starts, IRI]):
            direction: Direction = ("upstream", "downstream", "both")[number % 3]
            depth = (1, 2, 3, 50)[number % 4]
            found = lineage(start, reader, answers=answers, direction=direction, depth=depth)
            assert isinstance(found, Lineage)
            nodes, edges, cut = naive.lineage(start, direction, depth)
            assert (reader.id, start, direction, depth, told(found)) == (reader.id, start, direction, depth, nodes)
            assert set(found.edges) == edges
            assert len(found.edges) == len(edges)
            assert found.stopped == ("depth" if cut else None)
            compared += len(nodes) > 3
    assert compared > 20


@pytest.mark.parametrize("seed", [4, 5])
def test_a_path_is_as_short_as_a_search_over_the_links_that_one_may_know_finds(making: Making, seed: int) -> None:
    plain = tangled(seed)
    answers = making(plain)
    chance = random.Random(seed)
    lengths = set()
    for reader in READERS:
        naive = Plainly(plain, reader)
        starts = [
            id
            for id, one in plain.by_id.items()
            if naive.shown(id) and one.status == "public" and naive.oracle.linkable(id)
        ]
        around: dict[str, set[str]] = {}
        for edge in naive.edges(""):
            around.setdefault(edge.start, set()).add(edge.end)
            around.setdefault(edge.end, set()).add(edge.start)
        for _ in range(40):
            start, end = chance.choice(starts), chance.choice(starts)
            distances, _ = breadth_first(start, around, 5)
            found = path(start, end, reader, answers=answers, longest=5, most=20)
            assert isinstance(found, Paths)
            assert found.complete
            assert found.length == distances.get(end)
            lengths.add(found.length)
            every = naive.edges("")
            for way in found.paths:
                ids = [place.id for place in way.nodes]
                assert (ids[0], ids[-1], len(set(ids))) == (start, end, len(ids))
                pairs = [{near, far} for near, far in itertools.pairwise(ids)]
                expected = {(e.start, e.end, e.field, e.role, e.port) for e in every if {e.start, e.end} in pairs}
                assert {(e.start, e.end, e.field, e.role, e.port) for e in way.edges} == expected
            count = number_of_shortest(start, end, around, found.length)
            assert (
                len({tuple(place.id for place in way.nodes) for way in found.paths})
                == min(count, 20)
                == len(found.paths)
            )
    assert {None, 0, 1, 2, 3} <= lengths


def number_of_shortest(start: str, end: str, around: Mapping[str, set[str]], length: int | None) -> int:
    if length is None:
        return 0
    ways = {start: 1}
    for _ in range(length):
        further: dict[str, int] = {}
        for at, several in ways.items():
            for far in around.get(at, ()):
                further[far] = further.get(far, 0) + several
        ways = further
    return ways[end]


@pytest.mark.parametrize("seed", [6])
def test_neighbours_are_all_links_in_and_out_each_once_whatever_the_page(making: Making, seed: int) -> None:
    plain = tangled(seed)
    answers = making(plain)
    pages = set()
    for reader in READERS:
        naive = Plainly(plain, reader)
        for number, start in enumerate(id for id in plain.by_id if naive.shown(id)):
            expected = sorted(
                (out, edge.field, far, edge.role or "", edge.port or "")
                for edge in naive.edges(start)
                for out, near, far in ((True, edge.start, edge.end), (False, edge.end, edge.start))
                if near == start
            )
            found, after, count = [], None, 0
            while True:
                page = neighbours(start, reader, answers=answers, first=number % 4 + 1, after=after)
                assert isinstance(page, Neighbours)
                found += [(one.at.outward, one.field, one.id, one.role or "", one.port or "") for one in page.links]
                count += 1
                if page.next is None:
                    break
                after = page.next
            assert sorted(set(found)) == sorted(set(expected))
            pages.add(count)
    assert max(pages) > 2


# --- each promise by itself


def test_a_ring_ends_and_both_ways_round_are_told(making: Making) -> None:
    answers = making(
        catalogue(
            record("dataset/ddbj/a", Told("derivedFrom", "dataset/ddbj/c")),
            record("dataset/ddbj/b", Told("derivedFrom", "dataset/ddbj/a")),
            record("dataset/ddbj/c", Told("derivedFrom", "dataset/ddbj/b")),
        )
    )
    found = lineage("dataset/ddbj/a", PUBLIC, answers=answers, depth=100)
    assert told(found) == {"dataset/ddbj/a": 0, "dataset/ddbj/c": 1, "dataset/ddbj/b": 2}
    assert len(links(found)) == 3
    both = lineage("dataset/ddbj/a", PUBLIC, answers=answers, direction="both")
    assert told(both) == {"dataset/ddbj/a": 0, "dataset/ddbj/c": 1, "dataset/ddbj/b": 1}


def test_a_diamond_has_its_far_end_once_at_the_least_distance(making: Making) -> None:
    answers = making(
        catalogue(
            record("dataset/ddbj/raw"),
            *(
                record(
                    f"run/ddbj/{way}",
                    Told("inputs", "dataset/ddbj/raw", "sample", 1, "in"),
                    Told("outputs", f"dataset/ddbj/{way}"),
                )
                for way in "xy"
            ),
            *(record(f"dataset/ddbj/{way}") for way in "xy"),
            record(
                "run/ddbj/z",
                Told("inputs", "dataset/ddbj/x"),
                Told("inputs", "dataset/ddbj/y"),
                Told("inputs", "dataset/ddbj/raw"),
            ),
        )
    )
    found = lineage("dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream")
    assert told(found)["run/ddbj/z"] == 1
    assert told(found)["dataset/ddbj/y"] == 2
    assert isinstance(found, Lineage)
    assert (
        Edge("run/ddbj/x", "dataset/ddbj/raw", "inputs", "sample", "in", "dataset/ddbj/raw", "run/ddbj/x")
        in found.edges
    )
    assert len(found.edges) == 7
    only = lineage("dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream", kinds=["dataset"])
    assert told(only) == {"dataset/ddbj/raw": 0, "dataset/ddbj/x": 2, "dataset/ddbj/y": 2}


def test_no_way_leads_through_what_is_hidden_private_or_withdrawn_nor_says_that_there_was_one(making: Making) -> None:
    secret, manager = "spring8/2026A1/secret", Reader("insider", (Grant("read", "spring8/2026A1/secret"),))
    answers = making(
        catalogue(
            record("dataset/ddbj/raw"),
            record("dataset/ddbj/hidden", Told("derivedFrom", "dataset/ddbj/raw"), scope=secret),
            record("dataset/ddbj/withdrawn", Told("derivedFrom", "dataset/ddbj/raw"), status="withdrawn"),
            record("dataset/ddbj/draft", Told("derivedFrom", "dataset/ddbj/raw"), status="draft"),
            record(
                "dataset/ddbj/result",
                *(Told("derivedFrom", f"dataset/ddbj/{way}") for way in ("hidden", "withdrawn", "draft", "not-here")),
            ),
        )
    )
    asked: tuple[tuple[str, Direction], ...] = (("dataset/ddbj/result", "upstream"), ("dataset/ddbj/raw", "downstream"))
    for start, direction in asked:
        found = lineage(start, PUBLIC, answers=answers, direction=direction)
        assert isinstance(found, Lineage)
        assert (told(found), found.edges, found.stopped) == ({start: 0}, (), None)
        assert len(told(lineage(start, manager, answers=answers, direction=direction))) == 3
    way = path("dataset/ddbj/raw", "dataset/ddbj/result", PUBLIC, answers=answers)
    assert way == Paths((), True)
    seen = path("dataset/ddbj/raw", "dataset/ddbj/result", manager, answers=answers)
    assert isinstance(seen, Paths)
    assert seen.length == 2
    with pytest.raises(NotFound):
        lineage("dataset/ddbj/hidden", PUBLIC, answers=answers)
    with pytest.raises(NotFound) as never:
        lineage("dataset/ddbj/never", PUBLIC, answers=answers)
    with pytest.raises(NotFound) as hidden:
        path("dataset/ddbj/raw", "dataset/ddbj/hidden", PUBLIC, answers=answers)
    assert str(hidden.value).replace("hidden", "never") == str(never.value)
    with pytest.raises(Gone):
        lineage("dataset/ddbj/withdrawn", PUBLIC, answers=answers)


def test_what_became_another_is_that_other_to_whoever_may_see_both(making: Making) -> None:
    secret, insider = "spring8/2026A1/secret", Reader("insider", (Grant("read", "spring8/2026A1/secret"),))
    answers = making(
        catalogue(
            replace(
                record("dataset/ddbj/old", Told("derivedFrom", "dataset/ddbj/raw")), merged_into="dataset/ddbj/new"
            ),
            record("dataset/ddbj/new", scope=secret),
            record("dataset/ddbj/raw"),
            record("run/ddbj/r", Told("inputs", "dataset/ddbj/old")),
        )
    )
    seen = lineage("run/ddbj/r", insider, answers=answers)
    assert told(seen) == {"run/ddbj/r": 0, "dataset/ddbj/new": 1, "dataset/ddbj/raw": 2}
    assert links(seen) == {
        ("run/ddbj/r", "inputs", "dataset/ddbj/new"),
        ("dataset/ddbj/new", "derivedFrom", "dataset/ddbj/raw"),
    }
    unseen = lineage("run/ddbj/r", PUBLIC, answers=answers)
    assert told(unseen) == {"run/ddbj/r": 0, "dataset/ddbj/old": 1, "dataset/ddbj/raw": 2}
    assert lineage("dataset/ddbj/old", insider, answers=answers) == Moved("dataset/ddbj/old", "dataset/ddbj/new")
    around = neighbours("dataset/ddbj/new", insider, answers=answers)
    assert isinstance(around, Neighbours)
    assert [(one.field, one.id) for one in around.links] == [
        ("derivedFrom", "dataset/ddbj/raw"),
        ("inputs", "run/ddbj/r"),
    ]


def test_results_are_told_from_a_file_with_one_version_of_a_module(making: Making) -> None:
    made = [record("dataset/ddbj/raw"), record("module/ddbj/caller"), record("module/ddbj/other")]
    for name, module, version in (("one", "caller", "1.2"), ("two", "caller", "2.0"), ("three", "other", "1.2")):
        made.append(
            record(
                f"run/ddbj/{name}",
                Told("plans", f"module/ddbj/{module}"),
                Told("inputs", "dataset/ddbj/raw"),
                Told("outputs", f"dataset/ddbj/{name}"),
                planVersion=version,
            )
        )
        made.append(record(f"dataset/ddbj/{name}", Told("derivedFrom", "dataset/ddbj/raw")))
    answers = making(catalogue(*made))
    asked = And((Linked("plans", targets=("module/ddbj/caller",)), Compare("planVersion", "eq", "1.2")))
    found = lineage(
        "dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream", kinds=["dataset"], through=("run", asked)
    )
    assert told(found) == {"dataset/ddbj/raw": 0, "dataset/ddbj/one": 2}
    # Named, the links that pass runs by are followed too.
    every = lineage(
        "dataset/ddbj/raw",
        PUBLIC,
        answers=answers,
        direction="downstream",
        kinds=["dataset"],
        fields=["inputs", "outputs", "derivedFrom"],
        through=("run", asked),
    )
    assert set(told(every)) == {"dataset/ddbj/raw", "dataset/ddbj/one", "dataset/ddbj/two", "dataset/ddbj/three"}


def test_samples_of_experiments_are_followed_where_the_field_is_named(making: Making) -> None:
    answers = making(
        catalogue(
            record("sample/ddbj/s"),
            record("experiment/ddbj/e", Told("samples", "sample/ddbj/s", "measured")),
            record("dataset/ddbj/d", Told("generatedBy", "experiment/ddbj/e")),
            record("publication/ddbj/p", Told("datasets", "dataset/ddbj/d")),
        )
    )
    assert told(lineage("dataset/ddbj/d", PUBLIC, answers=answers)) == {"dataset/ddbj/d": 0, "experiment/ddbj/e": 1}
    named = lineage("dataset/ddbj/d", PUBLIC, answers=answers, fields=["generatedBy", "samples"])
    assert told(named) == {"dataset/ddbj/d": 0, "experiment/ddbj/e": 1, "sample/ddbj/s": 2}
    with pytest.raises(Invalid, match="datasets: no such link field of lineage"):
        lineage("dataset/ddbj/d", PUBLIC, answers=answers, fields=["datasets"])
    for wrong in (0, 101):
        with pytest.raises(Invalid, match="depth: a number from 1 to 100"):
            lineage("dataset/ddbj/d", PUBLIC, answers=answers, depth=wrong)
    with pytest.raises(Invalid, match="maxLength: a number from 1 to 10"):
        path("dataset/ddbj/d", "sample/ddbj/s", PUBLIC, answers=answers, longest=11)


def test_a_way_keeps_to_the_kinds_and_fields_that_are_named(making: Making) -> None:
    answers = making(
        catalogue(
            record("project/ddbj/p"),
            record("dataset/ddbj/a", Told("projects", "project/ddbj/p"), Told("derivedFrom", "dataset/ddbj/m")),
            record("dataset/ddbj/m", Told("derivedFrom", "dataset/ddbj/n"), Told("seeAlso", IRI)),
            record("dataset/ddbj/n", Told("seeAlso", "dataset/ddbj/b")),
            record("dataset/ddbj/b", Told("projects", "project/ddbj/p")),
            record("sample/ddbj/s", Told("seeAlso", IRI)),
        )
    )

    def way(start: str, end: str, kinds: tuple[str, ...] = (), fields: tuple[str, ...] = ()) -> list[str] | None:
        found = path(start, end, PUBLIC, answers=answers, kinds=kinds, fields=fields)
        assert isinstance(found, Paths)
        assert found.complete
        return [place.id for place in found.paths[0].nodes] if found.paths else None

    a, b = "dataset/ddbj/a", "dataset/ddbj/b"
    assert way(a, b) == [a, "project/ddbj/p", b]
    assert way(a, b, kinds=("dataset",)) == [a, "dataset/ddbj/m", "dataset/ddbj/n", b]
    assert way(a, b, kinds=("dataset",), fields=("derivedFrom",)) is None
    # The ends may be of any kind, and an IRI that two name leads from one to the other.
    assert way(a, "project/ddbj/p", kinds=("dataset",)) == [a, "project/ddbj/p"]
    assert way("sample/ddbj/s", "dataset/ddbj/m") == ["sample/ddbj/s", IRI, "dataset/ddbj/m"]
    assert way("sample/ddbj/s", "dataset/ddbj/m", kinds=("dataset",)) is None
    assert way(IRI, a) == [IRI, "dataset/ddbj/m", a]


def test_a_lineage_stops_at_five_thousand_records_and_says_so(making: Making) -> None:
    answers = making(catalogue(record("dataset/ddbj/raw")))
    database, size = answers.store.database, MOST_NODES
    with answers.store.write() as connection:
        keys = range(1000, 1000 + size)
        database.insert(connection, "node", ("key", "id"), [(key, f"dataset/ddbj/d-{key}") for key in keys])
        columns = (
            "key",
            "kind",
            "source",
            "local_id",
            "scope",
            "status",
            "revision",
            "shown",
            "hash",
            "created_at",
            "modified_at",
        )
        scope = connection.exec_driver_sql("SELECT key FROM scope WHERE id = 'ddbj'").scalar()
        rows = [(key, "dataset", "ddbj", f"d-{key}", scope, "public", 1, 1, "h", NOW, NOW) for key in keys]
        database.insert(connection, "record", columns, rows)
        raw = connection.exec_driver_sql("SELECT key FROM record WHERE local_id = 'raw'").scalar()
        # The first half comes of the raw data, the rest each of one of those.
        half = size // 2
        made = [(key, "derivedFrom", 0, raw if key < 1000 + half else key - half) for key in keys]
        database.insert(connection, "link", ("record", "field", "place", "target"), made)
    found = lineage("dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream", depth=2)
    assert isinstance(found, Lineage)
    assert (len(found.nodes), found.stopped) == (MOST_NODES, "nodes")
    near = lineage("dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream", depth=1)
    assert isinstance(near, Lineage)
    assert (len(near.nodes), len(near.edges), near.stopped) == (half + 1, half, "depth")
    with answers.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM link WHERE record = 1000")
    whole = lineage("dataset/ddbj/raw", PUBLIC, answers=answers, direction="downstream", depth=2)
    assert isinstance(whole, Lineage)
    assert (len(whole.nodes), len(whole.edges), whole.stopped) == (size - 1, size - 2, None)
