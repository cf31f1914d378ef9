"""Made-up bodies of every kind pass the gate, and its schema and shapes agree, whichever engine is asked."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyshacl
import pytest
import rdflib
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.records.kinds import Kinds, load_kinds
from catalog.records.linked import link_up
from catalog.records.record import Source, Submission
from catalog.records.shipped import shipped
from catalog.records.triples import triples
from catalog.validation.compiled_shapes import ShapeCompiler
from catalog.validation.gate import Gate, ShapesJudge, judge_of_shapes
from catalog.validation.shapes import Shapes
from tests.conftest import PROJECT
from tests.strategies import bodies

# A kind that is not ours is held to the same: it is nothing but files.
KINDS = load_kinds(shipped(), PROJECT / "tests" / "service" / "fifteenth")
BASE = "https://catalogue.example/"
# Drawing is dear and a graph dearer, and all of this has to fit into some seconds: a few bodies at a time.
AT_ONCE = 8
ROUNDS = 6


class Nothing:
    """No profile is registered."""

    def find(self, reference: str) -> None:
        return None


class AnySource:
    """Every source is known."""

    def find(self, id: str) -> Source:
        return Source(id, 1, {}, home_scope="lab")


@cache
def shapes() -> Shapes:
    return Shapes(b"\n".join(KINDS.shapes.values()))


@cache
def gate(kinds: Kinds = KINDS) -> Gate:
    return Gate(kinds, Nothing(), AnySource())


@cache
def judge(name: str) -> ShapesJudge:
    return judge_of_shapes(ShapeCompiler(shapes().statements, KINDS.context), KINDS[name], shapes(), "kind")


@cache
def read_shapes() -> rdflib.Graph:
    return rdflib.Graph().parse(data=shapes().turtle, format="turtle")


def submissions(name: str, drawn: list[dict[str, Any]]) -> list[Submission]:
    return [Submission(name, "somewhere", f"n{number}", body) for number, body in enumerate(drawn)]


@pytest.mark.parametrize("name", sorted(KINDS))
# Few fields stand in each body, and shrinking what is drawn from sixty takes minutes.
@settings(max_examples=ROUNDS, phases=(Phase.reuse, Phase.generate))
@given(data=st.data())
def test_generated_bodies_pass_the_gate_and_both_halves_of_its_shapes(name: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(bodies(KINDS, name), min_size=AT_ONCE, max_size=AT_ONCE))

    for judged in gate().judge(submissions(name, drawn)):
        assert [finding.document() for finding in judged.findings] == []
        assert judged.breaks == "nothing"
        assert judged.linked is not None
        # The gate asks the graph only where the compiled shapes do not say yes; here both are asked.
        assert judge(name).accepts(judged.linked.document)
        assert not judge(name).shapes.broken(triples(KINDS, [judged.linked.document], BASE))


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=3, phases=(Phase.reuse, Phase.generate))
@given(data=st.data())
def test_an_engine_of_others_finds_nothing_either(name: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(bodies(KINDS, name), min_size=AT_ONCE, max_size=AT_ONCE))
    documents = [
        link_up(KINDS[name], f"{name}/somewhere/{number}", body, {}).document for number, body in enumerate(drawn)
    ]
    graph = rdflib.Graph().parse(data=triples(KINDS, documents, BASE), format="nt")

    conforms, _, told = pyshacl.validate(graph, shacl_graph=read_shapes(), inference="none")

    assert conforms, told


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kinds_shapes_say_no_too(name: str) -> None:
    # Nothing above would notice shapes that accept everything: two licences are one too many for whatever record.
    body: dict[str, Any] = {"license": "https://creativecommons.org/licenses/by/4.0/"}
    document = link_up(KINDS[name], f"{name}/somewhere/1", body, {}).document
    two = {**document, "license": [document["license"], "https://creativecommons.org/publicdomain/zero/1.0/"]}

    assert "maxCount" in {one.constraint for one in shapes().broken(triples(KINDS, [two], BASE))}
    assert not judge(name).accepts(two)
    graph = rdflib.Graph().parse(data=triples(KINDS, [two], BASE), format="nt")
    conforms, _, _ = pyshacl.validate(graph, shacl_graph=read_shapes(), inference="none")
    assert not conforms
