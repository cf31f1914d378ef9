"""The mirror: for each kind a plain table with typed columns, behind views that people and questions name.

`sample` is for people with a SQL tool: id, source, scope, status … and a column for each field. `mirror_sample` is for
our own questions: the record's key and the same columns. The table behind both is named by the kind's fingerprint. When
that changes, a new table is filled in slices while the old one answers and both are written; then the views are swapped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from catalog.errors import Misconfigured
from catalog.records.kinds import Column, Form, Kind, Kinds, Part
from catalog.store.engine import Store
from catalog.store.tables import mirror

TYPES: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"text": "TEXT", "timestamp": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "BOOLEAN"},
    "postgresql": {
        "text": "TEXT",
        "timestamp": "TEXT",
        "integer": "BIGINT",
        "real": "DOUBLE PRECISION",
        "boolean": "BOOLEAN",
    },
}
# What the public view says of every record, beside the kind's own columns. The ledger's times have names of their own,
# since `created_at` and `modified_at` are what the source says in the body.
RECORD_COLUMNS: Mapping[str, str] = {
    "id": "n.id",
    "source": "r.source",
    "local_id": "r.local_id",
    "scope": "s.id",
    "status": "r.status",
    "revision": "r.shown",
    "profile": "r.profile",
    "registered_at": "r.created_at",
    "updated_at": "r.modified_at",
}
# Of a sortable field, the part that lists are put in order by; of all others it is the whole.
ORDER_PARTS: Mapping[Form, Part] = {"date": "from", "quantity": "si_min"}


@dataclass(frozen=True, slots=True)
class Target:
    """A table that the records of a kind are written to, and the columns that it takes from them."""

    table: str
    columns: tuple[str, ...]


def mirror_view(kind: str) -> str:
    """The view that questions read: `record` and the kind's columns. Steady while tables are swapped behind it."""
    return "mirror_" + kind.replace("-", "_")


def public_view(kind: str) -> str:
    """The view for people with a SQL tool."""
    return kind.replace("-", "_")


def table_name(kind: Kind) -> str:
    return f"{mirror_view(kind.name)}_{kind.fingerprint[:8]}"


def order_columns(kind: Kind) -> tuple[Column, ...]:
    """The columns that have an index to sort and filter by: one for each sortable field."""
    return tuple(
        column
        for column in kind.columns
        if (field := kind.field[column.field]).sortable and column.part == ORDER_PARTS.get(field.form, "whole")
    )


class Mirrors:
    """The mirror tables of the kinds that this process knows."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._types = TYPES[store.database.name]
        self._columns: dict[str, tuple[str, ...]] = {}  # by table; a table's columns never change

    def prepare(self) -> tuple[str, ...]:
        """Make what is missing; the kinds are told whose new table has yet to be filled by `Ledger.upgrade_mirrors`."""
        with self._store.read() as connection:
            if not self._lacking(connection):
                return self._filling(connection)
        with self._store.write() as connection:
            self._store.database.hold_mirrors(connection, alone=True)
            for kind in self._lacking(connection):
                self._add(connection, kind)
            return self._filling(connection)

    def targets(self, connection: Connection) -> Mapping[str, tuple[Target, ...]]:
        """Where this transaction writes the records of each kind."""
        self._store.database.hold_mirrors(connection, alone=False)
        targets: dict[str, tuple[Target, ...]] = {}
        current: set[str] = set()
        rows = connection.exec_driver_sql(
            'SELECT kind, fingerprint, "table" FROM mirror ORDER BY kind, state'
        ).fetchall()
        for name, fingerprint, table in rows:
            if kind := self._kinds.get(name):
                target = Target(table, self._shared(connection, table, kind))
                targets[name] = (*targets.get(name, ()), target)
                if fingerprint == kind.fingerprint:
                    current.add(name)
        # A process that does not know what the mirror has become would leave columns empty: it may write nothing there.
        return {name: found for name, found in targets.items() if name in current}

    def swap(self, connection: Connection, kind: Kind) -> None:
        """Let the filled table answer, and drop the one that answered until now."""
        for fingerprint, table in self._others(connection, kind):
            self._set_views(connection, kind, table_name(kind), ())
            connection.exec_driver_sql(f'DROP TABLE "{table}"')
            connection.execute(
                text("DELETE FROM mirror WHERE kind = :kind AND fingerprint = :fingerprint"),
                {"kind": kind.name, "fingerprint": fingerprint},
            )
        connection.execute(
            text(
                "UPDATE mirror SET state = 'live', filled_to = NULL, followed_to = NULL WHERE kind = :kind AND fingerprint = :fingerprint"
            ),
            {"kind": kind.name, "fingerprint": kind.fingerprint},
        )

    def _lacking(self, connection: Connection) -> list[Kind]:
        rows = connection.execute(text("SELECT kind, fingerprint FROM mirror"))
        there = {(kind, fingerprint) for kind, fingerprint in rows}
        return [kind for kind in self._kinds.values() if (kind.name, kind.fingerprint) not in there]

    def _filling(self, connection: Connection) -> tuple[str, ...]:
        rows = connection.execute(text("SELECT kind, fingerprint FROM mirror WHERE state = 'filling' ORDER BY kind"))
        ours = {(kind.name, kind.fingerprint) for kind in self._kinds.values()}
        return tuple(kind for kind, fingerprint in rows if (kind, fingerprint) in ours)

    def _others(self, connection: Connection, kind: Kind) -> Sequence[tuple[str, str]]:
        rows = connection.execute(
            text('SELECT fingerprint, "table" FROM mirror WHERE kind = :kind AND fingerprint <> :fingerprint'),
            {"kind": kind.name, "fingerprint": kind.fingerprint},
        )
        return [(fingerprint, table) for fingerprint, table in rows]

    def _add(self, connection: Connection, kind: Kind) -> None:
        table = table_name(kind)
        if public_view(kind.name) in self._store.database.tables(connection):
            raise Misconfigured(
                f"the kind {kind.name!r} bears the name of a table: choose another",
                ja=f"種別 {kind.name!r} は表の名前と同じです。別の名前にしてください",
            )
        defined = "".join(f', "{column.name}" {self._types[column.type]}' for column in kind.columns)
        connection.exec_driver_sql(
            f'CREATE TABLE "{table}" (record {self._types["integer"]} NOT NULL PRIMARY KEY{defined})'
        )
        for column in order_columns(kind):
            connection.exec_driver_sql(
                f'CREATE INDEX "ix_{table}_{column.name}" ON "{table}" ("{column.name}", record)'
            )
        live = self._live(connection, kind)
        empty = (
            connection.scalar(text("SELECT key FROM record WHERE kind = :kind LIMIT 1"), {"kind": kind.name}) is None
        )
        ready = not live and empty
        position = connection.scalar(text("SELECT coalesce(max(position), 0) FROM change"))
        connection.execute(
            mirror.insert().values(
                kind=kind.name,
                fingerprint=kind.fingerprint,
                table=table,
                state="live" if ready else "filling",
                filled_to=None if ready else 0,
                followed_to=None if ready else position,
            )
        )
        if live:
            # Until the swap the old table answers; what it has no column for is absent.
            self._set_views(connection, kind, live[0], self._table_columns(connection, live[0]))
        else:
            self._set_views(connection, kind, table, ())

    def _live(self, connection: Connection, kind: Kind) -> Sequence[str]:
        rows = connection.execute(
            text("SELECT \"table\" FROM mirror WHERE kind = :kind AND state = 'live'"), {"kind": kind.name}
        )
        return [table for (table,) in rows]

    def _set_views(self, connection: Connection, kind: Kind, table: str, there: tuple[str, ...]) -> None:
        """Views over a table; `there` is what an older table has, when it is not just the kind's columns."""
        ours = tuple(column.name for column in kind.columns)
        types = {column.name: self._types[column.type] for column in kind.columns}
        inner = ["m.record"]
        outer = [f'{expression} AS "{name}"' for name, expression in RECORD_COLUMNS.items()]
        for name in dict.fromkeys((*ours, *there)):
            value = f'm."{name}"' if not there or name in there else f"CAST(NULL AS {types[name]})"
            inner.append(f'{value} AS "{name}"')
            outer.append(f'{value} AS "{name if name not in RECORD_COLUMNS else "body_" + name}"')
        self._store.database.replace_views(
            connection,
            {
                mirror_view(kind.name): f'SELECT {", ".join(inner)} FROM "{table}" AS m',
                public_view(
                    kind.name
                ): f'SELECT {", ".join(outer)} FROM "{table}" AS m JOIN record AS r ON r.key = m.record'
                " JOIN node AS n ON n.key = m.record JOIN scope AS s ON s.key = r.scope",
            },
        )

    def _table_columns(self, connection: Connection, table: str) -> tuple[str, ...]:
        if table not in self._columns:
            cursor = connection.exec_driver_sql(f'SELECT * FROM "{table}" LIMIT 0')
            self._columns[table] = tuple(name for name in tuple(cursor.keys()) if name != "record")
        return self._columns[table]

    def _shared(self, connection: Connection, table: str, kind: Kind) -> tuple[str, ...]:
        if table == table_name(kind):
            return tuple(column.name for column in kind.columns)
        ours = kind.column
        return tuple(name for name in self._table_columns(connection, table) if name in ours)


def targets_of(targets: Mapping[str, Sequence[Target]], kind: str) -> Sequence[Target]:
    """Where records of a kind are written."""
    if kind not in targets:
        raise Misconfigured(
            f"the mirror of the kind {kind!r} was made anew by another version: restart this process with that version",
            ja=f"種別 {kind!r} のミラーは別の版で作り直されています。その版でこのプロセスを再起動してください",
        )
    return targets[kind]


def mirror_row(key: int, target: Target, columns: Mapping[str, Any]) -> tuple[Any, ...]:
    """A record's row, in the order of the target's columns after `record`."""
    return (key, *map(columns.get, target.columns))
