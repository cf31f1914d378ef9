"""May this reader do this in that scope? Decided from values alone; `access/sight.py` says the same in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from catalog.errors import Forbidden
from catalog.questions.reader import Reader, Right

# Which grants suffice for what. Whoever writes in a scope must see what is there, else a revision would be blind; whoever
# manages it may grant every right to anyone, themselves included, but writing is asked for by its own name.
SUFFICIENT: Final[dict[Right, tuple[Right, ...]]] = {
    "read": ("manage", "read", "write"),
    "download": ("download", "manage"),
    "share": ("manage", "share"),
    "write": ("write",),
    "run": ("run",),
    "manage": ("manage",),
}
# Who counts as a writer where docs say "writers": private fields, drafts, findings, links as submitted.
INSIDERS: Final[tuple[Right, ...]] = ("manage", "write")


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """What a decision needs to know of a scope: where it lies, and what is in force in it."""

    id: str
    path: tuple[str, ...]  # from the root down to itself
    open: bool
    metadata_embargo: str | None = None
    data_embargo: str | None = None
    data_approval: bool = False  # the data are for whom it was approved, whoever may read the metadata


def decide(right: Right, scope: ScopeFacts, reader: Reader, now: str) -> bool:
    """Whether the reader holds the right in the scope at this time (UTC text as in the tables)."""
    if reader.administrator or _granted(reader, SUFFICIENT[right], scope):
        return True
    if right == "read":
        return _is_open(scope, now)
    if right == "download":
        return _is_open(scope, now) and _is_past(scope.data_embargo, now) and not scope.data_approval
    return False


def is_insider(scope: ScopeFacts, reader: Reader) -> bool:
    """Whether the reader counts as a writer of the scope: sees private fields, drafts, findings."""
    return reader.administrator or _granted(reader, INSIDERS, scope)


def demand(right: Right, scope: ScopeFacts, reader: Reader, now: str) -> None:
    """Forbidden unless the reader holds the right; for what the reader may at least see, since it names the scope."""
    if not decide(right, scope, reader, now):
        raise Forbidden(
            f"scope {scope.id}: this needs the right to {right} there; ask whoever manages the scope",
            ja=f"スコープ {scope.id}: この操作には {right} の権限が必要です。スコープの管理者に依頼してください",
        )


def demand_administrator(by: Reader, what: str, what_ja: str) -> None:
    """Forbidden to everybody but administrators, who look after this."""
    if not by.administrator:
        raise Forbidden(f"{what} are looked after by administrators", ja=f"{what_ja}を管理できるのは管理者のみです")


def _is_open(scope: ScopeFacts, now: str) -> bool:
    return scope.open and _is_past(scope.metadata_embargo, now)


def _is_past(until: str | None, now: str) -> bool:
    return until is None or until <= now


def _granted(reader: Reader, rights: tuple[Right, ...], scope: ScopeFacts) -> bool:
    return reader.holds(rights, scope.path)
