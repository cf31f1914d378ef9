"""Enter submissions: who may, what is known already, the gate, the ledger."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from catalog.access.policy import decide
from catalog.access.scopes import Scopes
from catalog.curation.file_rules import file_findings
from catalog.errors import CatalogError, Conflict, Forbidden, Invalid, Malformed
from catalog.ledger.append import SAYABLE, Entry, Known, Ledger, Outcome, stale
from catalog.ledger.sources import Sources
from catalog.questions.reader import Reader
from catalog.records.canonical import content_hash
from catalog.records.finding import Finding
from catalog.records.identifiers import mint_local_id, record_id
from catalog.records.record import Mode, Submission
from catalog.store.clock import now
from catalog.validation.gate import Gate


@dataclass(frozen=True, slots=True)
class Intake:
    """What entering a submission needs."""

    gate: Gate
    ledger: Ledger
    sources: Sources
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission on its way: its answer if that is known already, else what the ledger is asked to enter."""

    submission: Submission
    id: str
    outcome: Outcome | None
    entry: Entry | None = None
    known: Known | None = None


def submit(
    submissions: Sequence[Submission],
    by: Reader,
    *,
    intake: Intake,
    mode: Mode = "strict",
    dry_run: bool = False,
    atomic: bool = False,
    load: str | None = None,
) -> list[Outcome]:
    """Enter submissions in their order, or say of each why not; `dry_run` says what would happen."""
    prepared = prepare(submissions, by, intake=intake, mode=mode)
    return enter(prepared, by, ledger=intake.ledger, dry_run=dry_run, atomic=atomic, load=load)


def submit_each(
    ways: Sequence[Submission | CatalogError],
    by: Reader,
    *,
    intake: Intake,
    mode: Mode = "strict",
    dry_run: bool = False,
    atomic: bool = False,
) -> list[Outcome]:
    """Enter several in their order; what could not be read as a submission is told of in its place, and no less keeps out an
    atomic whole."""
    outcomes = [refusal(way, "parse") if isinstance(way, CatalogError) else None for way in ways]
    runs = list(_runs(ways))
    if atomic and (len(runs) > 1 or any(outcomes)):
        why = _UNREAD if any(outcomes) else _TWICE
        return [outcome or refusal(why, "atomic") for outcome in outcomes]
    for run in runs:
        some = [way for _, way in run]
        made = submit(some, by, intake=intake, mode=mode, dry_run=dry_run, atomic=atomic)
        for (place, _), outcome in zip(run, made, strict=True):
            outcomes[place] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _runs(ways: Sequence[Submission | CatalogError]) -> Iterator[list[tuple[int, Submission]]]:
    """What can be entered together, each with its place: what is known of a record is looked up once for all of them."""
    run: list[tuple[int, Submission]] = []
    seen: set[tuple[str, str, str]] = set()
    for place, way in enumerate(ways):
        if isinstance(way, CatalogError):
            continue
        if way.local_id is not None:
            name = (way.kind, way.source, way.local_id)
            if name in seen:
                yield run
                run, seen = [], set()
            seen.add(name)
        run.append((place, way))
    if run:
        yield run


_UNREAD: Final = Malformed(
    "nothing of this atomic submission was entered, since one of its records could not be read",
    ja="読めないレコードがあったため、この一括登録は何も登録されませんでした",
)
_TWICE: Final = Malformed(
    "nothing of this atomic submission was entered, since a record stands in it twice",
    ja="同じレコードが2回含まれているため、この一括登録は何も登録されませんでした",
)


def enter(
    prepared: Sequence[Prepared],
    by: Reader,
    *,
    ledger: Ledger,
    dry_run: bool = False,
    atomic: bool = False,
    load: str | None = None,
) -> list[Outcome]:
    """What became of each prepared submission, after one transaction for all that have to be written."""
    if dry_run:
        foreseen = [dataclasses.replace(one, outcome=one.outcome or _would_be(one)) for one in prepared]
        fails = atomic and any(one.outcome is not None and one.outcome.outcome in REFUSALS for one in foreseen)
        return [_left_out(one) if fails or one.outcome is None else one.outcome for one in foreseen]
    entries = [one.entry for one in prepared if one.entry is not None]
    if atomic and any(one.outcome is not None and one.outcome.outcome in REFUSALS for one in prepared):
        return [_left_out(one) for one in prepared]
    appended = iter(ledger.append(entries, by=by.actor, load=load, atomic=atomic) if entries else ())
    return [one.outcome or next(appended) for one in prepared]


REFUSALS = frozenset(("refused", "conflict"))


def demand_entered(outcome: Outcome) -> None:
    """Raise what refused a submission, if something did: Forbidden, Invalid with every finding, or Conflict."""
    if outcome.outcome == "refused":
        if {finding.rule for finding in outcome.findings} in ({"scope/write"}, {"scope/manage"}):
            messages = outcome.findings[0].messages
            raise Forbidden(messages["en"], ja=messages.get("ja"))
        broken = len(outcome.findings)
        raise Invalid(
            f"The submission breaks {'one rule' if broken == 1 else f'{broken} rules'}; nothing was stored.",
            outcome.findings,
            ja=f"規則に合わない箇所が {broken} 件あります。何も保存されていません。",
        )
    if outcome.outcome == "conflict":
        raise Conflict(
            f"The record has moved on to revision {outcome.revision}. Read it again, then decide.",
            revision=outcome.revision,
            ja=f"レコードは版 {outcome.revision} に進んでいます。もう一度読んでから決めてください。",
        )


def prepare(submissions: Sequence[Submission], by: Reader, *, intake: Intake, mode: Mode) -> list[Prepared]:
    """Everything that can be found out about submissions before anything is written; safe in any thread."""
    named = [
        one if one.local_id is not None else dataclasses.replace(one, local_id=mint_local_id()) for one in submissions
    ]
    ids = [record_id(one.kind, one.source, one.local_id or "") for one in named]
    known = intake.ledger.known(ids)
    moment = now()
    prepared: list[Prepared | None] = []
    to_judge: list[tuple[int, Submission, str]] = []
    may_write: dict[tuple[str, str], bool] = {}
    for place, (submission, id) in enumerate(zip(named, ids, strict=True)):
        before = known.get(id)
        found = _placed(submission, before, by, intake, may_write, moment)
        if isinstance(found, Finding):
            prepared.append(Prepared(submission, id, refused(id, (found,))))
        elif before is not None and not _may_set_status(submission, before, by, intake, moment):
            prepared.append(Prepared(submission, id, refused(id, (_NOT_MANAGED,))))
        elif submission.files and (wrong := file_findings(submission.files)):
            prepared.append(Prepared(submission, id, refused(id, wrong)))
        elif before is not None and _says_nothing_new(submission, before):
            outcome = Outcome(id, "unchanged", before.revision, None, ())
            prepared.append(Prepared(submission, id, outcome, known=before))
        else:
            prepared.append(None)
            to_judge.append((place, submission, found))
    judged = intake.gate.judge([submission for _, submission, _ in to_judge])
    for (place, submission, scope), verdict in zip(to_judge, judged, strict=True):
        before = known.get(verdict.id)
        status = submission.status or (before.status if before is not None else "public")
        if verdict.breaks != "nothing" and mode == "strict" and status != "draft":
            prepared[place] = Prepared(submission, verdict.id, refused(verdict.id, verdict.findings), known=before)
        else:
            # A draft is kept whatever it breaks: its author sees the findings, and `publish` asks the gate again.
            held_to: Mode = "tolerant" if status == "draft" else mode
            lay_in = before.scope if before is not None else scope
            entry = Entry(verdict, scope, status, submission.revision, held_to, lay_in)
            prepared[place] = Prepared(submission, verdict.id, None, entry, before)
    return [one for one in prepared if one is not None]


def refused(id: str, findings: tuple[Finding, ...]) -> Outcome:
    """The answer to a submission that was not entered."""
    return Outcome(id, "refused", 0, None, findings)


def refusal(problem: CatalogError, rule: str, id: str = "") -> Outcome:
    """The answer to what could not be read as a submission."""
    return refused(id, (Finding("", rule, "violation", problem.messages),))


def _says_nothing_new(submission: Submission, before: Known) -> bool:
    return (
        not submission.files
        # Of what was withdrawn the ledger decides: it may have been expunged, and is then refused.
        and before.status != "withdrawn"
        and submission.scope in (None, before.scope)
        and submission.status in (None, before.status)
        and submission.profile == before.profile
        and (orjson.dumps(submission.body).decode() == before.body or content_hash(submission) == before.hash)
    )


def _placed(
    submission: Submission,
    before: Known | None,
    by: Reader,
    intake: Intake,
    may_write: dict[tuple[str, str], bool],
    moment: str,
) -> str | Finding:
    """The scope that the record will lie in, or why this reader can't put it there."""
    source = intake.sources.find(submission.source)
    if source is None:
        return _unknown_source(submission.source, intake.sources)
    home = source.home_scope
    scope = submission.scope or (before.scope if before is not None else home)
    # Where it is to lie, and where it lies; of a new one where its source is at home. Both are looked at for each, so that a record
    # that is hidden and one that never was take alike long.
    other = before.scope if before is not None else home
    for asked in (("to", scope), ("from", other)):
        if asked not in may_write:
            facts = intake.scopes.facts(asked[1])
            may_write[asked] = facts is not None and decide("write", facts, by, moment)
    # An id belongs to who writes where its source is at home: nobody takes one beforehand, or in another's name.
    needs_other = before is not None or (scope != home and not scope.startswith(f"{home}/"))
    allowed = may_write["to", scope] and (may_write["from", other] or not needs_other)
    if is_foreign(submission.source, by) or not allowed:
        # One answer for a scope that is not there, one that is hidden, a taken id in either, and an id of others.
        return _not_writable(submission.source, submission.scope)
    return scope


def _may_set_status(submission: Submission, before: Known, by: Reader, intake: Intake, moment: str) -> bool:
    """Whether a record may be given the status that is said: another than it has is for whoever manages its scope."""
    if submission.status in (None, before.status) or before.status not in SAYABLE:
        return True
    facts = intake.scopes.facts(before.scope)
    return facts is not None and decide("manage", facts, by, moment)


_NOT_MANAGED = Finding(
    "",
    "scope/manage",
    "violation",
    {
        "en": "the record has another status, which is set by whoever manages its scope; leave status out",
        "ja": "レコードの公開状態を変更できるのはスコープの管理者です。status を省いてください",
    },
)


def is_foreign(source: str, by: Reader) -> bool:
    """Whether this writer has a token of another source, which writes no records of this one."""
    return by.source not in (None, source)


def _unknown_source(name: str, sources: Sources) -> Finding:
    near = tuple(difflib.get_close_matches(name, sources.names(), n=3))
    hint, hint_ja = (f"; did you mean {', '.join(near)}?", f"。{'、'.join(near)} のことですか") if near else ("", "")
    told = {
        "en": f"no source '{name}' is registered{hint}",
        "ja": f"登録元「{name}」は登録されていません{hint_ja}",
    }
    return Finding("", "source/unknown", "violation", told, near=near)


def _not_writable(source: str, scope: str | None) -> Finding:
    where, where_ja = (f" '{scope}'", f"「{scope}」") if scope else (" of this record", "（このレコードの）")
    told: Mapping[str, str] = {
        "en": f"there is no scope{where} in which you may write records of '{source}'",
        "ja": f"「{source}」のレコードを書き込めるスコープ{where_ja}はありません",
    }
    return Finding("", "scope/write", "violation", told)


def _would_be(one: Prepared) -> Outcome:
    if one.entry is None:
        raise AssertionError("a prepared submission has an outcome or an entry")
    verdict, before = one.entry.judged, one.known
    revision = 0 if before is None else before.revision
    expected = one.entry.expected_revision
    same = before is not None and verdict.hash == before.hash and verdict.breaks != "kind"
    if before is not None and same and not _moves(one.submission, before):
        return Outcome(one.id, "unchanged", revision, None, verdict.findings)
    if expected is not None and expected != revision:
        return Outcome(one.id, "conflict", revision, None, (stale(expected, revision),))
    if same:
        return Outcome(one.id, "revised", revision, None, verdict.findings)
    if verdict.breaks == "kind" and one.entry.status != "draft":
        return Outcome(one.id, "quarantined", revision + 1, None, verdict.findings)
    return Outcome(one.id, "created" if before is None else "revised", revision + 1, None, verdict.findings)


def _moves(submission: Submission, before: Known) -> bool:
    """Whether a submission of the same content lays its record elsewhere, or shows it to others."""
    moved = submission.scope not in (None, before.scope)
    return moved or (before.status in SAYABLE and submission.status not in (None, before.status))


def _left_out(one: Prepared) -> Outcome:
    """Of an atomic submission that another's refusal stopped."""
    if one.outcome is not None and one.outcome.outcome in REFUSALS:
        return one.outcome
    told = {
        "en": "nothing of this atomic submission was entered, since another of its records was refused",
        "ja": "同じ一括登録の別のレコードが拒否されたため、登録されませんでした",
    }
    return refused(one.id, (Finding("", "atomic", "violation", told),))
