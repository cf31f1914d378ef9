"""`catalog scope`: the tree that says who may see and do what."""

from __future__ import annotations

from typing import Any

import click

from catalog.access.scopes import KEEP, Scope
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import PAGE, show
from catalog.cli.words import answer, by_language, t
from catalog.questions.reader import ADMINISTRATOR

INHERIT = "inherit"


@click.group("scope", help=t("Scopes: list, show, make, open, close.", "スコープの一覧・表示・作成・公開範囲の設定。"))
def scope_() -> None:
    """A tree of at most four levels; each record lies in one scope."""


def title_option(function: Any) -> Any:
    """--title en=… and --title ja=…."""
    return click.option(
        "--title",
        "titles",
        multiple=True,
        metavar="LANG=TEXT",
        help=t("Its name in a language.", "名称（言語=文字列）。"),
    )(function)


def limits(function: Any) -> Any:
    """What a scope may set."""
    mode = click.option(
        "--mode",
        type=click.Choice(["everyone", "limited", INHERIT]),
        help=t(
            "Who may read: everyone, or those with a grant; inherit leaves it to the scope above.",
            "公開範囲。inherit は上のスコープに従う。",
        ),
    )
    metadata = click.option(
        "--metadata-until",
        metavar="TIME",
        help=t("Until when metadata are under embargo (inherit: as above).", "メタデータの公開猶予の期限。"),
    )
    data = click.option(
        "--data-until",
        metavar="TIME",
        help=t("Until when files are under embargo (inherit: as above).", "ファイルの公開猶予の期限。"),
    )
    data_mode = click.option(
        "--data-mode",
        type=click.Choice(["open", "approval", INHERIT]),
        help=t(
            "Whether whoever may read has the files too, or has to ask for them (inherit: as above).",
            "ファイルの提供方法。approval は承認制。",
        ),
    )
    resource = click.option(
        "--resource",
        metavar="IRI",
        help=t("What visas call the data that lie here (inherit: nothing).", "ビザがここのデータを指す IRI。"),
    )
    return mode(metadata(data(data_mode(resource(function)))))


def by_language_of(titles: tuple[str, ...]) -> dict[str, str]:
    """The texts of --title by language."""
    told = {}
    for each in titles:
        tag, equals, text = each.partition("=")
        if not equals or not tag or not text:
            raise click.UsageError(
                t(f"--title '{each}': write en=… or ja=…", f"--title「{each}」: en=… か ja=… と書いてください")
            )
        told[tag] = text
    return told


def said(scope: Scope, *, as_json: bool, to_stderr: bool = True) -> None:
    """What a scope is by now: an answer if it was asked for, news if it was changed."""
    if as_json:
        answer(scope.document())
        return
    mode = t("everyone", "全員") if scope.open else t("limited", "限定")
    click.echo(f"{scope.id}  {mode}  {by_language(dict(scope.title))}", err=to_stderr)
    for name, until in (
        (t("metadata", "メタデータ"), scope.metadata_embargo),
        (t("files", "ファイル"), scope.data_embargo),
    ):
        if until is not None:
            click.echo(t(f"  {name}: under embargo until {until}", f"  {name}: {until} まで非公開"), err=to_stderr)


@scope_.command("list", help=t("List the scopes.", "スコープの一覧。"))
@json_option
@on_catalogue
def list_scopes(catalog: Catalog, as_json: bool) -> None:
    rows = []
    after: str | None = None
    while scopes := catalog.scopes.list(ADMINISTRATOR, after=after, limit=PAGE):
        after = scopes[-1].id
        for scope in scopes:
            if as_json:
                answer(scope.document())
            else:
                mode = t("everyone", "全員") if scope.open else t("limited", "限定")
                rows.append((scope.id, mode, scope.metadata_embargo or "", by_language(dict(scope.title))))
    if not as_json:
        show(
            rows, (t("scope", "スコープ"), t("read by", "公開範囲"), t("embargo until", "公開猶予"), t("title", "名称"))
        )


@scope_.command("show", help=t("Show a scope.", "スコープを表示する。"))
@click.argument("id")
@json_option
@on_catalogue
def show_scope(catalog: Catalog, id: str, as_json: bool) -> None:
    said(catalog.scopes.find(id, ADMINISTRATOR), as_json=as_json, to_stderr=False)


@scope_.command(
    "add",
    help=t(
        "Make a scope below one that is there: spring8, spring8/2026A1234.", "スコープを作る。上のスコープは先に作る。"
    ),
)
@click.argument("id")
@title_option
@limits
@json_option
@on_catalogue
def add(
    catalog: Catalog,
    id: str,
    titles: tuple[str, ...],
    mode: Any,
    metadata_until: str | None,
    data_until: str | None,
    data_mode: Any,
    resource: str | None,
    as_json: bool,
) -> None:
    scope = catalog.scopes.create(
        id,
        ADMINISTRATOR,
        title=by_language_of(titles),
        mode=None if mode == INHERIT else mode,
        metadata_until=None if metadata_until == INHERIT else metadata_until,
        data_until=None if data_until == INHERIT else data_until,
        data_mode=None if data_mode == INHERIT else data_mode,
        resource=None if resource == INHERIT else resource,
    )
    said(scope, as_json=as_json)


@scope_.command(
    "set",
    short_help=t("Open or close a scope; set its embargoes.", "公開範囲や公開猶予を変える。"),
    help=t(
        "Open or close a scope, or set its embargoes; at once for all below it.",
        "公開範囲や公開猶予を変える。下のスコープにもただちに及ぶ。",
    ),
)
@click.argument("id")
@title_option
@limits
@click.option(
    "--confirm",
    is_flag=True,
    help=t(
        "That more than 10,000 public records may be closed at once.",
        "1万件を超える公開レコードを一度に非公開にすることを確認する。",
    ),
)
@json_option
@on_catalogue
def change(
    catalog: Catalog,
    id: str,
    titles: tuple[str, ...],
    mode: Any,
    metadata_until: str | None,
    data_until: str | None,
    data_mode: Any,
    resource: str | None,
    confirm: bool,
    as_json: bool,
) -> None:
    def wanted(value: Any) -> Any:
        return KEEP if value is None else None if value == INHERIT else value

    scope = catalog.scopes.change(
        id,
        ADMINISTRATOR,
        title=by_language_of(titles) if titles else KEEP,
        mode=wanted(mode),
        metadata_until=wanted(metadata_until),
        data_until=wanted(data_until),
        data_mode=wanted(data_mode),
        resource=wanted(resource),
        confirmed=confirm,
    )
    said(scope, as_json=as_json)
