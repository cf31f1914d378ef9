"""A real browser before a real server that serves the sample catalogue."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.conftest import PROJECT
from tests.service.conftest import START, Served, start, stop

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --disable-dev-shm-usage"
).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of `scripts/services/chromium.sh`."""
    told = subprocess.run(
        [PROJECT / "scripts" / "services" / "chromium.sh", "path"], capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        # Only who selects these tests comes here, and means them to run.
        pytest.fail("no browser to test with: run `make services`, or set CATALOG_TEST_BROWSER")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=told.stdout.strip(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the sample catalogue, whose graph holds it all."""
    data = tmp_path_factory.mktemp("browser") / "data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    subprocess.run(
        [sys.executable, "-c", START, "sample", "--data", str(data)], check=True, capture_output=True, env=environment
    )
    # Its records are known under the address that it was made for, wherever it is served now.
    running = start(data)
    try:
        until = time.monotonic() + 60
        while not _projected(running):
            assert time.monotonic() < until, "the graph did not hold the sample after a minute"
            time.sleep(0.2)
        yield running
    finally:
        stop(running)


def _projected(running: Served) -> bool:
    wanted = sum(httpx.get(running.address).json()["kinds"].values())
    query = "SELECT (COUNT(?r) AS ?n) WHERE { ?r a <https://w3id.org/musubi/ns#Record> }"
    answer = httpx.post(
        f"{running.address}sparql",
        content=query,
        headers={"Content-Type": "application/sparql-query", "Accept": "application/sparql-results+json"},
        timeout=30,
    )
    if answer.status_code == 503:
        return False
    answer.raise_for_status()
    return bool(int(answer.json()["results"]["bindings"][0]["n"]["value"]) == wanted)


@pytest.fixture
def page(browser: Browser, sample: Served) -> Iterator[Page]:
    """A page in a profile of its own. It fails the test that makes it break a rule, or fetch from elsewhere."""
    context = browser.new_context(base_url=sample.address, locale="en-US", accept_downloads=True)
    opened = context.new_page()
    broken: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # A refused query is an answer like any other; the browser writes it down as an error.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            broken.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((sample.address, "blob:", "data:")):
            broken.append(f"fetched {request.url}")

    opened.on("console", heard)
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.on("request", asked)
    yield opened
    context.close()
    assert broken == []
