"""What the process apart does when `second_opinion` asks: the slower engines, one question a line, one answer a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import IO, Any

import jsonschema
import orjson
import pyshacl
import rdflib
from rdflib.namespace import SH
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def answer_questions(questions: IO[bytes] | None = None, answers: IO[bytes] | None = None) -> None:
    """Answer until nobody asks any more."""
    incoming, outgoing = questions or sys.stdin.buffer, answers or sys.stdout.buffer
    for line in incoming:
        question = orjson.loads(line)
        try:
            told = {"answer": ANSWERS[question["do"]](question)}
        except Exception as problem:  # noqa: BLE001  whatever fails here is told to whoever asked
            told = {"failed": f"{type(problem).__name__}: {problem}"}
        outgoing.write(orjson.dumps(told) + b"\n")
        outgoing.flush()


def explain(question: Mapping[str, Any]) -> list[tuple[str, str | None, str]]:
    """Focus node, path (if it is a predicate) and message of everything that pyshacl finds wrong with a graph."""
    data = rdflib.Graph().parse(data=question["graph"], format="nt")
    _, report, _ = pyshacl.validate(data, shacl_graph=_shapes(question["shapes"]), inference="none", inplace=True)
    told: list[tuple[str, str | None, str]] = []
    for result in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        path = report.value(result, SH.resultPath)
        focus = report.value(result, SH.focusNode)
        message = report.value(result, SH.resultMessage)
        told.append((str(focus), str(path) if isinstance(path, rdflib.URIRef) else None, str(message)))
    return told


@lru_cache(maxsize=16)
def _shapes(turtle: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=turtle, format="turtle")


def validate(question: Mapping[str, Any]) -> bool:
    """Whether a document keeps the schema at an address among those that came with the question."""
    resources: Mapping[str, Any] = question["resources"]
    registry: Registry[Any] = Registry().with_resources(
        [
            (address, Resource.from_contents(schema, default_specification=DRAFT202012))
            for address, schema in resources.items()
        ]
    )
    schema = resources[question["address"]]
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return bool(validator(schema, registry=registry).is_valid(question["document"]))


ANSWERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"explain": explain, "validate": validate}
