"""The seam: what a projection is to those who feed it, verify it and build it again.

A projection is made in *generations*: folders of their own (for embedded engines), of which one answers. Feeding goes
`apply`/`close_down` … `settle`: what `settle` has returned for is durable and can be read by other processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from catalog.errors import CatalogError
from catalog.records.standing import BUCKETS as BUCKETS
from catalog.records.standing import NAMES as NAMES
from catalog.records.standing import Gone, Lie, Standing
from catalog.records.standing import Name as Name
from catalog.records.standing import Seen as Seen
from catalog.records.standing import bucket_of as bucket_of

# What is told of a record although it is another's, so that it has to be fed again when that changes. titles: of what it
# links to. stirred: what follows from records that it does not link to.
Tells = Literal["titles", "stirred"]


class Damaged(CatalogError):
    """A generation's folder is missing, cut off, or of another version: it has to be built again."""


class Unprojectable(CatalogError):
    """What these records hold can't be projected, and never can while it stays so: the others go on."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__("; ".join(reasons.values()), ja="; ".join(reasons.values()))
        self.reasons = reasons  # by the record's key


def panicked(problem: BaseException) -> bool:
    """Whether an engine has met what it takes for impossible, as in files that something has spoilt.

    Its exception is no Exception, and has no name that could be imported.
    """
    return type(problem).__name__ == "PanicException"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of a kind and bucket there are, and the sum of their hashes (modulo 2^64): order plays no part."""

    count: int = 0
    hash: int = 0

    def plus(self, hash: int) -> Tally:
        """With one more record."""
        return Tally(self.count + 1, (self.hash + hash) % 2**64)


class Generation(Protocol):
    """One generation, open for writing by whoever holds the lease, and by nobody else."""

    def apply(self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False) -> None:
        """Let these records stand as told, whatever was here of them. `fresh`: nothing of them can be here yet, unless
        the generation opens with more in it than it had when it settled last, which it knows itself.

        An older standing never overwrites a newer one. Unprojectable names records that can't be taken in; none of the
        others is then missing. OSError: the disk or the engine, not the records.
        """
        ...

    def close_down(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        """The same for records that fewer people may see than before: also what others say of them goes at once."""
        ...

    def settle(self) -> str:
        """Make everything durable and visible; what readers are to open (the generation's `visible`)."""
        ...

    def tallies(self) -> Mapping[tuple[str, int], Tally]:
        """What is really here, by kind and bucket, by looking at everything (as of the last `settle`). What belongs to
        no record (a dangling fragment, a document without a key) is counted under the kind '' ."""
        ...

    def hashes(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        """The hash of what is here of each record of a kind and bucket, by record id."""
        ...

    def remove(self, ids: Iterable[str]) -> None:
        """Take away everything that is here of these ids, whether or not it hangs together."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Surveyed(Protocol):
    """What a generation may offer beside: to look at everything once, so that `hashes` answers at once afterwards."""

    def survey(self) -> Iterator[None]:
        """Look at everything, in slices between which the generation may be fed."""
        ...

    def forget_survey(self) -> None:
        """Let go of what was found."""
        ...


@runtime_checkable
class Checked(Protocol):
    """What a generation may offer beside: a quick look whether its files are there, as nobody else may notice for long."""

    def check(self) -> None:
        """Damaged if what settled last has been deleted or cut off."""
        ...


@runtime_checkable
class Shutting(Protocol):
    """What a generation may offer beside: to take away what was closed before anything is put where it belongs now.

    Where many were closed at once nobody waits then for more than has to be gone. All that was taken away is fed later.
    """

    def shut(self, lies: Mapping[str, Lie]) -> None:
        """Take away what is here of these records (by id) unless they lie open, and what others say of them where not
        everybody may read it."""
        ...

    def lying_open(self, ids: Iterable[str]) -> int:
        """How many of these everyone may read here."""
        ...

    def sweep(self) -> None:
        """Take away all that everyone may read, which takes no longer the more it is."""
        ...


class Projection(Protocol):
    """One of the projections of a catalogue."""

    @property
    def name(self) -> Name: ...

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides how a record is projected; another one means another generation."""
        ...

    @property
    def tells(self) -> frozenset[Tells]:
        """What its records tell of others."""
        ...

    def make(self, folder: Path) -> Generation:
        """A new, empty generation in this folder (what lies there is removed)."""
        ...

    def open(self, folder: Path, visible: str | None) -> Generation:
        """The generation in this folder as it was when it settled last (`visible` is what `settle` told then); Damaged if that can't be had."""
        ...

    def expected(self, standings: Iterable[Standing]) -> Iterator[tuple[str, int]]:
        """The hash that each of these records should have in a generation, by record id; to be compared with `hashes`.

        Unprojectable at the end, once all others are told, where some can't be taken in.
        """
        ...
