"""What is told of records, member by member: questions of GraphQL's, each checked once and then only asked again."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.ledger.answer import Answers
from catalog.ledger.telling import Filler
from catalog.questions.check import check_telling
from catalog.questions.reader import Reader
from catalog.questions.telling import Asked


def tell(
    asked: Sequence[Asked],
    reader: Reader,
    *,
    answers: Answers,
    fillers: Sequence[Filler] = (),
) -> list[str]:
    """A JSON text for each of what is asked, as far as the reader may see; from one statement. Invalid if it cannot be asked."""
    for each in asked:
        check_telling(each, answers.vocabulary)
    return answers.told(asked, reader, fillers)
