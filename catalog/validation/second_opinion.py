"""Slower engines in a process of their own, with a deadline: they explain, and they contradict where something is wrong.

The Python `jsonschema` tries patterns by backtracking and `pyshacl` walks graphs in Python; either may take for ever on
what a stranger sent. So they run apart, one question at a time, and are killed when they are late.
"""

from __future__ import annotations

import logging
import os
import re
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from catalog.records.kinds import Kinds

if TYPE_CHECKING:
    from catalog.validation.gate import Judged

log = logging.getLogger(__name__)


class Late(Exception):
    """No answer within the deadline, or none at all."""


class SecondOpinion:
    """A process that is asked and waited for only so long; it starts with the first question."""

    def __init__(self, *, deadline_seconds: float = 3.0, start_seconds: float = 20.0) -> None:
        self._deadline_seconds = deadline_seconds
        self._start_seconds = start_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def explain(self, shapes: bytes, graph: bytes) -> dict[tuple[str, str | None], str]:
        """What pyshacl says of each node and predicate that breaks the shapes."""
        answer = self.ask({"do": "explain", "shapes": shapes.decode(), "graph": graph.decode()})
        return {(focus, path): message for focus, path, message in answer}

    def valid(self, address: str, resources: Mapping[str, Any], document: Any) -> bool:
        """Whether the Python `jsonschema` accepts a document; formats are left to the gate."""
        return bool(self.ask({"do": "validate", "address": address, "resources": resources, "document": document}))

    def ask(self, question: Mapping[str, Any]) -> Any:
        """The answer of the process, or Late."""
        with self._lock:
            deadline = time.monotonic() + self._deadline_seconds
            if self._process is None or self._process.poll() is not None:
                self._start()
                deadline = time.monotonic() + self._start_seconds
            assert self._process is not None
            try:
                answer = _exchange(self._process, orjson.dumps(question) + b"\n", deadline)
            except (Late, OSError) as problem:
                self._stop()
                raise Late(str(problem)) from problem
        if "failed" in answer:
            raise Late(answer["failed"])
        return answer["answer"]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        # The child finds the catalogue where this process found it, however that was installed.
        begin = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from catalog.validation.peers import answer_questions; answer_questions()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", begin, orjson.dumps(sys.path).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    log.debug("the process was gone before it had read the question")


def _exchange(process: subprocess.Popen[bytes], question: bytes, deadline: float) -> dict[str, Any]:
    """Send a line and read a line, neither for longer than the deadline: the other side may not be reading."""
    assert process.stdin is not None
    assert process.stdout is not None
    into, out_of = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(into, False)
    received = bytearray()
    left = memoryview(question)
    with selectors.DefaultSelector() as selector:
        selector.register(into, selectors.EVENT_WRITE)
        selector.register(out_of, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            wait = deadline - time.monotonic()
            if wait <= 0:
                raise Late("the deadline has passed")
            for key, _ in selector.select(wait):
                if key.fd == into:
                    left = left[os.write(into, left[:65536]) :]
                    if not left:
                        selector.unregister(into)
                    continue
                piece = os.read(out_of, 1 << 16)
                if not piece:
                    raise Late("the process ended without an answer")
                received += piece
    answer: dict[str, Any] = orjson.loads(received)
    return answer


# What cannot be compared: `jsonschema` takes formats as annotations, and what is too deep it has not seen.
_FORMAT_RULE = re.compile(r"schema/(?:format|depth|unreadable|more)")


class Crosscheck:
    """Asks the Python `jsonschema` about one judged record in so many; a disagreement is counted and logged.

    It never holds up whoever calls: one thread asks, and what comes while it is busy is left out.
    """

    def __init__(self, kinds: Kinds, *, every: int = 1000, deadline_seconds: float = 5.0) -> None:
        self._schemas = kinds.schemas
        self._addresses = {name: str(kind.schema["$id"]) for name, kind in kinds.items()}
        self._every = every
        self._opinion = SecondOpinion(deadline_seconds=deadline_seconds)
        self._seen = 0
        self._busy = threading.Lock()
        self.asked = 0
        self.late = 0
        self.disagreements = 0

    def consider(self, judged: Sequence[Judged]) -> None:
        """Ask about those of a batch whose turn it is, in a thread of its own."""
        before, self._seen = self._seen, self._seen + len(judged)
        place = -before % self._every
        if place >= len(judged) or not self._busy.acquire(blocking=False):
            return
        threading.Thread(target=self._ask, args=(judged[place],), name="crosscheck", daemon=True).start()

    def _ask(self, judged: Judged) -> None:
        try:
            self.compare(judged)
        finally:
            self._busy.release()

    def compare(self, judged: Judged) -> bool | None:
        """Whether both engines agree on a record's kind; None if that is not to be known."""
        address = self._addresses.get(judged.submission.kind)
        broken = [
            finding for finding in judged.findings if finding.rule.startswith("schema/") and finding.breaks == "kind"
        ]
        if address is None or any(_FORMAT_RULE.fullmatch(finding.rule) for finding in broken):
            return None
        self.asked += 1
        try:
            valid = self._opinion.valid(address, self._schemas, judged.submission.body)
        except Late as late:
            self.late += 1
            log.info("crosscheck of %s: %s", judged.id, late)
            return None
        if valid == (not broken):
            return True
        self.disagreements += 1
        log.error(
            "jsonschema %s what the gate did not, or the other way round: %s",
            "accepts" if valid else "refuses",
            judged.id,
        )
        return False

    def close(self) -> None:
        """End the process that is asked."""
        self._opinion.close()
