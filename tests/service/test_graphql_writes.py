"""Records are changed over GraphQL as they are over REST: by the same verbs, and refused where those refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.service.conftest import Served

PROJECT: Final = Path(__file__).parents[2]
REFUSAL: Final = """
fragment Refusal on Refusal {
  __typename message
  ... on Invalid { findings { pointer rule severity message } }
  ... on Conflict { currentRevision }
  ... on Unavailable { retryAfterSeconds }
}
"""
SUBMIT: Final = (
    REFUSAL
    + """
mutation Submit($submission: SubmissionInput!, $mode: Mode = STRICT, $dryRun: Boolean = false) {
  submit(submission: $submission, mode: $mode, dryRun: $dryRun) {
    ...Refusal
    ... on Submitted { __typename id outcome revision position findings { rule } record { id kind status revision title } }
  }
}
"""
)
MANY: Final = (
    REFUSAL
    + """
mutation Many($submissions: [SubmissionInput!]!, $atomic: Boolean = false, $dryRun: Boolean = false) {
  submitMany(submissions: $submissions, atomic: $atomic, dryRun: $dryRun) {
    ...Refusal
    ... on SubmittedMany {
      __typename entered refused position
      results { ...Refusal ... on Submitted { __typename id outcome revision record { id title } } }
    }
  }
}
"""
)


def asked(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer without errors."""
    answer = client.post("graphql", json={"query": document, "variables": variables})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert "errors" not in told, told
    data: dict[str, Any] = told["data"]
    return data


def done(client: httpx.Client, call: str, payload: str, of: str = "id changed position record { id status }") -> Any:
    """What became of one mutation, written as it is."""
    document = f"{REFUSAL} mutation {{ {call} {{ ...Refusal ... on {payload} {{ __typename {of} }} }} }}"
    (told,) = asked(client, document).values()
    return told


def sample(local_id: str, title: str = "Cathode material", **more: Any) -> dict[str, Any]:
    return {"source": "lab", "localId": local_id, "body": {"sample": {"title": {"en": title}}}, **more}


@pytest.fixture
def japanese(served: Served) -> Iterator[httpx.Client]:
    with served.client(**served.as_administrator, **{"Accept-Language": "ja"}) as client:
        yield client


def test_a_submission_is_entered_once_and_again_as_it_changes(administrator: httpx.Client) -> None:
    first = asked(administrator, SUBMIT, submission=sample("gw-1"))["submit"]
    assert first["__typename"] == "Submitted"
    assert (first["outcome"], first["revision"]) == ("CREATED", 1)
    assert first["record"] == {
        "id": "sample/lab/gw-1",
        "kind": "sample",
        "status": "public",
        "revision": 1,
        "title": "Cathode material",
    }

    again = asked(administrator, SUBMIT, submission=sample("gw-1"))["submit"]
    assert (again["outcome"], again["revision"], again["position"]) == ("UNCHANGED", 1, None)

    other = asked(administrator, SUBMIT, submission=sample("gw-1", "Another"))["submit"]
    assert (other["outcome"], other["revision"], other["record"]["title"]) == ("REVISED", 2, "Another")
    assert other["position"] > first["position"]


def test_what_a_typed_body_says_is_kept_as_over_rest(administrator: httpx.Client) -> None:
    body = {
        "title": {"en": "XAFS", "ja": "XAFS測定", "other": {"de": "Messung"}},
        "keywords": [{"text": "battery"}, {"term": "panet:PaNET01196"}],
        "size": 3_000_000_000,
        "latest": True,
        "description": None,
        "samples": [{"to": "sample/lab/gw-1", "role": "measured"}],
        "quality": [{"name": "energy", "quantity": {"min": 7.5, "max": 8, "unit": "keV"}}],
        "details": {"as": ["the", {"facility": None}]},
    }
    submission = {"source": "lab", "localId": "gw-typed", "body": {"dataset": body}}
    assert asked(administrator, SUBMIT, submission=submission)["submit"]["outcome"] == "CREATED"
    submitted = administrator.get("dataset/lab/gw-typed").json()["body"]
    assert submitted["title"] == {"de": "Messung", "en": "XAFS", "ja": "XAFS測定"}
    assert submitted["keywords"] == ["battery", {"term": "panet:PaNET01196"}]
    assert submitted["size"] == 3_000_000_000
    assert isinstance(submitted["size"], int)
    assert submitted["quality"] == [{"name": "energy", "quantity": {"min": 7.5, "max": 8, "unit": "keV"}}]
    assert submitted["details"] == {"as": ["the", {"facility": None}]}
    assert "description" not in submitted

    # The same by the way of REST is the same content.
    told = administrator.post(
        "records", json={"kind": "dataset", "source": "lab", "localId": "gw-typed", "body": submitted}
    )
    assert told.json()["outcome"] == "unchanged", told.text


def test_a_body_as_json_needs_its_kind(administrator: httpx.Client) -> None:
    plain = {"source": "lab", "localId": "gw-json", "body": {"json": {"title": {"en": "Plain"}}}}
    refused = asked(administrator, SUBMIT, submission=plain)["submit"]
    assert refused["__typename"] == "Invalid"
    assert refused["findings"][0]["rule"] == "parse"
    made = asked(administrator, SUBMIT, submission={**plain, "kind": "sample"})["submit"]
    assert made["id"] == "sample/lab/gw-json"
    # A body is of one kind.
    both = {**plain, "body": {"json": {}, "sample": {}}}
    answer = administrator.post("graphql", json={"query": SUBMIT, "variables": {"submission": both}})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("number", ["1e999", "12345678901234567890123"])
def test_a_number_that_json_cannot_keep_is_refused(administrator: httpx.Client, number: str) -> None:
    submission = f'{{source: "lab", kind: "sample", body: {{json: {{title: {{en: "N"}}, details: {number}}}}}}}'
    refused = done(administrator, f"submit(submission: {submission})", "Submitted", "id")
    assert refused["__typename"] == "Invalid"
    assert refused["findings"][0]["rule"] == "parse"


def test_a_broken_rule_is_told_with_its_place_in_the_language_of_whoever_asks(
    administrator: httpx.Client, japanese: httpx.Client
) -> None:
    broken = {**sample("gw-broken"), "kind": "sample", "body": {"json": {"title": {"en": 5}}}}
    told = asked(administrator, SUBMIT, submission=broken)["submit"]
    assert told["__typename"] == "Invalid"
    (finding,) = told["findings"]
    assert (finding["pointer"], finding["rule"], finding["severity"]) == ("/title/en", "schema/type", "VIOLATION")
    assert "must be" in finding["message"]
    there = asked(japanese, SUBMIT, submission=broken)["submit"]
    assert "何も保存されていません" in there["message"]
    assert administrator.get("sample/lab/gw-broken").status_code == 404

    kept = asked(administrator, SUBMIT, submission=broken, mode="TOLERANT")["submit"]
    assert (kept["outcome"], [each["rule"] for each in kept["findings"]]) == ("QUARANTINED", ["schema/type"])


def test_a_stale_revision_is_a_conflict_and_a_dry_run_stores_nothing(administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gw-stale"))
    asked(administrator, SUBMIT, submission=sample("gw-stale", "Second", expectedRevision=1))
    told = asked(administrator, SUBMIT, submission=sample("gw-stale", "Third", expectedRevision=1))["submit"]
    assert (told["__typename"], told["currentRevision"]) == ("Conflict", 2)
    assert asked(administrator, SUBMIT, submission=sample("gw-stale", expectedRevision=0))["submit"]["__typename"] == (
        "Conflict"
    )
    foreseen = asked(administrator, SUBMIT, submission=sample("gw-stale", "Third"), dryRun=True)["submit"]
    assert (foreseen["outcome"], foreseen["revision"]) == ("REVISED", 3)
    assert administrator.get("sample/lab/gw-stale").json()["body"]["title"] == {"en": "Second"}


def test_who_has_not_said_who_they_are_changes_nothing(public: httpx.Client, administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gw-anonymous"))
    assert asked(public, SUBMIT, submission=sample("gw-anonymous", "Mine"))["submit"]["__typename"] == "Unauthenticated"
    for call in (
        'withdraw(id: "sample/lab/gw-anonymous", reason: "no")',
        'publish(id: "sample/lab/gw-anonymous")',
        'merge(id: "sample/lab/gw-anonymous", into: "sample/lab/gw-1")',
    ):
        name = call.partition("(")[0]
        payload = {"withdraw": "Withdrawn", "publish": "Published", "merge": "Merged"}[name]
        assert done(public, call, payload)["__typename"] == "Unauthenticated"
    assert administrator.get("sample/lab/gw-anonymous").status_code == 200


def test_several_are_answered_one_by_one_and_an_atomic_whole_as_one(administrator: httpx.Client) -> None:
    first, second = sample("gw-m1"), sample("gw-m2")
    unknown = {**sample("gw-m3"), "source": "nobody"}
    mixed = {**sample("gw-m4"), "kind": "dataset"}
    told = asked(administrator, MANY, submissions=[first, unknown, second, mixed, sample("gw-m1", "Later")])[
        "submitMany"
    ]
    assert (told["entered"], told["refused"]) == (3, 2)
    assert [each.get("outcome", each["__typename"]) for each in told["results"]] == [
        "CREATED",
        "Invalid",
        "CREATED",
        "Invalid",
        "REVISED",
    ]
    # The records are told as they are when all is done.
    assert told["results"][0]["record"]["title"] == "Later"

    nothing = asked(administrator, MANY, submissions=[sample("gw-m5"), unknown], atomic=True)["submitMany"]
    assert (nothing["entered"], nothing["refused"]) == (0, 2)
    assert {each["findings"][0]["rule"] for each in nothing["results"]} == {"atomic", "source/unknown"}
    twice = asked(administrator, MANY, submissions=[sample("gw-m5"), sample("gw-m5", "B")], atomic=True)["submitMany"]
    assert (twice["entered"], twice["refused"]) == (0, 2)
    assert administrator.get("sample/lab/gw-m5").status_code == 404


def test_more_than_a_mutation_holds_is_refused_whole(administrator: httpx.Client) -> None:
    many = [sample(f"gw-much-{number}") for number in range(1_001)]
    told = asked(administrator, MANY, submissions=many)["submitMany"]
    assert told["__typename"] == "TooLarge"
    assert administrator.get("sample/lab/gw-much-0").status_code == 404


def test_the_verbs_of_a_record_are_those_of_rest(administrator: httpx.Client, public: httpx.Client) -> None:
    id = "sample/lab/gw-verbs"
    asked(administrator, SUBMIT, submission=sample("gw-verbs"))

    hidden = done(administrator, f'hide(id: "{id}")', "Hidden")
    assert (hidden["changed"], hidden["record"]) == (True, {"id": id, "status": "private"})
    assert public.get(id).status_code == 404
    assert done(administrator, f'hide(id: "{id}")', "Hidden")["changed"] is False
    assert done(administrator, f'publish(id: "{id}")', "Published")["record"]["status"] == "public"
    assert done(administrator, f'suppress(id: "{id}")', "Suppressed")["record"]["status"] == "suppressed"
    assert done(administrator, f'publish(id: "{id}")', "Published")["changed"] is True

    stale = done(administrator, f'withdraw(id: "{id}", reason: "twice", expectedRevision: 7)', "Withdrawn")
    assert (stale["__typename"], stale["currentRevision"]) == ("Conflict", 1)
    withdrawn = done(administrator, f'withdraw(id: "{id}", reason: "twice", expectedRevision: 1)', "Withdrawn")
    assert (withdrawn["changed"], withdrawn["record"]) == (True, None)
    assert public.get(id).json()["reason"] == "twice"
    assert done(administrator, f'withdraw(id: "{id}", reason: "twice")', "Withdrawn")["__typename"] == "Conflict"
    assert done(administrator, f'restore(id: "{id}")', "Restored")["record"] == {"id": id, "status": "public"}

    assert done(administrator, f'move(id: "{id}", scope: "lab/closed")', "Moved")["changed"] is True
    assert public.get(id).status_code == 404
    assert done(administrator, f'move(id: "{id}", scope: "lab/nowhere")', "Moved")["__typename"] == "NotFound"
    assert done(administrator, f'move(id: "{id}", scope: "lab")', "Moved")["changed"] is True


def test_a_record_is_merged_and_answers_for_itself_again(administrator: httpx.Client, public: httpx.Client) -> None:
    for local_id in ("gw-one", "gw-other"):
        asked(administrator, SUBMIT, submission=sample(local_id))
    merged = done(administrator, 'merge(id: "sample/lab/gw-one", into: "sample/lab/gw-other")', "Merged")
    assert merged["changed"] is True
    assert public.get("sample/lab/gw-one", follow_redirects=False).status_code == 308
    assert done(administrator, 'unmerge(id: "sample/lab/gw-one")', "Unmerged")["changed"] is True
    assert public.get("sample/lab/gw-one", follow_redirects=False).status_code == 200


def test_a_draft_is_published_only_when_it_breaks_nothing(administrator: httpx.Client) -> None:
    draft = {**sample("gw-draft"), "kind": "sample", "status": "DRAFT", "body": {"json": {"title": {"en": 5}}}}
    assert asked(administrator, SUBMIT, submission=draft)["submit"]["record"]["status"] == "draft"
    refused = done(administrator, 'publish(id: "sample/lab/gw-draft")', "Published")
    assert (refused["__typename"], refused["findings"][0]["pointer"]) == ("Invalid", "/title/en")
    asked(administrator, SUBMIT, submission=sample("gw-draft"))
    assert done(administrator, 'publish(id: "sample/lab/gw-draft")', "Published")["record"]["status"] == "public"


def test_what_is_no_id_and_what_is_not_there(administrator: httpx.Client) -> None:
    assert done(administrator, 'hide(id: "sample/lab/gw-never")', "Hidden")["__typename"] == "NotFound"
    assert done(administrator, 'hide(id: "gw-never")', "Hidden")["__typename"] == "Invalid"


def test_what_was_written_is_found_by_who_waits_for_its_position(administrator: httpx.Client) -> None:
    made = asked(administrator, SUBMIT, submission=sample("gw-waited", "Quokka oxide"))["submit"]
    search = """query Found($position: Long!) {
        search(text: "Quokka", waitFor: $position, waitSeconds: 30) { hits { id record { title } } }
    }"""
    (hit,) = asked(administrator, search, position=made["position"])["search"]["hits"]
    assert hit == {"id": "sample/lab/gw-waited", "record": {"title": "Quokka oxide"}}


def test_a_text_that_no_database_keeps_is_refused(administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gw-nul"))
    told = done(administrator, 'withdraw(id: "sample/lab/gw-nul", reason: "a\\u0000b")', "Withdrawn")
    assert (told["__typename"], told["findings"][0]["rule"]) == ("Invalid", "parse")
    assert "NUL" in told["message"]


def test_mutations_of_one_request_are_carried_out_one_after_another(administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gw-order"))
    id = 'id: "sample/lab/gw-order"'
    of = "{ __typename ... on RecordChange { record { status } } ... on Refusal { message } }"
    document = f"mutation {{ a: hide({id}) {of} b: publish({id}) {of} c: hide({id}) {of} d: publish({id}) {of} }}"
    told = asked(administrator, document)
    assert [each["record"]["status"] for each in told.values()] == ["private", "public", "private", "public"]


def test_a_mutation_is_not_sent_by_get(administrator: httpx.Client) -> None:
    asked(administrator, SUBMIT, submission=sample("gw-get"))
    document = 'mutation { hide(id: "sample/lab/gw-get") { __typename } }'
    answer = administrator.get("graphql", params={"query": document})
    [refused] = answer.json()["errors"]
    assert refused["message"] == "GET means nothing to a mutation; there is POST."
    assert administrator.get("sample/lab/gw-get").json()["status"] == "public"


def test_the_example_of_the_documentation_enters_a_record(administrator: httpx.Client) -> None:
    text = (PROJECT / "docs" / "graphql.md").read_text("utf-8")
    found = re.search(r"```graphql\n(mutation Enter.*?)```\n```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    variables = json.loads(found[2].replace("spring8", "lab"))
    told = asked(administrator, found[1], **variables)["submit"]
    assert (told["__typename"], told["outcome"]) == ("Submitted", "CREATED")
    assert told["record"]["title"] == "Cathode material"
