"""A first start makes a catalogue; later ones keep what it fixed; what stands in the way is said."""

from __future__ import annotations

import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog.assembly import Catalog, administrators_token, exists, open_catalog, prepare_folder
from catalog.errors import Misconfigured
from catalog.settings import Settings, read_settings
from catalog.validation.profiles import CompiledProfile, compile_profile


def settings(folder: Path, **said: object) -> Settings:
    return read_settings({}, data=folder, **said)


def opened(folder: Path, **said: object) -> closing[Catalog]:
    return closing(open_catalog(settings(folder, **said)))


def test_the_first_start_makes_a_token_that_only_its_owner_reads_and_later_ones_keep_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    assert not exists(settings(folder))
    with opened(folder) as catalog:
        made = catalog.made_token
        assert made is not None
        assert catalog.token == made
    file = folder / "admin-token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert file.read_text().strip() == made
    assert exists(settings(folder))
    with opened(folder) as catalog:
        assert catalog.token == made
        assert catalog.made_token is None
    assert made not in repr(catalog)


def test_a_token_that_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    opened(tmp_path).thing.close()
    (tmp_path / "admin-token").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        open_catalog(settings(tmp_path))


def test_a_token_that_is_too_short_to_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "admin-token").touch(0o600)
    (tmp_path / "admin-token").write_text("short\n")
    with pytest.raises(Misconfigured, match="delete it"):
        administrators_token(tmp_path / "admin-token")


def test_the_base_address_of_the_first_start_stays_whatever_the_port_is_later(tmp_path: Path) -> None:
    with opened(tmp_path, port=8123) as catalog:
        assert catalog.base == "http://127.0.0.1:8123/"
    with opened(tmp_path, port=9000) as catalog:
        assert catalog.base == "http://127.0.0.1:8123/"
    with opened(tmp_path, base="http://127.0.0.1:8123") as catalog:
        assert catalog.base == "http://127.0.0.1:8123/"


def test_another_base_address_later_is_refused_and_the_fixed_one_is_named(tmp_path: Path) -> None:
    opened(tmp_path, base="https://one.example.org/").thing.close()
    with pytest.raises(Misconfigured, match=r"https://one\.example\.org/ since its first start"):
        open_catalog(settings(tmp_path, base="https://two.example.org/"))


def test_the_first_start_makes_each_shipped_profile_ready_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Counter[str] = Counter()

    def counted(name: str, version: int, *told: Any, **more: Any) -> CompiledProfile:
        made[f"{name}@{version}"] += 1
        return compile_profile(name, version, *told, **more)

    monkeypatch.setattr("catalog.curation.profiles.compile_profile", counted)
    with opened(tmp_path) as catalog:
        published = {each.reference for each in catalog.profiles.versions() if each.published_at is not None}
    assert set(made) == published != set()
    assert set(made.values()) == {1}


def test_several_first_starts_at_once_make_one_catalogue(tmp_path: Path) -> None:
    def start(_: int) -> tuple[str, str]:
        with opened(tmp_path) as catalog:
            return catalog.base, catalog.token

    with ThreadPoolExecutor(4) as starts:
        assert len(set(starts.map(start, range(4)))) == 1


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(Misconfigured, match="is a file"):
        prepare_folder(tmp_path / "data")


def test_a_data_folder_in_which_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    # A file in the way stops root too, whom no mode does.
    (tmp_path / "way").write_text("")
    with pytest.raises(Misconfigured, match="cannot be written to"):
        prepare_folder(tmp_path / "way" / "data")


def test_a_folder_of_kinds_without_kinds_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="has no schemas/kinds"):
        open_catalog(settings(tmp_path / "data", kinds=[tmp_path]))


def test_shipped_profiles_are_published_also_where_an_earlier_start_was_cut_off(tmp_path: Path) -> None:
    with opened(tmp_path) as catalog:
        shipped = [each.reference for each in catalog.profiles.versions()]
        assert shipped
        with catalog.store.write() as connection:
            connection.execute(text("UPDATE profile_version SET published_at = NULL"))
    with opened(tmp_path) as catalog:
        assert [each.reference for each in catalog.profiles.versions() if each.published_at] == shipped
