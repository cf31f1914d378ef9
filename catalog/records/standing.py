"""A record as it stands: what projections are made from, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

Name = Literal["graph", "search"]
NAMES: tuple[Name, ...] = ("graph", "search")
# Records are counted and compared in so many buckets for each kind.
BUCKETS = 64


def bucket_of(id: str) -> int:
    """The bucket in which a record is counted, the same in every process."""
    return crc32(id.encode()) % BUCKETS


def scope_path(scope: str) -> tuple[str, ...]:
    """A scope and those above it, the root first: a scope's id is its path."""
    parts = scope.split("/")
    return tuple("/".join(parts[: depth + 1]) for depth in range(len(parts)))


@dataclass(frozen=True, slots=True)
class Lie:
    """Where a public record lies: who may see it. `open`: everyone may read what lies there, now and without end."""

    scope: str
    scope_key: int
    open: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A public record at the other end of a link."""

    lie: Lie
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What is told of a dataset's files where they are too many to name."""

    count: int
    size: int
    formats: tuple[str, ...]


class Unreadable(Mapping[str, Any]):
    """A linked form that is none, since something has spoilt it: whoever asks anything of it is told so by ValueError."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __getitem__(self, key: str) -> Any:
        raise ValueError(self._why)

    def __iter__(self) -> Iterator[str]:
        raise ValueError(self._why)

    def __len__(self) -> int:
        raise ValueError(self._why)


@dataclass(frozen=True, slots=True)
class Standing:
    """A public record as projections are to show it.

    `position` is a place in the ledger's order up to which everything is in it. `document` is its linked form, in which
    nothing is private. `targets` has those of its links' targets that are public records, by id; any other id of ours in
    a link is hidden or not here yet. `merged_into` says where the record is merged into a public one: it then stands
    for nothing where that one may be read.
    """

    key: int
    id: str
    position: int
    kind: str
    source: str
    revision: int
    lie: Lie
    document: Mapping[str, Any]
    links: tuple[str, ...]  # the ids of ours that it links to, whether they are here or not
    targets: Mapping[str, Neighbour]
    merged_into: Lie | None
    profile: str | None
    created_at: str
    modified_at: str
    submitted_at: str  # the revision that is shown
    load: str | None
    files: FileSummary | None = None
    # What follows from others: the terms above it (IRIs, and ids of terms without one), and where the public records lie
    # that bear the same identifier, by id.
    above: tuple[str, ...] = ()
    same: Mapping[str, Lie] = field(default_factory=dict)
    # The public record of the device that entered the revision that is shown, and where it lies.
    agent: tuple[str, Lie] | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that projections are not to show (any more): hidden, withdrawn, expunged, a draft, in quarantine."""

    key: int
    id: str
    position: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a projection can be read now: which generation answers, what to open of it, and how far it came."""

    generation: int
    folder: Path
    visible: str | None
    position: int
    closed_to: int

    @property
    def state(self) -> tuple[int, int, int, str | None]:
        """What tells it from another: what a change spreads to becomes visible while the positions stay as they are."""
        return self.generation, self.position, self.closed_to, self.visible
