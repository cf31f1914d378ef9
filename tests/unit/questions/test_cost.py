"""Arithmetic of costs: sums done beforehand change nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.questions.cost import Part, cost_of, part

NUMBERS = {"a": 0, "b": 1, "c": 7, "d": 1000}

# A tree as it is written, before any sum: what it costs once, how often, and what is in it.
Written = tuple[int, "int | str", tuple["Written", ...]]
times = st.one_of(st.integers(0, 50), st.sampled_from(sorted(NUMBERS)))
written: st.SearchStrategy[Written] = st.recursive(
    st.tuples(st.integers(0, 9), times, st.just(())),
    lambda inner: st.tuples(st.integers(0, 9), times, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=12,
)


def as_part(tree: Written) -> Part:
    own, often, within = tree
    return part(own, tuple(as_part(each) for each in within), often)


def plainly(tree: Written) -> int:
    own, often, within = tree
    return (NUMBERS[often] if isinstance(often, str) else often) * (own + sum(map(plainly, within)))


@given(written)
def test_a_part_costs_what_it_and_what_is_within_cost_as_often_as_they_are_told(tree: Written) -> None:
    assert cost_of(as_part(tree), NUMBERS.__getitem__) == plainly(tree)


@given(written)
def test_what_varies_with_no_number_is_summed_beforehand(tree: Written) -> None:
    made = as_part(tree)
    if not made.varies:
        assert made.parts == ()
        assert cost_of(made, {}.__getitem__) == plainly(tree)
