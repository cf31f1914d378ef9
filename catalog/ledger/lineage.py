"""One step along links from many records at once, as far as the reader may see.

A record that became another is that other one here: what links to either leads to the latter. An IRI that links name is
a place as well, without a record. Hidden records are absent, so that no step leads to one, and none through it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.questions.lineage import Beyond, Link
from catalog.questions.question import Condition
from catalog.questions.reader import Reader
from catalog.questions.shape import lift

# Link fields, each with the kinds of records in which it is meant; none: in all that have it. None instead: any field.
Fields = tuple[tuple[str, tuple[str, ...]], ...] | None


@dataclass(frozen=True, slots=True)
class Steps:
    """Which links are followed: from the record that has the link (`out`), and to it (`into`).

    Records of the kind in `through` are stepped on only if they meet its condition, and with `kinds` only records of these.
    The `ends`, which the reader may see by their ids, are stepped on in any case.
    """

    out: Fields
    into: Fields
    through: tuple[str, Condition] | None = None
    kinds: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()


# A link between a place and the next: the key of the place, whether the link leads from it, field, role and port of the
# link, and the key of the next. (A plain tuple, as the database gives it: there are thousands.)
Step = tuple[int, bool, str, str | None, str | None, int]


class Walk:
    """Steps from place to place, as far as one reader may see. `seen` has the id and the kind of what was stepped on."""

    def __init__(self, steps: Steps, reader: Reader, *, answers: Answers, connection: Connection) -> None:
        self.seen: dict[int, tuple[str, str | None]] = {}
        self._hidden: set[int] = set()
        self._became: dict[int, int] = {}
        self._reader = reader
        self._answers = answers
        self._connection = connection
        values: list[Any] = []
        through = None if steps.through is None else (steps.through[0], lift(steps.through[1], values))
        self._ends = _Ends(through, steps.kinds)
        self._links = _Links(steps.out, steps.into, None)
        self._links_seen = _Links(steps.out, steps.into, self._ends)
        self._bound: dict[str, Any] = {f"p{number}": value for number, value in enumerate(values)}
        self._bound["ends"] = _numbers(steps.ends)
        self._mergings = bool(self._rows(_some_merged))

    def steps_from(self, places: Collection[int], most: int) -> list[Step]:
        """The steps from these places, at most so many."""
        now = alike(places, self._reader, answers=self._answers, connection=self._connection) if self._mergings else {}
        own = _numbers(now or places)
        # What several links lead to is judged once: with that in the same statement a step took twice as long. Where links
        # are too many it is said there, so that hidden ones take nobody's place.
        rows: list[Step] = self._rows(self._links, places=own, most=most)
        if len(rows) == most:
            rows = self._rows(self._links_seen, places=own, most=most)
        self._look_at({row[5] for row in rows})
        hidden = self._hidden
        if not self._became and len(now) in (0, len(places)):
            # A link to oneself leads nowhere.
            return [row for row in rows if row[5] not in hidden and row[5] != row[0]]
        return [step for row in rows if row[5] not in hidden for step in self._as_it_became(row, now)]

    def _look_at(self, ends: set[int]) -> None:
        new = ends - self.seen.keys() - self._hidden - self._became.keys()
        if not new:
            return
        merged = []
        for key, id, kind, into in self._rows(self._ends, places=_numbers(new)):
            self.seen[key] = (id, kind)
            if into is not None:
                merged.append(key)
        self._hidden |= new - self.seen.keys()
        became = became_of(merged, self._reader, answers=self._answers, connection=self._connection)
        for key, (into, id) in became.items():
            self._became[key] = into
            self.seen[into] = (id, self.seen[key][1])

    def _as_it_became(self, row: Step, now: Mapping[int, int]) -> Iterator[Step]:
        near, *told, far = row
        place, end = now.get(near, near), self._became.get(far, far)
        # Nor does one between two that are one now.
        if place != end:
            yield (place, *told, end)  # type: ignore[misc]

    def _rows(self, make: Callable[[Terms], str], **more: Any) -> list[Any]:
        return self._answers.rows(make, {**self._bound, **more}, self._reader, self._connection)


def alike(places: Collection[int], reader: Reader, *, answers: Answers, connection: Connection) -> dict[int, int]:
    """These places and all that became one of them, each with the place that it is now."""
    found = {place: place for place in places}
    more = list(places)
    # Mergings are few, and mostly one deep. (As a table that names itself they are guessed to be a million, for which
    # SQLite reads all links of the catalogue once through to make a Bloom filter.)
    while more:
        rows = answers.rows(_merged, {"places": _numbers(more)}, reader, connection)
        more = [key for key, _ in rows if key not in found]
        found.update((key, found[into]) for key, into in rows if key not in found)
    return found


def became_of(
    records: Collection[int], reader: Reader, *, answers: Answers, connection: Connection
) -> Mapping[int, tuple[int, str]]:
    """What these records became in the end, by key and id: those that became something that the reader may see."""
    found: dict[int, tuple[int, str]] = {}
    at = {record: record for record in records}
    while at:
        rows = answers.rows(_became, {"places": _numbers(set(at.values()))}, reader, connection)
        next_of = {key: (into, id) for key, into, id in rows}
        at = {record: key for record, key in at.items() if key in next_of}
        for record, key in at.items():
            found[record] = next_of[key]
        at = {record: found[record][0] for record in at}
    return found


def place_of(iri: str, reader: Reader, *, answers: Answers, connection: Connection) -> int | None:
    """The place of an IRI that some link names, whether or not the reader may see that link."""
    rows = answers.rows(_place, {"id": iri}, reader, connection)
    return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True)
class _Ends:
    """Makes the statement of which places may be stepped on."""

    through: tuple[str, Any] | None
    kinds: tuple[str, ...]

    def __call__(self, terms: Terms) -> str:
        return (
            f"{terms.beginning()} SELECT n.key, n.id, e.kind, e.merged_into FROM {_among(terms)} node n ON n.key = a.key"
            f" {self.records()} WHERE {self.condition(terms)}"
        ).strip()

    def records(self) -> str:
        """What the condition needs beside a row of node."""
        return "LEFT JOIN record e ON e.key = n.key LEFT JOIN scope s ON s.key = e.scope"

    def condition(self, terms: Terms) -> str:
        """That a place may be stepped on."""
        seen = f"e.status = 'public' AND {terms.readable('s')}"
        if self.kinds:
            seen += f" AND {terms.named('e.kind', self.kinds)}"
        if self.through is not None:
            kind, asked = self.through
            seen += f" AND (NOT {terms.named('e.kind', (kind,))} OR {terms.meets('e.key', kind, asked)})"
        # Ids of ours hold no colon, an IRI always does; an id of ours without a record is not here yet.
        outside = terms.sql.has("n.id", ":")
        if self.kinds:
            outside = f"({outside} AND n.key IN ({terms.numbers('ends')}))"
        return f"CASE WHEN e.key IS NULL THEN {outside} ELSE ({seen}) OR e.key IN ({terms.numbers('ends')}) END"


@dataclass(frozen=True, slots=True)
class _Links:
    """Makes the statement of the links of places; `seen`: only of those to what may be stepped on."""

    out: Fields
    into: Fields
    seen: _Ends | None

    def __call__(self, terms: Terms) -> str:
        arms = []
        if self.out != ():
            arms.append(self._arm(terms, "TRUE", "record", "target", self.out))
        if self.into != ():
            arms.append(self._arm(terms, "FALSE", "target", "record", self.into))
        return f"{terms.beginning()} {' UNION ALL '.join(arms)} LIMIT {terms.value('most')}".strip()

    def _arm(self, terms: Terms, out: str, own: str, far: str, fields: Fields) -> str:
        then = terms.sql.then()
        conditions, owner = [], ""
        if fields is not None:
            conditions.append(terms.named("l.field", [name for name, _ in fields]))
            for name, kinds in fields:
                if kinds:
                    owner = f" {then} record o ON o.key = l.record"
                    conditions.append(f"(NOT {terms.named('l.field', (name,))} OR {terms.named('o.kind', kinds)})")
        source = f"{_among(terms)} link l ON l.{own} = a.key{owner}"
        if self.seen is not None:
            source += f" {then} node n ON n.key = l.{far} {self.seen.records()}"
            conditions.append(self.seen.condition(terms))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT a.key, {out}, l.field, l.role, l.port, l.{far} FROM {source}{where}"


def _some_merged(terms: Terms) -> str:
    return "SELECT 1 FROM record r WHERE r.merged_into IS NOT NULL LIMIT 1"


def _among(terms: Terms) -> str:
    return f"({terms.numbers('places')}) AS a {terms.sql.then()}"


def _merged(terms: Terms) -> str:
    """What became one of these, as far as the reader may see it; nothing becomes what is not public."""
    then = terms.sql.then()
    return (
        f"{terms.beginning()} SELECT m.key, m.merged_into FROM {_among(terms)} record m ON m.merged_into = a.key"
        f" {then} record r ON r.key = m.merged_into {then} scope s ON s.key = m.scope"
        f" WHERE r.status = 'public' AND m.status = 'public' AND {terms.readable('s')}"
    )


def _became(terms: Terms) -> str:
    then = terms.sql.then()
    return (
        f"{terms.beginning()} SELECT r.key, m.key, n.id FROM {_among(terms)} record r ON r.key = a.key"
        f" {then} record m ON m.key = r.merged_into {then} scope s ON s.key = m.scope {then} node n ON n.key = m.key"
        f" WHERE m.status = 'public' AND {terms.readable('s')}"
    )


def _numbers(keys: Collection[int]) -> str:
    # In their order neighbours lie on one page: by chance a step took a third longer.
    return orjson.dumps(sorted(keys)).decode()


def _place(terms: Terms) -> str:
    return f"SELECT n.key FROM node n WHERE n.id = {terms.value('id')}"


# --- the neighbours of one record, in pages


def links_of(
    places: Collection[int],
    fields: tuple[str, ...],
    kinds: tuple[str, ...],
    directions: tuple[bool, ...],
    beyond: Beyond | None,
    first: int,
    reader: Reader,
    *,
    answers: Answers,
    connection: Connection,
) -> tuple[list[Link], Beyond | None]:
    """A page of the links of a record, which has these places, and behind which they go on; True of `directions` is outward."""
    make = _Around(fields, kinds, directions, len(places) == 1, None if beyond is None else beyond.outward)
    bound: dict[str, Any] = {"places": _numbers(places), "place": min(places), "first": first}
    if beyond is not None:
        bound |= {"field": beyond.field, "record": beyond.record, "at": beyond.place}
    rows = answers.rows(make, bound, reader, connection)
    merged = {row[12] for row in rows[:first] if row[15] is not None}
    became = became_of(merged, reader, answers=answers, connection=connection)
    told, at = [], None
    for out, field, _, place, role, port, order, predicate, since, until, note, by, far, id, kind, _, owner in rows[
        :first
    ]:
        key, name = became.get(far, (far, id))
        at = Beyond(bool(out), field, owner, place)
        # A link to oneself leads nowhere, nor does one between two that are one now.
        if key not in places:
            told.append(Link(field, role, port, order, predicate, since, until, note, by, key, name, kind, at))
    return told, at if len(rows) > first else None


@dataclass(frozen=True, slots=True)
class _Around:
    """Makes the statement of a page of links, in the order in which the index has them, so that none is sorted."""

    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    directions: tuple[bool, ...]
    single: bool
    beyond: bool | None

    def __call__(self, terms: Terms) -> str:
        arms = [self._arm(terms, out) for out in self.directions]
        limit = f"LIMIT {terms.value('first')} + 1"
        listed = " UNION ALL ".join(
            f"SELECT * FROM ({arm} ORDER BY l.field, l.record, l.place {limit}) AS x" for arm in arms
        )
        rows = (
            "SELECT y.*, rn.id AS owner FROM (SELECT * FROM ("
            + listed
            + f") AS z ORDER BY z.outward DESC, z.field, z.record, z.place {limit}) AS y"
            " JOIN node rn ON rn.key = y.record"
        )
        return f"{terms.beginning()} {rows} ORDER BY y.outward DESC, y.field, y.record, y.place"

    def _arm(self, terms: Terms, out: bool) -> str:
        then = terms.sql.then()
        own, far = ("record", "target") if out else ("target", "record")
        seen = f"e.status = 'public' AND {terms.readable('s')}"
        outside = "FALSE" if self.kinds else terms.sql.has("n.id", ":")
        if self.kinds:
            seen += f" AND {terms.named('e.kind', self.kinds)}"
        places = f"= {terms.value('place')}" if self.single else f"IN ({terms.numbers('places')})"
        conditions = [f"l.{own} {places}", f"CASE WHEN e.key IS NULL THEN {outside} ELSE {seen} END"]
        if self.fields:
            conditions.append(terms.named("l.field", self.fields))
        if self.beyond is out:
            last = f"({terms.value('field')}, (SELECT key FROM node WHERE id = {terms.value('record')}), {terms.value('at')})"
            conditions.append(f"(l.field, l.record, l.place) > {last}")
        by = f"""CASE WHEN {terms.may_name("l")} THEN l."by" END"""
        return (
            f"""SELECT {"TRUE" if out else "FALSE"} AS outward, l.field AS field, l.record AS record, l.place AS place, l.role, l.port, l."order","""
            f""" l.predicate, l."from", l.until, l.note, {by} AS "by", l.{far} AS far, n.id AS id, e.kind AS kind, e.merged_into AS merged"""
            f" FROM link l {then} node n ON n.key = l.{far} LEFT JOIN record e ON e.key = l.{far} LEFT JOIN scope s ON s.key = e.scope"
            f" WHERE {' AND '.join(conditions)}"
        )
