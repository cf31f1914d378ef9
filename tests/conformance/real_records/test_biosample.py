"""Twenty real BioSamples, in the dialect of NCBI and in that of DDBJ, become samples and lose nothing."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as Xml
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog.records.dates import is_date
from catalog.records.identifiers import record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import broken, judged, kept_their_kind, lost
from tests.conformance.real_records.reading_xml import Reading, squeezed, values_of

SCHEMES = {"BioSample": "biosample", "SRA": "insdc.sra"}
FIELDS = {"strain", "host", "sex", "tissue", "disease"}
LAT_LON = re.compile(r"([\d.]+) ([NS]) ([\d.]+) ([EW])")

# `is_primary` becomes `primary: true`; a link's `type` becomes its role, where an underline is a hyphen.
APART = frozenset({("Id", "is_primary"), ("Link", "type")})
# Databases that have a scheme of their own here.
SAID_BY_SCHEMES = set(SCHEMES)

# Accepted by the archives before today's rules: "NA" and "N/A" are no missing-value terms of INSDC, and three samples
# have no attribute at all. A strict submission of these is refused, a tolerant one is stored with its findings.
NOT_INSDC_WORDS = [("collection_date", "schema/format"), ("lat_lon", "schema/pattern")]
WITHOUT_ATTRIBUTES = ("SAMN00000005", "SAMN00000006", "SAMN00000009")
KNOWN: dict[str, list[tuple[str, str]]] = {
    "SAMD00000001": NOT_INSDC_WORDS,
    "SAMD00000014": NOT_INSDC_WORDS,
    **{accession: [("/attributes", "schema/contains")] for accession in WITHOUT_ATTRIBUTES},
}


def submission_of(element: Xml.Element) -> Submission:
    """A BioSample as a sample."""
    xml = Reading(element)
    primary = next(one for one in xml.parts("Ids/Id") if one.value("is_primary"))
    accession = primary.text() or ""
    xml.value("accession")
    identifiers: list[dict[str, Any]] = [{"scheme": "biosample", "value": accession, "primary": True}]
    primary.value("db"), primary.value("namespace")
    for one in xml.parts("Ids/Id"):
        if one.element is not primary.element and (told := one.text()):
            scheme = one.value("db") or "other"
            identifiers.append({"scheme": SCHEMES.get(scheme, scheme), "value": told})
    body: dict[str, Any] = {
        "title": {"en": xml.text("Description/Title")},
        "identifiers": identifiers,
        "organism": {"taxId": int(xml.value("taxonomy_id", "Description/Organism") or 0)},
    }
    name = xml.value("taxonomy_name", "Description/Organism") or xml.text("Description/Organism/OrganismName")
    body["organism"]["name"] = name
    for field, attribute in (
        ("createdAt", "submission_date"),
        ("modifiedAt", "last_update"),
        ("issuedAt", "publication_date"),
    ):
        if told := xml.value(attribute):
            body[field] = told
    if told := xml.text("Description/SampleName"):
        body["alternateNames"] = [told]
    if paragraphs := [one.text() or "" for one in xml.parts("Description/Comment/Paragraph")]:
        body["description"] = {"en": "\n\n".join(paragraphs)}
    if owner := xml.text("Owner/Name"):
        body["contributors"] = [{"to": record_id("agent", "insdc", owner), "role": "owner"}]
    attributes = [{"name": "model", "value": one.text()} for one in xml.parts("Models/Model")]
    if package := xml.text("Package"):
        attributes.append({"name": "package", "value": package})
    attributes += [take_attribute(one, body) for one in xml.parts("Attributes/Attribute")]
    body["seeAlso"] = [link_of(one) for one in xml.parts("Links/Link")]
    body["attributes"] = attributes + xml.rest()
    return Submission("sample", "insdc", accession, body, "insdc-biosample@1")


def take_attribute(one: Reading, body: dict[str, Any]) -> dict[str, Any]:
    """One attribute with its harmonised term; what a field can say, the field says too."""
    name, value = one.value("attribute_name") or "", one.text() or ""
    made: dict[str, Any] = {"name": name, "value": value}
    harmonised = one.value("harmonized_name")
    if harmonised:
        made["term"] = {"term": f"biosample:{harmonised}", "label": {"en": one.value("display_name")}}
    meant = harmonised or name
    if meant == "collection_date" and is_date(value):
        body["collectedAt"] = value
    elif meant == "lat_lon" and (found := LAT_LON.fullmatch(value)):
        lat, south, long, west = found.groups()
        body["place"] = {
            "lat": float(lat) * (-1 if south == "S" else 1),
            "long": float(long) * (-1 if west == "W" else 1),
        }
    elif meant == "bioproject_id":
        body["projects"] = [record_id("project", "insdc", value)]
    elif meant in FIELDS:
        body.setdefault(meant, value)
    return made


def link_of(one: Reading) -> dict[str, Any]:
    """A link with the word that it bears."""
    target, label, told = one.value("target"), one.value("label"), one.text() or ""
    made: dict[str, Any] = {"role": (one.value("type") or "").replace("_", "-")}
    if made["role"] == "url":
        made["to"] = told
    else:
        # An Entrez link names its database in `target`, a DDBJ one in `label`.
        made["to"] = f"https://www.ncbi.nlm.nih.gov/{target or label}/{told}"
    if label or target:
        made["note"] = label or target
    return made


@pytest.fixture(scope="module")
def records(test_data: Path) -> list[Xml.Element]:
    """The records of both files."""
    return [
        element
        for path in sorted((test_data / "insdc" / "biosample").glob("*.xml.gz"))
        for element in Xml.fromstring(gzip.decompress(path.read_bytes()))
    ]


def test_every_biosample_keeps_its_kind_and_breaks_its_profile_only_where_it_is_known(
    records: list[Xml.Element],
) -> None:
    assert len(records) == 20
    verdicts = judged([submission_of(element) for element in records])
    assert kept_their_kind(verdicts)
    said = {
        accession: [(attribute_at(verdicts, accession, pointer), rule) for pointer, rule in findings]
        for accession, findings in broken(verdicts).items()
    }
    assert said == KNOWN


def attribute_at(verdicts: list[Any], accession: str, pointer: str) -> str:
    """The name of the attribute that a finding speaks of."""
    body = next(one.submission.body for one in verdicts if one.submission.local_id == accession)
    steps = pointer.split("/")
    return str(body["attributes"][int(steps[2])]["name"]) if len(steps) > 2 else pointer


def test_no_value_of_a_biosample_is_lost(records: list[Xml.Element]) -> None:
    for element in records:
        submission = submission_of(element)
        assert lost(values_of(element, apart=APART) - SAID_BY_SCHEMES, submission) == [], submission.local_id


def test_each_attribute_keeps_its_value_beside_its_name_and_term(records: list[Xml.Element]) -> None:
    for element in records:
        said = Counter(
            (one.get("attribute_name"), squeezed(one.text), one.get("harmonized_name"))
            for one in element.iter("Attribute")
        )
        kept = Counter(
            (one["name"], one["value"], one["term"]["term"].removeprefix("biosample:") if "term" in one else None)
            for one in submission_of(element).body["attributes"]
        )
        assert said <= kept, element.get("accession")
