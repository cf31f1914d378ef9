"""What queries cost: worked out from the document alone, for the worst that an answer can be."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLSchema, get_introspection_query

from catalog.assembly import kinds_of
from catalog.questions.cost import cost_of
from catalog.settings import Settings
from catalog.web.graphql.documents import Documents
from catalog.web.graphql.schema import schema_of
from catalog.web.graphql.weighing import Weigher, number_from


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return schema_of(kinds_of(Settings()))


def cost(schema: GraphQLSchema, text: str, **variables: Any) -> int:
    document = Documents(schema, {}).read(text)
    operation = document.operation(None)
    return cost_of(Weigher(schema, document.fragments).part(operation), number_from(operation, variables))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ('{ dataset(id: "x") { id title } }', 1),
        # The list itself, and each of its records; 20 if nobody says how many.
        ("{ datasets { nodes { id } } }", 1 + 20),
        ("{ datasets(first: 100) { nodes { id } } }", 1 + 100),
        ("{ datasets(first: 0) { nodes { id } } }", 1),
        # Edges are as many again, and the record at the end of each.
        ("{ datasets(first: 100) { edges { cursor node { id } } } }", 1 + 100 * (1 + 1)),
        ("{ datasets(first: 100) { nodes { samples(first: 5) { nodes { id } } } } }", 1 + 100 * (1 + 1 + 5)),
        # A total is counted beyond the page; what is drawn from a whole document is written for each.
        ("{ datasets(first: 10) { totalCount } }", 1 + 5),
        ("{ datasets(first: 10) { nodes { turtle } } }", 1 + 10 * (1 + 5)),
        # Ten plain fields are as much as the record.
        ("{ datasets(first: 10) { nodes { " + " ".join(f"a{n}: id" for n in range(25)) + " } } }", 1 + 10 * (1 + 2)),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        # The same under two names is asked twice.
        ("{ a: datasets { nodes { id } } b: datasets { nodes { id } } }", 2 * (1 + 20)),
    ],
)
def test_a_query_costs_what_its_answer_can_tell(schema: GraphQLSchema, query: str, expected: int) -> None:
    assert cost(schema, query) == expected


def test_fragments_cost_what_they_hold_wherever_they_are_spread(schema: GraphQLSchema) -> None:
    plain = "{ datasets(first: 7) { nodes { samples(first: 3) { nodes { id turtle } } } } }"
    spread = (
        "{ datasets(first: 7) { ...page } } fragment page on DatasetConnection { nodes { ...samples } } "
        "fragment samples on Dataset { ... on Record { id } samples(first: 3) { ... { nodes { id turtle } } } }"
    )
    assert cost(schema, spread) == cost(schema, plain)


def test_variables_say_how_many_as_numbers_and_as_lists(schema: GraphQLSchema) -> None:
    query = "query($n: Int! = 50, $m: Int) { datasets(first: $n) { nodes { samples(first: $m) { nodes { id } } } } }"
    assert cost(schema, query) == 1 + 50 * (1 + 1 + 20)
    assert cost(schema, query, n=2, m=3) == 1 + 2 * (1 + 1 + 3)
    # What is no number is refused later, and makes nothing cheaper than nothing.
    assert cost(schema, query, n=-5, m=3) == 1
    assert cost(schema, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["a"] * 70) == 70


def test_the_whole_schema_can_be_asked_for_once(schema: GraphQLSchema) -> None:
    assert 10_000 < cost(schema, get_introspection_query()) < 100_000


def test_a_record_of_unknown_number_counts_as_many(schema: GraphQLSchema) -> None:
    few = cost(schema, '{ lineage(id: "x", direction: UPSTREAM) { nodes { distance } } }')
    many = cost(
        schema,
        '{ lineage(id: "x", direction: UPSTREAM) { nodes { record { id samples: outgoing { nodes { id } } } } } }',
    )
    assert many > few
