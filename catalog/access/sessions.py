"""Who has signed in with a browser: sessions that are kept here, each ended by the clock, by its person, or with them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from catalog.access.audit import Audit
from catalog.access.moments import later
from catalog.access.once import VALUE_BYTES, digest_of
from catalog.access.readers import Readers
from catalog.errors import NotFound
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, person, session

LONGEST: Final = timedelta(days=30)
IDLE: Final = timedelta(hours=12)
# How far behind what is kept of a session's last use may be: a request that only reads writes nothing.
SEEN_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's sign-in with one browser."""

    id: str
    person: str
    key: int  # of the person
    name: str
    how: str  # local, or the issuer's id
    csrf: str
    started_at: str
    seen_at: str
    until: str
    address: str
    agent: str

    def document(self) -> dict[str, Any]:
        """The session as its person sees it: what would let others use it is not in it."""
        return {
            "id": self.id,
            "how": self.how,
            "startedAt": self.started_at,
            "seenAt": self.seen_at,
            "until": self.until,
            "address": self.address,
            "agent": self.agent,
        }


class Sessions:
    """The sessions of a catalogue. Of a session's value only a digest is kept."""

    def __init__(self, store: Store, readers: Readers, audit: Audit, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._readers = readers
        self._audit = audit
        self._clock = clock

    def start(
        self, connection: Connection, key: int, id: str, *, how: str, address: str, agent: str, instead_of: str | None
    ) -> str:
        """A new session's value, in the transaction of the sign-in; the one that the browser had before is worthless."""
        moment = self._clock()
        value = secrets.token_urlsafe(VALUE_BYTES)
        over = or_(session.c.until <= moment, session.c.seen_at <= later(moment, -IDLE))
        connection.execute(delete(session).where(over))
        if instead_of is not None:
            connection.execute(delete(session).where(session.c.digest == digest_of(instead_of)))
        connection.execute(
            insert(session),
            {
                "digest": digest_of(value),
                "id": secrets.token_hex(8),
                "person": key,
                "how": how,
                "csrf": secrets.token_urlsafe(VALUE_BYTES),
                "started_at": moment,
                "seen_at": moment,
                "until": later(moment, LONGEST),
                "address": address,
                "agent": agent[:200],
            },
        )
        self._audit.note(connection, "sign-in", id, holder=id, address=address, how=how)
        return value

    def reader(self, value: str) -> tuple[Session, Reader] | None:
        """Whose session this is, and what they may; None if it is none, or has ended, or its person has."""
        moment = self._clock()
        # Once for each request, so in one statement, by the driver: SQLAlchemy's own way takes ten times as long.
        with self._store.glance() as driver:
            row = driver.execute(_LOOK.replace("?", self._store.database.mark), (digest_of(value), moment)).fetchone()
        if row is None:
            return None
        *told, epoch = row
        found = Session(*told)
        if found.seen_at <= later(moment, -IDLE):
            return None
        return found, self._readers.person(found.key, found.person, epoch=epoch)

    def is_long_unseen(self, found: Session) -> bool:
        """Whether it should be written down that a session is in use."""
        return found.seen_at <= later(self._clock(), -SEEN_EVERY)

    def seen(self, found: Session) -> None:
        """Write down that a session is in use."""
        moment = self._clock()
        with self._store.write() as connection:
            connection.execute(
                update(session).where(session.c.id == found.id, session.c.seen_at < moment).values(seen_at=moment)
            )

    def of(self, key: int) -> tuple[Session, ...]:
        """A person's sessions, the one that was used last first."""
        moment = self._clock()
        wanted = (
            _sessions()
            .where(session.c.person == key, session.c.until > moment, session.c.seen_at > later(moment, -IDLE))
            .order_by(session.c.seen_at.desc(), session.c.id)
        )
        with self._store.read() as connection:
            return tuple(Session(*row) for row in connection.execute(wanted))

    def sign_out(self, key: int, person_id: str, id: str, *, address: str) -> None:
        """End a session by itself."""
        with self._store.write() as connection:
            ended = connection.execute(delete(session).where(session.c.id == id, session.c.person == key))
            if ended.rowcount:
                self._audit.note(connection, "sign-out", person_id, holder=person_id, address=address)

    def end(self, key: int, person_id: str, id: str, *, by: str) -> None:
        """End one of a person's sessions; NotFound if they have no such."""
        with self._store.write() as connection:
            ended = connection.execute(delete(session).where(session.c.id == id, session.c.person == key))
            if not ended.rowcount:
                raise NotFound(f"there is no session {id:.80}", ja=f"セッション {id:.80} はありません")
            self._audit.note(connection, "session-ended", by, holder=person_id, sessions=1)

    def end_others(self, key: int, person_id: str, id: str) -> int:
        """End all of a person's sessions but this one, at their own wish; how many."""
        with self._store.write() as connection:
            return self.end_all(connection, key, person_id, by=person_id, but=id)

    def end_all(self, connection: Connection, key: int, person_id: str, *, by: str, but: str | None = None) -> int:
        """End all of a person's sessions, or all but one, in the transaction of what makes it necessary; how many."""
        mine = delete(session).where(session.c.person == key)
        ended = connection.execute(mine if but is None else mine.where(session.c.id != but)).rowcount
        if ended:
            self._audit.note(connection, "session-ended", by, holder=person_id, sessions=ended)
        return ended


def _sessions() -> Select[Any]:
    return (
        select(
            session.c.id,
            holder.c.id.label("holder_id"),
            holder.c.key,
            holder.c.name,
            session.c.how,
            session.c.csrf,
            session.c.started_at,
            session.c.seen_at,
            session.c.until,
            session.c.address,
            session.c.agent,
        )
        .join(person, person.c.key == session.c.person)
        .join(holder, holder.c.key == person.c.key)
        .where(holder.c.ended_at.is_(None))
    )


_LOOK: Final = (
    "SELECT session.id, holder.id, holder.key, holder.name, session.how, session.csrf, session.started_at, session.seen_at, "
    "session.until, session.address, session.agent, (SELECT number FROM epoch WHERE key = 1) "
    "FROM session JOIN holder ON holder.key = session.person "
    "WHERE session.digest = ? AND session.until > ? AND holder.ended_at IS NULL"
)
