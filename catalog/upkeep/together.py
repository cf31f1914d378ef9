"""Reading together: what one projection has read of changed records serves the others that come to the same changes."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from catalog.ledger.standing import Standings
from catalog.records.standing import Gone, Standing
from catalog.store.clock import Clock, now

# Records that are kept for others to come: a few batches, some ten megabytes.
KEPT_MOST: Final = 3_000
# Who is so many changes ahead waits for the others, for as long as they come on and are not left behind for good.
AHEAD: Final = 2_000
LEFT_BEHIND: Final = 10_000
PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Exact:
    """What a standing that was read earlier must not be older than, so that following from it is exact.

    Whatever happens to a record later than that is still to be followed, but for what has been taken in out of turn: the
    closing that was taken in last (`position`) and the embargo that ended last (`moment`).
    """

    position: int
    moment: str


class Together:
    """The standings that whoever is ahead has read, each until somebody else has used it; safe to use from any thread."""

    def __init__(self, standings: Standings, clock: Clock = now) -> None:
        self._standings = standings
        self._clock = clock
        self._kept: dict[int, tuple[str, Standing | Gone]] = {}  # by key, the oldest first
        self._come: dict[object, tuple[int, float]] = {}  # how far each has come, and when
        self._guard = Lock()

    def read_in(
        self, connection: Connection, who: object, keys: Collection[int], exact: Exact
    ) -> tuple[list[Standing], list[Gone]]:
        """How these records stand, as Standings says it, at `exact` or later; read in this transaction or shortly before."""
        found: dict[int, Standing | Gone] = {}
        with self._guard:
            for key in keys:
                kept = self._kept.pop(key, None)
                if kept is not None and kept[0] >= exact.moment and kept[1].position >= exact.position:
                    found[key] = kept[1]
        moment = self._clock()
        shown, gone = self._standings.read_in(connection, [key for key in keys if key not in found])
        with self._guard:
            if self._leads(who):
                self._kept.update((each.key, (moment, each)) for each in shown)
                self._kept.update((each.key, (moment, each)) for each in gone)
                for key in list(islice(self._kept, max(len(self._kept) - KEPT_MOST, 0))):
                    del self._kept[key]
        if found:
            shown = sorted([*shown, *(each for each in found.values() if isinstance(each, Standing))], key=_key)
            gone = sorted([*gone, *(each for each in found.values() if isinstance(each, Gone))], key=_key)
        return shown, gone

    def come(self, who: object, position: int) -> None:
        """Who follows says how far they have come."""
        with self._guard:
            self._come[who] = position, time.monotonic()

    def leave(self, who: object) -> None:
        """They follow no more."""
        with self._guard:
            self._come.pop(who, None)
            self._kept.clear()

    def forget(self) -> None:
        """Keep nothing of what was read: something was closed."""
        with self._guard:
            self._kept.clear()

    def is_ahead(self, who: object, position: int) -> bool:
        """Whether to wait a moment for others who come on: what was read would be gone before they come to it."""
        moment = time.monotonic()
        with self._guard:
            return any(
                AHEAD <= position - other < LEFT_BEHIND and moment - at < PATIENCE_SECONDS
                for each, (other, at) in self._come.items()
                if each is not who
            )

    def _leads(self, who: object) -> bool:
        ours = self._come[who][0] if who in self._come else 0
        others = [position for each, (position, _) in self._come.items() if each is not who]
        return bool(others) and any(position <= ours for position in others)


def _key(each: Standing | Gone) -> int:
    return each.key
