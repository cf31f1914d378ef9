"""What runs beyond its time is stopped, whenever in its time it begins."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from catalog.errors import TooSlow
from catalog.store.deadline import Deadlines

FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("begins_after_seconds", [0.0, 0.2])
def test_a_statement_is_stopped_also_if_it_begins_after_its_deadline(begins_after_seconds: float) -> None:
    def run(driver: sqlite3.Connection) -> None:
        with Deadlines().within(0.05, driver.interrupt):
            # A busy machine may take as long until the statement's turn comes.
            time.sleep(begins_after_seconds)
            driver.execute(FOR_EVER).fetchall()

    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as driver:
        with pytest.raises(TooSlow):
            run(driver)
        # Nothing that comes later on the connection is stopped.
        time.sleep(0.3)
        assert driver.execute("SELECT 1").fetchone() == (1,)


def test_what_ends_in_time_is_left_alone() -> None:
    stopped: list[bool] = []
    deadlines = Deadlines()
    with deadlines.within(0.2, lambda: stopped.append(True)):
        pass
    with pytest.raises(ZeroDivisionError), deadlines.within(0.2, lambda: stopped.append(True)):
        raise ZeroDivisionError
    time.sleep(0.4)
    assert stopped == []
