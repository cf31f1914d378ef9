"""What is submitted, as inputs: one for each kind's body, made from the same fields as its type, so that clients are told by their
compiler what may be written; and the JSON that such an input stands for, which is all that the gate ever sees."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.schema_directives import OneOf
from strawberry.types.field import StrawberryField

from catalog.errors import Malformed
from catalog.records.kinds import Field, Kind, Kinds
from catalog.records.parse import parse, read_submission
from catalog.records.record import Submission
from catalog.records.shipped import shipped
from catalog.web.graphql.definitions import Long, Words, declared, define, listed, taken
from catalog.web.graphql.naming import camel, common_fields, legal, pascal, shape, taken_twice

# The languages that have a place of their own; all others are in `other`, since a language tag is no GraphQL name.
_LANGUAGES: Final = ("en", "ja", "und")
_TERM: Final = "term"


def _in_languages(name: str, type_: Any, words: Words) -> type:
    members: list[StrawberryField] = [
        taken("en", type_ | None, ("In English.", "英語。")),
        taken("ja", type_ | None, ("In Japanese.", "日本語。")),
        taken("und", type_ | None, ("In a language that is not known.", "言語不明。")),
        taken(
            "other", JSON | None, ("In others, by language tag (BCP 47).", "その他の言語（BCP 47 の言語タグごと）。")
        ),
    ]
    return define(declared(name), members, words, is_input=True)


TEXT: Final = _in_languages(
    "TextInput", str, ("A text, in one language or several.", "テキスト。複数の言語で書けます。")
)
TEXTS: Final = _in_languages("TextsInput", list[str], ("Several texts in each language.", "言語ごとに複数のテキスト。"))
QUANTITY: Final = define(
    declared("QuantityInput"),
    [
        taken("value", float | None, ("The number; or min and max.", "数値。範囲なら min と max。")),
        taken("min", float | None, ("The lower end of a range.", "下限。")),
        taken("max", float | None, ("The upper end of a range.", "上限。")),
        taken(
            "uncertainty", float | None, ("The standard uncertainty, in the same unit.", "標準不確かさ（同じ単位）。")
        ),
        taken("unit", str, ("As UCUM or usage writes it: keV, mmol/L.", "UCUM または慣用の表記（keV、mmol/L など）。")),
        taken("note", str | None, ("A remark on it.", "備考。")),
    ],
    ("A number or a range, with its unit.", "単位付きの数値または範囲。"),
    is_input=True,
)
TERM: Final = define(
    declared("TermInput"),
    [
        taken(
            _TERM,
            str | None,
            ("The term's IRI, or a name with the source's prefix.", "用語の IRI、または登録元の接頭辞による短縮形。"),
        ),
        taken("label", TEXT | None, ("What the source calls it.", "登録元での呼び名。")),
        taken(
            "text",
            str | None,
            ("Plain words instead of a term, where they may stand.", "用語の代わりの語（使える項目のみ）。"),
        ),
    ],
    ("A term of a vocabulary.", "語彙の用語。"),
    is_input=True,
)
LINK: Final = define(
    declared("LinkInput"),
    [
        taken("to", str, ("The id of a record, or an IRI.", "レコードの ID、または IRI。")),
        taken("role", str | None, ("The part that the target plays: measured.", "リンク先の役割。")),
        taken("port", str | None, ("The port of the workflow or module.", "ワークフローやモジュールのポート。")),
        taken("predicate", str | None, ("The name of the relation.", "関係の名前。")),
        taken("from", str | None, ("From when it holds.", "開始。")),
        taken("until", str | None, ("Until when it holds.", "終了。")),
        taken("order", int | None, ("Its place among the links of the field.", "順序。")),
        taken("note", str | None, ("A remark on it.", "備考。")),
        taken("by", str | None, ("Who says so.", "主張した人。")),
    ],
    ("A link to a record or an IRI.", "レコードまたは IRI へのリンク。"),
    is_input=True,
)


@strawberry.enum(name="SubmissionStatus", description="Who is to see what is submitted.\n登録時の公開状態。")
class SayableStatus(enum.Enum):
    """The status that a submission may say."""

    PUBLIC = strawberry.enum_value("public", description="Everyone who may read its scope.\nスコープを閲覧できる全員。")
    PRIVATE = strawberry.enum_value("private", description="Its writers.\n書き込み権限者のみ。")
    DRAFT = strawberry.enum_value(
        "draft", description="Its writers, and it may break rules.\n下書き（検証に通らなくてもよい）。"
    )


class Inputs:
    """The inputs that are made from the kinds."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._common = common_fields(kinds)
        self._objects: dict[tuple[object, ...], type] = {}
        self._names: dict[str, str] = {}
        files: dict[str, type] = {}
        self.file = _from_schema("FileInput", _file_schema(), files)
        self.location = files["FileLocationInput"]
        bodies = [self._body(kind) for kind in kinds.values()]
        self.body = define(
            declared("BodyInput"),
            [
                *(
                    taken(member_of(kind), body | None, _words(kind))
                    for kind, body in zip(kinds.values(), bodies, strict=True)
                ),
                taken(
                    "json",
                    JSON | None,
                    ("The body as JSON, of the `kind` beside it.", "本文の JSON。種別は `kind` に書く。"),
                ),
            ],
            ("What a record says: by its kind, or as JSON.", "レコードの内容。種別ごとの入力、または JSON。"),
            is_input=True,
        )
        self.body.__strawberry_definition__.directives = (OneOf(),)  # type: ignore[attr-defined]
        self.submission = self._submission()

    def _submission(self) -> type:
        return define(
            declared("SubmissionInput"),
            [
                taken(
                    "kind",
                    str | None,
                    ("The kind; needed only where the body is `json`.", "種別。本文が `json` のときだけ必要。"),
                ),
                taken("source", str, ("Where the record comes from.", "登録元。")),
                taken(
                    "localId",
                    str | None,
                    (
                        "The id by which the source knows it; without it one is made.",
                        "登録元での ID。省略時は発行されます。",
                    ),
                ),
                taken(
                    "profile",
                    str | None,
                    ("The profile that it is held to: `name@1`.", "従うプロファイル（`name@1`）。"),
                ),
                taken(
                    "scope",
                    str | None,
                    (
                        "Where it is to lie; without it in the source's home scope.",
                        "置くスコープ。省略時は登録元のスコープ。",
                    ),
                ),
                taken("status", SayableStatus | None, ("Who is to see it.", "公開状態。")),
                taken(
                    "expectedRevision",
                    int | None,
                    (
                        "The revision that was read; 0: the record must be new. Another is a `Conflict`.",
                        "読んだ版の番号。0 は新規のみ。違えば `Conflict`。",
                    ),
                ),
                taken("body", self.body, ("What it says.", "内容。")),
                taken(
                    "files",
                    listed(self.file) | None,
                    (
                        "The files of a dataset; those of before are replaced.",
                        "データセットのファイル。以前の一覧は置き換えられます。",
                    ),
                ),
            ],
            (
                "One submission: a new record, or what is said now of one that is known.",
                "登録データ。新規、または既存レコードの新しい内容。",
            ),
            is_input=True,
        )

    def _body(self, kind: Kind) -> type:
        fields = [self._taken(each, kind) for each in kind.fields]
        return define(declared(f"{pascal(kind.name)}Body"), fields, _words(kind), is_input=True)

    def _taken(self, field: Field, kind: Kind, *, inside: bool = False) -> StrawberryField:
        type_ = self._type(field, kind)
        if field.many and field.form != "text":
            type_ = listed(type_)
        # A draft is kept whatever it lacks, and the gate names what is missing; inside an object it is known what makes it one.
        needed = inside and field.required
        name = legal(camel(field.name), f"kind {kind.name}")
        return taken(name, type_ if needed else type_ | None, _words(field))

    def _type(self, field: Field, kind: Kind) -> Any:
        match field.form:
            case "text":
                return TEXTS if field.many else TEXT
            case "date":
                return str
            case "quantity":
                return QUANTITY
            case "links":
                return LINK
            case "term":
                return TERM
            case "object":
                return self._object(field, kind)
            case "json":
                return JSON
            case "scalar":
                return {"string": str, "integer": Long, "number": float, "boolean": bool}.get(field.scalar or "", JSON)

    def _object(self, field: Field, kind: Kind) -> type:
        """The input of an object, named as the type that it becomes; what looks alike and is defined alike shares one."""
        name = pascal(field.definition or field.rdf_type or field.name)
        key = (name, *(shape(each) for each in field.fields))
        if key not in self._objects:
            # What one kind alone says, and not by a definition of its own, bears the name of the kind.
            if (field.definition is None and field.name not in self._common) or f"{name}Input" in self._names:
                name = pascal(kind.name) + name
            made = self._objects[key] = self._declared(f"{name}Input", f"the field {field.name}")
            members = [self._taken(each, kind, inside=True) for each in field.fields]
            define(made, members, _words(field), is_input=True)
        return self._objects[key]

    def _declared(self, name: str, of: str) -> type:
        if name in self._names:
            raise taken_twice(name, self._names[name], of)
        self._names[name] = of
        return declared(legal(name, of))

    def read(self, said: Mapping[str, Any]) -> Submission:
        """The submission that an input stands for; Malformed where its envelope is none."""
        value = {name: each for name, each in said.items() if each is not None and name != "expectedRevision"}
        value["kind"], value["body"] = self.body_of(said["body"], said.get("kind"))
        if said.get("expectedRevision") is not None:
            value["revision"] = said["expectedRevision"]
        if "status" in value:
            value["status"] = SayableStatus(value["status"]).value
        if "files" in value:
            value["files"] = [_without_null(each) for each in value["files"]]
        return read_submission(exactly(value))

    def body_of(self, said: Mapping[str, Any], kind: str | None) -> tuple[str, Any]:
        """The kind that a body is of, and what it says."""
        ((member, body),) = said.items()
        if member == "json":
            if kind is None:
                raise Malformed("kind is missing beside a body as JSON.", ja="本文が json のときは kind が必要です。")
            return kind, body
        found = next(each for each in self.kinds.values() if member_of(each) == member)
        if kind not in (None, found.name):
            raise Malformed(
                f"kind is '{kind}', but the body is that of '{found.name}'.",
                ja=f"kind は「{kind}」ですが、本文は「{found.name}」のものです。",
            )
        return found.name, _object_of(found.fields, body)


def member_of(kind: Kind) -> str:
    """The kind's name as a member may be called."""
    return camel(kind.name)


def exactly(value: Any) -> Any:
    """The same value, as JSON can keep it; Malformed if it can't: what a GraphQL literal says need not be JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair is told of as JSON's own reader tells of it.
    return parse(text.encode("utf-8", "surrogatepass"))


def written(said: Mapping[str, Any]) -> dict[str, Any]:
    """A file, a location or a link as it is written in JSON; Malformed if it can't be."""
    return cast(dict[str, Any], exactly(_without_null(said)))


def _without_null(said: Any) -> Any:
    if isinstance(said, Mapping):
        return {name: _without_null(each) for name, each in said.items() if each is not None}
    if isinstance(said, list):
        return [_without_null(each) for each in said]
    return _whole(said)


def _object_of(fields: Sequence[Field], said: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it is written in JSON; null is as good as nothing, as clients say what they leave out."""
    made = {}
    for field in fields:
        value = said.get(camel(field.name))
        if value is None:
            continue
        if field.many and field.form != "text":
            made[field.name] = [_value_of(field, each) for each in value]
        else:
            made[field.name] = _value_of(field, value)
    return made


def _value_of(field: Field, value: Any) -> Any:
    match field.form:
        case "text":
            return text_of(value)
        case "quantity" | "links":
            return _without_null(value)
        case "term":
            return _term_of(value)
        case "object":
            return _object_of(field.fields, value)
        case "scalar":
            return _whole(value)
        case _:
            return value


def text_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """A text by its languages, as it is written in JSON."""
    other = said.get("other")
    if other is not None and not isinstance(other, dict):
        raise Malformed(
            'other: texts by their language tags are needed: {"de": "…"}.',
            ja='other: 言語タグごとのテキストが必要です: {"de": "…"}',
        )
    return {**(other or {}), **{name: said[name] for name in _LANGUAGES if said.get(name) is not None}}


def _term_of(said: Mapping[str, Any]) -> Any:
    if said.get("text") is not None and said.get(_TERM) is None and said.get("label") is None:
        return said["text"]
    made = {name: each for name, each in said.items() if each is not None}
    if "label" in made:
        made["label"] = text_of(made["label"])
    return made


def _whole(value: Any) -> Any:
    """A number without a fraction as JSON's integers are written: GraphQL makes 5 and 5.0 one."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _words(of: Kind | Field) -> Words:
    """Its description in both languages, or its title where it has none."""
    told = {**of.titles, **of.descriptions}
    choices = f" ({', '.join(map(str, of.enum))})" if isinstance(of, Field) and of.enum else ""
    return told.get("en", of.name) + choices, told.get("ja", "") + choices if told.get("ja") else ""


def _file_schema() -> Mapping[str, Any]:
    whole = orjson.loads((shipped() / "schemas" / "submission.schema.json").read_bytes())
    return cast(Mapping[str, Any], whole["$defs"]["file"])


def _from_schema(name: str, schema: Mapping[str, Any], made: dict[str, type]) -> type:
    """An input made from a plain schema, of objects and lists of them; it and those inside it are also put into `made`."""
    needed = schema.get("required", ())
    members = []
    for member, told in schema["properties"].items():
        type_ = _plain_type(name.removesuffix("Input") + pascal(member), told, made)
        about = told.get("description", ""), told.get("x-ja", {}).get("description", "")
        members.append(taken(member, type_ if member in needed else type_ | None, about))
    words = schema.get("description", ""), schema.get("x-ja", {}).get("description", "")
    made[name] = define(declared(name), members, words, is_input=True)
    return made[name]


def _plain_type(name: str, schema: Mapping[str, Any], made: dict[str, type]) -> Any:
    match schema["type"]:
        case "object":
            return _from_schema(f"{name}Input", schema, made)
        case "array":
            return listed(_plain_type(name.removesuffix("s"), schema["items"], made))
        case "string":
            return str
        case "boolean":
            return bool
        case "integer":
            return Long
        case _:
            return float
