"""Everything in a store is read once, subject by subject."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from catalog.projections.graph import written
from catalog.projections.graph.survey import runs_of

SAYS = NamedNode("https://x.example/says")
GRAPHS = (DefaultGraph(), NamedNode("https://x.example/scopes/a"))


def test_each_statement_is_read_once_however_much_is_said_of_its_subject(tmp_path: Path) -> None:
    # Less than a pipe holds, about as much, and many times that; one subject's IRI begins with another's.
    sizes = {f"https://x.example/{'s' * (number + 1)}": size for number, size in enumerate((1, 700, 9_000, 1, 40))}
    store = Store(str(tmp_path / "store"))
    quads = [
        Quad(NamedNode(subject), SAYS, Literal(f"{number} " + "word " * 20), graph)
        for subject, size in sizes.items()
        for number in range(size)
        for graph in GRAPHS
    ]
    store.bulk_extend(quads)

    read = [(subject, line) for subject, lines in runs_of(store) for line in lines]

    assert sorted(line for _, line in read) == sorted(f"{quad} .".encode() for quad in quads)
    assert all(line.startswith(subject + b" ") for subject, line in read)


def test_what_is_kept_of_what_was_written_is_no_statement_even_between_two_graphs_of_one_record(tmp_path: Path) -> None:
    record = NamedNode("https://x.example/s")
    store = Store(str(tmp_path / "store"))
    said = [Quad(record, SAYS, Literal(f"urn:musubi:written {number}"), graph) for number, graph in enumerate(GRAPHS)]
    store.extend([*said, *(Quad(record, written.IS, Literal("-"), graph) for graph in (written.OPEN, written.LIMITED))])
    store.add(Quad(NamedNode("https://x.example/t"), written.IS, Literal("-"), written.OPEN))

    read = [line for _, lines in runs_of(store) for line in lines]

    assert sorted(read) == sorted(f"{quad} .".encode() for quad in said)
