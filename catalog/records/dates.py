"""Dates as sources write them: EDTF level 0, open intervals, and INSDC's words for a value that is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from catalog.errors import Malformed

Datatype = Literal["year", "month", "date", "dateTime", "edtf", "missing"]

# https://www.insdc.org/submitting-standards/missing-value-reporting/, and the older words that its members still send.
MISSING: Final = frozenset(
    (
        "not applicable",
        "not collected",
        "not provided",
        "not available",
        "not determined",
        "restricted access",
        "missing",
        "missing: control sample",
        "missing: sample group",
        "missing: synthetic construct",
        "missing: lab stock",
        "missing: third party data",
        "missing: data agreement established pre-2023",
        "missing: endangered species",
        "missing: human-identifiable",
    )
)

# What lies outside these can't be reckoned with here; it is kept as written and sorts at the border.
EARLIEST: Final = "0001-01-01T00:00:00.000000Z"
LATEST: Final = "9999-12-31T23:59:59.999999Z"

_DATE: Final = re.compile(
    r"""(?P<year>\d{4})
        (?:-(?P<month>\d\d)
          (?:-(?P<day>\d\d)
            (?:[Tt](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?
              (?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?
            )?
          )?
        )?""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date as written, the time that it covers (half open, in UTC; none where it is open), and its datatype."""

    written: str
    from_: str | None
    until: str | None
    missing: str | None
    datatype: Datatype


@dataclass(frozen=True, slots=True)
class Impossible:
    """What is no date, and why."""

    written: str
    reason: str
    reason_ja: str


# No place on earth is more than 14 hours from UTC.
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
)
_SECOND: Final = timedelta(seconds=1)


class _Refused(Exception):
    """Inside this module only: a part of the text is no date."""

    def __init__(self, reason: str, ja: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ja = ja


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """The time zone of this name in the IANA database, or Malformed."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise Malformed(
            f"there is no time zone {name!r}; use a name such as Asia/Tokyo or UTC",
            ja=f"タイムゾーン {name!r} はありません。Asia/Tokyo や UTC のような名前を使ってください",
        ) from cause


def _utc(moment: datetime) -> str:
    try:
        told = moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST if moment.year < 5000 else LATEST
    return told.isoformat(timespec="microseconds")[:-6] + "Z"


def _later(start: datetime, step: timedelta) -> str:
    try:
        return _utc(start + step)
    except OverflowError:
        return LATEST


def _offset(text: str) -> tzinfo:
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        raise _Refused(f"no place on earth is {text} from UTC", f"UTCとの差 {text} はあり得ません")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _single(text: str, zone: tzinfo) -> tuple[str, str, Datatype]:
    """From, until and datatype of one date without a stroke."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise _Refused(
            "it is not written as EDTF (2019, 2019-03, 2019-03-31, 2019-03-31T12:00:00+09:00, an interval with /)",
            "EDTFの形（2019、2019-03、2019-03-31、2019-03-31T12:00:00+09:00、/ による期間）ではありません",
        )
    year, month, day, hour = found["year"], found["month"], found["day"], found["hour"]
    if year == "0000":  # a year in EDTF, but before what can be reckoned with
        if month is None:
            return EARLIEST, EARLIEST, "year"
        raise _Refused("the year 0 can't be told by month", "西暦0年は月日まで指定できません")
    try:
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=zone)
        if month is None:
            return _utc(start), _utc(start.replace(year=start.year + 1)) if year != "9999" else LATEST, "year"
        if day is None:
            following = start.replace(day=28) + timedelta(days=4) if (year, month) != ("9999", "12") else None
            return _utc(start), _utc(following.replace(day=1)) if following else LATEST, "month"
        if hour is None:
            # Wall time plus a day: in a zone with summer time that is not always 24 hours.
            return _utc(start), _later(start, timedelta(days=1)), "date"
        fraction = found["fraction"] or ""
        moment = start.replace(
            hour=int(hour),
            minute=int(found["minute"] or 0),
            second=int(found["second"] or 0),
            microsecond=int(fraction[:6].ljust(6, "0")) if fraction else 0,
            tzinfo=_offset(found["zone"]) if found["zone"] else zone,
        )
    except ValueError as cause:
        raise _Refused(f"there is no such day or time ({cause})", "暦にない日付・時刻です") from cause
    if found["second"] is None:
        step = timedelta(hours=1) if found["minute"] is None else timedelta(minutes=1)
    else:
        step = timedelta(microseconds=10 ** (6 - min(len(fraction), 6)))
    try:
        start_utc = moment.astimezone(UTC)
    except OverflowError:
        return _utc(moment), _utc(moment), "edtf"
    # xsd:dateTime wants seconds, a capital T and Z, and a colon in the offset.
    proper = (
        found["second"] is not None
        and text[10] == "T"
        and re.search(r"(Z|[+-]\d\d:\d\d|:\d\d(?:\.\d+)?)$", text) is not None
    )
    return _utc(start_utc), _later(start_utc, step), "dateTime" if proper else "edtf"


def _plain(text: str) -> Date | None:
    """A moment as instruments write it (2019-03-31T12:00:00+09:00, or with Z), which is most; None for all else."""
    if _MOMENT.fullmatch(text) is None:
        return None
    try:
        start = datetime.fromisoformat(text).astimezone(UTC)
        return Date(text, _utc(start), _utc(start + _SECOND), None, "dateTime")
    except (ValueError, OverflowError):
        return None  # the long way says why


def _read(text: str, zone: tzinfo) -> Date:
    if (plain := _plain(text)) is not None:
        return plain
    if (word := text.lower()) in MISSING:
        return Date(text, None, None, word, "missing")
    if "/" not in text:
        start, end, datatype = _single(text, zone)
        return Date(text, start, end, None, datatype)
    first, _, last = text.partition("/")
    # ".." is open; nothing at all is unknown (EDTF level 1), which for a filter is the same.
    from_ = None if first in ("", "..") else _single(first, zone)[0]
    until = None if last in ("", "..") else _single(last, zone)[1]
    if from_ is None and until is None:
        raise _Refused("the interval has neither beginning nor end", "期間に始まりも終わりもありません")
    if from_ is not None and until is not None and until <= from_:
        raise _Refused("the interval ends before it begins", "期間の終わりが始まりより前です")
    return Date(text, from_, until, None, "edtf")


@lru_cache(maxsize=65536)
def understand_date(text: str, zone: str = "UTC") -> Date | Impossible:
    """What time a date covers; one without an offset is in `zone`, the source's own."""
    try:
        return _read(text, zone_named(zone))
    except _Refused as cause:
        return Impossible(text, cause.reason, cause.ja)


def is_date(text: str) -> bool:
    """Whether it is a date or a word for a missing one (the schemas' format `edtf`)."""
    # With the zone as most sources have it, so that the linked form finds the answer where this question left it.
    return isinstance(understand_date(text, "UTC"), Date)
