"""A cursor comes back as it was given out, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.questions.cursor import read_cursor, write_cursor
from catalog.questions.question import After, Order

ORDER = (Order("title", True, "ja"), Order("created"))
KEY = bytes(range(32))
values = st.none() | st.text() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.tuples(values, values), st.text())
def test_a_cursor_is_read_as_it_was_written(values: tuple[object, object], id: str) -> None:
    after = After(values, id)  # type: ignore[arg-type]

    assert read_cursor(write_cursor(after, ORDER), ORDER) == after


@given(st.data())
def test_an_altered_cursor_is_refused(data: st.DataObject) -> None:
    cursor = write_cursor(After(("鉄", None), "sample/a/b"), ORDER)
    place = data.draw(st.integers(0, len(cursor) - 2))
    letter = data.draw(st.sampled_from("ABCDxyz019-_").filter(lambda letter: letter != cursor[place]))

    with pytest.raises(Invalid, match="cursor"):
        read_cursor(cursor[:place] + letter + cursor[place + 1 :], ORDER)


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        read_cursor(text, ORDER)


@pytest.mark.parametrize("other", [(), ORDER[:1], (ORDER[1], ORDER[0]), (Order("title", False, "ja"), ORDER[1])])
def test_a_cursor_of_another_order_is_refused(other: tuple[Order, ...]) -> None:
    cursor = write_cursor(After(("x", "y"), "sample/a/b"), ORDER)

    assert read_cursor(cursor, ORDER).id == "sample/a/b"
    with pytest.raises(Invalid, match="cursor"):
        read_cursor(cursor, other)


def test_a_cursor_that_is_too_long_is_not_even_read() -> None:
    with pytest.raises(Invalid, match="cursor"):
        read_cursor("A" * 10_000, ())


@given(st.tuples(values, values), st.text())
def test_a_sealed_cursor_is_read_with_its_key_alone(values: tuple[object, object], id: str) -> None:
    after = After(values, id)  # type: ignore[arg-type]
    cursor = write_cursor(after, ORDER, KEY)

    assert cursor == write_cursor(after, ORDER, KEY)
    assert read_cursor(cursor, ORDER, KEY) == after
    for order, key in ((ORDER, bytes(32)), (ORDER, None), (ORDER[:1], KEY), ((), KEY)):
        with pytest.raises(Invalid, match="cursor"):
            read_cursor(cursor, order, key)


@given(st.text(max_size=60))
def test_nobody_makes_a_cursor_that_is_to_be_sealed(text: str) -> None:
    for made in (text, write_cursor(After((), text), ())):
        with pytest.raises(Invalid, match="cursor"):
            read_cursor(made, (), KEY)


def test_a_sealed_cursor_does_not_show_how_far_it_is_even_by_its_length() -> None:
    far, near = (write_cursor(After((), f'["samples",{place},"sample/a/1"]'), (), KEY) for place in (12_000, 7))

    assert far != near
    assert len(far) == len(near)
