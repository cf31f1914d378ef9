"""The tables of a database become those that this version needs, or the database is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.errors import Misconfigured
from catalog.store.engine import Store, open_store
from catalog.store.migrate import differences, known_steps, migrate, step_of

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.db"


def test_models_and_database_agree_after_all_steps(address: str) -> None:
    store = open_store(address)
    store.migrate()

    with store.read() as connection:
        assert differences(connection) == []
        assert step_of(connection) in known_steps()
    with store.write() as connection:
        connection.execute(text("ALTER TABLE link ADD COLUMN stray TEXT"))
    with store.read() as connection:
        assert differences(connection) != []
    store.close()


def test_an_older_database_keeps_what_it_holds(address: str) -> None:
    store = open_store(address)
    with store.write() as connection:
        migrate(store.database, connection, "0001")
        connection.execute(text("INSERT INTO scope (key, id, level) VALUES (1, 'lab', 1)"))
        connection.execute(text("INSERT INTO node (key, id) VALUES (1, 'sample/lab/a'), (2, 'https://example.org/b')"))
        connection.execute(
            text(
                "INSERT INTO record (key, kind, source, local_id, scope, status, revision, shown, hash, created_at,"
                " modified_at) VALUES (1, 'sample', 'lab', 'a', 1, 'public', 1, 1, 'h', '2026', '2026')"
            )
        )
        connection.execute(
            text(
                'INSERT INTO revision (record, number, body, hash, scope, at, "by")'
                " VALUES (1, 1, '{}', 'h', 1, '2026', 'x')"
            )
        )
        connection.execute(text("INSERT INTO link (record, field, place, target) VALUES (1, 'derivedFrom', 0, 2)"))

    store.migrate()

    with store.read() as connection:
        assert connection.execute(text("SELECT record, body, hash FROM revision")).one() == (1, "{}", "h")
        assert connection.execute(text("SELECT field, target FROM link")).one() == ("derivedFrom", 2)
        assert differences(connection) == []
    store.close()


def test_migrating_again_changes_nothing_and_many_may_begin_at_once(address: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stores: list[Store] = [open_store(address) for _ in range(3)]
    with ThreadPoolExecutor(3) as starters:
        list(starters.map(Store.migrate, stores))
    with stores[0].read() as connection:
        assert differences(connection) == []
    for store in stores:
        store.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(address: str) -> None:
    store = open_store(address)
    store.migrate()
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Misconfigured, match="newer version") as refused:
        store.migrate()

    assert "9999" in refused.value.messages["ja"]
    with store.read() as connection:
        assert step_of(connection) == "9999"
    store.close()


def test_tables_of_somebody_else_are_not_taken_over(address: str) -> None:
    store = open_store(address)
    with store.write() as connection:
        connection.execute(text("CREATE TABLE record (theirs TEXT)"))

    with pytest.raises(Misconfigured, match="did not make"):
        store.migrate()
    store.close()


@pytest.mark.parametrize("address", ["not an address", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_cannot_be_used_is_told(address: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        open_store(address)
    assert refused.value.messages["ja"] != refused.value.messages["en"]
