"""What documents are refused before they are checked, each by the limit that it breaks and only by that."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse

from catalog.web.graphql.documents import Documents
from catalog.web.graphql.failures import Refused
from catalog.web.graphql.limits import LIMITS, Limits, hold_document, hold_variables

SCHEMA = build_schema("type Query { a: Query b(x: [Int]): Int c: String } directive @d repeatable on FIELD | QUERY")


def limit_broken(query: str, limits: Limits = LIMITS) -> str | None:
    try:
        hold_document(parse(query), limits)
    except Refused as refused:
        [failure] = refused.failures
        told = failure.extensions
        assert told["found"] > told["most"]
        assert str(told["most"]) in failure.message
        return str(told["limit"])
    return None


def deep(levels: int) -> str:
    return "{ " + "a { " * (levels - 1) + "c" + " }" * (levels - 1) + " }"


def spread(levels: int) -> str:
    """Fragments that each spread the next one twice: short to write, 2^levels fields long."""
    each = "".join(f"fragment f{n} on Query {{ a {{ ...f{n + 1} }} x: a {{ ...f{n + 1} }} }} " for n in range(levels))
    return f"{{ ...f0 }} {each} fragment f{levels} on Query {{ c }}"


@pytest.mark.parametrize(
    ("limit", "allowed", "refused"),
    [
        ("depth", deep(LIMITS.depth), deep(LIMITS.depth + 1)),
        ("aliases", "{ " + " ".join(f"x{n}: a {{ y{n}: c }}" for n in range(50)) + " }",
         "{ " + " ".join(f"x{n}: a {{ y{n}: c }}" for n in range(50)) + " a { z: c } }"),
        ("repeats", "{ " + "c " * 10 + "}", "{ " + "c " * 11 + "}"),
        ("repeats", "{ a { " + "... on Query { c } " * 10 + "} }", "{ a { " + "...f " * 11 + "} } fragment f on Query { c }"),
        ("directives_at", "{ c " + "@d " * 8 + "}", "{ c " + "@d " * 9 + "}"),
        ("directives_at", "query A " + "@d " * 8 + "{ c }", "query A " + "@d " * 9 + "{ c }"),
        ("directives", "{ " + "".join(f"x{n}: c @d @d @d @d " for n in range(25)) + "}",
         "{ " + "".join(f"x{n}: c @d @d @d @d " for n in range(25)) + "c @d }"),
        ("operations", "".join(f"query q{n} {{ c }} " for n in range(20)), "".join(f"query q{n} {{ c }} " for n in range(21))),
        ("fragments", "{ c }" + "".join(f"fragment f{n} on Query {{ c }} " for n in range(100)),
         "{ c }" + "".join(f"fragment f{n} on Query {{ c }} " for n in range(101))),
        ("root_fields", "{ " + "".join(f"x{n}: c " for n in range(50)) + "}",
         "{ " + "".join(f"x{n}: c " for n in range(51)) + "}"),
        ("fields", spread(9), spread(11)),
    ],
)  # fmt: skip
def test_a_document_is_refused_by_the_limit_that_it_breaks(limit: str, allowed: str, refused: str) -> None:
    assert limit_broken(allowed) is None
    assert limit_broken(refused) == limit


def test_fragments_that_double_each_other_are_counted_without_being_written_out() -> None:
    # 2^90 fields.
    assert limit_broken(spread(90), Limits(depth=200)) == "fields"


def test_rings_of_fragments_are_left_to_validation() -> None:
    ring = "{ ...x } fragment x on Query { c ...y } fragment y on Query { c ...x }"
    assert limit_broken(ring) is None
    with pytest.raises(Refused) as refused:
        Documents(SCHEMA, {}).read(ring)
    assert "within itself" in str(refused.value)


def test_fragments_within_fragments_are_no_way_round_the_depth_of_the_walk() -> None:
    assert limit_broken("{ " + "... { " * 160 + "c" + " }" * 160 + " }") == "depth"


def test_text_and_tokens_are_bounded_before_a_tree_is_made() -> None:
    documents = Documents(SCHEMA, {})
    for query, limit in (
        ("{ c }" + " " * LIMITS.characters, "characters"),
        ("{ b(x: [" + "1 " * LIMITS.tokens + "]) }", "tokens"),
    ):
        with pytest.raises(Refused) as refused:
            documents.read(query)
        assert refused.value.failures[0].extensions["limit"] == limit
    with pytest.raises(Refused):
        documents.read("#\n" * (LIMITS.comments + 1) + "{ c }")
    with pytest.raises(Refused):
        documents.read("{ b(x: " + "[" * 3_000 + "]" * 3_000 + ") }")
    assert documents.read("{ c }").operations


def test_no_more_errors_are_told_than_help() -> None:
    with pytest.raises(Refused) as refused:
        Documents(SCHEMA, {}).read("{ " + " ".join(f"nothing{n}" for n in range(49)) + " }")
    assert len(refused.value.failures) == LIMITS.errors + 1


def test_variables_are_bounded_in_size_number_and_depth() -> None:
    deep_: object = 1
    for _ in range(LIMITS.variable_depth + 1):
        deep_ = {"and": [deep_]}
    for variables, size, limit in (
        ({"x": 1}, LIMITS.variables + 1, "variables"),
        ({"x": [1] * LIMITS.values}, 10, "values"),
        ({"x": deep_}, 10, "variable_depth"),
    ):
        with pytest.raises(Refused) as refused:
            hold_variables(variables, size)
        assert refused.value.failures[0].extensions["limit"] == limit
    hold_variables({"x": [1] * 1_000, "y": {"and": [{"or": []}]}}, 10_000)


def test_a_text_is_read_once_and_what_was_wrong_with_it_is_told_again() -> None:
    documents = Documents(SCHEMA, {})
    assert documents.read("{ c }") is documents.read("{ c }")
    for _ in range(2):
        with pytest.raises(Refused, match="nothing"):
            documents.read("{ nothing }")
