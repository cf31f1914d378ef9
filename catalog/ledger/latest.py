"""The last position of the ledger, for who asks many times a second."""

from __future__ import annotations

import sqlite3

from catalog.ledger.changes import last_position
from catalog.store.engine import Store


class Latest:
    """Looks the position up only where something has been written since; for one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position = 0
        self._version: int | None = None
        self._kept = None
        if store.database.name == "sqlite":
            # Kept out of the pool, since what it tells counts what others have written since it was opened.
            self._kept = store.database.reader().raw_connection()
            self._kept.detach()

    def position(self) -> int:
        """The last position that anybody has written."""
        version = self._look()
        if version is None or version != self._version:
            # Looked before, so that whatever is written meanwhile is seen the next time.
            with self._store.read() as connection:
                self._position = last_position(connection)
            self._version = version
        return self._position

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _look(self) -> int | None:
        """A number that another connection's commit changes; None where that can't be told."""
        driver = self._kept.dbapi_connection if self._kept is not None else None
        if not isinstance(driver, sqlite3.Connection):
            return None
        try:
            ((version,),) = driver.execute("PRAGMA data_version").fetchall()
        except sqlite3.Error:
            # What is wrong with the database is told by reading it.
            return None
        return int(version)
