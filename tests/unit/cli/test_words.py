"""What commands show people: columns, progress, findings, exit codes."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from catalog import errors
from catalog.cli import click_words
from catalog.cli.exits import MEANINGS, code_of
from catalog.cli.progress import Progress
from catalog.cli.tables import one_line, seen_width, show
from catalog.cli.words import by_language, finding_line
from catalog.records.finding import Finding


def every_error(of: type[errors.CatalogError] = errors.CatalogError) -> list[type[errors.CatalogError]]:
    return [each for below in of.__subclasses__() for each in (below, *every_error(below))]


@pytest.mark.parametrize("type_", every_error(), ids=lambda type_: type_.__name__)
def test_every_error_has_an_exit_code_that_is_documented_and_is_no_success(type_: type[errors.CatalogError]) -> None:
    error = type_.__new__(type_)
    assert code_of(error) in MEANINGS
    assert code_of(error) not in (0, 2)


def test_columns_line_up_with_japanese_in_them() -> None:
    @click.command()
    def told() -> None:
        show([("a", "正極材料", 1), ("bcd", "x", 2)], ("id", "名", "n"))

    lines = CliRunner().invoke(told).output.splitlines()
    assert lines == ["id   名        n", "a    正極材料  1", "bcd  x         2"]
    assert seen_width("か\u3099") == 2  # a mark that is written over the sign before it takes no place


def test_a_value_can_neither_break_a_line_nor_move_the_cursor() -> None:
    assert one_line("a\nb\x1b[2Jc\u202ed") == "a b [2Jc d"
    assert one_line(None) == ""


def test_a_text_by_language_falls_back_to_what_there_is() -> None:
    assert by_language({"ja": "試料", "en": "sample"}) == "sample"
    assert by_language({"ja": "試料"}) == "試料"
    assert by_language({"fr": "échantillon"}) == "échantillon"
    assert by_language({"en-GB": "colour"}) == "colour"
    assert by_language({}) == by_language(None) == ""


def test_a_finding_says_where_what_and_what_was_perhaps_meant() -> None:
    finding = Finding("/amount/unit", "unit", "violation", {"en": "there is no unit 'kev'"}, near=("keV",))
    assert finding_line(finding) == "violation  /amount/unit  there is no unit 'kev'  [unit]  perhaps: keV"


def test_progress_is_silent_where_nobody_watches_and_shown_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, *(float(second) for second in range(1, 100))])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    silent, asked = io.StringIO(), io.StringIO()
    for stream, wanted in ((silent, None), (asked, True)):
        with Progress("records", 10, asked=wanted, stream=stream) as progress:
            for _ in range(10):
                progress.advance()
    assert silent.getvalue() == ""
    assert "records: " in asked.getvalue()
    assert "\r" not in asked.getvalue()


def test_progress_counts_bytes_as_they_pass() -> None:
    progress = Progress("bytes", stream=io.StringIO())
    assert list(progress.through([b"abc", b"de"])) == [b"abc", b"de"]
    assert progress.done == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["get"], "エラー: 引数が必要です: 'ID'."),
        (["nothing"], "エラー: コマンド 'nothing' はありません。"),
        (["get", "a", "--from"], "エラー: オプション '--from' はありません。 もしかして: '--form'"),
        (["get", "a", "b"], "エラー: 余分な引数があります（b）"),
        (["get", "a", "--form", "x"], "エラー: '--form' の値が正しくありません: 'x' は 'json', 'jsonld', 'nt' のいずれでもありません。"),
        (["get", "a", "--revision", "x"], "エラー: '--revision' の値が正しくありません: 'x' は正しい数（integer range）ではありません。"),
        (["get", "a", "--revision", "0"], "エラー: '--revision' の値が正しくありません: 0 は範囲 x>=1 の外です。"),
        (["get", "a", "--revision"], "エラー: オプション '--revision' には値が必要です。"),
    ],
    ids=lambda told: " ".join(told) if isinstance(told, list) else "",
)  # fmt: skip
def test_what_is_wrong_with_a_commands_words_is_said_in_japanese_too(words: list[str], said: str) -> None:
    done = japanese(*words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == said


def test_help_is_in_japanese_with_clicks_own_words() -> None:
    told = japanese("get", "--help").stdout
    assert "使い方: " in told
    assert "オプション:" in told
    assert "この説明を表示して終了する。" in told
    assert not re.search("Usage|Options:|Show this", told)


EVERY_HELP = """
import click
from catalog.cli import catalog

def show(command, context):
    print(command.get_help(context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            show(below, click.Context(below, context, name))

show(catalog, click.Context(catalog, info_name="catalog"))
"""


@pytest.mark.parametrize("language", ["en_GB.UTF-8", "ja_JP.UTF-8"])
def test_every_command_has_a_summary_that_fits_its_line_of_the_groups_help(language: str) -> None:
    done = python(EVERY_HELP, language=language)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 500
    assert [line for line in lines if re.match(r"  \w.*\.\.\.$", line)] == []


def test_every_help_in_japanese_is_so_down_to_the_marks_of_options_and_its_columns_line_up() -> None:
    told = python(EVERY_HELP, language="ja_JP.UTF-8").stdout
    assert "[必須]" in told
    assert "[required]" not in told
    assert re.findall(r"^  -.* [ァ-ヶー]+ .*", told, re.MULTILINE) == []  # click counts signs, not how wide they are


def test_click_still_says_what_is_translated() -> None:
    """A new version of click may say it otherwise."""
    trees = [ast.parse(Path(module.__file__ or "").read_text()) for module in click_words.SAYING]
    literals = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [text for text in click_words.JAPANESE if text not in literals] == []


def japanese(*words: str) -> subprocess.CompletedProcess[str]:
    return python("from catalog.cli import main; main()", *words, language="ja_JP.UTF-8")


def python(told: str, *words: str, language: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", told, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": language, "PYTHONUTF8": "1"},
        check=False,
    )
