"""A record's body as it is laid out for reading: its kind's fields in their order, each value in the form it has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from catalog.records.identifiers import is_iri, is_record_id
from catalog.records.kinds import Field, Kind
from catalog.records.quantities import NONE, Dimensions, Unit, si, understand
from catalog.web.negotiation import Language
from catalog.web.pages import number, text_in

ValueForm = Literal["text", "quantity", "link", "term", "fields", "code", "plain", "attribute", "place"]

# The page shows these in places of their own.
APART = ("title",)
# Of what every kind has, what a reader wants before all else.
FIRST = ("description", "alternateNames")


@dataclass(frozen=True, slots=True)
class Value:
    """One value, ready to be written down."""

    form: ValueForm
    text: str = ""
    language: str | None = None  # where it differs from the page's
    href: str | None = None
    aside: str = ""  # what stands beside it, smaller: SI value, role, scheme
    fields: tuple[Laid, ...] = ()


@dataclass(frozen=True, slots=True)
class Laid:
    """A field's name in the reader's language, what it means, and its values."""

    name: str
    label: str
    about: str
    values: tuple[Value, ...] = field(default_factory=tuple)

    @property
    def brief(self) -> bool:
        """Whether the values read better in one line than in a list: words and numbers with nothing beside them."""
        return all(
            value.form in ("text", "plain") and len(value.text) <= 24 and not (value.aside or value.language)
            for value in self.values
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """For whom it is laid out: their language, where addresses begin, and what the linked records are called."""

    language: Language
    root: str
    titles: Mapping[str, Mapping[str, str]]
    prefixes: Mapping[str, str]


def laid_out(kind: Kind, common: Collection[str], body: Mapping[str, Any], reading: Reading) -> list[Laid]:
    """The body's fields: the description, then what is the kind's own, then what every kind has, foreign documents last.

    What was written and no field has comes after them (a quarantined body).
    """

    def place(each: Field) -> tuple[bool, bool, bool]:
        return each.form == "json", each.name in common and each.name not in FIRST, each.name not in FIRST

    laid = [
        made
        for each in sorted(kind.fields, key=place)
        if each.name in body and each.name not in APART and (made := _laid(each, body, reading))
    ]
    known = {each.name for each in kind.fields}
    laid += [Laid(name, name, "", (Value("code", _json(value)),)) for name, value in body.items() if name not in known]
    return laid


def label(each: Field, language: Language) -> str:
    """What a field is called."""
    return text_in(each.titles, language)[0] or each.name


def _laid(each: Field, body: Mapping[str, Any], reading: Reading) -> Laid | None:
    said = body[each.name]
    items: Sequence[Any] = said if each.many and isinstance(said, list) else [said]
    values = tuple(value for item in items for value in _values(each, item, reading))
    if not values:
        return None
    return Laid(each.name, label(each, reading.language), text_in(each.descriptions, reading.language)[0], values)


def _values(each: Field, item: Any, reading: Reading) -> Iterable[Value]:
    """The values of one item; what is not of the form that its field has is shown as it is."""
    if each.form == "json":
        yield Value("code", _json(item))
    elif isinstance(item, str):
        yield _of_text(each, item, reading)
    elif isinstance(item, bool):
        yield Value("plain", {"en": ("no", "yes"), "ja": ("いいえ", "はい")}[reading.language][item])
    elif isinstance(item, int | float):
        yield Value("plain", number(item))
    elif not isinstance(item, Mapping):
        yield Value("code", _json(item))
    elif each.form == "text":
        yield from _texts(item, reading)
    elif each.form == "quantity":
        yield quantity(item)
    elif "term" in item and set(item) <= {"term", "label"}:
        yield _term(item, reading)
    elif each.form == "links":
        yield _link(item, reading)
    elif "name" in item and ("value" in item or "quantity" in item or "valueTerms" in item):
        yield _attribute(item, reading)
    elif "scheme" in item and "value" in item:
        yield Value(
            "plain",
            str(item["value"]),
            aside=str(item["scheme"]),
            href=resolver(str(item["scheme"]), str(item["value"])),
        )
    else:
        inner = tuple(made for part in each.fields if part.name in item and (made := _laid(part, item, reading)))
        yield Value("fields", fields=inner) if inner else Value("code", _json(item))


def _of_text(each: Field, item: str, reading: Reading) -> Value:
    if each.form == "links" or (each.format is None and is_record_id(item)):
        return _link({"to": item}, reading)
    if item.startswith(("https://", "http://")) and is_iri(item):
        return Value("link", item, href=item)
    return Value("text", item)


def _texts(item: Mapping[str, Any], reading: Reading) -> Iterable[Value]:
    """The reader's language first, the others after it."""
    first = text_in(item, reading.language)[1]
    for tag in sorted(item, key=lambda tag: (tag != first, tag)):
        for said in item[tag] if isinstance(item[tag], list) else [item[tag]]:
            yield Value("text", str(said), None if tag in (reading.language, "und") else tag)


def _term(item: Mapping[str, Any], reading: Reading) -> Value:
    text, tag = text_in(item.get("label"), reading.language)
    written = str(item["term"])
    prefix, colon, rest = written.partition(":")
    iri = reading.prefixes[prefix] + rest if colon and prefix in reading.prefixes else written
    href = iri if iri.startswith(("http://", "https://")) and is_iri(iri) else None
    if not text:
        return Value("term", written, href=href)
    return Value("term", text, None if tag == reading.language else tag, href, aside=written)


def _link(item: Mapping[str, Any], reading: Reading) -> Value:
    to = str(item.get("to", ""))
    # Everything but the target that the link carries, in the words that it was submitted with.
    aside = " · ".join(
        str(item[name]) if name in ("role", "predicate", "note") else f"{name} {item[name]}"
        for name in ("role", "predicate", "port", "from", "until", "order", "note", "by")
        if name in item
    )
    if is_record_id(to):
        text, tag = text_in(reading.titles.get(to), reading.language)
        return Value(
            "link", text or to, None if tag == reading.language or not text else tag, reading.root + to, aside=aside
        )
    href = to if to.startswith(("http://", "https://")) else None
    return Value("link", to, href=href, aside=aside)


def _attribute(item: Mapping[str, Any], reading: Reading) -> Value:
    said = []
    if "quantity" in item and isinstance(item["quantity"], Mapping):
        said.append(quantity(item["quantity"]))
    if "value" in item:
        value = item["value"]
        said.append(
            Value(
                "plain",
                value if isinstance(value, str) else number(value) if isinstance(value, int | float) else _json(value),
            )
        )
    said += [
        _term(term, reading) if isinstance(term, Mapping) else Value("term", str(term))
        for term in item.get("valueTerms", ())
    ]
    name = str(item["name"])
    about = " · ".join(
        str(item[key])
        for key in ("origin", "by", "evidence", "note", "group")
        if item.get(key) not in (None, "submitted")
    )
    return Value("attribute", name, aside=about, fields=(Laid(name, name, "", tuple(said)),))


def resolver(scheme: str, value: str) -> str | None:
    """The address at which an identifier's own scheme tells of it, if that is known."""
    if value.startswith(("https://", "http://")):
        return value if is_iri(value) else None
    before = _RESOLVERS.get(scheme.lower())
    made = f"{before}{value}" if before else ""
    return made if made and is_iri(made) else None


# Where the public resolvers of identifier schemes are.
_RESOLVERS: Mapping[str, str] = {
    "doi": "https://doi.org/",
    "orcid": "https://orcid.org/",
    "ror": "https://ror.org/",
    "handle": "https://hdl.handle.net/",
    "igsn": "https://igsn.org/",
    "biosample": "https://identifiers.org/biosample/",
    "bioproject": "https://identifiers.org/bioproject/",
}


def quantity(item: Mapping[str, Any]) -> Value:
    """A quantity as it came, and its SI value beside it where it was in another unit."""
    unit = str(item.get("unit", ""))
    said = _amount(item, lambda value: number(value))
    written = f"{said} {unit}".strip() if unit not in ("%", "°") else f"{said}{unit}"
    return Value("quantity", written, aside=_si(item, unit))


def _amount(item: Mapping[str, Any], write: Any) -> str:
    if "value" in item:
        said = write(item["value"])
        return f"{said} ± {write(item['uncertainty'])}" if "uncertainty" in item else said
    low, high = item.get("min"), item.get("max")
    if low is None:
        return f"≤ {write(high)}" if high is not None else ""
    return f"{write(low)} – {write(high)}" if high is not None else f"≥ {write(low)}"


def _si(item: Mapping[str, Any], unit: str) -> str:
    found = understand(unit)
    if not isinstance(found, Unit) or found.dimensions == NONE or (found.factor == 1 and not found.offset):
        return ""
    told = {
        part: si(float(item[part]), found)
        for part in ("value", "min", "max")
        if isinstance(item.get(part), int | float)
    }
    return f"= {_amount(told, _rounded)} {si_symbol(found.dimensions)}" if told else ""


def _rounded(value: float) -> str:
    """An SI value to be glanced at; the exact one is in the data."""
    return number(float(f"{value:.6g}"))


# In the order of dimensions: length, mass, time, current, temperature, amount, luminosity.
_BASES: Final = ("m", "kg", "s", "A", "K", "mol", "cd")
_NAMED: Final[Mapping[Dimensions, str]] = {
    (2, 1, -2, 0, 0, 0, 0): "J",
    (1, 1, -2, 0, 0, 0, 0): "N",
    (-1, 1, -2, 0, 0, 0, 0): "Pa",
    (2, 1, -3, 0, 0, 0, 0): "W",
    (0, 0, 1, 1, 0, 0, 0): "C",
    (2, 1, -3, -1, 0, 0, 0): "V",
    (2, 1, -3, -2, 0, 0, 0): "Ω",
    (0, 1, -2, -1, 0, 0, 0): "T",
}
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def si_symbol(dimensions: Dimensions) -> str:
    """The SI unit of these dimensions."""
    if dimensions in _NAMED:
        return _NAMED[dimensions]
    parts = [
        base + (str(power).translate(_RAISED) if power != 1 else "")
        for base, power in sorted(zip(_BASES, dimensions, strict=True), key=lambda part: part[1] < 0)
        if power
    ]
    return "·".join(parts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
