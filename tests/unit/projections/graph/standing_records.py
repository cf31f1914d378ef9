"""Records as they stand, made for tests: from the examples, or in any scope and with any links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.records.identifiers import record_id
from catalog.records.kinds import load_kinds
from catalog.records.linked import link_up
from catalog.records.parse import read_submission
from catalog.records.standing import FileSummary, Lie, Neighbour, Standing

KINDS = load_kinds()
BASE = "https://catalogue.example/"
OPEN = Lie("lab", 1, True)
SHUT = Lie("lab/shut", 2, False)
DEEP = Lie("lab/shut/deep", 3, False)
OTHER = Lie("company", 4, False)
TIME = "2026-11-21T12:00:00.000000Z"


def standing(
    id: str,
    body: Mapping[str, Any] | None = None,
    *,
    lie: Lie = OPEN,
    ends: Mapping[str, Lie] | None = None,
    key: int | None = None,
    position: int = 1,
    merged_into: Lie | None = None,
    files: FileSummary | None = None,
) -> Standing:
    """A record with this body; `ends`: where its links' targets lie, as far as they are public."""
    kind, source, _ = id.split("/", 2)
    linked = link_up(KINDS[kind], id, {"title": {"en": "A title"}, **(body or {})}, {})
    assert not linked.findings
    links = dict.fromkeys(link.to for link in linked.links if ":" not in link.to)
    links.update(dict.fromkeys(link.by for link in linked.links if link.by and ":" not in link.by))
    return Standing(
        key if key is not None else abs(hash(id)),
        id,
        position,
        kind,
        source,
        1,
        lie,
        linked.document,
        tuple(links),
        {id: Neighbour(end, {"en": id}) for id, end in (ends or {}).items()},
        merged_into,
        None,
        TIME,
        TIME,
        TIME,
        "load-1",
        files,
    )


def example_records(folder: Path, lie: Lie = OPEN) -> list[Standing]:
    """Every good example of every kind, all lying in one place."""
    bodies = {}
    for path in sorted(folder.glob("good/*/*.json")):
        value = read_submission(path.read_bytes())
        bodies[record_id(value.kind, value.source, value.local_id or path.stem)] = value.body
    made = []
    for key, (id, body) in enumerate(bodies.items(), 1):
        linked = link_up(KINDS[id.split("/")[0]], id, body, {"panet": "http://purl.org/pan-science/PaNET/"})
        blank = standing(id, lie=lie, key=key)
        links = tuple(dict.fromkeys(link.to for link in linked.links if ":" not in link.to))
        ends = {to: Neighbour(lie, {}) for to in links if to in bodies}
        made.append(replace(blank, document=linked.document, links=links, targets=ends))
    return made


def by_id(standings: Iterable[Standing]) -> dict[str, Standing]:
    """The standings by their ids."""
    return {each.id: each for each in standings}
