"""What GraphQL answers when something breaks that nobody expected."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from catalog.assembly import open_catalog
from catalog.settings import read_settings
from catalog.web.app import create
from catalog.web.graphql import http
from catalog.web.graphql.context import Context
from catalog.web.graphql.paces import MOMENT_AT_MOST, QUICK_SECONDS
from tests.service.matrix.asking import Answer, Asking

RESPONSE = "application/graphql-response+json"


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    catalog = open_catalog(read_settings({}, data=tmp_path / "data"))
    try:
        made = Asking(create(catalog))
        try:
            yield made
        finally:
            made.close()
    finally:
        catalog.close()


def ask(asking: Asking, query: str, accept: str) -> Answer:
    return asking.ask("GET", f"graphql?query={quote(query)}", {"accept": accept, "accept-language": "ja"})


@pytest.mark.parametrize("accept", [RESPONSE, "application/json"])
def test_a_fault_of_ours_is_an_answer_with_an_id_and_no_word_of_what_it_was(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a table that is not there")

    assert ask(asking, "{ datasets { totalCount } }", accept).status == 200
    monkeypatch.setattr(http, "execute", broken)
    with caplog.at_level(logging.ERROR, "catalog.web"):
        answer = ask(asking, "{ datasets { totalCount } }", accept)
    assert (answer.status, answer.header("content-type")) == (500, f"{accept}; charset=utf-8")
    [failure] = json.loads(answer.body)["errors"]
    assert failure["extensions"]["code"] == "INTERNAL"
    assert "サーバー" in failure["message"]
    assert "table" not in answer.text
    assert failure["extensions"]["id"] in caplog.text
    assert "a table that is not there" in caplog.text


def test_what_takes_longer_than_it_seemed_begins_again_where_there_is_more_time(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "{ datasets { totalCount } }"
    execute, ran = http.execute, list[tuple[str, float | None]]()

    def slow_at(most: float) -> Callable[..., http.Executed]:
        def executed(*given: Any) -> http.Executed:
            context: Context = given[-1]
            assert context.deadline_seconds is not None
            ran.append((threading.current_thread().name.partition("_")[0], context.deadline_seconds))
            # As if the machine stood still for just so long.
            return replace(execute(*given), timed_out=context.deadline_seconds <= most)

        return executed

    here = "asking"  # the thread of the loop
    for _ in range(40):
        first = ask(asking, query, RESPONSE)
    for most, places in (
        (0.0, [here]),
        (MOMENT_AT_MOST, [here, "graphql"]),
        (QUICK_SECONDS, [here, "graphql", "graphql-slow"]),
        (0.0, ["graphql"]),
    ):
        ran.clear()
        monkeypatch.setattr(http, "execute", slow_at(most))
        assert json.loads(ask(asking, query, RESPONSE).body) == json.loads(first.body)
        assert [place for place, _ in ran] == places
        assert [seconds for _, seconds in ran] == sorted(seconds for _, seconds in ran if seconds is not None)


def test_too_many_large_queries_are_told_to_come_again(asking: Asking) -> None:
    asking.app.state.graphql.waiting.free = 0
    large = "{ records(first: 1000) { nodes { incoming(first: 50) { nodes { id } } } } }"
    answer = ask(asking, large, RESPONSE)
    assert answer.status == 503
    assert int(answer.header("retry-after")) > 0
    assert json.loads(answer.body)["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfterSeconds": 5}
    # What is quick does not wait for them.
    assert ask(asking, "{ records(first: 3) { nodes { id } } }", RESPONSE).status == 200
    asking.app.state.graphql.waiting.free = 1
    assert ask(asking, large, RESPONSE).status == 200


def test_too_many_subscriptions_are_told_so_before_they_begin(asking: Asking) -> None:
    asking.app.state.graphql.subscriptions.free = 0
    answer = ask(asking, "subscription { changes { id } }", "text/event-stream")
    assert answer.status == 503
    assert json.loads(answer.body)["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
