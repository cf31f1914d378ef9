"""Projecting for commands: by whoever feeds the projections already, else here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from catalog.assembly import Catalog
from catalog.cli.progress import Progress
from catalog.cli.projector import Projector
from catalog.cli.words import t, tell
from catalog.errors import CatalogError

LOOK_SECONDS: Final = 0.05
# What is loaded beyond this is projected by a process of its own while the load goes on; less, here and afterwards.
MANY_RECORDS: Final = 5_000


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


@contextmanager
def feeding(catalog: Catalog, *, alone: bool = False) -> Iterator[None]:
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
        yield
    finally:
        stopping.set()
        thread.join()
    if problems:
        raise problems[0]


def until(done: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not done():
        time.sleep(LOOK_SECONDS)
