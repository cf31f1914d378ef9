"""What a file's entry may say of itself."""

from __future__ import annotations

import pytest

from catalog.curation.file_rules import file_findings


@pytest.mark.parametrize("path", ["a/b.h5", "...", "a..b/c", "/abs/x", "生データ/走査 1.csv"])
def test_a_path_inside_the_dataset_is_taken(path: str) -> None:
    assert file_findings([{"path": path}]) == ()


@pytest.mark.parametrize("path", ["..", "../x", "a/../b", "a/..", " ", "a\nb", "a\x00b"])
def test_a_path_that_leaves_the_dataset_or_hides_characters_is_refused(path: str) -> None:
    (finding,) = file_findings([{"path": path}])
    assert (finding.pointer, finding.rule) == ("/files/0/path", "schema/pattern")
