"""Reading and writing in transactions, with the drivers' errors told once in words that somebody can act on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
        self.database = database
        self._lock = threading.Lock()
        self._at_hand: list[PoolProxiedConnection] = []

    def one(self) -> AbstractContextManager[Any]:
        """A connection, to be read with one statement."""
        return _Glance(self)

    def taken(self) -> PoolProxiedConnection:
        with self._lock:
            if self._at_hand:
                return self._at_hand.pop()
        return self.database.reader().raw_connection()

    def given_back(self, borrowed: PoolProxiedConnection) -> None:
        with self._lock:
            if len(self._at_hand) < self.database.at_hand:
                self._at_hand.append(borrowed)
                return
        borrowed.close()

    def close(self) -> None:
        """Give back what is at hand."""
        with self._lock:
            while self._at_hand:
                self._at_hand.pop().close()


class _Glance(AbstractContextManager[Any]):
    """One such connection in use. A class, since a generator takes twice as long, and this is for each request."""

    __slots__ = ("_borrowed", "_driver", "_glances")

    def __init__(self, glances: Glances) -> None:
        self._glances = glances
        self._borrowed: PoolProxiedConnection | None = None

    def __enter__(self) -> Any:
        try:
            self._borrowed = self._glances.taken()
            self._driver = self._borrowed.driver_connection
            self._glances.database.each_alone(self._driver, True)
        except BaseException as error:
            self._failed(error)
            raise
        return self._driver

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is not None:
            self._failed(error)
            return
        try:
            self._glances.database.each_alone(self._driver, False)
        except BaseException as failed:
            self._failed(failed)
            raise
        assert self._borrowed is not None
        self._glances.given_back(self._borrowed)

    def _failed(self, error: BaseException) -> None:
        if self._borrowed is not None:
            # Nobody knows how far it came; the next gets another.
            self._borrowed.invalidate()
            self._borrowed.close()
        if told := _explained(self._glances.database, error):
            raise told from error


@contextmanager
def _told(database: Database) -> Iterator[None]:
    try:
        yield
    except (NoConnectionFree, DBAPIError, sqlite3.Error, psycopg.Error) as error:
        if told := _explained(database, error):
            raise told from error
        raise


def _explained(database: Database, error: BaseException) -> Exception | None:
    """What a driver's error means to whoever asked; None if it is none, or nobody but us could do something."""
    if isinstance(error, NoConnectionFree):
        return Unavailable(
            "too many requests are waiting for the database: try again",
            ja="データベースの順番待ちが多すぎます。もう一度お試しください",
        )
    if not isinstance(error, DBAPIError | sqlite3.Error | psycopg.Error):
        return None
    # The hot paths use the driver itself, whose errors come unwrapped.
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return database.explain(original)
