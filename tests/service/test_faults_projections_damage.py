"""Projections whose files are deleted, cut off, or of another version: noticed, built again, and nothing is missing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.records.standing import Name
from catalog.upkeep import follow
from tests.service.projecting import Child, Harmed, until

# What is done to the folder of a generation, told the checkpoint that counts.
Harm = Callable[[Path, str], None]


def cut(path: Path) -> None:
    """Half of a file; what is linked to it elsewhere is cut as well, as by a broken disk."""
    size = path.stat().st_size
    assert size > 1, path
    with path.open("r+b") as file:
        file.truncate(size // 2)


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: (path.stat().st_mtime_ns, path.name))


def edited(path: Path, **changed: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def whole_folder(folder: Path, visible: str) -> None:
    # In one piece, since whoever feeds it may be writing into it.
    shutil.rmtree(folder.rename(folder.with_name("deleted")), ignore_errors=True)


GRAPH: dict[str, Harm] = {
    "folder deleted": whole_folder,
    "checkpoints deleted": lambda folder, visible: shutil.rmtree(folder / "checkpoints"),
    "newest table cut": lambda folder, visible: cut(newest(folder / "checkpoints" / visible, "*.sst")),
    "newest table deleted": lambda folder, visible: newest(folder / "checkpoints" / visible, "*.sst").unlink(),
    "CURRENT cut": lambda folder, visible: cut(folder / "checkpoints" / visible / "CURRENT"),
    "MANIFEST cut": lambda folder, visible: cut(newest(folder / "checkpoints" / visible, "MANIFEST-*")),
    "list of files cut": lambda folder, visible: cut(folder / "checkpoints" / visible / "listed.json"),
    "how it was made cut": lambda folder, visible: cut(folder / "made.json"),
    "another format of ours": lambda folder, visible: edited(folder / "made.json", format=0),
    "another version of the engine": lambda folder, visible: edited(folder / "made.json", engine="0.4"),
}
SEARCH: dict[str, Harm] = {
    "folder deleted": whole_folder,
    "meta.json cut": lambda folder, visible: cut(folder / "meta.json"),
    "meta.json deleted": lambda folder, visible: (folder / "meta.json").unlink(),
    **{
        f"{part} cut": lambda folder, visible, part=part: cut(newest(folder, f"*.{part}"))  # type: ignore[misc]
        for part in ("store", "term", "idx", "fast", "fieldnorm")
    },
    "pos deleted": lambda folder, visible: newest(folder, "*.pos").unlink(),
    "how it was made cut": lambda folder, visible: cut(folder / "made.json"),
    "another format of ours": lambda folder, visible: edited(folder / "made.json", format=0),
    "an older commit": lambda folder, visible: edited(folder / "meta.json", opstamp=0),
}


def harm(here: Harmed, name: Name, way: Harm) -> int:
    """Do it to the generation that answers; its number."""
    seen = here.catalog.book.seen(name)
    assert seen is not None
    assert seen.visible is not None
    way(seen.folder, seen.visible)
    return seen.generation


@pytest.mark.slow
@pytest.mark.parametrize("name", ["graph", "search"])
def test_what_was_deleted_cut_off_or_made_by_another_version_is_built_again(here: Harmed, name: Name) -> None:
    for what, way in (GRAPH if name == "graph" else SEARCH).items():
        broken = harm(here, name, way)
        here.deeds()
        try:
            here.see_that_all_is_well()
        except AssertionError as problem:
            raise AssertionError(what) from problem
        row = here.row(name)
        assert (row.generation, row.why) == (broken + 1, "damaged"), what
        # The other one knows nothing of it.
        assert here.row("search" if name == "graph" else "graph").generation == 1


def test_a_store_that_is_gone_is_taken_back_from_what_settled_last(here: Harmed) -> None:
    for way in (
        lambda folder, visible: shutil.rmtree(folder / "store"),
        lambda folder, visible: cut(folder / "store" / "CURRENT"),
    ):
        harm(here, "graph", way)
        here.deeds()
        here.see_that_all_is_well()
        assert here.row("graph").generation == 1


@pytest.mark.parametrize("name", ["graph", "search"])
def test_files_that_are_as_long_as_they_were_and_say_nothing_are_found_by_verifying_and_built_again(
    here: Harmed, name: Name
) -> None:
    def overwritten(folder: Path, visible: str) -> None:
        tables = (folder / "checkpoints" / visible).glob("*.sst") if name == "graph" else folder.glob("*.fast")
        for path in tables:
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.write(bytes(size // 2))

    harm(here, name, overwritten)
    report = here.verify(name)
    assert report["clean"]
    assert here.row(name).generation == 2
    here.see_that_all_is_well()


def test_a_rebuild_that_is_deleted_while_it_is_filled_begins_again(
    here: Harmed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SLICE", 5)
    monkeypatch.setattr(follow, "SETTLE_SECONDS", 0.0)
    for name in ("graph", "search"):
        wanted = here.catalog.book.want(name)  # type: ignore[arg-type]
        follower = here.catalog.follower()
        until(lambda: follower.step() and any(row.filled_to for row in here.catalog.book.rows()))  # noqa: B023
        # The engine goes on writing beside it, and a folder that it has just written to is not empty.
        while (here.folder / name / str(wanted)).exists():
            shutil.rmtree(here.folder / name / str(wanted), ignore_errors=True)
        follower.close()
        here.deeds()
        here.see_that_all_is_well()
        assert here.row(name).generation == wanted  # type: ignore[arg-type]


WHILE_FED: list[tuple[Name, str]] = [
    ("graph", "folder deleted"),
    ("graph", "newest table cut"),
    ("search", "folder deleted"),
    ("search", "store cut"),
    ("search", "pos deleted"),
]


@pytest.mark.parametrize(("name", "what"), WHILE_FED)
def test_what_happens_to_files_while_they_are_fed_is_noticed_though_nothing_is_written(
    here: Harmed, name: Name, what: str
) -> None:
    children = [here.command("follow")]
    # Fed by it, so it has them open.
    here.deeds()
    until(here.caught_up)
    broken = harm(here, name, (GRAPH if name == "graph" else SEARCH)[what])
    until(lambda: see_to_it(here, children) and answering(here, name) > broken)
    here.deeds()
    until(lambda: see_to_it(here, children) and here.caught_up())
    # An engine may be ended by the kernel for reading what is not there any more; once is enough.
    assert len(children) <= 2
    children[-1].kill()
    here.see_that_all_is_well()


def answering(here: Harmed, name: Name) -> int:
    seen = here.catalog.book.seen(name)
    return seen.generation if seen is not None else 0


def see_to_it(here: Harmed, children: list[Child]) -> bool:
    """A projector that has died is started again, as a server does."""
    if not children[-1].alive:
        children[-1].wait()
        children.append(here.command("follow"))
    return True


def test_when_all_of_it_is_deleted_under_a_projector_no_two_of_them_feed(here: Harmed) -> None:
    first = here.command("follow")
    here.deeds()
    until(here.caught_up)
    # In one piece: the projector goes on writing into it.
    shutil.rmtree(here.folder.rename(here.folder.with_name("deleted")), ignore_errors=True)
    second = here.command("follow")
    here.deeds()
    until(lambda: here.catalog.book.seen("graph") and here.catalog.book.seen("search") and here.caught_up())
    here.deeds()
    until(here.caught_up)
    for each in (first, second):
        assert each.alive
        each.kill()
    here.see_that_all_is_well()
    assert {name: here.row(name).generation for name in ("graph", "search")} == {"graph": 2, "search": 2}  # type: ignore[arg-type]
