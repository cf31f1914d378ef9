"""The processes that run queries: a few, each with bounds on time, memory and answer; late ones are killed and replaced.

An answer is kept (in memory, then in a file) until it is whole, and only then given: what fails on the way is an error
and never half an answer, and a reader who is slow holds up no process.
"""

from __future__ import annotations

import json
import logging
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Literal

from catalog.errors import Malformed, TooCostly, Unavailable
from catalog.projections.graph.asking import DONE, HEADER, LENGTH, PIECE, READY, REFUSED
from catalog.projections.graph.dataset import Dataset

log = logging.getLogger(__name__)

Kind = Literal["solutions", "boolean", "graph"]
# After this long a query is a long one, and gives way to others that wait if there are too many of its sort.
QUICK_SECONDS: Final = 1.0
START_SECONDS: Final = 20.0
_TICK_SECONDS: Final = 0.05
_IDLE_SECONDS: Final = 2.0
_HELD_IN_MEMORY: Final = 1 << 20
_READ_BYTES: Final = 1 << 18
# A checkpoint may be replaced by a newer one between being told and being opened.
_TRIES: Final = 5


class NoSuchForm(Malformed):
    """What the query answers can't be written in any of the forms that were asked for."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"the answer is of the kind {kind}, which none of the forms asked for can hold")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one query may take."""

    memory: int  # bytes that it may allocate
    rows: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A query and what is to become of its answer: for each kind of answer its form, or None if there is none."""

    text: str
    base: str
    prefixes: Mapping[str, str]
    seconds: float
    result_form: str | None
    graph_form: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; whoever reads it closes it."""

    kind: Kind
    form: str
    size: int
    body: IO[bytes]


# Where a query is to be run: the checkpoint and what may be seen of it, as of the moment in which it is asked.
Place = Callable[[], tuple[Path, Dataset]]


@dataclass(slots=True, eq=False)
class _Job:
    query: Query
    place: Place
    client: str
    future: Future[Answer] = field(default_factory=Future)
    given_up: bool = False


class SparqlPool:
    """Asks up to so many queries at a time; further ones wait for their turn, each client's in its own line.

    `waiting`: how many may wait, in all; each client may have half of that under way. The processes start with the first query.
    """

    def __init__(self, processes: int, bounds: Bounds, *, waiting: int = 32, folder: Path | None = None) -> None:
        self.bounds = bounds
        self.counts: Counter[str] = Counter()
        self._waiting_most = waiting
        self._folder = folder
        self._changed = threading.Condition()
        self._lines: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._long: set[int] = set()
        self._closed = False
        self._seats = [_Seat(self, number) for number in range(processes)]

    # ------------------------------------------------------------------------------------------- whoever asks

    def submit(self, query: Query, place: Place, client: str) -> Future[Answer]:
        """Have a query run when its turn comes; Unavailable if too many wait already. A cancelled one is let go of."""
        job = _Job(query, place, client)
        with self._changed:
            if self._closed:
                raise _busy(1)
            waiting = sum(map(len, self._lines.values()))
            if waiting >= self._waiting_most or self._under_way[client] >= max(self._waiting_most // 2, 1):
                self.counts["refused"] += 1
                raise _busy(2)
            self._under_way[client] += 1
            self._lines.setdefault(client, deque()).append(job)
            for seat in self._seats:
                seat.begin()
            self._changed.notify()
        job.future.add_done_callback(lambda _: self._let_go(job))
        return job.future

    def give_up(self, future: Future[Answer]) -> None:
        """Nobody waits for this answer any more: what it takes is for others."""
        future.cancel()
        with self._changed:
            for seat in self._seats:
                if seat.job is not None and seat.job.future is future:
                    seat.job.given_up = True

    @property
    def waiting(self) -> int:
        """How many queries wait for their turn."""
        with self._changed:
            return sum(map(len, self._lines.values()))

    def close(self) -> None:
        """End the processes, and whatever they are doing."""
        with self._changed:
            self._closed = True
            for line in self._lines.values():
                for job in line:
                    job.future.cancel()
            self._lines.clear()
            self._changed.notify_all()
        for seat in self._seats:
            seat.end()

    @property
    def pids(self) -> list[int]:
        """The processes that there are just now."""
        return [child.pid for seat in self._seats if (child := seat.child) is not None]

    # ------------------------------------------------------------------------------------------ whoever works

    def next_job(self, idle: Callable[[], None]) -> _Job | None:
        """The next query, each client in turn; None when the pool is closed. While there is none, `idle` is done now and then."""
        while True:
            with self._changed:
                if self._closed:
                    return None
                for client in list(self._lines):
                    line = self._lines[client]
                    # Whose turn it was goes to the end, and who has nothing waiting leaves.
                    while line and not line[0].future.set_running_or_notify_cancel():
                        line.popleft()
                    if not line:
                        del self._lines[client]
                        continue
                    job = line.popleft()
                    self._lines.move_to_end(client)
                    if not line:
                        del self._lines[client]
                    return job
                waited = self._changed.wait(_IDLE_SECONDS)
            if not waited:
                idle()

    def must_give_way(self, seat: int) -> bool:
        """Whether a query that takes long has to end for those that wait: long ones may hold all processes but one."""
        with self._changed:
            if seat in self._long:
                return False
            if len(self._long) < max(len(self._seats) - 1, 1):
                self._long.add(seat)
                return False
            return bool(self._lines)

    def ended(self, seat: int, outcome: str) -> None:
        """A process is free again."""
        with self._changed:
            self._long.discard(seat)
            self.counts[outcome] += 1

    def spool(self) -> IO[bytes]:
        """Where an answer is kept until it is whole."""
        return tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY, dir=str(self._folder) if self._folder else None)

    def _let_go(self, job: _Job) -> None:
        with self._changed:
            self._under_way[job.client] -= 1
            if self._under_way[job.client] <= 0:
                del self._under_way[job.client]


class _Gone(Exception):
    """The process ended by itself, or was ended by the kernel."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"ended with {code}: {said}")
        self.code = code
        self.said = said


class _Seat:
    """One process of the pool, and the thread that asks it."""

    def __init__(self, pool: SparqlPool, number: int) -> None:
        self._pool = pool
        self._number = number
        self._thread: threading.Thread | None = None
        self.child: _Child | None = None
        self.job: _Job | None = None
        self._path: Path | None = None  # what the process was asked last

    def begin(self) -> None:
        """Work, if that has not begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"sparql-{self._number}", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """End the process and the work."""
        child = self.child
        if child is not None:
            child.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
        self._drop()

    def _work(self) -> None:
        while True:
            try:
                # Started before it is needed, so that nobody waits for it.
                self._started()
            except (OSError, _Gone, TimeoutError) as problem:
                log.error("a process for queries could not be started: %s", problem)
                self._drop()
            job = self._pool.next_job(self._let_go_of_what_is_gone)
            if job is None:
                return
            self.job = job
            outcome = "failed"
            try:
                answer = self._answer(job)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is waited for
                outcome = type(error).__name__
                job.future.set_exception(error)
            else:
                outcome = "answered"
                job.future.set_result(answer)
            finally:
                self.job = None
                self._pool.ended(self._number, outcome)

    def _started(self) -> _Child:
        if self.child is None or not self.child.alive:
            self._drop()
            self.child = _Child(self._pool.bounds.memory)
        return self.child

    def _let_go_of_what_is_gone(self) -> None:
        """A generation that was deleted keeps its room on the disk as long as a process has it open."""
        if self._path is not None and not self._path.parent.exists():
            self._drop()

    def _drop(self) -> None:
        child, self.child, self._path = self.child, None, None
        if child is not None:
            child.close()

    def _answer(self, job: _Job) -> Answer:
        for attempt in range(_TRIES):
            path, dataset = job.place()
            body = self._pool.spool()
            try:
                told = self._asked(job, path, dataset, body)
            except BaseException:
                body.close()
                raise
            if told.get("why") != "moved":
                body.seek(0)
                return Answer(told["kind"], told["form"], told["size"], body)
            body.close()
            log.info("checkpoint %s can't be opened: %s", path, told["message"])
            time.sleep(0.02 * 2**attempt)
        # Once or twice is how it goes; whoever is refused each time wants to know what stands in the way.
        log.warning("no checkpoint of the graph could be opened, at last %s: %s", path, told["message"])
        raise Unavailable(
            "The graph is being replaced just now. Try again in a moment.",
            ja="グラフの切り替え中です。少し待ってからもう一度お試しください。",
        )

    def _asked(self, job: _Job, path: Path, dataset: Dataset, body: IO[bytes]) -> dict[str, Any]:
        """Ask the process, and put what it answers into the body; what it tells at the end."""
        query, bounds = job.query, self._pool.bounds
        try:
            child = self._started()
        except (OSError, _Gone, TimeoutError) as problem:
            log.error("a process for queries could not be started: %s", problem)
            raise _busy(5) from problem
        self._path = path
        question = {
            "query": query.text,
            "base": query.base,
            "prefixes": dict(query.prefixes),
            "seconds": query.seconds,
            "result_form": query.result_form,
            "graph_form": query.graph_form,
            # The process is elsewhere: a folder that was told relatively lies beside us, and not beside it.
            "path": str(path.absolute()),
            "dataset": dataset.document(),
            "rows": bounds.rows,
            "size": bounds.size,
        }
        began = time.monotonic()
        until = began + query.seconds

        def go_on() -> None:
            now = time.monotonic()
            if now >= until:
                raise _too_slow(query.seconds)
            if job.given_up:
                raise Unavailable("Nobody waits for the answer any more.", ja="応答を待つ相手がいなくなりました。")
            if now - began > QUICK_SECONDS and self._pool.must_give_way(self._number):
                raise Unavailable(
                    "Other long queries are running and short ones are waiting, so this one was ended. Try again in a moment.",
                    ja="時間のかかるクエリーがほかに実行中で、待っているクエリーがあるため、中断しました。少し待ってからもう一度お試しください。",
                )

        try:
            told = child.ask(json.dumps(question).encode(), body, go_on)
        except _Gone as gone:
            self._drop()
            raise _why(gone, query, bounds) from gone
        except BaseException:
            # Whatever it is doing, nobody waits for it.
            self._drop()
            raise
        if "why" in told:
            if told["why"] in ("rows", "size"):
                log.info("query ended: %s", told)
            refusal = _refusal(told, bounds)
            if refusal is not None:
                raise refusal
        return told


class _Child:
    """One process: `asking.py`, with two pipes and nothing else of ours."""

    def __init__(self, memory: int) -> None:
        # What it says at its end; a pipe that nobody empties would stop it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the process
        begin = (
            "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
            "from catalog.projections.graph.asking import answer_questions; answer_questions()"
        )
        # Neither the environment (settings, the database's address) nor any open file or socket goes with it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", begin, json.dumps(sys.path), str(os.getpid()), str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={"RUST_BACKTRACE": "0"},
            close_fds=True,
            cwd="/",
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._into, self._out_of = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._into, False)
        self._received = bytearray()
        began = time.monotonic()

        def go_on() -> None:
            if time.monotonic() - began > START_SECONDS:
                raise TimeoutError("it was not ready in time")

        try:
            kind, payload = self._exchange(b"", go_on)
            if kind != READY:
                raise _Gone(0, "it did not say that it is ready")
            if not json.loads(payload)["confined"]:
                log.warning("on this system a process for queries can't be kept from the network")
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: bytes, body: IO[bytes], go_on: Callable[[], None]) -> dict[str, Any]:
        """Send a question, and put the pieces of its answer into the body, as long as `go_on` raises nothing."""
        sent = LENGTH.pack(len(question)) + question
        while True:
            kind, payload = self._exchange(sent, go_on)
            sent = b""
            if kind == PIECE:
                body.write(payload)
                continue
            if kind not in (DONE, REFUSED):
                raise _Gone(0, f"it said {kind!r}")
            told: dict[str, Any] = json.loads(payload)
            return told

    def _exchange(self, sent: bytes, go_on: Callable[[], None]) -> tuple[bytes, bytes]:
        """Send what is to be sent, and receive the next thing that is said."""
        left = memoryview(sent)
        with selectors.DefaultSelector() as selector:
            selector.register(self._out_of, selectors.EVENT_READ)
            if left:
                selector.register(self._into, selectors.EVENT_WRITE)
            while (said := self._next_said()) is None:
                go_on()
                for key, _ in selector.select(_TICK_SECONDS):
                    if key.fd == self._into:
                        left = self._written(left)
                        if not left:
                            selector.unregister(self._into)
                        continue
                    piece = os.read(self._out_of, _READ_BYTES)
                    if not piece:
                        raise self._ended()
                    self._received += piece
        return said

    def _written(self, left: memoryview) -> memoryview:
        try:
            return left[os.write(self._into, left[: 1 << 16]) :]
        except BrokenPipeError as problem:
            raise self._ended() from problem

    def _next_said(self) -> tuple[bytes, bytes] | None:
        if len(self._received) < HEADER.size:
            return None
        kind, length = HEADER.unpack_from(self._received)
        end = HEADER.size + length
        if len(self._received) < end:
            return None
        payload = bytes(self._received[HEADER.size : end])
        del self._received[:end]
        return kind, payload

    def _ended(self) -> _Gone:
        code = self._process.wait()
        self._said.seek(0)
        return _Gone(code, self._said.read(4096).decode("utf-8", "replace"))

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """End it, and let go of all that belongs to it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._said.close()


# ------------------------------------------------------------------------------------- what is told of failures


def _busy(seconds: int) -> Unavailable:
    return Unavailable(
        "Too many queries are waiting. Try again in a moment.",
        ja="待っているクエリーが多すぎます。少し待ってからもう一度お試しください。",
        retry_after_seconds=seconds,
    )


def _too_slow(seconds: float) -> TooCostly:
    return TooCostly(
        f"The query was ended after {seconds:g} seconds. Narrow it: begin with what few records have, take less with LIMIT, "
        "do without joining what has nothing in common; or allow more time with timeout=.",
        ja=f"{seconds:g} 秒を超えたため、クエリーを中断しました。該当の少ない条件から始める、LIMIT を付ける、共通の変数のない結合を避けるなど、"
        "範囲を絞ってください。timeout= で時間を延ばすこともできます。",
    )


def _too_much_memory(bounds: Bounds) -> TooCostly:
    return TooCostly(
        f"The query needed more than {_mebibytes(bounds.memory)} of memory. Narrow it: sort, group and join fewer things at once.",
        ja=f"クエリーが {_mebibytes(bounds.memory)} を超えるメモリーを必要としました。並べ替え、集計、結合の対象を減らしてください。",
    )


def _too_deep() -> TooCostly:
    return TooCostly(
        "The query is nested too deeply. Write its groups, lists and expressions with fewer levels.",
        ja="クエリーの入れ子が深すぎます。グループ、リスト、式の段数を減らしてください。",
    )


def _no_service() -> Malformed:
    return Malformed(
        "SERVICE is not offered: this endpoint asks no other. Ask the other endpoint yourself, and join the answers.",
        ja="SERVICE は使えません。このエンドポイントは外部のエンドポイントに問い合わせません。別々に問い合わせて結合してください。",
    )


def _why(gone: _Gone, query: Query, bounds: Bounds) -> Exception:
    """What the way in which a process ended says of its query."""
    if "memory allocation" in gone.said or "MemoryError" in gone.said:
        return _too_much_memory(bounds)
    match -gone.code:
        case signal.SIGSYS:
            log.warning("a query asked for the network, and was ended")
            return _no_service()
        case signal.SIGSEGV | signal.SIGBUS:
            return _too_deep()
        case signal.SIGALRM | signal.SIGXCPU:
            return _too_slow(query.seconds)
        case signal.SIGABRT if "overflow" in gone.said:
            return _too_deep()
    log.error("a process for queries ended with %s: %s; query: %.2000s", gone.code, gone.said, query.text)
    return Unavailable(
        "The process that ran the query ended. Try again in a moment.",
        ja="クエリーを実行していたプロセスが終了しました。少し待ってからもう一度お試しください。",
    )


_FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "nothing": (
        "there is no query here; one begins with SELECT, ASK, CONSTRUCT or DESCRIBE, after PREFIX and BASE.",
        "クエリーがありません。クエリーは（PREFIX と BASE の後に）SELECT、ASK、CONSTRUCT、DESCRIBE のいずれかで始めます。",
    ),
    "beginning": (
        "a query begins with SELECT, ASK, CONSTRUCT or DESCRIBE, after PREFIX and BASE; here is '{word}'.",
        "クエリーは（PREFIX と BASE の後に）SELECT、ASK、CONSTRUCT、DESCRIBE のいずれかで始めます。ここには「{word}」があります。",
    ),
    "prefix": (
        "the prefix '{word}:' is not declared; write PREFIX {word}: <…> at the beginning.",
        "接頭辞「{word}:」が宣言されていません。先頭に PREFIX {word}: <…> を書いてください。",
    ),
    "text": (
        "the text that begins here with {word} is not closed.",
        "ここから始まる {word} の文字列が閉じられていません。",
    ),
    "opened": ("this {word} is not closed.", "この {word} が閉じられていません。"),
    "closed": ("this {word} closes nothing that is open.", "この {word} に対応する開き括弧がありません。"),
}


def _refusal(told: Mapping[str, Any], bounds: Bounds) -> Exception | None:
    """What a process says that it did not do; None if it is to be asked again."""
    match told["why"]:
        case "moved":
            return None
        case "form":
            return NoSuchForm(told["kind"])
        case "syntax":
            return _unreadable(told["message"])
        case "fault":
            en, ja = _FAULTS[told["what"]]
            line, column, word = told["line"], told["column"], told["word"]
            return Malformed(
                f"The query can't be read at line {line}, column {column}: {en.format(word=word)}",
                ja=f"クエリーの {line} 行 {column} 列を読み取れません。{ja.format(word=word)}",
                line=line,
                column=column,
            )
        case "service":
            refusal = _no_service()
            refusal.line, refusal.column = told["line"], told["column"]
            return refusal
        case "function":
            return Malformed(
                f"There is no function <{told['name']}> here: only those of SPARQL 1.1 itself and the casts of XML Schema's types.",
                ja=f"関数 <{told['name']}> はありません。使えるのは SPARQL 1.1 の関数と XML Schema の型変換だけです。",
            )
        case "update":
            return Malformed(
                f"{told['word']} would change something, and nothing can be changed here: records are submitted to /records.",
                ja=f"{told['word']} による更新はできません。レコードの登録と更新は /records で行ってください。",
            )
        case "memory":
            return _too_much_memory(bounds)
        case "rows":
            return TooCostly(
                f"The answer has more than {bounds.rows:,} rows. Take it in parts with ORDER BY, LIMIT and OFFSET, or everything by /export.",
                ja=f"結果が {bounds.rows:,} 行を超えました。ORDER BY、LIMIT、OFFSET で分けて取得するか、/export で一括取得してください。",
            )
        case "size":
            return TooCostly(
                f"The answer is larger than {_mebibytes(bounds.size)}. Take it in parts with ORDER BY, LIMIT and OFFSET, or everything by /export.",
                ja=f"結果が {_mebibytes(bounds.size)} を超えました。ORDER BY、LIMIT、OFFSET で分けて取得するか、/export で一括取得してください。",
            )
    log.error("the engine failed: %s", told.get("message"))
    return Unavailable(
        "The graph's engine could not run this query.", ja="グラフのエンジンがこのクエリーを実行できませんでした。"
    )


# What the engine says that it expected: signs and words, and sets of characters, which say nothing to people.
_EXPECTED: Final = re.compile(r'("(?:\\.|[^"\\])*")|(\[.*?\](?=,|$))|([A-Za-z][\w ]*)', re.DOTALL)


def _unreadable(message: str) -> Malformed:
    """What the engine says of a text that is no query: `error at 3:14: expected one of …`."""
    found = re.fullmatch(r"error at (\d+):(\d+): (.*)", message, re.DOTALL)
    if found is None:
        return Malformed(f"The query can't be read: {message}", ja=f"クエリーを読み取れません: {message}")
    line, column, said = int(found[1]), int(found[2]), found[3]
    phrase = re.search(r"(?:expected |one of |, )([A-Z]\w*(?: [\w()]+){2,})", said)
    if phrase is not None and phrase[1].upper() != phrase[1]:
        # A rule rather than a sign.
        said = ja = f"{phrase[1]}."
    elif said.startswith("expected "):
        parts = _EXPECTED.findall(said.removeprefix("expected ").removeprefix("one of "))
        told = [sign or word for sign, _, word in parts if sign or word]
        if any(characters for _, characters, _ in parts):
            told.append("…")
        said, ja = f"expected {', '.join(told)}", f"ここに書けるもの: {', '.join(told)}"
    else:
        ja = said
    return Malformed(
        f"The query can't be read at line {line}, column {column}: {said}",
        ja=f"クエリーの {line} 行 {column} 列を読み取れません。{ja}",
        line=line,
        column=column,
    )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:g} MiB"
