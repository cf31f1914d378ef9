"""The sample catalogue: the project's own examples, read as a new user will find them filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import Misconfigured
from catalog.records.identifiers import record_id
from catalog.records.parse import parse, read_submission
from catalog.records.record import Source, Submission


@dataclass(frozen=True, slots=True)
class SampleScope:
    """A scope to be made before anything is put into it; its parent is what stands before its last slash."""

    id: str
    title: Mapping[str, str]
    mode: str | None = None  # everyone | limited; None leaves it to the scope above
    metadata_until: str | None = None
    data_until: str | None = None
    data_mode: str | None = None  # open | approval
    resource: str | None = None

    @property
    def parent(self) -> str | None:
        """The scope above; None for a root."""
        return self.id.rpartition("/")[0] or None


@dataclass(frozen=True, slots=True)
class SampleCatalogue:
    """What fills an empty catalogue, each part in the order in which it goes in."""

    scopes: tuple[SampleScope, ...]
    sources: tuple[Source, ...]
    submissions: tuple[Submission, ...]


def sample_catalogue(folder: Path) -> SampleCatalogue:
    """The scopes, sources and good examples of the folder; Misconfigured if one of its files is not what it should be."""
    scopes = [_scope(told) for told in _list(folder / "scopes.json")]
    sources = [_source(told) for told in _list(folder / "sources.json")]
    submissions = [read_submission(path.read_bytes()) for path in sorted((folder / "good").glob("*/*.json"))]
    return SampleCatalogue(
        tuple(sorted(scopes, key=lambda scope: (scope.id.count("/"), scope.id))),
        tuple(sources),
        tuple(ordered(submissions)),
    )


def ordered(submissions: Sequence[Submission]) -> list[Submission]:
    """The submissions, each after those that it names.

    A catalogue takes them in any order; in this one a page that is opened while it fills shows no link without its end.
    Where they name each other in a ring, whichever was reached first comes last.
    """
    by_id = {identity(submission): submission for submission in submissions}
    placed: dict[str, Submission] = {}
    entered: set[str] = set()
    for start in by_id:
        waiting: list[tuple[str, Iterator[str]]] = []
        if start not in entered:
            entered.add(start)
            waiting.append((start, _texts(by_id[start].body)))
        while waiting:
            id, named = waiting[-1]
            following = next((text for text in named if text in by_id and text not in entered), None)
            if following is None:
                placed[id] = by_id[id]
                waiting.pop()
            else:
                entered.add(following)
                waiting.append((following, _texts(by_id[following].body)))
    return list(placed.values())


def identity(submission: Submission) -> str:
    """The id that the submission's record will have; an example without a local id could not be named by the others."""
    if submission.local_id is None:
        raise Misconfigured(f"the example of {submission.kind} from {submission.source} has no localId: give it one")
    return record_id(submission.kind, submission.source, submission.local_id)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a body but its keys: a link's target is one of them, whatever its field is called."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _list(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise Misconfigured(f"{path} is missing: it is part of the sample catalogue")
    told = parse(path.read_bytes())
    if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
        raise Misconfigured(f"{path} must be a list of objects")
    return told


def _scope(told: Mapping[str, Any]) -> SampleScope:
    return SampleScope(
        id=told["id"],
        title=told["title"],
        mode=told.get("mode"),
        metadata_until=told.get("metadataUntil"),
        data_until=told.get("dataUntil"),
        data_mode=told.get("dataMode"),
        resource=told.get("resource"),
    )


def _source(told: Mapping[str, Any]) -> Source:
    return Source(
        id=told["id"],
        version=1,
        title=told["title"],
        home_scope=told["homeScope"],
        prefixes=told.get("prefixes", {}),
        zone=told.get("zone", "UTC"),
        licence=told.get("licence"),
        contact=told.get("contact"),
        homepage=told.get("homepage"),
    )
