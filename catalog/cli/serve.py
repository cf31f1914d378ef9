"""`catalog serve`: the catalogue over HTTP, until it is told to stop."""

from __future__ import annotations

import os
import socket
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from catalog.assembly import open_catalog
from catalog.cli.logs import logging_of
from catalog.cli.opening import data_option, database_option
from catalog.cli.projector import Projector, end_with
from catalog.cli.words import t, tell
from catalog.errors import Unavailable
from catalog.settings import Settings, hand_on, read_settings

# Named by its place: the faces of the catalogue do not import each other.
APPLICATION = "catalog.web.app:from_settings"
# What a request that is under way has left when the server is told to stop.
GRACE_SECONDS = 10


@click.command(
    "serve",
    help=t(
        "Serve the catalogue over HTTP. The first start makes it, with a token for its administrator.",
        "カタログを HTTP で公開する。最初の起動でカタログと管理者トークンを作る。",
    ),
)
@data_option
@database_option
@click.option("--host", help=t("The address to listen on (127.0.0.1).", "待ち受けるアドレス（127.0.0.1）。"))
@click.option("--port", type=int, help=t("The port to listen on (8000).", "待ち受けるポート番号（8000）。"))
@click.option(
    "--base",
    metavar="ADDRESS",
    help=t(
        "The address under which records are known; fixed at the first start.",
        "レコードを公開するアドレス。最初の起動で固定される。",
    ),
)
@click.option("--workers", type=int, help=t("How many processes answer (1).", "応答するプロセスの数（1）。"))
def serve_(**given: Any) -> None:
    settings = read_settings(**given)
    refuse_taken(settings.host, settings.port)
    # Opened once before any worker is: tables, token and base address are made by one process.
    catalog = open_catalog(settings)
    catalog.close()
    announce(settings, catalog.base, catalog.made_token)
    hand_on(settings)
    server = Granian(
        APPLICATION,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        workers_kill_timeout=GRACE_SECONDS,
        # What brings one process down must not bring down the service.
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels("warning" if settings.log_level == "info" else settings.log_level),
        log_dictconfig=logging_of(settings.log_level),
        log_access=settings.log_requests,
        process_name=None,
    )
    # The graph and the search index are fed beside the workers; its process ends with this one.
    with Projector(settings):
        server.serve(target_loader=partial(application_of_worker, os.getpid()))
    tell(t("stopped", "停止しました"))


def application_of_worker(parent: int, target: str) -> Any:
    """What a worker answers with, in its own process, which does not outlive the server's of this number."""
    end_with(parent, grace_seconds=GRACE_SECONDS)
    module, _, make = target.partition(":")
    return getattr(import_module(module), make)()


def refuse_taken(host: str, port: int) -> None:
    """Say that a port is taken before anything is started on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            raise Unavailable(
                f"{host}:{port} cannot be listened on ({problem.strerror}): choose another with --port",
                ja=f"{host}:{port} で待ち受けられません（{problem.strerror}）。--port で別のポートを指定してください",
            ) from problem


def announce(settings: Settings, base: str, made_token: str | None) -> None:
    """Say what to open, and what the administrator's token is if it was just made."""
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    here = f"http://{shown}:{settings.port}/"
    tell(t(f"Musubi serves {settings.data}", f"Musubi: {settings.data} を公開します"))
    tell(
        t(
            f"  open {here} (what programs can ask: {here}api)",
            f"  {here} を開いてください（プログラム向けの説明は {here}api）",
        )
    )
    if base != here:
        tell(t(f"  its records are known under {base}", f"  レコードのアドレス: {base}"))
    if made_token is not None:
        where = Path(settings.token_file)
        tell(t(f"  administrator's token: {made_token}", f"  管理者トークン: {made_token}"))
        tell(
            t(
                f"  it is kept in {where}, and not shown again",
                f"  {where} に保存しました。再び表示されることはありません",
            )
        )
    tell(t("  stop with Ctrl-C", "  停止は Ctrl-C"))
