"""A stream of bytes cut into submissions: NDJSON, a JSON array, or CSV, of any length and in bounded memory."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from catalog import errors
from catalog.records.kinds import Field, Kind
from catalog.records.parse import DEPTH_LIMIT, INTEGER_LIMIT

PIECE_LIMIT = 16 * 1024 * 1024

_STRUCTURE = re.compile(rb'\\.|["{}\[\],]', re.DOTALL)
_ESCAPE = ord("\\")
_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")

# A cell may be as long as a piece; the reader's own limit is 131,072, and one for the whole process.
csv.field_size_limit(PIECE_LIMIT)


@dataclass(frozen=True, slots=True)
class Piece:
    """One submission of a stream: its line (or its place in an array), and its bytes or what is wrong with it."""

    line: int
    data: bytes | None = None
    problem: errors.CatalogError | None = None


# A sender that rests gives an empty chunk; what it has sent so far can then be entered and answered.
PAUSE = Piece(0)


def pieces(chunks: Iterable[bytes], media_type: str, kinds: Mapping[str, Kind]) -> Iterator[Piece]:
    """The submissions of a stream, in order; one that cannot be read says so, and the rest goes on.

    Where what follows can no longer be told apart, Malformed or TooLarge is raised: the stream was not read to its end.
    """
    try:
        cut = CUTS[media_type]
    except KeyError:
        known = ", ".join(sorted(CUTS))
        raise errors.Malformed(
            f"'{media_type}' is not a form that records are loaded from: send {known}",
            ja=f"「{media_type}」は登録に使えない形式です。{known} のいずれかで送ってください",
        ) from None
    return cut(chunks, kinds)


def _too_long(line: int) -> Piece:
    limit = PIECE_LIMIT // (1024 * 1024)
    return Piece(
        line,
        problem=errors.TooLarge(
            f"one submission may have {limit} MiB at most",
            ja=f"1件の登録は {limit} MiB までです",
        ),
    )


def _unmarked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The stream without the byte order mark that may stand at its beginning (RFC 8259, 8.1)."""
    stream = iter(chunks)
    held = b""
    for chunk in stream:
        held += chunk
        if not chunk:
            yield chunk
        elif len(held) >= len(_MARK) or not _MARK.startswith(held):
            break
    if held := held.removeprefix(_MARK):
        yield held
    yield from stream


def _ndjson(chunks: Iterable[bytes], _: Mapping[str, Kind]) -> Iterator[Piece]:
    held: list[bytes] = []
    held_size = 0
    line = 0
    for chunk in _unmarked(chunks):
        if not chunk:
            yield PAUSE
            continue
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            line += 1
            size = held_size + end - start
            if size > PIECE_LIMIT:
                yield _too_long(line)
            elif text := (b"".join(held) + chunk[start:end]).strip(_BLANK):
                yield Piece(line, text)
            held, held_size, start = [], 0, end + 1
        rest = chunk[start:]
        held_size += len(rest)
        # What is over the limit is not kept, only counted, until its line ends.
        if held_size <= PIECE_LIMIT:
            held.append(rest)
        else:
            held = []
    if held_size > PIECE_LIMIT:
        yield _too_long(line + 1)
    elif text := b"".join(held).strip(_BLANK):
        yield Piece(line + 1, text)


def _array(chunks: Iterable[bytes], _: Mapping[str, Kind]) -> Iterator[Piece]:
    """The elements of one JSON array, found by brackets and quotes alone; what is inside them is parsed later."""
    stream = _unmarked(chunks)
    data = bytearray()
    for chunk in stream:
        if not chunk:
            yield PAUSE
            continue
        data += chunk.lstrip(_BLANK)
        if data:
            break
    if not data.startswith(b"["):
        raise errors.Malformed("a JSON array was expected: [ … ]", ja="JSON の配列 [ … ] が必要です")
    place, depth, at, begin = 0, 0, 1, 1
    quoted = too_long = follows_comma = False
    while True:
        found = _STRUCTURE.search(data, at)
        if found is None:
            # A backslash at the very end is looked at again with what it escapes.
            at = max(at, len(data) - data.endswith(b"\\"))
            more = next(stream, None)
            if more is None:
                raise errors.Malformed(
                    f"the JSON array was never closed; {place} of its elements are whole",
                    ja=f"JSON の配列が閉じられていません。読み取れた要素は {place} 件です",
                )
            if not more:
                yield PAUSE
                continue
            if len(data) - begin > PIECE_LIMIT:
                # What is over the limit is not kept, until its element ends.
                too_long, begin = True, at
            del data[:begin]
            at, begin = at - begin, 0
            data += more
            continue
        mark, at = found.group(), found.end()
        if mark[0] == _ESCAPE:
            if not quoted:
                at = found.start() + 1
        elif mark == b'"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in b"{[":
            depth += 1
        elif depth:
            depth -= mark != b","
        elif mark == b"}":
            raise errors.Malformed(
                f"a '}}' that closes nothing, after {place} elements of the JSON array",
                ja=f"JSON の配列の {place} 件目の後に、対応のない「}}」があります",
            )
        else:
            element = bytes(data[begin : at - 1]).strip(_BLANK)
            if element or mark == b"," or follows_comma or too_long:
                place += 1
                yield _too_long(place) if too_long or at - 1 - begin > PIECE_LIMIT else Piece(place, element)
            begin, too_long, follows_comma = at, False, mark == b","
            if mark == b"]":
                break
    rest = bytes(data[at:]) + b"".join(_bounded(stream))
    if rest.strip(_BLANK):
        raise errors.Malformed("there is text after the array's end", ja="配列の後に余分な文字があります")


def _bounded(stream: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the array, as far as it takes to see that it is not blank."""
    for chunk in stream:
        yield chunk
        if chunk.strip(_BLANK):
            return


def _csv(chunks: Iterable[bytes], kinds: Mapping[str, Kind]) -> Iterator[Piece]:
    """A row is a submission; a header cell is a JSON pointer into it; an empty cell says nothing."""
    lines = _Lines(chunks)
    rows = csv.reader(lines, strict=True)
    steps: list[tuple[str, ...]] | None = None
    while True:
        lines.row_begins()
        try:
            row = next(rows, None)
        except _Rest:
            yield PAUSE
            continue
        except csv.Error as problem:
            raise errors.Malformed(
                f"the CSV cannot be read from line {rows.line_num} on: {problem}",
                ja=f"CSV の {rows.line_num} 行目以降が読めません: {problem}",
            ) from problem
        if row is None:
            return
        if steps is None:
            steps = _header(row)
        elif any(row):
            yield _row(rows.line_num, row, steps, kinds)


def _row(line: int, row: list[str], steps: list[tuple[str, ...]], kinds: Mapping[str, Kind]) -> Piece:
    if len(row) > len(steps):
        text = f"the row has {len(row)} cells and the header {len(steps)}"
        told = f"この行には {len(row)} 個のセルがありますが、見出しは {len(steps)} 個です"
        return Piece(line, problem=errors.Malformed(text, ja=told))
    value: dict[str, Any] = {}
    try:
        for path, cell in zip(steps, row, strict=False):
            if cell:
                _put(value, path, cell)
        # As text, so that what a cell holds is examined like everything that comes as JSON.
        return Piece(line, orjson.dumps(_submission_of(value, kinds)))
    except errors.Malformed as problem:
        return Piece(line, problem=problem)


class _Rest(Exception):
    """The sender rests between two rows."""


class _Lines(Iterator[str]):
    """Lines of text for the reader of CSV, which asks for as many as a row has, and never for more than a piece may hold."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._ready: deque[str] = deque()
        self._held: list[str] = []
        self._held_size = 0
        self._row_size = 0
        self._lines = 0
        self._row_line = 1
        self._ended = False

    def row_begins(self) -> None:
        """What is asked for from here on belongs to a new row."""
        self._row_size = 0
        self._row_line = self._lines + 1

    def __next__(self) -> str:
        while not self._ready:
            if self._ended:
                raise StopIteration
            chunk = next(self._chunks, None)
            if chunk:
                self._take(self._decoded(chunk))
            elif chunk is None:
                self._ended = True
                self._take(self._decoded(b"", final=True))
                if rest := "".join(self._held):
                    self._ready.append(rest)
            elif not self._row_size:
                raise _Rest
        line = self._ready.popleft()
        self._lines += 1
        self._row_size += len(line)
        self._refuse_beyond(self._row_size, self._row_line)
        return line

    def _take(self, text: str) -> None:
        *whole, rest = text.split("\n")
        for line in whole:
            self._ready.append("".join(self._held) + line + "\n")
            self._held, self._held_size = [], 0
        self._held.append(rest)
        self._held_size += len(rest)
        self._refuse_beyond(self._held_size, self._lines + len(self._ready) + 1)

    def _refuse_beyond(self, size: int, line: int) -> None:
        if size > PIECE_LIMIT:
            raise errors.TooLarge(
                f"the CSV cannot be read on: the row at line {line} is longer than one submission may be, "
                "or a quote in it is never closed",
                ja=f"CSV を読み進められません: {line} 行目の行が長すぎるか、引用符が閉じられていません",
            )

    def _decoded(self, data: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as problem:
            before = problem.object.count(b"\n", 0, problem.start)
            line = self._lines + len(self._ready) + before + 1
            raise errors.Malformed(
                f"the CSV is not UTF-8, from about line {line} on",
                ja=f"CSV の {line} 行目付近から UTF-8 ではありません",
            ) from problem


def _header(row: list[str]) -> list[tuple[str, ...]]:
    steps = [_pointer_steps(cell) for cell in row]
    for place, cell in enumerate(row):
        if steps[place] in steps[:place]:
            raise errors.Malformed(f"the header cell '{cell}' stands twice", ja=f"見出しのセル「{cell}」が2回あります")
    return steps


def _pointer_steps(cell: str) -> tuple[str, ...]:
    if not cell.startswith("/") or len(cell) < 2:
        raise errors.Malformed(
            f"the header cell '{cell}' is not a JSON pointer: write /localId, /body/title/ja, /body/samples/0/to",
            ja=f"見出しのセル「{cell}」は JSON ポインターではありません。/localId、/body/title/ja、/body/samples/0/to のように書いてください",
        )
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in cell[1:].split("/"))
    if len(steps) > DEPTH_LIMIT:
        raise errors.Malformed(
            f"the header cell '{cell[:60]}…' goes deeper than {DEPTH_LIMIT} levels",
            ja=f"見出しのセル「{cell[:60]}…」の階層が {DEPTH_LIMIT} を超えています",
        )
    return steps


def _put(value: dict[str, Any], path: tuple[str, ...], cell: str) -> None:
    inner = value
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
        if not isinstance(inner, dict):
            raise errors.Malformed(
                f"'/{'/'.join(path)}' lies inside a cell that is a value",
                ja=f"「/{'/'.join(path)}」は値の内側を指しています",
            )
    if path[-1] in inner:
        raise errors.Malformed(
            f"'/{'/'.join(path)}' has a cell of its own and others that lie inside it",
            ja=f"「/{'/'.join(path)}」に値のセルと、その内側を指すセルの両方があります",
        )
    inner[path[-1]] = cell


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_IN_QUANTITY = frozenset(("value", "min", "max", "uncertainty"))


def _number(cell: Any) -> Any:
    """The number that a cell spells, or the cell itself, of which the gate then says what it should be."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) is None:
        return cell
    whole = not any(letter in cell for letter in ".eE")
    number = float(cell)
    if whole and abs(number) <= INTEGER_LIMIT:
        return int(cell)
    if whole or not math.isfinite(number):
        raise errors.Malformed(
            f"the number {cell[:40]} is too large to be kept exactly", ja=f"数値 {cell[:40]} は大きすぎます"
        )
    return number


def _typed(value: Any, field: Field | None) -> Any:
    """Cells are texts: numbers and flags are read where the kind's schema asks for them, and nowhere else."""
    if field is None:
        return value
    if isinstance(value, list):
        return [_typed(item, field) for item in value]
    if isinstance(value, dict):
        if field.form == "quantity":
            return {key: _number(inner) if key in _IN_QUANTITY else inner for key, inner in value.items()}
        if field.form == "links":
            return {key: _number(inner) if key == "order" else inner for key, inner in value.items()}
        inside = {inner.name: inner for inner in field.fields}
        return {key: _typed(inner, inside.get(key)) for key, inner in value.items()}
    if field.scalar in ("integer", "number"):
        return _number(value)
    if field.scalar == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value


def _submission_of(value: dict[str, Any], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    value = _with_lists(value)
    if "revision" in value:
        value["revision"] = _number(value["revision"])
    kind = kinds.get(str(value.get("kind")))
    body = value.get("body")
    if kind is not None and isinstance(body, dict):
        value["body"] = {name: _typed(inner, kind.field.get(name)) for name, inner in body.items()}
    return value


def _with_lists(value: Any) -> Any:
    """Objects whose keys are all indices become lists; gaps left by empty cells close up."""
    if not isinstance(value, dict):
        return value
    if value and all(_ARRAY_INDEX.fullmatch(key) for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(inner) for key, inner in value.items()}


CUTS: Mapping[str, Callable[[Iterable[bytes], Mapping[str, Kind]], Iterator[Piece]]] = {
    "application/x-ndjson": _ndjson,
    "application/json": _array,
    "text/csv": _csv,
}
