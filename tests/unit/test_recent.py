"""What is kept of what was worked out: by equality or for one object alone, and up to a bound."""

from __future__ import annotations

from catalog.recent import Recent


def test_what_was_asked_for_lately_is_not_made_again_and_what_was_asked_for_longest_ago_is() -> None:
    made: list[str] = []
    recent: Recent[int] = Recent(2)

    def ask(key: str) -> int:
        def make() -> int:
            made.append(key)
            return len(key)

        return recent.get(key, make)

    assert [ask(key) for key in ("a", "bb", "a", "ccc", "a", "bb")] == [1, 2, 1, 3, 1, 2]

    assert made == ["a", "bb", "ccc", "bb"]


def test_that_nothing_was_made_is_kept_too() -> None:
    recent: Recent[str | None] = Recent(2)
    recent.get("none", lambda: None)

    assert recent.get("none", lambda: "made again") is None


def test_an_object_is_known_by_itself_and_not_by_what_it_equals() -> None:
    recent: Recent[str] = Recent(4)
    one, other = ["same"], ["same"]

    assert recent.about(one, lambda: "one") == "one"
    assert recent.about(other, lambda: "other") == "other"
    assert recent.about(one, lambda: "again") == "one"


def test_no_object_is_taken_for_one_that_lay_where_it_lies_now() -> None:
    recent: Recent[int] = Recent(1_000)

    told = [recent.about([number], lambda number=number: number) for number in range(500)]  # type: ignore[misc]

    assert told == list(range(500))
