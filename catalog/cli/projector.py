"""The process beside this one that feeds the projections: started, started again when it dies, and ended with this one.

It is a process of its own because checking and writing records fills one interpreter. It ends when its standard input
does, which is a pipe from here. That alone is not enough where this process is killed: a server's workers are forked from
it and hold the pipe too. So whatever is started from here also looks whether who started it is still there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from catalog.cli.command import main
from catalog.cli.words import t, tell
from catalog.settings import Settings, environment_with

START: Final = "from catalog.cli.projector import follow_while_held; follow_while_held()"
# What it has left to settle when it is told to end; after that it ends itself, and a little later it is killed.
GRACE_SECONDS: Final = 8.0
KILLED_AFTER_SECONDS: Final = 10.0
# It is started again at once, then after twice as long each time that it dies young.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
YOUNG_SECONDS: Final = 60.0
# Between two looks at whether the process that started this one is still there.
LOOK_SECONDS: Final = 0.5


def follow_command() -> list[str]:
    """The command that follows the ledger for as long as its standard input is open; it reads this one's settings."""
    return [sys.executable, "-c", START]


def follow_while_held() -> None:
    """`catalog follow` in such a process, watched from its very first moment."""
    end_with(os.getppid())
    Thread(target=_end_with_input, name="input", daemon=True).start()
    sys.argv[1:] = ["follow"]
    main()


def end_with(parent: int, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """End this process soon after the one that started it, of this number: one that is killed can tell nobody to end."""
    Thread(target=_end_with_parent, args=(parent, grace_seconds), name="parent", daemon=True).start()


def _end_with_parent(parent: int, grace_seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    _end_this(grace_seconds)


def _end_with_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    _end_this(GRACE_SECONDS)


def _end_this(grace_seconds: float) -> None:
    # Whoever started this is gone, or tells it to end: it must not outlive them, however long a step takes.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_seconds)
    os._exit(1)


class Projector:
    """A projecting process, for as long as this holds."""

    def __init__(
        self,
        settings: Settings,
        *,
        command: Sequence[str] | None = None,
        said: Callable[[str], None] = tell,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._command = command or follow_command()
        self._environment = environment_with(settings)
        self._said = said
        self._first_pause = first_pause_seconds
        self._stopping = Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._watching = Thread(target=self._watch, name="projector", daemon=True)

    def __enter__(self) -> Self:
        self._process = self._start()
        self._watching.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        process = self._process
        if process is not None:
            _end(process)
        self._watching.join()

    @property
    def pid(self) -> int | None:
        """The process that projects now."""
        return self._process.pid if self._process is not None else None

    def _start(self) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C is for this process, which tells the other in its own time.
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=self._environment, process_group=0
        )

    def _watch(self) -> None:
        pause = self._first_pause
        while True:
            process, born = self._process, time.monotonic()
            assert process is not None
            code = process.wait()
            assert process.stdin is not None
            process.stdin.close()
            if self._stopping.is_set():
                return
            if time.monotonic() - born > YOUNG_SECONDS:
                pause = self._first_pause
            self._said(
                t(
                    f"the projector ended ({_ending(code)}); it is started again in {pause:g} s",
                    f"更新プロセスが終了しました（{_ending(code)}）。{pause:g} 秒後に再起動します",
                )
            )
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._process = self._start()
            if self._stopping.is_set():
                # Told to end between the two lines above.
                _end(self._process)
                return


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(KILLED_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        # What it had not settled is projected again by the next one.
        process.kill()
        process.wait()


def _ending(code: int) -> str:
    return t(f"signal {-code}", f"シグナル {-code}") if code < 0 else t(f"code {code}", f"コード {code}")
