"""GraphQL requests a second by HTTP, with eight connections, here and by its peers, over the same rows and for the same answers.

Three questions: a list of 100 with what belongs to each, one object, and 20 by a link two levels away. The peers are
PostGraphile 4 and 5 and Strawberry with SQLAlchemy on one PostgreSQL; the best of them is told. Ours are asked again of a
catalogue in which the reader may see the same records and no others.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import note, say
from tests.bench.graphql_catalogue import DATASETS, HERE, PROJECTS, closed_data, open_data, tables
from tests.bench.graphql_peers import PEERS, WORKERS, Peer
from tests.bench.peers import postgresql
from tests.bench.read import served, wrk
from tests.bench.records import SOURCE

# Short and often: a virtual machine is half as fast at some moments, and what is told is the best of the rounds.
SECONDS, WARMING, ROUNDS = 5, 2, 5
QUESTIONS = ("list", "one", "links")
IDS = 2_000
# What each question is asked of, all of it compared before any of it is measured.
VARIABLES: Mapping[str, list[dict[str, str]]] = {
    "list": [{}],
    "one": [{"id": f"dataset/{SOURCE}/d-{number * 7_919 % DATASETS:07d}"} for number in range(IDS)],
    "links": [{"project": f"project/{SOURCE}/p-{number * 37 % PROJECTS:04d}"} for number in range(PROJECTS)],
}
OURS = {
    "list": """{ datasets(first: 100, orderBy: [{by: title}]) { nodes {
        id title contributors(role: "creator") { nodes { names } } attributes { name quantity { value unit } }
        samples { nodes { title } } } } }""",
    "one": "query ($id: ID!) { dataset(id: $id) { id title } }",
    "links": """query ($project: ID!) {
        datasets(first: 20, where: {samples: {some: {where: {projects: {some: {to: [$project]}}}}}}) {
          nodes { id title samples { nodes { title } } } } }""",
}


@dataclass(frozen=True)
class Side:
    """One that is asked, while it runs."""

    address: str
    queries: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, question: str, variables: Mapping[str, str]) -> Any:
        """The data of one answer; SystemExit if there were errors."""
        document = self._document(question, variables).encode()
        asked = urllib.request.Request(self.address, document, self._headers())
        with urllib.request.urlopen(asked, timeout=60) as response:
            told = json.load(response)
        if "errors" in told:
            raise SystemExit(f"{self.address}: {question}: {told['errors']}")
        return told["data"]

    def rate(self, question: str, seconds: float) -> float:
        """Answers a second as wrk counts them, each to other variables; SystemExit if one was no answer."""
        script = HERE / "ask.lua"
        script.write_text(self._script(question))
        command = [wrk(), "-t1", "-c8", f"-d{seconds:g}s", "-s", str(script), self.address]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
        if found is None or "Non-2xx" in told or "Socket errors" in told:
            raise SystemExit(told)
        return float(found.group(1))

    def _script(self, question: str) -> str:
        """What wrk sends. It looks at no answer: that would be its own time, on the same two cores."""
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in self._headers().items())
        bodies = ",\n".join(f"[==[{self._document(question, each)}]==]" for each in VARIABLES[question])
        return (
            f'wrk.method = "POST"\n{headers}local bodies = {{\n{bodies}\n}}\nlocal at = 0\n'
            "request = function()\n  at = at % #bodies + 1\n  return wrk.format(nil, nil, nil, bodies[at])\nend\n"
        )

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Accept": "application/json", **self.headers}

    def _document(self, question: str, variables: Mapping[str, str]) -> str:
        return json.dumps({"query": self.queries[question], "variables": variables})


def leaves(told: Any) -> Iterator[Any]:
    """What an answer says, in its order, without the objects and lists in which each side wraps it."""
    if isinstance(told, Mapping | list):
        for each in told.values() if isinstance(told, Mapping) else told:
            yield from leaves(each)
    else:
        yield told


def main() -> None:
    """Ask all sides the same, see that they answer the same, and say how often each did."""
    chosen = argparse.ArgumentParser(description=__doc__)
    chosen.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement (5)")
    chosen.add_argument("--only", choices=("ours", "peers"), help="measure one half, for whoever works on it")
    given = chosen.parse_args()
    expected = _Expected()
    best: dict[str, dict[str, float]] = {}
    for number in range(ROUNDS):
        for name, side in _sides(given.only):
            with side as asked:
                if number == 0:
                    expected.hold(name, asked)
                rates = best.setdefault(name, dict.fromkeys(QUESTIONS, 0.0))
                for question in QUESTIONS:
                    asked.rate(question, min(WARMING, given.seconds))
                    rates[question] = max(rates[question], asked.rate(question, given.seconds))
    for name, rates in best.items():
        note(f"{name}: " + ", ".join(f"{question} {rate:,.0f}" for question, rate in rates.items()) + " requests/s")
    _say(best)


def _say(best: Mapping[str, Mapping[str, float]]) -> None:
    peers = [rates for name, rates in best.items() if name not in ("open", "limited")]
    for question in QUESTIONS:
        if "open" in best:
            say(f"graphql-{question}", best["open"][question], "requests/s")
        if peers:
            say(f"graphql-{question}-peer", max(rates[question] for rates in peers), "requests/s")
    if "limited" in best:
        ratios = {question: best["open"][question] / best["limited"][question] for question in QUESTIONS}
        note(", ".join(f"{question} {ratio:.2f}" for question, ratio in ratios.items()) + " times slower when limited")
        say("graphql-limited-ratio", max(ratios.values()), "times")


class _Expected:
    """What the first side answered, which all others must answer too."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], list[Any]] = {}

    def hold(self, name: str, side: Side) -> None:
        """SystemExit if it answers anything else."""
        for question in QUESTIONS:
            for place, variables in enumerate(VARIABLES[question]):
                told = list(leaves(side.answer(question, variables)))
                first = self._first.setdefault((question, place), told)
                if told != first or not told or None in told:
                    raise SystemExit(f"{name}: {question} {variables}: {told[:20]}, where {first[:20]} was expected")


def _sides(only: str | None) -> Iterator[tuple[str, AbstractContextManager[Side]]]:
    """Each side, started while it is asked and at no other time: none takes anything from another."""
    if only != "peers":
        yield "open", _ours(open_data())
        yield "limited", _ours(*closed_data())
    if only != "ours":
        with postgresql() as server, server.database() as database:
            tables(database)
            for peer in PEERS:
                yield peer.name, _peer(peer, database)


@contextmanager
def _ours(data: Path, token: str | None = None) -> Iterator[Side]:
    with served(data, workers=WORKERS) as address:
        yield Side(f"{address}/graphql", OURS, {"Authorization": f"Bearer {token}"} if token else {})


@contextmanager
def _peer(peer: Peer, database: str) -> Iterator[Side]:
    with peer.served(database) as address:
        yield Side(address, peer.queries)


if __name__ == "__main__":
    main()
