"""Expunging: the one exception to append-only. The bytes go, a tombstone with their hash and the reason stays.

It takes two steps by two people: a request, which yields a code that is shown once, and its confirmation with that code.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import delete, select, update

from catalog.errors import Conflict, Forbidden, Invalid, NotFound
from catalog.ledger import alike, rows
from catalog.ledger.changes import LAY_IN
from catalog.ledger.pen import Held, Page, Pen, page
from catalog.records.record import By, actor_of
from catalog.store.tables import expunge_request, file, file_list, node, profile_version, revision, verdict


@dataclass(frozen=True, slots=True)
class Requested:
    """A request to expunge, and the code that confirms it: it is kept nowhere."""

    id: str
    code: str


def request_expunge(pen: Pen, id: str, reason: str, *, by: By, number: int | None = None) -> Requested:
    """Ask that a revision be expunged, or all of a record; nothing happens before `expunge`."""
    if not reason.strip():
        raise Invalid("expunging needs a reason: it is all that will be left", ja="抹消には理由が必要です")
    made = Requested(secrets.token_hex(8), secrets.token_urlsafe(18))
    with page(pen, by) as here:
        (held,) = here.hold(id)
        if number is not None:
            _there(here, held, number)
        here.connection.execute(
            expunge_request.insert().values(
                id=made.id,
                record=held.key,
                revision=number,
                reason=reason,
                code_hash=_hash(made.code),
                at=here.at,
                by=actor_of(by).id,
            )
        )
    return made


def expunge(pen: Pen, request: str, code: str, *, by: By, id: str | None = None) -> int | None:
    """Do what was requested, once: content, linked form, mirror and rows are overwritten; whatever said the same, too.

    `id`, if it is said, must be the record that the request is about.
    """
    with page(pen, by) as here:
        asked = here.connection.execute(
            select(expunge_request, node.c.id.label("named"))
            .join(node, node.c.key == expunge_request.c.record)
            .where(expunge_request.c.id == request)
        ).one_or_none()
        if asked is None or id not in (None, asked.named):
            raise NotFound(f"there is no request {request} to expunge", ja=f"抹消の申請 {request} はありません")
        if not hmac.compare_digest(asked.code_hash, _hash(code)):
            raise Forbidden(
                f"this is not the code of request {request}: take it from where the request left it, the data folder",
                ja=f"確認コードが申請 {request} のものと一致しません。データフォルダーに保存されたコードを使ってください",
            )
        (held,) = here.hold(asked.named)
        done = (
            update(expunge_request)
            .where(expunge_request.c.id == request, expunge_request.c.done_at.is_(None))
            .values(done_at=here.at)
        )
        if here.connection.execute(done).rowcount == 0:
            raise Conflict("this was expunged already", ja="すでに抹消されています", revision=held.revision)
        _erase(here, held, asked.revision, asked.reason)
    pen.store.database.forget()
    return here.last


def _erase(here: Page, held: Held, number: int | None, reason: str) -> None:
    of_record = revision.c.record == held.key
    if number is None:
        chosen = of_record
    else:
        same = select(revision.c.hash).where(of_record, revision.c.number == number).scalar_subquery()
        chosen = of_record & (revision.c.hash == same)
    numbers = list(here.connection.scalars(select(revision.c.number).where(chosen).order_by(revision.c.number)))
    here.connection.execute(
        update(revision).where(chosen).values(body="null", as_sent=None, findings=None, expunged=reason)
    )
    # Verdicts of other profiles quote the content, and so do their trials, which show some of them.
    here.connection.execute(delete(verdict).where(verdict.c.record == held.key))
    named = select(profile_version.c.name, profile_version.c.version, profile_version.c.trial)
    for name, version, trial in here.connection.execute(
        named.where(profile_version.c.trial.contains(held.id, autoescape=True))
    ).fetchall():
        told = orjson.loads(trial)
        told["shown"] = [each for each in told.get("shown", ()) if each["id"] != held.id]
        here.connection.execute(
            update(profile_version)
            .where(profile_version.c.name == name, profile_version.c.version == version)
            .values(trial=orjson.dumps(told).decode())
        )
    detail: dict[str, Any] = {"revisions": numbers, "reason": reason}
    if held.shown in numbers:
        database = here.pen.store.database
        crowded = alike.crowded(here.connection, database, [held.key])
        rows.take_away(here.connection, database, [(held.key, held.kind)], here.targets)
        alike.stir_bearers(here.connection, database, [held.key], crowded)
        if held.status != "withdrawn":
            detail |= {"from": held.status, "to": "withdrawn", LAY_IN: held.scope}
        here.set(held, status="withdrawn", reason=reason, findings=None)
    if number is None:
        # Paths may name a person as well as any title. Locations go with their files.
        here.connection.execute(delete(file).where(file.c.dataset == held.key))
        here.connection.execute(delete(file_list).where(file_list.c.dataset == held.key))
    here.note(held, "expunge", detail)


def _there(here: Page, held: Held, number: int) -> None:
    expunged = here.connection.execute(
        select(revision.c.expunged).where(revision.c.record == held.key, revision.c.number == number)
    ).one_or_none()
    if expunged is None:
        raise NotFound(f"{held.id} has no revision {number}", ja=f"{held.id} にリビジョン {number} はありません")
    if expunged[0] is not None:
        raise Conflict(
            f"revision {number} of {held.id} was expunged already",
            ja=f"{held.id} のリビジョン {number} はすでに抹消されています",
            revision=held.revision,
        )


def _hash(code: str) -> str:
    return sha256(code.encode()).hexdigest()
