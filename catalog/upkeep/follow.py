"""Following the ledger: one generation of a projection, from a position of its own.

What closes goes first, wherever the following stands. Then come the changes in their order, each record once in a batch
and as it stands now; what a change means for other records (those that link to it, those that lie in a scope) spreads
to them in slices. A position is noted only when all of it is durable and can be read; after a crash a generation opens
as it was when it settled last, so following again from the position noted is exact.
"""

from __future__ import annotations

import logging
import shutil
import time
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from catalog.access.notices import VERBS
from catalog.ledger import alike
from catalog.ledger.book import (
    ALL_OPEN,
    ONLY_WAITS,
    Book,
    Booked,
    Come,
    Failed,
    Spread,
    Superseded,
    closes,
    opens,
    was_public,
)
from catalog.ledger.latest import Latest
from catalog.ledger.reach import Reach
from catalog.ledger.standing import Standings
from catalog.ledger.terms import Terms
from catalog.projections.projection import Damaged, Generation, Name, Projection, Shutting, Unprojectable
from catalog.records.standing import Gone, Lie, Standing
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.upkeep.aside import Aside
from catalog.upkeep.together import Exact, Together

log = logging.getLogger(__name__)

BATCH: Final = 1_000  # changes at once
SLICE: Final = 1_000  # records that a change spreads to, at once
# So many records that link to a batch are fed with it; those of a record that more link to are left to slices.
LINKERS_AT_ONCE: Final = 5_000
HUB: Final = 500
# Where so many are closed at once, all that lies open is taken away, which takes a moment, and what still lies open is fed
# again: taking one away takes three times as long as feeding one.
SWEEP_LEAST: Final = 2_000
SWEEP_RATIO: Final = 2
QUEUED: Final = 200_000  # keys of records to spread to that are held in memory
SETTLE_SECONDS: Final = 1.0
SETTLE_RECORDS: Final = 5_000
TIMED_SECONDS: Final = 1.0  # between two looks at what time brings: embargoes that end, failures to be tried again
REMEMBERED: Final = 200_000
# The verbs after which a record is to be seen where it was not; what closes is in `CLOSING`.
OPENING: Final = ("publish", "restore", "unmerge")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """What following reads and writes."""

    store: Store
    book: Book
    standings: Standings
    clock: Clock = now


class Following:
    """One generation that is open for writing, and how far it has come."""

    def __init__(
        self,
        ledgers: Ledgers,
        projection: Projection,
        fence: int,
        row: Booked,
        writer: Generation,
        together: Together,
    ) -> None:
        self._store, self._book, self._standings = ledgers.store, ledgers.book, ledgers.standings
        self._clock = ledgers.clock
        self._reach = Reach(ledgers.store.database)
        self._terms = Terms(ledgers.store, clock=ledgers.clock)
        self._tells_titles, self._tells_stirred = "titles" in projection.tells, "stirred" in projection.tells
        self._fence = fence
        self.name: Name = projection.name
        self.generation = row.generation
        self.state = row.state
        self.writer = writer
        # Built by another version or from other kinds: it answers on, and what closes is taken out of it. No more.
        self.foreign = row.fingerprint != projection.fingerprint
        self.position = row.position
        self.closed_to = row.closed_to
        self.filled_to = row.filled_to
        self._opened_at = row.opened_at or ledgers.clock()
        self._together = together
        self._exact = Exact(row.closed_to, self._opened_at)
        if row.state == "live":
            together.come(self, row.position)
        self._latest = Latest(ledgers.store)
        self._durable = row.position
        self._spreads = self._book.spreads(self.name, self.generation)
        self._queue: array[int] = array("q")
        self._queued: Spread | None = None
        self._failing = self._book.failing(self.name)
        self._come = Come()
        self._noting: Aside | None = None  # what has been settled and is just being noted
        self._dirty = False
        self._since_settled = 0
        self._settled_at = time.monotonic()
        self._timed_at = 0.0
        self._stirred_until = -1  # up to where nothing is noted any more of what was stirred
        self._looked_to = -1  # the last position of the ledger that was looked at
        # At which position of the ledger a record was read last: what happened to it before is in it.
        self._applied: dict[int, int] = {}
        # Records that came after this can't be in it yet. While it is filled, records of any position come in.
        self._new_after = row.position
        if self.state == "building" and self.filled_to is None:
            self._new_after = self._latest.position()

    # ----------------------------------------------------------------------------------------------- what to do

    def work(self) -> bool:
        """Do the next piece, closings before all else; False when there is nothing to do now."""
        last = self._latest.position()
        if last != self._looked_to and self._close(last):
            return True
        did, waits = self._go_further(closing=True), False
        if did and isinstance(self.writer, Shutting):
            # Nobody is answered until it has spread.
            self._settle_in_time(busy=True)
            return True
        if not self.foreign:
            waits = self.position < last and self._lets_others_come()
            did = (self.position < last and not waits and self._follow()) or did
            did = self._go_further(closing=False) or did
            if time.monotonic() - self._timed_at >= TIMED_SECONDS:
                self._timed_at = time.monotonic()
                did = self._open_by_the_clock() or did
                self._forget_stirred()
                did = self._retry() or did
        if not did:
            self._looked_to = last
        self._settle_in_time(busy=did or waits)
        return did

    def _lets_others_come(self) -> bool:
        """Whether the other projections are to come nearer first. Only what answers waits, and is waited for."""
        if self.state != "live":
            return False
        self._together.come(self, self.position)
        return self._together.is_ahead(self, self.position)

    @property
    def _has_news(self) -> bool:
        """Whether there is anything that the book does not have yet."""
        return self._dirty or self.position != self._durable or bool(self._come.spreads)

    @property
    def unsettled(self) -> bool:
        """Whether something was fed that is not settled yet."""
        return self._has_news or self._noting is not None

    @property
    def busy(self) -> bool:
        """Whether something is not settled yet, or still spreads."""
        return bool(self._spreads) or self.unsettled

    @property
    def whole(self) -> bool:
        """Whether it has been filled, and all that happened meanwhile is in it."""
        return self.filled_to is None and self.position >= self._new_after

    def answers(self) -> None:
        """It is the one that answers from now on."""
        self.state = "live"
        self._together.come(self, self.position)

    def settle(self) -> int:
        """Let all that was applied be durable and visible; the position up to which everything is in it then."""
        # Whoever verifies may have written to it past this.
        self._dirty = True
        return self._settle()

    def _settle(self, *, aside: bool = False) -> int:
        self._wait_for_note()
        if self._dirty:
            self._come.visible = self.writer.settle()
        come = self._come
        come.position, come.closed_to = self.position, max(self.closed_to, self.position)
        if self.state == "building" and self.filled_to is not None:
            come.filled_to = self.filled_to
        if self._has_news:
            note = partial(self._book.advance, self._fence, self.name, self.generation, come, state=self.state)
            if aside:
                # Whoever loads meanwhile holds the database for most of the time: feeding goes on while it is waited for.
                self._noting = Aside(note)
            else:
                note()
        self._come = Come()
        self._dirty = False
        self._durable = self.position
        self._since_settled = 0
        self._settled_at = time.monotonic()
        return self.position

    def mend(self, ids: Collection[str], shown: Sequence[Standing]) -> None:
        """Take away all that is here of these ids, then let these records stand as told, durably."""
        self._dirty = True
        self.writer.remove(ids)
        # What was here may claim to be newer than it is: it has to be gone before anything is compared with it.
        self.settle()
        for first in range(0, len(shown), SLICE):
            self._apply(shown[first : first + SLICE], ())
        self.settle()

    def close(self) -> None:
        """Let go of it, as it was when it settled last."""
        if self._noting is not None:
            self._noting.wait()
        self._together.leave(self)
        self._latest.close()
        self.writer.close()

    def _settle_in_time(self, *, busy: bool) -> None:
        late = time.monotonic() - self._settled_at >= SETTLE_SECONDS or self._since_settled >= SETTLE_RECORDS
        if self._has_news and (late or not busy):
            self._settle(aside=busy)
        elif self._noting is not None and (self._noting.done or not busy):
            self._wait_for_note()

    def _wait_for_note(self) -> None:
        if self._noting is not None:
            noting, self._noting = self._noting, None
            noting.result()

    # -------------------------------------------------------------------------------------------------- closings

    def _close(self, last: int) -> bool:
        """Take in what has closed since, wherever the order of changes stands."""
        with self._store.read() as connection:
            rows = self._reach.closings(connection, self.closed_to, BATCH)
            last = self._standings.position(connection)
            reached = rows[-1][0] if len(rows) == BATCH else last
            records: dict[int, int] = {}
            scopes: dict[int, int] = {}
            expunged = False
            for position, key, verb, detail, at in rows:
                said: Mapping[str, Any] = orjson.loads(detail) if detail else {}
                expunged = expunged or verb == "expunge"
                if verb == "scope":
                    if closes(said, at):
                        scopes[self._reach.key_of_scope(connection, said["scope"])] = position
                elif was_public(verb, said):
                    records[key] = position
            if not records and not scopes:
                if expunged:
                    self._forget_old()
                self.closed_to = max(self.closed_to, reached)
                return len(rows) == BATCH
            first = self._reach.first_changes(connection, records) if records else {}
            shown, gone = self._standings.read_in(connection, records)
            # What has not been here yet comes in its turn; but others may speak of it already.
            here = [] if self.foreign else [each for each in shown if first[each.key] <= self.position]
            kept = {each.key for each in here}
            later = [each for each in shown if each.key not in kept]
            gone += [Gone(each.key, each.id, each.position) for each in later]
            linkers, hubs = self._linkers_of(connection, records, closing=True)
            stirred = self._stirred_between(connection, self.closed_to, reached)
            others, none = self._standings.read_in(connection, linkers)
            behind = self._is_behind(connection, last)
        self._exact = replace(self._exact, position=last)
        self._together.forget()
        self._apply(here, gone, closing=True)
        for each in later:
            self._applied.pop(each.key, None)
        if self.foreign:
            # Those that speak of what has closed can't be made anew: that they do is known until the new one answers.
            hubs = list(records)[:1] if self._tells_titles else []
        else:
            self._apply(others, none)
        for key in hubs:
            self._begin_spread(Spread("linkers", key, self._tells_titles, reached))
        for key, position in scopes.items():
            self._begin_spread(Spread("scope", key, True, position))
        for position in stirred:
            self._begin_spread(Spread("stirred", position, True, position))
        if behind:
            self._begin_spread(Spread("linkers", next(iter({**records, **scopes})), True, last, ONLY_WAITS))
        self.closed_to = reached
        self._settle()
        if expunged:
            self._forget_old()
        return True

    def _is_behind(self, connection: Connection, last: int) -> bool:
        """Whether titles are told here by records as they were, which by now link to something else.

        Such a record may tell the title of what has closed, and no row leads from that to it any more. All that is known
        is that by this position it has been fed again.
        """
        if self.foreign or not self._tells_titles:
            return False
        return self._reach.is_revised(connection, self.position, last)

    def _forget_old(self) -> None:
        """What was expunged must be gone from the generation to go back to, too: it goes with all of it."""
        old = [row.generation for row in self._book.rows(self.name) if row.state in ("old", "damaged")]
        if old and self.state == "live":
            self._book.drop(self._fence, self.name, old)
            for generation in old:
                shutil.rmtree(self._book.folder_of(self.name, generation), ignore_errors=True)
        if self.state == "live":
            # Deleting only says that it is not there: the bytes go when everything is written anew.
            self._book.want(self.name, "expunged")

    # ------------------------------------------------------------------------------------------------- in order

    def _follow(self) -> bool:
        """Take in the next changes in their order."""
        with self._store.read() as connection:
            rows = self._reach.changes(connection, self.position, self.closed_to, BATCH)
            if not rows:
                return False
            end: int = rows[-1][0]
            reached: dict[int, int] = {}
            born: set[int] = set()
            revised: dict[int, int] = {}
            opened: set[int] = set()
            scopes: dict[int, int] = {}
            for position, key, verb, revision, detail, at in rows:
                if verb in VERBS:
                    continue  # what single people may see is asked when they ask
                if verb == "scope":
                    said = orjson.loads(detail)
                    # What closes at the same time has spread already.
                    if opens(said, at) and not closes(said, at):
                        scopes[self._reach.key_of_scope(connection, said["scope"])] = position
                    continue
                reached[key] = position
                if verb == "submit":
                    if revision > 1:
                        revised.setdefault(key, revision)
                    elif position > self._new_after:
                        born.add(key)
                    else:
                        opened.add(key)
                elif verb in OPENING:
                    opened.add(key)
            applied = self._applied
            keys = [key for key, position in reached.items() if applied.get(key, -1) < position]
            exact = replace(self._exact, position=max(self._exact.position, end))
            shown, gone = self._together.read_in(connection, self, keys, exact)
            # Of what is new and not to be shown there is nothing here to be removed.
            gone = [each for each in gone if each.key not in born]
            telling = opened | born
            if self._tells_titles:
                telling |= self._retitled(connection, revised, shown, telling)
                # What was fed before its turn, for another's sake, has told nobody of its title.
                telling |= revised.keys() - set(keys)
            linkers, hubs = self._linkers_of(connection, telling, end=end, but=set(keys))
            stirred, stirring = self._stirred_of(connection, end, but={*keys, *linkers})
            linkers = [key for key in (*linkers, *stirred) if applied.get(key, -1) < end]
            others, none = self._standings.read_in(connection, linkers) if linkers else ([], [])
        self._apply([each for each in shown if each.key in born], [], fresh=True)
        self._apply([each for each in shown if each.key not in born] + others, gone + none)
        for key in hubs:
            self._begin_spread(Spread("linkers", key, False, end))
        for key, position in scopes.items():
            self._begin_spread(Spread("scope", key, False, position))
        for position in stirring:
            self._begin_spread(Spread("stirred", position, False, end))
        self.position = end
        if self.state == "live":
            self._together.come(self, end)
        return True

    def _retitled(
        self, connection: Connection, revised: Mapping[int, int], shown: Sequence[Standing], but: Collection[int]
    ) -> set[int]:
        """Those records whose title is no longer what it was before these revisions."""
        asked = [(each.key, revised[each.key]) for each in shown if each.key in revised and each.key not in but]
        if not asked:
            return set()
        before = {key: number - 1 for key, number in asked}
        # Where the revision before was in quarantine or has been expunged, it is not known what was shown.
        was = self._reach.titles(connection, before)
        titles = {each.key: _title_of(each) for each in shown}
        return {key for key in before if key not in was or was[key] != titles[key]}

    def _linkers_of(
        self,
        connection: Connection,
        keys: Collection[int],
        *,
        closing: bool = False,
        end: int | None = None,
        but: Collection[int] = (),
    ) -> tuple[list[int], list[int]]:
        """The records that show something of these, and those of these that too many speak of.

        Who changes later is fed later; but what has closed must go from all that is here at once.
        """
        if not keys or self.foreign:
            return [], []
        found, hubs = self._reach.linkers(connection, keys, most=LINKERS_AT_ONCE, most_of_one=HUB)
        found.difference_update(but)
        if closing:
            found.difference_update(keys)
        return self._in_turn(connection, found, closing=closing, end=end), hubs

    def _in_turn(
        self, connection: Connection, keys: Collection[int], *, closing: bool, end: int | None = None
    ) -> list[int]:
        """Those of these that are to be fed now: what will change later is fed later, and what closes is here by now."""
        if closing:
            return self._reach.begun(connection, keys, self.position if end is None else end)
        return self._reach.unchanged(connection, keys, self.position if end is None else end)

    def _stirred_of(self, connection: Connection, end: int, but: Collection[int]) -> tuple[list[int], list[int]]:
        """The records that were stirred by the next changes up to `end`; if they are many, the positions to spread from."""
        if not self._tells_stirred:
            return [], []
        rows = self._reach.stirred(connection, self.position, end, LINKERS_AT_ONCE + 1)
        if len(rows) > LINKERS_AT_ONCE:
            return [], self._stirred_between(connection, self.position, end)
        return self._in_turn(connection, {record for _, record in rows}.difference(but), closing=False, end=end), []

    def _stirred_between(self, connection: Connection, after: int, to: int) -> list[int]:
        if not self._tells_stirred or self.foreign:
            return []
        return self._reach.stirred_at(connection, after, to)

    def _forget_stirred(self) -> None:
        """Let go of the note of what was stirred, once all have come past it."""
        if not self._tells_stirred or self.foreign or self._stirred_until == self._durable:
            return
        with self._store.read() as connection:
            some = self._reach.any_stirred(connection, self._durable)
        if some:
            with self._store.write() as connection:
                alike.clear(connection, self._store.database, self.name)
        self._stirred_until = self._durable

    # ------------------------------------------------------------------------------------------------ spreading

    def _begin_spread(self, spread: Spread) -> None:
        for place, each in enumerate(self._spreads):
            if (each.what, each.key) == (spread.what, spread.key):
                # From the beginning again, and as a closing if either was one.
                self._spreads[place] = replace(
                    each,
                    closing=each.closing or spread.closing,
                    position=max(each.position, spread.position),
                    done_to=ONLY_WAITS if each.done_to == spread.done_to == ONLY_WAITS else 0,
                )
                self._come.spreads.append(self._spreads[place])
                self._queued = None
                return
        self._spreads.append(spread)
        self._come.spreads.append(spread)

    def _go_further(self, *, closing: bool) -> bool:
        """Reach the next records that something spreads to."""
        waiting = (each for each in self._spreads if each.closing == closing)
        if self.foreign:
            # What was swept away and should lie open can't be made anew: until the new one answers, nobody is answered.
            waiting = (each for each in waiting if each.what == "scope" and each.key != ALL_OPEN)
        spread = next((each for each in waiting if each.done_to != ONLY_WAITS or each.position <= self.position), None)
        if spread is None:
            return False
        if closing and spread.what == "scope" and not self.foreign and isinstance(self.writer, Shutting):
            return self._shut(self.writer, spread)
        with self._store.read() as connection:
            some = self._next_of(connection, spread)
            if not some:
                last = self._standings.position(connection)
                self._end_spread(spread)
                if closing and spread.done_to != ONLY_WAITS and self._is_behind(connection, last):
                    self._begin_spread(Spread(spread.what, spread.key, True, last, ONLY_WAITS))
                return True
            chosen = self._in_turn(connection, some, closing=closing)
            if spread.what != "scope":
                chosen = [key for key in chosen if self._applied.get(key, -1) < spread.position]
            shown, gone = self._standings.read_in(connection, chosen)
            if self.foreign:
                gone += [Gone(each.key, each.id, each.position) for each in shown]
                shown = []
            linkers: list[int] = []
            hubs: list[int] = []
            if self.foreign:
                hubs = chosen[:1] if self._tells_titles else []
            elif spread.what == "scope":
                linkers, hubs = self._linkers_of(connection, some, closing=closing)
                linkers = [key for key in linkers if self._applied.get(key, -1) < spread.position]
                linkers = self._reach.outside(connection, linkers, spread.key)
            others, none = self._standings.read_in(connection, linkers) if linkers else ([], [])
        self._apply(shown, gone, closing=closing)
        self._apply(others, none)
        for key in hubs:
            self._begin_spread(Spread("linkers", key, closing and self._tells_titles, spread.position))
        self._go_on(spread, some[-1])
        return True

    def _next_of(self, connection: Connection, spread: Spread) -> list[int]:
        """The next records that a change spreads to."""
        if self._queued != spread or not self._queue:
            self._queue = self._reach.reached(connection, spread, QUEUED)
            self._queue.reverse()
            self._queued = spread
        return [self._queue.pop() for _ in range(min(SLICE, len(self._queue)))]

    def _go_on(self, spread: Spread, done_to: int) -> None:
        come = replace(spread, done_to=done_to)
        self._spreads[self._spreads.index(spread)] = come
        self._queued = come
        self._come.spreads.append(come)

    def _shut(self, writer: Shutting, spread: Spread) -> bool:
        """Take away the next records of a scope that was closed; where they lie now they are put once all are gone."""
        with self._store.read() as connection:
            some = self._next_of(connection, spread)
            if not some:
                self._end_spread(spread)
                if spread.key != ALL_OPEN:
                    self._begin_spread(Spread("scope", spread.key, False, spread.position))
                # Readers wait for just this.
                self._settle()
                return True
            if spread.key == ALL_OPEN:
                # What was swept away with the closed.
                shown, gone = self._standings.read_in(connection, self._in_turn(connection, some, closing=True))
                lies: dict[int, tuple[str, Lie]] = {}
            else:
                shown, gone = [], []
                lies = self._reach.lies(connection, some, self._clock())
            sweeping = (
                spread.key != ALL_OPEN and not spread.done_to and self._is_swept(connection, writer, spread, lies)
            )
        self._dirty = True
        if sweeping:
            writer.sweep()
            self._applied.clear()
            self._begin_spread(Spread("scope", ALL_OPEN, True, spread.position))
        writer.shut(dict(lies.values()))
        for key in lies:
            # Whatever was read of it before is not here any more.
            self._applied.pop(key, None)
        self._apply(shown, gone)
        self._since_settled += len(lies)
        self._go_on(spread, some[-1])
        return True

    def _is_swept(
        self, connection: Connection, writer: Shutting, spread: Spread, some: Mapping[int, tuple[str, Lie]]
    ) -> bool:
        """Whether it takes less long to feed all that still lies open than to take away what does no more."""
        closed, left = self._reach.closed_and_open(connection, spread.key, self._clock())
        if closed < SWEEP_LEAST:
            return False
        ids = [id for id, lie in some.values() if not lie.open]
        share = writer.lying_open(ids) / len(ids) if ids else 0.0
        return bool(left <= SWEEP_RATIO * share * closed)

    def _end_spread(self, spread: Spread) -> None:
        self._spreads.remove(spread)
        self._come.spreads = [each for each in self._come.spreads if (each.what, each.key) != (spread.what, spread.key)]
        self._come.spread_out.append(spread)
        self._queued = None
        self._dirty = True

    def _open_by_the_clock(self) -> bool:
        """Let what lies in scopes whose embargo has ended be seen by everyone."""
        moment = self._clock()
        with self._store.read() as connection:
            ended = self._reach.ended(connection, self._opened_at, moment)
        if ended:
            # Terms among them count from now on, which those below them may say; whoever comes first sees to it.
            self._terms.open_up()
            with self._store.read() as connection:
                stirred = self._stirred_between(connection, self.position, self._standings.position(connection) + 1)
            for position in stirred:
                self._begin_spread(Spread("stirred", position, False, position))
            ids = {id for _, id in ended}
            for key, id in ended:
                above = id.split("/")[:-1]
                if not any("/".join(above[: depth + 1]) in ids for depth in range(len(above))):
                    self._begin_spread(Spread("scope", key, False, self._latest.position()))
            # What was read before stands as it was before.
            self._applied.clear()
            self._come.opened_at = moment
            self._exact = replace(self._exact, moment=moment)
        self._opened_at = moment
        return bool(ended)

    # -------------------------------------------------------------------------------------------------- feeding

    def fill(self) -> bool:
        """Take in the next records by key; False when there are none left."""
        if self.filled_to is None:
            return False
        with self._store.read() as connection:
            keys = self._standings.keys_after(connection, self.filled_to, SLICE)
            shown, _ = self._standings.read_in(connection, keys)
            last = self._standings.position(connection)
        if keys:
            self._apply(shown, [], fresh=True)
            self.filled_to = keys[-1]
        else:
            self.settle()
            self.filled_to = None
            self._new_after = last
            self._come.filled = True
            self._dirty = True
        self._settle_in_time(busy=bool(keys))
        return True

    def _retry(self) -> bool:
        """Try again what failed, where it is time."""
        due = self._book.due(self.name)
        if not due:
            return False
        with self._store.read() as connection:
            chosen = self._in_turn(connection, due, closing=False)
            shown, gone = self._standings.read_in(connection, chosen)
        self._apply(shown, gone)
        return bool(chosen)

    def _apply(
        self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False, closing: bool = False
    ) -> None:
        """Feed these; what can't be taken in is noted, and the others go on."""
        if not shown and not gone:
            return
        self._dirty = True
        feed = self.writer.close_down if closing else partial(self.writer.apply, fresh=fresh)
        reasons: dict[int, str] = {}
        try:
            feed(shown, gone)
        except Unprojectable as problem:
            reasons.update(problem.reasons)
        except (OSError, MemoryError, Damaged, Superseded):
            raise
        except Exception:
            log.exception("%s: a batch of %d failed; each of its records is tried alone", self.name, len(shown))
            reasons.update(self._one_by_one(shown, gone, closing=closing))
        for standing in shown:
            if reason := reasons.get(standing.key):
                self._failing.add(standing.key)
                self._come.failed.append(Failed(standing.key, standing.revision, standing.position, reason))
                log.warning("%s: %s can't be projected: %s", self.name, standing.id, reason)
                if closing:
                    # What can't be shown to fewer is shown to nobody.
                    self.writer.close_down((), [Gone(standing.key, standing.id, standing.position)])
        applied = self._applied
        if len(applied) > REMEMBERED:
            applied.clear()
        fed: list[Standing | Gone] = [*shown, *gone]
        for each in fed:
            applied[each.key] = each.position
            if each.key in self._failing and each.key not in reasons:
                self._failing.discard(each.key)
                self._come.mended.append(each.key)
        self._since_settled += len(shown) + len(gone)

    def _one_by_one(self, shown: Sequence[Standing], gone: Sequence[Gone], *, closing: bool) -> dict[int, str]:
        feed = self.writer.close_down if closing else self.writer.apply
        reasons: dict[int, str] = {}
        feed((), gone)
        for standing in shown:
            try:
                feed([standing], ())
            except Unprojectable as problem:
                reasons.update(problem.reasons)
            except (OSError, MemoryError, Damaged):
                raise
            except Exception as problem:
                log.exception("%s: %s can't be projected", self.name, standing.id)
                reasons[standing.key] = f"{type(problem).__name__}: {problem}"
        if len(reasons) == len(shown) > 1:
            # It is not the records.
            raise OSError(f"nothing of a batch of {len(shown)} could be projected: {next(iter(reasons.values()))}")
        return reasons


def _title_of(standing: Standing) -> Any:
    try:
        return standing.document.get("title")
    except ValueError:
        # A linked form that can't be read has no title; that it can't is told when it is fed.
        return None
