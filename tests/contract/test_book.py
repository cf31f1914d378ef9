"""The book of the projections, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from catalog.errors import Conflict, Invalid, NotFound
from catalog.ledger.book import NOTHING, Book, Come, Failed, Pending, Spread, Superseded
from catalog.questions.reader import ADMINISTRATOR
from tests.contract.followed import Followed, followed

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
NOON = "2026-11-21T12:00:00.000000Z"
MOMENTS = [NOON]


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Followed]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    MOMENTS[:] = [NOON]
    with followed(address, tmp_path / "projections", clock=lambda: MOMENTS[-1]) as opened:
        yield opened


@pytest.fixture
def book(here: Followed) -> Book:
    return here.book


def fence_of(book: Book) -> int:
    fence = book.take_lease("tester")
    assert fence is not None
    return fence


def live(here: Followed, position: int | None = None) -> int:
    """A generation that answers, as of this position; the fencing number of who holds the lease."""
    fence = fence_of(here.book)
    at = here.ledger.last_position() if position is None else position
    here.book.add_first(fence, "search", fingerprint="f", position=at, visible="v0", opened_at=NOON)
    return fence


# ------------------------------------------------------------------------------------------------------------ lease


def test_one_at_a_time_holds_the_lease_and_a_later_holder_has_a_higher_number(book: Book) -> None:
    assert book.take_lease("a") == 1
    assert book.take_lease("b") is None
    assert book.held()

    book.give_lease_back(1)

    assert not book.held()
    assert book.take_lease("b") == 2
    held = book.lease()
    assert held is not None
    assert (held.holder, held.fence) == ("b", 2)


def test_a_lease_runs_out_unless_it_is_renewed(book: Book) -> None:
    assert book.take_lease("a") == 1
    MOMENTS.append("2026-11-21T12:00:29.000000Z")
    book.renew_lease(1)
    MOMENTS.append("2026-11-21T12:00:58.000000Z")
    assert book.take_lease("b") is None

    MOMENTS.append("2026-11-21T12:01:00.000000Z")

    assert book.take_lease("b") == 2
    with pytest.raises(Superseded):
        book.renew_lease(1)


def test_the_lease_of_one_that_is_known_to_be_dead_is_taken_at_once(book: Book) -> None:
    assert book.take_lease("a") == 1
    assert book.take_lease("b", dead=["x"]) is None
    assert book.take_lease("b", dead=["a"]) == 2


def test_many_who_want_the_lease_at_once_do_not_both_get_it(book: Book) -> None:
    with ThreadPoolExecutor(6) as takers:
        got = list(takers.map(lambda number: book.take_lease(f"holder {number}"), range(6)))
    assert sorted(fence for fence in got if fence is not None) == [1]


def test_a_former_holder_that_wakes_up_writes_nothing(here: Followed, book: Book) -> None:
    first = live(here)
    here.enter("a")
    second = book.take_lease("other", dead=["tester"])
    assert second is not None
    before = book.rows()

    for deed in (
        lambda: book.advance(first, "search", 1, Come(position=99, closed_to=99, visible="x")),
        lambda: book.begin(first, "search", 1, fingerprint="f", position=0, opened_at=NOON),
        lambda: book.damage(first, "search", 1),
        lambda: book.drop(first, "search", [1]),
        lambda: book.swap(first, "search", 1),
        lambda: book.trouble(first, "search", 1, "x"),
    ):
        with pytest.raises(Superseded):
            deed()
    assert book.rows() == before
    book.advance(second, "search", 1, Come(position=99, closed_to=99, visible="x"))
    assert book.rows()[0].position == 99


# --------------------------------------------------------------------------------------------------------- position


def test_what_can_be_read_is_told_only_where_something_answers(here: Followed, book: Book) -> None:
    assert book.seen("search") is None
    assert book.look("search") is None
    assert book.pending("search") == NOTHING
    fence = live(here)
    seen = book.seen("search")
    assert seen is not None
    assert (seen.generation, seen.visible, seen.folder) == (1, "v0", book.folder / "search" / "1")

    book.damage(fence, "search", 1)

    assert book.seen("search") is None


def test_a_position_is_never_taken_back(here: Followed, book: Book) -> None:
    fence = live(here, 0)
    book.advance(fence, "search", 1, Come(position=10, closed_to=12, visible="v1"))

    for come in (Come(position=9, visible="v2"), Come(closed_to=11, visible="v2")):
        with pytest.raises(Superseded):
            book.advance(fence, "search", 1, come)
    seen = book.seen("search")
    assert seen is not None
    assert (seen.position, seen.closed_to, seen.visible) == (10, 12, "v1")


def test_a_generation_that_became_something_else_is_not_advanced(here: Followed, book: Book) -> None:
    fence = live(here, 0)
    book.advance(fence, "search", 1, Come(position=1), state="live")
    with pytest.raises(Superseded):
        book.advance(fence, "search", 1, Come(position=2), state="building")


def test_lag_is_told_in_changes_and_in_seconds(here: Followed, book: Book) -> None:
    live(here)
    assert (book.lag("search").changes, book.lag("search").seconds) == (0, 0)
    here.enter_many("a", "b", "c")
    MOMENTS.append("2026-11-21T12:00:07.500000Z")

    lag = book.lag("search")

    assert (lag.changes, lag.seconds) == (3, 7.5)
    assert book.lag("graph").changes == here.ledger.last_position()


def test_whoever_waits_for_a_position_waits_no_longer_than_said(here: Followed, book: Book) -> None:
    fence = live(here)
    here.enter("a")
    position = here.ledger.last_position()
    assert not book.wait_for("search", position, 0.05)
    advancing = Thread(target=lambda: book.advance(fence, "search", 1, Come(position=position)))

    advancing.start()

    assert book.wait_for("search", position, 10)
    advancing.join()


# ---------------------------------------------------------------------------------------------------------- closings


@pytest.mark.parametrize("verb", ["suppress", "hide", "withdraw", "move", "merge", "draft", "expunge"])
def test_what_closes_is_pending_until_it_has_gone_from_the_projection(here: Followed, book: Book, verb: str) -> None:
    id, other = here.enter("a"), here.enter("b")
    fence = live(here)
    assert book.pending("search") == NOTHING
    match verb:
        case "withdraw":
            here.ledger.withdraw(id, "spoilt", by="tester")
        case "move":
            here.ledger.move(id, "company", by="tester")
        case "merge":
            here.ledger.merge(id, other, by="tester")
        case "draft":
            here.enter("a", status="draft")
        case "expunge":
            asked = here.ledger.request_expunge(id, "a court order", by="tester")
            here.ledger.expunge(asked.id, asked.code, by="other")
        case "suppress" | "hide":
            here.ledger.change_status(id, verb, by="tester")  # type: ignore[arg-type]

    looked = book.look("search")

    assert looked is not None
    seen, pending = looked
    assert pending.records == {here.key_of(id)}
    assert pending.lay_open
    assert pending.spreading
    assert "lab" in pending.scopes
    assert pending == book.pending("search")
    last = here.ledger.last_position()
    assert seen.closed_to < last
    book.advance(fence, "search", 1, Come(closed_to=last))
    assert book.pending("search") == NOTHING


def test_where_more_was_closed_than_can_be_named_nothing_is_and_anything_may_be_among_it(
    here: Followed, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.ledger.book.CLOSINGS_MOST", 2)
    ids = [here.enter(each) for each in ("a", "b", "c")]
    fence = live(here)
    for id in ids[:2]:
        here.ledger.withdraw(id, "spoilt", by="tester")
    assert book.pending("search").records == {here.key_of(id) for id in ids[:2]}
    first = here.ledger.last_position()

    here.ledger.withdraw(ids[2], "spoilt", by="tester")

    assert book.pending("search") == Pending(spreading=True, lay_open=True, countless=True)
    book.advance(fence, "search", 1, Come(closed_to=first))
    assert book.pending("search").records == {here.key_of(ids[2])}


def test_what_could_not_be_seen_before_closes_nothing(here: Followed, book: Book) -> None:
    id = here.enter("a", becomes="private")
    draft = here.enter("b", becomes="draft")
    live(here)

    here.ledger.change_status(id, "suppress", by="tester")
    here.ledger.move(draft, "company", by="tester")
    here.ledger.withdraw(draft, "no", by="tester")
    here.ledger.change_status(id, "publish", by="tester")

    assert book.pending("search") == NOTHING


def test_a_limited_record_that_closes_touches_no_open_graph(here: Followed, book: Book) -> None:
    id = here.enter("a", into="company")
    live(here)

    here.ledger.withdraw(id, "no", by="tester")

    pending = book.pending("search")
    assert pending.scopes == {"company"}
    assert not pending.lay_open


def test_a_scope_that_closes_is_pending_with_all_that_lies_there(here: Followed, book: Book) -> None:
    here.enter("a", into="lab/2026A1")
    live(here)
    here.scope("company", "limited")
    here.scopes.change("lab", ADMINISTRATOR, title={"en": "Laboratory"})
    assert book.pending("search") == NOTHING

    here.scope("lab", "limited")

    assert book.pending("search") == Pending(frozenset(), True, True, frozenset({"lab"}), unsettled=frozenset({"lab"}))


def test_a_scope_that_opens_is_unsettled_until_all_that_lies_there_was_projected(here: Followed, book: Book) -> None:
    here.enter("a", into="lab/2026A1")
    fence = live(here)
    lab = Pending(unsettled=frozenset({"lab"}))
    here.scope("lab", "limited")
    here.scope("lab", "everyone")
    assert book.pending("search").unsettled == lab.unsettled
    last = here.ledger.last_position()
    with here.ledger.store.read() as connection:
        key = int(connection.exec_driver_sql("SELECT key FROM scope WHERE id = 'lab'").scalar_one())

    book.advance(fence, "search", 1, Come(position=last, closed_to=last, spreads=[Spread("scope", key, False, last)]))
    assert book.pending("search") == lab
    assert not book.pending("search")

    book.advance(fence, "search", 1, Come(spread_out=[Spread("scope", key, False, last)]))
    assert book.pending("search") == NOTHING


def test_an_embargo_that_is_set_closes_also_what_is_open_below_a_limited_scope(here: Followed, book: Book) -> None:
    here.scope("lab", "limited")
    here.scope("lab/2026A1", "everyone")
    here.enter("a", into="lab/2026A1")
    live(here)

    here.scope("lab", "limited", metadata_until="2030-01-01")

    assert book.pending("search").lay_open


@pytest.mark.parametrize(
    ("before", "after", "closes"),
    [
        ("2026-11-21T12:00:00Z", "2027-01-01", True),
        ("2026-11-21T12:00:30Z", "2027-01-01", True),
        ("2026-11-21T12:00:30Z", "2026-11-21T12:00:45Z", True),
        ("2026-11-21T12:01:01Z", "2027-01-01", False),
        ("2026-11-21T12:00:30Z", "2026-11-21T12:00:20Z", False),
        ("2026-11-21T12:00:30Z", "2026-11-21T12:00:30Z", False),
        ("2026-11-21T12:00:30Z", None, False),
    ],
)
def test_a_later_embargo_closes_what_another_clock_may_have_opened_by_now(
    here: Followed, book: Book, before: str, after: str | None, closes: bool
) -> None:
    here.scope("lab", "everyone", metadata_until=before)
    here.enter("a", into="lab/2026A1")
    live(here)

    here.scope("lab", "everyone", metadata_until=after, title={"en": "Laboratory"})

    assert book.pending("search").lay_open is closes


def test_a_closing_that_still_spreads_is_pending_even_when_it_has_gone_itself(here: Followed, book: Book) -> None:
    fence = live(here)
    last = here.ledger.last_position()
    book.advance(fence, "search", 1, Come(spreads=[Spread("linkers", 7, True, last), Spread("scope", 3, False, last)]))
    company = frozenset({"company"})
    assert book.pending("search") == Pending(spreading=True, unsettled=company)
    book.advance(fence, "search", 1, Come(spreads=[Spread("scope", 3, True, last)]))
    assert book.pending("search") == Pending(frozenset(), True, True, company, unsettled=company)

    book.advance(
        fence, "search", 1, Come(spread_out=[Spread("scope", 3, True, last), Spread("linkers", 7, True, last)])
    )

    assert book.pending("search") == NOTHING
    assert book.spreads("search", 1) == []


# ---------------------------------------------------------------------------------------------------------- failures


def test_a_failure_stays_and_is_tried_again_less_and_less_often(here: Followed, book: Book) -> None:
    id = here.enter("a")
    key = here.key_of(id)
    fence = live(here)
    waits = []
    for _ in range(9):
        book.advance(fence, "search", 1, Come(failed=[Failed(key, 1, 2, "it is too large")]))
        (failure,) = book.failures("search")
        waits.append(failure.next_at[11:19])
    assert (failure.id, failure.attempts, failure.error, failure.first_at) == (id, 9, "it is too large", NOON)
    assert waits[:3] == ["12:01:00", "12:02:00", "12:04:00"]
    assert waits[-1] == "13:00:00"
    assert book.due("search") == []
    assert (book.failed("search"), book.failing("search")) == (1, {key})

    assert book.retry("search", [id]) == 1

    assert book.due("search") == [key]
    book.advance(fence, "search", 1, Come(mended=[key]))
    assert book.failures() == []


def test_a_failure_may_be_waived_with_a_reason_until_the_record_changes(here: Followed, book: Book) -> None:
    id = here.enter("a")
    key = here.key_of(id)
    fence = live(here)
    with pytest.raises(NotFound):
        book.waive("search", id, "known", by="curator")
    book.advance(fence, "search", 1, Come(failed=[Failed(key, 1, 2, "x")]))
    with pytest.raises(Invalid):
        book.waive("search", id, " ", by="curator")

    book.waive("search", id, "known", by="curator")

    assert (book.failed("search"), book.failures(waived=False)) == (0, [])
    (failure,) = book.failures(waived=True)
    assert (failure.waived_by, failure.reason) == ("curator", "known")
    MOMENTS.append("2026-11-22T12:00:00.000000Z")
    assert book.due("search") == []
    assert book.retry() == 0
    book.advance(fence, "search", 1, Come(failed=[Failed(key, 2, 3, "x")]))
    assert book.failed("search") == 1


# -------------------------------------------------------------------------------------------------------- generations


def test_whoever_asks_for_a_generation_joins_those_who_did_before(book: Book) -> None:
    with ThreadPoolExecutor(4) as askers:
        assert set(askers.map(lambda _: book.want("search"), range(4))) == {1}
    assert book.want("graph") == 1
    assert [(row.name, row.generation, row.state) for row in book.rows()] == [
        ("graph", 1, "wanted"),
        ("search", 1, "wanted"),
    ]


def test_a_generation_that_was_built_takes_the_place_of_the_old_one_and_the_way_back_is_open(
    here: Followed, book: Book
) -> None:
    fence = live(here, 0)
    with pytest.raises(Conflict, match="no earlier"):
        book.back("search", "f")
    assert book.want("search") == 2
    book.begin(fence, "search", 2, fingerprint="f", position=0, opened_at=NOON)
    book.advance(fence, "search", 2, Come(position=5, closed_to=5, filled=True, visible="w"))
    assert book.swap(fence, "search", 2) == []
    assert [(row.generation, row.state) for row in book.rows()] == [(1, "old"), (2, "live")]

    assert book.back("search", "f") == 1

    assert [(row.generation, row.state) for row in book.rows()] == [(1, "live"), (2, "old")]
    with pytest.raises(Conflict, match="another version"):
        book.back("search", "g")
    with pytest.raises(Superseded):
        book.swap(fence, "search", 2)


def test_what_has_not_come_as_far_as_what_answers_does_not_take_its_place(here: Followed, book: Book) -> None:
    fence = live(here, 0)
    book.want("search")
    book.begin(fence, "search", 2, fingerprint="f", position=0, opened_at=NOON)
    book.advance(fence, "search", 1, Come(position=3, closed_to=5))
    book.advance(fence, "search", 2, Come(position=3, closed_to=4))
    with pytest.raises(Superseded, match="as far"):
        book.swap(fence, "search", 2)
    book.advance(fence, "search", 2, Come(closed_to=5))

    book.swap(fence, "search", 2)

    seen = book.seen("search")
    assert seen is not None
    assert seen.generation == 2


def test_trouble_is_told_until_the_next_advance(here: Followed, book: Book) -> None:
    fence = live(here)
    book.trouble(fence, "search", 1, "the disk is full")
    assert book.rows()[0].trouble == "the disk is full"

    book.advance(fence, "search", 1, Come())

    assert (book.rows()[0].trouble, book.rows()[0].trouble_at) == (None, None)
