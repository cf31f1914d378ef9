"""JSON is read exactly or not at all, and whoever sent it is told where and why."""

from __future__ import annotations

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given

from catalog.errors import Malformed
from catalog.records.parse import DEPTH_LIMIT, parse, parse_with_text, read_submission
from tests.strategies import json_values


@given(json_values)
def test_what_is_written_is_read_again_whoever_wrote_it(value: Any) -> None:
    compact = orjson.dumps(value)

    assert parse(compact) == value
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=2).encode()) == value


@pytest.mark.parametrize(
    ("text", "why", "place"),
    [
        (b'{"a":1, "b":{"a":1},\n "a":2}', "'a' stands twice", "line 2, column 2 (byte 22)"),
        (b'{"a":1,"\\u0061":2}', "'a' stands twice", "byte 7"),
        (b'[{"x":1},{"x":1,"x":1}]', "'x' stands twice", "byte 16"),
        (b'{"x": "\\":", "a": 1, "a": 2}', "'a' stands twice", "byte 21"),
        (b'{"a\\\\": 1, "a\\\\": 2}', "stands twice", "byte 11"),
        (b"[NaN]", "NaN is no number", "byte 1"),
        (b"[1,-Infinity]", "-Infinity is no number", "byte 3"),
        (b"[1e400]", "1e400 is no number", "byte 1"),
        (b"[9007199254740992]", "past 2^53 - 1", "byte 1"),
        (b"[-9007199254740993 ]", "past 2^53 - 1", "byte 1"),
        (b"[123456789012345678901234567890]", "past 2^53 - 1", "byte 1"),
        (b'{"\\u0000":1}', "NUL", "byte 1"),
        (b'["a", "\\u0000"]', "NUL", "byte 6"),
        (b'{"x":"\\ud800"}', "half of a surrogate pair", "byte 6"),
        (b'["\xed\xa0\x80"]', "half of a surrogate pair", "byte 2"),
        (b'["\xff"]', "not UTF-8", "byte 2"),
        (b"", "nothing in it", "byte 0"),
        (b" \n", "nothing in it", "byte 0"),
        (b'{"a" 1}', "expected ':'", "byte 5"),
        (b"[1]x", "unexpected content", "byte 3"),
        ('["あ", tru]'.encode(), "invalid literal", "line 1, column 7 (byte 8)"),
        (b'["a\tb"]', "control character", "byte 3"),
        (b"[01]", "", "byte"),
        (b"[1.]", "", "byte"),
        (b"[.5]", "", "byte"),
        (b"[+1]", "", "byte"),
        (b"[1,]", "", "byte"),
        (b"{'a':1}", "", "byte"),
        (b'["\\x41"]', "", "byte"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused_with_its_place_in_two_languages(
    text: bytes, why: str, place: str
) -> None:
    with pytest.raises(Malformed) as refused:
        parse(text)

    assert why in refused.value.messages["en"]
    assert place in refused.value.messages["en"]
    assert "バイト目" in refused.value.messages["ja"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[9007199254740991,-9007199254740991]", [9007199254740991, -9007199254740991]),
        (b'["\\\\u0000"]', ["\\u0000"]),
        (b'["12345678901234567890"]', ["12345678901234567890"]),
        (b"[12345678901234567890.5]", [12345678901234567890.5]),
        (b'"\\ud83d\\ude00"', "😀"),
        (b"\xef\xbb\xbf[1]", [1]),
        (b'{"__proto__":1,"constructor":2,"@id":3}', {"__proto__": 1, "constructor": 2, "@id": 3}),
        (b"[-0.0,1.50,1E2]", [-0.0, 1.5, 100.0]),
    ],
)
def test_what_only_looks_wrong_is_read(text: bytes, value: Any) -> None:
    assert parse(text) == value


def test_depth_is_bounded_and_a_hundred_thousand_levels_do_no_harm() -> None:
    assert parse(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT)
    for text in (
        b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1),
        b"[" * (DEPTH_LIMIT + 1) + b" " + b"]" * (DEPTH_LIMIT + 1),
        b'{"a":' * (DEPTH_LIMIT + 1) + b"1" + b"}" * (DEPTH_LIMIT + 1),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ):
        with pytest.raises(Malformed, match=f"more than {DEPTH_LIMIT} deep"):
            parse(text)


def test_brackets_in_strings_and_beside_each_other_are_not_depth() -> None:
    value = [["[" * 300], *([[]] * 300)]

    assert parse(orjson.dumps(value)) == value
    assert parse(json.dumps(value).encode()) == value


def test_a_large_text_that_goes_wrong_at_its_end_is_refused_soon() -> None:
    text = b"[" + b'{"name":"a","value":[1,2,3]},' * 20_000 + b'{"a":1,"a":2}]'

    start = time.process_time()
    with pytest.raises(Malformed, match="'a' stands twice"):
        parse(text)
    assert time.process_time() - start < 10  # it takes 0.4 s, and grows with the text, not with its square


def test_it_is_known_whether_the_text_is_what_would_be_written() -> None:
    assert parse_with_text(b'{"b":1,"a":[1.5]}') == ({"b": 1, "a": [1.5]}, True)
    assert parse_with_text(b'{"b": 1}') == ({"b": 1}, False)
    assert parse_with_text(b"[1.50]") == ([1.5], False)


SUBMISSION = {"kind": "sample", "source": "spring8", "localId": "s/1", "body": {"title": {"en": "a"}}}


def test_an_envelope_is_read_and_the_body_left_as_it_is() -> None:
    value = {
        **SUBMISSION,
        "profile": "spring8-sample@1",
        "scope": "spring8",
        "status": "draft",
        "revision": 3,
        "files": [{"path": "a"}],
    }

    submission = read_submission(value)

    assert (submission.kind, submission.source, submission.local_id) == ("sample", "spring8", "s/1")
    assert (submission.profile, submission.scope, submission.status, submission.revision) == (
        "spring8-sample@1",
        "spring8",
        "draft",
        3,
    )
    assert submission.files == ({"path": "a"},)
    assert submission.body is value["body"]
    assert submission.as_sent is None


def test_the_text_is_kept_only_where_it_is_not_what_would_be_written() -> None:
    assert read_submission(orjson.dumps(SUBMISSION)).as_sent is None
    pretty = json.dumps(SUBMISSION, indent=1)
    assert read_submission(pretty.encode()).as_sent == pretty


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": None}, "kind is null"),
        ({"kind": "a/b"}, "kind 'a/b'"),
        ({"source": "a/b"}, "source 'a/b'"),
        ({"source": 1}, "source must be a string"),
        ({"localId": "a//b"}, "local id 'a//b'"),
        ({"localId": ""}, "local id '' is empty"),
        ({"body": []}, "body must be an object"),
        ({"title": "x"}, "'title' is not known here"),
        ({"status": "withdrawn"}, "status is 'withdrawn'"),
        ({"revision": True}, "revision must be an integer"),
        ({"revision": -1}, "revision must not be negative"),
        ({"files": {}}, "files must be a list"),
        ({"files": [1]}, "files/0 must be an object"),
        ({"profile": 1}, "profile must be a string"),
    ],
)
def test_an_envelope_that_is_not_one_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_submission({**SUBMISSION, **change})

    assert why in refused.value.messages["en"]
    assert refused.value.messages["ja"] != refused.value.messages["en"]


@pytest.mark.parametrize("missing", ["kind", "source", "body"])
def test_kind_source_and_body_must_be_there(missing: str) -> None:
    value = {key: each for key, each in SUBMISSION.items() if key != missing}

    with pytest.raises(Malformed):
        read_submission(value)
    with pytest.raises(Malformed):
        read_submission([value])
