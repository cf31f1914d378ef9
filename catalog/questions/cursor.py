"""A place in an ordered list, as clients carry it: opaque, and refused if it was altered or belongs to another order."""

from __future__ import annotations

import binascii
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2s

import orjson

from catalog.errors import Invalid
from catalog.questions.question import After, Order

LONGEST = 8_192
_CHECK = 6


def write_cursor(after: After, order: Sequence[Order]) -> str:
    """The place as text that needs no escaping in an address."""
    payload = orjson.dumps([list(after.values), after.id])
    return urlsafe_b64encode(_check(payload, order) + payload).rstrip(b"=").decode()


def read_cursor(text: str, order: Sequence[Order]) -> After:
    """The place that a cursor names, or Invalid: it must be one that was made for a list in this very order."""
    if len(text) > LONGEST:
        raise _refused()
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        check, payload = raw[:_CHECK], raw[_CHECK:]
        # The check makes a slip evident, and a cursor of another order; a cursor holds nothing that would need a secret.
        if check != _check(payload, order):
            raise _refused()
        values, last = orjson.loads(payload)
    except (ValueError, binascii.Error) as cause:
        raise _refused() from cause
    # A hand-made cursor with a right check must still be of the right shape before it is bound to a statement.
    if (
        not isinstance(values, list)
        or len(values) != len(order)
        or not isinstance(last, str)
        or not all(map(_is_value, values))
    ):
        raise _refused()
    return After(tuple(values), last)


def _is_value(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def _check(payload: bytes, order: Sequence[Order]) -> bytes:
    told = ",".join(f"{'-' if one.descending else '+'}{one.by}.{one.language or ''}" for one in order)
    return blake2s(told.encode() + b"\0" + payload, digest_size=_CHECK).digest()


def _refused() -> Invalid:
    return Invalid(
        "cursor: this is not a cursor of a list in this order; take `next` from the page before, or leave it out to begin anew",
        ja="cursor: この並び順の一覧のカーソルではありません。前のページの next を使うか、指定せずに最初から始めてください",
    )
