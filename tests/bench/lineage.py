"""Milliseconds of a lineage ten links deep, in a catalogue of a million links, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Sequence

import orjson

from catalog.assembly import Catalog
from catalog.discovery.lineage import Direction, Lineage, lineage
from catalog.questions.reader import PUBLIC
from tests.bench.figures import FOLDER, note, say
from tests.bench.opened import opened
from tests.bench.peers import postgresql
from tests.bench.records import SCOPE, SOURCE

LINKS = 1_000_000
RAW = 5_000
# What a run takes as its inputs was made not long before.
RECENT = 20_000
ASKED = 400
DEPTH = 10
SEED = 20261122
AT = "2026-05-01T00:00:00.000000Z"

Row = tuple[object, ...]


def main() -> None:
    """Fill a catalogue on each database, on SQLite once, and ask."""
    with opened(keep=FOLDER / "lineage") as catalog:
        measure(catalog, "")
    with postgresql() as server, server.database() as address, opened(address) as catalog:
        measure(catalog, "-postgresql")


def measure(catalog: Catalog, suffix: str) -> None:
    """Say `lineage-p95` and what goes with it."""
    took, nodes, edges = asked(catalog, filled(catalog))
    say(f"lineage-p95{suffix}", _at(took, 0.95), "ms")
    say(f"lineage-median{suffix}", statistics.median(took), "ms")
    note(
        f"lineage{suffix}: {_at(nodes, 0.5):.0f} records and {_at(edges, 0.5):.0f} links in the middle, {max(nodes)} and {max(edges)} at most"
    )


def asked(catalog: Catalog, datasets: int) -> tuple[list[float], list[int], list[int]]:
    """How long each took, and how much it told: half of them upstream, half downstream, from datasets all over."""
    draw = random.Random(SEED)
    took, nodes, edges = [], [], []
    for number in range(ASKED + 20):
        direction: Direction = "downstream" if number % 2 else "upstream"
        id = f"dataset/{SOURCE}/d-{draw.randrange(datasets):07d}"
        began = time.perf_counter()
        found = lineage(id, PUBLIC, answers=catalog.answers, direction=direction, depth=DEPTH)
        if number >= 20:  # the first ones find nothing in memory
            took.append((time.perf_counter() - began) * 1000)
            assert isinstance(found, Lineage)
            nodes.append(len(found.nodes))
            edges.append(len(found.edges))
    return took, nodes, edges


def filled(catalog: Catalog) -> int:
    """How many datasets there are, made and analysed until there are enough links; written at once, and only once."""
    made = list(links())
    datasets = RAW + sum(len(outputs) for _, outputs in made)
    with catalog.store.read() as connection:
        if connection.exec_driver_sql("SELECT count(*) FROM record").scalar():
            return datasets
    note(f"filling {datasets} datasets and {len(made)} runs; this is done once")
    ids = [f"dataset/{SOURCE}/d-{number:07d}" for number in range(datasets)]
    ids += [f"run/{SOURCE}/r-{number:07d}" for number in range(len(made))]
    first = 1_000_000  # of the keys, beyond any that is there
    database = catalog.store.database
    with catalog.store.write() as connection:
        scope = connection.exec_driver_sql(f"SELECT key FROM scope WHERE id = '{SCOPE}'").scalar()
        keys = range(first, first + len(ids))
        database.insert(connection, "node", ("key", "id"), list(zip(keys, ids, strict=True)))
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
        rows: list[Row] = [
            (key, id.split("/")[0], SOURCE, id.split("/")[2], scope, "public", 1, 1, "-", AT, AT)
            for key, id in zip(keys, ids, strict=True)
        ]
        database.insert(connection, "record", columns, rows)
        bodies: list[Row] = [
            (key, 1, orjson.dumps({"title": {"en": id}}).decode(), "-", scope, False, AT, "bench")
            for key, id in zip(keys, ids, strict=True)
        ]
        columns = ("record", "number", "body", "hash", "scope", "quarantined", "at", "by")
        database.insert(connection, "revision", columns, bodies)
        database.insert(
            connection, "link", ("record", "field", "place", "target"), sorted(_rows(made, datasets, first))
        )
    with catalog.store.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    return datasets


def links() -> Iterator[tuple[list[int], list[int]]]:
    """Of each run, the datasets that went in and those that came out."""
    draw = random.Random(SEED)
    datasets, count = RAW, 0
    while count < LINKS:
        inputs = sorted(draw.sample(range(max(0, datasets - RECENT), datasets), draw.randint(1, 4)))
        outputs = list(range(datasets, datasets + draw.randint(1, 2)))
        datasets += len(outputs)
        count += len(inputs) + len(outputs) * (2 + len(inputs))
        yield inputs, outputs


def _rows(made: Sequence[tuple[list[int], list[int]]], datasets: int, first: int) -> Iterator[Row]:
    for number, (inputs, outputs) in enumerate(made):
        run = first + datasets + number
        yield from ((run, "inputs", place, first + each) for place, each in enumerate(inputs))
        yield from ((run, "outputs", place, first + each) for place, each in enumerate(outputs))
        for output in outputs:
            yield (first + output, "generatedBy", 0, run)
            yield from ((first + output, "derivedFrom", place, first + each) for place, each in enumerate(inputs))


def _at(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


if __name__ == "__main__":
    main()
