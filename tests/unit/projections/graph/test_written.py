"""What is kept of what was written of a record tells its lines again, graph by graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.projections.graph import written

LINES = st.lists(st.integers(0, 40).map(lambda n: f'<a> <b> "{n}" .'.encode()), max_size=12).map(b"\n".join)
SAID = st.dictionaries(st.sampled_from(["", "https://x.example/scopes/a", "https://x.example/scopes/a/b"]), LINES)


@given(SAID, SAID)
def test_what_was_kept_tells_the_same_lines_for_the_same_graphs(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    lines = {graph: written.lines_of(nt) for graph, nt in one.items()}
    others = {graph: written.lines_of(nt) for graph, nt in other.items()}

    heard = written.heard(written.told(one)) if one else {}

    assert heard == {graph: set(some) for graph, some in lines.items()}
    if one and other and written.told(one) == written.told(other):
        assert {graph: set(some.values()) for graph, some in lines.items()} == {
            graph: set(some.values()) for graph, some in others.items()
        }


def test_lines_that_differ_in_one_character_are_told_apart() -> None:
    lines = b"\n".join(f'<a> <b> "{n}{m}" .'.encode() for n in range(300) for m in "abAB01 \xe9")

    assert len(written.lines_of(lines)) == 2_400


def test_neither_graph_can_be_a_scope_nor_in_an_answer_that_names_it_by_chance() -> None:
    assert written.OPEN != written.LIMITED
    assert all(str(graph).startswith("<urn:musubi:written:") for graph in (written.OPEN, written.LIMITED))
    assert written.graph_of({"": b"", "https://x.example/scopes/a": b""}) == written.OPEN
    assert written.graph_of({"https://x.example/scopes/a": b""}) == written.LIMITED
