"""Filling a kind's new mirror from the ledger, in slices, while the old one answers and everybody goes on writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from sqlalchemy import Connection, func, select, text

from catalog.ledger import rows
from catalog.ledger.mirror import Target, table_name
from catalog.ledger.nodes import Nodes
from catalog.ledger.pen import Pen
from catalog.ledger.sources import Sources
from catalog.records.kinds import Kind, Kinds
from catalog.records.linked import Linked, link_up
from catalog.store.tables import linked, node, record, revision

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
    for name in pen.mirrors.prepare():
        kind = kinds[name]
        with pen.store.read() as connection:
            of = int(connection.scalar(select(func.count()).where(record.c.kind == name)) or 0)
        done = 0
        while True:
            with pen.store.write() as connection:
                some = _fill_slice(pen, nodes, connection, kind, sources)
            if some is None:
                break
            done += some
            progress(name, done, of)
        filled[name] = done
    return filled


def _fill_slice(pen: Pen, nodes: Nodes, connection: Connection, kind: Kind, sources: Sources) -> int | None:
    """Fill in the next records; None when there were none left and the new table was let answer."""
    database = pen.store.database
    database.hold_mirrors(connection, alone=True)
    named = {"kind": kind.name, "fingerprint": kind.fingerprint}
    at = connection.scalar(
        text("SELECT filled_to FROM mirror WHERE kind = :kind AND fingerprint = :fingerprint AND state = 'filling'"),
        named,
    )
    if at is None:  # somebody else filled it
        return None
    found = connection.execute(
        select(record.c.key, record.c.source, node.c.id, revision.c.body)
        .join(node, node.c.key == record.c.key)
        .join(revision, (revision.c.record == record.c.key) & (revision.c.number == record.c.shown))
        # What has no linked form (quarantined, expunged, a draft that breaks its kind) has no row in a mirror either.
        .join(linked, linked.c.record == record.c.key)
        .where(record.c.kind == kind.name, record.c.key > at)
        .order_by(record.c.key)
        .limit(SLICE)
    ).fetchall()
    if not found:
        pen.mirrors.swap(connection, kind)
        return None
    database.lock(connection, [row.key for row in found])
    made: list[tuple[int, str, Linked]] = []
    for row in found:
        source = sources.get(row.source)
        made.append((row.key, kind.name, link_up(kind, row.id, orjson.loads(row.body), source.prefixes, source.zone)))
    keys, _ = nodes.keys(connection, {link.to for _, _, form in made for link in form.links})
    targets = {kind.name: [Target(table_name(kind), tuple(column.name for column in kind.columns))]}
    rows.take_away(connection, database, [(key, name) for key, name, _ in made], targets)
    rows.put(connection, database, made, targets, keys)
    connection.execute(
        text("UPDATE mirror SET filled_to = :key WHERE kind = :kind AND fingerprint = :fingerprint"),
        {**named, "key": found[-1].key},
    )
    return len(found)
