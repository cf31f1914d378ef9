"""When something begins or ends, as somebody wrote it."""

from __future__ import annotations

from catalog.errors import Invalid
from catalog.records.dates import Date, understand_date


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
