"""`catalog get`, `list`, `history` and `export`: what is here, read as its administrator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import click
import orjson

from catalog.assembly import Catalog
from catalog.cli.opening import data_option, database_option, json_option, on_catalogue, progress_option
from catalog.cli.progress import Progress
from catalog.cli.remote import ask, kept_at
from catalog.cli.tables import show as columns
from catalog.cli.words import answer, by_language, finding_line, put, t, tell
from catalog.discovery import export
from catalog.discovery.find import find
from catalog.discovery.history import Difference, Noted, difference, history
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, WHOLE, Moved, Shown, registration_of
from catalog.discovery.show import show as show_record
from catalog.errors import Conflict, NotFound
from catalog.questions.parameters import question_from
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.finding import finding_from
from catalog.records.identifiers import is_record_id
from catalog.records.told import as_json_ld, as_triples

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
        if revision is not None or as_of is not None:
            # Only the current linked form is kept; a former one would need the rules of its time.
            raise click.UsageError(t("RDF is of the newest revision", "RDF は最新の版のみです"))
        put_rdf(catalog, follow(catalog, id, linked=True), form)
        return
    shown = follow(catalog, id, revision=revision, as_of=as_of)
    if as_json or form == "json":
        put(shown.text.encode() + b"\n")
    else:
        tell_record(shown.document)


def put_rdf(catalog: Catalog, shown: Shown, form: Literal["jsonld", "nt"]) -> None:
    """A record in a form of RDF, as it is answered under its own address."""
    linked = shown.document.get("linked")
    if linked is None:
        # It may break its kind, and what breaks it has no meaning in a graph.
        raise Conflict(
            f"{shown.id}: a draft or a quarantined record has no form in RDF",
            ja=f"{shown.id}: 下書きや隔離中のレコードは RDF で表せません",
        )
    entry = registration_of(shown, ADMINISTRATOR, answers=catalog.answers)
    files = shown.document.get("files") or {}
    if form == "nt":
        put(as_triples(catalog.kinds, linked, files, entry, catalog.base))
    else:
        put(as_json_ld(catalog.kinds, linked, files, entry, catalog.base) + b"\n")


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
@click.option(
    "--mine",
    is_flag=True,
    help=t(
        "One's own at the catalogue at which one has signed in with `catalog login`: what one submitted last, and all where one "
        "writes, with what is invalid in it.",
        "`catalog login` でサインインしたカタログでの自分のレコード。規則に合わない箇所も表示する。",
    ),
)
@click.option("--at", metavar="ADDRESS", help=t("Which catalogue, with --mine.", "どのカタログか（--mine のとき）。"))
@click.option(
    "--invalid",
    is_flag=True,
    help=t("Only with something invalid, with --mine.", "規則に合わないもののみ（--mine のとき）。"),
)
@data_option
@database_option
@json_option
def list_(
    data: Path | None,
    database: str | None,
    mine: bool,
    at: str | None,
    invalid: bool,
    **said: Any,
) -> None:
    if not mine:
        if at is not None or invalid:
            raise click.UsageError(t("--at and --invalid go with --mine", "--at と --invalid は --mine と共に使います"))
        run: Callable[..., None] = on_catalogue(_list)
        run(data=data, database=database, **said)
        return
    if said.pop("filters") or said.pop("sort") or len(said["status"]) > 1 or "=" in (said["kind"] or ""):
        raise click.UsageError(
            t(
                "with --mine only a kind and one --status choose",
                "--mine で指定できる条件は KIND と --status 一つだけです",
            )
        )
    _list_mine(at, invalid=invalid, **said)


def _list_mine(
    at: str | None,
    *,
    kind: str | None,
    status: tuple[str, ...],
    invalid: bool,
    limit: int,
    cursor: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    kept = kept_at(at)
    while True:
        told = {
            "kind": kind,
            "status": "".join(status) or None,
            "invalid": "true" if invalid else None,
            "limit": str(limit),
            "cursor": cursor,
        }
        query = urlencode({name: value for name, value in told.items() if value is not None})
        page = ask("GET", kept.address, f"account/records?{query}", token=kept.token)
        for item in page["items"]:
            if as_json:
                answer(item)
                continue
            columns([(item["id"], item["status"], by_language(item["title"]) if item["title"] else "")])
            for finding in item["findings"]:
                columns([("", finding["pointer"] or "/", finding["message"])])
        cursor = page["next"]
        if cursor is None or not everything:
            break
    if cursor is not None:
        tell(t(f"there is more: --cursor {cursor}", f"続きがあります: --cursor {cursor}"))


def _list(
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


@click.command(
    "history",
    help=t(
        "Show a record's revisions and what befell it; with two numbers, what those revisions differ in.",
        "版の一覧と出来事を表示する。番号を2つ指定すると、その版の差分を表示する。",
    ),
)
@click.argument("id")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[FROM TO]")
@json_option
@on_catalogue
def history_(catalog: Catalog, id: str, numbers: tuple[int, ...], as_json: bool) -> None:
    if numbers:
        if len(numbers) != 2:
            raise click.UsageError(t("name two revisions: FROM TO", "版の番号を2つ指定してください"))
        tell_difference(difference(id, *numbers, ADMINISTRATOR, answers=catalog.answers, kinds=catalog.kinds), as_json)
        return
    before: int | None = None
    rows = []
    while True:
        page = history(id, ADMINISTRATOR, answers=catalog.answers, before=before)
        for noted in page.revisions:
            if as_json:
                answer(noted.document())
            else:
                rows.append(
                    (
                        noted.number,
                        noted.at,
                        " ".join(filter(None, (noted.by, noted.agent))),
                        noted.profile or "",
                        noted.scope,
                        state_of(noted),
                    )
                )
        if page.next is None:
            break
        before = page.next
    if as_json:
        for event in page.events:
            answer(
                {
                    "position": str(event.position),
                    "verb": event.verb,
                    "at": event.at,
                    "by": event.by,
                    "detail": event.detail,
                }
            )
        return
    columns(
        rows,
        (
            t("revision", "版"),
            t("at", "日時"),
            t("by", "登録者"),
            t("profile", "プロファイル"),
            t("scope", "スコープ"),
            "",
        ),
    )
    for event in page.events:
        click.echo(f"{event.at}  {event.verb}  {event.by}  {orjson.dumps(event.detail).decode()}")


def state_of(noted: Noted) -> str:
    """What is special about a revision."""
    if noted.expunged is not None:
        return t(f"erased: {noted.expunged}", f"抹消: {noted.expunged}")
    if noted.quarantined:
        return t("quarantined", "隔離")
    return t("shown", "表示中") if noted.shown else ""


def tell_difference(told: Difference, as_json: bool) -> None:
    """What two revisions differ in, by field."""
    if as_json:
        answer(told.document())
        return
    if not told.groups:
        tell(t("they do not differ", "違いはありません"))
    for name, titles, steps in told.groups:
        click.secho(by_language(dict(titles)) or name, bold=True)
        for step in steps:
            click.echo(f"  {step.pointer}  {by_language(dict(step.words))}")


@click.command(
    "export",
    help=t(
        "Write out the public records that the administrator may see: of a KIND or all, as `list` filters them. csv is a kind's mirror.",
        "公開レコードを書き出す。KIND と FILTER は list と同じ。csv は種別ごとの表。",
    ),
)
@click.argument("kind", required=False)
@click.argument("filters", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--form",
    type=click.Choice(["ndjson", "nquads", "csv"]),
    default="ndjson",
    show_default=True,
    help=t("What to write.", "出力の形式。"),
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    help=t("Where to; - is standard output.", "出力先。- は標準出力。"),
)
@progress_option
@on_catalogue
def export_(
    catalog: Catalog, kind: str | None, filters: tuple[str, ...], form: str, output: Path, progress: bool | None
) -> None:
    if kind is not None and "=" in kind:
        filters, kind = (kind, *filters), None
    pairs = [pair(each) for each in filters] + ([("kind", kind)] if kind else [])
    question = question_from(pairs, catalog.vocabulary)
    if form == "csv":
        if kind is None:
            raise click.UsageError(t("name the kind whose table is wanted", "表にする種別を指定してください"))
        chunks = export.table(kind, ADMINISTRATOR, answers=catalog.answers, question=question)
    elif form == "nquads":
        answers, kinds, base = catalog.answers, catalog.kinds, catalog.base
        chunks = export.statements(question, ADMINISTRATOR, answers=answers, kinds=kinds, base=base)
    else:
        chunks = export.records(question, ADMINISTRATOR, answers=catalog.answers)
    with Progress(t("bytes", "バイト"), asked=progress) as shown:
        if str(output) == "-":
            for chunk in shown.through(chunks):
                put(chunk)
            return
        # Beside the file that was meant until it is whole: half an export must not look like one.
        part = output.with_name(output.name + ".part")
        with part.open("wb") as file:
            for chunk in shown.through(chunks):
                file.write(chunk)
        part.replace(output)
