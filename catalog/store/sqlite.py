"""SQLite: one file, one writer at a time, readers that never wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from catalog.errors import CatalogError, Misconfigured, TooCostly, Unavailable
from catalog.store.database import Row

OLDEST = (3, 38, 0)  # the first with RETURNING, ->> and JSON always built in
MOST_PARAMETERS = 32_766
# Stands for null on its way in: the driver needs 0.5 microseconds to bind None and 0.06 to bind a number, and most cells
# of a wide mirror are null. Nothing is ever equal to it: whole numbers end at 2^53, and it is odd, so no double is.
NULL = -(2**63 - 1)
WAIT_SECONDS = 30.0


class Sqlite:
    """The embedded database."""

    name: Literal["sqlite", "postgresql"] = "sqlite"
    mark = "?"
    at_hand = 4

    def __init__(self, path: Path, *, readers: int = 20) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise Misconfigured(
                f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, OLDEST))} or later is needed",
                ja=f"SQLite {sqlite3.sqlite_version} は古すぎます。{'.'.join(map(str, OLDEST))} 以降が必要です",
            )
        self.path = path
        self._filled: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._reader = self._engine("BEGIN", readers, cache_kib=8_000)
        self._writer = self._engine("BEGIN IMMEDIATE", 1, cache_kib=160_000)

    def _engine(self, begin: str, connections: int, *, cache_kib: int) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
            # The statements of `insert` come in some twenty sizes for each table.
            connect_args={"timeout": WAIT_SECONDS, "check_same_thread": False, "cached_statements": 1_000},
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
            # The driver must not begin transactions by itself: it would begin them too late, and not IMMEDIATE.
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {int(WAIT_SECONDS * 1000)}")
            connection.execute("PRAGMA page_size = 8192")  # a tenth less work than 4096 when much is written
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL may lose the last commits when the power fails; what is acknowledged must stay.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = {-cache_kib}")
            connection.execute(f"PRAGMA mmap_size = {1 << 27}")
            connection.execute("PRAGMA temp_store = MEMORY")
            # What is replaced or deleted is overwritten with zeros: expunged content must not stay in free pages.
            connection.execute("PRAGMA secure_delete = ON")
            # 64 MB between checkpoints, so that pages that are changed again and again are copied once.
            connection.execute("PRAGMA wal_autocheckpoint = 8000")
            connection.execute(f"PRAGMA journal_size_limit = {128 << 20}")  # what a long reader made it grow beyond

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            # Past SQLAlchemy's own way of executing, which costs a point read more than the read itself.
            _driver(connection).execute(begin)

        return engine

    def reader(self) -> Engine:
        return self._reader

    def writer(self) -> Engine:
        return self._writer

    def each_alone(self, driver: Any, alone: bool) -> None:
        """Nothing to do: what no BEGIN stands before is a transaction by itself."""

    def stop(self, driver: Any) -> None:
        driver.interrupt()

    def among(self, expression: str) -> str:
        return f"{expression} IN (SELECT value FROM json_each(?))"

    def listed(self, values: Iterable[Any]) -> str:
        return orjson.dumps(list(values)).decode()

    def insert(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        # One statement for many rows, not executemany: the driver lets go of the interpreter lock at each row and waits
        # for it again. Beside one busy thread executemany fell from 92,000 to 630 rows/s, this one to 67,000.
        if not rows:
            return
        driver = _driver(connection)
        used, cells_of = self._used(table, tuple(columns), rows)
        width = len(used)
        most = MOST_PARAMETERS // width
        for first in range(0, len(rows), most):
            part = list(map(cells_of, rows[first : first + most]))
            size = min(_size_for(len(part)), most)
            driver.execute(_insertion(table, used, size), _values(part, size, width))

    def _used(
        self, table: str, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> tuple[tuple[str, ...], Callable[[Row], Row]]:
        """The columns that have ever had a value here, and what takes their cells from a row.

        Most columns of a mirror and of a link are null in every row of a load; left out, they cost nothing.
        """
        known = self._filled.get((table, columns), (0, 1, 2))
        unseen = [place for place in range(3, len(columns)) if place not in known]
        cells = tuple(zip(*rows, strict=True))
        filled = [place for place in unseen if cells[place].count(None) < len(rows)]
        if filled or (table, columns) not in self._filled:
            known = tuple(sorted({*known, *filled}))[: len(columns)]
            self._filled[table, columns] = known
        return tuple(columns[place] for place in known), itemgetter(*known)

    def update(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        driver = _driver(connection)
        width = len(columns)
        most = MOST_PARAMETERS // width
        for first in range(0, len(rows), most):
            part = rows[first : first + most]
            size = min(_size_for(len(part)), most)
            driver.execute(_updating(table, tuple(columns), size), _values(part, size, width))

    def make_nodes(self, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
        # There is one writer, so what is missing now stays missing, and the next key is ours.
        (last,) = _driver(connection).execute("SELECT coalesce(max(key), 0) FROM node").fetchone()
        made = dict(zip(ids, range(last + 1, last + 1 + len(ids)), strict=True))
        self.insert(connection, "node", ("key", "id"), [(key, id) for id, key in made.items()])
        return made

    def lock(self, connection: Connection, keys: Sequence[int]) -> None:
        """Nothing to do: the write lock is held since BEGIN IMMEDIATE."""

    def hold_mirrors(self, connection: Connection, *, alone: bool) -> None:
        """Nothing to do: the write lock is held since BEGIN IMMEDIATE."""

    def hold_positions(self, connection: Connection) -> int:
        (last,) = _driver(connection).execute("SELECT coalesce(max(position), 0) FROM change").fetchone()
        return int(last)

    def replace_views(self, connection: Connection, views: Mapping[str, str]) -> None:
        for name, statement in views.items():
            connection.exec_driver_sql(f'DROP VIEW IF EXISTS "{name}"')
            connection.exec_driver_sql(f'CREATE VIEW "{name}" AS {statement}')

    def tables(self, connection: Connection) -> set[str]:
        return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))

    def hold_migrations(self, connection: Connection) -> None:
        """Nothing to do: the write lock is held since BEGIN IMMEDIATE."""

    def forget(self) -> None:
        with self._writer.connect() as connection:
            # The log still holds pages as they were; a reader may keep it from being emptied until the next checkpoint.
            _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def explain(self, error: BaseException) -> CatalogError | None:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return None
        match code & 0xFF:
            case sqlite3.SQLITE_FULL:
                return Unavailable(
                    "the disk is full: nothing was stored; make room, then send it again",
                    ja="ディスクに空きがないため、何も保存していません。空きを作ってから再送してください",
                    retry_after_seconds=60,
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return Unavailable(
                    f"{self.path.name} cannot be written: the disk or the file is read-only; nothing was stored",
                    ja=f"{self.path.name} に書き込めません(ディスクまたはファイルが読み取り専用)。何も保存していません",
                    retry_after_seconds=60,
                )
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Unavailable(
                    "another process has been writing for too long: nothing was stored; try again",
                    ja="他の処理が長く書き込み中のため、何も保存していません。もう一度お試しください",
                )
            case sqlite3.SQLITE_IOERR:
                return Unavailable(
                    "the disk could not be read or written: nothing was stored; see that it is there and has room",
                    ja="ディスクの読み書きに失敗し、何も保存していません。ディスクの状態と空きを確認してください",
                    retry_after_seconds=60,
                )
            case sqlite3.SQLITE_CANTOPEN:
                return Unavailable(
                    f"{self.path} cannot be opened: see that its folder is there and may be written",
                    ja=f"{self.path} を開けません。フォルダーの有無と書き込み権限を確認してください",
                    retry_after_seconds=60,
                )
            case sqlite3.SQLITE_ERROR if "parser stack overflow" in str(error):
                return TooCostly(
                    "the conditions are nested deeper than this database reads: ask in several questions",
                    ja="条件の入れ子が深すぎて、このデータベースでは処理できません。複数の質問に分けてください",
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return Misconfigured(
                    f"{self.path} is damaged or no database: restore it from a backup",
                    ja=f"{self.path} は壊れているか、データベースではありません。バックアップから復元してください",
                )
        return None

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _size_for(count: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24 …: few sizes, so that their statements stay prepared."""
    power = 1
    while power < count:
        if power * 3 // 2 >= count and power > 1:
            return power * 3 // 2
        power *= 2
    return power


def _values(rows: Sequence[Row], size: int, width: int) -> list[Any]:
    """The cells of all rows, filled up to a size that has a statement with rows that stand for nothing."""
    cells = [NULL if cell is None else cell for cell in chain.from_iterable(rows)]
    cells.extend([NULL] * ((size - len(rows)) * width))
    return cells


@cache
def _insertion(table: str, columns: tuple[str, ...], size: int) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    cells = ", ".join(["column1", *(f"nullif(column{place}, {NULL})" for place in range(2, len(columns) + 1))])
    rows = _rows(len(columns), size)
    return f'INSERT INTO "{table}" ({named}) SELECT {cells} FROM (VALUES {rows}) WHERE column1 <> {NULL}'


@cache
def _updating(table: str, columns: tuple[str, ...], size: int) -> str:
    sets = ", ".join(f'"{name}" = nullif(given.column{place}, {NULL})' for place, name in enumerate(columns[1:], 2))
    rows = _rows(len(columns), size)
    return f'UPDATE "{table}" SET {sets} FROM (VALUES {rows}) AS given WHERE "{table}"."{columns[0]}" = given.column1'


def _rows(width: int, size: int) -> str:
    return ", ".join(["(" + ", ".join("?" * width) + ")"] * size)
