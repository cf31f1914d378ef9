"""Building a projection again, or going back to how it was before, whoever feeds the projections meanwhile."""

from __future__ import annotations

from catalog.errors import Unavailable
from catalog.ledger.book import Book
from catalog.projections.projection import Name, Projection
from catalog.upkeep.follow import Follower, Progress, unheard


def rebuild(name: Name, *, book: Book, follower: Follower, progress: Progress = unheard) -> int:
    """Build a new generation beside the one that answers, and let it answer; its number.

    Here, where nobody else holds the lease; else whoever holds it does so, and is waited for.
    """
    number = book.want(name, "asked")
    follower.catch_up(progress)
    _see_that_it_answers(name, number, book)
    return number


def go_back(name: Name, *, book: Book, projection: Projection, follower: Follower, progress: Progress = unheard) -> int:
    """Let the generation answer that did before, and catch up with what happened since; its number."""
    number = book.back(name, projection.fingerprint)
    follower.catch_up(progress)
    _see_that_it_answers(name, number, book)
    return number


def _see_that_it_answers(name: Name, number: int, book: Book) -> None:
    rows = book.rows(name)
    answering = next((row for row in rows if row.state == "live"), None)
    if answering is None or (answering.generation < number and any(row.generation == number for row in rows)):
        raise Unavailable(
            f"{name}: generation {number} does not answer yet: see `catalog health`, then try again",
            ja=f"{name}: 世代 {number} はまだ使われていません。`catalog health` を確認して、もう一度お試しください",
        )
