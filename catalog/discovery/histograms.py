"""How hits spread over dates and quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from catalog.errors import Invalid
from catalog.projections.search.document import micros
from catalog.projections.search.index import Asked, Measures, Moments, Months, Scale, Snapshot
from catalog.questions.search import MOST_BINS, Between, Bin, Histogram, Interval, Range, Spread
from catalog.questions.vocabulary import Vocabulary, unknown
from catalog.records.dates import Date, understand_date
from catalog.records.quantities import SHIPPED, Unit, Unknown, si, understand

OF_RECORD: Final = ("created", "modified")
DAY: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Quantities of one name may stand in several columns where records hold many; so many are looked at.
MOST_COLUMNS: Final = 32


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted: so many hits of a search on a snapshot."""

    snapshot: Snapshot
    asked: Asked
    total: int
    vocabulary: Vocabulary

    def is_date(self, name: str) -> bool:
        """Whether this is a date of some kind's records."""
        return name in OF_RECORD or name in self.dates()

    def dates(self) -> set[str]:
        """The dates of all kinds' records."""
        fields = (field for words in self.vocabulary.kinds.values() for field in words.fields.values())
        return {field.name for field in fields if field.sort == "date" and not field.private}


def spread_of(asked: Histogram, counting: Counting) -> Spread:
    """The histogram that is asked for, or Invalid."""
    if len(asked.edges) > MOST_BINS + 1 or not 1 <= asked.bins <= MOST_BINS:
        raise Invalid(f"histogram: more than {MOST_BINS} bins", ja=f"histogram: 区間は{MOST_BINS}個までです")
    if counting.is_date(asked.field):
        return _over_time(asked, counting)
    return _over_quantity(asked, counting)


def range_of(asked: Range, counting: Counting) -> Between:
    """The range that is asked for, or Invalid."""
    name = asked.field
    if counting.is_date(name):
        if asked.unit is not None:
            raise Invalid(f"range: {name} is a date and has no unit", ja=f"range: {name} は日付で、単位はありません")
        extent = counting.snapshot.extent(counting.asked, Moments(name))
        if extent is None:
            return Between(name, None, None, None)
        return Between(name, None, _moment(extent.least), _moment(extent.greatest))
    held, unit = _measured(Histogram(name, unit=asked.unit), counting)
    found = _extent(held, counting)
    if found is None:
        return Between(name, unit.typed if unit else None, None, None)
    return Between(name, unit.typed if unit else None, _from_si(found[0], unit), _from_si(found[1], unit))


def _moment(micros_: float) -> str:
    return (_EPOCH + timedelta(microseconds=micros_)).isoformat(timespec="microseconds").replace("+00:00", "Z")


# ---------------------------------------------------------------------------------------------------- dates


def _over_time(asked: Histogram, counting: Counting) -> Spread:
    name = asked.field
    if asked.unit is not None:
        raise Invalid(
            f"histogram: {name} is a date, and {asked.unit!r:.40} is no interval; write {name}:year, {name}:month or {name}:day, or "
            f"dates to count between, as in {name}:2024..2025..2026",
            ja=f"histogram: {name} は日付です（{asked.unit!r:.40} は使えません）。{name}:year、{name}:month、{name}:day、または "
            f"{name}:2024..2025..2026 のように書いてください",
        )
    if asked.edges:
        return _between_times(asked, counting)
    interval = asked.interval or _interval(name, counting)
    if interval == "day":
        return _by_day(asked, counting)
    width = 12 if interval == "year" else 1
    found = counting.snapshot.steps(counting.asked, Months(name), width)
    _demand_few(name, interval, len(found))
    bins = [Bin(_written(month, interval), _written(month + width, interval), count) for month, count in found]
    return Spread(name, None, tuple(bins), counting.total - sum(each.count for each in bins))


def _interval(name: str, counting: Counting) -> Interval:
    months = counting.snapshot.extent(counting.asked, Months(name))
    if months is None:
        return "year"
    width = months.greatest - months.least
    return "year" if width > 36 else "month" if width > 1 else "day"


def _written(month: int, interval: Interval) -> str:
    year, number = divmod(month, 12)
    return f"{year:04}" if interval == "year" else f"{year:04}-{number + 1:02}"


def _by_day(asked: Histogram, counting: Counting) -> Spread:
    found = counting.snapshot.steps(counting.asked, Moments(asked.field), DAY)
    _demand_few(asked.field, "day", len(found))
    bins = []
    for moment, count in found:
        start = _EPOCH + timedelta(microseconds=moment)
        end = start + timedelta(days=1)
        bins.append(Bin(start.date().isoformat(), end.date().isoformat(), count))
    return Spread(asked.field, None, tuple(bins), counting.total - sum(each.count for each in bins))


def _demand_few(name: str, interval: str, count: int) -> None:
    if count > MOST_BINS:
        raise Invalid(
            f"histogram: {name} would have {count} bins by {interval}; take a wider interval, or hold the search to a time",
            ja=f"histogram: {name} の区間が{count}個になります。間隔を広げるか、期間を絞ってください",
        )


def _between_times(asked: Histogram, counting: Counting) -> Spread:
    edges = []
    for edge in asked.edges:
        date = understand_date(str(edge))
        if not isinstance(date, Date) or date.from_ is None:
            raise Invalid(f"histogram: {edge!r:.80} is no date", ja=f"histogram: {edge!r:.80} は日付ではありません")
        edges.append(micros(date.from_))
    _demand_rising(asked, edges)
    return _ranges(asked, counting, [Moments(asked.field)], edges, list(map(str, asked.edges)))


def _demand_rising(asked: Histogram, edges: Sequence[float]) -> None:
    if len(edges) < 2 or any(low >= high for low, high in pairwise(edges)):
        raise Invalid(
            f"histogram: the edges of {asked.field} have to rise, and be two at least",
            ja=f"histogram: {asked.field} の境界は二つ以上、小さい順に指定してください",
        )


# ---------------------------------------------------------------------------------------------------- quantities


def _over_quantity(asked: Histogram, counting: Counting) -> Spread:
    name = asked.field
    if asked.interval is not None:
        raise Invalid(f"histogram: {name} is no date", ja=f"histogram: {name} は日付の項目ではありません")
    held, unit = _measured(asked, counting)
    if asked.edges:
        edges = [_in_si(float(edge), unit) for edge in asked.edges]
        _demand_rising(asked, edges)
        return _ranges(asked, counting, held, edges, [float(edge) for edge in asked.edges], unit)
    found = _extent(held, counting)
    if found is None:
        return Spread(name, unit.typed if unit else None, (), counting.total)
    low, high = found
    first, last = _from_si(low, unit), _from_si(high, unit)
    bins = asked.bins if last > first else 1
    width = (last - first) / bins
    # Rounded to what is worth reading; the last edge lies just beyond the greatest value, which so has its place.
    told = [float(f"{first + width * number:.6g}") for number in range(bins + 1)]
    told[0], told[-1] = min(told[0], first), max(told[-1], last)
    if any(one >= other for one, other in pairwise(told)):
        told = [first, last] if last > first else [first, first]
    edges = [_in_si(edge, unit) for edge in told]
    edges[0], edges[-1] = min(edges[0], low), _beyond(max(edges[-1], high))
    return _ranges(asked, counting, held, edges, told, unit)


def _measured(asked: Histogram, counting: Counting) -> tuple[list[Measures], Unit | None]:
    """Where the quantities stand that are meant, and the unit that they are told in."""
    name = asked.field
    held = _measures_of(name, counting)
    unit = _unit(asked)
    if unit is not None:
        _demand_fit(name, unit, counting)
        held = [each for each in held if each.kind in unit.kinds or not unit.kinds]
    elif held:
        # 7 keV and 7 K are not counted together: the kind of quantity that most of the reader's records have.
        weights: Counter[str | None] = Counter()
        for each in held:
            weights[each.kind] += each.count
        (usual, _), *_ = weights.most_common(1)
        held = [each for each in held if each.kind == usual]
        unit = _si_unit(name, usual)
    return held[:MOST_COLUMNS], unit


def _extent(held: Sequence[Measures], counting: Counting) -> tuple[float, float] | None:
    """The least and the greatest value of the hits, in SI."""
    extents = [extent for each in held if (extent := counting.snapshot.extent(counting.asked, each)) is not None]
    if not extents:
        return None
    return min(each.least for each in extents), max(each.greatest for each in extents)


def _measures_of(name: str, counting: Counting) -> list[Measures]:
    kinds = counting.vocabulary.kinds.values()
    fields = [words.fields[name] for words in kinds if name in words.fields]
    # What only hidden records say chooses no unit. All that the reader may see does: it stays when the search is narrowed.
    readable = replace(counting.asked, where=None, text=None, meant=())
    if not fields:
        return counting.snapshot.measures(readable, name, ("condition", "attribute"))
    if any(each.sort != "quantity" for each in fields):
        raise unknown("date or quantity", name, [*OF_RECORD, *counting.dates()])
    return counting.snapshot.measures(readable, name, ("field",))


def _unit(asked: Histogram) -> Unit | None:
    if asked.unit is None:
        return None
    unit = understand(asked.unit)
    if isinstance(unit, Unknown):
        near = f"; did you mean {' or '.join(unit.near)}?" if unit.near else ""
        raise Invalid(
            f"histogram: {asked.unit!r:.80} is not a unit{near}",
            ja=f"histogram: {asked.unit!r:.80} は単位ではありません",
        )
    return unit


def _si_unit(name: str, kind: str | None) -> Unit:
    """What values of this kind are told in where no unit was named: numbers without any would say nothing."""
    unit = SHIPPED.si_unit(kind) if kind else None
    if unit is None:
        near = next(iter(SHIPPED.measuring("", frozenset([kind]))), "%") if kind else "%"
        raise Invalid(
            f"histogram: {name} needs a unit to be told in, as in {name}:20 {near}",
            ja=f"histogram: {name} には単位が必要です。{name}:20 {near} のように書いてください",
        )
    return unit


def _demand_fit(name: str, unit: Unit, counting: Counting) -> None:
    """Refuse a unit in which no value of the field can be told, which empty bars would not say."""
    for words in counting.vocabulary.kinds.values():
        field = words.fields.get(name)
        if field is not None and field.quantity_kind and unit.kinds and field.quantity_kind not in unit.kinds:
            raise Invalid(
                f"histogram: {name} measures {field.quantity_kind}; name a unit of that",
                ja=f"histogram: {name} は {field.quantity_kind} です。その単位を指定してください",
            )


def _in_si(value: float, unit: Unit | None) -> float:
    return value if unit is None else si(value, unit)


def _from_si(value: float, unit: Unit | None) -> float:
    return value if unit is None else float(f"{value / unit.factor - unit.offset:.12g}")


def _beyond(value: float) -> float:
    return value + max(abs(value) * 1e-9, 1e-300)


def _ranges(
    asked: Histogram,
    counting: Counting,
    scales: Sequence[Scale],
    edges: Sequence[float],
    told: Sequence[str] | Sequence[float],
    unit: Unit | None = None,
) -> Spread:
    counts = [0] * (len(edges) - 1)
    present = 0
    for scale in scales:
        found, valued = counting.snapshot.ranges(counting.asked, scale, edges)
        present += valued
        counts = [one + other for one, other in zip(counts, found, strict=True)]
    bins = tuple(Bin(told[number], told[number + 1], count) for number, count in enumerate(counts))
    return Spread(asked.field, unit.typed if unit else None, bins, max(counting.total - present, 0))
