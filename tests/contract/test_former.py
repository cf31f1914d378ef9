"""What was never shown stays hidden in former revisions, and one's own records with what is invalid: on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.history import difference, history
from catalog.discovery.mine import Own, mine
from catalog.discovery.show import Shown, show
from catalog.errors import Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.append import Entry, Ledger
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.record import Actor
from tests.contract.ledgers import entry, kinds, migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
WRITER = Reader("person:w", (Grant("write", "lab"),))
ID = "sample/lab/a"


@dataclass
class House:
    ledger: Ledger
    scopes: Scopes
    answers: Answers

    def enter(self, *entries: Entry, by: str = "person:w") -> None:
        for outcome in self.ledger.append(entries, by=Actor(by)):
            assert outcome.outcome in ("created", "revised", "quarantined", "unchanged"), outcome

    def say(self, local_id: str, title: str, **told: object) -> Entry:
        return entry(local_id, {"title": {"en": title}}, **told)  # type: ignore[arg-type]

    def seen(self, reader: Reader, id: str = ID) -> list[int]:
        """The revisions that a reader is told of, each of which is shown, and no other."""
        listed = sorted(each.number for each in history(id, reader, answers=self.answers).revisions)
        for number in range(1, max(listed) + 2):
            if number in listed:
                assert isinstance(show(id, reader, answers=self.answers, revision=number), Shown)
                difference(id, number, max(listed), reader, answers=self.answers, kinds=kinds())
            else:
                with pytest.raises(NotFound):
                    show(id, reader, answers=self.answers, revision=number)
                with pytest.raises(NotFound):
                    difference(id, number, max(listed), reader, answers=self.answers, kinds=kinds())
        return listed


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    scopes = Scopes(store)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("shut", ADMINISTRATOR)
    yield House(ledger, scopes, Answers(store, vocabulary_of(kinds()), Sight(store.database.name)))
    store.close()


def test_what_was_a_draft_stays_hidden_when_the_record_is_published_with_its_next_revision(house: House) -> None:
    house.enter(house.say("a", "first thoughts", status="draft"))
    house.enter(house.say("a", "second thoughts"))
    house.enter(house.say("a", "third", status="public"))
    house.enter(house.say("a", "fourth"))

    assert house.seen(PUBLIC) == [3, 4]
    assert house.seen(WRITER) == [1, 2, 3, 4]


def test_what_was_published_as_it_stood_was_seen_and_what_was_hidden_in_between_was_not(house: House) -> None:
    house.enter(house.say("a", "one", status="draft"))
    house.ledger.change_status(ID, "publish", by=Actor("person:w"))
    house.enter(house.say("a", "two"))
    house.enter(house.say("a", "three", status="private"))
    house.enter(house.say("a", "four"))
    house.ledger.change_status(ID, "publish", by=Actor("person:w"))
    house.enter(house.say("a", "five"))
    house.ledger.change_status(ID, "hide", by=Actor("person:w"))
    house.ledger.change_status(ID, "publish", by=Actor("person:w"))

    assert house.seen(PUBLIC) == [1, 2, 4, 5]
    assert house.seen(WRITER) == [1, 2, 3, 4, 5]


def test_who_writes_where_it_lies_but_not_where_it_was_written_sees_no_draft_from_there(house: House) -> None:
    house.enter(house.say("a", "one", status="draft"))
    house.enter(house.say("a", "two", scope="shut", status="public"))
    house.enter(house.say("a", "three"))

    assert house.seen(Reader("person:x", (Grant("write", "shut"),))) == [2, 3]
    assert house.seen(Reader("person:x", (Grant("write", "shut"), Grant("write", "lab")))) == [1, 2, 3]


# --- one's own records


def ids(found: Sequence[Own]) -> list[str]:
    return [each.id.rpartition("/")[2] for each in found]


def test_ones_records_are_those_submitted_last_and_those_of_scopes_where_one_writes(house: House) -> None:
    house.enter(house.say("theirs", "theirs"), by="person:v")
    house.enter(house.say("mine", "mine"))
    house.enter(house.say("once", "once mine"))
    house.enter(house.say("once", "now theirs"), by="person:v")
    house.enter(house.say("shut", "in another scope", scope="shut", status="draft"), by="person:v")

    gone = Reader("person:w")
    found = mine(gone, answers=house.answers)
    # Who no longer writes anywhere still has what everyone may read.
    assert [(own.id, own.submitted_by_me, own.by) for own in found.items] == [("sample/lab/mine", True, None)]
    assert ids(mine(WRITER, answers=house.answers).items) == ["once", "mine", "theirs"]
    assert [own.submitted_by_me for own in mine(WRITER, answers=house.answers).items] == [False, True, False]
    assert ids(mine(Reader("person:v"), answers=house.answers).items) == ["once", "theirs"]
    assert ids(mine(Reader("person:v", (Grant("manage", "shut"),)), answers=house.answers).items) == [
        "shut",
        "once",
        "theirs",
    ]
    assert mine(Reader("person:n", (Grant("read", "lab"), Grant("read", "shut"))), answers=house.answers).items == ()


def test_an_administrator_has_what_they_submitted_and_what_was_given_to_them_by_name(house: House) -> None:
    house.enter(house.say("theirs", "theirs"), by="person:v")
    house.enter(house.say("mine", "mine", status="draft"))
    one = Reader("person:w", administrator=True)

    assert ids(mine(one, answers=house.answers).items) == ["mine"]
    assert ids(mine(Reader("person:w", (Grant("write", "lab"),), True), answers=house.answers).items) == [
        "mine",
        "theirs",
    ]


def test_drafts_and_what_is_invalid_are_told_to_who_writes_there_and_to_nobody_else(house: House) -> None:
    house.enter(house.say("good", "good"))
    house.enter(house.say("draft", "a draft", status="draft"))
    house.enter(house.say("doubtful", "doubtful", breaks="profile"))
    house.enter(house.say("good", "spoilt", breaks="kind"))
    house.enter(house.say("never", "never right", breaks="kind"))

    every = {own.id.rpartition("/")[2]: own for own in mine(WRITER, answers=house.answers).items}
    assert {name: (own.status, own.quarantined, len(own.findings)) for name, own in every.items()} == {
        "good": ("public", True, 1),
        "draft": ("draft", False, 0),
        "doubtful": ("public", False, 1),
        "never": ("quarantined", True, 1),
    }
    assert (every["good"].revision, every["good"].newest, every["good"].title) == (1, 2, {"en": "spoilt"})
    assert set(ids(mine(WRITER, answers=house.answers, invalid=True).items)) == {"good", "doubtful", "never"}
    assert ids(mine(WRITER, answers=house.answers, status="draft").items) == ["draft"]
    assert mine(WRITER, answers=house.answers, kind="dataset").items == ()

    # Somebody who lost the right to write: only what anybody may read, as anybody reads it.
    left = {own.id.rpartition("/")[2]: own for own in mine(Reader("person:w"), answers=house.answers).items}
    assert set(left) == {"good", "doubtful"}
    assert (left["good"].title, left["good"].newest, left["good"].findings) == ({"en": "good"}, 1, [])
    assert mine(Reader("person:w"), answers=house.answers, invalid=True).items == ()


def test_pages_of_ones_records_hold_each_once(house: House) -> None:
    house.enter(*(house.say(str(number), "alike") for number in range(5)))
    house.enter(house.say("5", "later"))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        found = mine(WRITER, answers=house.answers, cursor=cursor, limit=2)
        seen += ids(found.items)
        cursor = found.next
        if cursor is None:
            break

    assert seen == ["5", "0", "1", "2", "3", "4"]
    for wrong in ("x", "!", "bnVsbA", "WzEsMl0", "é"):
        with pytest.raises(Invalid):
            mine(WRITER, answers=house.answers, cursor=wrong)
