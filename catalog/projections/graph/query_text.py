"""What the text of a query says before it is run: its form, the graphs that it names, and what is not offered here.

Only what a reader of tokens can know. Nothing depends on it alone: which graphs a query reaches is decided by those that
are handed to the engine with it, and a process that runs queries has no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FORMS: Final = frozenset({"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"})
UPDATES: Final = frozenset({"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"})
_PROLOGUE: Final = frozenset({"BASE", "PREFIX", "VERSION"})
# SPARQL 1.1, 19.8: only what keeps words apart from IRIs, names, texts and comments.
# What has no end runs to where it would have to have one, so that no text is looked through again and again.
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\r\n]*)
    |(?P<iri><[^<>"{}|^`\x00-\x20]*+>)
    |(?P<text>\"\"\"(?:[^"\\]|\\.|"(?!""))*+(?:\"\"\")?|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?
        |"(?:[^"\\\r\n]|\\.)*+"?|'(?:[^'\\\r\n]|\\.)*+'?)
    |(?P<variable>[?$]\w+)
    |(?P<tag>@[A-Za-z]+(?:-[A-Za-z0-9]+)*+)
    |(?P<name>(?:[^\W\d][\w.\-]*+)?:(?:[\w:%.\-·]|\\[_~.\-!$&'()*+,;=/?\#@%])*+)
    |(?P<words>[^\W\d][\w.\-]*+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORD: Final = re.compile(r"[^\W\d]\w*")
_CODEPOINT: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class Said:
    """What a query's text says."""

    form: str = ""  # SELECT, ASK, CONSTRUCT, DESCRIBE; empty if none is found
    update: str = ""  # the word with which an update begins
    service: int | None = None  # where SERVICE stands
    prologue: str = ""
    graphs: tuple[str, ...] = ()  # of FROM, as they are written
    named: tuple[str, ...] = ()  # of FROM NAMED, as they are written


def read_query(text: str) -> Said:
    """What a text says, whether or not it is a query that can be run."""
    said = _read(text)
    if said.service is None and "\\" in text:
        # SPARQL 1.1, 19.2: escapes of code points may stand anywhere, in keywords too.
        escaped = _read(_CODEPOINT.sub(_character, text))
        if escaped.service is not None or (escaped.update and not said.form):
            return Said(said.form, escaped.update, escaped.service, said.prologue, said.graphs, said.named)
    return said


def _character(match: re.Match[str]) -> str:
    code = int(match[1] or match[2], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def _read(text: str) -> Said:
    form = update = prologue = ""
    service: int | None = None
    sources: dict[bool, list[str]] = {False: [], True: []}
    # After FROM: whether NAMED has come; None where no graph is waited for.
    waiting: bool | None = None
    strange = False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            continue
        if kind != "words":
            if kind in ("iri", "name") and waiting is not None:
                sources[waiting].append(token[0])
            waiting = None
            continue
        # `true.SERVICE` is a value, the end of a pattern, and a word.
        for match in _WORD.finditer(text, token.start(), token.end()):
            word = match[0].upper()
            if not form and not update:
                # Before the query itself there are only prefixes and bases.
                if word in FORMS:
                    form, prologue = word, text[: match.start()]
                elif word in UPDATES:
                    update = word
                elif word not in _PROLOGUE:
                    strange = True
            elif word == "SERVICE" and service is None:
                service = match.start()
            waiting = False if word == "FROM" else True if word == "NAMED" and waiting is False else None
    return Said(form, "" if strange else update, service, prologue, tuple(sources[False]), tuple(sources[True]))


def place_of(text: str, at: int) -> tuple[int, int]:
    """Line and column of a character, both from one."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a text from being a query, and where."""

    what: str  # nothing | beginning | prefix | text | opened | closed
    word: str
    at: int


_CLOSES: Final = {"}": "{", ")": "(", "]": "["}


def fault_of(text: str, prefixes: Iterable[str]) -> Fault | None:
    """The commonest slips, told better than a grammar can: it names the farthest place that it has tried."""
    known = set(prefixes)
    opened: list[tuple[str, int]] = []
    begun, before = False, ""
    for token in _TOKEN.finditer(text):
        kind, said, at = token.lastgroup, token[0], token.start()
        if kind == "space":
            continue
        if kind == "words":
            if not begun and said.upper() not in _PROLOGUE:
                if said.upper() not in FORMS:
                    return Fault("beginning", said, at)
                begun = True
        elif kind == "name":
            prefix = said.partition(":")[0]
            if before == "PREFIX":
                known.add(prefix)
            elif prefix not in known and prefix != "_":
                return Fault("prefix", prefix, at)
        elif kind == "text" and not (
            len(said) > 1 and said.endswith(said[0] * (3 if said[:3] in ('"""', "'''") else 1))
        ):
            return Fault("text", said[:1], at)
        elif said in _CLOSES.values():
            opened.append((said, at))
        elif said in _CLOSES:
            if not opened or opened[-1][0] != _CLOSES[said]:
                return Fault("closed", said, at)
            opened.pop()
        before = said.upper()
    if opened:
        return Fault("opened", *opened[-1])
    return None if begun else Fault("nothing", "", 0)
