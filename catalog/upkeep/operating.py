"""What an administrator does with the projections: build again, go back, verify, look after what failed."""

from __future__ import annotations

from catalog.errors import Forbidden, NotFound
from catalog.ledger.book import Book, Failure, not_failed
from catalog.ledger.verifications import Verifications
from catalog.projections.projection import NAMES, Name, Projection
from catalog.questions.reader import Reader


def named(name: str) -> Name:
    """The projection of this name."""
    for each in NAMES:
        if each == name:
            return each
    raise NotFound(
        f"there is no projection {name!r}: there are {', '.join(NAMES)}",
        ja=f"{name} というものはありません。graph（グラフ）と search（検索索引）があります",
    )


def rebuild(name: Name, by: Reader, *, book: Book) -> int:
    """Ask for a new generation beside the one that answers; its number."""
    _demand_administrator(by)
    return book.want(name, "asked")


def go_back(name: Name, by: Reader, *, book: Book, projection: Projection) -> int:
    """Let the generation answer that did before; its number."""
    _demand_administrator(by)
    return book.back(name, projection.fingerprint)


def ask_to_verify(name: Name, by: Reader, *, verifications: Verifications, repair: bool = True) -> str:
    """Ask whoever feeds the projection to compare it with the ledger; what is waited for."""
    _demand_administrator(by)
    return verifications.ask(name, repair=repair)


def failures(
    by: Reader, *, book: Book, name: Name | None = None, waived: bool | None = None, after: int = 0, limit: int = 100
) -> list[Failure]:
    """What could not be projected."""
    _demand_administrator(by)
    return book.failures(name, waived=waived, after=after, limit=limit)


def failure(name: Name, id: str, by: Reader, *, book: Book) -> Failure:
    """Why a record could not be projected; NotFound if it could."""
    _demand_administrator(by)
    found = book.failure(name, id)
    if found is None:
        raise not_failed(id, name)
    return found


def retry(by: Reader, *, book: Book, name: Name | None = None, id: str | None = None) -> int:
    """Let what failed be tried again at once; how many records that is."""
    _demand_administrator(by)
    count = book.retry(name, None if id is None else [id])
    if id is not None and count == 0:
        raise not_failed(id, name)
    return count


def waive(name: Name, id: str, reason: str, by: Reader, *, book: Book) -> None:
    """Say that a record may be missing from a projection, and why."""
    _demand_administrator(by)
    book.waive(name, id, reason, by=by.id)


def _demand_administrator(by: Reader) -> None:
    if not by.administrator:
        raise Forbidden(
            "only administrators look after the projections", ja="グラフと検索索引の管理は管理者のみ行えます"
        )
