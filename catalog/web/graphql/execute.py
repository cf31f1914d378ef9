"""Executing an operation: from a checked document and its variables to the bytes of the answer.

What reaches records from the root is compiled, and answered by one statement for all of an operation; what else stands at
the root is run by graphql-core. A compiled operation is kept by the shape of its variables, and by the values in them that
decide what is asked; afterwards only its statement runs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from catalog.discovery.show import Moved, show
from catalog.discovery.telling import checked, prepared, tell
from catalog.errors import CatalogError, Gone, NotFound
from catalog.questions.question import Selection
from catalog.questions.reader import PUBLIC
from catalog.questions.shape import Lifted
from catalog.questions.telling import Asked, ById, ByIds
from catalog.web.graphql.compile import AtRoot, Making, Selected, Words, words_of
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document
from catalog.web.graphql.drawn import ForReader
from catalog.web.graphql.failures import INTERNAL, TIMEOUT, told
from catalog.web.graphql.former import tell_former
from catalog.web.graphql.given import Bound, Later, Leaf, Path, Shape, marked, may_be_bound, shape_of
from catalog.web.graphql.recipes import Entities, ListOf, OneOf, SeveralOf
from catalog.web.negotiation import Language

# How what decides about an operation is written down where nothing does.
UNDECIDED: Final = b"{}"


@dataclass(frozen=True, slots=True)
class Executed:
    """A GraphQL response, and the status it has as application/graphql-response+json."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    # Something of it was stopped at its deadline: with more time the answer may be another.
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """A field of the root that is compiled, and which of what is asked answers it."""

    key: str
    node: FieldNode
    recipe: AtRoot


class Merged(CatalogError):
    """The record has become part of another."""

    def __init__(self, found: Moved) -> None:
        super().__init__(f"{found.id}: it was merged into {found.to}", ja=f"{found.id}: {found.to} に統合されました")


@dataclass(frozen=True, slots=True)
class Compiled:
    """An operation, taken apart: in the order of its selection, what is compiled, what is known, and what is run."""

    keys: tuple[str, ...]
    roots: tuple[Root, ...]  # one for each of what is asked
    names: Mapping[str, str]  # what stands for `__typename`
    nullable: Mapping[str, bool]
    failed: Mapping[str, GraphQLError]
    asked: tuple[Asked, ...]
    lifted: Lifted
    later: tuple[tuple[int, Later], ...]  # which of the values are left open
    fillers: tuple[ForReader, ...]
    former: tuple[tuple[Root, Selected, GraphQLField], ...]  # asked for as they were, with the selection
    rest: DocumentNode | None  # with only the fields that functions answer
    open: tuple[
        tuple[Path, bool], ...
    ] = ()  # values that may be others another time; whether each is how long a page is


def execute(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> Executed:
    """The answer to a query or mutation, whose document was checked against the schema and whose cost is within the limit."""
    if operation.operation is not OperationType.QUERY:
        return answer(
            _run(schema, document.ast, operation.name.value if operation.name else None, variables, context), context
        )
    words = words_of(schema, context.catalog)
    if words.takes_as_given(operation, variables):
        values = VariableValues({}, dict(variables))
    else:
        coerced = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
        if isinstance(coerced, list):
            return answer(ExecutionResult(None, coerced), context)
        values = coerced
    compiled = _compiled(words, document, operation, values)
    data: dict[str, bytes] = {key: b'"' + name.encode() + b'"' for key, name in compiled.names.items()}
    failures = dict(compiled.failed)
    _tell(compiled, values, context, data, failures)
    for root, details, definition in compiled.former:
        try:
            making = Making(words, operation, _fragments(document), values)
            data[root.key] = tell_former(making, definition, details, _kinds(root), context).encode()
        except CatalogError as error:
            failures[root.key] = _failure(root.node, root.key, error)
    errors = list(failures.values())
    whole = all(compiled.nullable[key] for key in failures)
    if compiled.rest is not None:
        result = _run(schema, compiled.rest, None, variables, context)
        errors += result.errors or ()
        whole = whole and result.data is not None
        data.update((key, orjson.dumps(value)) for key, value in (result.data or {}).items())
    return _glued(compiled.keys, data if whole else None, errors, context)


def _fragments(document: Document) -> dict[str, FragmentDetails]:
    return {name: FragmentDetails(each) for name, each in document.fragments.items()}


def _kinds(root: Root) -> tuple[str, ...]:
    return root.recipe.kinds if isinstance(root.recipe, OneOf) else ()


def _run(
    schema: GraphQLSchema, document: DocumentNode, name: str | None, variables: Mapping[str, Any], context: Context
) -> ExecutionResult:
    result = execute_sync(schema, document, context_value=context, variable_values=dict(variables), operation_name=name)
    assert isinstance(result, ExecutionResult)
    return result


# --- compiling


def _compiled(words: Words, document: Document, operation: OperationDefinitionNode, values: VariableValues) -> Compiled:
    """The operation, compiled for these variables or for others that decide the same."""
    coerced = values.coerced
    decided = {name: coerced[name] for name in words.deciding(document, operation) if name in coerced}
    if not decided:
        made: Compiled = words.compiled.get(
            (document, id(operation), UNDECIDED), lambda: _compile(words, document, operation, values)
        )
        return made
    try:
        found = _for_shape(words, document, operation, values, decided)
    except orjson.JSONEncodeError:
        found = None  # a number that JSON does not hold: nothing to keep a plan for
    if found is None:
        return _compile(words, document, operation, values)
    key, compiled = found
    # What was asked for last is kept longest.
    words.compiled.get(key, lambda: compiled)
    return compiled


def _for_shape(
    words: Words,
    document: Document,
    operation: OperationDefinitionNode,
    values: VariableValues,
    decided: Mapping[str, Any],
) -> tuple[Hashable, Compiled] | None:
    """The operation for all variables of this shape that decide the same, and what it is kept by; None if these are refused."""
    leaves: dict[Path, Any] = {}
    shape = words.shapes.get((document, id(operation), _dumped(shape_of(decided, leaves))), Shape)
    while True:
        deciding = shape.deciding
        key = (shape, deciding, _dumped([leaves[path] for path in deciding]) if deciding else UNDECIDED)
        compiled: Compiled | None = words.compiled.known(key)
        if compiled is None:
            marks = {path: Leaf(path) for path in leaves if path not in deciding}
            held = {**values.coerced, **{name: marked(value, marks, (name,)) for name, value in decided.items()}}
            compiled = _compile(words, document, operation, VariableValues(values.sources, held))
            if compiled.failed:
                return None  # other values may be right: nothing is known about the shape
            if more := tuple(path for path, leaf in marks.items() if not leaf.open):
                shape.deciding = (*deciding, *more)
                continue
            compiled = replace(compiled, open=tuple((path, leaf.page) for path, leaf in marks.items()))
        if not all(may_be_bound(leaves[path], page=page) for path, page in compiled.open):
            return None
        return key, compiled


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def _later(asked: Sequence[Asked], lifted: Lifted) -> tuple[tuple[int, Later], ...]:
    """Which of the values are bound when it is asked, and from where."""
    found: list[tuple[int, Later]] = []
    for number, value in enumerate(lifted.values):
        if isinstance(value, Later):
            found.append((number, value))
        elif isinstance(value, Bound):
            found.append((number, Later(value.at)))
    for one, shape in zip(asked, lifted.shape, strict=True):
        if isinstance(one, ByIds) and one.ids and isinstance(first := one.ids[0], Bound):
            found.append((shape.ids.number, Later(first.leaf.path, _ids)))
    return tuple(found)


def _ids(told: Sequence[Any]) -> str:
    return orjson.dumps(told).decode()


def _compile(words: Words, document: Document, operation: OperationDefinitionNode, values: VariableValues) -> Compiled:
    query = words.schema.query_type
    assert query is not None
    fragments = _fragments(document)
    making = Making(words, operation, fragments, values)
    collected = collect_fields(words.schema, fragments, values, query, operation).grouped_field_set
    roots: list[Root] = []
    names: dict[str, str] = {}
    nullable: dict[str, bool] = {}
    failed: dict[str, GraphQLError] = {}
    asked: list[Asked] = []
    former: list[tuple[Root, Selected, GraphQLField]] = []
    rest: list[FieldNode] = []
    for key, details in collected.items():
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            names[key] = query.name
            continue
        recipe = words.recipe(query.name, name)
        if not isinstance(recipe, OneOf | SeveralOf | Entities | ListOf):
            rest += [each.node for each in details]
            continue
        definition = query.fields[name]
        nullable[key] = not isinstance(definition.type, GraphQLNonNull)
        root = Root(key, node, recipe)
        try:
            if isinstance(recipe, OneOf) and get_argument_values(definition, node, values).get("asOf") is not None:
                former.append((root, tuple(details), definition))
                continue
            asked.append(checked(making.root(recipe, definition, details), words.vocabulary))
        except CatalogError as error:
            failed[key] = _failure(node, key, error)
        except GraphQLError as error:
            failed[key] = GraphQLError(error.message, [node], path=[key], original_error=error.original_error)
        else:
            roots.append(root)
    lifted = prepared(asked)
    return Compiled(
        tuple(collected),
        tuple(roots),
        names,
        nullable,
        failed,
        tuple(asked),
        lifted,
        _later(asked, lifted),
        tuple(making.fillers),
        tuple(former),
        _only(document, operation, rest) if rest else None,
    )


def is_one_statement(operation: OperationDefinitionNode, words: Words) -> bool:
    """Whether an operation, with whatever variables, plainly asks for nothing but what is compiled."""
    query = words.schema.query_type
    assert query is not None
    return all(
        isinstance(each, FieldNode)
        and isinstance(words.recipe(query.name, each.name.value), OneOf | SeveralOf | Entities | ListOf)
        and not any(argument.name.value == "asOf" for argument in each.arguments or ())
        for each in operation.selection_set.selections
    )


def _only(document: Document, operation: OperationDefinitionNode, fields: Sequence[FieldNode]) -> DocumentNode:
    """The operation with these fields of its root alone."""
    left = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    return DocumentNode(definitions=(left, *document.fragments.values()))


def _failure(node: FieldNode, key: str, error: Exception, **extensions: Any) -> GraphQLError:
    return GraphQLError(str(error), [node], path=[key], original_error=error, extensions=extensions or None)


# --- asking


def _tell(
    compiled: Compiled,
    values: VariableValues,
    context: Context,
    data: dict[str, bytes],
    failures: dict[str, GraphQLError],
) -> None:
    """Put the answers of what is compiled to the data, and what could not be answered to the failures."""
    if not compiled.roots:
        return
    catalog, reader = context.catalog, context.reader
    bound: Sequence[Any] = compiled.lifted.values
    if compiled.later:
        bound = list(bound)
        for number, later in compiled.later:
            bound[number] = later.of(values.coerced)
    try:
        texts = tell(
            compiled.lifted,
            bound,
            reader,
            answers=catalog.answers,
            fillers=[make(catalog, reader) for make in compiled.fillers],
            deadline_seconds=context.deadline_seconds,
        )
    except CatalogError as error:
        failures.update((root.key, _failure(root.node, root.key, error)) for root in compiled.roots)
        return
    for root, one, text in zip(compiled.roots, compiled.asked, texts, strict=True):
        data[root.key] = text.encode()
        if text == "null" and isinstance(one, ById):
            id = one.id.of(values.coerced) if isinstance(one.id, Later) else one.id
            if failure := _why(root, id, one.kinds, context):
                failures[root.key] = failure


def _why(root: Root, id: str, kinds: tuple[str, ...], context: Context) -> GraphQLError | None:
    """Why there is no record of an id, as far as the asker may know: None where it is as good as none."""
    if kinds and id.partition("/")[0] not in kinds:
        return None
    try:
        found = show(id, context.reader, answers=context.catalog.answers, selection=Selection())
    except Gone as gone:
        return _failure(root.node, root.key, gone)
    except NotFound:
        return None
    return _failure(root.node, root.key, Merged(found), code="MOVED", to=found.to) if isinstance(found, Moved) else None


# --- answering


def _glued(
    keys: Sequence[str], data: Mapping[str, bytes] | None, errors: Sequence[GraphQLError], context: Context
) -> Executed:
    failures = _failures(errors, context)
    parts = [b'{"errors":' + orjson.dumps(failures) + b',"data":' if failures else b'{"data":']
    if data is None:
        parts.append(b"null")
    else:
        parts.append(b"{" + b",".join([b'"%b":%b' % (key.encode(), data.get(key, b"null")) for key in keys]) + b"}")
    parts.append(b',"extensions":{"cost":{"cost":%d,"limit":%d}}}' % (context.cost, context.cost_limit))
    return _executed(b"".join(parts), failures, begun=True)


def answer(result: ExecutionResult, context: Context) -> Executed:
    """A result as it is answered; without data the request itself was wrong."""
    document: dict[str, Any] = {}
    failures = _failures(result.errors or (), context)
    if failures:
        document["errors"] = failures
    begun = result.data is not None or not result.errors or any(each.path for each in result.errors)
    if begun:
        document["data"] = result.data
    document["extensions"] = {"cost": {"cost": context.cost, "limit": context.cost_limit}}
    return _executed(orjson.dumps(document), failures, begun=begun)


def _failures(errors: Sequence[GraphQLError], context: Context) -> list[dict[str, Any]]:
    return [told(each, context.language, anonymous=context.reader.id == PUBLIC.id) for each in errors]


def _executed(body: bytes, failures: list[dict[str, Any]], *, begun: bool) -> Executed:
    timed_out = any(each["extensions"]["code"] == TIMEOUT for each in failures)
    return Executed(body, status_of(failures, begun=begun), timed_out=timed_out)


def status_of(failures: list[dict[str, Any]], *, begun: bool) -> int:
    """The status as application/graphql-response+json: 294 is a success that is not whole (GraphQL over HTTP, 6.4.2)."""
    if begun:
        return 294 if failures else 200
    codes = {each["extensions"]["code"] for each in failures}
    return 500 if INTERNAL in codes else 503 if "UNAVAILABLE" in codes else 400


def refused(failures: tuple[GraphQLError, ...], language: Language, status: int, **extensions: Any) -> Executed:
    """The answer to a request that is not executed."""
    document: dict[str, Any] = {"errors": [told(each, language) for each in failures]}
    if extensions:
        document["extensions"] = extensions
    return Executed(orjson.dumps(document), status)
