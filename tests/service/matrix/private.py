"""Records with a text in every private field that the schemas have: their scope's writers may read it, nobody else."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.questions.vocabulary import vocabulary_of
from catalog.records.kinds import load_kinds
from catalog.records.shipped import shipped
from tests.service.matrix.words import word_of

Path = tuple[str, ...]


@dataclass(frozen=True)
class Private:
    """A record of a kind with private fields. Its two revisions differ in what those say, and in nothing else."""

    kind: str
    scope: str
    paths: tuple[Path, ...]

    @functools.cached_property
    def key(self) -> str:
        return word_of(f"{self.kind} in {self.scope} key")

    @functools.cached_property
    def id(self) -> str:
        return f"{self.kind}/alpha/{self.key}"

    def body(self, number: int) -> dict[str, Any]:
        """What a revision says."""
        body = dict(_EXAMPLES[self.kind])
        # No two records have these.
        body.pop("identifiers", None)
        for path in self.paths:
            body = _replaced(body, path, iter(self.words(path, number)).__next__)
        return body

    def words(self, path: Path, number: int) -> tuple[str, ...]:
        """What a revision's private field says, text by text."""
        count = len(_texts(_EXAMPLES[self.kind], path))
        return tuple(word_of(f"{self.id} {path} {number} {place}") for place in range(count))

    @functools.cached_property
    def now(self) -> tuple[str, ...]:
        """Every private word of the revision that is shown."""
        return tuple(word for path in self.paths for word in self.words(path, 2))

    @functools.cached_property
    def formerly(self) -> tuple[str, ...]:
        """Every private word of the first revision."""
        return tuple(word for path in self.paths for word in self.words(path, 1))


def private_in(*scopes: str) -> tuple[Private, ...]:
    """Such a record of each kind that has private fields, in each of these scopes."""
    kinds = vocabulary_of(load_kinds()).kinds.values()
    found = {kind.kind: kind.private_paths for kind in kinds if kind.private_paths}
    assert found, "no kind has a private field any more"
    for kind, paths in found.items():
        _EXAMPLES[kind] = _example(kind, paths)
    return tuple(Private(kind, scope, paths) for kind, paths in found.items() for scope in scopes)


_EXAMPLES: dict[str, dict[str, Any]] = {}


def _example(kind: str, paths: Sequence[Path]) -> dict[str, Any]:
    """The body of a shipped example that says something in each of a kind's private fields."""
    for file in sorted((shipped() / "schemas" / "examples" / "good" / kind).glob("*.json")):
        body: dict[str, Any] = json.loads(file.read_bytes())["body"]
        if all(_texts(body, path) for path in paths):
            return body
    raise AssertionError(f"no example of {kind} says something in each of {paths}: add one")


def _texts(value: Any, path: Path) -> list[str]:
    found: list[str] = []

    def note() -> str:
        found.append("")
        return ""

    _replaced(value, path, note)
    return found


def _replaced(value: Any, path: Path, word: Callable[[], str]) -> Any:
    """The value with every text behind a path replaced."""
    if isinstance(value, list):
        return [_replaced(each, path, word) for each in value]
    if isinstance(value, dict):
        if not path:
            return {name: _replaced(each, path, word) for name, each in value.items()}
        return {name: _replaced(each, path[1:], word) if name == path[0] else each for name, each in value.items()}
    return word() if isinstance(value, str) and not path else value
