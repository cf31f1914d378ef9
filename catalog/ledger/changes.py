"""The order of what happened, which skips nothing.

Positions are given at the end of the writing transaction, under a lock that is held until its commit. So whoever has
read up to a position has read every change before it: none with a smaller number can appear later, as it would with
numbers from a sequence, which are given in one order and become visible in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, text

from catalog.store.database import Database

COLUMNS = ("position", "record", "verb", "revision", "at", "by", "detail")
# In the detail of a change that may hide a record: the key of the scope in which it lay until then, and whether everyone
# could read that. Who is told of the change depends on what they saw at the time, not on what its scope is now.
LAY_IN, OPEN = "layIn", "open"
# In the detail of whatever a device did: the id of its record.
AGENT = "agent"


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


def done_as(agent: str | None, change: Change) -> Change:
    """The change, with the device as which it was done."""
    return change if agent is None else replace(change, detail={**(change.detail or {}), AGENT: agent})


def write_changes(connection: Connection, database: Database, changes: Sequence[Change]) -> int:
    """Give positions to these changes, as the last thing that a transaction does; the first of them is told."""
    first = database.hold_positions(connection) + 1
    details = _with_openness(connection, database, changes)
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
                orjson.dumps(detail).decode() if detail else None,
            )
            for position, (change, detail) in enumerate(zip(changes, details, strict=True), first)
        ],
    )
    return first


def _with_openness(
    connection: Connection, database: Database, changes: Sequence[Change]
) -> Sequence[Mapping[str, Any] | None]:
    keys = {change.detail[LAY_IN] for change in changes if change.detail and LAY_IN in change.detail}
    if not keys:
        return [change.detail for change in changes]
    asked = f"SELECT key, open, metadata_embargo FROM scope WHERE {database.among('key')}"
    scopes = {key: told for key, *told in connection.exec_driver_sql(asked, (database.listed(keys),))}

    def told(change: Change) -> Mapping[str, Any] | None:
        if not change.detail or LAY_IN not in change.detail:
            return change.detail
        is_open, embargo = scopes[change.detail[LAY_IN]]
        return {**change.detail, OPEN: bool(is_open) and (embargo is None or embargo <= change.at)}

    return [told(change) for change in changes]


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
