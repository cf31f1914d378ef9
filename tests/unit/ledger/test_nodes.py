"""Keys of ids are remembered, boundedly, and only once they are sure."""

from __future__ import annotations

from pathlib import Path

from catalog.ledger.nodes import Nodes
from catalog.store.engine import open_store


def test_keys_are_remembered_after_the_commit_and_forgotten_when_there_are_too_many(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/catalogue.db")
    store.migrate()
    nodes = Nodes(store.database, generation=3)
    with store.write() as connection:
        keys, made = nodes.keys(connection, ["b", "a", "c", "a"])
    assert keys == {"a": 1, "b": 2, "c": 3}
    assert made == {"a", "b", "c"}
    nodes.remember(keys)

    with store.write() as connection:
        again, made = nodes.keys(connection, ["a", "d"])
        assert again == {"a": 1, "d": 4}
        assert made == {"d"}
        nodes.remember(again)
        assert nodes.keys(connection, ["a", "b", "c", "d"])[0] == {"a": 1, "b": 2, "c": 3, "d": 4}
    store.close()


def test_keys_that_were_undone_are_made_anew(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/catalogue.db")
    store.migrate()
    nodes = Nodes(store.database)
    with store.write() as connection:
        nodes.keys(connection, ["a"])
        connection.rollback()

    with store.write() as connection:
        assert nodes.keys(connection, ["b", "a"]) == ({"a": 1, "b": 2}, {"a", "b"})
    store.close()
