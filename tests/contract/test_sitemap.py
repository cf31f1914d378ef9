"""The parts of the site map on either database: everything that everyone may read, each once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery import sitemap
from catalog.discovery.sitemap import addresses, parts
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.questions.reader import ADMINISTRATOR
from catalog.questions.vocabulary import vocabulary_of
from tests.contract.ledgers import enter, entry, kinds, migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=BOTH)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    address = f"sqlite:///{tmp_path}/catalogue.db"
    if request.param == "postgresql":
        address = str(request.getfixturevalue("postgresql"))
    store = migrated(address)
    made = Ledger(store, kinds())
    made.mirrors.prepare()
    scopes = Scopes(store)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("lab/shut", ADMINISTRATOR, mode="limited")
    scopes.create("lab/later", ADMINISTRATOR, metadata_until="2999-01-01")
    yield made
    store.close()


def listed(ledger: Ledger) -> dict[str, int]:
    """Every id that the parts hold, and which of them holds it."""
    answers = Answers(ledger.store, vocabulary_of(kinds()), Sight(ledger.store.database.name))
    found: dict[str, int] = {}
    for part in parts(answers=answers):
        for rows in addresses(part.number, answers=answers):
            for id, modified in rows:
                assert id not in found
                assert modified <= part.modified
                found[id] = part.number
    return found


def test_the_parts_hold_what_everyone_may_read_each_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "PART", 7)
    monkeypatch.setattr(sitemap, "SLICE", 3)
    enter(ledger, *(entry(f"n{number:02}") for number in range(30)))
    enter(ledger, entry("shut", into="lab/shut"), entry("later", into="lab/later"), entry("draft", becomes="draft"))
    enter(ledger, entry("gone"), entry("broken", breaks="kind"), entry("quiet"))
    ledger.withdraw("sample/lab/gone", "a mistake", by="tester")
    ledger.change_status("sample/lab/quiet", "suppress", by="tester")
    before = listed(ledger)
    assert set(before) == {f"sample/lab/n{number:02}" for number in range(30)}
    assert len(set(before.values())) >= 4

    # What was merged away stands under what it became, and no record moves to another part.
    ledger.merge("sample/lab/n00", "sample/lab/n01", by="tester")
    enter(ledger, entry("new"), entry("n05", {"title": {"en": "changed"}}))
    after = listed(ledger)
    assert set(after) == {*before, "sample/lab/new"} - {"sample/lab/n00"}
    assert all(after[id] == part for id, part in before.items() if id in after)


def test_a_catalogue_without_records_has_no_parts(ledger: Ledger) -> None:
    assert listed(ledger) == {}
