"""`catalog follow`: feed the graph and the search index from the ledger, until it is told to stop."""

from __future__ import annotations

import logging.config
import os
import signal
import sys
from threading import Event, Thread, Timer
from types import FrameType
from typing import Final

import click

from catalog.assembly import Catalog
from catalog.cli.logs import logging_of
from catalog.cli.opening import on_catalogue, progress_option
from catalog.cli.projecting import catch_up
from catalog.cli.words import t

# What is being settled when the end comes has so long; after a crash the next start takes back what was settled before.
GRACE_SECONDS: Final = 8.0


@click.command(
    "follow",
    help=t(
        "Feed the graph and the search index from the ledger until told to stop. `serve` does so itself.",
        "停止を指示されるまで、台帳からグラフと検索索引を更新し続ける。`serve` は自分で行う。",
    ),
)
@click.option("--once", is_flag=True, help=t("Stop once everything is in them.", "追いついたら終了する。"))
@click.option("--while-input", is_flag=True, hidden=True)
@progress_option
@on_catalogue
def follow_(catalog: Catalog, once: bool, while_input: bool, progress: bool | None) -> None:
    logging.config.dictConfig(logging_of(catalog.settings.log_level))
    if once:
        catch_up(catalog, asked=progress)
        return
    stopping = Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if while_input:
        Thread(target=_until_input_ends, args=(stopping,), name="input", daemon=True).start()
    catalog.follower().run(stopping)


def _until_input_ends(stopping: Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stopping.set()
    # Whoever started this is gone: it must not outlive them, however long a step takes.
    last = Timer(GRACE_SECONDS, os._exit, (1,))
    last.daemon = True
    last.start()
