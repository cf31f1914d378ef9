"""What every answer promises, on SQLite and on PostgreSQL alike: what a naive reading of the same records says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.access.sight import Sight
from catalog.discovery.changes import changes_after
from catalog.discovery.export import records, table
from catalog.discovery.find import find
from catalog.discovery.history import difference, history
from catalog.discovery.overview import counts_by_kind, health
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, Moved, Shown, show
from catalog.errors import Gone, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.questions.check import check
from catalog.questions.cursor import read_cursor
from catalog.questions.question import (
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Exists,
    Identified,
    InScope,
    Linked,
    Measured,
    Not,
    OfRecord,
    Or,
    Order,
    Question,
    Selection,
)
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.records.kinds import Kinds
from tests.contract.ledgers import migrated
from tests.contract.oracle import Oracle
from tests.contract.small_catalogue import FUTURE, NOW, PAST, SCOPES, Plain, Small, fill, known_words, small

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
READERS = (
    PUBLIC,
    ADMINISTRATOR,
    Reader("member", (Grant("read", "spring8/2026A1"),)),
    Reader("facility", (Grant("read", "spring8"), Grant("download", "company"))),
    Reader("writer", (Grant("write", "spring8/2026A1/secret"), Grant("read", "spring8/later"))),
    Reader("manager", (Grant("manage", "company"), Grant("share", "ddbj"))),
)
by_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)


@dataclass
class Filled:
    """A small catalogue, plain and stored."""

    plain: Small
    answers: Answers
    kinds: Kinds

    def at(self, clock: str) -> Answers:
        return Answers(self.answers.store, self.answers.vocabulary, self.answers.sight, clock=lambda: clock)


@pytest.fixture(scope="module", params=BOTH)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The catalogue, made once for all of these tests, which only read."""
    made = None
    if request.param == "postgresql":
        made = _database(request.getfixturevalue("postgresql_server"))
        address = next(made)
    else:
        address = f"sqlite:///{tmp_path_factory.mktemp('answers') / 'catalogue.db'}"
    store = migrated(address)
    kinds, words = known_words()
    plain = small()
    fill(store, plain, kinds)
    yield Filled(plain, Answers(store, words, Sight(store.database.name), clock=lambda: NOW), kinds)
    store.close()
    if made is not None:
        next(made, None)


def _database(server: str) -> Iterator[str]:
    import uuid

    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


# --- any question, any reader

PLAIN = small()
IDS = [record.id for record in PLAIN.records]
TARGETS = [*IDS, "sample/ddbj/not-here", "https://example.org/thing/1"]
texts = st.sampled_from(["Iron", "正極", "Å", "iron oxide 3", "zebra 1", "ß", "𝒳", "", "leaf", "Leaf", "葉"])
times = st.sampled_from([None, PAST, "2026-03-01T00:00:00.000000Z", "2026-07-15T00:00:00.000000Z", FUTURE])
floats = st.sampled_from([None, 0.5, 1.0, 2.5, 4.0, 6.0, 100.0])
operators = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "prefix"])


def _interval(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    low, high = pair
    return (low, high) if low is None or high is None or low <= high else (high, low)


times_pair = st.tuples(times, times).map(_interval)
floats_pair = st.tuples(floats, floats).map(_interval)


def leaves(kinds: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    """Conditions without others in them, that can be asked of these kinds."""
    made: list[st.SearchStrategy[Any]] = [
        st.builds(Compare, st.just("title"), operators, texts, st.sampled_from([None, "en", "ja"])),
        st.builds(Compare, st.just("title"), st.just("in"), st.lists(texts, min_size=1, max_size=5).map(tuple)),
        st.builds(Compare, st.just("language"), st.just("eq"), st.sampled_from(["ja", "en", "fr"])),
        st.builds(Compare, st.just("language"), st.just("in"), st.sampled_from([("fr",), ("en", "fr"), ("ja", "en")])),
        st.builds(Compare, st.just("keywords"), st.just("eq"), texts),
        st.just(Exists("language")),
        st.builds(
            OfRecord,
            st.sampled_from(["source", "localId", "profile"]),
            operators,
            st.sampled_from(["ddbj", "s", "spring8"]),
        ),
        st.builds(
            OfRecord, st.just("id"), st.just("in"), st.lists(st.sampled_from(IDS), min_size=1, max_size=5).map(tuple)
        ),
        st.builds(
            OfRecord, st.sampled_from(["created", "modified"]), st.sampled_from(["lt", "ge"]), times.filter(bool)
        ),
        st.builds(InScope, st.sampled_from([scope.id for scope in SCOPES] + ["nowhere"]), st.booleans()),
        st.builds(
            Attributed,
            st.sampled_from(["tissue", "coating", "none"]),
            st.just("eq"),
            st.sampled_from(["leaf", "Rh", "R" * 70, "R" * 65]),
            st.sampled_from([None, "http://t/1"]),
        ),
        st.builds(
            Attributed, st.sampled_from(["tissue", "coating"]), st.just("prefix"), st.sampled_from(["R", "R" * 66, "l"])
        ),
        st.builds(Attributed, st.just("tissue")),
        st.builds(Identified, st.sampled_from(["same", "10.1/3", "10.1/7"]), st.sampled_from([None, "doi", "local"])),
        st.builds(
            lambda name, place, pair, kinds: Measured(name, place, *pair, kinds),
            st.sampled_from(["energy", "temperature"]),
            st.sampled_from(["condition", "anywhere", "attribute"]),
            floats_pair,
            st.sampled_from([(), ("Energy",), ("Energy", "Temperature")]),
        ),
        st.builds(
            Linked,
            st.none(),
            st.sampled_from(["out", "in"]),
            st.lists(st.sampled_from(TARGETS), max_size=2).map(tuple),
        ),
        st.builds(Exists, st.sampled_from(["title", "seeAlso"])),
    ]
    if kinds == ("sample",):
        made += [
            st.builds(Compare, st.just("tissue"), operators, texts),
            st.builds(lambda pair: Dated("collectedAt", "overlaps", *pair), times_pair),
            st.builds(lambda at: Dated("collectedAt", "before", at, None), times.filter(bool)),
            st.builds(lambda at: Dated("collectedAt", "after", None, at), times.filter(bool)),
            st.builds(lambda pair: Measured("amount", "field", *pair), floats_pair),
            st.builds(Exists, st.sampled_from(["tissue", "collectedAt", "amount", "derivedFrom"])),
            st.builds(
                Linked, st.just("samples"), st.just("in"), st.just(()), st.sampled_from([None, "measured", "control"])
            ),
        ]
    if kinds == ("dataset",):
        made.append(
            st.builds(
                Compare, st.just("size"), st.sampled_from(["eq", "ne", "lt", "ge"]), st.sampled_from([1, 2, 10, 10**12])
            )
        )
    if kinds == ("experiment",):
        made.append(
            st.builds(
                Linked,
                st.just("samples"),
                st.just("out"),
                st.lists(st.sampled_from(TARGETS), max_size=3).map(tuple),
                st.sampled_from([None, "measured", "control"]),
            )
        )
    return st.one_of(made)


def conditions(kinds: tuple[str, ...], depth: int = 2) -> st.SearchStrategy[Condition]:
    """Conditions of these kinds, with conditions on what they are linked to."""
    base = leaves(kinds)
    if depth:
        over: dict[tuple[str, ...], tuple[str, str, tuple[str, ...]]] = {
            ("sample",): ("derivedFrom", "out", ("sample",)),
            ("experiment",): ("samples", "out", ("sample",)),
            ("dataset",): ("generatedBy", "out", ("experiment",)),
        }
        if kinds in over:
            field, direction, end = over[kinds]
            base |= st.builds(
                lambda where, named: Linked(field, direction, kinds=end if named else (), where=where),  # type: ignore[arg-type]
                conditions(end, depth - 1),
                st.booleans(),
            )
    return st.recursive(
        base,
        lambda inner: st.one_of(
            st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=4,
    )


def orders(kinds: tuple[str, ...]) -> st.SearchStrategy[tuple[Order, ...]]:
    names = ["created", "modified", "id"]
    if len(kinds) == 1:
        names += (
            ["title"] + (["collectedAt"] if kinds == ("sample",) else []) + (["size"] if kinds == ("dataset",) else [])
        )
    one = st.builds(Order, st.sampled_from(names), st.booleans())
    return st.lists(one, max_size=3, unique_by=lambda order: order.by).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    kinds = draw(st.sampled_from([("sample",), ("sample",), ("experiment",), ("dataset",), ("sample", "agent"), ()]))
    return Question(
        kinds=kinds,
        where=draw(st.none() | conditions(kinds)),
        statuses=draw(
            st.sampled_from([("public",), ("public", "draft", "private"), ("quarantined",), ("suppressed", "public")])
        ),
        order=draw(orders(kinds)),
        first=draw(st.sampled_from([2, 9, 1000, 1000])),
        selection=Selection(),
        count="exact",
    )


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=questions(), reader=st.sampled_from(READERS))
def test_any_question_of_any_reader_is_answered_as_a_naive_reading_would(
    filled: Filled, question: Question, reader: Reader
) -> None:
    check(question, filled.answers.vocabulary)
    expected = Oracle(filled.plain, reader).find(question)

    found: list[str] = []
    asked = question
    while True:
        page = filled.answers.find(asked, reader)
        assert page.total == len(expected)
        found += [item.at.id for item in page.items]
        if not page.more or len(found) > len(expected):
            break
        asked = replace(question, after=page.items[-1].at)

    assert found == expected


# --- what is told of each


@by_reader
def test_a_body_holds_no_link_that_its_reader_may_not_follow_and_nothing_private(
    filled: Filled, reader: Reader
) -> None:
    oracle = Oracle(filled.plain, reader)
    everything = Question(
        selection=Selection(body=True, linked=True, fields=("title", "contributors", "seeAlso")), first=1000
    )

    for item in filled.answers.find(everything, reader).items:
        told = orjson.loads(item.text)
        plain = oracle.records[told["id"]]
        assert told["body"] == _body(plain, oracle)
        assert told["fields"].get("contributors") == told["body"].get("contributors")
        assert told["localId"] == plain.id.split("/", 2)[2].replace("%20", " ")
        assert not [name for name in told if name.startswith("!")]
        # The linked form of these tests is the body; private fields never reach a real one.
        linked = {key: value for key, value in told["linked"].items() if key not in ("id", "contact")}
        assert linked == {key: value for key, value in told["body"].items() if key != "contact"}


def _body(plain: Plain, oracle: Oracle) -> dict[str, Any]:
    if oracle.inside(plain):
        return dict(plain.body)
    body: dict[str, Any] = {}
    linking = {link.field for link in plain.links}
    for name, value in plain.body.items():
        if name == "contact":
            continue
        if isinstance(value, list) and name in linking:
            value = [item for item in value if _seen(item if isinstance(item, str) else item["to"], oracle)]
            if not value:
                continue
        body[name] = value
    return body


def _seen(target: str, oracle: Oracle) -> bool:
    return ":" in target or oracle.linkable(target)


@by_reader
def test_one_record_by_its_id_is_shown_by_the_table_of_the_design(filled: Filled, reader: Reader) -> None:
    oracle = Oracle(filled.plain, reader)

    for plain in filled.plain.records:
        outcome = _outcome(filled, plain.id, reader)
        if not oracle.by_id(plain):
            assert outcome == "NotFound"
        elif plain.status == "withdrawn":
            assert outcome == "Gone"
        elif plain.merged_into and oracle.linkable(plain.merged_into):
            assert outcome == "Moved"
        else:
            assert isinstance(outcome, dict)
            assert outcome["body"] == _body(plain, oracle)
            _assert_links_told(outcome, plain, oracle)


def _outcome(filled: Filled, id: str, reader: Reader) -> Any:
    try:
        shown = show(id, reader, answers=filled.answers)
    except (NotFound, Gone) as error:
        return type(error).__name__
    return "Moved" if isinstance(shown, Moved) else shown.document


def _assert_links_told(told: dict[str, Any], plain: Plain, oracle: Oracle) -> None:
    links = plain.links if oracle.mirrored(plain) else ()
    expected = [link for link in links if oracle.inside(plain) or _seen(link.to, oracle)]
    assert sorted((link["field"], link["to"], link.get("role") or "") for link in told["links"]) == sorted(
        (link.field, link.to, link.role or "") for link in expected
    )
    for link in told["links"]:
        # A target's title and kind are told to those who may read it, even where the id is shown as it was submitted.
        assert ("title" in link) == oracle.linkable(link["to"])
    incoming = [
        (link.field, other.kind)
        for other in oracle.records.values()
        if oracle.linkable(other.id)
        for link in other.links
        if link.to == plain.id
    ]
    counted = {(one["field"], one["kind"]): one["count"] for one in told["incoming"]}
    assert counted == {pair: incoming.count(pair) for pair in set(incoming)}


def test_a_hidden_record_and_one_that_was_never_here_are_refused_in_the_same_words(filled: Filled) -> None:
    hidden = next(record.id for record in filled.plain.records if record.scope == "company")

    messages = []
    for id in (hidden, "sample/ddbj/never"):
        with pytest.raises(NotFound) as refused:
            show(id, PUBLIC, answers=filled.answers)
        messages.append(refused.value.message.replace(id, "…"))

    assert messages[0] == messages[1]


def test_an_embargo_ends_by_the_clock(filled: Filled) -> None:
    question = Question(where=InScope("spring8/later"), selection=Selection(), first=1000)

    assert filled.answers.find(question, PUBLIC).items == ()
    assert filled.at("2030-01-01T00:00:00.000000Z").find(question, PUBLIC).items


# --- the rest of the read side


@by_reader
def test_every_way_to_read_in_bulk_tells_the_records_that_a_list_tells(filled: Filled, reader: Reader) -> None:
    listed = Oracle(filled.plain, reader).find(Question())

    exported = [
        orjson.loads(line)["id"]
        for chunk in records(Question(), reader, answers=filled.answers)
        for line in chunk.splitlines()
    ]
    assert exported == listed
    rows = b"".join(table("sample", reader, answers=filled.answers)).decode().split("\r\n")[1:-1]
    assert [row.split(",")[0] for row in rows] == [id for id in listed if id.startswith("sample/")]
    counts = counts_by_kind(reader, answers=filled.answers)
    readable = [record for record in filled.plain.records if Oracle(filled.plain, reader).linkable(record.id)]
    assert sum(counts.values()) == len(readable)


@by_reader
def test_the_feed_tells_what_can_be_read_and_nothing_else(filled: Filled, reader: Reader) -> None:
    oracle = Oracle(filled.plain, reader)

    told = []
    position, more = 0, True
    while more:
        feed = changes_after(position, reader, answers=filled.answers, limit=7)
        told += feed.changes
        position, more = feed.position, feed.more

    assert {change.id for change in told} == {id for id in oracle.records if oracle.linkable(id)}
    assert position == health(answers=filled.answers).position


@by_reader
def test_a_name_leads_to_the_records_that_bear_it(filled: Filled, reader: Reader) -> None:
    oracle = Oracle(filled.plain, reader)
    bearing = sorted(oracle.find(Question(where=Identified("same", "local"))))

    if bearing:
        assert sorted(resolve("local:same", reader, answers=filled.answers)) == bearing
    with pytest.raises(NotFound):
        resolve("doi:10.999/none", reader, answers=filled.answers)


def test_history_and_differences_are_for_those_who_may_read_the_record(filled: Filled) -> None:
    shown = next(record for record in filled.plain.records if record.status == "public" and record.scope == "ddbj")
    hidden = next(record for record in filled.plain.records if record.scope == "company")

    (noted,) = history(shown.id, PUBLIC, answers=filled.answers).revisions
    assert noted.by is None
    assert history(shown.id, ADMINISTRATOR, answers=filled.answers).revisions[0].by == "someone"
    assert difference(shown.id, 1, 1, PUBLIC, answers=filled.answers, kinds=filled.kinds).groups == ()
    for ask in (
        lambda: history(hidden.id, PUBLIC, answers=filled.answers),
        lambda: difference(hidden.id, 1, 1, PUBLIC, answers=filled.answers, kinds=filled.kinds),
        lambda: show(hidden.id, PUBLIC, answers=filled.answers, revision=1),
        lambda: show(shown.id, PUBLIC, answers=filled.answers, revision=2),
        lambda: show(shown.id, PUBLIC, answers=filled.answers, as_of="2001"),
    ):
        with pytest.raises(NotFound):
            ask()
    former = show(shown.id, PUBLIC, answers=filled.answers, as_of="2026-12")
    assert isinstance(former, Shown)
    assert former.document["body"] == _body(shown, Oracle(filled.plain, PUBLIC))


def test_the_linked_form_of_one_record_is_cut_like_its_body(filled: Filled) -> None:
    oracle = Oracle(filled.plain, PUBLIC)
    cut = [
        record.id
        for record in filled.plain.records
        if oracle.linkable(record.id)
        and not record.merged_into
        and any(not _seen(link.to, oracle) for link in record.links)
    ]
    assert cut
    for id in cut:
        shown = show(id, PUBLIC, answers=filled.answers, selection=LINKED)
        assert isinstance(shown, Shown)
        for link in oracle.records[id].links:
            assert _seen(link.to, oracle) or link.to not in shown.text


def test_a_list_says_where_it_goes_on(filled: Filled) -> None:
    question = Question(kinds=("sample",), order=(Order("title", True),), first=5, count="bounded")

    page = find(question, ADMINISTRATOR, answers=filled.answers)
    told = orjson.loads(page.text())
    following = replace(question, after=read_cursor(told["next"], question.order))

    first, second = told["items"], orjson.loads(find(following, ADMINISTRATOR, answers=filled.answers).items)
    expected = Oracle(filled.plain, ADMINISTRATOR).find(question)
    assert [item["id"] for item in [*first, *second]] == expected[:10]
    assert told["total"] == len(expected)
    with pytest.raises(Invalid):
        find(replace(following, order=()), ADMINISTRATOR, answers=filled.answers)


USUAL = (
    (Question(kinds=("sample",)), r"SEARCH n1 USING (COVERING )?INDEX \S+ \(id>\? AND id<\?\)", False),
    (Question(), r"n1 USING (COVERING )?INDEX", False),
    (Question(order=(Order("modified", True),)), r"r1 USING INDEX ix_record_modified_at", True),
    (
        Question(kinds=("sample",), order=(Order("title"),)),
        r"SCAN m\w* USING (COVERING )?INDEX ix_mirror_sample_\w+_title|SEARCH m\w* USING (COVERING )?INDEX ix_mirror_sample_\w+_title \(title>\?\)",
        True,
    ),
    (
        Question(where=OfRecord("source", "eq", "ddbj")),
        r"SEARCH n1 USING (COVERING )?INDEX \S+ \(id>\? AND id<\?\)",
        None,
    ),
    (
        Question(where=Identified("10.1/3", "doi")),
        r"i USING INDEX ix_identifier_value_scheme|ix_identifier_value_scheme",
        None,
    ),
    (Question(where=Linked("samples", "out", ("sample/ddbj/x",))), r"ix_link_target_field", None),
    (Question(where=Measured("energy", "condition", 1.0, 2.0)), r"ix_quantity_field_name_si_min", None),
    (Question(where=Attributed("tissue", "eq", "leaf")), r"ix_attribute_name_value_key", None),
    (Question(where=InScope("ddbj")), r"ix_record_scope|scope", None),
)


@pytest.mark.parametrize(("question", "index", "partial_sort"), USUAL, ids=lambda value: None)
def test_the_usual_lists_are_read_from_an_index(
    filled: Filled, question: Question, index: str, partial_sort: bool | None
) -> None:
    if filled.answers.store.database.name != "sqlite":
        # PostgreSQL reads so few rows whole whatever indexes there are; its statement is the same.
        statement, values = filled.answers.explain(question, PUBLIC)
        with filled.answers.store.read() as connection:
            assert connection.exec_driver_sql(f"EXPLAIN {statement}", values).fetchall()
        return
    statement, values = filled.answers.explain(replace(question, selection=Selection()), PUBLIC)
    with filled.answers.store.read() as connection:
        plan = "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))

    assert re.search(index, plan), plan
    if partial_sort is False:
        inside_page = plan.partition("MATERIALIZE page")[2].partition("SCAN page")[0]
        assert "TEMP B-TREE" not in inside_page, plan


def test_values_never_stand_in_the_statement(filled: Filled) -> None:
    question = Question(
        where=And(
            (
                Compare("title", "in", ("needle-1", "needle-2")),
                Linked("samples", "in", ("needle-3",), "needle-4"),
                Attributed("needle-5", "eq", "needle-6"),
                Identified("needle-7", "needle-8"),
                InScope("needle-9"),
            )
        )
    )

    statement, values = filled.answers.explain(question, READERS[2])

    assert "needle" not in statement
    assert "spring8" not in statement
    assert sum(isinstance(value, str) and value.startswith("needle") for value in values.values()) == 9


def test_questions_of_one_shape_share_a_statement(filled: Filled) -> None:
    def statement(*titles: str) -> str:
        return filled.answers.explain(Question(where=Compare("title", "in", titles), first=len(titles)), PUBLIC)[0]

    assert statement("a", "b", "c") == statement("d", "e", "f", "g")
    assert statement("a") != statement("a", "b")
