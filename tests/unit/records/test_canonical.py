"""One content has one hash, however it was written."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Malformed
from catalog.records.canonical import canonical, content_hash
from catalog.records.kinds import load_kinds
from catalog.records.record import Submission
from tests.strategies import floats, json_values, submissions

KINDS = load_kinds()


@given(json_values)
def test_the_quick_way_writes_what_rfc_8785_says(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.lists(floats | st.floats(-1e-4, 1e-4) | st.integers(-(10**9), 10**9).map(float)))
def test_numbers_are_written_as_rfc_8785_says(values: list[float]) -> None:
    assert canonical(values) == rfc8785.dumps(values)


@pytest.mark.parametrize("text", ["a.0", "1e5", "😀", "\ue000", "0.000001", "\x1f\x7f\u2028", '"\\'])
def test_texts_that_look_like_numbers_or_sort_otherwise_are_written_rightly(text: str) -> None:
    value = {text: [text, 1.0, 1e-7], "\ufb01": 1, "😀": 2}

    assert canonical(value) == rfc8785.dumps(value)


@given(json_values, st.randoms())
def test_the_order_of_keys_says_nothing(value: Any, chance: random.Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(each)) for key, each in value.items()]
            chance.shuffle(items)
            return dict(items)
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    assert canonical(shuffled(value)) == canonical(value)


@given(submissions(KINDS))
def test_the_hash_is_of_what_is_said_and_not_of_scope_status_or_files(submission: Submission) -> None:
    told = {
        "kind": submission.kind,
        "source": submission.source,
        "localId": submission.local_id,
        "profile": submission.profile,
        "body": submission.body,
    }

    assert content_hash(submission) == sha256(rfc8785.dumps(told)).hexdigest()
    assert content_hash(submission) == content_hash(
        replace(submission, scope="a", status="draft", revision=3, files=({"path": "x"},))
    )
    assert content_hash(submission) != content_hash(replace(submission, profile="other@1"))
    again = json.loads(json.dumps(submission.body))
    assert content_hash(replace(submission, body=again)) == content_hash(submission)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {"a": {1: 2}}, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        canonical(value)
