"""From who somebody is to what they may: a reader is worked out once, and again when anybody's rights change.

What changes rights raises the epoch in its own transaction (`epoch.turn`); every request compares it, so that a right that was
taken away is gone at the next one, in every process. What begins or ends by the clock is known when a reader is made,
who is made again at that moment.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from sqlalchemy import Connection, or_, select

from catalog.access.policy import SUFFICIENT
from catalog.questions.reader import PUBLIC, Grant, Reader, Right
from catalog.records.standing import scope_path
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import group_claim, holder, identity, issuer, membership, permission, person, scope

_EPOCH: Final = "SELECT number FROM epoch WHERE key = 1"
EVERYONE: Final = 1
SIGNED_IN: Final = 2
# Later than any moment that is written.
ENDLESS: Final = "~"
KEPT: Final = 1_024


@dataclass(frozen=True, slots=True)
class Part:
    """A part of somebody's rights, as a token may carry it: a right in a scope and below it, or (None) everywhere."""

    right: Right
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    reader: Reader
    epoch: int
    until: str | None  # when something begins or ends by the clock


class Readers:
    """Makes readers, and keeps them while nothing has changed. Safe to use from any thread."""

    def __init__(self, store: Store, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[object, _Made] = OrderedDict()

    def public(self, *, epoch: int | None = None) -> Reader:
        """Who has not said who they are: with what was granted to everyone; `epoch` as in `person`."""
        made = self._reader("public", (EVERYONE,), epoch=epoch)
        # Answers to exactly this value are the same for everybody, and may be kept by whoever passes them on.
        return made if made.grants else PUBLIC

    def person(
        self,
        key: int,
        id: str,
        *,
        part: Sequence[Part] | None = None,
        agent: str | None = None,
        epoch: int | None = None,
    ) -> Reader:
        """A person, or a part of what they may; `id` is the holder's id of that key.

        `epoch`: the number as it stands at this request, if whoever asks has just read it.
        """
        whole = self._reader(id, (EVERYONE, SIGNED_IN, key), person=key, epoch=epoch)
        return whole if part is None and agent is None else self.part_of(whole, part, agent=agent)

    def workload(
        self,
        key: int,
        id: str,
        *,
        part: Sequence[Part] | None = None,
        source: str | None = None,
        agent: str | None = None,
    ) -> Reader:
        """A program that an issuer vouches for."""
        return self.part_of(self._reader(id, (EVERYONE, SIGNED_IN, key)), part, source=source, agent=agent)

    def link(self, key: int, id: str) -> Reader:
        """Whoever carries a link: with what the link is for, and what everyone may."""
        return self._reader(id, (EVERYONE, key))

    def source(self, name: str, part: Sequence[Part], *, agent: str | None = None, epoch: int | None = None) -> Reader:
        """A source itself, which writes its own records in the scopes that its token names; `epoch` as in `person`."""
        grants = tuple(Grant(each.right, each.scope) for each in part if each.scope is not None)
        everyones = self.public(epoch=epoch).grants
        return Reader(f"source:{name}", (*grants, *everyones), source=name, agent=agent)

    def _reader(self, id: str, keys: tuple[int, ...], *, person: int | None = None, epoch: int | None = None) -> Reader:
        if (known := self._known((id, keys), self._epoch() if epoch is None else epoch)) is not None:
            return known
        moment = self._clock()
        with self._store.read() as connection:
            # In the same state as what is read now: what is changed meanwhile has a number of its own.
            number = connection.exec_driver_sql(_EPOCH).scalar_one()
            made = _make(connection, id, keys, person, number, moment)
        with self._lock:
            before = self._made.get((id, keys))
            if before is not None and before.reader == made.reader:
                # Somebody else's rights have changed. Much is kept elsewhere by which reader it was worked out of.
                made = replace(made, reader=before.reader)
            self._made[(id, keys)] = made
            self._made.move_to_end((id, keys))
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made.reader

    def _epoch(self) -> int:
        # Once for each request: in a transaction of its own it took five times as long.
        with self._store.glance() as driver:
            (number,) = driver.execute(_EPOCH).fetchone()
        return int(number)

    def _known(self, key: object, number: int) -> Reader | None:
        with self._lock:
            made = self._made.get(key)
            if made is None or made.epoch != number or (made.until is not None and made.until <= self._clock()):
                return None
            self._made.move_to_end(key)
            return made.reader

    def part_of(
        self, whole: Reader, part: Sequence[Part] | None, *, source: str | None = None, agent: str | None = None
    ) -> Reader:
        """A reader with no more than a part of what they hold, who writes a source's records only, or as a device."""
        partial = part is not None or source is not None or agent is not None
        narrowed = replace(whole, source=source, agent=agent, partial=whole.partial or partial)
        if part is None:
            return narrowed
        roots: tuple[str, ...] = ()
        if whole.administrator and any(each.scope is None for each in part):
            with self._store.read() as connection:
                roots = tuple(connection.scalars(select(scope.c.id).where(scope.c.parent.is_(None))))
        # What everyone may nobody gives up by saying who they are.
        grants = tuple(dict.fromkeys((*within(whole, part, roots), *self.public().grants)))
        return replace(narrowed, grants=grants, holders=(), stored=False, administrator=False)


def within(whole: Reader, part: Iterable[Part], roots: Collection[str]) -> tuple[Grant, ...]:
    """What of its part a reader holds now: never more than either says. `roots` are all scopes without one above."""
    held: set[Grant] = set()
    for each in part:
        if whole.administrator:
            held.update(Grant(each.right, scope) for scope in ((each.scope,) if each.scope else roots))
            continue
        sufficient = SUFFICIENT[each.right]
        if each.scope is None:
            held.update(Grant(each.right, scope) for scope in whole.scopes_for(*sufficient))
            continue
        if whole.holds(sufficient, scope_path(each.scope)):
            held.add(Grant(each.right, each.scope))
        else:
            below = f"{each.scope}/"
            held.update(Grant(each.right, scope) for scope in whole.scopes_for(*sufficient) if scope.startswith(below))
    return tuple(sorted(held, key=lambda grant: (grant.scope, grant.right)))


def _make(
    connection: Connection, id: str, keys: tuple[int, ...], person_key: int | None, number: int, moment: str
) -> _Made:
    ends: list[str] = []
    roots = set(keys)
    visas: list[Grant] = []
    administrator = False
    if person_key is not None:
        roots |= _claimed(connection, person_key)
        visas = _allowed_by_visas(connection, person_key, moment, ends)
        administrator = bool(
            connection.scalar(
                select(person.c.administrator)
                .join(holder, holder.c.key == person.c.key)
                .where(person.c.key == person_key, holder.c.ended_at.is_(None))
            )
        )
    holders = with_groups(connection, roots, moment, ends)
    held: dict[tuple[Right, str], None] = {}
    rows = connection.execute(
        select(scope.c.id, permission.c.may, permission.c.since, permission.c.until)
        .join(scope, scope.c.key == permission.c.scope)
        .where(permission.c.holder.in_(holders), permission.c.ended_at.is_(None))
    ).fetchall()
    for where, right, since, until in rows:
        if since is not None and since > moment:
            ends.append(since)
        elif until is None or until > moment:
            held[right, where] = None
            if until is not None:
                ends.append(until)
    grants = (Grant(right, where) for right, where in held)
    reader = Reader(id, (*grants, *visas), administrator=administrator, holders=tuple(sorted(holders)), stored=True)
    return _Made(reader, number, min(ends, default=None))


def with_groups(connection: Connection, roots: Collection[int], moment: str, ends: list[str]) -> set[int]:
    """These holders and every group that they are in, directly or through others; a ring of groups is no more than one."""
    alive = select(holder.c.key).where(holder.c.key.in_(roots), holder.c.ended_at.is_(None))
    mine = alive.cte("mine", recursive=True)
    joined = (
        select(membership.c.group_key)
        .join(mine, mine.c.key == membership.c.member)
        .join(holder, holder.c.key == membership.c.group_key)
        .where(holder.c.ended_at.is_(None), (membership.c.until.is_(None)) | (membership.c.until > moment))
    )
    every = mine.union(joined)
    found = set(connection.scalars(select(every.c.key)))
    ends.extend(
        until
        for until in connection.scalars(
            select(membership.c.until).where(membership.c.member.in_(found), membership.c.until > moment)
        )
        if until is not None
    )
    return found


def groups_until(connection: Connection, key: int, moment: str) -> dict[int, str]:
    """A person or a program and every group that they are in, each until they are in it no more, or `ENDLESS`."""
    found = dict.fromkeys((key, *_claimed(connection, key)), ENDLESS)
    every = with_groups(connection, found, moment, [])
    within = connection.execute(
        select(membership.c.member, membership.c.group_key, membership.c.until).where(
            membership.c.member.in_(every),
            membership.c.group_key.in_(every),
            or_(membership.c.until.is_(None), membership.c.until > moment),
        )
    ).fetchall()
    # The way that lasts longest counts, and each lasts as long as its shortest part.
    changed = True
    while changed:
        changed = False
        for member, group, until in within:
            last = min(found.get(member, ""), until or ENDLESS)
            if last > found.get(group, ""):
                found[group], changed = last, True
    return {each: last for each, last in found.items() if each in every}


def _claimed(connection: Connection, person_key: int) -> set[int]:
    """The groups in which this person's issuers say that they are."""
    found: set[int] = set()
    rows = connection.execute(
        select(identity.c.issuer, identity.c.groups)
        .join(issuer, issuer.c.id == identity.c.issuer)
        .where(identity.c.person == person_key, issuer.c.ended_at.is_(None))
    ).fetchall()
    for vouching, groups in rows:
        if values := orjson.loads(groups):
            found.update(
                connection.scalars(
                    select(group_claim.c.group_key).where(
                        group_claim.c.issuer == vouching, group_claim.c.value.in_(values)
                    )
                )
            )
    return found


def _allowed_by_visas(connection: Connection, person_key: int, moment: str, ends: list[str]) -> list[Grant]:
    """Data that a visa allows: exactly what it names, until it ends."""
    until: dict[str, str] = {}
    rows = connection.scalars(
        select(identity.c.visas)
        .join(issuer, issuer.c.id == identity.c.issuer)
        .where(identity.c.person == person_key, issuer.c.ended_at.is_(None))
    )
    for visas in rows:
        for visa in orjson.loads(visas):
            if visa["until"] > moment:
                until[visa["resource"]] = max(visa["until"], until.get(visa["resource"], ""))
    if not until:
        return []
    ends.extend(until.values())
    found = connection.scalars(select(scope.c.id).where(scope.c.resource.in_(until)).order_by(scope.c.id))
    return [Grant("download", where) for where in found]
