"""How it stands with the projections, in a word and in figures; the public is told no numbers of records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.ledger.append import Ledger
from catalog.ledger.book import Book
from catalog.ledger.verifications import Verifications
from catalog.store.clock import now
from catalog.upkeep.health import Health, health
from tests.contract.ledgers import enter, entry, opened


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = opened(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    enter(made, entry("a"), entry("b"))
    yield made
    made.store.close()


def stands(ledger: Ledger, tmp_path: Path) -> Health:
    return health(Book(ledger.store, tmp_path), Verifications(ledger.store))


def do(ledger: Ledger, *statements: str) -> None:
    with ledger.store.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def generation(state: str, position: int, number: int = 1) -> str:
    return (
        "INSERT INTO projection (name, generation, state, why, fingerprint, started_at, position, closed_to)"
        f" VALUES ('search', {number}, '{state}', 'first', 'x', '', {position}, {position})"
    )


def test_its_status_is_the_gravest_of_what_is_wrong(ledger: Ledger, tmp_path: Path) -> None:
    def status() -> str:
        return stands(ledger, tmp_path).projections["search"].status

    assert status() == "missing"
    do(ledger, generation("building", 0))
    assert status() == "building"
    do(ledger, "UPDATE projection SET state = 'live'")
    assert status() == "ok"  # behind, but not for long
    do(ledger, "UPDATE change SET at = '2026-01-01T00:00:00.000000Z'")
    assert status() == "behind"
    do(
        ledger,
        "INSERT INTO failure (name, record, revision, position, attempts, error, first_at, last_at, next_at)"
        " SELECT 'search', key, 1, 1, 1, 'e', '', '', '' FROM record LIMIT 1",
    )
    assert status() == "failing"
    report = {"startedAt": "", "drift": {"total": 3}, "repaired": 2}
    Verifications(ledger.store).note("search", 1, report, None)
    assert status() == "drifted"
    do(ledger, "UPDATE projection SET trouble = 'the disk is full'")
    assert status() == "troubled"
    do(ledger, "UPDATE projection SET trouble = NULL, position = 2", "UPDATE failure SET waived_at = 'x'")
    Verifications(ledger.store).note("search", 1, {**report, "repaired": 3}, None)
    assert status() == "ok"


def test_the_public_reads_no_numbers_of_records_and_no_reasons(ledger: Ledger, tmp_path: Path) -> None:
    do(ledger, generation("live", 0), "UPDATE projection SET trouble = 'a secret path'")
    found = stands(ledger, tmp_path)
    whole, public = found.document(whole=True), found.document(whole=False)
    assert whole["projections"]["search"]["pending"] == 2
    assert whole["projections"]["search"]["trouble"] == "a secret path"
    assert set(public["projections"]["search"]) == {"status", "lagSeconds", "generation", "building", "verifiedAt"}
    assert public["projector"] == "stopped"
    assert public["heldUntil"] is None
    Book(ledger.store, tmp_path).take_lease("somebody")
    held = stands(ledger, tmp_path).document(whole=False)
    assert held["projector"] == "alive"
    assert held["heldUntil"] > now()
    assert found.projections["search"].status == "troubled"
