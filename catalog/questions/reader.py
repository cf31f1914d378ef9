"""Who asks: a value that every reading function takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from catalog.records.record import Actor

Right = Literal["read", "download", "share", "write", "run", "manage"]
RIGHTS: Final[tuple[Right, ...]] = ("read", "download", "share", "write", "run", "manage")


_ALONE: Final[Mapping[Right, frozenset[Right]]] = {right: frozenset((right,)) for right in RIGHTS}


@dataclass(frozen=True, slots=True)
class Grant:
    """A right in a scope and in all scopes below it; those that are not in force now are left out of a reader."""

    right: Right
    scope: str


# Not slotted: what is worked out from many grants is kept with them.
@dataclass(frozen=True)
class Reader:
    """Who asks, with what they may. `administrator` holds every right in every scope."""

    id: str  # public, administrator, person:…, workload:…, link:…, source:…
    grants: tuple[Grant, ...] = ()
    administrator: bool = False
    # Everyone, themselves and their groups, by key: what is stored for them is theirs.
    holders: tuple[int, ...] = ()
    # Whether `grants` are what is stored for `holders`, no less and no more: statements may then join it. What visas allow
    # stands beside it, which is never more than `download`.
    stored: bool = False
    # A source's own token writes records of that source only, wherever it may write.
    source: str | None = None
    # The record of type device that acts: an instrument, a robot.
    agent: str | None = None
    # The id of the API token that is carried, and whether it stands for less than whom it belongs to.
    token: str | None = None
    partial: bool = False

    @property
    def person(self) -> str | None:
        """The person's id; None if nobody in person asks: a part of somebody's rights is not that somebody."""
        return self.id if self.id.startswith("person:") and not self.partial else None

    @property
    def actor(self) -> Actor:
        """Who acts, as what is written down says."""
        return Actor(self.id, self.agent)

    @cached_property
    def rights_in(self) -> Mapping[str, frozenset[Right]]:
        """The rights that were granted in each scope, not counting those above it."""
        found: dict[str, frozenset[Right]] = {}
        for grant in self.grants:
            # One set for all scopes with the same rights: a set for each of 50,000 took 190 ms, this takes 15.
            held, alone = found.get(grant.scope), _ALONE[grant.right]
            found[grant.scope] = alone if held is None else held | alone
        return found

    def holds(self, rights: Iterable[Right], path: Iterable[str]) -> bool:
        """Whether one of these rights was granted in a scope, told by its path from the root, or above it."""
        held = self.rights_in
        return any(not held[scope].isdisjoint(rights) for scope in path if scope in held)

    def scopes_for(self, *rights: Right) -> tuple[str, ...]:
        """The scopes in which one of these rights was granted, each once, in order."""
        return tuple(sorted(scope for scope, held in self.rights_in.items() if not held.isdisjoint(rights)))


PUBLIC = Reader("public")
ADMINISTRATOR = Reader("administrator", administrator=True)
