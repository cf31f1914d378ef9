"""A catalogue in a folder of its own, with a source `lab`, to enter records into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.questions.reader import ADMINISTRATOR
from catalog.settings import read_settings


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """An open catalogue; each test names records of its own."""
    opened = open_catalog(read_settings(data=tmp_path_factory.mktemp("catalogue")))
    for scope in ("lab", "lab/closed", "other"):
        opened.scopes.create(scope, ADMINISTRATOR, title={"en": scope}, mode="everyone")
    document = {"id": "lab", "title": {"en": "A laboratory"}, "homeScope": "lab"}
    register_source(document, ADMINISTRATOR, sources=opened.sources, scopes=opened.scopes)
    yield opened
    opened.close()
