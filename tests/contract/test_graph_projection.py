"""A generation of the graph: what is fed is there, what goes is gone, and after any end it is as it had settled."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Store

from catalog.projections.graph import written
from catalog.projections.graph.embedded import CHECKPOINTS, MADE, OxigraphGeneration, OxigraphProjection
from catalog.projections.graph.quads import quads_of
from catalog.projections.projection import Damaged, Tally, Unprojectable, bucket_of
from catalog.records.standing import Gone, Lie, Standing
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

PROJECTION = OxigraphProjection(KINDS, BASE)
A, B, TARGET = "sample/lab/a", "sample/lab/b", "sample/lab/target"


@pytest.fixture
def generation(tmp_path: Path) -> Iterator[OxigraphGeneration]:
    made = PROJECTION.make(tmp_path / "graph")
    yield made
    made.close()


def here(generation: OxigraphGeneration) -> list[str]:
    """All that is said here, in order."""
    lines = (generation.store.dump(format=RdfFormat.N_QUADS) or b"").splitlines()
    return sorted(line.decode() for line in lines if not line.endswith(written.ENDS))


def expected(records: Iterable[Standing]) -> dict[tuple[str, int], Tally]:
    tallies: defaultdict[tuple[str, int], Tally] = defaultdict(Tally)
    for id, hash in PROJECTION.expected(records):
        cell = id.split("/")[0], bucket_of(id)
        tallies[cell] = tallies[cell].plus(hash)
    return dict(tallies)


def assert_holds(generation: OxigraphGeneration, records: Iterable[Standing]) -> None:
    """Just these records are here, by both ways of looking."""
    records = list(records)
    generation.settle()
    assert generation.tallies() == expected(records)
    hashes = {
        id: hash
        for kind in (*KINDS, "")
        for bucket in {bucket_of(each.id) for each in records} | {0}
        for id, hash in generation.hashes(kind, bucket)
    }
    assert hashes == dict(PROJECTION.expected(records))


@pytest.mark.parametrize("lie", [OPEN, SHUT, DEEP])
def test_what_is_fed_is_here_and_counted(generation: OxigraphGeneration, examples: Path, lie: Lie) -> None:
    records = example_records(examples, lie)
    assert {each.kind for each in records} == set(KINDS)

    generation.apply(records, [], fresh=True)

    assert_holds(generation, records)


@pytest.mark.parametrize("lie", [OPEN, DEEP])
def test_removal_leaves_nothing(generation: OxigraphGeneration, examples: Path, lie: Lie) -> None:
    records = example_records(examples, lie)
    generation.apply(records, [])
    assert here(generation)

    generation.apply([], [Gone(each.key, each.id, 2) for each in records])

    assert here(generation) == []
    assert_holds(generation, [])


def test_feeding_again_and_in_another_order_makes_no_difference(
    generation: OxigraphGeneration, examples: Path, tmp_path: Path
) -> None:
    records = example_records(examples)
    generation.apply(records, [], fresh=True)
    once = here(generation)

    generation.apply(list(reversed(records)), [])
    assert here(generation) == once
    other = PROJECTION.make(tmp_path / "other")
    for record in random.Random(3).sample(records, len(records)):
        other.apply([record], [])

    assert here(other) == once


def test_a_change_takes_what_is_no_longer_said_with_it(generation: OxigraphGeneration) -> None:
    attributes = [{"name": "coating", "quantity": {"value": 3, "unit": "nm"}}, {"name": "form", "value": "film"}]
    body = {"derivedFrom": [{"to": TARGET, "role": "part"}], "attributes": attributes, "keywords": ["x", "y"]}
    first = standing(A, body, ends={TARGET: OPEN})
    generation.apply([first], [])
    changed = {"attributes": [{"name": "form", "value": "foil"}], "keywords": ["y"], "title": {"ja": "題"}}
    for later in (changed, body, {}):
        record = standing(A, later, ends={TARGET: OPEN}, position=2)
        generation.apply([record], [])
        assert_holds(generation, [record])


@pytest.mark.parametrize("to", [OPEN, SHUT, DEEP, OTHER])
@pytest.mark.parametrize("from_", [OPEN, SHUT, DEEP, OTHER])
def test_a_change_of_scope_moves_everything(generation: OxigraphGeneration, from_: Lie, to: Lie) -> None:
    body = {"derivedFrom": [{"to": TARGET, "role": "part"}], "attributes": [{"name": "form", "value": "film"}]}
    generation.apply([standing(A, body, lie=from_, ends={TARGET: SHUT})], [])

    moved = standing(A, body, lie=to, ends={TARGET: DEEP}, position=2)
    generation.apply([moved], [])

    assert_holds(generation, [moved])


def test_an_older_standing_never_takes_the_place_of_a_newer_one(generation: OxigraphGeneration) -> None:
    newer = standing(A, {"title": {"en": "new"}}, position=5)
    generation.apply([newer], [])
    generation.apply([standing(A, {"title": {"en": "old"}}, position=4)], [Gone(1, B, 9)])
    generation.apply([standing(B, key=1, position=8)], [])
    generation.close_down([standing(A, lie=SHUT, position=4)], [Gone(newer.key, A, 3)])

    assert_holds(generation, [newer])


def test_an_id_that_begins_with_another_keeps_what_is_said_of_it(generation: OxigraphGeneration) -> None:
    long = standing(A + "/part", {"attributes": [{"name": "form", "value": "film"}]}, key=2)
    generation.apply([standing(A, {"derivedFrom": [long.id]}, ends={long.id: OPEN}, key=1), long], [])

    generation.apply([], [Gone(1, A, 2)])

    assert_holds(generation, [long])


# ---------------------------------------------------------------------------------------------------- closing

LINKS = {"derivedFrom": [{"to": TARGET, "role": "part", "note": "secret"}], "seeAlso": ["https://example.org/x"]}


@pytest.mark.parametrize("lie", [OPEN, SHUT, DEEP, OTHER])
@pytest.mark.parametrize("closed", [SHUT, DEEP, OTHER, None])
def test_closing_takes_what_others_say_with_it_at_once(
    generation: OxigraphGeneration, lie: Lie, closed: Lie | None
) -> None:
    target = standing(TARGET, key=1)
    linker = standing(A, LINKS, lie=lie, ends={TARGET: OPEN}, key=2)
    generation.apply([target, linker], [], fresh=True)

    if closed is None:
        generation.close_down([], [Gone(1, TARGET, 2)])
    else:
        generation.close_down([replace(target, lie=closed, position=2)], [])

    now = replace(linker, targets={TARGET: replace(linker.targets[TARGET], lie=closed)} if closed else {})
    shown = [replace(target, lie=closed)] if closed else []
    allowed = set(here_of(now)) | {line for each in shown for line in here_of(each)}
    # Nothing is here that may not be; what the linker may say in other graphs comes when it is fed.
    assert set(here(generation)) <= allowed
    generation.apply([replace(now, position=3)], [])
    assert_holds(generation, [now, *shown])


def here_of(record: Standing) -> list[str]:
    """What a store is to hold of a record."""
    store = Store()
    for graph, nt in quads_of(record, KINDS, BASE).items():
        store.load(nt, format=RdfFormat.N_TRIPLES, **({"to_graph": NamedNode(graph)} if graph else {}))
    return (store.dump(format=RdfFormat.N_QUADS) or b"").decode().splitlines()


def test_closing_many_leaves_what_still_lies_open(generation: OxigraphGeneration, examples: Path) -> None:
    records = example_records(examples)
    generation.apply(records, [], fresh=True)
    closing = [each for number, each in enumerate(records) if number % 2]
    closed = {each.id: replace(each, lie=SHUT, position=2) for each in closing}

    generation.close_down(list(closed.values()), [])
    stand = [closed.get(each.id, each) for each in records]
    stand = [
        replace(each, position=3, targets={to: replace(end, lie=SHUT) if to in closed else end for to, end in each.targets.items()})
        for each in stand
    ]  # fmt: skip
    generation.apply(stand, [])

    assert_holds(generation, stand)


@pytest.mark.parametrize("closed", [SHUT, DEEP, OTHER])
@pytest.mark.parametrize("swept", [True, False])
def test_what_is_shut_is_gone_at_once_and_may_be_fed_again(
    generation: OxigraphGeneration, closed: Lie, swept: bool
) -> None:
    body = {**LINKS, "attributes": [{"name": "form", "value": "film"}]}
    target = standing(TARGET, {"derivedFrom": [A]}, ends={A: OPEN}, key=1)
    limited = standing("sample/lab/limited", LINKS, lie=SHUT, ends={TARGET: OPEN}, key=4)
    other = standing(B, {"derivedFrom": [limited.id]}, ends={limited.id: SHUT}, key=3)
    linker = standing(A, body, ends={TARGET: OPEN}, key=2)
    generation.apply([target, linker, other, limited], [], fresh=True)
    assert generation.lying_open([A, B, TARGET, limited.id, "sample/lab/never"]) == 3

    generation.shut({TARGET: closed})
    if swept:
        generation.sweep()

    end = replace(linker.targets[TARGET], lie=closed)
    now = [replace(each, targets={**each.targets, **({TARGET: end} if TARGET in each.targets else {})}, position=2)
           for each in (linker, other, limited)]  # fmt: skip
    assert set(here(generation)) <= {line for each in now for line in here_of(each)}
    assert generation.lying_open([A, B, TARGET, limited.id]) == (0 if swept else 2)
    now.append(replace(target, lie=closed, position=2))
    generation.apply(now, [])
    assert_holds(generation, now)


# ---------------------------------------------------------------------------------------------------- what can't go in


def test_a_record_that_cannot_be_said_is_named_and_the_others_go_in(generation: OxigraphGeneration) -> None:
    good = [standing(f"sample/lab/{number}", key=number) for number in range(200)]
    bad = standing("sample/lab/bad", {"seeAlso": ["https://example.org/x"]}, key=999)
    bad.document["seeAlso"][0]["to"] = "https://example.org/[x"

    with pytest.raises(Unprojectable) as problem:
        generation.apply([*good[:100], bad, *good[100:]], [], fresh=True)

    assert list(problem.value.reasons) == [999]
    assert "sample/lab/bad" in problem.value.reasons[999]
    assert_holds(generation, good)


def test_what_the_engine_alone_refuses_is_found_out(generation: OxigraphGeneration) -> None:
    good = [standing(f"sample/lab/{number}", key=number) for number in range(20)]
    bad = standing("sample/lab/bad", key=999)
    bad.document["title"]["e n"] = "a language that is none"

    for others in (good, good[:1]):
        with pytest.raises(Unprojectable) as problem:
            generation.apply([*others, bad], [])
        assert list(problem.value.reasons) == [999]

    assert_holds(generation, good)


# ---------------------------------------------------------------------------------------------------- its folder


def test_a_generation_opens_exactly_as_it_had_settled(tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    made = PROJECTION.make(folder)
    made.apply([standing(A)], [])
    visible = made.settle()
    settled = here(made)
    made.apply([standing(B)], [Gone(1, A, 2)])
    made.close()

    opened = PROJECTION.open(folder, visible)

    assert here(opened) == settled
    opened.apply([standing(B)], [])
    assert int(opened.settle()) > int(visible)
    assert here(opened) != settled


def test_an_earlier_checkpoint_that_is_still_there_can_be_taken_back(tmp_path: Path) -> None:
    made = PROJECTION.make(tmp_path / "graph")
    made.apply([standing(A)], [])
    first = made.settle()
    settled = here(made)
    made.apply([standing(B)], [])
    made.settle()
    made.close()

    opened = PROJECTION.open(tmp_path / "graph", first)

    assert here(opened) == settled
    opened.apply([standing(B)], [])
    assert_holds(opened, [standing(A), standing(B)])


def test_readers_of_a_checkpoint_see_it_unchanged_while_the_store_goes_on(
    generation: OxigraphGeneration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.projections.graph.embedded.KEPT_SECONDS", 0.0)
    generation.apply([standing(A)], [])
    checkpoint = tmp_path / "graph" / CHECKPOINTS / generation.settle()
    settled = here(generation)

    reading = Store.read_only(str(checkpoint))
    for position in range(2, 8):
        generation.apply([standing(A, {"title": {"en": str(position)}}, position=position)], [])
        generation.settle()

    assert not checkpoint.exists()
    lines = (reading.dump(format=RdfFormat.N_QUADS) or b"").splitlines()
    assert sorted(line.decode() for line in lines if not line.endswith(written.ENDS)) == settled


KILLED = """
import sys
from pathlib import Path
from tests.contract.test_graph_projection import PROJECTION, standing
generation = PROJECTION.make(Path(sys.argv[1]))
number = 0
while True:
    some = [standing(f"sample/lab/{number + each}", key=number + each, position=number) for each in range(int(sys.argv[2]))]
    generation.apply(some, [], fresh=True)
    number += len(some)
    print(generation.settle(), number, flush=True)
"""


@pytest.mark.parametrize("size", [7, 90])
def test_after_a_kill_it_is_as_it_had_settled_last(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "graph"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(size)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "0"},
    ) as feeding:
        assert feeding.stdout is not None
        told = [feeding.stdout.readline().split() for _ in range(4)]
        feeding.send_signal(signal.SIGKILL)
    visible, number = told[-1]

    opened = PROJECTION.open(folder, visible)

    records = [standing(f"sample/lab/{each}", key=each) for each in range(int(number))]
    assert_holds(opened, records)
    opened.apply([standing("sample/lab/more", key=-1)], [])
    assert_holds(opened, [*records, standing("sample/lab/more", key=-1)])


def damage(how: str, folder: Path, visible: str) -> None:
    checkpoint = folder / CHECKPOINTS / visible
    tables = sorted(checkpoint.glob("*.sst"))
    match how:
        case "folder gone":
            shutil.rmtree(folder)
        case "a file in its place":
            shutil.rmtree(folder)
            folder.write_text("x")
        case "checkpoint gone":
            shutil.rmtree(checkpoint)
        case "table gone":
            tables[0].unlink()
        case "table cut off":
            os.truncate(tables[-1], 10)
        case "manifest cut off":
            os.truncate(next(checkpoint.glob("MANIFEST-*")), 5)
        case "another version":
            (folder / MADE).write_bytes(orjson.dumps({"format": 0, "engine": "0.1"}))
        case "no version":
            (folder / MADE).unlink()
        case "overwritten":
            for table in tables:
                table.write_bytes(os.urandom(table.stat().st_size))


@pytest.mark.parametrize(
    "how",
    [
        "folder gone",
        "a file in its place",
        "checkpoint gone",
        "table gone",
        "table cut off",
        "manifest cut off",
        "another version",
        "no version",
        "overwritten",
    ],
)
def test_a_damaged_folder_is_told_apart(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "graph"
    made = PROJECTION.make(folder)
    made.apply([standing(f"sample/lab/{each}", key=each) for each in range(100)], [], fresh=True)
    visible = made.settle()
    made.close()
    damage(how, folder, visible)

    with pytest.raises(Damaged):
        PROJECTION.open(folder, visible).tallies()

    # A new one can be made in its place.
    if folder.is_file():
        folder.unlink()
    again = PROJECTION.make(folder)
    again.apply([standing(A)], [])
    assert_holds(again, [standing(A)])


@pytest.mark.parametrize("visible", ["", "x", "../1", "99"])
def test_a_checkpoint_that_never_was_is_damage(tmp_path: Path, visible: str) -> None:
    PROJECTION.make(tmp_path / "graph").settle()

    with pytest.raises(Damaged):
        PROJECTION.open(tmp_path / "graph", visible)


def test_what_decides_how_records_are_said_is_in_the_fingerprint() -> None:
    assert PROJECTION.fingerprint == OxigraphProjection(KINDS, BASE).fingerprint
    assert PROJECTION.fingerprint != OxigraphProjection(KINDS, "https://other.example/").fingerprint


# ---------------------------------------------------------------------------------------------------- drift


def broken(how: str, store: Store) -> str | None:
    """Break the store by hand; the id of the record that is then wrong (a subject, where it is no record's)."""
    record = NamedNode(BASE + A)
    quads = list(store.quads_for_pattern(record, None, None, None))
    title = next(quad for quad in quads if quad.predicate.value.endswith("title"))
    match how:
        case "missing":
            store.remove(title)
        case "extra":
            store.add(Quad(record, title.predicate, Literal("more", language="en")))
        case "stale":
            store.remove(title)
            store.add(Quad(record, title.predicate, Literal("old", language="en"), title.graph_name))
        case "wrong graph":
            store.remove(title)
            store.add(Quad(record, title.predicate, title.object, NamedNode(f"{BASE}scopes/company")))
        case "copied into another graph":
            store.extend([Quad(q.subject, q.predicate, q.object, NamedNode(f"{BASE}scopes/company")) for q in quads])
        case "wholly missing":
            for quad in quads:
                store.remove(quad)
        case "dangling fragment":
            store.add(Quad(NamedNode(f"{BASE}sample/lab/never#a/x"), title.predicate, Literal("x")))
            return "sample/lab/never"
        case "extra record":
            store.extend([Quad(NamedNode(f"{BASE}sample/lab/never"), q.predicate, q.object) for q in quads])
            return "sample/lab/never"
        case "foreign subject":
            store.add(Quad(NamedNode("https://elsewhere.example/x"), title.predicate, Literal("x")))
            return "<https://elsewhere.example/x>"
        case "unknown kind":
            store.add(Quad(NamedNode(f"{BASE}nothing/lab/x"), title.predicate, Literal("x")))
            return f"<{BASE}nothing/lab/x>"
        case "blank node":
            store.add(Quad(BlankNode("b"), title.predicate, Literal("x"), NamedNode(f"{BASE}scopes/lab")))
            return "_:b"
    return A


@pytest.mark.parametrize("lie", [OPEN, DEEP])
@pytest.mark.parametrize(
    "how",
    [
        "missing",
        "extra",
        "stale",
        "wrong graph",
        "copied into another graph",
        "wholly missing",
        "dangling fragment",
        "extra record",
        "foreign subject",
        "unknown kind",
        "blank node",
    ],
)
def test_whatever_is_broken_by_hand_is_found_and_goes_away(generation: OxigraphGeneration, lie: Lie, how: str) -> None:
    records = [
        standing(A, {"attributes": [{"name": "form", "value": "film"}], **LINKS}, lie=lie, ends={TARGET: OPEN}, key=1),
        standing(B, lie=lie, key=2),
        standing(TARGET, key=3),
    ]
    generation.apply(records, [], fresh=True)
    wrong = broken(how, generation.store)
    generation.settle()

    found = generation.tallies()
    should = expected(records)
    cells = {cell for cell in found.keys() | should.keys() if found.get(cell, Tally()) != should.get(cell, Tally())}
    assert len(cells) == 1
    (cell,) = cells
    right = dict(PROJECTION.expected(records))
    held = dict(generation.hashes(*cell))
    differing = {
        id for id in held.keys() | right.keys() if held.get(id) != right.get(id) and (id in held or id == wrong)
    }
    assert differing == {wrong}
    assert wrong is not None

    generation.remove([wrong])
    generation.apply([each for each in records if each.id == wrong], [])

    assert_holds(generation, records)


def test_a_look_at_everything_may_be_fed_between_its_slices(
    generation: OxigraphGeneration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.projections.graph.survey._SLICE", 100)
    records = [standing(f"sample/lab/{each}", key=each) for each in range(100)]
    generation.apply(records, [], fresh=True)
    generation.settle()
    looking = generation.survey()
    next(looking)

    changed = [standing(f"sample/lab/{each}", {"title": {"en": "new"}}, key=each, position=2) for each in range(9)]
    generation.apply(changed, [Gone(9, "sample/lab/9", 2)])
    for _ in range(5):
        generation.settle()
    for _ in looking:
        pass
    generation.apply([standing("sample/lab/new", key=-1, position=3)], [Gone(10, "sample/lab/10", 3)])

    stand = [*changed, *records[11:], standing("sample/lab/new", key=-1)]
    held = {id: hash for bucket in range(64) for id, hash in generation.hashes("sample", bucket)}
    assert held == dict(PROJECTION.expected(stand))


def test_a_look_at_everything_may_be_broken_off_and_begun_again(
    generation: OxigraphGeneration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.projections.graph.survey._SLICE", 10)
    records = [standing(f"sample/lab/{each}", key=each) for each in range(300)]
    generation.apply(records, [], fresh=True)
    looking = generation.survey()
    next(looking)
    looking.close()
    generation.forget_survey()

    generation.apply([], [Gone(0, "sample/lab/0", 2)])

    assert_holds(generation, records[1:])


# ---------------------------------------------------------------------------------------------------- at random

IDS = [f"sample/lab/{name}" for name in "abcdef"]
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "derivedFrom": st.lists(st.sampled_from(IDS), max_size=3, unique=True).map(
            lambda ids: [{"to": id, "role": "part"} if id < "sample/lab/d" else id for id in ids]
        ),
        "keywords": st.lists(st.sampled_from(["x", "y", "1.0", "é"]), max_size=3, unique=True),
        "attributes": st.lists(
            st.builds(
                lambda name, value: {"name": name, "value": value}, st.sampled_from("pqr"), st.sampled_from("12")
            ),
            max_size=3,
            unique_by=lambda each: each["name"],
        ),
        "title": st.dictionaries(st.sampled_from(["en", "ja"]), st.sampled_from(["t", "u"]), min_size=1),
    },
)
STATES = st.none() | st.tuples(
    BODIES, st.sampled_from([OPEN, SHUT, DEEP, OTHER]), st.none() | st.sampled_from([OPEN, SHUT])
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(IDS), STATES, st.booleans()), min_size=1, max_size=12))
def test_whatever_happens_in_a_row_only_what_stands_at_the_end_is_here(
    tmp_path: Path, steps: list[tuple[str, tuple[dict[str, Any], Lie, Lie | None] | None, bool]]
) -> None:
    generation = PROJECTION.make(tmp_path / "graph")
    lies: dict[str, Lie] = {}
    states: dict[str, tuple[dict[str, Any], Lie, Lie | None]] = {}

    def now(id: str, position: int) -> Standing:
        body, lie, into = states[id]
        return standing(id, body, lie=lie, ends=lies, key=IDS.index(id), position=position, merged_into=into)

    for position, (id, state, closing) in enumerate(steps):
        feed = generation.close_down if closing else generation.apply
        if state is None:
            states.pop(id, None)
            lies.pop(id, None)
            feed([], [Gone(IDS.index(id), id, position)])
        else:
            states[id] = state
            lies[id] = state[1]
            feed([now(id, position)], [])
    # As after a spread: everything was fed as it stands in the end.
    generation.apply([now(id, len(steps)) for id in states], [])

    assert_holds(generation, [now(id, 0) for id in states])
    generation.close()
