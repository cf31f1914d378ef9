"""The files of a dataset, for those who may have them: the second of the three tiers of access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.access.policy import ScopeFacts, decide, is_insider
from catalog.access.scopes import Scopes
from catalog.discovery.show import Moved, show
from catalog.errors import Forbidden
from catalog.ledger.answer import Answers
from catalog.ledger.files import files_of, list_of, lists_of
from catalog.questions.question import Selection
from catalog.questions.reader import Reader
from catalog.questions.telling import ByIds, Telling, Told, Way

_SCOPE: Final = Telling((Way((), (Told("scope", "scope"),)),))


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
    if facts is None or not _given(facts, reader, answers.clock()):
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


def files_of_each(
    ids: Iterable[str], reader: Reader, *, answers: Answers, scopes: Scopes, after: str | None = None, limit: int = 100
) -> dict[str, FilePage]:
    """The page of each of these records that has files which the reader may have; as many statements, however many they are."""
    wanted = tuple(dict.fromkeys(ids))
    (text,) = answers.told([ByIds(_SCOPE, (), wanted)], reader, ())
    lies = {id: told["scope"] for id, told in zip(wanted, orjson.loads(text), strict=True) if told is not None}
    now = answers.clock()
    given = {id for id, facts in scopes.facts_of(set(lies.values())).items() if _given(facts, reader, now)}
    lists = lists_of(answers.store, [id for id, scope in lies.items() if scope in given], after=after, limit=limit)
    return {
        id: FilePage(tuple(items), following, state.version, state.count, state.size)
        for id, (state, items, following) in lists.items()
    }


def _given(facts: ScopeFacts, reader: Reader, now: str) -> bool:
    # Who writes the list sees what is in it.
    return decide("download", facts, reader, now) or is_insider(facts, reader)
