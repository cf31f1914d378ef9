"""What has changed, in pages and as it happens: the feed, as far as it is of what is asked for."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import strawberry
from strawberry import ID
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from catalog.discovery.changes import MOST, Feed, Told, changes_after, matching
from catalog.discovery.overview import health
from catalog.questions.question import Condition
from catalog.questions.reader import Reader
from catalog.web.feeds import LONGEST_STREAM_SECONDS, LOOKS_EVERY_SECONDS, PAGE
from catalog.web.graphql.answered import Info, answered, document, first_of
from catalog.web.graphql.compile import told_under
from catalog.web.graphql.context import Context
from catalog.web.graphql.definitions import argument, both
from catalog.web.graphql.types import Types
from catalog.web.refusals import Unauthorized

# So many stretches of the feed are looked through for one page; then it is told, however little there is on it.
LOOKS: Final = 10
# For so long what was looked up for a stream is told by the rights that its asker had then.
AS_ASKED_SECONDS: Final = 1.0


@strawberry.enum(description="What a change means to whoever holds a copy.\n変更の意味。")
class ChangeOf(enum.Enum):
    """What a change means to whoever holds a copy."""

    CHANGED = strawberry.enum_value("changed", description="Read the record again.\nレコードを読み直す。")
    LEFT = strawberry.enum_value(
        "left", description="It is not, or no more, among what the filter chooses.\n条件に合わない（合わなくなった）。"
    )
    GONE = strawberry.enum_value(
        "gone",
        description="It was withdrawn, or taken from the asker's sight: forget it.\n取り下げ、または閲覧できなくなった。",
    )
    MERGED = strawberry.enum_value("merged", description="Read `into` instead.\n`into` に統合された。")
    SCOPE_AGAIN = strawberry.enum_value(
        "scope-again",
        description="A scope was opened: read what lies in it again.\nスコープが開かれた。中身を読み直す。",
    )
    SCOPE_GONE = strawberry.enum_value(
        "scope-gone",
        description="A scope was closed: forget what can no more be read.\nスコープが閉じられた。読めないものを破棄する。",
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """A change with its record as it was told; in a stream it is read when it is asked for."""

    told: Told
    records: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Of which records changes are asked for."""

    kinds: tuple[str, ...]
    where: Condition | None
    leaving: bool

    def look(self, position: int, limit: int, reader: Reader, context: Context) -> Feed:
        answers = context.catalog.answers
        feed = changes_after(position, reader, answers=answers, limit=limit)
        return matching(feed, reader, kinds=self.kinds, where=self.where, leaving=self.leaving, answers=answers)


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """`changes`, a page at a time."""
    return {
        "changes": answered(
            "changes",
            _page(_change(types.record)) | None,
            partial(_changes, types),
            (
                (
                    "What has changed, in an order that skips nothing, as far as the asker may know; only of records that meet the "
                    "filter now. What they may no more see is told as `GONE`, whatever the filter."
                ),
                "変更のフィード。条件に合うレコードの変更を漏れなく順に返す。閲覧できなくなったものは条件によらず GONE として返す。",
            ),
            argument(
                "since",
                str | None,
                (
                    "A `token` or `next` of this feed, or of `/changes`; without it from the beginning.",
                    "前回の `token` または `next`。省略時は最初から。",
                ),
            ),
            argument("first", int, (f"How many, at most {MOST:,}.", f"件数（最大{MOST:,}）。"), 100),
            *_filters(types),
        )
    }


def subscription_fields(types: Types) -> dict[str, StrawberryField]:
    """`changes`, as they happen."""

    async def listen(root: Any, info: strawberry.Info[Any, Any], **said: Any) -> AsyncIterator[_Change]:
        return await _listened(types, info.context, said)

    field = StrawberryField(
        python_name="changes",
        graphql_name="changes",
        type_annotation=StrawberryAnnotation(_change(types.record)),
        base_resolver=StrawberryResolver(listen),
        is_subscription=True,
        description=both(
            (
                (
                    "Changes of records that meet the filter, as they happen, for up to ten minutes; taken up again with `since`. What the "
                    "asker may do is asked again before each look."
                ),
                "条件に合うレコードの変更を起こるたびに返す（最長10分）。`since` で続きから再開できる。権限は毎回確認される。",
            )
        ),
    )
    field.arguments = [
        argument(
            "since",
            str | None,
            ("The last `token` that was seen; without it from now on.", "最後に受け取った `token`。省略時は現在から。"),
        ),
        *_filters(types),
    ]
    return {"changes": field}


def _filters(types: Types) -> tuple[StrawberryArgument, ...]:
    return (
        argument("kinds", list[str] | None, ("Only of records of these kinds.", "対象の種別。")),
        types.filters.where(None),
        argument(
            "leaving",
            bool,
            (
                "Also tell changes of records that do not meet the filter, as `LEFT`, so that a copy can be kept true.",
                "条件に合わないレコードの変更も LEFT として返す（写しの維持に使う）。",
            ),
            False,
        ),
    )


# --- types


@lru_cache(8)
def _change(record: type) -> type:
    def said(name: str, type_: Any, words: tuple[str, str], key: str | None = None) -> StrawberryField:
        return answered(name, type_, lambda root, info, _: getattr(root.told, key or name), words)

    return document(
        "Change",
        ("One thing that happened.", "1件の変更。"),
        [
            answered(
                "token",
                str,
                lambda root, info, _: info.context.site.tokens.write(root.told.position),
                (
                    "Its place in the feed; go on behind it with `since`.",
                    "フィード内の位置。`since` に指定すると続きを取得できる。",
                ),
            ),
            answered(
                "what", ChangeOf, lambda root, info, _: ChangeOf(root.told.what), ("What it means.", "変更の意味。")
            ),
            said("id", ID, ("The id of the record, or of the scope.", "レコード（またはスコープ）の ID。")),
            said("at", str, ("When it happened.", "日時。")),
            said("revision", int | None, ("The revision that is shown now.", "現在の版。")),
            said("reason", str | None, ("Why it was withdrawn.", "取り下げの理由。")),
            said("into", ID | None, ("The record that it became.", "統合先の ID。")),
            said("from", str | None, ("When a right that was given begins.", "権限の開始日時。"), "since"),
            said("until", str | None, ("When it ends.", "権限の終了日時。")),
            answered(
                "record",
                record | None,
                _record,
                (
                    "The record as it is now, or the one that it became; null of what is gone.",
                    "現在のレコード（統合先を含む）。",
                ),
            ),
        ],
    )


def _page(change: type) -> type:
    return document(
        "Changes",
        ("A stretch of the feed.", "フィードの一部。"),
        [
            answered("nodes", list[change], lambda root, info, _: root[1], ("What happened, in order.", "変更（順番どおり）。")),  # type: ignore[valid-type]
            answered(
                "next",
                str,
                lambda root, info, _: info.context.site.tokens.write(root[0].position),
                ("Where to go on, whether or not anything was told.", "続きの位置。"),
            ),
            answered(
                "more",
                bool,
                lambda root, info, _: root[0].more,
                ("Whether it goes on right away; a page may be empty and have more behind it.", "続きがすぐにあるか。"),
            ),
        ],
    )  # fmt: skip


# --- answers


def _chosen(types: Types, context: Context, said: Mapping[str, Any]) -> _Chosen:
    vocabulary = context.catalog.vocabulary
    where = types.filters.condition_from(said.get("where"), None, vocabulary)
    return _Chosen(tuple(said.get("kinds") or ()), where, said["leaving"])


def _changes(types: Types, _: Any, info: Info, said: Mapping[str, Any]) -> tuple[Feed, list[_Change]]:
    context = info.context
    chosen = _chosen(types, context, said)
    first, since = first_of(said, MOST), said.get("since")
    position = 0 if since is None else context.site.tokens.read(since)
    told: list[Told] = []
    for _look in range(LOOKS):
        feed = chosen.look(position, first - len(told), context.reader, context)
        told += feed.changes
        position = feed.position
        if len(told) == first or not feed.more:
            break
    records = told_under(info, ("nodes", "record"), [id for each in told if (id := _of(each)) is not None])
    return feed, [_Change(each, records) for each in told]


def _of(told: Told) -> str | None:
    """The record that is to be read now."""
    return {"changed": told.id, "left": told.id, "merged": told.into}.get(told.what)


def _record(root: _Change, info: Info, _: Mapping[str, Any]) -> Any:
    id = _of(root.told)
    if id is None:
        return None
    return (told_under(info, (), [id]) if root.records is None else root.records).get(id)


async def _listened(types: Types, context: Context, said: Mapping[str, Any]) -> AsyncIterator[_Change]:
    """The stream, begun: where it begins is settled before its client is told that it is listened to."""
    site = context.site
    chosen = await site.in_thread(_chosen, types, context, said)
    since = said.get("since")
    if since is not None:
        position = site.tokens.read(since)
    else:
        position = (await site.in_thread(partial(health, answers=context.catalog.answers))).position
    # What cannot be asked is refused before anything is waited for.
    found = await site.in_thread(chosen.look, position, PAGE, context.reader, context)
    return _as_they_happen(chosen, found, context)


async def _as_they_happen(chosen: _Chosen, found: Feed, context: Context) -> AsyncIterator[_Change]:
    clock = asyncio.get_running_loop().time
    assert context.by_now is not None, "whoever listens for minutes is asked again what they may"
    now, who = clock(), context.reader.id
    until, asked = now + LONGEST_STREAM_SECONDS, now
    while True:
        more = found.more
        for told in found.changes:
            yield _Change(told, None)
            if clock() - asked > AS_ASKED_SECONDS:
                # Who reads slowly is not told the rest by rights that they had when it was looked up.
                position, more = told.position, True
                break
        else:
            position = found.position
        if not more:
            if clock() > until:
                return
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        try:
            asker = await context.by_now()
        except Unauthorized:
            return
        if asker.reader.id != who:
            # Signed out meanwhile: whoever takes it up again does so as who they are then.
            return
        context.asker, asked = asker, clock()
        found = await context.site.in_thread(chosen.look, position, PAGE, asker.reader, context)
