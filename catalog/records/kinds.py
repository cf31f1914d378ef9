"""The kinds: schema files read into values that say what fields there are, how each is linked, and how it is mirrored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, get_args

import orjson

from catalog.errors import Misconfigured
from catalog.records.identifiers import KIND_PATTERN
from catalog.records.quantities import SHIPPED, Unit
from catalog.records.shipped import shipped

Form = Literal["text", "date", "quantity", "links", "term", "object", "json", "scalar"]
ColumnType = Literal["text", "integer", "real", "boolean", "timestamp"]
Part = Literal["whole", "language", "from", "until", "missing", "value", "unit", "si_min", "si_max"]
# What a link's target is to its record where something came of something; the last is followed only where it is named.
Lineage = Literal["origin", "result", "origin-if-named"]
LINEAGES: Final[tuple[Lineage, ...]] = get_args(Lineage)

# Raised when the linked form or the mirror is derived differently from the same schema, so that both are filled anew.
DERIVATION: Final = 2

# First segments of addresses: a kind's ids begin with its name, so it can't bear one of these.
ROUTES: Final = frozenset(
    """records sources profiles kinds loads changes export health ready metrics scopes files locations revisions links
    ns sparql search graphql docs redoc openapi openapi.json schemas context contexts shapes vocabularies static assets
    pages about login logout sign-in session accounts account groups grants tokens requests share invitations audit
    withdraw restore merge unmerge publish suppress hide expunge scope status submit revise draft download upload
    history difference lineage aliases identifiers resolve feeds feed ldes oai oai-pmh dcat ro-crate harvest exchange
    projections rebuild verify backup jobs board units admin api v1 v2 favicon.ico robots.txt sitemap.xml
    well-known""".split()
)
# Tables and views that stand beside the mirror's, which bear the kinds' names.
TABLES: Final = frozenset(
    """setting node scope scope_closure source source_version profile_version record linked revision change link quantity
    attribute identifier file file_list location verdict load expunge_request mirror term_closure alembic_version
    spread verification term_use term_name account person principal grant token session audit sharing job projection failure lease upload""".split()
)
RESERVED: Final = ROUTES | TABLES
# PostgreSQL cuts a name off after 63 bytes, and a kind's is a part of longer ones.
LONGEST_NAME: Final = 32
# What the schema of a kind may say beside JSON Schema's own words; docs/kinds.md says what each means.
MARKS: Final = frozenset(
    """x-ja x-kind x-plural x-types x-text x-date x-quantity x-link x-term x-json x-type x-key x-fragment x-attribute
    x-identifier x-private x-sortable x-facet x-searchable x-linked x-mirror""".split()
)
# What every kind's schema builds on.
RECORD: Final = "common#/$defs/record"
# JSON-LD's own words in the linked form: a body's field of such a name needs `x-linked`.
LINKED_WORDS: Final = frozenset(("id", "type", "to", "as", "of", "is"))


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column of a kind's mirror, and which part of which field stands in it."""

    name: str
    field: str
    part: Part
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a kind (or of an object inside it) with its marks resolved through every reference."""

    name: str
    form: Form
    many: bool  # a list; or, for a text, several in each language
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    linked: str  # the key under which the linked form writes it
    scalar: Literal["string", "integer", "number", "boolean", "mixed"] | None = None
    format: str | None = None
    enum: tuple[Any, ...] = ()
    required: bool = False
    kinds: tuple[str, ...] = ()  # that a link may point to; none: any
    lineage: Lineage | None = None  # of a link
    quantity_kind: str | None = None
    units: tuple[str, ...] = ()
    exact: bool = False  # months and years don't do
    rdf_type: str | None = None
    key: tuple[str, ...] = ()
    fragment: str = ""
    attribute: bool = False  # its objects are attributes: a name with a value or quantity
    identifier: bool = False
    private: bool = False
    sortable: bool = False
    facet: bool = False
    searchable: str | None = None
    mirrored: bool = True
    words: bool = False  # plain words may stand among its terms
    definition: str | None = None  # the name under `$defs` of what its schema refers to: `place`
    fields: tuple[Field, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether it is a list of texts by which records are narrowed."""
        return self.facet and self.many and self.scalar == "string" and self.mirrored and not self.private


@dataclass(frozen=True, eq=False)
class Kind:
    """What sort of thing a record is, as its schema says."""

    name: str
    plural: str
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    types: tuple[str, ...]  # the linked form's, the kind's own class first
    fields: tuple[Field, ...]
    schema: Mapping[str, Any]  # as published: marks that matter to validity expanded
    columns: tuple[Column, ...]

    @cached_property
    def field(self) -> Mapping[str, Field]:
        """The fields by name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def column(self) -> Mapping[str, Column]:
        """The mirror's columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what shapes the mirror's table and the linked form; titles and constraints are no part of it."""

        def shape(field: Field) -> list[Any]:
            told = [field.name, field.form, field.many, field.linked, field.scalar, field.format, field.quantity_kind]
            told += [
                field.rdf_type,
                field.key,
                field.fragment,
                field.private,
                field.sortable,
                field.attribute,
                field.identifier,
            ]
            return [*told, [shape(inner) for inner in field.fields]]

        columns = [[column.name, column.field, column.part, column.type] for column in self.columns]
        told = [DERIVATION, self.name, self.types, [shape(field) for field in self.fields], columns]
        return sha256(orjson.dumps(told)).hexdigest()


class Kinds(Mapping[str, Kind]):
    """The kinds by name, with the context and the shapes that belong to them."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        schemas: Mapping[str, Mapping[str, Any]],
        context: Mapping[str, Any],
        shapes: Mapping[str, bytes],
        ontologies: Mapping[str, bytes],
    ) -> None:
        self._kinds = dict(kinds)
        self.schemas = schemas  # every schema file by its $id, those of the kinds as published
        self.context = context  # merged from all files
        self.shapes = shapes  # Turtle by file name without its ending
        self.ontologies = ontologies

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    # What is compiled from the kinds is kept beside them, by which ones they are.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @cached_property
    def common(self) -> frozenset[str]:
        """The names of the fields of the record that every kind builds on."""
        place, _, pointer = RECORD.partition("#")
        found: Any = next((schema for address, schema in self.schemas.items() if address.endswith(f"/{place}")), {})
        for part in pointer.split("/")[1:]:
            found = found.get(part, {})
        return frozenset(found.get("properties", ()))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all kinds' fingerprints and the context."""
        told = [[kind.fingerprint for kind in self.values()], self.context]
        return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def snake_case(name: str) -> str:
    """`collectedAt` as `collected_at`, `CAS` as `cas`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()


def link_pattern(kinds: tuple[str, ...]) -> str:
    """What a link's target begins with: one of these kinds, or an IRI's scheme. What follows is said by the form of links."""
    return rf"^(?:(?:{'|'.join(kinds)})/|[A-Za-z][A-Za-z0-9+.-]*:)"


def _marks_expanded(schema: Any) -> Any:
    """The schema with `x-link` kinds said so that a validator that knows no marks agrees."""
    if isinstance(schema, list):
        return [_marks_expanded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: value if key in ("enum", "const", "default", "examples") else _marks_expanded(value)
        for key, value in schema.items()
    }
    mark = schema.get("x-link")
    if isinstance(mark, dict) and mark.get("kinds"):
        pattern = {"pattern": link_pattern(tuple(mark["kinds"]))}
        items = {"if": {"type": "string"}, "then": pattern, "else": {"properties": {"to": pattern}}}
        if "items" in made:
            made["allOf"] = [*made.get("allOf", ()), {"items": items}]
        else:
            made["items"] = items
    return made


class _Reader:
    """Reads fields out of schemas that refer to each other."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self.schemas = schemas

    def _target(self, reference: str, home: str) -> tuple[Mapping[str, Any], str]:
        address, _, pointer = reference.partition("#")
        if address and "://" not in address:
            address = home.rpartition("/")[0] + "/" + address
        found: Any = self.schemas.get(address or home)
        for part in pointer.split("/")[1:]:
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise Misconfigured(
                f"{home}: $ref {reference!r} leads nowhere among the schemas of the kinds",
                ja=f"{home}: $ref {reference!r} の参照先が種別のスキーマの中にありません",
            )
        return found, address or home

    def merged(self, schema: Mapping[str, Any], home: str, trail: tuple[str, ...] = ()) -> dict[str, Any]:
        """The schema with what it refers to under it; its own keywords win, properties add up.

        Each property carries its home (`$home`), where relative references inside it start.
        """
        made: dict[str, Any] = {}
        parts: list[dict[str, Any]] = []
        if isinstance(schema.get("$ref"), str):
            target, target_home = self._target(schema["$ref"], home)
            place = target_home + "#" + schema["$ref"].partition("#")[2]
            if place in trail:
                raise Misconfigured(
                    f"{home}: $ref {schema['$ref']!r} is a ring", ja=f"{home}: $ref {schema['$ref']!r} が循環しています"
                )
            part = self.merged(target, target_home, (*trail, place))
            part["$refs"] = [*part.get("$refs", ()), place]
            parts.append(part)
        for keyword in ("allOf", "oneOf", "anyOf"):
            parts += [self.merged(part, home, trail) for part in schema.get(keyword, ()) if isinstance(part, dict)]
        for keyword in ("then", "else"):
            if isinstance(schema.get(keyword), dict):
                branch = self.merged(schema[keyword], home, trail)
                # A branch says what may be there; what must be there is said by the whole.
                parts.append({key: value for key, value in branch.items() if key != "required"})
        own = {
            key: value
            for key, value in schema.items()
            if key not in ("allOf", "oneOf", "anyOf", "if", "then", "else", "$ref")
        }
        own["properties"] = {name: (value, home, trail) for name, value in schema.get("properties", {}).items()}
        if isinstance(schema.get("items"), dict):
            own["items"] = [(schema["items"], home, trail)]
        for part in (*parts, own):
            for key, value in part.items():
                if key == "properties":
                    made["properties"] = {**made.get("properties", {}), **value}
                elif key == "required":
                    made["required"] = [*made.get("required", ()), *value]
                elif key in ("$refs", "items"):
                    made[key] = [*made.get(key, ()), *value]
                else:
                    made[key] = value
        return made

    def _items(self, whole: Mapping[str, Any], trail: tuple[str, ...]) -> dict[str, Any]:
        """What is said of the items, by the property itself and by what it refers to."""
        made: dict[str, Any] = {}
        for schema, home, item_trail in whole.get("items", ()):
            part = self.merged(schema, home, (*trail, *item_trail))
            part["properties"] = {**made.get("properties", {}), **part["properties"]}
            made = {**made, **part}
        return made

    def field(self, name: str, schema: Mapping[str, Any], home: str, trail: tuple[str, ...], required: bool) -> Field:
        whole = self.merged(schema, home, trail)
        form = _form(whole)
        many = form == "links" or (form == "text" and whole["x-text"] == "many")
        marks = whole
        if (form is None and whole.get("type") == "array") or (form is None and "items" in whole):
            many = True
            item = self._items(whole, trail)
            form = _form(item)
            marks = {
                **item,
                **{
                    key: value
                    for key, value in whole.items()
                    if key.startswith("x-") or key in ("title", "description")
                },
            }
            if "properties" in item:
                marks["properties"] = item["properties"]
            marks["required"] = item.get("required", ())
        return self._made(name, form, many, marks, trail, required)

    def _made(
        self, name: str, form: Form | None, many: bool, marks: Mapping[str, Any], trail: tuple[str, ...], required: bool
    ) -> Field:
        inner: tuple[Field, ...] = ()
        scalar: Literal["string", "integer", "number", "boolean", "mixed"] | None = None
        if form in ("links", "object"):
            inner = self.fields(self._items(marks, trail) if form == "links" else marks, trail)
        if form is None:
            form = "scalar"
            type_ = marks.get("type")
            scalar = type_ if type_ in ("string", "integer", "number", "boolean") else "mixed"
        _check_marks(name, form, marks)
        mark = marks.get("x-quantity")
        fit = mark if isinstance(mark, dict) else {}
        link = marks.get("x-link")
        titles, descriptions = _words(marks)
        key = marks.get("x-key", ())
        return Field(
            name,
            form,
            many,
            titles,
            descriptions,
            linked=marks.get("x-linked", name),
            scalar=scalar,
            format=marks.get("format") or _reference_format(marks),
            enum=tuple(marks.get("enum", ())) if form == "scalar" else (),
            required=required,
            kinds=tuple(link.get("kinds", ())) if isinstance(link, dict) else (),
            lineage=link.get("lineage") if isinstance(link, dict) else None,
            quantity_kind=fit.get("quantityKind"),
            units=tuple(fit.get("units", ())),
            exact=bool(fit.get("exact")),
            rdf_type=marks.get("x-type"),
            key=(key,) if isinstance(key, str) else tuple(key),
            fragment=marks.get("x-fragment", _SHORT.get(name, name)),
            attribute=bool(marks.get("x-attribute")),
            identifier=bool(marks.get("x-identifier")),
            private=bool(marks.get("x-private")),
            sortable=bool(marks.get("x-sortable")),
            facet=bool(marks.get("x-facet")),
            searchable=marks.get("x-searchable"),
            mirrored=bool(marks.get("x-mirror", True)),
            words=form == "term" and many and "string" in marks.get("type", ()),
            definition=next((place.rpartition("/")[2] for place in reversed(marks.get("$refs", ()))), None),
            fields=inner,
        )

    def fields(self, whole: Mapping[str, Any], trail: tuple[str, ...] = ()) -> tuple[Field, ...]:
        required = set(whole.get("required", ()))
        made = []
        for name, (schema, home, inner_trail) in whole.get("properties", {}).items():
            if isinstance(schema, dict):
                made.append(self.field(name, schema, home, (*trail, *inner_trail), name in required))
        return tuple(made)


# Short words for the fragments that every record has many of.
_SHORT: Final = {"attributes": "a", "identifiers": "id", "conditions": "c"}


def _form(schema: Mapping[str, Any]) -> Form | None:
    """The form that the marks give, or none for a scalar or a list of something."""
    if schema.get("type") == "array" and "x-link" not in schema and not schema.get("x-json"):
        return None
    if schema.get("x-json"):
        return "json"
    if schema.get("x-text"):
        return "text"
    if schema.get("x-date"):
        return "date"
    if "x-quantity" in schema and schema["x-quantity"] is not False:
        return "quantity"
    if "x-link" in schema:
        return "links"
    if schema.get("x-term"):
        return "term"
    if schema.get("type") == "object" or ("x-type" in schema and "items" not in schema):
        return "object"
    return None


# What the values of a form look like; the linked form trusts that the schema says so.
_TYPES_OF: Final[Mapping[str, str]] = {
    "text": "object", "date": "string", "quantity": "object", "term": "object", "links": "array"
}  # fmt: skip


def _check_marks(name: str, form: Form, marks: Mapping[str, Any]) -> None:
    """Refuse a mark that means nothing, and one that its field can't bear."""
    for mark in marks:
        if mark.startswith("x-") and mark not in MARKS:
            near = get_close_matches(mark, MARKS, n=1)
            raise Misconfigured(
                f"the field {name!r}: there is no mark {mark!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                ja=f"項目 {name!r}: {mark!r} という印はありません" + (f"。{near[0]!r} のことですか" if near else ""),
            )
    types = marks.get("type")
    wanted = _TYPES_OF.get(form)
    if wanted is not None and wanted not in (types if isinstance(types, list) else [types]):
        raise Misconfigured(
            f"the field {name!r} is marked as {form}, which is written as type {wanted!r}, and its type is {types!r}",
            ja=f"項目 {name!r} の印は {form} で、型は {wanted!r} のはずですが {types!r} です",
        )
    link = marks.get("x-link")
    if isinstance(link, dict) and link.get("lineage", "origin") not in LINEAGES:
        raise Misconfigured(
            f"the field {name!r}: the lineage of x-link is one of {', '.join(LINEAGES)}, not {link['lineage']!r}",
            ja=f"項目 {name!r}: x-link の lineage は {'、'.join(LINEAGES)} のいずれかです（{link['lineage']!r} は使えません）",
        )
    fit = marks.get("x-quantity")
    if isinstance(fit, dict):
        kind = fit.get("quantityKind")
        unknown = [unit for unit in fit.get("units", ()) if not isinstance(SHIPPED.understand(unit), Unit)]
        unknown += [kind] if kind is not None and not SHIPPED.knows_kind(kind) else []
        if unknown:
            raise Misconfigured(
                f"the field {name!r}: x-quantity names {unknown[0]!r}, which is not known",
                ja=f"項目 {name!r}: x-quantity の {unknown[0]!r} は使えません",
            )


def _reference_format(marks: Mapping[str, Any]) -> str | None:
    """`iri` or `reference` where the string is one: its prefix is expanded in the linked form."""
    for place in marks.get("$refs", ()):
        if place.endswith(("/$defs/iri", "/$defs/reference")):
            return str(place).rpartition("/")[2]
    return None


def _words(schema: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    ja = schema.get("x-ja", {})
    titles = {"en": schema["title"]} if "title" in schema else {}
    descriptions = {"en": schema["description"]} if "description" in schema else {}
    if "title" in ja:
        titles["ja"] = ja["title"]
    if "description" in ja:
        descriptions["ja"] = ja["description"]
    return titles, descriptions


_COLUMN_TYPES: Final[Mapping[str, ColumnType]] = {"integer": "integer", "number": "real", "boolean": "boolean"}


def _columns(name: str, fields: tuple[Field, ...]) -> tuple[Column, ...]:
    made: list[Column] = []
    for each in fields:
        # What is private never reaches the mirror, which people read with SQL tools of their own.
        if each.many or each.private or not each.mirrored:
            continue
        column = snake_case(each.name)
        if each.form == "text":
            made.append(Column(column, each.name, "whole", "text"))
            made += [Column(f"{column}_{language}", each.name, "language", "text") for language in ("en", "ja")]
        elif each.form == "date":
            made.append(Column(column, each.name, "whole", "text"))
            made.append(Column(f"{column}_from", each.name, "from", "timestamp"))
            made.append(Column(f"{column}_until", each.name, "until", "timestamp"))
            made.append(Column(f"{column}_missing", each.name, "missing", "text"))
        elif each.form == "quantity":
            made.append(Column(f"{column}_value", each.name, "value", "real"))
            made.append(Column(f"{column}_unit", each.name, "unit", "text"))
            made.append(Column(f"{column}_si_min", each.name, "si_min", "real"))
            made.append(Column(f"{column}_si_max", each.name, "si_max", "real"))
        elif each.form == "term":
            made.append(Column(column, each.name, "whole", "text"))
        elif each.form == "scalar":
            made.append(Column(column, each.name, "whole", _COLUMN_TYPES.get(each.scalar or "", "text")))
    # Each table of the mirror has a column of its own, which says whose row it is.
    seen: set[str] = {"record"}
    for each_column in made:
        if each_column.name in seen:
            raise Misconfigured(
                f"kind {name}: two fields would share the mirror's column {each_column.name!r}, or it is its own; rename one or mark it x-mirror: false",
                ja=f"種別 {name}: 2つの項目がミラーの列 {each_column.name!r} を共有します。名前を変えるか x-mirror: false を付けてください",
            )
        seen.add(each_column.name)
    return tuple(made)


def _check_linked_keys(
    place: str, fields: tuple[Field, ...], prefixes: frozenset[str], inside_link: bool = False
) -> None:
    seen: dict[str, str] = {}
    for each in fields:
        if each.private or (inside_link and each.name in ("to", "role")):
            continue  # a link's target and role are written by the linked form itself
        if each.linked in LINKED_WORDS or each.linked in prefixes or each.linked.startswith("@"):
            raise Misconfigured(
                f"{place}: the field {each.name!r} would be written as {each.linked!r}, which JSON-LD reads as its own; give it x-linked",
                ja=f"{place}: 項目 {each.name!r} は {each.linked!r} と書かれ、JSON-LDの語と衝突します。x-linked を指定してください",
            )
        if each.linked in seen:
            raise Misconfigured(
                f"{place}: the fields {seen[each.linked]!r} and {each.name!r} would both be written as {each.linked!r}",
                ja=f"{place}: 項目 {seen[each.linked]!r} と {each.name!r} がどちらも {each.linked!r} と書かれます",
            )
        seen[each.linked] = each.name
        _check_linked_keys(f"{place}/{each.name}", each.fields, prefixes, each.form == "links")


def _check_terms(
    place: str, fields: tuple[Field, ...], context: Mapping[str, Any], inside: Literal["record", "object", "link"]
) -> None:
    """Refuse what the graph would silently lose: a field or a class that the context has no term for."""
    for each in fields:
        # A link's target and role, and an object's own quantity, are written in words of the linked form itself.
        if each.private or (inside == "link" and each.name in ("to", "role")):
            continue
        if not (inside == "object" and each.form == "quantity" and each.name == "quantity"):
            _check_term(f"{place}: the field {each.name!r}", f"{place}: 項目 {each.name!r}", each.linked, context)
        container = {"text": ("@container", "@language"), "json": ("@type", "@json")}.get(each.form)
        if container is not None:
            definition = context.get(each.linked)
            if not isinstance(definition, dict) or definition.get(container[0]) != container[1]:
                raise Misconfigured(
                    f"{place}: the field {each.name!r} is {each.form}, so the context's {each.linked!r} needs "
                    f'"{container[0]}": "{container[1]}"',
                    ja=f"{place}: 項目 {each.name!r} は {each.form} なので、コンテキストの {each.linked!r} に "
                    f'"{container[0]}": "{container[1]}" が必要です',
                )
        if each.rdf_type is not None:
            _check_term(
                f"{place}: the x-type of {each.name!r}", f"{place}: {each.name!r} の x-type", each.rdf_type, context
            )
        if each.form in ("object", "links"):
            _check_terms(f"{place}/{each.name}", each.fields, context, "link" if each.form == "links" else "object")


def _check_term(place: str, place_ja: str, key: str, context: Mapping[str, Any]) -> None:
    prefix, colon, rest = key.partition(":")
    # A key that the context maps to null is left out of the graph.
    if context.get(key) is None and not (colon and (prefix in context or rest.startswith("//"))):
        raise Misconfigured(
            f"{place} is written as {key!r}, which the context (ontologies/context) has no term for",
            ja=f"{place_ja} は {key!r} と書かれますが、コンテキスト（ontologies/context）に定義がありません",
        )


def _linked_kinds(fields: tuple[Field, ...]) -> Iterator[tuple[str, str]]:
    for each in fields:
        for kind in each.kinds:
            yield each.name, kind
        yield from _linked_kinds(each.fields)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as cause:
        raise Misconfigured(f"{path} is not JSON: {cause}", ja=f"{path} はJSONではありません: {cause}") from cause
    if not isinstance(value, dict):
        raise Misconfigured(f"{path} is not a JSON object", ja=f"{path} はJSONオブジェクトではありません")
    return value


def _merged_context(folders: tuple[Path, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    home: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(
            (folder / "ontologies" / "context").glob("*.jsonld"), key=lambda path: (path.stem != "common", path.stem)
        ):
            for key, definition in _read_json(path).get("@context", {}).items():
                if key in merged and merged[key] != definition:
                    raise Misconfigured(
                        f"the context's key {key!r} means two things: {merged[key]!r} in {home[key]}, {definition!r} in {path}",
                        ja=f"コンテキストのキー {key!r} に2つの意味があります: {home[key]} では {merged[key]!r}、{path} では {definition!r}",
                    )
                merged[key] = definition
                home[key] = path
    return merged


def _files(folders: tuple[Path, ...], *inside: str, pattern: str) -> dict[str, bytes]:
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.joinpath(*inside).glob(pattern)):
            # Else an installation's own common.ttl would take the place of ours, and nothing be held to it any more.
            if path.stem in found:
                raise Misconfigured(
                    f"{path} bears the name of {found[path.stem]}; give it another",
                    ja=f"{path} は {found[path.stem]} と同じ名前です。別の名前にしてください",
                )
            found[path.stem] = path
    return {stem: path.read_bytes() for stem, path in found.items()}


def prefixes_of(context: Mapping[str, Any]) -> dict[str, str]:
    """The context's prefixes and their IRIs: one ends where a name may follow (JSON-LD 1.1 knows these delimiters), or says that it is one with `@prefix`."""
    plain = {
        key: value
        for key, value in context.items()
        if isinstance(value, str) and "://" in value and value[-1] in "#/_:="
    }
    said = {key: value["@id"] for key, value in context.items() if isinstance(value, dict) and value.get("@prefix")}
    return {**plain, **said}


def _checked_name(name: Any, path: Path, mark: str) -> str:
    if not isinstance(name, str) or not re.fullmatch(KIND_PATTERN, name):
        raise Misconfigured(
            f"{path}: {mark} must be a name of small letters, digits and single hyphens, not {name!r}",
            ja=f"{path}: {mark} は英小文字、数字、単独のハイフンの名前でなければなりません（{name!r}）",
        )
    if len(name) > LONGEST_NAME:
        raise Misconfigured(
            f"{path}: {mark} {name!r} is longer than {LONGEST_NAME} letters",
            ja=f"{path}: {mark} {name!r} は{LONGEST_NAME}文字を超えています",
        )
    if name in RESERVED or name.replace("-", "_") in RESERVED:
        raise Misconfigured(
            f"{path}: {mark} {name!r} is the name of an address or of a table here; choose another",
            ja=f"{path}: {mark} {name!r} はアドレスまたは表の名前として使われています。別の名前にしてください",
        )
    return name


def load_kinds(*folders: Path) -> Kinds:
    """The kinds in these folders, each with `schemas/kinds`, `ontologies/context`, `ontologies/shapes`; without any, the shipped ones."""
    places = tuple(Path(folder) for folder in folders) or (shipped(),)
    submitted: dict[str, Mapping[str, Any]] = {}
    own: list[tuple[Path, str]] = []
    for folder in places:
        for path in sorted((folder / "schemas" / "kinds").glob("*.schema.json")):
            schema = _read_json(path)
            address = schema.get("$id")
            if not isinstance(address, str) or address in submitted:
                raise Misconfigured(
                    f"{path}: its $id {address!r} is missing or taken",
                    ja=f"{path}: $id {address!r} がないか、すでに使われています",
                )
            submitted[address] = schema
            if "x-kind" in schema:
                own.append((path, address))
    context = _merged_context(places)
    prefixes = frozenset(prefixes_of(context))
    reader = _Reader(submitted)
    published = {address: _marks_expanded(schema) for address, schema in submitted.items()}
    kinds: dict[str, Kind] = {}
    for path, address in own:
        kind = _read_kind(path, address, submitted[address], reader, published[address])
        if kind.name in kinds or any(kind.plural == other.plural for other in kinds.values()):
            raise Misconfigured(
                f"{path}: the kind {kind.name!r} is there twice", ja=f"{path}: 種別 {kind.name!r} が2つあります"
            )
        _check_linked_keys(f"kind {kind.name}", kind.fields, prefixes)
        _check_terms(f"kind {kind.name}", kind.fields, context, "record")
        for type_ in kind.types:
            _check_term(f"kind {kind.name}: x-types", f"種別 {kind.name}: x-types", type_, context)
        kinds[kind.name] = kind
    for kind in kinds.values():
        for field_name, target in _linked_kinds(kind.fields):
            if target not in kinds:
                raise Misconfigured(
                    f"kind {kind.name}: the field {field_name!r} links to the kind {target!r}, which there is not",
                    ja=f"種別 {kind.name}: 項目 {field_name!r} のリンク先の種別 {target!r} がありません",
                )
    shapes = _files(places, "ontologies", "shapes", pattern="*.ttl")
    return Kinds(kinds, published, context, shapes, _files(places, "ontologies", pattern="*.ttl"))


def _read_kind(
    path: Path, address: str, schema: Mapping[str, Any], reader: _Reader, published: Mapping[str, Any]
) -> Kind:
    name = _checked_name(schema.get("x-kind"), path, "x-kind")
    plural = _checked_name(schema.get("x-plural"), path, "x-plural")
    types = schema.get("x-types")
    if not isinstance(types, list) or not types:
        raise Misconfigured(
            f"{path}: x-types must name the kind's own class first",
            ja=f"{path}: x-types の先頭に種別のクラスが必要です",
        )
    refers = any(isinstance(part, dict) and part.get("$ref") == RECORD for part in schema.get("allOf", ()))
    if not refers or schema.get("unevaluatedProperties") is not False:
        raise Misconfigured(
            f'{path}: a kind refers to {RECORD!r} in its allOf and says "unevaluatedProperties": false',
            ja=f'{path}: 種別のスキーマには allOf の中の {RECORD!r} への参照と "unevaluatedProperties": false が必要です',
        )
    titles, descriptions = _words(schema)
    fields = reader.fields(reader.merged(schema, address))
    columns = _columns(name, fields)
    for each in fields:
        if each.sortable and all(column.field != each.name for column in columns):
            raise Misconfigured(
                f"kind {name}: the field {each.name!r} has no column in the mirror, so it can't be x-sortable",
                ja=f"種別 {name}: 項目 {each.name!r} はミラーに列がないので x-sortable を付けられません",
            )
    return Kind(name, plural, titles, descriptions, tuple(types), fields, published, columns)
