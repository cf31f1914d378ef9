"""Names of units that an installation has taken in from QUDT's file, beside those of the shipped table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import orjson
from sqlalchemy import delete, insert, select

from catalog.records.quantities import SHIPPED, Units, index_qudt
from catalog.store.engine import Store
from catalog.store.tables import setting

NAME: Final = "units"
COLUMNS: Final = ("iri", "ucum", "multiplier", "deprecated")


def units_of(store: Store) -> Units:
    """The shipped units, and what was taken in."""
    with store.read() as connection:
        told = connection.scalar(select(setting.c.value).where(setting.c.name == NAME))
    if told is None:
        return SHIPPED
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in orjson.loads(told))
    return Units(index_qudt(rows))


def take_in_units(rows: Iterable[Mapping[str, str]], *, store: Store) -> int:
    """Keep QUDT's rows in place of any before; how many compositions of units they name."""
    kept = [[row.get(column) or "" for column in COLUMNS] for row in rows if row.get("ucum")]
    named = index_qudt(dict(zip(COLUMNS, row, strict=True)) for row in kept)
    with store.write() as connection:
        connection.execute(delete(setting).where(setting.c.name == NAME))
        connection.execute(insert(setting).values(name=NAME, value=orjson.dumps(kept).decode()))
    return len(named)
