"""The reference database of PaNOSC's federated search, record by record as its interface joins them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.records.identifiers import record_id
from catalog.records.record import Submission
from tests.conformance.real_records.carried import broken, judged, kept_their_kind, leaves, lost

SOURCE = "panosc"
Row = dict[str, Any]

# Row numbers of the database and of its joining tables mean nothing outside it; what they join is linked.
# `isPublic` becomes `access`, and a document's type its kind and type: both are asked for below.
STRUCTURAL = {"id", "datasetId", "documentId", "affiliationId", "isPublic", "type"}


class Database:
    """The tables of db.json."""

    def __init__(self, path: Path) -> None:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        self.tables: dict[str, list[Row]] = {
            name: [json.loads(row) for row in rows.values()] for name, rows in models.items()
        }

    def of(self, table: str, **where: Any) -> list[Row]:
        """The rows of a table that have these values."""
        return [row for row in self.tables[table] if all(row.get(name) == value for name, value in where.items())]

    def joined(self, table: str, own: str, key: str, other: str) -> list[Row]:
        """The rows on the other side of a joining table."""
        linking = f"{other[0].lower()}{other[1:]}Id"
        return [row for link in self.of(table, **{own: key}) for row in self.of(other, pid=link[linking])]


def pid(row: Row) -> list[Row]:
    """The persistent identifier, as an identifier."""
    scheme = "doi" if row["pid"].startswith("10.") else "pid"
    return [{"scheme": scheme, "value": row["pid"], "primary": True}]


def parameters(rows: list[Row]) -> list[Row]:
    """Parameters as attributes: quantities where a number has a unit."""
    return [
        {"name": row["name"], "quantity": {"value": row["value"], "unit": row["unit"]}}
        if row.get("unit") and isinstance(row["value"], int | float)
        else {"name": row["name"], "value": row["value"]}
        for row in rows
    ]


def datasets(database: Database) -> Iterator[tuple[Submission, list[Row]]]:
    """Datasets, with their parameters, samples, techniques, files and instrument."""
    for row in database.tables["Dataset"]:
        techniques = database.joined("DatasetTechnique", "datasetId", row["pid"], "Technique")
        samples = database.joined("DatasetSample", "datasetId", row["pid"], "Sample")
        asked = database.of("Parameter", datasetId=row["pid"])
        files = database.of("File", datasetId=row["pid"])
        body = {
            "title": {"en": row["title"]},
            "identifiers": pid(row),
            "access": "open" if row["isPublic"] else "closed",
            "createdAt": row["creationDate"],
            "instruments": [record_id("instrument", SOURCE, row["instrumentId"])],
            "samples": [record_id("sample", SOURCE, sample["pid"]) for sample in samples],
            "keywords": [{"term": one["panetId"], "label": {"en": one["name"]}} for one in techniques],
            "attributes": parameters(asked)
            + [
                {
                    "name": "technique",
                    "value": one["name"],
                    "valueTerms": [{"term": one["panetId"]}],
                    "note": one["pid"],
                }
                for one in techniques
            ],
        }
        kept = tuple({"path": file["name"]} for file in files)
        yield (
            Submission("dataset", SOURCE, row["pid"], body, "panosc@1", files=kept),
            [
                row,
                *asked,
                *files,
                *techniques,
                *({"pid": sample["pid"]} for sample in samples),
            ],
        )


def documents(database: Database) -> Iterator[tuple[Submission, list[Row]]]:
    """Documents: proposals as projects, publications as publications; their members as contributors."""
    for row in database.tables["Document"]:
        members = database.of("Member", documentId=row["pid"])
        asked = database.of("Parameter", documentId=row["pid"])
        described = database.joined("DocumentDataset", "documentId", row["pid"], "Dataset")
        body: Row = {
            "title": {"en": row["title"]},
            "identifiers": pid(row),
            "contributors": [
                {
                    "to": record_id("agent", SOURCE, member["personId"]),
                    "role": member["role"].replace(" ", "-"),
                    "note": member["role"],
                }
                for member in members
            ],
            "attributes": [{"name": "access", "value": "open" if row["isPublic"] else "closed"}, *parameters(asked)],
        }
        links = [record_id("dataset", SOURCE, one["pid"]) for one in described]
        said = [row, *members, *asked, *({"pid": one["pid"]} for one in described)]
        if row["type"] == "proposal":
            body |= {"type": "proposal", "relations": [{"to": to, "predicate": "HasPart"} for to in links]}
            yield Submission("project", SOURCE, row["pid"], body, "panosc-proposal@1"), said
        else:
            body["datasets"] = links
            yield Submission("publication", SOURCE, row["pid"], body, "panosc-publication@1"), said


def things(database: Database) -> Iterator[tuple[Submission, list[Row]]]:
    """Instruments, samples, and the people with their affiliation; these have no profile of PaNOSC."""
    for row in database.tables["Instrument"]:
        body: Row = {"title": {"en": row["name"]}, "identifiers": pid(row)}
        body["parents"] = [record_id("instrument", SOURCE, row["facility"])]
        yield Submission("instrument", SOURCE, row["pid"], body, "panosc-instrument@1"), [row]
    for row in database.tables["Sample"]:
        body = {"title": {"en": row["name"]}, "identifiers": pid(row)}
        yield Submission("sample", SOURCE, row["pid"], body, "panosc-sample@1"), [row]
    for row in database.tables["Technique"]:
        body = {"labels": {"en": row["name"]}, "identifiers": [{"scheme": "iri", "value": row["panetId"]}]}
        yield Submission("term", SOURCE, row["pid"], body), [row]
    for row in database.tables["Person"]:
        belongs = {
            record_id("agent", SOURCE, database.of("Affiliation", id=member["affiliationId"])[0]["name"])
            for member in database.of("Member", personId=row["id"])
        }
        body = {"type": "person", "names": {"en": row["fullName"]}, "affiliations": sorted(belongs)}
        yield Submission("agent", SOURCE, row["id"], body), [{"fullName": row["fullName"], "person": row["id"]}]
    for row in database.tables["Affiliation"]:
        address = {"name": "address", "value": f"{row['address']}\n\n{row['city']}\n\n{row['country']}"}
        body = {"type": "organisation", "names": {"en": row["name"]}, "attributes": [address]}
        yield Submission("agent", SOURCE, row["name"], body), [row]


@pytest.fixture(scope="module")
def made(test_data: Path) -> list[tuple[Submission, list[Row]]]:
    """Every record of the database, with the rows that it was made from."""
    database = Database(test_data / "facility" / "panosc" / "data" / "db.json")
    return [*datasets(database), *documents(database), *things(database)]


def test_every_record_of_panosc_keeps_its_kind_and_its_profile(made: list[tuple[Submission, list[Row]]]) -> None:
    verdicts = judged([submission for submission, _ in made])
    assert kept_their_kind(verdicts)
    assert broken(verdicts) == {}
    counted = [submission.profile for submission, _ in made]
    assert {name: counted.count(name) for name in set(counted)} == {
        "panosc@1": 4,
        "panosc-proposal@1": 1,
        "panosc-publication@1": 1,
        "panosc-instrument@1": 15,
        "panosc-sample@1": 1,
        None: 5,
    }


def test_no_value_of_a_record_of_panosc_is_lost(made: list[tuple[Submission, list[Row]]]) -> None:
    for submission, rows in made:
        said = [value for row in rows for name, value in row.items() if name not in STRUCTURAL]
        assert lost([value for value in leaves(said) if value != ""], submission) == [], submission.local_id
