"""One catalogue with a record in every state and somebody in every role; each record has words that nothing else has.

What somebody should see is worked out here from the table of status and scope and the roles below, by rules of this file's own: the
catalogue's `decide` and `sight` are what is tested, so nothing here asks them.
"""

from __future__ import annotations

import copy
import functools
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import select, update

from catalog.access.epoch import turn
from catalog.assembly import Catalog, open_catalog
from catalog.questions.reader import ADMINISTRATOR, Right
from catalog.settings import read_settings
from catalog.store.tables import holder, membership, permission
from catalog.web.app import create
from tests.service.issuers.forger import Forger, forging, signed
from tests.service.matrix.asking import Asking
from tests.service.matrix.private import Private, private_in
from tests.service.matrix.words import word_of

# In the title of every record, so that one search is about them all.
COMMON: Final = "Matrixial"
FUTURE: Final = "2999-01-01T00:00:00Z"

Status = Literal["public", "suppressed", "withdrawn", "private", "draft", "quarantined"]


@dataclass(frozen=True)
class Kept:
    """A record that not everybody sees; every word of it is its own."""

    state: str
    scope: str
    status: Status = "public"
    into: str | None = None  # the state of the record that it was merged into
    # Where its first revision was written, and as what.
    was_in: str | None = None
    was: Status | None = None
    source: str = "alpha"

    @functools.cached_property
    def id(self) -> str:
        return f"dataset/{self.source}/{self.key}"

    @functools.cached_property
    def key(self) -> str:
        return word_of(f"{self.state} key")

    @functools.cached_property
    def absent(self) -> Kept:
        """One like it that never was."""
        return Kept(f"no {self.state}", self.scope, source=self.source)

    @functools.cached_property
    def word(self) -> str:
        """In its title, its text, a facet and an identifier."""
        return word_of(f"{self.state} word")

    @functools.cached_property
    def former(self) -> str:
        """In the title of its first revision."""
        return word_of(f"{self.state} former")

    @functools.cached_property
    def file(self) -> str:
        """In the path and address of its file."""
        return word_of(f"{self.state} file")

    @functools.cached_property
    def own(self) -> tuple[str, ...]:
        """Everything that names it."""
        return self.key, self.word, self.former, self.file


OPEN, TIMED, LATER, DATA = "alpha/open", "alpha/timed", "alpha/future", "alpha/data"
CLOSED, CONTROLLED, ELSEWHERE = "alpha/closed", "alpha/controlled", "gamma/closed"
# The scopes of experiments in which the roles below hold their rights, each by itself.
LEAVES: Final = (OPEN, TIMED, LATER, DATA, CLOSED, CONTROLLED)

STATES: Final[Mapping[str, Kept]] = {
    each.state: each
    for each in (
        Kept("public", OPEN),
        Kept("timed public", TIMED),
        Kept("embargoed metadata", LATER),
        Kept("embargoed data", DATA),
        Kept("limited", CLOSED),
        Kept("controlled", CONTROLLED),
        Kept("suppressed", OPEN, "suppressed"),
        Kept("withdrawn", OPEN, "withdrawn"),
        Kept("private", OPEN, "private"),
        Kept("draft", OPEN, "draft"),
        Kept("quarantined", OPEN, "quarantined"),
        Kept("merged", OPEN, into="public"),
        Kept("limited and suppressed", CLOSED, "suppressed"),
        Kept("limited and withdrawn", CLOSED, "withdrawn"),
        Kept("limited and private", CLOSED, "private"),
        Kept("limited and draft", CLOSED, "draft"),
        Kept("limited and quarantined", CLOSED, "quarantined"),
        Kept("limited and merged", CLOSED, into="public"),
        Kept("merged into what is limited", OPEN, into="limited"),
        Kept("private once", OPEN, was="private"),
        Kept("limited once", OPEN, was_in=CLOSED),
        Kept("another facility's", ELSEWHERE, source="gamma"),
    )
}
HUB: Final = "dataset/alpha/hub"
PRIVATE: Final = private_in(OPEN, CLOSED)


@dataclass(frozen=True)
class Role:
    """Who asks: in which scopes (and below them) they hold which rights, written out by hand."""

    name: str
    read: tuple[str, ...] = ()
    download: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    manage: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    everything: bool = False
    source: str | None = None

    def _holds(self, scopes: Sequence[str], scope: str) -> bool:
        return self.everything or any(scope == each or scope.startswith(f"{each}/") for each in scopes)

    def inside(self, scope: str) -> bool:
        """Whether they count as a writer there."""
        return self._holds((*self.write, *self.manage), scope)

    def reads(self, scope: str) -> bool:
        """Whether they read what is public there: what the table calls "by scope"."""
        return scope in (OPEN, TIMED, DATA, CONTROLLED) or self._holds((*self.read, *self.write, *self.manage), scope)

    def knows(self, scope: str) -> bool:
        """Whether the scope itself is told to them: by reading there, or by any other right in it."""
        return self.reads(scope) or self._holds((*self.share, *self.download), scope)

    def governs(self, scope: str) -> bool:
        """Whether they are told who holds what there."""
        return self._holds((*self.share, *self.manage), scope)

    def manages(self, scope: str) -> bool:
        """Whether they are told who held what there once."""
        return self._holds(self.manage, scope)

    def by_id(self, kept: Kept) -> Literal["shown", "gone", "moved", "absent"]:
        """What the record's own address answers: the table's first column."""
        if kept.status == "withdrawn":
            return "gone" if self.reads(kept.scope) else "absent"
        if kept.status in ("private", "draft", "quarantined"):
            return "shown" if self.inside(kept.scope) else "absent"
        if not self.reads(kept.scope):
            return "absent"
        return "moved" if kept.into is not None and self.reads(STATES[kept.into].scope) else "shown"

    def lists(self, kept: Kept, status: str = "public") -> bool:
        """Whether a list of that status has it: the table's second column."""
        if kept.status != status:
            return False
        return self.may_list(kept) and not (kept.into is not None and self.reads(STATES[kept.into].scope))

    def may_list(self, kept: Kept) -> bool:
        """The same, but for what was merged away, which an index may yet have."""
        return self.reads(kept.scope) if kept.status == "public" else self.inside(kept.scope)

    def downloads(self, kept: Kept) -> bool:
        """Whether the files and their addresses are told to them."""
        if self.by_id(kept) != "shown":
            return False
        if self._holds((*self.download, *self.write, *self.manage), kept.scope):
            return True
        return kept.scope in (OPEN, TIMED)

    def files(self, kept: Kept) -> bool:
        """Whether there are any to tell: what broke its kind was never entered with them."""
        return self.downloads(kept) and kept.status != "quarantined"

    def former(self, kept: Kept) -> bool:
        """Whether they may read its first revision: today's rights, and those of the scope it was written in."""
        if kept.status == "withdrawn" and not self.inside(kept.scope):
            return False
        was_in = kept.was_in or kept.scope
        if self.by_id(kept) == "absent" or not self.reads(was_in):
            return False
        if (kept.was or kept.status) in ("private", "draft", "quarantined"):
            return self.inside(was_in) and self.inside(kept.scope)
        return True


ROLES: Final[Mapping[str, Role]] = {
    role.name: role
    for role in (
        Role("anonymous"),
        Role("signed in"),
        Role("reader by grant", read=LEAVES),
        Role("reader by group", read=LEAVES, download=LEAVES),
        Role("reader by link", read=("alpha",), download=("alpha",)),
        Role("reader by link in a browser", read=("alpha",), download=("alpha",)),
        Role("expired"),
        Role("manager", manage=LEAVES),
        Role("part of a manager", read=(CLOSED,)),
        Role("writer", write=LEAVES),
        Role("holder of share", share=LEAVES),
        Role("manager of the scope above", manage=("alpha",)),
        Role("another facility's administrator", manage=("gamma",), write=("gamma",)),
        Role("administrator", everything=True),
        Role("administrator who signed in", everything=True),
        Role("source token", write=("alpha",), source="alpha"),
        Role("workload", read=LEAVES),
    )
}


@dataclass
class Told:
    """The catalogue as the tests have it."""

    catalog: Catalog
    asking: Asking
    carried: dict[str, dict[str, str]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    csrf: dict[str, str] = field(default_factory=dict)
    link: str = ""
    permissions: dict[str, list[str]] = field(default_factory=dict)

    def ask(self, role: str, address: str, accept: str = "application/json", **headers: str) -> Any:
        """What a role gets."""
        return self.asking.ask("GET", address, {**self.carried[role], "accept": accept, **headers})

    def send(self, role: str, method: str, address: str, document: Any, **headers: str) -> Any:
        """What a role gets who sends something as a program or a page of ours does."""
        told = {**self.carried[role], "accept": "application/json", "content-type": "application/json", **headers}
        if role in self.csrf:
            told |= {"x-csrf-token": self.csrf[role], "origin": self.catalog.base.rstrip("/")}
        return self.asking.ask(method, address, told, json.dumps(document).encode())

    def made(self, method: str, address: str, document: Any) -> Any:
        """What the administrator has done."""
        answer = self.send("administrator", method, address, document)
        assert answer.status in (200, 201), answer.text
        return answer.json()

    def catch_up(self) -> None:
        """Let the projections follow, once."""
        self.catalog.follower(alone=True).catch_up()

    def somebody(self, name: str, *, administrator: bool = False) -> str:
        """Somebody new who is signed in with a browser; their id."""
        with self.catalog.store.write() as connection:
            called = word_of(f"person {name}")
            made = self.catalog.people.create(connection, called, by="administrator", administrator=administrator)
            value = self.catalog.sessions.start(
                connection, made.key, made.id, how="test", address="127.0.0.1", agent="a test", instead_of=None
            )
        found = self.catalog.sessions.reader(value)
        assert found is not None
        self.carried[name] = {"cookie": f"musubi_session={value}"}
        self.csrf[name] = found[0].csrf
        self.people[name] = made.id
        return made.id

    def let(self, holder: str, rights: Sequence[Right], scopes: Sequence[str], until: str | None = None) -> None:
        """Grant rights; what was given is kept by who holds it."""
        for scope in scopes:
            given = self.catalog.grants.grant(scope, rights, holder, ADMINISTRATOR, until=until)
            self.permissions.setdefault(holder, []).extend(each.id for each in given)


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Filled:
    """A catalogue as it was made, closed again: a folder to be copied, and what the tests know of it."""

    folder: Path
    told: Told


@contextmanager
def filled(folder: Path) -> Iterator[Filled]:
    """The catalogue with everything in it, to be copied; the issuer of its workload is there as long as this lasts."""
    with forging() as issuer:
        with opened(folder) as told:
            fill(told)
            populate(told, issuer)
            told.catch_up()
        yield Filled(folder, told)


@contextmanager
def copied(like: Filled, folder: Path) -> Iterator[Told]:
    """A catalogue of one's own like that one."""
    shutil.copytree(like.folder, folder)
    with opened(folder) as told:
        for name in ("carried", "people", "csrf", "link", "permissions"):
            setattr(told, name, copy.deepcopy(getattr(like.told, name)))
        yield told


@contextmanager
def filled_on(database: str, folder: Path) -> Iterator[Told]:
    """The catalogue with everything in it, in a database that is a server's."""
    with forging() as issuer, opened(folder, database) as told:
        fill(told)
        populate(told, issuer)
        told.catch_up()
        yield told


@contextmanager
def opened(folder: Path, database: str | None = None) -> Iterator[Told]:
    """The catalogue in this folder, served in this process."""
    catalog = open_catalog(read_settings({}, data=str(folder), database=database))
    asking = Asking(create(catalog))
    told = Told(catalog, asking)
    told.carried |= {"anonymous": {}, "administrator": {"authorization": f"Bearer {catalog.token}"}}
    try:
        yield told
    finally:
        asking.close()
        catalog.close()


def fill(told: Told) -> None:
    """The scopes, the sources, and a record in every state."""
    for scope, set_so in (
        ("alpha", {"mode": "everyone"}),
        (OPEN, {}),
        (TIMED, {"mode": "limited"}),
        (LATER, {"metadataUntil": FUTURE}),
        (DATA, {"dataUntil": FUTURE}),
        (CLOSED, {"mode": "limited"}),
        (CONTROLLED, {"dataMode": "approval", "resource": "https://example.org/controlled"}),
        ("gamma", {"mode": "limited"}),
        (ELSEWHERE, {}),
    ):
        told.made("PUT", f"scopes/{scope}", {"title": {"en": word_of(f"scope {scope}")}, **set_so})
    told.let("everyone", ("read", "download"), (TIMED,), until=FUTURE)
    for source in ("alpha", "gamma"):
        told.made("PUT", f"sources/{source}", {"title": {"en": source.title()}, "homeScope": source})
    for number in (1, 2):
        for kept in STATES.values():
            submit(told, kept, number)
        for private in PRIVATE:
            submit_private(told, private, number)
        if number == 1:
            told.made("POST", f"scope/{STATES['limited once'].id}", {"scope": OPEN})
            for kept in STATES.values():
                if kept.status == "suppressed":
                    told.made("POST", f"suppress/{kept.id}", {})
    told.made("POST", f"publish/{STATES['private once'].id}", {})
    links = [each.id for kept in STATES.values() for each in (kept, kept.absent)]
    hub = {"title": {"en": "The hub of all"}, "derivedFrom": links}
    told.made("POST", "records", {"kind": "dataset", "source": "alpha", "localId": "hub", "scope": OPEN, "body": hub})
    for kept in STATES.values():
        if kept.into is not None:
            told.made("POST", f"merge/{kept.id}", {"into": STATES[kept.into].id})
        if kept.status == "withdrawn":
            told.made("POST", f"withdraw/{kept.id}", {"reason": f"because of {kept.word}"})


def submit(told: Told, kept: Kept, number: int) -> None:
    """Enter a revision of a record."""
    word = kept.former if number == 1 else kept.word
    body: dict[str, Any] = {
        "title": {"en": f"{COMMON} {word}", "ja": f"{word} の記録"},
        "description": {"en": f"What is told of {word}."},
        "dataTypes": [word],
        "keywords": [f"about {word}"],
        "identifiers": [{"scheme": "doi", "value": f"10.5072/{word}"}],
        "versionOf": [HUB],
        "attributes": [{"name": word, "quantity": {"value": 7, "unit": "keV"}}],
    }
    status: str = kept.was or kept.status if number == 1 else kept.status
    if status == "quarantined":
        # Breaks its kind.
        body["size"] = "large"
    said: dict[str, Any] = {
        "kind": "dataset",
        "source": kept.source,
        "localId": kept.key,
        "body": body,
    }
    if number == 1:
        file = {
            "path": f"{kept.file}.h5",
            "size": 1,
            "locations": [{"address": f"https://data.example.org/{kept.file}"}],
        }
        said |= {"scope": kept.was_in or kept.scope, "files": [file]}
        if status in ("private", "draft"):
            said["status"] = status
    outcome = told.made("POST", "records?mode=tolerant", said)
    assert outcome["outcome"] in ("created", "revised", "quarantined"), outcome


def submit_private(told: Told, private: Private, number: int) -> None:
    """Enter a revision of a record with private fields."""
    said = {"kind": private.kind, "source": "alpha", "localId": private.key, "body": private.body(number)}
    outcome = told.made("POST", "records", said | ({"scope": private.scope} if number == 1 else {}))
    assert outcome["outcome"] == ("created" if number == 1 else "revised"), outcome


def populate(told: Told, issuer: Forger) -> None:
    """Somebody in every role."""
    year = in_seconds(300 * 86_400)
    catalog = told.catalog
    for name in ("signed in", "reader by grant", "reader by group", "expired", "manager", "writer", "holder of share"):
        told.somebody(name)
    for name in ("manager of the scope above", "another facility's administrator", "of an ended group"):
        told.somebody(name)
    told.somebody("administrator who signed in", administrator=True)
    told.let(told.people["expired"], ("read", "download", "manage"), LEAVES, until=year)
    # A group in a group in a group that is in the first again.
    for group in ("first", "second", "third"):
        catalog.groups.create(group, word_of(f"group {group}"), ADMINISTRATOR)
    for group, member in (("first", "second"), ("second", "third"), ("third", "first")):
        catalog.groups.add(f"group:{group}", f"group:{member}", ADMINISTRATOR)
    catalog.groups.add("group:third", told.people["reader by group"], ADMINISTRATOR)
    catalog.groups.add("group:third", told.people["expired"], ADMINISTRATOR, until=year)
    told.let("group:first", ("read", "download"), LEAVES)
    told.let(told.people["reader by grant"], ("read",), LEAVES)
    told.let(told.people["manager"], ("manage",), LEAVES)
    told.let(told.people["writer"], ("write",), LEAVES)
    told.let(told.people["holder of share"], ("share",), LEAVES)
    told.let(told.people["manager of the scope above"], ("manage",), ("alpha",))
    told.let(told.people["another facility's administrator"], ("manage", "write"), ("gamma",))
    link = catalog.links.make("alpha", ADMINISTRATOR, "a reviewer", rights=("read", "download"), until=year)
    told.carried["reader by link"] = {"authorization": f"Bearer {link.value}"}
    other = catalog.links.make("alpha", ADMINISTRATOR, "another", rights=("read", "download"), until=year)
    told.carried["reader by link in a browser"] = {"cookie": f"musubi_link={other.value}"}
    told.link = other.what.id
    of_source = catalog.tokens.make_for_source("alpha", ADMINISTRATOR, "nightly", until=year)
    told.carried["source token"] = {"authorization": f"Bearer {of_source.value}"}
    part = [{"right": "read", "scope": CLOSED}]
    of_part = catalog.tokens.make_for(told.people["manager"], ADMINISTRATOR, "a part", until=year, part=part)
    told.carried["part of a manager"] = {"authorization": f"Bearer {of_part.value}"}
    catalog.issuers.register({"id": "machines", "address": issuer.address, "purposes": ["workloads"]}, ADMINISTRATOR)
    workload = catalog.workloads.register("machines", "robot-1", "A robot", ADMINISTRATOR)
    told.let(workload.id, ("read",), LEAVES)
    claims = issuer.claims(sub="robot-1", aud=catalog.base, exp=int(time.time()) + 3600)
    token = signed(claims, issuer.key, kid=issuer.key.kid)
    told.carried["workload"] = {"authorization": f"Bearer {token}"}
    expire(told, told.people["expired"])


def expire(told: Told, holder_id: str) -> None:
    """Let the time pass that everything somebody holds was given for."""
    past = in_seconds(-60)
    whose = select(holder.c.key).where(holder.c.id == holder_id).scalar_subquery()
    with told.catalog.store.write() as connection:
        connection.execute(update(permission).where(permission.c.holder == whose).values(until=past))
        connection.execute(update(membership).where(membership.c.member == whose).values(until=past))
        # The clock needs no epoch, but a reader is kept until the moment at which it was to change.
        turn(connection)
