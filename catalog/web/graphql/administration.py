"""What else the catalogue tells: who asks, scopes, sources, profiles, kinds, requests, tokens, groups, loads, and how it stands.

Each field calls what its twin of the REST API calls, with the same rights, and tells the same document.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final

import strawberry
from strawberry import ID
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from catalog.curation.load import find_load
from catalog.errors import NotFound
from catalog.questions.reader import RIGHTS, Reader
from catalog.upkeep import operating
from catalog.upkeep.health import health
from catalog.web.audit import lines_told
from catalog.web.graphql.answered import (
    Info,
    answered,
    document,
    first_of,
    member,
    page,
    page_arguments,
    text,
)
from catalog.web.graphql.definitions import Long, Words, argument
from catalog.web.graphql.types import Types
from catalog.web.registry import kind_told, profile_told, seen, source_told
from catalog.web.requests import demand_somebody
from catalog.web.site import Site


@strawberry.enum(description="A projection.\n投影。")
class ProjectionName(enum.Enum):
    """A projection."""

    GRAPH = strawberry.enum_value("graph", description="The graph that SPARQL asks.\nグラフ。")
    SEARCH = strawberry.enum_value("search", description="The search index.\n検索索引。")


def query_fields(types: Types) -> dict[str, StrawberryField]:
    """What is no record."""

    def listed(
        name: str, of: type, ask: Callable[[Info, Mapping[str, Any]], Any], words: Words, *arguments: Any
    ) -> StrawberryField:
        return answered(name, of | None, lambda _, info, said: ask(info, said), words, *arguments)

    def one(name: str, of: type, ask: Callable[[Info, str], Any], words: Words) -> StrawberryField:
        return answered(
            name,
            of | None,
            lambda _, info, said: ask(info, said["id"]),
            words,
            argument("id", ID, ("Its id.", "その ID。")),
        )

    made = [
        listed("me", ME, lambda info, _: _me(info), ("Who asks.", "アクセスしている利用者。")),
        listed(
            "scopes",
            SCOPES,
            _scopes,
            ("The scopes that you may see, by their ids.", "閲覧できるスコープ。"),
            *page_arguments(),
        ),
        one("scope", SCOPE, _scope, ("One scope.", "スコープ。")),
        listed("sources", list[SOURCE], _sources, ("Where records come from.", "登録元の一覧。")),  # type: ignore[valid-type]
        one("source", SOURCE, _source, ("One source.", "登録元。")),
        listed(
            "profiles",
            list[PROFILE],  # type: ignore[valid-type]
            _profiles,
            ("Every published version of every profile; administrators see proposals, too.", "プロファイルの一覧。"),
        ),
        answered(
            "profile",
            PROFILE | None,
            lambda _, info, said: _profile(info, said["name"], said.get("version")),
            ("A version of a profile; the newest if none is said.", "プロファイル。"),
            argument("name", str, ("Its name.", "名前。")),
            argument("version", int | None, ("The version.", "版。")),
        ),
        listed("kinds", list[KIND], _kinds, ("Every kind of record.", "種別の一覧。")),  # type: ignore[valid-type]
        listed(
            "requests",
            REQUESTS,
            _requests,
            (
                "What you have asked to be let into; or what waits for your answer; or who asks for one scope.",
                "自分の申請、回答を待つ申請、またはスコープへの申請。",
            ),
            argument("waiting", bool, ("Those that wait for your answer.", "自分の回答を待つもの。"), False),
            argument("scope", ID | None, ("Those for this scope and below it.", "このスコープへの申請。")),
            *page_arguments(),
        ),
        listed(
            "tokens",
            list[TOKEN],  # type: ignore[valid-type]
            _tokens,
            (
                "Your own tokens, or those of a source for administrators.",
                "自分のトークン、または登録元のトークン（管理者）。",
            ),
            argument("source", ID | None, ("Those of this source.", "この登録元のトークン。")),
        ),
        listed(
            "groups",
            HOLDERS,
            lambda info, said: _page_of(info.context.catalog.groups.list, info, said),
            ("The groups that you are in; every group for administrators.", "所属するグループ。"),
            *page_arguments(),
        ),
        answered(
            "group",
            GROUP | None,
            lambda _, info, said: _group(info, said),
            ("A group with its members.", "グループと構成員。"),
            argument("id", ID, ("The group's id.", "グループの ID。")),
            *page_arguments(),
        ),
        one("load", LOAD, _load, ("How a load stands; whoever knows its id may ask.", "一括登録の状態。")),
        listed(
            "health",
            HEALTH,
            lambda info, _: _health(info),
            ("How it stands with the graph and the search index.", "グラフと検索索引の状態。"),
        ),
        listed(
            "failures",
            FAILURES,
            _failures,
            ("For administrators: what could not be projected.", "反映に失敗したレコード（管理者）。"),
            argument("projection", ProjectionName, ("Of which projection.", "対象の投影。")),
            argument(
                "waived",
                bool | None,
                ("Only those that were waived, or only the others.", "免除されたものだけ、または、それ以外。"),
            ),
            *page_arguments(),
        ),
        listed(
            "audit",
            AUDIT,
            _audit,
            (
                "What was done about rights, the newest first: for administrators, and of a scope for whoever manages it.",
                "権限に関する監査記録（新しい順）。管理者、またはスコープの管理者。",
            ),
            *(argument(name, str | None, words) for name, words in _AUDITED.items()),
            *page_arguments(),
        ),
        listed(
            "people",
            PEOPLE,
            _people,
            ("Everybody who can sign in; for administrators.", "利用者の一覧（管理者）。"),
            *page_arguments(),
        ),
        listed(
            "issuers",
            list[ISSUER],  # type: ignore[valid-type]
            lambda info, _: [each.document() for each in info.context.catalog.issuers.list(info.context.reader)],
            ("Whose word counts for what; for administrators.", "発行者の一覧（管理者）。"),
        ),
        listed(
            "workloads",
            list[WORKLOAD],  # type: ignore[valid-type]
            lambda info, _: [each.document() for each in info.context.catalog.workloads.list(info.context.reader)],
            ("Programs that an issuer vouches for; for administrators.", "ワークロードの一覧（管理者）。"),
        ),
    ]
    return {field.python_name: field for field in made}


# --- types


def _plain(*told: tuple[str, Any, str, str]) -> list[StrawberryField]:
    return [member(name, type_, (en, ja)) for name, type_, en, ja in told]


_ID_ = ("id", ID, "Its id.", "ID。")
_AT: Final = ("at", str, "When it was made.", "作成日時。")
_BY: Final = ("by", str, "Who made it.", "作成者。")
_TITLE: Final = text("title", ("What people call it.", "表題。"))

HOLDER: Final = document(
    "RightsHolder",
    ("Whoever can hold rights: a person, a group, a workload, a link, everyone.", "権限を持てるもの。"),
    _plain(
        _ID_,
        ("kind", str, "person, group, workload, link, everyone or signed-in.", "種類。"),
        ("name", str, "Its name.", "名前。"),
    ),
)
HOLDERS: Final = page("RightsHolderPage", HOLDER, ("Who can hold rights.", "権限を持てるものの一覧。"))
PERMISSION: Final = document(
    "ScopePermission",
    ("A right that was given in a scope.", "スコープで付与された権限。"),
    _plain(
        _ID_,
        ("scope", ID, "The scope; it holds in those below it, too.", "スコープ（下位にも及ぶ）。"),
        ("right", str, "read, download, share, write, run or manage.", "権限。"),
        ("holder", HOLDER, "To whom.", "付与先。"),
        ("from", str | None, "From when.", "開始。"),
        ("until", str | None, "Until when.", "終了。"),
        _AT,
        _BY,
        ("why", str | None, "Why.", "理由。"),
        ("endedAt", str | None, "When it was taken back.", "取り消しの日時。"),
        ("endedBy", str | None, "By whom.", "取り消した人。"),
    ),
)
PERMISSIONS: Final = page("ScopePermissionPage", PERMISSION, ("Rights that were given.", "付与された権限の一覧。"))
LINK: Final = document(
    "SharedLink",
    ("A link that opens a scope to whoever carries it.", "共有リンク。"),
    _plain(
        _ID_,
        ("name", str, "Its name.", "名前。"),
        ("scope", ID, "The scope.", "スコープ。"),
        ("rights", list[str], "What it lets.", "権限。"),
        _AT,
        _BY,
        ("until", str | None, "Until when.", "期限。"),
        ("usedAt", str | None, "When it was used last.", "最後に使われた日時。"),
    ),
)
LINKS: Final = page("SharedLinkPage", LINK, ("Shared links.", "共有リンクの一覧。"))
_ASKER: Final = document(
    "AccessRequester",
    ("Who asks for access.", "申請者。"),
    _plain(_ID_, ("name", str, "Their name.", "氏名。"), ("orcid", str | None, "Their ORCID iD.", "ORCID iD。")),
)
REQUEST: Final = document(
    "AccessRequest",
    ("What somebody asked to be let into, and what became of it.", "アクセスの申請。"),
    _plain(
        _ID_,
        ("scope", ID, "The scope.", "スコープ。"),
        ("person", _ASKER, "Who asks.", "申請者。"),
        ("rights", list[str], "What for.", "求める権限。"),
        ("text", str, "What they wrote.", "申請の文面。"),
        ("state", str, "open, granted, refused or withdrawn.", "状態。"),
        ("at", str, "When they asked.", "申請日時。"),
        ("decidedAt", str | None, "When it was answered.", "回答日時。"),
        ("answer", str | None, "The answer.", "回答。"),
        ("granted", list[str], "What was given.", "付与された権限。"),
        ("until", str | None, "Until when.", "期限。"),
    ),
)
REQUESTS: Final = page("AccessRequestPage", REQUEST, ("Requests for access.", "申請の一覧。"))
_SET: Final = document(
    "ScopeSettings",
    ("What was set in a scope itself; the rest is as in the scope above.", "スコープ自身の設定。"),
    _plain(
        ("mode", str | None, "everyone or limited.", "公開範囲。"),
        ("metadataUntil", str | None, "Until when metadata are under embargo.", "メタデータの公開猶予の期限。"),
        ("dataUntil", str | None, "Until when data are under embargo.", "データの公開猶予の期限。"),
        ("dataMode", str | None, "open or approval.", "データの提供方法。"),
    ),
)


def _below(root: Mapping[str, Any], info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    catalog, reader, first = info.context.catalog, info.context.reader, first_of(said)
    start = f"{root['id']}/"
    after = said.get("after")
    found = catalog.scopes.list(reader, after=start if after is None or after < start else after, limit=first + 1)
    return _scope_page([each for each in found if each.id.startswith(start)], first, info)


def _permissions(root: Mapping[str, Any], info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    def told(reader: Reader, **asked: Any) -> Any:
        return info.context.catalog.grants.page_of_scope(root["id"], reader, ended=said["ended"], **asked)

    return _page_of(told, info, said)


SCOPE: Final = document(
    "ScopeDetails",
    ("A scope: where records lie, and who may read what lies there.", "スコープ。レコードを置く場所と、その公開範囲。"),
    [
        *_plain(_ID_, ("parent", ID | None, "The scope above.", "上位のスコープ。")),
        _TITLE,
        *_plain(
            ("mode", str, "What is in force: everyone or limited.", "公開範囲（everyone または limited）。"),
            ("metadataUntil", str | None, "Until when metadata are under embargo.", "メタデータの公開猶予の期限。"),
            ("dataUntil", str | None, "Until when data are under embargo.", "データの公開猶予の期限。"),
            ("dataMode", str, "open, or on approval.", "データの提供方法（open または approval）。"),
            ("resource", str | None, "The address by which visas name it.", "ビザがこのスコープを指すアドレス。"),
            ("set", _SET, "What was set here.", "ここでの設定。"),
        ),
        answered(
            "may",
            list[str],
            lambda root, info, _: _may(root, info),
            ("What you may do there.", "自分が持つ権限。"),
        ),
    ],
)
SCOPES: Final = page("ScopePage", SCOPE, ("Scopes.", "スコープの一覧。"))
# They speak of each other.
SCOPE.__strawberry_definition__.fields += [  # type: ignore[attr-defined]
    answered("below", SCOPES, _below, ("The scopes below it, at any depth.", "下位のスコープ。"), *page_arguments()),
    answered(
        "permissions",
        PERMISSIONS | None,
        _permissions,
        (
            "Who was given what here and above; for whoever manages the scope or may share it.",
            "ここと上位で付与された権限（管理または共有できる人）。",
        ),
        argument("ended", bool, ("Also what was taken back or is over.", "終了したものも。"), False),
        *page_arguments(),
    ),
    answered(
        "links",
        LINKS | None,
        lambda root, info, said: _page_of(
            lambda reader, **asked: info.context.catalog.links.of_scope(root["id"], reader, **asked), info, said
        ),
        ("The links that open it, the newest first; for whoever manages or shares it.", "共有リンク（新しい順）。"),
        *page_arguments(),
    ),
    answered(
        "history",
        JSON | None,
        lambda root, info, said: info.context.catalog.chronicle.of(
            root["id"], info.context.reader, at=said.get("at") or None
        ).document(),
        (
            "Who had access, and when, as `/scopes/…/history` tells it; for whoever manages the scope.",
            "アクセス権の履歴（管理者）。",
        ),
        argument("at", str | None, ("Only what held at this time.", "この時点のもの。")),
    ),
    answered(
        "requests",
        REQUESTS | None,
        lambda root, info, said: _requests(info, {**said, "scope": root["id"], "waiting": False}),
        ("Who asks for access, open requests first.", "アクセスの申請。"),
        *page_arguments(),
    ),
]
_PART: Final = document(
    "ApiTokenPart",
    ("A right that a token carries.", "トークンの権限。"),
    _plain(
        ("right", str, "The right.", "権限。"),
        ("scope", ID | None, "Where; null: everywhere.", "スコープ（null はすべて）。"),
    ),
)
TOKEN: Final = document(
    "ApiToken",
    ("A token: everything but what it is.", "API トークン（値を除く）。"),
    _plain(
        _ID_,
        ("name", str, "Its name.", "名前。"),
        ("owner", HOLDER | None, "Whose it is; null: a source's own.", "所有者（null は登録元のトークン）。"),
        (
            "part",
            list[_PART] | None,  # type: ignore[valid-type]
            "What it carries; null: all that its owner holds.",
            "権限（null は所有者のすべて）。",
        ),
        ("source", ID | None, "It writes records of this source only.", "書き込める登録元。"),
        ("agent", ID | None, "The device as which it acts.", "代理する装置。"),
        _AT,
        _BY,
        ("until", str, "Until when it is good.", "有効期限。"),
        ("usedAt", str | None, "When it was used last.", "最後に使われた日時。"),
        ("usedFrom", str | None, "From where.", "使われたアドレス。"),
        ("endedAt", str | None, "When it was ended.", "終了日時。"),
    ),
)
PERSON: Final = document(
    "AccountPerson",
    ("Who can sign in.", "利用者。"),
    _plain(
        _ID_,
        ("name", str, "Their name.", "氏名。"),
        ("email", str | None, "How they are reached.", "メールアドレス。"),
        ("orcid", str | None, "Their ORCID iD.", "ORCID iD。"),
        ("language", str | None, "The language that they prefer.", "使用言語。"),
        ("login", str | None, "Their name here, if they have a password.", "ログイン名。"),
    ),
)
PEOPLE: Final = page("AccountPersonPage", PERSON, ("Who can sign in.", "利用者の一覧。"))
_RIGHTS: Final = document(
    "RightsInScope",
    ("What was granted in a scope; it holds in those below it, too.", "スコープで持つ権限（下位にも及ぶ）。"),
    _plain(("scope", ID, "The scope.", "スコープ。"), ("rights", list[str], "The rights.", "権限。")),
)
ME: Final = document(
    "WhoAsks",
    ("Who asks, by which token, and with which rights.", "アクセスしている利用者と権限。"),
    [
        answered(
            "rights",
            page("RightsInScopePage", _RIGHTS, ("Rights by scope.", "スコープごとの権限。")),
            lambda root, info, said: _rights(info, said),
            ("What was granted to them, by the ids of scopes; administrators hold every right.", "付与された権限。"),
            *page_arguments(),
        ),
        *_plain(
            ("id", ID, "`public` for who has not said who they are.", "ID（`public` は未認証）。"),
            ("name", str | None, "Their name.", "名前。"),
            ("administrator", bool, "Whether they administer the catalogue.", "管理者か。"),
            ("source", ID | None, "The source that they may write for only.", "書き込める登録元。"),
            ("agent", ID | None, "The device that acts.", "代理する装置。"),
            ("person", PERSON | None, "The person, if it is one.", "利用者。"),
            ("token", TOKEN | None, "The token that is carried.", "使っているトークン。"),
        ),
    ],
)
_MEMBER: Final = document(
    "UserGroupMember",
    ("Somebody in a group.", "グループの構成員。"),
    _plain(
        _ID_,
        ("kind", str, "person, workload or group.", "種類。"),
        ("name", str, "Their name.", "名前。"),
        ("manages", bool, "Whether they look after it.", "グループを管理するか。"),
        ("until", str | None, "Until when they are in it.", "期限。"),
    ),
)
_CLAIM: Final = document(
    "UserGroupClaim",
    ("What an issuer calls the group.", "発行者でのグループ名。"),
    _plain(("issuer", str, "The issuer.", "発行者。"), ("value", str, "Its name there.", "名前。")),
)
GROUP: Final = document(
    "UserGroup",
    ("A group.", "グループ。"),
    [
        *_plain(_ID_, ("name", str, "Its name.", "名前。")),
        answered(
            "members",
            page("UserGroupMemberPage", _MEMBER, ("Who is in it.", "構成員の一覧。")),
            lambda root, info, _: {"items": root["members"], "next": root["next"]},
            ("Who is in it, page by page: `first` and `after` of the group.", "構成員。"),
        ),
        member("claims", list[_CLAIM], ("What issuers call it.", "発行者での名前。")),  # type: ignore[valid-type]
    ],
)
SOURCE: Final = document(
    "RegisteredSource",
    ("Where records come from.", "登録元。"),
    [
        *_plain(_ID_, ("version", int, "Its version.", "版。")),
        _TITLE,
        *_plain(
            ("prefixes", JSON | None, "What it abbreviates IRIs by.", "IRI の接頭辞。"),
            ("zone", str | None, "The time zone of times without one.", "時間帯。"),
            ("licence", str | None, "The licence of its metadata.", "メタデータのライセンス。"),
            ("contact", str | None, "Whom to ask.", "連絡先。"),
            ("homepage", str | None, "Its home page.", "ホームページ。"),
            (
                "homeScope",
                ID | None,
                "Where its records lie; for administrators.",
                "レコードを置くスコープ（管理者）。",
            ),
        ),
    ],
)
PROFILE: Final = document(
    "ProfileVersion",
    ("A version of a profile.", "プロファイルの版。"),
    [
        *_plain(
            ("id", ID, "Its name and version: `spring8-sample@1`.", "名前と版（`spring8-sample@1`）。"),
            ("name", str, "Its name.", "名前。"),
            ("version", int, "Its version.", "版。"),
            ("kind", str, "The kind that it is for.", "種別。"),
        ),
        _TITLE,
        *_plain(
            ("published", str | None, "When it was published; null: it is proposed.", "公開日時（null は提案中）。"),
            ("schema", JSON | None, "Its JSON Schema.", "JSON Schema。"),
            ("shapes", str | None, "Its shapes, in Turtle.", "SHACL シェイプ（Turtle）。"),
            ("notes", JSON | None, "What was repaired in it.", "修復の記録。"),
            ("trial", JSON | None, "What it would break; for administrators.", "試行の結果（管理者）。"),
        ),
    ],
)
KIND: Final = document(
    "RecordKind",
    ("What sort of thing records are.", "レコードの種別。"),
    [
        *_plain(
            ("name", str, "Its name, with which ids begin.", "名前（ID の先頭）。"),
            ("plural", str, "The name of its list.", "複数形。"),
        ),
        _TITLE,
        text("description", ("What it is.", "説明。")),
        *_plain(
            ("types", list[str], "The classes of its records, its own first.", "クラス。"),
            ("schema", str, "The address of its JSON Schema.", "JSON Schema のアドレス。"),
            ("shapes", str, "The address of its shapes.", "SHACL シェイプのアドレス。"),
        ),
    ],
)
LOAD: Final = document(
    "BulkLoad",
    ("A load of many records.", "一括登録。"),
    _plain(
        ("id", ID, "Its id.", "ID。"),
        ("by", str, "Who sent it.", "登録者。"),
        ("mode", str, "strict or tolerant.", "検証の方法。"),
        ("atomic", bool, "Whether all of it or nothing is stored.", "全件か無しか。"),
        ("state", str, "running, complete or incomplete.", "状態。"),
        ("counts", JSON, "How many records became what.", "結果ごとの件数。"),
        ("startedAt", str, "When it began.", "開始日時。"),
        ("finishedAt", str | None, "When it ended.", "終了日時。"),
    ),
)
_PROJECTION: Final = document(
    "ProjectionHealth",
    (
        "How it stands with a projection; what tells how many records there are is for administrators.",
        "投影の状態（件数に関わる項目は管理者のみ）。",
    ),
    _plain(
        ("name", str, "graph or search.", "graph または search。"),
        ("status", str, "ok, behind, failing, drifted, building, missing or troubled.", "状態。"),
        ("lagSeconds", float, "How old the oldest change is that is not in it yet.", "遅れ（秒）。"),
        ("generation", int | None, "The generation that answers.", "世代。"),
        ("building", bool, "Whether another one is being built.", "再構築中か。"),
        ("verifiedAt", str | None, "When it was compared with the ledger last.", "最後の照合の日時。"),
        ("pending", int | None, "Changes that are not in it yet.", "未反映の変更の件数。"),
        ("closing", bool | None, "Whether what was closed is still to go from it.", "非公開化が反映待ちか。"),
        ("failed", int | None, "Records that could not be projected.", "反映に失敗したレコードの件数。"),
        ("waived", int | None, "Those that may be missing.", "免除された件数。"),
        ("drift", int | None, "Records that differed when it was verified last.", "照合で異なった件数。"),
        ("unrepaired", int | None, "Those that differ still.", "未修復の件数。"),
        ("trouble", str | None, "What keeps it from being fed.", "更新を妨げている問題。"),
        ("generations", JSON | None, "Every generation.", "すべての世代。"),
        ("verification", JSON | None, "What the last verification found.", "照合の結果。"),
        ("verifying", JSON | None, "How far the one is that is under way.", "進行中の照合。"),
    ),
)
HEALTH: Final = document(
    "CatalogHealth",
    ("How it stands with what is built from the ledger.", "台帳から作られるものの状態。"),
    _plain(
        ("projector", str, "alive or stopped.", "更新プロセス（alive または stopped）。"),
        ("holder", str | None, "Which process feeds them; for administrators.", "更新中のプロセス（管理者）。"),
        ("heldUntil", str | None, "Until when it holds them.", "保持の期限。"),
        ("projections", list[_PROJECTION], "The projections.", "投影。"),  # type: ignore[valid-type]
    ),
)
_WAIVED: Final = document(
    "WaivedFailure",
    ("That a record may be missing.", "免除。"),
    _plain(
        ("at", str, "Since when.", "日時。"), ("by", str, "By whom.", "免除した人。"), ("reason", str, "Why.", "理由。")
    ),
)
FAILURE: Final = document(
    "ProjectionFailure",
    ("A record that could not be projected.", "反映に失敗したレコード。"),
    _plain(
        ("projection", str, "graph or search.", "graph または search。"),
        ("record", ID, "The record.", "レコード。"),
        ("revision", int, "The revision.", "版。"),
        ("position", str, "The position of its change.", "変更の位置。"),
        ("attempts", int, "How often it was tried.", "試行回数。"),
        ("error", str, "Why not.", "エラー。"),
        ("firstAt", str, "When first.", "最初の日時。"),
        ("lastAt", str, "When last.", "最後の日時。"),
        ("nextAt", str | None, "When it is tried again.", "次の試行の日時。"),
        ("waived", _WAIVED | None, "That it may be missing.", "免除。"),
    ),
)
FAILURES: Final = page("ProjectionFailurePage", FAILURE, ("What could not be projected.", "反映の失敗の一覧。"))


_AUDITED: Final[Mapping[str, Words]] = {
    "act": ("What was done: grant, revoke, sign-in, refused …", "操作（grant、revoke、sign-in、refused など）。"),
    "by": ("Who did it, by id.", "操作した人の ID。"),
    "holder": ("To whom it was done, by id.", "対象の人やグループの ID。"),
    "scope": ("In which scope or below it.", "スコープ（下位を含む）。"),
    "since": ("From this day or time on.", "この日時以降。"),
    "until": ("Before this day or time.", "この日時より前。"),
}
AUDIT: Final = page(
    "AuditPage",
    document(
        "AuditLine",
        ("Something that was done about rights.", "監査記録の1行。"),
        _plain(
            ("position", Long | None, "Its place among all; for administrators.", "通し番号（管理者）。"),
            ("at", str, "When.", "日時。"),
            ("by", str, "Who did it.", "操作した人。"),
            ("act", str, "What was done.", "操作。"),
            ("scope", ID | None, "In which scope.", "スコープ。"),
            ("holder", ID | None, "To whom.", "対象。"),
            ("address", str | None, "From which address of the network.", "接続元のアドレス。"),
            ("holderName", str | None, "What they are called.", "対象の名前。"),
            ("byName", str | None, "What who did it is called.", "操作した人の名前。"),
            ("detail", JSON | None, "The rest.", "詳細。"),
        ),
    ),
    ("Lines of the audit.", "監査記録。"),
)
ISSUER: Final = document(
    "TrustedIssuer",
    ("Whose word counts; its secret is never shown.", "発行者（秘密は表示されません）。"),
    [
        *_plain(_ID_, ("address", str, "Its address.", "アドレス。")),
        _TITLE,
        *_plain(
            ("purposes", list[str], "What its word counts for.", "用途。"),
            ("clientId", str | None, "What it knows the catalogue as.", "クライアント ID。"),
            ("hasSecret", bool, "Whether there is a secret.", "秘密の有無。"),
            ("scopes", list[str], "What it is asked for.", "要求するスコープ（OAuth）。"),
            ("groupsClaim", str | None, "The claim that names groups.", "グループのクレーム。"),
            ("orcidClaim", str | None, "The claim that tells an ORCID iD.", "ORCID iD のクレーム。"),
            ("passports", bool, "Whether it gives GA4GH passports.", "GA4GH パスポートの有無。"),
            ("audience", str | None, "What its tokens must be for.", "対象（audience）。"),
            ("resources", list[str], "What its visas may speak of.", "ビザの対象。"),
            ("keysAt", str | None, "Where its keys are.", "鍵のアドレス。"),
            _AT,
            ("endedAt", str | None, "When it ended.", "終了日時。"),
        ),
    ],
)
WORKLOAD: Final = document(
    "TrustedWorkload",
    ("A program that an issuer vouches for.", "ワークロード。"),
    _plain(
        _ID_,
        ("name", str, "Its name.", "名前。"),
        ("issuer", ID, "Who vouches for it.", "発行者。"),
        ("subject", str, "What it is called there.", "発行者での名前。"),
        ("agent", ID | None, "The device as which it acts.", "代理する装置。"),
        ("source", ID | None, "It writes records of this source only.", "書き込める登録元。"),
        _AT,
        _BY,
    ),
)


# --- what is answered


def _page_of(ask: Callable[..., Any], info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    """A page of what the rooms below tell in pages."""
    found = ask(info.context.reader, cursor=said.get("after"), limit=first_of(said))
    return {"items": [each.document() for each in found.items], "next": found.next}


def _me(info: Info) -> dict[str, Any]:
    catalog, reader = info.context.catalog, info.context.reader
    carried = catalog.tokens.carried(reader)
    person = None if reader.person is None else catalog.people.find(reader.person, reader)
    name = person.name if person is not None else None
    if carried is not None and carried.owner is not None:
        name = carried.owner.name
    return {
        "id": reader.id,
        "name": name,
        "administrator": reader.administrator,
        "source": reader.source,
        "agent": reader.agent,
        "person": None if person is None else person.document(),
        "token": None if carried is None else carried.document(),
    }


def _may(root: Mapping[str, Any], info: Info) -> list[str]:
    catalog, reader = info.context.catalog, info.context.reader
    return list(catalog.scopes.may(root["found"], reader))


def _scope_page(found: Any, first: int, info: Info) -> dict[str, Any]:
    items = [{**each.document(), "found": each} for each in found[:first]]
    return {"items": items, "next": items[-1]["id"] if len(found) > first else None}


def _scopes(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    first = first_of(said)
    found = info.context.catalog.scopes.list(info.context.reader, after=said.get("after"), limit=first + 1)
    return _scope_page(found, first, info)


def _scope(info: Info, id: str) -> dict[str, Any]:
    found = info.context.catalog.scopes.find(id, info.context.reader)
    return {**found.document(), "found": found}


def _sources(info: Info, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [source_told(each, info.context.reader) for each in info.context.catalog.sources.all()]


def _source(info: Info, id: str) -> dict[str, Any]:
    found = info.context.catalog.sources.find(id)
    if found is None:
        raise NotFound("There is no such source.", ja="その登録元はありません。")
    return source_told(found, info.context.reader)


def _profiles(info: Info, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    reader, language = info.context.reader, info.context.language
    found = [each for each in info.context.catalog.profiles.versions() if seen(each, reader)]
    found.sort(key=lambda each: (each.name, -each.version))
    return [profile_told(each, reader, language, whole=True) for each in found]


def _profile(info: Info, name: str, version: int | None) -> dict[str, Any]:
    known, reader = info.context.catalog.profiles, info.context.reader
    found = known.latest(name) if version is None else known.version(f"{name}@{version}")
    if found is None or not seen(found, reader):
        raise NotFound("There is no such profile.", ja="そのプロファイルはありません。")
    return profile_told(found, reader, info.context.language, whole=True)


def _kinds(info: Info, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    site: Site = info.context.site
    return [kind_told(kind, site.root) for kind in site.catalog.kinds.values()]


def _requests(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    kept, reader = info.context.catalog.requests, info.context.reader
    demand_somebody(reader)
    scope = said.get("scope")
    if scope is None:
        return _page_of(kept.waiting if said["waiting"] else kept.mine, info, said)
    return _page_of(lambda reader, **asked: kept.of_scope(scope, reader, **asked), info, said)


def _tokens(info: Info, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept, reader, source = info.context.catalog.tokens, info.context.reader, said.get("source")
    found = kept.of(reader) if source is None else kept.of_source(source, reader)
    return [each.document() for each in found]


def _group(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    found = info.context.catalog.groups.find(
        said["id"], info.context.reader, cursor=said.get("after"), limit=first_of(said)
    )
    return found.document()


def _load(info: Info, id: str) -> dict[str, Any]:
    catalog = info.context.catalog
    found = find_load(id, catalog.loads, catalog.settings.spool)
    if found is None:
        raise NotFound("There is no such load.", ja="その一括登録はありません。")
    return {
        "id": found.id,
        "by": found.by,
        "mode": found.mode,
        "atomic": found.atomic,
        "state": found.state,
        "counts": dict(found.counts),
        "startedAt": found.started_at,
        "finishedAt": found.finished_at,
    }


def _health(info: Info) -> dict[str, Any]:
    catalog, reader = info.context.catalog, info.context.reader
    told = health(catalog.book, catalog.verifications).document(whole=reader.administrator)
    projector = told["projector"]
    return {
        **told,
        "projector": projector["state"] if isinstance(projector, dict) else projector,
        "holder": projector["holder"] if isinstance(projector, dict) else None,
        "projections": [{"name": name, **each} for name, each in told["projections"].items()],
    }


def _rights(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    """The rights that were granted in each scope, page by page."""
    held, first, after = info.context.reader.rights_in, first_of(said), said.get("after") or ""
    scopes = [scope for scope in sorted(held) if scope > after][: first + 1]
    items = [
        {"scope": scope, "rights": [right for right in RIGHTS if right in held[scope]]} for scope in scopes[:first]
    ]
    return {"items": items, "next": scopes[first - 1] if len(scopes) > first else None}


def _audit(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    reader = info.context.reader
    demand_somebody(reader)
    wanted = {name: said.get(name) for name in _AUDITED}
    told = lines_told(info.context.site, reader, wanted, first_of(said), said.get("after"))
    names = told["names"]
    items = [
        {**line, "holderName": names.get(line.get("holder")), "byName": names.get(line["by"])} for line in told["items"]
    ]
    return {"items": items, "next": told["next"]}


def _people(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    first = first_of(said)
    found = info.context.catalog.people.list(info.context.reader, after=said.get("after"), limit=first + 1)
    items = [each.document() for each in found[:first]]
    return {"items": items, "next": items[-1]["id"] if len(found) > first else None}


def _failures(info: Info, said: Mapping[str, Any]) -> dict[str, Any]:
    first, after = first_of(said), said.get("after") or "0"
    if not after.isdecimal() or len(after) > 18:
        raise NotFound("after: this list has none like it", ja="after: この一覧のカーソルではありません")
    found = operating.failures(
        info.context.reader,
        book=info.context.catalog.book,
        name=operating.named(said["projection"].value),
        waived=said.get("waived"),
        after=int(after),
        limit=first + 1,
    )
    items = [each.document() for each in found[:first]]
    return {"items": items, "next": str(found[first - 1].record) if len(found) > first else None}
