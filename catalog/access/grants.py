"""Rights given and taken back: by whoever manages a scope, and, as far as they hold it themselves, by who may share it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.holders import Holder, holder_of
from catalog.access.moments import moment_told
from catalog.access.policy import ScopeFacts, decide
from catalog.access.scopes import Scopes, absent
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, permission, scope

# What whoever may share can pass on, as far as they hold it.
SHARED: Final[tuple[Right, ...]] = ("read", "download")


@dataclass(frozen=True, slots=True)
class Permission:
    """A right that was given: to whom, where, from when until when, and by whom."""

    id: str
    scope: str
    right: Right
    holder: Holder
    since: str | None
    until: str | None
    at: str
    by: str
    why: str | None
    ended_at: str | None
    ended_by: str | None

    def document(self) -> dict[str, Any]:
        """The permission as it is answered."""
        return {
            "id": self.id,
            "scope": self.scope,
            "right": self.right,
            "holder": self.holder.document(),
            "from": self.since,
            "until": self.until,
            "at": self.at,
            "by": self.by,
            "why": self.why,
            "endedAt": self.ended_at,
            "endedBy": self.ended_by,
        }


class Grants:
    """The permissions of a catalogue."""

    def __init__(self, store: Store, scopes: Scopes, audit: Audit, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._scopes = scopes
        self._audit = audit
        self._clock = clock

    def grant(
        self,
        scope_id: str,
        rights: Collection[Right],
        to: str,
        by: Reader,
        *,
        since: str | None = None,
        until: str | None = None,
        why: str | None = None,
    ) -> tuple[Permission, ...]:
        """Give rights in a scope and below it; one that the holder has alike already is not given twice."""
        with self._store.write() as connection:
            key, facts = self._scope(connection, scope_id, by)
            return self.give(connection, key, facts, rights, holder_of(connection, to), by, since, until, why)

    def give(
        self,
        connection: Connection,
        key: int,
        facts: ScopeFacts,
        rights: Collection[Right],
        to: Holder,
        by: Reader,
        since: str | None,
        until: str | None,
        why: str | None,
    ) -> tuple[Permission, ...]:
        """Give rights in the caller's transaction, which may have made the holder just now."""
        moment = self._clock()
        begin, end = moment_told("from", since), moment_told("until", until)
        if not rights or any(right not in RIGHTS for right in rights):
            raise Invalid(
                f"rights: name some of {', '.join(RIGHTS)}", ja=f"rights: {', '.join(RIGHTS)} から選んでください"
            )
        if end is not None and end <= max(moment, begin or moment):
            raise Invalid("until: this would end before it begins", ja="until: 開始より前に終わっています")
        for right in rights:
            demand_grantable(right, facts, to, by, moment)
        given = []
        for right in dict.fromkeys(rights):
            same = connection.execute(
                _permissions().where(
                    permission.c.scope == key,
                    permission.c.holder == to.key,
                    permission.c.may == right,
                    permission.c.ended_at.is_(None),
                    permission.c.since.is_(begin) if begin is None else permission.c.since == begin,
                    permission.c.until.is_(end) if end is None else permission.c.until == end,
                )
            ).fetchone()
            if same is not None:
                given.append(_permission(same))
                continue
            made = Permission(secrets.token_hex(8), facts.id, right, to, begin, end, moment, by.id, why, None, None)
            connection.execute(
                insert(permission),
                {
                    "id": made.id,
                    "scope": key,
                    "may": right,
                    "holder": to.key,
                    "since": begin,
                    "until": end,
                    "at": moment,
                    "by": by.id,
                    "why": why,
                },
            )
            self._audit.note(
                connection, "grant", by.id, scope=facts.id, holder=to.id, right=right, since=begin, until=end, why=why
            )
            given.append(made)
        turn(connection)
        return tuple(given)

    def revoke(self, id: str, by: Reader, *, why: str | None = None) -> Permission:
        """Take a right back: whoever manages the scope any, who shared it their own, and everybody what they hold."""
        with self._store.write() as connection:
            row = connection.execute(_permissions().where(permission.c.id == id)).fetchone()
            if row is None:
                raise _no_permission(id)
            found = _permission(row)
            facts = self._scopes.facts(found.scope)
            assert facts is not None
            moment = self._clock()
            if not decide("manage", facts, by, moment) and by.id not in (found.by, found.holder.id):
                raise _no_permission(id)
            if found.ended_at is not None:
                return found
            if found.right == "manage":
                self._demand_another_manager(connection, found, moment)
            connection.execute(update(permission).where(permission.c.id == id).values(ended_at=moment, ended_by=by.id))
            self._audit.note(
                connection, "revoke", by.id, scope=found.scope, holder=found.holder.id, right=found.right, why=why
            )
            turn(connection)
        return found

    def of_scope(self, scope_id: str, reader: Reader, *, ended: bool = False) -> tuple[Permission, ...]:
        """Who was given what in a scope and above it, where it counts too; for whoever manages or shares it.

        `ended`: also what was taken back or is over, which tells who had access when; for whoever manages it.
        """
        with self._store.read() as connection:
            _, facts = self._scope(connection, scope_id, reader)
            moment = self._clock()
            if ended and not decide("manage", facts, reader, moment):
                raise Forbidden(
                    f"scope {scope_id}: who had access to it is told to whoever manages it",
                    ja=f"スコープ {scope_id}: アクセスの履歴を閲覧できるのは管理者のみです",
                )
            statement = _permissions().where(scope.c.id.in_(facts.path))
            if not ended:
                statement = statement.where(
                    permission.c.ended_at.is_(None),
                    holder.c.ended_at.is_(None),
                    or_(permission.c.until.is_(None), permission.c.until > moment),
                )
            return tuple(map(_permission, connection.execute(statement.order_by(permission.c.at, permission.c.id))))

    def _scope(self, connection: Connection, id: str, by: Reader) -> tuple[int, ScopeFacts]:
        """The scope, for whoever may manage or share it."""
        facts = self._scopes.facts(id)
        moment = self._clock()
        seen = facts is not None and any(decide(right, facts, by, moment) for right in ("read", "share", "manage"))
        if facts is None or not seen:
            raise absent(id)
        if not (decide("manage", facts, by, moment) or decide("share", facts, by, moment)):
            raise Forbidden(
                f"scope {id}: this needs the right to manage or to share there; ask whoever manages the scope",
                ja=f"スコープ {id}: manage または share の権限が必要です。スコープの管理者に依頼してください",
            )
        return int(connection.execute(select(scope.c.key).where(scope.c.id == id)).scalar_one()), facts

    def _demand_another_manager(self, connection: Connection, found: Permission, moment: str) -> None:
        others = select(permission.c.id).where(
            permission.c.id != found.id,
            permission.c.scope == select(scope.c.key).where(scope.c.id == found.scope).scalar_subquery(),
            permission.c.may == "manage",
            permission.c.ended_at.is_(None),
            permission.c.until.is_(None),
            or_(permission.c.since.is_(None), permission.c.since <= moment),
            permission.c.holder.in_(select(holder.c.key).where(holder.c.ended_at.is_(None))),
        )
        if connection.execute(others.limit(1)).fetchone() is None:
            raise Conflict(
                f"scope {found.scope}: {found.holder.name or found.holder.id} is the last who manages it; let somebody else manage it first",
                ja=f"スコープ {found.scope}: {found.holder.name or found.holder.id} は最後の管理者です。先に別の管理者を設定してください",
            )


def demand_grantable(right: Right, facts: ScopeFacts, to: Holder, by: Reader, moment: str) -> None:
    """Forbidden unless `by` may give this right here."""
    if decide("manage", facts, by, moment):
        return
    if (
        right in SHARED
        and decide("share", facts, by, moment)
        and decide(right, facts, by, moment)
        and to.kind not in ("everyone", "signed-in")
        # Whoever has a link may be anybody: what they hold ends with them.
        and not by.id.startswith("link:")
    ):
        return
    raise Forbidden(
        f"scope {facts.id}: the right to {right} is given by whoever manages it, or holds it and may share it",
        ja=f"スコープ {facts.id}: {right} の権限を付与できるのは管理者、または自身がその権限を持つ共有担当者です",
    )


def _no_permission(id: str) -> NotFound:
    return NotFound(
        f"there is no permission {id:.80} that you may take back", ja=f"取り消せる権限 {id:.80} はありません"
    )


def _permissions() -> Select[Any]:
    return (
        select(
            permission.c.id,
            scope.c.id.label("scope_id"),
            permission.c.may,
            holder.c.key,
            holder.c.id.label("holder_id"),
            holder.c.kind,
            holder.c.name,
            permission.c.since,
            permission.c.until,
            permission.c.at,
            permission.c.by,
            permission.c.why,
            permission.c.ended_at,
            permission.c.ended_by,
        )
        .join(scope, scope.c.key == permission.c.scope)
        .join(holder, holder.c.key == permission.c.holder)
    )


def _permission(row: Any) -> Permission:
    id, where, right, key, holder_id, kind, name, *rest = row
    since, until, at, by, why, ended_at, ended_by = rest
    return Permission(
        id, where, right, Holder(key, holder_id, kind, name), since, until, at, by, why, ended_at, ended_by
    )


def in_force(permissions: Sequence[Permission], moment: str) -> tuple[Permission, ...]:
    """Those that count at this moment."""
    return tuple(
        each
        for each in permissions
        if each.ended_at is None
        and (each.since is None or each.since <= moment)
        and (each.until is None or each.until > moment)
    )
