"""What a server does beside answering: it fills the mirrors of kinds that have changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from catalog.assembly import Catalog

log = logging.getLogger(__name__)


class _Stopping(Exception):
    """The process is to end; the next one goes on where this one came to."""


@contextmanager
def mirrors_filled(catalog: Catalog) -> Iterator[None]:
    """Fill them in a thread of its own for as long as this holds; until one is full, the old one answers."""
    stopping = Event()
    filling = Thread(target=_fill, args=(catalog, stopping), name="mirrors", daemon=True)
    filling.start()
    try:
        yield
    finally:
        stopping.set()
        filling.join()


def _fill(catalog: Catalog, stopping: Event) -> None:
    def heard(kind: str, done: int, of: int) -> None:
        log.info("the mirror of %s: %d of %d records", kind, done, of)
        if stopping.is_set():
            raise _Stopping

    try:
        # Several processes may do so at once: they take turns, slice by slice.
        filled = catalog.ledger.upgrade_mirrors(heard)
    except _Stopping:
        return
    except Exception:
        # Nobody waits for this thread. What the old mirror says stays right, so serving goes on.
        log.exception("a kind has changed and its mirror could not be filled: the old one goes on answering")
        return
    for kind, count in filled.items():
        log.info("the mirror of %s holds %d records and answers from now on", kind, count)
