"""What is told of records, member by member, under the keys that the asker chose: the part of a question that an answer's form follows.

A telling is a shape like any question: what is marked bound becomes a parameter. What the database does not put into
words itself it *draws*: it marks the place, with the document that is needed there, and a filler writes the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, Literal

from catalog.questions.question import After, Condition, Count, Direction, Order

_BOUND: Mapping[str, Any] = {"bound": True}


def _bound(default: Any = None) -> Any:
    return part(default=default, metadata=_BOUND)


# What the catalogue keeps of a record and tells without reading its body; `newest` is the revision shown for all but writers.
Kept = Literal[
    "id", "kind", "source", "localId", "profile", "scope", "status", "revision", "newest", "created", "modified"
]
# What of a link is told beside the record at its other end; `to` is the id or the IRI at that end.
OfLink = Literal["field", "to", "role", "port", "order", "predicate", "from", "until", "note", "by"]
# The document that a filler is given; each is JSON.
# body: the body as this reader may see it. linked: the linked form, cut alike. scope: {id, title, path}, the path from the
# root. findings: for writers, else null. files: {version, count, size} or null. entry: {number, at, by, load, agent} of the
# revision shown, each as far as this reader may be told.
# id, source: its own, and that of the source that it comes from.
Document = Literal["body", "linked", "scope", "findings", "files", "entry", "id", "source"]


@dataclass(frozen=True, slots=True)
class Together:
    """A filler that writes all of a text at once, each from (document or documents, kind), so that it may ask once for all."""

    write: Callable[[Sequence[tuple[Any, str]]], Sequence[str]]

    def __call__(self, told: Any, kind: str) -> str:
        (text,) = self.write([(told, kind)])
        return text


# --- of a record


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text for every record: the name of a type. It is JSON."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class OfKind:
    """A text for each kind, as (kind, JSON): so that kinds which are told alike but for their type's name are one way."""

    key: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What the catalogue keeps of it."""

    key: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A field as the mirror of its kind has it; a text in a language as it falls back. Null of what never passed the gate."""

    key: str
    field: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One member or several beside each other, written by the filler of this number from documents of the record.

    Of several documents the filler is given an object, by their names.
    """

    filler: int
    documents: tuple[Document, ...]
    # Which members of the body are read; none: any. Of these alone is looked for what must be cut: for a title or a
    # quantity nothing, while finding out which links of a record are hidden takes longer than all else.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edges:
    """The links of a record as a list with its own filter, order and page.

    Links to and from records that the reader may see; outgoing ones without a condition or kinds also those to IRIs
    outside, which have no record at their end. Without an order, those that go out come as the record tells them (several
    fields: by their names), and those that come in as their records came to be known here: a hub's first page is then read
    off the index. The place in a list ends with a JSON list: `["<field>", <place in the record>, "<id at the other end>"]`.
    """

    key: str
    direction: Direction
    page: tuple[PageMember, ...]
    field: str | None = None
    kinds: tuple[str, ...] = ()
    where: Condition | None = None
    role: str | None = _bound()
    order: tuple[Order, ...] = ()
    first: int = _bound(100)
    after: After | None = None
    count: Count = "none"


@dataclass(frozen=True, slots=True)
class Way:
    """What is told of records of these kinds; none: of any."""

    kinds: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of a record: the first way that is of its kind."""

    ways: tuple[Way, ...]


Member = Constant | OfKind | Told | Mirrored | Drawn | Edges


# --- of a page of a list


@dataclass(frozen=True, slots=True)
class Nodes:
    """The records as a list; what is linked outside is in `EdgeList` alone."""

    key: str
    telling: Telling


@dataclass(frozen=True, slots=True)
class EdgeList:
    """The records, each with its place in the list and its link."""

    key: str
    members: tuple[EdgeMember, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """The record at the end of a link or of a place in a list; null where there is none of ours."""

    key: str
    telling: Telling


@dataclass(frozen=True, slots=True)
class LinkTold:
    """What is told of the link itself."""

    key: str
    of: OfLink


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place in the list: a filler makes it a cursor from `[[values of the order], id]`."""

    key: str
    filler: int


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Whether the list goes on, and where the page begins and ends; each under its key, as (key, what)."""

    key: str
    members: tuple[tuple[str, Literal["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]], ...]
    filler: int  # of the cursors


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are in all; bounded, as many as are counted (the question's `count` says which)."""

    key: str


@dataclass(frozen=True, slots=True)
class TotalIsExact:
    """Whether the total is the whole number."""

    key: str


EdgeMember = Constant | LinkTold | Cursor | Node
PageMember = Constant | Nodes | EdgeList | PageInfo | Total | TotalIsExact


# --- whole questions


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list of records; the fields are those of a question."""

    page: tuple[PageMember, ...]
    kinds: tuple[str, ...] = ()
    where: Condition | None = None
    statuses: tuple[str, ...] = ("public",)
    order: tuple[Order, ...] = ()
    first: int = _bound(100)
    after: After | None = None
    count: Count = "none"


@dataclass(frozen=True, slots=True)
class ById:
    """The record of this id; null if there is none that this reader may see, if it was withdrawn or became another, or is of another kind."""

    telling: Telling
    kinds: tuple[str, ...] = ()
    id: str = _bound("")


@dataclass(frozen=True, slots=True)
class ByIds:
    """The records of these ids as a list in their order, null in the place of each that `ById` would answer with null."""

    telling: Telling
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = part(default=(), metadata={"bound": "whole"})


Asked = Listing | ById | ByIds
