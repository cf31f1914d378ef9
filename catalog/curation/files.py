"""The files of a dataset: put, added, taken away; each is checked before the list is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.curation.file_rules import checked_files
from catalog.curation.submit import Intake
from catalog.curation.verbs import held
from catalog.errors import NotFound
from catalog.ledger.files import FileList
from catalog.questions.reader import Reader


def put_files(
    id: str, files: Iterable[Any], by: Reader, *, intake: Intake, expected_version: int | None = None
) -> FileList:
    """Let these be all files of a dataset, by who may write its record."""
    held(id, "write", by, intake=intake)
    return intake.ledger.put_files(id, checked_files(files), by=by.actor, expected_version=expected_version)


def add_files(
    id: str, files: Iterable[Any], by: Reader, *, intake: Intake, expected_version: int | None = None
) -> FileList:
    """Add these files, or replace those of the same path."""
    held(id, "write", by, intake=intake)
    return intake.ledger.patch_files(id, checked_files(files), by=by.actor, expected_version=expected_version)


def take_files(
    id: str, paths: Iterable[str], by: Reader, *, intake: Intake, expected_version: int | None = None
) -> FileList:
    """Take files out of the list; a path that is not there does no harm."""
    held(id, "write", by, intake=intake)
    return intake.ledger.delete_files(id, paths, by=by.actor, expected_version=expected_version)


def add_locations(
    id: str,
    path: str,
    locations: Sequence[Mapping[str, Any]],
    by: Reader,
    *,
    intake: Intake,
    expected_version: int | None = None,
) -> FileList:
    """Say where else the bytes of a file are; what is said of an address that is there already takes its place."""
    version, file = _file(id, path, by, intake, expected_version)
    new = {each["address"]: each for each in locations}
    kept = [new.pop(each["address"], each) for each in file.get("locations", ())]
    changed = {**file, "locations": [*kept, *new.values()]}
    return intake.ledger.patch_files(id, checked_files([changed]), by=by.actor, expected_version=version)


def take_locations(
    id: str, path: str, addresses: Sequence[str], by: Reader, *, intake: Intake, expected_version: int | None = None
) -> FileList:
    """Say that the bytes of a file are no more at these addresses; one that is not there does no harm."""
    version, file = _file(id, path, by, intake, expected_version)
    rest = [each for each in file.get("locations", ()) if each["address"] not in addresses]
    changed = {**file, "locations": rest}
    return intake.ledger.patch_files(id, checked_files([changed]), by=by.actor, expected_version=version)


def set_location_state(
    id: str,
    path: str,
    address: str,
    state: str,
    by: Reader,
    *,
    intake: Intake,
    until: str | None = None,
    verified_at: str | None = None,
) -> None:
    """Say whether the bytes of a file at a place can be read now, which is no change of the record."""
    held(id, "write", by, intake=intake)
    told = {"address": address, "state": state, "stateUntil": until, "verifiedAt": verified_at}
    location = {name: value for name, value in told.items() if value is not None}
    list(checked_files([{"path": path, "locations": [location]}]))
    intake.ledger.set_location_state(id, path, address, state, until=until, verified_at=verified_at)


def _file(
    id: str, path: str, by: Reader, intake: Intake, expected_version: int | None
) -> tuple[int, Mapping[str, Any]]:
    """A file as it is in the list, and the version of the list that a change of it is made from."""
    held(id, "write", by, intake=intake)
    version = intake.ledger.file_list(id).version
    found = intake.ledger.file(id, path)
    if found is None:
        raise NotFound(f"{id} has no file {path!r}", ja=f"{id} にファイル {path!r} はありません")
    return (version if expected_version is None else expected_version), found
