"""A backup: one file that holds everything a catalogue cannot make again, taken while it goes on being used.

What is in it: the whole database as it stood at one moment. What is not: the administrator's token, and answers to loads
that are kept in the data folder, and the graph and the search index, which a restored catalogue builds anew. The mirrors of a PostgreSQL catalogue are made again when it is restored.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Connection, Table, delete, func, inspect, select, text

from catalog.errors import Conflict, Malformed, Misconfigured, NotFound, Unavailable
from catalog.ledger.append import Ledger
from catalog.records.kinds import Kinds
from catalog.store.clock import now
from catalog.store.engine import Store, open_store
from catalog.store.migrate import known_steps, migrate, step_of
from catalog.store.postgresql import Postgresql
from catalog.store.sqlite import Sqlite
from catalog.store.tables import lease, metadata, projection, spread, verification

FORMAT = "musubi-backup-1"
MANIFEST = "manifest.json"
PAGES_AT_ONCE = 4_000
CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]


def unheard(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, which comes first in it."""

    format: str
    database: str
    step: str  # of the migrations, at which its tables stand
    at: str
    position: int  # the last change that is in it
    members: tuple[Member, ...]


def backup(store: Store, target: Path, progress: Progress = unheard) -> Manifest:
    """Write a backup to a file that is not there yet; nothing of that name is left behind unless it is whole."""
    if target.exists():
        raise Conflict(
            f"{target} is there already: name a new file", ja=f"{target} はすでにあります。別の名前にしてください"
        )
    with _room_beside(target) as folder:
        if isinstance(store.database, Sqlite):
            step, position = _copy_sqlite(store, folder, progress)
        else:
            step, position = _copy_postgresql(store, folder, progress)
        members = tuple(_member(path) for path in sorted(folder.iterdir()))
        manifest = Manifest(FORMAT, store.database.name, step, now(), position, members)
        partial = folder / "backup.tar"
        _pack(partial, folder, manifest, progress)
        os.link(partial, target)  # unlike a rename, it never replaces what somebody else put there meanwhile
    return manifest


def restore(archive: Path, address: str, kinds: Kinds, progress: Progress = unheard) -> Manifest:
    """Fill an empty place from a backup, which is examined whole before anything is written."""
    if not archive.exists():
        raise NotFound(f"there is no file {archive}", ja=f"ファイル {archive} がありません")
    store = open_store(address)
    try:
        _must_be_empty(store, address)
        home = store.database.path.parent if isinstance(store.database, Sqlite) else None
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=home) as made:
            folder = Path(made)
            manifest = _unpack(archive, folder, progress)
            if manifest.database != store.database.name:
                raise Misconfigured(
                    f"this is a backup of {manifest.database}, and {store.database.name} cannot be filled from it",
                    ja=f"{manifest.database} のバックアップのため、{store.database.name} には復元できません",
                )
            if manifest.step not in known_steps():
                raise Misconfigured(
                    "the backup was made by a newer version: restore it with that version",
                    ja="より新しい版で作られたバックアップです。その版で復元してください",
                )
            if isinstance(store.database, Sqlite):
                (folder / "catalogue.db").replace(store.database.path)
            else:
                _load_postgresql(store, folder, manifest, progress)
        store.migrate()
        _forget_projections(store)
        Ledger(store, kinds).upgrade_mirrors(progress)
    finally:
        store.close()
    return manifest


def _forget_projections(store: Store) -> None:
    """The graph and the search index stayed where the backup was made, and so did whoever fed them: they are built anew.

    What could not be projected, and what somebody said of that, is known still.
    """
    with store.write() as connection:
        for table in (projection, spread, lease, verification):
            connection.execute(delete(table))


def _copy_sqlite(store: Store, folder: Path, progress: Progress) -> tuple[str, int]:
    with store.read() as connection:
        # Reading first fixes the moment: without it the copy would begin again with each commit of a writer.
        step, position = step_of(connection) or "", _position(connection)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        copy = sqlite3.connect(folder / "catalogue.db")
        try:
            driver.backup(
                copy,
                pages=PAGES_AT_ONCE,
                progress=lambda _, remaining, total: progress("pages", total - remaining, total),
            )
            # The copy is one file; the log beside it is made again by whoever opens it.
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise store.database.explain(error) or error from error
        finally:
            copy.close()
    return step, position


def _copy_postgresql(store: Store, folder: Path, progress: Progress) -> tuple[str, int]:
    with store.read() as connection:  # repeatable read: every table as it stood at one moment
        step, position = step_of(connection) or "", _position(connection)
        tables = _kept(connection)
        for done, table in enumerate(tables):
            progress(table.name, done, len(tables))
            columns = _columns(connection, table)
            (folder / f"{table.name}.columns.json").write_bytes(orjson.dumps(columns))
            with (
                (folder / f"{table.name}.copy").open("wb") as file,
                _driver(connection).cursor() as cursor,
                cursor.copy(_copying("COPY {} ({}) TO STDOUT", table.name, columns)) as rows,
            ):
                for row in rows:
                    file.write(row)
    return step, position


def _load_postgresql(store: Store, folder: Path, manifest: Manifest, progress: Progress) -> None:
    with store.write() as connection:
        migrate(store.database, connection, manifest.step)
        tables = [table for table in metadata.sorted_tables if (folder / f"{table.name}.copy").exists()]
        for done, table in enumerate(tables):
            progress(table.name, done, len(tables))
            columns = orjson.loads((folder / f"{table.name}.columns.json").read_bytes())
            if connection.scalar(select(func.count()).select_from(table)):
                # What the steps put into an empty database is in the backup too.
                connection.execute(delete(table))
            with (
                (folder / f"{table.name}.copy").open("rb") as file,
                _driver(connection).cursor() as cursor,
                cursor.copy(_copying("COPY {} ({}) FROM STDIN", table.name, columns)) as rows,
            ):
                while chunk := file.read(CHUNK):
                    rows.write(chunk)
            _go_on_counting(connection, table)


def _kept(connection: Connection) -> list[Table]:
    """The tables that cannot be made again, those that others refer to first."""
    there = set(inspect(connection).get_table_names())
    return [table for table in metadata.sorted_tables if table.name in there and table.name != "mirror"]


def _columns(connection: Connection, table: Table) -> list[str]:
    return [str(column["name"]) for column in inspect(connection).get_columns(table.name)]


def _copying(statement: str, table: str, columns: list[str]) -> sql.Composed:
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(statement).format(sql.Identifier(table), named)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let a table's sequence go on after the keys that were loaded."""
    for column in table.primary_key:
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": f'"{table.name}"', "column": column.name}
        )
        if sequence is not None:
            connection.exec_driver_sql(
                f'SELECT setval(%s, coalesce((SELECT max("{column.name}") FROM "{table.name}"), 0) + 1, false)',
                (sequence,),
            )


def _must_be_empty(store: Store, address: str) -> None:
    if isinstance(store.database, Sqlite):
        path = store.database.path
        # A log without its database is left over from one that was there, and would be applied to ours.
        if any(each.exists() and each.stat().st_size > 0 for each in (path, path.with_name(path.name + "-wal"))):
            raise Conflict(
                f"{path} is there already: a backup is restored to an empty place only",
                ja=f"{path} はすでにあります。復元先は空でなければなりません",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    with store.read() as connection:
        if tables := store.database.tables(connection):
            where = store.database.where if isinstance(store.database, Postgresql) else address
            raise Conflict(
                f"the database {where} holds {len(tables)} tables: a backup is restored to an empty database only",
                ja=f"データベース {where} は空ではありません(表 {len(tables)} 個)。復元先は空でなければなりません",
            )


def _position(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT coalesce(max(position), 0) FROM change")) or 0)


def _member(path: Path) -> Member:
    with path.open("rb") as file:
        return Member(path.name, path.stat().st_size, file_digest(file, "sha256").hexdigest())


def _pack(archive: Path, folder: Path, manifest: Manifest, progress: Progress) -> None:
    with archive.open("wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        told = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        first = tarfile.TarInfo(MANIFEST)
        first.size = len(told)
        tar.addfile(first, io.BytesIO(told))
        for done, member in enumerate(manifest.members):
            progress("packing", done, len(manifest.members))
            with (folder / member.name).open("rb") as content:
                packed = tarfile.TarInfo(member.name)
                packed.size = member.size
                tar.addfile(packed, content)
        tar.close()
        file.flush()
        os.fsync(file.fileno())


def _unpack(archive: Path, folder: Path, progress: Progress) -> Manifest:
    try:
        with tarfile.open(archive, "r:") as tar:
            manifest = _read_manifest(tar)
            for done, member in enumerate(manifest.members):
                progress("examining", done, len(manifest.members))
                content = tar.extractfile(member.name)
                if content is None or Path(member.name).name != member.name:
                    raise _damaged(archive)
                with content, (folder / member.name).open("wb") as file:
                    shutil.copyfileobj(content, file, CHUNK)
                    file.flush()
                    os.fsync(file.fileno())
                if _member(folder / member.name) != member:
                    raise _damaged(archive)
    except (tarfile.TarError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _damaged(archive) from error
    return manifest


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    content: IO[bytes] | None = tar.extractfile(MANIFEST)
    told: dict[str, Any] = orjson.loads(content.read()) if content is not None else {}
    if told["format"] != FORMAT:
        raise Malformed(
            f"this backup is of the format {told['format']!r}, which this version does not read",
            ja=f"この版では読めない形式({told['format']!r})のバックアップです",
        )
    members = tuple(Member(**member) for member in told.pop("members"))
    return Manifest(**told, members=members)


def _damaged(archive: Path) -> Malformed:
    return Malformed(
        f"{archive} is damaged or no backup: nothing was restored",
        ja=f"{archive} は壊れているか、バックアップではありません。何も復元していません",
    )


@contextmanager
def _room_beside(target: Path) -> Iterator[Path]:
    """A folder on the target's own disk, so that the finished file only changes its name."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise Unavailable(
            f"the backup could not be written to {target.parent} ({error.strerror}): nothing of it is left",
            ja=f"{target.parent} にバックアップを書き込めません({error.strerror})。途中のものは残していません",
            retry_after_seconds=60,
        ) from error


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
