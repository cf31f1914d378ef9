"""A record as it was shown at a time: its members by the same writers, its outgoing links as they were told then.

What else there is of a time before is not kept: lists and what linked here then are refused in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, get_named_type

from catalog.discovery.show import Shown, registration_of, show
from catalog.discovery.telling import checked, prepared, tell
from catalog.errors import Invalid, NotFound
from catalog.questions.cursor import read_cursor, write_cursor
from catalog.questions.question import After
from catalog.questions.telling import ByIds
from catalog.web.graphql.compile import Making, Selected, first_of
from catalog.web.graphql.context import Context
from catalog.web.graphql.drawn import documents_for, drawer, held_page
from catalog.web.graphql.fill import documents_of, writer
from catalog.web.graphql.recipes import AlongLinks, DrawnOf, EdgeOf, InBody, KeptOf, PageInfoOf, PageOf


@dataclass(frozen=True, slots=True)
class _Link:
    """A list of links of a former revision, while the records at their ends are still to be told."""

    of: GraphQLObjectType
    details: Selected
    told: Sequence[tuple[int, Mapping[str, Any]]]  # each with its place among all of them
    start: int
    total: int
    more: bool


def tell_former(
    making: Making, definition: GraphQLField, details: Selected, kinds: tuple[str, ...], context: Context
) -> str:
    """The JSON text of a record as it was shown at a time or a position; null if there was none for this reader."""
    given = making.arguments(definition, details)
    id = str(given["id"])
    if kinds and id.partition("/")[0] not in kinds:
        return "null"
    try:
        found = show(id, context.reader, answers=context.catalog.answers, as_of=given["asOf"])
    except NotFound:
        return "null"
    assert isinstance(found, Shown), "what was merged is shown as it was"
    return _Former(making, found, context).record(definition.type, details)


class _Former:
    def __init__(self, making: Making, found: Shown, context: Context) -> None:
        self.making = making
        self.found = found
        self.document = found.document
        self.context = context

    @property
    def _key(self) -> bytes:
        return self.context.catalog.cursor_key

    def record(self, type_: GraphQLOutputType, details: Selected) -> str:
        words = self.making.words
        of = get_named_type(type_)
        if not isinstance(of, GraphQLObjectType):
            of = words.type_named(self.document["kind"])
        parts: list[str] = []
        links: dict[int, _Link] = {}
        for key, inner in self.making.collected(of, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                parts.append(f'"{key}":"{of.name}"')
                continue
            definition = of.fields[name]
            match words.recipe(of.name, name):
                case KeptOf(kept):
                    told = self.document.get("revision" if kept == "newest" else kept)
                    parts.append(f'"{key}":{_json(told)}')
                case InBody() as recipe:
                    pieces = (self.making.piece(key, recipe, definition, inner),)
                    told = {"body": self.document["body"], "source": self.document["source"]}
                    read = told if len(documents_of(pieces)) > 1 else told["body"]
                    parts.append(writer(pieces, words.origin)(read, self.document["kind"]))
                case DrawnOf() as recipe:
                    parts.append(self._drawn(key, recipe, definition, inner))
                case AlongLinks() as recipe:
                    links[len(parts)] = self._links(recipe, definition, inner)
                    parts.append(key)
                case other:
                    raise AssertionError(f"{of.name}.{name} has no recipe of a record: {other}")
        for place, text in self._told(links).items():
            parts[place] = f'"{parts[place]}":{text}'
        return "{" + ",".join(parts) + "}"

    def _drawn(self, key: str, recipe: DrawnOf, definition: GraphQLField, details: Selected) -> str:
        if recipe.what in ("turtle", "jsonLd"):
            raise Invalid(
                f"{recipe.what}: of a former revision no RDF is kept; ask for `submitted`",
                ja=f"{recipe.what}: 過去の版のRDFは保存されていません。submitted を使ってください",
            )
        of = get_named_type(definition.type)
        pieces = self.making.pieces(of, details) if isinstance(of, GraphQLObjectType) else ()
        page = held_page(self.making.arguments(definition, details)) if definition.args else None
        catalog, reader = self.context.catalog, self.context.reader
        (document,) = documents_for(recipe)
        return drawer(key, recipe, pieces, page)(catalog, reader)(self._document(document), self.document["kind"])

    def _document(self, name: str) -> Any:
        match name:
            case "id":
                return self.found.id
            case "body":
                return self.document["body"]
            case "findings":
                return self.document.get("findings")
            case "scope":
                return self._scope()
            case "entry":
                return self._entry()
        raise AssertionError(f"{name} is not told of former revisions")

    def _scope(self) -> dict[str, Any]:
        id = self.document["scope"]
        steps = id.split("/")
        try:
            title: Any = self.context.catalog.scopes.find(id, self.context.reader).title
        except NotFound:
            title = None
        return {"id": id, "title": title, "path": ["/".join(steps[: at + 1]) for at in range(len(steps))]}

    def _entry(self) -> dict[str, Any]:
        entry = registration_of(self.found, self.context.reader, answers=self.context.catalog.answers)
        told = {"number": self.found.revision, "at": self.document["at"], "by": self.document.get("by")}
        return told if entry is None else {**told, "load": entry.load, "agent": entry.agent}

    # --- links

    def _links(self, recipe: AlongLinks, definition: GraphQLField, details: Selected) -> _Link:
        if recipe.direction == "in":
            raise Invalid(
                "asOf: what linked to a record is known of now alone; ask without asOf",
                ja="asOf: このレコードを指すリンクは現在のものだけが分かります。asOf なしで取得してください",
            )
        given = self.making.arguments(definition, details)
        for name in ("where", "orderBy", "kinds"):
            if given.get(name):
                raise Invalid(
                    f"{name}: links of a former revision are told as they stood, all of a field or of a role",
                    ja=f"{name}: 過去の版のリンクは項目か役割ごとにそのまま取得できます",
                )
        field = recipe.field or given.get("field")
        # Those that nobody is led along are told by `submitted`, to who may read it there.
        led = [
            link
            for link in self.document["links"]
            if ("kind" in link or ":" in link["to"])
            and field in (None, link["field"])
            and given.get("role") in (None, link.get("role"))
        ]
        start = 0
        if (after := given.get("after")) is not None:
            start = _start(read_cursor(after, (), self._key))
        first = first_of(given)
        page = list(enumerate(led))[start : start + first]
        of = cast("GraphQLObjectType", get_named_type(definition.type))
        return _Link(of, details, page, start, len(led), len(led) > start + first)

    def _told(self, links: Mapping[int, _Link]) -> dict[int, str]:
        """The lists, with the records at their ends from one statement."""
        making, words = self.making, self.making.words
        asked: list[ByIds] = []
        for link in links.values():
            ids = tuple(dict.fromkeys(each["to"] for _, each in link.told if ":" not in each["to"]))
            asked += [ByIds(making.record(details, type_), (), ids) for details, type_ in self._nodes(link)]
        lifted = prepared([checked(one, words.vocabulary) for one in asked])
        catalog, reader = self.context.catalog, self.context.reader
        texts = tell(
            lifted,
            lifted.values,
            reader,
            answers=catalog.answers,
            fillers=[make(catalog, reader) for make in making.fillers],
            deadline_seconds=self.context.deadline_seconds,
        )
        records = [dict(zip(one.ids, orjson.loads(text), strict=True)) for one, text in zip(asked, texts, strict=True)]
        told = iter(records)
        return {place: self._page(link, told) for place, link in links.items()}

    def _nodes(self, link: _Link) -> list[tuple[Selected, GraphQLOutputType]]:
        """The places in a list where records are told, in the order in which `_page` comes to them."""
        found: list[tuple[Selected, GraphQLOutputType]] = []
        for inner in self.making.collected(link.of, link.details).values():
            name = inner[0].node.name.value
            if name == "nodes":
                found.append((inner, link.of.fields[name].type))
            elif name == "edges":
                edge = cast("GraphQLObjectType", get_named_type(link.of.fields[name].type))
                found += [
                    (deeper, edge.fields["node"].type)
                    for deeper in self.making.collected(edge, inner).values()
                    if deeper[0].node.name.value == "node"
                ]
        return found

    def _page(self, link: _Link, records: Any) -> str:
        made: dict[str, Any] = {}
        for key, inner in self.making.collected(link.of, link.details).items():
            name = inner[0].node.name.value
            recipe = self.making.words.recipe(link.of.name, name)
            if not isinstance(recipe, PageOf):
                made[key] = link.of.name
                continue
            match recipe.part:
                case "nodes":
                    known = next(records)
                    nodes = [known.get(each["to"]) for _, each in link.told]
                    made[key] = [node for node in nodes if node is not None]
                case "edges":
                    made[key] = self._edges(link, inner, records)
                case "pageInfo":
                    made[key] = self._page_info(link, inner)
                case "totalCount":
                    made[key] = link.total
                case "totalIsExact":
                    made[key] = True
        return _json(made)

    def _edges(self, link: _Link, details: Selected, records: Any) -> list[dict[str, Any]]:
        of = cast("GraphQLObjectType", get_named_type(link.of.fields["edges"].type))
        edges: list[dict[str, Any]] = [{} for _ in link.told]
        for key, inner in self.making.collected(of, details).items():
            name = inner[0].node.name.value
            recipe = self.making.words.recipe(of.name, name)
            known = next(records) if name == "node" else {}
            for edge, (place, told) in zip(edges, link.told, strict=True):
                if not isinstance(recipe, EdgeOf):
                    edge[key] = of.name
                elif recipe.part == "node":
                    edge[key] = known.get(told["to"])
                elif recipe.part == "cursor":
                    edge[key] = _cursor(place, told, self._key)
                else:
                    edge[key] = told.get(recipe.part)
        return edges

    def _page_info(self, link: _Link, details: Selected) -> dict[str, Any]:
        of = cast("GraphQLObjectType", get_named_type(link.of.fields["pageInfo"].type))
        made: dict[str, Any] = {}
        for key, inner in self.making.collected(of, details).items():
            recipe = self.making.words.recipe(of.name, inner[0].node.name.value)
            match recipe:
                case PageInfoOf("hasNextPage"):
                    made[key] = link.more
                case PageInfoOf("hasPreviousPage"):
                    made[key] = link.start > 0
                case PageInfoOf("startCursor"):
                    made[key] = _cursor(*link.told[0], self._key) if link.told else None
                case PageInfoOf("endCursor"):
                    made[key] = _cursor(*link.told[-1], self._key) if link.told else None
                case _:
                    made[key] = of.name
        return made


def _cursor(place: int, told: Mapping[str, Any], key: bytes) -> str:
    return write_cursor(After((), _json([told["field"], place, told["to"]])), (), key)


def _start(after: After) -> int:
    """The place behind the one that a cursor names."""
    try:
        _, place, _ = orjson.loads(after.id)
        return int(place) + 1
    except (ValueError, TypeError) as cause:
        raise Invalid("cursor: it belongs to another list", ja="cursor: 別の一覧のカーソルです") from cause


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
