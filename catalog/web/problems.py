"""Errors become HTTP here, once: problem documents of RFC 9457, and the pages that describe them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from catalog import errors
from catalog.records.finding import Finding
from catalog.web import refusals
from catalog.web.negotiation import Language

logger = logging.getLogger("catalog.web")

# Absolute, so that a program may compare it in every installation (RFC 9457, 3.1.1 warns of relative ones).
TYPE_BASE = "https://w3id.org/musubi/problems/"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A problem as its type describes it: the status it comes with, what it means, and what to do about it."""

    name: str
    status: int
    title: Mapping[Language, str]
    about: Mapping[Language, str]

    @property
    def type(self) -> str:
        return TYPE_BASE + self.name


def _kind(name: str, status: int, title: str, ja_title: str, about: str, ja_about: str) -> ProblemKind:
    return ProblemKind(name, status, {"en": title, "ja": ja_title}, {"en": about, "ja": ja_about})


MALFORMED = _kind(
    "malformed",
    400,
    "The request cannot be read",
    "リクエストを読み取れません",
    "The body is not what its media type says, or an address or parameter is not written rightly. Nothing was stored. "
    "Mend what `detail` names and send it again.",
    "本文が宣言された形式になっていないか、アドレスやパラメーターの書き方が正しくありません。何も保存されていません。"
    "`detail` が示す箇所を直して送り直してください。",
)
UNAUTHORIZED = _kind(
    "unauthorized",
    401,
    "Say who you are",
    "認証が必要です",
    "Sign in at `/sign-in`, or send a token that is known here as `Authorization: Bearer <token>`: one of your own from "
    "`/account/tokens`, or the administrator's, which lies in the file `admin-token` in the catalogue's data folder.",
    "`/sign-in` でサインインするか、ここで有効なトークンを `Authorization: Bearer <トークン>` として送る必要があります。"
    "自分のトークンは `/account/tokens` で作成できます。管理者トークンはカタログのデータフォルダーの `admin-token` にあります。",
)
FORBIDDEN = _kind(
    "forbidden",
    403,
    "You may not do this",
    "この操作は許可されていません",
    "Your rights do not reach this far. Ask whoever manages the scope in which the record lies.",
    "権限がありません。レコードが属するスコープの管理者に相談してください。",
)
NOT_FOUND = _kind(
    "not-found",
    404,
    "There is no such thing",
    "見つかりません",
    "Nothing that you may see has this address. What you may not see and what does not exist are one answer.",
    "このアドレスで閲覧できるものはありません。閲覧できないものと存在しないものは、同じ答えになります。",
)
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed",
    405,
    "This address does not take this method",
    "このメソッドは使えません",
    "The header `Allow` lists the methods that mean something at this address; `/api` describes them all.",
    "このアドレスで使えるメソッドは `Allow` ヘッダーにあります。一覧は `/api` をご覧ください。",
)
NOT_ACCEPTABLE = _kind(
    "not-acceptable",
    406,
    "It cannot be written in that form",
    "その形式では返せません",
    "None of the media types in `Accept` can be made of this. `detail` lists those that can.",
    "`Accept` にある形式はいずれも用意できません。返せる形式は `detail` にあります。",
)
CONFLICT = _kind(
    "conflict",
    409,
    "The state has moved on",
    "状態が変わっています",
    "Somebody else was first, or the record's present state forbids what was asked. Read it again, then decide. "
    "`revision` is the newest one, where there is one.",
    "他の人が先に更新したか、レコードの現在の状態では実行できません。もう一度読んでから決めてください。"
    "`revision` は最新の版です。",
)
GONE = _kind(
    "gone",
    410,
    "It was withdrawn",
    "取り下げられました",
    "The record was here and has been withdrawn; `reason` says why and `at` when. Its address is not used again.",
    "このレコードは取り下げられました。`reason` が理由、`at` が日時です。このアドレスが再び使われることはありません。",
)
STALE = _kind(
    "stale",
    412,
    "It is no longer the revision you read",
    "読んだ版はもう最新ではありません",
    "`If-Match` names another revision than the newest. Nothing was stored. Read the record again, then decide.",
    "`If-Match` の版は最新ではありません。何も保存されていません。もう一度読んでから決めてください。",
)
TOO_LARGE = _kind(
    "too-large",
    413,
    "It is more than one request may hold",
    "大きすぎます",
    "A single record has a limit. Many records belong into NDJSON, a JSON array or CSV, which may be of any length.",
    "1件のレコードには上限があります。多数のレコードは NDJSON、JSON 配列、CSV で送れば長さの制限はありません。",
)
UNSUPPORTED_MEDIA_TYPE = _kind(
    "unsupported-media-type",
    415,
    "This media type is not read here",
    "この形式は読めません",
    "`detail` names the media types that can be sent to this address.",
    "このアドレスに送れる形式は `detail` にあります。",
)
INVALID = _kind(
    "invalid",
    422,
    "A rule is broken",
    "規則に合っていません",
    "The request was read, and `findings` names each thing that is wrong: where it is (a JSON pointer into the body), "
    "which rule it breaks, and what would be right. Nothing was stored.",
    "読み取れましたが、規則に合わない箇所があります。`findings` に、場所(本文への JSON ポインター)、規則、"
    "正しい書き方が示されています。何も保存されていません。",
)
TOO_COSTLY = _kind(
    "too-costly",
    422,
    "The question asks for too much",
    "問い合わせが大きすぎます",
    "The query was understood, but takes more time, memory or rows than one query may. `detail` says which, and how to ask "
    "for less. Asking the same again will not help.",
    "クエリーは読み取れましたが、1回で使える時間、メモリー、行数を超えます。どれを超えたか、どう絞ればよいかは `detail` にあります。"
    "同じクエリーを繰り返しても結果は変わりません。",
)
BUSY = _kind(
    "busy",
    429,
    "More has been sent than was worked through",
    "処理が追いついていません",
    "The linked graph or the search index is so far behind the ledger that no further load is taken. Nothing of it was "
    "stored. Send it again after the number of seconds that `Retry-After` names. Single records are taken as ever.",
    "グラフまたは検索索引の更新が台帳に大きく遅れているため、一括登録を受け付けていません。何も保存されていません。"
    "`Retry-After` の秒数だけ待ってから送り直してください。1件ずつの登録はいつでも受け付けます。",
)
THROTTLED = _kind(
    "throttled",
    429,
    "There were too many wrong guesses",
    "誤りが続いたため制限されています",
    "After some wrong passwords the next is looked at only after a while, which grows with each of them. Wait for the number of "
    "seconds that `Retry-After` names; an administrator can send a link that sets a new password.",
    "パスワードの誤りが続くと、次の試行まで待ち時間が設けられ、誤るたびに長くなります。`Retry-After` の秒数だけ待ってください。"
    "管理者に依頼すれば、パスワードを再設定するリンクを受け取れます。",
)
FAILED = _kind(
    "failed",
    500,
    "Something went wrong on our side",
    "サーバー側で問題が起きました",
    "It is not your doing. The administrator finds what happened in the log under the `id` that came with the answer.",
    "サーバー側の問題です。答えに含まれる `id` で、管理者がログから原因を調べられます。",
)
UNAVAILABLE = _kind(
    "unavailable",
    503,
    "It cannot be done now",
    "いまは実行できません",
    "Try again after the number of seconds that `Retry-After` names.",
    "`Retry-After` の秒数だけ待ってから、もう一度試してください。",
)

KINDS: Mapping[str, ProblemKind] = {
    kind.name: kind
    for kind in (
        MALFORMED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, CONFLICT, GONE, STALE,
        TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID, TOO_COSTLY, BUSY, THROTTLED, FAILED, UNAVAILABLE,
    )
}  # fmt: skip

_OF_ERROR: Sequence[tuple[type[errors.CatalogError], ProblemKind]] = (
    (errors.Malformed, MALFORMED),
    (errors.Invalid, INVALID),
    (errors.NotFound, NOT_FOUND),
    (errors.Gone, GONE),
    (errors.Forbidden, FORBIDDEN),
    (errors.Conflict, CONFLICT),
    (errors.TooLarge, TOO_LARGE),
    (errors.TooCostly, TOO_COSTLY),
    (errors.Busy, BUSY),
    (errors.Throttled, THROTTLED),
    (errors.Unavailable, UNAVAILABLE),
    (refusals.Unauthorized, UNAUTHORIZED),
    (refusals.MethodNotAllowed, METHOD_NOT_ALLOWED),
    (refusals.NotAcceptable, NOT_ACCEPTABLE),
    (refusals.Stale, STALE),
    (refusals.UnsupportedMediaType, UNSUPPORTED_MEDIA_TYPE),
    (refusals.UnsupportedEncoding, UNSUPPORTED_MEDIA_TYPE),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a request gets instead of what it asked for."""

    kind: ProblemKind
    document: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def body(self) -> bytes:
        return orjson.dumps(self.document)


def problem_from(error: Exception, language: Language) -> Problem:
    """The problem that an error is for whoever asked. What is not ours is logged under an id and told without detail."""
    if isinstance(error, errors.CatalogError):
        for type_, kind in _OF_ERROR:
            if isinstance(error, type_):
                return _told(kind, error, language)
    # What happened is in the log, whole; the answer carries no word of it.
    id = secrets.token_hex(8)
    logger.error("request failed; id %s", id, exc_info=error)
    document = {
        "type": FAILED.type,
        "title": FAILED.title[language],
        "status": FAILED.status,
        "detail": FAILED.about[language].replace("`", ""),
        "id": id,
    }
    return Problem(FAILED, document, {})


def _told(kind: ProblemKind, error: errors.CatalogError, language: Language) -> Problem:
    document: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title[language],
        "status": kind.status,
        "detail": error.messages[language],
    }
    headers: dict[str, str] = {}
    match error:
        case errors.Malformed() if error.line is not None:
            document["line"], document["column"] = error.line, error.column
        case errors.Invalid():
            document["findings"] = findings_in(error.findings, language)
        case errors.Gone():
            document["reason"], document["at"] = error.reason, error.at
        case errors.Conflict() | refusals.Stale():
            if error.revision is not None:
                document["revision"] = error.revision
        case errors.Unavailable():
            headers["Retry-After"] = str(error.retry_after_seconds)
        case refusals.MethodNotAllowed():
            headers["Allow"] = ", ".join(error.allowed)
        case refusals.Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="catalogue"'
        case _:
            pass
    return Problem(kind, document, headers)


def findings_in(findings: Sequence[Finding | Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """Findings as they are answered: each message in the language of whoever asked."""
    told = []
    for finding in findings:
        document = dict(finding.document() if isinstance(finding, Finding) else finding)
        message = document.get("message")
        if isinstance(message, Mapping):
            document["message"] = message.get(language) or message.get("en") or next(iter(message.values()), "")
        told.append(document)
    return told
