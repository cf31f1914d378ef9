"""A backup holds everything as it stood at one moment, and fills an empty place with it; on both databases."""

from __future__ import annotations

import tarfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from catalog.errors import Conflict, Malformed, Misconfigured, NotFound, Unavailable
from catalog.ledger.append import Ledger
from catalog.ledger.book import Book
from catalog.ledger.verifications import Verifications
from catalog.store.engine import open_store
from catalog.upkeep.backup import backup, restore
from tests.contract.ledgers import enter, entry, kinds, links_of, mirrored, opened, rows, whole

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
A = "sample/lab/a"


@pytest.fixture(params=BOTH)
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where a catalogue is, and an empty place."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there/there.db"
        return
    server = request.getfixturevalue("postgresql_server")
    second = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {second} ENCODING 'UTF8' TEMPLATE template0".encode())
    yield request.getfixturevalue("postgresql"), f"{server}/{second}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {second} WITH (FORCE)".encode())


TABLES = (
    "setting node scope source_version profile_version record linked revision change link quantity attribute identifier"
    " file file_list location expunge_request"
).split()


def everything(ledger: Ledger) -> dict[str, list[str]]:
    """All rows of all tables that are no mirror's."""
    return {table: sorted(map(repr, rows(ledger, f'SELECT * FROM "{table}"'))) for table in TABLES}


def test_a_restored_catalogue_is_the_one_that_was_saved_and_goes_on(addresses: tuple[str, str], tmp_path: Path) -> None:
    here, there = addresses
    ledger = opened(here)
    enter(ledger, entry("a", {"title": {"en": "tab\there\nline \\N", "ja": "鉄"}, "derivedFrom": ["sample/lab/b"]}))
    enter(ledger, entry("q", {"no": 1}, breaks="kind"), entry("d", kind="dataset", files=({"path": "x", "size": 3},)))
    ledger.withdraw(A, "reason", by="x")
    asked = ledger.request_expunge("dataset/lab/d", "gone", by="x")
    ledger.expunge(asked.id, asked.code, by="y")
    heard: list[tuple[str, int, int]] = []

    told = backup(ledger.store, tmp_path / "saved.tar", lambda *step: heard.append(step))
    assert (told.position, told.database) == (ledger.last_position(), ledger.store.database.name)
    assert heard
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    saved, shown = everything(ledger), mirrored(ledger)
    enter(ledger, entry("later"))
    restore(tmp_path / "saved.tar", there, kinds())

    restored = opened(there)
    assert everything(restored) == saved
    assert mirrored(restored) == shown
    (outcome,) = enter(restored, entry("new", {"derivedFrom": ["sample/lab/brand-new"]}))
    assert outcome.position == told.position + 1
    restored.restore(A, by="x")
    assert links_of(restored, A) == {("derivedFrom", "sample/lab/b")}
    restored.put_files("dataset/lab/d", [{"path": "x", "locations": [{"address": "s3://x"}]}], by="x")
    whole(restored)
    restored.store.close()
    ledger.store.close()


def test_a_backup_is_of_one_moment_while_others_write(addresses: tuple[str, str], tmp_path: Path) -> None:
    here, there = addresses
    ledger = opened(here)
    enter(ledger, *(entry(f"s{n}") for n in range(200)))
    enough = threading.Event()

    def write() -> None:
        turn = 0
        while not enough.is_set():
            turn += 1
            enter(ledger, *(entry(f"s{n}", {"title": {"en": f"turn {turn}"}}) for n in range(200)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        told = backup(ledger.store, tmp_path / "saved.tar")
    finally:
        enough.set()
        writer.join()
    ledger.store.close()
    restore(tmp_path / "saved.tar", there, kinds())

    restored = opened(there)
    assert restored.last_position() == told.position
    assert told.position % 200 == 0
    assert len(set(mirrored(restored).values())) == (1 if told.position > 200 else 200)
    whole(restored)
    restored.store.close()


def test_a_place_that_is_not_empty_is_not_restored_to(addresses: tuple[str, str], tmp_path: Path) -> None:
    here, there = addresses
    ledger = opened(here)
    enter(ledger, entry("a"))
    backup(ledger.store, tmp_path / "saved.tar")
    with pytest.raises(Conflict, match="already"):
        backup(ledger.store, tmp_path / "saved.tar")

    with pytest.raises(Conflict, match="empty"):
        restore(tmp_path / "saved.tar", here, kinds())

    assert mirrored(ledger) == {A: "a"}
    restore(tmp_path / "saved.tar", there, kinds())
    with pytest.raises(Conflict, match="empty"):
        restore(tmp_path / "saved.tar", there, kinds())
    ledger.store.close()


def test_a_damaged_backup_restores_nothing(addresses: tuple[str, str], tmp_path: Path) -> None:
    here, there = addresses
    ledger = opened(here)
    enter(ledger, *(entry(f"s{n}") for n in range(50)))
    saved = tmp_path / "saved.tar"
    backup(ledger.store, saved)
    ledger.store.close()
    whole_text = saved.read_bytes()

    for damaged in (
        whole_text[: len(whole_text) // 2],
        whole_text.replace(b"sample/lab/s7", b"sample/lab/sX"),
        b"not a tar at all" * 100,
        b"",
    ):
        saved.write_bytes(damaged)
        with pytest.raises(Malformed, match="nothing was restored"):
            restore(saved, there, kinds())
    with pytest.raises(NotFound):
        restore(tmp_path / "none.tar", there, kinds())

    saved.write_bytes(whole_text)
    restore(saved, there, kinds())


def test_a_backup_of_a_newer_version_or_another_database_is_refused(tmp_path: Path) -> None:
    ledger = opened(f"sqlite:///{tmp_path}/here.db")
    saved = tmp_path / "saved.tar"
    backup(ledger.store, saved)
    ledger.store.close()
    with tarfile.open(saved) as tar:
        content = tar.extractfile("manifest.json")
        assert content is not None
        manifest = content.read()
    original = saved.read_bytes()

    saved.write_bytes(original.replace(manifest, manifest.replace(b'"step": "0', b'"step": "9')))
    with pytest.raises(Misconfigured, match="newer version"):
        restore(saved, f"sqlite:///{tmp_path}/there.db", kinds())

    saved.write_bytes(original.replace(manifest, manifest.replace(b'"sqlite"', b'"SQLITE"')))
    with pytest.raises(Misconfigured, match="cannot be filled"):
        restore(saved, f"sqlite:///{tmp_path}/there.db", kinds())
    assert not (tmp_path / "there.db").exists()


def test_a_backup_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    ledger = opened(f"sqlite:///{tmp_path}/here.db")
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Unavailable, match="could not be written"):
        backup(ledger.store, tmp_path / "file" / "saved.tar")
    ledger.store.close()


def test_a_restored_catalogue_knows_nothing_of_the_projections_of_the_old_place(
    addresses: tuple[str, str], tmp_path: Path
) -> None:
    here, there = addresses
    ledger = opened(here)
    enter(ledger, entry("a"))
    book = Book(ledger.store, tmp_path / "projections")
    assert book.take_lease("somebody") is not None
    book.want("search")
    Verifications(ledger.store).ask("search", repair=True)
    with ledger.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO failure (name, record, revision, position, attempts, error, first_at, last_at, next_at,"
                " waived_at, waived_by, reason)"
                " SELECT 'search', key, 1, 1, 1, 'e', '', '', '', 'then', 'somebody', 'it may be missing' FROM record"
            )
        )
    backup(ledger.store, tmp_path / "saved.tar")
    ledger.store.close()
    restore(tmp_path / "saved.tar", there, kinds())
    store = open_store(there)
    try:
        book = Book(store, tmp_path / "elsewhere")
        assert (book.rows(), book.lease()) == ([], None)
        assert Verifications(store).asked("search") is None
        assert [(each.id, each.reason) for each in book.failures()] == [(A, "it may be missing")]
        assert book.take_lease("another") is not None
    finally:
        store.close()
