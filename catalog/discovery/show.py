"""One record: as it is, as it was in a revision, or as of a time or a position."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from catalog.errors import Gone, Invalid, NotFound
from catalog.ledger.answer import Answers, One
from catalog.ledger.changes import LAY_IN, OPEN
from catalog.ledger.cut import without_private
from catalog.ledger.statement import Terms
from catalog.questions.question import Selection
from catalog.questions.reader import PUBLIC, Reader
from catalog.questions.vocabulary import Vocabulary
from catalog.records.dates import Date, understand_date
from catalog.records.hidden import without_links
from catalog.records.identifiers import is_record_id
from catalog.records.registration import Registration

WHOLE = Selection(body=True, links=True, incoming=True, files=True, findings=True, identifiers=True)
LINKED = Selection(linked=True, files=True)
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Shown:
    """A record as its reader may see it: `text` is the JSON object that is answered.

    `revision` is the one shown and `newest` the lock for the next revision; they differ while a newer one is in
    quarantine, which only `inside` readers (writers and managers of its scope) are told.
    """

    id: str
    text: str
    status: str
    revision: int
    newest: int
    hash: str
    inside: bool
    former: bool = False

    @cached_property
    def document(self) -> dict[str, Any]:
        """The same as values."""
        document: dict[str, Any] = orjson.loads(self.text)
        return document


@dataclass(frozen=True, slots=True)
class Moved:
    """The record was merged into another one, which its reader may see as well."""

    id: str
    to: str


def show(
    id: str,
    reader: Reader,
    *,
    answers: Answers,
    selection: Selection = WHOLE,
    revision: int | None = None,
    as_of: str | int | None = None,
) -> Shown | Moved:
    """The record of this id, or where it went; NotFound and Gone as its status says (docs/audit.md).

    `revision` shows a former one; `as_of` the one that was shown at a time (ISO 8601 or any date: its end) or at a
    position in the ledger (for writers of its scope: a number; one of four digits as `position:1234`, since `1234` is a year).
    """
    if revision is not None or as_of is not None:
        return _former(id, reader, answers, revision, as_of)
    one = answers.one(id, selection, reader)
    if one is None:
        raise absent(id)
    if one.status == "withdrawn":
        raise withdrawn(id, one, reader, answers)
    if one.merged_into is not None:
        return Moved(id, one.merged_into)
    return Shown(id, one.text, one.status, one.revision, one.newest, one.hash, one.inside)


def absent(id: str) -> NotFound:
    """What is said of a record that is hidden or was never here: the same."""
    shown = id if len(id) <= 200 else id[:197] + "..."
    return NotFound(f"{shown}: there is no such record", ja=f"{shown}: そのような記録はありません")


def withdrawn(
    id: str, one: One, reader: Reader, answers: Answers, connection: Connection | None = None
) -> NotFound | Gone:
    """Gone with the reason for those who could read it last, for all others what is said of anything absent."""
    rows = answers.rows(_withdrawal, {"key": one.key}, reader, connection)
    told = ((orjson.loads(detail), *more) for detail, *more in rows)
    # A single revision may have been expunged since; that took nothing more away.
    said, at, readable, granted = next(row for row in told if row[0].get("to") == "withdrawn")
    could_read = said["from"] in ("public", "suppressed") and (granted or (readable and said[OPEN]))
    if not could_read and not one.inside:
        return absent(id)
    reason = one.reason or ""
    return Gone(f"{id}: withdrawn: {reason}", reason=reason, at=at, ja=f"{id}: 取り下げられました: {reason}")


def _withdrawal(terms: Terms) -> str:
    # By the scope in which it lay then; it may have been moved since.
    lay_in = terms.number_in("c.detail", LAY_IN)
    return (
        f"{terms.beginning()} SELECT c.detail, c.at, coalesce({terms.readable('s')}, FALSE), coalesce({terms.granted('s')}, FALSE) FROM change c"
        f" LEFT JOIN scope s ON s.key = {lay_in} WHERE c.record = {terms.value('key')} AND c.verb IN ('withdraw', 'expunge')"
        " ORDER BY c.position DESC"
    )


def registration_of(found: Shown, reader: Reader, *, answers: Answers) -> Registration | None:
    """When, from where, by which load and device the revision that is shown was entered; None if it has gone meanwhile."""
    rows = answers.rows(_registration, {"id": found.id, "number": found.revision}, PUBLIC)
    entries = [Registration(found.id, *told) for told in rows[:1]]
    return _with_devices_seen(entries, reader, answers)[0] if entries else None


def registrations_of(shown: Mapping[str, int], reader: Reader, *, answers: Answers) -> list[Registration]:
    """The same of many records, each with the revision that is shown, by id."""
    rows = answers.rows(_registrations, {"ids": orjson.dumps(list(shown)).decode()}, PUBLIC) if shown else []
    found = {id: Registration(id, *told) for id, number, *told in rows if number == shown[id]}
    for id in shown.keys() - found.keys():
        # Revised more than once since it was read.
        for told in answers.rows(_registration, {"id": id, "number": shown[id]}, PUBLIC):
            found[id] = Registration(id, *told)
    return _with_devices_seen(list(found.values()), reader, answers)


def _with_devices_seen(entries: list[Registration], reader: Reader, answers: Answers) -> list[Registration]:
    """The same, without the devices whose records the reader may not see."""
    devices = {entry.agent for entry in entries if entry.agent is not None}
    if not devices:
        return entries
    seen = answers.readable(devices, reader)
    return [entry if entry.agent in seen else replace(entry, agent=None) for entry in entries]


# Asked only of what was shown: who may see it has been decided.
_ENTRY = (
    "r.source, v.at, v.load, v.agent FROM node n JOIN record r ON r.key = n.key JOIN revision v ON v.record = r.key"
)


def _registration(terms: Terms) -> str:
    return f"SELECT {_ENTRY} WHERE n.id = {terms.value('id')} AND v.number = {terms.value('number')}"


def _registrations(terms: Terms) -> str:
    # What is shown by now, or was a moment ago.
    return f"SELECT n.id, v.number, {_ENTRY} WHERE {terms.among('n.id', 'ids')} AND v.number >= r.shown - 1"


# --- former revisions


@dataclass(frozen=True, slots=True)
class Former:
    """A revision with what its reader may see of it. `body` is None where it was expunged."""

    number: int
    body: dict[str, Any] | None
    hidden: frozenset[str]
    profile: str | None
    scope: str
    hash: str
    at: str
    by: str | None
    expunged: str | None
    findings: list[Any]
    inside: bool
    titles: Mapping[str, tuple[str, Mapping[str, str]]]


def _former(id: str, reader: Reader, answers: Answers, revision: int | None, as_of: str | int | None) -> Shown:
    with answers.store.read() as connection:
        one = answers.one(id, Selection(), reader, connection)
        if one is None:
            raise absent(id)
        if one.status == "withdrawn" and not one.inside:
            raise withdrawn(id, one, reader, answers, connection)
        if revision is None:
            revision = _revision_as_of(one, as_of, reader, answers, connection)
        former = read_former(id, one, revision, reader, answers, connection) if revision is not None else None
    if former is None:
        raise NotFound(f"{id}: there is no such revision", ja=f"{id}: そのような版はありません")
    document = orjson.loads(one.text)
    document |= {
        "profile": former.profile,
        "scope": former.scope,
        "revision": former.number,
        "at": former.at,
        "body": former.body,
    }
    document["former"] = former.number != one.revision
    if former.by is not None:
        document["by"] = former.by
    if former.expunged is not None:
        document["expunged"] = former.expunged
    if former.inside:
        document["findings"] = former.findings
    document["links"] = list(_links_told(former, document["kind"], answers.vocabulary))
    text = orjson.dumps(document).decode()
    return Shown(id, text, one.status, former.number, one.newest, former.hash, former.inside, document["former"])


def read_former(
    id: str, one: One, number: int, reader: Reader, answers: Answers, connection: Connection
) -> Former | None:
    """A revision of a record that the reader may see; None where the scope it was written in is not theirs to read."""
    rows = answers.rows(_one_revision, {"key": one.key, "number": number}, reader, connection)
    if not rows:
        return None
    text, profile, scope, hash, at, by, expunged, findings, quarantined, wrote_inside = rows[0]
    inside = one.inside and bool(wrote_inside)
    if not inside and (quarantined or number not in ever_shown(one, number, number, reader, answers, connection)):
        return None
    body = None if expunged is not None else orjson.loads(text)
    hidden: frozenset[str] = frozenset()
    titles: dict[str, tuple[str, Mapping[str, str]]] = {}
    if body is not None:
        named = set(_ids_in(body))
        seen = answers.readable(named, reader, connection) if named else {}
        titles = {target: (found.kind, found.title) for target, found in seen.items()}
        if not inside:
            hidden = frozenset(named - set(seen))
            body = without_links(without_private(body, id.partition("/")[0], answers.vocabulary), hidden)
    told = orjson.loads(findings) if findings else []
    return Former(
        number, body, hidden, profile, scope, hash, at, by if inside else None, expunged, told, inside, titles
    )


def ever_shown(
    one: One, first: int, last: int, reader: Reader, answers: Answers, connection: Connection
) -> frozenset[int]:
    """Those of these revisions that others than writers could see once: what was a draft or private stays so."""
    rows = answers.rows(_life, {"key": one.key, "first": first, "last": last}, reader, connection)
    return _once_shown(one.status, one.revision, rows)


def ever_shown_of_each(
    spans: Sequence[tuple[int, str, int, int, int]], reader: Reader, answers: Answers, connection: Connection
) -> dict[int, frozenset[int]]:
    """The same of several records, each (key, status, the revision that is shown, first, last), by key."""
    known: dict[int, tuple[str, int, list[Any]]] = {key: (status, shown, []) for key, status, shown, _, _ in spans}
    bound = orjson.dumps([(key, first, last) for key, _, _, first, last in spans]).decode()
    for key, *row in answers.rows(_lives, {"spans": bound}, reader, connection):
        known[key][2].append(row)
    return {key: _once_shown(*told) for key, told in known.items()}


def _once_shown(status: str, revision: int, life: Iterable[Sequence[Any]]) -> frozenset[int]:
    turns: list[tuple[int, int, str, str]] = []
    begun: dict[int, int] = {}
    for position, verb, number, detail in life:
        if verb == "submit":
            begun[number] = position
        elif detail is not None and isinstance((said := orjson.loads(detail)).get("to"), str):
            turns.append((position, number, said["from"], said["to"]))
    initial = turns[0][2] if turns else status

    def was_shown(number: int, since: int) -> bool:
        before = next((to for position, _, _, to in reversed(turns) if position < since), initial)
        later = (to for position, of, _, to in turns if position > since and of == number)
        return before in _SHOWN or any(to in _SHOWN for to in later)

    return frozenset(number for number, since in begun.items() if was_shown(number, since) or number == revision)


_SHOWN: Final = ("public", "suppressed")
_TURNS: Final = "c.verb IN ('publish', 'suppress', 'hide', 'draft', 'withdraw', 'restore', 'expunge')"


def _life(terms: Terms) -> str:
    # What is done to a record's status carries the number of the revision that is there then, or that comes with it.
    return (
        f"SELECT c.position, c.verb, c.revision, c.detail FROM change c WHERE c.record = {terms.value('key')}"
        f" AND ({_TURNS} OR (c.verb = 'submit' AND c.revision BETWEEN {terms.value('first')} AND {terms.value('last')}))"
        " ORDER BY c.position"
    )


def _lives(terms: Terms) -> str:
    key, first, last = (f"CAST({terms.sql.item('span.value', place)} AS BIGINT)" for place in range(3))
    return (
        f"SELECT c.record, c.position, c.verb, c.revision, c.detail FROM {terms.sql.placed(terms.value('spans'))} AS span"
        f" {terms.sql.then()} change c ON c.record = {key}"
        f" WHERE {_TURNS} OR (c.verb = 'submit' AND c.revision BETWEEN {first} AND {last}) ORDER BY c.position"
    )


def _one_revision(terms: Terms) -> str:
    return (
        f"{terms.beginning()} SELECT v.body, v.profile, s.id, v.hash, v.at, v.by, v.expunged, v.findings, v.quarantined, {terms.inside('s')}"
        f" FROM revision v JOIN scope s ON s.key = v.scope WHERE v.record = {terms.value('key')} AND v.number = {terms.value('number')}"
        f" AND ({terms.readable('s')} OR {terms.inside('s')})"
    )


def _revision_as_of(
    one: One, as_of: str | int | None, reader: Reader, answers: Answers, connection: Connection
) -> int | None:
    # Four digits are a year; a position of four digits is written `position:1234`.
    told = str(as_of)
    position = told.removeprefix("position:")
    if isinstance(as_of, int) or (_DIGITS.fullmatch(position) and (position != told or len(told) != 4)):
        if not one.inside:
            # Trying numbers would tell how much happens that one may not see.
            raise Invalid(
                "asOf: positions are for those who write here; say a time (2026-05-10T12:00:00Z, 2026-05)",
                ja="asOf: 位置で指定できるのは書き込み権限のある人だけです。日時で指定してください",
            )
        rows = answers.rows(_revision_at_position, {"key": one.key, "position": int(position)}, reader, connection)
    else:
        date = understand_date(told)
        if not isinstance(date, Date) or date.until is None:
            raise Invalid(
                f"asOf: {as_of!r} is neither a time (2026-05-10T12:00:00Z, 2026-05) nor a position",
                ja=f"asOf: {as_of!r} は日時でも位置でもありません",
            )
        rows = answers.rows(_revision_at_time, {"key": one.key, "at": date.until}, reader, connection)
    number: int | None = rows[0][0] if rows else None
    return number


def _revision_at_time(terms: Terms) -> str:
    return f"SELECT max(v.number) FROM revision v WHERE v.record = {terms.value('key')} AND NOT v.quarantined AND v.at < {terms.value('at')}"


def _revision_at_position(terms: Terms) -> str:
    key = terms.value("key")
    return (
        f"SELECT max(v.number) FROM revision v WHERE v.record = {key} AND NOT v.quarantined AND v.number <="
        f" (SELECT max(c.revision) FROM change c WHERE c.record = {key} AND c.position <= {terms.value('position')})"
    )


def _ids_in(value: Any) -> Iterator[str]:
    """Every text in a body that is an id of ours; `details` is foreign and names nothing here."""
    if isinstance(value, str):
        if "/" in value and is_record_id(value):
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from _ids_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key != "details":
                yield from _ids_in(each)


def _links_told(former: Former, kind: str, vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    words = vocabulary.kinds.get(kind)
    for name, items in (former.body or {}).items():
        if (
            words is None
            or name not in words.fields
            or words.fields[name].sort != "link"
            or not isinstance(items, list)
        ):
            continue
        for item in items:
            told: dict[str, Any] = {"field": name, **({"to": item} if isinstance(item, str) else item)}
            if found := former.titles.get(told["to"]):
                told["kind"], told["title"] = found
            yield told
