"""Records a second from a file until they are readable through the mirror, and again when nothing has changed."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from catalog.assembly import Catalog
from catalog.curation.load import LoadSummary, load
from catalog.questions.reader import ADMINISTRATOR
from tests.bench import records
from tests.bench.figures import COUNT, RECORDS, say
from tests.bench.opened import opened
from tests.bench.peers import pgstac, postgresql

CHUNK = 256 * 1024


def main() -> None:
    """All figures of loading, SQLite and PostgreSQL and the peer in one run."""
    records.write(RECORDS, COUNT)
    say_sqlite()
    with postgresql() as server:
        with server.database() as address, opened(address) as catalog:
            say("load-postgresql", rate(catalog, RECORDS), "records/s")
        say("load-peer", pgstac(server, RECORDS), "records/s")


def say_sqlite() -> None:
    """In a process of its own, so that its peak of memory is that of the load alone."""
    subprocess.run([sys.executable, "-m", "tests.bench.load", "sqlite"], check=True)


def sqlite() -> None:
    """Load, load again, and how much memory it took."""
    with opened() as catalog:
        say("load", rate(catalog, RECORDS), "records/s")
        say("load-again", rate(catalog, RECORDS, expected="unchanged"), "records/s")
    say("load-peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")


def rate(catalog: Catalog, path: Path, expected: str = "created") -> float:
    """Records a second until the mirror shows them all; SystemExit if any was not what was expected."""
    _ = catalog.gate  # compiled once in a process's life (0.45 s), not for each load
    began = time.perf_counter()
    summary = enter(catalog, path)
    count = summary.counts.total()
    if summary.counts[expected] != count:
        raise SystemExit(f"{path}: {dict(summary.counts)}, where all were expected to be {expected}")
    with catalog.store.read() as connection:
        views = ("sample", "experiment", "dataset")
        readable = sum(int(connection.scalar(text(f"SELECT count(*) FROM {view}")) or 0) for view in views)
    if readable != count:
        raise SystemExit(f"{readable} of {count} are readable through the mirror")
    return count / (time.perf_counter() - began)


def enter(catalog: Catalog, path: Path) -> LoadSummary:
    """Load a file of NDJSON."""
    return load(
        chunks(path),
        "application/x-ndjson",
        ADMINISTRATOR,
        intake=catalog.intake,
        loads=catalog.loads,
        folder=catalog.settings.spool,
        threads=catalog.settings.gate_threads,
    )


def chunks(path: Path) -> Iterator[bytes]:
    """The file, a piece at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


if __name__ == "__main__":
    if sys.argv[1:] == ["sqlite"]:
        sqlite()
    else:
        main()
