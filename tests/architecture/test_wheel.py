"""What is in the wheel is enough: installed into an environment of its own, it behaves as the checkout does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.wheel


def run(*command: str | Path, **settings: str) -> str:
    """What a command says, from a folder and an environment that know nothing of the checkout."""
    environment = {
        name: os.environ[name] for name in os.environ if not name.startswith(("CATALOG_", "PYTHON", "LANG", "LC_"))
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env={**environment, **settings}
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # The environment has the build backend: nothing is fetched for it a second time.
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, PROJECT)
    (built,) = folder.glob("musubi_catalog-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment that has the wheel and what it says it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    run(
        folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-c", PROJECT / "constraints.txt", wheel
    )
    return folder / "bin"


@pytest.fixture(scope="module")
def sample(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    run(installed / "catalog", "sample", "--data", data)
    return data


@pytest.fixture
def served(installed: Path, sample: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [installed / "catalog", "serve", "--data", sample, "--port", str(port)]
    server = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield f"http://127.0.0.1:{port}"
        server.send_signal(signal.SIGTERM)
        said = server.communicate(timeout=30)[1]
        assert server.returncode == 0, said.decode()
    finally:
        server.kill()


def test_the_wheel_holds_what_it_should_and_no_more(wheel: Path) -> None:
    run(Path(sys.executable).with_name("check-wheel-contents"), "--config", PROJECT / "pyproject.toml", wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for wanted in (
        "catalog/schemas/kinds/sample.schema.json",
        "catalog/schemas/submission.schema.json",
        "catalog/ontologies/musubi.ttl",
        "catalog/ontologies/shapes/sample.ttl",
        "catalog/ontologies/context/common.jsonld",
        "catalog/web/templates/sparql.html",
        "catalog/web/static/sparql.js",
        "catalog/web/static/sparql-query.js",
        "catalog/web/static/sparql-results.js",
        "catalog/web/static/sparql.css",
        "catalog_loaders/__init__.py",
        "catalog/py.typed",
    ):
        assert wanted in names
    assert [name for name in names if name.split("/")[0] in ("tests", "docs", "scripts", "schemas", "loaders")] == []


def test_the_installed_command_explains_itself(installed: Path) -> None:
    assert "serve" in run(installed / "catalog", "--help")
    assert "待ち受け" in run(installed / "catalog", "serve", "--help", LANG="ja_JP.UTF-8")


def test_the_installed_catalogue_answers_with_its_sample(served: str) -> None:
    def get(path: str, accept: str = "*/*") -> bytes:
        for _ in range(600):
            try:
                request = urllib.request.Request(served + path, headers={"Accept": accept})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    body: bytes = answer.read()
                    return body
            except ConnectionError:
                time.sleep(0.1)
            except urllib.error.URLError as problem:
                if not isinstance(problem.reason, ConnectionError):
                    raise
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    assert get("/health")
    assert b"<html" in get("/", "text/html").lower()
    assert b'"items"' in get("/records?kind=sample")
