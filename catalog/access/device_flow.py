"""Signing in a command line (RFC 8628): it shows a short code, which its person enters where they are signed in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, delete, func, select, text, update

from catalog.access.accounts import delay_after
from catalog.access.audit import Audit
from catalog.access.holders import holder_of
from catalog.access.moments import later, seconds_between
from catalog.access.once import VALUE_BYTES, Made, digest_of, keep_once, take_once
from catalog.access.people import name_told
from catalog.access.tokens import Token, Tokens
from catalog.errors import NotFound, Throttled, Unavailable
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import guess, once

# Without vowels no word comes about, and without digits nothing is mistaken for a letter (RFC 8628, 6.1).
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH: Final = 8
LASTS: Final = timedelta(minutes=15)
INTERVAL_SECONDS: Final = 5
MOST_WAITING: Final = 2_000
# Of one address: anybody may begin, and nobody is to take all places. Many people may share one.
MOST_FROM_ONE: Final = 200
# How many wrong codes cost nothing.
FREE_GUESSES: Final = 5
FORGOTTEN: Final = timedelta(days=1)

Waiting = Literal["authorization_pending", "slow_down", "access_denied", "expired_token"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a command line is told: what it asks with, and what its person is to enter."""

    device_code: str
    user_code: str
    until: str

    def __repr__(self) -> str:
        return "Begun()"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to be let in, as they said themselves."""

    user_code: str
    name: str
    address: str
    at: str


class DeviceFlow:
    """The command lines of a catalogue that wait to be let in."""

    def __init__(self, store: Store, tokens: Tokens, audit: Audit, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._tokens = tokens
        self._audit = audit
        self._clock = clock

    def begin(self, name: str, address: str) -> Begun:
        """Two codes: one that only the command line knows, and one that its person enters."""
        told, moment = name_told(name), self._clock()
        until = later(moment, LASTS)
        user_code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
        device_code = secrets.token_urlsafe(VALUE_BYTES)
        with self._store.write() as connection:
            waiting = select(func.count()).where(once.c.what == "device", once.c.until > moment)
            if connection.execute(waiting).scalar_one() >= 2 * MOST_WAITING:
                raise Unavailable(
                    "too many command lines wait to be let in; try again in a while",
                    ja="サインイン待ちの端末が多すぎます。しばらくしてからお試しください",
                    retry_after_seconds=60,
                )
            came = f"address:{address}"
            theirs = waiting.where(once.c.by == came)
            if connection.execute(theirs).scalar_one() >= 2 * MOST_FROM_ONE:
                raise Throttled(
                    "Too many command lines of your address wait to be let in; try again in a while.",
                    retry_after_seconds=60,
                    ja="この接続元からのサインイン待ちの端末が多すぎます。しばらくしてからお試しください。",
                )
            asking = {"device": digest_of(device_code), "name": told, "address": address, "at": moment}
            keep_once(connection, "device", {"state": "waiting", "asked": None}, by=came, at=moment, until=until,
                      value=device_code)  # fmt: skip
            keep_once(connection, "device", asking, by=came, at=moment, until=until, value=_entered(user_code))
        return Begun(device_code, f"{user_code[:4]}-{user_code[4:]}", until)

    def asking(self, user_code: str, person: str) -> Asking:
        """Who shows this code; NotFound if nobody does, Throttled if somebody keeps guessing."""
        moment, what = self._clock(), f"device:{person}"
        with self._store.write() as connection:
            self._demand_patience(connection, what, moment)
            detail = self._detail(connection, _entered(user_code), moment)
            if detail is not None and "device" in detail:
                return Asking(_shown(user_code), detail["name"], detail["address"], detail["at"])
            connection.execute(delete(guess).where(guess.c.last_at <= later(moment, -FORGOTTEN)))
            connection.execute(
                text(
                    "INSERT INTO guess (what, failures, last_at) VALUES (:what, 1, :moment)"
                    " ON CONFLICT (what) DO UPDATE SET failures = guess.failures + 1, last_at = :moment"
                ),
                {"what": what, "moment": moment},
            )
        raise _nobody()

    def decide(self, user_code: str, person: str, *, allowed: bool, address: str) -> None:
        """Let the command line in that shows this code, or not; its person says so, once."""
        self.asking(user_code, person)
        moment = self._clock()
        with self._store.write() as connection:
            detail = take_once(connection, "device", _entered(user_code), at=moment)
            if detail is None or "device" not in detail:
                raise _nobody()
            told = {
                "state": "allowed" if allowed else "denied",
                "asked": None,
                "person": person,
                "name": detail["name"],
            }
            kept = update(once).where(once.c.digest == detail["device"], once.c.what == "device", once.c.until > moment)
            if not connection.execute(kept.values(detail=orjson.dumps(told).decode())).rowcount:
                raise _nobody()
            if allowed:
                self._audit.note(connection, "sign-in", person, holder=person, address=address, how="device")

    def token(self, device_code: str) -> Made[Token] | Waiting:
        """The token of a command line that was let in; else what it is to do."""
        moment = self._clock()
        mine = (once.c.digest == digest_of(device_code)) & (once.c.what == "device")
        with self._store.write() as connection:
            detail = self._detail(connection, device_code, moment)
            match None if detail is None else detail.get("state"):
                case "waiting":
                    assert detail is not None
                    asked = detail["asked"]
                    if asked is not None and seconds_between(asked, moment) < INTERVAL_SECONDS - 1:
                        return "slow_down"
                    told = orjson.dumps({**detail, "asked": moment}).decode()
                    connection.execute(update(once).where(mine).values(detail=told))
                    return "authorization_pending"
                case "denied":
                    connection.execute(delete(once).where(mine))
                    return "access_denied"
                case "allowed":
                    taken = take_once(connection, "device", device_code, at=moment)
                    if taken is None:
                        return "expired_token"
                    return self._tokens.let_in(connection, holder_of(connection, taken["person"]), taken["name"])
                case _:
                    return "expired_token"

    def _detail(self, connection: Connection, value: str, moment: str) -> dict[str, Any] | None:
        wanted = select(once.c.detail).where(
            once.c.digest == digest_of(value), once.c.what == "device", once.c.until > moment
        )
        kept = connection.scalar(wanted.with_for_update())
        found: dict[str, Any] | None = None if kept is None else orjson.loads(kept)
        return found

    def _demand_patience(self, connection: Connection, what: str, moment: str) -> None:
        row = connection.execute(
            select(guess.c.failures, guess.c.last_at)
            .where(guess.c.what == what, guess.c.last_at > later(moment, -FORGOTTEN))
            .with_for_update()
        ).fetchone()
        wait = 0.0 if row is None else delay_after(row.failures, FREE_GUESSES) - seconds_between(row.last_at, moment)
        if wait > 0:
            whole = int(wait) + 1
            raise Throttled(
                f"There were too many wrong codes; try again in {whole} second{'' if whole == 1 else 's'}.",
                retry_after_seconds=whole,
                ja=f"コードの誤りが続いています。{whole}秒後にもう一度お試しください。",
            )


def _entered(user_code: str) -> str:
    """What is kept of a code, however it was typed; its prefix keeps it apart from what command lines ask with."""
    return "user:" + "".join(sign for sign in user_code[:40].upper() if sign in LETTERS)


def _shown(user_code: str) -> str:
    bare = _entered(user_code).removeprefix("user:")
    return f"{bare[:4]}-{bare[4:]}"


def _nobody() -> NotFound:
    return NotFound(
        "No command line shows this code; it may be over, or misspelt.",
        ja="このコードを表示している端末はありません。期限切れか入力の誤りです。",
    )
