"""What fails in GraphQL, as it is told: an error with its code, in the asker's language, and never more than they may know."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final

from graphql import GraphQLError

from catalog import errors
from catalog.web import refusals
from catalog.web.negotiation import Language
from catalog.web.problems import findings_in

logger = logging.getLogger("catalog.web")

BAD_USER_INPUT: Final = "BAD_USER_INPUT"
COST_LIMIT: Final = "COST_LIMIT"
INTERNAL: Final = "INTERNAL"
TIMEOUT: Final = "TIMEOUT"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"

_CODES: Final[Sequence[tuple[type[errors.CatalogError], str]]] = (
    (errors.Malformed, BAD_USER_INPUT),
    (errors.Invalid, BAD_USER_INPUT),
    (errors.NotFound, "NOT_FOUND"),
    (errors.Gone, "GONE"),
    (errors.Forbidden, "FORBIDDEN"),
    (errors.Conflict, "CONFLICT"),
    (errors.TooLarge, COST_LIMIT),
    (errors.TooSlow, TIMEOUT),
    (errors.TooCostly, COST_LIMIT),
    (errors.Unavailable, "UNAVAILABLE"),
    (refusals.Unauthorized, UNAUTHENTICATED),
)
_INTERNAL_MESSAGES: Final = {
    "en": "Something went wrong on our side. The administrator finds it in the log under this id.",
    "ja": "サーバー側で問題が起きました。管理者がこの id でログから原因を調べられます。",
}


class Refused(Exception):
    """A request that is not executed: the errors that say why, and the status that it has over HTTP."""

    def __init__(self, failures: Sequence[GraphQLError], status: int = 400) -> None:
        super().__init__("; ".join(failure.message for failure in failures))
        self.failures = tuple(failures)
        self.status = status


def refusal(error: errors.CatalogError, status: int = 400, **more: Any) -> Refused:
    """A request that one error of ours refuses, with what a program may want to know of it."""
    return Refused([GraphQLError(error.message, extensions=more or None, original_error=error)], status)


def told(failure: GraphQLError, language: Language, *, anonymous: bool = False) -> dict[str, Any]:
    """An error as it stands in an answer; whoever has not said who they are may yet be allowed what is forbidden to them."""
    document: dict[str, Any] = {"message": failure.message}
    if failure.locations:
        document["locations"] = [{"line": place.line, "column": place.column} for place in failure.locations]
    if failure.path:
        document["path"] = list(failure.path)
    cause = failure.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    extensions = dict(failure.extensions or {})
    if isinstance(cause, errors.CatalogError):
        document["message"] = cause.messages[language]
        may_yet = anonymous and isinstance(cause, errors.Forbidden) and not isinstance(cause, refusals.Forged)
        extensions = {"code": UNAUTHENTICATED if may_yet else _code(cause), **extensions, **_more(cause, language)}
    elif cause is None or isinstance(cause, GraphQLError):
        # The document's own fault, in the words of whoever read it.
        extensions.setdefault("code", BAD_USER_INPUT)
    else:
        id = secrets.token_hex(8)
        logger.error("GraphQL failed; id %s", id, exc_info=cause)
        document["message"] = _INTERNAL_MESSAGES[language]
        extensions = {"code": INTERNAL, "id": id}
    document["extensions"] = extensions
    return document


def _code(error: errors.CatalogError) -> str:
    return next((code for type_, code in _CODES if isinstance(error, type_)), BAD_USER_INPUT)


def _more(error: errors.CatalogError, language: Language) -> dict[str, Any]:
    match error:
        case errors.Malformed() if error.line is not None:
            return {"line": error.line, "column": error.column}
        case errors.Invalid() if error.findings:
            return {"findings": findings_in(error.findings, language)}
        case errors.Gone():
            return {"reason": error.reason, "at": error.at}
        case errors.Conflict() if error.revision is not None:
            return {"revision": error.revision}
        case errors.Unavailable():
            return {"retryAfterSeconds": error.retry_after_seconds}
        case _:
            return {}
