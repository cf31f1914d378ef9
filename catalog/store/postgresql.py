"""PostgreSQL: many writers, who agree on the order of what they did at the end of each transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import psycopg
from psycopg import errors as pg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from catalog.errors import CatalogError, Conflict, Misconfigured, Unavailable
from catalog.store.database import Row

# Numbers of advisory locks: anything that nobody else in the database uses.
POSITIONS = 0x6D757375_0001
MIGRATIONS = 0x6D757375_0002
MIRRORS = 0x6D757375_0003
FEW_ROWS = 4
MOST_PARAMETERS = 65_535


class Postgresql:
    """A database server, version 15 or later."""

    name: Literal["sqlite", "postgresql"] = "postgresql"
    mark = "%s"
    at_hand = 0  # the pool asks first whether the server is still there

    def __init__(self, address: str, *, connections: int = 16) -> None:
        url = make_url(address).set(drivername="postgresql+psycopg")
        self.where = f"{url.host or 'localhost'}/{url.database}"
        engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "application_name": "musubi"},
        )
        # Each statement must see what was committed before it began: the last position is read after waiting for a lock.
        self._writer = engine.execution_options(isolation_level="READ COMMITTED")
        self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def reader(self) -> Engine:
        return self._reader

    def writer(self) -> Engine:
        return self._writer

    def each_alone(self, driver: Any, alone: bool) -> None:
        # Two round trips less; and what was prepared stays so, which the driver forgets at a rollback.
        driver.autocommit = alone

    def stop(self, driver: Any) -> None:
        driver.cancel()

    def among(self, expression: str) -> str:
        return f"{expression} = ANY(%s)"

    def listed(self, values: Iterable[Any]) -> list[Any]:
        return list(values)

    def insert(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if not rows:
            return
        into = sql.SQL("{} ({})").format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
        with _driver(connection).cursor() as cursor:
            if len(rows) <= FEW_ROWS:  # COPY costs two more round trips
                row = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
                values = sql.SQL(", ").join([row] * len(rows))
                statement = sql.SQL("INSERT INTO {} VALUES {}").format(into, values)
                cursor.execute(statement, [value for each in rows for value in each])
                return
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(into)) as copy:
                for each in rows:
                    copy.write_row(each)

    def update(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        row = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
        sets = sql.SQL(", ").join(sql.SQL("{0} = given.{0}").format(sql.Identifier(column)) for column in columns[1:])
        most = MOST_PARAMETERS // len(columns)
        with _driver(connection).cursor() as cursor:
            for first in range(0, len(rows), most):
                part = rows[first : first + most]
                statement = sql.SQL("UPDATE {table} SET {sets} FROM (VALUES {rows}) AS given ({names})").format(
                    table=sql.Identifier(table),
                    sets=sets,
                    rows=sql.SQL(", ").join([row] * len(part)),
                    names=sql.SQL(", ").join(map(sql.Identifier, columns)),
                ) + sql.SQL(" WHERE {table}.{key} = given.{key}").format(
                    table=sql.Identifier(table), key=sql.Identifier(columns[0])
                )
                cursor.execute(statement, [value for each in part for value in each])

    def make_nodes(self, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
        with _driver(connection).cursor() as cursor:
            # In one order for everybody, so that two writers who make the same ids wait for each other at most one way.
            cursor.execute(
                'INSERT INTO node (id) SELECT id FROM unnest(%s::text[]) AS t (id) ORDER BY id COLLATE "C"'
                " ON CONFLICT (id) DO NOTHING RETURNING id, key",
                (list(ids),),
            )
            return dict(cursor.fetchall())

    def lock(self, connection: Connection, keys: Sequence[int]) -> None:
        # NO KEY UPDATE lets others go on to link to these records meanwhile.
        connection.exec_driver_sql(
            "SELECT 1 FROM node WHERE key = ANY(%s) ORDER BY key FOR NO KEY UPDATE", (list(keys),)
        )

    def hold_mirrors(self, connection: Connection, *, alone: bool) -> None:
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {lock}(:lock)"), {"lock": MIRRORS})

    def hold_positions(self, connection: Connection) -> int:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": POSITIONS})
        return int(connection.scalar(text("SELECT coalesce(max(position), 0) FROM change")) or 0)

    def replace_views(self, connection: Connection, views: Mapping[str, str]) -> None:
        for name, statement in views.items():
            # CREATE OR REPLACE cannot take a column away.
            connection.exec_driver_sql(f'DROP VIEW IF EXISTS "{name}"')
            connection.exec_driver_sql(f'CREATE VIEW "{name}" AS {statement}')

    def tables(self, connection: Connection) -> set[str]:
        return set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))

    def hold_migrations(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATIONS})

    def forget(self) -> None:
        with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                text(
                    "VACUUM revision, linked, link, quantity, attribute, identifier, term_use, term_name, verdict, file"
                )
            )
            for table in sorted(self.tables(connection)):
                if table.startswith("mirror_"):
                    connection.exec_driver_sql(f'VACUUM "{table}"')

    def explain(self, error: BaseException) -> CatalogError | None:
        match error:
            case pg.DiskFull():
                return Unavailable(
                    "the database server's disk is full: nothing was stored; make room, then send it again",
                    ja="データベースサーバーのディスクに空きがなく、何も保存していません。空きを作ってから再送してください",
                    retry_after_seconds=60,
                )
            case pg.ReadOnlySqlTransaction():
                return Unavailable(
                    "the database server takes no writes now: nothing was stored",
                    ja="データベースサーバーが書き込みを受け付けていません。何も保存していません",
                    retry_after_seconds=60,
                )
            case pg.DeadlockDetected() | pg.LockNotAvailable() | pg.SerializationFailure():
                return Unavailable(
                    "another writer was in the way: nothing was stored; try again",
                    ja="他の書き込みと競合したため、何も保存していません。もう一度お試しください",
                    retry_after_seconds=1,
                )
            case pg.InvalidPassword() | pg.InvalidAuthorizationSpecification() | pg.InvalidCatalogName():
                return Misconfigured(
                    f"the database {self.where} refuses us: {str(error).strip()}",
                    ja=f"データベース {self.where} に接続を拒否されました: {str(error).strip()}",
                )
            case pg.InsufficientPrivilege():
                return Misconfigured(
                    f"we may not do this in the database {self.where}: {str(error).strip()}",
                    ja=f"データベース {self.where} での権限が足りません: {str(error).strip()}",
                )
            case pg.UniqueViolation():
                return Conflict(
                    "somebody else made the same thing at this moment: nothing was stored; read again, then decide",
                    ja="同じものが同時に作られたため、何も保存していません。読み直してから判断してください",
                )
            case psycopg.OperationalError() | psycopg.InterfaceError():
                return Unavailable(
                    f"the database {self.where} cannot be reached: {str(error).strip().splitlines()[0]}",
                    ja=f"データベース {self.where} に接続できません: {str(error).strip().splitlines()[0]}",
                )
        return None

    def close(self) -> None:
        self._writer.dispose()


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
