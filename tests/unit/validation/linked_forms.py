"""Linked forms for the tests of shapes: true to life, and changed at random places."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox
from hypothesis import assume, reject
from hypothesis import strategies as st

from catalog.records.kinds import Field, Kind, Kinds, load_kinds
from catalog.records.linked import link_up

KINDS = load_kinds()
BASE = "https://gate.invalid/"

SAMPLE: dict[str, Any] = {
    "title": {"en": "XAFS pellet of a cathode", "ja": "正極材料の試料"},
    "description": {"en": "Pressed with boron nitride."},
    "sampleType": "pellet",
    "formula": "LiNi0.5Mn1.5O4",
    "elements": ["Li", "Ni", "Mn", "O"],
    "amount": {"value": 25.5, "unit": "mg"},
    "collectedAt": "2026-05-10",
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "projects": ["project/spring8/2026A0100"],
    "custodians": [{"to": "agent/spring8/u1", "role": "owner"}],
    "contributors": [{"to": "agent/spring8/a", "role": "creator", "order": 1}, "agent/spring8/b"],
    "identifiers": [{"scheme": "igsn", "value": "10.1/abc", "primary": True}],
    "attributes": [
        {"name": "mirror coating", "value": "Rh"},
        {"name": "temperature", "quantity": {"value": 25, "unit": "Cel", "uncertainty": 0.5}},
        {"name": "range", "quantity": {"min": 1, "max": 2.5, "unit": "keV"}},
        {"name": "n", "value": 3, "origin": "curated"},
    ],
    "keywords": ["cathode", "XAFS"],
    "place": {"lat": 34.9, "long": 134.4, "country": "Japan"},
    "organism": {"taxId": 9606, "name": "Homo sapiens"},
    "details": {"@id": "kept", "deep": [1, {"type": "x"}]},
}


def linked_sample(kinds: Kinds, body: dict[str, Any] | None = None, local_id: str = "s-1") -> dict[str, Any]:
    """The linked form of a sample."""
    return link_up(kinds["sample"], f"sample/spring8/{local_id}", body or SAMPLE, {}).document


def graph_of(kinds: Kinds, *documents: dict[str, Any]) -> bytes:
    """The graph of linked forms, by the engine that defines what the context means."""
    text = json.dumps({"@context": dict(kinds.context), "@graph": list(documents)}).encode()
    triples = {quad.triple for quad in ox.parse(text, format=ox.RdfFormat.JSON_LD, base_iri=BASE)}
    written = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    assert written is not None
    return written


def readable_graph(kinds: Kinds, document: dict[str, Any]) -> bytes:
    """The graph of a changed document; one that is no JSON-LD any more is no example."""
    try:
        return graph_of(kinds, document)
    except SyntaxError:
        reject()


def keeps_its_promise(document: Any, kind: Kind) -> bool:
    """Whether nodes nest only where the linked form ever nests them, and each id is there once."""
    seen: list[str] = []

    def nodes_only_in(value: Any, fields: tuple[Field, ...], may_be_node: bool) -> bool:
        if isinstance(value, list):
            return all(nodes_only_in(item, fields, may_be_node) for item in value)
        if not isinstance(value, dict):
            return True
        if "id" in value:
            seen.append(value["id"])
            if not may_be_node:
                return False
        holding = {field.linked: field for field in fields if field.form in ("links", "quantity", "object")}
        return all(
            key == "details"
            or nodes_only_in(
                inner,
                fields if key == "as" else holding[key].fields if key in holding else (),
                key in holding or key == "as",
            )
            for key, inner in value.items()
        )

    return nodes_only_in(document, kind.fields, True) and len(seen) == len(set(seen))


def places_in(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a document but its ids, and the foreign document, which is one value."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key not in ("id", "to", "of", "@type"):
                yield (*path, key)
                if key != "details":
                    yield from places_in(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield (*path, index)
            yield from places_in(value, (*path, index))


STRANGE_VALUES: tuple[Any, ...] = (
    "", "x", "Zz9", "submitted", "input", "ja", "2026-05-10", "https://example.org/x", "sample/a/b", 0, 1, -1, 91.5, 1e300, True, False,
    [], {}, ["a", "b"], ["a", "a"], [1, 2], {"en": "x"}, {"en": ["x", "y"]}, {"en": "x", "en-GB": "y"}, {"@type": "year", "is": "2019"},
    {"@type": "date", "is": "2026-02-30"}, {"@type": "dateTime", "is": "2026-05-10T07:43:00+09:00"}, {"is": "plain"}, {"to": "agent/x/y"},
    {"id": "sample/spring8/s-1#odd", "type": "Quantity"}, {"id": "sample/spring8/s-1#odd", "type": ["PropertyValue", "Quantity"], "name": "n", "value": 3},
    {"id": "sample/spring8/s-1#odd"}, "Quantity", ["Quantity"], "Link", "Place",
)  # fmt: skip


@st.composite
def changed_samples(draw: st.DrawFn) -> dict[str, Any]:
    """A sample's linked form with one to three changes anywhere in it."""
    kind = KINDS["sample"]
    made = copy.deepcopy(linked_sample(KINDS))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places_in(made) if path != ("type",)]))
        holder = made
        for step in path[:-1]:
            holder = holder[step]
        what = draw(st.sampled_from(("leave out", "replace", "put in a list", "add to", "put beside")))
        value = copy.deepcopy(draw(st.sampled_from(STRANGE_VALUES)))
        if what == "leave out":
            del holder[path[-1]]
        elif what == "replace":
            holder[path[-1]] = value
        elif what == "put in a list":
            holder[path[-1]] = (
                [holder[path[-1]]] if not isinstance(holder[path[-1]], list) else [*holder[path[-1]], value]
            )
        elif what == "add to" and isinstance(holder, dict):
            holder[draw(st.sampled_from(sorted(field.linked for field in kind.fields)))] = value
        elif isinstance(holder, dict):
            old = holder[path[-1]]
            holder[path[-1]] = [*old, value] if isinstance(old, list) else [old, value]
    assume(keeps_its_promise(made, kind))
    return made
