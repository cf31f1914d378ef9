"""`catalog grant`, `catalog revoke`, `catalog sharing`, `catalog request`: who may do what in a scope, and who asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from catalog.access.grants import Permission
from catalog.access.paging import Page, through
from catalog.access.requests import Request
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import PAGE, show
from catalog.cli.words import answer, t, tell
from catalog.questions.reader import ADMINISTRATOR, RIGHTS

F = TypeVar("F", bound=Callable[..., Any])

until_option = click.option(
    "--until", metavar="TIME", help=t("Until when; without an end if left out.", "期限。省略すると無期限。")
)
why_option = click.option("--why", metavar="TEXT", help=t("Why, for whoever looks back.", "理由（記録に残る）。"))


def right_option(*, required: bool) -> Callable[[F], F]:
    """--right read --right download."""
    return click.option(
        "--right",
        "rights",
        multiple=True,
        required=required,
        type=click.Choice(RIGHTS),
        help=t("What they may; as often as needed.", "付与する権限（繰り返し可）。"),
    )


def _told(permissions: Iterable[Permission], *, as_json: bool) -> None:
    if as_json:
        for each in permissions:
            answer(each.document())
        return
    show(
        [
            (each.scope, each.right, each.holder.name or each.holder.id, each.holder.id, each.since or "",
             each.until or "", each.id)
            for each in permissions
        ],
        (t("scope", "スコープ"), t("right", "権限"), t("name", "名称"), t("holder", "対象"), t("from", "開始"),
         t("until", "期限"), t("permission", "権限 ID")),
    )  # fmt: skip


@click.command("grant", help=t("Let somebody do something in a scope and below it.", "スコープの権限を付与する。"))
@click.argument("scope")
@click.option(
    "--to",
    required=True,
    metavar="HOLDER",
    help=t(
        "A person by id, sign-in name or ORCID; group:…, workload:…, signed-in or everyone.",
        "利用者（ID、ログイン名、ORCID）、group:…、workload:…、signed-in、everyone。",
    ),
)
@right_option(required=True)
@click.option(
    "--from", "since", metavar="TIME", help=t("From when; at once if left out.", "開始。省略するとただちに。")
)
@until_option
@why_option
@json_option
@on_catalogue
def grant_(
    catalog: Catalog,
    scope: str,
    to: str,
    rights: tuple[Any, ...],
    since: str | None,
    until: str | None,
    why: str | None,
    as_json: bool,
) -> None:
    given = catalog.grants.grant(scope, rights, to, ADMINISTRATOR, since=since, until=until, why=why)
    _told(given, as_json=as_json)


@click.command(
    "revoke", help=t("Take a right back, by the id of its permission.", "権限を取り消す（権限 ID で指定）。")
)
@click.argument("permission")
@why_option
@json_option
@on_catalogue
def revoke_(catalog: Catalog, permission: str, why: str | None, as_json: bool) -> None:
    ended = catalog.grants.revoke(permission, ADMINISTRATOR, why=why)
    if as_json:
        answer(ended.document())
        return
    tell(
        t(
            f"{ended.holder.name or ended.holder.id} may {ended.right} in {ended.scope} no more",
            f"{ended.scope} の {ended.right} を {ended.holder.name or ended.holder.id} から取り消しました",
        )
    )


@click.command("sharing", help=t("Who may do what in a scope; or set who it is open to.", "共有設定の表示と変更。"))
@click.argument("scope")
@click.option(
    "--mode",
    type=click.Choice(["everyone", "limited", "inherit"]),
    help=t("Open it to everyone, limit it, or leave it to the scope above.", "公開範囲を変更する。"),
)
@click.option(
    "--confirm",
    is_flag=True,
    help=t(
        "That more than 10,000 public records may be closed at once.",
        "1万件を超える公開レコードを一度に非公開にすることを確認する。",
    ),
)
@click.option("--ended", is_flag=True, help=t("Also what is over.", "終了した権限も表示する。"))
@json_option
@on_catalogue
def sharing_(catalog: Catalog, scope: str, mode: Any, confirm: bool, ended: bool, as_json: bool) -> None:
    if mode is not None:
        chosen = None if mode == "inherit" else mode
        catalog.scopes.change(scope, ADMINISTRATOR, mode=chosen, confirmed=confirm)
    found = catalog.scopes.find(scope, ADMINISTRATOR)
    permissions = through(
        lambda cursor: catalog.grants.page_of_scope(scope, ADMINISTRATOR, ended=ended, cursor=cursor, limit=PAGE)
    )
    if as_json:
        answer({"scope": found.document(), "permissions": [each.document() for each in permissions]})
        return
    tell(
        t(
            f"{scope}: {'everyone' if found.open else 'limited'}",
            f"{scope}: {'全員' if found.open else '限定'}",
        )
    )
    _told(permissions, as_json=False)


@click.group("request", help=t("Who asks for access: list, grant, refuse.", "アクセスの申請の一覧・許可・却下。"))
def request_() -> None:
    """What people have asked to be let into."""


def _shown(requests: Iterable[Request], *, as_json: bool) -> None:
    if as_json:
        for each in requests:
            answer(each.document())
        return
    show(
        [(each.id, each.scope, each.name, ",".join(each.rights), each.state, each.at[:10], each.text) for each in requests],
        (t("request", "申請"), t("scope", "スコープ"), t("name", "氏名"), t("rights", "権限"), t("state", "状態"),
         t("asked", "申請日"), t("what for", "目的")),
    )  # fmt: skip


@request_.command(
    "list", help=t("Those that wait for an answer, or all for a scope.", "回答を待つ申請、またはスコープの全申請。")
)
@click.argument("scope", required=False)
@json_option
@on_catalogue
def list_requests(catalog: Catalog, scope: str | None, as_json: bool) -> None:
    def page(cursor: str | None) -> Page[Request]:
        if scope is None:
            return catalog.requests.waiting(ADMINISTRATOR, cursor=cursor, limit=PAGE)
        return catalog.requests.of_scope(scope, ADMINISTRATOR, cursor=cursor, limit=PAGE)

    _shown(through(page), as_json=as_json)


answer_option = click.option("--answer", "said", metavar="TEXT", help=t("What they are told.", "申請者への回答。"))


@request_.command("grant", help=t("Give what was asked, until a time.", "期限を付けて許可する。"))
@click.argument("request")
@click.option("--until", required=True, metavar="TIME", help=t("Until when.", "期限。"))
@right_option(required=False)
@answer_option
@json_option
@on_catalogue
def grant_request(
    catalog: Catalog, request: str, until: str, rights: tuple[Any, ...], said: str | None, as_json: bool
) -> None:
    made = catalog.requests.grant(request, ADMINISTRATOR, until=until, rights=rights or None, answer=said)
    _shown((made,), as_json=as_json)


@request_.command("refuse", help=t("Say no.", "却下する。"))
@click.argument("request")
@answer_option
@json_option
@on_catalogue
def refuse_request(catalog: Catalog, request: str, said: str | None, as_json: bool) -> None:
    _shown((catalog.requests.refuse(request, ADMINISTRATOR, answer=said),), as_json=as_json)
