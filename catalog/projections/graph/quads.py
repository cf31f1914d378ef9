"""What is said of a record, and in which graphs: its linked form as triples, cut for the readers of each graph.

What lies open stands in the default graph, anything else in the graph of its scope and of each scope above it. What names
another record of ours stands only where those who read the graph may read both ends: it is said to them exactly as the
ledger answers them. What follows from others beside it (which terms are above it, which records bear the same identifier)
keeps to the same rule, with predicates of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from catalog.records.hidden import without_links
from catalog.records.identifiers import is_iri, is_record_id
from catalog.records.kinds import Kinds
from catalog.records.registration import FRAGMENT, Registration, association, with_files
from catalog.records.standing import Lie, Standing, scope_path
from catalog.records.triples import triples

# Raised when the same standing is said or kept otherwise, so that the graph is built anew.
FORMAT: Final = 5
DEFAULT: Final = ""
REGISTRATION: Final = FRAGMENT
# What no record says by itself, but what follows from several.
ABOVE: Final = "http://www.w3.org/2004/02/skos/core#broaderTransitive"
SAME: Final = "https://w3id.org/musubi/ns#sameIdentifier"


def graph_of(scope: str, base: str) -> str:
    """The IRI of a scope's graph."""
    return f"{base}scopes/{scope}"


def quads_of(standing: Standing, kinds: Kinds, base: str) -> Mapping[str, bytes]:
    """What each graph (by its IRI, or '' for the default graph) is to say of the record, as N-Triples.

    Malformed where something in it can't be said in RDF.
    """
    said = _asserted(standing, kinds, base)
    if not said or not (standing.above or standing.same or standing.agent):
        return said
    told = dict(said)
    record = f"<{base}{standing.id}>"
    if above := "".join([f"{record} <{ABOVE}> <{iri}> .\n" for iri in _iris(standing.above, base)]).encode():
        for graph in (DEFAULT,) if standing.lie.open else tuple(said):
            told[graph] += above
    for graph, ids in shared(standing, base).items():
        same = "".join([f"{record} <{SAME}> <{base}{id}> .\n" for id in ids]).encode()
        told[graph] = told.get(graph, b"") + same
    if standing.agent is not None:
        id, lie = standing.agent
        withheld = () if standing.merged_into is None else scope_path(standing.merged_into.scope)
        for graph in _where_both(standing.lie, lie, base):
            if graph not in {graph_of(scope, base) for scope in withheld}:
                told[graph] = told.get(graph, b"") + association(standing.id, id, base)
    return told


def shared(standing: Standing, base: str) -> Mapping[str, list[str]]:
    """Which records share an identifier with this one, by the graph whose readers may read both; just so of each of those."""
    found: dict[str, list[str]] = {}
    for id, lie in standing.same.items():
        for graph in _where_both(standing.lie, lie, base):
            found.setdefault(graph, []).append(id)
    return found


def _where_both(ours: Lie, lie: Lie, base: str) -> Iterator[str]:
    """The graphs whose readers may read what lies here and what lies there."""
    if ours.open and lie.open:
        yield DEFAULT
        return
    there = scope_path(lie.scope)
    for scope in there if ours.open else scope_path(ours.scope):
        if lie.open or scope in there:
            yield graph_of(scope, base)


def _iris(names: Iterable[str], base: str) -> Iterator[str]:
    """The IRIs of terms; what a record calls its IRI and is none can't be said."""
    for name in names:
        if is_iri(name):
            yield name
        elif is_record_id(name):
            yield base + name


def _asserted(standing: Standing, kinds: Kinds, base: str) -> Mapping[str, bytes]:
    """What the record says itself."""
    lie, links, targets = standing.lie, standing.links, standing.targets
    hidden = [id for id in links if id not in targets]
    limited = {id: scope_path(end.lie.scope) for id, end in targets.items() if not end.lie.open}
    merged = standing.merged_into
    if merged is not None and merged.open:
        return {}
    document = standing.document
    if standing.files is not None:
        document = with_files(document, standing.files.count, standing.files.size)
    if not lie.open:
        return _in_scopes(standing, document, frozenset(hidden), limited, kinds, base)
    here = without_links(document, frozenset([*hidden, *limited])) if hidden or limited else document
    everyone = triples(kinds, (here,), base, strict=True) + registration(standing, base)
    said = {DEFAULT: everyone}
    if limited:
        # Links to what is limited: to its own readers only, who read the default graph too.
        known = set(everyone.splitlines(keepends=True))
        withheld = frozenset() if merged is None else frozenset(scope_path(merged.scope))
        written: dict[frozenset[str], bytes] = {}
        for scope in {scope for path in limited.values() for scope in path} - withheld:
            unseen = frozenset([*hidden, *(id for id, path in limited.items() if scope not in path)])
            if unseen not in written:
                seen = triples(kinds, (without_links(document, unseen),), base, strict=True)
                written[unseen] = b"".join([line for line in seen.splitlines(keepends=True) if line not in known])
            said[graph_of(scope, base)] = written[unseen]
    return said


def _in_scopes(
    standing: Standing,
    document: Mapping[str, Any],
    hidden: frozenset[str],
    limited: Mapping[str, tuple[str, ...]],
    kinds: Kinds,
    base: str,
) -> Mapping[str, bytes]:
    merged = standing.merged_into
    withheld = () if merged is None else scope_path(merged.scope)
    said: dict[str, bytes] = {}
    written: dict[frozenset[str], bytes] = {}
    for scope in scope_path(standing.lie.scope):
        if scope in withheld:
            continue
        unseen = hidden.union([id for id, path in limited.items() if scope not in path]) if limited else hidden
        if unseen not in written:
            here = without_links(document, unseen) if unseen else document
            written[unseen] = triples(kinds, (here,), base, strict=True) + registration(standing, base)
        said[graph_of(scope, base)] = written[unseen]
    return said


def registration(standing: Standing, base: str) -> bytes:
    """What is known of the record as an entry of this catalogue."""
    return Registration(standing.id, standing.source, standing.submitted_at, standing.load).triples(base)


def may_read(graph: str, lie: Lie, base: str) -> bool:
    """Whether everybody who reads this graph may read what lies there."""
    return lie.open or (graph != DEFAULT and graph in [graph_of(scope, base) for scope in scope_path(lie.scope)])
