"""Bytes between the event loop and the threads that make or take them, a bounded number at a time."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from catalog import errors

RESTS_AFTER_SECONDS = 0.2


class Interrupted(Exception):
    """Whoever was sending went away before the end."""


class Inflow(Iterable[bytes]):
    """A request's body as a thread reads it, without knowing of the event loop.

    At most `slots` chunks wait: a thread that is slow slows the sender, and no body is ever held whole.
    """

    def __init__(self, slots: int = 8) -> None:
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(slots)
        self._chunks: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self._left = False

    async def fill(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        """Hand over what comes until it ends, the sender goes away, or nobody reads any more."""
        try:
            if first:
                self._chunks.put(first)
            async for chunk in rest:
                if self._left:
                    return
                if chunk:
                    await self._slots.acquire()
                    self._chunks.put(chunk)
            self._chunks.put(None)
        except ClientDisconnect:
            self._chunks.put(Interrupted("the sender went away before the end"))
        except asyncio.CancelledError:
            self._chunks.put(Interrupted("the server is stopping"))
            raise

    def leave(self) -> None:
        """Nobody reads any more; whoever fills need not wait. Called on the event loop."""
        self._left = True
        self._slots.release()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = self._chunks.get(timeout=RESTS_AFTER_SECONDS)
            except queue.Empty:
                # The sender rests: what it has sent may be entered and answered meanwhile.
                yield b""
                chunk = self._chunks.get()
            if chunk is None:
                return
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
            self._loop.call_soon_threadsafe(self._slots.release)


class Streamed(Response):
    """An answer that is sent while its request is still being read.

    The framework's own streaming answer listens for the client's leaving, and would swallow the request's body.
    """

    def __init__(self, chunks: AsyncIterator[bytes], headers: Mapping[str, str], media_type: str) -> None:
        self.chunks = chunks
        self.status_code = 200
        self.background = None
        self.media_type = media_type
        self.body = b""
        self.init_headers(headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def drain(chunks: AsyncIterator[bytes], seconds: float) -> None:
    """Take and throw away what is still being sent, for a while.

    A client that sends everything before it reads would otherwise see its connection reset instead of the answer.
    """
    try:
        async with asyncio.timeout(seconds):
            async for _ in chunks:
                pass
    except (TimeoutError, ClientDisconnect):
        return


async def read_whole(request: Request, first: bytes, rest: AsyncIterator[bytes], limit: int) -> bytes:
    """A body that must be held whole, or TooLarge as soon as it is known to be."""
    if int(request.headers.get("content-length") or 0) <= limit:
        held = bytearray(first)
        async for chunk in rest:
            held += chunk
            if len(held) > limit:
                break
        else:
            return bytes(held)
        del held
    # Who waits for leave to send has not been given it yet, unless something was read already.
    if first or request.headers.get("expect", "").lower() != "100-continue":
        await drain(rest, seconds=30)
    mebibytes = limit / 1024 / 1024
    raise errors.TooLarge(
        f"One JSON document may have {mebibytes:g} MiB at most; send many records as NDJSON, which may be of any length.",
        ja=f"1つの JSON 文書は {mebibytes:g} MiB までです。多数のレコードは長さの制限がない NDJSON で送ってください。",
    )


async def outflow(
    make: Callable[[], Iterable[bytes]], pool: ThreadPoolExecutor, slots: int = 4
) -> AsyncIterator[bytes]:
    """What one thread makes, chunk by chunk, no faster than it is taken.

    The whole iteration stays in one thread (a database cursor may belong to it), and ends with the answer.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
    room = threading.Semaphore(slots)
    stopped = threading.Event()

    def hand_over(item: bytes | BaseException | None) -> None:
        loop.call_soon_threadsafe(ready.put_nowait, item)

    def run() -> None:
        try:
            chunks = iter(make())
            try:
                for chunk in chunks:
                    room.acquire()
                    if stopped.is_set():
                        return
                    hand_over(chunk)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
            hand_over(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is written
            hand_over(error)

    pool.submit(run)
    try:
        while (item := await ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            room.release()
    finally:
        stopped.set()
        room.release()


def gathered(lines: Iterable[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """Small pieces joined to chunks worth sending."""
    held: list[bytes] = []
    length = 0
    for line in lines:
        held.append(line)
        length += len(line)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)
