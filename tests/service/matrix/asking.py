"""Requests to an application in this process: thousands of them in the time that a network would take for hundreds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote

from fastapi import FastAPI

T = TypeVar("T")

HERE = "127.0.0.1:8000"
# What is new in every answer to anything.
PASSING = frozenset(("date", "server-timing"))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @cached_property
    def told(self) -> str:
        """Everything that was said, body and headers, for looking whether a word is in it."""
        return "\n".join((*(f"{name}: {value}" for name, value in self.headers), self.text))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def json(self) -> Any:
        return json.loads(self.body)

    def but(self, *unlike: str) -> tuple[int, tuple[tuple[str, str], ...], str]:
        """The answer with what names its own question (ids, words) taken out: two to compare byte by byte."""

        def plain(text: str) -> str:
            for each in unlike:
                text = text.replace(each, "…")
            return text

        headers = tuple((name, plain(value)) for name, value in self.headers if name not in PASSING)
        return self.status, headers, plain(self.text)


class Asking:
    """Somebody's way to the application, with a loop and a thread of its own: after tests in a browser this one has a loop already."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._alone = ThreadPoolExecutor(1, "asking")
        self._loop = asyncio.new_event_loop()
        self._life = app.router.lifespan_context(app)
        self._run(self._life.__aenter__())

    def _run(self, going: Coroutine[Any, Any, T]) -> T:
        return self._alone.submit(self._loop.run_until_complete, going).result()

    def close(self) -> None:
        self._run(self._life.__aexit__(None, None, None))
        self._loop.close()
        self._alone.shutdown()

    def ask(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        seconds: float | None = None,
    ) -> Answer:
        """One request; `seconds`: an answer that goes on for ever is left after so long."""
        return self._run(self._ask(method, address, dict(headers or {}), body, seconds))

    def beside(self, every: Sequence[tuple[str, Mapping[str, str]]], *, seconds: float | None = None) -> list[Answer]:
        """Several questions (an address, and headers) side by side, each left after so long if that is said."""

        async def gathered() -> list[Answer]:
            asked = (self._ask("GET", address, dict(headers), None, seconds) for address, headers in every)
            return list(await asyncio.gather(*asked))

        return self._run(gathered())

    async def _ask(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None, seconds: float | None
    ) -> Answer:
        path, _, query = address.partition("?")
        told = {"host": HERE, **{name.lower(): value for name, value in headers.items()}}
        if body is not None:
            told["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote("/" + path),
            "raw_path": ("/" + path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(name.encode("ascii"), value.encode("latin-1")) for name, value in told.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        sent = [{"type": "http.request", "body": body or b"", "more_body": False}]
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if sent:
                return sent.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        status = 0
        answered: list[tuple[str, str]] = []
        chunks: list[bytes] = []

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answered.extend((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            else:
                chunks.append(message.get("body", b""))

        under_way = asyncio.ensure_future(self.app(scope, receive, send))
        if seconds is not None:
            await asyncio.wait((under_way,), timeout=seconds)
            left.set()
        await under_way
        return Answer(status, tuple((name.lower(), value) for name, value in answered), b"".join(chunks))
