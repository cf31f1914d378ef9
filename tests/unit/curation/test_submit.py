"""Entering submissions: who may, what is new, what a draft is spared, and what a dry run says beforehand."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.assembly import Catalog
from catalog.curation.submit import submit
from catalog.curation.verbs import (
    expunge,
    merge,
    move,
    publish,
    request_expunge,
    restore,
    suppress,
    unmerge,
    withdraw,
)
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.ledger.append import Outcome
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.records.record import Mode, Submission

GOOD = {"title": {"en": "t"}}
BAD = {"title": "no text by language"}


def of(local_id: str | None, body: dict[str, Any] | None = None, **more: Any) -> Submission:
    return Submission("sample", "lab", local_id, GOOD if body is None else body, **more)


def entered(
    catalog: Catalog, *submissions: Submission, by: Reader = ADMINISTRATOR, mode: Mode = "strict", **how: Any
) -> list[Outcome]:
    return submit(submissions, by, intake=catalog.intake, mode=mode, **how)


def told(outcomes: list[Outcome]) -> list[tuple[str, int]]:
    return [(outcome.outcome, outcome.revision) for outcome in outcomes]


def writer_in(*scopes: str) -> Reader:
    return Reader("writer", tuple(Grant("write", scope) for scope in scopes))


def test_the_same_content_changes_nothing_and_other_content_is_the_next_revision(catalog: Catalog) -> None:
    other = {"title": {"en": "other"}}
    assert told(entered(catalog, of("again"))) == [("created", 1)]
    before = catalog.ledger.last_position()
    assert told(entered(catalog, of("again"), of("again", {"title": {"en": "t"}}))) == [("unchanged", 1)] * 2
    assert catalog.ledger.last_position() == before
    assert told(entered(catalog, of("again", other))) == [("revised", 2)]
    assert told(entered(catalog, of("again", other, status="private"))) != [("unchanged", 2)]


def test_a_submission_on_a_revision_that_is_gone_is_a_conflict_and_one_on_the_newest_is_not(catalog: Catalog) -> None:
    entered(catalog, of("locked"), of("locked", {"title": {"en": "2"}}))
    assert told(entered(catalog, of("locked", {"title": {"en": "3"}}, revision=1))) == [("conflict", 2)]
    assert told(entered(catalog, of("locked", {"title": {"en": "3"}}, revision=2))) == [("revised", 3)]
    assert told(entered(catalog, of("locked-new", revision=1))) == [("conflict", 0)]
    assert told(entered(catalog, of("locked-new", revision=0))) == [("created", 1)]
    # The same content with another status is no revision, but a change all the same.
    assert told(entered(catalog, of("locked-new", status="private", revision=7))) == [("conflict", 1)]
    assert told(entered(catalog, of("locked-new", status="private", revision=1))) == [("revised", 1)]


def test_a_local_id_is_made_for_whoever_has_none(catalog: Catalog) -> None:
    one, other = entered(catalog, of(None), of(None))
    assert one.outcome == other.outcome == "created"
    assert one.id != other.id


def test_an_unknown_source_is_refused_with_what_was_perhaps_meant(catalog: Catalog) -> None:
    (outcome,) = entered(catalog, Submission("sample", "lap", "x", GOOD))
    assert outcome.outcome == "refused"
    assert outcome.findings[0].rule == "source/unknown"
    assert "lab" in outcome.findings[0].messages["en"]


def test_an_unknown_scope_is_refused_and_never_made_in_passing(catalog: Catalog) -> None:
    (outcome,) = entered(catalog, of("nowhere", scope="lab/nowhere"))
    assert (outcome.outcome, outcome.findings[0].rule) == ("refused", "scope/write")
    assert catalog.scopes.facts("lab/nowhere") is None
    assert told(entered(catalog, of("nowhere", scope="lab/closed"))) == [("created", 1)]


def test_who_writes_needs_the_right_where_the_record_lies_and_where_it_goes(catalog: Catalog) -> None:
    entered(catalog, of("mine", scope="lab/closed"))
    other = {"title": {"en": "other"}}
    for by, scope, outcome in (
        (PUBLIC, None, "refused"),
        (writer_in("other"), None, "refused"),
        (writer_in("other"), "other", "refused"),
        (writer_in("lab/closed"), "other", "refused"),
        (writer_in("lab/closed"), None, "revised"),
        (writer_in("lab/closed", "other"), "other", "revised"),
    ):
        other = {"title": {"en": f"{by.id} {scope} {outcome}"}}
        assert entered(catalog, of("mine", other, scope=scope), by=by)[0].outcome == outcome, (by, scope)


def test_a_draft_is_kept_whatever_it_breaks_and_published_when_it_is_sound(catalog: Catalog) -> None:
    assert told(entered(catalog, of("draft", BAD))) == [("refused", 0)]
    (draft,) = entered(catalog, of("draft", BAD, status="draft"))
    assert draft.outcome in ("created", "quarantined")
    assert draft.findings
    with pytest.raises(Invalid) as refused:
        publish(draft.id, ADMINISTRATOR, intake=catalog.intake)
    assert refused.value.findings
    # It is a draft until it is published, whatever is sent.
    assert entered(catalog, of("draft", GOOD))[0].outcome == "revised"
    assert catalog.ledger.known([draft.id])[draft.id].status == "draft"
    assert publish(draft.id, ADMINISTRATOR, intake=catalog.intake)
    assert catalog.ledger.known([draft.id])[draft.id].status == "public"


@pytest.mark.parametrize("mode", ["strict", "tolerant"])
def test_a_dry_run_says_what_then_happens_and_does_nothing(catalog: Catalog, mode: Mode) -> None:
    entered(catalog, *(of(f"dry-{mode}/{name}") for name in ("there", "hidden", "moved", "moved-late")))
    proposed = [
        of(f"dry-{mode}/new"),
        of(f"dry-{mode}/there"),
        of(f"dry-{mode}/there", {"title": {"en": "2"}}, revision=7),
        of(f"dry-{mode}/hidden", status="private"),
        of(f"dry-{mode}/moved", scope="lab/closed"),
        of(f"dry-{mode}/moved-late", scope="lab/closed", revision=7),
        of(f"dry-{mode}/bad", BAD),
        of(f"dry-{mode}/draft", BAD, status="draft"),
    ]
    before = catalog.ledger.last_position()
    foreseen = entered(catalog, *proposed, mode=mode, dry_run=True)
    assert catalog.ledger.last_position() == before
    happened = entered(catalog, *proposed, mode=mode)
    assert told(foreseen) == told(happened)
    assert [each.findings for each in foreseen] == [each.findings for each in happened]


def test_an_atomic_submission_is_entered_wholly_or_not_at_all(catalog: Catalog) -> None:
    for place, wrong in enumerate((of("atomic/x", BAD), of("atomic/x", revision=9))):
        good = [of(f"atomic/{place}a"), of(f"atomic/{place}b")]
        before = catalog.ledger.last_position()
        foreseen = entered(catalog, good[0], wrong, good[1], atomic=True, dry_run=True)
        outcomes = entered(catalog, good[0], wrong, good[1], atomic=True)
        assert {outcome.outcome for outcome in outcomes} <= {"refused", "conflict"}
        assert [each.outcome for each in foreseen] == [each.outcome for each in outcomes]
        assert catalog.ledger.last_position() == before
        assert told(entered(catalog, *good, atomic=True)) == [("created", 1)] * 2


def test_wrong_files_refuse_the_record_they_come_with(catalog: Catalog) -> None:
    body = {"title": {"en": "d"}}
    wrong, right = (
        Submission("dataset", "lab", "files", body, files=files) for files in (({"size": -1},), ({"path": "a.dat"},))
    )
    (refused,) = entered(catalog, wrong)
    assert refused.outcome == "refused"
    assert refused.findings[0].pointer.startswith("/files/0")
    assert told(entered(catalog, right)) == [("created", 1)]


def test_the_verbs_ask_for_their_rights_and_hide_what_the_asker_may_not_see(catalog: Catalog) -> None:
    (record,) = entered(catalog, of("verbs", scope="other"))
    (hidden,) = entered(catalog, of("verbs-hidden", scope="other", status="private"))
    writer, intake = writer_in("other"), catalog.intake
    with pytest.raises(Forbidden):
        withdraw(record.id, "why", PUBLIC, intake=intake)
    for absent in (hidden.id, "sample/lab/verbs-nothing"):
        with pytest.raises(NotFound, match=absent):
            withdraw(absent, "why", PUBLIC, intake=intake)
    assert withdraw(record.id, "why", writer, intake=intake)
    assert restore(record.id, writer, intake=intake)
    with pytest.raises(Forbidden):
        suppress(record.id, writer, intake=intake)
    with pytest.raises(NotFound, match="lab"):
        move(record.id, "lab", writer, intake=intake)
    assert move(record.id, "lab", ADMINISTRATOR, intake=intake)
    with pytest.raises(Forbidden):
        merge(record.id, hidden.id, writer_in("lab", "other"), intake=intake)
    assert merge(record.id, hidden.id, ADMINISTRATOR, intake=intake)
    assert unmerge(record.id, ADMINISTRATOR, intake=intake)


def test_erasing_takes_an_administrator_and_the_code_that_was_written(catalog: Catalog) -> None:
    (record,) = entered(catalog, of("erased"))
    intake, folder = catalog.intake, catalog.settings.data
    with pytest.raises(Forbidden):
        request_expunge(record.id, "court order", writer_in("lab"), intake=intake, folder=folder)
    request = request_expunge(record.id, "court order", ADMINISTRATOR, intake=intake, folder=folder)
    written = folder / f"expunge-{request}.code"
    assert written.stat().st_mode & 0o777 == 0o600
    code = written.read_text().strip()
    with pytest.raises((Conflict, Forbidden, NotFound, Invalid)):
        expunge(request, code + "x", ADMINISTRATOR, intake=intake, folder=folder)
    assert catalog.ledger.body(record.id, 1) == GOOD
    assert expunge(request, code, ADMINISTRATOR, intake=intake, folder=folder)
    assert catalog.ledger.body(record.id, 1) is None
    assert not written.exists()


titles = st.sampled_from("abc")
steps = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from((0, 1)), titles, st.none() | st.integers(0, 4)),
    st.tuples(st.sampled_from(("withdraw", "restore")), st.sampled_from((0, 1)), st.none(), st.none()),
    st.tuples(st.just("bad"), st.sampled_from((0, 1)), titles, st.none() | st.integers(0, 4)),
)
turns = count()


def test_whatever_is_done_goes_as_a_plain_model_says_and_as_a_dry_run_said(catalog: Catalog) -> None:
    @given(st.lists(steps, max_size=12))
    def compare(done: list[tuple[str, int, str | None, int | None]]) -> None:
        compare_with_a_model(catalog, done)

    compare()


def compare_with_a_model(catalog: Catalog, done: list[tuple[str, int, str | None, int | None]]) -> None:
    turn = next(turns)
    held: dict[str, list[str]] = {}  # the titles of the revisions of each record
    for verb, which, title, revision in done:
        name = f"model/{turn}/{which}"
        before, revisions = catalog.ledger.last_position(), held.get(name, [])
        if verb in ("withdraw", "restore"):
            if revisions:
                change_status(catalog, verb, f"sample/lab/{name}")
            continue
        submission = of(name, {"title": {"en": title}} if verb == "submit" else BAD, revision=revision)
        foreseen = entered(catalog, submission, dry_run=True)
        assert catalog.ledger.last_position() == before
        happened = entered(catalog, submission)
        assert (told(foreseen), foreseen[0].findings) == (told(happened), happened[0].findings)
        if verb == "bad":
            expected = ("refused", 0)
        elif revisions and revisions[-1] == title:
            expected = ("unchanged", len(revisions))
        elif revision is not None and revision != len(revisions):
            expected = ("conflict", len(revisions))
        else:
            held[name] = [*revisions, str(title)]
            expected = ("revised" if revisions else "created", len(revisions) + 1)
        assert told(happened) == [expected]
        assert (catalog.ledger.last_position() > before) == (expected[0] in ("created", "revised"))
    for name, revisions in held.items():
        for number, title in enumerate(revisions, 1):
            assert catalog.ledger.body(f"sample/lab/{name}", number) == {"title": {"en": title}}


def change_status(catalog: Catalog, verb: str, id: str) -> None:
    """Withdraw or restore, where the record's status allows it."""
    withdrawn = catalog.ledger.known([id])[id].status == "withdrawn"
    if verb == "withdraw" and not withdrawn:
        assert withdraw(id, "why", ADMINISTRATOR, intake=catalog.intake)
    elif verb == "restore" and withdrawn:
        assert restore(id, ADMINISTRATOR, intake=catalog.intake)


def test_a_new_id_is_taken_where_its_source_is_at_home_or_by_who_may_write_there(catalog: Catalog) -> None:
    elsewhere, home, below = writer_in("other"), writer_in("lab", "other"), writer_in("lab/closed")
    (refused,) = entered(catalog, of("squatted", scope="other"), by=elsewhere)
    (hidden,) = entered(catalog, of("squatted", scope="nowhere"), by=elsewhere)
    assert [each.rule for each in refused.findings] == ["scope/write"]
    said = [
        each.findings[0].messages["en"].replace(name, "…") for each, name in ((refused, "other"), (hidden, "nowhere"))
    ]
    assert said[0] == said[1]
    assert told(entered(catalog, of("below", scope="lab/closed"), by=below)) == [("created", 1)]
    assert told(entered(catalog, of("squatted", scope="other"), by=home)) == [("created", 1)]
    # What is there already is revised by who may write where it lies.
    other = {"title": {"en": "other"}}
    assert told(entered(catalog, of("squatted", other), by=elsewhere)) == [("revised", 2)]


def test_a_sources_writer_writes_its_own_records_whatever_the_verb(catalog: Catalog) -> None:
    entered(catalog, of("others"))
    rights = tuple(Grant(right, "lab") for right in ("write", "manage", "read"))
    foreign, own = Reader("source:x", rights, source="elsewhere"), Reader("source:lab", rights, source="lab")
    (refused,) = entered(catalog, of("others", {"title": {"en": "x"}}), by=foreign)
    assert refused.outcome == "refused"
    id, intake = "sample/lab/others", catalog.intake
    for verb in (publish, suppress, restore, unmerge):
        with pytest.raises(Forbidden):
            verb(id, foreign, intake=intake)
    with pytest.raises(Forbidden):
        withdraw(id, "x", foreign, intake=intake)
    with pytest.raises(Forbidden):
        move(id, "lab/closed", foreign, intake=intake)
    with pytest.raises(Forbidden):
        merge(id, id, foreign, intake=intake)
    # Of what they may not see either, they are told nothing.
    with pytest.raises(NotFound):
        withdraw("sample/lab/none", "x", foreign, intake=intake)
    assert suppress(id, own, intake=intake) is not None


def test_a_device_that_acts_is_in_what_is_written_down(catalog: Catalog) -> None:
    robot = Reader("person:1", (Grant("write", "lab"),), agent="agent/lab/robot")
    entered(catalog, of("by-robot"), by=robot)
    withdraw("sample/lab/by-robot", "broken", robot, intake=catalog.intake)
    changes = catalog.ledger.history("sample/lab/by-robot")
    assert [(change.verb, change.by, (change.detail or {}).get("agent")) for change in changes] == [
        ("submit", "person:1", None),
        ("withdraw", "person:1", "agent/lab/robot"),
    ]
    with catalog.store.read() as connection:
        agents = connection.exec_driver_sql(
            "SELECT v.agent FROM revision v JOIN node n ON n.key = v.record WHERE n.id = 'sample/lab/by-robot'"
        )
        assert agents.scalars().all() == ["agent/lab/robot"]


def test_who_writes_and_does_not_manage_sets_no_other_status_of_what_is_there(catalog: Catalog) -> None:
    entered(catalog, of("kept-back", status="private"), of("begun", status="draft"), of("seen"))
    writer = writer_in("lab")
    manager = Reader("manager", (Grant("write", "lab"), Grant("manage", "lab")))
    other = {"title": {"en": "other"}}
    for name, status in (("kept-back", "public"), ("begun", "public"), ("seen", "private"), ("seen", "draft")):
        for body in (GOOD, other):
            for how in ({}, {"dry_run": True}):
                (refused,) = entered(catalog, of(name, body, status=status), by=writer, **how)
                assert [each.rule for each in refused.findings] == ["scope/manage"], (name, status)
    assert told(entered(catalog, of("kept-back", other), by=writer)) == [("revised", 2)]
    assert told(entered(catalog, of("kept-back", other, status="private"), by=writer)) == [("unchanged", 2)]
    assert told(entered(catalog, of("kept-back", other, status="public"), by=manager)) == [("revised", 2)]
    # What is new is what its writer says.
    assert (
        told(entered(catalog, of("new", status="draft"), of("newer", status="public"), by=writer))
        == [("created", 1)] * 2
    )
