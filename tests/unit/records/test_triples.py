"""The compiled reader says what Oxigraph says, by value; and says nothing about anything but the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyoxigraph as ox
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.errors import Malformed, Misconfigured
from catalog.records.identifiers import record_id
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.linked import link_up
from catalog.records.parse import read_submission
from catalog.records.record import Link
from catalog.records.triples import check_triples, read_by_engine, triples
from tests.strategies import bodies

KINDS = load_kinds()
# Bodies have few fields as they are, and making them smaller takes minutes.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
BASE = "https://catalogue.example/"
XSD = "http://www.w3.org/2001/XMLSchema#"


def by_value(nt: bytes) -> set[tuple[Any, ...]]:
    """The statements, numbers as numbers and JSON as JSON, since engines spell them differently."""
    made: set[tuple[Any, ...]] = set()
    for triple in ox.parse(nt, format=ox.RdfFormat.N_TRIPLES):
        said: Any = triple.object
        if isinstance(said, ox.Literal):
            value: Any = said.value
            if said.datatype.value == XSD + "double":
                value = float(value)
            elif said.datatype.value.endswith("#JSON"):
                value = orjson.dumps(orjson.loads(value), option=orjson.OPT_SORT_KEYS)
            said = (value, said.datatype.value, said.language)
        made.add((triple.subject, triple.predicate, said))
    return made


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=10, phases=UNSHRUNK)
@given(data=st.data())
def test_generated_records_are_read_as_the_engine_reads_them(name: str, data: st.DataObject) -> None:
    id = f"{name}/a/b"
    linked = link_up(KINDS[name], id, data.draw(bodies(KINDS, name)), {})

    told = triples(KINDS, [linked.document], BASE)

    assert by_value(told) == by_value(read_by_engine(KINDS, [linked.document], BASE))
    assert check_triples(told, BASE, {id: linked.links}) == {}


def test_the_good_examples_are_read_as_the_engine_reads_them(examples: Path) -> None:
    documents = []
    for path in sorted(examples.glob("good/*/*.json")):
        value = read_submission(path.read_bytes())
        id = record_id(value.kind, value.source, value.local_id or path.stem)
        documents.append(
            link_up(KINDS[value.kind], id, value.body, {"panet": "http://purl.org/pan-science/PaNET/"}).document
        )

    assert len(documents) >= len(KINDS)
    assert by_value(triples(KINDS, documents, BASE)) == by_value(read_by_engine(KINDS, documents, BASE))


def test_a_role_is_a_term_of_our_own_vocabulary() -> None:
    linked = link_up(KINDS["experiment"], "experiment/a/b", {"samples": [{"to": "sample/a/c", "role": "measured"}]}, {})

    assert b"<https://w3id.org/musubi/ns#role-measured>" in read_by_engine(KINDS, [linked.document], BASE)
    assert b"<https://w3id.org/musubi/ns#role-measured>" in triples(KINDS, [linked.document], BASE)


def test_what_a_source_calls_a_term_is_no_statement_about_the_term() -> None:
    rice = "http://purl.obolibrary.org/obo/NCBITaxon_4530"
    body = {
        "techniques": [{"term": rice, "label": {"ja": "イネ"}}],
        "keywords": [{"term": rice, "label": {"en": "rice"}}],
    }
    document = link_up(KINDS["experiment"], "experiment/a/b", body, {}).document
    assert document["techniques"] == [{"to": rice, "called": {"ja": "イネ"}}]
    told = by_value(triples(KINDS, [document], BASE))
    assert told == by_value(read_by_engine(KINDS, [document], BASE))
    for field in ("techniques", "keywords"):
        for each in body[field]:
            del each["label"]
    assert told == by_value(triples(KINDS, [link_up(KINDS["experiment"], "experiment/a/b", body, {}).document], BASE))


@pytest.mark.parametrize(
    "text",
    ["plain", 'a "quote"', "back\\slash", "line\nbreak\r\ttab", "\x01\x1f\x7f", "あ😀", "\u2028", "<http://a> ."],
)
def test_any_text_is_a_literal_and_nothing_else(text: str) -> None:
    linked = link_up(KINDS["sample"], "sample/a/b", {"notes": [text], "title": {"en": text}}, {})

    assert by_value(triples(KINDS, [linked.document], BASE)) == by_value(read_by_engine(KINDS, [linked.document], BASE))


def test_an_iri_cannot_leave_its_brackets() -> None:
    document = {"id": "sample/a/b", "type": ["Sample"], "seeAlso": [{"to": "http://a> <http://b> <http://c"}]}

    with pytest.raises(Malformed):
        triples(KINDS, [document], BASE)


def test_a_statement_about_something_else_and_a_missing_link_are_found() -> None:
    nt = (
        f"<{BASE}sample/a/b> <http://p> <{BASE}sample/a/c> .\n"
        f"<{BASE}sample/a/b#x> <http://p> <http://o> .\n"
        f'<{BASE}sample/a/z> <http://p> "stray" .\n'
    ).encode()

    wrong = check_triples(nt, BASE, {"sample/a/b": [Link("derivedFrom", "sample/a/c"), Link("childOf", "sample/a/d")]})

    assert [finding.rule for finding in wrong[f"{BASE}sample/a/z"]] == ["graph/subject"]
    assert [(finding.rule, finding.pointer) for finding in wrong["sample/a/b"]] == [("graph/link", "/childOf")]
    assert len(wrong) == 2


def test_a_context_that_the_compiled_reader_cannot_follow_is_refused() -> None:
    scoped = Kinds({}, {}, {"a": {"@id": "http://a", "@context": {}}}, {}, {})
    nowhere = Kinds({}, {}, {"a": "b"}, {}, {})

    for kinds in (scoped, nowhere):
        with pytest.raises(Misconfigured):
            triples(kinds, [], BASE)
