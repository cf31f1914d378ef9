"""A server keeps its projector alive, tells how it stands, and holds up loads while a projection is too far behind."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.conftest import START, Served, prepare, start, stop

SAMPLE = {"kind": "sample", "source": "lab", "body": {"title": {"en": "A sample"}}}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own that lets a projection be a thousand changes behind."""
    data = tmp_path_factory.mktemp("projected") / "data"
    data.mkdir()
    (data / "settings.toml").write_text("lag_limit = 1_000\n")
    made = start(data)
    try:
        prepare(made)
        yield made
    finally:
        stop(made)


@pytest.fixture
def administrator(running: Served) -> Iterator[httpx.Client]:
    with running.client(**running.as_administrator) as client:
        yield client


def projector_of(running: Served) -> int | None:
    """The process that projects for a server."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = status.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == running.process.pid and b"follow_while_held" in command:
            return int(status.parent.name)
    return None


def until(true: Callable[[], Any], seconds: float = 180) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)
    return found


def started_by(parent: int) -> set[int]:
    """The processes that run and were started by this one, or by those."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, told = status.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            parents[int(status.parent.name)] = int(told)
    found, before = {parent}, 0
    while len(found) != before:
        before = len(found)
        found |= {pid for pid, told in parents.items() if told in found}
    return found - {parent}


def running_still(pids: set[int]) -> set[int]:
    """Those of these processes that have not ended."""
    left = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        left |= {pid} if state not in "ZX" else set()
    return left


def caught_up(client: httpx.Client) -> bool:
    told = client.get("projections").json()
    return told["projector"]["state"] == "alive" and all(
        each["pending"] == 0 and each["generation"] for each in told["projections"].values()
    )


def command(running: Served, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    return subprocess.run(
        [sys.executable, "-c", START, *words, "--data", str(running.data)],
        capture_output=True, text=True, env=environment, timeout=120, check=False,
    )  # fmt: skip


def load(client: httpx.Client, name: str, count: int) -> httpx.Response:
    lines = "".join(json.dumps({**SAMPLE, "localId": f"{name}-{number}"}) + "\n" for number in range(count))
    return client.post("records", content=lines, headers={"Content-Type": "application/x-ndjson"})


def test_how_it_stands_is_told_to_everyone_and_in_figures_to_administrators(
    running: Served, administrator: httpx.Client
) -> None:
    assert administrator.post("records", json={**SAMPLE, "localId": "one"}).status_code == 201
    until(lambda: caught_up(administrator))
    with running.client() as public:
        told = public.get("health").json()
        assert (told["status"], told["projector"]) == ("alive", "alive")
        assert {each["status"] for each in told["projections"].values()} == {"ok"}
        assert "pending" not in public.get("projections").text
        figures = public.get("metrics").text
        assert 'musubi_projection_ok{projection="graph"} 1' in figures
        assert "musubi_projection_pending" not in figures
        assert public.get("projections/graph/failures").status_code == 401
        for verb in ("verify", "rebuild", "retry"):
            assert public.post(f"projections/graph/{verb}").status_code == 401
        for language, word in (("en", "Behind the ledger"), ("ja", "台帳からの遅れ")):
            page = public.get("projections", params={"lang": language}, headers={"Accept": "text/html"})
            assert (page.status_code, word in page.text) == (200, True)
    assert 'musubi_projection_pending{projection="search"} 0' in administrator.get("metrics").text
    page = administrator.get("projections", headers={"Accept": "text/html"})
    assert "Could not be projected" in page.text


def test_beside_a_server_its_projector_verifies_and_builds_again(running: Served, administrator: httpx.Client) -> None:
    before = projector_of(running)
    done = command(running, "verify", "--json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["clean"] for line in done.stdout.splitlines()] == [True, True]
    assert administrator.post("projections/search/verify").status_code == 202
    until(lambda: administrator.get("projections").json()["projections"]["search"]["verifying"] is None)
    asked = administrator.post("projections/search/rebuild")
    assert asked.status_code == 202
    number = asked.json()["generation"]
    until(lambda: administrator.get("projections").json()["projections"]["search"]["generation"] == number)
    back = administrator.post("projections/search/rebuild", params={"back": "true"})
    assert back.status_code == 202
    until(lambda: administrator.get("projections").json()["projections"]["search"]["generation"] == number - 1)
    assert administrator.get("projections/search/failures").json() == {"items": [], "next": None}
    assert administrator.post("projections/other/verify").status_code == 404
    assert projector_of(running) == before


def test_a_projector_that_dies_is_started_again(running: Served, administrator: httpx.Client) -> None:
    first = until(lambda: projector_of(running))
    os.kill(first, signal.SIGKILL)
    second = until(lambda: (now := projector_of(running)) and now != first and now)
    assert administrator.post("records", json={**SAMPLE, "localId": "two"}).status_code == 201
    until(lambda: caught_up(administrator))
    assert second != first


def test_a_load_waits_while_a_projection_is_too_far_behind_and_single_records_do_not(
    running: Served, administrator: httpx.Client
) -> None:
    until(lambda: caught_up(administrator))
    pid = until(lambda: projector_of(running))
    os.kill(pid, signal.SIGSTOP)
    try:
        assert load(administrator, "first", 1_500).status_code == 200
        time.sleep(0.6)
        refused = load(administrator, "second", 10)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["type"].endswith("/busy")
        assert administrator.post("records", json={**SAMPLE, "localId": "three"}).status_code == 201
    finally:
        os.kill(pid, signal.SIGCONT)
    # How far behind they are is looked at twice a second.
    until(lambda: load(administrator, "second", 10).status_code == 200)


def test_the_projector_ends_with_its_server(tmp_path: Path) -> None:
    made = start(tmp_path / "data")
    pid = until(lambda: projector_of(made))
    stop(made)
    until(lambda: not Path(f"/proc/{pid}").exists(), 15)


def test_a_server_that_is_killed_leaves_nothing_running_behind_it(tmp_path: Path) -> None:
    made = start(tmp_path / "data", "--workers", "2")
    try:
        until(lambda: projector_of(made))
        query = {"query": "ASK { ?s ?p ?o }"}
        assert httpx.get(f"{made.address}sparql", params=query, timeout=60).status_code in (200, 503)
        left = started_by(made.process.pid)
        assert len(left) >= 3
    finally:
        made.process.kill()
        made.process.wait()
    until(lambda: not running_still(left), 20)
    # And the port is free for the next one at once.
    again = start(tmp_path / "data")
    stop(again)


def test_a_projector_that_stands_still_is_told_with_the_time_since_when(
    running: Served, administrator: httpx.Client
) -> None:
    until(lambda: caught_up(administrator))
    pid = until(lambda: projector_of(running))
    os.kill(pid, signal.SIGSTOP)
    try:
        held = administrator.get("health").json()["heldUntil"]
        # Its lease runs out, which takes half a minute; here that moment is not waited for.
        with sqlite3.connect(running.data / "catalog.sqlite", timeout=30) as database:
            database.execute("UPDATE lease SET until = '2026-05-10T03:00:25.000000Z'")
        database.close()
        told = until(
            lambda: (found := httpx.get(f"{running.address}health").json())["projector"] == "stopped" and found
        )
        assert told["heldUntil"] == "2026-05-10T03:00:25.000000Z" < held
        for client, language in ((administrator, "en"), (administrator, "ja")):
            shown = client.get("projections", headers={"Accept": "text/html"}, params={"lang": language}).text
            assert "2026-05-10T03:00:25Z</time>" in shown
            assert f"{pid} @ " in shown
            assert "kill -CONT" in shown
        with running.client(Accept="text/html") as public:
            shown = public.get("projections").text
        assert "2026-05-10T03:00:25Z</time>" in shown
        assert f"{pid} @ " not in shown
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: caught_up(administrator))
    # What /health tells may be a second old.
    until(lambda: administrator.get("health").json()["heldUntil"] > held)


def test_while_a_closing_waits_a_search_says_that_titles_of_linked_records_are_not_searched(
    running: Served, administrator: httpx.Client
) -> None:
    for name, body in (
        ("noticed", {"title": {"en": "Zirconia"}}),
        ("leading", {"title": {"en": "Leading"}, "derivedFrom": ["sample/lab/noticed"]}),
        ("hushed", {"title": {"en": "Hushed"}}),
    ):
        made = administrator.post("records", json={**SAMPLE, "localId": name, "body": body})
        assert made.status_code == 201, made.text
    until(lambda: caught_up(administrator))
    with running.client() as public:
        before = public.get("search", params={"q": "zirconia"}).json()
        assert (before["total"], before["notices"]) == (2, [])
        pid = until(lambda: projector_of(running))
        os.kill(pid, signal.SIGSTOP)
        try:
            assert administrator.post("hide/sample/lab/hushed").status_code == 200
            found = public.get("search", params={"q": "zirconia"}, headers={"Accept-Language": "en"}).json()
            assert found["total"] == 1
            assert [each["what"] for each in found["notices"]] == ["withoutLinkedTitles"]
            assert "titles of linked records are not searched" in found["notices"][0]["message"]
            # Without a text nothing is missing.
            assert public.get("search", params={"kind": "sample"}).json()["notices"] == []
            for language, said in (
                ("en", "titles of linked records are not"),
                ("ja", "リンク先の表題は検索されません"),
            ):
                asked = {"q": "zirconia", "lang": language}
                assert said in public.get("search", params=asked, headers={"Accept": "text/html"}).text
            told = command(running, "search", "zirconia")
            assert "titles of linked records are not searched" in told.stderr
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: caught_up(administrator))
        after = until(lambda: not (told := public.get("search", params={"q": "zirconia"}).json())["notices"] and told)
        assert after["total"] == 2
