"""Profiles as they were proposed and published, and the verdicts that they gave on records of older versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Connection, Row, select, text, update

from catalog.errors import Conflict, NotFound
from catalog.records.finding import Finding, finding_from
from catalog.store.clock import Clock, now
from catalog.store.engine import Store
from catalog.store.tables import node, profile_version, record, revision, verdict

LOOK_AGAIN_SECONDS = 0.5

Compiled = TypeVar("Compiled")


@dataclass(frozen=True, slots=True)
class ProfileVersion:
    """One version of a profile as it is stored. `submitted` is the JSON Schema as it came, `schema` as it is used."""

    name: str
    version: int
    kind: str
    title: Mapping[str, str]
    submitted: str
    schema: Mapping[str, Any]
    shapes: str | None
    notes: tuple[Finding, ...]
    trial: Mapping[str, Any] | None
    published_at: str | None
    at: str
    by: str

    @property
    def reference(self) -> str:
        """How a submission names it: `insdc-biosample@1`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a profile version says of a record that does not name it."""

    id: str
    profile: str
    valid: bool
    findings: tuple[Finding, ...]


class Profiles(Generic[Compiled]):
    """The profiles, compiled by whoever knows how; `find` is asked for every record, so it answers from memory."""

    def __init__(self, store: Store, compile: Callable[[ProfileVersion], Compiled], *, clock: Clock = now) -> None:
        self._store = store
        self._compile = compile
        self._clock = clock
        self._known: dict[str, ProfileVersion] = {}
        self._compiled: dict[str, Compiled] = {}
        # Proposed and published versions when we last read them, which only grow, and how long their trials are.
        self._count = (-1, -1, -1)
        self._looked = float("-inf")
        self._reading = Lock()

    def find(self, reference: str) -> Compiled | None:
        """The published version that this reference names ("name@1"), ready to judge by."""
        if monotonic() - self._looked > LOOK_AGAIN_SECONDS:
            self.refresh()
        compiled = self._compiled.get(reference)
        if compiled is None:
            stored = self._known.get(reference)
            if stored is None or stored.published_at is None:
                return None
            compiled = self._compiled[reference] = self._compile(stored)
        return compiled

    def version(self, reference: str) -> ProfileVersion | None:
        """A version as it is stored, published or only proposed."""
        self.refresh()
        return self._known.get(reference)

    def versions(self, name: str | None = None) -> tuple[ProfileVersion, ...]:
        """All versions of a profile, or of all of them, by name and the oldest first."""
        self.refresh()
        found = [each for each in self._known.values() if name in (None, each.name)]
        return tuple(sorted(found, key=lambda each: (each.name, each.version)))

    def latest(self, name: str) -> ProfileVersion | None:
        """The newest published version of a profile."""
        published = [each for each in self.versions(name) if each.published_at is not None]
        return published[-1] if published else None

    def registered(self) -> Mapping[str, Mapping[str, Any]]:
        """The schemas of all published versions by reference: what another profile's `$ref` may lead to."""
        self.refresh()
        return {each.reference: each.schema for each in self._known.values() if each.published_at is not None}

    def next_version(self, name: str) -> int:
        """The number that the next proposal of this profile will bear."""
        return max((each.version for each in self.versions(name)), default=0) + 1

    def propose(
        self,
        name: str,
        kind: str,
        *,
        version: int,
        submitted: str,
        schema: Mapping[str, Any],
        by: str,
        shapes: str | None = None,
        title: Mapping[str, str] | None = None,
        notes: Sequence[Finding] = (),
    ) -> ProfileVersion:
        """Store a version that was examined; it judges nothing before it is published."""
        with self._store.write() as connection:
            self._store.database.hold_mirrors(connection, alone=True)
            newest = connection.execute(
                select(profile_version.c.version, profile_version.c.kind)
                .where(profile_version.c.name == name)
                .order_by(profile_version.c.version.desc())
                .limit(1)
            ).one_or_none()
            if version != (newest.version if newest else 0) + 1:
                raise Conflict(
                    f"the next version of profile {name} is {(newest.version if newest else 0) + 1}, not {version}",
                    ja=f"プロファイル {name} の次の版は {(newest.version if newest else 0) + 1} です",
                    revision=newest.version if newest else 0,
                )
            if newest is not None and newest.kind != kind:
                raise Conflict(
                    f"profile {name} is for the kind {newest.kind}, not {kind}: give the new one another name",
                    ja=f"プロファイル {name} は種別 {newest.kind} のものです。別の名前にしてください",
                )
            connection.execute(
                profile_version.insert().values(
                    name=name,
                    version=version,
                    kind=kind,
                    title=_json(dict(title or {})),
                    submitted=submitted,
                    schema=_json(schema),
                    shapes=shapes,
                    notes=_json([note.document() for note in notes]),
                    at=self._clock(),
                    by=by,
                )
            )
        return self._get(f"{name}@{version}")

    def note_trial(self, reference: str, trial: Mapping[str, Any]) -> None:
        """Keep beside a proposal what the records of older versions would break."""
        stored = self._get(reference)
        with self._store.write() as connection:
            connection.execute(
                update(profile_version)
                .where(profile_version.c.name == stored.name, profile_version.c.version == stored.version)
                .values(trial=_json(trial))
            )
        self._forget()

    def publish(self, reference: str, *, by: str) -> ProfileVersion:
        """Let a proposed version judge from now on; there is no way back, only a next version."""
        stored = self._get(reference)
        with self._store.write() as connection:
            changed = connection.execute(
                update(profile_version)
                .where(
                    profile_version.c.name == stored.name,
                    profile_version.c.version == stored.version,
                    profile_version.c.published_at.is_(None),
                )
                .values(published_at=self._clock())
            )
            if changed.rowcount == 0:
                raise Conflict(
                    f"profile {reference} is published already", ja=f"プロファイル {reference} はすでに公開されています"
                )
        return self._get(reference)

    def give_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Keep what a version says of records that do not name it, in place of what it said of them before."""
        at = self._clock()
        with self._store.write() as connection:
            ids = sorted({each.id for each in verdicts})
            keys = _keys(self._store, connection, ids)
            by_profile: dict[str, list[int]] = {}
            for each in verdicts:
                by_profile.setdefault(each.profile, []).append(keys[each.id])
            for profile, of_profile in by_profile.items():
                connection.exec_driver_sql(
                    f"DELETE FROM verdict WHERE profile = {self._store.database.mark}"
                    f" AND {self._store.database.among('record')}",
                    (profile, self._store.database.listed(of_profile)),
                )
            self._store.database.insert(
                connection,
                "verdict",
                ("record", "profile", "valid", "findings", "at"),
                [
                    (keys[each.id], each.profile, each.valid, _json([f.document() for f in each.findings]), at)
                    for each in verdicts
                ],
            )

    def verdicts(self, id: str) -> tuple[Verdict, ...]:
        """What versions that a record does not name say of it, by profile."""
        with self._store.read() as connection:
            rows = connection.execute(
                select(verdict.c.profile, verdict.c.valid, verdict.c.findings)
                .join(node, node.c.key == verdict.c.record)
                .where(node.c.id == id)
                .order_by(verdict.c.profile)
            )
            return tuple(
                Verdict(id, profile, bool(valid), tuple(finding_from(each) for each in orjson.loads(findings)))
                for profile, valid, findings in rows
            )

    def bodies_of(self, references: Sequence[str], *, slice: int = 500) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        """The shown contents of all records that name one of these versions, as (id, body), in slices."""
        after = 0
        while True:
            with self._store.read() as connection:
                rows = connection.execute(
                    select(record.c.key, node.c.id, revision.c.body)
                    .join(node, node.c.key == record.c.key)
                    .join(revision, (revision.c.record == record.c.key) & (revision.c.number == record.c.shown))
                    .where(record.c.key > after, revision.c.profile.in_(references), revision.c.expunged.is_(None))
                    .order_by(record.c.key)
                    .limit(slice)
                ).fetchall()
            if not rows:
                return
            yield [(id, orjson.loads(body)) for _, id, body in rows]
            after = rows[-1][0]

    def refresh(self) -> None:
        """Read again if anybody has proposed or published anything since."""
        with self._reading, self._store.read() as connection:
            asked = "SELECT count(*), count(published_at), coalesce(sum(length(trial)), 0) FROM profile_version"
            row = connection.execute(text(asked)).one()
            if (count := (int(row[0]), int(row[1]), int(row[2]))) != self._count:
                rows = connection.execute(select(profile_version))
                self._known = {each.reference: each for each in map(_read, rows)}
                self._count = count
            self._looked = monotonic()

    def _get(self, reference: str) -> ProfileVersion:
        if (found := self.version(reference)) is None:
            raise NotFound(f"there is no profile {reference}", ja=f"プロファイル {reference} はありません")
        return found

    def _forget(self) -> None:
        self._count = (-1, -1, -1)


def _keys(store: Store, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    among = f"SELECT id, key FROM node WHERE {store.database.among('id')}"
    return {id: int(key) for id, key in connection.exec_driver_sql(among, (store.database.listed(ids),))}


def _read(row: Row[Any]) -> ProfileVersion:
    return ProfileVersion(
        row.name,
        row.version,
        row.kind,
        orjson.loads(row.title),
        row.submitted,
        orjson.loads(row.schema),
        row.shapes,
        tuple(finding_from(each) for each in orjson.loads(row.notes)),
        orjson.loads(row.trial) if row.trial else None,
        row.published_at,
        row.at,
        row.by,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
