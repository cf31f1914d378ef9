"""One text for one content: RFC 8785, and the hash that says whether a submission brings anything new."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

import orjson
import rfc8785

from catalog.errors import Malformed
from catalog.records.record import Submission

# orjson writes what RFC 8785 asks for, except: floats that are whole (5.0), which it writes with their .0; floats with
# an exponent, or so small that JavaScript would write one; and the order of keys beyond U+FFFF (bytes there, UTF-16
# units here). Each is looked for with what is quickest; a hit inside a string costs the slower way, never a wrong text.
_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_WHOLE: Final = re.compile(rb"\.0[,\]}]|\.0\Z")
_EXPONENT: Final = re.compile(rb"e[-+0-9](?<=[0-9]e.)")
_BELOW_ASTRAL: Final = bytes(range(0xF0))


def canonical(value: Any) -> bytes:
    """The value as RFC 8785 writes it."""
    try:
        text = orjson.dumps(value, option=_SORTED)
        if _WHOLE.search(text) is not None:
            text = _with_whole_numbers(text)
        # orjson writes NaN as null, so a null is worth a look.
        if b"null" in text and orjson.loads(text) != value:
            return rfc8785.dumps(value)
        if not (_EXPONENT.search(text) or _WHOLE.search(text) or text.translate(None, _BELOW_ASTRAL)):
            return text
        return rfc8785.dumps(value)
    except (orjson.JSONEncodeError, rfc8785.CanonicalizationError, RecursionError) as cause:
        raise Malformed(
            f"this content has no canonical form (RFC 8785): {cause}",
            ja=f"この内容には正規形（RFC 8785）がありません: {cause}",
        ) from cause


def _with_whole_numbers(text: bytes) -> bytes:
    """The text with 5 for 5.0, where that stands between its quotes and not in them; what is doubtful stays as it is."""
    if b"\\" in text:
        return text
    parts: list[bytes] = []
    taken = 0
    for found in _WHOLE.finditer(text):
        at = found.start()
        if text.count(b'"', 0, at) % 2 == 0 and text[at - 2 : at] != b"-0":
            parts.append(text[taken:at])
            taken = at + 2
    parts.append(text[taken:])
    return b"".join(parts)


def content_hash(submission: Submission) -> str:
    """The hash of what a submission says; scope, status and files are no part of it."""
    # Written out in the order that RFC 8785 gives its keys: names are texts, which orjson writes as it asks.
    parts = b'{"body":%b,"kind":%b,"localId":%b,"profile":%b,"source":%b}' % (
        canonical(submission.body),
        orjson.dumps(submission.kind),
        orjson.dumps(submission.local_id),
        orjson.dumps(submission.profile),
        orjson.dumps(submission.source),
    )
    return sha256(parts).hexdigest()
