"""Who had access to a scope and when, and what is found in the audit, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert

from catalog.access.audit import ACTS, Audit
from catalog.access.grants import Grants
from catalog.access.groups import Groups
from catalog.access.holders import end_holder, make_holder
from catalog.access.past import Chronicle, Past
from catalog.access.scopes import Scopes
from catalog.errors import Forbidden, Invalid, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.store.engine import Store
from catalog.store.tables import issuer, person
from catalog.web.audit import ACTS as WORDS
from tests.contract.ledgers import migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
LAB = "spring8/lab"


@dataclass
class House:
    """A catalogue whose clock tests set, by the day of January 2027."""

    store: Store
    moment: str = "2027-01-01T00:00:00.000000Z"

    def __post_init__(self) -> None:
        self.audit = Audit(self.store, clock=self.now)
        self.scopes = Scopes(self.store, clock=self.now)
        self.grants = Grants(self.store, self.scopes, self.audit, clock=self.now)
        self.groups = Groups(self.store, self.audit, clock=self.now)
        self.chronicle = Chronicle(self.store, self.scopes, self.grants)

    def now(self) -> str:
        return self.moment

    def on(self, day: int) -> None:
        self.moment = f"2027-01-{day:02}T00:00:00.000000Z"

    def somebody(self, name: str) -> str:
        with self.store.write() as connection:
            made = make_holder(connection, "person", name, by="administrator", at=self.moment, id=f"person:{name}")
            connection.execute(insert(person), {"key": made.key})
        return made.id

    def let(self, who: str, scope: str = LAB, *, since: str | None = None, until: str | None = None) -> str:
        return self.grants.grant(scope, ["read"], who, ADMINISTRATOR, since=since, until=until)[0].id

    def past(self, at: str | None = None) -> Past:
        return self.chronicle.of(LAB, ADMINISTRATOR, at=at)


def day(moment: str | None) -> int | None:
    return None if moment is None else int(moment[8:10])


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    made = House(migrated(address))
    made.scopes.create("spring8", ADMINISTRATOR)
    made.scopes.create(LAB, ADMINISTRATOR)
    yield made
    made.store.close()


def held(past: Past) -> list[tuple[str, int | None, int | None]]:
    told = ((each.permission.holder.id, day(each.period.begin), day(each.period.end)) for each in past.held)
    return sorted(told, key=lambda each: each[0])


def test_a_right_held_from_when_it_was_given_or_began_until_the_first_of_its_ends(house: House) -> None:
    ito, sato, abe, doi = (house.somebody(name) for name in ("ito", "sato", "abe", "doi"))
    house.on(2)
    taken_back = house.let(ito, until="2027-01-20")
    house.let(sato, "spring8", since="2027-01-05", until="2027-01-07")
    never = house.let(doi, since="2027-01-28")
    house.on(3)
    house.let(abe)
    house.on(10)
    house.grants.revoke(taken_back, ADMINISTRATOR)
    house.grants.revoke(never, ADMINISTRATOR)
    house.on(12)
    with house.store.write() as connection:
        end_holder(
            connection,
            next(each.permission.holder.key for each in house.past().held if "abe" in each.permission.holder.id),
            house.moment,
        )

    assert held(house.past()) == [(abe, 3, 12), (ito, 2, 10), (sato, 5, 7)]
    assert held(house.past("2027-01-06")) == [(abe, 3, 12), (ito, 2, 10), (sato, 5, 7)]
    assert held(house.past("2027-01-07")) == [(abe, 3, 12), (ito, 2, 10)]
    assert held(house.past("2027-01-02T09:00:00+09:00")) == [(ito, 2, 10)]
    assert held(house.past("2027-01-12")) == []


def test_who_was_in_the_groups_that_held_a_right_is_told_with_those_within(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.create("inner", "Inner", ADMINISTRATOR)
    house.groups.create("other", "Other", ADMINISTRATOR)
    house.groups.add("group:other", ito, ADMINISTRATOR)
    house.on(2)
    house.let("group:outer")
    house.groups.add("group:outer", "group:inner", ADMINISTRATOR)
    house.groups.add("group:inner", ito, ADMINISTRATOR)
    house.on(3)
    house.groups.add("group:inner", ito, ADMINISTRATOR, until="2027-01-05")
    house.groups.add("group:inner", sato, ADMINISTRATOR)
    house.on(6)
    house.groups.add("group:inner", ito, ADMINISTRATOR)
    house.on(7)
    house.groups.remove("group:inner", sato, ADMINISTRATOR)
    house.on(8)
    house.groups.end("group:inner", ADMINISTRATOR)

    def members(past: Past) -> dict[str, list[tuple[str, int | None, int | None]]]:
        return {
            team.group.id: [(who.id, day(period.begin), day(period.end)) for who, period in team.members]
            for team in past.teams
        }

    assert members(house.past()) == {
        "group:inner": [(ito, 2, 5), (sato, 3, 7), (ito, 6, 8)],
        "group:outer": [("group:inner", 2, None)],
    }
    assert members(house.past("2027-01-04")) == {
        "group:inner": [(ito, 2, 5), (sato, 3, 7)],
        "group:outer": [("group:inner", 2, None)],
    }
    assert members(house.past("2027-01-01")) == {}


def test_whom_an_issuer_called_a_member_counts_from_the_claim_to_its_end(house: House) -> None:
    with house.store.write() as connection:
        row = {"id": "idp", "address": "https://idp.example.org", "document": "{}", "at": house.moment, "by": "x"}
        connection.execute(insert(issuer), row)
    house.groups.create("team", "Team", ADMINISTRATOR)
    house.let("group:team")
    house.groups.claim("group:team", "idp", "staff", ADMINISTRATOR)
    house.groups.claim("group:team", "idp", "guests", ADMINISTRATOR)
    house.on(4)
    house.groups.unclaim("group:team", "idp", "staff", ADMINISTRATOR)

    (team,) = house.past().teams
    assert [(name, value, day(period.begin), day(period.end)) for name, value, period in team.claims] == [
        ("idp", "staff", 1, 4),
        ("idp", "guests", 1, None),
    ]


def test_when_everyone_could_read_follows_the_scopes_above_and_the_clock(house: House) -> None:
    def everyone(past: Past, what: str) -> list[tuple[int | None, int | None]]:
        return [(day(period.begin), day(period.end)) for named, period in past.everyone if named == what]

    assert everyone(house.past(), "metadata") == []
    house.on(2)
    house.scopes.change("spring8", ADMINISTRATOR, mode="everyone", data_until="2027-01-20")
    house.on(4)
    house.scopes.change(LAB, ADMINISTRATOR, metadata_until="2027-01-06", data_until="2027-01-09")
    house.on(10)
    house.scopes.change(LAB, ADMINISTRATOR, title={"en": "A name changes nothing"})
    house.on(12)
    house.scopes.change("spring8", ADMINISTRATOR, mode="limited")
    house.on(14)
    house.scopes.change(LAB, ADMINISTRATOR, mode="everyone")
    house.on(16)
    house.scopes.change(LAB, ADMINISTRATOR, data_mode="approval")

    past = house.past()
    assert everyone(past, "metadata") == [(2, 4), (6, 12), (14, None)]
    assert everyone(past, "data") == [(9, 12), (14, 16)]
    assert everyone(house.past("2027-01-05"), "metadata") == []
    assert everyone(house.past("2027-01-06"), "metadata") == [(6, 12)]
    # What is seen by who reads anonymously is what is told: the moments just before and behind each turn agree.
    for moment in (3, 5, 7, 13, 15):
        told = bool(everyone(house.past(f"2027-01-{moment:02}T00:00:00Z"), "metadata"))
        assert told == (moment in (3, 7, 15))
    assert [change.document()["scope"] for change in past.changes].count(LAB) == 5
    assert len(past.document()["changes"]) == 7


def test_only_who_manages_a_scope_is_told_of_its_past(house: House) -> None:
    house.let(house.somebody("ito"))
    assert held(house.chronicle.of(LAB, Reader("m", (Grant("manage", "spring8"),)))) == held(house.past())
    for right in ("read", "write", "share", "download", "run"):
        # Who holds any right in a scope knows that there is one.
        with pytest.raises(Forbidden):
            house.chronicle.of(LAB, Reader("m", (Grant(right, "spring8"),)))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        house.chronicle.of(LAB, PUBLIC)
    with pytest.raises(Invalid):
        house.past("yesterday")


# --- the audit


def test_the_audit_is_searched_by_what_who_whom_where_and_when(house: House) -> None:
    ito = house.somebody("ito")
    house.on(2)
    given = house.let(ito)
    house.on(3)
    house.grants.revoke(given, ADMINISTRATOR)

    def acts(reader: Reader = ADMINISTRATOR, **wanted: str) -> list[str]:
        return [line.act for line in house.audit.find(reader, house.scopes, **wanted)]  # type: ignore[arg-type]

    assert acts() == ["revoke", "grant", "scope", "scope"]
    assert acts(act="grant") == ["grant"]
    assert acts(holder=ito) == ["revoke", "grant"]
    assert acts(scope="spring8") == ["revoke", "grant", "scope", "scope"]
    assert acts(scope=LAB) == ["revoke", "grant", "scope"]
    assert acts(since="2027-01-02", until="2027-01-03") == ["grant"]
    assert acts(since="2027-01-03T09:00:00+09:00") == ["revoke"]
    assert acts(by="person:nobody") == []
    manager = Reader("person:m", (Grant("manage", LAB),))
    assert acts(manager, scope=LAB) == ["revoke", "grant", "scope"]
    with pytest.raises(Forbidden):
        acts(manager)
    with pytest.raises(NotFound):
        acts(manager, scope="spring8")
    for wrong in ({"act": "nothing"}, {"since": "yesterday"}, {"until": "x"}):
        with pytest.raises(Invalid):
            acts(**wrong)
    lines = house.audit.find(ADMINISTRATOR, house.scopes, holder=ito)
    assert house.audit.names(lines) == {ito: "ito"}


def test_scopes_whose_ids_differ_in_case_are_two_in_the_audit(house: House) -> None:
    for id in ("spring8/ABC", "spring8/ABC/one", "spring8/abc", "spring8/abc/one"):
        house.scopes.create(id, ADMINISTRATOR)
    manager = Reader("person:m", (Grant("manage", "spring8/ABC"),))

    lines = house.audit.find(manager, house.scopes, scope="spring8/ABC")

    assert [line.scope for line in lines] == ["spring8/ABC/one", "spring8/ABC"]


def test_the_audit_is_taken_away_whole_and_in_order_and_from_where_one_was(house: House) -> None:
    for number in range(5):
        house.audit.tell("refused", f"person:{number}")
    every = list(house.audit.every(ADMINISTRATOR, slice_of=2))

    assert [line.position for line in every] == list(range(1, 8))
    assert [line.by for line in house.audit.every(ADMINISTRATOR, after=every[4].position)] == ["person:3", "person:4"]
    with pytest.raises(Forbidden):
        next(house.audit.every(Reader("person:m", (Grant("manage", "spring8"),))))


def test_every_act_has_a_name_in_both_languages() -> None:
    assert set(WORDS) == set(ACTS)
    assert all(words["en"] and words["ja"] for words in WORDS.values())
