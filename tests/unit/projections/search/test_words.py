"""Whatever is typed is understood somehow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.projections.search.words import Clause, Said, read
from catalog.questions.search import LONGEST_TEXT, MOST_WORDS


def test_words_phrases_beginnings_and_exclusions_are_told_apart() -> None:
    assert read('soil "paddy field" crystallo* -dry') == (
        Clause((Said("soil"),)),
        Clause((Said("paddy field", phrase=True),)),
        Clause((Said("crystallo", prefix=True),)),
        Clause((Said("dry"),), excluded=True),
    )


def test_full_width_operators_and_japanese_quotes_are_operators() -> None:
    assert read("土壌　「水田 土壌」　－乾田") == (
        Clause((Said("土壌"),)),
        Clause((Said("水田 土壌", phrase=True),)),
        Clause((Said("乾田"),), excluded=True),
    )


def test_alternatives_are_joined_by_or_and_not_excludes() -> None:
    assert read("soil OR 土壌 AND dry NOT wet") == (
        Clause((Said("soil"), Said("土壌"))),
        Clause((Said("dry"),)),
        Clause((Said("wet"),), excluded=True),
    )


@pytest.mark.parametrize("text", ["", "   ", "***", '"', '""', "- + !", "OR", "-", "\x00\x1f", "()[]{}"])
def test_operators_alone_say_nothing(text: str) -> None:
    assert read(text) == ()


def test_an_open_quote_ends_with_the_text() -> None:
    assert read('"paddy soil') == (Clause((Said("paddy soil", phrase=True),)),)


def test_too_much_is_refused_with_what_to_do() -> None:
    with pytest.raises(Invalid, match="few words"):
        read("a" * 1_000_000)
    with pytest.raises(Invalid, match=str(MOST_WORDS)):
        read("a " * (MOST_WORDS + 1))


@given(st.text(st.characters() | st.sampled_from('"*-+!()[]{}:^~?\\/ ORANDNOT&|'), max_size=300))
def test_any_text_is_read(text: str) -> None:
    for clause in read(text[:LONGEST_TEXT]) if len(text.split()) <= MOST_WORDS else ():
        assert clause.ways
        assert all(way.text for way in clause.ways)
