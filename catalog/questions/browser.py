"""Through what somebody signs in: a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Browser:
    """The network's address, what the program calls itself, and the session that it had before."""

    address: str
    agent: str = ""
    instead_of: str | None = None
