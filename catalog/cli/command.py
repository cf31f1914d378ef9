"""The command `catalog`: which commands it has, and how each of them ends when it is refused."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import click

from catalog import __version__
from catalog.cli.click_words import speak_japanese
from catalog.cli.exits import code_of
from catalog.cli.words import AS_JSON, LANGUAGE, refuse, t
from catalog.errors import CatalogError

if LANGUAGE == "ja":
    speak_japanese()

# Where each command is, and what it does in a line; a module is read when its command is called, since reading all
# of them takes a second, and completion in the shell asks at each key.
COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("serve", t("Serve the catalogue over HTTP.", "カタログを HTTP で公開する。")),
    "init": ("installation", t("Make an empty catalogue.", "空のカタログを作る。")),
    "sample": ("installation", t("Fill an empty catalogue with sample records.", "空のカタログにサンプルを入れる。")),
    "submit": ("submitting", t("Register records from files.", "ファイルからレコードを登録する。")),
    "check": ("submitting", t("Say what the gate would say, and register nothing.", "登録せずに検証だけ行う。")),
    "get": ("reading", t("Show a record.", "レコードを表示する。")),
    "list": ("reading", t("List records.", "レコードの一覧を表示する。")),
    "search": ("searching", t("Search for words, with facets.", "キーワードで検索する。")),
    "history": ("reading", t("Show a record's revisions, or what two differ in.", "版の一覧や差分を表示する。")),
    "export": ("reading", t("Write out many records.", "レコードを書き出す。")),
    "record": ("records", t("Publish, withdraw, merge, move … a record.", "レコードの公開・取り下げ・統合など。")),
    "file": ("files", t("The files of a dataset.", "データセットのファイル。")),
    "source": ("sources", t("Sources: list, show, register.", "登録元の一覧・表示・登録。")),
    "profile": ("profiles", t("Profiles: list, show, propose, publish.", "プロファイルの一覧・表示・提案・公開。")),
    "kind": ("kinds", t("Kinds: list, show.", "種別の一覧・表示。")),
    "units": ("units", t("Units: load QUDT's.", "単位表の読み込み。")),
    "vocabulary": ("vocabularies", t("Vocabularies: list, load.", "語彙の一覧・読み込み。")),
    "issuer": ("issuers", t("Who vouches for people, programs, visas.", "利用者やプログラムを保証する発行者。")),
    "workload": ("issuers", t("Programs that an issuer vouches for.", "発行者が保証するプログラム。")),
    "scope": ("scopes", t("Scopes: list, make, open, close.", "スコープの一覧・作成・公開範囲の設定。")),
    "sharing": ("sharing", t("Who may do what in a scope.", "スコープの共有設定。")),
    "grant": ("sharing", t("Let somebody do something in a scope.", "権限を付与する。")),
    "revoke": ("sharing", t("Take a right back.", "権限を取り消す。")),
    "request": ("sharing", t("Who asks for access: list, grant, refuse.", "アクセスの申請の一覧・許可・却下。")),
    "link": ("links", t("Links for reviewers: make, list, end.", "査読者用リンクの作成・一覧・取り消し。")),
    "group": ("groups", t("Groups: list, make, fill.", "グループの一覧・作成・構成員。")),
    "person": ("people", t("People: list, add, end.", "利用者の一覧・追加・停止。")),
    "token": ("api_tokens", t("API tokens: make, list, end.", "API トークンの作成・一覧・終了。")),
    "login": ("signing_in", t("Sign in at a catalogue elsewhere.", "別の場所のカタログにサインインする。")),
    "logout": ("signing_in", t("Sign out again.", "サインアウトする。")),
    "whoami": ("signing_in", t("Say as whom one is signed in.", "誰としてサインインしているかを表示する。")),
    "invite": ("people", t("Let somebody make an account.", "利用者を招待する。")),
    "reset": ("people", t("Let somebody set a new password.", "パスワードの再設定リンクを発行する。")),
    "audit": ("auditing", t("What was done about rights, and who had access when.", "監査記録とアクセス権の履歴。")),
    "follow": ("follow", t("Feed the graph and the search index.", "グラフと検索索引を更新し続ける。")),
    "rebuild": ("upkeep", t("Build the graph or the search index again.", "グラフまたは検索索引を作り直す。")),
    "verify": ("upkeep", t("Compare them with the ledger, and repair.", "台帳と照合し、修復する。")),
    "failures": ("upkeep", t("Records that could not be projected.", "反映に失敗したレコード。")),
    "backup": (
        "installation",
        t("Write the whole catalogue into one file.", "カタログ全体を1つのファイルに保存する。"),
    ),
    "restore": ("installation", t("Make a catalogue from such a file.", "保存したファイルからカタログを復元する。")),
    "settings": ("installation", t("Show the settings that are in force.", "有効な設定を表示する。")),
}


class Commands(click.Group):
    """Reads a command's module when it is called, and turns what is refused into words and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"catalog.cli.{module}"), f"{cmd_name}_")
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(t("Commands", "コマンド")):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CatalogError as error:
            refuse(error, as_json=bool(ctx.meta.get(AS_JSON)))
            ctx.exit(code_of(error))
        except KeyboardInterrupt:
            click.echo(t("\ninterrupted", "\n中断しました"), err=True)
            ctx.exit(130)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=t(
        "A metadata catalogue that other catalogues can join. Its data are in a folder: --data DIR, CATALOG_DATA, or ./data.",
        "他のカタログが参加できるメタデータカタログ。データは1つのフォルダー（--data DIR、CATALOG_DATA、または ./data）にある。",
    ),
)
@click.version_option(__version__, prog_name="musubi-catalog")
def catalog() -> None:
    """Everything that can be done with a catalogue from here."""


def main() -> None:
    """The command as it is installed."""
    catalog()
