"""`catalog profile`: the narrower rules of communities and facilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from catalog.assembly import Catalog, all_shipped_profiles
from catalog.cli.documents import bytes_of, file_argument, object_of
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import show
from catalog.cli.words import answer, by_language, finding_line, t
from catalog.curation.profiles import propose_profile, publish_profile, try_profile
from catalog.errors import NotFound
from catalog.ledger.profiles import ProfileVersion
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.finding import finding_from


@click.group(
    "profile", help=t("Profiles: list, show, propose, try, publish.", "プロファイルの一覧・表示・提案・試行・公開。")
)
def profile_() -> None:
    """Rules that are narrower than a kind's."""


def document_of(stored: ProfileVersion) -> dict[str, Any]:
    """A version of a profile as it is told."""
    return {
        "profile": stored.reference,
        "kind": stored.kind,
        "title": stored.title,
        "publishedAt": stored.published_at,
        "notes": [note.document() for note in stored.notes],
        "trial": stored.trial,
        "schema": stored.schema,
        "submitted": orjson.loads(stored.submitted),
        "shapes": stored.shapes,
    }


@profile_.command("list", help=t("List the profiles.", "プロファイルの一覧。"))
@click.option("--shipped", is_flag=True, help=t("Those that come with the software.", "同梱のもの。"))
@json_option
@on_catalogue
def list_profiles(catalog: Catalog, shipped: bool, as_json: bool) -> None:
    heads = (t("profile", "プロファイル"), t("kind", "種別"), t("published", "公開"), t("title", "名称"))
    if shipped:
        there = {each.reference for each in catalog.profiles.versions() if each.published_at}
        rows = [(f"{each.name}@{each.version}", each.kind, dict(each.title)) for each in all_shipped_profiles()]
        if as_json:
            for name, kind, title in rows:
                answer({"profile": name, "kind": kind, "title": title, "registered": name in there})
        else:
            show(
                [
                    (name, kind, t("yes", "済") if name in there else "", by_language(title))
                    for name, kind, title in rows
                ],
                heads,
            )
        return
    if as_json:
        for each in catalog.profiles.versions():
            answer(document_of(each))
        return
    rows_ = [
        (each.reference, each.kind, each.published_at or "", by_language(dict(each.title)))
        for each in catalog.profiles.versions()
    ]
    show(rows_, heads)


@profile_.command(
    "show", help=t("Show a version of a profile: nims-rde@1.", "プロファイルの版を表示する: nims-rde@1。")
)
@click.argument("reference")
@json_option
@on_catalogue
def show_profile(catalog: Catalog, reference: str, as_json: bool) -> None:
    stored = catalog.profiles.version(reference)
    if stored is None:
        raise NotFound(f"there is no profile {reference}", ja=f"プロファイル {reference} はありません")
    if as_json:
        answer(document_of(stored))
    else:
        tell_profile(stored, to_stderr=False)
        click.echo(orjson.dumps(stored.schema, option=orjson.OPT_INDENT_2).decode())


@profile_.command(
    "propose",
    short_help=t("Register a profile's next version.", "プロファイルの次の版を登録する。"),
    help=t(
        'Register a profile\'s next version from a JSON file: {"name", "kind", "title", "description", "schema", "shapes"}. It is '
        "examined, repaired where that is safe, and tried on the records of older versions; it judges nothing before it is published.",
        'プロファイルの次の版を JSON ファイルから登録する: {"name", "kind", "title", "description", "schema", "shapes"}。'
        "検査し、安全な範囲で修正し、旧版のレコードで試行する。公開するまで検証には使われない。",
    ),
)
@file_argument
@click.option(
    "--shapes",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=t("SHACL shapes as Turtle.", "SHACL シェイプ（Turtle）。"),
)
@click.option(
    "--publish", is_flag=True, help=t("Publish it at once if nothing would break.", "問題がなければすぐに公開する。")
)
@json_option
@on_catalogue
def propose(catalog: Catalog, file: Path, shapes: Path | None, publish: bool, as_json: bool) -> None:
    document = object_of(file)
    if shapes is not None:
        document["shapes"] = bytes_of(shapes).decode("utf-8")
    stored = propose_profile(
        document, ADMINISTRATOR, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
    )
    if publish and stored.published_at is None:
        stored = publish_profile(stored.reference, ADMINISTRATOR, profiles=catalog.profiles)
    say(stored, as_json=as_json)


@profile_.command(
    "try", help=t("Try a proposal on the records of older versions again.", "提案を旧版のレコードでもう一度試行する。")
)
@click.argument("reference")
@json_option
@on_catalogue
def try_again(catalog: Catalog, reference: str, as_json: bool) -> None:
    stored = try_profile(
        reference, ADMINISTRATOR, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
    )
    say(stored, as_json=as_json)


@profile_.command("publish", help=t("Let a proposal judge from now on.", "提案を公開し、検証に使い始める。"))
@click.argument("reference")
@click.option(
    "--despite-broken",
    is_flag=True,
    help=t("Though records of older versions would break it.", "旧版のレコードが合わなくても公開する。"),
)
@json_option
@on_catalogue
def publish(catalog: Catalog, reference: str, despite_broken: bool, as_json: bool) -> None:
    say(
        publish_profile(reference, ADMINISTRATOR, profiles=catalog.profiles, despite_broken=despite_broken),
        as_json=as_json,
    )


def say(stored: ProfileVersion, *, as_json: bool) -> None:
    """What a version of a profile is by now."""
    if as_json:
        answer(document_of(stored))
    else:
        tell_profile(stored)


def tell_profile(stored: ProfileVersion, *, to_stderr: bool = True) -> None:
    """A version of a profile for people: whether it judges, what was repaired, what would break."""

    def line(text: str) -> None:
        click.echo(text, err=to_stderr)

    state = (
        t(f"published {stored.published_at}", f"{stored.published_at} 公開")
        if stored.published_at
        else t("proposed", "提案")
    )
    line(f"{stored.reference}  {stored.kind}  {state}  {by_language(dict(stored.title))}")
    for note in stored.notes:
        line("  " + finding_line(note))
    if stored.trial:
        tried, broken = stored.trial["tried"], stored.trial["broken"]
        line(
            t(
                f"  tried on {tried:,} records of older versions: {broken:,} would not keep it",
                f"  旧版の {tried:,} 件で試行: {broken:,} 件が合わない",
            )
        )
        for each in stored.trial["shown"]:
            line(f"  {each['id']}")
            for document in each["findings"]:
                line("    " + finding_line(finding_from(document)))
