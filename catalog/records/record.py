"""The words of the catalogue as values: what is submitted, what is kept, and what is said between records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Status = Literal["public", "private", "draft", "suppressed", "withdrawn", "quarantined"]
Mode = Literal["strict", "tolerant"]


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody says about one thing, before anything was checked but its envelope.

    `as_sent` is the text as it came where that is not byte for byte what `body` would be written as.
    """

    kind: str
    source: str
    local_id: str | None
    body: Mapping[str, Any]
    profile: str | None = None
    scope: str | None = None
    status: Literal["public", "private", "draft"] | None = None
    revision: int | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    as_sent: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A catalogue, database or facility that records come from, in one of its versions."""

    id: str
    version: int
    title: Mapping[str, str]
    home_scope: str
    prefixes: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    licence: str | None = None
    contact: str | None = None
    homepage: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, and the record of the device as which they did it, if it was one."""

    id: str
    agent: str | None = None


# Who writes: one who is no device is told by id alone.
By = str | Actor


def actor_of(by: By) -> Actor:
    """Who writes, and as which device."""
    return by if isinstance(by, Actor) else Actor(by)


# The rows beside a record are named tuples: a load makes a dozen for each record, and a frozen dataclass takes four
# times as long to make (1.4 µs).
class Link(NamedTuple):
    """A relation from a record to a record or an outside IRI; the first six say which link it is."""

    field: str
    to: str
    role: str | None = None
    port: str | None = None
    predicate: str | None = None
    from_: str | None = None
    order: int | None = None
    until: str | None = None
    note: str | None = None
    by: str | None = None


class Quantity(NamedTuple):
    """A number or range with a unit, as it came, and its SI value beside it.

    `field` is where it stands ("amount", "conditions", "attributes"); `name` the condition's or attribute's own name.
    `si_min` and `si_max` are both set (equal for a single value) whenever the unit is known, else both None.
    """

    field: str
    name: str | None
    value: float | None
    min: float | None
    max: float | None
    uncertainty: float | None
    unit: str
    quantity_kind: str | None
    si_min: float | None
    si_max: float | None


class Attribute(NamedTuple):
    """A name and a value that no field of the kind has; numbers with units are quantities beside it."""

    name: str
    value: str | None
    term: str | None
    origin: str


class TermUse(NamedTuple):
    """A term that a record names, by its IRI, and the field in which it does: `techniques`, `attributes.valueTerms`."""

    field: str
    term: str


class Identifier(NamedTuple):
    """A name by which the thing is known elsewhere."""

    scheme: str
    value: str
    primary: bool
    state: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One stored state of a record's content; never changed."""

    record: str
    number: int
    kind: str
    source: str
    local_id: str
    profile: str | None
    scope: str
    body: Mapping[str, Any]
    hash: str
    at: str
    by: str
