"""What click itself says (usage, options, what is wrong with a command's words), in Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from click import core, decorators, exceptions, formatting, parser, termui, types

# By what click hands to gettext. It has no Japanese of its own, and gettext reads compiled files only.
JAPANESE: Final[Mapping[str, str]] = {
    "Usage:": "使い方:",
    "Options": "オプション",
    "Commands": "コマンド",
    "default: {default}": "既定: {default}",
    "required": "必須",
    "env var: {var}": "環境変数: {var}",
    "Show this message and exit.": "この説明を表示して終了する。",
    "Show the version and exit.": "バージョンを表示して終了する。",
    "%(prog)s, version %(version)s": "%(prog)s バージョン %(version)s",
    "Aborted!": "中断しました",
    "Error: {message}": "エラー: {message}",
    "Try '{command} {option}' for help.": "使い方は '{command} {option}' で確認できます。",
    "Missing command.": "コマンドを指定してください。",
    "Missing argument": "引数が必要です:",
    "Missing option": "オプションが必要です:",
    "Missing parameter": "パラメーターが必要です:",
    "Missing parameter: {param_name}": "パラメーターが必要です: {param_name}",
    "Choose from:\n\t{choices}": "次から選んでください:\n\t{choices}",
    "No such option {name!r}.": "オプション {name!r} はありません。",
    "No such command {name!r}.": "コマンド {name!r} はありません。",
    "Did you mean {possibility}?": "もしかして: {possibility}",
    "(Did you mean one of: {possibilities}?)": "（もしかして: {possibilities}）",
    "Got unexpected extra argument ({args})": "余分な引数があります（{args}）",
    "Got unexpected extra arguments ({args})": "余分な引数があります（{args}）",
    "Invalid value: {message}": "値が正しくありません: {message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} の値が正しくありません: {message}",
    "{value!r} is not {choice}.": "{value!r} は {choice} ではありません。",
    "{value!r} is not one of {choices}.": "{value!r} は {choices} のいずれでもありません。",
    "{value!r} is not a valid {number_type}.": "{value!r} は正しい数（{number_type}）ではありません。",
    "{value} is not in the range {range}.": "{value} は範囲 {range} の外です。",
    "{value!r} is not a valid boolean. Recognized values: {states}": "{value!r} は真偽値ではありません。使える値: {states}",
    "Option {name!r} does not take a value.": "オプション {name!r} は値を取りません。",
    "Option {name!r} requires an argument.": "オプション {name!r} には値が必要です。",
    "Option {name!r} requires {nargs} arguments.": "オプション {name!r} には {nargs} 個の値が必要です。",
    "Argument {name!r} takes {nargs} values.": "引数 {name!r} には {nargs} 個の値が必要です。",
    "file": "ファイル",
    "directory": "フォルダー",
    "path": "パス",
    "{name} {filename!r} does not exist.": "{name} {filename!r} がありません。",
    "{name} {filename!r} is a file.": "{name} {filename!r} はファイルです。",
    "{name} {filename!r} is a directory.": "{name} {filename!r} はフォルダーです。",
    "{name} {filename!r} is not readable.": "{name} {filename!r} を読めません。",
    "{name} {filename!r} is not writable.": "{name} {filename!r} に書き込めません。",
    "Could not open file {filename!r}: {message}": "ファイル {filename!r} を開けません: {message}",
    "unknown error": "不明なエラー",
}
# Those of click's modules that say something.
SAYING: Final = (core, decorators, exceptions, formatting, parser, termui, types)


def speak_japanese() -> None:
    """Let click say in Japanese what it says itself, in this process."""
    for module in SAYING:
        for name, said in (("_", _said), ("ngettext", _said_of_many)):
            if hasattr(module, name):
                setattr(module, name, said)


def _said(text: str) -> str:
    return JAPANESE.get(text, text)


def _said_of_many(one: str, many: str, count: int) -> str:
    return _said(one if count == 1 else many)
