"""Record ids as they come in addresses, taken from the path as it was sent."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request

from catalog.errors import Malformed, NotFound
from catalog.records.identifiers import record_id, split_id


class Elsewhere(Exception):
    """What was asked for lies at another address of ours."""

    def __init__(self, path: str, status: int = 308) -> None:
        super().__init__(path)
        self.path = path
        self.status = status


def raw_path(request: Request) -> str:
    """The path as it was sent: decoding it would make %2F and %252F the same."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("latin-1")


def no_such_record() -> NotFound:
    """The one answer for what does not exist and what may not be seen."""
    return NotFound(
        "There is no such record, or none that you may see.", ja="そのレコードは存在しないか、閲覧できません。"
    )


def asked_id(request: Request, word: str = "") -> str:
    """The record id after a word (`/files/{id}`), in its one form.

    Another spelling of the same id is sent on to the right address by GET and understood otherwise; whether the
    record exists is not looked at. What can't be an id has no record.
    """
    path = raw_path(request)
    before = f"/{word}/" if word else "/"
    if not path.startswith(before):
        raise no_such_record()
    asked = path[len(before) :]
    reading = request.method in ("GET", "HEAD")
    try:
        split_id(asked)
    except Malformed as error:
        id = _mended(asked)
        if id is None:
            if reading:
                raise no_such_record() from None
            raise error
        if reading:
            raise Elsewhere(before + id) from None
        return id
    return asked


def _mended(asked: str) -> str | None:
    """The id that another spelling stands for, or None if it stands for none."""
    parts = asked.split("/", 2)
    if len(parts) != 3:
        return None
    try:
        id = record_id(parts[0], parts[1], unquote_to_bytes(parts[2].encode("latin-1")).decode())
        split_id(id)
    except (Malformed, UnicodeDecodeError):
        return None
    return id


def last_segment(request: Request, word: str) -> str:
    """The text after a word, decoded, for names that may hold any character."""
    path = raw_path(request)
    try:
        return unquote_to_bytes(path[len(word) + 2 :].encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Malformed("The address is not UTF-8.", ja="アドレスが UTF-8 ではありません。") from None


def written(text: str) -> str:
    """A text as one segment of an address."""
    return quote(text, safe="")
