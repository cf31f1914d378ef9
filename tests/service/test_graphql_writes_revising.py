"""Records are revised over GraphQL by what is different: one, its links, or all that a filter finds, after a look at it."""

from __future__ import annotations

from typing import Any, Final

import httpx

from tests.service.test_graphql_writes import MANY, REFUSAL, SUBMIT, asked, done, sample

REVISE: Final = (
    REFUSAL
    + """
mutation Revise($id: ID!, $patch: JSON!, $expectedRevision: Int, $dryRun: Boolean = false) {
  revise(id: $id, patch: $patch, expectedRevision: $expectedRevision, dryRun: $dryRun) {
    ...Refusal
    ... on Submitted { __typename id outcome revision record { submitted } }
  }
}
"""
)
REVISE_MANY: Final = (
    REFUSAL
    + """
mutation ReviseMany($where: RevisionTarget!, $patch: JSON!, $preview: Boolean = true, $token: String, $kinds: [String!]) {
  reviseMany(where: $where, patch: $patch, preview: $preview, token: $token, kinds: $kinds) {
    ...Refusal
    ... on RevisionPreview {
      __typename count revised unchanged refused token
      examples { id changes { pointer what was now } record { id revision } }
      refusals { id result { ...Refusal } }
    }
    ... on RevisedMany {
      __typename count revised unchanged refused
      results { id result { ...Refusal ... on Submitted { __typename outcome revision record { id revision } } } }
    }
  }
}
"""
)


def test_a_patch_changes_what_it_names_and_leaves_the_rest(administrator: httpx.Client) -> None:
    body = {"title": {"en": "Cathode", "ja": "正極"}, "formula": "LiCoO2", "notes": ["one"]}
    asked(administrator, SUBMIT, submission={"source": "lab", "localId": "revised-1", "body": {"sample": body}})
    id = "sample/lab/revised-1"

    foreseen = asked(administrator, REVISE, id=id, patch={"notes": ["two"]}, dryRun=True)["revise"]
    assert (foreseen["outcome"], foreseen["record"]["submitted"]["notes"]) == ("REVISED", ["one"])

    patch = {"title": {"ja": None, "en": "Cathode material"}, "notes": ["two"], "formula": None}
    revised = asked(administrator, REVISE, id=id, patch=patch, expectedRevision=1)["revise"]
    assert (revised["outcome"], revised["revision"]) == ("REVISED", 2)
    assert revised["record"]["submitted"] == {"title": {"en": "Cathode material"}, "notes": ["two"]}

    again = asked(administrator, REVISE, id=id, patch=patch)["revise"]
    assert (again["outcome"], again["revision"]) == ("UNCHANGED", 2)
    stale = asked(administrator, REVISE, id=id, patch={"notes": []}, expectedRevision=1)["revise"]
    assert (stale["__typename"], stale["currentRevision"]) == ("Conflict", 2)
    wrong = asked(administrator, REVISE, id=id, patch={"title": {"en": 5}})["revise"]
    assert (wrong["__typename"], wrong["findings"][0]["pointer"]) == ("Invalid", "/title/en")
    assert asked(administrator, REVISE, id=id, patch=["no", "object"])["revise"]["__typename"] == "Invalid"
    assert asked(administrator, REVISE, id="sample/lab/gr-never", patch={})["revise"]["__typename"] == "NotFound"


def test_what_a_revision_keeps_is_its_profile_scope_and_status(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    asked(administrator, SUBMIT, submission=sample("gr-kept", scope="lab/closed", status="PRIVATE"))
    revised = asked(administrator, REVISE, id="sample/lab/gr-kept", patch={"formula": "NaCl"})["revise"]
    assert revised["outcome"] == "REVISED"
    told = administrator.get("sample/lab/gr-kept").json()
    assert (told["scope"], told["status"]) == ("lab/closed", "private")
    assert public.get("sample/lab/gr-kept").status_code == 404


def test_nobody_revises_what_they_may_not_write(public: httpx.Client, administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gr-mine"))
    told = asked(public, REVISE, id="sample/lab/gr-mine", patch={"formula": "NaCl"})["revise"]
    assert told["__typename"] == "Unauthenticated"
    assert "formula" not in administrator.get("sample/lab/gr-mine").json()["body"]


def test_links_are_added_and_taken_away(administrator: httpx.Client) -> None:
    asked(administrator, MANY, submissions=[sample("gr-a"), sample("gr-b")])
    linked = {"title": {"en": "Linked"}, "samples": ["sample/lab/gr-a"]}
    asked(
        administrator,
        SUBMIT,
        submission={"source": "lab", "localId": "gr-set", "kind": "dataset", "body": {"json": linked}},
    )
    id = "dataset/lab/gr-set"
    of = "outcome record { id ... on Dataset { samples { edges { to role note } } } }"

    def links(call: str) -> list[tuple[Any, ...]]:
        told = done(administrator, call, "Submitted", of)
        assert told["__typename"] == "Submitted", told
        return [(edge["to"], edge["role"], edge["note"]) for edge in told["record"]["samples"]["edges"]]

    added = f"""addLinks(id: "{id}", field: "samples", links: [
        {{to: "sample/lab/gr-a", note: "first"}}, {{to: "sample/lab/gr-b", role: "measured", order: null}}])"""
    both = [("sample/lab/gr-a", None, "first"), ("sample/lab/gr-b", "measured", None)]
    assert links(added) == both
    # Again is no change.
    assert done(administrator, added, "Submitted", "outcome")["outcome"] == "UNCHANGED"
    taken = f'takeLinks(id: "{id}", field: "samples", links: [{{to: "sample/lab/gr-b", role: "reference"}}])'
    assert links(taken) == both
    assert links(taken.replace("reference", "measured")) == both[:1]
    assert links(f'takeLinks(id: "{id}", field: "samples", links: [{{to: "sample/lab/gr-a"}}])') == []
    nowhere = done(administrator, added.replace('"samples"', '"nowhere"'), "Submitted", "id")
    assert nowhere["__typename"] == "Invalid"
    title = done(administrator, added.replace('"samples"', '"title"'), "Submitted", "id")
    assert title["__typename"] == "Invalid"


def test_what_a_filter_finds_is_revised_as_it_was_previewed(administrator: httpx.Client) -> None:
    submissions = [
        {
            **sample(f"gr-many-{number}", f"Many {number}"),
            "body": {"sample": {"title": {"en": f"Many {number}"}, "formula": "K"}},
        }
        for number in range(4)
    ]
    submissions[3]["body"]["sample"]["formula"] = "KCl"
    asked(administrator, MANY, submissions=submissions)
    where = {"sample": {"title": {"prefix": "Many "}}}
    patch = {"formula": "KCl"}

    seen = asked(administrator, REVISE_MANY, where=where, patch=patch)["reviseMany"]
    assert (seen["__typename"], seen["count"], seen["revised"], seen["unchanged"]) == ("RevisionPreview", 4, 3, 1)
    assert seen["examples"][0] == {
        "id": "sample/lab/gr-many-0",
        "changes": [{"pointer": "/formula", "what": "changed", "was": "K", "now": "KCl"}],
        "record": {"id": "sample/lab/gr-many-0", "revision": 1},
    }
    # A look changes nothing.
    assert administrator.get("sample/lab/gr-many-0").json()["revision"] == 1

    without = asked(administrator, REVISE_MANY, where=where, patch=patch, preview=False)["reviseMany"]
    assert without["__typename"] == "Invalid"
    other = asked(administrator, REVISE_MANY, where=where, patch={"formula": "X"}, preview=False, token=seen["token"])
    assert other["reviseMany"]["__typename"] == "Conflict"

    made = asked(administrator, REVISE_MANY, where=where, patch=patch, preview=False, token=seen["token"])["reviseMany"]
    assert (made["count"], made["revised"], made["unchanged"], made["refused"]) == (4, 3, 1, 0)
    assert [each["result"]["outcome"] for each in made["results"]] == ["REVISED"] * 3 + ["UNCHANGED"]
    assert made["results"][0]["result"]["record"] == {"id": "sample/lab/gr-many-0", "revision": 2}
    # What was previewed is done once.
    again = asked(administrator, REVISE_MANY, where=where, patch=patch, preview=False, token=seen["token"])[
        "reviseMany"
    ]
    assert again["__typename"] == "Conflict"


def test_a_record_that_moved_on_since_the_preview_is_a_conflict(administrator: httpx.Client) -> None:
    asked(administrator, MANY, submissions=[sample("gr-moved-1", "Moving 1"), sample("gr-moved-2", "Moving 2")])
    where = {"record": {"id": {"in": ["sample/lab/gr-moved-1", "sample/lab/gr-moved-2"]}}}
    patch = {"notes": ["seen"]}
    seen = asked(administrator, REVISE_MANY, where=where, patch=patch, kinds=["sample"])["reviseMany"]
    assert seen["revised"] == 2, seen
    asked(administrator, REVISE, id="sample/lab/gr-moved-2", patch={"formula": "H2O"})
    told = asked(
        administrator, REVISE_MANY, where=where, patch=patch, kinds=["sample"], preview=False, token=seen["token"]
    )["reviseMany"]
    assert told["__typename"] == "Conflict"
    assert "notes" not in administrator.get("sample/lab/gr-moved-1").json()["body"]


def test_what_would_break_a_rule_is_told_in_the_preview_and_refused_alone(administrator: httpx.Client) -> None:
    asked(administrator, MANY, submissions=[sample("gr-rule-1", "Ruled 1")])
    asked(
        administrator,
        SUBMIT,
        submission={"source": "lab", "localId": "gr-rule-2", "body": {"dataset": {"title": {"en": "Ruled 2"}}}},
    )
    where = {"record": {"id": {"in": ["sample/lab/gr-rule-1", "dataset/lab/gr-rule-2"]}}}
    # A dataset has no formula.
    patch = {"formula": "H2O"}
    seen = asked(administrator, REVISE_MANY, where=where, patch=patch)["reviseMany"]
    assert (seen["count"], seen["revised"], seen["refused"]) == (2, 1, 1)
    assert [each["id"] for each in seen["refusals"]] == ["dataset/lab/gr-rule-2"]
    made = asked(administrator, REVISE_MANY, where=where, patch=patch, preview=False, token=seen["token"])["reviseMany"]
    assert (made["revised"], made["refused"]) == (1, 1)
    by_id = {each["id"]: each["result"]["__typename"] for each in made["results"]}
    assert by_id == {"sample/lab/gr-rule-1": "Submitted", "dataset/lab/gr-rule-2": "Invalid"}
