"""`catalog record`: what is done to a record beside its content, a command for each verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.words import answer, t, tell
from catalog.curation import verbs
from catalog.questions.reader import ADMINISTRATOR

revision_option = click.option(
    "--revision",
    type=click.IntRange(1),
    help=t("Only if this is still the newest revision.", "最新の版がこれである場合にだけ実行する。"),
)


@click.group("record", help=t("Publish, withdraw, merge, move … a record.", "レコードの公開・取り下げ・統合など。"))
def record_() -> None:
    """The verbs of records."""


def done(id: str, verb: str, position: int | None, *, as_json: bool) -> None:
    """Say that it is done, or that it was so already."""
    if as_json:
        answer(
            {
                "id": id,
                "verb": verb,
                "changed": position is not None,
                "position": None if position is None else str(position),
            }
        )
    elif position is None:
        tell(t(f"{id}: it is so already", f"{id}: すでにその状態です"))
    else:
        tell(t(f"{id}: done ({verb})", f"{id}: 実行しました（{verb}）"))


def _plain(name: str, verb: Callable[..., int | None], about: str) -> None:
    @record_.command(name, help=about)
    @click.argument("id")
    @revision_option
    @json_option
    @on_catalogue
    def run(catalog: Catalog, id: str, revision: int | None, as_json: bool) -> None:
        done(id, name, verb(id, ADMINISTRATOR, intake=catalog.intake, expected_revision=revision), as_json=as_json)


_plain("publish", verbs.publish, t("Show it to everyone who may read its scope.", "スコープを閲覧できる人に公開する。"))
_plain(
    "suppress",
    verbs.suppress,
    t("Keep it readable by its id, and out of everything else.", "ID では読めるが、一覧などには出さない。"),
)
_plain("hide", verbs.hide, t("Show it to the writers of its scope only.", "スコープの書き手だけに見せる。"))
_plain("restore", verbs.restore, t("Show a withdrawn record again.", "取り下げを取り消す。"))


@record_.command(
    "withdraw",
    help=t("Take it out of what is shown; its address goes on to say why.", "取り下げる。アドレスには理由が残る。"),
)
@click.argument("id")
@click.option(
    "--reason", required=True, help=t("Why, in a sentence that readers will see.", "理由（閲覧者に表示される）。")
)
@revision_option
@json_option
@on_catalogue
def withdraw(catalog: Catalog, id: str, reason: str, revision: int | None, as_json: bool) -> None:
    position = verbs.withdraw(id, reason, ADMINISTRATOR, intake=catalog.intake, expected_revision=revision)
    done(id, "withdraw", position, as_json=as_json)


@record_.command("move", help=t("Lay it into another scope.", "別のスコープに移す。"))
@click.argument("id")
@click.argument("scope")
@revision_option
@json_option
@on_catalogue
def move(catalog: Catalog, id: str, scope: str, revision: int | None, as_json: bool) -> None:
    position = verbs.move(id, scope, ADMINISTRATOR, intake=catalog.intake, expected_revision=revision)
    done(id, "move", position, as_json=as_json)


@record_.command(
    "merge",
    help=t(
        "Say that ID is the same thing as INTO; ID then leads there.",
        "ID を INTO に統合する。ID は INTO を指すようになる。",
    ),
)
@click.argument("id")
@click.argument("into")
@json_option
@on_catalogue
def merge(catalog: Catalog, id: str, into: str, as_json: bool) -> None:
    done(id, "merge", verbs.merge(id, into, ADMINISTRATOR, intake=catalog.intake), as_json=as_json)


@record_.command("unmerge", help=t("Take a merging back.", "統合を取り消す。"))
@click.argument("id")
@json_option
@on_catalogue
def unmerge(catalog: Catalog, id: str, as_json: bool) -> None:
    done(id, "unmerge", verbs.unmerge(id, ADMINISTRATOR, intake=catalog.intake), as_json=as_json)


@record_.command(
    "expunge",
    short_help=t("Erase a record's bytes for good.", "レコードの内容を完全に消去する。"),
    help=t(
        "Erase a record's bytes for good (court orders, personal data). Called twice: first with an ID and --reason, which gives "
        "a request and writes its code into the data folder; then with --request and --code.",
        "レコードの内容を完全に消去する（裁判所命令、個人情報）。2回実行する。1回目は ID と --reason を指定し、申請番号を得る。"
        "確認コードはデータフォルダーに書かれる。2回目は --request と --code を指定する。",
    ),
)
@click.argument("id", required=False)
@click.option("--reason", help=t("Why; it stays in the place of what was erased.", "理由。消去した場所に残る。"))
@click.option("--revision", type=click.IntRange(1), help=t("Only this revision.", "この版だけ。"))
@click.option("--request", help=t("The request to carry out.", "実行する申請番号。"))
@click.option("--code", help=t("Its one-time code.", "その確認コード。"))
@json_option
@on_catalogue
def expunge(catalog: Catalog, as_json: bool, **said: Any) -> None:
    folder = catalog.settings.data
    if said["request"] and said["code"] and not said["id"]:
        position = verbs.expunge(said["request"], said["code"], ADMINISTRATOR, intake=catalog.intake, folder=folder)
        done(said["request"], "expunge", position, as_json=as_json)
        return
    if not said["id"] or not said["reason"] or said["request"] or said["code"]:
        raise click.UsageError(
            t(
                "give ID and --reason, or --request and --code",
                "ID と --reason、または --request と --code を指定してください",
            )
        )
    request = verbs.request_expunge(
        said["id"], said["reason"], ADMINISTRATOR, intake=catalog.intake, folder=folder, revision=said["revision"]
    )
    if as_json:
        answer({"id": said["id"], "request": request})
        return
    code = folder / verbs.EXPUNGE_CODE.format(request=request)
    tell(t(f"nothing is erased yet: its code is in {code}", f"まだ消去していません。確認コードは {code} にあります"))
    click.echo(f"catalog record expunge --request {request} --code …")
