"""What is told of a record from other documents than its body: where it lies, how it was entered, what was found, RDF, files.

Most is written from the document alone. What depends on who asks beyond what the document was cut for is made for each
request (`ForReader`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.assembly import Catalog
from catalog.discovery.files import FilePage, files_of_each
from catalog.discovery.history import Noted, revisions_of_each
from catalog.errors import Invalid
from catalog.questions.question import MOST_ITEMS
from catalog.questions.reader import Reader
from catalog.questions.telling import Document, Together
from catalog.records.registration import Registration
from catalog.web.graphql.fill import Filler, ObjectOf, Piece, whole_writer
from catalog.web.graphql.recipes import DrawnOf
from catalog.web.negotiation import JSON_LD, TURTLE
from catalog.web.rdf import record_as

# Made once for each request: what it writes depends on who asks.
ForReader = Callable[[Catalog, Reader], Filler]
_DOCUMENTS: Final[Mapping[str, tuple[Document, ...]]] = {
    "scope": ("scope",),
    "submitted": ("body",),
    "turtle": ("linked", "files", "entry"),
    "jsonLd": ("linked", "files", "entry"),
    "findings": ("findings",),
    "entry": ("entry",),
    "myRights": ("scope",),
    "files": ("id",),
    "revisions": ("id",),
}


@dataclass(frozen=True, slots=True)
class Page:
    """How much of a list beside a record, and from where on."""

    first: int
    after: str | None


def documents_for(of: DrawnOf) -> tuple[Document, ...]:
    """The documents that it is written from."""
    return _DOCUMENTS[of.what]


def drawer(key: str, of: DrawnOf, pieces: tuple[Piece, ...], page: Page | None) -> ForReader:
    """Writes one member."""
    name = orjson.dumps(key).decode() + ":"
    match of.what:
        case "scope":
            return lambda catalog, reader: _scope(name, pieces, catalog, reader)
        case "entry":
            write = whole_writer(pieces)
            return lambda catalog, reader: lambda told, kind: name + _json(write(told))
        case "findings":
            each = whole_writer(pieces)
            return lambda catalog, reader: (
                lambda told, kind: name + _json(None if told is None else [each(one) for one in told])
            )
        case "submitted":
            return lambda catalog, reader: lambda told, kind: name + _json(told)
        case "turtle":
            return lambda catalog, reader: lambda told, kind: name + _json(_rdf(told, catalog, TURTLE))
        case "jsonLd":
            return lambda catalog, reader: lambda told, kind: name + (_rdf(told, catalog, JSON_LD) or "null")
        case "myRights":
            return lambda catalog, reader: _rights(name, catalog, reader)
        case "files":
            return lambda catalog, reader: _files(name, whole_writer(pieces), page or Page(20, None), catalog, reader)
        case "revisions":
            return lambda catalog, reader: _revisions(
                name, whole_writer(pieces), page or Page(20, None), catalog, reader
            )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _rdf(told: Mapping[str, Any], catalog: Catalog, form: Any) -> str | None:
    linked = told["linked"]
    if linked is None:
        return None
    id = linked["id"]
    entry = told["entry"]
    registration = (
        None
        if entry is None
        else Registration(id, id.split("/")[1], entry["at"], entry.get("load"), entry.get("agent"))
    )
    return record_as(form, catalog.kinds, linked, told["files"] or {}, registration, catalog.base).decode()


def _scope(name: str, pieces: tuple[Piece, ...], catalog: Catalog, reader: Reader) -> Filler:
    write = whole_writer(pieces)
    titled = any(
        inner.name == "title" for piece in pieces if isinstance(piece.how, ObjectOf) for inner in piece.how.pieces
    )

    def all_of(told: Sequence[tuple[Any, str]]) -> list[str]:
        scopes = {scope["id"]: scope for scope, _ in told}
        steps = {step for scope in scopes.values() for step in scope["path"]}
        # That the way leads through it is seen in the id; what it is called is for those who have a right there.
        found = catalog.scopes.found(steps, reader) if titled else {}
        path = {id: {"id": id, "title": found[id].title} if id in found else {"id": id} for id in steps}
        texts = {
            id: name + _json(write({**scope, "path": [path[step] for step in scope["path"]]}))
            for id, scope in scopes.items()
        }
        return [texts[scope["id"]] for scope, _ in told]

    return Together(all_of)


def _rights(name: str, catalog: Catalog, reader: Reader) -> Filler:
    def all_of(told: Sequence[tuple[Any, str]]) -> list[str]:
        found = catalog.scopes.found({scope["id"] for scope, _ in told}, reader)
        texts = {id: name + _json(catalog.scopes.may(scope, reader)) for id, scope in found.items()}
        # None: closed in the moment since it was read.
        return [texts.get(scope["id"], name + "[]") for scope, _ in told]

    return Together(all_of)


def _files(name: str, write: Callable[[Any], Any], page: Page, catalog: Catalog, reader: Reader) -> Filler:
    def all_of(told: Sequence[tuple[Any, str]]) -> list[str]:
        pages = files_of_each(
            (id for id, _ in told),
            reader,
            answers=catalog.answers,
            scopes=catalog.scopes,
            after=page.after,
            limit=page.first,
        )
        return [name + ("null" if (found := pages.get(id)) is None else written(found)) for id, _ in told]

    def written(found: FilePage) -> str:
        info = {
            "hasNextPage": found.next is not None,
            "hasPreviousPage": page.after is not None,
            "startCursor": found.items[0]["path"] if found.items else None,
            "endCursor": found.items[-1]["path"] if found.items else None,
        }
        return _json(write({"nodes": list(found.items), "pageInfo": info, "totalCount": found.count}))

    return Together(all_of)


def _revisions(name: str, write: Callable[[Any], Any], page: Page, catalog: Catalog, reader: Reader) -> Filler:
    before = None
    if page.after is not None:
        if not page.after.isdecimal() or len(page.after) > 9:
            raise Invalid(
                "after: this is not a cursor of a list of revisions", ja="after: 版の一覧のカーソルではありません"
            )
        before = int(page.after)

    def all_of(told: Sequence[tuple[Any, str]]) -> list[str]:
        pages = revisions_of_each(
            (id for id, _ in told), reader, answers=catalog.answers, before=before, limit=page.first
        )
        return [name + (written(*pages[id]) if id in pages else "null") for id, _ in told]

    def written(revisions: Sequence[Noted], following: int | None) -> str:
        nodes = [{**each.document(), "number": each.number, "quarantined": each.quarantined} for each in revisions]
        info = {
            "hasNextPage": following is not None,
            "hasPreviousPage": before is not None,
            "startCursor": str(revisions[0].number) if revisions else None,
            "endCursor": str(following) if following is not None else str(revisions[-1].number) if revisions else None,
        }
        return _json(write({"nodes": nodes, "pageInfo": info, "totalCount": None}))

    return Together(all_of)


def held_page(given: Mapping[str, Any]) -> Page:
    """The page that the arguments ask for, or Invalid."""
    first = int(given.get("first") or 20)
    if not 1 <= first <= MOST_ITEMS:
        raise Invalid(
            f"first: {first} is not between 1 and {MOST_ITEMS}", ja=f"first: 1から{MOST_ITEMS}の範囲で指定してください"
        )
    return Page(first, given.get("after"))
