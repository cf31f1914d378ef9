"""Words that stand for one thing each, so that wherever one is found it is known what was told."""

from __future__ import annotations

import functools
import hashlib


@functools.cache
def word_of(what: str) -> str:
    """A word of ten letters that stands for nothing else; no two begin alike."""
    digest = hashlib.sha256(what.encode()).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest[:10])
