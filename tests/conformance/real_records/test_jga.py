"""Real studies, datasets, policies and the committee of JGA, with the tables of dates and relations beside them."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as Xml
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog.records.identifiers import record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import broken, judged, kept_their_kind, lost
from tests.conformance.real_records.reading_xml import Reading, values_of

DATES = {"datecreated": "createdAt", "datepublished": "issuedAt", "datemodified": "modifiedAt"}
CELLS = Mapping[str, str]


def moment(cell: str) -> str:
    """PostgreSQL's "2014-07-07 14:00:37.2+09" as ISO 8601 has it."""
    return cell.replace(" ", "T") + ":00"


def link(kind: str, accession: str) -> str:
    """The id of a record of JGA."""
    return record_id(kind, "jga", accession)


def references(xml: Reading, kind: str, path: str) -> list[dict[str, Any]]:
    """Links by accession; a name that differs is kept as the link's note."""
    found: list[dict[str, Any]] = []
    for one in xml.parts(path):
        accession, name = one.value("accession") or "", one.value("refname")
        made = {"to": link(kind, accession)}
        if name and name != accession:
            made["note"] = name
        centre = one.value("refcenter")
        if centre and centre != xml.element.get("center_name"):
            made["by"] = link("agent", centre)
        found.append(made)
    return found


def pages(xml: Reading, path: str) -> list[dict[str, Any]]:
    """Pages with their labels."""
    return [{"to": one.text("URL_LINK/URL"), "note": one.text("URL_LINK/LABEL")} for one in xml.parts(path)]


def grant_of(one: Reading) -> dict[str, Any]:
    """A grant; one of them has no number."""
    number = {"number": told} if (told := one.value("grant_id")) else {}
    return {"funder": {"en": one.text("AGENCY")}, "title": {"en": one.text("TITLE")}, **number}


def study(xml: Reading, body: dict[str, Any]) -> None:
    """STUDY: a project."""
    body["type"] = "study"
    body["title"] = {"en": xml.text("DESCRIPTOR/STUDY_TITLE")}
    body["abstract"] = {"en": xml.text("DESCRIPTOR/STUDY_ABSTRACT")}
    for one in xml.parts("DESCRIPTOR/STUDY_TYPES/STUDY_TYPE"):
        for name in ("existing_study_type", "new_study_type"):
            if told := one.value(name):
                kept = {"name": name.removeprefix("existing_"), "value": told}
                body.setdefault("attributes", []).append(kept)
    body["funding"] = [grant_of(one) for one in xml.parts("GRANTS/GRANT")]
    body["seeAlso"] = pages(xml, "STUDY_LINKS/STUDY_LINK")
    for one in xml.parts("PUBLICATIONS/PUBLICATION"):
        if (one.element.findtext("DB_TYPE") or "").lower() == "pubmed" and (number := one.value("id")):
            body.setdefault("publications", []).append(f"https://pubmed.ncbi.nlm.nih.gov/{number}/")
    body.setdefault("attributes", []).extend(
        {"name": one.text("TAG"), "value": one.text("VALUE")} for one in xml.parts("STUDY_ATTRIBUTES/STUDY_ATTRIBUTE")
    )


def dataset(xml: Reading, body: dict[str, Any]) -> None:
    """DATASET: a dataset under policies."""
    body["access"] = "controlled"
    body["title"] = {"en": xml.text("TITLE")}
    body["description"] = {"en": xml.text("DESCRIPTION")}
    body["attributes"] = [{"name": "dataset_type", "value": one.text()} for one in xml.parts("DATASET_TYPE")]
    parts = references(xml, "dataset", "DATA_REFS/DATA_REF") + references(xml, "dataset", "ANALYSIS_REFS/ANALYSIS_REF")
    body["hasPart"] = parts
    body["policies"] = references(xml, "policy", "POLICY_REF")


def policy(xml: Reading, body: dict[str, Any]) -> None:
    """POLICY: a policy, decided by a committee."""
    body["type"] = "data-access"
    body["title"] = {"en": xml.text("TITLE")}
    body["text"] = {"en": xml.text("POLICY_TEXT")}
    body["committees"] = references(xml, "agent", "DAC_REF")
    body["seeAlso"] = pages(xml, "POLICY_LINKS/POLICY_LINK")


def committee(xml: Reading, body: dict[str, Any]) -> None:
    """DAC: a group with a private address."""
    body["type"] = "group"
    (contact,) = xml.parts("CONTACTS/CONTACT")
    body["names"] = {"en": contact.value("name")}
    body["contact"] = {"email": contact.value("email")}
    body["affiliations"] = [link("agent", contact.value("organisation") or "")]
    body["seeAlso"] = pages(xml, "DAC_LINKS/DAC_LINK")


FAMILY: Mapping[str, tuple[str, str, Callable[[Reading, dict[str, Any]], None]]] = {
    "STUDY": ("project", "jga-study@1", study),
    "DATASET": ("dataset", "jga@1", dataset),
    "POLICY": ("policy", "jga-policy@1", policy),
    "DAC": ("agent", "jga-dac@1", committee),
}


def submission_of(element: Xml.Element, dates: CELLS) -> Submission:
    """Any record of JGA, with its row of dates."""
    xml = Reading(element)
    kind, profile, fill = FAMILY[xml.name]
    accession = xml.value("accession") or ""
    identifiers: list[dict[str, Any]] = [{"scheme": "jga", "value": accession, "primary": True}]
    for scheme, told in (("alias", xml.value("alias")), ("secondary", xml.text("IDENTIFIERS/SECONDARY_ID"))):
        if told:
            identifiers.append({"scheme": scheme, "value": told})
    body: dict[str, Any] = {"identifiers": identifiers}
    body["contributors"] = [{"to": link("agent", xml.value("center_name") or ""), "role": "submitter"}]
    body |= {field: moment(dates[column]) for column, field in DATES.items() if column in dates}
    fill(xml, body)
    body["attributes"] = [*body.get("attributes", []), *xml.rest()]
    return Submission(kind, "jga", accession, {field: told for field, told in body.items() if told}, profile)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of one of JGA's tables."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


@pytest.fixture(scope="module")
def folder(test_data: Path) -> Path:
    """Where JGA's files are."""
    return test_data / "insdc" / "jga"


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, tuple[Xml.Element, CELLS, Submission]]:
    """Every record, with what it was made from."""
    found: dict[str, tuple[Xml.Element, CELLS, Submission]] = {}
    for name in ("study", "dataset", "policy", "dac"):
        dates = {row["accession"]: row for row in rows(folder / f"{name}.date.csv")}
        for element in Xml.parse(folder / f"jga-{name}.xml").getroot():
            accession = element.attrib["accession"]
            told = dates.get(accession, {})  # one study has no row of dates
            found[accession] = (element, told, submission_of(element, told))
    return found


KNOWN: dict[str, list[tuple[str, str]]] = {}


def test_every_record_of_jga_keeps_its_kind_and_breaks_its_profile_only_where_it_is_known(
    made: dict[str, tuple[Xml.Element, CELLS, Submission]],
) -> None:
    assert len(made) == 31
    verdicts = judged([submission for _, _, submission in made.values()])
    assert kept_their_kind(verdicts)
    assert broken(verdicts) == KNOWN


def test_no_value_of_a_record_of_jga_is_lost(made: dict[str, tuple[Xml.Element, CELLS, Submission]]) -> None:
    for element, dates, submission in made.values():
        said = values_of(element) | {moment(dates[column]) for column in DATES if column in dates}
        assert lost(said, submission) == [], submission.local_id


def test_what_the_tables_of_relations_say_of_these_records_is_linked(
    folder: Path, made: dict[str, tuple[Xml.Element, CELLS, Submission]]
) -> None:
    fields = {
        "dataset-data": ("hasPart", "dataset"),
        "dataset-analysis": ("hasPart", "dataset"),
        "dataset-policy": ("policies", "policy"),
        "policy-dac": ("committees", "agent"),
    }
    seen = 0
    for table, (field, kind) in fields.items():
        for row in rows(folder / f"{table}-relation.csv"):
            if row["self_accession"] in made:
                body = made[row["self_accession"]][2].body
                assert link(kind, row["parent_accession"]) in [one["to"] for one in body[field]], row
                seen += 1
    assert seen
