"""A gate that knows the profiles that come with the software, for whatever source."""

from __future__ import annotations

from functools import cache
from typing import Any

from catalog.records.kinds import Kinds, load_kinds
from catalog.records.record import Source
from catalog.records.shipped import shipped
from catalog.validation.gate import Gate
from catalog.validation.profiles import CompiledProfile, compile_profile, profile_address, shipped_profiles

SHIPPED = list(shipped_profiles(shipped() / "schemas" / "profiles"))

PREFIXES = {
    "panet": "http://purl.org/pan-science/PaNET/",
    "duo": "http://purl.obolibrary.org/obo/",
    "obo": "http://purl.obolibrary.org/obo/",
    "biosample": "https://www.ncbi.nlm.nih.gov/biosample/docs/attributes/#",
    "rde": "https://rde.nims.go.jp/terms/",
}


class ShippedProfiles(dict[str, CompiledProfile]):
    """All of them, examined as any other profile is."""

    def __init__(self, kinds: Kinds) -> None:
        registered: dict[str, Any] = {}
        for one in SHIPPED:
            made = compile_profile(
                one.name, one.version, one.kind, one.schema, one.shapes, kinds=kinds, registered=registered
            )
            registered[profile_address(one.name, one.version)] = made.schema
            self[made.reference] = made

    def find(self, reference: str) -> CompiledProfile | None:
        """By name and version."""
        return self.get(reference)


class AnySource:
    """Every source is known, with the prefixes that the examples use."""

    def find(self, id: str) -> Source | None:
        """A source by whatever id."""
        return Source(id, 1, {"en": id}, id, PREFIXES)


@cache
def gate() -> Gate:
    """A gate that knows the shipped kinds and profiles."""
    kinds = load_kinds()
    return Gate(kinds, ShippedProfiles(kinds), AnySource())
