"""Which term is below which, and what terms are called: kept in the transaction in which their records change.

A term stands by its IRI (the identifier of scheme `iri` of its record; without one, the record's own id), as a key of
`node`. Only records that lie open to everyone count, so that a hidden vocabulary changes no answer of anybody. A term
whose record is merged into another is below that one. A ring makes its terms each other's narrower, and nothing loops.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection

from catalog.ledger.alike import stir
from catalog.ledger.rows import IRI, TERM
from catalog.store.clock import Clock, now
from catalog.store.database import Database, Row
from catalog.store.engine import Store

KIND: Final = TERM
BROADER: Final = "broader"
# What of a name stands in an index.
NAME_KEY: Final = 200

_SPACE: Final = re.compile(r"\s+")


class Name(NamedTuple):
    """What a term is called in a language; without one, its notation."""

    text: str
    language: str | None
    preferred: bool


class Terms:
    """The terms that everyone may read, by their IRIs. Safe to use from any thread; each answer is of this moment."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self._among = store.database.among

    def below(self, iris: Collection[str]) -> frozenset[str]:
        """These terms and all that are below them."""
        if not iris:
            return frozenset()
        statement = (
            "SELECT d.id FROM node a JOIN term_closure c ON c.ancestor = a.key JOIN node d ON d.key = c.descendant"
            f" WHERE {self._among('a.id')}"
        )
        return frozenset(iris).union(id for (id,) in self._rows(statement, iris))

    def above(self, iris: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Of each of these terms those above it, the nearest first; a term that has none is left out."""
        statement = (
            "SELECT d.id, a.id FROM node d JOIN term_closure c ON c.descendant = d.key JOIN node a ON a.key = c.ancestor"
            f" WHERE {self._among('d.id')} ORDER BY c.depth, a.id"
        )
        return _grouped(self._rows(statement, iris))

    def just_below(self, iri: str, limit: int = 1_000) -> tuple[str, ...]:
        """The terms directly below one, at most so many."""
        mark = self._store.database.mark
        statement = (
            "SELECT d.id FROM node a JOIN term_closure c ON c.ancestor = a.key JOIN node d ON d.key = c.descendant"
            f" WHERE a.id = {mark} AND c.depth = 1 ORDER BY d.id LIMIT {mark}"
        )
        with self._store.read() as connection:
            return tuple(id for (id,) in connection.exec_driver_sql(statement, (iri, limit)))

    def called(self, texts: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The terms that bear each of these names, in any language, as label, other label or notation.

        Case, width and the kind of kana make no difference. A text that nothing is called is left out.
        """
        asked: dict[str, list[str]] = {}
        for each in texts:
            asked.setdefault(folded(each), []).append(each)
        statement = (
            "SELECT DISTINCT m.folded, n.id FROM term_name m JOIN node n ON n.key = m.term"
            f" WHERE {self._among('m.folded')} ORDER BY m.folded, n.id"
        )
        found = _grouped(self._rows(statement, asked))
        return {each: found[name] for name, several in asked.items() if name in found for each in several}

    def names(self, iris: Collection[str]) -> dict[str, tuple[Name, ...]]:
        """What each of these terms is called, preferred names first."""
        statement = (
            "SELECT n.id, m.name, m.language, m.preferred FROM node n JOIN term_name m ON m.term = n.key"
            f" WHERE {self._among('n.id')} ORDER BY n.id, m.record, m.place"
        )
        made: dict[str, dict[Name, None]] = {}
        for iri, text, language, preferred in self._rows(statement, iris):
            made.setdefault(iri, {})[Name(text, language, bool(preferred))] = None
        return {iri: tuple(sorted(several, key=lambda name: not name.preferred)) for iri, several in made.items()}

    def beginning(self, text: str, limit: int) -> tuple[tuple[Name, str], ...]:
        """Names that begin with this text, each with its term, in the order of the names."""
        start = folded(text)
        if not start:
            return ()
        database = self._store.database
        mark = database.mark
        folded_ = 'm.folded COLLATE "C"' if database.name == "postgresql" else "m.folded"
        statement = (
            "SELECT m.name, m.language, m.preferred, n.id FROM term_name m JOIN node n ON n.key = m.term"
            f" WHERE {folded_} >= {mark} AND {folded_} < {mark} ORDER BY {folded_}, n.id LIMIT {mark}"
        )
        with self._store.read() as connection:
            rows = connection.exec_driver_sql(statement, (start, start + "\U0010ffff", limit)).fetchall()
        return tuple((Name(name, language, bool(preferred)), iri) for name, language, preferred, iri in rows)

    def open_up(self) -> int:
        """Let the terms count whose embargo has ended meanwhile; how many those are."""
        found = (
            "SELECT r.key FROM record r JOIN scope s ON s.key = r.scope"
            f" WHERE r.kind = '{KIND}' AND r.status = 'public' AND s.open AND s.metadata_embargo <= {self._store.database.mark}"
            " AND NOT EXISTS (SELECT 1 FROM term_name m WHERE m.record = r.key)"
        )
        at = self._clock()
        with self._store.read() as connection:
            due = connection.exec_driver_sql(found, (at,)).fetchall()
        if not due:
            return 0
        with self._store.write() as connection:
            self._store.database.hold_positions(connection)
            due = connection.exec_driver_sql(found, (at,)).fetchall()
            keep(connection, self._store.database, at, {key for (key,) in due})
        return len(due)

    def follow_scopes(self, connection: Connection, scopes: Collection[str], at: str) -> None:
        """Keep up with scopes of which it changed who may read, in the transaction that changed it."""
        database = self._store.database
        statement = f"SELECT r.key FROM record r JOIN scope s ON s.key = r.scope WHERE r.kind = '{KIND}' AND {self._among('s.id')}"
        rows = connection.exec_driver_sql(statement, (database.listed(scopes),)).fetchall()
        keep(connection, database, at, {key for (key,) in rows})

    def _rows(self, statement: str, values: Collection[str]) -> list[Row]:
        if not values:
            return []
        with self._store.read() as connection:
            listed = self._store.database.listed(set(values))
            return [tuple(row) for row in connection.exec_driver_sql(statement, (listed,))]


def folded(text: str) -> str:
    """A name as it is compared: case, width, kind of kana and spaces make no difference."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kana = "".join(chr(ord(each) - 0x60) if "\u30a1" <= each <= "\u30f6" else each for each in plain)
    return _SPACE.sub(" ", kana).strip()[:NAME_KEY]


def above_records(connection: Connection, database: Database, keys: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Of each of these term records, by key, the terms above it, the nearest first, as a transaction sees it."""
    terms = named(connection, database, keys)
    statement = (
        "SELECT c.descendant, a.id FROM term_closure c JOIN node a ON a.key = c.ancestor"
        f" WHERE {database.among('c.descendant')} ORDER BY c.depth, a.id"
    )
    found = _grouped(connection.exec_driver_sql(statement, (database.listed(set(terms.values())),)))
    return {record: found[term] for record, term in terms.items() if term in found}


def named(connection: Connection, database: Database, records: Collection[int]) -> dict[int, int]:
    """The term that each of these records stands for: its IRI's key, or where it has none, its own."""
    if not records:
        return {}
    statement = (
        "SELECT i.record, n.key FROM identifier i JOIN node n ON n.id = i.value"
        f" WHERE i.scheme = '{IRI}' AND {database.among('i.record')} ORDER BY i.is_primary DESC, i.place"
    )
    made: dict[int, int] = {}
    for record, term in connection.exec_driver_sql(statement, (database.listed(records),)):
        made.setdefault(int(record), int(term))
    return {record: made.get(record, record) for record in records}


def keep(
    connection: Connection,
    database: Database,
    at: str,
    records: Collection[int],
    before: Mapping[int, int] | None = None,
) -> None:
    """Bring names and closure in step with these term records, which this transaction has changed.

    `before` has what they stood for until then, where that may have changed.
    """
    if not records:
        return
    # One at a time, or two who each write a part of a chain would each not see the other's. It is the lock that every
    # writer takes last, so nobody waits for us with another one in hand.
    database.hold_positions(connection)
    _keep_names(connection, database, at, records)

    listed = database.listed(records)
    around = f"SELECT l.record FROM link l WHERE l.field = '{BROADER}' AND {database.among('l.target')}"
    merged = f"SELECT r.key FROM record r WHERE r.merged_into IS NOT NULL AND {database.among('r.merged_into')}"
    near = {*records, *_keys(connection, around, listed), *_keys(connection, merged, listed)}
    maybe = {*named(connection, database, near).values(), *(before or {}).values()}
    above_now = _parents(connection, database, at, maybe)
    above_before: dict[int, set[int]] = {}
    for term, above, depth in _closure_of(connection, database, maybe):
        if depth == 1:
            above_before.setdefault(term, set()).add(above)
    changed = {term for term in maybe if above_now.get(term, set()) != above_before.get(term, set())}
    if not changed:  # most edits are of words
        return

    # What lies above a term can only have changed if it is one of these, or was below one of them: the lowest edge that
    # changed on its way up begins at one of these, and what is under that edge is as it was.
    below = f"SELECT DISTINCT descendant FROM term_closure WHERE {database.among('ancestor')}"
    affected = changed.union(_keys(connection, below, database.listed(changed)))
    parents = _parents(connection, database, at, affected)
    outside = {parent for several in parents.values() for parent in several} - affected
    known: dict[int, dict[int, int]] = {}
    for term, above, depth in _closure_of(connection, database, affected | outside):
        known.setdefault(term, {})[above] = depth

    altered: list[int] = []
    moved: set[int] = set()  # the terms that are not below the same ones as before
    rows: list[Row] = []
    for term in sorted(affected):
        ancestors = ancestors_of(term, parents, known, affected)
        if ancestors != known.get(term, {}):
            if term in known:
                altered.append(term)
            if ancestors.keys() != known.get(term, {}).keys():
                moved.add(term)
            rows += [(above, term, depth) for above, depth in ancestors.items()]
    if altered:
        connection.exec_driver_sql(
            f"DELETE FROM term_closure WHERE {database.among('descendant')}", (database.listed(altered),)
        )
    database.insert(connection, "term_closure", ("ancestor", "descendant", "depth"), rows)
    by_iri = (
        f"SELECT i.record FROM node n JOIN identifier i ON i.value = n.id AND i.scheme = '{IRI}'"
        f" WHERE {database.among('n.key')}"
    )
    by_id = f"SELECT key FROM record WHERE kind = '{KIND}' AND {database.among('key')}"
    listed = database.listed(moved)
    stir(connection, database, {*_keys(connection, by_iri, listed), *_keys(connection, by_id, listed)} - set(records))


def ancestors_of(
    term: int, parents: Mapping[int, Collection[int]], known: Mapping[int, Mapping[int, int]], affected: Collection[int]
) -> dict[int, int]:
    """The terms above one, each with its least distance; of terms that are not affected what is known is taken over."""
    found: dict[int, int] = {}
    waiting = deque((parent, 1) for parent in parents.get(term, ()))
    while waiting:
        at, depth = waiting.popleft()
        if at == term or found.get(at, depth + 1) <= depth:
            continue
        found[at] = depth
        if at in affected:
            waiting.extend((parent, depth + 1) for parent in parents.get(at, ()))
        else:
            # All that is above it is known, with the least distances.
            for above, more in known.get(at, {}).items():
                if above != term and found.get(above, depth + more + 1) > depth + more:
                    found[above] = depth + more
    return found


def _keep_names(connection: Connection, database: Database, at: str, records: Collection[int]) -> None:
    listed = database.listed(records)
    connection.exec_driver_sql(f"DELETE FROM term_name WHERE {database.among('record')}", (listed,))
    counting = _counting(connection, database, at, records)
    terms = named(connection, database, counting)
    documents = f"SELECT record, document FROM linked WHERE {database.among('record')}"
    rows: list[Row] = []
    for record, document in connection.exec_driver_sql(documents, (database.listed(counting),)).fetchall():
        for place, name in enumerate(_names(orjson.loads(document))):
            rows.append((record, place, terms[record], folded(name.text), name.text, name.language, name.preferred))
    database.insert(
        connection, "term_name", ("record", "place", "term", "folded", "name", "language", "preferred"), rows
    )


def _names(document: Mapping[str, object]) -> Iterator[Name]:
    for key, preferred in (("labels", True), ("alternateLabels", False)):
        told = document.get(key)
        for language, texts in told.items() if isinstance(told, dict) else ():
            for text in texts if isinstance(texts, list) else [texts]:
                yield Name(text, language, preferred)
    notation = document.get("notation")
    if isinstance(notation, str):
        yield Name(notation, None, False)


def _counting(connection: Connection, database: Database, at: str, records: Collection[int]) -> dict[int, int | None]:
    """Those of these records that are terms which everyone may read now, and what each is merged into."""
    statement = (
        "SELECT r.key, r.merged_into FROM record r JOIN scope s ON s.key = r.scope"
        f" WHERE r.kind = '{KIND}' AND r.status = 'public' AND s.open"
        f" AND (s.metadata_embargo IS NULL OR s.metadata_embargo <= {database.mark}) AND {database.among('r.key')}"
    )
    rows = connection.exec_driver_sql(statement, (at, database.listed(records)))
    return {int(key): merged for key, merged in rows}


def _parents(connection: Connection, database: Database, at: str, terms: Collection[int]) -> dict[int, set[int]]:
    """The terms directly above each of these."""
    by_iri = (
        f"SELECT i.record FROM node n JOIN identifier i ON i.value = n.id AND i.scheme = '{IRI}'"
        f" WHERE {database.among('n.key')}"
    )
    maybe = {*terms, *_keys(connection, by_iri, database.listed(terms))}
    counting = _counting(connection, database, at, maybe)
    stands_for = {record: term for record, term in named(connection, database, counting).items() if term in set(terms)}
    became = {counting[record] for record in stands_for} - {None}
    links = (
        "SELECT l.record, l.target, n.id FROM link l JOIN node n ON n.key = l.target"
        f" WHERE l.field = '{BROADER}' AND {database.among('l.record')}"
    )
    edges = connection.exec_driver_sql(links, (database.listed(stands_for),)).fetchall()
    ends = _counting(connection, database, at, {*(target for _, target, _ in edges), *(key for key in became if key)})
    names = named(connection, database, ends)
    made: dict[int, set[int]] = {}
    for record, term in stands_for.items():
        into = counting[record]
        if into is not None and into in ends:
            made.setdefault(term, set()).add(names[into])
    for record, target, id in edges:
        if counting[record] is not None and counting[record] in ends:
            continue  # what it says is said by what it became
        if ":" in id:  # an IRI; ids of ours hold no colon
            made.setdefault(stands_for[record], set()).add(int(target))
        elif target in ends:
            made.setdefault(stands_for[record], set()).add(names[target])
    for term, several in made.items():
        several.discard(term)
    return made


def _closure_of(connection: Connection, database: Database, terms: Collection[int]) -> Iterator[tuple[int, int, int]]:
    statement = f"SELECT descendant, ancestor, depth FROM term_closure WHERE {database.among('descendant')}"
    for term, above, depth in connection.exec_driver_sql(statement, (database.listed(terms),)):
        yield int(term), int(above), int(depth)


def _keys(connection: Connection, statement: str, listed: object) -> set[int]:
    return {int(key) for (key,) in connection.exec_driver_sql(statement, (listed,))}


def _grouped(rows: Iterable[Sequence[Any]]) -> dict[Any, tuple[str, ...]]:
    made: dict[Any, list[str]] = {}
    for key, value in rows:
        made.setdefault(key, []).append(value)
    return {key: tuple(several) for key, several in made.items()}
