"""How `catalog submit` finds out what a file is written in."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest

from catalog.cli.submitting import code_for, cut, guessed, summed
from catalog.errors import Malformed


@pytest.mark.parametrize(
    ("beginning", "form"),
    [
        (b'{"kind": "sample"}\n{"kind"', "ndjson"),
        (b'{"kind": "sample"}', "ndjson"),
        (b'{\n  "kind": "sample"', "json"),
        (b"[{", "json"),
        (b"/kind,/source\n", "csv"),
        (b'"/kind","/source"\n', "csv"),
        (b"kind,source\n", None),
        (b"", None),
    ],
)
def test_a_stream_shows_what_it_is_written_in_by_its_beginning(beginning: bytes, form: str | None) -> None:
    assert guessed(beginning) == form


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_single_object_is_read_as_a_list_of_one(bom: bytes) -> None:
    chunks, media_type = cut(io.BytesIO(bom + b'\n {\n"kind": "sample"}\n'), "json", Path("x.json"))
    assert b"".join(chunks) == b'[{\n"kind": "sample"}\n]'
    assert media_type == "application/json"


def test_what_cannot_be_guessed_is_asked_for() -> None:
    with pytest.raises(Malformed, match="--format json, ndjson or csv"):
        cut(io.BytesIO(b"hello"), None, Path("-"))
    assert cut(io.BytesIO(b"hello"), "csv", Path("-"))[1] == "text/csv"


def test_the_exit_code_says_whether_anything_was_left_out() -> None:
    assert code_for(Counter(created=3, unchanged=1)) == 0
    assert code_for(Counter(created=3, conflict=1)) == 4
    assert code_for(Counter(conflict=1, refused=1)) == 1
    assert code_for(Counter(quarantined=1)) == 1
    assert summed(Counter(created=1200, refused=1), dry_run=True) == "would be: created 1,200, refused 1"
    assert summed(Counter(), dry_run=False) == "there was nothing in it"
