"""Groups, and what is held through them, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from catalog.access.paging import Page, through
from catalog.access.readers import Part
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from tests.contract.houses import BOTH, House, housed

LATER = "2027-06-01T00:00:00.000000Z"


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with housed(request, tmp_path) as made:
        yield made


def test_whoever_makes_a_group_looks_after_it_and_is_in_it(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    made = house.groups.create("users", "Users", house.reader("ito"))
    assert [(each.holder.id, each.manages) for each in made.members] == [(ito, True)]

    house.groups.add("group:users", sato, house.reader("ito"))
    with pytest.raises(Forbidden):
        house.groups.add("group:users", ito, house.reader("sato"), manages=True)
    with pytest.raises(Conflict):
        house.groups.create("users", "Others", house.reader("sato"))
    with pytest.raises(Forbidden):
        house.groups.create("more", "More", PUBLIC)
    with pytest.raises(Forbidden):
        house.groups.create("more", "More", house.reader("ito", Part("read", "lab")))
    assert [each.id for each in house.groups.list(house.reader("sato")).items] == ["group:users"]


@pytest.mark.parametrize("name", ["", "Users", "a b", "a/b", ".a", "ä", "a" * 80, "a\n"])
def test_a_groups_name_is_plain(house: House, name: str) -> None:
    with pytest.raises(Invalid):
        house.groups.create(name, "Users", ADMINISTRATOR)


def test_a_group_that_one_is_not_in_and_one_that_is_not_there_are_one_answer(house: House) -> None:
    house.groups.create("users", "Users", ADMINISTRATOR)
    ito = house.somebody("ito")
    told = set()
    for id in ("group:users", "group:never"):
        attempts: tuple[Callable[[], object], ...] = (
            partial(house.groups.find, id, house.reader("ito")),
            partial(house.groups.add, id, ito, house.reader("ito"), manages=True),
            partial(house.groups.remove, id, ito, house.reader("ito")),
            partial(house.groups.end, id, house.reader("ito")),
        )
        for attempt in attempts:
            with pytest.raises(NotFound) as refused:
                attempt()
            told.add(refused.value.message.replace(id.removeprefix("group:"), "…"))
    assert len(told) == 1
    assert house.groups.list(house.reader("ito")).items == ()


def test_a_group_that_one_is_not_in_is_nobody_to_put_into_another(house: House) -> None:
    house.somebody("ito")
    house.groups.create("users", "Users", house.reader("ito"))
    house.groups.create("secret", "Merger with Example Ltd", ADMINISTRATOR)
    told = set()
    for id in ("group:secret", "group:never"):
        with pytest.raises(NotFound) as refused:
            house.groups.add("group:users", id, house.reader("ito"))
        told.add(refused.value.message.replace(id.removeprefix("group:"), "…"))
    assert len(told) == 1
    house.groups.create("more", "More", house.reader("ito"))
    assert house.groups.add("group:users", "group:more", house.reader("ito")).members
    assert house.groups.add("group:users", "group:secret", ADMINISTRATOR).members


def test_rights_of_a_group_are_its_members_until_they_leave_or_their_time_is_over(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    house.groups.create("users", "Users", ADMINISTRATOR)
    house.groups.add("group:users", ito, ADMINISTRATOR)
    house.groups.add("group:users", sato, ADMINISTRATOR, until="2027-06-01")
    house.grants.grant("lab", ["read"], "group:users", ADMINISTRATOR)
    assert house.may(house.reader("ito")) == house.may(house.reader("sato")) == {"read"}

    house.groups.remove("group:users", ito, house.reader("ito"))
    assert house.may(house.reader("ito")) == set()
    house.moment = LATER
    assert house.may(house.reader("sato")) == set()


def test_a_ring_of_groups_gives_nobody_more_than_its_groups_hold(house: House) -> None:
    people = {name: house.somebody(name) for name in ("a", "b", "c", "out")}
    for name in ("a", "b", "c"):
        house.groups.create(name, name, ADMINISTRATOR)
        house.groups.add(f"group:{name}", people[name], ADMINISTRATOR)
    for name, within in (("a", "b"), ("b", "c"), ("c", "a")):
        house.groups.add(f"group:{name}", f"group:{within}", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:a", ADMINISTRATOR)
    house.grants.grant("other", ["write"], "group:b", ADMINISTRATOR)

    for name in ("a", "b", "c"):
        assert house.may(house.reader(name), "lab") == {"read"}
        assert house.may(house.reader(name), "other") == {"read", "write"}
    assert house.may(house.reader("out"), "lab") == set()
    house.groups.remove("group:a", "group:b", ADMINISTRATOR)
    assert house.may(house.reader("a"), "lab") == {"read"}
    assert house.may(house.reader("b"), "lab") == house.may(house.reader("c"), "lab") == set()


def test_nobody_raises_themselves_by_putting_their_own_group_into_another(house: House) -> None:
    attacker = house.somebody("attacker")
    house.groups.create("strong", "Strong", ADMINISTRATOR)
    house.groups.add("group:strong", house.somebody("member"), ADMINISTRATOR)
    house.grants.grant("lab", ["manage"], "group:strong", ADMINISTRATOR)
    mine = house.groups.create("mine", "Mine", house.reader("attacker"))

    with pytest.raises(NotFound):
        house.groups.add("group:strong", mine.id, house.reader("attacker"))
    with pytest.raises(NotFound):
        house.groups.add("group:strong", attacker, house.reader("attacker"))
    # The other way round strengthens the others, not oneself.
    with pytest.raises(NotFound):
        house.groups.add("group:mine", "group:strong", house.reader("attacker"))
    house.groups.add("group:mine", "group:strong", ADMINISTRATOR)
    assert house.may(house.reader("attacker")) == set()
    with pytest.raises(NotFound):
        house.groups.add("group:strong", "group:mine", house.reader("attacker"))
    with pytest.raises(Invalid):
        house.groups.add("group:mine", "group:mine", house.reader("attacker"))


def test_being_in_a_group_within_is_not_looking_after_the_outer_one(house: House) -> None:
    inner = house.somebody("inner")
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.create("inner", "Inner", ADMINISTRATOR)
    house.groups.add("group:inner", inner, ADMINISTRATOR, manages=True)
    house.groups.add("group:outer", "group:inner", ADMINISTRATOR, manages=True)

    with pytest.raises(Forbidden):
        house.groups.add("group:outer", house.somebody("friend"), house.reader("inner"))
    assert house.groups.find("group:outer", house.reader("inner")).id == "group:outer"


def test_a_dissolved_group_gives_nothing_and_its_name_is_never_given_again(house: House) -> None:
    ito = house.somebody("ito")
    house.groups.create("users", "Users", house.reader("ito"))
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.add("group:outer", "group:users", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:users", ADMINISTRATOR)
    house.grants.grant("other", ["read"], "group:outer", ADMINISTRATOR)
    assert house.may(house.reader("ito"), "other") == {"read"}

    house.groups.end("group:users", house.reader("ito"))
    assert house.may(house.reader("ito"), "lab") == house.may(house.reader("ito"), "other") == set()
    with pytest.raises(NotFound):
        house.groups.find("group:users", ADMINISTRATOR)
    with pytest.raises(NotFound):
        house.grants.grant("lab", ["read"], "group:users", ADMINISTRATOR)
    with pytest.raises(Conflict):
        house.groups.create("users", "Users again", house.reader("ito"))
    assert ito not in [each.holder.id for each in house.grants.of_scope("lab", ADMINISTRATOR)]


def test_the_last_in_a_group_that_alone_manages_a_scope_stays(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.create("users", "Users", house.reader("ito"))
    house.groups.add("group:outer", "group:users", ADMINISTRATOR)
    house.groups.add("group:users", sato, house.reader("ito"))
    house.grants.grant("lab", ["manage"], "group:outer", ADMINISTRATOR)

    house.groups.remove("group:users", sato, house.reader("sato"))
    with pytest.raises(Conflict, match="lab"):
        house.groups.remove("group:users", ito, house.reader("ito"))
    with pytest.raises(Conflict):
        house.groups.remove("group:outer", "group:users", ADMINISTRATOR)
    for id in ("group:users", "group:outer"):
        with pytest.raises(Conflict):
            house.groups.end(id, ADMINISTRATOR)
    assert "manage" in house.may(house.reader("ito"))
    house.grants.grant("lab", ["manage"], sato, ADMINISTRATOR)
    house.groups.remove("group:users", ito, house.reader("ito"))
    assert house.may(house.reader("ito")) == set()


def test_the_last_in_a_group_that_alone_manages_a_scope_gets_no_end_either(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    house.groups.create("users", "Users", house.reader("ito"))
    house.grants.grant("lab", ["manage"], "group:users", ADMINISTRATOR)
    with pytest.raises(Conflict, match="lab"):
        house.groups.add("group:users", ito, house.reader("ito"), manages=True, until=LATER)
    house.groups.add("group:users", sato, house.reader("ito"), until=LATER)
    house.groups.add("group:users", sato, house.reader("ito"))
    house.groups.add("group:users", ito, house.reader("ito"), manages=True, until=LATER)
    assert "manage" in house.may(house.reader("sato"))


def test_whom_an_issuer_calls_a_member_is_one_while_it_says_so(house: House) -> None:
    house.somebody("ito")
    house.known_by("ito", groups=("bl01", "staff"))
    house.groups.create("users", "Users", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:users", ADMINISTRATOR)
    assert house.may(house.reader("ito")) == set()

    with pytest.raises(Forbidden):
        house.groups.claim("group:users", "vouching", "bl01", house.reader("ito"))
    with pytest.raises(NotFound):
        house.groups.claim("group:users", "never", "bl01", ADMINISTRATOR)
    house.groups.claim("group:users", "vouching", "bl01", ADMINISTRATOR)
    assert house.may(house.reader("ito")) == {"read"}
    house.groups.unclaim("group:users", "vouching", "bl01", ADMINISTRATOR)
    assert house.may(house.reader("ito")) == set()
    house.groups.claim("group:users", "vouching", "bl01", ADMINISTRATOR)
    house.unknown()
    assert house.may(house.reader("ito")) == set()


def test_a_group_and_its_members_are_told_in_pages(house: House) -> None:
    house.somebody("ito")
    for number in range(7):
        house.groups.create(f"g{number}", "The same name", house.reader("ito"))
        house.groups.add("group:g0", house.somebody(f"p{number}"), house.reader("ito"))

    def members(cursor: str | None) -> Page[str]:
        found = house.groups.find("group:g0", house.reader("ito"), cursor=cursor, limit=3)
        assert len(found.members) <= 3
        return Page(tuple(each.holder.id for each in found.members), found.next)

    told = list(through(members))
    assert len(told) == len(set(told)) == 8
    groups = list(through(lambda cursor: house.groups.list(house.reader("ito"), cursor=cursor, limit=2)))
    assert [each.id for each in groups] == [f"group:g{number}" for number in range(7)]
