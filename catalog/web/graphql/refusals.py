"""Why a write was not done, as values of the schema: each what its caller can do about it, and none of them a string to be read."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final

import strawberry

from catalog import errors
from catalog.records.finding import Finding as Found
from catalog.web.graphql.definitions import argument
from catalog.web.graphql.payloads import Payload, asks, payload, tells
from catalog.web.negotiation import LANGUAGES, Language
from catalog.web.refusals import Stale, Unauthorized

IN_LANGUAGE: Final = argument(
    "language",
    str | None,
    ("`en` or `ja`; without it the language of the request.", "`en` または `ja`。省略時はリクエストの言語。"),
    None,
)


def language_of(info: strawberry.Info[Any, Any], asked: str | None) -> Language:
    """The language that a message is wanted in: ours, whatever part of the world it is spoken in."""
    named = (asked or "").partition("-")[0].lower()
    for language in LANGUAGES:
        if language == named:
            return language
    spoken: Language = info.context.language
    return spoken


@strawberry.enum(description="How much a finding weighs.\n指摘の重さ。")
class Severity(enum.Enum):
    """How much a finding weighs."""

    VIOLATION = strawberry.enum_value("violation", description="It breaks a rule.\n規則に反する。")
    WARNING = strawberry.enum_value("warning", description="It is likely not meant so.\n誤りの可能性がある。")
    INFO = strawberry.enum_value("info", description="Good to know.\n参考情報。")


def _found(found: Found, info: strawberry.Info[Any, Any], language: str | None = None) -> str:
    return found.messages.get(language_of(info, language)) or found.messages["en"]


FINDING: Final = payload(
    "SubmissionFinding",
    [
        tells("pointer", str, lambda found: found.pointer, ("A JSON pointer into the body; empty: the whole.", "本文への JSON ポインター。空は全体。")),
        tells("rule", str, lambda found: found.rule, ("The rule that is broken: `schema/required`, `unit`, `link`.", "反している規則。")),
        tells("severity", Severity, lambda found: Severity(found.severity), ("How much it weighs.", "重さ。")),
        tells("breaks", str, lambda found: found.breaks, ("What it breaks: `kind`, `profile` or `nothing`.", "何に反するか。")),
        asks("message", str, _found, ("What is wrong, in words.", "問題の説明。"), IN_LANGUAGE),
        tells("expected", list[str], lambda found: list(found.near), ("What was perhaps meant.", "正しい候補。")),
    ],
    ("One thing that is wrong with what was submitted, and where.", "登録データの問題点とその場所。"),
)  # fmt: skip


def _message(error: errors.CatalogError, info: strawberry.Info[Any, Any], language: str | None = None) -> str:
    return error.messages[language_of(info, language)]


MESSAGE: Final = asks(
    "message", str, _message, ("What was wrong, and the next step.", "理由と次にすべきこと。"), IN_LANGUAGE
)
REFUSAL: Final = payload(
    "Refusal", [MESSAGE], ("Why something was not done.", "実行されなかった理由。"), interface=True
)
Refusal = type[Payload]


def _refusal(name: str, en: str, ja: str, *fields: Any) -> Refusal:
    return payload(name, [MESSAGE, *fields], (en, ja), of=REFUSAL)


def findings_of(findings: Sequence[Found]) -> list[Payload]:
    """Findings as they are told."""
    return [FINDING(each) for each in findings]


def _findings(error: errors.CatalogError) -> list[Payload]:
    if isinstance(error, errors.Invalid):
        return findings_of(error.findings)
    # What cannot be read is told alike: one place to look for what is to be mended.
    return findings_of([Found("", "parse", "violation", error.messages)])


def _current(error: errors.CatalogError) -> int | None:
    return error.revision if isinstance(error, errors.Conflict | Stale) else None


Invalid: Final = _refusal(
    "Invalid",
    "A rule is broken, and nothing was stored: mend what the findings name.",
    "規則に合わない箇所があり、何も保存されていません。",
    tells("findings", list[FINDING], _findings, ("Each thing that is wrong.", "問題点。")),  # type: ignore[valid-type]
)
Conflict: Final = _refusal(
    "Conflict",
    "The state has moved on, or forbids it: read again, then decide.",
    "状態が変わっているか、実行できない状態です。読み直してから判断してください。",
    tells(
        "currentRevision",
        int | None,
        _current,
        (
            "The revision that the record is at; of a list of files its version.",
            "レコードの現在の版（ファイル一覧ではその版）。",
        ),
    ),
)
Forbidden: Final = _refusal(
    "Forbidden",
    "You may not do this: ask whoever manages the scope.",
    "権限がありません。スコープの管理者に相談してください。",
)
Unauthenticated: Final = _refusal(
    "Unauthenticated",
    "Say who you are first: sign in, or send a token.",
    "先にサインインするか、トークンを送ってください。",
)
NotFound: Final = _refusal(
    "NotFound",
    "There is no such thing that you may see: hidden and absent are one answer.",
    "存在しないか、閲覧できません。どちらも同じ答えになります。",
)
TooLarge: Final = _refusal(
    "TooLarge", "It is more than one request may hold: send less.", "1回の上限を超えています。分けて送ってください。"
)
Unavailable: Final = _refusal(
    "Unavailable",
    "It cannot be done now: try again later.",
    "いまは実行できません。後でもう一度お試しください。",
    tells("retryAfterSeconds", int, lambda error: error.retry_after_seconds, ("When.", "再試行までの秒数。")),
)

# Errors by what they are to a caller of GraphQL; the first that fits.
_OF_ERROR: Final[Sequence[tuple[type[errors.CatalogError], Refusal]]] = (
    (errors.Malformed, Invalid),
    (errors.Invalid, Invalid),
    (errors.NotFound, NotFound),
    (errors.Forbidden, Forbidden),
    (errors.Conflict, Conflict),
    (Stale, Conflict),
    (errors.TooLarge, TooLarge),
    (errors.TooCostly, TooLarge),
    (errors.Unavailable, Unavailable),
    (Unauthorized, Unauthenticated),
)


def refusal_of(error: errors.CatalogError, *, anonymous: bool) -> Payload | None:
    """What an error is to whoever asked; None if nobody who asks can do anything about it."""
    if anonymous and isinstance(error, errors.Forbidden):
        # RFC 9110, 15.5.2: who has not said who they are may yet be allowed.
        return Unauthenticated(error)
    return next((type_(error) for kind, type_ in _OF_ERROR if isinstance(error, kind)), None)
