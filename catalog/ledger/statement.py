"""The shape of a question becomes one SQL statement that answers with JSON text, as far as its class of reader may see.

Values never reach this room: a shape has slots in their places, and what is not a slot is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.ledger.dialects import Dialect
from catalog.ledger.mirror import RECORD_COLUMNS, mirror_view
from catalog.questions.check import other_end
from catalog.questions.question import (
    BOUNDED_COUNT,
    After,
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Exists,
    Holds,
    Identified,
    InScope,
    Inside,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Or,
    Order,
    Question,
    Selection,
    Termed,
)
from catalog.questions.reader import Reader
from catalog.questions.shape import Slot
from catalog.questions.vocabulary import Field, Sort, Vocabulary


class Sees(Protocol):
    """Who may see what, in SQL (access/sight.py)."""

    def class_of(self, reader: Reader) -> Any: ...

    def values(self, reader: Reader, now: str) -> dict[str, Any]: ...

    def tables(self, of: Any) -> dict[str, str]: ...

    def everyones(self, scope: str) -> str: ...

    def readable(self, of: Any, scope: str) -> str: ...

    def inside(self, of: Any, scope: str) -> str: ...

    def granted(self, of: Any, scope: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that was made for a shape, ready to be bound."""

    statement: str
    draws: tuple[Any, ...] = ()  # what is drawn where its texts are marked (telling.py)


@dataclass(frozen=True, slots=True)
class _At:
    """A record somewhere in the statement, by the aliases of its rows."""

    number: int
    kinds: tuple[str, ...]
    mirrored: str | None = None  # the kind whose mirror row stands beside it

    @property
    def record(self) -> str:
        return f"r{self.number}"

    @property
    def node(self) -> str:
        return f"n{self.number}"

    @property
    def scope(self) -> str:
        return f"s{self.number}"

    @property
    def mirror(self) -> str:
        return f"m{self.number}"


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A column that a list is ordered by."""

    expression: str
    descending: bool
    nullable: bool
    is_text: bool


class Maker:
    """Makes one statement from the shape of a question."""

    def __init__(self, dialect: Dialect, vocabulary: Vocabulary, sight: Sees, of: Any) -> None:
        self.sql = dialect
        self.vocabulary = vocabulary
        self.sight = sight
        self.of = of
        self._numbers = 0
        self._source: Slot | None = None  # which the ids are held to, where the list is in their order

    # --- whole statements

    def listing(self, asked: Question) -> Plan:
        at, order, page, counted = self.page(asked)
        item, source_of_item = self._item(at, asked.selection)
        columns = [f"{item} AS item", "page.id AS id"]
        keys = "".join(f", page.o{number}" for number in range(len(order)))
        ordering = ", ".join(
            [*self._ordering(order, [f"page.o{number}" for number in range(len(order))]), self.sql.bytewise("page.id")]
        )
        joined = f"page JOIN record {at.record} ON {at.record}.key = page.key" + source_of_item.removeprefix(
            f"record {at.record}"
        )
        with_ = self._with({"page": page})
        if counted is None:
            statement = f"{with_} SELECT {', '.join(columns)}, NULL{keys} FROM {joined} ORDER BY {ordering}"
        else:
            inner = f"SELECT {', '.join(columns)}{keys} FROM {joined}"
            keys = keys.replace("page.", "told.")
            ordering = ordering.replace("page.", "told.")
            statement = (
                f"{with_} SELECT told.item, told.id, total.number{keys} FROM (SELECT count(*) AS number FROM ({counted}) AS c) AS total"
                f" LEFT JOIN ({inner}) AS told ON TRUE ORDER BY {ordering}"
            )
        return Plan(statement)

    def page(self, asked: Question) -> tuple[_At, list[_Sorted], str, str | None]:
        """The keys, ids and values of the order of a list's page and one more, in order; and a row for each to be counted."""
        at = self._at(asked)
        order = [self._sorted(one, at) for one in asked.order]
        outer = asked.statuses != ("public",)
        in_order = (
            bool(order)
            and order[0].expression.startswith(f"{at.mirror}.")
            and not outer
            and not _finds_first(asked.where)
        )
        source = self._from(at, outer=outer, in_order=in_order)
        self._source = source_asked = None if order else _source_of(asked.where)
        conditions = [self._listed(at, asked.statuses)]
        conditions += self._of_kinds(at, by_id=not order, source=source_asked)
        if asked.where is not None:
            conditions.append(self._condition(asked.where, at))
        elif not asked.kinds and not asked.order:
            # True of every id, and it leads SQLite to the index that has them in order.
            conditions.append(f"{at.node}.id > ''")
        limit = f"LIMIT {self._value(asked.first)} + 1"
        if source_asked is not None and len(at.kinds) != 1:
            page = self._by_kinds(at, source, conditions, source_asked, asked.after, limit)
        else:
            page = self._page(at, source, conditions, order, asked.after, limit)
        counted = None if asked.count == "none" else self._all_of(at, asked, source, conditions)
        return at, order, page, counted

    def _all_of(self, at: _At, asked: Question, source: str, conditions: Sequence[str]) -> str:
        """A row for each record of the list, of whatever page; bounded, as many as are counted."""
        every = f"SELECT 1 FROM {source} WHERE {' AND '.join(conditions)}"
        if asked.count != "bounded":
            return every
        limit = f"LIMIT {BOUNDED_COUNT + 1}"
        granted, everyones = self.sight.granted(self.of, at.scope), self.sight.everyones(at.scope)
        if granted in ("TRUE", "FALSE") or asked.where is not None or asked.statuses != ("public",):
            return f"{every} {limit}"
        # What lies open comes first: where that is enough, no grant is looked for, which costs more than ten other records.
        # (Not with a condition, which may cost more than that, and would be looked at twice.)
        arms = [
            f"SELECT 1 FROM {source} WHERE {' AND '.join([self._listed(at, asked.statuses, readable=way), *conditions[1:]])}"
            for way in (everyones, f"(NOT {everyones} AND {granted})")
        ]
        return f"{' UNION ALL '.join(arms)} {limit}"

    def table(self, asked: Question) -> Plan:
        """One kind's records as rows of its mirror, in the order of their ids."""
        (kind,) = asked.kinds
        at = self._next(asked.kinds, kind)
        aliases = {"n": at.node, "r": at.record, "s": at.scope}
        told = []
        for expression in RECORD_COLUMNS.values():
            table, _, column = expression.partition(".")
            told.append(f"{aliases[table]}.{column}")
        told += [f"{at.mirror}.{_name(column)}" for column in self.vocabulary.kinds[kind].columns]
        conditions = [self._listed(at, asked.statuses), *self._of_kinds(at, by_id=True)]
        if asked.where is not None:
            conditions.append(self._condition(asked.where, at))
        last = self.sql.bytewise(f"{at.node}.id")
        if asked.after is not None:
            conditions.append(f"{last} > {self._value(asked.after.id)}")
        statement = (
            f"{self._with({})} SELECT {', '.join(told)} FROM {self._from(at)} WHERE {' AND '.join(conditions)}"
            f" ORDER BY {last} LIMIT {self._value(asked.first)} + 1"
        )
        return Plan(statement.strip())

    def keys(self, asked: Question) -> Plan:
        """The keys of the records that a list would have, in no order."""
        at = self._at(asked)
        conditions = [self._listed(at, asked.statuses), *self._of_kinds(at)]
        if asked.where is not None:
            conditions.append(self._condition(asked.where, at))
        statement = (
            f"{self._with({})} SELECT {at.record}.key FROM {self._from(at)} WHERE {' AND '.join(conditions)}"
            f" LIMIT {self._value(asked.first)} + 1"
        )
        return Plan(statement.strip())

    def one(self, selection: Selection) -> Plan:
        at = self._next(())
        record, became = at.record, f"b{at.number}"
        item, source = self._item(at, selection)
        merged = (
            f"(SELECT {became}n.id FROM record {became} JOIN node {became}n ON {became}n.key = {became}.key JOIN scope {became}s"
            f" ON {became}s.key = {became}.scope WHERE {became}.key = {record}.merged_into AND {became}.status = 'public'"
            f" AND {self.sight.readable(self.of, f'{became}s')})"
        )
        facts = f"{record}.key, {record}.status, {record}.shown, {record}.revision, {record}.hash, {merged}, {record}.reason"
        # What is hidden and what never was take alike long: for the latter the newest record is looked at, as far as whether it
        # may be read, and then not told. (Its id is compared last: the scope's id, of which nothing is taken, comes before.)
        id = self.sql.value("id")
        key = (
            f"coalesce((SELECT kr.key FROM node kn JOIN record kr ON kr.key = kn.key WHERE kn.id = {id}),"
            " (SELECT max(key) FROM record))"
        )
        statement = (
            f"{self._with({})} SELECT {item}, {facts}, {self.sight.inside(self.of, at.scope)} FROM {source}"
            f" WHERE {record}.key = {key} AND {self._by_id(at)} AND substr({at.scope}.id, 1, 0) || {at.node}.id = {id}"
        )
        return Plan(statement.strip())

    def _with(self, more: Mapping[str, str]) -> str:
        tables = [f"{name} (key) AS MATERIALIZED ({query})" for name, query in self.sight.tables(self.of).items()]
        tables += [f"{name} AS MATERIALIZED ({query})" for name, query in more.items()]
        return "WITH " + ", ".join(tables) if tables else ""

    # --- who may see it

    def _listed(self, at: _At, statuses: Sequence[str], *, readable: str | None = None) -> str:
        """What is seen in lists: what is public by scope, the rest for writers; `readable`: in a part of the scopes."""
        readable = readable or self.sight.readable(self.of, at.scope)
        inside = self.sight.inside(self.of, at.scope)
        ways = []
        if "public" in statuses:
            ways.append(f"({at.record}.status = 'public' AND {readable})")
        others = sorted(set(statuses) - {"public"})
        if others and inside != "FALSE":
            ways.append(f"({at.record}.status IN ({', '.join(map(_literal, others))}) AND {inside})")
        if not ways:
            return "FALSE"
        # What was merged away is not listed beside what it became, except to those who may not see the latter.
        return f"({' OR '.join(ways)}) AND {self._unmerged(at)}"

    def _unmerged(self, at: _At) -> str:
        """That it became no other record that the reader may see."""
        became = f"r{at.number}b"
        return (
            f"({at.record}.merged_into IS NULL OR NOT EXISTS (SELECT 1 FROM record {became} JOIN scope {became}s ON {became}s.key = {became}.scope"
            f" WHERE {became}.key = {at.record}.merged_into AND {became}.status = 'public' AND {self.sight.readable(self.of, f'{became}s')}))"
        )

    def _linkable(self, at: _At, *, told: _At | None = None) -> str:
        """A record at the other end of a link; `told`: from a record that is being told, so that its scope may be read."""
        readable, granted = self.sight.readable(self.of, at.scope), self.sight.granted(self.of, at.scope)
        if told is not None and readable != "TRUE":
            ways = [f"{at.record}.scope = {told.record}.scope", self.sight.everyones(at.scope), granted]
            # No bracket more than it takes: SQLite's parser has room for a hundred open at once, and parts stand in parts.
            readable = f"({' OR '.join(way for way in ways if way != 'FALSE')})"
        return f"({at.record}.status = 'public' AND {readable})"

    def _by_id(self, at: _At) -> str:
        """What is seen of a record by its id."""
        readable, inside = self.sight.readable(self.of, at.scope), self.sight.inside(self.of, at.scope)
        open_ = f"({at.record}.status IN ('public', 'suppressed', 'withdrawn') AND {readable})"
        return open_ if inside == "FALSE" else f"({open_} OR {inside})"

    # --- where records come from

    def _next(self, kinds: tuple[str, ...], mirrored: str | None = None) -> _At:
        self._numbers += 1
        return _At(self._numbers, kinds, mirrored)

    def _at(self, asked: Question) -> _At:
        kinds = tuple(dict.fromkeys(asked.kinds))
        needs = asked.order and any(one.by not in _KEPT for one in asked.order)
        if len(kinds) == 1 and (needs or _asks_fields(asked.where)):
            return self._next(kinds, kinds[0])
        return self._next(kinds)

    def _from(self, at: _At, *, outer: bool = False, in_order: bool = False) -> str:
        if in_order and at.mirrored:
            # The index that has the mirror in this order comes first, and SQLite is held to that.
            return (
                f"{_mirror(at.mirrored)} {at.mirror} {self.sql.then()} record {at.record} ON {at.record}.key = {at.mirror}.record"
                f" JOIN node {at.node} ON {at.node}.key = {at.record}.key JOIN scope {at.scope} ON {at.scope}.key = {at.record}.scope"
            )
        source = f"record {at.record} JOIN node {at.node} ON {at.node}.key = {at.record}.key JOIN scope {at.scope} ON {at.scope}.key = {at.record}.scope"
        if at.mirrored:
            # What is quarantined has no row in the mirror.
            source += f" {'LEFT JOIN' if outer else 'JOIN'} {_mirror(at.mirrored)} {at.mirror} ON {at.mirror}.record = {at.record}.key"
        return source

    def _of_kinds(self, at: _At, *, by_id: bool = False, source: Slot | None = None) -> list[str]:
        if not at.kinds:
            return []
        if len(at.kinds) == 1:
            (kind,) = at.kinds
            own = [f"{at.record}.kind = {_literal(kind)}"]
            return [*own, *self._range(at, kind, source)] if by_id else own
        return [f"{at.record}.kind IN ({', '.join(map(_literal, at.kinds))})"]

    def _range(self, at: _At, kind: str, source: Slot | None) -> list[str]:
        """The ids of a kind (and a source): they begin with it, so this is a range of their index, in the order of the list."""
        beginning = _literal(kind + "/")
        if source is None:
            return [f"{at.node}.id >= {beginning}", f"{at.node}.id < {_literal(kind + '0')}"]
        return [
            f"{at.node}.id >= {beginning} || {self._value(source)} || '/'",
            f"{at.node}.id < {beginning} || {self._value(source)} || '0'",
        ]

    def _by_kinds(
        self, at: _At, tables: str, conditions: Sequence[str], source: Slot, after: After | None, limit: str
    ) -> str:
        """A source's records of several kinds: one range of ids after the other is the order of ids, and none is sorted."""
        last = self.sql.bytewise(f"{at.node}.id")
        behind = "" if after is None else f" AND {last} > {self._value(after.id)}"
        arms = []
        for kind in sorted(at.kinds or self.vocabulary.kinds, key=lambda kind: kind + "/"):
            held = " AND ".join([*conditions, f"{at.record}.kind = {_literal(kind)}", *self._range(at, kind, source)])
            arms.append(
                f"SELECT * FROM (SELECT {at.record}.key AS key, {at.node}.id AS id FROM {tables} WHERE {held}{behind} ORDER BY {last} {limit}) AS {_name(kind)}"
            )
        return f"SELECT * FROM ({' UNION ALL '.join(arms)}) AS all_kinds {limit}"

    # --- order and pages

    def _sorted(self, order: Order, at: _At, link: str | None = None) -> _Sorted:
        match order.by:
            case "id":
                return _Sorted(f"{at.node}.id", order.descending, False, True)
            case "created" | "modified":
                return _Sorted(f"{at.record}.{order.by}_at", order.descending, False, False)
            case "order" if link is not None:
                return _Sorted(f'{link}."order"', order.descending, True, False)
        field = self.vocabulary.kinds[at.kinds[0]].fields[order.by]
        expression = self._column(field, at.mirror, language=order.language, for_order=True)
        return _Sorted(expression, order.descending, True, field.sort in ("text", "string", "term"))

    def _ordering(self, order: Sequence[_Sorted], expressions: Sequence[str]) -> list[str]:
        made = []
        for one, expression in zip(order, expressions, strict=True):
            if one.nullable:
                made.append(f"{expression} IS NULL")
            written = self.sql.bytewise(expression) if one.is_text else expression
            made.append(f"{written} DESC" if one.descending else written)
        return made

    def _page(
        self, at: _At, source: str, conditions: Sequence[str], order: Sequence[_Sorted], after: After | None, limit: str
    ) -> str:
        columns = "".join(f", {one.expression} AS o{number}" for number, one in enumerate(order))
        head = (
            f"SELECT {at.record}.key AS key, {at.node}.id AS id{columns} FROM {source} WHERE {' AND '.join(conditions)}"
        )
        last = self.sql.bytewise(f"{at.node}.id")
        if len(order) == 1 and order[0].nullable:
            # Two lists one after the other, so that an index on the column gives the order of the first.
            (one,) = order
            written = self.sql.bytewise(one.expression) if one.is_text else one.expression
            behind = "" if after is None else f" AND {last} > {self._value(after.id)}"
            valued = f"{head} AND {one.expression} IS NOT NULL"
            if after is not None and after.values[0] is not None:
                value = self._value(after.values[0])
                beyond, not_before = ("<", "<=") if one.descending else (">", ">=")
                valued += f" AND {written} {not_before} {value} AND ({written} {beyond} {value} OR {last} > {self._value(after.id)})"
                behind = ""
            valued += f" ORDER BY {written}{' DESC' if one.descending else ''}, {last} {limit}"
            rest = f"{head} AND {one.expression} IS NULL{behind} ORDER BY {last} {limit}"
            if after is not None and after.values[0] is None:
                return rest
            return f"SELECT * FROM (SELECT * FROM ({valued}) AS valued UNION ALL SELECT * FROM ({rest}) AS rest) AS both_parts {limit}"
        if after is not None:
            head += f" AND {self._behind(order, after, f'{last} > {self._value(after.id)}')}"
        ordering = ", ".join([*self._ordering(order, [one.expression for one in order]), last])
        return f"{head} ORDER BY {ordering} {limit}"

    def _behind(self, order: Sequence[_Sorted], after: After, condition: str) -> str:
        """Behind a place in the order; `condition` says it of what has the same values."""
        for one, value in reversed(list(zip(order, after.values, strict=True))):
            if value is None:
                condition = f"({one.expression} IS NULL AND {condition})"
                continue
            written = self.sql.bytewise(one.expression) if one.is_text else one.expression
            beyond, not_before = ("<", "<=") if one.descending else (">", ">=")
            bound = self._value(value)
            nulls = f" OR {one.expression} IS NULL" if one.nullable else ""
            condition = f"(({written} {not_before} {bound} AND ({written} {beyond} {bound} OR {condition})){nulls})"
        return condition

    # --- conditions

    def _condition(self, asked: Condition, at: _At) -> str:
        match asked:
            case And(parts):
                return "(" + " AND ".join(self._condition(part, at) for part in parts) + ")"
            case Or(parts):
                return self._either([self._condition(part, at) for part in parts], at)
            case Not(part):
                return f"NOT coalesce({self._condition(part, at)}, FALSE)"
            case Compare(name):
                return self._in_mirror(name, at, lambda field, row: self._compare(asked, field, row, at))
            case Exists(name):
                return self._exists(name, at)
            case Dated(name):
                return self._in_mirror(name, at, lambda field, row: self._dated(asked, field, row))
            case Missing(name):
                return self._in_mirror(name, at, lambda field, row: self._missing(asked, field, row))
            case OfRecord("source", "eq", value) if self._is_source(value):
                # The range of ids has said so already, and has them in order, which an index on sources has not.
                return f"{self.sql.unindexed(f'{at.record}.source')} = {self._value(value)}"
            case OfRecord("id", "eq", value):
                return self._of_id(value, at)
            case OfRecord("formats", operator, value):
                held = self._against("f.format", operator, value, is_text=True)
                return f"EXISTS (SELECT 1 FROM file f WHERE f.dataset = {at.record}.key AND {held})"
            case OfRecord(attribute):
                expression = {
                    "id": f"{at.node}.id",
                    "source": f"{at.record}.source",
                    "localId": f"{at.record}.local_id",
                    "profile": f"{at.record}.profile",
                    "created": f"{at.record}.created_at",
                    "modified": f"{at.record}.modified_at",
                }[attribute]
                return self._against(expression, asked.operator, asked.value, is_text=True)
            case InScope(scope, below):
                if not below:
                    return f"{at.scope}.id = {self._value(scope)}"
                return (
                    f"{at.record}.scope IN (SELECT down.descendant FROM scope top JOIN scope_closure down ON down.ancestor = top.key"
                    f" WHERE top.id = {self._value(scope)})"
                )
            case Linked():
                return self._linked(asked, at)
            case Measured():
                return self._measured(asked, at)
            case Termed():
                return self._termed(asked, at)
            case Attributed():
                return self._attributed(asked, at)
            case Holds(name):
                return self._holds(asked, self.vocabulary.fields(name, at.kinds), at)
            case Identified(value, scheme):
                of_scheme = "" if scheme is None else f" AND i.scheme = {self._value(scheme)}"
                return f"{at.record}.key IN (SELECT i.record FROM identifier i WHERE i.value = {self._value(value)}{of_scheme})"

    def _of_id(self, id: Any, at: _At) -> str:
        """One record, found by its id; as in `one`, of an id that is none the newest record is looked at, and then not told."""
        own = f"SELECT kr.key FROM node kn JOIN record kr ON kr.key = kn.key WHERE kn.id = {self._value(id)}"
        return (
            f"({at.record}.key = coalesce(({own}), (SELECT max(key) FROM record))"
            f" AND substr({at.scope}.id, 1, 0) || {at.node}.id = {self._value(id)})"
        )

    def _either(self, ways: Sequence[str], at: _At) -> str:
        found = f"{at.record}.key IN ("
        if all(way.startswith(found) for way in ways):
            # Found by indexes, each of them: as one list PostgreSQL begins with it, as alternatives it reads every record.
            return found + " UNION ALL ".join(way.removeprefix(found)[:-1] for way in ways) + ")"
        return "(" + " OR ".join(ways) + ")"

    def _is_source(self, value: Any) -> bool:
        return self._source is not None and value == self._source

    def _in_mirror(self, name: str, at: _At, made: Any) -> str:
        """A condition on a field, said over the mirror row that stands there, or over that of each kind asked about."""
        fields = self.vocabulary.fields(name, at.kinds)
        if at.mirrored is not None:
            return str(made(fields[at.mirrored], at.mirror))
        ways = []
        for kind, field in fields.items():
            row = f"m{self._next(()).number}"
            held = f"EXISTS (SELECT 1 FROM {_mirror(kind)} {row} WHERE {row}.record = {at.record}.key AND {made(field, row)})"
            ways.append(f"({at.record}.kind = {_literal(kind)} AND {held})")
        return f"({' OR '.join(ways)})"

    def _column(self, field: Field, row: str, *, language: str | None = None, for_order: bool = False) -> str:
        columns = field.columns
        match field.sort:
            case "text":
                names = [columns["whole"]]
                if language is not None:
                    names = [
                        columns[part]
                        for part in (language, "ja" if language == "en" else "en", "whole")
                        if part in columns
                    ]
                if len(names) == 1:
                    return f"{row}.{_name(names[0])}"
                return "coalesce(" + ", ".join(f"{row}.{_name(one)}" for one in names) + ")"
            case "date":
                return f"{row}.{_name(columns['from' if for_order else 'whole'])}"
            case "quantity":
                return f"{row}.{_name(columns['si_min'])}"
        return f"{row}.{_name(columns['value'])}"

    def _compare(self, asked: Compare, field: Field, row: str, at: _At) -> str:
        if field.sort in ("strings", "terms"):
            several = asked.value if isinstance(asked.value, tuple) else (asked.value,)
            return self._held(field, at, among=[self._value(one) for one in several])
        expression = self._column(field, row, language=asked.language)
        return self._against(expression, asked.operator, asked.value, is_text=field.sort in ("text", "string", "term"))

    def _held(self, field: Field, at: _At, *, among: Sequence[str] = ()) -> str:
        """That a list of the body holds one of these texts, or any."""
        revision = f"v{self._next(()).number}"
        texts = self.sql.texts_in(f"{revision}.body", field.name)
        told = f"EXISTS ({texts})" if not among else " OR ".join(f"{one} IN ({texts})" for one in among)
        return (
            f"EXISTS (SELECT 1 FROM revision {revision} WHERE {revision}.record = {at.record}.key"
            f" AND {revision}.number = {self._shown(at)} AND NOT {revision}.quarantined AND ({told}))"
        )

    def _holds(self, asked: Holds, fields: Mapping[str, Field], at: _At) -> str:
        """That an object of the body, or one of a list, is as it is asked for."""
        revision = f"v{self._next(()).number}"
        row = f"o{self._next(()).number}"
        items, is_there = self.sql.items_in(f"{revision}.body", asked.field, row)
        # Kinds that have the field agree on what it holds, or it could not be asked of them together.
        sorts = next(iter(fields.values())).inside
        held = [is_there, *(self._inside(each, sorts[each.path], f"{row}.value") for each in asked.members)]
        return (
            f"EXISTS (SELECT 1 FROM revision {revision} WHERE {revision}.record = {at.record}.key"
            f" AND {revision}.number = {self._shown(at)} AND NOT {revision}.quarantined"
            f" AND EXISTS (SELECT 1 FROM {items} WHERE {' AND '.join(held)}))"
        )

    def _inside(self, asked: Inside, sort: Sort, item: str) -> str:
        if sort == "strings":
            *above, last = asked.path
            for name in above:
                item = self.sql.part(item, name)
            texts = self.sql.texts_in(item, last)
            if asked.operator in ("exists", "missing"):
                return f"{'' if asked.operator == 'exists' else 'NOT '}EXISTS ({texts})"
            several = asked.value if isinstance(asked.value, tuple) else (asked.value,)
            return "(" + " OR ".join(f"{self._value(one)} IN ({texts})" for one in several) + ")"
        expression = self.sql.at(item, asked.path, sort)
        if sort == "text":
            first, second = ("ja", "en") if asked.language == "ja" else ("en", "ja")
            ways = [self.sql.at(item, (*asked.path, language), sort) for language in (first, second)]
            expression = f"coalesce({', '.join(ways)})"
        if asked.operator in ("exists", "missing"):
            return f"{expression} IS {'NOT ' if asked.operator == 'exists' else ''}NULL"
        return self._against(expression, asked.operator, asked.value, is_text=sort in ("text", "string"))

    def _against(self, expression: str, operator: str, value: Any, *, is_text: bool) -> str:
        if operator == "in":
            return f"{expression} IN ({', '.join(self._value(one) for one in value)})"
        bound = self._value(value)
        if operator in ("eq", "ne"):
            return f"{expression} {'=' if operator == 'eq' else '<>'} {bound}"
        written = self.sql.bytewise(expression) if is_text else expression
        if operator == "prefix":
            # A range, which an index can answer; U+10FFFF is no character that a text could go on with.
            return f"({written} >= {bound} AND {written} < {bound} || {self.sql.last_character()})"
        return f"{written} { {'lt': '<', 'le': '<=', 'gt': '>', 'ge': '>='}[operator] } {bound}"

    def _dated(self, asked: Dated, field: Field, row: str) -> str:
        begins, ends = f"{row}.{_name(field.columns['from'])}", f"{row}.{_name(field.columns['until'])}"
        parts = []
        match asked.relation:
            case "overlaps":
                # An interval may be open at one end; what is open at both is no date.
                parts = [f"({begins} IS NOT NULL OR {ends} IS NOT NULL)"]
                if asked.end is not None:
                    parts.append(f"({begins} IS NULL OR {begins} < {self._value(asked.end)})")
                if asked.start is not None:
                    parts.append(f"({ends} IS NULL OR {ends} > {self._value(asked.start)})")
            case "before":
                parts = [f"{ends} <= {self._value(asked.start)}"]
            case "after":
                parts = [f"{begins} >= {self._value(asked.end)}"]
        return "(" + " AND ".join(parts) + ")"

    def _missing(self, asked: Missing, field: Field, row: str) -> str:
        reason = f"{row}.{_name(field.columns['missing'])}"
        return f"{reason} IS NOT NULL" if asked.reason is None else f"{reason} = {self._value(asked.reason)}"

    def _exists(self, name: str, at: _At) -> str:
        fields = self.vocabulary.fields(name, at.kinds)
        sorts = {field.sort for field in fields.values()}
        if sorts == {"link"}:
            return self._linked(Linked(name), at)
        if sorts == {"terms"}:
            return f"EXISTS (SELECT 1 FROM term_use u WHERE u.record = {at.record}.key AND u.field = {_literal(name)})"
        if sorts == {"quantity"}:
            return f"EXISTS (SELECT 1 FROM quantity q WHERE q.record = {at.record}.key AND q.field = {_literal(name)})"
        return self._in_mirror(
            name,
            at,
            lambda field, row: (
                self._held(field, at) if field.sort == "strings" else f"{self._column(field, row)} IS NOT NULL"
            ),
        )

    def _linked(self, asked: Linked, at: _At) -> str:
        own, far = ("record", "target") if asked.direction == "out" else ("target", "record")
        kinds = other_end(self.vocabulary, asked.field, asked.direction, asked.kinds, at.kinds)
        single = len(kinds) == 1 and _asks_fields(asked.where)
        end = self._next(kinds, kinds[0] if single else None)
        link = f"l{end.number}"
        conditions = []
        if asked.field is not None:
            conditions.append(f"{link}.field = {_literal(asked.field)}")
        if asked.role is not None:
            conditions.append(f"{link}.role = {self._value(asked.role)}")
        if asked.port is not None:
            conditions.append(f"{link}.port = {self._value(asked.port)}")
        if asked.targets:
            conditions.append(f"{end.node}.id IN ({', '.join(map(self._value, asked.targets))})")
        if asked.where is not None or asked.kinds or asked.direction == "in":
            source = self._link_source(link, far, end)
            conditions.append(self._linkable(end))
            if asked.kinds:
                conditions += self._of_kinds(end)
            if asked.where is not None:
                conditions.append(self._condition(asked.where, end))
        else:
            # Targets outside are seen by everybody; of ours only those that the reader may read, here or not yet here alike.
            source = (
                f"link {link} JOIN node {end.node} ON {end.node}.key = {link}.{far} LEFT JOIN record {end.record} ON {end.record}.key = {link}.{far}"
                f" LEFT JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope"
            )
            conditions.append(f"({self._outside(end)} OR coalesce({self._linkable(end)}, FALSE))")
        if asked.targets or _is_selective(asked.where):
            return f"{at.record}.key IN (SELECT {link}.{own} FROM {source} WHERE {' AND '.join(conditions)})"
        return f"EXISTS (SELECT 1 FROM {source} WHERE {link}.{own} = {at.record}.key AND {' AND '.join(conditions)})"

    def _link_source(self, link: str, far: str, end: _At) -> str:
        source = (
            f"link {link} JOIN record {end.record} ON {end.record}.key = {link}.{far} JOIN node {end.node} ON {end.node}.key = {end.record}.key"
            f" JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope"
        )
        if end.mirrored:
            source += f" JOIN {_mirror(end.mirrored)} {end.mirror} ON {end.mirror}.record = {end.record}.key"
        return source

    def _outside(self, end: _At) -> str:
        # Ids of ours hold no colon (it is percent-encoded), an IRI always does.
        return self.sql.has(f"{end.node}.id", ":")

    def _measured(self, asked: Measured, at: _At) -> str:
        name = self._value(asked.name)
        match asked.place:
            case "field":
                conditions = [f"q.field = {name}", "q.name IS NULL"]
            case "condition":
                conditions = ["q.field = 'conditions'", f"q.name = {name}"]
            case "attribute":
                conditions = ["q.field = 'attributes'", f"q.name = {name}"]
            case "anywhere":
                conditions = [f"q.name = {name}", "q.field IN ('conditions', 'attributes')"]
        conditions.append("q.si_min IS NOT NULL")
        if asked.high is not None:
            conditions.append(f"q.si_min <= {self._value(asked.high)}")
        if asked.low is not None:
            conditions.append(f"q.si_max >= {self._value(asked.low)}")
        if asked.quantity_kinds:
            conditions.append(f"q.quantity_kind IN ({', '.join(map(self._value, asked.quantity_kinds))})")
        return f"{at.record}.key IN (SELECT q.record FROM quantity q WHERE {' AND '.join(conditions)})"

    def _termed(self, asked: Termed, at: _At) -> str:
        of_field = "" if asked.field is None else f" AND u.field = {_literal(asked.field)}"
        return f"{at.record}.key IN (SELECT u.record FROM term_use u WHERE u.term IN ({self._terms(asked)}){of_field})"

    def _terms(self, asked: Termed) -> str:
        """The keys of the terms that are asked for; a term need not have a record of ours, nor be below anything."""
        named = f"n.id IN ({', '.join(map(self._value, asked.terms))})"
        own = f"SELECT n.key FROM node n WHERE {named}"
        if not asked.below:
            return own
        return (
            f"{own} UNION ALL SELECT c.descendant FROM node n JOIN term_closure c ON c.ancestor = n.key WHERE {named}"
        )

    def _attributed(self, asked: Attributed, at: _At) -> str:
        conditions = [f"a.name = {self._value(asked.name)}"]
        value = asked.value
        if asked.operator == "eq":
            bound = self._value(value)
            conditions += [f"a.value_key = substr({bound}, 1, 64)", f"a.value = {bound}"]
        elif asked.operator == "in" and isinstance(value, tuple):
            several = [self._value(one) for one in value]
            conditions += [
                f"a.value_key IN ({', '.join(f'substr({one}, 1, 64)' for one in several)})",
                f"a.value IN ({', '.join(several)})",
            ]
        elif asked.operator == "prefix":
            conditions.append(self._against("a.value", "prefix", value, is_text=True))
        if asked.term is not None:
            exactly = f"a.term = {self._value(asked.term)}"
            below = (
                "a.term IN (SELECT d.id FROM node n JOIN term_closure c ON c.ancestor = n.key JOIN node d ON d.key = c.descendant"
                f" WHERE n.id = {self._value(asked.term)})"
            )
            conditions.append(f"({exactly} OR {below})" if asked.below else exactly)
        return f"{at.record}.key IN (SELECT a.record FROM attribute a WHERE {' AND '.join(conditions)})"

    # --- what is told

    def _item(self, at: _At, chosen: Selection) -> tuple[str, str]:
        """The expression of a record's JSON text, and the tables that it is made from."""
        record, node, scope = at.record, at.node, at.scope
        revision, quote = f"v{at.number}", self.sql.quote
        source = f"record {record} JOIN node {node} ON {node}.key = {record}.key JOIN scope {scope} ON {scope}.key = {record}.scope"
        inside = self.sight.inside(self.of, scope)
        parts = []
        parts.append(
            f"""'{{"id":' || {quote(f"{node}.id")} || ',"kind":"' || {record}.kind || '","source":"' || {record}.source || '","localId":' """
            f"""|| {quote(f"{record}.local_id")} || ',"profile":' || {quote(f"{record}.profile")} || ',"scope":' || {quote(f"{scope}.id")} """
            f"""|| ',"status":"' || {record}.status || '","revision":' || {self._shown(at)} """
            f"""|| ',"created":"' || {record}.created_at || '","modified":"' || {record}.modified_at || '"'"""
        )
        # Local ids are kept encoded; the few that look otherwise are decoded on the way out.
        parts.append(f"""CASE WHEN {self.sql.has(f"{record}.local_id", "%")} THEN ',"!encoded":true' ELSE '' END""")
        if inside != "FALSE":
            parts.append(
                f"""CASE WHEN {record}.revision <> {self._shown(at)} AND {inside} THEN ',"newest":' || {record}.revision ELSE '' END"""
            )
        fields = [self._fields_named(name, at.kinds) for name in chosen.fields]
        told = chosen.body or bool(chosen.fields)
        if told:
            source += f" LEFT JOIN revision {revision} ON {revision}.record = {record}.key AND {revision}.number = {self._shown(at)}"
        if chosen.body:
            parts.append(f"""',"body":' || coalesce({revision}.body, 'null')""")
        if chosen.fields:
            several = " || ',' || ".join(
                f"""'"{name}":' || coalesce({self.sql.part(f"{revision}.body", name)}, 'null')"""
                for name in dict.fromkeys(chosen.fields)
            )
            parts.append(f"""',"fields":{{' || {several} || '}}'""")
        holds_links = (
            chosen.body or chosen.linked or any(one.holds_links or one.references for found in fields for one in found)
        )
        cutting = inside != "TRUE" and holds_links
        # The linked form holds nothing private to begin with.
        if chosen.body or any(one.private or one.holds_private for found in fields for one in found):
            parts += self._private(at, inside)
        if chosen.findings and inside != "FALSE":
            parts.append(f"""CASE WHEN {inside} THEN ',"findings":' || coalesce({record}.findings, '[]') ELSE '' END""")
        if chosen.identifiers:
            parts.append(self._identifiers(at))
        if chosen.files:
            parts.append(
                f"""coalesce((SELECT ',"files":{{"version":' || fl.version || ',"count":' || fl.count || ',"size":' || fl.size || '}}'"""
                f""" FROM file_list fl WHERE fl.dataset = {record}.key), '')"""
            )
        if chosen.links or cutting:
            parts.append(self._links(at, inside, telling=chosen.links, cutting=cutting))
        if chosen.incoming:
            parts.append(self._incoming(at))
        if chosen.linked:
            source += f" LEFT JOIN linked d{at.number} ON d{at.number}.record = {record}.key"
            parts.append(f"""',"linked":' || coalesce(d{at.number}.document, 'null')""")
        parts.append("'}'")
        return "\n || ".join(parts), source

    def _private(self, at: _At, inside: str) -> list[str]:
        """The mark that the body holds what only writers are told."""
        if inside == "TRUE" or not (needles := self._private_names(at.kinds)):
            return []
        held = " OR ".join(self.sql.has(f"v{at.number}.body", f'"{needle}"') for needle in needles)
        return [f"""CASE WHEN NOT {inside} AND ({held}) THEN ',"!private":true' ELSE '' END"""]

    def _shown(self, at: _At) -> str:
        return f"{at.record}.shown"

    def _fields_named(self, name: str, kinds: tuple[str, ...]) -> list[Field]:
        return list(self.vocabulary.fields(name, kinds).values())

    def _private_names(self, kinds: tuple[str, ...]) -> list[str]:
        words = [self.vocabulary.kinds[kind] for kind in kinds or self.vocabulary.kinds]
        return sorted({path[-1] for one in words for path in one.private_paths})

    def _may_name(self, link: str) -> str:
        """That the reader may be told who asserted this link."""
        end = self._next(())
        known = (
            f"SELECT 1 FROM node {end.node} JOIN record {end.record} ON {end.record}.key = {end.node}.key"
            f""" JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope WHERE {end.node}.id = {link}."by" AND {self._linkable(end)}"""
        )
        by = f'{link}."by"'
        return f"({self.sql.has(by, ':')} OR EXISTS ({known}))"

    def _identifiers(self, at: _At) -> str:
        quote = self.sql.quote
        one = f"""'{{"scheme":' || {quote("i.scheme")} || ',"value":' || {quote("i.value")} || ',"primary":' || CASE WHEN i.is_primary THEN 'true' ELSE 'false' END || '}}'"""
        return (
            f"""',"identifiers":[' || coalesce((SELECT {self.sql.glue("i.told")} FROM (SELECT {one} AS told FROM identifier i"""
            f""" WHERE i.record = {at.record}.key ORDER BY i.scheme, i.value) AS i), '') || ']'"""
        )

    def _title(self, record: str) -> str:
        """The title of a record of any kind, as its mirror has it."""
        cases = []
        for kind, words in self.vocabulary.kinds.items():
            title = words.fields.get("title")
            if title is None or title.sort != "text":
                continue
            row, quote = "t", self.sql.quote
            english, japanese = (f"{row}.{_name(title.columns[part])}" for part in ("en", "ja"))
            any_ = f"{row}.{_name(title.columns['whole'])}"
            told = (
                f"""CASE WHEN {english} IS NOT NULL AND {japanese} IS NOT NULL THEN '{{"en":' || {quote(english)} || ',"ja":' || {quote(japanese)} || '}}'"""
                f""" WHEN {english} IS NOT NULL THEN '{{"en":' || {quote(english)} || '}}'"""
                f""" WHEN {japanese} IS NOT NULL THEN '{{"ja":' || {quote(japanese)} || '}}'"""
                f""" WHEN {any_} IS NOT NULL THEN '{{"und":' || {quote(any_)} || '}}' ELSE '{{}}' END"""
            )
            cases.append(
                f"WHEN {_literal(kind)} THEN (SELECT {told} FROM {_mirror(kind)} {row} WHERE {row}.record = {record}.key)"
            )
        return f"CASE {record}.kind {' '.join(cases)} END" if cases else "'{}'"

    def _links(self, at: _At, inside: str, *, telling: bool, cutting: bool) -> str:
        """The links (`telling`), and what must be cut out of the body for this reader (`cutting`): mostly nothing.

        Both from one walk along them: to find out who may see a target costs more than all else of a page.
        """
        end = self._next(())
        link, quote = f"l{end.number}", self.sql.quote
        by, may_name = f'{link}."by"', self._may_name(link)
        seen = f"coalesce({self._linkable(end, told=at)}, FALSE)"
        allowed = f"{self._outside(end)} OR {seen}{'' if inside == 'FALSE' else f' OR {inside}'}"
        columns, made, ordering = [f"{allowed} AS allowed", f"{end.node}.id AS target"], [], ""
        if telling:
            one = [f"""'{{"field":"' || {link}.field || '","to":' || {quote(f"{end.node}.id")}"""]
            one += [
                f"""CASE WHEN {link}."{name}" IS NULL THEN '' ELSE ',"{name}":' || {quote(f'{link}."{name}"')} END"""
                for name in ("role", "port", "predicate", "from", "until", "note")
            ]
            named = f"{by} IS NOT NULL AND ({inside} OR {may_name})"
            one.append(f"""CASE WHEN {named} THEN ',"by":' || {quote(by)} ELSE '' END""")
            one.append(f"""CASE WHEN {link}."order" IS NULL THEN '' ELSE ',"order":' || {link}."order" END""")
            one.append(
                f"""CASE WHEN {seen} THEN ',"kind":"' || {end.record}.kind || '","title":' || coalesce({self._title(end.record)}, '{{}}') ELSE '' END || '}}'"""
            )
            columns.append(f"{' || '.join(one)} AS told")
            listed = self.sql.glue("CASE WHEN x.allowed THEN x.told END")
            made.append(f"""',"links":[' || coalesce({listed}, '') || ']'""")
            ordering = f" ORDER BY {link}.field, {link}.place"
        if cutting:
            columns.append(f"CASE WHEN {by} IS NOT NULL AND NOT {may_name} THEN {quote(by)} END AS unnamed")
            hidden = self.sql.glue(f"CASE WHEN NOT x.allowed THEN {quote('x.target')} END")
            marks = f"""coalesce(',"!hidden":[' || {hidden} || ']', '') || coalesce(',"!unnamed":[' || {self.sql.glue("x.unnamed")} || ']', '')"""
            made.append(marks if inside == "FALSE" or not telling else f"CASE WHEN {inside} THEN '' ELSE {marks} END")
        rows = (
            f"SELECT {', '.join(columns)} FROM link {link} JOIN node {end.node} ON {end.node}.key = {link}.target"
            f" LEFT JOIN record {end.record} ON {end.record}.key = {link}.target LEFT JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope"
            f" WHERE {link}.record = {at.record}.key{ordering}"
        )
        told = f"(SELECT {' || '.join(made)} FROM ({rows}) AS x)"
        # Whoever is told everything costs no walk.
        return told if telling or inside == "FALSE" else f"CASE WHEN {inside} THEN '' ELSE {told} END"

    def _incoming(self, at: _At) -> str:
        end = self._next(())
        link = f"l{end.number}"
        # A beam-line may be linked from a million records: what is counted is bounded, and said to be so.
        some = (
            f"SELECT {link}.field AS field, {end.record}.kind AS kind FROM link {link} JOIN record {end.record} ON {end.record}.key = {link}.record"
            f" JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope WHERE {link}.target = {at.record}.key AND {self._linkable(end, told=at)}"
            f" LIMIT {BOUNDED_COUNT + 1}"
        )
        one = """'{"field":"' || g.field || '","kind":"' || g.kind || '","count":' || g.number || '}'"""
        grouped = f"SELECT c.field AS field, c.kind AS kind, count(*) AS number FROM ({some}) AS c GROUP BY c.field, c.kind ORDER BY c.field, c.kind"
        return (
            f"""(SELECT ',"incoming":[' || coalesce({self.sql.glue(one)}, '') || ']'"""
            f""" || CASE WHEN coalesce(sum(g.number), 0) > {BOUNDED_COUNT} THEN ',"incomingComplete":false' ELSE '' END FROM ({grouped}) AS g)"""
        )

    # --- values

    def _value(self, slot: Any) -> str:
        if not isinstance(slot, Slot):
            raise TypeError(f"a value reached the statement unbound: {slot!r}")
        return self.sql.value(f"p{slot.number}")


class Terms:
    """What a statement that is written out elsewhere needs: who may see what, and how this database says things."""

    def __init__(self, dialect: Dialect, vocabulary: Vocabulary, sight: Sees, of: Any) -> None:
        self.sql = dialect
        self._maker = Maker(dialect, vocabulary, sight, of)
        self._sight = sight
        self._of = of

    def beginning(self, more: Mapping[str, str] | None = None) -> str:
        """What the statement must begin with; `more` are tables of its own, worked out once."""
        return self._maker._with(more or {})

    def value(self, name: str) -> str:
        """Where the value of this name is bound."""
        return self.sql.value(name)

    def numbers(self, name: str) -> str:
        """The whole numbers of a JSON list, which is bound under this name."""
        return self.sql.numbers(self.value(name))

    def among(self, expression: str, name: str) -> str:
        """That the expression is one of the texts of a JSON list, which is bound under this name."""
        return f"{expression} IN ({self.sql.each(self.value(name))})"

    def named(self, expression: str, names: Sequence[str]) -> str:
        """That the expression is one of these names of kinds or fields."""
        return f"{expression} IN ({', '.join(map(_literal, names))})"

    def may_name(self, link: str) -> str:
        """That the reader may be told who asserted a link (a row of `link` by this alias)."""
        return self._maker._may_name(link)

    def meets(self, key: str, kind: str, asked: Condition) -> str:
        """That the record of this key and kind meets a condition (as its shape: the values are bound as p0, p1, …)."""
        at = self._maker._next((kind,), kind if _asks_fields(asked) else None)
        held = self._maker._condition(asked, at)
        return f"EXISTS (SELECT 1 FROM {self._maker._from(at)} WHERE {at.record}.key = {key} AND {held})"

    def readable(self, scope: str) -> str:
        return self._sight.readable(self._of, scope)

    def inside(self, scope: str) -> str:
        return self._sight.inside(self._of, scope)

    def granted(self, scope: str) -> str:
        return self._sight.granted(self._of, scope)

    def seen(self, name: str) -> str:
        """The keys of the records that this reader is told of by their ids (a JSON list, bound under this name), withdrawn ones too."""
        at = self._maker._next(())
        found = f"{self.among(f'{at.node}.id', name)} AND {self._maker._by_id(at)}"
        return f"SELECT {at.record}.key FROM {self._maker._from(at)} WHERE {found}"

    def listed(self, kinds: tuple[str, ...]) -> str:
        """The keys of the public records of these kinds (none: of all) that lists have for this reader, in no order."""
        at = self._maker._next(kinds)
        source = f"record {at.record}"
        if len(kinds) == 1:
            # The mirror has the records of just one kind, and SQLite is held to begin with it.
            mirrored = f"{_mirror(kinds[0])} {at.mirror} {self.sql.then()} record {at.record}"
            source = f"{mirrored} ON {at.record}.key = {at.mirror}.record"
        conditions = [self._maker._listed(at, ("public",)), *self._maker._of_kinds(at)]
        return (
            f"SELECT {at.record}.key AS key FROM {source} JOIN scope {at.scope} ON {at.scope}.key = {at.record}.scope"
            f" WHERE {' AND '.join(conditions)}"
        )

    def leading(self, link: str) -> str:
        """From links (rows of `link` by this alias, already there) to what they may be known to lead to."""
        end = self._maker._next(())
        return (
            f" JOIN node {end.node} ON {end.node}.key = {link}.target LEFT JOIN record {end.record} ON {end.record}.key = {link}.target"
            f" LEFT JOIN scope {end.scope} ON {end.scope}.key = {end.record}.scope"
            f" WHERE ({self._maker._outside(end)} OR coalesce({self._maker._linkable(end)}, FALSE))"
        )

    def number_in(self, document: str, name: str) -> str:
        """A whole number in a JSON document."""
        return self.sql.number_in(document, name)

    def flag_in(self, document: str, name: str) -> str:
        """That a JSON document says true under this name."""
        return self.sql.flag_in(document, name)

    def title(self, record: str) -> str:
        """The title of a record, as JSON text."""
        return self._maker._title(record)


_KEPT = ("id", "created", "modified", "order")


def _asks_fields(asked: Condition | None) -> bool:
    """Whether the condition needs the mirror row of the record itself."""
    match asked:
        case And(parts) | Or(parts):
            return any(map(_asks_fields, parts))
        case Not(part):
            return _asks_fields(part)
        case Compare() | Exists() | Dated() | Missing():
            return True
    return False


def _source_of(asked: Condition | None) -> Slot | None:
    """The one source that the condition holds every record to."""
    match asked:
        case OfRecord("source", "eq", Slot() as source):
            return source
        case And(parts):
            return next((source for part in parts if (source := _source_of(part)) is not None), None)
    return None


def _finds_first(asked: Condition | None) -> bool:
    """Whether an index finds few records for the condition, so that they are better found first and then put in order."""
    match asked:
        case And(parts):
            return any(map(_finds_first, parts))
        case Measured() | Termed() | Attributed():
            return True
    return _is_selective(asked)


def _is_selective(asked: Condition | None) -> bool:
    """Whether the condition surely leaves few records, so that it is better answered first than record by record."""
    match asked:
        case And(parts):
            return any(map(_is_selective, parts))
        case Linked(targets=targets, where=where):
            return bool(targets) or _is_selective(where)
        case Identified():
            return True
        case OfRecord("id", "eq" | "in"):
            return True
    return False


def _mirror(kind: str) -> str:
    return _name(mirror_view(kind))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    """A name out of the vocabulary (never a value that somebody sent) as an SQL literal."""
    if not name.replace("-", "").replace("/", "").isalnum() or not name.isascii():
        raise ValueError(f"{name!r} is no name of a kind, field or status")
    return f"'{name}'"
