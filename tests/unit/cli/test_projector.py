"""The projecting process: it is started again when it dies, and never survives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.cli.projector import Projector
from catalog.settings import Settings, read_settings

# Notes its id, then stays until its input ends.
STAYS = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.stdin.read()"
# Takes no notice of the end of its input.
STUBBORN = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"
# What starts it, and is then killed.
STARTER = """
import sys
from pathlib import Path
from catalog.cli.projector import Projector
from catalog.settings import read_settings
with Projector(read_settings({}, data=Path(sys.argv[2])), command=[sys.executable, "-c", sys.argv[1], sys.argv[3]]):
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({}, data=tmp_path)


def noted(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        # A process that has ended and was not waited for yet is a zombie, which still takes signals.
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_it_is_started_again_whenever_it_dies_and_ends_with_its_holder(settings: Settings, tmp_path: Path) -> None:
    file, said = tmp_path / "pids", []
    with Projector(
        settings, command=[sys.executable, "-c", STAYS, str(file)], said=said.append, first_pause_seconds=0.05
    ) as projector:
        for lives in (1, 2, 3):
            until(lambda lives=lives: len(noted(file)) == lives)
            last = noted(file)[-1]
            assert projector.pid == last
            if lives < 3:
                os.kill(last, signal.SIGKILL)
    assert len(said) == 2
    assert "9" in said[0]
    assert not any(alive(pid) for pid in noted(file))
    assert len(noted(file)) == 3


def test_what_dies_at_once_is_started_ever_more_seldom(settings: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    with Projector(
        settings, command=[sys.executable, "-c", "raise SystemExit(7)"], said=said.append, first_pause_seconds=0.05
    ):
        until(lambda: len(said) >= 3)
    pauses = [line.rsplit(" ", 2)[-2] if line.endswith(" s") else line for line in said[:3]]
    assert pauses == ["0.05", "0.1", "0.2"]
    assert "7" in said[0]


def test_it_does_not_survive_a_holder_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, STAYS, str(tmp_path), str(file)], stdin=subprocess.PIPE, cwd=Path.cwd()
    )
    try:
        until(lambda: len(noted(file)) == 1)
        (pid,) = noted(file)
        assert alive(pid)
    finally:
        starter.kill()
        starter.wait()
        assert starter.stdin is not None
        starter.stdin.close()
    until(lambda: not alive(pid), 5)


def test_one_that_does_not_listen_is_killed_in_the_end(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.cli.projector.KILLED_AFTER_SECONDS", 0.2)
    file = tmp_path / "pids"
    with Projector(settings, command=[sys.executable, "-c", STUBBORN, str(file)]):
        until(lambda: len(noted(file)) == 1)
    assert not alive(noted(file)[0])
