"""Everything that a reader may see, as a stream: records as NDJSON, a kind as a table, linked forms for RDF.

Memory is bounded by a page. Each page is read in a transaction of its own, so that a slow reader holds nothing up: a
record that is there throughout comes exactly once, what changes meanwhile as it is when its page is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import orjson

from catalog.discovery.show import registrations_of
from catalog.ledger.answer import Answers
from catalog.ledger.mirror import RECORD_COLUMNS
from catalog.questions.check import check
from catalog.questions.question import Question, Selection
from catalog.questions.reader import Reader
from catalog.records.kinds import Kinds
from catalog.records.registration import with_files
from catalog.records.triples import triples

PAGE = 500
LINKED_AT_ONCE: Final = 250
# A cell that begins so would be run as a formula by the programs that people open tables with.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def records(question: Question, reader: Reader, *, answers: Answers) -> Iterator[bytes]:
    """The records that the question asks for, one JSON object a line, in chunks of whole lines.

    They are public ones: drafts, hidden and withdrawn records are in no export.
    """
    asked = _all(question, answers)
    lines: list[str] = []
    for item in answers.each(asked, reader):
        lines.append(item.text)
        if len(lines) == PAGE:
            yield ("\n".join(lines) + "\n").encode()
            lines.clear()
    if lines:
        yield ("\n".join(lines) + "\n").encode()


def statements(question: Question, reader: Reader, *, answers: Answers, kinds: Kinds, base: str) -> Iterator[bytes]:
    """What the records say that the question asks for, as N-Triples: each as its own address tells it, with its
    registration, as far as the reader may see it.
    """
    asked = replace(_all(question, answers), selection=Selection(files=True, linked=True))
    items = answers.each(asked, reader)
    while some := [orjson.loads(item.text) for item in islice(items, LINKED_AT_ONCE)]:
        told = [each for each in some if each["linked"] is not None]
        entries = registrations_of({each["id"]: each["revision"] for each in told}, reader, answers=answers)
        forms = [with_files(each["linked"], *_files(each)) for each in told]
        # Reading the context is what each time costs.
        yield triples(kinds, forms, base) + b"".join([entry.triples(base) for entry in entries])


def _files(item: Mapping[str, Any]) -> tuple[int, int]:
    files = item.get("files") or {}
    return files.get("count", 0), files.get("size", 0)


def table(kind: str, reader: Reader, *, answers: Answers, question: Question | None = None) -> Iterator[bytes]:
    """The kind's mirror as CSV (RFC 4180, UTF-8), with a header; texts that look like formulas get a leading apostrophe."""
    asked = _all(replace(question or Question(), kinds=(kind,)), answers)
    columns = answers.vocabulary.kinds[kind].columns
    # The columns of the view that people with a SQL tool know by the kind's name.
    yield _lines([[*RECORD_COLUMNS, *(f"body_{name}" if name in RECORD_COLUMNS else name for name in columns)]])
    for rows in answers.table(asked, reader):
        yield _lines([[_safe(cell) for cell in row] for row in rows])


def _all(question: Question, answers: Answers) -> Question:
    return check(
        replace(question, statuses=("public",), order=(), after=None, first=PAGE, count="none"), answers.vocabulary
    )


def _lines(rows: list[list[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return "'" + cell
    return cell
