"""What the database does not put into words itself: members that are written from a record's documents.

What is to be written is a value (`Piece`), so that kinds which are asked the same share one writer; a writer is made from
it once and then run for each record. It takes a parsed document and gives the text of its members, without brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isinf
from typing import Any, Final, Protocol

import orjson

from catalog.errors import Invalid
from catalog.questions.cursor import write_cursor
from catalog.questions.question import After, Order
from catalog.questions.telling import Document
from catalog.records.dates import Date, understand_date
from catalog.records.quantities import SHIPPED, Unit, si, understand

Filler = Callable[[Any, str], str]


class Origin(Protocol):
    """What of a source its records' bodies are read by."""

    @property
    def zone(self) -> str: ...

    @property
    def prefixes(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """A source that says nothing about how its records are written."""

    zone: str = "UTC"
    prefixes: Mapping[str, str] = field(default_factory=dict)


_NOWHERE: Final = _Nowhere()
Get = Callable[[Any, Origin], Any]


# --- what is written


@dataclass(frozen=True, slots=True)
class Plain:
    """As it stands."""


@dataclass(frozen=True, slots=True)
class Named:
    """A value of an enumeration, by the name that it has in the schema."""

    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a language, as it falls back: English, Japanese, any."""

    language: str | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a language, as they fall back."""

    language: str | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """The name of a type."""

    name: str


@dataclass(frozen=True, slots=True)
class PartOf:
    """Something of a date, a quantity or a term."""

    part: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class DateOf:
    """A date with its bounds."""

    members: tuple[tuple[str, PartOf | Typed], ...]


@dataclass(frozen=True, slots=True)
class QuantityOf:
    """A quantity, in a unit if one is asked for; null where it does not measure what that unit does."""

    members: tuple[tuple[str, PartOf | Typed], ...]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class TermOf:
    """A term, or a plain word among terms."""

    members: tuple[tuple[str, PartOf | Typed], ...]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object, by its own pieces."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class LinkOf:
    """A link inside an object: an id or an IRI as text, or an object that has it as `to`."""

    pieces: tuple[Piece, ...]


How = Plain | Named | Text | Texts | Typed | DateOf | QuantityOf | TermOf | ObjectOf | LinkOf


@dataclass(frozen=True, slots=True)
class Piece:
    """A member of a document, under the key that the asker chose. `called`: only the first of a list that bears this name."""

    key: str
    name: str
    how: How
    many: bool = False
    called: str | None = None


def needs_origin(pieces: Sequence[Piece]) -> bool:
    """Whether the source has a say in how these are read: the zone of dates, the prefixes of terms."""
    return any(
        isinstance(piece.how, DateOf | TermOf)
        or (isinstance(piece.how, ObjectOf | LinkOf) and needs_origin(piece.how.pieces))
        for piece in pieces
    )


# --- writers


def writer(pieces: tuple[Piece, ...], origin: Callable[[str], Origin | None]) -> Filler:
    """Writes these members of a body; `{"body", "source"}` where the source has a say."""
    write = _members(pieces)
    if not needs_origin(pieces):
        return lambda body, kind: _inside(write(body or {}, _NOWHERE))

    def filled(told: Any, kind: str) -> str:
        source = origin(told["source"])
        return _inside(write(told["body"] or {}, _NOWHERE if source is None else source))

    return filled


def whole_writer(pieces: tuple[Piece, ...]) -> Callable[[Any], dict[str, Any] | None]:
    """Makes an object of these members out of a document that no source has a say in."""
    write = _members(pieces)
    return lambda document: write(document, _NOWHERE) if isinstance(document, dict) else None


def documents_of(pieces: tuple[Piece, ...]) -> tuple[Document, ...]:
    """The documents that a writer of these needs."""
    return ("body", "source") if needs_origin(pieces) else ("body",)


def _inside(made: Mapping[str, Any]) -> str:
    return orjson.dumps(made)[1:-1].decode()


def _members(pieces: Sequence[Piece]) -> Callable[[Any, Origin], dict[str, Any]]:
    """A function of a document and its origin that makes the object of these members.

    It is put together as one expression: for a list of a hundred that takes a third of what closures in closures do. Names
    and keys stand in it as literals, everything else under names of our own.
    """
    making = _Making()
    source = f"lambda told, origin: {making.members(pieces, 'told')}"
    made: Callable[[Any, Origin], dict[str, Any]] = eval(source, making.known)  # noqa: S307 - of our own making
    return made


class _Making:
    """An expression while it is put together, with what it uses."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {
            "__builtins__": {},
            "dict": dict,
            "list": list,
            "str": str,
            "isinstance": isinstance,
        }
        self._numbers = 0

    def members(self, pieces: Sequence[Piece], of: str) -> str:
        """An object of these members of the dictionary that a name stands for."""
        return "{" + ", ".join(f"{piece.key!r}: {self._member(piece, of)}" for piece in pieces) + "}"

    def _member(self, piece: Piece, of: str) -> str:
        if isinstance(piece.how, Typed):
            return repr(piece.how.name)
        value = f"{of}.get({piece.name!r})"
        if piece.called is not None:
            name = self._new()
            first = self._use(_first_called)
            one = self._told(piece.how, name)
            return f"(None if ({name} := {first}({value}, {piece.called!r})) is None else {one})"
        if not piece.many or isinstance(piece.how, Texts):
            if isinstance(piece.how, Plain):
                return value
            name = self._new()
            return f"(None if ({name} := {value}) is None else {self._told(piece.how, name)})"
        several, each = self._new(), self._new()
        listed = f"({several} if isinstance({several}, list) else [{several}])"
        told = listed if isinstance(piece.how, Plain) else f"[{self._told(piece.how, each)} for {each} in {listed}]"
        return f"(None if ({several} := {value}) is None else {told})"

    def _told(self, how: How, name: str) -> str:
        """What is told of the value that a name stands for."""
        match how:
            case Plain():
                return name
            case Named(names):
                return f"({self._use(dict(names))}.get({name}) if isinstance({name}, str) else None)"
            case ObjectOf(pieces):
                return f"({self.members(pieces, name)} if isinstance({name}, dict) else None)"
            case LinkOf(pieces):
                link = self._new()
                read = self._use(_as_link)
                return f"(None if ({link} := {read}({name})) is None else {self.members(pieces, link)})"
            case QuantityOf(members, None) if all(
                isinstance(part, Typed) or part.part in _AS_WRITTEN for _, part in members
            ):
                # As it stands in the body; nothing is worked out.
                parts = ", ".join(
                    f"{key!r}: {part.name!r}" if isinstance(part, Typed) else f"{key!r}: {name}.get({part.part!r})"
                    for key, part in members
                )
                return f"({{{parts}}} if isinstance({name}, dict) else None)"
        return f"{self._use(getter(how))}({name}, origin)"

    def _new(self) -> str:
        self._numbers += 1
        return f"v{self._numbers}"

    def _use(self, thing: Any) -> str:
        name = self._new()
        self.known[name] = thing
        return name


_AS_WRITTEN: Final = frozenset(("value", "min", "max", "uncertainty", "unit", "note"))


def _first_called(several: Any, name: str) -> Any:
    for each in several if isinstance(several, list) else ():
        if isinstance(each, dict) and each.get("name") == name:
            return each
    return None


def _as_link(told: Any) -> dict[str, Any] | None:
    if isinstance(told, str):
        return {"to": told}
    return told if isinstance(told, dict) else None


def getter(how: How) -> Get:
    """What is told of a value that takes more than looking it up."""
    match how:
        case Text(language):
            return lambda value, origin: text_in(value, language)
        case Texts(language):
            return lambda value, origin: _texts_in(value, language)
        case DateOf(members):
            return _date(members)
        case QuantityOf(members, unit):
            return _quantity(members, unit)
        case TermOf(members):
            return _term(members)
    raise AssertionError(f"{how} is looked up")


def text_in(texts: Any, language: str | None) -> Any:
    """The text in a language, else in English, Japanese or any, as lists and pages fall back."""
    if not isinstance(texts, dict):
        return texts if isinstance(texts, str) else None
    if language is not None and (told := texts.get(language)):
        return told
    if language == "ja":
        return texts.get("en") or _any(texts)
    return texts.get("en") or texts.get("ja") or _any(texts)


def _any(texts: Mapping[str, Any]) -> Any:
    return texts[min(texts)] if texts else None


def _texts_in(texts: Any, language: str | None) -> Any:
    found = text_in(texts, language)
    return [found] if isinstance(found, str) else found


def _date(members: Sequence[tuple[str, PartOf | Typed]]) -> Get:
    def told(value: Any, origin: Origin) -> Any:
        if not isinstance(value, str):
            return None
        known = understand_date(value, origin.zone)
        date = known if isinstance(known, Date) else None
        return {key: _of_date(part, value, date) for key, part in members}

    return told


def _of_date(part: PartOf | Typed, written: str, date: Date | None) -> str | None:
    match part:
        case Typed(name):
            return name
        case PartOf("text"):
            return written
        case PartOf("from"):
            return date.from_ if date else None
        case PartOf("until"):
            return date.until if date else None
        case PartOf("missing"):
            return date.missing if date else None
    raise AssertionError(f"a date has no {part}")


def _term(members: Sequence[tuple[str, PartOf | Typed]]) -> Get:
    def told(value: Any, origin: Origin) -> Any:
        if isinstance(value, str):
            return {key: _of_term(part, None, value, None) for key, part in members}
        if not isinstance(value, dict):
            return None
        iri = expanded(value.get("term"), origin)
        return {key: _of_term(part, iri, None, value.get("label")) for key, part in members}

    return told


def _of_term(part: PartOf | Typed, iri: str | None, word: str | None, label: Any) -> Any:
    match part:
        case Typed(name):
            return name
        case PartOf("term"):
            return iri
        case PartOf("text"):
            return word
        case PartOf("label", language):
            return text_in(label, language)
    raise AssertionError(f"a term has no {part}")


def expanded(text: Any, origin: Origin) -> str | None:
    """A term's IRI, with its source's prefix written out."""
    if not isinstance(text, str):
        return None
    prefix, colon, rest = text.partition(":")
    base = origin.prefixes.get(prefix) if colon and not rest.startswith("//") else None
    return text if base is None else base + rest


# --- quantities


@lru_cache(maxsize=1_024)
def unit_named(unit: str) -> Unit:
    """The unit that somebody asks values in, or Invalid."""
    known = understand(unit)
    if isinstance(known, Unit):
        return known
    near = f"; did you mean {' or '.join(known.near)}?" if known.near else ""
    near_ja = f"。{'、'.join(known.near)} のことですか" if known.near else ""
    raise Invalid(
        f"in: {unit!r:.80} is not a unit that is known{near}", ja=f"in: 単位 {unit!r:.80} は使えません{near_ja}"
    )


def _quantity(members: Sequence[tuple[str, PartOf | Typed]], in_unit: str | None) -> Get:
    wanted = None if in_unit is None else unit_named(in_unit)

    def told(value: Any, origin: Origin) -> Any:
        if not isinstance(value, dict):
            return None
        typed = value.get("unit")
        unit = _unit(typed) if isinstance(typed, str) else None
        if wanted is not None and (unit is None or not measures(unit, wanted)):
            return None
        return {key: _of_quantity(part, value, unit, wanted) for key, part in members}

    return told


@lru_cache(maxsize=4_096)
def _unit(typed: str) -> Unit | None:
    known = understand(typed)
    return known if isinstance(known, Unit) else None


def measures(unit: Unit, other: Unit) -> bool:
    """Whether what is told in one unit can be told in the other."""
    if unit.dimensions != other.dimensions:
        return False
    # Units without a dimension have it in common and are told apart by what they count.
    return any(unit.dimensions) or not unit.kinds or not other.kinds or bool(set(unit.kinds) & set(other.kinds))


def _of_quantity(part: PartOf | Typed, value: Mapping[str, Any], unit: Unit | None, wanted: Unit | None) -> Any:
    if isinstance(part, Typed):
        return part.name
    match part.part:
        case "value" | "min" | "max" as name:
            number = value.get(name)
            if number is None or wanted is None or unit is None:
                return number
            return _rounded((number + unit.offset) * unit.factor / wanted.factor - wanted.offset)
        case "uncertainty":
            number = value.get("uncertainty")
            return (
                number
                if number is None or wanted is None or unit is None
                else _rounded(number * unit.factor / wanted.factor)
            )
        case "unit":
            return value.get("unit") if wanted is None else wanted.typed
        case "note":
            return value.get("note")
        case "si":
            return _si(value.get("value"), unit)
        case "siMin":
            return _si(value.get("value", value.get("min")), unit)
        case "siMax":
            return _si(value.get("value", value.get("max")), unit)
        case "siUnit":
            return None if unit is None else si_unit(unit)
        case "kind":
            return None if unit is None else unit.kind
    raise AssertionError(f"a quantity has no {part}")


def _si(number: Any, unit: Unit | None) -> float | None:
    if number is None or unit is None:
        return None
    told = si(number, unit)
    return None if isinf(told) else told


def _rounded(number: float) -> float | None:
    told = float(f"{number:.12g}")
    return None if isinf(told) else told


_BASES: Final = ("m", "kg", "s", "A", "K", "mol", "cd")


@lru_cache(maxsize=4_096)
def si_unit(unit: Unit) -> str:
    """The unit of the SI in which what this one measures stands."""
    for kind in unit.kinds:
        if (known := SHIPPED.si_unit(kind)) is not None and known.dimensions == unit.dimensions:
            return known.typed
    powers = [(base, power) for base, power in zip(_BASES, unit.dimensions, strict=True) if power]
    told = sorted(powers, key=lambda part: part[1] < 0)
    return ".".join(base if power == 1 else f"{base}{power}" for base, power in told) or "1"


# --- places in lists


def cursor_writer(order: tuple[Order, ...], key: bytes) -> Filler:
    """Makes a cursor, as JSON, from `[[values of the order], id]`."""

    def written(place: Any, kind: str) -> str:
        values, id = place
        # A cursor is base64: nothing in it needs escaping.
        return f'"{write_cursor(After(tuple(values), id), order, key)}"'

    return written
