"""The tree of scopes: made, listed, opened and closed; what is in force in each is worked out when it changes.

A scope's id is its path (`spring8/2026A1234/seq-1`), so its parent is what stands before the last slash. What a scope
does not set is as the scope above has it; a root that sets nothing is limited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson
from sqlalchemy import ColumnElement, Connection, func, or_, text

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.moments import moment_told
from catalog.access.policy import ScopeFacts, decide, demand
from catalog.access.sight import Sight
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import PUBLIC, RIGHTS, Reader, Right
from catalog.records.identifiers import is_iri
from catalog.records.standing import scope_path
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store

Mode = Literal["everyone", "limited"]
DataMode = Literal["open", "approval"]
DEEPEST: Final = 4
# Closing more public records than this at once is as likely a slip as a wish, and others will have to forget them all.
MANY: Final = 10_000
# What stands for a scope in the order of changes; its colon keeps it apart from every record's id.
NODE: Final = "urn:musubi:scope:"
_ID: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?)*"
)
# What the address of a scope is followed by; a scope's name below a root is none of them.
FOLLOWED_BY: Final = frozenset(("permissions", "sharing", "requests", "history"))
_COLUMNS: Final = (
    "s.id, s.title, s.level, s.mode, s.metadata_until, s.data_until, s.data_mode, s.resource,"
    " s.open, s.metadata_embargo, s.data_embargo, s.data_approval"
)


class Keep:
    """What is not to be changed, where None would mean that the scope above decides."""


KEEP: Final = Keep()


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope: what was set in it, and what is in force in it."""

    id: str
    title: Mapping[str, str]
    level: int
    mode: Mode | None
    metadata_until: str | None
    data_until: str | None
    data_mode: DataMode | None
    resource: str | None
    open: bool
    metadata_embargo: str | None
    data_embargo: str | None
    data_approval: bool

    @property
    def parent(self) -> str | None:
        """The scope above; None for a root."""
        return self.id.rpartition("/")[0] or None

    @property
    def facts(self) -> ScopeFacts:
        """What a decision needs to know."""
        return ScopeFacts(
            self.id, scope_path(self.id), self.open, self.metadata_embargo, self.data_embargo, self.data_approval
        )

    def document(self) -> dict[str, Any]:
        """The scope as it is answered: what is in force, and under `set` what was set here."""
        own = {
            "mode": self.mode,
            "metadataUntil": self.metadata_until,
            "dataUntil": self.data_until,
            "dataMode": self.data_mode,
        }
        return {
            "id": self.id,
            "title": dict(self.title),
            "parent": self.parent,
            "mode": "everyone" if self.open else "limited",
            "metadataUntil": self.metadata_embargo,
            "dataUntil": self.data_embargo,
            "dataMode": "approval" if self.data_approval else "open",
            "resource": self.resource,
            "set": {name: value for name, value in own.items() if value is not None},
        }


# Told with the connection of the transaction: the scopes of which it changed who may read there, and the moment.
Following = Callable[[Connection, Collection[str], str], None]


def _nothing_follows(connection: Connection, scopes: Collection[str], at: str) -> None:
    """Where nothing else is kept in step."""


class Scopes:
    """The scopes of a catalogue. Nothing of them is remembered between two questions: closing is at once."""

    def __init__(self, store: Store, *, clock: Clock = real_clock, follow: Following = _nothing_follows) -> None:
        self._store = store
        self._clock = clock
        self._follow = follow  # what must be in step with who may see what, in the same transaction
        self._sight = Sight(store.database.name)
        self._audit = Audit(store, clock=clock)

    def may(self, found: Scope, reader: Reader) -> tuple[Right, ...]:
        """What the reader may do in a scope that was found for them."""
        moment = self._clock()
        return tuple(right for right in RIGHTS if decide(right, found.facts, reader, moment))

    def facts(self, id: str, connection: Connection | None = None) -> ScopeFacts | None:
        """What decisions about this scope need, in the caller's transaction if there is one; None if there is none of this id."""
        if connection is None:
            with self._store.read() as reading:
                return self.facts(id, reading)
        scope = _read(connection, id)
        return scope.facts if scope is not None else None

    def facts_of(self, ids: Collection[str]) -> dict[str, ScopeFacts]:
        """The same of several scopes, by id, in one statement; without those that there are none of."""
        return {scope.id: scope.facts for scope in self._several(ids)}

    def found(self, ids: Collection[str], reader: Reader) -> dict[str, Scope]:
        """Those of these scopes in which the reader has any right, by id, in one statement."""
        return {scope.id: scope for scope in self._several(ids) if self.may(scope, reader)}

    def _several(self, ids: Collection[str]) -> list[Scope]:
        database = self._store.database
        statement = f"SELECT {_COLUMNS} FROM scope s WHERE {database.among('s.id')}"
        with self._store.read() as connection:
            return [_scope(row) for row in connection.exec_driver_sql(statement, (database.listed(ids),))]

    def find(self, id: str, reader: Reader) -> Scope:
        """The scope, for whoever has any right in it; NotFound if there is none, and to others."""
        with self._store.read() as connection:
            scope = _read(connection, id)
        if scope is None or not self.may(scope, reader):
            raise absent(id)
        return scope

    def managed(self, id: str, reader: Reader) -> Scope:
        """The scope, for whoever manages it; NotFound to who has no right in it, Forbidden to who has another."""
        with self._store.read() as connection:
            return self._managed(connection, id, reader)

    def _managed(self, connection: Connection, id: str, reader: Reader) -> Scope:
        scope = _read(connection, id)
        if scope is None or not self.may(scope, reader):
            raise absent(id)
        demand("manage", scope.facts, reader, self._clock())
        return scope

    def list(self, reader: Reader, *, after: str | None = None, limit: int = 1_000) -> tuple[Scope, ...]:
        """The scopes in which the reader has any right, in the order of their ids, from behind `after` on."""
        of = self._sight.class_of(reader)
        tables = ", ".join(f"{name} (key) AS MATERIALIZED ({query})" for name, query in self._sight.tables(of).items())
        granted, more = self._sight.granted_otherwise(reader, "s")
        statement = (
            f"{'WITH ' + tables if tables else ''} SELECT {_COLUMNS} FROM scope s"
            f" WHERE ({self._sight.readable(of, 's')} OR {granted})"
            f" AND s.id > {self._sight.value('after')} ORDER BY s.id LIMIT {self._sight.value('limit')}"
        ).strip()
        values = {**self._sight.values(reader, self._clock()), **more, "after": after or "", "limit": limit}
        with self._store.read() as connection:
            return tuple(map(_scope, connection.exec_driver_sql(statement, values)))

    @staticmethod
    def in_or_below(column: ColumnElement[Any], id: str) -> ColumnElement[bool]:
        """Whether a column names this scope or one below it."""
        below = f"{id}/"
        # Not by LIKE, for which SQLite takes `lab/ABC` and `lab/abc` for one.
        return or_(column == id, func.substr(column, 1, len(below)) == below)

    def roots(self) -> tuple[str, ...]:
        """Every scope without one above it, in the order of their ids."""
        with self._store.read() as connection:
            return tuple(connection.scalars(text("SELECT id FROM scope WHERE parent IS NULL ORDER BY id")))

    def create(
        self,
        id: str,
        by: Reader,
        *,
        title: Mapping[str, str] | None = None,
        mode: Mode | None = None,
        metadata_until: str | None = None,
        data_until: str | None = None,
        data_mode: DataMode | None = None,
        resource: str | None = None,
    ) -> Scope:
        """Make a scope: a root by an administrator, any other by whoever manages the scope above it."""
        check_scope_id(id)
        made = Scope(
            id,
            title or {},
            id.count("/") + 1,
            _mode(mode),
            moment_told("metadataUntil", metadata_until),
            moment_told("dataUntil", data_until),
            _data_mode(data_mode),
            _resource(resource),
            False,
            None,
            None,
            False,
        )
        _check_title(made.title)
        with self._store.write() as connection:
            self._alone(connection)
            above = self._above(connection, made, by)
            if _read(connection, id) is not None:
                raise Conflict(f"scope {id}: it is there already", ja=f"スコープ {id} はすでにあります")
            parent = _key(connection, made.parent) if made.parent else None
            key = connection.scalar(text("SELECT coalesce(max(key), 0) + 1 FROM scope"))
            connection.execute(
                text(
                    "INSERT INTO scope (key, id, parent, level, title, mode, metadata_until, data_until, data_mode, resource, open)"
                    " VALUES (:key, :id, :parent, :level, :title, :mode, :metadata_until, :data_until, :data_mode, :resource, :open)"
                ),
                {
                    "key": key,
                    "id": id,
                    "parent": parent,
                    "level": made.level,
                    "title": orjson.dumps(dict(made.title)).decode(),
                    "mode": made.mode,
                    "metadata_until": made.metadata_until,
                    "data_until": made.data_until,
                    "data_mode": made.data_mode,
                    "resource": made.resource,
                    "open": False,
                },
            )
            connection.execute(
                text(
                    "INSERT INTO scope_closure (ancestor, descendant, depth)"
                    " SELECT ancestor, CAST(:key AS BIGINT), depth + 1 FROM scope_closure WHERE descendant = :parent"
                    if parent is not None
                    else "INSERT INTO scope_closure (ancestor, descendant, depth) SELECT key, key, 0 FROM scope WHERE key = :key"
                ),
                {"key": key, "parent": parent} if parent is not None else {"key": key},
            )
            if parent is not None:
                connection.execute(
                    text("INSERT INTO scope_closure (ancestor, descendant, depth) VALUES (:key, :key, 0)"), {"key": key}
                )
            return self._settle(connection, id, by, "create", above)

    def change(
        self,
        id: str,
        by: Reader,
        *,
        title: Mapping[str, str] | Keep = KEEP,
        mode: Mode | Keep | None = KEEP,
        metadata_until: str | Keep | None = KEEP,
        data_until: str | Keep | None = KEEP,
        data_mode: DataMode | Keep | None = KEEP,
        resource: str | Keep | None = KEEP,
        confirmed: bool = False,
    ) -> Scope:
        """Set what is named, by whoever manages the scope; None leaves it to the scope above.

        What is in force in the scopes below follows in the same transaction. Conflict if more than `MANY` public records
        would be closed to everyone, unless that is confirmed.
        """
        wanted: dict[str, Any] = {}
        if not isinstance(title, Keep):
            _check_title(title)
            wanted["title"] = orjson.dumps(dict(title)).decode()
        if not isinstance(mode, Keep):
            wanted["mode"] = _mode(mode)
        if not isinstance(metadata_until, Keep):
            wanted["metadata_until"] = moment_told("metadataUntil", metadata_until)
        if not isinstance(data_until, Keep):
            wanted["data_until"] = moment_told("dataUntil", data_until)
        if not isinstance(data_mode, Keep):
            wanted["data_mode"] = _data_mode(data_mode)
        if not isinstance(resource, Keep):
            wanted["resource"] = _resource(resource)
        with self._store.write() as connection:
            self._alone(connection)
            scope = self._managed(connection, id, by)
            if not wanted:
                return scope
            named = ", ".join(f"{column} = :{column}" for column in wanted)
            connection.execute(text(f"UPDATE scope SET {named} WHERE id = :id"), {**wanted, "id": id})
            above = _read(connection, scope.parent) if scope.parent else None
            return self._settle(connection, id, by, "change", above, confirmed)

    def _alone(self, connection: Connection) -> None:
        # Two who change one tree at a time would each work out what is in force from what the other is changing. The epoch
        # goes first, as wherever rights change: who takes two locks in two orders waits for ever.
        turn(connection)
        self._store.database.hold_positions(connection)

    def _above(self, connection: Connection, made: Scope, by: Reader) -> Scope | None:
        if made.parent is None:
            if not by.administrator:
                raise Forbidden(
                    "a scope without one above it is made by administrators",
                    ja="最上位のスコープは管理者だけが作成できます",
                )
            return None
        return self._managed(connection, made.parent, by)

    def _settle(
        self, connection: Connection, id: str, by: Reader, what: str, above: Scope | None, confirmed: bool = True
    ) -> Scope:
        """Work out what is in force in the scope and below it, and tell it in the order of changes."""
        below = connection.exec_driver_sql(
            f"SELECT {_COLUMNS} FROM scope s WHERE s.key IN (SELECT c.descendant FROM scope_closure c JOIN scope t ON t.key = c.ancestor"
            f" WHERE t.id = {self._store.database.mark}) ORDER BY s.level, s.id",
            (id,),
        ).fetchall()
        in_force: dict[str, tuple[bool, str | None, str | None, bool]] = {}
        if above is not None:
            in_force[above.id] = (above.open, above.metadata_embargo, above.data_embargo, above.data_approval)
        was: Scope | None = None
        changed = []
        closed = []
        moment = self._clock()
        for scope in map(_scope, below):
            inherited = in_force.get(scope.parent or "", (False, None, None, False))
            is_open = inherited[0] if scope.mode is None else scope.mode == "everyone"
            by_approval = inherited[3] if scope.data_mode is None else scope.data_mode == "approval"
            now = (is_open, scope.metadata_until or inherited[1], scope.data_until or inherited[2], by_approval)
            in_force[scope.id] = now
            if scope.id == id:
                was = scope
            if now != (scope.open, scope.metadata_embargo, scope.data_embargo, scope.data_approval):
                changed.append({"id": scope.id, "open": now[0], "metadata": now[1], "data": now[2], "approval": now[3]})
            after = replace(scope, open=now[0], metadata_embargo=now[1])
            if decide("read", scope.facts, PUBLIC, moment) and not decide("read", after.facts, PUBLIC, moment):
                closed.append(scope.id)
        if closed and not confirmed:
            self._demand_few(connection, id, closed)
        if changed:
            connection.execute(
                text(
                    "UPDATE scope SET open = :open, metadata_embargo = :metadata, data_embargo = :data,"
                    " data_approval = :approval WHERE id = :id"
                ),
                changed,
            )
            self._follow(connection, [str(scope["id"]) for scope in changed], moment)
        settled = _read(connection, id)
        assert settled is not None
        assert was is not None
        self._tell(connection, settled, was, by, what)
        self._audit.note(
            connection,
            "scope",
            by.id,
            scope=id,
            what=what,
            was=_force(was),
            now=_force(settled),
            set=settled.document()["set"],
        )
        return settled

    def _demand_few(self, connection: Connection, id: str, closed: Sequence[str]) -> None:
        database = self._store.database
        counted = (
            "SELECT count(*) FROM record r JOIN scope s ON s.key = r.scope"
            f" WHERE r.status = 'public' AND {database.among('s.id')}"
        )
        number = connection.exec_driver_sql(counted, (database.listed(closed),)).scalar_one()
        if number > MANY:
            raise Conflict(
                f"scope {id}: this would close {number} public records to everyone at once; say that it is meant to (confirm)",
                ja=f"スコープ {id}: 公開レコード {number} 件が一度に閲覧できなくなります。意図した操作であれば confirm を指定してください",
            )

    def _tell(self, connection: Connection, settled: Scope, was: Scope, by: Reader, what: str) -> None:
        database = self._store.database
        node = NODE + settled.id
        key = connection.scalar(text("SELECT key FROM node WHERE id = :id"), {"id": node})
        if key is None:
            key = database.make_nodes(connection, [node])[node]
        detail = {
            "scope": settled.id,
            "what": what,
            "set": settled.document()["set"],
            "was": None if what == "create" else _force(was),
            "now": _force(settled),
        }
        position = database.hold_positions(connection) + 1
        row = (position, key, "scope", 0, self._clock(), by.id, orjson.dumps(detail).decode())
        database.insert(connection, "change", ("position", "record", "verb", "revision", "at", "by", "detail"), [row])


def absent(id: str) -> NotFound:
    """What is said of a scope that is hidden or was never made: the same."""
    return NotFound(
        f"scope {id:.200}: there is none of this id; scopes are made first, never in passing",
        ja=f"スコープ {id:.200} はありません",
    )


def _force(scope: Scope) -> dict[str, Any]:
    return {
        "open": scope.open,
        "metadata": scope.metadata_embargo,
        "data": scope.data_embargo,
        "approval": scope.data_approval,
    }


def _read(connection: Connection, id: str) -> Scope | None:
    # PostgreSQL takes no NUL in a text, not even to say that there is no such row.
    if "\0" in id:
        return None
    row = connection.execute(text(f"SELECT {_COLUMNS} FROM scope s WHERE s.id = :id"), {"id": id}).fetchone()
    return None if row is None else _scope(row)


def _scope(row: Any) -> Scope:
    told: dict[str, Any] = dict(row._mapping)
    told["title"] = orjson.loads(told["title"])
    told["open"] = bool(told["open"])
    told["data_approval"] = bool(told["data_approval"])
    return Scope(**told)


def _key(connection: Connection, id: str) -> int:
    return int(connection.scalar(text("SELECT key FROM scope WHERE id = :id"), {"id": id}) or 0)


def check_scope_id(id: str) -> None:
    """Invalid if a text can't be a scope's id."""
    if not _ID.fullmatch(id):
        raise Invalid(
            f"scope {id!r:.200}: write names of letters, digits, '.', '_' and '-' with slashes between them, as spring8/2026A1234",
            ja=f"スコープ {id!r:.200}: 英数字と「.」「_」「-」の名前を / でつないでください (例 spring8/2026A1234)",
        )
    above, _, name = id.rpartition("/")
    if above and name in FOLLOWED_BY:
        raise Invalid(
            f"scope {id:.200}: /scopes/{id:.200} is an address of the scope {above}; choose another name than {name}",
            ja=f"スコープ {id:.200}: {name} はアドレスで使われる語のため、名前にできません",
        )
    if id.count("/") >= DEEPEST:
        raise Invalid(
            f"scope {id:.200}: the tree has at most {DEEPEST} levels",
            ja=f"スコープ {id:.200}: 階層は{DEEPEST}段までです",
        )


def _check_title(title: Mapping[str, str]) -> None:
    if not all(isinstance(language, str) and isinstance(told, str) for language, told in title.items()):
        raise Invalid(
            'title: write texts by language, as {"en": "…", "ja": "…"}',
            ja='title: {"en": "…", "ja": "…"} の形で書いてください',
        )


def _mode(mode: str | None) -> Mode | None:
    match mode:
        case None | "everyone" | "limited":
            return mode
    raise Invalid(
        f"mode: {mode!r:.80} is neither everyone nor limited",
        ja=f"mode: {mode!r:.80} は everyone か limited ではありません",
    )


def _data_mode(mode: str | None) -> DataMode | None:
    match mode:
        case None | "open" | "approval":
            return mode
    raise Invalid(
        f"dataMode: {mode!r:.80} is neither open nor approval",
        ja=f"dataMode: {mode!r:.80} は open か approval ではありません",
    )


def _resource(resource: str | None) -> str | None:
    if resource is None or is_iri(resource):
        return resource
    raise Invalid(
        f"resource: {resource!r:.200} is no absolute IRI, which is how visas name data",
        ja=f"resource: {resource!r:.200} は絶対 IRI ではありません",
    )
