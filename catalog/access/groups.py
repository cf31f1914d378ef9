"""Groups: of people, workloads and other groups, and of whom an issuer calls a member."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, or_, select

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.holders import Holder, end_holder, holder_of, make_holder, nobody
from catalog.access.managers import newly_without_manager, without_manager
from catalog.access.moments import moment_told
from catalog.access.notices import Verb, claimed_by, members_of, tell_members
from catalog.access.paging import USUAL, Along, Page, page_of
from catalog.access.people import name_told
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import group_claim, holder, issuer, membership

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group, until when, and whether they look after it."""

    holder: Holder
    manages: bool
    until: str | None

    def document(self) -> dict[str, Any]:
        """The member as it is answered."""
        return {**self.holder.document(), "manages": self.manages, "until": self.until}


@dataclass(frozen=True, slots=True)
class Group:
    """A group with whom it holds; `claims` are pairs of an issuer and what that calls the group."""

    id: str
    name: str
    members: tuple[Member, ...]
    claims: tuple[tuple[str, str], ...]
    next: str | None = None  # the cursor of the members behind these
    looked_after: bool = False  # by whoever asks

    def document(self) -> dict[str, Any]:
        """The group as it is answered."""
        return {
            "id": self.id,
            "name": self.name,
            "members": [member.document() for member in self.members],
            "claims": [{"issuer": issuer, "value": value} for issuer, value in self.claims],
            "next": self.next,
        }


class Groups:
    """The groups of a catalogue. A group is looked after by administrators and by members who manage it."""

    def __init__(self, store: Store, audit: Audit, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def create(self, name: str, title: str, by: Reader) -> Group:
        """Make a group, whose id is `group:` and its name; a person who makes one looks after it."""
        if by.person is None and not by.administrator:
            raise Forbidden(
                "groups are made by people who are signed in", ja="グループを作成できるのはサインインした利用者です"
            )
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"name: {name!r:.80}: write small letters, digits, '.', '_' and '-', as bl01-users",
                ja=f"name: {name!r:.80}: 英小文字、数字、「.」「_」「-」で書いてください (例 bl01-users)",
            )
        called = name_told(title)
        with self._store.write() as connection:
            id = f"group:{name}"
            if connection.execute(select(holder.c.key).where(holder.c.id == id)).fetchone() is not None:
                raise Conflict(f"{id}: there is or was a group of this name", ja=f"{id} はすでに使われています")
            moment = self._clock()
            made = make_holder(connection, "group", called, by=by.id, at=moment, id=id)
            self._audit.note(connection, "group", by.id, holder=id, name=called)
            if by.person is not None:
                self._add(connection, made, holder_of(connection, by.person), by, manages=True, until=None)
        return self.find(id, by)

    def find(self, id: str, reader: Reader, *, cursor: str | None = None, limit: int = USUAL) -> Group:
        """A group with a page of its members, for those who are in it or look after it; NotFound to others."""
        with self._store.read() as connection:
            group = self._group(connection, id)
            looks_after = reader.administrator or self._manages(connection, group, reader)
            if not (looks_after or group.key in reader.holders):
                raise _absent(id)
            wanted = (
                select(
                    holder.c.key, holder.c.id, holder.c.kind, holder.c.name, membership.c.manages, membership.c.until
                )
                .join(holder, holder.c.key == membership.c.member)
                .where(membership.c.group_key == group.key, holder.c.ended_at.is_(None))
            )
            members = page_of(connection, wanted, _BY_NAME, _member, cursor=cursor, limit=limit)
            claims = connection.execute(
                select(group_claim.c.issuer, group_claim.c.value)
                .where(group_claim.c.group_key == group.key)
                .order_by(group_claim.c.issuer, group_claim.c.value)
            )
            return Group(
                group.id,
                group.name,
                members.items,
                tuple((row[0], row[1]) for row in claims),
                members.next,
                looks_after,
            )

    def list(self, reader: Reader, *, cursor: str | None = None, limit: int = USUAL) -> Page[Holder]:
        """Every group for administrators; for others those that they are in."""
        wanted = select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name).where(
            holder.c.kind == "group", holder.c.ended_at.is_(None)
        )
        if not reader.administrator:
            wanted = wanted.where(holder.c.key.in_(reader.holders))
        with self._store.read() as connection:
            return page_of(connection, wanted, _BY_ID, lambda row: Holder(*row), cursor=cursor, limit=limit)

    def add(self, id: str, member: str, by: Reader, *, manages: bool = False, until: str | None = None) -> Group:
        """Let somebody be in a group; said again, it is set anew."""
        with self._store.write() as connection:
            turn(connection)
            group = self._managed(connection, id, by)
            added = holder_of(connection, member)
            if added.kind == "group" and not (
                by.administrator or added.key in by.holders or self._manages(connection, added, by)
            ):
                # Anybody may make a group, and would learn by it which others there are and what they are called.
                raise nobody(member)
            if added.kind not in ("person", "group", "workload") or added.key == group.key:
                raise Invalid(
                    f"{member:.200} can't be in {id}: people, other groups and workloads can",
                    ja=f"{member:.200} は {id} に追加できません。追加できるのは利用者、別のグループ、ワークロードです",
                )
            before = without_manager(connection, group.key, self._clock())
            self._add(connection, group, added, by, manages=manages, until=moment_told("until", until))
            # Whoever was the last without an end may have one now, which is leaving by the clock.
            self._demand_managers(connection, group, before, added)
        return self.find(id, by)

    def remove(self, id: str, member: str, by: Reader) -> None:
        """Let somebody be in a group no more; everybody may leave."""
        with self._store.write() as connection:
            turn(connection)
            if by.person == member:
                group = self._group(connection, id)
                if group.key not in by.holders:
                    raise _absent(id)
            else:
                group = self._managed(connection, id, by)
            gone = holder_of(connection, member)
            before = without_manager(connection, group.key, self._clock())
            deleted = connection.execute(
                delete(membership).where(membership.c.group_key == group.key, membership.c.member == gone.key)
            )
            if deleted.rowcount:
                self._audit.note(connection, "member-ended", by.id, holder=member, group=id)
                self._tell(connection, "revoke", group, [gone.key], by)
                self._demand_managers(connection, group, before, gone)

    def claim(self, id: str, issuer_id: str, value: str, by: Reader) -> Group:
        """Whoever the issuer says has this value among their groups is in this one; administrators say so."""
        with self._store.write() as connection:
            group = self._claimable(connection, id, by)
            if not _is_printable(issuer_id) or not connection.scalar(
                select(issuer.c.id).where(issuer.c.id == issuer_id)
            ):
                raise NotFound(f"there is no issuer {issuer_id!a:.80}", ja=f"発行者 {issuer_id!a:.80} はありません")
            if not _is_printable(value):
                raise Invalid(
                    "value: write what the issuer calls the group", ja="value: 発行者でのグループ名を書いてください"
                )
            told = {"group_key": group.key, "issuer": issuer_id, "value": value}
            there = select(group_claim).where(*(group_claim.c[name] == each for name, each in told.items()))
            if connection.execute(there).fetchone() is None:
                turn(connection)
                connection.execute(insert(group_claim), told)
                self._audit.note(connection, "claim", by.id, holder=id, issuer=issuer_id, value=value)
                self._tell(connection, "grant", group, claimed_by(connection, issuer_id, value), by)
        return self.find(id, by)

    def unclaim(self, id: str, issuer_id: str, value: str, by: Reader) -> None:
        """The issuer's word counts no more for this group."""
        with self._store.write() as connection:
            group = self._claimable(connection, id, by)
            if not (_is_printable(issuer_id) and _is_printable(value)):
                return
            gone = connection.execute(
                delete(group_claim).where(
                    group_claim.c.group_key == group.key,
                    group_claim.c.issuer == issuer_id,
                    group_claim.c.value == value,
                )
            )
            if gone.rowcount:
                turn(connection)
                self._audit.note(connection, "claim-ended", by.id, holder=id, issuer=issuer_id, value=value)
                self._tell(connection, "revoke", group, claimed_by(connection, issuer_id, value), by)

    def end(self, id: str, by: Reader) -> None:
        """Dissolve a group: nobody holds anything through it any more."""
        with self._store.write() as connection:
            turn(connection)
            group = self._managed(connection, id, by)
            before = without_manager(connection, group.key, self._clock())
            # What it holds is looked up while it still does.
            self._tell(connection, "revoke", group, members_of(connection, group.key), by)
            end_holder(connection, group.key, self._clock())
            self._audit.note(connection, "group-ended", by.id, holder=id)
            self._demand_managers(connection, group, before, group)

    def _demand_managers(self, connection: Connection, group: Holder, before: Collection[str], gone: Holder) -> None:
        """Conflict if nobody is left who manages a scope that the group managed until this transaction."""
        for scope_id in newly_without_manager(connection, group.key, self._clock(), before):
            raise Conflict(
                f"{gone.id}: nobody else manages the scope {scope_id}; let somebody else manage it first, without an end",
                ja=f"{gone.id}: スコープ {scope_id} の最後の管理者です。先に別の管理者を期限なしで設定してください",
            )

    def _add(
        self, connection: Connection, group: Holder, added: Holder, by: Reader, *, manages: bool, until: str | None
    ) -> None:
        turn(connection)
        connection.execute(
            delete(membership).where(membership.c.group_key == group.key, membership.c.member == added.key)
        )
        connection.execute(
            insert(membership),
            {
                "group_key": group.key,
                "member": added.key,
                "manages": manages,
                "until": until,
                "at": self._clock(),
                "by": by.id,
            },
        )
        self._audit.note(connection, "member", by.id, holder=added.id, group=group.id, manages=manages, until=until)
        self._tell(connection, "grant", group, [added.key], by)

    def _tell(self, connection: Connection, verb: Verb, group: Holder, members: Iterable[int], by: Reader) -> None:
        tell_members(connection, self._store.database, verb, group.key, members, at=self._clock(), by=by.id)

    def _group(self, connection: Connection, id: str) -> Holder:
        row = connection.execute(
            select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name).where(
                holder.c.id == id, holder.c.kind == "group", holder.c.ended_at.is_(None)
            )
        ).fetchone()
        if row is None:
            raise _absent(id)
        return Holder(*row)

    def _managed(self, connection: Connection, id: str, by: Reader) -> Holder:
        group = self._group(connection, id)
        if not (by.administrator or self._manages(connection, group, by)):
            if group.key not in by.holders:
                raise _absent(id)
            raise Forbidden(
                f"{id}: its members are chosen by those who look after it",
                ja=f"{id}: メンバーを変更できるのはグループの管理者のみです",
            )
        return group

    def _claimable(self, connection: Connection, id: str, by: Reader) -> Holder:
        if not by.administrator:
            raise Forbidden(
                "whose word counts for a group is said by administrators",
                ja="発行者のグループとの対応付けを設定できるのは管理者のみです",
            )
        return self._group(connection, id)

    def _manages(self, connection: Connection, group: Holder, by: Reader) -> bool:
        # Told of the person and not of groups within: whoever looks after a group was named for it.
        if by.person is None or not by.holders:
            return False
        row = connection.execute(
            select(membership.c.member)
            .join(holder, holder.c.key == membership.c.member)
            .where(
                membership.c.group_key == group.key,
                membership.c.manages,
                holder.c.id == by.person,
                holder.c.ended_at.is_(None),
                or_(membership.c.until.is_(None), membership.c.until > self._clock()),
            )
        ).fetchone()
        return row is not None


_BY_ID: Final = (Along("id", holder.c.id),)
_BY_NAME: Final = (Along("name", holder.c.name), *_BY_ID)


def _member(row: Any) -> Member:
    return Member(Holder(row.key, row.id, row.kind, row.name), bool(row.manages), row.until)


def _is_printable(told: str) -> bool:
    return bool(told) and told.isprintable()


def _absent(id: str) -> NotFound:
    name = id.removeprefix("group:")
    return NotFound(f"there is no group {name:.80} that you may see", ja=f"閲覧できるグループ {name:.80} はありません")
