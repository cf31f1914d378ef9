"""A telling becomes one SQL statement whose columns are JSON texts, one for each of what is asked.

The statement is flat, whatever the depth: breadth first, the rows of each list of links stand as a table at its top, a
page for each record above; then the texts, from the deepest list upwards. (Nested in each other, three lists and a
reader's grants are more than SQLite's parser has room for.) A list with no list below it is told where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from catalog.ledger.cut import cut_item
from catalog.ledger.statement import Maker, Plan, _At, _literal, _mirror
from catalog.questions.check import other_end
from catalog.questions.question import BOUNDED_COUNT, Count, Question
from catalog.questions.telling import (
    Asked,
    ById,
    ByIds,
    Constant,
    Cursor,
    Document,
    Drawn,
    EdgeList,
    EdgeMember,
    Edges,
    LinkTold,
    Listing,
    Mirrored,
    Node,
    Nodes,
    OfKind,
    PageInfo,
    PageMember,
    Telling,
    Together,
    Told,
    Total,
    TotalIsExact,
    Way,
)
from catalog.questions.vocabulary import Field, Vocabulary
from catalog.records.identifiers import decode_local
from catalog.records.standing import scope_path

# Given the document, or the documents by name, and the record's kind; for a cursor `[[values of the order], id]` and "".
# One that is `Together` is given those of all records in a text before it writes.
Filler = Callable[[Any, str], str]

# Control characters cannot occur in JSON text. A mark has the number of what is drawn there, and what it is drawn from; one
# without a number is a local id, as it is kept.
_BEGIN, _MIDDLE, _END = "\x01", "\x02", "\x03"


# So many members of a body are taken out of it by the database (1 µs each), rather than handed over with the rest of it and
# read again (5 µs).
_FEW_MEMBERS: Final = 6


@dataclass(frozen=True, slots=True)
class Draw:
    """What is written where a text is marked: a cursor, or members of a record, told of documents.

    The first mark in a record has the documents that all of its marks need; the others find them by its number.
    """

    filler: int
    drawn: Drawn | None = None  # None: a cursor
    first: int = 0
    kind: str | None = None  # where only this one may stand


def filled(text: str, draws: Sequence[Draw], fillers: Sequence[Filler], vocabulary: Vocabulary) -> str:
    """The text, with what stands marked in it written by its filler."""
    if _BEGIN not in text:
        return text
    before, *marked = text.split(_BEGIN)
    made = [before]
    held: dict[int, dict[str, Any]] = {}
    later: dict[int, list[tuple[int, tuple[Any, str]]]] = {}  # by filler: the place of each text, and what it is of
    for part in marked:
        mark, _, behind = part.partition(_END)
        number, _, payload = mark.partition(_MIDDLE)
        if not number:
            made += (orjson.dumps(decode_local(orjson.loads(payload))).decode(), behind)
            continue
        draw = draws[int(number)]
        drawn = draw.drawn
        if drawn is None:
            made += (fillers[draw.filler](orjson.loads(payload), ""), behind)
            continue
        if payload:
            held[draw.first] = _given(payload, draw, vocabulary)
        given = held[draw.first]
        filler = fillers[draw.filler]
        if isinstance(filler, Together):
            later.setdefault(draw.filler, []).append((len(made), (_documents(drawn, given), given["kind"])))
            made += ("", behind)
        else:
            made += (filler(_documents(drawn, given), given["kind"]), behind)
    for filler_number, places in later.items():
        together = fillers[filler_number]
        assert isinstance(together, Together)
        for (place, _), text in zip(places, together.write([told for _, told in places]), strict=True):
            made[place] = text
    return "".join(made)


def _given(payload: str, draw: Draw, vocabulary: Vocabulary) -> dict[str, Any]:
    """The documents of a record, as its reader may see them."""
    given: dict[str, Any] = orjson.loads(payload)
    if draw.kind is not None:
        given["kind"] = draw.kind
    if '"!' in payload:
        cut_item(given, vocabulary)
    if "scope" in given:
        given["scope"]["path"] = scope_path(given["scope"]["id"])
    return given


def _documents(drawn: Drawn, given: Mapping[str, Any]) -> Any:
    """What a filler is given: of a body only what it asked for, since what must be cut was not looked for in the rest."""
    body = given.get("body")
    if drawn.fields and body is not None:
        body = {name: body[name] for name in drawn.fields if name in body}
    if len(drawn.documents) == 1:
        (document,) = drawn.documents
        return body if document == "body" else given[document]
    return {name: body if name == "body" else given[name] for name in drawn.documents}


class _Text:
    """A text that is put together of what is the same for every row and what is not."""

    # An expression may be a thousand operators deep, and each `||` of a row of them is one deeper.
    _TOGETHER = 60

    def __init__(self, literal: Callable[[str], str]) -> None:
        self._literal = literal
        self._parts: list[tuple[str, bool]] = []

    def same(self, text: str) -> None:
        if self._parts and self._parts[-1][1]:
            text = self._parts.pop()[0] + text
        self._parts.append((text, True))

    def each(self, expression: str) -> None:
        self._parts.append((expression, False))

    def made(self) -> str:
        parts = [self._literal(text) if same else text for text, same in self._parts]
        while len(parts) > self._TOGETHER:
            slices = (parts[at : at + self._TOGETHER] for at in range(0, len(parts), self._TOGETHER))
            parts = [f"({' || '.join(one)})" for one in slices]
        return " || ".join(parts)


@dataclass
class _Row:
    """A row while its text is made: what the text turns out to need is joined to it, or kept of the link."""

    at: _At
    maybe: bool = False  # there may be no record of ours
    link: bool = False
    uses: set[str] = field(default_factory=set)
    of_link: list[str] = field(default_factory=list)  # columns
    lists: list[str] = field(default_factory=list)  # tables of what was gathered for each record
    id: str | None = None  # where its id stands already
    by_known: str = "FALSE"  # that the reader may be told of any link here who asserted it

    @property
    def alias(self) -> str:
        return f"q{self.at.number}"

    @property
    def key(self) -> str:
        return f"{self.alias}.key"


@dataclass(frozen=True)
class _Page:
    """How a page is told."""

    first: str
    behind: bool  # something lies before it
    cut: bool  # its rows are one more than is told
    count: Count
    values: Sequence[str]  # of the order, of a row, as JSON
    place: str  # what tells apart what has the same values


@dataclass
class _Gathered:
    """What a page's text needs: columns of its rows, and expressions over these, each with what it is without rows."""

    inline: bool = False  # the expressions stand where the rows are, which need no columns then
    columns: list[str] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)

    def column(self, expression: str) -> str:
        if self.inline:
            return expression
        self.columns.append(f"{expression} AS t{len(self.columns)}")
        return f"x.t{len(self.columns) - 1}"

    def piece(self, expression: str, empty: str) -> int:
        self.pieces.append((expression, empty))
        return len(self.pieces) - 1


# A part of a page's text: what is the same, a piece that is gathered, or one that the total says.
_Part = str | int | Total | TotalIsExact


class Teller:
    """Makes one statement from the shapes of what is asked."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._sql = maker.sql
        self._tables: dict[str, str] = {}
        self._stored: set[str] = set()  # those that are read more than once
        self._draws: list[Draw] = []

    def whole(self, asked: Sequence[Asked]) -> Plan:
        columns = [f"{self._root(one)} AS c{number}" for number, one in enumerate(asked)]
        tables = [
            f"{name} AS {'MATERIALIZED ' if name in self._stored else ''}({rows})"
            for name, rows in self._tables.items()
        ]
        begin = self._maker._with({}) or "WITH"
        statement = f"{begin}{', ' if begin != 'WITH' else ' '}{', '.join(tables)} SELECT {', '.join(columns)}"
        return Plan(statement, tuple(self._draws))

    # --- what is asked

    def _root(self, asked: Asked) -> str:
        match asked:
            case Listing():
                return self._listing(asked)
            case ById():
                return self._by_id(asked)
            case ByIds():
                return self._by_ids(asked)

    def _listing(self, asked: Listing) -> str:
        question = Question(
            asked.kinds, asked.where, asked.statuses, asked.order, asked.first, asked.after, count=asked.count
        )
        listed, order, page, counted = self._maker.page(question)
        found = self._table(page, stored=False)
        name = self._table(f"SELECT row_number() OVER () - 1 AS place, listed.* FROM {found} AS listed")
        row = _Row(self._maker._next(listed.kinds))
        row.id = f"{row.alias}.id"
        first = self._value(asked.first)
        values = [self._sql.exactly(f"{row.alias}.o{number}") for number in range(len(order))]
        told = _Page(first, asked.after is not None, True, asked.count, values, f"{row.alias}.id")
        gathered = _Gathered()
        parts = self._parts(asked.page, row, told, gathered, f"SELECT key FROM {name} WHERE place < {first}")
        columns = ", ".join([f"{row.alias}.place AS place", *gathered.columns])
        rows = f"SELECT {columns} FROM {name} {row.alias}{self._joins(row)}"
        if self._sql.joins_freely:
            rows += f" ORDER BY {row.alias}.place"
        texts = self._table(rows, stored=False)
        if counted is None or asked.count == "none":
            pieces = [expression for expression, _ in gathered.pieces]
            text = self._written(parts, told, pieces, "")
            return f"(SELECT {text} FROM {texts} AS x)" if pieces else text
        total = self._table(f"SELECT count(*) AS number FROM ({counted}) AS c", stored=False)
        pieces = [f"page.p{at}" for at in range(len(gathered.pieces))]
        found = ", ".join(f"{expression} AS p{at}" for at, (expression, _) in enumerate(gathered.pieces)) or "1 AS one"
        page_ = f"(SELECT {found} FROM {texts} AS x{'' if gathered.pieces else ' LIMIT 0'})"
        return f"(SELECT {self._written(parts, told, pieces, 'total.number')} FROM {total} AS total LEFT JOIN {page_} AS page ON TRUE)"

    def _by_id(self, asked: ById) -> str:
        at = self._maker._next(asked.kinds)
        found = f"{self._maker._of_id(asked.id, at)} AND {self._seen(at)}"
        name = self._table(f"SELECT {at.record}.key AS key FROM {self._maker._from(at)} WHERE {found}")
        row = _Row(self._maker._next(asked.kinds))
        text = self._record(asked.telling, row, f"SELECT key FROM {name}")
        return f"coalesce((SELECT {text} FROM {name} {row.alias}{self._joins(row)}), 'null')"

    def _by_ids(self, asked: ByIds) -> str:
        at = self._maker._next(asked.kinds)
        ids = self._sql.placed(self._value(asked.ids))
        # As in `_of_id`: of an id that is none the newest record is looked at, and then not told.
        own = "SELECT kr.key FROM node kn JOIN record kr ON kr.key = kn.key WHERE kn.id = asked.value"
        name = self._table(
            f"SELECT asked.place AS place, {at.record}.key AS key FROM {ids} AS asked {self._sql.then()} record {at.record}"
            f" ON {at.record}.key = coalesce(({own}), (SELECT max(key) FROM record))"
            f" JOIN node {at.node} ON {at.node}.key = {at.record}.key JOIN scope {at.scope} ON {at.scope}.key = {at.record}.scope"
            f" WHERE substr({at.scope}.id, 1, 0) || {at.node}.id = asked.value AND {self._seen(at)}"
        )
        row = _Row(self._maker._next(asked.kinds))
        text = self._record(asked.telling, row, f"SELECT DISTINCT key FROM {name}")
        told = self._table(
            f"SELECT {row.alias}.place AS place, {text} AS told FROM {name} {row.alias}{self._joins(row)}"
        )
        glued = self._sql.glue("coalesce(x.told, 'null')", "x.place")
        return (
            f"(SELECT '[' || coalesce({glued}, '') || ']' FROM (SELECT asked.place AS place, t.told AS told FROM {ids} AS asked"
            f" LEFT JOIN {told} t ON t.place = asked.place ORDER BY asked.place) AS x)"
        )

    def _seen(self, at: _At) -> str:
        """What is told of a record by its id."""
        held = [self._maker._by_id(at), f"{at.record}.status <> 'withdrawn'", self._maker._unmerged(at)]
        return " AND ".join([*held, *self._maker._of_kinds(at)])

    # --- pages

    def _parts(
        self, members: Sequence[PageMember], row: _Row, page: _Page, gathered: _Gathered, below: str
    ) -> list[_Part]:
        """The parts of a page's text; `below` finds the keys of the records that are told."""
        place: str | None = None
        parts: list[_Part] = []
        for number, member in enumerate(members):
            parts.append("," if number else "{")
            match member:
                case Constant(key, text):
                    parts.append(f"{_key(key)}{text}")
                case Nodes(key, telling):
                    text = self._node(telling, row, below, absent="NULL")
                    parts += [f"{_key(key)}[", gathered.piece(self._glued(gathered.column(text), page), ""), "]"]
                case EdgeList(key, edges):
                    text = self._edge(edges, row, page, below)
                    parts += [f"{_key(key)}[", gathered.piece(self._glued(gathered.column(text), page), ""), "]"]
                case PageInfo(key, infos, filler):
                    parts.append(f"{_key(key)}{{")
                    for at, (name, what) in enumerate(infos):
                        parts.append(f"{',' if at else ''}{_key(name)}")
                        match what:
                            case "__typename":
                                parts.append('"PageInfo"')
                            case "hasPreviousPage":
                                parts.append("true" if page.behind else "false")
                            case "hasNextPage":
                                more = f"CASE WHEN count(*) > {page.first} THEN 'true' ELSE 'false' END"
                                parts.append(gathered.piece(more, "false"))
                            case "startCursor" | "endCursor":
                                place = place or gathered.column(self._cursor(row, page, filler))
                                parts.append(gathered.piece(self._end(place, what, page), "null"))
                    parts.append("}")
                case Total(key) | TotalIsExact(key):
                    parts += [_key(key), member]
        parts.append("}")
        return parts

    def _glued(self, column: str, page: _Page) -> str:
        told = f"CASE WHEN x.place < {page.first} THEN {column} END" if page.cut else column
        return f"coalesce({self._sql.glue(told, 'x.place')}, '')"

    def _end(self, place: str, which: str, page: _Page) -> str:
        """The cursor of the first row, or of the last that is told; null without rows."""
        # The least or greatest of texts that begin with where the row stands.
        far = "min" if which == "startCursor" else "max"
        told = f"substr('0000000' || x.place, length('' || x.place) + 1) || {place}"
        if page.cut:
            told = f"CASE WHEN x.place < {page.first} THEN {told} END"
        return f"coalesce(substr({far}({self._sql.bytewise(f'({told})')}), 8), 'null')"

    def _written(self, parts: Sequence[_Part], page: _Page, pieces: Sequence[str], total: str) -> str:
        text = _Text(self._sql.literal)
        bounded = page.count == "bounded"
        over = f"{total} > {BOUNDED_COUNT}"
        for part in parts:
            match part:
                case str():
                    text.same(part)
                case int():
                    text.each(pieces[part])
                case Total():
                    text.each(f"CASE WHEN {over} THEN {BOUNDED_COUNT} ELSE {total} END" if bounded else total)
                case TotalIsExact():
                    text.each(f"CASE WHEN {over} THEN 'false' ELSE 'true' END" if bounded else "'true'")
        return text.made()

    def _edge(self, members: Sequence[EdgeMember], row: _Row, page: _Page, below: str) -> str:
        text = _Text(self._sql.literal)
        for number, member in enumerate(members):
            text.same(f"{',' if number else '{'}{_key(member.key)}")
            match member:
                case Constant(_, same):
                    text.same(same)
                case LinkTold(_, of):
                    text.each(self._of_link(of, row))
                case Cursor(_, filler):
                    text.each(self._cursor(row, page, filler))
                case Node(_, telling):
                    text.each(f"({self._node(telling, row, below, absent=self._sql.literal('null'))})")
        text.same("}")
        return text.made()

    def _of_link(self, of: str, row: _Row) -> str:
        if of == "to":
            return self._sql.quote(self._id(row))
        value = self._kept_of_link(of, row)
        if of == "by":
            named = f"{row.by_known} OR {self._maker._may_name(row.alias)}"
            return f"CASE WHEN {value} IS NOT NULL AND ({named}) THEN {self._sql.quote(value)} ELSE 'null' END"
        return self._sql.quote(value)

    def _kept_of_link(self, column: str, row: _Row) -> str:
        if column not in row.of_link:
            row.of_link.append(column)
        return f'{row.alias}."{column}"'

    def _cursor(self, row: _Row, page: _Page, filler: int) -> str:
        row.uses.add("o")
        text = _Text(self._sql.literal)
        text.same("[[")
        for at, value in enumerate(page.values):
            if at:
                text.same(",")
            text.each(value)
        text.same("],")
        if row.link:
            # A link's place: its field, where it stands in it, and what it leads to.
            link, place = self._kept_of_link("field", row), self._kept_of_link("place_of_link", row)
            text.each(
                self._sql.quote(
                    f"""('["' || {link} || '",' || {place} || ',' || {self._sql.quote(self._id(row))} || ']')"""
                )
            )
        else:
            text.each(self._sql.quote(page.place))
        text.same("]")
        return self._mark(Draw(filler), text.made())

    def _mark(self, draw: Draw, payload: str | None) -> str:
        self._draws.append(draw)
        literal = self._sql.literal
        begin = f"{_BEGIN}{len(self._draws) - 1}{_MIDDLE}"
        return literal(begin + _END) if payload is None else f"{literal(begin)} || {payload} || {literal(_END)}"

    # --- records

    def _node(self, telling: Telling, row: _Row, below: str, *, absent: str) -> str:
        text = self._record(telling, row, below)
        if not row.maybe:
            return text
        return f"CASE WHEN {self._kept_of_link('ours', row)} IS NOT NULL THEN {text} ELSE {absent} END"

    def _record(self, telling: Telling, row: _Row, below: str) -> str:
        """A record's text; `below` finds the keys of all that stand in this place."""
        rest = list(row.at.kinds or self._maker.vocabulary.kinds)
        ways: list[tuple[tuple[str, ...], Way]] = []
        for way in telling.ways:
            if mine := tuple(kind for kind in rest if not way.kinds or kind in way.kinds):
                rest = [kind for kind in rest if kind not in mine]
                ways.append((mine, way))
        if len(ways) == 1 and not rest:
            return self._members(ways[0][1], row, ways[0][0], below)
        row.uses.add("r")
        cases = []
        for mine, way in ways:
            among = f"IN ({', '.join(map(_literal, mine))})"
            here = f"SELECT b.key AS key FROM ({below}) AS b {self._sql.then()} record br ON br.key = b.key WHERE br.kind {among}"
            cases.append(f"WHEN {row.at.record}.kind {among} THEN {self._members(way, row, mine, here)}")
        return f"CASE {' '.join(cases)} ELSE '{{}}' END" if cases else "'{}'"

    def _members(self, way: Way, row: _Row, kinds: tuple[str, ...], below: str) -> str:
        text = _Text(self._sql.literal)
        text.same("{")
        drawn = [member for member in way.members if isinstance(member, Drawn)]
        first: int | None = None
        for number, member in enumerate(way.members):
            if number:
                text.same(",")
            match member:
                case Drawn():
                    payload = self._payload(drawn, row, kinds) if first is None else None
                    first = len(self._draws) if first is None else first
                    kind = kinds[0] if len(kinds) == 1 else None
                    text.each(self._mark(Draw(member.filler, member, first, kind), payload))
                    continue
            text.same(_key(member.key))
            match member:
                case Constant(_, same):
                    text.same(same)
                case OfKind(_, texts):
                    self._of_kind(text, dict(texts), row, kinds)
                case Told(_, kept):
                    text.each(self._kept(kept, row, kinds))
                case Mirrored():
                    text.each(self._mirrored(member, row, kinds))
                case Edges():
                    text.each(self._edges(member, row, kinds, below))
        text.same("}")
        return text.made()

    def _of_kind(self, text: _Text, texts: Mapping[str, str], row: _Row, kinds: tuple[str, ...]) -> None:
        if len(kinds) == 1:
            text.same(texts.get(kinds[0], "null"))
            return
        row.uses.add("r")
        literal = self._sql.literal
        cases = [f"WHEN {_literal(kind)} THEN {literal(texts[kind])}" for kind in kinds if kind in texts]
        text.each(f"CASE {row.at.record}.kind {' '.join(cases)} ELSE 'null' END" if cases else "'null'")

    def _kept(self, kept: str, row: _Row, kinds: tuple[str, ...]) -> str:
        record, quote = row.at.record, self._sql.quote
        if kept == "id":
            return quote(self._id(row))
        row.uses.add("r")
        match kept:
            case "kind" if len(kinds) == 1:
                return self._sql.literal(f'"{kinds[0]}"')
            case "kind" | "source" | "status":
                return f"""'"' || {record}.{kept} || '"'"""
            case "localId":
                # Kept encoded; the few that look otherwise are decoded on the way out.
                coded, literal = f"{record}.local_id", self._sql.literal
                mark = f"{literal(_BEGIN + _MIDDLE)} || {quote(coded)} || {literal(_END)}"
                return f"CASE WHEN {self._sql.has(coded, '%')} THEN {mark} ELSE {quote(coded)} END"
            case "profile":
                return quote(f"{record}.profile")
            case "scope":
                row.uses.add("s")
                return quote(f"{row.at.scope}.id")
            case "revision":
                return self._maker._shown(row.at)
            case "newest":
                inside = self._inside(row)
                return f"CASE WHEN {inside} THEN {record}.revision ELSE {self._maker._shown(row.at)} END"
        return f"""'"' || {record}.{kept}_at || '"'"""

    def _id(self, row: _Row) -> str:
        if row.id is None:
            row.uses.add("n")
            row.id = f"{row.at.node}.id"
        return row.id

    def _inside(self, row: _Row) -> str:
        inside = self._maker.sight.inside(self._maker.of, row.at.scope)
        if inside not in ("TRUE", "FALSE"):
            row.uses.add("s")
        return inside

    def _mirrored(self, asked: Mirrored, row: _Row, kinds: tuple[str, ...]) -> str:
        words = self._maker.vocabulary.kinds
        found = {kind: words[kind].fields[asked.field] for kind in kinds if asked.field in words[kind].fields}
        if row.at.kinds == kinds and len(kinds) == 1 and found:
            row.uses.add("m")
            return self._in_mirror(found[kinds[0]], row.at.mirror, asked.language)
        row.uses.add("r")
        cases = [
            f"WHEN {_literal(kind)} THEN (SELECT {self._in_mirror(field, 'm', asked.language)} FROM {_mirror(kind)} m WHERE m.record = {row.key})"
            for kind, field in found.items()
        ]
        return f"coalesce(CASE {row.at.record}.kind {' '.join(cases)} END, 'null')" if cases else "'null'"

    def _in_mirror(self, field: Field, mirror: str, language: str | None) -> str:
        value = self._maker._column(field, mirror, language=language)
        match field.sort:
            case "boolean":
                return f"CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' ELSE 'null' END"
            case "number":
                return self._sql.exactly(value)
        return self._sql.quote(value)

    def _payload(self, several: Sequence[Drawn], row: _Row, kinds: tuple[str, ...]) -> str:
        """The documents of a record that all that is drawn in it needs, with marks of what must be cut out of them."""
        text = _Text(self._sql.literal)
        row.uses.add("r")
        if len(kinds) == 1:
            text.same('{"":0')
        else:
            text.same('{"kind":"')
            text.each(f"{row.at.record}.kind")
            text.same('"')
        inside = self._inside(row)
        of_body = [drawn for drawn in several if "body" in drawn.documents]
        words = [self._maker.vocabulary.kinds[kind].fields for kind in kinds]
        names = {name for drawn in of_body for name in drawn.fields}
        fields = [of[name] for of in words for name in names if name in of]
        # What no kind knows may hold anything.
        whole = any(not drawn.fields for drawn in of_body) or not names <= {field.name for field in fields}
        documents = dict.fromkeys(document for drawn in several for document in drawn.documents)
        for document in documents:
            text.same(f',"{document}":')
            if document == "body" and not whole and len(names) <= _FEW_MEMBERS:
                row.uses.add("v")
                text.same('{"":0')
                for name in sorted(names):
                    member = self._sql.literal("," + _key(name))
                    text.each(f"coalesce({member} || {self._sql.part(f'v{row.at.number}.body', name)}, '')")
                text.same("}")
            else:
                text.each(self._document(document, row))
        if whole or any(one.private or one.holds_private for one in fields):
            for mark in self._maker._private(_At(row.at.number, kinds), inside):
                text.each(mark)
        if inside != "TRUE":
            references = sorted({name for field in fields for name in field.references})
            if whole or "linked" in documents or any(field.holds_links for field in fields):
                text.each(self._maker._links(row.at, inside, telling=False, cutting=True))
            elif references:
                # Few records name another there, and to find out which links of a record are hidden takes long.
                held = " OR ".join(self._sql.has(f"v{row.at.number}.body", f'"{name}"') for name in references)
                marks = self._maker._links(row.at, inside, telling=False, cutting=True)
                text.each(f"CASE WHEN {held} THEN {marks} ELSE '' END")
        text.same("}")
        return text.made()

    def _document(self, document: Document, row: _Row) -> str:
        record, scope, revision, quote = row.at.record, row.at.scope, f"v{row.at.number}", self._sql.quote
        match document:
            case "body":
                row.uses.add("v")
                return f"coalesce({revision}.body, 'null')"
            case "linked":
                row.uses.add("d")
                return f"coalesce(d{row.at.number}.document, 'null')"
            case "id":
                return quote(self._id(row))
            case "source":
                return f"""'"' || {record}.source || '"'"""
            case "scope":
                row.uses.add("s")
                return f"""'{{"id":' || {quote(f"{scope}.id")} || ',"title":' || {scope}.title || '}}'"""
            case "findings":
                return f"CASE WHEN {self._inside(row)} THEN coalesce({record}.findings, '[]') ELSE 'null' END"
            case "files":
                return (
                    """coalesce((SELECT '{"version":' || fl.version || ',"count":' || fl.count || ',"size":' || fl.size || '}'"""
                    f""" FROM file_list fl WHERE fl.dataset = {record}.key), 'null')"""
                )
            case "entry":
                row.uses.add("v")
                # As in the record's history: who did it is for writers, of the scope that it was done in as well.
                wrote = self._maker.sight.inside(self._maker.of, "ws")
                inside = f"({self._inside(row)} AND (SELECT {wrote} FROM scope ws WHERE ws.key = {revision}.scope))"
                by, agent = quote(f'{revision}."by"'), quote(f"{revision}.agent")
                return (
                    f"""'{{"number":' || {revision}.number || ',"at":"' || {revision}.at || '","load":' || {quote(f"{revision}.load")}"""
                    f""" || ',"by":' || CASE WHEN {inside} THEN {by} ELSE 'null' END"""
                    f""" || ',"agent":' || CASE WHEN {inside} THEN {agent} ELSE 'null' END || '}}'"""
                )

    # --- lists of links

    def _edges(self, asked: Edges, above: _Row, kinds: tuple[str, ...], below: str) -> str:
        maker = self._maker
        # Where rows stay in order by themselves, a plain list is told where it stands: half the work.
        inline = not self._sql.joins_freely and _is_plain(asked)
        links = _Links(maker, asked, kinds, above.at if inline else None)
        if inline and maker.sight.readable(maker.of, "s") != "TRUE":
            above.uses.add("r")
        row = _Row(maker._next(links.ends), maybe=links.outside, link=True)
        row.by_known = self._by_known(links.out, row)
        first, cut = self._value(asked.first), _says_more(asked.page)
        values = [f"{row.alias}.o{number}" for number in range(len(links.order))]
        page = _Page(first, asked.after is not None, cut, asked.count, values, "")
        gathered = _Gathered(inline)
        # The table stands before those that are made from it, and is said when it is known what of it is needed.
        name = "" if inline else self._table("")
        narrow = f" WHERE place < {first}" if cut else ""
        parts = self._parts(asked.page, row, page, gathered, f"SELECT DISTINCT key FROM {name}{narrow}")
        columns = links.columns(row.of_link, self._sql.exactly if "o" in row.uses else None)
        limit = f"LIMIT {first}{' + 1' if cut else ''}"
        if inline:
            text = self._written(parts, page, [expression for expression, _ in gathered.pieces], "")
            return f"(SELECT {text} FROM ({links.rows(above.key, columns, limit)}) AS {row.alias}{self._joins(row)})"
        self._tables[name] = self._sql.spread(below, links.rows("above.key", columns, limit), list(columns))
        here = []
        if gathered.pieces:
            told = ", ".join([f"{row.alias}.up AS up", f"{row.alias}.place AS place", *gathered.columns])
            ordered = f"ORDER BY {row.alias}.up, {row.alias}.place"
            texts = self._table(f"SELECT {told} FROM {name} {row.alias}{self._joins(row)} {ordered}", stored=False)
            pieces = "".join(f", {expression} AS p{at}" for at, (expression, _) in enumerate(gathered.pieces))
            list_ = self._table(f"SELECT x.up AS up{pieces} FROM {texts} AS x GROUP BY x.up")
            above.lists.append(list_)
            here = [
                f"coalesce({list_}.p{at}, {self._sql.literal(empty)})" for at, (_, empty) in enumerate(gathered.pieces)
            ]
        total = ""
        if any(isinstance(part, Total | TotalIsExact) for part in parts):
            counted = f"SELECT 1 FROM {links.source} WHERE {links.held('above.key')}"
            if asked.count == "bounded":
                counted += f" LIMIT {BOUNDED_COUNT + 1}"
            number = f"(SELECT count(*) FROM ({counted}) AS c)"
            totals = self._table(f"SELECT above.key AS up, {number} AS number FROM ({below}) AS above")
            above.lists.append(totals)
            total = f"{totals}.number"
        return f"({self._written(parts, page, here, total)})"

    def _by_known(self, out: bool, row: _Row) -> str:
        """That the reader writes where the record lies that links."""
        inside = self._maker.sight.inside(self._maker.of, "us")
        if inside in ("TRUE", "FALSE"):
            return inside
        linking = f"{row.alias}.up" if out else row.key
        return f"(SELECT {inside} FROM record ur JOIN scope us ON us.key = ur.scope WHERE ur.key = {linking})"

    # --- tables

    def _table(self, rows: str, *, stored: bool = True) -> str:
        name = f"told{len(self._tables)}"
        self._tables[name] = rows
        if stored:
            self._stored.add(name)
        return name

    def _joins(self, row: _Row) -> str:
        at, uses, then = row.at, row.uses, self._sql.then()
        perhaps = "LEFT JOIN" if row.maybe else then
        joins = ""
        if "n" in uses:
            joins += f" {then} node {at.node} ON {at.node}.key = {row.key}"
        if uses & {"r", "s", "v"}:
            joins += f" {perhaps} record {at.record} ON {at.record}.key = {row.key}"
        if "s" in uses:
            joins += f" {perhaps} scope {at.scope} ON {at.scope}.key = {at.record}.scope"
        if "m" in uses:
            joins += f" LEFT JOIN {_mirror(at.kinds[0])} {at.mirror} ON {at.mirror}.record = {row.key}"
        if "v" in uses:
            revision = f"v{at.number}"
            joins += f" LEFT JOIN revision {revision} ON {revision}.record = {row.key} AND {revision}.number = {self._maker._shown(at)}"
        if "d" in uses:
            joins += f" LEFT JOIN linked d{at.number} ON d{at.number}.record = {row.key}"
        return joins + "".join(f" LEFT JOIN {name} ON {name}.up = {row.key}" for name in row.lists)

    def _value(self, slot: Any) -> str:
        return self._maker._value(slot)


class _Links:
    """The links that a list along them is of, said once for the list and once for its count."""

    def __init__(self, maker: Maker, asked: Edges, kinds: tuple[str, ...], told: _At | None) -> None:
        self._maker = maker
        self._asked = asked
        self.out = asked.direction == "out"
        self._own, self._far = ("record", "target") if self.out else ("target", "record")
        self.ends = other_end(maker.vocabulary, asked.field, asked.direction, asked.kinds, kinds)
        self._at = maker._at(Question(self.ends, asked.where, order=asked.order))
        self._link = link = f"l{self._at.number}"
        self.outside = self.out and asked.where is None and not asked.kinds
        order = [maker._sorted(one, self._at, link) for one in asked.order]
        # What is outside has nothing to be put in order by.
        self.order = [replace(one, nullable=True) for one in order] if self.outside else order
        self.source, self._conditions = self._seen(told)

    def _seen(self, told: _At | None) -> tuple[str, list[str]]:
        maker, asked, at, link = self._maker, self._asked, self._at, self._link
        conditions = []
        if asked.field is not None:
            conditions.append(f"{link}.field = {_literal(asked.field)}")
        if asked.role is not None:
            conditions.append(f"{link}.role = {maker._value(asked.role)}")
        seen = maker._linkable(at)
        if told is not None and (readable := maker.sight.readable(maker.of, at.scope)) != "TRUE":
            # Mostly both lie in one scope, which may be read since the record that links is told.
            lies = f"EXISTS (SELECT 1 FROM scope {at.scope} WHERE {at.scope}.key = {at.record}.scope AND {readable})"
            seen = f"({at.record}.status = 'public' AND ({at.record}.scope = {told.record}.scope OR {lies}))"
        perhaps = "LEFT JOIN" if self.outside else "JOIN"
        source = f"link {link} {perhaps} record {at.record} ON {at.record}.key = {link}.{self._far}"
        if asked.where is not None or any(one.by == "id" for one in asked.order):
            source += f" JOIN node {at.node} ON {at.node}.key = {link}.{self._far}"
        if told is None:
            source += f" {perhaps} scope {at.scope} ON {at.scope}.key = {at.record}.scope"
        if at.mirrored:
            source += f" {perhaps} {_mirror(at.mirrored)} {at.mirror} ON {at.mirror}.record = {at.record}.key"
        if self.outside:
            # Of ours only those that the reader may read, here or not yet here alike; an IRI always has a colon, an id none.
            iri = f"(SELECT {maker.sql.has('xn.id', ':')} FROM node xn WHERE xn.key = {link}.{self._far})"
            return source, [*conditions, f"CASE WHEN {at.record}.key IS NULL THEN {iri} ELSE {seen} END"]
        conditions += [seen, *(maker._of_kinds(at) if asked.kinds else ())]
        if asked.where is not None:
            conditions.append(maker._condition(asked.where, at))
        return source, conditions

    def held(self, above: str) -> str:
        """The condition that a link is one of this record."""
        return " AND ".join([f"{self._link}.{self._own} = {above}", *self._conditions])

    def columns(self, of_link: Sequence[str], exactly: Callable[[str], str] | None) -> dict[str, str]:
        """The columns of the rows, by name; with `exactly`, also what they are put in order by, as JSON."""
        made = {"key": f"{self._link}.{self._far}"}
        others = {"place_of_link": f"{self._link}.place", "ours": f"{self._at.record}.key"}
        made |= {name: others.get(name, f'{self._link}."{name}"') for name in of_link}
        if exactly is not None:
            made |= {f"o{number}": exactly(one.expression) for number, one in enumerate(self.order)}
        return made

    def rows(self, above: str, columns: Mapping[str, str], limit: str) -> str:
        """The page of the links of this record."""
        maker, asked, link = self._maker, self._asked, self._link
        held = self.held(above)
        if asked.after is not None:
            held += f" AND {maker._behind(self.order, asked.after, self._beyond(asked.after.id, above))}"
        # As the record tells them; or in the order in which the linking records came to be known, as the index has them.
        natural = [maker.sql.bytewise(f"{link}.field")] if asked.field is None else []
        natural += [f"{link}.place"] if self.out else [f"{link}.record", f"{link}.place"]
        ordering = [*maker._ordering(self.order, [one.expression for one in self.order]), *natural]
        told = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
        return f"SELECT {told} FROM {self.source} WHERE {held} ORDER BY {', '.join(ordering)} {limit}"

    def _beyond(self, id: Any, above: str) -> str:
        """That a link stands behind the one of a cursor, wherever a later revision has put that."""
        sql, link = self._maker.sql, self._link
        bound = self._maker._value(id)
        name, place, end = (sql.item(bound, at) for at in range(3))
        place = sql.whole(place)
        key = f"(SELECT cn.key FROM node cn WHERE cn.id = {end})"
        linking, target = (above, key) if self.out else (key, above)
        now = (
            f"coalesce((SELECT cl.place FROM link cl WHERE cl.record = {linking} AND cl.field = {name} AND cl.target = {target}"
            f" ORDER BY abs(cl.place - {place}) LIMIT 1), {place})"
        )
        beyond = f"{link}.place > {now}"
        if not self.out:
            beyond = f"({link}.record > {key} OR ({link}.record = {key} AND {beyond}))"
        if self._asked.field is not None:
            return beyond
        field = sql.bytewise(f"{link}.field")
        return f"({field} > {name} OR ({link}.field = {name} AND {beyond}))"


def _holds_lists(page: Sequence[PageMember]) -> bool:
    """Whether there are lists below this one."""
    tellings: list[Telling] = []
    for member in page:
        match member:
            case Nodes(_, telling):
                tellings.append(telling)
            case EdgeList(_, members):
                tellings += [each.telling for each in members if isinstance(each, Node)]
    return any(isinstance(each, Edges) for telling in tellings for way in telling.ways for each in way.members)


def _is_plain(asked: Edges) -> bool:
    """Whether all that is told of a list are its rows, one by one, each by itself."""
    return (
        asked.where is None
        and not any(isinstance(each, PageInfo | Total | TotalIsExact) for each in asked.page)
        and any(isinstance(each, Nodes | EdgeList) for each in asked.page)
        and not _holds_lists(asked.page)
        and not any(
            isinstance(part, LinkTold) and part.of == "by"
            for each in asked.page
            if isinstance(each, EdgeList)
            for part in each.members
        )
    )


def _says_more(page: Sequence[PageMember]) -> bool:
    """Whether it is told if the list goes on, for which one more is looked for."""
    return any(what == "hasNextPage" for each in page if isinstance(each, PageInfo) for _, what in each.members)


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _key(key: str) -> str:
    """The beginning of a member under this key, which the asker chose and which was held to plain names."""
    if not _NAME.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the name of a part")
    return f'"{key}":'
