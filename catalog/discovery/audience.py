"""Who may see what, as a filter of the search index: which scopes lie open, and in which the reader may read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from tantivy import Query

from catalog.access.policy import SUFFICIENT
from catalog.projections.search.document import SEP
from catalog.projections.search.embedded import Snapshot
from catalog.projections.search.query import EVERYTHING, every, keys_in, one_of, some, unweighed, without
from catalog.questions.reader import Reader
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import CLOSING

KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Tree:
    """The scopes as they are: who may read there without any grant, until what moment that stays so."""

    open: frozenset[int]
    closed: frozenset[int]
    until: str | None  # when the next embargo ends
    read_to: int = field(compare=False)  # the last closing that was known


@dataclass(frozen=True, slots=True)
class Audience:
    """What one reader may see: `sees` chooses the documents (None: all of them)."""

    number: int  # the same number, the same documents
    sees: Query | None


class Audiences:
    """Makes the filters, and keeps them while nothing has changed of scopes. Safe to use from any thread."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._tree: Tree | None = None
        self._made: OrderedDict[object, Audience] = OrderedDict()
        self._number = 0
        mark = store.database.mark
        self._last = f"SELECT position FROM change WHERE {CLOSING} ORDER BY position DESC LIMIT 1"
        self._moved = f"SELECT 1 FROM change WHERE {CLOSING} AND position > {mark} AND verb = 'scope' LIMIT 1"

    def of(self, reader: Reader, snapshot: Snapshot) -> Audience:
        """The filter for this reader, as scopes are at this moment."""
        if reader.administrator:
            return Audience(0, None)
        tree = self._current()
        granted = topmost(reader.scopes_for(*SUFFICIENT["read"]))
        merged = snapshot.searcher.doc_freq("has", f"merged{SEP}") > 0
        known = (tree, granted, merged, snapshot.generation)
        with self._lock:
            if (made := self._made.get(known)) is not None:
                self._made.move_to_end(known)
                return made
        sees = _filter(snapshot, tree, granted, merged)
        with self._lock:
            self._number += 1
            made = self._made[known] = Audience(self._number, sees)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made

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
            rows = connection.exec_driver_sql("SELECT key, open, metadata_embargo FROM scope").fetchall()
        opened, closed, ends = set(), set(), []
        for key, is_open, embargo in rows:
            if is_open and embargo is not None and embargo > moment:
                ends.append(embargo)
                closed.add(key)
            elif is_open:
                opened.add(key)
            else:
                closed.add(key)
        made = Tree(frozenset(opened), frozenset(closed), min(ends, default=None), last)
        if made == tree:
            # The very same sets, by which the filters that were made are found at once.
            made = replace(tree, read_to=last)
        self._tree = made
        return made


def topmost(scopes: Collection[str]) -> tuple[str, ...]:
    """These scopes without those that lie below another of them."""
    kept: list[str] = []
    for scope in sorted(scopes):
        if not (kept and scope.startswith(kept[-1] + "/")):
            kept.append(scope)
    return tuple(kept)


def _filter(snapshot: Snapshot, tree: Tree, granted: Collection[str], merged: bool) -> Query | None:
    if not tree.closed:
        seen: Query | None = None
    else:
        seen = _readable(snapshot, tree, granted, "scope", "within")
    if not merged:
        return None if seen is None else unweighed(seen)
    # What was merged away is not shown beside what it became, except to those who may not see the latter.
    became = Query.term_query(snapshot.schema, "has", f"merged{SEP}", "basic")
    if seen is not None:
        became = every([became, _readable(snapshot, tree, granted, "merged", "merged_within")])
    return unweighed(without(EVERYTHING if seen is None else seen, became))


def _readable(snapshot: Snapshot, tree: Tree, granted: Collection[str], scope: str, within: str) -> Query:
    schema = snapshot.schema
    # Whichever set is smaller: what lies in no closed scope, or what lies in an open one.
    if len(tree.closed) < len(tree.open):
        lie = without(EVERYTHING, keys_in(schema, scope, tree.closed))
    else:
        lie = keys_in(schema, scope, tree.open)
    if not granted:
        return lie
    mine = one_of(schema, within, granted)
    return mine if not tree.open else some([lie, mine])


def leaving_out(snapshot: Snapshot, sees: Query | None, closed: Collection[int]) -> Query | None:
    """The filter without records that were closed just now."""
    if not closed:
        return sees
    return unweighed(without(EVERYTHING if sees is None else sees, keys_in(snapshot.schema, "key", closed)))
