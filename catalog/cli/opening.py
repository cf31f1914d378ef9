"""How commands open the catalogue that they work on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from catalog.assembly import Catalog, exists, open_catalog
from catalog.cli.projecting import follow_up
from catalog.cli.words import AS_JSON, t
from catalog.errors import Misconfigured
from catalog.settings import Settings, read_settings

# Under which a command's context remembers that nobody waits for the projections.
NO_WAIT: Final = "catalog.no_wait"

F = TypeVar("F", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=t("The folder that holds the catalogue.", "カタログを収めるフォルダー。"),
)
database_option = click.option(
    "--database",
    metavar="ADDRESS",
    help=t("Where the ledger is kept, if not in the folder.", "台帳の保存先（フォルダー内でない場合）。"),
)


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[AS_JSON] = value
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_remember, help=t("Answer in JSON.", "JSON で答える。")
)
progress_option = click.option(
    "--progress/--no-progress",
    default=None,
    help=t("Show how far it is (on a terminal it does).", "進み具合を表示する（端末では既定で表示）。"),
)


def settings_of(given: dict[str, Any]) -> Settings:
    """The settings, with what the command line said of them taken out of `given`."""
    return read_settings(**{name: given.pop(name) for name in ("data", "database") if name in given})


def on_catalogue(function: F) -> F:
    """Give the command the catalogue that --data and --database name, which must be there, and close it at the end.

    What the command has written can be found in the graph and the search index then, or will be by the running server.
    """

    @data_option
    @database_option
    @functools.wraps(function)
    def run(**given: Any) -> Any:
        settings = settings_of(given)
        if not exists(settings):
            raise Misconfigured(
                f"there is no catalogue in {settings.data}: name its folder with --data, "
                f"or make one with `catalog init --data {settings.data}`",
                ja=f"{settings.data} にカタログはありません。--data でフォルダーを指定するか、"
                f"`catalog init --data {settings.data}` で作成してください",
            )
        catalog: Catalog = open_catalog(settings)
        try:
            since = catalog.book.last_position()
            try:
                return function(catalog, **given)
            finally:
                if not click.get_current_context().meta.get(NO_WAIT):
                    follow_up(catalog, since)
        finally:
            catalog.close()

    return run  # type: ignore[return-value]
