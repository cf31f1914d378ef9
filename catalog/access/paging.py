"""Lists in pages: where one page ends and the next begins is told by values, so that nothing is told twice or left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, or_

from catalog.errors import Invalid
from catalog.questions.cursor import read_cursor, write_cursor
from catalog.questions.question import After, Order

T = TypeVar("T")
# As many as a page holds if nobody says how many.
USUAL: Final = 100
# Beyond what an integer column may be compared with.
MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and the cursor of the part behind it; None if this is the last."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Along:
    """A column that a list goes along, which its rows hold under this name. The last one of a list is an id."""

    name: str
    column: ColumnElement[Any]
    of: type = str
    descending: bool = False


def page_of(
    connection: Connection,
    wanted: Select[Any],
    along: Sequence[Along],
    made: Callable[[Any], T],
    *,
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """A page of what is wanted, from behind the cursor on."""
    order = tuple(Order(each.name, each.descending) for each in along[:-1])
    if cursor is not None:
        after = read_cursor(cursor, order)
        wanted = wanted.where(_behind(along, (*after.values, after.id)))
    rows = connection.execute(
        wanted.order_by(*(each.column.desc() if each.descending else each.column for each in along)).limit(limit + 1)
    ).fetchall()
    following = None
    if len(rows) > limit:
        *values, id = (rows[limit - 1]._mapping[each.name] for each in along)
        following = write_cursor(After(tuple(values), id), order)
    return Page(tuple(made(row) for row in rows[:limit]), following)


def through(ask: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list, asked for page by page from a cursor."""
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from page.items
        if page.next is None:
            return
        cursor = page.next


def _behind(along: Sequence[Along], values: Sequence[Any]) -> ColumnElement[bool]:
    # A cursor may be made by hand: what no such column holds is not asked of the database.
    for each, value in zip(along, values, strict=True):
        if (
            type(value) is not each.of
            or (isinstance(value, str) and "\0" in value)
            or (isinstance(value, int) and abs(value) > MOST)
        ):
            raise Invalid("cursor: this list has none like it", ja="cursor: この一覧のカーソルではありません")
    return or_(
        *(
            and_(
                *(before.column == value for before, value in zip(along[:place], values, strict=False)),
                each.column < values[place] if each.descending else each.column > values[place],
            )
            for place, each in enumerate(along)
        )
    )
