"""Profiles: a community's narrower rules, examined before they are believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import jsonschema_rs
import orjson
import pyoxigraph as ox

from catalog.errors import Invalid, Misconfigured
from catalog.records.dates import is_date
from catalog.records.finding import Finding
from catalog.records.kinds import Kinds
from catalog.validation.dialects import DIALECTS, Repair, dialect_of, repair
from catalog.validation.schema import (
    Library,
    Place,
    SchemaJudge,
    compile_schema,
    depth_of,
    pointer_to,
    registry_of,
    schemas_within,
    subschemas,
)
from catalog.validation.shapes import RDF, RDFS, SH, Resource, Shapes, Statements, Unreadable, read_statements
from catalog.validation.wording import listed, shown

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")

FORMATS = {"edtf": is_date}

MAX_SCHEMA_BYTES = 2_000_000
MAX_SHAPES_BYTES = 1_000_000
MAX_SCHEMA_DEPTH = 120
# Steps that one value may cost, references written out: a schema that doubles itself forty times passes every other test.
MAX_STEPS = 200_000

SCHEMAS = "https://w3id.org/musubi/schemas/profiles/"


@dataclass(frozen=True, slots=True)
class CompiledProfile:
    """A profile version that was examined and can be held against records."""

    name: str
    version: int
    kind: str
    submitted: Any
    schema: Any
    shapes: Shapes | None
    notes: tuple[Finding, ...]
    judge: SchemaJudge

    @property
    def reference(self) -> str:
        """How a submission names it: "nims-rde@1"."""
        return f"{self.name}@{self.version}"


def profile_address(name: str, version: int) -> str:
    """The address by which other schemas refer to a profile's."""
    return f"{SCHEMAS}{name}/{version}"


def compile_profile(
    name: str,
    version: int,
    kind: str,
    schema: Any,
    shapes: str | bytes | None,
    *,
    kinds: Kinds,
    registered: Mapping[str, Any] | None = None,
) -> CompiledProfile:
    """Examine a profile and make it ready, or raise Invalid with everything that is wrong with it.

    `registered` are the schemas of other profiles by their address; with those of the kinds they are all that a
    reference may lead to. Nothing is ever fetched.
    """
    refused: list[Finding] = []
    if kind not in kinds:
        refused.append(
            _refusal(
                "", "profile/kind",
                f'There is no kind "{kind}". The kinds are {listed(sorted(kinds), most=30)}.',
                f"「{kind}」という種別はありません。種別は {listed(sorted(kinds), most=30)} です。",
            )
        )  # fmt: skip
    resources = {**(registered or {}), **kinds.schemas}
    taken = set(kinds.schemas)
    for other_address, other in (registered or {}).items():
        if isinstance(other, dict):
            # Under its own name too, so that who knows it from elsewhere can refer to it.
            resources.setdefault(_base_of(other, other_address), other)
            if not other_address.startswith(profile_address(name, 0)[:-1]):
                taken |= {other_address, _base_of(other, other_address)}
    mended, judge = _examine_schema(name, version, schema, resources, taken, refused)
    read = _examine_shapes(shapes, refused)
    if refused or judge is None:
        raise Invalid(
            f"the profile {name}@{version} cannot be used: {refused[0].messages['en']}",
            refused,
            ja=f"プロファイル {name}@{version} は使えません：{refused[0].messages['ja']}",
        )
    return CompiledProfile(name, version, kind, schema, mended.schema, read, tuple(mended.notes), judge)


def _refusal(pointer: str, rule: str, en: str, ja: str) -> Finding:
    return Finding(pointer, rule, "violation", {"en": en, "ja": ja}, "profile")


# -- JSON Schema ------------------------------------------------------------------------------------------------------


def _examine_schema(
    name: str, version: int, schema: Any, resources: Mapping[str, Any], taken: AbstractSet[str], refused: list[Finding]
) -> tuple[Repair, SchemaJudge | None]:
    if not isinstance(schema, dict):
        refused.append(
            _refusal(
                "",
                "profile/schema",
                f"A schema is an object, and {shown(schema)} is not.",
                f"スキーマはオブジェクトですが、{shown(schema)} は違います。",
            )
        )
        return Repair(schema), None
    # Before anything recursive sees it.
    if depth_of(schema) > MAX_SCHEMA_DEPTH:
        refused.append(
            _refusal(
                "",
                "profile/depth",
                f"The schema is nested deeper than {MAX_SCHEMA_DEPTH} levels.",
                f"スキーマの入れ子が {MAX_SCHEMA_DEPTH} 段を超えています。",
            )
        )
        return Repair(schema), None
    if (size := len(orjson.dumps(schema))) > MAX_SCHEMA_BYTES:
        refused.append(
            _refusal(
                "",
                "profile/size",
                f"The schema has {size} bytes; {MAX_SCHEMA_BYTES} are allowed.",
                f"スキーマは {size} バイトあります（上限 {MAX_SCHEMA_BYTES}）。",
            )
        )
        return Repair(schema), None
    if dialect_of(schema) is None:
        refused.append(
            _refusal(
                "/$schema", "profile/dialect",
                f"{shown(schema.get('$schema'))} is no dialect that is known here; known are {listed(DIALECTS)}.",
                f"{shown(schema.get('$schema'))} は未対応の方言です。対応しているのは {listed(DIALECTS)} です。",
            )
        )  # fmt: skip
        return Repair(schema), None
    mended = repair(schema)
    try:
        jsonschema_rs.meta.validate(mended.schema)
    except jsonschema_rs.ValidationError as problem:
        refused.append(_invalid_schema(mended.schema, problem))
        return mended, None
    # Its own name is an address of its own, so that two profiles cannot take each other's place.
    address = profile_address(name, version)
    base = _base_of(mended.schema, address)
    if base in taken:
        refused.append(
            _refusal(
                "/$id", "profile/$id",
                f'The address "{base}" is taken by another schema; give the profile an "$id" of its own, or none.',
                f"アドレス「{base}」は別のスキーマが使っています。固有の「$id」を付けるか、省いてください。",
            )
        )  # fmt: skip
        return mended, None
    # Itself first: an older version may bear the same name.
    own = {address: mended.schema, base: mended.schema}
    everything = {**own, **{name: other for name, other in resources.items() if name not in own}}
    library = Library(everything)
    refused.extend(_unresolved(mended.schema, base, library))
    if refused:
        return mended, None
    if (ring := _never_ending(mended.schema, base, library)) is not None:
        refused.append(ring)
        return mended, None
    try:
        validator = compile_schema(
            mended.schema,
            registry=registry_of(_reachable(mended.schema, base, everything, library)),
            formats=FORMATS,
            base=base,
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as problem:
        refused.append(_invalid_schema(mended.schema, problem))
        return mended, None
    return mended, SchemaJudge(mended.schema, base, library, validator, "profile")


def _reachable(schema: Any, base: str, everything: Mapping[str, Any], library: Library) -> dict[str, Any]:
    """The other documents that references lead to, at any remove; a big registry costs at each compilation."""
    found: dict[str, Any] = {}
    waiting = [(schema, base)]
    while waiting:
        here, here_base = waiting.pop()
        for part, part_base in schemas_within(here, here_base):
            for keyword in ("$ref", "$dynamicRef"):
                if not isinstance(reference := part.get(keyword), str):
                    continue
                address = urldefrag(urljoin(part_base, reference))[0]
                if address in everything and address not in found and address != base:
                    found[address] = everything[address]
                    waiting.append((everything[address], address))
    return found


def _base_of(schema: Mapping[str, Any], address: str) -> str:
    identifier = schema.get("$id", schema.get("id"))
    return urldefrag(urljoin(address, identifier))[0] if isinstance(identifier, str) else address


def _invalid_schema(schema: Any, problem: Exception) -> Finding:
    message = str(getattr(problem, "message", problem)).splitlines()[0]
    path = list(getattr(problem, "instance_path", ()))
    if path and path[-1] == "pattern":
        return _refusal(
            pointer_to(path), "profile/pattern",
            f"This pattern cannot be used: {message}. It is no regular expression, or too large a one.",
            f"このパターンは使えません：{message}。正規表現でないか、大きすぎます。",
        )  # fmt: skip
    if path and path[-1] == "type" and isinstance(named := getattr(problem, "instance", None), str):
        return _refusal(
            pointer_to(path), "profile/schema",
            f'The schema is not valid under the dialect that it declares: there is no type "{named}". The types are {listed(TYPES)}.',
            f"宣言された方言に照らしてスキーマが正しくありません：「{named}」という型はありません。型は {listed(TYPES)} です。",
        )  # fmt: skip
    return _refusal(
        pointer_to(path), "profile/schema",
        f"The schema is not valid under the dialect that it declares: {message}",
        f"スキーマは宣言された方言のもとで正しくありません：{message}",
    )  # fmt: skip


_METASCHEMAS = ("http://json-schema.org/", "https://json-schema.org/draft/")


def _unresolved(schema: Any, base: str, library: Library) -> Iterator[Finding]:
    """References that lead to nothing that is registered here."""
    waiting: list[tuple[tuple[str | int, ...], Any, str]] = [((), schema, base)]
    while waiting:
        path, part, part_base = waiting.pop()
        if not isinstance(part, dict):
            continue
        if isinstance(identifier := part.get("$id"), str):
            part_base = urldefrag(urljoin(part_base, identifier))[0]
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            reference = part.get(keyword)
            if not isinstance(reference, str):
                continue
            address = urldefrag(urljoin(part_base, reference))[0]
            if address.startswith(_METASCHEMAS):
                continue
            if address not in library:
                yield _refusal(
                    pointer_to((*path, keyword)), f"profile/{keyword}",
                    f'"{reference}" leads to {address}, which is not registered here. Nothing is fetched: register that '
                    "schema as a profile, or copy what is needed into this one.",
                    f"「{reference}」の参照先 {address} はここに登録されていません。外部から取得することはありません。"
                    "そのスキーマをプロファイルとして登録するか、必要な部分をこのスキーマに写してください。",
                )  # fmt: skip
            elif keyword == "$ref" and library.resolve(reference, part_base) is None:
                yield _refusal(
                    pointer_to((*path, keyword)), "profile/$ref",
                    f'"{reference}" leads to nothing: there is no such place in {address}.',
                    f"「{reference}」の参照先がありません（{address} にその場所はありません）。",
                )  # fmt: skip
        waiting.extend(((*path, *steps), inner, part_base) for steps, inner in subschemas(part))


# Where the same value is looked at again; everything else looks at a part of it.
_SAME_VALUE = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}


@dataclass
class _Walk:
    """What a walk over a schema has seen: where it is, and what each finished place costs."""

    library: Library
    open: set[int] = field(default_factory=set)
    cost: dict[int, int] = field(default_factory=dict)


def _never_ending(schema: Any, base: str, library: Library) -> Finding | None:
    """A ring of references that never looks at a smaller part of the value, or one that multiplies beyond all use."""
    walk = _Walk(library)
    # All places of all depths are starting points: a ring may lie where only part of a value leads.
    for part, part_base in schemas_within(schema, base):
        steps = _steps(Place(part, part_base), walk, 0)
        if steps is None:
            return _refusal(
                "", "profile/$ref",
                "References lead round in a ring without ever looking at a part of the value, so it could never be decided.",
                "参照が循環しており、値の内側に進むことがないため、判定が終わりません。",
            )  # fmt: skip
        if steps > MAX_STEPS:
            return _refusal(
                "", "profile/cost",
                f"Written out, the schema asks more than {MAX_STEPS} questions of a single value.",
                f"参照を展開すると、一つの値に対する検査が {MAX_STEPS} 回を超えます。",
            )  # fmt: skip
    return None


def _steps(place: Place, walk: _Walk, depth: int) -> int | None:
    """How many schemas look at one value from here; None if there is no end to them."""
    if not isinstance(place.schema, dict):
        return 1
    key = id(place.schema)
    if key in walk.cost:
        return walk.cost[key]
    if key in walk.open or depth > 400:
        return None
    walk.open.add(key)
    total = 1
    inner = [
        Place(part, _inner_base(part, place.base))
        for steps, part in subschemas(place.schema)
        if steps[0] in _SAME_VALUE
    ]
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        reference = place.schema.get(keyword)
        if isinstance(reference, str) and (led := walk.library.resolve(reference, place.base)) is not None:
            inner.append(led)
    for part in inner:
        steps = _steps(part, walk, depth + 1)
        if steps is None:
            return None
        total = min(total + steps, 10**12)
    walk.open.discard(key)
    walk.cost[key] = total
    return total


def _inner_base(schema: Any, base: str) -> str:
    identifier = schema.get("$id") if isinstance(schema, dict) else None
    return urldefrag(urljoin(base, identifier))[0] if isinstance(identifier, str) else base


# -- SHACL ------------------------------------------------------------------------------------------------------------

_REFUSED_TERMS: Mapping[str, tuple[str, str]] = {
    SH + "class": (
        "sh:class asks of what class a link's target is, which depends on what else is here; say in the JSON Schema to which kinds a link may lead",
        "sh:class はリンク先のクラスを調べるため、判定が他のレコードに左右されます。リンク先の種別は JSON Schema に書いてください",
    ),
    SH + "node": (
        "sh:node hides in which fragment a rule is broken; give the fragment a shape of its own with sh:targetObjectsOf",
        "sh:node ではどの断片の問題かが分かりません。sh:targetObjectsOf で断片ごとのシェイプを書いてください",
    ),
    SH + "qualifiedValueShape": (
        "sh:qualifiedValueShape looks into what a value is; give the value's fragment a shape of its own",
        "sh:qualifiedValueShape は値の内側を調べます。値の断片ごとのシェイプを書いてください",
    ),
    SH + "sparql": ("sh:sparql is a query, and shapes here are rules only", "sh:sparql はクエリであり、ここでは使えません"),
    SH + "js": ("sh:js is a program, and shapes here are rules only", "sh:js はプログラムであり、ここでは使えません"),
    SH + "target": ("sh:target chooses nodes by a query; use sh:targetClass or sh:targetObjectsOf", "sh:target はクエリで対象を選びます。sh:targetClass か sh:targetObjectsOf を使ってください"),
    SH + "targetNode": (
        "sh:targetNode names one node of its own; use sh:targetClass or sh:targetObjectsOf",
        "sh:targetNode は特定のノードだけを対象にします。sh:targetClass か sh:targetObjectsOf を使ってください",
    ),
    SH + "rule": ("sh:rule makes statements, and shapes here only judge", "sh:rule は記述を作り出すため、ここでは使えません"),
    "http://www.w3.org/2002/07/owl#imports": (
        "owl:imports would fetch other shapes; nothing is fetched, so put them into this text",
        "owl:imports は外部のシェイプを取り込みますが、取得は行いません。必要なものをこの中に書いてください",
    ),
}  # fmt: skip
_REFUSED_TYPES = {
    SH + name
    for name in (
        "SPARQLConstraintComponent",
        "ConstraintComponent",
        "SPARQLTarget",
        "SPARQLTargetType",
        "JSConstraint",
        "SPARQLFunction",
        "JSFunction",
    )
}


def _examine_shapes(shapes: str | bytes | None, refused: list[Finding]) -> Shapes | None:
    if shapes is None or not shapes.strip():
        return None
    turtle = shapes.encode() if isinstance(shapes, str) else shapes
    if len(turtle) > MAX_SHAPES_BYTES:
        refused.append(
            _refusal(
                "",
                "profile/size",
                f"The shapes have {len(turtle)} bytes; {MAX_SHAPES_BYTES} are allowed.",
                f"シェイプは {len(turtle)} バイトあります（上限 {MAX_SHAPES_BYTES}）。",
            )
        )
        return None
    try:
        # Read first: the engine itself might follow what is refused here.
        statements = read_statements(turtle)
        found = list(_endless_in(statements)) or list(_refused_in(statements))
        refused.extend(found)
        return None if found else Shapes(turtle)
    except Unreadable as problem:
        refused.append(
            _refusal(
                "",
                "profile/shapes",
                f"The shapes are no readable SHACL in Turtle: {problem}",
                f"シェイプを Turtle の SHACL として読めません：{problem}",
            )
        )
        return None


# Shapes within shapes: how deep, and how many when each is written out where it is named.
MAX_SHAPE_DEPTH = 40
MAX_SHAPE_STEPS = 20_000
MAX_LIST = 10_000


def _endless_in(statements: Statements) -> Iterator[Finding]:
    """Rings and heaps of shapes, and patterns that are none: an engine would follow them until it falls."""
    if _has_endless_list(statements):
        yield _refusal(
            "", "profile/shapes",
            f"A list closes into a ring, or has more than {MAX_LIST} members.",
            f"リストが循環しているか、要素が {MAX_LIST} を超えています。",
        )  # fmt: skip
        return
    cost: dict[Resource, int] = {}
    for subject in statements.by_subject:
        steps = _shape_steps(statements, subject, cost, ())
        if steps is None or steps > MAX_SHAPE_STEPS:
            yield _refusal(
                "", "profile/shapes",
                f"Shapes name each other in a ring, or lie deeper than {MAX_SHAPE_DEPTH} in each other, or come to more than "
                f"{MAX_SHAPE_STEPS} when written out. ({_where(statements, subject)})",
                f"シェイプ同士の参照が循環しているか、入れ子が {MAX_SHAPE_DEPTH} 段を超えるか、展開すると {MAX_SHAPE_STEPS} 個を超えます。"
                f"（{_where(statements, subject)}）",
            )  # fmt: skip
            return
    for subject in statements.by_subject:
        for pattern in statements.values(subject, SH + "pattern"):
            try:
                compile_schema({"pattern": str(getattr(pattern, "value", ""))})
            except jsonschema_rs.ValidationError:
                yield _refusal(
                    "", "profile/sh:pattern",
                    f"This pattern cannot be used: {shown(getattr(pattern, 'value', ''))}. It is no regular expression, or too large a one.",
                    f"このパターンは使えません：{shown(getattr(pattern, 'value', ''))}。正規表現でないか、大きすぎます。",
                )  # fmt: skip


def _has_endless_list(statements: Statements) -> bool:
    """Whether a list is a ring or too long; each member is visited once."""
    length: dict[Resource, int] = {}
    for start in statements.by_subject:
        trail: dict[Resource, None] = {}
        at: Resource | None = start
        while at is not None and at not in length:
            if at in trail:
                return True
            trail[at] = None
            rest = statements.one(at, RDF + "rest")
            at = rest if isinstance(rest, ox.NamedNode | ox.BlankNode) else None
        behind = length.get(at, 0) if at is not None else 0
        for member in reversed(trail):
            behind += 1
            length[member] = behind
    return max(length.values(), default=0) > MAX_LIST


def _shape_steps(
    statements: Statements, shape: Resource, cost: dict[Resource, int], trail: tuple[Resource, ...]
) -> int | None:
    """How many shapes there are when everything that a shape names is written out; None where there is no end."""
    if shape in cost:
        return cost[shape]
    if shape in trail or len(trail) > MAX_SHAPE_DEPTH:
        return None
    named = [*statements.resources(shape, SH + "property"), *statements.resources(shape, SH + "not")]
    for keyword in ("and", "or", "xone"):
        for head in statements.resources(shape, SH + keyword):
            named.extend(
                member for member in statements.members(head) if isinstance(member, ox.NamedNode | ox.BlankNode)
            )
    total = 1
    for inner in named:
        steps = _shape_steps(statements, inner, cost, (*trail, shape))
        if steps is None:
            return None
        total = min(total + steps, 10**12)
    cost[shape] = total
    return total


def _refused_in(statements: Statements) -> Iterator[Finding]:
    told: set[str] = set()
    targets = 0
    for subject, said in statements.by_subject.items():
        targets += sum(SH + name in said for name in ("targetClass", "targetObjectsOf", "targetSubjectsOf"))
        kinds = {value.value for value in said.get(RDF + "type", ()) if isinstance(value, ox.NamedNode)}
        targets += RDFS + "Class" in kinds
        for term in (*said, *(kinds & _REFUSED_TYPES)):
            if (why := _REFUSED_TERMS.get(term)) and term not in told:
                told.add(term)
                yield _refusal(
                    "",
                    f"profile/{_short(term)}",
                    f"{why[0]}. ({_where(statements, subject)})",
                    f"{why[1]}。（{_where(statements, subject)}）",
                )
            elif term in _REFUSED_TYPES and term not in told:
                told.add(term)
                yield _refusal(
                    "",
                    f"profile/{_short(term)}",
                    f"{_short(term)}: constraints of one's own are queries or programs, and shapes here are rules only.",
                    f"{_short(term)}：独自の制約はクエリやプログラムであり、ここでは使えません。",
                )
        for predicate in said:
            if predicate == SH + "path" and any(
                _walks_far(statements, path) for path in statements.resources(subject, predicate)
            ):
                yield _refusal(
                    "", "profile/sh:path",
                    f"A path of several steps may lead out of the record; shapes speak of the record and its fragments, one step at a time. ({_where(statements, subject)})",
                    f"複数段のパスはレコードの外に出ることがあります。シェイプはレコードとその断片について一段ずつ書いてください。（{_where(statements, subject)}）",
                )  # fmt: skip
    if not targets and not told:
        yield _refusal(
            "",
            "profile/shapes",
            "No shape chooses any node: give each an sh:targetClass or sh:targetObjectsOf.",
            "どのシェイプにも対象がありません。sh:targetClass か sh:targetObjectsOf を付けてください。",
        )


def _walks_far(statements: Statements, path: Resource) -> bool:
    if isinstance(path, ox.NamedNode):
        return False
    choices = statements.members(statements.one(path, SH + "alternativePath"))
    return not choices or not all(isinstance(choice, ox.NamedNode) for choice in choices)


def _short(term: str) -> str:
    for prefix, expansion in (("sh", SH), ("owl", "http://www.w3.org/2002/07/owl#")):
        if term.startswith(expansion):
            return f"{prefix}:{term[len(expansion) :]}"
    return term


def _where(statements: Statements, subject: Resource) -> str:
    """A name by which the author finds the place."""
    if isinstance(subject, ox.NamedNode):
        return str(subject)
    path = statements.one(subject, SH + "path")
    return f"sh:path {path}" if path is not None else "blank node"


# -- those that come with the software ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShippedProfile:
    """A profile as it lies in `schemas/profiles/<name>/<version>/`."""

    name: str
    version: int
    kind: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    schema: Any
    shapes: str | None
    good: tuple[Path, ...]
    bad: tuple[Path, ...]


def shipped_profiles(folder: Path) -> Iterator[ShippedProfile]:
    """The profiles in a folder of profiles, by name and version."""
    read: Callable[[Path], Any] = lambda path: json.loads(path.read_text(encoding="utf-8"))  # noqa: E731
    for path in sorted(folder.glob("*/*/profile.json")):
        told = read(path)
        here = path.parent
        if told.get("name") != here.parent.name or str(told.get("version")) != here.name:
            raise Misconfigured(
                f"{path} says that it is {told.get('name')}@{told.get('version')}, and lies in {here.parent.name}/{here.name}",
                ja=f"{path} の名前と版（{told.get('name')}@{told.get('version')}）がフォルダ {here.parent.name}/{here.name} と合いません",
            )
        shapes = here / "shapes.ttl"
        yield ShippedProfile(
            name=told["name"],
            version=told["version"],
            kind=told["kind"],
            title=told["title"],
            description=told.get("description", {}),
            schema=read(here / "schema.json"),
            shapes=shapes.read_text(encoding="utf-8") if shapes.exists() else None,
            good=tuple(sorted((here / "good").glob("*.json"))),
            bad=tuple(sorted((here / "bad").glob("*.json"))),
        )
