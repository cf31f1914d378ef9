"""Is a question one that can be asked? Everything behind this door trusts that it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from catalog.errors import Invalid
from catalog.questions.question import (
    DEEPEST,
    LISTED_STATUSES,
    MOST_ITEMS,
    MOST_PARTS,
    MOST_VALUES,
    OPERATORS,
    RECORD_ATTRIBUTES,
    And,
    Attributed,
    Compare,
    Condition,
    Count,
    Dated,
    Exists,
    Holds,
    Identified,
    InScope,
    Inside,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Or,
    Order,
    Question,
    Termed,
)
from catalog.questions.shape import lift
from catalog.questions.telling import (
    Asked,
    ById,
    ByIds,
    Drawn,
    EdgeList,
    Edges,
    Listing,
    Mirrored,
    Node,
    Nodes,
    PageInfo,
    PageMember,
    Telling,
    Total,
    TotalIsExact,
)
from catalog.questions.vocabulary import Field, Sort, Vocabulary, unknown

_COMPARED: Final[dict[Sort, tuple[type, ...]]] = {
    "text": (str,),
    "string": (str,),
    "strings": (str,),
    "term": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


_PART_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# What the mirror has in one column that is the whole of it.
_TOLD: Final[frozenset[Sort]] = frozenset(("text", "date", "term", "string", "integer", "number", "boolean"))
# SQLite joins 64 tables at most; what is counted takes one more.
MOST_LISTS: Final = 50


def check(question: Question, vocabulary: Vocabulary) -> Question:
    """The question itself, or Invalid, saying which part is wrong and which names are near."""
    _Check(vocabulary).question(question, 0)
    values: list[object] = []
    lift(question, values)
    _demand_texts(values)
    return question


def _demand_texts(values: Iterable[object]) -> None:
    for value in values:
        # Neither is in any stored text, and databases refuse to be asked for them.
        if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
            raise Invalid(
                f"{value!r:.80}: a value holds a character that no text can hold",
                ja=f"{value!r:.80}: 使えない文字を含む値です",
            )


def check_telling(asked: Asked, vocabulary: Vocabulary) -> None:
    """Invalid if what is told of records cannot be asked, saying which part is wrong and which names are near."""
    checking = _Check(vocabulary)
    match asked:
        case Listing(page, kinds):
            checking.question(_question_of(asked, kinds), 0)
            checking.page(page, kinds, asked.count, 0)
        case ById(telling, kinds):
            checking.telling(telling, vocabulary.named(kinds) if kinds else (), 0)
        case ByIds(telling, kinds, ids):
            checking.telling(telling, vocabulary.named(kinds) if kinds else (), 0)
            if len(ids) > MOST_VALUES:
                raise _too_many("ids")
    values: list[object] = []
    lift(asked, values)
    _demand_texts(values)


def _question_of(asked: Listing | Edges, kinds: tuple[str, ...]) -> Question:
    return Question(
        kinds,
        asked.where,
        order=asked.order,
        first=asked.first,
        after=asked.after,
        count=asked.count,
        statuses=asked.statuses if isinstance(asked, Listing) else ("public",),
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Check:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.parts = 0

    def count(self, depth: int) -> None:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise Invalid(
                f"the question has more than {MOST_PARTS} parts; ask in several questions",
                ja=f"質問の要素が{MOST_PARTS}個を超えています。複数の質問に分けてください",
            )
        if depth > DEEPEST:
            raise Invalid(
                f"the question is nested more than {DEEPEST} deep", ja=f"質問の入れ子が{DEEPEST}段を超えています"
            )

    def question(self, asked: Question, depth: int, *, nested: bool = False) -> None:
        self.count(depth)
        kinds = asked.kinds
        self.vocabulary.named(kinds)
        if not 1 <= asked.first <= MOST_ITEMS:
            raise Invalid(
                f"limit: {asked.first} is not between 1 and {MOST_ITEMS}",
                ja=f"limit: 1から{MOST_ITEMS}の範囲で指定してください",
            )
        if not asked.statuses:
            raise Invalid("status: at least one is needed", ja="status: 少なくとも一つ必要です")
        for status in asked.statuses:
            if status == "withdrawn":
                raise Invalid(
                    "status: withdrawn records are in no list; ask for one by its id",
                    ja="status: 取り下げられたレコードは一覧に出ません。id で取得してください",
                )
            if status not in LISTED_STATUSES:
                raise unknown("status", status, LISTED_STATUSES)
        if len(asked.order) > 3:
            raise Invalid("sort: at most three", ja="sort: 三つまでです")
        for one in asked.order:
            self.order(one, kinds, nested=nested)
        if asked.after is not None and len(asked.after.values) != len(asked.order):
            raise Invalid("cursor: it belongs to a list in another order", ja="cursor: 別の並び順のカーソルです")
        if asked.where is not None:
            self.condition(asked.where, kinds, depth + 1)
        for name in asked.selection.fields:
            self.count(depth)
            self.vocabulary.fields(name, kinds)

    def page(self, page: Sequence[PageMember], kinds: tuple[str, ...], count: Count, depth: int) -> None:
        """What is told of a list of records of these kinds."""
        for member in page:
            self.key(member.key)
            match member:
                case Nodes(_, telling):
                    self.telling(telling, kinds, depth)
                case EdgeList(_, members):
                    for each in members:
                        self.key(each.key)
                        if isinstance(each, Node):
                            self.telling(each.telling, kinds, depth)
                case PageInfo(_, members):
                    for key, _ in members:
                        self.key(key)
                case Total() | TotalIsExact() if count == "none":
                    raise Invalid(
                        "count: a total is told of what is counted", ja="count: 数えない一覧に総数はありません"
                    )

    def telling(self, telling: Telling, kinds: tuple[str, ...], depth: int) -> None:
        """What is told of a record of one of these kinds; its lists are held to what lists are held to anywhere."""
        lists = 0
        for way in telling.ways:
            self.vocabulary.named(way.kinds)
            for member in way.members:
                if not isinstance(member, Drawn):
                    self.key(member.key)
                match member:
                    case Drawn(_, _, fields):
                        for name in fields:
                            self.key(name)
                    case Mirrored():
                        self.mirrored(member, way.kinds or kinds)
                    case Edges():
                        lists += 1 if member.count == "none" else 2
                        self.edges(member, way.kinds or kinds, depth + 1)
        if lists > MOST_LISTS:
            raise Invalid(
                f"more than {MOST_LISTS} lists of links of one record; ask in several questions",
                ja=f"一つの記録のリンクの一覧が{MOST_LISTS}個を超えています。複数の質問に分けてください",
            )

    def edges(self, asked: Edges, kinds: tuple[str, ...], depth: int) -> None:
        self.link_name(asked.field, asked.direction, kinds)
        ends = other_end(self.vocabulary, asked.field, asked.direction, asked.kinds, kinds)
        self.question(_question_of(asked, ends), depth, nested=True)
        if asked.after is not None and not _is_place_of_link(asked.after.id):
            raise Invalid("cursor: it belongs to another list", ja="cursor: 別の一覧のカーソルです")
        self.page(asked.page, ends, asked.count, depth)

    def mirrored(self, asked: Mirrored, kinds: tuple[str, ...]) -> None:
        named = self.vocabulary.named(kinds)
        found = [
            words.fields[asked.field] for kind in named if asked.field in (words := self.vocabulary.kinds[kind]).fields
        ]
        if not found:
            self.vocabulary.fields(asked.field, kinds)
        for field in found:
            if field.private or field.sort not in _TOLD:
                raise Invalid(
                    f"{asked.field}: it is told from the body, no column has it whole",
                    ja=f"{asked.field}: 本文から読む項目です",
                )
            self.language(asked.language, field)

    def key(self, name: str) -> None:
        if not _PART_NAME.fullmatch(name):
            raise Invalid(f"{name!r:.80} cannot be the name of a part", ja=f"{name!r:.80} は名前に使えません")

    def order(self, order: Order, kinds: tuple[str, ...], *, nested: bool) -> None:
        if order.by in ("id", "created", "modified") or (nested and order.by == "order"):
            return
        found = self.vocabulary.fields(order.by, kinds)
        if len(found) != 1:
            raise Invalid(
                f"sort: {order.by} orders records of one kind; name it with kind=, or sort by id, created or modified",
                ja=f"sort: {order.by} での並べ替えは一つの種別に限ります。kind= を指定してください",
            )
        (field,) = found.values()
        if not field.sortable or field.private or field.sort in ("link", "strings", "terms", "other"):
            (kind,) = found
            names = [
                one.name for one in self.vocabulary.kinds[kind].fields.values() if one.sortable and not one.private
            ]
            known = ", ".join(["id", "created", "modified", *names])
            raise Invalid(
                f"sort: {kind} cannot be sorted by {order.by}; it can by {known}",
                ja=f"sort: {kind} は {order.by} で並べ替えられません。使えるのは {known}",
            )
        self.language(order.language, field)

    def language(self, language: str | None, field: Field) -> None:
        if language is None:
            return
        if field.sort != "text":
            raise Invalid(
                f"{field.name}: not a text, it has no languages", ja=f"{field.name}: 言語別の項目ではありません"
            )
        if language not in ("en", "ja"):
            raise unknown("language", language, ("en", "ja"), of=field.name)

    def link_name(self, name: str | None, direction: str, kinds: tuple[str, ...]) -> None:
        if name is None:
            return
        if direction == "out":
            self.vocabulary.link_fields(name, kinds)
        elif name not in (known := set().union(*(self.vocabulary.pointing_at(kind) for kind in kinds or (None,)))):
            raise unknown("link field", name, known, of="what points at it")

    def condition(self, asked: Condition, kinds: tuple[str, ...], depth: int) -> None:
        self.count(depth)
        match asked:
            case And(parts) | Or(parts):
                if not parts:
                    raise Invalid("and/or: at least one part is needed", ja="and/or: 少なくとも一つ必要です")
                for part in parts:
                    self.condition(part, kinds, depth + 1)
            case Not(part):
                self.condition(part, kinds, depth + 1)
            case Compare():
                self.compare(asked, kinds)
            case Exists(name):
                fields = self.vocabulary.fields(name, kinds)
                if any(field.sort == "other" for field in fields.values()):
                    raise _not_compared(name)
            case Dated(name, _, start, end):
                self.of_sort(name, kinds, "date", "a date")
                if start is not None and end is not None and start > end:
                    raise Invalid(
                        f"{name}: the interval ends before it begins", ja=f"{name}: 期間の終わりが始まりより前です"
                    )
            case Missing(name):
                self.of_sort(name, kinds, "date", "a date")
            case OfRecord(attribute, operator, value):
                if attribute not in RECORD_ATTRIBUTES:
                    raise unknown("attribute of records", attribute, RECORD_ATTRIBUTES)
                if attribute == "formats":
                    _demand_holding(attribute, operator)
                self.values(attribute, operator, value, (str,))
            case Linked():
                self.link_name(asked.field, asked.direction, kinds)
                self.vocabulary.named(asked.kinds)
                if len(asked.targets) > MOST_VALUES:
                    raise _too_many(asked.field or "link")
                if asked.where is not None:
                    self.condition(asked.where, self.other_end(asked, kinds), depth + 1)
            case Measured(name, place, low, high, measured):
                if place == "field":
                    self.of_sort(name, kinds, "quantity", "a quantity")
                    self.fits(name, measured, kinds)
                if low is not None and high is not None and low > high:
                    raise Invalid(
                        f"{name}: the range ends below where it begins", ja=f"{name}: 範囲の上限が下限より小さいです"
                    )
                if any(bound is not None and math.isnan(bound) for bound in (low, high)):
                    raise Invalid(f"{name}: not a number", ja=f"{name}: 数値ではありません")
            case Termed(name, terms):
                if name is not None:
                    for field in self.vocabulary.fields(name, kinds).values():
                        if field.sort not in ("term", "terms"):
                            raise Invalid(f"{name}: not a field of terms", ja=f"{name}: 用語の項目ではありません")
                if not terms:
                    raise Invalid(f"{name}: at least one term is needed", ja=f"{name}: 用語が必要です")
                if len(terms) > MOST_VALUES:
                    raise _too_many(name or "term")
            case Attributed(name, operator, value):
                if operator == "exists":
                    if value is not None:
                        raise Invalid(
                            f"attribute {name}: exists takes no value",
                            ja=f"attribute {name}: exists に値は指定できません",
                        )
                elif value is None:
                    raise Invalid(
                        f"attribute {name}: {operator} needs a value",
                        ja=f"attribute {name}: {operator} には値が必要です",
                    )
                else:
                    self.values(name, operator, value, (str,))
            case Holds(name, members):
                for field in self.vocabulary.fields(name, kinds).values():
                    if field.sort != "other" or not field.inside:
                        raise Invalid(
                            f"{name}: what it holds cannot be compared", ja=f"{name}: 中の値は条件にできない項目です"
                        )
                    for member in members:
                        self.count(depth)
                        self.inside(name, member, field)
            case InScope() | Identified():
                pass

    def other_end(self, asked: Linked, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return other_end(self.vocabulary, asked.field, asked.direction, asked.kinds, kinds)

    def compare(self, asked: Compare, kinds: tuple[str, ...]) -> None:
        if asked.operator not in OPERATORS:
            raise unknown("operator", str(asked.operator), OPERATORS, of=asked.field)
        for field in self.vocabulary.fields(asked.field, kinds).values():
            self.language(asked.language, field)
            accepted = (str,) if field.words else _COMPARED.get(field.sort)
            if accepted is None:
                raise _not_compared(asked.field)
            if field.words or field.sort == "strings":
                _demand_holding(asked.field, asked.operator)
            if field.sort == "boolean" and asked.operator not in ("eq", "ne"):
                raise Invalid(
                    f"{asked.field}: true or false is compared by eq or ne",
                    ja=f"{asked.field}: 真偽値は eq か ne で比較します",
                )
            self.values(asked.field, asked.operator, asked.value, accepted)

    def inside(self, name: str, member: Inside, field: Field) -> None:
        called = ".".join((name, *member.path))
        sort = field.inside.get(member.path)
        if sort is None:
            raise unknown("member", called, [".".join((name, *path)) for path in field.inside])
        if member.language is not None and (sort != "text" or member.language not in ("en", "ja")):
            raise unknown("language", member.language, ("en", "ja") if sort == "text" else (), of=called)
        if member.operator in ("exists", "missing"):
            if member.value is not None:
                raise Invalid(f"{called}: exists takes no value", ja=f"{called}: exists に値は指定できません")
            return
        if sort == "other":
            raise _not_compared(called)
        if sort == "strings":
            _demand_holding(called, member.operator)
        if sort == "boolean" and member.operator not in ("eq", "ne"):
            raise Invalid(
                f"{called}: true or false is compared by eq or ne", ja=f"{called}: 真偽値は eq か ne で比較します"
            )
        self.values(called, member.operator, member.value, _COMPARED[sort])

    def values(self, name: str, operator: str, value: object, accepted: tuple[type, ...]) -> None:
        if operator not in OPERATORS:
            raise unknown("operator", operator, OPERATORS, of=name)
        if (operator == "in") is not isinstance(value, tuple):
            raise Invalid(
                f"{name}: `in` takes several values, {operator} one", ja=f"{name}: in だけが複数の値を取ります"
            )
        several = value if isinstance(value, tuple) else (value,)
        if not several:
            raise Invalid(f"{name}: in needs at least one value", ja=f"{name}: in には値が必要です")
        if len(several) > MOST_VALUES:
            raise _too_many(name)
        for one in several:
            right = isinstance(one, accepted) and (bool in accepted or not isinstance(one, bool))
            if (
                not right
                or (isinstance(one, float) and not math.isfinite(one))
                or (isinstance(one, int) and abs(one) >= 1 << 53)
            ):
                wanted = {str: "a text", bool: "true or false"}.get(accepted[0], "a number")
                raise Invalid(
                    f"{name}: {one!r:.80} is not {wanted}", ja=f"{name}: {one!r:.80} は使えない値です ({wanted})"
                )
            if operator == "prefix" and not isinstance(one, str):
                raise Invalid(f"{name}: prefix is for texts", ja=f"{name}: prefix は文字列だけに使えます")

    def of_sort(self, name: str, kinds: tuple[str, ...], sort: Sort, called: str) -> None:
        for field in self.vocabulary.fields(name, kinds).values():
            if field.sort != sort:
                raise Invalid(f"{name}: not {called}", ja=f"{name}: {sort} の項目ではありません")

    def fits(self, name: str, measured: tuple[str, ...], kinds: tuple[str, ...]) -> None:
        """Refuse what no value of the field could ever match, which an empty answer would not tell."""
        for field in self.vocabulary.fields(name, kinds).values():
            if measured and field.quantity_kind is not None and field.quantity_kind not in measured:
                raise Invalid(
                    f"{name}: it measures {field.quantity_kind}, so the value needs a unit of that",
                    ja=f"{name}: {field.quantity_kind} の単位を付けた値を指定してください",
                )


def other_end(
    vocabulary: Vocabulary, name: str | None, direction: str, asked: tuple[str, ...], kinds: tuple[str, ...]
) -> tuple[str, ...]:
    """The kinds that may stand at the other end of a link; none: any."""
    if asked or name is None:
        return asked
    if direction == "in":
        return tuple(
            kind
            for kind, words in vocabulary.kinds.items()
            if name in words.fields and words.fields[name].sort == "link"
        )
    ends = [field.kinds for field in vocabulary.link_fields(name, kinds).values()]
    return () if not all(ends) else tuple(dict.fromkeys(kind for end in ends for kind in end))


def _is_place_of_link(text: str) -> bool:
    """Whether a cursor's id tells a link: its field, its place in the record, what it leads to or comes from."""
    try:
        match orjson.loads(text):
            case [str(), int() as place, str()]:
                return not isinstance(place, bool) and abs(place) < 1 << 31
    except ValueError:
        pass
    return False


def _demand_holding(name: str, operator: str) -> None:
    if operator not in ("eq", "in"):
        raise Invalid(
            f"{name}: a list is asked for by eq or in (it holds one of these), or not.{name}",
            ja=f"{name}: リストは eq か in（いずれかを含む）、または not.{name} で指定します",
        )


def _not_compared(name: str) -> Invalid:
    return Invalid(
        f"{name}: this field cannot be compared with a value of that form; dates take an interval, quantities a range with a unit, "
        "links link.…, other lists and nested parts cannot be asked for",
        ja=f"{name}: この項目はその形の値と比較できません",
    )


def _too_many(name: str) -> Invalid:
    return Invalid(f"{name}: more than {MOST_VALUES} values", ja=f"{name}: 値が{MOST_VALUES}個を超えています")
