"""Ledgers that are followed: what a test does to them, and whether the projections hold just what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from catalog.access.scopes import Scopes
from catalog.ledger.append import Ledger
from catalog.ledger.book import Book, Booked
from catalog.ledger.standing import Standings
from catalog.projections.graph.embedded import OxigraphProjection
from catalog.projections.projection import Generation, Name, Projection, Shutting, Tally, Tells, bucket_of
from catalog.projections.search.embedded import TantivyProjection
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.standing import Gone, Lie, Standing
from catalog.store.clock import now
from catalog.upkeep.follow import Ledgers
from catalog.upkeep.follower import Follower
from tests.contract.ledgers import entry, kinds, opened

Call = tuple[str, tuple[str, ...], tuple[str, ...]]  # what was done, the ids shown, the ids gone
SETTLED: Call = ("settle", (), ())


@dataclass
class Watched:
    """A real projection whose generations note what is done to them, and fail when a test wants it."""

    inner: Projection
    calls: list[Call] = field(default_factory=list)
    # Called before each deed with its name and the standings; what it raises is raised.
    before: Callable[[str, Sequence[Standing], Sequence[Gone]], None] | None = None
    printed: str | None = None

    @property
    def name(self) -> Name:
        return self.inner.name

    @property
    def fingerprint(self) -> str:
        return self.printed or self.inner.fingerprint

    @property
    def tells(self) -> frozenset[Tells]:
        return self.inner.tells

    def make(self, folder: Path) -> Generation:
        return self._watched(self.inner.make(folder))

    def open(self, folder: Path, visible: str | None) -> Generation:
        return self._watched(self.inner.open(folder, visible))

    def _watched(self, inner: Generation) -> Generation:
        return _WatchedShutting(self, inner) if isinstance(inner, Shutting) else _WatchedGeneration(self, inner)

    def expected(self, standings: Any) -> Iterator[tuple[str, int]]:
        return self.inner.expected(standings)

    def shown(self) -> list[str]:
        """The ids of all records that were fed, in order."""
        return [id for _, ids, _ in self.calls for id in ids]


@dataclass
class _WatchedGeneration:
    watched: Watched
    inner: Generation

    def apply(self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False) -> None:
        self._note("apply", shown, gone)
        self.inner.apply(shown, gone, fresh=fresh)

    def close_down(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        self._note("close_down", shown, gone)
        self.inner.close_down(shown, gone)

    def settle(self) -> str:
        self._note("settle", (), ())
        return self.inner.settle()

    def tallies(self) -> Mapping[tuple[str, int], Tally]:
        return self.inner.tallies()

    def hashes(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        return self.inner.hashes(kind, bucket)

    def remove(self, ids: Any) -> None:
        self.inner.remove(ids)

    def close(self) -> None:
        self.inner.close()

    def _note(self, what: str, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        self.watched.calls.append((what, tuple(each.id for each in shown), tuple(each.id for each in gone)))
        if self.watched.before is not None:
            self.watched.before(what, shown, gone)


class _WatchedShutting(_WatchedGeneration):
    def shut(self, lies: Mapping[str, Lie]) -> None:
        assert isinstance(self.inner, Shutting)
        self._note("shut", (), [Gone(0, id, 0) for id in lies])
        self.inner.shut(lies)

    def lying_open(self, ids: Iterable[str]) -> int:
        assert isinstance(self.inner, Shutting)
        return self.inner.lying_open(ids)

    def sweep(self) -> None:
        assert isinstance(self.inner, Shutting)
        self._note("sweep", (), ())
        self.inner.sweep()


@dataclass
class Followed:
    """A ledger with scopes and a book, and the projections that follow it."""

    ledger: Ledger
    scopes: Scopes
    book: Book
    standings: Standings
    projections: dict[Name, Watched]
    clock: Callable[[], str]

    @property
    def search(self) -> Watched:
        return self.projections["search"]

    def enter(self, local_id: str, body: Mapping[str, Any] | None = None, **told: Any) -> str:
        """Enter a sample; its id."""
        (outcome,) = self.ledger.append([entry(local_id, body, **told)], by="tester")
        assert outcome.outcome in ("created", "revised"), outcome
        return outcome.id

    def enter_many(self, *local_ids: str, **told: Any) -> None:
        self.ledger.append([entry(each, **told) for each in local_ids], by="tester")

    def key_of(self, id: str) -> int:
        with self.ledger.store.read() as connection:
            mark = self.ledger.store.database.mark
            return int(connection.exec_driver_sql(f"SELECT key FROM node WHERE id = {mark}", (id,)).scalar_one())

    def scope(self, id: str, mode: Literal["everyone", "limited"] | None = None, **told: Any) -> None:
        self.scopes.change(id, ADMINISTRATOR, mode=mode, confirmed=True, **told)

    def follower(self) -> Follower:
        ledgers = Ledgers(self.ledger.store, self.book, self.standings, self.clock)
        return Follower(ledgers, dict(self.projections), kinds())

    def catch_up(self) -> None:
        self.follower().catch_up()

    def rebuild(self, name: Name = "search") -> int:
        """Ask for a new generation and see it built; its number."""
        number = self.book.want(name, "asked")
        self.catch_up()
        return number

    def row(self, name: Name = "search", state: str = "live") -> Booked:
        (row,) = [each for each in self.book.rows(name) if each.state == state]
        return row

    def states(self, name: Name = "search") -> list[tuple[int, str]]:
        return [(row.generation, row.state) for row in self.book.rows(name)]

    def folders(self, name: Name = "search") -> set[str]:
        return {each.name for each in (self.book.folder / name).iterdir()}

    def assert_true(self) -> None:
        """Every projection holds what the ledger says: every record, nothing else, with the right hash."""
        for name, watched in self.projections.items():
            seen = self.book.seen(name)
            assert seen is not None
            expected: dict[tuple[str, int], Tally] = {}
            for shown in self.standings.walk():
                kind_of = {each.id: each.kind for each in shown}
                for id, hash in watched.inner.expected(shown):
                    cell = kind_of[id], bucket_of(id)
                    expected[cell] = expected.get(cell, Tally()).plus(hash)
            generation = watched.inner.open(seen.folder, seen.visible)
            try:
                assert dict(generation.tallies()) == expected, name
            finally:
                generation.close()

    def held(self, name: Name = "search") -> set[str]:
        """The ids of the samples that a projection holds."""
        seen = self.book.seen(name)
        assert seen is not None
        generation = self.projections[name].inner.open(seen.folder, seen.visible)
        try:
            return {id for bucket in range(64) for id, _ in generation.hashes("sample", bucket)}
        finally:
            generation.close()


def projections_of() -> dict[Name, Watched]:
    """Every projection that there is, watched."""
    return {
        "graph": Watched(OxigraphProjection(kinds(), "http://catalogue.test/")),
        "search": Watched(TantivyProjection(kinds())),
    }


@contextmanager
def followed(address: str, folder: Path, *, clock: Callable[[], str] = now) -> Iterator[Followed]:
    """A ledger over this database, open to everyone in `lab` and limited elsewhere, that is followed into this folder."""
    ledger = opened(address)
    ledger._clock = clock
    scopes = Scopes(ledger.store, clock=clock)
    with ledger.store.write() as connection:
        # What `opened` makes has no closure, since the ledger needs none.
        connection.exec_driver_sql("UPDATE scope SET parent = 1, level = 2 WHERE id = 'lab/2026A1'")
        connection.exec_driver_sql(
            "INSERT INTO scope_closure (ancestor, descendant, depth) SELECT key, key, 0 FROM scope WHERE true ON CONFLICT DO NOTHING"
        )
        connection.exec_driver_sql(
            "INSERT INTO scope_closure (ancestor, descendant, depth) VALUES (1, 2, 1) ON CONFLICT DO NOTHING"
        )
    made = Followed(
        ledger,
        scopes,
        Book(ledger.store, folder, clock=clock),
        Standings(ledger.store, clock=clock),
        projections_of(),
        clock,
    )
    if ledger.last_position() == 0:
        made.scope("lab", "everyone")
    try:
        yield made
    finally:
        ledger.store.close()
