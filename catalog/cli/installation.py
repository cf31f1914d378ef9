"""`catalog init`, `sample`, `backup`, `restore` and `settings`: an installation as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, cast

import click

from catalog.access.scopes import DataMode, Mode
from catalog.assembly import Catalog, exists, kinds_of, open_catalog, prepare_folder
from catalog.cli.opening import data_option, database_option, json_option, on_catalogue, progress_option, settings_of
from catalog.cli.progress import Progress
from catalog.cli.projecting import follow_up
from catalog.cli.tables import show
from catalog.cli.words import answer, t, tell
from catalog.curation.sample import sample_catalogue
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.errors import Conflict, Invalid
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.shipped import shipped
from catalog.settings import KNOWN, Settings, read_settings
from catalog.upkeep.backup import Manifest, backup, restore

Heard = Callable[[str, int, int], None]
SECRET: Final = frozenset(each.name for each in fields(Settings) if not each.repr)

base_option = click.option(
    "--base",
    metavar="ADDRESS",
    help=t("The address under which records will be known.", "レコードを公開するアドレス。"),
)
port_option = click.option(
    "--port",
    type=int,
    help=t("The port of that address, if --base does not say.", "そのアドレスのポート番号（--base がない場合）。"),
)


@click.command(
    "init",
    help=t(
        "Make an empty catalogue and show its administrator's token.", "空のカタログを作り、管理者トークンを表示する。"
    ),
)
@data_option
@database_option
@base_option
@port_option
@json_option
def init_(as_json: bool, **given: Any) -> None:
    settings = read_settings(**given)
    refuse_existing(settings)
    catalog = open_catalog(settings)
    try:
        # Without records, the graph and the search index answer at once.
        follow_up(catalog)
    finally:
        catalog.close()
    if as_json:
        answer({"data": str(settings.data), "base": catalog.base, "token": catalog.token})
        return
    tell(t(f"made a catalogue in {settings.data}", f"{settings.data} にカタログを作りました"))
    tell(t(f"  its records will be known under {catalog.base}", f"  レコードのアドレス: {catalog.base}"))
    tell_token(catalog)


@click.command(
    "sample",
    help=t(
        "Make a catalogue and fill it with a few dozen linked records of every kind, from several facilities.",
        "カタログを作り、いくつもの施設の、互いにつながった全種別のサンプルを入れる。",
    ),
)
@data_option
@database_option
@base_option
@port_option
@click.option("--if-empty", is_flag=True, help=t("Do nothing where a catalogue is.", "カタログがあれば何もしない。"))
@progress_option
def sample_(if_empty: bool, progress: bool | None, **given: Any) -> None:
    settings = read_settings(**given)
    if exists(settings) and if_empty:
        return
    refuse_existing(settings)
    catalog = open_catalog(settings)
    try:
        with Progress(t("sample records", "サンプル"), asked=progress) as shown:
            count = fill_sample(catalog, shown)
        follow_up(catalog, asked=progress)
    finally:
        catalog.close()
    tell(
        t(f"filled {settings.data} with {count} sample records", f"{settings.data} に {count} 件のサンプルを入れました")
    )
    tell_token(catalog)


@click.command(
    "backup",
    help=t(
        "Write the whole catalogue, as it is at this moment, into one new file; a server may go on meanwhile.",
        "カタログ全体を、この時点の状態で1つの新しいファイルに保存する。サーバーは動いていてよい。",
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@progress_option
@json_option
@on_catalogue
def backup_(catalog: Catalog, file: Path, progress: bool | None, as_json: bool) -> None:
    with watched(progress) as heard:
        manifest = backup(catalog.store, file, heard)
    tell_backup(manifest, t(f"wrote {file}", f"{file} に保存しました"), as_json=as_json)


@click.command(
    "restore",
    help=t(
        "Make a catalogue from a backup, in a folder (and database) that holds none. Its administrator's token is a new one.",
        "バックアップから、カタログのないフォルダー（とデータベース）にカタログを作る。管理者トークンは新しくなる。",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@database_option
@progress_option
@json_option
def restore_(file: Path, progress: bool | None, as_json: bool, **given: Any) -> None:
    settings = settings_of(given)
    refuse_existing(settings)
    prepare_folder(settings.data)
    with watched(progress) as heard:
        manifest = restore(file, settings.database_address, kinds_of(settings), heard)
    catalog = open_catalog(settings)
    catalog.close()
    tell_backup(manifest, t(f"restored {settings.data}", f"{settings.data} に復元しました"), as_json=as_json)
    if not as_json:
        tell(
            t(
                "  the graph and the search index are built by the first `catalog serve` (or `catalog follow --once`)",
                "  グラフと検索索引は、最初の `catalog serve`（または `catalog follow --once`）で作られます",
            )
        )
        tell_token(catalog)


@contextmanager
def watched(asked: bool | None) -> Iterator[Heard]:
    """Progress through several steps, each counted for itself."""
    with ExitStack() as steps:
        shown: Progress | None = None

        def heard(what: str, done: int, of: int) -> None:
            nonlocal shown
            if shown is None or shown.what != what:
                steps.close()  # ends the line of the step before
                shown = steps.enter_context(Progress(what, of, asked=asked))
            shown.reach(done)

        yield heard


def tell_backup(manifest: Manifest, done: str, *, as_json: bool) -> None:
    """What is in a backup."""
    size = sum(member.size for member in manifest.members)
    if as_json:
        answer({"at": manifest.at, "database": manifest.database, "position": str(manifest.position), "bytes": size})
    else:
        tell(t(f"{done}: {size:,} bytes, as of {manifest.at}", f"{done}: {size:,} バイト、{manifest.at} 時点"))


@click.command(
    "settings", help=t("Show each setting, its value, and where it came from.", "設定の値とその出どころを表示する。")
)
@data_option
@database_option
@json_option
def settings_(as_json: bool, **given: Any) -> None:
    settings = settings_of(given)
    rows = [(name, told(settings, name), settings.origins.get(name, t("default", "既定値"))) for name in KNOWN]
    if as_json:
        answer({name: {"value": value, "from": origin} for name, value, origin in rows})
    else:
        show(rows, (t("setting", "設定"), t("value", "値"), t("from", "出どころ")))


def told(settings: Settings, name: str) -> str:
    """A setting's value as it may be shown: the passwords of databases are left out."""
    value = getattr(settings, name)
    if name in SECRET and value:
        before, _, after = value.rpartition("@")
        scheme, _, user = before.partition("://")
        return f"{scheme}://{user.partition(':')[0]}:…@{after}" if ":" in user else str(value)
    if name == "base":
        return settings.base_address
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def refuse_existing(settings: Settings) -> None:
    """Say so where a catalogue is already."""
    if exists(settings):
        raise Conflict(
            f"there is a catalogue in {settings.data} already: name another folder with --data",
            ja=f"{settings.data} にはすでにカタログがあります。--data で別のフォルダーを指定してください",
        )


def tell_token(catalog: Catalog) -> None:
    """Show the administrator's token where it was just made."""
    if catalog.made_token is not None:
        where = catalog.settings.token_file
        tell(t(f"  administrator's token: {catalog.made_token}", f"  管理者トークン: {catalog.made_token}"))
        tell(t(f"  it is kept in {where}", f"  {where} に保存しました"))


def fill_sample(catalog: Catalog, progress: Progress) -> int:
    """Make the sample's scopes, sources and records; how many records there are then."""
    sample = sample_catalogue(shipped() / "schemas" / "examples")
    for scope in sample.scopes:
        catalog.scopes.create(
            scope.id,
            ADMINISTRATOR,
            title=scope.title,
            mode=cast("Mode | None", scope.mode),  # checked by `create`
            metadata_until=scope.metadata_until,
            data_until=scope.data_until,
            data_mode=cast("DataMode | None", scope.data_mode),  # this too
            resource=scope.resource,
        )
    for source in sample.sources:
        document = {name: value for name, value in asdict(source).items() if name not in ("version", "home_scope")}
        told = {name: value for name, value in document.items() if value is not None}
        register_source(
            {**told, "homeScope": source.home_scope}, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes
        )
    progress.total = len(sample.submissions)
    for outcome in submit(sample.submissions, ADMINISTRATOR, intake=catalog.intake):
        if outcome.outcome != "created":
            raise Invalid(
                f"the sample record {outcome.id} was {outcome.outcome}",
                outcome.findings,
                ja=f"サンプルの {outcome.id} を登録できません（{outcome.outcome}）",
            )
    progress.reach(len(sample.submissions))
    return len(sample.submissions)
