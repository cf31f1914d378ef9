"""What is done to a record beside its content: who may, and then the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from catalog.access.policy import decide, is_insider
from catalog.curation.submit import Intake, is_foreign
from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.ledger.append import Whereabouts
from catalog.ledger.verbs import StatusVerb
from catalog.questions.reader import Reader, Right
from catalog.records.identifiers import split_id
from catalog.records.record import Submission
from catalog.store.clock import now


def held(id: str, right: Right, by: Reader, *, intake: Intake) -> Whereabouts:
    """Where the record lies, if this reader holds the right there; NotFound if they may not even know of it."""
    found = intake.ledger.whereabouts(id)
    facts = None if found is None else intake.scopes.facts(found.scope)
    if found is None or facts is None:
        raise absent(id)
    moment = now()
    foreign = is_foreign(split_id(id)[1], by)
    # Whoever manages a scope may set every status in it, withdrawing included.
    may = decide(right, facts, by, moment) or (right == "write" and decide("manage", facts, by, moment))
    known = is_insider(facts, by) or (decide("read", facts, by, moment) and found.status == "public")
    # Only now, so that what is hidden and what never was take alike long.
    if found.id != id or not known:
        raise absent(id)
    if may and not foreign:
        return found
    if foreign:
        raise Forbidden(
            f"{id}: this token writes records of '{by.source}' only",
            ja=f"{id}: このトークンで書き込めるのは登録元「{by.source}」のレコードだけです",
        )
    raise Forbidden(
        f"{id}: this needs the right to {right} in its scope; ask whoever manages it",
        ja=f"{id}: このレコードのスコープで {right} の権限が必要です。管理者に依頼してください",
    )


def absent(id: str) -> NotFound:
    """What is said of a record that is not here, and of one that must look so."""
    return NotFound(f"there is no record {id}", ja=f"レコード {id} はありません")


def publish(id: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Let everyone who may read its scope see the record; a draft must pass the gate first."""
    known = held(id, "manage", by, intake=intake)
    if known.status == "draft":
        _demand_sound(id, known, intake)
    return intake.ledger.change_status(id, "publish", by=by.actor, expected_revision=expected_revision)


def suppress(id: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Keep the record readable by its id, and leave it out of everything else."""
    return _change_status(id, "suppress", by, intake, expected_revision)


def hide(id: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Let only the scope's writers see the record."""
    return _change_status(id, "hide", by, intake, expected_revision)


def _change_status(id: str, verb: StatusVerb, by: Reader, intake: Intake, expected_revision: int | None) -> int | None:
    held(id, "manage", by, intake=intake)
    return intake.ledger.change_status(id, verb, by=by.actor, expected_revision=expected_revision)


def withdraw(id: str, reason: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Take the record out of what is shown, saying why."""
    held(id, "write", by, intake=intake)
    return intake.ledger.withdraw(id, reason, by=by.actor, expected_revision=expected_revision)


def restore(id: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Show a withdrawn record again."""
    held(id, "write", by, intake=intake)
    return intake.ledger.restore(id, by=by.actor, expected_revision=expected_revision)


def move(id: str, scope: str, by: Reader, *, intake: Intake, expected_revision: int | None = None) -> int | None:
    """Lay the record into another scope, by who may write in both."""
    held(id, "write", by, intake=intake)
    facts = intake.scopes.facts(scope)
    if facts is None or not decide("write", facts, by, now()):
        raise NotFound(
            f"there is no scope '{scope}' in which you may write",
            ja=f"書き込めるスコープ「{scope}」はありません",
        )
    return intake.ledger.move(id, scope, by=by.actor, expected_revision=expected_revision)


def merge(id: str, into: str, by: Reader, *, intake: Intake) -> int | None:
    """Say that two records are one thing, by who manages both."""
    held(id, "manage", by, intake=intake)
    held(into, "manage", by, intake=intake)
    return intake.ledger.merge(id, into, by=by.actor)


def unmerge(id: str, by: Reader, *, intake: Intake) -> int | None:
    """Take a merging back."""
    held(id, "manage", by, intake=intake)
    return intake.ledger.unmerge(id, by=by.actor)


EXPUNGE_CODE: Final = "expunge-{request}.code"


def request_expunge(
    id: str, reason: str, by: Reader, *, intake: Intake, folder: Path, revision: int | None = None
) -> str:
    """Ask that bytes be erased for good; the code that confirms it is written where only the installation's keeper reads."""
    _demand_administrator(by)
    requested = intake.ledger.request_expunge(id, reason, by=by.actor, number=revision)
    path = folder / EXPUNGE_CODE.format(request=requested.id)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(requested.code + "\n", "utf-8")
    return requested.id


def expunge(request: str, code: str, by: Reader, *, intake: Intake, folder: Path, id: str | None = None) -> int | None:
    """Do what was requested, once, with its code; `id`, if it is said, must be the record that it is about."""
    _demand_administrator(by)
    position = intake.ledger.expunge(request, code, by=by.actor, id=id)
    (folder / EXPUNGE_CODE.format(request=request)).unlink(missing_ok=True)
    return position


def _demand_administrator(by: Reader) -> None:
    if not by.administrator:
        raise Forbidden("only administrators may do this", ja="この操作は管理者のみ行えます")


def _demand_sound(id: str, known: Whereabouts, intake: Intake) -> None:
    """A draft that is to be published passes the gate like any other submission."""
    kind, source, local_id = split_id(id)
    body = intake.ledger.body(id, known.revision)
    if body is None:
        raise Conflict(f"the content of {id} was expunged", ja=f"{id} の内容は抹消されています")
    (verdict,) = intake.gate.judge([Submission(kind, source, local_id, body, known.profile)])
    if verdict.breaks != "nothing":
        broken = len(verdict.findings)
        raise Invalid(
            f"{id} can't be published yet: it breaks {broken} rule{'' if broken == 1 else 's'}",
            verdict.findings,
            ja=f"{id} はまだ公開できません。規則に合わない箇所が {broken} 件あります",
        )
