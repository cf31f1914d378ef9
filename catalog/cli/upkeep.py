"""`catalog rebuild`, `verify` and `failures`: looking after the graph and the search index."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import click

from catalog.assembly import Catalog
from catalog.cli import projecting
from catalog.cli.exits import DIFFERS, OK, REPAIRED, UNAVAILABLE
from catalog.cli.opening import json_option, on_catalogue, progress_option
from catalog.cli.progress import Progress
from catalog.cli.projecting import feeding
from catalog.cli.tables import show
from catalog.cli.words import answer, t, tell
from catalog.errors import NotFound, Unavailable
from catalog.ledger.book import Failure, not_failed
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.standing import NAMES, Name
from catalog.upkeep import operating
from catalog.upkeep.verify import SORTS

TITLES: Final = {name: t(*title) for name, title in projecting.TITLES.items()}

name_argument = click.argument("name", type=click.Choice(NAMES), metavar="graph|search")
some_names_argument = click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[graph|search]...")
name_option = click.option(
    "--in",
    "name",
    type=click.Choice(NAMES),
    help=t("Of the graph or the search index only.", "グラフまたは検索索引だけ。"),
)


@click.command(
    "rebuild",
    help=t(
        "Build the graph or the search index again, beside the one that answers, and let it answer once it is whole.",
        "グラフまたは検索索引を、応答を続けながら作り直し、完成したら切り替える。",
    ),
)
@name_argument
@click.option(
    "--back", is_flag=True, help=t("Let the one before answer again instead.", "作り直さず、以前の世代に戻す。")
)
@click.option("--no-wait", is_flag=True, help=t("Only ask for it.", "要求だけして待たない。"))
@progress_option
@json_option
@on_catalogue
def rebuild_(catalog: Catalog, name: Name, back: bool, no_wait: bool, progress: bool | None, as_json: bool) -> None:
    book = catalog.book
    if back:
        number = operating.go_back(name, ADMINISTRATOR, book=book, projection=catalog.projections[name])
    else:
        number = operating.rebuild(name, ADMINISTRATOR, book=book)
    if not no_wait:
        # By key, since nobody counts how many are left.
        with (
            feeding(catalog) as fed,
            Progress(t("records, by key", "レコード（キー順）"), book.last_key(), asked=progress) as shown,
        ):

            def built() -> bool:
                row = next((each for each in book.rows(name) if each.generation == number), None)
                if row is None:
                    raise NotFound(
                        f"{name}: generation {number} was given up for another",
                        ja=f"{name}: 世代 {number} は別の世代に置き換えられました",
                    )
                shown.reach(row.filled_to or shown.done)
                return row.state == "live" and row.position >= (book.last_position() if back else 0)

            fed.until(built, [name])
    if as_json:
        answer({"projection": name, "generation": number, "waited": not no_wait})
    elif no_wait:
        tell(t(f"{TITLES[name]}: asked for generation {number}", f"{TITLES[name]}: 世代 {number} を要求しました"))
    else:
        tell(t(f"{TITLES[name]}: generation {number} answers", f"{TITLES[name]}: 世代 {number} が応答しています"))


@click.command(
    "verify",
    help=t(
        "Compare the graph and the search index with the ledger, record by record where they differ, and repair just that. "
        "Beside a running server its projector does it.",
        "グラフと検索索引を台帳と照合し、異なる部分だけを修復する。サーバーの動作中は、その更新プロセスが行う。",
    ),
)
@some_names_argument
@click.option("--no-repair", is_flag=True, help=t("Only say what differs.", "修復せず、不一致を示すだけ。"))
@progress_option
@json_option
@on_catalogue
@click.pass_context
def verify_(
    ctx: click.Context,
    /,
    catalog: Catalog,
    names: tuple[Name, ...],
    no_repair: bool,
    progress: bool | None,
    as_json: bool,
) -> None:
    book = catalog.verifications
    waited = {
        name: operating.ask_to_verify(name, ADMINISTRATOR, verifications=book, repair=not no_repair)
        for name in names or tuple(catalog.projections)
    }
    reports: list[dict[str, Any]] = []
    refused: Unavailable | None = None
    with feeding(catalog, alone=True) as fed, Progress(t("records", "レコード"), asked=progress) as shown:

        def answered(name: Name) -> bool:
            stands = {each: book.last(each) for each in waited}
            told = [each.progress for each in stands.values() if each.progress is not None]
            if told:
                shown.total = max(int(each["of"]) for each in told)
                shown.reach(min(int(each["records"]) for each in told))
            return stands[name].asked_at != waited[name]

        for name in waited:
            try:
                fed.until(partial(answered, name), [name])
                reports.append(dict(book.last(name).report or {}))
            except Unavailable as problem:
                # How it stands with the other is told all the same.
                refused = problem
    for report in reports:
        if as_json:
            answer(report)
        else:
            tell_report(report)
    if refused is not None:
        raise refused
    ctx.exit(max((code_of(report) for report in reports), key=(OK, UNAVAILABLE, REPAIRED, DIFFERS).index))


def code_of(report: dict[str, Any]) -> int:
    """The exit code of a round with this report."""
    if report["drift"]["total"] > report["repaired"] or report["failing"]:
        return DIFFERS
    if report["drift"]["total"]:
        return REPAIRED
    return UNAVAILABLE if report["undecided"] else OK


def tell_report(report: dict[str, Any]) -> None:
    """What a round found, for people."""
    sorts = {
        "missing": t("missing", "欠落"),
        "extra": t("not the ledger's", "台帳にない"),
        "wrong": t("wrong", "内容の相違"),
        "dangling": t("belonging to nothing", "所属なし"),
    }
    drift = report["drift"]
    apart = report["failing"] or report["waived"] or report["undecided"]
    tell(
        t(
            f"{TITLES[report['projection']]}: {report['records']:,} records compared in {report['seconds']:,.1f} s; ",
            f"{TITLES[report['projection']]}: {report['records']:,} 件を {report['seconds']:,.1f} 秒で照合。",
        )
        + (
            t("nothing differs", "不一致はありません")
            if not (drift["total"] or apart)
            else t("nothing differs but these:", "次を除いて不一致はありません")
            if not drift["total"]
            else t(
                f"{drift['total']:,} differed, {report['repaired']:,} repaired: ",
                f"{drift['total']:,} 件が不一致、{report['repaired']:,} 件を修復: ",
            )
            + ", ".join(f"{sorts[sort]} {drift[sort]:,}" for sort in SORTS if drift[sort])
        )
    )
    for number, text in (
        (
            report["failing"],
            t(
                "missing, since projecting failed: `catalog failures list`",
                "件は反映に失敗しています（`catalog failures list`）",
            ),
        ),
        (report["waived"], t("missing and waived", "件は欠落を容認済みです")),
        (
            report["undecided"],
            t(
                "changed again and again meanwhile: verify again",
                "件は照合中も変更が続きました。もう一度照合してください",
            ),
        ),
    ):
        if number:
            tell(f"  {number:,} {text}")
    for each in report["differences"]:
        state = t("repaired", "修復済み") if each["repaired"] else t("differs", "不一致")
        click.echo(f"{report['projection']}  {each['id']}  {sorts[each['sort']]}  {state}")


@click.group(
    "failures",
    help=t(
        "Records that could not be projected: list, show, retry, waive.",
        "反映に失敗したレコードの一覧・表示・再試行・容認。",
    ),
)
def failures_() -> None:
    """A record that can't be projected is tried again ever more seldom, until it can be or somebody waives it."""


@failures_.command("list", help=t("List them.", "一覧を表示する。"))
@name_option
@click.option("--waived", is_flag=True, help=t("Only those that were waived.", "容認したものだけ。"))
@json_option
@on_catalogue
def list_of_failures(catalog: Catalog, name: Name | None, waived: bool, as_json: bool) -> None:
    rows = []
    for each_name in NAMES if name is None else (name,):
        after = 0
        while found := operating.failures(
            ADMINISTRATOR, book=catalog.book, name=each_name, waived=waived or None, after=after, limit=1_000
        ):
            after = found[-1].record
            for each in found:
                if as_json:
                    answer(each.document())
                else:
                    rows.append((each.id, each.name, each.attempts, each.last_at[:19], state_of(each), each.error))
    if not as_json:
        heads = (
            t("record", "レコード"), t("into", "対象"), t("tried", "試行"), t("last", "最終"), t("next", "次回"),
            t("why", "理由"),
        )  # fmt: skip
        show(rows, heads if rows else ())
        if not rows:
            tell(t("there is none", "ありません"))


def state_of(each: Failure) -> str:
    """When it is tried again, if it is."""
    return t("waived", "容認") if each.waived_at is not None else each.next_at[:19]


def failures_of(catalog: Catalog, id: str, name: Name | None) -> list[Failure]:
    """Why a record could not be projected into either of them, or into this one; NotFound if it could."""
    found = [each for each_name in NAMES if (each := catalog.book.failure(each_name, id)) is not None]
    chosen = [each for each in found if name in (None, each.name)]
    if not chosen:
        raise not_failed(id, name)
    return chosen


@failures_.command("show", help=t("Show why a record could not be projected.", "失敗の理由を表示する。"))
@click.argument("id")
@name_option
@json_option
@on_catalogue
def show_failure(catalog: Catalog, id: str, name: Name | None, as_json: bool) -> None:
    for each in failures_of(catalog, id, name):
        if as_json:
            answer(each.document())
            continue
        click.secho(f"{each.id} → {TITLES[each.name]}", bold=True)
        tried = f"tried {each.attempts} times since {each.first_at}, last" if each.attempts > 1 else "tried once,"
        click.echo(
            t(
                f"  revision {each.revision}, {tried} {each.last_at}",
                f"  第 {each.revision} 版、{each.first_at} から {each.attempts} 回試行、最終 {each.last_at}",
            )
        )
        if each.waived_at is not None:
            click.echo(t(f"  waived by {each.waived_by}: {each.reason}", f"  {each.waived_by} が容認: {each.reason}"))
        click.echo(f"  {each.error}")


@failures_.command(
    "retry",
    short_help=t("Try records again at once.", "レコードを直ちに再試行する。"),
    help=t(
        "Try a record again at once (also a waived one), or all that are not waived.",
        "レコード（容認済みも可）、または容認していないものすべてを直ちに再試行する。",
    ),
)
@click.argument("id", required=False)
@name_option
@json_option
@on_catalogue
def retry_failures(catalog: Catalog, id: str | None, name: Name | None, as_json: bool) -> None:
    count = operating.retry(ADMINISTRATOR, book=catalog.book, name=name, id=id)
    book = catalog.book
    names = [each for each in NAMES if name in (None, each)]
    with feeding(catalog) as fed:
        fed.until(lambda: not any(map(book.due, names)), names)
    left = sum(map(book.failed, names))
    if as_json:
        answer({"records": count, "failing": left})
    else:
        tell(t(f"{count:,} tried again; {left:,} are failing", f"{count:,} 件を再試行しました。失敗中: {left:,} 件"))


@failures_.command(
    "waive", help=t("Say that a record may be missing, and why.", "レコードが欠けていてよいとし、その理由を記録する。")
)
@click.argument("id")
@click.option("--reason", required=True, help=t("Why, in a sentence.", "理由。"))
@name_option
@json_option
@on_catalogue
def waive_failure(catalog: Catalog, id: str, reason: str, name: Name | None, as_json: bool) -> None:
    for each in [failed.name for failed in failures_of(catalog, id, name)]:
        operating.waive(each, id, reason, ADMINISTRATOR, book=catalog.book)
        if as_json:
            answer(operating.failure(each, id, ADMINISTRATOR, book=catalog.book).document())
        else:
            tell(t(f"{id} may be missing from {TITLES[each]}", f"{id} は{TITLES[each]}になくてよいものとしました"))
