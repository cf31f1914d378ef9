"""`catalog source`: the catalogues, databases and facilities that records come from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from catalog.assembly import Catalog
from catalog.cli.documents import file_argument, object_of
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import show
from catalog.cli.words import answer, by_language, t, tell
from catalog.curation.sources import register_source
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.record import Source


@click.group("source", help=t("Sources: list, show, register.", "登録元の一覧・表示・登録。"))
def source_() -> None:
    """Where records come from."""


def document_of(source: Source) -> dict[str, Any]:
    """A source as it is written, and as `register` takes it but for its version."""
    told = asdict(source)
    told["homeScope"] = told.pop("home_scope")
    return {key: value for key, value in told.items() if value is not None}


@source_.command("list", help=t("List the sources.", "登録元の一覧。"))
@json_option
@on_catalogue
def list_sources(catalog: Catalog, as_json: bool) -> None:
    if as_json:
        for source in catalog.sources.all():
            answer(document_of(source))
        return
    show(
        [
            (source.id, source.version, source.home_scope, by_language(dict(source.title)))
            for source in catalog.sources.all()
        ],
        (t("source", "登録元"), t("version", "版"), t("home scope", "既定のスコープ"), t("title", "名称")),
    )


@source_.command(
    "show", help=t("Show a source, in the form in which it is registered.", "登録元を、登録する形式で表示する。")
)
@click.argument("id")
@click.option(
    "--versions", is_flag=True, help=t("All its versions, the oldest first.", "すべての版を古い順に表示する。")
)
@json_option
@on_catalogue
def show_source(catalog: Catalog, id: str, versions: bool, as_json: bool) -> None:
    newest = catalog.sources.get(id)
    for source in catalog.sources.versions(id) if versions else (newest,):
        answer(document_of(source))


@source_.command(
    "register",
    short_help=t("Register a source, or its next version.", "登録元、またはその新しい版を登録する。"),
    help=t(
        'Register a source from a JSON file: {"id", "title", "homeScope", "prefixes", "zone", "licence", "contact", "homepage"}. '
        "What is registered already gets a new version.",
        '登録元を JSON ファイルから登録する: {"id", "title", "homeScope", "prefixes", "zone", "licence", "contact", "homepage"}。'
        "登録済みなら新しい版になる。",
    ),
)
@file_argument
@json_option
@on_catalogue
def register(catalog: Catalog, file: Path, as_json: bool) -> None:
    document = object_of(file)
    document.pop("version", None)
    source = register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
    if as_json:
        answer(document_of(source))
    else:
        tell(
            t(f"source {source.id} is at version {source.version}", f"登録元 {source.id} の版は {source.version} です")
        )
