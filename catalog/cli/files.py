"""`catalog file`: the files of a dataset, which are rows beside its record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from catalog.assembly import Catalog
from catalog.cli.documents import file_argument
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.submitting import opened
from catalog.cli.tables import show
from catalog.cli.words import answer, t, tell
from catalog.curation.files import add_files, put_files, take_files
from catalog.discovery.files import files as list_files
from catalog.discovery.show import Moved
from catalog.errors import Malformed
from catalog.ledger.files import FileList
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.parse import parse

version_option = click.option(
    "--version",
    "expected",
    type=click.IntRange(0),
    help=t("Only if the list is still at this version.", "一覧がまだこの版である場合だけ。"),
)


@click.group(
    "file",
    help=t("The files of a dataset: list, put, add, remove.", "データセットのファイルの一覧・置換・追加・削除。"),
)
def file_() -> None:
    """Files have size, checksums and places where they can be had."""


def lines_of(path: Path) -> Iterator[Any]:
    """The documents of an NDJSON file, as they are asked for."""
    with opened(path) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield parse(line)
            except Malformed as problem:
                raise Malformed(
                    f"{path}, line {number}: {problem.message}", ja=f"{path} の {number} 行目: {problem.messages['ja']}"
                ) from problem


def said(id: str, made: FileList, *, as_json: bool) -> None:
    """What the list holds by now."""
    if as_json:
        answer({"id": id, "version": made.version, "count": made.count, "size": made.size})
    else:
        tell(
            t(
                f"{id}: {made.count:,} files, {made.size:,} bytes (version {made.version} of the list)",
                f"{id}: {made.count:,} ファイル、{made.size:,} バイト（一覧の第 {made.version} 版）",
            )
        )


@file_.command(
    "list",
    help=t("List a dataset's files, in the order of their paths.", "データセットのファイルをパスの順に一覧する。"),
)
@click.argument("id")
@json_option
@on_catalogue
def list_of_files(catalog: Catalog, id: str, as_json: bool) -> None:
    after: str | None = None
    heads: tuple[str, ...] = (t("path", "パス"), t("bytes", "バイト"), t("format", "形式"), t("places", "置き場所"))
    while True:
        page = list_files(id, ADMINISTRATOR, answers=catalog.answers, scopes=catalog.scopes, after=after, limit=1_000)
        if isinstance(page, Moved):
            tell(t(f"{id} was merged into {page.to}", f"{id} は {page.to} に統合されています"))
            id = page.to
            continue
        rows = []
        for each in page.items:
            if as_json:
                answer(each)
            else:
                rows.append(
                    (
                        each["path"],
                        each.get("size", ""),
                        each.get("format") or each.get("mediaType", ""),
                        len(each.get("locations", ())),
                    )
                )
        if rows:
            show(rows, heads)
            heads = ()
        after = page.next
        if after is None:
            return


@file_.command(
    "put",
    help=t(
        "Let the files in an NDJSON file be all files of a dataset.",
        "NDJSON ファイルの内容でファイル一覧を置き換える。",
    ),
)
@click.argument("id")
@file_argument
@version_option
@json_option
@on_catalogue
def put(catalog: Catalog, id: str, file: Path, expected: int | None, as_json: bool) -> None:
    made = put_files(id, lines_of(file), ADMINISTRATOR, intake=catalog.intake, expected_version=expected)
    said(id, made, as_json=as_json)


@file_.command(
    "add", help=t("Add files, or replace those of the same path.", "ファイルを追加する。同じパスのものは置き換える。")
)
@click.argument("id")
@file_argument
@version_option
@json_option
@on_catalogue
def add(catalog: Catalog, id: str, file: Path, expected: int | None, as_json: bool) -> None:
    made = add_files(id, lines_of(file), ADMINISTRATOR, intake=catalog.intake, expected_version=expected)
    said(id, made, as_json=as_json)


@file_.command(
    "remove",
    help=t("Take files out of the list; their bytes are not touched.", "一覧からファイルを外す。実体には触れない。"),
)
@click.argument("id")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@version_option
@json_option
@on_catalogue
def remove(catalog: Catalog, id: str, paths: tuple[str, ...], expected: int | None, as_json: bool) -> None:
    made = take_files(id, paths, ADMINISTRATOR, intake=catalog.intake, expected_version=expected)
    said(id, made, as_json=as_json)
