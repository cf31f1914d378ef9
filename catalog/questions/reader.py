"""Who asks: a value that every reading function takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Right = Literal["read", "download", "share", "write", "run", "manage"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A right in a scope and in all scopes below it; those that are not in force now are left out of a reader."""

    right: Right
    scope: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, with what they may. `administrator` holds every right in every scope."""

    id: str
    grants: tuple[Grant, ...] = ()
    administrator: bool = False

    def scopes_for(self, *rights: Right) -> tuple[str, ...]:
        """The scopes in which one of these rights was granted, each once, in order."""
        return tuple(sorted({grant.scope for grant in self.grants if grant.right in rights}))


PUBLIC = Reader("public")
ADMINISTRATOR = Reader("administrator", administrator=True)
