"""The peers that loading is measured beside, in the same run: a durable PostgreSQL of its own, and pgstac in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg

from tests.bench.figures import FOLDER, note

PROJECT = Path(__file__).resolve().parents[2]
PGSTAC = "pypgstac[psycopg]==0.10.0"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL that runs while it is measured."""

    address: str

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, empty database."""
        name = f"bench_{uuid.uuid4().hex[:10]}"
        self._run(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        try:
            yield f"{self.address}/{name}"
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(f"{self.address}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgresql() -> Iterator[Server]:
    """A private PostgreSQL with fsync on: a figure without it would not be one."""
    services = FOLDER / "services"
    script = [str(PROJECT / "scripts/services/postgresql.sh")]
    environment = {**os.environ, "SERVICES_DIR": str(services), "PG_DURABLE": "1"}
    subprocess.run([*script, "start"], check=True, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield Server((services / "postgresql.address").read_text().strip())
    finally:
        subprocess.run([*script, "stop"], check=True, env=environment, stdout=subprocess.DEVNULL)


def pgstac(server: Server, records: Path) -> float:
    """Items a second that pypgstac loads: the same number, of the same size, with nothing validated."""
    command = _installed()
    items, collection = _items(records)
    with server.database() as address:
        environment = {**os.environ, "PGDATABASE": address.rpartition("/")[2]}

        def run(*arguments: str) -> None:
            subprocess.run(
                [command, *arguments, "--dsn", address],
                check=True,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        run("migrate")
        run("load", "collections", str(collection), "--method", "insert")
        began = time.perf_counter()
        run("load", "items", str(items), "--method", "insert")
        took = time.perf_counter() - began
        with psycopg.connect(address) as connection:
            (count,) = connection.execute("SELECT count(*) FROM pgstac.items").fetchone() or (0,)
    if count != sum(1 for _ in items.open("rb")):
        raise SystemExit(f"pypgstac loaded {count} items only")
    return float(count / took)


def _installed() -> str:
    """pypgstac in an environment of its own, since it is no part of the project."""
    folder = FOLDER / "pgstac"
    if not (folder / "bin" / "pypgstac").exists():
        note("installing pypgstac beside the project, and PostGIS, which it needs")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", PGSTAC], check=True)
        if os.geteuid() == 0:
            packages = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql-15-postgis-3"]
            if subprocess.run(packages, stdout=subprocess.DEVNULL, check=False).returncode:
                subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL, check=True)
                subprocess.run(packages, stdout=subprocess.DEVNULL, check=True)
    return str(folder / "bin" / "pypgstac")


def _items(records: Path) -> tuple[Path, Path]:
    """Each record's body as the properties of a STAC item, padded by what such an item must have."""
    items, collection = FOLDER / "stac-items.ndjson", FOLDER / "stac-collection.json"
    point = {"type": "Point", "coordinates": [134.43, 34.94]}
    with items.open("wb") as out:
        for place, line in enumerate(records.open("rb")):
            record = orjson.loads(line)
            body = record["body"]
            body.pop("identifiers", None)
            item = {
                "type": "Feature",
                "stac_version": "1.0.0",
                "id": record["localId"],
                "collection": "bench",
                "geometry": point,
                "bbox": [134.43, 34.94, 134.43, 34.94],
                "properties": {**body, "datetime": f"2026-{place % 12 + 1:02d}-{place % 28 + 1:02d}T00:00:00Z"},
                "links": [],
                "assets": {},
            }
            out.write(orjson.dumps(item) + b"\n")
    collection.write_bytes(
        orjson.dumps(
            {
                "type": "Collection",
                "stac_version": "1.0.0",
                "id": "bench",
                "description": "Measured",
                "license": "other",
                "extent": {
                    "spatial": {"bbox": [[-180, -90, 180, 90]]},
                    "temporal": {"interval": [["2026-01-01T00:00:00Z", None]]},
                },
                "links": [],
            }
        )
    )
    return items, collection
