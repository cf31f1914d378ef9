"""How a record is named: local ids to and from the form in which they stand in addresses, and minted ones."""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from catalog.errors import Malformed

MAX_LOCAL_ID_BYTES: Final = 512
KIND_PATTERN: Final = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
SOURCE_PATTERN: Final = r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"
# No lookahead, so that every engine of JSON Schema patterns can run it: a segment that is neither "." nor "..".
_PLAIN: Final = r"(?:[A-Za-z0-9_~-]|%[0-9A-F]{2})"
_ANY: Final = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})"
_SEGMENT: Final = rf"(?:{_PLAIN}{_ANY}*|\.{_PLAIN}{_ANY}*|\.\.{_ANY}+)"
LOCAL_PATTERN: Final = rf"{_SEGMENT}(?:/{_SEGMENT})*"
# An IRI that RDF can hold: a scheme, and none of the characters that RFC 3987 forbids.
IRI_PATTERN: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\x9f<>\"{}|\\^`\u2028\u2029\u3000\u00a0]+"

_KIND: Final = re.compile(KIND_PATTERN)
_SOURCE: Final = re.compile(SOURCE_PATTERN)
_PLAIN_LOCAL: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_~.-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_RECORD_ID: Final = re.compile(rf"({KIND_PATTERN})/({SOURCE_PATTERN})/({LOCAL_PATTERN})")
_IRI: Final = re.compile(IRI_PATTERN)
# Crockford's alphabet: no letters that are read as digits, and it sorts as its values do.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def _refuse(local_id: str, what: str, ja: str) -> Malformed:
    shown = local_id if len(local_id) <= 80 else local_id[:77] + "..."
    return Malformed(f"local id {shown!r} {what}", ja=f"ローカルID {shown!r} {ja}")


def check_local_id(local_id: str) -> str:
    """The local id itself if it keeps the rules, else Malformed with the rule that it breaks."""
    if len(local_id) <= MAX_LOCAL_ID_BYTES and _PLAIN_LOCAL.fullmatch(local_id):
        return local_id
    if not local_id:
        raise _refuse(local_id, "is empty; leave it out to get one", "が空です。省略すれば自動で付与されます")
    if _CONTROL.search(local_id):
        raise _refuse(local_id, "holds a control character", "に制御文字が含まれています")
    try:
        size = len(local_id.encode())
    except UnicodeEncodeError as cause:
        raise _refuse(local_id, "holds half of a surrogate pair", "に不完全なサロゲートが含まれています") from cause
    if size > MAX_LOCAL_ID_BYTES:
        raise _refuse(
            local_id,
            f"has {size} bytes in UTF-8; {MAX_LOCAL_ID_BYTES} are allowed",
            f"はUTF-8で{size}バイトです。上限は{MAX_LOCAL_ID_BYTES}バイトです",
        )
    if not unicodedata.is_normalized("NFC", local_id):
        raise _refuse(
            local_id,
            "is not in Unicode normal form C; send the composed form",
            "はUnicode正規化形式Cではありません。合成済みの形で送ってください",
        )
    for segment in local_id.split("/"):
        if segment in ("", ".", ".."):
            raise _refuse(
                local_id,
                f"has the segment {segment!r} between slashes; empty, '.' and '..' are not allowed",
                f"のスラッシュの間に {segment!r} があります。空、「.」、「..」は使えません",
            )
    return local_id


def encode_local(local_id: str) -> str:
    """The form of a local id in a record's id: `A-Za-z0-9-._~/` stay, all else is %XX of its UTF-8."""
    return quote(check_local_id(local_id), safe="/")


def decode_local(encoded: str) -> str:
    """The local id of which this is the encoded form; Malformed for anything that `encode_local` would not write."""
    try:
        local_id = unquote_to_bytes(encoded).decode()
        written = encode_local(local_id)
    except UnicodeError as cause:
        raise _refuse(
            encoded, "is not the encoding of UTF-8 text", "はUTF-8の文字列を符号化したものではありません"
        ) from cause
    if written != encoded:
        raise _refuse(
            encoded,
            f"is not in its one encoded form, which is {written!r}",
            f"は正規の符号化ではありません。正しくは {written!r} です",
        )
    return local_id


def check_kind_name(kind: str) -> str:
    """The name itself if a kind may bear it, else Malformed."""
    if not _KIND.fullmatch(kind):
        raise Malformed(
            f"kind {kind!r} is not a name of small letters, digits and single hyphens",
            ja=f"種別 {kind!r} は英小文字、数字、単独のハイフンだけの名前ではありません",
        )
    return kind


@lru_cache(maxsize=4096)
def check_source_name(source: str) -> str:
    """The name itself if a source may bear it, else Malformed."""
    if len(source) > 64 or not _SOURCE.fullmatch(source):
        raise Malformed(
            f"source {source!r} is not a name of at most 64 small letters, digits, and '.', '_', '-' between them",
            ja=f"登録元 {source!r} は64文字以内の英小文字、数字、およびその間の「.」「_」「-」からなる名前ではありません",
        )
    return source


def record_id(kind: str, source: str, local_id: str) -> str:
    """The record's id, readable and stable: `sample/ddbj/SAMD00000001`."""
    return f"{kind}/{source}/{encode_local(local_id)}"


def split_id(id: str) -> tuple[str, str, str]:
    """Kind, source and local id (decoded) of a record's id, or Malformed."""
    parts = id.split("/", 2)
    if len(parts) != 3:
        raise Malformed(
            f"{id!r} is not a record's id, which looks like sample/ddbj/SAMD00000001",
            ja=f"{id!r} はレコードIDではありません。sample/ddbj/SAMD00000001 のような形です",
        )
    return check_kind_name(parts[0]), check_source_name(parts[1]), decode_local(parts[2])


def is_record_id(text: str) -> bool:
    """Whether this is a record's id in its one form (an IRI never is: a colon is percent-encoded in ids)."""
    if not _RECORD_ID.fullmatch(text):
        return False
    try:
        split_id(text)
    except Malformed:
        return False
    return True


def is_iri(text: str) -> bool:
    """Whether this is an absolute IRI that RDF can hold."""
    return _IRI.fullmatch(text) is not None


def mint_local_id() -> str:
    """A new local id: 10 characters of time in milliseconds, so that it sorts, and 12 of chance (60 bits)."""
    number = (time.time_ns() // 1_000_000) << 60 | secrets.randbits(60)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(105, -1, -5))
