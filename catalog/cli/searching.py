"""`catalog search`: what is found for words and filters, as the administrator finds it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.reading import pair
from catalog.cli.tables import one_line, seen_width
from catalog.cli.tables import show as columns
from catalog.cli.words import answer, by_language, put, t, tell
from catalog.discovery import search as searching
from catalog.questions.reader import ADMINISTRATOR
from catalog.questions.search import Bin, Facet, Hit, SearchPage, Spread
from catalog.questions.search_parameters import search_from

# What has an equals sign behind a name is a filter, also where the words would stand.
FILTER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*=")
BAR = 30


@click.command(
    "search",
    help=t(
        'Search for TEXT: words, "a phrase", crystallo*, -not, or an identifier; each FILTER is a name=value as in REST '
        "(kind=sample, collectedAt=2026-05).",
        'TEXT で検索する。語、"語句"、前方一致（crystallo*）、除外（-語）、識別子が使える。FILTER は 名前=値 で、REST と同じ書き方'
        "（kind=sample、collectedAt=2026-05）。",
    ),
)
@click.argument("text", required=False)
@click.argument("filters", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--facet", multiple=True, metavar="FIELD", help=t("Count the hits by a field.", "項目ごとの件数も表示する。")
)
@click.option(
    "--histogram",
    multiple=True,
    metavar="FIELD:HOW",
    help=t(
        "Count them over a date or quantity: startedAt:month, amount:20 mg.",
        "日付や数量の分布も表示する（startedAt:month、amount:20 mg）。",
    ),
)
@click.option(
    "--sort",
    metavar="FIELD",
    help=t("Instead of by relevance; -FIELD is descending.", "関連度順以外の並べ替え。-FIELD は降順。"),
)
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help=t("How many at most.", "最大件数。")
)
@click.option("--cursor", help=t("Where the page before ended.", "前のページの続きから。"))
@json_option
@on_catalogue
def search_(
    catalog: Catalog,
    text: str | None,
    filters: tuple[str, ...],
    facet: tuple[str, ...],
    histogram: tuple[str, ...],
    sort: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    if text is not None and FILTER.match(text):
        filters, text = (text, *filters), None
    pairs = [("q", text or ""), *map(pair, filters), ("limit", str(limit))]
    pairs += [("facet", each) for each in facet] + [("histogram", each) for each in histogram]
    pairs += [(name, value) for name, value in (("sort", sort), ("cursor", cursor)) if value is not None]
    asked = search_from(pairs, catalog.vocabulary)
    found = searching.search(asked, ADMINISTRATOR, index=catalog.index, answers=catalog.answers)
    if as_json:
        for hit in found.hits:
            put(hit.text().encode() + b"\n")
        answer(found.document(said))
    else:
        tell_page(found)


def said(texts: Mapping[str, str]) -> str:
    """A text by language in the terminal's."""
    return by_language(dict(texts))


def tell_page(found: SearchPage) -> None:
    """The hits for people, with the places that matched below each, then facets and histograms."""
    for hit in found.hits:
        tell_hit(hit)
    for facet in found.facets:
        tell_facet(facet)
    for spread in found.histograms:
        tell_spread(spread)
    about = "" if found.total_is_exact else t("about ", "約")
    tell(t(f"{about}{found.total:,} found", f"{about}{found.total:,} 件"))
    for notice in found.notices:
        tell(said(notice.messages))
    if found.next is not None:
        tell(t(f"there is more: --cursor {found.next}", f"続きがあります: --cursor {found.next}"))


def tell_hit(hit: Hit) -> None:
    """A hit: its id, its title, and where the text was found."""
    click.echo(f"{click.style(hit.id, bold=True)}  {one_line(said(hit.title))}".rstrip())
    for highlight in hit.highlights:
        if highlight.field != "title":
            pieces = (click.style(one_line(piece.text), bold=piece.marked) for piece in highlight.pieces)
            click.echo("    " + "".join(pieces))


def tell_facet(facet: Facet) -> None:
    """A facet as columns: how many, what, and as what a filter names it."""
    click.echo()
    click.secho(facet.called(said), bold=True)
    rows = []
    for value in facet.values:
        label = value.called(said)
        rows.append((f"{value.count:>8,}", label, "" if value.written == label else value.written))
    columns(rows)
    if facet.more:
        click.echo("     " + t("and others", "ほか"))


def tell_spread(spread: Spread) -> None:
    """A histogram as lines, each as long as its count."""
    click.echo()
    click.secho(f"{spread.field} {f'({spread.unit})' if spread.unit else ''}".strip(), bold=True)
    most = max((each.count for each in spread.bins), default=0)
    labels = [bin_label(each) for each in spread.bins]
    width = max(map(seen_width, labels), default=0)
    for each, label in zip(spread.bins, labels, strict=True):
        bar = "█" * round(BAR * each.count / most) if most else ""
        click.echo(f"{label:<{width}}  {each.count:>8,}  {bar}".rstrip())
    if spread.missing:
        click.echo(t(f"without one: {spread.missing:,}", f"記載なし: {spread.missing:,} 件"))


def bin_label(each: Bin) -> str:
    """Where a bin begins and ends."""
    if isinstance(each.start, str):
        return each.start[:10]
    low = "" if each.start is None else f"{each.start:.4g}"
    high = f"{each.end:.4g}" if isinstance(each.end, float) else str(each.end or "")
    return f"{low} – {high}".strip()
