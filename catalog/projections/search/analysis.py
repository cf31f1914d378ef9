"""Texts become words: one analysis for what is indexed and for what is asked.

Words are stemmed as English by tantivy. Japanese and Chinese characters (and Hangul) become pairs that overlap, and at
the end of a run its last character alone, so that a single character is found as the beginning of a word. Before that
everything is brought to one form: NFKC (half and full width), hiragana for katakana, large kana for small, and no long
vowel mark at the end of a word (サーバー, サーバ). Words that a hyphen joins (x-ray), and a letter with the word behind it
(X ray), are indexed behind the text as one word, too, as others write them (xray).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from operator import add
from typing import Final

import tantivy

# Raised when a text becomes other words than before, so that the index is built anew.
VERSION: Final = 2
ANALYZER: Final = "words"
LONGEST_WORD: Final = 100

_CJK: Final = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_RUN: Final = re.compile(f"[{_CJK}]+")
_HAS_RUN: Final = _RUN.search
_IS_RUN: Final = re.compile(f"[{_CJK}]+").fullmatch
# After folding, kana are hiragana; a mark after one kana only is a part of a short word (キー).
_LONG_AT_END: Final = re.compile("(?<=[\u3041-\u3096ー]{2})ー(?![\u3041-\u3096ー])")
_DASH_FOR_LONG: Final = re.compile("(?<=[\u30a1-\u30fa])[\u2010-\u2015\u2212\u2500](?![A-Za-z0-9])")

# A letter that is a word by itself (a, I) is no part of the next one.
_COMPOUND: Final = re.compile(
    "(?<![A-Za-z0-9_\u2010-])(?:[A-Za-z]++(?:[-\u2010][A-Za-z]++)++|[B-HJ-Zb-hj-z] [A-Za-z]{2,}+)(?![A-Za-z0-9_\u2010-])"
)
_MAY_BE_COMPOUND: Final = re.compile("[A-Za-z][-\u2010][A-Za-z]|(?<![A-Za-z0-9_])[B-HJ-Zb-hj-z] [A-Za-z]").search
_JOINTS: Final = dict.fromkeys(map(ord, "- \u2010"))

# Names are written with a space or without: 田中 健二.
_SPACED: Final = re.compile(f"(?<=[{_CJK}]) +(?=[{_CJK}])")

_KANA: Final[dict[int, int | str]] = {
    **{code: code - 0x60 for code in range(0x30A1, 0x30F7)},
    **{ord(small): large for small, large in zip("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ", strict=True)},
    **{ord(small): large for small, large in zip("ァィゥェォッャュョヮヵヶ", "あいうえおつやゆよわかけ", strict=True)},
}
_FOLDED: Final = re.compile(f"[{''.join(map(chr, _KANA))}]+")
_VU: Final = re.compile("ゔ([あいえおゆ])?")
_VU_AS: Final = {None: "ぶ", "あ": "ば", "い": "び", "え": "べ", "お": "ぼ", "ゆ": "びゆ"}


def analyzer() -> tantivy.TextAnalyzer:
    """tantivy's part of the analysis: what `words` has prepared becomes tokens."""
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def normal(text: str) -> str:
    """The text in one width and one kana; case is left to tantivy."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _DASH_FOR_LONG.sub("ー", text))
    if _HAS_RUN(text) is None:
        return text
    text = _FOLDED.sub(_folded, text)
    if " " in text:
        text = _SPACED.sub("", text)
    if "ゔ" in text:
        text = _VU.sub(lambda found: _VU_AS[found.group(1)], text)
    return _LONG_AT_END.sub("", text) if "ー" in text else text


def _folded(found: re.Match[str]) -> str:
    return found.group().translate(_KANA)


def prepared(text: str) -> str:
    """The text as it is handed to tantivy's part: characters that stand without spaces as overlapping pairs."""
    if text.isascii():
        return _with_compounds(text, text)
    plain = normal(text)
    return _with_compounds(_RUN.sub(_pairs_and_last, plain), plain)


def _with_compounds(made: str, plain: str) -> str:
    """Compounds stand behind everything else: phrases go on without them."""
    if _MAY_BE_COMPOUND(plain) is None:
        return made
    return " ".join((made, *dict.fromkeys(word for _, word in compounds(plain))))


def compounds(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """The compounds in a text, from where to where, each as one word: x-ray and X ray as xray."""
    for found in _COMPOUND.finditer(text):
        yield found.span(), found.group().translate(_JOINTS)


@lru_cache(maxsize=4096)
def compound(text: str) -> str | None:
    """What is asked for as one word of the index, if it is a compound and nothing else."""
    found = _COMPOUND.fullmatch(normal(text).strip())
    if found is None:
        return None
    made = _STEMMED.analyze(found.group().translate(_JOINTS))
    return made[0] if len(made) == 1 else None


def _pairs_and_last(found: re.Match[str]) -> str:
    run = found.group()
    return f" {' '.join(map(add, run, run[1:]))} {run[-1]} "


def pairs(run: str) -> list[str]:
    """The overlapping pairs of a run that is asked for; one character alone is itself."""
    return [run] if len(run) == 1 else list(map(add, run, run[1:]))


def is_run(text: str) -> bool:
    """Whether the (normal) text is only characters that stand without spaces."""
    return _IS_RUN(text) is not None


def pieces(text: str) -> list[str]:
    """A normal text in runs of such characters and what lies between them."""
    made, place = [], 0
    for found in _RUN.finditer(text):
        if found.start() > place:
            made.append(text[place : found.start()])
        made.append(found.group())
        place = found.end()
    if place < len(text):
        made.append(text[place:])
    return made


_STEMMED: Final = analyzer()


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[tuple[str, ...], bool]:
    """The words of a text as they stand in the index, and whether the last one is only the beginning of a word."""
    made: list[str] = []
    parts = pieces(normal(text))
    while parts and not is_run(parts[-1]) and not _STEMMED.analyze(parts[-1]):
        parts.pop()
    beginning = False
    for number, part in enumerate(parts):
        if not is_run(part):
            made.extend(_STEMMED.analyze(part))
        elif number < len(parts) - 1:
            made.extend([*pairs(part), part[-1]] if len(part) > 1 else [part])
        else:
            made.extend(pairs(part))
            beginning = len(part) == 1
    return tuple(made), beginning


def both(text: str) -> tuple[str, str]:
    """A title as it is handed to tantivy, and as one term: `prepared` and `whole` in one."""
    if text.isascii():
        return _with_compounds(text, text), " ".join(text.lower().split())
    plain = normal(text)
    return _with_compounds(_RUN.sub(_pairs_and_last, plain), plain), " ".join(plain.casefold().split())


@lru_cache(maxsize=8192)
def whole(text: str) -> str:
    """A title, label or identifier as one term, the same however it is written."""
    return " ".join(normal(text).casefold().split())


# What people and systems put before an identifier.
_BEFORE: Final = re.compile(r"(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*|https?://[^/]+/|urn:", re.IGNORECASE)


def bare(identifier: str) -> str:
    """An identifier without the address that resolves it: `https://doi.org/10.1/X` and `doi:10.1/X` as `10.1/x`."""
    found = _BEFORE.match(identifier)
    rest = identifier[found.end() :] if found else identifier
    return whole(rest or identifier)
