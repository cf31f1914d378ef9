"""Statements spelt as the engine spells them."""

from __future__ import annotations

import math

import orjson
import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.projections.graph.kept import kept

XSD = "http://www.w3.org/2001/XMLSchema#"
TYPES = (
    "boolean integer long int byte nonNegativeInteger positiveInteger unsignedInt decimal double float date dateTime time"
    " gYear gYearMonth gMonthDay gDay gMonth duration dayTimeDuration yearMonthDuration string anyURI"
).split()


def by_engine(line: bytes) -> bytes:
    store = pyoxigraph.Store()
    store.load(line, format=pyoxigraph.RdfFormat.N_QUADS)
    return store.dump(format=pyoxigraph.RdfFormat.N_QUADS) or b""


def typed(value: str, datatype: str) -> bytes:
    return f'<urn:s> <urn:p> "{value}"^^<{XSD}{datatype}> <urn:g> .\n'.encode()


@given(st.floats())
def test_a_double_is_spelt_as_the_engine_spells_it(number: float) -> None:
    # As the linked form's reader writes it; what is no finite number there is a text to the engine.
    line = typed(repr(number), "double")

    assert kept(line) == by_engine(line)


@pytest.mark.parametrize("number", [0.0, -0.0, 5e-324, math.nextafter(math.inf, 0), 1e21, 1e22, 25.0, 1e-7])
def test_doubles_at_the_edges_are_spelt_as_the_engine_spells_them(number: float) -> None:
    assert kept(typed(repr(number), "double")) == by_engine(typed(repr(number), "double"))


LEXICAL = st.one_of(
    st.from_regex(r"[+-]?[0-9]{1,21}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(
        r"-?[0-9]{4,5}(-[01][0-9](-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,19})?)?)?)?(Z|[+-][01][0-9]:[0-5][0-9])?",
        fullmatch=True,
    ),
    st.from_regex(r"-?P([0-9]{1,4}Y)?([0-9]{1,3}M)?([0-9]{1,3}D)?(T([0-9]{1,3}H)?([0-9]{1,3}M)?([0-9]{1,3}(\.[0-9]{1,9})?S)?)?", fullmatch=True),
    st.sampled_from(["true", "false", "0", "1", "INF", "-INF", "NaN", "inf", "", " 1", "2026-05-10T24:00:00Z", "--05-10", "10:00:00.50"]),
)  # fmt: skip


@settings(max_examples=400)
@given(LEXICAL, st.sampled_from(TYPES))
def test_any_value_of_any_type_is_spelt_as_the_engine_spells_it(value: str, datatype: str) -> None:
    line = typed(value, datatype)

    assert kept(line) == by_engine(line)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_is_written_as_the_engine_writes_it(text: str) -> None:
    quoted = orjson.dumps(text).decode()
    lines = f"<urn:s> <urn:p> {quoted} .\n<urn:s> <urn:p> {quoted}@ja <urn:g> .\n".encode()

    assert sorted(kept(lines).splitlines()) == sorted(b"".join(map(by_engine, lines.splitlines())).splitlines())


@pytest.mark.parametrize(
    "text",
    [
        f'1"^^<{XSD}integer> .\n',
        f'"01"^^<{XSD}integer>',
        f'\\"01"^^<{XSD}integer> .',
        f'01"^^<{XSD}integer> <urn:g> .\n<urn:s> <urn:p> "',
    ],
)
def test_a_text_that_looks_like_a_statement_stays_a_text(text: str) -> None:
    line = f"<urn:s> <urn:p> {orjson.dumps(text).decode()} .\n".encode()

    assert kept(line) == by_engine(line)


@pytest.mark.parametrize("value", ['x\\"01', '\\" 01', "01\\\\", '" 01'])
def test_a_value_with_a_quote_or_a_backslash_in_it_is_spelt_as_the_engine_spells_it(value: str) -> None:
    line = f"<urn:s> <urn:p> {orjson.dumps(value).decode()}^^<{XSD}integer> .\n".encode()

    assert kept(line + line) == by_engine(line) * 2
