"""Ten MAGE-TAB studies of GEA and ten of MetaboBank become studies, cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

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
