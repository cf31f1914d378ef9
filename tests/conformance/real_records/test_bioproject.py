"""Twenty real BioProjects, in the dialect of NCBI and in that of DDBJ, become projects and lose nothing."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

import pytest

from catalog.records.dates import is_date
from catalog.records.identifiers import is_iri, record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import broken, judged, kept_their_kind, lost
from tests.conformance.real_records.reading_xml import Reading, values_of

CHOICES = frozenset({"ProjectType", "Relevance", "Link"})
ABOUT = "Project/Project/ProjectDescr"
TYPE = "Project/Project/ProjectType"

KNOWN: dict[str, list[tuple[str, str]]] = {}


def submission_of(element: Xml.Element) -> Submission:
    """A BioProject as a project."""
    xml = Reading(element)
    accession = xml.value("accession", "Project/Project/ProjectID/ArchiveID") or ""
    body: dict[str, Any] = {
        "title": {"en": xml.text(f"{ABOUT}/Title")},
        "description": {"en": xml.text(f"{ABOUT}/Description")},
        "code": accession,
        "identifiers": [{"scheme": "bioproject", "value": accession, "primary": True}],
    }
    if number := xml.value("id", "Project/Project/ProjectID/ArchiveID"):
        body["identifiers"].append({"scheme": "bioproject.id", "value": number})
    if name := xml.text(f"{ABOUT}/Name"):
        body["alternateNames"] = [name]
    if told := xml.text(f"{ABOUT}/ProjectReleaseDate"):
        body["releaseAt"] = told
    if (told := xml.value("submitted", "Project/Submission")) and is_date(told):
        body["createdAt"] = told
    attributes: list[dict[str, Any]] = []
    (project_type,) = (part for part in element.find(TYPE) or ())
    attributes.append({"name": "project type", "value": project_type.tag})
    body["type"] = "umbrella" if project_type.tag == "ProjectTypeTopAdmin" else "bioproject"
    for part in element.findall(f"{ABOUT}/Relevance/*"):
        body["relevance"] = part.tag
    target = f"{TYPE}/{project_type.tag}/Target"
    attributes += [
        {"name": word, "value": told}
        for word in ("sample_scope", "material", "capture")
        if (told := xml.value(word, target))
    ]
    where = f"{target}/Organism" if project_type.find("Target/Organism") is not None else None
    if project_type.find("Organism") is not None:
        where = f"{TYPE}/{project_type.tag}/Organism"
    if where:
        taxon = xml.value("taxID", where)
        body["organism"] = {"name": xml.text(f"{where}/OrganismName"), "taxId": int(taxon or 0)}
    body["dataTypes"] = [one.text() for one in xml.parts(f"{TYPE}/*/ProjectDataTypeSet/DataType")]
    body["contributors"] = contributors_of(xml)
    body["funding"] = [grant_of(one) for one in xml.parts(f"{ABOUT}/Grant")]
    take_links(xml, body)
    take_publications(xml, body)
    body["attributes"] = attributes + xml.rest()
    return Submission(
        "project", "insdc", accession, {key: told for key, told in body.items() if told}, "insdc-bioproject@1"
    )


def contributors_of(xml: Reading) -> list[dict[str, Any]]:
    """The organisations that own or take part."""
    return [
        {"to": record_id("agent", "insdc", name), "role": one.value("role") or "member"}
        for one in xml.parts("Project/Submission/Description/Organization")
        if (name := one.text("Name"))
    ]


def grant_of(one: Reading) -> dict[str, Any]:
    """A grant; an agency's abbreviation stays an attribute."""
    made: dict[str, Any] = {"number": one.value("GrantId")}
    for field, path in (("funder", "Agency"), ("title", "Title")):
        if told := one.text(path):
            made[field] = {"en": told}
    return {field: told for field, told in made.items() if told}


def take_links(xml: Reading, body: dict[str, Any]) -> None:
    """Umbrellas as parents, peers as relations, pages as links."""
    own = body["code"]
    for one in xml.parts("Project/ProjectLinks/Link"):
        member = one.element.find("Hierarchical/MemberID")
        if member is not None and member.get("accession") == own and (whole := one.value("accession", "ProjectIDRef")):
            body.setdefault("parents", []).append(record_id("project", "insdc", whole))
    for one in xml.parts(f"{ABOUT}/ExternalLink"):
        if (told := one.element.findtext("URL")) and is_iri(told):
            link = {"to": one.text("URL")}
            if label := one.value("label"):
                link["note"] = label
            body.setdefault("seeAlso", []).append(link)


def take_publications(xml: Reading, body: dict[str, Any]) -> None:
    """Publications as links; the structured citations, with their authors, are kept whole."""
    citations = []
    for one in xml.parts(f"{ABOUT}/Publication"):
        number, database = one.value("id") or "", one.text("DbType")
        if database == "ePubmed" and number.isdigit():
            body.setdefault("publications", []).append(f"https://pubmed.ncbi.nlm.nih.gov/{number}/")
        cited: dict[str, Any] = {"id": number, "database": database}
        for part in one.parts("StructuredCitation"):
            authors = [
                {name: told for name in ("First", "Last") if (told := author.text(f"Name/{name}"))}
                | {name: told for name in ("Consortium",) if (told := author.text(name))}
                for author in part.parts("AuthorSet/Author")
            ]
            cited |= {"authors": authors, "title": part.text("Title")}
            cited |= {
                name: told
                for name in ("JournalTitle", "Year", "Volume", "Issue", "PagesFrom", "PagesTo")
                if (told := part.text(f"Journal/{name}"))
            }
        citations.append(cited)
    if citations:
        body["details"] = {"citations": citations}


@pytest.fixture(scope="module")
def records(test_data: Path) -> list[Xml.Element]:
    """The records of both files."""
    return [
        element
        for path in sorted((test_data / "insdc" / "bioproject").glob("*.xml"))
        for element in Xml.parse(path).getroot()
    ]


def test_every_bioproject_keeps_its_kind_and_breaks_its_profile_only_where_it_is_known(
    records: list[Xml.Element],
) -> None:
    assert len(records) == 20
    verdicts = judged([submission_of(element) for element in records])
    assert kept_their_kind(verdicts)
    assert broken(verdicts) == KNOWN


def test_no_value_of_a_bioproject_is_lost(records: list[Xml.Element]) -> None:
    for element in records:
        submission = submission_of(element)
        assert lost(values_of(element, choices=CHOICES), submission) == [], submission.local_id
