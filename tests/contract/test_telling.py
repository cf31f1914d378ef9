"""What is told of records along their links is what a naive reading of the same records tells, on either database."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.questions.check import check_telling
from catalog.questions.question import Count, Direction, Order, Question
from catalog.questions.reader import Reader
from catalog.questions.telling import (
    Asked,
    ById,
    ByIds,
    Constant,
    Cursor,
    Drawn,
    EdgeList,
    Edges,
    LinkTold,
    Listing,
    Member,
    Mirrored,
    Node,
    Nodes,
    OfKind,
    PageInfo,
    PageMember,
    Telling,
    Told,
    Total,
    TotalIsExact,
    Way,
)
from catalog.records.identifiers import split_id
from catalog.records.standing import scope_path
from tests.contract.oracle import Oracle
from tests.contract.small_catalogue import Plain, small
from tests.contract.test_answers import READERS, Filled, _body, conditions, filled, orders

__all__ = ["filled"]

PLAIN = small()
KINDS = ("agent", "dataset", "experiment", "sample")
IDS = [record.id for record in PLAIN.records]
OF_LINK = ("field", "to", "role", "port", "order", "predicate", "from", "until", "note", "by")
KEPT = ("id", "kind", "source", "localId", "profile", "scope", "status", "revision", "newest", "created", "modified")
INFO = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename")
# What may stand at the other end of a field's links in this catalogue, by direction.
ALONG = {
    ("sample", "out"): ("derivedFrom", "seeAlso", None),
    ("sample", "in"): ("derivedFrom", "samples", None),
    ("experiment", "out"): ("samples", "seeAlso", None),
    ("experiment", "in"): ("generatedBy", None),
    ("dataset", "out"): ("generatedBy", "contributors", "seeAlso", None),
    ("dataset", "in"): ("seeAlso", None),
    ("agent", "out"): ("seeAlso", None),
    ("agent", "in"): ("contributors", None),
}
ENDS = {
    ("derivedFrom", "out"): ("sample",),
    ("derivedFrom", "in"): ("sample",),
    ("samples", "out"): ("sample",),
    ("samples", "in"): ("experiment",),
    ("generatedBy", "in"): ("dataset",),
}


# --- fillers that show what they are given


def drawn(number: int) -> Any:
    """A filler whose members tell its documents and the kind."""
    return lambda documents, kind: f'"drawn{number}":{orjson.dumps([kind, documents]).decode()}'


def cursor(place: Any, kind: str) -> str:
    """A filler that tells the place as it is."""
    assert kind == ""
    return orjson.dumps(place).decode()


FILLERS = [cursor, *(drawn(number) for number in range(1, 10))]
DOCUMENTS = ("body", "linked", "scope", "findings", "files", "entry", "id", "source")


# --- the naive reading


class Naive:
    """Tells by looking at every record and every link."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def tell(self, asked: Asked) -> Any:
        match asked:
            case Listing():
                question = Question(asked.kinds, asked.where, asked.statuses, asked.order)
                found = [(self.oracle.records[id], None) for id in self.oracle.find(question)]
                return self.page(asked, found, lambda row: row[0].id)
            case ById(telling, kinds, id):
                return self.by_id(telling, kinds, id)
            case ByIds(telling, kinds, ids):
                return [self.by_id(telling, kinds, id) for id in ids]

    def by_id(self, telling: Telling, kinds: tuple[str, ...], id: str) -> Any:
        record = self.oracle.records.get(id)
        if record is None or not self.oracle.by_id(record) or record.status == "withdrawn":
            return None
        if record.merged_into and self.oracle.linkable(record.merged_into):
            return None
        return self.record(telling, record) if not kinds or record.kind in kinds else None

    def record(self, telling: Telling, record: Plain) -> dict[str, Any]:
        way = next((way for way in telling.ways if not way.kinds or record.kind in way.kinds), None)
        made: dict[str, Any] = {}
        for member in way.members if way else ():
            made |= self.member(member, record)
        return made

    def member(self, member: Member, record: Plain) -> dict[str, Any]:
        match member:
            case Constant(key, text):
                return {key: orjson.loads(text)}
            case OfKind(key, texts):
                return {key: orjson.loads(dict(texts).get(record.kind, "null"))}
            case Told(key, kept):
                known = {"localId": split_id(record.id)[2], "profile": None, "revision": 1, "newest": 1}
                return {key: known[kept] if kept in known else getattr(record, kept)}
            case Mirrored(key, "title", language):
                return {key: self.oracle.field(record, "title", language)}
            case Mirrored(key, name):
                return {key: self.oracle.field(record, name)}
            case Drawn(filler, documents, fields):
                told = {document: self.document(document, record, fields) for document in documents}
                return {f"drawn{filler}": [record.kind, told if len(documents) > 1 else told[documents[0]]]}
            case Edges():
                return {member.key: self.page(member, self.links(member, record), self.place_of_link)}

    def document(self, document: str, record: Plain, fields: tuple[str, ...]) -> Any:
        inside = self.oracle.inside(record)
        match document:
            case "body":
                body = _body(record, self.oracle)
                return {name: body[name] for name in fields if name in body} if fields else body
            case "linked":
                if not self.oracle.mirrored(record):
                    return None
                body = _body(record, self.oracle)
                # The linked form of these tests is the body, whose private field a real one has not.
                return (
                    {"id": record.id, **body} | {"contact": record.body["contact"]}
                    if "contact" in record.body
                    else {"id": record.id, **body}
                )
            case "scope":
                return {"id": record.scope, "title": {}, "path": list(scope_path(record.scope))}
            case "findings":
                return [] if inside else None
            case "entry":
                by = "someone" if inside else None
                return {"number": 1, "at": record.created, "load": None, "by": by, "agent": None}
            case "id":
                return record.id
            case "source":
                return record.source
        return None

    def links(self, asked: Edges, record: Plain) -> list[tuple[Plain | None, Any]]:
        oracle = self.oracle
        found: list[tuple[Plain | None, Any]] = []
        for other in oracle.records.values() if asked.direction == "in" else (record,):
            for place, link in self.numbered(other):
                if asked.direction == "in" and link.to != record.id:
                    continue
                end = other if asked.direction == "in" else oracle.records.get(link.to)
                if asked.field is not None and link.field != asked.field:
                    continue
                if asked.role is not None and link.role != asked.role:
                    continue
                if ":" in link.to:
                    if asked.where is None and not asked.kinds:
                        found.append((None, (place, link, link.to)))
                    continue
                if end is None or not oracle.linkable(end.id) or (asked.kinds and end.kind not in asked.kinds):
                    continue
                if asked.where is None or oracle.holds(asked.where, end):
                    found.append((end, (place, link, end.id)))
        # A list by its field comes as its record tells it; along any field, by the names of these.
        found.sort(key=lambda row: "" if asked.field else row[1][1].field)
        for one in reversed(asked.order):
            found.sort(key=lambda row: self._key(row, one), reverse=one.descending)
            found.sort(key=lambda row: self.value(row, one) is None)
        return found

    def numbered(self, record: Plain) -> list[tuple[int, Any]]:
        if not hasattr(self, "_places"):
            counter = itertools.count()
            self._places = {
                each.id: [(next(counter), link) for link in each.links]
                for each in self.oracle.records.values()
                if self.oracle.mirrored(each)
            }
        return self._places.get(record.id, [])

    def value(self, row: tuple[Plain | None, Any], order: Order) -> Any:
        record, link = row
        if order.by == "order":
            return link[1].order
        if order.by == "id" and link is not None:
            return link[2]
        return None if record is None else self.oracle.value(record, order.by, order.language)

    def _key(self, row: tuple[Plain | None, Any], order: Order) -> Any:
        value = self.value(row, order)
        if value is None:
            return b"" if order.by not in ("order", "size") else 0
        return value.encode() if isinstance(value, str) else value

    def place_of_link(self, row: tuple[Plain | None, Any]) -> str:
        place, link, end = row[1]
        # As the database writes it: without blanks, but for those between texts.
        return f'["{link.field}",{place},{orjson.dumps(end).decode()}]'

    def page(self, asked: Listing | Edges, found: Sequence[Any], tie: Any) -> dict[str, Any]:
        places = [[[self.value(row, one) for one in asked.order], tie(row)] for row in found]
        start = 0
        if asked.after is not None:
            start = places.index([list(asked.after.values), asked.after.id]) + 1
        rows, at = found[start:][: asked.first], places[start:][: asked.first]
        made: dict[str, Any] = {}
        for member in asked.page:
            match member:
                case Constant(key, text):
                    made[key] = orjson.loads(text)
                case Nodes(key, telling):
                    made[key] = [self.record(telling, row[0]) for row in rows if row[0] is not None]
                case EdgeList(key, members):
                    made[key] = [self.edge(members, row, place) for row, place in zip(rows, at, strict=True)]
                case PageInfo(key, infos):
                    known = {
                        "hasNextPage": len(found) - start > asked.first,
                        "hasPreviousPage": asked.after is not None,
                        "startCursor": at[0] if at else None,
                        "endCursor": at[-1] if at else None,
                        "__typename": "PageInfo",
                    }
                    made[key] = {name: known[what] for name, what in infos}
                case Total(key):
                    made[key] = len(found)
                case TotalIsExact(key):
                    made[key] = True
        return made

    def edge(self, members: Any, row: tuple[Plain | None, Any], place: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for member in members:
            match member:
                case Constant(key, text):
                    made[key] = orjson.loads(text)
                case LinkTold(key, of):
                    _, link, end = row[1]
                    known = {"field": link.field, "to": end, "role": link.role, "order": link.order}
                    made[key] = known.get(of)
                case Cursor(key):
                    made[key] = place
                case Node(key, telling):
                    made[key] = None if row[0] is None else self.record(telling, row[0])
        return made


def told(filled: Filled, asked: Sequence[Asked], reader: Reader) -> list[Any]:
    """What the catalogue tells."""
    for each in asked:
        check_telling(each, filled.answers.vocabulary)
    return [orjson.loads(text) for text in filled.answers.told(asked, reader, FILLERS)]


# --- anything that may be told, to any reader

keys = st.sampled_from(["a", "b", "nodes", "Title_2", "_c"])


@st.composite
def tellings(draw: st.DrawFn, kinds: tuple[str, ...], depth: int) -> Telling:
    split = draw(st.booleans()) and len(kinds) > 1
    several: list[tuple[str, ...]] = (
        [(kind,) for kind in kinds[:-1]] + [(kinds[-1],) if draw(st.booleans()) else ()] if split else [()]
    )
    return Telling(tuple(Way(way, draw(members(way or kinds, depth))) for way in several))


@st.composite
def members(draw: st.DrawFn, kinds: tuple[str, ...], depth: int) -> tuple[Member, ...]:
    made: list[Any] = []
    for number in range(draw(st.integers(0, 4))):
        key = f"m{number}"
        one: list[st.SearchStrategy[Any]] = [
            st.builds(Constant, st.just(key), st.sampled_from(['"Sample"', '"it\'s 5 % {off}"', "null"])),
            st.just(OfKind(key, (("sample", '"Sample"'), ("agent", '"Agent"')))),
            st.builds(Told, st.just(key), st.sampled_from(KEPT)),
            st.builds(Mirrored, st.just(key), st.just("title"), st.sampled_from([None, "en", "ja"])),
            st.builds(
                Drawn,
                st.just(number + 1),
                st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=3, unique=True).map(tuple),
                st.sampled_from([(), (), ("title",), ("title", "contact"), ("seeAlso", "size"), ("contributors",)]),
            ),
        ]
        if kinds == ("sample",):
            one.append(st.builds(Mirrored, st.just(key), st.sampled_from(["tissue", "collectedAt"])))
        if kinds == ("dataset",):
            one.append(st.just(Mirrored(key, "size")))
        choice = st.one_of(one)
        if depth and all(kind in KINDS for kind in kinds):
            choice |= edges(key, kinds, depth)
        made.append(draw(choice))
    return tuple(made)


@st.composite
def edges(draw: st.DrawFn, key: str, kinds: tuple[str, ...], depth: int) -> Edges:
    direction: Direction = draw(st.sampled_from(["out", "in"]))
    possible = set.intersection(*(set(ALONG[kind, direction]) for kind in kinds))
    field = draw(st.sampled_from(sorted(possible, key=str)))
    ends = ENDS.get((field or "", direction), ())
    named = draw(st.booleans())
    # Without kinds, what links in may be of any kind that has the field.
    asked: tuple[str, ...] = ends if named or direction == "in" else ()
    if not ends and draw(st.booleans()):
        asked = draw(st.sampled_from([("sample",), ("dataset", "agent")]))
    end = asked or ends
    return Edges(
        key,
        direction,
        draw(pages(end or KINDS, depth - 1, of_links=True)),
        field,
        asked,
        draw(st.none() | st.none() | conditions(end, 0)),
        draw(st.sampled_from([None, None, "measured", "creator"])),
        draw(orders(end) | st.just((Order("order"),)) | st.just(())),
        draw(st.sampled_from([1, 2, 100])),
        count=draw(st.sampled_from(["none", "exact", "bounded"])),
    )


@st.composite
def pages(draw: st.DrawFn, kinds: tuple[str, ...], depth: int, *, of_links: bool = False) -> tuple[PageMember, ...]:
    made: list[PageMember] = []
    for number in range(draw(st.integers(1, 3))):
        key = f"p{number}"
        edge: list[st.SearchStrategy[Any]] = [
            st.just(Constant("t", '"Edge"')),
            st.just(Cursor("c", 0)),
            st.builds(Node, st.just("n"), tellings(kinds, depth)),
        ]
        if of_links:
            edge.append(st.builds(LinkTold, st.just("l"), st.sampled_from(OF_LINK)))
        infos = st.lists(st.sampled_from(INFO), min_size=1, unique=True)
        made.append(
            draw(
                st.one_of(
                    st.builds(Nodes, st.just(key), tellings(kinds, depth)),
                    st.builds(EdgeList, st.just(key), st.lists(st.one_of(edge), min_size=1, max_size=3).map(tuple)),
                    st.builds(
                        PageInfo, st.just(key), infos.map(lambda some: tuple((one, one) for one in some)), st.just(0)
                    ),
                )
            )
        )
    return tuple(made)


def _with_totals(page: tuple[PageMember, ...], count: str) -> tuple[PageMember, ...]:
    return page if count == "none" else (*page, Total("total"), TotalIsExact("exact"))


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    kinds = draw(st.sampled_from([("sample",), ("experiment",), ("dataset",), ("sample", "agent"), ()]))
    count: Count = draw(st.sampled_from(["none", "exact", "bounded"]))
    return Listing(
        _with_totals(draw(pages(kinds or KINDS, 3)), count),
        kinds,
        draw(st.none() | conditions(kinds, 1)),
        draw(st.sampled_from([("public",), ("public",), ("public", "draft", "private"), ("quarantined", "public")])),
        draw(orders(kinds)),
        draw(st.sampled_from([1, 3, 1000])),
        count=count,
    )


some_ids = st.sampled_from([*IDS, "sample/ddbj/not-here", "nothing"])


@st.composite
def askings(draw: st.DrawFn) -> Asked:
    which = draw(st.integers(0, 3))
    if which < 2:
        return draw(listings())
    kinds = draw(st.sampled_from([("sample",), ()]))
    telling = draw(tellings(kinds or KINDS, 2))
    if which == 2:
        return ById(telling, kinds, draw(some_ids))
    return ByIds(telling, kinds, tuple(draw(st.lists(some_ids, max_size=6))))


# To make what fails smaller takes minutes, and what is left is no easier to read.
@settings(max_examples=60, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(asked=st.lists(askings(), min_size=1, max_size=3), reader=st.sampled_from(READERS))
def test_whatever_is_asked_is_told_as_a_naive_reading_tells_it(
    filled: Filled, asked: list[Asked], reader: Reader
) -> None:
    naive = Naive(Oracle(filled.plain, reader))

    assert told(filled, asked, reader) == [naive.tell(each) for each in asked]
