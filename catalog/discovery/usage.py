"""How the fields of a kind are used, and what quantities and attributes are called, so that a search can be offered for them.

Everything is counted in what the reader may see. On hundreds of thousands of records that takes seconds, so what was
counted is kept: while nothing is written, and for as long again as one can wait while something is; but not behind a
closing, after which fewer may see something.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from catalog.ledger import usage as ledger
from catalog.ledger.answer import Answers
from catalog.ledger.usage import Measure, Named, Names, Place
from catalog.projections.search.analysis import whole
from catalog.questions.reader import Reader
from catalog.questions.vocabulary import Sort
from catalog.records.kinds import Field, Kinds

T = TypeVar("T")

__all__ = ["FieldUse", "Measure", "Named", "Page", "Usage"]

MOST_KEPT: Final = 64
# What opens by the time alone (an embargo that ends) is counted at the latest after so many seconds.
LONGEST_SECONDS: Final = 60.0
# While records are written, what was counted stands for so many times as long as counting took; the quick is counted anew.
TIMES: Final = 10
WORTH_KEEPING_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field, and how many of the reader's records have it; None of what is private.

    `first` and `last`: between what its dates, times or numbers lie. `measures`: what its quantities measure.
    """

    field: Field
    sort: Sort
    records: int | None
    exact: bool
    first: str | float | None = None
    last: str | float | None = None
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The names that were asked for, the commonest first; how many there are in all, and whether that is exact."""

    names: tuple[Named, ...]
    total: int
    exact: bool


class Usage:
    """Counts how the catalogue is used, for each class of readers. One for each process; safe to use from any thread."""

    def __init__(self, answers: Answers, kinds: Kinds, *, moment: Callable[[], float] = time.monotonic) -> None:
        self.answers = answers
        self.kinds = kinds
        self._kept: _Kept[Any] = _Kept(moment)

    def fields(self, kind: str, reader: Reader, *, deadline_seconds: float | None = None) -> tuple[FieldUse, ...]:
        """Every field of a kind in the order of its schema; TooSlow if a statement takes longer than it may."""
        return self._have(("fields", kind), reader, lambda: self._count_fields(kind, reader, deadline_seconds))

    def quantities(
        self,
        place: Place,
        reader: Reader,
        *,
        kind: str | None = None,
        starts_with: str = "",
        first: int = 50,
        deadline_seconds: float | None = None,
    ) -> Page:
        """The names of quantities in this place of the records of a kind, or of all."""
        kinds = () if kind is None else (kind,)
        found = self._have(
            ("quantities", place, kinds),
            reader,
            lambda: ledger.quantities(kinds, place, reader, self.answers, deadline_seconds=deadline_seconds),
        )
        return _page(found, starts_with, first)

    def attributes(
        self,
        reader: Reader,
        *,
        kind: str | None = None,
        starts_with: str = "",
        first: int = 50,
        deadline_seconds: float | None = None,
    ) -> Page:
        """The names of attributes of the records of a kind, or of all."""
        kinds = () if kind is None else (kind,)
        found = self._have(
            ("attributes", kinds),
            reader,
            lambda: ledger.attributes(kinds, reader, self.answers, deadline_seconds=deadline_seconds),
        )
        return _page(found, starts_with, first)

    def _count_fields(self, kind: str, reader: Reader, deadline_seconds: float | None) -> tuple[FieldUse, ...]:
        words = self.answers.vocabulary.kinds[kind]
        open_ = {name: field for name, field in words.fields.items() if not field.private}
        counted = ledger.count_fields(
            kind,
            reader,
            self.answers,
            columns={
                name: next(iter(field.columns.values()))
                for name, field in open_.items()
                if field.columns and field.sort != "quantity"
            },
            ranges={
                name: (field.columns["from"], field.columns["until"])
                if field.sort == "date"
                else (field.columns["value"],) * 2
                for name, field in open_.items()
                if field.sort in ("date", "integer", "number")
            },
            members=[name for name, field in open_.items() if field.sort in ("terms", "strings", "other")],
            deadline_seconds=deadline_seconds,
        )
        measured: dict[str, Named] = {}
        if any(field.sort == "quantity" for field in open_.values()):
            found = ledger.quantities((kind,), "field", reader, self.answers, deadline_seconds=deadline_seconds)
            measured = {each.name: each for each in found.names}
        made = []
        for field in self.kinds[kind].fields:
            sort = words.fields[field.name].sort
            if field.private:
                made.append(FieldUse(field, sort, None, exact=True))
            elif sort == "quantity":
                held = measured.get(field.name, Named(field.name, 0))
                made.append(FieldUse(field, sort, held.records, counted.whole, measures=held.measures))
            else:
                first, last = counted.ranges.get(field.name, (None, None))
                made.append(FieldUse(field, sort, counted.records.get(field.name, 0), counted.whole, first, last))
        return tuple(made)

    def _have(self, what: Hashable, reader: Reader, count: Callable[[], T]) -> T:
        # Grants that are over are no longer among them, so the same grants may read the same as long as nothing is closed.
        who = reader.administrator, id(reader.grants)
        return cast(T, self._kept.have((what, who), reader.grants, ledger.progress(self.answers), count))


def _page(found: Names, starts_with: str, first: int) -> Page:
    start = whole(starts_with)
    names = [each for each in found.names if whole(each.name).startswith(start)] if start else found.names
    return Page(tuple(names[:first]), len(names), found.whole)


@dataclass(frozen=True, slots=True)
class _Made(Generic[T]):
    value: T
    about: object  # kept with it, so that nothing else can come to lie where it lies
    at: ledger.Progress
    moment: float
    took: float


class _Kept(Generic[T]):
    """What was counted lately. Of several who ask for the same at once one counts, and the others wait for it."""

    def __init__(self, moment: Callable[[], float]) -> None:
        self._moment = moment
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, _Made[T]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def have(self, key: Hashable, about: object, now: ledger.Progress, make: Callable[[], T]) -> T:
        """What was made for this key and stands still, or is made now."""
        if (made := self._standing(key, now)) is not None:
            return made.value
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if (made := self._standing(key, now)) is not None:
                return made.value
            try:
                began = self._moment()
                value = make()
                ended = self._moment()
                with self._lock:
                    self._made[key] = _Made(value, about, now, ended, ended - began)
                    self._made.move_to_end(key)
                    if len(self._made) > MOST_KEPT:
                        self._made.popitem(last=False)
                return value
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _standing(self, key: Hashable, now: ledger.Progress) -> _Made[T] | None:
        with self._lock:
            made = self._made.get(key)
        if made is None or made.at.closed < now.closed:
            return None
        age = self._moment() - made.moment
        if made.at.position >= now.position:
            return made if age < LONGEST_SECONDS else None
        worth = made.took >= WORTH_KEEPING_SECONDS
        return made if worth and age < min(LONGEST_SECONDS, TIMES * made.took) else None
