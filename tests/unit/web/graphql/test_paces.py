"""How long operations are taken to last, by how long they lasted."""

from __future__ import annotations

from catalog.web.graphql.paces import MOMENT_SECONDS, QUICK_SECONDS, Paces


def test_nothing_is_said_of_what_was_never_tried() -> None:
    paces = Paces()

    assert not paces.is_moment("a")
    assert not paces.is_slow("a")


def test_one_long_time_among_many_short_ones_changes_little() -> None:
    paces = Paces()
    for _ in range(20):
        paces.took("a", MOMENT_SECONDS / 4)

    paces.took("a", MOMENT_SECONDS * 4)

    assert paces.is_moment("a")
    for _ in range(8):
        paces.took("a", MOMENT_SECONDS * 4)
    assert not paces.is_moment("a")


def test_a_first_time_that_was_long_is_forgotten() -> None:
    paces = Paces()
    paces.took("a", MOMENT_SECONDS * 4)
    assert not paces.is_moment("a")

    for _ in range(20):
        paces.took("a", MOMENT_SECONDS / 10)

    assert paces.is_moment("a")


def test_what_was_interrupted_is_slow_until_it_was_quick_again() -> None:
    paces = Paces()
    for _ in range(20):
        paces.took("a", MOMENT_SECONDS / 10)

    paces.took("a", QUICK_SECONDS)

    assert paces.is_slow("a")
    assert not paces.is_slow("b")
    paces.took("a", QUICK_SECONDS / 2)
    assert not paces.is_slow("a")
    assert not paces.is_moment("a")
