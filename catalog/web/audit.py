"""What was done about rights, by whom and from where: searched, taken away whole, and told of one scope to who manages it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from catalog.questions.reader import Reader
from catalog.web.forms import NOT_KEPT
from catalog.web.negotiation import HTML, JSON, NDJSON, Language, form_for
from catalog.web.operations import CURSOR, FORMAT, LIMIT, Answer, Operation, Parameter, Routes, asked
from catalog.web.pages import page
from catalog.web.refusals import Unauthorized
from catalog.web.scopes import SCOPE
from catalog.web.sharing import PERMISSION_EXAMPLE, scope_in
from catalog.web.site import Site, site_of
from catalog.web.streams import gathered

routes = Routes()

TAG: Final = "Audit"
# What each act is called on pages; every act is here, which a test holds.
ACTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "sign-in": {"en": "signed in", "ja": "サインイン"},
    "sign-in-refused": {"en": "sign-in refused", "ja": "サインイン失敗"},
    "sign-out": {"en": "signed out", "ja": "サインアウト"},
    "person": {"en": "person made or changed", "ja": "利用者の登録・変更"},
    "person-ended": {"en": "person shut out", "ja": "利用者の停止"},
    "unmanaged": {"en": "scope left without a manager", "ja": "管理者のいないスコープの発生"},
    "invite": {"en": "invitation", "ja": "招待"},
    "reset": {"en": "password link", "ja": "パスワード再設定リンク"},
    "password": {"en": "password set", "ja": "パスワードの設定"},
    "identity": {"en": "identity added", "ja": "ID の追加"},
    "identity-ended": {"en": "identity removed", "ja": "ID の削除"},
    "session-ended": {"en": "session ended", "ja": "セッションの終了"},
    "token": {"en": "token made", "ja": "トークンの発行"},
    "token-ended": {"en": "token ended", "ja": "トークンの失効"},
    "token-new-address": {"en": "token used from a new address", "ja": "新しい接続元からのトークン利用"},
    "grant": {"en": "right given", "ja": "権限の付与"},
    "revoke": {"en": "right taken back", "ja": "権限の取り消し"},
    "link": {"en": "link made", "ja": "リンクの発行"},
    "link-ended": {"en": "link ended", "ja": "リンクの失効"},
    "group": {"en": "group made or changed", "ja": "グループの作成・変更"},
    "group-ended": {"en": "group dissolved", "ja": "グループの解散"},
    "member": {"en": "member added or changed", "ja": "メンバーの追加・変更"},
    "member-ended": {"en": "member removed", "ja": "メンバーの削除"},
    "claim": {"en": "issuer's group counts", "ja": "発行者グループの対応付け"},
    "claim-ended": {"en": "issuer's group counts no more", "ja": "発行者グループの対応付けの解除"},
    "scope": {"en": "scope made or set", "ja": "スコープの作成・設定"},
    "issuer": {"en": "issuer added or changed", "ja": "発行者の登録・変更"},
    "issuer-ended": {"en": "issuer ended", "ja": "発行者の停止"},
    "workload": {"en": "workload registered or changed", "ja": "ワークロードの登録・変更"},
    "request": {"en": "access asked for", "ja": "アクセスの申請"},
    "request-decided": {"en": "request decided", "ja": "申請への回答"},
    "visa": {"en": "visas brought", "ja": "ビザの受領"},
    "refused": {"en": "write refused", "ja": "書き込みの拒否"},
}
LINE_EXAMPLE: Final = {
    "position": 42,
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "person:0a7be1f04c395d2c",
    "act": "grant",
    "scope": "spring8/2026A1234",
    "holder": "person:5d2c0a7be1f04c39",
    "detail": {"right": "read", "since": None, "until": "2027-04-01T00:00:00.000000Z", "why": None},
}
FILTERS: Final = (
    Parameter("act", f"What was done: {', '.join(ACTS)}.", example="grant"),
    Parameter("by", "Who did it, by id.", example="person:0a7be1f04c395d2c"),
    Parameter("holder", "To whom it was done, by id.", example="person:5d2c0a7be1f04c39"),
    Parameter("scope", "In which scope or below it. Whoever manages it may ask, too.", example="spring8/2026A1234"),
    Parameter("since", "From this day or time on.", example="2026-04-01"),
    Parameter("until", "Before this day or time.", example="2026-05-01"),
)


@routes.add(
    Operation(
        "GET",
        "/audit",
        "audit",
        TAG,
        "What was done about rights",
        "監査記録",
        "Sign-ins, rights that were given and taken back, changes of scopes, groups and tokens, and writes that were refused, the "
        "newest first. For administrators; of a scope, with those below it, also for whoever manages it. A line is never changed "
        "and never taken away.",
        {
            200: Answer(
                "The lines; `names` says what those in them are called.",
                (JSON, HTML),
                {
                    "items": [LINE_EXAMPLE],
                    "names": {"person:5d2c0a7be1f04c39": "Haruka Ito"},
                    "next": None,
                },
            )
        },
        (400, 403, 404, 406, 422),
        (*FILTERS, LIMIT, CURSOR, FORMAT),
    )
)
async def audit(request: Request) -> Response:
    """What was done about rights."""
    site, said = site_of(request), asked(request)
    reader = _known(site, request)
    form = form_for(request, (JSON, HTML))
    # A field of the page's form that is left empty is not said.
    wanted = {each.name: said.get(each.name) or None for each in FILTERS}
    told = await site.in_thread(lines_told, site, reader, wanted, said["limit"], said.get("cursor"))
    if form is HTML:
        return page(
            request, site.pages, site.root, "audit.html", headers=NOT_KEPT, acts=ACTS, wanted=wanted,
            whole=reader.administrator, **told,
        )  # fmt: skip
    return Response(orjson.dumps(told), 200, NOT_KEPT, JSON.content_type)


def _known(site: Site, request: Request) -> Reader:
    """Who asks, who must have said who they are: nothing here is for the public."""
    reader = site.reader(request)
    if reader.id == "public":
        raise Unauthorized("Sign in first.", ja="先にサインインしてください。")
    return reader


def lines_told(
    site: Site, reader: Reader, wanted: Mapping[str, str | None], limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of the audit as it is answered."""
    log, scopes = site.catalog.audit, site.catalog.scopes
    before = site.tokens.read(cursor) if cursor is not None else None
    lines = log.find(reader, scopes, **wanted, before=before, limit=limit + 1)
    shown = lines[:limit]
    items = [line.document() for line in shown]
    if not reader.administrator:
        # The distance between two positions tells how much is done elsewhere.
        for item in items:
            del item["position"]
    following = site.tokens.write(shown[-1].position) if len(lines) > limit else None
    return {"items": items, "names": log.names(shown), "next": following}


@routes.add(
    Operation(
        "GET",
        "/audit/export",
        "audit-export",
        TAG,
        "The whole audit, to be kept elsewhere",
        "監査記録の書き出し",
        "Every line, the oldest first, as NDJSON; for administrators. `after` takes up where an earlier export ended.",
        {200: Answer("The lines.", (NDJSON,), orjson.dumps(LINE_EXAMPLE).decode() + "\n")},
        (400, 403, 406, 503),
        (
            Parameter(
                "after",
                "Only lines behind this position.",
                {"type": "integer", "minimum": 0, "default": 0},
                example=42,
            ),
            FORMAT,
        ),
    )
)
async def audit_export(request: Request) -> Response:
    """Every line of the audit."""
    site, said = site_of(request), asked(request)
    reader = _known(site, request)
    form_for(request, (NDJSON,))

    def make() -> Iterator[bytes]:
        lines = site.catalog.audit.every(reader, after=said["after"])
        return gathered(orjson.dumps(line.document()) + b"\n" for line in lines)

    headers = {**NOT_KEPT, "Content-Disposition": 'attachment; filename="audit.ndjson"'}
    chunks = await site.stream(lambda: site.while_held(request, make()))
    return StreamingResponse(chunks, 200, headers, NDJSON.content_type)


@routes.add(
    Operation(
        "GET",
        "/scopes/{scope:path}/history",
        "scope-history",
        TAG,
        "Who had access to a scope, and when",
        "アクセス権の履歴",
        "Every right that was given in the scope and above it, with the times from and until which it held in fact; who was in the "
        "groups that held one; when everyone could read the metadata and have the files, as it was set and as the clock went on; and "
        "every change of that. For whoever manages the scope. Administrators hold every right at all times.",
        {
            200: Answer(
                "The history.",
                (JSON, HTML),
                {
                    "scope": "spring8/2026A1234",
                    "items": [
                        {
                            **PERMISSION_EXAMPLE,
                            "heldFrom": "2026-04-01T00:00:00.000000Z",
                            "heldUntil": "2027-04-01T00:00:00.000000Z",
                        }
                    ],
                    "groups": [
                        {
                            "id": "group:bl37-users",
                            "name": "Users of BL37XU",
                            "members": [
                                {
                                    "holder": PERMISSION_EXAMPLE["holder"],
                                    "from": "2026-04-01T00:00:00.000000Z",
                                    "until": None,
                                }
                            ],
                            "claims": [
                                {
                                    "issuer": "spring8",
                                    "value": "bl37",
                                    "from": "2026-04-01T00:00:00.000000Z",
                                    "until": None,
                                }
                            ],
                        }
                    ],
                    "everyone": [{"what": "metadata", "from": "2028-04-01T00:00:00.000000Z", "until": None}],
                    "changes": [
                        {
                            "at": "2026-04-01T00:00:00.000000Z",
                            "by": "administrator",
                            "scope": "spring8/2026A1234",
                            "was": {"open": False, "metadata": None, "data": None, "approval": False},
                            "now": {"open": True, "metadata": None, "data": None, "approval": False},
                        }
                    ],
                },
            )
        },
        (400, 403, 404, 406, 422),
        (SCOPE, Parameter("at", "Only what held at this time.", example="2026-05-10T12:00:00+09:00"), FORMAT),
    )
)
async def history(request: Request) -> Response:
    """Who had access to a scope, and when."""
    site, said, id = site_of(request), asked(request), scope_in(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    past = await site.in_thread(site.catalog.chronicle.of, id, reader, at=said.get("at") or None)
    told = past.document()
    if form is HTML:
        return page(
            request,
            site.pages,
            site.root,
            "scope_history.html",
            headers=NOT_KEPT,
            id=id,
            at=said.get("at"),
            # Whoever gave a right holds one, most often.
            names={each["holder"]["id"]: each["holder"]["name"] for each in told["items"]},
            **told,
        )
    return Response(orjson.dumps(told), 200, NOT_KEPT, JSON.content_type)
