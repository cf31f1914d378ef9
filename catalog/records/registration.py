"""What is known of a record as an entry of the catalogue, which is not the thing that it describes, in PROV-O and DCAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

# A field's fragment never begins with a slash, since it is percent-encoded.
FRAGMENT: Final = "#/registration"
ACTIVITY: Final = f"{FRAGMENT}/activity"

_PROV: Final = "http://www.w3.org/ns/prov#"
_IS_PRIMARY_TOPIC_OF: Final = "http://xmlns.com/foaf/0.1/isPrimaryTopicOf"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_CATALOG_RECORD: Final = "http://www.w3.org/ns/dcat#CatalogRecord"
_DATE_TIME: Final = "http://www.w3.org/2001/XMLSchema#dateTime"


@dataclass(frozen=True, slots=True)
class Registration:
    """When the revision that is shown was entered, from which source, by which load and which device: never by whose account.

    That is told to writers of the scope only, and a graph has no readers who are all writers. A device (the id of its
    record) is told to those who may read its record.
    """

    id: str
    source: str
    entered: str
    load: str | None
    agent: str | None = None

    def _load_iri(self, base: str) -> str | None:
        if self.load is None:
            return None
        # Whoever knows a load's id may read its answer, with all that was in it; the same load has the same name here.
        return f"{base}loads/#{blake2b(self.load.encode(), digest_size=12).hexdigest()}"

    def triples(self, base: str) -> bytes:
        """The registration as N-Triples."""
        record, entry = f"<{base}{self.id}>", f"<{base}{self.id}{FRAGMENT}>"
        load = self._load_iri(base)
        return (
            f"{record} <{_IS_PRIMARY_TOPIC_OF}> {entry} .\n"
            f"{entry} <{_TYPE}> <{_CATALOG_RECORD}> .\n"
            f'{entry} <{_PROV}generatedAtTime> "{self.entered}"^^<{_DATE_TIME}> .\n'
            f"{entry} <{_PROV}wasAttributedTo> <{base}sources/{self.source}> .\n"
            + (f"{entry} <{_PROV}wasGeneratedBy> <{load}> .\n" if load else "")
        ).encode() + (association(self.id, self.agent, base) if self.agent else b"")

    def json_ld(self, base: str) -> dict[str, Any]:
        """The same as properties of the record in JSON-LD, in whole IRIs: the context of bodies has no words for it."""
        load = self._load_iri(base)
        entry: dict[str, Any] = {
            "@id": f"{base}{self.id}{FRAGMENT}",
            "@type": _CATALOG_RECORD,
            f"{_PROV}generatedAtTime": {"@value": self.entered, "@type": _DATE_TIME},
            f"{_PROV}wasAttributedTo": {"@id": f"{base}sources/{self.source}"},
        }
        made_by: list[dict[str, Any]] = [{"@id": load}] if load else []
        if self.agent:
            made_by.append(
                {
                    "@id": f"{base}{self.id}{ACTIVITY}",
                    "@type": f"{_PROV}Activity",
                    f"{_PROV}wasAssociatedWith": {"@id": base + self.agent},
                }
            )
        if made_by:
            entry[f"{_PROV}wasGeneratedBy"] = made_by if len(made_by) > 1 else made_by[0]
        return {_IS_PRIMARY_TOPIC_OF: entry}


def association(id: str, agent: str, base: str) -> bytes:
    """That a device entered the revision of a record that is shown, as N-Triples."""
    entry, activity = f"<{base}{id}{FRAGMENT}>", f"<{base}{id}{ACTIVITY}>"
    return (
        f"{entry} <{_PROV}wasGeneratedBy> {activity} .\n"
        f"{activity} <{_TYPE}> <{_PROV}Activity> .\n"
        f"{activity} <{_PROV}wasAssociatedWith> <{base}{agent}> .\n"
    ).encode()


def with_files(document: Mapping[str, Any], count: int, size: int) -> Mapping[str, Any]:
    """A linked form with the number and size of its files, where it has any and does not say them itself."""
    return {"fileCount": count, "size": size, **document} if count else document
