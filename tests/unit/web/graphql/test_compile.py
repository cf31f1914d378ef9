"""What a document asks of the database: one tree for all of it, equal parts once, and values that decide nothing left open."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLSchema
from graphql.execution.values import get_variable_values

from catalog.errors import Invalid
from catalog.questions.telling import (
    ById,
    ByIds,
    Constant,
    Drawn,
    EdgeList,
    Edges,
    Listing,
    Mirrored,
    Node,
    Nodes,
    OfKind,
    PageInfo,
    Told,
    Total,
)
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.kinds import load_kinds
from catalog.web.graphql.compile import Words, id_of, types_behind
from catalog.web.graphql.documents import Documents
from catalog.web.graphql.execute import Compiled, _compile
from catalog.web.graphql.given import Later
from catalog.web.graphql.schema import schema_of

KINDS = load_kinds()
SCHEMA: GraphQLSchema = schema_of(KINDS)
DOCUMENTS = Documents(SCHEMA, {})
CATALOG: Any = SimpleNamespace(
    kinds=KINDS,
    vocabulary=vocabulary_of(KINDS),
    sources=SimpleNamespace(find=lambda source: None),
    cursor_key=bytes(32),
)
WORDS = Words(SCHEMA, CATALOG, types_behind(SCHEMA).filters)


def compiled(text: str, **variables: Any) -> Compiled:
    document = DOCUMENTS.read(text)
    operation = document.operation(None)
    values = get_variable_values(SCHEMA, operation.variable_definitions or (), variables)
    assert not isinstance(values, list), values
    made = _compile(WORDS, document, operation, values)
    assert not made.failed, made.failed
    return made


def members(of: Compiled, number: int = 0) -> tuple[Any, ...]:
    """What is told of each record, where all are told alike."""
    asked = of.asked[number]
    if isinstance(asked, Listing):
        (telling,) = [each.telling for each in asked.page if isinstance(each, Nodes)]
    else:
        telling = asked.telling
    (way,) = telling.ways
    return way.members


def test_all_that_reaches_records_is_asked_at_once_and_the_rest_is_left() -> None:
    made = compiled(
        '{ a: sample(id: "sample/x/1") { id } __typename samples { nodes { id } } version: __schema { queryType { name } } }'
    )
    assert made.keys == ("a", "__typename", "samples", "version")
    assert [type(each) for each in made.asked] == [ById, Listing]
    assert [root.key for root in made.roots] == ["a", "samples"]
    assert made.names == {"__typename": "Query"}
    assert made.rest is not None
    (operation, *_) = made.rest.definitions
    assert [each.alias.value for each in operation.selection_set.selections] == ["version"]  # type: ignore[attr-defined]


def test_an_id_is_left_open_and_what_decides_is_known() -> None:
    text = "query($id: ID!, $first: Int, $in: String) { sample(id: $id) { amount(in: $in) { value } samples: derivedFrom(first: $first) { totalCount } } }"
    made = compiled(text, id="sample/x/1", first=3)
    assert [later for _, later in made.later] == [Later(("id",), id_of)]
    document = DOCUMENTS.read(text)
    assert WORDS.deciding(document, document.operation(None)) == {"first", "in"}


def test_variables_of_what_functions_answer_decide_nothing() -> None:
    document = DOCUMENTS.read(
        "query($id: ID!, $name: String!, $with: Boolean!) { __type(name: $name) { name } ...One @include(if: $with) }"
        " fragment One on Query { sample(id: $id) { ...Two } } fragment Two on Sample { title @skip(if: $with) }"
    )
    assert WORDS.deciding(document, document.operation(None)) == {"with"}


def test_members_of_a_body_beside_each_other_are_read_once() -> None:
    made = compiled('{ sample(id: "sample/x/1") { id title keywords { text } amount { value } created tissue } }')
    kinds = [type(each) for each in members(made)]
    assert kinds == [Told, Drawn, Told, Drawn]
    first = members(made)[1]
    assert first.fields == ("title", "keywords", "amount")
    # Terms are read by the prefixes of their source.
    assert first.documents == ("body", "source")
    assert members(made)[3].documents == ("body",)


def test_a_list_is_read_from_the_mirror_where_that_has_just_what_is_asked() -> None:
    assert members(compiled('{ samples { nodes { title(language: "ja") tissue } } }')) == (
        Mirrored("title", "title", "ja"),
        Mirrored("tissue", "tissue"),
    )
    # In other languages only the body has it; and what never passed the gate stands in no mirror.
    for text in (
        '{ samples { nodes { title(language: "de") } } }',
        '{ samples(statuses: ["draft", "quarantined"]) { nodes { title } } }',
    ):
        assert [type(each) for each in members(compiled(text))] == [Drawn]


def test_kinds_that_are_told_alike_are_one_way() -> None:
    made = compiled("{ records { nodes { __typename id title outgoing { totalCount } } } }")
    assert [type(each) for each in members(made)] == [OfKind, Told, Drawn, Edges]
    made = compiled(
        "{ records { nodes { id ... on Sample { tissue } ... on Dataset { type } ... on Record { title } } } }"
    )
    asked = made.asked[0]
    assert isinstance(asked, Listing)
    (nodes,) = asked.page
    assert isinstance(nodes, Nodes)
    assert sorted(len(way.kinds) for way in nodes.telling.ways) == [1, 1, len(KINDS) - 2]


def test_fragments_are_merged_as_one_selection() -> None:
    made = compiled(
        '{ sample(id: "sample/x/1") { ...A derivedFrom { totalCount } ...B } }'
        " fragment A on Sample { derivedFrom { nodes { id } } } fragment B on Record { ... { id } derived: outgoing { totalCount } }"
    )
    edges, told, derived = members(made)
    assert [type(each) for each in edges.page] == [Nodes, Total]
    assert (told.key, derived.key, derived.count) == ("id", "derived", "exact")


def test_cursors_and_edges_are_told_with_the_link() -> None:
    made = compiled(
        '{ dataset(id: "dataset/x/1") { samples { edges { cursor role node { __typename id } } pageInfo { endCursor } } } }'
    )
    (edges,) = members(made)
    listed, info = edges.page
    assert isinstance(listed, EdgeList)
    assert isinstance(info, PageInfo)
    cursor, role, node = listed.members
    assert (cursor.filler, role.of) == (info.filler, "role")
    assert isinstance(node, Node)
    assert node.telling.ways[0].members[0] == Constant("__typename", '"Sample"')


def test_links_lead_outside_unless_something_is_asked_of_their_ends() -> None:
    def edges(arguments: str) -> Edges:
        (found,) = members(compiled(f'{{ dataset(id: "dataset/x/1") {{ samples{arguments} {{ totalCount }} }} }}'))
        assert isinstance(found, Edges)
        return found

    assert edges("").kinds == ()
    assert edges('(role: "measured")').role == "measured"
    assert edges("(orderBy: [{by: title}])").kinds == ("sample",)
    assert edges('(where: {tissue: {eq: "leaf"}})').kinds == ("sample",)


def test_references_are_asked_for_together_in_their_order() -> None:
    made = compiled(
        '{ _entities(representations: [{__typename: "Sample", id: "sample/x/1"}, {__typename: "Dataset", id: "sample/x/2"}])'
        " { ... on Sample { id } } }"
    )
    (asked,) = made.asked
    assert isinstance(asked, ByIds)
    # An id of another kind is the id of nothing.
    assert asked.ids == ("sample/x/1", "")


@pytest.mark.parametrize(
    "text",
    [
        "{ samples(first: 0) { totalCount } }",
        "{ samples(first: 1001) { totalCount } }",
        '{ samples(after: "x") { totalCount } }',
        '{ samples { nodes { amount(in: "blorg") { value } } } }',
        '{ records(kinds: ["blorg"]) { totalCount } }',
    ],
)
def test_what_cannot_be_asked_is_a_failure_of_its_field(text: str) -> None:
    document = DOCUMENTS.read(text)
    operation = document.operation(None)
    values = get_variable_values(SCHEMA, (), {})
    assert not isinstance(values, list)
    made = _compile(WORDS, document, operation, values)
    (failure,) = made.failed.values()
    assert isinstance(failure.original_error, Invalid)
    assert failure.path == [made.keys[0]]
