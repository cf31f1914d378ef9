"""What is told of what failed: a code, a sentence in the asker's language, and of our own faults not a word."""

from __future__ import annotations

import logging

import pytest
from graphql import GraphQLError

from catalog import errors
from catalog.web import refusals
from catalog.web.graphql.failures import told


@pytest.mark.parametrize(
    ("error", "code", "more"),
    [
        (errors.Malformed("m", line=3, column=4), "BAD_USER_INPUT", {"line": 3, "column": 4}),
        (errors.Invalid("m"), "BAD_USER_INPUT", {}),
        (errors.NotFound("m"), "NOT_FOUND", {}),
        (errors.Gone("m", reason="r", at="t"), "GONE", {"reason": "r", "at": "t"}),
        (errors.Forbidden("m"), "FORBIDDEN", {}),
        (errors.Conflict("m", revision=7), "CONFLICT", {"revision": 7}),
        (errors.TooLarge("m"), "COST_LIMIT", {}),
        (errors.TooCostly("m"), "COST_LIMIT", {}),
        (errors.TooSlow("m"), "TIMEOUT", {}),
        (errors.Unavailable("m", retry_after_seconds=9), "UNAVAILABLE", {"retryAfterSeconds": 9}),
        (refusals.Unauthorized("m"), "UNAUTHENTICATED", {}),
    ],
)
def test_each_error_of_ours_has_its_code(error: errors.CatalogError, code: str, more: dict[str, object]) -> None:
    document = told(GraphQLError("other words", path=["a", 0], original_error=error), "en")
    assert document == {"message": "m", "path": ["a", 0], "extensions": {"code": code, **more}}


def test_what_is_forbidden_to_nobody_in_particular_asks_them_who_they_are() -> None:
    def code(error: errors.CatalogError, *, anonymous: bool) -> object:
        return told(GraphQLError("", original_error=error), "en", anonymous=anonymous)["extensions"]["code"]

    assert code(errors.Forbidden("m"), anonymous=True) == "UNAUTHENTICATED"
    assert code(errors.Forbidden("m"), anonymous=False) == "FORBIDDEN"
    # To sign in is no way to forge.
    assert code(refusals.Forged("m"), anonymous=True) == "FORBIDDEN"


def test_messages_are_in_the_language_of_the_asker_however_deep_the_error_lies() -> None:
    inner = GraphQLError("x", original_error=errors.NotFound("There is none.", ja="ありません。"))
    outer = GraphQLError("y", original_error=inner)
    assert told(outer, "ja")["message"] == "ありません。"
    assert told(outer, "en")["message"] == "There is none."


def test_a_fault_of_ours_is_logged_under_an_id_and_told_without_a_word_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "catalog.web"):
        document = told(
            GraphQLError("no such table: secret", original_error=RuntimeError("no such table: secret")), "en"
        )
    assert document["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(document)
    assert document["extensions"]["id"] in caplog.text
    assert "no such table: secret" in caplog.text
