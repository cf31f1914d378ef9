"""Signed tokens of issuers: whose key may have signed one, fetched where the issuer was registered to publish it, and what it must say.

Of a token's header only `alg` and `kid` are looked at, and `kid` only chooses among the issuer's own keys: where a key is to
be found (`jku`, `x5u`), or what it is (`jwk`, `x5c`), is never taken from what it is to prove.
"""

from __future__ import annotations

import binascii
import math
import threading
import time
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from catalog.access.fetching import fetch
from catalog.errors import Unavailable

# RFC 8725, 3.1: the algorithms are ours to choose, and each goes with one type of key.
ALGORITHMS: Final[Mapping[str, str]] = {"RS256": "RSA", "ES256": "EC"}
SKEW_SECONDS: Final = 60
LONGEST_TOKEN: Final = 64 * 1024
_LONGEST_HEADER: Final = 8 * 1024
# RFC 7518, 3.3
_LEAST_RSA_BITS: Final = 2_048
_MOST_KEYS: Final = 100


class Unsound(Exception):
    """A token that proves nothing. Why is for the log and the audit; who sent it is told no more than that."""


class _Registry(JWSRegistry):
    """Takes headers as long as certificates in them make them, and passes over what is not known (RFC 7515, 4)."""

    max_header_length = _LONGEST_HEADER


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that an issuer publishes."""

    kid: str | None
    algorithms: frozenset[str]
    key: RSAKey | ECKey


@dataclass(slots=True)
class _Kept:
    keys: tuple[PublicKey, ...] = ()
    fetched_at: float = -math.inf
    tried_at: deque[float] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Keyring:
    """The keys of issuers as they publish them. Safe to use from any thread.

    They are fetched again when they are five minutes old, and when a token names one that is not among them (keys rotate);
    but no more than five times a minute, since anybody may send tokens that name keys. If an issuer does not answer, the keys
    that were fetched last count for an hour.
    """

    FRESH_SECONDS: Final = 300.0
    LASTING_SECONDS: Final = 3_600.0
    TRIES: Final = 5
    TRIES_WITHIN_SECONDS: Final = 60.0

    def __init__(
        self,
        fetch_keys: Callable[[str], dict[str, Any]] = lambda address: fetch(address).document(),
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch_keys = fetch_keys
        self._elapsed = elapsed
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def key(self, address: str, kid: str | None, algorithm: str) -> PublicKey:
        """The key of this name at an address; Unsound if there is none, Unavailable if nobody can say."""
        with self._lock:
            kept = self._kept.setdefault(address, _Kept())
        found = _chosen(kept.keys, kid, algorithm)
        if found is not None and self._elapsed() - kept.fetched_at < self.FRESH_SECONDS:
            return found
        began = self._elapsed()
        with kept.lock:
            # Another thread may have asked while this one waited: what came of that is the answer to both.
            if not kept.tried_at or kept.tried_at[-1] < began:
                self._fetch(address, kept, self._elapsed())
            found = _chosen(kept.keys, kid, algorithm)
            if found is None:
                raise Unsound(f"there is no {algorithm} key {kid!r:.80} at {address}")
            return found

    def _fetch(self, address: str, kept: _Kept, moment: float) -> None:
        """The keys anew, unless that was tried too often just now or fails, and those that there are still count."""
        lasting = moment - kept.fetched_at < self.LASTING_SECONDS
        while kept.tried_at and moment - kept.tried_at[0] >= self.TRIES_WITHIN_SECONDS:
            kept.tried_at.popleft()
        if len(kept.tried_at) >= self.TRIES:
            if lasting:
                return
            raise Unavailable(
                f"{address:.200} was asked for keys too often just now",
                ja=f"{address:.200} への鍵の問い合わせが続いたため、しばらく待ってからお試しください",
            )
        kept.tried_at.append(moment)
        try:
            kept.keys = read_keys(self._fetch_keys(address))
            kept.fetched_at = moment
        except Unavailable:
            if not lasting:
                kept.keys = ()
                raise


def _chosen(keys: tuple[PublicKey, ...], kid: str | None, algorithm: str) -> PublicKey | None:
    # OIDC Core, 10.1: only an issuer with one key may leave out its name.
    fit = [each for each in keys if algorithm in each.algorithms and (kid is None or each.kid == kid)]
    return fit[0] if len(fit) == 1 else None


def read_keys(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The keys of a JWKS by which what we accept can be signed; others are none of ours."""
    told = document.get("keys")
    if not isinstance(told, list):
        return ()
    return tuple(made for each in told[:_MOST_KEYS] if isinstance(each, dict) and (made := _read_key(each)) is not None)


def _read_key(told: Mapping[str, Any]) -> PublicKey | None:
    kid, operations = told.get("kid"), told.get("key_ops", ["verify"])
    if told.get("use", "sig") != "sig" or not (kid is None or isinstance(kid, str)):
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    fitting = {name for name, family in ALGORITHMS.items() if family == told.get("kty")}
    if "alg" in told:
        fitting &= {told["alg"]} if isinstance(told["alg"], str) else set()
    if not fitting:
        return None
    key: RSAKey | ECKey
    try:
        if told["kty"] == "RSA":
            if int.from_bytes(_decoded(told["n"])).bit_length() < _LEAST_RSA_BITS:
                return None
            key = RSAKey.import_key({name: told[name] for name in ("kty", "n", "e")})
        else:
            if told.get("crv") != "P-256":
                return None
            key = ECKey.import_key({name: told[name] for name in ("kty", "crv", "x", "y")})
    except (JoseError, KeyError, ValueError, TypeError, binascii.Error):
        return None
    return PublicKey(kid, frozenset(fitting), key)


def looks_signed(token: str) -> bool:
    """Whether a text has the three parts of a signed token."""
    return token.count(".") == 2 and len(token) <= LONGEST_TOKEN and token.isascii()


def claimed_issuer(token: str) -> str | None:
    """Who a token says has issued it: from whom to ask for keys, and proven by nothing yet."""
    try:
        told = _part(token, 1).get("iss")
    except Unsound:
        return None
    return told if isinstance(told, str) else None


def verified(token: str, keys_at: str, keyring: Keyring) -> dict[str, Any]:
    """The claims of a token that was signed with a key of the issuer's; Unsound otherwise."""
    header = _part(token, 0)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Unsound(f"signed by {algorithm!r:.40}, of which nothing is accepted but {', '.join(ALGORITHMS)}")
    if not (kid is None or isinstance(kid, str)):
        raise Unsound("its kid is no text")
    # RFC 7515, 4.1.11: what must be understood and is not.
    if "crit" in header:
        raise Unsound("its header has a crit")
    key = keyring.key(keys_at, kid, algorithm)
    try:
        read = jwt.decode(token, key.key, registry=_Registry(algorithms=[algorithm], strict_check_header=False))
    except (JoseError, ValueError) as problem:
        raise Unsound(f"its signature: {type(problem).__name__}") from problem
    return dict(read.claims)


def demand_timely(claims: Mapping[str, Any], now: float, *, longest_seconds: float | None = None) -> float:
    """When the token ends; Unsound unless it says so, has begun, is not over, and is not meant for longer than that."""
    until = _moment(claims, "exp")
    if until is None:
        raise Unsound("it has no exp")
    if now >= until + SKEW_SECONDS:
        raise Unsound(f"it is over since {now - until:.0f} seconds")
    begin, issued = _moment(claims, "nbf"), _moment(claims, "iat")
    if begin is not None and now < begin - SKEW_SECONDS:
        raise Unsound(f"it begins in {begin - now:.0f} seconds")
    if issued is not None and now < issued - SKEW_SECONDS:
        raise Unsound(f"it was issued in {issued - now:.0f} seconds from now")
    if longest_seconds is not None and until - (now if issued is None else issued) > longest_seconds + SKEW_SECONDS:
        raise Unsound(f"it is meant to last longer than {longest_seconds:.0f} seconds")
    return until


def demand_issuer(claims: Mapping[str, Any], issuer: str) -> None:
    """Unsound unless exactly this issuer says that it issued it."""
    if claims.get("iss") != issuer:
        raise Unsound(f"it was issued by {claims.get('iss')!r:.200}, not by {issuer}")


def demand_audience(claims: Mapping[str, Any], ours: str | None) -> None:
    """Unsound unless it is meant for us and for nobody else: one that is for others too could have been handed on by them."""
    told = claims.get("aud")
    if ours is None or told not in (ours, [ours]):
        raise Unsound(f"it is meant for {told!r:.200}, not for {ours} alone")


def subject_of(claims: Mapping[str, Any]) -> str:
    """Who it is about; Unsound if it does not say."""
    subject = claims.get("sub")
    # OIDC Core, 2: at most 255 ASCII characters. SPIFFE ids are longer.
    if not isinstance(subject, str) or not 1 <= len(subject) <= 2_048 or not subject.isprintable():
        raise Unsound("it has no sub, or none that can be kept")
    return subject


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    told = claims.get(name)
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told) or not 0 <= told < 1e11:
        raise Unsound(f"its {name} is no moment")
    return float(told)


def _part(token: str, place: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token, of which nothing is proven yet."""
    if not looks_signed(token):
        raise Unsound("it has not the three parts of a signed token")
    written = token.split(".")[place]
    if place == 0 and len(written) > _LONGEST_HEADER:
        raise Unsound("its header is too long")
    try:
        # orjson says no to what is nested without end, which the interpreter's own parser would follow.
        value = orjson.loads(_decoded(written))
    except (ValueError, binascii.Error):
        raise Unsound("it cannot be read") from None
    if not isinstance(value, dict):
        raise Unsound("it cannot be read")
    return value


def _decoded(written: str) -> bytes:
    return urlsafe_b64decode(written + "=" * (-len(written) % 4))
