"""Who may read what: worked out from what is stored, decided from values and by the database, always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text

from catalog.access import sight as saying
from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.grants import Grants
from catalog.access.holders import make_holder
from catalog.access.policy import decide, is_insider
from catalog.access.readers import EVERYONE, SIGNED_IN, Part, Readers
from catalog.access.scopes import Scopes
from catalog.access.sight import How, Sight
from catalog.discovery import audience
from catalog.discovery.audience import Audiences
from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.projections.search.index import Among, Open, Outside, Room
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Reader
from catalog.questions.vocabulary import Vocabulary
from catalog.records.standing import scope_path
from catalog.store.engine import Store, open_store
from catalog.store.tables import membership, permission, person

EARLY, NOW, LATE = (f"20{year}-01-01T00:00:00.000000Z" for year in (20, 26, 30))
MOMENTS = (EARLY, NOW, LATE)
TREE = ("firm", "firm/x", "lab", "lab/a", "lab/a/b", "lab/c")
WAYS: dict[How, tuple[int, int]] = {"gathered": (1_000, 16), "by-holder": (0, 16), "by-scope": (0, 0)}


class House:
    """A store with a tree of scopes, two people and three groups, and a clock that can be set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.scopes = Scopes(store, clock=self.clock)
        self.readers = Readers(store, clock=self.clock)
        self.grants = Grants(store, self.scopes, Audit(store, clock=self.clock), clock=self.clock)
        for id in TREE:
            self.scopes.create(id, ADMINISTRATOR)
        self.scopes.change("lab/c", ADMINISTRATOR, mode="everyone", metadata_until=NOW)
        self.holder: dict[str, int] = {"everyone": EVERYONE, "signed-in": SIGNED_IN}
        with store.write() as connection:
            for name in ("person:a", "person:b", "group:1", "group:2", "group:3"):
                kind: Any = name.partition(":")[0]
                key = make_holder(connection, kind, name, by="test", at=NOW, id=name).key
                self.holder[name] = key
                if kind == "person":
                    connection.execute(insert(person), {"key": key})
            self.scope = {row.id: row.key for row in connection.execute(text("SELECT id, key FROM scope"))}

    def clock(self) -> str:
        return self.now

    def hold(self, permissions: Sequence[Any], memberships: Sequence[Any]) -> None:
        """Let this be stored, and nothing else."""
        with self.store.write() as connection:
            connection.execute(delete(permission))
            connection.execute(delete(membership))
            for number, (where, may, who, since, until, ended) in enumerate(permissions):
                row = {"id": f"p{number}", "scope": self.scope[where], "may": may, "holder": self.holder[who]}
                row |= {"since": since, "until": until, "at": EARLY, "by": "test", "ended_at": ended}
                connection.execute(insert(permission), row)
            for (group, member), until in dict(memberships).items():
                row = {"group_key": self.holder[group], "member": self.holder[member], "manages": False}
                connection.execute(insert(membership), row | {"until": until, "at": EARLY, "by": "test"})
            turn(connection)

    def person(self, name: str = "person:a") -> Reader:
        return self.readers.person(self.holder[name], name)

    def seen(self, reader: Reader, of: str = "readable") -> list[str]:
        """The scopes where the database says that the reader may read, or counts as a writer."""

        def statement(terms: Terms) -> str:
            told = terms.readable("s") if of == "readable" else terms.inside("s")
            return f"{terms.beginning()} SELECT s.id FROM scope s WHERE {told} ORDER BY s.id"

        answers = Answers(self.store, Vocabulary({}), Sight(self.store.database.name), clock=self.clock)
        return [id for (id,) in answers.rows(statement, {}, reader)]

    def searched(self, reader: Reader, unsettled: frozenset[str] = frozenset()) -> list[str]:
        """The scopes in the room that the search index is told; of those that are unsettled documents tell the contrary."""
        room: Room = Audiences(self.store, clock=self.clock).of(reader, unsettled)
        found = []
        for id, key in sorted(self.scope.items()):
            path = scope_path(id)
            facts = self.scopes.facts(id)
            is_open = facts is not None and decide("read", facts, PUBLIC, self.now)
            told = key in room.scopes or not room.below.isdisjoint(path)
            match room:
                case Open(but):
                    marked = is_open is unsettled.isdisjoint(path)
                    seen = told or (marked and but.isdisjoint(path))
                case Among():
                    seen = told
                case Outside():
                    seen = not told
            if seen:
                found.append(id)
        return found

    def decided(self, reader: Reader) -> tuple[list[str], list[str]]:
        """The same, decided from values."""
        facts = [self.scopes.facts(id) for id in TREE]
        read = [one.id for one in facts if one is not None and decide("read", one, reader, self.now)]
        return read, [one.id for one in facts if one is not None and is_insider(one, reader)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if request.param == "sqlite":
        store = open_store(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    else:
        store = open_store(request.getfixturevalue("postgresql"))
    store.migrate()
    try:
        yield House(store)
    finally:
        store.close()


times = st.sampled_from([None, None, *MOMENTS])
people = st.sampled_from(["person:a", "person:b"])
groups = st.sampled_from(["group:1", "group:2", "group:3"])
holders = st.one_of(people, groups, st.sampled_from(["everyone", "signed-in"]))
rights = st.sampled_from(["read", "download", "share", "write", "run", "manage"])
permissions = st.lists(st.tuples(st.sampled_from(TREE), rights, holders, times, times, times), max_size=8)
memberships = st.lists(st.tuples(st.tuples(groups, st.one_of(people, groups)), times), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(permissions, memberships, st.sampled_from(sorted(WAYS)))
def test_what_policy_decides_of_what_is_stored_the_database_decides_too(
    house: House, held: Any, joined: Any, way: How
) -> None:
    house.hold(held, joined)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saying, "FEW", WAYS[way][0])
        patch.setattr(saying, "FEW_HOLDERS", WAYS[way][1])
        patch.setattr(audience, "FEW", WAYS[way][0])
        for moment in MOMENTS:
            house.now = moment
            for reader in (house.person(), house.readers.public()):
                decided = house.decided(reader)

                assert (house.seen(reader), house.seen(reader, "inside")) == decided
                assert house.searched(reader) == decided[0]
                assert house.searched(reader, frozenset({"firm", "lab/a"})) == decided[0]
                listed = Reader(reader.id, reader.grants)
                assert (house.seen(listed), house.seen(listed, "inside")) == decided
                # Whoever was kept since another moment is who would be made now.
                assert house.person() == Readers(house.store, clock=house.clock).person(
                    house.holder["person:a"], "person:a"
                )


def test_each_way_of_telling_grants_is_chosen_by_how_many_they_are(house: House) -> None:
    house.hold([("lab", "read", "person:a", None, None, None)], [])
    reader, name = house.person(), house.store.database.name
    assert Sight(name).class_of(reader).reads == "gathered"
    assert Sight(name).class_of(reader).inside == "none"
    assert Sight(name).class_of(Reader("x", reader.grants)).reads == "list"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saying, "FEW", 0)
        assert Sight(name).class_of(reader).reads == "by-holder"
        patch.setattr(saying, "FEW_HOLDERS", 2)
        assert Sight(name).class_of(reader).reads == "by-scope"
        # However many they are, none of them is bound.
        assert set(Sight(name).values(reader, NOW)) == {"now", "holders"}


def test_whoever_has_nothing_to_do_with_a_change_stays_the_same_value_and_whoever_has_becomes_another(
    house: House,
) -> None:
    house.hold([("lab/a", "read", "person:a", None, None, None)], [])
    before = house.person()

    (given,) = house.grants.grant("firm", ["read"], "person:b", ADMINISTRATOR)
    assert house.person("person:b").scopes_for("read") == ("firm",)
    assert house.person() is before

    house.grants.grant("firm", ["read"], "person:a", ADMINISTRATOR)
    gained = house.person()
    assert gained is not before
    assert gained.scopes_for("read") == ("firm", "lab/a")
    house.grants.revoke(given.id, ADMINISTRATOR)
    assert house.person("person:b").grants == ()
    assert house.person() is gained


def test_a_part_of_rights_is_no_more_than_what_is_held_wherever_it_is_decided(house: House) -> None:
    house.hold([("lab/a", "manage", "person:a", None, None, None), ("firm", "read", "person:a", None, None, None)], [])
    whole = house.person()
    for part, read, inside in (
        ((Part("read"),), ["firm", "firm/x", "lab/a", "lab/a/b", "lab/c"], []),
        ((Part("read", "lab"),), ["lab/a", "lab/a/b", "lab/c"], []),
        ((Part("manage", "lab/a/b"),), ["lab/a/b", "lab/c"], ["lab/a/b"]),
        ((Part("write"),), ["lab/c"], []),
    ):
        reader = house.readers.part_of(whole, part)
        assert house.decided(reader) == (read, inside)
        assert (house.seen(reader), house.seen(reader, "inside")) == (read, inside)


def test_a_room_is_made_once_for_a_reader_and_anew_after_a_right_was_taken_away(
    house: House,
) -> None:
    house.scopes.change("firm", ADMINISTRATOR, mode="everyone")
    house.hold([("lab/a", "read", "person:a", None, None, None)], [])
    audiences = Audiences(house.store, clock=house.clock)

    first = audiences.of(house.person())
    assert audiences.of(house.person()) is first
    house.grants.revoke("p0", ADMINISTRATOR)

    assert audiences.of(house.person()) == audiences.of(PUBLIC) != first
