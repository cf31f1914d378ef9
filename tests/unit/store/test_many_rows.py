"""Many rows at once are stored as one by one, whatever their number and whatever is null in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.store.engine import Store, open_store
from catalog.store.sqlite import MOST_PARAMETERS, NULL

COLUMNS = ("key", "t", "i", "r", "b")
cells = st.tuples(
    st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if request.param == "sqlite":
        made = open_store(f"sqlite:///{tmp_path_factory.mktemp('rows')}/rows.db")
    else:
        server = request.getfixturevalue("postgresql_server")
        made = open_store(f"{server}/postgres")
    with made.write() as connection:
        connection.execute(text("DROP TABLE IF EXISTS many_rows"))
        connection.execute(
            text("CREATE TABLE many_rows (key INTEGER PRIMARY KEY, t TEXT, i BIGINT, r DOUBLE PRECISION, b BOOLEAN)")
        )
    yield made
    with made.write() as connection:
        connection.execute(text("DROP TABLE many_rows"))
    made.close()


def stored(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        found = connection.execute(text("SELECT key, t, i, r, b FROM many_rows ORDER BY key"))
        return [(key, t, i, r, None if b is None else bool(b)) for key, t, i, r, b in found]


@given(st.lists(cells, max_size=40), st.lists(cells, max_size=40))
def test_rows_come_back_as_they_went_in_and_as_they_were_changed(
    store: Store, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    rows = [(key, *row) for key, row in enumerate(first)]
    changes = [(key, *row) for key, row in enumerate(second)]
    with store.write() as connection:
        connection.execute(text("DELETE FROM many_rows"))
        store.database.insert(connection, "many_rows", COLUMNS, rows)
    assert stored(store) == rows

    with store.write() as connection:
        # What a verb really changes never is null throughout, nor of a type that the database must guess.
        narrow = [(key, t) for key, t, *_ in changes]
        store.database.update(connection, "many_rows", ("key", "t"), narrow)

    told = dict(narrow)
    assert stored(store) == [(key, told.get(key, t), *rest) for key, t, *rest in rows]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 4_096, MOST_PARAMETERS // 5, MOST_PARAMETERS // 5 + 1, 20_000])
def test_any_number_of_rows_goes_in(store: Store, count: int) -> None:
    rows = [(key, str(key), None, key / 7, True) for key in range(count)]
    with store.write() as connection:
        connection.execute(text("DELETE FROM many_rows"))
        store.database.insert(connection, "many_rows", COLUMNS, rows)
        store.database.update(connection, "many_rows", ("key", "i"), [(key, key * 2) for key in range(count)])

    assert stored(store) == [(key, t, key * 2, r, b) for key, t, _, r, b in rows]


def test_what_stands_for_null_is_no_number_that_a_record_may_hold() -> None:
    assert abs(NULL) > 2**53
    assert int(float(NULL)) != NULL
