"""What is done to a record beside its content: each verb one transaction with its own change."""

from __future__ import annotations

from typing import Literal

import orjson
from sqlalchemy import select, text

from catalog.errors import Conflict, Invalid
from catalog.ledger.changes import LAY_IN
from catalog.ledger.pen import Held, Page, Pen, expect, page, scope_key
from catalog.records.record import By
from catalog.store.tables import linked, record, revision

StatusVerb = Literal["publish", "suppress", "hide"]
BECOMES: dict[StatusVerb, str] = {"publish": "public", "suppress": "suppressed", "hide": "private"}


def change_status(pen: Pen, id: str, verb: StatusVerb, *, by: By, expected_revision: int | None = None) -> int | None:
    """Publish, suppress or hide a record; None when it is so already."""
    with page(pen, by) as here:
        (held,) = here.hold(id)
        expect(held, expected_revision)
        becomes = BECOMES[verb]
        if held.status == becomes:
            return None
        if held.status == "withdrawn":
            raise Conflict(
                f"{id} is withdrawn: restore it first",
                ja=f"{id} は取り下げられています。先に復帰してください",
                revision=held.revision,
            )
        if held.status == "quarantined" or (verb == "publish" and not _has_form(here, held)):
            raise Conflict(
                f"{id} breaks the rules of its kind: submit it again with what its findings name mended",
                ja=f"{id} は種別の規則を満たしていません。指摘された点を直して再登録してください",
                revision=held.revision,
            )
        here.set(held, status=becomes)
        here.note(held, verb, {"from": held.status, "to": becomes, LAY_IN: held.scope})
    return here.last


def withdraw(pen: Pen, id: str, reason: str, *, by: By, expected_revision: int | None = None) -> int | None:
    """Take a record out of what is shown; its id goes on to say that it was here, and why it is no more."""
    if not reason.strip():
        raise Invalid(
            "a withdrawal needs a reason: it is what people will read in the record's place",
            ja="取り下げには理由が必要です。レコードの代わりに表示されます",
        )
    with page(pen, by) as here:
        (held,) = here.hold(id)
        expect(held, expected_revision)
        if held.status == "withdrawn":
            raise Conflict(
                f"{id} is withdrawn already", ja=f"{id} はすでに取り下げられています", revision=held.revision
            )
        here.set(held, status="withdrawn", reason=reason)
        here.note(held, "withdraw", {"from": held.status, "to": "withdrawn", "reason": reason, LAY_IN: held.scope})
    return here.last


def restore(pen: Pen, id: str, *, by: By, expected_revision: int | None = None) -> int | None:
    """Show a withdrawn record again, with the status that it had and its newest content."""
    with page(pen, by) as here:
        (held,) = here.hold(id)
        expect(held, expected_revision)
        if held.status != "withdrawn":
            raise Conflict(
                f"{id} is not withdrawn: it is {held.status}",
                ja=f"{id} は取り下げられていません(状態: {held.status})",
                revision=held.revision,
            )
        becomes = _status_before_withdrawal(here, held)
        if becomes not in ("quarantined", "draft") and not _has_form(here, held):
            raise Conflict(
                f"the content of {id} was expunged: submit new content first",
                ja=f"{id} の内容は抹消されています。先に新しい内容を登録してください",
                revision=held.revision,
            )
        here.set(held, status=becomes, reason=None)
        here.note(held, "restore", {"from": "withdrawn", "to": becomes})
    return here.last


def move(pen: Pen, id: str, scope: str, *, by: By, expected_revision: int | None = None) -> int | None:
    """Lay a record into another scope; None when it lies there already. Its revisions remember where they were made."""
    with page(pen, by) as here:
        (held,) = here.hold(id)
        expect(held, expected_revision)
        to = scope_key(here.connection, scope)
        if to == held.scope:
            return None
        here.set(held, scope=to)
        here.note(held, "move", {"from": held.scope, "to": to, "status": held.status, LAY_IN: held.scope})
    return here.last


def merge(pen: Pen, id: str, into: str, *, by: By) -> int | None:
    """Say that two records of a kind are one thing, and which of them is to be read. Both are kept as they are."""
    if id == into:
        raise Invalid(f"{id} can't be merged into itself", ja=f"{id} を自分自身に統合することはできません")
    with page(pen, by) as here:
        held, other = here.hold(id, into)
        if held.kind != other.kind:
            raise Invalid(
                f"{id} is of kind {held.kind} and {into} of kind {other.kind}: only records of one kind can be merged",
                ja=f"{id} ({held.kind})と {into} ({other.kind})は種別が異なるため統合できません",
            )
        if held.merged_into is not None:
            if held.merged_into == other.key:
                return None
            raise Conflict(
                f"{id} is merged into another record: unmerge it first",
                ja=f"{id} は別のレコードに統合されています。先に統合を解除してください",
                revision=held.revision,
            )
        # Two merges that together close a ring may hold different records: the lock on the order lets one see the other.
        pen.store.database.hold_positions(here.connection)
        if _leads_to(here, other, held):
            raise Conflict(
                f"{into} is itself merged into {id}: that would be a ring",
                ja=f"{into} はすでに {id} に統合されているため、循環してしまいます",
                revision=held.revision,
            )
        here.set(held, merged_into=other.key)
        here.note(held, "merge", {"into": into})
        here.note(other, "merge", {"from": id})
    return here.last


def unmerge(pen: Pen, id: str, *, by: By) -> int | None:
    """Take a merging back."""
    with page(pen, by) as here:
        (held,) = here.hold(id)
        if held.merged_into is None:
            raise Conflict(
                f"{id} is not merged into another record",
                ja=f"{id} は統合されていません",
                revision=held.revision,
            )
        other = here.connection.scalar(text("SELECT id FROM node WHERE key = :key"), {"key": held.merged_into})
        here.set(held, merged_into=None)
        here.note(held, "unmerge", {"from": other})
    return here.last


def _has_form(here: Page, held: Held) -> bool:
    """Whether there is content to show: neither expunged nor a draft that breaks its kind."""
    return here.connection.scalar(select(linked.c.record).where(linked.c.record == held.key)) is not None


def _status_before_withdrawal(here: Page, held: Held) -> str:
    detail = here.connection.scalar(
        text(
            "SELECT detail FROM change WHERE record = :key AND verb IN ('withdraw', 'expunge') AND detail IS NOT NULL"
            " ORDER BY position DESC LIMIT 1"
        ),
        {"key": held.key},
    )
    told = orjson.loads(detail) if detail else {}
    before = str(told.get("from", "private"))
    if before == "quarantined":
        # Good content may have come since; then there is something to show, and nobody has published it yet.
        good = select(revision.c.number).where(
            revision.c.record == held.key, revision.c.number == held.shown, revision.c.quarantined.is_(False)
        )
        return "private" if here.connection.scalar(good) is not None else "quarantined"
    return before


def _leads_to(here: Page, start: Held, goal: Held) -> bool:
    """Whether following the mergings from one record comes to the other."""
    at: int | None = start.key
    while at is not None:
        if at == goal.key:
            return True
        at = here.connection.scalar(select(record.c.merged_into).where(record.c.key == at))
    return False
