"""`catalog follow`: feed the graph and the search index from the ledger, until it is told to stop."""

from __future__ import annotations

import logging.config
import signal
from threading import Event
from types import FrameType

import click

from catalog.assembly import Catalog
from catalog.cli.logs import logging_of
from catalog.cli.opening import on_catalogue, progress_option
from catalog.cli.projecting import catch_up
from catalog.cli.words import t


@click.command(
    "follow",
    help=t(
        "Feed the graph and the search index from the ledger until told to stop. `serve` does so itself.",
        "停止を指示されるまで、台帳からグラフと検索索引を更新し続ける。`serve` は自分で行う。",
    ),
)
@click.option("--once", is_flag=True, help=t("Stop once everything is in them.", "追いついたら終了する。"))
@progress_option
@on_catalogue
def follow_(catalog: Catalog, once: bool, progress: bool | None) -> None:
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, **logging_of(catalog.settings.log_level)}
    )
    if once:
        catch_up(catalog, asked=progress)
        return
    stopping = Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    catalog.follower().run(stopping)
