"""A catalogue with people in it, on either database, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert, text, update

from catalog.access.audit import Audit
from catalog.access.epoch import turn
from catalog.access.grants import Grants, Permission
from catalog.access.groups import Groups
from catalog.access.holders import Holder, make_holder
from catalog.access.people import People
from catalog.access.readers import Part, Readers
from catalog.access.requests import Requests
from catalog.access.scopes import Scopes
from catalog.access.sessions import Sessions
from catalog.questions.reader import ADMINISTRATOR, Reader, Right
from catalog.store.engine import Store
from catalog.store.tables import identity, issuer, local_account, person
from tests.contract.ledgers import migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
NOW = "2026-11-21T12:00:00.000000Z"


@dataclass
class House:
    """Scopes, grants, groups and requests over one store, with people by short names."""

    store: Store
    moment: str = NOW
    people: dict[str, Holder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audit = Audit(self.store, clock=self.now)
        self.scopes = Scopes(self.store, clock=self.now)
        self.grants = Grants(self.store, self.scopes, self.audit, clock=self.now)
        self.groups = Groups(self.store, self.audit, clock=self.now)
        self.readers = Readers(self.store, clock=self.now)
        self.requests = Requests(self.store, self.scopes, self.grants, self.audit, clock=self.now)
        self.scopes.create("lab", ADMINISTRATOR)
        self.scopes.create("lab/a", ADMINISTRATOR)
        self.scopes.create("other", ADMINISTRATOR)

    def now(self) -> str:
        return self.moment

    def somebody(self, name: str, *, orcid: str | None = None, login: str | None = None) -> str:
        """Somebody new; their id."""
        with self.store.write() as connection:
            made = make_holder(connection, "person", name, by="administrator", at=self.moment)
            connection.execute(insert(person), {"key": made.key, "orcid": orcid})
            if login is not None:
                row = {"person": made.key, "login": login, "password": "x", "changed_at": self.moment}
                connection.execute(insert(local_account), row)
        self.people[name] = made
        return made.id

    def end(self, name: str) -> tuple[str, ...]:
        """Shut somebody out; the scopes that this leaves without a manager of their own."""
        sessions = Sessions(self.store, self.readers, self.audit, clock=self.now)
        return People(self.store, sessions, self.audit, clock=self.now).end(self.people[name].id, ADMINISTRATOR)

    def reader(self, name: str, *part: Part) -> Reader:
        """Somebody as they ask now, or a token of theirs with a part of their rights."""
        made = self.people[name]
        return self.readers.person(made.key, made.id, part=part or None)

    def let(
        self, name: str, *rights: Right, scope: str = "lab", since: str | None = None, until: str | None = None
    ) -> tuple[Permission, ...]:
        """Give somebody, made if need be, rights in a scope."""
        id = self.people[name].id if name in self.people else self.somebody(name)
        return self.grants.grant(scope, rights, id, ADMINISTRATOR, since=since, until=until)

    def known_by(self, name: str, *, groups: tuple[str, ...] = (), visas: dict[str, str] | None = None) -> None:
        """Let the issuer `vouching` know somebody, with groups and visas."""
        told = [{"resource": resource, "until": until} for resource, until in (visas or {}).items()]
        with self.store.write() as connection:
            if connection.scalar(text("SELECT count(*) FROM issuer")) == 0:
                row = {"id": "vouching", "address": "https://vouching.example/", "document": "{}"}
                connection.execute(insert(issuer), {**row, "at": self.moment, "by": "administrator"})
            row = {
                "issuer": "vouching",
                "subject": name,
                "person": self.people[name].key,
                "name": name,
                "groups": orjson.dumps(groups).decode(),
                "visas": orjson.dumps(told).decode(),
            }
            connection.execute(insert(identity), {**row, "first_at": self.moment, "last_at": self.moment})
            turn(connection)

    def unknown(self) -> None:
        """Let the issuer vouch for nobody any more."""
        with self.store.write() as connection:
            connection.execute(update(issuer).values(ended_at=self.moment))
            turn(connection)

    def may(self, who: Reader, scope: str = "lab") -> set[Right]:
        """What somebody may in a scope."""
        found = self.scopes.find(scope, ADMINISTRATOR)
        return set(self.scopes.may(found, who))

    def acts(self) -> list[str]:
        """What was written down, in order."""
        return [line.act for line in self.audit.every(ADMINISTRATOR)]


@contextmanager
def housed(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    """A house on the database that the fixture is asked for, one of `BOTH`."""
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{folder / 'catalogue.db'}"
    opened = migrated(address)
    try:
        yield House(opened)
    finally:
        opened.close()
