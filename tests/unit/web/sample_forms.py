"""The sample catalogue's records as linked forms, as the gate makes them: what pages are made from, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from catalog.curation.sample import sample_catalogue
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.record import Source
from catalog.validation.gate import Gate
from tests.unit.validation.shipped_gate import ShippedProfiles

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"


class _Registered:
    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.id: source for source in sources}

    def find(self, name: str) -> Any:
        return self._sources.get(name)


@cache
def sample_kinds() -> Kinds:
    """The kinds that ship."""
    return load_kinds()


@cache
def sample_sources() -> tuple[Source, ...]:
    """The sources of the sample."""
    return sample_catalogue(EXAMPLES).sources


@cache
def sample_documents() -> Mapping[str, Mapping[str, Any]]:
    """The linked form of every record of the sample, by id."""
    sample = sample_catalogue(EXAMPLES)
    gate = Gate(sample_kinds(), ShippedProfiles(sample_kinds()), _Registered(sample.sources))
    judged = gate.judge(list(sample.submissions))
    return {one.id: one.linked.document for one in judged if one.id is not None and one.linked is not None}
