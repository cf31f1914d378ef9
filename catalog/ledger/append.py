"""The one transaction in which records are written: content, what follows from it, and its place in the order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import orjson
from sqlalchemy import Connection, text

from catalog.errors import Invalid
from catalog.ledger import alike, rows, terms, verbs
from catalog.ledger.changes import LAY_IN, Change, changes_after, changes_of, done_as, last_position, write_changes
from catalog.ledger.expunge import Requested, expunge, request_expunge
from catalog.ledger.files import (
    FileList,
    delete_files,
    file_of,
    files_of,
    list_of,
    patch_files,
    put_files,
    refuse_if_wrong,
    replace_list,
    set_location_state,
)
from catalog.ledger.mirror import Mirrors, Target
from catalog.ledger.nodes import LONGEST, Nodes
from catalog.ledger.pen import Pen
from catalog.ledger.refill import Progress, unheard, upgrade_mirrors
from catalog.ledger.rows import LinkedForm
from catalog.ledger.sources import Sources
from catalog.ledger.verbs import StatusVerb
from catalog.records.finding import Breaks, Finding
from catalog.records.kinds import Kinds
from catalog.records.record import By, Mode, Status, Submission, actor_of
from catalog.store.clock import Clock, now
from catalog.store.database import Row
from catalog.store.engine import Store

# What a look-up of many records may bring along of each.
MOST_TEXT = 16 * 1024
What = Literal["created", "revised", "unchanged", "conflict", "quarantined", "refused"]
# What a submission may say of a status; the others are set by verbs of their own, and stay until those undo them.
SAYABLE = ("public", "private", "draft")
STATUS_VERBS: Mapping[str, str] = {"public": "publish", "private": "hide", "draft": "draft"}


class Judged(Protocol):
    """A submission with the gate's verdict (validation/gate.py makes it)."""

    @property
    def submission(self) -> Submission: ...
    @property
    def id(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def linked(self) -> LinkedForm | None: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def breaks(self) -> Breaks: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A judged submission on its way in.

    `scope` and `status` are those of a record that is new; one that is here already keeps its own unless the submission
    itself says otherwise.
    """

    judged: Judged
    scope: str
    status: str = "public"
    expected_revision: int | None = None
    mode: Mode = "strict"
    # The scope in which somebody asked whether this writer may write; if the record lies in another by now, they may not.
    lay_in: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an entry. `position` is that of its last change, None when nothing changed."""

    id: str
    outcome: What
    revision: int
    position: int | None
    findings: tuple[Finding, ...] = ()

    def document(self) -> dict[str, Any]:
        """The outcome as it is answered; to whoever reads it, the position is a token."""
        return {
            "id": self.id,
            "outcome": self.outcome,
            "revision": self.revision,
            "position": None if self.position is None else str(self.position),
            "findings": [finding.document() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What is here of a record before a submission of it is judged.

    `hash` is that of the newest content, and empty while that is in quarantine: the same content must be judged again,
    for the rules may have changed.
    """

    hash: str
    revision: int
    scope: str
    status: Status
    profile: str | None
    # The newest content as it is stored, unless it is long: the same text is the same content, and costs no hash.
    body: str | None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a record lies, and how it stands there, without what it says."""

    id: str
    scope: str
    status: Status
    revision: int
    profile: str | None


REVISION_COLUMNS = (
    "record number body as_sent profile hash scope findings quarantined at by load agent".split()
)  # fmt: skip
RECORD_COLUMNS = (
    "key kind source local_id scope status revision shown hash profile findings created_at modified_at".split()
)  # fmt: skip
STATE_COLUMNS = "key scope status revision shown hash profile findings modified_at".split()  # fmt: skip


@dataclass(slots=True)
class _State:
    """A record as it stands, while a batch changes it."""

    key: int
    scope: int
    status: str
    revision: int
    shown: int
    hash: str
    profile: str | None
    findings: str | None
    kind: str
    new: bool = False
    changed: bool = False
    shows: Entry | None = None  # whose linked form is to be shown, when that changed
    expunged: frozenset[str] = frozenset()
    came_from: int | None = None  # where it lay before this batch

    @property
    def newest_is_quarantined(self) -> bool:
        return self.status == "quarantined" or self.revision != self.shown


@dataclass(slots=True)
class _Batch:
    """What one call of `append` is about to write."""

    at: str
    by: str
    agent: str | None
    load: str | None
    states: dict[int, _State] = field(default_factory=dict)
    revisions: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    positioned: dict[int, int] = field(default_factory=dict)  # outcome -> its last change


class _Undone(Exception):
    """Leaves the transaction without a trace."""


class Ledger:
    """What happened, in order, over one store; safe to use from any thread.

    `append` is written here; each of the other verbs is a function of its own module, named again here so that whoever
    holds the ledger holds them all.
    """

    def __init__(self, store: Store, kinds: Kinds, *, clock: Clock = now) -> None:
        self.store = self._store = store
        self.kinds = kinds
        self.mirrors = self._mirrors = Mirrors(store, kinds)
        self._nodes = Nodes(store.database)
        self._clock = clock
        self._pen = Pen(store, self.mirrors, clock)
        self._sources = Sources(store)
        among = store.database.among
        self._select_states = (
            "SELECT key, scope, status, revision, shown, hash, profile, findings, kind"
            f" FROM record WHERE {among('key')}"
        )
        self._select_expunged = f"SELECT record, hash FROM revision WHERE expunged IS NOT NULL AND {among('record')}"
        self._select_scopes = f"SELECT id, key FROM scope WHERE {among('id')}"
        self._select_known = (
            "SELECT n.id, r.hash, r.revision, s.id, r.status, r.profile, r.shown,"
            f" CASE WHEN length(v.body) <= {MOST_TEXT} THEN v.body END FROM node AS n"
            " JOIN record AS r ON r.key = n.key JOIN scope AS s ON s.key = r.scope"
            " JOIN revision AS v ON v.record = r.key AND v.number = r.revision"
            f" WHERE {among('n.id')}"
        )
        self._select_terms_named = (
            "SELECT i.value, n.id FROM identifier AS i JOIN record AS r ON r.key = i.record JOIN node AS n ON n.key = r.key"
            f" WHERE {among('i.value')} AND i.scheme = 'iri' AND i.is_primary AND r.kind = 'term' AND r.status <> 'withdrawn'"
            " AND r.merged_into IS NULL ORDER BY n.id DESC"
        )

    def append(
        self, entries: Sequence[Entry], *, by: By, load: str | None = None, atomic: bool = False
    ) -> list[Outcome]:
        """Enter all of these in ONE transaction, in order; each tells what became of it.

        A conflict or a refusal costs only its own entry, unless `atomic`: then nothing of the others is stored either.
        """
        if not entries:
            return []
        actor = actor_of(by)
        batch = _Batch(self._clock(), actor.id, actor.agent, load)
        try:
            with self._store.write() as connection:
                keys = self._write(connection, batch, entries, atomic)
        except _Undone:
            return _all_refused(batch.outcomes)
        self._nodes.remember(keys)
        return batch.outcomes

    def known(self, ids: Collection[str]) -> dict[str, Known]:
        """What is here of these records, by id; those that are not here are left out."""
        with self.store.read() as connection:
            found = connection.exec_driver_sql(self._select_known, (self.store.database.listed(ids),))
            return {
                id: Known(hash, revision, scope, status, profile, body)
                if revision == shown and status != "quarantined"
                else Known("", revision, scope, status, profile, None)
                for id, hash, revision, scope, status, profile, shown, body in found
            }

    def whereabouts(self, id: str) -> Whereabouts | None:
        """Where this record lies; of an id that is none where the newest record does, so that to find that out takes as long.

        Whoever asks compares the id last, when all else is worked out: what is hidden and what never was take alike long then.
        """
        with self.store.read() as connection:
            row = connection.execute(_WHEREABOUTS, {"id": id}).fetchone()
        return None if row is None else Whereabouts(*row)

    def terms_named(self, iris: Collection[str]) -> dict[str, str]:
        """The id of a term that stands for each of these IRIs, whoever may see it; withdrawn ones and those merged away left out."""
        with self.store.read() as connection:
            found = connection.exec_driver_sql(self._select_terms_named, (self.store.database.listed(iris),))
            return {str(iri): str(id) for iri, id in found}

    def body(self, id: str, number: int | None = None) -> Mapping[str, Any] | None:
        """The content of a revision, or of the one shown; None where there is none, or it was expunged."""
        with self.store.read() as connection:
            wanted = _BODY_SHOWN if number is None else _BODY
            body = connection.scalar(wanted, {"id": id} if number is None else {"id": id, "number": number})
        found = orjson.loads(body) if body is not None else None
        return found if isinstance(found, dict) else None

    def history(self, id: str) -> list[Change]:
        """All that happened to a record, in order."""
        with self.store.read() as connection:
            key = connection.scalar(_KEY, {"id": id})
            return changes_of(connection, key) if key is not None else []

    def changes_after(self, position: int, limit: int = 1_000) -> list[Change]:
        """The changes after a position, in order; whoever goes on from the last of them skips nothing."""
        with self.store.read() as connection:
            return changes_after(connection, position, limit)

    def last_position(self) -> int:
        """The position of the newest change; 0 before anything happened."""
        with self.store.read() as connection:
            return last_position(connection)

    def change_status(self, id: str, verb: StatusVerb, *, by: By, expected_revision: int | None = None) -> int | None:
        """Publish, suppress or hide a record; None when it is so already."""
        return verbs.change_status(self._pen, id, verb, by=by, expected_revision=expected_revision)

    def withdraw(self, id: str, reason: str, *, by: By, expected_revision: int | None = None) -> int | None:
        """Take a record out of what is shown; its id goes on to say that it was here, and why it is no more."""
        return verbs.withdraw(self._pen, id, reason, by=by, expected_revision=expected_revision)

    def restore(self, id: str, *, by: By, expected_revision: int | None = None) -> int | None:
        """Show a withdrawn record again, with the status that it had and its newest content."""
        return verbs.restore(self._pen, id, by=by, expected_revision=expected_revision)

    def move(self, id: str, scope: str, *, by: By, expected_revision: int | None = None) -> int | None:
        """Lay a record into another scope; None when it lies there already."""
        return verbs.move(self._pen, id, scope, by=by, expected_revision=expected_revision)

    def merge(self, id: str, into: str, *, by: By) -> int | None:
        """Say that two records of a kind are one thing, and which of them is to be read."""
        return verbs.merge(self._pen, id, into, by=by)

    def unmerge(self, id: str, *, by: By) -> int | None:
        """Take a merging back."""
        return verbs.unmerge(self._pen, id, by=by)

    def request_expunge(self, id: str, reason: str, *, by: By, number: int | None = None) -> Requested:
        """Ask that a revision be expunged, or all of a record; nothing happens before `expunge`."""
        return request_expunge(self._pen, id, reason, by=by, number=number)

    def expunge(self, request: str, code: str, *, by: By, id: str | None = None) -> int | None:
        """Do what was requested: the bytes go, a tombstone with their hash and the reason stays."""
        return expunge(self._pen, request, code, by=by, id=id)

    def put_files(
        self, id: str, files: Iterable[Mapping[str, Any]], *, by: By, expected_version: int | None = None
    ) -> FileList:
        """Let these be all files of a dataset."""
        return put_files(self._pen, id, files, by=by, expected_version=expected_version)

    def patch_files(
        self, id: str, files: Iterable[Mapping[str, Any]], *, by: By, expected_version: int | None = None
    ) -> FileList:
        """Add these files, or replace those of the same path; the others stay."""
        return patch_files(self._pen, id, files, by=by, expected_version=expected_version)

    def delete_files(self, id: str, paths: Iterable[str], *, by: By, expected_version: int | None = None) -> FileList:
        """Take files out of a dataset's list."""
        return delete_files(self._pen, id, paths, by=by, expected_version=expected_version)

    def set_location_state(
        self, id: str, path: str, address: str, state: str, *, until: str | None = None, verified_at: str | None = None
    ) -> None:
        """Say whether a file's bytes at a place can be read now."""
        set_location_state(self._pen, id, path, address, state, until=until, verified_at=verified_at)

    def files(self, id: str, *, after: str | None = None, limit: int = 100) -> tuple[list[dict[str, Any]], str | None]:
        """Files of a dataset in the order of their paths, and the path to go on after if there are more."""
        return files_of(self.store, id, after=after, limit=limit)

    def file(self, id: str, path: str) -> dict[str, Any] | None:
        """The file of this path in a dataset's list."""
        return file_of(self.store, id, path)

    def file_list(self, id: str) -> FileList:
        """How many files a dataset has, and the version of its list."""
        return list_of(self.store, id)

    def upgrade_mirrors(self, progress: Progress = unheard) -> Mapping[str, int]:
        """Fill every mirror whose kind has changed, and let it answer; how many records of each kind that were."""
        return upgrade_mirrors(self._pen, self._nodes, self.kinds, self._sources, progress)

    def _write(
        self, connection: Connection, batch: _Batch, entries: Sequence[Entry], atomic: bool
    ) -> Mapping[str, int]:
        database = self._store.database
        targets = self._mirrors.targets(connection)
        scopes = self._scopes(connection, entries)
        refused = {place: found for place, entry in enumerate(entries) if (found := _refusals(entry, scopes))}
        if refused and atomic:
            batch.outcomes = [
                Outcome(entry.judged.id, "refused", 0, None, refused.get(place, ()))
                for place, entry in enumerate(entries)
            ]
            raise _Undone

        nodes, made = self._nodes.keys(connection, _ids(entries, refused))
        ids = {entry.judged.id for place, entry in enumerate(entries) if place not in refused}
        self._read_states(connection, batch, [nodes[id] for id in ids if id not in made])

        for place, entry in enumerate(entries):
            if place in refused:
                batch.outcomes.append(Outcome(entry.judged.id, "refused", 0, None, refused[place]))
            else:
                batch.outcomes.append(_decide(batch, place, entry, nodes[entry.judged.id], scopes))
        if atomic and any(outcome.outcome in ("conflict", "refused") for outcome in batch.outcomes):
            raise _Undone

        new: dict[int, Entry] = {}
        for place, outcome in enumerate(batch.outcomes):
            if outcome.outcome in ("created", "quarantined"):
                new.setdefault(nodes[outcome.id], entries[place])
        self._write_records(connection, batch, new, targets, nodes)
        self._write_files(connection, batch, entries, nodes)
        if batch.changes:
            first = write_changes(connection, database, batch.changes)
            for place, change in batch.positioned.items():
                was = batch.outcomes[place]
                batch.outcomes[place] = Outcome(was.id, was.outcome, was.revision, first + change, was.findings)
        return nodes

    def _write_records(
        self,
        connection: Connection,
        batch: _Batch,
        new: Mapping[int, Entry],
        targets: Mapping[str, Sequence[Target]],
        nodes: Mapping[str, int],
    ) -> None:
        database = self._store.database
        changed = [state for state in batch.states.values() if state.changed]
        if not changed:
            return
        made = [_record_row(state, new[state.key], batch.at) for state in changed if state.new]
        database.insert(connection, "record", RECORD_COLUMNS, made)
        altered = [_state_row(state, batch.at) for state in changed if not state.new]
        database.update(connection, "record", STATE_COLUMNS, altered)
        database.insert(connection, "revision", REVISION_COLUMNS, batch.revisions)
        of_terms = [state for state in changed if state.kind == terms.KIND]
        stood_for = terms.named(connection, database, [state.key for state in of_terms if not state.new])
        shown = [(state, state.shows.judged) for state in changed if state.shows is not None]
        crowded = alike.crowded(connection, database, [state.key for state, _ in shown if not state.new])
        rows.take_away(connection, database, [(state.key, state.kind) for state, _ in shown if not state.new], targets)
        forms = [
            (state.key, state.kind, judged.linked)
            for state, judged in shown
            if judged.linked is not None and judged.breaks != "kind"
        ]
        rows.put(connection, database, forms, targets, nodes)
        marked = [key for key, _, linked in forms if any(each.primary for each in linked.identifiers)]
        alike.stir_bearers(connection, database, marked, crowded)
        terms.keep(connection, database, batch.at, [state.key for state in of_terms], stood_for)

    def _write_files(
        self, connection: Connection, batch: _Batch, entries: Sequence[Entry], nodes: Mapping[str, int]
    ) -> None:
        for place, entry in enumerate(entries):
            files = entry.judged.submission.files
            outcome = batch.outcomes[place]
            if not files or outcome.outcome not in ("created", "revised", "unchanged"):
                continue
            state = batch.states[nodes[outcome.id]]
            if not replace_list(connection, self._store.database, state.key, files):
                continue
            if not state.changed:
                connection.execute(_TOUCH, {"key": state.key, "at": batch.at})
            if outcome.outcome == "unchanged":
                batch.outcomes[place] = replace(outcome, outcome="revised")
            _change(batch, place, Change(state.key, "files", state.revision, batch.at, batch.by, None))

    def _scopes(self, connection: Connection, entries: Sequence[Entry]) -> dict[str, int]:
        named = {entry.scope for entry in entries} | {entry.lay_in for entry in entries if entry.lay_in is not None}
        found = connection.exec_driver_sql(self._select_scopes, (self._store.database.listed(named),))
        return {id: int(key) for id, key in found}

    def _read_states(self, connection: Connection, batch: _Batch, keys: Sequence[int]) -> None:
        if not keys:
            return
        database = self._store.database
        database.lock(connection, keys)
        listed = database.listed(keys)
        for row in connection.exec_driver_sql(self._select_states, (listed,)):
            state = batch.states[row[0]] = _State(*row)
            state.came_from = state.scope
        if batch.states:
            expunged: dict[int, set[str]] = {}
            for key, hash in connection.exec_driver_sql(self._select_expunged, (listed,)):
                expunged.setdefault(key, set()).add(hash)
            for key, hashes in expunged.items():
                batch.states[key].expunged = frozenset(hashes)


_TOUCH = text("UPDATE record SET modified_at = :at WHERE key = :key")
_KEY = text("SELECT key FROM node WHERE id = :id")
_BODY = text(
    "SELECT v.body FROM node AS n JOIN revision AS v ON v.record = n.key WHERE n.id = :id AND v.number = :number"
)
_WHEREABOUTS = text(
    "SELECT n.id, s.id, r.status, r.revision, r.profile FROM record AS r JOIN node AS n ON n.key = r.key"
    " JOIN scope AS s ON s.key = r.scope WHERE r.key = coalesce((SELECT kr.key FROM node AS kn"
    " JOIN record AS kr ON kr.key = kn.key WHERE kn.id = :id), (SELECT max(key) FROM record))"
)
_BODY_SHOWN = text(
    "SELECT v.body FROM node AS n JOIN record AS r ON r.key = n.key"
    " JOIN revision AS v ON v.record = r.key AND v.number = r.shown WHERE n.id = :id"
)


def _ids(entries: Sequence[Entry], refused: Mapping[int, Any]) -> set[str]:
    """Every id that what is written will name."""
    ids: set[str] = set()
    for place, entry in enumerate(entries):
        if place in refused:
            continue
        judged = entry.judged
        ids.add(judged.id)
        if judged.linked is not None and judged.breaks != "kind":
            ids.update(rows.named_by(judged.submission.kind, judged.linked))
    return ids


def _decide(batch: _Batch, place: int, entry: Entry, key: int, scopes: Mapping[str, int]) -> Outcome:
    """What becomes of an entry, given all that came before it; the batch is told what to write."""
    judged = entry.judged
    # A draft may break anything: it stays its author's draft, without mirror or links, until it is mended.
    quarantined = judged.breaks == "kind" and entry.status != "draft"
    scope = scopes[entry.scope]
    state = batch.states.get(key)
    if state is None:
        if entry.expected_revision:
            return Outcome(judged.id, "conflict", 0, None, (stale(entry.expected_revision, 0),))
        status = "quarantined" if quarantined else _sayable(entry.status)
        state = _State(key, scope, status, 0, 0, "", None, None, judged.submission.kind, new=True)
        batch.states[key] = state
        _revise(batch, place, entry, state, quarantined)
        return Outcome(judged.id, "quarantined" if quarantined else "created", 1, None, judged.findings)

    if entry.lay_in is not None and state.came_from not in (None, scopes.get(entry.lay_in)):
        return Outcome(judged.id, "refused", 0, None, (MOVED,))
    if judged.hash in state.expunged:
        return Outcome(judged.id, "refused", state.revision, None, (EXPUNGED,))
    if judged.hash == state.hash and quarantined == state.newest_is_quarantined:
        if quarantined:
            return Outcome(judged.id, "quarantined", state.revision, None, judged.findings)
        return _unchanged(batch, place, entry, state, scope)
    if entry.expected_revision is not None and entry.expected_revision != state.revision:
        return Outcome(judged.id, "conflict", state.revision, None, (stale(entry.expected_revision, state.revision),))
    if not quarantined:
        _follow(batch, place, entry, state, scope, state.revision + 1)
    _revise(batch, place, entry, state, quarantined)
    return Outcome(judged.id, "quarantined" if quarantined else "revised", state.revision, None, judged.findings)


def _unchanged(batch: _Batch, place: int, entry: Entry, state: _State, scope: int) -> Outcome:
    before = state.scope, state.status
    if _said(entry, state, scope) != before and entry.expected_revision not in (None, state.revision):
        moved_on = stale(entry.expected_revision or 0, state.revision)
        return Outcome(entry.judged.id, "conflict", state.revision, None, (moved_on,))
    _follow(batch, place, entry, state, scope, state.revision)
    moved = (state.scope, state.status) != before
    return Outcome(entry.judged.id, "revised" if moved else "unchanged", state.revision, None, entry.judged.findings)


def _said(entry: Entry, state: _State, scope: int) -> tuple[int, str]:
    """Scope and status as this submission wants them: it must name them itself, and may not undo other verbs."""
    submission = entry.judged.submission
    status = state.status
    if status == "quarantined" and (entry.judged.breaks != "kind" or entry.status == "draft"):
        status = _sayable(entry.status)
    elif submission.status is not None and status in SAYABLE:
        status = submission.status
    return (scope if submission.scope is not None else state.scope), status


def _sayable(status: str) -> str:
    """What a record that is to be shown becomes: as the submission says, else public."""
    return status if status in SAYABLE else "public"


def _follow(batch: _Batch, place: int, entry: Entry, state: _State, scope: int, revision: int) -> None:
    """Lay the record where the submission says, and show it to whom; `revision` is the one that this comes with."""
    scope, status = _said(entry, state, scope)
    if scope != state.scope:
        detail = {"from": state.scope, "to": scope, "status": state.status, LAY_IN: state.scope}
        state.scope, state.changed = scope, True
        _change(batch, place, Change(state.key, "move", revision, batch.at, batch.by, detail))
    if status != state.status:
        verb = "publish" if state.status == "quarantined" else STATUS_VERBS[status]
        detail_of_status = {"from": state.status, "to": status, LAY_IN: state.scope}
        state.status, state.changed = status, True
        _change(batch, place, Change(state.key, verb, revision, batch.at, batch.by, detail_of_status))


def _revise(batch: _Batch, place: int, entry: Entry, state: _State, quarantined: bool) -> None:
    judged = entry.judged
    submission = judged.submission
    findings = orjson.dumps([finding.document() for finding in judged.findings]).decode() if judged.findings else None
    state.revision += 1
    state.hash = judged.hash
    state.changed = True
    batch.revisions.append(
        (
            state.key,
            state.revision,
            orjson.dumps(submission.body).decode(),
            submission.as_sent,
            submission.profile,
            judged.hash,
            state.scope,
            findings,
            quarantined,
            batch.at,
            batch.by,
            batch.load,
            batch.agent,
        )
    )
    if not quarantined:
        state.shown = state.revision
        state.profile = submission.profile
        state.findings = findings
        state.shows = entry
    elif state.status == "quarantined":
        state.shown = state.revision
        state.profile = submission.profile
        state.findings = findings
    _change(batch, place, Change(state.key, "submit", state.revision, batch.at, batch.by, None))


def _change(batch: _Batch, place: int, change: Change) -> None:
    batch.positioned[place] = len(batch.changes)
    # Of a submission its revision tells it.
    batch.changes.append(change if change.verb == "submit" else done_as(batch.agent, change))


def _record_row(state: _State, entry: Entry, at: str) -> Row:
    submission = entry.judged.submission
    _, _, local_id = entry.judged.id.split("/", 2)  # in its encoded form, in which it sorts as ids do
    return (
        state.key,
        state.kind,
        submission.source,
        local_id,
        state.scope,
        state.status,
        state.revision,
        state.shown,
        state.hash,
        state.profile,
        state.findings,
        at,
        at,
    )


def _state_row(state: _State, at: str) -> Row:
    return (
        state.key,
        state.scope,
        state.status,
        state.revision,
        state.shown,
        state.hash,
        state.profile,
        state.findings,
        at,
    )


def _refusals(entry: Entry, scopes: Mapping[str, int]) -> tuple[Finding, ...]:
    """Why this entry is not even looked up."""
    judged = entry.judged
    if entry.scope not in scopes:
        return (_no_scope(entry.scope),)
    if judged.breaks != "nothing" and entry.mode == "strict":
        return judged.findings
    if judged.submission.files:
        try:
            refuse_if_wrong(judged.submission.files, judged.submission.kind)
        except Invalid as problem:
            return (Finding("/files", "files", "violation", problem.messages),)
    if judged.breaks != "kind":
        if judged.linked is None:
            raise ValueError(f"{judged.id}: passed the gate without a linked form")
        if where := rows.too_long(judged.linked, LONGEST):
            return (_too_long(where),)
    return ()


def _all_refused(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """An atomic batch of which something failed: those say why, and the rest that they went down with it."""
    return [
        outcome
        if outcome.outcome in ("conflict", "refused") and outcome.findings
        else Outcome(outcome.id, "refused", 0, None, (ATOMIC,))
        for outcome in outcomes
    ]


def stale(expected: int, revision: int) -> Finding:
    """What is said of a submission whose record has moved on."""
    return Finding(
        "",
        "revision",
        "violation",
        {
            "en": f"it was made from revision {expected}, but the record is at {revision}: read it again, then decide",
            "ja": f"リビジョン {expected} に基づく内容ですが、現在は {revision} です。読み直してから判断してください",
        },
    )


def _no_scope(scope: str) -> Finding:
    return Finding(
        "",
        "scope",
        "violation",
        {
            "en": f"there is no scope {scope!r}: make it first, or name one that is there",
            "ja": f"スコープ {scope!r} はありません。先に作成するか、既存のものを指定してください",
        },
    )


def _too_long(where: str) -> Finding:
    return Finding(
        f"/{where}",
        "length",
        "violation",
        {
            "en": f"an id, IRI or name here is longer than {LONGEST} bytes",
            "ja": f"{LONGEST} バイトを超えるID・IRI・名前があります",
        },
    )


MOVED = Finding(
    "",
    "scope/moved",
    "violation",
    {
        "en": "the record was moved or made elsewhere while this was on its way: send it again",
        "ja": "処理中にレコードが移動または作成されました。もう一度送ってください",
    },
)
EXPUNGED = Finding(
    "",
    "expunged",
    "violation",
    {
        "en": "this content was expunged and is not taken back",
        "ja": "この内容は抹消されており、再登録できません",
    },
)
ATOMIC = Finding(
    "",
    "atomic",
    "violation",
    {
        "en": "others of the same batch were refused, so nothing of it was stored",
        "ja": "同じ一括登録の中に拒否されたものがあるため、何も保存していません",
    },
)
