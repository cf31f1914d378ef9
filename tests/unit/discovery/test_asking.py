"""Whom a newcomer asks for the sample's controlled data."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.assembly import open_catalog
from catalog.cli.installation import fill_sample
from catalog.cli.progress import Progress
from catalog.discovery.asking import Asking, asking
from catalog.discovery.files import files
from catalog.errors import Forbidden
from catalog.questions.reader import PUBLIC, Grant, Reader
from catalog.settings import read_settings

CONTROLLED = "dataset/jga/JGAD999901"


def test_the_samples_controlled_data_are_given_on_approval_and_tell_who_decides(tmp_path: Path) -> None:
    catalog = open_catalog(read_settings(data=tmp_path / "data"))
    try:
        fill_sample(catalog, Progress("", asked=False))
        told = asking(CONTROLLED, PUBLIC, answers=catalog.answers, scopes=catalog.scopes)
        with pytest.raises(Forbidden, match="on approval"):
            files(CONTROLLED, PUBLIC, answers=catalog.answers, scopes=catalog.scopes)
        approved = Reader("person:approved", (Grant("download", "jga/JGAD999901"),))
        given = asking(CONTROLLED, approved, answers=catalog.answers, scopes=catalog.scopes)
        every = catalog.scopes.facts("jga")
    finally:
        catalog.close()

    assert isinstance(told, Asking)
    assert told.waits
    assert told.scope.resource == "https://jga.example.org/datasets/JGAD999901"
    (policy,) = told.policies
    assert policy["id"] == "policy/jga/JGAP999901"
    (committee,) = policy["committees"]
    assert (committee["id"], committee["homepage"]) == ("agent/jga/JGAC999901", "https://dac.example.ac.jp/")
    assert isinstance(given, Asking)
    assert not given.waits
    assert every is not None
    assert every.data_approval
