"""A question's shape holds none of its values, and gives them back in the order of its slots."""

from __future__ import annotations

from typing import Any

from catalog.questions.question import After, And, Compare, Linked, Not, Question
from catalog.questions.shape import Slot, lift
from catalog.questions.telling import ByIds, Edges, Nodes, Telling, Told, Way


def _lifted(question: Any) -> tuple[Any, list[Any]]:
    values: list[Any] = []
    return lift(question, values), values


def test_two_questions_that_differ_in_values_have_one_shape() -> None:
    one = Question(
        ("sample",), And((Compare("title", "eq", "a"), Not(Linked("projects", targets=("x", "y"), role="r")))), first=5
    )
    other = Question(
        ("sample",), And((Compare("title", "eq", "b"), Not(Linked("projects", targets=("z", "w"), role="q")))), first=7
    )

    assert _lifted(one)[0] == _lifted(other)[0]
    assert _lifted(one)[1] == ["a", "x", "y", "r", 5]
    assert _lifted(other)[1] == ["b", "z", "w", "q", 7]


def test_what_is_absent_belongs_to_the_shape() -> None:
    assert _lifted(Question(where=Linked("projects", role="r")))[0] != _lifted(Question(where=Linked("projects")))[0]
    assert _lifted(Question(after=After((None,), "x")))[0] != _lifted(Question(after=After(("v",), "x")))[0]


def test_many_values_are_filled_up_to_a_power_of_two_and_places_in_an_order_are_not() -> None:
    shape, values = _lifted(Question(where=Compare("title", "in", ("a", "b", "c")), after=After((1, 2, 3), "x")))

    assert values == ["a", "b", "c", "c", 100, 1, 2, 3, "x"]
    assert shape.where.value == (Slot(0), Slot(1), Slot(2), Slot(3))
    assert shape.after.values == (Slot(5), Slot(6), Slot(7))


def test_what_is_told_belongs_to_the_shape_and_what_it_is_told_of_does_not() -> None:
    def asked(key: str, *ids: str) -> ByIds:
        told = Telling((Way((), (Told(key, "id"),)),))
        along = Edges("links", "out", (Nodes("nodes", told),), role="creator", first=3)
        return ByIds(Telling((Way((), (along,)),)), (), ids)

    assert _lifted(asked("a", "x"))[0] == _lifted(asked("a", "y", "z", "y"))[0]
    assert _lifted(asked("a", "x"))[0] != _lifted(asked("b", "x"))[0]
    # The ids as one list: each has its place in the answer, however often it is there.
    assert _lifted(asked("a", "y", "z", "y"))[1] == ["creator", 3, '["y","z","y"]']
