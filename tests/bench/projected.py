"""Records a second until graph and index have caught up: new ones, revised ones; and Oxigraph alone with the same triples."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import pyoxigraph

from catalog.assembly import Catalog
from catalog.cli.projector import Projector
from catalog.records.kinds import load_kinds
from catalog.records.linked import link_up
from catalog.records.shipped import shipped
from catalog.records.standing import NAMES
from catalog.records.triples import triples
from tests.bench import records
from tests.bench.figures import COUNT, FOLDER, RECORDS, say
from tests.bench.load import enter
from tests.bench.opened import opened
from tests.bench.settled import caught_up, wait_until

CHANGED = FOLDER / f"records-{COUNT}-changed.ndjson"


def main() -> None:
    """The figures, each in a process of its own, so that its peak of memory is its own."""
    records.write(RECORDS, COUNT)
    write_changed()
    for what in ("projected", "peer"):
        subprocess.run([sys.executable, "-m", "tests.bench.projected", what], check=True)


def projected() -> None:
    """Load with a projecting process beside, as the command line and a server do."""
    with opened() as catalog, Projector(catalog.settings):
        # The process beside takes a second to start, once in a server's life.
        wait_until(catalog.book.held)
        wait_until(lambda: all(catalog.book.seen(name) is not None for name in NAMES))
        say("load-projected", rate(catalog, RECORDS, "created"), "records/s")
        say("load-changed", rate(catalog, CHANGED, "revised"), "records/s")
    say("load-projected-peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
    say("projector-peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, "MiB")


def rate(catalog: Catalog, path: Path, expected: str) -> float:
    """Records a second from the file until both projections are where the ledger is."""
    _ = catalog.gate
    began = time.perf_counter()
    summary = enter(catalog, path)
    if summary.counts[expected] != summary.counts.total():
        raise SystemExit(f"{path}: {dict(summary.counts)}, where all were expected to be {expected}")
    wait_until(lambda: caught_up(catalog))
    return summary.counts.total() / (time.perf_counter() - began)


def write_changed() -> None:
    """The same records, each with another description."""
    if CHANGED.exists():
        return
    with RECORDS.open("rb") as told, CHANGED.with_suffix(".part").open("wb") as out:
        for line in told:
            record = orjson.loads(line)
            record["body"]["description"] = {"en": "Revised. " + record["body"]["description"]["en"][:200]}
            out.write(orjson.dumps(record) + b"\n")
    CHANGED.with_suffix(".part").rename(CHANGED)


def peer() -> None:
    """Oxigraph alone: the same triples from one file of N-Triples, in bulk, until they are on disk."""
    kinds = load_kinds(shipped())
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        text = folder / "records.nt"
        prefixes = {"panet": "http://purl.org/pan-science/PaNET/"}
        with RECORDS.open("rb") as told, text.open("wb") as out:
            for line in told:
                one = orjson.loads(line)
                id = f"{one['kind']}/{one['source']}/{one['localId']}"
                form = link_up(kinds[one["kind"]], id, one["body"], prefixes)
                out.write(triples(kinds, [form.document], "http://127.0.0.1:8000/"))
        store = pyoxigraph.Store(str(folder / "store"))
        began = time.perf_counter()
        store.bulk_load(path=str(text), format=pyoxigraph.RdfFormat.N_TRIPLES)
        store.flush()
        say("load-graph-peer", COUNT / (time.perf_counter() - began), "records/s")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    {"": main, "projected": projected, "peer": peer}[sys.argv[1] if sys.argv[1:] else ""]()
