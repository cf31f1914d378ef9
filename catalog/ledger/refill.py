"""Filling a kind's new mirror from the ledger, in slices, while the old one answers and everybody goes on writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from sqlalchemy import Connection, Select, func, select, update

from catalog.ledger import rows, terms
from catalog.ledger.mirror import Target, table_name
from catalog.ledger.nodes import Nodes
from catalog.ledger.pen import Pen
from catalog.ledger.sources import Sources
from catalog.ledger.units import units_of
from catalog.records.kinds import Kind, Kinds
from catalog.records.linked import Linked, link_up
from catalog.records.quantities import Units
from catalog.store.tables import change, linked, mirror, node, record, revision

SLICE = 500

Progress = Callable[[str, int, int], None]


def unheard(kind: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


def upgrade_mirrors(
    pen: Pen, nodes: Nodes, kinds: Kinds, sources: Sources, progress: Progress = unheard
) -> Mapping[str, int]:
    """Fill every mirror that waits for it and let it answer; how many records of each kind were filled in.

    Each slice is one transaction that also notes how far it came, so whatever ends this, it goes on from there.
    """
    filled: dict[str, int] = {}
    units = units_of(pen.store)
    for name in pen.mirrors.prepare():
        kind = kinds[name]
        with pen.store.read() as connection:
            of = int(connection.scalar(select(func.count()).where(record.c.kind == name)) or 0)
        done = 0
        while True:
            with pen.store.write() as connection:
                some = _fill_slice(pen, nodes, connection, kind, sources, units)
            if some is None:
                break
            done = min(done + some, of)
            progress(name, done, of)
        filled[name] = done
    return filled


def _fill_slice(
    pen: Pen, nodes: Nodes, connection: Connection, kind: Kind, sources: Sources, units: Units
) -> int | None:
    """Fill in the next records; None when there were none left and the new table was let answer."""
    database = pen.store.database
    database.hold_mirrors(connection, alone=True)
    ours = (mirror.c.kind == kind.name) & (mirror.c.fingerprint == kind.fingerprint) & (mirror.c.state == "filling")
    at = connection.execute(select(mirror.c.filled_to, mirror.c.followed_to).where(ours)).one_or_none()
    if at is None:  # somebody else filled it
        return None
    found = connection.execute(_contents(kind).where(record.c.key > at.filled_to).limit(SLICE)).fetchall()
    if found:
        come = {"filled_to": found[-1].key}
    else:
        # What changed meanwhile was written to both tables, but perhaps by a process that knows the old one only.
        since = connection.execute(
            select(change.c.position, change.c.record)
            .where(change.c.position > at.followed_to)
            .order_by(change.c.position)
            .limit(SLICE)
        ).fetchall()
        if not since:
            pen.mirrors.swap(connection, kind)
            return None
        come = {"followed_to": since[-1].position}
        found = connection.execute(_contents(kind).where(record.c.key.in_({row.record for row in since}))).fetchall()
    database.lock(connection, [row.key for row in found])
    made: list[tuple[int, str, Linked]] = []
    for row in found:
        source = sources.get(row.source)
        made.append(
            (row.key, kind.name, link_up(kind, row.id, orjson.loads(row.body), source.prefixes, source.zone, units))
        )
    keys, _ = nodes.keys(connection, {id for _, _, form in made for id in rows.named_by(kind.name, form)})
    stood_for = terms.named(connection, database, [key for key, _, _ in made]) if kind.name == terms.KIND else {}
    targets = {kind.name: [Target(table_name(kind), tuple(column.name for column in kind.columns))]}
    rows.take_away(connection, database, [(key, name) for key, name, _ in made], targets)
    rows.put(connection, database, made, targets, keys)
    if kind.name == terms.KIND:
        terms.keep(connection, database, pen.clock(), [key for key, _, _ in made], stood_for)
    connection.execute(update(mirror).where(ours).values(come))
    return len(found)


def _contents(kind: Kind) -> Select[tuple[int, str, str, str]]:
    """What is shown of the records of a kind, by key."""
    return (
        select(record.c.key, record.c.source, node.c.id, revision.c.body)
        .join(node, node.c.key == record.c.key)
        .join(revision, (revision.c.record == record.c.key) & (revision.c.number == record.c.shown))
        # What has no linked form (quarantined, expunged, a draft that breaks its kind) has no row in a mirror either.
        .join(linked, linked.c.record == record.c.key)
        .where(record.c.kind == kind.name)
        .order_by(record.c.key)
    )
