"""Catalogues whose graph and index have caught up, filled once and kept for the benches that ask them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from catalog.assembly import Catalog, open_catalog
from catalog.cli.projector import Projector
from catalog.records.standing import NAMES
from catalog.settings import read_settings
from tests.bench import large, large_records, records
from tests.bench.figures import COUNT, FOLDER, RECORDS, note
from tests.bench.load import enter
from tests.bench.opened import prepare

LONGEST_SECONDS = 7_200.0
LOOK_SECONDS = 0.02


def filled(count: int = COUNT) -> Path:
    """The data folder of a catalogue with records of our own; 20,000 are those that are loaded in other benches."""
    data = FOLDER / ("settled" if count == COUNT else f"settled-{count}")
    if not (data / "filled").exists():
        path = records.write(RECORDS if count == COUNT else FOLDER / f"records-{count}.ndjson", count)
        fill(data, prepare, path)
    return data


def loaded(count: int) -> Path:
    """The data folder of a catalogue with records of our own in its ledger, and nothing built from them yet."""
    data = FOLDER / f"loaded-{count}"
    if not (data / "filled").exists():
        path = records.write(FOLDER / f"records-{count}.ndjson", count)
        fill(data, prepare, path, projected=False)
    return data


def filled_large(factor: float) -> Path:
    """The data folder of a catalogue with records of the shape of the real ones; factor 1 is a million, and takes long."""
    data = FOLDER / f"settled-{factor}"
    if not (data / "filled").exists():
        folder = large_records.write(FOLDER / f"large-{factor}", factor)
        fill(data, large.prepare, folder / "records.ndjson")
    return data


def fill(data: Path, prepared: Callable[[Catalog], None], path: Path, *, projected: bool = True) -> None:
    """A catalogue at `data`, prepared and with these records, deleted first if there is one."""
    note(f"filling {data.name}; this is done once")
    shutil.rmtree(data, ignore_errors=True)
    catalog = open_catalog(read_settings(data=data))
    try:
        prepared(catalog)
        began = time.perf_counter()
        with Projector(catalog.settings) if projected else nullcontext():
            summary = enter(catalog, path)
            note(f"{data.name}: {dict(summary.counts)} in {time.perf_counter() - began:.0f} s")
            if projected:
                wait_until(lambda: caught_up(catalog))
                note(f"{data.name}: in graph and index after {time.perf_counter() - began:.0f} s")
    finally:
        catalog.close()
    (data / "filled").touch()


def caught_up(catalog: Catalog) -> bool:
    """Whether both projections are where the ledger is, with nothing left to spread; SystemExit if any record failed."""
    last = catalog.book.last_position()
    for name in NAMES:
        seen = catalog.book.seen(name)
        if seen is None or seen.position < last or catalog.book.spreads(name, seen.generation):
            return False
        if catalog.book.failed(name):
            raise SystemExit(f"{name}: {catalog.book.failures(name)[0].error}")
    return True


def wait_until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + LONGEST_SECONDS
    while not so():
        if time.monotonic() > end:
            raise SystemExit(f"not so after {LONGEST_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
