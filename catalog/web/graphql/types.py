"""The types of the schema, made from the kinds: records, what stands in them, and the lists along their links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from strawberry import ID
from strawberry.scalars import JSON
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from catalog.questions.telling import Kept
from catalog.records.kinds import Field, Kind, Kinds
from catalog.web.graphql.definitions import Long, Words, argument, declared, define, listed, told
from catalog.web.graphql.filters import Filters, filters_of
from catalog.web.graphql.naming import (
    OF_SCHEMA,
    common_fields,
    field_names,
    inverses,
    legal,
    pascal,
    shape,
    taken_twice,
)
from catalog.web.graphql.recipes import AlongLinks, DrawnOf, EdgeOf, InBody, KeptOf, PageInfoOf, PageOf, Part


@dataclass(frozen=True)
class Types:
    """The types of one schema, for those who write fields of the root.

    Mappings by kind have what is for any kind under None. Inputs reach functions as dictionaries, as they were written;
    `filters` makes conditions and orders of them.
    """

    kinds: Kinds
    node: type
    record: type  # the interface
    of_kind: Mapping[str, type]
    connection: Mapping[str | None, type]
    links: Mapping[str | None, type]
    page_info: type
    date: type
    quantity: type
    term: type
    finding: type
    scope: type
    filters: Filters


@cache
def page_arguments() -> tuple[StrawberryArgument, ...]:
    """How much of a list, and from where on."""
    return (
        argument("first", int, ("How many, at most 1,000.", "件数（最大1,000）。"), 20),
        argument(
            "after",
            str | None,
            (
                "The cursor behind which to go on: `endCursor` of the page before.",
                "続きを取得するカーソル（前のページの endCursor）。",
            ),
        ),
    )


def types_of(kinds: Kinds) -> Types:
    """The types for these kinds; Misconfigured where GraphQL cannot say what they say."""
    return _Making(kinds).types()


LANGUAGE: Final = (
    "In this language where it is there (en, ja, …); else as texts fall back: en, ja, any.",
    "表示する言語（なければ en、ja、その他の順）。",
)
UNIT: Final = ("The unit to tell it in: eV, mmol/L, Cel.", "換算する単位（eV、mmol/L、Cel など）。")


class _Making:
    """The types while they are made: all are declared first, since they speak of each other."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.common = common_fields(kinds)
        self.declared: dict[str, tuple[type, str]] = {}
        self.nested: dict[tuple[object, ...], type] = {}
        # What is always there comes first, so that kinds that want such a name are the ones refused.
        for name in OF_SCHEMA:
            self.declare(name, "a part of every schema")
        self.node = self.declare("Node", "what has an id")
        self.record = self.declare("Record", "the records of any kind")
        self.page_info = self.declare("PageInfo", "where a page begins and ends")
        self.date, self.quantity, self.term, self.link, self.scope, self.step = (
            self.declare(name, "what stands in records")
            for name in ("Date", "Quantity", "TermValue", "Link", "Scope", "ScopeStep")
        )
        self.finding, self.entry, self.file, self.checksum, self.location, self.revision = (
            self.declare(name, "what is told beside records")
            for name in ("RecordFinding", "Entry", "File", "Checksum", "FileLocation", "Revision")
        )
        self.files, self.revisions = (
            self.declare(name, "lists beside records") for name in ("FileConnection", "RevisionConnection")
        )
        self.pages: dict[str | None, tuple[type, type]] = {}
        self.link_pages: dict[str | None, tuple[type, type]] = {}
        self.of_kind: dict[str, type] = {}
        for kind in (None, *kinds):
            name = "Record" if kind is None else legal(pascal(kind), f"kind {kind}")
            of = "any record" if kind is None else f"the kind {kind}"
            if kind is not None:
                self.of_kind[kind] = self.declare(name, of)
            self.pages[kind] = (self.declare(f"{name}Connection", of), self.declare(f"{name}Edge", of))
            self.link_pages[kind] = (self.declare(f"{name}LinkConnection", of), self.declare(f"{name}LinkEdge", of))
        self.filters = filters_of(kinds, self.declare)

    def declare(self, name: str, of: str) -> type:
        if name in self.declared:
            raise taken_twice(name, self.declared[name][1], of)
        made = declared(name)
        self.declared[name] = (made, of)
        return made

    def types(self) -> Types:
        self._define_parts()
        define(self.node, [_id()], ("What has an id.", "IDを持つもの。"), is_interface=True)
        common = [
            self._field(name, field)
            for name, field in self._named(next(iter(self.kinds.values())))
            if field.name in self.common
        ]
        define(
            self.record,
            [*self._envelope, *common, *self._along_any],
            ("A record of any kind: what all kinds have.", "どの種別のレコードにも共通する項目。"),
            interfaces=(self.node,),
            is_interface=True,
        )
        for kind in self.kinds.values():
            self._define_kind(kind)
        for name in (None, *self.kinds):
            self._define_pages(name)
        return Types(
            self.kinds,
            self.node,
            self.record,
            self.of_kind,
            {kind: page for kind, (page, _) in self.pages.items()},
            {kind: page for kind, (page, _) in self.link_pages.items()},
            self.page_info,
            self.date,
            self.quantity,
            self.term,
            self.finding,
            self.scope,
            self.filters,
        )

    # --- records

    def _define_kind(self, kind: Kind) -> None:
        fields = [*self._envelope]
        fields += [self._field(name, field, kind) for name, field in self._named(kind)]
        if "conditions" in kind.field and kind.field["conditions"].attribute:
            fields.append(self._by_name("condition", kind.field["conditions"], kind))
        fields += [
            told(
                inverse.name,
                self.link_pages[inverse.kind.name][0] | None,
                AlongLinks(inverse.field.name, "in", (inverse.kind.name,)),
                (
                    f"The {inverse.kind.plural} that link here as {inverse.field.name}: {_en(inverse.field)}",
                    f"{_title_ja(inverse.field)}としてここを指す{_kind_ja(inverse.kind)}。",
                ),
                self.filters.where(inverse.kind.name),
                self._role,
                self.filters.order_by(inverse.kind.name),
                *page_arguments(),
            )
            for inverse in inverses(kind, self.kinds)
        ]
        define(
            self.of_kind[kind.name],
            [*fields, *self._along_any],
            _words_of(kind),
            interfaces=(self.node, self.record),
        )

    def _named(self, kind: Kind) -> list[tuple[str, Field]]:
        return list(field_names(kind).items())

    # What every record has is made once, and what a field is resolved to is found once.
    @cached_property
    def _envelope(self) -> list[StrawberryField]:
        def kept(name: Kept, type_: Any, en: str, ja: str) -> StrawberryField:
            return told(name, type_, KeptOf(name), (en, ja))

        # All but the id may be null: what a gateway asks for by a name of somebody else's may be hidden from the asker, and the
        # null in its place must not take the whole answer with it.
        return [
            _id(),
            kept("kind", str | None, "Its kind.", "種別。"),
            kept("source", str | None, "The id of the source that it comes from.", "登録元のID。"),
            kept("localId", str | None, "Its id there.", "登録元でのID。"),
            kept(
                "profile",
                str | None,
                "The profile that it says it follows, with its version.",
                "従っているプロファイルと版。",
            ),
            told(
                "scope",
                self.scope | None,
                DrawnOf("scope"),
                ("The scope in which it lies, which says who may see it.", "所属するスコープ（閲覧範囲を定める）。"),
            ),
            kept("status", str | None, "public, suppressed, private, draft or quarantined.", "公開状態。"),
            kept("revision", int | None, "The number of the revision that is told.", "表示している版の番号。"),
            kept(
                "newest",
                int | None,
                "The number that the next revision is based on; greater than `revision` where a newer one is in quarantine, which writers are told.",
                "次の版の基になる番号。",
            ),
            kept("created", str | None, "When it was first entered here.", "本カタログへの登録日時。"),
            kept("modified", str | None, "When it was last changed here.", "本カタログでの最終更新日時。"),
            told(
                "entry",
                self.entry | None,
                DrawnOf("entry"),
                ("How this revision was entered.", "この版が登録された経緯。"),
            ),
            told(
                "findings",
                listed(self.finding) | None,
                DrawnOf("findings"),
                (
                    "What the last check found, for those who write here; else null.",
                    "検証結果（書き込み権限のある人だけ）。",
                ),
            ),
            told(
                "files",
                self.files | None,
                DrawnOf("files"),
                (
                    "Its files in the order of their paths; null for who may not have them, and for what has none.",
                    "ファイルの一覧（パス順）。取得できない場合は null。",
                ),
                *page_arguments(),
            ),
            told(
                "revisions",
                self.revisions | None,
                DrawnOf("revisions"),
                ("Its revisions that the asker may see, newest first.", "閲覧できる版（新しい順）。"),
                *page_arguments(),
            ),
            told(
                "submitted",
                JSON | None,
                DrawnOf("submitted"),
                ("The body as it was submitted, as far as the asker may see it.", "登録された本文（閲覧できる範囲）。"),
            ),
            told("turtle", str | None, DrawnOf("turtle"), ("As RDF in Turtle.", "Turtle形式のRDF。")),
            told("jsonLd", JSON | None, DrawnOf("jsonLd"), ("As RDF in JSON-LD.", "JSON-LD形式のRDF。")),
            told(
                "myRights",
                list[str] | None,
                DrawnOf("myRights"),
                ("What the asker may do with it: read, download, write, share, manage, run.", "自分が持つ権限。"),
            ),
            self._by_name("attribute", self.kinds[next(iter(self.kinds))].field["attributes"], None),
        ]

    @cached_property
    def _along_any(self) -> list[StrawberryField]:
        def along(name: str, direction: Any, en: str, ja: str) -> StrawberryField:
            return told(
                name,
                self.link_pages[None][0] | None,
                AlongLinks(None, direction),
                (en, ja),
                argument("field", str | None, ("Only along this field.", "この項目のリンクだけ。")),
                argument("kinds", list[str] | None, ("Only to or from records of these kinds.", "この種別だけ。")),
                self.filters.where(None),
                self._role,
                self.filters.order_by(None),
                *page_arguments(),
            )

        return [
            along(
                "outgoing", "out", "All links from it, to records and to IRIs outside.", "このレコードからの全リンク。"
            ),
            along("incoming", "in", "All links to it.", "このレコードへの全リンク。"),
        ]

    @cached_property
    def _role(self) -> StrawberryArgument:
        return argument("role", str | None, ("Only links with this role.", "この役割のリンクだけ。"))

    def _by_name(self, name: str, field: Field, kind: Kind | None) -> StrawberryField:
        return told(
            name,
            self._object(field, kind) | None,
            InBody(field.name, "object", many=True, named=True),
            (f"The first of `{field.name}` of this name.", f"{field.name} のうち、この名前の最初のもの。"),
            argument("name", str, ("The name, as the source writes it.", "登録元の表記による名前。")),
            argument("in", str | None, UNIT),
        )

    def _field(self, name: str, field: Field, kind: Kind | None = None, *, inside: bool = False) -> StrawberryField:
        words = _words_of(field)
        if field.private:
            words = (f"{words[0]} Told to those who write here.", f"{words[1]}書き込み権限のある人だけが読める。")
        if field.enum:
            values = ", ".join(map(str, field.enum))
            words = (f"{words[0]} One of: {values}.", f"{words[1]}値: {values}。")
        if field.form == "links":
            if inside:
                return told(name, listed(self.link) | None, InBody(field.name, "links", many=True), words)
            target = field.kinds[0] if len(field.kinds) == 1 else None
            return told(
                name,
                self.link_pages[target][0] | None,
                AlongLinks(field.name, "out", field.kinds),
                words,
                self.filters.where(target),
                self._role,
                self.filters.order_by(target),
                *page_arguments(),
            )
        arguments: list[StrawberryArgument] = []
        form: Any = field.form
        made: Any
        match field.form:
            case "text":
                made, form = str, "texts" if field.many else "text"
                arguments = [argument("language", str | None, LANGUAGE)]
            case "date":
                made = self.date
            case "quantity":
                made = self.quantity
                arguments = [argument("in", str | None, UNIT)]
            case "term":
                made = self.term
            case "object":
                made = self._object(field, kind)
            case "json":
                made = JSON
            case _:
                form = "json" if field.scalar == "mixed" else "plain"
                made = _SCALAR[field.scalar or "string"]
        type_ = listed(made) if field.many else made
        return told(name, type_ | None, InBody(field.name, form, field.many), words, *arguments)

    def _object(self, field: Field, kind: Kind | None) -> type:
        """The type of an object in a body; what looks alike and is defined alike shares one."""
        name = pascal(field.definition or field.rdf_type or field.name)
        shared = field.definition is not None or field.name in self.common
        key = (name, None if shared or kind is None else kind.name, *(shape(each) for each in field.fields))
        if key in self.nested:
            return self.nested[key]
        # What one kind alone says, and not by a definition of its own, bears the name of the kind.
        if kind is not None and (not shared or name in self.declared):
            of = pascal(kind.name)
            name = of + (name if of + name not in self.declared else pascal(field.name))
        made = self.declare(legal(name, f"the field {field.name}"), f"what the field {field.name} holds")
        self.nested[key] = made
        inner: dict[str, StrawberryField] = {}
        for each in field.fields:
            told_as = legal(each.name, f"the field {field.name}")
            inner[told_as] = self._field(told_as, each, kind, inside=True)
        define(made, list(inner.values()), _words_of(field))
        return made

    # --- lists

    def _define_pages(self, kind: str | None) -> None:
        node: Any = self.record if kind is None else self.of_kind[kind]
        of = ("records", "レコード") if kind is None else (self.kinds[kind].plural, _kind_ja(self.kinds[kind]))
        page, edge = self.pages[kind]
        link_page, link_edge = self.link_pages[kind]
        cursor = told("cursor", str, EdgeOf("cursor"), ("Its place in the list.", "一覧での位置。"))
        define(
            edge,
            [cursor, told("node", node, EdgeOf("node"), ("The record.", "レコード。"))],
            (f"A place in a list of {of[0]}.", f"{of[1]}の一覧の要素。"),
        )
        define(page, self._page(node, edge), (f"A page of {of[0]}.", f"{of[1]}の一覧。"))
        define(
            link_edge,
            [
                cursor,
                told(
                    "node",
                    node | None,
                    EdgeOf("node"),
                    ("The record at its end; null outside this catalogue.", "リンク先のレコード（外部なら null）。"),
                ),
                told("to", str, EdgeOf("to"), ("The id or the IRI at its end.", "リンク先のIDまたはIRI。")),
                told("field", str, EdgeOf("field"), ("The field that links.", "リンクの項目。")),
                told("role", str | None, EdgeOf("role"), ("The part that the target plays.", "リンク先の役割。")),
                told("port", str | None, EdgeOf("port"), ("The port that it is bound to.", "結び付くポート。")),
                told(
                    "order",
                    Long | None,
                    EdgeOf("order"),
                    ("Its place among the links of the field.", "同じ項目のリンクの中での順番。"),
                ),
                told("predicate", str | None, EdgeOf("predicate"), ("The name of the relation.", "関係の名前。")),
                told("from", str | None, EdgeOf("from"), ("From when it holds.", "関係が成り立つ始まり。")),
                told("until", str | None, EdgeOf("until"), ("Until when it holds.", "関係が成り立つ終わり。")),
                told("note", str | None, EdgeOf("note"), ("A remark on it.", "補足の説明。")),
                told("by", str | None, EdgeOf("by"), ("Who says so.", "この関係を述べた人や組織。")),
            ],
            (f"A link to or from one of the {of[0]}.", f"{of[1]}とのリンク。"),
        )
        define(link_page, self._page(node, link_edge), (f"A page of links with {of[0]}.", f"{of[1]}とのリンクの一覧。"))

    def _page(self, node: Any, edge: Any) -> list[StrawberryField]:
        return [
            told(
                "nodes",
                listed(node),
                PageOf("nodes"),
                ("The records, without what the list says of each.", "レコードだけの並び。"),
            ),
            told(
                "edges",
                listed(edge),
                PageOf("edges"),
                ("The records with their places and links.", "位置とリンクの情報を含む並び。"),
            ),
            told(
                "pageInfo",
                self.page_info,
                PageOf("pageInfo"),
                ("Where the page begins and ends.", "ページの始まりと終わり。"),
            ),
            told(
                "totalCount",
                int,
                PageOf("totalCount"),
                ("How many there are in all that the asker may see.", "閲覧できる総数。"),
            ),
            told(
                "totalIsExact",
                bool,
                PageOf("totalIsExact"),
                (
                    "Whether the total is the whole number; else there are at least as many.",
                    "総数が正確か（false なら下限）。",
                ),
            ),
        ]

    # --- what stands in records

    def _define_parts(self) -> None:
        def part(name: str, type_: Any, en: str, ja: str, *arguments: StrawberryArgument) -> StrawberryField:
            return told(name, type_, Part(name), (en, ja), *arguments)

        def plain(name: str, type_: Any, en: str, ja: str, form: Any = "plain") -> StrawberryField:
            return told(name, type_, InBody(name, form), (en, ja))

        def worded(name: str, en: str, ja: str) -> StrawberryField:
            return told(name, str | None, InBody(name, "text"), (en, ja), argument("language", str | None, LANGUAGE))

        def several(name: str, type_: Any, en: str, ja: str) -> StrawberryField:
            return told(name, listed(type_) | None, InBody(name, "object", many=True), (en, ja))

        define(
            self.page_info,
            [
                told("hasNextPage", bool, PageInfoOf("hasNextPage"), ("Whether the list goes on.", "続きがあるか。")),
                told(
                    "hasPreviousPage",
                    bool,
                    PageInfoOf("hasPreviousPage"),
                    ("Whether something comes before.", "前があるか。"),
                ),
                told("startCursor", str | None, PageInfoOf("startCursor"), ("The place of the first.", "先頭の位置。")),
                told(
                    "endCursor",
                    str | None,
                    PageInfoOf("endCursor"),
                    ("The place of the last; give it as `after`.", "末尾の位置（after に指定する）。"),
                ),
            ],
            ("Where a page begins and ends.", "ページの始まりと終わり。"),
        )
        define(
            self.date,
            [
                part(
                    "text",
                    str,
                    "As it was submitted: a time, day, month, year or interval, or why there is none.",
                    "登録された表記。",
                ),
                part("from", str | None, "The instant at which it begins, in UTC.", "始まりの時刻（UTC）。"),
                part(
                    "until",
                    str | None,
                    "The instant before which it ends, in UTC.",
                    "終わりの時刻（UTC、これを含まない）。",
                ),
                part("missing", str | None, "Why there is no date: not collected, …", "日付がない理由。"),
            ],
            ("A date with its bounds.", "日付とその範囲。"),
        )
        define(
            self.quantity,
            [
                part("value", float | None, "The number.", "数値。"),
                part("min", float | None, "The lower end of a range.", "範囲の下限。"),
                part("max", float | None, "The upper end of a range.", "範囲の上限。"),
                part(
                    "uncertainty",
                    float | None,
                    "The standard uncertainty, in the same unit.",
                    "同じ単位で表した標準不確かさ。",
                ),
                part("unit", str, "The unit in which it is told.", "表示している単位。"),
                part("note", str | None, "A remark on it.", "補足の説明。"),
                part("si", float | None, "The number in SI units.", "SI単位での数値。"),
                part("siMin", float | None, "The lower end in SI units.", "SI単位での下限。"),
                part("siMax", float | None, "The upper end in SI units.", "SI単位での上限。"),
                part("siUnit", str | None, "The SI unit.", "SI単位。"),
                part("kind", str | None, "What is measured, where the unit says so: Length, Energy.", "量の種類。"),
            ],
            ("A number or a range with its unit.", "単位をもつ数値または範囲。"),
        )
        define(
            self.term,
            [
                part("term", str | None, "The IRI of the term.", "用語のIRI。"),
                part(
                    "label",
                    str | None,
                    "What the source calls it.",
                    "登録元での呼び名。",
                    argument("language", str | None, LANGUAGE),
                ),
                part("text", str | None, "The plain word that stands in its place.", "用語の代わりに書かれた語。"),
            ],
            (
                "A term of a vocabulary or ontology, or a plain word where one may stand.",
                "語彙・オントロジーの用語、または語。",
            ),
        )
        define(
            self.link,
            [
                plain("to", str, "The id or the IRI that it points to.", "リンク先のIDまたはIRI。"),
                *(
                    plain(name, type_ | None, en, ja)
                    for name, type_, en, ja in (
                        ("role", str, "The part that the target plays.", "リンク先の役割。"),
                        ("port", str, "The port that it is bound to.", "結び付くポート。"),
                        ("order", Long, "Its place among the links of the field.", "同じ項目のリンクの中での順番。"),
                        ("predicate", str, "The name of the relation.", "関係の名前。"),
                        ("from", str, "From when it holds.", "関係が成り立つ始まり。"),
                        ("until", str, "Until when it holds.", "関係が成り立つ終わり。"),
                        ("note", str, "A remark on it.", "補足の説明。"),
                        ("by", str, "Who says so.", "この関係を述べた人や組織。"),
                    )
                ),
            ],
            ("A link inside an object, as it was submitted.", "オブジェクト内のリンク（登録されたまま）。"),
        )
        define(
            self.step,
            [plain("id", ID, "Its id.", "ID。"), worded("title", "Its title.", "名前。")],
            ("A scope on the way from the root.", "最上位からの経路にあるスコープ。"),
        )
        define(
            self.scope,
            [
                plain("id", ID, "Its id.", "ID。"),
                worded("title", "Its title.", "名前。"),
                several(
                    "path", self.step, "The scopes from the root to this one.", "最上位からこのスコープまでの経路。"
                ),
            ],
            ("Where records lie; who may see them follows from it.", "レコードの所属先。閲覧範囲を定める。"),
        )
        define(
            self.finding,
            [
                plain("pointer", str, "Where: a JSON pointer into the body.", "本文中の位置（JSONポインタ）。"),
                plain("rule", str, "The rule that is broken.", "違反した規則。"),
                plain("severity", str, "violation, warning or info.", "重大さ（violation、warning、info）。"),
                plain(
                    "breaks",
                    str | None,
                    "What it breaks: kind, profile or nothing.",
                    "何に違反するか（kind、profile、nothing）。",
                ),
                worded("message", "What is wrong.", "内容。"),
                told(
                    "near",
                    list[str] | None,
                    InBody("near", "plain", many=True),
                    ("Names that may have been meant.", "近い候補。"),
                ),
            ],
            ("One thing that is wrong with a record, and where.", "レコードの問題点とその位置。"),
        )
        define(
            self.entry,
            [
                plain("number", int, "The number of the revision.", "版の番号。"),
                plain("at", str | None, "When it was entered.", "登録日時。"),
                plain(
                    "by",
                    str | None,
                    "Who entered it; told to those who write here.",
                    "登録した人（書き込み権限のある人だけ）。",
                ),
                plain("load", str | None, "The load that it came with.", "一緒に登録された一括登録。"),
                plain(
                    "agent", str | None, "The device or program as which it was entered.", "登録した装置やプログラム。"
                ),
            ],
            ("How a revision was entered.", "版が登録された経緯。"),
        )
        define(
            self.checksum,
            [plain("algorithm", str, "By which algorithm.", "アルゴリズム。"), plain("value", str, "The sum.", "値。")],
            ("A checksum of a file.", "ファイルのチェックサム。"),
        )
        define(
            self.location,
            [
                plain(name, str | None, en, ja)
                for name, en, ja in (
                    ("address", "Where the bytes are.", "所在。"),
                    ("facility", "The facility that keeps them.", "保管している施設。"),
                    ("storageClass", "On what they are kept.", "保存先の種類。"),
                    ("state", "Whether they can be read now.", "現在読み出せるか。"),
                    ("stateUntil", "Until when that holds.", "その状態の期限。"),
                    ("verifiedAt", "When they were last looked at.", "最終確認日時。"),
                    ("permission", "Who may read them there.", "そこでの読み出し権限。"),
                )
            ],
            ("A place where a file's bytes are.", "ファイルの所在。"),
        )
        define(
            self.file,
            [
                plain("path", str, "Its path in the dataset.", "データセット内のパス。"),
                plain("size", Long | None, "Its size in bytes.", "サイズ（バイト）。"),
                plain("mediaType", str | None, "Its media type.", "メディアタイプ。"),
                plain("format", str | None, "Its format.", "形式。"),
                plain("role", str | None, "What it is for.", "役割。"),
                plain("modifiedAt", str | None, "When it was last changed.", "最終更新日時。"),
                plain("order", Long | None, "Its place among the files of its role.", "順番。"),
                plain("paired", str | None, "The file that it makes a pair with.", "対になるファイル。"),
                several("checksums", self.checksum, "Its checksums.", "チェックサム。"),
                several("locations", self.location, "Where its bytes are.", "所在。"),
            ],
            ("A file of a dataset.", "データセットのファイル。"),
        )
        define(
            self.revision,
            [
                plain("number", int, "Its number.", "番号。"),
                plain("at", str, "When it was entered.", "登録日時。"),
                plain("profile", str | None, "The profile that it says it follows.", "従っているプロファイル。"),
                plain("scope", str, "The scope in which it was entered.", "登録時のスコープ。"),
                plain(
                    "hash",
                    str | None,
                    "A hash of its body, for those who write here.",
                    "本文のハッシュ（書き込み権限のある人だけ）。",
                ),
                plain("shown", bool, "Whether it is the one that is shown.", "現在表示されている版か。"),
                plain("quarantined", bool, "Whether it waits in quarantine.", "隔離中か。"),
                plain("expunged", str | None, "When its body was expunged.", "本文が抹消された日時。"),
                plain(
                    "by",
                    str | None,
                    "Who entered it, for those who write here.",
                    "登録した人（書き込み権限のある人だけ）。",
                ),
                plain(
                    "agent", str | None, "The device or program as which it was entered.", "登録した装置やプログラム。"
                ),
            ],
            ("A revision of a record.", "レコードの版。"),
        )
        for page, row, of in (
            (self.files, self.file, ("files", "ファイル")),
            (self.revisions, self.revision, ("revisions", "版")),
        ):
            define(
                page,
                [
                    told(
                        "nodes",
                        listed(row),
                        InBody("nodes", "object", many=True),
                        (f"The {of[0]}.", f"{of[1]}の並び。"),
                    ),
                    told(
                        "pageInfo",
                        self.page_info,
                        InBody("pageInfo", "object"),
                        ("Where the page begins and ends.", "ページの始まりと終わり。"),
                    ),
                    plain(
                        "totalCount",
                        int | None,
                        "How many there are in all, where that is known.",
                        "総数（分かる場合）。",
                    ),
                ],
                (f"A page of {of[0]}.", f"{of[1]}の一覧。"),
            )


_SCALAR: Final[Mapping[str, Any]] = {
    "string": str, "integer": Long, "number": float, "boolean": bool, "mixed": JSON
}  # fmt: skip


def _id() -> StrawberryField:
    return told("id", ID, KeptOf("id"), ("Its id: kind, source and local id.", "ID（種別/登録元/ローカルID）。"))


def _words_of(one: Field | Kind) -> Words:
    return (
        one.descriptions.get("en") or one.titles.get("en", ""),
        one.descriptions.get("ja") or one.titles.get("ja", ""),
    )


def _en(field: Field) -> str:
    return _words_of(field)[0]


def _title_ja(field: Field) -> str:
    return field.titles.get("ja") or field.name


def _kind_ja(kind: Kind) -> str:
    return kind.titles.get("ja") or kind.name
