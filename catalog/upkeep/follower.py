"""The follower: the one process that feeds the projections while it holds the lease, each projection in a thread."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from threading import Event, Thread
from typing import Final

from catalog.errors import CatalogError, Unavailable
from catalog.ledger.book import LEASE_SECONDS, Superseded
from catalog.projections.projection import Name, Projection
from catalog.upkeep.follow import Ledgers
from catalog.upkeep.generations import Feeder
from catalog.upkeep.together import Together
from catalog.upkeep.verify import Verifier

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.025
# Between two looks at a server, each of which is a transaction there; at a file a look is next to nothing.
SERVER_POLL_SECONDS: Final = 0.05
RENEW_SECONDS: Final = 5.0
TRY_SECONDS: Final = 2.0  # between two tries to take the lease

Progress = Callable[[str, int, int], None]


def unheard(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


class Follower:
    """Feeds the projections of a catalogue, as long as it holds the lease: one at a time, whatever the processes."""

    def __init__(
        self,
        ledgers: Ledgers,
        projections: Mapping[Name, Projection],
        kinds: Iterable[str],
        *,
        prepare: Callable[[], None] = lambda: None,
        verifiers: Mapping[Name, Verifier] | None = None,
    ) -> None:
        self._ledgers = ledgers
        self._book = ledgers.book
        self._projections = projections
        self._kinds = tuple(kinds)
        self._prepare = prepare
        self._verifiers = verifiers or {}
        served = ledgers.store.database.name != "sqlite"
        self._poll_seconds = SERVER_POLL_SECONDS if served else POLL_SECONDS
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
        ledgers = self._ledgers
        together = Together(ledgers.standings, ledgers.clock)
        self._feeders = {
            name: Feeder(
                ledgers, projection, self._fence, self._kinds, self._prepare, together, self._verifiers.get(name)
            )
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
                    "another process holds the graph and the search index and does nothing: see whether it was stopped, or end it",
                    ja="別のプロセスがグラフと検索索引を保持したまま停止しています。状態を確認するか、終了してください",
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
                        over.wait(self._poll_seconds)
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
