"""Where a reader may read, as the search index is told: which scopes lie open, and in which a right was granted."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from catalog.access.policy import SUFFICIENT
from catalog.projections.search.index import EVERYWHERE, Among, Below, Outside, Room
from catalog.questions.reader import Reader
from catalog.recent import Recent
from catalog.records.standing import scope_path
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import CLOSING

KEPT: Final = 256
FEW: Final = 8


@dataclass(frozen=True, slots=True)
class Tree:
    """The scopes as they are: who may read there without any grant, until what moment that stays so."""

    open: frozenset[int]
    closed: Mapping[int, str]  # with their ids, which tell what lies above them
    until: str | None  # when the next embargo ends
    number: int  # the same number, the same tree
    read_to: int  # the last closing that was known


class Audiences:
    """Tells readers' rooms, and keeps them while nothing has changed of scopes. Safe to use from any thread."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._tree: Tree | None = None
        self._rooms: Recent[Room] = Recent(KEPT)
        self._topmost: Recent[tuple[str, ...]] = Recent(KEPT)
        self._number = 0
        mark = store.database.mark
        self._last = f"SELECT position FROM change WHERE {CLOSING} ORDER BY position DESC LIMIT 1"
        self._moved = f"SELECT 1 FROM change WHERE {CLOSING} AND position > {mark} AND verb = 'scope' LIMIT 1"

    def of(self, reader: Reader) -> Room:
        """Where this reader may read, as scopes are at this moment."""
        if reader.administrator:
            return EVERYWHERE
        tree = self._current()
        # Looked for once for each reader, who may have tens of thousands of grants.
        granted = self._topmost.about(reader.grants, lambda: topmost(reader.scopes_for(*SUFFICIENT["read"])))
        return self._rooms.get((tree.number, granted), lambda: _room(tree, granted))

    def _current(self) -> Tree:
        moment = self._clock()
        tree = self._tree
        with self._store.read() as connection:
            last = connection.exec_driver_sql(self._last).scalar() or 0
            if tree is not None and (tree.until is None or moment < tree.until):
                if last == tree.read_to:
                    return tree
                if connection.exec_driver_sql(self._moved, (tree.read_to,)).scalar() is None:
                    self._tree = tree = replace(tree, read_to=last)
                    return tree
            rows = connection.exec_driver_sql("SELECT key, id, open, metadata_embargo FROM scope").fetchall()
        opened, closed, ends = set(), {}, []
        for key, id, is_open, embargo in rows:
            if is_open and (embargo is None or embargo <= moment):
                opened.add(key)
            else:
                closed[key] = id
                if is_open:
                    ends.append(embargo)
        same = tree is not None and tree.open == frozenset(opened) and tree.closed == closed
        number = tree.number if tree is not None and same else self._next()
        self._tree = made = Tree(frozenset(opened), closed, min(ends, default=None), number, last)
        return made

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


def topmost(scopes: Collection[str]) -> tuple[str, ...]:
    """These scopes without those that lie below another of them."""
    kept: list[str] = []
    for scope in sorted(scopes):
        if not (kept and scope.startswith(kept[-1] + "/")):
            kept.append(scope)
    return tuple(kept)


def _room(tree: Tree, granted: Collection[str]) -> Room:
    """All but the hidden scopes, said by whichever set is the smaller."""
    hidden = _hidden(tree, granted)
    if not hidden:
        return EVERYWHERE
    if not tree.open and len(granted) <= FEW:
        return Below(tuple(granted))
    seen = len(tree.open) + len(tree.closed) - len(hidden)
    if len(hidden) < seen:
        return Outside(hidden)
    return Among(tree.open.union(tree.closed.keys() - hidden))


def _hidden(tree: Tree, granted: Collection[str]) -> frozenset[int]:
    """The scopes in which the reader may not read."""
    if not granted:
        return frozenset(tree.closed)
    mine = frozenset(granted)
    return frozenset(key for key, id in tree.closed.items() if mine.isdisjoint(scope_path(id)))
