"""What records are held to and where they lie: kinds, sources, profiles, scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.curation.profiles import propose_profile, publish_profile, try_profile
from catalog.curation.sources import register_source
from catalog.errors import Malformed, NotFound
from catalog.questions.reader import Reader
from catalog.records.finding import Finding
from catalog.records.kinds import Field, Kind
from catalog.records.record import Source
from catalog.web.layout import label
from catalog.web.linked_data import fixed
from catalog.web.negotiation import HTML, JSON, JSON_LD, SCHEMA, TURTLE, Language, form_for, language_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.pages import page, text_in
from catalog.web.problems import findings_in
from catalog.web.reading import answered
from catalog.web.site import Site, site_of
from catalog.web.writing import document_of, writer

routes = Routes()

KIND = Parameter("kind", "The kind's name.", place="path", example="sample")


def asked_kind(request: Request) -> Kind:
    """The kind that an address names."""
    found = site_of(request).catalog.kinds.get(request.path_params["kind"])
    if found is None:
        raise NotFound("There is no such kind.", ja="その種別はありません。")
    return found


def kind_told(kind: Kind, root: str) -> dict[str, Any]:
    """A kind as it is answered."""
    return {
        "name": kind.name,
        "plural": kind.plural,
        "title": dict(kind.titles),
        "description": dict(kind.descriptions),
        "types": list(kind.types),
        "schema": f"{root}kinds/{kind.name}/schema",
        "shapes": f"{root}kinds/{kind.name}/shapes",
        "records": f"{root}records?kind={kind.name}",
    }


@routes.add(
    Operation(
        "GET",
        "/kinds",
        "kinds",
        "Registering",
        "The kinds",
        "種別の一覧",
        "Every kind of record, with its titles and where its schema is.",
        {200: Answer("The kinds.", (JSON, HTML))},
        (406,),
        (FORMAT,),
    )
)
async def kinds(request: Request) -> Response:
    """Every kind."""
    site = site_of(request)
    if form_for(request, (JSON, HTML)) is HTML:
        return page(request, site.pages, site.root, "kinds.html", kinds=site.catalog.kinds)
    items = [kind_told(kind, site.root) for kind in site.catalog.kinds.values()]
    return fixed(request, orjson.dumps({"items": items, "next": None}), JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/kinds/{kind}",
        "kind",
        "Registering",
        "One kind",
        "種別の説明",
        "A kind with its fields, as a page that documents each.",
        {200: Answer("The kind.", (JSON, HTML))},
        (404, 406),
        (KIND, FORMAT),
    )
)
async def kind_(request: Request) -> Response:
    """One kind."""
    site, kind = site_of(request), asked_kind(request)
    if form_for(request, (JSON, HTML)) is HTML:
        rows = list(documented(kind.fields, language_for(request)))
        return page(request, site.pages, site.root, "kind.html", kind=kind, rows=rows)
    fields = [field_told(each) for each in kind.fields]
    return fixed(request, orjson.dumps({**kind_told(kind, site.root), "fields": fields}), JSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/kinds/{kind}/schema",
        "kind-schema",
        "Registering",
        "A kind's JSON Schema",
        "種別の JSON Schema",
        "The schema that a body is held to, whole: what it refers to is in its `$defs`.",
        {200: Answer("The schema.", (SCHEMA,))},
        (404,),
        (KIND,),
    )
)
async def kind_schema(request: Request) -> Response:
    """A kind's schema, with what it refers to."""
    kind = asked_kind(request)
    kinds_ = site_of(request).catalog.kinds
    others = {
        address: schema
        for address, schema in kinds_.schemas.items()
        if "x-kind" not in schema and address != kind.schema.get("$id")
    }
    # Bundled (JSON Schema 2020-12, 9.3): the embedded schemas keep their $id, so no reference changes.
    told = {**kind.schema, "$defs": {**kind.schema.get("$defs", {}), **others}}
    return fixed(request, orjson.dumps(told), SCHEMA.content_type)


@routes.add(
    Operation(
        "GET",
        "/kinds/{kind}/shapes",
        "kind-shapes",
        "Registering",
        "A kind's SHACL shapes",
        "種別の SHACL シェイプ",
        "The shapes that a record's graph is held to: those of every record, and the kind's own.",
        {200: Answer("The shapes.", (TURTLE,))},
        (404,),
        (KIND,),
    )
)
async def kind_shapes(request: Request) -> Response:
    """A kind's shapes."""
    kind = asked_kind(request)
    shapes = site_of(request).catalog.kinds.shapes
    told = b"\n".join(shapes[name] for name in ("common", kind.name) if name in shapes)
    return fixed(request, told, TURTLE.content_type)


@routes.add(
    Operation(
        "GET",
        "/kinds/{kind}/context",
        "kind-context",
        "Registering",
        "A kind's JSON-LD context",
        "種別の JSON-LD コンテキスト",
        "The context is one for all kinds; this is the same as `/context.jsonld`.",
        {200: Answer("The context.", (JSON_LD,))},
        (404,),
        (KIND,),
    )
)
async def kind_context(request: Request) -> Response:
    """The context that a kind's linked form is read with."""
    asked_kind(request)
    told = orjson.dumps({"@context": site_of(request).catalog.kinds.context})
    return fixed(request, told, JSON_LD.content_type)


def field_told(each: Field) -> dict[str, Any]:
    """A field as it is answered."""
    told: dict[str, Any] = {
        "name": each.name,
        "form": each.scalar if each.form == "scalar" else each.form,
        "many": each.many,
        "title": dict(each.titles),
        "description": dict(each.descriptions),
    }
    for name in ("required", "private", "sortable", "facet", "searchable"):
        if getattr(each, name):
            told[name] = getattr(each, name)
    if each.kinds:
        told["kinds"] = list(each.kinds)
    if each.units:
        told["units"] = list(each.units)
    if each.enum:
        told["enum"] = list(each.enum)
    if each.fields and each.form == "object":
        told["fields"] = [field_told(inner) for inner in each.fields]
    return told


@dataclass(frozen=True, slots=True)
class Row:
    """A field as the kind's page documents it."""

    path: str
    label: str
    about: str
    value: str
    kinds: tuple[str, ...]
    marks: tuple[str, ...]
    choices: tuple[str, ...]


_FORMS: dict[str, tuple[str, str]] = {
    "text": ("text by language", "言語別テキスト"),
    "date": ("date (EDTF)", "日付 (EDTF)"),
    "quantity": ("quantity with unit", "単位付きの量"),
    "links": ("links", "リンク"),
    "term": ("term", "用語"),
    "object": ("object", "オブジェクト"),
    "json": ("any JSON", "任意の JSON"),
    "string": ("text", "文字列"),
    "integer": ("whole number", "整数"),
    "number": ("number", "数値"),
    "boolean": ("yes or no", "真偽値"),
    "mixed": ("value", "値"),
}


def documented(fields: tuple[Field, ...], language: Language, above: str = "") -> Iterator[Row]:
    """A row for each field, and for each field inside it."""
    for each in fields:
        path = f"{above}{each.name}"
        form = _FORMS[(each.scalar or "mixed") if each.form == "scalar" else each.form][language == "ja"]
        if each.many and each.form != "links":
            form = f"{form}の一覧" if language == "ja" else f"list of {form}"
        if each.units:
            form += f" ({', '.join(each.units)})"
        marks = [
            words[language == "ja"]
            for held, words in (
                (each.required, ("required", "必須")),
                (each.private, ("private", "非公開")),
                (each.sortable, ("sortable", "並べ替え可")),
                (each.facet, ("facet", "絞り込み可")),
            )
            if held
        ]
        about = text_in(each.descriptions, language)[0]
        choices = tuple(str(choice) for choice in each.enum)
        yield Row(path, label(each, language), about, form, each.kinds, tuple(marks), choices)
        if each.form == "object":
            yield from documented(each.fields, language, f"{path}/")


# --- sources

SOURCE_EXAMPLE = {
    "id": "spring8",
    "title": {"en": "SPring-8", "ja": "SPring-8"},
    "homeScope": "spring8",
    "prefixes": {"panet": "http://purl.org/pan-science/PaNET/"},
    "zone": "Asia/Tokyo",
    "licence": "https://creativecommons.org/licenses/by/4.0/",
    "homepage": "https://www.spring8.or.jp/",
}


def source_told(source: Source, reader: Reader) -> dict[str, Any]:
    """A source as it is answered. Its home scope may be one that the public knows nothing of."""
    told: dict[str, Any] = {
        "id": source.id,
        "version": source.version,
        "title": dict(source.title),
        "prefixes": dict(source.prefixes),
        "zone": source.zone,
        "licence": source.licence,
        "contact": source.contact,
        "homepage": source.homepage,
    }
    if reader.administrator:
        told["homeScope"] = source.home_scope
    return {name: value for name, value in told.items() if value is not None}


@routes.add(
    Operation(
        "GET",
        "/sources",
        "sources",
        "Registering",
        "The sources",
        "登録元の一覧",
        "Where records come from.",
        {200: Answer("The sources.", (JSON, HTML), {"items": [{"version": 1, **SOURCE_EXAMPLE}], "next": None})},
        (406,),
        (FORMAT,),
    )
)
async def sources(request: Request) -> Response:
    """Every source."""
    site = site_of(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    items = [source_told(each, reader) for each in await site.in_thread(site.catalog.sources.all)]
    if form is HTML:
        shown = [{"homepage": None, "licence": None, **each} for each in items]
        return page(request, site.pages, site.root, "sources.html", sources=shown)
    return answered(request, reader, orjson.dumps({"items": items, "next": None}), form)


@routes.add(
    Operation(
        "GET",
        "/sources/{source}",
        "source",
        "Registering",
        "One source",
        "登録元の説明",
        "A source in its newest version.",
        {200: Answer("The source.", (JSON, HTML), {"version": 1, **SOURCE_EXAMPLE})},
        (404, 406),
        (Parameter("source", "The source's id.", place="path", example="spring8"), FORMAT),
    )
)
async def source(request: Request) -> Response:
    """One source."""
    site = site_of(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    found = await site.in_thread(site.catalog.sources.find, request.path_params["source"])
    if found is None:
        raise NotFound("There is no such source.", ja="その登録元はありません。")
    told = source_told(found, reader)
    if form is HTML:
        shown = {"homepage": None, "licence": None, **told}
        return page(request, site.pages, site.root, "source.html", source=shown)
    return answered(request, reader, orjson.dumps(told), form, revision=found.version)


def _registering(method: Literal["POST", "PUT"], path: str, name: str, about: str) -> Operation:
    place = (Parameter("source", "The source's id.", place="path", example="spring8"),) if "{" in path else ()
    return Operation(
        method,
        path,
        name,
        "Registering",
        "Register a source",
        "登録元を登録する",
        about,
        {
            201: Answer("It is new, or has a new version.", (JSON,), {"version": 1, **SOURCE_EXAMPLE}),
            200: Answer("It is known just so.", (JSON,)),
        },
        (400, 403, 413, 415, 422),
        place,
        Body("The source.", {"application/json": SOURCE_EXAMPLE}),
    )


@routes.add(
    _registering(
        "POST", "/sources", "register-source", "A source that is known gets a new version; none is edited in place."
    )
)
async def register_source_(request: Request) -> Response:
    """Register a source."""
    asked(request)
    reader = writer(request)
    return await _registered(request, await an_object(request), reader)


@routes.add(_registering("PUT", "/sources/{source}", "put-source", "The same as POST, with the id in the address."))
async def put_source(request: Request) -> Response:
    """Register a source at its address."""
    asked(request)
    reader = writer(request)
    document = await an_object(request)
    id = request.path_params["source"]
    if document.get("id", id) != id:
        raise Malformed(
            f"id is '{document['id']}' in the body and '{id}' in the address.",
            ja=f"id が本文では「{document['id']}」、アドレスでは「{id}」です。",
        )
    return await _registered(request, {**document, "id": id}, reader)


async def _registered(request: Request, document: Mapping[str, Any], reader: Reader) -> Response:
    site = site_of(request)
    made, is_new = await site.in_thread(registered, site, document, reader)
    headers = {"Location": f"{site.root}sources/{made.id}"}
    return Response(orjson.dumps(source_told(made, reader)), 201 if is_new else 200, headers, JSON.content_type)


def registered(site: Site, document: Mapping[str, Any], reader: Reader) -> tuple[Source, bool]:
    """The source as it is known now, and whether it or its version is new."""
    catalog = site.catalog
    before = catalog.sources.find(document["id"]) if isinstance(document.get("id"), str) else None
    made = register_source(document, reader, sources=catalog.sources, scopes=catalog.scopes)
    return made, before is None or made.version != before.version


async def an_object(request: Request) -> dict[str, Any]:
    """A JSON body that is an object."""
    document = await document_of(request)
    if not isinstance(document, dict):
        raise Malformed("A JSON object is needed here.", ja="JSON オブジェクトが必要です。")
    return document


# --- profiles

PROFILE_EXAMPLE = {
    "name": "spring8-sample",
    "kind": "sample",
    "title": {"en": "Samples at SPring-8", "ja": "SPring-8 の試料"},
    "schema": {"required": ["title"]},
    "shapes": "@prefix sh: <http://www.w3.org/ns/shacl#> .",
}
REFERENCE = Parameter(
    "profile", "The profile's name, or one version: `name@1`.", place="path", example="spring8-sample@1"
)


class ProfileVersion(Protocol):
    """A version of a profile, as the catalogue keeps it."""

    @property
    def reference(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> Mapping[str, str]: ...
    @property
    def schema(self) -> Mapping[str, Any]: ...
    @property
    def shapes(self) -> str | None: ...
    @property
    def notes(self) -> tuple[Finding, ...]: ...
    @property
    def trial(self) -> Mapping[str, Any] | None: ...
    @property
    def published_at(self) -> str | None: ...


def profile_told(profile: ProfileVersion, reader: Reader, language: Language, *, whole: bool) -> dict[str, Any]:
    """A version of a profile as it is answered. A trial names records, which the public may not all see."""
    told: dict[str, Any] = {
        "id": profile.reference,
        "name": profile.name,
        "version": profile.version,
        "kind": profile.kind,
        "title": dict(profile.title),
        "published": profile.published_at,
    }
    if whole:
        told["schema"] = dict(profile.schema)
        told["shapes"] = profile.shapes
        told["notes"] = findings_in(profile.notes, language)
        if reader.administrator and profile.trial is not None:
            shown = [
                {**each, "findings": findings_in(each["findings"], language)} for each in profile.trial.get("shown", ())
            ]
            told["trial"] = {**profile.trial, "shown": shown}
    return told


def seen(profile: ProfileVersion, reader: Reader) -> bool:
    """Whether somebody may know of a version: of what is proposed only administrators may."""
    return profile.published_at is not None or reader.administrator


@routes.add(
    Operation(
        "GET",
        "/profiles",
        "profiles",
        "Registering",
        "The profiles",
        "プロファイルの一覧",
        "Every published version of every profile, the newest first; administrators see proposals too.",
        {200: Answer("The profiles.", (JSON, HTML))},
        (406,),
        (FORMAT,),
    )
)
async def profiles(request: Request) -> Response:
    """Every profile."""
    site = site_of(request)
    reader, language = site.reader(request), language_for(request)
    form = form_for(request, (JSON, HTML))
    found = [each for each in await site.in_thread(site.catalog.profiles.versions) if seen(each, reader)]
    found.sort(key=lambda each: (each.name, -each.version))
    items = [profile_told(each, reader, language, whole=False) for each in found]
    if form is HTML:
        return page(request, site.pages, site.root, "profiles.html", profiles=items)
    return answered(request, reader, orjson.dumps({"items": items, "next": None}), form)


@routes.add(
    Operation(
        "GET",
        "/profiles/{profile}",
        "profile",
        "Registering",
        "One profile",
        "プロファイルの説明",
        "A version (`name@1`), or the newest published one (`name`), with its schema as it is used, its shapes, and what was "
        "repaired in it.",
        {200: Answer("The profile.", (JSON, HTML))},
        (404, 406),
        (REFERENCE, FORMAT),
    )
)
async def profile(request: Request) -> Response:
    """One profile."""
    site = site_of(request)
    reader, language = site.reader(request), language_for(request)
    form = form_for(request, (JSON, HTML))
    found = await site.in_thread(profile_named, site, request.path_params["profile"], reader)
    told = profile_told(found, reader, language, whole=True)
    if form is HTML:
        schema = orjson.dumps(told["schema"], option=orjson.OPT_INDENT_2).decode()
        return page(request, site.pages, site.root, "profile.html", profile=told, notes=told["notes"], schema=schema)
    return answered(request, reader, orjson.dumps(told), form)


def profile_named(site: Site, reference: str, reader: Reader) -> ProfileVersion:
    """The version of this reference, or the newest of this name; NotFound if the reader may not know of it."""
    known = site.catalog.profiles
    found = known.version(reference) if "@" in reference else known.latest(reference)
    if found is None or not seen(found, reader):
        raise NotFound("There is no such profile.", ja="そのプロファイルはありません。")
    return found


@routes.add(
    Operation(
        "POST",
        "/profiles",
        "propose-profile",
        "Registering",
        "Propose a profile",
        "プロファイルを提案する",
        "Examines the schema and the shapes, repairs what is safe to repair and says so in `notes`, and tries the new version "
        "on the records that name an older one: `trial` lists what would break. It judges nothing until it is published.",
        {201: Answer("It is proposed.", (JSON,))},
        (400, 403, 409, 413, 415, 422),
        (),
        Body("The profile.", {"application/json": PROFILE_EXAMPLE}),
    )
)
async def propose(request: Request) -> Response:
    """Propose a profile's next version."""
    asked(request)
    site, reader = site_of(request), writer(request)
    document = await an_object(request)
    catalog = site.catalog
    made = await site.in_thread(
        propose_profile, document, reader, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
    )
    told = profile_told(made, reader, language_for(request), whole=True)
    headers = {"Location": f"{site.root}profiles/{made.reference}"}
    return Response(orjson.dumps(told), 201, headers, JSON.content_type)


@routes.add(
    Operation(
        "POST",
        "/profiles/{profile}/try",
        "try-profile",
        "Registering",
        "Try a proposed profile again",
        "提案中のプロファイルを再試行する",
        "Holds a proposal against the records of its older versions once more.",
        {200: Answer("The profile with its trial.", (JSON,))},
        (403, 404, 422),
        (REFERENCE,),
    )
)
async def try_again(request: Request) -> Response:
    """Try a proposal on the records of older versions."""
    asked(request)
    site, reader = site_of(request), writer(request)
    catalog = site.catalog
    found = await site.in_thread(profile_named, site, request.path_params["profile"], reader)
    made = await site.in_thread(
        try_profile, found.reference, reader, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
    )
    return Response(
        orjson.dumps(profile_told(made, reader, language_for(request), whole=True)), 200, {}, JSON.content_type
    )


@routes.add(
    Operation(
        "POST",
        "/profiles/{profile}/publish",
        "publish-profile",
        "Registering",
        "Publish a proposed profile",
        "提案中のプロファイルを公開する",
        "From now on records may name it. If its trial found records that it would break, it takes `despiteBroken=true`; "
        "records keep the version that they name.",
        {200: Answer("The profile.", (JSON,))},
        (400, 403, 404, 409),
        (
            REFERENCE,
            Parameter(
                "despiteBroken",
                "Publish although its trial found records that break it.",
                {"type": "boolean", "default": False},
            ),
        ),
    )
)
async def publish_profile_(request: Request) -> Response:
    """Let a proposal judge from now on."""
    said = asked(request)
    site, reader = site_of(request), writer(request)
    found = await site.in_thread(profile_named, site, request.path_params["profile"], reader)
    made = await site.in_thread(
        publish_profile, found.reference, reader, profiles=site.catalog.profiles, despite_broken=said["despiteBroken"]
    )
    return Response(
        orjson.dumps(profile_told(made, reader, language_for(request), whole=False)), 200, {}, JSON.content_type
    )
