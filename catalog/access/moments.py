"""When something begins or ends, as somebody wrote it, or so long after another moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.errors import Invalid
from catalog.records.dates import Date, understand_date

_WRITTEN = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment_told(name: str, told: str | None) -> str | None:
    """The moment that a time or a day names; of a day its beginning."""
    if told is None:
        return None
    date = understand_date(told) if isinstance(told, str) else None
    if not isinstance(date, Date) or date.from_ is None or date.datatype in ("edtf", "missing"):
        raise Invalid(
            f"{name}: {told!r:.80} is no day or time; write 2030-04-01 or 2030-04-01T00:00:00+09:00",
            ja=f"{name}: {told!r:.80} は日付・時刻ではありません",
        )
    return date.from_


def later(moment: str, by: timedelta) -> str:
    """A moment that much later (or earlier), written alike."""
    return (datetime.strptime(moment, _WRITTEN) + by).strftime(_WRITTEN)  # noqa: DTZ007 - both are UTC, as all text is


def timestamp(moment: str) -> float:
    """A moment as signed tokens tell it: seconds since 1970."""
    return seconds_between("1970-01-01T00:00:00.000000Z", moment)


def seconds_between(earlier: str, moment: str) -> float:
    """How long it is from one moment to another."""
    return (datetime.strptime(moment, _WRITTEN) - datetime.strptime(earlier, _WRITTEN)).total_seconds()  # noqa: DTZ007
