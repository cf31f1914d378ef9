"""How far a long command has come, told on standard error once it has taken longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO

from catalog.cli.words import t

QUIET_SECONDS = 1.0
EVERY_SECONDS = 0.25


class Progress:
    """Counts what is done; on a terminal one line that is written over, elsewhere a line every ten seconds if asked for."""

    def __init__(
        self, what: str, total: int | None = None, *, asked: bool | None = None, stream: TextIO | None = None
    ) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._shown = self._terminal if asked is None else asked
        self._began = time.monotonic()
        self._next = self._began + QUIET_SECONDS
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            self._write(self._line(), last=True)

    def advance(self, count: int = 1) -> None:
        """So much more is done."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """So much is done by now."""
        self.done = done
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + (EVERY_SECONDS if self._terminal else 10.0)
            self._write(self._line(), last=not self._terminal)

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks as they come, their bytes counted."""
        for chunk in chunks:
            yield chunk
            self.advance(len(chunk))

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-9)
        line = f"{self.what}: {self.done:,}"
        if self.total:
            line += f" / {self.total:,} ({min(self.done / self.total, 1):.0%})"
        return line + t(f", {self.done / seconds:,.0f} a second", f"、毎秒 {self.done / seconds:,.0f}")

    def _write(self, line: str, *, last: bool) -> None:
        if self._terminal:
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if last else ""))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
            self._width = 0
        self._stream.flush()
