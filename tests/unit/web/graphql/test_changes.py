"""Who listens to changes is told each by the rights that they have when they come to it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from catalog.discovery.changes import Feed, Told
from catalog.questions.reader import PUBLIC
from catalog.web.graphql import changes


def told(position: int, what: Any) -> Told:
    return Told(position, what, f"sample/lab/{position}", "2026-11-22T00:00:00Z")


def test_what_was_looked_up_is_not_told_to_who_reads_slowly_by_rights_that_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "AS_ASKED_SECONDS", -1.0)
    looked: list[int] = []

    class Chosen:
        def look(self, position: int, *_: Any) -> Feed:
            looked.append(position)
            return Feed((told(2, "gone"),), 2, False)

    async def in_thread(function: Any, *given: Any) -> Any:
        return function(*given)

    async def by_now() -> Any:
        return SimpleNamespace(reader=PUBLIC)

    context: Any = SimpleNamespace(reader=PUBLIC, by_now=by_now, site=SimpleNamespace(in_thread=in_thread))
    chosen: Any = Chosen()

    async def first_two() -> list[tuple[int, str]]:
        found = Feed((told(1, "changed"), told(2, "changed")), 2, False)
        stream = changes._as_they_happen(chosen, found, context)
        return [((each := await anext(stream)).told.position, each.told.what) for _ in range(2)]

    assert asyncio.run(first_two()) == [(1, "changed"), (2, "gone")]
    assert looked == [1]
