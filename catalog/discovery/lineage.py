"""How records hang together: where something came from and what came of it, ways between two, and what is linked to one.

Steps lead only to records that links may lead this reader to. One does not pass through a hidden record either: what lies
behind it would tell that it is there, and to what it is linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from catalog.discovery.show import Moved, absent, withdrawn
from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.lineage import Fields, Step, Steps, Walk, alike, links_of, place_of
from catalog.questions.check import check
from catalog.questions.lineage import Beyond, Link
from catalog.questions.question import Condition, Question, Selection
from catalog.questions.reader import Reader
from catalog.questions.vocabulary import Vocabulary, unknown
from catalog.records.identifiers import is_record_id, split_id

MOST_NODES: Final = 5_000
MOST_LINKS: Final = 20_000
MOST_DEPTH: Final = 100
# Of a way between two: how long it may be, how many are told, and how many links are looked at on the search for it.
LONGEST: Final = 10
MOST_PATHS: Final = 20
MOST_LOOKED_AT: Final = 50_000
MOST_NEIGHBOURS: Final = 1_000

_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f]+")

Direction = Literal["upstream", "downstream", "both"]
Stop = Literal["depth", "nodes", "links"]


class Place(NamedTuple):
    """A record, or an IRI that links name (which has no kind), and how many links it is away from the start."""

    distance: int
    id: str
    kind: str | None


class Edge(NamedTuple):
    """A link between two places, from the record that has it; of a lineage also which of them came of the other."""

    start: str
    end: str
    field: str
    role: str | None
    port: str | None
    origin: str | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """The places that were come to, the nearest first, and the links between them. `stopped` says what ended it, if not the end."""

    nodes: tuple[Place, ...]
    edges: tuple[Edge, ...]
    stopped: Stop | None


@dataclass(frozen=True, slots=True)
class Path:
    """A way between two: the places on it in their order, and the links between each and the next."""

    nodes: tuple[Place, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """Some of the shortest ways. `complete`: there is none, or none shorter; else the search was ended before it was sure."""

    paths: tuple[Path, ...]
    complete: bool

    @property
    def length(self) -> int | None:
        """How many links each of them has."""
        return len(self.paths[0].nodes) - 1 if self.paths else None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A page of the links of a record; `next` is behind which they go on, if they do."""

    links: tuple[Link, ...]
    next: Beyond | None


def lineage(
    id: str,
    reader: Reader,
    *,
    answers: Answers,
    direction: Direction = "upstream",
    depth: int = 10,
    most: int = MOST_NODES,
    kinds: Sequence[str] = (),
    fields: Sequence[str] = (),
    through: tuple[str, Condition] | None = None,
) -> Lineage | Moved:
    """Where a record (or an IRI) came from, or what came of it, breadth first.

    `kinds` says what is told, not what is passed. `fields` are the link fields that are followed, in place of those that the
    schemas say are. `through` is a kind (runs) with a condition: records of that kind that do not meet it are not passed, and
    without `fields` only links of that kind are followed, since others pass it by.
    """
    _within("depth", depth, MOST_DEPTH)
    _within("first", most, MOST_NODES)
    vocabulary = answers.vocabulary
    if through is not None:
        check(Question((through[0],), through[1]), vocabulary)
    asked = frozenset(vocabulary.named(tuple(kinds))) if kinds else None
    origins, results = _carrying(vocabulary, tuple(dict.fromkeys(fields)), through[0] if through else None)
    with answers.store.read() as connection:
        start = _start(id, reader, answers, connection)
        if isinstance(start, Moved):
            return start
        key, place = start
        ways = {"upstream": (origins, results), "downstream": (results, origins)}
        found = _Found({key: place}, most)
        walks = {
            way: _Way(Walk(Steps(out, into, through, ends=(key,)), reader, answers=answers, connection=connection), key)
            for way, (out, into) in ways.items()
            if direction in (way, "both")
        }
        for distance in range(1, depth + 2):
            for way, walk in walks.items():
                if not walk.frontier or found.full:
                    continue
                room = MOST_LINKS - len(found.edges)
                steps = walk.walk.steps_from(walk.frontier, room + 1)
                found.take(steps[:room], walk, distance if distance <= depth else None, upward=way == "upstream")
                if len(steps) > room:
                    found.stopped = "links"
    told = found.nodes.values() if asked is None else [place for place in found.nodes.values() if place.kind in asked]
    return Lineage(tuple(sorted(told)), tuple(found.edges), found.stopped)


class _Way:
    """One of the two ways that are gone: how far it has come, and where it goes on."""

    def __init__(self, walk: Walk, start: int) -> None:
        self.walk = walk
        self.come_to = {start}
        self.frontier = [start]


class _Found:
    """What was come to so far."""

    def __init__(self, nodes: dict[int, Place], most: int) -> None:
        self.nodes = nodes
        self.most = most
        self.edges: dict[Edge, None] = {}
        self.stopped: Stop | None = None

    @property
    def full(self) -> bool:
        """Whether no more fits in."""
        return self.stopped in ("nodes", "links")

    def take(self, steps: Sequence[Step], way: _Way, distance: int | None, *, upward: bool) -> None:
        """Take these steps, as far as there is room. Without a distance: only those between what was come to."""
        nodes, edges, come_to, seen = self.nodes, self.edges, way.come_to, way.walk.seen
        way.frontier = []
        for near, outward, field, role, port, far in steps:
            if far not in come_to:
                if distance is None:
                    self.stopped = self.stopped or "depth"
                    continue
                if far not in nodes:
                    if len(nodes) >= self.most:
                        self.stopped = "nodes"
                        continue
                    nodes[far] = Place(distance, *seen[far])
                come_to.add(far)
                way.frontier.append(far)
            here, there = nodes[near].id, nodes[far].id
            origin, result = (there, here) if upward else (here, there)
            start, end = (here, there) if outward else (there, here)
            edges[Edge(start, end, field, role, port, origin, result)] = None


def _carrying(vocabulary: Vocabulary, named: tuple[str, ...], through: str | None) -> tuple[Fields, Fields]:
    """The link fields that lead to what something came from, and those that lead to what came of it."""
    having: dict[str, set[str]] = {}
    origins: dict[str, set[str]] = {}
    results: dict[str, set[str]] = {}
    marked: set[str] = set()
    for kind, words in vocabulary.kinds.items():
        for field in words.fields.values():
            if field.sort != "link":
                continue
            having.setdefault(field.name, set()).add(kind)
            if field.lineage is None:
                continue
            marked.add(field.name)
            by_itself = field.lineage != "origin-if-named" and (
                through is None or kind == through or through in field.kinds
            )
            if field.name in named or (not named and by_itself):
                into = results if field.lineage == "result" else origins
                into.setdefault(field.name, set()).add(kind)
    for name in named:
        if name not in marked:
            raise unknown("link field", name, marked, of="lineage")

    def told(found: Mapping[str, set[str]]) -> Fields:
        return tuple(
            (name, () if kinds == having[name] else tuple(sorted(kinds))) for name, kinds in sorted(found.items())
        )

    return told(origins), told(results)


def path(
    start: str,
    end: str,
    reader: Reader,
    *,
    answers: Answers,
    longest: int = 6,
    most: int = 1,
    kinds: Sequence[str] = (),
    fields: Sequence[str] = (),
) -> Paths | Moved:
    """The shortest ways between two records over links in either direction; with `kinds`, over records of these."""
    _within("maxLength", longest, LONGEST)
    _within("first", most, MOST_PATHS)
    followed = _named_links(answers.vocabulary, fields)
    named = tuple(sorted(answers.vocabulary.named(tuple(kinds)))) if kinds else ()
    with answers.store.read() as connection:
        ends = [_start(id, reader, answers, connection) for id in (start, end)]
        begun: list[tuple[int, Place]] = []
        for each in ends:
            if isinstance(each, Moved):
                return each
            begun.append(each)
        (first_key, first), (last_key, last) = begun
        steps = Steps(followed, followed, kinds=named, ends=(first_key, last_key))
        walk = Walk(steps, reader, answers=answers, connection=connection)
        near, far = _Side(first_key, first), _Side(last_key, last)
        left = MOST_LOOKED_AT
        met = [first_key] if first_key == last_key else []
        complete = True
        while not met and complete and near.radius + far.radius < longest:
            # The smaller circle grows: a beam-line that a million name is met, and not gone through.
            side, other = (near, far) if len(near.edge) <= len(far.edge) else (far, near)
            found = walk.steps_from(side.edge, left + 1)
            complete = len(found) <= left
            left -= len(found)
            side.grow(found, walk.seen)
            met = [key for key in side.edge if key in other.nodes]
            if not side.edge:
                break
        met.sort(key=lambda key: near.nodes[key].id)
        ways = ((before, after) for key in met for before in near.ways(key) for after in far.ways(key))
        return Paths(tuple(_joined(*way) for way in islice(ways, most)), complete)


class _Side:
    """One of the two circles that grow towards each other."""

    def __init__(self, key: int, place: Place) -> None:
        self.radius = 0
        self.nodes = {key: place}
        self.edge = [key]
        self.before: dict[int, dict[int, list[Edge]]] = {key: {}}

    def grow(self, steps: Sequence[Step], seen: Mapping[int, tuple[str, str | None]]) -> None:
        self.radius += 1
        edge: dict[int, None] = {}
        for near, outward, field, role, port, far in steps:
            known = self.nodes.get(far)
            if known is None:
                self.nodes[far] = Place(self.radius, *seen[far])
                self.before[far] = {}
                edge[far] = None
            elif known.distance != self.radius:
                continue
            here, there = self.nodes[near].id, self.nodes[far].id
            told = self.before[far].setdefault(near, [])
            one = Edge(*((here, there) if outward else (there, here)), field, role, port)
            if one not in told:
                told.append(one)
        self.edge = list(edge)

    def ways(self, key: int) -> Iterator[tuple[list[Place], list[list[Edge]]]]:
        """The ways from where this circle began to a place in it."""
        before = self.before[key]
        if not before:
            yield [self.nodes[key]], []
        for nearer in sorted(before, key=lambda each: self.nodes[each].id):
            for places, edges in self.ways(nearer):
                yield [*places, self.nodes[key]], [*edges, sorted(before[nearer], key=_as_told)]


def _joined(before: tuple[list[Place], list[list[Edge]]], after: tuple[list[Place], list[list[Edge]]]) -> Path:
    places = [*before[0], *reversed(after[0][:-1])]
    edges = [*before[1], *reversed(after[1])]
    return Path(
        tuple(place._replace(distance=distance) for distance, place in enumerate(places)),
        tuple(edge for several in edges for edge in several),
    )


def _as_told(edge: Edge) -> tuple[str, ...]:
    return (edge.field, edge.start, edge.role or "", edge.port or "")


def neighbours(
    id: str,
    reader: Reader,
    *,
    answers: Answers,
    directions: Sequence[Literal["out", "in"]] = ("out", "in"),
    fields: Sequence[str] = (),
    kinds: Sequence[str] = (),
    first: int = 20,
    after: Beyond | None = None,
) -> Neighbours | Moved:
    """The links of a record, those that it has before those that lead to it, with what they lead to."""
    _within("first", first, MOST_NEIGHBOURS)
    vocabulary = answers.vocabulary
    followed = tuple(name for name, _ in _named_links(vocabulary, fields) or ())
    named = tuple(sorted(vocabulary.named(tuple(kinds)))) if kinds else ()
    ways = tuple(dict.fromkeys(way == "out" for way in ("out", "in") if way in directions))
    if after is not None and not after.outward:
        ways = tuple(way for way in ways if not way)
    with answers.store.read() as connection:
        start = _start(id, reader, answers, connection)
        if isinstance(start, Moved):
            return start
        places = alike([start[0]], reader, answers=answers, connection=connection)
        if not ways:
            return Neighbours((), None)
        links, further = links_of(
            places, followed, named, ways, after, first, reader, answers=answers, connection=connection
        )
    return Neighbours(tuple(links), further)


def _named_links(vocabulary: Vocabulary, names: Sequence[str]) -> Fields:
    for name in names:
        vocabulary.link_fields(name, ())
    return tuple((name, ()) for name in sorted(set(names))) or None


def _start(id: str, reader: Reader, answers: Answers, connection: Connection) -> tuple[int, Place] | Moved:
    """Where to begin: a record that the reader may see by its id, or an IRI."""
    if _IRI.fullmatch(id):
        # One that nothing names is told like one that only hidden records name: it has no links.
        return place_of(id, reader, answers=answers, connection=connection) or -1, Place(0, id, None)
    one = answers.one(id, Selection(), reader, connection) if is_record_id(id) else None
    if one is None:
        raise absent(id)
    if one.status == "withdrawn":
        raise withdrawn(id, one, reader, answers, connection)
    if one.merged_into is not None:
        return Moved(id, one.merged_into)
    return one.key, Place(0, id, split_id(id)[0])


def _within(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise Invalid(
            f"{name}: a number from 1 to {most}, not {value}", ja=f"{name}: 1から{most}の数です（{value} は使えません）"
        )
