"""Asking for access: by anybody who is signed in, for any scope whose id they know; granted with an end, or refused.

What is asked is kept under the scope's id, whether there is such a scope or not: whoever asks for one that is hidden from them
gets, sees and may take back the same as whoever asks for one that was never made.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, case, func, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.grants import Grants
from catalog.access.holders import holder_of
from catalog.access.moments import moment_told
from catalog.access.paging import USUAL, Along, Page, page_of
from catalog.access.policy import decide
from catalog.access.scopes import Scopes, check_scope_id
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import RIGHTS, Reader, Right
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import access_request, holder, permission, person, scope, scope_closure

LONGEST_TEXT: Final = 4_000
# Somebody's requests that nobody has answered yet; more would be no asking.
MOST_OPEN: Final = 50


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked, and what became of it."""

    id: str
    scope: str
    person: str
    name: str
    orcid: str | None
    rights: tuple[Right, ...]
    text: str
    state: str  # open | granted | refused | withdrawn
    at: str
    decided_at: str | None
    decided_by: str | None
    answer: str | None
    until: str | None
    given: tuple[Right, ...]
    # Whether it was open already when it was asked just now, and says something else since.
    again: bool = False

    def document(self) -> dict[str, Any]:
        """The request as it is answered."""
        return {
            "id": self.id,
            "scope": self.scope,
            "person": {"id": self.person, "name": self.name, "orcid": self.orcid},
            "rights": list(self.rights),
            "text": self.text,
            "state": self.state,
            "at": self.at,
            "decidedAt": self.decided_at,
            "answer": self.answer,
            "granted": list(self.given),
            "until": self.until,
        }


class Requests:
    """What people have asked to be let into."""

    def __init__(
        self, store: Store, scopes: Scopes, grants: Grants, audit: Audit, *, clock: Clock = real_clock
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._grants = grants
        self._audit = audit
        self._clock = clock

    def ask(self, scope_id: str, by: Reader, text: str, *, rights: Collection[Right] = ("read", "download")) -> Request:
        """Ask for rights in a scope; asked again while nobody has answered, the words are set anew (`again`)."""
        if by.person is None:
            raise Forbidden(
                "access is asked for by people who are signed in", ja="アクセスの申請にはサインインが必要です"
            )
        check_scope_id(scope_id)
        wanted = _rights(rights)
        said = _text("text", text)
        if not said:
            raise Invalid(
                "text: say what for; whoever answers knows nothing else", ja="text: 申請の目的を書いてください"
            )
        with self._store.write() as connection:
            asking = holder_of(connection, by.person)
            # One after the other, so that whoever asks twice at one moment has asked once.
            connection.execute(update(person).where(person.c.key == asking.key).values(language=person.c.language))
            mine = (access_request.c.person == asking.key, access_request.c.state == "open")
            told = orjson.dumps(wanted).decode()
            again = connection.scalar(select(access_request.c.id).where(*mine, access_request.c.scope == scope_id))
            if again is not None:
                connection.execute(
                    update(access_request).where(access_request.c.id == again).values(rights=told, text=said)
                )
                self._audit.note(connection, "request", by.id, scope=scope_id, holder=asking.id, rights=wanted)
                return replace(self._found(connection, again), again=True)
            if (connection.scalar(select(func.count()).select_from(access_request).where(*mine)) or 0) >= MOST_OPEN:
                raise Conflict(
                    f"{MOST_OPEN} of your requests are still open: wait for an answer, or withdraw one",
                    ja=f"未回答の申請が{MOST_OPEN}件あります。回答を待つか、取り下げてください",
                )
            id = secrets.token_hex(8)
            row = {
                "id": id,
                "scope": scope_id,
                "person": asking.key,
                "rights": told,
                "text": said,
                "state": "open",
                "at": self._clock(),
            }
            connection.execute(insert(access_request), row)
            self._audit.note(connection, "request", by.id, scope=scope_id, holder=asking.id, rights=wanted)
            return self._found(connection, id)

    def mine(
        self, reader: Reader, *, scope_id: str | None = None, cursor: str | None = None, limit: int = USUAL
    ) -> Page[Request]:
        """What the reader has asked themselves, open ones first, then the newest."""
        if reader.person is None:
            return Page((), None)
        wanted = _requests().where(holder.c.id == reader.person)
        if scope_id is not None:
            wanted = wanted.where(access_request.c.scope == scope_id)
        return self._page(wanted, cursor, limit)

    def of_scope(
        self, scope_id: str, reader: Reader, *, cursor: str | None = None, limit: int = USUAL
    ) -> Page[Request]:
        """What was asked of a scope and of those below it, open ones first, then the newest; for whoever manages it."""
        self._scopes.managed(scope_id, reader)
        return self._page(_requests().where(self._scopes.in_or_below(access_request.c.scope, scope_id)), cursor, limit)

    def open_in(self, scope_id: str, reader: Reader) -> int:
        """How many of them wait for an answer."""
        self._scopes.managed(scope_id, reader)
        waiting = (
            select(func.count())
            .select_from(access_request)
            .where(access_request.c.state == "open", self._scopes.in_or_below(access_request.c.scope, scope_id))
        )
        with self._store.read() as connection:
            return int(connection.scalar(waiting) or 0)

    def waiting(self, reader: Reader, *, cursor: str | None = None, limit: int = USUAL) -> Page[Request]:
        """What waits for the reader's answer: open requests for scopes that they manage."""
        wanted = _requests().where(access_request.c.state == "open")
        if not reader.administrator:
            moment = self._clock()
            managed = (
                select(permission.c.id)
                .join(scope_closure, scope_closure.c.ancestor == permission.c.scope)
                .join(scope, scope.c.key == scope_closure.c.descendant)
                .where(
                    scope.c.id == access_request.c.scope,
                    permission.c.holder.in_(reader.holders),
                    permission.c.may == "manage",
                    permission.c.ended_at.is_(None),
                    or_(permission.c.since.is_(None), permission.c.since <= moment),
                    or_(permission.c.until.is_(None), permission.c.until > moment),
                )
            )
            wanted = wanted.where(managed.exists())
        return self._page(wanted, cursor, limit)

    def grant(
        self, id: str, by: Reader, *, until: str, rights: Collection[Right] | None = None, answer: str | None = None
    ) -> Request:
        """Give what was asked, or a part of it, until a time, by whoever manages the scope."""
        said = None if answer is None else _text("answer", answer)
        with self._store.write() as connection:
            found = self._to_be_decided(connection, id, by)
            given = found.rights if rights is None else _rights(rights)
            if not set(given) <= set(found.rights):
                raise Invalid(
                    f"rights: {', '.join(found.rights)} were asked for, no more",
                    ja=f"rights: 申請された権限は {', '.join(found.rights)} です",
                )
            end = moment_told("until", until)
            if end is None:
                raise Invalid(
                    "until: what is granted on request has an end", ja="until: 申請への許可には期限が必要です"
                )
            key, facts = self._grants.shared(connection, found.scope, by)
            self._grants.give(
                connection, key, facts, given, holder_of(connection, found.person), by, None, end, f"request {id}"
            )
            self._decided(connection, found, by, "granted", said, end, given)
            return self._found(connection, id)

    def refuse(self, id: str, by: Reader, *, answer: str | None = None) -> Request:
        """Say no, by whoever manages the scope."""
        said = None if answer is None else _text("answer", answer)
        with self._store.write() as connection:
            found = self._to_be_decided(connection, id, by)
            self._decided(connection, found, by, "refused", said, None, ())
            return self._found(connection, id)

    def withdraw(self, id: str, by: Reader) -> Request:
        """Ask no more; whoever asked."""
        with self._store.write() as connection:
            found = self._locked(connection, id)
            if found is None or by.person is None or found.person != by.person:
                raise _absent(id)
            _demand_open(found)
            self._decided(connection, found, by, "withdrawn", None, None, ())
            return self._found(connection, id)

    def _to_be_decided(self, connection: Connection, id: str, by: Reader) -> Request:
        found = self._locked(connection, id)
        facts = None if found is None else self._scopes.facts(found.scope, connection)
        if found is None or facts is None or not decide("manage", facts, by, self._clock()):
            raise _absent(id)
        _demand_open(found)
        return found

    def _locked(self, connection: Connection, id: str) -> Request | None:
        # Two who answer at one moment do so one after the other.
        if not id.isalnum():
            return None
        connection.execute(update(access_request).where(access_request.c.id == id).values(state=access_request.c.state))
        row = connection.execute(_requests().where(access_request.c.id == id)).fetchone()
        return None if row is None else _request(row)

    def _decided(
        self,
        connection: Connection,
        found: Request,
        by: Reader,
        state: str,
        answer: str | None,
        until: str | None,
        rights: Collection[Right],
    ) -> None:
        connection.execute(
            update(access_request)
            .where(access_request.c.id == found.id)
            .values(
                state=state,
                decided_at=self._clock(),
                decided_by=by.id,
                answer=answer,
                given=orjson.dumps(list(rights)).decode(),
                until=until,
            )
        )
        self._audit.note(
            connection,
            "request-decided",
            by.id,
            scope=found.scope,
            holder=found.person,
            request=found.id,
            state=state,
            rights=tuple(rights),
            until=until,
        )

    def _found(self, connection: Connection, id: str) -> Request:
        return _request(connection.execute(_requests().where(access_request.c.id == id)).one())

    def _page(self, wanted: Select[Any], cursor: str | None, limit: int) -> Page[Request]:
        with self._store.read() as connection:
            return page_of(connection, wanted, _ALONG, _request, cursor=cursor, limit=limit)


def _rights(told: Collection[str]) -> tuple[Right, ...]:
    named = tuple(right for right in RIGHTS if right in told)
    if not named or len(named) != len(set(told)):
        raise Invalid(f"rights: name some of {', '.join(RIGHTS)}", ja=f"rights: {', '.join(RIGHTS)} から選んでください")
    return named


def _text(name: str, told: str) -> str:
    said = told.replace("\r\n", "\n").strip()
    if len(said) > LONGEST_TEXT or any(not sign.isprintable() and sign not in "\n\t" for sign in said):
        raise Invalid(
            f"{name}: write at most {LONGEST_TEXT} characters, without control characters",
            ja=f"{name}: {LONGEST_TEXT}文字以内で、制御文字を使わずに書いてください",
        )
    return said


def _demand_open(found: Request) -> None:
    if found.state != "open":
        raise Conflict(f"this request was {found.state} already", ja="この申請はすでに処理されています")


def _absent(id: str) -> NotFound:
    return NotFound(
        f"there is no request {id:.80} that you may answer or withdraw",
        ja=f"回答または取り下げのできる申請 {id:.80} はありません",
    )


_WAITS: Final = case((access_request.c.state == "open", 1), else_=0).label("waits")
# The cursor tells values and names no row: an answer that is given meanwhile moves what was read, and nothing else.
_ALONG: Final = (
    Along("waits", _WAITS.element, int, descending=True),
    Along("at", access_request.c.at, descending=True),
    Along("id", access_request.c.id),
)


def _requests() -> Select[Any]:
    return (
        select(
            access_request.c.id,
            access_request.c.scope,
            holder.c.id.label("person_id"),
            holder.c.name,
            person.c.orcid,
            access_request.c.rights,
            access_request.c.text,
            access_request.c.state,
            access_request.c.at,
            access_request.c.decided_at,
            access_request.c.decided_by,
            access_request.c.answer,
            access_request.c.until,
            access_request.c.given,
            _WAITS,
        )
        .join(person, person.c.key == access_request.c.person)
        .join(holder, holder.c.key == person.c.key)
    )


def _request(row: Any) -> Request:
    id, where, who, name, orcid, rights, text, state, at, decided_at, decided_by, answer, until, given, _ = row
    granted: tuple[Right, ...] = tuple(orjson.loads(given or "[]"))
    asked: tuple[Right, ...] = tuple(orjson.loads(rights))
    return Request(id, where, who, name, orcid, asked, text, state, at, decided_at, decided_by, answer, until, granted)
