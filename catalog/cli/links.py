"""`catalog link`: addresses by which reviewers read what lies in a scope, and stay unknown."""

from __future__ import annotations

import click

from catalog.access.paging import through
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import PAGE, show
from catalog.cli.words import answer, t
from catalog.questions.reader import ADMINISTRATOR, Right


@click.group("link", help=t("Links for reviewers: make, list, end.", "査読者用リンクの作成・一覧・取り消し。"))
def link_() -> None:
    """Who has such an address reads, without an account, until it ends."""


@link_.command(
    "make",
    short_help=t("Make a link.", "リンクを作る。"),
    help=t(
        "Make a link to a scope and all below it. Its address is written to standard output, this once.",
        "スコープ（その下も含む）へのリンクを作る。アドレスは標準出力に一度だけ表示される。",
    ),
)
@click.argument("scope")
@click.argument("name")
@click.option("--until", required=True, metavar="DAY", help=t("When it ends, within 366 days.", "期限（366日以内）。"))
@click.option("--download", is_flag=True, help=t("Files too.", "ファイルも取得できる。"))
@json_option
@on_catalogue
def make(catalog: Catalog, scope: str, name: str, until: str, download: bool, as_json: bool) -> None:
    rights: tuple[Right, ...] = ("read", "download") if download else ("read",)
    made = catalog.links.make(scope, ADMINISTRATOR, name, rights=rights, until=until)
    address = f"{catalog.base}link#{made.value}"
    if as_json:
        answer({**made.what.document(), "token": made.value, "address": address})
    else:
        click.echo(address)


@link_.command("list", help=t("The links to a scope.", "スコープへのリンクの一覧。"))
@click.argument("scope")
@json_option
@on_catalogue
def list_links(catalog: Catalog, scope: str, as_json: bool) -> None:
    found = through(lambda cursor: catalog.links.of_scope(scope, ADMINISTRATOR, cursor=cursor, limit=PAGE))
    if as_json:
        for each in found:
            answer(each.document())
    else:
        show(
            [(each.id, each.name, " ".join(each.rights), each.until, each.used_at or "") for each in found],
            (
                t("link", "リンク"),
                t("name", "名称"),
                t("rights", "権限"),
                t("until", "期限"),
                t("last used", "最終使用"),
            ),
        )


@link_.command("end", help=t("Take a link back.", "リンクを取り消す。"))
@click.argument("link")
@on_catalogue
def end(catalog: Catalog, link: str) -> None:
    """By the id that `catalog link list` shows."""
    catalog.links.end(link, ADMINISTRATOR)
