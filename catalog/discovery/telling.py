"""What is told of records, member by member: questions of GraphQL's, each checked once and then only asked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.ledger.answer import Answers
from catalog.ledger.telling import Filler
from catalog.questions.check import check_telling
from catalog.questions.reader import Reader
from catalog.questions.shape import Lifted, lifted
from catalog.questions.telling import Asked
from catalog.questions.vocabulary import Vocabulary


def checked(asked: Asked, vocabulary: Vocabulary) -> Asked:
    """What is asked, or Invalid if it cannot be asked."""
    check_telling(asked, vocabulary)
    return asked


def prepared(asked: Sequence[Asked]) -> Lifted:
    """What was checked, ready to be asked with values in the places of its own."""
    return lifted(tuple(asked))


def tell(
    asked: Lifted,
    values: Sequence[Any],
    reader: Reader,
    *,
    answers: Answers,
    fillers: Sequence[Filler] = (),
    deadline_seconds: float | None = None,
) -> list[str]:
    """A JSON text for each of what is asked, as far as the reader may see; from one statement."""
    if not asked.shape:
        return []
    return answers.told_again(asked, values, reader, fillers, deadline_seconds=deadline_seconds)
