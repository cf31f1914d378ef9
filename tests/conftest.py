"""What every suite may ask for: the examples, the real records, a PostgreSQL; what is missing is said, never passed over."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.data import data_folder

PROJECT = Path(__file__).resolve().parent.parent

# On a busy machine of two cores a slow example is no finding, so no deadline; CI draws the same examples every time.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# Objects out of the collector's sight; a process with one catalogue has a third as many.
FROZEN = 1_500_000


def missing(what: str) -> None:
    """End the test that asks for `what`: as a failure where everything must be there, as a skip with its reason elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The project's own examples: a folder a kind, with `good` and `bad` in it."""
    return PROJECT / "schemas" / "examples"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The real records and the published suites: `CATALOG_TEST_DATA`, or `../shared/data` beside the checkout."""
    folder = data_folder()
    if not (folder / "README.md").is_file():
        missing(f"the test data are not at {folder}: set CATALOG_TEST_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The address of a PostgreSQL whose user may create databases, without a database's name at its end.

    `CATALOG_TEST_POSTGRESQL`, or what `make services` wrote into `.services/postgresql.address`.
    """
    told = os.environ.get("CATALOG_TEST_POSTGRESQL")
    written = PROJECT / ".services" / "postgresql.address"
    if not told and not written.is_file():
        # Only tests marked `service` ask for it, and whoever selects those means them to run.
        pytest.fail(
            "no PostgreSQL to test with: run `make services`, or set CATALOG_TEST_POSTGRESQL (postgresql://user@host:port)"
        )
    return (told or written.read_text()).strip().rstrip("/").removesuffix("/postgres")


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """The address of a new, empty database, which goes when the test ends."""
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
    yield f"{postgresql_server}/{name}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module", autouse=True)
def memory_let_go() -> Iterator[None]:
    """Give back what many opened catalogues left: each open takes what is there for good out of the collector's sight."""
    yield
    if gc.get_freeze_count() > FROZEN:
        gc.unfreeze()
        gc.collect()
