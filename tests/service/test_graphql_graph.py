"""Graph questions and the feed over GraphQL: what hangs together, and what happens, as far as each asker may know."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest

from tests.service.conftest import Served

LINEAGE: Final = """
query Results($id: ID!, $module: ID!, $version: String!) {
  lineage(id: $id, direction: DOWNSTREAM, kinds: ["dataset"],
          runs: {plans: {some: {to: [$module]}}, planVersion: {eq: $version}}) {
    complete
    nodes { distance record { id title ... on Dataset { generatedBy { nodes { id ... on Run { planVersion } } } } } }
    edges { from to field port origin result }
  }
}
"""


def asked(client: httpx.Client, document: str, **variables: Any) -> Any:
    """The data of an answer without errors."""
    answer = client.post("graphql", json={"query": document, "variables": variables})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert "errors" not in told, told
    return told["data"]


def refused(client: httpx.Client, document: str) -> Any:
    """The one error of an answer."""
    (error,) = client.post("graphql", json={"query": document}).json()["errors"]
    return error


def enter(client: httpx.Client, id: str, **body: Any) -> None:
    kind, source, local_id = id.split("/")
    scope = body.pop("scope", "lab")
    record = {
        "kind": kind,
        "source": source,
        "localId": local_id,
        "scope": scope,
        "body": {"title": {"en": id}, **body},
    }
    answer = client.post("records", json=record)
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture(scope="module")
def analysed(served: Served, administrator: httpx.Client) -> Served:
    """Raw data that two versions of a module made results of, one of which is hidden."""
    enter(administrator, "dataset/lab/gg-raw")
    enter(administrator, "module/lab/gg-caller")
    for version, scope in (("1", "lab"), ("2", "lab"), ("3", "lab/closed")):
        run, result = f"run/lab/gg-{version}", f"dataset/lab/gg-{version}"
        plan = {"plans": ["module/lab/gg-caller"], "planVersion": version}
        inputs = [{"to": "dataset/lab/gg-raw", "role": "sample", "port": "reads"}]
        enter(administrator, run, **plan, inputs=inputs, outputs=[result])
        enter(administrator, result, derivedFrom=["dataset/lab/gg-raw"], generatedBy=[run], scope=scope)
    return served


def test_it_is_told_which_results_came_of_data_with_one_version_of_a_module(
    analysed: Served, public: httpx.Client, administrator: httpx.Client
) -> None:
    variables = {"id": "dataset/lab/gg-raw", "module": "module/lab/gg-caller"}
    told = asked(public, LINEAGE, **variables, version="1")["lineage"]
    assert told["complete"]
    raw, result = told["nodes"]
    assert (raw["distance"], raw["record"]["id"]) == (0, "dataset/lab/gg-raw")
    made = {"nodes": [{"id": "run/lab/gg-1", "planVersion": "1"}]}
    title = "dataset/lab/gg-1"
    assert result == {"distance": 2, "record": {"id": "dataset/lab/gg-1", "title": title, "generatedBy": made}}
    assert {
        "from": "run/lab/gg-1",
        "to": "dataset/lab/gg-raw",
        "field": "inputs",
        "port": "reads",
        "origin": "dataset/lab/gg-raw",
        "result": "run/lab/gg-1",
    } in told["edges"]
    for client, count in ((public, 1), (administrator, 2)):
        assert len(asked(client, LINEAGE, **variables, version="3")["lineage"]["nodes"]) == count


def test_a_lineage_says_where_it_stopped_and_under_several_names_tells_each(
    analysed: Served, public: httpx.Client
) -> None:
    told = asked(
        public,
        """{ up: lineage(id: "dataset/lab/gg-1", depth: 1) { stopped nodes { id kind record { id } } }
             down: lineage(id: "dataset/lab/gg-raw", direction: DOWNSTREAM, first: 3) { stopped nodes { id one: record { kind } two: record { title } } } }""",
    )
    assert {node["id"] for node in told["up"]["nodes"]} == {"dataset/lab/gg-1", "run/lab/gg-1", "dataset/lab/gg-raw"}
    assert told["up"]["stopped"] is None
    assert (len(told["down"]["nodes"]), told["down"]["stopped"]) == (3, "NODES")
    assert {"kind": "dataset"} in [node["one"] for node in told["down"]["nodes"]]
    assert all(node["two"] == {"title": node["id"]} for node in told["down"]["nodes"])


def test_a_way_and_the_neighbours_are_told_with_their_links(analysed: Served, public: httpx.Client) -> None:
    told = asked(
        public,
        """{ path(from: "dataset/lab/gg-1", to: "dataset/lab/gg-2", first: 5, fields: ["inputs", "outputs"]) {
               length complete paths { nodes { distance record { id } } edges { from field to } } }
             none: path(from: "dataset/lab/gg-1", to: "dataset/lab/gg-2", fields: ["versionOf"]) { length paths { nodes { id } } complete } }""",
    )
    (path,) = told["path"]["paths"]
    assert told["path"]["length"] == 4
    ids = ["dataset/lab/gg-1", "run/lab/gg-1", "dataset/lab/gg-raw", "run/lab/gg-2", "dataset/lab/gg-2"]
    assert [node["record"]["id"] for node in path["nodes"]] == ids
    assert path["edges"][1] == {"from": "run/lab/gg-1", "field": "inputs", "to": "dataset/lab/gg-raw"}
    assert told["none"] == {"length": None, "paths": [], "complete": True}
    found, after = [], None
    while True:
        page = asked(
            public,
            """query Page($after: String) { neighbours(id: "dataset/lab/gg-1", first: 1, after: $after) {
                 hasNextPage endCursor nodes { direction field id record { __typename } } } }""",
            after=after,
        )["neighbours"]
        found += [(one["direction"], one["field"], one["id"], one["record"]["__typename"]) for one in page["nodes"]]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            break
    assert found == [
        ("OUT", "derivedFrom", "dataset/lab/gg-raw", "Dataset"),
        ("OUT", "generatedBy", "run/lab/gg-1", "Run"),
        ("IN", "outputs", "run/lab/gg-1", "Run"),
    ]


def test_what_cannot_be_asked_of_the_graph_is_refused_by_its_code(
    analysed: Served, public: httpx.Client, administrator: httpx.Client
) -> None:
    for wrong, code in (
        ('lineage(id: "dataset/lab/gg-3") { complete }', "NOT_FOUND"),
        ('lineage(id: "dataset/lab/gg-never") { complete }', "NOT_FOUND"),
        ('lineage(id: "dataset/lab/gg-1", depth: 0) { complete }', "BAD_USER_INPUT"),
        ('lineage(id: "dataset/lab/gg-1", fields: ["contributors"]) { complete }', "BAD_USER_INPUT"),
        ('lineage(id: "dataset/lab/gg-1", kinds: ["datset"]) { complete }', "BAD_USER_INPUT"),
        ('neighbours(id: "dataset/lab/gg-1", after: "x") { endCursor }', "BAD_USER_INPUT"),
        ('changes(since: "x") { next }', "BAD_USER_INPUT"),
        ("changes(first: 0) { next }", "BAD_USER_INPUT"),
    ):
        assert refused(public, f"{{ {wrong} }}")["extensions"]["code"] == code, wrong
    enter(administrator, "dataset/lab/gg-old")
    assert administrator.post("merge/dataset/lab/gg-old", json={"into": "dataset/lab/gg-1"}).status_code == 200
    error = refused(public, '{ lineage(id: "dataset/lab/gg-old") { complete } }')
    assert (error["extensions"]["code"], error["extensions"]["to"]) == ("MOVED", "dataset/lab/gg-1")


# --- the feed

CHANGES: Final = """
query Changes($since: String, $where: RecordFilter, $kinds: [String!], $leaving: Boolean = false) {
  changes(since: $since, where: $where, kinds: $kinds, leaving: $leaving) {
    next more nodes { token what id revision reason into record { id kind } }
  }
}
"""


def now(client: httpx.Client) -> str:
    """Where the feed has come to."""
    since = None
    while True:
        page = asked(
            client, "query Now($since: String) { changes(since: $since, first: 1000) { next more } }", since=since
        )
        since = page["changes"]["next"]
        if not page["changes"]["more"]:
            return str(since)


def test_only_changes_are_told_that_a_filter_chooses_and_what_goes_in_any_case(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    since = now(public)
    enter(administrator, "sample/lab/gg-a", tissue="leaf")
    enter(administrator, "sample/lab/gg-b", tissue="root")
    enter(administrator, "dataset/lab/gg-c")
    enter(administrator, "sample/lab/gg-d", scope="lab/closed")
    only = {"where": {"id": {"eq": "sample/lab/gg-a"}}}
    told = asked(public, CHANGES, since=since, **only)["changes"]
    assert [(each["what"], each["record"]["id"]) for each in told["nodes"]] == [("CHANGED", "sample/lab/gg-a")]
    kinds = asked(public, CHANGES, since=since, kinds=["sample"])["changes"]["nodes"]
    assert [each["id"] for each in kinds] == ["sample/lab/gg-a", "sample/lab/gg-b"]
    left = asked(public, CHANGES, since=since, kinds=["sample"], **only, leaving=True)["changes"]["nodes"]
    assert [(each["what"], each["id"]) for each in left] == [
        ("CHANGED", "sample/lab/gg-a"),
        ("LEFT", "sample/lab/gg-b"),
    ]
    then = told["next"]
    assert asked(public, CHANGES, since=then, **only)["changes"]["nodes"] == []
    for id in ("sample/lab/gg-a", "sample/lab/gg-b", "sample/lab/gg-d"):
        assert administrator.post(f"withdraw/{id}", json={"reason": "a mistake"}).status_code == 200
    gone = asked(public, CHANGES, since=then, **only)["changes"]["nodes"]
    # Whether it met the filter can't be known any more; whoever holds it is to forget it.
    assert [(each["what"], each["id"], each["reason"], each["record"]) for each in gone] == [
        ("GONE", "sample/lab/gg-a", "a mistake", None),
        ("GONE", "sample/lab/gg-b", "a mistake", None),
    ]
    # The tokens are those of the feed over REST.
    assert "gg-a" in public.get("changes", params={"since": since}, headers={"Accept": "application/x-ndjson"}).text


@contextmanager
def listening(client: httpx.Client, document: str) -> Iterator[Callable[[], Any]]:
    """A subscription that is kept up; what it is told next, waited for."""
    headers = {"Accept": "text/event-stream"}
    with client.stream("POST", "graphql", json={"query": document}, headers=headers) as stream:
        lines = stream.iter_lines()
        next(lines)  # it has begun

        def told() -> Any:
            line = next(line for line in lines if line.startswith("data: "))
            answer = json.loads(line.removeprefix("data: "))
            assert "errors" not in answer, answer
            return answer["data"]["changes"]

        yield told


@pytest.fixture
def listener(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def test_who_listens_is_told_what_is_chosen_as_it_happens_and_what_goes(
    administrator: httpx.Client, listener: httpx.Client
) -> None:
    enter(administrator, "sample/lab/gg-l0")
    document = """subscription { changes(kinds: ["sample"], where: {localId: {prefix: "gg-l"}}) {
      token what id record { id title } } }"""
    with listening(listener, document) as then:
        enter(administrator, "sample/lab/gg-other")
        enter(administrator, "sample/lab/gg-l1", scope="lab/closed")
        enter(administrator, "sample/lab/gg-l2")
        told = then()
        assert (told["what"], told["record"]) == ("CHANGED", {"id": "sample/lab/gg-l2", "title": "sample/lab/gg-l2"})
        assert administrator.post("hide/sample/lab/gg-l2").status_code == 200
        gone = then()
        assert (gone["what"], gone["id"], gone["record"]) == ("GONE", "sample/lab/gg-l2", None)
        enter(administrator, "sample/lab/gg-l3")
        assert then()["id"] == "sample/lab/gg-l3"
    # It is taken up again where it was left; what happened meanwhile is told as it is now.
    with listening(listener, document.replace("changes(", f'changes(since: "{told["token"]}", ')) as then:
        assert [then()["what"], then()["id"]] == ["GONE", "sample/lab/gg-l3"]


def test_a_subscription_that_cannot_be_asked_is_refused_before_it_begins(listener: httpx.Client) -> None:
    headers = {"Accept": "text/event-stream"}
    for wrong in ('changes(since: "x") { id }', 'changes(kinds: ["sampel"]) { id }'):
        answer = listener.post("graphql", json={"query": f"subscription {{ {wrong} }}"}, headers=headers)
        (line,) = [line for line in answer.text.splitlines() if line.startswith("data: ")]
        assert json.loads(line.removeprefix("data: "))["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
