"""Rights given and taken back, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.access.epoch import turn
from catalog.access.holders import make_holder
from catalog.access.paging import through
from catalog.access.readers import Part
from catalog.errors import CatalogError, Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, RIGHTS, Right
from tests.contract.houses import BOTH, House, housed

DAY = "2026-12-01T00:00:00.000000Z"
LATER = "2027-06-01T00:00:00.000000Z"


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with housed(request, tmp_path) as made:
        yield made


def test_a_right_holds_in_the_scope_and_below_it_until_it_is_taken_back(house: House) -> None:
    (given,) = house.let("ito", "read", scope="lab")

    assert house.may(house.reader("ito"), "lab") == {"read"}
    assert house.may(house.reader("ito"), "lab/a") == {"read"}
    assert house.may(house.reader("ito"), "other") == set()

    ended = house.grants.revoke(given.id, ADMINISTRATOR, why="has left")
    assert ended.ended_by == "administrator"
    assert house.may(house.reader("ito"), "lab/a") == set()
    assert house.acts()[-2:] == ["grant", "revoke"]
    # Taken back again, nothing changes and nothing is written down.
    house.grants.revoke(given.id, ADMINISTRATOR)
    assert house.acts().count("revoke") == 1


def test_the_same_given_twice_is_one_and_another_end_is_another(house: House) -> None:
    (first,) = house.let("ito", "read")
    assert house.let("ito", "read") == (first,)
    (second,) = house.let("ito", "read", until=LATER)

    assert {each.id for each in house.grants.of_scope("lab", ADMINISTRATOR)} == {first.id, second.id}


def test_from_and_until_are_kept_by_the_clock_and_not_by_anybody(house: House) -> None:
    house.let("ito", "read", "download", since="2026-12-01", until="2027-06-01T09:00:00+09:00")

    assert house.may(house.reader("ito")) == set()
    house.moment = DAY
    assert house.may(house.reader("ito")) == {"read", "download"}
    house.moment = "2027-05-31T23:59:59.999999Z"
    assert house.may(house.reader("ito")) == {"read", "download"}
    house.moment = LATER
    assert house.may(house.reader("ito")) == set()
    assert house.grants.of_scope("lab", ADMINISTRATOR) == ()
    assert len(house.grants.of_scope("lab", ADMINISTRATOR, ended=True)) == 2


@pytest.mark.parametrize(
    ("since", "until"), [(None, "2026-01-01"), ("2027-01-01", "2026-12-01"), (None, "soon"), ("x", None)]
)
def test_what_would_end_before_it_begins_or_is_no_time_is_refused(
    house: House, since: str | None, until: str | None
) -> None:
    with pytest.raises(Invalid):
        house.let("ito", "read", since=since, until=until)
    assert house.grants.of_scope("lab", ADMINISTRATOR, ended=True) == ()


def test_who_manages_gives_every_right_and_who_holds_any_other_gives_none(house: House) -> None:
    house.let("boss", "manage")
    other = house.somebody("other")
    for right in RIGHTS:
        house.grants.grant("lab/a", [right], other, house.reader("boss"))
        assert right in house.may(house.reader("other"), "lab/a")
    for right in ("read", "download", "write", "run"):
        house.let(f"holds-{right}", "read", right)
        with pytest.raises(Forbidden):
            house.grants.grant("lab", ["read"], other, house.reader(f"holds-{right}"))
    with pytest.raises(NotFound):
        # By what was given below, nothing can be given above, nor is anything seen there.
        house.grants.grant("lab", ["read"], other, house.reader("other"))


def test_who_may_share_passes_on_what_they_hold_themselves_and_no_more(house: House) -> None:
    house.let("sharer", "share", "read")
    friend = house.somebody("friend")
    sharer = house.reader("sharer")

    house.grants.grant("lab/a", ["read"], friend, sharer)
    assert house.may(house.reader("friend"), "lab/a") == {"read"}
    for right in ("download", "share", "write", "run", "manage"):
        with pytest.raises(Forbidden):
            house.grants.grant("lab", [right], friend, sharer)
    with pytest.raises(Forbidden):
        # Both or none.
        house.grants.grant("lab", ["read", "download"], friend, sharer)
    assert house.may(house.reader("friend"), "lab") == set()
    for everybody in ("everyone", "signed-in"):
        with pytest.raises(Forbidden):
            house.grants.grant("lab", ["read"], everybody, sharer)


def test_what_everyone_may_read_today_is_nobodys_to_pass_on(house: House) -> None:
    house.let("sharer", "share")
    house.scopes.change("lab", ADMINISTRATOR, mode="everyone")
    friend = house.somebody("friend")
    assert house.may(house.reader("sharer")) == {"read", "download", "share"}

    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, house.reader("sharer"))
    house.grants.grant("lab", ["read"], "signed-in", ADMINISTRATOR)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, house.reader("sharer"))


def test_whoever_is_signed_in_may_share_what_they_hold_themselves_where_they_all_may(house: House) -> None:
    house.let("ito", "read")
    friend = house.somebody("friend")
    house.grants.grant("lab", ["share", "download"], "signed-in", ADMINISTRATOR, until=LATER)

    house.grants.grant("lab/a", ["read"], friend, house.reader("ito"), until=LATER)
    assert "read" in house.may(house.reader("friend"), "lab/a")
    with pytest.raises(Forbidden, match=LATER):
        house.grants.grant("lab", ["read"], friend, house.reader("ito"))
    for right in ("download", "share"):
        with pytest.raises(Forbidden):
            house.grants.grant("lab", [right], friend, house.reader("ito"), until=LATER)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], "signed-in", house.reader("ito"), until=LATER)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, house.reader("friend"), until=LATER)


def test_nothing_is_passed_on_for_longer_than_it_is_held(house: House) -> None:
    house.let("sharer", "read", until=LATER)
    house.let("sharer", "share", until="2027-01-01")
    friend = house.somebody("friend")

    for until in (None, "2027-06-01", "2027-01-02"):
        with pytest.raises(Forbidden):
            house.grants.grant("lab", ["read"], friend, house.reader("sharer"), until=until)
    house.grants.grant("lab", ["read"], friend, house.reader("sharer"), until="2027-01-01")
    house.let("sharer", "share", "read")
    house.grants.grant("lab", ["read"], friend, house.reader("sharer"))


def test_whoever_manages_for_a_while_gives_nothing_for_longer(house: House) -> None:
    house.let("boss", "manage", until=LATER)
    friend, boss = house.somebody("friend"), house.reader("boss")

    for rights in (["manage"], ["read"], ["write", "run"]):
        for until in (None, "2027-06-02"):
            with pytest.raises(Forbidden, match=LATER):
                house.grants.grant("lab/a", rights, friend, boss, until=until)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["manage"], house.people["boss"].id, boss)
    with pytest.raises(Forbidden):
        house.grants.settle("lab", ["read"], friend, boss)
    house.grants.grant("lab", ["manage"], friend, boss, until=LATER)
    # A part of it, and what was given on from it, are no longer than it is.
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, house.reader("boss", Part("manage", "lab")))
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], house.somebody("another"), house.reader("friend"))
    # What stands already is not given again.
    (stands,) = house.let("kato", "read")
    assert house.grants.settle("lab", ["read"], house.people["kato"].id, boss) == (stands,)

    house.let("boss", "manage", scope="lab/a")
    house.grants.grant("lab/a", ["write"], friend, boss)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["write"], friend, boss)
    house.let("boss", "share", "download")
    house.grants.grant("lab", ["download"], friend, house.reader("boss"))


def test_what_is_managed_through_a_group_is_given_for_as_long_as_one_is_in_it(house: House) -> None:
    boss, friend = house.somebody("boss"), house.somebody("friend")
    for group in ("inner", "outer"):
        house.groups.create(group, group, ADMINISTRATOR)
    house.groups.add("group:inner", boss, ADMINISTRATOR, until=LATER)
    house.groups.add("group:outer", "group:inner", ADMINISTRATOR)
    house.grants.grant("lab", ["manage"], "group:outer", ADMINISTRATOR)

    with pytest.raises(Forbidden, match=LATER):
        house.grants.grant("lab", ["read"], friend, house.reader("boss"))
    house.grants.grant("lab", ["read"], friend, house.reader("boss"), until=LATER)
    house.groups.add("group:outer", boss, ADMINISTRATOR, until="2027-07-01")
    with pytest.raises(Forbidden, match="2027-07-01"):
        house.grants.grant("lab", ["download"], friend, house.reader("boss"))
    house.known_by("boss", groups=("staff",))
    house.groups.claim("group:outer", "vouching", "staff", ADMINISTRATOR)
    house.grants.grant("lab", ["download"], friend, house.reader("boss"))
    house.grants.grant("lab", ["write"], friend, house.reader("boss", Part("manage", "lab")))


def test_a_part_of_an_administrators_rights_gives_without_an_end(house: House) -> None:
    house.somebody("root")
    with house.store.write() as connection:
        connection.execute(text("UPDATE person SET administrator = TRUE"))
        turn(connection)
    friend = house.somebody("friend")
    house.grants.grant("lab", ["manage"], friend, house.reader("root", Part("manage", "lab")))
    assert "manage" in house.may(house.reader("friend"))


def test_a_scope_is_judged_as_the_transaction_has_left_it(house: House) -> None:
    house.let("sharer", "share")
    with house.store.write() as connection:
        connection.execute(text("UPDATE scope SET data_approval = TRUE WHERE id = 'lab'"))
        assert house.grants.shared(connection, "lab", house.reader("sharer"))[1].data_approval


def test_what_is_held_through_a_group_is_passed_on_like_ones_own(house: House) -> None:
    friend, member = house.somebody("friend"), house.somebody("member")
    house.groups.create("users", "Users", ADMINISTRATOR)
    house.groups.add("group:users", member, ADMINISTRATOR)
    house.grants.grant("lab", ["read", "share"], "group:users", ADMINISTRATOR)

    (given,) = house.grants.grant("lab", ["read"], friend, house.reader("member"))
    assert given.by == member
    # A token with a part of it does so too, if sharing is in its part.
    part = house.reader("member", Part("share", "lab"), Part("read", "lab"))
    house.grants.grant("lab/a", ["read"], friend, part)
    with pytest.raises(Forbidden):
        house.grants.grant("lab/a", ["read"], friend, house.reader("member", Part("read", "lab")))
    with pytest.raises(Forbidden):
        house.grants.grant("lab/a", ["read"], friend, house.reader("member", Part("share", "lab")))
    house.groups.remove("group:users", member, ADMINISTRATOR)
    with pytest.raises(NotFound):
        house.grants.grant("lab", ["read"], friend, house.reader("member"))


def test_a_link_gives_nothing_and_holds_no_more_than_reading(house: House) -> None:
    friend = house.somebody("friend")
    with house.store.write() as connection:
        link = make_holder(connection, "link", "Reviewers", by="administrator", at=house.moment)
        key, facts = house.grants.shared(connection, "lab", ADMINISTRATOR)
        for right in ("share", "write", "run", "manage"):
            with pytest.raises(Forbidden):
                house.grants.give(connection, key, facts, [right], link, ADMINISTRATOR, None, LATER, None)
        (given,) = house.grants.give(connection, key, facts, ["read"], link, ADMINISTRATOR, None, LATER, None)
    carrier = house.readers.link(link.key, link.id)
    assert house.may(carrier) == {"read"}

    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, carrier)
    with pytest.raises(NotFound):
        # Not even back: others carry the same link.
        house.grants.revoke(given.id, carrier)
    with pytest.raises(Invalid):
        house.grants.grant("lab", ["manage"], link.id, ADMINISTRATOR)
    # Were sharing stored for a link, it would count for nothing.
    with house.store.write() as connection:
        connection.execute(text("UPDATE permission SET may = 'share' WHERE id = :id"), {"id": given.id})
        connection.execute(text("UPDATE epoch SET number = number + 1"))
    house.grants.grant("lab", ["read"], "everyone", ADMINISTRATOR)
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["read"], friend, house.readers.link(link.key, link.id))


@pytest.mark.parametrize("right", ["share", "write", "run", "manage"])
def test_everyone_changes_nothing_and_who_is_signed_in_manages_nothing(house: House, right: Right) -> None:
    with pytest.raises(Forbidden):
        house.grants.grant("lab", [right], "everyone", ADMINISTRATOR)
    if right == "manage":
        with pytest.raises(Forbidden):
            house.grants.grant("lab", [right], "signed-in", ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "everyone", ADMINISTRATOR)
    assert house.may(house.readers.public()) == {"read"}


def test_a_hidden_scope_and_one_that_is_not_there_are_refused_in_the_same_words(house: House) -> None:
    friend = house.somebody("friend")
    for who in (PUBLIC, house.reader("friend")):
        told = []
        for id in ("lab", "zzz"):
            attempts: tuple[Callable[[], object], ...] = (
                partial(house.grants.grant, id, ["read"], friend, who),
                partial(house.grants.settle, id, ["read"], friend, who),
                partial(house.grants.of_scope, id, who),
                partial(house.grants.of_scope, id, who, ended=True),
            )
            for attempt in attempts:
                with pytest.raises(NotFound) as refused:
                    attempt()
                told.append(refused.value.message.replace(id, "…"))
        assert len(set(told)) == 1


def test_people_are_named_by_sign_in_name_or_orcid_by_managers_only(house: House) -> None:
    house.let("boss", "manage")
    house.let("sharer", "share", "read")
    known = house.somebody("known", orcid="0000-0002-1825-0097", login="ito")

    for told in ("ito", " Ito ", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"):
        (given,) = house.grants.grant("lab", ["read"], told, house.reader("boss"))
        assert given.holder.id == known
    with pytest.raises(NotFound):
        house.grants.grant("lab", ["read"], "sato", house.reader("boss"))
    words = set()
    for told in ("ito", "sato", "0000-0002-1825-0097", "0000-0001-5109-3700"):
        with pytest.raises(Forbidden) as refused:
            house.grants.grant("lab", ["read"], told, house.reader("sharer"))
        words.add(refused.value.message)
    assert len(words) == 1
    house.grants.grant("lab", ["read"], known, house.reader("sharer"))


def test_two_of_one_orcid_are_named_by_id(house: House) -> None:
    for name in ("one", "two"):
        house.somebody(name, orcid="0000-0002-1825-0097")
    with pytest.raises(Invalid):
        house.grants.grant("lab", ["read"], "0000-0002-1825-0097", ADMINISTRATOR)
    house.end("two")
    (given,) = house.grants.grant("lab", ["read"], "0000-0002-1825-0097", ADMINISTRATOR)
    assert given.holder.id == house.people["one"].id


def test_a_sign_in_name_that_looks_like_somebodys_orcid_is_not_taken_for_it(house: House) -> None:
    house.somebody("other", login="0000-0002-1825-0097")
    house.somebody("another", login="0000-0002-1694-233x")
    for told in ("0000-0002-1825-0097", "https://orcid.org/0000-0002-1694-233X"):
        with pytest.raises(NotFound):
            house.grants.grant("lab", ["read"], told, ADMINISTRATOR)
    known = house.somebody("known", orcid="0000-0002-1825-0097")
    (given,) = house.grants.grant("lab", ["read"], "0000-0002-1825-0097", ADMINISTRATOR)
    assert given.holder.id == known


@pytest.mark.parametrize("told", ["person:0123", "group:none", "workload:x", "link:x", "a\x00b", "", "💥", "x" * 500])
def test_who_is_not_there_gets_nothing(house: House, told: str) -> None:
    with pytest.raises((NotFound, Invalid)):
        house.grants.grant("lab", ["read"], told, ADMINISTRATOR)
    assert house.grants.of_scope("lab", ADMINISTRATOR) == ()


def test_a_group_that_one_is_not_in_is_nobody_to_who_may_only_share(house: House) -> None:
    house.let("sharer", "share", "read")
    house.groups.create("users", "Users", ADMINISTRATOR)
    words = set()
    for told in ("group:users", "group:never"):
        with pytest.raises(NotFound) as refused:
            house.grants.grant("lab", ["read"], told, house.reader("sharer"))
        words.add(refused.value.message.replace(told, "…"))
    assert len(words) == 1
    house.groups.add("group:users", house.people["sharer"].id, ADMINISTRATOR)
    house.grants.grant("lab", ["read"], "group:users", house.reader("sharer"))


def test_everybody_gives_up_what_they_hold_and_takes_back_what_they_gave(house: House) -> None:
    house.let("sharer", "share", "read")
    house.let("boss", "manage")
    friend = house.somebody("friend")
    (passed,) = house.grants.grant("lab", ["read"], friend, house.reader("sharer"))
    (given,) = house.grants.grant("lab", ["download"], friend, house.reader("boss"))

    with pytest.raises(NotFound):
        house.grants.revoke(given.id, house.reader("sharer"))
    with pytest.raises(NotFound):
        # A token of theirs does not decide for them.
        house.grants.revoke(passed.id, house.reader("friend", Part("read", "lab")))
    house.grants.revoke(passed.id, house.reader("sharer"))
    house.grants.revoke(given.id, house.reader("friend"))
    assert house.may(house.reader("friend")) == set()
    for id in (passed.id, "0000000000000000"):
        with pytest.raises(NotFound):
            house.grants.revoke(id, PUBLIC)


# --- who manages it stays


def test_the_last_who_manages_a_scope_cannot_leave(house: House) -> None:
    (mine,) = house.let("ito", "manage")

    for by in (house.reader("ito"), ADMINISTRATOR):
        with pytest.raises(Conflict, match="ito is the last"):
            house.grants.revoke(mine.id, by)
        with pytest.raises(Conflict):
            house.grants.settle("lab", ["read"], house.people["ito"].id, by)
    assert "manage" in house.may(house.reader("ito"))
    assert house.acts()[-1] == "grant"
    # Who manages for a while, or from some day on, or the scope above, is nobody to leave it to.
    house.let("sato", "manage", until=LATER)
    house.let("kato", "manage", since=DAY)
    house.let("root", "manage", scope="lab/a")
    with pytest.raises(Conflict):
        house.grants.revoke(mine.id, house.reader("ito"))
    house.let("sato", "manage")
    house.grants.revoke(mine.id, house.reader("ito"))
    assert house.may(house.reader("ito")) == set()


def test_who_never_kept_a_scope_managed_can_be_taken_back_from_it(house: House) -> None:
    # `lab/a` is looked after from above it, and has nobody of its own who stays.
    house.let("boss", "manage")
    boss = house.reader("boss")
    for name, given in (("ito", {"until": LATER}), ("sato", {"since": DAY}), ("gone", {}), ("kato", {"until": LATER})):
        house.let(name, "manage", scope="lab/a", **given)
    house.end("gone")
    held = {each.holder.name: each.id for each in house.grants.of_scope("lab/a", boss, ended=True)}

    house.grants.revoke(held["ito"], house.reader("ito"))
    house.grants.revoke(held["sato"], ADMINISTRATOR)
    house.grants.revoke(held["gone"], boss)
    house.grants.settle("lab/a", ["read"], house.people["kato"].id, boss)
    assert house.may(house.reader("ito"), "lab/a") == set()
    assert house.may(house.reader("kato"), "lab/a") == {"read"}
    (over,) = house.let("kato", "manage", scope="lab/a", until=DAY)
    house.moment = LATER
    assert house.grants.revoke(over.id, boss).ended_at == LATER
    # Who stays does so still, also where one for a while is beside them.
    (stays,) = house.let("ito", "manage", scope="lab/a")
    house.let("sato", "manage", scope="lab/a", until="2028-01-01")
    with pytest.raises(Conflict):
        house.grants.revoke(stays.id, boss)
    with pytest.raises(Conflict):
        house.grants.settle("lab/a", ["manage"], house.people["ito"].id, boss, until="2028-01-01")


def test_somebody_who_has_ended_or_a_group_without_anybody_is_nobody_to_leave_a_scope_to(house: House) -> None:
    (mine,) = house.let("ito", "manage")
    house.let("gone", "manage")
    house.end("gone")
    house.groups.create("empty", "Nobody", ADMINISTRATOR)
    house.groups.create("outer", "Nobody, through another", ADMINISTRATOR)
    house.groups.add("group:outer", "group:empty", ADMINISTRATOR)
    house.groups.add("group:empty", "group:outer", ADMINISTRATOR)
    house.grants.grant("lab", ["manage"], "group:outer", ADMINISTRATOR)

    with pytest.raises(Conflict):
        house.grants.revoke(mine.id, house.reader("ito"))
    house.groups.add("group:empty", house.somebody("sato"), ADMINISTRATOR)
    house.grants.revoke(mine.id, house.reader("ito"))
    assert "manage" in house.may(house.reader("sato"))


def test_somebody_is_shut_out_at_once_and_the_scopes_that_nobody_manages_then_are_told(house: House) -> None:
    house.let("ito", "manage", scope="lab")
    house.let("ito", "manage", scope="lab/a")
    house.let("ito", "manage", scope="other", until=LATER)
    house.let("ito", "read", scope="other")
    house.let("sato", "manage", scope="lab/a")
    house.let("kato", "manage", scope="lab", until=LATER)

    assert house.end("ito") == ("lab",)
    assert house.may(house.reader("ito"), "lab") == set()
    lines = house.audit.find(ADMINISTRATOR, house.scopes, act="unmanaged")
    assert [(line.scope, line.holder, line.by) for line in lines] == [("lab", house.people["ito"].id, "administrator")]
    # It is told once: by what it is without a manager already, nobody's end leaves it so.
    assert house.end("kato") == ()
    assert house.end("sato") == ("lab/a",)


def test_a_group_that_loses_its_last_member_by_an_end_leaves_its_scopes_without_a_manager(house: House) -> None:
    ito, sato = house.somebody("ito"), house.somebody("sato")
    house.groups.create("users", "Users", house.reader("ito"))
    house.groups.create("outer", "Outer", ADMINISTRATOR)
    house.groups.add("group:outer", "group:users", ADMINISTRATOR)
    house.groups.add("group:users", sato, house.reader("ito"))
    house.grants.grant("lab", ["manage"], "group:outer", ADMINISTRATOR)
    house.grants.grant("other", ["manage"], "group:users", ADMINISTRATOR)
    house.let("kato", "manage", scope="other")

    assert house.end("sato") == ()
    assert house.end("ito") == ("lab",)
    assert ito in {line.holder for line in house.audit.find(ADMINISTRATOR, house.scopes, act="unmanaged")}
    # What has no manager any more does not keep the group from being dissolved.
    house.groups.end("group:outer", ADMINISTRATOR)


def test_two_managers_who_leave_at_one_moment_do_not_both_leave(house: House) -> None:
    mine = [house.let(name, "manage")[0].id for name in ("one", "two")]
    readers = [house.reader(name) for name in ("one", "two")]
    refused: list[CatalogError] = []
    begin = threading.Barrier(2)

    def leave(place: int) -> None:
        begin.wait()
        try:
            house.grants.revoke(mine[place], readers[place])
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=leave, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert sum("manage" in house.may(house.reader(name)) for name in ("one", "two")) == 1


# --- what somebody may, set in one go


def test_what_somebody_may_is_set_in_one_go(house: House) -> None:
    house.let("ito", "read", "share", until=LATER)
    boss = house.let("boss", "manage")[0].holder.id
    house.grants.settle("lab", ["read", "write"], house.people["ito"].id, house.reader("boss"), until=LATER)
    assert house.may(house.reader("ito")) == {"read", "write"}
    held = {each.right: each for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.id != boss}
    assert {right: each.by for right, each in held.items()} == {"read": "administrator", "write": boss}

    # Without an end, what had one is given anew.
    house.grants.settle("lab", ["read"], house.people["ito"].id, house.reader("boss"))
    house.moment = LATER
    assert house.may(house.reader("ito")) == {"read"}
    house.grants.settle("lab", [], house.people["ito"].id, house.reader("boss"))
    assert house.may(house.reader("ito")) == set()


def test_what_is_held_from_above_stays_when_it_is_set_below(house: House) -> None:
    house.let("ito", "download", scope="lab")
    house.let("ito", "read", scope="lab/a")
    house.grants.settle("lab/a", [], house.people["ito"].id, ADMINISTRATOR)
    assert house.may(house.reader("ito"), "lab/a") == {"download"}


def test_who_may_only_share_sets_what_they_gave_and_leaves_the_rest(house: House) -> None:
    house.let("sharer", "share", "read", "download")
    house.let("ito", "write")
    ito = house.people["ito"].id
    sharer = house.reader("sharer")
    house.grants.grant("lab", ["read"], ito, sharer)

    house.grants.settle("lab", ["download"], ito, sharer)
    assert {each.right for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.id == ito} == {
        "write",
        "download",
    }
    with pytest.raises(Forbidden):
        house.grants.settle("lab", ["manage"], ito, sharer)
    house.grants.settle("lab", [], ito, sharer)
    assert [each.right for each in house.grants.of_scope("lab", ADMINISTRATOR) if each.holder.id == ito] == ["write"]


# --- what was


def test_who_had_access_and_when_is_told_to_whoever_manages_the_scope(house: House) -> None:
    house.let("boss", "manage", scope="lab/a")
    house.let("sharer", "share", "read", scope="lab/a")
    (first,) = house.let("ito", "read", scope="lab/a")
    house.let("above", "read", scope="lab")
    house.grants.revoke(first.id, ADMINISTRATOR)

    told = house.grants.of_scope("lab/a", house.reader("boss"), ended=True)
    assert {(each.holder.name, each.right, each.ended_at) for each in told} == {
        ("boss", "manage", None),
        ("sharer", "share", None),
        ("sharer", "read", None),
        ("ito", "read", house.moment),
        ("above", "read", None),
    }
    with pytest.raises(Forbidden):
        house.grants.of_scope("lab/a", house.reader("sharer"), ended=True)


# --- data on approval, and visas


def test_data_on_approval_are_for_whom_they_were_given_though_everyone_reads_the_metadata(house: House) -> None:
    house.scopes.change("lab", ADMINISTRATOR, mode="everyone", data_mode="approval")
    house.somebody("ito")
    assert house.may(house.reader("ito")) == house.may(PUBLIC) == {"read"}

    house.let("ito", "download", until=LATER)
    assert house.may(house.reader("ito"), "lab/a") == {"read", "download"}
    house.moment = LATER
    assert house.may(house.reader("ito")) == {"read"}


def test_a_visa_is_a_right_to_the_data_that_it_names_exactly_and_until_it_ends(house: House) -> None:
    resource = "https://www.ddbj.nig.ac.jp/jga/JGAD000001"
    house.scopes.change("lab", ADMINISTRATOR, mode="everyone", data_mode="approval")
    house.scopes.change("lab/a", ADMINISTRATOR, resource=resource)
    house.somebody("ito")
    house.somebody("sato")
    house.known_by("ito", visas={resource: LATER})
    house.known_by("sato", visas={f"{resource}/": LATER, resource.upper(): LATER, f"{resource}2": LATER})

    assert house.may(house.reader("ito"), "lab/a") == {"read", "download"}
    assert house.may(house.reader("ito"), "lab") == {"read"}
    assert house.may(house.reader("sato"), "lab/a") == {"read"}
    house.moment = LATER
    assert house.may(house.reader("ito"), "lab/a") == {"read"}


def test_a_visa_counts_no_more_once_its_issuer_has_ended_and_is_nobodys_to_pass_on(house: House) -> None:
    house.scopes.change("lab", ADMINISTRATOR, data_mode="approval", resource="https://data.example/1")
    house.let("ito", "share")
    house.known_by("ito", visas={"https://data.example/1": LATER})
    friend = house.somebody("friend")
    assert house.may(house.reader("ito")) == {"download", "share"}

    with pytest.raises(NotFound):
        # Not even to be seen: a visa is for data whose metadata one reads.
        house.grants.grant("other", ["download"], friend, house.reader("ito"))
    with pytest.raises(Forbidden):
        house.grants.grant("lab", ["download"], friend, house.reader("ito"), until="2026-12-01")
    house.unknown()
    assert house.may(house.reader("ito")) == {"share"}


def test_who_holds_what_is_told_in_pages_here_first_and_then_above(house: House) -> None:
    house.let("boss", "manage")
    boss = house.reader("boss")
    for number in range(5):
        house.let(f"here{number}", "read", "download", scope="lab/a")
        house.let(f"above{number}", "read", scope="lab")
    every = house.grants.of_scope("lab/a", boss)

    pages = partial(house.grants.holders_in, "lab/a", boss)
    rows = list(through(lambda cursor: pages(cursor=cursor, limit=3)))
    assert [row[0].scope for row in rows] == ["lab/a"] * 5 + ["lab"] * 6
    assert {each.id for row in rows for each in row} == {each.id for each in every}
    assert all({each.right for each in row} == {"read", "download"} for row in rows[:5])
    listed = list(through(lambda cursor: house.grants.page_of_scope("lab/a", boss, cursor=cursor, limit=4)))
    assert [each.id for each in listed] == [each.id for each in every]


def test_whoever_may_do_anything_in_a_scope_may_see_the_scope_itself(house: House) -> None:
    for right in RIGHTS:
        house.let(right, right, scope="lab/a")
        house.let(f"part-{right}", right, scope="lab/a")
        for who in (house.reader(right), house.reader(f"part-{right}", Part(right, "lab/a"))):
            assert house.scopes.find("lab/a", who).id == "lab/a"
            assert [each.id for each in house.scopes.list(who)] == ["lab/a"]
            with pytest.raises(NotFound):
                house.scopes.find("lab", who)
            if right not in ("share", "manage"):
                with pytest.raises(Forbidden):
                    house.grants.of_scope("lab/a", who)
