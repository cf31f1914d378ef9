"""The README is true: its console examples are run, in their order, against a catalogue of their own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

EXAMPLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8000"


def examples() -> list[tuple[str, str]]:
    """Each command of the README's console blocks, with what it is said to answer (… stands for anything)."""
    found: list[tuple[str, str]] = []
    for block in EXAMPLE.findall((PROJECT / "README.md").read_text("utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            taken = 1
            while lines[taken - 1].endswith("\\") or re.match(r"^> ", lines[taken] if taken < len(lines) else ""):
                taken += 1
            command = "\n".join(line.removeprefix("> ") for line in lines[:taken])
            found.append((command, "\n".join(lines[taken:])))
    return found


def agrees(said: str, expected: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder in which the README's reader stands: the sample catalogue in `data`, served on a port of its own."""
    (tmp_path / "schemas").symlink_to(PROJECT / "schemas")
    catalog = Path(sys.executable).with_name("catalog")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CATALOG_", "LC_", "LANG"))
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    base = f"http://127.0.0.1:{PORT}/"
    subprocess.run([catalog, "sample", "--data", "data", "--base", base], cwd=tmp_path, env=environment, check=True)
    server = subprocess.Popen(
        [catalog, "serve", "--data", "data", "--port", port], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            time.sleep(0.05)
        yield tmp_path, port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def test_there_are_examples_to_run() -> None:
    assert len(examples()) >= 5


@pytest.mark.slow
def test_every_example_in_the_readme_answers_as_it_says(place: tuple[Path, str]) -> None:
    folder, port = place
    assert shutil.which("curl"), "curl is missing: the README's examples use it (apt-get install curl)"
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8"}
    for command, expected in examples():
        done = subprocess.run(
            ["bash", "-c", command.replace(f":{PORT}", f":{port}").replace(".venv/bin/", "")],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        said = (done.stdout + done.stderr).replace(f":{port}", f":{PORT}")
        assert agrees(said, expected), f"$ {command}\n{said}\n--- the README says:\n{expected}"
