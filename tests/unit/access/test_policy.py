"""Who may do what in a scope, decided from values."""

from __future__ import annotations

import pytest

from catalog.access.policy import ScopeFacts, decide, demand, is_insider
from catalog.errors import Forbidden
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader, Right

NOW, BEFORE, AFTER = "2026-06-01T00:00:00.000000Z", "2026-05-01T00:00:00.000000Z", "2026-07-01T00:00:00.000000Z"
RIGHTS: tuple[Right, ...] = ("read", "download", "share", "write", "run", "manage")


def facts(*, is_open: bool = False, metadata: str | None = None, data: str | None = None) -> ScopeFacts:
    return ScopeFacts("a/b/c", ("a", "a/b", "a/b/c"), is_open, metadata, data)


def test_an_administrator_may_everything_and_the_public_nothing_in_a_limited_scope() -> None:
    for right in RIGHTS:
        assert decide(right, facts(), ADMINISTRATOR, NOW)
        assert not decide(right, facts(), PUBLIC, NOW)


@pytest.mark.parametrize(
    ("scope", "read", "download"),
    [
        (facts(is_open=True), True, True),
        (facts(is_open=True, metadata=BEFORE, data=AFTER), True, False),
        (facts(is_open=True, metadata=AFTER), False, False),
        (facts(is_open=True, metadata=NOW, data=NOW), True, True),
        (facts(is_open=False, metadata=BEFORE, data=BEFORE), False, False),
    ],
)
def test_the_public_reads_an_open_scope_whose_embargo_has_passed(scope: ScopeFacts, read: bool, download: bool) -> None:
    assert decide("read", scope, PUBLIC, NOW) is read
    assert decide("download", scope, PUBLIC, NOW) is download


@pytest.mark.parametrize("of", ["a", "a/b", "a/b/c"])
def test_a_grant_holds_in_its_scope_and_below(of: str) -> None:
    assert decide("read", facts(metadata=AFTER), Reader("x", (Grant("read", of),)), NOW)


@pytest.mark.parametrize("of", ["b", "a/b/c/d", "a/bb", "a/b/cc", ""])
def test_a_grant_does_not_hold_above_or_beside_its_scope(of: str) -> None:
    assert not decide("read", facts(), Reader("x", (Grant("read", of),)), NOW)


@pytest.mark.parametrize(
    ("held", "suffices_for"),
    [
        ("read", {"read"}),
        ("download", {"download"}),
        ("share", {"share"}),
        ("write", {"read", "write"}),
        ("run", {"run"}),
        ("manage", {"read", "download", "share", "manage"}),
    ],
)
def test_each_right_suffices_for_what_it_needs(held: Right, suffices_for: set[Right]) -> None:
    reader = Reader("x", (Grant(held, "a/b"),))

    assert {right for right in RIGHTS if decide(right, facts(), reader, NOW)} == suffices_for
    assert is_insider(facts(), reader) is (held in ("write", "manage"))


def test_what_is_not_allowed_is_refused_with_the_right_that_is_lacking() -> None:
    demand("write", facts(), Reader("x", (Grant("write", "a"),)), NOW)
    with pytest.raises(Forbidden, match=r"a/b/c.*write"):
        demand("write", facts(), Reader("x", (Grant("manage", "a"),)), NOW)
