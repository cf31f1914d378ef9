"""What the tree of scopes promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.access.policy import decide, is_insider
from catalog.access.scopes import KEEP, NODE, Scope, Scopes
from catalog.access.sight import Sight
from catalog.discovery.changes import changes_after
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader, Right
from catalog.questions.vocabulary import Vocabulary
from catalog.store.engine import Store
from catalog.store.tables import metadata
from tests.contract.ledgers import migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
NOW, AFTER = "2026-11-21T12:00:00.000000Z", "2030-04-01T00:00:00.000000Z"
MANAGER = Reader("manager", (Grant("manage", "lab"),))


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of one of the two kinds."""
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    opened = migrated(address)
    yield opened
    opened.close()


@pytest.fixture
def scopes(store: Store) -> Scopes:
    return Scopes(store, clock=lambda: NOW)


def test_a_root_that_sets_nothing_is_limited_and_what_is_below_follows_the_nearest_that_sets_it(scopes: Scopes) -> None:
    assert not scopes.create("lab", ADMINISTRATOR).open
    scopes.create("lab/a", ADMINISTRATOR)
    scopes.create("lab/a/b", ADMINISTRATOR, mode="limited", metadata_until="2030-04-01")
    scopes.create("lab/a/b/c", ADMINISTRATOR)

    scopes.change("lab", ADMINISTRATOR, mode="everyone", data_until="2031-01-01T00:00:00+09:00")

    told = {scope.id: (scope.open, scope.metadata_embargo, scope.data_embargo) for scope in scopes.list(ADMINISTRATOR)}
    assert told == {
        "lab": (True, None, "2030-12-31T15:00:00.000000Z"),
        "lab/a": (True, None, "2030-12-31T15:00:00.000000Z"),
        "lab/a/b": (False, AFTER, "2030-12-31T15:00:00.000000Z"),
        "lab/a/b/c": (False, AFTER, "2030-12-31T15:00:00.000000Z"),
    }
    scopes.change("lab/a/b", ADMINISTRATOR, mode=None, metadata_until=None)
    assert scopes.find("lab/a/b/c", ADMINISTRATOR).open
    assert scopes.find("lab/a/b/c", ADMINISTRATOR).metadata_embargo is None


def test_a_scope_is_made_under_one_that_is_there_by_who_manages_it(scopes: Scopes) -> None:
    scopes.create("lab", ADMINISTRATOR, title={"en": "Laboratory", "ja": "研究室"})

    assert scopes.create("lab/a", MANAGER).parent == "lab"
    with pytest.raises(NotFound):
        scopes.create("nowhere/a", ADMINISTRATOR)
    with pytest.raises(Conflict):
        scopes.create("lab/a", ADMINISTRATOR)
    with pytest.raises(Forbidden):
        scopes.create("other", MANAGER)
    with pytest.raises(NotFound):
        scopes.create("lab/b", PUBLIC)
    scopes.change("lab", ADMINISTRATOR, mode="everyone")
    with pytest.raises(Forbidden):
        scopes.create("lab/b", PUBLIC)
    with pytest.raises(Forbidden):
        scopes.change("lab", Reader("writer", (Grant("write", "lab"),)), mode="limited")


@pytest.mark.parametrize("id", ["", "/a", "a/", "a//b", "a/../b", "a b", "ä", "a/b/c/d/e", "-a", "a" * 80, "a\n"])
def test_a_scope_has_a_plain_path_of_at_most_four_names(scopes: Scopes, id: str) -> None:
    with pytest.raises((Invalid, NotFound)):
        scopes.create(id, ADMINISTRATOR)


def test_a_mode_or_a_time_that_is_none_is_refused(scopes: Scopes) -> None:
    scopes.create("lab", ADMINISTRATOR)

    with pytest.raises(Invalid, match="mode"):
        scopes.change("lab", ADMINISTRATOR, mode="open")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="metadataUntil"):
        scopes.change("lab", ADMINISTRATOR, metadata_until="soon")


def test_a_hidden_scope_and_one_that_was_never_made_are_refused_in_the_same_words(scopes: Scopes) -> None:
    scopes.create("lab", ADMINISTRATOR)

    messages = []
    for id in ("lab", "zzz"):
        with pytest.raises(NotFound) as refused:
            scopes.find(id, PUBLIC)
        messages.append(refused.value.message.replace(id, "…"))
    assert messages[0] == messages[1]
    assert scopes.list(PUBLIC) == ()
    assert [scope.id for scope in scopes.list(MANAGER)] == ["lab"]
    assert scopes.facts("none") is None


def test_every_change_of_a_scope_stands_in_the_order_of_changes_with_what_was_and_what_is(
    store: Store, scopes: Scopes
) -> None:
    scopes.create("lab", ADMINISTRATOR)
    scopes.change("lab", ADMINISTRATOR, mode="everyone")
    scopes.change("lab", MANAGER, metadata_until=AFTER)

    with store.read() as connection:
        rows = connection.exec_driver_sql(
            'SELECT c.position, c.verb, c."by", c.detail, n.id FROM change c JOIN node n ON n.key = c.record ORDER BY c.position'
        ).fetchall()

    assert [(position, verb, by, id) for position, verb, by, _, id in rows] == [
        (1, "scope", "administrator", NODE + "lab"),
        (2, "scope", "administrator", NODE + "lab"),
        (3, "scope", "manager", NODE + "lab"),
    ]
    details = [orjson.loads(row[3]) for row in rows]
    assert [detail["what"] for detail in details] == ["create", "change", "change"]
    assert details[1]["was"] == {"open": False, "metadata": None, "data": None, "approval": False}
    assert details[1]["now"] == {"open": True, "metadata": None, "data": None, "approval": False}


def test_the_feed_tells_those_who_gain_a_scope_to_read_again_and_those_who_lose_it_that_it_is_gone(
    store: Store, scopes: Scopes
) -> None:
    scopes.create("lab", ADMINISTRATOR)
    scopes.change("lab", ADMINISTRATOR, mode="everyone")
    scopes.change("lab", ADMINISTRATOR, title={"en": "Lab"})
    scopes.change("lab", ADMINISTRATOR, metadata_until=AFTER)
    answers = Answers(store, Vocabulary({}), Sight(store.database.name), clock=lambda: NOW)

    told = changes_after(0, PUBLIC, answers=answers).changes

    assert [(change.position, change.what, change.id) for change in told] == [
        (2, "scope-again", "lab"),
        (4, "scope-gone", "lab"),
    ]
    assert changes_after(0, MANAGER, answers=answers).changes == ()


def test_closing_many_public_records_at_once_takes_a_confirmation(
    store: Store, scopes: Scopes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.access.scopes.MANY", 2)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("lab/a", ADMINISTRATOR)
    scopes.create("lab/b", ADMINISTRATOR, mode="everyone")
    _fill(store, {"lab": ["public", "private"], "lab/a": ["public", "public"], "lab/b": ["public"] * 3})

    with pytest.raises(Conflict) as refused:
        scopes.change("lab", ADMINISTRATOR, mode="limited")
    assert "3 public records" in refused.value.message
    assert scopes.find("lab/a", PUBLIC).open
    with pytest.raises(Conflict):
        scopes.change("lab", ADMINISTRATOR, metadata_until=AFTER)
    # What lies where it stays open, and what few are touched by, needs none.
    scopes.change("lab/a", ADMINISTRATOR, mode="limited")
    scopes.change("lab/a", ADMINISTRATOR, mode=None)
    scopes.change("lab", ADMINISTRATOR, data_until=AFTER)
    assert not scopes.change("lab", ADMINISTRATOR, mode="limited", confirmed=True).open


def _fill(store: Store, statuses: Mapping[str, Sequence[str]]) -> None:
    """Records of these statuses in these scopes."""
    row = {
        "kind": "sample",
        "source": "lab",
        "revision": 1,
        "shown": 1,
        "hash": "",
        "created_at": NOW,
        "modified_at": NOW,
    }
    key = 1_000
    with store.write() as connection:
        for scope, several in statuses.items():
            lay_in = connection.scalar(text("SELECT key FROM scope WHERE id = :id"), {"id": scope})
            for status in several:
                key += 1
                connection.execute(metadata.tables["node"].insert(), {"key": key, "id": f"sample/lab/{key}"})
                told = {**row, "key": key, "local_id": str(key), "scope": lay_in, "status": status}
                connection.execute(metadata.tables["record"].insert(), told)


def test_the_feed_names_no_scope_that_was_closed_before_its_embargo_ended(store: Store, scopes: Scopes) -> None:
    scopes.create("lab", ADMINISTRATOR)
    scopes.change("lab", ADMINISTRATOR, mode="everyone", metadata_until=AFTER)
    scopes.change("lab", ADMINISTRATOR, mode="limited")
    late = Answers(store, Vocabulary({}), Sight(store.database.name), clock=lambda: "2031-01-01T00:00:00.000000Z")

    assert changes_after(0, PUBLIC, answers=late).changes == ()

    scopes.change("lab", ADMINISTRATOR, mode="everyone")
    told = changes_after(0, PUBLIC, answers=late).changes
    assert [(change.position, change.what) for change in told] == [(2, "scope-again"), (4, "scope-again")]


def test_a_document_tells_what_is_in_force_and_what_was_set_here(scopes: Scopes) -> None:
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    document = scopes.create("lab/a", ADMINISTRATOR, metadata_until="2030-04").document()

    assert document["mode"] == "everyone"
    assert document["set"] == {"metadataUntil": AFTER}
    assert scopes.change("lab/a", ADMINISTRATOR, title=KEEP).document() == document


rights = st.sampled_from(["read", "download", "share", "write", "run", "manage"])
TREE = ("lab", "lab/a", "lab/a/b", "lab/c", "firm", "firm/x")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_policy_decides_the_database_decides_too(store: Store, data: st.DataObject) -> None:
    scopes = Scopes(store, clock=lambda: NOW)
    sight = Sight(store.database.name)
    there = {scope.id for scope in scopes.list(ADMINISTRATOR)}
    times = st.sampled_from([None, "2020-01-01", "2030-01-01", NOW])
    for id in TREE:
        mode = data.draw(st.sampled_from([None, "everyone", "limited"]))
        metadata, until = data.draw(times), data.draw(times)
        if id not in there:
            scopes.create(id, ADMINISTRATOR)
        scopes.change(id, ADMINISTRATOR, mode=mode, metadata_until=metadata, data_until=until)
    grants = data.draw(st.lists(st.builds(Grant, rights, st.sampled_from([*TREE, "none"])), max_size=4))
    reader = data.draw(st.sampled_from([PUBLIC, ADMINISTRATOR, Reader("x", tuple(grants))]))

    def readable(terms: Terms) -> str:
        return f"{terms.beginning()} SELECT s.id FROM scope s WHERE {terms.readable('s')} ORDER BY s.id"

    def inside(terms: Terms) -> str:
        return f"{terms.beginning()} SELECT s.id FROM scope s WHERE {terms.inside('s')} ORDER BY s.id"

    answers = Answers(store, Vocabulary({}), sight, clock=lambda: NOW)
    every = scopes.list(ADMINISTRATOR)
    assert [id for (id,) in answers.rows(readable, {}, reader)] == [
        scope.id for scope in every if _may("read", scope, reader)
    ]
    assert [id for (id,) in answers.rows(inside, {}, reader)] == [scope.id for scope in every if _inside(scope, reader)]


def _may(right: Right, scope: Scope, reader: Reader) -> bool:
    return decide(right, scope.facts, reader, NOW)


def _inside(scope: Scope, reader: Reader) -> bool:
    return is_insider(scope.facts, reader)
