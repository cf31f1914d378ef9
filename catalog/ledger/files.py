"""The files of a dataset: rows beside it, with a version of the whole list, of any number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, Select, delete, func, select, text, update

from catalog.errors import Conflict, Invalid, NotFound
from catalog.ledger.dialects import DIALECTS
from catalog.ledger.nodes import LONGEST
from catalog.ledger.pen import Held, Page, Pen, page
from catalog.records.record import By
from catalog.store.database import Database
from catalog.store.engine import Store
from catalog.store.tables import file, file_list, location, node

AT_ONCE = 1_000
# What a file says, and the column that it stands in; what is not here is refused at the door.
FILE_FIELDS: Mapping[str, str] = {
    "path": "path",
    "size": "size",
    "mediaType": "media_type",
    "format": "format",
    "role": "role",
    "modifiedAt": "modified_at",
    "order": "order",
    "paired": "paired",
}
LOCATION_FIELDS: Mapping[str, str] = {
    "address": "address",
    "facility": "facility",
    "storageClass": "storage_class",
    "state": "state",
    "stateUntil": "state_until",
    "verifiedAt": "verified_at",
    "permission": "permission",
}


@dataclass(frozen=True, slots=True)
class FileList:
    """How many files a dataset has, their bytes together, and the version that grows with each change of the list."""

    version: int
    count: int
    size: int


def put_files(
    pen: Pen, id: str, files: Iterable[Mapping[str, Any]], *, by: By, expected_version: int | None = None
) -> FileList:
    """Let these be all files of a dataset."""

    def write(here: Page, held: Held) -> None:
        here.connection.execute(delete(file).where(file.c.dataset == held.key))
        for some in _pieces(files):
            _insert(here.connection, pen.store.database, held.key, some)

    return _change(pen, id, write, by=by, expected_version=expected_version)


def patch_files(
    pen: Pen, id: str, files: Iterable[Mapping[str, Any]], *, by: By, expected_version: int | None = None
) -> FileList:
    """Add these files, or replace those of the same path; the others stay."""

    def write(here: Page, held: Held) -> None:
        for some in _pieces(files):
            _remove(here.connection, pen.store.database, held.key, [each["path"] for each in some])
            _insert(here.connection, pen.store.database, held.key, some)

    return _change(pen, id, write, by=by, expected_version=expected_version)


def delete_files(pen: Pen, id: str, paths: Iterable[str], *, by: By, expected_version: int | None = None) -> FileList:
    """Take files out of the list; a path that is not there is no error, so that a repeated request does no harm."""

    def write(here: Page, held: Held) -> None:
        rest = iter(paths)
        while some := list(islice(rest, AT_ONCE)):
            _remove(here.connection, pen.store.database, held.key, some)

    return _change(pen, id, write, by=by, expected_version=expected_version)


def set_location_state(
    pen: Pen,
    id: str,
    path: str,
    address: str,
    state: str,
    *,
    until: str | None = None,
    verified_at: str | None = None,
) -> None:
    """Say whether the bytes at a place can be read now. It is neither versioned nor a change of the record."""
    with pen.store.write() as connection:
        of_file = (
            select(file.c.key)
            .join(node, node.c.key == file.c.dataset)
            .where(node.c.id == id, file.c.path == path)
            .scalar_subquery()
        )
        values: dict[str, Any] = {"state": state, "state_until": until}
        if verified_at is not None:
            values["verified_at"] = verified_at
        changed = connection.execute(
            update(location).where(location.c.file == of_file, location.c.address == address).values(values)
        )
        if changed.rowcount == 0:
            raise NotFound(
                f"{id} has no file {path!r} at {address}", ja=f"{id} に {address} にあるファイル {path!r} はありません"
            )


def list_of(store: Store, id: str) -> FileList:
    """The state of a dataset's list; version 0 before there were any files."""
    with store.read() as connection:
        row = connection.execute(
            select(file_list.c.version, file_list.c.count, file_list.c.size)
            .join(node, node.c.key == file_list.c.dataset)
            .where(node.c.id == id)
        ).one_or_none()
    return FileList(*row) if row is not None else FileList(0, 0, 0)


def files_of(
    store: Store, id: str, *, after: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """Files in the order of their paths, from after a path on, and the path to go on after if there are more."""
    wanted = (
        select(file)
        .join(node, node.c.key == file.c.dataset)
        .where(node.c.id == id, file.c.path > (after or ""))
        .order_by(file.c.path)
        .limit(limit + 1)
    )
    return _files(store, wanted, limit)


def lists_of(
    store: Store, ids: Iterable[str], *, after: str | None = None, limit: int = 100
) -> dict[str, tuple[FileList, list[dict[str, Any]], str | None]]:
    """What `list_of` and `files_of` tell of each of these datasets that has files; as many statements, however many they are."""
    database, sql = store.database, DIALECTS[store.database.name]
    with store.read() as connection:
        lists = connection.exec_driver_sql(
            "SELECT n.id AS id, l.dataset AS dataset, l.version AS version, l.count AS files, l.size AS size"
            f" FROM node n JOIN file_list l ON l.dataset = n.key WHERE {database.among('n.id')} AND l.count > 0",
            (database.listed(ids),),
        ).fetchall()
        # Of each as many as are told and one more, read off the index.
        some = (
            f"SELECT f.key AS key FROM file f WHERE f.dataset = above.key AND f.path > {sql.value('after')}"
            f" ORDER BY f.path LIMIT {sql.value('limit')}"
        )
        datasets = orjson.dumps([row.dataset for row in lists]).decode()
        values = {"datasets": datasets, "after": after or "", "limit": limit + 1}
        spread = sql.spread(sql.numbers(sql.value("datasets")), some, ("key",))
        chosen = sql.rows(connection.connection.driver_connection, f"SELECT t.key FROM ({spread}) AS t", values)
        rows = connection.exec_driver_sql(
            f"SELECT * FROM file WHERE {database.among('key')} ORDER BY path",
            (database.listed([k for (k,) in chosen]),),
        ).fetchall()
        by_dataset: dict[int, list[Any]] = {}
        for row in rows:
            by_dataset.setdefault(row.dataset, []).append(row)
        placed = _places(connection, database, [row.key for row in rows])
    told = {}
    for row in lists:
        of = by_dataset.get(row.dataset, [])
        state = FileList(row.version, row.files, row.size)
        told[row.id] = (
            state,
            [_one(each, placed) for each in of[:limit]],
            of[limit - 1].path if len(of) > limit else None,
        )
    return told


def file_of(store: Store, id: str, path: str) -> dict[str, Any] | None:
    """The file of this path in a dataset's list."""
    wanted = select(file).join(node, node.c.key == file.c.dataset).where(node.c.id == id, file.c.path == path)
    found, _ = _files(store, wanted, 1)
    return found[0] if found else None


def _files(store: Store, wanted: Select[Any], limit: int) -> tuple[list[dict[str, Any]], str | None]:
    with store.read() as connection:
        rows = connection.execute(wanted).fetchall()
        placed = _places(connection, store.database, [row.key for row in rows[:limit]])
    return [_one(row, placed) for row in rows[:limit]], (rows[limit - 1].path if len(rows) > limit else None)


def _places(connection: Connection, database: Database, keys: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Where the bytes of these files are, by file."""
    found: dict[int, list[dict[str, Any]]] = {}
    statement = f"SELECT * FROM location WHERE {database.among('file')} ORDER BY key"
    for row in connection.exec_driver_sql(statement, (database.listed(keys),)):
        found.setdefault(row.file, []).append(_told(row, LOCATION_FIELDS))
    return found


def _one(row: Any, placed: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    one = _told(row, FILE_FIELDS)
    if checksums := orjson.loads(row.checksums):
        one["checksums"] = checksums
    if row.key in placed:
        one["locations"] = placed[row.key]
    return one


def replace_list(connection: Connection, database: Database, dataset: int, files: Sequence[Mapping[str, Any]]) -> bool:
    """Let these be all files, inside somebody's transaction; False if they were just these already."""
    before = _as_told(connection, dataset)
    after = {str(each["path"]): _normal(each) for each in files}
    if before == after:
        return False
    connection.execute(delete(file).where(file.c.dataset == dataset))
    _insert(connection, database, dataset, files)
    _count(connection, dataset)
    return True


def refuse_if_wrong(files: Sequence[Mapping[str, Any]], kind: str) -> None:
    """Refuse files that cannot be stored: of what is no dataset, with a path too long to be found by, or named twice."""
    if files and kind != "dataset":
        raise Invalid(
            f"files belong to a dataset, not to a {kind}: describe the dataset that they make up",
            ja=f"ファイルはデータセットに属します({kind} には付けられません)",
        )
    seen: set[str] = set()
    for each in files:
        path = str(each["path"])
        if len(path.encode()) > LONGEST:
            raise Invalid(
                f"the path {path[:60]!r}… is longer than {LONGEST} bytes", ja=f"パスが {LONGEST} バイトを超えています"
            )
        if path in seen:
            raise Invalid(f"the path {path!r} is there twice", ja=f"パス {path!r} が重複しています")
        seen.add(path)


def _change(
    pen: Pen, id: str, write: Callable[[Page, Held], None], *, by: By, expected_version: int | None
) -> FileList:
    with page(pen, by) as here:
        (held,) = here.hold(id)
        if held.kind != "dataset":
            raise Invalid(
                f"{id} is no dataset: only datasets have files",
                ja=f"{id} はデータセットではないためファイルを持てません",
            )
        version = here.connection.scalar(select(file_list.c.version).where(file_list.c.dataset == held.key)) or 0
        if expected_version is not None and expected_version != version:
            raise Conflict(
                f"the list of files of {id} is at version {version}, not {expected_version}: read it again, then decide",
                ja=f"{id} のファイル一覧の現在の版は {version} です。読み直してから判断してください",
                revision=version,
            )
        write(here, held)
        made = _count(here.connection, held.key)
        here.set(held)
        here.note(held, "files", {"version": made.version})
    return made


def _count(connection: Connection, dataset: int) -> FileList:
    """The list's next version, with what it now holds."""
    count, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(file.c.size), 0)).where(file.c.dataset == dataset)
    ).one()
    version = (connection.scalar(select(file_list.c.version).where(file_list.c.dataset == dataset)) or 0) + 1
    connection.execute(
        text(
            "INSERT INTO file_list (dataset, version, count, size) VALUES (:dataset, :version, :count, :size)"
            " ON CONFLICT (dataset) DO UPDATE SET version = :version, count = :count, size = :size"
        ),
        {"dataset": dataset, "version": version, "count": count, "size": int(size)},
    )
    return FileList(version, count, int(size))


def _pieces(files: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    rest = iter(files)
    while some := list(islice(rest, AT_ONCE)):
        refuse_if_wrong(some, "dataset")
        yield some


def _insert(connection: Connection, database: Database, dataset: int, files: Sequence[Mapping[str, Any]]) -> None:
    database.insert(
        connection,
        "file",
        ("dataset", *FILE_FIELDS.values(), "checksums"),
        [
            (dataset, *(each.get(name) for name in FILE_FIELDS), orjson.dumps(each.get("checksums") or []).decode())
            for each in files
        ],
    )
    placed = {str(each["path"]): each["locations"] for each in files if each.get("locations")}
    if not placed:
        return
    keys = connection.exec_driver_sql(
        f"SELECT path, key FROM file WHERE dataset = {database.mark} AND {database.among('path')}",
        (dataset, database.listed(placed)),
    )
    database.insert(
        connection,
        "location",
        ("file", *LOCATION_FIELDS.values()),
        [
            (key, *((one.get(name) or "online") if name == "state" else one.get(name) for name in LOCATION_FIELDS))
            for path, key in keys
            for one in placed[path]
        ],
    )


def _remove(connection: Connection, database: Database, dataset: int, paths: Sequence[str]) -> None:
    connection.exec_driver_sql(
        f"DELETE FROM file WHERE dataset = {database.mark} AND {database.among('path')}",
        (dataset, database.listed(paths)),
    )


def _as_told(connection: Connection, dataset: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    by_key: dict[int, dict[str, Any]] = {}
    for row in connection.execute(select(file).where(file.c.dataset == dataset)):
        one = _told(row, FILE_FIELDS)
        if checksums := orjson.loads(row.checksums):
            one["checksums"] = checksums
        found[row.path] = by_key[row.key] = one
    places = (select(location).join(file, file.c.key == location.c.file).where(file.c.dataset == dataset)).order_by(
        location.c.key
    )
    for row in connection.execute(places):
        by_key[row.file].setdefault("locations", []).append(_told(row, LOCATION_FIELDS))
    return found


def _normal(told: Mapping[str, Any]) -> dict[str, Any]:
    """A file as it will be told once it is stored."""
    one = {name: told[name] for name in FILE_FIELDS if told.get(name) is not None}
    if told.get("checksums"):
        one["checksums"] = [dict(each) for each in told["checksums"]]
    if told.get("locations"):
        one["locations"] = [
            {"state": "online"} | {name: each[name] for name in LOCATION_FIELDS if each.get(name) is not None}
            for each in told["locations"]
        ]
    return one


def _told(row: Any, fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, column in fields.items() if (value := getattr(row, column)) is not None}
