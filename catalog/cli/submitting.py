"""`catalog submit` and `catalog check`: records from files into the ledger, or only before the gate."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import click
import orjson

from catalog.assembly import Catalog, exists, gate_alone, kinds_of, open_catalog
from catalog.cli.exits import OK, REFUSED
from catalog.cli.opening import (
    NO_WAIT,
    data_option,
    database_option,
    json_option,
    on_catalogue,
    progress_option,
    settings_of,
)
from catalog.cli.progress import Progress
from catalog.cli.projecting import Beside
from catalog.cli.words import answer, finding_line, put, t, tell
from catalog.curation.load import LoadSummary, load
from catalog.curation.pieces import pieces
from catalog.errors import CatalogError, Malformed
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.finding import Finding, finding_from
from catalog.records.identifiers import mint_local_id, record_id
from catalog.records.parse import read_submission
from catalog.records.record import Mode
from catalog.settings import Settings

CHUNK: Final = 1 << 20
BATCH: Final = 200
MEDIA_TYPES: Final = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv"}
SUFFIXES: Final = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
# Outcomes that leave what was sent outside.
LEFT_OUT: Final = ("refused", "conflict", "quarantined")
CONFLICT: Final = 4
# People read so many findings; all of them are in the answer, with --json.
SHOWN_MOST: Final = 200

OUTCOMES: Final = {
    "created": t("created", "新規"),
    "revised": t("revised", "更新"),
    "unchanged": t("unchanged", "変更なし"),
    "conflict": t("conflict", "競合"),
    "quarantined": t("quarantined", "隔離"),
    "refused": t("refused", "不受理"),
}

files_argument = click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(sorted(MEDIA_TYPES)),
    help=t("What the files are written in, if their names do not say.", "ファイルの形式（名前から分からない場合）。"),
)


@click.command(
    "submit",
    help=t(
        "Register records: JSON (one, or a list), NDJSON or CSV of any length; - is standard input.",
        "レコードを登録する。JSON（1件または配列）、NDJSON、CSV。長さに制限はない。- は標準入力。",
    ),
)
@files_argument
@format_option
@click.option(
    "--mode",
    type=click.Choice(["strict", "tolerant"]),
    default="strict",
    show_default=True,
    help=t(
        "strict refuses what breaks a rule; tolerant keeps what keeps its kind, and quarantines the rest.",
        "strict は規則に反するものを受け付けない。tolerant は種別に合うものを保存し、他は隔離する。",
    ),
)
@click.option(
    "--atomic",
    is_flag=True,
    help=t("All of a file or nothing (at most 50,000).", "全件か、まったく登録しないか（5万件まで）。"),
)
@click.option("--dry-run", is_flag=True, help=t("Only say what would happen.", "登録せず、結果だけを示す。"))
@click.option(
    "--no-wait",
    is_flag=True,
    help=t(
        "Do not wait until the graph and the search index have all of it.",
        "グラフと検索索引への反映を待たずに終了する。",
    ),
)
@progress_option
@json_option
@on_catalogue
@click.pass_context
def submit_(
    ctx: click.Context,
    catalog: Catalog,
    files: tuple[Path, ...],
    form: str | None,
    mode: Mode,
    atomic: bool,
    dry_run: bool,
    no_wait: bool,
    progress: bool | None,
    as_json: bool,
) -> None:
    ctx.meta[NO_WAIT] = no_wait
    with Beside(catalog) as beside:
        code = enter(
            catalog,
            files,
            form,
            mode=mode,
            atomic=atomic,
            dry_run=dry_run,
            progress=progress,
            as_json=as_json,
            beside=beside,
        )
        if not dry_run:
            beside.finish(wait=not no_wait, asked=progress)
    ctx.exit(code)


@click.command(
    "check",
    help=t(
        "Say what would become of records, and register nothing. Where the data folder holds a catalogue, with its sources and "
        "profiles; else with the shipped ones.",
        "登録せずに検証する。データフォルダーにカタログがあればその登録元とプロファイルで、なければ同梱のもので検証する。",
    ),
)
@files_argument
@format_option
@data_option
@database_option
@progress_option
@json_option
@click.pass_context
def check_(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    form: str | None,
    progress: bool | None,
    as_json: bool,
    **given: Any,
) -> None:
    settings = settings_of(given)
    if not exists(settings):
        ctx.exit(judge(files, form, settings, progress=progress, as_json=as_json))
    catalog = open_catalog(settings)
    try:
        ctx.exit(
            enter(catalog, files, form, mode="strict", atomic=False, dry_run=True, progress=progress, as_json=as_json)
        )
    finally:
        catalog.close()


def enter(
    catalog: Catalog,
    files: tuple[Path, ...],
    form: str | None,
    *,
    mode: Mode,
    atomic: bool,
    dry_run: bool,
    progress: bool | None,
    as_json: bool,
    beside: Beside | None = None,
) -> int:
    """Enter every file, say what became of what is in it, and give the exit code."""
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="check-", dir=catalog.settings.spool) as aside:
        for path in files:
            folder = Path(aside) if dry_run else catalog.settings.spool
            with opened(path) as stream, Progress(t("records", "レコード"), asked=progress) as shown:

                def told(summary: LoadSummary, shown: Progress = shown) -> None:
                    shown.reach(summary.counts.total())
                    if beside is not None and not dry_run:
                        beside.heard(summary.counts.total())

                chunks, media_type = cut(stream, form or SUFFIXES.get(path.suffix.lower()), path)
                summary = load(
                    chunks,
                    media_type,
                    ADMINISTRATOR,
                    intake=catalog.intake,
                    loads=catalog.loads,
                    folder=folder,
                    mode=mode,
                    dry_run=dry_run,
                    atomic=atomic,
                    threads=catalog.settings.gate_threads,
                    progress=told,
                    ease=None if dry_run else catalog.pressure.ease,
                )
            show_answers(folder / f"{summary.id}.ndjson", path if len(files) > 1 else None, as_json=as_json)
            total += summary.counts
    if not as_json:
        tell(summed(total, dry_run=dry_run))
    return code_for(total)


def judge(
    files: tuple[Path, ...], form: str | None, settings: Settings, *, progress: bool | None, as_json: bool
) -> int:
    """Hold every file before the gate alone, as it is where no catalogue is."""
    total: Counter[str] = Counter()
    kinds, gate = kinds_of(settings), gate_alone(settings)
    for path in files:
        with opened(path) as stream, Progress(t("records", "レコード"), asked=progress) as shown:
            chunks, media_type = cut(stream, form or SUFFIXES.get(path.suffix.lower()), path)
            for piece in pieces(chunks, media_type, kinds):
                findings: tuple[Finding, ...]
                try:
                    if piece.problem is not None:
                        raise piece.problem
                    submission = read_submission(piece.data)
                    id = record_id(submission.kind, submission.source, submission.local_id or mint_local_id())
                    judged = gate.judge([submission])[0]
                    findings, wrong = judged.findings, judged.breaks != "nothing"
                except CatalogError as problem:
                    id, findings, wrong = "", (Finding("", "parse", "violation", problem.messages),), True
                outcome = "refused" if wrong else "created"
                total[outcome] += 1
                shown.advance()
                line = {
                    "line": piece.line,
                    "id": id,
                    "outcome": outcome,
                    "findings": [each.document() for each in findings],
                }
                if as_json:
                    answer(line)
                else:
                    show_line(line, path if len(files) > 1 else None)
    if not as_json:
        tell(summed(total, dry_run=True))
    return code_for(total)


def opened(path: Path) -> BinaryIO:
    """A file to be read, or standard input for `-`."""
    if str(path) == "-":
        return sys.stdin.buffer
    return path.open("rb")


def cut(stream: BinaryIO, form: str | None, path: Path) -> tuple[Iterator[bytes], str]:
    """The stream in chunks, and the media type in which it is then to be read; a single object becomes a list of one."""
    chunks = iter(lambda: stream.read(CHUNK), b"")
    first = b""
    for chunk in chunks:
        first += chunk
        if first.removeprefix(b"\xef\xbb\xbf").strip():
            break
    first = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    whole = chain([first], chunks)
    if form is None:
        form = guessed(first)
    if form is None:
        raise Malformed(
            f"{path}: neither its name nor its beginning says what it is written in: say --format json, ndjson or csv",
            ja=f"{path}: 形式が分かりません。--format で json、ndjson、csv のいずれかを指定してください",
        )
    if form == "json" and not first.startswith(b"["):
        return chain([b"["], whole, [b"]"]), MEDIA_TYPES["json"]
    return whole, MEDIA_TYPES[form]


def guessed(first: bytes) -> Literal["json", "ndjson", "csv"] | None:
    """What a stream is written in, by its beginning."""
    line = first.split(b"\n", 1)[0].strip()
    if line.startswith(b"["):
        return "json"
    if line.startswith(b"{"):
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError:
            return "json"
        return "ndjson"
    return "csv" if line.startswith((b"/", b'"/')) else None


def show_answers(answers: Path, file: Path | None, *, as_json: bool) -> None:
    """The answers of a load: all of them as they are, or for people what is wrong."""
    with answers.open("rb") as lines:
        if as_json:
            for chunk in iter(lambda: lines.read(CHUNK), b""):
                put(chunk)
            return
        wrong = (told for line in lines if (told := orjson.loads(line)).get("findings"))
        show_some(wrong, file)


def show_some(lines: Iterable[dict[str, Any]], file: Path | None) -> None:
    """The first of these lines, and how many there are beyond."""
    beyond = 0
    for place, line in enumerate(lines):
        if place < SHOWN_MOST:
            show_line(line, file)
        else:
            beyond += 1
    if beyond:
        tell(t(f"and {beyond:,} more; --json shows all", f"ほか {beyond:,} 件（--json ですべて表示）"))


def show_line(line: dict[str, Any], file: Path | None) -> None:
    """What became of one submission that something was found in."""
    if not line["findings"]:
        return
    place = f"{file}:{line['line']}" if file else t(f"line {line['line']}", f"{line['line']} 行目")
    click.echo(f"{place}  {line['id']}  {OUTCOMES[line['outcome']]}")
    for document in line["findings"]:
        click.echo("  " + finding_line(finding_from(document)))


def summed(total: Counter[str], *, dry_run: bool) -> str:
    """How many became what, in a line."""
    parts = ", ".join(f"{OUTCOMES[what]} {total[what]:,}" for what in OUTCOMES if total[what])
    if not parts:
        return t("there was nothing in it", "レコードがありません")
    return (t("would be: ", "結果の見込み: ") if dry_run else "") + parts


def code_for(total: Counter[str]) -> int:
    """The exit code of a load with these outcomes."""
    left_out = {what for what in LEFT_OUT if total[what]}
    if not left_out:
        return OK
    return CONFLICT if left_out == {"conflict"} else REFUSED
