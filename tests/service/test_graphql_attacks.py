"""Queries that mean harm: each is refused by its own limit or answered in bounds, and others are answered meanwhile.

The last part tries what `graphql-cop` looks for, finding by finding. (What PyPI has under that name is empty.)
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from tests.service.conftest import Served, prepare, start, stop
from tests.service.test_bad_input import memory

RESPONSE: Final = "application/graphql-response+json"


def post(client: httpx.Client, query: str, variables: Any = None, **more: Any) -> httpx.Response:
    document = {"query": query, "variables": variables, **more}
    return client.post("graphql", json=document, headers={"Accept": RESPONSE})


def nested(levels: int, field: str, within: str) -> str:
    return f"{field} {{ " * levels + within + " }" * levels


DOUBLING: Final = "".join(
    f"fragment f{n} on Dataset {{ x{n}: derivedFrom {{ nodes {{ ... on Dataset {{ ...f{n + 1} ...f{n + 1} }} }} }} }} "
    for n in range(30)
)


@dataclass(frozen=True)
class Attack:
    """A query, its variables, and how it is refused: by which limit, or with which words."""

    query: str
    limit: str = ""
    words: str = ""
    variables: Any = None


ATTACKS: Final[dict[str, Attack]] = {
    "thousands of aliases": Attack("{ " + " ".join(f"a{n}: __typename" for n in range(1_500)) + " }", "aliases"),
    "thousands of aliases of a list": Attack(
        "{ datasets { nodes { " + " ".join(f"a{n}: title" for n in range(1_500)) + " } } }", "aliases"
    ),
    "aliases of whole lists": Attack("{ " + " ".join(f"a{n}: datasets(first: 1000) {{ nodes {{ id }} }}" for n in range(45)) + " a45: datasets(first: 1000) { edges { node { id incoming(first: 1000) { nodes { id } } } } } }", words="costs"),
    "a flood of __typename": Attack("{ " + "__typename " * 4_000 + "}", "repeats"),
    "a flood of __typename in a list": Attack("{ datasets { nodes { " + "__typename " * 4_000 + "} } }", "repeats"),
    "a ring of fragments": Attack(
        "{ datasets { nodes { ...a } } } fragment a on Dataset { id ...b } fragment b on Dataset { title ...a }",
        words="within itself",
    ),
    "a fragment that holds itself": Attack("{ ...a } fragment a on Query { ...a }", words="within itself"),
    "fragments that double each other": Attack(
        "{ datasets { nodes { ...f0 } } } " + DOUBLING + "fragment f30 on Dataset { id }", "depth"
    ),
    "fragments that are not used": Attack(
        "{ __typename } " + "".join(f"fragment f{n} on Query {{ __typename }} " for n in range(400)), "fragments"
    ),
    "introspection without a floor": Attack(
        "{ __schema { types { " + nested(7, "fields { type", "name") .replace(" }" * 7, " } }" * 7) + " } } }",
        words="introspection depth",
    ),
    "introspection many times": Attack(
        "{ " + " ".join(f"a{n}: __schema {{ types {{ name fields {{ name }} }} }}" for n in range(50)) + " }", "schemas"
    ),
    "a depth of fields": Attack("{ " + nested(30, "datasets { nodes { derivedFrom", "nodes { id }").replace(" }" * 30, " } } }" * 30) + " }", "depth"),
    "a depth that no parser goes": Attack("{ " + nested(20_000, "a", "b") + " }", words=""),
    "a list without a floor": Attack("{ datasets(where: " + "[" * 4_000 + "]" * 4_000 + ") { totalCount } }", words=""),
    "many pages in pages": Attack(
        "{ records(first: 1000) { nodes { incoming(first: 1000) { nodes { outgoing(first: 1000) { nodes { id } } } } } } }",
        words="costs",
    ),
    "pages in pages by variables": Attack(
        "query($n: Int!) { records(first: $n) { nodes { incoming(first: $n) { nodes { id } } } } }",
        words="costs",
        variables={"n": 1_000},
    ),
    "a flood of directives": Attack("{ __typename " + "@include(if: true) " * 500 + "}", "directives_at"),
    "a flood of unknown directives": Attack("{ __typename " + "@aa" * 1_000 + " }", "directives_at"),
    "directives everywhere": Attack(
        "{ datasets { nodes { " + " ".join(f"... on Dataset @include(if: true) @skip(if: false) {{ a{n}: id }}" for n in range(90)) + " } } }",
        "directives",
    ),
    "many operations": Attack("".join(f"query q{n} {{ __typename }} " for n in range(1_000)), "operations"),
    "the same field again and again": Attack("{ datasets { " + "nodes { id } " * 500 + "} }", "repeats"),
    "tokens without end": Attack("{ nodes(ids: [" + '"a" ' * 20_000 + "]) { id } }", "tokens"),
    "a text of a megabyte": Attack('{ node(id: "' + "x" * 2**20 + '") { id } }', "characters"),
    "comments without end": Attack("#\n" * 30_000 + "{ __typename }", "comments"),
    "huge variables": Attack(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", "values", variables={"ids": ["dataset/lab/x"] * 60_000}
    ),
    "variables of more bytes than any": Attack(
        "query($id: ID!) { node(id: $id) { id } }", "variables", variables={"id": "x" * (2**20 + 10)}
    ),
    "variables that nobody wants": Attack("{ __typename }", "values", variables={"x": list(range(50_000))}),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_what_it_is(public: httpx.Client, name: str) -> None:
    attack = ATTACKS[name]
    answer = post(public, attack.query, attack.variables)
    assert answer.status_code == 400, answer.text[:1000]
    told = answer.json()
    assert "data" not in told
    assert len(told["errors"]) <= 21
    assert len(answer.content) < 50_000
    failures = told["errors"]
    if attack.limit:
        assert failures[0]["extensions"]["code"] == "COST_LIMIT"
        assert failures[0]["extensions"]["limit"] == attack.limit
        assert failures[0]["extensions"]["found"] > failures[0]["extensions"]["most"]
    assert any(attack.words in failure["message"] for failure in failures), failures
    if attack.words == "costs":
        cost, limit = failures[0]["extensions"]["cost"], failures[0]["extensions"]["limit"]
        assert cost > limit
        assert str(cost) in failures[0]["message"]
        assert str(limit) in failures[0]["message"]


def test_conditions_in_conditions_are_bounded(public: httpx.Client) -> None:
    deep: Any = {"id": {"eq": "x"}}
    for _ in range(25):
        deep = {"not": deep}
    query = "query($where: DatasetFilter) { datasets(where: $where) { totalCount } }"
    for where in (deep, {"or": [{"title": {"eq": "x"}}] * 6_000}, {"and": [{"or": []}] * 9_000}):
        answer = post(public, query, {"where": where})
        assert answer.status_code in (200, 294, 400), answer.text[:500]
        if answer.status_code != 200:
            codes = {failure["extensions"]["code"] for failure in answer.json()["errors"]}
            assert codes <= {"BAD_USER_INPUT", "COST_LIMIT", "TIMEOUT"}, answer.text[:500]


def test_a_body_beyond_all_bounds_is_not_read_to_its_end(public: httpx.Client, served: Served) -> None:
    before = memory(served)
    body = b'{"query":"' + b"x" * (40 * 2**20) + b'"}'
    answer = public.post("graphql", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413, answer.text[:300]
    assert memory(served) < before + 100


# --- what is slow


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A catalogue of datasets that are each derived from each other: a condition five links away takes for ever."""
    data = tmp_path_factory.mktemp("dense") / "data"
    data.mkdir()
    (data / "settings.toml").write_text("graphql_seconds = 2\n")
    running = start(data)
    try:
        prepare(running)
        ids = [f"dataset/lab/d{number:03}" for number in range(60)]
        records = [
            {
                "kind": "dataset",
                "source": "lab",
                "localId": id.rpartition("/")[2],
                "body": {"title": {"en": id}, "derivedFrom": [other for other in ids if other != id]},
            }
            for id in ids
        ]
        with running.client(**running.as_administrator) as administrator:
            loaded = administrator.post("records", json=records)
            assert loaded.status_code == 200, loaded.text[-500:]
            assert administrator.get("records?kind=dataset&count=exact&limit=1").json()["total"] == 60
        yield running
    finally:
        stop(running)


def far_away(number: int, links: int = 6) -> str:
    """Datasets that are derived from one that is derived … from one that is not there."""
    where = f'{{title: {{eq: "none {number}"}}}}'
    for _ in range(links):
        where = f"{{derivedFrom: {{some: {{where: {where}}}}}}}"
    return f"query Q{number} {{ datasets(where: {where}) {{ totalCount nodes {{ id }} }} }}"


def test_a_statement_that_takes_too_long_is_stopped_and_told_so(dense: Served) -> None:
    with dense.client() as client:
        began = time.monotonic()
        answer = post(client, far_away(0))
        assert time.monotonic() - began < 60
        failures = answer.json()["errors"]
        assert {failure["extensions"]["code"] for failure in failures} == {"TIMEOUT"}
        japanese = client.post(
            "graphql", json={"query": far_away(0)}, headers={"Accept": RESPONSE, "Accept-Language": "ja"}
        )
        assert "秒" in japanese.json()["errors"][0]["message"]


def test_a_hundred_hostile_queries_at_once_leave_others_answered(dense: Served) -> None:
    """Slow statements, long texts and floods side by side: none of them takes all the threads."""
    hostile = [far_away(number) for number in range(60)]
    hostile += [
        "{ datasets(where: {or: ["
        + ",".join(f'{{title: {{eq: "{number} {each}"}}}}' for each in range(500))
        + "]}) { totalCount } }"
        for number in range(20)
    ]
    hostile += [attack.query for attack in list(ATTACKS.values())[:20]]
    assert len(hostile) == 100

    def ask(query: str) -> int:
        with httpx.Client(base_url=dense.address, timeout=600) as client:
            return post(client, query).status_code

    with ThreadPoolExecutor(100) as crowd, httpx.Client(base_url=dense.address, timeout=60) as other:
        under_way = [crowd.submit(ask, query) for query in hostile]
        answered = 0
        while not all(each.done() for each in under_way):
            assert other.get("health").status_code == 200
            simple = post(other, '{ dataset(id: "dataset/lab/d000") { id title } }')
            assert simple.json()["data"] == {"dataset": {"id": "dataset/lab/d000", "title": "dataset/lab/d000"}}
            answered += 1
        statuses = {each.result() for each in under_way}
    # Stopped, refused, or told to come again.
    assert statuses <= {200, 294, 400, 503}
    assert 400 in statuses
    assert answered >= 5


# --- what graphql-cop looks for


def test_findings_of_an_auditor_that_would_be_faults_are_none(public: httpx.Client) -> None:
    """Each of its findings of high or middle severity, in its own size."""

    def passes(query: str) -> bool:
        return "data" in post(public, query).json()

    assert not passes("query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }")
    assert not passes("query cop { " + "__typename " * 500 + "}")
    directives = post(public, "query cop { __typename " + "@aa" * 10 + " }").json()
    assert len(directives["errors"]) == 1
    circular = "query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }"
    assert not passes(circular)
    assert not passes("query cop { ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
    batch = public.post("graphql", json=[{"query": "query cop { __typename }"}] * 10)
    assert batch.status_code == 400
    # Changes by GET, and by a form that any page may send.
    assert public.get("graphql", params={"query": "mutation cop { __typename }"}).status_code == 405
    assert public.post("graphql", data={"query": "query cop { __typename }"}).status_code == 415
    assert public.post("graphql", data={"query": "mutation cop { __typename }"}).status_code == 415
    # Traces, and errors with what the software is made of.
    told = post(public, "query cop { __typename }").json()
    assert set(told["extensions"]) == {"cost"}
    broken = json.dumps(post(public, "qwerty cop { abc }").json())
    for word in ("Traceback", "exception", ".py", "sqlite", "stacktrace"):
        assert word not in broken


def test_findings_of_an_auditor_that_are_meant_so(public: httpx.Client) -> None:
    """What it tells as information: each has its reason here, and this test fails when one is no longer so."""
    # Introspection and suggestions: the schema is the same for everybody, published, and names nothing of anybody's.
    assert "data" in post(public, "query cop { __schema { types { name } } }").json()
    assert "Did you mean" in post(public, "query cop { datasetz { totalCount } }").text
    # Queries by GET, which caches and links need; they change nothing.
    assert public.get("graphql", params={"query": "query cop { __typename }"}).status_code == 200
    # A page to ask on, of our own, which asks with the rights of whoever opened it.
    page = public.get("graphql", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "graphiql" not in page.text.lower()
