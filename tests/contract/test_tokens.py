"""API tokens, links and the sign-in of a command line on either database: what they let do, and when that ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text, update

from catalog.access.accounts import Accounts
from catalog.access.audit import Audit
from catalog.access.device_flow import INTERVAL_SECONDS, LASTS, LETTERS, MOST_FROM_ONE, MOST_WAITING, DeviceFlow
from catalog.access.grants import Grants
from catalog.access.groups import Groups
from catalog.access.links import Links
from catalog.access.moments import later
from catalog.access.once import Made
from catalog.access.people import People
from catalog.access.policy import decide
from catalog.access.readers import Readers
from catalog.access.scopes import Scopes
from catalog.access.sessions import Sessions
from catalog.access.tokens import LONGEST, MOST_OF_ONE, Token, Tokens
from catalog.errors import CatalogError, Conflict, Forbidden, Invalid, NotFound, Throttled, Unavailable
from catalog.ledger.append import Ledger
from catalog.ledger.sources import Sources
from catalog.questions.browser import Browser
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader, Right
from catalog.records.record import Source
from catalog.store.engine import Store
from catalog.store.tables import audit as lines
from catalog.store.tables import link_token, once, token
from tests.contract.ledgers import entry, kinds, migrated

HERE = "192.0.2.1"
# What the accounts keep is theirs to choose; that it is dear to make is not what is asked here.
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Ticking:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = "2026-04-01T00:00:00.000000Z"

    def __call__(self) -> str:
        return self.now

    def pass_(self, **by: float) -> None:
        self.now = later(self.now, timedelta(**by))


class House:
    """A catalogue's scopes and people, with a clock of the test's own; `lab` is closed, and has an experiment below it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = clock = Ticking()
        self.ledger = Ledger(store, kinds())
        self.ledger.mirrors.prepare()
        self.audit = Audit(store, clock=clock)
        self.readers = Readers(store, clock=clock)
        self.scopes = Scopes(store, clock=clock)
        for scope in ("lab", "lab/2026A1", "company"):
            self.scopes.create(scope, ADMINISTRATOR, mode="limited")
        self.grants = Grants(store, self.scopes, self.audit, clock=clock)
        self.groups = Groups(store, self.audit, clock=clock)
        sessions = Sessions(store, self.readers, self.audit, clock=clock)
        self.people = People(store, sessions, self.audit, clock=clock)
        self.tokens = Tokens(store, self.readers, self.scopes, self.audit, clock=clock)
        self.links = Links(store, self.scopes, self.grants, self.readers, self.audit, clock=clock)
        self.flow = DeviceFlow(store, self.tokens, self.audit, clock=clock)

    def person(self, name: str = "Haruka Ito", **more: Any) -> str:
        with self.store.write() as connection:
            return self.people.create(connection, name, **more).id

    def reader(self, id: str) -> Reader:
        with self.store.read() as connection:
            key = connection.execute(text("SELECT key FROM holder WHERE id = :id"), {"id": id}).scalar_one()
        return self.readers.person(key, id)

    def grant(self, scope: str, *rights: Right, to: str, **more: Any) -> None:
        self.grants.grant(scope, rights, to, ADMINISTRATOR, **more)

    def may(self, right: Right, scope: str, value: str) -> bool:
        """Whether whoever carries this may do that there now."""
        reader = self.tokens.reader(value) if value.startswith("mst_") else self.links.reader(value)
        facts = self.scopes.facts(scope)
        assert facts is not None
        return reader is not None and decide(right, facts, reader, self.clock())

    def token(self, id: str, **more: Any) -> Made[Token]:
        return self.tokens.make(self.reader(id), "loader", **{"until": "2026-10-01", **more})

    def noted(self, act: str) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(select(lines).where(lines.c.act == act).order_by(lines.c.position)))

    def device(self, local_id: str, into: str = "lab", kind: str = "device") -> str:
        body = {"title": {"en": local_id}, "type": kind}
        (outcome,) = self.ledger.append([entry(local_id, body, into=into, kind="agent")], by="test")
        return outcome.id


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'a'}"
    store = migrated(address)
    yield House(store)
    store.close()


@pytest.fixture
def ito(house: House) -> str:
    """Who may read and write in `lab`, and share it."""
    id = house.person()
    house.grant("lab", "read", "download", "write", "share", to=id)
    return id


# --- what a token lets do


def test_a_token_is_what_its_owner_is_until_it_is_over(house: House, ito: str) -> None:
    made = house.token(ito, until="2026-04-03")
    reader = house.tokens.reader(made.value)
    assert reader is not None
    assert (reader.id, reader.person, reader.token) == (ito, ito, made.what.id)
    assert house.may("write", "lab/2026A1", made.value)
    assert not house.may("manage", "lab", made.value)
    assert not house.may("read", "company", made.value)
    house.clock.pass_(days=2)
    assert house.tokens.reader(made.value) is None


def test_only_a_digest_is_kept_and_nothing_tells_what_a_token_is(house: House, ito: str) -> None:
    made, link = house.token(ito), house.links.make("lab", house.reader(ito), "x", rights=["read"], until="2026-05-01")
    begun = house.flow.begin("catalog", HERE)
    secrets = (made.value, link.value, begun.device_code, begun.user_code.replace("-", ""))
    with house.store.read() as connection:
        for table in (token, link_token, once, lines):
            rows = str(connection.execute(select(table)).fetchall())
            assert not any(secret in rows for secret in secrets), table.name
    told = f"{made!r} {made.what!r} {made.what.document()} {link!r} {link.what.document()} {begun!r}"
    assert not any(secret in told for secret in secrets)


def test_a_right_that_its_owner_loses_is_the_tokens_no_more_at_once(house: House, ito: str) -> None:
    whole = house.token(ito)
    part = house.token(ito, part=[{"right": "write", "scope": "lab"}])
    assert house.may("write", "lab", whole.value)
    assert house.may("write", "lab", part.value)
    for permission in house.grants.of_scope("lab", ADMINISTRATOR):
        if permission.right == "write":
            house.grants.revoke(permission.id, ADMINISTRATOR)
    assert not house.may("write", "lab", whole.value)
    assert not house.may("write", "lab", part.value)
    assert house.may("read", "lab", whole.value)


def test_a_token_goes_with_the_group_and_the_person_it_is_of(house: House) -> None:
    id = house.person()
    house.groups.create("crew", "Crew", ADMINISTRATOR)
    house.groups.add("group:crew", id, ADMINISTRATOR)
    house.grant("lab", "read", to="group:crew")
    made = house.token(id)
    assert house.may("read", "lab", made.value)
    house.groups.remove("group:crew", id, ADMINISTRATOR)
    assert not house.may("read", "lab", made.value)
    assert house.tokens.reader(made.value) is not None
    house.people.end(id, ADMINISTRATOR)
    assert house.tokens.reader(made.value) is None


def test_a_token_with_a_part_of_somebodys_rights_does_no_more(house: House, ito: str) -> None:
    made = house.token(ito, part=[{"right": "read", "scope": "lab/2026A1"}, {"right": "manage", "scope": "company"}])
    assert house.may("read", "lab/2026A1", made.value)
    assert not house.may("read", "lab", made.value)
    assert not house.may("write", "lab/2026A1", made.value)
    assert not house.may("manage", "company", made.value)
    reader = house.tokens.reader(made.value)
    assert reader is not None
    # It is nobody in person: it makes no tokens and takes nobody's rights back, its owner's own neither.
    assert reader.person is None
    with pytest.raises(Forbidden):
        house.tokens.make(reader, "more", until="2026-05-01")
    with pytest.raises(Forbidden):
        house.tokens.of(reader)
    mine = next(each for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.id == ito)
    with pytest.raises(NotFound):
        house.grants.revoke(mine.id, reader)
    other = house.token(ito)
    with pytest.raises(NotFound):
        house.tokens.end(other.what.id, reader)
    house.tokens.end(made.what.id, reader)
    assert house.tokens.reader(made.value) is None


def test_what_everyone_could_do_is_no_part_of_a_token_once_everyone_cannot(house: House) -> None:
    sato = house.person("Ken Sato")
    house.grant("company", "read", to=sato)
    (everyones,) = house.grants.grant("company", ["read"], "everyone", ADMINISTRATOR)
    made = house.token(sato, part=[{"right": "write", "scope": "lab/2026A1"}])
    assert house.may("read", "company", made.value)
    house.grants.revoke(everyones.id, ADMINISTRATOR)
    # Its owner may still read there, by a right that is no part of the token.
    assert decide("read", house.scopes.find("company", ADMINISTRATOR).facts, house.reader(sato), house.clock())
    assert not house.may("read", "company", made.value)


def test_a_part_of_an_administrators_rights_is_no_administrator(house: House) -> None:
    id = house.person(administrator=True)
    everywhere = house.token(id, part=[{"right": "read"}])
    reader = house.tokens.reader(everywhere.value)
    assert reader is not None
    assert not reader.administrator
    assert house.may("read", "company", everywhere.value)
    assert not house.may("write", "company", everywhere.value)
    whole = house.token(id)
    reader = house.tokens.reader(whole.value)
    assert reader is not None
    assert reader.administrator
    house.people.set_administrator(id, False, ADMINISTRATOR)
    assert not house.may("read", "company", whole.value)
    assert not house.may("read", "company", everywhere.value)


def test_everywhere_of_an_administrators_token_is_also_where_there_was_nothing_yet(house: House) -> None:
    made = house.token(house.person(administrator=True), part=[{"right": "write"}])
    assert house.may("write", "lab", made.value)
    house.scopes.create("newfac", ADMINISTRATOR, mode="limited")
    assert house.may("write", "newfac", made.value)
    assert not house.may("read", "newfac", house.token(house.person("Ken Sato"), part=[{"right": "read"}]).value)


def test_a_token_made_with_a_token_ends_with_it_and_no_later(house: House, ito: str) -> None:
    first = house.token(ito, until="2026-05-01")
    reader = house.tokens.reader(first.value)
    assert reader is not None
    second = house.tokens.make(reader, "second", until="2027-01-01")
    assert second.what.until == "2026-05-01T00:00:00.000000Z"
    again = house.tokens.reader(second.value)
    assert again is not None
    third = house.tokens.make(again, "third", until="2026-04-20")
    other = house.token(ito)
    house.tokens.end(first.what.id, house.reader(ito))
    assert [house.tokens.reader(made.value) is None for made in (first, second, third, other)] == [True] * 3 + [False]
    with pytest.raises(Forbidden):
        house.tokens.make(again, "fourth", until="2026-04-20")


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": "2026-04-01"},
        {"until": "2027-04-03"},
        {"until": "soon"},
        {"part": []},
        {"part": [{"right": "own", "scope": "lab"}]},
        {"part": [{"scope": "lab"}]},
        {"part": [{"right": "read", "scope": "lab", "more": True}]},
        {"part": [{"right": "read", "scope": "lab/../company"}]},
        {"part": [{"right": "read", "scope": "lab/"}]},
        {"part": [{"right": "read", "scope": "lab%2F2026A1"}]},
        {"part": [{"right": "read", "scope": ["lab"]}]},
        {"part": ["read"]},
        {"agent": "agent/lab/nobody"},
        {"agent": "agent/lab/../lab/robot"},
        {"source": "lab", "part": [{"right": "share", "scope": "lab"}]},
    ],
)
def test_a_token_that_is_not_right_is_not_made(house: House, ito: str, wrong: dict[str, Any]) -> None:
    register(house)
    with pytest.raises(Invalid):
        house.token(ito, **wrong)
    house.token(ito, until=later(house.clock(), LONGEST))


def test_nobody_lists_or_ends_what_is_others(house: House, ito: str) -> None:
    made, other = house.token(ito), house.reader(house.person("Ken Sato"))
    assert house.tokens.of(other) == ()
    for reader in (other, PUBLIC, Reader(f"link:{'0' * 16}")):
        with pytest.raises(NotFound):
            house.tokens.end(made.what.id, reader)
    assert [each.id for each in house.tokens.of(house.reader(ito))] == [made.what.id]
    assert [each.id for each in house.tokens.every(ADMINISTRATOR)] == [made.what.id]
    with pytest.raises(Forbidden):
        house.tokens.every(house.reader(ito))
    house.tokens.end(made.what.id, ADMINISTRATOR)
    assert house.tokens.reader(made.value) is None
    assert house.tokens.of(house.reader(ito)) == ()


def test_tokens_of_one_owner_are_not_without_number(house: House, ito: str) -> None:
    reader = house.reader(ito)
    made = [house.tokens.make(reader, f"t{each}", until="2026-05-01") for each in range(MOST_OF_ONE)]
    with pytest.raises(Conflict):
        house.tokens.make(reader, "one more", until="2026-05-01")
    house.tokens.end(made[0].what.id, reader)
    house.tokens.make(reader, "one more", until="2026-05-01")


def test_the_last_use_is_told_once_a_minute_and_a_new_address_once(house: House, ito: str) -> None:
    made = house.token(ito)

    def seen() -> tuple[str | None, str | None]:
        (found,) = house.tokens.of(house.reader(ito))
        return found.used_at, found.used_from

    assert seen() == (None, None)
    house.tokens.used(made.value, HERE)
    first = house.clock()
    assert seen() == (first, HERE)
    house.clock.pass_(seconds=30)
    house.tokens.used(made.value, HERE)
    assert seen() == (first, HERE)
    house.clock.pass_(seconds=31)
    house.tokens.used(made.value, HERE)
    assert seen() == (house.clock(), HERE)
    house.tokens.used(made.value, "192.0.2.2")
    house.tokens.used(made.value, HERE)
    house.tokens.used(made.value, "192.0.2.2")
    assert seen() == (house.clock(), "192.0.2.2")
    assert [(line.address, line.holder) for line in house.noted("token-new-address")] == [
        (HERE, ito),
        ("192.0.2.2", ito),
    ]
    house.tokens.used("mst_unknown", HERE)
    assert len(house.noted("token-new-address")) == 2


def test_making_and_ending_are_in_the_audit(house: House, ito: str) -> None:
    made = house.token(ito, part=[{"right": "read", "scope": "lab"}])
    house.tokens.end(made.what.id, ADMINISTRATOR)
    (line,) = house.noted("token")
    assert (line.by, line.holder) == (ito, ito)
    told = orjson.loads(line.detail)
    assert (told["token"], told["name"], told["part"]) == (
        made.what.id,
        "loader",
        [{"right": "read", "scope": "lab"}],
    )
    (line,) = house.noted("token-ended")
    assert (line.by, line.holder, orjson.loads(line.detail)) == ("administrator", ito, {"token": made.what.id})


# --- sources and devices


def register(house: House) -> None:
    Sources(house.store).register(Source("lab", 0, {"en": "Laboratory"}, "lab/2026A1"), by="test")


def test_a_sources_token_is_made_by_administrators_and_works_in_its_home_scope(house: House, ito: str) -> None:
    register(house)
    with pytest.raises(Forbidden):
        house.tokens.make_for_source("lab", house.reader(ito), "x", until="2026-05-01")
    with pytest.raises(NotFound):
        house.tokens.make_for_source("nobody", ADMINISTRATOR, "x", until="2026-05-01")
    made = house.tokens.make_for_source("lab", ADMINISTRATOR, "harvester", until="2026-05-01")
    reader = house.tokens.reader(made.value)
    assert reader is not None
    assert (reader.id, reader.source, reader.person, reader.administrator) == ("source:lab", "lab", None, False)
    assert house.may("write", "lab/2026A1", made.value)
    assert not house.may("write", "lab", made.value)
    for wrong in ([{"right": "write"}], [{"right": "manage", "scope": "lab"}]):
        with pytest.raises(Invalid):
            house.tokens.make_for_source("lab", ADMINISTRATOR, "x", until="2026-05-01", part=wrong)
    with pytest.raises(NotFound):
        house.tokens.make_for_source(
            "lab", ADMINISTRATOR, "x", until="2026-05-01", part=[{"right": "write", "scope": "none"}]
        )
    assert [each.id for each in house.tokens.of_source("lab", ADMINISTRATOR)] == [made.what.id]
    with pytest.raises(Forbidden):
        house.tokens.of_source("lab", house.reader(ito))


def test_somebody_acts_as_a_device_only_whose_record_they_may_write(house: House, ito: str) -> None:
    robot, closed = house.device("robot"), house.device("elsewhere", into="company")
    person = house.device("person", kind="person")
    for id in (closed, person, "sample/lab/none"):
        with pytest.raises(Invalid) as refused:
            house.token(ito, agent=id)
        assert str(refused.value).startswith("agent: ")
    made = house.token(ito, agent=robot)
    reader = house.tokens.reader(made.value)
    assert reader is not None
    assert (reader.id, reader.agent, reader.person) == (ito, robot, None)
    assert house.may("write", "lab", made.value)
    # What a machine carries shares nothing, though its owner may.
    assert not house.may("share", "lab", made.value)


def test_a_device_of_an_administrator_is_no_administrator(house: House) -> None:
    robot = house.device("robot")
    made = house.token(house.person(administrator=True), agent=robot)
    reader = house.tokens.reader(made.value)
    assert reader is not None
    assert (reader.administrator, reader.agent) == (False, robot)
    assert house.may("write", "company", made.value)
    assert not house.may("manage", "company", made.value)


# --- links


def test_a_link_reads_what_it_is_for_until_it_ends(house: House, ito: str) -> None:
    made = house.links.make("lab/2026A1", house.reader(ito), "Reviewers", rights=["read"], until="2026-04-10")
    assert house.may("read", "lab/2026A1", made.value)
    assert not house.may("read", "lab", made.value)
    assert not house.may("download", "lab/2026A1", made.value)
    assert not house.may("write", "lab/2026A1", made.value)
    assert house.links.opened(made.value).scope == "lab/2026A1"
    house.clock.pass_(days=10)
    assert house.links.reader(made.value) is None
    with pytest.raises(NotFound):
        house.links.opened(made.value)


@pytest.mark.parametrize("guess", ["mlk_", "mlk_0", "mst_0", "", "mlk_" + "A" * 43, "mlk_\udc80", "mlk_\x00"])
def test_a_link_that_was_guessed_opens_nothing(house: House, ito: str, guess: str) -> None:
    made = house.links.make("lab", house.reader(ito), "Reviewers", rights=["read"], until="2026-04-10")
    for told in (guess, made.value[:-1], made.value + "A", made.value.lower(), made.what.id):
        assert house.links.reader(told) is None
        assert house.tokens.reader(told) is None


def test_a_link_is_taken_back_at_once_by_its_maker_or_a_manager(house: House, ito: str) -> None:
    manager = house.person("Ken Sato")
    house.grant("lab", "manage", to=manager)
    mine, theirs = (
        house.links.make("lab", house.reader(id), "x", rights=["read"], until="2026-05-01") for id in (ito, manager)
    )
    assert [each.id for each in house.links.of_scope("lab", house.reader(ito)).items] == [mine.what.id]
    assert {each.id for each in house.links.of_scope("lab", house.reader(manager)).items} == {
        mine.what.id,
        theirs.what.id,
    }
    for id, by in ((theirs.what.id, ito), (mine.what.id, house.person("Nobody")), ("link:none", manager)):
        with pytest.raises(NotFound):
            house.links.end(id, house.reader(by))
    house.links.end(mine.what.id, house.reader(ito))
    assert not house.may("read", "lab", mine.value)
    house.links.end(theirs.what.id, house.reader(manager))
    assert not house.may("read", "lab", theirs.value)
    assert house.links.of_scope("lab", house.reader(manager)).items == ()
    # Who had access, and until when, is told afterwards too.
    ended = [each for each in house.grants.of_scope("lab", ADMINISTRATOR, ended=True) if each.holder.kind == "link"]
    assert {each.ended_by for each in ended} == {ito, manager}


def test_a_link_is_told_with_what_it_still_lets_and_is_over_when_that_is_nothing(house: House, ito: str) -> None:
    made = house.links.make("lab", house.reader(ito), "x", rights=["read", "download"], until="2026-05-01")
    held = {each.right: each.id for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.kind == "link"}

    house.grants.revoke(held["download"], ADMINISTRATOR)
    (listed,) = house.links.of_scope("lab", ADMINISTRATOR).items
    assert listed.rights == house.links.opened(made.value).rights == ("read",)
    house.grants.revoke(held["read"], ADMINISTRATOR)
    assert house.links.of_scope("lab", ADMINISTRATOR).items == ()
    assert house.links.reader(made.value) is None
    with pytest.raises(NotFound):
        house.links.opened(made.value)


def test_a_link_is_taken_back_by_who_made_it_though_they_may_share_no_more(house: House, ito: str) -> None:
    made = house.links.make("lab", house.reader(ito), "x", rights=["read"], until="2026-05-01")
    part = house.tokens.reader(house.token(ito, part=[{"right": "share"}, {"right": "read"}]).value)
    assert part is not None
    with pytest.raises(NotFound):
        # As with any right that they gave: a part of them does not decide for them.
        house.links.end(made.what.id, part)
    house.grants.settle("lab", [], ito, ADMINISTRATOR)
    assert house.may("read", "lab", made.value)
    house.links.end(made.what.id, house.reader(ito))
    assert not house.may("read", "lab", made.value)


def test_a_link_gives_no_more_than_its_maker_holds_and_nothing_but_reading(house: House) -> None:
    id = house.person()
    house.grant("lab", "read", "share", to=id)
    reader = house.reader(id)
    for rights in (["download"], ["read", "download"]):
        with pytest.raises(Forbidden):
            house.links.make("lab", reader, "x", rights=rights, until="2026-05-01")  # type: ignore[arg-type]
    for wrong in (["write"], ["read", "manage"], []):
        with pytest.raises(Invalid):
            house.links.make("lab", ADMINISTRATOR, "x", rights=wrong, until="2026-05-01")  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        house.links.make("lab", reader, "x", rights=["read"], until="2027-04-03")
    # Hidden and absent scopes are one answer.
    told = []
    for scope in ("company", "nowhere"):
        with pytest.raises(NotFound) as refused:
            house.links.make(scope, reader, "x", rights=["read"], until="2026-05-01")
        told.append(str(refused.value).replace(scope, "…"))
    assert told[0] == told[1]


def test_a_link_grants_nothing_and_makes_no_link_and_takes_nothing_back(house: House, ito: str) -> None:
    made = house.links.make("lab", house.reader(ito), "x", rights=["read", "download"], until="2026-05-01")
    carrier = house.links.reader(made.value)
    assert carrier is not None
    friend = house.person("Friend")
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, carrier)
    with pytest.raises(Forbidden):
        house.links.make("lab", carrier, "x", rights=["read"], until="2026-05-01")
    with pytest.raises(Forbidden):
        house.tokens.make(carrier, "x", until="2026-05-01")
    its_own = [each for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.id == carrier.id]
    assert its_own
    for each in its_own:
        with pytest.raises(NotFound):
            house.grants.revoke(each.id, carrier)
    # Also if somebody granted share to the link itself, which nothing of ours does.
    sharing = Reader(carrier.id, (*carrier.grants, Grant("share", "lab")))
    with pytest.raises(Forbidden):
        house.links.make("lab", sharing, "x", rights=["read"], until="2026-05-01")


# --- the sign-in of a command line


def let_in(house: House, person: str, *, allowed: bool = True) -> Any:
    begun = house.flow.begin("catalog on beamline-02", HERE)
    house.flow.decide(begun.user_code, person, allowed=allowed, address=HERE)
    return house.flow.token(begun.device_code)


def test_a_command_line_gets_its_token_once_its_person_says_so(house: House, ito: str) -> None:
    begun = house.flow.begin("catalog on beamline-02", HERE)
    assert set(begun.user_code) <= {*LETTERS, "-"}
    assert house.flow.token(begun.device_code) == "authorization_pending"
    asking = house.flow.asking(begun.user_code.lower().replace("-", " "), ito)
    assert (asking.name, asking.address, asking.user_code) == ("catalog on beamline-02", HERE, begun.user_code)
    house.flow.decide(begun.user_code, ito, allowed=True, address=HERE)
    made = house.flow.token(begun.device_code)
    assert isinstance(made, Made)
    assert house.may("write", "lab", made.value)
    assert made.what.name == "catalog on beamline-02"
    assert house.flow.token(begun.device_code) == "expired_token"
    with pytest.raises(NotFound):
        house.flow.decide(begun.user_code, ito, allowed=True, address=HERE)


def test_a_command_line_that_was_refused_or_waited_too_long_gets_nothing(house: House, ito: str) -> None:
    assert let_in(house, ito, allowed=False) == "access_denied"
    begun = house.flow.begin("catalog", HERE)
    house.clock.now = later(house.clock.now, LASTS)
    assert house.flow.token(begun.device_code) == "expired_token"
    with pytest.raises(NotFound):
        house.flow.asking(begun.user_code, ito)
    for guess in ("", "user:" + begun.user_code.replace("-", ""), begun.user_code):
        assert house.flow.token(guess) == "expired_token"


def test_a_command_line_that_asks_too_often_is_told_so(house: House) -> None:
    begun = house.flow.begin("catalog", HERE)
    assert house.flow.token(begun.device_code) == "authorization_pending"
    assert house.flow.token(begun.device_code) == "slow_down"
    house.clock.pass_(seconds=INTERVAL_SECONDS)
    assert house.flow.token(begun.device_code) == "authorization_pending"


def test_nobody_is_let_in_who_was_shut_out_meanwhile(house: House, ito: str) -> None:
    begun = house.flow.begin("catalog", HERE)
    house.flow.decide(begun.user_code, ito, allowed=True, address=HERE)
    house.people.end(ito, ADMINISTRATOR)
    assert house.flow.token(begun.device_code) == "expired_token"


@pytest.mark.parametrize("kept", [False, True])
def test_a_password_set_by_a_link_ends_the_tokens_of_its_person_unless_they_keep_them(house: House, kept: bool) -> None:
    sessions = Sessions(house.store, house.readers, house.audit, clock=house.clock)
    accounts = Accounts(house.store, house.people, sessions, house.audit, clock=house.clock, hasher=QUICK)
    ito = accounts.add(ADMINISTRATOR, login="ito", password="correct horse battery", name="Haruka Ito").id
    other = house.person("Ken Sato")
    line, theirs = let_in(house, ito), house.token(other)
    loader = house.tokens.make(house.reader(ito), "loader", until="2026-10-01")
    waiting = {each: house.flow.begin("catalog", HERE) for each in (ito, other)}
    for each, begun in waiting.items():
        house.flow.decide(begun.user_code, each, allowed=True, address=HERE)

    link = accounts.reset_link(ito, ADMINISTRATOR)
    more = {"keep_tokens": True} if kept else {}
    accounts.reset(link.value, Browser(HERE), password="quite another battery", **more)

    for made in (line, loader):
        assert (house.tokens.reader(made.value) is not None) is kept
    assert house.tokens.reader(theirs.value) is not None
    # Nor does a command line come in that was let in before and has not asked since.
    assert isinstance(house.flow.token(waiting[ito].device_code), Made) is kept
    assert isinstance(house.flow.token(waiting[other].device_code), Made)
    ended = [(each.by, each.holder, orjson.loads(each.detail)) for each in house.noted("token-ended")]
    assert ended == ([] if kept else [(ito, ito, {"tokens": 2})])


def test_guessing_at_codes_gets_slower_for_the_person_who_guesses(house: House, ito: str) -> None:
    begun, other = house.flow.begin("catalog", HERE), house.person("Ken Sato")

    def guessed() -> type[CatalogError]:
        with pytest.raises(CatalogError) as refused:
            house.flow.asking("BBBB-BBBB", other)
        return refused.type

    tries = [guessed() for _ in range(7)]
    assert tries[0] is NotFound
    assert tries[-1] is Throttled
    # Nor is the right one looked at then; others are not held up.
    with pytest.raises(Throttled):
        house.flow.decide(begun.user_code, other, allowed=True, address=HERE)
    assert house.flow.asking(begun.user_code, ito).name == "catalog"


def test_those_that_wait_are_not_without_number(house: House) -> None:
    with house.store.write() as connection:
        rows = [
            {"digest": str(each), "what": "device", "detail": "{}", "at": house.clock(), "by": "public",
             "until": later(house.clock(), LASTS)}
            for each in range(2 * MOST_WAITING)
        ]  # fmt: skip
        connection.execute(once.insert(), rows)
    with pytest.raises(Unavailable):
        house.flow.begin("catalog", HERE)
    house.clock.now = later(house.clock.now, LASTS)
    house.flow.begin("catalog", HERE)


def test_one_address_does_not_take_all_places(house: House) -> None:
    for _ in range(MOST_FROM_ONE):
        house.flow.begin("catalog", HERE)
    with pytest.raises(Throttled):
        house.flow.begin("catalog", HERE)
    house.flow.begin("catalog", "192.0.2.2")
    house.clock.pass_(seconds=LASTS.total_seconds())
    house.flow.begin("catalog", HERE)


def test_a_token_is_not_found_by_a_digest_nor_by_its_id(house: House, ito: str) -> None:
    made = house.token(ito)
    with house.store.write() as connection:
        digest = connection.execute(select(token.c.digest)).scalar_one()
        connection.execute(update(token).values(used_at=house.clock()))
    for told in (digest, f"mst_{digest}", made.what.id, f"mst_{made.what.id}", made.value.upper()):
        assert house.tokens.reader(told) is None
