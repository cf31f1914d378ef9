"""What administrators do over GraphQL: with what is built from the ledger, and with bytes that must go for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from catalog.curation import verbs
from catalog.upkeep import operating
from catalog.web.graphql.administration import FAILURE, ProjectionName
from catalog.web.graphql.definitions import argument
from catalog.web.graphql.payloads import Payload, payload, tells
from catalog.web.graphql.refusals import Conflict, Forbidden, Invalid, NotFound, Unavailable
from catalog.web.graphql.verbs import ID, REASON, Said, verb
from catalog.web.graphql.writes import Done, Writes

NAME: Final = argument("projection", ProjectionName, ("Which projection.", "対象の投影。"))


def _name(said: Said) -> Any:
    return operating.named(said["projection"].value)


def operating_writes(writes: Writes) -> Iterator[StrawberryField]:
    """Every mutation of projections, and expunging."""
    yield from _failures()
    yield from _generations()
    yield from _expunging(writes)


def _failures() -> Iterator[StrawberryField]:
    retried = payload(
        "FailuresRetried",
        [tells("records", int, lambda count: count, ("So many are tried again.", "再試行する件数。"))],
        ("Failed records that are tried again.", "再試行するレコード。"),
    )
    yield verb(
        "retryFailures",
        lambda said: retried(
            operating.retry(said.reader, book=said.catalog.book, name=_name(said), id=said.get("record"))
        ),
        retried,
        (NotFound, Forbidden, Unavailable),
        (
            "Try failed records again: one, which is no longer waived then, or all that are not.",
            "反映に失敗したレコードを再試行します（1件、または免除されていないすべて）。",
        ),
        NAME,
        argument("record", strawberry.ID | None, ("Which one; without it all.", "レコードの ID（省略時はすべて）。")),
        about=lambda _: (None, None),
    )
    waived = payload(
        "FailureWaived",
        [tells("failure", FAILURE, lambda found: found.document(), ("The failure.", "失敗の記録。"))],
        ("A record that may be missing.", "欠けていてよいとされたレコード。"),
    )

    def waive(said: Said) -> Payload:
        name, book = _name(said), said.catalog.book
        operating.waive(name, said["record"], said["reason"], said.reader, book=book)
        return waived(operating.failure(name, said["record"], said.reader, book=book))

    yield verb(
        "waiveFailure",
        waive,
        waived,
        (Invalid, NotFound, Forbidden, Unavailable),
        (
            "Say why a record that can't be projected may be missing; it ends when the record is revised.",
            "反映できないレコードが欠けていてよい理由を記録します。レコードが更新されると終わります。",
        ),
        NAME,
        argument("record", strawberry.ID, ("The record's id.", "レコードの ID。")),
        REASON,
        about=lambda _: (None, None),
    )


def _generations() -> Iterator[StrawberryField]:
    generation = ("The number of the generation.", "世代の番号。")
    wanted = payload(
        "RebuildAsked",
        [tells("generation", int, lambda number: number, generation)],
        ("A generation that was asked for.", "依頼した世代。"),
    )

    def rebuild(said: Said) -> Payload:
        name, catalog = _name(said), said.catalog
        if said["back"]:
            projection = catalog.projections[name]
            return wanted(operating.go_back(name, said.reader, book=catalog.book, projection=projection))
        return wanted(operating.rebuild(name, said.reader, book=catalog.book))

    yield verb(
        "rebuildProjection",
        rebuild,
        wanted,
        (NotFound, Forbidden, Conflict, Unavailable),
        (
            "Build a projection again beside the one that answers; `back`: let the one answer that did before.",
            "投影を再構築します。`back` では前の世代に戻します。",
        ),
        NAME,
        argument("back", bool, ("Go back to the generation before.", "前の世代に戻す。"), False),
        about=lambda _: (None, None),
    )
    asked = payload(
        "VerificationAsked",
        [tells("askedAt", str, lambda at: at, ("When it was asked for.", "依頼した日時。"))],
        ("A verification that was asked for.", "依頼した照合。"),
    )
    yield verb(
        "verifyProjection",
        lambda said: asked(
            operating.ask_to_verify(
                _name(said), said.reader, verifications=said.catalog.verifications, repair=said["repair"]
            )
        ),
        asked,
        (NotFound, Forbidden, Unavailable),
        ("Compare a projection with the ledger.", "投影を台帳と照合します。"),
        NAME,
        argument("repair", bool, ("Repair what differs.", "違いを修復する。"), True),
        about=lambda _: (None, None),
    )


def _expunging(writes: Writes) -> Iterator[StrawberryField]:
    asked = payload(
        "ExpungeAsked",
        [
            tells("request", strawberry.ID, lambda id: id, ("The request's id.", "依頼の ID。")),
            tells(
                "codeFile",
                str,
                lambda id: verbs.EXPUNGE_CODE.format(request=id),
                (
                    "The file in the data folder that holds the one-time code.",
                    "確認コードの入ったファイル（データフォルダー内）。",
                ),
            ),
        ],
        ("A request that bytes be erased.", "抹消の依頼。"),
    )
    yield verb(
        "requestExpunge",
        lambda said: asked(
            verbs.request_expunge(
                said["id"],
                said["reason"],
                said.reader,
                intake=said.catalog.intake,
                folder=said.catalog.settings.data,
                revision=said.get("revision"),
            )
        ),
        asked,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        (
            "Ask that a record or a revision be erased for good; a one-time code confirms it.",
            "レコードや版の抹消を依頼します。確認コードで確定します。",
        ),
        ID,
        REASON,
        argument("revision", int | None, ("Only the content of this revision.", "この版の内容だけ。")),
        about=lambda said: (None, said["id"]),
    )
    words = ("A record or revision that was erased.", "抹消されたレコードや版。")
    expunged = writes.done("Expunged", words)

    def expunge(said: Said) -> Payload:
        position = verbs.expunge(
            said["request"],
            said["code"],
            said.reader,
            intake=said.catalog.intake,
            folder=said.catalog.settings.data,
            id=said["id"],
        )
        return expunged(Done.of(said["id"], position))

    yield verb(
        "expunge",
        expunge,
        expunged,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        ("Erase what was requested, once, with its code.", "依頼された抹消を、確認コードで実行します。"),
        ID,
        argument("request", strawberry.ID, ("The request's id.", "依頼の ID。")),
        argument("code", str, ("The one-time code.", "確認コード。")),
        about=lambda said: (None, said["id"]),
    )
