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
    assert [each.id for each in house.requests.waiting(house.reader("boss"))] == [made.id]

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
    assert house.requests.waiting(house.reader("boss")) == ()
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
        assert house.requests.waiting(who) == ()
    assert house.requests.refuse(made.id, house.reader("boss"), answer="No.").state == "refused"
    for again in (
        lambda: house.requests.refuse(made.id, house.reader("boss")),
        lambda: house.requests.grant(made.id, house.reader("boss"), until=LATER),
        lambda: house.requests.withdraw(made.id, house.reader("ito")),
    ):
        with pytest.raises(Conflict):
            again()
    assert house.may(house.reader("ito"), "lab/a") == set()
    assert [each.answer for each in house.requests.mine(house.reader("ito"))] == ["No."]


def test_asking_for_a_hidden_scope_and_for_one_that_is_not_there_is_alike(house: House) -> None:
    house.somebody("ito")
    ito = house.reader("ito")
    told = []
    for id in ("lab/a", "lab/zzz"):
        made = house.requests.ask(id, ito, "Please.")
        assert house.requests.ask(id, ito, "Pretty please.").id == made.id
        (mine,) = house.requests.mine(ito, scope_id=id)
        told.append({**mine.document(), "id": "…", "scope": "…"})
        with pytest.raises(NotFound):
            house.requests.of_scope(id, ito)
    assert told[0] == told[1]
    assert told[0]["text"] == "Pretty please."
    assert {each.scope for each in house.requests.waiting(ADMINISTRATOR)} == {"lab/a", "lab/zzz"}
    for each in house.requests.mine(ito):
        assert house.requests.withdraw(each.id, ito).state == "withdrawn"


def test_only_somebody_in_person_asks(house: House) -> None:
    house.somebody("ito")
    for who in (PUBLIC, ADMINISTRATOR, house.reader("ito", Part("read", "lab"))):
        with pytest.raises(Forbidden):
            house.requests.ask("lab", who, "Please.")
        assert house.requests.mine(who) == ()
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
    house.requests.withdraw(house.requests.mine(ito)[0].id, ito)
    house.requests.ask("lab/one-more", ito, "Please.")


def test_who_manages_above_sees_what_is_asked_below_and_nothing_beside(house: House) -> None:
    house.scopes.create("lab2", ADMINISTRATOR)
    house.let("boss", "manage")
    house.somebody("ito")
    for id in ("lab", "lab/a", "lab2", "other"):
        house.requests.ask(id, house.reader("ito"), "Please.")

    boss = house.reader("boss")
    assert {each.scope for each in house.requests.of_scope("lab", boss)} == {"lab", "lab/a"}
    assert {each.scope for each in house.requests.of_scope("lab/a", boss)} == {"lab/a"}
    assert {each.scope for each in house.requests.waiting(boss)} == {"lab", "lab/a"}
    with pytest.raises(NotFound):
        house.requests.of_scope("other", boss)


def test_somebody_who_has_ended_is_let_in_nowhere(house: House) -> None:
    house.somebody("ito")
    made = house.requests.ask("lab", house.reader("ito"), "Please.")
    house.end("ito")
    with pytest.raises(NotFound):
        house.requests.grant(made.id, ADMINISTRATOR, until=LATER)
    assert house.grants.of_scope("lab", ADMINISTRATOR) == ()
