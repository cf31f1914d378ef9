"""What feeds tell of rights that were given and taken back, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert, update

from catalog.access.audit import Audit
from catalog.access.grants import Grants
from catalog.access.groups import Groups
from catalog.access.holders import Holder, make_holder
from catalog.access.readers import Part, Readers
from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.changes import Told, changes_after
from catalog.ledger.answer import Answers
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Reader, Right
from catalog.questions.vocabulary import Vocabulary
from catalog.store.engine import Store
from catalog.store.tables import holder, identity, issuer, person, token
from tests.contract.followed import followed
from tests.contract.ledgers import migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@dataclass
class House:
    """A catalogue with two people in it, and a clock that tests set."""

    store: Store
    moment: str = "2026-11-21T12:00:00.000000Z"
    people: dict[str, Holder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audit = Audit(self.store, clock=self.now)
        self.scopes = Scopes(self.store, clock=self.now)
        self.grants = Grants(self.store, self.scopes, self.audit, clock=self.now)
        self.groups = Groups(self.store, self.audit, clock=self.now)
        self.readers = Readers(self.store, clock=self.now)
        self.answers = Answers(self.store, Vocabulary({}), Sight(self.store.database.name), clock=self.now)

    def now(self) -> str:
        return self.moment

    def somebody(self, name: str) -> Holder:
        with self.store.write() as connection:
            made = make_holder(connection, "person", name, by="administrator", at=self.moment)
            connection.execute(insert(person), {"key": made.key})
        self.people[name] = made
        return made

    def reader(self, name: str) -> Reader:
        return self.readers.person(self.people[name].key, self.people[name].id)

    def let(self, scope: str, *rights: Right, to: str, until: str | None = None) -> str:
        given = self.grants.grant(scope, rights or ("read",), to, ADMINISTRATOR, until=until)
        return given[-1].id

    def told(self, reader: Reader, after: int = 0) -> list[tuple[str, str]]:
        return [(change.what, change.id) for change in self.changes(reader, after)]

    def changes(self, reader: Reader, after: int = 0) -> tuple[Told, ...]:
        return changes_after(after, reader, answers=self.answers).changes

    def end(self) -> int:
        return changes_after(0, PUBLIC, answers=self.answers).position


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    opened = migrated(address)
    made = House(opened)
    made.scopes.create("lab", ADMINISTRATOR)
    made.scopes.create("lab/a", ADMINISTRATOR)
    for name in ("ito", "sato"):
        made.somebody(name)
    yield made
    opened.close()


def test_a_right_and_its_loss_are_told_to_whom_it_was_given_and_to_nobody_else(house: House) -> None:
    house.let("lab/a", "read", "download", to=house.people["ito"].id, until="2030-04-01")
    (change,) = house.changes(house.reader("ito"))
    assert change.document() == {
        "position": str(change.position),
        "what": "scope-again",
        "id": "lab/a",
        "at": house.moment,
        "until": "2030-04-01T00:00:00.000000Z",
    }
    for permission in house.grants.of_scope("lab/a", ADMINISTRATOR):
        house.grants.revoke(permission.id, ADMINISTRATOR)

    assert house.told(house.reader("ito"), change.position)[-1] == ("scope-gone", "lab/a")
    assert ("scope-again", "lab/a") not in house.told(house.reader("ito"))
    for other in (PUBLIC, house.reader("sato"), ADMINISTRATOR):
        assert house.told(other) == []


def test_who_can_still_read_is_told_to_read_again(house: House) -> None:
    ito = house.people["ito"].id
    house.let("lab", "read", to=ito)
    further = house.let("lab/a", "write", to=ito)
    before = house.end()

    house.grants.revoke(further, ADMINISTRATOR)

    assert house.told(house.reader("ito"), before) == [("scope-again", "lab/a")]


def test_sharing_and_running_change_nothing_that_is_read_and_are_not_told(house: House) -> None:
    before = house.end()
    house.let("lab", "share", "run", to=house.people["ito"].id)

    assert house.end() == before
    house.let("lab", "read", to=house.people["ito"].id)
    assert house.end() == before + 1
    house.let("lab", "read", to=house.people["ito"].id)
    assert house.end() == before + 1


def test_who_comes_into_a_group_and_who_leaves_it_is_told_what_it_holds(house: House) -> None:
    house.groups.create("inner", "Inner", ADMINISTRATOR)
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.add("group:outer", "group:inner", ADMINISTRATOR)
    house.let("lab/a", "read", to="group:outer")
    ito, sato = house.people["ito"].id, house.people["sato"].id
    assert house.told(house.reader("ito")) == []

    house.groups.add("group:inner", ito, ADMINISTRATOR)
    assert house.told(house.reader("ito")) == [("scope-again", "lab/a")]
    house.groups.add("group:inner", sato, ADMINISTRATOR)
    before = house.end()
    house.groups.remove("group:inner", ito, ADMINISTRATOR)

    assert house.told(house.reader("ito"), before) == [("scope-gone", "lab/a")]
    assert house.told(house.reader("sato"), before) == []
    # A group that leaves another, and one that is dissolved.
    house.groups.remove("group:outer", "group:inner", ADMINISTRATOR)
    assert house.told(house.reader("sato"), before) == [("scope-gone", "lab/a")]
    house.groups.add("group:outer", "group:inner", ADMINISTRATOR)
    before = house.end()
    house.groups.end("group:outer", ADMINISTRATOR)
    assert house.told(house.reader("sato"), before) == [("scope-gone", "lab/a")]


def test_who_joins_later_is_told_nothing_of_what_a_group_lost_before(house: House) -> None:
    house.groups.create("team", "Team", ADMINISTRATOR)
    house.groups.add("group:team", house.people["ito"].id, ADMINISTRATOR)
    house.grants.revoke(house.let("lab/a", to="group:team"), ADMINISTRATOR)
    house.grants.revoke(house.let("lab", to="signed-in"), ADMINISTRATOR)
    house.groups.add("group:team", house.people["sato"].id, ADMINISTRATOR)
    house.moment = "2026-11-22T12:00:00.000000Z"
    house.somebody("later")
    house.groups.add("group:team", house.people["later"].id, ADMINISTRATOR)

    assert house.told(house.reader("ito")) == [("scope-gone", "lab/a"), ("scope-gone", "lab")]
    assert house.told(house.reader("sato")) == [("scope-gone", "lab")]
    assert house.told(house.reader("later")) == []


def test_whom_an_issuer_calls_a_member_is_told_as_well(house: House) -> None:
    house.groups.create("team", "Team", ADMINISTRATOR)
    with house.store.write() as connection:
        connection.execute(
            insert(issuer),
            {"id": "idp", "address": "https://idp.example.org", "document": "{}", "at": house.moment, "by": "x"},
        )
        for name, groups in (("ito", ["staff", "bl%37"]), ("sato", ["staffing", "bl_37"])):
            row = {
                "issuer": "idp", "subject": name, "person": house.people[name].key, "name": name,
                "groups": orjson.dumps(groups).decode(), "first_at": house.moment, "last_at": house.moment,
            }  # fmt: skip
            connection.execute(insert(identity), row)
    house.let("lab/a", to="group:team")
    house.groups.claim("group:team", "idp", "bl%37", ADMINISTRATOR)
    assert house.told(house.reader("ito")) == [("scope-again", "lab/a")]
    before = house.end()
    house.groups.unclaim("group:team", "idp", "bl%37", ADMINISTRATOR)

    assert house.told(house.reader("ito"), before) == [("scope-gone", "lab/a")]
    assert house.told(house.reader("sato")) == []


def test_what_begins_later_is_told_beforehand_with_its_time(house: House) -> None:
    house.grants.grant("lab/a", ["read"], house.people["ito"].id, ADMINISTRATOR, since="2030-01-01", until="2030-02-01")

    (change,) = house.changes(house.reader("ito"))

    assert (change.what, change.since, change.until) == (
        "scope-again",
        "2030-01-01T00:00:00.000000Z",
        "2030-02-01T00:00:00.000000Z",
    )


def test_a_token_for_a_part_is_told_of_scopes_in_its_part_only(house: House) -> None:
    ito = house.people["ito"]
    house.scopes.create("lab/b", ADMINISTRATOR)
    with house.store.write() as connection:
        for id, part in (("t1", [["read", "lab/a"]]), ("t2", [["read", None]])):
            row = {
                "id": id, "digest": id, "name": id, "owner": ito.key, "part": orjson.dumps(part).decode(),
                "at": house.moment, "by": ito.id, "until": "2027-01-01T00:00:00.000000Z",
            }  # fmt: skip
            connection.execute(insert(token), row)

    def carried(id: str, scope: str | None) -> Reader:
        made = house.readers.person(ito.key, ito.id, part=[Part("read", scope)])
        return Reader(made.id, made.grants, token=id, partial=True)

    given = [house.let(scope, to=ito.id) for scope in ("lab/a", "lab/b")]
    assert house.told(carried("t1", "lab/a")) == [("scope-again", "lab/a")]
    assert house.told(carried("t2", None)) == [("scope-again", "lab/a"), ("scope-again", "lab/b")]
    before = house.end()
    for permission in given:
        house.grants.revoke(permission, ADMINISTRATOR)

    assert house.told(carried("t1", "lab/a"), before) == [("scope-gone", "lab/a")]
    assert house.told(carried("t2", None), before) == [("scope-gone", "lab/a"), ("scope-gone", "lab/b")]


def test_who_was_shut_out_is_told_nothing(house: House) -> None:
    house.let("lab/a", to=house.people["ito"].id)
    reader = house.reader("ito")
    assert house.told(reader) == [("scope-again", "lab/a")]
    with house.store.write() as connection:
        connection.execute(update(holder).where(holder.c.key == house.people["ito"].key).values(ended_at=house.moment))

    assert house.told(Reader(reader.id)) == []


def test_rights_scopes_groups_and_records_changed_at_one_moment_never_wait_for_each_other_in_a_ring(
    house: House,
) -> None:
    ito = house.people["ito"].id
    house.groups.create("team", "Team", ADMINISTRATOR)
    house.let("lab", to="group:team")

    def rights() -> None:
        house.grants.revoke(house.let("lab/a", to=ito), ADMINISTRATOR)

    def scopes() -> None:
        house.scopes.change("lab", ADMINISTRATOR, mode="everyone")
        house.scopes.change("lab", ADMINISTRATOR, mode="limited")

    def groups() -> None:
        house.groups.add("group:team", ito, ADMINISTRATOR)
        house.groups.remove("group:team", ito, ADMINISTRATOR)

    def often(do: Callable[[], None]) -> None:
        for _ in range(8):
            do()

    before = house.end()
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(often, do) for do in (rights, scopes, groups)]:
            done.result()

    # Nothing was lost, and no position was given twice.
    assert house.end() == before + 8 * 6
    told = house.told(house.reader("ito"), before)
    assert told.count(("scope-gone", "lab/a")) >= 8


@pytest.mark.parametrize("database", BOTH)
def test_projections_pass_notices_by(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    postgresql = database == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    with followed(address, tmp_path / "projections") as made:
        made.enter("a")
        made.enter("b", scope="lab/2026A1")
        made.catch_up()
        grants = Grants(made.ledger.store, made.scopes, Audit(made.ledger.store))
        before = len(made.search.calls)
        (given,) = grants.grant("lab/2026A1", ["read"], "signed-in", ADMINISTRATOR)
        grants.revoke(given.id, ADMINISTRATOR)
        made.catch_up()

        assert made.row().position == made.book.last_position()
        assert made.book.lag("search").changes == 0
        assert all((shown, gone) == ((), ()) for _, shown, gone in made.search.calls[before:])
        assert made.book.failures("search") == []
        made.assert_true()
