"""Whoever asks the graph is told just what the ledger's answers tell them: reader by reader, triple by triple."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from pyoxigraph import DefaultGraph, NamedNode
from sqlalchemy import select, update

from catalog.access.policy import SUFFICIENT
from catalog.access.sight import Sight
from catalog.discovery.export import statements
from catalog.ledger.answer import Answers
from catalog.ledger.standing import Standings
from catalog.projections.graph.embedded import OxigraphGeneration, OxigraphProjection
from catalog.projections.graph.kept import kept
from catalog.projections.graph.quads import graph_of
from catalog.questions.question import Question
from catalog.questions.reader import PUBLIC, Grant, Reader
from catalog.records.linked import link_up
from catalog.store.engine import Store
from catalog.store.tables import linked, node, record, revision, scope
from tests.contract.ledgers import migrated
from tests.contract.small_catalogue import NOW, SCOPES, fill, known_words, small

BASE = "https://catalogue.example/"
ASSOCIATED = "http://www.w3.org/ns/prov#wasAssociatedWith"
KINDS, WORDS = known_words()
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    opened = migrated(address)
    yield opened
    opened.close()


def filled(store: Store, tmp_path: Path, seed: int) -> OxigraphGeneration:
    """A small catalogue in the ledger, with real linked forms, and a graph of it."""
    catalogue = small(seed, 120)
    fill(store, catalogue, KINDS)
    with store.write() as connection:
        for each in catalogue.records:
            key = connection.scalar(select(node.c.key).where(node.c.id == each.id))
            document = link_up(KINDS[each.kind], each.id, each.body, {}).document
            connection.execute(
                update(linked).where(linked.c.record == key).values(document=orjson.dumps(document).decode())
            )
        # Some were entered by a device whose record lies elsewhere, or is not here.
        ids = [each.id for each in catalogue.records]
        for place, id in enumerate(ids[::3]):
            key = connection.scalar(select(node.c.key).where(node.c.id == id))
            device = ids[(place * 7 + 1) % len(ids)] if place % 9 else "agent/lab/none"
            connection.execute(update(revision).where(revision.c.record == key).values(agent=device))
    generation = OxigraphProjection(KINDS, BASE).make(tmp_path / f"graph-{seed}")
    for shown in Standings(store, clock=lambda: NOW).walk():
        generation.apply(shown, [])
    return generation


READERS = [
    PUBLIC,
    *(Reader(f"reads {each.id}", (Grant("read", each.id),)) for each in SCOPES),
    Reader("reads two", (Grant("read", "spring8/2026A1/secret"), Grant("download", "company"))),
    Reader("reads a scope and one below", (Grant("read", "spring8"), Grant("read", "spring8/later"))),
    Reader("reads two beside each other", (Grant("read", "spring8/later"), Grant("read", "spring8/2026A1/secret"))),
]


def records_in(lines: set[str]) -> set[str]:
    return {subject for line in lines if "#" not in (subject := line.partition(">")[0])}


BESIDE_EACH_OTHER = ("reads two", "reads two beside each other")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_reader_finds_in_the_graph_what_the_ledger_answers(store: Store, tmp_path: Path, seed: int) -> None:
    generation = filled(store, tmp_path, seed)
    answers = Answers(store, WORDS, Sight(store.database.name), clock=lambda: NOW)
    with store.read() as connection:
        into = record.alias()
        merged = connection.execute(
            select(node.c.id, scope.c.id)
            .join(record, record.c.key == node.c.key)
            .join(into, into.c.key == record.c.merged_into)
            .join(scope, scope.c.key == into.c.scope)
        ).all()
    compared = 0
    for reader in READERS:
        scopes = reader.scopes_for(*SUFFICIENT["read"])
        graphs = [NamedNode(graph_of(scope, BASE)) for scope in scopes]
        told = {
            f"{quad.subject} {quad.predicate} {quad.object} ."
            for graph in [DefaultGraph(), *graphs]
            for quad in generation.store.quads_for_pattern(None, None, None, graph)
        }
        answered = set(
            kept(b"".join(statements(Question(), reader, answers=answers, kinds=KINDS, base=BASE)))
            .decode()
            .splitlines()
        )

        # One that everyone reads, and that was merged into one that few read, stays for everyone: those few see it, too.
        still = {f"<{BASE}{id}" for id, _ in merged}
        told = {line for line in told if line.partition(">")[0].partition("#")[0] not in still}
        answered = {line for line in answered if line.partition(">")[0].partition("#")[0] not in still}
        if reader.id in BESIDE_EACH_OTHER:
            # A link between two limited scopes stands above both, where its readers may read both ends by one right.
            assert told <= answered
            assert records_in(told) == records_in(answered)
        else:
            assert told == answered, reader.id
        compared += len(answered)
    assert compared > 5_000
    devices = list(generation.store.quads_for_pattern(None, NamedNode(ASSOCIATED), None, None))
    assert len({quad.graph_name for quad in devices}) > 2
