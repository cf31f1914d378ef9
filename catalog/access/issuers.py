"""Who vouches for others: issuers of OpenID Connect that say who people are, which programs are which, and what a committee allowed.

They are added while the catalogue runs. What one says of itself is read when it is registered, and again when anything about
it is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.fetching import demand_address, fetch
from catalog.access.policy import demand_administrator
from catalog.access.seal import Seal
from catalog.access.signed import ALGORITHMS
from catalog.access.vouched import tell_groups_gone, tell_visas_gone
from catalog.errors import Conflict, Invalid, Misconfigured, NotFound
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import identity, session
from catalog.store.tables import issuer as table

Purpose = Literal["sign-in", "workloads", "visas"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
# The words after /sign-in/ that are addresses of ours, and what sessions call an account of our own.
TAKEN: Final = frozenset(("callback", "device", "local"))
PASSPORT: Final = "ga4gh_passport_v1"
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749, 3.3
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|und")
_LONGEST: Final = 2_000
_MOST: Final = 100
# What may be said of an issuer, and what holds where nothing is said.
SAYS: Final[Mapping[str, Any]] = {
    "title": {},
    "purposes": ["sign-in"],
    "clientId": None,
    "scopes": ["openid", "profile", "email"],
    "groupsClaim": "groups",
    "orcidClaim": "orcid",
    "passports": False,
    "audience": None,
    "resources": [],
    "keysAt": None,
}
LOOKED_AFTER: Final = ("issuers", "発行者")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an issuer is asked what, as it says itself."""

    keys: str
    authorization: str | None = None
    token: str | None = None
    userinfo: str | None = None
    tells_issuer: bool = False  # RFC 9207: its answers name it
    authentication: tuple[str, ...] = ("client_secret_basic",)  # how its token endpoint knows clients


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who vouches for others, by what it is known, and for what its word counts."""

    id: str
    address: str  # `iss`, compared exactly
    title: Mapping[str, str]
    purposes: tuple[Purpose, ...]
    client_id: str | None
    has_secret: bool
    scopes: tuple[str, ...]
    groups_claim: str
    orcid_claim: str
    passports: bool  # whether it hands over visas of others
    audience: str | None  # of tokens of workloads; None: our base address
    resources: tuple[str, ...]  # what its visas may be about: beginnings of values; none: anything
    keys_at: str | None  # where it was said that its keys are; None: as it says itself
    endpoints: Endpoints
    at: str
    ended_at: str | None

    def named(self, language: str) -> str:
        """What it is called in a language, to people."""
        return self.title.get(language) or self.id

    def document(self) -> dict[str, Any]:
        """The issuer as administrators see it; its secret is never shown again."""
        return {
            "id": self.id,
            "address": self.address,
            "title": dict(self.title),
            "purposes": list(self.purposes),
            "clientId": self.client_id,
            "hasSecret": self.has_secret,
            "scopes": list(self.scopes),
            "groupsClaim": self.groups_claim,
            "orcidClaim": self.orcid_claim,
            "passports": self.passports,
            "audience": self.audience,
            "resources": list(self.resources),
            "keysAt": self.keys_at,
            "at": self.at,
            "endedAt": self.ended_at,
        }

    def brief(self) -> dict[str, Any]:
        """What everybody may know of an issuer by which people sign in."""
        return {"id": self.id, "title": dict(self.title)}


class Issuers:
    """The issuers of a catalogue, looked after by administrators."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        seal: Seal,
        *,
        clock: Clock = real_clock,
        fetch_document: Callable[[str], dict[str, Any]] = lambda address: fetch(address).document(),
    ) -> None:
        self._store = store
        self._audit = audit
        self._seal = seal
        self._clock = clock
        self._fetch_document = fetch_document

    def register(self, document: Mapping[str, Any], by: Reader) -> Issuer:
        """Let an issuer's word count from now on; one that was ended may come back, as the same."""
        demand_administrator(by, *LOOKED_AFTER)
        told = dict(document)
        id, address, secret = told.pop("id", None), told.pop("address", None), told.pop("clientSecret", None)
        if not isinstance(id, str) or not _ID.fullmatch(id) or id in TAKEN:
            raise Invalid(
                f"id: {id!r:.80}: write small letters, digits, '.', '_' and '-', as spring8; {', '.join(sorted(TAKEN))} are taken",
                ja=f"id: {id!r:.80}: 英小文字、数字、「.」「_」「-」で書いてください (例 spring8)",
            )
        address = demand_address("address", address)
        said = _said({**SAYS, **told})
        self._demand_free(id, address)
        found = self._discovered(address, said)
        _demand_secret_fits(said, found, secret)
        moment = self._clock()
        row = {
            "document": _written(said, found),
            "secret": None if secret is None else self._seal.seal(secret, _about(id)),
            "at": moment,
            "by": by.id,
            "ended_at": None,
        }
        with self._store.write() as connection:
            before = self._demand_free(id, address, connection)
            if before is None:
                connection.execute(insert(table), {"id": id, "address": address, **row})
            else:
                connection.execute(update(table).where(table.c.id == id).values(**row))
            self._audit.note(connection, "issuer", by.id, issuer=id, address_of=address, purposes=said["purposes"])
            turn(connection)
            made = _find(connection, id)
        assert made is not None
        return made

    def change(self, id: str, document: Mapping[str, Any], by: Reader) -> Issuer:
        """Say something else of an issuer, and read anew what it says of itself. What it may no longer do ends at once."""
        demand_administrator(by, *LOOKED_AFTER)
        told = dict(document)
        replaces = "clientSecret" in told
        secret = told.pop("clientSecret", None)
        with self._store.read() as connection:
            before = _demand(connection, id)
            was = _told(connection, id)
        said = _said({**was, **told})
        found = self._discovered(before.address, said)
        _demand_secret_fits(said, found, secret if replaces else ("kept" if before.has_secret else None))
        values: dict[str, Any] = {"document": _written(said, found)}
        if replaces:
            values["secret"] = None if secret is None else self._seal.seal(secret, _about(id))
        with self._store.write() as connection:
            turn(connection)
            _demand(connection, id)
            connection.execute(update(table).where(table.c.id == id).values(**values))
            lost = set(was["purposes"]) - set(said["purposes"])
            self._take_away(
                connection,
                id,
                lost,
                groups=said["groupsClaim"] != was["groupsClaim"],
                passports=was["passports"] and not said["passports"],
                by=by,
            )
            if "visas" not in lost and said["resources"] and said["resources"] != was["resources"]:
                spoken_of = tuple(said["resources"])
                self._take_visas(
                    connection, lambda visa: visa["by"] == id and not visa["resource"].startswith(spoken_of), by
                )
            self._audit.note(
                connection, "issuer", by.id, issuer=id, purposes=said["purposes"], changed=sorted(told), secret=replaces
            )
            return _demand(connection, id)

    def end(self, id: str, by: Reader) -> None:
        """Its word counts no more: who signed in by it is signed out, its workloads are nobody, its visas allow nothing."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.write() as connection:
            turn(connection)
            _demand(connection, id)
            connection.execute(update(table).where(table.c.id == id).values(ended_at=self._clock(), secret=None))
            self._take_away(connection, id, set(PURPOSES), groups=True, passports=True, by=by)
            self._audit.note(connection, "issuer-ended", by.id, issuer=id)

    def find(self, id: str, by: Reader) -> Issuer:
        """An issuer, for administrators."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.read() as connection:
            return _demand(connection, id)

    def list(self, by: Reader) -> tuple[Issuer, ...]:
        """Every issuer whose word counts, for administrators."""
        demand_administrator(by, *LOOKED_AFTER)
        return self._all()

    def for_sign_in(self) -> tuple[Issuer, ...]:
        """By whom people may sign in."""
        return tuple(each for each in self._all() if "sign-in" in each.purposes)

    def of_id(self, id: str, purpose: Purpose) -> Issuer:
        """The issuer of this id whose word counts for this; NotFound if there is none."""
        with self._store.read() as connection:
            found = _demand(connection, id)
        if purpose not in found.purposes:
            raise _absent(id)
        return found

    def held(self, connection: Connection, id: str, purpose: Purpose) -> Issuer:
        """The issuer as it is, which nobody changes before this transaction has ended; NotFound as `of_id`."""
        row = connection.execute(
            select(table).where(table.c.id == id, table.c.ended_at.is_(None)).with_for_update(read=True)
        ).fetchone()
        if row is None or purpose not in (found := _issuer(row)).purposes:
            raise _absent(id)
        return found

    def of_address(self, address: str, purpose: Purpose) -> Issuer | None:
        """The issuer that calls itself exactly this, if its word counts for this."""
        if not _is_text(address):
            return None
        with self._store.read() as connection:
            id = connection.scalar(select(table.c.id).where(table.c.address == address, table.c.ended_at.is_(None)))
            found = None if id is None else _find(connection, id)
        return found if found is not None and purpose in found.purposes else None

    def secret_of(self, issuer: Issuer) -> str | None:
        """The secret of our client there."""
        with self._store.read() as connection:
            sealed = connection.scalar(select(table.c.secret).where(table.c.id == issuer.id))
        if sealed is None:
            return None
        secret = self._seal.open(sealed, _about(issuer.id))
        if secret is None:
            raise Misconfigured(
                f"the secret of issuer {issuer.id} was sealed with another key than this installation's: "
                f"tell it again with `catalog issuer set {issuer.id} --secret-file FILE`",
                ja=f"発行者 {issuer.id} のシークレットは別の鍵で封じられています。"
                f"`catalog issuer set {issuer.id} --secret-file ファイル` で登録し直してください",
            )
        return secret

    def _all(self) -> tuple[Issuer, ...]:
        with self._store.read() as connection:
            rows = connection.execute(select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id))
            return tuple(_issuer(row) for row in rows)

    def _demand_free(self, id: str, address: str, connection: Connection | None = None) -> str | None:
        """The id, if exactly this issuer was ended; Conflict if id or address are another's."""
        if connection is None:
            with self._store.read() as reading:
                return self._demand_free(id, address, reading)
        rows = connection.execute(
            select(table.c.id, table.c.address, table.c.ended_at).where(
                (table.c.id == id) | (table.c.address == address)
            )
        ).fetchall()
        for row in rows:
            if row.ended_at is None or (row.id, row.address) != (id, address):
                raise Conflict(
                    f"{row.id} is or was the issuer {row.address}: an issuer keeps its id, and no other gets it",
                    ja=f"{row.id} は発行者 {row.address} の ID です。ID とアドレスの組は変えられません",
                )
        return id if rows else None

    def _discovered(self, address: str, said: Mapping[str, Any]) -> Endpoints:
        if said["keysAt"] is not None:
            return Endpoints(demand_address("keysAt", said["keysAt"], near=address))
        # OpenID Connect Discovery 1.0, 4.1
        document = self._fetch_document(f"{address.removesuffix('/')}/.well-known/openid-configuration")
        return _endpoints(address, document, sign_in="sign-in" in said["purposes"])

    def _take_away(
        self, connection: Connection, id: str, lost: set[str], *, groups: bool, passports: bool, by: Reader
    ) -> None:
        """What an issuer no longer vouches for, at once; `groups` and `passports`: also where people still sign in by it."""
        told = {"at": self._clock(), "by": by.id}
        database = self._store.database
        theirs = identity.c.issuer == id
        if "sign-in" in lost:
            ended = connection.execute(delete(session).where(session.c.how == id)).rowcount
            if ended:
                self._audit.note(connection, "session-ended", by.id, issuer=id, sessions=ended)
        if groups or "sign-in" in lost:
            tell_groups_gone(connection, database, id, **told)
            connection.execute(update(identity).where(theirs).values(groups="[]"))
        if passports or "sign-in" in lost:
            tell_visas_gone(connection, database, theirs, lambda _: True, **told)
            connection.execute(update(identity).where(theirs).values(visas="[]"))
        if "visas" in lost:
            self._take_visas(connection, lambda visa: visa["by"] == id, by)

    def _take_visas(self, connection: Connection, which: Callable[[Mapping[str, str]], bool], by: Reader) -> None:
        """Let these visas count no more, whoever brought them."""
        have = identity.c.visas != "[]"
        tell_visas_gone(connection, self._store.database, have, which, at=self._clock(), by=by.id)
        rows = connection.execute(
            select(identity.c.issuer, identity.c.subject, identity.c.visas).where(have)
        ).fetchall()
        for row in rows:
            held = orjson.loads(row.visas)
            left = [visa for visa in held if not which(visa)]
            if left != held:
                mine = (identity.c.issuer == row.issuer) & (identity.c.subject == row.subject)
                connection.execute(update(identity).where(mine).values(visas=orjson.dumps(left).decode()))


def _endpoints(address: str, document: Mapping[str, Any], *, sign_in: bool) -> Endpoints:
    """What an issuer says of itself, as far as it is asked; Invalid says what it lacks."""
    if document.get("issuer") != address:
        raise Invalid(
            f"address: what is at {address} calls itself {document.get('issuer')!r:.200}; write exactly that, or ask its operator",
            ja=f"address: {address} は自身を {document.get('issuer')!r:.200} と名乗っています。一字一句同じアドレスを指定してください",
        )
    keys = demand_address("jwks_uri", document.get("jwks_uri"), near=address)
    if not sign_in:
        return Endpoints(keys)
    lists = {
        "response_types_supported": ("code",),
        "code_challenge_methods_supported": ("S256",),
        "id_token_signing_alg_values_supported": tuple(ALGORITHMS),
    }
    for name, needed in lists.items():
        offered = document.get(name)
        # An issuer need not list its challenge methods (RFC 8414, 2); one that lists them must have the one that is used.
        if offered is not None and not (isinstance(offered, list) and set(needed) & set(map(str, offered))):
            raise Invalid(
                f"address: {address} has none of {', '.join(needed)} in {name}, without which nobody signs in by it here",
                ja=f"address: {address} の {name} に {', '.join(needed)} がないため、サインインに使えません",
            )
    methods = document.get("token_endpoint_auth_methods_supported")
    userinfo = document.get("userinfo_endpoint")
    return Endpoints(
        keys,
        demand_address("authorization_endpoint", document.get("authorization_endpoint"), near=address),
        demand_address("token_endpoint", document.get("token_endpoint"), near=address),
        None if userinfo is None else demand_address("userinfo_endpoint", userinfo, near=address),
        document.get("authorization_response_iss_parameter_supported") is True,
        # OpenID Connect Discovery 1.0, 3: basic where nothing is said.
        tuple(map(str, methods)) if isinstance(methods, list) else ("client_secret_basic",),
    )


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of an issuer, as it is kept; Invalid names what cannot be."""
    if unknown := sorted(told.keys() - SAYS.keys()):
        raise Invalid(
            f"{unknown[0]:.80}: an issuer has none; it has id, address, clientSecret, {', '.join(SAYS)}",
            ja=f"{unknown[0]:.80}: 発行者にこの項目はありません。使えるのは id, address, clientSecret, {', '.join(SAYS)} です",
        )
    title, purposes = told["title"], told["purposes"]
    if not isinstance(title, dict) or not all(
        isinstance(tag, str) and _LANGUAGE.fullmatch(tag) and _is_text(text) for tag, text in title.items()
    ):
        raise Invalid(
            'title: write texts by language, as {"en": "…", "ja": "…"}',
            ja='title: {"en": "…", "ja": "…"} の形で書いてください',
        )
    _demand_texts("purposes", purposes)
    if not purposes or not set(purposes) <= set(PURPOSES):
        raise Invalid(
            f"purposes: name some of {', '.join(PURPOSES)}", ja=f"purposes: {', '.join(PURPOSES)} から選んでください"
        )
    for name in ("clientId", "audience", "keysAt"):
        if told[name] is not None and not _is_text(told[name]):
            raise _no_text(name)
    for name in ("groupsClaim", "orcidClaim"):
        if not _is_text(told[name]):
            raise _no_text(name)
    for name in ("scopes", "resources"):
        _demand_texts(name, told[name])
    if not isinstance(told["passports"], bool):
        raise Invalid("passports: write true or false", ja="passports: true か false を指定してください")
    scopes = list(dict.fromkeys(("openid", *told["scopes"])))
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise Invalid("scopes: each is a word, as profile", ja="scopes: profile のような語で書いてください")
    if told["passports"] and PASSPORT not in scopes:
        scopes.append(PASSPORT)
    signs_in = "sign-in" in purposes
    if signs_in and told["clientId"] is None:
        raise Invalid(
            "clientId: the name under which the catalogue is registered there is needed, where people sign in by it",
            ja="clientId: サインインに使う発行者には、発行者側で登録したクライアント ID が必要です",
        )
    if signs_in and told["keysAt"] is not None:
        raise Invalid(
            "keysAt: an issuer by which people sign in says itself where its keys are",
            ja="keysAt: サインインに使う発行者では指定できません。鍵の場所は発行者自身の設定から読み取ります",
        )
    return {**told, "purposes": [each for each in PURPOSES if each in purposes], "scopes": scopes}


def _demand_secret_fits(said: Mapping[str, Any], found: Endpoints, secret: object) -> None:
    if secret is not None and not _is_text(secret):
        raise _no_text("clientSecret")
    if "sign-in" not in said["purposes"]:
        return
    usable = {"none"} if secret is None else {"client_secret_basic", "client_secret_post"}
    if not usable & set(found.authentication):
        what = "no client without a secret" if secret is None else "no client's secret"
        raise Invalid(
            f"clientSecret: the issuer takes {what}; it takes {', '.join(found.authentication)[:200]}",
            ja=f"clientSecret: この発行者が受け付けるクライアント認証は {', '.join(found.authentication)[:200]} です",
        )


def _demand_texts(name: str, told: object) -> None:
    if not isinstance(told, list) or len(told) > _MOST or not all(_is_text(each) for each in told):
        raise Invalid(f"{name}: write a list of texts", ja=f"{name}: 文字列の配列で書いてください")


def _is_text(told: object) -> bool:
    return isinstance(told, str) and 1 <= len(told) <= _LONGEST and told.isprintable() and told == told.strip()


def _no_text(name: str) -> Invalid:
    return Invalid(f"{name}: write a text on one line", ja=f"{name}: 1行の文字列で書いてください")


def _written(said: Mapping[str, Any], found: Endpoints) -> str:
    kept = {
        "keys": found.keys,
        "authorization": found.authorization,
        "token": found.token,
        "userinfo": found.userinfo,
        "tellsIssuer": found.tells_issuer,
        "authentication": list(found.authentication),
    }
    return orjson.dumps({"said": said, "found": kept}).decode()


def _told(connection: Connection, id: str) -> dict[str, Any]:
    written = connection.execute(select(table.c.document).where(table.c.id == id)).scalar_one()
    said: dict[str, Any] = orjson.loads(written)["said"]
    return {**SAYS, **said}


def _find(connection: Connection, id: str) -> Issuer | None:
    row = connection.execute(select(table).where(table.c.id == id, table.c.ended_at.is_(None))).fetchone()
    return None if row is None else _issuer(row)


def _demand(connection: Connection, id: str) -> Issuer:
    found = _find(connection, id) if _ID.fullmatch(id) else None
    if found is None:
        raise _absent(id)
    return found


def _issuer(row: Any) -> Issuer:
    document = orjson.loads(row.document)
    said, found = {**SAYS, **document["said"]}, document["found"]
    return Issuer(
        id=row.id,
        address=row.address,
        title=said["title"],
        purposes=tuple(said["purposes"]),
        client_id=said["clientId"],
        has_secret=row.secret is not None,
        scopes=tuple(said["scopes"]),
        groups_claim=said["groupsClaim"],
        orcid_claim=said["orcidClaim"],
        passports=said["passports"],
        audience=said["audience"],
        resources=tuple(said["resources"]),
        keys_at=said["keysAt"],
        endpoints=Endpoints(
            found["keys"],
            found["authorization"],
            found["token"],
            found["userinfo"],
            found["tellsIssuer"],
            tuple(found["authentication"]),
        ),
        at=row.at,
        ended_at=row.ended_at,
    )


def _about(id: str) -> str:
    return f"issuer {id}"


def _absent(id: str) -> NotFound:
    return NotFound(f"there is no issuer {id:.80}", ja=f"発行者 {id:.80} はありません")
