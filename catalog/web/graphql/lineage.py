"""Graph questions: where something came from and what came of it, ways between two records, and what is linked to one."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import strawberry
from graphql import GraphQLError, get_named_type
from strawberry import ID
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from catalog.discovery import lineage as graph
from catalog.discovery.lineage import Edge, Neighbours, Place
from catalog.discovery.show import Moved
from catalog.errors import Invalid, TooCostly
from catalog.questions.cost import cost_of
from catalog.questions.cursor import read_cursor, write_cursor
from catalog.questions.lineage import Beyond, Link
from catalog.questions.question import MOST_ITEMS, After, Order
from catalog.web.graphql.answered import Info, answered, document
from catalog.web.graphql.compile import told_under
from catalog.web.graphql.definitions import Long, argument, both
from catalog.web.graphql.execute import Merged
from catalog.web.graphql.types import Types
from catalog.web.graphql.weighing import Weigher, number_from

# The kind that may be narrowed on the way: what was run, with which plan, in which version.
THROUGH: Final = "run"
# What a cursor among neighbours says; their order is that of the index.
_ORDER: Final = (Order("direction"), Order("field"), Order("place"))


@strawberry.enum(description="Which way a lineage is followed.\n系譜をたどる向き。")
class LineageDirection(enum.Enum):
    """Which way a lineage is followed."""

    UPSTREAM = strawberry.enum_value("upstream", description="Where it came from.\n由来。")
    DOWNSTREAM = strawberry.enum_value("downstream", description="What came of it.\nここから生じたもの。")
    BOTH = strawberry.enum_value(
        "both",
        description="Both, each by itself: not what else came of what it came from.\n両方（由来から生じた他のものは含まない）。",
    )


@strawberry.enum(description="What ended a lineage before its end.\n系譜が途中で終わった理由。")
class LineageStop(enum.Enum):
    """What ended a lineage before its end."""

    DEPTH = strawberry.enum_value(
        "depth", description="More lies beyond the depth that was asked for.\n指定の深さより先がある。"
    )
    NODES = strawberry.enum_value(
        "nodes", description="There are more records than are told.\nレコードが上限を超えた。"
    )
    LINKS = strawberry.enum_value("links", description="There are more links than are told.\nリンクが上限を超えた。")


@strawberry.enum(description="Whether a link leads from a record or to it.\nリンクの向き。")
class LinkDirection(enum.Enum):
    """Whether a link leads from a record or to it."""

    OUT = strawberry.enum_value("out", description="The record has the link.\nこのレコードからのリンク。")
    IN = strawberry.enum_value("in", description="The link leads to the record.\nこのレコードへのリンク。")


@dataclass(frozen=True, slots=True)
class _There:
    """A place with its record as it was told."""

    id: str
    kind: str | None
    distance: int
    record: Any

    @classmethod
    def at(cls, place: Place, records: Mapping[str, Any]) -> _There:
        return cls(place.id, place.kind, place.distance, records.get(place.id))


@dataclass(frozen=True, slots=True)
class _Linked:
    """A link of a record, with what it leads to."""

    link: Link
    record: Any


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """`lineage`, `path` and `neighbours`."""
    place, link = _place(types), _between()
    kinds = argument(
        "kinds",
        list[str] | None,
        ("Only records of these kinds are told; all are passed.", "この種別だけを返す（経路は制限しない）。"),
    )
    runs = (
        [
            argument(
                "runs",
                types.filters.type[THROUGH] | None,
                (
                    (
                        "Pass only through runs that meet this: of one plan, in one version. Without `fields` only links of runs are "
                        "then followed, since others pass them by."
                    ),
                    "この条件を満たす実行だけを経由する。`fields` を省略すると、実行に関わるリンクだけをたどる。",
                ),
            )
        ]
        if THROUGH in types.kinds
        else []
    )
    return {
        "lineage": answered(
            "lineage",
            _lineage_type(place, link) | None,
            partial(_lineage, types),
            (
                (
                    "Where a record came from, or what came of it, breadth first along `generatedBy`, `derivedFrom`, `inputs` and "
                    "`outputs`. Only over what the asker may see, and not through what they may not. Rings end."
                ),
                "系譜。generatedBy、derivedFrom、inputs、outputs をたどり、由来または派生したものを近い順に返す。閲覧できないものは経由しない。",
            ),
            argument(
                "id", ID, ("The id of a record, or an IRI that links name.", "レコードの ID、またはリンク先の IRI。")
            ),
            argument("direction", LineageDirection, ("Which way.", "向き。"), LineageDirection.UPSTREAM),
            argument(
                "depth",
                int,
                (f"How many links away, at most {graph.MOST_DEPTH}.", f"深さ（最大{graph.MOST_DEPTH}）。"),
                10,
            ),
            kinds,
            argument(
                "fields",
                list[str] | None,
                (
                    (
                        "Follow these link fields in place of the usual ones. `samples`, `childOf`, `hasMember`, `hasPart` and "
                        "`versionOf` tell an origin too, and are followed where they are named."
                    ),
                    "たどるリンクの項目。samples、childOf、hasMember、hasPart、versionOf は指定したときだけたどる。",
                ),
            ),
            *runs,
            argument(
                "first",
                int | None,
                (
                    (
                        f"How many records at most, the nearest first; {graph.MOST_NODES:,} is the most, and what is meant without it. "
                        "Without it the cost that is told is that of a short lineage; a long one is refused if telling all of it would "
                        "cost more than one may."
                    ),
                    f"レコード数の上限（近い順、最大かつ省略時は{graph.MOST_NODES:,}）。省略時のコストは短い系譜のもので、長い系譜で上限を超える場合は拒否される。",
                ),
            ),
        ),
        "path": answered(
            "path",
            _paths_type(place, link) | None,
            _path,
            (
                "The shortest ways between two records, over links of any field in either direction, as far as the asker may see them.",
                "2つのレコードをつなぐ最短の経路（リンクの向きは問わない、閲覧できる範囲）。",
            ),
            argument("from", ID, ("Where it begins.", "始点の ID。")),
            argument("to", ID, ("Where it ends.", "終点の ID。")),
            argument(
                "maxLength",
                int,
                (f"How many links, at most {graph.LONGEST}.", f"経路の長さの上限（最大{graph.LONGEST}）。"),
                6,
            ),
            argument(
                "first",
                int,
                (f"How many ways, at most {graph.MOST_PATHS}.", f"経路の数（最大{graph.MOST_PATHS}）。"),
                1,
            ),
            argument("kinds", list[str] | None, ("Only over records of these kinds.", "経由する種別。")),
            argument("fields", list[str] | None, ("Only along these link fields.", "たどるリンクの項目。")),
        ),
        "neighbours": answered(
            "neighbours",
            _neighbours_type(types) | None,
            _neighbours,
            (
                "All links of a record, those that it has and then those that lead to it, with what they lead to.",
                "レコードに隣接するもの（出るリンク、入るリンクの順）。",
            ),
            argument(
                "id", ID, ("The id of a record, or an IRI that links name.", "レコードの ID、またはリンク先の IRI。")
            ),
            argument("direction", LinkDirection | None, ("Only in this direction.", "この向きだけ。")),
            argument("fields", list[str] | None, ("Only along these link fields.", "この項目のリンクだけ。")),
            argument("kinds", list[str] | None, ("Only to or from records of these kinds.", "この種別だけ。")),
            *_page_arguments(),
        ),
    }


def _page_arguments() -> tuple[StrawberryArgument, ...]:
    most = graph.MOST_NEIGHBOURS
    return (
        argument("first", int, (f"How many, at most {most:,}.", f"件数（最大{most:,}）。"), 20),
        argument("after", str | None, ("The `endCursor` of the page before.", "前のページの `endCursor`。")),
    )


# --- types


def _plain(name: str, type_: Any, words: tuple[str, str], attribute: str | None = None) -> StrawberryField:
    """What stands in the value itself. There are tens of thousands, and a function for each would cost as much as finding them."""
    return StrawberryField(
        python_name=attribute or name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        description=both(words),
    )


def _place(types: Types) -> type:
    return document(
        "LinkedPlace",
        ("A record, or an IRI that links name.", "レコード、またはリンク先の IRI。"),
        [
            _plain("id", ID, ("Its id or IRI.", "ID または IRI。")),
            _plain("kind", str | None, ("Its kind; null of an IRI.", "種別（IRI では null）。")),
            _plain("distance", int, ("How many links it is away.", "始点からのリンク数。")),
            _plain("record", types.record | None, ("The record.", "レコード。")),
        ],
    )


def _between() -> type:
    return document(
        "LinkBetween",
        ("A link between two places.", "2点間のリンク。"),
        [
            _plain("from", ID, ("The record that has the link.", "リンク元の ID。"), "start"),
            _plain("to", ID, ("What the link leads to.", "リンク先の ID または IRI。"), "end"),
            _plain("field", str, ("The field of the link.", "リンクの項目。")),
            _plain("role", str | None, ("The part that the target plays.", "役割。")),
            _plain("port", str | None, ("The port that it is bound to.", "ポート。")),
            _plain("origin", ID | None, ("In a lineage: what the other came from.", "系譜での由来側。")),
            _plain("result", ID | None, ("In a lineage: what came of the other.", "系譜での派生側。")),
        ],
    )


def _lineage_type(place: type, link: type) -> type:
    return document(
        "Lineage",
        ("Records that one came from or that came of it, and the links between them.", "系譜のレコードとリンク。"),
        [
            answered("nodes", list[place], lambda root, info, _: root[1], ("The nearest first; the start is one of them.", "近い順（始点を含む）。")),  # type: ignore[valid-type]
            answered(
                "edges",
                list[link],  # type: ignore[valid-type]
                lambda root, info, _: root[0].edges,
                ("The links that were followed, also those to records that `kinds` leaves out.", "たどったリンク（kinds で除かれたものへのリンクを含む）。"),
            ),
            answered("complete", bool, lambda root, info, _: root[0].stopped is None, ("Whether this is all.", "すべてを返したか。")),
            answered(
                "stopped",
                LineageStop | None,
                lambda root, info, _: None if root[0].stopped is None else LineageStop(root[0].stopped),
                ("What ended it, if this is not all.", "途中で終わった理由。"),
            ),
        ],
    )  # fmt: skip


def _paths_type(place: type, link: type) -> type:
    path = document(
        "Path",
        ("A way between two records.", "2つのレコードをつなぐ経路。"),
        [
            answered("nodes", list[place], lambda root, info, _: root[0], ("The records on it, in order.", "経由するレコード（順番どおり）。")),  # type: ignore[valid-type]
            answered(
                "edges",
                list[link],  # type: ignore[valid-type]
                lambda root, info, _: root[1],
                ("The links from each to the next; two may be linked more than once.", "隣り合うレコードの間のリンク。"),
            ),
        ],
    )  # fmt: skip
    return document(
        "Paths",
        ("The shortest ways between two records.", "2つのレコードをつなぐ最短経路。"),
        [
            answered("length", int | None, lambda root, info, _: root[0].length, ("How many links each has; null if there is none.", "経路の長さ（なければ null）。")),
            answered("paths", list[path], lambda root, info, _: root[1], ("Some of them, in the order of their ids.", "経路。")),  # type: ignore[valid-type]
            answered(
                "complete",
                bool,
                lambda root, info, _: root[0].complete,
                ("Whether it is sure that there is no shorter one, or none.", "これより短い経路がないと確かめられたか。"),
            ),
        ],
    )  # fmt: skip


def _neighbours_type(types: Types) -> type:
    def of_link(name: str, type_: Any, words: tuple[str, str], key: str | None = None) -> StrawberryField:
        return answered(name, type_, lambda root, info, _: getattr(root.link, key or name), words)

    neighbour = document(
        "Neighbour",
        ("A link of a record, and what it leads to.", "隣接するものとそのリンク。"),
        [
            answered(
                "direction",
                LinkDirection,
                lambda root, info, _: LinkDirection.OUT if root.link.at.outward else LinkDirection.IN,
                ("Whether the record has the link.", "リンクの向き。"),
            ),
            of_link("id", ID, ("The id or IRI at the other end.", "相手の ID または IRI。")),
            of_link("kind", str | None, ("Its kind; null of an IRI.", "種別（IRI では null）。")),
            of_link("field", str, ("The field of the link.", "リンクの項目。")),
            of_link("role", str | None, ("The part that the target plays.", "役割。")),
            of_link("port", str | None, ("The port that it is bound to.", "ポート。")),
            of_link("order", Long | None, ("Its place among the links of the field.", "順序。")),
            of_link("predicate", str | None, ("The name of the relation.", "関係の名前。")),
            of_link("from", str | None, ("From when it holds.", "開始。"), "since"),
            of_link("until", str | None, ("Until when it holds.", "終了。")),
            of_link("note", str | None, ("A remark on it.", "備考。")),
            of_link("by", str | None, ("Who says so.", "主張者。")),
            answered("record", types.record | None, lambda root, info, _: root.record, ("The record at the other end.", "相手のレコード。")),
        ],
    )  # fmt: skip
    return document(
        "Neighbours",
        ("A page of the links of a record.", "隣接するものの一覧のページ。"),
        [
            answered("nodes", list[neighbour], lambda root, info, _: root[1], ("What the page holds.", "このページの項目。")),  # type: ignore[valid-type]
            answered("hasNextPage", bool, lambda root, info, _: root[0].next is not None, ("Whether there is more.", "続きの有無。")),
            answered("endCursor", str | None, lambda root, info, _: _cursor(root[0], info), ("`after` of the next page.", "次のページの `after`。")),
        ],
    )  # fmt: skip


# --- answers


def _lineage(types: Types, _: Any, info: Info, said: Mapping[str, Any]) -> tuple[graph.Lineage, list[_There]]:
    catalog = info.context.catalog
    runs = types.filters.condition_from(said.get("runs"), THROUGH, catalog.vocabulary)
    found = graph.lineage(
        said["id"],
        info.context.reader,
        answers=catalog.answers,
        direction=said["direction"].value,
        depth=said["depth"],
        most=graph.MOST_NODES if said.get("first") is None else said["first"],
        kinds=said.get("kinds") or (),
        fields=said.get("fields") or (),
        through=None if runs is None else (THROUGH, runs),
    )
    if isinstance(found, Moved):
        raise _moved(found)
    if said.get("first") is None:
        _hold_cost(info, max(len(found.nodes), len(found.edges)))
    return found, _with_records(info, ("nodes", "record"), found.nodes)


def _hold_cost(info: Info, size: int) -> None:
    """TooCostly if telling all of what was found would cost too much; how much that is was not known before."""
    context, raw = info.context, info._raw_info
    below = Weigher(raw.schema, raw.fragments).below(raw.field_nodes, get_named_type(raw.return_type), size)  # type: ignore[arg-type]
    cost = cost_of(below, number_from(raw.operation, raw.variable_values.coerced))
    if cost > context.cost_limit:
        raise TooCostly(
            f"There are {size} records or links, and telling all that is asked of them would cost {cost}, while one query may cost "
            f"{context.cost_limit}: ask for fewer (first), or for less of each.",
            ja=f"レコードまたはリンクが {size} 件あり、すべて返すコストは {cost} です（上限 {context.cost_limit}）。"
            "first で件数を減らすか、取得する項目を減らしてください。",
        )


def _path(_: Any, info: Info, said: Mapping[str, Any]) -> tuple[graph.Paths, list[tuple[list[_There], Sequence[Edge]]]]:
    found = graph.path(
        said["from"],
        said["to"],
        info.context.reader,
        answers=info.context.catalog.answers,
        longest=said["maxLength"],
        most=said["first"],
        kinds=said.get("kinds") or (),
        fields=said.get("fields") or (),
    )
    if isinstance(found, Moved):
        raise _moved(found)
    records = _records(info, ("paths", "nodes", "record"), (place for path in found.paths for place in path.nodes))
    return found, [([_There.at(place, records) for place in path.nodes], path.edges) for path in found.paths]


def _neighbours(_: Any, info: Info, said: Mapping[str, Any]) -> tuple[Neighbours, list[_Linked]]:
    direction = said.get("direction")
    found = graph.neighbours(
        said["id"],
        info.context.reader,
        answers=info.context.catalog.answers,
        directions=("out", "in") if direction is None else (direction.value,),
        fields=said.get("fields") or (),
        kinds=said.get("kinds") or (),
        first=said["first"],
        after=_after(said.get("after"), info),
    )
    if isinstance(found, Moved):
        raise _moved(found)
    records = _records(info, ("nodes", "record"), found.links)
    return found, [_Linked(each, records.get(each.id)) for each in found.links]


def _with_records(info: Info, path: tuple[str, ...], places: Sequence[Place]) -> list[_There]:
    records = _records(info, path, places)
    return [_There.at(place, records) for place in places]


def _records(info: Info, path: tuple[str, ...], places: Iterable[Place | Link]) -> Mapping[str, Any]:
    """The records of these places, if they are asked for at all; so many in a statement as one may name."""
    ids = list(dict.fromkeys(place.id for place in places if place.kind is not None))
    told: dict[str, Any] = {}
    for start in range(0, len(ids), MOST_ITEMS):
        told |= told_under(info, path, ids[start : start + MOST_ITEMS])
    return told


def _moved(found: Moved) -> GraphQLError:
    error = Merged(found)
    return GraphQLError(error.message, original_error=error, extensions={"code": "MOVED", "to": found.to})


def _cursor(found: Neighbours, info: Info) -> str | None:
    at = found.next
    if at is None:
        return None
    place = After((int(at.outward), at.field, at.place), at.record)
    return write_cursor(place, _ORDER, info.context.catalog.cursor_key)


def _after(cursor: str | None, info: Info) -> Beyond | None:
    if cursor is None:
        return None
    at = read_cursor(cursor, _ORDER, info.context.catalog.cursor_key)
    outward, field, place = at.values
    if outward not in (0, 1) or not isinstance(field, str) or not isinstance(place, int) or isinstance(place, bool):
        raise Invalid("after: this is no cursor of neighbours", ja="after: 隣接の一覧のカーソルではありません")
    return Beyond(bool(outward), field, at.id, place)
