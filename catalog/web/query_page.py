"""The page on which people write SPARQL: a form, which scripts of ours turn into a place to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.records.kinds import prefixes_of
from catalog.web.example_queries import EXAMPLES
from catalog.web.linked_data import NS, PUBLIC_CACHE
from catalog.web.negotiation import language_for
from catalog.web.pages import as_data, page
from catalog.web.site import Site

# What the page says while it works, in both languages.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "running": ("Running …", "実行中…"),
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "stopped": ("Stopped after {seconds} s.", "{seconds} 秒で停止しました。"),
    "rows": ("{count} rows in {seconds} s", "{count} 行（{seconds} 秒）"),
    "row": ("1 row in {seconds} s", "1 行（{seconds} 秒）"),
    "graph": ("A graph, in {seconds} s", "グラフ（{seconds} 秒）"),
    "answered": ("Answered in {seconds} s", "回答（{seconds} 秒）"),
    "yes": ("Yes", "はい"),
    "no": ("No", "いいえ"),
    "results": ("Result table", "結果の表"),
    "more": ("Show {count} more of {left}", "さらに {count} 行を表示（残り {left} 行）"),
    "download": ("Download as", "ダウンロード:"),
    "place": ("Line {line}, column {column}", "{line} 行目 {column} 文字目"),
    "failed": ("That did not work", "エラー"),
    "unreachable": ("The server can't be reached", "サーバーに接続できません"),
    "unexpected": ("An unexpected answer ({status})", "予期しない応答です（{status}）"),
    "completed": ("Added: {names}", "追加しました: {names}"),
    "nothingMissing": ("No known prefix is missing.", "足りない接頭辞はありません。"),
    "copied": ("The link to this query is copied.", "このクエリーへのリンクをコピーしました。"),
    "inAddress": ("The page's address now holds this query.", "このクエリーへのリンクはアドレス欄にあります。"),
}


def query_page(request: Request, site: Site, formats: Sequence[tuple[str, str]], query: str = "") -> Response:
    """The page. `formats` are what a browser without scripts may choose from (name, title); `query` stands in the form."""
    language = language_for(request)
    prefixes = offered_prefixes(site.catalog.kinds.context)
    settings = {
        "endpoint": site.root + "sparql",
        "base": site.catalog.base,
        "root": site.root,
        "prefixes": prefixes,
        "examples": {example.name: example.query for example in EXAMPLES},
        "words": {name: said[language == "ja"] for name, said in WORDS.items()},
    }
    return page(
        request,
        site.pages,
        site.root,
        "sparql.html",
        examples=EXAMPLES,
        formats=formats,
        prefixes=prefixes,
        query=query or EXAMPLES[0].query,
        settings=as_data(settings),
        headers={"Cache-Control": PUBLIC_CACHE},
    )


def offered_prefixes(context: Mapping[str, object]) -> dict[str, str]:
    """The prefixes of the vocabularies that records are told in, and of RDF itself."""
    return dict(
        sorted({"musubi": NS, "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", **prefixes_of(context)}.items())
    )
