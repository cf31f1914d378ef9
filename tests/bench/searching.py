"""Milliseconds of searches with count and five facets in a million documents; under 500 scopes; and of suggestions."""

from __future__ import annotations

import argparse
import random
import statistics
import time
import urllib.parse
from collections.abc import Sequence

from catalog.assembly import Catalog, open_catalog
from catalog.discovery.search import search
from catalog.questions.reader import Grant, Reader
from catalog.questions.search import SearchQuestion
from catalog.settings import read_settings
from tests.bench.figures import say
from tests.bench.large_records import GROUPS, vocabulary
from tests.bench.read import served
from tests.bench.settled import filled_large
from tests.bench.submit import got, percentile
from tests.data import data_folder

QUERIES = 300
FACETS = ("kind", "source", "type", "keywords", "techniques")


def main() -> None:
    """Fill a catalogue once, then ask by HTTP, and in the process for readers of many scopes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--factor", type=float, default=1.0, help="1.0 is a million records")
    factor = arguments.parse_args().factor
    data = filled_large(factor)
    suffix = "" if factor == 1.0 else f"-{factor}"
    draw = random.Random(7)
    words = vocabulary(data_folder())
    texts = [" ".join(draw.choice(words) for _ in range(draw.randint(1, 3))) for _ in range(QUERIES)]
    with served(data) as address:
        facets = "".join(f"&facet={name}" for name in FACETS)
        paths = [f"/search?q={urllib.parse.quote(text)}{facets}" for text in texts]
        say_times(f"search{suffix}", [seconds(address, path) for path in warm(address, paths)])
        starts = [word[: draw.randint(2, 5)] for word in draw.sample(words, QUERIES)]
        paths = [f"/search/suggestions?q={urllib.parse.quote(start)}" for start in starts]
        say_times(f"suggest{suffix}", [seconds(address, path) for path in warm(address, paths)])
    catalog = open_catalog(read_settings(data=data))
    try:
        say_scopes(catalog, texts, suffix)
    finally:
        catalog.close()


def warm(address: str, paths: Sequence[str]) -> Sequence[str]:
    """The paths, after a few others of their sort have been asked: what is read once in a server's life is in memory."""
    for path in paths[:20]:
        got(address, path)
    return paths[20:]


def seconds(address: str, path: str) -> float:
    """How long an answer took."""
    began = time.perf_counter()
    got(address, path)
    return time.perf_counter() - began


def say_times(name: str, took: list[float]) -> None:
    """The middle, and what one in twenty exceeds."""
    say(f"{name}-p50", percentile(took, 50) * 1000, "ms")
    say(f"{name}-p95", percentile(took, 95) * 1000, "ms")


def asked(catalog: Catalog, words: str, reader: Reader) -> None:
    """The same search without HTTP."""
    search(SearchQuestion(words, facets=FACETS), reader, index=catalog.index, answers=catalog.answers)


def say_scopes(catalog: Catalog, texts: list[str], suffix: str) -> None:
    """How much longer a search takes for whoever may read in 500 scopes of their own, or in every other, than for anybody."""
    grants = tuple(Grant("read", f"large/group-{number:03d}") for number in range(GROUPS))
    by_reader = {}
    # Who may read in all of them is held to no scope at all; in every other, the scopes make a set with gaps.
    readers = {"nobody": Reader("nobody"), "many": Reader("many", grants), "half": Reader("half", grants[::2])}
    for name, reader in readers.items():
        asked(catalog, texts[0], reader)
        took = []
        for text in texts[20:]:
            began = time.perf_counter()
            asked(catalog, text, reader)
            took.append(time.perf_counter() - began)
        by_reader[name] = statistics.median(took)
    say(f"search-500-ratio{suffix}", by_reader["many"] / by_reader["nobody"], "times")
    say(f"search-{len(grants[::2])}-ratio{suffix}", by_reader["half"] / by_reader["nobody"], "times")


if __name__ == "__main__":
    main()
