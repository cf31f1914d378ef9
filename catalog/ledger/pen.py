"""What every verb writes with, and the record that it writes about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from catalog.errors import Conflict, NotFound
from catalog.ledger import terms
from catalog.ledger.changes import Change, done_as, write_changes
from catalog.ledger.mirror import Mirrors, Target
from catalog.records.record import By, actor_of
from catalog.store.clock import Clock
from catalog.store.engine import Store
from catalog.store.tables import node, record


@dataclass(frozen=True, slots=True)
class Pen:
    """The store, its mirrors, and the clock."""

    store: Store
    mirrors: Mirrors
    clock: Clock


@dataclass(frozen=True, slots=True)
class Held:
    """A record that no other writer touches while this transaction lasts."""

    id: str
    key: int
    kind: str
    scope: int
    status: str
    revision: int
    shown: int
    merged_into: int | None


@dataclass(slots=True)
class Page:
    """One transaction of a verb: the records that it holds, and the changes that it will have made."""

    connection: Connection
    pen: Pen
    by: str
    agent: str | None
    at: str
    targets: Mapping[str, Sequence[Target]]
    changes: list[Change] = field(default_factory=list)
    last: int | None = None
    terms: dict[int, int] = field(default_factory=dict)  # the term records that it holds, and what they stood for

    def hold(self, *ids: str) -> list[Held]:
        """These records, locked; NotFound if one is not here."""
        database = self.pen.store.database
        keys = {row.id: int(row.key) for row in self.connection.execute(_KEYS, {"ids": list(ids)})}
        for id in ids:
            if id not in keys:
                raise _absent(id)
        database.lock(self.connection, sorted(keys.values()))
        found = {row.key: row for row in self.connection.execute(_RECORDS, {"keys": list(keys.values())})}
        held = []
        for id in ids:
            if (row := found.get(keys[id])) is None:
                raise _absent(id)
            held.append(Held(id, *row))
        self.terms |= terms.named(self.connection, database, [each.key for each in held if each.kind == terms.KIND])
        return held

    def set(self, held: Held, **columns: Any) -> None:
        """Change columns of the record's row, and with them the time of its last change."""
        self.connection.execute(record.update().where(record.c.key == held.key).values(modified_at=self.at, **columns))

    def note(self, held: Held, verb: str, detail: Mapping[str, Any] | None = None) -> None:
        """Let this change be told at the end."""
        change = Change(held.key, verb, held.revision, self.at, self.by, detail)
        self.changes.append(done_as(self.agent, change))


@contextmanager
def page(pen: Pen, by: By) -> Iterator[Page]:
    """One transaction in which a verb writes; its changes get their positions as its last act, told in `last`."""
    with pen.store.write() as connection:
        actor = actor_of(by)
        opened = Page(connection, pen, actor.id, actor.agent, pen.clock(), pen.mirrors.targets(connection))
        yield opened
        if opened.changes:
            terms.keep(connection, pen.store.database, opened.at, opened.terms.keys(), opened.terms)
            first = write_changes(connection, pen.store.database, opened.changes)
            opened.last = first + len(opened.changes) - 1


def expect(held: Held, revision: int | None) -> None:
    """Refuse what was decided on an older state of the record."""
    if revision is not None and revision != held.revision:
        raise Conflict(
            f"{held.id} is at revision {held.revision}, not {revision}: read it again, then decide",
            ja=f"{held.id} は現在リビジョン {held.revision} です({revision} ではありません)。読み直してから判断してください",
            revision=held.revision,
        )


def scope_key(connection: Connection, scope: str) -> int:
    """The key of a scope; NotFound if there is none of this id, for none is ever made in passing."""
    key = connection.scalar(text("SELECT key FROM scope WHERE id = :id"), {"id": scope})
    if key is None:
        raise NotFound(
            f"there is no scope {scope!r}: make it first, or name one that is there",
            ja=f"スコープ {scope!r} はありません。先に作成するか、既存のものを指定してください",
        )
    return int(key)


def _absent(id: str) -> NotFound:
    return NotFound(f"there is no record {id}", ja=f"レコード {id} はありません")


_KEYS = select(node.c.id, node.c.key).where(node.c.id.in_(bindparam("ids", expanding=True)))
_RECORDS = select(
    record.c.key,
    record.c.kind,
    record.c.scope,
    record.c.status,
    record.c.revision,
    record.c.shown,
    record.c.merged_into,
).where(record.c.key.in_(bindparam("keys", expanding=True)))
