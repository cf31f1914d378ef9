"""A record that always fails to project: the others go on, it is told, tried again, waived; mended, it goes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from catalog.cli.exits import DIFFERS, OK
from catalog.records.standing import Name
from catalog.upkeep.health import health
from tests.service.projecting import NAMES, Harmed

BAD, LINKING = "sample/lab/s7", "sample/lab/linking"

# What is done to the linked form; all of these neither engine can take in.
WAYS: dict[str, Callable[[str], str]] = {
    "cut off": lambda document: document[: len(document) // 2],
    "no object": lambda document: "[1, 2]",
    "a title that is none": lambda document: json.dumps({**json.loads(document), "title": 5}),
}


def break_by_hand(here: Harmed, way: str) -> None:
    """Break the linked form in the database, and have it projected again."""
    with here.catalog.store.write() as connection:
        of = {"id": BAD}
        where = "WHERE record = (SELECT key FROM node WHERE id = :id)"
        document = connection.scalar(text(f"SELECT document FROM linked {where}"), of)
        connection.execute(text(f"UPDATE linked SET document = :d {where}"), {**of, "d": WAYS[way](document)})
    here.catalog.ledger.change_status(BAD, "hide", by="tester")
    here.catalog.ledger.change_status(BAD, "publish", by="tester")
    here.titles.pop(BAD, None)


def standing(here: Harmed) -> dict[str, Any]:
    return health(here.catalog.book, here.catalog.verifications).document(whole=True)["projections"]


def verified(here: Harmed) -> tuple[int, list[dict[str, Any]]]:
    child = here.command("verify", "--json")
    code = child.wait()
    return code, [json.loads(line) for line in child.out.read_text().splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_a_spoilt_record_stops_nobody_is_told_everywhere_and_goes_in_once_it_is_mended(here: Harmed, way: str) -> None:
    here.enter(["linking"], links=[BAD])
    here.catalog.follower().catch_up()
    break_by_hand(here, way)
    here.deeds()
    here.enter(["linking"], title="linking anew", links=[BAD])

    here.catalog.follower().catch_up()
    # The others go on; what is no longer certain of this one is not told.
    here.see_that_nothing_is_missing()
    for name in NAMES:
        assert (standing(here)[name]["status"], standing(here)[name]["failed"]) == ("failing", 1)
    listed = here.command("failures", "list", "--json")
    assert listed.wait() == 0
    told = [json.loads(line) for line in listed.out.read_text().splitlines()]
    assert [(each["record"], each["projection"], each["attempts"]) for each in told] == [(BAD, n, 1) for n in NAMES]
    code, reports = verified(here)
    assert code == DIFFERS
    assert [each["failing"] for each in reports] == [1, 1]
    # What links to it still told of the title that it had when this process read it; a fresh one knows of none.
    assert {each["id"] for report in reports for each in report["differences"]} <= {LINKING}
    assert [each["repaired"] for each in reports] == [each["drift"]["total"] for each in reports]

    again = here.command("failures", "retry", BAD, "--json")
    assert again.wait() == 0, again.said()
    assert json.loads(again.out.read_text()) == {"records": 2, "failing": 2}
    assert {each.attempts for each in here.catalog.book.failures()} == {2}

    # Also what is built anew lacks it, knows of it, and takes the place of the old one.
    for name in NAMES:
        here.catalog.book.want(name)
    here.catalog.follower().catch_up()
    assert [here.row(name).generation for name in NAMES] == [2, 2]
    here.see_that_nothing_is_missing()

    here.enter(["s7"], title="mended")
    here.see_that_all_is_well()
    assert here.catalog.book.failures() == []
    assert {standing(here)[name]["status"] for name in NAMES} == {"ok"}
    assert verified(here)[0] == OK


def test_what_is_waived_may_be_missing_until_its_content_changes(here: Harmed) -> None:
    break_by_hand(here, "no object")
    here.catalog.follower().catch_up()
    waived = here.command("failures", "waive", BAD, "--reason", "a test")
    assert waived.wait() == 0, waived.said()
    for name in NAMES:
        told = standing(here)[name]
        assert (told["status"], told["failed"], told["waived"]) == ("ok", 0, 1)
    code, reports = verified(here)
    assert code == OK
    assert [(each["failing"], each["waived"]) for each in reports] == [(0, 1), (0, 1)]
    assert here.catalog.book.due("graph") == here.catalog.book.due("search") == []

    here.enter(["s7"], title="mended")
    here.see_that_all_is_well()
    assert here.catalog.book.failures() == []


@pytest.mark.parametrize("name", NAMES)
def test_what_was_spoilt_after_it_went_in_is_found_by_verifying(here: Harmed, name: Name) -> None:
    with here.catalog.store.write() as connection:
        of = {"id": BAD}
        connection.execute(
            text("UPDATE linked SET document = '[]' WHERE record = (SELECT key FROM node WHERE id = :id)"), of
        )
    report = here.verify(name)
    assert [(each["id"], each["sort"], each["repaired"]) for each in report["differences"]] == [(BAD, "wrong", False)]
    assert [each.id for each in here.catalog.book.failures(name)] == [BAD]
    again = here.verify(name)
    assert (again["drift"]["total"], again["failing"]) == (0, 1)
