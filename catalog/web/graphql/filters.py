"""Filters and orders as inputs, made from the kinds; and what is asked with them, as conditions of a question."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, Literal

import strawberry
from strawberry import ID
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from catalog.errors import Invalid
from catalog.questions.question import (
    OPERATORS,
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Direction,
    Exists,
    Holds,
    InScope,
    Inside,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Operator,
    Or,
    Order,
    Place,
    Scalar,
    Termed,
)
from catalog.questions.vocabulary import Field as AskedField
from catalog.questions.vocabulary import Sort, Vocabulary, vocabulary_of
from catalog.questions.written import any_of, date_of, dated, identified, measured, written_at
from catalog.records.identifiers import encode_local
from catalog.records.kinds import Field, Kind, Kinds
from catalog.web.graphql.definitions import Long, Words, argument, define, listed, taken
from catalog.web.graphql.given import all_bound, bound
from catalog.web.graphql.naming import common_fields, field_names, inverses, pascal
from catalog.web.graphql.naming import shape as type_shape

Input = type
# How a member of a filter becomes a condition: what was written for it, the member's name, the kinds that are asked about.
Reading = Callable[[Any, str, Vocabulary], Condition | None]


# The members of an object as they are called, each with its name in the body, and the shape of what it holds if that is an object.
Shape = Mapping[str, tuple[str, "Shape | None"]]


@dataclass(frozen=True)
class Filters:
    """The inputs by kind, for any kind under None; and how what they were given is read."""

    type: Mapping[str | None, Input]
    order: Mapping[str | None, Input]
    members: Mapping[str | None, Mapping[str, Reading]]
    ordered: Mapping[str | None, Mapping[str, str]]  # fields by what they are called in an order
    _arguments: dict[tuple[str, str | None], StrawberryArgument] = part(default_factory=dict)

    def where(self, kind: str | None) -> StrawberryArgument:
        """The argument that narrows a list."""
        words = ("Which records.", "対象のレコード。")
        return self._argument("where", kind, lambda: self.type[kind] | None, words)

    def order_by(self, kind: str | None) -> StrawberryArgument:
        """The argument that orders a list."""
        words = (
            "In what order, by at most three; what has no value comes last. Else by id, and links as the record lists them.",
            "並び順（3項目まで、値のないものは最後）。指定しなければIDの順、リンクはレコードに書かれた順。",
        )
        return self._argument("orderBy", kind, lambda: listed(self.order[kind]) | None, words)

    def _argument(self, name: str, kind: str | None, type_: Callable[[], Any], words: Words) -> StrawberryArgument:
        # Hundreds of fields take the same one, and each would be worked out anew.
        if (name, kind) not in self._arguments:
            self._arguments[name, kind] = argument(name, type_(), words)
        return self._arguments[name, kind]

    def condition_from(
        self, value: Mapping[str, Any] | None, kind: str | None, vocabulary: Vocabulary
    ) -> Condition | None:
        """What a filter asks, as it was written (names and values as GraphQL coerces them); None: nothing."""
        parts = list(self._parts(value or {}, kind, vocabulary))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def orders_from(self, value: Sequence[Mapping[str, Any]] | None, kind: str | None) -> tuple[Order, ...]:
        """The orders that were asked for."""
        names = self.ordered[kind]
        return tuple(
            Order(names[_plain(each["by"])], bool(each.get("descending")), each.get("language")) for each in value or ()
        )

    def _parts(self, value: Mapping[str, Any], kind: str | None, vocabulary: Vocabulary) -> Iterator[Condition]:
        for name, written in value.items():
            if written is None:
                continue
            match name:
                case "and":
                    for each in written:
                        if (inner := self.condition_from(each, kind, vocabulary)) is not None:
                            yield inner
                case "or":
                    yield Or(tuple(_demanded(name, self.condition_from(each, kind, vocabulary)) for each in written))
                case "not":
                    yield Not(_demanded(name, self.condition_from(written, kind, vocabulary)))
                case _:
                    if (read := self.members[kind][name](written, name, vocabulary)) is not None:
                        yield read


def filters_of(kinds: Kinds, declare: Callable[[str, str], type]) -> Filters:
    """The filters and orders for these kinds, made with names that nothing else bears."""
    return _Making(kinds, declare).filters()


def _title(one: Field | Kind, language: str) -> str:
    return one.titles.get(language) or one.titles.get("en") or one.name


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _demanded(name: str, condition: Condition | None) -> Condition:
    if condition is None:
        raise Invalid(
            f"{name}: a filter in it says nothing, and nothing would be left to tell apart",
            ja=f"{name}: 中の条件が空です",
        )
    return condition


def _all(name: str, parts: Sequence[Condition]) -> Condition | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _given(written: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What was given, or Invalid for a null: `eq: null` might as well mean that there is no value as that nothing is asked."""
    for operator, value in written.items():
        if value is None:
            raise Invalid(
                f"{name}.{operator}: null says nothing; leave it out, or ask for `exists: false`",
                ja=f"{name}.{operator}: null は指定できません。省略するか exists: false を使ってください",
            )
    return dict(written)


# --- what is asked of values


def _compared(field: str) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        given = _given(written, name)
        language = given.pop("language", None)
        parts: list[Condition] = []
        for operator, value in given.items():
            if operator == "exists":
                parts.append(Exists(field) if value else Not(Exists(field)))
            else:
                parts.append(Compare(field, _operator(operator), _value(value), language))
        return _all(name, parts)

    return read


def _operator(name: str) -> Operator:
    return next(each for each in OPERATORS if each == name)


def _value(value: Any) -> Scalar | tuple[Scalar, ...]:
    return all_bound(value) if isinstance(value, list) else bound(value)


def _when(field: str) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        parts: list[Condition] = []
        for operator, value in _given(written, name).items():
            match operator:
                case "overlaps":
                    bounds = _given(value, f"{name}.overlaps")
                    start = date_of(f"{name}.from", bounds["from"]).from_ if "from" in bounds else None
                    end = date_of(f"{name}.until", bounds["until"]).until if "until" in bounds else None
                    parts.append(Dated(field, "overlaps", start, end))
                case "before":
                    parts.append(dated(field, "lt", date_of(name, value)))
                case "after":
                    parts.append(dated(field, "gt", date_of(name, value)))
                case "missing":
                    parts.append(Missing(field) if value else Not(Missing(field)))
                case "reason":
                    parts.append(Missing(field, value))
                case _:
                    parts.append(Exists(field) if value else Not(Exists(field)))
        return _all(name, parts)

    return read


def _how_much(field: str) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        given = _given(written, name)
        exists = given.pop("exists", None)
        parts: list[Condition] = []
        if exists is not None:
            parts.append(Exists(field) if exists else Not(Exists(field)))
        if given:
            parts.append(_between(given, name, field, "field"))
        return _all(name, parts)

    return read


def _between(given: Mapping[str, Any], name: str, called: str, place: Place) -> Measured:
    if "min" not in given and "max" not in given:
        raise Invalid(f"{name}: say min or max", ja=f"{name}: min か max を指定してください")
    return measured(name, called, place, given.get("min"), given.get("max"), given.get("in", "1"))


def _named_quantity(place: Literal["condition", "anywhere"]) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        given = _given(written, name)
        called = given.pop("name")
        if "exists" in given:
            present = given.pop("exists")
            held = Measured(called, place)
            if not present:
                if given:
                    raise _absent_and_more(name)
                return Not(held)
            if not given:
                return held
        return _between(given, name, called, place) if given else Measured(called, place)

    return read


def _absent_and_more(name: str) -> Invalid:
    return Invalid(
        f"{name}: what is not there has no value; leave the rest out, or exists",
        ja=f"{name}: exists: false と他の条件は同時に指定できません",
    )


def _attribute(written: Mapping[str, Any], name: str, vocabulary: Vocabulary) -> Condition | None:
    given = _given(written, name)
    called = given.pop("name")
    present = given.pop("exists", True)
    if not given:
        held = Or((Attributed(called), Measured(called, "attribute")))
        return held if present else Not(held)
    if not present:
        raise _absent_and_more(name)
    parts: list[Condition] = []
    measures: dict[str, Any] = {key: given.pop(key) for key in ("min", "max", "in") if key in given}
    if measures:
        parts.append(_between(measures, name, called, "attribute"))
    if "eq" in given:
        parts.append(Attributed(called, "eq", bound(given["eq"])))
    if "among" in given:
        parts.append(Attributed(called, "in", all_bound(given["among"])))
    if "prefix" in given:
        parts.append(Attributed(called, "prefix", bound(given["prefix"])))
    if "term" in given:
        asked = _given(given["term"], f"{name}.term")
        below = asked.pop("below", True)
        iris = [vocabulary.iri(name, term) for term in asked.pop("in", ())]
        every = [vocabulary.iri(name, term) for term in asked.pop("all", ())]
        if "exists" in asked or "words" in asked or not (iris or every):
            raise Invalid(f"{name}.term: say in, or all", ja=f"{name}.term: in か all を指定してください")
        if iris:
            parts.append(any_of([Attributed(called, term=iri, below=below) for iri in iris]))
        parts += [Attributed(called, term=iri, below=below) for iri in every]
    return _all(name, parts)


def _terms(field: str | None) -> Reading:
    def read(written: Mapping[str, Any], name: str, vocabulary: Vocabulary) -> Condition | None:
        given = _given(written, name)
        below = given.pop("below", True)
        parts: list[Condition] = []
        for operator, value in given.items():
            if operator == "in":
                parts.append(Termed(field, tuple(vocabulary.iri(name, term) for term in value), below))
            elif operator == "all":
                parts += [Termed(field, (vocabulary.iri(name, term),), below) for term in value]
            elif field is not None and operator == "words":
                parts.append(Compare(field, "in", all_bound(value)))
            elif field is not None:
                parts.append(Exists(field) if value else Not(Exists(field)))
        return _all(name, parts)

    return read


def _held(field: str, shape: Shape | None) -> Reading:
    """What is asked of an object of the body, or of one in a list; without a shape of the items of the list themselves."""

    def of_object(written: Mapping[str, Any], of: Shape, path: tuple[str, ...], name: str) -> Iterator[Inside]:
        for key, value in written.items():
            if key not in of:
                yield Inside(path, "exists" if value else "missing")
            elif value is not None:
                told, inner = of[key]
                below = (*path, told)
                called = f"{name}.{key}"
                yield from of_value(value, below, called) if inner is None else of_object(value, inner, below, called)

    def of_value(written: Mapping[str, Any], path: tuple[str, ...], name: str) -> Iterator[Inside]:
        given = _given(written, name)
        language = given.pop("language", None)
        for operator, value in given.items():
            if operator == "exists":
                yield Inside(path, "exists" if value else "missing")
            else:
                yield Inside(path, _operator(operator), _value(value), language)

    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        given = dict(written)
        present = given.pop("exists", None) if shape is None or "exists" not in shape else None
        asked = tuple(of_value(given, (), name) if shape is None else of_object(given, shape, (), name))
        parts: list[Condition] = [Holds(field, asked)] if asked else []
        if present is not None:
            parts.append(Holds(field) if present else Not(Holds(field)))
        return _all(name, parts)

    return read


# --- what is asked of the record itself


def _of_record(attribute: Literal["id", "source", "localId", "profile", "formats"]) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        parts: list[Condition] = []
        for operator, value in _given(written, name).items():
            if attribute == "localId" and operator in ("eq", "ne", "in"):
                value = [encode_local(each) for each in value] if operator == "in" else encode_local(value)
            parts.append(OfRecord(attribute, _operator(operator), _value(value)))
        return _all(name, parts)

    return read


def _at(attribute: Literal["created", "modified"]) -> Reading:
    def read(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
        given = _given(written, name).items()
        return _all(name, [written_at(name, attribute, _operator(key), date_of(name, value)) for key, value in given])

    return read


def _scope(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
    given = _given(written, name)
    return InScope(bound(given["id"]), given.get("below", True))


def _identifier(written: Mapping[str, Any], name: str, _: Vocabulary) -> Condition | None:
    given = _given(written, name)
    return any_of(identified(given.get("scheme", ""), given["value"]))


# --- the inputs


class _Making:
    def __init__(self, kinds: Kinds, declare: Callable[[str, str], type]) -> None:
        self.kinds = kinds
        self.declare = declare
        self.vocabulary = vocabulary_of(kinds)
        self.common = common_fields(kinds)
        self.types: dict[str | None, type] = {}
        self.orders: dict[str | None, type] = {}
        self.members: dict[str | None, dict[str, Reading]] = {}
        self.ordered: dict[str | None, dict[str, str]] = {}
        self.links: dict[tuple[str, ...], tuple[type, type]] = {}
        self.objects: dict[tuple[object, ...], tuple[type, Shape]] = {}
        self.named_objects: set[str] = set()
        self.made = Filters(self.types, self.orders, self.members, self.ordered)

    def filters(self) -> Filters:
        self._declare_values()
        for kind in (None, *self.kinds):
            name = "Record" if kind is None else pascal(kind)
            self.types[kind] = self.declare(f"{name}Filter", "filters")
            self.orders[kind] = self.declare(f"{name}Order", "orders")
        for each in (None, *self.kinds.values()):
            self._define_filter(each)
            self._define_order(each)
        return self.made

    def input(self, name: str, members: Sequence[StrawberryField], words: Words) -> type:
        return define(self.declare(name, "filters"), members, words, is_input=True)

    def _declare_values(self) -> None:
        exists = taken("exists", bool | None, ("Whether there is a value.", "値があるか。"))

        def order_members(type_: Any) -> list[StrawberryField]:
            return [
                taken("eq", type_ | None, ("It is this.", "等しい。")),
                taken("ne", type_ | None, ("It is something else.", "異なる。")),
                taken("in", listed(type_) | None, ("It is one of these.", "いずれかに等しい。")),
                taken("lt", type_ | None, ("It is less.", "より小さい。")),
                taken("le", type_ | None, ("It is at most this.", "以下。")),
                taken("gt", type_ | None, ("It is more.", "より大きい。")),
                taken("ge", type_ | None, ("It is at least this.", "以上。")),
            ]

        prefix = taken("prefix", str | None, ("It begins with this.", "前方一致。"))
        language = taken(
            "language", str | None, ("In this language (en, ja); else as texts fall back.", "言語（en、ja）。")
        )
        self.text = self.input(
            "TextFilter",
            [*order_members(str), prefix, language, exists],
            ("Of a text. All that is said holds.", "文章の条件。"),
        )
        self.string = self.input(
            "StringFilter", [*order_members(str), prefix, exists], ("Of words in no language.", "文字列の条件。")
        )
        self.strings = self.input(
            "StringListFilter",
            [
                taken("eq", str | None, ("It holds this.", "これを含む。")),
                taken("in", list[str] | None, ("It holds one of these.", "いずれかを含む。")),
                exists,
            ],
            ("Of a list of words.", "文字列の並びの条件。"),
        )
        self.integer = self.input("LongFilter", [*order_members(Long), exists], ("Of a whole number.", "整数の条件。"))
        self.number = self.input("FloatFilter", [*order_members(float), exists], ("Of a number.", "数値の条件。"))
        self.boolean = self.input(
            "BooleanFilter",
            [
                taken("eq", bool | None, ("It is this.", "等しい。")),
                taken("ne", bool | None, ("It is the other.", "異なる。")),
                exists,
            ],
            ("Of what is true or false.", "真偽値の条件。"),
        )
        of_record = [
            taken("eq", str | None, ("It is this.", "等しい。")),
            taken("ne", str | None, ("It is something else.", "異なる。")),
            taken("in", list[str] | None, ("It is one of these.", "いずれかに等しい。")),
            prefix,
        ]
        self.id = self.input("IdFilter", of_record, ("Of an id.", "IDの条件。"))
        self.formats = self.input(
            "FormatsFilter",
            [
                taken("eq", str | None, ("Files of this format.", "この形式のファイルがある。")),
                taken("in", list[str] | None, ("Files of one of these formats.", "いずれかの形式のファイルがある。")),
            ],
            ("Of the formats of its files.", "ファイルの形式の条件。"),
        )
        self.time = self.input(
            "TimeFilter",
            [
                taken("eq", str | None, ("In this time, day, month or year.", "この日時・日・月・年。")),
                taken("lt", str | None, ("Before it.", "より前。")),
                taken("le", str | None, ("Before it or in it.", "以前。")),
                taken("gt", str | None, ("After it.", "より後。")),
                taken("ge", str | None, ("In it or after it.", "以後。")),
            ],
            (
                "Of the time at which something was done here: 2026-05, 2026-05-10T12:00:00Z.",
                "本カタログでの日時の条件。",
            ),
        )
        interval = self.input(
            "DateInterval",
            [
                taken("from", str | None, ("From the beginning of this: 2026-05.", "始まり（2026-05 など）。")),
                taken("until", str | None, ("Until the end of this.", "終わり（この期間の終わりまで）。")),
            ],
            ("A time with its ends; one left out is open.", "期間（省略した側は無制限）。"),
        )
        self.date = self.input(
            "DateFilter",
            [
                taken("overlaps", interval | None, ("It shares an instant with this.", "期間が重なる。")),
                taken("before", str | None, ("It ends before this begins.", "これより前に終わる。")),
                taken("after", str | None, ("It begins after this ends.", "これより後に始まる。")),
                taken(
                    "missing",
                    bool | None,
                    ("Whether a reason stands in place of a date.", "日付の代わりに理由があるか。"),
                ),
                taken("reason", str | None, ("This reason stands in its place: not collected.", "日付がない理由。")),
                exists,
            ],
            ("Of a date, as an interval. All that is said holds.", "日付（期間）の条件。"),
        )
        between = [
            taken("min", float | None, ("It reaches this or more.", "下限。")),
            taken("max", float | None, ("It reaches this or less.", "上限。")),
            taken(
                "in",
                str | None,
                (
                    "The unit of min and max: keV, mmol/L; without one they have none.",
                    "min と max の単位（keV など）。",
                ),
            ),
            exists,
        ]
        self.quantity = self.input(
            "QuantityFilter",
            between,
            ("Of a quantity: it shares a value with this range.", "数量の条件（範囲と重なる）。"),
        )
        named = taken("name", str, ("The name, as sources write it.", "登録元の表記による名前。"))
        self.named = self.input(
            "NamedQuantityFilter", [named, *between], ("Of a quantity by its name.", "名前で指定した数量の条件。")
        )
        terms = [
            taken(
                "in",
                list[str] | None,
                ("One of these: an IRI, or a prefix and a name.", "いずれかの用語（IRIか短縮形）。"),
            ),
            taken("all", list[str] | None, ("All of these.", "すべての用語。")),
            taken("below", bool, ("Or one that lies below it.", "下位の用語も含める。"), True),
        ]
        self.any_term = self.input("AnyTermFilter", terms, ("Of the terms in any field.", "任意の項目の用語の条件。"))
        self.term = self.input(
            "TermValueFilter", [*terms, exists], ("Of a term, or of a list of them.", "用語の条件。")
        )
        words = taken("words", list[str] | None, ("One of these plain words.", "いずれかの語。"))
        self.words = self.input(
            "TermOrWordFilter",
            [*terms, words, exists],
            ("Of terms among which plain words may stand.", "用語または語の条件。"),
        )
        self.attribute = self.input(
            "AttributeFilter",
            [
                named,
                taken("eq", str | None, ("Its value is this.", "値が等しい。")),
                taken("among", list[str] | None, ("Its value is one of these.", "値がいずれかに等しい。")),
                prefix,
                taken("term", self.any_term | None, ("Its term.", "用語。")),
                *between,
            ],
            ("Of an attribute by its name.", "名前で指定した属性の条件。"),
        )
        self.scope = self.input(
            "ScopeFilter",
            [
                taken("id", ID, ("The scope.", "スコープ。")),
                taken("below", bool, ("Or one that lies below it.", "下位のスコープも含める。"), True),
            ],
            ("Of the scope in which it lies.", "所属するスコープの条件。"),
        )
        self.identifier = self.input(
            "IdentifierFilter",
            [
                taken("value", str, ("The identifier; `doi:10.1/x` names its scheme too.", "識別子。")),
                taken("scheme", str | None, ("Its scheme: doi, igsn.", "体系（doi、igsn など）。")),
            ],
            ("Of an identifier by which it is known elsewhere.", "識別子の条件。"),
        )

    def _define_filter(self, kind: Kind | None) -> None:
        key = None if kind is None else kind.name
        own = self.types[key]
        readings: dict[str, Reading] = {}
        fields: list[StrawberryField] = [
            taken("and", listed(own) | None, ("All of these hold.", "すべてを満たす。")),
            taken("or", listed(own) | None, ("At least one of these holds.", "いずれかを満たす。")),
            taken("not", own | None, ("This does not hold.", "満たさない。")),
        ]

        def add(name: str, type_: Any, reading: Reading, words: Words) -> None:
            fields.append(taken(name, type_ | None, words))
            readings[name] = reading

        add("id", self.id, _of_record("id"), ("Its id.", "ID。"))
        add("source", self.id, _of_record("source"), ("The source that it comes from.", "登録元。"))
        add("localId", self.id, _of_record("localId"), ("Its id there.", "登録元でのID。"))
        add("profile", self.id, _of_record("profile"), ("Its profile.", "プロファイル。"))
        add("scope", self.scope, _scope, ("The scope in which it lies.", "所属するスコープ。"))
        add("created", self.time, _at("created"), ("When it was first entered here.", "本カタログへの登録日時。"))
        add("modified", self.time, _at("modified"), ("When it was last changed here.", "本カタログでの最終更新日時。"))
        add("identifier", self.identifier, _identifier, ("An identifier that it has.", "識別子。"))
        add("formats", self.formats, _of_record("formats"), ("Formats of its files.", "ファイルの形式。"))
        add("attribute", self.attribute, _attribute, ("An attribute that it has.", "属性。"))
        add("condition", self.named, _named_quantity("condition"), ("A condition under which it was made.", "条件。"))
        add(
            "measured",
            self.named,
            _named_quantity("anywhere"),
            (
                "A quantity of this name, be it a field, a condition or an attribute.",
                "この名前の数量（項目・条件・属性のいずれか）。",
            ),
        )
        add("term", self.any_term, _terms(None), ("A term in any of its fields.", "任意の項目の用語。"))
        one = kind or next(iter(self.kinds.values()))
        for name, field in field_names(one).items():
            if kind is None and field.name not in self.common:
                continue
            words = (f"{_title(field, 'en')}.", f"{_title(field, 'ja')}の条件。")
            if field.form == "links":
                type_ = self._links(field.kinds)
                add(name, type_, self._linked(field.name, "out", field.kinds), words)
            elif (found := self._of_field(field, kind, self.vocabulary.kinds[one.name].fields[field.name])) is not None:
                add(name, *found, words)
        if kind is not None:
            for inverse in inverses(kind, self.kinds):
                towards = (inverse.kind.name,)
                reading = self._linked(inverse.field.name, "in", towards)
                words = (
                    f"The {inverse.kind.plural} that link here as {inverse.field.name}.",
                    f"{_title(inverse.field, 'ja')}としてここを指す{_title(inverse.kind, 'ja')}の条件。",
                )
                add(inverse.name, self._links(towards), reading, words)
        add(
            "outgoing",
            self._links(()),
            self._linked(None, "out", ()),
            ("Any link from it.", "ここからの任意のリンク。"),
        )
        add("incoming", self._links(()), self._linked(None, "in", ()), ("Any link to it.", "ここへの任意のリンク。"))
        self.members[key] = readings
        of = ("records", "レコード") if kind is None else (kind.plural, kind.titles.get("ja", kind.name))
        define(
            own,
            fields,
            (f"Which {of[0]}. All that is said holds.", f"{of[1]}の条件（すべてを満たす）。"),
            is_input=True,
        )

    def _of_field(self, field: Field, kind: Kind | None, asked: AskedField) -> tuple[type, Reading] | None:
        """The input for a field and how it is read; None for what cannot be compared."""
        if asked.private:
            # What only writers are told can't be asked for: whoever may ask could try until it agrees.
            return None
        match asked.sort:
            case "date":
                return self.date, _when(field.name)
            case "quantity":
                return self.quantity, _how_much(field.name)
            case "term" | "terms":
                return self.words if asked.words else self.term, _terms(field.name)
            case "other":
                if field.identifier or field.name == "attributes" or not asked.inside:
                    return None  # identifiers and attributes have filters of their own
                if (sort := asked.inside.get(())) is not None:
                    return self._of_sort("strings" if field.many and sort == "string" else sort), _held(
                        field.name, None
                    )
                made, shape = self._of_object(field, kind, asked.inside, ())
                return made, _held(field.name, shape)
        return self._of_sort(asked.sort), _compared(field.name)

    def _of_sort(self, sort: Sort) -> type:
        return {
            "text": self.text,
            "string": self.string,
            "strings": self.strings,
            "integer": self.integer,
            "number": self.number,
            "boolean": self.boolean,
        }[sort]

    def _of_object(
        self, field: Field, kind: Kind | None, inside: Mapping[tuple[str, ...], Sort], path: tuple[str, ...]
    ) -> tuple[type, Shape]:
        """The input for an object in a body; objects that are defined alike share it, as they share their type."""
        name = pascal(field.definition or field.rdf_type or field.name)
        shared = field.definition is not None or field.name in self.common
        key = (name, None if shared or kind is None else kind.name, *(type_shape(each) for each in field.fields))
        if key in self.objects:
            return self.objects[key]
        if kind is not None and (not shared or f"{name}Filter" in self.named_objects):
            name = pascal(kind.name) + name
        made = self.declare(f"{name}Filter", "filters")
        self.named_objects.add(f"{name}Filter")
        shape: dict[str, tuple[str, Shape | None]] = {}
        self.objects[key] = made, shape
        members: list[StrawberryField] = []
        for each in field.fields:
            here = (*path, each.name)
            sort = inside.get(here)
            if sort is None:
                continue
            words = (f"{_title(each, 'en')}.", f"{_title(each, 'ja')}の条件。")
            if sort == "other":
                type_, inner = self._of_object(each, kind, inside, here)
            else:
                type_, inner = self._of_sort(sort), None
            members.append(taken(each.name, type_ | None, words))
            shape[each.name] = each.name, inner
        if "exists" not in shape:
            members.append(taken("exists", bool | None, ("Whether there is one.", "あるか。")))
        words = (
            "Of one such object: all that is said holds of the same.",
            f"{_title(field, 'ja')}の条件（同じものについて）。",
        )
        define(made, members, words, is_input=True)
        return made, shape

    def _links(self, kinds: tuple[str, ...]) -> type:
        """The input for links to or from records of these kinds; none: of any."""
        if kinds in self.links:
            return self.links[kinds][0]
        name = "Or".join(pascal(kind) for kind in kinds) or "Record"
        links, link = self.declare(f"{name}LinksFilter", "filters"), self.declare(f"{name}LinkFilter", "filters")
        self.links[kinds] = links, link
        target = self.types[kinds[0] if len(kinds) == 1 else None]
        members = [
            taken("to", list[ID] | None, ("To (or from) one of these.", "リンク先（元）のいずれか。")),
            taken("role", str | None, ("With this role.", "役割。")),
            taken("port", str | None, ("Bound to this port.", "ポート。")),
            taken("where", target | None, ("With such a record at its other end.", "相手のレコードの条件。")),
        ]
        if len(kinds) != 1:
            if not kinds:
                members.insert(1, taken("field", str | None, ("Along this field.", "項目。")))
            members += [
                taken(
                    f"where{pascal(kind)}",
                    self.types[kind] | None,
                    (f"With such a record of the kind {kind} at its other end.", f"相手が {kind} の場合の条件。"),
                )
                for kind in kinds or self.kinds
            ]
        define(
            link, members, ("Of one link: all that is said holds of the same.", "一つのリンクの条件。"), is_input=True
        )
        define(
            links,
            [
                taken("some", link | None, ("There is such a link.", "該当するリンクがある。")),
                taken("none", link | None, ("There is no such link.", "該当するリンクがない。")),
                taken("exists", bool | None, ("Whether there is any.", "リンクがあるか。")),
            ],
            ("Of links; those to and from hidden records are not there.", "リンクの条件（閲覧できないものは除く）。"),
            is_input=True,
        )
        return links

    def _linked(self, field: str | None, direction: Direction, kinds: tuple[str, ...]) -> Reading:
        """Outgoing links of a field lead where the field says; incoming ones come from these kinds."""
        come_from = kinds if direction == "in" else ()
        single = kinds[0] if len(kinds) == 1 else None
        by_kind = {f"where{pascal(kind)}": kind for kind in self.kinds}
        made = self.made

        def one(written: Mapping[str, Any], name: str, vocabulary: Vocabulary) -> Condition:
            along = written.get("field") or field
            targets = all_bound(written["to"]) if written.get("to") is not None else ()
            if written.get("to") is not None and not targets:
                raise Invalid(f"{name}.to: at least one is needed", ja=f"{name}.to: 少なくとも一つ必要です")
            role, port = bound(written.get("role")), bound(written.get("port"))
            where = made.condition_from(written.get("where"), single, vocabulary)
            asked = {by_kind[key]: value for key, value in written.items() if key in by_kind and value is not None}
            if not asked:
                return Linked(along, direction, targets, role, port, come_from, where)
            if len(asked) > 1:
                raise Invalid(
                    f"{name}: a link has one record at its end; ask for {' or '.join(sorted(asked))} in an `or`",
                    ja=f"{name}: リンクの相手は一つです。種別ごとの条件は or で分けてください",
                )
            ((kind, inner),) = asked.items()
            both = [each for each in (where, made.condition_from(inner, kind, vocabulary)) if each is not None]
            return Linked(along, direction, targets, role, port, (kind,), _all(name, both))

        def read(written: Mapping[str, Any], name: str, vocabulary: Vocabulary) -> Condition | None:
            parts: list[Condition] = []
            for operator, value in written.items():
                if value is None:
                    continue
                match operator:
                    case "some":
                        parts.append(one(value, name, vocabulary))
                    case "none":
                        parts.append(Not(one(value, name, vocabulary)))
                    case _:
                        there = Linked(field, direction, kinds=come_from)
                        parts.append(there if value else Not(there))
            return _all(name, parts)

        return read

    def _define_order(self, kind: Kind | None) -> None:
        key = None if kind is None else kind.name
        name = "Record" if kind is None else pascal(kind.name)
        by = {each: each for each in ("id", "created", "modified")}
        if kind is not None:
            asked = self.vocabulary.kinds[kind.name].fields
            for called, field in field_names(kind).items():
                if asked[field.name].sortable and not field.private and asked[field.name].sort != "link":
                    by[called] = field.name
        self.ordered[key] = by
        words = self._ordered_by(kind)
        choices = enum.Enum(  # type: ignore[misc]
            f"{name}OrderField",
            {f"by_{each}": strawberry.enum_value(each, name=each, description=words.get(each)) for each in by},
        )
        self.declare(f"{name}OrderField", "orders")
        field_enum = strawberry.enum(choices, description="By what to order.\n並べ替えの基準。")
        define(
            self.orders[key],
            [
                taken("by", field_enum, ("By what.", "基準。")),
                taken("descending", bool, ("The greatest first.", "降順。"), False),
                taken("language", str | None, ("Of a text: in this language (en, ja).", "文章の言語（en、ja）。")),
            ],
            ("An order; what has no value comes last in both directions.", "並び順（値のないものは最後）。"),
            is_input=True,
        )

    def _ordered_by(self, kind: Kind | None) -> dict[str, str]:
        words = {
            "id": "By id.\nIDの順。",
            "created": "By when it was first entered here.\n本カタログへの登録日時。",
            "modified": "By when it was last changed here.\n本カタログでの最終更新日時。",
        }
        if kind is not None:
            for called, field in field_names(kind).items():
                words.setdefault(called, "\n".join(field.titles[each] for each in ("en", "ja") if each in field.titles))
        return words
