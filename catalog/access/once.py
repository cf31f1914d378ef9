"""What works once and not for ever: an invitation, a password's reset, a sign-in under way. Only a digest of it is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import orjson
from sqlalchemy import Connection, delete, insert, select

from catalog.store.tables import once

T = TypeVar("T")
What = Literal["invite", "reset", "sign-in", "device"]
VALUE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """Something new, and the value that opens it: told now and never again."""

    what: T
    value: str = field(repr=False)


def keep_once(
    connection: Connection,
    what: What,
    detail: dict[str, Any],
    *,
    by: str,
    at: str,
    until: str,
    value: str | None = None,
) -> str:
    """A new value that stands for something until then; what is over goes meanwhile."""
    connection.execute(delete(once).where(once.c.until <= at))
    made = secrets.token_urlsafe(VALUE_BYTES) if value is None else value
    connection.execute(
        insert(once),
        {"digest": digest_of(made), "what": what, "detail": _written(detail), "at": at, "by": by, "until": until},
    )
    return made


def look_once(connection: Connection, what: What, value: str, *, at: str) -> dict[str, Any] | None:
    """What a value stands for, which it still does afterwards; None if it is none, was used, or is over."""
    wanted = select(once.c.detail).where(once.c.digest == digest_of(value), once.c.what == what, once.c.until > at)
    return _read(connection.scalar(wanted))


def take_once(connection: Connection, what: What, value: str, *, at: str) -> dict[str, Any] | None:
    """What a value stood for until now; of several who take it at once, one gets it."""
    taken = (
        delete(once)
        .where(once.c.digest == digest_of(value), once.c.what == what, once.c.until > at)
        .returning(once.c.detail)
    )
    return _read(connection.execute(taken).scalar())


def forget_once(connection: Connection, what: What, detail: dict[str, Any]) -> None:
    """Make every value worthless that stands for exactly this."""
    connection.execute(delete(once).where(once.c.what == what, once.c.detail == _written(detail)))


def forget_links_of(connection: Connection, by: str) -> None:
    """Make the invitations and resets worthless that somebody has made: they would give back what that somebody lost."""
    connection.execute(delete(once).where(once.c.what.in_(("invite", "reset")), once.c.by == by))


def digest_of(value: str) -> str:
    """What is kept of a value. 32 random bytes can't be guessed, so that a plain digest hides them as well as a slow one."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def _written(detail: dict[str, Any]) -> str:
    return orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()


def _read(detail: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if detail is None else orjson.loads(detail)
    return found
