"""What can go wrong, named for what the caller can do about it.

CatalogError
├── Malformed     the text cannot be read as what it claims to be: send it again, written rightly
├── Invalid       it was read, and breaks a rule: mend what the findings name
├── NotFound      there is no such thing for this reader (hidden and absent are one answer)
├── Gone          it was withdrawn: the reason says why
├── Forbidden     the reader may not do this: ask whoever manages the scope
├── Conflict      the state has moved on, or forbids it: read again, then decide
├── TooLarge      more than one request may hold: send less, or in parts
├── TooCostly     more than one question may take of time, memory or answer: ask for less
│   └── TooSlow   it took longer than it may, and was stopped
├── Unavailable   it cannot be done now: try again later
│   ├── Busy      others must catch up with what was sent before: send less at a time, and this later
│   └── Throttled somebody guesses: wait as long as it says
└── Misconfigured the installation's settings or files are wrong: mend them, then start again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.records.finding import Finding


class CatalogError(Exception):
    """Anything that this catalogue refuses or cannot do; its text is fit to be shown to whoever asked."""

    def __init__(self, message: str, *, ja: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.messages = {"en": message, "ja": ja or message}


class Malformed(CatalogError):
    """The text cannot be read as what it claims to be; at this place, where that is known."""

    def __init__(
        self, message: str, *, ja: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, ja=ja)
        self.line = line
        self.column = column


class Invalid(CatalogError):
    """A rule is broken; every finding is named."""

    def __init__(self, message: str, findings: Sequence[Finding] = (), *, ja: str | None = None) -> None:
        super().__init__(message, ja=ja)
        self.findings = tuple(findings)


class NotFound(CatalogError):
    """There is no such thing for this reader."""


class Gone(CatalogError):
    """The record was withdrawn."""

    def __init__(self, message: str, *, reason: str, at: str, ja: str | None = None) -> None:
        super().__init__(message, ja=ja)
        self.reason = reason
        self.at = at


class Forbidden(CatalogError):
    """The reader may not do this."""


class Conflict(CatalogError):
    """The state has moved on, or forbids what was asked."""

    def __init__(self, message: str, *, revision: int | None = None, ja: str | None = None) -> None:
        super().__init__(message, ja=ja)
        self.revision = revision


class TooLarge(CatalogError):
    """More than one request may hold."""


class TooCostly(CatalogError):
    """More than one question may take."""


class TooSlow(TooCostly):
    """It took longer than it may, and was stopped."""


class Unavailable(CatalogError):
    """It cannot be done now."""

    def __init__(self, message: str, *, retry_after_seconds: int = 5, ja: str | None = None) -> None:
        super().__init__(message, ja=ja)
        self.retry_after_seconds = retry_after_seconds


class Busy(Unavailable):
    """Others must catch up with what was sent before."""


class Throttled(Unavailable):
    """Somebody guesses too often."""


class Misconfigured(CatalogError):
    """The installation's settings or files are wrong."""
