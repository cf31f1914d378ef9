"""What leads on from a record's page and to it: typed links, schema.org, the site map, the rules for crawlers, VoID."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pyoxigraph
import pytest
from rdflib import RDF, Graph, Namespace, URIRef

from tests.service.conftest import Served

HTML = {"Accept": "text/html"}
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
VOID = Namespace("http://rdfs.org/ns/void#")
DCTERMS = Namespace("http://purl.org/dc/terms/")
NASTY = "</script><script>alert('broken out')</script>"
DATASET = "dataset/lab/ways/spectra"
CLOSED = "dataset/lab/ways/closed"


@pytest.fixture(scope="module", autouse=True)
def records(administrator: httpx.Client) -> None:
    for submission in (
        {"kind": "agent", "source": "lab", "localId": "ways/ito", "body": {"title": {"en": "Haruka Ito", "ja": "伊藤 遥"}, "names": {"en": "Haruka Ito"}, "type": "person", "orcid": "0000-0000-0007-0050", "identifiers": [{"scheme": "orcid", "value": "0000-0000-0007-0050", "primary": True}]}},
        {"kind": "agent", "source": "lab", "localId": "ways/hidden", "scope": "lab/closed", "body": {"title": {"en": "Nobody's business"}, "names": {"en": "Nobody's business"}, "type": "person"}},
        {"kind": "dataset", "source": "lab", "localId": "ways/closed", "scope": "lab/closed", "body": {"title": {"en": "Closed spectra"}}},
        {
            "kind": "dataset",
            "source": "lab",
            "localId": "ways/spectra",
            "body": {
                "title": {"en": f"Spectra {NASTY}", "ja": "スペクトル"},
                "description": {"en": "Absorption spectra of a cathode at the nickel edge, before and after cycling."},
                "identifiers": [{"scheme": "doi", "value": "10.5072/ways", "primary": True}],
                "license": "https://creativecommons.org/licenses/by/4.0/",
                "contributors": [{"to": "agent/lab/ways/ito", "role": "creator", "order": 1}, {"to": "agent/lab/ways/hidden", "role": "creator", "order": 2}],
                "derivedFrom": ["dataset/lab/ways/closed"],
            },
        },
    ):  # fmt: skip
        made = administrator.post("records", json=submission)
        assert made.status_code in (200, 201), made.text
    listed = [{"path": "a.dat", "size": 3}]
    assert administrator.put(f"files/{DATASET}", json=listed).status_code == 200


def links(answer: httpx.Response) -> dict[str, list[str]]:
    """The links of an answer's header, by relation."""
    told: dict[str, list[str]] = {}
    for target, rel in re.findall(r'<([^>]*)>; rel="([^"]*)"', answer.headers["link"]):
        told.setdefault(rel, []).append(target)
    return told


def described(answer: httpx.Response) -> dict[str, Any]:
    """What a page says in its one data element."""
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', answer.text, re.DOTALL)
    told: dict[str, Any] = json.loads(text)
    return told


def test_every_typed_link_of_a_record_leads_to_what_it_says(public: httpx.Client) -> None:
    page = public.get(DATASET, headers=HTML)
    told = links(page)
    assert told["cite-as"] == ["https://doi.org/10.5072/ways"]
    assert told["type"] == ["https://schema.org/AboutPage", "https://schema.org/Dataset"]
    assert told["license"] == ["https://creativecommons.org/licenses/by/4.0/"]
    assert told["author"] == ["https://orcid.org/0000-0000-0007-0050"]
    assert told["item"] == [f"/files/{DATASET}"]
    assert len(told["describedby"]) == len(told["alternate"]) == 5
    typed = re.findall(r'<([^>]*)>; rel="(?:describedby|linkset)"; type="([^"]*)"', page.headers["link"])
    assert len(typed) == 6
    for target, media_type in typed:
        answer = public.get(target)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media_type)
        if media_type != "application/linkset+json":
            back = links(answer)
            assert back["describes"] == [f"/{DATASET}"]
            assert back["cite-as"] == told["cite-as"]
            assert len(back["alternate"]) == 4
    assert links(public.get(f"files/{DATASET}"))["collection"] == [f"/{DATASET}"]
    assert links(public.head(DATASET, headers=HTML)) == told


def test_a_link_set_holds_the_same_links_and_goes_by_accept(public: httpx.Client, served: Served) -> None:
    answer = public.get(DATASET, headers={"Accept": "application/linkset+json"})
    assert answer.headers["content-type"] == "application/linkset+json"
    page = answer.json()["linkset"][0]
    assert page["anchor"] == served.address + DATASET
    assert page["cite-as"] == [{"href": "https://doi.org/10.5072/ways"}]
    assert "agent/lab/ways/hidden" not in answer.text


def test_a_page_tells_search_engines_what_everyone_may_read_and_no_more(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    page = public.get(DATASET, headers={**HTML, "Accept-Language": "en"})
    told = described(page)
    assert told["@type"] == "Dataset"
    assert told["@id"] == served.address + DATASET
    assert told["name"] == f"Spectra {NASTY}"
    assert NASTY not in page.text
    assert [(one["@type"], one["name"]) for one in told["creator"]] == [("Person", "Haruka Ito")]
    assert "isBasedOn" not in told
    assert "ways/hidden" not in page.text
    inside = described(administrator.get(DATASET, headers=HTML))
    assert [one["@id"] for one in inside["isBasedOn"]] == [served.address + CLOSED]
    assert administrator.get(DATASET, headers=HTML).headers["cache-control"].startswith("private")
    assert described(public.get(DATASET, headers={**HTML, "Accept-Language": "ja"}))["name"] == "スペクトル"


def test_a_former_revision_is_not_for_search_engines(administrator: httpx.Client, public: httpx.Client) -> None:
    administrator.put("dataset/lab/ways/twice", json={"body": {"title": {"en": "First"}}})
    administrator.put("dataset/lab/ways/twice", json={"body": {"title": {"en": "Second"}}})
    former = public.get("dataset/lab/ways/twice", params={"revision": "1"}, headers=HTML)
    assert '<meta name="robots" content="noindex">' in former.text
    assert '<script type="application/ld+json' not in former.text
    assert described(public.get("dataset/lab/ways/twice", headers=HTML))["name"] == "Second"


def listed(client: httpx.Client, served: Served) -> Iterator[str]:
    """Every address of the site map, through its index."""
    index = ElementTree.fromstring(client.get("sitemap.xml").content)
    assert index.tag == f"{MAP}sitemapindex"
    for part in index.iter(f"{MAP}loc"):
        answer = client.get(str(part.text).removeprefix(served.address))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/xml"
        for address in ElementTree.fromstring(answer.content).iter(f"{MAP}loc"):
            yield str(address.text)


def test_the_site_map_lists_what_everyone_may_read_once_and_nothing_else(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    addresses = list(listed(public, served))
    assert len(addresses) == len(set(addresses))
    exported = public.get("export", params={"format": "ndjson"}).text.splitlines()
    ids = {json.loads(line)["id"] for line in exported}
    assert {address.removeprefix(served.address) for address in addresses} >= ids
    assert served.address + CLOSED not in addresses
    # The same for whoever asks: it is for crawlers, and they are nobody in particular.
    assert set(listed(administrator, served)) == set(addresses)
    others = [address for address in addresses if address.removeprefix(served.address) not in ids]
    assert served.address in others
    for address in others:
        assert public.get(address, headers=HTML).status_code == 200, address


def test_a_record_leaves_the_site_map_when_it_is_hidden(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    administrator.put("sample/lab/ways/leaving", json={"body": {"title": {"en": "Leaving"}}})
    assert f"{served.address}sample/lab/ways/leaving" in set(listed(public, served))
    tag = public.get("sitemap/0.xml").headers["etag"]
    assert public.get("sitemap/0.xml", headers={"If-None-Match": tag}).status_code == 304
    administrator.post("hide/sample/lab/ways/leaving", json={})
    assert f"{served.address}sample/lab/ways/leaving" not in set(listed(public, served))
    assert public.get("sitemap/0.xml", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("part", ["999999.xml", "x.xml", "00.xml", "0", "-1.xml"])
def test_a_part_of_the_site_map_that_is_not_there_is_not_found(public: httpx.Client, part: str) -> None:
    assert public.get(f"sitemap/{part}").status_code == 404


def test_crawlers_are_told_where_the_site_map_is_and_what_to_leave(public: httpx.Client, served: Served) -> None:
    answer = public.get("robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == "User-agent: *"
    assert f"Sitemap: {served.address}sitemap.xml" in lines
    assert "Disallow: /records?" in lines
    assert not [line for line in lines if line in ("Disallow: /", "Disallow: /records", "Disallow: /dataset/")]


def test_the_data_set_is_described_alike_in_every_form_and_for_each_reader(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    made = administrator.put("sample/lab/ways/counted", json={"body": {"title": {"en": "Counted"}}})
    asked = {"query": "ASK {}", "waitFor": str(made.json()["position"]), "waitSeconds": "20", "format": "json"}
    # Statements are counted in the graph, which follows.
    assert public.get("sparql", params=asked).status_code == 200
    graphs = []
    for name, form in (
        ("turtle", pyoxigraph.RdfFormat.TURTLE),
        ("ntriples", pyoxigraph.RdfFormat.N_TRIPLES),
        ("rdfxml", pyoxigraph.RdfFormat.RDF_XML),
        ("jsonld", pyoxigraph.RdfFormat.JSON_LD),
    ):
        told = public.get("void", params={"format": name})
        assert told.headers["content-type"].partition(";")[0] == form.media_type
        graphs.append({quad.triple for quad in pyoxigraph.parse(told.content, format=form)})
    assert len(graphs[0]) > 50
    for other in graphs[1:]:
        assert other == graphs[0]
    graph, dataset = (
        Graph().parse(data=public.get("void").content, format="turtle"),
        URIRef(served.address + "void#dataset"),
    )
    assert (dataset, RDF.type, VOID.Dataset) in graph
    assert (dataset, VOID.sparqlEndpoint, URIRef(served.address + "sparql")) in graph
    assert str(graph.value(dataset, VOID.uriSpace)) == served.address
    counts = public.get("").json()["kinds"]
    assert int(str(graph.value(dataset, VOID.entities))) == sum(counts.values())
    part = URIRef(served.address + "void#class-dataset")
    assert int(str(graph.value(part, VOID.entities))) == counts["dataset"]
    assert graph.value(part, VOID["class"]) == URIRef("https://w3id.org/musubi/ns#Dataset")
    counted = {
        str(graph.value(one, VOID.property)): int(str(graph.value(one, VOID.triples)))
        for one in graph.objects(dataset, VOID.propertyPartition)
    }
    assert sum(counted.values()) == int(str(graph.value(dataset, VOID.triples)))
    assert counted["http://purl.org/dc/terms/title"] > 0
    everything = Graph().parse(data=administrator.get("void").content, format="turtle")
    assert int(str(everything.value(part, VOID.entities))) > counts["dataset"]
    assert public.get("void").headers["cache-control"].startswith("public")
    assert administrator.get("void").headers["cache-control"].startswith("private")
    found = public.get(".well-known/void")
    assert (found.status_code, found.headers["location"]) == (302, "/void")
    page = public.get("void", headers=HTML)
    assert "https://w3id.org/musubi/ns#Dataset" in page.text


def test_a_source_tells_its_licence_with_the_data_set(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    licence = "https://creativecommons.org/publicdomain/zero/1.0/"
    told = administrator.put("sources/free", json={"title": {"en": "Free"}, "homeScope": "lab", "licence": licence})
    assert told.status_code in (200, 201), told.text
    graph = Graph().parse(data=public.get("void").content, format="turtle")
    part = URIRef(served.address + "void#source-free")
    assert graph.value(part, DCTERMS.license) == URIRef(licence)
    assert (URIRef(served.address + "void#dataset"), VOID.subset, part) in graph


def test_a_records_rdf_says_what_the_graph_says_of_it(
    public: httpx.Client, administrator: httpx.Client, served: Served
) -> None:
    body = {
        "title": {"en": "Measured", "ja": "測定"},
        "derivedFrom": ["dataset/lab/ways/spectra", "dataset/lab/ways/closed"],
        "quality": [{"name": "resolution", "quantity": {"value": 0.05, "uncertainty": 0.001, "unit": "nm"}}],
    }
    made = administrator.put("dataset/lab/ways/same", json={"body": body})
    assert made.status_code in (200, 201), made.text
    administrator.put("files/dataset/lab/ways/same", json=[{"path": "a.dat", "size": 3}])
    marked = {"identifiers": [{"scheme": "doi", "value": "10.5555/ways", "primary": True}]}
    body |= marked
    other = administrator.put("dataset/lab/ways/other", json={"body": {"title": {"en": "The same"}, **marked}})
    assert other.status_code in (200, 201), other.text
    position = administrator.put("dataset/lab/ways/same", json={"body": {**body, "keywords": ["same"]}}).json()[
        "position"
    ]
    iri = served.address + "dataset/lab/ways/same"
    query = f'CONSTRUCT {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o FILTER (STR(?s) = "{iri}" || STRSTARTS(STR(?s), "{iri}#")) }}'
    asked = {"query": query, "waitFor": str(position), "waitSeconds": "20", "format": "ntriples"}
    graph = public.get("sparql", params=asked, headers={"Accept": "application/n-triples"})
    assert graph.status_code == 200, graph.text

    def read(text: bytes, form: pyoxigraph.RdfFormat) -> set[str]:
        # Through a store, which writes numbers in one way.
        store = pyoxigraph.Store()
        store.load(text, format=form)
        return {str(quad.triple) for quad in store}

    known = read(graph.content, pyoxigraph.RdfFormat.N_TRIPLES)
    assert len(known) > 15
    # What follows from another record is the graph's alone (docs/decisions.md).
    inferred = {f"<{iri}> <https://w3id.org/musubi/ns#sameIdentifier> <{served.address}dataset/lab/ways/other>"}
    assert inferred <= known
    known -= inferred
    assert (
        read(public.get("dataset/lab/ways/same", params={"format": "ntriples"}).content, pyoxigraph.RdfFormat.N_TRIPLES)
        == known
    )
    assert (
        read(public.get("dataset/lab/ways/same", params={"format": "turtle"}).content, pyoxigraph.RdfFormat.TURTLE)
        == known
    )
    document = public.get("dataset/lab/ways/same", params={"format": "jsonld"}).json()
    document["@context"] = public.get("context.jsonld").json()["@context"]
    assert read(json.dumps(document).encode(), pyoxigraph.RdfFormat.JSON_LD) == known
    exported = public.get("export", params={"kind": "dataset", "localId": "ways/same", "format": "nquads"})
    assert read(exported.content, pyoxigraph.RdfFormat.N_QUADS) == known
    assert any("generatedAtTime" in statement for statement in known)
    assert any("fileCount" in statement for statement in known)
    assert not any("ways/closed" in statement for statement in known)
