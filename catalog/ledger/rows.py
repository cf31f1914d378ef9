"""The rows that follow from a record's linked form: put in, and taken away, many records at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from catalog.ledger.mirror import Target, mirror_row, targets_of
from catalog.records.record import Attribute, Identifier, Link, Quantity, TermUse
from catalog.store.database import Database, Row

DERIVED = ("link", "quantity", "attribute", "identifier", "term_use", "linked")
VALUE_KEY = 64

LINK_COLUMNS = (
    "record",
    "field",
    "place",
    "target",
    "role",
    "port",
    "predicate",
    "from",
    "order",
    "until",
    "note",
    "by",
)
QUANTITY_COLUMNS = "record place field name value min max uncertainty unit quantity_kind si_min si_max".split()
ATTRIBUTE_COLUMNS = ("record", "place", "name", "value", "value_key", "term", "origin")
IDENTIFIER_COLUMNS = ("record", "place", "scheme", "value", "is_primary", "state")
TERM_COLUMNS = ("record", "field", "term")
# The scheme of an identifier that is the IRI of the term which a record of that kind describes.
IRI, TERM = "iri", "term"

_link_rest = attrgetter("role", "port", "predicate", "from_", "order", "until", "note", "by")
_identifier = attrgetter("scheme", "value", "primary", "state")
_quantity = attrgetter(
    "field", "name", "value", "min", "max", "uncertainty", "unit", "quantity_kind", "si_min", "si_max"
)


class LinkedForm(Protocol):
    """What of a record's linked form is stored (records/linked.py makes it)."""

    @property
    def document(self) -> dict[str, Any]: ...
    @property
    def links(self) -> tuple[Link, ...]: ...
    @property
    def quantities(self) -> tuple[Quantity, ...]: ...
    @property
    def attributes(self) -> tuple[Attribute, ...]: ...
    @property
    def identifiers(self) -> tuple[Identifier, ...]: ...
    @property
    def terms(self) -> tuple[TermUse, ...]: ...
    @property
    def columns(self) -> dict[str, Any]: ...


def put(
    connection: Connection,
    database: Database,
    records: Iterable[tuple[int, str, LinkedForm]],
    targets: Mapping[str, Sequence[Target]],
    nodes: Mapping[str, int],
) -> None:
    """Store what follows from these linked forms, given as (key, kind, linked form); `nodes` has all that they name."""
    documents: list[Row] = []
    links: list[Row] = []
    quantities: list[Row] = []
    attributes: list[Row] = []
    identifiers: list[Row] = []
    terms: list[Row] = []
    mirrors: dict[Target, list[Row]] = {}
    for key, kind, linked in records:
        documents.append((key, orjson.dumps(linked.document).decode()))
        links += [
            (key, link.field, place, nodes[link.to], *_link_rest(link)) for place, link in enumerate(linked.links)
        ]
        quantities += [(key, place, *_quantity(each)) for place, each in enumerate(linked.quantities)]
        attributes += [
            (key, place, each.name, each.value, each.value and each.value[:VALUE_KEY], each.term, each.origin)
            for place, each in enumerate(linked.attributes)
        ]
        identifiers += [(key, place, *_identifier(each)) for place, each in enumerate(linked.identifiers)]
        terms += [(key, field, nodes[term]) for field, term in linked.terms]
        for target in targets_of(targets, kind):
            mirrors.setdefault(target, []).append(mirror_row(key, target, linked.columns))
    insert = database.insert
    insert(connection, "linked", ("record", "document"), documents)
    insert(connection, "link", LINK_COLUMNS, links)
    insert(connection, "quantity", QUANTITY_COLUMNS, quantities)
    insert(connection, "attribute", ATTRIBUTE_COLUMNS, attributes)
    insert(connection, "identifier", IDENTIFIER_COLUMNS, identifiers)
    insert(connection, "term_use", TERM_COLUMNS, terms)
    for target, rows in mirrors.items():
        insert(connection, target.table, ("record", *target.columns), rows)


def named_by(kind: str, linked: LinkedForm) -> list[str]:
    """Every id and IRI that must be a node before the rows of this linked form are put in."""
    names = [link.to for link in linked.links]
    if linked.terms:
        names += [use.term for use in linked.terms]
    if kind == TERM:
        names += [each.value for each in linked.identifiers if each.scheme == IRI]
    return names


def take_away(
    connection: Connection,
    database: Database,
    records: Collection[tuple[int, str]],
    targets: Mapping[str, Sequence[Target]],
) -> None:
    """Remove all that followed from these records' linked forms, given as (key, kind)."""
    if not records:
        return
    keys = database.listed(key for key, _ in records)
    for table in DERIVED:
        connection.exec_driver_sql(f'DELETE FROM "{table}" WHERE {database.among("record")}', (keys,))
    by_kind: dict[str, list[int]] = {}
    for key, kind in records:
        by_kind.setdefault(kind, []).append(key)
    for kind, of_kind in by_kind.items():
        for target in targets_of(targets, kind):
            connection.exec_driver_sql(
                f'DELETE FROM "{target.table}" WHERE {database.among("record")}', (database.listed(of_kind),)
            )


def too_long(linked: LinkedForm, bytes_at_most: int) -> str | None:
    """The field of a text that must stand in an index and is longer than it has room for; None if all fit."""
    surely = bytes_at_most // 4
    for link in linked.links:
        if len(link.to) > surely and len(link.to.encode()) > bytes_at_most:
            return link.field
    for use in linked.terms:
        if len(use.term) > surely and len(use.term.encode()) > bytes_at_most:
            return use.field.replace(".", "/")
    for identifier in linked.identifiers:
        if len(identifier.value) > surely and len(identifier.value.encode()) > bytes_at_most:
            return "identifiers"
    for attribute in linked.attributes:
        if len(attribute.name) > surely and len(attribute.name.encode()) > bytes_at_most:
            return "attributes"
    for quantity in linked.quantities:
        if quantity.name and len(quantity.name) > surely and len(quantity.name.encode()) > bytes_at_most:
            return quantity.field
    return None
