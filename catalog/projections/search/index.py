"""The seam of search: what an index is asked, as values of no engine, and what it answers.

Whoever asks has settled everything that an index can't know: who may see what, what terms are below others, which
links the reader may be led along, and which records the database alone can choose. The index finds, ranks and counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from catalog.projections.projection import Seen
from catalog.projections.search.words import Clause
from catalog.questions.question import (
    Attributed,
    Compare,
    Dated,
    Exists,
    Identified,
    InScope,
    Linked,
    Measured,
    Missing,
    OfRecord,
    Termed,
)

# ---------------------------------------------------------------------------------------------------- whom it is for


@dataclass(frozen=True, slots=True)
class Among:
    """What lies in one of these scopes, by their keys, or in one of these or below it, by their ids."""

    scopes: frozenset[int] = frozenset()
    below: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies in none of these scopes, by their keys, nor in one of these or below it, by their ids."""

    scopes: frozenset[int] = frozenset()
    below: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Open:
    """What lies open to everyone, as the documents have it; and what lies in one of these scopes, or in one or below it.

    `but`: scopes that have changed since some documents in them or below were made, which are not asked about it.
    """

    but: frozenset[str] = frozenset()
    scopes: frozenset[int] = frozenset()
    below: frozenset[str] = frozenset()


# Where a reader may read: the same set may be said in several ways, and the shortest is the quickest.
Room = Among | Outside | Open
EVERYWHERE = Outside()

# ---------------------------------------------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name stands for in the registered vocabularies: terms (with those below them), and what else they are called."""

    terms: frozenset[str]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The records with these keys: the database chose them."""

    keys: frozenset[int]


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """An attribute of this name is one of these terms."""

    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; of no parts, none does."""

    parts: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The part does not hold."""

    part: Held


# One thing that a question asks of a record.
Single = Compare | Exists | Dated | Missing | OfRecord | InScope | Linked | Measured | Termed | Attributed | Identified
# What records are held to: terms stand for themselves alone (those below them stand beside them), and links lead only
# to what the reader may see.
Held = Single | AttributeIs | Keys | AllOf | AnyOf | NotHeld


@dataclass(frozen=True, slots=True)
class Asked:
    """Which documents are meant.

    A record that was merged is left out where what it became lies in the reader's room. `text`: None where nothing was
    typed; `meant`: what spans of it are the names of. Without `labels`, titles of linked records are not looked at.
    """

    room: Room = EVERYWHERE
    kinds: tuple[str, ...] = ()
    where: Held | None = None
    left_out: frozenset[int] = frozenset()  # keys of records
    text: tuple[Clause, ...] | None = None
    meant: tuple[tuple[str, Meant], ...] = ()
    labels: bool = True


@dataclass(frozen=True, slots=True)
class Sorted:
    """What hits are ordered by: what the catalogue keeps of a record (id, created, modified), or a field of this form."""

    by: str
    form: Literal["record", "date", "number", "text"] = "record"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Moments:
    """When a date begins (or the record was created, modified), in microseconds since 1970."""

    field: str


@dataclass(frozen=True, slots=True)
class Months:
    """The month in which a date begins (or the record was created, modified), counted from the year 0."""

    field: str


@dataclass(frozen=True, slots=True)
class Measures:
    """Quantities of one name and kind (None: of units that the index does not know), in SI units."""

    place: Literal["field", "condition", "attribute"]
    name: str
    kind: str | None
    column: int  # where the index keeps them: those of one name may lie in several
    count: int  # of the documents that were asked about


Scale = Moments | Months | Measures

# ---------------------------------------------------------------------------------------------------- what is answered


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a page, each with its weight (None where something else orders them); and how many there are in all."""

    hits: tuple[tuple[str, float | None], ...]
    total: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The most frequent values of a field, as texts, with how many hits have each."""

    values: tuple[tuple[str, int], ...]
    more: bool
    exact: bool  # no count is an estimate


@dataclass(frozen=True, slots=True)
class Extent:
    """How far values reach."""

    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Title:
    """A title that begins so: of how many records of a kind it is the title; and of which, where it is one only."""

    text: str
    kind: str
    count: int
    id: str | None


class Snapshot(Protocol):
    """The index as it can be read at one moment; it stays as it is for as long as somebody holds it."""

    @property
    def seen(self) -> Seen:
        """Which generation it is, and how far that had come."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it can be read still: what it lies in may be cut off meanwhile."""
        ...

    @property
    def size(self) -> int:
        """How many documents there are, whoever may see them."""
        ...

    def can_tell(self, where: Held) -> bool:
        """Whether the documents tell of which records this holds; where not, the database has to say."""
        ...

    def find(self, asked: Asked, order: Sorted | None, first: int, offset: int) -> Found:
        """The hits behind so many others: without an order by weight, then what changed last; Invalid by an order that it lacks."""
        ...

    def facets(self, asked: Asked, names: Sequence[str], size: int) -> dict[str, Counts]:
        """The most frequent values of each of these facets."""
        ...

    def measures(
        self, asked: Asked, name: str, places: Sequence[Literal["field", "condition", "attribute"]]
    ) -> list[Measures]:
        """Where quantities of this name stand in these documents, the most frequent of each place first."""
        ...

    def extent(self, asked: Asked, scale: Scale) -> Extent | None:
        """The least and the greatest value that the hits have, if any has one."""
        ...

    def steps(self, asked: Asked, scale: Scale, step: int) -> list[tuple[int, int]]:
        """The hits by steps of equal width: where each begins, and how many there are; empty ones are left out.

        Dates that are open at their beginning have no step. Invalid where they are too many to be counted.
        """
        ...

    def ranges(self, asked: Asked, scale: Scale, edges: Sequence[float]) -> tuple[list[int], int]:
        """How many hits lie from each edge until before the next; and how many have a value at all."""
        ...

    def called(self, asked: Asked, start: str, count: int) -> list[str]:
        """Some of the records of which an identifier begins so, by their ids."""
        ...

    def entitled(self, asked: Asked, start: str, count: int, but: Collection[tuple[str, str]] = ()) -> list[str]:
        """Some of the records of which a title begins so, by their ids: quick, however many they are.

        `but` not those of these kinds with these titles.
        """
        ...

    def titles(self, asked: Asked, start: str, count: int) -> list[Title]:
        """The titles that begin so, by how many of the records bear them."""
        ...


class SearchIndex(Protocol):
    """The reading side, in any process: it follows what the book tells. Safe to use from any thread."""

    def snapshot(self, seen: Seen | None) -> Snapshot:
        """What can be read of what the book tells; Unavailable while nothing is built yet or what was built is broken."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...
