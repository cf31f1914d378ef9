"""What is sealed opens only here, and as being about the same."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.access.seal import Seal
from catalog.errors import Misconfigured


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again_and_only_about_the_same(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seal = Seal(tmp_path_factory.mktemp("seal") / "key")
    sealed = seal.seal(text, "issuer spring8")
    assert seal.open(sealed, "issuer spring8") == text
    assert seal.open(sealed, "issuer fugaku") is None
    assert sealed != seal.seal(text, "issuer spring8")


def test_another_installation_opens_nothing(tmp_path: Path) -> None:
    sealed = Seal(tmp_path / "one").seal("secret", "x")
    assert Seal(tmp_path / "one").open(sealed, "x") == "secret"
    assert Seal(tmp_path / "other").open(sealed, "x") is None


def test_what_was_changed_or_never_sealed_does_not_open(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "key")
    sealed = seal.seal("secret", "x")
    for spoilt in (
        "",
        "A",
        "é",
        "not sealed",
        sealed[:-8],
        sealed[:10] + ("A" if sealed[10] != "A" else "B") + sealed[11:],
    ):
        assert seal.open(spoilt, "x") is None


def test_the_key_is_made_at_first_need_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    seal = Seal(path)
    assert not path.exists()
    seal.seal("secret", "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    path.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Seal(path).seal("secret", "x")


def test_a_key_that_is_none_is_not_replaced_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for written in ("", "short", "é"):
        path.write_text(written, "utf-8")
        path.chmod(0o600)
        with pytest.raises(Misconfigured, match="holds no key"):
            Seal(path).seal("secret", "x")
        assert path.read_text("utf-8") == written


def test_of_many_who_make_the_key_at_one_moment_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        sealed = list(threads.map(lambda number: Seal(tmp_path / "key").seal(str(number), "x"), range(32)))
    assert [Seal(tmp_path / "key").open(each, "x") for each in sealed] == [str(number) for number in range(32)]
