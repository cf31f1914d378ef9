"""Reading the index in tantivy: from any process, what the book says answers now."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import tantivy
from tantivy import FieldType, Occur, Query
from tantivy import Order as Direction

from catalog.errors import Invalid, Unavailable
from catalog.projections.projection import Damaged, Seen
from catalog.projections.search.document import BEGINNING, END, MERGED, SEP, Columns, label_of
from catalog.projections.search.embedded import check_files, lengths_of, open_index
from catalog.projections.search.index import (
    Asked,
    Counts,
    Extent,
    Found,
    Held,
    Measures,
    Moments,
    Months,
    Outside,
    Room,
    Scale,
    Sorted,
    Title,
)
from catalog.projections.search.query import (
    EVERYTHING,
    Beyond,
    Conditions,
    Where,
    Words,
    beginnings,
    columns_of_measures,
    every,
    keys_in,
    one_of,
    seen_in,
    term_of_measures,
    unweighed,
    without,
)
from catalog.questions.search import RECORD_FACETS, RECORD_ORDERS
from catalog.recent import Recent

# Queries that are kept: of readers' rooms, which are asked again and again; and of conditions, for the parts of one search.
MOST_ROOMS: Final = 256
MOST_HELD: Final = 32
# Of each segment so many values of a facet are looked at; beyond that a count may be too small, and is said to be.
VALUES_OF_SEGMENT: Final = 2_000
LONGEST_START: Final = 100


# A query, or none where everything is meant.
Kept = Recent[Query | None]


class TantivyIndex:
    """The reading side, in any process: opens what the book says answers now, and follows it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: tuple[Path, tantivy.Index, Columns] | None = None
        self._snapshot: TantivySnapshot | None = None
        self._rooms = Kept(MOST_ROOMS)
        self._held = Kept(MOST_HELD)
        self._numbers = itertools.count()

    def snapshot(self, seen: Seen | None) -> TantivySnapshot:
        """What can be read of what the book tells; Unavailable while nothing is built yet or what was built is broken."""
        if seen is None:
            # What answered until now may be gone, and keeps its room on the disk as long as it is open.
            self.close()
            raise Unavailable(
                "there is no search index yet: it is built while `catalog serve` or `catalog follow` runs; try again in a while",
                ja="検索索引がまだありません。`catalog serve` か `catalog follow` の稼働中に作成されます。しばらくしてからお試しください",
            )
        now = self._snapshot
        if now is not None and now.seen.state == seen.state:
            if now.whole:
                return now
            self.close()
        with self._lock:
            return self._follow(seen)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._opened = self._snapshot = None

    def _follow(self, seen: Seen) -> TantivySnapshot:
        now = self._snapshot
        if (
            now is not None
            and now.seen.generation == seen.generation
            and (now.seen.state == seen.state or now.seen.position > seen.position)
            and now.whole
        ):
            return now  # another thread has opened it meanwhile, or saw more
        try:
            opened = self._opened
            if opened is None or opened[0] != seen.folder:
                opened = self._opened = (seen.folder, *open_index(seen.folder))
            else:
                # Before tantivy maps anything.
                check_files(seen.folder)
                opened[1].reload()
            lengths = lengths_of(seen.folder)
        except (Damaged, ValueError, OSError) as problem:
            self._opened = self._snapshot = None
            raise Unavailable(
                "the search index can't be read and is being built again: try again in a while",
                ja="検索索引が読めないため作り直しています。しばらくしてからお試しください",
                retry_after_seconds=30,
            ) from problem
        _, index, columns = opened
        self._snapshot = TantivySnapshot(
            next(self._numbers), seen, index.searcher(), index.schema, columns, self._rooms, self._held, lengths
        )
        return self._snapshot


class TantivySnapshot:
    """What tantivy answers of the index as it is at one moment."""

    def __init__(
        self,
        number: int,
        seen: Seen,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        columns: Columns,
        rooms: Kept,
        held: Kept,
        lengths: Mapping[str, int],
    ) -> None:
        # What is worked out from its documents is kept by this: what the book told may have been opened twice, and the second
        # time a commit may have come that the book did not know yet.
        self._number = number
        self._seen = seen
        self.searcher = searcher
        self.schema = schema
        self._columns = columns
        self._conditions = Conditions(schema, searcher, columns)
        self._rooms = rooms
        self._held = held
        self._lengths = lengths  # of its files, by path

    @property
    def whole(self) -> bool:
        """Whether no file is shorter than it was: the kernel ends a process that reads what was cut off from under its map."""
        for path, length in self._lengths.items():
            try:
                if os.stat(path).st_size < length:  # noqa: PTH116 - for each search, of each file
                    return False
            except OSError:
                continue  # a map of what was deleted stays as it was
        return True

    @property
    def seen(self) -> Seen:
        """Which generation it is, and how far that had come."""
        return self._seen

    @property
    def size(self) -> int:
        """How many documents there are, whoever may see them."""
        return self.searcher.num_docs

    # --- which documents

    def can_tell(self, where: Held) -> bool:
        """Whether the documents tell of which records this holds; where not, the database has to say."""
        try:
            self._holds(where)
        except Beyond:
            return False
        return True

    def _holds(self, where: Held) -> Query:
        made = self._held.get((self._number, where), lambda: self._conditions.query(where))
        return EVERYTHING if made is None else made

    @cached_property
    def _some_merged(self) -> bool:
        return self.searcher.doc_freq("has", MERGED) > 0

    def _seen_in(self, room: Room) -> Query | None:
        merged = self._some_merged
        if not isinstance(room, Outside):
            return self._rooms.get(
                (self._seen.generation, merged, room), lambda: seen_in(self.schema, room, merged=merged)
            )
        # What is hidden may be thousands of scopes in which nothing lies now: each would be looked for in every segment.
        return self._rooms.get(
            (self._number, merged, room), lambda: seen_in(self.schema, room, merged=merged, among=self._held_of)
        )

    def _held_of(self, name: str, values: Collection[Any]) -> list[Any]:
        """Those of these values that any document has."""
        return [value for value in values if self.searcher.doc_freq(name, value)]

    def _filters(self, asked: Asked) -> list[Query]:
        made = []
        if asked.kinds:
            made.append(one_of(self.schema, "kind", asked.kinds))
        if asked.where is not None:
            made.append(self._holds(asked.where))
        if (sees := self._seen_in(asked.room)) is not None:
            made.append(sees)
        if asked.left_out:
            made.append(unweighed(without(EVERYTHING, keys_in(self.schema, "key", asked.left_out))))
        return made

    def _query(self, asked: Asked, *, ranked: bool = False) -> Query:
        filters = self._filters(asked)
        if asked.text is None:
            return every(filters)
        words = Words(self.schema, labels=asked.labels, ranked=ranked).query(asked.text, dict(asked.meant))
        return Query.boolean_query([(Occur.Must, words), *((Occur.Must, unweighed(each)) for each in filters)])

    # --- hits

    def find(self, asked: Asked, order: Sorted | None, first: int, offset: int) -> Found:
        """The hits behind so many others: without an order by weight, then what changed last; Invalid by an order that it lacks."""
        query, searcher = self._query(asked, ranked=order is None), self.searcher
        if order is None:
            result = searcher.search(query, first, offset=offset)
        else:
            direction = Direction.Desc if order.descending else Direction.Asc
            result = searcher.search(query, first, offset=offset, order_by_field=self._ordering(order), order=direction)
        total = int(result.count or 0)  # type: ignore[attr-defined]  # its stub leaves it out
        ids = [str(searcher.doc(address).get_first("id")) for _, address in result.hits]
        if order is not None:
            return Found(tuple((id, None) for id in ids), total)
        weights = [float(score) for score, _ in result.hits]
        # Of equal weight: what changed last comes first, then by id.
        times = searcher.fast_field_values("modified", [address for _, address in result.hits])
        placed = sorted(zip(ids, weights, times, strict=True), key=lambda hit: (-hit[1], -int(hit[2] or 0), hit[0]))
        return Found(tuple((id, weight) for id, weight, _ in placed), total)

    def _ordering(self, order: Sorted) -> str:
        name, columns = order.by, self._columns
        match order.form:
            case "record" if name in RECORD_ORDERS:
                return name
            case "date" if name in columns.dates:
                return f"d_{name}_from"
            case "number" if name in columns.numbers:
                return f"n_{name}"
            case "text" if name in columns.sorts:
                return f"s_{name}"
        raise Invalid(
            f"sort: hits can't be ordered by {name}; lists can",
            ja=f"sort: 検索結果は {name} で並べ替えられません",
        )

    # --- counts

    def facets(self, asked: Asked, names: Sequence[str], size: int) -> dict[str, Counts]:
        """The most frequent values of each of these facets."""
        told = self._aggregate(self._query(asked), {name: _values(name, size) for name in names})
        return {
            name: Counts(
                tuple((str(bucket["key"]), int(bucket["doc_count"])) for bucket in each["buckets"]),
                each["sum_other_doc_count"] > 0,
                each.get("doc_count_error_upper_bound", 0) == 0,
            )
            for name, each in told.items()
        }

    def measures(self, asked: Asked, name: str, places: Sequence[Where]) -> list[Measures]:
        """Where quantities of this name stand in these documents, the most frequent of each place first."""
        return self._conditions.measures(name, places, self._query(asked))

    def extent(self, asked: Asked, scale: Scale) -> Extent | None:
        """The least and the greatest value that the hits have, if any has one."""
        told = self._aggregate(self._having(asked, scale), {"all": {"stats": {"field": _column(scale)}}})["all"]
        return Extent(float(told["min"]), float(told["max"])) if told["count"] else None

    def steps(self, asked: Asked, scale: Scale, step: int) -> list[tuple[int, int]]:
        """The hits by steps of equal width: where each begins, and how many there are; empty ones are left out."""
        query, column = self._having(asked, scale), _column(scale)
        if isinstance(scale, Moments):
            # What is open at an end would make a step at the edge of time.
            dated = Query.range_query(
                self.schema, column, FieldType.Integer, BEGINNING, END, include_lower=False, include_upper=False
            )
            query = every([query, unweighed(dated)])
        told = self._aggregate(query, {"all": {"histogram": {"field": column, "interval": step, "min_doc_count": 1}}})
        return [(int(bucket["key"]), int(bucket["doc_count"])) for bucket in told["all"]["buckets"]]

    def ranges(self, asked: Asked, scale: Scale, edges: Sequence[float]) -> tuple[list[int], int]:
        """How many hits lie from each edge until before the next; and how many have a value at all."""
        column = _column(scale)
        wanted = [{"from": float(low), "to": float(high)} for low, high in pairwise(edges)]
        told = self._aggregate(
            self._having(asked, scale),
            {
                "all": {"range": {"field": column, "ranges": wanted}},
                "there": {"value_count": {"field": column}},
            },
        )
        by_start = {bucket.get("from"): int(bucket["doc_count"]) for bucket in told["all"]["buckets"] if "to" in bucket}
        return [by_start.get(each["from"], 0) for each in wanted], int(told["there"]["value"])

    def _having(self, asked: Asked, scale: Scale) -> Query:
        query = self._query(asked)
        if isinstance(scale, Measures):
            measured = Query.term_query(self.schema, "measures", term_of_measures(scale), "basic")
            return every([query, unweighed(measured)])
        return query

    def _aggregate(self, query: Query, wanted: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.searcher.aggregate(query, dict(wanted))
        except ValueError as problem:
            raise Invalid(
                f"this can't be counted at once ({problem}); hold the search to less, or ask for fewer bins",
                ja="一度に集計できません。条件を絞るか、区間を減らしてください",
            ) from problem

    # --- what begins so

    def called(self, asked: Asked, start: str, count: int) -> list[str]:
        """Some of the records of which an identifier begins so, by their ids."""
        return self._some(asked, beginnings(self.schema, "names", start[:LONGEST_START]), count)

    def entitled(self, asked: Asked, start: str, count: int, but: Collection[tuple[str, str]] = ()) -> list[str]:
        """Some of the records of which a title begins so, by their ids: quick, however many they are."""
        query = beginnings(self.schema, "label", start[:LONGEST_START])
        if but:
            query = without(query, one_of(self.schema, "label", [label_of(kind, title) for kind, title in but]))
        return self._some(asked, query, count)

    def titles(self, asked: Asked, start: str, count: int) -> list[Title]:
        """The titles that begin so, by how many of the records bear them."""
        filters = self._filters(asked)
        made = []
        for found, borne in self.searcher.terms_with_prefix("label", start, every(filters) if filters else None, count):
            if not borne:
                continue
            # Without a filter the engine counts what was deleted and is not merged away yet, too.
            bearing = self._some(asked, Query.term_query(self.schema, "label", found, "basic"), 2)
            if bearing:
                _, kind, text = found.split(SEP, 2)
                made.append(Title(text, kind, borne, bearing[0] if len(bearing) == 1 else None))
        return made

    def _some(self, asked: Asked, query: Query, count: int) -> list[str]:
        hits = self.searcher.search(every([query, *self._filters(asked)]), count, count=False).hits
        return [str(self.searcher.doc(address).get_first("id")) for _, address in hits]


def _values(name: str, size: int) -> dict[str, Any]:
    column = name if name in RECORD_FACETS else f"facet.{name}"
    return {"terms": {"field": column, "size": size, "segment_size": max(VALUES_OF_SEGMENT, size)}}


def _column(scale: Scale) -> str:
    match scale:
        case Moments(field):
            return field if field in RECORD_ORDERS else f"d_{field}_from"
        case Months(field):
            return f"m_{field}"
        case Measures():
            return columns_of_measures(scale)[0]
