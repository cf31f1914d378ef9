"""Register sources: a new version each time something is said anew; none is ever edited in place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from catalog.access.scopes import Scopes
from catalog.errors import Forbidden, Invalid, Malformed
from catalog.ledger.sources import Sources
from catalog.questions.reader import Reader
from catalog.records.finding import Finding
from catalog.records.identifiers import check_source_name, is_iri
from catalog.records.record import Source

KEYS: Final = frozenset(("id", "title", "homeScope", "prefixes", "zone", "licence", "contact", "homepage"))
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,31}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|und")
# A prefix of this name could not be told from an IRI that is written out.
_SCHEMES: Final = frozenset(("http", "https", "urn", "mailto", "ftp", "file", "data", "javascript"))


def register_source(document: Mapping[str, Any], by: Reader, *, sources: Sources, scopes: Scopes) -> Source:
    """The source as it is now known: its first version, a new one, or the same when nothing new was said."""
    if not by.administrator:
        raise Forbidden("only administrators register sources", ja="登録元を登録できるのは管理者のみです")
    if findings := tuple(_findings(document, scopes)):
        raise Invalid("this is not a source that can be registered", findings, ja="この内容では登録元を登録できません")
    told = Source(
        document["id"],
        0,
        document["title"],
        document["homeScope"],
        document.get("prefixes", {}),
        document.get("zone", "UTC"),
        document.get("licence"),
        document.get("contact"),
        document.get("homepage"),
    )
    return sources.register(told, by=by.id)


def _findings(document: Mapping[str, Any], scopes: Scopes) -> list[Finding]:
    found: list[Finding] = []

    def wrong(pointer: str, rule: str, en: str, ja: str) -> None:
        found.append(Finding(pointer, f"source/{rule}", "violation", {"en": en, "ja": ja}))

    for key in sorted(document.keys() - KEYS):
        allowed = ", ".join(sorted(KEYS))
        wrong(
            f"/{key}",
            "key",
            f"a source has no '{key}'; it has {allowed}",
            f"登録元に「{key}」はありません（{allowed}）",
        )
    name = document.get("id")
    if not isinstance(name, str):
        wrong("/id", "id", "a source needs an id, such as spring8", "登録元には spring8 のような id が必要です")
    else:
        try:
            check_source_name(name)
        except Malformed as problem:
            wrong("/id", "id", problem.messages["en"], problem.messages["ja"])
    title = document.get("title")
    if (
        not isinstance(title, Mapping)
        or not title
        or not all(_LANGUAGE.fullmatch(tag) and isinstance(told, str) and told.strip() for tag, told in title.items())
    ):
        wrong(
            "/title",
            "title",
            'a source needs a title by language, such as {"en": "SPring-8", "ja": "…"}',
            '言語ごとの表題が必要です。例: {"en": "SPring-8", "ja": "…"}',
        )
    home = document.get("homeScope")
    if not isinstance(home, str) or scopes.facts(home) is None:
        wrong(
            "/homeScope",
            "scope",
            "homeScope must be a scope that exists: make it first with `catalog scope add` or POST /scopes",
            "homeScope には既存のスコープを指定してください。先に `catalog scope add` か POST /scopes で作成します",
        )
    prefixes = document.get("prefixes", {})
    if not isinstance(prefixes, Mapping):
        wrong(
            "/prefixes",
            "prefixes",
            "prefixes must be an object of prefix to IRI",
            "prefixes は接頭辞とIRIのオブジェクトです",
        )
    else:
        for prefix, iri in prefixes.items():
            if (
                not _PREFIX.fullmatch(prefix)
                or prefix.lower() in _SCHEMES
                or not isinstance(iri, str)
                or not is_iri(iri)
            ):
                wrong(
                    f"/prefixes/{prefix}",
                    "prefix",
                    f"'{prefix}' must be a short name for an absolute IRI, and not a scheme",
                    f"接頭辞「{prefix}」は絶対IRIの短い名前でなければなりません（スキーム名は使えません）",
                )
    zone = document.get("zone", "UTC")
    try:
        ZoneInfo(zone if isinstance(zone, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        wrong("/zone", "zone", "zone must be a time zone such as Asia/Tokyo", "zone は Asia/Tokyo のような時間帯です")
    for key in ("licence", "homepage"):
        if key in document and not (isinstance(document[key], str) and is_iri(document[key])):
            wrong(f"/{key}", "iri", f"{key} must be an absolute IRI", f"{key} は絶対IRIでなければなりません")
    if "contact" in document and not isinstance(document["contact"], str):
        wrong("/contact", "contact", "contact must be a text", "contact は文字列です")
    return found
