"""What is really in a checkpoint of the graph: every statement read once, hashed, and counted to the record that it is of."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote
from zlib import crc32

from pyoxigraph import NamedNode, Quad, RdfFormat, Store

from catalog.projections.graph.written import ENDS
from catalog.projections.projection import BUCKETS, Tally

# The kind of what belongs to no record.
NOBODYS: Final = ""
TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
RECORD: Final = NamedNode("https://w3id.org/musubi/ns#Record")

_IS_RECORD: Final = f" {TYPE} {RECORD} ".encode()
_READ_AHEAD: Final = 1 << 20
# Subjects that are gathered for a cell before they are written to its file, and statements that are read in one slice.
_GATHERED: Final = 1 << 12
_SLICE: Final = 20_000

Cell = tuple[str, int]  # a kind and a bucket


@dataclass(frozen=True)
class Cells:
    """Which cell a statement is counted in, by its subject."""

    base: bytes
    kinds: Mapping[bytes, str]

    @classmethod
    def of(cls, base: str, kinds: Iterable[str]) -> Cells:
        """The cells of a catalogue."""
        return cls(base.encode(), {kind.encode(): kind for kind in kinds})

    def cell(self, subject: bytes) -> Cell:
        """The cell of a subject as N-Quads write it; all that belongs to no record is of no kind."""
        start = len(self.base) + 1
        if subject.startswith(self.base, 1):
            kind = self.kinds.get(subject[start : subject.find(b"/", start)])
            if kind is not None:
                return kind, crc32(subject[start:-1].partition(b"#")[0]) % BUCKETS
        return NOBODYS, crc32(subject) % BUCKETS

    def id(self, subject: bytes) -> str:
        """The id of the record that a subject belongs to; what belongs to none goes by what it is itself."""
        if self.cell(subject)[0] == NOBODYS:
            return subject.decode()
        return subject[len(self.base) + 1 : -1].partition(b"#")[0].decode()

    def cell_of(self, id: str) -> Cell:
        """The cell of such an id."""
        return self.cell(id.encode() if is_nobodys(id) else b"<" + self.base + id.encode() + b">")


def is_nobodys(id: str) -> bool:
    """Whether an id is no record's, but a subject that belongs to none."""
    return id.startswith(("<", "_:"))


def sum_of(lines: Iterable[bytes]) -> int:
    """The sum of the hashes of these statements (without the ends of their lines), modulo 2^64: order plays no part.

    The interpreter's own hash is a keyed one of 64 bits, at a tenth of what a digest costs. Another process has another
    key: what is compared is hashed in one process, and nobody keeps it.
    """
    return sum(map(hash, lines)) % 2**64


def tallies(checkpoint: Path, cells: Cells) -> dict[Cell, Tally]:
    """How many records stand in each cell, and the sum of the hashes of all that is said there."""
    store = Store.read_only(str(checkpoint))
    scopes = cells.base + b"scopes/"
    counts: defaultdict[Cell, int] = defaultdict(int)
    sums: defaultdict[Cell, int] = defaultdict(int)
    for subject, lines in runs_of(store):
        cell = cells.cell(subject)
        sums[cell] += sum_of(lines)
        here = subject + _IS_RECORD
        counts[cell] += sum([line.startswith(here) and _begins(line, subject, scopes, store) for line in lines])
    return {cell: Tally(counts[cell], total % 2**64) for cell, total in sums.items()}


def _begins(line: bytes, subject: bytes, scopes: bytes, store: Store) -> bool:
    """Whether a record is to be counted here: in the default graph, or in the uppermost that it stands in."""
    graph = line[len(subject) + len(_IS_RECORD) : -2].strip(b" <>")
    if not graph.startswith(scopes):
        return True
    path = graph[len(scopes) :].split(b"/")
    above = [scopes + b"/".join(path[:depth]) for depth in range(1, len(path))]
    record = NamedNode(subject[1:-1].decode())
    return not any(Quad(record, TYPE, RECORD, NamedNode(each.decode())) in store for each in above)


def spread_out(checkpoint: Path, cells: Cells, folder: Path) -> Iterator[None]:
    """Write the hash of what is said of each subject into a file for its cell, in slices."""
    folder.mkdir(parents=True)
    gathered: defaultdict[Cell, list[bytes]] = defaultdict(list)
    read = 0
    for subject, lines in runs_of(Store.read_only(str(checkpoint))):
        cell = cells.cell(subject)
        some = gathered[cell]
        some.append(b"%d %s\n" % (sum_of(lines), subject))
        if len(some) >= _GATHERED:
            _append(folder, cell, some)
        read += len(lines)
        if read >= _SLICE:
            read = 0
            yield
    for cell, some in gathered.items():
        _append(folder, cell, some)


def read_out(folder: Path, cells: Cells, cell: Cell) -> dict[str, tuple[int, list[str]]]:
    """The hash of each record of a cell and its subjects, by record id, as `spread_out` wrote them."""
    found: dict[str, tuple[int, list[str]]] = {}
    path = _file(folder, cell)
    if not path.exists():
        return found
    with path.open("rb") as file:
        for line in file:
            told, _, subject = line[:-1].partition(b" ")
            id = cells.id(subject)
            total, subjects = found.get(id, (0, []))
            subjects.append(subject.decode())
            found[id] = (total + int(told)) % 2**64, subjects
    return found


def _file(folder: Path, cell: Cell) -> Path:
    return folder / f"{quote(cell[0], safe='') or '-'}.{cell[1]}"


def _append(folder: Path, cell: Cell, lines: list[bytes]) -> None:
    with _file(folder, cell).open("ab") as file:
        file.writelines(lines)
    lines.clear()


def runs_of(store: Store) -> Iterator[tuple[bytes, list[bytes]]]:
    """Every statement as a line of N-Quads, without the line's end: those that follow each other with one subject at once.

    The engine writes into a pipe in a thread of its own, where it lets go of the interpreter for the whole of it; given a
    Python file it would ask for the interpreter at every piece.
    """
    reading, writing = os.pipe()
    failed: list[Exception] = []

    def write() -> None:
        try:
            store.dump(f"/dev/fd/{writing}", format=RdfFormat.N_QUADS)
        except OSError as problem:
            # When all is written, the engine asks for the file to be on the disk, which a pipe never is.
            if not str(problem).endswith(f"(os error {errno.EINVAL})"):
                failed.append(problem)
        finally:
            os.close(writing)

    writer = threading.Thread(target=write, name="survey", daemon=True)
    writer.start()
    try:
        with os.fdopen(reading, "rb", buffering=_READ_AHEAD) as pipe:
            here, lines = b" ", list[bytes]()
            for line in pipe:
                # The blank behind the subject belongs to it: one subject may begin as another does.
                if not line.startswith(here):
                    if lines:
                        yield here[:-1], lines
                    here, lines = line[: line.index(b" ") + 1], []
                statement = line[:-1]
                # What is only kept of what was written is none.
                if not statement.endswith(ENDS):
                    lines.append(statement)
            if lines:
                yield here[:-1], lines
    finally:
        # Where somebody stopped reading, the pipe is closed by now, and the writer ends at it.
        writer.join()
    if failed:
        raise failed[0]


def clear(folder: Path) -> None:
    """Throw away what `spread_out` wrote."""
    if folder.exists():
        shutil.rmtree(folder)
