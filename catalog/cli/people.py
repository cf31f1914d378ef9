"""`catalog person`, `catalog invite`, `catalog reset`: who can sign in, on the machine where the catalogue is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import click

from catalog.access.accounts import INVITED_FOR, RESET_FOR, Link
from catalog.access.people import Person
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import PAGE, show
from catalog.cli.words import answer, t, tell
from catalog.questions.reader import ADMINISTRATOR

F = TypeVar("F", bound=Callable[..., Any])


def days_option(default: timedelta) -> Callable[[F], F]:
    """--days N."""
    return click.option(
        "--days",
        type=click.IntRange(1, 90),
        default=default.days,
        help=t(f"How long the link works ({default.days}).", f"リンクの有効日数（{default.days}）。"),
    )


@click.group(
    "person", help=t("People: list, add, end, make administrators.", "利用者の一覧・追加・停止・管理者の設定。")
)
def person_() -> None:
    """Everybody who can sign in."""


@person_.command("list", help=t("List the people.", "利用者の一覧。"))
@json_option
@on_catalogue
def list_people(catalog: Catalog, as_json: bool) -> None:
    rows = []
    after: str | None = None
    while people := catalog.people.list(ADMINISTRATOR, after=after, limit=PAGE):
        after = people[-1].id
        for person in people:
            if as_json:
                answer(person.document())
            else:
                kind = t("administrator", "管理者") if person.administrator else ""
                rows.append((person.id, person.name, person.login or "", person.email or "", kind))
    if not as_json:
        show(
            rows,
            (t("person", "利用者"), t("name", "氏名"), t("login", "ログイン名"), t("e-mail", "メール"), ""),
        )


@person_.command(
    "add",
    short_help=t("Make somebody's account here.", "アカウントをここで作る。"),
    help=t(
        "Make somebody's account here. The password is asked for, or read from standard input. `catalog invite` lets them "
        "choose it themselves.",
        "アカウントをここで作る。パスワードは入力を求めるか、標準入力から読む。本人に決めてもらうには `catalog invite` を使う。",
    ),
)
@click.argument("login")
@click.option("--name", required=True, help=t("What they are called.", "氏名。"))
@click.option("--email", help=t("How administrators reach them.", "管理者からの連絡先。"))
@click.option("--orcid", metavar="ID", help=t("Their ORCID iD.", "ORCID iD。"))
@click.option("--administrator", is_flag=True, help=t("With every right in every scope.", "すべての権限を与える。"))
@json_option
@on_catalogue
def add(
    catalog: Catalog,
    login: str,
    name: str,
    email: str | None,
    orcid: str | None,
    administrator: bool,
    as_json: bool,
) -> None:
    made = catalog.accounts.add(
        ADMINISTRATOR,
        login=login,
        password=password_asked(),
        name=name,
        email=email,
        orcid=orcid,
        administrator=administrator,
    )
    said(made, as_json=as_json)


def password_asked() -> str:
    """A password, typed twice and not shown; or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt(t("Password", "パスワード"), hide_input=True, confirmation_prompt=True, err=True))


@person_.command(
    "end",
    short_help=t("Shut somebody out.", "利用者を停止する。"),
    help=t(
        "Shut somebody out: their sessions and tokens are worthless at once, and they hold no right any more. Scopes that this "
        "leaves without a manager are named.",
        "利用者を停止する。セッションとトークンはただちに無効になり、権限もすべて失う。管理者のいなくなるスコープがあれば表示する。",
    ),
)
@click.argument("who")
@json_option
@on_catalogue
def end(catalog: Catalog, who: str, as_json: bool) -> None:
    found = catalog.people.named(who, ADMINISTRATOR)
    left = catalog.people.end(found.id, ADMINISTRATOR)
    if as_json:
        answer({"ended": found.id, "unmanaged": left})
    else:
        tell(t(f"{found.name} ({found.id}) is shut out", f"{found.name}（{found.id}）を停止しました"))
        tell_unmanaged(left)


def tell_unmanaged(scopes: Sequence[str]) -> None:
    """The scopes that somebody's end leaves without a manager, and what is to be done."""
    for id in scopes:
        tell(
            t(
                f"scope {id} has no manager of its own any more: `catalog grant {id} --to PERSON --right manage`",
                f"スコープ {id} の管理者がいなくなりました: `catalog grant {id} --to 利用者 --right manage`",
            )
        )


@person_.command(
    "administrator",
    help=t("Let somebody administer the catalogue, or no more.", "管理者権限を付与・解除する。"),
)
@click.argument("who")
@click.option("--no", "taken_back", is_flag=True, help=t("No more.", "解除する。"))
@json_option
@on_catalogue
def administrator(catalog: Catalog, who: str, taken_back: bool, as_json: bool) -> None:
    found = catalog.people.named(who, ADMINISTRATOR)
    said(catalog.people.set_administrator(found.id, not taken_back, ADMINISTRATOR), as_json=as_json)


def said(person: Person, *, as_json: bool) -> None:
    """Who somebody is by now."""
    if as_json:
        answer(person.document())
        return
    kind = t("administrator", "管理者") if person.administrator else ""
    click.echo(f"{person.id}  {person.login or ''}  {person.name}  {kind}".rstrip())


@click.command(
    "invite",
    help=t(
        "Make a link with which somebody makes their account, once. It is shown this once; pass it on.",
        "アカウントを作るための一度だけ使えるリンクを発行する。表示は今回だけなので本人に渡す。",
    ),
)
@click.option("--name", help=t("What they are called.", "氏名。"))
@click.option("--email", help=t("How administrators reach them.", "管理者からの連絡先。"))
@click.option("--administrator", is_flag=True, help=t("With every right in every scope.", "すべての権限を与える。"))
@days_option(INVITED_FOR)
@json_option
@on_catalogue
def invite_(
    catalog: Catalog, name: str | None, email: str | None, administrator: bool, days: int, as_json: bool
) -> None:
    link = catalog.accounts.invite(
        ADMINISTRATOR, name=name, email=email, administrator=administrator, lasts=timedelta(days=days)
    )
    linked(catalog, "invitation", link, as_json=as_json)


@click.command(
    "reset",
    help=t(
        "Make a link with which somebody sets a new password, once. It is shown this once; pass it on. Their sessions and API "
        "tokens end when it is used, unless they say there that the tokens stay.",
        "パスワードを再設定するための一度だけ使えるリンクを発行する。表示は今回だけなので本人に渡す。使うとセッションと API "
        "トークンは終了する（トークンは本人が残すこともできる）。",
    ),
)
@click.argument("who")
@days_option(RESET_FOR)
@json_option
@on_catalogue
def reset_(catalog: Catalog, who: str, days: int, as_json: bool) -> None:
    found = catalog.people.named(who, ADMINISTRATOR)
    link = catalog.accounts.reset_link(found.id, ADMINISTRATOR, lasts=timedelta(days=days))
    linked(catalog, "reset", link, as_json=as_json)


def linked(catalog: Catalog, word: str, link: Link, *, as_json: bool) -> None:
    """A one-time link, which is the answer; until when it works is said beside it."""
    address = f"{catalog.base}{word}/{link.value}"
    if as_json:
        answer({"address": address, "until": link.until})
        return
    click.echo(address)
    tell(t(f"works once, until {link.until}", f"一度だけ、{link.until} まで使えます"))
