"""Executing an operation: from a checked document and its variables to the bytes of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode, execute_sync

from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document
from catalog.web.graphql.failures import INTERNAL, told
from catalog.web.negotiation import Language


@dataclass(frozen=True, slots=True)
class Executed:
    """A GraphQL response, and the status it has as application/graphql-response+json."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def execute(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> Executed:
    """The answer to a query or mutation, whose document was checked against the schema and whose cost is within the limit."""
    result = execute_sync(
        schema,
        document.ast,
        context_value=context,
        variable_values=dict(variables),
        operation_name=operation.name.value if operation.name else None,
    )
    assert isinstance(result, ExecutionResult)
    return answer(result, context)


def answer(result: ExecutionResult, context: Context) -> Executed:
    """A result as it is answered; without data the request itself was wrong."""
    document: dict[str, Any] = {}
    failures = [told(each, context.language) for each in result.errors or ()]
    if failures:
        document["errors"] = failures
    begun = result.data is not None or not result.errors or any(each.path for each in result.errors)
    if begun:
        document["data"] = result.data
    document["extensions"] = {"cost": {"cost": context.cost, "limit": context.cost_limit}}
    return Executed(orjson.dumps(document), status_of(failures, begun=begun))


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
