"""Records that bear the same identifier, marked as primary on both: what follows from it is said in the graph.

An identifier that many bear identifies none of them: somebody marked what names a group. Nothing follows from it. Whether
that is so may change with a record that has nothing else to do with the others, so those are stirred in the transaction
that did it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection

from catalog.store.database import Database

# So many records may bear one identifier.
BEARERS_MOST: Final = 100
# Names that two sources may give to different things.
NOT_IDENTIFYING: Final = "local"

Name = tuple[str, str]  # scheme and value


def shared(database: Database) -> str:
    """The statement for the identifiers (with the record) of listed records that another record bears, too."""
    return (
        "SELECT i.record, i.scheme, i.value FROM identifier AS i"
        f" WHERE {database.among('i.record')} AND i.is_primary AND i.scheme <> '{NOT_IDENTIFYING}'"
        " AND EXISTS (SELECT 1 FROM identifier AS j WHERE j.value = i.value AND j.scheme = i.scheme"
        " AND j.record <> i.record AND j.is_primary)"
    )


def bearers(database: Database, most: int = BEARERS_MOST + 1) -> str:
    """The statement for the records that bear an identifier (value, scheme), at most so many."""
    mark = database.mark
    return (
        f"SELECT DISTINCT record FROM identifier WHERE value = {mark} AND scheme = {mark} AND is_primary LIMIT {most}"
    )


def crowded(connection: Connection, database: Database, records: Collection[int]) -> set[Name]:
    """The identifiers of these records that too many bear."""
    if not records:
        return set()
    asked = (
        "SELECT DISTINCT i.scheme, i.value FROM identifier AS i"
        f" WHERE {database.among('i.record')} AND i.is_primary AND i.scheme <> '{NOT_IDENTIFYING}'"
        " AND EXISTS (SELECT 1 FROM identifier AS j WHERE j.value = i.value AND j.scheme = i.scheme AND j.is_primary"
        f" LIMIT 1 OFFSET {BEARERS_MOST})"
    )
    return {(scheme, value) for scheme, value in connection.exec_driver_sql(asked, (database.listed(records),))}


def stir_bearers(
    connection: Connection, database: Database, records: Collection[int], before: Collection[Name] = ()
) -> None:
    """Stir those who bear what has just become, by these records, or has ceased to be an identifier of too many.

    `before`: the identifiers of records that have just been written anew, which too many bore until then.
    """
    most = BEARERS_MOST + len(records)
    asked = bearers(database, most + 1)
    found: set[int] = set()
    for scheme, value in {*before, *crowded(connection, database, records)}:
        some = {key for (key,) in connection.exec_driver_sql(asked, (value, scheme))}
        # Where more bear it than these can have made the difference of, it stays as it was.
        if len(some) <= most:
            found |= some
    stir(connection, database, found.difference(records))


def stir(connection: Connection, database: Database, records: Collection[int]) -> None:
    """Note that of these records more or less can be said from this transaction on."""
    if records:
        position = database.hold_positions(connection) + 1
        there = f"SELECT record FROM stirred WHERE position = {database.mark}"
        known = {key for (key,) in connection.exec_driver_sql(there, (position,))}
        rows = [(position, record) for record in sorted(set(records) - known)]
        database.insert(connection, "stirred", ("position", "record"), rows)


def groups(found: Collection[tuple[int, str, str]]) -> Mapping[Name, list[int]]:
    """Which of the records bear each identifier."""
    made: dict[Name, list[int]] = {}
    for record, scheme, value in found:
        made.setdefault((scheme, value), []).append(record)
    return made


def clear(connection: Connection, database: Database, name: str) -> None:
    """Forget what every generation of a projection has come past."""
    reached = f"SELECT min(position) FROM projection WHERE name = {database.mark}"
    connection.exec_driver_sql(f"DELETE FROM stirred WHERE position <= ({reached})", (name,))
