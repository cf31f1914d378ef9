"""Discovery: what can be asked of each kind and how it is used, so that a search page can be built from answers alone."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from catalog.discovery.usage import FieldUse, Measure, Page
from catalog.questions.question import Question, Selection
from catalog.questions.search import MOST_FACET_VALUES, MOST_FACETS, Facet, SearchQuestion
from catalog.records.kinds import Field, Kind
from catalog.records.quantities import SHIPPED, Unit
from catalog.web.graphql.answered import IN_LANGUAGE, Info, answered, document, first_of, in_language
from catalog.web.graphql.definitions import argument
from catalog.web.graphql.fill import measures, unit_named
from catalog.web.graphql.naming import field_names
from catalog.web.graphql.searching import FACET_VALUE
from catalog.web.graphql.types import Types
from catalog.web.search_page import found_for

MOST_NAMES: Final = 1_000
# Records are looked through by the hundred thousand: it is done where others do not wait behind it, and not often in one query.
COUNTING: Final = 6_000


@strawberry.enum(description="Where a quantity stands.\n数量の位置。")
class QuantityPlace(enum.Enum):
    """Where a quantity stands."""

    FIELD = strawberry.enum_value("field", description="In a field of its own.\n専用の項目。")
    CONDITION = strawberry.enum_value("condition", description="Among the conditions.\n条件。")
    ATTRIBUTE = strawberry.enum_value("attribute", description="Among the attributes.\n属性。")


@dataclass(frozen=True, slots=True)
class _Of:
    """A field of a kind, as it is asked about."""

    kind: Kind
    field: Field
    name: str  # in GraphQL


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """`fields`, `quantityNames` and `attributeNames`."""
    names = (
        argument("kind", str | None, ("Only in records of this kind.", "対象の種別。")),
        argument("startsWith", str, ("Only names that begin so.", "名前の先頭。"), ""),
        argument("first", int, (f"How many, at most {MOST_NAMES:,}.", f"件数（最大{MOST_NAMES:,}）。"), 50),
    )
    return {
        "fields": answered(
            "fields",
            list[_field(types)] | None,  # type: ignore[misc]
            _fields,
            (
                "The fields of a kind, and how the records use them that you may see.",
                "種別の項目と、閲覧できるレコードでの使われ方。",
            ),
            argument("kind", str, ("The kind.", "種別。")),
        ),
        "quantityNames": answered(
            "quantityNames",
            _NAMES | None,
            _quantity_names,
            (
                "What quantities are called in the records that you may see, the commonest first.",
                "閲覧できるレコードでの数量の名前（多い順）。",
            ),
            argument("place", QuantityPlace, ("Where the quantities stand.", "数量の位置。"), QuantityPlace.CONDITION),
            *names,
            cost=COUNTING,
        ),
        "attributeNames": answered(
            "attributeNames",
            _NAMES | None,
            _attribute_names,
            (
                "What attributes are called in the records that you may see, the commonest first.",
                "閲覧できるレコードでの属性の名前（多い順）。",
            ),
            *names,
            cost=COUNTING,
        ),
    }


# --- types


_MEASURE_UNIT: Final = document(
    "UnitUse",
    ("A unit, and how many values were told in it.", "単位と、その単位で書かれた値の数。"),
    [
        answered("unit", str, lambda root, info, _: root[0], ("As it was typed.", "登録時の表記。")),
        answered("values", int, lambda root, info, _: root[1], ("How many values.", "値の数。")),
    ],
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A measure in a unit; None where nobody knows what its units measure."""

    measure: Measure
    unit: Unit | None

    def of_si(self, value: float | None) -> float | None:
        """A value of the SI in this unit."""
        if value is None or self.unit is None:
            return None
        return float(f"{value / self.unit.factor - self.unit.offset:.12g}")


_MEASURE: Final = document(
    "QuantityUse",
    ("Values of one kind of quantity.", "1種類の量の値。"),
    [
        answered(
            "quantityKind",
            str | None,
            lambda root, info, _: root.measure.kind,
            ("What is measured, as QUDT calls it: Energy, Mass.", "量の種類（QUDT の名前）。"),
        ),
        answered(
            "unit",
            str | None,
            lambda root, info, _: None if root.unit is None else root.unit.typed,
            ("The unit of `min` and `max`.", "`min` と `max` の単位。"),
        ),
        answered("min", float | None, lambda root, info, _: root.of_si(root.measure.low), ("The least.", "最小。")),
        answered("max", float | None, lambda root, info, _: root.of_si(root.measure.high), ("The greatest.", "最大。")),
        answered("values", int, lambda root, info, _: root.measure.values, ("How many values.", "値の数。")),
        answered(
            "units",
            list[_MEASURE_UNIT],  # type: ignore[valid-type]
            lambda root, info, _: root.measure.units,
            ("The units that they were told in, the commonest first.", "使われている単位（多い順）。"),
        ),
    ],
)
_IN: Final = argument(
    "in",
    str | None,
    ("Only what can be told in this unit, and in it: `keV`; else in SI.", "換算する単位（`keV` など）。省略時は SI。"),
)


def _told(several: tuple[Measure, ...], said: Mapping[str, Any]) -> list[_Told]:
    asked = None if said.get("in") is None else unit_named(said["in"])
    made = []
    for each in several:
        own = SHIPPED.si_unit(each.kind) if each.kind is not None else None
        if asked is None:
            made.append(_Told(each, own))
        elif own is not None and measures(own, asked):
            made.append(_Told(each, asked))
    return made


_NAME: Final = document(
    "NameUse",
    ("A name, and how it is used.", "名前と使われ方。"),
    [
        answered("name", str, lambda root, info, _: root.name, ("As sources write it.", "登録元の表記。")),
        answered("records", int, lambda root, info, _: root.records, ("How many records have it.", "レコード数。")),
        answered(
            "measures",
            list[_MEASURE],  # type: ignore[valid-type]
            lambda root, info, said: _told(root.measures, said),
            ("What is measured under it.", "測られている量。"),
            _IN,
        ),
    ],
)
_NAMES: Final = document(
    "NamesInUse",
    ("Names that are used.", "使われている名前。"),
    [
        answered("nodes", list[_NAME], lambda root, info, _: root.names, ("The commonest first.", "多い順。")),  # type: ignore[valid-type]
        answered("totalCount", int, lambda root, info, _: root.total, ("How many there are.", "名前の総数。")),
        answered(
            "totalIsExact",
            bool,
            lambda root, info, _: root.exact,
            (
                "Whether all records were looked through: of very many only a part is.",
                "すべてのレコードを数えたか（非常に多い場合は一部だけを数えます）。",
            ),
        ),
    ],
)


def _field(types: Types) -> type:
    def own(name: str, type_: Any, en: str, ja: str, attribute: str | None = None) -> StrawberryField:
        return answered(name, type_, lambda root, info, _: getattr(root.field, attribute or name), (en, ja))

    def words(name: str, attribute: str, en: str, ja: str) -> StrawberryField:
        return answered(
            name,
            str | None,
            lambda root, info, said: in_language(getattr(root.field, attribute), info, said.get("language")),
            (en, ja),
            IN_LANGUAGE,
        )

    def used(name: str, type_: Any, tell: Any, en: str, ja: str, *arguments: Any, cost: int = 100) -> StrawberryField:
        return answered(
            name, type_, lambda root, info, said: tell(_use(info, root), said), (en, ja), *arguments, cost=cost
        )

    def end(attribute: str, of: tuple[type, ...]) -> Any:
        def tell(use: FieldUse, _: Mapping[str, Any]) -> Any:
            value = getattr(use, attribute)
            return value if isinstance(value, of) else None

        return tell

    return document(
        "FieldUse",
        ("A field of a kind, and how it is used.", "種別の項目と使われ方。"),
        [
            own("name", str, "As bodies and filters of addresses have it.", "本文とアドレスの条件での名前。"),
            answered(
                "graphqlName",
                str,
                lambda root, info, _: root.name,
                ("As this schema has it.", "GraphQL での名前。"),
            ),
            words("title", "titles", "What people call it.", "表示名。"),
            words("description", "descriptions", "What it says.", "説明。"),
            answered(
                "form",
                str,
                lambda root, info, _: root.field.scalar if root.field.form == "scalar" else root.field.form,
                (
                    "text, date, quantity, links, term, object, json, string, integer, number, boolean or mixed.",
                    "値の形（text、date、quantity、links、term、object、json、string、integer、number、boolean、mixed）。",
                ),
            ),
            own("many", bool, "Whether it holds several.", "複数の値を持つか。"),
            own("required", bool, "Whether every record has it.", "必須か。"),
            own(
                "private",
                bool,
                "Whether only those are told it who write where the record lies.",
                "書き込み権限のある人だけが読めるか。",
            ),
            own("sortable", bool, "Whether records can be ordered by it.", "並べ替えに使えるか。"),
            answered(
                "facet",
                bool,
                lambda root, info, _: root.field.facet and not root.field.private,
                ("Whether `search` counts by its values.", "ファセットに使えるか。"),
            ),
            answered(
                "searchable",
                bool,
                lambda root, info, _: root.field.searchable is not None and not root.field.private,
                ("Whether its words are searched.", "語の検索の対象か。"),
            ),
            own(
                "targetKinds",
                list[str],
                "The kinds that its links may lead to; none: any.",
                "リンク先の種別（空ならすべて）。",
                "kinds",
            ),
            own("quantityKind", str | None, "What its quantities measure.", "量の種類。", "quantity_kind"),
            own("units", list[str], "The units that are usual in it.", "通常の単位。"),
            answered(
                "choices",
                list[str],
                lambda root, info, _: [str(each) for each in root.field.enum],
                ("The values that it may have, where they are few.", "取りうる値（決まっている場合）。"),
            ),
            used(
                "records",
                int | None,
                lambda use, _: use.records,
                "How many records have it; null of what is private.",
                "値のあるレコード数（非公開の項目は null）。",
                cost=COUNTING,
            ),
            used(
                "recordsIsExact",
                bool,
                lambda use, _: use.exact,
                "Whether all records were looked through: of very many only a part is.",
                "すべてのレコードを数えたか（非常に多い場合は一部だけを数えます）。",
            ),
            used("from", str | None, end("first", (str,)), "When its dates begin.", "日付の最初。"),
            used("until", str | None, end("last", (str,)), "When its dates end.", "日付の最後。"),
            used("min", float | None, end("first", (int, float)), "The least number.", "最小の数値。"),
            used("max", float | None, end("last", (int, float)), "The greatest number.", "最大の数値。"),
            used(
                "measures",
                list[_MEASURE],  # type: ignore[valid-type]
                lambda use, said: _told(use.measures, said),
                "What its quantities measure.",
                "測られている量。",
                _IN,
            ),
            answered(
                "values",
                list[FACET_VALUE] | None,  # type: ignore[valid-type]
                _values,
                (
                    "Its commonest values, as the search index counts them; null of what is no facet.",
                    "よく使われる値（検索索引による）。ファセットでない項目は null。",
                ),
                argument(
                    "first", int, (f"How many, at most {MOST_FACET_VALUES}.", f"件数（最大{MOST_FACET_VALUES}）。"), 10
                ),
            ),
        ],
    )


# --- what is answered


def _fields(_: Any, info: Info, said: Mapping[str, Any]) -> list[_Of]:
    catalog = info.context.catalog
    (name,) = catalog.vocabulary.named((said["kind"],))
    kind = catalog.kinds[name]
    return [_Of(kind, field, called) for called, field in field_names(kind).items()]


def _use(info: Info, of: _Of) -> FieldUse:
    """How a field is used; all of a kind are counted together."""
    context = info.context
    key = "usage", of.kind.name
    if key not in context.kept:
        found = context.catalog.usage.fields(of.kind.name, context.reader, deadline_seconds=context.deadline_seconds)
        context.kept[key] = {use.field.name: use for use in found}
    use: FieldUse = context.kept[key][of.field.name]
    return use


def _values(of: _Of, info: Info, said: Mapping[str, Any]) -> list[Any] | None:
    if not of.field.facet or of.field.private:
        return None
    context, first = info.context, first_of(said, MOST_FACET_VALUES)
    key = "values", of.kind.name, first
    if key not in context.kept:
        context.kept[key] = _facets(info, of.kind, first)
    facet: Facet = context.kept[key][of.field.name]
    return [(None, value) for value in facet.values]


def _facets(info: Info, kind: Kind, first: int) -> dict[str, Facet]:
    """The commonest values of every facet of a kind."""
    context = info.context
    names = [field.name for field in kind.fields if field.facet and not field.private]
    asked = SearchQuestion(
        question=Question(kinds=(kind.name,), selection=Selection()), facet_values=first, first=1, highlight=False
    )
    made: dict[str, Facet] = {}
    for start in range(0, len(names), MOST_FACETS):
        several = tuple(names[start : start + MOST_FACETS])
        found = found_for(
            context.site, replace(asked, facets=several), context.reader, deadline_seconds=context.deadline_seconds
        )
        made.update((facet.field, facet) for facet in found.facets)
    return made


def _quantity_names(_: Any, info: Info, said: Mapping[str, Any]) -> Page:
    usage, reader = info.context.catalog.usage, info.context.reader
    return usage.quantities(said["place"].value, reader, **_narrowed(info, said))


def _attribute_names(_: Any, info: Info, said: Mapping[str, Any]) -> Page:
    return info.context.catalog.usage.attributes(info.context.reader, **_narrowed(info, said))


def _narrowed(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    kind = said.get("kind")
    if kind is not None:
        info.context.catalog.vocabulary.named((kind,))
    return {
        "kind": kind,
        "starts_with": said["startsWith"],
        "first": first_of(said, MOST_NAMES),
        "deadline_seconds": info.context.deadline_seconds,
    }
