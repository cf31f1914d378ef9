"""How a body is laid out for reading."""

from __future__ import annotations

from catalog.records.kinds import load_kinds
from catalog.web.layout import Reading, Value, laid_out


def test_lists_by_language_are_told_one_by_one_the_readers_language_first() -> None:
    kinds = load_kinds()
    body = {"labels": {"en": "diffraction"}, "alternateLabels": {"en": ["XRD", "X-ray"], "ja": ["X線", "回折"]}}
    (laid,) = (
        each for each in laid_out(kinds["term"], (), body, Reading("ja", "/", {}, {})) if each.name == "alternateLabels"
    )
    assert list(laid.values) == [
        Value("text", "X線"),
        Value("text", "回折"),
        Value("text", "XRD", "en"),
        Value("text", "X-ray", "en"),
    ]
