"""Statements as the engine keeps them: numbers and dates in its own spelling, so that what is here can be compared by value.

The engine's spelling is the definition: what is not plainly in it already is put through the engine, and a test holds the
shortcuts equal to it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

import pyoxigraph

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
# Where the datatype of a literal begins, if it is one of XML Schema's.
_TYPED: Final = f'"^^<{_XSD}'.encode()
# Characters that the engine writes as escapes and others as they are, or the other way round.
_ODD: Final = re.compile(rb"\\u|\\U|\x7f|\xef\xbf[\xbe\xbf]")
_NUMBER: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?").fullmatch
_PLAIN: Final = {
    b"integer": re.compile(rb"0|-?[1-9][0-9]{0,17}").fullmatch,
    b"boolean": re.compile(rb"true|false").fullmatch,
    b"dateTime": re.compile(
        rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{0,8}[1-9])?(?:Z|[+-](?!00:00)[0-9]{2}:[0-9]{2})?"
    ).fullmatch,
    b"date": re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch,
    b"gYear": re.compile(rb"[0-9]{4}").fullmatch,
    b"gYearMonth": re.compile(rb"[0-9]{4}-[0-9]{2}").fullmatch,
}


def kept(lines: bytes) -> bytes:
    """N-Triples or N-Quads, one statement a line, as the engine would write them out again."""
    made = _spelt(lines)
    # One byte is found many times quicker than two, and most texts have neither.
    escaped = b"\\" in made and (b"\\u" in made or b"\\U" in made)
    rare = b"\x7f" in made or (b"\xef" in made and b"\xef\xbf" in made)
    if not escaped and not rare:
        return made
    return b"".join(
        _through_engine(line) if _ODD.search(line) else line for line in made.splitlines(keepends=True) if line.strip()
    )


def _spelt(lines: bytes) -> bytes:
    """The same with each value of XML Schema's types in the engine's spelling."""
    before, *rest = lines.split(_TYPED)
    made: list[bytes] = []
    for each in rest:
        head, quote, value = before.rpartition(b'"')
        datatype = each[: each.index(b">")] if b">" in each else b""
        # Inside a text a quote has a backslash before it.
        if head.endswith(b" ") and b"\\" not in value:
            plain = _PLAIN.get(datatype)
            if plain is not None and plain(value):
                made += before, _TYPED
            elif datatype == b"double" and _NUMBER(value):
                made += head, quote, _double(value), _TYPED
            else:
                made += head, _literal(value, datatype)
                each = each[len(datatype) + 1 :]
        else:
            made += before, _TYPED
        before = each
    made.append(before)
    return b"".join(made)


@lru_cache(maxsize=1 << 16)
def _double(value: bytes) -> bytes:
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return b"INF" if number > 0 else b"-INF"
    # Shortest digits, and never an exponent.
    told = repr(number)
    if "e" in told:
        told = format(Decimal(told), "f")
    return told.removesuffix(".0").encode()


@lru_cache(maxsize=1 << 16)
def _literal(value: bytes, datatype: bytes) -> bytes:
    line = b'<urn:x> <urn:x> "' + value + b'"^^<' + _XSD.encode() + datatype + b"> .\n"
    return _through_engine(line)[len(b"<urn:x> <urn:x> ") : -len(b" .\n")]


def _through_engine(line: bytes) -> bytes:
    store = pyoxigraph.Store()
    store.load(line, format=pyoxigraph.RdfFormat.N_QUADS, lenient=True)
    return store.dump(format=pyoxigraph.RdfFormat.N_QUADS) or b""
