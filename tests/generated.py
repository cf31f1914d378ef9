"""Made-up bodies that keep their kind's schema: read from the schema itself, so a new kind needs nothing here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from catalog.records.kinds import Kinds

Schema = Mapping[str, Any]

# Few fields at a time: hypothesis finds what is wrong with one field, or with two, and never needs sixty.
FIELDS_AT_ONCE = 5
LARGEST = 2**53 - 1
# Units of the quantity kinds that the schemas name; anything else may have any unit.
UNITS = {"Time": ("s", "min", "h", "d", "a"), "Length": ("m", "mm", "km"), "Energy": ("eV", "keV", "J")}
ANY_UNIT = ("K", "keV", "%", "mmol/L", "℃", "[pH]", "m2/g", "1")

CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn"))
TEXTS = st.text(CHARACTERS, min_size=1, max_size=12).filter(lambda text: re.search(r"\S", text) is not None)
DATES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda time: time.isoformat(timespec="seconds") + "+09:00"),
    st.integers(1000, 9999).map(str),
    st.sampled_from(("2019-05", "2019/2020-02", "not collected", "restricted access", "missing: control sample")),
)
TERMS = st.from_regex(r"https://vocabulary\.example/[A-Za-z0-9_]{1,8}", fullmatch=True)
# What the long patterns allow is tried on the patterns themselves; here a few of each do, and are quick to shrink.
IRI = "https://a.example:80/é%20(b)?c=d&e#f/?g"
IRIS = st.sampled_from((IRI, "doi:10.1/ab", "urn:x:1", "mailto:a@b.example", "http://日本.example/語")) | TERMS
LANGUAGES = st.sampled_from(("ja", "en", "und", "zh-Hans-CN", "ja-Latn", "en-US", "de-1996", "es-419"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(CHARACTERS, max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(CHARACTERS, max_size=5) | st.just("@id"), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


def _numbers(schema: Schema) -> st.SearchStrategy[float]:
    low, high = schema.get("minimum", -1e30), schema.get("maximum", 1e30)
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    # `$` would let a line's end follow in Python, and nowhere else.
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True).filter(lambda text: not text.endswith("\n"))


class _Maker:
    def __init__(self, kinds: Kinds) -> None:
        self.schemas = kinds.schemas
        self._made: dict[str, st.SearchStrategy[Any]] = {}

    def target(self, reference: str, home: str) -> tuple[Schema, str]:
        address, _, pointer = reference.partition("#")
        home = home.rpartition("/")[0] + "/" + address if address else home
        found: Any = self.schemas[home]
        for part in pointer.split("/")[1:]:
            found = found[part]
        return found, home

    def whole(self, schema: Schema, home: str) -> tuple[dict[str, Any], str]:
        """The schema with what it refers to under it; its own words win."""
        if "$ref" not in schema:
            return dict(schema), home
        target, home = self.target(schema["$ref"], home)
        under, home = self.whole(target, home)
        return {**under, **{key: value for key, value in schema.items() if key != "$ref"}}, home

    def value(self, schema: Schema, home: str) -> st.SearchStrategy[Any]:
        # The same forms stand in many places; a strategy is dear to make.
        place = home + json.dumps(schema)
        if place not in self._made:
            self._made[place] = self._value(schema, home)
        return self._made[place]

    def _value(self, schema: Schema, home: str) -> st.SearchStrategy[Any]:
        whole, home = self.whole(schema, home)
        if "enum" in whole:
            return st.sampled_from(whole["enum"])
        if "x-link" in whole:
            return self.links(whole, home)
        if "x-quantity" in whole:
            return self.quantity(whole, home)
        if "x-term" in whole and whole["type"] == "object":
            return st.fixed_dictionaries(
                {"term": TERMS}, optional={"label": st.dictionaries(LANGUAGES, TEXTS, min_size=1, max_size=2)}
            )
        if "x-json" in whole:
            return st.dictionaries(TEXTS | st.just("@id"), JSON, max_size=3)
        if whole.get("format") == "edtf":
            return DATES
        if whole.get("if") == {"type": "string"}:
            return self.value({"type": "string", **whole["then"]}, home) | self.value(
                {"type": "object", **whole["else"]}, home
            )
        type_: Any = whole.get("type")
        if isinstance(type_, list):
            return st.one_of([self.value({**whole, "type": one}, home) for one in type_])
        return {
            "string": self.string, "integer": self.integer, "number": lambda told, _: _numbers(told),
            "boolean": lambda *_: st.booleans(), "array": self.array, "object": self.object,
        }[type_](whole, home)  # fmt: skip

    def string(self, schema: Schema, home: str) -> st.SearchStrategy[str]:
        pattern = schema.get("pattern", r"\S")
        if pattern == r"\S":
            return TEXTS
        if re.search(pattern, IRI):
            return IRIS
        if re.search(pattern, "zh-Hans-CN"):
            return LANGUAGES
        return _matching(pattern).filter(lambda text: len(text) <= schema.get("maxLength", LARGEST))

    def integer(self, schema: Schema, home: str) -> st.SearchStrategy[int]:
        return st.integers(schema.get("minimum", -LARGEST), schema.get("maximum", LARGEST))

    def array(self, schema: Schema, home: str) -> st.SearchStrategy[list[Any]]:
        unique = json.dumps if schema.get("uniqueItems") else None
        items = self.value(schema["items"], home)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=3, unique_by=unique)

    def object(self, schema: Schema, home: str) -> st.SearchStrategy[dict[str, Any]]:
        if "propertyNames" in schema:
            values = self.value(schema["additionalProperties"], home)
            return st.dictionaries(LANGUAGES, values, min_size=schema.get("minProperties", 0), max_size=3)
        properties = dict(schema.get("properties", {}))
        required = tuple(schema.get("required", ()))
        if list(schema.get("if", ())) == ["required"]:
            given = tuple(schema["if"]["required"])
            refused = {key for key, value in schema["then"].get("properties", {}).items() if value is False}
            other = tuple(schema["else"].get("required", ()))
            rest = {key: value for key, value in properties.items() if key not in given}
            return self.fields(
                {key: value for key, value in properties.items() if key not in refused}, home, (*required, *given)
            ) | self.fields(rest, home, (*required, *other))
        return self.fields(properties, home, required, schema.get("minProperties", 0))

    def fields(
        self, properties: Schema, home: str, required: tuple[str, ...], least: int = 0
    ) -> st.SearchStrategy[dict[str, Any]]:
        optional = [key for key in properties if key not in required]
        made_of = {key: self.value(schema, home) for key, schema in properties.items() if schema is not False}

        @st.composite
        def made(draw: st.DrawFn) -> dict[str, Any]:
            chosen = [*required]
            if optional:
                chosen += draw(
                    st.lists(st.sampled_from(optional), min_size=least, max_size=FIELDS_AT_ONCE, unique=True)
                )
            return {key: draw(made_of[key]) for key in chosen}

        return made()

    def links(self, schema: Schema, home: str) -> st.SearchStrategy[list[Any]]:
        """Links to the kinds that the field allows; where the property narrows its links, only objects as it says."""
        kinds = schema["x-link"].get("kinds") or ["sample", "dataset", "agent"]
        inside = st.builds(
            "{}/somewhere/{}".format, st.sampled_from(kinds), _matching(r"(?:[A-Za-z0-9_~-]|%E3%81%82){1,6}")
        )
        outside = self.value({"$ref": "common#/$defs/iri"}, home)
        targets = inside | outside
        properties = {
            key: value
            for key, value in self.target("common#/$defs/link", home)[0]["else"]["properties"].items()
            if key != "to"
        }
        narrowed = schema["items"].get("properties", {}) if "$ref" not in schema["items"] else {}
        required = tuple(key for key in schema["items"].get("required", ()) if key != "to") if narrowed else ()
        more = self.fields({**properties, **narrowed}, home, required)
        objects = st.builds(lambda to, told: {"to": to, **told}, targets, more)
        return st.lists(objects if narrowed else targets | objects, max_size=3)

    def quantity(self, schema: Schema, home: str) -> st.SearchStrategy[dict[str, Any]]:
        mark = schema["x-quantity"] if isinstance(schema["x-quantity"], dict) else {}
        units = st.sampled_from(mark.get("units") or UNITS.get(mark.get("quantityKind", ""), ANY_UNIT))
        number = _numbers({})
        single = number.map(lambda value: {"value": value})
        span = st.tuples(number, number).map(lambda ends: {"min": min(ends), "max": max(ends)})
        told = st.fixed_dictionaries({"unit": units}, optional={"uncertainty": _numbers({"minimum": 0}), "note": TEXTS})
        return st.builds(lambda ends, told: {**ends, **told}, single | span, told)


def bodies(kinds: Kinds, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of a kind that keep its schema, with a few of its fields in each."""
    maker = _Maker(kinds)
    schema = kinds[name].schema
    home = str(schema["$id"])
    properties: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        whole, _ = maker.whole(part, home)
        properties.update(whole.get("properties", {}))
    # Common properties refer inside their own file; said from here, they need its address.
    common = {key: _at_home(value) for key, value in properties.items()}
    return maker.fields({**common, **schema["properties"]}, home, tuple(schema.get("required", ())))


def _at_home(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: "common" + value if key == "$ref" and value.startswith("#") else _at_home(value)
            for key, value in schema.items()
        }
    return [_at_home(item) for item in schema] if isinstance(schema, list) else schema
