"""Units that an installation takes in from QUDT's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.curation.units import load_units
from catalog.errors import Forbidden, Malformed
from catalog.ledger.units import units_of
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from catalog.records.quantities import SHIPPED, Unit
from catalog.store.engine import open_store


def test_what_the_shipped_table_cannot_name_has_its_name_once_qudts_file_was_loaded(
    tmp_path: Path, test_data: Path
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/catalogue.db")
    store.migrate()
    (path,) = (test_data / "ontologies" / "units").glob("*.csv")
    before = SHIPPED.understand("A.h.dm-3")

    with path.open(encoding="utf-8") as lines, pytest.raises(Forbidden):
        load_units(lines, PUBLIC, store=store)
    assert units_of(store) is SHIPPED
    with path.open(encoding="utf-8") as lines:
        named = load_units(lines, ADMINISTRATOR, store=store)
    after = units_of(store).understand("A.h.dm-3")

    assert named > 1_000
    assert isinstance(before, Unit)
    assert before.qudt is None
    assert isinstance(after, Unit)
    assert after.qudt == "A-HR-PER-DeciM3"
    store.close()


def test_a_table_without_the_columns_is_refused_by_their_names(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/catalogue.db")
    store.migrate()
    with pytest.raises(Malformed, match="multiplier"):
        load_units(["iri,ucum\n", "http://qudt.org/vocab/unit/M,m\n"], ADMINISTRATOR, store=store)
    with pytest.raises(Malformed, match="no table of units"):
        load_units(["iri,ucum,multiplier\n", "http://qudt.org/vocab/unit/M,m,long\n"], ADMINISTRATOR, store=store)
    store.close()
