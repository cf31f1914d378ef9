"""What people write for a value becomes a part of a question: dates, quantities with their units, identifiers.

Addresses and GraphQL write them alike, and mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from catalog.errors import Invalid
from catalog.questions.question import (
    And,
    Condition,
    Dated,
    Exists,
    Identified,
    Measured,
    Not,
    OfRecord,
    Operator,
    Or,
    Place,
)
from catalog.records.dates import Date, understand_date
from catalog.records.quantities import Unknown, si, understand

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*):(?!//)(.+)", re.DOTALL)


def any_of(ways: Sequence[Condition]) -> Condition:
    """At least one of them."""
    return ways[0] if len(ways) == 1 else Or(tuple(ways))


def date_of(name: str, value: str) -> Date:
    """The date, time or interval that is written, or Invalid."""
    date = understand_date(value.strip())
    if isinstance(date, Date) and date.missing is None:
        return date
    reason = "" if isinstance(date, Date) else f" ({date.reason})"
    raise Invalid(
        f"{name}: {value!r:.80} is no date, time or interval{reason}; write 2026, 2026-05, 2026-05-10, a time with its offset, or from/until",
        ja=f"{name}: {value!r:.80} は日付・時刻・期間ではありません",
    )


def dated(name: str, operator: Operator, date: Date) -> Condition:
    """A date field compared with a date; `eq` is that they overlap."""
    match operator:
        case "eq":
            return Dated(name, "overlaps", date.from_, date.until)
        case "ge":
            return Dated(name, "overlaps", date.from_, None)
        case "le":
            return Dated(name, "overlaps", None, date.until)
        case "gt" if date.until is not None:
            return Dated(name, "after", None, date.until)
        case "lt" if date.from_ is not None:
            return Dated(name, "before", date.from_, None)
        case "ne":
            return And((Exists(name), Not(Dated(name, "overlaps", date.from_, date.until))))
    raise Invalid(
        f"{name}: a date is compared by eq (they overlap), ne, lt, le, gt, ge, exists or missing",
        ja=f"{name}: 日付には eq(重なり)、ne、lt、le、gt、ge、exists、missing を使います",
    )


def written_at(name: str, attribute: Literal["created", "modified"], operator: Operator, date: Date) -> Condition:
    """When a record was written here, compared with a date."""
    after = None if date.from_ is None else OfRecord(attribute, "ge", date.from_)
    before = None if date.until is None else OfRecord(attribute, "lt", date.until)
    match operator:
        case "eq":
            both = tuple(part for part in (after, before) if part is not None)
            return And(both)
        case "ge" if after is not None:
            return after
        case "le" if before is not None:
            return before
        case "gt" if before is not None:
            return Not(before)
        case "lt" if after is not None:
            return Not(after)
    raise Invalid(
        f"{name}: a time is compared by eq, lt, le, gt or ge", ja=f"{name}: 時刻には eq、lt、le、gt、ge を使います"
    )


def measured(name: str, called: str, place: Place, low: float | None, high: float | None, unit: str) -> Measured:
    """A quantity between these numbers of this unit, or Invalid where that is none; `name` is what the asker calls it."""
    understood = understand(unit)
    if isinstance(understood, Unknown):
        near = f"; did you mean {' or '.join(understood.near)}?" if understood.near else ""
        raise Invalid(f"{name}: {unit!r:.80} is not a unit{near}", ja=f"{name}: {unit!r:.80} は単位ではありません")
    if low is not None and high is not None and low > high:
        raise range_backwards(name, f"{low}..{high} {unit}")
    return Measured(
        called,
        place,
        None if low is None else si(low, understood),
        None if high is None else si(high, understood),
        tuple(understood.kinds),
    )


def range_backwards(name: str, value: str) -> Invalid:
    """The refusal of a range whose end is below its beginning."""
    return Invalid(
        f"{name}: the range {value!r:.80} ends below where it begins", ja=f"{name}: 範囲の上限が下限より小さいです"
    )


def identified(scheme: str, value: str) -> list[Condition]:
    """The ways in which what is written may be an identifier: `doi:10.1/x` is a value, or a scheme and its value."""
    if scheme:
        return [Identified(value, scheme)]
    ways: list[Condition] = [Identified(value)]
    if found := _SCHEME.fullmatch(value):
        ways.append(Identified(found[2], found[1].lower()))
    return ways
