"""`catalog token`: what programs carry; of people and of sources here, one's own at a catalogue elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from catalog.access.once import Made
from catalog.access.tokens import Token
from catalog.assembly import Catalog
from catalog.cli.opening import data_option, database_option, json_option, on_catalogue
from catalog.cli.remote import ask, kept_at
from catalog.cli.tables import show
from catalog.cli.words import answer, t, tell
from catalog.questions.reader import ADMINISTRATOR, RIGHTS

F = TypeVar("F", bound=Callable[..., Any])

at_option = click.option(
    "--at",
    metavar="ADDRESS",
    help=t(
        "One's own tokens at the catalogue at which one has signed in with `catalog login`.",
        "`catalog login` でサインインしたカタログでの、自分のトークンを扱う。",
    ),
)


def here_or_at(function: F) -> F:
    """--at ADDRESS, or the catalogue in a folder."""
    return at_option(data_option(database_option(json_option(function))))


def _on_catalogue(function: Callable[..., None], data: Path | None, database: str | None, **said: Any) -> None:
    """Do it with the catalogue in a folder."""
    on_catalogue(function)(data=data, database=database, **said)


@click.group("token", help=t("API tokens: make, list, end.", "API トークンの作成・一覧・終了。"))
def token_() -> None:
    """What programs carry instead of a password."""


@token_.command(
    "make",
    short_help=t("Make a token.", "トークンを作る。"),
    help=t(
        "Make a token. It is written to standard output, this once. Here it is a source's own (--source), which writes records of "
        "that source only, or a person's (--for); with --at it is one's own, and ends at `catalog logout`.",
        "トークンを作る。標準出力に一度だけ表示される。ここでは登録元のもの（--source、その登録元のレコードだけを書ける）か"
        "利用者のもの（--for）、--at では自分のものになり、`catalog logout` で終了する。",
    ),
)
@click.argument("name")
@click.option("--until", required=True, metavar="DAY", help=t("When it ends, within 366 days.", "期限（366日以内）。"))
@click.option(
    "--right",
    "rights",
    multiple=True,
    type=click.Choice(RIGHTS),
    help=t("What it may (several times).", "権限（複数可）。"),
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="ID",
    help=t("Where it may that, and below (several times).", "対象のスコープ（複数可。その下も含む）。"),
)
@click.option("--source", metavar="ID", help=t("The source whose records it writes.", "書き込むレコードの登録元。"))
@click.option(
    "--agent", metavar="ID", help=t("The device's record as which it acts.", "動作主体となる機器のレコード。")
)
@click.option(
    "--for", "person", metavar="PERSON", help=t("Whose it is: an id, a login, …", "持ち主（ID、ログイン名など）。")
)
@here_or_at
def make(at: str | None, as_json: bool, data: Path | None, database: str | None, **said: Any) -> None:
    said["part"] = _part(said.pop("rights"), said.pop("scopes"))
    if at is None:
        _on_catalogue(_make_here, data, database, as_json=as_json, **said)
        return
    if said.pop("person") is not None:
        raise click.UsageError(t("--for goes without --at", "--for と --at は同時に使えません"))
    kept = kept_at(at)
    told = {name: value for name, value in said.items() if value is not None}
    made = ask("POST", kept.address, "account/tokens", token=kept.token, said=told)
    _said(made.pop("token"), made, as_json=as_json)
    tell(
        t(
            f"it is made with this command line's sign-in and ends with it: at `catalog logout`, at the next `catalog login`, or "
            f"on {kept.until[:10]}. One that stays is made on {kept.address}account/tokens",
            f"このトークンはコマンドラインのサインインとともに終了します（`catalog logout`、次の `catalog login`、または "
            f"{kept.until[:10]}）。残すトークンは {kept.address}account/tokens で作成してください",
        )
    )


def _make_here(
    catalog: Catalog,
    name: str,
    until: str,
    part: list[dict[str, str]] | None,
    source: str | None,
    agent: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    tokens = catalog.tokens
    made: Made[Token]
    if person is not None:
        whose = catalog.people.named(person, ADMINISTRATOR)
        made = tokens.make_for(whose.id, ADMINISTRATOR, name, until=until, part=part, source=source, agent=agent)
    elif source is not None:
        made = tokens.make_for_source(source, ADMINISTRATOR, name, until=until, part=part, agent=agent)
    else:
        raise click.UsageError(
            t("say whose it is: --source, --for or --at", "--source、--for、--at のどれかが必要です")
        )
    _said(made.value, made.what.document(), as_json=as_json)


def _part(rights: tuple[str, ...], scopes: tuple[str, ...]) -> list[dict[str, str]] | None:
    if scopes and not rights:
        raise click.UsageError(t("--scope goes with --right", "--scope には --right が必要です"))
    if not rights:
        return None
    if not scopes:
        return [{"right": right} for right in rights]
    return [{"right": right, "scope": scope} for scope in scopes for right in rights]


def _said(value: str, document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        answer({**document, "token": value})
        return
    click.echo(value)
    tell(
        t(
            f"token {document['id']} works until {document['until'][:10]}; it is shown this once",
            f"トークン {document['id']} の期限は {document['until'][:10]} です。表示は今回だけです",
        )
    )


@token_.command("list", help=t("List tokens that have not ended.", "終了していないトークンの一覧。"))
@click.option("--source", metavar="ID", help=t("Those of a source.", "登録元のトークンだけ。"))
@here_or_at
def list_tokens(at: str | None, source: str | None, as_json: bool, data: Path | None, database: str | None) -> None:
    if at is None:
        _on_catalogue(_list_here, data, database, source=source, as_json=as_json)
        return
    kept = kept_at(at)
    path = "account/tokens" if source is None else f"sources/{source}/tokens"
    _listed(ask("GET", kept.address, path, token=kept.token)["items"], as_json=as_json)


def _list_here(catalog: Catalog, source: str | None, as_json: bool) -> None:
    tokens = catalog.tokens
    found = tokens.every(ADMINISTRATOR) if source is None else tokens.of_source(source, ADMINISTRATOR)
    _listed([token.document() for token in found], as_json=as_json)


def _listed(items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for item in items:
            answer(item)
        return
    rows = []
    for item in items:
        whose = item["owner"]["name"] if item["owner"] else item["source"]
        rows.append((item["id"], item["name"], whose, item["until"][:10], (item["usedAt"] or "")[:16]))
    show(
        rows,
        (t("token", "トークン"), t("name", "名前"), t("of", "持ち主"), t("until", "期限"), t("last used", "最終利用")),
    )


@token_.command(
    "end",
    help=t(
        "End a token, at once, with those that were made with it.", "トークンを終了する。それで作られたものも終了する。"
    ),
)
@click.argument("id")
@here_or_at
def end(at: str | None, id: str, as_json: bool, data: Path | None, database: str | None) -> None:
    if at is None:
        _on_catalogue(_end_here, data, database, id=id)
    else:
        kept = kept_at(at)
        ask("POST", kept.address, "account/tokens/end", token=kept.token, said={"id": id})
    if as_json:
        answer({"ended": id})
    else:
        tell(t(f"token {id} has ended", f"トークン {id} を終了しました"))


def _end_here(catalog: Catalog, id: str) -> None:
    catalog.tokens.end(id, ADMINISTRATOR)
