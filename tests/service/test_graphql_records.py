"""Records over GraphQL on a real server: as they are, as they were, and what became of them, told as every surface tells it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import httpx
import pytest

from catalog.questions.cursor import write_cursor
from catalog.questions.question import After, Order
from tests.service.conftest import Served
from tests.service.test_graphql_graph import asked, enter, refused

WHOLE = """
query One($id: ID!, $asOf: String) {
  record(id: $id, asOf: $asOf) {
    __typename id revision title
    ... on Sample { amount { value unit } inMilligrams: amount(in: "mg") { value unit si siUnit kind } }
    derived: outgoing(field: "derivedFrom") { totalCount nodes { id title } edges { to role node { id } } }
  }
}
"""


def submit(client: httpx.Client, id: str, **body: Any) -> dict[str, Any]:
    """A record, or a revision of one."""
    kind, source, local_id = id.split("/")
    record = {"kind": kind, "source": source, "localId": local_id, "scope": "lab", "body": body}
    answer = client.post("records", json=record)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture(scope="module")
def revised(served: Served, administrator: httpx.Client) -> str:
    """A sample of two revisions: before the second it was of another one, and lighter."""
    enter(administrator, "sample/lab/gr-source")
    enter(administrator, "sample/lab/gr-other")
    enter(administrator, "sample/lab/gr-hidden", scope="lab/closed")
    id = "sample/lab/gr-1"
    ends = [{"to": "sample/lab/gr-source", "role": "part"}, "sample/lab/gr-hidden", "https://example.org/stock/1"]
    submit(administrator, id, title={"en": "First"}, amount={"value": 1, "unit": "g"}, derivedFrom=ends)
    submit(
        administrator,
        id,
        title={"en": "Second"},
        amount={"value": 2, "unit": "g"},
        derivedFrom=["sample/lab/gr-other"],
    )
    return id


def test_a_record_is_told_with_its_quantities_in_the_unit_that_is_asked_for(revised: str, public: httpx.Client) -> None:
    told = asked(public, WHOLE, id=revised)["record"]
    assert told == {
        "__typename": "Sample",
        "id": revised,
        "revision": 2,
        "title": "Second",
        "amount": {"value": 2, "unit": "g"},
        "inMilligrams": {"value": 2000, "unit": "mg", "si": 0.002, "siUnit": "kg", "kind": "Mass"},
        "derived": {
            "totalCount": 1,
            "nodes": [{"id": "sample/lab/gr-other", "title": "sample/lab/gr-other"}],
            "edges": [{"to": "sample/lab/gr-other", "role": None, "node": {"id": "sample/lab/gr-other"}}],
        },
    }


def test_a_record_is_told_as_it_was_with_the_links_that_it_had(
    revised: str, public: httpx.Client, administrator: httpx.Client
) -> None:
    listed = public.get(f"revisions/{revised}").json()
    first = min(one["at"] for one in listed["items"])
    told = asked(public, WHOLE, id=revised, asOf=first)["record"]
    assert (told["revision"], told["title"]) == (1, "First")
    assert told["inMilligrams"]["value"] == 1000
    # What is hidden is absent; what lies outside has no record at its end.
    assert told["derived"]["nodes"] == [{"id": "sample/lab/gr-source", "title": "sample/lab/gr-source"}]
    assert [edge["to"] for edge in told["derived"]["edges"]] == ["sample/lab/gr-source", "https://example.org/stock/1"]
    assert told["derived"]["edges"][0] == {
        "to": "sample/lab/gr-source",
        "role": "part",
        "node": {"id": "sample/lab/gr-source"},
    }
    assert told["derived"]["edges"][1]["node"] is None
    whole = asked(administrator, WHOLE, id=revised, asOf=first)["record"]
    assert whole["derived"]["totalCount"] == 3
    assert asked(public, WHOLE, id=revised, asOf="2001-01-01")["record"] is None
    # A position tells how much happens that one may not see.
    error = refused(public, f'{{ record(id: "{revised}", asOf: "position:1") {{ id }} }}')
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    for wrong in ("incoming { totalCount }", "outgoing(orderBy: [{by: id}]) { totalCount }", "turtle"):
        error = refused(public, f'{{ record(id: "{revised}", asOf: "{first}") {{ {wrong} }} }}')
        assert error["extensions"]["code"] == "BAD_USER_INPUT", error


def test_links_of_a_former_revision_are_read_in_pages(revised: str, public: httpx.Client) -> None:
    first = min(one["at"] for one in public.get(f"revisions/{revised}").json()["items"])
    pages = """query($id: ID!, $at: String, $after: String) { sample(id: $id, asOf: $at) {
      derivedFrom(first: 1, after: $after) { edges { to cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    seen, after = [], None
    while True:
        page = asked(public, pages, id=revised, at=first, after=after)["sample"]["derivedFrom"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [edge["to"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["sample/lab/gr-source", "https://example.org/stock/1"]


def test_what_became_of_a_record_is_told_to_who_could_read_it_and_to_nobody_else(
    served: Served, public: httpx.Client, administrator: httpx.Client
) -> None:
    for id, scope in (("sample/lab/gr-gone", "lab"), ("sample/lab/gr-gone-closed", "lab/closed")):
        enter(administrator, id, scope=scope)
        answer = administrator.post(f"withdraw/{id}", json={"reason": "It was another's."})
        assert answer.status_code == 200, answer.text
    error = refused(public, '{ record(id: "sample/lab/gr-gone") { id } }')
    assert error["extensions"]["code"] == "GONE"
    assert error["extensions"]["reason"] == "It was another's."
    assert error["path"] == ["record"]
    for absent in ("sample/lab/gr-gone-closed", "sample/lab/gr-never", "no id at all", "sample/lab/\u200b"):
        assert asked(public, "query($id: ID!) { record(id: $id) { id } }", id=absent)["record"] is None
    for one in ("gr-copy", "gr-original"):
        enter(administrator, f"sample/lab/{one}")
    answer = administrator.post("merge/sample/lab/gr-copy", json={"into": "sample/lab/gr-original"})
    assert answer.status_code == 200, answer.text
    error = refused(public, '{ sample(id: "sample/lab/gr-copy") { id } }')
    assert (error["extensions"]["code"], error["extensions"]["to"]) == ("MOVED", "sample/lab/gr-original")
    told = asked(public, '{ nodes(ids: ["sample/lab/gr-copy", "sample/lab/gr-original", "x"]) { id } }')["nodes"]
    assert told == [None, {"id": "sample/lab/gr-original"}, None]


def test_a_record_of_another_kind_is_none_of_this_one(revised: str, public: httpx.Client) -> None:
    assert asked(public, "query($id: ID!) { dataset(id: $id) { id } sample(id: $id) { id } }", id=revised) == {
        "dataset": None,
        "sample": {"id": revised},
    }


def test_rdf_is_what_the_record_s_address_answers(revised: str, public: httpx.Client) -> None:
    told = asked(public, "query($id: ID!) { record(id: $id) { turtle jsonLd } }", id=revised)["record"]
    assert told["turtle"] == public.get(revised, headers={"Accept": "text/turtle"}).text
    assert told["jsonLd"] == public.get(revised, headers={"Accept": "application/ld+json"}).json()


def test_beside_its_body_a_record_tells_where_it_lies_how_it_came_and_what_one_may(
    revised: str, public: httpx.Client, administrator: httpx.Client
) -> None:
    query = """query($id: ID!) { record(id: $id) { submitted myRights scope { id path { id } }
      entry { number at by } findings { rule } revisions { nodes { number shown by } pageInfo { hasNextPage } }
      files { totalCount } source localId status newest } }"""
    told = asked(public, query, id=revised)["record"]
    rest = public.get(revised).json()
    assert told["submitted"] == rest["body"]
    assert told["myRights"] == ["read", "download"]
    assert told["scope"] == {"id": "lab", "path": [{"id": "lab"}]}
    assert (told["entry"]["number"], told["entry"]["by"], told["findings"]) == (2, None, None)
    assert [(one["number"], one["shown"], one["by"]) for one in told["revisions"]["nodes"]] == [
        (2, True, None),
        (1, False, None),
    ]
    assert told["files"] is None
    inside = asked(administrator, query, id=revised)["record"]
    assert inside["entry"]["by"] == "administrator"
    assert inside["findings"] == []
    assert set(inside["myRights"]) == {"read", "download", "share", "write", "run", "manage"}


def test_what_is_wrong_in_one_field_is_said_there_and_the_others_are_answered(
    revised: str, public: httpx.Client
) -> None:
    query = """query($id: ID!) { wrong: samples(first: 5000) { totalCount } right: record(id: $id) { id } unit: sample(id: $id) {
      amount(in: "no such unit") { value } } }"""
    answer = public.post("graphql", json={"query": query, "variables": {"id": revised}}).json()
    assert answer["data"] == {"wrong": None, "right": {"id": revised}, "unit": None}
    assert {tuple(one["path"]) for one in answer["errors"]} == {("wrong",), ("unit",)}
    assert {one["extensions"]["code"] for one in answer["errors"]} == {"BAD_USER_INPUT"}


def test_directives_and_fragments_choose_what_is_told(revised: str, public: httpx.Client) -> None:
    query = """query($id: ID!, $with: Boolean!, $without: Boolean!) {
      ...Root
      record(id: $id) @skip(if: $without) { ...Named }
    }
    fragment Root on Query { record(id: $id) @skip(if: $without) { id ... @include(if: $with) { revision } } }
    fragment Named on Record { title ... on Sample { kind } ... on Dataset { size } }"""
    told = asked(public, query, id=revised, **{"with": True, "without": False})
    assert told == {"record": {"id": revised, "revision": 2, "title": "Second", "kind": "sample"}}
    told = asked(public, query, id=revised, **{"with": False, "without": False})
    assert told == {"record": {"id": revised, "title": "Second", "kind": "sample"}}
    assert asked(public, query, id=revised, **{"with": True, "without": True}) == {}


def test_a_list_is_read_in_pages_once_and_whole(revised: str, public: httpx.Client) -> None:
    pages = """query($after: String) { samples(where: {id: {prefix: "sample/lab/gr-"}}, orderBy: [{by: title, descending: true}],
      first: 2, after: $after) { totalCount nodes { id title } pageInfo { hasNextPage endCursor } } }"""
    seen: list[dict[str, Any]] = []
    after, total = None, None
    while True:
        page = asked(public, pages, after=after)["samples"]
        seen += page["nodes"]
        total, after = page["totalCount"], page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == total == len({one["id"] for one in seen})
    assert [one["title"] for one in seen] == sorted((one["title"] for one in seen), reverse=True)


def test_below_other_answers_a_record_is_told_under_each_name_as_it_is_asked_for(
    revised: str, public: httpx.Client
) -> None:
    query = """query($id: ID!, $in: String) { lineage(id: $id, direction: UPSTREAM) { nodes {
      one: record { it: id ...More }
      other: record { it: title __typename ... on Sample { amount(in: $in) { value unit } } }
    } } }
    fragment More on Record { outgoing { nodes { it: __typename } } }"""
    nodes = asked(public, query, id=revised, **{"in": "mg"})["lineage"]["nodes"]
    told = {node["one"]["it"]: node for node in nodes}
    assert told[revised] == {
        "one": {"it": revised, "outgoing": {"nodes": [{"it": "Sample"}]}},
        "other": {"it": "Second", "__typename": "Sample", "amount": {"value": 2000, "unit": "mg"}},
    }


def test_no_cursor_among_links_tells_of_hidden_records(
    revised: str, public: httpx.Client, administrator: httpx.Client
) -> None:
    enter(administrator, "sample/lab/gr-unlinked", scope="lab/closed")
    open_, hidden = "sample/lab/gr-between", "sample/lab/gr-hidden"
    submit(administrator, open_, title={"en": "B"}, derivedFrom=["sample/lab/gr-source", hidden, "sample/lab/gr-other"])
    documents = (
        ("derivedFrom", """query($id: ID!, $after: String) { sample(id: $id) {
            derivedFrom(after: $after) { edges { cursor } } } }""", After((), "")),
        ("incoming", """query($id: ID!, $after: String) { sample(id: $id) {
            incoming(after: $after) { edges { cursor } } } }""", After((), "")),
        ("neighbours", """query($id: ID!, $after: String) {
            neighbours(id: $id, first: 1, after: $after) { endCursor } }""", After((1, "derivedFrom", 99), "")),
    )  # fmt: skip
    for name, document, place in documents:
        order = tuple(map(Order, ("direction", "field", "place"))) if place.values else ()
        told = asked(public, document, id=open_)
        told = told[name] if name in told else told["sample"][name]
        for cursor in [told["endCursor"]] if name == "neighbours" else [each["cursor"] for each in told["edges"]]:
            # What stands in it would tell how many links lie between: nobody reads it.
            assert b"derivedFrom" not in urlsafe_b64decode(cursor + "==")
        answers = []
        for end in (hidden, "sample/lab/gr-unlinked", "sample/lab/gr-not-here"):
            made = After(place.values, end if place.values else json.dumps(["derivedFrom", 99, end]))
            made_by_hand = {"id": open_, "after": write_cursor(made, order)}
            answer = public.post("graphql", json={"query": document, "variables": made_by_hand}).json()
            assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            answers.append(answer)
        assert answers[0] == answers[1] == answers[2]
