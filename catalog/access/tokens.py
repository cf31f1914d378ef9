"""API tokens: what programs carry instead of a password, with a part of somebody's rights, or for a source.

A token is shown once and kept as a digest. It is looked up at every request, and what it stands for is worked out from what
its owner holds then: one that was ended, or whose owner lost a right, is worth nothing, or less, at the next one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.holders import Holder
from catalog.access.moments import later, moment_told
from catalog.access.once import VALUE_BYTES, Made, digest_of
from catalog.access.people import name_told
from catalog.access.policy import decide, demand_administrator
from catalog.access.readers import Part, Readers
from catalog.access.scopes import Scopes, check_scope_id
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.recent import Recent
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import audit, holder, node, record, revision, scope, source_version, token
from catalog.store.tables import source as source_table

PREFIX: Final = "mst_"
LONGEST: Final = timedelta(days=366)
# How long a command line stays signed in.
LOGIN_LASTS: Final = timedelta(days=90)
MOST_OF_ONE: Final = 200
MOST_PARTS: Final = 100
TOLD_EVERY: Final = timedelta(minutes=1)
READERS_KEPT: Final = 1_024
# What a source, or a device, does with records; it decides nothing about others.
WORKING: Final[tuple[Right, ...]] = ("read", "download", "write")
LOOKED_AFTER: Final = ("the tokens of sources and of others", "登録元や他の利用者のトークン")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed: everything but what it is."""

    id: str
    name: str
    owner: Holder | None  # None: a source's own
    part: tuple[Part, ...] | None  # None: all that its owner holds
    source: str | None
    agent: str | None
    at: str
    by: str
    until: str
    used_at: str | None
    used_from: str | None
    ended_at: str | None

    def document(self) -> dict[str, Any]:
        """The token as it is answered."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": None if self.owner is None else self.owner.document(),
            "part": None if self.part is None else [{"right": each.right, "scope": each.scope} for each in self.part],
            "source": self.source,
            "agent": self.agent,
            "at": self.at,
            "by": self.by,
            "until": self.until,
            "usedAt": self.used_at,
            "usedFrom": self.used_from,
            "endedAt": self.ended_at,
        }


class Tokens:
    """The API tokens of a catalogue."""

    def __init__(
        self, store: Store, readers: Readers, scopes: Scopes, audit: Audit, *, clock: Clock = real_clock
    ) -> None:
        self._store = store
        self._readers = readers
        self._scopes = scopes
        self._audit = audit
        self._clock = clock
        # With whom each was worked out of, its owner and everyone: who are the same as long as nobody's rights change.
        self._made: Recent[tuple[Reader, Reader, Reader]] = Recent(READERS_KEPT)

    # --- making

    def make(
        self,
        by: Reader,
        name: str,
        *,
        until: str,
        part: Sequence[Mapping[str, Any]] | None = None,
        source: str | None = None,
        agent: str | None = None,
    ) -> Made[Token]:
        """A token of one's own: with all that its owner holds, or a part of it ([{"right", "scope"}], scope None: everywhere).

        Made with another token it ends with that one, and no later.
        """
        if by.person is None:
            raise Forbidden(
                "a token is made by a person: signed in, or with a token that has all of their rights",
                ja="トークンは本人（サインイン中、または全権限のトークン）だけが作成できます",
            )
        with self._store.write() as connection:
            owner = self._owner(connection, by.person)
            if by.token is not None:
                until = min(self._end(until), self._over(connection, by.token))
            return self._add(connection, by, name, owner, until, _parts(part), source, agent)

    def make_for(
        self,
        person: str,
        by: Reader,
        name: str,
        *,
        until: str,
        part: Sequence[Mapping[str, Any]] | None = None,
        source: str | None = None,
        agent: str | None = None,
    ) -> Made[Token]:
        """A token of somebody else's, which an administrator makes for them."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.write() as connection:
            owner = self._owner(connection, person)
            return self._add(connection, by, name, owner, until, _parts(part), source, agent)

    def make_for_source(
        self,
        source: str,
        by: Reader,
        name: str,
        *,
        until: str,
        part: Sequence[Mapping[str, Any]] | None = None,
        agent: str | None = None,
    ) -> Made[Token]:
        """A token with which a source writes its own records: in the scopes that are named, else in its home scope."""
        demand_administrator(by, *LOOKED_AFTER)
        told = _parts(part)
        with self._store.write() as connection:
            if told is None:
                told = (Part("write", self._home(connection, source)),)
            for each in told:
                if each.scope is None:
                    raise Invalid(
                        "part: a source's token names the scopes in which it works",
                        ja="part: 登録元のトークンでは対象のスコープを指定してください",
                    )
                if self._scopes.facts(each.scope, connection) is None:
                    raise NotFound(f"there is no scope '{each.scope}'", ja=f"スコープ「{each.scope}」はありません")
            return self._add(connection, by, name, None, until, told, source, agent)

    def let_in(self, connection: Connection, owner: Holder, name: str) -> Made[Token]:
        """A token for a command line, in the transaction in which its person's word is taken."""
        until = later(self._clock(), LOGIN_LASTS)
        self._demand_few(connection, owner, None)
        return self._insert(connection, owner.id, name, owner, until, None, None, None, None)

    def _add(
        self,
        connection: Connection,
        by: Reader,
        name: str,
        owner: Holder | None,
        until: str,
        part: tuple[Part, ...] | None,
        source: str | None,
        agent: str | None,
    ) -> Made[Token]:
        end = self._end(until)
        if source is not None or agent is not None:
            # Whoever works for one source, or is a machine, does not decide about others' rights.
            part = tuple(Part(right) for right in WORKING) if part is None else part
            if any(each.right not in WORKING for each in part):
                raise Invalid(
                    f"part: a source or a device may {', '.join(WORKING)}, and nothing else",
                    ja=f"part: 登録元や機器のトークンに付けられる権限は {', '.join(WORKING)} です",
                )
        if source is not None:
            self._home(connection, source)
        if agent is not None:
            self._demand_device(connection, agent, by)
        self._demand_few(connection, owner, source)
        return self._insert(connection, by.id, name, owner, end, part, source, agent, by.token)

    def _insert(
        self,
        connection: Connection,
        by: str,
        name: str,
        owner: Holder | None,
        until: str,
        part: tuple[Part, ...] | None,
        source: str | None,
        agent: str | None,
        parent: str | None,
    ) -> Made[Token]:
        moment, value = self._clock(), PREFIX + secrets.token_urlsafe(VALUE_BYTES)
        made = Token(
            secrets.token_hex(8), name_told(name), owner, part, source, agent, moment, by, until, None, None, None
        )
        written = None if part is None else orjson.dumps([[each.right, each.scope] for each in part]).decode()
        connection.execute(
            insert(token),
            {
                "id": made.id,
                "digest": digest_of(value),
                "name": made.name,
                "owner": None if owner is None else owner.key,
                "part": written,
                "source": source,
                "agent": agent,
                "parent": parent,
                "at": moment,
                "by": by,
                "until": until,
            },
        )
        whose = f"source:{source}" if owner is None else owner.id
        told = {"token": made.id, "name": made.name, "until": until, "part": made.document()["part"]}
        self._audit.note(connection, "token", by, holder=whose, **told, source=source, agent=agent)
        return Made(made, value)

    def _end(self, until: str) -> str:
        moment = self._clock()
        end = moment_told("until", until)
        if end is None or not moment < end <= later(moment, LONGEST):
            raise Invalid(
                f"until: a token ends within {LONGEST.days} days from now",
                ja=f"until: トークンの期限は今から{LONGEST.days}日以内にしてください",
            )
        return end

    def _over(self, connection: Connection, id: str) -> str:
        """Until when the token works that makes another; held, so that ending it finds what it made."""
        parent = select(token.c.until).where(token.c.id == id, token.c.ended_at.is_(None))
        until = connection.scalar(parent.with_for_update())
        if until is None:
            raise Forbidden("the token that asks has ended", ja="このトークンは終了しています")
        return str(until)

    def _owner(self, connection: Connection, person: str) -> Holder:
        row = connection.execute(
            select(holder.c.key, holder.c.id, holder.c.kind, holder.c.name).where(
                holder.c.id == person, holder.c.kind == "person", holder.c.ended_at.is_(None)
            )
        ).fetchone()
        if row is None:
            raise NotFound(f"there is nobody called {person:.200}", ja=f"{person:.200} という利用者はいません")
        return Holder(*row)

    def _home(self, connection: Connection, source: str) -> str:
        """The home scope of a source; NotFound if there is none of this name."""
        found = connection.scalar(_HOME.where(source_table.c.id == source))
        if found is None:
            raise NotFound(
                f"no source {source!r:.200} is registered", ja=f"登録元 {source!r:.200} は登録されていません"
            )
        return str(orjson.loads(found)["home_scope"])

    def _demand_device(self, connection: Connection, id: str, by: Reader) -> None:
        """Invalid unless this is a device's record that one may write: others would be said to have done what they did not."""
        row = connection.execute(_DEVICE.where(node.c.id == id)).fetchone()
        if row is not None:
            facts = self._scopes.facts(row.scope, connection)
            body = orjson.loads(row.body)
            device = isinstance(body, dict) and body.get("type") == "device"
            if device and facts is not None and decide("write", facts, by, self._clock()):
                return
        raise Invalid(
            f"agent: {id:.200} is no published record of a device that you may write",
            ja=f"agent: {id:.200} は、書き込み権限のある公開済みの機器 (device) のレコードではありません",
        )

    def _demand_few(self, connection: Connection, owner: Holder | None, source: str | None) -> None:
        whose = token.c.source == source if owner is None else token.c.owner == owner.key
        many = select(func.count()).where(whose, token.c.ended_at.is_(None), token.c.until > self._clock())
        if connection.execute(many).scalar_one() >= MOST_OF_ONE:
            raise Conflict(
                f"there are {MOST_OF_ONE} tokens already: end some that are not used any more",
                ja=f"トークンがすでに {MOST_OF_ONE} 個あります。不要なものを終了してください",
            )

    # --- using

    def reader(self, value: str) -> Reader | None:
        """Who carries this token; None if it is none, has ended or is over, or its owner has ended."""
        # Once for each request, so in one statement, by the driver: what SQLAlchemy builds first takes ten times as long.
        with self._store.glance() as driver:
            looked = _LOOK.replace("?", self._store.database.mark)
            row = driver.execute(looked, (digest_of(value), self._clock())).fetchone()
        if row is None:
            return None
        token_id, written, source, agent, key, owner, epoch = row
        if owner is None:
            of_source = self._readers.source(source, _kept(written) or (), agent=agent, epoch=epoch)
            return replace(of_source, token=token_id, partial=True)
        whole, everyones = self._readers.person(key, owner, epoch=epoch), self._readers.public(epoch=epoch)

        def make() -> tuple[Reader, Reader, Reader]:
            part = self._readers.part_of(whole, _kept(written), source=source, agent=agent)
            return whole, everyones, replace(part, token=token_id)

        if whole.administrator and any(each.scope is None for each in _kept(written) or ()):
            # Everywhere is in what roots there are now, and a new one changes nobody's rights.
            return make()[2]
        return self._made.get((id(whole), id(everyones), token_id), make)[2]

    def used(self, value: str, address: str) -> None:
        """Write down that a token is in use, and in the audit where it was not used from before."""
        moment = self._clock()
        mine = token.c.digest == digest_of(value)
        with self._store.read() as connection:
            row = connection.execute(_TOKENS.where(mine)).fetchone()
        if row is None:
            return
        found = _token(row)
        recent = found.used_at is not None and found.used_at > later(moment, -TOLD_EVERY)
        if recent and found.used_from == address:
            return
        with self._store.write() as connection:
            connection.execute(update(token).where(mine).values(used_at=moment, used_from=address))
            if found.used_from != address:
                self._tell_address(connection, found, address)

    def _tell_address(self, connection: Connection, found: Token, address: str) -> None:
        whose = f"source:{found.source}" if found.owner is None else found.owner.id
        detail = {"token": found.id}
        told = select(audit.c.position).where(
            audit.c.holder == whose,
            audit.c.act == "token-new-address",
            audit.c.address == address,
            audit.c.detail == orjson.dumps(detail).decode(),
        )
        if connection.execute(told.limit(1)).fetchone() is None:
            self._audit.note(connection, "token-new-address", whose, holder=whose, address=address, **detail)

    # --- looking after them

    def of(self, by: Reader) -> tuple[Token, ...]:
        """One's own tokens that have not ended, the newest first."""
        if by.person is None:
            raise Forbidden(
                "tokens are listed to their owner: signed in, or with a token that has all of their rights",
                ja="トークンの一覧は本人（サインイン中、または全権限のトークン）だけが見られます",
            )
        return self._list(holder.c.id == by.person)

    def of_source(self, source: str, by: Reader) -> tuple[Token, ...]:
        """A source's own tokens that have not ended, for administrators."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.read() as connection:
            self._home(connection, source)
        return self._list(token.c.owner.is_(None) & (token.c.source == source))

    def every(self, by: Reader) -> tuple[Token, ...]:
        """All tokens that have not ended, for administrators."""
        demand_administrator(by, *LOOKED_AFTER)
        return self._list(token.c.id.is_not(None))

    def carried(self, by: Reader) -> Token | None:
        """The token with which somebody asks, if it is one."""
        if by.token is None:
            return None
        with self._store.read() as connection:
            return _token(connection.execute(_TOKENS.where(token.c.id == by.token)).one())

    def _list(self, whose: ColumnElement[bool]) -> tuple[Token, ...]:
        wanted = _TOKENS.where(whose, token.c.ended_at.is_(None), token.c.until > self._clock(), _OWNED)
        with self._store.read() as connection:
            return tuple(map(_token, connection.execute(wanted.order_by(token.c.at.desc(), token.c.id))))

    def end(self, id: str, by: Reader) -> None:
        """End a token at once, with those that it made: its owner, an administrator, or whoever carries it."""
        with self._store.write() as connection:
            row = connection.execute(_TOKENS.where(token.c.id == id, token.c.ended_at.is_(None))).fetchone()
            found = None if row is None else _token(row)
            mine = found is not None and found.owner is not None and found.owner.id == by.person
            if found is None or not (mine or by.administrator or by.token == id):
                raise NotFound(
                    f"there is no token {id:.80} that you may end", ja=f"終了できるトークン {id:.80} はありません"
                )
            whose = f"source:{found.source}" if found.owner is None else found.owner.id
            ending = [found.id]
            while ending:
                connection.execute(
                    update(token)
                    .where(token.c.id.in_(ending), token.c.ended_at.is_(None))
                    .values(ended_at=self._clock(), ended_by=by.id)
                )
                for each in ending:
                    self._audit.note(connection, "token-ended", by.id, holder=whose, token=each)
                below = select(token.c.id).where(token.c.parent.in_(ending), token.c.ended_at.is_(None))
                ending = list(connection.scalars(below))


_TOKENS: Final[Select[Any]] = select(
    token.c.id,
    token.c.name,
    holder.c.key,
    holder.c.id.label("holder_id"),
    holder.c.kind,
    holder.c.name.label("holder_name"),
    token.c.part,
    token.c.source,
    token.c.agent,
    token.c.at,
    token.c.by,
    token.c.until,
    token.c.used_at,
    token.c.used_from,
    token.c.ended_at,
).outerjoin(holder, holder.c.key == token.c.owner)
_LOOK: Final = (
    "SELECT token.id, token.part, token.source, token.agent, holder.key, holder.id, (SELECT number FROM epoch WHERE key = 1) "
    "FROM token LEFT JOIN holder ON holder.key = token.owner "
    "WHERE token.digest = ? AND token.ended_at IS NULL AND token.until > ? "
    "AND (token.owner IS NULL OR holder.ended_at IS NULL)"
)
_OWNED: Final = or_(token.c.owner.is_(None), holder.c.ended_at.is_(None))
_HOME: Final[Select[Any]] = select(source_version.c.document).join(
    source_table,
    (source_table.c.id == source_version.c.source) & (source_table.c.version == source_version.c.version),
)
_DEVICE: Final[Select[Any]] = (
    select(scope.c.id.label("scope"), revision.c.body)
    .select_from(node)
    .join(record, record.c.key == node.c.key)
    .join(scope, scope.c.key == record.c.scope)
    .join(revision, (revision.c.record == record.c.key) & (revision.c.number == record.c.shown))
    .where(record.c.kind == "agent", record.c.status == "public")
)


def _token(row: Any) -> Token:
    id, name, key, holder_id, kind, holder_name, part, *rest = row
    owner = None if key is None else Holder(key, holder_id, kind, holder_name)
    return Token(id, name, owner, _kept(part), *rest)


def _kept(written: str | None) -> tuple[Part, ...] | None:
    return None if written is None else tuple(Part(right, scope) for right, scope in orjson.loads(written))


def _parts(told: Sequence[Mapping[str, Any]] | None) -> tuple[Part, ...] | None:
    """A part of somebody's rights as it was told; Invalid says what would be right."""
    if told is None:
        return None
    if not 0 < len(told) <= MOST_PARTS:
        raise Invalid(
            f"part: name from 1 to {MOST_PARTS} rights, or leave part out for all that you hold",
            ja=f"part: 権限を 1 から {MOST_PARTS} 個指定するか、省略して全権限としてください",
        )
    return tuple(dict.fromkeys(map(_part, told)))


def _part(told: Mapping[str, Any]) -> Part:
    if not isinstance(told, Mapping) or not {"right"} <= told.keys() <= {"right", "scope"}:
        raise Invalid(
            'part: each is {"right": "write", "scope": "spring8/2026A1234"}; without a scope it is for everywhere',
            ja='part: {"right": "write", "scope": "spring8/2026A1234"} の形で書いてください。scope を省くと全体です',
        )
    right, where = told["right"], told.get("scope")
    if right not in RIGHTS:
        raise Invalid(
            f"part: right is one of {', '.join(RIGHTS)}", ja=f"part: right は {', '.join(RIGHTS)} のいずれかです"
        )
    if where is not None:
        if not isinstance(where, str):
            raise Invalid("part: scope is a scope's id", ja="part: scope はスコープの ID です")
        check_scope_id(where)
    return Part(right, where)
