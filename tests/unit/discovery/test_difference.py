"""How two bodies differ, in steps that people can read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.discovery.history import _steps


def told(was: Any, now: Any) -> list[tuple[str, str, Any, Any]]:
    return [(step.pointer, step.what, step.was, step.now) for step in _steps("", was, now)]


@pytest.mark.parametrize(
    ("was", "now", "steps"),
    [
        (
            {"title": {"en": "a"}},
            {"title": {"en": "b", "ja": "甲"}},
            [("/title/en", "changed", "a", "b"), ("/title/ja", "added", None, "甲")],
        ),
        ({"tissue": "leaf"}, {}, [("/tissue", "removed", "leaf", None)]),
        ({"a/b~c": 1}, {"a/b~c": 1.5}, [("/a~1b~0c", "changed", 1, 1.5)]),
        ({"flag": 1}, {"flag": True}, [("/flag", "changed", 1, True)]),
        # A link is followed by its target and role, wherever it stands in the list.
        (
            {"samples": [{"to": "sample/a/x", "order": 1}, {"to": "sample/a/y"}]},
            {"samples": [{"to": "sample/a/y"}, {"to": "sample/a/x", "order": 2}]},
            [("/samples/1/order", "changed", 1, 2)],
        ),
        (
            {"samples": ["sample/a/x", "sample/a/y"]},
            {"samples": ["sample/a/y", "sample/a/z"]},
            [("/samples/1", "added", None, "sample/a/z"), ("/samples/0", "removed", "sample/a/x", None)],
        ),
        (
            {"conditions": [{"name": "energy", "quantity": {"value": 7, "unit": "keV"}}]},
            {"conditions": [{"name": "energy", "quantity": {"value": 8, "unit": "keV"}}]},
            [("/conditions/0/quantity/value", "changed", 7, 8)],
        ),
        # Twins have no name of their own: what is equal stays, the rest is compared in order.
        ({"notes": ["a", "a", "b"]}, {"notes": ["a", "c", "b"]}, [("/notes/1", "changed", "a", "c")]),
    ],
)
def test_a_difference_names_what_is_otherwise_and_nothing_else(was: Any, now: Any, steps: list[Any]) -> None:
    assert told(was, now) == steps


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "sample/a/x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["to", "name", "x", "a/b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values, values)
def test_only_equal_values_have_no_difference_but_for_the_order_of_what_has_names(was: Any, now: Any) -> None:
    assert told(was, was) == []
    if not told(was, now):
        assert _unordered(was) == _unordered(now)


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _unordered(each)) for key, each in value.items())
    if isinstance(value, list):
        return sorted(str(_unordered(each)) for each in value)
    return orjson.dumps(value).decode()


def test_each_step_is_said_in_both_languages() -> None:
    (step,) = _steps("/tissue", "leaf", "root")

    assert step.words == {"en": "“leaf” became “root”", "ja": "“leaf” を “root” に変更"}
    assert step.document() == {
        "pointer": "/tissue",
        "what": "changed",
        "was": "leaf",
        "now": "root",
        "words": dict(step.words),
    }
