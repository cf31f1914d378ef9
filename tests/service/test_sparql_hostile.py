"""A hundred hostile queries at once, and everything else goes on answering."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import Served, prepare, start, stop
from tests.service.projecting import until

SETTINGS = (
    'sparql_seconds = 3\nsparql_longest = 60\nsparql_memory = "256 MiB"\nsparql_rows = 1000\nsparql_answer = "1 MiB"\n'
)
RECORD = {"kind": "sample", "source": "lab", "body": {"title": {"en": "Held"}}}
HOSTILE = (
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o . ?p ?q ?r }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l } ORDER BY ?l ?i ?f ?c",
    "SELECT (COUNT(*) AS ?x) { ?a (!<a:b>|^!<a:b>)* ?b . ?c (!<a:b>|^!<a:b>)* ?d . ?e (!<a:b>|^!<a:b>)* ?f }",
    "SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f), STR(?i))) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
    "SELECT * " + "{" * 20_000 + "}" * 20_000,
)


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("beset") / "data"
    data.mkdir(mode=0o700)
    (data / "settings.toml").write_text(SETTINGS)
    running = start(data)
    try:
        prepare(running)
        with running.client(**running.as_administrator) as client:
            position = "0"
            for number in range(40):
                made = client.post("records", json={**RECORD, "localId": f"s-{number}"})
                position = made.json()["position"]
            ready = client.get("sparql", params={"query": "ASK {}", "waitFor": position, "waitSeconds": 30})
            assert ready.status_code == 200, ready.text
        yield running
    finally:
        stop(running)


def test_bounds_are_those_of_the_settings_and_told_as_problems(beset: Served) -> None:
    with beset.client() as client:
        told = {}
        for name, query in {
            "seconds": HOSTILE[0],
            "memory": HOSTILE[1].replace("} ORDER", ". ?s ?t ?u . ?v ?w ?x } ORDER"),
            "rows": "SELECT * { ?a ?b ?c . ?d ?e ?f }",
            "levels": HOSTILE[4] + "{" * 100_000,
        }.items():
            answer = client.post("sparql", data={"query": query})
            assert answer.status_code == 422, answer.text
            assert answer.json()["type"].endswith("/too-costly")
            told[name] = answer.json()["detail"]
        assert "3 seconds" in told["seconds"]
        assert "256 MiB" in told["memory"] or "3 seconds" in told["memory"]
        assert "1,000 rows" in told["rows"]
        assert "levels" in told["levels"]
        longer = client.post("sparql", data={"query": HOSTILE[0], "timeout": "4.5"})
        assert longer.status_code == 422
        assert "4.5 seconds" in longer.json()["detail"]


@pytest.mark.slow
def test_a_hundred_hostile_queries_at_once_leave_everything_else_answering(beset: Served) -> None:
    asyncio.run(_besiege(beset))


async def _besiege(served: Served) -> None:
    limits = httpx.Limits(max_connections=200)
    async with (
        httpx.AsyncClient(base_url=served.address, timeout=120, limits=limits) as hostile,
        httpx.AsyncClient(base_url=served.address, timeout=120) as public,
        httpx.AsyncClient(base_url=served.address, timeout=120, headers=served.as_administrator) as reader,
    ):

        async def attack(number: int) -> int:
            answer = await hostile.post("sparql", data={"query": HOSTILE[number % len(HOSTILE)]})
            return answer.status_code

        attacks = [asyncio.create_task(attack(number)) for number in range(100)]

        def under_way() -> int:
            return sum(not task.done() for task in attacks)

        # Most find no place to wait in, and are told so at once.
        ended = asyncio.as_completed(attacks)
        for _ in range(80):
            await next(ended)
        rounds = 0
        while under_way() and rounds < 200:
            for path in ("health", "sample/lab/s-7?format=json", "records?kind=sample"):
                answer = await public.get(path)
                assert answer.status_code == 200, answer.text
            # Who is not the one that asks all this has a line of their own.
            answer = await reader.get("sparql", params={"query": "ASK { ?s ?p ?o }"})
            assert answer.status_code == 200, answer.text
            rounds += bool(under_way())
            await asyncio.sleep(0.1)
        statuses = Counter(await asyncio.gather(*attacks))
    assert set(statuses) <= {422, 503, 400}, statuses
    assert statuses[503] >= 80, statuses
    # Had they stood in one line, none of it would have been answered before the last of the hundred.
    assert rounds >= 2
    with served.client() as client:
        assert client.get("sparql", params={"query": "ASK { ?s ?p ?o }"}).json()["boolean"] is True


def queries(administrator: httpx.Client, outcome: str) -> int:
    """How many queries the server says came to this."""
    told = administrator.get("metrics")
    assert told.status_code == 200, told.text
    found = re.search(rf'^musubi_sparql_queries\{{outcome="{outcome}"\}} (\d+)', told.text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_query_whose_client_goes_away_is_ended(beset: Served) -> None:
    with beset.client(**beset.as_administrator) as client:
        ended, timed_out = queries(client, "Unavailable"), queries(client, "TooCostly")
        with httpx.Client(base_url=beset.address, timeout=httpx.Timeout(60, read=1)) as impatient:

            def leave() -> bool:
                with pytest.raises(httpx.ReadTimeout):
                    impatient.post("sparql", data={"query": HOSTILE[0], "timeout": "60"})
                return queries(client, "Unavailable") > ended

            # What runs is ended for whoever left, long before its minute is over; one that has not begun never does.
            until(leave)
        assert client.get("sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 200
        assert queries(client, "TooCostly") == timed_out
