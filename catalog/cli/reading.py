"""`catalog get`, `list`, `history` and `export`: what is here, read as its administrator."""

from __future__ import annotations

from typing import Any, Literal

import click
import orjson

from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import show as columns
from catalog.cli.words import answer, by_language, finding_line, put, t, tell
from catalog.discovery.find import find
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, WHOLE, Moved, Shown
from catalog.discovery.show import show as show_record
from catalog.errors import NotFound
from catalog.questions.parameters import question_from
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.finding import finding_from
from catalog.records.identifiers import is_record_id
from catalog.records.triples import triples

Form = Literal["json", "jsonld", "nt"]


@click.command(
    "get",
    help=t(
        "Show a record, by its id or by a name that it has elsewhere (doi:10.1/x, an accession).",
        "レコードを表示する。ID のほか、DOI などの識別子でも探せる。",
    ),
)
@click.argument("id")
@click.option("--revision", type=click.IntRange(1), help=t("A former revision.", "過去の版。"))
@click.option(
    "--as-of",
    metavar="TIME",
    help=t("As it was at a time (2026-05-10T12:00:00Z) or position.", "その日時または位置での姿。"),
)
@click.option(
    "--form",
    type=click.Choice(["json", "jsonld", "nt"]),
    help=t("Answer in this form; RDF is of the newest revision.", "出力の形式。RDF は最新の版のみ。"),
)
@json_option
@on_catalogue
def get_(catalog: Catalog, id: str, revision: int | None, as_of: str | None, form: Form | None, as_json: bool) -> None:
    if form in ("jsonld", "nt"):
        linked = follow(catalog, id, linked=True).document["linked"]
        if form == "nt":
            put(triples(catalog.kinds, [linked], catalog.base))
        else:
            context = [f"{catalog.base}context.jsonld", {"@base": catalog.base}]
            put(orjson.dumps({"@context": context, **linked}, option=orjson.OPT_APPEND_NEWLINE))
        return
    shown = follow(catalog, id, revision=revision, as_of=as_of)
    if as_json or form == "json":
        put(shown.text.encode() + b"\n")
    else:
        tell_record(shown.document)


def follow(
    catalog: Catalog, id: str, *, linked: bool = False, revision: int | None = None, as_of: str | None = None
) -> Shown:
    """The record of this id or name, or the one that it was merged into."""
    for _ in range(10):
        try:
            shown = show_record(
                id,
                ADMINISTRATOR,
                answers=catalog.answers,
                selection=LINKED if linked else WHOLE,
                revision=revision,
                as_of=as_of,
            )
        except NotFound:
            if is_record_id(id):
                raise
            # Not an id of ours: perhaps a name that a record has elsewhere.
            id = resolve(id, ADMINISTRATOR, answers=catalog.answers)[0]
            continue
        if isinstance(shown, Shown):
            return shown
        assert isinstance(shown, Moved)
        tell(t(f"{id} was merged into {shown.to}", f"{id} は {shown.to} に統合されています"))
        id = shown.to
    raise NotFound(f"{id}: there is no such record", ja=f"{id}: そのようなレコードはありません")


def tell_record(document: dict[str, Any]) -> None:
    """A record for people: what it is, what it says, what it names, and what is wrong with it."""
    body: dict[str, Any] = document.get("body") or {}
    click.secho(document["id"], bold=True)
    title = body.get("title")
    if isinstance(title, dict):
        click.echo("  " + " / ".join(str(text) for text in title.values()))
    told = [
        document["status"],
        t(f"revision {document['revision']}", f"第 {document['revision']} 版"),
        document["scope"],
    ]
    if document.get("profile"):
        told.append(document["profile"])
    click.echo("  " + ", ".join(told))
    if document.get("expunged"):
        click.echo("  " + t("its content was erased: ", "内容は抹消されました: ") + str(document["expunged"]))
    click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    for link in document.get("links") or ():
        shown = by_language(link.get("title")) if link.get("title") else ""
        role = f" ({link['role']})" if link.get("role") else ""
        click.echo(f"  {link['field']}{role} → {link['to']}  {shown}".rstrip())
    for group in document.get("incoming") or ():
        click.echo(f"  ← {group['count']} × {group['kind']}.{group['field']}")
    for finding in document.get("findings") or ():
        click.echo("  " + finding_line(finding_from(finding)))


@click.command(
    "list",
    help=t(
        "List records: of a KIND, or of all; each FILTER is a name=value as in REST (collectedAt=2026-05, energy='7..8 keV').",
        "レコードの一覧。KIND で種別を、FILTER（名前=値、REST と同じ書き方）で条件を指定する。",
    ),
)
@click.argument("kind", required=False)
@click.argument("filters", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--status", multiple=True, help=t("Also private, draft, suppressed, quarantined.", "公開以外の状態も含める。")
)
@click.option(
    "--sort", metavar="FIELD", help=t("A sortable field; -FIELD is descending.", "並べ替える項目。-FIELD は降順。")
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help=t("How many at most.", "最大件数。")
)
@click.option("--cursor", help=t("Where the page before ended.", "前のページの続きから。"))
@click.option("--all", "everything", is_flag=True, help=t("Every page.", "すべてのページ。"))
@json_option
@on_catalogue
def list_(
    catalog: Catalog,
    kind: str | None,
    filters: tuple[str, ...],
    status: tuple[str, ...],
    sort: str | None,
    limit: int,
    cursor: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    if kind is not None and "=" in kind:
        filters, kind = (kind, *filters), None
    pairs = [pair(each) for each in filters] + [("status", each) for each in status]
    pairs += [(name, value) for name, value in (("kind", kind), ("sort", sort)) if value is not None]
    shown: list[tuple[str, ...]] = []
    while True:
        asked = [*pairs, ("limit", str(limit)), *([("cursor", cursor)] if cursor else [])]
        page = find(question_from(asked, catalog.vocabulary), ADMINISTRATOR, answers=catalog.answers)
        for item in orjson.loads(page.items):
            if as_json:
                answer(item)
            else:
                title = by_language(item["body"].get("title")) if item.get("body") else ""
                shown.append((item["id"], item["status"], title))
        cursor = page.next
        if cursor is None or not everything:
            break
        columns(shown)
        shown = []
    columns(shown, () if as_json or not shown else (t("record", "レコード"), t("status", "状態"), t("title", "表題")))
    if cursor is not None:
        tell(t(f"there is more: --cursor {cursor}", f"続きがあります: --cursor {cursor}"))


def pair(text: str) -> tuple[str, str]:
    """A filter as it is written: name=value."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(
            t(f"'{text}' is no filter: write name=value", f"「{text}」は条件ではありません。名前=値 と書いてください")
        )
    return name, value
