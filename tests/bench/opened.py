"""A catalogue of its own for a measurement, on either database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.questions.reader import ADMINISTRATOR
from catalog.settings import read_settings
from tests.bench.figures import FOLDER
from tests.bench.records import SCOPE, SOURCE


@contextmanager
def opened(database: str | None = None, keep: Path | None = None) -> Iterator[Catalog]:
    """An empty catalogue with the scope and source of the made-up records, deleted afterwards unless it is to be kept."""
    FOLDER.mkdir(exist_ok=True)
    folder = keep or Path(tempfile.mkdtemp(dir=FOLDER))
    catalog = open_catalog(read_settings(data=folder, database=database))
    try:
        prepare(catalog)
        yield catalog
    finally:
        catalog.close()
        if keep is None:
            shutil.rmtree(folder)


def prepare(catalog: Catalog) -> None:
    """Register what the made-up records name."""
    if catalog.scopes.facts(SCOPE) is None:
        catalog.scopes.create(SCOPE, ADMINISTRATOR, title={"en": "Measurements"}, mode="everyone")
        prefixes = {"panet": "http://purl.org/pan-science/PaNET/"}
        document = {"id": SOURCE, "title": {"en": "Measurements"}, "homeScope": SCOPE, "prefixes": prefixes}
        register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
