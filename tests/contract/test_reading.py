"""What a record's life looks like to those who read it, through the ledger's own verbs, on either database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.changes import changes_after
from catalog.discovery.export import statements
from catalog.discovery.find import find
from catalog.discovery.history import difference, history
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, Moved, Shown, show
from catalog.errors import Gone, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.questions.cursor import read_cursor
from catalog.questions.question import Dated, Order, Question, Selection
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.vocabulary import vocabulary_of
from tests.contract.ledgers import enter, entry, kinds, migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
A, B, C = "sample/lab/a", "sample/lab/b", "sample/lab/c"
WRITER = Reader("writer", (Grant("write", "lab"),))
MEMBER = Reader("member", (Grant("read", "company"),))


@dataclass
class House:
    """A ledger, what answers from it, and its scopes: `lab` is open to everyone, `company` is not."""

    ledger: Ledger
    answers: Answers
    scopes: Scopes

    def show(self, id: str, reader: Reader = PUBLIC, **how: Any) -> dict[str, Any]:
        shown = show(id, reader, answers=self.answers, **how)
        assert isinstance(shown, Shown)
        return shown.document

    def refused(self, id: str, reader: Reader = PUBLIC, **how: Any) -> type[Exception]:
        with pytest.raises((NotFound, Gone)) as refused:
            show(id, reader, answers=self.answers, **how)
        return refused.type

    def feed(self, after: int, reader: Reader = PUBLIC) -> list[tuple[str, str]]:
        return [(told.what, told.id) for told in changes_after(after, reader, answers=self.answers).changes]

    def ids(self, reader: Reader = PUBLIC, **how: Any) -> list[str]:
        page = find(Question(selection=Selection(), **how), reader, answers=self.answers)
        return [item["id"] for item in orjson.loads(page.items)]


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    scopes = Scopes(store)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("company", ADMINISTRATOR)
    yield House(ledger, Answers(store, vocabulary_of(kinds()), Sight(store.database.name)), scopes)
    store.close()


def test_a_record_that_is_withdrawn_leaves_its_reason_to_those_who_could_read_it(house: House) -> None:
    enter(house.ledger, entry("a"), entry("b", becomes="private"), entry("c", into="company"))
    position = house.ledger.last_position()
    for id in (A, B, C):
        house.ledger.withdraw(id, "a mistake", by="tester")

    assert house.refused(A) is Gone
    assert house.refused(B) is NotFound
    assert house.refused(C) is NotFound
    assert house.refused(B, WRITER) is Gone
    assert house.refused(C, MEMBER) is Gone
    assert house.ids(ADMINISTRATOR) == []
    assert house.feed(position) == [("gone", A)]
    assert house.feed(position, MEMBER) == [("gone", A), ("gone", C)]
    with pytest.raises(Gone) as gone:
        show(A, PUBLIC, answers=house.answers)
    assert gone.value.reason == "a mistake"
    house.ledger.restore(A, by="tester")
    assert house.show(A)["status"] == "public"


def test_the_feed_says_gone_to_those_who_lose_a_record_and_nothing_to_the_rest(house: House) -> None:
    enter(house.ledger, entry("a"), entry("b"), entry("c", into="company"))
    position = house.ledger.last_position()
    house.ledger.move(A, "company", by="tester")
    house.ledger.change_status(B, "hide", by="tester")
    house.ledger.change_status(C, "hide", by="tester")

    assert house.feed(position) == [("gone", A), ("gone", B)]
    assert house.feed(position, MEMBER) == [("changed", A), ("gone", B), ("gone", C)]
    assert house.feed(position, Reader("other", (Grant("read", "elsewhere"),))) == [("gone", A), ("gone", B)]


def test_the_feed_names_nobody_what_was_never_theirs_to_see(house: House) -> None:
    enter(house.ledger, entry("a", into="company"), entry("b", becomes="private"), entry("c", into="company"))
    position = house.ledger.last_position()
    # Hidden while it lay where few may read, and only then moved to where all may.
    house.ledger.change_status(A, "hide", by="tester")
    house.ledger.move(A, "lab", by="tester")
    # Private when it left the open scope, and published where few may read.
    house.ledger.move(B, "company", by="tester")
    house.ledger.change_status(B, "publish", by="tester")
    # Withdrawn before its scope was opened.
    house.ledger.withdraw(C, "nobody's business", by="tester")
    house.scopes.change("company", ADMINISTRATOR, mode="everyone")
    house.ledger.change_status(B, "hide", by="tester")

    assert house.feed(position) == [("scope-again", "company"), ("gone", B)]
    assert house.refused(C) is NotFound
    assert house.refused(C, MEMBER) is Gone
    assert house.refused(C, Reader("author", (Grant("write", "company"),))) is Gone
    assert house.feed(position, MEMBER) == [("gone", A), ("gone", C), ("gone", B)]


def test_whoever_saw_a_record_is_told_that_it_is_gone_however_late_they_ask(house: House) -> None:
    enter(house.ledger, entry("a"), entry("b"))
    position = house.ledger.last_position()
    house.ledger.move(A, "company", by="tester")
    house.ledger.change_status(A, "hide", by="tester")
    house.ledger.change_status(B, "hide", by="tester")
    house.ledger.move(B, "company", by="tester")

    assert house.feed(position) == [("gone", A), ("gone", B)]


def test_a_private_record_that_is_expunged_was_never_here(house: House) -> None:
    enter(house.ledger, entry("a", becomes="private"), entry("b"))
    position = house.ledger.last_position()
    for id in (A, B):
        request = house.ledger.request_expunge(id, "a court order", by="tester")
        house.ledger.expunge(request.id, request.code, by="tester")

    assert house.refused(A) is NotFound
    assert house.refused(A, WRITER) is Gone
    assert house.refused(B) is Gone
    assert house.feed(position) == [("gone", B)]


def test_the_history_names_no_hidden_record_that_one_was_merged_with(house: House) -> None:
    enter(house.ledger, entry("a"), entry("b", into="company"), entry("c"))
    house.ledger.merge(A, B, by="tester")
    house.ledger.unmerge(A, by="tester")
    house.ledger.merge(A, C, by="tester")

    def told(reader: Reader) -> list[tuple[str, dict[str, Any]]]:
        return [(event.verb, dict(event.detail)) for event in history(A, reader, answers=house.answers).events]

    assert told(WRITER) == [("merge", {"into": C}), ("unmerge", {"from": None}), ("merge", {"into": None})]
    assert told(ADMINISTRATOR) == [("merge", {"into": C}), ("unmerge", {"from": B}), ("merge", {"into": B})]


def test_what_would_let_private_content_be_guessed_is_for_writers(house: House) -> None:
    person = {"title": {"en": "A"}, "contact": {"email": "a@example.org"}}
    enter(house.ledger, entry("p", person, kind="agent"))

    # Whoever knows all but the address could try addresses until the hash agrees.
    (noted,) = history("agent/lab/p", PUBLIC, answers=house.answers).revisions
    assert noted.hash is None
    assert "hash" not in noted.document()
    (noted,) = history("agent/lab/p", WRITER, answers=house.answers).revisions
    assert noted.document()["hash"]


def test_a_former_revision_needs_the_rights_of_the_scope_that_it_was_written_in(house: House) -> None:
    enter(house.ledger, entry("a", {"title": {"en": "secret"}}, into="company"))
    house.ledger.move(A, "lab", by="tester")
    enter(house.ledger, entry("a", {"title": {"en": "open"}}))

    assert house.show(A)["body"]["title"] == {"en": "open"}
    assert house.refused(A, revision=1) is NotFound
    assert house.show(A, MEMBER, revision=1)["body"]["title"] == {"en": "secret"}
    assert [noted.number for noted in history(A, PUBLIC, answers=house.answers).revisions] == [2]
    assert [noted.number for noted in history(A, MEMBER, answers=house.answers).revisions] == [2, 1]
    with pytest.raises(NotFound):
        difference(A, 1, 2, PUBLIC, answers=house.answers, kinds=kinds())
    ((name, titles, (step,)),) = difference(A, 1, 2, MEMBER, answers=house.answers, kinds=kinds()).groups
    assert (name, step.pointer, step.was, step.now) == ("title", "/title/en", "secret", "open")
    assert set(titles) == {"en", "ja"}


def test_what_was_hidden_once_stays_hidden_in_former_revisions_and_differences(house: House) -> None:
    enter(
        house.ledger,
        entry("b", into="company"),
        entry("a", {"title": {"en": "a"}, "derivedFrom": [B, C, "https://example.org/x"]}),
    )
    enter(house.ledger, entry("a", {"title": {"en": "a"}}))

    assert house.show(A, revision=1)["body"]["derivedFrom"] == ["https://example.org/x"]
    assert house.show(A, MEMBER, revision=1)["body"]["derivedFrom"] == [B, "https://example.org/x"]
    assert house.show(A, WRITER, revision=1)["body"]["derivedFrom"] == [B, C, "https://example.org/x"]
    ((_, _, steps),) = difference(A, 1, 2, PUBLIC, answers=house.answers, kinds=kinds()).groups
    assert [step.was for step in steps] == [["https://example.org/x"]]


def test_a_record_is_shown_as_of_a_time_and_as_of_a_position(house: House) -> None:
    enter(house.ledger, entry("a", {"title": {"en": "one"}}))
    first = house.ledger.last_position()
    enter(house.ledger, entry("a", {"title": {"en": "two"}}))
    times = [noted.at for noted in history(A, PUBLIC, answers=house.answers).revisions]

    assert house.show(A, WRITER, as_of=first)["revision"] == 1
    assert house.show(A, WRITER, as_of=str(first))["revision"] == 1
    assert house.show(A, WRITER, as_of=f"position:{first}")["revision"] == 1
    assert house.show(A, WRITER, as_of=first + 1)["revision"] == 2
    with pytest.raises(Invalid):
        house.show(A, as_of=first)
    assert house.show(A, as_of=times[1])["body"]["title"] == {"en": "one"}
    assert house.show(A, as_of="2999")["revision"] == 2
    assert house.refused(A, as_of="2001") is NotFound


def test_a_revision_in_quarantine_is_for_writers_while_the_one_before_is_shown(house: House) -> None:
    enter(house.ledger, entry("a"), entry("a", {"nonsense": 1}, breaks="kind"), entry("b", {}, breaks="kind"))

    assert house.show(A)["revision"] == 1
    assert "newest" not in house.show(A)
    assert house.show(A, WRITER)["newest"] == 2
    assert house.refused(A, revision=2) is NotFound
    assert house.show(A, WRITER, revision=2)["findings"]
    assert house.refused(B) is NotFound
    assert house.show(B, WRITER)["findings"]
    assert house.ids(WRITER, statuses=("quarantined",)) == [B]
    assert house.ids(PUBLIC, statuses=("quarantined",)) == []
    assert [noted.number for noted in history(A, PUBLIC, answers=house.answers).revisions] == [1]


def test_a_merged_record_leads_on_only_those_who_may_read_both(house: House) -> None:
    enter(house.ledger, entry("a"), entry("b", into="company"))
    house.ledger.merge(A, B, by="tester")

    assert house.show(A)["id"] == A
    assert house.ids() == [A]
    assert show(A, MEMBER, answers=house.answers) == Moved(A, B)
    assert house.ids(MEMBER) == [B]
    assert ("merged", A) in house.feed(0, MEMBER)
    assert ("merged", A) not in house.feed(0)
    house.ledger.unmerge(A, by="tester")
    assert house.show(A, MEMBER)["id"] == A


def test_the_names_of_a_merged_record_lead_to_what_it_became(house: House) -> None:
    def named(value: str) -> dict[str, Any]:
        return {"title": {"en": "x"}, "identifiers": [{"scheme": "doi", "value": value}]}

    enter(house.ledger, entry("a", named("10.1/a")), entry("b", named("10.1/b")), entry("c", into="company"))
    house.ledger.merge(A, B, by="tester")
    house.ledger.merge(B, C, by="tester")

    assert resolve("https://doi.org/10.1/a", PUBLIC, answers=house.answers) == (B,)
    assert resolve("doi:10.1/b", PUBLIC, answers=house.answers) == (B,)
    assert resolve("10.1/b", MEMBER, answers=house.answers) == (C,)
    house.ledger.change_status(A, "hide", by="tester")
    with pytest.raises(NotFound):
        resolve("doi:10.1/a", PUBLIC, answers=house.answers)


def test_who_asserted_a_link_is_told_to_those_who_may_see_them(house: House) -> None:
    curators = [f"agent/lab/{name}" for name in ("seen", "hidden", "never")]
    enter(
        house.ledger,
        entry("seen", kind="agent"),
        entry("hidden", kind="agent", becomes="private"),
        entry("b"),
        entry("a", {"title": {"en": "A"}, "derivedFrom": [{"to": B, "role": by[-3:], "by": by} for by in curators]}),
    )

    def told(reader: Reader) -> list[list[str | None]]:
        shown = house.show(A, reader)
        linked = house.show(A, reader, selection=LINKED)["linked"]
        exported = b"".join(
            statements(Question(), reader, answers=house.answers, kinds=kinds(), base="http://here/")
        ).decode()
        parts = [shown["body"]["derivedFrom"], shown["links"], house.show(A, reader, revision=1)["body"]["derivedFrom"]]
        seen = [[link.get("by") for link in part] for part in parts]
        named = [
            [by if by in text else None for by in curators]
            # Of the export, what it says of who asserted a link: the curators' own records stand in it, too.
            for text in (
                orjson.dumps(linked).decode(),
                "".join(re.findall(r"^.*wasAttributedTo.*$", exported, re.MULTILINE)),
            )
        ]
        return [*seen, *named]

    assert told(PUBLIC) == [[curators[0], None, None]] * 5
    # Their own words are told to writers as they are; what becomes a statement is not written again for each of them.
    assert told(WRITER) == [curators] * 5


def test_a_link_joins_when_its_target_arrives_and_is_left_out_until_then_alike(house: House) -> None:
    enter(house.ledger, entry("a", {"title": {"en": "a"}, "derivedFrom": [B]}))

    assert "derivedFrom" not in house.show(A)["body"]
    enter(house.ledger, entry("b", into="company"))
    assert "derivedFrom" not in house.show(A)["body"]
    house.ledger.move(B, "lab", by="tester")
    shown = house.show(A)
    assert shown["body"]["derivedFrom"] == [B]
    assert shown["links"] == [{"field": "derivedFrom", "to": B, "kind": "sample", "title": {"en": "b"}}]
    assert house.show(B)["incoming"] == [{"field": "derivedFrom", "kind": "sample", "count": 1}]


def test_closing_a_scope_is_felt_by_the_next_question(house: House) -> None:
    enter(house.ledger, entry("a"))
    assert house.ids() == [A]

    house.scopes.change("lab", ADMINISTRATOR, mode="limited")

    assert house.ids() == []
    assert house.refused(A) is NotFound
    assert house.feed(house.ledger.last_position() - 1) == [("scope-gone", "lab")]


def test_a_date_open_at_one_end_overlaps_all_that_lies_there(house: House) -> None:
    enter(
        house.ledger,
        entry("a", {"title": {"en": "a"}, "collectedAt": "2026-05/.."}),
        entry("b", {"title": {"en": "b"}, "collectedAt": "2026-06"}),
        entry("c", {"title": {"en": "c"}, "collectedAt": "not collected"}),
    )

    def during(start: str, end: str) -> list[str]:
        return house.ids(kinds=("sample",), where=Dated("collectedAt", "overlaps", start, end))

    assert during("2030-01-01T00:00:00.000000Z", "2031-01-01T00:00:00.000000Z") == [A]
    assert during("2026-06-05T00:00:00.000000Z", "2026-06-06T00:00:00.000000Z") == [A, B]
    assert during("2020-01-01T00:00:00.000000Z", "2021-01-01T00:00:00.000000Z") == []


names = st.text("abcdeäß鉄", min_size=1, max_size=3)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_paging_tells_each_record_once_while_others_come(house: House, data: st.DataObject) -> None:
    descending = data.draw(st.booleans())
    order = data.draw(
        st.sampled_from(
            [
                (),
                (Order("title", descending),),
                (Order("collectedAt", descending),),
                (Order("created", descending), Order("id")),
            ]
        )
    )
    run = data.draw(st.uuids()).hex[:8]

    def come(several: list[str]) -> set[str]:
        bodies = [
            {"title": {"en": name}, **({"collectedAt": f"20{len(name)}0"} if len(name) > 1 else {})} for name in several
        ]
        made = enter(house.ledger, *(entry(f"{run}-{name}", body) for name, body in zip(several, bodies, strict=True)))
        return {outcome.id for outcome in made}

    come(data.draw(st.lists(names, min_size=1, max_size=12, unique=True)))
    there = set(house.ids(kinds=("sample",), first=1000))
    told: list[str] = []
    question = Question(("sample",), order=order, first=data.draw(st.integers(1, 4)), selection=Selection())
    while True:
        page = find(question, PUBLIC, answers=house.answers)
        told += [item["id"] for item in orjson.loads(page.items)]
        if page.next is None:
            break
        question = replace(question, after=read_cursor(page.next, order))
        if data.draw(st.booleans()):
            come(data.draw(st.lists(names, min_size=1, max_size=3, unique=True)))

    assert len(told) == len(set(told))
    assert there <= set(told)
