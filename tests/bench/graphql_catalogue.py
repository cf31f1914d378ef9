"""What GraphQL is measured with: 20,000 datasets with two creators, three quantities and a sample each, here and in PostgreSQL.

The same records are in two catalogues. In the open one everyone may read everything. In the closed one they are spread over
ten limited scopes in which one person may read, beside records and links that this person may not see.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg

from catalog.access.moments import later
from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.questions.reader import ADMINISTRATOR
from catalog.settings import read_settings
from catalog.store.clock import now
from tests.bench import records
from tests.bench.figures import FOLDER
from tests.bench.records import SOURCE
from tests.bench.settled import fill

DATASETS, SAMPLES, PROJECTS, AGENTS = 20_000, 5_000, 200, 500
HIDDEN = 2_000  # datasets that nobody may see, among the others in every order
SEED = 20261122
HERE = FOLDER / "graphql"
OPEN, GRANTED, CLOSED = "open", "granted", "hidden"
SCOPES = 10  # below GRANTED
LASTS = timedelta(days=365)
QUANTITIES = (("dwell time", "s", 5.0), ("exposure", "ms", 900.0), ("beam size", "um", 40.0))


def submissions() -> Iterator[dict[str, Any]]:
    """Projects and agents, samples, and datasets, none in any scope yet."""
    draw = random.Random(SEED)
    for number in range(PROJECTS):
        yield _record("project", f"p-{number:04d}", {"title": {"en": f"Proposal {number}"}, "type": "proposal"})
    for number in range(AGENTS):
        names = {"en": f"Researcher {number}", "ja": f"研究者{number}"}
        yield _record("agent", f"a-{number:04d}", {"title": names, "names": names, "type": "person"})
    for number in range(SAMPLES):
        yield _record("sample", f"s-{number:07d}", records.BODIES["sample"](number, draw))
    for number in range(DATASETS):
        yield _record("dataset", f"d-{number:07d}", _dataset(number, draw))


def _record(kind: str, local_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "source": SOURCE, "localId": local_id, "body": body}


def _dataset(number: int, draw: random.Random) -> dict[str, Any]:
    body = records.BODIES["dataset"](number, draw)
    # What these links lead to is not in this catalogue.
    del body["generatedBy"], body["instruments"]
    body["samples"] = [f"sample/{SOURCE}/s-{number % SAMPLES:07d}"]
    creators = draw.sample(range(AGENTS), 2)
    body["contributors"] = [
        {"to": f"agent/{SOURCE}/a-{creator:04d}", "role": "creator", "order": place}
        for place, creator in enumerate(creators, 1)
    ]
    body["attributes"] = [
        {"name": name, "quantity": {"value": round(draw.uniform(0.1, most), 2), "unit": unit}}
        for name, unit, most in QUANTITIES
    ]
    return body


# --- the open catalogue


def open_data() -> Path:
    """The data folder of the catalogue that everyone may read."""
    data = HERE / "open"
    if not (data / "filled").exists():
        fill(data, _prepare_open, _write("open", ({**each, "scope": OPEN} for each in submissions())))
    return data


def _prepare_open(catalog: Catalog) -> None:
    catalog.scopes.create(OPEN, ADMINISTRATOR, title={"en": "Open"}, mode="everyone")
    _register(catalog, OPEN)


# --- the closed one


def closed_data() -> tuple[Path, str]:
    """The data folder of the catalogue of which one person may read a part, and this person's token."""
    data = HERE / "closed"
    token = data / "reader-token"
    if not token.exists():
        fill(data, _prepare_closed, _write("closed", _spread()))
        catalog = open_catalog(read_settings(data=data))
        try:
            token.write_text(_reader(catalog))
        finally:
            catalog.close()
    return data, token.read_text()


def _prepare_closed(catalog: Catalog) -> None:
    catalog.scopes.create(OPEN, ADMINISTRATOR, title={"en": "Open"}, mode="everyone")
    for scope in (GRANTED, CLOSED):
        catalog.scopes.create(scope, ADMINISTRATOR, mode="limited")
    for number in range(SCOPES):
        catalog.scopes.create(f"{GRANTED}/{number}", ADMINISTRATOR)
    _register(catalog, OPEN)


def _spread() -> Iterator[dict[str, Any]]:
    """Each record in one of the scopes that may be read; every tenth dataset with a creator that may not be."""
    hidden = random.Random(SEED + 1)
    unseen = {"en": "Nobody to be seen"}
    yield _record("agent", "hidden", {"title": unseen, "names": unseen, "type": "person"}) | {"scope": CLOSED}
    for place, each in enumerate(submissions()):
        each["scope"] = f"{GRANTED}/{place % SCOPES}"
        if each["kind"] == "dataset" and place % 10 == 0:
            each["body"]["contributors"].append({"to": f"agent/{SOURCE}/hidden", "role": "creator", "order": 3})
        yield each
    for number in range(HIDDEN):
        body = _dataset(DATASETS + number, hidden)
        yield _record("dataset", f"d-{number * 10:07d}-hidden", body) | {"scope": CLOSED}


def _reader(catalog: Catalog) -> str:
    """The token of a person who may read in one branch."""
    person = catalog.accounts.add(ADMINISTRATOR, login="reader", password="long enough for this", name="Reader")
    catalog.grants.grant(GRANTED, ("read",), person.id, ADMINISTRATOR)
    return catalog.tokens.make_for(person.id, ADMINISTRATOR, "measured", until=later(now(), LASTS)).value


def _register(catalog: Catalog, home: str) -> None:
    prefixes = {"panet": "http://purl.org/pan-science/PaNET/"}
    document = {"id": SOURCE, "title": {"en": "Measurements"}, "homeScope": home, "prefixes": prefixes}
    register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)


def _write(name: str, made: Iterator[dict[str, Any]]) -> Path:
    HERE.mkdir(parents=True, exist_ok=True)
    path = HERE / f"{name}.ndjson"
    with path.open("wb") as out:
        for record in made:
            out.write(orjson.dumps(record) + b"\n")
    return path


# --- the same in PostgreSQL

TABLES = """
CREATE TABLE project (id text PRIMARY KEY, title text NOT NULL, title_ja text, type text);
CREATE TABLE agent (id text PRIMARY KEY, name text NOT NULL, name_ja text, type text);
CREATE TABLE sample (
    id text PRIMARY KEY, title text NOT NULL, title_ja text, description text, formula text, form text, collected_at text,
    project_id text NOT NULL REFERENCES project
);
CREATE TABLE dataset (
    id text PRIMARY KEY, title text NOT NULL, title_ja text, description text, type text, format text, size bigint,
    file_count integer, created_at timestamptz, license text, doi text, sample_id text NOT NULL REFERENCES sample
);
CREATE TABLE creator (
    dataset_id text NOT NULL REFERENCES dataset, position integer NOT NULL, agent_id text NOT NULL REFERENCES agent,
    PRIMARY KEY (dataset_id, position)
);
CREATE TABLE quantity (
    dataset_id text NOT NULL REFERENCES dataset, position integer NOT NULL, name text NOT NULL,
    value double precision NOT NULL, unit text NOT NULL, PRIMARY KEY (dataset_id, position)
);
"""
# Made when the rows are there: what each question asks by.
INDEXES = """
CREATE INDEX ON sample (project_id, id);
CREATE INDEX ON dataset (sample_id, id);
CREATE INDEX ON dataset (title, id);
CREATE INDEX ON creator (agent_id);
"""
COLUMNS = {
    "project": "id, title, title_ja, type",
    "agent": "id, name, name_ja, type",
    "sample": "id, title, title_ja, description, formula, form, collected_at, project_id",
    "dataset": "id, title, title_ja, description, type, format, size, file_count, created_at, license, doi, sample_id",
    "creator": "dataset_id, position, agent_id",
    "quantity": "dataset_id, position, name, value, unit",
}


def tables(address: str) -> None:
    """The submissions as rows, with indexes and fresh statistics."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
    for each in submissions():
        id = f"{each['kind']}/{SOURCE}/{each['localId']}"
        for table, row in _rows(each["kind"], id, each["body"]):
            rows[table].append(row)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(TABLES.encode())
        for table, columns in COLUMNS.items():
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                for row in rows[table]:
                    copy.write_row(row)
        connection.execute(INDEXES.encode())
        connection.execute(b"VACUUM ANALYZE")
        # As long after a load as a service that is in use: no checkpoint runs into what is measured.
        connection.execute(b"CHECKPOINT")


def _rows(kind: str, id: str, body: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    titles = body["title"]["en"], body["title"].get("ja")
    if kind in ("project", "agent"):
        yield kind, (id, *titles, body["type"])
    elif kind == "sample":
        told = (body[name] for name in ("formula", "form", "collectedAt"))
        yield "sample", (id, *titles, body["description"]["en"], *told, body["projects"][0])
    else:
        told = (body[name] for name in ("type", "format", "size", "fileCount", "createdAt", "license"))
        doi = body["identifiers"][0]["value"]
        yield "dataset", (id, *titles, body["description"]["en"], *told, doi, body["samples"][0])
        for link in body["contributors"]:
            yield "creator", (id, link["order"], link["to"])
        for place, attribute in enumerate(body["attributes"], 1):
            quantity = attribute["quantity"]
            yield "quantity", (id, place, attribute["name"], quantity["value"], quantity["unit"])
