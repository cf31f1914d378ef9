"""Who is left to manage scopes: people and programs behind the permissions, also through groups.

What counts was given in the scope itself and has no end: what ends leaves nobody one day.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.holders import end_holder
from catalog.store.tables import group_claim, holder, membership, permission, scope

_GIVEN = (permission.c.may == "manage", permission.c.ended_at.is_(None), permission.c.until.is_(None))


def has_manager(connection: Connection, scope_key: int, moment: str) -> bool:
    """Whether somebody manages a scope."""
    return not _unmanaged(connection, select(scope.c.key).where(scope.c.key == scope_key), moment)


def without_manager(connection: Connection, holder_key: int, moment: str) -> tuple[str, ...]:
    """Of the scopes that were given to a holder, or to a group that it is in, to manage: those that nobody manages."""
    mine = select(holder.c.key).where(holder.c.key == holder_key).cte("mine", recursive=True)
    around = mine.union(select(membership.c.group_key).join(mine, mine.c.key == membership.c.member))
    given = select(permission.c.scope).where(permission.c.holder.in_(select(around.c.key)), *_GIVEN)
    return _unmanaged(connection, given, moment)


def newly_without_manager(
    connection: Connection, holder_key: int, moment: str, before: Collection[str]
) -> tuple[str, ...]:
    """Those that this transaction has left without one; `before` are those that had none when it began."""
    known = set(before)
    return tuple(id for id in without_manager(connection, holder_key, moment) if id not in known)


def end_manager(connection: Connection, audit: Audit, holder_key: int, id: str, *, at: str, by: str) -> tuple[str, ...]:
    """End a person or a program whatever they manage; the scopes that this leaves without a manager, which are written down."""
    turn(connection)
    before = without_manager(connection, holder_key, at)
    end_holder(connection, holder_key, at)
    left = newly_without_manager(connection, holder_key, at, before)
    for scope_id in left:
        audit.note(connection, "unmanaged", by, scope=scope_id, holder=id)
    return left


def _unmanaged(connection: Connection, scopes: Select[Any], moment: str) -> tuple[str, ...]:
    """Of these scopes, told by their keys, those behind whose managers there is nobody who stays."""
    given = (*_GIVEN, or_(permission.c.since.is_(None), permission.c.since <= moment))
    named = select(permission.c.holder).where(permission.c.scope.in_(scopes), *given)
    alive = (
        select(holder.c.key.label("named"), holder.c.key, holder.c.kind)
        .where(holder.c.key.in_(named), holder.c.ended_at.is_(None))
        .cte("behind", recursive=True)
    )
    within = (
        select(alive.c.named, holder.c.key, holder.c.kind)
        .join(membership, membership.c.group_key == alive.c.key)
        .join(holder, holder.c.key == membership.c.member)
        .where(holder.c.ended_at.is_(None), membership.c.until.is_(None))
    )
    every = alive.union(within)
    # Whom an issuer calls a member of a group is known when they sign in: such a group is taken to have some.
    claimed = select(group_claim.c.group_key)
    somebody = select(every.c.named).where(or_(every.c.kind.in_(("person", "workload")), every.c.key.in_(claimed)))
    managed = select(permission.c.scope).where(permission.c.holder.in_(somebody), *given)
    found = select(scope.c.id).where(scope.c.key.in_(scopes), scope.c.key.not_in(managed))
    return tuple(connection.scalars(found.order_by(scope.c.id)))
