"""Reading what one has just written: a request may wait until a projection has come to a position."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Final

from catalog.errors import Malformed, Unavailable
from catalog.records.standing import Name
from catalog.web.operations import Parameter
from catalog.web.site import Site

LONGEST_SECONDS: Final = 30
USUAL_SECONDS: Final = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1

WAIT_FOR: Final = Parameter(
    "waitFor",
    "A `position` that a write answered: wait until what was written there can be found.",
    {"type": "integer", "minimum": 0},
    example=42,
)
WAIT_SECONDS: Final = Parameter(
    "waitSeconds",
    "How long to wait for it; after that the answer is 503 with `Retry-After`.",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS, "default": USUAL_SECONDS},
)


def waiting_asked(pairs: Iterable[tuple[str, str]]) -> tuple[int | None, int, list[tuple[str, str]]]:
    """The position to wait for, how long, and the parameters that have nothing to do with it."""
    told: dict[str, int] = {}
    rest = []
    for name, value in pairs:
        if name not in (WAIT_FOR.name, WAIT_SECONDS.name):
            rest.append((name, value))
            continue
        if name in told:
            raise Malformed(f"{name} is given twice.", ja=f"{name} が2回指定されています。")
        most = LONGEST_SECONDS if name == WAIT_SECONDS.name else 2**63 - 1
        if not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > most:
            raise Malformed(
                f"{name}: '{value:.40}' is not a whole number from 0 to {most}.",
                ja=f"{name}: 「{value:.40}」は 0 から {most} までの整数ではありません。",
            )
        told[name] = int(value)
    return told.get(WAIT_FOR.name), told.get(WAIT_SECONDS.name, USUAL_SECONDS), rest


async def until_visible(site: Site, projection: Name, position: int | None, seconds: int) -> None:
    """Wait until everything up to a position can be found in a projection; Unavailable if it can't in that time.

    No thread is held meanwhile: a few who wait must not keep all others from reading.
    """
    if position is None:
        return
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while not await site.quickly(site.catalog.book.wait_for, projection, position, 0):
        left = until - time.monotonic()
        if left <= 0:
            raise Unavailable(
                f"What was written up to position {position} cannot be found yet. Try again in a moment.",
                ja=f"位置 {position} までの書き込みは、まだ検索できません。少し待ってからもう一度お試しください。",
            )
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
