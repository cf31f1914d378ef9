"""The queries that the page offers: each finds something in the sample, and declares every prefix that it uses."""

from __future__ import annotations

import pyoxigraph
import pytest

from catalog.records.triples import triples
from catalog.web.example_queries import EXAMPLES, ExampleQuery
from tests.unit.web.sample_forms import sample_documents, sample_kinds


@pytest.fixture(scope="module")
def graph() -> pyoxigraph.Store:
    """The whole sample as everyone's graph."""
    store = pyoxigraph.Store()
    told = triples(sample_kinds(), list(sample_documents().values()), "https://catalogue.example.org/")
    store.load(told, format=pyoxigraph.RdfFormat.N_TRIPLES)
    return store


def test_there_are_enough_of_them_and_no_two_are_alike() -> None:
    assert len(EXAMPLES) >= 8
    for part in ("name", "en", "ja", "query"):
        assert len({getattr(example, part) for example in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_finds_something(example: ExampleQuery, graph: pyoxigraph.Store) -> None:
    found = graph.query(example.query)
    assert bool(found) if isinstance(found, pyoxigraph.QueryBoolean) else list(found)
