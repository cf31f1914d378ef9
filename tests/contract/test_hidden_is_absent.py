"""The table of who sees what, cell by cell: status, scope and reader against every way that there is to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.changes import changes_after
from catalog.discovery.export import records, statements, table
from catalog.discovery.files import files
from catalog.discovery.find import find
from catalog.discovery.history import difference, history
from catalog.discovery.overview import counts_by_kind
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, Shown, show
from catalog.errors import Forbidden, Gone, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.questions.check import check_telling
from catalog.questions.question import Compare, Exists, Linked, Order, Question
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader, Right
from catalog.questions.telling import ById, Drawn, Edges, Mirrored, Nodes, Telling, Told, Total, Way
from catalog.questions.vocabulary import vocabulary_of
from tests.contract.ledgers import enter, entry, kinds, migrated

STATUSES = ("public", "suppressed", "withdrawn", "private", "draft", "quarantined")
LISTED = ("public", "suppressed", "private", "draft", "quarantined")
# Scope: whether everyone reads what is public in it, and whether everyone may have its files.
SCOPES = {"lab": (True, True), "lab/shut": (False, False), "lab/later": (False, False), "lab/data": (True, False)}
# Reader: whether they read in all of these scopes by right, count as writers there, may have files there.
RIGHTS: dict[str, tuple[bool, bool, bool]] = {
    "public": (False, False, False),
    "elsewhere": (False, False, False),
    "read": (True, False, False),
    "download": (False, False, True),
    "share": (False, False, False),
    "run": (False, False, False),
    "write": (True, True, True),
    "manage": (True, True, True),
    "administrator": (True, True, True),
}
ENDS = (Total("number"), Nodes("ends", Telling((Way((), (Told("id", "id"), Mirrored("title", "title"))),))))
BODY = Drawn(0, ("body",))
LINKS = Edges("out", "out", ENDS, "seeAlso", count="exact")
LINKED_BY = Edges("into", "in", ENDS, "seeAlso", count="exact")
CELLS = [(status, scope) for status in STATUSES for scope in SCOPES]


@dataclass(frozen=True)
class House:
    """A dataset of each status in each scope, each linked from a public one and linking to it."""

    answers: Answers
    scopes: Scopes


def name(status: str, scope: str) -> str:
    return f"{status}-{scope.replace('/', '-')}"


def id_of(status: str, scope: str) -> str:
    return f"dataset/lab/{name(status, scope)}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    store = migrated(f"sqlite:///{tmp_path_factory.mktemp('hidden') / 'catalogue.db'}")
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    scopes = Scopes(store)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("lab/shut", ADMINISTRATOR, mode="limited")
    scopes.create("lab/later", ADMINISTRATOR, metadata_until="2999-01-01", data_until="2999-01-01")
    scopes.create("lab/data", ADMINISTRATOR, data_until="2999-01-01")
    scopes.create("elsewhere", ADMINISTRATOR)
    for status, scope in CELLS:
        own = name(status, scope)
        pointer = {"title": {"en": f"to {own}"}, "seeAlso": [f"dataset/lab/{own}"]}
        body = {
            "title": {"en": f"secret of {own}"},
            "identifiers": [{"scheme": "doi", "value": f"10.1/{own}"}],
            "seeAlso": [f"dataset/lab/to-{own}"],
        }
        becomes = status if status in ("private", "draft") else "public"
        breaks = "kind" if status == "quarantined" else "nothing"
        enter(
            ledger,
            entry(f"to-{own}", pointer, kind="dataset"),
            entry(own, body, kind="dataset", into=scope, becomes=becomes, breaks=breaks),
        )
        if status != "quarantined":
            ledger.put_files(id_of(status, scope), [{"path": "a.txt", "size": 1}], by="tester")
        if status == "suppressed":
            ledger.change_status(id_of(status, scope), "suppress", by="tester")
        if status == "withdrawn":
            ledger.withdraw(id_of(status, scope), "a mistake", by="tester")
    yield House(Answers(store, vocabulary_of(kinds()), Sight(store.database.name)), scopes)
    store.close()


def reader_of(who: str) -> Reader:
    if who in ("public", "administrator"):
        return {"public": PUBLIC, "administrator": ADMINISTRATOR}[who]
    right: Right = "manage" if who == "elsewhere" else who  # type: ignore[assignment]
    return Reader(who, (Grant(right, "elsewhere" if who == "elsewhere" else "lab"),))


def by_id(status: str, scope: str, who: str) -> str:
    """The first column of the table."""
    reads, inside, _ = RIGHTS[who]
    seen = {
        "public": reads or SCOPES[scope][0],
        "suppressed": reads or SCOPES[scope][0],
        "withdrawn": reads or SCOPES[scope][0],
    }.get(status, inside)
    return "NotFound" if not seen else "Gone" if status == "withdrawn" else "shown"


def in_lists(status: str, scope: str, who: str) -> bool:
    """The second column, without `status=`."""
    return status == "public" and (RIGHTS[who][0] or SCOPES[scope][0])


def outcome(ask: Callable[..., object], *told: object, **how: object) -> str:
    try:
        ask(*told, **how)
    except (NotFound, Gone, Forbidden) as error:
        return type(error).__name__
    return "shown"


@pytest.mark.parametrize("who", RIGHTS)
def test_a_record_by_its_id_is_as_the_table_says(house: House, who: str) -> None:
    reader, answers = reader_of(who), house.answers
    for status, scope in CELLS:
        id, expected = id_of(status, scope), by_id(status, scope, who)
        assert outcome(show, id, reader, answers=answers) == expected, id
        # What befell a withdrawn record is still told to its writers.
        former = "shown" if expected == "Gone" and RIGHTS[who][1] else expected
        assert outcome(show, id, reader, answers=answers, revision=1) == former, id
        assert outcome(history, id, reader, answers=answers) == former, id
        assert outcome(difference, id, 1, 1, reader, answers=answers, kinds=kinds()) == former, id
        # Of what never was shown there is no state at a time.
        at_a_time = "NotFound" if status == "quarantined" else former
        assert outcome(show, id, reader, answers=answers, as_of="2999") == at_a_time, id


@pytest.mark.parametrize("who", RIGHTS)
def test_files_are_for_those_who_see_the_record_and_may_have_its_data(house: House, who: str) -> None:
    for status, scope in CELLS:
        expected = by_id(status, scope, who)
        if expected == "shown" and not (RIGHTS[who][2] or SCOPES[scope][1]):
            expected = "Forbidden"
        asked = outcome(files, id_of(status, scope), reader_of(who), answers=house.answers, scopes=house.scopes)
        assert asked == expected, (status, scope)


@pytest.mark.parametrize("who", RIGHTS)
def test_lists_counts_feeds_and_exports_hold_what_the_table_says(house: House, who: str) -> None:
    reader, answers = reader_of(who), house.answers
    seen = {id_of(*cell) for cell in CELLS if in_lists(*cell, who)}
    pointers = {f"dataset/lab/to-{name(*cell)}" for cell in CELLS}

    page = find(Question(kinds=("dataset",), first=1000, count="exact"), reader, answers=answers)
    assert {item["id"] for item in orjson.loads(page.items)} == seen | pointers
    assert page.total == len(seen | pointers)
    assert counts_by_kind(reader, answers=answers)["dataset"] == len(seen | pointers)
    inside = {id_of(*cell) for cell in CELLS if cell[0] in LISTED[1:] and RIGHTS[who][1]}
    others = find(Question(statuses=LISTED[1:], first=1000, count="exact"), reader, answers=answers)
    assert {item["id"] for item in orjson.loads(others.items)} == inside
    assert (others.total or 0) == len(inside)

    exported = b"".join(records(Question(), reader, answers=answers)).splitlines()
    assert {orjson.loads(line)["id"] for line in exported} == seen | pointers
    said = b"".join(statements(Question(), reader, answers=answers, kinds=kinds(), base="http://here/")).decode()
    assert set(re.findall(r"^<http://here/([^>#]+)", said, re.MULTILINE)) == seen | pointers
    rows = b"".join(table("dataset", reader, answers=answers)).decode().split("\r\n")[1:-1]
    assert {row.partition(",")[0] for row in rows} == seen | pointers
    told = changes_after(0, reader, answers=answers, limit=1000).changes
    assert {change.id for change in told if change.what == "changed"} == seen | pointers
    # Suppressing and withdrawing were told to those who had seen it until then.
    lost = {
        id_of(*cell) for cell in CELLS if cell[0] in ("suppressed", "withdrawn") and in_lists("public", cell[1], who)
    }
    assert {change.id for change in told if change.what == "gone"} == lost
    assert {scope.id for scope in house.scopes.list(reader)} >= {s for s, how in SCOPES.items() if how[0]}
    # Who holds any right in a scope knows that there is one.
    known = {scope.id for scope in house.scopes.list(reader)} & {"lab/shut", "lab/later"}
    assert known == (set() if who in ("public", "elsewhere") else {"lab/shut", "lab/later"})


@pytest.mark.parametrize("who", RIGHTS)
def test_links_lead_to_what_the_lists_hold_and_tell_of_nothing_else(house: House, who: str) -> None:
    reader, answers = reader_of(who), house.answers
    for cell in CELLS:
        id, pointer, seen = id_of(*cell), f"dataset/lab/to-{name(*cell)}", in_lists(*cell, who)
        asked = ById(Telling((Way((), (BODY, LINKED_BY, LINKS)),)), id=pointer)
        check_telling(asked, answers.vocabulary)
        (told,) = answers.told([asked], reader, [lambda body, kind: f'"body":{orjson.dumps(body).decode()}'])
        item = orjson.loads(told)
        ends = [{"id": id, "title": f"secret of {name(*cell)}"}] if seen else []
        assert item["out"] == {"number": len(ends), "ends": ends}
        assert item["into"] == {"number": len(ends), "ends": ends}
        shown = show(pointer, reader, answers=answers)
        assert isinstance(shown, Shown)
        assert [link.get("title") for link in shown.document["links"] if link["to"] == id and "title" in link] == (
            [{"en": f"secret of {name(*cell)}"}] if seen else []
        )
        assert shown.document["incoming"] == ([{"field": "seeAlso", "kind": "dataset", "count": 1}] if seen else [])
        if not seen and not RIGHTS[who][1]:
            linked = show(pointer, reader, answers=answers, selection=LINKED)
            former = show(pointer, reader, answers=answers, revision=1)
            assert isinstance(linked, Shown)
            assert isinstance(former, Shown)
            for text in (orjson.dumps(item).decode(), shown.text, linked.text, former.text):
                assert f'"{id}"' not in text
        for where in (Linked("seeAlso", targets=(id,)), Linked("seeAlso", direction="in", targets=(id,))):
            found = orjson.loads(find(Question(where=where, count="exact"), reader, answers=answers).items)
            assert [one["id"] for one in found] == ([pointer] if seen else []), id
        assert answers.readable([id], reader).keys() == ({id} if seen else set())
        named = outcome(resolve, f"doi:10.1/{name(*cell)}", reader, answers=answers)
        assert named == ("shown" if seen else "NotFound")
        by_own_id = "NotFound" if by_id(*cell, who) == "NotFound" else "shown"
        assert outcome(resolve, id, reader, answers=answers) == by_own_id, id


def test_a_record_that_was_hidden_when_it_was_withdrawn_is_named_by_nothing(house: House, tmp_path: Path) -> None:
    store = migrated(f"sqlite:///{tmp_path / 'catalogue.db'}")
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    Scopes(store).create("lab", ADMINISTRATOR, mode="everyone")
    enter(ledger, entry("a", becomes="private"))
    ledger.withdraw("sample/lab/a", "a mistake", by="tester")
    answers = Answers(store, house.answers.vocabulary, Sight(store.database.name))

    assert outcome(resolve, "sample/lab/a", PUBLIC, answers=answers) == "NotFound"
    assert outcome(resolve, "sample/lab/a", reader_of("write"), answers=answers) == "shown"
    store.close()


def test_nothing_private_orders_a_list_or_chooses_from_it(house: House) -> None:
    for question in (
        Question(("agent",), order=(Order("contact"),)),
        Question(("agent",), where=Exists("contact")),
        Question(("agent",), where=Compare("contact", "eq", "a@example.org")),
    ):
        with pytest.raises(Invalid):
            find(question, ADMINISTRATOR, answers=house.answers)
