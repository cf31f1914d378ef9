"""Search: hits with where and why, facets, ranges and histograms over all of them, and what a text may go on as."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import strawberry
from strawberry import ID
from strawberry.schema_directives import OneOf
from strawberry.types.field import StrawberryField

from catalog.discovery import search as searching
from catalog.errors import Invalid
from catalog.questions.parameters import question_from
from catalog.questions.question import And, Condition, Order, Question, Selection
from catalog.questions.search import (
    MOST_FACET_VALUES,
    MOST_HITS,
    MOST_SUGGESTIONS,
    Histogram,
    Hit,
    Range,
    SearchPage,
    SearchQuestion,
)
from catalog.questions.vocabulary import unknown
from catalog.web.graphql import compile as compiling
from catalog.web.graphql.answered import (
    IN_LANGUAGE,
    Info,
    answered,
    document,
    first_of,
    in_language,
    member,
    wait,
    waiting,
)
from catalog.web.graphql.definitions import Long, argument, declared, define, taken
from catalog.web.graphql.naming import camel
from catalog.web.graphql.types import Types
from catalog.web.search_page import found_for

USUAL: Final = SearchQuestion()
# What stands for the whole list, and not for one record, is said by arguments of its own.
_APART: Final = ("kind", "status", "sort", "limit", "cursor", "select", "count")


@strawberry.enum(name="SearchInterval", description="How wide the bins over a date are.\n日付の区間の幅。")
class Interval(enum.Enum):
    """How wide the bins over a date are."""

    YEAR = strawberry.enum_value("year", description="A year.\n年。")
    MONTH = strawberry.enum_value("month", description="A month.\n月。")
    DAY = strawberry.enum_value("day", description="A day.\n日。")


@strawberry.enum(name="SearchFoundBy", description="What a hit was found by.\n見つかった理由の種類。")
class FoundBy(enum.Enum):
    """What a hit was found by."""

    WORDS = strawberry.enum_value("words", description="Words in a field.\n項目の中の語。")
    IDENTIFIER = strawberry.enum_value("identifier", description="One of its identifiers.\n識別子。")
    TERM = strawberry.enum_value(
        "term", description="A term that was named, or one below it.\n指定された用語、またはその下位の用語。"
    )
    ELSEWHERE = strawberry.enum_value(
        "elsewhere",
        description="What its own text does not hold: a linked record's title, a name of an attribute.\n"
        "本文以外（リンク先の表題、属性の名前など）。",
    )


@strawberry.enum(name="SearchSuggestionOf", description="What a suggestion is.\n候補の種類。")
class SuggestionOf(enum.Enum):
    """What a suggestion is."""

    TITLE = strawberry.enum_value("title", description="A title.\n表題。")
    LABEL = strawberry.enum_value("label", description="What a term is called.\n用語の名前。")
    IDENTIFIER = strawberry.enum_value("identifier", description="An identifier.\n識別子。")


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """`search` and `suggest`."""
    kinds = argument("kinds", list[str] | None, ("Only records of these kinds.", "対象の種別。"))
    return {
        "search": answered(
            "search",
            _result(types) | None,
            partial(_search, types),
            (
                (
                    "The public records that hold what is searched for, the best match first, with facets, ranges and histograms "
                    "over all of them. docs/searching.md tells how words are read."
                ),
                "検索。公開レコードを適合度の順に返し、全件に対するファセット、範囲、ヒストグラムを付けます。",
            ),
            argument(
                "text",
                str,
                (
                    'Words, `"a phrase"`, a word\'s beginning (`crystallo*`), `-what must not be there`, or an identifier.',
                    '語、"句"、前方一致（`crystallo*`）、除外（`-語`）、または識別子。',
                ),
                "",
            ),
            kinds,
            types.filters.where(None),
            argument(
                "ofKind",
                _kind_filter(types) | None,
                ("Only records of one kind, and of them these.", "1つの種別に限り、その項目で絞り込みます。"),
            ),
            argument(
                "filters",
                list[_PARAMETER] | None,  # type: ignore[valid-type]
                (
                    (
                        "Filters as in addresses (docs/asking.md): what a facet's value is chosen by. One that is repeated holds with "
                        "any of its values."
                    ),
                    "アドレスと同じ書き方の条件（docs/asking.md）。ファセットの値の選択に使います。",
                ),
            ),
            argument(
                "facets",
                list[str] | None,
                (
                    "Count the hits by the values of these: kind, source, profile, formats, or fields that `fields` tells are facets.",
                    "件数を数える項目: kind、source、profile、formats、または facet の項目。",
                ),
            ),
            argument(
                "facetValues",
                int,
                (f"How many values of a facet, at most {MOST_FACET_VALUES}.", f"値の数（最大{MOST_FACET_VALUES}）。"),
                USUAL.facet_values,
            ),
            argument(
                "histograms",
                list[_HISTOGRAM] | None,  # type: ignore[valid-type]
                ("Count the hits over these dates and quantities.", "日付・数量ごとのヒストグラム。"),
            ),
            argument(
                "ranges",
                list[_RANGE] | None,  # type: ignore[valid-type]
                ("Between what these dates and quantities lie.", "日付・数量の範囲。"),
            ),
            argument(
                "orderBy",
                _ORDER | None,
                ("By a sortable field, id, created or modified; else by relevance.", "並び順。省略時は適合度順。"),
            ),
            argument("first", int, (f"How many, at most {MOST_HITS}.", f"件数（最大{MOST_HITS}）。"), USUAL.first),
            argument(
                "after",
                str | None,
                (
                    "`endCursor` of the page before; it holds for five minutes.",
                    "前のページの `endCursor`（5分間有効）。",
                ),
            ),
            argument("language", str | None, ("Of titles and labels.", "表題とラベルの言語。")),
            *waiting(),
            cost=100,
        ),
        "suggest": answered(
            "suggest",
            list[_SUGGESTION] | None,  # type: ignore[valid-type]
            _suggest,
            ("What a text may go on as: titles, names of terms, identifiers.", "入力の候補（表題、用語名、識別子）。"),
            argument("text", str, ("What was typed so far.", "入力中のテキスト。")),
            kinds,
            argument("first", int, (f"How many, at most {MOST_SUGGESTIONS}.", f"件数（最大{MOST_SUGGESTIONS}）。"), 8),
        ),
    }


# --- types


_PIECE: Final = document(
    "SearchHighlightPiece",
    ("A piece of a text.", "テキストの一部。"),
    [
        member("text", str, ("The piece.", "テキスト。")),
        member("marked", bool, ("Whether it is what was searched for.", "検索語に一致した部分か。")),
    ],
)
_HIGHLIGHT: Final = document(
    "SearchHighlight",
    (
        "Where in a hit words were found: pieces of text, so that nothing of a record is taken for markup.",
        "一致した箇所。",
    ),
    [
        member("field", str, ("The field.", "項目。")),
        member("language", str | None, ("The language of the text.", "テキストの言語。")),
        member("pieces", list[_PIECE], ("The text around, in pieces.", "前後のテキスト。")),  # type: ignore[valid-type]
    ],
)
_REASON: Final = document(
    "SearchReason",
    ("Why a hit was found.", "見つかった理由。"),
    [
        answered("what", FoundBy, lambda root, info, _: FoundBy(root.what), ("By what.", "種類。")),
        answered("field", str | None, lambda root, info, _: root.field, ("In which field.", "項目。")),
        answered(
            "said",
            str | None,
            lambda root, info, _: root.said,
            ("What of the text names the term.", "用語の名前にあたる語。"),
        ),
        answered("term", str | None, lambda root, info, _: root.term, ("The term's IRI.", "用語の IRI。")),
    ],
)
FACET_VALUE: Final = document(
    "SearchFacetValue",
    ("A value, and how many hits have it.", "値と件数。"),
    [
        answered("value", str, lambda root, info, _: root[1].written, ("As a filter has it.", "条件に書く値。")),
        answered(
            "label",
            str,
            lambda root, info, said: root[1].called(_say(info, said.get("language") or root[0])),
            ("What people call it.", "表示名。"),
            IN_LANGUAGE,
        ),
        answered("count", int, lambda root, info, _: root[1].count, ("How many hits.", "件数。")),
        answered("chosen", bool, lambda root, info, _: root[1].chosen, ("Whether the filters name it.", "選択中か。")),
    ],
)
_FACET: Final = document(
    "SearchFacet",
    (
        "The hits by the values of a field; the counts honour every filter but those on this field.",
        "項目の値ごとの件数（その項目自身の条件は除いて数えます）。",
    ),
    [
        answered("field", str, lambda root, info, _: root[1].field, ("The field.", "項目。")),
        answered(
            "title",
            str,
            lambda root, info, said: root[1].called(_say(info, said.get("language") or root[0])),
            ("What people call it.", "表示名。"),
            IN_LANGUAGE,
        ),
        answered(
            "values",
            list[FACET_VALUE],  # type: ignore[valid-type]
            lambda root, info, _: [(root[0], each) for each in root[1].values],
            ("The most frequent first.", "件数の多い順。"),
        ),
        answered(
            "more", bool, lambda root, info, _: root[1].more, ("Whether there are more values.", "ほかにも値があるか。")
        ),
        answered(
            "exact", bool, lambda root, info, _: root[1].exact, ("Whether no count is an estimate.", "件数が正確か。")
        ),
    ],
)
_DATES: Final = (("From when, of a date.", "開始（日付）。"), ("Until when, of a date.", "終了（日付）。"))
_NUMBERS: Final = (("The least, of a quantity.", "下限（数量）。"), ("The greatest, of a quantity.", "上限（数量）。"))


def _ends(first: str, last: str) -> list[StrawberryField]:
    """The ends of an interval: dates, or numbers."""

    def end(attribute: str, of: type) -> Any:
        def told(root: Any, info: Info, _: Mapping[str, Any]) -> Any:
            value = getattr(root, attribute)
            return value if isinstance(value, of) else None

        return told

    return [
        answered("from", str | None, end(first, str), _DATES[0]),
        answered("until", str | None, end(last, str), _DATES[1]),
        answered("min", float | None, end(first, float), _NUMBERS[0]),
        answered("max", float | None, end(last, float), _NUMBERS[1]),
    ]


_BIN: Final = document(
    "SearchHistogramBin",
    ("How many hits lie from one end until before the other.", "区間の件数。"),
    [*_ends("start", "end"), answered("count", int, lambda root, info, _: root.count, ("How many hits.", "件数。"))],
)
_FIELD: Final = answered(
    "field", str, lambda root, info, _: root.field, ("The date or quantity.", "日付または数量の名前。")
)
_UNIT: Final = answered(
    "unit", str | None, lambda root, info, _: root.unit, ("The unit of the numbers.", "数値の単位。")
)
_SPREAD: Final = document(
    "SearchHistogram",
    ("How the hits spread over a date or a quantity.", "日付または数量のヒストグラム。"),
    [
        _FIELD,
        _UNIT,
        answered("bins", list[_BIN], lambda root, info, _: root.bins, ("In rising order.", "昇順。")),  # type: ignore[valid-type]
        answered(
            "missing",
            int,
            lambda root, info, _: root.missing,
            ("Hits that have no such value.", "値のないレコードの件数。"),
        ),
    ],
)
_BETWEEN: Final = document(
    "SearchRange",
    ("Between what a date or a quantity of the hits lies.", "日付または数量の範囲。"),
    [_FIELD, _UNIT, *_ends("first", "last")],
)
_NOTICE: Final = document(
    "SearchNotice",
    ("Why less may have been found than usual.", "結果が通常より少ない可能性とその理由。"),
    [
        answered("what", str, lambda root, info, _: root.what, ("What it is.", "種類。")),
        answered(
            "message",
            str | None,
            lambda root, info, said: in_language(root.messages, info, said.get("language")),
            ("In words.", "説明。"),
            IN_LANGUAGE,
        ),
    ],
)
_SUGGESTION: Final = document(
    "SearchSuggestion",
    ("What the text may go on as.", "入力の候補。"),
    [
        member("text", str, ("The whole text.", "候補のテキスト。")),
        answered("what", SuggestionOf, lambda root, info, _: SuggestionOf(root["what"]), ("What it is.", "種類。")),
        member("kind", str, ("The kind of the records that bear it.", "レコードの種別。")),
        member("id", ID | None, ("The record, where it is one only.", "該当レコードが1件のときの ID。")),
    ],
)
_PARAMETER: Final = define(
    declared("SearchFilterInput"),
    [
        taken("name", str, ("As in addresses: `sampleType`, `startedAt.ge`, `link.samples`.", "アドレスと同じ名前。")),
        taken("value", str, ("As in addresses: `leaf`, `2024`, `7..8 keV`.", "アドレスと同じ値。")),
    ],
    ("A filter as an address has it.", "アドレスと同じ書き方の条件。"),
    is_input=True,
)
_HISTOGRAM: Final = define(
    declared("SearchHistogramInput"),
    [
        taken(
            "field",
            str,
            ("A date, created, modified, or the name of a quantity.", "日付、created、modified、または数量の名前。"),
        ),
        taken("interval", Interval | None, ("How wide the bins over a date are.", "日付の区間の幅。")),
        taken("dates", list[str] | None, ("Bins between these dates.", "境界の日付。")),
        taken("edges", list[float] | None, ("Bins between these numbers, in `unit`.", "境界の数値（`unit` で）。")),
        taken("bins", int | None, ("How many bins of equal width.", "等幅の区間の数。")),
        taken("unit", str | None, ("The unit of the bins.", "区間の単位。")),
    ],
    ("A histogram that is wanted.", "ヒストグラムの指定。"),
    is_input=True,
)
_RANGE: Final = define(
    declared("SearchRangeInput"),
    [
        taken(
            "field",
            str,
            ("A date, created, modified, or the name of a quantity.", "日付、created、modified、または数量の名前。"),
        ),
        taken("unit", str | None, ("The unit to tell a quantity in; else SI.", "数量の単位（省略時は SI）。")),
    ],
    ("A range that is wanted.", "範囲の指定。"),
    is_input=True,
)
_ORDER: Final = define(
    declared("SearchOrderInput"),
    [
        taken(
            "by", str, ("A sortable field of every kind that is searched, id, created or modified.", "並べ替えの項目。")
        ),
        taken("descending", bool | None, ("The greatest first.", "降順にするか。")),
    ],
    ("What hits are ordered by.", "検索結果の並び順。"),
    is_input=True,
)


def _kind_filter(types: Types) -> type:
    """A filter of one kind."""
    made = define(
        declared("OfKindFilter"),
        [
            taken(camel(kind.name), types.filters.type[kind.name] | None, (f"Only {kind.plural}.", "この種別だけ。"))
            for kind in types.kinds.values()
        ],
        ("One kind, with a filter on its own fields.", "1つの種別とその項目の条件。"),
        is_input=True,
    )
    made.__strawberry_definition__.directives = (OneOf(),)  # type: ignore[attr-defined]
    return made


def _result(types: Types) -> type:
    hit = document(
        "SearchHit",
        ("A record that was found.", "見つかったレコード。"),
        [
            answered("id", ID, lambda root, info, _: root[0].id, ("Its id.", "ID。")),
            answered("kind", str, lambda root, info, _: root[0].kind, ("Its kind.", "種別。")),
            answered(
                "title",
                str | None,
                lambda root, info, said: in_language(root[0].title, info, said.get("language") or root[2]),
                ("What it is called.", "表題。"),
                IN_LANGUAGE,
            ),
            answered(
                "score",
                float | None,
                lambda root, info, _: root[0].score,
                ("Told to administrators: it depends on all that is indexed.", "適合度（管理者のみ）。"),
            ),
            answered(
                "highlights",
                list[_HIGHLIGHT],  # type: ignore[valid-type]
                lambda root, info, _: [each.document() for each in root[0].highlights],
                ("Where words were found.", "一致した箇所。"),
            ),
            answered(
                "reasons",
                list[_REASON],  # type: ignore[valid-type]
                lambda root, info, _: root[0].reasons,
                ("Why it was found, as far as it tells itself.", "見つかった理由（分かる範囲）。"),
            ),
            answered("record", types.record | None, lambda root, info, _: root[1], ("The record.", "レコード。")),
        ],
    )

    def of(name: str, type_: Any, en: str, ja: str) -> StrawberryField:
        return answered(name, type_, lambda root, info, _: getattr(root[0], name), (en, ja))

    return document(
        "SearchResult",
        ("A page of hits, and what is counted over all of them.", "検索結果。"),
        [
            answered(
                "hits",
                list[hit],  # type: ignore[valid-type]
                lambda root, info, _: _hits(info, *root),
                ("The hits of the page.", "このページの検索結果。"),
            ),
            answered(
                "totalCount", int, lambda root, info, _: root[0].total, ("How many there are in all.", "総件数。")
            ),
            answered(
                "totalIsExact",
                bool,
                lambda root, info, _: root[0].total_is_exact,
                ("Whether just so many.", "正確な件数か。"),
            ),
            answered(
                "facets",
                list[_FACET],  # type: ignore[valid-type]
                lambda root, info, _: [(root[1], each) for each in root[0].facets],
                ("The facets that were asked for.", "ファセット。"),
            ),
            of("ranges", list[_BETWEEN], "The ranges that were asked for.", "範囲。"),  # type: ignore[valid-type]
            of("histograms", list[_SPREAD], "The histograms that were asked for.", "ヒストグラム。"),  # type: ignore[valid-type]
            answered(
                "pageInfo",
                _PAGE,
                lambda root, info, _: {"next": root[0].next},
                ("Whether there is more.", "続きの有無。"),
            ),
            of("notices", list[_NOTICE], "Why less may have been found than usual.", "注意事項。"),  # type: ignore[valid-type]
            of(
                "position",
                Long,
                "Every change up to this position was searched.",
                "検索対象に含まれる最後の変更の位置。",
            ),
        ],
    )


_PAGE: Final = document(
    "SearchPageInfo",
    ("Whether the hits go on.", "続きの有無。"),
    [
        answered(
            "hasNextPage",
            bool,
            lambda root, info, _: root["next"] is not None,
            ("Whether there is more.", "続きの有無。"),
        ),
        member("endCursor", str | None, ("`after` of the next page.", "次のページの `after`。"), "next"),
    ],
)


# --- what is asked, and answered


def _search(types: Types, _: Any, info: Info, said: Mapping[str, Any]) -> tuple[SearchPage, str | None]:
    context = info.context
    asked = _asked(types, info, said)
    wait(info, "search", said)
    found = found_for(context.site, asked, context.reader, deadline_seconds=context.deadline_seconds)
    return found, said.get("language")


def _asked(types: Types, info: Info, said: Mapping[str, Any]) -> SearchQuestion:
    vocabulary = info.context.catalog.vocabulary
    kinds = vocabulary.named(tuple(said.get("kinds") or ())) if said.get("kinds") else ()
    parts: list[Condition | None] = []
    if (chosen := said.get("ofKind")) is not None:
        ((name, where),) = chosen.items()
        kind = next(each for each in types.kinds if camel(each) == name)
        if kinds and kinds != (kind,):
            raise Invalid(f"ofKind: kinds does not say {kind} alone", ja=f"ofKind: kinds に {kind} 以外があります")
        kinds = (kind,)
        parts.append(types.filters.condition_from(where, kind, vocabulary))
    parts.append(types.filters.condition_from(said.get("where"), None, vocabulary))
    parts.append(_by_parameters(said.get("filters") or (), kinds, info))
    where = _all(parts)
    order = said.get("orderBy")
    return SearchQuestion(
        text=said["text"],
        question=Question(kinds=kinds, where=where, selection=Selection()),
        facets=tuple(dict.fromkeys(said.get("facets") or ())),
        facet_values=said["facetValues"],
        histograms=tuple(map(_histogram, said.get("histograms") or ())),
        ranges=tuple(Range(each["field"], each.get("unit")) for each in said.get("ranges") or ()),
        order=() if order is None else (Order(order["by"], bool(order.get("descending"))),),
        first=first_of(said, MOST_HITS),
        after=said.get("after"),
        highlight=_is_asked(info, ("hits", "highlights"), ("hits", "reasons")),
    )


def _by_parameters(told: Iterable[Mapping[str, str]], kinds: tuple[str, ...], info: Info) -> Condition | None:
    pairs = [(each["name"], each["value"]) for each in told]
    for name, _ in pairs:
        if name in _APART:
            raise unknown("filter", name, ("source", "scope", "identifier", "term"))
    if not pairs:
        return None
    return question_from([*(("kind", kind) for kind in kinds), *pairs], info.context.catalog.vocabulary).where


def _all(parts: Iterable[Condition | None]) -> Condition | None:
    """All of them beside each other, so that a facet sees which of them are about it."""
    held: list[Condition] = []
    for part in parts:
        if part is not None:
            held.extend(part.parts if isinstance(part, And) else (part,))
    return None if not held else held[0] if len(held) == 1 else And(tuple(held))


def _histogram(told: Mapping[str, Any]) -> Histogram:
    dates, edges, interval = told.get("dates"), told.get("edges"), told.get("interval")
    if dates is not None and edges is not None:
        raise Invalid(
            "histograms: dates are for a date and edges for a quantity; give one of them",
            ja="histograms: dates（日付）と edges（数量）はどちらか一方を指定してください",
        )
    made = Histogram(
        told["field"],
        None if interval is None else interval.value,
        tuple(dates if dates is not None else edges or ()),
        unit=told.get("unit"),
    )
    return made if told.get("bins") is None else replace(made, bins=told["bins"])


def _hits(info: Info, found: SearchPage, language: str | None) -> list[tuple[Hit, Any, str | None]]:
    records: Mapping[str, Any] = {}
    if found.hits and _is_asked(info, ("record",)):
        records = compiling.told_under(info, ("record",), [hit.id for hit in found.hits])
    return [(hit, records.get(hit.id), language) for hit in found.hits]


def _say(info: Info, language: str | None) -> Any:
    return lambda told: in_language(told, info, language) or ""


def _is_asked(info: Info, *paths: tuple[str, ...]) -> bool:
    """Whether one of these fields below this one is selected, under whatever name."""

    def found(selections: Iterable[Any], path: tuple[str, ...]) -> bool:
        for each in selections:
            if not hasattr(each, "arguments"):  # a fragment
                if found(each.selections, path):
                    return True
            elif each.name == path[0] and (len(path) == 1 or found(each.selections, path[1:])):
                return True
        return False

    return any(found(field.selections, path) for field in info.selected_fields for path in paths)


def _suggest(_: Any, info: Info, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    catalog = info.context.catalog
    found = searching.suggest(
        said["text"],
        info.context.reader,
        kinds=tuple(said.get("kinds") or ()),
        limit=first_of(said, MOST_SUGGESTIONS),
        index=catalog.index,
        answers=catalog.answers,
    )
    return [each.document() for each in found]
