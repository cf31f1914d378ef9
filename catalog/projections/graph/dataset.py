"""Which graphs a query is asked over, and which it may name besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Said by scopes' own rule: nothing else can be a graph here.
_NO_NAMES = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a query sees unless it names graphs itself, and what it may name: everything else is as if it did not exist.

    `open`: what everyone may read. `graphs`: the graphs that are joined to it, and can be named. `within`: the scopes whose
    graphs, and those of the scopes below them, may be named by FROM; None: every scope's. `chosen`: the graphs that were
    named by the request itself (default, named), which overrule FROM.
    """

    scopes: str  # what the IRI of every scope's graph begins with
    open: bool = True
    graphs: tuple[str, ...] = ()
    within: frozenset[str] | None = frozenset()
    chosen: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def may(self, graph: str) -> bool:
        """Whether a graph may be read."""
        return self.scope_of(graph) is not None

    def scope_of(self, graph: str) -> str | None:
        """The scope whose graph this is; None if it is none that may be read."""
        if not graph.startswith(self.scopes):
            return None
        scope = graph.removeprefix(self.scopes)
        parts = scope.split("/")
        if not _NO_NAMES.isdisjoint(parts):
            return None
        if self.within is None or any("/".join(parts[:depth]) in self.within for depth in range(1, len(parts) + 1)):
            return scope
        return None

    def of(self, graphs: Iterable[str], named: Iterable[str]) -> tuple[list[str], list[str]]:
        """Of graphs that are asked for, those that may be read: for the default graph, and by name.

        What is in a scope's graph is in those of the scopes above it too, so joined they would count twice.
        """
        allowed = sorted({graph for graph in graphs if self.may(graph)})
        joined = [graph for graph in allowed if not any(graph.startswith(other + "/") for other in allowed)]
        return joined, sorted({graph for graph in named if self.may(graph)})

    def document(self) -> dict[str, Any]:
        """The dataset as it is handed to another process."""
        return {
            "scopes": self.scopes,
            "open": self.open,
            "graphs": self.graphs,
            "within": None if self.within is None else tuple(self.within),
            "chosen": self.chosen,
        }

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Dataset:
        """The dataset as it was handed over."""
        chosen = told["chosen"]
        return cls(
            told["scopes"],
            told["open"],
            tuple(told["graphs"]),
            None if told["within"] is None else frozenset(told["within"]),
            None if chosen is None else (tuple(chosen[0]), tuple(chosen[1])),
        )
