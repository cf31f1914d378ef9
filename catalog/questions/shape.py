"""A question taken apart: its shape, which a statement is made from once, and the values that are bound to it each time.

The compiler only ever sees shapes, in which a slot stands for each value: it could not paste a value into SQL if it tried.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from dataclasses import field as part
from typing import Any, Final

import orjson

_TREES: Final = frozenset(("catalog.questions.question", "catalog.questions.telling"))


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of this number is bound."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """A tree taken apart once, to be asked again and again; what was made of its shape is kept beside it, by whom it is for."""

    shape: Any
    values: tuple[Any, ...]
    made: dict[Any, Any] = part(default_factory=dict)


def lifted(tree: Any) -> Lifted:
    """The tree, taken apart."""
    values: list[Any] = []
    shape = lift(tree, values)
    return Lifted(shape, tuple(values))


_PLANS: dict[type, tuple[tuple[str, str | None], ...]] = {}


def _plan(of: type) -> tuple[tuple[str, str | None], ...]:
    plan = tuple((part.name, part.metadata.get("bound")) for part in fields(of))
    return _PLANS.setdefault(of, plan)


def lift(tree: Any, values: list[Any]) -> Any:
    """The tree with a slot for each bound value, which is added to `values` in the order of the slots.

    None stays, since a question without a value is another question. A tuple is as long as the next power of two (its
    last value repeated, which changes no `in`), so that lists of many lengths share few statements; or, bound whole, one
    value: a JSON list.
    """
    of = type(tree)
    if of is tuple:
        return tuple(lift(part, values) for part in tree)
    if of.__module__ not in _TREES:
        return tree
    made = {}
    for name, bound in _PLANS.get(of) or _plan(of):
        value = getattr(tree, name)
        if not bound:
            made[name] = value if value is None or type(value) is str else lift(value, values)
        elif value is None:
            made[name] = None
        elif bound == "whole":
            made[name] = Slot(len(values))
            values.append(orjson.dumps(value).decode())
        elif type(value) is tuple:
            made[name] = _lift_many(value, values, pad=of.__name__ != "After")
        else:
            made[name] = Slot(len(values))
            values.append(value)
    return of(**made)


def _lift_many(given: tuple[Any, ...], values: list[Any], *, pad: bool) -> tuple[Slot | None, ...]:
    if pad and given:
        given = given + (given[-1],) * ((1 << (len(given) - 1).bit_length()) - len(given))
    slots: list[Slot | None] = []
    for value in given:
        if value is None:
            slots.append(None)
            continue
        slots.append(Slot(len(values)))
        values.append(value)
    return tuple(slots)
