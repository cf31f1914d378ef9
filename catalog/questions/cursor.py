"""A place in an ordered list, as clients carry it: opaque, and refused if it was altered or belongs to another order."""

from __future__ import annotations

import binascii
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2s

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from catalog.errors import Invalid
from catalog.questions.question import After, Order

LONGEST = 8_192
_CHECK = 6
_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
# How many digits a cursor has is not to be seen at its length.
_DIGITS = 64


def write_cursor(after: After, order: Sequence[Order], key: bytes | None = None) -> str:
    """The place as text that needs no escaping in an address; with a key so that nobody else reads or makes one.

    Links need the key: their places count hidden ones too, and where one names a record it would be seen whether there is one.
    """
    payload = orjson.dumps([list(after.values), after.id])
    if key is None:
        made = _check(payload, order) + payload
    else:
        payload += b" " * (-len(payload.translate(None, _NOT_DIGITS)) % _DIGITS)
        # The same place has the same cursor each time.
        made = _cipher(key).encrypt(payload, [_named(order)])
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def read_cursor(text: str, order: Sequence[Order], key: bytes | None = None) -> After:
    """The place that a cursor names, or Invalid: it must be one that was made for a list in this very order, with this key."""
    if len(text) > LONGEST:
        raise _refused()
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        if key is not None:
            payload = _cipher(key).decrypt(raw, [_named(order)])
        else:
            check, payload = raw[:_CHECK], raw[_CHECK:]
            # The check makes a slip evident, and a cursor of another order; without a key it holds nothing that would need one.
            if check != _check(payload, order):
                raise _refused()
        values, last = orjson.loads(payload)
    except (ValueError, binascii.Error, InvalidTag) as cause:
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
    return blake2s(_named(order) + b"\0" + payload, digest_size=_CHECK).digest()


def _named(order: Sequence[Order]) -> bytes:
    return ",".join(f"{'-' if one.descending else '+'}{one.by}.{one.language or ''}" for one in order).encode()


@lru_cache(8)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(key)


def _refused() -> Invalid:
    return Invalid(
        "cursor: this is not a cursor of a list in this order; take the one that the page before ended with, or leave it out to begin anew",
        ja="cursor: この並び順の一覧のカーソルではありません。前のページの最後に示されたカーソルを使うか、指定せずに最初から始めてください",
    )
