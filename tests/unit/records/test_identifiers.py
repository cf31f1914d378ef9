"""Ids go to the form in which they stand in addresses, and come back the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Malformed
from catalog.records.identifiers import (
    IRI_PATTERN,
    LOCAL_PATTERN,
    check_kind_name,
    check_source_name,
    decode_local,
    encode_local,
    is_iri,
    is_record_id,
    mint_local_id,
    record_id,
    split_id,
)
from tests.strategies import hostile_local_ids, local_ids, sources


@given(local_ids)
def test_a_local_id_comes_back_from_its_encoded_form(local_id: str) -> None:
    encoded = encode_local(local_id)

    assert decode_local(encoded) == local_id
    assert re.fullmatch(LOCAL_PATTERN, encoded)
    assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", encoded)


@given(sources, local_ids)
def test_a_records_id_comes_apart_as_it_was_put_together(source: str, local_id: str) -> None:
    id = record_id("sample", source, local_id)

    assert split_id(id) == ("sample", source, local_id)
    assert is_record_id(id)
    assert not is_iri(id)


@given(st.text(max_size=30))
def test_whatever_decodes_is_the_one_encoding_of_what_it_decodes_to(text: str) -> None:
    try:
        local_id = decode_local(text)
    except Malformed:
        return
    assert encode_local(local_id) == text


@given(hostile_local_ids)
def test_a_local_id_that_breaks_a_rule_is_refused_in_two_languages(local_id: str) -> None:
    with pytest.raises(Malformed) as refused:
        encode_local(local_id)

    assert refused.value.messages["en"] != refused.value.messages["ja"]


@pytest.mark.parametrize(
    "encoded", ["%41", "%e3%81%82", "%2F", "%FF", "%", "a%2", "a b", "é", "%C0%80", "a%00", "..", "a//b"]
)
def test_a_second_way_to_encode_an_id_is_refused(encoded: str) -> None:
    with pytest.raises(Malformed):
        decode_local(encoded)
    assert not is_record_id("sample/ddbj/" + encoded)


def test_a_local_id_may_have_512_bytes_and_no_more() -> None:
    assert encode_local("é" * 256) == "%C3%A9" * 256
    with pytest.raises(Malformed, match="514 bytes"):
        encode_local("é" * 257)


def test_what_an_address_may_hold_stays_as_it_is_and_all_else_is_capital_hex() -> None:
    assert encode_local("AZaz09-._~/x") == "AZaz09-._~/x"
    assert encode_local("a b:c+(d)") == "a%20b%3Ac%2B%28d%29"
    assert encode_local("ü") == "%C3%BC"


@pytest.mark.parametrize(
    "id", ["sample", "sample/ddbj", "Sample/ddbj/x", "sample/DDBJ/x", "sample//x", "sample/ddbj/", "-/a/b", "a--b/c/d"]
)
def test_what_is_no_records_id_is_refused(id: str) -> None:
    assert not is_record_id(id)
    with pytest.raises(Malformed):
        split_id(id)


def test_names_of_kinds_and_sources_are_small_and_plain() -> None:
    assert check_kind_name("data-set2") == "data-set2"
    assert check_source_name("spring8.or-jp_1") == "spring8.or-jp_1"
    for name in ("", "A", "a/b", "a b", "1a", "a-", "a_b"):
        with pytest.raises(Malformed):
            check_kind_name(name)
    for name in ("", "A", "a/b", "a b", ".", "..", "a.", "-a", "a" * 65):
        with pytest.raises(Malformed):
            check_source_name(name)


def test_minted_ids_are_plain_differ_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    minted = {mint_local_id() for _ in range(1000)}

    assert len(minted) == 1000
    assert all(encode_local(each) == each and len(each) == 22 for each in minted)
    monkeypatch.setattr("catalog.records.identifiers.time.time_ns", lambda: 2_000_000_000_000_000_000)
    later = mint_local_id()
    monkeypatch.setattr("catalog.records.identifiers.time.time_ns", lambda: 2_000_000_000_001_000_000)
    assert later < mint_local_id()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/a?b#c", True), ("urn:x:y", True), ("doi:10.1/ab", True), ("https://例.jp/試料", True),
        ("https://example.org/a b", False), ("https://example.org/\n", False), ("http://a/<b>", False), ("http://a/{b}", False),
        ('http://a/"', False), ("no-scheme", False), ("1a:b", False), ("a:", False), (":b", False), ("http://a/\\b", False),
    ],
)  # fmt: skip
def test_an_iri_has_a_scheme_and_no_character_that_rdf_forbids(text: str, is_one: bool) -> None:
    assert is_iri(text) is is_one
    assert (re.fullmatch(IRI_PATTERN, text) is not None) is is_one
