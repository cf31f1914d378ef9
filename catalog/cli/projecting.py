"""Projecting for commands: by whoever feeds the projections already, else here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from catalog.assembly import Catalog
from catalog.cli.progress import Progress
from catalog.cli.projector import Projector
from catalog.cli.words import t, tell
from catalog.errors import CatalogError, Unavailable
from catalog.ledger.book import Booked
from catalog.records.standing import Name

LOOK_SECONDS: Final = 0.05
# What is loaded beyond this is projected by a process of its own while the load goes on; less, here and afterwards.
MANY_RECORDS: Final = 5_000
# What keeps a projection from being fed is known when it was met so often, one time after the other.
TRIES: Final = 3
# Whoever could feed the projections takes them within two seconds of their being free.
SILENT_SECONDS: Final = 10.0
TITLES: Final[Mapping[Name, tuple[str, str]]] = {
    "graph": ("the linked graph", "グラフ"),
    "search": ("the search index", "検索索引"),
}


def catch_up(catalog: Catalog, *, asked: bool | None = None) -> None:
    """Feed the graph and the search index until all that has happened by now is in them, here or by who does already."""
    with Progress(t("changes followed", "反映した変更"), asked=asked) as shown:
        come: dict[str, tuple[int, int]] = {}
        began: dict[str, int] = {}

        def heard(name: str, done: int, of: int) -> None:
            began.setdefault(name, done)
            come[name] = done, of
            shown.total = max(of - began[name] for name, (_, of) in come.items())
            shown.reach(min(done - began[name] for name, (done, _) in come.items()))

        catalog.follower().catch_up(heard)


def follow_up(catalog: Catalog, since: int = -1, *, asked: bool | None = None) -> None:
    """After a command that may have written: let it be found, unless a server does so anyway.

    What is in the ledger stays there whatever happens here, so nothing that goes wrong here is the command's.
    """
    if catalog.book.last_position() > since and is_behind(catalog) and not catalog.book.held():
        _catch_up_or_tell(catalog, asked=asked)


def is_behind(catalog: Catalog) -> bool:
    """Whether something has happened that can't be found yet."""
    last = catalog.book.last_position()
    seen = [catalog.book.seen(name) for name in catalog.projections]
    return any(each is None or each.position < last for each in seen)


def _catch_up_or_tell(catalog: Catalog, *, asked: bool | None) -> None:
    try:
        catch_up(catalog, asked=asked)
    except CatalogError as problem:
        tell(
            t(
                f"the graph and the search index are not up to date ({problem.messages['en']}); "
                "`catalog serve` and `catalog follow --once` bring them up to date",
                f"グラフと検索索引はまだ更新されていません（{problem.messages['ja']}）。"
                "`catalog serve` または `catalog follow --once` で更新されます",
            )
        )


class Beside:
    """What projects beside a load: a server's projector if there is one, else a process of our own once it is worth it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._projector: Projector | None = None
        self._served = catalog.book.held()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._projector is not None:
            self._projector.__exit__(kind, error, trace)
            self._projector = None

    def heard(self, records: int) -> None:
        """So many records have been entered."""
        if records >= MANY_RECORDS and self._projector is None and not self._served:
            self._projector = Projector(self._catalog.settings).__enter__()

    def finish(self, *, wait: bool, asked: bool | None) -> None:
        """Wait until all of it can be found, unless that is not wished for; beside a server only say that it follows."""
        if not is_behind(self._catalog):
            return
        if self._served:
            tell(
                t(
                    "the running server brings the graph and the search index up to date",
                    "グラフと検索索引は、動作中のサーバーが更新します",
                )
            )
        elif wait:
            _catch_up_or_tell(self._catalog, asked=asked)
        else:
            tell(
                t(
                    "the graph and the search index follow when `catalog serve` or `catalog follow` runs",
                    "グラフと検索索引は、`catalog serve` または `catalog follow` の実行時に更新されます",
                )
            )


class Waiting:
    """Waiting for what the projections are fed with, here or by somebody else, for as long as anybody does feed them."""

    def __init__(self, catalog: Catalog, thread: Thread) -> None:
        self._book = catalog.book
        self._thread = thread

    def until(self, done: Callable[[], bool], names: Collection[Name]) -> None:
        """Wait until it is so; Unavailable once it is known that these projections can't be fed."""
        met = {name: Met(self._book.rows(name)) for name in names}
        silent_since: float | None = None
        while not done():
            for name, so_far in met.items():
                if (trouble := so_far.look(self._book.rows(name))) is not None:
                    raise _troubled(name, trouble)
            if not self._thread.is_alive():
                return  # whoever started it says why
            silent_since = None if self._book.held() else silent_since or time.monotonic()
            if silent_since is not None and time.monotonic() - silent_since > SILENT_SECONDS:
                held = self._book.lease()
                raise _silent(held.holder if held is not None else "")
            time.sleep(LOOK_SECONDS)


class Met:
    """What has kept the generations of a projection from being fed since each came no further."""

    def __init__(self, rows: Sequence[Booked]) -> None:
        self._come = {row.generation: _how_far(row) for row in rows}
        self._before = {row.generation: row.trouble_at for row in rows if row.trouble_at is not None}
        self._since: dict[int, dict[str, str]] = {}  # by when it was noted

    def look(self, rows: Sequence[Booked]) -> str | None:
        """What keeps one from being fed, once that was met often enough to say that it does."""
        for row in rows:
            number = row.generation
            if _how_far(row) != self._come.get(number):
                self._come[number] = _how_far(row)
                self._before.pop(number, None)
                self._since.pop(number, None)
            if (
                row.state in ("old", "damaged")
                or row.trouble is None
                or row.trouble_at in (None, self._before.get(number))
            ):
                continue
            met = self._since.setdefault(number, {})
            met[row.trouble_at] = row.trouble
            # Where it was in trouble already, once more is enough.
            if len(met) >= (1 if number in self._before else TRIES):
                return row.trouble
        return None


def _how_far(row: Booked) -> tuple[str, int, int | None]:
    return row.state, row.position, row.filled_to


@contextmanager
def feeding(catalog: Catalog, *, alone: bool = False) -> Iterator[Waiting]:
    """Feed the projections here for as long as this holds, unless somebody else does; `alone` as the follower has it."""
    stopping = Event()
    problems: list[BaseException] = []

    def run() -> None:
        try:
            catalog.follower(alone=alone).run(stopping)
        except BaseException as problem:  # noqa: BLE001  # raised below, by who started this thread
            problems.append(problem)

    thread = Thread(target=run, name="feeding")
    thread.start()
    try:
        yield Waiting(catalog, thread)
    finally:
        stopping.set()
        thread.join()
    if problems:
        raise problems[0]


def _troubled(name: Name, trouble: str) -> Unavailable:
    return Unavailable(
        f"{TITLES[name][0]} can't be fed: {trouble}. What was asked for stays asked for, and is tried again by itself by whoever feeds "
        "it: mend the cause (space on the disk, the folder's permissions, the database) and see `catalog serve`'s log, or "
        "`/projections`",
        ja=f"{TITLES[name][1]}を更新できません: {trouble}。要求は残っており、更新側が自動的に再試行します。"
        "原因（ディスクの空き、フォルダーの権限、データベース）を取り除き、`catalog serve` のログか `/projections` で確認してください",
        retry_after_seconds=60,
    )


def _silent(holder: str) -> Unavailable:
    number, _, where = holder.partition("@")
    pid, host = number.partition(".")[0], where.partition("/")[0]
    return Unavailable(
        f"nothing feeds the graph and the search index: process {pid} on {host} holds them and does not move. Wake it "
        f"(`kill -CONT {pid}`) or end it, then ask again; what was asked for stays asked for",
        ja=f"グラフと検索索引が更新されていません。{host} のプロセス {pid} が保持したまま止まっています。再開させる（`kill -CONT {pid}`）か"
        "終了させてから、もう一度実行してください。要求は残っています",
        retry_after_seconds=60,
    )
