"""`catalog units`: the units that quantities may have."""

from __future__ import annotations

from typing import TextIO

import click

from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.words import answer, t, tell
from catalog.curation.units import load_units
from catalog.questions.reader import ADMINISTRATOR


@click.group("units", help=t("The units that quantities may have.", "数量の単位。"))
def units_() -> None:
    """The shipped table of units, and what an installation adds to it."""


@units_.command(
    "load",
    short_help=t("Take in QUDT's units.", "QUDT の単位を読み込む。"),
    help=t(
        "Take in QUDT's units from a CSV file with the columns iri, ucum, multiplier and deprecated.",
        "列 iri、ucum、multiplier、deprecated をもつCSVから、QUDTの単位を読み込む。",
    ),
)
@click.argument("file", type=click.File("r", encoding="utf-8"))
@json_option
@on_catalogue
def load(catalog: Catalog, file: TextIO, as_json: bool) -> None:
    named = load_units(file, ADMINISTRATOR, store=catalog.store)
    if as_json:
        answer({"named": named})
        return
    tell(
        t(
            f"{named} units have names now; a server that is running takes them in at its next start",
            f"{named} 個の単位に名前が付きました。実行中のサーバーには次の起動で反映されます",
        )
    )
