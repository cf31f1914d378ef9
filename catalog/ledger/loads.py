"""Loads: who entered many records at once, when, and how it ended. Their answers are files beside the database."""

from __future__ import annotations

from collections.abc import Mapping
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

    def end_abandoned(self) -> None:
        """Note as incomplete what was running when its process ended; asked once, before this process begins any."""
        with self._store.write() as connection:
            connection.execute(
                update(load).where(load.c.state == "running").values(state="incomplete", finished_at=self._clock())
            )
