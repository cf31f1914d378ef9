"""Search: records by words and conditions, with facets and histograms over all that were found, and suggestions.

The index finds, counts and ranks; the ledger says who may see what, and tells every hit. So whatever the index has not
heard of yet, nothing is shown that the reader may not see now.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b, blake2s
from typing import Any, Final

import orjson

from catalog.discovery.audience import Audiences
from catalog.discovery.conditions import MOST_TERMS, Settling
from catalog.discovery.facets import Counted, Faceting
from catalog.discovery.highlighting import highlights, reasons
from catalog.discovery.histograms import Counting, range_of, spread_of
from catalog.errors import Invalid, Unavailable
from catalog.ledger.answer import Answers
from catalog.ledger.book import Book, Pending
from catalog.ledger.terms import Terms
from catalog.projections.projection import panicked
from catalog.projections.search.analysis import whole
from catalog.projections.search.index import (
    Asked,
    Meant,
    SearchIndex,
    Snapshot,
    Sorted,
)
from catalog.projections.search.words import Clause, read, spans
from catalog.questions.check import check
from catalog.questions.cursor import read_cursor, write_cursor
from catalog.questions.question import (
    After,
    OfRecord,
    Order,
    Question,
    Selection,
)
from catalog.questions.reader import Reader
from catalog.questions.search import (
    CURSOR_SECONDS,
    DEEPEST_HIT,
    LONGEST_PREFIX,
    MOST_FACET_VALUES,
    MOST_FACETS,
    MOST_HITS,
    MOST_SUGGESTIONS,
    RECORD_ORDERS,
    WITHOUT_LINKED_TITLES,
    Between,
    Hit,
    SearchPage,
    SearchQuestion,
    Spread,
    Suggestion,
)
from catalog.questions.vocabulary import unknown
from catalog.records.kinds import Kinds

log = logging.getLogger(__name__)

MOST_PINNED: Final = 32
COUNTING: Final = 4
# In an index up to this size every title that begins so is looked at for suggestions.
SMALL: Final = 20_000
ROUNDS: Final = 3


@dataclass(frozen=True, eq=False)
class Searchable:
    """What searching needs: the index as it can be read, the book that tells which, and what vocabularies say."""

    index: SearchIndex
    book: Book
    terms: Terms
    kinds: Kinds
    audiences: Audiences
    pins: Pins = field(default_factory=lambda: Pins())
    counted: Counted = field(default_factory=lambda: Counted())
    beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(COUNTING, "counting"))
    # The same in every process that answers for one catalogue.
    secret: bytes = field(default=b"", repr=False)

    def name_of(self, generation: int, position: int) -> int:
        """What cursors call a snapshot: nobody reads from it how much happens that they may not see."""
        told = f"{generation} {position}".encode()
        return int.from_bytes(blake2b(told, digest_size=6, key=self.secret).digest(), "big")

    def close(self) -> None:
        """Let go of the index's files."""
        self.beside.shutdown()
        self.pins.clear()
        self.index.close()


class Pins:
    """Snapshots that cursors lead back to, for five minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[int, tuple[Snapshot, frozenset[str], float]] = OrderedDict()

    def hold(self, name: int, snapshot: Snapshot, unsettled: frozenset[str]) -> None:
        """Keep it for a cursor that was given just now, with the scopes of which it tells wrongly."""
        with self._lock:
            moment = time.monotonic()
            self._held[name] = (snapshot, unsettled, moment + CURSOR_SECONDS)
            self._held.move_to_end(name)
            while self._held:
                oldest, (_, _, until) = next(iter(self._held.items()))
                if until > moment and len(self._held) <= MOST_PINNED:
                    break
                del self._held[oldest]

    def find(self, name: int) -> tuple[Snapshot, frozenset[str]] | None:
        """The snapshot that a cursor was made on, and of which scopes it tells wrongly, if it is still held."""
        with self._lock:
            held = self._held.get(name)
            return held[:2] if held is not None and held[2] > time.monotonic() else None

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


@contextmanager
def _spared() -> Iterator[None]:
    """An engine that finds its files spoilt is no fault of who asks: it is being noticed, and built again."""
    try:
        yield
    except BaseException as problem:
        if panicked(problem):
            log.error("the search index can't be read: %s", problem)
            raise Unavailable(
                "the search index can't be read and is being built again: try again in a while",
                ja="検索索引が読めないため作り直しています。しばらくしてからお試しください",
                retry_after_seconds=30,
            ) from problem
        raise


@_spared()
def search(
    asked: SearchQuestion,
    reader: Reader,
    *,
    index: Searchable,
    answers: Answers,
    deadline_seconds: float | None = None,
) -> SearchPage:
    """The page that is asked for, as far as the reader may see; Invalid if it can't be asked, Unavailable without an index.

    What the database is asked about its conditions takes no longer than the deadline, or it is TooSlow.
    """
    began = time.perf_counter()
    question = check(
        replace(asked.question, order=(), first=100, after=None, count="none", statuses=("public",)), answers.vocabulary
    )
    _check(asked)
    clauses = read(asked.text)
    asked = replace(asked, question=question)
    place = _Place.read(asked) if asked.after else None
    snapshot, pending = _now(index, place)
    searching = _Searching(asked, reader, index, answers, snapshot, pending, clauses, deadline_seconds)
    offset = place.offset if place else 0
    # Hits and counts are two walks over the same documents, and tantivy lets go of the interpreter: side by side.
    counting = index.beside.submit(searching.faceting().facets) if asked.facets else None
    try:
        found = searching.find(offset)
    finally:
        facets = counting.result() if counting is not None else ()
    histograms = searching.histograms(found.total)
    ranges = searching.ranges(found.total)
    following = None
    if offset + asked.first < min(found.total, DEEPEST_HIT):
        name = index.name_of(snapshot.seen.generation, snapshot.seen.position)
        index.pins.hold(name, snapshot, pending.unsettled)
        following = _Place(name, offset + asked.first, time.time()).write(asked)
    return SearchPage(
        found.hits,
        found.total,
        found.is_exact,
        facets,
        histograms,
        following,
        time.perf_counter() - began,
        snapshot.seen.position,
        (WITHOUT_LINKED_TITLES,) if pending.spreading and clauses else (),
        ranges,
    )


@_spared()
def suggest(
    text: str, reader: Reader, *, kinds: tuple[str, ...] = (), limit: int = 8, index: Searchable, answers: Answers
) -> tuple[Suggestion, ...]:
    """What a text may go on as: identifiers, names of terms and titles that begin with it, of what the reader may see."""
    if not 1 <= limit <= MOST_SUGGESTIONS:
        raise Invalid(
            f"limit: {limit} is not between 1 and {MOST_SUGGESTIONS}",
            ja=f"limit: 1から{MOST_SUGGESTIONS}の範囲で指定してください",
        )
    kinds = answers.vocabulary.named(kinds) if kinds else ()
    start = whole(text[:LONGEST_PREFIX].encode("utf-8", "replace").decode())
    if not start:
        return ()
    snapshot, pending = _now(index, None)
    asked = Asked(index.audiences.of(reader, pending.unsettled), kinds, left_out=pending.records)
    return _Suggesting(snapshot, asked, start, limit, answers, reader).suggestions()


def _now(index: Searchable, place: _Place | None) -> tuple[Snapshot, Pending]:
    """The index to be asked, and what must be left out of just that."""
    looked = index.book.look("search")
    seen, pending = looked if looked is not None else (None, Pending())
    if place is None:
        if pending.countless:
            raise Unavailable(
                "So many records were closed just now that they cannot be left out one by one. Try again in a moment.",
                ja="公開が終了したばかりのレコードが多いため、検索索引から取り除いています。少し待ってからもう一度お試しください。",
                retry_after_seconds=5,
            )
        return index.index.snapshot(seen), pending
    held = index.pins.find(place.snapshot) if time.time() < place.made + CURSOR_SECONDS else None
    pinned, unsettled = held if held is not None and held[0].whole else (None, frozenset[str]())
    if pinned is None and seen is not None and index.name_of(seen.generation, seen.position) == place.snapshot:
        # Another process gave the cursor, and nothing has changed since.
        pinned = index.index.snapshot(seen) if time.time() < place.made + CURSOR_SECONDS else None
        unsettled = pending.unsettled
    closed = index.book.closed_since("search", pinned.seen) if pinned is not None else pending
    if pinned is None or closed.countless:
        raise Invalid(
            "cursor: it has expired (a search is kept for five minutes); search again from the first page",
            ja="cursor: 有効期限（5分）が切れました。最初のページから検索し直してください",
        )
    # What was spreading when it was pinned may have come to its end since, but not in what is pinned.
    return pinned, replace(closed, unsettled=closed.unsettled | unsettled)


# ---------------------------------------------------------------------------------------------------- what is asked


def _check(asked: SearchQuestion) -> None:
    if not 1 <= asked.first <= MOST_HITS:
        raise Invalid(
            f"limit: {asked.first} is not between 1 and {MOST_HITS}",
            ja=f"limit: 1から{MOST_HITS}の範囲で指定してください",
        )
    if not 1 <= asked.facet_values <= MOST_FACET_VALUES:
        raise Invalid(
            f"facetValues: {asked.facet_values} is not between 1 and {MOST_FACET_VALUES}",
            ja=f"facetValues: 1から{MOST_FACET_VALUES}の範囲で指定してください",
        )
    if max(len(asked.facets), len(asked.histograms), len(asked.ranges)) > MOST_FACETS:
        raise Invalid(
            f"facet, histogram: more than {MOST_FACETS} at once; ask in several searches",
            ja=f"facet、histogram: 一度に{MOST_FACETS}個までです",
        )
    if len(asked.order) > 1:
        raise Invalid("sort: hits are ordered by one thing", ja="sort: 検索結果の並べ替えは一つだけ指定できます")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: behind so many hits of a search on one snapshot."""

    snapshot: int
    offset: int
    made: float

    def write(self, asked: SearchQuestion) -> str:
        values = (self.snapshot, self.offset, int(self.made))
        return write_cursor(After(values, _asked_again(asked)), _THREE)

    @classmethod
    def read(cls, asked: SearchQuestion) -> _Place:
        after = read_cursor(asked.after or "", _THREE)
        numbers = [value for value in after.values if type(value) is int and value >= 0]
        if len(numbers) != len(_THREE) or after.id != _asked_again(asked) or numbers[1] > DEEPEST_HIT:
            raise Invalid(
                "cursor: it belongs to another search; take the one that the page before ended with, or search from the first page",
                ja="cursor: 別の検索のカーソルです。前のページの最後に示されたカーソルを使うか、最初のページから検索してください",
            )
        snapshot, offset, made = numbers
        return cls(snapshot, offset, made)


_THREE: Final = tuple(Order(name) for name in ("snapshot", "offset", "made"))


def _asked_again(asked: SearchQuestion) -> str:
    """The same for the pages of one search."""
    question = asked.question
    told = repr((asked.text, question.kinds, question.where, asked.order, asked.first))
    return blake2s(told.encode("utf-8", "replace"), digest_size=12).hexdigest()


# ---------------------------------------------------------------------------------------------------- one search


@dataclass(frozen=True, slots=True)
class _Found:
    hits: tuple[Hit, ...]
    total: int
    is_exact: bool


class _Searching:
    """One search of one reader on one snapshot."""

    def __init__(
        self,
        asked: SearchQuestion,
        reader: Reader,
        index: Searchable,
        answers: Answers,
        snapshot: Snapshot,
        pending: Pending,
        clauses: tuple[Clause, ...],
        deadline_seconds: float | None,
    ) -> None:
        self.asked = asked
        self.reader = reader
        self.index = index
        self.answers = answers
        self.snapshot = snapshot
        self.pending = pending
        self.clauses = clauses
        self.kinds = asked.question.kinds
        self.meant = self._meant()
        self.settling = Settling(snapshot, answers, index.terms, reader, self.kinds, deadline_seconds)
        self.whole = Asked(
            index.audiences.of(reader, pending.unsettled),
            self.kinds,
            None if asked.question.where is None else self.settling.holds(asked.question.where),
            pending.records,
            clauses if asked.text.strip() else None,
            tuple(self.meant.items()),
            labels=not pending.spreading,
        )

    def find(self, offset: int) -> _Found:
        """The hits of the page that begins behind so many others."""
        asked = self.asked
        ordered = asked.order[0] if asked.order else None
        if ordered is None and not self._ranks():
            ordered = Order("modified", descending=True)
        found = self.snapshot.find(self.whole, None if ordered is None else self._sorted(ordered), asked.first, offset)
        hits = self._told(found.hits)
        # What was closed after the index was asked is not told, nor counted.
        missing = len(found.hits) - len(hits)
        return _Found(hits, found.total - missing, not missing)

    def _ranks(self) -> bool:
        return any(not clause.excluded for clause in self.clauses)

    def _sorted(self, order: Order) -> Sorted:
        if order.by in RECORD_ORDERS:
            return Sorted(order.by, "record", order.descending)
        fields = self.answers.vocabulary.fields(order.by, self.kinds)
        if any(not each.sortable or each.private for each in fields.values()):
            known = {name for words in self.index.kinds.values() for name, each in words.field.items() if each.sortable}
            raise unknown("field to sort by", order.by, {*RECORD_ORDERS, *known})
        if order.language not in (None, "en"):
            raise Invalid(
                f"sort: hits are ordered by {order.by} as it falls back (en, ja, any); leave the language out",
                ja=f"sort: 検索結果は {order.by} の言語を指定せずに並べ替えてください",
            )
        sorts = {each.sort for each in fields.values()}
        if sorts == {"date"}:
            return Sorted(order.by, "date", order.descending)
        if sorts <= {"integer", "number"}:
            return Sorted(order.by, "number", order.descending)
        if sorts <= {"text", "string", "term", "boolean"}:
            return Sorted(order.by, "text", order.descending)
        raise Invalid(
            f"sort: hits can't be ordered by {order.by}; lists can",
            ja=f"sort: 検索結果は {order.by} で並べ替えられません",
        )

    def _meant(self) -> dict[str, Meant]:
        """What of the text is the name of terms, with those below them and their other names."""
        terms = self.index.terms
        called = terms.called(spans(self.clauses)) if self.clauses else {}
        if not called:
            return {}
        names = terms.names({iri for iris in called.values() for iri in iris})
        made = {}
        for said, iris in called.items():
            below = terms.below(iris)
            labels = dict.fromkeys(
                name.text for iri in iris for name in names.get(iri, ()) if name.language is not None
            )
            others = tuple(label for label in labels if whole(label) != whole(said))
            made[said] = Meant(below if len(below) <= MOST_TERMS else frozenset(iris), others)
        return made

    # --- what is told of hits

    def _told(self, found: Sequence[tuple[str, float | None]]) -> tuple[Hit, ...]:
        if not found:
            return ()
        asked, selection = self.asked, self.asked.question.selection
        among = OfRecord("id", "in", tuple(id for id, _ in found))
        question = Question(kinds=self.kinds, where=among, first=len(found), selection=replace(selection, body=True))
        items: dict[str, str] = {}
        bodies: dict[str, Any] = {}
        for item in self.answers.find(question, self.reader).items:
            told = orjson.loads(item.text)
            # Titles and highlights come from the body, as this reader may see it; who did not ask for it is spared it.
            bodies[item.at.id] = (told.get("body") if selection.body else told.pop("body", None)) or {}
            items[item.at.id] = item.text if selection.body else orjson.dumps(told).decode()
        hits = []
        # How rare a word is in the whole index is in the score, and so is what is hidden: only who sees all is told.
        ranked = self.reader.administrator
        for id, score in found:
            if id not in items:
                continue
            kind = self.index.kinds[id.partition("/")[0]]
            marked = (
                highlights(bodies[id], kind, self.clauses, self.meant.values())
                if asked.highlight and self.clauses
                else ()
            )
            why = (
                reasons(id, bodies[id], kind, self.clauses, self.meant, marked, self.answers.vocabulary.prefixes())
                if asked.highlight and self._ranks()
                else ()
            )
            hits.append(Hit(id, kind.name, _title(bodies[id]), score if ranked else None, marked, items[id], why))
        return tuple(hits)

    # --- what is counted

    def faceting(self) -> Faceting:
        """What counts the facets."""
        index = self.index
        return Faceting(
            self.asked,
            self.whole,
            self.snapshot,
            self.settling,
            index.counted,
            index.kinds,
            index.terms,
            self.answers,
            self.reader,
        )

    def histograms(self, total: int) -> tuple[Spread, ...]:
        """The histograms that were asked for, over all hits."""
        asked = self.asked.histograms
        if not asked:
            return ()
        counting = self._counting(total)
        return tuple(spread_of(each, counting) for each in asked)

    def ranges(self, total: int) -> tuple[Between, ...]:
        """The ranges that were asked for, over all hits."""
        counting = self._counting(total)
        return tuple(range_of(each, counting) for each in self.asked.ranges)

    def _counting(self, total: int) -> Counting:
        return Counting(self.snapshot, self.whole, total, self.answers.vocabulary)


def _title(body: Mapping[str, Any]) -> Mapping[str, str]:
    """What a record is called: by its title, or by the names that take its place."""
    for name in ("title", "labels", "names"):
        if isinstance(told := body.get(name), dict) and told:
            return told
    return {}


# ---------------------------------------------------------------------------------------------------- suggestions


@dataclass(frozen=True, slots=True)
class _Suggesting:
    snapshot: Snapshot
    asked: Asked
    start: str
    limit: int
    answers: Answers
    reader: Reader

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Identifiers first where there are any, then titles and names of terms by how many records bear them."""
        made: dict[tuple[str, str], Suggestion] = {}
        for one in (*self._identifiers(), *self._titles()):
            made.setdefault((one.text, one.kind), one)
            if len(made) == self.limit:
                break
        return tuple(made.values())

    def _identifiers(self) -> Iterable[Suggestion]:
        if len(self.start) < 2 or " " in self.start:
            return
        ids = self.snapshot.called(self.asked, self.start, max(2, self.limit // 2))
        told = self._going_on([id for id in ids if not self._begins(id)])
        texts = Counter(told.values())
        for id in ids:
            text = told.get(id, id)
            yield Suggestion(text, "identifier", id.partition("/")[0], id if texts[text] < 2 else None)

    def _begins(self, id: str) -> bool:
        """Whether the text begins an id, what its source calls the record, or the last part of that."""
        return any(whole(part).startswith(self.start) for part in (id, id.split("/", 2)[2], id.rpartition("/")[2]))

    def _going_on(self, ids: Sequence[str]) -> dict[str, str]:
        """The identifier of each of these records with which the text goes on, where one does as it is written."""
        if not ids:
            return {}
        question = Question(where=OfRecord("id", "in", tuple(ids)), selection=Selection(identifiers=True))
        told: dict[str, str] = {}
        for item in self.answers.find(question, self.reader).items:
            for each in orjson.loads(item.text)["identifiers"]:
                if whole(each["value"]).startswith(self.start):
                    told.setdefault(item.at.id, each["value"])
        return told

    def _titles(self) -> Iterable[Suggestion]:
        if self.snapshot.size > SMALL:
            # A letter or two begin the titles of a good part of all records, which are too many to be counted while typing.
            told = self._some_titles()
            yield from told
            if told or len(self.start) < 3:
                return
        for each in self.snapshot.titles(self.asked, self.start, self.limit * 2):
            yield Suggestion(each.text, "label" if each.kind == "term" else "title", each.kind, each.id)

    def _some_titles(self) -> list[Suggestion]:
        """Titles of some records whose titles begin so, told by the ledger."""
        count = 4 * self.limit
        by_text: dict[tuple[str, str], list[str]] = {}
        for _ in range(ROUNDS):
            # Where all that were found bear the same few titles, others are looked for beside them.
            found = self.snapshot.entitled(self.asked, self.start, count, [(kind, text) for text, kind in by_text])
            for id, seen in self.answers.readable(found, self.reader).items():
                for text in seen.title.values():
                    if whole(text).startswith(self.start):
                        by_text.setdefault((text, seen.kind), []).append(id)
            if len(found) < count or len(by_text) >= self.limit:
                break
        return [
            Suggestion(text, "label" if kind == "term" else "title", kind, several[0] if len(several) == 1 else None)
            for (text, kind), several in sorted(by_text.items())
        ]
