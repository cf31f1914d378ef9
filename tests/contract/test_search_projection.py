"""What every projection promises, kept by the search index: fed, settled, counted, broken and opened again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tantivy import Query

from catalog.projections.projection import Damaged, Tally, Unprojectable, bucket_of
from catalog.projections.search.embedded import MADE, TantivyGeneration, TantivyProjection, open_index
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.linked import link_up
from catalog.records.standing import Gone, Lie, Standing

WHEN = "2026-11-21T12:00:00.000000Z"
OPEN = Lie("lab", 1, True)


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture
def projection(kinds: Kinds) -> TantivyProjection:
    return TantivyProjection(kinds)


@pytest.fixture
def generation(projection: TantivyProjection, tmp_path: Path) -> Iterator[TantivyGeneration]:
    made = projection.make(tmp_path / "1")
    yield made
    made.close()


def standing(kinds: Kinds, key: int, position: int | None = None, kind: str = "sample", **body: Any) -> Standing:
    """A record as it stands; its title tells its key and position."""
    position = key if position is None else position
    id = f"{kind}/lab/s-{key}"
    told = {"title": {"en": f"number {key} at {position}"}, **body}
    document = link_up(kinds[kind], id, told, {}).document
    return Standing(key, id, position, kind, "lab", 1, OPEN, document, (), {}, None, None, WHEN, WHEN, WHEN, None)


def gone(key: int, position: int) -> Gone:
    return Gone(key, f"sample/lab/s-{key}", position)


def here(generation: TantivyGeneration) -> dict[str, int]:
    """The hash of everything that is here, by id; an id that is here twice fails."""
    made: dict[str, int] = {}
    for kind, bucket in generation.tallies():
        for id, hash in generation.hashes(kind, bucket):
            assert id not in made
            made[id] = hash
    return made


def whole(projection: TantivyProjection, *standings: Standing) -> dict[str, int]:
    return dict(projection.expected(standings))


def test_what_was_settled_is_here_and_is_what_was_expected(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    several = [standing(kinds, key) for key in range(1, 8)]
    generation.apply(several, [])
    assert here(generation) == {}
    generation.settle()
    assert here(generation) == whole(projection, *several)


def test_tallies_are_the_counts_and_sums_of_what_is_here(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    several = [standing(kinds, key, kind="sample" if key % 3 else "dataset") for key in range(1, 200)]
    generation.apply(several, [], fresh=True)
    generation.settle()
    wanted: dict[tuple[str, int], Tally] = {}
    for id, hash in projection.expected(several):
        place = (id.partition("/")[0], bucket_of(id))
        wanted[place] = wanted.get(place, Tally()).plus(hash)
    assert generation.tallies() == wanted


def test_a_newer_standing_takes_the_place_of_an_older_one_and_never_the_other_way(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    older, newer = standing(kinds, 1, 5), standing(kinds, 1, 9)
    for first, second in ((older, newer), (newer, older)):
        generation.apply([first], [])
        generation.apply([second], [])
        generation.settle()
        assert here(generation) == whole(projection, newer)
        generation.apply([older], [])  # also when what is here was settled
        generation.settle()
        assert here(generation) == whole(projection, newer)


def test_the_same_again_changes_nothing(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    several = [standing(kinds, key) for key in range(1, 5)]
    for _ in range(3):
        generation.apply(several, [])
        generation.apply(several, [])
        generation.settle()
    assert here(generation) == whole(projection, *several)


def test_what_is_gone_does_not_come_back_with_an_older_standing(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    one = standing(kinds, 1, 5)
    generation.apply([one], [])
    generation.settle()
    generation.apply([], [gone(1, 8)])
    generation.apply([one], [])
    generation.settle()
    assert here(generation) == {}
    generation.apply([one], [])
    generation.settle()
    assert here(generation) == {}
    restored = standing(kinds, 1, 9)
    generation.apply([restored], [])
    generation.settle()
    assert here(generation) == whole(projection, restored)


def test_a_removal_that_comes_late_does_not_take_a_newer_record(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    newer = standing(kinds, 1, 9)
    generation.apply([newer], [])
    generation.close_down([], [gone(1, 5)])
    generation.settle()
    assert here(generation) == whole(projection, newer)


def test_a_record_that_cannot_be_taken_in_is_named_and_the_others_go_in(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    good, other = standing(kinds, 1), standing(kinds, 3)
    bad = replace(standing(kinds, 2), document={"identifiers": 5})
    with pytest.raises(Unprojectable) as refused:
        generation.apply([good, bad, other], [])
    assert list(refused.value.reasons) == [2]
    generation.settle()
    assert here(generation) == whole(projection, good, other)
    mended = standing(kinds, 2, 12)
    generation.apply([mended], [])
    generation.settle()
    assert here(generation) == whole(projection, good, mended, other)


def test_what_no_longer_can_be_taken_in_is_not_found_as_it_was(
    kinds: Kinds, projection: TantivyProjection, generation: TantivyGeneration
) -> None:
    generation.apply([standing(kinds, 1, 5)], [])
    generation.settle()
    with pytest.raises(Unprojectable):
        generation.apply([replace(standing(kinds, 1, 6), document={"identifiers": 5})], [])
    generation.settle()
    assert here(generation) == {}


def test_an_opened_generation_is_as_it_settled_last(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    generation = projection.make(folder)
    one, two = standing(kinds, 1), standing(kinds, 2)
    generation.apply([one], [])
    visible = generation.settle()
    generation.apply([two], [])
    generation.close()
    again = projection.open(folder, visible)
    assert here(again) == whole(projection, one)
    # What comes again finds its place by what is here.
    again.apply([standing(kinds, 1, 0)], [])
    again.apply([two], [])
    again.settle()
    assert here(again) == whole(projection, one, two)
    again.close()


def test_make_begins_anew_in_a_folder_that_is_not_empty(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    generation = projection.make(folder)
    generation.apply([standing(kinds, 1)], [])
    generation.settle()
    generation.close()
    anew = projection.make(folder)
    assert here(anew) == {}
    anew.close()


def test_a_missing_cut_or_foreign_folder_is_damaged(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    def built(name: str) -> tuple[Path, str]:
        folder = tmp_path / name
        generation = projection.make(folder)
        generation.apply([standing(kinds, key) for key in range(1, 50)], [])
        visible = generation.settle()
        generation.close()
        projection.open(folder, visible).close()
        return folder, visible

    with pytest.raises(Damaged, match="not there"):
        projection.open(tmp_path / "nothing", None)
    folder, visible = built("cut")
    for file in folder.glob("*.fast"):
        half = file.read_bytes()[: file.stat().st_size // 2]
        # Another file of that name: what this process still has mapped of the one before must not be cut off under it.
        file.unlink()
        file.write_bytes(half)
    with pytest.raises(Damaged):
        projection.open(folder, visible)
    folder, visible = built("emptied")
    for file in folder.glob("*.term"):
        file.unlink()
    with pytest.raises(Damaged):
        projection.open(folder, visible)
    folder, visible = built("without-meta")
    (folder / "meta.json").unlink()
    with pytest.raises(Damaged):
        projection.open(folder, visible)
    folder, visible = built("of-another-version")
    made = orjson.loads((folder / MADE).read_bytes())
    (folder / MADE).write_bytes(orjson.dumps({**made, "format": made["format"] + 1}))
    with pytest.raises(Damaged, match="another version"):
        projection.open(folder, visible)
    folder, visible = built("older")
    with pytest.raises(Damaged, match="older"):
        projection.open(folder, str(int(visible) + 1_000))


def test_what_was_broken_by_hand_is_told_and_can_be_taken_away(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    generation = projection.make(folder)
    several = [standing(kinds, key) for key in range(1, 20)]
    generation.apply(several, [])
    visible = generation.settle()
    generation.close()

    index, _ = open_index(folder)
    writer = index.writer(20_000_000, 1)
    writer.add_json('{"title":["of nobody"]}')  # belongs to no record
    twice = {"id": "sample/lab/s-3", "key": 3, "kind": "sample", "bucket": bucket_of("sample/lab/s-3")}
    writer.add_json(orjson.dumps({**twice, "hash_high": 1, "hash_low": 2}).decode())
    writer.delete_documents_by_term("id", "sample/lab/s-5")
    writer.commit()
    writer.wait_merging_threads()

    broken = projection.open(folder, visible)
    tallies = broken.tallies()
    assert tallies[("", 0)].count == 1
    assert [id for id, _ in broken.hashes("", 0)] == [""]
    found = [id for place in tallies for id, _ in broken.hashes(*place)]
    assert found.count("sample/lab/s-3") == 2
    assert "sample/lab/s-5" not in found
    broken.remove(["", "sample/lab/s-3"])
    broken.apply([several[2], several[4]], [])
    broken.settle()
    assert here(broken) == whole(projection, *several)
    broken.close()


def test_a_generation_made_for_other_kinds_still_opens_to_take_removals(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    generation = projection.make(folder)
    generation.apply([standing(kinds, 1), standing(kinds, 2)], [])
    visible = generation.settle()
    generation.close()
    made = orjson.loads((folder / MADE).read_bytes())
    (folder / MADE).write_bytes(orjson.dumps({**made, "fingerprint": "of other kinds"}))
    again = projection.open(folder, visible)
    again.close_down([], [gone(1, 9)])
    again.settle()
    assert set(here(again)) == {"sample/lab/s-2"}
    again.close()


def test_a_disk_that_fails_is_no_fault_of_the_records(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    generation = projection.make(folder)
    with pytest.raises(OSError, match=r"[Ll]ock"):
        projection.open(folder, None)  # somebody has it open for writing
    generation.apply([standing(kinds, 1)], [])
    generation.settle()
    assert len(here(generation)) == 1
    generation.close()
    with pytest.raises(OSError, match="opened again"):
        generation.apply([standing(kinds, 2)], [])


def test_the_fingerprint_follows_the_marks(kinds: Kinds, projection: TantivyProjection) -> None:
    assert TantivyProjection(load_kinds()).fingerprint == projection.fingerprint
    fewer = {name: kind for name, kind in kinds.items() if name != "module"}
    less = Kinds(fewer, kinds.schemas, kinds.context, kinds.shapes, kinds.ontologies)
    assert TantivyProjection(less).fingerprint != projection.fingerprint


def test_details_and_private_fields_are_not_found(kinds: Kinds, generation: TantivyGeneration) -> None:
    told = standing(kinds, 1, details={"as": "zirconium"}, description={"en": "hafnium"})
    generation.apply([told], [])
    generation.settle()
    index = generation._index
    for word, count in (("hafnium", 1), ("zirconium", 0)):
        query = Query.term_query(index.schema, "text", word)
        assert len(index.searcher().search(query, 5).hits) == count


WRITER = """
import sys
from pathlib import Path
from catalog.projections.search.embedded import TantivyProjection
from catalog.records.kinds import load_kinds
from tests.contract.test_search_projection import standing

kinds = load_kinds()
generation = TantivyProjection(kinds).make(Path(sys.argv[1]))
key = 0
while True:
    generation.apply([standing(kinds, key + number) for number in range(1, 51)], [])
    key += 50
    if key % 200 == 0:
        print(key, generation.settle(), flush=True)
"""


@pytest.mark.parametrize("settled", [1, 4])
def test_what_was_settled_is_there_after_the_writer_was_killed(
    kinds: Kinds, projection: TantivyProjection, tmp_path: Path, settled: int
) -> None:
    folder = tmp_path / "1"
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None
        for _ in range(settled):
            count, visible = writer.stdout.readline().split()
        writer.kill()
    again = projection.open(folder, visible)
    found = here(again)
    # It may have settled once more before it was killed: that is all of it, too.
    assert len(found) >= int(count)
    assert len(found) % 200 == 0
    assert found == whole(projection, *(standing(kinds, key) for key in range(1, len(found) + 1)))
    again.close()
