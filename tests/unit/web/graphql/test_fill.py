"""What is written of a body by a selection: texts, dates, quantities, terms, objects, and what is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.web.graphql.fill import (
    DateOf,
    LinkOf,
    Named,
    ObjectOf,
    PartOf,
    Piece,
    Plain,
    QuantityOf,
    TermOf,
    Text,
    Texts,
    Typed,
    documents_of,
    text_in,
    unit_named,
    writer,
)


@dataclass(frozen=True)
class Somewhere:
    """A source in Japan with a prefix."""

    zone: str = "Asia/Tokyo"
    prefixes: dict[str, str] = field(default_factory=lambda: {"ex": "http://example.org/"})


def written(body: Any, *pieces: Piece) -> dict[str, Any]:
    """The members that are written of a body of a source in Japan."""
    write = writer(pieces, lambda source: Somewhere() if source == "lab" else None)
    told = {"body": body, "source": "lab"} if "source" in documents_of(pieces) else body
    made: dict[str, Any] = orjson.loads("{" + write(told, "sample") + "}")
    return made


def parts(*names: str) -> tuple[tuple[str, PartOf | Typed], ...]:
    return tuple((name, PartOf(name)) for name in names)


def test_a_text_falls_back_from_the_language_that_is_asked_for() -> None:
    texts = {"en": "iron", "ja": "鉄"}
    assert [text_in(texts, language) for language in (None, "en", "ja", "de")] == ["iron", "iron", "鉄", "iron"]
    assert text_in({"ja": "鉄", "de": "Eisen"}, None) == "鉄"
    assert text_in({"fr": "fer", "de": "Eisen"}, "ja") == "Eisen"
    assert text_in({"fr": "fer", "de": "Eisen"}, "fr") == "fer"
    assert text_in(None, "en") is None


def test_what_is_not_there_is_null_and_what_stands_alone_may_be_a_list() -> None:
    pieces = (
        Piece("one", "size", Plain()),
        Piece("several", "notes", Plain(), many=True),
        Piece("texts", "names", Texts("ja")),
        Piece("object", "place", ObjectOf((Piece("name", "name", Plain()),))),
        Piece("quantity", "age", QuantityOf(parts("value"))),
        Piece("date", "at", DateOf(parts("text"))),
    )
    assert written({}, *pieces) == dict.fromkeys(("one", "several", "texts", "object", "quantity", "date"))
    assert written({"notes": "alone", "names": {"ja": ["鉄", "アイアン"]}}, pieces[1], pieces[2]) == {
        "several": ["alone"],
        "texts": ["鉄", "アイアン"],
    }


def test_a_body_that_was_expunged_tells_nothing() -> None:
    assert written(None, Piece("title", "title", Text())) == {"title": None}


def test_a_date_covers_a_time_in_the_zone_of_its_source() -> None:
    told = parts("text", "from", "until", "missing")
    assert written({"at": "2026-05-10"}, Piece("at", "at", DateOf(told)))["at"] == {
        "text": "2026-05-10",
        "from": "2026-05-09T15:00:00.000000Z",
        "until": "2026-05-10T15:00:00.000000Z",
        "missing": None,
    }
    missing = written({"at": "not collected"}, Piece("at", "at", DateOf(told)))["at"]
    assert (missing["from"], missing["missing"]) == (None, "not collected")


def test_a_quantity_is_told_in_another_unit_where_it_measures_that() -> None:
    body = {
        "energy": {"min": 7.6, "max": 8.4, "unit": "keV", "uncertainty": 0.1},
        "heat": {"value": 20, "unit": "°C", "uncertainty": 1},
        "odd": {"value": 1, "unit": "no such unit"},
    }
    told = parts("value", "min", "max", "uncertainty", "unit")
    energy = written(body, Piece("e", "energy", QuantityOf(told, "eV")))["e"]
    assert energy == {"value": None, "min": 7600, "max": 8400, "uncertainty": 100, "unit": "eV"}
    heat = written(body, Piece("h", "heat", QuantityOf(told, "K")))["h"]
    # A difference of a degree is one of a kelvin, whatever the zero.
    assert (heat["value"], heat["uncertainty"], heat["unit"]) == (293.15, 1, "K")
    for field_, unit in (("energy", "K"), ("odd", "K")):
        assert written(body, Piece("q", field_, QuantityOf(told, unit))) == {"q": None}
    si = written(body, Piece("q", "heat", QuantityOf(parts("si", "siMin", "siMax", "siUnit", "kind"))))["q"]
    assert si == {"si": 293.15, "siMin": 293.15, "siMax": 293.15, "siUnit": "K", "kind": "Temperature"}
    odd = written(body, Piece("q", "odd", QuantityOf(parts("value", "unit", "si", "siUnit", "kind"))))["q"]
    assert odd == {"value": 1, "unit": "no such unit", "si": None, "siUnit": None, "kind": None}


def test_a_unit_that_nobody_knows_is_refused_with_what_is_near() -> None:
    with pytest.raises(Invalid, match="did you mean"):
        unit_named("kev")
    assert unit_named("keV").kind == "Energy"


def test_a_term_is_told_by_its_whole_iri_and_a_plain_word_as_text() -> None:
    how = TermOf((*parts("term", "text"), ("label", PartOf("label", "ja")), ("__typename", Typed("Term"))))
    body = {"keywords": ["leaf", {"term": "ex:1", "label": {"ja": "葉"}}, {"term": "http://t/1"}]}
    assert written(body, Piece("k", "keywords", how, many=True))["k"] == [
        {"term": None, "text": "leaf", "label": None, "__typename": "Term"},
        {"term": "http://example.org/1", "text": None, "label": "葉", "__typename": "Term"},
        {"term": "http://t/1", "text": None, "label": None, "__typename": "Term"},
    ]


def test_the_first_of_a_name_is_told_with_its_quantity_in_the_unit_that_is_asked_for() -> None:
    quantity = Piece("quantity", "quantity", QuantityOf(parts("value", "unit"), "eV"))
    how = ObjectOf((Piece("name", "name", Plain()), quantity))
    conditions = [
        {"name": "energy", "quantity": {"value": 7, "unit": "keV"}},
        {"name": "energy", "quantity": {"value": 8, "unit": "keV"}},
    ]
    asked = Piece("c", "conditions", how, many=True, called="energy")
    assert written({"conditions": conditions}, asked) == {
        "c": {"name": "energy", "quantity": {"value": 7000, "unit": "eV"}}
    }
    assert written({"conditions": []}, asked) == {"c": None}


def test_links_in_objects_are_told_alike_however_they_were_written() -> None:
    how = LinkOf((Piece("to", "to", Plain()), Piece("role", "role", Plain()), Piece("t", "", Typed("Link"))))
    body = {"ends": ["sample/lab/1", {"to": "sample/lab/2", "role": "part"}]}
    assert written(body, Piece("ends", "ends", how, many=True))["ends"] == [
        {"to": "sample/lab/1", "role": None, "t": "Link"},
        {"to": "sample/lab/2", "role": "part", "t": "Link"},
    ]


def test_a_value_that_the_schema_does_not_name_is_null() -> None:
    how = Named((("raw", "RAW"),))
    assert written({"type": "raw", "old": "cooked"}, Piece("a", "type", how), Piece("b", "old", how)) == {
        "a": "RAW",
        "b": None,
    }


keys = st.text(st.sampled_from("ab\"'\\{}\n\u2028葉_1"), min_size=1, max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(keys, values, max_size=4), st.lists(keys, min_size=1, max_size=4, unique=True))
def test_names_and_keys_are_never_read_as_anything_else(body: dict[str, Any], names: list[str]) -> None:
    pieces = tuple(Piece(name, name, Plain()) for name in names)
    assert written(body, *pieces) == {name: body.get(name) for name in names}
    nested = Piece("whole", "body", ObjectOf(pieces))
    assert written({"body": body}, nested) == {"whole": {name: body.get(name) for name in names}}
