"""A stream of bytes cut into submissions: NDJSON, a JSON array, or CSV, of any length and in bounded memory."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog import errors
from catalog.records.kinds import Field, Kind

PIECE_LIMIT = 16 * 1024 * 1024

_STRUCTURE = re.compile(rb'["\\{}\[\],]')
_BLANK = b" \t\r\n"
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,5}\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """One submission of a stream: its line (or its place in an array), and either its bytes, its value, or what is wrong."""

    line: int
    data: bytes | None = None
    value: dict[str, Any] | None = None
    problem: errors.CatalogError | None = None


# A sender that rests gives an empty chunk; what it has sent so far can then be entered and answered.
PAUSE = Piece(0)


def pieces(chunks: Iterable[bytes], media_type: str, kinds: Mapping[str, Kind]) -> Iterator[Piece]:
    """The submissions of a stream, in order; a piece that cannot be read says so and the rest goes on where it can."""
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


def _ndjson(chunks: Iterable[bytes], _: Mapping[str, Kind]) -> Iterator[Piece]:
    held: list[bytes] = []
    held_size = 0
    line = 0
    for chunk in chunks:
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
    stream = iter(chunks)
    data = b""
    for chunk in stream:
        data = (data + chunk).lstrip(_BLANK)
        if data:
            break
    if not data.startswith(b"["):
        raise errors.Malformed("a JSON array was expected: [ … ]", ja="JSON の配列 [ … ] が必要です")
    data = data[1:]
    place, depth, at, begin = 0, 0, 0, 0
    quoted = False
    while True:
        found = _STRUCTURE.search(data, at)
        if found is None:
            at = len(data)
            if at - begin > PIECE_LIMIT:
                yield _too_long(place + 1)
                return
            chunk = next(stream, b"")
            if not chunk:
                place += 1
                text = "the JSON array was never closed"
                yield Piece(place, problem=errors.Malformed(text, ja="JSON の配列が閉じられていません"))
                return
            data, at, begin = data[begin:] + chunk, at - begin, 0
            continue
        mark, at = found.group(), found.end()
        if quoted:
            if mark == b"\\":
                if at >= len(data):
                    # The escaped character comes with the next chunk: look at the backslash again then.
                    chunk = next(stream, b"")
                    if not chunk:
                        continue
                    data += chunk
                at += 1
            elif mark == b'"':
                quoted = False
        elif mark == b'"':
            quoted = True
        elif mark in b"{[":
            depth += 1
        elif mark in b"}]" and depth:
            depth -= 1
        elif mark == b"," or mark == b"]":
            if depth:
                continue
            text_of = data[begin : at - 1].strip(_BLANK)
            if text_of or mark == b",":
                place += 1
                yield Piece(place, text_of)
            data, at, begin = data[at:], 0, 0
            if mark == b"]":
                break
        elif mark == b"}":
            yield Piece(
                place + 1, problem=errors.Malformed("a '}' that closes nothing", ja="対応のない「}」があります")
            )
            return
    rest = data + b"".join(_bounded(stream))
    if rest.strip(_BLANK):
        place += 1
        yield Piece(
            place, problem=errors.Malformed("there is text after the array's end", ja="配列の後に余分な文字があります")
        )


def _bounded(stream: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the array, as far as it takes to see that it is not blank."""
    for chunk in stream:
        yield chunk
        if chunk.strip(_BLANK):
            return


def _csv(chunks: Iterable[bytes], kinds: Mapping[str, Kind]) -> Iterator[Piece]:
    """A row is a submission; a header cell is a JSON pointer into it; an empty cell says nothing."""
    rows = csv.reader(_text_lines(chunks), strict=True)
    try:
        header = next(rows, None)
    except csv.Error as problem:
        raise errors.Malformed(
            f"the CSV header cannot be read: {problem}", ja=f"CSV の見出し行が読めません: {problem}"
        ) from problem
    if header is None:
        return
    steps = [_pointer_steps(cell) for cell in header]
    while True:
        try:
            row = next(rows, None)
        except csv.Error as problem:
            text = f"this CSV row cannot be read: {problem}"
            yield Piece(rows.line_num, problem=errors.Malformed(text, ja=f"CSV の行が読めません: {problem}"))
            return
        if row is None:
            return
        if not any(row):
            continue
        if len(row) > len(steps):
            text = f"the row has {len(row)} cells and the header {len(steps)}"
            told = f"この行には {len(row)} 個のセルがありますが、見出しは {len(steps)} 個です"
            yield Piece(rows.line_num, problem=errors.Malformed(text, ja=told))
            continue
        value: dict[str, Any] = {}
        try:
            for path, cell in zip(steps, row, strict=False):
                if cell:
                    _put(value, path, cell)
            yield Piece(rows.line_num, value=_submission_of(value, kinds))
        except errors.Malformed as problem:
            yield Piece(rows.line_num, problem=problem)


def _text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    held = ""
    for chunk in chunks:
        held += _decoded(decoder.decode, chunk)
        *lines, held = held.split("\n")
        for line in lines:
            yield line + "\n"
        if len(held) > PIECE_LIMIT:
            raise errors.TooLarge("a CSV line is longer than one submission may be", ja="CSV の行が長すぎます")
    held += _decoded(lambda data: decoder.decode(data, final=True), b"")
    if held:
        yield held


def _decoded(decode: Callable[[bytes], str], data: bytes) -> str:
    try:
        return decode(data)
    except UnicodeDecodeError as problem:
        raise errors.Malformed("the CSV is not UTF-8", ja="CSV が UTF-8 ではありません") from problem


def _pointer_steps(cell: str) -> tuple[str, ...]:
    if not cell.startswith("/") or len(cell) < 2:
        raise errors.Malformed(
            f"the header cell '{cell}' is not a JSON pointer: write /localId, /body/title/ja, /body/samples/0/to",
            ja=f"見出しのセル「{cell}」は JSON ポインターではありません。/localId、/body/title/ja、/body/samples/0/to のように書いてください",
        )
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in cell[1:].split("/"))


def _put(value: dict[str, Any], path: tuple[str, ...], cell: str) -> None:
    inner = value
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
        if not isinstance(inner, dict):
            raise errors.Malformed(
                f"'/{'/'.join(path)}' lies inside a cell that is a value",
                ja=f"「/{'/'.join(path)}」は値の内側を指しています",
            )
    inner[path[-1]] = cell


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_IN_QUANTITY = frozenset(("value", "min", "max", "uncertainty"))


def _number(cell: Any) -> Any:
    """The number that a cell spells, or the cell itself, of which the gate then says what it should be."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) is None:
        return cell
    return float(cell) if any(letter in cell for letter in ".eE") else int(cell)


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
    if value and all(_ARRAY_INDEX.match(key) for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(inner) for key, inner in value.items()}


CUTS: Mapping[str, Callable[[Iterable[bytes], Mapping[str, Kind]], Iterator[Piece]]] = {
    "application/x-ndjson": _ndjson,
    "application/json": _array,
    "text/csv": _csv,
}
