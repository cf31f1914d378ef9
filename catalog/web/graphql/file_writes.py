"""Files of datasets over GraphQL, and where their bytes are: lists of a size that one request holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from catalog.curation import files
from catalog.errors import TooLarge as Exceeded
from catalog.web.graphql.definitions import Long, argument, listed
from catalog.web.graphql.inputs import Inputs, written
from catalog.web.graphql.payloads import Payload, Shown, payload, record_field, tells
from catalog.web.graphql.refusals import Conflict, Forbidden, Invalid, NotFound, Refusal, TooLarge, Unavailable
from catalog.web.graphql.types import Types
from catalog.web.graphql.verbs import ID, Said, verb

if TYPE_CHECKING:
    from catalog.ledger.files import FileList

# A list of any length is changed over REST, as a stream.
MOST_FILES: Final = 10_000
REFUSALS: Final[Sequence[Refusal]] = (Invalid, NotFound, Conflict, Forbidden, TooLarge, Unavailable)
VERSION: Final = argument(
    "expectedVersion",
    int | None,
    (
        "The version of the list that was read; if the list has changed, the answer is a `Conflict`.",
        "読んだ一覧の版。一覧が変わっていれば `Conflict`。",
    ),
)
PATH: Final = argument("path", str, ("The path of the file.", "ファイルのパス。"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A dataset's list of files after a change of it."""

    id: str
    made: FileList
    shown: Shown


def file_writes(types: Types, inputs: Inputs) -> Iterator[StrawberryField]:
    """Every mutation of files."""
    payload_ = _payload("FilesListed", types)

    def change(
        name: str, do: Callable[[Said], Callable[..., FileList]], en: str, ja: str, *arguments: Any
    ) -> StrawberryField:
        def carry_out(said: Said) -> Payload:
            made = do(said)(said.reader, intake=said.catalog.intake, expected_version=said.get("expectedVersion"))
            return payload_(Listed(said["id"], made, Shown([said["id"]])))

        return verb(name, carry_out, payload_, REFUSALS, (en, ja), ID, *arguments, VERSION)

    said_files = argument("files", listed(inputs.file), ("The files.", "ファイル。"))
    yield change(
        "putFiles",
        lambda said: lambda *more, **named: files.put_files(said["id"], _files(said), *more, **named),
        f"Let these be all files of a dataset, {MOST_FILES:,} at most; longer lists are sent over REST (`PUT /files/{{id}}`).",
        f"データセットのファイル一覧を置き換えます（最大 {MOST_FILES:,} 件。それ以上は REST の `PUT /files/{{id}}`）。",
        said_files,
    )
    yield change(
        "addFiles",
        lambda said: lambda *more, **named: files.add_files(said["id"], _files(said), *more, **named),
        "Add files to a dataset; those of a path that is there already take their place.",
        "データセットにファイルを追加します。同じパスのファイルは置き換えられます。",
        said_files,
    )
    yield change(
        "takeFiles",
        lambda said: lambda *more, **named: files.take_files(said["id"], _bounded(said["paths"]), *more, **named),
        "Take files out of a dataset's list; a path that is not there does no harm.",
        "ファイルを一覧から外します。ないパスを指定しても問題ありません。",
        argument("paths", list[str], ("Their paths.", "ファイルのパス。")),
    )
    yield change(
        "addLocations",
        lambda said: (
            lambda *more, **named: files.add_locations(
                said["id"], said["path"], _plain(said["locations"]), *more, **named
            )
        ),
        "Say where else the bytes of a file are; what is said of an address that is there already takes its place.",
        "ファイルの所在を追加します。同じアドレスの情報は置き換えられます。",
        PATH,
        argument("locations", listed(inputs.location), ("Where.", "所在。")),
    )
    yield change(
        "takeLocations",
        lambda said: (
            lambda *more, **named: files.take_locations(said["id"], said["path"], said["addresses"], *more, **named)
        ),
        "Say that the bytes of a file are no more at these addresses.",
        "ファイルの所在を取り除きます。",
        PATH,
        argument("addresses", list[str], ("Which addresses.", "アドレス。")),
    )
    yield _state(types)


def _state(types: Types) -> StrawberryField:
    made = payload(
        "LocationStateSet",
        [
            tells("id", strawberry.ID, lambda said: said.id, ("The dataset's id.", "データセットの ID。")),
            record_field(types),
        ],
        ("The state of a location that was set.", "設定された所在の状態。"),
    )

    def carry_out(said: Said) -> Payload:
        files.set_location_state(
            said["id"],
            said["path"],
            said["address"],
            said["state"],
            said.reader,
            intake=said.catalog.intake,
            until=said.get("until"),
            verified_at=said.get("verifiedAt"),
        )
        return made(Stated(said["id"], Shown([said["id"]])))

    return verb(
        "setLocationState",
        carry_out,
        made,
        (Invalid, NotFound, Forbidden, Unavailable),
        (
            "Say whether the bytes at a place can be read now, which is no new version of the list.",
            "所在のデータがいま読めるかどうかを設定します（一覧の版は変わりません）。",
        ),
        ID,
        PATH,
        argument("address", str, ("The address of the location.", "所在のアドレス。")),
        argument(
            "state",
            str,
            ("online, offline, restoring, restored or lost.", "online、offline、restoring、restored、lost。"),
        ),
        argument("until", str | None, ("Until when it holds.", "状態の期限。")),
        argument("verifiedAt", str | None, ("When the bytes were compared with a checksum.", "照合した日時。")),
    )


@dataclass(frozen=True, slots=True)
class Stated:
    """A dataset of which something was said."""

    id: str
    shown: Shown


def _payload(name: str, types: Types) -> type[Payload]:
    return payload(
        name,
        [
            tells("id", strawberry.ID, lambda listed: listed.id, ("The dataset's id.", "データセットの ID。")),
            tells(
                "version", int, lambda listed: listed.made.version, ("The version of the list now.", "現在の一覧の版。")
            ),
            tells(
                "count", int, lambda listed: listed.made.count, ("How many files there are now.", "現在のファイル数。")
            ),
            tells(
                "size", Long, lambda listed: listed.made.size, ("The size of all, in bytes.", "合計サイズ（バイト）。")
            ),
            record_field(types),
        ],
        ("A dataset's list of files as it is now.", "現在のファイル一覧。"),
    )


def _files(said: Said) -> list[Any]:
    return _plain(_bounded(said["files"]))


def _plain(told: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [written(each) for each in told]


def _bounded(told: Sequence[Any]) -> Sequence[Any]:
    if len(told) > MOST_FILES:
        raise Exceeded(
            f"{len(told):,} files are more than the {MOST_FILES:,} of one mutation: send them in parts, or over REST.",
            ja=f"{len(told):,} 件は1回の上限 {MOST_FILES:,} 件を超えています。分けて送るか、REST を使ってください。",
        )
    return told
