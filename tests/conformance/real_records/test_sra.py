"""Every record of thirty real DRA, ERA and SRA submissions finds its kind, keeps its profile and loses nothing.

Counts, spellings and both dialects of accessions are as they are there: trailing blanks in tags and in values,
identifiers as attributes and as elements.
"""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog.records.identifiers import is_iri, record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import as_number, broken, judged, kept_their_kind, lost
from tests.conformance.real_records.reading_xml import Reading, squeezed, values_of

SOURCE = "insdc"

# Where the choice of an element is the value.
CHOICES = frozenset({"LIBRARY_LAYOUT", "PLATFORM", "ANALYSIS_TYPE"})

# `sra_object_type` is the kind of the link that a target becomes; MD5 is written in small letters here.
# What the label of a primary id that is not the archive's own says; the identifier's scheme says it here.
DATABASES = {"BioSample ID": "biosample", "BioProject ID": "bioproject"}

# Said by an identifier's scheme, in small letters.
SAID_BY_SCHEMES = {*DATABASES, "BioSample", "BioProject"}

APART = frozenset({("TARGET", "sra_object_type"), ("FILE", "checksum_method")})


def english(told: str | None) -> dict[str, str] | None:
    """The archives' language."""
    return {"en": told} if told else None


def identifiers_of(xml: Reading) -> list[dict[str, Any]]:
    """The accession first; the others as both dialects have them."""
    accession = xml.value("accession")
    found: list[dict[str, Any]] = [{"scheme": "insdc.sra", "value": accession, "primary": True}] if accession else []
    take_if_said(xml, "IDENTIFIERS/PRIMARY_ID", accession)
    found += [
        {"scheme": DATABASES[label], "value": told}
        for one in xml.parts("IDENTIFIERS/PRIMARY_ID")
        if (label := one.element.get("label", "")) in DATABASES and (told := one.text()) and one.value("label")
    ]
    if alias := xml.value("alias"):
        found.append({"scheme": "alias", "value": alias})
    for scheme, path in (("secondary", "SECONDARY_ID"), ("uuid", "UUID")):
        found += [{"scheme": scheme, "value": told} for one in xml.parts(f"IDENTIFIERS/{path}") if (told := one.text())]
    for one in xml.parts("IDENTIFIERS/EXTERNAL_ID"):
        if one.element.get("namespace", "").lower() in ("biosample", "bioproject") and (told := one.text()):
            one.value("namespace")
            found.append({"scheme": one.element.get("namespace", "").lower(), "value": told})
    return found


def contributors_of(xml: Reading) -> list[dict[str, Any]]:
    """The centres that had a part in it."""
    roles = {
        "center_name": "submitter",
        "broker_name": "broker",
        "run_center": "sequencing-center",
        "analysis_center": "analysis-center",
    }
    return [
        {"to": record_id("agent", SOURCE, told), "role": role}
        for name, role in roles.items()
        if (told := xml.value(name))
    ]


def attributes_of(xml: Reading, path: str) -> list[dict[str, Any]]:
    """What the submitter added, as a quantity where a number stands beside a known unit."""
    made: list[dict[str, Any]] = []
    for one in xml.parts(path):
        # The tag's own blanks are kept: "actual_read_length " and "actual_read_length" are two names.
        name, value, unit = one.element.findtext("TAG") or "", one.text("VALUE"), one.element.findtext("UNITS")
        one.text("TAG")
        number = as_number(value or "")
        if unit == "bp" and number is not None:
            one.text("UNITS")
            made.append({"name": name, "quantity": {"value": number, "unit": "bp"}})
        else:
            made.append({"name": name, "value": value or ""})
    return made


def links_of(xml: Reading, path: str, body: dict[str, Any]) -> None:
    """Pages as links, PubMed as publications; cross-references to other databases stay attributes."""
    for one in xml.parts(path):
        if (url := one.element.findtext("URL_LINK/URL")) and is_iri(url.strip()):
            link = {"to": one.text("URL_LINK/URL")}
            if label := one.text("URL_LINK/LABEL"):
                link["note"] = label
            body.setdefault("seeAlso", []).append(link)
        elif (one.element.findtext("XREF_LINK/DB") or "").lower() == "pubmed":
            number = one.text("XREF_LINK/ID")
            one.text("XREF_LINK/DB")
            made = {"to": f"https://pubmed.ncbi.nlm.nih.gov/{number}/", "note": "pubmed"}
            field = "publications" if "publications" in PUBLISHED.get(xml.name, ()) else "seeAlso"
            body.setdefault(field, []).append(made)


PUBLISHED = {"STUDY": ("publications",), "ANALYSIS": ("publications",)}


def take_if_said(xml: Reading, path: str, said: str | None) -> None:
    """Pass over a text that says again what was said; another one stays."""
    if said is not None and squeezed(xml.element.findtext(path)) == said:
        xml.text(path)


def reference(xml: Reading, kind: str, path: str) -> list[str]:
    """The link that a reference is; how else it is named there stays among the attributes."""
    found: list[str] = []
    for one in xml.parts(path):
        if accession := one.value("accession"):
            take_if_said(one, "IDENTIFIERS/PRIMARY_ID", accession)
            found.append(record_id(kind, SOURCE, accession))
    return found


def study(xml: Reading, body: dict[str, Any]) -> None:
    """STUDY: a project."""
    body["type"] = "study"
    body["title"] = english(xml.text("DESCRIPTOR/STUDY_TITLE"))
    body["abstract"] = english(xml.text("DESCRIPTOR/STUDY_ABSTRACT"))
    body["description"] = english(xml.text("DESCRIPTOR/STUDY_DESCRIPTION"))
    if told := xml.text("DESCRIPTOR/CENTER_PROJECT_NAME"):
        body["alternateNames"] = [told]
    body["attributes"] = [{"name": "study_type", "value": xml.value("existing_study_type", "DESCRIPTOR/STUDY_TYPE")}]
    links_of(xml, "STUDY_LINKS/STUDY_LINK", body)


def sample(xml: Reading, body: dict[str, Any]) -> None:
    """SAMPLE: a sample."""
    body["title"] = english(xml.text("TITLE"))
    body["description"] = english(xml.text("DESCRIPTION"))
    body["organism"] = {"taxId": int(xml.text("SAMPLE_NAME/TAXON_ID") or 0)}
    if told := xml.text("SAMPLE_NAME/SCIENTIFIC_NAME"):
        body["organism"]["name"] = told
    body["alternateNames"] = [
        told
        for name in ("COMMON_NAME", "INDIVIDUAL_NAME", "ANONYMIZED_NAME")
        if (told := xml.text(f"SAMPLE_NAME/{name}"))
    ]
    links_of(xml, "SAMPLE_LINKS/SAMPLE_LINK", body)


def experiment(xml: Reading, body: dict[str, Any]) -> None:
    """EXPERIMENT: an experiment of type sequencing."""
    body["type"] = "sequencing"
    body["title"] = english(xml.text("TITLE"))
    body["design"] = english(xml.text("DESIGN/DESIGN_DESCRIPTION"))
    body["projects"] = reference(xml, "project", "STUDY_REF")
    body["samples"] = [{"to": to, "role": "measured"} for to in reference(xml, "sample", "DESIGN/SAMPLE_DESCRIPTOR")]
    described = "DESIGN/LIBRARY_DESCRIPTOR"
    library: dict[str, Any] = {
        field: told
        for field, name in (
            ("name", "NAME"),
            ("strategy", "STRATEGY"),
            ("source", "SOURCE"),
            ("selection", "SELECTION"),
        )
        if (told := xml.text(f"{described}/LIBRARY_{name}"))
    }
    for layout in xml.parts(f"{described}/LIBRARY_LAYOUT/*"):
        library["layout"] = layout.name
        for field, name in (("insertSize", "NOMINAL_LENGTH"), ("insertSizeDeviation", "NOMINAL_SDEV")):
            if (length := as_number(layout.value(name) or "")) is not None:
                library[field] = {"value": length, "unit": "bp"}
    if protocol := xml.text(f"{described}/LIBRARY_CONSTRUCTION_PROTOCOL"):
        library["protocolText"] = {"en": protocol}
    body["library"] = library
    body["strategy"] = library.get("strategy")
    for platform in xml.parts("PLATFORM/*"):
        body["platform"] = platform.name
        if model := platform.text("INSTRUMENT_MODEL"):
            body["attributes"] = [{"name": "instrument_model", "value": model}]
    links_of(xml, "EXPERIMENT_LINKS/EXPERIMENT_LINK", body)


def run(xml: Reading, body: dict[str, Any]) -> None:
    """RUN: a raw dataset."""
    body["type"] = "raw"
    body["title"] = english(xml.text("TITLE") or xml.element.get("alias"))
    body["temporalCoverage"] = xml.value("run_date")
    body["generatedBy"] = reference(xml, "experiment", "EXPERIMENT_REF")


def analysis(xml: Reading, body: dict[str, Any]) -> None:
    """ANALYSIS: a derived dataset."""
    body["type"] = "derived"
    body["title"] = english(xml.text("TITLE"))
    body["description"] = english(xml.text("DESCRIPTION"))
    body["createdAt"] = xml.value("analysis_date")
    body["projects"] = reference(xml, "project", "STUDY_REF")
    body["samples"] = reference(xml, "sample", "SAMPLE_REF")
    body["derivedFrom"] = reference(xml, "dataset", "RUN_REF") + reference(xml, "dataset", "ANALYSIS_REF")
    body["generatedBy"] = reference(xml, "experiment", "EXPERIMENT_REF")
    body["attributes"] = [{"name": "analysis_type", "value": one.name} for one in xml.parts("ANALYSIS_TYPE/*")]
    for one in xml.parts("TARGETS/TARGET"):
        field, kind = TARGETS[one.element.get("sra_object_type", "")]
        body[field].append(record_id(kind, SOURCE, one.value("accession") or ""))
        one.value("sra_object_type")
    links_of(xml, "ANALYSIS_LINKS/ANALYSIS_LINK", body)


def project(xml: Reading, body: dict[str, Any]) -> None:
    """PROJECT, as ENA has it: a BioProject."""
    body["type"] = "bioproject"
    body["title"] = english(xml.text("TITLE"))
    body["description"] = english(xml.text("DESCRIPTION"))
    body["identifiers"][0]["scheme"] = "bioproject"
    body["attributes"] = [
        {"name": "project type", "value": "ProjectTypeSubmission" if one.name == "SUBMISSION_PROJECT" else one.name}
        for one in [*xml.parts("SUBMISSION_PROJECT"), *xml.parts("UMBRELLA_PROJECT")]
    ]


TARGETS = {"RUN": ("derivedFrom", "dataset"), "EXPERIMENT": ("generatedBy", "experiment")}


def submission(xml: Reading, body: dict[str, Any]) -> None:
    """SUBMISSION: the load that brought the others in."""
    body["type"] = "load"
    body["title"] = english(xml.text("TITLE"))
    body["endedAt"] = xml.value("submission_date")
    body["agents"] = body.pop("contributors")


def files_of(xml: Reading) -> tuple[dict[str, Any], ...]:
    """The files of a run or an analysis, in their order."""
    made: list[dict[str, Any]] = []
    for one in [*xml.parts("DATA_BLOCK/FILES/FILE"), *xml.parts("FILES/FILE")]:
        file: dict[str, Any] = {"path": one.value("filename"), "order": len(made) + 1}
        if told := one.value("filetype"):
            file["format"] = told
        if told := one.value("checksum"):
            algorithm = (one.value("checksum_method") or "md5").lower()
            file["checksums"] = [{"algorithm": algorithm, "value": told}]
        made.append(file)
    return tuple(made)


FAMILY: Mapping[str, tuple[str, str, Callable[[Reading, dict[str, Any]], None]]] = {
    "STUDY": ("project", "insdc-sra-study@1", study),
    "SAMPLE": ("sample", "insdc-sra-sample@1", sample),
    "EXPERIMENT": ("experiment", "insdc-sra@1", experiment),
    "RUN": ("dataset", "insdc-sra-run@1", run),
    "ANALYSIS": ("dataset", "insdc-sra-analysis@1", analysis),
    "SUBMISSION": ("run", "insdc-sra-submission@1", submission),
}
ENA_ONLY = {"PROJECT": ("project", "insdc-bioproject@1", project)}


def submission_of(element: Xml.Element) -> Submission:
    """Any record of the family."""
    xml = Reading(element)
    kind, profile, fill = {**FAMILY, **ENA_ONLY}[xml.name]
    body: dict[str, Any] = {"identifiers": identifiers_of(xml), "contributors": contributors_of(xml)}
    fill(xml, body)
    files = files_of(xml) if kind == "dataset" else ()
    added = attributes_of(xml, f"{xml.name}_ATTRIBUTES/{xml.name}_ATTRIBUTE")
    body["attributes"] = [*body.get("attributes", []), *added, *xml.rest()]
    body = {field: told for field, told in body.items() if told}
    accession = element.get("accession") or element.get("alias")
    return Submission(kind, SOURCE, accession, body, profile, files=files)


def records_in(path: Path) -> list[Xml.Element]:
    """The records of a file: a set's members, or the one that it is."""
    root = Xml.parse(path).getroot()
    return list(root) if root.tag.endswith("_SET") else [root]


@pytest.fixture(scope="module")
def records(test_data: Path) -> dict[str, list[Xml.Element]]:
    """All records, by what they are."""
    found: dict[str, list[Xml.Element]] = {name: [] for name in FAMILY}
    for path in sorted((test_data / "insdc" / "dra").rglob("*.xml")):
        for element in records_in(path):
            found[element.tag].append(element)
    return found


# What the real records break, by accession; a record that is not here keeps its profile.
KNOWN: Mapping[str, dict[str, list[tuple[str, str]]]] = {
    **{name: {} for name in FAMILY},
    # Collected on "24-SEP-2004" and "22-APR-2004": INSDC's older way to write a date.
    "SAMPLE": {accession: [("/attributes/2/value", "schema/format")] for accession in ("DRS000302", "DRS000303")},
}


def test_the_records_are_as_many_as_they_are_said_to_be(records: dict[str, list[Xml.Element]]) -> None:
    assert {name: len(found) for name, found in records.items()} == {
        "STUDY": 31,
        "SAMPLE": 101,
        "EXPERIMENT": 220,
        "RUN": 1968,
        "ANALYSIS": 60,
        "SUBMISSION": 29,
    }


@pytest.mark.parametrize("name", FAMILY)
def test_every_record_keeps_its_kind_and_breaks_its_profile_only_where_it_is_known(
    records: dict[str, list[Xml.Element]], name: str
) -> None:
    verdicts = judged([submission_of(element) for element in records[name]])
    assert kept_their_kind(verdicts)
    assert broken(verdicts) == KNOWN[name]


@pytest.mark.parametrize("name", FAMILY)
def test_no_value_of_a_record_is_lost(records: dict[str, list[Xml.Element]], name: str) -> None:
    for element in records[name]:
        made = submission_of(element)
        said = values_of(element, choices=CHOICES, apart=APART) - SAID_BY_SCHEMES
        assert lost(said, made) == [], made.local_id


@pytest.mark.parametrize("name", FAMILY)
def test_each_attribute_keeps_its_value_beside_its_name(records: dict[str, list[Xml.Element]], name: str) -> None:
    for element in records[name]:
        said = Counter(
            (one.findtext("TAG") or "", comparable(one.findtext("VALUE"))) for one in element.iter(f"{name}_ATTRIBUTE")
        )
        kept = Counter(
            (one["name"], comparable(str(one["quantity"]["value"] if "quantity" in one else one["value"])))
            for one in submission_of(element).body.get("attributes", ())
        )
        assert said <= kept, element.get("accession")


def comparable(value: str | None) -> str:
    """A value in one spelling: 36 and 36.0 are one number."""
    number = as_number(told := squeezed(value))
    return told if number is None else str(number)


# What ENA's records break. Those of its own test suite are as submitters send them: no accession yet, references by alias.
NO_ACCESSION = ("/identifiers", "schema/contains")
UNFINISHED_RUN = [("", "schema/required"), NO_ACCESSION]
ENA: dict[str, list[tuple[str, str]]] = {
    "analysis/ERZ266973.xml": [],
    "analysis/assembly_annotation_analysis.xml": [],
    "analysis/processed_reads_analysis.xml": [],
    "analysis/reference_alignment_analysis.xml": [],
    "analysis/reference_sequence_analysis.xml": [("", "schema/required")],  # belongs to no study
    "analysis/sequence_assembly_analysis.xml": [],
    "analysis/sequence_variation_analysis.xml": [],
    "experiment/ERX000119.xml": [],
    "project/PRJNA294609.xml": [],
    "run/10x ATAC-seq library.xml": UNFINISHED_RUN,
    "run/10x 5-prime Gene expression VDJ enrichment libraryxml.xml": UNFINISHED_RUN,
    "run/ERR000076.xml": [],
    "sample/SRS001433.xml": [],
    "study/SRP000539.xml": [],
    "submission/ERA521986.xml": [],
}
# An answer to a submission and a logger's settings: no records.
NO_RECORDS = {"receipt/receipt-private.xml", "src/test/resources/log4j2-test.xml"}


def test_every_file_of_ena_is_tried(test_data: Path) -> None:
    folder = test_data / "insdc" / "ena"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.xml")} == ENA.keys() | NO_RECORDS


@pytest.mark.parametrize("file", ENA)
def test_ena_writes_the_same_records_and_they_lose_nothing(test_data: Path, file: str) -> None:
    for element in records_in(test_data / "insdc" / "ena" / file):
        made = submission_of(element)
        assert lost(values_of(element, choices=CHOICES, apart=APART) - SAID_BY_SCHEMES, made) == []
        verdicts = judged([made])
        assert kept_their_kind(verdicts)
        assert [(one.pointer, one.rule) for verdict in verdicts for one in verdict.findings] == ENA[file]
