"""JSON Schema: compiled once, decided in a compiled language, and every refusal told in two languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import unquote, urldefrag, urljoin

import jsonschema_rs

from catalog.records.finding import Breaks, Finding
from catalog.validation.wording import Told, more_than_shown, tell, too_deep, unreadable

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# The drafts that a schema may declare. One that declares another was refused before it came here.
_VALIDATORS: dict[str, type[jsonschema_rs.Validator]] = {
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
    DIALECT: jsonschema_rs.Draft202012Validator,
}

# Linear for all but look-around and back-references; those give up after so many steps, which counts as no match.
PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000, size_limit=4 << 20)

# What a Python list of 250 lists in each other still passes; beyond it the engine would walk the C stack.
MAX_DEPTH = 250

MAX_FINDINGS = 100

Formats = Mapping[str, Callable[[str], bool]]


def registry_of(resources: Mapping[str, Any]) -> jsonschema_rs.Registry:
    """The schemas that references may lead to, by their address; nothing else is ever looked for."""
    return jsonschema_rs.Registry(list(resources.items()))


def compile_schema(
    schema: Any,
    *,
    registry: jsonschema_rs.Registry | None = None,
    formats: Formats | None = None,
    format_means: Literal["assertion", "annotation"] = "assertion",
    base: str | None = None,
) -> jsonschema_rs.Validator:
    """A validator that is safe to share among threads; an invalid schema or a reference to elsewhere raises
    `jsonschema_rs.ValidationError`."""
    declared = schema.get("$schema") if isinstance(schema, dict) else None
    validator = _VALIDATORS.get(str(declared).rstrip("#"), jsonschema_rs.Draft202012Validator)
    return validator(
        schema,
        formats=dict(formats or {}),
        validate_formats=format_means == "assertion",
        registry=registry,
        offline=True,
        pattern_options=PATTERNS,
        base_uri=base,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A schema and the address that its references are relative to."""

    schema: Any
    base: str


class Library:
    """Schemas by address, so that a reference can be followed while a refusal is explained or a profile is examined."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._resources: dict[str, Any] = {}
        self._anchors: dict[tuple[str, str], Place] = {}
        for address, schema in resources.items():
            self._take_in(schema, address.rstrip("#"))

    def _take_in(self, schema: Any, base: str) -> None:
        self._resources.setdefault(base, schema)
        for part, part_base in schemas_within(schema, base):
            if part_base != base:
                self._resources.setdefault(part_base, part) if "$id" in part else None
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(anchor := part.get(keyword), str):
                    self._anchors.setdefault((part_base, anchor), Place(part, part_base))

    def __contains__(self, address: str) -> bool:
        return address in self._resources

    def resolve(self, reference: str, base: str) -> Place | None:
        """Where a reference leads, or None if that is not here."""
        address, fragment = urldefrag(urljoin(base, reference))
        if address not in self._resources:
            return None
        if fragment and not fragment.startswith("/"):
            return self._anchors.get((address, fragment))
        schema = self._resources[address]
        place_base = address
        for step in fragment.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(schema, list) and key.isdigit() and int(key) < len(schema):
                schema = schema[int(key)]
            elif isinstance(schema, dict) and key in schema:
                schema = schema[key]
            else:
                return None
            if isinstance(schema, dict) and isinstance(schema.get("$id"), str):
                place_base = urldefrag(urljoin(place_base, schema["$id"]))[0]
        return Place(schema, place_base)


# Where a schema holds further schemas. Everything else in it (enum, const, default, examples, unknown words) is data.
ONE_SCHEMA = (
    "additionalItems additionalProperties contains contentSchema else if items not propertyNames then "
    "unevaluatedItems unevaluatedProperties"
).split()
LIST_OF_SCHEMAS = "allOf anyOf items oneOf prefixItems".split()
MAP_OF_SCHEMAS = "$defs definitions dependencies dependentSchemas patternProperties properties".split()


def subschemas(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly within one, each with the keys that lead to it."""
    if not isinstance(schema, dict):
        return
    for keyword in ONE_SCHEMA:
        if isinstance(part := schema.get(keyword), dict | bool):
            yield (keyword,), part
    for keyword in LIST_OF_SCHEMAS:
        if isinstance(parts := schema.get(keyword), list):
            yield from (((keyword, index), part) for index, part in enumerate(parts))
    for keyword in MAP_OF_SCHEMAS:
        if isinstance(named := schema.get(keyword), dict):
            # `dependencies` may name keys instead of holding a schema.
            yield from (((keyword, name), part) for name, part in named.items() if not isinstance(part, list))


def schemas_within(schema: Any, base: str) -> Iterator[tuple[dict[str, Any], str]]:
    """A schema and all schemas in it, at any depth, each with its base address."""
    waiting = [(schema, base)]
    while waiting:
        part, part_base = waiting.pop()
        if not isinstance(part, dict):
            continue
        if isinstance(identifier := part.get("$id"), str):
            part_base = urldefrag(urljoin(part_base, identifier))[0]
        yield part, part_base
        waiting.extend((inner, part_base) for _, inner in subschemas(part))


def pointer_to(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


@dataclass(frozen=True, slots=True)
class SchemaJudge:
    """One schema, ready to decide and to explain; `breaks` is what a body that breaks it has broken."""

    schema: Any
    address: str
    library: Library
    validator: jsonschema_rs.Validator
    breaks: Breaks

    def accepts(self, document: Any) -> bool:
        """Whether the document keeps the schema."""
        try:
            return self.validator.is_valid(document)
        except (ValueError, RecursionError, OverflowError):
            # What the engine cannot read it cannot accept; `findings` says why.
            return False

    def findings(self, document: Any) -> tuple[Finding, ...]:
        """Why the document does not keep the schema, at most so many as a person can use."""
        if depth_of(document) > MAX_DEPTH:
            return (self._finding("", "schema/depth", too_deep(MAX_DEPTH)),)
        found: dict[tuple[str, str, str], Finding] = {}
        try:
            errors = list(islice(self.validator.iter_errors(document), MAX_FINDINGS + 1))
            for error in errors[:MAX_FINDINGS]:
                for finding in self._explain(error, document):
                    # A branch may ask for the type again that the whole asked for.
                    once = "" if finding.rule == "schema/type" else finding.messages["en"]
                    found.setdefault((finding.pointer, finding.rule, once), finding)
            if errors and not found:
                # Only keys that the schema knows were called unevaluated: what failed is their own place.
                found = {
                    ("", error.message, ""): self._finding(
                        pointer_to(error.instance_path), f"schema/{error.kind.name}", Told(error.message, error.message)
                    )
                    for error in errors[:MAX_FINDINGS]
                }
        except (ValueError, RecursionError, OverflowError) as problem:
            return (self._finding("", "schema/unreadable", unreadable(str(problem).splitlines()[0])),)
        told = tuple(found.values())[:MAX_FINDINGS]
        if len(errors) > MAX_FINDINGS:
            note = more_than_shown(MAX_FINDINGS)
            told += (Finding("", "schema/more", "info", note.messages, self.breaks),)
        return told

    def _finding(self, pointer: str, rule: str, told: Told) -> Finding:
        return Finding(pointer, rule, "violation", told.messages, self.breaks, told.near)

    def _explain(self, error: jsonschema_rs.ValidationError, document: Any) -> Iterator[Finding]:
        # What a rule found depends on the rule; the engine's base class names only the rule.
        kind: Any = error.kind
        keyword: str = kind.name
        path = list(error.instance_path)
        if keyword in ("anyOf", "oneOf") and (closest := _closest(error)):
            for inner in closest:
                yield from self._explain(inner, document)
            return
        named = self._named(error.evaluation_path)
        if "title" not in named and (keys := [step for step in path if isinstance(step, str)]):
            named = {**named, "x-key-name": keys[-1]}
        value = _at(document, path)
        if keyword in ("additionalProperties", "unevaluatedProperties"):
            known = self._known_fields(error.evaluation_path)
            for name in kind.unexpected:
                if keyword == "unevaluatedProperties" and name in known:
                    continue
                told = tell(keyword, kind, value, named, unknown=name, known=known)
                yield self._finding(pointer_to([*path, name]), f"schema/{keyword}", told)
            return
        if keyword == "required":
            missing = self._described(self._field(error.evaluation_path[:-1], kind.property))
            yield self._finding(pointer_to(path), "schema/required", tell(keyword, kind, value, missing))
            return
        if keyword == "propertyNames":
            name = str(kind.error.instance)
            told = tell(keyword, kind, value, named, unknown=name)
            yield self._finding(pointer_to([*path, name]), "schema/propertyNames", told)
            return
        yield self._finding(pointer_to(path), f"schema/{keyword}", tell(keyword, kind, value, named))

    def _walk(self, path: Sequence[str | int]) -> Iterator[Place]:
        """The schemas (and what lies between them) along an evaluation path, references followed."""
        place = Place(self.schema, self.address)
        yield place
        for step in path:
            schema = place.schema
            if (
                step in ("$ref", "$dynamicRef", "$recursiveRef")
                and isinstance(schema, dict)
                and isinstance(schema.get(str(step)), str)
            ):
                led = self.library.resolve(schema[str(step)], place.base)
                if led is None:
                    return
                place = led
            elif isinstance(schema, list) and isinstance(step, int) and step < len(schema):
                place = Place(schema[step], place.base)
            elif isinstance(schema, dict) and str(step) in schema:
                inner = schema[str(step)]
                base = place.base
                if isinstance(inner, dict) and isinstance(inner.get("$id"), str):
                    base = urldefrag(urljoin(base, inner["$id"]))[0]
                place = Place(inner, base)
            else:
                return
            yield place

    def _named(self, path: Sequence[str | int]) -> Mapping[str, Any]:
        """What the nearest field on the way to a broken rule is called: its own title before that of what it refers to."""
        named: Mapping[str, Any] = {}
        steps = list(path)
        for index, place in enumerate(self._walk(steps)):
            is_field = index >= 2 and steps[index - 2] == "properties"
            if is_field and not isinstance(place.schema, dict):
                named = {}
            if not isinstance(place.schema, dict) or ("title" not in place.schema and not is_field):
                continue
            if "x-link" in named and set(place.schema) <= {"pattern"}:
                continue  # the target's pattern is the link field's affair
            if is_field or "title" not in named or (index and steps[index - 1] != "$ref"):
                named = place.schema
        return named

    def _described(self, place: Place | None) -> Mapping[str, Any]:
        """The field at a place, or what it refers to if it does not say a title itself."""
        for _ in range(8):
            if place is None or not isinstance(place.schema, dict):
                return {}
            if "title" in place.schema or "$ref" not in place.schema:
                return place.schema
            place = self.library.resolve(place.schema["$ref"], place.base)
        return {}

    def _parents(self, path: Sequence[str | int]) -> Place | None:
        places = list(self._walk(path))
        return places[-1] if len(places) == len(path) + 1 else None

    def _field(self, path: Sequence[str | int], name: str) -> Place | None:
        """The schema of a field of the object whose schema is at a path, or of one that encloses it."""
        for end in range(len(path), -1, -1):
            place = self._parents(path[:end])
            if place is not None and (found := self._fields(place).get(name)):
                return found
            if (
                end
                and path[end - 1] not in ("$ref", "allOf", "then", "else", "dependentSchemas")
                and not isinstance(path[end - 1], int)
            ):
                return None
        return None

    def _known_fields(self, path: Sequence[str | int]) -> tuple[str, ...]:
        place = self._parents(path[:-1])
        return tuple(self._fields(place)) if place else ()

    def _fields(self, place: Place) -> dict[str, Place]:
        """Every field that an object at this place may have, by name, found through references and branches."""
        fields: dict[str, Place] = {}
        waiting, seen = [place], set()
        while waiting:
            here = waiting.pop(0)
            if not isinstance(here.schema, dict) or id(here.schema) in seen:
                continue
            seen.add(id(here.schema))
            for name, schema in (here.schema.get("properties") or {}).items():
                fields.setdefault(name, Place(schema, here.base))
            if isinstance(reference := here.schema.get("$ref"), str) and (
                led := self.library.resolve(reference, here.base)
            ):
                waiting.append(led)
            for keyword in ("allOf", "anyOf", "oneOf"):
                waiting.extend(Place(part, here.base) for part in here.schema.get(keyword) or ())
            waiting.extend(
                Place(here.schema[keyword], here.base) for keyword in ("if", "then", "else") if keyword in here.schema
            )
            waiting.extend(Place(part, here.base) for part in (here.schema.get("dependentSchemas") or {}).values())
        return fields


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        document = document[step]
    return document


def _closest(error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """The complaints of the branch that was plainly meant: the only one whose type fits. Empty if none or several were."""
    branches: list[list[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", [])
    here = list(error.instance_path)
    fitting = [
        branch
        for branch in branches
        if branch
        and not any(
            inner.kind.name in ("type", "const", "enum") and list(inner.instance_path) == here for inner in branch
        )
    ]
    return fitting[0] if len(fitting) == 1 else []


def depth_of(document: Any) -> int:
    """How deep lists and objects lie in each other, counted without recursion and no further than is of interest."""
    depth, level = 0, [document]
    while level and depth <= MAX_DEPTH:
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        depth += 1
    return depth
