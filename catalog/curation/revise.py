"""Say of a record what is different now: a patch of its body, or of its links; what is not named stays as it was submitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from catalog.curation.submit import Intake, submit, submit_each
from catalog.curation.verbs import absent, held
from catalog.errors import CatalogError, Conflict, Malformed
from catalog.ledger.append import Known, Outcome
from catalog.questions.reader import Reader
from catalog.records.identifiers import split_id
from catalog.records.record import Mode, Submission

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]

# So many are judged and written together.
SLICE: Final = 200
# What says which of a field's links one is; the others are said of it.
_WHICH: Final = ("to", "role", "port", "predicate", "from")


def revise(
    id: str,
    change: Change,
    by: Reader,
    *,
    intake: Intake,
    mode: Mode = "strict",
    dry_run: bool = False,
    expected_revision: int | None = None,
) -> Outcome:
    """Submit the newest content of a record with a change; Conflict if somebody else was there in between."""
    known = held(id, "write", by, intake=intake)
    body = intake.ledger.body(id, known.revision)
    if body is None:
        raise Conflict(f"the content of {id} was expunged", ja=f"{id} の内容は抹消されています")
    kind, source, local_id = split_id(id)
    # What is changed is what was just read; of what the caller has read they say so themselves.
    read = known.revision if expected_revision is None else expected_revision
    submission = Submission(kind, source, local_id, change(body), known.profile, revision=read)
    (outcome,) = submit([submission], by, intake=intake, mode=mode, dry_run=dry_run)
    return outcome


@dataclass(frozen=True, slots=True)
class Revised:
    """What became of one of several records, and what it said before and says now, to who may write it."""

    outcome: Outcome
    was: Mapping[str, Any] | None = None
    now: Mapping[str, Any] | None = None


def revise_each(
    ids: Sequence[str],
    change: Change,
    by: Reader,
    *,
    intake: Intake,
    mode: Mode = "strict",
    dry_run: bool = False,
    expected: Mapping[str, int] | None = None,
) -> Iterator[Revised]:
    """The same change of several records, in slices; one that cannot be made costs only its own record.

    What is `expected` are revisions by id; a record that has moved on is a conflict.
    """
    for first in range(0, len(ids), SLICE):
        some = ids[first : first + SLICE]
        known = intake.ledger.known(some)
        ways: list[Submission | CatalogError] = []
        bodies: list[Mapping[str, Any] | None] = []
        for id in some:
            body = _body(id, known.get(id), intake)
            bodies.append(body)
            ways.append(absent(id) if body is None else _changed(id, body, known[id], change, expected))
        outcomes = submit_each(ways, by, intake=intake, mode=mode, dry_run=dry_run)
        for id, way, body, outcome in zip(some, ways, bodies, outcomes, strict=True):
            if outcome.outcome == "refused" or isinstance(way, CatalogError):
                yield Revised(replace(outcome, id=id))
            else:
                yield Revised(outcome, body, way.body)


def _body(id: str, known: Known | None, intake: Intake) -> Mapping[str, Any] | None:
    if known is None:
        return None
    if known.body is None:
        return intake.ledger.body(id, known.revision)
    body: Mapping[str, Any] = orjson.loads(known.body)
    return body


def _changed(
    id: str, body: Mapping[str, Any], known: Known, change: Change, expected: Mapping[str, int] | None
) -> Submission | CatalogError:
    kind, source, local_id = split_id(id)
    read = known.revision if expected is None else expected.get(id, known.revision)
    try:
        return Submission(kind, source, local_id, change(body), known.profile, revision=read)
    except Malformed as error:
        return error


def patched(patch: Mapping[str, Any]) -> Change:
    """The change that a merge patch (RFC 7396) makes: null takes a member away, a list stands in the place of the list before."""
    return lambda body: _patched(body, patch)


def _patched(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    made = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _patched(made.get(name), value)
    return made


def linked(field: str, links: Sequence[Mapping[str, Any]]) -> Change:
    """The change that adds links to a field; what is said of a link that is there already takes its place."""

    def change(body: Mapping[str, Any]) -> Mapping[str, Any]:
        new = {_which(each): each for each in links}
        kept = [new.pop(_which(each), each) for each in _links_in(body, field)]
        return {**body, field: [*kept, *new.values()]}

    return change


def unlinked(field: str, links: Sequence[Mapping[str, Any]]) -> Change:
    """The change that takes links out of a field: those that have all that is said of one; one that is not there does no harm."""

    def change(body: Mapping[str, Any]) -> Mapping[str, Any]:
        rest = [each for each in _links_in(body, field) if not any(_fits(each, said) for said in links)]
        made = {**body, field: rest}
        if not rest:
            del made[field]
        return made

    return change


def _links_in(body: Mapping[str, Any], field: str) -> list[Any]:
    found = body.get(field, [])
    if not isinstance(found, list) or not all(isinstance(each, str | dict) for each in found):
        raise Malformed(
            f"{field} holds no links in this record.", ja=f"このレコードの {field} はリンクの一覧ではありません。"
        )
    return found


def _which(link: Any) -> tuple[Any, ...]:
    told = {"to": link} if isinstance(link, str) else link
    return tuple(told.get(name) for name in _WHICH)


def _fits(link: Any, said: Mapping[str, Any]) -> bool:
    told = {"to": link} if isinstance(link, str) else link
    return all(told.get(name) == value for name, value in said.items())
