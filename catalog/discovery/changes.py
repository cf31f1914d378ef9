"""The feed: what happened after a position, as far as a reader may know it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from catalog.access.notices import VERBS
from catalog.access.policy import SUFFICIENT
from catalog.access.readers import EVERYONE, SIGNED_IN
from catalog.access.scopes import NODE
from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.changes import LAY_IN, OPEN
from catalog.ledger.statement import Terms
from catalog.questions.check import check
from catalog.questions.question import MOST_VALUES, And, Condition, OfRecord, Question, Selection
from catalog.questions.reader import Reader
from catalog.records.identifiers import split_id
from catalog.records.standing import scope_path

MOST = 1_000
# One look at the ledger: many of its changes may tell this reader nothing.
SLICE = 2_000

What = Literal["changed", "left", "gone", "merged", "scope-again", "scope-gone"]


@dataclass(frozen=True, slots=True)
class Told:
    """One change as its reader is told it.

    `changed`: read the record again. `gone`: it is no more to be seen by this reader. `merged`: read `into` instead.
    `left`: it is not, or no more, among what a filter chooses; only told to who asks for that (`matching`).
    `scope-again` and `scope-gone`: the whole scope was opened to or closed to this reader; read what lies in it again,
    or forget what can no more be read. `since` and `until` say when the right that was given begins and ends by the clock,
    which nobody is told of when it comes.
    """

    position: int
    what: What
    id: str
    at: str
    revision: int | None = None
    reason: str | None = None
    into: str | None = None
    since: str | None = None
    until: str | None = None

    def document(self) -> dict[str, Any]:
        """The change as it is answered."""
        told: dict[str, Any] = {"position": str(self.position), "what": self.what, "id": self.id, "at": self.at}
        more = {
            "revision": self.revision,
            "reason": self.reason,
            "into": self.into,
            "from": self.since,
            "until": self.until,
        }
        return told | {name: value for name, value in more.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Feed:
    """A stretch of the feed; `position` is where to go on, whether or not anything was told."""

    changes: tuple[Told, ...]
    position: int
    more: bool


def changes_after(position: int, reader: Reader, *, answers: Answers, limit: int = 100) -> Feed:
    """What this reader may know of what happened after a position, and from where to ask on."""
    if position < 0:
        raise Invalid("since: a position is not negative", ja="since: 位置は負にできません")
    limit = min(max(limit, 1), MOST)
    told: list[Told] = []
    with answers.store.read() as connection:
        rows = answers.rows(_changes, {"position": position, "limit": SLICE}, reader, connection)
        latest = {row[1]: row[0] for row in rows}
        listener = _Listener(reader, answers, connection)
        for row in rows:
            if len(told) == limit:
                return Feed(tuple(told), position, True)
            position = row[0]
            told.extend(_told(row, latest[row[1]] == position, reader, listener))
    return Feed(tuple(told), position, len(rows) == SLICE)


def matching(
    feed: Feed,
    reader: Reader,
    *,
    kinds: Sequence[str] = (),
    where: Condition | None = None,
    leaving: bool = False,
    answers: Answers,
) -> Feed:
    """What a stretch of the feed tells of records of these kinds that meet a condition now.

    What was taken from the reader's sight cannot be asked about any more, and is told of every record of these kinds, so that
    whoever holds it forgets it; so is what was opened or closed as a whole. `leaving`: records that do not meet the condition
    are told as `left`, since they may have met it before.
    """
    vocabulary = answers.vocabulary
    named = frozenset(vocabulary.named(tuple(kinds))) if kinds else None
    if where is not None:
        check(Question(tuple(sorted(named or ())), where), vocabulary)

    def of_kind(told: Told) -> bool:
        return named is None or told.what.startswith("scope-") or split_id(told.id)[0] in named

    changes = [told for told in feed.changes if of_kind(told)]
    changed = [told.id for told in changes if told.what == "changed"]
    if where is None or not changed:
        return replace(feed, changes=tuple(changes))
    held: set[str] = set()
    for start in range(0, len(changed), MOST_VALUES):
        some = OfRecord("id", "in", tuple(changed[start : start + MOST_VALUES]))
        question = Question(tuple(sorted(named or ())), And((some, where)), first=MOST_VALUES, selection=Selection())
        held.update(item.at.id for item in answers.find(question, reader).items)

    def met(told: Told) -> Told | None:
        if told.what != "changed" or told.id in held:
            return told
        return replace(told, what="left", revision=None) if leaving else None

    return replace(feed, changes=tuple(each for told in changes if (each := met(told)) is not None))


class _Listener:
    """Who reads a feed, as notices name them; looked up when the first notice comes."""

    def __init__(self, reader: Reader, answers: Answers, connection: Connection) -> None:
        self._reader = reader
        self._answers = answers
        self._connection = connection

    def _ask(self, make: Callable[[Terms], str], id: str) -> list[Any]:
        return self._answers.rows(make, {"id": id}, self._reader, self._connection)

    @cached_property
    def _known(self) -> tuple[int, str] | None:
        rows = self._ask(_holder, self._reader.id)
        return (rows[0][0], rows[0][1]) if rows else None

    @cached_property
    def _part(self) -> Collection[str | None]:
        """The scopes of what is read with a token for a part of somebody's rights; None stands for all of them."""
        rows = self._ask(_token, self._reader.token) if self._reader.token is not None else []
        if not rows or rows[0][0] is None:
            # A part in that it writes one source's records, or as a device.
            return (None,)
        return {scope for right, scope in orjson.loads(rows[0][0]) if right in SUFFICIENT["read"]}

    def is_concerned(self, holders: Collection[int], at: str) -> bool:
        """Whether what was given to these, or taken from them, is this reader's to know."""
        if EVERYONE in holders:
            return True
        if self._known is None:
            return False
        key, since = self._known
        return key in holders or (SIGNED_IN in holders and since <= at and not self._reader.id.startswith("link:"))

    def had_part_in(self, scope: str) -> bool:
        """Whether what this reader carries lets them read anything in or below a scope, if its owner may."""
        if not self._reader.partial:
            return True
        path = scope_path(scope)
        return any(each is None or each in path or each.startswith(f"{scope}/") for each in self._part)


def _told(row: Any, is_latest: bool, reader: Reader, listener: _Listener) -> Iterator[Told]:
    position, _, verb, revision, at, detail, id, status, readable, could_read, into = row
    said: Mapping[str, Any] = orjson.loads(detail) if detail else {}
    if verb == "scope":
        yield from _scope_told(position, at, said, reader, bool(readable))
        return
    if verb in VERBS:
        yield from _notice_told(position, verb, at, said, reader, bool(readable), listener)
        return
    if status == "public" and readable:
        # Of several changes in a stretch the last is enough: what is read is the state of now.
        if is_latest:
            if into is not None:
                yield Told(position, "merged", id, at, into=into)
            else:
                yield Told(position, "changed", id, at, revision)
        return
    # Hidden now. Whoever saw it until this change is told that it is gone, nobody else that it was ever here.
    was = said.get("status") if verb == "move" else said.get("from")
    if was == "public" and could_read:
        yield Told(position, "gone", id, at, reason=said.get("reason") if verb in ("withdraw", "expunge") else None)


def _scope_told(position: int, at: str, said: Mapping[str, Any], reader: Reader, readable: bool) -> Iterator[Told]:
    scope = said["scope"]
    if reader.administrator or reader.holds(SUFFICIENT["read"], scope_path(scope)):
        return  # sees it by right, before and after

    def seen(force: Mapping[str, Any] | None) -> bool:
        # At the time: a scope that was closed before its embargo ended was never seen.
        return bool(force and force["open"] and (force["metadata"] is None or force["metadata"] <= at))

    was, became = seen(said.get("was")), seen(said.get("now"))
    if was and not became:
        yield Told(position, "scope-gone", scope, at)
    elif not was and said.get("was") is not None and (became or (said["now"]["open"] and readable)):
        yield Told(position, "scope-again", scope, at)


def _notice_told(
    position: int, verb: str, at: str, said: Mapping[str, Any], reader: Reader, readable: bool, listener: _Listener
) -> Iterator[Told]:
    scope = said["scope"]
    if reader.administrator or not listener.is_concerned(said["holders"], at):
        return
    since, until = (said.get("since"), said.get("until")) if verb == "grant" else (None, None)
    if readable:
        # More than before is to be read, or less; which, tells whoever reads it again.
        yield Told(position, "scope-again", scope, at, since=since, until=until)
    elif not listener.had_part_in(scope):
        return
    elif verb == "revoke":
        yield Told(position, "scope-gone", scope, at)
    elif since is not None and since > at:
        # Told beforehand, since nothing is written down when the time comes.
        yield Told(position, "scope-again", scope, at, since=since, until=until)


def _holder(terms: Terms) -> str:
    return f"SELECT h.key, h.at FROM holder h WHERE h.id = {terms.value('id')} AND h.ended_at IS NULL"


def _token(terms: Terms) -> str:
    return f"SELECT t.part FROM token t WHERE t.id = {terms.value('id')}"


def _changes(terms: Terms) -> str:
    # Whether this reader could read, until the change, where the record lay until then: as one of everyone, or by a grant.
    of_scopes = ", ".join(f"'{verb}'" for verb in ("scope", *VERBS))
    lay_in = f"CASE WHEN c.verb NOT IN ({of_scopes}) THEN {terms.number_in('c.detail', LAY_IN)} END"
    was_open = terms.flag_in("c.detail", OPEN)
    of_scope = f"EXISTS (SELECT 1 FROM scope x WHERE x.id = substr(n.id, {len(NODE) + 1}) AND {terms.readable('x')})"
    return (
        f"{terms.beginning()} SELECT c.position, c.record, c.verb, r.shown, c.at, c.detail, n.id, r.status,"
        f" CASE WHEN c.verb IN ({of_scopes}) THEN {of_scope} ELSE coalesce({terms.readable('s')}, FALSE) END,"
        f" EXISTS (SELECT 1 FROM scope b WHERE b.key = {lay_in} AND (({was_open} AND {terms.readable('b')}) OR {terms.granted('b')})),"
        f" (SELECT mn.id FROM record m JOIN node mn ON mn.key = m.key JOIN scope ms ON ms.key = m.scope"
        f" WHERE m.key = r.merged_into AND m.status = 'public' AND {terms.readable('ms')})"
        f" FROM change c JOIN node n ON n.key = c.record LEFT JOIN record r ON r.key = c.record LEFT JOIN scope s ON s.key = r.scope"
        # That a newer revision lies in quarantine is its writers' business.
        f" WHERE c.position > {terms.value('position')} AND NOT (c.verb = 'submit' AND r.shown < c.revision) ORDER BY c.position LIMIT {terms.value('limit')}"
    )
