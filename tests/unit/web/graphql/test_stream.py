"""Subscriptions as events: in their order, with an end, and without a trace once their client has gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import GraphQLSchema, build_schema

from catalog.errors import Forbidden, NotFound
from catalog.questions.reader import PUBLIC
from catalog.web.graphql import stream
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document, Documents
from catalog.web.graphql.execute import Executed


class Source:
    """Events that happen as a test says."""

    def __init__(self, *happened: object, ends: bool = True) -> None:
        self.happened = happened
        self.ends = ends
        self.closed = False

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        try:
            for each in self.happened:
                if isinstance(each, Exception):
                    raise each
                yield {"changed": each}
            if not self.ends:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def schema_of(subscribe: Callable[..., Any]) -> GraphQLSchema:
    schema = build_schema("type Query { a: Int } type Subscription { changed(since: Int): Int! }")
    assert schema.subscription_type
    schema.subscription_type.fields["changed"].subscribe = subscribe
    return schema


def context() -> Context:
    async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    return Context(
        cast("Any", SimpleNamespace(in_thread=in_thread)),
        cast("Any", SimpleNamespace(reader=PUBLIC)),
        "ja",
        cost=3,
        cost_limit=9,
    )


def document(schema: GraphQLSchema, text: str = "subscription { changed }") -> Document:
    return Documents(schema, {}).read(text)


async def answers(subscribe: Callable[..., Any], text: str = "subscription { changed }", **variables: Any) -> Any:
    schema = schema_of(subscribe)
    read = document(schema, text)
    return await stream.answers(schema, read, read.operation(None), variables, context())


async def told(chunks: AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


def test_each_event_is_answered_and_the_end_is_told() -> None:
    async def run() -> list[bytes]:
        source = await answers(lambda *_: Source(1, 2).events())
        return await told(stream.events(source))

    breath, first, second, complete = asyncio.run(run())
    assert breath == b":\n\n"
    assert first.startswith(b"event: next\ndata: {")
    assert json.loads(first.removeprefix(b"event: next\ndata: "))["data"] == {"changed": 1}
    assert json.loads(second.removeprefix(b"event: next\ndata: "))["extensions"] == {"cost": {"cost": 3, "limit": 9}}
    assert complete == b"event: complete\ndata:\n\n"


def test_an_event_that_cannot_be_told_is_an_answer_with_errors_and_the_next_comes_all_the_same() -> None:
    async def run() -> list[bytes]:
        return await told(stream.events(await answers(lambda *_: Source("no number", 2).events())))

    _, first, second, _ = asyncio.run(run())
    assert b'"errors"' in first
    assert b'"changed":2' in second


def test_what_is_wrong_before_there_are_events_is_one_answer() -> None:
    def refused(*_: Any) -> Any:
        raise NotFound("There is none.", ja="ありません。")

    async def asynchronously(*_: Any) -> Any:
        raise Forbidden("No.", ja="だめです。")

    for subscribe, text, variables, code in (
        (refused, "subscription { changed }", {}, "NOT_FOUND"),
        (asynchronously, "subscription { changed }", {}, "UNAUTHENTICATED"),
        (refused, "subscription($since: Int) { changed(since: $since) }", {"since": "x"}, "BAD_USER_INPUT"),
    ):
        executed = asyncio.run(answers(subscribe, text, **variables))
        assert isinstance(executed, Executed)
        [failure] = json.loads(executed.body)["errors"]
        assert failure["extensions"]["code"] == code


def test_an_idle_subscription_breathes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BREATHES_EVERY_SECONDS", 0.01)

    async def run() -> list[bytes]:
        chunks = stream.events(await answers(lambda *_: Source(ends=False).events()))
        return [await anext(chunks) for _ in range(3)]

    assert asyncio.run(run()) == [b":\n\n"] * 3


def test_the_source_ends_when_the_client_has_gone() -> None:
    async def run() -> tuple[bool, bool]:
        source = Source(1, ends=False)
        chunks = stream.events(await answers(lambda *_: source.events()))
        assert [await anext(chunks) for _ in range(2)]
        taking = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0.01)
        before = source.closed
        # As the framework ends an answer whose client has gone.
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return before, source.closed

    assert asyncio.run(run()) == (False, True)
