"""What compiled reads answer is what plain resolvers answer, whatever is asked, by whomever, on either database.

CI tries GRAPHQL_QUERIES queries, 300 unless it says otherwise; a fifth of them on PostgreSQL, where each takes longer.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    execute_sync,
    get_named_type,
    get_nullable_type,
    parse,
    print_ast,
    validate,
    value_from_ast_untyped,
    visit,
)
from hypothesis import HealthCheck, Phase, given, note, reject, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries
from sqlalchemy import text

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.ledger.answer import Answers
from catalog.ledger.sources import Sources
from catalog.questions.reader import Reader
from catalog.records.kinds import Kinds
from catalog.records.linked import link_up
from catalog.records.record import Source
from catalog.store.engine import Store
from catalog.web.graphql.compile import recipe_of, types_behind
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document, Documents
from catalog.web.graphql.execute import execute
from catalog.web.graphql.failures import told
from catalog.web.graphql.recipes import AlongLinks, ListOf, OneOf, SeveralOf
from catalog.web.graphql.schema import schema_of
from tests.contract.graphql_oracle import A_CURSOR, Asking, Unjudged, plain_copy
from tests.contract.ledgers import migrated
from tests.contract.small_catalogue import NOW, Plain, Small, fill, known_words, small
from tests.contract.test_answers import READERS, _database

QUERIES = int(os.environ.get("GRAPHQL_QUERIES", "300"))
ZONES = {"ddbj": "UTC", "spring8": "Asia/Tokyo"}
PREFIXES = {"ddbj": {"ex": "http://example.org/terms/"}, "spring8": {"panet": "http://purl.org/pan-science/PaNET/"}}
# What the plain resolvers do not tell is tried in test_graphql_records.py.
ELSEWHERE = ("turtle", "jsonLd", "files", "revisions", "myRights")


@dataclass(repr=False)
class Filled:
    """A small catalogue behind both ways of answering."""

    plain: Small
    catalog: Any
    schema: GraphQLSchema
    copy: GraphQLSchema
    documents: Documents

    def compiled(self, document: Document, reader: Reader, **variables: Any) -> dict[str, Any]:
        """What the service answers."""
        context = Context(SimpleNamespace(catalog=self.catalog), SimpleNamespace(reader=reader))  # type: ignore[arg-type]
        executed = execute(self.schema, document, document.operation(None), variables, context)
        answer: dict[str, Any] = orjson.loads(executed.body)
        return answer

    def plainly(self, document: Document, reader: Reader) -> dict[str, Any]:
        """What plain resolvers answer."""
        places = {record.id: number for number, record in enumerate(self.plain.records)}
        filters = types_behind(self.schema).filters
        linking: dict[str, list[str]] = {}
        for record in self.plain.records:
            for to in dict.fromkeys(link.to for link in record.links):
                linking.setdefault(to, []).append(record.id)
        asking = Asking(self.catalog.answers, reader, filters, ZONES, PREFIXES, places, linking)
        result = execute_sync(self.copy, document.ast, context_value=asking)
        for error in result.errors or ():
            if isinstance(error.original_error, Unjudged):
                raise error.original_error
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [told(each, "en") for each in result.errors]
        return answer


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The catalogue in SQLite, made once for all of these tests, which only read."""
    yield from _filled(f"sqlite:///{tmp_path_factory.mktemp('graphql') / 'catalogue.db'}")


@pytest.fixture(scope="module")
def filled_in_postgresql(postgresql_server: str) -> Iterator[Filled]:
    """The same in PostgreSQL."""
    made = _database(postgresql_server)
    yield from _filled(next(made))
    next(made, None)


def _filled(address: str) -> Iterator[Filled]:
    store = migrated(address)
    kinds, words = known_words()
    plain = small()
    plain = replace(plain, records=tuple(_fuller(number, record) for number, record in enumerate(plain.records)))
    fill(store, plain, kinds)
    sources = Sources(store)
    for source, zone in ZONES.items():
        sources.register(Source(source, 1, {"en": source}, source, PREFIXES[source], zone), by="test")
    _mirror(store, kinds, plain)
    sight = Sight(store.database.name)
    answers = Answers(store, words, sight, clock=lambda: NOW)
    catalog = SimpleNamespace(
        kinds=kinds,
        vocabulary=words,
        answers=answers,
        sources=sources,
        scopes=Scopes(store, clock=lambda: NOW),
        base="https://catalogue.example/",
        cursor_key=bytes(32),
    )
    schema = schema_of(kinds)
    yield Filled(plain, catalog, schema, plain_copy(kinds), Documents(schema, {}))
    store.close()


def _fuller(number: int, record: Plain) -> Plain:
    """The record, with a body in which something of every form stands."""
    chance = random.Random(number)
    body = dict(record.body)
    body["createdAt"] = chance.choice(["2026-05", "2026-05-10T07:43:00", "2026/2027", "2026-05-10T07:43:00+09:00"])
    prefix = "ex" if record.source == "ddbj" else "panet"
    if number % 2:
        body["attributes"] = [
            {"name": "energy", "quantity": {"value": 7.5, "unit": "keV", "uncertainty": 0.1}},
            {"name": "temperature", "quantity": {"min": 20, "max": 30.5, "unit": "°C", "note": "outside"}},
            {"name": "thickness", "quantity": {"min": 5, "unit": "no such unit"}},
            {"name": "coating", "value": chance.choice(["Rh", 3, 2.5, True]), "term": {"term": f"{prefix}:a1"}},
            {"name": "coating", "value": "second", "valueTerms": [{"term": "http://t/1", "label": {"ja": "葉"}}]},
        ]
        body["keywords"] = ["leaf", {"term": f"{prefix}:k", "label": {"de": "Blatt", "ja": "葉"}}]
        body["description"] = chance.choice([{"ja": "説明"}, {"en": "Words", "de": "Worte"}, {"de": "Worte"}])
    if record.kind == "experiment":
        body["conditions"] = [{"name": "energy", "quantity": {"min": 7.6, "max": 8.4, "unit": "keV"}}]
        body["startedAt"] = "2026-05-10T07:43:00"
        body["type"] = "measurement"
    if record.kind == "sample":
        body["amount"] = {"value": chance.choice([1, 2.5]), "unit": chance.choice(["g", "mL"])}
        body["organism"] = {"taxId": 9606, "name": "Homo sapiens"}
        body["elements"] = ["Li", "Co"]
    if record.kind == "dataset":
        body["type"] = chance.choice(["raw", "derived"])
        body["latest"] = chance.choice([True, False])
        body["funding"] = [{"funder": {"en": "JSPS"}, "number": "1"}]
        body["details"] = {"as": ["it", {"was": None}]}
    return replace(record, body=body)


def _mirror(store: Store, kinds: Kinds, plain: Small) -> None:
    """Let the mirror have what the bodies say."""
    with store.write() as connection:
        for record in plain.records:
            if record.status == "quarantined":
                continue
            columns = link_up(
                kinds[record.kind], record.id, record.body, PREFIXES[record.source], ZONES[record.source]
            ).columns
            table = connection.scalar(text('SELECT "table" FROM mirror WHERE kind = :kind'), {"kind": record.kind})
            key = connection.scalar(text("SELECT key FROM node WHERE id = :id"), {"id": record.id})
            told = ", ".join(f'"{name}" = :{name}' for name in columns)
            connection.execute(
                text(f'UPDATE "{table}" SET {told} WHERE record = :record_'), {**columns, "record_": key}
            )


# --- queries

PLAIN = small()
IDS = [record.id for record in PLAIN.records]
KINDS = ["sample", "experiment", "dataset", "agent"]
STRINGS: Mapping[str, list[str]] = {
    "language": ["en", "ja", "de", "und", "x"],
    "in": ["eV", "J", "K", "Cel", "g", "mL", "keV", "°F"],
    "name": ["energy", "temperature", "coating", "none"],
    "role": ["measured", "creator", "part", "reference", "none"],
    "id": [*IDS, "sample/ddbj/not-here", "x"],
    "asOf": [],
    "after": [],
    "from": ["2026-03", "2026-05-10"],
    "until": ["2026-06", "2026-12-01"],
    "before": ["2026-05", "2026-06-10"],
}


class Sense:
    """Gives what was made at random arguments that mean something, and tells more of what was thin."""

    def __init__(self, schema: GraphQLSchema, chance: random.Random) -> None:
        self.schema = schema
        self.chance = chance

    def query(self, document: DocumentNode) -> str:
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        query = self.schema.query_type
        assert query is not None
        made = OperationDefinitionNode(
            operation=operation.operation, selection_set=self.selections(operation.selection_set, query, 0)
        )
        return print_ast(DocumentNode(definitions=(made,)))

    def selections(self, told: SelectionSetNode | None, of: Any, depth: int) -> SelectionSetNode:
        kept: list[Any] = []
        for each in told.selections if told else ():
            if isinstance(each, FieldNode):
                if each.name.value in ELSEWHERE or each.name.value.startswith("_"):
                    continue
                kept.append(self.field(each, of, depth))
            elif isinstance(each, InlineFragmentNode):
                assert each.type_condition is not None
                inner = self.schema.type_map[each.type_condition.name.value]
                kept.append(
                    InlineFragmentNode(
                        type_condition=each.type_condition,
                        selection_set=self.selections(each.selection_set, inner, depth),
                    )
                )
        if len(kept) < 3 and depth < 7:
            kept += self.more(of, depth, {each.name.value for each in kept if isinstance(each, FieldNode)})
        return SelectionSetNode(selections=tuple(kept) or (self.plain("__typename"),))

    def more(self, of: Any, depth: int, there: set[str]) -> list[FieldNode]:
        """More of a thing, under names of its own, so that it never collides."""
        if isinstance(of, GraphQLUnionType):
            return [self.plain("__typename")]
        names = [
            name
            for name, definition in of.fields.items()
            if name not in there and name not in ELSEWHERE and name[0] != "_" and recipe_of(definition) is not None
        ]
        lists = [name for name in names if isinstance(recipe_of(of.fields[name]), AlongLinks)]
        chosen = self.chance.sample(names, min(len(names), self.chance.randint(1, 4)))
        if lists and depth < 4 and self.chance.random() < 0.5:
            chosen.append(self.chance.choice(lists))
        made = []
        for number, name in enumerate(dict.fromkeys(chosen)):
            alias = NameNode(value=f"{name}_{depth}_{number}_{of.name}")
            made.append(self.field(FieldNode(name=NameNode(value=name), alias=alias, arguments=()), of, depth))
        if self.chance.random() < 0.2:
            made.append(self.plain("__typename"))
        return made

    def plain(self, name: str) -> FieldNode:
        return FieldNode(name=NameNode(value=name), arguments=())

    def field(self, told: FieldNode, of: Any, depth: int) -> FieldNode:
        name = told.name.value
        if name == "__typename":
            return told
        definition = of.fields[name]
        inner = get_named_type(definition.type)
        arguments = []
        for called, argument in definition.args.items():
            needed = isinstance(argument.type, GraphQLNonNull)
            if (needed and called != "first") or self.chance.random() < 0.3:
                value = self.value(argument.type, called, depth, of)
                if value is not None:
                    arguments.append(ArgumentNode(name=NameNode(value=called), value=value))
        composite = isinstance(inner, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        return FieldNode(
            name=told.name,
            alias=told.alias,
            arguments=tuple(arguments),
            selection_set=self.selections(told.selection_set, inner, depth + 1) if composite else None,
        )

    def value(self, type_: Any, called: str, depth: int, of: Any) -> ValueNode | None:
        """A value that means something there; None: better none."""
        nullable = get_nullable_type(type_)
        if hasattr(nullable, "of_type"):
            many = [self.value(nullable.of_type, called, depth, of) for _ in range(self.chance.randint(1, 2))]
            return ListValueNode(values=tuple(each for each in many if each is not None)) if all(many) else None
        if isinstance(nullable, GraphQLEnumType):
            return EnumValueNode(value=self.chance.choice(list(nullable.values)))
        match nullable.name:
            case "Int" | "Long":
                return IntValueNode(value=str(self.chance.choice([1, 2, 3, 5, 20])))
            case "Float":
                return FloatValueNode(value=str(self.chance.choice([0.5, 2.0, 8000.0])))
            case "Boolean":
                return BooleanValueNode(value=self.chance.random() < 0.5)
            case "String" | "ID":
                return self.text(called, of)
        if depth > 9 or not hasattr(nullable, "fields"):
            return None
        return self.input(nullable, depth)

    def text(self, called: str, of: Any) -> ValueNode | None:
        choices = list(STRINGS.get(called, ["leaf", "Iron", "raw", "10.1/3", "spring8"]))
        if called in ("id", "ids") and of.name == "Query":
            choices = STRINGS["id"]
        elif called == "kinds":
            choices = KINDS
        elif called == "statuses":
            choices = ["public", "private", "draft", "suppressed", "quarantined"]
        elif called == "field":
            choices = ["samples", "contributors", "seeAlso", "derivedFrom", "generatedBy"]
        elif called == "kind":
            choices = KINDS
        elif of.name == "TimeFilter":
            choices = ["2026-02-01", "2026-05"]
        elif of.name == "IdFilter":
            choices = [*IDS[:20], "ddbj", "spring8", "sample/ddbj/"]
        elif of.name == "ScopeFilter":
            choices = ["spring8", "spring8/2026A1", "company"]
        return StringValueNode(value=self.chance.choice(choices)) if choices else None

    def input(self, of: Any, depth: int) -> ValueNode | None:
        """A filter or an order with one or two members."""
        names = list(of.fields)
        if "language" in names:
            names.remove("language")  # of what has none it is refused
        needed = [name for name in names if isinstance(of.fields[name].type, GraphQLNonNull)]
        chosen = dict.fromkeys(needed + self.chance.sample(names, min(len(names), self.chance.randint(1, 2))))
        made = []
        for name in chosen:
            value = self.value(of.fields[name].type, name, depth + 3, of)
            if value is not None:
                made.append(ObjectFieldNode(name=NameNode(value=name), value=value))
            elif name in needed:
                return None
        return ObjectValueNode(fields=tuple(made))


_KINDS, _WORDS = known_words()
_SCHEMA = schema_of(_KINDS)
assert _SCHEMA.query_type is not None
COMPILED = [
    name
    for name, definition in _SCHEMA.query_type.fields.items()
    if isinstance(recipe_of(definition), OneOf | SeveralOf | ListOf)
]
# Of kinds that nothing is of, there is little to tell.
FULL = [
    name
    for name in COMPILED
    if not (kinds := getattr(recipe_of(_SCHEMA.query_type.fields[name]), "kinds", ())) or set(kinds) & set(KINDS)
]


@st.composite
def asked(draw: st.DrawFn) -> str:
    """A query that means something."""
    roots = draw(st.lists(st.sampled_from(FULL * 4 + COMPILED), min_size=1, max_size=2, unique=True))
    made = draw(queries(_SCHEMA, fields=roots, print_ast=lambda document: document, allow_x00=False))
    assert isinstance(made, DocumentNode)
    return Sense(_SCHEMA, random.Random(draw(st.integers(0, 1 << 32)))).query(made)


def _tried(queries: int) -> Any:
    """How many queries are drawn. Made smaller, one is drawn anew in most of its parts, which takes long and finds little."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=queries, deadline=None, suppress_health_check=[*HealthCheck], phases=phases)


@given(query=asked(), reader=st.sampled_from(READERS))
@_tried(QUERIES * 4 // 5)
def test_what_is_compiled_answers_as_plain_resolvers_do(filled: Filled, query: str, reader: Reader) -> None:
    _compare(filled, query, reader)


@pytest.mark.service
@given(query=asked(), reader=st.sampled_from(READERS))
@_tried(QUERIES - QUERIES * 4 // 5)
def test_what_is_compiled_answers_as_plain_resolvers_do_on_postgresql(
    filled_in_postgresql: Filled, query: str, reader: Reader
) -> None:
    _compare(filled_in_postgresql, query, reader)


def _compare(filled: Filled, query: str, reader: Reader) -> None:
    note(query)
    note(reader.id)
    ast = parse(query)
    assert not validate(_SCHEMA, ast)
    document = Document(query, ast, {None: ast.definitions[0]}, {})  # type: ignore[dict-item]
    compiled = filled.compiled(document, reader)
    try:
        plainly = filled.plainly(document, reader)
    except Unjudged:
        reject()
    _demand_same(compiled, plainly)


@given(query=asked(), reader=st.sampled_from(READERS))
@_tried(QUERIES // 2)
def test_what_was_compiled_for_other_values_answers_as_the_values_written_out_do(
    filled: Filled, query: str, reader: Reader
) -> None:
    text, variables = _with_variables(query)
    note(text)
    note(repr(variables))
    documents = [parse(each) for each in (query, text)]
    plain, bound = [
        Document(str(number), ast, {None: ast.definitions[0]}, {})  # type: ignore[dict-item]
        for number, ast in enumerate(documents)
    ]
    filled.compiled(bound, reader, **{name: _otherwise(value) for name, value in variables.items()})
    written = filled.compiled(plain, reader)
    for _ in range(2):
        assert _told(filled.compiled(bound, reader, **variables)) == _told(written)


def _with_variables(query: str) -> tuple[str, dict[str, Any]]:
    """The query with a variable for each argument of a field, and their values."""
    types = TypeInfo(_SCHEMA)
    definitions: list[str] = []
    variables: dict[str, Any] = {}

    class Moving(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
            argument = types.get_argument()
            if types.get_directive() is not None or argument is None:
                return None
            name = f"v{len(variables)}"
            variables[name] = value_from_ast_untyped(node.value)
            definitions.append(f"${name}: {argument.type}")
            return ArgumentNode(name=node.name, value=VariableNode(name=NameNode(value=name)))

    moved = visit(parse(query), TypeInfoVisitor(types, Moving()))
    told = ", ".join(definitions)
    selection = print_ast(moved.definitions[0].selection_set)
    return (f"query({told}) {selection}" if told else selection), variables


def _otherwise(value: Any) -> Any:
    """Another value of the same shape; where that is no value, it is refused."""
    if isinstance(value, dict):
        return {name: _otherwise(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_otherwise(each) for each in (value[:-1] if len(value) in (4, 6, 7, 8) else value)]
    if isinstance(value, str) and not value.isidentifier():
        return value[:-1] + ("x" if value[-1:] != "x" else "y")
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    return value


def _told(answer: Mapping[str, Any]) -> tuple[Any, Any]:
    errors = [(each["path"], each["message"], each["extensions"]["code"]) for each in answer.get("errors", ())]
    return answer["data"], errors


def _demand_same(compiled: Mapping[str, Any], plainly: Mapping[str, Any]) -> None:
    failed = {each["path"][0] for each in compiled.get("errors", ())}
    refused = {each["path"][0] for each in plainly.get("errors", ())}
    # What cannot be asked is refused as a whole, before it is known whether anything stands there.
    assert refused <= failed, plainly["errors"]
    codes = {each["path"][0]: each["extensions"]["code"] for each in compiled.get("errors", ())}
    assert "INTERNAL" not in codes.values(), compiled["errors"]
    for each in plainly.get("errors", ()):
        assert codes[each["path"][0]] in (each["extensions"]["code"], "BAD_USER_INPUT"), (compiled, plainly["errors"])
    if compiled["data"] is None:
        assert failed & set(NEVER_NULL), failed
        return
    for key, value in (plainly["data"] or {}).items():
        if key not in failed:
            assert _same(compiled["data"][key], value), (key, compiled["data"][key], value)


NEVER_NULL = {"nodes", "nodes_0_0_Query", "nodes_0_1_Query", "nodes_0_2_Query", "nodes_0_3_Query", "nodes_0_4_Query"}


def _same(one: Any, other: Any) -> bool:
    if other == A_CURSOR:
        return isinstance(one, str) and len(one) > 8
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-300)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other
