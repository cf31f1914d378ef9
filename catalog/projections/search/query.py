"""Questions become tantivy's queries: what was typed, and the conditions that the documents can answer by themselves.

A query is put together from values, never written as text. What the documents cannot answer is `Beyond`: somebody else
has to say which records it holds for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson
import tantivy
from tantivy import FieldType, Occur, Query

from catalog.projections.search.analysis import bare, compound, normal, tokens
from catalog.projections.search.document import BECAME_OPEN, LIES_OPEN, MERGED, SEP, Columns, micros, name_term, term
from catalog.projections.search.index import (
    EVERYWHERE,
    AllOf,
    Among,
    AnyOf,
    AttributeIs,
    Held,
    Keys,
    Meant,
    Measures,
    NotHeld,
    Open,
    Outside,
    Room,
)
from catalog.projections.search.words import LONGEST_SPAN, STOP, Clause, Said, span
from catalog.questions.question import (
    Attributed,
    Compare,
    Dated,
    Exists,
    Identified,
    InScope,
    Linked,
    Measured,
    Missing,
    OfRecord,
    Scalar,
    Termed,
)

EVERYTHING: Final = Query.all_query()
NOTHING: Final = Query.empty_query()
# How much it says where something is found. An identifier outweighs any number of words.
EXACT_NAME, BEGINNING_OF_NAME, PART_OF_NAME = 10_000.0, 30.0, 8.0
TITLE, TEXT, LABELS = 4.0, 1.0, 0.5
OF_TERM, OTHER_LABEL = 2.0, 0.8
# A name of several words is looked for as a phrase, which costs up to 0.2 s where its words are in every other of a million
# records: a word that names many terms must not cost that for each of their names.
MOST_LABELS: Final = 8
MOST_RUNS: Final = 8
MOST_ALONE: Final = 32
SHORTEST_NAME: Final = 3
NEAR: Final = 2  # words that may stand between those of a title


Where = Literal["field", "condition", "attribute"]
# Some of the values of a field.
Narrow = Callable[[str, Collection[Any]], Collection[Any]]


class Beyond(Exception):
    """The documents do not hold what it would take to answer this."""


def every(parts: Iterable[Query]) -> Query:
    """All of these, without any weight."""
    told = [(Occur.Must, part) for part in parts]
    return told[0][1] if len(told) == 1 else Query.boolean_query(told) if told else EVERYTHING


def some(parts: Iterable[Query]) -> Query:
    """At least one of these."""
    told = [(Occur.Should, part) for part in parts]
    return told[0][1] if len(told) == 1 else Query.boolean_query(told) if told else NOTHING


def without(part: Query, *others: Query) -> Query:
    """The first, and none of the others."""
    return Query.boolean_query([(Occur.Must, part), *((Occur.MustNot, other) for other in others)])


def unweighed(query: Query) -> Query:
    """A query that chooses and does not rank."""
    return Query.const_score_query(query, 0.0)


def one_of(schema: tantivy.Schema, name: str, values: Collection[Any]) -> Query:
    """Documents that have one of these terms."""
    if not values:
        return NOTHING
    if len(values) == 1:
        (value,) = values
        return Query.term_query(schema, name, value, "basic")
    return Query.term_set_query(schema, name, list(values))


def keys_in(schema: tantivy.Schema, name: str, keys: Collection[int]) -> Query:
    """Documents whose number is one of these: as ranges where they lie beside each other, as they mostly do."""
    if not keys:
        return NOTHING
    runs: list[list[int]] = []
    for key in sorted(keys):
        if runs and key == runs[-1][1] + 1:
            runs[-1][1] = key
        else:
            runs.append([key, key])
    if len(runs) <= MOST_RUNS < len(keys):
        return some(Query.range_query(schema, name, FieldType.Unsigned, low, high) for low, high in runs)
    if len(keys) <= MOST_ALONE:
        # Quicker than a set while they are few: no automaton and no set of documents is made for each segment.
        return some(Query.term_query(schema, name, key, "basic") for key in keys)
    return one_of(schema, name, keys)


# ---------------------------------------------------------------------------------------------------- who may see


def as_they_are(_: str, values: Collection[Any]) -> Collection[Any]:
    """All of the values."""
    return values


def seen_in(schema: tantivy.Schema, room: Room, *, merged: bool, among: Narrow = as_they_are) -> Query | None:
    """What a reader of this room sees, without any weight; None is everything. `merged`: some documents are of merged records.

    `among` may leave out values that no document has.
    """
    seen = None if room == EVERYWHERE else _lies(schema, room, "scope", "within", LIES_OPEN, among)
    if merged:
        # What was merged away is not shown beside what it became, except to those who may not see the latter.
        became = Query.term_query(schema, "has", MERGED, "basic")
        if room != EVERYWHERE:
            became = every([became, _lies(schema, room, "merged", "merged_within", BECAME_OPEN, among)])
        seen = without(EVERYTHING if seen is None else seen, became)
    return None if seen is None else unweighed(seen)


def _lies(schema: tantivy.Schema, room: Room, scope: str, within: str, mark: str, among: Narrow) -> Query:
    match room:
        case Among(scopes, below):
            return some(_told(schema, scope, scopes, within, below))
        case Outside(scopes, below):
            hidden = _told(schema, scope, among(scope, scopes), within, among(within, below))
            return without(EVERYTHING, *hidden)
        case Open(but, scopes, below):
            marked = Query.term_query(schema, "has", mark, "basic")
            if but:
                marked = without(marked, one_of(schema, within, but))
            return some([marked, *_told(schema, scope, scopes, within, below)])


def _told(
    schema: tantivy.Schema, scope: str, scopes: Collection[int], within: str, below: Collection[str]
) -> list[Query]:
    found = [keys_in(schema, scope, scopes)] if scopes else []
    return [*found, one_of(schema, within, below)] if below else found


# ---------------------------------------------------------------------------------------------------- words


@dataclass(frozen=True, slots=True)
class Words:
    """Makes queries of what was typed. Without `labels` the titles of what records link to are not looked at.

    What is not `ranked` costs less: it finds the same.
    """

    schema: tantivy.Schema
    labels: bool = True
    ranked: bool = True

    def query(self, clauses: Sequence[Clause], meant: Mapping[str, Meant]) -> Query:
        """The documents in which everything is found that was typed; `meant` by spans of it, as `spans` gives them."""
        wanted = list(dict.fromkeys(clause for clause in clauses if not clause.excluded))
        refused = [self._either(_strictly(clause)) for clause in clauses if clause.excluded]
        optional = {
            clause
            for clause in wanted
            if len(clause.ways) == 1 and not clause.ways[0].phrase and clause.ways[0].plain in STOP
        }
        if len(optional) == len(wanted):
            optional = set()
        parts: list[tuple[Occur, Query]] = []
        place = 0
        while place < len(wanted):
            width, found = self._span(wanted, place, meant)
            own = [(clause, self._either(clause)) for clause in wanted[place : place + width]]
            if found is None and (one := _compound(wanted[place : place + 2])) is not None:
                width = 2
                apart = every(self._either(clause) for clause in wanted[place : place + width])
                parts.append((Occur.Must, some([apart, self._said(one)])))
            elif found is None:
                clause, query = own[0]
                if clause not in optional:
                    parts.append((Occur.Must, query))
                elif self.ranked:
                    parts.append((Occur.Should, query))
            else:
                ways = [every(query for _, query in own), *self._as_meant(found)]
                parts.append((Occur.Must, some(ways)))
            place += width
        if self.ranked and (close := self._close_together(wanted)) is not None:
            parts.append((Occur.Should, close))
        parts += [(Occur.MustNot, query) for query in refused]
        if not wanted:
            parts.append((Occur.Must, EVERYTHING if clauses else NOTHING))
        return Query.boolean_query(parts)

    def _close_together(self, wanted: Sequence[Clause]) -> Query | None:
        """Titles in which the words stand near each other, in their order: they come before others."""
        said = [clause.ways[0] for clause in wanted if len(clause.ways) == 1 and not clause.ways[0].prefix]
        words: list[str | tuple[int, str]] = [word for each in said for word in tokens(each.text)[0]]
        if not 1 <= len(said) == len(wanted) <= LONGEST_SPAN or not 2 <= len(words) <= 2 * LONGEST_SPAN:
            return None
        if len(said) == 1 and not _is_joined(said[0]):
            return None  # it is asked for as a phrase already
        return Query.boost_query(Query.phrase_query(self.schema, "title", words, NEAR), TITLE)

    def _span(self, wanted: Sequence[Clause], place: int, meant: Mapping[str, Meant]) -> tuple[int, Meant | None]:
        """The longest run of words from here that is the name of a term."""
        for width in range(min(LONGEST_SPAN, len(wanted) - place), 0, -1):
            found = meant.get(span(wanted[place : place + width]) or "")
            if found is not None:
                return width, found
        return 1, None

    def _as_meant(self, meant: Meant) -> list[Query]:
        ways = [Query.const_score_query(one_of(self.schema, "terms", meant.terms), OF_TERM)] if meant.terms else []
        for label in meant.labels[:MOST_LABELS]:
            found = [
                query
                for name in ("title", "text")
                if (query := self._in_field(name, Said(label, phrase=True))) is not None
            ]
            if found:
                ways.append(Query.boost_query(some(found), OTHER_LABEL))
        return ways

    def _either(self, clause: Clause) -> Query:
        return some(self._said(said) for said in clause.ways)

    def _said(self, said: Said) -> Query:
        ways: list[Query] = []
        for name, weight in (("title", TITLE), ("text", TEXT), ("labels", LABELS)):
            if name == "labels" and not self.labels:
                continue
            query = self._in_field(name, said)
            if query is not None:
                ways.append(Query.boost_query(query, weight))
        ways.extend(self._as_name(said))
        return some(ways)

    def _in_field(self, name: str, said: Said) -> Query | None:
        words, beginning = tokens(said.text)
        schema = self.schema
        if not words:
            return None
        if said.prefix and not beginning:
            # The word as it begins, and as it is stemmed: `sequencing*` finds what stands as `sequenc`.
            typed = normal(said.text).casefold().split()[-1:]
            if len(words) == 1:
                ways = [_beginning(schema, name, words[0])]
                if typed and typed[0] != words[0] and typed[0].isalnum():
                    ways = [_beginning(schema, name, typed[0]), Query.term_query(schema, name, words[0])]
                return some(ways)
            return Query.phrase_prefix_query(schema, name, list(words))
        if len(words) == 1:
            return _beginning(schema, name, words[0]) if beginning else Query.term_query(schema, name, words[0])
        if beginning:
            return Query.phrase_prefix_query(schema, name, list(words))
        if _is_joined(said):
            apart = every(Query.term_query(schema, name, word) for word in words)
        else:
            apart = Query.phrase_query(schema, name, list(words))
        joined = compound(said.text)
        return apart if joined is None else some([apart, Query.term_query(schema, name, joined)])

    def _as_name(self, said: Said) -> list[Query]:
        """As an identifier: whole, the beginning of one, or a part."""
        schema = self.schema
        plain = said.plain
        forms = list(dict.fromkeys((plain, bare(said.text), plain.partition(":")[2] or plain)))
        ways = [
            Query.const_score_query(one_of(schema, "names", [name_term(form) for form in forms]), EXACT_NAME),
        ]
        # A word without any digit may begin every identifier of a source: it has to be followed by a star.
        if len(plain) >= SHORTEST_NAME and " " not in plain and (said.prefix or any(map(str.isdigit, plain))):
            shortest = forms[1] if len(forms) > 1 else plain
            ways.append(Query.const_score_query(_beginning(schema, "names", shortest), BEGINNING_OF_NAME))
            ways.append(Query.const_score_query(_beginning(schema, "parts", plain), PART_OF_NAME))
        source, stroke, local = plain.partition("/")
        if stroke and local and " " not in plain:
            # An id without its kind, as a path or a mail tells it: spring8/s-001.
            of_source = Query.term_query(schema, "source", source, "basic")
            for query, weight in (
                (Query.term_query(schema, "names", name_term(local), "basic"), EXACT_NAME),
                (_beginning(schema, "names", local), BEGINNING_OF_NAME),
            ):
                ways.append(Query.const_score_query(every([of_source, query]), weight))
        return ways


def _compound(clauses: Sequence[Clause]) -> Said | None:
    """A letter and the word behind it (X ray) as the one word that others write."""
    said = [way for clause in clauses for way in clause.ways]
    if len(said) != 2 or len(clauses) != 2 or any(each.phrase or each.prefix for each in said):
        return None
    joined = compound(" ".join(each.text for each in said))
    return None if joined is None else Said(joined)


def _is_joined(said: Said) -> bool:
    """Whether it is words that a hyphen, a stroke or a dot joins (x-ray): all of them are looked for, wherever they stand.

    As a phrase, which it is between quotes, it would cost seven times as much.
    """
    return not said.phrase and normal(said.text).isascii()


def _strictly(clause: Clause) -> Clause:
    """Words that are joined as a phrase: who excludes `x-ray` does not mean a ray somewhere and an x elsewhere."""
    return replace(clause, ways=tuple(replace(said, phrase=True) for said in clause.ways))


def beginnings(schema: tantivy.Schema, name: str, text: str) -> Query:
    """The first fifty terms of each segment that begin with a text, however many there are."""
    return Query.const_score_query(Query.phrase_prefix_query(schema, name, [text]), 1.0)


def _beginning(schema: tantivy.Schema, name: str, text: str) -> Query:
    """Terms that begin with a text: an automaton of no distance, whose beginnings count."""
    return Query.const_score_query(Query.fuzzy_term_query(schema, name, text[:100], 0, True, True), 1.0)


# ---------------------------------------------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Conditions:
    """Makes queries of conditions; Beyond where the documents can't answer one."""

    schema: tantivy.Schema
    searcher: tantivy.Searcher
    columns: Columns

    def query(self, asked: Held) -> Query:
        """The documents for which this holds."""
        match asked:
            case AllOf(parts):
                return every(map(self.query, parts))
            case AnyOf(parts):
                return some(map(self.query, parts))
            case NotHeld(part):
                return without(EVERYTHING, self.query(part))
            case Keys(keys):
                return keys_in(self.schema, "key", keys)
            case AttributeIs(name, terms):
                self._flagged("attributes")
                return one_of(self.schema, "attributes", [term("term", name, iri) for iri in terms])
            case Compare():
                return self._compare(asked)
            case Exists(name):
                return self._has(name)
            case Dated():
                return self._dated(asked)
            case Missing(name, reason):
                self._column(name, self.columns.dates)
                if reason is None:
                    return self._has(f"missing{SEP}{name}")
                return self._term("values", f"{name}{SEP}missing{SEP}{reason}")
            case OfRecord():
                return self._of_record(asked)
            case InScope(scope, below):
                return self._term("within" if below else "lies", scope)
            case Linked():
                return self._linked(asked)
            case Measured():
                return self._measured(asked)
            case Termed(name, terms):
                front = [] if name is None else [name]
                return one_of(self.schema, "terms", [term(*front, iri) for iri in terms])
            case Attributed():
                return self._attributed(asked)
            case Identified(value, scheme):
                return self._term("named", term("is", value) if scheme is None else term("of", scheme, value))

    def _term(self, name: str, value: Any) -> Query:
        return Query.term_query(self.schema, name, value, "basic")

    def _has(self, marker: str) -> Query:
        return self._term("has", marker)

    def _flagged(self, what: str) -> None:
        """Beyond where some document holds less than its record."""
        if self.searcher.doc_freq("has", f"more{SEP}{what}"):
            raise Beyond

    def _column(self, name: str, known: Sequence[str]) -> None:
        # An index that was made for other kinds still answers while the next one is built.
        if name not in known:
            raise Beyond

    def _compare(self, asked: Compare) -> Query:
        name, operator, value = asked.field, asked.operator, asked.value
        several = value if isinstance(value, tuple) else (value,)
        # A value is of the sort of its field, which may have another one in another kind.
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in several):
            self._column(name, self.columns.numbers)
            return self._number(f"n_{name}", operator, value)
        if name in self.columns.scalars:
            if operator in ("eq", "in"):
                return one_of(self.schema, "values", [term(name, _as_text(each)) for each in several])
            if operator == "ne" and not isinstance(value, tuple):
                return without(self._has(name), self._term("values", term(name, _as_text(value))))
        raise Beyond

    def _number(self, column: str, operator: str, value: Scalar | tuple[Scalar, ...]) -> Query:
        if isinstance(value, tuple):
            return some(self._number(column, "eq", each) for each in value)
        if isinstance(value, str):
            raise Beyond
        number = float(value)
        match operator:
            case "eq":
                return self._between(column, number, number)
            case "ne":
                return without(Query.exists_query(column), self._between(column, number, number))
            case "lt" | "le":
                return self._between(column, None, number, above=operator == "le")
            case "gt" | "ge":
                return self._between(column, number, None, below=operator == "ge")
        raise Beyond

    def _between(
        self, column: str, low: float | None, high: float | None, *, below: bool = True, above: bool = True
    ) -> Query:
        """Numbers between two bounds, which belong to it where `below` and `above` say so."""
        return Query.range_query(
            self.schema, column, FieldType.Float, low, high, below or low is None, above or high is None
        )

    def _times(
        self, column: str, low: int | None, high: int | None, *, below: bool = True, above: bool = True
    ) -> Query:
        return Query.range_query(
            self.schema, column, FieldType.Integer, low, high, below or low is None, above or high is None
        )

    def _dated(self, asked: Dated) -> Query:
        name = asked.field
        self._column(name, self.columns.dates)
        begins, ends = f"d_{name}_from", f"d_{name}_until"
        start, end = _moment(asked.start), _moment(asked.end)
        match asked.relation:
            case "overlaps":
                parts = []
                if end is not None:
                    parts.append(self._times(begins, None, end, above=False))
                if start is not None:
                    parts.append(self._times(ends, start, None, below=False))
                return every(parts) if parts else Query.exists_query(begins)
            case "before" if start is not None:
                return self._times(ends, None, start)
            case "after" if end is not None:
                return self._times(begins, end, None)
        raise Beyond

    def _of_record(self, asked: OfRecord) -> Query:
        name, operator, value = asked.attribute, asked.operator, asked.value
        several = value if isinstance(value, tuple) else (value,)
        if name in ("created", "modified"):
            if len(several) != 1 or not isinstance(value, str):
                raise Beyond
            moment = _moment(value)
            match operator:
                case "eq" | "in":
                    return self._times(name, moment, moment)
                case "lt" | "le":
                    return self._times(name, None, moment, above=operator == "le")
                case "gt" | "ge":
                    return self._times(name, moment, None, below=operator == "ge")
            raise Beyond
        if operator not in ("eq", "in"):
            raise Beyond
        texts = [str(each) for each in several]
        if name == "localId":
            return one_of(self.schema, "values", [term("localId", text) for text in texts])
        if name == "formats":
            self._column(name, self.columns.scalars)
            return one_of(self.schema, "values", [term(name, text) for text in texts])
        if any(len(text.encode()) > 60_000 for text in texts):
            return NOTHING
        return one_of(self.schema, name, texts)

    def _linked(self, asked: Linked) -> Query:
        if asked.direction == "in" or asked.where is not None or asked.port is not None or asked.field is None:
            raise Beyond
        if not asked.targets or asked.kinds:
            raise Beyond
        self._flagged("links")
        front = ("to", asked.field)
        if asked.role is not None:
            front = ("as", asked.field, "musubi:role-" + quote(asked.role, safe=""))  # type: ignore[assignment]
        return one_of(self.schema, "links", [term(*front, id) for id in asked.targets])

    def _measured(self, asked: Measured) -> Query:
        self._flagged("quantities")
        ways = []
        places: Sequence[Where] = ("condition", "attribute") if asked.place == "anywhere" else (asked.place,)
        for measured in self.measures(asked.name, places):
            if asked.quantity_kinds:
                if measured.kind is None:
                    raise Beyond  # a unit that this installation knows and the index does not
                if measured.kind not in asked.quantity_kinds:
                    continue
            low, high = columns_of_measures(measured)
            parts = [self._term("measures", term_of_measures(measured))]
            if asked.high is not None:
                parts.append(self._between(low, None, asked.high))
            if asked.low is not None:
                parts.append(self._between(high, asked.low, None))
            ways.append(every(parts))
        return some(ways)

    def measures(self, name: str, places: Sequence[Where], among: Query | None = None) -> list[Measures]:
        """The columns in which quantities of this name stand, in any document or `among` some of them."""
        made = []
        for place in places:
            front = f"{place}{SEP}{name}{SEP}"
            for found, count in self.searcher.terms_with_prefix("measures", front, among):
                if not count:
                    continue
                kind, _, column = found[len(front) :].partition(SEP)
                made.append(Measures(place, name, None if kind == "?" else kind, int(column), count))
        return made

    def _attributed(self, asked: Attributed) -> Query:
        self._flagged("attributes")
        name = asked.name
        if asked.term is not None:
            raise Beyond
        match asked.operator:
            case "exists":
                return self._term("attributes", term("exists", name))
            case "eq" | "in":
                several = asked.value if isinstance(asked.value, tuple) else (asked.value or "",)
                return one_of(self.schema, "attributes", [term("is", name, value) for value in several])
        raise Beyond


def term_of_measures(measures: Measures) -> str:
    """What a document has that holds such a quantity in this column."""
    kind = "?" if measures.kind is None else measures.kind
    return SEP.join((measures.place, measures.name, kind, str(measures.column)))


def columns_of_measures(measures: Measures) -> tuple[str, str]:
    """The columns of its two ends."""
    return f"q{measures.column}_low", f"q{measures.column}_high"


def _as_text(value: Scalar) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return micros(text)
    except (ValueError, IndexError) as cause:
        raise Beyond from cause
