"""Who vouches for others, looked after by administrators: issuers, and the programs that they vouch for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.web.addresses import last_segment
from catalog.web.forms import Sheet, by_form, carry_out, said_in, shown
from catalog.web.negotiation import HTML, JSON, form_for
from catalog.web.operations import FORMAT, Answer, Body, Operation, Parameter, Routes, asked
from catalog.web.reading import answered
from catalog.web.session import FORM
from catalog.web.site import Site, site_of
from catalog.web.writing import object_in

if TYPE_CHECKING:
    from catalog.access.issuers import Issuer
    from catalog.access.workloads import Workload

routes = Routes()

TAG: Final = "Issuers"
ISSUER: Final = Parameter("issuer", "The issuer's id.", place="path", example="spring8")
WORKLOAD: Final = Parameter("workload", "The workload's id.", place="path", example="workload:5d2c0a7be1f04c39")
ISSUER_EXAMPLE: Final = {
    "id": "spring8",
    "address": "https://login.example.org/realms/spring8",
    "title": {"en": "SPring-8 ID", "ja": "SPring-8 ID"},
    "purposes": ["sign-in", "workloads"],
    "clientId": "catalog",
    "hasSecret": True,
    "scopes": ["openid", "profile", "email"],
    "groupsClaim": "groups",
    "orcidClaim": "orcid",
    "passports": False,
    "audience": None,
    "resources": [],
    "keysAt": None,
    "at": "2026-04-01T00:00:00.000000Z",
    "endedAt": None,
}
SAID_EXAMPLE: Final = {
    **{name: ISSUER_EXAMPLE[name] for name in ("id", "address", "title", "purposes", "clientId", "groupsClaim")},
    "clientSecret": "…",
}
WORKLOAD_EXAMPLE: Final = {
    "id": "workload:5d2c0a7be1f04c39",
    "name": "Robot of BL37XU",
    "issuer": "spring8",
    "subject": "beamline-robot",
    "agent": "agent/spring8/robot-1",
    "source": "spring8",
    "at": "2026-04-01T00:00:00.000000Z",
    "by": "administrator",
}
# A form has no lists: what it says each in a field of its own, and what that is in a document.
FIELDS: Final[Mapping[str, type]] = {
    "id": str,
    "address": str,
    "titleEn": str,
    "titleJa": str,
    "signIn": bool,
    "workloads": bool,
    "visas": bool,
    "clientId": str,
    "clientSecret": str,
    "groupsClaim": str,
    "passports": bool,
    "audience": str,
}


def _sheet(request: Request) -> Sheet:
    """The page of administrators."""
    site = site_of(request)
    return Sheet("issuers.html", lambda: _told(site, request))


def _told(site: Site, request: Request) -> dict[str, Any]:
    reader = site.reader(request)
    return {
        "issuers": [each.document() for each in site.catalog.issuers.list(reader)],
        "workloads": [each.document() for each in site.catalog.workloads.list(reader)],
        "callback": f"{site.catalog.base}sign-in/callback",
        "base": site.catalog.base,
        "typed": {},
        "ended": None,
        "unmanaged": (),
    }


@routes.add(
    Operation(
        "GET",
        "/issuers",
        "issuers",
        TAG,
        "The issuers",
        "発行者の一覧",
        "Whose word counts for what; for administrators. By whom people sign in is told to everybody by `/sign-in`.",
        {200: Answer("The issuers.", (JSON, HTML), {"items": [ISSUER_EXAMPLE], "next": None})},
        (403, 406),
        (FORMAT,),
    )
)
async def issuers(request: Request) -> Response:
    """Every issuer."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON, HTML))
    if form is HTML:
        return await shown(request, _sheet(request))
    found = await site.in_thread(lambda: site.catalog.issuers.list(reader))
    items = [each.document() for each in found]
    return answered(request, reader, orjson.dumps({"items": items, "next": None}), form)


@routes.add(
    Operation(
        "GET",
        "/issuers/{issuer}",
        "issuer",
        TAG,
        "One issuer",
        "発行者の説明",
        "What was said of an issuer; its secret is never shown.",
        {200: Answer("The issuer.", (JSON,), ISSUER_EXAMPLE)},
        (403, 404, 406),
        (ISSUER,),
    )
)
async def issuer(request: Request) -> Response:
    """One issuer."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON,))
    found = await site.in_thread(lambda: site.catalog.issuers.find(last_segment(request, "issuers"), reader))
    return answered(request, reader, orjson.dumps(found.document()), form)


@routes.add(
    Operation(
        "POST",
        "/issuers",
        "add-issuer",
        TAG,
        "Add an issuer",
        "発行者を追加する",
        "Its word counts from now on, for what `purposes` names: `sign-in` (people sign in by it), `workloads` (its tokens "
        "identify registered programs), `visas` (what it signs counts as a committee's approval). Its discovery document is read "
        "now; what that calls itself must be `address`, exactly. `https` is needed, but on this machine.",
        {
            201: Answer("It is added.", (JSON,), ISSUER_EXAMPLE, {"Location": "Its address here."}),
            303: Answer("By a form: back to the page."),
        },
        (400, 401, 403, 409, 413, 415, 422, 503),
        (),
        Body(
            "The issuer.",
            {
                "application/json": SAID_EXAMPLE,
                FORM: "id=spring8&address=https%3A%2F%2Flogin.example.org%2Frealms%2Fspring8&signIn=true&clientId=catalog&csrf=q3bX…",
            },
        ),
    )
)
async def add_issuer(request: Request) -> Response:
    """Add an issuer."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    typed: dict[str, Any] = {}

    async def add() -> Issuer:
        if by_form(request):
            said = await said_in(request, of=FIELDS, required=("id", "address"))
            typed.update({name: value for name, value in said.items() if name != "clientSecret"})
            said = _document(said)
        else:
            said = await object_in(request)
        return await site.afar(site.catalog.issuers.register, said, reader)

    return await carry_out(
        request,
        add(),
        _sheet(request),
        to=lambda _: "issuers",
        document=lambda made: made.document(),
        status=201,
        headers=lambda made: {"Location": f"{site.root}issuers/{made.id}"},
        typed={"typed": typed},
    )


def _document(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says, as a program would have said it."""
    purposes = {"signIn": "sign-in", "workloads": "workloads", "visas": "visas"}
    titles = {"titleEn": "en", "titleJa": "ja"}
    said = {name: value for name, value in typed.items() if name not in purposes and name not in titles}
    return {
        **said,
        "title": {tag: typed[name] for name, tag in titles.items() if name in typed},
        "purposes": [purpose for name, purpose in purposes.items() if typed.get(name)],
    }


@routes.add(
    Operation(
        "PATCH",
        "/issuers/{issuer}",
        "change-issuer",
        TAG,
        "Change an issuer",
        "発行者を変更する",
        "Only what is said is changed; an empty object only reads its discovery document anew. What it no longer vouches for ends "
        "at the next request: sessions, groups, visas.",
        {200: Answer("It is changed.", (JSON,), ISSUER_EXAMPLE)},
        (400, 401, 403, 404, 413, 415, 422, 503),
        (ISSUER,),
        Body("What is to be changed.", {"application/json": {"groupsClaim": "isMemberOf"}}),
    )
)
async def change_issuer(request: Request) -> Response:
    """Change what was said of an issuer."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    said = await object_in(request)
    changed = await site.afar(site.catalog.issuers.change, request.path_params["issuer"], said, reader)
    return Response(orjson.dumps(changed.document()), 200, {}, JSON.content_type)


@routes.add(
    Operation(
        "POST",
        "/issuers/{issuer}/end",
        "end-issuer",
        TAG,
        "End an issuer",
        "発行者を停止する",
        "Its word counts no more: who signed in by it is signed out, its workloads are nobody, its visas allow nothing. People "
        "and what they hold stay; it may be added again, as the same.",
        {200: Answer("It is ended.", (JSON,), {"ended": "spring8"}), 303: Answer("By a form: back to the page.")},
        (400, 401, 403, 404),
        (ISSUER,),
    )
)
async def end_issuer(request: Request) -> Response:
    """End an issuer."""
    asked(request)
    site, id = site_of(request), request.path_params["issuer"]
    await said_in(request, of={})
    return await carry_out(
        request,
        site.in_thread(site.catalog.issuers.end, id, site.reader(request)),
        _sheet(request),
        to=lambda _: "issuers",
        document=lambda _: {"ended": id},
    )


@routes.add(
    Operation(
        "GET",
        "/workloads",
        "workloads",
        TAG,
        "The workloads",
        "ワークロードの一覧",
        "Programs that an issuer vouches for; for administrators. Rights are given to a workload's id as to a person's.",
        {200: Answer("The workloads.", (JSON,), {"items": [WORKLOAD_EXAMPLE], "next": None})},
        (403, 406),
    )
)
async def workloads(request: Request) -> Response:
    """Every workload."""
    site = site_of(request)
    asked(request)
    reader = site.reader(request)
    form = form_for(request, (JSON,))
    found = await site.in_thread(lambda: site.catalog.workloads.list(reader))
    items = [each.document() for each in found]
    return answered(request, reader, orjson.dumps({"items": items, "next": None}), form)


@routes.add(
    Operation(
        "POST",
        "/workloads",
        "add-workload",
        TAG,
        "Register a workload",
        "ワークロードを登録する",
        "From now on `Authorization: Bearer <JWT>` of this issuer and `sub` is this workload: signed by RS256 or ES256 with a key "
        "that the issuer publishes, `aud` our base address (or the issuer's `audience`) and nothing else, `exp` at most 24 hours away. With "
        "`agent` what it does is the deed of that device; with `source` it writes that source's records only.",
        {201: Answer("It is registered.", (JSON,), WORKLOAD_EXAMPLE), 303: Answer("By a form: back to the page.")},
        (400, 401, 403, 404, 409, 413, 415, 422),
        (),
        Body(
            "The workload.",
            {
                "application/json": {
                    name: WORKLOAD_EXAMPLE[name] for name in ("issuer", "subject", "name", "agent", "source")
                },
                FORM: "issuer=spring8&subject=beamline-robot&name=Robot&csrf=q3bX…",
            },
        ),
    )
)
async def add_workload(request: Request) -> Response:
    """Register a workload."""
    asked(request)
    site = site_of(request)
    reader = site.reader(request)
    typed: dict[str, Any] = {}

    async def add() -> Workload:
        names = ("issuer", "subject", "name", "agent", "source")
        said = await said_in(request, of=dict.fromkeys(names, str), required=names[:3])
        typed.update(said)
        return await site.in_thread(
            site.catalog.workloads.register,
            said["issuer"],
            said["subject"],
            said["name"],
            reader,
            agent=said.get("agent"),
            source_id=said.get("source"),
        )

    return await carry_out(
        request,
        add(),
        _sheet(request),
        to=lambda _: "issuers",
        document=lambda made: made.document(),
        status=201,
        typed={"typed": typed},
    )


@routes.add(
    Operation(
        "POST",
        "/workloads/{workload}/end",
        "end-workload",
        TAG,
        "End a workload",
        "ワークロードを停止する",
        "Its tokens are nobody's at the next request, and it holds nothing. `unmanaged` names the scopes that this leaves without "
        "a manager of their own.",
        {
            200: Answer(
                "It is ended; as a page by a form, where scopes are left without a manager.",
                (JSON, HTML),
                {"ended": "workload:5d2c0a7be1f04c39", "unmanaged": []},
            ),
            303: Answer("By a form: back to the page."),
        },
        (400, 401, 403, 404),
        (WORKLOAD,),
    )
)
async def end_workload(request: Request) -> Response:
    """End a workload."""
    asked(request)
    site, id = site_of(request), request.path_params["workload"]
    await said_in(request, of={})
    return await carry_out(
        request,
        site.in_thread(site.catalog.workloads.end, id, site.reader(request)),
        _sheet(request),
        once=lambda left: {"ended": id, "unmanaged": left} if left else None,
        to=lambda _: "issuers",
        document=lambda left: {"ended": id, "unmanaged": left},
    )
