"""What one may do with a record's data, and whom one asks for them."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.discovery.asking import asking
from catalog.discovery.show import Moved
from catalog.web.addresses import Elsewhere, asked_id
from catalog.web.negotiation import JSON, form_for
from catalog.web.operations import Answer, Operation, Routes, asked
from catalog.web.reading import ID_PATH, answered
from catalog.web.sharing import TAG
from catalog.web.site import site_of

routes = Routes()

EXAMPLE: Final[dict[str, Any]] = {
    "id": "dataset/jga/JGAD000001",
    "scope": "jga/JGAS000001",
    "may": ["read"],
    "dataMode": "approval",
    "dataUntil": None,
    "resource": "https://ddbj.nig.ac.jp/resource/jga-dataset/JGAD000001",
    "policies": [
        {
            "id": "policy/jga/JGAP000001",
            "title": {"en": "NBDC policy"},
            "text": None,
            "committees": [
                {
                    "id": "agent/jga/JGAC000001",
                    "title": {"en": "NBDC data access committee"},
                    "homepage": "https://humandbs.dbcls.jp/en/",
                }
            ],
            "contacts": [],
        }
    ],
    "request": "https://catalogue.example.org/scopes/jga/JGAS000001/requests",
}


@routes.add(
    Operation(
        "GET",
        "/access/{id:path}",
        "access",
        TAG,
        "What one may do with a record's data, and whom one asks",
        "データの利用条件と申請先",
        "What you may in the record's scope; and where its data are given on approval, by which policies, which committees decide, "
        "how they are reached as far as you may know, and where to file a request (`request`).",
        {200: Answer("What one may, and whom one asks.", (JSON,), EXAMPLE)},
        (404, 406, 410),
        (ID_PATH,),
    )
)
async def access(request: Request) -> Response:
    """What one may do with a record's data, and whom one asks."""
    asked(request)
    site = site_of(request)
    reader, catalog = site.reader(request), site.catalog
    form = form_for(request, (JSON,))
    id = asked_id(request, "access")
    found = await site.in_thread(asking, id, reader, answers=catalog.answers, scopes=catalog.scopes)
    if isinstance(found, Moved):
        raise Elsewhere("/access/" + found.to)
    where = f"{catalog.base}scopes/{found.scope.id}/requests" if found.scope.data_approval else None
    return answered(request, reader, orjson.dumps({**found.document(), "request": where}), form)
