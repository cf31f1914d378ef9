"""What is read of records: one, many, their history, links and files; as pages, JSON and RDF."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery.asking import approval_of
from catalog.discovery.find import Page, find, linked_of
from catalog.discovery.history import difference, history
from catalog.discovery.resolve import resolve
from catalog.discovery.show import LINKED, WHOLE, Moved, Shown, registration_of, show
from catalog.errors import Malformed
from catalog.questions.parameters import question_from
from catalog.questions.question import Order, Question, Selection
from catalog.questions.reader import PUBLIC, Reader
from catalog.records.identifiers import is_record_id
from catalog.records.kinds import Kinds
from catalog.web.addresses import Elsewhere, asked_id, last_segment
from catalog.web.layout import Reading, label, laid_out
from catalog.web.negotiation import HTML, JSON, Form, Language, form_for, language_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, Answer, Operation, Parameter, Routes, asked
from catalog.web.pages import as_data, page, rendered, text_in
from catalog.web.problems import findings_in
from catalog.web.rdf import FORMS, record_as
from catalog.web.refusals import NotAcceptable
from catalog.web.schema_org import Surroundings, citable, creators_of, schema_org
from catalog.web.signposts import LINKSET, cited_in, header, of_form, of_page, whole
from catalog.web.site import Site, site_of

routes = Routes()

RECORD_FORMS: Final[Sequence[Form]] = (JSON, HTML, *FORMS)
ANSWERED_FORMS: Final[Sequence[Form]] = (*RECORD_FORMS, LINKSET)
RECORD_PATH = (
    Parameter("kind", "The record's kind.", place="path", example="sample"),
    Parameter("source", "The source that it comes from.", place="path", example="spring8"),
    Parameter(
        "localId",
        "The id by which the source knows it, as it stands in the record's id.",
        place="path",
        example="s-001",
    ),
)
ID_PATH = Parameter("id", "The record's id: `kind/source/localId`.", place="path", example="sample/spring8/s-001")
RECORD_EXAMPLE = {
    "id": "sample/spring8/s-001",
    "kind": "sample",
    "source": "spring8",
    "localId": "s-001",
    "profile": None,
    "scope": "spring8",
    "status": "public",
    "revision": 1,
    "created": "2026-05-10T07:43:00.000000Z",
    "modified": "2026-05-10T07:43:00.000000Z",
    "body": {"title": {"en": "Cathode material"}},
}
STATUSES: Mapping[str, tuple[str, str]] = {
    "public": ("public", "公開"),
    "private": ("private", "非公開"),
    "draft": ("draft", "下書き"),
    "suppressed": ("suppressed", "非表示"),
    "withdrawn": ("withdrawn", "取り下げ"),
    "quarantined": ("quarantined", "隔離"),
}


def answered(
    request: Request,
    reader: Reader,
    body: bytes,
    form: Form,
    *,
    revision: int | None = None,
    headers: Mapping[str, str] | None = None,
    same_as: bytes | None = None,
) -> Response:
    """A representation with its ETag, or 304 if it is the one that the asker has.

    `same_as` is what the tag is made of where the same thing may be written in several orders.
    """
    digest = sha256(body if same_as is None else form.name.encode() + same_as).hexdigest()[:20]
    etag = f'"{revision}.{digest}"' if revision is not None else f'"{digest}"'
    told = {"ETag": etag, "Cache-Control": cache_for(reader), **(headers or {})}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(None, 304, told)
    return Response(body, 200, told, form.content_type)


def cache_for(reader: Reader) -> str:
    """Whether others may keep it too. Asked about again each time by all: a right taken away is gone at once."""
    return "public, no-cache" if reader == PUBLIC else "private, no-cache"


def _has(header: str, etag: str) -> bool:
    """Whether If-None-Match names the ETag (RFC 9110, 13.1.2: compared weakly)."""
    named = [name.strip().removeprefix("W/") for name in header.split(",")]
    return etag in named or "*" in named


# --- one record


@routes.add(
    Operation(
        "GET",
        "/{kind}/{source}/{localId:path}",
        "record",
        "Reading",
        "One record",
        "レコードを読む",
        "The record at its own address, in the form that `Accept` asks for: a page, JSON, or linked data. A record that was "
        "merged into another answers 308 to it.",
        {
            200: Answer(
                "The record.",
                ANSWERED_FORMS,
                RECORD_EXAMPLE,
                {
                    "ETag": "The revision and the representation.",
                    "Link": "The other forms, and where else to go on (FAIR signposting).",
                },
            ),
            304: Answer("It is the one you have (`If-None-Match`)."),
            308: Answer(
                "It was merged into another, or its address is written otherwise.", (), None, {"Location": "Where."}
            ),
        },
        (400, 404, 406, 410),
        (
            *RECORD_PATH,
            Parameter("revision", "A former revision.", {"type": "integer", "minimum": 1}, example=1),
            Parameter(
                "asOf",
                "As it was at a time (EDTF or ISO 8601); for writers of its scope, or at a position of the ledger.",
                example="2026-05-10",
            ),
            FORMAT,
        ),
    )
)
async def record(request: Request) -> Response:
    """One record, in the form asked for."""
    site, said = site_of(request), asked(request)
    id = asked_id(request)
    reader = site.reader(request)
    form = form_for(request, ANSWERED_FORMS)
    revision, as_of = said.get("revision"), said.get("asOf")
    if revision is not None and as_of is not None:
        raise Malformed("revision and asOf can't both be asked for.", ja="revision と asOf は同時に指定できません。")
    past = revision is not None or as_of is not None
    if form not in (JSON, HTML) and past:
        # Only the current linked form is kept; a former one would need the rules of its time.
        raise Malformed("Former revisions are told as a page or JSON.", ja="過去の版はページか JSON でのみ読めます。")
    language = language_for(request)

    def made() -> tuple[Shown | Moved, bytes, str]:
        """What was found, how it is written, and the links that go with it."""
        selection = {JSON: TOLD, HTML: PAGED}.get(form, LINKED)
        found = show(id, reader, answers=site.catalog.answers, selection=selection, revision=revision, as_of=as_of)
        if isinstance(found, Moved):
            return found, b"", ""
        if form is JSON:
            told = _json_told(found, language)
            cited_as = None if past else cited_in(told, found)
            return found, told, header(of_form(id, site.root, RECORD_FORMS, form, cited_as))
        # A draft or a quarantined record may break its kind, and what breaks it has no meaning in a graph.
        linked = found.document.get("linked")
        if form is HTML:
            makers = _makers(site, linked, reader)
            posts = of_page(id, site.root, RECORD_FORMS, linked, makers, files=_has_files(found))
            return found, record_page(request, site, found, reader, language, past, makers).encode(), header(posts)
        if linked is None:
            raise NotAcceptable((JSON.media_type, HTML.media_type))
        if form is LINKSET:
            makers = _makers(site, linked, reader)
            told = whole(id, site.catalog.base, RECORD_FORMS, linked, makers, files=_has_files(found))
            return found, told, ""
        links = header(of_form(id, site.root, RECORD_FORMS, form, citable(linked)))
        entry = registration_of(found, reader, answers=site.catalog.answers)
        files = found.document.get("files") or {}
        return found, record_as(form, site.catalog.kinds, linked, files, entry, site.catalog.base), links

    found, body, links = await (site.quickly(made) if form is JSON and not past else site.in_thread(made))
    # Prefixes come in any order, so the tag is made of what was written down.
    same_as = found.text.encode() if form in FORMS and isinstance(found, Shown) else None
    if isinstance(found, Moved):
        raise Elsewhere("/" + found.to)
    headers = {"Link": links} if links else {}
    if form is HTML:
        headers["Content-Language"] = language
    if found.status != "public":
        headers["Cache-Control"] = "private, no-cache"
    return answered(request, reader, body, form, revision=found.revision, headers=headers, same_as=same_as)


PAGED: Final = replace(WHOLE, linked=True)


def _makers(site: Site, linked: Mapping[str, Any] | None, reader: Reader) -> Mapping[str, Mapping[str, Any]]:
    """The linked forms of those who made a record: their identifiers are told with it."""
    ids = [each for each in creators_of(linked or {}) if is_record_id(each)]
    return linked_of(ids, reader, answers=site.catalog.answers, kinds=("agent",)) if ids else {}


def _has_files(found: Shown) -> bool:
    return bool((found.document.get("files") or {}).get("count"))


# What a program gets: the record as it was written, the catalogue's own words about it, and findings for writers.
TOLD: Final = Selection(body=True, findings=True, files=True)


def _json_told(found: Shown, language: Language) -> bytes:
    if '"findings":[{' not in found.text:
        return found.text.encode()
    document = dict(found.document)
    document["findings"] = findings_in(document.get("findings") or (), language)
    return orjson.dumps(document)


def common_fields(kinds: Kinds) -> frozenset[str]:
    """The fields that every kind has."""
    return frozenset.intersection(*(frozenset(kind.field) for kind in kinds.values()))


def record_page(
    request: Request,
    site: Site,
    found: Shown,
    reader: Reader,
    language: Language,
    past: bool,
    makers: Mapping[str, Mapping[str, Any]],
) -> str:
    """A record as a page."""
    document = found.document
    kinds = site.catalog.kinds
    kind = kinds[document["kind"]]
    body = document.get("body") or {}
    links = document.get("links") or ()
    titles = {link["to"]: link.get("title") or {} for link in links}
    source = site.catalog.sources.find(document["source"])
    texts = body.get("title") if isinstance(body.get("title"), dict) else {}
    title, title_language = text_in(texts, language)
    incoming = [
        {
            **one,
            "label": label(field, language) if (field := kinds[one["kind"]].field.get(one["field"])) else one["field"],
        }
        for one in document.get("incoming") or ()
        if one["kind"] in kinds
    ]
    return rendered(
        request,
        site.pages,
        site.root,
        "record.html",
        record={"newest": None, "files": None, "at": None, **document},
        kind=kind,
        kinds=kinds,
        title=title or document["localId"],
        title_language=title_language if title else language,
        other_titles=[(tag, text) for tag, text in sorted((texts or {}).items()) if tag != title_language],
        laid=laid_out(
            kind,
            common_fields(kinds),
            body,
            Reading(language, site.root, titles, source.prefixes if source else {}),
        ),
        incoming=incoming,
        findings=findings_in(document.get("findings") or (), language),
        iri=site.catalog.base + found.id,
        forms=RECORD_FORMS,
        past=past and found.former,
        described=_described(site, found, language, titles, makers),
        hierarchy=_hierarchy(site, found, language),
        approval=_approval(site, found, reader),
        status_names={status: words[language == "ja"] for status, words in STATUSES.items()},
    )


def _approval(site: Site, found: Shown, reader: Reader) -> dict[str, Any] | None:
    """By whose approval the data of a record are given, where its kind says by which policies; None where they are open."""
    if "policies" not in site.catalog.kinds[found.document["kind"]].field or found.former:
        return None
    told = approval_of(found, reader, answers=site.catalog.answers, scopes=site.catalog.scopes)
    return None if told is None else {**told.document(), "waits": told.waits}


def _hierarchy(site: Site, found: Shown, language: Language) -> dict[str, list[dict[str, str]]] | None:
    """Of a term the terms above it, the nearest last, and directly below it, as far as everyone may read them."""
    body = found.document.get("body") or {}
    iri = next((one["value"] for one in body.get("identifiers") or () if one["scheme"] == "iri"), None)
    if found.document["kind"] != "term" or iri is None:
        return None
    terms = site.catalog.terms
    above, below = terms.above([iri]).get(iri, ())[::-1], terms.just_below(iri)
    names = terms.names([*above, *below])

    def told(some: Sequence[str]) -> list[dict[str, str]]:
        labels = {
            of: {name.language or "und": name.text for name in names.get(of, ()) if name.preferred} for of in some
        }
        return [{"iri": of, "label": text_in(labels[of], language)[0] or of} for of in some]

    return {"term": [{"iri": iri, "label": iri}], "above": told(above), "below": told(below)}


def _described(
    site: Site,
    found: Shown,
    language: Language,
    titles: Mapping[str, Mapping[str, str]],
    makers: Mapping[str, Mapping[str, Any]],
) -> Markup | None:
    """What search engines read in the page, of a record that is public and as it is now."""
    document = found.document
    linked = document.get("linked")
    if linked is None or found.status != "public":
        return None
    kinds, source = site.catalog.kinds, site.catalog.sources.find(document["source"])
    kind_title = text_in(kinds[document["kind"]].titles, language)[0]
    around = Surroundings(site.catalog.base, language, titles, makers, source, kind_title, document.get("modified"))
    return as_data(schema_org(linked, around))


# --- many records


@routes.add(
    Operation(
        "GET",
        "/records",
        "records",
        "Reading",
        "Records that a filter chooses",
        "レコードを探す",
        "A page of records. Filters are named by fields of the kind (`kind=sample&title.prefix=Iron&derivedFrom=…`), dates "
        "overlap, quantities are compared in SI; docs/asking.md lists them. The cursor is stable while others write.",
        {200: Answer("The page.", (JSON, HTML), {"items": [RECORD_EXAMPLE], "next": None})},
        (400, 406, 422),
        (FORMAT, LIMIT, CURSOR, Parameter("kind", "The kind, or several divided by commas.", example="sample")),
        open_query=True,
    )
)
async def records(request: Request) -> Response:
    """A page of records."""
    site = site_of(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    said = [(name, value) for name, value in request.query_params.multi_items() if name not in ("lang", "format")]
    if form is HTML:
        # A form sends its empty fields too.
        return await _list_page(request, site, reader, [(name, value) for name, value in said if value != ""])
    body = await site.in_thread(lambda: _list_told(_listed(site, said, reader).text(), language_for(request)))
    return answered(request, reader, body, form)


def _list_told(text: str, language: Language) -> bytes:
    if '"findings":[{' not in text:
        return text.encode()
    document = orjson.loads(text)
    for item in document["items"]:
        if "findings" in item:
            item["findings"] = findings_in(item["findings"] or (), language)
    return orjson.dumps(document)


def _listed(site: Site, said: Sequence[tuple[str, str]], reader: Reader) -> Page:
    question = question_from(said, site.catalog.vocabulary)
    return find(question, reader, answers=site.catalog.answers)


SHOWN_IN_LISTS: Final = Selection(fields=("title",))
PAGE: Final = 50


async def _list_page(request: Request, site: Site, reader: Reader, said: Sequence[tuple[str, str]]) -> Response:
    chosen = dict(said)
    language = language_for(request)
    kinds = site.catalog.kinds

    def made() -> tuple[Page, Sequence[Any]]:
        question = question_from(said, site.catalog.vocabulary)
        first = question.first if "limit" in chosen else PAGE
        question = replace(question, selection=SHOWN_IN_LISTS, first=first, count="bounded")
        return find(question, reader, answers=site.catalog.answers), sources_of(site)

    found, sources = await site.in_thread(made)
    kind = kinds.get(chosen.get("kind", ""))
    # Titles are looked through in the language that they are shown in.
    titled = f"title.{language}.prefix"
    told = [
        *((name, value) for name, value in request.query_params.multi_items() if name != "cursor" and value),
        ("cursor", found.next),
    ]
    return page(
        request,
        site.pages,
        site.root,
        "records.html",
        heading=text_in(kind.titles, language)[0] if kind else ("レコード" if language == "ja" else "Records"),
        about=text_in(kind.descriptions, language)[0] if kind else "",
        kinds=kinds,
        sources=sources,
        chosen={
            "kind": chosen.get("kind", ""),
            "source": chosen.get("source", ""),
            "title": chosen.get(titled, "") or chosen.get("title.prefix", ""),
            "identifier": chosen.get("identifier", ""),
        },
        titled=titled,
        others=[
            (name, value)
            for name, value in said
            if name not in ("kind", "source", "title.prefix", titled, "identifier", "cursor", "limit")
        ],
        items=_rows(found.items),
        total=found.total,
        exact=found.total_is_exact,
        next=found.next,
        next_href=f"{site.root}records?{urlencode(told)}" if found.next else "",
        headers={"Cache-Control": cache_for(reader)},
    )


def _rows(items: str) -> list[dict[str, Any]]:
    return [{**item, "title": (item.get("fields") or {}).get("title") or {}} for item in orjson.loads(items)]


def recent(site: Site, reader: Reader) -> list[dict[str, Any]]:
    """The records that changed last, for the first page."""
    question = Question(order=(Order("modified", descending=True),), first=8, selection=SHOWN_IN_LISTS)
    return _rows(find(question, reader, answers=site.catalog.answers).items)


def sources_of(site: Site) -> Sequence[Any]:
    """The sources that are registered."""
    return list(site.catalog.sources.all())


# --- a record's history and links


@routes.add(
    Operation(
        "GET",
        "/revisions/{id:path}",
        "revisions",
        "Reading",
        "A record's history",
        "レコードの履歴",
        "The revisions that you may see, the newest first; or with `between=1,3` what changed from one to the other.",
        {200: Answer("The history, or the difference.", (JSON, HTML))},
        (400, 404, 406, 410),
        (
            ID_PATH,
            Parameter("between", "Two revisions, divided by a comma.", example="1,3"),
            LIMIT,
            CURSOR,
            FORMAT,
        ),
    )
)
async def revisions(request: Request) -> Response:
    """A record's history, or the difference of two revisions."""
    site, said = site_of(request), asked(request)
    id = asked_id(request, "revisions")
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    answers, language = site.catalog.answers, language_for(request)
    if "between" not in said:
        before = said.get("cursor")
        if before is not None and not re.fullmatch(r"[0-9]{1,9}", before):
            raise Malformed(
                "cursor: take `next` from the page before.", ja="cursor: 前のページの next を使ってください。"
            )
        told = await site.in_thread(
            history, id, reader, answers=answers, before=int(before) if before else None, limit=said["limit"]
        )
        items = [noted.document() for noted in told.revisions]
        events = [
            {
                "position": str(event.position),
                "verb": event.verb,
                "at": event.at,
                "by": event.by,
                "detail": dict(event.detail),
            }
            for event in told.events
        ]
        if form is HTML:
            shown = [{"quarantined": False, "expunged": None, "by": None, "agent": None, **item} for item in items]
            return page(
                request, site.pages, site.root, "revisions.html", id=id, revisions=shown, events=events,
                headers={"Cache-Control": "private, no-cache"},
            )  # fmt: skip
        document: dict[str, Any] = {"items": items, "next": str(told.next) if told.next is not None else None}
        if events:
            document["events"] = events
        return answered(request, reader, orjson.dumps(document), form)
    found = re.fullmatch(r"([0-9]{1,9}),([0-9]{1,9})", said["between"])
    if found is None:
        raise Malformed(
            "between: two revisions are needed, like 1,3.", ja="between: 1,3 のように2つの版を指定してください。"
        )
    first, second = int(found[1]), int(found[2])
    changed = await site.in_thread(difference, id, first, second, reader, answers=answers, kinds=site.catalog.kinds)
    document = changed.document()
    for group in document["groups"]:
        for step in group["changes"]:
            step["words"] = step["words"][language]
    if form is HTML:
        for group in document["groups"]:
            for step in group["changes"]:
                step["was"], step["now"] = _short(step.get("was")), _short(step.get("now"))
        return page(
            request, site.pages, site.root, "difference.html", id=id, before=first, after=second,
            groups=document["groups"], headers={"Cache-Control": "private, no-cache"},
        )  # fmt: skip
    return answered(request, reader, orjson.dumps(document), form, headers={"Content-Language": language})


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= 2000 else text[:2000] + " …"


@routes.add(
    Operation(
        "GET",
        "/links/{id:path}",
        "links",
        "Reading",
        "A record's links",
        "レコードのリンク",
        "Every link from the record with the title of its target, and how many come in, by field and kind, with the address "
        "of each list. What you may not see is not counted.",
        {200: Answer("The links.", (JSON,))},
        (404, 406, 410),
        (ID_PATH,),
    )
)
async def links(request: Request) -> Response:
    """A record's links, and how many come in."""
    site = site_of(request)
    asked(request)
    id = asked_id(request, "links")
    reader = site.reader(request)
    form = form_for(request, (JSON,))
    found = await site.in_thread(
        show, id, reader, answers=site.catalog.answers, selection=Selection(links=True, incoming=True)
    )
    if isinstance(found, Moved):
        raise Elsewhere("/links/" + found.to)
    incoming = [
        {
            **one,
            "records": f"{site.root}records?" + urlencode({"kind": one["kind"], f"link.{one['field']}": id}),
        }
        for one in found.document.get("incoming") or ()
    ]
    told = {
        "items": found.document.get("links") or [],
        "next": None,
        "incoming": incoming,
        "incomingComplete": found.document.get("incomingComplete", True),
    }
    return answered(request, reader, orjson.dumps(told), form, revision=found.revision)


@routes.add(
    Operation(
        "GET",
        "/identifiers/{scheme}/{value:path}",
        "identifier",
        "Reading",
        "From an identifier to the record",
        "識別子からレコードへ",
        "Sends on to the record that bears an identifier: `/identifiers/doi/10.1234/x`, `/identifiers/biosample/SAMD00000001`.",
        {
            303: Answer(
                "There it is; others that bear it too are in `Link`.", (), None, {"Location": "The record's address."}
            )
        },
        (400, 404),
        (
            Parameter("scheme", "The identifier's scheme.", place="path", example="doi"),
            Parameter("value", "Its value.", place="path", example="10.1234/x"),
        ),
    )
)
async def identifier(request: Request) -> Response:
    """The way from an identifier to the record that bears it."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    scheme, _, value = last_segment(request, "identifiers").partition("/")
    found = await site.in_thread(resolve, f"{scheme.lower()}:{value}", reader, answers=site.catalog.answers)
    headers = {"Location": site.root + found[0], "Cache-Control": cache_for(reader)}
    if len(found) > 1:
        headers["Link"] = ", ".join(f'<{site.root}{id}>; rel="related"' for id in found[1:])
    return Response(None, 303, headers)
