"""The order of what happened, which skips nothing.

Positions are given at the end of the writing transaction, under a lock that is held until its commit. So whoever has
read up to a position has read every change before it: none with a smaller number can appear later, as it would with
numbers from a sequence, which are given in one order and become visible in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, text

from catalog.store.database import Database

COLUMNS = ("position", "record", "verb", "revision", "at", "by", "detail")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a record; `position` is its place in the order, once it has one."""

    record: int
    verb: str
    revision: int
    at: str
    by: str
    detail: Mapping[str, Any] | None = None
    id: str = ""
    position: int = 0


def write_changes(connection: Connection, database: Database, changes: Sequence[Change]) -> int:
    """Give positions to these changes, as the last thing that a transaction does; the first of them is told."""
    first = database.last_position(connection) + 1
    database.insert(
        connection,
        "change",
        COLUMNS,
        [
            (
                position,
                change.record,
                change.verb,
                change.revision,
                change.at,
                change.by,
                orjson.dumps(change.detail).decode() if change.detail else None,
            )
            for position, change in enumerate(changes, first)
        ],
    )
    return first


def changes_after(connection: Connection, position: int, limit: int) -> list[Change]:
    """The changes after a position, in order, at most so many."""
    return _told(
        connection.execute(
            text(
                'SELECT c.position, c.record, c.verb, c.revision, c.at, c."by", c.detail, n.id'
                " FROM change AS c JOIN node AS n ON n.key = c.record"
                " WHERE c.position > :position ORDER BY c.position LIMIT :limit"
            ),
            {"position": position, "limit": limit},
        )
    )


def changes_of(connection: Connection, key: int) -> list[Change]:
    """All that happened to one record, in order."""
    return _told(
        connection.execute(
            text(
                'SELECT c.position, c.record, c.verb, c.revision, c.at, c."by", c.detail, n.id'
                " FROM change AS c JOIN node AS n ON n.key = c.record WHERE c.record = :key ORDER BY c.position"
            ),
            {"key": key},
        )
    )


def last_position(connection: Connection) -> int:
    """The last position that is visible here; 0 before anything happened."""
    return int(connection.scalar(text("SELECT coalesce(max(position), 0) FROM change")) or 0)


def _told(rows: Iterable[Sequence[Any]]) -> list[Change]:
    return [
        Change(record, verb, revision, at, by, orjson.loads(detail) if detail else None, id, position)
        for position, record, verb, revision, at, by, detail, id in rows
    ]
