"""Ids and IRIs as integers: each stands once in `node`, and those met lately are remembered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from threading import Lock

from sqlalchemy import Connection

from catalog.store.database import Database

LONGEST = 2_000  # bytes: what an index of PostgreSQL takes, with room to spare
GENERATION = 100_000


class Nodes:
    """The keys of ids. A key never changes and is never taken back, so what is remembered stays true."""

    def __init__(self, database: Database, *, generation: int = GENERATION) -> None:
        self._database = database
        self._select = f"SELECT id, key FROM node WHERE {database.among('id')}"
        self._generation = generation
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._changing = Lock()

    def keys(self, connection: Connection, ids: Collection[str]) -> tuple[dict[str, int], frozenset[str]]:
        """The key of each id, and which of them were made by this transaction."""
        young, old = self._young, self._old
        found: dict[str, int] = {}
        unknown: list[str] = []
        for id in ids:
            key = young.get(id) or old.get(id)
            if key is None:
                unknown.append(id)
            else:
                found[id] = key
        if not unknown:
            return found, frozenset()
        found.update(self.known(connection, unknown))
        missing = sorted({id for id in unknown if id not in found})
        if not missing:
            return found, frozenset()
        made = self._database.make_nodes(connection, missing)
        found.update(made)
        if len(made) < len(missing):
            found.update(self.known(connection, [id for id in missing if id not in made]))
        return found, frozenset(made)

    def known(self, connection: Connection, ids: Collection[str]) -> dict[str, int]:
        """The keys of those ids that have one."""
        rows = connection.exec_driver_sql(self._select, (self._database.listed(ids),))
        return {id: int(key) for id, key in rows}

    def remember(self, keys: Mapping[str, int]) -> None:
        """To be called after the commit: before it, a key that was made might yet be undone."""
        with self._changing:
            self._young.update(keys)
            if len(self._young) > self._generation:
                self._old, self._young = self._young, {}
