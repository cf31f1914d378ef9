"""`catalog issuer` and `catalog workload`: who vouches for people, programs and visas; and the programs."""

from __future__ import annotations

from typing import IO, Any

import click

from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.people import tell_unmanaged
from catalog.cli.scopes import by_language_of, title_option
from catalog.cli.tables import show
from catalog.cli.words import answer, by_language, t, tell
from catalog.questions.reader import ADMINISTRATOR

# What an option is called in what is said of an issuer.
_SAYS = {
    "purposes": "purposes",
    "client": "clientId",
    "scopes": "scopes",
    "groups_claim": "groupsClaim",
    "orcid_claim": "orcidClaim",
    "passports": "passports",
    "audience": "audience",
    "resources": "resources",
    "keys_at": "keysAt",
}


@click.group("issuer", help=t("Issuers: list, show, add, set, end.", "発行者の一覧・表示・追加・変更・停止。"))
def issuer_() -> None:
    """Who says who people are, which programs are which, and what a committee allowed."""


def says(function: Any) -> Any:
    """What may be said of an issuer."""
    options = (
        click.option(
            "--for",
            "purposes",
            multiple=True,
            type=click.Choice(["sign-in", "workloads", "visas"]),
            help=t(
                "What its word counts for (several times; sign-in if left out).", "用途（複数可。省略時は sign-in）。"
            ),
        ),
        click.option("--client", metavar="ID", help=t("Our client's id there.", "発行者に登録したクライアントの ID。")),
        click.option(
            "--secret-file",
            type=click.File("r", encoding="utf-8"),
            metavar="FILE",
            help=t(
                "The file that holds our client's secret; - reads it from standard input.",
                "クライアントシークレットのファイル（- は標準入力）。",
            ),
        ),
        click.option(
            "--scope",
            "scopes",
            multiple=True,
            metavar="SCOPE",
            help=t("An OAuth scope to ask for (openid, profile and email if left out).", "要求する OAuth スコープ。"),
        ),
        click.option(
            "--groups-claim",
            metavar="CLAIM",
            help=t("The claim that names groups (groups).", "グループを示すクレーム。"),
        ),
        click.option(
            "--orcid-claim", metavar="CLAIM", help=t("The claim that holds the ORCID iD (orcid).", "ORCID のクレーム。")
        ),
        click.option(
            "--passports/--no-passports",
            default=None,
            help=t("Whether it hands over GA4GH passports at sign-in.", "サインイン時に GA4GH パスポートを受け取る。"),
        ),
        click.option(
            "--audience",
            metavar="TEXT",
            help=t(
                "The audience of tokens of its workloads (the base address if left out).",
                "ワークロードのトークンの audience（省略時はこのカタログのアドレス）。",
            ),
        ),
        click.option(
            "--resource",
            "resources",
            multiple=True,
            metavar="PREFIX",
            help=t(
                "How resources begin of which its visas may speak (anything if left out).",
                "ビザの対象にできるリソースの先頭部分。",
            ),
        ),
        click.option(
            "--keys-at",
            metavar="ADDRESS",
            help=t(
                "Where its keys are, if it has no discovery document (not for sign-in).",
                "鍵のアドレス（ディスカバリー文書がない場合）。",
            ),
        ),
    )
    for option in reversed(options):
        function = option(function)
    return title_option(function)


def said_by(titles: tuple[str, ...], secret_file: IO[str] | None, options: dict[str, Any]) -> dict[str, Any]:
    """What the options say of an issuer; what is left out is not said."""
    told: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None and value != ():
            told[_SAYS[name]] = list(value) if isinstance(value, tuple) else value
    if titles:
        told["title"] = by_language_of(titles)
    if secret_file is not None:
        told["clientSecret"] = secret_file.read().strip()
    return told


def said(document: dict[str, Any], *, as_json: bool) -> None:
    """What is known of an issuer by now."""
    if as_json:
        answer(document)
        return
    click.echo(f"{document['id']}  {document['address']}  {', '.join(document['purposes'])}")
    for name in ("clientId", "scopes", "groupsClaim", "orcidClaim", "audience", "resources", "keysAt"):
        if document[name]:
            value = document[name]
            click.echo(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")


@issuer_.command("list", help=t("List the issuers.", "発行者の一覧。"))
@json_option
@on_catalogue
def list_issuers(catalog: Catalog, as_json: bool) -> None:
    rows = []
    for each in catalog.issuers.list(ADMINISTRATOR):
        if as_json:
            answer(each.document())
        else:
            rows.append((each.id, each.address, ", ".join(each.purposes), by_language(dict(each.title))))
    if not as_json:
        show(rows, (t("issuer", "発行者"), t("address", "アドレス"), t("for", "用途"), t("title", "名称")))


@issuer_.command("show", help=t("Show an issuer; its secret is never shown.", "発行者を表示する。"))
@click.argument("id")
@json_option
@on_catalogue
def show_issuer(catalog: Catalog, id: str, as_json: bool) -> None:
    said(catalog.issuers.find(id, ADMINISTRATOR).document(), as_json=as_json)


@issuer_.command(
    "add",
    short_help=t("Add an issuer.", "発行者を追加する。"),
    help=t(
        "Add an issuer: its id here, and its address exactly as it calls itself. What it says of itself is read now.",
        "発行者を追加する。アドレスは発行者が名乗るとおりに書く。",
    ),
)
@click.argument("id")
@click.argument("address")
@says
@json_option
@on_catalogue
def add(
    catalog: Catalog,
    id: str,
    address: str,
    titles: tuple[str, ...],
    secret_file: IO[str] | None,
    as_json: bool,
    **options: Any,
) -> None:
    told = said_by(titles, secret_file, options)
    made = catalog.issuers.register({"id": id, "address": address, **told}, ADMINISTRATOR)
    if "sign-in" in made.purposes:
        callback = f"{catalog.base}sign-in/callback"
        tell(t(f"The redirect URI to register there: {callback}", f"発行者に登録するリダイレクト URI: {callback}"))
    said(made.document(), as_json=as_json)


@issuer_.command(
    "set",
    short_help=t("Change what is said of an issuer.", "発行者の設定を変える。"),
    help=t(
        "Change what is said of an issuer; without options, only read anew what it says of itself.",
        "発行者の設定を変える。オプションなしではディスカバリー文書の再読み込みだけを行う。",
    ),
)
@click.argument("id")
@says
@json_option
@on_catalogue
def change(
    catalog: Catalog, id: str, titles: tuple[str, ...], secret_file: IO[str] | None, as_json: bool, **options: Any
) -> None:
    changed = catalog.issuers.change(id, said_by(titles, secret_file, options), ADMINISTRATOR)
    said(changed.document(), as_json=as_json)


@issuer_.command(
    "end",
    short_help=t("Let an issuer's word count no more.", "発行者を停止する。"),
    help=t(
        "Let its word count no more, at once: sessions by it end, its workloads are nobody, its visas allow nothing.",
        "発行者をただちに停止する。",
    ),
)
@click.argument("id")
@on_catalogue
def end(catalog: Catalog, id: str) -> None:
    catalog.issuers.end(id, ADMINISTRATOR)
    tell(t(f"{id} is ended", f"{id} を停止しました"))


@click.group(
    "workload", help=t("Workloads: list, add, end.", "ワークロード（署名付きトークンのプログラム）の一覧・登録・停止。")
)
def workload_() -> None:
    """Programs that an issuer vouches for; rights are given to their ids."""


@workload_.command("list", help=t("List the workloads.", "ワークロードの一覧。"))
@json_option
@on_catalogue
def list_workloads(catalog: Catalog, as_json: bool) -> None:
    rows = []
    for each in catalog.workloads.list(ADMINISTRATOR):
        if as_json:
            answer(each.document())
        else:
            rows.append((each.id, each.name, each.issuer, each.subject, each.agent or "", each.source or ""))
    if not as_json:
        show(
            rows,
            (
                t("workload", "ワークロード"),
                t("name", "名称"),
                t("issuer", "発行者"),
                t("subject", "サブジェクト"),
                t("acts as", "機器"),
                t("source", "登録元"),
            ),
        )


@workload_.command(
    "add",
    short_help=t("Register a program.", "プログラムを登録する。"),
    help=t(
        "Register a program: the issuer that vouches for it, and the `sub` of its tokens.",
        "プログラムを登録する。発行者と、トークンの sub を指定する。",
    ),
)
@click.argument("issuer")
@click.argument("subject")
@click.option("--name", required=True, help=t("What people call it.", "名称。"))
@click.option(
    "--agent",
    metavar="RECORD",
    help=t("The device's record as which it acts: agent/spring8/robot-1.", "動作する機器のレコード。"),
)
@click.option(
    "--source", metavar="ID", help=t("Let it write this source's records only.", "書き込みをこの登録元に限る。")
)
@json_option
@on_catalogue
def add_workload(
    catalog: Catalog, issuer: str, subject: str, name: str, agent: str | None, source: str | None, as_json: bool
) -> None:
    made = catalog.workloads.register(issuer, subject, name, ADMINISTRATOR, agent=agent, source_id=source)
    if as_json:
        answer(made.document())
    else:
        click.echo(made.id)


@workload_.command("end", help=t("Let its tokens be nobody's, at once.", "ワークロードをただちに停止する。"))
@click.argument("id")
@on_catalogue
def end_workload(catalog: Catalog, id: str) -> None:
    left = catalog.workloads.end(id, ADMINISTRATOR)
    tell(t(f"{id} is ended", f"{id} を停止しました"))
    tell_unmanaged(left)
