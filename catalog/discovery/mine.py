"""The records of somebody who writes: those that they submitted last and those of scopes where they write, with what is invalid."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.access.policy import INSIDERS
from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.questions.reader import Reader

STATUSES: Final = ("public", "suppressed", "withdrawn", "private", "draft", "quarantined")


@dataclass(frozen=True, slots=True)
class Own:
    """A record as one of those who write it is told of it.

    `revision` is the one that others read and `newest` the last that was submitted: they differ while the newest lies in
    quarantine. `findings` are those of the newest.
    """

    id: str
    kind: str
    title: Mapping[str, str]
    status: str
    scope: str
    revision: int
    newest: int
    at: str
    by: str | None  # told to writers of its scope
    submitted_by_me: bool
    quarantined: bool
    findings: Sequence[Mapping[str, Any]]
    reason: str | None

    def document(self) -> dict[str, Any]:
        """The record as it is answered."""
        told: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "title": dict(self.title),
            "status": self.status,
            "scope": self.scope,
            "revision": self.revision,
            "newest": self.newest,
            "at": self.at,
            "submittedByMe": self.submitted_by_me,
            "quarantined": self.quarantined,
            "findings": list(self.findings),
        }
        return told | {name: value for name, value in (("by", self.by), ("reason", self.reason)) if value is not None}


@dataclass(frozen=True, slots=True)
class Owned:
    """A page of them, what was submitted last first; `next` begins the page after it."""

    items: tuple[Own, ...]
    next: str | None


def mine(
    reader: Reader,
    *,
    answers: Answers,
    kind: str | None = None,
    status: str | None = None,
    invalid: bool = False,
    cursor: str | None = None,
    limit: int = 100,
) -> Owned:
    """The reader's own records, of one kind or status if it is said; `invalid`: only those with findings."""
    if status is not None and status not in STATUSES:
        raise Invalid(f"status: there are {', '.join(STATUSES)}", ja=f"status: {', '.join(STATUSES)} があります")
    at, id = _read_cursor(cursor) if cursor is not None else ("9999", "")
    values: dict[str, Any] = {
        "me": reader.id,
        "kind": kind or "",
        "status": status or "",
        "invalid": 1 if invalid else 0,
        "at": at,
        "id": id,
        "limit": limit + 1,
    }
    if reader.administrator:
        # Who may write everywhere does not look after everything: what was given to them by name counts.
        values["granted"] = orjson.dumps(reader.scopes_for(*INSIDERS)).decode()
    rows = answers.rows(_of_administrator if reader.administrator else _of_writer, values, reader)
    items = tuple(map(_own, rows[:limit]))
    return Owned(items, _write_cursor(items[-1]) if len(rows) > limit else None)


def _own(row: Any) -> Own:
    id, kind, title, status, scope, shown, newest, at, by, me, inside, quarantined, findings, reason = row
    return Own(
        id,
        kind,
        _title(title),
        status,
        scope,
        shown,
        newest if inside else shown,
        at,
        by if inside else None,
        bool(me),
        bool(quarantined),
        orjson.loads(findings) if findings else [],
        reason if inside else None,
    )


def _title(told: str | None) -> dict[str, str]:
    """A title by language; what lies in quarantine may have anything in its place."""
    title = orjson.loads(told) if told else None
    return {tag: text for tag, text in title.items() if isinstance(text, str)} if isinstance(title, dict) else {}


def _of_writer(terms: Terms) -> str:
    return _statement(terms, f"SELECT s.key FROM scope s WHERE {terms.inside('s')}")


def _of_administrator(terms: Terms) -> str:
    return _statement(
        terms,
        "SELECT c.descendant FROM scope g JOIN scope_closure c ON c.ancestor = g.key"
        f" WHERE {terms.among('g.id', 'granted')}",
    )


def _statement(terms: Terms, scopes: str) -> str:
    me, at, id = terms.value("me"), terms.value("at"), terms.sql.bytewise("n.id")
    inside = f"({terms.inside('s')} AND {terms.inside('vs')})"
    # Both ways begin with the few: the scopes where one writes, and the revisions that people (and not loads) have made.
    submitted = (
        f"SELECT v.record FROM revision v WHERE v.by = {me} AND v.by >= 'person:' AND v.by < 'person;'"
        " AND v.number = (SELECT r.revision FROM record r WHERE r.key = v.record)"
    )
    written = f"SELECT r.key FROM record r WHERE r.scope IN ({scopes})"
    # To who does not write there any more it is told as to any other reader: what is shown, if it is.
    told = f"CASE WHEN {inside} THEN {{}} ELSE {{}} END"
    body = told.format(terms.sql.part("v.body", "title"), terms.sql.part("w.body", "title"))
    return (
        f"{terms.beginning()} SELECT n.id, r.kind, {body}, r.status, s.id, r.shown, r.revision, v.at, v.by, v.by = {me},"
        f" {inside}, {told.format('v.quarantined', 'FALSE')}, {told.format('v.findings', 'NULL')}, r.reason"
        f" FROM (SELECT o.record AS key FROM ({submitted}) o UNION {written}) k JOIN record r ON r.key = k.key"
        " JOIN node n ON n.key = r.key JOIN scope s ON s.key = r.scope"
        " JOIN revision v ON v.record = r.key AND v.number = r.revision JOIN scope vs ON vs.key = v.scope"
        " JOIN revision w ON w.record = r.key AND w.number = r.shown"
        f" WHERE ({terms.inside('s')} OR (r.status IN ('public', 'suppressed') AND {terms.readable('s')}))"
        f" AND ({terms.value('kind')} = '' OR r.kind = {terms.value('kind')})"
        f" AND ({terms.value('status')} = '' OR r.status = {terms.value('status')})"
        f" AND ({terms.value('invalid')} = 0 OR ({inside} AND (v.quarantined OR v.findings IS NOT NULL)))"
        f" AND (v.at < {at} OR (v.at = {at} AND {id} > {terms.value('id')}))"
        f" ORDER BY v.at DESC, {id} LIMIT {terms.value('limit')}"
    )


def _write_cursor(last: Own) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last.at, last.id])).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        at, id = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        at = id = None
    if not isinstance(at, str) or not isinstance(id, str):
        raise Invalid("cursor: this is none of this list", ja="cursor: この一覧の cursor ではありません")
    return at, id
