"""Where a reader may read, as the search index is told: what lies open to everyone, and in which scopes a right was granted.

What lies open the documents say themselves. Of scopes that have changed since, and for whoever has many grants, it is
read from the scopes as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

from catalog.access.policy import SUFFICIENT
from catalog.projections.search.index import EVERYWHERE, Among, Open, Outside, Room
from catalog.questions.reader import Reader
from catalog.recent import Recent
from catalog.records.standing import scope_path
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import CLOSING

KEPT: Final = 256
# Beyond so many grants a room is worked out from all scopes, and said by what takes fewest words.
FEW: Final = 1_000


class Place(NamedTuple):
    """A scope as it is: whether everybody may read there at this moment."""

    key: int
    id: str
    above: int | None
    open: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """The scopes as they are, those deepest in the tree first, and until what moment that stays so."""

    places: tuple[Place, ...]
    until: str | None  # when the next embargo ends
    number: int  # the same number, the same tree
    read_to: int  # the last closing that was known

    def room(self, seen: Callable[[Place], bool]) -> Among | Outside:
        """The scopes that are seen, said by what takes fewer words: them or the others, whole branches at once."""
        # Of each branch, how many scopes it has and how many of them are seen.
        size: dict[int | None, int] = {}
        light: dict[int | None, int] = {}
        lies = {}
        for place in self.places:
            key, above = place.key, place.above
            lies[key] = mine = seen(place)
            size[above] = size.get(above, 0) + size.setdefault(key, 0) + 1
            light[key] = light.get(key, 0) + mine
            light[above] = light.get(above, 0) + light[key]
        among = self._told(lies, True, lambda key: light[key] == size[key] + 1)
        outside = self._told(lies, False, lambda key: light[key] == 0)
        return Among(*among) if _words(among) < _words(outside) else Outside(*outside)

    def _told(
        self, lies: dict[int, bool], so: bool, wholly: Callable[[int], bool]
    ) -> tuple[frozenset[int], frozenset[str]]:
        alone, branches = set(), set()
        for place in self.places:
            if lies[place.key] is not so:
                continue
            if not wholly(place.key):
                alone.add(place.key)
            elif place.above is None or not (lies[place.above] is so and wholly(place.above)):
                branches.add(place.id)
        return frozenset(alone), frozenset(branches)


def _words(told: tuple[Collection[int], Collection[str]]) -> int:
    return len(told[0]) + len(told[1])


class Granted(tuple[str, ...]):
    """The topmost scopes of a reader's grants; of tens of thousands the hash is worked out once."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


class Audiences:
    """Tells readers' rooms, and keeps them while nothing has changed of scopes. Safe to use from any thread."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._tree: Tree | None = None
        self._rooms: Recent[Room] = Recent(KEPT)
        self._topmost: Recent[Granted] = Recent(KEPT)
        self._number = 0
        mark = store.database.mark
        self._last = f"SELECT position FROM change WHERE {CLOSING} ORDER BY position DESC LIMIT 1"
        self._moved = f"SELECT 1 FROM change WHERE {CLOSING} AND position > {mark} AND verb = 'scope' LIMIT 1"
        self._open_below = (
            "SELECT DISTINCT s.key FROM scope t JOIN scope_closure c ON c.ancestor = t.key JOIN scope s ON s.key = c.descendant"
            f" WHERE {store.database.among('t.id')} AND s.open AND (s.metadata_embargo IS NULL OR s.metadata_embargo <= {mark})"
        )

    def of(self, reader: Reader, unsettled: frozenset[str] = frozenset()) -> Room:
        """Where this reader may read, as scopes are at this moment; of those that are unsettled documents may tell wrongly."""
        if reader.administrator:
            return EVERYWHERE
        # Looked for once for each reader, who may have tens of thousands of grants.
        granted = self._topmost.about(reader.grants, lambda: topmost(reader.scopes_for(*SUFFICIENT["read"])))
        if len(granted) <= FEW:
            lying_open = self._lying_open_in(unsettled) if unsettled else frozenset()
            key = (granted, unsettled, lying_open)
            return self._rooms.get(key, lambda: Open(unsettled, lying_open, frozenset(granted)))
        tree = self._current()
        return self._rooms.get((tree.number, granted), lambda: _room(tree, granted))

    def _lying_open_in(self, scopes: frozenset[str]) -> frozenset[int]:
        """Which of these scopes and those below them lie open now, by their keys."""
        with self._store.read() as connection:
            given = self._store.database.listed(scopes), self._clock()
            return frozenset(key for (key,) in connection.exec_driver_sql(self._open_below, given))

    def _current(self) -> Tree:
        moment = self._clock()
        tree = self._tree
        if tree is not None and (tree.until is None or moment < tree.until):
            with self._store.glance() as driver:
                row = driver.execute(self._last).fetchone()
            if (0 if row is None else row[0]) == tree.read_to:
                return tree
        with self._store.read() as connection:
            last = connection.exec_driver_sql(self._last).scalar() or 0
            if (
                tree is not None
                and (tree.until is None or moment < tree.until)
                and connection.exec_driver_sql(self._moved, (tree.read_to,)).scalar() is None
            ):
                self._tree = tree = replace(tree, read_to=last)
                return tree
            rows = connection.exec_driver_sql(
                "SELECT key, id, parent, open, metadata_embargo FROM scope ORDER BY level DESC, key"
            ).fetchall()
        places, ends = [], []
        for key, id, above, is_open, embargo in rows:
            past = embargo is None or embargo <= moment
            places.append(Place(key, id, above, bool(is_open and past)))
            if is_open and not past:
                ends.append(embargo)
        same = tree is not None and tree.places == tuple(places)
        number = tree.number if tree is not None and same else self._next()
        self._tree = made = Tree(tuple(places), min(ends, default=None), number, last)
        return made

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


def topmost(scopes: Iterable[str]) -> Granted:
    """These scopes without those that lie below another of them."""
    kept: list[str] = []
    # By their parts: `-` and `.` sort before a slash, and would come between a scope and those below it.
    for scope in sorted(scopes, key=lambda id: id.split("/")):
        if not (kept and scope.startswith(kept[-1] + "/")):
            kept.append(scope)
    return Granted(kept)


def _room(tree: Tree, granted: Granted) -> Room:
    mine = frozenset(granted)
    return tree.room(lambda place: place.open or not mine.isdisjoint(scope_path(place.id)))
