"""Records in the words of schema.org: what search engines ask for is there, and nothing that a type does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.records.record import Source
from catalog.web.negotiation import Language
from catalog.web.pages import as_data
from catalog.web.schema_org import CONTEXT, LONGEST_DESCRIPTION, Surroundings, citable, creators_of, schema_org
from tests.unit.web.sample_forms import sample_documents, sample_sources

BASE = "https://catalogue.example.org/"

THING = {
    "@context", "@type", "@id", "name", "alternateName", "description", "identifier", "mainEntityOfPage", "sameAs", "subjectOf", "url",
}  # fmt: skip
WORK = THING | {
    "about", "abstract", "author", "citation", "conditionsOfAccess", "contributor", "creator", "dateCreated", "dateModified",
    "datePublished", "encodingFormat", "expires", "funding", "hasPart", "headline", "inLanguage", "isAccessibleForFree", "isBasedOn",
    "isPartOf", "keywords", "license", "mentions", "provider", "sdDatePublished", "sdLicense", "size", "spatialCoverage",
    "temporalCoverage", "text", "version",
}  # fmt: skip
ACTION = THING | {"actionStatus", "agent", "endTime", "startTime", "instrument", "location", "object", "result"}
# What schema.org lets a type have, of what is told here at all.
PROPERTIES = {
    "Thing": THING,
    "Dataset": WORK | {"includedInDataCatalog", "variableMeasured"},
    "DigitalDocument": WORK,
    "PresentationDigitalDocument": WORK,
    "CreativeWork": WORK,
    "ScholarlyArticle": WORK | {"pagination"},
    "Report": WORK | {"pagination"},
    "Thesis": WORK,
    "Book": WORK,
    "SoftwareSourceCode": WORK | {"codeRepository", "runtimePlatform"},
    "SoftwareApplication": WORK | {"softwareVersion"},
    "Person": THING | {"familyName", "givenName", "affiliation"},
    "Organization": THING | {"keywords", "parentOrganization", "member"},
    "ResearchProject": THING | {"keywords", "parentOrganization", "member", "foundingDate", "dissolutionDate", "funding"},
    "Action": ACTION,
    "CreateAction": ACTION,
    "IndividualProduct": THING | {"keywords", "manufacturer", "model", "category", "serialNumber"},
    "Service": THING | {"provider", "serviceType", "availableChannel"},
    "WebAPI": THING | {"provider", "serviceType", "availableChannel", "documentation"},
    "DefinedTerm": THING | {"termCode", "inDefinedTermSet"},
}  # fmt: skip
# Bioschemas' profiles allow it of a sample.
OF_SAMPLES = {"additionalProperty", "https://bioschemas.org/taxonomicRange"}


def around(language: Language = "en", **named: Any) -> Surroundings:
    told: dict[str, Any] = {"source": Source("lab", 1, {"en": "The laboratory"}, "lab"), "titles": {}, **named}
    return Surroundings(BASE, language, **told)


@cache
def documents() -> Mapping[str, Mapping[str, Any]]:
    return sample_documents()


def told_of(id: str, language: Language = "en") -> dict[str, Any]:
    """A record of the sample as its page tells it."""
    document, titles = documents()[id], {other: one["title"] for other, one in documents().items()}
    agents = {maker: documents()[maker] for maker in creators_of(document) if maker in documents()}
    source = next(source for source in sample_sources() if source.id == id.split("/")[1])
    return schema_org(document, around(language, titles=titles, agents=agents, source=source))


@pytest.mark.parametrize("id", sorted(documents()))
def test_a_record_has_only_properties_that_its_type_has(id: str) -> None:
    for language in ("en", "ja"):
        told = told_of(id, language)
        assert told["@context"] == CONTEXT
        assert told["url"] == told["@id"] == BASE + id
        types = told["@type"] if isinstance(told["@type"], list) else [told["@type"]]
        allowed = PROPERTIES[types[0]] | (OF_SAMPLES if id.startswith("sample/") else set())
        assert set(told) - allowed == set()
        assert told["name"]
        assert "" not in told.values()


@pytest.mark.parametrize("id", [id for id in sorted(documents()) if id.startswith("dataset/")])
def test_a_dataset_has_what_a_dataset_search_asks_for(id: str) -> None:
    for language in ("en", "ja"):
        told = told_of(id, language)
        assert told["@type"] == "Dataset"
        assert 50 <= len(told["description"]) <= LONGEST_DESCRIPTION
        assert told["includedInDataCatalog"] == {"@type": "DataCatalog", "name": "Musubi", "url": BASE}
        for maker in told.get("creator", ()):
            assert maker["@type"] in ("Person", "Organization")
            assert maker["name"]
        if "license" in told:
            assert told["license"].startswith("http")


def test_every_kind_of_the_sample_is_told() -> None:
    assert {id.partition("/")[0] for id in documents()} == {
        "agent", "dataset", "experiment", "instrument", "module", "policy", "project", "publication", "run", "sample",
        "service", "template", "term", "workflow",
    }  # fmt: skip


def test_a_dataset_says_who_made_it_where_when_and_from_what() -> None:
    document = {
        "id": "dataset/lab/d",
        "type": ["Dataset", "dcat:Dataset", "schema:Dataset", "Record"],
        "title": {"en": "Spectra", "ja": "スペクトル"},
        "description": {"en": "Absorption spectra of a cathode, at the nickel edge and far above it."},
        "identifiers": [
            {"id": "dataset/lab/d#id/doi/1", "scheme": "doi", "text": "10.5072/x", "primary": True, "state": "registered"},
            {"id": "dataset/lab/d#id/local/2", "scheme": "local", "text": "d-1"},
        ],
        "contributors": [
            {"to": "agent/lab/second", "as": {"hadRole": "ro:creator", "order": 2}},
            {"to": "agent/lab/first", "as": {"hadRole": "ro:creator", "order": 1}},
            {"to": "agent/lab/helper", "as": {"hadRole": "ro:curator"}},
        ],
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "keywords": ["XAFS", {"to": "http://purl.org/x/T1", "label": {"en": "absorption"}}],
        "temporalCoverage": {"@type": "edtf", "is": "2023-04/2023-05"},
        "issuedAt": {"@type": "date", "is": "2025-09-01"},
        "createdAt": {"@type": "missing", "is": "not collected"},
        "spatialCoverage": {"id": "dataset/lab/d#p", "type": "Place", "country": "JP", "lat": 0, "long": 138.1},
        "derivedFrom": [{"to": "dataset/lab/raw"}, {"to": "https://example.org/powder"}],
        "funding": [{"id": "dataset/lab/d#f", "awardNumber": "99H1", "funderName": {"ja": "基金"}, "funderId": "https://ror.org/0x"}],
        "dimensions": [{"id": "dataset/lab/d#x", "name": "energy", "unitSymbol": "eV", "length": 641}],
        "access": "open",
    }  # fmt: skip
    agents = {
        "agent/lab/first": {
            "id": "agent/lab/first", "category": "person", "identifiers": [{"scheme": "orcid", "text": "0000-0001-2345-6789"}],
        },
        "agent/lab/second": {"id": "agent/lab/second", "category": "group"},
    }  # fmt: skip
    titles = {"agent/lab/first": {"en": "First"}, "agent/lab/second": {"ja": "二番"}, "dataset/lab/raw": {"en": "Raw"}}
    told = schema_org(document, around(titles=titles, agents=agents))
    assert told["name"] == "Spectra"
    assert told["alternateName"] == ["スペクトル"]
    assert told["description"].startswith("Absorption spectra")
    assert [(one["@type"], one["name"]) for one in told["creator"]] == [("Person", "First"), ("Organization", "二番")]
    assert told["creator"][0]["sameAs"] == ["https://orcid.org/0000-0001-2345-6789"]
    assert told["contributor"][0]["@id"] == BASE + "agent/lab/helper"
    assert told["identifier"][0]["url"] == "https://doi.org/10.5072/x"
    assert told["sameAs"] == ["https://doi.org/10.5072/x"]
    assert told["keywords"] == ["XAFS", {"@type": "DefinedTerm", "@id": "http://purl.org/x/T1", "name": "absorption", "url": "http://purl.org/x/T1"}]  # fmt: skip
    assert told["temporalCoverage"] == "2023-04/2023-05"
    assert told["datePublished"] == "2025-09-01"
    assert "dateCreated" not in told
    assert told["spatialCoverage"]["geo"] == {"@type": "GeoCoordinates", "latitude": 0, "longitude": 138.1}
    assert [one["@id"] for one in told["isBasedOn"]] == [BASE + "dataset/lab/raw", "https://example.org/powder"]
    assert told["funding"] == [{"@type": "Grant", "identifier": "99H1", "funder": {"@type": "Organization", "name": "基金", "@id": "https://ror.org/0x"}}]  # fmt: skip
    assert told["variableMeasured"] == [{"@type": "PropertyValue", "name": "energy", "unitText": "eV"}]
    assert told["isAccessibleForFree"] is True
    assert citable(document) == "https://doi.org/10.5072/x"


def test_only_a_primary_doi_that_is_registered_is_cited() -> None:
    def cited(**said: Any) -> str | None:
        return citable({"identifiers": [{"scheme": "doi", "text": "10.5072/x", **said}]})

    assert cited(primary=True) == "https://doi.org/10.5072/x"
    assert cited() is None
    assert cited(primary=True, state="reserved") is None
    assert citable({"identifiers": [{"scheme": "local", "text": "x", "primary": True}]}) is None
    assert citable({}) is None


def test_a_description_that_is_too_short_is_told_at_length_and_one_too_long_is_cut() -> None:
    document = {"id": "dataset/lab/d", "type": ["Dataset"], "title": {"en": "Short"}}
    assert len(schema_org(document, around())["description"]) >= 50
    long = schema_org({**document, "description": {"en": "word " * 2_000}}, around())["description"]
    assert len(long) <= LONGEST_DESCRIPTION
    assert long.endswith("word…")
    assert (
        len(schema_org({**document, "description": {"ja": "語" * 9_000}}, around("ja"))["description"])
        == LONGEST_DESCRIPTION
    )


def test_a_kind_of_ones_own_is_what_its_schema_says_it_is() -> None:
    document = {"id": "voyage/lab/v", "type": ["Voyage", "schema:Trip", "Record"], "title": {"en": "A voyage"}}
    assert schema_org(document, around())["@type"] == "Trip"
    assert schema_org({**document, "type": ["Voyage", "Record"]}, around())["@type"] == "Thing"


@given(st.text())
def test_no_text_of_a_record_ends_the_element_that_it_is_told_in(text: str) -> None:
    title = f"</script><script>alert(1)</script><!-- {text}\u2028]]>"
    told = schema_org({"id": "sample/lab/s", "type": ["Sample"], "title": {"en": title}}, around())
    written = str(as_data(told))
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["name"] == title
