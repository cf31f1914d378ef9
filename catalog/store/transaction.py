"""Reading and writing in transactions, with the drivers' errors told once in words that somebody can act on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from catalog.errors import Unavailable
from catalog.store.database import Database


@contextmanager
def transaction(database: Database, engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, or undone by whatever is raised inside."""
    with _told(database), engine.begin() as connection:
        yield connection


class Glances:
    """Drivers' connections outside any transaction of ours, each for one statement.

    As many as the database says are kept at hand: to borrow one from the pool and give it back takes four times as long as
    to look up one row of an embedded database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._at_hand: list[PoolProxiedConnection] = []

    @contextmanager
    def one(self) -> Iterator[Any]:
        """A connection, to be read with one statement."""
        with _told(self._database):
            borrowed = self._taken()
            try:
                driver = borrowed.driver_connection
                self._database.each_alone(driver, True)
                yield driver
                self._database.each_alone(driver, False)
            except BaseException:
                # Nobody knows how far it came; the next gets another.
                borrowed.invalidate()
                borrowed.close()
                raise
            self._given_back(borrowed)

    def _taken(self) -> PoolProxiedConnection:
        with self._lock:
            if self._at_hand:
                return self._at_hand.pop()
        return self._database.reader().raw_connection()

    def _given_back(self, borrowed: PoolProxiedConnection) -> None:
        with self._lock:
            if len(self._at_hand) < self._database.at_hand:
                self._at_hand.append(borrowed)
                return
        borrowed.close()

    def close(self) -> None:
        """Give back what is at hand."""
        with self._lock:
            while self._at_hand:
                self._at_hand.pop().close()


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
