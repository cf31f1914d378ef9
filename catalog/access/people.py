"""People: made by an invitation, by an issuer's word or by an administrator; found by their id, and ended."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.holders import make_holder
from catalog.access.managers import end_manager
from catalog.access.once import forget_links_of
from catalog.access.policy import demand_administrator
from catalog.access.sessions import Sessions
from catalog.errors import Invalid, NotFound
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, identity, issuer, local_account, once, person, token

LONGEST_NAME: Final = 200
LANGUAGES: Final = ("en", "ja")
# RFC 5321, 4.5.3.1.3: a path has at most 256 characters with its two brackets.
LONGEST_EMAIL: Final = 254
LOOKED_AFTER: Final = ("people", "利用者")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    key: int
    id: str
    name: str
    email: str | None
    orcid: str | None
    administrator: bool
    language: str | None
    login: str | None  # of the local account, if they have one
    at: str
    ended_at: str | None

    def document(self) -> dict[str, Any]:
        """The person as they and administrators see them."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "orcid": self.orcid,
            "administrator": self.administrator,
            "language": self.language,
            "login": self.login,
            "at": self.at,
            "endedAt": self.ended_at,
        }


@dataclass(frozen=True, slots=True)
class KnownAs:
    """How an issuer knows a person."""

    issuer: str
    issuer_address: str
    subject: str
    name: str
    first_at: str
    last_at: str

    def document(self) -> dict[str, Any]:
        """The identity as its person sees it."""
        return {
            "issuer": self.issuer,
            "issuerAddress": self.issuer_address,
            "subject": self.subject,
            "name": self.name,
            "firstAt": self.first_at,
            "lastAt": self.last_at,
        }


class People:
    """The people of a catalogue."""

    def __init__(self, store: Store, sessions: Sessions, audit: Audit, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._sessions = sessions
        self._audit = audit
        self._clock = clock

    def create(
        self,
        connection: Connection,
        name: str,
        *,
        by: str | None = None,
        email: str | None = None,
        orcid: str | None = None,
        language: str | None = None,
        administrator: bool = False,
    ) -> Person:
        """Somebody new, in the transaction of what makes them known; without `by` they came by themselves."""
        told = name_told(name), email_told(email), orcid_told(orcid)
        moment = self._clock()
        made = make_holder(connection, "person", told[0], by=by or "public", at=moment)
        connection.execute(
            insert(person),
            {
                "key": made.key,
                "email": told[1],
                "orcid": told[2],
                "administrator": administrator,
                "language": language if language in LANGUAGES else None,
            },
        )
        self._audit.note(connection, "person", by or made.id, holder=made.id, name=told[0], administrator=administrator)
        return self._found(connection, made.id)

    def find(self, id: str, reader: Reader) -> Person:
        """Somebody, for administrators and for themselves; NotFound to others."""
        with self._store.read() as connection:
            found = connection.execute(_people().where(holder.c.id == id)).fetchone()
        if found is None or not (reader.administrator or reader.person == id):
            raise _nobody(id)
        return Person(*found)

    def list(self, reader: Reader, *, after: str | None = None, limit: int = 100) -> tuple[Person, ...]:
        """Everybody who has not ended, for administrators, in the order of their ids."""
        demand_administrator(reader, *LOOKED_AFTER)
        wanted = _people().where(holder.c.ended_at.is_(None)).order_by(holder.c.id).limit(limit)
        if after is not None:
            wanted = wanted.where(holder.c.id > after)
        with self._store.read() as connection:
            return tuple(Person(*row) for row in connection.execute(wanted))

    def named(self, told: str, reader: Reader) -> Person:
        """Somebody by id, login or ORCID, for administrators; Invalid if several are meant.

        Not by e-mail: everybody writes their own, and may write somebody else's.
        """
        demand_administrator(reader, *LOOKED_AFTER)
        either = or_(
            holder.c.id == told,
            # A login like somebody's ORCID iD is never taken for it.
            local_account.c.login == ("" if looks_like_orcid(told) else told.lower()),
            person.c.orcid == told.removeprefix("https://orcid.org/"),
        )
        with self._store.read() as connection:
            found = connection.execute(_people().where(either, holder.c.ended_at.is_(None)).limit(2)).fetchall()
        if not found:
            raise _nobody(told)
        if len(found) > 1:
            raise Invalid(
                f"{told:.200} may be several people: name one by id",
                ja=f"{told:.200} に当てはまる利用者が複数います。ID で指定してください",
            )
        return Person(*found[0])

    def identities(self, key: int) -> tuple[KnownAs, ...]:
        """How issuers know a person, the one that vouched last first."""
        wanted = (
            select(
                identity.c.issuer,
                issuer.c.address,
                identity.c.subject,
                identity.c.name,
                identity.c.first_at,
                identity.c.last_at,
            )
            .join(issuer, issuer.c.id == identity.c.issuer)
            .where(identity.c.person == key)
            .order_by(identity.c.last_at.desc(), identity.c.issuer, identity.c.subject)
        )
        with self._store.read() as connection:
            return tuple(KnownAs(*row) for row in connection.execute(wanted))

    def set_administrator(self, id: str, administrator: bool, by: Reader) -> Person:
        """Let somebody administer the catalogue, or no more."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.write() as connection:
            found = self._found(connection, id)
            if found.administrator != administrator:
                connection.execute(update(person).where(person.c.key == found.key).values(administrator=administrator))
                self._audit.note(connection, "person", by.id, holder=id, administrator=administrator)
                turn(connection)
                if not administrator:
                    forget_links_of(connection, id)
            return self._found(connection, id)

    def change(self, id: str, by: Reader, *, name: str, email: str | None, language: str | None) -> Person:
        """What a person is called and how they are reached, as they or an administrator say."""
        if not (by.administrator or by.person == id):
            raise _nobody(id)
        with self._store.write() as connection:
            found = self._found(connection, id)
            told = name_told(name), email_told(email)
            if language is not None and language not in LANGUAGES:
                raise Invalid("language: there are en and ja", ja="language: en か ja を指定してください")
            connection.execute(update(holder).where(holder.c.key == found.key).values(name=told[0]))
            connection.execute(update(person).where(person.c.key == found.key).values(email=told[1], language=language))
            self._audit.note(connection, "person", by.id, holder=id, name=told[0])
            return self._found(connection, id)

    def end(self, id: str, by: Reader) -> tuple[str, ...]:
        """Shut somebody out: their sessions and tokens are worthless at the next request, and they hold nothing.

        Whatever they manage: an account that was stolen is not kept open for want of a successor. The answer are the scopes
        that nobody manages any more.
        """
        demand_administrator(by, *LOOKED_AFTER)
        moment = self._clock()
        with self._store.write() as connection:
            found = self._found(connection, id)
            left = end_manager(connection, self._audit, found.key, id, at=moment, by=by.id)
            self.let_nobody_in(connection, found.key, id, by=by.id)
            forget_links_of(connection, id)
            self._audit.note(connection, "person-ended", by.id, holder=id)
            return left

    def let_nobody_in(self, connection: Connection, key: int, id: str, *, by: str, keep_tokens: bool = False) -> None:
        """End every session of a person, and every token, with what a command line may still become one by."""
        self._sessions.end_all(connection, key, id, by=by)
        if keep_tokens:
            return
        connection.execute(
            delete(once).where(once.c.what == "device", once.c.detail.contains(f'"person":"{id}"', autoescape=True))
        )
        ended = connection.execute(
            update(token)
            .where(token.c.owner == key, token.c.ended_at.is_(None))
            .values(ended_at=self._clock(), ended_by=by)
        )
        if ended.rowcount:
            self._audit.note(connection, "token-ended", by, holder=id, tokens=ended.rowcount)

    def _found(self, connection: Connection, id: str) -> Person:
        row = connection.execute(_people().where(holder.c.id == id, holder.c.ended_at.is_(None))).fetchone()
        if row is None:
            raise _nobody(id)
        return Person(*row)


def _people() -> Select[Any]:
    return (
        select(
            holder.c.key,
            holder.c.id,
            holder.c.name,
            person.c.email,
            person.c.orcid,
            person.c.administrator,
            person.c.language,
            local_account.c.login,
            holder.c.at,
            holder.c.ended_at,
        )
        .join(person, person.c.key == holder.c.key)
        .outerjoin(local_account, local_account.c.person == person.c.key)
    )


def name_told(told: str) -> str:
    """A person's name as it is kept."""
    name = " ".join(unicodedata.normalize("NFC", told).split())
    if not name or len(name) > LONGEST_NAME or any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in name):
        raise Invalid(
            f"name: write a name of at most {LONGEST_NAME} characters",
            ja=f"name: 名前を{LONGEST_NAME}文字以内で書いてください",
        )
    return name


def email_told(told: str | None) -> str | None:
    """An address for mail as it is kept."""
    if told is None or not told.strip():
        return None
    if len(told) > LONGEST_EMAIL or not re.fullmatch(r"[^@\s\x00-\x1f\x7f<>]+@[^@\s\x00-\x1f\x7f<>]+", told.strip()):
        raise Invalid(
            f"email: {told!r:.80} is no address for mail; write name@example.org",
            ja=f"email: {told!r:.80} はメールアドレスではありません (例 name@example.org)",
        )
    return told.strip()


def looks_like_orcid(told: str) -> bool:
    """Whether a text has the form of an ORCID iD, in whatever letters."""
    return re.fullmatch(r"(?:[0-9]{4}-){3}[0-9]{3}[0-9Xx]", told) is not None


def orcid_told(told: str | None) -> str | None:
    """An ORCID iD as it is kept: its sixteen characters in fours, the last one checked."""
    if told is None or not told.strip():
        return None
    bare = told.strip().removeprefix("https://orcid.org/").removeprefix("http://orcid.org/")
    if looks_like_orcid(bare):
        total = 0
        for digit in bare.replace("-", "")[:-1]:
            total = (total + int(digit)) * 2
        # ISO 7064, MOD 11-2
        if "0123456789X"[(12 - total % 11) % 11] == bare[-1]:
            return bare
    raise Invalid(
        f"orcid: {told!r:.80} is no ORCID iD; write 0000-0002-1825-0097",
        ja=f"orcid: {told!r:.80} は ORCID iD ではありません (例 0000-0002-1825-0097)",
    )


def _nobody(id: str) -> NotFound:
    return NotFound(f"there is nobody called {id:.200}", ja=f"{id:.200} という利用者はいません")
