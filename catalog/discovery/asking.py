"""What somebody may do with a record's data, and whom they ask for them: the policies of data on approval, and who decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.access.scopes import Scope, Scopes
from catalog.discovery.show import Moved, Shown, show
from catalog.errors import NotFound
from catalog.ledger.answer import Answers
from catalog.questions.question import MOST_VALUES, OfRecord, Selection
from catalog.questions.reader import Reader, Right
from catalog.questions.telling import Drawn, Edges, Listing, Member, Nodes, Telling, Told, Way

# The fields of a policy that name whom to ask.
DECIDE, TELL = "committees", "contacts"
_SOME: Final = 20


@dataclass(frozen=True, slots=True)
class Asking:
    """What the reader may in a record's scope, and by which policies its data are given where that takes approval."""

    id: str
    scope: Scope
    may: tuple[Right, ...]
    policies: tuple[Mapping[str, Any], ...]

    @property
    def waits(self) -> bool:
        """Whether the data are given on approval, and were not given to the reader."""
        return self.scope.data_approval and "download" not in self.may

    def document(self) -> dict[str, Any]:
        """The same as it is answered."""
        return {
            "id": self.id,
            "scope": self.scope.id,
            "may": list(self.may),
            "dataMode": "approval" if self.scope.data_approval else "open",
            "dataUntil": self.scope.data_embargo,
            "resource": self.scope.resource,
            "policies": [dict(policy) for policy in self.policies],
        }


def asking(id: str, reader: Reader, *, answers: Answers, scopes: Scopes) -> Asking | Moved:
    """What the reader may do with a record's data, and whom they ask; NotFound like the record itself."""
    found = show(id, reader, answers=answers, selection=Selection(body=True))
    return found if isinstance(found, Moved) else asking_for(found, reader, answers=answers, scopes=scopes)


def asking_for(found: Shown, reader: Reader, *, answers: Answers, scopes: Scopes) -> Asking:
    """The same of a record that was read already, with its body."""
    document = found.document
    scope = scopes.find(document["scope"], reader)
    named = _named(document.get("body") or {}) if scope.data_approval else ()
    return Asking(found.id, scope, scopes.may(scope, reader), tuple(_policies(named, reader, answers)))


def approval_of(found: Shown, reader: Reader, *, answers: Answers, scopes: Scopes) -> Asking | None:
    """The same where the data are given on approval; None where they are not."""
    try:
        told = asking_for(found, reader, answers=answers, scopes=scopes)
    except NotFound:
        # Closed in the moment since it was read.
        return None
    return told if told.scope.data_approval else None


def _named(body: Mapping[str, Any]) -> tuple[str, ...]:
    links = body.get("policies") or ()
    named = (link.get("to") if isinstance(link, Mapping) else link for link in links)
    return tuple(dict.fromkeys(each for each in named if isinstance(each, str)))[:MOST_VALUES]


def _policies(ids: tuple[str, ...], reader: Reader, answers: Answers) -> Iterable[Mapping[str, Any]]:
    """Those of these policies that the reader may see, each with whom it names."""
    if not ids:
        return
    agents = Nodes("agents", _told("names", "title", "homepage", "contact"))
    along = [Edges(field, "out", (agents,), field, ("agent",), first=_SOME) for field in (DECIDE, TELL)]
    policies = Listing(
        (Nodes("policies", _told("title", "text", more=along)),), ("policy",), OfRecord("id", "in", ids), first=_SOME
    )
    (found,) = answers.told([policies], reader, [_body])
    for policy in orjson.loads(found)["policies"]:
        yield {
            "id": policy["id"],
            "title": policy["body"].get("title"),
            "text": policy["body"].get("text"),
            DECIDE: [_agent(each) for each in policy[DECIDE]["agents"]],
            TELL: [_agent(each) for each in policy[TELL]["agents"]],
        }


def _told(*fields: str, more: Sequence[Member] = ()) -> Telling:
    return Telling((Way((), (Told("id", "id"), Drawn(0, ("body",), fields), *more)),))


def _body(body: Mapping[str, Any] | None, kind: str) -> str:
    return f'"body":{orjson.dumps(body or {}).decode()}'


def _agent(record: Mapping[str, Any]) -> dict[str, Any]:
    """Whom to ask, as far as the reader may know: how to reach an agent is private, its home page is not."""
    body = record["body"]
    told = {"id": record["id"], "title": body.get("names") or body.get("title")}
    return told | {name: body[name] for name in ("homepage", "contact") if name in body}
