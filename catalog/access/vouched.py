"""What somebody holds by an issuer's word, told to them when it comes or goes: groups that it names, data that visas allow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, select

from catalog.access.notices import Verb, claimed_by, tell_holder, tell_members
from catalog.store.database import Database
from catalog.store.tables import group_claim, identity, scope


def tell_difference(
    connection: Connection,
    database: Database,
    issuer_id: str,
    person: int,
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    at: str,
    by: str,
) -> None:
    """Tell a person what they gain and lose by one of their identities; `groups` and `visas` are as they are stored."""
    groups = [set(orjson.loads(each["groups"])) for each in (before, after)]
    resources = [{visa["resource"] for visa in orjson.loads(each["visas"])} for each in (before, after)]
    gained, lost = groups[1] - groups[0], groups[0] - groups[1]
    tell: tuple[tuple[Verb, set[str], set[str]], ...] = (
        ("grant", gained, resources[1] - resources[0]),
        ("revoke", lost, resources[0] - resources[1]),
    )
    for verb, values, named in tell:
        for group in _groups_called(connection, issuer_id, values):
            tell_members(connection, database, verb, group, [person], at=at, by=by)
        _tell_of_data(connection, database, verb, named, person, at=at, by=by)


def tell_groups_gone(connection: Connection, database: Database, issuer_id: str, *, at: str, by: str) -> None:
    """Tell everybody what they lose when what this issuer said of groups counts no more, before it does not."""
    claims = connection.execute(
        select(group_claim.c.group_key, group_claim.c.value).where(group_claim.c.issuer == issuer_id)
    ).fetchall()
    for group, value in claims:
        members = claimed_by(connection, issuer_id, value)
        tell_members(connection, database, "revoke", group, members, at=at, by=by)


def tell_visas_gone(
    connection: Connection,
    database: Database,
    whose: ColumnElement[bool],
    which: Callable[[Mapping[str, str]], bool],
    *,
    at: str,
    by: str,
) -> None:
    """Tell everybody what data visas allow them no more: of these identities, and of their visas those that are meant."""
    rows = connection.execute(
        select(identity.c.person, identity.c.visas).where(whose, identity.c.visas != "[]")
    ).fetchall()
    for person, visas in rows:
        named = {visa["resource"] for visa in orjson.loads(visas) if which(visa)}
        _tell_of_data(connection, database, "revoke", named, person, at=at, by=by)


def _groups_called(connection: Connection, issuer_id: str, values: Collection[str]) -> Sequence[int]:
    if not values:
        return []
    called = select(group_claim.c.group_key).where(
        group_claim.c.issuer == issuer_id, group_claim.c.value.in_(sorted(values))
    )
    return connection.scalars(called.distinct().order_by(group_claim.c.group_key)).all()


def _tell_of_data(
    connection: Connection,
    database: Database,
    verb: Verb,
    resources: Collection[str],
    person: int,
    *,
    at: str,
    by: str,
) -> None:
    if not resources:
        return
    named = select(scope.c.id).where(scope.c.resource.in_(sorted(resources))).order_by(scope.c.id)
    for id in connection.scalars(named).all():
        tell_holder(connection, database, verb, id, ["download"], person, at=at, by=by)
