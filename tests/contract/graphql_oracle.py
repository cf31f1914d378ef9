"""GraphQL answered the plain way: a resolver for each field, over one record at a time, run by graphql-core on a copy of the schema.

It is slow and simple. What the compiled reads answer must be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
)

from catalog.discovery.history import history
from catalog.discovery.show import Moved, Shown, registration_of, show
from catalog.errors import Gone, Invalid, NotFound
from catalog.ledger.answer import Answers
from catalog.questions.check import check
from catalog.questions.cursor import read_cursor
from catalog.questions.question import And, Condition, OfRecord, Order, Question, Selection
from catalog.questions.reader import Reader
from catalog.records.dates import Date, understand_date
from catalog.records.kinds import Kinds
from catalog.records.quantities import SHIPPED, Unit, understand
from catalog.web.graphql.compile import recipe_of
from catalog.web.graphql.execute import Merged
from catalog.web.graphql.filters import Filters
from catalog.web.graphql.naming import pascal
from catalog.web.graphql.recipes import (
    AlongLinks,
    DrawnOf,
    EdgeOf,
    Entities,
    InBody,
    KeptOf,
    ListOf,
    OneOf,
    PageInfoOf,
    PageOf,
    Part,
    Recipe,
    SeveralOf,
)
from catalog.web.graphql.schema import _made as made_of
from catalog.web.graphql.types import types_of

WHOLE = Selection(body=True, links=True, findings=True, files=True)
# Stands where a cursor is told: what is in one is tried elsewhere, by going on from it.
A_CURSOR = "(a cursor)"
MOST = 1_000


@dataclass(frozen=True, eq=False)
class Asking:
    """Who asks, and of what; `places` says in what order records came to be known."""

    answers: Answers
    reader: Reader
    filters: Filters
    zones: Mapping[str, str]
    prefixes: Mapping[str, Mapping[str, str]]
    places: Mapping[str, int]
    linking: Mapping[str, Sequence[str]]

    def seen(self, ids: Collection[str], told: Mapping[str, Any]) -> list[str]:
        """Those of these records that links from or to this one may lead to."""
        return list(self.answers.readable(ids, self.reader)) if ids else []


class Unjudged(Exception):
    """The plain way does not know: a list leaves out what was merged into another, which links lead to."""


class Rec(dict[str, Any]):
    """A record as it was shown."""


@dataclass
class Page:
    """A page of a list."""

    edges: Sequence[Mapping[str, Any]]
    more: bool
    behind: bool
    total: int
    exact: bool = True
    key: Callable[[Mapping[str, Any]], Any] = field(default=lambda edge: edge)


@dataclass(frozen=True)
class Held:
    """Something in a body, with what it is read by."""

    value: Any
    zone: str
    prefixes: Mapping[str, str]
    unit: str | None = None


def plain_copy(kinds: Kinds) -> GraphQLSchema:
    """The schema again, with a plain resolver for every field that is compiled."""
    made = made_of(types_of(kinds))
    for type_ in made.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, definition in type_.fields.items():
                if (recipe := recipe_of(definition)) is not None:
                    definition.resolve = _resolver(recipe, name)
    return made


def _resolver(recipe: Recipe, name: str) -> Callable[..., Any]:
    match recipe:
        case OneOf(kinds):
            return lambda _, info, id, **given: _one(info.context, id, kinds, given.get("asOf"))
        case SeveralOf():
            return lambda _, info, ids: [_quiet(info.context, id) for id in ids]
        case Entities():
            return lambda _, info, representations: [_entity(info.context, each) for each in representations]
        case ListOf(kinds):
            return lambda _, info, **given: _list(info.context, kinds, given)
        case KeptOf(kept):
            return lambda record, info: record[kept]
        case InBody():
            return lambda source, info, **given: _in_body(source, info.context, recipe, given)
        case Part(part):
            return lambda source, info, **given: _part(source, info, part, given)
        case AlongLinks():
            return lambda record, info, **given: _along(record, info.context, recipe, given)
        case DrawnOf(what):
            return lambda record, info, **given: _drawn(record, info.context, what)
        case PageOf(part):
            return lambda page, info: _of_page(page, info, part)
        case PageInfoOf(part):
            return lambda page, info: _of_page_info(page, part)
        case EdgeOf(part):
            return lambda edge, info: _of_edge(edge, info.context, part)


# --- records


def _record(asking: Asking, found: Shown) -> Rec:
    document = found.document
    told = Rec(document)
    told["__typename"] = pascal(document["kind"])
    told["newest"] = document.get("newest", document["revision"])
    told["shown"] = found
    return told


def _show(asking: Asking, id: str) -> Rec | Moved:
    found = show(id, asking.reader, answers=asking.answers, selection=WHOLE)
    return found if isinstance(found, Moved) else _record(asking, found)


def _one(asking: Asking, id: str, kinds: tuple[str, ...], as_of: str | None) -> Rec | None:
    if kinds and id.partition("/")[0] not in kinds:
        return None
    if as_of is not None:
        raise AssertionError("former revisions are tried elsewhere")
    try:
        found = _show(asking, id)
    except NotFound:
        return None
    if isinstance(found, Moved):
        raise GraphQLError("merged", extensions={"code": "MOVED"}, original_error=Merged(found))
    return found


def _quiet(asking: Asking, id: str) -> Rec | None:
    try:
        found = _show(asking, id)
    except (NotFound, Gone):
        return None
    return None if isinstance(found, Moved) else found


def _entity(asking: Asking, told: Mapping[str, Any]) -> Rec | None:
    found = _quiet(asking, told["id"])
    return found if found is not None and found["__typename"] == told["__typename"] else None


def _list(asking: Asking, kinds: tuple[str, ...], given: Mapping[str, Any]) -> Page:
    of = kinds[0] if kinds else None
    order = asking.filters.orders_from(given.get("orderBy"), of)
    after = given.get("after")
    question = Question(
        kinds or tuple(given.get("kinds") or ()),
        asking.filters.condition_from(given.get("where"), of, asking.answers.vocabulary),
        tuple(dict.fromkeys(given.get("statuses") or ("public",))),
        order,
        given["first"],
        None if after is None else read_cursor(after, order),
        WHOLE,
        "bounded",
    )
    found = asking.answers.find(check(question, asking.answers.vocabulary), asking.reader)
    edges = []
    for item in found.items:
        document = orjson.loads(item.text)
        shown = Shown(item.at.id, item.text, document["status"], document["revision"], 0, "", False)
        edges.append({"to": item.at.id, "record": _record(asking, shown)})
    assert found.total is not None
    return Page(edges, found.more, after is not None, found.total, found.total_is_exact)


# --- links


def _along(record: Rec, asking: Asking, recipe: AlongLinks, given: Mapping[str, Any]) -> Page:
    words = asking.answers.vocabulary
    kinds, name = recipe.kinds, recipe.field
    if name is None:
        kinds, name = tuple(given.get("kinds") or ()), given.get("field")
        of = None
    else:
        ends = kinds if recipe.direction == "in" else words.kinds[record["kind"]].fields[name].kinds
        of = ends[0] if len(ends) == 1 else None
        kinds = ends
    order = asking.filters.orders_from(given.get("orderBy"), of)
    where = asking.filters.condition_from(given.get("where"), of, words)
    by_field = any(one.by not in ("id", "created", "modified", "order") for one in order)
    held = recipe.field is None or recipe.direction == "in" or where is not None or by_field
    kinds = kinds if held else ()
    role = given.get("role")
    # Who links here is known of the plain catalogue; what each tells of it is asked of that record itself.
    linking = [record["id"]] if recipe.direction == "out" else asking.linking.get(record["id"], ())
    edges: list[dict[str, Any]] = []
    for id in asking.seen(linking, record) if recipe.direction == "in" else linking:
        for link in _links_of(asking, id):
            other = link["to"] if recipe.direction == "out" else id
            if (recipe.direction == "in" and link["to"] != record["id"]) or name not in (None, link["field"]):
                continue
            if role not in (None, link.get("role")):
                continue
            edges.append({**link, "to": other, "record": None if ":" in other else other, "linking": id})
    ours = asking.seen({edge["record"] for edge in edges if edge["record"] is not None}, record)
    if kinds:
        ours = [id for id in ours if id.partition("/")[0] in kinds]
    ours = _held(asking, ours, kinds, where)
    outside = recipe.direction == "out" and where is None and not kinds_asked(recipe, given, by_field)
    edges = [edge for edge in edges if edge["record"] in ours or (edge["record"] is None and outside)]
    if order:
        values = _values(asking, ours, kinds, order)
        for edge in edges:
            edge["values"] = values.get(edge["record"], (None,) * len(order))
    edges.sort(key=lambda edge: _natural(edge, asking, recipe, name))
    for number, one in reversed(list(enumerate(order))):
        edges = _sorted(edges, number, one)
    after = given.get("after")
    assert after is None, "going on from a cursor is tried elsewhere"
    first = given["first"]
    if not 1 <= first <= MOST:
        raise Invalid("first")
    return Page(edges[:first], len(edges) > first, False, len(edges))


def kinds_asked(recipe: AlongLinks, given: Mapping[str, Any], by_field: bool) -> bool:
    """Whether only links to records of some kinds are asked for."""
    return bool(given.get("kinds")) if recipe.field is None else by_field


@cache
def _links_of(asking: Asking, id: str) -> tuple[Mapping[str, Any], ...]:
    # Not `show`: what was merged into another is led to, and told as it is.
    found = asking.answers.one(id, Selection(links=True), asking.reader)
    assert found is not None
    return tuple({**link, "place": place} for place, link in enumerate(orjson.loads(found.text)["links"]))


def _held(asking: Asking, ids: Sequence[str], kinds: tuple[str, ...], where: Condition | None) -> list[str]:
    """Those of these records for which the condition holds."""
    if where is None or not ids:
        return list(ids)
    asked = Question(kinds, And((OfRecord("id", "in", tuple(ids)), where)), first=MOST, selection=Selection())
    told = _items(asking, Question(kinds, OfRecord("id", "in", tuple(ids)), first=MOST, selection=Selection()))
    if set(told) != set(ids):
        raise Unjudged
    return list(_items(asking, asked))


def _values(
    asking: Asking, ids: Sequence[str], kinds: tuple[str, ...], order: tuple[Order, ...]
) -> dict[str, tuple[Any, ...]]:
    """What these records are put in order by."""
    if not ids:
        return {}
    asked = Question(kinds, OfRecord("id", "in", tuple(ids)), order=order, first=MOST, selection=Selection())
    told = _items(asking, asked)
    if set(told) != set(ids):
        raise Unjudged
    return told


def _items(asking: Asking, asked: Question) -> dict[str, tuple[Any, ...]]:
    found = asking.answers.find(check(asked, asking.answers.vocabulary), asking.reader)
    return {item.at.id: item.at.values for item in found.items}


def _natural(edge: Mapping[str, Any], asking: Asking, recipe: AlongLinks, name: str | None) -> tuple[Any, ...]:
    """As the record tells its links; those that come in as their records came to be known."""
    place = (edge["place"],) if recipe.direction == "out" else (asking.places[edge["linking"]], edge["place"])
    return place if name is not None else (edge["field"], *place)


def _sorted(edges: list[Any], number: int, order: Order) -> list[Any]:
    there = [edge for edge in edges if edge["values"][number] is not None]
    there.sort(key=lambda edge: edge["values"][number], reverse=order.descending)
    if order.descending:
        # What is alike stays in its order.
        there = [
            edge
            for value in dict.fromkeys(edge["values"][number] for edge in there)
            for edge in edges
            if edge["values"][number] == value
        ]
    return there + [edge for edge in edges if edge["values"][number] is None]


# --- pages


def _of_page(page: Page, info: GraphQLResolveInfo[Any], part: str) -> Any:
    match part:
        case "nodes":
            return [_node(info.context, edge) for edge in page.edges if edge["record"] is not None]
        case "edges":
            return page.edges
        case "totalCount":
            return page.total
        case "totalIsExact":
            return page.exact
    return page


def _of_page_info(page: Page, part: str) -> Any:
    match part:
        case "hasNextPage":
            return page.more
        case "hasPreviousPage":
            return page.behind
    return A_CURSOR if page.edges else None


def _node(asking: Asking, edge: Mapping[str, Any]) -> Rec | None:
    other = edge["record"]
    if other is None or isinstance(other, Rec):
        return other
    # What a link leads to may have been merged into another; it is told as what it is.
    found = asking.answers.one(other, WHOLE, asking.reader)
    assert found is not None
    return _record(
        asking, Shown(other, found.text, found.status, found.revision, found.newest, found.hash, found.inside)
    )


def _of_edge(edge: Mapping[str, Any], asking: Asking, part: str) -> Any:
    if part == "node":
        return _node(asking, edge)
    return A_CURSOR if part == "cursor" else edge.get(part)


# --- of bodies


def _in_body(source: Any, asking: Asking, recipe: InBody, given: Mapping[str, Any]) -> Any:
    if isinstance(source, Rec):
        whence = source["source"]
        held = Held(source["body"], asking.zones.get(whence, "UTC"), asking.prefixes.get(whence, {}))
    elif isinstance(source, Held):
        held = source
    else:
        held = Held(source, "UTC", {})
    unit = given.get("in") or held.unit
    value = held.value.get(recipe.name) if isinstance(held.value, dict) else None
    if value is None:
        return None

    def one(each: Any) -> Any:
        match recipe.form:
            case "text":
                return _text(each, given.get("language"))
            case "plain" | "json":
                return each
            case "quantity":
                return _quantity(Held(each, held.zone, held.prefixes, unit))
            case "links":
                return Held({"to": each} if isinstance(each, str) else each, held.zone, held.prefixes)
        return Held(each, held.zone, held.prefixes, unit)

    if recipe.named:
        return next((one(each) for each in value if each.get("name") == given["name"]), None)
    if recipe.form == "texts":
        told = _text(value, given.get("language"))
        return [told] if isinstance(told, str) else told
    return [one(each) for each in value] if recipe.many else one(value)


def _text(texts: Any, language: str | None) -> Any:
    ways = [language, *(("ja", "en") if language == "ja" else ("en", "ja")), *sorted(texts)]
    return next((texts[way] for way in ways if way in texts), None)


def _quantity(held: Held) -> Held | None:
    if held.unit is None:
        return held
    unit, wanted = understand(held.value["unit"]), understand(held.unit)
    assert isinstance(wanted, Unit)
    if not isinstance(unit, Unit) or unit.dimensions != wanted.dimensions:
        return None
    return held


def _part(held: Held, info: GraphQLResolveInfo[Any], part: str, given: Mapping[str, Any]) -> Any:
    of = get_named_type(info.parent_type).name
    value = held.value
    if "Date" in of:
        date = understand_date(value, held.zone)
        assert isinstance(date, Date)
        return {"text": value, "from": date.from_, "until": date.until, "missing": date.missing}[part]
    if "Term" in of:
        return _of_term(held, part, given)
    unit = understand(value["unit"])
    if part == "note":
        return value.get("note")
    if part in ("kind", "siUnit", "si", "siMin", "siMax"):
        if not isinstance(unit, Unit):
            return None
        if part == "kind":
            return unit.kind
        if part == "siUnit":
            known = SHIPPED.si_unit(unit.kinds[0])
            return known and known.typed
        number = value.get("value", {"siMin": value.get("min"), "siMax": value.get("max")}.get(part))
        return None if number is None else (number + unit.offset) * unit.factor
    if part == "unit":
        return held.unit or value["unit"]
    number = value.get(part)
    if number is None or held.unit is None:
        return number
    wanted = understand(held.unit)
    assert isinstance(unit, Unit)
    assert isinstance(wanted, Unit)
    if part == "uncertainty":
        return number * unit.factor / wanted.factor
    return (number + unit.offset) * unit.factor / wanted.factor - wanted.offset


def _of_term(held: Held, part: str, given: Mapping[str, Any]) -> Any:
    if isinstance(held.value, str):
        return held.value if part == "text" else None
    prefix, _, rest = held.value["term"].partition(":")
    match part:
        case "term":
            return held.prefixes[prefix] + rest if prefix in held.prefixes else held.value["term"]
        case "label":
            return _text(held.value["label"], given.get("language")) if "label" in held.value else None
    return None


# --- beside bodies


def _drawn(record: Rec, asking: Asking, what: str) -> Any:
    answers, reader = asking.answers, asking.reader
    match what:
        case "submitted":
            return record["body"]
        case "findings":
            return record.get("findings")
        case "scope":
            steps = record["scope"].split("/")
            path = ["/".join(steps[: number + 1]) for number in range(len(steps))]
            return {"id": record["scope"], "path": [{"id": step} for step in path]}
        case "entry":
            entry = registration_of(record["shown"], reader, answers=answers)
            assert entry is not None
            noted = [one for one in history(record["id"], reader, answers=answers).revisions if one.shown]
            return {
                "number": record["revision"],
                "at": entry.entered,
                "load": entry.load,
                "agent": entry.agent,
                "by": noted[0].by if noted else None,
            }
    raise AssertionError(f"{what} is tried elsewhere")
