"""What is made from the committed schema is made from this one."""

from __future__ import annotations

from scripts.write_client import COMMITTED, SCHEMA, written


def test_the_clients_types_are_those_of_the_schema() -> None:
    lines = [line.strip() for line in written(SCHEMA.read_text("utf-8")).splitlines()]
    committed = [line.strip() for line in COMMITTED.read_text("utf-8").splitlines()]
    assert [line for line in committed if line] == [line for line in lines if line], (
        "run `python -m scripts.write_client`"
    )
