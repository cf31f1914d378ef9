"""What somebody typed becomes words, phrases, beginnings and exclusions; any text is understood somehow.

Nothing here is an error of whoever typed: a quote that is not closed ends with the text, an operator that stands alone
means nothing. Only too much is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from catalog.errors import Invalid
from catalog.projections.search.analysis import whole
from catalog.questions.search import LONGEST_TEXT, MOST_WORDS

_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»「」『』〝〞〟", '"'))
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff\ufffe\uffff]")
# Papers print `DOI: 10.1/x`, and people copy it as it stands.
_DOI_APART: Final = re.compile(r"\bdoi\s*:?\s+(?=10\.[0-9]{4})", re.IGNORECASE)
_PART: Final = re.compile(r'(?P<sign>[-+!]*)(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
# They say little, and whole languages do without them: what is asked for is found where they are not, too.
STOP: Final = frozenset(
    "a an and are as at be by for from in into is it of on or that the this to was were with".split()
)
LONGEST_SPAN: Final = 5  # words that are taken together for the name of a term


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was typed: a word, the beginning of one, or a phrase. `plain` is the text as one term."""

    text: str
    phrase: bool = False
    prefix: bool = False

    @property
    def plain(self) -> str:
        return whole(self.text)


@dataclass(frozen=True, slots=True)
class Clause:
    """What must be found (or must not): one of several things, mostly of one."""

    ways: tuple[Said, ...]
    excluded: bool = False


def read(text: str) -> tuple[Clause, ...]:
    """What was typed, in its order; Invalid if it is too long."""
    if len(text) > LONGEST_TEXT:
        raise Invalid(
            f"q: more than {LONGEST_TEXT} characters; search for a few words of it",
            ja=f"q: {LONGEST_TEXT}文字を超えています。いくつかの語で検索してください",
        )
    plain = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    plain = _DOI_APART.sub("doi:", _UNSEEN.sub(" ", plain).translate(_QUOTES))
    clauses: list[Clause] = []
    joined = negated = False
    for found in _PART.finditer(plain):
        word = found["word"]
        if word is not None and not found["sign"]:
            if word == "OR":
                joined = bool(clauses)
                continue
            if word in ("AND", "NOT"):
                negated = negated or word == "NOT"
                continue
        said = _said(found["phrase"], word)
        if said is None:
            continue
        excluded = negated or found["sign"][:1] in ("-", "!")
        if joined and not excluded and not clauses[-1].excluded:
            clauses[-1] = Clause((*clauses[-1].ways, said))
        else:
            clauses.append(Clause((said,), excluded))
        joined = negated = False
    if sum(len(clause.ways) for clause in clauses) > MOST_WORDS:
        raise Invalid(f"q: more than {MOST_WORDS} words", ja=f"q: 語が{MOST_WORDS}個を超えています")
    return tuple(clauses)


def _said(phrase: str | None, word: str | None) -> Said | None:
    if phrase is not None:
        return Said(phrase.strip(), phrase=True) if phrase.strip() else None
    text = (word or "").strip("()[]{}<>,;|^~?&")
    bare = text.rstrip("*")
    if not any(letter.isalnum() for letter in bare):
        return None
    return Said(bare.replace("*", " ").strip(), prefix=bare != text)


def span(clauses: Sequence[Clause]) -> str | None:
    """Words that stand one after the other, as the name that they may be; None where something else stands among them."""
    if any(clause.excluded or len(clause.ways) > 1 or clause.ways[0].prefix for clause in clauses):
        return None
    return " ".join(clause.ways[0].text for clause in clauses)


def spans(clauses: Sequence[Clause]) -> list[str]:
    """Every run of what was typed that may be the name of a term."""
    wanted = [clause for clause in clauses if not clause.excluded]
    made: dict[str, None] = {}
    for place in range(len(wanted)):
        for width in range(1, min(LONGEST_SPAN, len(wanted) - place) + 1):
            if (name := span(wanted[place : place + width])) is not None and len(name) <= 200:
                made[name] = None
    return list(made)
