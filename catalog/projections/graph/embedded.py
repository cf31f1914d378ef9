"""The graph in Oxigraph on disk: generations for whoever feeds it.

A generation's folder holds `store`, which nobody but its owner opens, and `checkpoints`, of which each is a whole
database that shares its files with the store: what readers open, and what the store is taken back from, so that it always
begins exactly where it settled last.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeGuard

import orjson
import pyoxigraph
from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
)

from catalog.errors import CatalogError
from catalog.projections.graph import written
from catalog.projections.graph.kept import kept
from catalog.projections.graph.quads import DEFAULT, FORMAT, REGISTRATION, SAME, may_read, quads_of, shared
from catalog.projections.graph.survey import Cell, Cells, clear, is_nobodys, read_out, spread_out, sum_of, tallies
from catalog.projections.projection import Damaged, Name, Tally, Tells, Unprojectable
from catalog.records.kinds import Kinds
from catalog.records.standing import Gone, Lie, Standing

MADE: Final = "made.json"
STORE: Final = "store"
CHECKPOINTS: Final = "checkpoints"
SURVEY: Final = "survey"
# What a checkpoint is made of, by file and size: a file that was cut off is seen before the engine trusts it.
LISTED: Final = "listed.json"
# Checkpoints that stay, and for how long any does: a reader who was told of one may just be about to open it.
KEPT: Final = 3
KEPT_SECONDS: Final = 3.0
# Fewer records than this are written through the log; more make files of their own, which costs 8 ms however few they are.
BULK: Final = 64
# Records whose statements are compared with what is here at once.
SLICE: Final = 250
BULK_STATEMENTS: Final = 40 * BULK
# Records that are fed while a look at everything is remembered.
TOUCHED_MOST: Final = 200_000
# Positions that are remembered. Whoever feeds reads a record's standing just before feeding it, and after an opening reads
# it anew, so only feedings that are under way can overtake each other.
REMEMBERED: Final = 200_000

_Graph = NamedNode | BlankNode | DefaultGraph
_Subject = NamedNode | BlankNode
_Places = dict[tuple[_Graph, NamedNode], list[Quad]]
_NOTHING: Final[Mapping[_Graph, int]] = {}
# What a linked form that is none leads to: whatever is wrong with it, the others go on.
_UNPROJECTABLE: Final = (CatalogError, TypeError, ValueError, KeyError, AttributeError, SyntaxError)

_SAME: Final = NamedNode(SAME)
_INFLUENCER: Final = NamedNode("http://www.w3.org/ns/prov#influencer")
_ENGINE: Final = ".".join(pyoxigraph.__version__.split(".")[:2])


def _damaged(folder: Path, why: str) -> Damaged:
    return Damaged(
        f"{folder}: {why}; the graph has to be built again", ja=f"{folder}: {why}。グラフを作り直す必要があります"
    )


# What the engine says of files that are not as it wrote them; it has no other errors for it, nor numbers.
_NOT_AS_WRITTEN: Final = ("Corruption", "Invalid argument", "No such file")


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Files that are not as the engine wrote them are Damaged; any other OSError is the disk's."""
    try:
        yield
    except (OSError, RuntimeError) as problem:
        if any(words in str(problem) for words in _NOT_AS_WRITTEN):
            raise _damaged(folder, str(problem)) from problem
        raise


@dataclass(frozen=True, eq=False)
class OxigraphProjection:
    """The graph as a projection."""

    kinds: Kinds
    base: str

    @property
    def name(self) -> Name:
        return "graph"

    @property
    def tells(self) -> frozenset[Tells]:
        return frozenset({"stirred"})

    @cached_property
    def fingerprint(self) -> str:
        told = [FORMAT, self.kinds.fingerprint, self.base, _ENGINE]
        return sha256(orjson.dumps(told)).hexdigest()

    def make(self, folder: Path) -> OxigraphGeneration:
        """A new, empty generation in this folder (what lies there is removed)."""
        if folder.exists():
            shutil.rmtree(folder)
        (folder / CHECKPOINTS).mkdir(parents=True)
        (folder / MADE).write_bytes(orjson.dumps({"format": FORMAT, "engine": _ENGINE}))
        return OxigraphGeneration(folder, self.kinds, self.base, Store(str(folder / STORE)), 0)

    def open(self, folder: Path, visible: str | None) -> OxigraphGeneration:
        """The generation in this folder as it was when it settled last; Damaged if that can't be had."""
        try:
            made = orjson.loads((folder / MADE).read_bytes())
        except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError) as problem:
            raise _damaged(folder, "it is missing or cut off") from problem
        if made != {"format": FORMAT, "engine": _ENGINE}:
            raise _damaged(folder, "it was made by another version")
        if visible is None:
            # It never settled, so nothing in it counts.
            return self.make(folder)
        checkpoint = folder / CHECKPOINTS / visible
        store = folder / STORE
        if not visible.isdigit() or not _is_whole(checkpoint):
            raise _damaged(folder, f"its checkpoint {visible} is missing or cut off")
        if store.exists():
            shutil.rmtree(store)
        _link_all(checkpoint, store)
        for other in (folder / CHECKPOINTS).iterdir():
            if other.name.isdigit() and int(other.name) > int(visible):
                shutil.rmtree(other)
        with _disk(folder):
            opened = Store(str(store))
        return OxigraphGeneration(folder, self.kinds, self.base, opened, int(visible))

    def expected(self, standings: Iterable[Standing]) -> Iterator[tuple[str, int]]:
        """The hash that each of these records should have in a generation, by record id; none for what stands nowhere."""
        reasons: dict[int, str] = {}
        for standing in standings:
            try:
                said = quads_of(standing, self.kinds, self.base)
                hash = sum_of(_lines(said))
            except _UNPROJECTABLE as problem:
                reasons[standing.key] = _reason(standing, problem)
                continue
            if said:
                yield standing.id, hash
        if reasons:
            raise Unprojectable(reasons)


def _reason(standing: Standing, problem: Exception) -> str:
    said = problem.message if isinstance(problem, CatalogError) else f"{type(problem).__name__}: {problem}"
    return f"{standing.id}: {said}"


def _as_quads(nt: bytes, graph: str) -> bytes:
    """N-Triples as N-Quads in a graph."""
    return nt.replace(b" .\n", f" <{graph}> .\n".encode()) if graph != DEFAULT else nt


def _lines(said: Mapping[str, bytes]) -> set[bytes]:
    """The statements as the engine keeps them, each once."""
    return {line for graph, nt in said.items() for line in kept(_as_quads(nt, graph)).split(b"\n") if line}


def _parsed(lines: bytes) -> Iterator[Quad]:
    # Its IRIs were looked at already.
    return pyoxigraph.parse(lines, format=RdfFormat.N_QUADS, lenient=True)


def _places(said: Mapping[str, bytes]) -> _Places:
    """The statements by graph and subject."""
    places: _Places = {}
    for graph, nt in said.items():
        for quad in set(_parsed(_as_quads(nt, graph))):
            subject = quad.subject
            assert isinstance(subject, NamedNode)  # no blank nodes are written
            place = quad.graph_name, subject
            if place in places:
                places[place].append(quad)
            else:
                places[place] = [quad]
    return places


def _is_fragment(term: object, record: NamedNode) -> TypeGuard[NamedNode]:
    return isinstance(term, NamedNode) and term.value.startswith(f"{record.value}#")


def _subject(text: str) -> _Subject:
    return BlankNode(text[2:]) if text.startswith("_:") else NamedNode(text[1:-1])


def _values(variable: str, nodes: Iterable[NamedNode]) -> str:
    """A block of values; a node's text is an IRI in its angle brackets, which the library has checked."""
    return f"VALUES ?{variable} {{ {' '.join(map(str, nodes))} }}"


def _unsaying(of: str, graph: str) -> list[str]:
    """Updates that remove, in one graph, what leads to these records (?r), and the links' own properties."""

    def within(pattern: str) -> str:
        return f"{graph} {{ {pattern} }}" if graph else pattern

    link = f"?f {_INFLUENCER} ?r"
    parts = 'FILTER(isIRI(?n) && STRSTARTS(STR(?n), CONCAT(STR(?f), "/")))'
    return [
        f"DELETE {{ {within('?n ?p ?o')} }} WHERE {{ {of} {within(f'{link} . ?f ?q ?n . ?n ?p ?o')} {parts} }}",
        f"DELETE {{ {within('?s ?p ?f')} }} WHERE {{ {of} {within(f'{link} . ?s ?p ?f')} }}",
        f"DELETE {{ {within('?f ?p ?o')} }} WHERE {{ {of} {within(f'{link} . ?f ?p ?o')} }}",
        f"DELETE {{ {within('?s ?p ?r')} }} WHERE {{ {of} {within('?s ?p ?r')} }}",
    ]


def _sync(folder: Path) -> None:
    """Let what a folder lists be on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _is_whole(checkpoint: Path) -> bool:
    try:
        listed = orjson.loads((checkpoint / LISTED).read_bytes())
        return all((checkpoint / name).stat().st_size == size for name, size in listed.items())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return False


def _link_all(checkpoint: Path, store: Path) -> None:
    store.mkdir()
    for path in checkpoint.iterdir():
        # Tables are never written to again, so they can be shared; the rest is small.
        if path.suffix == ".sst":
            os.link(path, store / path.name)
        elif path.name != LISTED:
            shutil.copyfile(path, store / path.name)


@dataclass(slots=True)
class _Said:
    """What is said of a record, by graph, and what is kept of it to be compared with later."""

    record: NamedNode
    graphs: Mapping[str, bytes]
    told: str
    kept_in: NamedNode

    @classmethod
    def of(cls, record: NamedNode, graphs: Mapping[str, bytes]) -> _Said:
        return cls(record, graphs, written.told(graphs), written.graph_of(graphs))

    @property
    def kept(self) -> Quad:
        return Quad(self.record, written.IS, Literal(self.told), self.kept_in)

    def quads(self) -> bytes:
        """All of it as N-Quads."""
        if not self.graphs:
            return b""
        # What was kept needs no escapes. It comes last, so that it is not there without what it tells of.
        kept = f'{self.record} {written.IS} "{self.told}" {self.kept_in} .\n'.encode()
        return b"".join([_as_quads(nt, graph) for graph, nt in self.graphs.items()]) + kept

    def places(self) -> _Places:
        """The statements by graph and subject."""
        places = _places(self.graphs)
        if self.graphs:
            places[self.kept_in, self.record] = [self.kept]
        return places


@dataclass(slots=True)
class _Changes:
    """What is to be taken away, and what is to be written."""

    stale: list[Quad]
    missing: list[Quad]


class OxigraphGeneration:
    """One generation, open for writing."""

    def __init__(self, folder: Path, kinds: Kinds, base: str, store: Store, number: int) -> None:
        self._folder = folder
        self._kinds = kinds
        self._base = base
        self._cells = Cells.of(base, kinds)
        self._store: Store | None = store
        self._number = number  # of the last checkpoint
        self._positions: OrderedDict[str, int] = OrderedDict()
        self._sharers: set[int] | None = None
        # A look at everything lies in a folder; what was fed since it began is looked at again.
        self._surveyed = self._noting = False
        self._pinned: list[int] = []  # the checkpoints that are being looked at
        self._touched: set[str] = set()
        self._unsettled = False  # something was fed that no checkpoint has
        self._swept = False  # and nothing has been fed since

    @property
    def store(self) -> Store:
        """The engine, while the generation is open."""
        if self._store is None:
            raise ValueError("this generation was closed")
        return self._store

    # ------------------------------------------------------------------------------------------------ feeding

    def apply(self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False) -> None:
        """Let these records stand as told, whatever was here of them. `fresh`: nothing of them can be here yet."""
        shown = [each for each in shown if self._is_new(each)]
        gone = [each for each in gone if self._is_new(each)]
        everything: list[Standing | Gone] = [*shown, *gone]
        self._touch(everything)
        reasons: dict[int, str] = {}
        said: dict[int, _Said] = {}
        for standing in shown:
            try:
                said[standing.key] = _Said.of(self._node(standing.id), quads_of(standing, self._kinds, self._base))
            except _UNPROJECTABLE as problem:
                reasons[standing.key] = _reason(standing, problem)
        with _disk(self._folder):
            if self._swept:
                # Until what was cleared is gone from its files, each look-up steps over it.
                self.store.optimize()
                self._swept = False
            known = set() if fresh else self._change(shown, said, reasons)
            self._take_away([each.id for each in gone if fresh or self._holds(each.id)])
            reasons |= self._insert(
                [(each, said[each.key].quads()) for each in shown if each.key in said and each.key not in known]
            )
            # What is no longer true must not be found, even where what is true can't be told.
            self._take_away([each.id for each in shown if each.key in reasons and self._holds(each.id)])
            self._keep_shared([each for each in shown if each.key not in reasons], gone)
        for each in everything:
            if each.key not in reasons:
                self._note(each)
        if reasons:
            raise Unprojectable(reasons)

    def close_down(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        """The same for records that fewer people may see than before: also what others say of them goes at once."""
        shown = [each for each in shown if self._is_new(each)]
        gone = [each for each in gone if self._is_new(each)]
        everything: list[Standing | Gone] = [*shown, *gone]
        self._touch(everything)
        closed: defaultdict[Lie, list[str]] = defaultdict(list)
        for standing in shown:
            closed[standing.lie].append(standing.id)
        with _disk(self._folder):
            self._take_away([each.id for each in gone] + [each.id for each in shown if not each.lie.open])
            self._unsay([each.id for each in gone], None)
            for lie, ids in closed.items():
                self._unsay(ids, lie)
        self.apply(shown, gone)

    def shut(self, lies: Mapping[str, Lie]) -> None:
        """Take away what is here of these records unless they lie open, and what others say of them where not everybody
        may read it."""
        self._touch_ids(lies)
        closed: defaultdict[Lie, list[str]] = defaultdict(list)
        with _disk(self._folder):
            if self._swept or next(iter(self.store.quads_for_pattern(None, None, None, DefaultGraph())), None) is None:
                # All has been swept away but what is limited.
                lies = {id: lies[id] for id in self._in_scopes(lies)}
            for id, lie in lies.items():
                closed[lie].append(id)
            self._take_away([id for id, lie in lies.items() if not lie.open])
            for lie, ids in closed.items():
                self._unsay(ids, lie)

    def _in_scopes(self, ids: Iterable[str]) -> list[str]:
        """Those of these of which something is said in the graph of a scope, by themselves or by others."""
        ours = (written.OPEN, written.LIMITED)
        scopes = [graph for graph in self.store.named_graphs() if isinstance(graph, NamedNode) and graph not in ours]
        nodes = {f"<{self._base}{id}>": id for id in ids}
        if not scopes or not nodes:
            return []
        of, within = _values("r", map(self._node, nodes.values())), _values("g", scopes)
        asked = f"SELECT DISTINCT ?r WHERE {{ {of} {within} GRAPH ?g {{ {{ ?r ?p ?o }} UNION {{ ?s ?p ?r }} }} }}"
        return [nodes[term] for term in self._table(asked)]

    def lying_open(self, ids: Iterable[str]) -> int:
        """How many of these everyone may read here."""
        with _disk(self._folder):
            here = (self.store.quads_for_pattern(self._node(id), None, None, DefaultGraph()) for id in ids)
            return sum(next(iter(found), None) is not None for found in here)

    def sweep(self) -> None:
        """Take away all that everyone may read, which takes no longer the more it is."""
        # All of it is fed again: looking at everything again is the quicker way.
        self._surveyed = self._noting = False
        self._touched.clear()
        self._unsettled = True
        with _disk(self._folder):
            for graph in (DefaultGraph(), written.OPEN):
                self.store.clear_graph(graph)
        self._swept = True

    def remove(self, ids: Iterable[str]) -> None:
        """Take away everything that is here of these ids, whether or not it hangs together."""
        ids = list(ids)
        with _disk(self._folder):
            subjects = self._subjects_of(ids)
            self._touch_ids(ids)
            self._take_away([id for id in ids if not is_nobodys(id)])
            for subject in subjects:
                for quad in list(self.store.quads_for_pattern(subject, None, None, None)):
                    self.store.remove(quad)
        for id in ids:
            self._positions.pop(id, None)

    def settle(self) -> str:
        """Make everything durable and visible; the name of the checkpoint that readers are to open."""
        with _disk(self._folder):
            number = self._number + 1
            checkpoint = self._checkpoint(number)
            if checkpoint.exists():
                shutil.rmtree(checkpoint)
            # The engine writes out what is in memory, and shares its files with the checkpoint.
            self.store.backup(str(checkpoint))
            listed = {path.name: path.stat().st_size for path in checkpoint.iterdir()}
            _write_durably(checkpoint / LISTED, orjson.dumps(listed))
            _sync(checkpoint)
            _sync(checkpoint.parent)
            self._number = number
            self._unsettled = False
            self._clear_checkpoints()
        return str(number)

    def check(self) -> None:
        """Damaged if what settled last has been deleted or cut off."""
        if self._number and not _is_whole(self._checkpoint(self._number)):
            raise _damaged(self._folder, f"its checkpoint {self._number} is missing or cut off")
        if not (self._folder / STORE / "CURRENT").exists():
            raise _damaged(self._folder, "its store is missing")

    def _clear_checkpoints(self) -> None:
        for path in (self._folder / CHECKPOINTS).iterdir():
            if not path.name.isdigit() or int(path.name) in (
                self._pinned,
                *range(self._number - KEPT + 1, self._number + 1),
            ):
                continue
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(path)

    def close(self) -> None:
        """Let go of the store; what was not settled is as if it had not been."""
        self._store = None

    # ------------------------------------------------------------------------------------------------ looking

    def tallies(self) -> Mapping[tuple[str, int], Tally]:
        """What is really here, by kind and bucket, by looking at everything (as of the last `settle`)."""
        with _disk(self._folder), self._held() as checkpoint:
            return tallies(checkpoint, self._cells)

    def survey(self) -> Iterator[None]:
        """Look at everything, in slices between which the generation may be fed, so that `hashes` can answer at once.

        What is fed from now on is noted, and looked at again when its cell is asked for.
        """
        self.forget_survey()
        with _disk(self._folder), self._held() as checkpoint:
            self._noting = True
            yield from spread_out(checkpoint, self._cells, self._folder / SURVEY)
        self._surveyed = self._noting

    def hashes(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        """The hash of what is here of each record of a kind and bucket, by record id."""
        found = self._read_out((kind, bucket))
        touched = {id for id in self._touched if self._cells.cell_of(id) == (kind, bucket)}
        for id, (hash, _) in found.items():
            if id not in touched:
                yield id, hash
        for id in touched:
            subjects = [_subject(text) for text in found[id][1]] if id in found else []
            if lines := self._lines_of(id, subjects):
                yield id, sum_of(lines)

    def _lines_of(self, id: str, subjects: Iterable[_Subject]) -> set[bytes]:
        """What is here now of a record, or of these subjects."""
        nodes: set[_Subject] = {*subjects, *([] if is_nobodys(id) else self._with_fragments([self._node(id)]))}
        with _disk(self._folder):
            return {
                f"{quad} .".encode()
                for node in nodes
                for quad in self.store.quads_for_pattern(node, None, None, None)
                if quad.predicate != written.IS
            }

    @contextmanager
    def _held(self) -> Iterator[Path]:
        """A checkpoint that has all that was fed, and stays while it is looked at."""
        if not self._number or self._unsettled:
            self.settle()
        number = self._number
        self._pinned.append(number)
        try:
            yield self._checkpoint(number)
        finally:
            self._pinned.remove(number)

    def _checkpoint(self, number: int) -> Path:
        return self._folder / CHECKPOINTS / str(number)

    def forget_survey(self) -> None:
        """Let go of what a look at everything found."""
        self._surveyed = self._noting = False
        self._touched.clear()
        clear(self._folder / SURVEY)

    def _read_out(self, cell: Cell) -> dict[str, tuple[int, list[str]]]:
        if not self._surveyed:
            for _ in self.survey():
                pass
        return read_out(self._folder / SURVEY, self._cells, cell)

    # ------------------------------------------------------------------------------------------------ writing

    def _is_new(self, each: Standing | Gone) -> bool:
        return self._positions.get(each.id, -1) <= each.position

    def _note(self, each: Standing | Gone) -> None:
        positions = self._positions
        positions[each.id] = each.position
        positions.move_to_end(each.id)
        if len(positions) > REMEMBERED:
            positions.popitem(last=False)

    def _touch(self, each: Iterable[Standing | Gone]) -> None:
        self._touch_ids(one.id for one in each)

    def _touch_ids(self, ids: Iterable[str]) -> None:
        self._unsettled = True
        if self._noting:
            self._touched.update(ids)
            if len(self._touched) > TOUCHED_MOST:
                # Looking at everything again is the quicker way then.
                self._surveyed = self._noting = False
                self._touched.clear()

    def _keep_shared(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        """Let these, and those that share an identifier with them, say so of each other in the same graphs, and of no others.

        Who shares with whom is so from both sides, so nobody has to tell the others that one of them changed.
        """
        wanted: dict[NamedNode, set[Quad]] = {self._node(each.id): set() for each in gone}
        for standing in shown:
            record = self._node(standing.id)
            mine = wanted[record] = set()
            for graph, ids in shared(standing, self._base).items() if standing.same else ():
                place = NamedNode(graph) if graph != DEFAULT else DefaultGraph()
                for other in map(self._node, ids):
                    mine |= {Quad(record, _SAME, other, place), Quad(other, _SAME, record, place)}
        sharers = self._those_who_share()
        for mine in wanted.values():
            sharers.update(hash(str(quad.subject)[1:-1]) for quad in mine)
        # Most share nothing and never did, which costs nothing to know.
        some = [record for record in wanted if hash(record.value) in sharers]
        said = self._sharing(some) if some else {}
        for record in some:
            mine, here = wanted[record], said.get(record, set())
            if mine == here:
                continue
            for quad in here - mine:
                self.store.remove(quad)
            for quad in mine - here:
                # What is not here yet says so when it comes.
                if quad.subject == record or self._holds(self._id_of(quad.subject)):
                    self.store.add(quad)
            self._touch_ids(self._id_of(quad.subject) for quad in mine ^ here)

    def _those_who_share(self) -> set[int]:
        """The hashes of the records of which this is said, or was since the store was opened."""
        if self._sharers is None:
            self._sharers = set()
            for quad in self.store.quads_for_pattern(None, _SAME, None, None):
                self._sharers |= {hash(str(quad.subject)[1:-1]), hash(str(quad.object)[1:-1])}
        return self._sharers

    def _sharing(self, records: Iterable[NamedNode]) -> dict[NamedNode, set[Quad]]:
        """What is said of each of these as sharing an identifier, by itself and by others."""
        of = _values("r", records)
        found: dict[NamedNode, set[Quad]] = {}
        # Each of these is asked for by itself: the engine looks through everything for one that says either.
        for pattern, subject, other in ((f"?r {_SAME} ?o", 0, 1), (f"?o {_SAME} ?r", 1, 0)):
            for line in self._table(f"SELECT ?r ?o WHERE {{ {of} {pattern} }}"):
                ends = [NamedNode(text[1:-1]) for text in line.split("\t")]
                found.setdefault(ends[0], set()).add(Quad(ends[subject], _SAME, ends[other], DefaultGraph()))
            for line in self._table(f"SELECT ?r ?o ?g WHERE {{ {of} GRAPH ?g {{ {pattern} }} }}"):
                *ends, graph = (NamedNode(text[1:-1]) for text in line.split("\t"))
                found.setdefault(ends[0], set()).add(Quad(ends[subject], _SAME, ends[other], graph))
        return found

    def _id_of(self, node: object) -> str:
        assert isinstance(node, NamedNode)
        return node.value[len(self._base) :]

    def _node(self, id: str) -> NamedNode:
        return NamedNode(self._base + id)

    def _holds(self, id: str) -> bool:
        return next(iter(self.store.quads_for_pattern(self._node(id), None, None, None)), None) is not None

    def _insert(self, said: Sequence[tuple[Standing, bytes]]) -> dict[int, str]:
        """Write statements of records of which nothing is here; what is wrong with those that can't be, by key."""
        if not said:
            return {}
        write = self.store.bulk_load if len(said) >= BULK else self.store.load
        try:
            # IRIs were looked at one by one already, each once: a sixth of the time.
            write(b"".join([nq for _, nq in said]), format=RdfFormat.N_QUADS, lenient=True)
        except (SyntaxError, ValueError) as problem:
            if len(said) == 1:
                standing, _ = said[0]
                return {standing.key: f"{standing.id}: {problem}"}
            middle = len(said) // 2
            return self._insert(said[:middle]) | self._insert(said[middle:])
        return {}

    def _change(self, shown: Sequence[Standing], said: Mapping[int, _Said], reasons: dict[int, str]) -> set[int]:
        """Let those that are here be as they are said now; their keys."""
        known: set[int] = set()
        changes = _Changes([], [])
        uncertain: list[Standing] = []
        for standing in shown:
            of = said.get(standing.key)
            if of is None:
                continue
            kept = list(self.store.quads_for_pattern(of.record, written.IS, None, None))
            if not kept and not self._holds(standing.id):
                continue
            known.add(standing.key)
            try:
                if len(kept) != 1 or not self._differences(of, kept[0], changes):
                    uncertain.append(standing)
            except (SyntaxError, ValueError) as problem:
                reasons[standing.key] = f"{standing.id}: {problem}"
        self._write(changes)
        for first in range(0, len(uncertain), SLICE):
            some = uncertain[first : first + SLICE]
            reasons |= self._replace([(each, said[each.key]) for each in some])
        return known

    def _differences(self, said: _Said, before: Quad, changes: _Changes) -> bool:
        """Add what is to be changed of a record, as far as what was kept of it tells; whether it told all of it."""
        assert isinstance(before.object, Literal)
        if before.object.value == said.told and before.graph_name == said.kept_in:
            return True
        was_said = written.heard(before.object.value)
        if was_said.keys() != said.graphs.keys() or before.graph_name != said.kept_in:
            return False
        stale: list[Quad] = [before]
        missing: list[Quad] = [said.kept]
        for graph, nt in said.graphs.items():
            lines, was = written.lines_of(nt), was_said[graph]
            absent = lines.keys() - was
            left = len(was) - (len(lines) - len(absent))
            if not absent and not left:
                continue
            new = [lines[each] for each in absent]
            # What is under the subjects and predicates of these and is not said any more has been superseded by them.
            starts = {line[: line.index(b" ", line.index(b" ") + 1) + 1] for line in new}
            like = tuple(starts)
            still = [line for line in lines.values() if line.startswith(like)] if left and like else new
            quads = list(_parsed(kept(_as_quads(b"".join([line + b"\n" for line in still]), graph))))
            missing += (
                quads if len(still) == len(new) else _parsed(_as_quads(b"".join([line + b"\n" for line in new]), graph))
            )
            if left:
                found = self._others_under(graph, starts, quads)
                if len(found) != left:
                    # In the place of something that is said no more nothing is said, or it was only spelt otherwise.
                    return False
                stale += found
        changes.stale += stale
        changes.missing += missing
        return True

    def _others_under(self, graph: str, starts: Iterable[bytes], quads: Collection[Quad]) -> list[Quad]:
        """What is here under these subjects and predicates, and is none of these."""
        place = NamedNode(graph) if graph != DEFAULT else DefaultGraph()
        found: list[Quad] = []
        for start in starts:
            subject, predicate = start.decode().split()
            here = self.store.quads_for_pattern(NamedNode(subject[1:-1]), NamedNode(predicate[1:-1]), None, place)
            found += [quad for quad in here if quad not in quads]
        return found

    def _write(self, changes: _Changes) -> None:
        for quad in changes.stale:
            self.store.remove(quad)
        if len(changes.missing) > BULK_STATEMENTS:
            self.store.bulk_extend(changes.missing)
        elif changes.missing:
            self.store.extend(changes.missing)

    def _replace(self, said: Sequence[tuple[Standing, _Said]]) -> dict[int, str]:
        """Write what is not here yet of records that are, and take away what is no longer said.

        What is here is counted, and asked for statement by statement, which is done without the texts; reading them back is
        the dearest thing that the engine does, so that is done for what differs.
        """
        reasons: dict[int, str] = {}
        wanted: dict[NamedNode, _Places] = {}
        for standing, of in said:
            try:
                wanted[of.record] = of.places()
            except (SyntaxError, ValueError) as problem:
                reasons[standing.key] = f"{standing.id}: {problem}"
        counts = self._counts({subject for places in wanted.values() for _, subject in places} | wanted.keys())
        stale: list[Quad] = []
        missing: list[Quad] = []
        store = self.store
        for record, places in wanted.items():
            gone: list[Quad] = []
            subjects = {record, *(subject for _, subject in places)}
            for subject in subjects:
                for graph in counts.get(subject.value, ()):
                    if (graph, subject) not in places:
                        gone += store.quads_for_pattern(subject, None, None, graph)
            for (graph, subject), quads in places.items():
                count = counts.get(subject.value, _NOTHING).get(graph, 0)
                absent = [quad for quad in quads if quad not in store] if count else list(quads)
                missing += absent
                if count != len(quads) - len(absent):
                    gone += self._others(graph, subject, quads, absent, count)
            # A fragment that is not named any more goes with what named it.
            left = {end for quad in gone if _is_fragment(end := quad.object, record)} - subjects
            stale += gone
            for fragment in self._with_fragments(left):
                stale += store.quads_for_pattern(fragment, None, None, None)
        self._write(_Changes(stale, missing))
        return reasons

    def _others(
        self, graph: _Graph, subject: NamedNode, quads: Iterable[Quad], absent: Sequence[Quad], count: int
    ) -> list[Quad]:
        """The statements about a subject in a graph that are here (so many) and not among these."""
        # Two that differ in spelling only are one to the engine.
        wanted = set(_parsed(kept("".join([f"{quad} .\n" for quad in quads]).encode())))
        new = set(_parsed(kept("".join([f"{quad} .\n" for quad in absent]).encode())))
        surplus = count - (len(wanted) - len(new))
        found: list[Quad] = []
        # A value that changed has its predicate still.
        for predicate in {quad.predicate for quad in absent}:
            found += [q for q in self.store.quads_for_pattern(subject, predicate, None, graph) if q not in wanted]
        if len(found) != surplus:
            found = [q for q in self.store.quads_for_pattern(subject, None, None, graph) if q not in wanted]
        return found

    def _rows(self, query: str) -> QuerySolutions:
        found = self.store.query(query)
        assert isinstance(found, QuerySolutions)
        return found

    def _counts(self, subjects: Iterable[NamedNode]) -> dict[str, dict[_Graph, int]]:
        """How many statements are here of each of these subjects (by IRI), by graph."""
        of = _values("s", subjects)
        found: dict[str, dict[_Graph, int]] = {}
        for line in self._table(f"SELECT ?s (COUNT(*) AS ?n) WHERE {{ {of} ?s ?p ?o }} GROUP BY ?s"):
            subject, count = line.split("\t")
            found.setdefault(subject[1:-1], {})[DefaultGraph()] = int(count)
        if next(iter(self.store.named_graphs()), None) is not None:
            asked = f"SELECT ?g ?s (COUNT(*) AS ?n) WHERE {{ {of} GRAPH ?g {{ ?s ?p ?o }} }} GROUP BY ?g ?s"
            for line in self._table(asked):
                graph, subject, count = line.split("\t")
                found.setdefault(subject[1:-1], {})[NamedNode(graph[1:-1])] = int(count)
        return found

    def _table(self, query: str) -> list[str]:
        """The rows of a query's answer as text, which is made without the interpreter."""
        told = self._rows(query).serialize(format=QueryResultsFormat.TSV)
        return (told or b"").decode().splitlines()[1:]

    def _with_fragments(self, subjects: Iterable[NamedNode]) -> set[NamedNode]:
        """These subjects and the fragments of theirs that can be walked to from them, in whatever graph."""
        found: set[NamedNode] = set(subjects)
        # An id may begin with another, so all that is before the # has to be the same.
        records = {node.value.partition("#")[0] for node in found}
        front = set(found)
        while front:
            of = _values("s", front)
            asked = f"SELECT DISTINCT ?f WHERE {{ {of} {{ ?s ?p ?f }} UNION {{ GRAPH ?g {{ ?s ?p ?f }} }} }}"
            front = set()
            # Looked at here: asking the engine about the text of each takes three times as long.
            for term in self._table(asked):
                if term.startswith("<"):
                    record, mark, _ = term[1:-1].partition("#")
                    if mark and record in records:
                        front.add(NamedNode(term[1:-1]))
            front -= found
            found |= front
        return found

    def _take_away(self, ids: Sequence[str]) -> None:
        """Remove what is here of these records, walking from each over its fragments."""
        for first in range(0, len(ids), SLICE):
            records = [self._node(id) for id in ids[first : first + SLICE]]
            entries = [self._node(id + REGISTRATION) for id in ids[first : first + SLICE]]
            # Told by subject, the engine removes without reading any text back.
            of = _values("s", {*self._with_fragments(records), *entries})
            self.store.update(
                f"DELETE {{ ?s ?p ?o }} WHERE {{ {of} ?s ?p ?o }};"
                f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ {of} GRAPH ?g {{ ?s ?p ?o }} }}"
            )

    def _unsay(self, ids: Sequence[str], lie: Lie | None) -> None:
        """Remove what others say of these records, where not everybody who reads it may read what lies there (None: nobody)."""
        for first in range(0, len(ids), SLICE):
            of = _values("r", [self._node(id) for id in ids[first : first + SLICE]])
            graphs = [row["g"] for row in self._rows(f"SELECT DISTINCT ?g WHERE {{ {of} GRAPH ?g {{ ?s ?p ?r }} }}")]
            self._forget_written(of)
            if lie is None or not lie.open:
                self.store.update(";".join(_unsaying(of, "")))
            for graph in graphs:
                if lie is None or not may_read(graph.value, lie, self._base):
                    self.store.update(";".join(_unsaying(of, f"GRAPH {graph}")))

    def _forget_written(self, of: str) -> None:
        """What was kept of all that speaks of these records is not so any more."""
        asked = f"SELECT DISTINCT ?s WHERE {{ {of} {{ ?s ?p ?r }} UNION {{ GRAPH ?g {{ ?s ?p ?r }} }} }}"
        speaking = {term[1:-1].partition("#")[0] for term in self._table(asked) if term.startswith("<")}
        for record in speaking:
            for quad in list(self.store.quads_for_pattern(NamedNode(record), written.IS, None, None)):
                self.store.remove(quad)

    def _subjects_of(self, ids: Iterable[str]) -> list[_Subject]:
        """The subjects that a look at everything found to be of these ids, whether or not they can be walked to."""
        found: list[_Subject] = []
        cells: defaultdict[Cell, set[str]] = defaultdict(set)
        for id in ids:
            cells[self._cells.cell_of(id)].add(id)
        for cell, some in cells.items():
            for id, (_, subjects) in self._read_out(cell).items():
                if id in some:
                    found += map(_subject, subjects)
        return found
