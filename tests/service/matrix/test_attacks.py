"""Ways round the rules, each tried: names and parameters that are read two ways, graphs that are named, rights in one of two."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import (
    CLOSED,
    CONTROLLED,
    DATA,
    ELSEWHERE,
    HUB,
    LATER,
    OPEN,
    ROLES,
    STATES,
    Told,
)
from tests.service.matrix.judging import betrays
from tests.service.matrix.surfaces import SURFACES, Many

HIDDEN = STATES["limited"]
RESULTS = "application/sparql-results+json"


def silent(answer: Answer) -> bool:
    """Whether nothing of what is hidden is in an answer."""
    return not any(word in answer.told for word in (HIDDEN.word, HIDDEN.former, HIDDEN.file))


# --- ids and addresses


@pytest.mark.parametrize(
    "address",
    [
        "dataset/alpha/../alpha/{key}",
        "dataset/alpha/x/../{key}",
        "dataset/alpha/./{key}",
        "dataset/alpha//{key}",
        "dataset//alpha/{key}",
        "/dataset/alpha/{key}",
        "dataset/alpha/%2e%2e/alpha/{key}",
        "dataset%2Falpha%2F{key}",
        "dataset/alpha%2F{key}",
        "dataset/alpha/{key}%00",
        "dataset/alpha/{key}/",
        "dataset/alpha/{key}%20",
        "dataset/alpha/{key};a=b",
        "dataset/ALPHA/{key}",
        "DATASET/alpha/{key}",
        "dataset/alpha/%C1%A1{key}",
        "dataset/alpha/{key}%0d%0aSet-Cookie:%20a=b",
        "revisions/dataset/alpha/../alpha/{key}",
        "files/dataset/alpha/hub/../{key}",
        "links/dataset/alpha/hub%2F..%2F{key}",
        "static/../dataset/alpha/{key}",
        "static/..%2f..%2fadmin-token",
        "static/%2e%2e/%2e%2e/admin-token",
        "loads/..%2f..%2fadmin-token",
        "sitemap/..%2fadmin-token",
        "kinds/..%2f..%2fadmin-token",
        "scopes/alpha/open/../closed",
        "scopes/alpha%2Fclosed",
        "scopes/alpha/closed/",
        "scopes/ALPHA/closed",
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/turtle"])
def test_no_way_of_writing_an_address_leads_to_what_is_hidden(told: Told, address: str, accept: str) -> None:
    answer = told.ask("signed in", address.format(key=HIDDEN.key), accept)
    assert answer.status in (400, 404, 406, 308)
    assert silent(answer)
    assert told.catalog.token not in answer.told
    assert not answer.header("set-cookie")
    if answer.status == 308:
        # Where it leads to is as hidden as before.
        assert told.ask("signed in", answer.header("location").lstrip("/")).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"x-http-method-override": "PUT"},
        {"x-original-url": "/dataset/alpha/" + HIDDEN.key},
        {"x-rewrite-url": "/dataset/alpha/" + HIDDEN.key},
        {"x-forwarded-user": "administrator"},
        {"x-remote-user": "administrator"},
        {"x-forwarded-for": "127.0.0.1"},
        {"authorization": "Basic YWRtaW5pc3RyYXRvcjo="},
        {"authorization": "Bearer"},
        {"authorization": "Bearer mlk_"},
        {"authorization": "Bearer mst_"},
        {"authorization": "Bearer a.b.c"},
        {"cookie": "musubi_session="},
        {"cookie": "musubi_link=mst_x"},
        {"if-none-match": "*"},
        {"range": "bytes=0-10"},
    ],
)
def test_no_header_makes_somebody_else_of_whoever_asks(told: Told, headers: dict[str, str]) -> None:
    answer = told.ask("anonymous", HIDDEN.id, **headers)
    assert answer.status in (401, 404)
    assert silent(answer)


def test_a_token_of_one_kind_is_none_of_another(told: Told) -> None:
    link = told.carried["reader by link"]["authorization"].removeprefix("Bearer ")
    session = told.carried["manager"]["cookie"].removeprefix("musubi_session=")
    token = told.carried["part of a manager"]["authorization"].removeprefix("Bearer ")
    for cookie in (
        f"musubi_session={link}",
        f"musubi_session={token}",
        f"musubi_link={token}",
        f"musubi_link={session}",
    ):
        assert told.ask("anonymous", HIDDEN.id, cookie=cookie).status == 404, cookie
    assert told.ask("anonymous", HIDDEN.id, authorization=f"Bearer {session}").status == 401


# --- what is said twice


@pytest.mark.parametrize(
    "address",
    [
        "records?status=public&status=private",
        "records?status=private",
        "records?status=public,private,draft,suppressed,quarantined",
        "records?limit=10&limit=1000&status=draft",
        f"records?id={HIDDEN.id}&id={HUB}",
        "records?scope=alpha/open&scope=alpha/closed",
        "records?scope=alpha/closed&status=public",
        f"{HUB}?revision=1&revision=2",
        f"{HUB}?format=json&format=html",
        f"search?q={HIDDEN.word}&q=Matrixial",
        f"search?q=Matrixial&scope={quote(CLOSED)}",
        f"search?q={HIDDEN.word}*&facet=dataTypes&kind=dataset",
        f"search?q=Matrixial&kind=dataset&dataTypes.prefix={HIDDEN.word[:4]}",
        f"export?scope={quote(CLOSED)}",
        "export?status=private",
        f"sitemap.xml?scope={quote(CLOSED)}",
        f"changes?since=0&since={HIDDEN.key}",
        "records?reader=administrator&administrator=true",
        "records?lang=en&lang=ja&status=private",
    ],
)
def test_parameters_that_are_said_twice_or_name_what_is_hidden_open_nothing(told: Told, address: str) -> None:
    answer = told.ask("anonymous", address)
    assert answer.status in (200, 400, 404, 406, 422)
    assert silent(answer)
    assert "limited once" not in answer.told


@pytest.mark.parametrize(
    "body",
    [
        '{"mode": "limited", "mode": "everyone"}',
        '{"title": {"en": "x"}, "title": {"en": "y"}, "mode": "everyone"}',
    ],
)
def test_a_document_with_a_name_twice_is_refused(told: Told, body: str) -> None:
    headers = {**told.carried["administrator"], "content-type": "application/json"}
    answer = told.asking.ask("PATCH", f"scopes/{CLOSED}", headers, body.encode())
    assert answer.status in (400, 422), answer.text
    assert told.ask("anonymous", f"scopes/{CLOSED}").status == 404


# --- graphs that are named


def test_a_query_reaches_no_graph_that_is_not_the_askers(told: Told) -> None:
    graph = told.ask("administrator", f"sparql?query={quote('SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }')}", RESULTS)
    graphs = [row["g"]["value"] for row in graph.json()["results"]["bindings"]]
    assert any("alpha" in name for name in graphs)
    every = [
        *graphs,
        *(f"{name.rpartition('alpha')[0]}{scope}" for name in graphs for scope in (CLOSED, LATER, ELSEWHERE)),
    ]
    for name in dict.fromkeys(every):
        for address in (
            f"sparql?query={quote('SELECT * { ?s ?p ?o }')}&default-graph-uri={quote(name)}",
            f"sparql?query={quote('SELECT * { GRAPH ?g { ?s ?p ?o } }')}&named-graph-uri={quote(name)}",
            f"sparql?query={quote(f'SELECT * FROM <{name}> {{ ?s ?p ?o }}')}",
            f"sparql?query={quote(f'SELECT * FROM NAMED <{name}> {{ GRAPH <{name}> {{ ?s ?p ?o }} }}')}",
        ):
            answer = told.ask("another facility's administrator", address, RESULTS)
            assert answer.status in (200, 400, 422), answer.text
            assert silent(answer), address


@pytest.mark.parametrize("scope", [CLOSED, "alpha/nowher", ELSEWHERE])
def test_a_query_over_a_scope_that_is_hidden_is_one_over_none(told: Told, scope: str) -> None:
    query = quote("SELECT * { GRAPH ?g { ?s ?p ?o } }")
    hidden = told.ask("signed in", f"sparql?query={query}&scope={quote(scope)}", RESULTS)
    none = told.ask("signed in", f"sparql?query={query}&scope={quote('alpha/nothin')}", RESULTS)
    assert hidden.but(scope) == none.but("alpha/nothin")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1:8000/sparql> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <file:///etc/passwd> { ?s ?p ?o } }",
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "DROP ALL",
    ],
)
def test_a_query_asks_nobody_else_and_changes_nothing(told: Told, query: str) -> None:
    answer = told.ask("signed in", f"sparql?query={quote(query)}", RESULTS)
    assert answer.status == 400
    assert "root:" not in answer.text


# --- rights in one of two


def test_a_record_is_moved_by_who_may_write_in_both_scopes_only(told: Told) -> None:
    public = STATES["embargoed data"]
    for role, to, status in (
        ("writer", ELSEWHERE, 404),
        ("writer", "alpha/nowher", 404),
        ("another facility's administrator", ELSEWHERE, 403),
        ("another facility's administrator", "gamma", 403),
        ("source token", ELSEWHERE, 404),
        ("manager", CLOSED, 404),
        ("reader by grant", CLOSED, 403),
    ):
        answer = told.send(role, "POST", f"scope/{public.id}", {"scope": to})
        assert answer.status == status, f"{role} to {to}: {answer.text}"
        again = told.send(role, "PUT", public.id, {"body": {"title": {"en": "taken"}}, "scope": to})
        assert again.status in (403, 422), f"{role} to {to}: {again.text}"
    assert told.ask("administrator", public.id).json()["scope"] == DATA
    assert told.send("writer", "POST", f"scope/{public.id}", {"scope": CONTROLLED}).status == 200
    assert told.send("writer", "POST", f"scope/{public.id}", {"scope": DATA}).status == 200


def test_a_scope_is_moved_by_nobody_and_made_by_who_manages_the_one_above(told: Told) -> None:
    for document in (
        {"parent": "gamma"},
        {"id": "gamma/taken"},
        {"parent": None},
        {"mode": "everyone", "parent": "gamma"},
    ):
        for method in ("PATCH", "PUT"):
            answer = told.send("manager of the scope above", method, f"scopes/{OPEN}", document)
            assert answer.status in (400, 422), f"{method} {document}: {answer.text}"
    assert told.ask("administrator", f"scopes/{OPEN}").json()["parent"] == "alpha"
    for role, scope in (("manager of the scope above", "gamma/new"), ("another facility's administrator", "alpha/new")):
        assert told.send(role, "POST", "scopes", {"id": scope}).status in (403, 404)
        assert told.send(role, "PUT", f"scopes/{scope}", {}).status in (403, 404)
    for role in ("manager", "writer", "holder of share", "source token", "part of a manager"):
        assert told.send(role, "POST", "scopes", {"id": "alpha/new"}).status == 403, role
    assert told.send("manager of the scope above", "POST", "scopes", {"id": "alpha/new"}).status == 201


def test_nothing_is_merged_into_what_one_may_not_see_nor_into_what_one_does_not_manage(told: Told) -> None:
    mine, hidden = STATES["another facility's"], STATES["limited and private"]
    role = "another facility's administrator"
    into_hidden = told.send(role, "POST", f"merge/{mine.id}", {"into": hidden.id})
    into_none = told.send(role, "POST", f"merge/{mine.id}", {"into": hidden.absent.id})
    assert into_hidden.but(hidden.id) == into_none.but(hidden.absent.id)
    assert into_hidden.status == 404
    assert told.send(role, "POST", f"merge/{mine.id}", {"into": HUB}).status == 403
    assert told.send(role, "POST", f"merge/{HUB}", {"into": mine.id}).status == 403
    assert told.ask(role, mine.id).status == 200
    # Who writes, but does not manage, merges nothing.
    assert told.send("writer", "POST", f"merge/{HUB}", {"into": STATES["public"].id}).status == 403


def test_nobody_takes_an_id_of_a_source_that_is_at_home_elsewhere(told: Told) -> None:
    for role, source, scope in (
        ("another facility's administrator", "alpha", "gamma"),
        ("another facility's administrator", "alpha", ELSEWHERE),
        ("writer", "gamma", CLOSED),
        ("source token", "gamma", OPEN),
        ("source token", "gamma", "gamma"),
    ):
        said = {
            "kind": "dataset",
            "source": source,
            "localId": "squatted",
            "scope": scope,
            "body": {"title": {"en": "x"}},
        }
        answer = told.send(role, "POST", "records", said)
        assert answer.status in (403, 422) or answer.json()["outcome"] == "refused", f"{role}: {answer.text}"
        assert told.ask("administrator", f"dataset/{source}/squatted").status == 404, role


# --- what happens out of sight


# How busy it is, and until when somebody feeds the projections.
OF_THE_MACHINE = ("metrics", "projections", "health", "ready")


def told_in(answer: Answer, *, in_any_order: bool) -> tuple[int, object]:
    """An answer without where a feed goes on, which is behind what was looked at and says neither how much nor what."""
    text = re.sub(r'\{"next":"[^"]*"', '{"next":…', answer.text)
    return answer.status, sorted(re.findall(r"[^<>{}\[\],]+", text)) if in_any_order else text


def test_what_happens_out_of_sight_changes_no_answer_to_the_public(told: Told) -> None:
    def answers() -> dict[str, Answer]:
        return {
            f"{one.address} {one.accept}": told.ask("anonymous", one.address, one.accept)
            for surfaces in SURFACES.values()
            for one in surfaces
            if isinstance(one, Many) and one.seconds is None and one.address not in OF_THE_MACHINE
        }

    told.catch_up()
    before = answers()
    for number in range(3):
        made = {
            "kind": "dataset",
            "source": "gamma",
            "localId": f"unseen-{number}",
            "body": {"title": {"en": "Matrixial"}},
        }
        told.made("POST", "records", made)
    told.made("PUT", "scopes/gamma/unseen", {"title": {"en": "unseen"}})
    told.somebody("unseen")
    told.let(told.people["unseen"], ("read",), ("gamma",))
    told.catch_up()
    after = answers()
    # In which order hits by words come depends on how rare the words are in the whole index (docs/security.md).
    differing = [
        name
        for name, answer in after.items()
        for any_order in [name.startswith("search?q=")]
        if told_in(answer, in_any_order=any_order) != told_in(before[name], in_any_order=any_order)
    ]
    assert differing == []
    # Of a part of the site map it stands for the state of the whole ledger, so that nobody has to write the part to compare it.
    tags = [
        name
        for name, answer in after.items()
        if answer.header("etag") != before[name].header("etag") and not name.startswith(("sitemap/", "search?q="))
    ]
    assert tags == []


def test_the_matrix_would_notice(told: Told) -> None:
    """What it looks for is found where it may be seen."""
    answer = told.ask("administrator", "records?limit=1000&select=body")
    assert betrays(answer, ROLES["administrator"]) == []
    found = betrays(answer, ROLES["anonymous"])
    assert "the words of limited" in found
    assert "the id of another facility's" in found
