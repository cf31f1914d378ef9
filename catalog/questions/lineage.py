"""What is told of a record's links one by one, and where a page of them begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beyond:
    """The link behind which a page begins: its direction, its field, the record that has it, and its place there."""

    outward: bool
    field: str
    record: str
    place: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link to or from a record, with what it leads to; `at` is its own place in the list."""

    field: str
    role: str | None
    port: str | None
    order: int | None
    predicate: str | None
    since: str | None
    until: str | None
    note: str | None
    by: str | None
    key: int
    id: str
    kind: str | None
    at: Beyond
