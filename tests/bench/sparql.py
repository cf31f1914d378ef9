"""Milliseconds of ten SPARQL queries of rising weight, over what everyone reads and with 1, 3 and 10 scopes beside."""

from __future__ import annotations

import statistics
import time

from catalog.assembly import Catalog, open_catalog
from catalog.discovery.sparql import Asked, ask, dataset_of
from catalog.questions.reader import Grant, Reader
from catalog.settings import read_settings
from tests.bench.figures import say
from tests.bench.settled import filled_large

FACTOR = 0.02
TIMES = 3
LONGEST_SECONDS = 60.0
SCOPES = (0, 1, 3, 10)
PREFIXES = """
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX schema: <https://schema.org/>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX qudt: <http://qudt.org/schema/qudt/>
"""
# From a point to a scan: each asks for more of the graph than the one before.
QUERIES = {
    "ask": "ASK { ?record a musubi:Experiment }",
    "point": "SELECT ?p ?o WHERE { <sample/archive/sample-0000001> ?p ?o }",
    "title": 'SELECT ?record WHERE { ?record dcterms:title ?title FILTER(lang(?title) = "ja") } LIMIT 50',
    "page": "SELECT ?record ?title WHERE { ?record a musubi:Dataset ; dcterms:title ?title } LIMIT 100",
    "two-steps": "SELECT ?d ?t WHERE { ?d a musubi:Dataset ; prov:wasGeneratedBy ?e . ?e dcterms:title ?t } LIMIT 500",
    "quantity": "SELECT ?r ?v WHERE { ?q musubi:siMin ?v ; qudt:hasUnit ?u . ?r musubi:condition ?q FILTER(?v > 1e-9) } LIMIT 500",
    "path": "SELECT ?d ?p WHERE { ?d prov:wasGeneratedBy/musubi:project ?p } LIMIT 2000",
    "count": "SELECT (count(*) AS ?n) WHERE { ?record a musubi:Sample }",
    "group": "SELECT ?i (count(*) AS ?n) WHERE { ?e schema:instrument ?i } GROUP BY ?i ORDER BY DESC(?n) LIMIT 10",
    "optional": (
        "SELECT ?e (count(?d) AS ?n) WHERE { ?e a musubi:Experiment OPTIONAL { ?d prov:wasGeneratedBy ?e } }"
        " GROUP BY ?e ORDER BY DESC(?n) LIMIT 10"
    ),
}


def main() -> None:
    """Each query a few times for each number of scopes; the middle is said."""
    data = filled_large(FACTOR)
    catalog = open_catalog(read_settings(data=data))
    try:
        for number in SCOPES:
            grants = tuple(Grant("read", f"large/group-{one * 4:03d}") for one in range(number))
            for name, query in QUERIES.items():
                say(f"sparql-{name}-{number}", middle(catalog, PREFIXES + query, Reader("bench", grants)) * 1000, "ms")
    finally:
        catalog.close()


def middle(catalog: Catalog, query: str, reader: Reader) -> float:
    """The seconds that an answer takes, from the question to its last byte."""
    took = []
    for time_ in range(TIMES + 1):
        began = time.perf_counter()
        asked = Asked(query, seconds=LONGEST_SECONDS)
        dataset = dataset_of(asked, reader, scopes=catalog.scopes, base=catalog.base)
        answer = ask(
            asked,
            dataset,
            "bench",
            pool=catalog.sparql,
            book=catalog.book,
            base=catalog.base,
            prefixes={},
        ).result()
        for _ in answer.body:
            pass
        # The first opens what a server has open.
        if time_:
            took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    main()
