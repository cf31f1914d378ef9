"""Fields that plain functions answer, and types whose values are documents as REST answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any, Final

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from catalog.errors import Invalid, Unavailable
from catalog.records.standing import Name
from catalog.web.graphql.context import Context
from catalog.web.graphql.definitions import Long, Words, argument, both, declared, define
from catalog.web.graphql.recipes import COST
from catalog.web.negotiation import LANGUAGES
from catalog.web.pages import text_in
from catalog.web.waiting import LONGEST_SECONDS, USUAL_SECONDS

Info = strawberry.Info[Context, Any]
# From the value that the field is of, the request, and the arguments as they were written.
Answer = Callable[[Any, Info, Mapping[str, Any]], Any]

IN_LANGUAGE: Final = argument(
    "language",
    str | None,
    ("In this language (en, ja); else in that of the request.", "表示する言語（en、ja）。省略時はリクエストの言語。"),
)

# Who waits holds a thread meanwhile: so many at once, and others are told to come again.
_WAITING: Final = BoundedSemaphore(4)


def answered(
    name: str,
    type_: Any,
    answer: Answer,
    words: Words | str | None = None,
    *arguments: StrawberryArgument,
    cost: int = 0,
) -> StrawberryField:
    """A field that a function answers; `cost` beside what it tells."""

    def run(root: Any, info: strawberry.Info[Any, Any], **said: Any) -> Any:
        return answer(root, info, said)

    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        base_resolver=StrawberryResolver(run),
        description=both(words),
        metadata={COST: cost} if cost else {},
    )
    field.arguments = list(arguments)
    return field


def member(name: str, type_: Any, words: Words | str | None = None, key: str | None = None) -> StrawberryField:
    """What a document says under this name, or under this key."""
    said = key or name
    return answered(name, type_, lambda root, info, _: root.get(said), words)


def text(name: str, words: Words | str | None = None, key: str | None = None) -> StrawberryField:
    """A text that a document has in several languages."""
    said = key or name
    return answered(
        name,
        str | None,
        lambda root, info, given: in_language(root.get(said), info, given.get("language")),
        words,
        IN_LANGUAGE,
    )


def in_language(told: Mapping[str, str] | None, info: Info, asked: str | None) -> str | None:
    """A text in the language that is asked for, or another if it is not there in that."""
    if not told:
        return None
    if asked is not None and asked in told:
        return told[asked]
    near = next((each for each in LANGUAGES if asked is not None and each == asked.partition("-")[0].lower()), None)
    return text_in(told, near or info.context.language)[0]


def document(name: str, words: Words | str | None, fields: Sequence[StrawberryField]) -> type:
    """A type whose values are documents."""
    return define(declared(name), fields, words)


def page(name: str, of: type, words: Words) -> type:
    """A page of a list that is not of records: REST answers it as `items` and `next`."""
    return document(
        name,
        words,
        [
            member("nodes", list[of], ("What the page holds.", "このページの項目。"), "items"),  # type: ignore[valid-type]
            answered(
                "hasNextPage",
                bool,
                lambda root, info, _: root["next"] is not None,
                ("Whether there is more.", "続きの有無。"),
            ),
            member("endCursor", str | None, ("`after` of the next page.", "次のページの `after`。"), "next"),
        ],
    )


def page_arguments(usual: int = 20, most: int = 1_000) -> tuple[StrawberryArgument, StrawberryArgument]:
    """How much of a list, and from where on."""
    return (
        argument("first", int, (f"How many, at most {most:,}.", f"件数（最大{most:,}）。"), usual),
        argument("after", str | None, ("The `endCursor` of the page before.", "前のページの `endCursor`。")),
    )


def first_of(said: Mapping[str, Any], most: int = 1_000) -> int:
    """How many are asked for, or Invalid."""
    first = int(said["first"])
    if not 1 <= first <= most:
        raise Invalid(f"first: {first} is not between 1 and {most}", ja=f"first: 1から{most}の範囲で指定してください")
    return first


# --- reading what one has just written


def waiting() -> tuple[StrawberryArgument, StrawberryArgument]:
    """The arguments of what may wait for a position."""
    return (
        argument(
            "waitFor",
            Long | None,
            (
                "A `position` that a write answered: wait until what was written there can be found.",
                "書き込みの応答の `position`。その内容が見つかるようになるまで待ちます。",
            ),
        ),
        argument(
            "waitSeconds",
            int,
            (f"How long to wait for it, at most {LONGEST_SECONDS}.", f"待つ秒数（最大{LONGEST_SECONDS}）。"),
            USUAL_SECONDS,
        ),
    )


def wait(info: Info, projection: Name, said: Mapping[str, Any]) -> None:
    """Wait for the position that is asked for; Unavailable if it can't be found in that time."""
    position, seconds = said.get("waitFor"), int(said["waitSeconds"])
    if position is None:
        return
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise Invalid(
            f"waitSeconds: {seconds} is not between 0 and {LONGEST_SECONDS}",
            ja=f"waitSeconds: 0から{LONGEST_SECONDS}の範囲で指定してください",
        )
    book = info.context.catalog.book
    if book.wait_for(projection, position, 0):
        return
    if not _WAITING.acquire(blocking=False):
        raise Unavailable(
            "Too many wait at this moment; try again soon.",
            ja="待機中の要求が多すぎます。少し待ってからもう一度お試しください。",
        )
    try:
        if not book.wait_for(projection, position, seconds):
            raise Unavailable(
                f"What was written up to position {position} cannot be found yet. Try again in a moment.",
                ja=f"位置 {position} までの書き込みは、まだ検索できません。少し待ってからもう一度お試しください。",
            )
    finally:
        _WAITING.release()
