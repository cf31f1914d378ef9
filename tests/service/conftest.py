"""A real server process on a free port, started as `catalog serve` starts it; one for the whole session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.service.issuers import issuer, keycloak, other_issuer  # noqa: F401 - fixtures are found by their names here
from tests.service.issuers.forger import forger  # noqa: F401
from tests.service.projecting import Forker, Harmed, harmed, unharmed

START = "import sys; from catalog.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Served:
    """A server that is running: its address, its data folder, and its administrator's token."""

    address: str
    data: Path
    token: str
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://").rstrip("/")

    def client(self, **named: str) -> httpx.Client:
        """A client of the public, or with headers of its own."""
        return httpx.Client(base_url=self.address, headers=named, timeout=60)

    @property
    def as_administrator(self) -> dict[str, str]:
        """The header that says that the administrator asks."""
        return {"Authorization": f"Bearer {self.token}"}


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def start(data: Path, *more: str) -> Served:
    """Start a server on a data folder, and wait until it is ready."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    command = [sys.executable, "-c", START, "serve", "--data", str(data), "--port", str(port), *more]
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}/"
    until = time.monotonic() + 180
    while True:
        told = (data.parent / f"{data.name}.log").read_text("utf-8", "replace")
        assert process.poll() is None, f"the server did not start:\n{told}"
        assert time.monotonic() < until, f"the server was not ready after three minutes:\n{told}"
        try:
            if httpx.get(f"{address}ready", timeout=30).status_code == 200:
                break
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return Served(address, data, (data / "admin-token").read_text("utf-8").strip(), process)


def stop(served: Served) -> None:
    """Stop a server as Ctrl-C does."""
    served.process.send_signal(signal.SIGINT)
    try:
        served.process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait(60)
        raise


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The session's server, with a source `lab` whose records are open and a scope `lab/closed` whose are not."""
    running = start(tmp_path_factory.mktemp("served") / "data")
    try:
        prepare(running)
        yield running
    finally:
        stop(running)


def prepare(running: Served) -> None:
    """Make the scopes and sources that the tests write to."""
    with running.client(**running.as_administrator) as client:
        for scope, mode in (("lab", "everyone"), ("lab/closed", "limited")):
            made = client.put(f"scopes/{scope}", json={"title": {"en": scope}, "mode": mode})
            assert made.status_code in (200, 201), made.text
        for source in ("lab", "other"):
            made = client.put(
                f"sources/{source}",
                json={
                    "title": {"en": source.title(), "ja": "研究室"},
                    "homeScope": "lab",
                    "prefixes": {"panet": "http://purl.org/pan-science/PaNET/"},
                    "zone": "Asia/Tokyo",
                },
            )
            assert made.status_code in (200, 201), made.text


@pytest.fixture(scope="session")
def public(served: Served) -> Iterator[httpx.Client]:
    """Who has not said who they are."""
    with served.client() as client:
        yield client


@pytest.fixture(scope="session")
def administrator(served: Served) -> Iterator[httpx.Client]:
    """Who holds the token."""
    with served.client(**served.as_administrator) as client:
        yield client


@pytest.fixture(scope="session")
def forker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """Commands in processes that may be ended at any point."""
    made = Forker(tmp_path_factory.mktemp("forked"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A catalogue with projections that nobody harms, and the titles in it."""
    data = tmp_path_factory.mktemp("model") / "data"
    return data, unharmed(data)


@pytest.fixture
def here(tmp_path: Path, forker: Forker, model: tuple[Path, dict[str, str]]) -> Iterator[Harmed]:
    """A catalogue like that, to be harmed."""
    with harmed(tmp_path / "data", forker, *model) as made:
        yield made
