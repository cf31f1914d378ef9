"""GraphQL searches as the REST API does, tells how the catalogue is used, and what else there is: all as far as the asker may see."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from tests.conftest import PROJECT
from tests.service.conftest import Served

SAMPLES: list[dict[str, Any]] = [
    {"localId": "gql/cathode", "body": {"title": {"en": "Vesuvianite cathode sheet", "ja": "ベスブ石の正極シート"}, "sampleType": "solid", "amount": {"value": 2, "unit": "mg"}, "collectedAt": "2025-03-04", "identifiers": [{"scheme": "doi", "value": "10.5072/gql-1"}], "attributes": [{"name": "gql coating", "value": "Rh"}]}},
    {"localId": "gql/powder", "body": {"title": {"en": "Vesuvianite powder"}, "sampleType": "powder", "amount": {"value": 6, "unit": "mg"}, "collectedAt": "2025-05-04", "attributes": [{"name": "gql coating", "value": "Pt"}, {"name": "gql thickness", "quantity": {"value": 2, "unit": "um"}}]}},
    {"localId": "gql/melt", "body": {"title": {"ja": "ベスブ石の融液"}, "description": {"en": "Vesuvianite, molten"}, "sampleType": "powder", "amount": {"value": 0.00001, "unit": "kg"}, "collectedAt": "2026-05-04", "derivedFrom": ["sample/lab/gql/closed", "sample/lab/gql/powder"]}},
    {"localId": "gql/closed", "scope": "lab/closed", "body": {"title": {"en": "Vesuvianite of the closed room"}, "sampleType": "gql-secret", "amount": {"value": 900, "unit": "g"}, "collectedAt": "1955-01-01", "attributes": [{"name": "gql secret", "value": "x"}, {"name": "gql thickness", "quantity": {"value": 5, "unit": "m"}}]}},
]  # fmt: skip
HITS = "hits { id } totalCount totalIsExact"
DOCUMENTED = re.findall(r"```graphql\n(.*?)```", (PROJECT / "docs" / "graphql.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def position(administrator: httpx.Client) -> Iterator[int]:
    """The samples that are searched for, as long as they are; the position at which all of them were written."""
    for sample in SAMPLES:
        made = administrator.post("records", json={"kind": "sample", "source": "lab", **sample})
        assert made.status_code in (200, 201), made.text
        if administrator.get(made.json()["id"]).status_code == 410:
            assert administrator.post(f"restore/{made.json()['id']}").status_code == 200
    newest = {
        "kind": "sample",
        "source": "lab",
        "localId": f"gql-newest/{uuid.uuid4()}",
        "body": {"title": {"en": "Newest"}},
    }
    last = int(administrator.post("records", json=newest).json()["position"])
    found = ask(administrator, "query($last: Long) { search(waitFor: $last, waitSeconds: 30) { position } }", last=last)
    assert found["search"]["position"] >= last
    yield last
    for sample in SAMPLES:
        administrator.post(f"withdraw/sample/lab/{sample['localId']}", json={"reason": "A test ended."})


def post(client: httpx.Client, query: str, language: str = "en", **variables: Any) -> dict[str, Any]:
    answer = client.post(
        "graphql", json={"query": query, "variables": variables}, headers={"Accept-Language": language}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ask(client: httpx.Client, query: str, language: str = "en", **variables: Any) -> dict[str, Any]:
    told = post(client, query, language, **variables)
    assert "errors" not in told, told["errors"]
    data: dict[str, Any] = told["data"]
    return data


def refused(client: httpx.Client, query: str, **variables: Any) -> tuple[str, str]:
    (error,) = post(client, query, **variables)["errors"]
    return error["extensions"]["code"], error["message"]


def found(client: httpx.Client, arguments: str) -> set[str]:
    told = ask(client, f"{{ search({arguments}) {{ {HITS} }} }}")["search"]
    assert told["totalIsExact"]
    ids = {hit["id"].removeprefix("sample/lab/gql/") for hit in told["hits"]}
    assert told["totalCount"] == len(ids)
    return ids


# --- search


def test_a_hit_tells_its_record_its_title_where_and_why(public: httpx.Client, administrator: httpx.Client) -> None:
    query = """query($text: String!) { search(text: $text, kinds: ["sample"]) { hits {
        id kind title score ja: title(language: "ja")
        highlights { field language pieces { text marked } }
        reasons { what field said term }
        record { __typename id name: title(language: "ja") ... on Sample { sampleType amount { inGrams: si unit } } }
    } } }"""
    (hit,) = ask(public, query, text="vesuvianite cathode")["search"]["hits"]
    assert (hit["id"], hit["kind"], hit["title"]) == (
        "sample/lab/gql/cathode",
        "sample",
        "Vesuvianite cathode sheet",
    )
    assert hit["ja"] == "ベスブ石の正極シート"
    assert hit["score"] is None
    assert ask(administrator, query, text="vesuvianite cathode")["search"]["hits"][0]["score"] > 0
    marked = {piece["text"].lower() for one in hit["highlights"] for piece in one["pieces"] if piece["marked"]}
    assert {"vesuvianite", "cathode"} <= marked
    # Its id ends so, too.
    assert [(each["what"], each["field"]) for each in hit["reasons"]] == [("WORDS", "title"), ("IDENTIFIER", None)]
    assert hit["record"] == {
        "__typename": "Sample",
        "id": "sample/lab/gql/cathode",
        "name": "ベスブ石の正極シート",
        "sampleType": "solid",
        "amount": {"inGrams": 2e-06, "unit": "mg"},
    }
    (by_number,) = ask(public, query, text="10.5072/gql-1")["search"]["hits"]
    assert [reason["what"] for reason in by_number["reasons"]] == ["IDENTIFIER"]


def test_filters_are_inputs_or_as_in_addresses_and_all_hold(public: httpx.Client) -> None:
    vesuvianite = 'text: "vesuvianite"'
    assert found(public, vesuvianite) == {"cathode", "powder", "melt"}
    for arguments, expected in (
        ('ofKind: { sample: { sampleType: { eq: "powder" } } }', {"powder", "melt"}),
        ('filters: [{ name: "sampleType", value: "powder" }], kinds: ["sample"]', {"powder", "melt"}),
        ('filters: [{ name: "amount", value: "5..20 mg" }], kinds: ["sample"]', {"powder", "melt"}),
        (
            'ofKind: { sample: { sampleType: { eq: "powder" } } }, filters: [{ name: "collectedAt", value: "2025" }]',
            {"powder"},
        ),
        ('where: { localId: { eq: "gql/melt" } }', {"melt"}),
        ('where: { scope: { id: "lab/closed" } }', set[str]()),
    ):
        assert found(public, f"{vesuvianite}, {arguments}") == expected, arguments


def test_pages_go_on_to_the_end_and_tell_each_hit_once(public: httpx.Client) -> None:
    query = """query($after: String) { search(text: "vesuvianite", first: 2, after: $after, orderBy: { by: "id" }) {
        hits { id } pageInfo { hasNextPage endCursor } } }"""
    seen: list[str] = []
    after = None
    while True:
        told = ask(public, query, after=after)["search"]
        seen += [hit["id"] for hit in told["hits"]]
        after = told["pageInfo"]["endCursor"]
        assert told["pageInfo"]["hasNextPage"] == (after is not None)
        if after is None:
            break
    assert seen == [f"sample/lab/gql/{name}" for name in ("cathode", "melt", "powder")]


def test_facets_ranges_and_histograms_count_what_the_asker_may_see(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    query = """{ search(text: "vesuvianite", kinds: ["sample"], facets: ["sampleType", "kind"],
        ranges: [{ field: "collectedAt" }, { field: "amount", unit: "mg" }],
        histograms: [{ field: "collectedAt", interval: YEAR }, { field: "amount", edges: [0, 5, 20], unit: "mg" }]) {
        facets { field title values { value label count chosen } more exact }
        ranges { field unit from until min max }
        histograms { field unit bins { from until min max count } missing }
    } }"""
    told = ask(public, query)["search"]
    kinds = next(facet for facet in told["facets"] if facet["field"] == "kind")
    assert [(each["value"], each["label"], each["count"], each["chosen"]) for each in kinds["values"]] == [
        ("sample", "Sample", 3, True)
    ]
    types = next(facet for facet in told["facets"] if facet["field"] == "sampleType")
    assert {each["value"]: each["count"] for each in types["values"]} == {"powder": 2, "solid": 1}
    dates, amounts = told["ranges"]
    assert dates["from"].startswith("2025-03-0")
    assert dates["until"].startswith("2026-05-0")
    assert amounts == {"field": "amount", "unit": "mg", "from": None, "until": None, "min": 2.0, "max": 10.0}
    years, masses = told["histograms"]
    assert {each["from"]: each["count"] for each in years["bins"]} == {"2025": 2, "2026": 1}
    assert [(each["min"], each["max"], each["count"]) for each in masses["bins"]] == [(0, 5, 1), (5, 20, 2)]
    whole = ask(administrator, query)["search"]
    assert whole["ranges"][0]["from"].startswith("195")
    assert whole["ranges"][1]["max"] == 900_000
    assert "gql-secret" in str(whole["facets"])
    assert "gql-secret" not in str(told)


def test_facets_speak_the_language_that_is_asked_for(public: httpx.Client) -> None:
    query = '{ search(text: "vesuvianite", facets: ["kind"]%s) { hits { title } facets { title } } }'
    assert ask(public, query % "")["search"]["facets"] == [{"title": "Kind"}]
    assert ask(public, query % "", "ja")["search"]["facets"] == [{"title": "種別"}]
    asked = ask(public, query % ', language: "ja"')["search"]
    assert asked["facets"] == [{"title": "種別"}]
    assert {"title": "ベスブ石の正極シート"} in asked["hits"]


def test_suggestions_go_on_from_what_was_typed_and_are_of_what_the_asker_may_see(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    query = '{ suggest(text: "vesuvianite", first: 10) { text what kind id } }'
    told = ask(public, query)["suggest"]
    assert {each["text"] for each in told} == {"Vesuvianite cathode sheet", "Vesuvianite powder"}
    assert {each["what"] for each in told} == {"TITLE"}
    assert "closed room" in str(ask(administrator, query)["suggest"])


def test_what_can_not_be_searched_is_refused_in_words_and_the_rest_is_answered(public: httpx.Client) -> None:
    told = post(
        public,
        '{ bad: search(filters: [{ name: "sampelType", value: "x" }]) { totalCount } good: search(text: "vesuvianite") { totalCount } }',
    )
    assert told["data"]["bad"] is None
    assert told["data"]["good"] == {"totalCount": 3}
    assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "sampleType" in told["errors"][0]["message"]
    for arguments, word in (
        ('facets: ["nonsense"]', "nonsense"),
        ("first: 1000", "first"),
        ('kinds: ["nonsense"]', "nonsense"),
        ('histograms: [{ field: "amount", unit: "nonsense" }]', "nonsense"),
        ('histograms: [{ field: "collectedAt", dates: ["2024", "2025"], edges: [1, 2] }]', "dates"),
        ('ranges: [{ field: "amount", unit: "nonsense" }]', "nonsense"),
        ('filters: [{ name: "limit", value: "3" }]', "limit"),
        ('after: "nonsense"', "cursor"),
        ("waitFor: 1, waitSeconds: 31", "waitSeconds"),
    ):
        code, message = refused(public, f"{{ search({arguments}) {{ totalCount }} }}")
        assert code == "BAD_USER_INPUT", arguments
        assert word in message, arguments
    assert refused(public, "{ search(waitFor: 9999999999, waitSeconds: 0) { totalCount } }")[0] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "example",
    [
        example
        for example in DOCUMENTED
        for operation in parse(example).definitions
        if isinstance(operation, OperationDefinitionNode) and operation.operation is OperationType.QUERY
    ],
)
def test_every_question_of_the_documentation_is_answered(public: httpx.Client, example: str) -> None:
    told = post(
        public, example, beamline="instrument/lab/none", id="dataset/lab/none", module="module/lab/none", text="x"
    )
    # Its records are examples, too; that a field, a facet or a unit is not known is another matter.
    assert {error["extensions"]["code"] for error in told.get("errors", ())} <= {"NOT_FOUND"}, told["errors"]


def test_a_variable_chooses_what_is_searched_for(public: httpx.Client) -> None:
    query = """query($where: [SearchFilterInput!], $order: SearchOrderInput) {
        search(text: "vesuvianite", kinds: ["sample"], filters: $where, orderBy: $order) { hits { id } } }"""
    told = ask(
        public,
        query,
        where=[{"name": "sampleType", "value": "powder"}],
        order={"by": "collectedAt", "descending": True},
    )
    assert [hit["id"] for hit in told["search"]["hits"]] == ["sample/lab/gql/melt", "sample/lab/gql/powder"]
    assert len(ask(public, query)["search"]["hits"]) == 3


# --- how the catalogue is used


def test_fields_tell_what_they_are_and_how_they_are_used(public: httpx.Client, administrator: httpx.Client) -> None:
    query = """{ fields(kind: "sample") { name graphqlName title description(language: "ja") form many facet sortable
        private targetKinds records recordsIsExact from until
        measures { quantityKind unit min max units { unit values } } grams: measures(in: "g") { min max unit }
        kelvin: measures(in: "K") { min } values(first: 100) { value label count } } }"""
    told = {each["name"]: each for each in ask(public, query)["fields"]}
    whole = {each["name"]: each for each in ask(administrator, query)["fields"]}
    assert told["amount"]["form"] == "quantity"
    assert (told["sampleType"]["facet"], told["title"]["facet"]) == (True, False)
    assert told["derivedFrom"]["targetKinds"] == ["sample"]
    assert told["collectedAt"]["description"]
    assert whole["amount"]["records"] == told["amount"]["records"] + 1
    (mass,) = told["amount"]["measures"]
    assert (mass["quantityKind"], mass["unit"]) == ("Mass", "kg")
    (hidden,) = whole["amount"]["measures"]
    of = [{each["unit"]: each["values"] for each in measure["units"]}.get("g", 0) for measure in (mass, hidden)]
    assert of[1] == of[0] + 1
    assert told["amount"]["grams"][0]["max"] < 900 <= whole["amount"]["grams"][0]["max"]
    assert told["amount"]["kelvin"] == []
    assert whole["collectedAt"]["from"] < "1955-01-02" < told["collectedAt"]["from"]
    values = {each["value"] for each in told["sampleType"]["values"]}
    assert {"powder", "solid"} <= values
    assert "gql-secret" not in values
    assert told["title"]["values"] is None
    # A link that leads only where the asker may not look is none.
    assert told["derivedFrom"]["records"] >= 1
    agents = {
        each["name"]: each for each in ask(public, '{ fields(kind: "agent") { name private records } }')["fields"]
    }
    assert agents["contact"] == {"name": "contact", "private": True, "records": None}
    assert refused(public, '{ fields(kind: "nonsense") { name } }')[0] == "BAD_USER_INPUT"


def test_names_that_only_hidden_records_use_are_not_told(public: httpx.Client, administrator: httpx.Client) -> None:
    query = """{ attributeNames(startsWith: "gql", kind: "sample") { totalCount totalIsExact nodes { name records
        measures { unit min max units { unit } } } }
        quantityNames(place: ATTRIBUTE, startsWith: "GQL T") { nodes { name records measures(in: "um") { min max } } } }"""
    told = ask(public, query)
    assert told["attributeNames"] == {
        "totalCount": 2,
        "totalIsExact": True,
        "nodes": [
            {"name": "gql coating", "records": 2, "measures": []},
            {
                "name": "gql thickness",
                "records": 1,
                "measures": [{"unit": "m", "min": 2e-06, "max": 2e-06, "units": [{"unit": "um"}]}],
            },
        ],
    }
    assert told["quantityNames"]["nodes"] == [
        {"name": "gql thickness", "records": 1, "measures": [{"min": 2.0, "max": 2.0}]}
    ]
    whole = ask(administrator, query)
    assert [each["name"] for each in whole["attributeNames"]["nodes"]] == ["gql coating", "gql thickness", "gql secret"]
    assert whole["quantityNames"]["nodes"][0]["measures"] == [{"min": 2.0, "max": 5e6}]


def test_a_record_that_is_closed_counts_no_more_at_the_next_request(
    administrator: httpx.Client, public: httpx.Client
) -> None:
    name = f"gql {uuid.uuid4()}"
    body = {"title": {"en": "Passing"}, "attributes": [{"name": name, "value": "x"}]}
    made = administrator.post(
        "records", json={"kind": "sample", "source": "lab", "localId": f"gql/{uuid.uuid4()}", "body": body}
    )
    query = "query($name: String!) { attributeNames(startsWith: $name) { totalCount } }"
    assert ask(public, query, name=name)["attributeNames"]["totalCount"] == 1
    assert administrator.post(f"hide/{made.json()['id']}").status_code == 200
    assert ask(public, query, name=name)["attributeNames"]["totalCount"] == 0


# --- what else there is


def test_the_same_is_told_as_by_the_rest_api(public: httpx.Client, administrator: httpx.Client) -> None:
    for client in (public, administrator):
        told = ask(
            client,
            """{ sources { id version homeScope title } scopes(first: 1000) { nodes { id mode may } hasNextPage }
                profiles { id kind published } kinds { name plural } me { id administrator }
                health { projector holder projections { name status pending } } }""",
        )
        sources = client.get("sources").json()["items"]
        assert [(each["id"], each["version"], each["homeScope"]) for each in told["sources"]] == [
            (each["id"], each["version"], each.get("homeScope")) for each in sources
        ]
        scopes = client.get("scopes", params={"limit": 1000}).json()["items"]
        assert [(each["id"], each["mode"]) for each in told["scopes"]["nodes"]] == [
            (each["id"], each["mode"]) for each in scopes
        ]
        for each in told["scopes"]["nodes"][:5]:
            assert each["may"] == client.get(f"scopes/{each['id']}").json()["may"]
        assert [each["id"] for each in told["profiles"]] == [
            each["id"] for each in client.get("profiles").json()["items"]
        ]
        assert {each["name"] for each in told["kinds"]} == {
            each["name"] for each in client.get("kinds").json()["items"]
        }
        who = client.get("whoami").json()
        assert told["me"] == {"id": who["id"], "administrator": who["administrator"]}
        assert {each["name"] for each in told["health"]["projections"]} == {"graph", "search"}
        counted = [each["pending"] for each in told["health"]["projections"]]
        assert all((each is None) == (client is public) for each in counted)


def test_scopes_are_told_with_what_is_set_below_and_shared_to_whoever_may_know(
    public: httpx.Client, administrator: httpx.Client
) -> None:
    query = """{ scope(id: "lab") { id title parent mode set { mode } may below(first: 1) { nodes { id } hasNextPage }
        permissions { nodes { id right holder { id } } hasNextPage } } }"""
    told = ask(administrator, query)["scope"]
    assert (told["id"], told["parent"], told["mode"], told["set"]) == ("lab", None, "everyone", {"mode": "everyone"})
    assert "manage" in told["may"]
    assert told["below"]["nodes"][0]["id"].startswith("lab/")
    seen = post(public, query)
    assert seen["data"]["scope"]["permissions"] is None
    assert seen["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert seen["errors"][0]["path"] == ["scope", "permissions"]
    assert "lab/closed" not in [each["id"] for each in seen["data"]["scope"]["below"]["nodes"]]
    assert refused(public, '{ scope(id: "lab/closed") { id } }')[0] == "NOT_FOUND"
    assert refused(public, '{ scope(id: "lab/never") { id } }')[0] == "NOT_FOUND"


def test_what_is_not_for_everyone_is_refused_by_its_code(public: httpx.Client, administrator: httpx.Client) -> None:
    for query, code in (
        ("{ requests { nodes { id } } }", "UNAUTHENTICATED"),
        ("{ tokens { id } }", "UNAUTHENTICATED"),
        ('{ tokens(source: "lab") { id } }', "UNAUTHENTICATED"),
        ("{ failures(projection: GRAPH) { nodes { record } } }", "UNAUTHENTICATED"),
        ("{ people { nodes { id } } }", "UNAUTHENTICATED"),
        ("{ issuers { id } }", "UNAUTHENTICATED"),
        ("{ workloads { id } }", "UNAUTHENTICATED"),
        ("{ audit { nodes { at } } }", "UNAUTHENTICATED"),
        ('{ scope(id: "lab") { history } }', "UNAUTHENTICATED"),
        ('{ group(id: "group:none") { id } }', "NOT_FOUND"),
        ('{ source(id: "none") { id } }', "NOT_FOUND"),
        ('{ profile(name: "none") { id } }', "NOT_FOUND"),
        ('{ load(id: "none") { id } }', "NOT_FOUND"),
        ("{ scopes(first: 1001) { nodes { id } } }", "BAD_USER_INPUT"),
    ):
        assert refused(public, query)[0] == code, query
    assert refused(public, "{ audit { nodes { at } } }")[1] == "Sign in first."
    told = ask(
        administrator,
        '{ tokens(source: "lab") { id } failures(projection: SEARCH) { nodes { record } } groups { nodes { id } } requests { nodes { id } } }',
    )
    assert told["failures"] == {"nodes": []}
    assert ask(administrator, "{ people { nodes { id name } } issuers { id purposes } workloads { id issuer } }")
    more = ask(
        administrator,
        """{ audit(act: "scope", scope: "lab", first: 1) { nodes { position at by act scope detail } hasNextPage endCursor }
            scope(id: "lab") { history } me { rights { nodes { scope } } } }""",
    )
    (line,) = more["audit"]["nodes"]
    assert (line["act"], line["by"], line["scope"].split("/")[0]) == ("scope", "administrator", "lab")
    following = ask(
        administrator,
        'query($after: String) { audit(act: "scope", scope: "lab", first: 1, after: $after) { nodes { position } } }',
        after=more["audit"]["endCursor"],
    )
    assert following["audit"]["nodes"][0]["position"] < line["position"]
    assert {"items", "groups", "everyone", "changes"} <= set(more["scope"]["history"])
    assert more["me"]["rights"] == {"nodes": []}


def test_a_load_tells_how_it_stands(administrator: httpx.Client, served: Served) -> None:
    line = '{"kind":"sample","source":"lab","localId":"gql/loaded","body":{"title":{"en":"Loaded"}}}\n'
    answer = administrator.post("records", content=line, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    told = ask(
        administrator,
        "query($id: ID!) { load(id: $id) { id state counts atomic startedAt finishedAt } }",
        id=answer.headers["Musubi-Load"],
    )
    assert (told["load"]["state"], told["load"]["atomic"]) == ("complete", False)
    assert sum(told["load"]["counts"].values()) == 1
