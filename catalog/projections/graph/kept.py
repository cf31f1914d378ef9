"""Statements as the engine keeps them: numbers and dates in its own spelling, so that what is here can be compared by value.

The engine's spelling is the definition: what is not plainly in it already is put through the engine, and a test holds the
shortcuts equal to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

import pyoxigraph

from catalog.projections.graph.survey import hash_of

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
# A literal of XML Schema's at the end of a line. A quote inside a text is escaped, so that this never begins in one.
_TYPED: Final = re.compile(
    rb'"([^"\\\n]*)"\^\^<http://www\.w3\.org/2001/XMLSchema#([A-Za-z]+)>(?= (?:<[^>\n]*> )?\.\n)'
)
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
    made = _TYPED.sub(_spelt, lines)
    if _ODD.search(made) is None:
        return made
    return b"".join(
        _through_engine(line) if _ODD.search(line) else line for line in made.splitlines(keepends=True) if line.strip()
    )


def _spelt(found: re.Match[bytes]) -> bytes:
    value, datatype = found.groups()
    plain = _PLAIN.get(datatype)
    if plain is not None and plain(value):
        return found.group()
    if datatype == b"double" and _NUMBER(value):
        return b'"' + _double(value) + b'"' + found.group()[len(value) + 2 :]
    return _literal(value, datatype)


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


def sum_of(lines: Iterable[bytes]) -> int:
    """The sum of the hashes of these statements (without the ends of their lines), modulo 2^64: order plays no part."""
    return sum(map(hash_of, lines)) % 2**64
