"""Answers as columns for people: widths as they are seen, so that Japanese lines up too."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import click

# Rows that are asked of the catalogue at a time.
PAGE: Final = 1_000


def seen_width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def one_line(text: object) -> str:
    """A value that breaks no line and moves no cursor."""
    told = "" if text is None else str(text)
    return "".join(sign if sign.isprintable() else " " for sign in told)


def show(rows: Iterable[Sequence[object]], heads: Sequence[str] = ()) -> None:
    """Rows in columns, each as wide as its widest cell; the last one as long as it is."""
    told = [[one_line(cell) for cell in row] for row in ([heads] if heads else [])]
    told += [[one_line(cell) for cell in row] for row in rows]
    if not told:
        return
    widths = [max(seen_width(row[column]) for row in told) for column in range(len(told[0]))]
    for row in told:
        line = "  ".join(cell + " " * (width - seen_width(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
