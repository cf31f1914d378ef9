"""The engines that decide are held to the slower ones that define: jsonschema, shifty's whole answer, pyshacl."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from catalog.records.dates import is_date
from catalog.records.identifiers import record_id
from catalog.records.linked import link_up
from catalog.records.record import Source, Submission
from catalog.records.triples import read_by_engine, triples
from catalog.validation.compiled_shapes import ShapeCompiler
from catalog.validation.gate import BASE, Gate
from catalog.validation.profiles import CompiledProfile
from catalog.validation.schema import compile_schema, registry_of
from catalog.validation.shapes import Shapes
from tests.generated import bodies
from tests.unit.validation.linked_forms import KINDS

SHAPES = Shapes(b"\n".join(KINDS.shapes.values()))
COMPILER = ShapeCompiler(SHAPES.statements, KINDS.context)
QUICK = {name: compile_schema(COMPILER.schema_for(kind), format_means="annotation") for name, kind in KINDS.items()}
REGISTRY = registry_of(KINDS.schemas)
DECIDES = {
    name: compile_schema(dict(kind.schema), registry=REGISTRY, format_means="annotation")
    for name, kind in KINDS.items()
}
RESOURCES: Registry[Any] = Registry().with_resources(
    [(address, Resource.from_contents(schema, DRAFT202012)) for address, schema in KINDS.schemas.items()]
)
# Few fields stand in each body, and shrinking what is drawn from sixty takes minutes.
QUICKLY = {
    "phases": (Phase.reuse, Phase.generate),
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
STRANGE: tuple[Any, ...] = (None, True, 0, -1, 1.5, 1e400, "", " ", "x", "a b", "en", "2026-05-10", "sample/a/b", "https://a.b/c d", [], [1], ["x", "x"], {}, {"en": "x"}, {"to": "x"}, {"@id": "x"}, {"term": "a:b"}, {"value": 1, "unit": "g"}, {"unit": ""})  # fmt: skip


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in inner:
        yield (*path, step)
        yield from places_in(part, (*path, step))


@st.composite
def spoilt(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A body of a kind with one change somewhere, which may or may not keep the schema."""
    body = copy.deepcopy(draw(bodies(KINDS, name)))
    places = list(places_in(body))
    holder: Any = body
    if places:
        path = draw(st.sampled_from(places))
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[path[-1]] = draw(st.sampled_from(STRANGE))
            return body
    key = draw(st.sampled_from((*KINDS[name].field, "tytle", "@type", "__proto__")))
    (holder if isinstance(holder, dict) else body)[key] = draw(st.sampled_from(STRANGE))
    return body


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=6, **QUICKLY)
@given(data=st.data())
def test_jsonschema_says_the_same_of_spoilt_bodies(name: str, data: st.DataObject) -> None:
    body = data.draw(spoilt(name))
    oracle = jsonschema.Draft202012Validator(dict(KINDS[name].schema), registry=RESOURCES)
    assert DECIDES[name].is_valid(body) == oracle.is_valid(body), json.dumps(body)


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=6, **QUICKLY)
@given(data=st.data())
def test_a_body_that_keeps_its_schema_never_becomes_a_graph(name: str, data: st.DataObject) -> None:
    body = data.draw(bodies(KINDS, name))
    linked = link_up(KINDS[name], record_id(name, "somewhere", "1"), body, {})
    assert QUICK[name].is_valid(linked.document), linked.document
    assert not SHAPES.broken(triples(KINDS, [linked.document], BASE))
    assert not SHAPES.broken(read_by_engine(KINDS, [linked.document], BASE))


class Nothing:
    def find(self, reference: str) -> CompiledProfile | None:
        return None


class Anywhere:
    def find(self, id: str) -> Source | None:
        return Source(id, 1, {}, id)


GATE = Gate(KINDS, Nothing(), Anywhere())


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=6, **QUICKLY)
@given(data=st.data())
def test_the_gate_refuses_with_a_reason_or_accepts_without_one(name: str, data: st.DataObject) -> None:
    body = data.draw(spoilt(name))
    judged = GATE.judge([Submission(name, "somewhere", "1", body)])[0]
    violations = [finding for finding in judged.findings if finding.severity == "violation"]
    assert (judged.breaks == "nothing") == (not violations)
    assert (judged.linked is None) == (judged.breaks == "kind")
    for finding in judged.findings:
        assert set(finding.messages) == {"en", "ja"}
        assert all(finding.messages.values())
        json.dumps(finding.document())


def test_an_oracle_that_is_asked_about_formats_agrees_on_dates() -> None:
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("edtf")(is_date)
    oracle = jsonschema.Draft202012Validator(dict(KINDS["sample"].schema), registry=RESOURCES, format_checker=checker)
    decides = compile_schema(dict(KINDS["sample"].schema), registry=REGISTRY, formats={"edtf": is_date})
    for date in ("2026-05-10", "2026-02-30", "cold", "2019/2020", "not collected"):
        assert decides.is_valid({"collectedAt": date}) == oracle.is_valid({"collectedAt": date})
