"""Load and reads at 20 thousand and at a million records of the shape of the real ones: what grows, and by how much."""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import orjson

from catalog.assembly import Catalog
from catalog.curation.sources import register_source
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.parse import read_submission
from tests.bench.figures import FOLDER, note, say
from tests.bench.large_records import GROUPS, SOURCES, is_public, write
from tests.bench.load import enter
from tests.bench.opened import opened
from tests.bench.read import asked, served

FACTORS = {"20k": 0.02, "1m": 1.0}


def main() -> None:
    """Each size in a process of its own, so that its peak of memory is its own."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=sorted(FACTORS))
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        measure(given.only)
        return
    for name in [given.only] if given.only else FACTORS:
        subprocess.run([sys.executable, "-m", "tests.bench.large", "--only", name, "--inside"], check=True)


def measure(name: str) -> None:
    """The figures of one size."""
    folder = write(FOLDER / f"large-{FACTORS[name]}", FACTORS[name])
    data = FOLDER / f"large-data-{name}"
    shutil.rmtree(data, ignore_errors=True)
    with opened(keep=data) as catalog:
        prepare(catalog)
        began = time.perf_counter()
        summary = enter(catalog, folder / "records.ndjson")
        took = time.perf_counter() - began
        note(f"{name}: {dict(summary.counts)}")
        if summary.counts["refused"] or summary.counts["conflict"]:
            raise SystemExit(f"{name}: the gate refused made-up records: {dict(summary.counts)}")
        say(f"large-load-{name}", summary.counts.total() / took, "records/s")
        say(f"large-load-peak-{name}", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
        wrong = _verdicts(catalog, folder / "damaged.ndjson")
        say(f"large-damage-missed-{name}", wrong, "records")
    say(f"large-disk-{name}", sum(path.stat().st_size for path in data.glob("catalog.sqlite*")) / 2**20, "MiB")
    with served(data) as address:
        for what, paths in PATHS.items():
            say(f"large-{what}-{name}", asked(address, paths), "requests/s")


PATHS = {
    "read-one": [f"/sample/archive/sample-{n:07d}" for n in range(1, 4_000) if n % 5 and is_public("sample", n)],
    "read-list": ["/records?kind=dataset&limit=100", "/records?kind=experiment&limit=100"],
    "read-sorted": ["/records?kind=experiment&limit=100&sort=-startedAt"],
    "read-linked": [f"/records?kind=experiment&limit=20&samples=sample/archive/sample-{n:07d}" for n in range(1, 400)],
    "read-hub": ["/records?kind=sample&limit=100&projects=project/archive/project-0000000"],
}


def prepare(catalog: Catalog) -> None:
    """The scopes and sources of the made-up records: a public root, and a closed scope for each group."""
    catalog.scopes.create("large", ADMINISTRATOR, title={"en": "Measurements"}, mode="everyone")
    for number in range(GROUPS):
        catalog.scopes.create(f"large/group-{number:03d}", ADMINISTRATOR, mode="limited")
    for source in SOURCES:
        document = {"id": source, "title": {"en": source}, "homeScope": "large"}
        register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)


def _verdicts(catalog: Catalog, damaged: Path) -> int:
    """How many of the damaged records do not have exactly the finding that was planted."""
    wrong = 0
    for line in damaged.open("rb"):
        planted = orjson.loads(line)
        (judged,) = catalog.gate.judge([read_submission(planted["submission"])])
        if [(each.pointer, each.rule) for each in judged.findings] != [(planted["pointer"], planted["rule"])]:
            wrong += 1
    return wrong


if __name__ == "__main__":
    main()
