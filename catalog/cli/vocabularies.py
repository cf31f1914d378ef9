"""`catalog vocabulary`: terms of ontologies and vocabularies, as records."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from catalog.access.scopes import Mode
from catalog.assembly import Catalog
from catalog.cli.exits import OK, REFUSED
from catalog.cli.opening import json_option, on_catalogue, progress_option
from catalog.cli.progress import Progress
from catalog.cli.submitting import summed
from catalog.cli.tables import show
from catalog.cli.words import LANGUAGE, answer, by_language, finding_line, t, tell
from catalog.curation.sources import register_source
from catalog.curation.vocabularies import (
    Loaded,
    ShippedVocabulary,
    load_vocabulary,
    shipped_vocabularies,
)
from catalog.curation.vocabulary_files import FORMS, Form, read_vocabulary
from catalog.errors import NotFound
from catalog.questions.reader import ADMINISTRATOR


@click.group("vocabulary", help=t("Vocabularies: list, load, show a term.", "語彙の一覧・読み込み・用語の表示。"))
def vocabulary_() -> None:
    """Terms, and which is below which."""


@vocabulary_.command("list", help=t("List the vocabularies that came with the software.", "同梱の語彙の一覧。"))
@json_option
def list_vocabularies(as_json: bool) -> None:
    found = shipped_vocabularies()
    if as_json:
        for each in found:
            answer({"name": each.name, "title": each.title, "licence": each.licence, "source": each.source["id"]})
        return
    show(
        [(each.name, each.source["id"], each.licence, by_language(dict(each.title))) for each in found],
        (t("name", "名前"), t("source", "登録元"), t("licence", "ライセンス"), t("title", "名称")),
    )


@vocabulary_.command(
    "load",
    short_help=t("Register a vocabulary's concepts as terms.", "語彙の概念を用語として登録する。"),
    help=t(
        "Register the concepts of a vocabulary as terms: a ROBOT template in CSV (PaNET's form), SKOS or OWL in Turtle, N-Triples, "
        "RDF/XML or JSON-LD, or the name of one that came with the software. What the file says wins, in each language that "
        "it speaks; the rest of a term stays as it is.",
        "語彙の概念を用語として登録する。ROBOTテンプレートのCSV（PaNETの形式）、SKOSまたはOWL（Turtle、N-Triples、RDF/XML、JSON-LD）、"
        "または同梱の語彙の名前を指定する。ファイルにある言語の内容が優先し、ほかはそのまま残る。",
    ),
)
@click.argument("file", metavar="FILE")
@click.option("--source", metavar="ID", help=t("The source whose terms these are.", "用語の登録元。"))
@click.option(
    "--scope", metavar="ID", help=t("Where they lie, if not in the source's home scope.", "登録先のスコープ。")
)
@click.option(
    "--format",
    "form",
    type=click.Choice(sorted(set(FORMS.values()))),
    help=t("What the file is written in, if its name does not say.", "ファイルの形式（名前から分からない場合）。"),
)
@click.option(
    "--language",
    default="en",
    show_default=True,
    help=t("The language of texts that do not say theirs.", "言語の指定がない文字列の言語。"),
)
@click.option(
    "--fill",
    is_flag=True,
    help=t(
        "Only add what terms do not say yet; so are loaded those that came with the software.",
        "用語にまだない内容だけを加える（同梱の語彙は常にこの方法で読み込む）。",
    ),
)
@click.option("--dry-run", is_flag=True, help=t("Only say what would happen.", "登録せず、結果だけを示す。"))
@progress_option
@json_option
@on_catalogue
@click.pass_context
def load(
    ctx: click.Context,
    catalog: Catalog,
    file: str,
    source: str | None,
    scope: str | None,
    form: Form | None,
    language: str,
    fill: bool,
    dry_run: bool,
    progress: bool | None,
    as_json: bool,
) -> None:
    path = Path(file)
    if not path.is_file():
        shipped = _shipped(file)
        path, fill = shipped.file, True
        if source is None:
            source = str(shipped.source["id"])
            if not dry_run:
                _prepare(catalog, shipped)
    form = form or FORMS.get(path.suffix.lower())
    if form is None:
        raise click.UsageError(t("say --format: the file's name does not", "--format で形式を指定してください"))
    if source is None:
        raise click.UsageError(t("say --source: whose terms these are", "--source で登録元を指定してください"))
    scheme = read_vocabulary(path.read_bytes(), form, language=language)
    with Progress(t("terms", "用語"), len(scheme.concepts), asked=progress) as shown:
        loaded = load_vocabulary(
            scheme,
            source,
            ADMINISTRATOR,
            intake=catalog.intake,
            scope=scope,
            fill=fill,
            dry_run=dry_run,
            progress=lambda done, _: shown.reach(done),
        )
    if as_json:
        answer(loaded.document())
    else:
        _tell(loaded)
    ctx.exit(REFUSED if loaded.refused else OK)


@vocabulary_.command(
    "show",
    help=t("Show a term's names, and the terms above and below it.", "用語の名称と、上位・下位の用語を表示する。"),
)
@click.argument("term", metavar="TERM")
@json_option
@on_catalogue
def show_term(catalog: Catalog, term: str, as_json: bool) -> None:
    iri = catalog.vocabulary.iri("TERM", term)
    terms = catalog.terms
    above = terms.above([iri]).get(iri, ())
    below = sorted(terms.below([iri]) - {iri})
    names = terms.names([iri, *above, *below])
    if iri not in names and not above and not below:
        raise NotFound(f"no term {iri} is here, for everyone to read", ja=f"公開の用語 {iri} はありません")

    def called(of: str) -> str:
        return by_language({name.language or "und": name.text for name in names.get(of, ()) if name.preferred})

    if as_json:
        told = [{"name": name.text, "language": name.language, "preferred": name.preferred} for name in names[iri]]
        answer({"term": iri, "names": told, "above": list(above), "below": below})
        return
    rows = [(t("above", "上位"), each, called(each)) for each in reversed(above)]
    rows.append((t("term", "用語"), iri, ", ".join(name.text for name in names.get(iri, ()))))
    rows += [(t("below", "下位"), each, called(each)) for each in below]
    show(rows, ("", "IRI", t("names", "名称")))


def _shipped(name: str) -> ShippedVocabulary:
    known = {each.name: each for each in shipped_vocabularies()}
    if name not in known:
        raise NotFound(
            f"{name} is no file, and no vocabulary of this name came with the software; those are {', '.join(known)}",
            ja=f"{name} というファイルも同梱の語彙もありません。同梱の語彙は {'、'.join(known)} です",
        )
    return known[name]


def _prepare(catalog: Catalog, shipped: ShippedVocabulary) -> None:
    """Make the scope and the source of a shipped vocabulary where they are missing; what is there stays as it is."""
    scope = shipped.scope
    if catalog.scopes.facts(scope["id"]) is None:
        mode = cast("Mode | None", scope["mode"])
        catalog.scopes.create(scope["id"], ADMINISTRATOR, title=scope["title"], mode=mode)
    if catalog.sources.find(shipped.source["id"]) is None:
        register_source(shipped.source, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)


def _tell(loaded: Loaded) -> None:
    for outcome in loaded.refused:
        click.echo(f"{outcome.id}  {outcome.outcome}")
        for finding in outcome.findings:
            click.echo("  " + finding_line(finding))
    for each in loaded.left_out:
        click.echo(t("not taken in: ", "取り込まなかったもの: ") + f"{each.what}  {each.why[LANGUAGE]}")
    if loaded.left_out and not loaded.counts.total():
        tell(t("nothing was taken in", "取り込んだものはありません"))
    else:
        tell(summed(loaded.counts, dry_run=loaded.dry_run))
