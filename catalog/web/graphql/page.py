"""The page on which people ask GraphQL: what its scripts need to know, and questions to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from catalog.web.negotiation import language_for
from catalog.web.pages import as_data, page
from catalog.web.session import session_in
from catalog.web.site import Site


@dataclass(frozen=True, slots=True)
class Example:
    """A query with what it asks, in both languages, and its variables as JSON text."""

    name: str
    en: str
    ja: str
    query: str
    variables: str = ""


EXAMPLES: Final = (
    Example(
        "newest",
        "Which datasets changed last?",
        "最近変更されたデータセット",
        """\
query Newest {
  datasets(first: 10, orderBy: [{by: modified, descending: true}]) {
    totalCount
    nodes {
      id
      title
      modified
      scope {
        title
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
""",
    ),
    Example(
        "links",
        "Which samples were measured, where and how?",
        "どの試料を、どの装置で、どう測定したか",
        """\
query Measured {
  experiments(first: 10) {
    nodes {
      id
      title
      techniques {
        term
        label
      }
      instruments {
        nodes {
          id
          title
        }
      }
      samples {
        edges {
          role
          node {
            id
            title
          }
        }
      }
    }
  }
}
""",
    ),
    Example(
        "condition",
        "At which energies was measured, in keV?",
        "測定エネルギーは何 keV か",
        """\
query Energies($from: Float!, $to: Float!) {
  experiments(first: 10, where: {condition: {name: "energy", min: $from, max: $to, in: "keV"}}) {
    nodes {
      id
      title
      condition(name: "energy", in: "eV") {
        name
        quantity {
          value
          min
          max
          unit
          si
          siUnit
        }
      }
    }
  }
}
""",
        '{"from": 5, "to": 10}',
    ),
    Example(
        "search",
        "What is found for a word, and how is it spread?",
        "言葉で検索し、内訳を見る",
        """\
query Search($text: String!) {
  search(text: $text, facets: ["kind", "source"], first: 10) {
    totalCount
    hits {
      record {
        id
        kind
        title
      }
      highlights {
        field
        pieces {
          text
          marked
        }
      }
    }
    facets {
      field
      values {
        value
        label
        count
      }
    }
  }
}
""",
        '{"text": "XAFS"}',
    ),
    Example(
        "lineage",
        "What came of a sample?",
        "この試料から何が得られたか",
        """\
query Lineage($id: ID!) {
  lineage(id: $id, direction: DOWNSTREAM, depth: 5) {
    complete
    nodes {
      distance
      record {
        id
        kind
        title
      }
    }
    edges {
      from
      field
      to
    }
  }
}
""",
        '{"id": "sample/spring8/s-001"}',
    ),
    Example(
        "fields",
        "What can be asked about samples?",
        "試料について何を検索できるか",
        """\
query Fields {
  fields(kind: "sample") {
    name
    title
    form
    sortable
    facet
    records
  }
}
""",
    ),
)

# What the page says while it works, in both languages.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "running": ("Running …", "実行中…"),
    "answered": ("Answered in {seconds} s", "回答（{seconds} 秒）"),
    "answeredAtCost": (
        "Answered in {seconds} s, at a cost of {cost} of {limit}",
        "回答（{seconds} 秒、コスト {cost} / 上限 {limit}）",
    ),
    "stopped": ("Stopped after {seconds} s.", "{seconds} 秒で停止しました。"),
    "listening": ("Waiting for changes …", "変更を待っています…"),
    "events": ("{count} so far; waiting for more …", "{count} 件受信。続きを待っています…"),
    "ended": ("Ended after {count}, {seconds} s.", "{count} 件で終了（{seconds} 秒）。"),
    "place": ("Line {line}, column {column}", "{line} 行目 {column} 文字目"),
    "near": ("Near: {names}", "近いもの: {names}"),
    "unreachable": ("The server can't be reached", "サーバーに接続できません"),
    "unexpected": ("An unexpected answer ({status})", "予期しない応答です（{status}）"),
    "noSchema": ("The schema could not be read.", "スキーマを読み込めませんでした。"),
    "variablesWrong": ("The variables are not a JSON object", "変数が JSON オブジェクトではありません"),
    "copied": ("The link to this query is copied.", "このクエリーへのリンクをコピーしました。"),
    "inAddress": ("The page's address now holds this query.", "このクエリーへのリンクはアドレス欄にあります。"),
    "back": ("Back", "戻る"),
    "nothingFound": ("Nothing of that name.", "その名前のものはありません。"),
    "docsLead": (
        "Ctrl+Space offers what may stand at the cursor, F1 tells about the field under it.",
        "Ctrl+Space で補完候補を、F1 でカーソル位置の項目の説明を表示します。",
    ),
    # What is wrong with a query; the names are those of static/graphql-read.js.
    "expected": ("Expected {what} before “{found}”.", "「{found}」の前に {what} が必要です。"),
    "unfinished": ("The query ends too early; expected {what}.", "クエリーが途中で終わっています（{what} が必要）。"),
    "noOperation": ("There is no {type} here.", "{type} はありません。"),
    "twice": ("{name} is there twice.", "{name} が重複しています。"),
    "unknownType": ("There is no type {name}.", "型 {name} はありません。"),
    "unknownDirective": ("There is no directive @{name}.", "ディレクティブ @{name} はありません。"),
    "unknownField": ("{type} has no field {name}.", "{type} に項目 {name} はありません。"),
    "unknownArgument": ("{of} has no argument {name}.", "{of} に引数 {name} はありません。"),
    "unknownValue": ("{type} has no value {name}.", "{type} に値 {name} はありません。"),
    "unknownFragment": ("There is no fragment {name}.", "フラグメント {name} はありません。"),
    "unknownVariable": ("The variable {name} is not declared.", "変数 {name} が宣言されていません。"),
    "unusedVariable": ("The variable {name} is not used.", "変数 {name} が使われていません。"),
    "empty": ("Choose at least one field of {type}.", "{type} の項目を一つ以上選んでください。"),
    "impossible": ("A {parent} is never a {type}.", "{parent} が {type} であることはありません。"),
    "leaf": ("{name} is a {type} and has no fields.", "{name} は {type} なので項目を選べません。"),
    "needsFields": ("Choose fields of {name} ({type}) in { }.", "{name}（{type}）の項目を { } で選んでください。"),
    "lacking": ("{of} needs {names}.", "{of} には {names} が必要です。"),
    "wrongValue": ("This is not a value of {type}.", "{type} の値ではありません。"),
}


def graphql_page(request: Request, site: Site) -> Response:
    """The page."""
    language = language_for(request)
    session = session_in(request)
    settings: dict[str, Any] = {
        "endpoint": site.root + "graphql",
        "csrf": session.csrf if session is not None else None,
        "examples": {example.name: {"query": example.query, "variables": example.variables} for example in EXAMPLES},
        "words": {name: said[language == "ja"] for name, said in WORDS.items()},
    }
    return page(request, site.pages, site.root, "graphql.html", examples=EXAMPLES, settings=as_data(settings))
