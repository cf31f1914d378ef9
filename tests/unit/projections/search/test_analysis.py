"""Texts become the same words however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.projections.search.analysis import analyzer, bare, compound, normal, pairs, prepared, tokens, whole


def words(text: str) -> list[str]:
    return analyzer().analyze(prepared(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ｴﾈﾙｷﾞｰ", "エネルギー"),
        ("サーバー", "サーバ"),
        ("コンピューター", "コンピュ―タ"),
        ("フィルム", "フイルム"),
        ("ヴァイオリン", "バイオリン"),
        ("リンゴ", "りんご"),
        ("ＸＡＦＳ", "xafs"),
        ("café", "cafe"),
        ("Al₂O₃", "Al2O3"),
        ("㎏", "kg"),
        ("cathodes", "cathode"),
    ],
)
def test_two_ways_of_writing_are_one_word(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize(("one", "other"), [("キー", "き"), ("土壌", "土地"), ("soil", "solid"), ("ビール", "ビル")])
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert words(one) != words(other)


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("X-rays", "xray"),
        ("an X ray beam", "xray"),
        ("in-situ", "insitu"),
        ("X\u2010ray", "xray"),
        ("Ｘ－ｒａｙ回折", "xray"),
    ],
)
def test_a_compound_is_indexed_as_one_word_too(text: str, one: str) -> None:
    assert words(text)[-1] == one


@pytest.mark.parametrize("text", ["a ray", "2026-05-10", "C227-11", "Gpr164-/-", "x - ray", "I saw"])
def test_what_is_no_compound_is_indexed_as_it_stands(text: str) -> None:
    assert prepared(text) == text
    assert compound(text) is None


def test_characters_without_spaces_are_pairs_and_the_last_one() -> None:
    assert words("土壌調査") == ["土壌", "壌調", "調査", "査"]
    assert words("XAFS測定") == ["xaf", "測定", "定"]
    assert pairs("土壌調査") == ["土壌", "壌調", "調査"]


@pytest.mark.parametrize(
    ("text", "asked", "beginning"),
    [
        ("水田土壌のXAFS測定", "土壌", False),
        ("水田土壌のXAFS測定", "土壌のXAFS", False),
        ("水田土壌のXAFS測定", "水", True),
        ("X-ray absorption", "x-ray", False),
        ("10.1234/abc-5", "10.1234/abc", False),
    ],
)
def test_what_is_asked_for_stands_in_a_row_in_what_is_indexed(text: str, asked: str, beginning: bool) -> None:
    there = words(text)
    wanted, is_beginning = tokens(asked)
    assert is_beginning is beginning
    if beginning:
        assert any(word.startswith(wanted[-1]) for word in there)
    else:
        assert any(tuple(there[place : place + len(wanted)]) == wanted for place in range(len(there)))


@given(st.text(max_size=60))
def test_any_text_can_be_prepared_and_is_then_normal(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert isinstance(words(text), list)
    assert whole(whole(text)) == whole(text)


def test_an_identifier_is_bare_without_what_resolves_it() -> None:
    told = {"https://doi.org/10.1234/ABC", "http://dx.doi.org/10.1234/abc", "doi:10.1234/ABC", "10.1234/abc"}
    assert {bare(each) for each in told} == {"10.1234/abc"}
    assert bare("https://orcid.org/0000-0001-2345-6789") == "0000-0001-2345-6789"
    assert bare("SAMD00000001") == "samd00000001"
