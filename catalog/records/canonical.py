"""One text for one content: RFC 8785, and the hash that says whether a submission brings anything new."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

import orjson
import rfc8785

from catalog.errors import Malformed
from catalog.records.record import Submission

# orjson writes what RFC 8785 asks for, except: floats with an exponent or ending in .0, floats small or large enough
# for JavaScript to write an exponent, and the order of keys beyond U+FFFF (bytes there, UTF-16 units here). A hit
# inside a string costs the slower way, never a wrong text.
_DIFFERS: Final = re.compile(rb"[0-9][eE][-+0-9]|\.0[,\]}]|\.0$|[^0-9]0\.00000|^0\.00000|[\xf0-\xf4]")
_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: Any) -> bytes:
    """The value as RFC 8785 writes it."""
    try:
        text = orjson.dumps(value, option=_SORTED)
        if _DIFFERS.search(text) is None:
            return text
        return rfc8785.dumps(value)
    except (orjson.JSONEncodeError, rfc8785.CanonicalizationError, RecursionError) as cause:
        raise Malformed(
            f"this content has no canonical form (RFC 8785): {cause}",
            ja=f"この内容には正規形（RFC 8785）がありません: {cause}",
        ) from cause


def hash_of(value: Any) -> str:
    """SHA-256, in hex, of the value's canonical form."""
    return sha256(canonical(value)).hexdigest()


def content_hash(submission: Submission) -> str:
    """The hash of what a submission says; scope, status and files are no part of it."""
    return hash_of(
        {
            "kind": submission.kind,
            "source": submission.source,
            "localId": submission.local_id,
            "profile": submission.profile,
            "body": submission.body,
        }
    )
