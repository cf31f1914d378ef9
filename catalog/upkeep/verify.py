"""Whether a projection holds exactly what the ledger says, and what is done where it does not.

Records are compared by kind and bucket: first how many there are and the sum of their hashes, then, where that differs,
record by record. Writers go on meanwhile, so a first difference says little: a record that differs is looked at again
by whoever holds the lease, with all that was projected settled, and what the projection has still to follow is no drift.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Literal, Protocol, TypeVar

from catalog.ledger.book import Book
from catalog.ledger.standing import Standings
from catalog.ledger.verifications import Asked, Verifications
from catalog.projections.projection import (
    BUCKETS,
    Generation,
    Name,
    Projection,
    Surveyed,
    Tally,
    Unprojectable,
    bucket_of,
)
from catalog.records.standing import Standing
from catalog.store.clock import now

log = logging.getLogger(__name__)

T = TypeVar("T")

# missing: the ledger has it, the projection has not. extra: the other way round. wrong: it stands otherwise than it should:
# as it was earlier, in another graph, with more or less than it says, twice. dangling: it belongs to no record.
Sort = Literal["missing", "extra", "wrong", "dangling"]
SORTS: Final[tuple[Sort, ...]] = ("missing", "extra", "wrong", "dangling")
# What belongs to no record is counted under this kind.
NOBODYS: Final = ""
# All buckets at once: what belongs to nobody is little, or else everything is wrong anyway.
ANY: Final = -1
SLICE: Final = 500
# Ids and hashes of so many records are held at once.
HELD_MOST: Final = 200_000
# So many of the records that differ are named in a report; all are counted.
NAMED_MOST: Final = 100
# What verifying in the background takes of one core while it goes on: a million records in some hours.
SHARE: Final = 0.03
# Between two looks whether somebody asks for a round, or it is time for one.
LOOK_SECONDS: Final = 0.5
PROGRESS_SECONDS: Final = 1.0
# How long the feeding waits for a step of verification, about: less than anybody notices.
STEP_SECONDS: Final = 0.03
# How long a round waits in all for records that go on changing, before it leaves such to the next one.
PATIENCE_SECONDS: Final = 60.0


class Feeding(Protocol):
    """Who holds the lease and feeds the generation that is looked at."""

    @property
    def generation(self) -> int: ...

    @property
    def writer(self) -> Generation: ...

    def settle(self) -> int:
        """Let all that was applied be durable and visible; the position up to which everything is in it then."""
        ...

    def mend(self, ids: Collection[str], shown: Sequence[Standing]) -> None:
        """Take away all that is here of these ids, then let these records stand as told, durably."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that the projection does not show as the ledger has it, once that is certain."""

    id: str
    sort: Sort
    repaired: bool

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "sort": self.sort, "repaired": self.repaired}


@dataclass(slots=True)
class Report:
    """What a round of verification found."""

    name: Name
    generation: int
    started_at: str
    repair: bool
    records: int = 0  # of the ledger that were compared
    buckets: int = 0  # that were compared
    looked_into: int = 0  # of these, record by record since they differed
    drift: Counter[Sort] = field(default_factory=Counter)
    repaired: int = 0
    failing: int = 0  # that differ as it is known: they can't be projected
    waived: int = 0  # the same, and somebody said that they may
    undecided: int = 0  # that went on changing while they were looked at
    position: int = 0  # every change up to here was in it
    seconds: float = 0.0
    differences: list[Difference] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the projection held what the ledger says."""
        return not self.drift.total()

    @property
    def mended(self) -> bool:
        """Whether it does now."""
        return self.repaired == self.drift.total()

    def document(self) -> dict[str, Any]:
        """The report as it is answered and kept."""
        return {
            "projection": self.name,
            "generation": self.generation,
            "startedAt": self.started_at,
            "seconds": round(self.seconds, 3),
            "position": str(self.position),
            "records": self.records,
            "buckets": self.buckets,
            "lookedInto": self.looked_into,
            "clean": self.clean,
            "drift": {"total": self.drift.total(), **{sort: self.drift[sort] for sort in SORTS}},
            "repair": self.repair,
            "repaired": self.repaired,
            "failing": self.failing,
            "waived": self.waived,
            "undecided": self.undecided,
            "differences": [each.document() for each in self.differences],
        }


class Round:
    """One comparison of a generation with the ledger, in slices; each `next` of `whole` or `cells` is one.

    All of it runs in the thread of whoever feeds the generation, who may feed between two slices.
    """

    def __init__(
        self,
        projection: Projection,
        feeding: Feeding,
        standings: Standings,
        book: Book,
        kinds: Iterable[str],
        *,
        started_at: str,
        repair: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._projection = projection
        self._feeding = feeding
        self._standings = standings
        self._book = book
        self._kinds = tuple(kinds)
        self._clock = clock
        self.report = Report(projection.name, feeding.generation, started_at, repair)
        self._waited = 0.0
        self._unprojectable: dict[str, str] = {}  # kinds of the records that can't be projected as they stand, by id
        self.waiting = False  # for what has still to be followed
        self.of = sum(standings.counts().values())  # records, about

    def whole(self) -> Generator[None]:
        """Count both sides whole, then look into the buckets that differ: the quicker way where nobody waits.

        What the generation counts is counted in one go, in which it is not fed.
        """
        expected: defaultdict[tuple[str, int], Tally] = defaultdict(Tally)
        for shown in self._standings.walk(size=SLICE):
            kind_of = {standing.id: standing.kind for standing in shown}
            for id, hash in self._expected(shown).items():
                cell = kind_of[id], bucket_of(id)
                expected[cell] = expected[cell].plus(hash)
            self.report.records += len(shown)
            yield
        self.report.position = self._feeding.settle()
        found = self._feeding.writer.tallies()
        cells = {*expected, *found}
        self.report.buckets = len(cells)
        yield
        differing: defaultdict[str, list[int]] = defaultdict(list)
        for kind, bucket in sorted(cells):
            if expected.get((kind, bucket), Tally()) != found.get((kind, bucket), Tally()):
                differing[kind].append(bucket)
        for id, kind in self._unprojectable.items():
            if bucket_of(id) not in differing[kind]:
                differing[kind].append(bucket_of(id))
        counts = self._standings.counts()
        with self._surveyed():
            if differing.pop(NOBODYS, None):
                for _ in self._look(NOBODYS, [ANY]):
                    yield
            for kind, buckets in differing.items():
                for some in _slices(buckets, _buckets_at_once(counts.get(kind, 0))):
                    for _ in self._look(kind, some):
                        yield

    def cells(self) -> Generator[None]:
        """Compare bucket after bucket, in slices between which the generation may be fed: nobody waits long for it."""
        counts = self._standings.counts()
        with self._surveyed():
            if isinstance(self._feeding.writer, Surveyed):
                yield from self._feeding.writer.survey()
            for _ in self._look(NOBODYS, [ANY]):
                yield
            for kind in self._kinds:
                for some in _slices(range(BUCKETS), _buckets_at_once(counts.get(kind, 0))):
                    for number in self._look(kind, some):
                        self.report.records += number
                        yield
                    self.report.buckets += len(some)
        self.report.position = self._feeding.settle()

    @contextmanager
    def _surveyed(self) -> Iterator[None]:
        """Whatever is found by looking at everything is let go of at the end."""
        try:
            yield
        finally:
            if isinstance(self._feeding.writer, Surveyed):
                self._feeding.writer.forget_survey()

    def _look(self, kind: str, buckets: Sequence[int]) -> Generator[int]:
        """Some buckets of a kind, record by record; yields how many records were read."""
        expected: dict[int, dict[str, int]] = {bucket: {} for bucket in buckets}
        if kind != NOBODYS:
            ours = (key for key, id in self._standings.of_kind(kind) if bucket_of(id) in expected)
            for some in _slices(ours, SLICE):
                shown, _ = self._standings.read(some)
                for id, hash in self._expected(shown).items():
                    expected[bucket_of(id)][id] = hash
                yield len(shown)
        for bucket in buckets:
            should = expected.pop(bucket)
            suspects: set[str] = set()
            for held in _slices(self._held(kind, bucket), SLICE):
                # What is here twice differs the second time.
                suspects |= {id for id, hash in held if should.pop(id, None) != hash}
            suspects |= should.keys()
            suspects |= {id for id, of in self._unprojectable.items() if of == kind and bucket_of(id) == bucket}
            yield 0
            if suspects:
                self.report.looked_into += 1
            began = self._clock()
            while suspects:
                suspects = self._judge(kind, bucket, suspects)
                self.waiting = bool(suspects) and self._waited + self._clock() - began < PATIENCE_SECONDS
                if not self.waiting:
                    break
                yield 0
            self.report.undecided += len(suspects)
            self._waited += self._clock() - began

    def _judge(self, kind: str, bucket: int, suspects: Collection[str]) -> set[str]:
        """Say of each suspect whether it drifted, and mend it; those of which that can't be said yet are given back."""
        self._feeding.settle()
        held = self._held_of(kind, bucket, suspects)
        keys = self._standings.keys_of(suspects)
        shown: list[Standing] = []
        for some in _slices(keys.values(), SLICE):
            shown += self._standings.read(some)[0]
        standing_of = {standing.id: standing for standing in shown}
        # What stands under nobody's name should not be there at all, whatever else there is of that name.
        should = self._expected(shown) if kind != NOBODYS else {}
        # Asked last: whatever was read above and is not in the generation yet is seen here.
        unfinished = self._book.unfinished(self.report.name, self._feeding.generation, keys.values())
        failing = self._book.failing_of(self.report.name, keys.values())
        drifted: dict[str, Sort] = {}
        left: set[str] = set()
        for id in sorted(suspects):
            right = [should[id]] if id in should else []
            if held.get(id, []) == right and id not in self._unprojectable:
                continue
            key = keys.get(id)
            if key in unfinished:
                left.add(id)
            elif key is not None and key in failing:
                self.report.waived += failing[key]
                self.report.failing += not failing[key]
            elif kind == NOBODYS:
                drifted[id] = "dangling"
            elif not right and id not in self._unprojectable:
                drifted[id] = "extra"
            else:
                drifted[id] = "wrong" if id in held else "missing"
        self._mend(kind, bucket, drifted, standing_of, should)
        return left

    def _expected(self, shown: Sequence[Standing]) -> dict[str, int]:
        """The hashes that these should have; those that can't be projected as they stand are remembered."""
        told: dict[str, int] = {}
        for standing in shown:
            self._unprojectable.pop(standing.id, None)
        try:
            # What was told before it fails is kept.
            told.update(self._projection.expected(shown))
        except Unprojectable as problem:
            self._unprojectable |= {each.id: each.kind for each in shown if each.key in problem.reasons}
        return told

    def _held(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        for each in range(BUCKETS) if bucket == ANY else (bucket,):
            yield from self._feeding.writer.hashes(kind, each)

    def _held_of(self, kind: str, bucket: int, ids: Collection[str]) -> dict[str, list[int]]:
        held: defaultdict[str, list[int]] = defaultdict(list)
        for id, hash in self._held(kind, bucket):
            if id in ids:
                held[id].append(hash)
        return dict(held)

    def _mend(
        self,
        kind: str,
        bucket: int,
        drifted: Mapping[str, Sort],
        standing_of: Mapping[str, Standing],
        should: Mapping[str, int],
    ) -> None:
        if not drifted:
            return
        mended: set[str] = set()
        if self.report.repair:
            self._feeding.mend(drifted.keys(), [standing_of[id] for id in drifted if id in standing_of])
            held = self._held_of(kind, bucket, drifted)
            mended = {id for id in drifted if held.get(id, []) == ([should[id]] if id in should else [])}
            mended -= self._unprojectable.keys()
        for id, sort in drifted.items():
            self.report.drift[sort] += 1
            self.report.repaired += id in mended
            if len(self.report.differences) < NAMED_MOST:
                self.report.differences.append(Difference(id, sort, id in mended))


class Verifier:
    """Looks after one projection, in the thread that feeds it: a round at full pace whenever somebody asks for one, and
    else one every so many hours, in small steps while there is nothing to feed.
    """

    def __init__(
        self,
        projection: Projection,
        standings: Standings,
        book: Book,
        verifications: Verifications,
        kinds: Iterable[str],
        *,
        every_hours: float,
        alone: bool = False,
    ) -> None:
        self._projection = projection
        self._standings = standings
        self._book = book
        self._verifications = verifications
        self._kinds = tuple(kinds)
        self._every = every_hours
        self._alone = alone  # nobody waits to be fed meanwhile
        self._round: Round | None = None
        self._slices: Generator[None] | None = None
        self._asked: Asked | None = None
        self._began = 0.0
        self._next_look = 0.0
        self._next_slice = 0.0
        self._next_progress = 0.0

    def step(self, feeding: Feeding, *, idle: bool) -> bool:
        """Do a little; whether there is more to do at once."""
        moment = time.monotonic()
        if self._round is not None and self._round.report.generation != feeding.generation:
            # Another generation answers by now.
            self._stop()
        if moment >= self._next_look and self._asked is None:
            self._next_look = moment + LOOK_SECONDS
            if asked := self._verifications.asked(self._projection.name):
                self._begin(feeding, asked)
            elif self._round is None and idle and self._is_time(feeding):
                self._begin(feeding, None)
        if self._slices is None or (self._asked is None and (not idle or moment < self._next_slice)):
            return False
        try:
            ended = self._work(moment)
        except BaseException:
            # Whoever feeds opens the generation anew; the round begins anew as well.
            self._stop()
            raise
        if ended:
            self._end()
            return False
        took = time.monotonic() - moment
        if self._asked is None:
            self._next_slice = moment + took / SHARE
            return False
        self._tell(moment)
        return True

    def _work(self, moment: float) -> bool:
        """So many slices as fit into a step; whether that was all. Who waits for the feeding lets it go on at once."""
        assert self._slices is not None
        assert self._round is not None
        while True:
            try:
                next(self._slices)
            except StopIteration:
                return True
            if self._round.waiting or time.monotonic() - moment >= STEP_SECONDS:
                return False

    def _is_time(self, feeding: Feeding) -> bool:
        if not self._every:
            return False
        last = self._verifications.last(self._projection.name)
        if last.at is None or last.report is None or last.report["generation"] != feeding.generation:
            return True
        passed = datetime.fromisoformat(now()) - datetime.fromisoformat(str(last.report["startedAt"]))
        return passed >= timedelta(hours=self._every)

    def _begin(self, feeding: Feeding, asked: Asked | None) -> None:
        self._asked = asked
        self._round = Round(
            self._projection,
            feeding,
            self._standings,
            self._book,
            self._kinds,
            started_at=now(),
            repair=asked.repair if asked is not None else True,
        )
        self._slices = self._round.whole() if self._alone else self._round.cells()
        self._began = time.monotonic()
        self._next_progress = 0.0

    def _tell(self, moment: float) -> None:
        if moment >= self._next_progress and self._asked is not None and self._round is not None:
            self._next_progress = moment + PROGRESS_SECONDS
            told = {"records": self._round.report.records, "of": self._round.of}
            self._verifications.progress(self._projection.name, self._asked.at, told)

    def _end(self) -> None:
        assert self._round is not None
        report = self._round.report
        report.seconds = time.monotonic() - self._began
        if not report.clean:
            log.warning(
                "%s: %d records differed from the ledger (%s), %d repaired",
                report.name,
                report.drift.total(),
                ", ".join(f"{report.drift[sort]} {sort}" for sort in SORTS if report.drift[sort]),
                report.repaired,
            )
        asked = self._asked.at if self._asked is not None else None
        self._verifications.note(report.name, report.generation, report.document(), asked)
        self._stop()
        self._next_look = 0.0

    def _stop(self) -> None:
        if self._slices is not None:
            self._slices.close()
        self._round = self._slices = self._asked = None


def _buckets_at_once(records: int) -> int:
    """Of a kind with so many records: as many buckets as may be held in memory."""
    return max(1, min(BUCKETS, BUCKETS * HELD_MOST // max(records, 1)))


def _slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
