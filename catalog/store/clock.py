"""The time as every table keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]


def now() -> str:
    """This moment as UTC text with microseconds, which sorts as it reads."""
    # A quarter of the time that strftime takes, several times for each request.
    return f"{datetime.now(UTC).isoformat(timespec='microseconds')[:26]}Z"
