"""What a record was: its revisions, what befell it, and how two of its revisions differ, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from catalog.discovery.show import absent, ever_shown, ever_shown_of_each, read_former, withdrawn
from catalog.errors import NotFound
from catalog.ledger.answer import Answers, One
from catalog.ledger.changes import LAY_IN, OPEN
from catalog.ledger.statement import Terms
from catalog.questions.question import Selection
from catalog.questions.reader import Reader
from catalog.records.kinds import Kinds


@dataclass(frozen=True, slots=True)
class Noted:
    """A revision, as a list of them tells it.

    `by` (and `agent`, the device as which it was done) is told to writers of its scope only, and so is `hash`: whoever knows all but a private value, or a hidden link,
    could try until it agrees.
    """

    number: int
    at: str
    profile: str | None
    scope: str
    hash: str | None
    shown: bool
    quarantined: bool
    expunged: str | None
    by: str | None
    agent: str | None

    def document(self) -> dict[str, Any]:
        """The revision as it is answered."""
        told: dict[str, Any] = {
            "revision": self.number,
            "at": self.at,
            "profile": self.profile,
            "scope": self.scope,
        }
        if self.hash is not None:
            told["hash"] = self.hash
        told["shown"] = self.shown
        if self.quarantined:
            told["quarantined"] = True
        if self.expunged is not None:
            told["expunged"] = self.expunged
        if self.by is not None:
            told["by"] = self.by
        if self.agent is not None:
            told["agent"] = self.agent
        return told


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befell the record beside its content; told to writers of its scope only."""

    position: int
    verb: str
    at: str
    by: str
    revision: int
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """The revisions that the reader may see, newest first; `next` is the number before which the rest lies."""

    id: str
    revisions: tuple[Noted, ...]
    next: int | None
    events: tuple[Event, ...]


def history(id: str, reader: Reader, *, answers: Answers, before: int | None = None, limit: int = 100) -> History:
    """The revisions of a record that today's rights and those of the scope each was written in let the reader see."""
    with answers.store.read() as connection:
        one = _one(id, reader, answers, connection)
        values = {"key": one.key, "before": before if before is not None else 1 << 31, "limit": limit + 1}
        rows = answers.rows(_revisions, values, reader, connection)
        events = answers.rows(_events, {"key": one.key}, reader, connection) if one.inside else []
        scopes = dict(answers.rows(_scope_ids, {}, reader, connection)) if events else {}
        told_of = [(verb, orjson.loads(detail) if detail else {}) for _, verb, *_, detail in events]
        others = [
            detail[end] for verb, detail in told_of if verb in MERGING for end in ("into", "from") if end in detail
        ]
        seen = answers.readable(others, reader, connection) if others else {}
        numbers = [row[0] for row in rows]
        shown = ever_shown(one, min(numbers), max(numbers), reader, answers, connection) if numbers else frozenset()
    noted, following = _noted(rows, one.revision, shown, limit, inside=one.inside)
    return History(
        id,
        noted,
        following,
        tuple(
            Event(position, verb, at, by, revision, _told(verb, detail, scopes, seen))
            for (position, verb, at, by, revision, _), (_, detail) in zip(events, told_of, strict=True)
        ),
    )


def revisions_of_each(
    ids: Iterable[str], reader: Reader, *, answers: Answers, before: int | None = None, limit: int = 100
) -> dict[str, tuple[tuple[Noted, ...], int | None]]:
    """The revisions in the history of each of these records that has one for the reader, and where it goes on; as many statements, however many they are."""
    with answers.store.read() as connection:
        wanted = {"ids": orjson.dumps(list(dict.fromkeys(ids))).decode()}
        ones = answers.rows(_seen, wanted, reader, connection)
        # What was withdrawn is gone to all but writers.
        ones = [one for one in ones if one[2] != "withdrawn" or one[4]]
        values = {
            "keys": orjson.dumps([key for _, key, *_ in ones]).decode(),
            "before": before if before is not None else 1 << 31,
            "limit": limit + 1,
        }
        rows: dict[int, list[Any]] = {}
        for key, *row in answers.rows(_revisions_of_each, values, reader, connection):
            rows.setdefault(key, []).append(row)
        spans = [
            (key, status, revision, rows[key][-1][0], rows[key][0][0])
            for _, key, status, revision, _ in ones
            if key in rows
        ]
        shown = ever_shown_of_each(spans, reader, answers, connection)
    return {
        id: _noted(rows.get(key, ()), revision, shown.get(key, frozenset()), limit, inside=bool(inside))
        for id, key, _, revision, inside in ones
    }


def _noted(
    rows: Sequence[Any], revision: int, shown: Collection[int], limit: int, *, inside: bool
) -> tuple[tuple[Noted, ...], int | None]:
    """The revisions that are told of those that were read, newest first, and the number before which the rest lies."""
    noted = []
    for number, at, profile, scope, hash, quarantined, expunged, by, agent, wrote_inside in rows:
        within = inside and bool(wrote_inside)
        if not within and (quarantined or number not in shown):
            continue
        noted.append(
            Noted(
                number,
                at,
                profile,
                scope,
                hash if within else None,
                number == revision,
                bool(quarantined),
                expunged,
                by if within else None,
                agent if within else None,
            )
        )
    return tuple(noted[:limit]), rows[limit - 1][0] if len(rows) > limit else None


def _one(id: str, reader: Reader, answers: Answers, connection: Connection) -> One:
    one = answers.one(id, Selection(), reader, connection)
    if one is None:
        raise absent(id)
    if one.status == "withdrawn" and not one.inside:
        raise withdrawn(id, one, reader, answers, connection)
    return one


def _revisions(terms: Terms) -> str:
    return f"{terms.beginning()} {_revisions_told(terms, terms.value('key'))}"


def _revisions_of_each(terms: Terms) -> str:
    spread = terms.sql.spread(terms.numbers("keys"), _revisions_told(terms, "above.key"), _TOLD)
    told = ", ".join(f't."{name}"' for name in _TOLD)
    return f"{terms.beginning()} SELECT t.up, {told} FROM ({spread}) AS t ORDER BY t.up, t.place"


_TOLD = ("number", "at", "profile", "scope", "hash", "quarantined", "expunged", "by", "agent", "inside")


def _revisions_told(terms: Terms, key: str) -> str:
    # The scope of a revision is judged like that of a record; quarantined ones are for writers.
    columns = ("v.number", "v.at", "v.profile", "s.id", "v.hash", "v.quarantined", "v.expunged", "v.by", "v.agent")
    told = ", ".join(f'{what} AS "{name}"' for what, name in zip((*columns, terms.inside("s")), _TOLD, strict=True))
    return (
        f"SELECT {told} FROM revision v JOIN scope s ON s.key = v.scope WHERE v.record = {key} AND v.number < {terms.value('before')}"
        f" AND ({terms.readable('s')} OR {terms.inside('s')}) ORDER BY v.number DESC LIMIT {terms.value('limit')}"
    )


def _seen(terms: Terms) -> str:
    return (
        f"{terms.beginning()} SELECT n.id, r.key, r.status, r.shown, {terms.inside('s')} FROM record r"
        f" JOIN node n ON n.key = r.key JOIN scope s ON s.key = r.scope WHERE r.key IN ({terms.seen('ids')})"
    )


MERGING = ("merge", "unmerge")
# The status at the time of a move decides who is told of it, and is no part of it.
_KEPT_BACK: Mapping[str, tuple[str, ...]] = {"move": ("status",)}


def _events(terms: Terms) -> str:
    return (
        "SELECT c.position, c.verb, c.at, c.by, c.revision, c.detail FROM change c"
        f" WHERE c.record = {terms.value('key')} AND c.verb <> 'submit' ORDER BY c.position DESC LIMIT 200"
    )


def _scope_ids(terms: Terms) -> str:
    return f"{terms.beginning()} SELECT s.key, s.id FROM scope s WHERE {terms.readable('s')} OR {terms.inside('s')}"


def _told(verb: str, detail: Mapping[str, Any], scopes: Mapping[int, str], seen: Collection[str]) -> dict[str, Any]:
    """What a change says, with the names of hidden scopes and records left out."""
    told = {name: value for name, value in detail.items() if name not in (LAY_IN, OPEN, *_KEPT_BACK.get(verb, ()))}
    for end in ("from", "to", "into"):
        if end in told and verb == "move":
            told[end] = scopes.get(told[end])  # the ledger notes keys
        elif end in told and verb in MERGING:
            told[end] = told[end] if told[end] in seen else None
    return told


# --- differences

What = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One value that is otherwise: where (in the later body, or in the earlier for what was removed), and both values."""

    pointer: str
    what: What
    was: Any
    now: Any
    words: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The step as it is answered."""
        told: dict[str, Any] = {"pointer": self.pointer, "what": self.what}
        if self.what != "added":
            told["was"] = self.was
        if self.what != "removed":
            told["now"] = self.now
        told["words"] = dict(self.words)
        return told


@dataclass(frozen=True, slots=True)
class Difference:
    """How two revisions differ, by field of the kind."""

    id: str
    first: int
    second: int
    groups: tuple[tuple[str, Mapping[str, str], tuple[Step, ...]], ...]  # field, its titles, steps

    def document(self) -> dict[str, Any]:
        """The difference as it is answered."""
        groups = [
            {"field": name, "title": dict(titles), "changes": [step.document() for step in steps]}
            for name, titles, steps in self.groups
        ]
        return {"id": self.id, "from": self.first, "to": self.second, "groups": groups}


def difference(id: str, first: int, second: int, reader: Reader, *, answers: Answers, kinds: Kinds) -> Difference:
    """How the second revision differs from the first, in what the reader may see of each."""
    with answers.store.read() as connection:
        one = _one(id, reader, answers, connection)
        profiles: list[str | None] = []
        bodies: list[dict[str, Any]] = []
        for number in (first, second):
            former = read_former(id, one, number, reader, answers, connection)
            if former is None:
                raise NotFound(f"{id}: there is no such revision", ja=f"{id}: そのような版はありません")
            profiles.append(former.profile)
            bodies.append(former.body or {})
    kind = kinds.get(id.partition("/")[0])
    was, now = bodies
    groups: list[tuple[str, Mapping[str, str], tuple[Step, ...]]] = []
    if profiles[0] != profiles[1]:
        # Not in the body; told as if it stood beside it.
        steps = tuple(_steps("/profile", *(_ABSENT if profile is None else profile for profile in profiles)))
        groups.append(("profile", {"en": "Profile", "ja": "プロファイル"}, steps))
    for name in dict.fromkeys((*now, *was)):
        titles = kind.field[name].titles if kind is not None and name in kind.field else {}
        steps = tuple(_steps(f"/{_escaped(name)}", was.get(name, _ABSENT), now.get(name, _ABSENT)))
        if steps:
            groups.append((name, titles or {"en": name, "ja": name}, steps))
    return Difference(id, first, second, tuple(groups))


def steps_between(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Step, ...]:
    """How one body differs from another."""
    return tuple(_steps("", was, now))


class _Absent:
    pass


_ABSENT = _Absent()


def _steps(pointer: str, was: Any, now: Any) -> Iterator[Step]:
    if isinstance(was, _Absent):
        if not isinstance(now, _Absent):
            yield _step(pointer, "added", None, now)
    elif isinstance(now, _Absent):
        yield _step(pointer, "removed", was, None)
    elif isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*now, *was)):
            yield from _steps(f"{pointer}/{_escaped(key)}", was.get(key, _ABSENT), now.get(key, _ABSENT))
    elif isinstance(was, list) and isinstance(now, list):
        yield from _list_steps(pointer, was, now)
    elif was != now or type(was) is not type(now):
        yield _step(pointer, "changed", was, now)


def _list_steps(pointer: str, was: Sequence[Any], now: Sequence[Any]) -> Iterator[Step]:
    """Items are followed by what names them (a link's target, a name, a scheme), else by what they are."""
    names_was, names_now = _names(was), _names(now)
    if len(set(names_was)) == len(names_was) and len(set(names_now)) == len(names_now):
        places = {name: place for place, name in enumerate(names_was)}
        for place, name in enumerate(names_now):
            before = was[places[name]] if name in places else _ABSENT
            yield from _steps(f"{pointer}/{place}", before, now[place])
        kept = set(names_now)
        for place, name in enumerate(names_was):
            if name not in kept:
                yield from _steps(f"{pointer}/{place}", was[place], _ABSENT)
        return
    matcher = SequenceMatcher(None, list(map(_canonical, was)), list(map(_canonical, now)), autojunk=False)
    for tag, from_was, to_was, from_now, to_now in matcher.get_opcodes():
        if tag == "equal":
            continue
        for place in range(max(to_was - from_was, to_now - from_now)):
            before = was[from_was + place] if from_was + place < to_was else _ABSENT
            after = now[from_now + place] if from_now + place < to_now else _ABSENT
            at = from_now + place if not isinstance(after, _Absent) else from_was + place
            yield from _steps(f"{pointer}/{at}", before, after)


def _names(items: Sequence[Any]) -> list[str]:
    return [_name(item) for item in items]


def _name(item: Any) -> str:
    if isinstance(item, dict):
        parts = [
            item[key]
            for key in ("to", "role", "port", "predicate", "from", "scheme", "name", "term", "id", "path")
            if key in item
        ]
        if "scheme" in item:
            parts.append(item.get("value"))
        if parts:
            return _canonical(parts)
    # A bare string in a link field is short for {"to": …}.
    return _canonical([item]) if isinstance(item, str) else _canonical(item)


def _canonical(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _step(pointer: str, what: What, was: Any, now: Any) -> Step:
    before, after = _short(was), _short(now)
    match what:
        case "added":
            words = {"en": f"added {after}", "ja": f"{after} を追加"}
        case "removed":
            words = {"en": f"removed {before}", "ja": f"{before} を削除"}
        case _:
            words = {"en": f"{before} became {after}", "ja": f"{before} を {after} に変更"}
    return Step(pointer, what, was, now, words)


def _short(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("to"), str):
        told = value["to"] + (f" ({value['role']})" if isinstance(value.get("role"), str) else "")
    elif isinstance(value, str):
        told = value
    else:
        told = orjson.dumps(value).decode()
    return f"“{told[:119]}…”" if len(told) > 120 else f"“{told}”"
