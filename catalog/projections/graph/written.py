"""What was written of each record, as short hashes of its lines, so that a changed record is compared without asking the store.

It stands in two graphs of the store's own, which no reader's dataset ever names, so it is always exactly as old as the
statements themselves: one graph for what lies in the default graph, so that both can be emptied at once, and one for the rest.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
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
    return {crc32(line) << 32 | adler32(line): line for line in nt.split(b"\n") if line}


def told(lines: Mapping[str, Lines]) -> str:
    """What is kept of what was written in each graph."""
    graphs: dict[str, list[str]] = {}
    for graph, some in lines.items():
        graphs.setdefault(b64encode(array("Q", some).tobytes()).decode(), []).append(graph or _DEFAULT)
    return _BETWEEN.join([" ".join([hashes, *sorted(names)]) for hashes, names in sorted(graphs.items())])


def heard(kept: str) -> dict[str, Sequence[int]]:
    """The hashes by graph, from what was kept."""
    found: dict[str, Sequence[int]] = {}
    for each in kept.split(_BETWEEN):
        hashes, *graphs = each.split(" ")
        some = array("Q", b64decode(hashes))
        for graph in graphs:
            found["" if graph == _DEFAULT else graph] = some
    return found
