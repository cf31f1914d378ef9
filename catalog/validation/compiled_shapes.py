"""Shapes that say no more than a JSON Schema over the linked form can say, compiled into one.

The compiled schema is a quick yes. What it accepts, the shapes accept: every rule here errs to the other side. What it
does not accept is decided by the shapes themselves on the record's graph, so a rule that cannot be said exactly (a
comparison of two fields, a path of two steps, a pattern whose dialects differ) becomes `false` where it would apply,
and costs only those records to which it applies.

It stands on what the linked form promises (`records/linked.py`): an ordinary JSON-LD document of one record; nodes nest
only under the fields that hold links, quantities or objects, and carry an `id` each, every such id once; a reference is
`{"to": …}` or a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pyoxigraph as ox

from catalog.records.kinds import Field, Kind
from catalog.validation.schema import compile_schema
from catalog.validation.shapes import RDF, RDFS, SH, TARGETS, XSD, Resource, Statements, Term

Schema = dict[str, Any] | bool

_KEYWORDS = {
    "@id",
    "@type",
    "@value",
    "@language",
    "@none",
    "@graph",
    "@context",
    "@reverse",
    "@index",
    "@set",
    "@list",
}
# Up to here every engine reads and writes an integer as the same one.
_WHOLE = 2**53 - 1

# A language tag in the case that BCP 47 recommends; two such tags never differ by case alone.
_USUAL_TAG = (
    "^[a-z]{2,8}(?:-[a-z]{3})?(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    "(?:-x(?:-[a-z0-9]{1,8})+)?$"
)

# What may stand on a shape without a bearing on the verdict.
_SILENT = {
    "message",
    "name",
    "description",
    "order",
    "group",
    "severity",
    "defaultValue",
    "deactivated",
    "path",
    "ignoredProperties",
    "flags",
}


@dataclass(frozen=True, slots=True)
class ContextTerm:
    """What the context says of one key: its predicate, how its values are read, and whether it points backwards."""

    key: str
    predicate: str
    type: str | None = None
    container: str | None = None
    reverse: bool = False

    @property
    def holds_nodes(self) -> bool:
        """Whether a value under this key may be a nested node."""
        return self.container is None and self.type in (None, "@id")


class Context:
    """The merged JSON-LD context, read only as far as compiling needs it."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        inner = context.get("@context", context)
        self._raw: Mapping[str, Any] = inner if isinstance(inner, Mapping) else {}
        # JSON-LD 1.1: a prefix is what says so, or what ends in one of these delimiters; all else is a term.
        self.prefixes: dict[str, str] = {}
        for key, value in self._raw.items():
            if isinstance(value, str) and value.endswith((":", "/", "?", "#", "[", "]", "@")):
                self.prefixes[key] = value
            elif isinstance(value, Mapping) and value.get("@prefix") is True and isinstance(value.get("@id"), str):
                self.prefixes[key] = str(value["@id"])
        self.aliases: dict[str, set[str]] = {keyword: {keyword} for keyword in _KEYWORDS}
        for key, value in self._raw.items():
            if isinstance(value, str) and value in _KEYWORDS:
                self.aliases[value].add(key)
        self.terms: dict[str, ContextTerm] = {}
        self._expanded: dict[str, str] = {}
        # A vocabulary, a default language or a scoped context gives meaning to keys that are not listed here.
        self.readable = not {"@vocab", "@language", "@import", "@propagate"} & set(self._raw)
        for key, value in self._raw.items():
            if key.startswith("@") or value is None or (isinstance(value, str) and value in _KEYWORDS):
                continue
            if (term := self._term(key, value)) is not None:
                self.terms[key] = term

    def _term(self, key: str, value: Any) -> ContextTerm | None:
        if isinstance(value, str):
            return ContextTerm(key, self.expand(value))
        if not isinstance(value, Mapping):
            return None
        if {"@context", "@nest", "@index"} & set(value) or isinstance(value.get("@container"), list):
            self.readable = False
            return None
        reverse = isinstance(value.get("@reverse"), str)
        named = value.get("@reverse" if reverse else "@id", key)
        if not isinstance(named, str) or named in _KEYWORDS:
            if isinstance(named, str):
                self.aliases[named].add(key)
            return None
        type_ = value.get("@type")
        container = value.get("@container")
        if container not in (None, "@language", "@set"):
            self.readable = False
        return ContextTerm(
            key,
            self.expand(named),
            type_ if type_ in (None, "@id", "@json", "@vocab", "@none") else self.expand(str(type_)),
            None if container == "@set" else container,
            reverse,
        )

    def expand(self, name: str) -> str:
        """A term, a prefixed name or an IRI as an IRI."""
        if (known := self._expanded.get(name)) is None:
            known = self._expanded[name] = self._expand(name)
        return known

    def _expand(self, name: str) -> str:
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            value = self._raw.get(name)
            if isinstance(value, Mapping):
                value = value.get("@id")
            if isinstance(value, str) and not value.startswith("@"):
                name = value
                continue
            prefix, colon, rest = name.partition(":")
            if colon and not rest.startswith("//") and prefix in self.prefixes:
                name = self.prefixes[prefix] + rest
        return name

    def spellings(self, iri: str, *, as_term: bool) -> list[str]:
        """The ways in which a document may write an IRI; with `as_term`, those of types and vocabularies too."""
        written = [iri]
        for prefix, expansion in self.prefixes.items():
            full = self.expand(expansion)
            if iri.startswith(full) and len(iri) > len(full) and not iri[len(full) :].startswith("//"):
                written.append(f"{prefix}:{iri[len(full) :]}")
        if as_term:
            written.extend(key for key, term in self.terms.items() if term.predicate == iri)
        return written


def _written(aliases: set[str]) -> list[str]:
    """The spellings of a keyword that stand in documents: its aliases, or itself if it has none."""
    return sorted(name for name in aliases if not name.startswith("@")) or sorted(aliases)


def _schema_all(parts: Iterable[Schema]) -> Schema:
    """All of these, said as shortly as can be."""
    kept: list[dict[str, Any]] = []
    for part in parts:
        if part is False:
            return False
        if part is True or part == {}:
            continue
        assert isinstance(part, dict)
        if part not in kept:
            kept.append(part)
    if not kept:
        return True
    if len(kept) == 1:
        return kept[0]
    merged: dict[str, Any] = {}
    apart: list[dict[str, Any]] = []
    for part in kept:
        if set(part) == {"properties"}:
            into = merged.setdefault("properties", {})
            for key, schema in part["properties"].items():
                into[key] = _schema_all([into.get(key, True), schema])
        elif set(part) == {"required"}:
            merged["required"] = sorted({*merged.get("required", ()), *part["required"]})
        else:
            apart.append(part)
    if apart:
        merged["allOf"] = apart
    return merged


def _schema_any(parts: Iterable[Schema]) -> Schema:
    kept = [part for part in parts if part is not False]
    if any(part is True for part in kept):
        return True
    if not kept:
        return False
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


_DAY = r"(?:0[1-9]|1[0-9]|2[0-8])"
_YEAR = r"(?:[1-9][0-9]{3})"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
# Only days that every month has: the 29th to 31st are left to the engine that knows the calendar. See `_date`.
_LONG = r"(?:(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_MONTH_DAY = rf"(?:(?:0[1-9]|1[0-2])-{_DAY}|{_LONG})"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"

_LEXICAL: dict[str, Schema] = {
    XSD + "string": {"type": "string"},
    XSD + "boolean": {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]},
    XSD + "date": {"type": "string", "pattern": rf"^{_YEAR}-{_MONTH_DAY}{_ZONE}?$"},
    XSD + "dateTime": {"type": "string", "pattern": rf"^{_YEAR}-{_MONTH_DAY}T{_TIME}{_ZONE}?$"},
    XSD + "gYear": {"type": "string", "pattern": rf"^{_YEAR}{_ZONE}?$"},
    XSD + "gYearMonth": {"type": "string", "pattern": rf"^{_YEAR}-(?:0[1-9]|1[0-2]){_ZONE}?$"},
    XSD + "integer": {"type": "integer", "minimum": -_WHOLE, "maximum": _WHOLE},
    XSD + "nonNegativeInteger": {"type": "integer", "minimum": 0, "maximum": _WHOLE},
    XSD + "positiveInteger": {"type": "integer", "minimum": 1, "maximum": _WHOLE},
    XSD + "double": {"type": "number"},
}
_WHOLE_NUMBERS = {XSD + name for name in ("integer", "nonNegativeInteger", "positiveInteger")}
_NUMBERS = {*_WHOLE_NUMBERS, XSD + "double"}
_BOUNDS = {
    "minInclusive": "minimum",
    "maxInclusive": "maximum",
    "minExclusive": "exclusiveMinimum",
    "maxExclusive": "exclusiveMaximum",
}


def portable_pattern(pattern: str) -> str | None:
    """A pattern that means the same, or less, to JSON Schema as to SPARQL; None if that is not sure."""
    # \d is narrower here than there, which only makes the quick yes rarer, but not inside [^…].
    if re.search(r"\\[^d.\-+*?^$|(){}\[\]/\\tnr]", pattern) or re.search(r"\[\^[^\]]*\\d", pattern):
        return None
    if "(?" in pattern or "&&" in pattern or re.search(r"[*+?}][+]|\[[^\]]*-\[", pattern):
        return None
    try:
        compile_schema({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        return None
    return pattern


class _Compiler:
    def __init__(self, statements: Statements, context: Context) -> None:
        self.said = statements
        self.context = context
        self.by_predicate: dict[str, list[ContextTerm]] = {}
        self.backwards: dict[str, list[ContextTerm]] = {}
        for term in context.terms.values():
            if term.key in context.prefixes:
                continue
            (self.backwards if term.reverse else self.by_predicate).setdefault(term.predicate, []).append(term)
        # The linked form writes an alias where there is one, and a value's datatype as JSON-LD does: {"@type": …, "is": …}.
        self.ids = _written(context.aliases["@id"])
        # A node's own name is `id`; any other alias marks a reference.
        self.own_ids = [name for name in self.ids if name in ("id", "@id")]
        self.references = [name for name in self.ids if name not in ("id", "@id")]
        self.types = _written(context.aliases["@type"])
        self.values = _written(context.aliases["@value"])

    # -- what the shapes say ------------------------------------------------------------------------------------------

    def targeted(self) -> list[Resource]:
        """The shapes that choose nodes by themselves."""
        found = []
        for subject, said in self.said.by_subject.items():
            if any(SH + target in said for target in (*TARGETS, "target")) or self.is_class_and_shape(subject):
                found.append(subject)
        return found

    def is_class_and_shape(self, subject: Resource) -> bool:
        kinds = {value.value for value in self.said.values(subject, RDF + "type") if isinstance(value, ox.NamedNode)}
        return RDFS + "Class" in kinds and bool(kinds & {SH + "NodeShape", SH + "PropertyShape"})

    def _constraints(self, shape: Resource) -> dict[str, tuple[Term, ...]]:
        """The parameters of a shape by their local name; what is not SHACL's own is no constraint."""
        return {
            predicate.removeprefix(SH): values
            for predicate, values in self.said.by_subject.get(shape, {}).items()
            if predicate.startswith(SH)
        }

    def _switched_off(self, constraints: Mapping[str, tuple[Term, ...]]) -> bool:
        return any(
            isinstance(value, ox.Literal) and value.value in ("true", "1")
            for value in constraints.get("deactivated", ())
        )

    # -- nodes --------------------------------------------------------------------------------------------------------

    def node(self, shape: Resource, depth: int = 0) -> Schema:
        """What an object of the linked form must be like, so that the node which it describes keeps a shape."""
        constraints = self._constraints(shape)
        if self._switched_off(constraints):
            return True
        if depth > 8:
            return False
        parts: list[Schema] = []
        if "path" in constraints:
            return self._property(shape, depth)
        for name, values in constraints.items():
            if name in _SILENT or name in TARGETS:
                continue
            if name == "property":
                parts.extend(self._property(value, depth + 1) for value in self._resources(values))
            elif name == "and":
                parts.extend(
                    self.node(member, depth + 1)
                    for head in values
                    for member in self._resources(self.said.members(head))
                )
            elif name == "or":
                parts.extend(
                    _schema_any(self.node(member, depth + 1) for member in self._resources(self.said.members(head)))
                    for head in values
                )
            elif name == "nodeKind":
                fits = all(
                    isinstance(value, ox.NamedNode)
                    and value.value in (SH + "IRI", SH + "BlankNodeOrIRI", SH + "IRIOrLiteral")
                    for value in values
                )
                parts.append(fits and {"anyOf": [{"required": [name]} for name in self.own_ids]})
            elif name == "closed":
                parts.append(self._closed(shape, constraints))
            else:
                return False
        return _schema_all(parts)

    def _resources(self, values: Sequence[Term]) -> list[Resource]:
        return [value for value in values if not isinstance(value, ox.Literal)]

    def _closed(self, shape: Resource, constraints: Mapping[str, tuple[Term, ...]]) -> Schema:
        if not any(isinstance(value, ox.Literal) and value.value in ("true", "1") for value in constraints["closed"]):
            return True
        allowed = {
            value.value
            for head in constraints.get("ignoredProperties", ())
            for value in self.said.members(head)
            if isinstance(value, ox.NamedNode)
        }
        for shape_of_property in self._resources(constraints.get("property", ())):
            path = self.said.one(shape_of_property, SH + "path")
            if isinstance(path, ox.NamedNode):
                allowed.add(path.value)
        if any(predicate not in allowed for predicate in self.backwards):
            # A reverse key elsewhere in the document says something of this node.
            return False
        refused = [
            term.key for term in self.context.terms.values() if not term.reverse and term.predicate not in allowed
        ]
        if RDF + "type" not in allowed:
            refused.extend(self.types)
        return {"propertyNames": {"not": {"enum": sorted(refused)}}} if refused else True

    # -- properties ---------------------------------------------------------------------------------------------------

    def _property(self, shape: Resource, depth: int) -> Schema:
        constraints = self._constraints(shape)
        if self._switched_off(constraints):
            return True
        path = self.said.one(shape, SH + "path")
        if len(constraints.get("path", ())) != 1 or depth > 8:
            return False
        if isinstance(path, ox.BlankNode):
            return self._backwards(path, constraints)
        if not isinstance(path, ox.NamedNode):
            return False
        predicate = path.value
        if predicate == RDF + "type":
            return self._typed(constraints)
        keys = self.by_predicate.get(predicate, [])
        if predicate in self.backwards:
            return False
        parts: list[Schema] = []
        each: dict[str, tuple[Term, ...]] = {}
        for name, values in constraints.items():
            if name in _SILENT or name in TARGETS:
                continue
            if name in ("minCount", "maxCount"):
                parts.extend(self._count(name, value, keys) for value in values)
            elif name == "uniqueLang":
                parts.extend(self._unique_languages(value, keys) for value in values)
            elif name == "languageIn":
                parts.extend(self._languages(head, keys) for head in values)
            elif name == "hasValue":
                parts.extend(_schema_any(self._holds(value, term) for term in keys) for value in values)
            else:
                each[name] = values
        if each:
            for term in keys:
                wanted = self._value(term, each, constraints, depth + 1)
                if wanted is not True:
                    parts.append({"properties": {term.key: self._every(term, wanted)}})
        return _schema_all(parts)

    def _backwards(self, path: ox.BlankNode, constraints: Mapping[str, tuple[Term, ...]]) -> Schema:
        inverse = self.said.one(path, SH + "inversePath")
        if not isinstance(inverse, ox.NamedNode):
            return False
        keys = self.backwards.get(inverse.value, [])
        parts: list[Schema] = []
        for name, values in constraints.items():
            if name in _SILENT:
                continue
            if name == "minCount":
                parts.extend(self._count(name, value, keys) for value in values)
            elif name == "nodeKind":
                parts.append(
                    all(
                        isinstance(value, ox.NamedNode) and value.value in (SH + "IRI", SH + "BlankNodeOrIRI")
                        for value in values
                    )
                )
            else:
                return False
        return _schema_all(parts)

    def _typed(self, constraints: Mapping[str, tuple[Term, ...]]) -> Schema:
        parts: list[Schema] = []
        for name, values in constraints.items():
            if name in _SILENT:
                continue
            if name == "hasValue":
                parts.extend(
                    self.of_class(value.value) if isinstance(value, ox.NamedNode) else False for value in values
                )
            elif name == "minCount" and all(
                isinstance(value, ox.Literal) and value.value in ("0", "1") for value in values
            ):
                parts.append(
                    {
                        "anyOf": [
                            {"required": [key], "properties": {key: {"type": ["string", "array"], "minItems": 1}}}
                            for key in self.types
                        ]
                    }
                )
            elif name == "nodeKind" and all(
                isinstance(value, ox.NamedNode) and value.value in (SH + "IRI", SH + "BlankNodeOrIRI")
                for value in values
            ):
                continue
            else:
                return False
        return _schema_all(parts)

    def of_class(self, iri: str) -> Schema:
        """That an object says to be of a class."""
        names = self.context.spellings(iri, as_term=True)
        return _schema_any(
            {
                "required": [key],
                "properties": {key: {"anyOf": [{"enum": names}, {"type": "array", "contains": {"enum": names}}]}},
            }
            for key in self.types
        )

    def _count(self, name: str, value: Term, keys: Sequence[ContextTerm]) -> Schema:
        if not isinstance(value, ox.Literal) or not value.value.isdigit():
            return False
        count = int(value.value)
        if name == "minCount":
            if count == 0:
                return True
            if count > 1:
                # Two that are written differently may be one in the graph.
                return _schema_any(
                    {
                        "required": [term.key],
                        "properties": {
                            term.key: {
                                "type": "object",
                                "minProperties": count,
                                "additionalProperties": {"type": "string"},
                                "propertyNames": {"pattern": "^[a-z-]+$"},
                            }
                        },
                    }
                    for term in keys
                    if term.container == "@language"
                )
            return _schema_any(
                {"required": [term.key], "properties": {term.key: self._something(term)}} for term in keys
            )
        if not keys:
            return True
        if count == 0:
            return _schema_all({"properties": {term.key: False}} for term in keys)
        parts: list[Schema] = [{"properties": {term.key: self._at_most(term, count)}} for term in keys]
        if len(keys) > 6:
            return False
        for index, first in enumerate(keys):
            parts.extend({"not": {"required": sorted((first.key, second.key))}} for second in keys[index + 1 :])
        return _schema_all(parts)

    def _something(self, term: ContextTerm) -> Schema:
        scalars = ["string", "number", "boolean"]
        if term.container == "@language":
            return {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}
        if term.type == "@json":
            return True
        return {
            "type": [*scalars, "object", "array"],
            "minItems": 1,
            "minProperties": 1,
            "items": {"type": [*scalars, "object"]},
        }

    def _at_most(self, term: ContextTerm, count: int) -> Schema:
        if term.container == "@language":
            return {"type": "object", "maxProperties": count, "additionalProperties": {"type": "string"}}
        if term.type == "@json":
            return True
        return {"maxItems": count}

    def _unique_languages(self, value: Term, keys: Sequence[ContextTerm]) -> Schema:
        if not isinstance(value, ox.Literal) or value.value not in ("true", "1"):
            return True
        tagged = [term for term in keys if term.container == "@language"]
        if len(tagged) > 1:
            return False
        parts: list[Schema] = [
            # Tags that differ by case only are one language; in their usual case they cannot.
            {
                "properties": {
                    term.key: {
                        "type": "object",
                        "propertyNames": {"pattern": _USUAL_TAG},
                        "additionalProperties": {"type": "string"},
                    }
                }
            }
            for term in tagged
        ]
        parts.extend(
            {"properties": {term.key: {"not": self._is_literal_object(), "items": {"not": self._is_literal_object()}}}}
            for term in keys
            if term.container is None and term.type != "@json"
        )
        return _schema_all(parts)

    def _is_literal_object(self) -> dict[str, Any]:
        return {"type": "object", "anyOf": [{"required": [name]} for name in self.values]}

    def _languages(self, head: Term, keys: Sequence[ContextTerm]) -> Schema:
        ranges = [value.value for value in self.said.members(head) if isinstance(value, ox.Literal)]
        if any(not re.fullmatch(r"[A-Za-z0-9-]+", each) for each in ranges):
            return False
        pattern = "^(?:" + "|".join(ranges) + ")(?:-[A-Za-z0-9-]+)?$"
        return _schema_all(
            {"properties": {term.key: {"type": "object", "propertyNames": {"pattern": pattern}}}}
            if term.container == "@language"
            else {"properties": {term.key: False}}
            for term in keys
        )

    # -- values -------------------------------------------------------------------------------------------------------

    def _every(self, term: ContextTerm, wanted: Schema) -> Schema:
        """That each value under a key is as wanted, one or a list."""
        if term.type == "@json":
            return wanted
        if term.container == "@language":
            if wanted is False:
                return {"type": "object", "maxProperties": 0}
            return {
                "type": "object",
                "additionalProperties": {"if": {"type": "array"}, "then": {"items": wanted}, "else": wanted},
            }
        if wanted is False:
            return {"type": "array", "maxItems": 0}
        return {"if": {"type": "array"}, "then": {"items": wanted}, "else": wanted}

    def _value(
        self,
        term: ContextTerm,
        constraints: Mapping[str, tuple[Term, ...]],
        whole: Mapping[str, tuple[Term, ...]],
        depth: int,
    ) -> Schema:
        """What one value under a key must be, so that the value in the graph keeps the constraints."""
        if depth > 10:
            return False
        parts: list[Schema] = []
        for name, values in constraints.items():
            if name in _SILENT or name in TARGETS:
                continue
            if name == "property":
                parts.append(
                    self._nested(term, [self._property(value, depth + 1) for value in self._resources(values)])
                )
            elif name == "and":
                parts.extend(
                    self._member(term, member, depth)
                    for head in values
                    for member in self._resources(self.said.members(head))
                )
            elif name == "or":
                parts.extend(
                    _schema_any(
                        self._member(term, member, depth) for member in self._resources(self.said.members(head))
                    )
                    for head in values
                )
            elif name == "in":
                parts.extend(_schema_any(self._is(value, term) for value in self.said.members(head)) for head in values)
            else:
                parts.extend(self._atom(term, name, value, whole) for value in values)
        return _schema_all(parts)

    def _member(self, term: ContextTerm, shape: Resource, depth: int) -> Schema:
        constraints = self._constraints(shape)
        if self._switched_off(constraints):
            return True
        if "path" in constraints:
            return self._nested(term, [self._property(shape, depth + 1)])
        if {"closed", "node", "not", "xone"} & set(constraints):
            return False
        return self._value(
            term, {name: values for name, values in constraints.items() if name not in _SILENT}, constraints, depth + 1
        )

    def _nested(self, term: ContextTerm, parts: list[Schema]) -> Schema:
        """That a value is a nested node of its own which keeps these; a reference may lead to one that does not."""
        inner = _schema_all(parts)
        if inner is False or not term.holds_nodes:
            return False
        return _schema_all([self.own_node(), inner])

    def own_node(self) -> dict[str, Any]:
        """That an object is a nested node with a name of its own."""
        named: dict[str, Any] = (
            {"required": self.own_ids}
            if len(self.own_ids) == 1
            else {"anyOf": [{"required": [name]} for name in self.own_ids]}
        )
        return {"type": "object", **named, "properties": dict.fromkeys(sorted({*self.references, *self.values}), False)}

    def _literal_of(self, datatype: str, lexical: Schema) -> Schema:
        """A value object of a datatype: {"@type": "year", "is": "2019"}."""
        names = self.context.spellings(datatype, as_term=True)
        return _schema_any(
            {
                "type": "object",
                "required": [value, type_],
                "properties": {type_: {"enum": names}, value: lexical},
                "propertyNames": {"enum": [value, type_]},
            }
            for value in self.values
            for type_ in ("@type",)
        )

    def _atom(self, term: ContextTerm, name: str, value: Term, whole: Mapping[str, tuple[Term, ...]]) -> Schema:
        if name == "datatype" and isinstance(value, ox.NamedNode):
            return self._datatype(term, value.value)
        if name == "nodeKind" and isinstance(value, ox.NamedNode):
            return self._node_kind(term, value.value.removeprefix(SH))
        if not isinstance(value, ox.Literal):
            return False
        if name in _BOUNDS:
            return self._bounded(term, _BOUNDS[name], value)
        if name in ("minLength", "maxLength") and value.value.isdigit():
            return self._text(term, {name: int(value.value)})
        if name == "pattern" and not whole.get("flags"):
            pattern = portable_pattern(value.value)
            return False if pattern is None else self._text(term, {"pattern": pattern})
        return False

    def _datatype(self, term: ContextTerm, datatype: str) -> Schema:
        if term.container == "@language":
            return {"type": "string"} if datatype == RDF + "langString" else False
        if term.type == "@json":
            return datatype == RDF + "JSON"
        # Of a type that is not XML Schema's, any text is well formed.
        lexical: Schema = _LEXICAL.get(datatype, False) if datatype.startswith(XSD) else {"type": "string"}
        if lexical is False or datatype == RDF + "langString":
            return False
        objects = self._literal_of(datatype, lexical)
        if term.type in (None, "@none"):
            bare: dict[str, Schema] = {
                XSD + "string": {"type": "string"},
                XSD + "boolean": {"type": "boolean"},
                XSD + "integer": _LEXICAL[XSD + "integer"],
                XSD + "double": {"type": "number", "not": {"type": "integer"}, "minimum": -1e20, "maximum": 1e20},
            }
            return _schema_any([bare.get(datatype, False), objects])
        return _schema_any([lexical if term.type == datatype else False, objects])

    def _node_kind(self, term: ContextTerm, kind: str) -> Schema:
        iri: Schema
        literal: Schema
        if term.container == "@language" or term.type == "@json":
            iri, literal = False, True
        elif term.type in ("@id", "@vocab"):
            iri = {
                "type": ["string", "object"],
                "not": {"pattern": "^_:"},
                "if": {"type": "object"},
                "then": self._named_node(),
            }
            literal = self._is_literal_object()
        else:
            iri = self._named_node()
            literal = _schema_any([{"type": ["string", "number", "boolean"]}, self._is_literal_object()])
        return _schema_any(part for name, part in (("IRI", iri), ("Literal", literal)) if name in kind)

    def _named_node(self) -> dict[str, Any]:
        return {
            "type": "object",
            "anyOf": [
                {"required": [name], "properties": {name: {"type": "string", "not": {"pattern": "^_:"}}}}
                for name in self.ids
            ],
            "not": {"anyOf": [{"required": [name]} for name in self.values]},
        }

    def _bounded(self, term: ContextTerm, keyword: str, value: Term) -> Schema:
        assert isinstance(value, ox.Literal)
        if term.container is not None or term.type not in (None, "@none", *_NUMBERS):
            return False
        if value.datatype.value not in (XSD + "integer", XSD + "decimal", XSD + "double", XSD + "float"):
            return False
        try:
            limit = float(value.value)
        except ValueError:
            return False
        if limit != limit or abs(limit) > 1e300:
            return False
        return {"type": "number", keyword: int(limit) if limit.is_integer() and abs(limit) < _WHOLE else limit}

    def _text(self, term: ContextTerm, wanted: dict[str, Any]) -> Schema:
        """A constraint on a literal's text; numbers are left out, since each engine spells them in its own way."""
        plain: dict[str, Any] = {"type": "string", **wanted}
        if term.container == "@language":
            return plain
        if term.type == "@json":
            return False
        objects: Schema = _schema_any(
            {
                "type": "object",
                "required": [value],
                "properties": {value: plain},
                "propertyNames": {"enum": [value, "@type"]},
            }
            for value in self.values
        )
        if term.type in ("@id", "@vocab"):
            # Only a full web address stands in the graph as it stands here.
            web = "pattern" in wanted and not {"http", "https"} & set(self.context.prefixes)
            return _schema_all([plain, {"pattern": "^https?://"}]) if web else False
        return _schema_any([plain, objects])

    def _is(self, value: Term, term: ContextTerm) -> Schema:
        """That a value under a key is a certain term of the graph."""
        if isinstance(value, ox.NamedNode):
            if term.type not in ("@id", "@vocab") or term.container is not None:
                return False
            names = self.context.spellings(value.value, as_term=term.type == "@vocab")
            objects: list[Schema] = []
            if term.type == "@id":
                objects = [
                    {
                        "type": "object",
                        "required": [name],
                        "properties": {name: {"enum": self.context.spellings(value.value, as_term=False)}},
                    }
                    for name in self.ids
                ]
            return _schema_any([{"enum": names}, *objects])
        if not isinstance(value, ox.Literal):
            return False
        datatype = value.datatype.value
        if term.container == "@language" or term.type == "@json" or value.language:
            # Which entry has which tag is the map's affair, not the value's.
            return False
        if datatype == XSD + "string":
            bare: Schema = {"enum": [value.value]} if term.type in (None, "@none", datatype) else False
            return _schema_any([bare, self._literal_of(datatype, {"enum": [value.value]})])
        if datatype == XSD + "boolean":
            truth = value.value in ("true", "1")
            return (
                {"enum": [truth]}
                if term.type in (None, "@none", datatype) and value.value in ("true", "false")
                else False
            )
        if datatype == XSD + "integer" and re.fullmatch(r"-?(?:0|[1-9][0-9]{0,14})", value.value):
            return {"enum": [int(value.value)]} if term.type in (None, "@none", datatype) else False
        if term.type == datatype and datatype not in _NUMBERS:
            return {"enum": [value.value]}
        return False

    def _holds(self, value: Term, term: ContextTerm) -> Schema:
        wanted = self._is(value, term)
        if wanted is False:
            return False
        return {
            "required": [term.key],
            "properties": {term.key: {"if": {"type": "array"}, "then": {"contains": wanted}, "else": wanted}},
        }


class ShapeCompiler:
    """Shapes and the context, understood once, from which the schema for records of each kind is made."""

    def __init__(self, statements: Statements, context: Mapping[str, Any]) -> None:
        read = Context(context)
        self._compiler = _Compiler(statements, read)
        self._placed = _Placed()
        self._definitions: dict[str, Schema] = {}
        self._possible = read.readable
        for shape in self._compiler.targeted() if read.readable else ():
            wanted = self._compiler.node(shape)
            if isinstance(wanted, dict):
                # Said once and referred to: a shape is asked of nodes in many places.
                name = f"s{len(self._definitions)}"
                self._definitions[name] = wanted
                wanted = {"$ref": f"#/$defs/{name}"}
            if wanted is not True and not self._placed.take(self._compiler, shape, wanted):
                self._possible = False

    def schema_for(self, kind: Kind) -> Schema:
        """The schema that the linked form of a kind's record keeps only if its graph keeps the shapes.

        `False` says that nothing could be compiled, so that each record has to become a graph.
        """
        if not self._possible:
            return False
        if not self._placed.anything:
            return True
        form = _Form(self._compiler, self._placed, dict(self._definitions))
        root = _schema_all([form.of_types([*kind.types, "Record"], exactly=False), form.within(kind.fields)])
        return root if not isinstance(root, dict) else {"$defs": form.definitions, **root}


class _Placed:
    """Compiled shapes by what they choose: nodes of a class, nodes under a key, nodes that have a key."""

    def __init__(self) -> None:
        self.by_class: dict[str, list[Schema]] = {}
        self.under_key: dict[str, Schema] = {}
        self.with_key: list[Schema] = []

    @property
    def anything(self) -> bool:
        return bool(self.by_class or self.under_key or self.with_key)

    def take(self, compiler: _Compiler, shape: Resource, wanted: Schema) -> bool:
        """Note where a shape's schema belongs; False if that cannot be said."""
        said = compiler.said.by_subject[shape]
        if SH + "target" in said or SH + "targetNode" in said:
            return False
        classes = [*said.get(SH + "targetClass", ())]
        if compiler.is_class_and_shape(shape):
            classes.append(shape)
        for chosen in classes:
            if isinstance(chosen, ox.NamedNode):
                self.by_class.setdefault(chosen.value, []).append(wanted)
        for chosen in said.get(SH + "targetSubjectsOf", ()):
            if not isinstance(chosen, ox.NamedNode) or chosen.value in compiler.backwards:
                return False
            if keys := [term.key for term in compiler.by_predicate.get(chosen.value, ())]:
                self.with_key.append({"if": {"anyOf": [{"required": [key]} for key in keys]}, "then": wanted})
        for chosen in said.get(SH + "targetObjectsOf", ()):
            if not isinstance(chosen, ox.NamedNode) or chosen.value in compiler.backwards:
                return False
            for term in compiler.by_predicate.get(chosen.value, ()):
                one = _schema_all([compiler.own_node(), wanted]) if term.holds_nodes else False
                every: Schema = one if one is False else {"if": {"type": "array"}, "then": {"items": one}, "else": one}
                self.under_key[term.key] = _schema_all([self.under_key.get(term.key, True), every])
        return True


class _Form:
    """The linked form of a kind, field by field, as `records/linked.py` writes it; whatever looks otherwise is left to the graph."""

    def __init__(self, compiler: _Compiler, placed: _Placed, definitions: dict[str, Schema]) -> None:
        self.compiler = compiler
        self.placed = placed
        self.definitions = definitions
        self._nodes: dict[Any, Schema] = {}
        self._reverse = [term.key for terms in compiler.backwards.values() for term in terms if term.type is None]

    def of_types(self, types: Sequence[str], *, exactly: bool = True) -> Schema:
        """A node of just these types, and all that is asked of such nodes."""
        compiler = self.compiler
        said: Schema
        if not types:
            said = {"properties": dict.fromkeys(compiler.types, False)}
        elif exactly:
            said = {
                "properties": {key: {"const": types[0] if len(types) == 1 else list(types)} for key in compiler.types},
                "required": compiler.types[:1],
            }
        else:
            said = {
                "properties": {key: {"type": "array", "items": {"enum": list(types)}} for key in compiler.types},
                "required": compiler.types[:1],
            }
        asked = [schema for name in types for schema in self.placed.by_class.get(compiler.context.expand(name), ())]
        return _schema_all([said, *asked, *self.placed.with_key])

    def within(self, fields: Sequence[Field]) -> Schema:
        """What is asked of the nodes that nest under the fields of a node."""
        inside: dict[str, Schema] = {}
        for key, schema in self.placed.under_key.items():
            if isinstance(schema, dict):
                self.definitions.setdefault(f"k-{key}", schema)
                schema = {"$ref": f"#/$defs/k-{key}"}
            inside[key] = schema
        for field in fields:
            nested = self._under(field)
            if nested is not True:
                inside[field.linked] = _schema_all([inside.get(field.linked, True), nested])
        return {"properties": inside} if inside else True

    def _under(self, field: Field) -> Schema:
        if field.form == "quantity":
            node = self._node(("Quantity",), ())
        elif field.form == "object":
            # An attribute's quantity is written on the attribute's own node.
            flat = any(
                inner.form == "quantity" and inner.name == "quantity" and not inner.many for inner in field.fields
            )
            own = (field.rdf_type,) if field.rdf_type else ()
            node = self._node(own, field.fields)
            if flat:
                measured = self._node((*own, "Quantity"), field.fields)
                plain: Schema = (
                    {"properties": {key: {"const": own[0]} for key in self.compiler.types}}
                    if own
                    else {"properties": dict.fromkeys(self.compiler.types, False)}
                )
                node = {"if": plain, "then": node, "else": measured}
        elif field.form == "links":
            node = {
                "type": "object",
                "properties": {
                    **{name: {"type": "string"} for name in self.compiler.references},
                    **{key: self._node(("Link",), field.fields) for key in self._reverse},
                },
                "additionalProperties": False,
            }
            return {"type": "array", "items": node}
        else:
            return True
        return {"type": "array", "items": node} if field.many else node

    def _node(self, types: tuple[str, ...], fields: tuple[Field, ...]) -> Schema:
        key = (types, id(fields))
        if key not in self._nodes:
            name = f"n{len(self._nodes)}"
            self._nodes[key] = {"$ref": f"#/$defs/{name}"}
            self.definitions[name] = _schema_all([{"type": "object"}, self.of_types(types), self.within(fields)])
        return self._nodes[key]
