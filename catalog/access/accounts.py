"""Names and passwords of our own: made by invitation, opened by a password, mended by an administrator's one-time link."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from secrets import token_urlsafe
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from catalog.access.audit import Audit
from catalog.access.moments import later, seconds_between
from catalog.access.once import forget_once, keep_once, look_once, take_once
from catalog.access.people import People, Person, email_told, looks_like_orcid, name_told
from catalog.access.policy import demand_administrator
from catalog.access.sessions import Sessions
from catalog.errors import Conflict, Forbidden, Invalid, NotFound, Throttled
from catalog.questions.browser import Browser
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import guess, holder, local_account

LOGIN_LENGTH: Final = (2, 64)
LOGIN_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._@+-")
SHORTEST_PASSWORD: Final = 12  # characters
LONGEST_PASSWORD: Final = 1_024  # bytes
INVITED_FOR: Final = timedelta(days=14)
RESET_FOR: Final = timedelta(days=2)
LONGEST_LINK: Final = timedelta(days=90)

# RFC 9106 in what OWASP asks for (46 MiB, one lane), with twice the passes.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)

# How many wrong passwords cost nothing: many people may share an address, and nobody shares a login.
FREE_BY_LOGIN: Final = 5
FREE_BY_ADDRESS: Final = 20
LONGEST_DELAY: Final = 15 * 60
FORGOTTEN: Final = timedelta(days=1)
LOOKED_AFTER: Final = ("accounts", "アカウント")


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who was invited, as far as whoever invited them said."""

    name: str | None
    email: str | None
    administrator: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link: its value, which is shown once, and until when it works."""

    value: str = field(repr=False)
    until: str


class Accounts:
    """The local accounts of a catalogue."""

    def __init__(
        self,
        store: Store,
        people: People,
        sessions: Sessions,
        audit: Audit,
        *,
        clock: Clock = real_clock,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        self._store = store
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._clock = clock
        self._hasher = hasher

    # --- signing in

    def sign_in(self, login: str, password: str, browser: Browser) -> str | None:
        """A new session's value, or None if login and password do not belong together; Throttled after many guesses.

        Whether there is such a login shows neither in the answer nor in how long it takes.
        """
        name, nobodys = login_read(login), self._nobodys
        tried = (_guess_at("login", name), _guess_from(browser.address))
        self._refuse_guesses(tried)
        with self._store.write() as connection:
            self._count(connection, tried)
            row = connection.execute(
                select(local_account.c.login, local_account.c.password, holder.c.key, holder.c.id, holder.c.ended_at)
                .join(holder, holder.c.key == local_account.c.person)
                # What can't be a login is nobody's, and is not even fit to be asked for.
                .where(local_account.c.login == (name if LOGIN_SIGNS.issuperset(name) else ""))
            ).fetchone()
        account = None if row is None or row.ended_at is not None else row
        kept = nobodys if account is None else account.password
        right = self._is_right(kept, password)
        with self._store.write() as connection:
            if account is not None and right:
                # Who sets a new password ends all sessions: by the old one none begins after that, nor does it come back.
                still = select(local_account.c.password).where(local_account.c.person == account.key)
                now = connection.execute(still.with_for_update()).scalar_one()
                if now != kept:
                    # Or it is the same, hashed anew by another sign-in.
                    kept, right = now, self._is_right(now, password)
            if account is None or not right:
                # Only a login that there is: people mistake the fields, and what they typed may be a password.
                whose, tried_at = (None, None) if row is None else (row.id, row.login)
                self._audit.note(
                    connection, "sign-in-refused", "public", holder=whose, address=browser.address, login=tried_at
                )
                return None
            self._uncount(connection, tried)
            if self._hasher.check_needs_rehash(kept):
                self._set_password(connection, account.key, self._hasher.hash(password_read(password)))
            return self._start(connection, account.key, account.id, browser)

    def _is_right(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password_read(password))
        except VerificationError:
            return False
        except InvalidHashError as error:
            raise AssertionError("a local account's password is no hash of ours") from error

    @cached_property
    def _nobodys(self) -> str:
        """What a login that does not exist is compared with."""
        return self._hasher.hash(token_urlsafe(SHORTEST_PASSWORD))

    def _start(self, connection: Connection, key: int, id: str, browser: Browser) -> str:
        return self._sessions.start(
            connection,
            key,
            id,
            how="local",
            address=browser.address,
            agent=browser.agent,
            instead_of=browser.instead_of,
        )

    # --- guessing

    def _refuse_guesses(self, tried: Sequence[tuple[str, int]]) -> None:
        """Throttled without writing anything: whoever keeps knocking costs no more than a look."""
        with self._store.read() as connection:
            self._demand_patience(connection, tried)

    def _count(self, connection: Connection, tried: Sequence[tuple[str, int]]) -> None:
        """Throttled, or one guess more: before it is known to be wrong, so that guesses at the same time are counted, too."""
        moment = self._clock()
        connection.execute(delete(guess).where(guess.c.last_at <= later(moment, -FORGOTTEN)))
        names = sorted(what for what, _ in tried)
        for what in names:
            # In one order, and there before it is looked at: whoever guesses the same at this moment waits here.
            connection.execute(
                text(
                    "INSERT INTO guess (what, failures, last_at) VALUES (:what, 0, :at) ON CONFLICT (what) DO NOTHING"
                ),
                {"what": what, "at": moment},
            )
            connection.execute(select(guess.c.what).where(guess.c.what == what).with_for_update())
        self._demand_patience(connection, tried)
        connection.execute(
            update(guess).where(guess.c.what.in_(names)).values(failures=guess.c.failures + 1, last_at=moment)
        )

    def _demand_patience(self, connection: Connection, tried: Sequence[tuple[str, int]]) -> None:
        moment = self._clock()
        free = dict(tried)
        rows = connection.execute(
            select(guess.c.what, guess.c.failures, guess.c.last_at).where(
                guess.c.what.in_(tuple(free)), guess.c.last_at > later(moment, -FORGOTTEN)
            )
        ).fetchall()
        waits = (delay_after(failures, free[what]) - seconds_between(last, moment) for what, failures, last in rows)
        seconds = max(waits, default=0.0)
        if seconds > 0:
            whole = int(seconds) + 1
            raise Throttled(
                f"There were too many wrong passwords; try again in {whole} second{'' if whole == 1 else 's'}.",
                retry_after_seconds=whole,
                ja=f"パスワードの誤りが続いています。{whole}秒後にもう一度お試しください。",
            )

    def _uncount(self, connection: Connection, tried: Sequence[tuple[str, int]]) -> None:
        """It was no guess. What others guessed from the same address stays counted: anybody may have one account there."""
        (login, _), (address, _) = tried
        connection.execute(delete(guess).where(guess.c.what == login))
        connection.execute(
            update(guess).where(guess.c.what == address, guess.c.failures > 0).values(failures=guess.c.failures - 1)
        )

    # --- invitations

    def invite(
        self,
        by: Reader,
        *,
        name: str | None = None,
        email: str | None = None,
        administrator: bool = False,
        lasts: timedelta = INVITED_FOR,
    ) -> Link:
        """A link with which somebody makes their account, once."""
        demand_administrator(by, *LOOKED_AFTER)
        moment = self._clock()
        until = later(moment, _lasting(lasts))
        told = {
            "name": name_told(name) if name else None,
            "email": email_told(email),
            "administrator": administrator,
        }
        with self._store.write() as connection:
            value = keep_once(connection, "invite", told, by=by.id, at=moment, until=until)
            self._audit.note(connection, "invite", by.id, until=until, invited=told)
        return Link(value, until)

    def invitation(self, value: str) -> Invitation:
        """Who a link invites; NotFound if it is none, was used, or is over."""
        with self._store.read() as connection:
            told = look_once(connection, "invite", value, at=self._clock())
        if told is None:
            raise _no_link()
        return Invitation(told["name"], told["email"], told["administrator"])

    def accept(
        self, value: str, browser: Browser, *, login: str, password: str, name: str, language: str | None = None
    ) -> str:
        """Make the account that an invitation is for, and sign in: a new session's value."""
        self.invitation(value)
        chosen, kept = login_told(login), self._hashed(password)
        moment = self._clock()
        try:
            with self._store.write() as connection:
                told = take_once(connection, "invite", value, at=moment)
                if told is None:
                    raise _no_link()
                made = self._people.create(
                    connection,
                    name,
                    email=told["email"],
                    administrator=told["administrator"],
                    language=language,
                )
                self._insert(connection, made.key, chosen, kept, moment)
                return self._start(connection, made.key, made.id, browser)
        except IntegrityError as error:
            raise _taken(chosen) from error

    def add(
        self,
        by: Reader,
        *,
        login: str,
        password: str,
        name: str,
        email: str | None = None,
        orcid: str | None = None,
        administrator: bool = False,
    ) -> Person:
        """Somebody with an account that an administrator makes for them."""
        demand_administrator(by, *LOOKED_AFTER)
        chosen, kept = login_told(login), self._hashed(password)
        try:
            with self._store.write() as connection:
                made = self._people.create(
                    connection, name, by=by.id, email=email, orcid=orcid, administrator=administrator
                )
                self._insert(connection, made.key, chosen, kept, self._clock())
        except IntegrityError as error:
            raise _taken(chosen) from error
        return self._people.find(made.id, by)

    def _insert(self, connection: Connection, key: int, login: str, kept: str, moment: str) -> None:
        connection.execute(
            insert(local_account), {"person": key, "login": login, "password": kept, "changed_at": moment}
        )

    # --- passwords

    def reset_link(self, id: str, by: Reader, *, lasts: timedelta = RESET_FOR) -> Link:
        """A link with which somebody sets a new password, once."""
        demand_administrator(by, *LOOKED_AFTER)
        moment = self._clock()
        until = later(moment, _lasting(lasts))
        with self._store.write() as connection:
            self._account(connection, id)
            value = keep_once(connection, "reset", {"person": id}, by=by.id, at=moment, until=until)
            self._audit.note(connection, "reset", by.id, holder=id, until=until)
        return Link(value, until)

    def resetting(self, value: str) -> str:
        """The login whose password a link sets; NotFound if it is none, was used, or is over."""
        with self._store.read() as connection:
            told = look_once(connection, "reset", value, at=self._clock())
            if told is None:
                raise _no_link()
            return str(self._account(connection, told["person"]).login)

    def reset(self, value: str, browser: Browser, *, password: str, keep_tokens: bool = False) -> str:
        """Set a new password by a link, end every session and token, and sign in: a new session's value.

        `keep_tokens`: its person has only forgotten the password, and nobody else has had the account.
        """
        self.resetting(value)
        kept = self._hashed(password)
        with self._store.write() as connection:
            told = take_once(connection, "reset", value, at=self._clock())
            if told is None:
                raise _no_link()
            account = self._account(connection, told["person"])
            self._set_password(connection, account.key, kept)
            forget_once(connection, "reset", told)
            self._audit.note(connection, "password", account.id, holder=account.id, address=browser.address)
            self._people.let_nobody_in(connection, account.key, account.id, by=account.id, keep_tokens=keep_tokens)
            connection.execute(delete(guess).where(guess.c.what == _guess_at("login", account.login)[0]))
            return self._start(connection, account.key, account.id, browser)

    def change(self, id: str, browser: Browser, *, old: str, password: str, session: str | None) -> None:
        """Set a new password by the old one; every other session ends. Forbidden if the old one is wrong."""
        with self._store.read() as connection:
            account = self._account(connection, id)
        tried = (_guess_at("login", account.login), _guess_from(browser.address))
        kept = self._hashed(password)
        with self._store.write() as connection:
            self._count(connection, tried)
        if not self._is_right(account.password, old):
            raise Forbidden("The old password is wrong.", ja="現在のパスワードが正しくありません。")
        with self._store.write() as connection:
            changed = connection.execute(
                update(local_account)
                .where(local_account.c.person == account.key, local_account.c.password == account.password)
                .values(password=kept, changed_at=self._clock())
            )
            if not changed.rowcount:
                raise Conflict("The password was changed meanwhile.", ja="パスワードはその間に変更されました。")
            # Behind the account, as wherever both are locked.
            self._uncount(connection, tried)
            forget_once(connection, "reset", {"person": id})
            self._audit.note(connection, "password", id, holder=id, address=browser.address)
            self._sessions.end_all(connection, account.key, id, by=id, but=session)

    def _hashed(self, password: str) -> str:
        return self._hasher.hash(password_told(password))

    def _set_password(self, connection: Connection, key: int, kept: str) -> None:
        connection.execute(
            update(local_account).where(local_account.c.person == key).values(password=kept, changed_at=self._clock())
        )

    def _account(self, connection: Connection, id: str) -> Any:
        row = connection.execute(
            select(local_account.c.login, local_account.c.password, holder.c.key, holder.c.id)
            .join(holder, holder.c.key == local_account.c.person)
            .where(holder.c.id == id, holder.c.ended_at.is_(None))
        ).fetchone()
        if row is None:
            raise NotFound(
                f"{id:.200} has no password here: they are unknown, have ended, or sign in elsewhere",
                ja=f"{id:.200} のパスワードはここにありません。登録がないか、停止されたか、外部の認証を使っています",
            )
        return row


def delay_after(failures: int, free: int) -> int:
    """The seconds to wait after so many wrong passwords: none at first, then twice as long each time."""
    return 0 if failures < free else min(2 ** min(failures - free + 1, 20), LONGEST_DELAY)


def login_read(told: str) -> str:
    """A login as it is compared: full-width or small, it is the same."""
    return unicodedata.normalize("NFKC", told[: 4 * LOGIN_LENGTH[1]]).strip().lower()


def login_told(told: str) -> str:
    """A login as somebody chooses it."""
    login = login_read(told)
    least, most = LOGIN_LENGTH
    if not least <= len(login) <= most or not LOGIN_SIGNS.issuperset(login):
        raise Invalid(
            f"login: write {least} to {most} letters a-z, digits, '.', '_', '@', '+' and '-'",
            ja=f"login: 英字、数字、「.」「_」「@」「+」「-」を使い、{least}〜{most}文字で書いてください",
        )
    if looks_like_orcid(login):
        # People are given rights by either, and anybody may choose a login.
        raise Invalid(
            "login: this looks like an ORCID iD, which names whoever proves that it is theirs; choose another",
            ja="login: ORCID iD の形のログイン名は使えません",
        )
    return login


def password_read(told: str) -> bytes:
    """A password as it is compared (NIST SP 800-63B, 5.1.1.2: the same signs, however they were typed).

    One that is too long to be anybody's is compared as none, which takes as long.
    """
    password = unicodedata.normalize("NFKC", told[: LONGEST_PASSWORD + 1]).encode("utf-8", "surrogatepass")
    return password if len(password) <= LONGEST_PASSWORD else b""


def password_told(told: str) -> bytes:
    """A password as somebody chooses it: long enough, and no rules of which signs are in it."""
    password = unicodedata.normalize("NFKC", told[: LONGEST_PASSWORD + 1])
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(
            f"password: write at least {SHORTEST_PASSWORD} characters",
            ja=f"password: {SHORTEST_PASSWORD}文字以上にしてください",
        )
    if len(password.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD:
        raise Invalid(
            f"password: write at most {LONGEST_PASSWORD} bytes",
            ja=f"password: {LONGEST_PASSWORD}バイト以内にしてください",
        )
    return password_read(told)


def _guess_at(kind: str, told: str) -> tuple[str, int]:
    # As a digest: people mistake the fields, and what they typed may be a password.
    return f"{kind}:{sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}", FREE_BY_LOGIN


def _guess_from(address: str) -> tuple[str, int]:
    try:
        place = ip_address(address)
    except ValueError:
        return f"address:{address[:60]}", FREE_BY_ADDRESS
    # Whoever has one address of version 6 has 2^64 of them.
    block = str(IPv6Address(int(place) >> 64 << 64)) if isinstance(place, IPv6Address) else str(place)
    return f"address:{block}", FREE_BY_ADDRESS


def _lasting(lasts: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= lasts <= LONGEST_LINK:
        raise Invalid(
            f"a link works for at most {LONGEST_LINK.days} days", ja=f"リンクの期限は{LONGEST_LINK.days}日以内です"
        )
    return lasts


def _taken(login: str) -> Conflict:
    return Conflict(f"login: {login} is taken; choose another", ja=f"login: {login} は使われています")


def _no_link() -> NotFound:
    return NotFound(
        "This link is none that works: it was used, is over, or was copied in part. Ask for another.",
        ja="このリンクは使えません。使用済みか、期限切れか、一部が欠けています。新しいリンクを発行してもらってください。",
    )
