"""A catalogue of 100,000 scopes and three people who may read in many of them, filled once and kept for its bench."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, insert, text

from catalog.access.epoch import turn
from catalog.access.holders import make_holder
from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.projections.search.document import FORMAT
from catalog.questions.reader import ADMINISTRATOR
from catalog.settings import read_settings
from catalog.store.tables import membership, person
from tests.bench import records
from tests.bench.figures import FOLDER, note
from tests.bench.load import enter

# 10 facilities, 9,090 proposals and 90,900 sequences are 100,000 scopes.
FACILITIES, PROPOSALS, SEQUENCES = 10, 909, 10
CLOSED = 8  # from this facility on nothing is open to everyone
OPEN_OF_TEN = 6  # proposals, in the other facilities
BATCHES = 60_000  # a sample, its experiment and its dataset each
NOW = "2026-05-01T00:00:00.000000Z"
LATER = "2099-01-01T00:00:00.000000Z"
FIRST = 1_000  # the key of the first scope that is made here
# Rights in each of so many sequences: of whole proposals, as they are mostly given; or scattered over all of them.
PEOPLE = {"person:many": 50_000, "person:some": 500, "person:scattered": 50_000}


@dataclass(frozen=True, slots=True)
class Place:
    """A sequence of a proposal of a facility."""

    facility: int
    proposal: int
    sequence: int

    @property
    def id(self) -> str:
        return f"f{self.facility}/p{self.proposal:04d}/s{self.sequence}"


def place_of(number: int) -> Place:
    """The sequence of this number, so that neighbours lie far from each other."""
    number = number * 37_003 % (FACILITIES * PROPOSALS * SEQUENCES)
    facility, rest = divmod(number, PROPOSALS * SEQUENCES)
    return Place(facility, *divmod(rest, SEQUENCES))


def filled() -> Path:
    """The data folder of such a catalogue on SQLite, with its search index."""
    data = FOLDER / "access"
    # With which form of documents its index was built.
    told = data / "filled"
    if not told.exists():
        note("filling access; this is done once")
        shutil.rmtree(data, ignore_errors=True)
        catalog = open_catalog(read_settings(data=data))
        try:
            fill(catalog, BATCHES)
        finally:
            catalog.close()
        told.touch()
    if told.read_text() != str(FORMAT):
        program = str(Path(sys.executable).parent / "catalog")
        subprocess.run([program, "rebuild", "search", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        told.write_text(str(FORMAT))
    return data


def fill(catalog: Catalog, batches: int) -> None:
    """The scopes, the people with what they may, and the records."""
    catalog.scopes.create("site", ADMINISTRATOR, mode="everyone")
    document = {"id": records.SOURCE, "title": {"en": "Measurements"}, "homeScope": "site"}
    document["prefixes"] = {"panet": "http://purl.org/pan-science/PaNET/"}
    register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
    with catalog.store.write() as connection:
        keys = _scopes(catalog, connection)
        _people(catalog, connection, keys)
        turn(connection)
    path = FOLDER / f"access-{batches}.ndjson"
    with path.open("wb") as out:
        for record in submissions(batches):
            out.write(orjson.dumps(record) + b"\n")
    summary = enter(catalog, path)
    path.unlink()
    note(f"access: {dict(summary.counts)}")
    if summary.counts["created"] != summary.counts.total():
        raise SystemExit(f"the gate refused made-up records: {dict(summary.counts)}")


def submissions(batches: int) -> Iterator[dict[str, Any]]:
    """What everything leads to, in the open; and batches of measurements, each in a sequence of its own."""
    for number in range(40):
        body = {"title": {"en": f"BL{number:02d}XU"}, "type": "beamline"}
        yield {"kind": "instrument", "source": records.SOURCE, "localId": f"BL{number:02d}XU", "body": body}
    for number in range(200):
        project = {"title": {"en": f"Proposal {number}"}, "type": "proposal", "code": f"P{number:04d}"}
        yield {"kind": "project", "source": records.SOURCE, "localId": f"p-{number:04d}", "body": project}
    for number, record in enumerate(records.records(batches * 3)):
        yield {**record, "scope": place_of(number // 3).id}


def _granted(number: int) -> Place:
    """The sequences of one proposal after the other, proposals that lie far from each other."""
    proposal, sequence = divmod(number, SEQUENCES)
    return Place(*divmod(proposal * 259 % (FACILITIES * PROPOSALS), PROPOSALS), sequence)


def _scopes(catalog: Catalog, connection: Connection) -> dict[str, int]:
    """All scopes at once; making them one by one is another measurement."""
    rows: list[tuple[Any, ...]] = []
    closure: list[tuple[int, int, int]] = []
    keys: dict[str, int] = {}

    def make(id: str, mode: str | None, is_open: bool, embargo: str | None) -> None:
        key = keys[id] = FIRST + len(keys)
        above = id.rpartition("/")[0]
        set_here = embargo if above and "/" not in above else None
        rows.append((key, id, keys.get(above), id.count("/") + 1, "{}", mode, set_here, is_open, embargo, False))
        path = id.split("/")
        closure.extend((keys["/".join(path[: len(path) - depth])], key, depth) for depth in range(len(path)))

    for facility in range(FACILITIES):
        make(f"f{facility}", "limited", False, None)
        for proposal in range(PROPOSALS):
            is_open = facility < CLOSED and proposal % 10 < OPEN_OF_TEN
            embargo = LATER if is_open and proposal % 20 == 1 else None
            make(f"f{facility}/p{proposal:04d}", "everyone" if is_open else None, is_open, embargo)
            for sequence in range(SEQUENCES):
                make(Place(facility, proposal, sequence).id, None, is_open, embargo)
    database = catalog.store.database
    columns = ("key", "id", "parent", "level", "title", "mode", "metadata_until", "open", "metadata_embargo")
    database.insert(connection, "scope", (*columns, "data_approval"), rows)
    database.insert(connection, "scope_closure", ("ancestor", "descendant", "depth"), closure)
    return keys


def _people(catalog: Catalog, connection: Connection, keys: dict[str, int]) -> None:
    """Each has half of what they may by themselves, and half through a group."""
    rows = []
    for id, count in PEOPLE.items():
        holders = []
        for kind, of in (("person", id), ("group", id.replace("person:", "group:"))):
            made = make_holder(connection, "person" if kind == "person" else "group", of, by="bench", at=NOW, id=of)
            holders.append(made.key)
        own, group = holders
        connection.execute(insert(person), {"key": own, "administrator": False})
        connection.execute(
            insert(membership), {"group_key": group, "member": own, "manages": False, "at": NOW, "by": "bench"}
        )
        for number in range(count):
            where = keys[(place_of(number * 7) if id == "person:scattered" else _granted(number)).id]
            rows.append((f"{id}-{number}", where, "read", holders[number % 2], NOW, "bench"))
    catalog.store.database.insert(connection, "permission", ("id", "scope", "may", "holder", "at", "by"), rows)


def reader_key(catalog: Catalog, id: str) -> int:
    """The key of a person."""
    with catalog.store.read() as connection:
        return int(connection.scalar(text("SELECT key FROM holder WHERE id = :id"), {"id": id}) or 0)


if __name__ == "__main__":
    filled()
