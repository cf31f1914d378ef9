"""Following the ledger: the one process that feeds the projections, each in a thread and at a position of its own.

What closes goes first, wherever the feeding stands. Then come the changes in their order, each record once in a batch
and as it stands now; what a change means for other records (those that link to it, those that lie in a scope) spreads
to them in slices. A position is noted only when all of it is durable and can be read; after a crash a generation opens
as it was when it settled last, so following again from the position noted is exact.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import time
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Event, Thread
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import Connection

from catalog.errors import CatalogError, Unavailable
from catalog.ledger import alike
from catalog.ledger.book import LEASE_SECONDS, Book, Come, Failed, Spread, Superseded, closes, opens, was_public
from catalog.ledger.book import Generation as Row
from catalog.ledger.dialects import DIALECTS
from catalog.ledger.standing import Standings
from catalog.ledger.terms import Terms
from catalog.projections.projection import (
    Checked,
    Damaged,
    Generation,
    Name,
    Projection,
    Shutting,
    Tally,
    Unprojectable,
    panicked,
)
from catalog.records.standing import Gone, Lie, Standing
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import CLOSING

log = logging.getLogger(__name__)

BATCH: Final = 1_000  # changes at once
SLICE: Final = 1_000  # records that a change spreads to, at once
# So many records that link to a batch are fed with it; those of a record that more link to are left to slices.
LINKERS_AT_ONCE: Final = 5_000
HUB: Final = 500
# In place of a scope: all that lies open, wherever that is.
ALL_OPEN: Final = 0
# Where so many are closed at once, all that lies open is taken away, which takes a moment, and what still lies open is fed
# again: taking one away takes three times as long as feeding one.
SWEEP_LEAST: Final = 2_000
SWEEP_RATIO: Final = 2
QUEUED: Final = 200_000  # keys of records to spread to that are held in memory
SETTLE_SECONDS: Final = 1.0
SETTLE_RECORDS: Final = 5_000
POLL_SECONDS: Final = 0.025
LOOK_SECONDS: Final = 0.5  # between two looks at what others asked for
RENEW_SECONDS: Final = 5.0
TRY_SECONDS: Final = 2.0  # between two tries to take the lease
LONGEST_PAUSE: Final = 60.0
REMEMBERED: Final = 200_000
# How far a spread has come that reaches nobody any more and stays until everything up to its position was fed in its turn.
ONLY_WAITS: Final = 2**62
# Which of the projections tell the titles of what a record links to.
TELL_TITLES: Final[frozenset[Name]] = frozenset({"search"})
# Which say of a record what follows from others that it does not link to.
TELL_STIRRED: Final[frozenset[Name]] = frozenset({"graph"})
# Which open exactly as they were when they settled last. The others may hold more by then, so nothing is new to them.
OPEN_EXACTLY: Final[frozenset[Name]] = frozenset({"graph"})
# The verbs after which a record is to be seen where it was not; what closes is in `CLOSING`.
OPENING: Final = ("publish", "restore", "unmerge")

Progress = Callable[[str, int, int], None]


def unheard(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


class Feeding(Protocol):
    """A generation that is fed, as whoever verifies it sees it."""

    @property
    def name(self) -> Name: ...

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


class Report(Protocol):
    """What a comparison found."""

    @property
    def mended(self) -> bool: ...

    def document(self) -> dict[str, Any]: ...


class Comparison(Protocol):
    """A generation compared with the ledger record by record, and mended, in slices."""

    @property
    def report(self) -> Report: ...

    def cells(self) -> Iterator[None]: ...


Compare = Callable[[Projection, Feeding], Comparison]


class Watch(Protocol):
    """What looks after a generation in small steps, in the thread that feeds it."""

    def step(self, feeding: Feeding, *, idle: bool) -> bool:
        """Do a little; whether there is more to do at once. `idle`: there is nothing to feed at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class Ledgers:
    """What following reads and writes."""

    store: Store
    book: Book
    standings: Standings
    clock: Clock = now


class Following:
    """One generation that is open for writing, and how far it has come."""

    def __init__(self, ledgers: Ledgers, projection: Projection, fence: int, row: Row, writer: Generation) -> None:
        self._store, self._book, self._standings = ledgers.store, ledgers.book, ledgers.standings
        self._clock = ledgers.clock
        self._terms = Terms(ledgers.store, clock=ledgers.clock)
        self._projection = projection
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
        self._durable = row.position
        self._spreads = self._book.spreads(self.name, self.generation)
        self._queue: array[int] = array("q")
        self._queued: Spread | None = None
        self._failing = self._book.failing(self.name)
        self._come = Come()
        self._noting: _Aside | None = None  # what has been settled and is just being noted
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
            self._new_after = self._last_position()
        database = self._store.database
        mark, among = database.mark, database.among
        self._changes = (
            "SELECT position, record, verb, revision, CASE WHEN verb IN ('scope', 'expunge') THEN detail END, at"
            f" FROM change WHERE position > {mark} AND position <= {mark} ORDER BY position LIMIT {BATCH}"
        )
        self._closings = (
            f"SELECT position, record, verb, detail, at FROM change WHERE {CLOSING} AND position > {mark}"
            f" ORDER BY position LIMIT {BATCH}"
        )
        self._revised = (
            f"SELECT 1 FROM change WHERE position > {mark} AND position <= {mark} AND verb = 'submit' AND revision > 1"
            " LIMIT 1"
        )
        self._first_changes = f"SELECT record, min(position) FROM change WHERE {among('record')} GROUP BY record"
        # Everything that shows something of these records: by a link, as whose assertion, as what it is merged into.
        self._linkers = (
            f"SELECT target, record FROM link WHERE {among('target')}"
            f' UNION ALL SELECT n.key, l.record FROM node AS n JOIN link AS l ON l."by" = n.id WHERE {among("n.key")}'
            f' AND l."by" IS NOT NULL UNION ALL SELECT merged_into, key FROM record WHERE merged_into IS NOT NULL'
            f" AND {among('merged_into')}"
        )
        self._later = (
            f"SELECT k.key FROM record AS k WHERE {among('k.key')}"
            f" AND NOT EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.key AND c.position > {mark})"
        )
        self._earlier = (
            f"SELECT k.key FROM record AS k WHERE {among('k.key')}"
            f" AND EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.key AND c.position <= {mark})"
        )
        self._in_scope = (
            "SELECT r.key FROM record AS r WHERE r.status = 'public' AND r.scope IN"
            f" (SELECT descendant FROM scope_closure WHERE ancestor = {mark}) AND r.key > {mark} ORDER BY r.key LIMIT {QUEUED}"
        )
        self._lying_open = (
            "SELECT r.key FROM record AS r JOIN scope AS s ON s.key = r.scope WHERE r.status = 'public' AND s.open"
            f" AND r.key > {mark} ORDER BY r.key LIMIT {QUEUED}"
        )
        self._lies = (
            "SELECT r.key, n.id, s.id, s.key, s.open, s.metadata_embargo FROM record AS r"
            f" JOIN node AS n ON n.key = r.key JOIN scope AS s ON s.key = r.scope WHERE {among('r.key')}"
        )
        self._open_and_in_scope = (
            f"SELECT count(CASE WHEN r.scope IN (SELECT descendant FROM scope_closure WHERE ancestor = {mark}) THEN 1 END),"
            f" count(CASE WHEN s.open AND (s.metadata_embargo IS NULL OR s.metadata_embargo <= {mark}) THEN 1 END)"
            " FROM record AS r JOIN scope AS s ON s.key = r.scope WHERE r.status = 'public'"
        )
        self._elsewhere = (
            f"SELECT r.key FROM record AS r WHERE {among('r.key')}"
            f" AND r.scope NOT IN (SELECT descendant FROM scope_closure WHERE ancestor = {mark})"
        )
        self._stirred = (
            f"SELECT position, record FROM stirred WHERE position > {mark} AND position <= {mark}"
            f" LIMIT {LINKERS_AT_ONCE + 1}"
        )
        self._any_stirred = f"SELECT 1 FROM stirred WHERE position <= {mark} LIMIT 1"
        self._stirred_at = f"SELECT DISTINCT position FROM stirred WHERE position > {mark} AND position <= {mark}"
        self._stirred_by = (
            f"SELECT record FROM stirred WHERE position = {mark} AND record > {mark} ORDER BY record LIMIT {QUEUED}"
        )
        self._ended = f"SELECT key, id FROM scope WHERE metadata_embargo > {mark} AND metadata_embargo <= {mark}"
        title = DIALECTS[database.name].part("v.body", "title")
        self._titles = (
            f"SELECT v.record, v.number, {title} FROM revision AS v"
            f" WHERE {among('v.record')} AND {among('v.number')} AND NOT v.quarantined"
        )
        self._scope_key = f"SELECT key FROM scope WHERE id = {mark}"

    # ----------------------------------------------------------------------------------------------- what to do

    def work(self) -> bool:
        """Do the next piece, closings before all else; False when there is nothing to do now."""
        last = self._last_position()
        if last != self._looked_to and self._close(last):
            return True
        did = self._spread(closing=True)
        if did and isinstance(self.writer, Shutting):
            # Nobody is answered until it has spread.
            self._settle_in_time(busy=True)
            return True
        if not self.foreign:
            did = (self.position < last and self._follow()) or did
            did = self._spread(closing=False) or did
            if time.monotonic() - self._timed_at >= TRY_SECONDS / 2:
                self._timed_at = time.monotonic()
                did = self._open_by_the_clock() or did
                self._forget_stirred()
                did = self._retry() or did
        if not did:
            self._looked_to = last
        self._settle_in_time(busy=did)
        return did

    @property
    def unsettled(self) -> bool:
        """Whether something was fed that is not settled yet."""
        return self._dirty or self.position != self._durable or self._noting is not None

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
        if self._dirty or self._since_settled or come.position != self._durable or come.spreads or come.spread_out:
            note = partial(self._book.advance, self._fence, self.name, self.generation, come, state=self.state)
            if aside:
                # Whoever loads meanwhile holds the database for most of the time: feeding goes on while it is waited for.
                self._noting = _Aside(note)
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
        self.writer.close()

    def _settle_in_time(self, *, busy: bool) -> None:
        late = time.monotonic() - self._settled_at >= SETTLE_SECONDS or self._since_settled >= SETTLE_RECORDS
        if (self._dirty or self.position != self._durable or self._come.spreads or self._come.spread_out) and (
            late or not busy
        ):
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
            rows = connection.exec_driver_sql(self._closings, (self.closed_to,)).fetchall()
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
                        scopes[self._key_of_scope(connection, said["scope"])] = position
                elif was_public(verb, said):
                    records[key] = position
            if not records and not scopes:
                if expunged:
                    self._forget_old()
                self.closed_to = max(self.closed_to, reached)
                return len(rows) == BATCH
            first = self._first_of(connection, records)
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
        self._apply(here, gone, closing=True)
        for each in later:
            self._applied.pop(each.key, None)
        if self.foreign:
            # Those that speak of what has closed can't be made anew: that they do is known until the new one answers.
            hubs = list(records)[:1] if self.name in TELL_TITLES else []
        else:
            self._apply(others, none)
        for key in hubs:
            self._begin_spread(Spread("linkers", key, self.name in TELL_TITLES, reached))
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
        if self.foreign or self.name not in TELL_TITLES:
            return False
        return connection.exec_driver_sql(self._revised, (self.position, last)).fetchone() is not None

    def _first_of(self, connection: Connection, keys: Collection[int]) -> dict[int, int]:
        """When each of these records came."""
        rows = connection.exec_driver_sql(self._first_changes, (self._listed(keys),)).fetchall()
        return {row[0]: row[1] for row in rows}

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
            rows = connection.exec_driver_sql(self._changes, (self.position, self.closed_to)).fetchall()
            if not rows:
                return False
            end: int = rows[-1][0]
            reached: dict[int, int] = {}
            born: set[int] = set()
            revised: dict[int, int] = {}
            opened: set[int] = set()
            scopes: dict[int, int] = {}
            for position, key, verb, revision, detail, at in rows:
                if verb == "scope":
                    said = orjson.loads(detail)
                    # What closes at the same time has spread already.
                    if opens(said, at) and not closes(said, at):
                        scopes[self._key_of_scope(connection, said["scope"])] = position
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
            shown, gone = self._standings.read_in(connection, keys)
            # Of what is new and not to be shown there is nothing here to be removed.
            gone = [each for each in gone if each.key not in born]
            telling = opened | born
            if self.name in TELL_TITLES:
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
        return True

    def _retitled(
        self, connection: Connection, revised: Mapping[int, int], shown: Sequence[Standing], but: Collection[int]
    ) -> set[int]:
        """Those records whose title is no longer what it was before these revisions."""
        asked = [(each.key, revised[each.key]) for each in shown if each.key in revised and each.key not in but]
        if not asked:
            return set()
        before = {key: number - 1 for key, number in asked}
        rows = connection.exec_driver_sql(self._titles, (self._listed(before), self._listed(set(before.values()))))
        # Where the revision before was in quarantine or has been expunged, it is not known what was shown.
        was = {key: orjson.loads(title) for key, number, title in rows if number == before[key] and title}
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
        listed = self._listed(keys)
        pairs = connection.exec_driver_sql(
            f"{self._linkers} LIMIT {LINKERS_AT_ONCE + 1}", (listed, listed, listed)
        ).fetchall()
        hubs: list[int] = []
        if len(pairs) > LINKERS_AT_ONCE:
            counted = connection.exec_driver_sql(
                f"SELECT target, count(*) FROM ({self._linkers}) AS t GROUP BY target", (listed, listed, listed)
            ).fetchall()
            room = LINKERS_AT_ONCE
            small: list[int] = []
            for target, number in sorted(counted, key=lambda row: (row[1], row[0])):
                if number <= HUB and number <= room:
                    small.append(target)
                    room -= number
                else:
                    hubs.append(target)
            listed = self._listed(small)
            pairs = connection.exec_driver_sql(self._linkers, (listed, listed, listed)).fetchall() if small else []
        found = {record for _, record in pairs}
        found.difference_update(but)
        if closing:
            found.difference_update(keys)
        return self._in_turn(connection, found, closing=closing, end=end), hubs

    def _in_turn(
        self, connection: Connection, keys: Collection[int], *, closing: bool, end: int | None = None
    ) -> list[int]:
        if not keys:
            return []
        asked = self._earlier if closing else self._later
        position = self.position if end is None else end
        return [row[0] for row in connection.exec_driver_sql(asked, (self._listed(keys), position)).fetchall()]

    def _stirred_of(self, connection: Connection, end: int, but: Collection[int]) -> tuple[list[int], list[int]]:
        """The records that were stirred by the next changes up to `end`; if they are many, the positions to spread from."""
        if self.name not in TELL_STIRRED:
            return [], []
        rows = connection.exec_driver_sql(self._stirred, (self.position, end)).fetchall()
        if len(rows) > LINKERS_AT_ONCE:
            return [], self._stirred_between(connection, self.position, end)
        return self._in_turn(connection, {record for _, record in rows}.difference(but), closing=False, end=end), []

    def _stirred_between(self, connection: Connection, after: int, to: int) -> list[int]:
        if self.name not in TELL_STIRRED or self.foreign:
            return []
        return [row[0] for row in connection.exec_driver_sql(self._stirred_at, (after, to)).fetchall()]

    def _forget_stirred(self) -> None:
        """Let go of the note of what was stirred, once all have come past it."""
        if self.name not in TELL_STIRRED or self.foreign or self._stirred_until == self._durable:
            return
        with self._store.read() as connection:
            some = connection.exec_driver_sql(self._any_stirred, (self._durable,)).first()
        if some is not None:
            with self._store.write() as connection:
                alike.clear(connection, self._store.database, self.name)
        self._stirred_until = self._durable

    def _outside(self, connection: Connection, keys: Collection[int], scope: int) -> list[int]:
        """Those that do not lie in a scope and below: what does is reached by what spreads to the scope itself."""
        if not keys:
            return []
        return [row[0] for row in connection.exec_driver_sql(self._elsewhere, (self._listed(keys), scope)).fetchall()]

    # ------------------------------------------------------------------------------------------------ spreading

    def _begin_spread(self, spread: Spread) -> None:
        for place, each in enumerate(self._spreads):
            if (each.what, each.key) == (spread.what, spread.key):
                # From the beginning again, and as a closing if either was one.
                self._spreads[place] = Spread(
                    each.what,
                    each.key,
                    each.closing or spread.closing,
                    max(each.position, spread.position),
                    ONLY_WAITS if each.done_to == spread.done_to == ONLY_WAITS else 0,
                )
                self._come.spreads.append(self._spreads[place])
                self._queued = None
                return
        self._spreads.append(spread)
        self._come.spreads.append(spread)

    def _spread(self, *, closing: bool) -> bool:
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
                if closing and spread.done_to != ONLY_WAITS and self._is_behind(connection, last):
                    self._end_spread(spread)
                    self._begin_spread(Spread(spread.what, spread.key, True, last, ONLY_WAITS))
                else:
                    self._end_spread(spread)
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
                hubs = chosen[:1] if self.name in TELL_TITLES else []
            elif spread.what == "scope":
                linkers, hubs = self._linkers_of(connection, some, closing=closing)
                linkers = [key for key in linkers if self._applied.get(key, -1) < spread.position]
                linkers = self._outside(connection, linkers, spread.key)
            others, none = self._standings.read_in(connection, linkers) if linkers else ([], [])
        self._apply(shown, gone, closing=closing)
        self._apply(others, none)
        for key in hubs:
            self._begin_spread(Spread("linkers", key, closing and self.name in TELL_TITLES, spread.position))
        self._go_on(spread, some[-1])
        return True

    def _next_of(self, connection: Connection, spread: Spread) -> list[int]:
        """The next records that a change spreads to."""
        if self._queued != spread or not self._queue:
            self._queue = self._reached_by(connection, spread)
            self._queue.reverse()
            self._queued = spread
        return [self._queue.pop() for _ in range(min(SLICE, len(self._queue)))]

    def _go_on(self, spread: Spread, done_to: int) -> None:
        come = Spread(spread.what, spread.key, spread.closing, spread.position, done_to)
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
                lies = self._lies_of(connection, some)
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
        closed, left = connection.exec_driver_sql(self._open_and_in_scope, (spread.key, self._clock())).one()
        if closed < SWEEP_LEAST:
            return False
        ids = [id for id, lie in some.values() if not lie.open]
        share = writer.lying_open(ids) / len(ids) if ids else 0.0
        return bool(left <= SWEEP_RATIO * share * closed)

    def _lies_of(self, connection: Connection, keys: Collection[int]) -> dict[int, tuple[str, Lie]]:
        """The ids of these records and where they lie now."""
        moment = self._clock()
        rows = connection.exec_driver_sql(self._lies, (self._listed(keys),)).fetchall()
        return {
            key: (id, Lie(scope, scope_key, bool(is_open) and (embargo is None or embargo <= moment)))
            for key, id, scope, scope_key, is_open, embargo in rows
        }

    def _end_spread(self, spread: Spread) -> None:
        self._spreads.remove(spread)
        self._come.spreads = [each for each in self._come.spreads if (each.what, each.key) != (spread.what, spread.key)]
        self._come.spread_out.append(spread)
        self._queued = None
        self._dirty = True

    def _reached_by(self, connection: Connection, spread: Spread) -> array[int]:
        if spread.what == "scope" and spread.key == ALL_OPEN:
            rows = connection.exec_driver_sql(self._lying_open, (spread.done_to,)).fetchall()
        elif spread.what == "scope":
            rows = connection.exec_driver_sql(self._in_scope, (spread.key, spread.done_to)).fetchall()
        elif spread.what == "stirred":
            rows = connection.exec_driver_sql(self._stirred_by, (spread.key, spread.done_to)).fetchall()
        else:
            listed = self._listed([spread.key])
            mark = self._store.database.mark
            rows = connection.exec_driver_sql(
                f"SELECT DISTINCT record FROM ({self._linkers}) AS t WHERE record > {mark} ORDER BY record LIMIT {QUEUED}",
                (listed, listed, listed, spread.done_to),
            ).fetchall()
        return array("q", (row[0] for row in rows))

    def _open_by_the_clock(self) -> bool:
        """Let what lies in scopes whose embargo has ended be seen by everyone."""
        moment = self._clock()
        with self._store.read() as connection:
            ended = connection.exec_driver_sql(self._ended, (self._opened_at, moment)).fetchall()
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
                    self._begin_spread(Spread("scope", key, False, self._last_position()))
            # What was read before stands as it was before.
            self._applied.clear()
            self._come.opened_at = moment
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
        feed = (
            self.writer.close_down if closing else partial(self.writer.apply, fresh=fresh and self.name in OPEN_EXACTLY)
        )
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

    def _listed(self, keys: Collection[int]) -> Any:
        return self._store.database.listed(keys)

    def _key_of_scope(self, connection: Connection, id: str) -> int:
        return int(connection.exec_driver_sql(self._scope_key, (id,)).scalar_one())

    def _last_position(self) -> int:
        with self._store.read() as connection:
            return self._standings.position(connection)


def _title_of(standing: Standing) -> Any:
    try:
        return standing.document.get("title")
    except ValueError:
        # A linked form that can't be read has no title; that it can't is told when it is fed.
        return None


class Feeder:
    """One projection: its generations that are open, which of them answers, and what is being built."""

    def __init__(
        self,
        ledgers: Ledgers,
        projection: Projection,
        fence: int,
        compare: Compare,
        prepare: Callable[[], None],
        watch: Watch | None = None,
    ) -> None:
        self._ledgers = ledgers
        self._store, self._book, self._standings = ledgers.store, ledgers.book, ledgers.standings
        self._projection = projection
        self._fence = fence
        self._compare_with = compare
        self._prepare = prepare
        self._watch = watch
        self.name: Name = projection.name
        self.live: Following | None = None
        self.building: Following | None = None
        self.troubles = 0  # in a row
        self.trouble = ""
        self._paused_until = 0.0
        self._looked_at = -LOOK_SECONDS
        self._aside: _Aside | None = None
        self._verified = False
        self._comparison: Comparison | None = None
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
            if self.live is not None and not self.live.foreign and self._watch is not None:
                did = self._watch.step(self.live, idle=not did) or did
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
        self._aside = self._comparison = self._slices = None
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
        log.warning("%s can't be fed now, and will be tried again in %.0f s: %s", self.name, seconds, self.trouble)
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
                live = None
            else:
                self.live = self._following(live, writer)
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

    def _let_go(self, live: Row | None, next_one: Row | None) -> None:
        if self.live is not None and (live is None or live.generation != self.live.generation):
            self.live.close()
            self.live = None
        if self.building is not None and (next_one is None or next_one.generation != self.building.generation):
            if self._aside is not None:
                self._aside.wait()
            self._aside = self._comparison = self._slices = None
            self.building.close()
            self.building = None

    def _following(self, row: Row, writer: Generation) -> Following:
        return Following(self._ledgers, self._projection, self._fence, row, writer)

    def _is_empty(self) -> bool:
        with self._store.read() as connection:
            return connection.exec_driver_sql("SELECT 1 FROM record LIMIT 1").fetchone() is None

    def _make_live(self) -> None:
        """The first generation of a catalogue without records answers at once."""
        moment = self._ledgers.clock()
        with self._store.read() as connection:
            position = self._standings.position(connection)
            if connection.exec_driver_sql("SELECT 1 FROM record LIMIT 1").fetchone() is not None:
                return
        writer = self._projection.make(self._book.folder_of(self.name, 1))
        try:
            visible = writer.settle()
        finally:
            writer.close()
        self._book.add(
            self._fence,
            self.name,
            generation=1,
            state="live",
            why="first",
            fingerprint=self._projection.fingerprint,
            position=position,
            visible=visible,
            opened_at=moment,
        )

    def _open_building(self, row: Row) -> None:
        if self._aside is None:
            # The linked forms must be those of this version before anything is made from them.
            self._aside = _Aside(self._prepare)
        if not self._aside.done:
            self._looked_at = time.monotonic() - LOOK_SECONDS + POLL_SECONDS
            return
        aside, self._aside = self._aside, None
        aside.result()
        self._verified = False
        folder = self._book.folder_of(self.name, row.generation)
        self._book.renew_lease(self._fence)
        if row.state == "building" and row.visible is not None and row.fingerprint == self._projection.fingerprint:
            try:
                self.building = self._following(row, self._projection.open(folder, row.visible))
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
        self.building = self._following(begun, self._projection.make(folder))

    def _build(self) -> bool:
        """Do the next piece of a new generation; at the end it answers in place of the old one."""
        building = self.building
        if building is None:
            return self._aside is not None
        if self._aside is not None:
            if not self._aside.done:
                return False
            aside, self._aside = self._aside, None
            self._compare(building, aside.result())
            return True
        if self._comparison is not None and self._slices is not None:
            if next(self._slices, _END) is not _END:
                # It goes on being fed: what changes meanwhile is judged once it is in it.
                building.work()
                return True
            report = self._comparison.report
            self._comparison = self._slices = None
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
                self._aside = _Aside(building.writer.tallies)
            else:
                self._look_into(building)
            return True
        return self._swap(building) or did

    def _look_into(self, building: Following) -> None:
        self._comparison = self._compare_with(self._projection, building)
        self._slices = self._comparison.cells()

    def _compare(self, building: Following, found: Mapping[tuple[str, int], Tally]) -> None:
        """Whether as many records are in it as the ledger has, but for those of which that can't be said."""
        with self._store.read() as connection:
            expected = self._standings.counts_in(connection)
            # A merged record stands for nothing where the other may be read.
            uncertain = connection.exec_driver_sql(
                f"SELECT (SELECT count(DISTINCT record) FROM change WHERE position > {self._store.database.mark})"
                " + (SELECT count(*) FROM record WHERE merged_into IS NOT NULL)",
                (building.position,),
            ).scalar_one()
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


_END: Final = object()


class _Aside:
    """Something that takes long, done in a thread of its own."""

    def __init__(self, what: Callable[[], Any]) -> None:
        self._what = what
        self._answer: Any = None
        self._problem: BaseException | None = None
        self._thread = Thread(target=self._do, name="aside", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        self._thread.join()

    def result(self) -> Any:
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._answer

    def _do(self) -> None:
        try:
            self._answer = self._what()
        except BaseException as problem:  # noqa: BLE001  # told to whoever asks for the result
            self._problem = problem


class Follower:
    """Feeds the projections of a catalogue, as long as it holds the lease: one at a time, whatever the processes."""

    def __init__(
        self,
        ledgers: Ledgers,
        projections: Mapping[Name, Projection],
        compare: Compare,
        *,
        prepare: Callable[[], None] = lambda: None,
        watches: Mapping[Name, Watch] | None = None,
    ) -> None:
        self._ledgers = ledgers
        self._book = ledgers.book
        self._projections = projections
        self._compare = compare
        self._prepare = prepare
        self._watches = watches or {}
        self._feeders: dict[Name, Feeder] = {}
        self._fence: int | None = None
        self._lock: int | None = None
        self._renewed_at = 0.0
        place = sha256(str(self._book.folder.resolve()).encode()).hexdigest()[:8]
        self._where = f"@{socket.gethostname()}/{place}"
        self._holder = f"{os.getpid()}.{os.urandom(4).hex()}{self._where}"

    def acquire(self) -> bool:
        """Take the lease, or hold it still; False while somebody else does."""
        if self._fence is not None:
            return True
        if not self._take_lock():
            return False
        held = self._book.lease()
        # Who held it in this folder has let go of the lock, so it is dead.
        dead = [held.holder] if held is not None and held.holder.endswith(self._where) else []
        if held is not None and not dead and held.until > self._ledgers.clock():
            self._drop_lock()
            return False
        self._fence = self._book.take_lease(self._holder, dead=dead)
        if self._fence is None:
            self._drop_lock()
            return False
        self._renewed_at = time.monotonic()
        self._remove_strays()
        self._feeders = {
            name: Feeder(self._ledgers, projection, self._fence, self._compare, self._prepare, self._watches.get(name))
            for name, projection in self._projections.items()
        }
        return True

    def close(self) -> None:
        """Let go of everything; somebody else may take over at once."""
        for feeder in self._feeders.values():
            feeder.close()
        self._feeders = {}
        if self._fence is not None:
            fence, self._fence = self._fence, None
            try:
                self._book.give_lease_back(fence)
            finally:
                self._drop_lock()

    def step(self) -> bool:
        """Do the next piece of each projection; False when there is nothing to do now, or when others do it."""
        if not self.acquire():
            return False
        did = False
        for feeder in self._feeders.values():
            try:
                did = feeder.step() or did
            except Superseded as problem:
                self._look_again(problem)
        return did

    def catch_up(self, progress: Progress = unheard) -> None:
        """Feed until all that has happened by now can be found, and what was to be built answers.

        Where somebody else holds the lease, wait for them. Unavailable if a projection can't be fed.
        """
        with self._ledgers.store.read() as connection:
            target = self._ledgers.standings.position(connection)
        heard_at = time.monotonic()
        while not self.acquire():
            if self._others_are_there(target, progress):
                return
            if self._book.held():
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > LEASE_SECONDS:
                raise Unavailable(
                    "another process holds the projections and does nothing: see whether it was stopped, or end it",
                    ja="別のプロセスがプロジェクションを保持したまま停止しています。状態を確認するか、終了してください",
                    retry_after_seconds=60,
                )
            time.sleep(POLL_SECONDS)
        stopping = Event()
        problems: list[BaseException] = []
        threads = [
            Thread(target=self._catch_up, args=(feeder, target, stopping, problems), name=f"feeding {feeder.name}")
            for feeder in self._feeders.values()
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(0.05)
                self._renew()
                for feeder in self._feeders.values():
                    progress(feeder.name, *self._come(feeder, target))
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            self.close()
        if problems:
            raise problems[0]

    def run(self, stopping: Event) -> None:
        """Feed until told to stop; where somebody else holds the lease, wait until they let go of it."""
        while not stopping.is_set():
            try:
                if self.acquire():
                    self._run(stopping)
                else:
                    stopping.wait(TRY_SECONDS)
            except CatalogError as problem:
                log.warning("the projections can't be fed now: %s", problem)
                stopping.wait(TRY_SECONDS)
            except Superseded as problem:
                log.warning("the projections are fed by somebody else: %s", problem)
            finally:
                self._end()

    def _run(self, stopping: Event) -> None:
        over = Event()
        threads = [
            Thread(target=self._feed, args=(feeder, stopping, over), name=f"feeding {feeder.name}")
            for feeder in self._feeders.values()
        ]
        try:
            for thread in threads:
                thread.start()
            while not (stopping.is_set() or over.is_set()):
                stopping.wait(0.1)
                self._renew()
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _feed(self, feeder: Feeder, stopping: Event, over: Event) -> None:
        try:
            while not (stopping.is_set() or over.is_set()):
                try:
                    if not feeder.step():
                        over.wait(POLL_SECONDS)
                except Superseded as problem:
                    self._look_again(problem)
        except Superseded as problem:
            log.warning("%s is fed by somebody else: %s", feeder.name, problem)
        except Exception:
            log.exception("feeding %s has ended: it begins again", feeder.name)
        finally:
            over.set()

    def _catch_up(self, feeder: Feeder, target: int, stopping: Event, problems: list[BaseException]) -> None:
        try:
            while not stopping.is_set():
                try:
                    if feeder.step():
                        continue
                except Superseded as problem:
                    self._look_again(problem)
                    continue
                if feeder.troubles > 2:
                    raise Unavailable(
                        f"{feeder.name} can't be fed: {feeder.trouble}",
                        ja=f"{feeder.name} を更新できません: {feeder.trouble}",
                        retry_after_seconds=60,
                    )
                if not feeder.troubles and feeder.caught_up(target):
                    return
                stopping.wait(POLL_SECONDS / 5)
        except BaseException as problem:  # noqa: BLE001  # raised by whoever waits for this thread
            # The other projections go on to where they can.
            problems.append(problem)

    def _look_again(self, problem: Superseded) -> None:
        """Go on if the lease is still held: then it was a generation that became something else."""
        held = self._book.lease()
        if held is None or held.fence != self._fence:
            raise problem

    def _renew(self) -> None:
        if self._lock is not None and not self._lock_stands():
            # Somebody has deleted the folder, and another process may lock one of the same name.
            raise Superseded("the lock of the projections is gone")
        if self._fence is not None and time.monotonic() - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = time.monotonic()
            self._book.renew_lease(self._fence)

    def _end(self) -> None:
        try:
            self.close()
        except CatalogError as problem:
            # The lease runs out by itself, and the lock is gone.
            log.warning("the lease could not be given back: %s", problem)

    def _come(self, feeder: Feeder, target: int) -> tuple[int, int]:
        live = feeder.live
        return (min(live.position, target) if live is not None else 0), target

    def _others_are_there(self, target: int, progress: Progress) -> bool:
        there = True
        for name in self._projections:
            rows = self._book.rows(name)
            live = next((row for row in rows if row.state == "live"), None)
            position = live.position if live is not None else 0
            progress(name, min(position, target), target)
            waiting = any(row.state in ("wanted", "building") for row in rows)
            there = there and live is not None and position >= target and not waiting
        return there

    def _remove_strays(self) -> None:
        """Folders that no generation of the book has: what a crash left between two steps."""
        for name in self._projections:
            known = {str(row.generation) for row in self._book.rows(name)}
            folder = self._book.folder / name
            if folder.is_dir():
                for each in folder.iterdir():
                    if each.name not in known:
                        shutil.rmtree(each, ignore_errors=True)

    def _take_lock(self) -> bool:
        self._book.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._book.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _lock_stands(self) -> bool:
        assert self._lock is not None
        try:
            return os.path.samestat(os.fstat(self._lock), (self._book.folder / "lock").stat())
        except FileNotFoundError:
            return False

    def _drop_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
