"""The fields of the root that tell records: by id, several at once, and in lists, of one kind or of any."""

from __future__ import annotations

from typing import Any

from strawberry import ID
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from catalog.web.graphql.definitions import argument, listed, told
from catalog.web.graphql.naming import camel, legal, taken_twice
from catalog.web.graphql.recipes import ListOf, OneOf, SeveralOf
from catalog.web.graphql.types import Types, page_arguments


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """Records by id and in lists."""
    made: dict[str, StrawberryField] = {}

    def add(
        name: str, of: str, type_: Any, recipe: Any, words: tuple[str, str], *arguments: StrawberryArgument
    ) -> None:
        if name in made:
            raise taken_twice(name, "one field of the root", of)
        made[legal(name, of)] = told(name, type_, recipe, words, *arguments)

    one = argument("id", ID, ("Its id: kind, source and local id.", "ID（種別/登録元/ローカルID）。"))
    several = argument("ids", list[ID], ("Their ids, at most 1,000.", "ID（最大1,000件）。"))
    as_of = argument(
        "asOf",
        str | None,
        (
            "As it was shown at this time (2026-05, 2026-05-10T12:00:00Z); for those who write here also at a position of the ledger.",
            "この時点の版（2026-05、2026-05-10T12:00:00Z など）。書き込み権限があれば台帳の位置でもよい。",
        ),
    )
    kinds = argument("kinds", list[str] | None, ("Only of these kinds.", "この種別だけ。"))
    statuses = argument(
        "statuses",
        list[str] | None,
        (
            "Besides what is public, for those who write: suppressed, private, draft, quarantined.",
            "公開状態（書き込み権限があれば suppressed、private、draft、quarantined も）。",
        ),
    )
    add("node", "any record", types.node | None, OneOf(), ("What has this id.", "このIDのもの。"), one)
    add(
        "nodes",
        "any record",
        listed(types.node | None),
        SeveralOf(),
        (
            "What has these ids, in their order; null for what is not there.",
            "これらのIDのもの（順番どおり、なければ null）。",
        ),
        several,
    )
    add(
        "record",
        "any record",
        types.record | None,
        OneOf(),
        ("The record of this id.", "このIDのレコード。"),
        one,
        as_of,
    )
    add(
        "records",
        "any record",
        types.connection[None] | None,
        ListOf(),
        ("Records of several kinds or of any.", "複数の種別のレコードの一覧。"),
        kinds,
        *_list(types, None, statuses),
    )
    for name, kind in types.kinds.items():
        of = f"kind {name}"
        titles = (kind.titles.get("en", name), kind.titles.get("ja", name))
        words = (f"One of the {kind.plural}, by its id.", f"{titles[1]}をIDで取得。")
        add(camel(name), of, types.of_kind[name] | None, OneOf((name,)), words, one, as_of)
        as_list = (f"The {kind.plural}, as a list.", f"{titles[1]}の一覧。")
        add(
            camel(kind.plural),
            of,
            types.connection[name] | None,
            ListOf((name,)),
            as_list,
            *_list(types, name, statuses),
        )
    return made


def _list(types: Types, kind: str | None, statuses: StrawberryArgument) -> tuple[StrawberryArgument, ...]:
    return (types.filters.where(kind), types.filters.order_by(kind), *page_arguments(), statuses)
