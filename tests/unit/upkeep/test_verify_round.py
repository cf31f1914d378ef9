"""A round of verification against a generation that is a mere table, so that it can be broken in any way."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from catalog.ledger.append import Ledger
from catalog.ledger.book import Book
from catalog.ledger.standing import Standings
from catalog.ledger.verifications import Verifications
from catalog.projections.projection import Generation, Tally, Tells, Unprojectable, bucket_of
from catalog.records.standing import Gone, Name, Standing
from catalog.upkeep import verify
from catalog.upkeep.verify import Report, Round, Verifier
from tests.contract.ledgers import enter, entry, kinds, opened

BROKEN = "sample/lab/broken"


def hash_of(standing: Standing) -> int:
    said = [standing.id, standing.document, standing.lie.scope, standing.lie.open, sorted(standing.targets)]
    return int.from_bytes(hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()[:8], "big")


@dataclass
class Table:
    """A generation as a list of (kind, id, hash)."""

    rows: list[tuple[str, str, int]] = field(default_factory=list)
    settled: int = 0

    def apply(self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False) -> None:
        wrong = {each.key: "it can't be" for each in shown if each.id == BROKEN}
        self.remove([*(each.id for each in shown), *(each.id for each in gone)])
        self.rows += [(each.kind, each.id, hash_of(each)) for each in shown if each.key not in wrong]
        if wrong:
            raise Unprojectable(wrong)

    def close_down(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        self.apply(shown, gone)

    def settle(self) -> str:
        self.settled += 1
        return str(self.settled)

    def tallies(self) -> Mapping[tuple[str, int], Tally]:
        found: defaultdict[tuple[str, int], Tally] = defaultdict(Tally)
        for kind, id, hash in self.rows:
            found[kind, bucket_of(id)] = found[kind, bucket_of(id)].plus(hash)
        return found

    def hashes(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        return iter([(id, hash) for of, id, hash in self.rows if of == kind and bucket_of(id) == bucket])

    def remove(self, ids: Iterable[str]) -> None:
        leave = set(ids)
        self.rows = [row for row in self.rows if row[1] not in leave]

    def close(self) -> None:
        self.rows = []


class Tables:
    """The projection that has such generations."""

    name: Name = "search"
    fingerprint = "table"
    tells: frozenset[Tells] = frozenset()

    def make(self, folder: Path) -> Generation:
        return Table()

    def open(self, folder: Path, visible: str | None) -> Generation:
        return Table()

    def expected(self, standings: Iterable[Standing]) -> Iterator[tuple[str, int]]:
        return ((each.id, hash_of(each)) for each in standings)


@dataclass
class Fed:
    """Feeds a table by hand."""

    ledger: Ledger
    standings: Standings
    book: Book
    table: Table = field(default_factory=Table)
    generation: int = 1
    name: Name = "search"
    looked: int = 0

    @property
    def writer(self) -> Table:
        self.looked += 1
        return self.table

    def settle(self) -> int:
        self.table.settle()
        with self.ledger.store.read() as connection:
            return int(connection.execute(text("SELECT position FROM projection WHERE name = 'search'")).scalar_one())

    def mend(self, ids: Collection[str], shown: Sequence[Standing]) -> None:
        self.table.remove(ids)
        with suppress(Unprojectable):
            self.table.apply(shown, [])

    def follow(self) -> None:
        """Bring the table to where the ledger is."""
        for shown in self.standings.walk():
            self.table.apply([each for each in shown if each.id != BROKEN], [])
        with self.ledger.store.write() as connection:
            connection.execute(text("UPDATE projection SET position = (SELECT coalesce(max(position), 0) FROM change)"))


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[Fed]:
    ledger = opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO projection (name, generation, state, why, fingerprint, started_at, opened_at)"
                " VALUES ('search', 1, 'live', 'first', 'table', '', '9')"
            )
        )
    enter(ledger, *(entry(f"s{number}") for number in range(40)))
    enter(ledger, entry("d1", kind="dataset"), entry("d2", kind="dataset"))
    made = Fed(ledger, Standings(ledger.store), Book(ledger.store, tmp_path))
    made.follow()
    yield made
    ledger.store.close()


def a_round(fed: Fed, *, whole: bool, repair: bool = True) -> Report:
    """All of a round at once."""
    made = Round(Tables(), fed, fed.standings, fed.book, kinds(), started_at="now", repair=repair)
    for _ in made.whole() if whole else made.cells():
        pass
    return made.report


ways = pytest.mark.parametrize("whole", [True, False], ids=["whole", "cells"])


@ways
def test_what_is_as_the_ledger_has_it_is_clean(fed: Fed, whole: bool) -> None:
    report = a_round(fed, whole=whole)
    assert report.clean
    assert (report.records, report.looked_into, report.position) == (42, 0, 42)


@ways
def test_what_is_missing_extra_wrong_twice_or_nobodys_is_found_and_mended(fed: Fed, whole: bool) -> None:
    fed.table.remove(["sample/lab/s1", "sample/lab/s2", "sample/lab/s4"])
    fed.table.rows += [
        ("sample", "sample/lab/s2", 5),
        ("sample", "sample/lab/foreign", 6),
        ("", "sample/lab/s3#loose", 7),
        ("dataset", "dataset/lab/d1", 8),
        ("sample", "sample/lab/s4", 9),
        ("sample", "sample/lab/s4", 9),
    ]
    told = a_round(fed, whole=whole, repair=False)
    assert (told.clean, told.mended, told.repaired) == (False, False, 0)
    found = {each.id: each.sort for each in told.differences}
    report = a_round(fed, whole=whole)
    assert (
        {each.id: each.sort for each in report.differences}
        == found
        == {
            "sample/lab/s1": "missing",
            "sample/lab/s2": "wrong",
            "sample/lab/s4": "wrong",
            "sample/lab/foreign": "extra",
            "sample/lab/s3#loose": "dangling",
            "dataset/lab/d1": "wrong",
        }
    )
    assert (report.mended, report.repaired) == (True, 6)
    assert a_round(fed, whole=True).clean
    assert len(fed.table.rows) == 42


@ways
def test_what_is_not_followed_yet_is_no_drift(fed: Fed, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "PATIENCE_SECONDS", 0.0)
    enter(fed.ledger, entry("s1", {"title": {"en": "another title"}}), entry("new"))
    fed.table.remove(["sample/lab/s3"])
    report = a_round(fed, whole=whole)
    assert {each.id: each.sort for each in report.differences} == {"sample/lab/s3": "missing"}
    assert report.undecided == 2
    fed.follow()
    assert a_round(fed, whole=whole).clean


@ways
def test_what_a_neighbour_still_changes_is_no_drift(fed: Fed, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "PATIENCE_SECONDS", 0.0)
    body = {"title": {"en": "linked"}, "derivedFrom": ["sample/lab/later"]}
    enter(fed.ledger, entry("s1", body))
    fed.follow()
    enter(fed.ledger, entry("later"))
    report = a_round(fed, whole=whole)
    assert (report.clean, report.undecided) == (True, 2)


def test_who_waits_for_the_feeding_looks_again_when_it_has_come(fed: Fed) -> None:
    enter(fed.ledger, entry("new"))
    made = Round(Tables(), fed, fed.standings, fed.book, kinds(), started_at="now")
    for _ in made.cells():
        if made.report.looked_into:
            fed.follow()
    assert (made.report.clean, made.report.undecided, made.report.looked_into) == (True, 0, 1)


@ways
def test_a_record_that_is_known_to_fail_is_told_apart(fed: Fed, whole: bool) -> None:
    enter(fed.ledger, entry("broken"))
    fed.follow()
    first = a_round(fed, whole=whole)
    assert (first.drift["missing"], first.repaired, first.mended) == (1, 0, False)
    with fed.ledger.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO failure (name, record, revision, position, attempts, error, first_at, last_at, next_at)"
                " SELECT 'search', key, 1, 1, 1, 'it can''t be', '', '', '' FROM node WHERE id = :id"
            ),
            {"id": BROKEN},
        )
    again = a_round(fed, whole=whole)
    assert (again.clean, again.failing) == (True, 1)


def test_few_buckets_are_held_at_once_where_there_are_many_records(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "HELD_MOST", 1)
    fed.table.remove(["sample/lab/s1"])
    report = a_round(fed, whole=False)
    assert (report.drift.total(), report.records) == (1, 42)


def test_who_asks_waits_for_the_round_that_was_asked_for(fed: Fed) -> None:
    book = Verifications(fed.ledger.store)
    assert book.last("search").report is None
    assert book.asked("search") is None
    token = book.ask("search", repair=True)
    assert book.ask("search", repair=True) == token  # a second one joins
    book.progress("search", token, {"records": 3})
    assert book.last("search").progress == {"records": 3}
    other = book.ask("search", repair=False)
    book.note("search", 1, {"clean": True}, token)
    assert book.last("search").asked_at == other
    book.note("search", 1, {"clean": False}, other)
    last = book.last("search")
    assert (last.asked_at, last.report, last.generation) == (None, {"clean": False}, 1)


def verifier(fed: Fed, *, every_hours: float = 24) -> Verifier:
    verifications = Verifications(fed.ledger.store)
    return Verifier(Tables(), fed.standings, fed.book, verifications, kinds(), every_hours=every_hours)


def test_a_round_goes_on_in_the_background_only_while_there_is_nothing_to_feed(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(verify, "SHARE", 1e6)
    book, one = Verifications(fed.ledger.store), verifier(fed)
    fed.table.remove(["sample/lab/s1"])
    for _ in range(20):
        assert one.step(fed, idle=False) is False
    assert book.last("search").report is None
    while book.last("search").report is None:
        # There is never more to do at once: nobody waits for it.
        assert one.step(fed, idle=True) is False
    assert book.last("search").report["repaired"] == 1
    first = book.last("search").at
    for _ in range(20):
        one.step(fed, idle=True)
    assert book.last("search").at == first  # the next one is due in a day


def test_a_background_round_takes_a_small_part_of_the_time(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "STEP_SECONDS", 0.0)
    one, worked, began = verifier(fed), 0.0, time.monotonic()
    while time.monotonic() - began < 1.0:
        before = fed.looked
        moment = time.thread_time()
        one.step(fed, idle=True)
        if fed.looked > before:
            worked += time.thread_time() - moment
        time.sleep(0.001)
    assert worked < 0.25


def test_none_is_begun_where_the_setting_says_never_and_one_that_is_asked_for_goes_before_all(fed: Fed) -> None:
    book, one = Verifications(fed.ledger.store), verifier(fed, every_hours=0)
    for _ in range(5):
        assert one.step(fed, idle=True) is False
    assert book.last("search").at is None
    token = book.ask("search", repair=False)
    fed.table.remove(["sample/lab/s1"])
    one = verifier(fed, every_hours=0)
    while book.last("search").asked_at == token:
        one.step(fed, idle=False)
    report = book.last("search").report
    assert report is not None
    assert (report["drift"]["missing"], report["repaired"], report["repair"]) == (1, 0, False)


def test_a_round_begins_again_where_another_generation_answers(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(verify, "LOOK_SECONDS", 0.0)
    book, one = Verifications(fed.ledger.store), verifier(fed)
    book.ask("search", repair=True)
    for _ in range(3):
        assert one.step(fed, idle=False)
    with fed.ledger.store.write() as connection:
        connection.execute(text("UPDATE projection SET generation = 2"))
    fed.generation = 2
    while book.last("search").asked_at is not None:
        one.step(fed, idle=False)
    assert book.last("search").generation == 2
