"""A body's linked form, which the context maps to a graph; and, in the same walk, the rows that stand beside it.

The marks in the kind's schema lead; no predicate is known here. A plan is compiled once for each kind: a function for
each field, which writes the field into the node that it belongs to and notes its rows. The walk keeps no pointers;
where something was found wrong, or somebody asks for pointers, it is walked once more with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from itertools import repeat
from math import isinf
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from weakref import WeakKeyDictionary

import orjson

from catalog.records.dates import Date, understand_date
from catalog.records.finding import Finding
from catalog.records.kinds import Field, Kind, snake_case
from catalog.records.quantities import SHIPPED, Dimensions, Unit, Units, Unknown, fits
from catalog.records.record import Attribute, Identifier, Link, Quantity, TermUse

# Schemes of IRIs that stand for vocabularies' terms; any other word before a colon must be a prefix of the source.
SCHEMES: Final = frozenset("http https urn ftp info tag ark did doi hdl swh ni geo".split())

# A role is a term of our own vocabulary. (A context's prefix must end in a delimiter, so `role-` can't be part of one.)
_ROLE: Final = "musubi:role-"
_safe: Final = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII).fullmatch


class Linked(NamedTuple):
    """What a body becomes: its linked form, the rows beside it, and what was wrong with quantities, dates and terms."""

    document: dict[str, Any]
    links: tuple[Link, ...]
    quantities: tuple[Quantity, ...]
    attributes: tuple[Attribute, ...]
    identifiers: tuple[Identifier, ...]
    terms: tuple[TermUse, ...]  # each once
    columns: dict[str, Any]
    findings: tuple[Finding, ...]
    pointers: Mapping[str, str]  # fragment's id -> JSON pointer into the body; walked for when it is first asked


class _Walk:
    """What one walk over a body gathers."""

    __slots__ = (
        "attributes",
        "columns",
        "findings",
        "identifiers",
        "links",
        "name",
        "path",
        "pointers",
        "prefixes",
        "quantities",
        "terms",
        "trouble",
        "understand",
        "units",
        "zone",
    )

    def __init__(
        self, columns: dict[str, Any], prefixes: Mapping[str, str], zone: str, units: Units, traced: bool
    ) -> None:
        self.columns = columns
        self.prefixes = prefixes
        self.zone = zone
        self.units = units
        self.understand = units.understand
        self.links: list[Link] = []
        self.quantities: list[Quantity] = []
        self.attributes: list[Attribute] = []
        self.identifiers: list[Identifier] = []
        self.terms: list[TermUse] = []
        self.name: str | None = None  # of the item of a list that is being walked over
        self.trouble = False
        self.path: list[str] | None = [] if traced else None
        self.findings: list[Finding] = []
        self.pointers: dict[str, str] = {}

    def pointer(self, *more: str) -> str:
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in [*(self.path or ()), *more])

    def find(self, finding: Callable[[], Finding]) -> None:
        """Note that something is wrong; what it is, is only worked out where the pointer is known."""
        self.trouble = True
        if self.path is not None:
            self.findings.append(finding())


# (walk, node to write into, what its fragments' ids begin with, the field's value)
_Write = Callable[[_Walk, dict[str, Any], str, Any], None]
# A field that is written as it came needs only its key, and no call.
_Plan = dict[str, "_Write | str"]


def _encoded(text: str) -> str:
    return text if _safe(text) else quote(text, safe="")


# Names of attributes and conditions come again in every record of a source.
_encoded_name = lru_cache(maxsize=16384)(_encoded)


def _short(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length]


def _content(value: Any) -> str:
    """The value as one text, whatever the order of its keys and lists: a graph has neither."""
    return orjson.dumps(_orderless(value), option=orjson.OPT_SORT_KEYS).decode()


def _orderless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _orderless(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(
            (_orderless(each) for each in value), key=lambda each: orjson.dumps(each, option=orjson.OPT_SORT_KEYS)
        )
    return value


def _expanded(walk: _Walk, text: str) -> str:
    """The IRI with the source's prefix written out, if it begins with one; a record's id has no colon and stays."""
    prefix, colon, rest = text.partition(":")
    if colon and not rest.startswith("//") and (base := walk.prefixes.get(prefix)):
        return base + rest
    return text


def _term(walk: _Walk, value: Mapping[str, Any]) -> dict[str, Any]:
    text: str = value["term"]
    prefix, _, rest = text.partition(":")
    if base := walk.prefixes.get(prefix):
        if not rest.startswith("//"):
            text = base + rest
    elif prefix.lower() not in SCHEMES:
        walk.find(lambda: _unknown_prefix(walk, text, prefix))
    # What its source calls the term is nothing that a graph says of that term: it is here to be searched.
    return {"to": text, "called": value["label"]} if "label" in value else {"to": text}


# ---------------------------------------------------------------------------------------------------- fields


def _scalar(key: str, column: str) -> _Write:
    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        node[key] = walk.columns[column] = value

    return write


def _mixed_column(key: str, column: str) -> _Write:
    """A field that may be text, number or truth value: its column is text."""

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        node[key] = value
        walk.columns[column] = value if isinstance(value, str) else _content(value)

    return write


def _reference(key: str, column: str | None, many: bool) -> _Write:
    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        if many:
            node[key] = [_expanded(walk, each) for each in value]
        else:
            node[key] = expanded = _expanded(walk, value)
            if column is not None:
                walk.columns[column] = expanded

    return write


def _text(key: str, column: str) -> _Write:
    english, japanese = f"{column}_en", f"{column}_ja"

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        node[key] = value
        columns = walk.columns
        en = columns[english] = value.get("en")
        ja = columns[japanese] = value.get("ja")
        columns[column] = en or ja or (value[min(value)] if value else None)

    return write


def _date_value(walk: _Walk, value: str) -> tuple[dict[str, str], Date | None]:
    known = understand_date(value, walk.zone)
    if isinstance(known, Date):
        return {"@type": known.datatype, "is": value}, known
    reason, reason_ja = known.reason, known.reason_ja
    walk.find(
        lambda: Finding(
            walk.pointer(),
            "date/format",
            "violation",
            {"en": f"{value!r} is no date: {reason}", "ja": f"{value!r} は日付ではありません: {reason_ja}"},
        )
    )
    return {"@type": "edtf", "is": value}, None


def _date(key: str, column: str | None, many: bool) -> _Write:
    if many:

        def write_many(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
            node[key] = [_date_value(walk, each)[0] for each in _placed(walk, value)]

        return write_many

    from_, until, missing = f"{column}_from", f"{column}_until", f"{column}_missing"

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        node[key], known = _date_value(walk, value)
        if column is not None:
            columns = walk.columns
            columns[column] = value
            if known is not None:
                columns[from_] = known.from_
                columns[until] = known.until
                columns[missing] = known.missing

    return write


def _placed(walk: _Walk, values: list[Any]) -> Iterator[Any]:
    """The items, with each one's place in the path while it is being looked at."""
    if walk.path is None:
        yield from values
        return
    for number, value in enumerate(values):
        walk.path.append(str(number))
        yield value
        walk.path.pop()


def _terms(key: str, path: str, column: str | None, many: bool) -> _Write:
    if many:

        def write_many(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
            written: list[str | dict[str, Any]] = []
            node[key] = written
            for each in _placed(walk, value):
                if isinstance(each, str):  # keywords may be plain words beside terms
                    written.append(each)
                else:
                    term = _term(walk, each)
                    written.append(term)
                    walk.terms.append(TermUse(path, term["to"]))

        return write_many

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        if isinstance(value, str):
            node[key] = told = value
        else:
            node[key] = term = _term(walk, value)
            told = term["to"]
            walk.terms.append(TermUse(path, told))
        if column is not None:
            walk.columns[column] = told

    return write


class _Measure:
    """Writes quantities of one field: numbers, unit and SI values into a node, and the row."""

    __slots__ = ("column", "dimensions", "exact", "field", "kinds", "quantity_kind", "units")

    def __init__(self, field: Field, path: str, column: str | None) -> None:
        self.field = path
        self.kinds, self.dimensions = _measured(field)
        self.quantity_kind = field.quantity_kind
        self.units = field.units
        self.exact = field.exact
        self.column = column

    def __call__(self, walk: _Walk, node: dict[str, Any], value: dict[str, Any], name: str | None) -> None:
        typed: str = value["unit"]
        unit = walk.understand(typed)
        one = value.get("value")
        if one is not None:
            node["value"] = low = high = one
            smallest = largest = None
        else:
            low = smallest = value.get("min")
            high = largest = value.get("max")
            if low is not None:
                node["min"] = low
            if high is not None:
                node["max"] = high
            if low is not None and high is not None and low > high:
                walk.find(lambda: _upside_down(walk, low, high))
        uncertainty = value.get("uncertainty")
        if uncertainty is not None:
            node["uncertainty"] = uncertainty
        si_min = si_max = kind = None
        if isinstance(unit, Unit):
            if unit.qudt is not None:
                node["inUnit"] = "qu:" + unit.qudt
            elif unit.ucum is not None:
                node["ucum"] = unit.ucum
            # `%.12g`: what is computed is rounded, since each engine spells the last digits differently.
            if low is not None:
                si_min = _in_si(low, unit)
            if high is not None:
                si_max = si_min if high is low else _in_si(high, unit)
            if self.kinds and self.kinds.isdisjoint(unit.kinds) and not fits(unit, self.kinds, self.dimensions):
                walk.find(lambda: self._misfit(walk, unit))
            elif self.exact and unit.inexact:
                walk.find(lambda: _inexact(walk, unit))
            kind = self.quantity_kind or unit.kind
        else:
            walk.find(lambda: _unknown_unit(walk, unit))
        node["unitText"] = typed
        if si_min is not None:
            node["siMin"] = si_min
        if si_max is not None:
            node["siMax"] = si_max
        if (note := value.get("note")) is not None:
            _add_note(node, note)
        walk.quantities.append(
            Quantity(self.field, name, one, smallest, largest, uncertainty, typed, kind, si_min, si_max)
        )
        if self.column is not None:
            columns = walk.columns
            columns[self.column + "_value"] = one
            columns[self.column + "_unit"] = typed
            columns[self.column + "_si_min"] = si_min
            columns[self.column + "_si_max"] = si_max

    def _misfit(self, walk: _Walk, unit: Unit) -> Finding:
        wanted = self.quantity_kind or ", ".join(sorted(self.kinds))
        said = unit.kind or "something else"
        near = self.units or walk.units.measuring(unit.typed, self.kinds)
        fitting = f"; {', '.join(near)} would fit" if near else ""
        fitting_ja = f"。{'、'.join(near)} などが使えます" if near else ""
        return Finding(
            walk.pointer("unit"),
            "unit/misfit",
            "violation",
            {
                "en": f"the unit {unit.typed!r} measures {said}, and this is to be {wanted}{fitting}",
                "ja": f"単位 {unit.typed!r} は {said} の単位で、この項目（{wanted}）に合いません{fitting_ja}",
            },
            "profile",
            near,
        )


def _add_note(node: dict[str, Any], note: Any) -> None:
    """An attribute and its quantity may each have a note, and share a node; both are kept, in an order of their own."""
    node["note"] = sorted((node["note"], note)) if "note" in node else note


def _write_note(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
    _add_note(node, value)


def _in_si(value: float, unit: Unit) -> float | None:
    told = float("%.12g" % ((value + unit.offset) * unit.factor))
    return None if isinf(told) else told


def _measured(field: Field) -> tuple[frozenset[str], Dimensions | None]:
    return SHIPPED.kinds_measured(field.quantity_kind, field.units)


def _quantity(field: Field, path: str, name: str | None, column: str | None) -> _Write:
    key, fragment = field.linked, _encoded(field.fragment)
    measure = _Measure(field, path, column)

    def named(walk: _Walk) -> str | None:
        return name if walk.name is None else f"{walk.name}/{name}"

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        node[key] = own = {"id": base + fragment, "type": "Quantity"}
        if walk.path is not None:
            walk.pointers[base + fragment] = walk.pointer()
        measure(walk, own, value, named(walk))

    def write_many(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        written: list[dict[str, Any]] = []
        for number, (own_key, item, count) in enumerate(_keyed([_short(_content(each), 10) for each in value], value)):
            own: dict[str, Any] = {"id": f"{base}{fragment}/{own_key}", "type": "Quantity"}
            if walk.path is not None:
                walk.path.append(str(number))
                walk.pointers[own["id"]] = walk.pointer()
            measure(walk, own, item, named(walk))
            if walk.path is not None:
                walk.path.pop()
            if count > 1:
                own["count"] = count
            written.append(own)
        node[key] = written

    return write_many if field.many else write


def _keyed(keys: list[str], items: list[Any]) -> Iterable[tuple[str, Any, int]]:
    """Each item with a key of its own: several that share one all carry a hash of their content; equal ones are one."""
    if len(keys) == 1 or len(set(keys)) == len(keys):
        return zip(keys, items, repeat(1))
    shared: dict[str, dict[str, list[Any]]] = {}
    for key, item in zip(keys, items, strict=True):
        shared.setdefault(key, {}).setdefault(_content(item), []).append(item)
    taken = set(shared)
    named: dict[tuple[str, str], str] = {}
    for key, contents in shared.items():
        if len(contents) == 1:
            named[key, next(iter(contents))] = key
            continue
        length = 6
        while True:
            names = {content: f"{key}.{_short(content, length)}" for content in contents}
            # Somebody may have named an attribute `tissue.3f2a91`, and short hashes may agree.
            if len(set(names.values())) == len(names) and taken.isdisjoint(names.values()):
                break
            length += 2
        taken.update(names.values())
        named.update(((key, content), name) for content, name in names.items())
    made: list[tuple[str, Any, int]] = []
    done: set[str] = set()
    for key, item in zip(keys, items, strict=True):
        content = _content(item)
        name = named[key, content]
        if name not in done:
            done.add(name)
            made.append((name, item, len(shared[key][content])))
    return made


def _fill(walk: _Walk, plan: _Plan, node: dict[str, Any], base: str, value: Mapping[str, Any]) -> None:
    """Write every field of a value that the plan knows into its node."""
    if walk.path is not None:
        for name, each in value.items():
            handler = plan.get(name)
            walk.path.append(name)
            if isinstance(handler, str):
                node[handler] = each
            elif handler is not None:
                handler(walk, node, base, each)
            walk.path.pop()
        return
    get = plan.get
    for name, each in value.items():
        handler = get(name)
        if handler.__class__ is str:
            node[handler] = each
        elif handler is not None:
            handler(walk, node, base, each)  # type: ignore[operator]


def _object(field: Field, plan: _Plan) -> _Write:
    key, fragment, rdf_type = field.linked, _encoded(field.fragment), field.rdf_type
    measured = _types_with_quantity(field)

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        own: dict[str, Any] = {"id": base + fragment}
        if measured and "quantity" in value:
            own["type"] = measured
        elif rdf_type:
            own["type"] = rdf_type
        node[key] = own
        if walk.path is not None:
            walk.pointers[base + fragment] = walk.pointer()
        _fill(walk, plan, own, base + fragment + "/", value)

    return write


def _types_with_quantity(field: Field) -> list[str] | None:
    """An object's types where its quantity is written on its own node, or none if it has no such quantity."""
    if not _has_flat_quantity(field):
        return None
    return [field.rdf_type, "Quantity"] if field.rdf_type else ["Quantity"]


def _has_flat_quantity(field: Field) -> bool:
    """Whether an inner field's quantity is written on the object's own node: an attribute's `quantity`."""
    return any(each.form == "quantity" and each.name == "quantity" and not each.many for each in field.fields)


def _part_of_key(value: Any) -> str:
    if isinstance(value, str):
        return _encoded(value) if len(value) > 32 else _encoded_name(value)
    if isinstance(value, dict) and "term" in value:
        return _encoded(str(value["term"]))
    return _encoded(_content(value))


def _key_of(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    if len(names) == 1 and (only := item.get(names[0])) is not None:
        return _part_of_key(only)
    values = [item.get(name) for name in names]
    if all(value is None for value in values):
        return _short(_content(item), 10)
    return "/".join("" if value is None else _part_of_key(value) for value in values)


def _objects(field: Field, plan: _Plan) -> _Write:
    key, start, rdf_type, names = field.linked, _encoded(field.fragment) + "/", field.rdf_type, field.key
    is_attribute, is_identifier = (
        field.attribute or field.name == "attributes",
        field.identifier or field.name == "identifiers",
    )
    first = names[0] if names else ""
    measured = _types_with_quantity(field)

    def key_of(item: Mapping[str, Any]) -> str:
        # The usual case first: named by one short text.
        if len(names) == 1 and (only := item.get(first)).__class__ is str and len(only) <= 32:
            return _encoded_name(only)
        return _key_of(item, names)

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        written: list[dict[str, Any]] = []
        base += start
        outer = walk.name
        for own_key, item, count in _keyed([key_of(item) for item in value], value):
            id = base + own_key
            own: dict[str, Any] = {"id": id}
            if measured and "quantity" in item:
                own["type"] = measured
            elif rdf_type:
                own["type"] = rdf_type
            name = item.get(first)
            walk.name = name if isinstance(name, str) else own_key
            if walk.path is None:
                _fill(walk, plan, own, id + "/", item)
            else:
                walk.path.append(str(next(number for number, each in enumerate(value) if each is item)))
                walk.pointers[id] = walk.pointer()
                _fill(walk, plan, own, id + "/", item)
                walk.path.pop()
            if count > 1:
                own["count"] = count
            if is_attribute:
                said = item.get("value")
                term = own.get("term")
                if said is not None or term is not None:  # else the quantity's row says it all
                    told = said if said is None or isinstance(said, str) else _content(said)
                    iri = term["to"] if isinstance(term, dict) else term
                    walk.attributes.append(Attribute(item["name"], told, iri, item.get("origin", "submitted")))
            elif is_identifier:
                walk.identifiers.append(
                    Identifier(item["scheme"], item["value"], item.get("primary", False), item.get("state"))
                )
            written.append(own)
        walk.name = outer
        node[key] = written

    return write


def _flat(field: Field, path: str) -> _Write:
    measure = _Measure(field, path, None)

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        measure(walk, node, value, walk.name)

    return write


def _links(field: Field, path: str) -> _Write:
    key, start = field.linked, _encoded(field.fragment) + "/"
    extras: _Plan = {
        each.name: _compiled(each, f"{path}.{each.name}", top=False)
        for each in field.fields
        if each.name not in ("to", "role") and not each.private
    }

    def write(walk: _Walk, node: dict[str, Any], base: str, value: Any) -> None:
        written: list[dict[str, Any]] = []
        node[key] = written
        qualified: list[dict[str, Any]] = []
        seen: set[str] = set()
        for item in value:
            if isinstance(item, str):
                to = item
            elif len(item) == 1:
                to = item["to"]
            else:
                qualified.append(item)
                continue
            if ":" in to:
                to = _expanded(walk, to)
            if to not in seen:
                seen.add(to)
                written.append({"to": to})
                walk.links.append(Link(path, to))
        if not qualified:
            return
        for own_key, item, count in _keyed(_link_keys(walk, qualified), qualified):
            get = item.get
            to = item["to"]
            if ":" in to:
                to = _expanded(walk, to)
            id = base + start + own_key
            own: dict[str, Any] = {"id": id, "type": "Link", "of": node["id"], "field": path}
            role = get("role")
            if role is not None:
                own["hadRole"] = _ROLE + _encoded_name(role)
            if walk.path is None:
                if role is None or len(item) > 2:
                    _fill(walk, extras, own, id + "/", item)
            else:
                walk.path.append(str(next(number for number, each in enumerate(value) if each is item)))
                walk.pointers[id] = walk.pointer()
                _fill(walk, extras, own, id + "/", item)
                walk.path.pop()
            if count > 1:
                own["count"] = count
            written.append({"to": to, "as": own})
            if (by := get("by")) is not None:
                by = _expanded(walk, by)
            walk.links.append(
                Link(
                    path,
                    to,
                    role,
                    get("port"),
                    get("predicate"),
                    get("from"),
                    get("order"),
                    get("until"),
                    get("note"),
                    by,
                )
            )

    return write


def _link_keys(walk: _Walk, links: list[dict[str, Any]]) -> list[str]:
    """A short hash of what identifies each link: target, role, port, predicate, from."""
    identities = []
    for link in links:
        get = link.get
        identities.append(
            f"{_expanded(walk, link['to'])}\n{get('role', '')}\n{get('port', '')}\n{get('predicate', '')}\n{get('from', '')}"
        )
    length = 10
    while True:
        keys = [_short(identity, length) for identity in identities]
        if len(keys) == 1 or len(set(keys)) == len(set(identities)):
            return keys
        length += 2


# ---------------------------------------------------------------------------------------------------- plan


def _compiled(field: Field, path: str, top: bool) -> _Write | str:
    column = snake_case(field.name) if top and field.mirrored and not field.many else None
    form, key = field.form, field.linked
    if form == "text":
        return _text(key, column) if column is not None else key
    if form == "date":
        return _date(key, column, field.many)
    if form == "term":
        return _terms(key, path, column, field.many)
    if form == "links":
        return _links(field, path)
    if form == "quantity":
        return _quantity(field, path.partition(".")[0], None if top else path.partition(".")[2], column)
    if form == "object":
        outer = path.partition(".")[0]
        plan: _Plan = {}
        flat = _has_flat_quantity(field)
        for each in field.fields:
            if each.private:
                continue
            if flat and each.name == "quantity":
                plan[each.name] = _flat(each, outer)
            elif flat and each.linked == "note":
                plan[each.name] = _write_note
            else:
                plan[each.name] = _compiled(each, f"{path}.{each.name}", top=False)
        return _objects(field, plan) if field.many else _object(field, plan)
    if form == "scalar" and field.format in ("iri", "reference", "iri-reference"):
        return _reference(key, column, field.many)
    if column is not None and field.scalar == "mixed":
        return _mixed_column(key, column)
    return _scalar(key, column) if form == "scalar" and column is not None else key


@dataclass(frozen=True, slots=True)
class _KindPlan:
    types: list[str]
    fields: _Plan
    columns: dict[str, None]


_PLANS: Final[WeakKeyDictionary[Kind, _KindPlan]] = WeakKeyDictionary()


def _plan(kind: Kind) -> _KindPlan:
    plan = _PLANS.get(kind)
    if plan is None:
        # Twice in two threads would be the same plan.
        fields = {field.name: _compiled(field, field.name, top=True) for field in kind.fields if not field.private}
        plan = _KindPlan([*kind.types, "Record"], fields, dict.fromkeys(column.name for column in kind.columns))
        _PLANS[kind] = plan
    return plan


def link_up(
    kind: Kind,
    record_id: str,
    body: Mapping[str, Any],
    prefixes: Mapping[str, str],
    zone: str = "UTC",
    units: Units = SHIPPED,
) -> Linked:
    """The linked form of a body that passed its kind's schema, with the rows beside it and the findings."""
    plan = _plan(kind)
    walk = _Walk(dict(plan.columns), prefixes, zone, units, traced=False)
    document: dict[str, Any] = {"id": record_id, "type": plan.types}
    _fill(walk, plan.fields, document, record_id + "#", body)
    findings: tuple[Finding, ...] = ()
    if walk.trouble:
        findings = tuple(_walked_again(plan, record_id, body, prefixes, zone, units).findings)
    pointers = _Pointers(plan, record_id, body, prefixes, zone, units)
    return Linked(
        document,
        tuple(walk.links),
        tuple(walk.quantities),
        tuple(walk.attributes),
        tuple(walk.identifiers),
        tuple(dict.fromkeys(walk.terms)) if walk.terms else (),
        walk.columns,
        findings,
        pointers,
    )


def _walked_again(
    plan: _KindPlan, record_id: str, body: Mapping[str, Any], prefixes: Mapping[str, str], zone: str, units: Units
) -> _Walk:
    walk = _Walk({}, prefixes, zone, units, traced=True)
    walk.pointers[record_id] = ""
    _fill(walk, plan.fields, {"id": record_id}, record_id + "#", body)
    return walk


class _Pointers(Mapping[str, str]):
    """Where each fragment came from in the body; walked for when somebody first asks."""

    __slots__ = ("_found", "_how")

    def __init__(self, *how: Any) -> None:
        self._how = how
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = _walked_again(*self._how).pointers
        return self._found

    def __getitem__(self, id: str) -> str:
        return self._all()[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


# ---------------------------------------------------------------------------------------------------- findings


def _unknown_unit(walk: _Walk, unit: Unknown) -> Finding:
    meant = f"; did you mean {' or '.join(unit.near)}?" if unit.near else ""
    meant_ja = f"。{' または '.join(unit.near)} のことですか" if unit.near else ""
    advice = f": {unit.advice}" if unit.advice else ""
    advice_ja = f": {unit.advice_ja}" if unit.advice_ja else ""
    return Finding(
        walk.pointer("unit"),
        "unit/unknown",
        "violation",
        {
            "en": f"the unit {unit.typed!r} is not known{advice}{meant}",
            "ja": f"単位 {unit.typed!r} は使えません{advice_ja}{meant_ja}",
        },
        "profile",
        unit.near,
    )


def _inexact(walk: _Walk, unit: Unit) -> Finding:
    return Finding(
        walk.pointer("unit"),
        "unit/misfit",
        "violation",
        {
            "en": f"how long the unit {unit.typed!r} is depends on which one; give days or hours",
            "ja": f"単位 {unit.typed!r} の長さは一定ではありません。日または時間で書いてください",
        },
        "profile",
        ("d", "h"),
    )


def _upside_down(walk: _Walk, low: float, high: float) -> Finding:
    return Finding(
        walk.pointer(),
        "quantity/range",
        "violation",
        {
            "en": f"the range begins at {low} and ends at {high}, which is less",
            "ja": f"範囲の下限 {low} が上限 {high} より大きいです",
        },
        "profile",
    )


@lru_cache(maxsize=256)
def _near_prefixes(prefix: str, known: tuple[str, ...]) -> tuple[str, ...]:
    same = [each for each in known if each.casefold() == prefix.casefold()]
    return tuple((same or get_close_matches(prefix, known, n=3, cutoff=0.5))[:3])


def _unknown_prefix(walk: _Walk, text: str, prefix: str) -> Finding:
    near = _near_prefixes(prefix, tuple(sorted(walk.prefixes)))
    meant = f"; did you mean {' or '.join(near)}?" if near else "; declare it with the source, or write the whole IRI"
    meant_ja = f"。{' または '.join(near)} のことですか" if near else "。登録元に宣言するか、IRI全体を書いてください"
    return Finding(
        walk.pointer("term"),
        "term/prefix",
        "violation",
        {
            "en": f"{text!r}: the source declares no prefix {prefix!r}{meant}",
            "ja": f"{text!r}: 登録元は接頭辞 {prefix!r} を宣言していません{meant_ja}",
        },
        "profile",
        near,
    )
