"""Whoever rights can be given to: made, found by id, and ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from catalog.access.epoch import turn
from catalog.errors import NotFound
from catalog.store.tables import holder

HolderKind = Literal["person", "group", "workload", "link", "everyone", "signed-in"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who can hold rights."""

    key: int
    id: str
    kind: HolderKind
    name: str

    def document(self) -> dict[str, Any]:
        """The holder as it is named in answers."""
        return {"id": self.id, "kind": self.kind, "name": self.name}


def make_holder(
    connection: Connection, kind: HolderKind, name: str, *, by: str, at: str, id: str | None = None
) -> Holder:
    """Somebody new; without an id one that tells nothing and can't be guessed."""
    made = id if id is not None else f"{kind}:{secrets.token_hex(8)}"
    inserted = connection.execute(
        insert(holder).returning(holder.c.key), {"id": made, "kind": kind, "name": name, "at": at, "by": by}
    )
    return Holder(int(inserted.scalar_one()), made, kind, name)


def holder_of(connection: Connection, id: str) -> Holder:
    """The holder of this id; NotFound if there is none, or it has ended."""
    if not id.isprintable():
        raise nobody(ascii(id))
    row = connection.execute(
        select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name).where(
            holder.c.id == id, holder.c.ended_at.is_(None)
        )
    ).fetchone()
    if row is None:
        raise nobody(id)
    return Holder(*row)


def nobody(id: str) -> NotFound:
    """What is said of a holder that is not here, has ended, or is not to be known of."""
    return NotFound(
        f"there is nobody called {id:.200}: name a person, a group or a workload by its id, 'everyone' or 'signed-in'",
        ja=f"{id:.200} は登録されていません。利用者、グループ、ワークロードの ID、または everyone、signed-in を指定してください",
    )


def end_holder(connection: Connection, key: int, at: str) -> bool:
    """From now on they hold nothing; whether they held anything before."""
    ended = connection.execute(
        update(holder).where(holder.c.key == key, holder.c.ended_at.is_(None)).values(ended_at=at)
    )
    turn(connection)
    return ended.rowcount > 0
