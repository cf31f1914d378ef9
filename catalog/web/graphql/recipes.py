"""How each field of the schema is answered: a value beside the field, which the compiler reads instead of calling resolvers.

A field whose metadata has a recipe is never resolved by running through objects; fields without one belong to types that
plain functions answer (mutations' payloads, search, lineage, administration).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from catalog.questions.question import Direction
from catalog.questions.telling import Kept, OfLink

# The key of `strawberry.field(metadata=…)` under which a recipe stands.
RECIPE: Final = "recipe"
# And under which a number stands, for a field that a function answers: what it costs beside what it tells.
COST: Final = "cost"

# links: of an object in a body (a record's own are told along links): each an id or an IRI as text, or an object with `to`.
Form = Literal["plain", "json", "text", "texts", "date", "quantity", "term", "object", "links"]


# --- at the root: what is compiled as a whole


@dataclass(frozen=True, slots=True)
class OneOf:
    """A record by its id (argument `id`, and `asOf`), of these kinds; none: of any."""

    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeveralOf:
    """Records by their ids (argument `ids`), in their order, null for what cannot be seen."""

    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entities:
    """Records for a gateway (argument `representations`, each with `__typename` and `id`), in their order."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A connection of records (arguments `where`, `orderBy`, `first`, `after`, `statuses`; without kinds also `kinds`)."""

    kinds: tuple[str, ...] = ()


# --- of a record


@dataclass(frozen=True, slots=True)
class KeptOf:
    """What the catalogue keeps of the record."""

    kept: Kept


@dataclass(frozen=True, slots=True)
class InBody:
    """A member of the body, or of an object in it.

    Arguments by form: text, texts: `language`; quantity: `in` (a unit). `named`: only the first of the list whose `name` is
    the argument `name` (`condition(name: "energy", in: "eV")`); then `in` goes on to the quantities inside.
    """

    name: str
    form: Form
    many: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A member of what a form is told as: of a date `text`, `from`, `until`, `missing`; of a quantity `value`, `min`, `max`,
    `uncertainty`, `unit`, `note`, `si`, `siMin`, `siMax`, `siUnit`, `kind`; of a term `term`, `label` (argument `language`),
    `text` (a plain word that stands where a term may)."""

    name: str


@dataclass(frozen=True, slots=True)
class AlongLinks:
    """A connection along a link field: arguments `where`, `role`, `orderBy`, `first`, `after`.

    No field: along any, with arguments `field` and `kinds` too.
    """

    field: str | None
    direction: Direction
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnOf:
    """What is written from a document of the record by a function of its own (compile.py knows these by name).

    The members of `scope`, `findings`, `entry`, `files` and `revisions` are `InBody` of what that function gives; `files` and
    `revisions` take `first` and `after`, and are pages: `nodes`, `pageInfo`, `totalCount`.
    """

    what: Literal["scope", "submitted", "turtle", "jsonLd", "findings", "entry", "myRights", "files", "revisions"]


# --- of connections


@dataclass(frozen=True, slots=True)
class PageOf:
    """A member of a connection."""

    part: Literal["nodes", "edges", "pageInfo", "totalCount", "totalIsExact"]


@dataclass(frozen=True, slots=True)
class PageInfoOf:
    """A member of the page's information."""

    part: Literal["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"]


@dataclass(frozen=True, slots=True)
class EdgeOf:
    """A member of an edge: its node, its cursor, or something of the link."""

    part: Literal["node", "cursor"] | OfLink


Recipe = (
    OneOf | SeveralOf | Entities | ListOf | KeptOf | InBody | Part | AlongLinks | DrawnOf | PageOf | PageInfoOf | EdgeOf
)
