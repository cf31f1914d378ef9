"""Take in units: QUDT's file gives the units that the shipped table lacks their names in the graph."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Final

from catalog.errors import Forbidden, Malformed
from catalog.ledger.units import take_in_units
from catalog.questions.reader import Reader
from catalog.store.engine import Store

NEEDED: Final = ("iri", "ucum", "multiplier")


def load_units(lines: Iterable[str], by: Reader, *, store: Store) -> int:
    """Read a CSV with a row for each unit (iri, ucum, multiplier, deprecated); how many compositions it names.

    Records that are linked from the next start of the catalogue on have these names; those before keep their UCUM code.
    """
    if not by.administrator:
        raise Forbidden("only administrators load units", ja="単位表を読み込めるのは管理者のみです")
    rows = csv.DictReader(lines, strict=True)
    try:
        if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
            raise Malformed(
                f"the file has no column {', '.join(missing)}: its first line must name iri, ucum, multiplier, deprecated",
                ja=f"列 {'、'.join(missing)} がありません。1行目に iri、ucum、multiplier、deprecated が必要です",
            )
        return take_in_units(rows, store=store)
    except (csv.Error, ValueError, UnicodeDecodeError) as problem:
        raise Malformed(f"this is no table of units: {problem}", ja=f"単位表として読めません: {problem}") from problem
