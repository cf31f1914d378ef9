"""Who may do what where, changed over GraphQL: sharing, permissions, requests for access, tokens, links, groups."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from catalog.errors import Malformed
from catalog.web.api_tokens import end_named
from catalog.web.graphql.administration import GROUP, LINK, PERMISSION, REQUEST, TOKEN
from catalog.web.graphql.definitions import argument, declared, define, listed, taken
from catalog.web.graphql.payloads import Payload, payload, tells
from catalog.web.graphql.refusals import Conflict, Forbidden, Invalid, NotFound, Refusal, Unavailable
from catalog.web.graphql.verbs import Said, verb
from catalog.web.groups import group_named
from catalog.web.links import made_told
from catalog.web.requests import demand_somebody, request_named
from catalog.web.sharing import permission_named, scope_named

USUAL: Final[Sequence[Refusal]] = (Invalid, NotFound, Forbidden, Conflict, Unavailable)


@strawberry.enum(name="Right", description="What somebody may do in a scope.\nスコープでの権限。")
class RightIn(enum.Enum):
    """What somebody may do in a scope."""

    READ = strawberry.enum_value("read", description="See what lies there.\n閲覧。")
    DOWNLOAD = strawberry.enum_value("download", description="Have its files.\nファイルの取得。")
    SHARE = strawberry.enum_value("share", description="Let others read and download.\n共有。")
    WRITE = strawberry.enum_value("write", description="Enter and revise records.\n登録と変更。")
    RUN = strawberry.enum_value("run", description="Start jobs.\nジョブの実行。")
    MANAGE = strawberry.enum_value("manage", description="Give rights, set status and embargo.\n管理。")


RIGHTS: Final = argument("rights", listed(RightIn), ("Which rights.", "権限。"))
OF_SCOPE: Final = argument("scope", strawberry.ID, ("The scope's id.", "スコープの ID。"))
HOLDER: Final = argument(
    "holder",
    str,
    (
        (
            "Who, by id (`person:…`, `group:…`, `signed-in`, `everyone`); whoever manages the scope may also name a person by sign-in "
            "name or ORCID."
        ),
        "相手の ID（`person:…`、`group:…`、`signed-in`、`everyone`）。スコープの管理者はログイン名や ORCID でも指定できます。",
    ),
)
FROM: Final = argument("from", str | None, ("From when.", "開始。"))
UNTIL: Final = argument("until", str | None, ("Until when.", "終了。"))
ENDS: Final = argument("until", str, ("Until when.", "期限。"))
WHY: Final = argument("why", str | None, ("Why, if it is to be known.", "理由（任意）。"))
ANSWER: Final = argument("answer", str | None, ("What whoever asked is told.", "申請者への回答。"))
PART: Final = define(
    declared("TokenPartInput"),
    [
        taken("right", RightIn, ("The right.", "権限。")),
        taken("scope", strawberry.ID | None, ("Where; without it everywhere.", "スコープ（省略時はすべて）。")),
    ],
    ("A right that a token is to carry.", "トークンの権限。"),
    is_input=True,
)


def _told(name: str, member: str, type_: Any, en: str, ja: str) -> type[Payload]:
    return payload(name, [tells(member, type_, lambda what: what, (en, ja))], (en, ja))


def _ended(name: str, en: str, ja: str) -> type[Payload]:
    return _told(name, "ended", strawberry.ID, en, ja)


def sharing_writes() -> Iterator[StrawberryField]:
    """Every mutation of who may do what."""
    yield from _sharing()
    yield from _requests()
    yield from _tokens()
    yield from _links()
    yield from _groups()


# --- what somebody may


def _rights(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(each.value for each in said["rights"]))


def _when(said: Said) -> dict[str, Any]:
    return {"since": said.get("from"), "until": said.get("until"), "why": said.get("why")}


def _documents(found: Sequence[Any]) -> list[dict[str, Any]]:
    return [each.document() for each in found]


def _sharing() -> Iterator[StrawberryField]:
    granted = _told("Granted", "permissions", listed(PERMISSION), "What was given.", "付与した権限。")
    yield verb(
        "grant",
        lambda said: granted(
            _documents(
                said.catalog.grants.grant(
                    scope_named(said["scope"]), _rights(said), said["holder"], said.reader, **_when(said)
                )
            )
        ),
        granted,
        USUAL,
        (
            "Let somebody do something in a scope and below it, beside what they may already.",
            "スコープとその下位での権限を、いまの権限に加えて付与します。",
        ),
        OF_SCOPE,
        HOLDER,
        RIGHTS,
        FROM,
        UNTIL,
        WHY,
    )
    settled = _told("RightsSet", "permissions", listed(PERMISSION), "What they hold there now.", "現在の権限。")
    yield verb(
        "setRights",
        lambda said: settled(
            _documents(
                said.catalog.grants.settle(
                    scope_named(said["scope"]), _rights(said), said["holder"], said.reader, **_when(said)
                )
            )
        ),
        settled,
        USUAL,
        (
            "Let somebody hold exactly these rights in a scope from now on; none of them if the list is empty.",
            "スコープでの権限を、指定したものだけにします（空ならすべて取り消し）。",
        ),
        OF_SCOPE,
        HOLDER,
        RIGHTS,
        FROM,
        UNTIL,
        WHY,
    )
    ended = _told("PermissionEnded", "permission", PERMISSION, "The permission that has ended.", "取り消した権限。")
    yield verb(
        "endPermission",
        lambda said: ended(
            said.catalog.grants.revoke(permission_named(said["id"]), said.reader, why=said.get("why")).document()
        ),
        ended,
        USUAL,
        (
            "Take a right back, at once and everywhere; who holds it may give it up.",
            "権限を取り消します。ただちに全体に反映されます。",
        ),
        argument("id", strawberry.ID, ("The permission's id.", "権限の ID。")),
        WHY,
        about=lambda _: (None, None),
    )


# --- requests


def _requests() -> Iterator[StrawberryField]:
    asked = payload(
        "AccessAsked",
        [
            tells("request", REQUEST, lambda made: made.document(), ("What was asked.", "申請。")),
            tells(
                "again",
                bool,
                lambda made: made.again,
                ("Whether it stands in the place of what was said before.", "以前の申請を置き換えたか。"),
            ),
        ],
        ("A request for access.", "アクセスの申請。"),
    )

    def ask(said: Said) -> Payload:
        demand_somebody(said.reader)
        more = {} if said.get("rights") is None else {"rights": _rights(said)}
        return asked(said.catalog.requests.ask(scope_named(said["scope"]), said.reader, said["text"], **more))

    yield verb(
        "askAccess",
        ask,
        asked,
        USUAL,
        (
            "Ask to be let into a scope whose id you know; whether there is such a scope is not told.",
            "ID を知っているスコープへのアクセスを申請します（スコープが存在するかどうかは示されません）。",
        ),
        OF_SCOPE,
        argument("text", str, ("What for.", "目的。")),
        argument("rights", listed(RightIn) | None, ("read and download if nothing is said.", "省略時は閲覧と取得。")),
    )

    def deciding(
        name: str, past: str, decide: Callable[[Said, str], Any], en: str, ja: str, *arguments: Any
    ) -> StrawberryField:
        decided = _told(past, "request", REQUEST, "The request as it is now.", "現在の申請。")

        def carry_out(said: Said) -> Payload:
            demand_somebody(said.reader)
            return decided(decide(said, request_named(said["id"])).document())

        return verb(
            name,
            carry_out,
            decided,
            USUAL,
            (en, ja),
            argument("id", strawberry.ID, ("The request's id.", "申請の ID。")),
            *arguments,
            about=lambda _: (None, None),
        )

    yield deciding(
        "grantRequest",
        "RequestGranted",
        lambda said, id: said.catalog.requests.grant(
            id,
            said.reader,
            until=said["until"],
            rights=None if said.get("rights") is None else _rights(said),
            answer=said.get("answer"),
        ),
        "Grant what somebody asks, all of it or some.",
        "申請を許可します。",
        ENDS,
        argument("rights", listed(RightIn) | None, ("Some of what was asked for.", "許可する権限（省略時はすべて）。")),
        ANSWER,
    )
    yield deciding(
        "refuseRequest",
        "RequestRefused",
        lambda said, id: said.catalog.requests.refuse(id, said.reader, answer=said.get("answer")),
        "Refuse what somebody asks.",
        "申請を却下します。",
        ANSWER,
    )
    yield deciding(
        "withdrawRequest",
        "RequestWithdrawn",
        lambda said, id: said.catalog.requests.withdraw(id, said.reader),
        "Ask no more.",
        "申請を取り下げます。",
    )


# --- tokens


def _tokens() -> Iterator[StrawberryField]:
    made = payload(
        "TokenMade",
        [
            tells("token", TOKEN, lambda made: made.what.document(), ("The token.", "トークン。")),
            tells(
                "value",
                str,
                lambda made: made.value,
                ("What it is; shown this once.", "トークンの値（この一度だけ表示）。"),
            ),
        ],
        ("A token that was made.", "作成したトークン。"),
    )

    def make(said: Said) -> Payload:
        source = said.get("ofSource")
        more = {name: said[name] for name in ("source", "agent") if said.get(name) is not None}
        if said.get("part") is not None:
            more["part"] = [{"right": each["right"].value, "scope": each.get("scope")} for each in said["part"]]
        tokens = said.catalog.tokens
        if source is None:
            return made(tokens.make(said.reader, said["name"], until=said["until"], **more))
        if more.pop("source", source) != source:
            raise Malformed("source and ofSource are not the same.", ja="source と ofSource が違います。")
        return made(tokens.make_for_source(source, said.reader, said["name"], until=said["until"], **more))

    yield verb(
        "makeToken",
        make,
        made,
        USUAL,
        (
            "Make a token of your own, with what you hold or a part of it; or, as an administrator, one of a source.",
            "自分のトークンを作成します（権限の一部に限定できます）。管理者は登録元のトークンも作成できます。",
        ),
        argument("name", str, ("What it is for.", "用途。")),
        ENDS,
        argument(
            "part", listed(PART) | None, ("What it carries; without it all that you hold.", "権限（省略時はすべて）。")
        ),
        argument("source", strawberry.ID | None, ("It writes records of this source only.", "書き込める登録元。")),
        argument("agent", strawberry.ID | None, ("The device as which it acts.", "代理する装置。")),
        argument("ofSource", strawberry.ID | None, ("Whose own it is to be.", "トークンを持つ登録元。")),
        about=lambda _: (None, None),
    )
    ended = _ended("TokenEnded", "The token that has ended.", "終了したトークン。")
    yield verb(
        "endToken",
        lambda said: ended(end_named(said.context.site, said.reader, said.get("id"), said.get("ofSource"))),
        ended,
        USUAL,
        (
            "End a token: it is worthless at the next request. Without an `id` it is the one that asks.",
            "トークンを終了します。`id` を省くと、いま使っているトークンを終了します。",
        ),
        argument("id", strawberry.ID | None, ("The token's id.", "トークンの ID。")),
        argument("ofSource", strawberry.ID | None, ("The source whose own it is.", "トークンを持つ登録元。")),
        about=lambda _: (None, None),
    )


# --- links


def _links() -> Iterator[StrawberryField]:
    made = payload(
        "SharedLinkMade",
        [
            tells("link", LINK, lambda link: link, ("The link.", "共有リンク。")),
            tells(
                "value",
                str,
                lambda link: link["token"],
                ("What programs send; shown this once.", "値（この一度だけ表示）。"),
            ),
            tells(
                "address",
                str,
                lambda link: link["address"],
                ("What people open; shown this once.", "アドレス（この一度だけ表示）。"),
            ),
        ],
        ("A link that was made.", "作成した共有リンク。"),
    )

    def make(said: Said) -> Payload:
        link = said.catalog.links.make(
            scope_named(said["scope"]), said.reader, said["name"], rights=_rights(said), until=said["until"]
        )
        return made(made_told(said.context.site, link))

    yield verb(
        "makeSharedLink",
        make,
        made,
        USUAL,
        (
            "Make a link: whoever has it reads what lies in the scope (`READ`), and has its files (`DOWNLOAD`), until it ends.",
            "共有リンクを作成します。リンクを持つ人は期限まで閲覧（`READ`）や取得（`DOWNLOAD`）ができます。",
        ),
        OF_SCOPE,
        argument("name", str, ("For whom.", "用途。")),
        RIGHTS,
        ENDS,
    )
    ended = _ended("SharedLinkEnded", "The link that was taken back.", "取り消した共有リンク。")

    def end(said: Said) -> Payload:
        said.catalog.links.end(said["id"], said.reader)
        return ended(said["id"])

    yield verb(
        "endSharedLink",
        end,
        ended,
        USUAL,
        ("Take a link back: it opens nothing at the next request.", "共有リンクを取り消します。"),
        argument("id", strawberry.ID, ("The link's id.", "共有リンクの ID。")),
        about=lambda _: (None, None),
    )


# --- groups


def _groups() -> Iterator[StrawberryField]:
    of_group = argument("group", strawberry.ID, ("The group's id.", "グループの ID。"))
    member = argument("member", strawberry.ID, ("Who, by id.", "構成員の ID。"))
    issuer = argument("issuer", str, ("The issuer.", "発行者。"))
    value = argument("value", str, ("What it calls the group.", "発行者でのグループ名。"))
    made = _told("GroupMade", "group", GROUP, "The group.", "グループ。")
    yield verb(
        "makeGroup",
        lambda said: made(
            said.catalog.groups.create(said["name"], said.get("title") or said["name"], said.reader).document()
        ),
        made,
        USUAL,
        ("Make a group, which you look after then.", "グループを作ります。作成者が管理者になります。"),
        argument("name", str, ("Its name, for ever.", "名前（変更できません）。")),
        argument("title", str | None, ("What people call it.", "表示名。")),
        about=lambda _: (None, None),
    )
    changed = payload(
        "GroupChanged",
        [
            tells(
                "group",
                GROUP | None,
                lambda what: what,
                (
                    "The group as it is now; null if you are in it no more.",
                    "現在のグループ（自分が外れたときは null）。",
                ),
            )
        ],
        ("A group that was changed.", "変更したグループ。"),
    )

    def change(name: str, do: Callable[[Said, str], Any], en: str, ja: str, *arguments: Any) -> StrawberryField:
        def carry_out(said: Said) -> Payload:
            id = group_named(said["group"])
            do(said, id)
            left = name == "endMember" and said["member"] == said.reader.person
            return changed(None if left else said.catalog.groups.find(id, said.reader).document())

        return verb(name, carry_out, changed, USUAL, (en, ja), of_group, *arguments, about=lambda _: (None, None))

    yield change(
        "addMember",
        lambda said, id: said.catalog.groups.add(
            id, said["member"].strip(), said.reader, manages=said["manages"], until=said.get("until")
        ),
        "Let a person, a group or a workload be in a group; said again, it is set anew.",
        "人・グループ・ワークロードを構成員にします。",
        member,
        argument("manages", bool, ("Whether they look after it.", "グループを管理するか。"), False),
        UNTIL,
    )
    yield change(
        "endMember",
        lambda said, id: said.catalog.groups.remove(id, said["member"], said.reader),
        "Let somebody be in a group no more; everybody may go.",
        "構成員から外します。自分から外れることもできます。",
        member,
    )
    yield change(
        "addClaim",
        lambda said, id: said.catalog.groups.claim(id, said["issuer"], said["value"], said.reader),
        "Let an issuer say who is in a group.",
        "発行者のグループと対応付けます。",
        issuer,
        value,
    )
    yield change(
        "endClaim",
        lambda said, id: said.catalog.groups.unclaim(id, said["issuer"], said["value"], said.reader),
        "Let an issuer say so no more.",
        "対応付けを解除します。",
        issuer,
        value,
    )
    ended = _ended("GroupEnded", "The group that was dissolved.", "解散したグループ。")

    def end(said: Said) -> Payload:
        id = group_named(said["group"])
        said.catalog.groups.end(id, said.reader)
        return ended(id)

    yield verb(
        "endGroup",
        end,
        ended,
        USUAL,
        (
            "Dissolve a group: nobody holds anything through it any more.",
            "グループを解散します。",
        ),
        of_group,
        about=lambda _: (None, None),
    )
