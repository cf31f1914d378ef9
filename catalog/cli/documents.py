"""JSON documents and texts that commands are given as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from catalog.errors import Malformed
from catalog.records.parse import parse

file_argument = click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)


def bytes_of(path: Path) -> bytes:
    """What is in a file, or on standard input for `-`."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def object_of(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    document = parse(bytes_of(path))
    if not isinstance(document, dict):
        raise Malformed(
            f"{path}: a JSON object was expected: {{ … }}", ja=f"{path}: JSON のオブジェクト {{ … }} が必要です"
        )
    return document
