"""Whether a hidden record can be told from one that never was by how long its answer takes.

For each surface 1,000 requests for hidden ids (private ones, and public ones of a limited scope) and 1,000 for ids that never
were, in pairs whose order is drawn anew, over one connection to a server that runs as `catalog serve` starts it. A line says
how far the chance that the hidden one takes longer is from one half (Mann-Whitney), in hundredths; the log says the medians,
and the two-sided p of the normal approximation. What never was is compared with itself in the same way: that is what the
machine's own unrest makes of nothing.
"""

from __future__ import annotations

import http.client
import math
import random
import shutil
import statistics
import string
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from catalog.curation.submit import submit
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.record import Submission
from tests.bench.figures import FOLDER, note, say
from tests.bench.opened import opened
from tests.bench.read import served
from tests.bench.records import SCOPE, SOURCE

DATA = FOLDER / "access-timing"
REQUESTS = 1_000
FIRST = 200
CLOSED = f"{SCOPE}-closed"

SURFACES = {
    "record": "/{id}",
    "page": "/{id}?format=html",
    "turtle": "/{id}?format=turtle",
    "revision": "/{id}?revision=1",
    "history": "/revisions/{id}",
    "links": "/links/{id}",
    "files": "/files/{id}",
    "list": "/records?id={id}&count=exact",
    "search": "/search?q={key}",
}


def main() -> None:
    """Fill a small catalogue, half of it hidden, and ask."""
    hidden = filled()
    with served(DATA) as address:
        netloc = urlsplit(address).netloc
        for name, pattern in SURFACES.items():
            one, other = timed(netloc, pattern, hidden)
            told(f"access-timing-{name}", one, other)
            if name == "record":
                told("access-timing-nothing", *timed(netloc, pattern, [key() for _ in hidden]))


def filled() -> list[str]:
    """The local ids of hidden records, beside as many that everyone may read."""
    shutil.rmtree(DATA, ignore_errors=True)
    keys = [key() for _ in range(2 * REQUESTS)]
    with opened(keep=DATA) as catalog:
        catalog.scopes.create(CLOSED, ADMINISTRATOR, mode="limited")
        for number, each in enumerate(keys):
            hidden = {0: {"status": "private"}, 2: {"scope": CLOSED}}.get(number % 4, {})
            made = Submission("sample", SOURCE, each, {"title": {"en": f"Timed {each}"}}, **hidden)  # type: ignore[arg-type]
            (outcome,) = submit([made], ADMINISTRATOR, intake=catalog.intake)
            if outcome.outcome != "created":
                raise SystemExit(f"{outcome}")
        note("the projections follow")
        catalog.follower(alone=True).catch_up()
    return keys[::2]


def key() -> str:
    """A local id, and a word, that nothing else has."""
    return "".join(random.choices(string.ascii_lowercase, k=12))


def timed(netloc: str, pattern: str, hidden: Sequence[str]) -> tuple[list[float], list[float]]:
    """Seconds that each answer took: to what is hidden, and to what never was."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    taken: tuple[list[float], list[float]] = ([], [])
    for number, each in enumerate((*hidden[:FIRST], *hidden[:REQUESTS])):
        pair = [(0, each), (1, key())]
        random.shuffle(pair)
        for which, local_id in pair:
            seconds = asked(connection, pattern.format(id=f"sample/{SOURCE}/{local_id}", key=local_id))
            if number >= FIRST:
                taken[which].append(seconds)
    connection.close()
    return taken


def asked(connection: http.client.HTTPConnection, path: str) -> float:
    """How long an answer takes."""
    began = time.perf_counter()
    connection.request("GET", path, headers={"Accept": "application/json"} if "format" not in path else {})
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - began
    if answer.status not in (200, 404):
        raise SystemExit(f"{path}: {answer.status}")
    return taken


def told(name: str, one: Sequence[float], other: Sequence[float]) -> None:
    """Say how well the one can be told from the other."""
    chance, p = mann_whitney(one, other)
    medians = statistics.median(one) * 1e6, statistics.median(other) * 1e6
    note(
        f"{name}: medians {medians[0]:.0f} and {medians[1]:.0f} µs; the first takes longer in {chance:.1%}; p = {p:.3g}"
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
    main()
