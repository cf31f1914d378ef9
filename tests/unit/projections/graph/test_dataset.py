"""Which graphs a reader may name."""

from __future__ import annotations

from catalog.projections.graph.dataset import Dataset

SCOPES = "http://c.example/scopes/"


def test_what_lies_in_or_below_a_granted_scope_may_be_named_and_nothing_else() -> None:
    dataset = Dataset(SCOPES, within=frozenset({"a", "b/c"}))

    for scope in ("a", "a/x", "a/x/y", "b/c", "b/c/d"):
        assert dataset.may(SCOPES + scope), scope
    for graph in (
        SCOPES + "b",
        SCOPES + "ab",
        SCOPES + "c",
        SCOPES + "b/cc",
        SCOPES,
        SCOPES + "a/../b",
        SCOPES + "a//b",
        SCOPES + "a/",
        SCOPES + "a/./x",
        "http://c.example/scopes",
        "http://other.example/scopes/a",
        "a",
        "",
    ):
        assert not dataset.may(graph), graph


def test_the_administrator_may_name_every_scope_and_the_public_none() -> None:
    assert Dataset(SCOPES, within=None).may(SCOPES + "any/where")
    assert not Dataset(SCOPES, within=None).may("http://other.example/graph")
    assert not Dataset(SCOPES, within=frozenset()).may(SCOPES + "any/where")


def test_a_graph_below_another_is_not_joined_to_it_but_can_be_named() -> None:
    dataset = Dataset(SCOPES, within=None)
    asked = [SCOPES + scope for scope in ("a/x", "a", "b", "ab", "b", "a/x/y")]

    joined, named = dataset.of(asked, asked)

    assert joined == [SCOPES + "a", SCOPES + "ab", SCOPES + "b"]
    assert named == sorted(set(asked))


def test_a_dataset_is_the_same_in_another_process() -> None:
    for dataset in (
        Dataset(SCOPES),
        Dataset(SCOPES, open=False, graphs=(SCOPES + "a",), within=frozenset({"a"})),
        Dataset(SCOPES, within=None, chosen=((SCOPES + "a",), ())),
    ):
        assert Dataset.read(dataset.document()) == dataset
