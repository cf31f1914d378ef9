"""Who had access to a scope, and when: rights with their times, who was in the groups that held them, when it lay open.

Administrators hold every right in every scope at all times; that somebody is one is in the audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, or_, select

from catalog.access.grants import Grants, Permission
from catalog.access.holders import Holder
from catalog.access.moments import moment_told
from catalog.access.scopes import NODE, Scopes
from catalog.questions.reader import Reader
from catalog.store.engine import Store
from catalog.store.tables import audit, change, holder, node

What = Literal["metadata", "data"]
# Later than any moment that is written.
_ENDLESS: Final = "~"


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when; None is for what has no end yet."""

    begin: str
    end: str | None

    def holds_at(self, moment: str) -> bool:
        """Whether the moment lies in it."""
        return self.begin <= moment < (self.end or _ENDLESS)

    def document(self) -> dict[str, Any]:
        """The period as it is answered."""
        return {"from": self.begin, "until": self.end}


@dataclass(frozen=True, slots=True)
class Held:
    """A right that was given, and when it held."""

    permission: Permission
    period: Period

    def document(self) -> dict[str, Any]:
        """The right as it is answered: what was said when it was given, and from when until when it held in fact."""
        return {**self.permission.document(), "heldFrom": self.period.begin, "heldUntil": self.period.end}


@dataclass(frozen=True, slots=True)
class Team:
    """A group that held a right, directly or as part of another: who was in it, and whom issuers said to be, when."""

    group: Holder
    members: tuple[tuple[Holder, Period], ...]
    claims: tuple[tuple[str, str, Period], ...]  # issuer and what it calls the group

    def document(self) -> dict[str, Any]:
        """The group as it is answered."""
        return {
            "id": self.group.id,
            "name": self.group.name,
            "members": [{"holder": member.document(), **period.document()} for member, period in self.members],
            "claims": [
                {"issuer": issuer, "value": value, **period.document()} for issuer, value, period in self.claims
            ],
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What the scope, or one above it, set at a time, and what was in force there before and then."""

    at: str
    by: str
    scope: str
    set: Mapping[str, Any]
    was: Mapping[str, Any] | None
    now: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The change as it is answered."""
        return {"at": self.at, "by": self.by, "scope": self.scope, "was": self.was, "now": self.now}


@dataclass(frozen=True, slots=True)
class Past:
    """All of it for one scope."""

    scope: str
    held: tuple[Held, ...]
    teams: tuple[Team, ...]
    everyone: tuple[tuple[What, Period], ...]
    changes: tuple[Change, ...]

    def at(self, moment: str) -> Past:
        """Only what held at a moment."""
        held = tuple(each for each in self.held if each.period.holds_at(moment))
        teams = (
            Team(
                team.group,
                tuple(each for each in team.members if each[1].holds_at(moment)),
                tuple(each for each in team.claims if each[2].holds_at(moment)),
            )
            for team in self.teams
        )
        reached = {each.permission.holder.id for each in held}
        kept = tuple(_reached(reached, tuple(teams)))
        everyone = tuple(each for each in self.everyone if each[1].holds_at(moment))
        return Past(self.scope, held, kept, everyone, tuple(each for each in self.changes if each.at <= moment))

    def document(self) -> dict[str, Any]:
        """The past as it is answered."""
        return {
            "scope": self.scope,
            "items": [each.document() for each in self.held],
            "groups": [team.document() for team in self.teams],
            "everyone": [{"what": what, **period.document()} for what, period in self.everyone],
            "changes": [each.document() for each in self.changes if each.was != each.now],
        }


class Chronicle:
    """Tells the past of scopes, for whoever manages them."""

    def __init__(self, store: Store, scopes: Scopes, grants: Grants) -> None:
        self._store = store
        self._scopes = scopes
        self._grants = grants

    def of(self, scope_id: str, reader: Reader, *, at: str | None = None) -> Past:
        """Who had access to a scope and when, or only at a time."""
        moment = moment_told("at", at)
        path = self._scopes.managed(scope_id, reader).facts.path
        permissions = self._grants.of_scope(scope_id, reader, ended=True)
        with self._store.read() as connection:
            ended = _ended(connection, {each.holder.id for each in permissions})
            held = tuple(Held(each, period) for each in permissions if (period := _period(each, ended)) is not None)
            teams = _teams(connection, {each.holder.id: each.holder for each in permissions})
            changes = _changes(connection, path)
        everyone: tuple[tuple[What, Period], ...] = (
            *(("metadata", period) for period in _open(changes, path, files=False)),
            *(("data", period) for period in _open(changes, path, files=True)),
        )
        past = Past(scope_id, held, teams, everyone, changes)
        return past if moment is None else past.at(moment)


# --------------------------------------------------------------------------------------------------- rights


def _ended(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """When those of these holders that have ended did so."""
    rows = connection.execute(
        select(holder.c.id, holder.c.ended_at).where(holder.c.id.in_(list(ids)), holder.c.ended_at.is_not(None))
    )
    return {row.id: row.ended_at for row in rows}


def _period(permission: Permission, ended: Mapping[str, str]) -> Period | None:
    begin = max(permission.at, permission.since or permission.at)
    return _from(begin, permission.until, permission.ended_at, ended.get(permission.holder.id))


def _from(begin: str, *ends: str | None) -> Period | None:
    """From a moment to the first of these; None if it was over before it began."""
    end = min((each for each in ends if each is not None), default=None)
    return None if end is not None and end <= begin else Period(begin, end)


# --------------------------------------------------------------------------------------------------- groups


def _teams(connection: Connection, first: Mapping[str, Holder]) -> tuple[Team, ...]:
    """The groups among these holders, and those in them."""
    known = dict(first)
    teams: dict[str, Team] = {}
    while wanted := sorted(id for id in known if id.startswith("group:") and id not in teams):
        for id in wanted:
            members = _members(connection, id)
            named = _holders(connection, {member for member, _ in members} - known.keys())
            known |= named
            claims = _claims(connection, id)
            teams[id] = Team(known[id], tuple((known[one], period) for one, period in members), claims)
    return tuple(teams[id] for id in sorted(teams))


def _holders(connection: Connection, ids: Iterable[str]) -> dict[str, Holder]:
    rows = connection.execute(
        select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name).where(holder.c.id.in_(list(ids)))
    )
    return {row.id: Holder(*row) for row in rows}


def _members(connection: Connection, group: str) -> list[tuple[str, Period]]:
    """Who was in a group when, as the audit tells."""
    named = f'"group":{orjson.dumps(group).decode()}'
    of_group = or_(audit.c.detail.contains(named, autoescape=True), audit.c.holder == group)
    rows = connection.execute(
        select(audit.c.at, audit.c.act, audit.c.holder, audit.c.detail)
        .where(audit.c.act.in_(("member", "member-ended", "group-ended")), of_group)
        .order_by(audit.c.position)
    )
    begun: dict[str, tuple[str, str | None]] = {}
    over: list[tuple[str, Period]] = []

    def end(member: str, at: str | None) -> None:
        since, until = begun.pop(member)
        if (period := _from(since, until, at)) is not None:
            over.append((member, period))

    for at, act, who, detail in rows:
        if act == "group-ended":
            for member in list(begun):
                end(member, at)
            continue
        said = orjson.loads(detail)
        if said.get("group") != group:
            continue
        if who in begun:
            # Set anew, it goes on with another end; what was over by then is another stay.
            since, until = begun[who]
            if act == "member" and (until is None or until > at):
                begun[who] = (since, said.get("until"))
                continue
            end(who, at)
        if act == "member":
            begun[who] = (at, said.get("until"))
    for member in list(begun):
        end(member, None)
    return sorted(over, key=lambda stay: (stay[1].begin, stay[0]))


def _claims(connection: Connection, group: str) -> tuple[tuple[str, str, Period], ...]:
    """What issuers said of a group's members, and when that counted."""
    rows = connection.execute(
        select(audit.c.at, audit.c.act, audit.c.detail)
        .where(audit.c.act.in_(("claim", "claim-ended", "group-ended")), audit.c.holder == group)
        .order_by(audit.c.position)
    )
    begun: dict[tuple[str, str], str] = {}
    over: list[tuple[str, str, Period]] = []
    for at, act, detail in rows:
        said = orjson.loads(detail)
        if act == "claim":
            begun.setdefault((said["issuer"], said["value"]), at)
            continue
        ending = list(begun) if act == "group-ended" else [(said["issuer"], said["value"])]
        over += [(*claim, Period(begun.pop(claim), at)) for claim in ending if claim in begun]
    return (*over, *((*claim, Period(at, None)) for claim, at in begun.items()))


def _reached(first: Iterable[str], teams: Sequence[Team]) -> Iterable[Team]:
    """Those of these groups that are among the holders, or in one that is."""
    by_id = {team.group.id: team for team in teams}
    found: dict[str, Team] = {}
    waiting = [id for id in first if id in by_id]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found[id] = by_id[id]
            waiting += [member.id for member, _ in by_id[id].members if member.id in by_id]
    return [found[id] for id in sorted(found)]


# --------------------------------------------------------------------------------------------------- everyone


def _changes(connection: Connection, path: Sequence[str]) -> tuple[Change, ...]:
    """What was set in a scope and above it, in order."""
    rows = connection.execute(
        select(change.c.at, change.c.by, change.c.detail)
        .join(node, node.c.key == change.c.record)
        .where(node.c.id.in_([NODE + id for id in path]), change.c.verb == "scope")
        .order_by(change.c.position)
    )
    told = ((at, by, orjson.loads(detail)) for at, by, detail in rows)
    return tuple(Change(at, by, said["scope"], said["set"], said.get("was"), said["now"]) for at, by, said in told)


def _open(changes: Sequence[Change], path: Sequence[str], *, files: bool) -> list[Period]:
    """When everyone could read a scope's metadata, or have its files: as it was set, and as the clock went on."""
    sets: dict[str, Mapping[str, Any]] = {}
    found: list[Period] = []
    for place, each in enumerate(changes):
        sets[each.scope] = each.set
        if path[-1] not in sets:
            continue  # it was not there yet
        until = changes[place + 1].at if place + 1 < len(changes) else None
        begin = _opened(sets, path, each.at, files=files)
        period = _from(begin, until) if begin is not None else None
        if period is None:
            continue
        if found and found[-1].end == period.begin:
            period = Period(found.pop().begin, period.end)
        found.append(period)
    return found


def _opened(sets: Mapping[str, Mapping[str, Any]], path: Sequence[str], since: str, *, files: bool) -> str | None:
    """From when on it is open to everyone if nothing more is set; None if it is not."""
    is_open, by_approval = False, False
    metadata = data = since
    for scope in path:
        own = sets.get(scope, {})
        is_open = own["mode"] == "everyone" if "mode" in own else is_open
        by_approval = own["dataMode"] == "approval" if "dataMode" in own else by_approval
        metadata = own.get("metadataUntil", metadata)
        data = own.get("dataUntil", data)
    if not is_open or (files and by_approval):
        return None
    return max(since, metadata, data) if files else max(since, metadata)
