"""What is hidden and what never was are looked for by the same steps: what differed in them would show in the time it takes.

The database tells which statements it was given. How long each takes is measured by `make bench-access-timing`.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import ROLES, STATES, Kept, Role, Told
from tests.service.matrix.judging import (
    NO_SCOPE,
    SCOPES,
    ask_one,
    ask_scope,
    change,
    change_scope,
    method_of,
    named,
    surfaces_of,
)
from tests.service.matrix.surfaces import Change, ChangeOfScope, OfScope, One

ASKERS = ("anonymous", "signed in", "expired", "reader by grant", "another facility's administrator")
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b")


class Steps:
    """Every statement that the database is given, without its values."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def note(self, statement: str) -> None:
        self.noted.append(LITERAL.sub("?", statement))

    def of(self, ask: Callable[[], Answer]) -> list[str]:
        """Those of one request."""
        self.noted.clear()
        ask()
        return list(self.noted)

    def differing(self, one: Callable[[], Answer], other: Callable[[], Answer]) -> str | None:
        """Where the steps of two requests differ, each time: what is looked up anew now and then is no difference."""
        for _ in range(3):
            first, second = self.of(one), self.of(other)
            if first == second:
                return None
        return "\n".join(difflib.unified_diff(first, second, "hidden", "never was", n=0, lineterm=""))


@pytest.fixture(scope="module")
def steps(told: Told) -> Iterator[Steps]:
    # What was refused is written down when the answer is out, at no time in particular.
    told.asking.app.state.site.refusals.most = 0
    made = Steps()
    with _watched(told, made), pytest.MonkeyPatch.context() as patched:
        for role in ASKERS:
            # That a token or a session is in use is written down now and then: now, and not again while this lasts.
            told.ask(role, "whoami")
        patched.setattr("catalog.access.sessions.SEEN_EVERY", timedelta(days=1))
        patched.setattr("catalog.web.session.USED_EVERY_SECONDS", 86_400.0)
        yield made


@contextmanager
def _watched(told: Told, steps: Steps) -> Iterator[None]:
    def watch(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_trace_callback(steps.note)

    engines = {told.catalog.store.database.reader(), told.catalog.store.database.writer()}
    for engine in engines:
        event.listen(engine, "checkout", watch)
    yield
    for engine in engines:
        event.remove(engine, "checkout", watch)


def each(found: list[Any]) -> Any:
    assert found
    return pytest.mark.parametrize("surface", found, ids=[f"{number} {named(one)}" for number, one in enumerate(found)])


def hidden_from(role: Role) -> list[Kept]:
    return [kept for kept in STATES.values() if role.by_id(kept) == "absent" and not role.inside(kept.scope)]


@each([one for one in surfaces_of(One) if "{id}" in one.address])
def test_a_hidden_record_is_looked_for_as_one_that_never_was(told: Told, steps: Steps, surface: One) -> None:
    wrong = []
    for role in map(ROLES.__getitem__, ASKERS):
        for kept in hidden_from(role):
            one, other = (partial(ask_one, told, surface, role, each) for each in (kept, kept.absent))
            assert steps.of(other)
            if said := steps.differing(one, other):
                wrong.append(f"{role.name}, {kept.state}: {said}")
    assert wrong == []


@each(surfaces_of(Change))
def test_a_change_of_what_is_hidden_takes_the_steps_of_one_of_what_never_was(
    told: Told, steps: Steps, surface: Change
) -> None:
    wrong = []
    method = method_of(surface)
    for role in map(ROLES.__getitem__, ASKERS):
        for kept in hidden_from(role):
            one, other = (partial(change, told, role, method, surface, each) for each in (kept, kept.absent))
            if said := steps.differing(one, other):
                wrong.append(f"{role.name}, {kept.state}: {said}")
    assert wrong == []


@each([*surfaces_of(OfScope), *surfaces_of(ChangeOfScope)])
def test_a_hidden_scope_is_looked_for_as_one_that_never_was(
    told: Told, steps: Steps, surface: OfScope | ChangeOfScope
) -> None:
    wrong = []
    for role in map(ROLES.__getitem__, ASKERS):
        for scope in SCOPES:
            if role.knows(scope) or role.inside(scope):
                continue

            one, other = (asking(told, surface, role, id) for id in (scope, NO_SCOPE[scope]))
            if said := steps.differing(one, other):
                wrong.append(f"{role.name}, {scope}: {said}")
    assert wrong == []


def asking(told: Told, surface: OfScope | ChangeOfScope, role: Role, scope: str) -> Callable[[], Answer]:
    if isinstance(surface, OfScope):
        return partial(ask_scope, told, surface, role, scope)
    return partial(change_scope, told, role, method_of(surface), surface, scope)
