"""The generations of a projection: which one answers and is fed, which one is built, compared and takes its place."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from catalog.errors import CatalogError
from catalog.ledger.book import FIRST, Booked, Superseded
from catalog.ledger.reach import Reach
from catalog.projections.projection import Checked, Damaged, Generation, Name, Projection, Tally, panicked
from catalog.upkeep.aside import Aside
from catalog.upkeep.follow import Following, Ledgers
from catalog.upkeep.together import Together
from catalog.upkeep.verify import Round, Verifier

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5  # between two looks at what others asked for
AGAIN_SECONDS: Final = 0.025  # between two looks whether what is done aside is done
LONGEST_PAUSE: Final = 60.0
_END: Final = object()


class Feeder:
    """One projection: its generations that are open, which of them answers, and what is being built."""

    def __init__(
        self,
        ledgers: Ledgers,
        projection: Projection,
        fence: int,
        kinds: Sequence[str],
        prepare: Callable[[], None],
        together: Together,
        verifier: Verifier | None = None,
    ) -> None:
        self._ledgers = ledgers
        self._store, self._book, self._standings = ledgers.store, ledgers.book, ledgers.standings
        self._reach = Reach(ledgers.store.database)
        self._projection = projection
        self._fence = fence
        self._kinds = kinds
        self._prepare = prepare
        self._together = together
        self._verifier = verifier
        self.name: Name = projection.name
        self.live: Following | None = None
        self.building: Following | None = None
        self.troubles = 0  # in a row
        self.trouble = ""
        self._paused_until = 0.0
        self._looked_at = -LOOK_SECONDS
        self._aside: Aside | None = None
        self._verified = False
        self._round: Round | None = None
        self._slices: Iterator[None] | None = None
        self._suspected: set[int] = set()

    def step(self) -> bool:
        """Do the next piece; False when there is nothing to do now, or when trouble makes it pause."""
        if time.monotonic() < self._paused_until:
            return False
        fed: Following | None = None
        try:
            if time.monotonic() - self._looked_at >= LOOK_SECONDS:
                self._look()
            fed = self.live
            did = self.live.work() if self.live is not None else False
            fed = self.building
            did = self._build() or did
            fed = self.live
            if self.live is not None and not self.live.foreign and self._verifier is not None:
                did = self._verifier.step(self.live, idle=not did) or did
        except Superseded:
            self.close()
            raise
        except BaseException as raised:
            if not isinstance(raised, Exception) and not panicked(raised):
                raise
            self._meet(raised if isinstance(raised, Exception) else Damaged(str(raised), ja=str(raised)), fed)
            return False
        if not any(each is not None and each.unsettled for each in (self.live, self.building)):
            # What was fed and not settled may fail yet.
            self.troubles = 0
        return did

    def _meet(self, problem: Exception, fed: Following | None) -> None:
        """Pause for what is nobody's record's fault: a full disk, a database that is away, an engine that is broken.

        No name outlives this that leads to the error: by its traceback it holds the engine's store open, and the next
        one could not be opened in its place.
        """
        if not isinstance(problem, OSError | CatalogError):
            log.error("%s can't be fed", self.name, exc_info=problem)
        try:
            if isinstance(problem, Damaged) and fed is not None:
                self._suspect(fed)
        finally:
            self._pause(problem)

    def caught_up(self, position: int) -> bool:
        """Whether what answers holds every change up to here, and nothing waits to take its place."""
        live = self.live
        return (
            live is not None
            and not live.foreign
            and live.position >= position
            and not live.busy
            and not self.building
            and not any(row.state in ("wanted", "building") for row in self._book.rows(self.name))
        )

    def close(self) -> None:
        """Let go of all generations, as they were when they settled last."""
        if self._aside is not None and self.building is not None:
            self._aside.wait()
        self._aside = self._round = self._slices = None
        self._verified = False
        for each in (self.live, self.building):
            if each is not None:
                try:
                    each.close()
                except Exception:
                    log.exception("%s: generation %d was not closed cleanly", self.name, each.generation)
        self.live = self.building = None
        self._looked_at = -LOOK_SECONDS

    def _suspect(self, fed: Following) -> None:
        """A generation can be opened, and turns out to be damaged when it is used: if opening it anew helps not, it is lost."""
        if fed.generation not in self._suspected:
            self._suspected.add(fed.generation)
        elif fed.state == "live":
            log.error("%s: generation %d is damaged within", self.name, fed.generation)
            self._book.damage(self._fence, self.name, fed.generation)
        else:
            # What is not there is begun again.
            shutil.rmtree(self._book.folder_of(self.name, fed.generation), ignore_errors=True)
            self._suspected.discard(fed.generation)

    def _pause(self, problem: Exception) -> None:
        self.troubles += 1
        self.trouble = f"{type(problem).__name__}: {problem}"
        seconds = min(0.25 * 2 ** min(self.troubles, 10), LONGEST_PAUSE)
        log.warning("%s can't be fed now, and will be tried again in %.1f s: %s", self.name, seconds, self.trouble)
        generation = next((each.generation for each in (self.building, self.live) if each is not None), None)
        # What was not settled may be half done: it opens again as it was when it settled last.
        self.close()
        self._paused_until = time.monotonic() + seconds
        try:
            if generation is None:
                generation = max((row.generation for row in self._book.rows(self.name)), default=None)
            if generation is not None:
                self._book.trouble(self._fence, self.name, generation, self.trouble)
        except Superseded:
            raise
        except CatalogError as second:
            log.warning("%s: nor can that be noted: %s", self.name, second)

    # ---------------------------------------------------------------------------------------------- generations

    def _look(self) -> None:
        """See what the book says, and have open what is to be fed."""
        rows = self._book.rows(self.name)
        live = next((row for row in rows if row.state == "live"), None)
        next_one = next((row for row in rows if row.state in ("wanted", "building")), None)
        self._let_go(live, next_one)
        self._clear_away(rows)
        if self.live is not None and isinstance(self.live.writer, Checked):
            self.live.writer.check()
        if live is not None and self.live is None:
            folder = self._book.folder_of(self.name, live.generation)
            # Whoever opens it clears away what had not settled: that is for who holds the lease still.
            self._book.renew_lease(self._fence)
            try:
                writer = self._projection.open(folder, live.visible)
            except Damaged as problem:
                log.error("%s: generation %d is damaged: %s", self.name, live.generation, problem)
                self._book.damage(self._fence, self.name, live.generation)
                rows = self._book.rows(self.name)
                self._clear_away(rows)
                live = None
            else:
                self.live = self._open(live, writer)
        if live is None and next_one is None:
            if rows:
                self._book.want(self.name, "damaged")
            elif self._is_empty():
                self._make_live()
            else:
                self._book.want(self.name, "first")
            return
        if live is not None and next_one is None and self.live is not None and self.live.foreign:
            self._book.want(self.name, "changed")
            return
        if next_one is not None and self.building is None:
            self._open_building(next_one)
            return
        self._looked_at = time.monotonic()

    def _clear_away(self, rows: Sequence[Booked]) -> None:
        """Nobody reads what is damaged any more, and the next generation may need its room."""
        for row in rows:
            if row.state == "damaged":
                shutil.rmtree(self._book.folder_of(self.name, row.generation), ignore_errors=True)

    def _let_go(self, live: Booked | None, next_one: Booked | None) -> None:
        if self.live is not None and (live is None or live.generation != self.live.generation):
            self.live.close()
            self.live = None
        if self.building is not None and (next_one is None or next_one.generation != self.building.generation):
            if self._aside is not None:
                self._aside.wait()
            self._aside = self._round = self._slices = None
            self.building.close()
            self.building = None

    def _open(self, row: Booked, writer: Generation) -> Following:
        return Following(self._ledgers, self._projection, self._fence, row, writer, self._together)

    def _is_empty(self) -> bool:
        with self._store.read() as connection:
            return self._reach.is_empty(connection)

    def _make_live(self) -> None:
        """The first generation of a catalogue without records answers at once."""
        moment = self._ledgers.clock()
        with self._store.read() as connection:
            position = self._standings.position(connection)
            if not self._reach.is_empty(connection):
                return
        writer = self._projection.make(self._book.folder_of(self.name, FIRST))
        try:
            visible = writer.settle()
        finally:
            writer.close()
        self._book.add_first(
            self._fence,
            self.name,
            fingerprint=self._projection.fingerprint,
            position=position,
            visible=visible,
            opened_at=moment,
        )

    def _open_building(self, row: Booked) -> None:
        if self._aside is None:
            # The linked forms must be those of this version before anything is made from them.
            self._aside = Aside(self._prepare)
        if not self._aside.done:
            self._looked_at = time.monotonic() - LOOK_SECONDS + AGAIN_SECONDS
            return
        aside, self._aside = self._aside, None
        aside.result()
        self._verified = False
        folder = self._book.folder_of(self.name, row.generation)
        self._book.renew_lease(self._fence)
        if row.state == "building" and row.visible is not None and row.fingerprint == self._projection.fingerprint:
            try:
                self.building = self._open(row, self._projection.open(folder, row.visible))
                return
            except Damaged as problem:
                log.warning("%s: generation %d is begun again: %s", self.name, row.generation, problem)
        moment = self._ledgers.clock()
        with self._store.read() as connection:
            position = self._standings.position(connection)
        self._book.begin(
            self._fence,
            self.name,
            row.generation,
            fingerprint=self._projection.fingerprint,
            position=position,
            opened_at=moment,
        )
        log.info("%s: generation %d is being built (%s)", self.name, row.generation, row.why)
        begun = next(each for each in self._book.rows(self.name) if each.generation == row.generation)
        self.building = self._open(begun, self._projection.make(folder))

    def _build(self) -> bool:
        """Do the next piece of a new generation; at the end it answers in place of the old one."""
        building = self.building
        if building is None:
            return self._aside is not None
        if self._aside is not None:
            if not self._aside.done:
                return False
            aside, self._aside = self._aside, None
            self._count(building, aside.result())
            return True
        if self._round is not None and self._slices is not None:
            if next(self._slices, _END) is not _END:
                # It goes on being fed: what changes meanwhile is judged once it is in it.
                building.work()
                return True
            report = self._round.report
            self._round = self._slices = None
            if not report.mended:
                raise OSError(
                    f"generation {building.generation} does not hold what the ledger says: {report.document()}"
                )
            self._verified = True
            return True
        if building.fill():
            return True
        did = building.work()
        if not building.whole or (building.busy and did):
            return did
        if not self._verified:
            building.settle()
            if self.live is None:
                # Nothing answers meanwhile: it is counted now, and compared record by record once it does.
                self._aside = Aside(building.writer.tallies)
            else:
                self._look_into(building)
            return True
        return self._swap(building) or did

    def _look_into(self, building: Following) -> None:
        ledgers = self._ledgers
        self._round = Round(
            self._projection, building, ledgers.standings, ledgers.book, self._kinds, started_at=ledgers.clock()
        )
        self._slices = self._round.cells()

    def _count(self, building: Following, found: Mapping[tuple[str, int], Tally]) -> None:
        """Whether as many records are in it as the ledger has, but for those of which that can't be said."""
        with self._store.read() as connection:
            expected = self._standings.counts_in(connection)
            uncertain = self._reach.uncertain(connection, building.position)
        missing = self._book.failing(self.name)
        counted: dict[str, int] = {}
        for (kind, _), tally in found.items():
            counted[kind] = counted.get(kind, 0) + tally.count
        apart = sum(abs(expected.get(kind, 0) - counted.get(kind, 0)) for kind in {*expected, *counted})
        if apart <= uncertain + len(missing):
            self._verified = True
            return
        log.warning(
            "%s: generation %d is apart from the ledger by %d records: it is compared one by one",
            self.name,
            building.generation,
            apart,
        )
        self._look_into(building)

    def _swap(self, building: Following) -> bool:
        live = self.live
        if live is not None and not live.foreign and building.position < live.position:
            return False
        building.settle()
        if live is not None and building.closed_to < live.closed_to:
            return False
        useless = self._book.swap(self._fence, self.name, building.generation)
        if live is not None:
            live.close()
        building.answers()
        self.live, self.building = building, None
        self._verified = False
        log.info("%s: generation %d answers from now on", self.name, building.generation)
        for generation in useless:
            shutil.rmtree(self._book.folder_of(self.name, generation), ignore_errors=True)
        return True
