"""What every answer needs: the catalogue, who keeps its door, and threads to work in."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar
from urllib.parse import urlsplit

from jinja2 import Environment
from starlette.requests import Request
from starlette.types import Scope

from catalog.assembly import Catalog
from catalog.discovery.sitemap import Part
from catalog.errors import Forbidden, Unavailable
from catalog.questions.reader import Reader
from catalog.upkeep.health import Health
from catalog.web.metrics import Metrics
from catalog.web.operations import Operation
from catalog.web.refusals import Unauthorized, WrongPassword
from catalog.web.session import Asker, Bounds, Doorkeeper, asker_of, while_held
from catalog.web.streams import outflow
from catalog.web.tokens import Tokens

logger = logging.getLogger("catalog.web")

P = ParamSpec("P")
T = TypeVar("T")

# Reads are short and share the interpreter: more threads than this only wait for each other.
READING_THREADS = 8
# A stream holds its thread until its client has read it all, so streams have threads of their own.
STREAMS = 16
# Answers to queries that are too large for memory, each in a file until its client has read it.
LARGE_ANSWERS = 32
LOADS = 4
# A password takes a third of a second and 46 MiB to look at, by design: two at a time, and the others wait their turn.
PASSWORDS = 2
PASSWORDS_WAITING = 64
# Of each who asks and each address, as many refused writes are told to the audit; whoever is refused more often is known by then.
REFUSALS_A_MINUTE = 60
# Of what a load was refused, as many ids.
REFUSED_NAMED = 10
# Who waits for an issuer's answer does so for ten seconds at most, and in nobody else's place.
AFAR = 8
AFAR_WAITING = 64


@dataclass(slots=True)
class Places:
    """A bounded number of places; who finds none is told to come again."""

    free: int
    full: str = "All places for streams are taken; try again in a moment."
    full_ja: str = "ストリームの枠が埋まっています。少し待ってからもう一度お試しください。"

    def __enter__(self) -> None:
        if self.free == 0:
            raise Unavailable(self.full, ja=self.full_ja)
        self.free -= 1

    def __exit__(self, *_: object) -> None:
        self.free += 1


class Remembered(Generic[T]):
    """What is dear to make, and may be some seconds old."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._made: tuple[float, T] | None = None
        self._making = threading.Lock()

    def have(self, make: Callable[[], T]) -> T:
        """What was made last, or now if that is too long ago; several who ask at once wait for one making."""
        with self._making:
            if self._made is None or time.monotonic() - self._made[0] > self.seconds:
                self._made = (time.monotonic(), make())
            return self._made[1]


@dataclass(slots=True)
class RefusedRecords:
    """How many records of a load its sender may not write, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, id: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < REFUSED_NAMED:
            self.first.append(id)


@dataclass(frozen=True, slots=True)
class Site:
    """The catalogue as it is served."""

    catalog: Catalog
    doorkeeper: Doorkeeper
    pages: Environment
    metrics: Metrics
    tokens: Tokens
    reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READING_THREADS, "read"))
    streaming: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(STREAMS + LOADS, "stream"))
    streams: Places = field(default_factory=lambda: Places(STREAMS))
    passwords: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(PASSWORDS, "password"))
    passwords_waiting: Places = field(
        default_factory=lambda: Places(
            PASSWORDS_WAITING,
            "Too many people sign in at this moment; try again soon.",
            "サインインが集中しています。少し待ってからもう一度お試しください。",
        )
    )
    afar_threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AFAR, "afar"))
    afar_waiting: Places = field(
        default_factory=lambda: Places(
            AFAR_WAITING,
            "Too many wait for issuers at this moment; try again soon.",
            "外部の発行者への問い合わせが集中しています。少し待ってからもう一度お試しください。",
        )
    )
    loads: Places = field(default_factory=lambda: Places(LOADS))
    large_answers: Places = field(default_factory=lambda: Places(LARGE_ANSWERS))
    refusals: Bounds = field(default_factory=lambda: Bounds(REFUSALS_A_MINUTE))
    health: Remembered[Health] = field(default_factory=lambda: Remembered(1))
    sitemap: Remembered[list[Part]] = field(default_factory=lambda: Remembered(300))
    # Whether the ledger's database is part of this process.
    embedded: bool = field(init=False)
    # Statements by predicate in what everyone may read, of one state of the graph.
    counted: dict[Path, Mapping[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "embedded", self.catalog.settings.database_address.startswith("sqlite"))

    @property
    def root(self) -> str:
        """The path under which the catalogue lies at its base address: "/" or "/catalogue/"."""
        return urlsplit(self.catalog.base).path or "/"

    def reader(self, request: Request) -> Reader:
        """Who asks."""
        return asker_of(request).reader

    async def asker(self, scope: Scope, *, writes: bool) -> Asker:
        """Who asks, found out without holding up other requests."""
        carried = self.doorkeeper.carried(scope)
        if self.doorkeeper.waits(carried):
            return await self.afar(self.doorkeeper.asker, carried, writes=writes)
        return await self.quickly(self.doorkeeper.asker, carried, writes=writes)

    def while_held(self, request: Request, chunks: Iterable[bytes], *, writes: bool = False) -> Iterable[bytes]:
        """A stream's chunks, as long as its asker holds what they held when it began."""
        carried = self.doorkeeper.carried(request.scope)
        if self.doorkeeper.waits(carried):
            # A program's signed token is for minutes, and proves who began it and not who is still there.
            return chunks
        return while_held(chunks, self.reader(request), lambda: self.doorkeeper.asker(carried, writes=writes).reader)

    def tell_refused(self, scope: Scope, error: Exception) -> None:
        """Let the audit know, once for each request, of a write that was refused."""
        told: Operation | None = scope["app"].state.operations.get(getattr(scope.get("route"), "name", None))
        state = scope["state"]
        # Of what is both asked and changed at one address, whoever reads it says which it is.
        writes = told is not None and (told.writes or state.get("writes", False))
        if told is None or not writes or not isinstance(error, Forbidden | Unauthorized) or "refused" in state:
            return
        state["refused"] = True
        asker: Asker | None = state.get("asker")
        # A wrong password is told as such, where it was looked at.
        if not isinstance(error, WrongPassword):
            # A one-time link's address is as good as what it opens.
            path = told.path if "{code}" in told.path else scope["path"][:500]
            by = "public" if asker is None else asker.reader.id
            about = state.get("about") or _about(scope)
            self.tell_refused_write(by, self.doorkeeper.address(scope), about, method=told.method, path=path)

    def tell_refused_write(self, by: str, address: str, about: tuple[str | None, str | None], **told: Any) -> None:
        """The same of one write, `about` a scope or a record: as often as they are told of whoever is refused."""
        if self.refusals.allows(f"{by} {address}"):
            self.aside(partial(self._note_refused, by, address, about, **told))

    def tell_refused_in_load(self, scope: Scope, refused: RefusedRecords) -> None:
        """The same of records that a load was refused; once, however many they are."""
        asker: Asker = scope["state"]["asker"]
        if refused.count and self.refusals.allows(f"{asker.reader.id} {asker.address}"):
            told = {"method": scope["method"], "path": scope["path"][:500]}
            more = {"records": refused.count, "ids": refused.first}
            about = None, refused.first[0]
            self.aside(partial(self._note_refused, asker.reader.id, asker.address, about, **told, **more))

    def _note_refused(self, by: str, address: str, about: tuple[str | None, str | None], **told: Any) -> None:
        """Write it down under the scope that it was about, so that whoever manages that finds it."""
        named, id = about
        catalog = self.catalog
        scope = named if named is not None and catalog.scopes.facts(named) is not None else None
        if scope is None and id is not None:
            known = catalog.ledger.known([id]).get(id)
            source = None if known is not None else catalog.sources.find(id.split("/")[1] if "/" in id else "")
            scope = known.scope if known is not None else source.home_scope if source is not None else None
        catalog.audit.tell("refused", by, address=address, scope=scope, **told)

    def aside(self, note: Callable[[], None]) -> None:
        """Do something that nobody waits for."""
        self.reading.submit(note).add_done_callback(_told_if_failed)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a synchronous function answers, without holding up other requests."""
        return await asyncio.get_running_loop().run_in_executor(self.reading, partial(function, *args, **named))

    async def slowly(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a function answers that looks at a password."""
        with self.passwords_waiting:
            return await asyncio.get_running_loop().run_in_executor(self.passwords, partial(function, *args, **named))

    async def afar(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a function answers that may have to ask an issuer first."""
        with self.afar_waiting:
            threads = self.afar_threads
            return await asyncio.get_running_loop().run_in_executor(threads, partial(function, *args, **named))

    async def quickly(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What a function answers that looks up one thing by its key.

        In the embedded database that takes 70 µs and waits for nobody, while the way to a thread and back takes 200; over
        the network it is done in a thread like everything else.
        """
        if self.embedded:
            return function(*args, **named)
        return await self.in_thread(function, *args, **named)

    async def stream(self, make: Callable[[], Iterable[bytes]]) -> AsyncIterator[bytes]:
        """What a synchronous function makes piece by piece, as fast as it is taken."""
        return await self.begun(outflow(make, self.streaming))

    async def begun(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """A stream with its first piece made, so that what fails at once is a problem and not a broken answer."""
        placed = self._placed(chunks)
        first = await anext(placed, b"")
        return _with_first(first, placed)

    async def _placed(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        with self.streams:
            async for chunk in chunks:
                yield chunk

    def close(self) -> None:
        """Let go of the threads."""
        self.reading.shutdown(wait=False, cancel_futures=True)
        self.streaming.shutdown(wait=False, cancel_futures=True)
        self.passwords.shutdown(wait=False, cancel_futures=True)
        self.afar_threads.shutdown(wait=False, cancel_futures=True)


def _about(scope: Scope) -> tuple[str | None, str | None]:
    """The scope or the record that an address names."""
    named = scope.get("path_params", {})
    if not all(str(each).isprintable() for each in named.values()):
        # Nothing is called so; and what can't be looked up must not keep the line from being written.
        return None, None
    if "scope" in named:
        return str(named["scope"])[:300], None
    if "localId" in named:
        return None, f"{named['kind']}/{named['source']}/{named['localId']}"
    return None, str(named["id"]) if "id" in named else None


def _told_if_failed(done: Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.warning("not written down: %s", error)


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk


def site_of(request: Request) -> Site:
    """The site that a request came to."""
    site: Site = request.app.state.site
    return site
