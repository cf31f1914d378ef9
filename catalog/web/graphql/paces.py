"""How long operations take, as they did lately: what takes a moment is answered where its request is, what takes long in its turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

from catalog.recent import Recent
from catalog.web.graphql.documents import KEPT
from catalog.web.graphql.execute import Executed

# The way to a thread and back takes 0.1 ms of processor, and what waits behind an answer of so long does not notice it.
MOMENT_SECONDS: Final = 0.005
# What seemed to take a moment is interrupted then, and begins again in a thread.
MOMENT_AT_MOST: Final = 0.02
# What takes longer is none of the quick ones: it is interrupted then, and begins again where more time is.
QUICK_SECONDS: Final = 0.25
# So much of a mean is the last time: what happened once, to the machine and not to the operation, is soon forgotten.
_WEIGHT: Final = 1 / 8


class Paces:
    """The mean seconds that each of the last operations took."""

    def __init__(self) -> None:
        self._means: Recent[float] = Recent(KEPT)

    def is_moment(self, key: Hashable) -> bool:
        """Whether it is known to take no time."""
        mean = self._means.known(key)
        return mean is not None and mean < MOMENT_SECONDS

    def is_slow(self, key: Hashable) -> bool:
        """Whether it is known to take long."""
        mean = self._means.known(key)
        return mean is not None and mean >= QUICK_SECONDS

    def timed(self, key: Hashable, execute: Callable[[], Executed]) -> Executed:
        """The answer, with its time noted; in the thread that it is executed in."""
        began = time.perf_counter()
        executed = execute()
        self.took(key, time.perf_counter() - began)
        return executed

    def took(self, key: Hashable, seconds: float) -> None:
        """Note how long it took this time."""
        mean = self._means.known(key)
        self._means.put(key, seconds if mean is None or seconds >= QUICK_SECONDS else mean + (seconds - mean) * _WEIGHT)
