"""Sources, profiles, scopes and projections looked after over GraphQL, as over REST."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from typing import Any, Final

import httpx

from tests.service.conftest import Served
from tests.service.test_graphql_writes import REFUSAL, SUBMIT, asked, done, sample

SOURCE: Final = (
    REFUSAL
    + """
mutation Register($source: SourceInput!) {
  registerSource(source: $source) {
    ...Refusal
    ... on SourceRegistered { __typename changed source { id version title prefixes zone homeScope } }
  }
}
"""
)
PROFILE: Final = (
    REFUSAL
    + """
mutation Propose($profile: ProfileInput!) {
  proposeProfile(profile: $profile) {
    ...Refusal
    ... on ProfileProposed { __typename profile { id name version kind published schema trial } }
  }
}
"""
)
SCOPE: Final = "scope { id mode dataUntil set { mode dataUntil } may title }"


def test_a_source_is_registered_and_has_a_new_version_when_something_new_is_said(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    id = f"s{secrets.token_hex(4)}"
    source = {"id": id, "title": {"en": "Beamline", "ja": "ビームライン"}, "homeScope": "lab", "zone": None}
    assert asked(public, SOURCE, source=source)["registerSource"]["__typename"] == "Unauthenticated"
    made = asked(administrator, SOURCE, source=source)["registerSource"]
    assert (made["changed"], made["source"]["version"], made["source"]["zone"]) == (True, 1, "UTC")
    assert asked(administrator, SOURCE, source=source)["registerSource"]["changed"] is False
    prefixes = {"panet": "http://purl.org/pan-science/PaNET/"}
    again = asked(administrator, SOURCE, source={**source, "prefixes": prefixes})["registerSource"]
    assert (again["source"]["version"], again["source"]["prefixes"]) == (2, prefixes)
    wrong = asked(administrator, SOURCE, source={**source, "homeScope": "lab/never", "prefixes": {"http": "x"}})
    assert wrong["registerSource"]["__typename"] == "Invalid"
    assert {each["pointer"] for each in wrong["registerSource"]["findings"]} == {"/homeScope", "/prefixes/http"}
    # What was registered can be written for.
    entered = asked(administrator, SUBMIT, submission={**sample("first"), "source": id})["submit"]
    assert entered["id"] == f"sample/{id}/first"


def test_a_profile_is_proposed_tried_and_published(administrator: httpx.Client, public: httpx.Client) -> None:
    name = f"p{secrets.token_hex(4)}"
    profile: dict[str, Any] = {
        "name": name,
        "kind": "sample",
        "title": {"en": "Named"},
        "schema": {"required": ["title"]},
    }
    assert asked(public, PROFILE, profile=profile)["proposeProfile"]["__typename"] == "Unauthenticated"
    made = asked(administrator, PROFILE, profile=profile)["proposeProfile"]
    assert (made["profile"]["id"], made["profile"]["published"]) == (f"{name}@1", None)
    named = {**sample(f"gp-{name}"), "profile": f"{name}@1"}
    assert asked(administrator, SUBMIT, submission=named)["submit"]["__typename"] == "Invalid"
    publish = f'publishProfile(profile: "{name}@1")'
    assert done(public, publish, "ProfilePublished", "profile { id }")["__typename"] == "Unauthenticated"
    published = done(administrator, publish, "ProfilePublished", "profile { published }")
    assert published["profile"]["published"] is not None
    assert asked(administrator, SUBMIT, submission=named)["submit"]["outcome"] == "CREATED"

    narrower = {**profile, "schema": {"required": ["title", "formula"]}}
    second = asked(administrator, PROFILE, profile=narrower)["proposeProfile"]
    assert second["profile"]["trial"]["broken"] == 1
    tried = done(administrator, f'tryProfile(profile: "{name}@2")', "ProfileTried", "profile { trial }")
    assert tried["profile"]["trial"]["broken"] == 1
    # It broke a record, and that must be meant.
    publish = f'publishProfile(profile: "{name}@2")'
    assert done(administrator, publish, "ProfilePublished", "profile { id }")["__typename"] == "Conflict"
    meant = done(administrator, publish.replace(")", ", despiteBroken: true)"), "ProfilePublished", "profile { id }")
    assert meant["profile"]["id"] == f"{name}@2"
    assert (
        done(administrator, 'tryProfile(profile: "never@1")', "ProfileTried", "profile { id }")["__typename"]
        == "NotFound"
    )
    wrong = asked(administrator, PROFILE, profile={**profile, "kind": "never"})["proposeProfile"]
    assert wrong["__typename"] == "Invalid"


def test_a_scope_is_made_and_changed_by_what_is_said_of_it(administrator: httpx.Client, public: httpx.Client) -> None:
    id = f"lab/n{secrets.token_hex(4)}"
    make = f'makeScope(id: "{id}", settings: {{title: {{en: "Mine", ja: "私の"}}, mode: "limited", dataUntil: "2099-04-01"}})'
    assert done(public, make, "ScopeMade", SCOPE)["__typename"] == "Unauthenticated"
    made = done(administrator, make, "ScopeMade", SCOPE)["scope"]
    assert (made["mode"], made["title"], made["set"]["mode"]) == ("limited", "Mine", "limited")
    assert made["dataUntil"].startswith("2099-0")
    assert "manage" in made["may"]
    assert done(administrator, make, "ScopeMade", SCOPE)["__typename"] == "Conflict"
    asked(administrator, SUBMIT, submission=sample(f"gn-{id[5:]}", scope=id))
    assert public.get(f"sample/lab/gn-{id[5:]}").status_code == 404

    # Only what is said is changed, and null leaves it to the scope above.
    opened = done(administrator, f'changeScope(id: "{id}", settings: {{mode: "everyone"}})', "ScopeChanged", SCOPE)[
        "scope"
    ]
    assert (opened["mode"], opened["title"], opened["dataUntil"]) == ("everyone", "Mine", made["dataUntil"])
    assert public.get(f"sample/lab/gn-{id[5:]}").status_code == 200
    left = done(
        administrator, f'changeScope(id: "{id}", settings: {{dataUntil: null, title: null}})', "ScopeChanged", SCOPE
    )
    assert (left["scope"]["set"]["dataUntil"], left["scope"]["title"]) == (None, None)
    wrong = done(administrator, f'changeScope(id: "{id}", settings: {{mode: "nobody"}})', "ScopeChanged", SCOPE)
    assert wrong["__typename"] == "Invalid"
    never = done(administrator, 'changeScope(id: "lab/never", settings: {})', "ScopeChanged", SCOPE)
    assert never["__typename"] == "NotFound"


def test_projections_are_looked_after_by_administrators(administrator: httpx.Client, public: httpx.Client) -> None:
    retry = "retryFailures(projection: SEARCH)"
    assert done(public, retry, "FailuresRetried", "records")["__typename"] == "Unauthenticated"
    # Other tests of this server may have left one that failed.
    told = administrator.post("graphql", json={"query": "{ failures(projection: SEARCH) { nodes { record } } }"}).json()
    failed = len(told["data"]["failures"]["nodes"])
    assert done(administrator, retry, "FailuresRetried", "records")["records"] <= failed
    one = 'retryFailures(projection: GRAPH, record: "sample/lab/never")'
    assert done(administrator, one, "FailuresRetried", "records")["__typename"] == "NotFound"
    waive = 'waiveFailure(projection: GRAPH, record: "sample/lab/never", reason: "Its source mends it")'
    assert done(administrator, waive, "FailureWaived", "failure { record }")["__typename"] == "NotFound"
    verify = done(administrator, "verifyProjection(projection: SEARCH)", "VerificationAsked", "askedAt")
    assert verify["askedAt"]


def test_a_failed_record_is_waived_and_tried_again(served: Served, administrator: httpx.Client) -> None:
    id = asked(administrator, SUBMIT, submission=sample("gp-failed"))["submit"]["id"]
    with closing(sqlite3.connect(served.data / "catalog.sqlite", timeout=60)) as database, database:
        database.execute(
            "INSERT INTO failure (name, record, revision, position, attempts, error, first_at, last_at, next_at)"
            " SELECT 'search', key, 1, 1, 2, 'no reason', '2026', '2026', '2999' FROM node WHERE id = ?",
            (id,),
        )
    waive = f'waiveFailure(projection: SEARCH, record: "{id}", reason: "Its source mends it")'
    waived = done(administrator, waive, "FailureWaived", "failure { record error attempts waived { reason by } }")
    assert waived["failure"] == {
        "record": id,
        "error": "no reason",
        "attempts": 2,
        "waived": {"reason": "Its source mends it", "by": "administrator"},
    }
    empty = done(administrator, waive.replace("Its source mends it", ""), "FailureWaived", "failure { record }")
    assert empty["__typename"] == "Invalid"
    retry = f'retryFailures(projection: SEARCH, record: "{id}")'
    assert done(administrator, retry, "FailuresRetried", "records")["records"] == 1


def test_a_record_is_expunged_with_the_code_that_the_keeper_reads(served: Served, administrator: httpx.Client) -> None:
    id = asked(administrator, SUBMIT, submission=sample("gx-expunged"))["submit"]["id"]
    asked_for = done(
        administrator, f'requestExpunge(id: "{id}", reason: "Personal data")', "ExpungeAsked", "request codeFile"
    )
    code = (served.data / asked_for["codeFile"]).read_text("utf-8").strip()
    call = f'expunge(id: "{id}", request: "{asked_for["request"]}", code: "%s")'
    wrong = done(administrator, call % "wrong", "Expunged")
    assert wrong["__typename"] in ("Forbidden", "NotFound", "Conflict")
    done_ = done(administrator, call % code, "Expunged")
    assert (done_["__typename"], done_["changed"], done_["record"]) == ("Expunged", True, None)
    assert administrator.get(id).status_code == 410
