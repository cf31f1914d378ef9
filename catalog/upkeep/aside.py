"""Something that takes long, done beside what goes on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any


class Aside:
    """It begins at once, in a thread of its own; whoever asks for the result waits for it, and is told what went wrong."""

    def __init__(self, what: Callable[[], Any]) -> None:
        self._what = what
        self._answer: Any = None
        self._problem: BaseException | None = None
        self._thread = Thread(target=self._do, name="aside", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        self._thread.join()

    def result(self) -> Any:
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._answer

    def _do(self) -> None:
        try:
            self._answer = self._what()
        except BaseException as problem:  # noqa: BLE001  # told to whoever asks for the result
            self._problem = problem
