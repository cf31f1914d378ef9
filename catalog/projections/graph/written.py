"""What was written of each record, as short hashes of its lines, so that a changed record is compared without asking the store.

It stands in two graphs of the store's own, which no reader's dataset ever names, so it is always exactly as old as the
statements themselves: one graph for what lies in the default graph, so that both can be emptied at once, and one for the rest.
"""

from __future__ import annotations

from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Final
from zlib import adler32, crc32

from pyoxigraph import NamedNode

from catalog.projections.graph.quads import DEFAULT

IS: Final = NamedNode("urn:musubi:written")
OPEN: Final = NamedNode("urn:musubi:written:open")
LIMITED: Final = NamedNode("urn:musubi:written:limited")
# How lines of these graphs end, for whoever reads everything.
ENDS: Final = (f" {OPEN} .".encode(), f" {LIMITED} .".encode())

# Neither stands in an IRI.
_BETWEEN: Final = "|"
_DEFAULT: Final = "<>"

Lines = dict[int, bytes]  # by hash


def graph_of(said: Mapping[str, bytes]) -> NamedNode:
    """In which of the two graphs it is told what was written."""
    return OPEN if DEFAULT in said else LIMITED


def lines_of(nt: bytes) -> Lines:
    """The lines by their hashes: two checksums, together 64 bits, at a quarter of what a digest costs.

    They only tell a record's lines from its own earlier ones; whoever verifies compares the statements.
    """
    lines = _split(nt)
    sums = zip(map(crc32, lines), map(adler32, lines), lines, strict=True)
    return {one << 32 | other: line for one, other, line in sums}


def told(said: Mapping[str, bytes]) -> str:
    """What is kept of what is written in each graph."""
    graphs: dict[bytes, list[str]] = {}
    for graph, nt in said.items():
        graphs.setdefault(nt, []).append(graph or _DEFAULT)
    return _BETWEEN.join(sorted([" ".join([_packed(nt), *sorted(names)]) for nt, names in graphs.items()]))


def _packed(nt: bytes) -> str:
    # As little as can be is done line by line here: most records are never written again.
    lines = _split(nt)
    return b2a_base64(array("I", [*map(crc32, lines), *map(adler32, lines)]).tobytes(), newline=False).decode()


def _split(nt: bytes) -> list[bytes]:
    return [line for line in nt.split(b"\n") if line]


def heard(kept: str) -> dict[str, frozenset[int]]:
    """The hashes by graph, from what was kept."""
    found: dict[str, frozenset[int]] = {}
    for each in kept.split(_BETWEEN):
        packed, *graphs = each.split(" ")
        sums = array("I", a2b_base64(packed))
        half = len(sums) // 2
        some = frozenset([one << 32 | other for one, other in zip(sums[:half], sums[half:], strict=True)])
        for graph in graphs:
            found["" if graph == _DEFAULT else graph] = some
    return found
