"""Readers of other people's formats: each turns files as a source hands them out into submissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from catalog.records.record import Submission

Loader = Callable[[Path], Iterator[Submission]]

# By the format's name. None is here yet: until one is, sources send records in the catalogue's own form.
LOADERS: Final[Mapping[str, Loader]] = {}
