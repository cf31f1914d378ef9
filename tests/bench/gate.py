"""Records a second through the gate, and through plain jsonschema, rdflib and pyshacl on the same records."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import jsonschema
import orjson
import pyshacl
import rdflib
from referencing import Registry, Resource

from catalog.assembly import Catalog
from catalog.records.finding import Finding
from catalog.records.parse import read_submission
from tests.bench import records
from tests.bench.figures import COUNT, RECORDS, note, say
from tests.bench.opened import opened

BATCH = 500
PEER_COUNT = 1_000
PEER_BATCH = 50


def main() -> None:
    """Both figures, from one run."""
    records.write(RECORDS, COUNT)
    lines = RECORDS.read_bytes().splitlines()
    with opened() as catalog:
        say("gate", _gate(catalog, lines, threads=catalog.settings.gate_threads), "records/s")
        say("gate-two-threads", _gate(catalog, lines, threads=2), "records/s")
        say("gate-peer", _peer(catalog, lines[:PEER_COUNT]), "records/s")


def _gate(catalog: Catalog, lines: list[bytes], threads: int) -> float:
    def judge(batch: list[bytes]) -> list[Finding]:
        judged = catalog.gate.judge([read_submission(line) for line in batch])
        return [finding for each in judged for finding in each.findings]

    batches = iter([lines[start : start + BATCH] for start in range(0, len(lines), BATCH)])
    for batch in islice(batches, 1):  # what is made once is not what is measured
        judge(batch)
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        findings = [finding for found in pool.map(judge, batches) for finding in found]
    took = time.perf_counter() - began
    if findings:
        raise SystemExit(f"the gate found fault with the measured records: {findings[0]}")
    return (len(lines) - BATCH) / took


def _peer(catalog: Catalog, lines: list[bytes]) -> float:
    """The same verdict by the field's own libraries: schema, linked form to triples, SHACL."""
    kinds = catalog.kinds
    registry: Registry[object] = Registry().with_resources(
        [(address, Resource.from_contents(schema)) for address, schema in kinds.schemas.items()]
    )
    validators = {
        name: jsonschema.Draft202012Validator(dict(kind.schema), registry=registry) for name, kind in kinds.items()
    }
    shapes = rdflib.Graph().parse(data=b"\n".join(kinds.shapes.values()), format="turtle")
    note(f"gate-peer: {len(lines)} of the records, since it is slow")
    linked = [each.linked for each in catalog.gate.judge([read_submission(line) for line in lines])]
    began = time.perf_counter()
    for start in range(0, len(lines), PEER_BATCH):
        documents = []
        for line, form in zip(lines[start : start + PEER_BATCH], linked[start : start + PEER_BATCH], strict=True):
            submission = orjson.loads(line)
            validators[submission["kind"]].validate(submission["body"])
            if form is None:
                raise SystemExit("the gate refused a measured record")
            documents.append(form.document)
        graph = rdflib.Graph()
        text = orjson.dumps({"@context": kinds.context, "@graph": documents})
        graph.parse(data=text, format="json-ld", base="https://gate.invalid/")
        conforms, _, told = pyshacl.validate(graph, shacl_graph=shapes)
        if not conforms:
            raise SystemExit(told)
    return len(lines) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
