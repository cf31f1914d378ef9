"""Sources as they were registered: every version is kept, none is edited in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from threading import Lock
from time import monotonic
from typing import Any

import orjson
from sqlalchemy import Connection, text

from catalog.errors import Conflict, NotFound
from catalog.ledger.pen import scope_key
from catalog.records.identifiers import check_source_name
from catalog.records.record import Source
from catalog.store.clock import Clock, now
from catalog.store.engine import Store

# How long another process's registration may stay unseen; what this process registers is seen at once.
LOOK_AGAIN_SECONDS = 0.5


class Sources:
    """The sources in their newest versions. `find` is asked for every record, so it answers from memory."""

    def __init__(self, store: Store, *, clock: Clock = now) -> None:
        self._store = store
        self._clock = clock
        self._known: Mapping[str, Source] = {}
        self._prefixes: Mapping[str, frozenset[str]] = {}
        self._versions = -1  # how many there were when we last read them; it only grows
        self._looked = float("-inf")
        self._reading = Lock()

    def find(self, id: str) -> Source | None:
        """The newest version of a source."""
        if monotonic() - self._looked > LOOK_AGAIN_SECONDS:
            self.refresh()
        return self._known.get(id)

    def names(self) -> tuple[str, ...]:
        """The ids of all sources, in order."""
        self.refresh()
        return tuple(sorted(self._known))

    def all(self) -> tuple[Source, ...]:
        """All sources in their newest versions, by id."""
        self.refresh()
        return tuple(self._known[id] for id in sorted(self._known))

    def prefixes(self) -> Mapping[str, frozenset[str]]:
        """What each prefix that some source declares stands for; to several sources it may be several things."""
        if monotonic() - self._looked > LOOK_AGAIN_SECONDS:
            self.refresh()
        return self._prefixes

    def versions(self, id: str) -> tuple[Source, ...]:
        """Every version of a source, the oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                text("SELECT document FROM source_version WHERE source = :id ORDER BY version"), {"id": id}
            )
            return tuple(_read(document) for (document,) in rows)

    def register(self, source: Source, *, by: str, expected_version: int | None = None) -> Source:
        """Register a source, or a new version of one; what is registered as it stands already stays as it is.

        The version in `source` is not looked at; `expected_version` is the one that the change was made from (0: none).
        """
        check_source_name(source.id)
        with self._store.write() as connection:
            self._store.database.hold_mirrors(connection, alone=True)  # registrations are rare: one at a time
            scope_key(connection, source.home_scope)
            before = _newest(connection, source.id)
            version = before.version if before else 0
            if expected_version is not None and expected_version != version:
                raise Conflict(
                    f"source {source.id} is at version {version}, not {expected_version}: read it again, then decide",
                    ja=f"登録元 {source.id} の現在の版は {version} です。読み直してから判断してください",
                    revision=version,
                )
            document = _document(source, version)
            if before is not None and document == _document(before, version):
                return before
            document["version"] = version + 1
            values = {
                "id": source.id,
                "version": version + 1,
                "document": orjson.dumps(document).decode(),
                "at": self._clock(),
                "by": by,
            }
            if before is None:
                connection.execute(text("INSERT INTO source (id, version) VALUES (:id, :version)"), values)
            else:
                connection.execute(text("UPDATE source SET version = :version WHERE id = :id"), values)
            connection.execute(
                text(
                    'INSERT INTO source_version (source, version, document, at, "by")'
                    " VALUES (:id, :version, :document, :at, :by)"
                ),
                values,
            )
        self.refresh()
        return self._known[source.id]

    def get(self, id: str) -> Source:
        """The newest version of a source; NotFound if it was never registered."""
        if (found := self.find(id)) is None:
            raise NotFound(f"no source {id!r} is registered", ja=f"登録元 {id!r} は登録されていません")
        return found

    def refresh(self) -> None:
        """Read again if anybody has registered anything since."""
        with self._reading, self._store.read() as connection:
            versions = int(connection.scalar(text("SELECT count(*) FROM source_version")) or 0)
            if versions != self._versions:
                rows = connection.execute(
                    text(
                        "SELECT v.document FROM source AS s"
                        " JOIN source_version AS v ON v.source = s.id AND v.version = s.version"
                    )
                )
                self._known = {source.id: source for source in (_read(document) for (document,) in rows)}
                self._prefixes = _prefixes_of(self._known.values())
                self._versions = versions
            self._looked = monotonic()


def _newest(connection: Connection, id: str) -> Source | None:
    document = connection.scalar(
        text(
            "SELECT v.document FROM source AS s"
            " JOIN source_version AS v ON v.source = s.id AND v.version = s.version WHERE s.id = :id"
        ),
        {"id": id},
    )
    return _read(document) if document is not None else None


def _prefixes_of(sources: Iterable[Source]) -> dict[str, frozenset[str]]:
    made: dict[str, frozenset[str]] = {}
    for source in sources:
        for prefix, iri in source.prefixes.items():
            made[prefix] = made.get(prefix, frozenset()) | {iri}
    return made


def _document(source: Source, version: int) -> dict[str, Any]:
    return {**asdict(source), "version": version}


def _read(document: str) -> Source:
    return Source(**orjson.loads(document))
