"""How fields and names are used is what counting one by one says, in what a reader may see, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from catalog.access.sight import Sight
from catalog.discovery.usage import Usage
from catalog.errors import TooSlow
from catalog.ledger import usage as ledger
from catalog.ledger.answer import Answers
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from tests.contract.ledgers import migrated
from tests.contract.oracle import Oracle
from tests.contract.small_catalogue import NOW, Plain, fill, known_words, small

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
READERS = (
    PUBLIC,
    ADMINISTRATOR,
    Reader("facility", (Grant("read", "spring8"), Grant("download", "company"))),
    Reader("writer", (Grant("write", "spring8/2026A1/secret"),)),
)
by_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
CATALOGUE = small()
KINDS, WORDS = known_words()


@pytest.fixture(params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Answers]:
    """The small catalogue, stored."""
    address = (
        request.getfixturevalue("postgresql")
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path / 'catalogue.db'}"
    )
    store = migrated(address)
    fill(store, CATALOGUE, KINDS)
    yield Answers(store, WORDS, Sight(store.database.name), clock=lambda: NOW)
    store.close()


def listed(reader: Reader, kind: str | None = None) -> list[Plain]:
    oracle = Oracle(CATALOGUE, reader)
    return [each for each in CATALOGUE.records if kind in (None, each.kind) and oracle.listed(each, ("public",))]


def test_every_field_of_every_kind_is_counted_in_what_the_reader_may_see(answers: Answers) -> None:
    usage = Usage(answers, KINDS)
    for reader in READERS:
        oracle = Oracle(CATALOGUE, reader)
        for kind in ("sample", "experiment", "dataset", "agent"):
            records = listed(reader, kind)
            assert records, "a reader who sees nothing proves nothing"
            expected: Counter[str] = Counter()
            for record in records:
                for name in record.body:
                    links = [link for link in record.links if link.field == name]
                    # A list of links of which none may be known to lead anywhere is no list.
                    if not links or any(":" in link.to or oracle.linkable(link.to) for link in links):
                        expected[name] += 1
                expected["amount"] += any(field == "amount" for field, *_ in record.quantities)
            told = {each.field.name: each for each in usage.fields(kind, reader)}
            assert list(told) == [field.name for field in KINDS[kind].fields]
            for name, each in told.items():
                assert each.exact
                assert each.records == (None if each.field.private else expected[name]), (reader.id, kind, name)


@by_reader
def test_ranges_end_where_the_readers_own_records_end(answers: Answers, reader: Reader) -> None:
    usage = Usage(answers, KINDS)
    samples = {each.field.name: each for each in usage.fields("sample", reader)}
    collected = [record.collected for record in listed(reader, "sample") if record.collected]
    assert samples["collectedAt"].first == min(begin for begin, _ in collected)
    assert samples["collectedAt"].last == max(end for _, end in collected)
    sizes = [record.body["size"] for record in listed(reader, "dataset")]
    size = next(each for each in usage.fields("dataset", reader) if each.field.name == "size")
    assert (size.first, size.last) == (min(sizes), max(sizes))
    (mass,) = samples["amount"].measures
    amounts = [
        (low, high)
        for record in listed(reader, "sample")
        for field, _, low, high, _ in record.quantities
        if field == "amount"
    ]
    assert (mass.kind, mass.low, mass.high) == (
        "Mass",
        min(low for low, _ in amounts),
        max(high for _, high in amounts),
    )
    assert mass.units == (("x", len(amounts)),)


@by_reader
def test_names_of_quantities_are_those_of_records_that_the_reader_may_see(answers: Answers, reader: Reader) -> None:
    usage = Usage(answers, KINDS)
    records: Counter[str] = Counter()
    values: Counter[tuple[str, str]] = Counter()
    for record in listed(reader, "experiment"):
        named = {name for field, name, *_ in record.quantities if field == "conditions" and name}
        records.update(named)
        values.update((str(name), kind) for field, name, _, _, kind in record.quantities if field == "conditions")
    found = usage.quantities("condition", reader, kind="experiment")
    assert {each.name: each.records for each in found.names} == dict(records)
    assert {(each.name, str(one.kind)): one.values for each in found.names for one in each.measures} == dict(values)
    assert (found.total, found.exact) == (len(records), True)
    assert usage.quantities("condition", reader, kind="sample").names == ()
    energy = usage.quantities("condition", reader, kind="experiment", starts_with="ENER")
    assert [each.name for each in energy.names] == [name for name in records if name == "energy"]


@by_reader
def test_names_of_attributes_are_counted_by_records_and_not_by_mentions(answers: Answers, reader: Reader) -> None:
    usage = Usage(answers, KINDS)
    expected = Counter(name for record in listed(reader) for name in {name for name, _, _ in record.attributes})
    assert {each.name: each.records for each in usage.attributes(reader).names} == dict(expected)
    first = usage.attributes(reader, first=1)
    assert (len(first.names), first.total) == (1, len(expected))
    assert first.names[0].records == max(expected.values())


def test_a_name_that_only_a_hidden_record_uses_is_no_name(answers: Answers) -> None:
    hidden = next(record for record in CATALOGUE.records if record.scope == "company" and record.status == "public")
    with answers.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO attribute (record, place, name, value, value_key, origin)"
                " SELECT n.key, 90, 'only hidden', 'x', 'x', 'submitted' FROM node n WHERE n.id = :id"
            ),
            {"id": hidden.id},
        )
    usage = Usage(answers, KINDS)
    assert "only hidden" in [each.name for each in usage.attributes(ADMINISTRATOR).names]
    assert "only hidden" not in [each.name for each in usage.attributes(PUBLIC).names]
    assert usage.attributes(PUBLIC, starts_with="only").total == 0


def test_more_records_than_are_looked_through_are_said_to_be_more(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Usage(answers, KINDS).fields("sample", ADMINISTRATOR)
    most = len(listed(ADMINISTRATOR, "sample"))
    monkeypatch.setattr(ledger, "MOST_SEEN", most)
    again = Answers(answers.store, WORDS, answers.sight, clock=lambda: NOW)
    assert Usage(again, KINDS).fields("sample", ADMINISTRATOR) == whole
    monkeypatch.setattr(ledger, "MOST_SEEN", most - 1)
    fewer = Answers(answers.store, WORDS, answers.sight, clock=lambda: NOW)
    assert not any(each.exact for each in Usage(fewer, KINDS).fields("sample", ADMINISTRATOR) if not each.field.private)
    assert not Usage(fewer, KINDS).attributes(ADMINISTRATOR, kind="sample").exact


class Patient(Answers):
    """The same answers, with little patience: what looks through more than a few records is stopped."""

    few = 0

    def rows(self, make: Any, values: Any, reader: Reader, *more: Any, **named: Any) -> list[Any]:
        if getattr(make, "most", 0) > self.few:
            assert named["deadline_seconds"] is not None
            raise TooSlow("it took too long", ja="時間がかかりすぎました")
        return super().rows(make, values, reader, *more, **named)


def test_where_counting_all_takes_too_long_some_are_counted_and_it_is_said(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = len(listed(ADMINISTRATOR, "sample"))
    patient = Patient(answers.store, WORDS, answers.sight, clock=lambda: NOW)
    usage = Usage(patient, KINDS)
    patient.few = most - 1
    monkeypatch.setattr(ledger, "SOME_SEEN", most - 1)
    title = usage.fields("sample", ADMINISTRATOR, deadline_seconds=60)[0]
    assert (title.field.name, title.records, title.exact) == ("title", most, False)
    assert not usage.attributes(ADMINISTRATOR, kind="sample", deadline_seconds=60).exact
    patient.few = 0
    with pytest.raises(TooSlow):
        usage.quantities("condition", ADMINISTRATOR, deadline_seconds=60)


def _write(answers: Answers, verb: str, statement: str | None = None) -> None:
    with answers.store.write() as connection:
        if statement is not None:
            connection.execute(text(statement))
        connection.execute(
            text(
                "INSERT INTO change (position, record, verb, revision, at, by)"
                " SELECT max(position) + 1, 1, :verb, 1, :at, 'someone' FROM change"
            ),
            {"verb": verb, "at": NOW},
        )


def test_what_was_counted_stands_while_nothing_is_written_and_never_behind_a_closing(answers: Answers) -> None:
    usage = Usage(answers, KINDS, moment=lambda: 0.0)

    def named(reader: Reader = PUBLIC) -> int:
        return sum(each.records for each in usage.attributes(reader).names)

    first = named()
    assert first > 0
    # Behind the catalogue's back: what stands is not counted again …
    with answers.store.write() as connection:
        connection.execute(text("DELETE FROM attribute"))
    assert named() == first
    # … by this reader, …
    assert named(ADMINISTRATOR) == 0
    # … until something is written,
    _write(answers, "submit")
    assert named() == 0


def test_what_took_long_to_count_stands_for_a_while_though_records_are_written(answers: Answers) -> None:
    ticks = iter([0.0, 2.0])
    now = [2.0]
    usage = Usage(answers, KINDS, moment=lambda: next(ticks, now[0]))

    def named() -> int:
        return sum(each.records for each in usage.attributes(PUBLIC).names)

    first = named()
    _write(answers, "submit", "DELETE FROM attribute WHERE name = 'tissue'")
    assert named() == first
    now[0] = 21.9
    assert named() == first
    now[0] = 22.1
    second = named()
    assert 0 < second < first
    _write(answers, "hide", "UPDATE record SET status = 'private'")
    assert named() == 0
