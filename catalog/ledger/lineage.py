"""One step along links from many records at once, as far as the reader may see.

A record that became another is that other one here: what links to either leads to the latter. An IRI that links name is
a place as well, without a record. Hidden records are absent, so that no step leads to one, and none through it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Step:
    """A link between a place (`near`) and the next (`far`), which is told by key, id and kind; an IRI has no kind."""

    near: int
    outward: bool
    field: str
    role: str | None
    port: str | None
    far: int
    id: str
    kind: str | None


def steps_from(
    places: Collection[int], steps: Steps, most: int, reader: Reader, *, answers: Answers, connection: Connection
) -> list[Step]:
    """The steps from these places, at most so many."""
    values: list[Any] = []
    through = None if steps.through is None else (steps.through[0], lift(steps.through[1], values))
    bound = {f"p{number}": value for number, value in enumerate(values)}
    bound |= {"places": _numbers(places), "ends": _numbers(steps.ends), "most": most}
    rows = answers.rows(_Stepping(steps.out, steps.into, through, steps.kinds), bound, reader, connection)
    if all(row[-1] is None for row in rows):
        return [Step(row[0], bool(row[1]), *row[2:8]) for row in rows if row[0] != row[5]]
    return list(_as_they_became(rows, reader, answers, connection))


def _as_they_became(rows: list[Any], reader: Reader, answers: Answers, connection: Connection) -> Iterator[Step]:
    merged = {row[5] for row in rows if row[-1] is not None}
    became = became_of(merged, reader, answers=answers, connection=connection)
    for near, out, field, role, port, far, id, kind, _ in rows:
        key, name = became.get(far, (far, id))
        # A link to oneself leads nowhere, nor does one between two that are one now.
        if key != near:
            yield Step(near, bool(out), field, role, port, key, name, kind)


def became_of(
    records: Collection[int], reader: Reader, *, answers: Answers, connection: Connection
) -> Mapping[int, tuple[int, str]]:
    """What these records became in the end, by key and id: those that became something that the reader may see."""
    rows = answers.rows(_became, {"places": _numbers(records)}, reader, connection)
    return {record: (key, id) for record, key, id in rows}


def place_of(iri: str, reader: Reader, *, answers: Answers, connection: Connection) -> int | None:
    """The place of an IRI that some link names, whether or not the reader may see that link."""
    rows = answers.rows(_place, {"id": iri}, reader, connection)
    return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True)
class _Stepping:
    """Makes the statement of a step."""

    out: Fields
    into: Fields
    through: tuple[str, Any] | None
    kinds: tuple[str, ...]

    def __call__(self, terms: Terms) -> str:
        arms = []
        if self.out != ():
            arms.append(self._arm(terms, "TRUE", "record", "target", self.out))
        if self.into != ():
            arms.append(self._arm(terms, "FALSE", "target", "record", self.into))
        begun = terms.recursing(_places(terms), _alike(terms))
        return f"{begun} {' UNION ALL '.join(arms)} LIMIT {terms.value('most')}"

    def _arm(self, terms: Terms, out: str, own: str, far: str, fields: Fields) -> str:
        then = terms.sql.then()
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
        conditions = [f"CASE WHEN e.key IS NULL THEN {outside} ELSE ({seen}) OR e.key IN ({terms.numbers('ends')}) END"]
        owner = ""
        if fields is not None:
            conditions.append(terms.named("l.field", [name for name, _ in fields]))
            for name, kinds in fields:
                if kinds:
                    owner = f" {then} record o ON o.key = l.record"
                    conditions.append(f"(NOT {terms.named('l.field', (name,))} OR {terms.named('o.kind', kinds)})")
        return (
            f"SELECT a.place, {out}, l.field, l.role, l.port, l.{far}, n.id, e.kind, e.merged_into"
            f" FROM alike a {then} link l ON l.{own} = a.key{owner} {then} node n ON n.key = l.{far}"
            f" LEFT JOIN record e ON e.key = l.{far} LEFT JOIN scope s ON s.key = e.scope WHERE {' AND '.join(conditions)}"
        )


def _places(terms: Terms) -> str:
    return f"places (key) AS ({terms.numbers('places')})"


def _alike(terms: Terms) -> str:
    """Each place with what became it, as far as the reader may see that; nothing becomes what is not public."""
    return (
        "alike (place, key) AS (SELECT p.key, p.key FROM places p"
        " UNION SELECT a.place, m.key FROM alike a JOIN record m ON m.merged_into = a.key JOIN scope s ON s.key = m.scope"
        f" JOIN record r ON r.key = m.merged_into WHERE r.status = 'public' AND m.status = 'public' AND {terms.readable('s')})"
    )


def _became(terms: Terms) -> str:
    seen = f"JOIN record m ON m.key = r.merged_into JOIN scope s ON s.key = m.scope WHERE m.status = 'public' AND {terms.readable('s')}"
    became = (
        "became (record, key) AS (SELECT p.key, p.key FROM places p"
        f" UNION SELECT b.record, m.key FROM became b JOIN record r ON r.key = b.key {seen})"
    )
    # What nothing further is known of is the end: mergings are no ring.
    further = f"SELECT 1 FROM record r {seen} AND r.key = b.key"
    return (
        f"{terms.recursing(_places(terms), became)} SELECT b.record, b.key, n.id"
        f" FROM became b JOIN node n ON n.key = b.key WHERE b.record <> b.key AND NOT EXISTS ({further})"
    )


def _numbers(keys: Collection[int]) -> str:
    return orjson.dumps(list(keys)).decode()


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
    became = became_of(merged, reader, answers=answers, connection=connection) if merged else {}
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


def alike(place: int, reader: Reader, *, answers: Answers, connection: Connection) -> list[int]:
    """The places of what a record is: its own, and those of what became it."""
    rows = answers.rows(_alike_alone, {"places": _numbers([place])}, reader, connection)
    return [key for (key,) in rows]


def _alike_alone(terms: Terms) -> str:
    begun = terms.recursing(_places(terms), _alike(terms))
    return f"{begun} SELECT a.key FROM alike a"


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
