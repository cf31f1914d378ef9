"""What every ledger promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.ledger.append import Entry, Ledger
from catalog.ledger.pen import Pen, page
from catalog.ledger.profiles import Profiles, ProfileVersion, Verdict
from catalog.ledger.sources import Sources
from catalog.records.record import Source
from catalog.store.clock import now
from tests.contract.ledgers import (
    DOUBTFUL,
    enter,
    entry,
    links_of,
    mirrored,
    one,
    opened,
    rows,
    status_of,
    whole,
)

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
A, B, C = "sample/lab/a", "sample/lab/b", "sample/lab/c"


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.db"


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    ledger = opened(address)
    yield ledger
    whole(ledger)
    ledger.store.close()


def test_a_new_record_is_created_and_stands_in_the_mirror(ledger: Ledger) -> None:
    (outcome,) = enter(ledger, entry("a", {"title": {"en": "Iron", "ja": "鉄"}}))

    assert (outcome.id, outcome.outcome, outcome.revision, outcome.position) == (A, "created", 1, 1)
    assert mirrored(ledger) == {A: "Iron"}
    assert rows(ledger, "SELECT id, source, local_id, scope, status, revision, title_ja FROM sample") == [
        (A, "lab", "a", "lab", "public", 1, "鉄")
    ]
    assert ledger.body(A) == {"title": {"en": "Iron", "ja": "鉄"}}


def test_the_same_content_again_changes_nothing(ledger: Ledger) -> None:
    enter(ledger, entry("a"))

    (outcome,) = enter(ledger, entry("a"))

    assert (outcome.outcome, outcome.revision, outcome.position) == ("unchanged", 1, None)
    assert ledger.last_position() == 1


def test_other_content_is_a_new_revision_and_the_old_one_stays(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"title": {"en": "one"}, "derivedFrom": [B]}))

    (outcome,) = enter(ledger, entry("a", {"title": {"en": "two"}, "derivedFrom": [C]}))

    assert (outcome.outcome, outcome.revision, outcome.position) == ("revised", 2, 2)
    assert mirrored(ledger) == {A: "two"}
    assert links_of(ledger, A) == {("derivedFrom", C)}
    assert ledger.body(A, 1) == {"title": {"en": "one"}, "derivedFrom": [B]}
    assert [change.verb for change in ledger.history(A)] == ["submit", "submit"]


def test_a_revision_on_a_stale_version_is_a_conflict_and_costs_only_itself(ledger: Ledger) -> None:
    enter(ledger, entry("a"), entry("b"))
    enter(ledger, entry("a", {"title": {"en": "newer"}}, revision=1))

    stale, other = enter(
        ledger, entry("a", {"title": {"en": "late"}}, revision=1), entry("b", {"title": {"en": "b2"}}, revision=1)
    )

    assert (stale.outcome, stale.revision, stale.findings[0].rule) == ("conflict", 2, "revision")
    assert other.outcome == "revised"
    assert mirrored(ledger) == {A: "newer", B: "b2"}


def test_a_record_that_should_be_there_and_is_not_is_a_conflict(ledger: Ledger) -> None:
    (outcome,) = enter(ledger, entry("a", revision=3))

    assert (outcome.outcome, outcome.revision) == ("conflict", 0)
    assert mirrored(ledger) == {}


def test_an_atomic_batch_is_stored_wholly_or_not_at_all(ledger: Ledger) -> None:
    enter(ledger, entry("a"))

    refused = enter(ledger, entry("b"), entry("a", {"title": {"en": "x"}}, revision=7), atomic=True)
    assert [outcome.outcome for outcome in refused] == ["refused", "conflict"]
    assert [outcome.findings[0].rule for outcome in refused] == ["atomic", "revision"]
    assert mirrored(ledger) == {A: "a"}

    stored = enter(ledger, entry("b"), entry("a", {"title": {"en": "x"}}, revision=1), atomic=True)
    assert [outcome.outcome for outcome in stored] == ["created", "revised"]
    assert mirrored(ledger) == {A: "x", B: "b"}


def test_a_record_twice_in_one_batch_is_entered_in_order(ledger: Ledger) -> None:
    outcomes = enter(
        ledger,
        entry("a", {"title": {"en": "1"}}),
        entry("a", {"title": {"en": "2"}}),
        entry("a", {"title": {"en": "2"}}),
    )

    assert [(outcome.outcome, outcome.revision) for outcome in outcomes] == [
        ("created", 1),
        ("revised", 2),
        ("unchanged", 2),
    ]
    assert mirrored(ledger) == {A: "2"}
    assert ledger.body(A, 1) == {"title": {"en": "1"}}


def test_a_link_joins_by_itself_when_its_target_arrives(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"title": {"en": "a"}, "derivedFrom": [B, "https://example.org/x y".replace(" ", "")]}))
    arrived = "SELECT r.status FROM link AS l JOIN record AS r ON r.key = l.target"
    assert rows(ledger, arrived) == []

    enter(ledger, entry("b"))

    assert rows(ledger, arrived) == [("public",)]
    assert links_of(ledger, A) == {("derivedFrom", B), ("derivedFrom", "https://example.org/xy")}


def test_links_to_itself_and_in_rings_are_only_links(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"derivedFrom": [A, B]}), entry("b", {"derivedFrom": [A]}))

    assert links_of(ledger, A) == {("derivedFrom", A), ("derivedFrom", B)}


def test_quantities_attributes_and_identifiers_are_rows(ledger: Ledger) -> None:
    enter(
        ledger,
        entry(
            "a",
            {
                "title": {"en": "a"},
                "amount": {"value": 31.17, "unit": "mg"},
                "identifiers": [{"scheme": "doi", "value": "10.1/x", "primary": True}],
                "attributes": [
                    {"name": "coating", "value": "Rh" * 60},
                    {"name": "particle size", "quantity": {"min": 5.1, "max": 7.3, "unit": "nm"}},
                ],
            },
        ),
    )

    assert rows(ledger, "SELECT field, name, value, min, max, unit FROM quantity ORDER BY field") == [
        ("amount", None, 31.17, None, None, "mg"),
        ("attributes", "particle size", None, 5.1, 7.3, "nm"),
    ]
    assert rows(ledger, "SELECT scheme, value, is_primary FROM identifier") == [("doi", "10.1/x", True)]
    assert ("coating", "Rh" * 60, "Rh" * 32) in rows(ledger, "SELECT name, value, value_key FROM attribute")
    assert one(ledger, "SELECT amount_value FROM sample") == 31.17


@pytest.mark.parametrize("number", [0.1, 1e308, 5e-324, 1.7976931348623157e308, 123456789.12345679, -0.0])
def test_numbers_come_back_as_they_went_in(ledger: Ledger, number: float) -> None:
    enter(ledger, entry("a", {"title": {"en": "a"}, "amount": {"value": number, "unit": "mg"}}))

    assert repr(float(one(ledger, "SELECT value FROM quantity"))) in (repr(number), repr(number + 0.0))


def test_content_that_breaks_its_kind_is_quarantined_and_shows_nothing(ledger: Ledger) -> None:
    (outcome,) = enter(ledger, entry("a", {"nonsense": [B]}, breaks="kind"))

    assert (outcome.outcome, outcome.revision, outcome.findings[0].rule) == ("quarantined", 1, "schema/required")
    assert status_of(ledger, A) == "quarantined"
    assert mirrored(ledger) == {}
    assert links_of(ledger, A) == set()
    assert one(ledger, "SELECT quarantined FROM revision") in (True, 1)

    again, mended = enter(ledger, entry("a", {"nonsense": [B]}, breaks="kind"), entry("a"))
    assert (again.outcome, again.position) == ("quarantined", None)
    assert (mended.outcome, mended.revision) == ("revised", 2)
    assert status_of(ledger, A) == "public"
    assert mirrored(ledger) == {A: "a"}


def test_a_good_record_goes_on_being_shown_when_broken_content_comes(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"title": {"en": "good"}}))

    (outcome,) = enter(ledger, entry("a", {"nonsense": 1}, breaks="kind"))

    assert (outcome.outcome, outcome.revision) == ("quarantined", 2)
    assert mirrored(ledger) == {A: "good"}
    assert status_of(ledger, A) == "public"
    assert ledger.body(A) == {"title": {"en": "good"}}
    assert ledger.body(A, 2) == {"nonsense": 1}
    assert ledger.known([A])[A].hash == "", "what is in quarantine is judged again each time it comes"

    (back,) = enter(ledger, entry("a", {"title": {"en": "good"}}))
    assert (back.outcome, back.revision) == ("revised", 3)


def test_content_that_breaks_only_its_profile_is_shown_with_its_findings(ledger: Ledger) -> None:
    (outcome,) = enter(ledger, entry("a", breaks="profile", profile="narrow@1"))

    assert outcome.outcome == "created"
    assert outcome.findings == (DOUBTFUL,)
    assert mirrored(ledger) == {A: "a"}
    assert "not so" in one(ledger, "SELECT findings FROM record")

    (strict,) = enter(ledger, entry("b", breaks="profile", mode="strict"))
    assert strict.outcome == "refused"
    assert strict.findings == (DOUBTFUL,)


def test_a_draft_may_break_anything_and_is_not_published_so(ledger: Ledger) -> None:
    (outcome,) = enter(ledger, entry("a", {"nonsense": 1}, breaks="kind", status="draft"))

    assert outcome.outcome == "created"
    assert status_of(ledger, A) == "draft"
    assert mirrored(ledger) == {}
    with pytest.raises(Conflict, match="submit it again"):
        ledger.change_status(A, "publish", by="tester")

    enter(ledger, entry("a", becomes="draft"))
    assert mirrored(ledger) == {A: "a"}
    ledger.change_status(A, "publish", by="tester")
    assert status_of(ledger, A) == "public"


def test_an_unknown_scope_is_refused_and_never_made(ledger: Ledger) -> None:
    refused, stored = enter(ledger, entry("a", into="nowhere"), entry("b"))

    assert refused.outcome == "refused"
    assert refused.findings[0].rule == "scope"
    assert stored.outcome == "created"
    assert one(ledger, "SELECT count(*) FROM scope WHERE id = 'nowhere'") == 0
    with pytest.raises(NotFound, match="nowhere"):
        ledger.move(B, "nowhere", by="tester")


def test_ids_too_long_for_an_index_are_refused_and_harm_nobody(ledger: Ledger) -> None:
    refused, stored = enter(ledger, entry("a", {"derivedFrom": ["https://example.org/" + "x" * 5000]}), entry("b"))

    assert refused.outcome == "refused"
    assert refused.findings[0].rule == "length"
    assert stored.outcome == "created"


def test_a_submission_that_names_scope_or_status_changes_them_without_a_revision(ledger: Ledger) -> None:
    enter(ledger, entry("a"))

    silent, told = enter(
        ledger, entry("a", into="company", becomes="private"), entry("a", scope="company", status="private")
    )

    assert (silent.outcome, silent.position) == ("unchanged", None)
    assert (told.outcome, told.revision, told.position) == ("revised", 1, 3)
    assert rows(ledger, "SELECT scope, status FROM sample") == [("company", "private")]
    assert [change.verb for change in ledger.history(A)] == ["submit", "move", "hide"]


def test_each_revision_remembers_the_scope_it_was_written_in(ledger: Ledger) -> None:
    enter(ledger, entry("a"))
    ledger.move(A, "company", by="tester")
    enter(ledger, entry("a", {"title": {"en": "2"}}))

    assert rows(
        ledger, "SELECT v.number, s.id FROM revision AS v JOIN scope AS s ON s.key = v.scope ORDER BY v.number"
    ) == [(1, "lab"), (2, "company")]
    assert ledger.move(A, "company", by="tester") is None


def test_status_verbs_change_the_status_and_say_so_once(ledger: Ledger) -> None:
    enter(ledger, entry("a"))

    assert ledger.change_status(A, "suppress", by="tester") == 2
    assert status_of(ledger, A) == "suppressed"
    assert ledger.change_status(A, "suppress", by="tester") is None
    assert ledger.change_status(A, "hide", by="tester") == 3
    assert status_of(ledger, A) == "private"
    (outcome,) = enter(ledger, entry("a", {"title": {"en": "2"}}))
    assert outcome.outcome == "revised"
    assert status_of(ledger, A) == "private"
    assert ledger.change_status(A, "publish", by="tester") == 5
    with pytest.raises(Conflict):
        ledger.change_status(A, "hide", by="tester", expected_revision=1)
    with pytest.raises(NotFound):
        ledger.change_status(B, "hide", by="tester")


def test_a_submission_does_not_lift_a_suppression(ledger: Ledger) -> None:
    enter(ledger, entry("a"))
    ledger.change_status(A, "suppress", by="curator")

    enter(ledger, entry("a", {"title": {"en": "2"}}, status="public"))

    assert status_of(ledger, A) == "suppressed"
    assert mirrored(ledger) == {A: "2"}


def test_withdraw_and_restore_are_explicit(ledger: Ledger) -> None:
    enter(ledger, entry("a", becomes="private"))
    with pytest.raises(Invalid):
        ledger.withdraw(A, " ", by="tester")
    with pytest.raises(Conflict):
        ledger.restore(A, by="tester")

    ledger.withdraw(A, "taken twice", by="tester")
    with pytest.raises(Conflict):
        ledger.withdraw(A, "again", by="tester")
    assert one(ledger, "SELECT reason FROM record") == "taken twice"
    same, other = enter(ledger, entry("a"), entry("a", {"title": {"en": "2"}}, status="public"))

    assert same.outcome == "unchanged"
    assert other.outcome == "revised"
    assert status_of(ledger, A) == "withdrawn"
    with pytest.raises(Conflict):
        ledger.change_status(A, "publish", by="tester")
    ledger.restore(A, by="tester")
    assert status_of(ledger, A) == "private"
    assert mirrored(ledger) == {A: "2"}
    assert one(ledger, "SELECT reason FROM record") is None


def test_merging_is_a_relation_that_can_be_taken_back(ledger: Ledger) -> None:
    enter(ledger, entry("a"), entry("b"), entry("c"), entry("p", kind="project"))

    assert ledger.merge(A, B, by="tester") == 6
    assert ledger.merge(A, B, by="tester") is None
    with pytest.raises(Conflict, match="unmerge it first"):
        ledger.merge(A, C, by="tester")
    ledger.merge(B, C, by="tester")
    with pytest.raises(Conflict, match="ring"):
        ledger.merge(C, A, by="tester")
    with pytest.raises(Invalid):
        ledger.merge(A, A, by="tester")
    with pytest.raises(Invalid, match="one kind"):
        ledger.merge("project/lab/p", A, by="tester")
    with pytest.raises(NotFound):
        ledger.merge(A, "sample/lab/none", by="tester")
    (outcome,) = enter(ledger, entry("a", {"title": {"en": "goes on"}}))
    assert outcome.outcome == "revised"

    ledger.unmerge(A, by="tester")
    assert one(ledger, "SELECT count(*) FROM record WHERE merged_into IS NOT NULL") == 1
    with pytest.raises(Conflict):
        ledger.unmerge(A, by="tester")
    ledger.unmerge(B, by="tester")
    ledger.merge(C, A, by="tester")


def test_expunging_takes_the_code_and_leaves_a_tombstone(ledger: Ledger) -> None:
    secret = {"title": {"en": "Taro Yamada"}, "attributes": [{"name": "patient", "value": "Taro Yamada"}]}
    enter(ledger, entry("a", secret, profile="x@1", breaks="profile"))
    with pytest.raises(Invalid):
        ledger.request_expunge(A, "", by="one")
    asked = ledger.request_expunge(A, "court order 12", by="one")
    with pytest.raises(Forbidden):
        ledger.expunge(asked.id, "guess", by="two")
    with pytest.raises(NotFound):
        ledger.expunge("none", asked.code, by="two")
    assert mirrored(ledger) == {A: "Taro Yamada"}

    ledger.expunge(asked.id, asked.code, by="two")

    assert mirrored(ledger) == {}
    assert status_of(ledger, A) == "withdrawn"
    assert ledger.body(A) is None
    assert ledger.body(A, 1) is None
    body, hash, expunged = rows(ledger, "SELECT body, hash, expunged FROM revision")[0]
    assert (body, expunged) == ("null", "court order 12")
    assert len(hash) == 64
    with pytest.raises(Conflict):
        ledger.expunge(asked.id, asked.code, by="two")
    with pytest.raises(Conflict, match="submit new content"):
        ledger.restore(A, by="one")


def test_expunged_content_does_not_come_back_by_resubmission(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"title": {"en": "secret"}}))
    enter(ledger, entry("a", {"title": {"en": "fine"}}))
    enter(ledger, entry("a", {"title": {"en": "secret"}}))
    enter(ledger, entry("a", {"title": {"en": "fine too"}}))
    asked = ledger.request_expunge(A, "a name in it", by="one", number=1)

    ledger.expunge(asked.id, asked.code, by="two")

    assert ledger.body(A, 1) is None
    assert ledger.body(A, 3) is None, "whatever said the same goes with it"
    assert ledger.body(A, 2) == {"title": {"en": "fine"}}
    assert mirrored(ledger) == {A: "fine too"}
    assert status_of(ledger, A) == "public"
    (outcome,) = enter(ledger, entry("a", {"title": {"en": "secret"}}))
    assert (outcome.outcome, outcome.findings[0].rule) == ("refused", "expunged")


def test_after_expunging_all_new_content_is_shown_only_once_restored(ledger: Ledger) -> None:
    enter(ledger, entry("a", {"title": {"en": "secret"}}))
    asked = ledger.request_expunge(A, "a name in it", by="one")
    ledger.expunge(asked.id, asked.code, by="two")

    (outcome,) = enter(ledger, entry("a", {"title": {"en": "clean"}}))

    assert (outcome.outcome, outcome.revision) == ("revised", 2)
    assert status_of(ledger, A) == "withdrawn"
    ledger.restore(A, by="one")
    assert status_of(ledger, A) == "public"
    assert mirrored(ledger) == {A: "clean"}


def test_files_are_rows_with_a_version_of_the_list(ledger: Ledger) -> None:
    enter(ledger, entry("d", kind="dataset"), entry("a"))
    dataset = "dataset/lab/d"
    some = [
        {"path": f"raw/{n:04}.h5", "size": n, "checksums": [{"algorithm": "md5", "value": "00"}]} for n in range(1500)
    ]

    made = ledger.put_files(dataset, iter(some), by="tester")

    assert (made.version, made.count, made.size) == (1, 1500, sum(range(1500)))
    with pytest.raises(Conflict):
        ledger.patch_files(dataset, [], by="tester", expected_version=0)
    patched = ledger.patch_files(
        dataset,
        [{"path": "raw/0001.h5", "size": 7, "locations": [{"address": "s3://b/1", "storageClass": "cold"}]}],
        by="tester",
        expected_version=1,
    )
    assert (patched.version, patched.count) == (2, 1500)
    left = ledger.delete_files(dataset, ["raw/0000.h5", "not there"], by="tester")
    assert (left.version, left.count) == (3, 1499)

    first, after = ledger.files(dataset, limit=2)
    assert first[0] == {
        "path": "raw/0001.h5",
        "size": 7,
        "locations": [{"address": "s3://b/1", "storageClass": "cold", "state": "online"}],
    }
    assert after == "raw/0002.h5"
    rest: list[Any] = []
    while after is not None:
        more, after = ledger.files(dataset, after=after, limit=400)
        rest += more
    assert len(first) + len(rest) == 1499
    assert one(ledger, "SELECT count(*) FROM revision") == 2, "files make no revision"
    with pytest.raises(Invalid, match="no dataset"):
        ledger.put_files(A, [{"path": "x"}], by="tester")
    with pytest.raises(Invalid, match="twice"):
        ledger.put_files(dataset, [{"path": "x"}, {"path": "x"}], by="tester")


def test_a_locations_state_is_neither_versioned_nor_a_change(ledger: Ledger) -> None:
    enter(ledger, entry("d", kind="dataset", files=({"path": "x", "locations": [{"address": "tape://1"}]},)))
    before = ledger.last_position()

    ledger.set_location_state("dataset/lab/d", "x", "tape://1", "restored", until="2026-12-01T00:00:00Z")

    (told,), _ = ledger.files("dataset/lab/d")
    assert told["locations"] == [{"address": "tape://1", "state": "restored", "stateUntil": "2026-12-01T00:00:00Z"}]
    assert ledger.last_position() == before
    assert ledger.file_list("dataset/lab/d").version == 1
    with pytest.raises(NotFound):
        ledger.set_location_state("dataset/lab/d", "x", "tape://2", "lost")


def test_files_that_come_with_a_submission_are_stored_with_it(ledger: Ledger) -> None:
    files = ({"path": "x", "size": 3, "checksums": [{"algorithm": "md5", "value": "0"}]}, {"path": "y"})
    (created,) = enter(ledger, entry("d", kind="dataset", files=files))
    (same,) = enter(ledger, entry("d", kind="dataset", files=files))
    (other,) = enter(ledger, entry("d", kind="dataset", files=files[:1]))
    (misplaced,) = enter(ledger, entry("a", files=files))

    assert [created.outcome, same.outcome, other.outcome] == ["created", "unchanged", "revised"]
    assert other.revision == 1
    assert ledger.file_list("dataset/lab/d").count == 1
    assert misplaced.outcome == "refused"
    assert misplaced.findings[0].rule == "files"


def test_changes_are_read_in_order_from_any_position(ledger: Ledger) -> None:
    enter(ledger, *(entry(f"s{n}") for n in range(5)))
    ledger.withdraw("sample/lab/s2", "wrong", by="curator")

    changes = ledger.changes_after(3)

    assert [(change.position, change.id, change.verb) for change in changes] == [
        (4, "sample/lab/s3", "submit"),
        (5, "sample/lab/s4", "submit"),
        (6, "sample/lab/s2", "withdraw"),
    ]
    assert changes[-1].detail == {"from": "public", "to": "withdrawn", "reason": "wrong", "layIn": 1, "open": False}
    assert changes[-1].by == "curator"
    assert [change.position for change in ledger.changes_after(0, limit=2)] == [1, 2]


def test_a_clock_that_goes_backwards_harms_nothing(address: str) -> None:
    times = iter(f"20{90 - n}-01-01T00:00:00.000000Z" for n in range(50))
    ledger = opened(address)
    ledger = Ledger(ledger.store, ledger.kinds, clock=lambda: next(times))
    enter(ledger, entry("a", {"title": {"en": "1"}}))
    enter(ledger, entry("a", {"title": {"en": "2"}}))
    ledger.withdraw(A, "why not", by="tester")
    ledger.restore(A, by="tester")

    assert mirrored(ledger) == {A: "2"}
    assert status_of(ledger, A) == "public"
    changes = ledger.changes_after(0)
    assert [change.position for change in changes] == [1, 2, 3, 4]
    assert sorted((change.at for change in changes), reverse=True) == [change.at for change in changes]
    whole(ledger)
    ledger.store.close()


def test_many_writers_at_once_lose_nothing_and_agree_on_ids(ledger: Ledger) -> None:
    def write(who: int) -> None:
        for turn in range(6):
            # The same records and targets from everybody, in different orders.
            batch = [
                entry(f"s{n}", {"title": {"en": f"{who} {turn}"}, "derivedFrom": [f"sample/lab/s{n + 1 + turn}"]})
                for n in range(12)
            ]
            enter(ledger, *(batch if who % 2 else reversed(batch)))

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))

    assert one(ledger, "SELECT count(*) FROM record") == 12
    assert one(ledger, "SELECT count(*) FROM revision") == 4 * 6 * 12 == ledger.last_position()


def test_two_writers_on_one_revision_one_wins(ledger: Ledger) -> None:
    enter(ledger, entry("a"))
    start = threading.Barrier(2)

    def write(who: int) -> str:
        start.wait()
        (outcome,) = enter(ledger, entry("a", {"title": {"en": f"by {who}"}}, revision=1))
        return outcome.outcome

    with ThreadPoolExecutor(2) as writers:
        outcomes = list(writers.map(write, range(2)))

    assert sorted(outcomes) == ["conflict", "revised"]


def test_another_process_sees_what_this_one_wrote(ledger: Ledger, address: str) -> None:
    other = opened(address)
    enter(ledger, entry("a", {"derivedFrom": [B]}))
    enter(other, entry("b", {"derivedFrom": [A]}))
    (outcome,) = enter(ledger, entry("b", {"title": {"en": "2"}}))

    assert (outcome.outcome, outcome.revision) == ("revised", 2)
    other.store.close()


def test_a_source_is_versioned_and_seen_by_others_without_a_restart(ledger: Ledger) -> None:
    here, there = Sources(ledger.store), Sources(ledger.store)
    assert there.find("ddbj") is None

    first = here.register(Source("ddbj", 0, {"en": "DDBJ"}, "lab", {"ddbj": "https://ddbj.nig.ac.jp/"}), by="admin")
    again = here.register(Source("ddbj", 0, {"en": "DDBJ"}, "lab", {"ddbj": "https://ddbj.nig.ac.jp/"}), by="admin")
    second = here.register(Source("ddbj", 0, {"en": "DDBJ", "ja": "DDBJ"}, "lab"), by="admin", expected_version=1)

    assert (first.version, again.version, second.version) == (1, 1, 2)
    assert here.find("ddbj") == second
    assert here.get("ddbj") == second
    there.refresh()
    assert there.find("ddbj") == second
    assert [version.title for version in here.versions("ddbj")] == [{"en": "DDBJ"}, {"en": "DDBJ", "ja": "DDBJ"}]
    with pytest.raises(Conflict):
        here.register(Source("ddbj", 0, {"en": "x"}, "lab"), by="admin", expected_version=1)
    with pytest.raises(NotFound, match="nowhere"):
        here.register(Source("jga", 0, {"en": "JGA"}, "nowhere"), by="admin")
    with pytest.raises(NotFound):
        here.get("jga")
    assert here.names() == ("ddbj", "lab")


def test_a_profile_judges_once_it_is_published(ledger: Ledger) -> None:
    compiled: list[str] = []

    def compile(stored: ProfileVersion) -> str:
        compiled.append(stored.reference)
        return f"judge of {stored.reference}"

    here, there = Profiles(ledger.store, compile), Profiles(ledger.store, compile)
    here.propose("narrow", "sample", version=here.next_version("narrow"), submitted="{}", schema={"a": 1}, by="admin")
    assert here.find("narrow@1") is None

    here.publish("narrow@1", by="admin")
    here.refresh()

    assert here.find("narrow@1") == here.find("narrow@1") == "judge of narrow@1"
    assert compiled == ["narrow@1"]
    there.refresh()
    assert there.find("narrow@1") == "judge of narrow@1"
    with pytest.raises(Conflict):
        here.publish("narrow@1", by="admin")
    with pytest.raises(Conflict, match="next version"):
        here.propose("narrow", "sample", version=1, submitted="{}", schema={}, by="admin")
    with pytest.raises(Conflict, match="another name"):
        here.propose("narrow", "dataset", version=2, submitted="{}", schema={}, by="admin")
    here.propose("narrow", "sample", version=2, submitted="{}", schema={}, by="admin", notes=[DOUBTFUL])
    here.note_trial("narrow@2", {"broken": 3})
    stored = here.version("narrow@2")
    assert stored is not None
    assert stored.trial == {"broken": 3}
    assert stored.notes == (DOUBTFUL,)
    latest = here.latest("narrow")
    assert latest is not None
    assert latest.version == 1


def test_a_record_that_was_moved_since_its_writer_was_asked_for_is_not_revised(ledger: Ledger) -> None:
    def asked(title: str, **told: Any) -> Entry:
        return replace(entry("a", {"title": {"en": title}}, **told), lay_in="lab")

    enter(ledger, entry("a"))
    within = enter(ledger, asked("first", scope="lab/2026A1"), asked("second", scope="lab"))
    assert [outcome.outcome for outcome in within] == ["revised", "revised"], "what the batch itself moved is its own"
    ledger.move(A, "company", by="tester")

    (outcome,) = enter(ledger, asked("third"))

    assert (outcome.outcome, outcome.revision, outcome.findings[0].rule) == ("refused", 0, "scope/moved")
    assert ledger.known([A])[A].revision == 3
    (outcome,) = enter(ledger, replace(asked("third"), lay_in="company"))
    assert outcome.outcome == "revised"


def test_what_a_trial_showed_of_a_record_is_expunged_with_it(ledger: Ledger) -> None:
    profiles = Profiles(ledger.store, lambda stored: stored.reference)
    profiles.propose("narrow", "sample", version=1, submitted="{}", schema={}, by="one")
    enter(ledger, entry("a"), entry("a b"))
    findings = [{"message": {"en": "'Jane Doe' is not one of them"}}]
    shown = [{"id": id, "findings": findings} for id in (A, "sample/lab/a%20b")]
    profiles.note_trial("narrow@1", {"tried": 2, "broken": 2, "shown": shown})

    before = profiles.version("narrow@1")
    assert before is not None
    assert before.trial is not None
    assert len(before.trial["shown"]) == 2

    asked = ledger.request_expunge(A, "personal data", by="one")
    ledger.expunge(asked.id, asked.code, by="two")

    after = profiles.version("narrow@1")
    assert after is not None
    assert after.trial == {"tried": 2, "broken": 2, "shown": shown[1:]}


def test_verdicts_of_a_newer_profile_stand_beside_the_record(ledger: Ledger) -> None:
    profiles = Profiles(ledger.store, lambda stored: stored)
    enter(ledger, *(entry(f"s{n}", {"title": {"en": str(n)}}, profile="narrow@1") for n in range(7)), entry("other"))

    bodies = [found for part in profiles.bodies_of(["narrow@1"], slice=3) for found in part]
    assert bodies == [(f"sample/lab/s{n}", {"title": {"en": str(n)}}) for n in range(7)]
    profiles.give_verdicts([Verdict(id, "narrow@2", False, (DOUBTFUL,)) for id, _ in bodies])
    profiles.give_verdicts([Verdict("sample/lab/s0", "narrow@2", True, ())])

    assert profiles.verdicts("sample/lab/s0") == (Verdict("sample/lab/s0", "narrow@2", True, ()),)
    assert profiles.verdicts("sample/lab/s1") == (Verdict("sample/lab/s1", "narrow@2", False, (DOUBTFUL,)),)
    assert ledger.known(["sample/lab/s1"])["sample/lab/s1"].revision == 1


@pytest.mark.service
def test_writers_that_commit_out_of_order_lose_nothing_where_a_naive_reader_would(postgresql: str) -> None:
    """Numbers from a sequence are given in one order and become visible in another; positions are not."""
    ledger = opened(postgresql)
    enter(ledger, entry("slow"), entry("fast"))
    with ledger.store.write() as connection:
        connection.execute(text("CREATE TABLE naive (number BIGSERIAL PRIMARY KEY, who TEXT NOT NULL)"))
    pen = Pen(ledger.store, ledger.mirrors, now)
    naive_seen: list[str] = []
    naive_at = 0
    seen: list[str] = []
    at = ledger.last_position()

    def write(who: str, has_written: threading.Event, may_end: threading.Event) -> None:
        with page(pen, who) as here:
            (held,) = here.hold(f"sample/lab/{who}")
            here.set(held, status="private")
            here.connection.execute(text("INSERT INTO naive (who) VALUES (:who)"), {"who": who})
            here.note(held, "hide")
            has_written.set()
            may_end.wait(30)

    def read() -> None:
        nonlocal naive_at, at
        for number, who in rows(
            ledger, "SELECT number, who FROM naive WHERE number > :at ORDER BY number", at=naive_at
        ):
            naive_seen.append(who)
            naive_at = number
        for change in ledger.changes_after(at):
            seen.append(change.by)
            at = change.position

    slow_has_written, fast_is_done = threading.Event(), threading.Event()
    slow = threading.Thread(target=write, args=("slow", slow_has_written, fast_is_done))
    slow.start()
    assert slow_has_written.wait(30)
    write("fast", threading.Event(), slow_has_written)
    read()
    fast_is_done.set()
    slow.join()
    read()

    assert naive_seen == ["fast"], "the naive reader has gone past the slow writer's number, and never reads it"
    assert seen == ["fast", "slow"]
    whole(ledger)
    ledger.store.close()
