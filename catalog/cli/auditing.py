"""`catalog audit`: what was done about rights, by whom; and who had access to a scope, when."""

from __future__ import annotations

from typing import Final

import click
import orjson

from catalog.access.audit import ACTS, Line
from catalog.access.past import Period
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import show
from catalog.cli.words import answer, put, t, tell
from catalog.questions.reader import ADMINISTRATOR

LINES_AT_ONCE: Final = 1_000


@click.group(
    "audit", help=t("What was done about rights: list, export, access.", "監査記録の一覧・書き出し・アクセス権の履歴。")
)
def audit_() -> None:
    """Lines that the database itself refuses to change or take away."""


@audit_.command("list", help=t("List what was done, the newest first.", "監査記録の一覧（新しい順）。"))
@click.option("--act", type=click.Choice(ACTS), help=t("What was done.", "操作の種類。"))
@click.option("--by", metavar="ID", help=t("Who did it.", "実行者。"))
@click.option("--holder", metavar="ID", help=t("To whom it was done.", "対象者。"))
@click.option("--scope", metavar="ID", help=t("In which scope or below it.", "対象のスコープ（その下も含む）。"))
@click.option("--since", metavar="TIME", help=t("From this day or time on.", "この日時以降。"))
@click.option("--until", metavar="TIME", help=t("Before this day or time.", "この日時より前。"))
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help=t("How many at most.", "最大件数。"),
)
@json_option
@on_catalogue
def list_audit(
    catalog: Catalog,
    act: str | None,
    by: str | None,
    holder: str | None,
    scope: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    before: int | None = None
    rows: list[tuple[str, ...]] = []
    left = limit
    while left:
        found = catalog.audit.find(
            ADMINISTRATOR,
            catalog.scopes,
            act=act,
            by=by,
            holder=holder,
            scope=scope,
            since=since,
            until=until,
            before=before,
            limit=min(left, LINES_AT_ONCE),
        )
        if not found:
            break
        names = {} if as_json else catalog.audit.names(found)
        for line in found:
            if as_json:
                answer(line.document())
            else:
                rows.append(_row(line, names))
        left -= len(found)
        before = found[-1].position
    if not as_json:
        heads = (
            t("when", "日時"),
            t("what", "操作"),
            t("by", "実行者"),
            t("to whom", "対象者"),
            t("scope", "スコープ"),
        )
        show(rows, (*heads, t("from", "接続元"), t("more", "詳細")) if rows else ())


def _row(line: Line, names: dict[str, str]) -> tuple[str, ...]:
    def named(id: str | None) -> str:
        return "" if id is None else f"{names[id]} ({id})" if id in names else id

    detail = {name: value for name, value in line.detail.items() if value is not None}
    return (
        line.at[:19],
        line.act,
        named(line.by),
        named(line.holder),
        line.scope or "",
        line.address or "",
        orjson.dumps(detail).decode() if detail else "",
    )


@audit_.command(
    "export",
    short_help=t("Write out every line.", "すべての監査記録を書き出す。"),
    help=t(
        "Write every line to standard output as NDJSON, the oldest first, to be kept elsewhere.",
        "すべての監査記録を NDJSON で標準出力に書き出す（古い順）。",
    ),
)
@click.option(
    "--after",
    type=click.IntRange(0),
    default=0,
    metavar="POSITION",
    help=t("Only lines behind this position, where an earlier export ended.", "この位置より後だけを書き出す。"),
)
@on_catalogue
def export_audit(catalog: Catalog, after: int) -> None:
    last = after
    for line in catalog.audit.every(ADMINISTRATOR, after=after):
        put(orjson.dumps(line.document()) + b"\n")
        last = line.position
    tell(t(f"the next export goes on with --after {last}", f"次回は --after {last} から続けられます"))


@audit_.command(
    "access",
    help=t("Who had access to a scope, and when.", "スコープへのアクセス権の履歴。"),
)
@click.argument("scope")
@click.option("--at", metavar="TIME", help=t("Only what held at this time.", "この日時に有効だったものだけ。"))
@json_option
@on_catalogue
def access(catalog: Catalog, scope: str, at: str | None, as_json: bool) -> None:
    past = catalog.chronicle.of(scope, ADMINISTRATOR, at=at)
    if as_json:
        answer(past.document())
        return
    rows: list[tuple[str, ...]] = []
    for held in past.held:
        given = held.permission
        rows.append(
            (given.holder.name or given.holder.id, given.holder.id, given.right, given.scope, *_times(held.period))
        )
    for team in past.teams:
        rows += [(member.name, member.id, "", team.group.id, *_times(period)) for member, period in team.members]
        rows += [
            (f"{issuer}: {value}", "", "", team.group.id, *_times(period)) for issuer, value, period in team.claims
        ]
    for what, period in past.everyone:
        rows.append((t("everyone", "全員"), "", what, scope, *_times(period)))
    heads = (t("who", "対象"), "", t("right", "権限"), t("in", "場所"), t("from", "開始"), t("until", "終了"))
    show(rows, heads if rows else ())


def _times(period: Period) -> tuple[str, str]:
    return period.begin[:19], (period.end or "")[:19]
