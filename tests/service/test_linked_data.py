"""A record as linked data: the same statements in every form, under the published context, with absolute IRIs."""

from __future__ import annotations

import json

import httpx
import pyoxigraph
import pytest
from rdflib import Graph
from rdflib.compare import isomorphic, to_isomorphic

from tests.service.conftest import Served
from tests.service.test_projections import command

FORMS = {"turtle": "text/turtle", "ntriples": "application/n-triples", "rdfxml": "application/rdf+xml"}
BODY = {
    "title": {"en": "Cathode", "ja": "正極"},
    "amount": {"value": 2.5, "unit": "mg"},
    "collectedAt": "2026-05",
    "derivedFrom": ["sample/lab/ld/parent", "https://example.org/powder"],
    "identifiers": [{"scheme": "doi", "value": "10.1234/x"}],
    "attributes": [{"name": "mirror coating", "value": "Rh"}],
    "details": {"@id": "nothing", "deep": [1, 2]},
}
ID = "sample/lab/ld/one%20two"


@pytest.fixture(scope="module", autouse=True)
def records(administrator: httpx.Client) -> None:
    for local_id, body in (("ld/parent", {"title": {"en": "Parent"}}), ("ld/one two", BODY)):
        made = administrator.post(
            "records", json={"kind": "sample", "source": "lab", "localId": local_id, "body": body}
        )
        assert made.status_code in (200, 201), made.text


def graph(client: httpx.Client, media_type: str, name: str) -> Graph:
    answer = client.get(ID, headers={"Accept": media_type})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    return Graph().parse(data=answer.content, format={"turtle": "turtle", "ntriples": "nt", "rdfxml": "xml"}[name])


def test_every_form_says_the_same(public: httpx.Client) -> None:
    first, *others = (graph(public, media_type, name) for name, media_type in FORMS.items())
    assert len(first) > 15
    for other in others:
        assert isomorphic(to_isomorphic(first), to_isomorphic(other))


def test_every_subject_is_the_record_or_a_fragment_of_it(public: httpx.Client, served: Served) -> None:
    iri = served.address + ID
    for subject, _, value in graph(public, "application/n-triples", "ntriples"):
        assert str(subject) == iri or str(subject).startswith(iri + "#")
        assert not str(value).startswith("sample/")


def test_the_context_that_is_published_gives_the_same_statements(public: httpx.Client, served: Served) -> None:
    document = public.get(ID, headers={"Accept": "application/ld+json"}).json()
    assert document["@context"] == f"{served.address}context.jsonld"
    assert document["id"] == served.address + ID
    context = public.get("context.jsonld")
    assert context.headers["content-type"] == "application/ld+json"
    # Engines fetch the context from its address; here it is put in by hand.
    text = httpx.Response(200, json={**document, "@context": context.json()["@context"]}).content
    told = public.get(ID, headers={"Accept": "application/n-triples"}).content
    assert statements(text, pyoxigraph.RdfFormat.JSON_LD) == statements(told, pyoxigraph.RdfFormat.N_TRIPLES)


def statements(text: bytes, form: pyoxigraph.RdfFormat) -> set[tuple[str, str, object]]:
    """What a text says, doubles by their value: each engine spells them in its own way."""
    read: set[tuple[str, str, object]] = set()
    for quad in pyoxigraph.parse(text, format=form):
        value: object = str(quad.object)
        if isinstance(quad.object, pyoxigraph.Literal):
            if quad.object.datatype.value.endswith("#JSON"):
                value = str(sorted(quad.object.value))
            elif quad.object.datatype.value.endswith("#double"):
                value = float(quad.object.value)
        read.add((str(quad.subject), str(quad.predicate), value))
    return read


def test_the_form_is_chosen_by_weight_and_by_name(public: httpx.Client) -> None:
    def form(accept: str, **params: str) -> str:
        return public.get(ID, headers={"Accept": accept}, params=params).headers["content-type"].partition(";")[0]

    assert form("*/*") == "application/json"
    assert form("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == "text/html"
    assert form("text/turtle;q=0.5, application/rdf+xml") == "application/rdf+xml"
    assert form("application/json;q=0, */*") == "text/html"
    assert form("text/html", format="turtle") == "text/turtle"
    refused = public.get(ID, headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "text/turtle" in refused.json()["detail"]


@pytest.mark.parametrize(
    "accept", ["application/json", "text/html", "application/ld+json", "text/turtle", "application/rdf+xml"]
)
def test_a_form_that_one_has_is_not_sent_again(public: httpx.Client, accept: str) -> None:
    first = public.get(ID, headers={"Accept": accept})
    assert first.headers["vary"] == "Accept, Accept-Language, Authorization, Cookie"
    tag = first.headers["etag"]
    for sent in (tag, f'"other", W/{tag}', "*"):
        again = public.get(ID, headers={"Accept": accept, "If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert public.get(ID, headers={"Accept": accept, "If-None-Match": '"other"'}).status_code == 200


def test_the_vocabulary_is_a_page_and_rdf(public: httpx.Client) -> None:
    turtle = public.get("ns", headers={"Accept": "text/turtle"})
    xml = public.get("ns", headers={"Accept": "application/rdf+xml"})
    assert isomorphic(
        Graph().parse(data=turtle.content, format="turtle"), Graph().parse(data=xml.content, format="xml")
    )
    page = public.get("ns", headers={"Accept": "text/html", "Accept-Language": "ja"})
    assert "Sample" in page.text


def test_an_export_holds_every_public_record_in_each_form(public: httpx.Client, served: Served) -> None:
    lines = public.get("export", params={"kind": "sample", "format": "ndjson"}).text.splitlines()
    ids = [httpx.Response(200, text=line).json()["id"] for line in lines]
    assert len(ids) == len(set(ids))
    assert ID in ids
    quads = public.get("export", params={"kind": "sample", "format": "nquads"})
    assert quads.headers["content-type"] == "application/n-quads"
    subjects = {
        quad.subject.value.partition("#")[0]
        for quad in pyoxigraph.parse(quads.content, format=pyoxigraph.RdfFormat.N_QUADS)
        if isinstance(quad.subject, pyoxigraph.NamedNode)
    }
    assert subjects == {served.address + id for id in ids}
    table = public.get("export", params={"kind": "sample", "format": "csv", "localId": "ld/one two"}).text.splitlines()
    assert len(table) == 2
    assert table[1].startswith(ID)


@pytest.mark.parametrize(("form", "media_type"), [("nt", "application/n-triples"), ("jsonld", "application/ld+json")])
def test_the_command_answers_what_its_address_does(
    served: Served, administrator: httpx.Client, form: str, media_type: str
) -> None:
    made = administrator.put(
        "sample/lab/ld/both",
        json={"kind": "sample", "source": "lab", "localId": "ld/both", "body": {**BODY, "identifiers": []}},
    )
    assert made.status_code in (200, 201), made.text
    by_address = administrator.get("sample/lab/ld/both", headers={"Accept": media_type}).content
    done = command(served, "get", "sample/lab/ld/both", "--form", form)
    assert done.returncode == 0, done.stderr
    assert "generatedAtTime" in done.stdout
    if form == "nt":
        assert sorted(done.stdout.splitlines()) == sorted(by_address.decode().splitlines())
    else:
        assert json.loads(done.stdout) == json.loads(by_address)


def test_the_command_says_that_a_draft_has_no_form_in_rdf(served: Served, administrator: httpx.Client) -> None:
    draft = {"kind": "sample", "source": "lab", "localId": "ld/draft", "status": "draft", "body": {"amount": 1}}
    made = administrator.post("records", json=draft)
    assert made.status_code in (200, 201), made.text
    assert administrator.get("sample/lab/ld/draft", headers={"Accept": "application/n-triples"}).status_code == 406
    done = command(served, "get", "sample/lab/ld/draft", "--form", "nt")
    assert done.returncode == 4
    assert "draft" in done.stderr
