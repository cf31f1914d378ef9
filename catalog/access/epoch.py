"""A number that rises with every change of who may do what."""

from __future__ import annotations

from sqlalchemy import Connection, update

from catalog.store.tables import epoch


def turn(connection: Connection) -> None:
    """Who may do what changes with this transaction."""
    connection.execute(update(epoch).values(number=epoch.c.number + 1))
