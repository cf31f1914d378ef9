"""The queries that the mirror's page gives to people with a SQL tool run, and find what they are said to find."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from catalog.cli import catalog
from scripts.write_docs import DOCS

QUERIES = re.findall(r"^```sql\n(.*?)^```$", (DOCS / "mirror.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


def filled(folder: Path, *more: str) -> None:
    done = CliRunner().invoke(catalog, ["sample", "--data", str(folder), *more])
    assert done.exit_code == 0, done.output


def check(answers: list[list[tuple[Any, ...]]]) -> None:
    data, energies, missing = answers
    assert all(
        row[0].startswith("sample/") and row[2].startswith("experiment/") and row[3].startswith("dataset/")
        for row in data
    )
    assert {row[5] for row in energies} >= {"keV"}
    assert data
    assert missing


def test_the_page_has_three_queries() -> None:
    assert len(QUERIES) == 3


def test_the_queries_answer_on_sqlite(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(f"file:{tmp_path / 'catalog.sqlite'}?mode=ro", uri=True)) as connection:
        check([connection.execute(query).fetchall() for query in QUERIES])


@pytest.mark.service
def test_the_queries_answer_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    filled(tmp_path, "--database", postgresql)
    with psycopg.connect(postgresql) as connection:
        check([connection.execute(query.encode()).fetchall() for query in QUERIES])
