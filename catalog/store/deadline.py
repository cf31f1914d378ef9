"""A statement that takes longer than it may is stopped, by one thread that watches them all."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from catalog.errors import TooSlow

# What was stopped and has not ended is stopped again after so long.
AGAIN_SECONDS: Final = 0.1
# The thread of a store that nobody asks any more ends, and lets go of what it held.
IDLE_SECONDS: Final = 30.0


@dataclass(order=True)
class _Running:
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
        self._running: list[_Running] = []
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, stop: Callable[[], None]) -> Iterator[None]:
        """Let the block take so long; then `stop` is called, from another thread, and the block ends with TooSlow."""
        running = _Running(time.monotonic() + seconds, stop)
        with self._changed:
            heapq.heappush(self._running, running)
            if self._thread is None or not self._thread.is_alive():
                # A process that was forked has none.
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._running[0] is running:
                self._changed.notify()
        try:
            yield
        except Exception as error:
            if self._ended(running):
                raise _too_slow(seconds) from error
            raise
        if self._ended(running):
            # It ended in time to be answered, and a stop may still be on its way to what this connection does next.
            raise _too_slow(seconds)

    def _ended(self, running: _Running) -> bool:
        with running.lock:
            running.ended = True
            return running.stopped

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


def _too_slow(seconds: float) -> TooSlow:
    return TooSlow(
        f"the answer takes longer than the {seconds:g} s that it may: ask for fewer records, or by a narrower condition",
        ja=f"回答に許された {seconds:g} 秒を超えました。件数を減らすか、条件を絞ってください",
    )
