"""Ten MAGE-TAB studies of GEA and ten of MetaboBank become studies, cell by cell."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from catalog.records.dates import is_date
from catalog.records.identifiers import record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import broken, judged, kept_their_kind, lost, squeezed

Table = list[list[str]]
ACCESSIONS = {"Comment[MetaboBank accession]": "metabobank", "Comment[GEAAccession]": "gea"}

KNOWN: dict[str, list[tuple[str, str]]] = {}


def table(path: Path) -> Table:
    """A table of tabs, in which a quoted cell may run over several lines."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.reader(lines, delimiter="\t") if any(cell.strip() for cell in row)]


def group_of(name: str) -> str:
    """What the columns of a row of the investigation file are: protocols, persons, factors, sources of terms."""
    for word in ("Protocol", "Person", "Experimental Factor", "Term Source"):
        if name.startswith(word):
            return word
    return ""


def submission_of(idf: Table, sdrf: Table) -> Submission:
    """A study from its two tables."""
    said = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in idf}
    word, scheme = next((name, scheme) for name, scheme in ACCESSIONS.items() if name in said)
    accession = said[word][0]
    body: dict[str, Any] = {
        "type": "study",
        "title": {"en": (said.get("Study Title") or said["Investigation Title"])[0]},
        "description": {"en": (said.get("Study Description") or said["Experiment Description"])[0]},
        "identifiers": [{"scheme": scheme, "value": accession, "primary": True}],
        "releaseAt": said["Public Release Date"][0],
        "modifiedAt": said["Comment[Last Update Date]"][0],
        "parents": [record_id("project", "insdc", number) for number in said["Comment[BioProject]"] if number],
        "publications": [
            f"https://pubmed.ncbi.nlm.nih.gov/{number}/" for number in said.get("PubMed ID", []) if number
        ],
    }
    people = zip(said["Person Last Name"], said["Person First Name"], strict=False)
    body["contributors"] = [
        {"to": record_id("agent", scheme, f"{last}, {first}"), "role": "submitter", "order": number}
        for number, (last, first) in enumerate(people, 1)
        if last
    ]
    body["attributes"] = [
        {
            "name": row[0].strip(),
            "value": cell,
            **({"group": f"{group}[{number}]"} if (group := group_of(row[0])) else {}),
        }
        for row in idf
        for number, cell in enumerate(row[1:], 1)
        if cell.strip()
    ]
    body["details"] = {"sdrf": {"header": sdrf[0], "rows": sdrf[1:]}}
    return Submission("project", scheme, accession, {name: told for name, told in body.items() if told}, "isa-study@1")


# Columns that say what the source is; all others say what was done with it.
OF_THE_SOURCE = ("Comment[BioSample]", "Comment[sample_title]", "Comment[description]")
FIELDS = {"organism", "taxonomy_id", "tissue", "sex", "strain", "disease"}


def bracketed(column: str) -> tuple[str, str]:
    """What sort of column it is, and the word in its brackets: ("Characteristics", "organism")."""
    found = re.fullmatch(r"(.+?) ?\[(.+)\]", column)
    return (found.group(1), found.group(2)) if found else ("", column)


def is_of_the_source(column: str) -> bool:
    """Whether a column describes the source."""
    return column == "Source Name" or column.startswith("Characteristics") or column in OF_THE_SOURCE


def source_of(scheme: str, study: str, header: list[str], row: list[str]) -> Submission:
    """The source of a row, as a sample."""
    body: dict[str, Any] = {"organism": {}, "attributes": [], "projects": [record_id("project", scheme, study)]}
    biosample = ""
    for column, cell in zip(header, row, strict=True):
        if not (told := cell.strip()) or not is_of_the_source(column):
            continue
        sort, word = bracketed(column)
        if column == "Source Name":
            body["alternateNames"] = [told]
        elif word == "BioSample":
            biosample = told
            body["identifiers"] = [{"scheme": "biosample", "value": told}]
            body["sameAs"] = [record_id("sample", "insdc", told)]
        elif word == "sample_title":
            body["title"] = {"en": told}
        elif word == "organism":
            body["organism"]["name"] = told
        elif word == "taxonomy_id" and told.isdigit():
            body["organism"]["taxId"] = int(told)
        else:
            body["attributes"].append({"name": word, "value": told, "group": sort})
            if word in FIELDS:
                body[word] = told
            elif word == "collection_date" and is_date(told):
                body["collectedAt"] = told
    body.setdefault("title", {"und": row[0]})
    return Submission("sample", scheme, f"{study}/{biosample or row[0]}", body, "isa-sample@1")


def assay_of(scheme: str, study: str, name: str, header: list[str], rows: Table) -> Submission:
    """An assay: what was done with its sources, cell by cell; one with two dyes has two rows."""
    attributes = [
        {"name": bracketed(column)[1], "value": told, "group": bracketed(column)[0] or f"column {number}"}
        for number, column in enumerate(header, 1)
        if column != "Assay Name" and not is_of_the_source(column)
        for told in dict.fromkeys(row[number - 1].strip() for row in rows)
        if told
    ]
    sources = dict.fromkeys(source_of(scheme, study, header, row).local_id or "" for row in rows)
    body = {
        "title": {"und": name},
        "type": "assay",
        "projects": [record_id("project", scheme, study)],
        "samples": [{"to": record_id("sample", scheme, local), "role": "measured"} for local in sources],
        "attributes": attributes,
    }
    return Submission("experiment", scheme, f"{study}/{name}", body, "isa-assay@1")


def parts_of(idf: Table, sdrf: Table) -> tuple[list[tuple[Submission, list[str]]], list[tuple[Submission, Table]]]:
    """The sources and the assays of a study, each with the rows that it was made from."""
    study = submission_of(idf, sdrf)
    accession, header = study.local_id or "", sdrf[0]
    sources = {
        made.local_id: (made, row) for row in sdrf[1:] for made in [source_of(study.source, accession, header, row)]
    }
    at = header.index("Assay Name")
    names = dict.fromkeys(row[at].strip() for row in sdrf[1:])
    by_name = {name: [row for row in sdrf[1:] if row[at].strip() == name] for name in names}
    assays = [(assay_of(study.source, accession, name, header, rows), rows) for name, rows in by_name.items()]
    return list(sources.values()), assays


@pytest.fixture(scope="module")
def studies(test_data: Path) -> list[tuple[Table, Table]]:
    """The two tables of every study."""
    found = sorted((test_data / "insdc").glob("gea/*/*/*.idf.txt")) + sorted(
        (test_data / "insdc").glob("metabobank/*/*.idf.txt")
    )
    return [(table(path), table(path.with_name(path.name.replace(".idf.", ".sdrf.")))) for path in found]


def test_every_study_keeps_its_kind_and_breaks_its_profile_only_where_it_is_known(
    studies: list[tuple[Table, Table]],
) -> None:
    made = [submission_of(idf, sdrf) for idf, sdrf in studies]
    assert [one.source for one in made].count("gea") == [one.source for one in made].count("metabobank") == 10
    verdicts = judged(made)
    assert kept_their_kind(verdicts)
    assert broken(verdicts) == KNOWN


def test_no_cell_of_a_study_is_lost(studies: list[tuple[Table, Table]]) -> None:
    for idf, sdrf in studies:
        submission = submission_of(idf, sdrf)
        cells = {squeezed(cell) for row in idf + sdrf for cell in row} - {""}
        # A row of the investigation file without a cell says nothing but that nobody said it.
        empty = {squeezed(row[0]) for row in idf if not any(cell.strip() for cell in row[1:])}
        assert lost(cells - empty, submission) == [], submission.local_id
        assert submission.body["details"]["sdrf"] == {"header": sdrf[0], "rows": sdrf[1:]}


# Days of collection as a spreadsheet writes them; INSDC and EDTF write 2023-07-05. By study.
SPREADSHEET_DAYS = {
    "E-GEAD-1044": {"2023/7/5"},
    "E-GEAD-1047": {"2021/3/12"},
    "E-GEAD-1057": {"2022/11/7", "2022/12/19", "2023/7/3", "2023/6/5", "2023/5/29", "2023/2/6"},
    "E-GEAD-1096": {"25-Apr"},
}


def test_every_source_and_assay_of_a_study_keeps_its_kind_and_profile(studies: list[tuple[Table, Table]]) -> None:
    made = [submission for idf, sdrf in studies for part in parts_of(idf, sdrf) for submission, _ in part]
    counted = [submission.profile for submission in made]
    assert {name: counted.count(name) for name in set(counted)} == {"isa-sample@1": 384, "isa-assay@1": 557}
    verdicts = judged(made)
    assert kept_their_kind(verdicts)
    said: dict[str, set[str]] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            assert finding.rule == "schema/format", (verdict.id, finding.messages["en"])
            attribute = verdict.submission.body["attributes"][int(finding.pointer.split("/")[2])]
            assert attribute["name"] == "collection_date"
            said.setdefault(str(verdict.submission.local_id).split("/")[0], set()).add(attribute["value"])
    assert said == SPREADSHEET_DAYS


def test_no_cell_of_a_row_is_lost_between_source_and_assay(studies: list[tuple[Table, Table]]) -> None:
    for idf, sdrf in studies:
        header = sdrf[0]
        sources, assays = parts_of(idf, sdrf)
        made = {submission.local_id: submission for submission, _ in sources}
        for assay, rows in assays:
            for row in rows:
                cells = list(zip(header, row, strict=True))
                done = {squeezed(cell) for column, cell in cells if not is_of_the_source(column)} - {""}
                assert lost(done, assay) == [], assay.local_id
                said = {squeezed(cell) for column, cell in cells if is_of_the_source(column)} - {""}
                source = made[source_of(assay.source, str(assay.local_id).split("/")[0], header, row).local_id]
                assert lost(said, source) == [], source.local_id
