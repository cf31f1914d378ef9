"""The files of a dataset: put, added, taken away; each is checked before the list is touched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.curation.file_rules import checked_files
from catalog.curation.submit import Intake
from catalog.curation.verbs import held
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
