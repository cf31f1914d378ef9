"""A statement that takes longer than it may is stopped, by one thread that watches them all."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from catalog.errors import TooSlow

# What was stopped and has not ended is stopped again after so long.
AGAIN_SECONDS: Final = 0.1
# The thread of a store that nobody asks any more ends, and lets go of what it held.
IDLE_SECONDS: Final = 30.0


@dataclass(order=True)
class Running:
    """Something under way. Whoever stops it and whoever ends it hold the lock, so that nothing later is stopped."""

    until: float
    stop: Callable[[], None] = field(compare=False)
    lock: threading.Lock = field(compare=False, default_factory=threading.Lock)
    ended: bool = field(compare=False, default=False)
    stopped: bool = field(compare=False, default=False)


class Deadlines:
    """Stops what runs beyond its time. One for each store; its thread begins when it is first needed, and ends when it long was not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: list[Running] = []
        self._thread: threading.Thread | None = None

    def within(self, seconds: float, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Let the block take so long; then `stop` is called, from another thread, and the block ends with TooSlow."""
        return _Within(self, seconds, stop)

    def watch(self, running: Running) -> None:
        """Stop it when its time is over, unless it has ended."""
        with self._changed:
            heapq.heappush(self._running, running)
            if self._thread is None or not self._thread.is_alive():
                # A process that was forked has none.
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._running[0] is running:
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._running or (wait := self._running[0].until - time.monotonic()) > 0:
                    told = self._changed.wait(wait if self._running else IDLE_SECONDS)
                    if not told and not self._running:
                        self._thread = None
                        return
                running = heapq.heappop(self._running)
                # To wake for each that has ended meanwhile would take from those that run.
                self._running = [each for each in self._running if not each.ended]
                heapq.heapify(self._running)
            with running.lock:
                if running.ended:
                    continue
                running.stopped = True
                running.stop()
            # Whoever was about to begin a statement did not notice: nothing ran yet that could be stopped.
            running.until = time.monotonic() + AGAIN_SECONDS
            with self._changed:
                heapq.heappush(self._running, running)


class _Within(AbstractContextManager[None]):
    """A block that has so long. A class, since a generator takes twice as long, and this is for each request."""

    __slots__ = ("_deadlines", "_running", "_seconds", "_stop")

    def __init__(self, deadlines: Deadlines, seconds: float, stop: Callable[[], None]) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._stop = stop

    def __enter__(self) -> None:
        self._running = Running(time.monotonic() + self._seconds, self._stop)
        self._deadlines.watch(self._running)

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        with self._running.lock:
            self._running.ended = True
            stopped = self._running.stopped
        # It may have ended in time to be answered, and a stop still be on its way to what this connection does next.
        if stopped and (error is None or isinstance(error, Exception)):
            raise _too_slow(self._seconds) from error


def _too_slow(seconds: float) -> TooSlow:
    return TooSlow(
        f"the answer takes longer than the {seconds:g} s that it may: ask for fewer records, or by a narrower condition",
        ja=f"回答に許された {seconds:g} 秒を超えました。件数を減らすか、条件を絞ってください",
    )
