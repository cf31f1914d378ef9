"""A server whose projector is killed again and again and whose folders are deleted: no query is answered wrongly."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from tests.service.conftest import Served, prepare, start, stop
from tests.service.crash import line
from tests.service.test_projections import caught_up, command, projector_of, until

pytestmark = pytest.mark.service

COUNT = 60
QUERY = 'SELECT (COUNT(*) AS ?n) { ?s <http://purl.org/dc/terms/title> ?t FILTER(STRSTARTS(STR(?t), "constant")) }'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start(tmp_path_factory.mktemp("harmed") / "data")
    try:
        prepare(made)
        with made.client(**made.as_administrator) as client:
            load(client, [f"constant-{number}" for number in range(COUNT)])
            until(lambda: caught_up(client))
        yield made
    finally:
        stop(made)


@pytest.fixture
def administrator(running: Served) -> Iterator[httpx.Client]:
    with running.client(**running.as_administrator) as client:
        yield client


def load(client: httpx.Client, names: list[str]) -> None:
    lines = b"".join(line(each, title={"en": each.replace("-", " ")}) for each in names)
    answer = client.post("records", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    assert answer.text.count('"outcome":"created"') == len(names), answer.text


@dataclass
class Asking:
    """Somebody who asks all the time: what was answered, by what was asked."""

    right: dict[str, int] = field(default_factory=lambda: {"search": 0, "sparql": 0})
    refused: dict[str, int] = field(default_factory=lambda: {"search": 0, "sparql": 0})
    wrong: list[str] = field(default_factory=list)

    def ask(self, client: httpx.Client, what: str) -> None:
        try:
            if what == "search":
                answer = client.get("search", params={"q": "constant"})
            else:
                answer = client.get(
                    "sparql", params={"query": QUERY}, headers={"Accept": "application/sparql-results+json"}
                )
        except httpx.TransportError:
            # A worker that the kernel ended over a file that was cut is replaced.
            self.refused[what] += 1
            return
        if answer.status_code == 503 and int(answer.headers["retry-after"]) > 0:
            self.refused[what] += 1
        elif answer.status_code != 200:
            self.wrong.append(f"{what} {answer.status_code} {answer.text}")
        else:
            found = answer.json()
            count = found["total"] if what == "search" else int(found["results"]["bindings"][0]["n"]["value"])
            if count == COUNT:
                self.right[what] += 1
            else:
                self.wrong.append(f"{what} {answer.text}")


@contextmanager
def asking(running: Served) -> Iterator[Asking]:
    told, over = Asking(), Event()

    def ask(what: str) -> None:
        with running.client() as client:
            while not over.wait(0.02):
                told.ask(client, what)

    threads = [Thread(target=ask, args=(what,)) for what in told.right]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join()


def see_that_all_is_well(running: Served, administrator: httpx.Client, names: list[str]) -> None:
    until(lambda: caught_up(administrator))
    done = command(running, "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert administrator.get("search", params={"q": f'"{name.replace("-", " ")}"'}).json()["total"] == 1, name
        query = f"ASK {{ <{running.address}sample/lab/{name}> ?p ?o }}"
        headers = {"Accept": "application/sparql-results+json"}
        assert administrator.get("sparql", params={"query": query}, headers=headers).json()["boolean"], name


def test_while_its_projector_is_killed_again_and_again_every_query_is_answered_rightly(
    running: Served, administrator: httpx.Client
) -> None:
    names: list[str] = []
    with asking(running) as told:
        for turn in range(4):
            pid = until(lambda: projector_of(running))
            some = [f"killed-{turn}-{number}" for number in range(5)]
            load(administrator, some)
            names += some
            time.sleep(0.15 * turn)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            until(lambda: projector_of(running) not in (None, pid))  # noqa: B023
        until(lambda: caught_up(administrator))
        enough = {what: number + 5 for what, number in told.right.items()}
        until(lambda: all(told.right[what] > number for what, number in enough.items()))
    assert told.wrong == []
    # Whoever only reads needs no projector.
    assert told.refused == {"search": 0, "sparql": 0}
    see_that_all_is_well(running, administrator, names[::5])


@pytest.mark.parametrize("what", ["graph", "search", "everything", "a cut file"])
def test_a_folder_that_is_deleted_under_a_server_comes_back_and_nobody_is_told_less_meanwhile(
    running: Served, administrator: httpx.Client, what: str
) -> None:
    projections = running.data / "projections"
    before = administrator.get("projections").json()["projections"]
    harmed = ["graph", "search"] if what == "everything" else ["search" if what == "a cut file" else what]
    generation = {name: before[name]["generation"] for name in harmed}
    with asking(running) as told:
        if what == "everything":
            # In one piece: the projector goes on writing into it.
            aside = projections.rename(projections.with_name("deleted"))
            shutil.rmtree(aside, ignore_errors=True)
        elif what == "a cut file":
            store = max((projections / "search" / str(generation["search"])).glob("*.store"), key=_size)
            os.truncate(store, _size(store) // 2)
        else:
            aside = (projections / what).rename(projections.with_name("deleted"))
            shutil.rmtree(aside, ignore_errors=True)
        # Nothing is written meanwhile: that it is gone is seen all the same.
        until(lambda: all(now(administrator)[name]["generation"] not in (None, generation[name]) for name in harmed))
        name = f"after-{what.replace(' ', '-')}"
        load(administrator, [name])
        until(lambda: caught_up(administrator))
        enough = {what: number + 5 for what, number in told.right.items()}
        until(lambda: all(told.right[what] > number for what, number in enough.items()))
    assert told.wrong == []
    see_that_all_is_well(running, administrator, [name, "constant-3"])


def _size(path: Path) -> int:
    return path.stat().st_size


def now(client: httpx.Client) -> dict[str, dict[str, object]]:
    try:
        found: dict[str, dict[str, object]] = client.get("projections").json()["projections"]
    except httpx.TransportError:
        return {"graph": {"generation": None}, "search": {"generation": None}}
    return found


def test_a_record_that_fails_is_told_by_the_server_and_leaves_when_it_is_mended(
    running: Served, administrator: httpx.Client
) -> None:
    until(lambda: caught_up(administrator))
    load(administrator, ["spoilt"])
    until(lambda: caught_up(administrator))
    with sqlite3.connect(running.data / "catalog.sqlite", timeout=30) as database:
        database.execute(
            "UPDATE linked SET document = substr(document, 1, 20)"
            " WHERE record = (SELECT key FROM node WHERE id = 'sample/lab/spoilt')"
        )
    database.close()
    for verb in ("hide", "publish"):
        answer = administrator.post(f"{verb}/sample/lab/spoilt")
        assert answer.status_code == 200, answer.text
    load(administrator, ["beside"])
    until(lambda: caught_up(administrator))

    told = administrator.get("health").json()
    assert {each["status"] for each in told["projections"].values()} == {"failing"}
    for name in ("graph", "search"):
        (item,) = administrator.get(f"projections/{name}/failures").json()["items"]
        assert (item["record"], item["attempts"]) == ("sample/lab/spoilt", 1)
        assert "can't be read" in item["error"]
    assert administrator.get("search", params={"q": "beside"}).json()["total"] == 1
    assert command(running, "verify", "--json").returncode == 9

    body = {"title": {"en": "spoilt no more"}}
    answer = administrator.post("records", json={"kind": "sample", "source": "lab", "localId": "spoilt", "body": body})
    assert answer.status_code == 200, answer.text
    until(lambda: caught_up(administrator))
    for name in ("graph", "search"):
        assert administrator.get(f"projections/{name}/failures").json()["items"] == []
    see_that_all_is_well(running, administrator, ["beside"])
    assert administrator.get("search", params={"q": "spoilt no more"}).json()["total"] == 1
