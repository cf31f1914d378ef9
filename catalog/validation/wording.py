"""What is said to people whose submission was refused: for each rule what would be right, in English and Japanese."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """One message in both languages, and spellings that may have been meant."""

    en: str
    ja: str
    near: tuple[str, ...] = ()

    @property
    def messages(self) -> dict[str, str]:
        """The message by language, as findings carry it."""
        return {"en": self.en, "ja": self.ja}


_TYPES = {
    "array": ("a list", "リスト"),
    "boolean": ("true or false", "真偽値（true / false）"),
    "integer": ("a whole number", "整数"),
    "null": ("null", "null"),
    "number": ("a number", "数値"),
    "object": ("an object", "オブジェクト"),
    "string": ("a text", "文字列"),
}

# An example says more than a standard's number.
_FORMATS = {
    "date": ("a date such as 2026-05-10", "2026-05-10 のような日付"),
    "date-time": (
        "a date and time with its offset such as 2026-05-10T07:43:00+09:00",
        "2026-05-10T07:43:00+09:00 のような時差付きの日時",
    ),
    "duration": ("a duration such as PT2H30M", "PT2H30M のような時間の長さ"),
    "edtf": (
        'a date: a day, a month, a year, an interval (2019-04/2019-06), a date and time, or an INSDC word such as "not collected"',
        "日付（日・月・年・期間「2019-04/2019-06」・日時）か、「not collected」などの INSDC の欠測語",
    ),
    "email": ("an e-mail address", "電子メールアドレス"),
    "hostname": ("a host name", "ホスト名"),
    "idn-email": ("an e-mail address", "電子メールアドレス"),
    "iri": (
        "a full IRI such as https://example.org/x, without spaces",
        "https://example.org/x のような完全な IRI（空白なし）",
    ),
    "iri-reference": ("an IRI or a relative reference, without spaces", "IRI か相対参照（空白なし）"),
    "json-pointer": ("a JSON pointer such as /body/title", "/body/title のような JSON ポインタ"),
    "regex": ("a regular expression (ECMA-262)", "正規表現（ECMA-262）"),
    "time": ("a time with its offset such as 07:43:00+09:00", "07:43:00+09:00 のような時差付きの時刻"),
    "uri": (
        "a full URI such as https://example.org/x, without spaces",
        "https://example.org/x のような完全な URI（空白なし）",
    ),
    "uri-reference": ("a URI or a relative reference, without spaces", "URI か相対参照（空白なし）"),
    "uuid": ("a UUID", "UUID"),
}


def shown(value: Any, *, most: int = 60) -> str:
    """A value as it would be written, cut where it grows long."""
    text = json.dumps(_beginning(value), ensure_ascii=False)
    return text if len(text) <= most else text[: most - 1] + "…"


def _beginning(value: Any, depth: int = 3) -> Any:
    """As much of a value as can be shown, however large it is."""
    if isinstance(value, str):
        return value[:200]
    if isinstance(value, list):
        return [_beginning(item, depth - 1) for item in value[:20]] if depth else ["…"]
    if isinstance(value, dict):
        return (
            {key[:200]: _beginning(inner, depth - 1) for key, inner in islice(value.items(), 20)}
            if depth
            else {"…": "…"}
        )
    return value


def listed(values: Sequence[Any], *, most: int = 12) -> str:
    """Values one after another, with the number of those left out."""
    text = ", ".join(shown(value) for value in values[:most])
    return text if len(values) <= most else f"{text}, … (+{len(values) - most})"


def near_spellings(name: Any, known: Sequence[Any], *, most: int = 3) -> tuple[str, ...]:
    """Known words like the one that was written: equal but for case first."""
    texts = [word for word in known if isinstance(word, str)]
    if not isinstance(name, str) or len(name) > 200:
        return ()
    if same := [word for word in texts if word.casefold() == name.casefold()]:
        return tuple(same[:most])
    folded = {word.casefold(): word for word in texts}
    return tuple(folded[word] for word in difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.7))


def _kind_of(value: Any) -> tuple[str, str]:
    if value is None:
        return _TYPES["null"]
    if isinstance(value, bool):
        return _TYPES["boolean"]
    for python, name in ((str, "string"), (int, "number"), (float, "number"), (list, "array"), (dict, "object")):
        if isinstance(value, python):
            return _TYPES[name]
    return (type(value).__name__, type(value).__name__)


def _title(named: Mapping[str, Any]) -> tuple[str, str]:
    japanese = named.get("x-ja")
    title_en = named.get("title")
    title_ja = japanese.get("title") if isinstance(japanese, Mapping) else None
    if isinstance(title_en, str):
        return title_en, title_ja if isinstance(title_ja, str) else title_en
    # Without a title the key itself is the best name that there is.
    if isinstance(key := named.get("x-key-name"), str):
        return f'"{key}"', f"「{key}」"
    return "this value", "この値"


def _meant(near: Sequence[str]) -> tuple[str, str]:
    if not near:
        return "", ""
    choices = ", ".join(f'"{word}"' for word in near)
    return f" Did you mean {choices}?", f"{choices} のことでしょうか。"


def _described(named: Mapping[str, Any]) -> tuple[str, str]:
    """What the schema itself says of the field, where it says something."""
    en = named.get("description")
    japanese = named.get("x-ja")
    ja = japanese.get("description") if isinstance(japanese, Mapping) else None
    en_text = f" {en}" if isinstance(en, str) else ""
    return en_text, f"{ja}" if isinstance(ja, str) else en_text.strip()


def _required(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    title = named.get("title")
    en, ja = _title(named)
    add_en, add_ja = _described(named)
    called = f" ({en})" if isinstance(title, str) else ""
    called_ja = f"（{ja}）" if isinstance(title, str) else ""
    return Told(
        f'"{kind.property}"{called} is required here and is missing.{add_en}',
        f"ここには「{kind.property}」{called_ja}が必要ですが、ありません。{add_ja}",
    )


def _type(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    wanted = [_TYPES.get(name, (name, name)) for name in kind.types]
    got_en, got_ja = _kind_of(value)
    hint_en = hint_ja = ""
    if kind.types == ["array"]:
        hint_en, hint_ja = (
            " Put it in square brackets, even if there is only one.",
            "一つだけでも角括弧で囲んでください。",
        )
    elif "object" in kind.types and isinstance(value, str) and {"en", "ja"} & _words(named):
        hint_en, hint_ja = (
            ' Say the language: {"en": "…"} or {"ja": "…"}.',
            '言語を添えてください：{"en": "…"} または {"ja": "…"}。',
        )
    elif {"number", "integer"} & set(kind.types) and isinstance(value, str):
        hint_en, hint_ja = " Write it without quotation marks.", "引用符なしで書いてください。"
    return Told(
        f"{en} must be {' or '.join(word for word, _ in wanted)}, but {shown(value)} is {got_en}.{hint_en}",
        f"{ja}は{'か'.join(word for _, word in wanted)}でなければなりませんが、{shown(value)} は{got_ja}です。{hint_ja}",
    )


def _words(named: Mapping[str, Any]) -> set[str]:
    """Whether the field is text by language, as far as its own schema shows."""
    reference = str(named.get("$ref", ""))
    return {"en", "ja"} if named.get("x-text") or reference.endswith("/text") else set()


def _enum(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    near = near_spellings(value, kind.options)
    meant_en, meant_ja = _meant(near)
    return Told(
        f"{en} may be one of {listed(kind.options)}, but is {shown(value)}.{meant_en}",
        f"{ja}は {listed(kind.options)} のいずれかでなければなりませんが、{shown(value)} です。{meant_ja}",
        near,
    )


def _const(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    return Told(
        f"{en} must be {shown(kind.expected_value)}, but is {shown(value)}.",
        f"{ja}は {shown(kind.expected_value)} でなければなりませんが、{shown(value)} です。",
    )


def _pattern(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    add_en, add_ja = _described(named)
    if type(kind).__name__ in ("BacktrackLimitExceeded", "RegexEngineFailure"):
        return Told(
            f"{shown(value)} cannot be compared with the pattern of {en}: it would take too long.",
            f"{shown(value)} は{ja}のパターンとの照合に時間がかかりすぎるため、検査できません。",
        )
    if kind.pattern == r"\S":
        return Told(f"{en} must not be blank.", f"{ja}を空白だけにすることはできません。")
    link = named.get("x-link")
    kinds = link.get("kinds") if isinstance(link, Mapping) else None
    if kinds:
        records = ", ".join(f"{name}/…" for name in kinds)
        return Told(
            f"{en} may link to {records} or to an IRI outside; {shown(value)} is neither.",
            f"{ja}のリンク先は {records} か外部の IRI に限られます。{shown(value)} はどちらでもありません。",
        )
    # A long pattern tells a person nothing that the description does not.
    pattern_en, pattern_ja = "", ""
    if len(kind.pattern) <= 60 or not add_en:
        pattern_en, pattern_ja = (
            f" (pattern {shown(kind.pattern, most=120)})",
            f"（パターン {shown(kind.pattern, most=120)}）",
        )
    return Told(
        f"{shown(value)} is not written as {en} must be.{add_en}{pattern_en}",
        f"{shown(value)} は{ja}の書き方に合いません。{add_ja}{pattern_ja}",
    )


def _format(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    add_en, add_ja = ("", "") if kind.format in _FORMATS else _described(named)
    wanted_en, wanted_ja = _FORMATS.get(
        kind.format, (f'written in the format "{kind.format}"', f"「{kind.format}」の形式")
    )
    return Told(
        f"{en} must be {wanted_en}; {shown(value)} is not.{add_en}",
        f"{ja}は{wanted_ja}でなければなりません。{shown(value)} は違います。{add_ja}",
    )


def _bound(en_text: str, ja_text: str) -> Callable[[Any, Any, Mapping[str, Any]], Told]:
    def told(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
        en, ja = _title(named)
        limit = getattr(kind, "limit", getattr(kind, "multiple_of", None))
        return Told(
            f"{en} {en_text.format(limit=limit)}, but is {shown(value)}.",
            f"{ja}は{ja_text.format(limit=limit)}が、{shown(value)} です。",
        )

    return told


def _count(en_text: str, ja_text: str, thing_en: str, thing_ja: str) -> Callable[[Any, Any, Mapping[str, Any]], Told]:
    def told(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
        en, ja = _title(named)
        count = len(value) if isinstance(value, str | list | dict) else 0
        if kind.limit == 1 and count == 0:
            return Told(f"{en} must not be empty.", f"{ja}を空にすることはできません。")
        return Told(
            f"{en} must have {en_text.format(limit=kind.limit)} {thing_en}, but has {count}.",
            f"{ja}の{thing_ja}は{ja_text.format(limit=kind.limit)}でなければなりませんが、{count} です。",
        )

    return told


def _unique(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    counted = Counter(json.dumps(item, sort_keys=True) for item in value)
    # 1 and 1.0 are one value in two spellings.
    twice = next((text for text, count in counted.items() if count > 1), None)
    which, which_ja = (
        (f"{shown(json.loads(twice))}", f" {shown(json.loads(twice))} ") if twice else ("a value", "同じ値")
    )
    return Told(
        f"{en} says {which} more than once; say it once.", f"{ja}に{which_ja}が重複しています。一度だけ書いてください。"
    )


def _not(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    add_en, add_ja = _described(named)
    return Told(f"{shown(value)} is not allowed for {en}.{add_en}", f"{ja}に {shown(value)} は使えません。{add_ja}")


def _false(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    return Told(
        f"{en} may not be given here, beside what else is said; leave out one or the other.",
        f"{ja}は、ほかに書かれている内容と一緒には使えません。どちらかを除いてください。",
    )


def _branches(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    ways = [
        min(branch, key=lambda inner: len(inner.instance_path)).message
        for branch in getattr(kind, "context", ())
        if branch
    ]
    said = "; ".join(way if len(way) <= 120 else way[:119] + "…" for way in ways[:4])
    if type(kind).__name__ == "OneOfMultipleValid":
        return Told(
            f"{shown(value)} fits more than one of the forms that {en} may have, and must fit one only.",
            f"{shown(value)} は{ja}の複数の形に当てはまります。一つだけに当てはまるようにしてください。",
        )
    return Told(
        f"{shown(value)} fits none of the forms that {en} may have: {said}.",
        f"{shown(value)} は{ja}に許されるどの形にも当てはまりません：{said}。",
    )


def _contains(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    add_en, add_ja = _described(named)
    return Told(f"{en} lacks an entry that must be in it.{add_en}", f"{ja}に必要な項目が足りません。{add_ja}")


def _items(kind: Any, value: Any, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    return Told(f"{en} has more entries than it may have.", f"{ja}の項目が多すぎます。")


_TELLERS: dict[str, Callable[[Any, Any, Mapping[str, Any]], Told]] = {
    "required": _required,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "format": _format,
    "minimum": _bound("must be {limit} or more", " {limit} 以上でなければなりません"),
    "maximum": _bound("must be {limit} or less", " {limit} 以下でなければなりません"),
    "exclusiveMinimum": _bound("must be more than {limit}", " {limit} より大きくなければなりません"),
    "exclusiveMaximum": _bound("must be less than {limit}", " {limit} より小さくなければなりません"),
    "multipleOf": _bound("must be a multiple of {limit}", " {limit} の倍数でなければなりません"),
    "minLength": _count("at least {limit}", " {limit} 以上", "characters", "文字数"),
    "maxLength": _count("at most {limit}", " {limit} 以下", "characters", "文字数"),
    "minItems": _count("at least {limit}", " {limit} 以上", "entries", "項目数"),
    "maxItems": _count("at most {limit}", " {limit} 以下", "entries", "項目数"),
    "minProperties": _count("at least {limit}", " {limit} 以上", "fields", "フィールド数"),
    "maxProperties": _count("at most {limit}", " {limit} 以下", "fields", "フィールド数"),
    "uniqueItems": _unique,
    "not": _not,
    "falseSchema": _false,
    "anyOf": _branches,
    "oneOf": _branches,
    "contains": _contains,
    "unevaluatedItems": _items,
    "additionalItems": _items,
}


def _unknown(name: str, known: Sequence[str]) -> Told:
    near = near_spellings(name, known)
    meant_en, meant_ja = _meant(near)
    if name.startswith("@"):
        return Told(
            f'"{name}": keys that begin with @ are refused outside "details", since they would make statements of their own.',
            f"「{name}」：@ で始まるキーは「details」の外では使えません（別の記述になってしまうため）。",
        )
    rest_en = rest_ja = ""
    if "attributes" in known and not near:
        rest_en = (
            ' What has no field of its own can be kept under "attributes" or, as a whole document, under "details".'
        )
        rest_ja = "専用のフィールドがない内容は「attributes」に、文書ごとなら「details」に書けます。"
    elif known and not near:
        rest_en, rest_ja = (
            f" What may stand here: {listed(sorted(known), most=15)}.",
            f"ここに書けるもの：{listed(sorted(known), most=15)}。",
        )
    return Told(
        f'There is no field "{name}" here.{meant_en}{rest_en}',
        f"ここに「{name}」というフィールドはありません。{meant_ja}{rest_ja}",
        near,
    )


def _bad_name(kind: Any, name: str, named: Mapping[str, Any]) -> Told:
    en, ja = _title(named)
    inner = kind.error
    reason = tell(inner.kind.name, inner.kind, name, {"title": "the key", "x-ja": {"title": "キー"}})
    return Told(f'"{name}" cannot be a key of {en}: {reason.en}', f"「{name}」は{ja}のキーにできません：{reason.ja}")


def tell(
    keyword: str,
    kind: Any,
    value: Any,
    named: Mapping[str, Any],
    *,
    unknown: str | None = None,
    known: Sequence[str] = (),
) -> Told:
    """What to say of one broken keyword; `named` is the schema of the field, which may have a title and a description."""
    if keyword in ("additionalProperties", "unevaluatedProperties") and unknown is not None:
        return _unknown(unknown, known)
    if keyword == "propertyNames" and unknown is not None:
        return _bad_name(kind, unknown, named)
    if teller := _TELLERS.get(keyword):
        return teller(kind, value, named)
    en, ja = _title(named)
    return Told(
        f'{en}: {shown(value)} breaks the rule "{keyword}".', f"{ja}：{shown(value)} は規則「{keyword}」に反します。"
    )


def more_than_shown(count: int) -> Told:
    """The note after the last finding that is told."""
    return Told(
        f"There is more: only the first {count} findings are shown.",
        f"ほかにもあります（最初の {count} 件だけを示しています）。",
    )


def too_deep(most: int) -> Told:
    """Lists and objects in each other beyond what can be checked."""
    return Told(
        f"Lists and objects lie in each other deeper than {most} levels, which is more than can be checked.",
        f"リストやオブジェクトの入れ子が {most} 段を超えており、検査できません。",
    )


def unreadable(reason: str) -> Told:
    """A value that the engine itself could not take."""
    return Told(f"A value cannot be checked: {reason}", f"検査できない値があります：{reason}")
