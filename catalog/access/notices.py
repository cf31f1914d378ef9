"""What those concerned are told of rights that they gained or lost: changes in the ledger's order, which feeds pass on.

A notice names the holders who can ask a feed: people, workloads and links, worked out when it is written. Whoever joins a
group later is not told what it lost before, which would tell of scopes that they have never seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, or_, select

from catalog.access.scopes import NODE
from catalog.questions.reader import Right
from catalog.store.database import Database
from catalog.store.tables import group_claim, holder, identity, membership, permission, scope

Verb = Literal["grant", "revoke"]
VERBS: Final[tuple[Verb, ...]] = ("grant", "revoke")
# The rights by which more or less can be read; sharing and running change nothing of that.
SHOWING: Final[tuple[Right, ...]] = ("read", "download", "write", "manage")
_COLUMNS: Final = ("position", "record", "verb", "revision", "at", "by", "detail")


def tell_holder(
    connection: Connection,
    database: Database,
    verb: Verb,
    scope_id: str,
    rights: Collection[Right],
    key: int,
    *,
    at: str,
    by: str,
    since: str | None = None,
    until: str | None = None,
) -> None:
    """Tell whoever holds by this key that rights were given or taken in a scope."""
    if shown := [right for right in SHOWING if right in rights]:
        detail = {"rights": shown, "since": since, "until": until}
        _write(connection, database, verb, [scope_id], detail, behind(connection, [key], at), at, by)


def tell_members(
    connection: Connection, database: Database, verb: Verb, group: int, members: Iterable[int], *, at: str, by: str
) -> None:
    """Tell whoever comes into a group, or is in it no more, what the group and those that it is in hold."""
    concerned = behind(connection, members, at)
    held = (
        select(scope.c.id)
        .join(permission, permission.c.scope == scope.c.key)
        .where(
            permission.c.holder.in_(_groups_above(connection, group, at)),
            permission.c.may.in_(SHOWING),
            permission.c.ended_at.is_(None),
            or_(permission.c.until.is_(None), permission.c.until > at),
        )
        .distinct()
        .order_by(scope.c.id)
    )
    _write(connection, database, verb, list(connection.scalars(held)), {}, concerned, at, by)


def members_of(connection: Connection, group: int) -> list[int]:
    """Who is in a group by themselves, and whoever an issuer says is."""
    named = list(connection.scalars(select(membership.c.member).where(membership.c.group_key == group)))
    return [*named, *_claimed(connection, [group])]


def claimed_by(connection: Connection, issuer: str, value: str) -> list[int]:
    """The people who this issuer says are in a group of its own."""
    # The value as JSON writes it, so that the database leaves most of them aside.
    written = orjson.dumps(value).decode()
    rows = connection.execute(
        select(identity.c.person, identity.c.groups).where(
            identity.c.issuer == issuer, identity.c.groups.contains(written, autoescape=True)
        )
    )
    return [person for person, groups in rows if value in orjson.loads(groups)]


def behind(connection: Connection, keys: Iterable[int], at: str) -> list[int]:
    """These holders and everybody who holds through them at this moment."""
    first = select(holder.c.key).where(holder.c.key.in_(list(keys)))
    found = first.cte("found", recursive=True)
    joined = (
        select(membership.c.member)
        .join(found, found.c.key == membership.c.group_key)
        .join(holder, holder.c.key == membership.c.group_key)
        .where(holder.c.ended_at.is_(None), or_(membership.c.until.is_(None), membership.c.until > at))
    )
    every = found.union(joined)
    known = set(connection.scalars(select(every.c.key)))
    return sorted(known.union(_claimed(connection, known)))


def _claimed(connection: Connection, groups: Collection[int]) -> set[int]:
    claims = connection.execute(
        select(group_claim.c.issuer, group_claim.c.value).where(group_claim.c.group_key.in_(groups))
    ).fetchall()
    return {person for issuer, value in claims for person in claimed_by(connection, issuer, value)}


def _groups_above(connection: Connection, group: int, at: str) -> list[int]:
    """A group and all that it is in, directly or through others."""
    first = select(holder.c.key).where(holder.c.key == group)
    found = first.cte("found", recursive=True)
    joined = (
        select(membership.c.group_key)
        .join(found, found.c.key == membership.c.member)
        .where(or_(membership.c.until.is_(None), membership.c.until > at))
    )
    every = found.union(joined)
    alive = select(holder.c.key).where(holder.c.key.in_(select(every.c.key)), holder.c.ended_at.is_(None))
    return list(connection.scalars(alive))


def _write(
    connection: Connection,
    database: Database,
    verb: Verb,
    scopes: Sequence[str],
    detail: dict[str, Any],
    concerned: Sequence[int],
    at: str,
    by: str,
) -> None:
    if not scopes or not concerned:
        return
    # Nobody else gives positions from here on to the commit.
    last = database.hold_positions(connection)
    nodes = _nodes(connection, database, scopes)
    rows = [
        (
            position,
            nodes[id],
            verb,
            0,
            at,
            by,
            orjson.dumps({"scope": id, "holders": list(concerned), **detail}).decode(),
        )
        for position, id in enumerate(scopes, last + 1)
    ]
    database.insert(connection, "change", _COLUMNS, rows)


def _nodes(connection: Connection, database: Database, scopes: Sequence[str]) -> dict[str, int]:
    named = [NODE + id for id in scopes]
    asked = f"SELECT id, key FROM node WHERE {database.among('id')}"
    known: dict[str, int] = {
        row[0]: row[1] for row in connection.exec_driver_sql(asked, (database.listed(named),)).fetchall()
    }
    if missing := [id for id in named if id not in known]:
        known |= database.make_nodes(connection, missing)
    return {id: known[NODE + id] for id in scopes}
