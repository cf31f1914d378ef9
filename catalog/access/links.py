"""Links that open a scope to whoever carries them, without an account: to reviewers, for a while, to read and no more."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, exists, insert, select, update

from catalog.access.audit import Audit
from catalog.access.grants import SHARED, Grants
from catalog.access.holders import end_holder, make_holder
from catalog.access.moments import later, moment_told
from catalog.access.once import VALUE_BYTES, Made, digest_of
from catalog.access.paging import USUAL, Along, Page, page_of
from catalog.access.people import name_told
from catalog.access.policy import decide
from catalog.access.readers import Readers
from catalog.access.scopes import Scopes
from catalog.errors import Forbidden, Invalid, NotFound
from catalog.questions.reader import Reader, Right
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, link_token, permission, scope

PREFIX: Final = "mlk_"
LONGEST: Final = timedelta(days=366)
TOLD_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is listed: everything but what it is."""

    id: str  # of its holder
    name: str
    scope: str
    rights: tuple[Right, ...]
    at: str
    by: str
    until: str
    used_at: str | None

    def document(self) -> dict[str, Any]:
        """The link as it is answered."""
        return {
            "id": self.id,
            "name": self.name,
            "scope": self.scope,
            "rights": list(self.rights),
            "at": self.at,
            "by": self.by,
            "until": self.until,
            "usedAt": self.used_at,
        }


class Links:
    """The links of a catalogue. Of a link's value only a digest is kept; its rights are its holder's permissions."""

    def __init__(
        self,
        store: Store,
        scopes: Scopes,
        grants: Grants,
        readers: Readers,
        audit: Audit,
        *,
        clock: Clock = real_clock,
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._grants = grants
        self._readers = readers
        self._audit = audit
        self._clock = clock

    def make(self, scope_id: str, by: Reader, name: str, *, rights: Collection[Right], until: str) -> Made[Link]:
        """A link to a scope, by whoever may share it, with no more than they hold there themselves."""
        told, end, moment = name_told(name), self._end(until), self._clock()
        wanted = tuple(right for right in SHARED if right in rights)
        if not wanted or len(wanted) != len(set(rights)):
            raise Invalid(
                f"rights: a link lets {' and '.join(SHARED)}, and nothing else",
                ja=f"rights: リンクで許可できるのは {'、'.join(SHARED)} だけです",
            )
        with self._store.write() as connection:
            key, facts = self._grants.shared(connection, scope_id, by)
            if by.id.startswith("link:"):
                raise Forbidden("who has a link does not pass it on", ja="リンクでのアクセスから共有はできません")
            made = make_holder(connection, "link", told, by=by.id, at=moment)
            value = PREFIX + secrets.token_urlsafe(VALUE_BYTES)
            connection.execute(
                insert(link_token), {"key": made.key, "digest": digest_of(value), "scope": key, "until": end}
            )
            self._grants.give(connection, key, facts, wanted, made, by, None, end, None)
            self._audit.note(
                connection, "link", by.id, scope=scope_id, holder=made.id, name=told, rights=wanted, until=end
            )
        return Made(Link(made.id, told, scope_id, wanted, moment, by.id, end, None), value)

    def _end(self, until: str) -> str:
        moment = self._clock()
        end = moment_told("until", until)
        if end is None or not moment < end <= later(moment, LONGEST):
            raise Invalid(
                f"until: a link ends within {LONGEST.days} days from now",
                ja=f"until: リンクの期限は今から{LONGEST.days}日以内にしてください",
            )
        return end

    def reader(self, value: str) -> Reader | None:
        """Whoever carries this link; None if it is none, was taken back or is over."""
        wanted = select(holder.c.key, holder.c.id).join(link_token, link_token.c.key == holder.c.key)
        alive = wanted.where(
            link_token.c.digest == digest_of(value),
            link_token.c.until > self._clock(),
            holder.c.ended_at.is_(None),
            _LETS,
        )
        with self._store.read() as connection:
            row = connection.execute(alive).fetchone()
        return None if row is None else self._readers.link(row.key, row.id)

    def used(self, value: str) -> None:
        """Write down that a link is in use; from where, nobody is told: a reviewer stays unknown."""
        moment = self._clock()
        mine = link_token.c.digest == digest_of(value)
        with self._store.read() as connection:
            used_at = connection.scalar(select(link_token.c.used_at).where(mine))
        if used_at is None or used_at <= later(moment, -TOLD_EVERY):
            with self._store.write() as connection:
                connection.execute(update(link_token).where(mine).values(used_at=moment))

    def opened(self, value: str) -> Link:
        """What a link is for; NotFound if it is none, was taken back or is over."""
        wanted = _LINKS.where(
            link_token.c.digest == digest_of(value), link_token.c.until > self._clock(), holder.c.ended_at.is_(None)
        )
        with self._store.read() as connection:
            rows = connection.execute(wanted).fetchall()
        if not rows:
            raise NotFound(
                "This link does not open anything: it is misspelt, was taken back, or is over.",
                ja="このリンクでは何も開けません。誤記があるか、取り消されたか、期限が切れています。",
            )
        return _links(rows)[0]

    def of_scope(self, scope_id: str, by: Reader, *, cursor: str | None = None, limit: int = USUAL) -> Page[Link]:
        """The links to a scope, the newest first: all for whoever manages it, their own for who may share it."""
        with self._store.read() as connection:
            key, facts = self._grants.shared(connection, scope_id, by)
            wanted = (
                select(holder.c.key, holder.c.at, holder.c.id)
                .join(link_token, link_token.c.key == holder.c.key)
                .where(
                    link_token.c.scope == key, link_token.c.until > self._clock(), holder.c.ended_at.is_(None), _LETS
                )
            )
            if not decide("manage", facts, by, self._clock()):
                wanted = wanted.where(holder.c.by == by.id)
            page = page_of(connection, wanted, _NEWEST_FIRST, lambda row: int(row.key), cursor=cursor, limit=limit)
            rows = connection.execute(_LINKS.where(holder.c.key.in_(page.items))).fetchall()
            return Page(_links(rows), page.next)

    def end(self, id: str, by: Reader) -> None:
        """Take a link back at once: whoever made it, or manages the scope."""
        with self._store.write() as connection:
            rows = connection.execute(_LINKS.where(holder.c.id == id, holder.c.ended_at.is_(None))).fetchall()
            found = _links(rows)[0] if rows else None
            facts = None if found is None else self._scopes.facts(found.scope, connection)
            moment = self._clock()
            # A token with a part of somebody's rights does not decide for them.
            mine = found is not None and by.id == found.by and not by.partial and not by.id.startswith("link:")
            if found is None or facts is None or not (mine or decide("manage", facts, by, moment)):
                raise NotFound(
                    f"there is no link {id:.80} that you may end", ja=f"終了できるリンク {id:.80} はありません"
                )
            key = rows[0].key
            connection.execute(
                update(permission)
                .where(permission.c.holder == key, permission.c.ended_at.is_(None))
                .values(ended_at=moment, ended_by=by.id)
            )
            end_holder(connection, key, moment)
            self._audit.note(connection, "link-ended", by.id, scope=found.scope, holder=found.id)


_NEWEST_FIRST: Final = (Along("at", holder.c.at, descending=True), Along("id", holder.c.id))
# Whose every right was taken back by itself, that link opens nothing either.
_LETS: Final = exists().where(permission.c.holder == holder.c.key, permission.c.ended_at.is_(None))
_LINKS: Final[Select[Any]] = (
    select(
        holder.c.key,
        holder.c.id,
        holder.c.name,
        scope.c.id.label("scope"),
        permission.c.may,
        holder.c.at,
        holder.c.by,
        link_token.c.until,
        link_token.c.used_at,
    )
    .join(link_token, link_token.c.key == holder.c.key)
    .join(scope, scope.c.key == link_token.c.scope)
    .join(permission, (permission.c.holder == holder.c.key) & permission.c.ended_at.is_(None))
    .order_by(holder.c.at.desc(), holder.c.id, permission.c.may.desc())
)


def _links(rows: Collection[Any]) -> tuple[Link, ...]:
    """The links of these rows, which name each of a link's rights."""
    rights: dict[int, list[Right]] = {}
    for row in rows:
        rights.setdefault(row.key, []).append(row.may)
    named = {row.key: row for row in rows}
    return tuple(
        Link(row.id, row.name, row.scope, tuple(rights[row.key]), row.at, row.by, row.until, row.used_at)
        for row in named.values()
    )
