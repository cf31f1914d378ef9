"""A question and a reader become one SQL statement, whose rows are JSON text.

A statement is made once for each shape of question and class of reader; afterwards only values are bound. JSON is put
together as text, so that a stored body reaches the answer byte for byte, without being parsed by anybody. Where a body
must be cut for this reader (private fields, links to what the reader may not see), the statement says so inside the
item, and only such items are parsed and cut.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from catalog.ledger.cut import cut
from catalog.ledger.dialects import DIALECTS
from catalog.ledger.statement import Maker, Plan, Sees, Terms
from catalog.ledger.telling import Filler, Teller, filled
from catalog.questions.question import (
    BOUNDED_COUNT,
    After,
    Question,
    Selection,
)
from catalog.questions.reader import Reader
from catalog.questions.shape import Lifted, lift, lifted
from catalog.questions.telling import Asked
from catalog.questions.vocabulary import Vocabulary
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store

MOST_PLANS = 2_000
# What they may be together: a deep question of GraphQL becomes a statement of a hundred thousand characters and more, and whoever
# asks thousands of such must not fill the memory.
MOST_CHARACTERS = 64_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """A record as it is answered: JSON text, and its place in the list's order."""

    text: str
    at: After


@dataclass(frozen=True, slots=True)
class One:
    """One record, found by its id: JSON text, and what decides how it is answered."""

    text: str
    key: int
    status: str
    revision: int
    newest: int
    hash: str
    merged_into: str | None  # only where the reader may see that record
    reason: str | None
    inside: bool  # the reader counts as a writer of its scope


@dataclass(frozen=True, slots=True)
class Seen:
    """What a link may tell of its target."""

    kind: str
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list. `total` is None where it was not asked for; `more` says that the list goes on."""

    items: tuple[Item, ...]
    more: bool
    total: int | None
    total_is_exact: bool


class Answers:
    """Answers questions from the ledger and its mirror. One for each process; safe to use from any thread."""

    def __init__(self, store: Store, vocabulary: Vocabulary, sight: Sees, *, clock: Clock = real_clock) -> None:
        self.store = store
        self.vocabulary = vocabulary
        self.sight = sight
        self.clock = clock
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()
        self._dialect = DIALECTS[store.database.name]

    def find(self, question: Question, reader: Reader, connection: Connection | None = None) -> Found:
        """The page of records that the question asks for, as far as the reader may see them. The question was checked."""
        values: list[Any] = []
        shape = lift(question, values)
        plan = self._plan("list", shape, reader)
        rows = self._run(plan, values, reader, connection)
        first = question.first
        total: int | None = None
        exact = True
        if question.count != "none" and rows:
            total = rows[0][2]
            if question.count == "bounded" and total is not None and total > BOUNDED_COUNT:
                total, exact = BOUNDED_COUNT, False
        items = tuple(
            Item(cut(row[0], self.vocabulary) if '"!' in row[0] else row[0], After(tuple(row[3:]), row[1]))
            for row in rows[:first]
            if row[0] is not None
        )
        return Found(items, len(rows) > first, total, exact)

    def keys(
        self,
        question: Question,
        reader: Reader,
        connection: Connection | None = None,
        *,
        deadline_seconds: float | None = None,
    ) -> list[int] | None:
        """The keys of the records that the question asks for, in no order, or TooSlow; None if they are more than its `first`."""
        values: list[Any] = []
        plan = self._plan("keys", lift(question, values), reader)
        rows = self._run(plan, values, reader, connection, deadline_seconds)
        return None if len(rows) > question.first else [row[0] for row in rows]

    def one(self, id: str, selection: Selection, reader: Reader, connection: Connection | None = None) -> One | None:
        """The record of this id as the reader may see it by its id, or None; withdrawn and suppressed ones too.

        A withdrawn record is told to whoever may read its scope; what becomes of it is discovery's to say.
        """
        values: list[Any] = []
        plan = self._plan("one", lift(selection, values), reader)
        rows = self._run(plan, values, reader, connection, id=id)
        if not rows:
            return None
        text, key, *facts = rows[0]
        return One(cut(text, self.vocabulary) if '"!' in text else text, key, *facts)

    def told(
        self,
        asked: Sequence[Asked],
        reader: Reader,
        fillers: Sequence[Filler],
        connection: Connection | None = None,
        *,
        deadline_seconds: float | None = None,
    ) -> list[str]:
        """The JSON text of each thing that is asked, all in one statement; or TooSlow. What is asked was checked."""
        if not asked:
            return []
        taken = lifted(tuple(asked))
        return self.told_again(taken, taken.values, reader, fillers, connection, deadline_seconds=deadline_seconds)

    def told_again(
        self,
        asked: Lifted,
        values: Sequence[Any],
        reader: Reader,
        fillers: Sequence[Filler],
        connection: Connection | None = None,
        *,
        deadline_seconds: float | None = None,
    ) -> list[str]:
        """The same of what was taken apart before, with these values in the places of its own."""
        of = self.sight.class_of(reader)
        # A shape is large: to look its plan up by it takes longer than to run some.
        if (plan := asked.made.get(of)) is None:
            plan = asked.made[of] = self._plan("told", asked.shape, reader)
        (row,) = self._run(plan, values, reader, connection, deadline_seconds)
        return [filled(text, plan.draws, fillers, self.vocabulary) for text in row]

    def rows(
        self,
        make: Callable[[Terms], str],
        values: Mapping[str, Any],
        reader: Reader,
        connection: Connection | None = None,
        *,
        deadline_seconds: float | None = None,
    ) -> list[Any]:
        """The rows of a statement that a function makes in these terms, or TooSlow; it is made once for each class of reader."""
        of = self.sight.class_of(reader)
        with self._lock:
            if plan := self._plans.get((make, of)):
                self._plans.move_to_end((make, of))
        if plan is None:
            plan = Plan(make(Terms(self._dialect, self.vocabulary, self.sight, of)))
            self._keep((make, of), plan)
        return self._run(plan, (), reader, connection, deadline_seconds, **values)

    def readable(self, ids: Iterable[str], reader: Reader, connection: Connection | None = None) -> dict[str, Seen]:
        """Those of these ids that links may lead this reader to, with their kinds and titles."""
        rows = self.rows(_readable_ids, {"ids": orjson.dumps(sorted(set(ids))).decode()}, reader, connection)
        return {id: Seen(kind, orjson.loads(title) if title else {}) for id, kind, title in rows}

    def linked(
        self, question: Question, reader: Reader, connection: Connection | None = None
    ) -> Iterator[tuple[str, str]]:
        """The id and the linked form, as JSON text, of every record that the question asks for."""
        for item in self.each(replace(question, selection=Selection(linked=True)), reader, connection):
            head, _, document = item.text.partition(',"linked":')
            del head
            # The linked form is the last that such an item tells.
            if document != "null}":
                yield item.at.id, document[:-1]

    def table(self, question: Question, reader: Reader) -> Iterator[list[Any]]:
        """The mirror rows of the records of one kind that the question asks for, in pages: RECORD_COLUMNS, then the kind's."""
        after: After | None = None
        while True:
            values: list[Any] = []
            plan = self._plan("table", lift(replace(question, after=after), values), reader)
            rows = self._run(plan, values, reader, None)
            more, rows = len(rows) > question.first, rows[: question.first]
            if rows:
                yield rows
            if not more:
                return
            after = After((), rows[-1][0])

    def each(self, question: Question, reader: Reader, connection: Connection | None = None) -> Iterator[Item]:
        """Every record that the question asks for, page by page, so that memory is bounded by a page."""
        after = question.after
        while True:
            found = self.find(replace(question, after=after), reader, connection)
            yield from found.items
            if not found.more:
                return
            after = found.items[-1].at

    def explain(self, question: Question, reader: Reader) -> tuple[str, dict[str, Any]]:
        """The statement for a question with its values: for tests and for people who wonder."""
        values: list[Any] = []
        plan = self._plan("list", lift(question, values), reader)
        return plan.statement, self._bind(values, reader)

    def _plan(self, what: str, shape: Any, reader: Reader) -> Plan:
        of = self.sight.class_of(reader)
        key = (what, shape, of)
        with self._lock:
            if plan := self._plans.get(key):
                self._plans.move_to_end(key)
                return plan
        maker = Maker(self._dialect, self.vocabulary, self.sight, of)
        makers: dict[str, Callable[[Any], Plan]] = {
            "list": maker.listing,
            "one": maker.one,
            "table": maker.table,
            "keys": maker.keys,
            "told": Teller(maker).whole,
        }
        plan = makers[what](shape)
        self._keep(key, plan)
        return plan

    def _keep(self, key: Any, plan: Plan) -> None:
        with self._lock:
            former = self._plans.pop(key, None)
            self._plans[key] = plan
            self._characters += len(plan.statement) - (len(former.statement) if former else 0)
            while len(self._plans) > MOST_PLANS or (self._characters > MOST_CHARACTERS and len(self._plans) > 1):
                _, last = self._plans.popitem(last=False)
                self._characters -= len(last.statement)

    def _bind(self, values: Sequence[Any], reader: Reader, **more: Any) -> dict[str, Any]:
        bound = self.sight.values(reader, self.clock())
        for number, value in enumerate(values):
            bound[f"p{number}"] = value
        bound.update(more)
        return bound

    def _run(
        self,
        plan: Plan,
        values: Sequence[Any],
        reader: Reader,
        connection: Connection | None,
        deadline_seconds: float | None = None,
        **more: Any,
    ) -> list[Any]:
        bound = self._bind(values, reader, **more)
        if connection is not None:
            driver = connection.connection.driver_connection
            with self.store.within(deadline_seconds, driver):
                return self._dialect.rows(driver, plan.statement, bound)
        with self.store.glance() as driver, self.store.within(deadline_seconds, driver):
            return self._dialect.rows(driver, plan.statement, bound)


def _readable_ids(terms: Terms) -> str:
    return (
        f"{terms.beginning()} SELECT n.id, r.kind, {terms.title('r')} FROM node n JOIN record r ON r.key = n.key JOIN scope s ON s.key = r.scope"
        f" WHERE {terms.among('n.id', 'ids')} AND r.status = 'public' AND {terms.readable('s')}"
    )
