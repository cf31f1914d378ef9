"""Milliseconds from sending one record by HTTP until search and SPARQL both find it, on a server with 20,000 records."""

from __future__ import annotations

import json
import statistics
import time
import urllib.parse
import urllib.request
from typing import Any

from catalog.settings import read_settings
from tests.bench.figures import say
from tests.bench.read import served
from tests.bench.settled import filled

FIRST = 20
TIMES = 100
LOOK_SECONDS = 0.004
LONGEST_SECONDS = 30.0


def main() -> None:
    """Submit, and look until it is found; then submit, and have a search wait for it."""
    data = filled()
    token = read_settings(data=data).token_file.read_text().strip()
    found: list[float] = []
    waited: list[float] = []
    with served(data) as address:
        # The first ones start what runs once in a server's life.
        for number in range(FIRST + TIMES):
            found.append(seconds_until_found(address, token, f"found-{time.time_ns()}-{number}"))
            waited.append(seconds_waited(address, token, f"waited-{time.time_ns()}-{number}"))
    say("submit-p50", percentile(found[FIRST:], 50) * 1000, "ms")
    say("submit-p95", percentile(found[FIRST:], 95) * 1000, "ms")
    say("submit-wait-p95", percentile(waited[FIRST:], 95) * 1000, "ms")


def seconds_until_found(address: str, token: str, local_id: str) -> float:
    """How long it takes until search and SPARQL both find it, by looking again and again."""
    id, _, began = submitted(address, token, local_id)
    end = time.monotonic() + LONGEST_SECONDS
    for found in (found_by_search, found_by_sparql):
        while not found(address, id):
            if time.monotonic() > end:
                raise SystemExit(f"{id}: not found after {LONGEST_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
    return time.perf_counter() - began


def seconds_waited(address: str, token: str, local_id: str) -> float:
    """How long it takes when the search is told which position to wait for."""
    id, position, began = submitted(address, token, local_id)
    path = f"/search?q={urllib.parse.quote(id)}&waitFor={urllib.parse.quote(position)}"
    if not found_in(got(address, path), id):
        raise SystemExit(f"{id}: waited for, and not found")
    return time.perf_counter() - began


def percentile(values: list[float], of: int) -> float:
    """The value that so many of a hundred don't exceed."""
    return statistics.quantiles(values, n=100)[of - 1]


def submitted(address: str, token: str, local_id: str) -> tuple[str, str, float]:
    """Send a sample; its id, the position that was answered, and when it was sent."""
    record = {
        "kind": "sample",
        "source": "bench",
        "localId": local_id,
        "body": {"title": {"en": f"Sample {local_id}"}, "projects": ["project/bench/p-0000"]},
    }
    request = urllib.request.Request(
        f"{address}/records",
        json.dumps(record).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
        told = json.load(answer)
    return f"sample/bench/{local_id}", str(told["position"]), began


def found_by_search(address: str, id: str) -> bool:
    """Whether search finds the record."""
    return found_in(got(address, f"/search?q={urllib.parse.quote(id)}"), id)


def found_in(page: Any, id: str) -> bool:
    """Whether a page of hits has the record."""
    return any(hit["id"] == id for hit in page["hits"])


def found_by_sparql(address: str, id: str) -> bool:
    """Whether the graph has the record."""
    query = urllib.parse.quote(f"ASK {{ <{id}> ?p ?o }}")
    return bool(got(address, f"/sparql?query={query}")["boolean"])


def got(address: str, path: str) -> Any:
    """The JSON that is answered."""
    request = urllib.request.Request(
        address + path, headers={"Accept": "application/sparql-results+json, application/json"}
    )
    with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
