"""Whatever is done to a ledger, in whatever order and with whatever crashes, it says what a plain model says."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from catalog.errors import Conflict, NotFound
from catalog.ledger.append import Ledger
from tests.contract.ledgers import SCOPES, enter, entry, links_of, mirrored, opened, rows, whole

NAMES = ("a", "b", "c", "d")
names = st.sampled_from(NAMES)
titles = st.sampled_from(("one", "two", "three"))


def id_of(name: str) -> str:
    return f"sample/lab/{name}"


@dataclass
class Plain:
    """A record as a child would keep it."""

    contents: list[tuple[str, bool] | None]  # title and whether it is broken, by revision; None: expunged
    shown: int
    status: str
    scope: str
    before_withdrawal: str = ""
    merged_into: str | None = None
    has_form: bool = True
    gone: set[tuple[str, bool]] = field(default_factory=set)

    @property
    def newest(self) -> tuple[str, bool] | None:
        return self.contents[-1]


def body(title: str) -> dict[str, Any]:
    return {"title": {"en": title}, "derivedFrom": [id_of(title)]}


class LedgerMachine(RuleBasedStateMachine):
    """Random verbs against a ledger and against the model."""

    address: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Plain] = {}
        self.changes = 0
        self.ledger: Ledger

    @initialize()
    def open(self) -> None:
        self.ledger = opened(self.fresh())

    def fresh(self) -> str:
        raise NotImplementedError

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            whole(self.ledger)
            self.ledger.store.close()

    @rule(name=names, title=titles, broken=st.booleans(), lag=st.sampled_from((None, 0, 1)))
    def submit(self, name: str, title: str, broken: bool, lag: int | None) -> None:
        record = self.model.get(name)
        expected = None if record is None or lag is None else len(record.contents) - lag
        content = (title, broken)
        (outcome,) = enter(
            self.ledger, entry(name, body(title), breaks="kind" if broken else "nothing", revision=expected)
        )
        if record is None:
            assert outcome.outcome == ("quarantined" if broken else "created")
            self.model[name] = Plain([content], 1, "quarantined" if broken else "public", "lab", has_form=not broken)
            self.changes += 1
            return
        in_quarantine = record.status == "quarantined" or record.shown != len(record.contents)
        if title in {text for text, _ in record.gone}:
            assert outcome.outcome == "refused"
        elif record.newest is not None and record.newest[0] == title and in_quarantine == broken:
            assert outcome.outcome == ("quarantined" if broken else "unchanged")
        elif expected is not None and expected != len(record.contents):
            assert outcome.outcome == "conflict"
        else:
            assert outcome.outcome == ("quarantined" if broken else "revised")
            record.contents.append(content)
            self.changes += 1
            if not broken:
                if record.status == "quarantined":
                    record.status = "public"
                    self.changes += 1
                record.shown, record.has_form = len(record.contents), True
            elif record.status == "quarantined":
                record.shown = len(record.contents)
        assert outcome.revision == len(record.contents)

    @rule(name=names, verb=st.sampled_from(("publish", "suppress", "hide")))
    def change_status(self, name: str, verb: Any) -> None:
        record = self.model.get(name)
        becomes = {"publish": "public", "suppress": "suppressed", "hide": "private"}[verb]
        if record is None:
            with pytest.raises(NotFound):
                self.ledger.change_status(id_of(name), verb, by="x")
        elif record.status == becomes:
            assert self.ledger.change_status(id_of(name), verb, by="x") is None
        elif record.status in ("withdrawn", "quarantined"):
            with pytest.raises(Conflict):
                self.ledger.change_status(id_of(name), verb, by="x")
        else:
            self.ledger.change_status(id_of(name), verb, by="x")
            record.status = becomes
            self.changes += 1

    @rule(name=names)
    def withdraw(self, name: str) -> None:
        record = self.model.get(name)
        if record is None:
            with pytest.raises(NotFound):
                self.ledger.withdraw(id_of(name), "so", by="x")
        elif record.status == "withdrawn":
            with pytest.raises(Conflict):
                self.ledger.withdraw(id_of(name), "so", by="x")
        else:
            self.ledger.withdraw(id_of(name), "so", by="x")
            record.before_withdrawal, record.status = record.status, "withdrawn"
            self.changes += 1

    @rule(name=names)
    def restore(self, name: str) -> None:
        record = self.model.get(name)
        if record is None:
            return
        becomes = record.before_withdrawal
        if becomes == "quarantined" and record.has_form:
            becomes = "private"
        if record.status != "withdrawn" or (not record.has_form and becomes != "quarantined"):
            with pytest.raises(Conflict):
                self.ledger.restore(id_of(name), by="x")
            return
        self.ledger.restore(id_of(name), by="x")
        record.status = becomes
        self.changes += 1

    @rule(name=names, scope=st.sampled_from(SCOPES))
    def move(self, name: str, scope: str) -> None:
        if (record := self.model.get(name)) is None:
            return
        moved = self.ledger.move(id_of(name), scope, by="x")
        assert (moved is None) == (record.scope == scope)
        self.changes += moved is not None
        record.scope = scope

    @rule(name=names, into=names)
    def merge(self, name: str, into: str) -> None:
        record = self.model.get(name)
        if record is None or into not in self.model or name == into:
            return
        if record.merged_into == into:
            assert self.ledger.merge(id_of(name), id_of(into), by="x") is None
            return
        step: str | None = into
        while step is not None and step != name:
            step = self.model[step].merged_into
        if record.merged_into is not None or step == name:
            with pytest.raises(Conflict):
                self.ledger.merge(id_of(name), id_of(into), by="x")
            return
        self.ledger.merge(id_of(name), id_of(into), by="x")
        record.merged_into = into
        self.changes += 2

    @rule(name=names)
    def unmerge(self, name: str) -> None:
        if (record := self.model.get(name)) is None:
            return
        if record.merged_into is None:
            with pytest.raises(Conflict):
                self.ledger.unmerge(id_of(name), by="x")
            return
        self.ledger.unmerge(id_of(name), by="x")
        record.merged_into = None
        self.changes += 1

    @rule(name=names, number=st.sampled_from((None, 1, 2)))
    def expunge(self, name: str, number: int | None) -> None:
        record = self.model.get(name)
        if record is None or (
            number is not None and (number > len(record.contents) or not record.contents[number - 1])
        ):
            return
        asked = self.ledger.request_expunge(id_of(name), "court", by="x", number=number)
        self.ledger.expunge(asked.id, asked.code, by="y")
        chosen = record.contents[number - 1] if number is not None else None
        for place, content in enumerate(record.contents):
            # Broken or not is the gate's verdict and no part of the content.
            if content is not None and (number is None or (chosen is not None and content[0] == chosen[0])):
                record.gone.add(content)
                record.contents[place] = None
        if record.contents[record.shown - 1] is None:
            if record.status != "withdrawn":
                record.before_withdrawal, record.status = record.status, "withdrawn"
            record.has_form = False
        self.changes += 1

    @rule()
    def crash(self) -> None:
        """What was acknowledged must be there for whoever opens the database next."""
        address = self.current
        self.ledger.store.close()
        self.ledger = opened(address)

    @property
    def current(self) -> str:
        raise NotImplementedError

    @invariant()
    def it_says_what_the_model_says(self) -> None:
        if not hasattr(self, "ledger"):
            return
        told = rows(
            self.ledger,
            "SELECT n.id, r.status, s.id, r.revision, r.shown, m.id FROM record AS r JOIN node AS n ON n.key = r.key"
            " JOIN scope AS s ON s.key = r.scope LEFT JOIN node AS m ON m.key = r.merged_into",
        )
        assert {row[0]: row[1:] for row in told} == {
            id_of(name): (
                record.status,
                record.scope,
                len(record.contents),
                record.shown,
                id_of(record.merged_into) if record.merged_into else None,
            )
            for name, record in self.model.items()
        }
        shown = {
            id_of(name): content[0]
            for name, record in self.model.items()
            if record.has_form and (content := record.contents[record.shown - 1])
        }
        assert mirrored(self.ledger) == shown
        for name, record in self.model.items():
            title = shown.get(id_of(name))
            assert links_of(self.ledger, id_of(name)) == ({("derivedFrom", id_of(title))} if title else set())
            for number, content in enumerate(record.contents, 1):
                assert self.ledger.body(id_of(name), number) == (body(content[0]) if content else None)
        assert self.ledger.last_position() == self.changes


# About ten seconds on either database.
QUICK = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def test_a_ledger_on_sqlite_is_its_model(tmp_path: Path) -> None:
    class OnSqlite(LedgerMachine):
        def fresh(self) -> str:
            self.path = Path(tempfile.mkdtemp(dir=tmp_path)) / "catalogue.db"
            return self.current

        @property
        def current(self) -> str:
            return f"sqlite:///{self.path}"

    run_state_machine_as_test(OnSqlite, settings=QUICK)


@pytest.mark.service
def test_a_ledger_on_postgresql_is_its_model(postgresql_server: str) -> None:
    class OnPostgresql(LedgerMachine):
        name = ""

        def fresh(self) -> str:
            self.name = f"test_{uuid.uuid4().hex[:12]}"
            with administrator(postgresql_server) as connection:
                connection.execute(f"CREATE DATABASE {self.name} ENCODING 'UTF8' TEMPLATE template0".encode())
            return self.current

        @property
        def current(self) -> str:
            return f"{postgresql_server}/{self.name}"

        def teardown(self) -> None:
            super().teardown()
            if self.name:
                with administrator(postgresql_server) as connection:
                    connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)".encode())

    run_state_machine_as_test(OnPostgresql, settings=QUICK)


@contextmanager
def administrator(server: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        yield connection
