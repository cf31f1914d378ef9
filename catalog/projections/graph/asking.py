"""The process that runs queries on a checkpoint of the graph, one at a time, until whoever started it goes away.

It is started with nothing but two pipes, and takes everything from itself that a query does not need: no network, no
other programs, a bounded memory, the lowest place in the queue for the processor. It is killed at the deadline.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import select
import signal
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from catalog.projections.graph.dataset import Dataset
from catalog.projections.graph.query_text import Said, fault_of, place_of, read_query

HEADER: Final = struct.Struct(">cI")
LENGTH: Final = struct.Struct(">I")
READY, PIECE, DONE, REFUSED = b"R", b"P", b"D", b"X"
# A checkpoint that nobody asks about is let go of: its files may have been replaced, and would still take up the disk.
IDLE_SECONDS: Final = 5.0
# Killed from outside at the deadline; if nobody is there to do it, the clock does.
GRACE_SECONDS: Final = 2.0
_PIECE_BYTES: Final = 64 * 1024
_LOG_BYTES: Final = 256 * 1024
_NICENESS: Final = 10


_UNKNOWN_FUNCTION: Final = re.compile(r"custom (?:aggregate )?function <([^>]*)> is not supported")


class Refused(Exception):
    """The query is not run, or its answer not given: why, as the other side reads it."""

    def __init__(self, why: str, **told: Any) -> None:
        super().__init__(why)
        self.told = {"why": why, **told}


def answer_questions() -> None:
    """Answer what comes on the standard input, until it ends."""
    parent, memory = map(int, sys.argv[-2:])
    confined = confine(memory, parent)
    # The engine is loaded when nothing is left that it could misuse.
    import pyoxigraph

    # From here on everybody else comes first.
    os.nice(_NICENESS)
    _send(READY, json.dumps({"confined": confined, "engine": pyoxigraph.__version__}).encode())
    desk = _Desk()
    while (question := _next_question(desk)) is not None:
        signal.setitimer(signal.ITIMER_REAL, question["seconds"] + GRACE_SECONDS)
        try:
            told = desk.answer(question)
        except Refused as refused:
            _send(REFUSED, json.dumps(refused.told).encode())
        except MemoryError:
            _send(REFUSED, b'{"why":"memory"}')
        else:
            _send(DONE, json.dumps(told).encode())
        signal.setitimer(signal.ITIMER_REAL, 0)


# ------------------------------------------------------------------------------------------------ the engine


class _Desk:
    """The checkpoint that is open, and what is asked of it."""

    def __init__(self) -> None:
        self._opened: tuple[str, int] | None = None
        self._store: Any = None

    def close(self) -> None:
        """Let go of the checkpoint."""
        self._store = self._opened = None

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Run a query and send what it answers piece by piece; what is told of it at the end."""
        import pyoxigraph as ox

        text: str = question["query"]
        said = read_query(text)
        _refuse_what_is_not_offered(said, text)
        default, named = _graphs(question, said)
        store = self._at(question["path"])
        try:
            found = store.query(
                text,
                base_iri=question["base"],
                prefixes=question["prefixes"],
                # Both always: without them the query's own FROM would be followed, or every graph be open to it.
                default_graph=[ox.NamedNode(graph) if graph else ox.DefaultGraph() for graph in default],
                named_graphs=[ox.NamedNode(graph) for graph in named],
            )
            return _told(found, question)
        except SyntaxError as error:
            fault = fault_of(text, question["prefixes"])
            if fault is None:
                raise Refused("syntax", message=str(error)) from error
            line, column = place_of(text, fault.at)
            raise Refused("fault", what=fault.what, word=fault.word, line=line, column=column) from error
        except OSError as error:
            # A file that was needed only now may have gone with a checkpoint that was replaced meanwhile.
            why = "engine" if os.access(question["path"], os.R_OK) else "moved"
            raise Refused(why, message=f"{type(error).__name__}: {error}") from error
        except (ValueError, RuntimeError, OverflowError) as error:
            if (unknown := _UNKNOWN_FUNCTION.search(str(error))) is not None:
                raise Refused("function", name=unknown[1]) from error
            raise Refused("engine", message=f"{type(error).__name__}: {error}") from error

    def _at(self, path: str) -> Any:
        import pyoxigraph as ox

        try:
            opened = (path, os.stat(path).st_ino)  # noqa: PTH116 - every import delays the start
            if opened != self._opened:
                self.close()
                self._store = ox.Store.read_only(path)
                self._opened = opened
        except OSError as error:
            self.close()
            # It was replaced by a newer one before it could be opened.
            raise Refused("moved", message=str(error)) from error
        return self._store


def _refuse_what_is_not_offered(said: Said, text: str) -> None:
    if said.service is not None:
        line, column = place_of(text, said.service)
        raise Refused("service", line=line, column=column)
    if said.update and not said.form:
        raise Refused("update", word=said.update)


def _graphs(question: Mapping[str, Any], said: Said) -> tuple[list[str], list[str]]:
    """The graphs for the query's default graph (empty: what everyone may read), and those that it may name."""
    dataset = Dataset.read(question["dataset"])
    if dataset.chosen is not None:
        # SPARQL 1.1 Protocol, 2.1.4: what the request names goes before what the query names.
        return dataset.of(*dataset.chosen)
    if said.graphs or said.named:
        graphs, named = _resolved(question, said)
        return dataset.of(graphs, named)
    return [*([""] if dataset.open else []), *dataset.graphs], list(dataset.graphs)


def _resolved(question: Mapping[str, Any], said: Said) -> tuple[list[str], list[str]]:
    """The graphs of FROM and FROM NAMED as whole IRIs, as the engine itself understands them."""
    import pyoxigraph as ox

    written = (*said.graphs, *said.named)
    asked = (
        said.prologue + " SELECT " + " ".join(f"({name} AS ?g{place})" for place, name in enumerate(written)) + " {}"
    )
    try:
        solutions = ox.Store().query(asked, base_iri=question["base"], prefixes=question["prefixes"])
        row = next(iter(solutions), None) if isinstance(solutions, ox.QuerySolutions) else None
    except SyntaxError:
        # Then the query itself can't be read either, and that is what has to be told.
        return [], []
    iris = [getattr(row[f"g{place}"], "value", "") for place in range(len(written))] if row is not None else []
    return iris[: len(said.graphs)], iris[len(said.graphs) :]


def _told(found: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    """Send an answer in the form that was asked for."""
    import pyoxigraph as ox

    most: int = question["rows"]
    if isinstance(found, ox.QueryTriples):
        form = question["graph_form"]
        if form is None:
            raise Refused("form", kind="graph")
        outflow: Any = _Outflow(question["size"], most, None)
        ox.serialize(_counted(found, most), outflow, _GRAPH_FORMS[form](ox), prefixes=question["prefixes"])
        outflow.flush()
        return {"kind": "graph", "form": form, "size": outflow.size}
    kind = "boolean" if isinstance(found, ox.QueryBoolean) else "solutions"
    form = question["result_form"]
    if form is None:
        raise Refused("form", kind=kind)
    outflow = _Outflow(question["size"], most, None if kind == "boolean" else _ROW_MARKS[form])
    found.serialize(outflow, _RESULT_FORMS[form](ox))
    outflow.flush()
    return {"kind": kind, "form": form, "size": outflow.size}


_RESULT_FORMS: Final[Mapping[str, Any]] = {
    "json": lambda ox: ox.QueryResultsFormat.JSON,
    "xml": lambda ox: ox.QueryResultsFormat.XML,
    "csv": lambda ox: ox.QueryResultsFormat.CSV,
    "tsv": lambda ox: ox.QueryResultsFormat.TSV,
}
_GRAPH_FORMS: Final[Mapping[str, Any]] = {
    "turtle": lambda ox: ox.RdfFormat.TURTLE,
    "ntriples": lambda ox: ox.RdfFormat.N_TRIPLES,
    "jsonld": lambda ox: ox.RdfFormat.JSON_LD,
    "rdfxml": lambda ox: ox.RdfFormat.RDF_XML,
}
# What stands between two rows, or at the end of each; what a value holds is escaped, but for line ends in CSV.
_ROW_MARKS: Final[Mapping[str, tuple[bytes, int]]] = {
    "json": (b'"}},{"', 1),
    "xml": (b"<result>", 0),
    "csv": (b"\n", -1),
    "tsv": (b"\n", -1),
}


def _counted(statements: Iterator[Any], most: int) -> Iterator[Any]:
    """The statements of an answer, no more than so many."""
    for number, statement in enumerate(statements):
        if number == most:
            raise Refused("rows", most=most)
        yield statement


class _Outflow:
    """Where the engine writes its answer: counted, gathered to pieces, and sent."""

    def __init__(self, most_size: int, most_rows: int, mark: tuple[bytes, int] | None) -> None:
        self._most_size, self._most_rows = most_size, most_rows
        self._mark, self._beyond = mark if mark is not None else (b"", 0)
        self._tail = b""
        self._held = bytearray()
        self._marks = 0
        self.size = 0

    def write(self, piece: bytes) -> int:
        """Take what the engine has made."""
        self.size += len(piece)
        if self.size > self._most_size:
            raise Refused("size", most=self._most_size)
        if self._mark:
            self._marks += (self._tail + piece).count(self._mark)
            self._tail = piece[-(len(self._mark) - 1) :] if len(self._mark) > 1 else b""
            if self._marks + self._beyond > self._most_rows:
                raise Refused("rows", most=self._most_rows)
        self._held += piece
        if len(self._held) >= _PIECE_BYTES:
            self.flush()
        return len(piece)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            _send(PIECE, bytes(self._held))
            self._held.clear()


# ------------------------------------------------------------------------------------------------- the pipes


def _next_question(desk: _Desk) -> dict[str, Any] | None:
    if not select.select([0], [], [], IDLE_SECONDS)[0]:
        desk.close()
    length = _received(LENGTH.size)
    if length is None:
        return None
    told = _received(LENGTH.unpack(length)[0])
    question: dict[str, Any] | None = None if told is None else json.loads(told)
    return question


def _received(length: int) -> bytes | None:
    held = bytearray()
    while len(held) < length:
        piece = os.read(0, min(length - len(held), 1 << 20))
        if not piece:
            return None
        held += piece
    return bytes(held)


def _send(kind: bytes, payload: bytes) -> None:
    left = memoryview(HEADER.pack(kind, len(payload)) + payload)
    while left:
        left = left[os.write(1, left) :]


# ---------------------------------------------------------------------------------------- what is taken away


def confine(memory: int, parent: int) -> bool:
    """Take from this process what no query needs; whether the network is out of its reach."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its children itself
    # What is allocated, not what is mapped: RocksDB's files may be larger than the memory.
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LOG_BYTES, _LOG_BYTES))
    if sys.platform != "linux":
        return False
    # Where memory runs out, this process goes before the server does.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as adjusted:  # noqa: PTH123 - as above
        adjusted.write("1000")
    control = ctypes.CDLL(None, use_errno=True).prctl
    # The end of the thread that started us is our end, however it comes.
    control(_SIGNAL_AT_PARENTS_END, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("whoever started this process is gone")
    return _deny_calls(control)


# By machine: what seccomp calls it, and the numbers of socket, socketpair, connect, execve, execveat, ptrace,
# process_vm_readv, process_vm_writev, io_uring_setup (and fork, vfork).
_CALLS: Final[Mapping[str, tuple[int, tuple[int, ...]]]] = {
    "x86_64": (0xC000003E, (41, 53, 42, 59, 322, 101, 310, 311, 425, 57, 58)),
    "aarch64": (0xC00000B7, (198, 199, 203, 221, 281, 117, 270, 271, 425)),
}
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_KILL, _ALLOW = 0x80000000, 0x7FFF0000
_SIGNAL_AT_PARENTS_END, _NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 1, 38, 22, 2
# Numbers from here on are those of another calling convention of the same machine.
_X32: Final = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _deny_calls(control: Any) -> bool:
    """Let the kernel end this process as soon as it asks for a socket or another program."""
    if os.uname().machine not in _CALLS:
        return False
    machine, calls = _CALLS[os.uname().machine]
    # The engine has an HTTP client for SERVICE, and no switch for it.
    steps = [(_LOAD, 0, 0, 4), (_EQUALS, 1, 0, machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps += [(_AT_LEAST, len(calls) + 1, 0, _X32)]
    steps += [(_EQUALS, len(calls) - place, 0, number) for place, number in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _KILL)]
    written = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = _Program(len(steps), written)
    if control(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(control(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)
