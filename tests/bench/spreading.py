"""Seconds until everything is right again after one change that touches many: a hub's title, a scope of public records."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from catalog.assembly import Catalog, open_catalog
from catalog.cli.projector import Projector
from catalog.curation.load import load
from catalog.curation.submit import submit
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.record import Submission
from catalog.records.standing import NAMES
from catalog.settings import read_settings
from tests.bench.figures import FOLDER, note, say
from tests.bench.opened import prepare
from tests.bench.records import SCOPE, SOURCE
from tests.bench.settled import caught_up, wait_until

MANY = 100_000
DATA = FOLDER / f"hub-{MANY}"
HUB = "project"


def main(what: str) -> None:
    """`hub` or `close`, on a copy of a catalogue that is filled once."""
    if not (DATA / "filled").exists():
        _fill()
    folder = Path(tempfile.mkdtemp(dir=FOLDER)) / "data"
    shutil.copytree(DATA, folder)
    catalog = open_catalog(read_settings(data=folder))
    try:
        with Projector(catalog.settings):
            wait_until(catalog.book.held)
            wait_until(lambda: caught_up(catalog))
            {"hub": hub, "close": close}[what](catalog)
    finally:
        catalog.close()
        shutil.rmtree(folder.parent)


def hub(catalog: Catalog) -> None:
    """The title of a project changes to which all samples link: each tells the new one."""
    began = time.perf_counter()
    changed = Submission("project", SOURCE, HUB, {"title": {"en": "The hub has another title"}})
    submit([changed], ADMINISTRATOR, intake=catalog.intake)
    position = catalog.book.last_position()
    wait_until(lambda: all(seen is not None and seen.position >= position for seen in map(catalog.book.seen, NAMES)))
    say("hub-itself", time.perf_counter() - began, "s")
    wait_until(lambda: caught_up(catalog))
    say("hub-linkers", MANY / (time.perf_counter() - began), "records/s")


def close(catalog: Catalog) -> None:
    """The scope of all public records becomes limited: when nobody is told 503 any more, and when all lie where they belong."""
    began = time.perf_counter()
    catalog.scopes.change(SCOPE, ADMINISTRATOR, mode="limited", confirmed=True)
    say("close-answered", (time.perf_counter() - began) * 1000, "ms")
    wait_until(lambda: not catalog.book.pending("graph"))
    say("close-graph", time.perf_counter() - began, "s")
    wait_until(lambda: caught_up(catalog))
    say("close-all", MANY / (time.perf_counter() - began), "records/s")


def _fill() -> None:
    note(f"filling {DATA.name}; this is done once")
    shutil.rmtree(DATA, ignore_errors=True)
    catalog = open_catalog(read_settings(data=DATA))
    try:
        prepare(catalog)
        with Projector(catalog.settings):
            summary = load(
                _lines(),
                "application/x-ndjson",
                ADMINISTRATOR,
                intake=catalog.intake,
                loads=catalog.loads,
                folder=catalog.settings.spool,
                threads=catalog.settings.gate_threads,
            )
            if summary.counts["created"] != MANY + 1:
                raise SystemExit(f"{dict(summary.counts)}")
            wait_until(lambda: caught_up(catalog))
    finally:
        catalog.close()
    (DATA / "filled").touch()


def _lines() -> Iterator[bytes]:
    def line(kind: str, local_id: str, body: dict[str, Any]) -> bytes:
        return orjson.dumps({"kind": kind, "source": SOURCE, "localId": local_id, "body": body}) + b"\n"

    yield line("project", HUB, {"title": {"en": "The hub", "ja": "中心の課題"}})
    for number in range(MANY):
        body = {
            "title": {"en": f"Sample {number} of the hub", "ja": f"中心の試料 {number}"},
            "projects": [f"project/{SOURCE}/{HUB}"],
            "attributes": [{"name": "batch", "value": f"batch {number % 1_000}"}],
        }
        yield line("sample", f"h-{number:06d}", body)


if __name__ == "__main__":
    main(sys.argv[1])
