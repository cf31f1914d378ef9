"""Records as they stand, read for the projections: many at a time, in one transaction, with the position it shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection

from catalog.ledger import alike
from catalog.ledger.dialects import DIALECTS
from catalog.ledger.terms import KIND, above_records
from catalog.records.standing import FileSummary, Gone, Lie, Neighbour, Standing, Unreadable
from catalog.store.clock import Clock, now
from catalog.store.engine import Store

AT_ONCE = 1_000
NAMED_AT_ONCE = 10_000
REMEMBERED = 50_000
# What projections are to show of the ledger; whatever else is in it is gone to them.
SHOWN = "r.status = 'public' AND EXISTS (SELECT 1 FROM linked AS d WHERE d.record = r.key)"


class Standings:
    """Reads records as projections are to show them; safe to use from any thread."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        database = store.database
        among = database.among
        self._records = (
            "SELECT r.key, n.id, r.kind, r.source, r.status, r.shown, r.scope, r.merged_into, r.profile, r.created_at,"
            " r.modified_at, d.document, v.at, v.load, f.version, f.count, f.size, v.agent"
            " FROM record AS r JOIN node AS n ON n.key = r.key"
            " LEFT JOIN linked AS d ON d.record = r.key AND r.status = 'public'"
            " LEFT JOIN revision AS v ON v.record = r.key AND v.number = r.shown"
            " LEFT JOIN file_list AS f ON f.dataset = r.key"
            f" WHERE {among('r.key')}"
        )
        self._links = f'SELECT record, target, "by" FROM link WHERE {among("record")}'
        self._ends = (
            "SELECT n.key, n.id, r.shown, r.scope FROM node AS n"
            " LEFT JOIN record AS r ON r.key = n.key AND r.status = 'public'"
            f" WHERE {among('n.key')}"
        )
        self._named = f"SELECT id, key FROM node WHERE {among('id')}"
        self._keys = f"SELECT n.id, n.key FROM node AS n JOIN record AS r ON r.key = n.key WHERE {among('n.id')}"
        title = DIALECTS[database.name].part("document", "title")
        self._titles = f"SELECT record, {title} FROM linked WHERE {among('record')}"
        self._documents = f"SELECT record, document FROM linked WHERE {among('record')}"
        self._scopes = f"SELECT key, id, open, metadata_embargo FROM scope WHERE {among('key')}"
        self._formats = f"SELECT DISTINCT dataset, format FROM file WHERE format IS NOT NULL AND {among('dataset')}"
        self._shared = alike.shared(database)
        self._bearers = alike.bearers(database)
        # What is merged shares nothing: what it became does.
        self._alike = (
            "SELECT r.key, n.id, r.scope FROM record AS r JOIN node AS n ON n.key = r.key"
            f" WHERE {among('r.key')} AND r.merged_into IS NULL AND {SHOWN}"
        )
        self._bound = database.listed
        # What is remembered never changes: the title of a revision that is shown, the formats of a version of a list.
        self._known_titles: dict[tuple[int, int], Mapping[str, str]] = {}
        self._known_formats: dict[tuple[int, int], tuple[str, ...]] = {}
        self._remembering = Lock()

    def read(self, keys: Collection[int]) -> tuple[list[Standing], list[Gone]]:
        """How these records stand now, by key."""
        with self._store.read() as connection:
            return self.read_in(connection, keys)

    def read_in(self, connection: Connection, keys: Collection[int]) -> tuple[list[Standing], list[Gone]]:
        """The same, as a transaction sees it."""
        position = self.position(connection)
        ordered = sorted(keys)
        shown: list[Standing] = []
        gone: list[Gone] = []
        for first in range(0, len(ordered), AT_ONCE):
            self._read_some(connection, ordered[first : first + AT_ONCE], position, shown, gone)
        return shown, gone

    def position(self, connection: Connection) -> int:
        """The position that a transaction sees."""
        return int(self._rows(connection, "SELECT coalesce(max(position), 0) FROM change")[0][0])

    def keys_after(self, connection: Connection, key: int, limit: int) -> list[int]:
        """The next records that are to be shown, in the order of their keys."""
        mark = self._store.database.mark
        asked = f"SELECT r.key FROM record AS r WHERE r.key > {mark} AND {SHOWN} ORDER BY r.key LIMIT {mark}"
        return [row[0] for row in connection.exec_driver_sql(asked, (key, limit)).fetchall()]

    def counts(self) -> dict[str, int]:
        """How many records of each kind are to be shown."""
        with self._store.read() as connection:
            return self.counts_in(connection)

    def counts_in(self, connection: Connection) -> dict[str, int]:
        """The same, as a transaction sees it."""
        return dict(self._rows(connection, f"SELECT r.kind, count(*) FROM record AS r WHERE {SHOWN} GROUP BY r.kind"))

    def of_kind(self, kind: str) -> Iterator[tuple[int, str]]:
        """Key and id of the records of a kind that are to be shown, by key; read in pieces, since there may be millions."""
        mark, after = self._store.database.mark, 0
        asked = (
            f"SELECT r.key, n.id FROM record AS r JOIN node AS n ON n.key = r.key WHERE r.kind = {mark} AND r.key > {mark}"
            f" AND {SHOWN} ORDER BY r.key LIMIT {NAMED_AT_ONCE}"
        )
        while True:
            with self._store.read() as connection:
                rows = connection.exec_driver_sql(asked, (kind, after)).fetchall()
            yield from ((key, id) for key, id in rows)
            if len(rows) < NAMED_AT_ONCE:
                return
            after = rows[-1][0]

    def keys_of(self, ids: Collection[str]) -> dict[str, int]:
        """The keys of the records of these ids, as far as there are any."""
        with self._store.read() as connection:
            return dict(self._rows(connection, self._keys, ids))

    def walk(self, *, after: int = 0, size: int = AT_ONCE) -> Iterator[list[Standing]]:
        """All records that are to be shown, in the order of their keys; each piece is of its own moment."""
        while True:
            with self._store.read() as connection:
                keys = self.keys_after(connection, after, size)
                if not keys:
                    return
                shown, _ = self.read_in(connection, keys)
            yield shown
            after = keys[-1]

    def _read_some(
        self, connection: Connection, keys: Sequence[int], position: int, shown: list[Standing], gone: list[Gone]
    ) -> None:
        rows = self._rows(connection, self._records, keys)
        there = [row for row in rows if row[11] is not None]
        links: dict[int, dict[int, None]] = {row[0]: {} for row in there}
        asserters: dict[int, set[str]] = {}
        if there:
            for record, target, by in self._rows(connection, self._links, links):
                links[record][target] = None
                if by is not None and ":" not in by:
                    asserters.setdefault(record, set()).add(by)
        if asserters:
            named = dict(self._rows(connection, self._named, {by for some in asserters.values() for by in some}))
            for record, some in asserters.items():
                links[record].update(dict.fromkeys(named[by] for by in sorted(some) if by in named))
        devices: dict[str, int] = {}
        if acting := {row[17] for row in there if row[17] is not None}:
            devices = dict(self._rows(connection, self._named, acting))
        ends = {target for targets in links.values() for target in targets}
        ends.update(devices.values())
        ends.update(row[7] for row in there if row[7] is not None)
        ours: dict[int, tuple[str, int | None, int | None]] = {}
        if ends:
            for key, id, version, scope in self._rows(connection, self._ends, ends):
                if ":" not in id:
                    ours[key] = (id, version, scope)
        titles = self._titles_of(
            connection, {(key, version) for key, (_, version, _) in ours.items() if version is not None}
        )
        lies = self._lies(
            connection,
            {row[6] for row in there} | {scope for _, _, scope in ours.values() if scope is not None},
        )
        neighbours = {
            key: Neighbour(lies[scope], titles[key, version])
            for key, (_, version, scope) in ours.items()
            # Public and without a linked form: nothing is shown of it, so nothing leads there.
            if version is not None and scope is not None and (key, version) in titles
        }
        formats = self._formats_of(connection, {(row[0], row[14]) for row in there if row[15]})
        above = above_records(connection, self._store.database, [row[0] for row in there if row[2] == KIND])
        same = self._same(connection, [row[0] for row in there if row[7] is None])
        found = {row[0]: row for row in rows}
        for key in keys:
            if (row := found.get(key)) is None:
                continue
            (_, id, kind, source, _, revision, scope, merged_into, profile, created, modified, document, at, load,
             version, count, size, agent) = row  # fmt: skip
            if document is None:
                gone.append(Gone(key, id, position))
                continue
            targets = links[key]
            device = neighbours.get(devices[agent]) if agent in devices else None
            into = neighbours.get(merged_into) if merged_into is not None else None
            shown.append(
                Standing(
                    key,
                    id,
                    position,
                    kind,
                    source,
                    revision,
                    lies[scope],
                    _read(document),
                    tuple([ours[target][0] for target in targets if target in ours]),
                    {ours[target][0]: neighbours[target] for target in targets if target in neighbours},
                    into.lie if into is not None else None,
                    profile,
                    created,
                    modified,
                    at,
                    load,
                    FileSummary(count, size, formats.get((key, version), ())) if version is not None else None,
                    above.get(key, ()),
                    same.get(key, {}),
                    (agent, device.lie) if device is not None else None,
                )
            )

    def _same(self, connection: Connection, keys: Collection[int]) -> dict[int, dict[str, Lie]]:
        """Where the public records lie that share an identifier with each of these, by id."""
        found = self._rows(connection, self._shared, keys) if keys else []
        if not found:
            return {}
        pairs: dict[int, set[int]] = {}
        for (scheme, value), some in alike.groups(found).items():
            bearers = {key for (key,) in connection.exec_driver_sql(self._bearers, (value, scheme))}
            if len(bearers) <= alike.BEARERS_MOST:
                for key in some:
                    pairs.setdefault(key, set()).update(bearers - {key})
        others = {key for some in pairs.values() for key in some}
        shown = {key: (id, scope) for key, id, scope in self._rows(connection, self._alike, others)}
        lies = self._lies(connection, {scope for _, scope in shown.values()})
        return {
            key: {shown[other][0]: lies[shown[other][1]] for other in sorted(some) if other in shown}
            for key, some in pairs.items()
        }

    def _lies(self, connection: Connection, keys: Collection[int]) -> dict[int, Lie]:
        moment = self._clock()
        return {
            key: Lie(id, key, bool(is_open) and (embargo is None or embargo <= moment))
            for key, id, is_open, embargo in self._rows(connection, self._scopes, keys)
        }

    def _titles_of(
        self, connection: Connection, asked: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], Mapping[str, str]]:
        known = self._known_titles
        unknown = dict([each for each in asked if each not in known])
        if unknown:
            read = {(key, unknown[key]): title for key, title in self._read_titles(connection, unknown).items()}
            with self._remembering:
                if len(known) > REMEMBERED:
                    self._known_titles = known = {each: known[each] for each in asked if each in known}
                known.update(read)
        return known

    def _read_titles(self, connection: Connection, keys: Collection[int]) -> dict[int, Mapping[str, str]]:
        try:
            # On PostgreSQL a statement that fails ends the whole transaction, unless it stands for itself.
            with connection.begin_nested() if self._store.database.name != "sqlite" else nullcontext():
                rows = self._rows(connection, self._titles, keys)
            return {key: _title(orjson.loads(title)) if title else {} for key, title in rows}
        except (sqlite3.OperationalError, psycopg.DataError):
            # One of them is spoilt, which is no reason to know nothing of the others; what else is wrong is said again here.
            documents = {key: _read(document) for key, document in self._rows(connection, self._documents, keys)}
            return {
                key: _title(document.get("title")) if isinstance(document, dict) else {}
                for key, document in documents.items()
            }

    def _formats_of(
        self, connection: Connection, asked: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], tuple[str, ...]]:
        known = self._known_formats
        unknown = dict([each for each in asked if each not in known])
        if unknown:
            read: dict[tuple[int, int], list[str]] = {(key, version): [] for key, version in unknown.items()}
            for key, format in self._rows(connection, self._formats, unknown):
                read[key, unknown[key]].append(format)
            with self._remembering:
                if len(known) > REMEMBERED:
                    self._known_formats = known = {each: known[each] for each in asked if each in known}
                known.update({each: tuple(sorted(formats)) for each, formats in read.items()})
        return known

    def _rows(self, connection: Connection, statement: str, values: Iterable[Any] | None = None) -> list[Any]:
        # The driver's own rows: SQLAlchemy's cost more than the reading.
        given = () if values is None else (self._bound(values),)
        driver = connection.connection.driver_connection
        assert driver is not None
        if self._store.database.name == "sqlite":
            made: list[Any] = driver.execute(statement, given).fetchall()
            return made
        with driver.cursor() as cursor:
            cursor.execute(statement, given or None)
            rows: list[Any] = cursor.fetchall()
        return rows


def _read(document: str) -> Mapping[str, Any]:
    try:
        told = orjson.loads(document)
    except orjson.JSONDecodeError as problem:
        return Unreadable(f"its linked form can't be read: {problem}")
    return told if isinstance(told, dict) else Unreadable("its linked form is no object")


def _title(told: Any) -> Mapping[str, str]:
    """A title by language, or none where it is something else."""
    return told if isinstance(told, dict) and all(isinstance(text, str) for text in told.values()) else {}
