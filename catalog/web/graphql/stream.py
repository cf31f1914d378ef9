"""Answers that go on: Server-Sent Events as the npm package `graphql-sse` reads them, each operation on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, Final

from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event

from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document
from catalog.web.graphql.execute import Executed, answer

# An idle stream says something this often, so that whoever stands between does not cut it.
BREATHES_EVERY_SECONDS: Final = 12.0
HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_COMPLETE: Final = b"event: complete\ndata:\n\n"
_BREATH: Final = b":\n\n"


def event(executed: Executed) -> bytes:
    """An answer as an event; its JSON holds no line ends."""
    return b"event: next\ndata: %s\n\n" % executed.body


async def single(executed: Executed) -> AsyncIterator[bytes]:
    """What is answered once, by somebody who listens for more."""
    yield event(executed)
    yield _COMPLETE


async def answers(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> AsyncIterator[Executed] | Executed:
    """The answers of a subscription, each made in a thread when its event comes; or why there are none."""
    executor = Executor.build(
        schema,
        document.ast,
        context_value=context,
        raw_variable_values=dict(variables),
        operation_name=operation.name.value if operation.name else None,
    )
    if isinstance(executor, list):
        return answer(ExecutionResult(None, executor), context)
    begun = create_source_event_stream(executor)
    source = await begun if isinstance(begun, Awaitable) else begun
    if isinstance(source, ExecutionResult):
        return answer(source, context)

    async def each() -> AsyncIterator[Executed]:
        try:
            async for happened in source:
                yield await context.site.in_thread(_answered, executor.build_per_event_executor(happened), context)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    return each()


def _answered(executor: Executor[Any], context: Context) -> Executed:
    result = execute_subscription_event(executor)
    assert isinstance(result, ExecutionResult)
    return answer(result, context)


async def events(source: AsyncIterator[Executed]) -> AsyncIterator[bytes]:
    """The events of a subscription, with a breath where nothing happens, until it ends or its client has gone."""
    # A first word at once tells the client that it is listened to.
    yield _BREATH
    waiting: asyncio.Task[Executed | None] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(_next(source))
            done, _ = await asyncio.wait({waiting}, timeout=BREATHES_EVERY_SECONDS)
            if not done:
                yield _BREATH
                continue
            executed = waiting.result()
            waiting = None
            if executed is None:
                break
            yield event(executed)
        yield _COMPLETE
    finally:
        if waiting is not None and not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


async def _next(source: AsyncIterator[Executed]) -> Executed | None:
    return await anext(source, None)


async def begun(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream with its first piece made, so that what fails at once is told as such."""
    first = await anext(chunks)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return whole()
