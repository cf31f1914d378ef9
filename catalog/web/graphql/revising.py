"""Revising over GraphQL: a patch of one record or of its links; and of all that a filter finds, after a look at what would change."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.schema_directives import OneOf
from strawberry.types.field import StrawberryField

from catalog.curation.revise import Revised, linked, patched, revise, revise_each, unlinked
from catalog.curation.submit import demand_entered
from catalog.discovery.find import ids_of
from catalog.discovery.history import Step, steps_between
from catalog.errors import CatalogError, Malformed
from catalog.errors import Conflict as Moved
from catalog.questions.question import MOST_VALUES, Question
from catalog.web.graphql.definitions import argument, declared, define, listed, taken
from catalog.web.graphql.inputs import LINK, exactly, member_of, written
from catalog.web.graphql.payloads import Payload, Shown, payload, record_field, tells
from catalog.web.graphql.refusals import Conflict, Forbidden, Invalid, NotFound, Refusal, TooLarge, Unavailable
from catalog.web.graphql.verbs import EXPECTED, ID, Said, result_of, told_of, verb
from catalog.web.graphql.writes import DRY_RUN, MODE, SUBMIT_REFUSALS, Entered, Writes
from catalog.web.site import REFUSED_NAMED

MOST_AT_ONCE: Final = 5_000
EXAMPLES: Final = 20
REVISE_REFUSALS: Final[Sequence[Refusal]] = (Invalid, NotFound, Conflict, Forbidden, Unavailable)
ANY_KIND: Final = "record"
PATCH: Final = argument(
    "patch",
    JSON,
    (
        "What is otherwise in the body: a merge patch (RFC 7396), in which null takes a member away.",
        "本文の変更箇所（RFC 7396 の merge patch。null は削除）。",
    ),
)


class Revising:
    """The mutations that change what records say, whose payloads are those of submissions."""

    def __init__(self, writes: Writes) -> None:
        self.writes = writes
        self.types = writes.types
        self.which = self._which()
        self.one = self._one()

    def fields(self) -> Iterator[StrawberryField]:
        """Every mutation that patches."""
        yield self._revising(
            "revise",
            lambda said: patched(_object(said["patch"])),
            "Say what is different now in a record: what the patch does not name stays as it is.",
            "レコードの一部を変更します。パッチにない項目はそのままです。",
            PATCH,
        )
        field = argument("field", str, ("The field: `samples`.", "項目（`samples` など）。"))
        several = argument("links", listed(LINK), ("Which links.", "リンク。"))
        yield self._revising(
            "addLinks",
            lambda said: linked(said["field"], _links(said)),
            "Add links to a field; what is said of a link that is there already takes its place.",
            "リンクを追加します。同じリンクの情報は置き換えられます。",
            field,
            several,
        )
        yield self._revising(
            "takeLinks",
            lambda said: unlinked(said["field"], _links(said)),
            "Take links out of a field: those of which all that is said here holds. One that is not there does no harm.",
            "指定した内容にすべて一致するリンクを取り除きます。ないリンクを指定しても問題ありません。",
            field,
            several,
        )
        yield self._many()

    def _revising(self, name: str, change: Any, en: str, ja: str, *arguments: Any) -> StrawberryField:
        def carry_out(said: Said) -> Payload:
            outcome = revise(
                said["id"],
                change(said),
                said.reader,
                intake=said.catalog.intake,
                mode=said["mode"].value,
                dry_run=said["dryRun"],
                expected_revision=said.get("expectedRevision"),
            )
            return self.writes.entered(outcome)

        submitted = self.writes.submitted
        return verb(name, carry_out, submitted, REVISE_REFUSALS, (en, ja), ID, *arguments, EXPECTED, MODE, DRY_RUN)

    # --- many

    def _many(self) -> StrawberryField:
        previewed, revised = self._previewed(), self._revised()

        def carry_out(said: Said) -> Payload:
            return self._carry_out(said, previewed, revised)

        return verb(
            "reviseMany",
            carry_out,
            (previewed, revised),
            (Invalid, Conflict, TooLarge, Unavailable),
            (
                (
                    f"Make one change of all records that a filter finds, {MOST_AT_ONCE:,} at most. With `preview` it only tells what "
                    "would happen, with a `token`; without, it takes that token, and is a `Conflict` if anything has changed since."
                ),
                (
                    f"条件に合うすべてのレコード（最大 {MOST_AT_ONCE:,} 件）に同じ変更を行います。`preview` では結果の予測と `token` だけを返し、"
                    "実行時にはその `token` を渡します。その間に対象が変わっていれば `Conflict`。"
                ),
            ),
            argument("where", self.which, ("Which records.", "対象のレコード。")),
            PATCH,
            argument(
                "kinds", listed(str) | None, ("With `record`: only of these kinds.", "`record` のとき、この種別だけ。")
            ),
            argument(
                "statuses",
                listed(str),
                ("Of which statuses: public, private, draft, suppressed, quarantined.", "対象の公開状態。"),
                ["public"],
            ),
            MODE,
            argument("preview", bool, ("Only look at what would change.", "変更せずに結果を予測する。"), True),
            argument("token", str | None, ("That of the preview.", "予測時の token。")),
        )

    def _carry_out(self, said: Said, previewed: type[Payload], revised: type[Payload]) -> Payload:
        change = patched(_object(said["patch"]))
        if not said["preview"] and said.get("token") is None:
            raise Malformed(
                "token is missing: look at a preview first, and send its token.",
                ja="token がありません。先に preview を実行し、その token を送ってください。",
            )
        ids = self._found(said)
        revisions = _revisions(said, ids)
        token = _token(said, revisions)
        intake, mode = said.catalog.intake, said["mode"].value
        if said["preview"]:
            foreseen = list(revise_each(ids, change, said.reader, intake=intake, mode=mode, dry_run=True))
            return previewed(Preview(foreseen, self._refusals(said, foreseen)[:EXAMPLES], token))
        if not hmac.compare_digest(token, said["token"]):
            raise Moved(
                "What the filter finds, or what it says, has changed since the preview: look at it again, then decide.",
                ja="予測の後で対象や内容が変わりました。もう一度 preview を実行して判断してください。",
            )
        said.catalog.pressure.refuse()
        made = list(revise_each(ids, change, said.reader, intake=intake, mode=mode, expected=revisions))
        return revised(self._results(said, made))

    def _found(self, said: Said) -> list[str]:
        ((member, where),) = said["where"].items()
        kind = next((each.name for each in self.types.kinds.values() if member_of(each) == member), None)
        kinds = tuple(said.get("kinds") or ())
        if kind is not None:
            if kinds:
                raise Malformed("kinds is for `record` alone.", ja="kinds は `record` のときだけ使えます。")
            kinds = (kind,)
        condition = self.types.filters.condition_from(where, kind, said.catalog.vocabulary)
        question = Question(kinds=kinds, where=condition, statuses=tuple(said["statuses"]))
        return ids_of(question, said.reader, answers=said.catalog.answers, most=MOST_AT_ONCE)

    def _results(self, said: Said, made: Sequence[Revised]) -> list[tuple[str, Payload]]:
        """What became of each record, and the audit told of those that were forbidden."""
        shown = Shown([each.outcome.id for each in made])
        refused = dict(self._refusals(said, made))
        denied = [id for id, told in refused.items() if isinstance(told, Forbidden)]
        if denied:
            said.tell_refused((None, denied[0]), records=len(denied), ids=denied[:REFUSED_NAMED])
        return [
            (each.outcome.id, refused.get(each.outcome.id) or self.writes.submitted(Entered(each.outcome, shown)))
            for each in made
        ]

    def _refusals(self, said: Said, made: Sequence[Revised]) -> list[tuple[str, Payload]]:
        refused: list[tuple[str, Payload]] = []
        for each in made:
            try:
                demand_entered(each.outcome)
            except CatalogError as error:
                refused.append((each.outcome.id, told_of(said, error, SUBMIT_REFUSALS)))
        return refused

    # --- types

    def _which(self) -> type:
        filters = self.types.filters.type
        made = define(
            declared("RevisionTarget"),
            [
                *(
                    taken(
                        member_of(kind),
                        filters[kind.name] | None,
                        (f"Of the {kind.plural}.", f"{kind.titles.get('ja', '')}。"),
                    )
                    for kind in self.types.kinds.values()
                ),
                taken(ANY_KIND, filters[None] | None, ("Of records of any kind.", "任意の種別のレコード。")),
            ],
            (
                "Which records: those of one kind that its filter finds, or of any.",
                "対象のレコード（1つの種別、または任意の種別）。",
            ),
            is_input=True,
        )
        made.__strawberry_definition__.directives = (OneOf(),)  # type: ignore[attr-defined]
        return made

    def _one(self) -> type[Payload]:
        result = result_of("submit", self.writes.submitted, SUBMIT_REFUSALS)
        return payload(
            "RevisedRecord",
            [
                tells("id", strawberry.ID, lambda told: told[0], ("The record's id.", "レコードの ID。")),
                tells("result", result, lambda told: told[1], ("What became of it.", "結果。")),
            ],
            ("One of the records that were to be revised.", "変更対象のレコード。"),
        )

    def _revised(self) -> type[Payload]:
        def count(results: Sequence[tuple[str, Payload]], what: str) -> int:
            return sum(
                isinstance(told, self.writes.submitted) and told.what.outcome.outcome == what for _, told in results
            )

        def refused(results: Sequence[tuple[str, Payload]]) -> int:
            return sum(not isinstance(told, self.writes.submitted) for _, told in results)

        return payload(
            "RevisedMany",
            [
                tells("count", int, len, ("How many records there were.", "対象の件数。")),
                tells(
                    "revised", int, lambda all: count(all, "revised"), ("How many were revised.", "変更された件数。")
                ),
                tells(
                    "unchanged",
                    int,
                    lambda all: count(all, "unchanged"),
                    ("How many say so already.", "変更不要の件数。"),
                ),
                tells("refused", int, refused, ("How many were refused.", "拒否された件数。")),
                tells(
                    "results",
                    listed(self.one),
                    lambda all: [self.one(each) for each in all],
                    ("What became of each.", "1件ごとの結果。"),
                ),
            ],
            ("What became of the records that a filter found.", "条件に合ったレコードの変更結果。"),
        )

    def _previewed(self) -> type[Payload]:
        step = payload(
            "RevisionChange",
            [
                tells(
                    "pointer",
                    str,
                    lambda step: step.pointer,
                    ("A JSON pointer into the body.", "本文への JSON ポインター。"),
                ),
                tells("what", str, lambda step: step.what, ("added, removed or changed.", "added、removed、changed。")),
                tells("was", JSON | None, lambda step: step.was, ("What it says now.", "現在の値。")),
                tells("now", JSON | None, lambda step: step.now, ("What it would say.", "変更後の値。")),
            ],
            ("One value that would be otherwise.", "変更される値。"),
        )
        example = payload(
            "RevisionExample",
            [
                tells("id", strawberry.ID, lambda example: example.id, ("The record's id.", "レコードの ID。")),
                tells(
                    "changes",
                    listed(step),
                    lambda example: [step(each) for each in example.steps],
                    ("What would change.", "変更点。"),
                ),
                record_field(self.types),
            ],
            ("A record as it would be revised.", "変更の例。"),
        )

        def examples(preview: Preview) -> list[Payload]:
            changed = [each for each in preview.foreseen if each.outcome.outcome in ("revised", "quarantined")]
            shown = Shown([each.outcome.id for each in changed[:EXAMPLES]])
            return [
                example(Example(each.outcome.id, steps_between(each.was or {}, each.now or {}), shown))
                for each in changed[:EXAMPLES]
            ]

        return payload(
            "RevisionPreview",
            [
                tells(
                    "count", int, lambda preview: len(preview.foreseen), ("How many records there are.", "対象の件数。")
                ),
                tells(
                    "revised",
                    int,
                    lambda preview: preview.count("revised"),
                    ("How many would be revised.", "変更される件数。"),
                ),
                tells(
                    "unchanged",
                    int,
                    lambda preview: preview.count("unchanged"),
                    ("How many say so already.", "変更不要の件数。"),
                ),
                tells(
                    "refused",
                    int,
                    lambda preview: preview.count("refused") + preview.count("conflict"),
                    ("How many would be refused.", "拒否される件数。"),
                ),
                tells(
                    "refusals",
                    listed(self.one),
                    lambda preview: [self.one(each) for each in preview.refusals],
                    (f"The first {EXAMPLES} that would be refused.", f"拒否される例（最初の {EXAMPLES} 件）。"),
                ),
                tells(
                    "examples",
                    listed(example),
                    examples,
                    (f"The first {EXAMPLES} that would change.", f"変更の例（最初の {EXAMPLES} 件）。"),
                ),
                tells("token", str, lambda preview: preview.token, ("To be sent to do just this.", "実行時に送る値。")),
            ],
            ("What a revision of many records would do.", "一括変更の予測。"),
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of each record, and the token that stands for just that."""

    foreseen: Sequence[Revised]
    refusals: Sequence[tuple[str, Payload]]
    token: str

    def count(self, what: str) -> int:
        """Of how many this would become."""
        return sum(each.outcome.outcome == what for each in self.foreseen)


@dataclass(frozen=True, slots=True)
class Example:
    """A record as it would be revised."""

    id: str
    steps: Sequence[Step]
    shown: Shown


def _object(patch: Any) -> dict[str, Any]:
    made = exactly(patch)
    if not isinstance(made, dict):
        raise Malformed(
            'patch: an object is needed: {"title": {"en": "…"}}.',
            ja='patch: オブジェクトが必要です: {"title": {"en": "…"}}',
        )
    return made


def _links(said: Said) -> list[dict[str, Any]]:
    return [written(each) for each in said["links"]]


def _revisions(said: Said, ids: Sequence[str]) -> dict[str, int]:
    """The newest revisions of records, by id."""
    found: dict[str, int] = {}
    for first in range(0, len(ids), MOST_VALUES):
        known = said.catalog.ledger.known(ids[first : first + MOST_VALUES])
        found |= {id: each.revision for id, each in known.items()}
    return found


def _token(said: Said, revisions: Mapping[str, int]) -> str:
    """What stands for one change of just these revisions by one who asks, so that nothing else is done with it."""
    told = [said.reader.id, said["mode"].value, said["patch"], sorted(revisions.items())]
    text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    key = said.context.site.tokens.key
    return hashlib.blake2b(text, digest_size=20, key=key, person=b"musubi-revise").hexdigest()
