"""How fields, quantities and attributes are used in the records that a reader may see, counted in the database.

What is counted is what the reader's lists have: what only hidden records say is not there, neither as a name nor in a
range or a unit. Of very many records so many are looked through (`MOST_SEEN`, or fewer where that takes too long), and what
comes of it is a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import orjson

from catalog.errors import TooSlow
from catalog.ledger.answer import Answers
from catalog.ledger.mirror import mirror_view
from catalog.ledger.statement import Terms
from catalog.questions.reader import PUBLIC, Reader
from catalog.store.tables import CLOSING

T = TypeVar("T")
Place = Literal["field", "condition", "attribute"]
# A reader may have millions of records before them; in so many, seconds are enough for everything that is counted here.
MOST_SEEN: Final = 200_000
# And in so many where that took too long.
SOME_SEEN: Final = 20_000
# Of the time that there is, the part that is spent on trying to count all.
TRYING: Final = 0.7
# Of names that people make up themselves so many are told, those most in use.
MOST_NAMES: Final = 20_000

_PLACES: Final[Mapping[Place, str]] = {
    "field": "q.name IS NULL",
    "condition": "q.field = 'conditions' AND q.name IS NOT NULL",
    "attribute": "q.field = 'attributes' AND q.name IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records were looked through, and of each field how many have it and between what its values lie."""

    seen: int
    whole: bool  # all that there are
    records: Mapping[str, int]
    ranges: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Measure:
    """Values of one kind of quantity: between what they lie in SI, and in which units they were told, the commonest first."""

    kind: str | None
    low: float | None
    high: float | None
    units: tuple[tuple[str, int], ...]

    @property
    def values(self) -> int:
        """How many values there are."""
        return sum(count for _, count in self.units)


@dataclass(frozen=True, slots=True)
class Named:
    """A name, how many records have it, and what is measured under it, the commonest kind of quantity first."""

    name: str
    records: int
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """Names, the one in most records first; `whole`: of all records that there are, and all of them."""

    names: tuple[Named, ...]
    whole: bool


def count_fields(
    kind: str,
    reader: Reader,
    answers: Answers,
    *,
    columns: Mapping[str, str],
    ranges: Mapping[str, tuple[str, str]],
    members: Iterable[str],
    deadline_seconds: float | None = None,
) -> Counts:
    """How the fields of a kind are used: those with columns of the mirror, links, and other members of the body.

    `ranges` names for a field the columns of the least and of the greatest value.
    """
    names = {"names": orjson.dumps(sorted(members)).decode()}

    def count(most: int, seconds: float | None) -> tuple[int, int, list[Any], list[Any]]:
        mirrored = _Mirrored(kind, most, tuple(columns.values()), tuple(ranges.values()))
        with answers.store.read() as connection:
            ((seen, *told),) = answers.rows(mirrored, {}, reader, connection, deadline_seconds=seconds)
            beside = answers.rows(_Linked(kind, most), {}, reader, connection, deadline_seconds=seconds)
            beside += answers.rows(_Members(kind, most), names, reader, connection, deadline_seconds=seconds)
        return most, seen, told, beside

    most, seen, told, beside = _in_time(count, deadline_seconds)
    records = dict(zip(columns, told, strict=False))
    records.update((name, number) for name, number in beside)
    ends = told[len(columns) :]
    between = {name: (ends[2 * number], ends[2 * number + 1]) for number, name in enumerate(ranges)}
    return Counts(min(seen, most), seen <= most, records, between)


def _in_time(count: Callable[[int, float | None], T], seconds: float | None) -> T:
    """What is counted in all records, or in some where that takes too long; TooSlow if even that does."""
    if seconds is None:
        return count(MOST_SEEN, None)
    try:
        return count(MOST_SEEN, TRYING * seconds)
    except TooSlow:
        return count(SOME_SEEN, (1 - TRYING) * seconds)


def quantities(
    kinds: tuple[str, ...],
    place: Place,
    reader: Reader,
    answers: Answers,
    *,
    deadline_seconds: float | None = None,
) -> Names:
    """The names of quantities in this place of these kinds' records, and what they measure."""

    def count(most: int, seconds: float | None) -> Names:
        return _names(answers.rows(_Quantities(kinds, most, place), {}, reader, deadline_seconds=seconds), most)

    return _in_time(count, deadline_seconds)


def attributes(
    kinds: tuple[str, ...], reader: Reader, answers: Answers, *, deadline_seconds: float | None = None
) -> Names:
    """The names of attributes of these kinds' records, with a quantity or without, and what they measure."""

    def count(most: int, seconds: float | None) -> Names:
        return _names(answers.rows(_Attributes(kinds, most), {}, reader, deadline_seconds=seconds), most)

    return _in_time(count, deadline_seconds)


def _names(rows: Iterable[Sequence[Any]], most: int) -> Names:
    seen = 0
    records: dict[str, int] = {}
    measured: dict[str, dict[str | None, list[tuple[str, int, float | None, float | None]]]] = {}
    for name, unit, kind, count, low, high in rows:
        if name is None:
            seen = count
        elif unit is None:
            records[name] = count
        else:
            measured.setdefault(name, {}).setdefault(kind, []).append((unit, count, low, high))
    order = sorted(records, key=lambda name: (-records[name], name))
    made = tuple(Named(name, records[name], _measures(measured.get(name, {}))) for name in order[:MOST_NAMES])
    return Names(made, seen <= most and len(order) <= MOST_NAMES)


def _measures(
    told: Mapping[str | None, Sequence[tuple[str, int, float | None, float | None]]],
) -> tuple[Measure, ...]:
    made = []
    for kind, rows in told.items():
        units = sorted(((unit, count) for unit, count, _, _ in rows), key=lambda each: (-each[1], each[0]))
        lows = [low for _, _, low, _ in rows if low is not None]
        highs = [high for _, _, _, high in rows if high is not None]
        made.append(Measure(kind, min(lows, default=None), max(highs, default=None), tuple(units)))
    return tuple(sorted(made, key=lambda each: (-each.values, each.kind or "")))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger has come, and where something was closed last."""

    position: int
    closed: int


def progress(answers: Answers) -> Progress:
    """How far it has come now."""
    ((position, closed),) = answers.rows(_progress, {}, PUBLIC)
    return Progress(position, closed)


def _progress(terms: Terms) -> str:
    last = "SELECT position FROM change ORDER BY position DESC LIMIT 1"
    closed = f"SELECT position FROM change WHERE {CLOSING} ORDER BY position DESC LIMIT 1"
    return f"SELECT coalesce(({last}), 0), coalesce(({closed}), 0)"


# --- the statements; each is made once for a class of readers


def _seen(terms: Terms, kinds: tuple[str, ...], most: int) -> dict[str, str]:
    return {"seen": f"{terms.listed(kinds)} LIMIT {most + 1}"}


@dataclass(frozen=True, slots=True)
class _Mirrored:
    """A row: how many records there are, how many have each column, and the ends of each range."""

    kind: str
    most: int
    columns: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]

    def __call__(self, terms: Terms) -> str:
        told = [f'count(m."{column}")' for column in self.columns]
        told += [f'min(m."{low}"), max(m."{high}")' for low, high in self.ranges]
        return (
            f"{terms.beginning(_seen(terms, (self.kind,), self.most))} SELECT {', '.join(['count(*)', *told])}"
            f' FROM seen JOIN "{mirror_view(self.kind)}" m ON m.record = seen.key'
        )


@dataclass(frozen=True, slots=True)
class _Linked:
    """A row for each link field: how many records have a link of it that the reader may see."""

    kind: str
    most: int

    def __call__(self, terms: Terms) -> str:
        return (
            f"{terms.beginning(_seen(terms, (self.kind,), self.most))} SELECT l.field, count(DISTINCT l.record) FROM seen"
            f" JOIN link l ON l.record = seen.key{terms.leading('l')} GROUP BY l.field"
        )


@dataclass(frozen=True, slots=True)
class _Members:
    """A row for each of the named members of the body: how many records have it."""

    kind: str
    most: int

    def __call__(self, terms: Terms) -> str:
        # What was expunged has no body left.
        members, held = terms.sql.members("CASE WHEN v.expunged IS NULL THEN v.body ELSE '{}' END", "j")
        return (
            f"{terms.beginning(_seen(terms, (self.kind,), self.most))} SELECT j.key, count(*) FROM seen"
            " JOIN record r ON r.key = seen.key JOIN revision v ON v.record = r.key AND v.number = r.shown"
            f" CROSS JOIN {members} WHERE {terms.among('j.key', 'names')} AND {held} GROUP BY j.key"
        )


# Rows of names: (name, unit, quantity kind, count, least, greatest) by unit; without a unit how many records have the
# name; without a name how many records were looked through.
_BY_UNIT: Final = "SELECT name, unit, quantity_kind, count(*), min(si_min), max(si_max) FROM measured GROUP BY name, unit, quantity_kind"
_SEEN: Final = "SELECT NULL, NULL, NULL, count(*), NULL, NULL FROM seen"


@dataclass(frozen=True, slots=True)
class _Quantities:
    kinds: tuple[str, ...]
    most: int
    place: Place

    def __call__(self, terms: Terms) -> str:
        tables = _seen(terms, self.kinds, self.most) | {"measured": _measured(self.place)}
        return (
            f"{terms.beginning(tables)} {_BY_UNIT} UNION ALL SELECT name, NULL, NULL, count(DISTINCT record), NULL, NULL"
            f" FROM measured GROUP BY name UNION ALL {_SEEN}"
        )


@dataclass(frozen=True, slots=True)
class _Attributes:
    kinds: tuple[str, ...]
    most: int

    def __call__(self, terms: Terms) -> str:
        tables = _seen(terms, self.kinds, self.most) | {"measured": _measured("attribute")}
        named = (
            "SELECT a.name AS name, a.record AS record FROM seen JOIN attribute a ON a.record = seen.key"
            " UNION ALL SELECT name, record FROM measured"
        )
        return (
            f"{terms.beginning(tables)} {_BY_UNIT} UNION ALL SELECT name, NULL, NULL, count(DISTINCT record), NULL, NULL"
            f" FROM ({named}) AS named GROUP BY name UNION ALL {_SEEN}"
        )


def _measured(place: Place) -> str:
    name = "q.field" if place == "field" else "q.name"
    return (
        f"SELECT {name} AS name, q.record AS record, q.unit AS unit, q.quantity_kind AS quantity_kind, q.si_min AS si_min,"
        f" q.si_max AS si_max FROM seen JOIN quantity q ON q.record = seen.key WHERE {_PLACES[place]}"
    )
