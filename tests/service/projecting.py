"""Catalogues whose projections come to harm: what is done to them, and whether everything is there again afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyoxigraph

from catalog.assembly import Catalog, open_catalog
from catalog.cli.upkeep import code_of
from catalog.discovery.search import search
from catalog.ledger.book import Booked
from catalog.questions.reader import ADMINISTRATOR
from catalog.questions.search import SearchQuestion
from catalog.records.record import Source
from catalog.records.standing import Name
from catalog.settings import read_settings
from tests.contract.ledgers import entry

PROJECT = Path(__file__).resolve().parents[2]
NAMES: tuple[Name, ...] = ("graph", "search")


@dataclass
class Child:
    """A command that runs."""

    forker: Forker
    pid: int
    out: Path
    log: Path
    _ended: int | None = None

    def wait(self, seconds: float = 180) -> int:
        """How it ended: its exit code, or the signal as a negative number."""
        if self._ended is None:
            clock = threading.Timer(seconds, self.send, [signal.SIGABRT])
            clock.start()
            try:
                self._ended = int(self.forker.ask({"wait": self.pid})["ended"])
            finally:
                clock.cancel()
        return self._ended

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self._ended is None:
            self.send(signal.SIGKILL)
            self.wait()

    @property
    def alive(self) -> bool:
        """Whether it runs still; one that has ended is a zombie until it is waited for."""
        return self._ended is None and self.state not in "ZX"

    @property
    def state(self) -> str:
        """What the kernel says that it does."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return "X"

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


class Forker:
    """Runs commands in processes that cost little to start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.forking"],
            cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._children: list[Child] = []

    def ask(self, told: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def start(self, *command: str, **told: Any) -> Child:
        self._number += 1
        out, log = self._folder / f"{self._number}.out", self._folder / f"{self._number}.log"
        log.touch()
        answer = self.ask({"command": command, "out": str(out), "log": str(log), "small": True, **told})
        child = Child(self, answer["pid"], out, log)
        self._children.append(child)
        return child

    def close(self) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                child.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@dataclass
class Harmed:
    """A catalogue, what it has acknowledged, and processes that project it."""

    catalog: Catalog
    forker: Forker
    titles: dict[str, str] = field(default_factory=dict)  # of all that everyone may find, by id
    number: int = 0

    @property
    def data(self) -> Path:
        return self.catalog.settings.data

    @property
    def folder(self) -> Path:
        return self.data / "projections"

    def command(self, *command: str, **told: Any) -> Child:
        """Run a command of the catalogue on it."""
        return self.forker.start(*command, "--data", str(self.data), **told)

    # ------------------------------------------------------------------------------------------ what is done to it

    def enter(self, ids: Iterable[str], title: str = "", links: Sequence[str] = ()) -> None:
        """Enter samples or revise them; all are acknowledged."""
        ids = list(ids)
        linked = {"derivedFrom": list(links)} if links else {}
        told = {each: {"title": {"en": title or each}, **linked} for each in ids}
        for outcome in self.catalog.ledger.append([entry(each, told[each]) for each in ids], by="tester"):
            assert outcome.outcome in ("created", "revised"), outcome
        self.titles |= {f"sample/lab/{each}": body["title"]["en"] for each, body in told.items()}

    def leave(self, id: str) -> None:
        self.catalog.ledger.change_status(f"sample/lab/{id}", "hide", by="tester")
        del self.titles[f"sample/lab/{id}"]

    def deeds(self) -> None:
        """A little of everything that a projector has to follow."""
        self.number += 1
        names = [f"r{self.number}-{each}" for each in range(14)]
        self.enter(names[:8], links=["sample/lab/hub"])
        self.enter(names[8:])
        self.enter(["hub"], title=f"hub {self.number}")
        self.enter(names[4:6], title=f"again {self.number}")
        self.leave(names[3])
        self.leave(names[9])
        self.catalog.ledger.withdraw(f"sample/lab/{names[10]}", "spoilt", by="tester")
        del self.titles[f"sample/lab/{names[10]}"]

    # --------------------------------------------------------------------------------------------- how it stands

    def row(self, name: Name, state: str = "live") -> Booked:
        (row,) = [each for each in self.catalog.book.rows(name) if each.state == state]
        return row

    def live_folder(self, name: Name) -> Path:
        return self.catalog.book.folder_of(name, self.row(name).generation)

    def caught_up(self) -> bool:
        last = self.catalog.book.last_position()
        seen = [self.catalog.book.seen(name) for name in NAMES]
        waiting = any(row.state in ("wanted", "building") for row in self.catalog.book.rows())
        return not waiting and all(each is not None and each.position >= last for each in seen)

    def verify(self, name: Name) -> dict[str, Any]:
        """What a round finds that nobody else waits for, in this process."""
        asked = self.catalog.verifications.ask(name, repair=True)
        follower = self.catalog.follower(alone=True)
        end = time.monotonic() + 180
        try:
            while self.catalog.verifications.last(name).asked_at == asked:
                assert time.monotonic() < end, self.row(name)
                follower.step()
        finally:
            follower.close()
        return dict(self.catalog.verifications.last(name).report or {})

    def see_that_all_is_well(self) -> None:
        """Caught up by whoever comes next: nothing differs, and all that was acknowledged is found, and nothing else."""
        self.catalog.follower().catch_up()
        self.see_that_nothing_is_missing()
        for name in NAMES:
            report = self.verify(name)
            assert code_of(report) == 0, report
            known = {str(row.generation) for row in self.catalog.book.rows(name)}
            assert {each.name for each in (self.folder / name).iterdir()} <= known | {"deleted"}
            assert {row.state for row in self.catalog.book.rows(name)} <= {"live", "old"}

    def see_that_nothing_is_missing(self) -> None:
        assert self.searched() == self.titles
        assert self.graphed() == self.titles

    def searched(self) -> dict[str, str]:
        """All that searching finds, with its title in the ledger, page by page."""
        found: dict[str, str] = {}
        after: str | None = None
        while True:
            asked = SearchQuestion(first=100, after=after)
            page = search(asked, ADMINISTRATOR, index=self.catalog.index, answers=self.catalog.answers)
            for hit in page.hits:
                found[hit.id] = hit.title["en"]
            after = page.next
            if after is None:
                assert page.total == len(found)
                return found

    def graphed(self) -> dict[str, str]:
        """All samples and their titles in the graph that can be asked now."""
        seen = self.catalog.book.seen("graph")
        assert seen is not None
        assert seen.visible is not None
        store = pyoxigraph.Store.read_only(str(seen.folder / "checkpoints" / seen.visible))
        rows = store.query("SELECT ?s ?t { ?s <http://purl.org/dc/terms/title> ?t }")
        assert isinstance(rows, pyoxigraph.QuerySolutions)
        base = self.catalog.base
        found = {row["s"].value.removeprefix(base): row["t"].value for row in rows}
        return {id: title for id, title in found.items() if id.startswith("sample/") and "#" not in id}


def unharmed(data: Path) -> dict[str, str]:
    """Make a catalogue with a hub, some records and both projections; the titles by id."""
    data.mkdir()
    # What is noticed is to be noticed by whoever feeds, and not by a round that happens to begin.
    (data / "settings.toml").write_text("verify_hours = 0\n")
    catalog = open_catalog(read_settings({}, data=data))
    try:
        catalog.scopes.create("lab", ADMINISTRATOR, title={"en": "Lab"}, mode="everyone")
        catalog.sources.register(Source("lab", 0, {"en": "A laboratory"}, "lab"), by="tester")
        names = ["hub", *(f"s{number}" for number in range(30))]
        catalog.ledger.append([entry(each) for each in names], by="tester")
        catalog.follower().catch_up()
        return {f"sample/lab/{each}": each for each in names}
    finally:
        catalog.close()


@contextmanager
def harmed(data: Path, forker: Forker, like: Path, titles: Mapping[str, str]) -> Iterator[Harmed]:
    """A catalogue like the one in another folder."""
    shutil.copytree(like, data, dirs_exist_ok=True)
    catalog = open_catalog(read_settings({}, data=data))
    try:
        yield Harmed(catalog, forker, dict(titles))
    finally:
        catalog.close()


def until(true: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found
