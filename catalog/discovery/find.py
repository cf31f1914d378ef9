"""Lists: the records that a question asks for, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson

from catalog.errors import TooLarge
from catalog.ledger.answer import Answers
from catalog.questions.check import check
from catalog.questions.cursor import write_cursor
from catalog.questions.question import MOST_ITEMS, MOST_VALUES, OfRecord, Question, Selection
from catalog.questions.reader import Reader


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: `items` is the text of a JSON array. `next` begins the page after it; None at the end."""

    items: str
    count: int
    next: str | None
    total: int | None
    total_is_exact: bool

    def text(self) -> str:
        """The page as it is answered."""
        told = f'{{"items":{self.items},"next":{_quoted(self.next)}'
        if self.total is not None:
            told += f',"total":{self.total}' + ("" if self.total_is_exact else ',"totalIsAtLeast":true')
        return told + "}"


def find(question: Question, reader: Reader, *, answers: Answers) -> Page:
    """The page that the question asks for, as far as the reader may see; Invalid if it cannot be asked."""
    found = answers.find(check(question, answers.vocabulary), reader)
    following = write_cursor(found.items[-1].at, question.order) if found.more and found.items else None
    items = "[" + ",".join([item.text for item in found.items]) + "]"
    return Page(items, len(found.items), following, found.total, found.total_is_exact)


def ids_of(question: Question, reader: Reader, *, answers: Answers, most: int) -> list[str]:
    """The ids of all records that the question asks for, in its order; TooLarge if they are more than `most`."""
    asked = check(replace(question, first=MOST_ITEMS, selection=Selection()), answers.vocabulary)
    found = [item.at.id for item in islice(answers.each(asked, reader), most + 1)]
    if len(found) > most:
        raise TooLarge(
            f"These are more than {most:,} records: narrow the filter.",
            ja=f"対象が {most:,} 件を超えています。条件を絞ってください。",
        )
    return found


def linked_of(
    ids: Collection[str], reader: Reader, *, answers: Answers, kinds: tuple[str, ...] = ()
) -> dict[str, dict[str, Any]]:
    """The linked forms, by id, of those of these records that the reader may see; of very many ids only the first."""
    wanted = tuple(dict.fromkeys(ids))[:MOST_VALUES]
    if not wanted:
        return {}
    question = Question(kinds=kinds, where=OfRecord("id", "in", wanted))
    return {id: orjson.loads(text) for id, text in answers.linked(check(question, answers.vocabulary), reader)}


def _quoted(cursor: str | None) -> str:
    # A cursor is base64: nothing in it needs escaping.
    return "null" if cursor is None else f'"{cursor}"'
