"""What a question asks of records, as the search index is told it: with everything settled that only the ledger knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.terms import Terms
from catalog.projections.search.index import AllOf, AnyOf, AttributeIs, Held, Keys, NotHeld, Snapshot
from catalog.questions.question import (
    And,
    Attributed,
    Compare,
    Condition,
    Exists,
    Holds,
    Linked,
    Not,
    Or,
    Question,
    Selection,
    Termed,
)
from catalog.questions.reader import Reader

# Records that only the database can choose are handed to the index by key, at most so many.
MOST_KEYS: Final = 50_000
MOST_TERMS: Final = 20_000  # below a term; more are left to the database


class _Unsettled(Exception):
    """The database has to say for which records this holds."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles conditions for one reader and one state of the index, each once."""

    snapshot: Snapshot
    answers: Answers
    terms: Terms
    reader: Reader
    kinds: tuple[str, ...]
    deadline_seconds: float | None = None  # of each statement
    _held: dict[Condition, Held] = field(default_factory=dict)
    _settled: dict[Condition, Held] = field(default_factory=dict)

    def holds(self, where: Condition) -> Held:
        """The records for which the condition holds, in whatever way that can be found out."""
        if (known := self._held.get(where)) is None:
            known = self._held[where] = self._find_out(where)
        return known

    def _find_out(self, where: Condition) -> Held:
        try:
            held = self._settle(where)
        except _Unsettled:
            held = None
        if held is not None and self.snapshot.can_tell(held):
            return held
        match where:
            case Or(parts):
                return AnyOf(tuple(map(self.holds, parts)))
            case Not(part):
                return NotHeld(self.holds(part))
        # One statement for all that is asked together: the fewer keys.
        question = Question(kinds=self.kinds, where=where, first=MOST_KEYS, selection=Selection())
        keys = self.answers.keys(question, self.reader, deadline_seconds=self.deadline_seconds)
        if keys is None:
            raise Invalid(
                f"the conditions that a search has to ask the database for hold for more than {MOST_KEYS} records; add a narrower one, "
                "or use lists",
                ja=f"データベースに問い合わせる条件に合うレコードが{MOST_KEYS}件を超えています。条件を絞るか、一覧を使ってください",
            )
        return Keys(frozenset(keys))

    def _settle(self, where: Condition) -> Held:
        """The condition with terms below it, and without targets that are hidden; _Unsettled if that does not settle it."""
        if (known := self._settled.get(where)) is None:
            known = self._settled[where] = self._settle_once(where)
        return known

    def _settle_once(self, where: Condition) -> Held:
        match where:
            case And(parts):
                return AllOf(tuple(map(self._settle, parts)))
            case Or(parts):
                return AnyOf(tuple(map(self._settle, parts)))
            case Not(part):
                return NotHeld(self._settle(part))
            case Compare(name):
                self._demand_one_sort(name)
                return where
            case Exists(name):
                if "link" in self._sorts(name):
                    raise _Unsettled  # which links there are depends on who asks
                return where
            case Holds():
                raise _Unsettled  # it stands in bodies alone
            case Linked(targets=targets) if targets:
                return self._led_to(where)
            case Termed(below=True):
                return replace(where, terms=self._below(where.terms), below=False)
            case Attributed(name, "exists", term=str(iri)):
                return AttributeIs(name, self._below((iri,)) if where.below else (iri,))
        return where

    def _sorts(self, name: str) -> set[str]:
        return {each.sort for each in self.answers.vocabulary.fields(name, self.kinds).values()}

    def _demand_one_sort(self, name: str) -> None:
        sorts = self._sorts(name)
        if not (sorts <= {"integer", "number"} or sorts <= {"string", "strings", "term", "terms", "boolean"}):
            raise _Unsettled

    def _led_to(self, where: Linked) -> Held:
        targets = set(where.targets)
        if where.kinds:
            targets = {id for id in targets if id.partition("/")[0] in where.kinds and ":" not in id}
        ours = {id for id in targets if ":" not in id}
        visible = (targets - ours) | (set(self.answers.readable(ours, self.reader)) if ours else set())
        return replace(where, targets=tuple(sorted(visible)), kinds=()) if visible else AnyOf(())

    def _below(self, iris: tuple[str, ...]) -> tuple[str, ...]:
        found = self.terms.below(iris)
        if len(found) > MOST_TERMS:
            raise _Unsettled
        return tuple(sorted(found))
