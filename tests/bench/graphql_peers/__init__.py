"""The services that GraphQL is measured beside: PostGraphile 4 and 5, and Strawberry with SQLAlchemy and data loaders."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import FOLDER, note

HERE = Path(__file__).resolve().parent
FOLDERS = FOLDER / "graphql"
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Peer:
    """A service over PostgreSQL: how it is installed, in a folder of its own, how it is started, and what it is asked."""

    name: str
    file: str
    install: tuple[tuple[str, ...], ...]
    installed: str
    start: tuple[str, ...]  # {database} and {port} are put in
    queries: Mapping[str, str]

    @contextmanager
    def served(self, database: str) -> Iterator[str]:
        """The address at which it answers."""
        folder = self._installed()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [part.format(database=database, port=port) for part in self.start]
        environment = {**os.environ, "NODE_ENV": "production", "GRAPHILE_ENV": "production", "PLAIN_DATABASE": database}
        log = folder / "log"
        with log.open("wb") as said:
            # A session of its own, so that its workers end with it.
            service = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
            )
        try:
            _wait(service, port, log)
            yield f"http://127.0.0.1:{port}/graphql"
        finally:
            os.killpg(service.pid, signal.SIGTERM)
            service.wait(30)

    def _installed(self) -> Path:
        """Its folder, with what it needs and its newest program in it."""
        folder = FOLDERS / self.name
        if not (folder / self.installed).exists():
            note(f"installing {self.name} beside the project")
            folder.mkdir(parents=True, exist_ok=True)
            for command in self.install:
                subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Node looks for packages beside the program, not where it is started.
        shutil.copy(HERE / self.file, folder)
        return folder


def _wait(service: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        if service.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"it does not answer: {log.read_text()}")


_NPM = ("npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", ".")

POSTGRAPHILE_4 = Peer(
    name="postgraphile-4",
    file="postgraphile4.cjs",
    install=(
        (
            *_NPM,
            "postgraphile@4.14.1",
            "postgraphile-plugin-connection-filter@2.3.0",
            "@graphile-contrib/pg-simplify-inflector@6.1.0",
        ),
    ),
    installed="node_modules/postgraphile",
    start=("node", "postgraphile4.cjs", "{database}", "{port}", str(WORKERS)),
    queries={
        "list": """{ datasetsList(first: 100, orderBy: [TITLE_ASC]) {
            id title creatorsList { agent { name } } quantitiesList { name value unit } sample { title } } }""",
        "one": "query ($id: String!) { dataset(id: $id) { id title } }",
        "links": """query ($project: String!) {
            datasetsList(first: 20, filter: {sample: {projectId: {equalTo: $project}}}) { id title sample { title } } }""",
    },
)

POSTGRAPHILE_5 = Peer(
    name="postgraphile-5",
    file="postgraphile5.mjs",
    install=(
        (
            *_NPM,
            "node@22",
            "postgraphile@5.1.5",
            "postgraphile-plugin-connection-filter@4.0.1",
            "@graphile/simplify-inflection@9.0.0",
        ),
    ),
    installed="node_modules/postgraphile",
    start=("node_modules/.bin/node", "postgraphile5.mjs", "{database}", "{port}", str(WORKERS)),
    queries={
        "list": """{ datasets(first: 100, orderBy: [TITLE_ASC]) { nodes {
            rowId title creators { nodes { agent { name } } } quantities { nodes { name value unit } }
            sample { title } } } }""",
        "one": "query ($id: String!) { dataset(rowId: $id) { rowId title } }",
        "links": """query ($project: String!) {
            datasets(first: 20, filter: {sample: {projectId: {equalTo: $project}}}) {
              nodes { rowId title sample { title } } } }""",
    },
)

PYTHON_PACKAGES = (
    "strawberry-graphql[asgi]==0.341.2",
    "sqlalchemy[asyncio]==2.1.*",
    "asyncpg==0.32.*",
    "granian==2.8.7",
    "uvloop",
    "orjson",
)
OF_GRANIAN = ("--interface", "asginl", "--workers", str(WORKERS), "--no-ws", "--log-level", "warning")

PLAIN = Peer(
    name="plain",
    file="plain.py",
    install=(
        (sys.executable, "-m", "venv", "."),
        ("bin/pip", "install", "--quiet", *PYTHON_PACKAGES),
    ),
    installed="bin/granian",
    start=("bin/granian", *OF_GRANIAN, "--port", "{port}", "plain:application"),
    queries={
        "list": """{ datasets(first: 100, orderByTitle: true) {
            id title creators { name } quantities { name value unit } sample { title } } }""",
        "one": "query ($id: String!) { dataset(id: $id) { id title } }",
        "links": """query ($project: String!) {
            datasets(first: 20, project: $project) { id title sample { title } } }""",
    },
)

PEERS = (POSTGRAPHILE_4, POSTGRAPHILE_5, PLAIN)
