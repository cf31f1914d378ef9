"""What records are held to and where they lie, changed over GraphQL: sources, profiles, scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from catalog.curation.profiles import propose_profile, publish_profile, try_profile
from catalog.web.graphql.administration import PROFILE, SCOPE, SOURCE
from catalog.web.graphql.definitions import argument, declared, define, taken
from catalog.web.graphql.inputs import TEXT, exactly, text_of
from catalog.web.graphql.payloads import Payload, payload, tells
from catalog.web.graphql.refusals import Conflict, Forbidden, Invalid, NotFound, Unavailable
from catalog.web.graphql.verbs import Said, verb
from catalog.web.registry import profile_named, profile_told, registered, source_told
from catalog.web.scopes import SETS

SOURCE_INPUT: Final = define(
    declared("SourceInput"),
    [
        taken("id", strawberry.ID, ("Its id: `spring8`.", "ID（`spring8` など）。")),
        taken("title", TEXT, ("What people call it.", "表題。")),
        taken("homeScope", strawberry.ID, ("Where its records lie.", "レコードを置くスコープ。")),
        taken("prefixes", JSON | None, ("What it abbreviates IRIs by.", "IRI の接頭辞。")),
        taken("zone", str | None, ("The time zone of times without one.", "時間帯。")),
        taken("licence", str | None, ("The licence of its metadata.", "メタデータのライセンス。")),
        taken("contact", str | None, ("Whom to ask.", "連絡先。")),
        taken("homepage", str | None, ("Its home page.", "ホームページ。")),
    ],
    ("Where records come from.", "登録元。"),
    is_input=True,
)
PROFILE_INPUT: Final = define(
    declared("ProfileInput"),
    [
        taken("name", str, ("Its name: `spring8-sample`.", "名前。")),
        taken("kind", str, ("The kind that it narrows.", "種別。")),
        taken("title", TEXT | None, ("What people call it.", "表題。")),
        taken("schema", JSON, ("What it demands, as JSON Schema.", "JSON Schema。")),
        taken("shapes", str | None, ("What it demands, as SHACL in Turtle.", "SHACL シェイプ（Turtle）。")),
    ],
    ("A community's or facility's narrower rules for a kind.", "種別に対する、コミュニティーや施設のより狭い規則。"),
    is_input=True,
)
SCOPE_SETTINGS: Final = define(
    declared("ScopeSettingsInput"),
    [
        taken("title", TEXT | None, ("What people call it.", "表題。")),
        taken("mode", str | None, ("everyone or limited.", "公開範囲（everyone または limited）。")),
        taken("metadataUntil", str | None, ("Until when metadata are under embargo.", "メタデータの公開猶予の期限。")),
        taken("dataUntil", str | None, ("Until when data are under embargo.", "データの公開猶予の期限。")),
        taken("dataMode", str | None, ("open or approval.", "データの提供方法（open または approval）。")),
        taken("resource", str | None, ("The address by which visas name it.", "ビザがこのスコープを指すアドレス。")),
    ],
    ("What is set in a scope; null leaves it to the scope above.", "スコープの設定。null は上位のスコープに従う。"),
    is_input=True,
)


def registry_writes() -> Iterator[StrawberryField]:
    """Every mutation of sources, profiles and scopes."""
    yield _source()
    yield from _profiles()
    yield from _scopes()


def _source() -> StrawberryField:
    made = payload(
        "SourceRegistered",
        [
            tells("source", SOURCE, lambda what: what[0], ("The source.", "登録元。")),
            tells("changed", bool, lambda what: what[1], ("Whether it or its version is new.", "新しい版かどうか。")),
        ],
        ("A source that is registered.", "登録された登録元。"),
    )

    def register(said: Said) -> Payload:
        told = {name: value for name, value in said["source"].items() if value is not None}
        document = exactly({**told, "title": text_of(told["title"])})
        found, is_new = registered(said.context.site, document, said.reader)
        return made((source_told(found, said.reader), is_new))

    return verb(
        "registerSource",
        register,
        made,
        (Invalid, Forbidden, Unavailable),
        (
            "Register a source; one that is known gets a new version, and none is edited in place. By administrators.",
            "登録元を登録します。既存のものには新しい版ができます（管理者のみ）。",
        ),
        argument("source", SOURCE_INPUT, ("The source.", "登録元。")),
    )


def _profiles() -> Iterator[StrawberryField]:
    reference = argument(
        "profile", str, ("`name@1`, or the name alone: its newest version.", "`名前@版`、または名前。")
    )

    def told(name: str, en: str, ja: str) -> type[Payload]:
        return payload(name, [tells("profile", PROFILE, lambda what: what, (en, ja))], (en, ja))

    proposed = told("ProfileProposed", "The version that was proposed.", "提案された版。")
    tried = told("ProfileTried", "The version with its trial.", "試行した版。")
    published = told("ProfilePublished", "The version that was published.", "公開された版。")

    def document(said: Said, made: Any) -> Mapping[str, Any]:
        return profile_told(made, said.reader, said.context.language, whole=True)

    def propose(said: Said) -> Payload:
        given = {name: value for name, value in said["profile"].items() if value is not None}
        if "title" in given:
            given["title"] = text_of(given["title"])
        catalog = said.catalog
        made = propose_profile(
            exactly(given), said.reader, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
        )
        return proposed(document(said, made))

    yield verb(
        "proposeProfile",
        propose,
        proposed,
        (Invalid, Forbidden, Conflict, Unavailable),
        (
            (
                "Propose a profile's next version, and try it on the records of older ones. It judges nothing until it is published. "
                "By administrators."
            ),
            "プロファイルの次の版を提案し、古い版のレコードで試します。公開するまでは使われません（管理者のみ）。",
        ),
        argument("profile", PROFILE_INPUT, ("The profile.", "プロファイル。")),
    )

    def try_(said: Said) -> Payload:
        catalog = said.catalog
        found = profile_named(said.context.site, said["profile"], said.reader)
        made = try_profile(
            found.reference, said.reader, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
        )
        return tried(document(said, made))

    yield verb(
        "tryProfile",
        try_,
        tried,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        (
            "Hold a proposal against the records of its older versions once more.",
            "提案を古い版のレコードでもう一度試します。",
        ),
        reference,
    )

    def publish(said: Said) -> Payload:
        found = profile_named(said.context.site, said["profile"], said.reader)
        made = publish_profile(
            found.reference, said.reader, profiles=said.catalog.profiles, despite_broken=said["despiteBroken"]
        )
        return published(document(said, made))

    yield verb(
        "publishProfile",
        publish,
        published,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        ("Let records name a proposed profile from now on.", "提案中のプロファイルを公開します。"),
        reference,
        argument(
            "despiteBroken",
            bool,
            ("Although its trial found records that break it.", "試行で反するレコードが見つかっていても公開する。"),
            False,
        ),
    )


def _scopes() -> Iterator[StrawberryField]:
    id = argument("id", strawberry.ID, ("The scope's id, which is its path.", "スコープの ID（パス）。"))
    settings = argument("settings", SCOPE_SETTINGS, ("What is set in it.", "設定。"))

    def told(name: str, en: str, ja: str) -> type[Payload]:
        return payload(
            name, [tells("scope", SCOPE, lambda found: {**found.document(), "found": found}, (en, ja))], (en, ja)
        )

    made = told("ScopeMade", "The scope that was made.", "作成したスコープ。")
    changed = told("ScopeChanged", "The scope that was changed.", "変更したスコープ。")
    yield verb(
        "makeScope",
        lambda said: made(
            said.catalog.scopes.create(
                said["id"], said.reader, **{name: each for name, each in _set(said).items() if each is not None}
            )
        ),
        made,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        (
            "Make a scope: a root by administrators, any other by whoever manages the scope above it.",
            "スコープを作ります（ルートは管理者、それ以外は上位スコープの管理者）。",
        ),
        id,
        settings,
        about=lambda said: (said["id"], None),
    )
    yield verb(
        "changeScope",
        lambda said: changed(
            said.catalog.scopes.change(said["id"], said.reader, **_set(said), confirmed=said["confirm"])
        ),
        changed,
        (Invalid, NotFound, Forbidden, Conflict, Unavailable),
        (
            "Change what is said of a scope, who may see it among that; what is closed is closed at the next request, everywhere.",
            "スコープの設定（公開範囲など）を変更します。非公開はただちに全体に反映されます。",
        ),
        id,
        settings,
        argument(
            "confirm",
            bool,
            (
                "That more than 10,000 public records may be closed to everyone at once; else such a change is a `Conflict`.",
                "公開中の1万件を超えるレコードを一度に閉じてよいとき true。なければ `Conflict`。",
            ),
            False,
        ),
        about=lambda said: (said["id"], None),
    )


def _set(said: Said) -> dict[str, Any]:
    """What is set, by the names that the verbs have for it."""
    given = {SETS[name]: value for name, value in said["settings"].items()}
    if "title" in given:
        given["title"] = text_of(given["title"]) if given["title"] is not None else {}
    return given
