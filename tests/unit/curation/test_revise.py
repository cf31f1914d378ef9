"""Revising by what is different: patches, links, several at a time; each is a submission like any other."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.assembly import Catalog
from catalog.curation.files import add_files, add_locations, take_locations
from catalog.curation.revise import SLICE, linked, patched, revise, revise_each, unlinked
from catalog.curation.submit import demand_entered, submit, submit_each
from catalog.curation.verbs import expunge, request_expunge
from catalog.errors import Conflict, Forbidden, Invalid, Malformed, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.records.record import Submission

# RFC 7396, appendix A: those of its examples whose target and patch are objects.
MERGED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


def of(local_id: str, body: dict[str, Any] | None = None, **more: Any) -> Submission:
    return Submission("sample", "lab", local_id, {"title": {"en": "t"}} if body is None else body, **more)


def enter(catalog: Catalog, *submissions: Submission) -> list[str]:
    return [outcome.id for outcome in submit(submissions, ADMINISTRATOR, intake=catalog.intake)]


@pytest.mark.parametrize(("target", "patch", "result"), MERGED)
def test_a_patch_is_a_merge_patch(target: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    before = {**target}
    assert patched(patch)(target) == result
    assert target == before


def test_links_are_told_apart_by_what_says_which_one_it_is() -> None:
    body = {"derivedFrom": ["sample/lab/a", {"to": "sample/lab/b", "role": "parent"}]}
    noted = linked("derivedFrom", [{"to": "sample/lab/b", "role": "parent", "note": "n"}, {"to": "sample/lab/b"}])(body)
    assert noted["derivedFrom"] == [
        "sample/lab/a",
        {"to": "sample/lab/b", "role": "parent", "note": "n"},
        {"to": "sample/lab/b"},
    ]
    assert linked("derivedFrom", [{"to": "sample/lab/c"}])({}) == {"derivedFrom": [{"to": "sample/lab/c"}]}
    rest = unlinked("derivedFrom", [{"to": "sample/lab/b", "role": "parent"}])(noted)
    assert rest["derivedFrom"] == ["sample/lab/a", {"to": "sample/lab/b"}]
    assert unlinked("derivedFrom", [{"to": "sample/lab/a"}, {"to": "sample/lab/b"}])(rest) == {}
    assert unlinked("derivedFrom", [{"to": "sample/lab/a"}])({}) == {}
    with pytest.raises(Malformed):
        linked("title", [{"to": "sample/lab/a"}])({"title": {"en": "t"}})


def test_a_revision_is_made_from_the_newest_content_or_from_what_was_read(catalog: Catalog) -> None:
    (id,) = enter(catalog, of("rev", {"title": {"en": "t"}, "formula": "K"}))
    told = revise(id, patched({"formula": "KCl"}), ADMINISTRATOR, intake=catalog.intake)
    assert (told.outcome, told.revision) == ("revised", 2)
    stale = revise(id, patched({"formula": "X"}), ADMINISTRATOR, intake=catalog.intake, expected_revision=1)
    assert (stale.outcome, stale.revision) == ("conflict", 2)
    with pytest.raises(Conflict):
        demand_entered(stale)
    foreseen = revise(id, patched({"formula": "X"}), ADMINISTRATOR, intake=catalog.intake, dry_run=True)
    assert (foreseen.outcome, foreseen.revision) == ("revised", 3)
    assert catalog.ledger.body(id) == {"title": {"en": "t"}, "formula": "KCl"}


def test_what_is_revised_is_what_one_may_write(catalog: Catalog) -> None:
    id, hidden = enter(catalog, of("rev-mine", scope="lab/closed"), of("rev-hidden", status="private"))
    change = patched({"formula": "K"})
    for unseen in (hidden, "sample/lab/rev-never"):
        with pytest.raises(NotFound):
            revise(unseen, change, PUBLIC, intake=catalog.intake)
    reader = Reader("reader", (Grant("read", "lab/closed"),))
    with pytest.raises(Forbidden):
        revise(id, change, reader, intake=catalog.intake)
    (each,) = revise_each([id], change, reader, intake=catalog.intake, dry_run=True)
    assert (each.outcome.outcome, each.was, each.now) == ("refused", None, None)
    with pytest.raises(Forbidden):
        demand_entered(each.outcome)
    writer = Reader("writer", (Grant("write", "lab/closed"),))
    assert revise(id, change, writer, intake=catalog.intake).outcome == "revised"


def test_what_was_expunged_is_not_revised(catalog: Catalog) -> None:
    (id,) = enter(catalog, of("rev-gone"))
    folder = catalog.settings.data
    request = request_expunge(id, "personal", ADMINISTRATOR, intake=catalog.intake, folder=folder, revision=1)
    code = (folder / f"expunge-{request}.code").read_text("utf-8").strip()
    expunge(request, code, ADMINISTRATOR, intake=catalog.intake, folder=folder)
    with pytest.raises(Conflict):
        revise(id, patched({}), ADMINISTRATOR, intake=catalog.intake)
    (each,) = revise_each([id], patched({}), ADMINISTRATOR, intake=catalog.intake)
    assert each.outcome.outcome == "refused"


def test_several_are_revised_in_slices_and_each_costs_only_itself(catalog: Catalog) -> None:
    number = SLICE + 3
    ids = enter(catalog, *(of(f"slice-{each}", {"title": {"en": f"t{each}"}}) for each in range(number)))
    # Of a long one the content is looked up for itself.
    ids += enter(catalog, of("slice-long", {"title": {"en": "t"}, "notes": ["long " * 40_000]}))
    ids.insert(1, "sample/lab/slice-never")
    before = dict.fromkeys(ids, 1)
    submit([of("slice-0", {"title": {"en": "other"}})], ADMINISTRATOR, intake=catalog.intake)
    made = list(revise_each(ids, patched({"formula": "K"}), ADMINISTRATOR, intake=catalog.intake, expected=before))
    assert [each.outcome.id for each in made] == ids
    outcomes = [each.outcome.outcome for each in made]
    assert outcomes == ["conflict", "refused", *["revised"] * number]
    assert made[2].was == {"title": {"en": "t1"}}
    assert made[2].now == {"title": {"en": "t1"}, "formula": "K"}
    long = catalog.ledger.body(ids[-1])
    assert long is not None
    assert (long["formula"], len(long["notes"][0])) == ("K", 200_000)


def test_a_change_that_cannot_be_made_of_one_is_made_of_the_others(catalog: Catalog) -> None:
    ids = enter(catalog, of("odd-1", {"title": {"en": "t"}}), of("odd-2"))
    dataset = Submission("dataset", "lab", "odd-3", {"title": {"en": "t"}})
    ids += enter(catalog, dataset)
    made = list(revise_each(ids, patched({"formula": "K"}), ADMINISTRATOR, intake=catalog.intake))
    assert [each.outcome.outcome for each in made] == ["revised", "revised", "refused"]
    with pytest.raises(Invalid):
        demand_entered(made[2].outcome)
    none = list(revise_each(ids, linked("title", [{"to": "sample/lab/x"}]), ADMINISTRATOR, intake=catalog.intake))
    assert [each.outcome.findings[0].rule for each in none] == ["parse"] * 3


def test_several_submissions_are_entered_in_order_and_one_that_was_not_read_has_its_place(catalog: Catalog) -> None:
    unread = Malformed("no submission")
    ways = [of("each-1"), unread, of("each-2"), of("each-1", {"title": {"en": "later"}}), of("each-1")]
    made = submit_each(ways, ADMINISTRATOR, intake=catalog.intake)
    # The last is what the first said, but not what the record says by then.
    assert [(each.outcome, each.revision) for each in made] == [
        ("created", 1),
        ("refused", 0),
        ("created", 1),
        ("revised", 2),
        ("revised", 3),
    ]
    assert made[1].findings[0].rule == "parse"


def test_an_atomic_whole_is_kept_out_by_what_cannot_be_entered_with_it(catalog: Catalog) -> None:
    one, other = of("whole-1"), of("whole-2")
    for wrong in (Malformed("no submission"), of("whole-1", {"title": {"en": "again"}})):
        made = submit_each([one, wrong, other], ADMINISTRATOR, intake=catalog.intake, atomic=True)
        assert {each.outcome for each in made} == {"refused"}
        assert catalog.ledger.known(["sample/lab/whole-1", "sample/lab/whole-2"]) == {}
    whole = submit_each([one, other], ADMINISTRATOR, intake=catalog.intake, atomic=True)
    assert [each.outcome for each in whole] == ["created"] * 2


def test_a_location_is_added_to_the_file_as_it_is_and_not_to_one_that_changed(catalog: Catalog) -> None:
    (id,) = enter(catalog, Submission("dataset", "lab", "placed", {"title": {"en": "t"}}))
    intake = catalog.intake
    file = {"path": "a", "size": 7, "checksums": [{"algorithm": "md5", "value": "00"}]}
    listed = add_files(id, [file], ADMINISTRATOR, intake=intake)
    add_locations(id, "a", [{"address": "s3://b/a"}], ADMINISTRATOR, intake=intake)
    assert catalog.ledger.file(id, "a") == {**file, "locations": [{"address": "s3://b/a", "state": "online"}]}
    with pytest.raises(Conflict):
        take_locations(id, "a", ["s3://b/a"], ADMINISTRATOR, intake=intake, expected_version=listed.version)
    take_locations(id, "a", ["s3://b/a", "s3://never"], ADMINISTRATOR, intake=intake)
    assert catalog.ledger.file(id, "a") == file
    assert catalog.ledger.file(id, "b") is None
    with pytest.raises(Invalid):
        add_locations(id, "a", [{"address": ""}], ADMINISTRATOR, intake=intake)
