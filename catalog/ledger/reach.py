"""Whom a change reaches: what has changed and closed, in order, and the records that show something of others."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from catalog.ledger.book import ALL_OPEN, Spread
from catalog.ledger.dialects import DIALECTS
from catalog.records.standing import Lie
from catalog.store.database import Database
from catalog.store.tables import CLOSING


class Reach:
    """Answers from within the transaction of whoever asks, so that all of it is of one moment."""

    def __init__(self, database: Database) -> None:
        self._listed = database.listed
        mark, among = database.mark, database.among
        self._changes = (
            "SELECT position, record, verb, revision, CASE WHEN verb IN ('scope', 'expunge') THEN detail END, at"
            f" FROM change WHERE position > {mark} AND position <= {mark} ORDER BY position LIMIT {mark}"
        )
        self._closings = (
            f"SELECT position, record, verb, detail, at FROM change WHERE {CLOSING} AND position > {mark}"
            f" ORDER BY position LIMIT {mark}"
        )
        self._revised = (
            f"SELECT 1 FROM change WHERE position > {mark} AND position <= {mark} AND verb = 'submit' AND revision > 1"
            " LIMIT 1"
        )
        self._first_changes = f"SELECT record, min(position) FROM change WHERE {among('record')} GROUP BY record"
        # Everything that shows something of these records: by a link, as whose assertion, as what it is merged into, as
        # the device that entered it.
        linkers = (
            f"SELECT target, record FROM link WHERE {among('target')}"
            f' UNION ALL SELECT n.key, l.record FROM node AS n JOIN link AS l ON l."by" = n.id WHERE {among("n.key")}'
            f' AND l."by" IS NOT NULL UNION ALL SELECT merged_into, key FROM record WHERE merged_into IS NOT NULL'
            f" AND {among('merged_into')} UNION ALL SELECT n.key, v.record FROM node AS n JOIN revision AS v ON v.agent = n.id"
            f" JOIN record AS r ON r.key = v.record AND r.shown = v.number WHERE {among('n.key')} AND v.agent IS NOT NULL"
        )
        self._linkers = f"{linkers} LIMIT {mark}"
        self._counted = f"SELECT target, count(*) FROM ({linkers}) AS t GROUP BY target"
        self._linking = (
            f"SELECT DISTINCT record FROM ({linkers}) AS t WHERE record > {mark} ORDER BY record LIMIT {mark}"
        )
        self._unchanged = (
            f"SELECT k.key FROM record AS k WHERE {among('k.key')}"
            f" AND NOT EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.key AND c.position > {mark})"
        )
        self._begun = (
            f"SELECT k.key FROM record AS k WHERE {among('k.key')}"
            f" AND EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.key AND c.position <= {mark})"
        )
        self._in_scope = (
            "SELECT r.key FROM record AS r WHERE r.status = 'public' AND r.scope IN"
            f" (SELECT descendant FROM scope_closure WHERE ancestor = {mark}) AND r.key > {mark}"
            f" ORDER BY r.key LIMIT {mark}"
        )
        self._lying_open = (
            "SELECT r.key FROM record AS r JOIN scope AS s ON s.key = r.scope WHERE r.status = 'public' AND s.open"
            f" AND r.key > {mark} ORDER BY r.key LIMIT {mark}"
        )
        self._elsewhere = (
            f"SELECT r.key FROM record AS r WHERE {among('r.key')}"
            f" AND r.scope NOT IN (SELECT descendant FROM scope_closure WHERE ancestor = {mark})"
        )
        self._lies = (
            "SELECT r.key, n.id, s.id, s.key, s.open, s.metadata_embargo FROM record AS r"
            f" JOIN node AS n ON n.key = r.key JOIN scope AS s ON s.key = r.scope WHERE {among('r.key')}"
        )
        self._open_and_in_scope = (
            f"SELECT count(CASE WHEN r.scope IN (SELECT descendant FROM scope_closure WHERE ancestor = {mark}) THEN 1 END),"
            f" count(CASE WHEN s.open AND (s.metadata_embargo IS NULL OR s.metadata_embargo <= {mark}) THEN 1 END)"
            " FROM record AS r JOIN scope AS s ON s.key = r.scope WHERE r.status = 'public'"
        )
        self._stirred = (
            f"SELECT position, record FROM stirred WHERE position > {mark} AND position <= {mark} LIMIT {mark}"
        )
        self._any_stirred = f"SELECT 1 FROM stirred WHERE position <= {mark} LIMIT 1"
        self._stirred_at = f"SELECT DISTINCT position FROM stirred WHERE position > {mark} AND position <= {mark}"
        self._stirred_by = (
            f"SELECT record FROM stirred WHERE position = {mark} AND record > {mark} ORDER BY record LIMIT {mark}"
        )
        self._ended = f"SELECT key, id FROM scope WHERE metadata_embargo > {mark} AND metadata_embargo <= {mark}"
        self._scope_key = f"SELECT key FROM scope WHERE id = {mark}"
        title = DIALECTS[database.name].part("v.body", "title")
        self._titles = (
            f"SELECT v.record, v.number, {title} FROM revision AS v"
            f" WHERE {among('v.record')} AND {among('v.number')} AND NOT v.quarantined"
        )
        # A merged record stands for nothing where the other may be read.
        self._uncertain = (
            f"SELECT (SELECT count(DISTINCT record) FROM change WHERE position > {mark})"
            " + (SELECT count(*) FROM record WHERE merged_into IS NOT NULL)"
        )

    # ----------------------------------------------------------------------------------------------- what changed

    def changes(self, connection: Connection, after: int, to: int, most: int) -> list[Any]:
        """The next changes: position, record, verb, revision, detail (where it says whom else it reaches), time."""
        return self._all(connection, self._changes, after, to, most)

    def closings(self, connection: Connection, after: int, most: int) -> list[Any]:
        """The next changes that may have closed something: position, record, verb, detail, time."""
        return self._all(connection, self._closings, after, most)

    def is_revised(self, connection: Connection, after: int, to: int) -> bool:
        """Whether any record was revised in between."""
        return bool(self._all(connection, self._revised, after, to))

    def first_changes(self, connection: Connection, keys: Collection[int]) -> dict[int, int]:
        """When each of these records came."""
        return dict(self._pairs(connection, self._first_changes, self._listed(keys)))

    def unchanged(self, connection: Connection, keys: Collection[int], since: int) -> list[int]:
        """Those of these to which nothing has happened since."""
        return list(self._keys(connection, self._unchanged, self._listed(keys), since)) if keys else []

    def begun(self, connection: Connection, keys: Collection[int], by: int) -> list[int]:
        """Those of these that there were at this position."""
        return list(self._keys(connection, self._begun, self._listed(keys), by)) if keys else []

    def uncertain(self, connection: Connection, position: int) -> int:
        """Of how many records it can't be said whether they stand as they stood at this position."""
        return int(connection.exec_driver_sql(self._uncertain, (position,)).scalar_one())

    def is_empty(self, connection: Connection) -> bool:
        """Whether there is no record at all."""
        return not self._all(connection, "SELECT 1 FROM record LIMIT 1")

    def titles(self, connection: Connection, numbers: Mapping[int, int]) -> dict[int, Any]:
        """The titles in these revisions (number by record), but for those in quarantine or expunged."""
        listed = self._listed(numbers), self._listed(set(numbers.values()))
        rows = self._all(connection, self._titles, *listed)
        return {key: orjson.loads(title) for key, number, title in rows if number == numbers[key] and title}

    # ----------------------------------------------------------------------------------------------- whom it reaches

    def linkers(
        self, connection: Connection, keys: Collection[int], *, most: int, most_of_one: int
    ) -> tuple[set[int], list[int]]:
        """The records that show something of these, and those of these that too many speak of to be told at once."""
        listed = self._listed(keys)
        pairs = self._pairs(connection, self._linkers, listed, listed, listed, listed, most + 1)
        hubs: list[int] = []
        if len(pairs) > most:
            counted = self._pairs(connection, self._counted, listed, listed, listed, listed)
            room = most
            small: list[int] = []
            for target, number in sorted(counted, key=lambda pair: (pair[1], pair[0])):
                if number <= most_of_one and number <= room:
                    small.append(target)
                    room -= number
                else:
                    hubs.append(target)
            listed = self._listed(small)
            pairs = self._pairs(connection, self._linkers, listed, listed, listed, listed, most) if small else []
        return {record for _, record in pairs}, hubs

    def reached(self, connection: Connection, spread: Spread, most: int) -> array[int]:
        """The next records that something spreads to, by key."""
        match spread.what:
            case "scope" if spread.key == ALL_OPEN:
                return self._keys(connection, self._lying_open, spread.done_to, most)
            case "scope":
                return self._keys(connection, self._in_scope, spread.key, spread.done_to, most)
            case "stirred":
                return self._keys(connection, self._stirred_by, spread.key, spread.done_to, most)
            case "linkers":
                listed = self._listed([spread.key])
                return self._keys(connection, self._linking, listed, listed, listed, listed, spread.done_to, most)

    def stirred(self, connection: Connection, after: int, to: int, most: int) -> list[tuple[int, int]]:
        """What was stirred in between: by which position, and which record."""
        return self._pairs(connection, self._stirred, after, to, most)

    def stirred_at(self, connection: Connection, after: int, to: int) -> list[int]:
        """By which positions in between anything was stirred."""
        return list(self._keys(connection, self._stirred_at, after, to))

    def any_stirred(self, connection: Connection, to: int) -> bool:
        """Whether anything was stirred up to here that is still noted."""
        return bool(self._all(connection, self._any_stirred, to))

    # ----------------------------------------------------------------------------------------------- where it lies

    def key_of_scope(self, connection: Connection, id: str) -> int:
        """The key of a scope."""
        return int(connection.exec_driver_sql(self._scope_key, (id,)).scalar_one())

    def ended(self, connection: Connection, after: str, to: str) -> list[tuple[int, str]]:
        """The scopes (key, id) whose embargo ended in between."""
        return [(key, id) for key, id in self._all(connection, self._ended, after, to)]

    def outside(self, connection: Connection, keys: Collection[int], scope: int) -> list[int]:
        """Those that do not lie in a scope and below: what does is reached by what spreads to the scope itself."""
        return list(self._keys(connection, self._elsewhere, self._listed(keys), scope)) if keys else []

    def lies(self, connection: Connection, keys: Collection[int], moment: str) -> dict[int, tuple[str, Lie]]:
        """The ids of these records and where they lie now."""
        rows = self._all(connection, self._lies, self._listed(keys))
        return {
            key: (id, Lie(scope, scope_key, bool(is_open) and (embargo is None or embargo <= moment)))
            for key, id, scope, scope_key, is_open, embargo in rows
        }

    def closed_and_open(self, connection: Connection, scope: int, moment: str) -> tuple[int, int]:
        """How many public records lie in a scope and below, and how many lie open anywhere."""
        closed, left = connection.exec_driver_sql(self._open_and_in_scope, (scope, moment)).one()
        return closed, left

    def _all(self, connection: Connection, statement: str, *given: Any) -> list[Any]:
        return list(connection.exec_driver_sql(statement, given).fetchall())

    def _pairs(self, connection: Connection, statement: str, *given: Any) -> list[tuple[int, int]]:
        return [(row[0], row[1]) for row in connection.exec_driver_sql(statement, given).fetchall()]

    def _keys(self, connection: Connection, statement: str, *given: Any) -> array[int]:
        return array("q", (row[0] for row in connection.exec_driver_sql(statement, given).fetchall()))
