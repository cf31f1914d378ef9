"""Whether what is hidden can be told from what never was by how long an answer takes.

For each surface 1,000 requests for hidden things (records that are private, or public in a limited scope; scopes; tokens,
links and sessions that have ended) and 1,000 for things that never were, in pairs whose order is drawn anew, over one
connection to a server that runs as `catalog serve` starts it. Reads are the public's; changes are tried by somebody who
may write elsewhere; a wrong password takes so long by design that 200 guesses must do. A line says how far the chance that
the first takes longer is from one half (Mann-Whitney), in hundredths; the log says the medians, and the two-sided p of the
normal approximation. What never was is compared with itself in the same way: that is what the machine's own unrest makes
of nothing.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import random
import secrets
import shutil
import statistics
import string
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from catalog.access.moments import later
from catalog.assembly import Catalog
from catalog.curation.submit import submit
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.record import Submission
from catalog.store.clock import now
from tests.bench.figures import FOLDER, note, say
from tests.bench.opened import opened
from tests.bench.read import served
from tests.bench.records import SCOPE, SOURCE

DATA = FOLDER / "access-timing"
REQUESTS = 1_000
FIRST = 200
GUESSES = 200
# Of what is dear to make there are fewer, and each is asked for again and again.
SOME = 200
LOGINS = 50
CLOSED = f"{SCOPE}-closed"
# Who tries to change what they do not see may write somewhere, as most people may who find out how.
ELSEWHERE = f"{SCOPE}-elsewhere"
LASTS = timedelta(days=7)


@dataclass(frozen=True)
class Asked:
    """A request: where `{it}` is what is hidden, or what never was."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Any = None
    statuses: tuple[int, ...] = (404,)

    def of(self, it: str) -> tuple[str, str, str | None, dict[str, str]]:
        headers = {"Accept": "application/json"} if "format" not in self.path else {}
        headers |= {name: value.replace("{it}", it) for name, value in self.headers.items()}
        body = None
        if self.document is not None:
            body = json.dumps(self.document).replace("{it}", it)
            headers["Content-Type"] = "application/json"
        return self.method, self.path.replace("{it}", it), body, headers


RECORD = f"sample/{SOURCE}/{{it}}"
READS = {
    "record": Asked(f"/{RECORD}"),
    "page": Asked(f"/{RECORD}?format=html"),
    "turtle": Asked(f"/{RECORD}?format=turtle"),
    "revision": Asked(f"/{RECORD}?revision=1"),
    "history": Asked(f"/revisions/{RECORD}"),
    "links": Asked(f"/links/{RECORD}"),
    "files": Asked(f"/files/{RECORD}"),
    "list": Asked(f"/records?id={RECORD}&count=exact", statuses=(200,)),
    "search": Asked("/search?q={it}", statuses=(200,)),
}
CHANGES = {
    "withdraw": Asked(f"/withdraw/{RECORD}", "POST", document={"reason": "x"}),
    "publish": Asked(f"/publish/{RECORD}", "POST", document={}),
    "put": Asked(f"/{RECORD}", "PUT", document={"body": {"title": {"en": "x"}}}, statuses=(403,)),
    "submit": Asked(
        "/records",
        "POST",
        document={"kind": "sample", "source": SOURCE, "localId": "{it}", "body": {"title": {"en": "x"}}},
        statuses=(403,),
    ),
}
CHANGES_OF_SCOPES = {
    "grant": Asked(f"/scopes/{CLOSED}/{{it}}/permissions", "POST", document={"holder": "everyone", "rights": ["read"]}),
    "sharing": Asked(f"/scopes/{CLOSED}/{{it}}/sharing", "POST", document={"mode": "everyone"}),
    "scope": Asked(f"/scopes/{CLOSED}/{{it}}", "PATCH", document={"mode": "everyone"}),
}
BEARER = {"Authorization": "Bearer {it}"}


@dataclass(frozen=True)
class Hidden:
    """What there is, and is told to nobody who asks."""

    records: Sequence[str]
    scopes: Sequence[str]
    tokens: Sequence[str]
    links: Sequence[str]
    sessions: Sequence[str]
    logins: Sequence[str]
    outsider: str  # the token of somebody who sees none of it


def main(only: Sequence[str]) -> None:
    """Fill a small catalogue, half of it hidden, and ask; on the command line, about which surfaces."""
    hidden = filled()
    outsider = {"Authorization": f"Bearer {hidden.outsider}"}
    with served(DATA) as address:
        netloc = urlsplit(address).netloc

        def compare(
            name: str, asked: Asked, one: Sequence[str], other: Callable[[], str], requests: int = REQUESTS
        ) -> None:
            if not only or name in only:
                told(f"access-timing-{name}", *timed(netloc, asked, one, other, requests))

        compare("nothing", READS["record"], [key() for _ in range(REQUESTS)], key)
        for name, asked in READS.items():
            compare(name, asked, hidden.records, key)
        for name, asked in CHANGES.items():
            compare(name, by(asked, outsider), hidden.records, key)
        for name, asked in CHANGES_OF_SCOPES.items():
            compare(name, by(asked, outsider), hidden.scopes, key)
        ended = Asked("/whoami", headers=BEARER, statuses=(401,))
        compare("token", ended, hidden.tokens, lambda: f"mst_{secrets.token_urlsafe(32)}")
        compare("link", ended, hidden.links, lambda: f"mlk_{secrets.token_urlsafe(32)}")
        opening = Asked("/link", "POST", document={"token": "{it}"})
        compare("link-opened", opening, hidden.links, lambda: f"mlk_{secrets.token_urlsafe(32)}")
        cookie = Asked("/whoami", headers={"Cookie": "musubi_session={it}"}, statuses=(200, 401))
        compare("session", cookie, hidden.sessions, lambda: secrets.token_urlsafe(32))
        compare("password", guess(), hidden.logins, key, GUESSES)


def by(asked: Asked, headers: Mapping[str, str]) -> Asked:
    return Asked(asked.path, asked.method, {**asked.headers, **headers}, asked.document, asked.statuses)


def guess() -> Asked:
    """A wrong password, each from an address of its own: who guesses often from one is told to wait."""
    said = {"login": "{it}", "password": "certainly not the one"}
    return Asked("/sign-in", "POST", {"X-Forwarded-For": "{address}"}, said, (401,))


def filled() -> Hidden:
    """A catalogue with hidden things, beside as many records that everyone may read."""
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True)
    # So that each guess comes from where it says.
    (DATA / "settings.toml").write_text("proxies = 1\n")
    keys = [key() for _ in range(2 * REQUESTS)]
    with opened(keep=DATA) as catalog:
        catalog.scopes.create(CLOSED, ADMINISTRATOR, mode="limited")
        catalog.scopes.create(ELSEWHERE, ADMINISTRATOR, mode="limited")
        for number, each in enumerate(keys):
            hidden = {0: {"status": "private"}, 2: {"scope": CLOSED}}.get(number % 4, {})
            made = Submission("sample", SOURCE, each, {"title": {"en": f"Timed {each}"}}, **hidden)  # type: ignore[arg-type]
            (outcome,) = submit([made], ADMINISTRATOR, intake=catalog.intake)
            if outcome.outcome != "created":
                raise SystemExit(f"{outcome}")
        scopes = [key() for _ in range(SOME)]
        for each in scopes:
            catalog.scopes.create(f"{CLOSED}/{each}", ADMINISTRATOR)
        note("accounts, tokens, links and sessions")
        told = credentials(catalog)
        note("the projections follow")
        catalog.follower(alone=True).catch_up()
    return Hidden(keys[::2], scopes, *told)


def credentials(catalog: Catalog) -> tuple[list[str], list[str], list[str], list[str], str]:
    """Tokens, links and sessions that have ended; logins; and the token of somebody who may write elsewhere."""
    until = later(now(), LASTS)
    password = secrets.token_urlsafe(16)
    logins = [key() for _ in range(LOGINS)]
    people = [catalog.accounts.add(ADMINISTRATOR, login=each, password=password, name=each) for each in logins]
    owner = people[0].id
    tokens, links = [], []
    for _ in range(SOME):
        token = catalog.tokens.make_for(owner, ADMINISTRATOR, "timed", until=until)
        catalog.tokens.end(token.what.id, ADMINISTRATOR)
        tokens.append(token.value)
        link = catalog.links.make(CLOSED, ADMINISTRATOR, "timed", rights=("read",), until=until)
        catalog.links.end(link.what.id, ADMINISTRATOR)
        links.append(link.value)
    with catalog.store.write() as connection:
        made = catalog.people.create(connection, "Timed", by="administrator")
        told: Any = {"how": "local", "address": "127.0.0.1", "agent": "", "instead_of": None}
        sessions = [catalog.sessions.start(connection, made.key, made.id, **told) for _ in range(SOME)]
        catalog.sessions.end_all(connection, made.key, made.id, by="administrator")
    catalog.grants.grant(ELSEWHERE, ("write",), owner, ADMINISTRATOR)
    outsider = catalog.tokens.make_for(owner, ADMINISTRATOR, "an outsider", until=until).value
    return tokens, links, sessions, logins, outsider


def key() -> str:
    """A name, and a word, that nothing else has."""
    return "".join(random.choices(string.ascii_lowercase, k=12))


def timed(
    netloc: str, asked: Asked, hidden: Sequence[str], absent: Callable[[], str], requests: int
) -> tuple[list[float], list[float]]:
    """Seconds that each answer took: to what is hidden, and to what never was."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    taken: tuple[list[float], list[float]] = ([], [])
    first = min(FIRST, requests // 10)
    for number in range(first + requests):
        pair = [(0, hidden[number % len(hidden)]), (1, absent())]
        random.shuffle(pair)
        for which, it in pair:
            seconds = answered(connection, asked, it)
            if number >= first:
                taken[which].append(seconds)
    connection.close()
    return taken


def answered(connection: http.client.HTTPConnection, asked: Asked, it: str) -> float:
    """How long an answer takes."""
    method, path, body, headers = asked.of(it)
    headers = {name: value.replace("{address}", _somewhere()) for name, value in headers.items()}
    began = time.perf_counter()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    taken = time.perf_counter() - began
    if answer.status not in asked.statuses:
        raise SystemExit(f"{method} {path}: {answer.status} {said[:300]!r}")
    return taken


def _somewhere() -> str:
    """An address of an IPv6 network of its own."""
    return f"2001:db8:{random.randrange(65_536):x}:{random.randrange(65_536):x}::1"


def told(name: str, one: Sequence[float], other: Sequence[float]) -> None:
    """Say how well the one can be told from the other."""
    chance, p = mann_whitney(one, other)
    medians = statistics.median(one) * 1e6, statistics.median(other) * 1e6
    busy = os.getloadavg()[0]
    note(
        f"{name}: medians {medians[0]:.0f} and {medians[1]:.0f} µs; the first takes longer in {chance:.1%}; p = {p:.3g};"
        f" {busy:.1f} processes at work on {os.cpu_count()} processors"
    )
    say(name, abs(chance - 0.5) * 100, "hundredths from chance")


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The chance that one of the first takes longer than one of the second, and the p of that being one half."""
    ranked = sorted([*((value, 0) for value in one), *((value, 1) for value in other)])
    ranks = sum(place for place, (_, which) in enumerate(ranked, 1) if which == 0)
    pairs = len(one) * len(other)
    longer = ranks - len(one) * (len(one) + 1) / 2
    spread = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    return longer / pairs, math.erfc(abs(longer - pairs / 2) / spread / math.sqrt(2))


if __name__ == "__main__":
    main(sys.argv[1:])
