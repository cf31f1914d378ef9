"""What changes records over GraphQL: submissions, one or many, and the verbs of their status."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from catalog.curation import verbs
from catalog.curation.submit import REFUSALS, demand_entered, submit, submit_each
from catalog.errors import CatalogError, Malformed
from catalog.errors import Forbidden as Denied
from catalog.errors import TooLarge as Exceeded
from catalog.records.identifiers import record_id
from catalog.records.record import Submission
from catalog.web.graphql.definitions import Long, Words, argument, listed
from catalog.web.graphql.inputs import Inputs
from catalog.web.graphql.payloads import Payload, Shown, payload, record_field, tells
from catalog.web.graphql.refusals import (
    FINDING,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooLarge,
    Unavailable,
    findings_of,
)
from catalog.web.graphql.types import Types
from catalog.web.graphql.verbs import EXPECTED, ID, REASON, About, Said, result_of, told_of, verb
from catalog.web.site import RefusedRecords

if TYPE_CHECKING:
    from catalog.ledger.append import Outcome

# More in one mutation belongs into a load over REST, which takes any number and answers line by line.
MOST_AT_ONCE: Final = 1_000
POSITION: Final = (
    "The position in the ledger, for `waitFor`; null if nothing changed.",
    "台帳での位置（`waitFor` 用）。変更がなければ null。",
)


@strawberry.enum(description="How strictly a submission is held to the rules.\n規則をどこまで厳密に当てはめるか。")
class Mode(enum.Enum):
    """How strictly a submission is held to the rules."""

    STRICT = strawberry.enum_value("strict", description="What breaks a rule is refused.\n規則に反するものは拒否する。")
    TOLERANT = strawberry.enum_value(
        "tolerant",
        description="What keeps its kind is kept, and the rest quarantined.\n種別を満たすものは保存し、残りは隔離する。",
    )


@strawberry.enum(name="SubmissionOutcome", description="What became of a submission.\n登録の結果。")
class Became(enum.Enum):
    """What became of a submission."""

    CREATED = strawberry.enum_value("created", description="The record is new.\n新規に作成。")
    REVISED = strawberry.enum_value("revised", description="It says something new now.\n更新。")
    UNCHANGED = strawberry.enum_value("unchanged", description="It said so already.\n変更なし。")
    QUARANTINED = strawberry.enum_value("quarantined", description="It is kept for its writers to mend.\n隔離。")


MODE: Final = argument("mode", Mode, ("How strictly the rules are held to.", "規則の当てはめ方。"), Mode.STRICT)
DRY_RUN: Final = argument(
    "dryRun", bool, ("Only say what would happen; store nothing.", "結果だけを返し、何も保存しません。"), False
)
ATOMIC: Final = argument("atomic", bool, ("All of it or nothing.", "すべて登録するか、何も登録しない。"), False)
SUBMIT_REFUSALS: Final[Sequence[Refusal]] = (Invalid, Conflict, Forbidden, Unavailable)
VERB_REFUSALS: Final[Sequence[Refusal]] = (Invalid, NotFound, Conflict, Forbidden, Unavailable)


class Writes:
    """One schema's mutations of records, whose payloads tell of records of its types."""

    def __init__(self, types: Types, inputs: Inputs) -> None:
        self.types = types
        self.inputs = inputs
        self.change = payload(
            "RecordChange",
            self._of_record(),
            ("What was done to a record, whatever it was.", "レコードに対する変更の結果。"),
            interface=True,
        )
        self.submitted = self._submitted()
        self.submitted_many = self._submitted_many()

    def fields(self) -> Iterator[StrawberryField]:
        """Every mutation of records."""
        yield verb(
            "submit",
            self._submit,
            self.submitted,
            SUBMIT_REFUSALS,
            (
                (
                    "Enter a record, or what is said now of the one that is known by source, kind and local id; the same again "
                    "changes nothing."
                ),
                "レコードを登録します。登録元・種別・登録元での ID が同じレコードがあれば更新し、内容も同じなら何も変わりません。",
            ),
            argument("submission", self.inputs.submission, ("What is submitted.", "登録データ。")),
            MODE,
            DRY_RUN,
            about=lambda said: self._about(said["submission"]),
        )
        yield verb(
            "submitMany",
            self._submit_many,
            self.submitted_many,
            (TooLarge, Unavailable),
            (
                (
                    f"Enter up to {MOST_AT_ONCE:,} records in their order; each is answered for itself. Longer loads are taken over "
                    "REST as a stream (`POST /records`)."
                ),
                (
                    f"最大 {MOST_AT_ONCE:,} 件を順に登録し、1件ごとに結果を返します。さらに多い場合は REST の `POST /records` で"
                    "一括登録できます。"
                ),
            ),
            argument("submissions", listed(self.inputs.submission), ("What is submitted.", "登録データ。")),
            MODE,
            ATOMIC,
            DRY_RUN,
        )
        yield from self._verbs()

    # --- submissions

    def _submit(self, said: Said) -> Any:
        submission = self.inputs.read(said["submission"])
        (outcome,) = submit(
            [submission], said.reader, intake=said.catalog.intake, mode=said["mode"].value, dry_run=said["dryRun"]
        )
        return self.entered(outcome)

    def entered(self, outcome: Outcome) -> Payload:
        """What became of a submission, or why it was refused."""
        demand_entered(outcome)
        return self.submitted(Entered(outcome, Shown([outcome.id])))

    def _submit_many(self, said: Said) -> Any:
        submissions = said["submissions"]
        if len(submissions) > MOST_AT_ONCE:
            raise Exceeded(
                f"{len(submissions):,} submissions are more than the {MOST_AT_ONCE:,} of one mutation: send them in parts, or as a "
                "load (POST /records).",
                ja=f"{len(submissions):,} 件は1回の上限 {MOST_AT_ONCE:,} 件を超えています。分けて送るか、"
                "一括登録（POST /records）を使ってください。",
            )
        if not said["dryRun"]:
            said.catalog.pressure.refuse()
        outcomes = submit_each(
            [self._read(each) for each in submissions],
            said.reader,
            intake=said.catalog.intake,
            mode=said["mode"].value,
            dry_run=said["dryRun"],
            atomic=said["atomic"],
        )
        results: list[Payload] = []
        shown = Shown([outcome.id for outcome in outcomes if outcome.outcome not in REFUSALS])
        denied = RefusedRecords()
        for outcome in outcomes:
            try:
                demand_entered(outcome)
            except CatalogError as error:
                results.append(told_of(said, error, SUBMIT_REFUSALS))
                if isinstance(error, Denied):
                    denied.add(outcome.id)
            else:
                results.append(self.submitted(Entered(outcome, shown)))
        if denied.count and not said["dryRun"]:
            said.tell_refused((None, denied.first[0]), records=denied.count, ids=denied.first)
        return self.submitted_many(results)

    def _read(self, submission: Any) -> Submission | CatalogError:
        try:
            return self.inputs.read(submission)
        except Malformed as error:
            return error

    def _about(self, submission: Any) -> About:
        """What a submission is about, as far as that can be read from it."""
        way = self._read(submission)
        if isinstance(way, CatalogError) or way.local_id is None:
            return submission.get("scope"), None
        return way.scope, record_id(way.kind, way.source, way.local_id)

    # --- verbs

    def _verbs(self) -> Iterator[StrawberryField]:
        yield self._plain(
            "publish",
            "Published",
            verbs.publish,
            "Everyone who may read its scope sees it. A draft must pass the gate first, and is `Invalid` if it does not.",
            "スコープを閲覧できる全員に公開します。下書きは検証に通る必要があり、通らなければ `Invalid`。",
        )
        yield self._plain(
            "suppress",
            "Suppressed",
            verbs.suppress,
            "It stays readable by its id, and is in no list, count, feed or export.",
            "ID では閲覧できますが、一覧・件数・フィード・エクスポートには出しません。",
        )
        yield self._plain(
            "hide",
            "Hidden",
            verbs.hide,
            "Only the writers of its scope see it.",
            "スコープの書き込み権限者だけに見せます。",
        )
        yield self._plain(
            "restore",
            "Restored",
            verbs.restore,
            "Take a withdrawal back: the record is shown again, with the status that it had and its newest content.",
            "取り下げを取り消し、元の公開状態と最新の内容で再び表示します。",
        )
        yield self._verb(
            "withdraw",
            "Withdrawn",
            lambda said, **more: verbs.withdraw(said["id"], said["reason"], said.reader, **more),
            "Take the record out of what is shown. Who could read it is told the reason in its place.",
            "レコードを取り下げます。閲覧できた人には、代わりに理由が表示されます。",
            REASON,
            EXPECTED,
        )
        yield self._verb(
            "move",
            "Moved",
            lambda said, **more: verbs.move(said["id"], said["scope"], said.reader, **more),
            "Lay the record into another scope, by who may write in both.",
            "レコードを別のスコープに移します。両方のスコープの書き込み権限が必要です。",
            argument("scope", str, ("Where to.", "移動先のスコープ。")),
            EXPECTED,
        )
        yield self._verb(
            "merge",
            "Merged",
            lambda said, **more: verbs.merge(said["id"], said["into"], said.reader, **more),
            "Say that two records of a kind are one thing: the address of this one leads to the other from now on.",
            "同じ種別の2件のレコードを同一のものとします。以後、このレコードのアドレスは統合先に転送されます。",
            argument("into", strawberry.ID, ("The record that is to be read.", "統合先のレコード。")),
        )
        yield self._verb(
            "unmerge",
            "Unmerged",
            lambda said, **more: verbs.unmerge(said["id"], said.reader, **more),
            "Take a merging back: the record answers for itself again.",
            "統合を取り消します。",
        )

    def _plain(self, name: str, past: str, do: Callable[..., int | None], about: str, ja: str) -> StrawberryField:
        """A verb that needs no more than the record."""
        return self._verb(name, past, lambda said, **more: do(said["id"], said.reader, **more), about, ja, EXPECTED)

    def _verb(
        self, name: str, past: str, do: Callable[..., int | None], about: str, ja: str, *arguments: Any
    ) -> StrawberryField:
        made = self.done(past, (about, ja))

        def carry_out(said: Said) -> Any:
            more = {"expected_revision": said.get("expectedRevision")} if EXPECTED in arguments else {}
            return made(Done.of(said["id"], do(said, intake=said.catalog.intake, **more)))

        # What is asked of a record is about the record, wherever it is to lie.
        return verb(
            name, carry_out, made, VERB_REFUSALS, (about, ja), ID, *arguments, about=lambda said: (None, said["id"])
        )

    # --- payloads

    def _submitted(self) -> type[Payload]:
        return payload(
            "Submitted",
            [
                *self._of_record(),
                tells(
                    "outcome",
                    Became,
                    lambda entered: Became(entered.outcome.outcome),
                    ("What became of it.", "登録の結果。"),
                ),
                tells(
                    "revision",
                    int,
                    lambda entered: entered.outcome.revision,
                    ("The revision that it has now.", "現在の版。"),
                ),
                tells(
                    "findings",
                    listed(FINDING),
                    lambda entered: findings_of(entered.outcome.findings),
                    ("What might be mended although it was entered.", "登録はされたが直すとよい点。"),
                ),
            ],
            ("A submission that was entered.", "登録されたデータ。"),
            of=self.change,
        )

    def _submitted_many(self) -> type[Payload]:
        def entered(results: Sequence[Payload]) -> list[Any]:
            return [each.what.outcome for each in results if isinstance(each, self.submitted)]

        def last(results: Sequence[Payload]) -> int | None:
            positions = [each.position for each in entered(results) if each.position is not None]
            return max(positions, default=None)

        one = result_of("submit", self.submitted, SUBMIT_REFUSALS)
        return payload(
            "SubmittedMany",
            [
                tells(
                    "results",
                    list[one],  # type: ignore[valid-type]
                    list,
                    ("What became of each, in their order.", "1件ごとの結果（送った順）。"),
                ),
                tells(
                    "entered",
                    int,
                    lambda results: len(entered(results)),
                    ("How many records say now what was submitted.", "登録された（または同じ内容だった）件数。"),
                ),
                tells(
                    "refused",
                    int,
                    lambda results: len(results) - len(entered(results)),
                    ("How many were refused.", "拒否された件数。"),
                ),
                tells("position", Long | None, last, POSITION),
            ],
            ("What became of several submissions.", "複数件の登録結果。"),
        )

    def _of_record(self) -> list[StrawberryField]:
        """What every payload tells that is about one record."""
        return [
            tells("id", strawberry.ID, lambda done: done.id, ("The record's id.", "レコードの ID。")),
            tells(
                "changed",
                bool,
                lambda done: done.position is not None,
                ("Whether anything was changed; else it was so already.", "変更の有無。"),
            ),
            tells("position", Long | None, lambda done: done.position, POSITION),
            record_field(self.types),
        ]

    def done(self, name: str, words: Words) -> type[Payload]:
        """The payload of a verb that is done to a record."""
        return payload(name, self._of_record(), words, of=self.change)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a record; the position is None if it was so already."""

    id: str
    position: int | None
    shown: Shown

    @classmethod
    def of(cls, id: str, position: int | None) -> Done:
        """What was done to this record."""
        return cls(id, position, Shown([id]))


@dataclass(frozen=True, slots=True)
class Entered:
    """A submission that was entered."""

    outcome: Outcome
    shown: Shown

    @property
    def id(self) -> str:
        """The record's id."""
        return self.outcome.id

    @property
    def position(self) -> int | None:
        """That of the change; None if nothing was changed."""
        return self.outcome.position
