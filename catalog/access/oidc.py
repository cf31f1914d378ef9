"""Signing in at an issuer: OpenID Connect's authorization code flow with PKCE, state and nonce, for a browser that we know again.

What a sign-in under way needs is in a cookie of the browser that began it, sealed: nobody else can end it, and nothing is kept
here of what anybody begins. What is kept is that it has ended, so that it ends once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.fetching import Fetched, fetch
from catalog.access.issuers import PASSPORT, Issuer, Issuers
from catalog.access.moments import later, timestamp
from catalog.access.once import digest_of, keep_once
from catalog.access.people import LONGEST_NAME, People, email_told, name_told, orcid_told
from catalog.access.seal import Seal
from catalog.access.sessions import Session, Sessions
from catalog.access.signed import (
    Keyring,
    Unsound,
    demand_audience,
    demand_issuer,
    demand_timely,
    subject_of,
    verified,
)
from catalog.access.visas import allowed_by
from catalog.access.vouched import tell_difference
from catalog.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from catalog.questions.browser import Browser
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, identity, local_account, once, person, session

logger = logging.getLogger("catalog.access")

CALLBACK: Final = "sign-in/callback"
SECONDS: Final = 600
_ABOUT: Final = "sign-in"
_NOTHING: Final[Mapping[str, str]] = {"groups": "[]", "visas": "[]"}
_MOST_GROUPS: Final = 1_000
_LONGEST_GROUP: Final = 500


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a browser goes on to sign in, and the cookie by which it is known when it comes back."""

    address: str
    cookie: str
    seconds: int = SECONDS


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody signed in: the value of their new session, or none where it was another identity of theirs that they added."""

    session: str | None
    wanted: str


@dataclass(frozen=True, slots=True)
class _Underway:
    """A sign-in under way, as the browser's cookie holds it."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    wanted: str
    language: str | None
    until: str
    session: str | None = None  # whose person adds an identity


@dataclass(frozen=True, slots=True)
class _Vouched:
    """Somebody as an issuer says they are."""

    subject: str
    name: str
    email: str | None
    orcid: str | None
    groups: tuple[str, ...]
    visas: tuple[Mapping[str, str], ...]

    @property
    def kept(self) -> dict[str, str]:
        """What gives rights, as it is stored."""
        return {
            "groups": orjson.dumps(self.groups).decode(),
            "visas": orjson.dumps(self.visas).decode(),
        }


class SignIn:
    """Signs people in who are vouched for by an issuer."""

    def __init__(
        self,
        store: Store,
        issuers: Issuers,
        keyring: Keyring,
        people: People,
        sessions: Sessions,
        audit: Audit,
        seal: Seal,
        *,
        base: str,
        clock: Clock = real_clock,
        ask: Callable[..., Fetched] = fetch,
    ) -> None:
        self._store = store
        self._issuers = issuers
        self._keyring = keyring
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._seal = seal
        self._callback = base + CALLBACK
        self._clock = clock
        self._ask = ask

    def begin(
        self, issuer_id: str, wanted: str, *, language: str | None = None, adding_to: Session | None = None
    ) -> Begun:
        """Begin to sign in at an issuer, to come to a path of ours then; `adding_to`: whose identity there is to be added."""
        issuer = self._issuers.of_id(issuer_id, "sign-in")
        underway = _Underway(
            issuer=issuer.id,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            wanted=wanted,
            language=language,
            until=later(self._clock(), timedelta(seconds=SECONDS)),
            session=None if adding_to is None else adding_to.id,
        )
        more = {"nonce": underway.nonce, "ui_locales": language}
        if adding_to is not None:
            # Whoever adds an identity shows that it is theirs now: the issuer's own session may be that of whoever sat here
            # before, or one that somebody else has put into this browser.
            more["prompt"] = "login"
        client = self._client(issuer)
        address, _ = client.create_authorization_url(
            issuer.endpoints.authorization, state=underway.state, code_verifier=underway.verifier, **more
        )
        return Begun(address, self._seal.seal(orjson.dumps(underway).decode(), _ABOUT))

    def end(self, cookie: str | None, said: Mapping[str, str], browser: Browser, present: Session | None) -> Arrived:
        """End a sign-in with what the issuer sent the browser back with; Forbidden says why it signs nobody in."""
        underway = self._underway(cookie, said.get("state"))
        issuer = self._issuers.of_id(underway.issuer, "sign-in")
        if underway.session is not None and (present is None or present.id != underway.session):
            raise Forbidden(
                "You were signed out here meanwhile. Sign in again, then add the other account once more.",
                ja="途中でサインアウトされました。サインインし直してから、もう一度追加してください。",
            )
        self._demand_same_issuer(issuer, said)
        if "code" not in said:
            raise _refused_there(issuer, said.get("error"))
        try:
            vouched = self._vouched(issuer, underway, said["code"])
        except Unsound as problem:
            logger.warning("sign-in at %s: %s", issuer.id, problem)
            self._audit.tell(
                "sign-in-refused", "public", address=browser.address, issuer=issuer.id, why=str(problem)[:300]
            )
            raise Forbidden(
                f"What {issuer.named('en')} answered does not prove who you are. Begin again; if that does not help, tell an administrator.",
                ja=f"{issuer.named('ja')} の応答では本人であることを確認できません。やり直しても解決しない場合は管理者に連絡してください。",
            ) from problem
        for attempt in (1, 2):
            try:
                with self._store.write() as connection:
                    return self._arrived(connection, issuer, underway, vouched, browser, present)
            except (IntegrityError, Conflict) as problem:
                # The same person came by two ways at one moment: the second time the first is seen.
                if attempt == 2 or (isinstance(problem, Conflict) and problem.__cause__ is None):
                    raise
        raise AssertionError("not reached")

    def unlink(self, of: Session, issuer_id: str, subject: str) -> None:
        """Let an identity be somebody's no more, at their own wish; who signed in by it elsewhere is signed out."""
        if not (issuer_id.isprintable() and subject.isprintable()):
            raise _no_identity()
        by_whom = {each.id for each in self._issuers.for_sign_in()}
        with self._store.write() as connection:
            # First, so that of two that are taken away at one moment the second sees that it is the last.
            turn(connection)
            this = (identity.c.issuer == issuer_id) & (identity.c.subject == subject) & (identity.c.person == of.key)
            if connection.execute(select(identity.c.issuer).where(this)).fetchone() is None:
                raise _no_identity()
            others = connection.execute(
                select(identity.c.issuer, identity.c.subject).where(identity.c.person == of.key, ~this)
            ).fetchall()
            has_password = select(func.count()).where(local_account.c.person == of.key)
            if not any(row.issuer in by_whom for row in others) and not connection.scalar(has_password):
                raise Conflict(
                    "This is the last way in that you have: add another before you take it away.",
                    ja="これは最後のサインイン手段です。別の手段を追加してから削除してください。",
                )
            held = connection.execute(select(identity.c.groups, identity.c.visas).where(this)).one()
            tell_difference(
                connection,
                self._store.database,
                issuer_id,
                of.key,
                {"groups": held.groups, "visas": held.visas},
                _NOTHING,
                at=self._clock(),
                by=of.person,
            )
            connection.execute(delete(identity).where(this))
            connection.execute(
                delete(session).where(session.c.person == of.key, session.c.how == issuer_id, session.c.id != of.id)
            )
            self._audit.note(
                connection, "identity-ended", of.person, holder=of.person, issuer=issuer_id, subject=subject
            )

    # --- what comes back

    def _underway(self, cookie: str | None, state: str | None) -> _Underway:
        """What this browser began, if it was this; nobody can end what another browser began."""
        opened = None if cookie is None else self._seal.open(cookie, _ABOUT)
        underway = None if opened is None else _Underway(**orjson.loads(opened))
        if underway is None or state is None or not _same(underway.state, state) or underway.until <= self._clock():
            raise _begin_again()
        with self._store.read() as connection:
            self._demand_unused(connection, underway)
        return underway

    def _demand_unused(self, connection: Connection, underway: _Underway) -> None:
        if connection.scalar(select(once.c.digest).where(once.c.digest == digest_of(underway.state))) is not None:
            raise _begin_again()

    def _demand_same_issuer(self, issuer: Issuer, said: Mapping[str, str]) -> None:
        """RFC 9207: an answer names who gives it, where the issuer says that it does; another's is never taken for it."""
        told = said.get("iss")
        if told == issuer.address or (told is None and not issuer.endpoints.tells_issuer):
            return
        logger.warning("sign-in at %s: the answer came from %r", issuer.id, told)
        raise Forbidden(
            f"The answer did not come from {issuer.named('en')}, where this sign-in was begun. Begin again.",
            ja=f"応答はサインインを開始した {issuer.named('ja')} からのものではありません。最初からやり直してください。",
        )

    def _vouched(self, issuer: Issuer, underway: _Underway, code: str) -> _Vouched:
        """Who the issuer says it is; Unsound if that is not proven."""
        answered = self._exchanged(issuer, underway, code)
        token, access = answered.get("id_token"), answered.get("access_token")
        if token is None:
            raise Unsound("the answer has no ID token")
        now = timestamp(self._clock())
        claims = verified(token, issuer.endpoints.keys, self._keyring)
        subject = demand_id_token(claims, issuer, nonce=underway.nonce, access_token=access, now=now)
        claims = self._with_userinfo(issuer, claims, subject, access)
        visas = allowed_by(claims.get(PASSPORT), self._issuers, self._keyring, now) if issuer.passports else []
        return _Vouched(
            subject,
            _name(claims, subject),
            # An address that nobody has tried may be anybody's.
            _lenient(email_told, claims.get("email")) if claims.get("email_verified") is True else None,
            _lenient(orcid_told, claims.get(issuer.orcid_claim)),
            _groups(claims.get(issuer.groups_claim)),
            tuple(visas),
        )

    def _exchanged(self, issuer: Issuer, underway: _Underway, code: str) -> dict[str, str]:
        try:
            answered: dict[str, str] = self._client(issuer).fetch_token(
                issuer.endpoints.token,
                grant_type="authorization_code",
                code=code,
                code_verifier=underway.verifier,
                redirect_uri=self._callback,
            )
        except AuthlibBaseError as problem:
            # Anybody can come back with a code of their own making: that is for the log, and no line of the audit.
            raise _refused_there(issuer, problem.error) from problem
        return answered

    def _with_userinfo(
        self, issuer: Issuer, claims: dict[str, Any], subject: str, access: str | None
    ) -> dict[str, Any]:
        """The claims, with what the issuer tells beside the ID token only; asked for if something that gives rights is missing."""
        needed = {issuer.groups_claim} | ({PASSPORT} if issuer.passports else set())
        if needed <= claims.keys() or issuer.endpoints.userinfo is None or access is None:
            return claims
        bearer = {"Authorization": f"Bearer {access}"}
        told = self._ask(issuer.endpoints.userinfo, headers=bearer).document()
        # OIDC Core, 5.3.2: it may be about somebody else, who then signs in as this one.
        if told.get("sub") != subject:
            raise Unsound("userinfo is about somebody else")
        return {**told, **claims}

    def _client(self, issuer: Issuer) -> OAuth2Client:
        secret = self._issuers.secret_of(issuer)
        ways = ("none",) if secret is None else ("client_secret_basic", "client_secret_post")
        client = OAuth2Client(
            _Asking(self._ask),
            client_id=issuer.client_id,
            client_secret=secret,
            token_endpoint_auth_method=next(way for way in ways if way in issuer.endpoints.authentication),
            scope=" ".join(issuer.scopes),
            redirect_uri=self._callback,
            code_challenge_method="S256",
        )
        client.register_client_auth_method(("client_secret_basic", _basic))
        return client

    # --- who it is here

    def _arrived(
        self,
        connection: Connection,
        issuer: Issuer,
        underway: _Underway,
        vouched: _Vouched,
        browser: Browser,
        present: Session | None,
    ) -> Arrived:
        moment = self._clock()
        # It may have been ended or changed while it was asked, which took seconds.
        if self._issuers.held(connection, issuer.id, "sign-in") != issuer:
            raise _begin_again()
        self._demand_unused(connection, underway)
        # Kept for longer than the cookie counts, so that there is no moment between the two.
        used_until = later(moment, timedelta(seconds=2 * SECONDS))
        keep_once(connection, "sign-in", {}, by="public", at=moment, until=used_until, value=underway.state)
        found = connection.execute(
            select(holder.c.key, holder.c.id, holder.c.ended_at, identity.c.groups, identity.c.visas)
            .join(holder, holder.c.key == identity.c.person)
            .where(identity.c.issuer == issuer.id, identity.c.subject == vouched.subject)
        ).fetchone()
        if underway.session is not None:
            assert present is not None
            if found is not None and found.key != present.key:
                raise Conflict(
                    f"That account of {issuer.named('en')} belongs to somebody else here, and an account is never taken from anybody.",
                    ja=f"その {issuer.named('ja')} のアカウントは別の利用者のものとして登録されているため、追加できません。",
                )
            key, id = present.key, present.person
        elif found is not None:
            key, id = found.key, found.id
            if found.ended_at is not None:
                raise Forbidden(
                    "This account was closed. An administrator can tell you why.",
                    ja="このアカウントは停止されています。管理者に問い合わせてください。",
                )
        else:
            made = self._people.create(
                connection, vouched.name, email=vouched.email, orcid=vouched.orcid, language=underway.language
            )
            key, id = made.key, made.id
        self._keep(connection, issuer, vouched, key, id, found, moment)
        if vouched.orcid is not None:
            connection.execute(
                update(person).where(person.c.key == key, person.c.orcid.is_(None)).values(orcid=vouched.orcid)
            )
        if underway.session is not None:
            return Arrived(None, underway.wanted)
        value = self._sessions.start(
            connection,
            key,
            id,
            how=issuer.id,
            address=browser.address,
            agent=browser.agent,
            instead_of=browser.instead_of,
        )
        return Arrived(value, underway.wanted)

    def _keep(
        self, connection: Connection, issuer: Issuer, vouched: _Vouched, key: int, id: str, found: Any, moment: str
    ) -> None:
        """What the issuer says of somebody, instead of what it said before."""
        told = {**vouched.kept, "name": vouched.name, "last_at": moment}
        if found is None:
            connection.execute(
                insert(identity),
                {"issuer": issuer.id, "subject": vouched.subject, "person": key, "first_at": moment, **told},
            )
        else:
            mine = (identity.c.issuer == issuer.id) & (identity.c.subject == vouched.subject)
            connection.execute(update(identity).where(mine).values(**told))
        before = _NOTHING if found is None else {"groups": found.groups, "visas": found.visas}
        if found is None or before["groups"] != told["groups"]:
            self._audit.note(
                connection,
                "identity",
                id,
                holder=id,
                issuer=issuer.id,
                subject=vouched.subject,
                groups=list(vouched.groups),
            )
        if before["visas"] != told["visas"]:
            self._audit.note(
                connection, "visa", id, holder=id, issuer=issuer.id, visas=[dict(each) for each in vouched.visas]
            )
        # Not at each sign-in, but where it changes what somebody may do: everybody's rights are worked out anew then.
        if before != vouched.kept:
            turn(connection)
            tell_difference(connection, self._store.database, issuer.id, key, before, vouched.kept, at=moment, by=id)


def demand_id_token(
    claims: Mapping[str, Any], issuer: Issuer, *, nonce: str, access_token: str | None, now: float
) -> str:
    """The subject of an ID token that its issuer has signed; Unsound unless it is for us and for this sign-in (OIDC Core, 3.1.3.7)."""
    demand_issuer(claims, issuer.address)
    demand_audience(claims, issuer.client_id)
    if claims.get("azp", issuer.client_id) != issuer.client_id:
        raise Unsound(f"it was made for {claims.get('azp')!r:.200}")
    demand_timely(claims, now)
    if not isinstance(claims.get("iat"), int | float):
        raise Unsound("it has no iat")
    told = claims.get("nonce")
    if not isinstance(told, str) or not _same(told, nonce):
        raise Unsound("its nonce is not that of this sign-in")
    half = claims.get("at_hash")
    if half is not None and (not isinstance(half, str) or access_token is None or half != _half_of(access_token)):
        raise Unsound("its at_hash is not that of the access token")
    return subject_of(claims)


class _Asking:
    """The session of Authlib's client: it posts, bounded as everything that is asked of issuers."""

    def __init__(self, ask: Callable[..., Fetched]) -> None:
        self._ask = ask

    def post(self, address: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answered:
        sent = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        address, sent, body = auth.prepare("POST", address, sent, urlencode(data))
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        return _Answered(self._ask(address, headers=sent, body=body))


class _Answered:
    """A token endpoint's answer, of which nothing is taken but what is needed."""

    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched
        self.status_code = fetched.status

    def raise_for_status(self) -> None:
        raise Unavailable(
            f"{self._fetched.address:.200} answered {self.status_code}",
            ja=f"{self._fetched.address:.200} の応答は {self.status_code} でした",
        )

    def json(self) -> dict[str, str]:
        told = self._fetched.json()
        if self.status_code != 200 or "error" in told:
            return {"error": str(told.get("error", self.status_code))[:80]}
        return {name: told[name] for name in ("id_token", "access_token") if isinstance(told.get(name), str)}


def _basic(
    client: Any, method: str, address: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    # RFC 6749, 2.3.1: both are written as in a form before they are put together.
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return address, {**headers, "Authorization": f"Basic {b64encode(pair.encode()).decode()}"}, body


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def _half_of(access_token: str) -> str:
    # OIDC Core, 3.1.3.6; both algorithms that are accepted go with SHA-256.
    return urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()


def _groups(told: object) -> tuple[str, ...]:
    each = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    kept = {one for one in each if isinstance(one, str) and 1 <= len(one) <= _LONGEST_GROUP and one.isprintable()}
    return tuple(sorted(kept))[:_MOST_GROUPS]


def _name(claims: Mapping[str, Any], subject: str) -> str:
    """What somebody is called; what cannot be a name is passed over."""
    parts = [claims.get("given_name"), claims.get("family_name")]
    whole = " ".join(part for part in parts if isinstance(part, str))
    for told in (claims.get("name"), whole, claims.get("preferred_username"), subject[:LONGEST_NAME]):
        name = _lenient(name_told, told)
        if name is not None:
            return name
    return "?"


def _lenient(read: Callable[[str], str | None], told: object) -> str | None:
    """What an issuer says of somebody beside who they are: kept if it can be, and no reason to keep anybody out."""
    if not isinstance(told, str):
        return None
    try:
        return read(told)
    except Invalid:
        return None


def _no_identity() -> NotFound:
    return NotFound("You have no such identity.", ja="その認証情報は登録されていません。")


def _begin_again() -> Forbidden:
    return Forbidden(
        "This sign-in was not begun in this browser, or is over. Begin again.",
        ja="このブラウザーで開始されたサインインではないか、すでに終了しています。最初からやり直してください。",
    )


def _refused_there(issuer: Issuer, error: str | None) -> Forbidden:
    if error == "access_denied":
        return Forbidden(
            f"You were not signed in: {issuer.named('en')} was told no.",
            ja=f"{issuer.named('ja')} でサインインが取り消されました。",
        )
    logger.warning("sign-in at %s: it answered %r", issuer.id, error)
    return Forbidden(
        f"{issuer.named('en')} did not sign you in. Begin again; if that does not help, tell an administrator.",
        ja=f"{issuer.named('ja')} でサインインできませんでした。やり直しても解決しない場合は管理者に連絡してください。",
    )
