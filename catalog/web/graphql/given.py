"""Values of variables that a statement does not depend on: which they are is found out while an operation is compiled.

Every text, number and list of them in a variable is a leaf. An operation is compiled with its leaves marked; a leaf that
was put nowhere but into bound values of the question may have another value the next time. What was done otherwise with one
(a unit that is read, a language, the name of a field) makes it decide, and then it is part of what a plan is kept by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from catalog.questions.question import MOST_ITEMS, MOST_VALUES

Path = tuple[str | int, ...]
Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class Leaf:
    """Where a value stands in the variables, and what became of it."""

    path: Path
    page: bool = False  # it is how many a page is to have
    seen: int = 0  # so often was it given to a field
    bound: int = 0  # and so often put into a bound value

    @property
    def open(self) -> bool:
        """Whether nothing depends on the value."""
        return self.bound == self.seen > 0


class Given:
    """A value that is marked: it is like itself in all else."""

    leaf: Leaf
    at: Path

    @classmethod
    def of(cls, value: Any, leaf: Leaf, at: Path) -> Any:
        """The value, marked."""
        made = cls(value)  # type: ignore[call-arg]
        made.leaf, made.at = leaf, at
        return made


class Bound(Given):
    """A marked value in its bound place. It is not the same as another that happens to be equal this time."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bound) and self.at == other.at

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.at)


class _GivenText(Given, str):
    pass


class _GivenWhole(Given, int):
    pass


class _GivenNumber(Given, float):
    pass


class _BoundText(Bound, str):
    pass


class _BoundWhole(Bound, int):
    pass


class _BoundNumber(Bound, float):
    pass


_SIGNS: Final[Mapping[type, str]] = {str: "t", int: "i", float: "n"}
_GIVEN: Final[Mapping[type, type[Given]]] = {str: _GivenText, int: _GivenWhole, float: _GivenNumber}
_BOUND: Final[Mapping[type, type[Bound]]] = {
    _GivenText: _BoundText,
    _GivenWhole: _BoundWhole,
    _GivenNumber: _BoundNumber,
}


@dataclass(slots=True, eq=False)
class Shape:
    """What is known about the leaves of variables of one shape: these decide."""

    deciding: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """The value of a variable, or one in it, that decides nothing about the statement; and what is bound of it."""

    path: Path
    read: Callable[[Any], Any] | None = None

    def of(self, variables: Mapping[str, Any]) -> Any:
        """The value that is bound."""
        value = at(variables, self.path)
        return value if self.read is None else self.read(value)


def at(variables: Mapping[str, Any], path: Path) -> Any:
    """What stands in the variables there; beyond the end of a list its last."""
    value: Any = variables
    for step in path:
        value = value[min(step, len(value) - 1)] if isinstance(step, int) else value[step]
    return value


def shape_of(value: Any, leaves: dict[Path, Any], path: Path = ()) -> Any:
    """The value with a sign in the place of each leaf, which is put to the leaves; a list is one, as long as it is padded."""
    of = type(value)
    if (sign := _SIGNS.get(of)) is not None:
        leaves[path] = value
        return sign
    if of is dict:
        return {key: shape_of(each, leaves, (*path, key)) for key, each in value.items()}
    if of is not list:
        return value
    if not _is_leaf(value):
        return [shape_of(each, leaves, (*path, number)) for number, each in enumerate(value)]
    leaves[path] = value
    return f"{_SIGNS[type(value[0])]}{_padded(len(value))}"


def marked(value: Any, leaves: Mapping[Path, Leaf], path: Path = ()) -> Any:
    """The value with these leaves marked; lists of them padded."""
    of = type(value)
    if (leaf := leaves.get(path)) is not None:
        if of is not list:
            return _GIVEN[of].of(value, leaf, path)
        given = _GIVEN[type(value[0])]
        last = len(value) - 1
        # More than may be asked for is refused as it was written.
        length = max(len(value), min(_padded(len(value)), MOST_VALUES))
        return [given.of(value[min(number, last)], leaf, (*path, number)) for number in range(length)]
    if of is dict:
        return {key: marked(each, leaves, (*path, key)) for key, each in value.items()}
    if of is list and not _is_leaf(value):
        return [marked(each, leaves, (*path, number)) for number, each in enumerate(value)]
    return value


def see(value: Any) -> None:
    """Count what a field was given."""
    if isinstance(value, Given):
        value.leaf.seen += 1
    elif isinstance(value, Mapping):
        for each in value.values():
            see(each)
    elif isinstance(value, list | tuple):
        for each in value:
            see(each)


def bound(value: Value, *, page: bool = False) -> Value:
    """The value, to be put into a bound place of a question and used for nothing else."""
    if not isinstance(value, Given):
        return value
    value.leaf.bound += 1
    value.leaf.page = value.leaf.page or page
    made: Value = _BOUND[type(value)].of(value, value.leaf, value.at)
    return made


def all_bound(values: Iterable[Value]) -> tuple[Value, ...]:
    """The same of several."""
    return tuple(map(bound, values))


def may_be_bound(value: Any, *, page: bool) -> bool:
    """Whether a value of the right type is one that no question refuses."""
    if isinstance(value, str):
        return "\0" not in value and _is_unicode(value)
    if isinstance(value, list):
        return len(value) <= MOST_VALUES and all(may_be_bound(each, page=page) for each in value)
    if isinstance(value, float):
        return math.isfinite(value)
    assert isinstance(value, int)
    return 1 <= value <= MOST_ITEMS if page else abs(value) < 1 << 53


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_leaf(value: list[Any]) -> bool:
    kinds = set(map(type, value))
    return len(kinds) == 1 and kinds.pop() in _SIGNS


def _padded(length: int) -> int:
    return 1 << (length - 1).bit_length()
