"""Whatever is done to a catalogue, and wherever its feeding is cut off: nobody ever finds what they may not see, and
once the projections have caught up everybody finds all that they may.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyoxigraph
import pytest
from hypothesis import HealthCheck, currently_in_test_context, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pyoxigraph import BlankNode, DefaultGraph, NamedNode
from sqlalchemy import text

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.audience import Audiences
from catalog.discovery.export import statements
from catalog.discovery.search import Searchable, search, suggest
from catalog.discovery.sparql import Asked, Closing, dataset_of, ready
from catalog.errors import CatalogError, Unavailable
from catalog.ledger.answer import Answers
from catalog.ledger.append import Entry, Ledger
from catalog.ledger.book import Book, Come, State
from catalog.ledger.sources import Sources
from catalog.ledger.standing import Standings
from catalog.ledger.terms import Terms
from catalog.ledger.verifications import Verifications
from catalog.projections.graph.embedded import OxigraphProjection
from catalog.projections.graph.kept import kept
from catalog.projections.graph.quads import ABOVE
from catalog.projections.projection import NAMES, Name, Projection
from catalog.projections.search.embedded import TantivyProjection
from catalog.projections.search.reading import TantivyIndex
from catalog.questions.check import check
from catalog.questions.question import (
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Exists,
    InScope,
    Linked,
    Measured,
    Not,
    OfRecord,
    Or,
    Question,
    Selection,
    Termed,
)
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.search import SearchQuestion
from catalog.questions.vocabulary import Vocabulary, vocabulary_of
from catalog.records.record import Source
from catalog.records.standing import Standing
from catalog.upkeep import follow, generations
from catalog.upkeep.follow import Ledgers
from catalog.upkeep.follower import Follower
from catalog.upkeep.verify import Feeding, Round
from tests.contract.followed import Watched
from tests.contract.ledgers import judged, kinds, migrated
from tests.contract.test_ledger_model import administrator

BASE: Final = "http://catalogue.test/"
VOCABULARY: Final = "https://vocab.example.org/"
SCOPES: Final = ("lab", "lab/run", "lab/run/inner", "company", "company/team")
START: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
READERS: Final = (
    PUBLIC,
    *(Reader(f"reads {scope}", (Grant("read", scope),)) for scope in SCOPES),
    Reader("writes lab/run", (Grant("write", "lab/run"),)),
    Reader("manages company", (Grant("manage", "company"),)),
    Reader("reads two", (Grant("read", "company/team"), Grant("read", "lab/run/inner"))),
    ADMINISTRATOR,
)
NAMED: Final = {
    "sample": ("s0", "s1", "s2", "s3", "s4"),
    "experiment": ("e0", "e1"),
    "dataset": ("d0", "d1"),
    "agent": ("a0",),
    "term": ("t0", "t1"),
}
IDS: Final = tuple(f"{kind}/lab/{name}" for kind, names in NAMED.items() for name in names)
NEVER: Final = "sample/lab/never"  # linked to, and not here
LINKS: Final = {
    "sample": (("derivedFrom", "sample"), ("contributors", "agent")),
    "experiment": (("samples", "sample"), ("contributors", "agent")),
    "dataset": (("generatedBy", "experiment"), ("samples", "sample"), ("derivedFrom", "dataset")),
    "agent": (),
    "term": (("broader", "term"),),
}
# A word that stands in one content of one record only: whoever finds it has found that.
MARK: Final = re.compile("zq[a-j]+qz")


def mark(number: int) -> str:
    """The word of this number; letters only, so that it is one word to everybody."""
    return "zq" + "".join("abcdefghij"[int(digit)] for digit in str(number)) + "qz"


def iri_of(name: str) -> str:
    return VOCABULARY + name


ids = st.sampled_from(IDS)
scopes_ = st.sampled_from(SCOPES)
projection_names = st.sampled_from(NAMES)
asserted = st.sampled_from((None, "agent/lab/a0"))


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """What a submission says; its words are put in when it is entered."""
    id = draw(ids)
    kind = id.split("/")[0]
    links: dict[str, list[Any]] = {}
    for field, to in LINKS[kind]:
        there = [f"{to}/lab/{name}" for name in NAMED[to]]
        targets = draw(st.lists(st.sampled_from([*there, NEVER] if to == "sample" else there), max_size=3, unique=True))
        told = []
        for target in targets:
            by = draw(asserted) if field == "derivedFrom" else None
            told.append({"to": target, "role": "part", "by": by} if by else target)
        if told:
            links[field] = told
    return {
        "id": id,
        "links": links,
        "tissue": draw(st.sampled_from(("leaf", "root", "marked", None))) if kind == "sample" else None,
        "amount": draw(st.sampled_from((None, 1, 5))) if kind == "sample" else None,
        "month": draw(st.sampled_from((None, 3, 9))) if kind == "sample" else None,
        "term": draw(st.sampled_from((None, "t0", "t1"))),
        "titled": draw(st.booleans()),  # with a new title
        "scope": draw(st.sampled_from((None, *SCOPES))),
        "breaks": draw(st.sampled_from(("nothing", "nothing", "nothing", "nothing", "kind"))),
        "status": draw(st.sampled_from(("public", "public", "public", "public", "draft", "private"))),
    }


_plain = st.one_of(
    st.builds(Compare, st.just("tissue"), st.sampled_from(("eq", "ne")), st.sampled_from(("leaf", "root"))),
    st.builds(Compare, st.just("tissue"), st.just("in"), st.just(("leaf", "stem"))),
    st.builds(Exists, st.sampled_from(("tissue", "amount", "derivedFrom", "collectedAt", "contributors"))),
    st.builds(OfRecord, st.just("id"), st.just("in"), st.lists(ids, min_size=1, max_size=4, unique=True).map(tuple)),
    st.builds(OfRecord, st.just("id"), st.sampled_from(("lt", "prefix")), st.sampled_from(("sample/lab/s2", "e"))),
    st.builds(InScope, scopes_, st.booleans()),
    st.builds(
        lambda linked, *rest: Linked(*linked, *rest),
        # Nothing points at a sample as its contributor, and asking for that is refused.
        st.sampled_from([(name, way) for name in (None, "derivedFrom", "contributors") for way in ("out", "in")][:-1]),
        st.one_of(st.just(()), st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple)),
        st.sampled_from((None, None, "part")),
    ),
    st.builds(
        Linked,
        st.sampled_from((None, "derivedFrom")),
        st.sampled_from(("out", "in")),
        kinds=st.just(("sample",)),
        where=st.builds(Compare, st.just("tissue"), st.just("eq"), st.just("leaf")),
    ),
    st.builds(Measured, st.just("amount"), st.just("field"), st.none(), st.sampled_from((0.002, 1.0))),
    st.builds(Dated, st.just("collectedAt"), st.just("overlaps"), st.just("2026-05-01T00:00:00.000000Z"), st.none()),
    st.builds(Attributed, st.just("coating"), st.just("eq"), st.sampled_from(("gold", "iron"))),
    st.builds(
        Termed, st.sampled_from((None, "keywords")), st.sampled_from(((iri_of("t0"),), (iri_of("t1"),))), st.booleans()
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    _plain,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=4,
)


def happened(what: str) -> None:
    """Count it among what the examples led to."""
    if currently_in_test_context():
        event(what)


class Killed(BaseException):
    """The process was killed here."""


class Perilous(Book):
    """A book in which somebody may be killed before a line is written."""

    before: Callable[[str], None] = staticmethod(lambda what: None)

    def advance(self, fence: int, name: Name, generation: int, come: Come, *, state: State | None = None) -> None:
        self.before("advance")
        super().advance(fence, name, generation, come, state=state)

    def swap(self, fence: int, name: Name, generation: int) -> list[int]:
        self.before("swap")
        return super().swap(fence, name, generation)

    def begin(
        self, fence: int, name: Name, generation: int, *, fingerprint: str, position: int, opened_at: str
    ) -> None:
        super().begin(fence, name, generation, fingerprint=fingerprint, position=position, opened_at=opened_at)
        self.before("begun")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> str:
        return self.later(timedelta())

    def later(self, by: timedelta) -> str:
        return (self.at + by).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def move(self, by: timedelta) -> None:
        self.at += by


class ProjectionsMachine(RuleBasedStateMachine):
    """Random deeds in a catalogue, beside a follower that does a little now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="projections-"))
        self.clock = Clock()
        self.number = 0
        self.turn = 0
        self.owner: dict[str, str] = {}  # whose word it is, by word
        self.titles: dict[str, str] = {}
        self.burnt: set[str] = set()  # words that were expunged
        self.poison: dict[str, set[int]] = {}  # revisions that can't be projected
        self.deadly: tuple[str, int] | None = None
        self.caught_up = False
        self.ledger: Ledger
        self.open_store: dict[Path, pyoxigraph.Store] = {}

    def fresh(self) -> str:
        """The address of an empty database."""
        return f"sqlite:///{self.folder / 'catalogue.db'}"

    @initialize(
        here=st.lists(contents(), min_size=8, max_size=16, unique_by=lambda told: told["id"]), fed=st.booleans()
    )
    def begin(self, here: list[dict[str, Any]], fed: bool) -> None:
        clock = self.clock
        self.store = store = migrated(self.fresh())
        self.terms = Terms(store, clock=clock)
        self.scopes = Scopes(store, clock=clock, follow=self.terms.follow_scopes)
        for scope in SCOPES:
            mode: Any = {"lab": "everyone", "company": "limited", "lab/run/inner": "limited"}.get(scope)
            self.scopes.create(scope, ADMINISTRATOR, mode=mode)
        Sources(store).register(Source("lab", 0, {"en": "A laboratory"}, "lab"), by="tester")
        self.ledger = Ledger(store, kinds(), clock=clock)
        self.ledger.mirrors.prepare()
        self.words: Vocabulary = vocabulary_of(kinds())
        self.answers = Answers(store, self.words, Sight(store.database.name), clock=clock)
        self.standings = Standings(store, clock=clock)
        self.verifications = Verifications(store, clock=clock)
        self.book = Perilous(store, self.folder / "projections", clock=clock)
        self.book.before = lambda what: self.peril(what)
        self.projections: dict[Name, Watched] = {
            "graph": Watched(OxigraphProjection(kinds(), BASE), before=lambda what, *_: self.peril(what)),
            "search": Watched(TantivyProjection(kinds()), before=lambda what, *_: self.peril(what)),
        }
        self.index = self.reading()
        self.follower: Follower | None = self.following()
        if fed:
            self.step(1)  # while there are no records: what is made now answers at once
        self.load(here)

    def reading(self) -> Searchable:
        audiences = Audiences(self.store, clock=self.clock)
        return Searchable(TantivyIndex(), self.book, self.terms, kinds(), audiences)

    def following(self) -> Follower:
        return Follower(Ledgers(self.store, self.book, self.standings, self.clock), dict(self.projections), kinds())

    def round(self, projection: Projection, feeding: Feeding, *, repair: bool = True) -> Round:
        return Round(
            projection,
            feeding,
            self.standings,
            self.book,
            kinds(),
            started_at=self.clock(),
            repair=repair,
        )

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.deadly = None
                self.all_is_there()
        finally:
            if hasattr(self, "store"):
                self.end()
            shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        if self.follower is not None:
            self.follower.close()
        self.index.close()
        self.open_store.clear()
        self.store.close()

    # ------------------------------------------------------------------------------------------------ the ledger

    @contextmanager
    def deed(self) -> Iterator[None]:
        """Something that is done to the ledger; what a record's state forbids is no deed."""
        self.clock.move(timedelta(seconds=1))
        self.caught_up = False
        try:
            yield
        except CatalogError:
            happened("forbidden")

    def body_of(self, told: Mapping[str, Any]) -> dict[str, Any]:
        id = told["id"]
        self.number += 1
        word = mark(self.number)
        self.owner[word] = id
        if told["titled"] or id not in self.titles:
            self.titles[id] = word
        body: dict[str, Any] = {"title": {"en": f"thing {self.titles[id]}"}, "description": {"en": f"about {word}"}}
        body |= told["links"]
        attributes: list[dict[str, Any]] = [{"name": "coating", "value": "gold" if self.number % 2 else word}]
        body["attributes"] = attributes
        if tissue := told["tissue"]:
            body["tissue"] = word if tissue == "marked" else tissue
        if amount := told["amount"]:
            body["amount"] = {"value": amount, "unit": "g"}
        if month := told["month"]:
            body["collectedAt"] = f"2026-{month:02}"
        if id.startswith("term/"):
            del body["title"]
            name = id.rpartition("/")[2]
            body["labels"] = {"en": f"thing {self.titles[id]}"}
            body["identifiers"] = [{"scheme": "iri", "value": iri_of(name), "primary": True}]
        elif term := told["term"]:
            body["keywords"] = ["plain", {"term": iri_of(term)}]
        return body

    def entry(self, told: Mapping[str, Any], *, poison: str | None = None) -> Entry:
        kind, _, local = told["id"].split("/")
        verdict = judged(
            local,
            self.body_of(told),
            kind=kind,
            breaks=told["breaks"] if poison is None else "nothing",
            scope=told["scope"],
            status=told["status"] if told["status"] != "public" else None,
        )
        if poison is not None and verdict.linked is not None:
            bads: dict[str, dict[str, Any]] = {
                "search": {"identifiers": 5},
                "graph": {"sameAs": [{"to": "http://no iri"}]},
            }
            document = {**verdict.linked.document, **bads[poison]}
            object.__setattr__(verdict, "linked", verdict.linked._replace(document=document))
        return Entry(verdict, told["scope"] or "lab", told["status"], None, "tolerant")

    def enter(self, several: Sequence[Entry]) -> list[Any]:
        return self.ledger.append(several, by="tester")

    @rule(told=contents())
    def submit(self, told: dict[str, Any]) -> None:
        with self.deed():
            (outcome,) = self.enter([self.entry(told)])
            happened(f"submit: {outcome.outcome}")

    @rule(several=st.lists(contents(), min_size=2, max_size=6, unique_by=lambda told: told["id"]))
    def load(self, several: list[dict[str, Any]]) -> None:
        with self.deed():
            self.enter([self.entry(told) for told in several])

    @rule(to=st.sampled_from(("sample/lab/s0", "sample/lab/s1")), first=st.integers(0, 3))
    def load_in_bulk(self, to: str, first: int) -> None:
        """Many that link to one, so that what becomes of it spreads in slices."""
        with self.deed():
            several = [
                self.entry(
                    {
                        "id": f"sample/lab/b{first + number}",
                        "links": {"derivedFrom": [to]},
                        "tissue": "leaf",
                        "amount": None,
                        "month": None,
                        "term": None,
                        "titled": True,
                        "breaks": "nothing",
                        "scope": SCOPES[number % len(SCOPES)],
                        "status": "public",
                    }
                )
                for number in range(6)
            ]
            self.enter(several)

    @rule(told=contents(), poison=projection_names)
    def submit_what_cannot_be_projected(self, told: dict[str, Any], poison: Name) -> None:
        with self.deed():
            told = {**told, "status": "public"}
            (outcome,) = self.enter([self.entry(told, poison=poison)])
            if outcome.outcome in ("created", "revised"):
                self.poison.setdefault(told["id"], set()).add(outcome.revision)

    @rule(id=ids, verb=st.sampled_from(("publish", "publish", "suppress", "hide")))
    def change_status(self, id: str, verb: Any) -> None:
        with self.deed():
            self.ledger.change_status(id, verb, by="tester")

    @rule(id=ids)
    def withdraw(self, id: str) -> None:
        with self.deed():
            self.ledger.withdraw(id, "spoilt", by="tester")

    @rule(id=ids)
    def restore(self, id: str) -> None:
        with self.deed():
            self.ledger.restore(id, by="tester")

    @rule(id=ids, scope=scopes_)
    def move(self, id: str, scope: str) -> None:
        with self.deed():
            self.ledger.move(id, scope, by="tester")

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(("sample", "sample", "dataset", "term")))
        names = data.draw(st.permutations([f"{kind}/lab/{name}" for name in NAMED[kind]]))
        with self.deed():
            self.ledger.merge(names[0], names[1], by="tester")

    @rule(id=ids)
    def unmerge(self, id: str) -> None:
        with self.deed():
            self.ledger.unmerge(id, by="tester")

    @rule(id=ids, number=st.sampled_from((None, 1, 2)))
    def expunge(self, id: str, number: int | None) -> None:
        with self.deed():
            before = self.words_of(id)
            asked = self.ledger.request_expunge(id, "a court order", by="tester", number=number)
            self.ledger.expunge(asked.id, asked.code, by="another")
            self.burnt |= before - self.words_of(id)
            if self.titles.get(id) in self.burnt:
                del self.titles[id]

    def words_of(self, id: str) -> set[str]:
        """The words of all that is kept of a record."""
        asked = "SELECT v.body FROM revision v JOIN node n ON n.key = v.record WHERE n.id = :id"
        with self.store.read() as connection:
            return {word for (body,) in connection.execute(text(asked), {"id": id}) for word in MARK.findall(body)}

    @rule(id=st.sampled_from([id for id in IDS if id.startswith("dataset")]), count=st.integers(0, 3))
    def put_files(self, id: str, count: int) -> None:
        with self.deed():
            files = [{"path": f"{number}.h5", "size": number, "format": "hdf5"} for number in range(count)]
            self.ledger.put_files(id, files, by="tester")

    @rule(scope=scopes_, mode=st.sampled_from((None, "everyone", "limited")))
    def open_or_close(self, scope: str, mode: Any) -> None:
        with self.deed():
            self.scopes.change(scope, ADMINISTRATOR, mode=mode if "/" in scope or mode else "limited", confirmed=True)

    @rule(scope=scopes_, minutes=st.sampled_from((None, -5, 5, 50)))
    def set_embargo(self, scope: str, minutes: int | None) -> None:
        with self.deed():
            until = None if minutes is None else self.clock.later(timedelta(minutes=minutes))
            self.scopes.change(scope, ADMINISTRATOR, metadata_until=until, confirmed=True)

    @rule(minutes=st.sampled_from((1, 10, 60)))
    def time_goes_by(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))
        self.caught_up = False

    # ----------------------------------------------------------------------------------------------- the feeding

    def peril(self, what: str) -> None:
        if self.deadly is not None and self.deadly[0] == what:
            if self.deadly[1] == 0:
                self.deadly = None
                raise Killed(what)
            self.deadly = what, self.deadly[1] - 1

    def step(self, times: int) -> None:
        if self.follower is None:
            self.follower = self.following()
        for _ in range(times):
            self.follower.step()

    @rule(times=st.integers(1, 4))
    def project_a_bit(self, times: int) -> None:
        self.step(times)

    @rule()
    def crash(self) -> None:
        """What lies on the disk at this moment is all that is left; what is in memory is gone."""
        if self.follower is None:
            return
        lies, left = self.folder / "projections", self.folder / "left"
        if lies.exists():
            # Merging in the background may take a file away meanwhile, as it may when a machine stops.
            shutil.copytree(lies, left, copy_function=_copy_if_there)
        self.deadly = None
        self.follower.close()
        self.follower = None
        if left.exists():
            shutil.rmtree(lies)
            left.rename(lies)
        self.index.close()
        self.index = self.reading()

    @rule(
        what=st.sampled_from(("apply", "close_down", "settle", "advance", "swap", "begun")),
        after=st.integers(0, 3),
        times=st.integers(2, 12),
    )
    def be_killed(self, what: str, after: int, times: int) -> None:
        self.deadly = what, after
        try:
            self.step(times)
        except Killed:
            happened(f"killed at {what}")
            self.nobody_finds_what_is_hidden()
            self.crash()
        self.deadly = None

    @rule(name=projection_names)
    def rebuild(self, name: Name) -> None:
        self.caught_up = False
        self.book.want(name)

    @rule(name=projection_names)
    def go_back(self, name: Name) -> None:
        self.caught_up = False
        try:
            self.book.back(name, self.projections[name].fingerprint)
        except CatalogError:
            happened("nothing to go back to")

    @rule(name=projection_names)
    def lose_the_folder(self, name: Name) -> None:
        """Somebody deletes what lies there; a new generation is built."""
        seen = self.book.seen(name)
        if seen is None or self.follower is not None:
            return
        self.caught_up = False
        shutil.rmtree(seen.folder, ignore_errors=True)
        self.open_store.clear()

    def catch_up(self) -> None:
        if self.follower is not None:
            self.follower.close()
            self.follower = None
        self.following().catch_up()

    @rule(where=conditions)
    def all_is_there_after_catching_up(self, where: Condition) -> None:
        self.all_is_there(where)

    # ------------------------------------------------------------------------------------------------ what is true

    def all_is_there(self, where: Condition | None = None) -> None:
        """Once they have caught up, the projections tell each reader just what the ledger tells them."""
        self.catch_up()
        self.caught_up = True
        failing = self.failing()
        for name in NAMES:
            seen = self.book.seen(name)
            assert seen is not None
            assert (seen.position, seen.closed_to) == (self.ledger.last_position(),) * 2, name
            assert self.book.spreads(name, seen.generation) == [], name
            assert not self.book.pending(name), name
            assert {each.id for each in self.book.failures(name)} <= set(self.poison), name
        self.verify()
        for reader in READERS:
            self.search_is_the_list(reader, None, failing["search"])
            if where is not None:
                self.search_is_the_list(reader, where, failing["search"])
            self.graph_is_the_export(reader, failing["graph"])
        self.nobody_finds_what_is_hidden()

    def failing(self) -> dict[Name, set[str]]:
        return {name: {each.id for each in self.book.failures(name)} for name in NAMES}

    def verify(self) -> None:
        """Every projection holds what the ledger says, looked at both ways."""
        for name, watched in self.projections.items():
            seen = self.book.seen(name)
            assert seen is not None
            generation = watched.inner.open(seen.folder, seen.visible)
            try:
                for slices in ("whole", "cells"):
                    feeding = _Standing(name, seen.generation, generation, seen.position)
                    round = self.round(watched.inner, feeding, repair=False)
                    for _ in getattr(round, slices)():
                        pass
                    report = round.report
                    assert report.clean, (name, slices, report.document())
                    assert report.undecided == 0
            finally:
                generation.close()
        self.open_store.clear()

    def shown(self) -> dict[str, Standing]:
        return {each.id: each for some in self.standings.walk() for each in some}

    def listed(self, reader: Reader, where: Condition | None = None, kinds_: tuple[str, ...] = ()) -> set[str]:
        question = Question(kinds=kinds_, where=where, first=1_000, selection=Selection())
        return {item.at.id for item in self.answers.find(check(question, self.words), reader).items}

    def search_is_the_list(self, reader: Reader, where: Condition | None, failing: Collection[str]) -> None:
        # The conditions are about fields that samples have.
        of = ("sample",) if where is not None else ()
        asked = SearchQuestion(
            question=Question(kinds=of, where=where, selection=Selection()),
            facets=("kind", "tissue", "keywords"),
            facet_values=100,
            first=100,
        )
        page = search(asked, reader, index=self.index, answers=self.answers)
        expected = self.listed(reader, where, of) - set(failing)
        assert {hit.id for hit in page.hits} == expected, (reader, where, {hit.id for hit in page.hits} ^ expected)
        assert page.total == len(expected), (reader, where)
        if failing:
            return
        told = {facet.field: {str(value.value): value.count for value in facet.values} for facet in page.facets}
        if where is None:
            assert told["kind"] == dict(Counter(id.split("/")[0] for id in expected)), reader
        for value, count in told["tissue"].items():
            if "'tissue'" not in repr(where):  # a facet is counted without conditions on itself
                found = self.listed(reader, _both(where, Compare("tissue", "eq", value)), ("sample",))
                assert count == len(found), (reader, value, where)
        for value, count in told["keywords"].items():
            if ":" in value and "'keywords'" not in repr(where):
                found = self.listed(reader, _both(where, Termed("keywords", (value,), below=False)), of)
                assert count == len(found), (reader, value, where)

    def graph_is_the_export(self, reader: Reader, failing: Collection[str]) -> None:
        told = self.told_by_graph(reader, named=False)
        assert told is not None, f"{reader.id} is told to come again, and nothing is left to do"
        shown = self.shown()
        well = Not(OfRecord("id", "in", tuple(sorted(failing)))) if failing else None
        exported = statements(Question(where=well), reader, answers=self.answers, kinds=kinds(), base=BASE)
        answered = {line for some in exported for line in kept(some).decode().splitlines()}
        told = {line for line in told if f"<{ABOVE}>" not in line}  # which is inferred, and in the graph only
        # Joined from several scopes, a graph may lack links from one into another, and has what was merged from one into
        # another; what everyone may read stays when it is merged into what few may.
        joined = reader.administrator or len(reader.grants) > 1
        merged = {
            id for id, standing in shown.items() if standing.merged_into is not None and (joined or standing.lie.open)
        }
        told = {line for line in told if record_of(line) not in merged}
        answered = {line for line in answered if record_of(line) not in merged}
        # Writers are answered links as they were submitted, also to what nobody may see or what is not here.
        if joined or any(grant.right != "read" for grant in reader.grants):
            assert told <= answered, (reader, told - answered)
            apart = {record_of(line) for line in told} ^ {record_of(line) for line in answered}
            assert not apart, (reader, apart)
        else:
            assert told == answered, (reader, told ^ answered)

    def told_by_graph(self, reader: Reader, *, named: bool = True) -> set[str] | None:
        """All statements that this reader may come by at this moment; None if they are told to come again.

        `named`: also in graphs that they have to name, which are those of scopes below.
        """
        dataset = dataset_of(Asked(""), reader, scopes=self.scopes, base=BASE)
        try:
            place = ready(dataset, book=self.book)
        except Closing:
            return None
        except Unavailable:
            return set()
        store = self.open_store.get(place)
        if store is None:
            try:
                store = self.open_store[place] = pyoxigraph.Store.read_only(str(place))
            except OSError:
                # The folder was lost, which the next to feed it notices.
                return set()
        graphs: list[DefaultGraph | NamedNode | BlankNode] = [DefaultGraph(), *map(NamedNode, dataset.graphs)]
        if named:
            graphs += [graph for graph in store.named_graphs() if dataset.may(graph.value)]
        return {
            f"{quad.subject} {quad.predicate} {quad.object} ."
            for graph in graphs
            for quad in store.quads_for_pattern(None, None, None, graph)
        }

    @invariant()
    def nobody_finds_what_is_hidden(self) -> None:
        if not hasattr(self, "store"):
            return
        self.turn += 1
        # With the projections behind, a few readers each time: all have their turn.
        turns = range(len(READERS)) if self.caught_up else range(self.turn * 3, self.turn * 3 + 3)
        for turn in turns:
            self.finds_nothing_hidden(READERS[turn % len(READERS)])

    def finds_nothing_hidden(self, reader: Reader) -> None:
        listed = self.listed(reader)
        linkable = set(self.answers.readable(self.known(), reader))
        self.search_tells_no_more(reader, listed, linkable)
        self.graph_tells_no_more(reader, linkable)

    def known(self) -> list[str]:
        with self.store.read() as connection:
            return list(connection.scalars(text("SELECT n.id FROM record r JOIN node n ON n.key = r.key")))

    def search_tells_no_more(self, reader: Reader, listed: set[str], linkable: set[str]) -> None:
        def look(what: str, where: Condition | None = None, first: int = 100) -> Any:
            question = Question(where=where, selection=Selection(body=True))
            facets = ("kind", "tissue", "keywords", "formats")
            asked = SearchQuestion(what, question, facets=facets, facet_values=100, first=first)
            page = search(asked, reader, index=self.index, answers=self.answers)
            assert {hit.id for hit in page.hits} <= listed, (reader, what, where)
            # What was merged into something that they see now may be counted beside it for a while: it is no secret.
            assert page.total <= len(linkable), (reader, what, where)
            assert all(value.count <= len(linkable) for facet in page.facets for value in facet.values)
            self.only_words_of(
                linkable,
                reader,
                [repr(page.facets)],
                [repr((hit.title, hit.highlights)) for hit in page.hits],
                [hit.record for hit in page.hits],
            )
            return page

        try:
            look("")
            look("thing")
            hidden = [word for word, id in self.owner.items() if id not in linkable or word in self.burnt]
            for first in range(0, len(hidden), 60):
                words = hidden[first : first + 60]
                page = look(" OR ".join(words), first=1)
                assert (page.total, page.hits) == (0, ()), (reader, words, page)
            for id in sorted({*IDS} - linkable)[self.turn % 3 :: 3]:
                page = look("", Linked(None, "out", (id,)))
                assert (page.total, page.hits, page.facets[0].values) == (0, (), ()), (reader, id)
            for start in ("zq", "thing", "sample/lab/", "t0"):
                for each in suggest(start, reader, limit=20, index=self.index, answers=self.answers):
                    assert each.id is None or each.id in linkable, (reader, each)
                    self.only_words_of(linkable, reader, [each.text])
        except Unavailable:
            happened("search: come again")
            assert not self.caught_up

    def only_words_of(self, seen: Collection[str], reader: Reader, *told: Iterable[str]) -> None:
        for some in told:
            for each in some:
                for word in MARK.findall(each):
                    assert self.owner[word] in seen, (reader, word, self.owner[word], each)
                    assert word not in self.burnt, (reader, word, each)

    def graph_tells_no_more(self, reader: Reader, linkable: set[str]) -> None:
        told = self.told_by_graph(reader)
        if told is None:
            happened("graph: come again")
            assert not self.caught_up
            return
        self.only_words_of(linkable, reader, told)
        for line in told:
            for iri in re.findall(rf"<{BASE}([^>#]+)", line):
                if iri.split("/")[0] in NAMED:
                    assert iri in linkable, (reader, line)


class _Standing:
    """A generation that nobody feeds, as verification looks at one."""

    def __init__(self, name: Name, generation: int, writer: Any, position: int) -> None:
        self.name = name
        self.generation = generation
        self.writer = writer
        self.position = position

    def settle(self) -> int:
        return self.position

    def mend(self, ids: Collection[str], shown: Sequence[Standing]) -> None:
        raise AssertionError(f"nothing was to be mended: {ids}")


def record_of(line: str) -> str:
    return line.partition(">")[0].partition("#")[0].removeprefix(f"<{BASE}")


def _both(where: Condition | None, more: Condition) -> Condition:
    return more if where is None else And((where, more))


def _copy_if_there(source: str, target: str) -> str:
    try:
        return str(shutil.copy2(source, target))
    except FileNotFoundError:
        return target


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices so small that whatever is cut into several is cut here, and nothing that waits for its time."""
    for small in ("BATCH", "SLICE", "LINKERS_AT_ONCE", "SETTLE_RECORDS"):
        monkeypatch.setattr(follow, small, 3)
    monkeypatch.setattr(follow, "HUB", 1)
    monkeypatch.setattr(generations, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(follow, "TIMED_SECONDS", 0.0)


# Under forty seconds; `PROJECTIONS_EXAMPLES` asks for more.
QUICK = settings(
    max_examples=int(os.environ.get("PROJECTIONS_EXAMPLES", "4")),
    stateful_step_count=int(os.environ.get("PROJECTIONS_STEPS", "16")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.mark.usefixtures("hurried")
def test_projections_over_sqlite_tell_what_the_ledger_tells() -> None:
    run_state_machine_as_test(ProjectionsMachine, settings=QUICK)


@pytest.mark.service
@pytest.mark.usefixtures("hurried")
def test_projections_over_postgresql_tell_what_the_ledger_tells(postgresql_server: str) -> None:
    class OnPostgresql(ProjectionsMachine):
        def fresh(self) -> str:
            self.name = f"test_{uuid.uuid4().hex[:12]}"
            with administrator(postgresql_server) as connection:
                connection.execute(f"CREATE DATABASE {self.name} ENCODING 'UTF8' TEMPLATE template0".encode())
            return f"{postgresql_server}/{self.name}"

        def end(self) -> None:
            super().end()
            with administrator(postgresql_server) as connection:
                connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)".encode())

    run_state_machine_as_test(OnPostgresql, settings=settings(QUICK, max_examples=2))


# ---------------------------------------------------------------------------------------------------- what it found


@pytest.fixture
def machine(hurried: None) -> Iterator[ProjectionsMachine]:
    made = ProjectionsMachine()
    yield made
    made.teardown()


def sample(name: str, *targets: str, scope: str = "lab") -> dict[str, Any]:
    """A public sample that links to others."""
    links = {"derivedFrom": [f"sample/lab/{target}" for target in targets]} if targets else {}
    told: dict[str, Any] = dict.fromkeys(("tissue", "amount", "month", "term"))
    told |= {"id": f"sample/lab/{name}", "links": links, "titled": True, "scope": scope}
    return {**told, "breaks": "nothing", "status": "public"}


def test_the_title_of_what_was_deleted_is_not_suggested(machine: ProjectionsMachine) -> None:
    machine.begin(here=[sample("s0"), sample("s1")], fed=True)
    machine.catch_up()
    machine.withdraw(id="sample/lab/s0")
    machine.all_is_there()


def test_a_record_as_it_was_does_not_tell_the_title_of_what_has_closed_since(machine: ProjectionsMachine) -> None:
    machine.begin(here=[sample("s0", "s1"), sample("s1")], fed=True)
    machine.catch_up()
    machine.load(several=[sample("s0")])  # it links there no more, and that has still to be followed
    machine.load_in_bulk(to="sample/lab/s2", first=0)
    machine.withdraw(id="sample/lab/s1")
    for _ in range(6):
        machine.step(1)
        machine.finds_nothing_hidden(PUBLIC)


def test_when_a_scope_opens_what_lies_closed_below_it_is_not_told_by_its_title(machine: ProjectionsMachine) -> None:
    machine.begin(here=[], fed=True)
    machine.open_or_close(scope="lab/run", mode="limited")
    machine.load(several=[sample("s0", "s1", scope="lab/run"), sample("s1", scope="lab/run/inner")])
    machine.catch_up()
    machine.open_or_close(scope="lab/run", mode="everyone")
    machine.finds_nothing_hidden(PUBLIC)


def test_what_others_tell_of_a_record_that_has_closed_is_found_by_nobody_from_that_moment_on(
    machine: ProjectionsMachine,
) -> None:
    machine.begin(here=[sample("s0", "s1"), sample("s1")], fed=True)
    machine.catch_up()
    machine.withdraw(id="sample/lab/s1")
    for _ in range(5):
        machine.finds_nothing_hidden(PUBLIC)
        machine.step(1)
