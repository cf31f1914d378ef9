"""Enter a stream of submissions of any length: gated in threads, written by one, answered line by line in a file."""

from __future__ import annotations

import fcntl
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import orjson

from catalog.curation.pieces import PAUSE, Piece, pieces
from catalog.curation.submit import Intake, Prepared, enter, prepare, refusal
from catalog.errors import CatalogError, Malformed, TooLarge, Unavailable
from catalog.ledger.append import Outcome
from catalog.ledger.loads import Load, Loads
from catalog.questions.reader import Reader
from catalog.records.parse import read_submission
from catalog.records.record import Mode, Submission

BATCH: Final = 500
BATCH_BYTES: Final = 8 * 1024 * 1024
COMMIT_RECORDS: Final = 1_000
COMMIT_SECONDS: Final = 0.5
ATOMIC_LIMIT: Final = 50_000
# An atomic load is held whole, and a submission takes some twelve times its text in memory: 120 MB took 1.6 GiB.
ATOMIC_BYTES: Final = 64 * 1024 * 1024
# Batches gated ahead of the writer: enough to keep both busy, few enough to bound the memory, of which a submission
# takes several times its length. Without the bounds in bytes, 200 MB in lines of 12 MB took 1 GiB.
AHEAD: Final = 4
AHEAD_BYTES: Final = 16 * 1024 * 1024
COMMIT_BYTES: Final = 8 * 1024 * 1024

Progress = Callable[["LoadSummary"], None]
Ease = Callable[[], None]


@dataclass(slots=True)
class LoadSummary:
    """What became of a load; the last line of its answer."""

    id: str
    dry_run: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    position: int | None = None
    complete: bool = False

    def document(self) -> dict[str, Any]:
        """The summary as it is answered."""
        told: dict[str, Any] = {"load": self.id, "complete": self.complete, "records": self.counts.total()}
        told["counts"] = dict(sorted(self.counts.items()))
        if self.position is not None:
            told["position"] = str(self.position)
        if self.dry_run:
            told["dryRun"] = True
        return told


@dataclass(frozen=True, slots=True)
class _Batch:
    """The pieces of one batch after the gate; a piece that was no submission has an answer only."""

    lines: list[int]
    size: int  # in bytes, as it was sent
    ways: list[Prepared | Outcome]
    asked_after: int  # how many commits of this load its look-up of known records saw


def load(
    chunks: Iterable[bytes],
    media_type: str,
    by: Reader,
    *,
    intake: Intake,
    loads: Loads,
    folder: Path,
    mode: Mode = "strict",
    dry_run: bool = False,
    atomic: bool = False,
    threads: int = 2,
    progress: Progress | None = None,
    ease: Ease | None = None,
    id: str | None = None,
    refused: Callable[[str], None] | None = None,
) -> LoadSummary:
    """Enter every submission of the stream; answers are in `folder/<id>.ndjson`, each written after its commit.

    `ease` is called before each commit, and may take its time where others must catch up first; `refused` with the id of each
    record that its sender may not write.
    """
    summary = LoadSummary(id or new_load_id(), dry_run)
    with Answers(answers_of(summary.id, folder)) as answers:
        loads.begin(summary.id, by=by.id, mode=mode, atomic=atomic)
        try:
            Loading(summary, by, intake, answers, mode, dry_run, atomic, progress, ease, refused).run(
                pieces(chunks, media_type, intake.ledger.kinds), threads
            )
            summary.complete = True
        finally:
            loads.end(summary.id, complete=summary.complete, counts=dict(summary.counts))
        # Noted first: whoever reads that it is complete must not be told otherwise after a crash.
        answers.write(orjson.dumps(summary.document()) + b"\n")
    return summary


def answers_of(id: str, folder: Path) -> Path:
    """The file in which a load is answered."""
    return folder / f"{id}.ndjson"


class Answers:
    """The file of a load's answers, held for as long as its process goes on with it: the kernel lets go for one that dies."""

    def __init__(self, path: Path) -> None:
        with _disk_told():
            # Whoever makes room may well have deleted the folder with everything in it.
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
            self._file = path.open("wb", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, lines: bytes | bytearray) -> None:
        """Append whole lines; whoever reads the file sees them now."""
        with _disk_told():
            left = memoryview(lines)
            while left:
                left = left[self._file.write(left) :]


@contextmanager
def _disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        # What was committed stays; what was not answered is to be sent again.
        raise Unavailable(
            f"the answers of this load cannot be written ({problem.strerror}), so it ends here: "
            "see to the disk of the data folder, then send it again",
            ja=f"一括登録の結果を書き込めないため、ここで中断しました（{problem.strerror}）。"
            "データフォルダーのディスクを確認してから、もう一度送ってください",
            retry_after_seconds=60,
        ) from problem


def end_abandoned(loads: Loads, folder: Path) -> list[str]:
    """Note as incomplete the loads that nobody goes on with, since their process died; those under way are left alone."""
    abandoned = [id for id in loads.running() if _is_abandoned(answers_of(id, folder))]
    loads.end_abandoned(abandoned)
    return abandoned


def find_load(id: str, loads: Loads, folder: Path) -> Load | None:
    """How a load stands; one that nobody goes on with is incomplete, even where that could not be noted (a full disk)."""
    found = loads.find(id)
    if found is not None and found.state == "running" and _is_abandoned(answers_of(id, folder)):
        # It may have ended between the two looks.
        found = loads.find(id)
        if found is not None and found.state == "running":
            return replace(found, state="incomplete")
    return found


def _is_abandoned(path: Path) -> bool:
    try:
        with path.open("rb") as answers:
            fcntl.flock(answers, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        # Of a process with another data folder and this database, which may well be alive.
        return False
    return True


def new_load_id() -> str:
    """An id that cannot be guessed, since who knows it may read the answer."""
    return secrets.token_urlsafe(16).replace("-", "x").replace("_", "y")


class Loading:
    """One load under way: what is read, gated and not yet written."""

    def __init__(
        self,
        summary: LoadSummary,
        by: Reader,
        intake: Intake,
        answers: Answers,
        mode: Mode,
        dry_run: bool,
        atomic: bool,
        progress: Progress | None,
        ease: Ease | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.summary, self.by, self.intake, self.answers = summary, by, intake, answers
        self.mode, self.dry_run, self.atomic, self.progress = mode, dry_run, atomic, progress
        self.ease, self.refused = ease, refused
        self.commits = 0
        # Which commit last wrote an id: a look-up that is older than that commit no longer holds.
        self.written: dict[str, int] = {}
        self.waiting: list[_Batch] = []
        self.since = time.monotonic()

    def run(self, stream: Iterator[Piece], threads: int) -> None:
        """Read, gate and write until the stream ends; what was committed before a failure stays."""
        unread: CatalogError | None = None
        with ThreadPoolExecutor(threads, thread_name_prefix="gate") as gates:
            ahead: deque[tuple[int, Future[_Batch]]] = deque()
            try:
                for batch in _batches(stream):
                    ahead.append((_size_of(batch), gates.submit(self.gate, batch, self.commits)))
                    resting = batch[-1] is PAUSE
                    while ahead and (resting or len(ahead) >= AHEAD or sum(size for size, _ in ahead) > AHEAD_BYTES):
                        self.take(ahead.popleft()[1].result())
                    if resting and not self.atomic:
                        self.commit()
            except _Unread as problem:
                unread = problem.problem
            while ahead:
                self.take(ahead.popleft()[1].result())
        if unread is None or not self.atomic:
            self.commit()
        if unread is not None:
            raise unread

    def gate(self, batch: list[Piece], asked_after: int) -> _Batch:
        """What is known of each piece before anything is written; runs in a thread of its own."""
        ways: list[Prepared | Outcome | None] = []
        read: list[Submission] = []
        batch = [piece for piece in batch if piece is not PAUSE]
        for piece in batch:
            try:
                read.append(_submission(piece))
                ways.append(None)
            except CatalogError as problem:
                ways.append(refusal(problem, "parse"))
        prepared = iter(prepare(read, self.by, intake=self.intake, mode=self.mode))
        return _Batch(
            [piece.line for piece in batch], _size_of(batch), [way or next(prepared) for way in ways], asked_after
        )

    def take(self, batch: _Batch) -> None:
        """Line a gated batch up to be written; write what is due."""
        self.waiting.append(batch)
        count = sum(len(waiting.ways) for waiting in self.waiting)
        size = sum(waiting.size for waiting in self.waiting)
        if self.atomic:
            if count > ATOMIC_LIMIT or size > ATOMIC_BYTES:
                most = f"{ATOMIC_LIMIT:,} records and {ATOMIC_BYTES >> 20} MiB"
                raise TooLarge(
                    f"an atomic load may hold {most} at most; load without `atomic`, or in parts",
                    ja=f"一括（atomic）登録は {ATOMIC_LIMIT:,} 件、{ATOMIC_BYTES >> 20} MiB までです。"
                    "atomic を付けずに、または分けて登録してください",
                )
        elif count >= COMMIT_RECORDS or size >= COMMIT_BYTES or time.monotonic() - self.since >= COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what waits in one transaction, then answer it."""
        if self.ease is not None:
            self.ease()
        lines: list[int] = []
        ways: list[Prepared | Outcome] = []
        for batch in self.waiting:
            lines += batch.lines
            ways += self.still_true(batch)
        self.waiting = []
        prepared = [way for way in ways if isinstance(way, Prepared)]
        refused = any(isinstance(way, Outcome) for way in ways)
        if self.atomic and refused:
            prepared = []
            ways = [way if isinstance(way, Outcome) else _not_entered(way) for way in ways]
        entered = iter(
            enter(
                prepared,
                self.by,
                ledger=self.intake.ledger,
                dry_run=self.dry_run,
                atomic=self.atomic,
                load=self.summary.id,
            )
        )
        outcomes = [way if isinstance(way, Outcome) else next(entered) for way in ways]
        self.commits += 1
        for outcome in outcomes:
            if outcome.position is not None:
                self.written[outcome.id] = self.commits
        if len(self.written) > 8 * COMMIT_RECORDS:
            oldest = self.commits - AHEAD - 2
            self.written = {id: commit for id, commit in self.written.items() if commit > oldest}
        self.answer(lines, outcomes)
        self.since = time.monotonic()

    def still_true(self, batch: _Batch) -> list[Prepared | Outcome]:
        """The batch's ways, gated again where this load itself has since changed the record that was looked up."""
        return [
            prepare([way.submission], self.by, intake=self.intake, mode=self.mode)[0]
            if isinstance(way, Prepared) and self.written.get(way.id, -1) > batch.asked_after
            else way
            for way in batch.ways
        ]

    def answer(self, lines: list[int], outcomes: list[Outcome]) -> None:
        """Append a line for each outcome, and tell how far the load is."""
        told = bytearray()
        for line, outcome in zip(lines, outcomes, strict=True):
            told += orjson.dumps({"line": line, **outcome.document()})
            told += b"\n"
            self.summary.counts[outcome.outcome] += 1
            if self.refused is not None and any(
                finding.rule in ("scope/write", "scope/manage") for finding in outcome.findings
            ):
                self.refused(outcome.id)
            if outcome.position is not None:
                self.summary.position = outcome.position
        self.answers.write(told)
        if self.progress is not None:
            self.progress(self.summary)


def _size_of(batch: list[Piece]) -> int:
    return sum(len(piece.data or b"") for piece in batch)


def _batches(stream: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Pieces together, up to a number, a size, or a rest of the sender's; a rest ends its batch."""
    batch: list[Piece] = []
    size = 0
    while True:
        try:
            piece = next(stream, None)
        except CatalogError as problem:
            if batch:
                yield batch
            raise _Unread(problem) from problem
        if piece is None:
            break
        batch.append(piece)
        size += len(piece.data or b"")
        if piece is PAUSE or len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Unread(Exception):
    """What follows in the stream cannot be read; what came before it can be entered."""

    def __init__(self, problem: CatalogError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _submission(piece: Piece) -> Submission:
    if piece.problem is not None:
        raise piece.problem
    if piece.data is not None:
        return read_submission(piece.data)
    raise Malformed("there is nothing in this line", ja="この行には何もありません")


def _not_entered(one: Prepared) -> Outcome:
    problem = Malformed(
        "nothing of this atomic load was entered, since one of its lines could not be read",
        ja="読めない行があったため、この一括登録は何も登録されませんでした",
    )
    return refusal(problem, "atomic", one.id)
