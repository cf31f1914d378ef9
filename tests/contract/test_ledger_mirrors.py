"""A kind that changes gets a new mirror, which is filled while the old one answers; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from catalog.errors import Misconfigured
from catalog.ledger.append import Ledger
from catalog.ledger.mirror import order_columns, table_name
from catalog.records.kinds import Kinds
from tests.contract.ledgers import enter, entry, kinds, mirrored, one, opened, rows, whole

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@cache
def earlier() -> Kinds:
    """The kinds as they were before a sample had a formula, and when it still had a colour."""
    sample = kinds()["sample"]
    fields = tuple(field for field in sample.fields if field.name != "formula")
    columns = tuple(column for column in sample.columns if column.field != "formula")
    colour = replace(columns[0], name="colour", field=columns[0].field)
    before = replace(sample, fields=fields, columns=(*columns, colour))
    now = kinds()
    return Kinds({**now, "sample": before}, now.schemas, now.context, now.shapes, now.ontologies)


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.db"


@pytest.fixture
def old(address: str) -> Iterator[Ledger]:
    ledger = opened(address, some_kinds=earlier())
    yield ledger
    ledger.store.close()


def formulas(ledger: Ledger) -> dict[str, str | None]:
    return dict(rows(ledger, "SELECT local_id, formula FROM sample"))


def states(ledger: Ledger) -> list[tuple[str, str]]:
    return sorted(rows(ledger, "SELECT \"table\", state FROM mirror WHERE kind = 'sample'"))


class Crash(Exception):
    """Somebody pulled the plug."""


def test_a_new_mirror_is_filled_in_slices_while_the_old_one_answers(old: Ledger, address: str) -> None:
    enter(old, *(entry(f"s{n:04}", {"title": {"en": "iron"}, "formula": "Fe"}) for n in range(1200)))
    enter(old, entry("broken", {"x": 1}, breaks="kind"))
    old_table, new_table = table_name(earlier()["sample"]), table_name(kinds()["sample"])

    new = opened(address)
    assert states(new) == sorted([(old_table, "live"), (new_table, "filling")])
    assert set(formulas(new).values()) == {None}, "the old mirror answers, and has no such column"

    def crash(kind: str, done: int, of: int) -> None:
        assert (kind, of) == ("sample", 1201)
        raise Crash

    with pytest.raises(Crash):
        new.upgrade_mirrors(crash)
    # Everybody goes on writing meanwhile, each into both tables: what was filled, what was not, and what is new.
    enter(new, entry("s0000", {"title": {"en": "steel"}, "formula": "FeC"}))
    enter(old, entry("s0001", {"title": {"en": "rust"}, "formula": "FeO"}))
    enter(old, entry("s1199", {"title": {"en": "rust"}, "formula": "FeO"}))
    enter(new, entry("later", {"title": {"en": "gold"}, "formula": "Au"}))
    assert mirrored(new)["sample/lab/s0001"] == "rust"
    assert len(mirrored(new)) == 1201

    again = opened(address)
    heard: list[int] = []
    again.upgrade_mirrors(lambda kind, done, of: heard.append(done))
    assert heard[:2] == [500, 701], "it went on where it was, and then followed what had changed meanwhile"

    assert states(again) == [(new_table, "live")]
    with again.store.read() as connection:
        assert old_table not in again.store.database.tables(connection)
    told = formulas(again)
    assert (told["s0000"], told["s0001"], told["s0002"], told["s1199"], told["later"]) == (
        "FeC",
        "FeO",
        "Fe",
        "FeO",
        "Au",
    )
    assert len(told) == 1201
    assert again.upgrade_mirrors() == {}
    whole(again)
    for ledger in (new, again):
        ledger.store.close()


def test_a_process_of_the_earlier_version_is_stopped_at_the_swap(old: Ledger, address: str) -> None:
    enter(old, entry("a", {"title": {"en": "iron"}, "formula": "Fe"}))
    new = opened(address)
    new.upgrade_mirrors()

    with pytest.raises(Misconfigured, match="restart this process"):
        enter(old, entry("b", {"title": {"en": "gold"}, "formula": "Au"}))

    assert formulas(new) == {"a": "Fe"}
    enter(old, entry("p", kind="project"))
    whole(new)
    new.store.close()


def test_an_empty_kind_changes_at_once(old: Ledger, address: str) -> None:
    new = opened(address)
    new.upgrade_mirrors()

    enter(new, entry("a", {"title": {"en": "iron"}, "formula": "Fe"}))

    assert formulas(new) == {"a": "Fe"}
    assert [state for _, state in states(new)] == ["live"]
    new.store.close()


def test_what_is_sortable_has_an_index_and_links_have_no_column(old: Ledger) -> None:
    kind = earlier()["sample"]
    chosen = [column.name for column in order_columns(kind)]
    assert "title" in chosen
    columns = {column.name for column in kind.columns}
    assert "derived_from" not in columns
    if old.store.database.name == "sqlite":
        plan = rows(old, "EXPLAIN QUERY PLAN SELECT record FROM mirror_sample ORDER BY title LIMIT 3")
        assert "USING COVERING INDEX" in plan[0][3]


def test_a_kind_that_bears_the_name_of_a_table_is_refused(old: Ledger) -> None:
    named = replace(kinds()["sample"], name="link")
    now = kinds()
    with pytest.raises(Misconfigured, match="name of a table"):
        Ledger(
            old.store, Kinds({"link": named}, now.schemas, now.context, now.shapes, now.ontologies)
        ).mirrors.prepare()
    assert one(old, "SELECT count(*) FROM link") == 0


def test_ledger_columns_and_body_columns_of_one_name_stand_side_by_side(old: Ledger) -> None:
    enter(old, entry("a", {"title": {"en": "iron"}, "createdAt": "1999"}))

    ((registered, created),) = rows(old, "SELECT registered_at, created_at FROM sample")

    assert created == "1999"
    assert registered.startswith("20")
