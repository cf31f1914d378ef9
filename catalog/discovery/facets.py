"""The hits by the values of fields: what the index counts, with what people call each value, as far as the reader may know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from catalog.discovery.conditions import Settling
from catalog.ledger.answer import Answers, Seen
from catalog.ledger.terms import Terms
from catalog.projections.search.index import AllOf, AnyOf, Asked, Counts, Held, Keys, NotHeld, Snapshot
from catalog.questions.question import And, Compare, Condition, Exists, Linked, Not, OfRecord, Or, Termed
from catalog.questions.reader import Reader
from catalog.questions.search import RECORD_FACETS, Facet, FacetValue, SearchQuestion
from catalog.questions.vocabulary import unknown
from catalog.recent import Recent
from catalog.records.kinds import Kinds

MOST_KEPT: Final = 256
MOST_KEYS_KEPT: Final = 1_000
# Of the most frequent values so many are looked at until as many as are asked for may be told.
MOST_LOOKED_AT: Final = (2_000, 20_000)
TITLES: Final = {
    "kind": {"en": "Kind", "ja": "種別"},
    "source": {"en": "Source", "ja": "登録元"},
    "profile": {"en": "Profile", "ja": "プロファイル"},
    "formats": {"en": "Formats of its files", "ja": "ファイルの形式"},
}


class Counted(Recent[Mapping[str, Counts]]):
    """What was counted over whole answers, kept while the index stands as it is: the same search is often asked again."""

    def __init__(self) -> None:
        super().__init__(MOST_KEPT)


@dataclass(frozen=True, slots=True)
class Faceting:
    """Counts the hits of one search: what was asked, as people ask and as the index is told it."""

    asked: SearchQuestion
    whole: Asked
    snapshot: Snapshot
    settling: Settling
    counted: Counted
    kinds: Kinds
    terms: Terms
    answers: Answers
    reader: Reader

    def facets(self) -> tuple[Facet, ...]:
        """The facets that were asked for, over all hits."""
        return self._count(tuple(dict.fromkeys(self._facet_name(name) for name in self.asked.facets)))

    def _count(self, names: Sequence[str]) -> tuple[Facet, ...]:
        where = self.asked.question.where
        alone = [name for name in names if (name == "kind" and self.whole.kinds) or _chosen(where, name) is not None]
        size = self.asked.facet_values + 1
        told: dict[str, Counts] = {}
        readable: dict[str, Seen] = {}

        def count(asked: Asked, several: tuple[str, ...]) -> None:
            for name, counts in self._counts(asked, several, size).items():
                told[name] = self._readable(asked, name, counts, size, readable) if self._links(name) else counts

        if together := [name for name in names if name not in alone]:
            count(self.whole, tuple(together))
        for name in alone:
            other = replace(
                self.whole,
                kinds=() if name == "kind" else self.whole.kinds,
                where=None if (rest := _rest(where, name)) is None else self.settling.holds(rest),
            )
            count(other, (name,))
        return self._facets({name: told[name] for name in names}, readable)

    def _readable(self, asked: Asked, name: str, counts: Counts, size: int, readable: dict[str, Seen]) -> Counts:
        """So many values that this reader may be told, and those records: others are as if they were not, nor are they more."""
        for most in (size, *MOST_LOOKED_AT):
            if most > size:
                counts = self._counts(asked, (name,), most)[name]
            if ours := {value for value, _ in counts.values if _is_ours(value)}:
                readable.update(self.answers.readable(ours, self.reader))
            told = tuple(each for each in counts.values if not _is_ours(each[0]) or each[0] in readable)
            if len(told) >= size or not counts.more:
                break
        return Counts(told[:size], more=False, exact=counts.exact)

    def _counts(self, asked: Asked, names: tuple[str, ...], size: int) -> Mapping[str, Counts]:
        """What was counted before of the very same question to the same snapshot, or is counted now.

        Who asks, what was closed just now and what the database chose stand in the question.
        """
        if len(asked.left_out) + _keys_in(asked.where) > MOST_KEYS_KEPT:
            return self.snapshot.facets(asked, names, size)
        seen = self.snapshot.seen
        place = (seen.generation, seen.position, seen.closed_to, seen.visible)
        return self.counted.get((place, asked, names, size), lambda: self.snapshot.facets(asked, names, size))

    def _facet_name(self, name: str) -> str:
        if name in RECORD_FACETS:
            return name
        kinds = self.whole.kinds or tuple(self.kinds)
        known = {each.name for kind in kinds for each in self.kinds[kind].fields if each.facet and not each.private}
        known.add("formats")
        if name not in known:
            raise unknown("facet", name, {*RECORD_FACETS, *known})
        return name

    def _facets(self, told: Mapping[str, Counts], readable: Mapping[str, Seen]) -> tuple[Facet, ...]:
        where = self.asked.question.where
        labels = self._labels({name: [value for value, _ in each.values] for name, each in told.items()}, readable)
        made = []
        for name, each in told.items():
            chosen = set(self.whole.kinds) if name == "kind" else _chosen(where, name) or set()
            values = []
            for value, count in each.values:
                label = labels.get((name, value), {})
                values.append(FacetValue(self._typed(name, value), count, label, value in chosen))
            values.sort(key=lambda each: (-each.count, str(each.value)))
            most = self.asked.facet_values
            more = len(values) > most or each.more
            made.append(Facet(name, self._called(name), tuple(values[:most]), more, each.exact))
        return tuple(made)

    def _called(self, name: str) -> Mapping[str, str]:
        if name in TITLES:
            return TITLES[name]
        for kind in self.whole.kinds or tuple(self.kinds):
            found = self.kinds[kind].field.get(name)
            if found is not None:
                return found.titles
        return {}

    def _typed(self, name: str, value: str) -> str | bool:
        fields = [kind.field[name] for kind in self.kinds.values() if name in kind.field]
        return value == "true" if fields and fields[0].scalar == "boolean" else value

    def _links(self, name: str) -> bool:
        return any(kind.field[name].form == "links" for kind in self.kinds.values() if name in kind.field)

    def _labels(
        self, values: Mapping[str, Sequence[str]], readable: Mapping[str, Seen]
    ) -> dict[tuple[str, str], Mapping[str, str]]:
        """What values are called: kinds by their schemas, records by their titles, terms by what everyone may read of them."""
        made: dict[tuple[str, str], Mapping[str, str]] = {}
        iris = {
            value for name, several in values.items() for value in several if ":" in value and name not in RECORD_FACETS
        }
        terms = self.terms.names(iris) if iris else {}
        for name, several in values.items():
            for value in several:
                if name == "kind" and value in self.kinds:
                    made[(name, value)] = self.kinds[value].titles
                elif value in readable and self._links(name):
                    made[(name, value)] = readable[value].title or {"und": value}
                elif value in terms:
                    said: dict[str, str] = {}
                    for each in terms[value]:
                        if each.preferred and each.language is not None:
                            said.setdefault(each.language, each.text)
                    made[(name, value)] = said
        return made


def _is_ours(value: str) -> bool:
    """Whether a link leads to a record of the catalogue, and not out of it."""
    return ":" not in value


def _parts(where: Condition | None) -> tuple[Condition, ...]:
    if where is None:
        return ()
    return where.parts if isinstance(where, And) else (where,)


def _rest(where: Condition | None, facet: str) -> Condition | None:
    """The condition without what it says of this facet alone."""
    kept = tuple(part for part in _parts(where) if not _is_about(part, facet))
    return None if not kept else kept[0] if len(kept) == 1 else And(kept)


def _is_about(asked: Condition, facet: str) -> bool:
    match asked:
        case And(parts) | Or(parts):
            return all(_is_about(part, facet) for part in parts)
        case Not(part):
            return _is_about(part, facet)
        case Compare(name) | Exists(name) | Termed(name):
            return name == facet
        case OfRecord(attribute):
            return attribute == facet
        case Linked(name, "out", where=None):
            return name == facet
    return False


def _chosen(where: Condition | None, facet: str) -> set[str] | None:
    """The values that the question holds this facet to; None where it says nothing of it."""
    about = [part for part in _parts(where) if _is_about(part, facet)]
    return set(_said(about)) if about else None


def _said(parts: Iterable[Condition]) -> Iterable[str]:
    for part in parts:
        match part:
            case And(inner) | Or(inner):
                yield from _said(inner)
            case Compare(_, "eq" | "in", value) | OfRecord(_, "eq" | "in", value):
                several = value if isinstance(value, tuple) else (value,)
                yield from (str(each).lower() if isinstance(each, bool) else str(each) for each in several)
            case Termed(_, terms):
                yield from terms
            case Linked(targets=targets):
                yield from targets


def _keys_in(where: Held | None) -> int:
    """How many records are named by their keys in a condition."""
    match where:
        case Keys(keys):
            return len(keys)
        case AllOf(parts) | AnyOf(parts):
            return sum(map(_keys_in, parts))
        case NotHeld(part):
            return _keys_in(part)
    return 0
