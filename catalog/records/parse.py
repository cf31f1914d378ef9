"""From bytes to values without losing or inventing anything, and from a value to a submission."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any, Final, NoReturn

import orjson

from catalog.errors import Malformed
from catalog.records.identifiers import check_kind_name, check_local_id, check_source_name
from catalog.records.record import Submission

DEPTH_LIMIT: Final = 200
INTEGER_LIMIT: Final = 2**53 - 1

# orjson writes 254 levels and no more; wrapping the value moves that border to our own limit. Text with fewer
# brackets than the limit (a single record) needs no wrapping, and is spared its 3 µs.
_WRAPPED: Final = 254 - DEPTH_LIMIT
_NUL: Final = b"\\u0000"
_LONG_INTEGER: Final = re.compile(rb"[0-9]{16}")
_KEY_ENDS: Final = re.compile(rb'"[ \t\n\r]*:')
_TOKEN: Final = re.compile(
    rb'(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")|(?P<open>[\[{])|(?P<close>[\]}])|(?P<colon>:)|(?P<number>-?[0-9][0-9.eE+-]*)',
    re.DOTALL,
)
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _wrap(value: Any) -> Any:
    for _ in range(_WRAPPED):
        value = (value,)
    return value


def _place(data: bytes, offset: int) -> tuple[str, str]:
    line = data.count(b"\n", 0, offset) + 1
    column = len(data[data.rfind(b"\n", 0, offset) + 1 : offset].decode(errors="replace")) + 1
    return f"line {line}, column {column} (byte {offset})", f"{line}行{column}文字目（{offset}バイト目）"


def _malformed(data: bytes, offset: int, what: str, ja: str) -> Malformed:
    place, place_ja = _place(data, offset)
    return Malformed(
        f"not JSON that can be kept exactly: {what}, at {place}",
        ja=f"正確に保存できるJSONではありません: {ja}（{place_ja}）",
    )


def _too_deep(data: bytes) -> Malformed:
    depth = 0
    for token in _TOKEN.finditer(data):
        if token.lastgroup == "open":
            depth += 1
            if depth > DEPTH_LIMIT:
                return _malformed(
                    data,
                    token.start(),
                    f"lists and objects lie in each other more than {DEPTH_LIMIT} deep",
                    f"入れ子が上限の{DEPTH_LIMIT}段を超えています",
                )
        elif token.lastgroup == "close":
            depth -= 1
    return _malformed(data, 0, f"it is more than {DEPTH_LIMIT} deep", f"入れ子が上限の{DEPTH_LIMIT}段を超えています")


def _unreadable(data: bytes, cause: JSONDecodeError) -> Malformed:
    """Why orjson could not read it, in words of what was wrong rather than of what was expected."""
    try:
        text = data.decode()
    except UnicodeDecodeError as broken:
        surrogate = data[broken.start : broken.start + 1] == b"\xed"
        what = "half of a surrogate pair" if surrogate else "a byte that is not UTF-8"
        ja = "不完全なサロゲートがあります" if surrogate else "UTF-8でないバイトがあります"
        return _malformed(data, broken.start, what, ja)
    if not text.strip():
        return _malformed(data, 0, "there is nothing in it", "中身がありません")
    if "depth" in cause.msg:
        return _too_deep(data)
    offset = len(text[: cause.pos].encode())
    # The place that orjson names may lie behind the word; so look at the word around it.
    start = offset
    while start > 0 and (data[start - 1 : start].isalnum() or data[start - 1 : start] in (b"-", b"+", b".")):
        start -= 1
    word = re.match(rb"[-+.\w]*", data[start : start + 40])
    name = word.group().decode() if word else ""
    if name in ("NaN", "-NaN", "Infinity", "-Infinity", "+Infinity") or "infinity" in cause.msg:
        return _malformed(
            data,
            start,
            f"{name or 'a number'} is no number in JSON",
            f"{name or 'この数値'} はJSONの数値ではありません",
        )
    if "surrogate" in cause.msg:
        found = _SURROGATE.search(data, max(0, offset - 12))
        return _malformed(
            data, found.start() if found else offset, "half of a surrogate pair", "不完全なサロゲートがあります"
        )
    return _malformed(data, offset, cause.msg, f"JSONの文法に合いません（{cause.msg}）")


def _decode_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKey(key)
            seen.add(key)
    return made


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum([_count_keys(each) for each in value.values() if isinstance(each, dict | list)])
    return sum([_count_keys(each) for each in value if isinstance(each, dict | list)]) if isinstance(value, list) else 0


class _DuplicateKey(Exception):
    """Carries the key out of the decoder, which knows no positions."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _duplicate(data: bytes, key: str) -> Malformed:
    """Where the key stands a second time in one object."""
    open_keys: list[set[str] | None] = []
    last: re.Match[bytes] | None = None
    for token in _TOKEN.finditer(data):
        if token.lastgroup == "open":
            open_keys.append(set() if token.group() == b"{" else None)
        elif token.lastgroup == "close":
            open_keys.pop()
        elif token.lastgroup == "string":
            last = token
        elif token.lastgroup == "colon" and last is not None:
            keys = open_keys[-1]
            name = json.loads(last.group())
            if keys is not None and name in keys:
                return _malformed(
                    data,
                    last.start(),
                    f"the key {name!r} stands twice in one object",
                    f"同じオブジェクトにキー {name!r} が2回あります",
                )
            if keys is not None:
                keys.add(name)
    return _malformed(
        data, 0, f"the key {key!r} stands twice in one object", f"同じオブジェクトにキー {key!r} が2回あります"
    )


def _refuse_long_integers(data: bytes) -> None:
    for token in _TOKEN.finditer(data):
        if token.lastgroup == "number" and len(token.group()) >= 16:
            digits = token.group()
            if not re.fullmatch(rb"-?[0-9]+", digits):
                continue
            if len(digits) > 20 or abs(int(digits)) > INTEGER_LIMIT:
                shown = digits[:40].decode()
                raise _malformed(
                    data,
                    token.start(),
                    f"the integer {shown} is past 2^53 - 1, where other readers would change it; send it as a string",
                    f"整数 {shown} は2^53 - 1を超え、他の処理系で値が変わります。文字列として送ってください",
                )


def _refuse_nul(data: bytes) -> None:
    for token in _TOKEN.finditer(data):
        if token.lastgroup == "string" and _NUL in token.group() and "\0" in json.loads(token.group()):
            raise _malformed(
                data,
                token.start(),
                "a string holds the character NUL (U+0000)",
                "文字列にNUL文字（U+0000）が含まれています",
            )


_EXACT: Final = json.JSONDecoder(object_pairs_hook=_decode_pairs)


def _parse_exactly(data: bytes, written: bytes | None) -> Any:
    """The careful way, for text that is not written as orjson would write it."""
    if written is None or _LONG_INTEGER.search(data):
        _refuse_long_integers(data)
    if _NUL in data:
        _refuse_nul(data)
    try:
        return _EXACT.decode(data.decode())
    except _DuplicateKey as found:
        raise _duplicate(data, found.key) from found
    except (ValueError, RecursionError) as cause:  # orjson has read it, so this is our own fault: never let it pass
        raise _malformed(data, 0, str(cause), str(cause)) from cause


def parse_with_text(data: bytes) -> tuple[Any, bool]:
    """What the JSON text says, and whether writing it compactly would give the text back byte for byte."""
    if data.startswith(b"\xef\xbb\xbf"):  # RFC 8259, 8.1: a byte order mark may be ignored
        data = data[3:]
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as cause:
        raise _unreadable(data, cause) from cause
    try:
        if data.count(b"[") + data.count(b"{") <= DEPTH_LIMIT:
            written = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
        else:
            written = orjson.dumps(_wrap(value), option=orjson.OPT_STRICT_INTEGER)[_WRAPPED:-_WRAPPED]
    except orjson.JSONEncodeError as cause:
        if "ecursion" in str(cause):
            raise _too_deep(data) from cause
        return _parse_exactly(data, None), False
    if _NUL not in data:
        if written == data:
            return value, True
        # Every key ends like this. Where no text does, there are as many as in what was read, or one stood there twice.
        if not _LONG_INTEGER.search(data) and len(_KEY_ENDS.findall(data)) == _count_keys(value):
            return value, False
    return _parse_exactly(data, written), False


def parse(data: bytes) -> Any:
    """What the JSON text says; Malformed, with the place, if it cannot be kept exactly as it was meant."""
    return parse_with_text(data)[0]


_ENVELOPE: Final = frozenset(("kind", "source", "localId", "profile", "scope", "status", "revision", "body", "files"))
_STATUSES: Final = ("public", "private", "draft")
_NAMED: Final = {
    str: ("a string", "文字列"),
    dict: ("an object", "オブジェクト"),
    list: ("a list", "配列"),
    int: ("an integer", "整数"),
}


def _refuse(key: str, what: str, ja: str) -> NoReturn:
    raise Malformed(f"submission: {key} {what}", ja=f"登録データ: {key} {ja}")


def _take(value: Mapping[str, Any], key: str, type_: type, required: bool = False) -> Any:
    found = value.get(key)
    if found is None:
        if key in value:
            _refuse(key, "is null; leave it out" if not required else "is null", "がnullです")
        if required:
            _refuse(key, "is missing", "がありません")
        return None
    if type(found) is not type_:
        name, ja = _NAMED[type_]
        _refuse(key, f"must be {name}", f"は{ja}でなければなりません")
    return found


def read_submission(value: Any, as_sent: str | None = None) -> Submission:
    """The submission in a parsed value or in JSON text; Malformed if its envelope is not one. The body is left as it is."""
    if isinstance(value, bytes):
        text = value
        value, exact = parse_with_text(text)
        as_sent = None if exact else text.decode("utf-8-sig")
    if type(value) is not dict:
        raise Malformed(
            "submission: must be an object with kind, source and body",
            ja="登録データ: kind、source、bodyを持つオブジェクトでなければなりません",
        )
    if unknown := value.keys() - _ENVELOPE:
        name = min(unknown)
        allowed = ", ".join(sorted(_ENVELOPE))
        _refuse(
            repr(name),
            f"is not known here ({allowed}); what describes the thing belongs in body",
            f"は使えません（{allowed}）。内容の記述はbodyに入れます",
        )
    kind = _take(value, "kind", str, required=True)
    source = _take(value, "source", str, required=True)
    body = _take(value, "body", dict, required=True)
    check_kind_name(kind)
    check_source_name(source)
    local_id = _take(value, "localId", str)
    if local_id is not None:
        check_local_id(local_id)
    status = _take(value, "status", str)
    if status is not None and status not in _STATUSES:
        _refuse(
            "status",
            f"is {status!r}; it may be public, private or draft",
            f"が {status!r} です。public、private、draftのいずれかです",
        )
    revision = _take(value, "revision", int)
    if revision is not None and revision < 0:
        _refuse("revision", "must not be negative", "は負の数にできません")
    files = _take(value, "files", list) or ()
    for number, file in enumerate(files):
        if type(file) is not dict:
            _refuse(f"files/{number}", "must be an object", "はオブジェクトでなければなりません")
    return Submission(
        kind,
        source,
        local_id,
        body,
        _take(value, "profile", str),
        _take(value, "scope", str),
        status,
        revision,
        tuple(files),
        as_sent,
    )
