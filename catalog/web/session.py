"""Who asks: worked out once for each request, from what it carries; and what shows that a browser's page is ours."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from catalog.assembly import Catalog
from catalog.errors import Forbidden, Malformed
from catalog.questions.reader import ADMINISTRATOR, Reader
from catalog.web.refusals import Forged, Unauthorized

if TYPE_CHECKING:
    from catalog.access.sessions import Session

SESSION: Final = "musubi_session"
LINK: Final = "musubi_link"
SIGN_IN: Final = "musubi_sign_in"
FORM: Final = "application/x-www-form-urlencoded"
# Those that a page of anybody's may send here without being asked first whether it may (Fetch, 4.10).
SIMPLE: Final = (FORM, "multipart/form-data", "text/plain")
FORM_LIMIT: Final = 64 * 1024
FORM_FIELDS: Final = 200
USED_EVERY_SECONDS: Final = 60
USES_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Credential:
    """What programs may carry as `Bearer`, of one kind."""

    fits: Callable[[str], bool]  # whether a text looks like one
    # From it and the address it came from to who carries it; None if it is unknown, has ended or is over.
    reader: Callable[[str, str], Reader | None]
    # Writes down that it is in use, and from where: asked at most once a minute for each and each address.
    used: Callable[[str, str], None] | None = None
    waits: bool = False  # finding out may ask somebody over the network


def credentials_of(catalog: Catalog) -> tuple[Credential, ...]:
    """Every kind of credential that is known beside the administrator's token."""
    # A token of a workload has three parts with dots between them, as none of ours has.
    workload = Credential(
        lambda told: told.count(".") == 2,
        lambda told, address: catalog.workloads.reader(told, address),
        waits=True,
    )
    tokens = Credential(
        lambda told: told.startswith("mst_"),
        lambda told, address: catalog.tokens.reader(told),
        lambda told, address: catalog.tokens.used(told, address),
    )
    links = Credential(
        lambda told: told.startswith("mlk_"),
        lambda told, address: catalog.links.reader(told),
        lambda told, address: catalog.links.used(told),
    )
    return tokens, links, workload


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how they showed it."""

    reader: Reader
    address: str  # of the network
    session: Session | None = None
    stale: bool = False  # the browser has a cookie of a session that is none any more
    note: Callable[[], None] | None = None  # what is to be written down about it, which may wait


@dataclass(frozen=True, slots=True)
class Carried:
    """What a request carries to say who asks."""

    bearer: str | None
    session: str | None
    link: str | None
    address: str
    wrong: bool = False  # said in a way that names nobody


@dataclass(slots=True)
class Uses:
    """Which credentials were told to be in use lately, and from where."""

    _last: OrderedDict[tuple[bytes, str], float] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_news(self, digest: bytes, address: str) -> bool:
        """Whether this use is to be written down."""
        moment = time.monotonic()
        with self._lock:
            last = self._last.get((digest, address))
            if last is not None and moment - last < USED_EVERY_SECONDS:
                return False
            self._last[(digest, address)] = moment
            self._last.move_to_end((digest, address))
            if len(self._last) > USES_KEPT:
                self._last.popitem(last=False)
            return True


@dataclass(slots=True)
class Bounds:
    """How often something was done by each lately: what is written for ever is not written without end."""

    most: int
    _minute: int = -1
    _counts: dict[str, int] = field(default_factory=dict)

    def allows(self, who: str) -> bool:
        """Whether it may be done once more in this minute."""
        minute = int(time.monotonic()) // 60
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[who] = count = self._counts.get(who, 0) + 1
        return count <= self.most


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows the administrator's token by its digest only, and whom to ask about everything else."""

    token_digest: bytes
    catalog: Catalog
    credentials: Sequence[Credential]
    cookies: Mapping[str, str]  # what those of ours are called here
    proxies: int = 0
    uses: Uses = field(default_factory=Uses)

    @classmethod
    def of(cls, catalog: Catalog) -> Doorkeeper:
        # `__Host-` makes a browser refuse such a cookie from a neighbouring host or over plain HTTP (RFC 6265bis, 4.1.3).
        base = urlsplit(catalog.base)
        prefix = "__Host-" if base.scheme == "https" and base.path in ("", "/") else ""
        names = {name: prefix + name for name in (SESSION, LINK, SIGN_IN)}
        return cls(_digest(catalog.token), catalog, credentials_of(catalog), names, catalog.settings.proxies)

    def carried(self, scope: Scope) -> Carried:
        """What a request carries, read without asking anybody."""
        bearer: str | None = None
        wrong = False
        cookies: list[str] = []
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, told = value.decode("latin-1").partition(" ")
                wrong = wrong or bearer is not None or scheme.lower() != "bearer"
                bearer = told.strip()
            elif name == b"cookie":
                cookies.append(value.decode("latin-1"))
        session = link = None
        if cookies and bearer is None:
            session, link = (self._cookie(cookies, name) for name in (SESSION, LINK))
        return Carried(bearer, session, link, self.address(scope), wrong)

    def _cookie(self, headers: Sequence[str], name: str) -> str | None:
        """A cookie's value; of two that differ nobody knows whose either is, and "" is no session's."""
        found = {value for key, value in _cookies(headers) if key == self.cookies[name]}
        return None if not found else found.pop() if len(found) == 1 else ""

    def address(self, scope: Scope) -> str:
        """Whence a request comes: as the outermost of our own proxies saw it, if there are any."""
        if self.proxies:
            told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            hops = [hop.strip() for hop in ",".join(told).split(",")]
            if len(hops) >= self.proxies and hops[-self.proxies]:
                return hops[-self.proxies][:100]
        client = scope.get("client")
        return str(client[0]) if client else ""

    def is_administrator(self, carried: Carried) -> bool:
        """Whether it is the administrator's token that is carried."""
        # Digests are compared in constant time, so that neither the token nor its length shows in how long it took.
        return (
            carried.bearer is not None
            and not carried.wrong
            and hmac.compare_digest(_digest(carried.bearer), self.token_digest)
        )

    def waits(self, carried: Carried) -> bool:
        """Whether finding out may take long."""
        return carried.bearer is not None and any(each.waits and each.fits(carried.bearer) for each in self.credentials)

    def asker(self, carried: Carried, *, writes: bool) -> Asker:
        """Who asks; a token that is not known is refused rather than taken for the public."""
        if carried.bearer is not None:
            return self._bearer(carried.bearer, carried)
        asker = self._browser(carried.session, carried.address)
        # What a link lets see is read only: nobody passes on what they hold by it.
        if carried.link is not None and not writes:
            return self._with_link(asker, carried.link)
        return asker

    def _bearer(self, told: str, carried: Carried) -> Asker:
        address = carried.address
        if self.is_administrator(carried):
            return Asker(ADMINISTRATOR, address)
        for each in self.credentials:
            if not carried.wrong and each.fits(told) and (reader := each.reader(told, address)) is not None:
                used = each.used
                if used is None or not self.uses.is_news(_digest(told), address):
                    return Asker(reader, address)
                return Asker(reader, address, note=partial(used, told, address))
        raise Unauthorized(
            "The Authorization header names no token that is known here: send `Bearer <token>`, or nothing at all.",
            ja="Authorization ヘッダーのトークンは登録されていません。`Bearer <トークン>` を送るか、ヘッダーを外してください。",
        )

    def _browser(self, value: str | None, address: str) -> Asker:
        if value is None:
            return Asker(self.catalog.readers.public(), address)
        found = self.catalog.sessions.reader(value)
        if found is None:
            return Asker(self.catalog.readers.public(), address, stale=True)
        session, reader = found
        if not self.catalog.sessions.is_long_unseen(session):
            return Asker(reader, address, session)
        return Asker(reader, address, session, note=lambda: self.catalog.sessions.seen(session))

    def _with_link(self, asker: Asker, link: str) -> Asker:
        for each in self.credentials:
            if each.waits or not each.fits(link) or (reader := each.reader(link, asker.address)) is None:
                continue
            if not reader.id.startswith("link:"):
                # The cookie may hold what a link is, and no token of another kind.
                return asker
            note = asker.note
            if note is None and each.used is not None and self.uses.is_news(_digest(link), asker.address):
                note = partial(each.used, link, asker.address)
            return replace(asker, reader=joined(asker.reader, reader), note=note)
        return asker

    def set_cookie(self, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Give the browser a cookie of ours, which no script reads and no other site's form brings along."""
        base = urlsplit(self.catalog.base)
        response.set_cookie(
            self.cookies[name],
            value,
            max_age=seconds,
            path=base.path or "/",
            secure=base.scheme == "https",
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, response: Response, name: str) -> None:
        """Take a cookie of ours away."""
        self.set_cookie(response, name, "", seconds=0)

    def demand_own_page(self, scope: Scope) -> None:
        """Forged unless the browser says that it is a page of ours that sends this."""
        told = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _TELLING}
        origin, site = told.get(b"origin"), told.get(b"sec-fetch-site")
        if origin is None and site is None:
            raise _forged("says neither in Origin nor in Sec-Fetch-Site which page sends it")
        if site is not None and site != "same-origin":
            raise _forged(f"was sent by a page of another site (Sec-Fetch-Site: {site:.40})")
        if origin is not None and not self._is_ours(origin, told.get(b"host", "")):
            raise _forged(f"was sent by a page of {origin:.200}")

    def _is_ours(self, origin: str, host: str) -> bool:
        base, came = urlsplit(self.catalog.base), urlsplit(origin)
        if (came.scheme, came.netloc) == (base.scheme, base.netloc):
            return True
        # The catalogue may be asked at another address than the one its records are known under.
        return came.netloc == host and came.scheme in (("https",) if base.scheme == "https" else ("http", "https"))


_TELLING: Final = (b"origin", b"sec-fetch-site", b"host")


def joined(reader: Reader, link: Reader) -> Reader:
    """Somebody who also carries a link; nobody in particular is then known as the link."""
    return replace(
        reader,
        id=link.id if reader.id == "public" else reader.id,
        grants=tuple(dict.fromkeys((*reader.grants, *link.grants))),
        holders=tuple(sorted({*reader.holders, *link.holders})),
        stored=link.stored and (reader.stored or not reader.grants),
    )


def while_held(chunks: Iterable[bytes], reader: Reader, by_now: Callable[[], Reader]) -> Iterator[bytes]:
    """The same chunks as long as whoever began still holds what they held then; Forbidden in the place of what comes after that.

    A stream is one request however long it lasts, and must not outlive the rights by which it was begun.
    """
    for chunk in chunks:
        now = by_now()
        if now is not reader and (
            now.id != reader.id or reader.administrator > now.administrator or not set(reader.grants) <= set(now.grants)
        ):
            raise Forbidden(
                "What you may do here was changed meanwhile, so this ended before its end: begin again.",
                ja="処理中に権限が変更されたため中断しました。最初からやり直してください。",
            )
        yield chunk


def asker_of(request: Request) -> Asker:
    """Who asks, as the door has worked it out."""
    asker: Asker = request.scope["state"]["asker"]
    return asker


def session_in(request: Request) -> Session | None:
    """The session of whoever asks, for pages, which also show what failed before anybody was known."""
    asker: Asker | None = request.scope.get("state", {}).get("asker")
    return None if asker is None else asker.session


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a page of ours sent, which the door has read; each is there once."""
    form: dict[str, str] | None = request.scope["state"].get("form")
    if form is None:
        raise Malformed("A form is needed here.", ja="フォームの送信が必要です。")
    return form


def read_form(body: bytes) -> dict[str, str]:
    """A form's fields; one that is there twice is refused, since readers differ in which of the two counts."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FORM_FIELDS,
            encoding="utf-8", errors="strict",
        )  # fmt: skip
    except ValueError:
        raise Malformed("The form cannot be read.", ja="フォームを読み取れません。") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("A field of the form is there twice.", ja="フォームに同じ項目が2回あります。")
    return fields


def demand_csrf(session: Session, told: str | None) -> None:
    """Forged unless a request that a browser sends with its cookie shows that it comes from a page that we made."""
    if told is None or not hmac.compare_digest(told.encode("utf-8", "surrogateescape"), session.csrf.encode()):
        raise _forged("does not carry the value of its session (the header X-Csrf-Token, or the form's field csrf)")


def is_form(scope: Scope) -> str | None:
    """The media type of a body that a page of anybody's may send here unasked; None for any other, and for none."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type: str = value.decode("latin-1").partition(";")[0].strip().lower()
            return media_type if media_type in SIMPLE else None
    return None


def own_path(told: str | None, root: str) -> str:
    """The path of ours that somebody wanted to come to, or the first page: never an address elsewhere."""
    # Browsers take \\ for /, drop tabs and line ends wherever they are, and read // as another host's name.
    if told is None or not told.startswith(root) or len(told) > 2_000 or not re.fullmatch(r"[!-\[\]-~]+", told):
        return root
    path = unquote(re.split(r"[?#]", told, maxsplit=1)[0])
    return root if re.search(r"//|[\\\x00-\x1f\x7f]|/\.\.?(?:/|$)", path) else told


def _forged(how: str) -> Forged:
    return Forged(
        f"The request {how}. Open the page again and send it from there; programs use a token instead of a cookie.",
        ja="このサイトのページから送られたことを確認できません。ページを開き直してから送信してください。"
        "プログラムからはクッキーではなくトークンを使ってください。",
    )


def _cookies(headers: Sequence[str]) -> list[tuple[str, str]]:
    """Cookies with their values, also those of one name."""
    return [pair for header in headers for part in header.split(";") for pair in cookie_parser(part).items()]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
