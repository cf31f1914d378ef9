"""Typed links: where programs go on from a record, in headers and as a link set."""

from __future__ import annotations

import json

from catalog.web.negotiation import HTML, JSON, TURTLE
from catalog.web.signposts import MOST_IN_HEADER, Signpost, header, of_form, of_page, whole

FORMS = (JSON, HTML, TURTLE)
DOCUMENT = {
    "id": "dataset/lab/d",
    "type": ["Dataset", "dcat:Dataset"],
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "identifiers": [{"scheme": "doi", "text": "10.5072/x", "primary": True}],
    "contributors": [
        {"to": "agent/lab/a", "as": {"hadRole": "ro:creator", "order": 1}},
        {"to": "agent/lab/b", "as": {"hadRole": "ro:creator", "order": 2}},
    ],
    "hasPart": [{"to": "dataset/lab/part"}],
    "isPartOf": [{"to": "https://example.org/whole"}],
}
AGENTS = {"agent/lab/a": {"id": "agent/lab/a", "identifiers": [{"scheme": "orcid", "text": "0000-0001-2345-6789"}]}}


def by_rel(posts: list[Signpost]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for post in posts:
        told.setdefault(post.rel, []).append(post.href)
    return told


def test_a_page_leads_to_all_that_signposting_asks_of_a_landing_page() -> None:
    assert by_rel(of_page("dataset/lab/d", "/", FORMS, DOCUMENT, AGENTS, files=True)) == {
        "cite-as": ["https://doi.org/10.5072/x"],
        "type": ["https://schema.org/AboutPage", "https://schema.org/Dataset"],
        "license": ["https://creativecommons.org/licenses/by/4.0/"],
        "author": ["https://orcid.org/0000-0001-2345-6789", "/agent/lab/b"],
        "item": ["/dataset/lab/part", "/files/dataset/lab/d"],
        "collection": ["https://example.org/whole"],
        "describedby": ["/dataset/lab/d?format=json", "/dataset/lab/d?format=turtle"],
        "alternate": ["/dataset/lab/d?format=json", "/dataset/lab/d?format=turtle"],
        "linkset": ["/dataset/lab/d?format=linkset"],
    }
    bare = by_rel(of_page("dataset/lab/d", "/", FORMS, None, {}))
    assert set(bare) == {"describedby", "alternate", "linkset"}


def test_a_form_leads_to_the_page_and_to_the_other_forms() -> None:
    assert by_rel(of_form("dataset/lab/d", "/here/", FORMS, TURTLE, None)) == {
        "describes": ["/here/dataset/lab/d"],
        "alternate": ["/here/dataset/lab/d?format=json"],
        "linkset": ["/here/dataset/lab/d?format=linkset"],
    }


def test_a_header_is_ascii_and_holds_of_many_links_the_first() -> None:
    many = [Signpost("item", f"https://example.org/試料/{number}") for number in range(50)]
    told = header([*many, Signpost("type", "https://schema.org/Dataset"), Signpost("alternate", "/x", "text/turtle")])
    assert told.isascii()
    assert told.count('rel="item"') == MOST_IN_HEADER
    assert "<https://example.org/%E8%A9%A6%E6%96%99/0>" in told
    assert told.endswith('<https://schema.org/Dataset>; rel="type", </x>; rel="alternate"; type="text/turtle"')


def test_a_link_set_tells_the_links_of_the_page_and_of_each_form() -> None:
    told = json.loads(whole("dataset/lab/d", "https://c.example/", FORMS, DOCUMENT, AGENTS))["linkset"]
    assert [one["anchor"] for one in told] == [
        "https://c.example/dataset/lab/d",
        "https://c.example/dataset/lab/d?format=json",
        "https://c.example/dataset/lab/d?format=turtle",
    ]
    assert told[0]["cite-as"] == told[2]["cite-as"] == [{"href": "https://doi.org/10.5072/x"}]
    assert told[1]["describes"] == [{"href": "https://c.example/dataset/lab/d", "type": "text/html"}]
