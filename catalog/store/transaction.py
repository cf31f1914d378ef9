"""Reading and writing in transactions, with the drivers' errors told once in words that somebody can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from catalog.errors import Unavailable
from catalog.store.database import Database


@contextmanager
def transaction(database: Database, engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, or undone by whatever is raised inside."""
    with _told(database), engine.begin() as connection:
        yield connection


@contextmanager
def glance(database: Database, engine: Engine) -> Iterator[Any]:
    """A driver's connection outside any transaction of ours, to be read with one statement."""
    with _told(database):
        borrowed = engine.raw_connection()
        try:
            driver = borrowed.driver_connection
            database.each_alone(driver, True)
            yield driver
            database.each_alone(driver, False)
        except BaseException:
            # Nobody knows how far it came; the next gets another.
            borrowed.invalidate()
            raise
        finally:
            borrowed.close()


@contextmanager
def _told(database: Database) -> Iterator[None]:
    try:
        yield
    except NoConnectionFree as error:
        raise Unavailable(
            "too many requests are waiting for the database: try again",
            ja="データベースの順番待ちが多すぎます。もう一度お試しください",
        ) from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        # The hot paths use the driver itself, whose errors come unwrapped.
        original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if explained := database.explain(original):
            raise explained from error
        raise
