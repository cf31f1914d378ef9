"""How it stands with the projections: how far behind, what failed, what differed when it was last verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from catalog.ledger.book import Book, Booked, Lag
from catalog.ledger.verifications import Verifications, Verified
from catalog.projections.projection import NAMES, Name

# missing: nothing answers. building: nothing answers yet. troubled: it can't be fed. drifted: it differed from the ledger
# and was not repaired. failing: records are missing that could not be projected. behind: for longer than it should be.
Status = Literal["ok", "behind", "failing", "drifted", "building", "missing", "troubled"]
BEHIND_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ProjectionHealth:
    """How it stands with one projection."""

    name: Name
    generations: tuple[Booked, ...]
    lag: Lag
    closing: bool  # what was closed has not gone from it yet: queries leave it out, or wait
    failed: int
    waived: int
    verified: Verified

    @property
    def live(self) -> Booked | None:
        """The generation that answers."""
        return next((each for each in self.generations if each.state == "live"), None)

    @property
    def building(self) -> Booked | None:
        """The one that is to take its place."""
        return next((each for each in self.generations if each.state in ("wanted", "building")), None)

    @property
    def trouble(self) -> str | None:
        """What keeps it from being fed. What kept another that is not fed any more is no trouble now."""
        fed = (each for each in self.generations if each.state not in ("old", "damaged"))
        return next((each.trouble for each in fed if each.trouble), None)

    @property
    def drift(self) -> int:
        """How many records differed when it was verified last."""
        return int(self.verified.report["drift"]["total"]) if self.verified.report is not None else 0

    @property
    def unrepaired(self) -> int:
        """How many of them differ still."""
        return self.drift - int(self.verified.report["repaired"]) if self.verified.report is not None else 0

    @property
    def status(self) -> Status:
        """All of it in a word: the gravest."""
        if self.trouble is not None:
            return "troubled"
        if self.live is None:
            return "building" if self.building is not None else "missing"
        if self.unrepaired:
            return "drifted"
        if self.failed:
            return "failing"
        return "behind" if self.lag.seconds > BEHIND_SECONDS else "ok"

    def document(self, *, whole: bool) -> dict[str, Any]:
        """As it is answered; `whole` is for those who may know how many records there are, and what failed."""
        told: dict[str, Any] = {
            "status": self.status,
            "lagSeconds": round(self.lag.seconds, 3),
            "generation": self.live.generation if self.live is not None else None,
            "building": self.building is not None,
            "verifiedAt": self.verified.at,
        }
        if whole:
            told |= {
                "pending": self.lag.changes,
                "closing": self.closing,
                "failed": self.failed,
                "waived": self.waived,
                "drift": self.drift,
                "unrepaired": self.unrepaired,
                "trouble": self.trouble,
                "generations": [_generation(each) for each in self.generations],
                "verification": self.verified.report,
                "verifying": self.verified.progress if self.verified.asked_at is not None else None,
            }
        return told


@dataclass(frozen=True, slots=True)
class Health:
    """How it stands with all of them, and whether there is somebody who feeds them."""

    projections: Mapping[Name, ProjectionHealth]
    projector: bool  # whether somebody does
    holder: str | None
    # A projector that lives goes on holding them, by half a minute every few seconds. One that was paused can say nothing
    # itself: nothing has moved since this time.
    held_until: str | None

    @property
    def process(self) -> str | None:
        """The process that holds them, or held them last, and where it is."""
        number, _, where = (self.holder or "").partition("@")
        return f"{number.partition('.')[0]} @ {where.partition('/')[0]}" if where else None

    def document(self, *, whole: bool) -> dict[str, Any]:
        """As it is answered; `whole` as in `ProjectionHealth.document`."""
        projector: Any = "alive" if self.projector else "stopped"
        if whole:
            projector = {"state": projector, "holder": self.holder}
        return {
            "projector": projector,
            "heldUntil": self.held_until,
            "projections": {name: each.document(whole=whole) for name, each in self.projections.items()},
        }


def health(book: Book, verifications: Verifications) -> Health:
    """How it stands now; a few short questions to the database."""
    lease = book.lease()
    return Health(
        {name: _of(name, book, verifications) for name in NAMES},
        lease is not None and lease.stands,
        lease.holder if lease is not None else None,
        lease.until if lease is not None else None,
    )


def _of(name: Name, book: Book, verifications: Verifications) -> ProjectionHealth:
    return ProjectionHealth(
        name,
        tuple(book.rows(name)),
        book.lag(name),
        bool(book.pending(name)),
        book.failed(name),
        book.waived(name),
        verifications.last(name),
    )


def _generation(each: Booked) -> dict[str, Any]:
    return {
        "generation": each.generation,
        "state": each.state,
        "why": each.why,
        "position": str(each.position),
        "startedAt": each.started_at,
        "liveAt": each.live_at,
        "trouble": each.trouble,
        "troubleAt": each.trouble_at,
    }
