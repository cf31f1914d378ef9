"""One question to the catalogue: a tree of values that REST, pages and GraphQL make, and that one SQL statement answers.

The tree says what is asked, never by whom: the reader goes beside it. Every part that a caller gives is *bound*
(marked so below) and reaches the database as a parameter; the rest is the question's shape, from which the
statement is made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, Literal

Scalar = str | int | float | bool
Operator = Literal["eq", "ne", "in", "lt", "le", "gt", "ge", "prefix"]
OPERATORS: tuple[Operator, ...] = ("eq", "ne", "in", "lt", "le", "gt", "ge", "prefix")
Direction = Literal["out", "in"]
Place = Literal["field", "condition", "attribute", "anywhere"]
Count = Literal["none", "bounded", "exact"]
RecordAttribute = Literal["id", "source", "localId", "profile", "created", "modified", "formats"]
RECORD_ATTRIBUTES: tuple[RecordAttribute, ...] = (
    "id",
    "source",
    "localId",
    "profile",
    "created",
    "modified",
    "formats",
)
# What a list may be asked to hold besides what is public; withdrawn records are in no list.
LISTED_STATUSES = ("public", "private", "draft", "suppressed", "quarantined")

MOST_ITEMS = 1_000
MOST_VALUES = 1_000
MOST_PARTS = 200
DEEPEST = 12
BOUNDED_COUNT = 10_000

_BOUND: Mapping[str, Any] = {"bound": True}


def _bound(default: Any = None) -> Any:
    return part(default=default, metadata=_BOUND)


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; what has no value does not hold, so its negation does."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Compare:
    """A field of the body against a value (`in`: a tuple of values); a list, by `eq` and `in`, holds one of them.

    A text field without a language is read as it falls back (en, ja, any); with one, that language and then the other.
    """

    field: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] = part(metadata=_BOUND)
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value; a link field has at least one link that the reader may see."""

    field: str


@dataclass(frozen=True, slots=True)
class Dated:
    """A date field against an interval of UTC times, half open; None is without bound.

    `overlaps`: they share an instant. `before`: the field ends by `start`. `after`: the field begins at `end` or later.
    """

    field: str
    relation: Literal["overlaps", "before", "after"]
    start: str | None = _bound()
    end: str | None = _bound()


@dataclass(frozen=True, slots=True)
class Missing:
    """A date field holds a reason for its absence instead of a date; None is any reason."""

    field: str
    reason: str | None = _bound()


@dataclass(frozen=True, slots=True)
class OfRecord:
    """What the catalogue itself keeps of a record; of `formats`, those of its files, it holds one."""

    attribute: RecordAttribute
    operator: Operator
    value: Scalar | tuple[Scalar, ...] = part(metadata=_BOUND)


@dataclass(frozen=True, slots=True)
class InScope:
    """The record lies in this scope, or below it."""

    scope: str = _bound("")
    below: bool = True


@dataclass(frozen=True, slots=True)
class Linked:
    """There is such a link: `out` from the record, `in` to it. One link has the role, the port, the target and what `where` says.

    Only links to and from records that the reader may see count, and those to IRIs outside.
    """

    field: str | None
    direction: Direction = "out"
    targets: tuple[str, ...] = _bound(())
    role: str | None = _bound()
    port: str | None = _bound()
    kinds: tuple[str, ...] = ()
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity shares a value with [low, high], in SI units; None is without bound.

    `name` is a field's, a condition's or an attribute's, as `place` says. With quantity kinds only quantities of one of
    them are compared, so that 7 keV never meets 7 K.
    """

    name: str = _bound("")
    place: Place = "field"
    low: float | None = _bound()
    high: float | None = _bound()
    quantity_kinds: tuple[str, ...] = _bound(())


@dataclass(frozen=True, slots=True)
class Termed:
    """A field, or any of them, holds one of these terms, by their IRIs; `below`: or one that is below one of them."""

    field: str | None
    terms: tuple[str, ...] = _bound(())
    below: bool = True


@dataclass(frozen=True, slots=True)
class Attributed:
    """An attribute of this name, with this value or term (`below`: or one below it); with neither, any value."""

    name: str = _bound("")
    operator: Literal["eq", "in", "prefix", "exists"] = "exists"
    value: str | tuple[str, ...] | None = _bound()
    term: str | None = _bound()
    below: bool = True


@dataclass(frozen=True, slots=True)
class Identified:
    """An identifier of this value, and of this scheme if one is named."""

    value: str = _bound("")
    scheme: str | None = _bound()


@dataclass(frozen=True, slots=True)
class Inside:
    """What stands in an object, by the names that lead there (none: the item of a list itself), against a value.

    A list, by `eq` and `in`, holds one of them; `exists` and `missing` take no value. A text is read as in `Compare`.
    """

    path: tuple[str, ...]
    operator: Operator | Literal["exists", "missing"]
    value: Scalar | tuple[Scalar, ...] | None = part(default=None, metadata=_BOUND)
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """A field that the mirror does not have holds an object, or a list with one, of which all of this is so."""

    field: str
    members: tuple[Inside, ...] = ()


Condition = (
    And
    | Or
    | Not
    | Compare
    | Exists
    | Dated
    | Missing
    | OfRecord
    | InScope
    | Linked
    | Measured
    | Termed
    | Attributed
    | Identified
    | Holds
)


@dataclass(frozen=True, slots=True)
class Order:
    """By a field of the kind, or by id, created or modified; what has no value comes last in both directions."""

    by: str
    descending: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is told of each record, besides its envelope."""

    body: bool = False
    fields: tuple[str, ...] = ()
    links: bool = False  # every outgoing link with its target's title
    incoming: bool = False  # how many links come in, by field and kind
    files: bool = False  # count and size
    findings: bool = False  # for writers of its scope
    identifiers: bool = False
    linked: bool = False  # the linked form, for RDF


@dataclass(frozen=True, slots=True)
class Question:
    """Which records, in what order, from where on, how many, and what of each."""

    kinds: tuple[str, ...] = ()
    where: Condition | None = None
    statuses: tuple[str, ...] = ("public",)
    order: tuple[Order, ...] = ()
    first: int = _bound(100)
    # The order values and the id of the last item seen, as questions/cursor.py reads them.
    after: After | None = None
    selection: Selection = part(default_factory=lambda: Selection(body=True))
    count: Count = "none"


@dataclass(frozen=True, slots=True)
class After:
    """The place in an order behind which the next page begins; `values` has one for each order, None where it had none."""

    values: tuple[Scalar | None, ...] = _bound(())
    id: str = _bound("")
