"""What verification found last of each projection, and who waits for it to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select, text, update

from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import verification

ROW = verification.c


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody waits for a round; `at` tells it from the others that are asked for."""

    at: str
    repair: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """The last round, and how far the one is that somebody waits for."""

    generation: int | None
    at: str | None
    report: Mapping[str, Any] | None
    asked_at: str | None
    progress: Mapping[str, Any] | None


NEVER = Verified(None, None, None, None, None)


class Verifications:
    """The book of verifications. Several processes use it: who asks, and the projector that answers."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock

    def last(self, name: str) -> Verified:
        """How it stands with a projection."""
        with self._store.read() as connection:
            row = connection.execute(select(verification).where(ROW.name == name)).one_or_none()
        if row is None:
            return NEVER
        return Verified(row.generation, row.at, _read(row.report), row.asked_at, _read(row.progress))

    def ask(self, name: str, *, repair: bool) -> str:
        """Ask for a round, or join those who wait for one already; what they wait for, until it is no longer asked for."""
        with self._store.write() as connection:
            self._have(connection, name)
            row = connection.execute(select(ROW.asked_at, ROW.repair).where(ROW.name == name)).one()
            if row.asked_at is not None and bool(row.repair) == repair:
                return str(row.asked_at)
            asked = self._clock()
            told = {"asked_at": asked, "repair": repair, "progress": None}
            connection.execute(update(verification).where(ROW.name == name).values(told))
            return asked

    def asked(self, name: str) -> Asked | None:
        """What somebody waits for."""
        with self._store.read() as connection:
            row = connection.execute(select(ROW.asked_at, ROW.repair).where(ROW.name == name)).one_or_none()
        return Asked(row.asked_at, bool(row.repair)) if row is not None and row.asked_at is not None else None

    def progress(self, name: str, asked_at: str, told: Mapping[str, Any]) -> None:
        """How far the round is that is waited for."""
        ours = (ROW.name == name) & (ROW.asked_at == asked_at)
        with self._store.write() as connection:
            connection.execute(update(verification).where(ours).values(progress=orjson.dumps(told).decode()))

    def note(self, name: str, generation: int, report: Mapping[str, Any], asked_at: str | None) -> None:
        """A round has ended; `asked_at` is what was waited for, if somebody did."""
        told = {"generation": generation, "at": self._clock(), "report": orjson.dumps(report).decode()}
        with self._store.write() as connection:
            self._have(connection, name)
            connection.execute(update(verification).where(ROW.name == name).values(told))
            if asked_at is not None:
                # Who asked for something else meanwhile goes on waiting.
                ours = (ROW.name == name) & (ROW.asked_at == asked_at)
                connection.execute(update(verification).where(ours).values(asked_at=None, progress=None))

    def _have(self, connection: Connection, name: str) -> None:
        connection.execute(
            text("INSERT INTO verification (name) VALUES (:name) ON CONFLICT DO NOTHING"), {"name": name}
        )


def _read(document: str | None) -> Any:
    return orjson.loads(document) if document is not None else None
