"""What is asked of issuers: little, for a short time, and of nobody but whom the address names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from catalog.errors import Invalid, Unavailable

LARGEST: Final = 1024 * 1024
SECONDS: Final = 10.0
_HERE: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back."""

    address: str
    status: int
    body: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object that it is; Unavailable if it is none, or no success."""
        if self.status != 200:
            raise _failed(self.address, f"it answered {self.status}")
        return self.json()

    def json(self) -> dict[str, Any]:
        """The JSON object that it is, whatever the status."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise _failed(self.address, f"its answer ({self.status}) is no JSON") from None
        if not isinstance(value, dict):
            raise _failed(self.address, f"its answer ({self.status}) is no JSON object")
        return value


def fetch(
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    seconds: float = SECONDS,
    largest: int = LARGEST,
) -> Fetched:
    """GET, or POST a form's body; a redirect is an answer like any other and is not followed.

    Inside runs a loop, since that alone can bound the whole exchange: a server that sends a byte now and then keeps every
    timeout for a single read. It has a thread of its own, so that it does not matter whether the caller's has one already.
    """
    with ThreadPoolExecutor(1, "fetch") as alone:
        return alone.submit(lambda: asyncio.run(_fetch(address, dict(headers or {}), body, seconds, largest))).result()


async def _fetch(address: str, headers: dict[str, str], sent: str | None, seconds: float, largest: int) -> Fetched:
    # Unpacked, a small answer could be a very large one.
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    method = "GET" if sent is None else "POST"
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(follow_redirects=False, timeout=seconds) as client,
            client.stream(method, address, headers=asked, content=sent) as answer,
        ):
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) > largest:
                    raise _failed(address, f"its answer is larger than {largest} bytes")
            return Fetched(address, answer.status_code, bytes(body))
    except TimeoutError:
        raise _failed(address, f"it did not answer within {seconds:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as problem:
        raise _failed(address, str(problem) or type(problem).__name__) from problem


def demand_address(name: str, told: object, *, near: str | None = None) -> str:
    """An address that may be asked: by https, or on this machine. `near`: the issuer's own, which decides about the latter."""
    if isinstance(told, str) and len(told) <= 2_000 and told.isascii() and told.isprintable() and " " not in told:
        try:
            parts = urlsplit(told)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        plain = "@" not in parts.netloc and "#" not in told and "\\" not in told and bool(parts.hostname)
        # An issuer elsewhere that names an address of this machine would have the catalogue ask what only it can reach.
        if plain and (
            parts.scheme == "https" or (parts.scheme == "http" and is_here(told) and (not near or is_here(near)))
        ):
            return told
    raise Invalid(
        f"{name}: {told!r:.200} is no address that is asked: write https://…; http is for 127.0.0.1 and localhost only",
        ja=f"{name}: {told!r:.200} は使えません。https:// で始まるアドレスを指定してください (http は 127.0.0.1 と localhost のみ)",
    )


def is_here(address: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(address).hostname in _HERE


def _failed(address: str, why: str) -> Unavailable:
    return Unavailable(
        f"{address:.200} could not be asked: {why:.200}", ja=f"{address:.200} から取得できません: {why:.200}"
    )
