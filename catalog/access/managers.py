"""Whether somebody is left who manages a scope: people and programs behind the permissions, also through groups."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from catalog.store.tables import group_claim, holder, membership, permission, scope


def has_manager(connection: Connection, scope_key: int, moment: str) -> bool:
    """Whether somebody manages a scope by what was given in it itself, without an end: what ends leaves nobody one day."""
    given = select(permission.c.holder).where(
        permission.c.scope == scope_key,
        permission.c.may == "manage",
        permission.c.ended_at.is_(None),
        permission.c.until.is_(None),
        or_(permission.c.since.is_(None), permission.c.since <= moment),
    )
    return bool(_behind(connection, tuple(connection.scalars(given))))


def is_empty(connection: Connection, group_key: int) -> bool:
    """Whether nobody is in a group any more, not even through others."""
    return not _behind(connection, (group_key,))


def managed_through(connection: Connection, group_key: int) -> tuple[tuple[int, str], ...]:
    """The scopes, by key and id, that are managed by a group or by one that it is in."""
    mine = select(holder.c.key).where(holder.c.key == group_key).cte("mine", recursive=True)
    around = mine.union(select(membership.c.group_key).join(mine, mine.c.key == membership.c.member))
    rows = connection.execute(
        select(scope.c.key, scope.c.id)
        .join(permission, permission.c.scope == scope.c.key)
        .where(
            permission.c.holder.in_(select(around.c.key)),
            permission.c.may == "manage",
            permission.c.ended_at.is_(None),
            permission.c.until.is_(None),
        )
        .distinct()
        .order_by(scope.c.id)
    )
    return tuple((row.key, row.id) for row in rows)


def _behind(connection: Connection, roots: tuple[int, ...]) -> bool:
    """Whether one of these holders is somebody, or a group with somebody in it who stays."""
    alive = (
        select(holder.c.key, holder.c.kind)
        .where(holder.c.key.in_(roots), holder.c.ended_at.is_(None))
        .cte("behind", recursive=True)
    )
    within = (
        select(holder.c.key, holder.c.kind)
        .join(membership, membership.c.member == holder.c.key)
        .join(alive, alive.c.key == membership.c.group_key)
        .where(holder.c.ended_at.is_(None), membership.c.until.is_(None))
    )
    every = alive.union(within)
    # Whom an issuer calls a member of a group is known when they sign in: such a group is taken to have some.
    claimed = select(group_claim.c.group_key)
    found = select(every.c.key).where(or_(every.c.kind.in_(("person", "workload")), every.c.key.in_(claimed)))
    return connection.execute(found.limit(1)).fetchone() is not None
