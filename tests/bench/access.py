"""How much longer it takes for whoever may read in 50,000, or in 500, of 100,000 scopes than without any filter."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle

import orjson

from catalog.access.policy import ScopeFacts, decide
from catalog.assembly import Catalog, open_catalog
from catalog.discovery.search import search
from catalog.questions.check import check, check_telling
from catalog.questions.question import And, Compare, Linked, Measured, Order, Question, Selection
from catalog.questions.reader import ADMINISTRATOR, Reader
from catalog.questions.search import SearchQuestion
from catalog.questions.telling import Drawn, Edges, Listing, Nodes, Telling, Total, Way
from catalog.records.standing import scope_path
from catalog.settings import read_settings
from tests.bench.access_catalogue import NOW, filled, place_of, reader_key
from tests.bench.figures import note, say

TIMES = 15
DEEP = 40  # pages before the deep one
DECISIONS = 20_000
FACETS = ("kind", "source", "type", "keywords", "techniques")
TEXTS = ("lysozyme", "zeolite powder", "perovskite", "tomography", "superalloy", "batch 777", "soil", "XAFS of batch")
READERS = {"50000": "person:many", "500": "person:some", "scattered": "person:scattered"}
TOLD = Selection(body=True, links=True)
NEWEST = Question(kinds=("experiment",), order=(Order("startedAt", descending=True),), selection=TOLD)
QUESTIONS = {
    "list": Question(kinds=("sample",), selection=TOLD),
    "list-newest": NEWEST,
    "list-counted": replace(NEWEST, count="bounded"),
    "list-filtered": Question(
        kinds=("experiment",),
        where=And((Compare("state", "eq", "complete"), Linked("instruments", targets=("instrument/bench/BL03XU",)))),
        selection=TOLD,
    ),
    "list-measured": Question(
        kinds=("experiment",), where=Measured("temperature", "condition", 400.0, 420.0), selection=TOLD
    ),
}
BODY = Drawn(0, ("body",))
DATASETS = Edges(
    "datasets", "in", (Nodes("nodes", Telling((Way((), (BODY,)),))),), "generatedBy", ("dataset",), first=10
)
USED = Edges("used", "out", (Nodes("nodes", Telling((Way((), (BODY,)),))),), "samples", first=5)
EXPERIMENTS = Edges(
    "experiments",
    "in",
    (Nodes("nodes", Telling((Way((), (BODY, DATASETS, USED)),))),),
    "samples",
    ("experiment",),
    order=(Order("startedAt", descending=True),),
    first=10,
)
RUNS = replace(EXPERIMENTS, field="instruments", page=(*EXPERIMENTS.page, Total("runs")), count="exact")
# Lists in lists, as GraphQL asks for them.
TOLD_ALONG = {
    "nested": Listing((Nodes("nodes", Telling((Way((), (BODY, EXPERIMENTS)),))),), ("sample",), first=20),
    "nested-hub": Listing((Nodes("nodes", Telling((Way((), (RUNS,)),))),), ("instrument",), first=5),
}


@dataclass(frozen=True, slots=True)
class Took:
    """The middle of many, in milliseconds: of this process's time on the processors, and by the clock."""

    processor: float
    clock: float


def main() -> None:
    """Every question by every reader in turn, so that whatever else the machine does falls on all of them alike."""
    catalog = open_catalog(read_settings(data=filled()))
    try:
        readers = {"all": ADMINISTRATOR, "nobody": catalog.readers.public()}
        for name, id in READERS.items():
            readers[name] = catalog.readers.person(reader_key(catalog, id), id)
        say_decisions(readers["50000"])
        worst: dict[str, float] = {}
        for what, ask in asked(catalog):
            took = taken(ask, readers)
            note(
                f"{what}: " + ", ".join(f"{each} {one.processor:.1f}/{one.clock:.1f} ms" for each, one in took.items())
            )
            for name in ("nobody", *READERS):
                ratio = took[name].processor / took["all"].processor
                worst[name] = max(worst.get(name, 0), ratio)
                say(f"access-{name}-ratio-{what}", ratio, "times")
        for name, ratio in worst.items():
            say(f"access-{name}-ratio", ratio, "times")
        say_requests(catalog, readers["50000"])
    finally:
        catalog.close()


def asked(catalog: Catalog) -> Iterator[tuple[str, Callable[[Reader], object]]]:
    """What is asked, by name."""
    answers = catalog.answers
    for name, question in QUESTIONS.items():
        checked = check(question, answers.vocabulary)
        yield name, lambda reader, checked=checked: answers.find(checked, reader)
    for name, listing in TOLD_ALONG.items():
        check_telling(listing, answers.vocabulary)
        yield name, lambda reader, listing=listing: answers.told([listing], reader, [_body])
    checked = check(NEWEST, answers.vocabulary)
    deep: dict[str, Question] = {}

    def page(reader: Reader) -> object:
        if reader.id not in deep:
            question = checked
            for _ in range(DEEP):
                question = replace(question, after=answers.find(question, reader).items[-1].at)
            deep[reader.id] = question
        return answers.find(deep[reader.id], reader)

    yield "list-deep", page
    texts = {id: cycle(TEXTS) for id in ("administrator", "public", *READERS.values())}

    def found(reader: Reader) -> object:
        # What was counted before of the same question is not to be had again.
        index = replace(catalog.index, counted=type(catalog.index.counted)())
        question = SearchQuestion(next(texts[reader.id]), facets=FACETS)
        return search(question, reader, index=index, answers=answers)

    yield "search", found


def _body(body: object, kind: str) -> str:
    return f'"body":{orjson.dumps(body).decode()}'


def taken(ask: Callable[[Reader], object], readers: Mapping[str, Reader]) -> dict[str, Took]:
    """How long a question takes for each reader, once it was asked before."""
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for number in range(TIMES + len(TEXTS)):
        for name, reader in readers.items():
            processor, clock = time.process_time(), time.perf_counter()
            ask(reader)
            if number >= len(TEXTS):
                told[name].append((time.process_time() - processor, time.perf_counter() - clock))
    return {
        name: Took(*(statistics.median(each) * 1_000 for each in zip(*took, strict=True)))
        for name, took in told.items()
    }


def say_decisions(reader: Reader) -> None:
    """One decision about a scope, for whoever has many grants."""
    scopes = [place_of(number).id for number in range(1_000)]
    facts = [ScopeFacts(id, scope_path(id), open=False) for id in scopes]
    decide("read", facts[0], reader, NOW)
    began = time.process_time()
    for number in range(DECISIONS):
        decide("read", facts[number % len(facts)], reader, NOW)
    say("access-check-us", (time.process_time() - began) / DECISIONS * 1e6, "us")


def say_requests(catalog: Catalog, reader: Reader) -> None:
    """What finding out who asks costs at each request, and after somebody's rights have changed."""
    key = reader_key(catalog, reader.id)

    def middle(ask: Callable[[], object], times: int) -> float:
        took = []
        for _ in range(times):
            began = time.process_time()
            ask()
            took.append(time.process_time() - began)
        return statistics.median(took)

    say("access-public-us", middle(catalog.readers.public, 2_000) * 1e6, "us")
    say("access-reader-us", middle(lambda: catalog.readers.person(key, reader.id), 2_000) * 1e6, "us")
    anew = middle(lambda: type(catalog.readers)(catalog.store).person(key, reader.id), 5)
    say("access-50000-made-ms", anew * 1_000, "ms")
    room = middle(lambda: type(catalog.index.audiences)(catalog.store).of(reader), 5)
    say("access-50000-room-ms", room * 1_000, "ms")
    say("access-50000-room-kept-us", middle(lambda: catalog.index.audiences.of(reader), 2_000) * 1e6, "us")


if __name__ == "__main__":
    main()
