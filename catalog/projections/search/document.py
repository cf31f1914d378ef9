"""A record as it stands becomes one document of the index, led by the marks in the kind's schema.

What can be asked of a record exactly is held as terms and columns of its own, so that a filter means here what it means
in SQL; where a record holds more than the bounds here allow, a flag says so, and SQL is asked instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote
from zlib import crc32

import orjson

from catalog.projections.projection import bucket_of
from catalog.projections.search.analysis import VERSION as ANALYSIS
from catalog.projections.search.analysis import bare, both, prepared, whole
from catalog.records.dates import Date, understand_date
from catalog.records.kinds import Field, Kind, Kinds
from catalog.records.quantities import SHIPPED, Unit
from catalog.records.standing import Lie, Standing, scope_path

# Raised when documents are made differently from the same record, so that the index is built anew.
FORMAT: Final = 4
# Between the parts of a term. No text of a record holds it: the parser refuses control characters in names and ids.
SEP: Final = "\x1f"
# What a document has whose record lies open to everyone; is merged; is merged into one that lies open to everyone.
LIES_OPEN, MERGED, BECAME_OPEN = f"open{SEP}", f"merged{SEP}", f"merged{SEP}open"
# tantivy leaves a term out that is longer than 65,530 bytes; long values are told apart by a hash well before that.
LONGEST_TERM: Final = 120
MOST_LINKS: Final = 1_000  # of a record; the rest is found in SQL
MOST_LABELS: Final = 200
MOST_CHARACTERS: Final = 200_000  # of a record's text
LONGEST_LABEL: Final = 200
LONGEST_SORT: Final = 64
LONGEST_NAME: Final = 480
QUANTITY_COLUMNS: Final = 64
ENDS: Final = tuple((f"q{column}_low", f"q{column}_high") for column in range(QUANTITY_COLUMNS))
# Dates that are open at an end reach beyond every other.
BEGINNING: Final = -(2**62)
END: Final = 2**62

Zones = Callable[[str], str]


def in_utc(source: str) -> str:
    """Every source's zone, where none is declared."""
    return "UTC"


def term(*parts: str) -> str:
    """Parts as one term; a long last part by its beginning and a hash."""
    *front, last = parts
    return SEP.join((*front, last if len(last) <= LONGEST_TERM else _shortened(last)))


def _under(front: str, last: str) -> str:
    """The same for what already stands joined, and something behind it."""
    return f"{front}{SEP}{last}" if len(last) <= LONGEST_TERM else f"{front}{SEP}{_shortened(last)}"


def _shortened(text: str) -> str:
    return f"{text[:64]}{SEP}{blake2b(text.encode(), digest_size=16).hexdigest()}"


_DAYS: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


@lru_cache(maxsize=65536)
def micros(moment: str) -> int:
    """A moment as this catalogue writes it (UTC, microseconds), in microseconds since 1970; ValueError if it is written otherwise."""
    if len(moment) != 27 or moment[-1] != "Z" or moment[10] != "T":
        raise ValueError(moment)
    year, month, day = int(moment[:4]), int(moment[5:7]), int(moment[8:10])
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    before = year - 1
    days = (
        365 * before + before // 4 - before // 100 + before // 400 + _DAYS[month - 1] + (leap and month > 2) + day - 1
    )
    seconds = (days - 719_162) * 86_400 + int(moment[11:13]) * 3_600 + int(moment[14:16]) * 60 + int(moment[17:19])
    return seconds * 1_000_000 + int(moment[20:26])


@lru_cache(maxsize=4096)
def _month(month: str) -> int:
    """A month (2026-11), counted from the year 0."""
    return int(month[:4]) * 12 + int(month[5:]) - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """What of the kinds' fields the index has columns for, by the fields' names."""

    dates: tuple[str, ...]
    numbers: tuple[str, ...]
    sorts: tuple[str, ...]  # texts and other strings
    facets: tuple[str, ...]
    scalars: tuple[str, ...]  # held as terms, to be compared with eq, ne and in; lists with eq and in


def columns_of(kinds: Kinds) -> Columns:
    """The columns for these kinds: fields of one name share them."""
    dates, numbers, sorts, facets, scalars = set(), set(), set(), set(), {"formats"}
    for kind in kinds.values():
        for each in kind.fields:
            if each.private:
                continue
            if each.facet:
                facets.add(each.name)
            if each.listed or each.words:
                scalars.add(each.name)
            if each.many or not each.mirrored:
                continue
            if each.form == "date":
                dates.add(each.name)
            elif each.form == "term" or (each.form == "scalar" and each.scalar in ("string", "boolean", "mixed")):
                scalars.add(each.name)
                if each.sortable:
                    sorts.add(each.name)
            elif each.form == "scalar":
                numbers.add(each.name)
            elif each.form == "text" and each.sortable:
                sorts.add(each.name)
    return Columns(*(tuple(sorted(names)) for names in (dates, numbers, sorts, facets, scalars)))


def fingerprint_of(kinds: Kinds) -> str:
    """A hash of all that decides how a document is made."""

    def shape(each: Field) -> list[Any]:
        told: list[Any] = [each.name, each.form, each.many, each.linked, each.scalar, each.format, each.private]
        told += [each.quantity_kind, each.key, each.attribute, each.identifier, each.sortable, each.facet]
        told += [each.searchable, each.mirrored, each.words, [shape(inner) for inner in each.fields]]
        return told

    told = [FORMAT, ANALYSIS, [[kind.name, [shape(each) for each in kind.fields]] for kind in kinds.values()]]
    return blake2b(orjson.dumps(told), digest_size=16).hexdigest()


class Making:
    """What one document gathers."""

    __slots__ = (
        "attributes",
        "document",
        "facets",
        "has",
        "links",
        "named",
        "names",
        "quantities",
        "terms",
        "text",
        "title",
        "values",
        "zone",
    )

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.document: dict[str, Any] = {}
        self.title: list[str] = []
        self.text: list[str] = []
        self.has: list[str] = []
        self.values: list[str] = []
        self.facets: dict[str, Any] = {}
        self.terms: list[str] = []
        self.links: list[str] = []
        self.attributes: list[str] = []
        self.names: list[str] = []  # identifiers, as they are looked for
        self.named: list[str] = []  # identifiers, as they are filtered by
        self.quantities: list[tuple[str, str | None, float, float | None]] = []

    def use(self, path: str, iri: str) -> None:
        """A term, and where it is used."""
        self.terms.append(iri if len(iri) <= LONGEST_TERM else _shortened(iri))
        self.terms.append(_under(path, iri))

    def words(self) -> list[str]:
        """What it says, prepared, up to a bound."""
        together = "".join(self.text)
        if len(together) <= MOST_CHARACTERS:
            return [prepared(text) if text.isascii() else _prepared(text) for text in self.text]
        left = MOST_CHARACTERS
        made = []
        for text in self.text:
            made.append(prepared(text))
            left -= len(text)
            if left < 0:
                made[-1] = made[-1][:left]
                break
        return made


_Write = Callable[[Making, Any], None]
_Plan = dict[str, _Write]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    if isinstance(value, dict):  # texts by language, one or several
        return [text for each in value.values() for text in _strings(each)]
    return []


def _to_title(making: Making, value: Any) -> None:
    making.title.extend(_strings(value))


def _to_text(making: Making, value: Any) -> None:
    if value.__class__ is str:
        making.text.append(value)
    elif value.__class__ is dict:
        for each in value.values():
            if each.__class__ is str:
                making.text.append(each)
            else:
                making.text.extend(_strings(each))
    else:
        making.text.extend(_strings(value))


def _to_called(making: Making, term: Mapping[str, Any]) -> None:
    """What the record itself calls a term."""
    if (called := term.get("called")) is not None:
        _to_text(making, called)


def _to_names(making: Making, value: Any) -> None:
    making.names.extend(_strings(value))


def _iri(value: Any) -> str | None:
    """A term's IRI; or the plain word that stands in its place."""
    return value.get("to") if isinstance(value, dict) else value


def _values_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _field(each: Field) -> _Write | None:
    """How a top-level field is written, or none if the index has nothing of it."""
    steps: list[_Write] = []
    name = each.name
    if each.searchable == "title":
        steps.append(_to_title)
    elif each.searchable == "identifier":
        steps.append(_to_names)
    elif each.searchable == "text" and each.form != "term":
        steps.append(_to_text)
    comparable = each.mirrored and not each.many
    if each.form == "text":
        if comparable:
            steps.append(_text(name, each.sortable))
    elif each.form == "date":
        if comparable:
            steps.append(_date(name))
    elif each.form == "quantity":
        steps.append(_quantity(name, each))
    elif each.form == "term":
        steps.append(_terms(name, each.facet, comparable, each.sortable))
        if each.words:
            steps.append(_strings_held(name))
    elif each.form == "links":
        steps.append(_links(name, each.facet))
    elif each.form == "object":
        if each.attribute or name == "attributes":
            steps.append(_attributes(each))
        elif each.identifier or name == "identifiers":
            steps.append(_identifiers(each))
        else:
            steps.append(_inner(each))
    elif each.form == "scalar":
        if comparable and each.scalar in ("integer", "number"):
            steps.append(_number(name))
        elif comparable:
            steps.append(_scalar(name, each.sortable))
        elif each.listed:
            steps.append(_strings_held(name, said_to_be_there=True))
        if each.facet:
            steps.append(_facet(name, said=each.searchable is None and each.format is None))
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]

    def write(making: Making, value: Any) -> None:
        for step in steps:
            step(making, value)

    return write


def _text(name: str, sortable: bool) -> _Write:
    column = f"s_{name}"

    def write(making: Making, value: Any) -> None:
        making.has.append(name)
        if sortable:
            # As lists fall back: English, Japanese, any.
            text = value.get("en") or value.get("ja") or (value[min(value)] if value else "")
            making.document[column] = text[:LONGEST_SORT]

    return write


def _date(name: str) -> _Write:
    begins, ends, month = f"d_{name}_from", f"d_{name}_until", f"m_{name}"

    def write(making: Making, value: Any) -> None:
        making.has.append(name)
        known = _reach(value["is"], making.zone)
        if known is None:
            return
        if isinstance(known, str):
            making.values.append(f"{name}{SEP}missing{SEP}{known}")
            making.has.append(f"missing{SEP}{name}")
            return
        document = making.document
        document[begins], document[ends], document[month] = known

    return write


@lru_cache(maxsize=65536)
def _reach(text: str, zone: str) -> tuple[int, int, int] | str | None:
    """How far a date reaches, and the month in which it begins; or why it is missing; None where it is no date."""
    date = understand_date(text, zone)
    if not isinstance(date, Date):
        return None
    if date.missing is not None:
        return date.missing
    return (
        BEGINNING if date.from_ is None else micros(date.from_),
        END if date.until is None else micros(date.until),
        _month((date.from_ or date.until or "")[:7]),
    )


def _number(name: str) -> _Write:
    column = f"n_{name}"

    def write(making: Making, value: Any) -> None:
        making.has.append(name)
        making.document[column] = float(value)

    return write


def _scalar(name: str, sortable: bool) -> _Write:
    column = f"s_{name}"

    def write(making: Making, value: Any) -> None:
        making.has.append(name)
        if value.__class__ is str:
            making.values.append(_under(name, value))
        else:
            making.values.append(term(name, orjson.dumps(value).decode()))
        if sortable:
            making.document[column] = str(value)[:LONGEST_SORT]

    return write


def _strings_held(name: str, *, said_to_be_there: bool = False) -> _Write:
    """The texts of a list, as they are filtered by."""

    def write(making: Making, value: Any) -> None:
        told = [_under(name, each) for each in value if each.__class__ is str]
        making.values.extend(told)
        if told and said_to_be_there:
            making.has.append(name)

    return write


def _facet(name: str, *, said: bool) -> _Write:
    def write(making: Making, value: Any) -> None:
        making.facets[name] = _countable(value)
        if said:
            _to_text(making, value)

    return write


def _countable(value: Any) -> Any:
    """Values as they are counted by: texts (what is true or false as such a word)."""
    if value.__class__ is str:
        return value if len(value) <= LONGEST_LABEL else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return list(dict.fromkeys(each for each in map(_countable, value) if each is not None))
    return str(value) if isinstance(value, int | float) else None


def _terms(name: str, facet: bool, comparable: bool, sortable: bool) -> _Write:
    def write(making: Making, value: Any) -> None:
        told: list[str] = []
        is_used = False
        for each in _values_of(value):
            if each.__class__ is str:
                told.append(each)
                making.text.append(each)
            else:
                iri = each["to"]
                told.append(iri)
                making.use(name, iri)
                _to_called(making, each)
                is_used = True
        if facet:
            making.facets[name] = list(dict.fromkeys(iri for iri in told if len(iri) <= 2 * LONGEST_LABEL))
        if comparable and told:
            making.has.append(name)
            making.values.append(term(name, told[0]))
            if sortable:
                making.document[f"s_{name}"] = told[0][:LONGEST_SORT]
        elif is_used:
            making.has.append(name)

    return write


def _links(name: str, facet: bool) -> _Write:
    front = f"to{SEP}{name}"

    def write(making: Making, value: Any) -> None:
        links = making.links
        if facet:
            making.facets[name] = list(dict.fromkeys(item["to"] for item in value[:MOST_LINKS]))
        for item in value:
            if len(links) > MOST_LINKS:
                making.has.append(f"more{SEP}links")
                break
            to = item["to"]
            links.append(_under(front, to))
            if (qualified := item.get("as")) is not None and (role := qualified.get("hadRole")) is not None:
                links.append(_under(f"as{SEP}{name}{SEP}{role}", to))

    return write


def _quantity(name: str, each: Field) -> _Write:
    def write(making: Making, value: Any) -> None:
        making.has.append(name)
        for node in _values_of(value):
            _measure(making, f"field{SEP}{name}", node, each.quantity_kind)

    return write


def _measure(making: Making, place: str, node: Mapping[str, Any], quantity_kind: str | None) -> None:
    low = node.get("siMin")
    if low is None:
        return  # an unknown unit, or open below: SQL compares neither
    if quantity_kind is None:
        unit = SHIPPED.understand(node["unitText"])
        quantity_kind = (unit.kind or "") if isinstance(unit, Unit) else None
    making.quantities.append((place, quantity_kind, low, node.get("siMax")))


def _key_name(each: Field) -> str:
    return next((inner.linked for inner in each.fields if each.key and inner.name == each.key[0]), "name")


def _attributes(each: Field) -> _Write:
    """Attributes and conditions: named values, terms and quantities."""
    called = _key_name(each)
    said = next((inner.linked for inner in each.fields if inner.name == "value"), "text")
    kind = next((inner.quantity_kind for inner in each.fields if inner.name == "quantity"), None)
    place = {"conditions": "condition", "attributes": "attribute"}.get(each.name)
    term_path = f"{each.name}.term"
    others = {
        inner.linked: f"{each.name}.{inner.name}"
        for inner in each.fields
        if inner.form == "term" and inner.name != "term"
    }

    def write(making: Making, value: Any) -> None:
        if value and each.form == "object":
            making.has.append(each.name)
        attributes, words = making.attributes, making.text
        for node in value:
            name = node.get(called)
            if name.__class__ is not str:
                continue
            words.append(name)
            text = node.get(said)
            if text is not None:
                if text.__class__ is not str:
                    text = _written(making, text)
                attributes.append(f"exists{SEP}{name}" if len(name) <= LONGEST_TERM else _under("exists", name))
                attributes.append(f"is{SEP}{name}{SEP}{text if len(text) <= LONGEST_TERM else _shortened(text)}")
                words.append(text)
            if "term" in node and (about := _iri(node["term"])) is not None:
                if text is None:
                    attributes.append(_under("exists", name))
                attributes.append(_under(f"term{SEP}{name}", about))
                if node["term"].__class__ is dict:
                    making.use(term_path, about)
                    _to_called(making, node["term"])
            if place is not None and "unitText" in node:
                _measure(making, f"{place}{SEP}{name}", node, kind)
            for key, path in others.items():
                if key in node:
                    for one in _values_of(node[key]):
                        if one.__class__ is dict:
                            making.use(path, one["to"])
                            _to_called(making, one)

    return write


def _written(making: Making, value: Any) -> str:
    if isinstance(value, list | dict):
        making.has.append(f"more{SEP}attributes")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _identifiers(each: Field) -> _Write:
    linked = {inner.name: inner.linked for inner in each.fields}
    scheme_key, value_key = linked.get("scheme", "scheme"), linked.get("value", "text")

    def write(making: Making, value: Any) -> None:
        for node in value:
            scheme, told = node[scheme_key], node[value_key]
            making.names.append(told)
            making.named.append(_under("is", told))
            making.named.append(_under(f"of{SEP}{scheme}", told))

    return write


def _inner(each: Field) -> _Write:
    """An object's words, and the terms in it."""
    plan: _Plan = {}
    for inner in each.fields:
        if inner.private:
            continue
        if inner.form == "text" or (
            inner.form == "scalar" and inner.scalar in ("string", "mixed") and inner.format is None
        ):
            plan[inner.linked] = _to_text
        elif inner.form == "term":
            plan[inner.linked] = _terms(f"{each.name}.{inner.name}", False, False, False)
        elif inner.form == "object":
            plan[inner.linked] = _inner(inner)

    def write(making: Making, value: Any) -> None:
        for node in _values_of(value):
            if node.__class__ is not dict:
                continue
            for key, inner_value in node.items():
                if (step := plan.get(key)) is not None:
                    step(making, inner_value)

    return write


def _compiled(kind: Kind) -> _Plan:
    plan: _Plan = {}
    for each in kind.fields:
        if not each.private and each.form != "json" and (write := _field(each)) is not None:
            plan[each.linked] = write
    return plan


@dataclass(frozen=True, slots=True)
class Document:
    """A document as text, with the hash of what it says of its record."""

    text: str
    hash: int


@dataclass(frozen=True, eq=False)
class Documents:
    """Makes documents. `zone_of` tells the zone of a source, in which its dates without an offset are meant."""

    kinds: Kinds
    zone_of: Zones = in_utc
    _plans: dict[str, _Plan] = field(default_factory=dict)

    def of(self, standing: Standing) -> Document:
        """The document of a record."""
        plan = self._plans.get(standing.kind)
        if plan is None:
            plan = self._plans[standing.kind] = _compiled(self.kinds[standing.kind])
        making = Making(self.zone_of(standing.source))
        get = plan.get
        for key, value in standing.document.items():
            if (write := get(key)) is not None:
                write(making, value)
        return _document(standing, making)


def _document(standing: Standing, making: Making) -> Document:
    id, kind = standing.id, standing.kind
    local = id.split("/", 2)[2]
    document = making.document
    document |= {
        "key": standing.key,
        "id": id,
        "kind": kind,
        "source": standing.source,
        "bucket": bucket_of(id),
        "revision": standing.revision,
        "scope": standing.lie.scope_key,
        "lies": standing.lie.scope,
        "within": _path(standing.lie.scope),
        "created": micros(standing.created_at),
        "modified": micros(standing.modified_at),
        "m_created": _month(standing.created_at[:7]),
        "m_modified": _month(standing.modified_at[:7]),
        "values": [*making.values, f"localId{SEP}{local}"],
        "names": _names(id, local, making.names),
        "parts": _parts(local, making.names),
    }
    if standing.lie.open:
        making.has.append(LIES_OPEN)
    if standing.profile is not None:
        document["profile"] = standing.profile
    if making.title:
        document["title"], document["label"] = _titles(kind, making.title)
    if making.text:
        document["text"] = making.words()
    if (became := standing.merged_into) is not None:
        document["merged"] = became.scope_key
        document["merged_within"] = _path(became.scope)
        making.has.append(MERGED)
        if became.open:
            making.has.append(BECAME_OPEN)
    if standing.targets and (labels := _labels_of_targets(standing)):
        document["labels"] = labels
    if making.facets:
        document["facet"] = making.facets
    if making.terms:
        document["terms"] = list(dict.fromkeys(making.terms))
    if making.links:
        document["links"] = making.links
    if making.attributes:
        document["attributes"] = making.attributes
    if making.named:
        document["named"] = making.named
    if making.quantities:
        _place_quantities(making)
    if (files := standing.files) is not None:
        document["n_files"] = float(files.count)
        document["n_bytes"] = float(files.size)
        making.facets["formats"] = list(files.formats)
        document["values"] += [_under("formats", each) for each in files.formats]
        document["facet"] = making.facets
    if making.has:
        document["has"] = making.has
    text = orjson.dumps(document)
    digest = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    head = f'{{"position":{standing.position},"hash_high":{digest >> 32},"hash_low":{digest & 0xFFFFFFFF},'
    return Document(head + text[1:].decode(), digest)


_path: Final = lru_cache(maxsize=65536)(scope_path)


def _names(id: str, local: str, others: list[str]) -> list[str]:
    """What the record is known by, as people look for it: whole, without resolvers, and the last part of a local id."""
    names = [id.lower(), local.lower()]
    if "/" in local:
        names.append(local.rpartition("/")[2].lower())
    if "%" in local:
        names.append(whole(unquote(local)))
    for other in others:
        names.append(whole(other))
        if ":" in other or "/" in other:
            names.append(bare(other))
    if max(map(len, names)) > LONGEST_NAME:
        names = list(map(name_term, names))
    return list(dict.fromkeys(names))


def name_term(name: str) -> str:
    """An identifier as a term: a very long one by its beginning and a hash."""
    return name if len(name) <= LONGEST_NAME else _shortened(name)


_PARTS: Final = re.compile(r"[^\W_]+")
_TAIL: Final = re.compile(r"[^\W\d_]+0*([1-9][0-9]+)")


def _parts(local: str, others: list[str]) -> list[str]:
    """Parts of identifiers: what stands between strokes, dots and hyphens, and the number of an accession."""
    made: dict[str, None] = {}
    for name in (local, *others):
        for part in _PARTS.findall(name[:LONGEST_LABEL].lower()):
            if len(part) > 2:
                made[part] = None
                if (tail := _TAIL.fullmatch(part)) is not None:
                    made[tail.group(1)] = None
    return list(made)


def _titles(kind: str, titles: list[str]) -> tuple[list[str], list[str]]:
    """Titles as they are searched; and as suggestions find them: in one form, then the kind, then as written."""
    words: list[str] = []
    labels: dict[str, None] = {}
    for text in titles:
        prepared_, plain = both(text)
        words.append(prepared_)
        if len(text) <= LONGEST_LABEL:
            labels[f"{plain}{SEP}{kind}{SEP}{text}"] = None
    return words, list(labels)


def label_of(kind: str, title: str) -> str:
    """The term under which records of a kind with this title are suggested."""
    return f"{both(title)[1]}{SEP}{kind}{SEP}{title}"


def _labels_of_targets(standing: Standing) -> list[str]:
    """The titles of records that it links to, as far as whoever may see it may see them too, now and when its scope opens.

    Then what lies in it is found at once, before it is fed again; and what lies below it may stay closed.
    """
    scope = standing.lie.scope
    told: list[str] = []
    for target in standing.targets.values():
        lie: Lie = target.lie
        if lie.open or lie.scope == scope:
            told.extend(target.title.values())
            if len(told) >= MOST_LABELS:
                break
    return [_prepared(text) for text in dict.fromkeys(told)]


# Titles of what many link to, and the words of vocabularies, come again and again.
_prepared: Final = lru_cache(maxsize=16_384)(prepared)


@lru_cache(maxsize=4096)
def _column_of(place: str) -> int:
    return crc32(place.encode()) % QUANTITY_COLUMNS


def _place_quantities(making: Making) -> None:
    """Give each quantity a pair of columns of its own, and a term that says which: ranges are then compared as pairs.

    Those of one name have the same column in nearly every record, so that few columns are asked.
    """
    document = making.document
    taken: set[int] = set()
    told: list[str] = []
    for place, kind, low, high in making.quantities:
        if len(taken) == QUANTITY_COLUMNS:
            making.has.append(f"more{SEP}quantities")
            break
        column = _column_of(place)
        while column in taken:
            column = (column + 1) % QUANTITY_COLUMNS
        taken.add(column)
        low_end, high_end = ENDS[column]
        document[low_end] = float(low)
        if high is not None:
            document[high_end] = float(high)
        told.append(f"{place}{SEP}{'?' if kind is None else kind}{SEP}{column}")
    document["measures"] = told
