"""What was worked out lately, kept by what it was worked out of: so much of it and no more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Recent(Generic[Made]):
    """The last that were asked for. Safe to use from any thread; two that ask for the same at once may both work it out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[object, Made]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for this key, or is made now."""
        return self._get(key, None, make)

    def about(self, thing: object, make: Callable[[], Made]) -> Made:
        """The same for just this object, which never changes: where it is too large to be compared with others."""
        # It is kept as well, so that nothing else can come to lie where it lies.
        return self._get(id(thing), thing, make)

    def known(self, key: Hashable) -> Made | None:
        """What was made for this key, if it is still here."""
        with self._lock:
            known = self._kept.get(key)
            return None if known is None else known[1]

    def put(self, key: Hashable, made: Made) -> None:
        """Keep this for the key instead of what was kept, as what was asked for last."""
        self._keep(key, None, made)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def _get(self, key: Hashable, thing: object, make: Callable[[], Made]) -> Made:
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known[1]
        made = make()
        self._keep(key, thing, made)
        return made

    def _keep(self, key: Hashable, thing: object, made: Made) -> None:
        with self._lock:
            self._kept[key] = thing, made
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
