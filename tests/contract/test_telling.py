"""What is told of records along their links is what a naive reading of the same records tells, on either database."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.errors import Invalid, TooCostly, TooSlow
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.ledger.statement import Terms
from catalog.questions.check import check_telling
from catalog.questions.question import DEEPEST, After, Condition, Count, Direction, Exists, Linked, Not, Order, Question
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.shape import lift
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
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.identifiers import split_id
from catalog.records.standing import scope_path
from tests.contract.ledgers import enter, entry, kinds, migrated
from tests.contract.oracle import Oracle
from tests.contract.small_catalogue import Plain, known_words, small
from tests.contract.test_answers import READERS, Filled, _body, by_reader, conditions, filled, orders

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


# --- one by one


def _deep(levels: int) -> Telling:
    """Samples and what they were derived from, or what was derived from them, so many levels of links below one another."""
    telling = Telling((Way((), (Told("id", "id"), Mirrored("title", "title"))),))
    for level in range(levels):
        direction: Direction = "in" if level % 2 else "out"
        info = PageInfo("info", (("more", "hasNextPage"), ("end", "endCursor")), 0)
        page = (Nodes("nodes", telling), info, Total("n"))
        below = Edges(f"e{level}", direction, page, "derivedFrom", ("sample",), first=3, count="exact")
        telling = Telling((Way((), (Told("id", "id"), below)),))
    return telling


@by_reader
def test_lists_may_stand_below_each_other_as_deep_as_questions_go(filled: Filled, reader: Reader) -> None:
    asked = Listing((Nodes("nodes", _deep(DEEPEST)),), ("sample",), first=5)

    assert told(filled, [asked], reader) == [Naive(Oracle(filled.plain, reader)).tell(asked)]
    with pytest.raises(Invalid):
        check_telling(Listing((Nodes("nodes", _deep(DEEPEST + 1)),), ("sample",)), filled.answers.vocabulary)


def _samples(**how: Any) -> Edges:
    info = PageInfo("info", (("more", "hasNextPage"), ("end", "endCursor")), 0)
    return Edges("samples", "out", (EdgeList("edges", (LinkTold("to", "to"),)), info), "samples", **how)


@pytest.mark.parametrize(
    "order", [(), (Order("order"),), (Order("title", True), Order("created")), (Order("id"),)], ids=str
)
def test_a_list_of_links_goes_on_behind_its_own_cursor(filled: Filled, order: tuple[Order, ...]) -> None:
    naive = Naive(Oracle(filled.plain, ADMINISTRATOR))
    experiments = [
        record for record in filled.plain.records if record.kind == "experiment" and record.status == "public"
    ]
    experiment = max(experiments, key=lambda record: len(naive.links(_samples(), record)))
    walked: list[str] = []
    after: After | None = None
    more = True
    while more:
        asked = ById(_one(_samples(order=order, first=1, after=after)), (), experiment.id)
        (answer,) = told(filled, [asked], ADMINISTRATOR)
        assert answer == naive.tell(asked)
        walked += [edge["to"] for edge in answer["samples"]["edges"]]
        more = answer["samples"]["info"]["more"]
        values, id = answer["samples"]["info"]["end"]
        after = After(tuple(values), id)

    assert len(walked) > 2
    assert walked == [row[1][2] for row in naive.links(_samples(order=order), experiment)]


def _one(*several: Member) -> Telling:
    return Telling((Way((), several),))


REFUSED: dict[str, Asked] = {
    "a key that ends the text": Listing((Nodes('a":"', _one()),)),
    "a key of a member": Listing((Nodes("a", _one(Told("a'b", "id"))),)),
    "a key of an edge": Listing((EdgeList("a", (Cursor("\x01", 0),)),)),
    "a key of the page": Listing((PageInfo("a", (("b c", "endCursor"),), 0),)),
    "a member of the body that is no name": Listing((Nodes("a", _one(Drawn(1, ("body",), ("a'b",)))),)),
    "a field that is private": Listing((Nodes("a", _one(Mirrored("a", "contact"))),), ("agent",)),
    "a field that no kind has": Listing((Nodes("a", _one(Mirrored("a", "nothing"))),)),
    "a field that no column has": Listing((Nodes("a", _one(Mirrored("a", "samples"))),), ("experiment",)),
    "a kind that is none": Listing((Nodes("a", Telling((Way(("planet",), ()),))),)),
    "links that the kind has not": Listing((Nodes("a", _one(replace(_samples(), field="orbits"))),)),
    "too many": Listing((Nodes("a", _one()),), first=1_001),
    "too many links": Listing((Nodes("a", _one(_samples(first=0))),), ("experiment",)),
    "a total of what is not counted": Listing((Total("a"),)),
    "another list's cursor": ById(_one(_samples(after=After((), "sample/ddbj/s-001"))), ("experiment",), "x"),
    "a cursor of another order": ById(_one(_samples(after=After(("x",), '["samples",1,"x"]'))), ("experiment",), "x"),
    "a cursor that no number is in": ById(
        _one(_samples(after=After((), '["samples",true,"x"]'))), ("experiment",), "x"
    ),
    "more ids than may be asked for": ByIds(_one(), (), ("x",) * 1_001),
    "an id that no text can hold": ById(_one(), (), "a\0b"),
    "more lists than a record has": Listing(
        (Nodes("a", _one(*(replace(_samples(), key=f"k{number}") for number in range(51)))),), ("experiment",)
    ),
}


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_told_is_refused_before_it_reaches_a_statement(asked: Asked) -> None:
    _, words = known_words()

    with pytest.raises(Invalid):
        check_telling(asked, words)
    check_telling(
        Listing((Nodes("a", _one(Told("b", "id"), _samples())), Total("c")), ("experiment",), count="exact"), words
    )


# --- what happens while somebody reads


@dataclass
class House:
    """A ledger and what answers from it; everyone may read `lab`, but not `company`."""

    ledger: Ledger
    answers: Answers

    def told(self, *asked: Asked, reader: Reader = PUBLIC, **how: Any) -> list[Any]:
        for each in asked:
            check_telling(each, self.answers.vocabulary)
        return [orjson.loads(text) for text in self.answers.told(asked, reader, FILLERS, **how)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    scopes = Scopes(store)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("company", ADMINISTRATOR)
    yield House(ledger, Answers(store, vocabulary_of(kinds()), Sight(store.database.name)))
    store.close()


def _sample(*sources: Any) -> dict[str, Any]:
    return {"title": {"en": "a sample"}, "derivedFrom": list(sources)}


def test_a_walk_along_links_misses_none_and_repeats_none_while_others_are_put_before_and_behind(house: House) -> None:
    enter(house.ledger, *(entry(f"s{number}") for number in range(6)))
    first = [f"sample/lab/s{number}" for number in range(4)]
    enter(
        house.ledger, entry("out", _sample(*first)), *(entry(f"in{number}", _sample(first[0])) for number in range(4))
    )

    for direction, start, expected in (("out", "out", first), ("in", "s0", [f"sample/lab/in{n}" for n in range(4)])):
        walked: list[str] = []
        after: After | None = None
        for step in range(20):
            info = PageInfo("info", (("more", "hasNextPage"), ("end", "endCursor")), 0)
            page = (EdgeList("edges", (LinkTold("to", "to"),)), info)
            edges = Edges("links", direction, page, "derivedFrom", ("sample",), first=1, after=after)  # type: ignore[arg-type]
            (answer,) = house.told(ById(_one(edges), (), f"sample/lab/{start}"))
            walked += [edge["to"] for edge in answer["links"]["edges"]]
            if not answer["links"]["info"]["more"]:
                break
            values, id = answer["links"]["info"]["end"]
            after = After(tuple(values), id)
            if step == 1 and direction == "out":
                # Before what was told already, and behind it.
                put = ["sample/lab/s4", first[0], first[1], "sample/lab/s5", first[2], first[3]]
                enter(house.ledger, entry("out", _sample(*put)))
                expected = [first[0], first[1], "sample/lab/s5", first[2], first[3]]
            if step == 1 and direction == "in":
                # The one that was told last links to something else before, and one more comes.
                enter(house.ledger, entry("in1", _sample("sample/lab/s1", first[0])), entry("in9", _sample(first[0])))
                # Those that came together came in the order of their ids.
                expected = [*expected, "sample/lab/out", "sample/lab/in9"]
        assert walked == expected


def test_who_asserted_a_link_is_told_to_whom_the_body_tells_it(house: House) -> None:
    told_by = {"to": "sample/lab/a", "by": "agent/lab/hidden", "role": "part"}
    names = {"names": {"en": "Somebody"}, "title": {"en": "Somebody"}, "type": "person"}
    enter(
        house.ledger,
        entry("a"),
        entry("hidden", names, kind="agent", into="company"),
        entry("b", _sample(told_by, {**told_by, "by": "https://example.org/x", "role": "whole"})),
    )
    page = (EdgeList("edges", (LinkTold("by", "by"), LinkTold("role", "role"))),)
    asked = (
        ById(_one(Edges("links", "out", page, "derivedFrom")), (), "sample/lab/b"),
        ById(_one(Edges("links", "in", page, "derivedFrom")), (), "sample/lab/a"),
    )
    outside, part = {"by": "https://example.org/x", "role": "whole"}, {"by": "agent/lab/hidden", "role": "part"}
    writer, member = Reader("writer", (Grant("write", "lab"),)), Reader("member", (Grant("read", "company"),))

    for reader, expected in ((PUBLIC, part | {"by": None}), (writer, part), (member, part), (ADMINISTRATOR, part)):
        for answer in house.told(*asked, reader=reader):
            assert answer["links"]["edges"] == [expected, outside]


def test_the_page_of_a_hub_is_read_off_the_index(house: House) -> None:
    enter(house.ledger, entry("hub"), *(entry(f"s{number:04}", _sample("sample/lab/hub")) for number in range(50)))
    asked = ById(
        _one(Edges("links", "in", (Nodes("nodes", _one(Told("id", "id"))),), "derivedFrom", first=3)),
        (),
        "sample/lab/hub",
    )
    if house.ledger.store.database.name == "sqlite":
        plan = house.answers._plan("told", lift((asked,), []), PUBLIC)
        bound = house.answers._bind(["sample/lab/hub", 3], PUBLIC)
        with house.ledger.store.glance() as driver:
            steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {plan.statement}", bound)]
        assert any("ix_link_target_field" in step for step in steps)
        assert not any("ORDER BY" in step for step in steps)

    (answer,) = house.told(asked)

    assert [node["id"] for node in answer["links"]["nodes"]] == [f"sample/lab/s{number:04}" for number in range(3)]


def test_a_local_id_is_told_as_it_was_sent_and_texts_whatever_they_hold(house: House) -> None:
    title = 'it\'s 100 % "so" \\ \x7f {0} :p0 正極 𝒳'
    enter(house.ledger, entry("a b/c:d", {"title": {"en": title}}))
    told_of = _one(Told("local", "localId"), Mirrored("title", "title"), Drawn(1, ("body",), ("title",)))

    ((answer,),) = [each["nodes"] for each in house.told(Listing((Nodes("nodes", told_of),)))]

    assert answer["local"] == "a b/c:d"
    assert answer["title"] == title
    assert answer["drawn1"] == ["sample", {"title": {"en": title}}]


# --- how long it may take


def test_a_statement_that_takes_longer_than_it_may_is_stopped_and_the_next_is_answered(house: House) -> None:
    enter(house.ledger, entry("a"))
    asked = Listing((Nodes("nodes", _one(Told("id", "id"))),))
    endless = {
        "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }[house.ledger.store.database.name]

    def asks(terms: Terms) -> str:
        return endless

    with pytest.raises(TooSlow) as stopped:
        house.answers.rows(asks, {}, PUBLIC, deadline_seconds=0.05)
    with house.ledger.store.read() as connection, pytest.raises(TooSlow):
        house.answers.rows(asks, {}, PUBLIC, connection, deadline_seconds=0.05)

    assert "0.05 s" in stopped.value.message
    for _ in range(40):
        (answer,) = house.told(asked, deadline_seconds=30)
        assert [node["id"] for node in answer["nodes"]] == ["sample/lab/a"]


def test_others_are_answered_while_a_slow_statement_runs(house: House) -> None:
    enter(house.ledger, entry("a"))
    asked = Listing((Nodes("nodes", _one(Told("id", "id"))),))
    done = threading.Event()
    outcome: list[type[BaseException]] = []

    def slow(terms: Terms) -> str:
        if house.ledger.store.database.name == "postgresql":
            return "SELECT pg_sleep(60)"
        return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    def ask_slowly() -> None:
        try:
            house.answers.rows(slow, {}, PUBLIC, deadline_seconds=1.5)
        except TooSlow as error:
            outcome.append(type(error))
        finally:
            done.set()

    asking = threading.Thread(target=ask_slowly)
    asking.start()
    answered = 0
    while not done.is_set():
        house.told(asked, deadline_seconds=30)
        answered += 1
    asking.join()

    assert outcome == [TooSlow]
    assert answered > 1


@by_reader
def test_as_many_lists_and_members_as_may_be_asked_for_are_told(filled: Filled, reader: Reader) -> None:
    narrowed = Linked("samples", "in", kinds=("experiment",), where=Linked("generatedBy", "in", where=Exists("title")))
    lists = [_samples(first=2, where=Not(narrowed)) if number % 5 == 0 else _samples(first=2) for number in range(50)]
    members: list[Member] = [replace(each, key=f"list{number}") for number, each in enumerate(lists)]
    members += [Told(f"m{number}", KEPT[number % len(KEPT)]) for number in range(700)]  # type: ignore[arg-type]
    asked = Listing((Nodes("nodes", _one(*members)),), ("experiment",), first=3)

    assert told(filled, [asked], reader) == [Naive(Oracle(filled.plain, reader)).tell(asked)]


@by_reader
def test_conditions_along_more_links_than_a_database_reads_are_refused_as_too_costly(
    filled: Filled, reader: Reader
) -> None:
    where: Condition = Exists("title")
    for depth in range(1, DEEPEST - 1):
        where = Linked("derivedFrom", where=where)
        asked = Listing((Nodes("nodes", _one(Told("id", "id"))),), ("sample",), where)
        try:
            answers = told(filled, [asked], reader)
        except TooCostly:
            assert filled.answers.store.database.name == "sqlite"
            assert depth > 4
        else:
            assert answers == [Naive(Oracle(filled.plain, reader)).tell(asked)]


def test_statements_that_are_kept_are_few_enough_to_be_held(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks long questions, each of another shape, does not fill the memory; what was let go is made again."""
    fresh = Answers(filled.answers.store, filled.answers.vocabulary, filled.answers.sight, clock=filled.answers.clock)
    asked = [
        Listing((Nodes("nodes", Telling((Way((), tuple(Told(f"a{each}", "id") for each in range(number))),))),))
        for number in range(1, 40)
    ]
    first = [fresh.told([each], PUBLIC, ()) for each in asked]
    monkeypatch.setattr("catalog.ledger.answer.MOST_CHARACTERS", 20_000)
    assert [fresh.told([each], PUBLIC, ()) for each in asked[:1]] == first[:1]
    again = [fresh.told([each], PUBLIC, ()) for each in [*asked, Listing((Total("n"),), count="exact")]]
    assert again[:-1] == first
    kept = sum(len(plan.statement) for plan in fresh._plans.values())
    assert kept == fresh._characters <= 20_000
    assert 1 < len(fresh._plans) < len(asked)
