"""Back-pressure: who loads in bulk waits where the projections are too far behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from catalog.errors import Busy
from catalog.ledger.book import Book
from catalog.projections.projection import NAMES

# How far it has come is asked so often at most; a load commits several times a second.
ASKED_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS: Final = 30


class Pressure:
    """Knows how far the projections are behind, and holds up whoever would add to it; safe to use from any thread."""

    def __init__(
        self,
        book: Book,
        limit: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._book = book
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._asking = Lock()
        self._asked_at = float("-inf")
        self._lag = 0

    def refuse(self) -> None:
        """Busy if no further load may begin now."""
        if self.lag() > self._limit:
            raise Busy(
                f"the graph or the search index is {self._lag:,} changes behind, and {self._limit:,} is the most: "
                "send this load later",
                ja=f"グラフまたは検索索引が {self._lag:,} 件遅れています（上限 {self._limit:,} 件）。後で送ってください",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    def ease(self) -> None:
        """Wait until a load that is under way may go on. Without anybody who feeds them there is nothing to wait for."""
        while self.lag() > self._limit and self._book.held():
            self._sleep(ASKED_SECONDS)

    def lag(self) -> int:
        """How many changes the one that is furthest behind has still to follow; one that never answered is not waited for."""
        with self._asking:
            if self._clock() - self._asked_at >= ASKED_SECONDS:
                self._lag = max(
                    (self._book.lag(name).changes for name in NAMES if self._book.seen(name) is not None), default=0
                )
                self._asked_at = self._clock()
            return self._lag
