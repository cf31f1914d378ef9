"""Loads: who entered many records at once, when, and how it ended. Their answers are files beside the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson
from sqlalchemy import insert, select, update

from catalog.records.record import Mode
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import load

State = Literal["running", "complete", "incomplete"]


@dataclass(frozen=True, slots=True)
class Load:
    """One load, as far as it has come."""

    id: str
    by: str
    mode: Mode
    atomic: bool
    state: State
    counts: Mapping[str, int]
    started_at: str
    finished_at: str | None


class Loads:
    """The book of loads."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock

    def begin(self, id: str, *, by: str, mode: Mode, atomic: bool) -> None:
        """Note that a load has begun."""
        row = {"id": id, "by": by, "mode": mode, "atomic": atomic, "state": "running", "started_at": self._clock()}
        with self._store.write() as connection:
            connection.execute(insert(load).values(row))

    def end(self, id: str, *, complete: bool, counts: Mapping[str, int]) -> None:
        """Note how a load ended."""
        row = {
            "state": "complete" if complete else "incomplete",
            "counts": orjson.dumps(dict(counts)).decode(),
            "finished_at": self._clock(),
        }
        with self._store.write() as connection:
            connection.execute(update(load).where(load.c.id == id).values(row))

    def find(self, id: str) -> Load | None:
        """The load of this id."""
        with self._store.read() as connection:
            row = connection.execute(select(load).where(load.c.id == id)).one_or_none()
        if row is None:
            return None
        return Load(
            row.id,
            row.by,
            row.mode,
            bool(row.atomic),
            row.state,
            orjson.loads(row.counts),
            row.started_at,
            row.finished_at,
        )

    def running(self) -> list[str]:
        """The loads that have begun and not ended, by what their processes said; a process that died says nothing."""
        with self._store.read() as connection:
            return list(connection.scalars(select(load.c.id).where(load.c.state == "running")))

    def end_abandoned(self, ids: Sequence[str]) -> None:
        """Note as incomplete those of these loads that have not ended."""
        if not ids:
            return
        ended = {"state": "incomplete", "finished_at": self._clock()}
        with self._store.write() as connection:
            for id in ids:
                connection.execute(update(load).where(load.c.id == id).where(load.c.state == "running").values(ended))
