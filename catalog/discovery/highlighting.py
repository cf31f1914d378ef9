"""Where in a hit the words were found: pieces of its own text, as this reader may see it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalog.projections.search.analysis import compound, compounds, is_run, normal, pieces, tokens, whole
from catalog.projections.search.index import Meant
from catalog.projections.search.words import STOP, Clause
from catalog.questions.search import Highlight, Piece, Reason
from catalog.records.kinds import Field, Kind

LONGEST: Final = 240
LOOKED_AT: Final = 20_000
MOST: Final = 6
_WORD: Final = re.compile(r"[^\W_]+")
_MARK: Final = "ー"


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is marked: words by their stems, beginnings of words, and runs of characters that stand without spaces."""

    stems: frozenset[str]
    beginnings: tuple[str, ...]
    runs: tuple[str, ...]


def highlights(
    body: Mapping[str, Any], kind: Kind, clauses: Sequence[Clause], meant: Collection[Meant]
) -> tuple[Highlight, ...]:
    """Of the fields that are searched by words those in which something was found, cut to a readable length."""
    sought = _sought(clauses, meant)
    made = []
    for each in kind.fields:
        if each.private or each.name not in body or (each.searchable is None and each.form != "term"):
            continue
        for language, text in _texts(body[each.name]):
            places = _places(text[:LOOKED_AT], sought)
            if places:
                made.append(Highlight(each.name, language, _cut(text, places)))
                if len(made) == MOST:
                    return tuple(made)
    return tuple(made)


def reasons(
    id: str,
    body: Mapping[str, Any],
    kind: Kind,
    clauses: Sequence[Clause],
    meant: Mapping[str, Meant],
    marked: Iterable[Highlight],
    prefixes: Mapping[str, Collection[str]],
) -> tuple[Reason, ...]:
    """Why this record was found, as far as its body tells; `meant` is what of the text names terms, `marked` where words stand."""
    made = dict.fromkeys(Reason("words", each.field) for each in marked)
    said = [(way.plain, way.prefix) for clause in clauses if not clause.excluded for way in clause.ways]
    names = {whole(name) for name in (id, *_parts_of(id), *_identifiers(body))}
    if any(name == text or (prefix and name.startswith(text)) for text, prefix in said for name in names):
        made[Reason("identifier")] = None
    if meant:
        for field, told in _terms(kind.fields, body):
            prefix, _, rest = told.partition(":")
            for iri in (told, *(base + rest for base in prefixes.get(prefix, ()))):
                made.update(
                    (Reason("term", field, text, iri), None) for text, each in meant.items() if iri in each.terms
                )
    return tuple(made) or (Reason("elsewhere"),)


def _parts_of(id: str) -> tuple[str, str]:
    """What its source calls the record, and the last part of that."""
    return id.split("/", 2)[2], id.rpartition("/")[2]


def _identifiers(body: Mapping[str, Any]) -> Iterator[str]:
    several = body.get("identifiers")
    for each in several if isinstance(several, list) else ():
        if isinstance(each, dict) and isinstance(value := each.get("value"), str):
            yield value
            if isinstance(scheme := each.get("scheme"), str):
                yield f"{scheme}:{value}"


def _terms(fields: Sequence[Field], body: Any, top: str | None = None) -> Iterator[tuple[str, str]]:
    """Every term of a body as it is written there, with the field that it is in."""
    for each in fields:
        value = body.get(each.name) if isinstance(body, dict) else None
        if value is None or each.private:
            continue
        for one in value if isinstance(value, list) else (value,):
            if each.form == "term":
                told = one.get("term") if isinstance(one, dict) else one
                if isinstance(told, str):
                    yield top or each.name, told
            elif each.form == "object":
                yield from _terms(each.fields, one, top or each.name)


def _sought(clauses: Sequence[Clause], meant: Collection[Meant]) -> _Sought:
    stems: set[str] = set()
    beginnings: set[str] = set()
    runs: set[str] = set()
    said = [(way.text, way.prefix, way.plain) for clause in clauses if not clause.excluded for way in clause.ways]
    said += [(label, False, "") for each in meant for label in each.labels]
    for text, prefix, plain in said:
        if plain in STOP and len(said) > 1:
            continue
        parts = pieces(normal(text))
        for number, part in enumerate(parts):
            if is_run(part):
                runs.add(part.replace(_MARK, ""))
            elif prefix and number == len(parts) - 1:
                beginnings.update(word.casefold() for word in _WORD.findall(part)[-1:])
            else:
                stems.update(tokens(part)[0])
                if (joined := compound(part)) is not None:
                    stems.add(joined)
    return _Sought(frozenset(stems), tuple(beginnings), tuple(run for run in runs if run))


def _texts(value: Any, language: str | None = None) -> Iterator[tuple[str | None, str]]:
    if isinstance(value, str):
        yield language, value
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, str) or (isinstance(each, dict) and "term" in each):
                yield from _texts(each, language)
    elif isinstance(value, dict) and "term" in value:
        yield from _texts(value.get("label"))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, key)


def _places(text: str, sought: _Sought) -> list[tuple[int, int]]:
    """From where to where something that is sought stands, in order, none over another."""
    found = []
    for word in _WORD.finditer(text):
        plain = word.group()
        stems, _ = tokens(plain)
        if (len(stems) == 1 and stems[0] in sought.stems) or (
            sought.beginnings and normal(plain).casefold().startswith(sought.beginnings)
        ):
            found.append(word.span())
        elif not plain.isascii() and not is_run(plain):
            found.extend(_inside(word.start(), plain, sought))
    found.extend(span for span, word in compounds(text) if not sought.stems.isdisjoint(tokens(word)[0]))
    if sought.runs and not text.isascii():
        plain, places = _laid_out(text)
        for run in sought.runs:
            start = plain.find(run)
            while start >= 0:
                found.append((places[start][0], places[start + len(run) - 1][1]))
                start = plain.find(run, start + len(run))
    return _joined(found)


def _inside(start: int, text: str, sought: _Sought) -> Iterable[tuple[int, int]]:
    """Words of another script within a run: the XAFS of `XAFS測定`."""
    for part in re.finditer(r"[A-Za-z0-9]+", text):
        stems, _ = tokens(part.group())
        if stems and stems[0] in sought.stems:
            yield start + part.start(), start + part.end()


def _laid_out(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text in its normal form, letter by letter, with the place of each in what was written."""
    made: list[str] = []
    places: list[tuple[int, int]] = []
    place = 0
    while place < len(text):
        end = place + 1
        # A half-width voice mark belongs to the letter before it.
        while end < len(text) and text[end] in "ﾞﾟ\u3099\u309a":
            end += 1
        for letter in normal(text[place:end]):
            if letter != _MARK:
                made.append(letter)
                places.append((place, end))
        place = end
    return "".join(made), places


def _joined(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


def _cut(text: str, places: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """The text around the first place, in pieces."""
    start, end = 0, len(text)
    if end > LONGEST:
        start = max(0, places[0][0] - LONGEST // 4)
        while 0 < start < places[0][0] and not text[start - 1].isspace() and text[start - 1].isascii():
            start += 1
        end = min(end, start + LONGEST)
    pieces_: list[Piece] = []
    if start:
        pieces_.append(Piece("… ", False))
    at = start
    for begin, stop in places:
        if begin < at or stop > end:
            continue
        if begin > at:
            pieces_.append(Piece(text[at:begin], False))
        pieces_.append(Piece(text[begin:stop], True))
        at = stop
    if at < end:
        pieces_.append(Piece(text[at:end], False))
    if end < len(text):
        pieces_.append(Piece(" …", False))
    return tuple(pieces_)
