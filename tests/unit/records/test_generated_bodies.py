"""A body that keeps its kind's schema becomes a graph that keeps the kind's shapes, and nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pyoxigraph as ox
import pytest
import shifty
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.records.dates import is_date
from catalog.records.kinds import load_kinds
from catalog.records.linked import link_up
from tests.generated import bodies

KINDS = load_kinds()
BASE = "https://catalogue.example/"
SHAPES = shifty.PreparedValidator(b"\n".join(KINDS.shapes.values()))
RESOURCES: list[Any] = list(KINDS.schemas.items())
REGISTRY: Any = jsonschema_rs.Registry(RESOURCES)


@pytest.mark.parametrize("name", sorted(KINDS))
# Few fields stand in each body, and shrinking what is drawn from sixty takes minutes.
@settings(max_examples=25, phases=(Phase.reuse, Phase.generate))
@given(data=st.data())
def test_a_generated_body_passes_schema_and_shapes_alike(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    body = data.draw(bodies(KINDS, name))
    check = jsonschema_rs.Draft202012Validator(
        dict(kind.schema), registry=REGISTRY, formats={"edtf": is_date}, validate_formats=True, offline=True
    )
    assert [error.message for error in check.iter_errors(body)] == []

    linked = link_up(kind, f"{name}/somewhere/1", body, {})
    assert linked.findings == ()

    text = json.dumps({"@context": dict(KINDS.context), **linked.document}).encode()
    quads = list(ox.parse(text, format=ox.RdfFormat.JSON_LD, base_iri=BASE))
    subjects = {quad.subject.value for quad in quads if isinstance(quad.subject, ox.NamedNode)}
    own = BASE + f"{name}/somewhere/1"
    assert len({quad.subject for quad in quads}) == len(subjects)
    # A link's fragment speaks for itself; all else is the record or a part of it.
    assert all(subject == own or subject.startswith(own + "#") for subject in subjects)
    graph = ox.serialize(quads, format=ox.RdfFormat.N_TRIPLES) or b""
    found = SHAPES.validate_algebra(graph, graph_mode="data", infer=False)
    assert [str(reason) for violation in found.violations for reason in violation.reasons] == []
