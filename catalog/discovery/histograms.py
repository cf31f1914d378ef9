"""How hits spread over dates and quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from tantivy import FieldType, Query

from catalog.errors import Invalid
from catalog.projections.search.document import BEGINNING, END, micros
from catalog.projections.search.embedded import Snapshot
from catalog.projections.search.query import Conditions, Measures, every, unweighed
from catalog.questions.search import MOST_BINS, Bin, Histogram, Interval, Spread
from catalog.questions.vocabulary import Vocabulary, unknown
from catalog.records.dates import Date, understand_date
from catalog.records.quantities import Unit, Unknown, si, understand

OF_RECORD: Final = ("created", "modified")
DAY: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Quantities of one name may stand in several columns where records hold many; so many are looked at.
MOST_COLUMNS: Final = 32


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts what a query finds."""

    snapshot: Snapshot
    query: Query
    conditions: Conditions

    def aggregate(self, wanted: Mapping[str, Any], *, among: Query | None = None) -> dict[str, Any]:
        """tantivy's aggregations; Invalid where they would be too many."""
        query = self.query if among is None else every([self.query, unweighed(among)])
        try:
            return self.snapshot.searcher.aggregate(query, dict(wanted))
        except ValueError as problem:
            raise Invalid(
                f"this can't be counted at once ({problem}); hold the search to less, or ask for fewer bins",
                ja="一度に集計できません。条件を絞るか、区間を減らしてください",
            ) from problem


def spread_of(asked: Histogram, counting: Counting, total: int, vocabulary: Vocabulary) -> Spread:
    """The histogram that is asked for, or Invalid."""
    if len(asked.edges) > MOST_BINS + 1 or not 1 <= asked.bins <= MOST_BINS:
        raise Invalid(f"histogram: more than {MOST_BINS} bins", ja=f"histogram: 区間は{MOST_BINS}個までです")
    if asked.field in OF_RECORD or asked.field in counting.snapshot.columns.dates:
        return _over_time(asked, counting, total)
    return _over_quantity(asked, counting, total, vocabulary)


# ---------------------------------------------------------------------------------------------------- dates


def _over_time(asked: Histogram, counting: Counting, total: int) -> Spread:
    name = asked.field
    begins = name if name in OF_RECORD else f"d_{name}_from"
    if asked.edges:
        return _between_times(asked, counting, total, begins)
    if asked.unit is not None:
        raise Invalid(
            f"histogram: {name} is a date, it has no unit", ja=f"histogram: {name} は日付なので単位はありません"
        )
    months = f"m_{name}"
    interval = asked.interval or _interval(counting, months)
    if interval == "day":
        return _by_day(asked, counting, total, begins)
    width = 12 if interval == "year" else 1
    told = counting.aggregate({"all": {"histogram": {"field": months, "interval": width, "min_doc_count": 1}}})
    buckets = told["all"]["buckets"]
    _demand_few(name, interval, len(buckets))
    bins = []
    for bucket in buckets:
        month = int(bucket["key"])
        bins.append(Bin(_written(month, interval), _written(month + width, interval), int(bucket["doc_count"])))
    return Spread(name, None, tuple(bins), total - sum(each.count for each in bins))


def _interval(counting: Counting, months: str) -> Interval:
    told = counting.aggregate({"all": {"stats": {"field": months}}})["all"]
    if not told["count"]:
        return "year"
    width = told["max"] - told["min"]
    return "year" if width > 36 else "month" if width > 1 else "day"


def _written(month: int, interval: Interval) -> str:
    year, number = divmod(month, 12)
    return f"{year:04}" if interval == "year" else f"{year:04}-{number + 1:02}"


def _by_day(asked: Histogram, counting: Counting, total: int, begins: str) -> Spread:
    # What is open at an end would make a bucket at the edge of time.
    dated = Query.range_query(
        counting.snapshot.schema, begins, FieldType.Integer, BEGINNING, END, include_lower=False, include_upper=False
    )
    wanted = {"all": {"histogram": {"field": begins, "interval": DAY, "min_doc_count": 1}}}
    buckets = counting.aggregate(wanted, among=dated)["all"]["buckets"]
    _demand_few(asked.field, "day", len(buckets))
    bins = []
    for bucket in buckets:
        start = _EPOCH + timedelta(microseconds=int(bucket["key"]))
        end = start + timedelta(days=1)
        bins.append(Bin(start.date().isoformat(), end.date().isoformat(), int(bucket["doc_count"])))
    return Spread(asked.field, None, tuple(bins), total - sum(each.count for each in bins))


def _demand_few(name: str, interval: str, count: int) -> None:
    if count > MOST_BINS:
        raise Invalid(
            f"histogram: {name} would have {count} bins by {interval}; take a wider interval, or hold the search to a time",
            ja=f"histogram: {name} の区間が{count}個になります。間隔を広げるか、期間を絞ってください",
        )


def _between_times(asked: Histogram, counting: Counting, total: int, begins: str) -> Spread:
    edges = []
    for edge in asked.edges:
        date = understand_date(str(edge))
        if not isinstance(date, Date) or date.from_ is None:
            raise Invalid(f"histogram: {edge!r:.80} is no date", ja=f"histogram: {edge!r:.80} は日付ではありません")
        edges.append(micros(date.from_))
    _demand_rising(asked, edges)
    return _ranges(asked, [(counting, begins, None)], edges, list(map(str, asked.edges)), total, None)


def _demand_rising(asked: Histogram, edges: Sequence[float]) -> None:
    if len(edges) < 2 or any(low >= high for low, high in pairwise(edges)):
        raise Invalid(
            f"histogram: the edges of {asked.field} have to rise, and be two at least",
            ja=f"histogram: {asked.field} の境界は二つ以上、小さい順に指定してください",
        )


# ---------------------------------------------------------------------------------------------------- quantities


def _over_quantity(asked: Histogram, counting: Counting, total: int, vocabulary: Vocabulary) -> Spread:
    name = asked.field
    if asked.interval is not None:
        raise Invalid(f"histogram: {name} is no date", ja=f"histogram: {name} は日付の項目ではありません")
    columns = _columns_of(asked, counting, vocabulary)
    unit = _unit(asked)
    if unit is not None:
        columns = [each for each in columns if each.kind in unit.kinds or not unit.kinds]
    elif columns:
        # 7 keV and 7 K are not counted together: the kind of quantity that most records have.
        weights: Counter[str | None] = Counter()
        for each in columns:
            weights[each.kind] += each.count
        (usual, _), *_ = weights.most_common(1)
        columns = [each for each in columns if each.kind == usual]
    held = [(counting, each.low, each.term) for each in columns[:MOST_COLUMNS]]
    if asked.edges:
        edges = [_in_si(float(edge), unit) for edge in asked.edges]
        _demand_rising(asked, edges)
        return _ranges(asked, held, edges, [float(edge) for edge in asked.edges], total, asked.unit)
    low, high = _ends(held, counting)
    if low is None or high is None:
        return Spread(name, asked.unit, (), total)
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
    return _ranges(asked, held, edges, told, total, asked.unit)


def _columns_of(asked: Histogram, counting: Counting, vocabulary: Vocabulary) -> list[Measures]:
    name, conditions = asked.field, counting.conditions
    fields = [words.fields[name] for words in vocabulary.kinds.values() if name in words.fields]
    if fields:
        if any(each.sort != "quantity" for each in fields):
            dates = counting.snapshot.columns.dates
            raise unknown("date or quantity", name, [*OF_RECORD, *dates])
        return conditions.measures(name, "field")
    return conditions.measures(name, "anywhere")


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


def _in_si(value: float, unit: Unit | None) -> float:
    return value if unit is None else si(value, unit)


def _from_si(value: float, unit: Unit | None) -> float:
    return value if unit is None else float(f"{value / unit.factor - unit.offset:.12g}")


def _beyond(value: float) -> float:
    return value + max(abs(value) * 1e-9, 1e-300)


def _of(term: str | None, counting: Counting) -> Query | None:
    return None if term is None else Query.term_query(counting.snapshot.schema, "measures", term, "basic")


def _ends(held: Sequence[tuple[Counting, str, str | None]], counting: Counting) -> tuple[float | None, float | None]:
    lows, highs = [], []
    for _, column, term in held:
        told = counting.aggregate({"all": {"stats": {"field": column}}}, among=_of(term, counting))["all"]
        if told["count"]:
            lows.append(float(told["min"]))
            highs.append(float(told["max"]))
    return min(lows, default=None), max(highs, default=None)


def _ranges(
    asked: Histogram,
    held: Sequence[tuple[Counting, str, str | None]],
    edges: Sequence[float],
    told: Sequence[str] | Sequence[float],
    total: int,
    unit: str | None,
) -> Spread:
    ranges = [{"from": float(low), "to": float(high)} for low, high in pairwise(edges)]
    counts = [0] * len(ranges)
    present = 0
    for counting, column, term in held:
        wanted: dict[str, Any] = {
            "all": {"range": {"field": column, "ranges": ranges}},
            "there": {"value_count": {"field": column}},
        }
        made = counting.aggregate(wanted, among=_of(term, counting))
        present += int(made["there"]["value"])
        by_start = {bucket.get("from"): int(bucket["doc_count"]) for bucket in made["all"]["buckets"] if "to" in bucket}
        for number, each in enumerate(ranges):
            counts[number] += by_start.get(each["from"], 0)
    bins = tuple(Bin(told[number], told[number + 1], count) for number, count in enumerate(counts))
    return Spread(asked.field, unit, bins, max(total - present, 0))
