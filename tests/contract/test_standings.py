"""How records stand, as projections are told: on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.records.standing import Gone, Lie, Neighbour, Standing
from tests.contract.followed import Followed, followed

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
LAB, PART, COMPANY = Lie("lab", 1, True), Lie("lab/2026A1", 2, True), Lie("company", 3, False)
MOMENTS = ["2026-11-21T12:00:00.000000Z"]


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Followed]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    MOMENTS[:] = ["2026-11-21T12:00:00.000000Z"]
    with followed(address, tmp_path / "projections", clock=lambda: MOMENTS[-1]) as opened:
        yield opened


def standing(here: Followed, id: str) -> Standing:
    ((only,), none) = here.standings.read([here.key_of(id)])
    assert none == []
    return only


def test_a_public_record_stands_with_its_place_and_its_links(here: Followed) -> None:
    there = here.enter("there", {"title": {"en": "There", "ja": "そこ", "fr": "Là"}}, into="company")
    iri = "https://example.org/x"
    id = here.enter(
        "here", {"title": {"en": "Here"}, "derivedFrom": [there, "sample/lab/not-yet"], "seeAlso": [iri]}, into="lab"
    )

    told = standing(here, id)

    assert (told.id, told.kind, told.source, told.revision, told.lie) == (id, "sample", "lab", 1, LAB)
    assert told.document["title"] == {"en": "Here"}
    assert sorted(told.links) == ["sample/lab/not-yet", there]
    assert told.targets == {there: Neighbour(COMPANY, {"en": "There", "ja": "そこ", "fr": "Là"})}
    assert (told.load, told.merged_into, told.files) == (None, None, None)
    assert told.position == here.ledger.last_position()


@pytest.mark.parametrize("verb", ["suppress", "hide", "withdraw"])
def test_what_is_not_public_is_gone_and_so_are_the_links_to_it(here: Followed, verb: str) -> None:
    target = here.enter("target")
    linker = here.enter("linker", {"title": {"en": "L"}, "derivedFrom": [target]})
    assert set(standing(here, linker).targets) == {target}

    if verb == "withdraw":
        here.ledger.withdraw(target, "spoilt", by="tester")
    else:
        here.ledger.change_status(target, verb, by="tester")  # type: ignore[arg-type]

    shown, gone = here.standings.read([here.key_of(target)])
    assert shown == []
    assert gone == [Gone(here.key_of(target), target, here.ledger.last_position())]
    assert standing(here, linker).targets == {}
    assert standing(here, linker).links == (target,)


def test_drafts_and_what_is_in_quarantine_are_gone(here: Followed) -> None:
    draft = here.enter("draft", status="draft")
    here.enter_many("broken", breaks="kind")

    shown, gone = here.standings.read([here.key_of(draft), here.key_of("sample/lab/broken")])

    assert shown == []
    assert {each.id for each in gone} == {draft, "sample/lab/broken"}


def test_a_revision_in_quarantine_leaves_the_one_before_it_standing(here: Followed) -> None:
    id = here.enter("a", {"title": {"en": "Good"}})
    here.enter_many("a", body={"title": {"en": "Bad"}}, breaks="kind")

    told = standing(here, id)

    assert (told.revision, told.document["title"]) == (1, {"en": "Good"})


def test_a_scope_lies_open_only_when_its_embargo_has_ended(here: Followed) -> None:
    id = here.enter("a", into="lab/2026A1")
    assert standing(here, id).lie == PART
    here.scope("lab", "everyone", metadata_until="2027-01-01")
    assert not standing(here, id).lie.open

    MOMENTS.append("2027-01-01T00:00:00.000000Z")

    assert standing(here, id).lie.open


def test_a_merged_record_tells_where_the_other_lies_while_that_is_public(here: Followed) -> None:
    id, other = here.enter("a"), here.enter("b", into="company")
    here.ledger.merge(id, other, by="tester")
    assert standing(here, id).merged_into == COMPANY
    assert standing(here, other).merged_into is None

    here.ledger.change_status(other, "hide", by="tester")

    assert standing(here, id).merged_into is None


def test_a_title_is_that_of_the_revision_that_is_shown_also_when_it_was_read_before(here: Followed) -> None:
    target = here.enter("target", {"title": {"en": "Old"}})
    linker = here.enter("linker", {"title": {"en": "L"}, "derivedFrom": [target]})
    assert standing(here, linker).targets[target].title == {"en": "Old"}

    here.enter("target", {"title": {"en": "New"}})

    assert standing(here, linker).targets[target].title == {"en": "New"}


def test_files_are_told_by_count_size_and_formats(here: Followed) -> None:
    id = here.enter("d", {"title": {"en": "D"}}, kind="dataset")
    files = [{"path": f"f{n}", "size": 10, "format": form} for n, form in enumerate(["nexus", "csv", "csv"])]
    here.ledger.put_files(id, files, by="tester")
    told = standing(here, id).files
    assert told is not None
    assert (told.count, told.size, told.formats) == (3, 30, ("csv", "nexus"))

    here.ledger.delete_files(id, ["f0"], by="tester")

    told = standing(here, id).files
    assert told is not None
    assert (told.count, told.size, told.formats) == (2, 20, ("csv",))


def test_whoever_asserted_a_link_is_among_its_ids(here: Followed) -> None:
    agent = here.enter("agent", {"title": {"en": "A"}}, kind="agent")
    target = here.enter("target")
    id = here.enter("a", {"title": {"en": "A"}, "derivedFrom": [{"to": target, "by": agent}]})
    with here.ledger.store.read() as connection:
        asserted = connection.exec_driver_sql('SELECT "by" FROM link WHERE "by" IS NOT NULL').fetchall()
    assert [row[0] for row in asserted] == [agent]

    assert set(standing(here, id).targets) == {agent, target}


def test_many_are_read_at_once_and_a_kind_by_its_keys(here: Followed) -> None:
    here.enter_many(*(f"s{number}" for number in range(1_200)))
    here.enter("hidden", becomes="private")
    told = dict(here.standings.of_kind("sample"))
    keys = list(told)

    shown, gone = here.standings.read([*keys, here.key_of("sample/lab/hidden")])

    assert len(shown) == 1_200
    assert [each.id for each in gone] == ["sample/lab/hidden"]
    assert [each.key for each in shown] == keys
    assert told == {each.key: each.id for each in shown}
    walked = [each.id for piece in here.standings.walk(size=500) for each in piece]
    assert walked == [each.id for each in shown]
    assert here.standings.counts() == {"sample": 1_200}
