"""What a question costs, worked out before it is asked: how many things its answer can tell, at most.

A question is written down as parts once; what it costs with certain values is then only arithmetic. Numbers are those of
the worst case: a page that is full, a condition that holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# So many plain fields of one thing cost as much as the thing.
LEAVES: Final = 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question: what it costs once, how often it is told, and what is told within each."""

    own: int = 0
    parts: tuple[Part, ...] = ()
    # A number, or a name under which the number is asked for.
    times: int | str = 1
    # Whether there is a name in it or within, so that it costs differently with other values.
    varies: bool = False


def part(own: int, parts: tuple[Part, ...] = (), times: int | str = 1) -> Part:
    """A part, its sums done as far as they can be."""
    fixed = own + sum(each.own * int(each.times) for each in parts if not each.varies)
    open_ = tuple(each for each in parts if each.varies)
    return Part(fixed, open_, times, bool(open_) or isinstance(times, str))


def cost_of(asked: Part, number: Callable[[str], int]) -> int:
    """What a part costs with these numbers."""
    times = number(asked.times) if isinstance(asked.times, str) else asked.times
    return times * (asked.own + sum(cost_of(each, number) for each in asked.parts))
