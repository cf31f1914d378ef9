"""The store: a database that is open, up to date, and read and written in transactions."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from catalog.errors import Misconfigured, Unavailable
from catalog.store.database import Database
from catalog.store.deadline import Deadlines
from catalog.store.migrate import is_current, migrate
from catalog.store.postgresql import Postgresql
from catalog.store.sqlite import Sqlite
from catalog.store.transaction import Glances, transaction


class Store:
    """The database under it all. One for each process; safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._deadlines = Deadlines()
        self._glances = Glances(database)

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state of the database throughout, and may not write."""
        return transaction(self.database, self.database.reader())

    def glance(self) -> AbstractContextManager[Any]:
        """A driver's connection for one statement, which sees one state of the database by itself, and writes nothing.

        Beginning and ending a transaction around it cost as much as reading one record does (72 against 12 microseconds).
        """
        return self._glances.one()

    def within(self, seconds: float | None, driver: Any) -> AbstractContextManager[None]:
        """Let statements on this driver's connection take so long together; then they end with TooSlow.

        The connection is of no use afterwards: only blocks that give it back by raising may let the error pass.
        """
        if seconds is None:
            return nullcontext()
        return self._deadlines.within(seconds, lambda: self.database.stop(driver))

    def write(self) -> AbstractContextManager[Connection]:
        """A connection whose changes are kept, all or none, when the block ends without an error."""
        return transaction(self.database, self.database.writer())

    def migrate(self) -> None:
        """Bring the tables to what this version needs, or refuse a database that a newer version has changed."""
        try:
            with self.read() as connection:
                if is_current(connection):
                    return
        except Unavailable:
            # Somebody else is making the database at this moment: wait for them as a writer does.
            pass
        with self.write() as connection:
            migrate(self.database, connection)

    def close(self) -> None:
        self._glances.close()
        self.database.close()


def open_store(address: str) -> Store:
    """The store at `sqlite:///path` or `postgresql://user:password@host:port/name`; tables are made by `migrate`."""
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise Misconfigured(
            f"{address!r} is no database address: write sqlite:///path or postgresql://user@host/name",
            ja=f"{address!r} はデータベースのアドレスではありません(sqlite:///path または postgresql://user@host/name)",
        ) from error
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return Store(Sqlite(Path(url.database)))
        case "postgresql":
            return Store(Postgresql(address))
    raise Misconfigured(
        f"{url.render_as_string()} is not a database that can be used: sqlite:///path or postgresql://user@host/name",
        ja=f"{url.render_as_string()} は使えません(sqlite:///path または postgresql://user@host/name)",
    )
