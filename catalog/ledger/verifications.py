"""What verification found last of each projection, and who waits for it to look again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select, text, update

from catalog.ledger.alike import NOT_IDENTIFYING
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import projection, verification

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

    def keys(self, ids: Collection[str]) -> dict[str, int]:
        """The keys of the records of these ids, as far as there are any."""
        database = self._store.database
        asked = f"SELECT n.id, n.key FROM node n JOIN record r ON r.key = n.key WHERE {database.among('n.id')}"
        with self._store.read() as connection:
            return {row.id: row.key for row in connection.exec_driver_sql(asked, (database.listed(ids),))}

    def unfinished(self, name: str, generation: int, keys: Collection[int]) -> set[int]:
        """Those of these records that the generation may yet show otherwise, because of what it has still to follow.

        What a scope's change or a spreading one reaches is not told apart here: while there is such a thing, it is all.
        """
        database = self._store.database
        with self._store.read() as connection:
            row = connection.execute(
                select(projection.c.position, projection.c.opened_at).where(
                    (projection.c.name == name) & (projection.c.generation == generation)
                )
            ).one()
            values = {"name": name, "generation": generation, "position": row.position}
            values |= {"opened": row.opened_at or "", "now": self._clock()}
            if connection.scalar(text(_REACHES_FAR), values):
                return set(keys)
            # Who shares an identifier says so of all who do, and whoever did until now can't be looked up any more.
            asked = (
                f"WITH told(position) AS (SELECT {database.mark}) SELECT k.key FROM record k CROSS JOIN told t"
                f" WHERE {database.among('k.key')}"
                " AND (EXISTS (SELECT 1 FROM change c WHERE c.record = k.key AND c.position > t.position)"
                " OR EXISTS (SELECT 1 FROM link l JOIN change c ON c.record = l.target"
                " WHERE l.record = k.key AND c.position > t.position)"
                ' OR EXISTS (SELECT 1 FROM link l JOIN node n ON n.id = l."by" JOIN change c ON c.record = n.key'
                ' WHERE l.record = k.key AND l."by" IS NOT NULL AND c.position > t.position)'
                " OR EXISTS (SELECT 1 FROM change c WHERE c.record = k.merged_into AND c.position > t.position)"
                " OR EXISTS (SELECT 1 FROM stirred s WHERE s.record = k.key AND s.position > t.position)"
                " OR (EXISTS (SELECT 1 FROM identifier i WHERE i.record = k.key AND i.is_primary"
                f" AND i.scheme <> '{NOT_IDENTIFYING}') AND EXISTS (SELECT 1 FROM change c WHERE c.position > t.position)))"
            )
            return {key for (key,) in connection.exec_driver_sql(asked, (row.position, database.listed(keys)))}

    def failing(self, name: str, keys: Collection[int]) -> dict[int, bool]:
        """Those of these records of which it is known that they can't be projected, and whether that was waived."""
        database = self._store.database
        asked = f"SELECT record, waived_at IS NOT NULL AS waived FROM failure WHERE name = {database.mark} AND {database.among('record')}"
        with self._store.read() as connection:
            rows = connection.exec_driver_sql(asked, (name, database.listed(keys)))
            return {row.record: bool(row.waived) for row in rows}

    def _have(self, connection: Connection, name: str) -> None:
        connection.execute(
            text("INSERT INTO verification (name) VALUES (:name) ON CONFLICT DO NOTHING"), {"name": name}
        )


# A scope's change that is not followed yet, one whose spreading goes on, an embargo that has ended since.
_REACHES_FAR = (
    "SELECT EXISTS (SELECT 1 FROM change WHERE position > :position AND verb = 'scope')"
    " OR EXISTS (SELECT 1 FROM spread WHERE name = :name AND generation = :generation)"
    " OR EXISTS (SELECT 1 FROM scope WHERE metadata_embargo > :opened AND metadata_embargo <= :now)"
)


def _read(document: str | None) -> Any:
    return orjson.loads(document) if document is not None else None
