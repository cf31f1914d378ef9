"""Which form and language a request gets, by the rules of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from catalog.errors import Malformed
from catalog.web.negotiation import HTML, JSON, TURTLE, form_for, language_for, prefers_page, weighed
from catalog.web.refusals import NotAcceptable
from catalog.web.tokens import Tokens


def request(query: str = "", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "query_string": query.encode(), "headers": raw})


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/*", HTML),
        ("text/turtle", TURTLE),
        ("text/html;q=0.1, text/turtle;q=0.2", TURTLE),
        ("text/html;q=0, */*", JSON),
        ("application/json;q=0, */*;q=0.1", HTML),
        ("TEXT/TURTLE ; Q=1.0", TURTLE),
        ("text/turtle;q=nonsense", TURTLE),
        (",,;, text/turtle", TURTLE),
    ],
)
def test_the_heaviest_form_is_given_and_the_first_where_none_is_heavier(accept: str, form: object) -> None:
    assert form_for(request(accept=accept), (JSON, HTML, TURTLE)) is form


def test_what_cannot_be_made_is_not_acceptable_and_a_name_that_is_none_is_malformed() -> None:
    with pytest.raises(NotAcceptable):
        form_for(request(accept="image/png"), (JSON, HTML))
    with pytest.raises(Malformed, match="pdf"):
        form_for(request("format=pdf"), (JSON, HTML))
    assert form_for(request("format=text%2Fturtle", accept="image/png"), (JSON, TURTLE)) is TURTLE


def test_a_browser_gets_a_page_and_a_program_a_document() -> None:
    assert prefers_page(request(accept="text/html,application/xhtml+xml,*/*;q=0.8"))
    assert not prefers_page(request(accept="*/*"))
    assert not prefers_page(request(accept="application/json, text/html;q=0.5"))
    assert not prefers_page(request())


@pytest.mark.parametrize(
    ("header", "query", "language"),
    [
        ("", "", "en"),
        ("ja", "", "ja"),
        ("ja-JP,en;q=0.9", "", "ja"),
        ("en;q=0.8, ja;q=0.9", "", "ja"),
        ("fr, de", "", "en"),
        ("ja;q=0, en", "", "en"),
        ("ja", "lang=en", "en"),
        ("ja", "lang=fr", "ja"),
    ],
)
def test_the_language_is_chosen_by_address_and_then_by_weight(header: str, query: str, language: str) -> None:
    assert language_for(request(query, accept_language=header)) == language


@given(st.text(max_size=80))
def test_no_header_breaks_the_reader(header: str) -> None:
    for name, weight in weighed(header):
        assert name
        assert 0 <= weight <= 1


@given(st.integers(0, 2**63 - 1), st.text(max_size=40))
def test_a_token_gives_its_position_back_and_nothing_else_is_one(position: int, other: str) -> None:
    tokens, others = Tokens.of("secret"), Tokens.of("another")
    token = tokens.write(position)
    assert tokens.read(token) == position
    assert str(position) not in token or position < 100
    for wrong in (other, token + "x", others.write(position)):
        if wrong != token:
            with pytest.raises(Malformed):
                tokens.read(wrong)
