"""Asking for access and answering, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.access.readers import Part
from catalog.access.requests import MOST_OPEN
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from tests.contract.houses import BOTH, House, housed

LATER = "2027-06-01T00:00:00.000000Z"


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with housed(request, tmp_path) as made:
        yield made


def test_what_is_granted_holds_until_its_end_and_is_no_more_than_was_asked(house: House) -> None:
    house.let("boss", "manage")
    house.somebody("ito")
    made = house.requests.ask("lab/a", house.reader("ito"), "To compare.", rights=["read", "download"])
    assert made.state == "open"
    assert [each.id for each in house.requests.waiting(house.reader("boss")).items] == [made.id]

    for until in ("", "2020-01-01", "soon"):
        with pytest.raises(Invalid):
            house.requests.grant(made.id, house.reader("boss"), until=until)
    with pytest.raises(Invalid):
        house.requests.grant(made.id, house.reader("boss"), until=LATER, rights=["read", "manage"])
    told = house.requests.grant(made.id, house.reader("boss"), until="2027-06-01", rights=["download"], answer="Yes.")
    assert (told.state, told.until, told.answer) == ("granted", LATER, "Yes.")
    assert (told.rights, told.given) == (("read", "download"), ("download",))
    assert house.may(house.reader("ito"), "lab/a") == {"download"}
    assert house.may(house.reader("ito"), "lab") == set()
    assert house.requests.waiting(house.reader("boss")).items == ()
    house.moment = LATER
    assert house.may(house.reader("ito"), "lab/a") == set()
    assert [act for act in house.acts() if act.startswith("request")] == ["request", "request-decided"]


def test_a_request_is_answered_once_by_whoever_manages_the_scope(house: House) -> None:
    house.let("boss", "manage", scope="lab/a")
    house.let("sharer", "share", "read", scope="lab/a")
    house.let("elsewhere", "manage", scope="other")
    house.somebody("ito")
    made = house.requests.ask("lab/a", house.reader("ito"), "Please.")

    for name in ("sharer", "elsewhere", "ito"):
        who = house.reader(name)
        with pytest.raises(NotFound):
            house.requests.grant(made.id, who, until=LATER)
        with pytest.raises(NotFound):
            house.requests.refuse(made.id, who)
        assert house.requests.waiting(who).items == ()
    assert house.requests.refuse(made.id, house.reader("boss"), answer="No.").state == "refused"
    for again in (
        lambda: house.requests.refuse(made.id, house.reader("boss")),
        lambda: house.requests.grant(made.id, house.reader("boss"), until=LATER),
        lambda: house.requests.withdraw(made.id, house.reader("ito")),
    ):
        with pytest.raises(Conflict):
            again()
    assert house.may(house.reader("ito"), "lab/a") == set()
    assert [each.answer for each in house.requests.mine(house.reader("ito")).items] == ["No."]


def test_asking_for_a_hidden_scope_and_for_one_that_is_not_there_is_alike(house: House) -> None:
    house.somebody("ito")
    ito = house.reader("ito")
    told = []
    for id in ("lab/a", "lab/zzz"):
        made = house.requests.ask(id, ito, "Please.")
        assert house.requests.ask(id, ito, "Pretty please.").id == made.id
        (mine,) = house.requests.mine(ito, scope_id=id).items
        told.append({**mine.document(), "id": "…", "scope": "…"})
        with pytest.raises(NotFound):
            house.requests.of_scope(id, ito)
    assert told[0] == told[1]
    assert told[0]["text"] == "Pretty please."
    assert {each.scope for each in house.requests.waiting(ADMINISTRATOR).items} == {"lab/a", "lab/zzz"}
    for each in house.requests.mine(ito).items:
        assert house.requests.withdraw(each.id, ito).state == "withdrawn"


def test_only_somebody_in_person_asks(house: House) -> None:
    house.somebody("ito")
    for who in (PUBLIC, ADMINISTRATOR, house.reader("ito", Part("read", "lab"))):
        with pytest.raises(Forbidden):
            house.requests.ask("lab", who, "Please.")
        assert house.requests.mine(who).items == ()
    with pytest.raises(Invalid):
        house.requests.ask("../lab", house.reader("ito"), "Please.")
    with pytest.raises(Invalid):
        house.requests.ask("lab", house.reader("ito"), "x" * 5_000)
    with pytest.raises(Invalid):
        house.requests.ask("lab", house.reader("ito"), "a\x00b")
    with pytest.raises(Invalid):
        house.requests.ask("lab", house.reader("ito"), "Please.", rights=[])


def test_nobody_asks_without_end(house: House) -> None:
    house.somebody("ito")
    ito = house.reader("ito")
    for number in range(MOST_OPEN):
        house.requests.ask(f"lab/x{number}", ito, "Please.")
    with pytest.raises(Conflict):
        house.requests.ask("lab/one-more", ito, "Please.")
    house.requests.withdraw(house.requests.mine(ito).items[0].id, ito)
    house.requests.ask("lab/one-more", ito, "Please.")


def test_of_scopes_whose_ids_differ_in_case_each_is_told_of_its_own_requests(house: House) -> None:
    house.let("boss", "manage")
    house.somebody("ito")
    ito = house.reader("ito")
    for id in ("lab/ABC", "lab/ABC/one", "lab/abc", "lab/abc/one"):
        house.scopes.create(id, ADMINISTRATOR)
        house.requests.ask(id, ito, "Please.")

    assert {each.scope for each in house.requests.of_scope("lab/ABC", house.reader("boss")).items} == {
        "lab/ABC",
        "lab/ABC/one",
    }


def test_who_manages_above_sees_what_is_asked_below_and_nothing_beside(house: House) -> None:
    house.scopes.create("lab2", ADMINISTRATOR)
    house.let("boss", "manage")
    house.somebody("ito")
    for id in ("lab", "lab/a", "lab2", "other"):
        house.requests.ask(id, house.reader("ito"), "Please.")

    boss = house.reader("boss")
    assert {each.scope for each in house.requests.of_scope("lab", boss).items} == {"lab", "lab/a"}
    assert {each.scope for each in house.requests.of_scope("lab/a", boss).items} == {"lab/a"}
    assert {each.scope for each in house.requests.waiting(boss).items} == {"lab", "lab/a"}
    with pytest.raises(NotFound):
        house.requests.of_scope("other", boss)


def test_somebody_who_has_ended_is_let_in_nowhere(house: House) -> None:
    house.somebody("ito")
    made = house.requests.ask("lab", house.reader("ito"), "Please.")
    house.end("ito")
    with pytest.raises(NotFound):
        house.requests.grant(made.id, ADMINISTRATOR, until=LATER)
    assert house.grants.of_scope("lab", ADMINISTRATOR) == ()


def test_a_request_says_what_for_and_asked_again_says_so(house: House) -> None:
    house.somebody("ito")
    ito = house.reader("ito")
    for text in ("", " \r\n "):
        with pytest.raises(Invalid, match="what for"):
            house.requests.ask("lab", ito, text)
    first, second = house.requests.ask("lab", ito, "Please."), house.requests.ask("lab", ito, "For my thesis.")
    assert (first.again, second.again) == (False, True)
    assert (second.id, second.text, second.at) == (first.id, "For my thesis.", first.at)
    house.requests.withdraw(first.id, ito)
    assert not house.requests.ask("lab", ito, "Please.").again


def test_requests_are_told_in_pages_each_once_also_when_some_are_answered_meanwhile(house: House) -> None:
    for number in range(12):
        house.somebody(f"p{number}")
        house.requests.ask("lab/a", house.reader(f"p{number}"), f"Please, {number}.")
    house.let("boss", "manage")
    boss = house.reader("boss")
    assert house.requests.open_in("lab", boss) == 12

    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = house.requests.of_scope("lab", boss, cursor=cursor, limit=5)
        assert len(page.items) <= 5
        seen += [each.id for each in page.items if each.state == "open"]
        if page.next is None:
            break
        # What is answered moves behind all that is open; what is open and not yet told is told none the less.
        if page.items[-1].state == "open":
            house.requests.refuse(page.items[-1].id, boss)
        cursor = page.next
    assert len(seen) == len(set(seen)) == 12
    assert house.requests.waiting(boss, limit=100).next is None
    with pytest.raises(Invalid, match="cursor"):
        house.requests.of_scope("lab", boss, cursor="AAAA")
