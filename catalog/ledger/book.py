"""The book of the projections: which generation answers, how far each has come, what is left to do, who may feed them.

All of it stands beside the ledger, so any process can read it. Only the holder of the lease writes how far a generation
has come: each such entry renews the lease in the same transaction, and a former holder that wakes up is refused.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, delete, func, insert, select, text, update

from catalog.errors import Conflict, Invalid, NotFound
from catalog.ledger.alike import NOT_IDENTIFYING
from catalog.ledger.changes import LAY_IN, OPEN, last_position
from catalog.records.standing import Name, Seen
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import CLOSING, failure, lease, node, projection, spread

State = Literal["wanted", "building", "live", "old", "damaged"]
Why = Literal["first", "asked", "changed", "damaged", "expunged"]
What = Literal["linkers", "scope", "stirred"]
# In place of a scope that something spreads to: all that lies open, wherever that is.
ALL_OPEN: Final = 0
# How far a spread has come that reaches nobody any more and stays until everything up to its position was fed in its turn.
ONLY_WAITS: Final = 2**62
FIRST: Final = 1
LEASE: str = "projector"
LEASE_SECONDS = 30.0
POLL_SECONDS = 0.01
# So many closings are named one by one to every reader that asks; reading them takes about a tenth of a second.
CLOSINGS_MOST = 20_000
UNFOLLOWED_MOST = 1_000
# A change tells the time of the host that made it, a little before its commit; the follower marks what lies open by its
# own. They are taken to be no further apart than this: an embargo that ends within it may have ended for the follower.
CLOCKS_APART: Final = 60.0
_TEXT = 2_000
_LEASE = lease.c
_ROW = projection.c


class Superseded(Exception):
    """Somebody else holds the lease by now, or the generation has become something else: stop, and look again."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A generation as the book has it."""

    name: Name
    generation: int
    state: State
    why: str
    fingerprint: str
    position: int
    closed_to: int
    filled_to: int | None
    visible: str | None
    opened_at: str | None
    started_at: str
    live_at: str | None
    trouble: str | None
    trouble_at: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """What was closed and has not gone from a projection yet: leave it out, or wait.

    `records`: those that may have become less visible, by key; what lies in a scope that was closed is not named one by
    one. `spreading`: what others say of closed records may still be there. `lay_open`: everyone could read some of it;
    `scopes`: where it lay (ids), so which graphs it may still be in. `countless`: they are too many to name any, and may
    have lain anywhere. `unsettled`: the scopes that have changed, closing or opening, since not all that lies in them or below
    was projected; what is there does not say rightly who may see it.
    """

    records: frozenset[int] = frozenset()
    spreading: bool = False
    lay_open: bool = False
    scopes: frozenset[str] = frozenset()
    countless: bool = False
    unsettled: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.records or self.spreading or self.lay_open or self.scopes)


NOTHING = Pending()


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection is behind: so many changes, the oldest of them so many seconds old."""

    changes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not be projected."""

    name: Name
    record: int
    id: str
    revision: int
    position: int
    attempts: int
    error: str
    first_at: str
    last_at: str
    next_at: str
    waived_at: str | None
    waived_by: str | None
    reason: str | None

    def document(self) -> dict[str, Any]:
        """The failure as it is answered."""
        waived = {"at": self.waived_at, "by": self.waived_by, "reason": self.reason}
        return {
            "projection": self.name,
            "record": self.id,
            "revision": self.revision,
            "position": str(self.position),
            "attempts": self.attempts,
            "error": self.error,
            "firstAt": self.first_at,
            "lastAt": self.last_at,
            "nextAt": self.next_at if self.waived_at is None else None,
            "waived": waived if self.waived_at is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """Records that a change spreads to: those that link to a record, that lie in a scope and below, or that a transaction
    stirred (by its position); in slices.
    """

    what: What
    key: int
    closing: bool
    position: int
    done_to: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that could not be projected just now."""

    record: int
    revision: int
    position: int
    error: str


@dataclass(slots=True)
class Come:
    """What is to be noted of a generation at once: how far it has come, and what is left."""

    position: int | None = None
    closed_to: int | None = None
    filled_to: int | None = None
    filled: bool = False  # all of it: from now on changes are followed
    visible: str | None = None
    opened_at: str | None = None
    spreads: list[Spread] = field(default_factory=list)  # new, or come further
    spread_out: list[Spread] = field(default_factory=list)  # done
    failed: list[Failed] = field(default_factory=list)
    mended: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write to the projections, until when."""

    holder: str
    fence: int
    until: str
    stands: bool  # it has not run out


class Book:
    """The book of the projections; safe to use from any thread and any process."""

    def __init__(self, store: Store, folder: Path, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self.folder = folder  # <folder>/<name>/<generation>
        mark = store.database.mark
        live = f"FROM projection WHERE name = {mark} AND state = 'live'"
        self._seen = f"SELECT generation, visible, position, closed_to {live}"
        self._closings = (
            f"SELECT c.record, c.verb, c.detail, c.at FROM change AS c WHERE {CLOSING.replace('verb', 'c.verb')}"
            f" AND c.position > {mark} ORDER BY c.position LIMIT {mark}"
        )
        self._pending_spreads = f"SELECT what, key, closing FROM spread WHERE name = {mark} AND generation = {mark} AND (closing OR what = 'scope')"
        self._unfollowed = (
            f"SELECT detail, at FROM change WHERE {CLOSING} AND verb = 'scope' AND position > {mark} LIMIT {mark}"
        )
        self._where = (
            "SELECT r.key, s.id, s.open, s.metadata_embargo FROM record AS r JOIN scope AS s ON s.key = r.scope"
            f" WHERE {store.database.among('r.key')}"
        )
        # Who shares an identifier says so of all who do, and whoever did until now can't be looked up any more.
        self._unfinished = (
            f"WITH told(position) AS (SELECT {mark}) SELECT k.key FROM record AS k CROSS JOIN told AS t"
            f" WHERE {store.database.among('k.key')}"
            " AND (EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.key AND c.position > t.position)"
            " OR EXISTS (SELECT 1 FROM link AS l JOIN change AS c ON c.record = l.target"
            " WHERE l.record = k.key AND c.position > t.position)"
            ' OR EXISTS (SELECT 1 FROM link AS l JOIN node AS n ON n.id = l."by" JOIN change AS c ON c.record = n.key'
            ' WHERE l.record = k.key AND l."by" IS NOT NULL AND c.position > t.position)'
            " OR EXISTS (SELECT 1 FROM change AS c WHERE c.record = k.merged_into AND c.position > t.position)"
            " OR EXISTS (SELECT 1 FROM stirred AS s WHERE s.record = k.key AND s.position > t.position)"
            " OR (EXISTS (SELECT 1 FROM identifier AS i WHERE i.record = k.key AND i.is_primary"
            f" AND i.scheme <> '{NOT_IDENTIFYING}') AND EXISTS (SELECT 1 FROM change AS c WHERE c.position > t.position)))"
        )
        self._known_failing = (
            f"SELECT record, waived_at FROM failure WHERE name = {mark} AND {store.database.among('record')}"
        )
        self._scopes = f"SELECT key, id FROM scope WHERE {store.database.among('key')}"

    # ------------------------------------------------------------------------------------------------ for readers

    def folder_of(self, name: Name, generation: int) -> Path:
        """Where a generation lies."""
        return self.folder / name / str(generation)

    def seen(self, name: Name) -> Seen | None:
        """What of a projection can be read now; None while there is nothing that answers."""
        with self._store.read() as connection:
            return self._see(connection, name)

    def pending(self, name: Name) -> Pending:
        """What was closed and has not gone from the projection yet.

        Ask before `seen`, or both at once with `look`: what `seen` told earlier may hold what has gone since.
        """
        with self._store.read() as connection:
            seen = self._see(connection, name)
            return self._pending(connection, name, seen) if seen is not None else NOTHING

    def look(self, name: Name) -> tuple[Seen, Pending] | None:
        """What can be read now, and what must be left out of just that; None while there is nothing that answers."""
        with self._store.read() as connection:
            seen = self._see(connection, name)
            return (seen, self._pending(connection, name, seen)) if seen is not None else None

    def last_position(self) -> int:
        """The last position of the ledger, to which projections are compared."""
        with self._store.read() as connection:
            return last_position(connection)

    def last_key(self) -> int:
        """The key of the record that is filled in last."""
        with self._store.read() as connection:
            return int(connection.scalar(text("SELECT coalesce(max(key), 0) FROM record")) or 0)

    def closed_since(self, name: Name, seen: Seen) -> Pending:
        """What must be left out of what `seen` told some time ago, and somebody still reads."""
        with self._store.read() as connection:
            return self._pending(connection, name, seen)

    def wait_for(self, name: Name, position: int, seconds: float) -> bool:
        """Wait until a change can be found in what answers; False when it could not in this time."""
        end = time.monotonic() + seconds
        while True:
            seen = self.seen(name)
            if seen is not None and seen.position >= position:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(min(POLL_SECONDS, max(end - time.monotonic(), 0)))

    def lag(self, name: Name) -> Lag:
        """How far what answers is behind; what does not answer at all is behind by everything."""
        with self._store.read() as connection:
            seen = self._see(connection, name)
            position = seen.position if seen is not None else 0
            last, oldest = connection.execute(
                text(
                    "SELECT (SELECT coalesce(max(position), 0) FROM change),"
                    " (SELECT at FROM change WHERE position > :position ORDER BY position LIMIT 1)"
                ),
                {"position": position},
            ).one()
        # Positions leave none out.
        return Lag(max(int(last) - position, 0), _seconds_between(oldest, self._clock()) if oldest is not None else 0.0)

    def rows(self, name: Name | None = None) -> list[Booked]:
        """The generations that there are, the oldest first."""
        with self._store.read() as connection:
            return self.rows_in(connection, name)

    def rows_in(self, connection: Connection, name: Name | None = None) -> list[Booked]:
        """The same, as a transaction sees it."""
        asked = select(projection).order_by(_ROW.name, _ROW.generation)
        if name is not None:
            asked = asked.where(_ROW.name == name)
        return [Booked(*row) for row in connection.execute(asked)]

    def unfinished(self, name: Name, generation: int, keys: Collection[int]) -> set[int]:
        """Those of these records that the generation may yet show otherwise, because of what it has still to follow.

        What a scope's change or a spreading one reaches is not told apart here: while there is such a thing, it is all.
        """
        with self._store.read() as connection:
            row = connection.execute(
                select(_ROW.position, _ROW.opened_at).where(_ROW.name == name, _ROW.generation == generation)
            ).one()
            values = {"name": name, "generation": generation, "position": row.position}
            values |= {"opened": row.opened_at or "", "now": self._clock()}
            if connection.scalar(text(_REACHES_FAR), values):
                return set(keys)
            given = row.position, self._store.database.listed(keys)
            return {key for (key,) in connection.exec_driver_sql(self._unfinished, given)}

    def spreads(self, name: Name, generation: int) -> list[Spread]:
        """What still spreads: closings first, then in order."""
        asked = (
            select(spread.c.what, spread.c.key, spread.c.closing, spread.c.position, spread.c.done_to)
            .where(spread.c.name == name, spread.c.generation == generation)
            .order_by(spread.c.closing.desc(), spread.c.position, spread.c.what, spread.c.key)
        )
        with self._store.read() as connection:
            return [Spread(row[0], row[1], bool(row[2]), row[3], row[4]) for row in connection.execute(asked)]

    # ------------------------------------------------------------------------------------------------- failures

    def failures(
        self, name: Name | None = None, *, waived: bool | None = None, after: int = 0, limit: int = 1_000
    ) -> list[Failure]:
        """What could not be projected, by projection and record."""
        asked = select(failure, node.c.id).join(node, node.c.key == failure.c.record).where(failure.c.record > after)
        if name is not None:
            asked = asked.where(failure.c.name == name)
        if waived is not None:
            asked = asked.where(failure.c.waived_at.is_not(None) if waived else failure.c.waived_at.is_(None))
        with self._store.read() as connection:
            rows = connection.execute(asked.order_by(failure.c.name, failure.c.record).limit(limit)).fetchall()
        return [_failure(row) for row in rows]

    def failure(self, name: Name, id: str) -> Failure | None:
        """Why a record could not be projected; None if it could."""
        asked = select(failure, node.c.id).join(node, node.c.key == failure.c.record)
        with self._store.read() as connection:
            row = connection.execute(asked.where(failure.c.name == name, node.c.id == id)).one_or_none()
        return _failure(row) if row is not None else None

    def waived(self, name: Name) -> int:
        """How many records may be missing from a projection, since somebody said so."""
        with self._store.read() as connection:
            asked = select(func.count()).where(failure.c.name == name, failure.c.waived_at.is_not(None))
            return int(connection.scalar(asked) or 0)

    def failed(self, name: Name) -> int:
        """How many records are missing from a projection because they could not be projected, and nobody has waived them."""
        with self._store.read() as connection:
            asked = select(func.count()).where(failure.c.name == name, failure.c.waived_at.is_(None))
            return int(connection.scalar(asked) or 0)

    def failing(self, name: Name) -> set[int]:
        """All records that are noted as failed, waived or not."""
        with self._store.read() as connection:
            return set(connection.scalars(select(failure.c.record).where(failure.c.name == name)))

    def failing_of(self, name: Name, keys: Collection[int]) -> dict[int, bool]:
        """Those of these records that are noted as failed, and whether that was waived."""
        with self._store.read() as connection:
            rows = connection.exec_driver_sql(self._known_failing, (name, self._store.database.listed(keys)))
            return {record: waived_at is not None for record, waived_at in rows}

    def due(self, name: Name, limit: int = 100) -> list[int]:
        """The failed records that are to be tried again now."""
        asked = (
            select(failure.c.record)
            .where(failure.c.name == name, failure.c.waived_at.is_(None), failure.c.next_at <= self._clock())
            .order_by(failure.c.next_at)
            .limit(limit)
        )
        with self._store.read() as connection:
            return list(connection.scalars(asked))

    def retry(self, name: Name | None = None, ids: Collection[str] | None = None) -> int:
        """Let failed records be tried again at once, waived ones only if they are named; how many those are."""
        chosen = update(failure).values(next_at=self._clock(), waived_at=None, waived_by=None, reason=None)
        if name is not None:
            chosen = chosen.where(failure.c.name == name)
        if ids is None:
            chosen = chosen.where(failure.c.waived_at.is_(None))
        else:
            chosen = chosen.where(failure.c.record.in_(select(node.c.key).where(node.c.id.in_(list(ids)))))
        with self._store.write() as connection:
            return connection.execute(chosen).rowcount

    def waive(self, name: Name, id: str, reason: str, *, by: str) -> None:
        """Say that a record may be missing from a projection, until it changes; NotFound if it has not failed."""
        if not reason.strip():
            raise Invalid("say why it may be missing", ja="欠けていてよい理由を書いてください")
        key = select(node.c.key).where(node.c.id == id).scalar_subquery()
        told = {"waived_at": self._clock(), "waived_by": by, "reason": reason}
        with self._store.write() as connection:
            chosen = update(failure).where(failure.c.name == name, failure.c.record == key).values(told)
            if connection.execute(chosen).rowcount == 0:
                raise not_failed(id, name)

    # ----------------------------------------------------------------------------------------------- generations

    def want(self, name: Name, why: Why = "asked") -> int:
        """Ask for a new generation, or join those who wait for one; its number."""
        with self._store.write() as connection:
            # Two who ask at once would both see none.
            self._alone(connection)
            rows = self.rows_in(connection, name)
            for row in rows:
                if row.state in ("wanted", "building"):
                    return row.generation
            number = max((row.generation + 1 for row in rows), default=FIRST)
            connection.execute(
                insert(projection).values(
                    name=name, generation=number, state="wanted", why=why, fingerprint="", started_at=self._clock()
                )
            )
            return number

    def back(self, name: Name, fingerprint: str) -> int:
        """Let the generation answer that did before; its number. It catches up from where it was left.

        Conflict where there is none, or where this version would project otherwise than it was built.
        """
        with self._store.write() as connection:
            self._alone(connection)
            rows = self.rows_in(connection, name)
            old = next((row for row in reversed(rows) if row.state == "old"), None)
            if old is None:
                raise Conflict(
                    f"{name}: there is no earlier generation to go back to", ja=f"{name}: 戻せる以前の世代がありません"
                )
            if old.fingerprint != fingerprint:
                raise Conflict(
                    f"{name}: generation {old.generation} was built by another version or with other kinds and can't be kept up to date; rebuild instead",
                    ja=f"{name}: 世代 {old.generation} は別の版または別の種別定義で作られたため更新できません。再構築してください",
                )
            self._become(connection, name, [row.generation for row in rows if row.state == "live"], "old")
            self._become(connection, name, [old.generation], "live", live_at=self._clock())
            return old.generation

    def add_first(
        self, fence: int, name: Name, *, fingerprint: str, position: int, visible: str | None, opened_at: str
    ) -> None:
        """Note that the first generation was made, and answers."""
        moment = self._clock()
        with self._held(fence) as connection:
            connection.execute(
                insert(projection).values(
                    name=name,
                    generation=FIRST,
                    state="live",
                    why="first",
                    fingerprint=fingerprint,
                    position=position,
                    closed_to=position,
                    visible=visible,
                    opened_at=opened_at,
                    started_at=moment,
                    live_at=moment,
                )
            )

    def begin(
        self, fence: int, name: Name, generation: int, *, fingerprint: str, position: int, opened_at: str
    ) -> None:
        """Note that a generation begins to be filled, from nothing; all that was noted of it before is void."""
        with self._held(fence) as connection:
            told = {
                "state": "building",
                "fingerprint": fingerprint,
                "position": position,
                "closed_to": position,
                "filled_to": 0,
                "visible": None,
                "opened_at": opened_at,
                "started_at": self._clock(),
                "trouble": None,
                "trouble_at": None,
            }
            ours = (_ROW.name == name) & (_ROW.generation == generation) & _ROW.state.in_(("wanted", "building"))
            if connection.execute(update(projection).where(ours).values(told)).rowcount == 0:
                raise Superseded(f"{name}: generation {generation} is not to be built any more")
            connection.execute(delete(spread).where(spread.c.name == name, spread.c.generation == generation))

    def advance(self, fence: int, name: Name, generation: int, come: Come, *, state: State | None = None) -> None:
        """Note all of this at once; Superseded unless the lease is held and the generation is still in this state."""
        told: dict[str, Any] = {
            column: value
            for column in ("position", "closed_to", "filled_to", "visible", "opened_at")
            if (value := getattr(come, column)) is not None
        }
        if come.filled:
            told["filled_to"] = None
        told |= {"trouble": None, "trouble_at": None}
        ours = (_ROW.name == name) & (_ROW.generation == generation)
        if state is not None:
            ours &= _ROW.state == state
        for column in ("position", "closed_to"):  # what was reached is never taken back
            if column in told:
                ours &= _ROW[column] <= told[column]
        with self._held(fence) as connection:
            if connection.execute(update(projection).where(ours).values(told)).rowcount == 0:
                raise Superseded(f"{name}: generation {generation} is not what it was, or has come further")
            self._note_spreads(connection, name, generation, come)
            self._note_failures(connection, name, come)

    def swap(self, fence: int, name: Name, generation: int) -> list[int]:
        """Let a generation answer that was built, in one transaction; those are told that are of no use any more."""
        with self._held(fence) as connection:
            rows = self.rows_in(connection, name)
            built = next((row for row in rows if row.generation == generation and row.state == "building"), None)
            if built is None:
                raise Superseded(f"{name}: generation {generation} is not being built any more")
            live = [row for row in rows if row.state == "live"]
            if any(row.closed_to > built.closed_to for row in live):
                raise Superseded(f"{name}: generation {generation} has not come as far as the one that answers")
            useless = [row.generation for row in rows if row.state in ("old", "damaged")]
            # What was expunged stays in an engine's files until they are rewritten: no way leads back to those.
            tainted = [row.generation for row in live if _expunged_since(connection, row.started_at)]
            useless += tainted
            self._drop(connection, name, useless)
            self._become(connection, name, [row.generation for row in live if row.generation not in tainted], "old")
            self._become(connection, name, [generation], "live", live_at=self._clock())
            return useless

    def damage(self, fence: int, name: Name, generation: int) -> None:
        """Note that a generation can't be opened any more: it answers no longer."""
        with self._held(fence) as connection:
            self._become(connection, name, [generation], "damaged")

    def drop(self, fence: int, name: Name, generations: Sequence[int]) -> None:
        """Forget generations."""
        with self._held(fence) as connection:
            self._drop(connection, name, generations)

    def trouble(self, fence: int, name: Name, generation: int, what: str) -> None:
        """Note what keeps a generation from being fed; the next `advance` takes it back."""
        with self._held(fence) as connection:
            ours = (_ROW.name == name) & (_ROW.generation == generation)
            told = {"trouble": what[:_TEXT], "trouble_at": self._clock()}
            connection.execute(update(projection).where(ours).values(told))

    # ----------------------------------------------------------------------------------------------------- lease

    def lease(self) -> Lease | None:
        """Who held the lease last, and until when."""
        with self._store.read() as connection:
            row = connection.execute(select(_LEASE.holder, _LEASE.fence, _LEASE.until)).one_or_none()
        return Lease(*row, row.until > self._clock()) if row is not None else None

    def held(self) -> bool:
        """Whether somebody holds the lease now."""
        held = self.lease()
        return held is not None and held.stands

    def take_lease(self, holder: str, *, dead: Collection[str] = ()) -> int | None:
        """Take the lease if it is free or its holder is known to be dead; the fencing number, None if it is held."""
        moment = self._clock()
        with self._store.write() as connection:
            self._alone(connection)
            row = connection.execute(select(_LEASE.holder, _LEASE.fence, _LEASE.until)).one_or_none()
            if row is None:
                connection.execute(insert(lease).values(name=LEASE, holder=holder, fence=1, until=self._until()))
                return 1
            if row.until > moment and row.holder not in dead:
                return None
            told = {"holder": holder, "fence": row.fence + 1, "until": self._until()}
            connection.execute(update(lease).where(_LEASE.name == LEASE).values(told))
            return int(row.fence) + 1

    def renew_lease(self, fence: int) -> None:
        """Hold the lease for longer; Superseded if somebody else has taken it."""
        with self._held(fence):
            pass

    def give_lease_back(self, fence: int) -> None:
        """Let somebody else take the lease at once."""
        with self._store.write() as connection:
            connection.execute(update(lease).where(_LEASE.fence == fence).values(until=self._clock()))

    # ---------------------------------------------------------------------------------------------------- inside

    @contextmanager
    def _held(self, fence: int) -> Iterator[Connection]:
        """A transaction of whoever holds the lease, which it renews; Superseded for everybody else."""
        ours = update(lease).where(_LEASE.name == LEASE, _LEASE.fence == fence).values(until=self._until())
        with self._store.write() as connection:
            # The row stays locked until the commit: nobody takes the lease in between.
            if connection.execute(ours).rowcount == 0:
                raise Superseded("somebody else holds the lease by now")
            yield connection

    def _until(self) -> str:
        return _later(self._clock(), LEASE_SECONDS)

    def _alone(self, connection: Connection) -> None:
        # Whoever makes rows that others may be making at this moment takes turns by the lock on the order of changes.
        self._store.database.hold_positions(connection)

    def _see(self, connection: Connection, name: Name) -> Seen | None:
        row = connection.exec_driver_sql(self._seen, (name,)).fetchone()
        if row is None:
            return None
        return Seen(row[0], self.folder_of(name, row[0]), row[1], row[2], row[3])

    def _pending(self, connection: Connection, name: Name, seen: Seen) -> Pending:
        closings = connection.exec_driver_sql(self._closings, (seen.closed_to, CLOSINGS_MOST + 1)).fetchall()
        if len(closings) > CLOSINGS_MOST:
            return Pending(spreading=True, lay_open=True, countless=True)
        every = connection.exec_driver_sql(self._pending_spreads, (name, seen.generation)).fetchall()
        # Beyond so many, what has opened is found when it is projected.
        unfollowed = connection.exec_driver_sql(self._unfollowed, (seen.position, UNFOLLOWED_MOST)).fetchall()
        if not closings and not every and not unfollowed:
            return NOTHING
        spreads = [(what, key) for what, key, closing in every if closing]
        records: set[int] = set()
        scopes: set[str] = set()
        keys_of_scopes: set[int] = {key for what, key in spreads if what == "scope"}
        told = [(orjson.loads(detail), at) for detail, at in unfollowed]
        unsettled = {str(said["scope"]) for said, at in told if opens(said, at) or closes(said, at)}
        if spreading_in := {key for what, key, _ in every if what == "scope"}:
            listed = self._store.database.listed(spreading_in)
            unsettled.update(id for _, id in connection.exec_driver_sql(self._scopes, (listed,)))
        lay_open = bool(keys_of_scopes)
        spreading = bool(spreads)
        for key, verb, detail, at in closings:
            said: Mapping[str, Any] = orjson.loads(detail) if detail else {}
            if verb == "scope":
                if closes(said, at):
                    scopes.add(said["scope"])
                    unsettled.add(said["scope"])
                    lay_open = spreading = True
            elif not was_public(verb, said):
                continue
            else:
                records.add(key)
                spreading = True
                if LAY_IN in said:
                    keys_of_scopes.add(said[LAY_IN])
                    lay_open = lay_open or bool(said.get(OPEN))
        if keys_of_scopes:
            listed = self._store.database.listed(keys_of_scopes)
            scopes.update(id for _, id in connection.exec_driver_sql(self._scopes, (listed,)))
        if records:
            # What was merged says nothing of where it lay; and where it lies now, it may be by now.
            moment = self._clock()
            listed = self._store.database.listed(records)
            for _, scope, is_open, embargo in connection.exec_driver_sql(self._where, (listed,)):
                scopes.add(scope)
                lay_open = lay_open or (bool(is_open) and (embargo is None or embargo <= moment))
        return Pending(frozenset(records), spreading, lay_open, frozenset(scopes), unsettled=frozenset(unsettled))

    def _become(
        self, connection: Connection, name: Name, generations: Sequence[int], state: State, **columns: Any
    ) -> None:
        ours = (_ROW.name == name) & _ROW.generation.in_(generations)
        connection.execute(update(projection).where(ours).values(state=state, **columns))

    def _drop(self, connection: Connection, name: Name, generations: Sequence[int]) -> None:
        connection.execute(delete(projection).where(_ROW.name == name, _ROW.generation.in_(generations)))
        connection.execute(delete(spread).where(spread.c.name == name, spread.c.generation.in_(generations)))

    def _note_spreads(self, connection: Connection, name: Name, generation: int, come: Come) -> None:
        for each in (*come.spread_out, *come.spreads):
            ours = (
                (spread.c.name == name)
                & (spread.c.generation == generation)
                & (spread.c.what == each.what)
                & (spread.c.key == each.key)
            )
            connection.execute(delete(spread).where(ours))
        if come.spreads:
            rows = {(each.what, each.key): each for each in come.spreads}
            connection.execute(
                insert(spread),
                [
                    {
                        "name": name,
                        "generation": generation,
                        "what": each.what,
                        "key": each.key,
                        "closing": each.closing,
                        "position": each.position,
                        "done_to": each.done_to,
                    }
                    for each in rows.values()
                ],
            )

    def _note_failures(self, connection: Connection, name: Name, come: Come) -> None:
        if come.mended:
            ours = (failure.c.name == name) & failure.c.record.in_(come.mended)
            connection.execute(delete(failure).where(ours))
        moment = self._clock()
        for each in come.failed:
            ours = (failure.c.name == name) & (failure.c.record == each.record)
            was = connection.execute(
                select(failure.c.attempts, failure.c.revision, failure.c.waived_at).where(ours)
            ).one_or_none()
            attempts = was.attempts + 1 if was is not None else 1
            told = {
                "revision": each.revision,
                "position": each.position,
                "attempts": attempts,
                "error": each.error[:_TEXT],
                "last_at": moment,
                "next_at": _later(moment, min(60.0 * 2 ** min(attempts - 1, 6), 3600.0)),
            }
            if was is None:
                connection.execute(insert(failure).values(name=name, record=each.record, first_at=moment, **told))
            else:
                if was.waived_at is not None and was.revision != each.revision:
                    # Somebody waived another content.
                    told |= {"waived_at": None, "waived_by": None, "reason": None}
                connection.execute(update(failure).where(ours).values(told))


def not_failed(id: str, name: Name | None = None) -> NotFound:
    """What is told of a record whose failure is asked for and that has not failed: in this projection, or in any."""
    into, to = (f" into {name}", f" {name} への") if name is not None else ("", "")
    return NotFound(f"{id} has not failed to be projected{into}", ja=f"{id} の{to}反映は失敗していません")


def _failure(row: Any) -> Failure:
    return Failure(
        row.name,
        row.record,
        row.id,
        row.revision,
        row.position,
        row.attempts,
        row.error,
        row.first_at,
        row.last_at,
        row.next_at,
        row.waived_at,
        row.waived_by,
        row.reason,
    )


def was_public(verb: str, said: Mapping[str, Any]) -> bool:
    """Whether a record could be seen before this change (which may have closed it)."""
    match verb:
        case "move":
            return said.get("status") == "public"
        case "merge":
            return "into" in said
        case _:
            return said.get("from") == "public"


def closes(said: Mapping[str, Any], at: str) -> bool:
    """Whether something in a scope or below it may have been closed to everyone, by what its change says.

    What lies below may be open by itself and still follow this scope's embargo, or the other way round.
    """
    was, became = said.get("was"), said.get("now")
    if not was or not became:
        return False
    was_over = _over(was, _later(at, CLOCKS_APART))
    is_later = was["metadata"] is None or (became["metadata"] or "") > was["metadata"]
    return (was["open"] and not became["open"]) or (was_over and is_later and not _over(became, at))


def opens(said: Mapping[str, Any], at: str) -> bool:
    """Whether something in a scope or below it may have been opened to everyone, by what its change says."""
    was, became = said.get("was"), said.get("now")
    if not was or not became:
        return False
    return (became["open"] and not was["open"]) or (_over(became, at) and not _over(was, at))


# A scope's change that is not followed yet, one whose spreading goes on, an embargo that has ended since.
_REACHES_FAR = (
    "SELECT EXISTS (SELECT 1 FROM change WHERE position > :position AND verb = 'scope')"
    " OR EXISTS (SELECT 1 FROM spread WHERE name = :name AND generation = :generation)"
    " OR EXISTS (SELECT 1 FROM scope WHERE metadata_embargo > :opened AND metadata_embargo <= :now)"
)


def _over(force: Mapping[str, Any], at: str) -> bool:
    return force["metadata"] is None or force["metadata"] <= at


def _seconds_between(before: str, after: str) -> float:
    return max((datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds(), 0.0)


def _later(moment: str, seconds: float) -> str:
    later = datetime.fromisoformat(moment) + timedelta(seconds=seconds)
    return later.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _expunged_since(connection: Connection, moment: str) -> bool:
    """Whether anything was expunged at this time or later."""
    asked = text(f"SELECT 1 FROM change WHERE {CLOSING} AND verb = 'expunge' AND at >= :moment LIMIT 1")
    return connection.scalar(asked, {"moment": moment}) is not None
