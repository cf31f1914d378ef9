"""What hypothesis draws from, once for all suites: local ids, kind and good and hostile, JSON values, submissions."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

from hypothesis import strategies as st

from catalog.errors import Malformed
from catalog.records.identifiers import check_local_id
from catalog.records.kinds import Kinds
from catalog.records.record import Submission
from tests import generated

__all__ = ["bodies", "floats", "hostile_local_ids", "json_values", "local_ids", "sources", "submissions"]

LARGEST = 2**53 - 1

# A strategy made anew for each example is validated anew, which takes longer than drawing from it.
bodies = cache(generated.bodies)

sources = st.from_regex(r"[a-z0-9](?:[a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)

# Not assigned yet or private: a character that a later Unicode composes would not stay as it is.
_characters = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"))


def _keeps_the_rules(text: str) -> bool:
    try:
        check_local_id(text)
    except Malformed:
        return False
    return True


_plain = st.from_regex(r"[A-Za-z0-9_-]{1,12}(?:/[A-Za-z0-9_-]{1,8}){0,2}", fullmatch=True)
# What sources really send, and what somebody sends who looks for a hole.
_awkward = st.sampled_from(
    (
        "seq 42", "2026A1234/seq-0042", "試料/一", "a:b", "10.1234/ab(c)", "it's", 'say "no"', "100%", "%41", "%2F", "😀",
        "...", "a/...", "..a", ".hidden", "a+b=c&d", "a?b#c", "a\\b", "<script>", "';--", "~", "ﬁ", "a\u2028b", "\u200bx",
        "__proto__", "constructor", "a" * 512, "あ" * 170, "-", "_", "a;b,c@d!e$f*g", "{x}", "[pH]", "|", "^", "`",
    )
)  # fmt: skip
local_ids = st.one_of(_plain, _awkward, st.text(_characters, min_size=1, max_size=20)).map(
    lambda text: unicodedata.normalize("NFC", text)
).filter(_keeps_the_rules)  # fmt: skip

hostile_local_ids = st.sampled_from(
    (
        "", "/", "a/", "/a", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\x00b", "a\nb", "a\tb", "\x7f", "\x85",
        "e\u0301", "\ud800", "a" * 513, "あ" * 171, "a" * 1000, "が".replace("が", "か\u3099"),
    )
)  # fmt: skip

floats = st.floats(allow_nan=False, allow_infinity=False)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | floats | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@st.composite
def submissions(draw: st.DrawFn, kinds: Kinds, kind: str | None = None, source: str | None = None) -> Submission:
    """Submissions of any kind (or this one) whose bodies keep their kind's schema."""
    name = kind or draw(st.sampled_from(sorted(kinds)))
    return Submission(
        kind=name,
        source=source or draw(sources),
        local_id=draw(local_ids),
        body=draw(bodies(kinds, name)),
        status=draw(st.sampled_from((None, "public", "private", "draft"))),
    )
