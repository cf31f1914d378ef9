"""Rights given and taken back: by whoever manages a scope, and, as far as they hold it themselves, by who may share it.

Every change raises the epoch first, whose one row it holds to its end: two managers who take each other's rights at one moment
do so one after the other, and the second finds that nobody else is left.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.holders import Holder, holder_of, nobody
from catalog.access.managers import has_manager
from catalog.access.moments import moment_told
from catalog.access.notices import tell_holder
from catalog.access.paging import USUAL, Along, Page, page_of
from catalog.access.people import looks_like_orcid
from catalog.access.policy import SUFFICIENT, ScopeFacts, decide
from catalog.access.readers import ENDLESS, SIGNED_IN, groups_until
from catalog.access.scopes import Scopes, absent
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, local_account, permission, person, scope

# What whoever may share can pass on, as far as they hold it.
SHARED: Final[tuple[Right, ...]] = ("read", "download")
LONGEST_WHY: Final = 1_000


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
            key, facts = self.shared(connection, scope_id, by)
            whom = self._whom(connection, to, facts, by)
            return self.give(connection, key, facts, rights, whom, by, since, until, why)

    def settle(
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
        """Let somebody have exactly these rights in a scope from now on; what they have from above it stays.

        Whoever may only share leaves alone what others gave.
        """
        with self._store.write() as connection:
            turn(connection)
            key, facts = self.shared(connection, scope_id, by)
            moment = self._clock()
            begin, end = moment_told("from", since), moment_told("until", until)
            whom = self._whom(connection, to, facts, by)
            manages = decide("manage", facts, by, moment)
            held = connection.execute(
                _permissions().where(
                    permission.c.scope == key, permission.c.holder == whom.key, permission.c.ended_at.is_(None)
                )
            )
            stale = [
                each
                for each in map(_permission, held)
                if (manages or each.by == by.id)
                and not (each.right in rights and (each.since, each.until) == (begin, end))
            ]
            managed = any(each.right == "manage" for each in stale) and has_manager(connection, key, moment)
            given = self.give(connection, key, facts, rights, whom, by, since, until, why) if rights else ()
            for each in stale:
                self._end(connection, each, by, moment, why)
            if managed:
                self._demand_manager(connection, key, whom, facts.id, moment)
            return given

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
        turn(connection)
        moment = self._clock()
        begin, end = moment_told("from", since), moment_told("until", until)
        if why is not None and (len(why) > LONGEST_WHY or not why.isprintable()):
            raise _no_reason()
        if not rights or any(right not in RIGHTS for right in rights):
            raise Invalid(
                f"rights: name some of {', '.join(RIGHTS)}", ja=f"rights: {', '.join(RIGHTS)} から選んでください"
            )
        if end is not None and end <= max(moment, begin or moment):
            raise Invalid("until: this would end before it begins", ja="until: 開始より前に終わっています")
        given = []
        told: list[Right] = []
        for right in dict.fromkeys(rights):
            last = self._grantable_until(connection, right, facts, to, by, moment)
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
            if last != ENDLESS and (end is None or end > last):
                raise Forbidden(
                    f"scope {facts.id}: the right by which you give this ends at {last}; name an end that is no later (until)",
                    ja=f"スコープ {facts.id}: 付与の根拠となるあなたの権限は {last} までです。それ以前の期限を指定してください (until)",
                )
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
            told.append(right)
        tell_holder(
            connection,
            self._store.database,
            "grant",
            facts.id,
            told,
            to.key,
            at=moment,
            by=by.id,
            since=begin,
            until=end,
        )
        return tuple(given)

    def revoke(self, id: str, by: Reader, *, why: str | None = None) -> Permission:
        """Take a right back: whoever manages the scope any, who shared it their own, and everybody what they hold."""
        with self._store.write() as connection:
            turn(connection)
            row = connection.execute(_permissions().where(permission.c.id == id)).fetchone()
            if row is None:
                raise _no_permission(id)
            found = _permission(row)
            if why is not None and (len(why) > LONGEST_WHY or not why.isprintable()):
                raise _no_reason()
            facts = self._scopes.facts(found.scope, connection)
            assert facts is not None
            moment = self._clock()
            # A link is its maker's, and a token with a part of somebody's rights does not decide for them.
            mine = () if by.partial or by.id.startswith("link:") else (found.by, found.holder.id)
            if not decide("manage", facts, by, moment) and by.id not in mine:
                raise _no_permission(id)
            if found.ended_at is not None:
                return found
            key = int(connection.execute(select(scope.c.key).where(scope.c.id == found.scope)).scalar_one())
            managed = found.right == "manage" and has_manager(connection, key, moment)
            self._end(connection, found, by, moment, why)
            if managed:
                self._demand_manager(connection, key, found.holder, found.scope, moment)
            return replace(found, ended_at=moment, ended_by=by.id)

    def of_scope(self, scope_id: str, reader: Reader, *, ended: bool = False) -> tuple[Permission, ...]:
        """Who was given what in a scope and above it, where it counts too; for whoever manages or shares it.

        `ended`: also what was taken back or is over, which tells who had access when; for whoever manages it.
        """
        with self._store.read() as connection:
            statement = self._told(connection, scope_id, reader, ended=ended)
            return tuple(map(_permission, connection.execute(statement.order_by(permission.c.at, permission.c.id))))

    def page_of_scope(
        self,
        scope_id: str,
        reader: Reader,
        *,
        ended: bool = False,
        cursor: str | None = None,
        limit: int = USUAL,
    ) -> Page[Permission]:
        """The same, page by page."""
        with self._store.read() as connection:
            statement = self._told(connection, scope_id, reader, ended=ended)
            return page_of(connection, statement, _BY_TIME, _permission, cursor=cursor, limit=limit)

    def holders_in(
        self, scope_id: str, reader: Reader, *, cursor: str | None = None, limit: int = USUAL
    ) -> Page[tuple[Permission, ...]]:
        """Who holds what in a scope and above it, all that somebody was given in one scope together; links apart."""
        with self._store.read() as connection:
            told = self._told(connection, scope_id, reader, ended=False).where(holder.c.kind != "link")
            each = (scope.c.key, scope.c.level, holder.c.key, holder.c.name, holder.c.id)
            whom = told.with_only_columns(
                scope.c.key.label("place"), scope.c.level, holder.c.key.label("whom"), holder.c.name, holder.c.id
            ).group_by(*each)
            page = page_of(connection, whom, _BY_HOLDER, lambda row: (row.place, row.whom), cursor=cursor, limit=limit)
            held: dict[tuple[int, int], list[Permission]] = {pair: [] for pair in page.items}
            wanted = told.add_columns(scope.c.key.label("place")).where(
                scope.c.key.in_({place for place, _ in held}), holder.c.key.in_({key for _, key in held})
            )
            for row in connection.execute(wanted.order_by(permission.c.at, permission.c.id)):
                found = held.get((row.place, row.key))
                if found is not None:
                    found.append(_permission(row[:-1]))
            return Page(tuple(map(tuple, held.values())), page.next)

    def _told(self, connection: Connection, scope_id: str, reader: Reader, *, ended: bool) -> Select[Any]:
        _, facts = self.shared(connection, scope_id, reader)
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
        return statement

    def shared(self, connection: Connection, id: str, by: Reader) -> tuple[int, ScopeFacts]:
        """A scope's key and facts, for whoever may manage or share it."""
        facts = self._scopes.facts(id, connection)
        moment = self._clock()
        seen = facts is not None and any(decide(right, facts, by, moment) for right in RIGHTS)
        if facts is None or not seen:
            raise absent(id)
        if not (decide("manage", facts, by, moment) or decide("share", facts, by, moment)):
            raise Forbidden(
                f"scope {id}: this needs the right to manage or to share there; ask whoever manages the scope",
                ja=f"スコープ {id}: manage または share の権限が必要です。スコープの管理者に依頼してください",
            )
        return int(connection.execute(select(scope.c.key).where(scope.c.id == id)).scalar_one()), facts

    def _end(self, connection: Connection, found: Permission, by: Reader, moment: str, why: str | None) -> None:
        connection.execute(
            update(permission).where(permission.c.id == found.id).values(ended_at=moment, ended_by=by.id)
        )
        self._audit.note(
            connection, "revoke", by.id, scope=found.scope, holder=found.holder.id, right=found.right, why=why
        )
        tell_holder(
            connection,
            self._store.database,
            "revoke",
            found.scope,
            (found.right,),
            found.holder.key,
            at=moment,
            by=by.id,
        )

    def _demand_manager(self, connection: Connection, key: int, gone: Holder, scope_id: str, moment: str) -> None:
        """Conflict if nobody manages the scope now; for one that was managed until this transaction."""
        if not has_manager(connection, key, moment):
            name = gone.name or gone.id
            raise Conflict(
                f"scope {scope_id}: {name} is the last who manages it; let somebody else manage it first, without an end",
                ja=f"スコープ {scope_id}: {name} は最後の管理者です。先に別の管理者を期限なしで設定してください",
            )

    def _whom(self, connection: Connection, told: str, facts: ScopeFacts, by: Reader) -> Holder:
        """Whom somebody means: by id, and for whoever manages the scope by sign-in name or ORCID, exactly.

        Others are told nothing of who there is: a person's id can't be guessed, and a name is looked up for managers only.
        """
        manages = decide("manage", facts, by, self._clock())
        if told in ("everyone", "signed-in") or told.partition(":")[0] in ("person", "workload", "group"):
            found = holder_of(connection, told)
            if found.kind != "group" or manages or found.key in by.holders:
                return found
            raise nobody(told)
        if told.startswith("link:"):
            raise Invalid(
                f"{told:.80}: what a link is for is said when it is made",
                ja=f"{told:.80}: リンクの権限は作成時に決まります",
            )
        if not manages:
            raise Forbidden(
                "whoever may share, but does not manage the scope, names people by the id that their account page shows",
                ja="共有権限のみの場合、相手はアカウントページに表示される ID で指定してください",
            )
        if not told.isprintable():
            raise nobody(ascii(told))
        bare = told.strip().removeprefix("https://orcid.org/")
        # Never both: who chose a login like somebody's ORCID iD would be given what was meant for them.
        meant = person.c.orcid == bare.upper() if looks_like_orcid(bare) else local_account.c.login == bare.lower()
        rows = connection.execute(
            select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name)
            .join(person, person.c.key == holder.c.key)
            .outerjoin(local_account, local_account.c.person == person.c.key)
            .where(holder.c.ended_at.is_(None), meant)
            .limit(2)
        ).fetchall()
        if not rows:
            raise NotFound(
                f"nobody signs in here as {told:.80}; somebody new is invited by an administrator",
                ja=f"{told:.80} というログイン名・ORCID の利用者はいません。新しい利用者は管理者が招待します",
            )
        if len(rows) > 1:
            raise Invalid(
                f"{told:.80} may be several people: name one by the id that their account page shows",
                ja=f"{told:.80} に当てはまる利用者が複数います。アカウントページに表示される ID で指定してください",
            )
        return Holder(*rows[0])

    def _grantable_until(
        self, connection: Connection, right: Right, facts: ScopeFacts, to: Holder, by: Reader, moment: str
    ) -> str:
        """Until when `by` may let others have this right here: no longer than they hold that by which they may. Or Forbidden."""
        # Whoever has a link may be anybody, and everyone is: what changes something is for those who are known.
        if right not in SHARED and (to.kind in ("link", "everyone") or (to.kind == "signed-in" and right == "manage")):
            raise Forbidden(
                f"{to.id}: the right to {right} is given to people, groups and workloads",
                ja=f"{to.id}: {right} の権限を付与できるのは利用者、グループ、ワークロードです",
            )
        held = self._held_until(connection, by, facts, moment)
        last = held["manage"] if decide("manage", facts, by, moment) else ""
        if (
            right in SHARED
            and decide("share", facts, by, moment)
            # By a right of their own: what everyone may read today may be closed tomorrow.
            and by.holds(SUFFICIENT[right], facts.path)
            and to.kind not in ("everyone", "signed-in")
            # What whoever carries a link holds ends with them.
            and not by.id.startswith("link:")
        ):
            last = max(last, min(max(held[each] for each in SUFFICIENT[wanted]) for wanted in (right, "share")))
        if not last:
            raise self._not_grantable(right, facts, to)
        return last

    def _held_until(self, connection: Connection, by: Reader, facts: ScopeFacts, moment: str) -> dict[Right, str]:
        """Until when somebody holds each right in a scope themselves; ENDLESS, or nothing where they do not."""
        whose = select(holder.c.key, person.c.administrator).outerjoin(person, person.c.key == holder.c.key)
        own = connection.execute(whose.where(holder.c.id == by.id)).fetchone()
        # A part of an administrator's rights is given for as long as they are one.
        if by.administrator or (own is not None and own.administrator):
            return dict.fromkeys(RIGHTS, ENDLESS)
        held: dict[Right, str] = dict.fromkeys(RIGHTS, "")
        if own is None:
            return held
        # Sharing alone may come from being signed in: what those may read who are may be closed tomorrow.
        through = {**groups_until(connection, own.key, moment), SIGNED_IN: ENDLESS}
        rows = connection.execute(
            select(permission.c.holder, permission.c.may, permission.c.until)
            .join(scope, scope.c.key == permission.c.scope)
            .where(
                permission.c.holder.in_(through),
                or_(permission.c.holder != SIGNED_IN, permission.c.may == "share"),
                scope.c.id.in_(facts.path),
                permission.c.ended_at.is_(None),
                or_(permission.c.since.is_(None), permission.c.since <= moment),
                or_(permission.c.until.is_(None), permission.c.until > moment),
            )
        )
        for whom, right, until in rows:
            held[right] = max(held[right], min(through[whom], until or ENDLESS))
        return held

    def _not_grantable(self, right: Right, facts: ScopeFacts, to: Holder) -> Forbidden:
        if to.kind in ("everyone", "signed-in"):
            return Forbidden(
                f"scope {facts.id}: who lets in {to.id} is whoever manages it",
                ja=f"スコープ {facts.id}: {to.id} に権限を付与できるのは管理者のみです",
            )
        return Forbidden(
            f"scope {facts.id}: the right to {right} is given by whoever manages it, or holds it and may share it",
            ja=f"スコープ {facts.id}: {right} の権限を付与できるのは管理者、または自身がその権限を持つ共有担当者です",
        )


def _no_reason() -> Invalid:
    return Invalid(
        f"why: write a line of at most {LONGEST_WHY} characters", ja=f"why: {LONGEST_WHY}文字以内の1行で書いてください"
    )


def _no_permission(id: str) -> NotFound:
    return NotFound(
        f"there is no permission {id:.80} that you may take back", ja=f"取り消せる権限 {id:.80} はありません"
    )


def _permissions() -> Select[Any]:
    return select(
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
    ).select_from(
        permission.join(scope, scope.c.key == permission.c.scope).join(holder, holder.c.key == permission.c.holder)
    )


_BY_TIME: Final = (Along("at", permission.c.at), Along("id", permission.c.id))
# The scope itself, then those above it, the nearest first.
_BY_HOLDER: Final = (
    Along("level", scope.c.level, int, descending=True),
    Along("name", holder.c.name),
    Along("id", holder.c.id),
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
