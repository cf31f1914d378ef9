"""What the two databases do differently, said once as the list of what each must be able to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, Engine

from catalog.errors import CatalogError

Row = tuple[Any, ...]


class Database(Protocol):
    """SQLite or PostgreSQL. Every method but the last three runs inside the caller's transaction."""

    name: Literal["sqlite", "postgresql"]
    mark: str  # how a parameter stands in driver-level SQL
    at_hand: int  # how many connections for single statements are kept out of the pool

    def reader(self) -> Engine:
        """Connections that see one state of the database from their first statement to their last, and write nothing."""
        ...

    def writer(self) -> Engine:
        """Connections that write; on SQLite they hold the one write lock from their first statement."""
        ...

    def each_alone(self, driver: Any, alone: bool) -> None:
        """Let each statement on a driver's connection be a transaction by itself, or no longer."""
        ...

    def stop(self, driver: Any) -> None:
        """Let the statement that runs on a driver's connection end with an error; called from another thread."""
        ...

    def among(self, expression: str) -> str:
        """The condition that an expression is among the values of one parameter, made by `listed`."""
        ...

    def listed(self, values: Iterable[Any]) -> Any:
        """Any number of texts or whole numbers as one parameter."""
        ...

    def insert(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Many rows at once. The first column of a row is never null."""
        ...

    def update(self, connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Many rows changed at once; the first column is the key that says which."""
        ...

    def make_nodes(self, connection: Connection, ids: Sequence[str]) -> dict[str, int]:
        """Keys for ids that had none a moment ago, in byte order; those that somebody else made meanwhile are left out."""
        ...

    def lock(self, connection: Connection, keys: Sequence[int]) -> None:
        """Let no other writer touch these records until this transaction ends."""
        ...

    def hold_mirrors(self, connection: Connection, *, alone: bool) -> None:
        """Let no mirror be swapped until this transaction ends; alone: nor anybody write."""
        ...

    def hold_positions(self, connection: Connection) -> int:
        """Let nobody else give a position until this transaction ends; the last one that was given."""
        ...

    def replace_views(self, connection: Connection, views: Mapping[str, str]) -> None:
        """Let each view answer with its new statement from this transaction on."""
        ...

    def tables(self, connection: Connection) -> set[str]:
        """The names of all tables."""
        ...

    def hold_migrations(self, connection: Connection) -> None:
        """Let nobody else migrate until this transaction ends."""
        ...

    def forget(self) -> None:
        """Let what was overwritten be gone from the database's files too, as far as they are ours; after the commit."""
        ...

    def explain(self, error: BaseException) -> CatalogError | None:
        """What a driver's error means to whoever asked; None when it is a fault of ours."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...
