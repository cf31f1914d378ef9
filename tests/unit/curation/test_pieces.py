"""A stream cut into submissions: the same pieces wherever its chunks end, and a word for each that cannot be one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice, pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.curation.pieces import PAUSE, PIECE_LIMIT, Piece, pieces
from catalog.errors import CatalogError, Malformed, TooLarge
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.parse import parse
from tests.strategies import json_values

NDJSON, ARRAY, CSV = "application/x-ndjson", "application/json", "text/csv"
MARK = b"\xef\xbb\xbf"


@cache
def kinds() -> Kinds:
    return load_kinds()


def cut(media_type: str, *chunks: bytes) -> list[tuple[int, bytes | str | None]]:
    """Line and content of each piece, or what is wrong with it; what ends the stream stands last, with a 0."""
    found: list[tuple[int, bytes | str | None]] = []
    try:
        found.extend(
            (piece.line, str(piece.problem) if piece.problem else piece.data)
            for piece in pieces(chunks, media_type, kinds())
            if piece is not PAUSE
        )
    except CatalogError as problem:
        found.append((0, str(problem)))
    return found


def rows(text: str) -> list[Any]:
    """What each row of a CSV says, or what is wrong with it."""
    told = pieces([text.encode()], CSV, kinds())
    return [orjson.loads(each.data) if each.data is not None else str(each.problem) for each in told]


objects = st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=4), json_values, max_size=3)
blanks = st.text(" \t\r\n", max_size=3)
borders = st.lists(st.integers(0, 400), max_size=12)


def chunked(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The data in chunks that end at these places; two at one place make an empty chunk, which is a rest."""
    ends = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[Any], bytes]:
    values = draw(st.lists(objects, max_size=5))
    escaped = draw(st.booleans())
    spaced = [draw(blanks) + json.dumps(each, ensure_ascii=escaped) + draw(blanks) for each in values]
    return values, (draw(blanks) + "[" + (",".join(spaced) or draw(blanks)) + "]" + draw(blanks)).encode()


@given(arrays(), borders, st.booleans())
def test_an_array_gives_its_elements_wherever_its_chunks_end(
    made: tuple[list[Any], bytes], places: list[int], marked: bool
) -> None:
    values, text = made
    data = MARK + text if marked else text
    found = cut(ARRAY, *chunked(data, places))
    assert [place for place, _ in found] == list(range(1, len(values) + 1))
    assert [json.loads(each or b"") for _, each in found] == values


@given(st.lists(objects | st.none(), max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans(), borders)
def test_ndjson_gives_its_lines_by_their_numbers_wherever_its_chunks_end(
    values: list[Any], newline: str, ended: bool, places: list[int]
) -> None:
    lines = [json.dumps(each) if each is not None else "" for each in values]
    data = (newline.join(lines) + (newline if ended else "")).encode()
    found = cut(NDJSON, *chunked(data, places))
    assert [(line, json.loads(each or b"")) for line, each in found] == [
        (line, each) for line, each in enumerate(values, 1) if each is not None
    ]


cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells, cells), max_size=5), borders)
def test_csv_gives_its_rows_wherever_its_chunks_end(table: list[tuple[str, str, str]], places: list[int]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("/kind", "/source", "/body/title/ja"))
    writer.writerows(table)
    found = cut(CSV, *chunked(file.getvalue().encode(), places))
    assert [json.loads(each or b"") for _, each in found] == [
        {
            **({"kind": kind} if kind else {}),
            **({"source": source} if source else {}),
            **({"body": {"title": {"ja": title}}} if title else {}),
        }
        for kind, source, title in table
        if kind or source or title
    ]


@given(st.binary(max_size=120) | st.text('[]{},:"\\ a1\n', max_size=60).map(str.encode), borders)
def test_whatever_comes_is_cut_the_same_wherever_its_chunks_end(data: bytes, places: list[int]) -> None:
    for media_type, begun in ((NDJSON, b""), (ARRAY, b"["), (CSV, b"/kind,/localId\n")):
        assert cut(media_type, *chunked(begun + data, places)) == cut(media_type, begun + data)


@given(st.text('[]{},:"\\ a1', max_size=40))
def test_what_is_json_is_never_refused_and_an_array_that_is_not_is_told(text: str) -> None:
    data = f"[{text}]".encode()
    found = cut(ARRAY, data)
    try:
        values = json.loads(data)
    except ValueError:
        assert any(place == 0 or not reads(each) for place, each in found)
    else:
        assert [json.loads(each or b"") for _, each in found] == values


def reads(text: bytes | str | None) -> bool:
    try:
        parse(text if isinstance(text, bytes) else b"")
    except Malformed:
        return False
    return True


def test_a_rest_is_passed_on_and_ends_nothing() -> None:
    for media_type, before, after in (
        (ARRAY, b'[{"a":"x\\', b'\\"}, {"b":1}]'),
        (NDJSON, b'{"a":"x\\', b'\\"}\n{"b":1}'),
        (CSV, b"/kind\nsam", b"ple\nsample\n"),
    ):
        assert cut(media_type, before, b"", after) == cut(media_type, before + after)
        assert len(cut(media_type, before, b"", b"", after, b"")) == 2
        assert PAUSE in list(pieces([b"", before, b"", after], media_type, kinds()))


def test_what_a_sender_sent_before_it_rests_comes_before_the_rest() -> None:
    chunks = {
        ARRAY: (b'[{"a":1},', b' {"a":2}]'),
        NDJSON: (b'{"a":1}\n', b'{"a":2}'),
        CSV: (b"/localId\n1\n", b"2\n"),
    }
    for media_type, (before, after) in chunks.items():
        found = [piece is PAUSE for piece in pieces([before, b"", after], media_type, kinds())]
        assert found == [False, True, False], media_type


def test_pieces_come_as_soon_as_they_are_whole() -> None:
    asked = 0

    def endless(chunk: bytes) -> Iterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield chunk

    for media_type, first, chunk in (
        (NDJSON, b"", b"{}\n"),
        (ARRAY, b"[", b"{},"),
        (CSV, b"/kind\n", b"a\n"),
    ):
        asked = 0
        stream = (each for part in ([first], endless(chunk)) for each in part if each)
        assert len(list(islice(pieces(stream, media_type, kinds()), 5))) == 5
        assert asked <= 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "array was expected"),
        (b"  ", "array was expected"),
        (b"x", "array was expected"),
        (b'[{"a":1}', "never closed; 0 of its elements"),
        (b'[{"a":1},', "never closed; 1 of its elements"),
        (b'[{"a":"]', "never closed"),
        (b'[{"a":1}}]', "closes nothing"),
        (b'[{"a":1}] x', "after the array's end"),
        (b"[][]", "after the array's end"),
    ],
)
def test_an_array_that_is_none_raises_after_what_could_be_read(text: bytes, told: str) -> None:
    *before, (last, problem) = cut(ARRAY, text)
    assert last == 0
    assert told in str(problem)
    assert all(place for place, _ in before)


def test_an_element_that_is_missing_between_commas_is_a_piece_that_cannot_be_read() -> None:
    assert cut(ARRAY, b'[{"a":1},,{"b":2}]') == [(1, b'{"a":1}'), (2, b""), (3, b'{"b":2}')]
    assert cut(ARRAY, b'[{"a":1},]') == [(1, b'{"a":1}'), (2, b"")]
    assert cut(ARRAY, b" [ ] ") == []


@pytest.mark.parametrize("chunk", [1 << 16, 5_000_000, 1 << 30])
def test_a_piece_past_the_limit_costs_only_itself(chunk: int) -> None:
    fits, beyond = b'"' + b"x" * (PIECE_LIMIT - 2) + b'"', b'"' + b"x" * (PIECE_LIMIT - 1) + b'"'
    for media_type, data in (
        (NDJSON, b"\n".join((b"1", fits, beyond, b"2", beyond))),
        (ARRAY, b"[" + b",".join((b"1", fits, beyond, b"2", beyond)) + b"]"),
    ):
        found = cut(media_type, *(data[at : at + chunk] for at in range(0, len(data), chunk)))
        assert [(place, each if isinstance(each, str) else len(each or b"")) for place, each in found] == [
            (1, 1),
            (2, PIECE_LIMIT),
            (3, "one submission may have 16 MiB at most"),
            (4, 1),
            (5, "one submission may have 16 MiB at most"),
        ]


def test_a_long_piece_in_small_chunks_takes_time_that_grows_as_its_length() -> None:
    # 4 MiB in chunks of 64 bytes: where each chunk copied what is held, this took minutes.
    data = b'["' + b"x" * (4 << 20) + b'"]'
    for media_type, text in ((ARRAY, data), (NDJSON, data)):
        assert len(cut(media_type, *(text[at : at + 64] for at in range(0, len(text), 64)))) == 1


def test_a_form_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(Malformed, match="text/csv"):
        pieces([], "text/html", {})


def test_cells_become_what_the_kinds_schema_asks_for_and_nothing_else() -> None:
    header = (
        "/kind,/source,/localId,/revision,/body/title/en,/body/amount/value,/body/amount/unit,/body/derivedFrom/0/to,"
        "/body/derivedFrom/0/order,/body/derivedFrom/1/to,/body/details/count,/body/formula\n"
    )
    assert rows(header + "sample,lab,007,3,12,1.50,mg,sample/lab/a,2,sample/lab/b,42,true\n") == [
        {
            "kind": "sample", "source": "lab", "localId": "007", "revision": 3,
            "body": {
                "title": {"en": "12"}, "amount": {"value": 1.5, "unit": "mg"},
                "derivedFrom": [{"to": "sample/lab/a", "order": 2}, {"to": "sample/lab/b"}],
                "details": {"count": "42"}, "formula": "true",
            },
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "becomes"),
    [
        ("1", 1), ("-0", 0), ("1e3", 1000.0), ("9007199254740991", 9007199254740991), ("cold", "cold"), ("0x10", "0x10"),
        ("1,5", "1,5"), ("NaN", "NaN"), ("Infinity", "Infinity"), ("١", "١"), ("1_000", "1_000"), (" 1", " 1"), ("01", "01"),
    ],
)  # fmt: skip
def test_a_cell_is_a_number_only_if_it_is_written_as_one(cell: str, becomes: Any) -> None:
    (row,) = rows(f'/kind,/body/amount/value\nsample,"{cell}"\n')
    assert row["body"]["amount"]["value"] == becomes
    assert type(row["body"]["amount"]["value"]) is type(becomes)


@pytest.mark.parametrize("cell", ["9007199254740992", "-9007199254740993", "1e999", "9" * 5000])
def test_a_number_that_cannot_be_kept_costs_only_its_row(cell: str) -> None:
    wrong, right = rows(f"/kind,/body/amount/value\nsample,{cell}\nsample,1\n")
    assert "too large to be kept exactly" in wrong
    assert right["body"] == {"amount": {"value": 1}}


def test_keys_that_only_begin_as_an_index_make_no_list() -> None:
    assert rows("/body/details/0abc,/body/details/1\nx,y\n") == [{"body": {"details": {"0abc": "x", "1": "y"}}}]
    assert rows("/body/details/10,/body/details/9\nx,y\n") == [{"body": {"details": ["y", "x"]}}]
    assert rows("/body/a~1b,/body/~01\nx,y\n") == [{"body": {"a/b": "x", "~1": "y"}}]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("kind", "not a JSON pointer"),
        ("/", "not a JSON pointer"),
        ("/kind,", "not a JSON pointer"),
        ("/kind,/source,/kind", "'/kind' stands twice"),
        ("/body" + "/a" * 60_000, "deeper than 200 levels"),
        ('"/kind', "cannot be read from line"),
    ],
)
def test_a_header_that_says_nothing_clear_is_refused(header: str, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        rows(header + "\nx\n")
    assert rows("/body" + "/a" * 199 + "\n") == []


def test_a_value_and_what_lies_inside_it_cannot_both_be_given() -> None:
    for header, alone in (("/body/title,/body/title/en", "a"), ("/body/title/en,/body/title", {"en": "a"})):
        both, one, _ = rows(f"{header}\na,b\na,\n,b\n")
        assert "inside" in both
        assert one["body"] == {"title": alone}


def test_a_row_with_too_many_cells_costs_only_itself_and_one_with_fewer_says_less() -> None:
    assert rows("/kind,/source\na,b,c\na\n\n,\na,b\n") == [
        "the row has 3 cells and the header 2",
        {"kind": "a"},
        {"kind": "a", "source": "b"},
    ]


@pytest.mark.parametrize(
    ("rest", "type_", "told"),
    [
        (b'"a"b\nc\n', Malformed, "from line 3 on"),
        (b'"never closed\nc\n', Malformed, "cannot be read from line"),
        (b"\xff\n", Malformed, "not UTF-8, from about line 3"),
        (b"x" * (PIECE_LIMIT + 1), TooLarge, "line 3"),
        (b'"' + (b"x" * 99 + b"\n") * 180_000, TooLarge, "row at line 3 .* never closed"),
        (b'"x",' + (b'"' + b"y" * 96 + b'\n",') * 180_000, TooLarge, "row at line 3"),
    ],
    ids=["quote", "open", "latin", "line", "open-for-ever", "cells-for-ever"],
)
def test_csv_that_cannot_be_read_on_raises_after_the_rows_before(
    rest: bytes, type_: type[Exception], told: str
) -> None:
    found: list[Piece] = []

    def chunks() -> Iterable[bytes]:
        yield b"/kind\nsample\n"
        for at in range(0, len(rest), 1 << 20):
            yield rest[at : at + (1 << 20)]

    with pytest.raises(type_, match=told):
        found.extend(pieces(chunks(), CSV, kinds()))
    assert [piece.data for piece in found] == [b'{"kind":"sample"}']


def test_a_nul_in_a_cell_is_refused_like_one_in_json() -> None:
    (piece,) = pieces([b"/kind\na\0b\n"], CSV, kinds())
    with pytest.raises(Malformed, match="NUL"):
        parse(piece.data or b"")
