"""The reading side follows what the book tells, and keeps what somebody still reads."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import Unavailable
from catalog.projections.projection import Seen
from catalog.projections.search.embedded import TantivyProjection
from catalog.projections.search.index import Asked, Outside, Snapshot
from catalog.projections.search.reading import TantivyIndex
from catalog.projections.search.words import read
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.standing import Lie
from tests.contract.test_search_projection import gone, standing


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


def count(snapshot: Snapshot) -> int:
    assert snapshot.find(Asked(), None, 1, 0).total == snapshot.size
    return snapshot.size


def of_number(snapshot: Snapshot) -> int:
    """How many hits are told of a word that stands in every title."""
    return len(snapshot.find(Asked(text=read("number")), None, 100, 0).hits)


def test_a_reader_sees_what_was_settled_when_the_book_says_so(kinds: Kinds, tmp_path: Path) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    generation = projection.make(tmp_path / "1")
    generation.apply([standing(kinds, 1)], [])
    before = generation.settle()
    first = index.snapshot(Seen(1, tmp_path / "1", before, 1, 1))
    generation.apply([standing(kinds, 2)], [])
    assert count(index.snapshot(Seen(1, tmp_path / "1", before, 1, 1))) == 1
    visible = generation.settle()
    assert index.snapshot(Seen(1, tmp_path / "1", before, 1, 1)) is first
    # What a change spreads to is settled without the position going on.
    second = index.snapshot(Seen(1, tmp_path / "1", visible, 1, 1))
    assert (count(first), count(second)) == (1, 2)
    assert index.snapshot(Seen(1, tmp_path / "1", visible, 1, 1)) is second
    generation.close()


def test_what_is_hidden_stays_so_where_the_same_told_state_is_opened_again_behind_a_later_commit(
    kinds: Kinds, tmp_path: Path
) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    generation = projection.make(tmp_path / "1")
    generation.apply([standing(kinds, 1)], [])
    seen = Seen(1, tmp_path / "1", generation.settle(), 1, 1)
    outside = Asked(Outside(frozenset({7})))
    assert index.snapshot(seen).find(outside, None, 10, 0).total == 1
    # Something comes into a scope in which nothing lay; the book does not tell of it yet.
    generation.apply([replace(standing(kinds, 2), lie=Lie("closed", 7, False))], [])
    generation.settle()
    index.close()
    again = index.snapshot(seen)
    assert again.size == 2
    assert again.find(outside, None, 10, 0).total == 1
    generation.close()


def test_a_reader_goes_over_to_another_generation_and_what_is_held_can_be_read_on(kinds: Kinds, tmp_path: Path) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    for number, keys in ((1, (1, 2, 3)), (2, (4,))):
        generation = projection.make(tmp_path / str(number))
        generation.apply([standing(kinds, key) for key in keys], [])
        generation.settle()
        generation.close()
    old = index.snapshot(Seen(1, tmp_path / "1", None, 9, 9))
    new = index.snapshot(Seen(2, tmp_path / "2", None, 9, 9))
    shutil.rmtree(tmp_path / "1")
    assert (count(old), count(new)) == (3, 1)
    assert of_number(old) == 3


def test_without_an_index_or_with_a_broken_one_the_answer_is_to_come_again(kinds: Kinds, tmp_path: Path) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    with pytest.raises(Unavailable):
        index.snapshot(None)
    generation = projection.make(tmp_path / "1")
    generation.apply([standing(kinds, 1)], [])
    generation.settle()
    generation.close()
    meta = (tmp_path / "1" / "meta.json").read_bytes()
    (tmp_path / "1" / "meta.json").write_bytes(meta[: len(meta) // 2])
    with pytest.raises(Unavailable) as refused:
        index.snapshot(Seen(1, tmp_path / "1", None, 1, 1))
    assert refused.value.retry_after_seconds > 0
    (tmp_path / "1" / "meta.json").write_bytes(meta)
    assert count(index.snapshot(Seen(1, tmp_path / "1", None, 1, 1))) == 1


@pytest.mark.parametrize("part", ["idx", "term", "store", "fast", "fieldnorm", "*"])
def test_what_was_cut_off_from_under_a_map_is_not_read(kinds: Kinds, tmp_path: Path, part: str) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    generation = projection.make(tmp_path / "1")
    generation.apply([standing(kinds, key) for key in (1, 2)], [])
    first = Seen(1, tmp_path / "1", generation.settle(), 1, 1)
    held = index.snapshot(first)
    assert count(held) == 2
    generation.apply([standing(kinds, 3)], [])
    second = replace(first, visible=generation.settle(), position=2)
    generation.close()
    assert held.whole
    for path in (tmp_path / "1").glob(f"*.{part}"):
        os.truncate(path, 10)
    # Reading it would end this process: the one that it has, and the one that it would go over to.
    assert not held.whole
    for seen in (first, second, replace(first, position=0)):
        with pytest.raises(Unavailable) as refused:
            index.snapshot(seen)
        assert refused.value.retry_after_seconds > 0


def test_what_was_deleted_from_under_a_map_can_be_read_on(kinds: Kinds, tmp_path: Path) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    generation = projection.make(tmp_path / "1")
    generation.apply([standing(kinds, 1)], [])
    seen = Seen(1, tmp_path / "1", generation.settle(), 1, 1)
    generation.close()
    held = index.snapshot(seen)
    shutil.rmtree(tmp_path / "1")
    assert held.whole
    assert index.snapshot(seen) is held
    assert of_number(held) == count(held) == 1
    # Once nothing is told to answer, it is let go of: its room on the disk is free then.
    with pytest.raises(Unavailable):
        index.snapshot(None)
    with pytest.raises(Unavailable):
        index.snapshot(seen)


def test_many_threads_read_while_one_writes(kinds: Kinds, tmp_path: Path) -> None:
    projection, index = TantivyProjection(kinds), TantivyIndex()
    folder = tmp_path / "1"
    generation = projection.make(folder)
    generation.apply([standing(kinds, 1)], [])
    seen = Seen(1, folder, generation.settle(), 1, 1)
    done = threading.Event()

    def reading() -> int:
        looked = 0
        while not done.is_set():
            snapshot = index.snapshot(seen)
            assert of_number(snapshot) == count(snapshot)
            looked += 1
        return looked

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(reading) for _ in range(4)]
        for position in range(2, 12):
            taken = [gone(position - 1, position)] if position % 3 == 0 else []
            generation.apply([standing(kinds, position)], taken)
            seen = Seen(1, folder, generation.settle(), position, position)
        done.set()
        assert all(each.result() > 0 for each in readers)
    generation.close()


def test_a_generation_whose_folder_is_gone_can_be_let_go_of(kinds: Kinds, tmp_path: Path) -> None:
    generation = TantivyProjection(kinds).make(tmp_path / "1")
    generation.apply([standing(kinds, 1)], [])
    generation.settle()
    generation.apply([standing(kinds, 2)], [])
    (tmp_path / "1").rename(tmp_path / "away")
    generation.close()
    generation.close()
