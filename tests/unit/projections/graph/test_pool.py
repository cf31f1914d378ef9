"""The processes that run queries: what they are bounded by, what they can't reach, and that others don't notice."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from catalog.errors import CatalogError, Malformed, TooCostly, Unavailable
from catalog.projections.graph import pool as pool_of_processes
from catalog.projections.graph.dataset import Dataset
from catalog.projections.graph.pool import Answer, Bounds, NoSuchForm, Query, SparqlPool

BASE = "http://c.example/"
PREFIXES = {"c": BASE}
CARTESIAN = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    store = ox.Store(str(folder / "store"))
    node = ox.NamedNode
    store.extend(
        ox.Quad(node(f"{BASE}s{number}"), node(f"{BASE}p{number % 7}"), ox.Literal(f"value {number}"))
        for number in range(3_000)
    )
    # A chain, for paths.
    store.extend(ox.Quad(node(f"{BASE}n{n}"), node(BASE + "next"), node(f"{BASE}n{n + 1}")) for n in range(500))
    store.flush()
    store.backup(str(folder / "checkpoint"))
    return folder / "checkpoint"


class Asker:
    def __init__(self, pool: SparqlPool, checkpoint: Path) -> None:
        self.pool = pool
        self.checkpoint = checkpoint

    def begin(
        self, text: str, *, seconds: float = 20, client: str = "one", form: str | None = "json"
    ) -> Future[Answer]:
        query = Query(text, BASE, PREFIXES, seconds, form, "turtle")
        return self.pool.submit(query, lambda: (self.checkpoint, Dataset(BASE + "scopes/")), client)

    def ask(self, text: str, **named: Any) -> bytes:
        answer = self.begin(text, **named).result(60)
        with answer.body as body:
            told = body.read()
        assert len(told) == answer.size
        return told

    def fails(self, text: str, **named: Any) -> CatalogError:
        error = self.begin(text, **named).exception(60)
        assert isinstance(error, CatalogError), error
        return error

    def rows(self, text: str) -> list[dict[str, Any]]:
        return list(json.loads(self.ask(text))["results"]["bindings"])


@pytest.fixture(scope="module")
def asker(checkpoint: Path) -> Iterator[Asker]:
    pool = SparqlPool(2, Bounds(memory=256 << 20, rows=1_000, size=1 << 20))
    yield Asker(pool, checkpoint)
    pool.close()


def still_answers(asker: Asker) -> bool:
    return asker.ask("ASK { ?s ?p ?o }") == b'{"head":{},"boolean":true}'


def test_a_query_is_answered_with_the_base_and_the_prefixes_that_are_offered(asker: Asker) -> None:
    assert [row["v"]["value"] for row in asker.rows("SELECT ?v { <s1> c:p1 ?v }")] == ["value 1"]
    assert b"c:s1 c:p1" in asker.ask("CONSTRUCT WHERE { c:s1 ?p ?o }")


@pytest.mark.parametrize("count", [0, 1, 999, 1_000])
@pytest.mark.parametrize("form", ["json", "xml", "csv", "tsv"])
def test_as_many_rows_as_are_allowed_are_answered_and_one_more_is_an_error(asker: Asker, count: int, form: str) -> None:
    asker.ask(f"SELECT * {{ ?s ?p ?o }} LIMIT {count}", form=form)

    error = asker.fails("SELECT * { ?s ?p ?o } LIMIT 1001", form=form)

    assert isinstance(error, TooCostly)
    assert "1,000 rows" in error.message
    assert "1,000 行" in error.messages["ja"]


def test_statements_are_counted_as_rows_are(asker: Asker) -> None:
    asker.ask("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 1000")
    assert isinstance(asker.fails("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 1001"), TooCostly)


def test_an_answer_that_is_too_large_is_an_error_and_nothing_of_it_is_given(asker: Asker) -> None:
    long = "x" * 200_000
    error = asker.fails(f"SELECT ?a ?n {{ VALUES ?n {{ 1 2 3 4 5 6 }} BIND('{long}' AS ?a) }}")
    assert isinstance(error, TooCostly)
    assert "1 MiB" in error.message
    assert asker.ask("SELECT ?n { VALUES ?n { 1 } }", form="csv") == b"n\r\n1\r\n"


def test_a_query_is_ended_at_its_deadline_and_the_next_one_is_answered(asker: Asker) -> None:
    error = asker.fails(CARTESIAN, seconds=1)
    assert isinstance(error, TooCostly)
    assert "1 seconds" in error.message
    assert still_answers(asker)


def test_a_query_that_takes_too_much_memory_is_ended_by_the_system_and_told_so(asker: Asker) -> None:
    error = asker.fails("SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?c")
    assert isinstance(error, TooCostly)
    assert "256 MiB of memory" in error.message
    assert still_answers(asker)


HOSTILE = {
    "groups": "SELECT * " + "{" * 100_000 + "}" * 100_000,
    "expressions": "SELECT * { FILTER(" + "(" * 100_000 + "1" + ")" * 100_000 + ") }",
    "negations": "SELECT * { FILTER(" + "!" * 200_000 + "1) }",
    "paths": "SELECT * { ?s " + "(" * 100_000 + "c:next" + ")" * 100_000 + " ?o }",
    "lists": "SELECT * { ?s c:p " + "(" * 500 + ")" * 500 + " }",
    "path of paths": "SELECT (COUNT(*) AS ?n) { ?a (c:next*/c:next*)*/(c:next|^c:next)* ?b . ?b (!c:p1)* ?c . ?c c:next+ ?d . ?e ?f ?g }",
    "replace": 'SELECT (REPLACE("'
    + "a" * 50_000
    + '", "(a?){400}(a*)*$", "'
    + "b" * 50_000
    + '") AS ?x) { ?s ?p ?o . ?q ?r ?t }',
    "regex": 'SELECT * { ?s ?p ?o FILTER(REGEX(?o, "(((((((((((a{99}){99}){99}){99}){99}){99}){99}){99}){99}){99}){99})")) }',
    "concatenated": "SELECT (GROUP_CONCAT(?c; separator='" + "x" * 10_000 + "') AS ?all) { ?a ?b ?c . ?d ?e ?f }",
    "doubled": "SELECT ?z { BIND('x' AS ?a0) "
    + " ".join(f"BIND(CONCAT(?a{n}, ?a{n}) AS ?a{n + 1})" for n in range(40))
    + " BIND(?a40 AS ?z) }",
    "many values": "SELECT (COUNT(*) AS ?n) { VALUES ?x { "
    + " ".join(map(str, range(200_000)))
    + " } ?a ?b ?c . ?d ?e ?f }",
    "long list": "SELECT * { ?s ?p ?o . ?a ?b ?c FILTER(?o IN (" + ", ".join(f"'{n}'" for n in range(50_000)) + ")) }",
    "unions": "SELECT (COUNT(*) AS ?n) { " + " UNION ".join(["{ ?a ?b ?c . ?d ?e ?f }"] * 3_000) + " }",
    "unclosed": 'SELECT * { ?s ?p """' + '\\"' * 400_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_query_ends_within_its_bounds_and_costs_nobody_else_anything(asker: Asker, name: str) -> None:
    future = asker.begin(HOSTILE[name], seconds=1.5)
    error = future.exception(30)
    # Whatever becomes of it, it is an error that says what to do, or a whole answer.
    assert error is None or isinstance(error, TooCostly | Malformed), error
    if error is None:
        future.result().body.close()
    assert still_answers(asker)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("SELECT *\nWHERE { ?s ?p ?o", 2, 7, "{ is not closed"),
        ("SELECT *\nWHERE { ?s ?p ?o } }", 2, 20, "} closes nothing"),
        ("SELECT * {\n  ?s ex:p ?o }", 2, 6, "PREFIX ex:"),
        ("PREFIX c: <a:b> SELCT *\n{}", 1, 17, "SELCT"),
        ("SELECT * { ?s ?p 'open }", 1, 18, "not closed"),
        ("SELECT * { FILTER(1 + 2 }", 1, 25, "} closes nothing"),
    ],
)
def test_what_is_no_query_is_told_with_its_place_and_what_is_wrong(
    asker: Asker, text: str, line: int, column: int, said: str
) -> None:
    error = asker.fails(text)
    assert isinstance(error, Malformed)
    assert (error.line, error.column) == (line, column), error.message
    assert f"line {line}, column {column}" in error.message
    assert said in error.message
    assert f"{line} 行 {column} 列" in error.messages["ja"]


def test_what_the_engine_finds_wrong_is_told_in_its_words(asker: Asker) -> None:
    error = asker.fails("SELECT *\n{ ?s ?p }")
    assert isinstance(error, Malformed)
    assert error.line == 2
    assert "unbound" in asker.fails("SELECT (SUM(?x) AS ?s) ?y { ?x ?y ?z }").message


def test_what_is_not_offered_is_refused_by_name(asker: Asker) -> None:
    service = asker.fails("SELECT *\n{ SERVICE <http://127.0.0.1:9/> {} }")
    assert isinstance(service, Malformed)
    assert "SERVICE" in service.message
    assert (service.line, service.column) == (2, 3)
    assert "INSERT" in asker.fails("INSERT DATA { <a> <b> <c> }").message
    assert "http://x/f" in asker.fails("SELECT (<http://x/f>(1) AS ?x) {}").message
    with pytest.raises(NoSuchForm):
        asker.begin("ASK {}", form=None).result(30)


# The reader of tokens takes `<#x>` for an IRI where the engine sees a comparison and a comment.
HIDDEN = "SELECT * {{ VALUES ?c {{ 1 }} FILTER(?c<#x>'''\n2) SERVICE {silent} <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} #'''\n}}"


@pytest.mark.parametrize("silent", ["", "SILENT"])
def test_a_query_that_gets_past_the_reading_still_has_no_network(asker: Asker, silent: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        text = HIDDEN.format(silent=silent, port=server.getsockname()[1])

        error = asker.fails(text)

        with pytest.raises(TimeoutError):
            server.accept()
    assert isinstance(error, Malformed)
    assert "SERVICE" in error.message
    assert still_answers(asker)


def test_without_its_confinement_that_query_would_reach_the_network(checkpoint: Path) -> None:
    # Else the test above would prove nothing.
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        text = HIDDEN.format(silent="SILENT", port=server.getsockname()[1])
        threading.Thread(target=lambda: list(ox.Store.read_only(str(checkpoint)).query(text)), daemon=True).start()
        connection, _ = server.accept()
        connection.close()


def test_a_folder_that_is_told_relatively_is_asked_as_any_other(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(asker.checkpoint.parent)
    assert still_answers(Asker(asker.pool, Path(asker.checkpoint.name)))


def test_a_process_has_neither_files_nor_environment_of_the_one_that_started_it(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALOG_DATABASE", "postgresql://secret@host/name")
    asker = Asker(SparqlPool(1, Bounds(256 << 20, 1_000, 1 << 20)), checkpoint)
    try:
        with socket.create_server(("127.0.0.1", 0)):
            assert still_answers(asker)
            (pid,) = asker.pool.pids
            process = Path(f"/proc/{pid}")
            assert b"CATALOG" not in (process / "environ").read_bytes()
            opened = [str(each.readlink()) for each in (process / "fd").iterdir()]
            assert not [each for each in opened if each.startswith("socket:")]
            assert "Seccomp:\t2" in (process / "status").read_text()
            assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    finally:
        asker.pool.close()


def test_processes_end_with_the_one_that_started_them_however_it_ends(checkpoint: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from catalog.projections.graph.dataset import Dataset
from catalog.projections.graph.pool import Bounds, Query, SparqlPool
import time
pool = SparqlPool(2, Bounds(256 << 20, 1000, 1 << 20))
for client in "ab":
    query = Query({CARTESIAN!r}, "http://c.example/", {{}}, 60, "json", None)
    pool.submit(query, lambda: (Path({str(checkpoint)!r}), Dataset("http://c.example/scopes/")), client)
while len(pool.pids) < 2: time.sleep(0.05)
time.sleep(0.5)
print(*pool.pids, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    until = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < until, "they are still running"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_newer_checkpoint_is_opened_and_one_that_vanished_is_looked_up_again(asker: Asker, tmp_path: Path) -> None:
    store = ox.Store(str(tmp_path / "store"))
    store.add(ox.Quad(ox.NamedNode("a:s"), ox.NamedNode("a:p"), ox.Literal("new")))
    store.backup(str(tmp_path / "second"))
    told = iter([tmp_path / "first", tmp_path / "second"])
    query = Query("SELECT ?o { <a:s> ?p ?o }", BASE, PREFIXES, 10, "csv", None)

    answer = asker.pool.submit(query, lambda: (next(told), Dataset(BASE)), "one").result(30)

    assert answer.body.read() == b"o\r\nnew\r\n"
    answer.body.close()


def test_a_generation_that_was_deleted_is_held_open_by_no_process(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_of_processes, "_IDLE_SECONDS", 0.05)
    generation = tmp_path / "1"
    shutil.copytree(checkpoint, generation / "checkpoints" / "4")
    pool = SparqlPool(1, Bounds(256 << 20, 1_000, 1 << 20))
    try:
        asker = Asker(pool, generation / "checkpoints" / "4")
        assert still_answers(asker)
        (pid,) = pool.pids
        time.sleep(0.3)
        assert pool.pids == [pid]
        shutil.rmtree(generation)
        until = time.monotonic() + 20
        while _runs(pid):
            assert time.monotonic() < until
            time.sleep(0.05)
        asker.checkpoint = checkpoint
        assert still_answers(asker)
    finally:
        pool.close()


def test_what_cannot_be_asked_any_more_when_its_turn_comes_is_not_asked(asker: Asker) -> None:
    def closed() -> tuple[Path, Dataset]:
        raise Unavailable("closed just now")

    query = Query("ASK {}", BASE, PREFIXES, 10, "json", None)
    with pytest.raises(Unavailable, match="closed just now"):
        asker.pool.submit(query, closed, "one").result(30)


def test_one_client_with_many_long_queries_leaves_the_others_their_answers(checkpoint: Path) -> None:
    asker = Asker(SparqlPool(2, Bounds(256 << 20, 1_000, 1 << 20), waiting=16), checkpoint)
    try:
        assert still_answers(asker)
        under_way, refused = [], []
        for _ in range(100):
            try:
                under_way.append(asker.begin(CARTESIAN, client="hostile", seconds=10))
            except Unavailable as error:
                refused.append(error)
        assert len(under_way) == 8
        assert len(refused) == 92
        assert all(error.retry_after_seconds > 0 for error in refused)
        for number in range(5):
            began = time.monotonic()
            assert asker.ask("ASK { ?s ?p ?o }", client=f"other {number}") == b'{"head":{},"boolean":true}'
            # One process is held for long at most; at the other it is the next one's turn after a second, and not only
            # when the first of the long ones has come to its end.
            assert time.monotonic() - began < 10
    finally:
        asker.pool.close()
    assert all(future.done() for future in under_way)


def test_a_query_that_nobody_waits_for_any_more_is_ended(asker: Asker) -> None:
    future = asker.begin(CARTESIAN, seconds=60)
    while not future.running():
        time.sleep(0.01)
    time.sleep(0.3)

    asker.pool.give_up(future)

    assert isinstance(future.exception(3), Unavailable)
    assert still_answers(asker)


def test_a_closed_pool_leaves_no_process_and_takes_no_query(checkpoint: Path) -> None:
    asker = Asker(SparqlPool(1, Bounds(256 << 20, 1_000, 1 << 20)), checkpoint)
    assert still_answers(asker)
    pids = asker.pool.pids
    waiting = asker.begin(CARTESIAN)

    asker.pool.close()

    assert not any(_runs(pid) for pid in pids)
    assert waiting.cancelled() or waiting.exception(5) is not None
    with pytest.raises(Unavailable):
        asker.begin("ASK {}")
