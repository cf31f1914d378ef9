"""The files of a dataset, for those who may have them: the second of the three tiers of access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.access.policy import decide, is_insider
from catalog.access.scopes import Scopes
from catalog.discovery.show import Moved, show
from catalog.errors import Forbidden
from catalog.ledger.answer import Answers
from catalog.ledger.files import files_of, list_of
from catalog.questions.question import Selection
from catalog.questions.reader import Reader


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of a dataset's files in the order of their paths; `next` is the path behind which the rest lies."""

    items: tuple[Mapping[str, Any], ...]
    next: str | None
    version: int
    count: int
    size: int


def files(
    id: str, reader: Reader, *, answers: Answers, scopes: Scopes, after: str | None = None, limit: int = 100
) -> FilePage | Moved:
    """A page of files; NotFound like the record itself, Forbidden to who may read the record but not its data."""
    found = show(id, reader, answers=answers, selection=Selection())
    if isinstance(found, Moved):
        return found
    facts = scopes.facts(found.document["scope"])
    # Who writes the list sees what is in it.
    if facts is None or not (decide("download", facts, reader, answers.clock()) or is_insider(facts, reader)):
        if facts is not None and facts.data_approval:
            raise Forbidden(
                f"{id}: its files are given on approval; /access/{id} says who decides and where to ask",
                ja=f"{id}: ファイルの取得には承認が必要です。審査する委員会と申請先は /access/{id} にあります",
            )
        until = f" until {facts.data_embargo}" if facts is not None and facts.data_embargo else ""
        raise Forbidden(
            f"{id}: its files are not open to you{until}; ask whoever manages its scope",
            ja=f"{id}: ファイルを閲覧する権限がありません。スコープの管理者に依頼してください",
        )
    state = list_of(answers.store, id)
    items, following = files_of(answers.store, id, after=after, limit=limit)
    return FilePage(tuple(items), following, state.version, state.count, state.size)
