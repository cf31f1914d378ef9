"""The matrix over PostgreSQL: every state and every role on each sort of reading; pages are made from the same answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.service.matrix.catalogue import Told, filled_on
from tests.service.matrix.judging import (
    named,
    surfaces_of,
    wrong_of_change,
    wrong_of_change_of_scope,
    wrong_of_many,
    wrong_of_one,
    wrong_of_private,
    wrong_of_scope,
)
from tests.service.matrix.surfaces import HTML, Change, ChangeOfScope, Many, OfScope, One
from tests.service.matrix.test_matrix import (
    test_a_query_counts_what_it_finds,
    test_facets_and_totals_of_a_search_count_what_it_finds,
    test_nobody_finds_a_record_by_what_is_private_in_it,
    test_numbers_are_those_of_what_one_may_see,
)

pytestmark = pytest.mark.service

# Numbers, facets and counts are asked of this catalogue, too.
__all__ = [
    "test_a_query_counts_what_it_finds",
    "test_facets_and_totals_of_a_search_count_what_it_finds",
    "test_nobody_finds_a_record_by_what_is_private_in_it",
    "test_numbers_are_those_of_what_one_may_see",
]


@pytest.fixture(scope="module")
def told(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The catalogue with everything in it, in a database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
    with filled_on(f"{postgresql_server}/{name}", tmp_path_factory.mktemp("postgresql") / "data") as made:
        yield made
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def each(kind: type[Any]) -> Any:
    """The surfaces of this sort whose answers are the database's, and are not those of another in another form."""
    found = [
        one for one in surfaces_of(kind) if getattr(one, "accept", None) != HTML and not getattr(one, "few", False)
    ]
    assert found
    return pytest.mark.parametrize("surface", found, ids=[f"{number} {named(one)}" for number, one in enumerate(found)])


@each(One)
def test_what_is_hidden_answers_as_what_never_was_over_postgresql(told: Told, surface: One) -> None:
    assert wrong_of_one(told, surface) == []
    if "{id}" in surface.address and not surface.lists:
        assert wrong_of_private(told, surface) == []


@each(Many)
def test_what_is_told_of_all_is_what_a_role_may_see_over_postgresql(told: Told, surface: Many) -> None:
    assert wrong_of_many(told, surface) == []


@each(OfScope)
def test_a_hidden_scope_answers_as_one_that_never_was_over_postgresql(told: Told, surface: OfScope) -> None:
    assert wrong_of_scope(told, surface) == []


@pytest.mark.parametrize("address", ["records", "withdraw/{id}"])
def test_a_change_is_refused_as_of_what_never_was_over_postgresql(told: Told, address: str) -> None:
    for surface in surfaces_of(Change):
        if surface.address == address:
            assert wrong_of_change(told, surface) == []


def test_a_grant_in_a_hidden_scope_is_refused_as_in_one_that_never_was_over_postgresql(told: Told) -> None:
    (surface,) = [one for one in surfaces_of(ChangeOfScope) if one.address == "scopes/{scope}/permissions"]
    assert wrong_of_change_of_scope(told, surface) == []
