"""Ledgers to test with, on either database, and submissions with a verdict made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import orjson
from sqlalchemy import text

from catalog.ledger.append import Entry, Ledger, Outcome
from catalog.ledger.mirror import mirror_view
from catalog.ledger.sources import Sources
from catalog.records.canonical import content_hash
from catalog.records.finding import Breaks, Finding
from catalog.records.identifiers import record_id
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.linked import Linked, link_up
from catalog.records.record import Mode, Source, Submission
from catalog.store.engine import Store, open_store

SCOPES = ("lab", "lab/2026A1", "company")
WRONG = Finding("/title", "schema/required", "violation", {"en": "there is no title", "ja": "titleがありません"})
DOUBTFUL = Finding("/attributes", "profile", "violation", {"en": "not so", "ja": "違います"}, breaks="profile")


@cache
def kinds() -> Kinds:
    """The shipped kinds."""
    return load_kinds()


@dataclass(frozen=True)
class Judged:
    """A submission with the verdict that a test wants."""

    submission: Submission
    id: str
    hash: str
    linked: Linked | None
    findings: tuple[Finding, ...]
    breaks: Breaks


def judged(
    local_id: str,
    body: Mapping[str, Any] | None = None,
    *,
    kind: str = "sample",
    breaks: Breaks = "nothing",
    scope: str | None = None,
    status: Literal["public", "private", "draft"] | None = None,
    profile: str | None = None,
    files: tuple[Mapping[str, Any], ...] = (),
) -> Judged:
    """A verdict on a submission of the source `lab`."""
    body = {"title": {"en": local_id}} if body is None else body
    submission = Submission(kind, "lab", local_id, body, profile, scope, status, None, files)
    id = record_id(kind, "lab", local_id)
    findings = {"nothing": (), "profile": (DOUBTFUL,), "kind": (WRONG,)}[breaks]
    linked = link_up(kinds()[kind], id, body, {}) if breaks != "kind" else None
    return Judged(submission, id, content_hash(submission), linked, findings, breaks)


def entry(
    local_id: str,
    body: Mapping[str, Any] | None = None,
    *,
    into: str = "lab",
    becomes: str = "public",
    revision: int | None = None,
    mode: Mode = "tolerant",
    **told: Any,
) -> Entry:
    """An entry with that verdict."""
    return Entry(
        judged(local_id, body, **told), told.get("scope") or into, told.get("status") or becomes, revision, mode
    )


def enter(ledger: Ledger, *entries: Entry, atomic: bool = False) -> list[Outcome]:
    """Append by somebody."""
    return ledger.append(entries, by="tester", atomic=atomic)


def migrated(address: str) -> Store:
    """A store with all tables; a new one of SQLite is a copy of one that was migrated, which takes a tenth of the time."""
    _begin(address, _tables)
    store = open_store(address)
    store.migrate()
    return store


def opened(address: str, *, some_kinds: Kinds | None = None) -> Ledger:
    """A ledger over this database, with a few scopes and a source."""
    if some_kinds is None:
        _begin(address, _ledger)
    return _ledger_over(migrated(address), some_kinds or kinds())


def _ledger_over(store: Store, some_kinds: Kinds) -> Ledger:
    with store.write() as connection:
        for place, scope in enumerate(SCOPES, 1):
            connection.execute(
                text("INSERT INTO scope (key, id, level) VALUES (:key, :id, 1) ON CONFLICT DO NOTHING"),
                {"key": place, "id": scope},
            )
    Sources(store).register(Source("lab", 0, {"en": "A laboratory"}, SCOPES[0]), by="tester")
    ledger = Ledger(store, some_kinds)
    ledger.mirrors.prepare()
    return ledger


def _begin(address: str, like: Callable[[], bytes]) -> None:
    path = Path(address.removeprefix("sqlite:///"))
    if address.startswith("sqlite:///") and not path.exists():
        path.write_bytes(like())


@cache
def _tables() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tables.db"
        store = open_store(f"sqlite:///{path}")
        store.migrate()
        store.close()
        return path.read_bytes()


@cache
def _ledger() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        _ledger_over(migrated(f"sqlite:///{path}"), kinds()).store.close()
        return path.read_bytes()


def rows(ledger: Ledger, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What the database says."""
    with ledger.store.read() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def one(ledger: Ledger, statement: str, **values: Any) -> Any:
    """The one value that the database says."""
    ((value,),) = rows(ledger, statement, **values)
    return value


def status_of(ledger: Ledger, id: str) -> str:
    known = ledger.known([id])
    return known[id].status


def mirrored(ledger: Ledger, kind: str = "sample") -> dict[str, str | None]:
    """The English titles in a kind's mirror, by id."""
    return dict(
        rows(ledger, f"SELECT n.id, m.title_en FROM {mirror_view(kind)} AS m JOIN node AS n ON n.key = m.record")
    )


def links_of(ledger: Ledger, id: str) -> set[tuple[str, str]]:
    """Field and target of a record's links."""
    return set(
        rows(
            ledger,
            "SELECT l.field, t.id FROM link AS l JOIN node AS n ON n.key = l.record JOIN node AS t ON t.key = l.target"
            " WHERE n.id = :id",
            id=id,
        )
    )


def whole(ledger: Ledger) -> None:
    """Assert what must hold of any ledger, whatever was done to it."""
    for kind in kinds():
        assert one(ledger, f"SELECT count(*) FROM {mirror_view(kind)}") == one(
            ledger,
            "SELECT count(*) FROM linked AS l JOIN record AS r ON r.key = l.record WHERE r.kind = :kind",
            kind=kind,
        )
    for table in ("link", "quantity", "attribute", "identifier", "term_use"):
        lost = f"SELECT count(*) FROM {table} AS t LEFT JOIN linked AS l ON l.record = t.record WHERE l.record IS NULL"
        assert one(ledger, lost) == 0
    assert one(ledger, "SELECT count(*) FROM record AS r LEFT JOIN linked AS l ON l.record = r.key"
               " WHERE l.record IS NULL AND r.status NOT IN ('quarantined', 'draft', 'withdrawn')") == 0  # fmt: skip
    assert rows(ledger, "SELECT record FROM revision GROUP BY record HAVING max(number) <> count(*)") == []
    positions = [position for (position,) in rows(ledger, "SELECT position FROM change ORDER BY position")]
    assert positions == list(range(1, len(positions) + 1))
    for document, title in rows(
        ledger,
        f"SELECT l.document, m.title_en FROM linked AS l JOIN {mirror_view('sample')} AS m ON m.record = l.record",
    ):
        assert orjson.loads(document).get("title", {}).get("en") == title
